//! What holds of a program as a whole: constants that need no machine, types that end, parameters that are used.

use super::Checked;
use super::infer::display;
use crate::code::Code;
use crate::parts;
use crate::program::{DefKind, Field, ModuleId, Program};
use crate::thir::{Body, Expr, ExprKind, FnId, SpawnWhat};
use crate::ty::{DefId, Kind, Ty};
use fardel_diagnostic::Report;
use fardel_syntax::ast::Span;

/// Looks at the program once all of it is checked.
pub(super) fn check(p: &mut Program<'_>, checked: &Checked) {
    unused_parameters(p);
    endless_values(p);
    growing_types(p);
    growing_functions(p, checked);
    constants(p, checked);
}

// Constants.

/// Instructions that ask something of the machine or the host; all others give the same wherever they run.
const OF_MACHINE: &[&str] = &[
    "call_host",
    "random",
    "nodes",
    "new_ref",
    "self",
    "send",
    "try_send",
    "spawn",
    "monitor",
    "demonitor",
    "link",
    "unlink",
    "exit",
    "exit_other",
    "trap_exits",
    "reply",
    "remote_call",
    "await_reply",
    "deliver",
    "await_type_until",
    "wait",
    "register",
    "unregister",
    "whereis",
    "cluster_register",
    "cluster_unregister",
    "cluster_whereis",
    "group_join",
    "group_leave",
    "group_members",
    "timer_once",
    "timer_every",
    "timer_cancel",
    "barrier",
    "barrier_new",
    "yield",
];

/// Tells of constants that the compiler cannot evaluate.
fn constants(p: &mut Program<'_>, checked: &Checked) {
    let needs = functions_of_machine(p, checked);
    for at in 0..p.consts.len() {
        let constant = &p.consts[at];
        let (module, is_std) = (constant.module, p.module(constant.module).is_std);
        let Some(Some(body)) = checked.consts.get(at) else { continue };
        if is_std || p.module(module).sink.has_errors() {
            continue;
        }
        let mut told: Option<(Span, String)> = None;
        parts::each_part(&body.value, &mut |expr| {
            let why = match &expr.kind {
                ExprKind::Call(id, ..) | ExprKind::FnValue(id, _) if needs[id.0 as usize] => {
                    format!("`{}` asks the machine that runs it", p.fun(*id).name)
                }
                ExprKind::Me | ExprKind::Spawn(_) | ExprKind::Receive(_) | ExprKind::Serve(_) => {
                    "it is no part of a fiber".to_owned()
                }
                _ => return,
            };
            if told.as_ref().is_none_or(|(span, _)| expr.span.start < span.start) {
                told = Some((expr.span, why));
            }
        });
        if let Some((span, why)) = told {
            let message = format!("a constant is evaluated by the compiler, and {why}");
            let report = Report::error(Code::Constant, span, message).label("not known before the program runs");
            p.tell(module, report.hint("make it a function: `fn name() -> Type { .. }`"));
        }
    }
}

/// For each function whether it needs a machine to run on.
fn functions_of_machine(p: &Program<'_>, checked: &Checked) -> Vec<bool> {
    let mut callers: Vec<Vec<u32>> = vec![Vec::new(); p.fns.len()];
    let mut needs = vec![false; p.fns.len()];
    for (at, body) in checked.fns.iter().enumerate() {
        let asm = p.fns[at].asm.unwrap_or("");
        needs[at] = asm
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .any(|word| OF_MACHINE.contains(&word));
        let Some(body) = body else { continue };
        parts::each_part(&body.value, &mut |expr| match &expr.kind {
            ExprKind::Call(id, ..) | ExprKind::FnValue(id, _) => callers[id.0 as usize].push(at as u32),
            ExprKind::Me | ExprKind::Spawn(_) | ExprKind::Receive(_) | ExprKind::Serve(_) => needs[at] = true,
            _ => {}
        });
    }
    let mut work: Vec<u32> = (0..needs.len() as u32).filter(|at| needs[*at as usize]).collect();
    while let Some(at) = work.pop() {
        for caller in &callers[at as usize] {
            if !std::mem::replace(&mut needs[*caller as usize], true) {
                work.push(*caller);
            }
        }
    }
    needs
}

// Type parameters.

/// Whether a type parameter stands in a type.
fn stands_in(p: &Program<'_>, parameter: u32, ty: Ty) -> bool {
    let mut found = false;
    each_part(p, ty, &mut |part| found |= *p.types.kind(part) == Kind::Param(parameter));
    found
}

