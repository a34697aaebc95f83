//! Calls: of functions, of instructions of the standard library, and of bodies that become part of their caller.

use super::code::{Label, backquoted};
use super::frame::{Binding, Frame, Got, Return, Want};
use super::types::Shape;
use super::{ClosureJob, Job, Lower, host};
use crate::check::Checked;
use crate::code::Code as Mistake;
use crate::thir::{Body, Closure, Cond, Expr, ExprKind, FnId, LocalId, Op, PatKind, Place, SpawnWhat};
use crate::ty::{Kind, NEVER, Ty};
use fardel_syntax::ast::Span;
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// Bodies in bodies that become part of one function.
const INLINE_DEPTH_MAX: usize = 24;
/// The same for small functions that nothing asks to be part of others.
const SMALL_DEPTH_MAX: usize = 4;
/// Parts of a small function's body.
const SMALL_PARTS_MAX: usize = 16;
/// Lines of a function that takes no further bodies in.
const INLINE_CODE_MAX: usize = 20_000;

impl<'c, 'a> Frame<'_, 'c, 'a> {
    pub(super) fn call(&mut self, id: FnId, types: &'c [Ty], args: &'c [Expr], expr: &'c Expr, want: Want) {
        let types = self.concrete_all(types);
        let def = self.l.p.fun(id);
        let (asm, is_inline) = (def.asm, def.is_inline);
        let result = self.got_of(expr);
        if let Some(asm) = asm
            && !has_handler(asm)
        {
            let asm = self.arguments(asm, args);
            self.instructions(asm, id, &types, expr.span);
            let result = self.left_by(id);
            return self.deliver_call(result, want);
        }
        let checked = self.l.checked;
        let body = checked.fns.get(id.0 as usize).and_then(Option::as_ref);
        let is_inline = is_inline && self.inlined.len() < INLINE_DEPTH_MAX
            || self.inlined.len() < SMALL_DEPTH_MAX && self.l.is_small(id);
        if let Some(body) = body
            && is_inline
            && !self.inlined.contains(&id)
            && self.code.len() < INLINE_CODE_MAX
        {
            let module = self.l.p.fun(id).module;
            let context = self.add_context(body, types.into(), module);
            let scope = self.code.open_scope();
            self.pass(args, &body.params, context);
            self.inlined.push(id);
            self.inline_body(context, &body.value, body.result, want);
            self.inlined.pop();
            return self.code.close_scope(scope);
        }
        self.operands(args);
        let name = self.l.instance(id, &types);
        self.call_by(&format!("call {}", backquoted(&name)), &format!("tail_call {}", backquoted(&name)), result, want);
    }

    /// What instructions leave: a value where their result is a type parameter, even if that is `()`.
    fn left_by(&self, id: FnId) -> Got {
        self.got(self.l.p.fun(id).result)
    }

    /// Pushes what instructions take; where they would exchange the two at once, in the other order.
    fn arguments(&mut self, asm: &'a str, args: &'c [Expr]) -> &'a str {
        if let (Some(rest), [first, second]) = (asm.strip_prefix("swap ; "), args)
            && (self.is_pure(first) || super::is_plain(&second.kind))
        {
            self.expr(second, Want::Value);
            self.expr(first, Want::Value);
            return rest;
        }
        self.operands(args);
        asm
    }

    /// Whether an expression gives the same whatever is done before it.
    fn is_pure(&mut self, expr: &'c Expr) -> bool {
        if let ExprKind::Field(of, _) = &expr.kind {
            return matches!(self.shape(of), Shape::Record(..) | Shape::Tuple(_)) && self.is_pure(of);
        }
        match &expr.kind {
            ExprKind::Local(local) => !self.is_var(*local),
            kind => super::is_plain(kind),
        }
    }

    /// A call, or one in place of the function where its value is the function's.
    fn call_by(&mut self, call: &str, tail: &str, got: Got, want: Want) {
        let goes_on = want != Want::Tail;
        let fits = if self.has_result { got == Got::Value } else { got != Got::Value };
        if !goes_on && fits {
            return self.code.op(tail.to_owned());
        }
        self.code.op(call.to_owned());
        self.deliver_call(got, want);
    }

    /// What a call has left; behind one that never returns nothing is reached.
    fn deliver_call(&mut self, got: Got, want: Want) {
        if got == Got::Never {
            return self.unreachable();
        }
        self.deliver(got, want);
    }

    pub(super) fn call_value(&mut self, callee: &'c Expr, args: &'c [Expr], expr: &'c Expr, want: Want) {
        match self.callee(callee) {
            Some(Binding::Closure(context, closure)) if self.returns.len() < INLINE_DEPTH_MAX * 2 => {
                let scope = self.code.open_scope();
                self.pass(args, &closure.params, context);
                self.inline_body(context, &closure.body, closure.result, want);
                return self.code.close_scope(scope);
            }
            Some(Binding::Function(id, types)) => return self.call_known(id, &types, args, expr, want),
            Some(Binding::Slot(_) | Binding::Literal(_) | Binding::Closure(..)) | None => {}
        }
        let scope = self.code.open_scope();
        let is_late = super::is_plain(&callee.kind) || args.iter().all(|arg| super::is_plain(&arg.kind));
        let function = if is_late { None } else { Some(self.stable(callee, "function")) };
        self.operands(args);
        match function {
            Some(slot) => self.code.load(slot),
            None => self.expr(callee, Want::Value),
        }
        let ty = self.ty(callee);
        let text = self.l.asm_type(ty);
        let got = self.got_of(expr);
        self.call_by(&format!("call_value {text}"), &format!("tail_call_value {text}"), got, want);
        self.code.close_scope(scope);
    }

    /// What is called, where it is known.
    fn callee(&self, callee: &'c Expr) -> Option<Binding<'c>> {
        if let ExprKind::Closure(closure) = &callee.kind {
            return Some(Binding::Closure(self.at, closure));
        }
        let ExprKind::Local(local) = &callee.kind else { return None };
        self.binding(*local)
    }

    /// A call of a function that a parameter is known to be.
    fn call_known(&mut self, id: FnId, types: &[Ty], args: &'c [Expr], expr: &'c Expr, want: Want) {
        let got = self.got_of(expr);
        self.operands(args);
        if let Some(asm) = self.l.p.fun(id).asm
            && !has_handler(asm)
        {
            self.instructions(asm, id, types, expr.span);
            let left = self.left_by(id);
            return self.deliver_call(left, want);
        }
        let name = self.l.instance(id, types);
        self.call_by(&format!("call {}", backquoted(&name)), &format!("tail_call {}", backquoted(&name)), got, want);
    }

    /// Whether a name of a closure is only called, and that so seldom, or the closure is so small, that it needs no value.
    pub(super) fn only_calls(&self, local: LocalId, closure: &'c Closure) -> bool {
        const CALLS_MAX: usize = 4;
        let (mut uses, mut calls, mut size) = (0, 0, 0);
        let is_local = |expr: &Expr| matches!(&expr.kind, ExprKind::Local(other) if *other == local);
        each_part(&self.context().body.value, &mut |part| {
            uses += usize::from(is_local(part));
            if let ExprKind::CallValue(callee, _) = &part.kind {
                calls += usize::from(is_local(callee));
            } else if let ExprKind::Closure(inner) = &part.kind {
                uses += usize::from(inner.captures.contains(&local));
            } else if let ExprKind::Spawn(spawn) = &part.kind
                && let SpawnWhat::Closure(inner) = &spawn.what
            {
                uses += usize::from(inner.captures.contains(&local));
            }
        });
        each_part(&closure.body, &mut |_| size += 1);
        !self.is_var(local) && uses == calls && (calls == 1 || calls <= CALLS_MAX && size <= SMALL_PARTS_MAX)
    }

    /// Whether a loop's body may add to a list or map, or take from it.
    pub(super) fn may_change(&self, over: &'c Expr, body: &'c Expr) -> bool {
        let context = self.context();
        // A parameter is never what the body itself has made.
        let is_param = matches!(&over.kind, ExprKind::Local(local) if context.body.params.contains(local));
        let made = if is_param { made_in(context.body) } else { FxHashSet::default() };
        self.body_changes(body, self.at, &made, &mut FxHashSet::default(), 0)
    }

    fn body_changes(
        &self,
        body: &'c Expr,
        context: usize,
        made: &FxHashSet<LocalId>,
        seen: &mut FxHashSet<FnId>,
        depth: usize,
    ) -> bool {
        if depth > INLINE_DEPTH_MAX {
            return true;
        }
        self.l.changes(body, made, seen, &mut |callee, seen| {
            // A closure as written is seen as part of the expression.
            if let ExprKind::Closure(_) = &callee.kind {
                return false;
            }
            let ExprKind::Local(local) = &callee.kind else { return true };
            match self.contexts.get(context).and_then(|context| context.locals.get(local)) {
                Some(Binding::Closure(context, closure)) => {
                    self.body_changes(&closure.body, *context, &FxHashSet::default(), seen, depth + 1)
                }
                Some(Binding::Function(id, _)) => self.l.call_changes(*id, seen),
                Some(Binding::Slot(_) | Binding::Literal(_)) | None => true,
            }
        })
    }

    /// Gives the parameters of a body that becomes part of this function their meaning.
    fn pass(&mut self, args: &'c [Expr], params: &[LocalId], context: usize) {
        for (at, (arg, param)) in args.iter().zip(params).enumerate() {
            let later_is_plain = args.iter().skip(at + 1).all(|arg| super::is_plain(&arg.kind));
            let binding = self.argument(arg, later_is_plain, context, *param);
            self.bind_in(context, *param, binding);
        }
    }

    fn argument(&mut self, arg: &'c Expr, later_is_plain: bool, context: usize, param: LocalId) -> Binding<'c> {
        if let ExprKind::Closure(closure) = &arg.kind {
            return Binding::Closure(self.at, closure);
        }
        if let ExprKind::FnValue(id, types) = &arg.kind {
            return Binding::Function(*id, self.concrete_all(types).into());
        }
        if let ExprKind::Local(local) = &arg.kind {
            match self.binding(*local) {
                Some(Binding::Slot(slot)) if later_is_plain || !self.is_var(*local) => return Binding::Slot(slot),
                Some(other @ (Binding::Closure(..) | Binding::Function(..) | Binding::Literal(_))) => return other,
                Some(Binding::Slot(_)) | None => {}
            }
        } else if let Some(literal) = self.known(arg) {
            return Binding::Literal(literal);
        }
        let here = std::mem::replace(&mut self.at, context);
        let (ty, name) = (self.local_type(param), self.local_name(param));
        self.at = here;
        let slot = self.named_slot(&name, ty);
        self.expr(arg, Want::Into(slot));
        Binding::Slot(slot)
    }

    /// A body in the place of its call.
    fn inline_body(&mut self, context: usize, body: &'c Expr, result: Ty, want: Want) {
        let here = std::mem::replace(&mut self.at, context);
        let result = self.concrete(result);
        // A result that is nothing is nothing at every `return`.
        let inner = match (self.got(result), want) {
            (Got::Unit, Want::Value | Want::Into(_)) => Want::Nothing,
            (_, want) => want,
        };
        let label = self.code.label();
        let height = self.code.height;
        let to = if inner == Want::Tail { None } else { Some((label, inner, height)) };
        self.returns.push(Return { result, to });
        let loops = std::mem::take(&mut self.loops);
        self.expr(body, inner);
        self.loops = loops;
        self.returns.pop();
        self.code.bind(label);
        self.code.height = height;
        if inner != want {
            self.deliver(Got::Unit, want);
        }
        if result == NEVER && want != Want::Tail {
            self.unreachable();
        }
        self.at = here;
    }

    /// A closure as a value on the stack.
    pub(super) fn make_closure(&mut self, context: usize, closure: &'c Closure) {
        let here = std::mem::replace(&mut self.at, context);
        let job = self.closure_job(closure, false);
        self.at = here;
        let captures = job.captures.len();
        self.closures += 1;
        let name = self.l.unique_name(&format!("{}.closure_{}", self.base, self.closures));
        self.l.jobs.push((name.clone(), Job::Closure(job)));
        let op = if captures == 0 { "push" } else { "closure" };
        self.code.op(format!("{op} {}", backquoted(&name)));
    }

    /// Pushes what a closure captures, and says what it knows besides.
    pub(super) fn closure_job(&mut self, closure: &'c Closure, is_spawned: bool) -> ClosureJob<'c> {
        let (mut captures, mut known) = (Vec::new(), Vec::new());
        for local in &closure.captures {
            match self.binding(*local) {
                Some(Binding::Slot(slot)) => {
                    self.code.load(slot);
                    captures.push((*local, self.local_type(*local)));
                }
                Some(Binding::Closure(context, inner)) => {
                    self.make_closure(context, inner);
                    captures.push((*local, self.local_type(*local)));
                }
                Some(binding @ (Binding::Literal(_) | Binding::Function(..))) => known.push((*local, binding)),
                None => {}
            }
        }
        let context = self.context();
        let (body, args, module) = (context.body, Rc::clone(&context.args), context.module);
        ClosureJob { closure, body, args, module, captures, known, is_spawned }
    }

    /// The instructions that stand for a function of the standard library.
    fn instructions(&mut self, asm: &str, id: FnId, types: &[Ty], span: Span) {
        let def = self.l.p.fun(id);
        let (generics, result, module) = (def.generics.clone(), def.result, def.module);
        let result = self.l.p.types.instantiate(result, types);
        let mut text = asm.to_owned();
        for (generic, ty) in generics.iter().zip(types) {
            let hole = format!("{{{}}}", generic.name);
            if text.contains(&hole) {
                text = text.replace(&hole, &self.l.asm_type(*ty));
            }
        }
        if text.contains("{result}") {
            text = text.replace("{result}", &self.l.asm_type(result));
        }
        if text.contains("{label}") {
            let unique = self.code.unique();
            text = text.replace("{label}", &format!("l{unique}"));
        }
        for line in text.split('\n').flat_map(|line| line.split(" ; ")) {
            self.instruction(line.trim(), module, span);
        }
    }

    /// Whether a function's instructions end by making a tuple.
    pub(super) fn makes_tuple(&self, id: FnId) -> bool {
        self.l.p.fun(id).asm.is_some_and(|asm| asm.rsplit(" ; ").next().is_some_and(|last| last.starts_with("new (")))
    }

    /// The instructions without the last one, which makes a tuple.
    pub(super) fn parts_of_tuple(&mut self, id: FnId, types: &[Ty], span: Span) {
        let asm = self.l.p.fun(id).asm.unwrap_or("");
        let asm = asm.rsplit_once(" ; ").map_or("", |(before, _)| before);
        self.instructions(asm, id, types, span);
    }

    fn instruction(&mut self, line: &str, module: crate::program::ModuleId, span: Span) {
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        let jump = ["jmp", "jmp_if", "jmp_unless", "jmp_if_null"].into_iter().find(|jump| *jump == word);
        match (word, jump) {
            ("", _) => {}
            // A cast to what it is already.
            ("cast", _) if rest == "Any" => {}
            (_, Some(jump)) => {
                let label = self.code.named_label(rest);
                self.code.jump(jump, label);
            }
            ("handle", None) => {
                let mut names = rest.split_whitespace();
                let labels = [(); 3].map(|()| self.code.named_label(names.next().unwrap_or("")));
                self.code.handle(labels);
            }
            ("switch", None) => {
                let names = rest.trim_matches(['(', ')']);
                let labels: Vec<Label> = names.split_whitespace().map(|name| self.code.named_label(name)).collect();
                self.code.switch(labels);
            }
            ("call_host", None) => {
                match host::declaration(rest) {
                    Some(host) if !self.l.hosts.contains(&host) => self.l.hosts.push(host),
                    Some(_) => {}
                    None => {
                        self.l.refuse(module, span, Mistake::NotAvailable, format!("unknown host function `{rest}`"), "here")
                    }
                }
                self.code.op(format!("call_host {rest}"));
            }
            // A label, and perhaps an instruction behind it.
            (_, None) => match word.strip_suffix(':') {
                Some(name) => {
                    let label = self.code.named_label(name);
                    self.code.bind(label);
                    self.instruction(rest, module, span);
                }
                None => self.code.op(line.to_owned()),
            },
        }
    }

    /// A function of the standard library that is instructions, as a function: for values and fibers.
    pub(super) fn asm_body(&mut self, asm: &str, id: FnId, types: &[Ty]) {
        let def = self.l.p.fun(id);
        let (params, result, span) = (def.params.clone(), def.result, def.span);
        for param in &params {
            let ty = self.l.p.types.instantiate(param.ty, types);
            let text = self.l.asm_type(ty);
            let name = if param.name.is_empty() { "_" } else { param.name };
            let slot = self.code.param(name, text);
            self.code.load(slot);
        }
        let result = self.l.p.types.instantiate(result, types);
        let count = self.code.local_count();
        self.has_result = self.got(result) == Got::Value;
        self.instructions(asm, id, types, span);
        let left = self.left_by(id);
        self.deliver_call(left, Want::Tail);
        self.end(result, &[], 0, count);
    }
}

impl<'c, 'a> Lower<'c, 'a> {
    pub(super) fn asm_function(&mut self, name: String, id: FnId, args: Vec<Ty>) {
        let def = self.p.fun(id);
        let (module, asm) = (def.module, def.asm.unwrap_or(""));
        let checked = self.checked;
        // Any body serves, since nothing of it is looked at.
        let Some(body) = checked.fns.iter().flatten().next() else { return };
        let mut frame = Frame::new(self, name, module, body, args.clone().into());
        frame.asm_body(asm, id, &args);
    }

    /// Whether a function is so small that a call of it takes more than its body.
    pub(super) fn is_small(&mut self, id: FnId) -> bool {
        if let Some(known) = self.small.get(&id) {
            return *known;
        }
        let body = self.checked.fns.get(id.0 as usize).and_then(Option::as_ref);
        let mut found = body.is_some_and(|body| body.result != NEVER && self.is_small_body(&body.value, id));
        // A function of the program's own stays in traces, unless it cannot be in one.
        if let Some(body) = body
            && !self.p.module(self.p.fun(id).module).is_std
        {
            found &= self.never_fails(body);
        }
        self.small.insert(id, found);
        found
    }

    /// Whether a body, as far as that is easily seen, ends in no error.
    fn never_fails(&self, body: &Body) -> bool {
        let mut never = true;
        each_part(&body.value, &mut |part| {
            let is_float = matches!(self.p.types.kind(part.ty), Kind::Named(def, _) if *def == self.p.core.float);
            never &= match &part.kind {
                ExprKind::Op(op, _) => {
                    is_float
                        || matches!(
                            op,
                            Op::AddWrap
                                | Op::SubWrap
                                | Op::MulWrap
                                | Op::Eq
                                | Op::Ne
                                | Op::Not
                                | Op::Lt
                                | Op::Le
                                | Op::Gt
                                | Op::Ge
                        )
                }
                ExprKind::Call(..)
                | ExprKind::CallValue(..)
                | ExprKind::Index(..)
                | ExprKind::Receive(_)
                | ExprKind::Assign(..) => false,
                _ => true,
            };
        });
        never
    }

    fn is_small_body(&self, body: &Expr, id: FnId) -> bool {
        let (mut count, mut fits) = (0, true);
        each_part(body, &mut |part| {
            count += 1;
            fits &= !matches!(
                part.kind,
                ExprKind::Closure(_)
                    | ExprKind::Spawn(_)
                    | ExprKind::Serve(_)
                    | ExprKind::While(..)
                    | ExprKind::For(_)
                    | ExprKind::Interpolated(_)
            );
            fits &= part.ty != NEVER || matches!(part.kind, ExprKind::Return(_) | ExprKind::Block(..));
            fits &= !matches!(part.kind, ExprKind::Call(other, _, _) if other == id);
        });
        fits && count <= SMALL_PARTS_MAX
    }

    /// Whether an expression may add to a list or map, or take from it. `value_changes` says so of calls of values.
    fn changes(
        &self,
        expr: &'c Expr,
        made: &FxHashSet<LocalId>,
        seen: &mut FxHashSet<FnId>,
        value_changes: &mut dyn FnMut(&'c Expr, &mut FxHashSet<FnId>) -> bool,
    ) -> bool {
        let mut found = false;
        each_part(expr, &mut |part| {
            if found {
                return;
            }
            if let ExprKind::Call(id, _, args) = &part.kind {
                let own = args.first().is_some_and(|of| matches!(&of.kind, ExprKind::Local(of) if made.contains(of)));
                found = !(own && self.p.fun(*id).asm.is_some()) && self.call_changes(*id, seen);
            } else if let ExprKind::CallValue(callee, _) = &part.kind {
                found = value_changes(callee, seen);
            } else if let ExprKind::Assign(place, ..) = &part.kind {
                found = self.sets_entry(place);
            }
        });
        found
    }

    /// Whether an assignment may add an entry.
    fn sets_entry(&self, place: &Place) -> bool {
        let Place::Index(of, _) = place else { return false };
        match crate::thir::named(&self.p.types, of.ty) {
            Some((def, _)) => def == self.p.core.map,
            None => true,
        }
    }

    fn call_changes(&self, id: FnId, seen: &mut FxHashSet<FnId>) -> bool {
        const CHANGING: [&str; 10] = [
            "list_push",
            "list_pop",
            "list_insert",
            "list_remove",
            "list_truncate",
            "append",
            "clear",
            "map_remove",
            "map_slot",
            "set_add",
        ];
        const FUNCTIONS_MAX: usize = 64;
        let def = self.p.fun(id);
        if let Some(asm) = def.asm {
            return asm.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| CHANGING.contains(&word));
        }
        if seen.contains(&id) {
            return false;
        }
        if seen.len() >= FUNCTIONS_MAX {
            return true;
        }
        seen.insert(id);
        match self.checked.fns.get(id.0 as usize).and_then(Option::as_ref) {
            Some(body) => {
                let made = FxHashSet::default();
                self.changes(&body.value, &made, seen, &mut |callee, _| !matches!(callee.kind, ExprKind::Closure(_)))
            }
            None => true,
        }
    }
}

/// Whether instructions are the body of a function of their own, as they catch traps.
fn has_handler(asm: &str) -> bool {
    asm.split_whitespace().next() == Some("handle")
}

/// The names of lists and maps that a body makes and never assigns.
fn made_in(body: &Body) -> FxHashSet<LocalId> {
    let mut out = FxHashSet::default();
    each_part(&body.value, &mut |part| {
        if let ExprKind::Let(pat, value) = &part.kind
            && let PatKind::Bind(local) = &pat.kind
            && let ExprKind::List(_) | ExprKind::Map(_) = &value.kind
            && body.locals.get(local.0 as usize).is_some_and(|local| !local.is_var)
        {
            out.insert(*local);
        }
    });
    out
}

/// The functions that are called or used as values anywhere.
pub(super) fn called(checked: &Checked) -> FxHashSet<FnId> {
    let mut out = FxHashSet::default();
    let bodies = checked.fns.iter().chain(&checked.consts).chain(&checked.tests).flatten();
    for body in bodies {
        each_part(&body.value, &mut |part| {
            if let ExprKind::Call(id, _, _) | ExprKind::FnValue(id, _) = &part.kind {
                out.insert(*id);
            }
        });
    }
    out
}

/// Shows every part of an expression, those of closures included.
pub(super) fn each_part<'e>(expr: &'e Expr, see: &mut impl FnMut(&'e Expr)) {
    let mut work = vec![expr];
    while let Some(expr) = work.pop() {
        see(expr);
        parts_of(expr, &mut work);
    }
}

fn parts_of<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>) {
    match &expr.kind {
        ExprKind::Error
        | ExprKind::Unit
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Text(_)
        | ExprKind::Bytes(_)
        | ExprKind::Local(_)
        | ExprKind::Const(_)
        | ExprKind::FnValue(..)
        | ExprKind::Me
        | ExprKind::Break
        | ExprKind::Continue => {}
        ExprKind::Call(_, _, all)
        | ExprKind::Op(_, all)
        | ExprKind::Interpolated(all)
        | ExprKind::Tuple(all)
        | ExprKind::List(all)
        | ExprKind::Record(all)
        | ExprKind::Variant(_, all) => out.extend(all),
        ExprKind::CallValue(callee, all) => {
            out.push(callee);
            out.extend(all);
        }
        ExprKind::Closure(closure) => out.push(&closure.body),
        ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::Index(a, b) => out.extend([&**a, &**b]),
        ExprKind::Map(entries) => entries.iter().for_each(|(key, value)| out.extend([key, value])),
        ExprKind::With(base, changes) => {
            out.push(base);
            out.extend(changes.iter().map(|(_, value)| value));
        }
        ExprKind::Field(of, _) | ExprKind::Try(of, _) | ExprKind::Let(_, of) => out.push(of),
        ExprKind::Block(stmts, value) => {
            out.extend(stmts);
            out.extend(value.as_deref());
        }
        ExprKind::LetElse(_, value, otherwise) => out.extend([&**value, &**otherwise]),
        ExprKind::If(cond, then, otherwise) => {
            out.extend([condition_part(cond), then]);
            out.extend(otherwise.as_deref());
        }
        ExprKind::While(cond, body) => out.extend([condition_part(cond), body]),
        ExprKind::Match(value, arms) => {
            out.push(value);
            for arm in arms {
                out.extend(arm.guard.as_ref());
                out.push(&arm.body);
            }
        }
        ExprKind::Receive(receive) => received_parts(receive, out),
        ExprKind::Serve(serve) => {
            out.push(&serve.init);
            received_parts(&serve.receive, out);
        }
        ExprKind::Spawn(spawn) => {
            out.extend(spawn.options.iter().map(|(_, value)| value));
            match &spawn.what {
                SpawnWhat::Call(_, _, args) => out.extend(args),
                SpawnWhat::Closure(closure) => out.push(&closure.body),
            }
        }
        ExprKind::Return(value) => out.extend(value.as_deref()),
        ExprKind::For(each) => out.extend([&each.over, &each.body]),
        ExprKind::Assign(place, _, value) => {
            match &**place {
                Place::Local(_) => {}
                Place::Field(of, _) => out.push(of),
                Place::Index(of, index) => out.extend([of, index]),
            }
            out.push(value);
        }
    }
}

fn received_parts<'e>(receive: &'e crate::thir::Receive, out: &mut Vec<&'e Expr>) {
    for (_, arm) in &receive.arms {
        out.extend(arm.guard.as_ref());
        out.push(&arm.body);
    }
    for (time, body) in receive.after.iter() {
        out.extend([time, body]);
    }
}

fn condition_part(cond: &Cond) -> &Expr {
    match cond {
        Cond::Expr(expr) | Cond::Let(_, expr) => expr,
    }
}
