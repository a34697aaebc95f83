//! Calls: of functions, and of bodies that become part of their caller.

use super::code::backquoted;
use super::frame::{Binding, Frame, Got, Return, Want};
use super::instructions::has_handler;
use super::types::Shape;
use super::{ClosureJob, Job};
use crate::thir::{Closure, DELIVER, Expr, ExprKind, FnId, LocalId};
use crate::ty::{NEVER, Ty};
use std::rc::Rc;

/// Bodies in bodies that become part of one function.
pub(super) const INLINE_DEPTH_MAX: usize = 24;
/// The same for small functions that nothing asks to be part of others.
const SMALL_DEPTH_MAX: usize = 4;
/// Parts of a small function's body.
pub(super) const SMALL_PARTS_MAX: usize = 16;
/// Lines of a function that takes no further bodies in.
const INLINE_CODE_MAX: usize = 20_000;

impl<'c, 'a> Frame<'_, 'c, 'a> {
    pub(super) fn call(&mut self, id: FnId, types: &'c [Ty], args: &'c [Expr], expr: &'c Expr, want: Want) {
        let types = self.concrete_all(types);
        let def = self.l.p.fun(id);
        let (asm, is_inline) = (def.asm, def.is_inline);
        let result = self.got_of(expr);
        if asm == Some(DELIVER) {
            return self.delivery(args, want);
        }
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
        self.call_function(id, &types, result, want);
    }

    fn call_function(&mut self, id: FnId, types: &[Ty], got: Got, want: Want) {
        let name = self.l.instance(id, types);
        let name = backquoted(&name);
        if want == Want::Tail && got == Got::Never && self.l.p.module(self.l.p.fun(id).module).is_std {
            // Such as a failed assertion, whose place the trace has to show.
            self.code.op(format!("call {name}"));
            return self.unreachable();
        }
        self.call_by(&format!("call {name}"), &format!("tail_call {name}"), got, want);
    }

    /// Whether an expression gives the same whatever is done before it.
    pub(super) fn is_pure(&mut self, expr: &'c Expr) -> bool {
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
    pub(super) fn deliver_call(&mut self, got: Got, want: Want) {
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
        let is_late = self.is_pure(callee) || args.iter().all(|arg| super::is_plain(&arg.kind));
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
        self.call_function(id, types, got, want);
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
        // A call with a hole, of which something is evaluated before.
        if let ExprKind::Block(lets, Some(made)) = &arg.kind
            && let ExprKind::Closure(closure) = &made.kind
        {
            for one in lets {
                self.expr(one, Want::Nothing);
            }
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
}