/// Whether something in a type is wrong, which was told.
fn is_wrong(p: &Program<'_>, ty: Ty) -> bool {
    let mut found = false;
    each_part(p, ty, &mut |part| found |= part == crate::ty::ERROR);
    found
}

/// Calls `each` with a type and all that it consists of.
pub(super) fn each_part(p: &Program<'_>, ty: Ty, each: &mut dyn FnMut(Ty)) {
    each(ty);
    match p.types.kind(ty) {
        Kind::Error | Kind::Never | Kind::Param(_) | Kind::Var(_) => {}
        Kind::Tuple(items) | Kind::Named(_, items) => items.iter().for_each(|item| each_part(p, *item, each)),
        Kind::Fn(params, result, receives) => {
            params.iter().chain([result]).chain(receives).for_each(|item| each_part(p, *item, each));
        }
    }
}

/// The types of a declared type's fields.
fn field_types(p: &Program<'_>, def: DefId) -> Vec<Ty> {
    match &p.def(def).kind {
        DefKind::Record(fields) | DefKind::Object(fields) => fields.iter().map(|field| field.ty).collect(),
        DefKind::Sum(variants) => variants.iter().flat_map(|variant| &variant.fields).map(|field| field.ty).collect(),
        DefKind::Alias(ty) => vec![*ty],
        DefKind::Unknown | DefKind::Builtin => Vec::new(),
    }
}

/// The types of a function's signature.
fn signature(p: &Program<'_>, id: FnId) -> Vec<Ty> {
    let def = p.fun(id);
    def.params.iter().map(|param| param.ty).chain([def.result]).chain(def.receives.iter().copied()).collect()
}

/// Tells of type parameters that stand in no type.
fn unused_parameters(p: &mut Program<'_>) {
    let mut told: Vec<(ModuleId, Report)> = Vec::new();
    for at in 0..p.fns.len() as u32 {
        let def = p.fun(FnId(at));
        let of_owner = def.owner.map_or(0, |owner| p.def(owner).generics.len());
        let types = signature(p, FnId(at));
        for (number, generic) in def.generics.iter().enumerate().skip(of_owner) {
            if p.module(def.module).is_std || types.iter().any(|ty| stands_in(p, number as u32, *ty) || is_wrong(p, *ty)) {
                continue;
            }
            let message = format!(
                "the type parameter `{}` of `{}` stands in none of its types, so no call says what it is",
                generic.name, def.name
            );
            let report = Report::error(Code::Unused, def.span, message).label(format!("`{}` is not used", generic.name));
            told.push((def.module, report.hint("leave it out")));
        }
    }
    for at in 0..p.defs.len() as u32 {
        let def = p.def(DefId(at));
        let methods = def.methods.values().flat_map(|id| signature(p, *id));
        // The type itself, as `self` has it, says nothing.
        let own = |ty: &Ty| !matches!(p.types.kind(*ty), Kind::Named(of, _) if of.0 == at);
        let types: Vec<Ty> = field_types(p, DefId(at)).into_iter().chain(methods).filter(own).collect();
        for (number, generic) in def.generics.iter().enumerate() {
            if p.module(def.module).is_std || types.iter().any(|ty| stands_in(p, number as u32, *ty) || is_wrong(p, *ty)) {
                continue;
            }
            let message =
                format!("the type parameter `{}` of `{}` stands in no field and no method", generic.name, def.name);
            let report = Report::warning(Code::Unused, def.span, message).label(format!("`{}` is not used", generic.name));
            told.push((def.module, report.hint("leave it out, or use it")));
        }
    }
    told.into_iter().for_each(|(module, report)| p.tell(module, report));
}

// Values that cannot be made.

/// Tells of records that hold one of themselves, so that there is no first one.
fn endless_values(p: &mut Program<'_>) {
    let can = with_values(p);
    let mut needs = Vec::new();
    for from in (0..can.len()).filter(|at| !can[*at]) {
        for ty in field_types(p, DefId(from as u32)) {
            let span = p.defs[from].span;
            each_needed(p, ty, &mut |def| {
                if !can[def.0 as usize] {
                    needs.push(Flow { from, to: def.0 as usize, grows: false, span, argument: ty });
                }
            });
        }
    }
    let circle = circles(can.len(), &needs);
    let mut told = vec![false; can.len()];
    for flow in needs.iter().filter(|flow| circle[flow.from] == circle[flow.to]) {
        if std::mem::replace(&mut told[circle[flow.from]], true) {
            continue;
        }
        let (module, span, name) = (p.defs[flow.from].module, p.defs[flow.from].span, p.defs[flow.from].name);
        let message = format!("no value of `{name}` can be made: each needs another one first");
        let report = Report::error(Code::Cycle, span, message).label("contains itself");
        p.tell(module, report.hint(format!("let it end: `Option<{name}>`, a list, or a variant without one")));
    }
}

