//! Types that functions are written for by the compiler: JSON and inputs of tests want them to be data.
//!
//! A function that hands its type parameter on to such a function wants the same of it; so the mistake is told where the type
//! is known, and not inside of the standard library.

use super::Checked;
use super::infer::{components, display};
use super::whole::{calls, solved};
use crate::code::Code;
use crate::program::{ModuleId, Program};
use crate::thir::{Body, FnId};
use crate::ty::{Kind, Ty};
use fardel_diagnostic::Report;
use fardel_syntax::ast::Span;
use rustc_hash::{FxHashMap, FxHashSet};

/// What is wanted of a type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Wanted {
    /// To be written as JSON and read from it.
    Json,
    /// To be made as an input of a test.
    Input,
}

/// A function and one of its type parameters.
type Place = (FnId, usize);

/// What is wanted of the type parameters of each function.
type Wants = FxHashMap<FnId, Vec<(usize, Wanted)>>;

/// Tells of types that are no data where that is wanted.
pub(super) fn check(p: &mut Program<'_>, checked: &Checked) {
    let wants = wants(p, checked);
    let consts = checked.consts.iter().enumerate().map(|(at, body)| (p.consts[at].module, body));
    let fns = checked.fns.iter().enumerate().map(|(at, body)| (p.fns[at].module, body));
    let all: Vec<(ModuleId, &Body)> =
        fns.chain(consts).filter_map(|(module, body)| Some((module, body.as_ref()?))).collect();
    for (module, body) in all {
        check_body(p, module, body, &wants);
    }
    for at in 0..checked.tests.len() {
        let test = &p.tests[at];
        let inputs: Vec<(Ty, Span)> = test.params.iter().map(|param| (param.ty, param.span)).collect();
        let module = test.module;
        if let Some(Some(body)) = checked.tests.get(at).filter(|_| inputs.is_empty()) {
            check_body(p, module, body, &wants);
        }
        for (ty, span) in inputs {
            if let Err(part) = is_data(p, ty, Wanted::Input, &mut FxHashSet::default()) {
                let message = format!("inputs of type `{}` cannot be made{}", display(p, &[], ty), because(p, ty, part));
                let report = Report::error(Code::Constraint, span, message).label("an input");
                p.tell(
                    module,
                    report.hint("inputs are numbers, texts, and records, sums, options, lists and maps of these"),
                );
            }
        }
    }
}

fn check_body(p: &mut Program<'_>, module: ModuleId, body: &Body, wants: &Wants) {
    if p.module(module).is_std {
        return;
    }
    for (id, args, span) in calls(body) {
        for (number, wanted) in wants.get(&id).into_iter().flatten() {
            let Some(ty) = args.get(*number) else { continue };
            let ty = solved(p, body, *ty);
            let Err(part) = is_data(p, ty, *wanted, &mut FxHashSet::default()) else { continue };
            let message =
                format!("`{}` is no data{}, and `{}` needs that", display(p, &[], ty), because(p, ty, part), p.fun(id).name);
            let report = Report::error(Code::Constraint, span, message).label("needed here");
            let is_map = matches!(p.types.kind(part), Kind::Named(def, _) if *def == p.core.map);
            p.tell(module, report.maybe_hint(is_map.then(|| "the keys of an object in JSON are `Text`".to_owned())));
        }
    }
}

fn because(p: &Program<'_>, ty: Ty, part: Ty) -> String {
    if ty == part { String::new() } else { format!(" because of `{}` in it", display(p, &[], part)) }
}

/// The type parameters of which something is wanted.
fn wants(p: &mut Program<'_>, checked: &Checked) -> Wants {
    let derived = |name: &str| match name {
        "to_json" | "from_json" => Some(Wanted::Json),
        "any" => Some(Wanted::Input),
        _ => None,
    };
    let own = p.fns.iter().enumerate().filter_map(|(at, def)| Some(((FnId(at as u32), 0), derived(def.derive?)?)));
    let mut out: Vec<(Place, Wanted)> = own.collect();
    if out.is_empty() {
        return Wants::default();
    }
    // Which parameters become parts of which arguments.
    let mut flows: FxHashMap<Place, Vec<Place>> = FxHashMap::default();
    for (at, body) in checked.fns.iter().enumerate() {
        let Some(body) = body.as_ref().filter(|_| !p.fns[at].generics.is_empty()) else { continue };
        for (id, args, _) in calls(body) {
            for (number, ty) in args.iter().enumerate() {
                let ty = solved(p, body, *ty);
                super::whole::each_part(p, ty, &mut |part| {
                    if let Kind::Param(parameter) = p.types.kind(part) {
                        flows.entry((id, number)).or_default().push((FnId(at as u32), *parameter as usize));
                    }
                });
            }
        }
    }
    let mut known: FxHashSet<(Place, Wanted)> = out.iter().copied().collect();
    let mut done = 0;
    while let Some((to, wanted)) = out.get(done).copied() {
        done += 1;
        for from in flows.get(&to).into_iter().flatten() {
            if known.insert((*from, wanted)) {
                out.push((*from, wanted));
            }
        }
    }
    let mut wants = Wants::default();
    out.into_iter().for_each(|((id, number), wanted)| wants.entry(id).or_default().push((number, wanted)));
    wants
}

/// Whether a type is data; else the part of it that is not.
fn is_data(p: &mut Program<'_>, ty: Ty, wanted: Wanted, seen: &mut FxHashSet<Ty>) -> Result<(), Ty> {
    if !seen.insert(ty) {
        return Ok(());
    }
    match p.types.kind(ty).clone() {
        // Of a parameter it is looked at where its type is known.
        Kind::Error | Kind::Param(_) | Kind::Var(_) => Ok(()),
        Kind::Never | Kind::Fn(..) => Err(ty),
        Kind::Tuple(items) => items.into_iter().try_for_each(|item| is_data(p, item, wanted, seen)),
        Kind::Named(def, args) => {
            let core = p.core;
            let simple = [core.int, core.float, core.bool, core.text, core.duration].contains(&def);
            let text = p.plain(core.text);
            let holds = match wanted {
                Wanted::Json if def == core.map => matches!(p.types.kind(args[0]), Kind::Param(_)) || args[0] == text,
                Wanted::Json => [core.option, core.list, core.set].contains(&def),
                Wanted::Input => [core.option, core.list, core.map].contains(&def),
            };
            if simple {
                return Ok(());
            }
            if matches!(p.def(def).kind, crate::program::DefKind::Builtin) && !holds {
                return Err(ty);
            }
            let parts = if holds { args } else { components(p, def, &args) };
            parts.into_iter().try_for_each(|part| is_data(p, part, wanted, seen))
        }
    }
}