/// For each declared type whether it has values.
fn with_values(p: &Program<'_>) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); p.defs.len()];
    for user in 0..p.defs.len() {
        for ty in field_types(p, DefId(user as u32)) {
            each_needed(p, ty, &mut |def| users[def.0 as usize].push(user));
        }
    }
    let mut can = vec![false; p.defs.len()];
    let mut work: Vec<usize> = (0..p.defs.len()).collect();
    while let Some(at) = work.pop() {
        if !can[at] && has_values(p, DefId(at as u32), &can) {
            can[at] = true;
            work.extend(&users[at]);
        }
    }
    can
}

/// Calls `each` with the declared types of which a value needs one.
fn each_needed(p: &Program<'_>, ty: Ty, each: &mut dyn FnMut(DefId)) {
    match p.types.kind(ty) {
        Kind::Tuple(items) => items.iter().for_each(|item| each_needed(p, *item, each)),
        Kind::Named(def, _) if (def.0 as usize) < p.defs.len() => each(*def),
        Kind::Named(..) | Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => {}
    }
}

/// Whether a type has values when those in `can` have.
fn has_values(p: &Program<'_>, def: DefId, can: &[bool]) -> bool {
    let all = |fields: &[Field<'_>]| fields.iter().all(|field| can_be(p, field.ty, can));
    match &p.def(def).kind {
        DefKind::Record(fields) | DefKind::Object(fields) => all(fields),
        DefKind::Sum(variants) => variants.iter().any(|variant| all(&variant.fields)),
        DefKind::Alias(_) | DefKind::Unknown | DefKind::Builtin => true,
    }
}

fn can_be(p: &Program<'_>, ty: Ty, can: &[bool]) -> bool {
    match p.types.kind(ty) {
        Kind::Tuple(items) => items.iter().all(|item| can_be(p, *item, can)),
        Kind::Named(def, _) => can.get(def.0 as usize).copied().unwrap_or(true),
        Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => true,
    }
}

// Types that grow.

/// That a type parameter becomes a part of the argument for another: `from` and `to` number parameters of the program.
struct Flow {
    from: usize,
    to: usize,
    /// Whether it is a part, and not all, of the argument.
    grows: bool,
    span: Span,
    /// What the parameter becomes.
    argument: Ty,
}

/// For each owner of type parameters the number of its first one, and one more for their sum.
fn numbers(counts: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut out = vec![0];
    for count in counts {
        out.push(out.last().copied().unwrap_or(0) + count);
    }
    out
}

fn flows(p: &Program<'_>, from: usize, to: usize, args: &[Ty], span: Span, out: &mut Vec<Flow>) {
    for (number, arg) in args.iter().enumerate() {
        each_part(p, *arg, &mut |part| {
            if let Kind::Param(parameter) = p.types.kind(part) {
                let (from, to) = (from + *parameter as usize, to + number);
                out.push(Flow { from, to, grows: part != *arg, span, argument: *arg });
            }
        });
    }
}

/// For each node the number of the circle that it is in.
fn circles(count: usize, flows: &[Flow]) -> Vec<usize> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); count];
    for flow in flows {
        if flow.from < count && flow.to < count {
            next[flow.from].push(flow.to);
            before[flow.to].push(flow.from);
        }
    }
    // After Kosaraju: in the reverse order in which walks forwards end, each walk backwards is one circle.
    let (mut seen, mut order) = (vec![false; count], Vec::new());
    for start in 0..count {
        let mut stack = vec![(start, 0)];
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        while let Some((at, edge)) = stack.last_mut() {
            match next[*at].get(*edge).copied() {
                Some(to) => {
                    *edge += 1;
                    if !std::mem::replace(&mut seen[to], true) {
                        stack.push((to, 0));
                    }
                }
                None => {
                    order.push(*at);
                    stack.pop();
                }
            }
        }
    }
    let mut circle = vec![usize::MAX; count];
    for start in order.into_iter().rev() {
        let mut stack = vec![start];
        while let Some(at) = stack.pop() {
            if circle[at] == usize::MAX {
                circle[at] = start;
                stack.extend(&before[at]);
            }
        }
    }
    circle
}

/// Tells of types whose parts are of ever larger types.
fn growing_types(p: &mut Program<'_>) {
    let first = numbers(p.defs.iter().map(|def| def.generics.len()));
    let mut all = Vec::new();
    for at in 0..p.defs.len() {
        let span = p.defs[at].span;
        for field in field_types(p, DefId(at as u32)) {
            each_part(p, field, &mut |part| {
                if let Kind::Named(def, args) = p.types.kind(part) {
                    flows(p, first[at], first[def.0 as usize], args, span, &mut all);
                }
            });
        }
    }
    let circle = circles(first.last().copied().unwrap_or(0), &all);
    let mut told = Vec::new();
    for flow in all.iter().filter(|flow| flow.grows && circle[flow.from] == circle[flow.to]) {
        let owner = first.partition_point(|start| *start <= flow.from) - 1;
        if told.contains(&circle[flow.from]) {
            continue;
        }
        told.push(circle[flow.from]);
        let def = &p.defs[owner];
        let (module, name) = (def.module, def.name);
        let (parameter, argument) = (def.generics[flow.from - first[owner]].name, display(p, &def.generics, flow.argument));
        let message =
            format!("`{name}` contains itself with types that grow without end: `{parameter}` becomes `{argument}`");
        let report = Report::error(Code::Growing, flow.span, message).label("has no largest part");
        p.tell(module, report.hint("a type contains itself with its own parameters"));
    }
}

/// Tells of functions that call themselves with ever larger types.
fn growing_functions(p: &mut Program<'_>, checked: &Checked) {
    let first = numbers(p.fns.iter().map(|def| def.generics.len()));
    let mut all = Vec::new();
    for (at, body) in checked.fns.iter().enumerate() {
        let Some(body) = body.as_ref().filter(|_| !p.fns[at].generics.is_empty()) else { continue };
        for (id, args, span) in calls(body) {
            let args: Vec<Ty> = args.iter().map(|ty| solved(p, body, *ty)).collect();
            flows(p, first[at], first[id.0 as usize], &args, span, &mut all);
        }
    }
    let circle = circles(first.last().copied().unwrap_or(0), &all);
    let mut told = Vec::new();
    for flow in all.iter().filter(|flow| flow.grows && circle[flow.from] == circle[flow.to]) {
        if told.contains(&circle[flow.from]) {
            continue;
        }
        told.push(circle[flow.from]);
        let owner = |parameter: usize| first.partition_point(|start| *start <= parameter) - 1;
        let def = &p.fns[owner(flow.from)];
        let mut names: Vec<&str> = Vec::new();
        for at in (0..circle.len()).filter(|at| circle[*at] == circle[flow.from]) {
            let name = p.fns[owner(at)].name;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let (parameter, argument) =
            (def.generics[flow.from - first[owner(flow.from)]].name, display(p, &def.generics, flow.argument));
        let who = match names.as_slice() {
            [one] => format!("`{one}` calls itself"),
            several => format!("`{}` call each other", several.join("` and `")),
        };
        let message = format!("{who} with types that grow without end: `{parameter}` becomes `{argument}`");
        let module = def.module;
        let report = Report::error(Code::Growing, flow.span, message).label("larger than before");
        p.tell(module, report.hint("hold what grows in a list, or in a type that contains itself"));
    }
}

/// The calls of declared functions in a body, with their type arguments.
pub(super) fn calls(body: &Body) -> Vec<(FnId, &[Ty], Span)> {
    let mut out = Vec::new();
    parts::each_part(&body.value, &mut |expr: &Expr| match &expr.kind {
        ExprKind::Call(id, args, _) | ExprKind::FnValue(id, args) => out.push((*id, args.as_slice(), expr.span)),
        ExprKind::Spawn(spawn) => {
            if let SpawnWhat::Call(id, args, _) = &spawn.what {
                out.push((*id, args.as_slice(), expr.span));
            }
        }
        _ => {}
    });
    out
}

/// A type of a body with what inference found put in.
pub(super) fn solved(p: &mut Program<'_>, body: &Body, ty: Ty) -> Ty {
    p.types.replace(ty, &|kind| match kind {
        Kind::Var(number) => body.solutions.get(*number as usize).copied().flatten(),
        _ => None,
    })
}
