//! What calls and bodies may do, as far as that is easily seen: whether they change lists, fail, or are so small that a call
//! of them takes more than they do.

use super::Lower;
use super::call::{INLINE_DEPTH_MAX, SMALL_PARTS_MAX};
use super::frame::{Binding, Frame};
use super::walk::made_in;
use crate::parts::each_part;
use crate::thir::{Body, Closure, Expr, ExprKind, FnId, LocalId, Op, Place, SpawnWhat};
use crate::ty::{Kind, NEVER};
use rustc_hash::FxHashSet;

impl<'c, 'a> Frame<'_, 'c, 'a> {
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

    pub(super) fn body_changes(
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
}

impl<'c, 'a> Lower<'c, 'a> {
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
                ExprKind::Call(..) | ExprKind::CallValue(..) | ExprKind::Index(..) | ExprKind::Assign(..) => false,
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
    pub(super) fn changes(
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

    pub(super) fn call_changes(&self, id: FnId, seen: &mut FxHashSet<FnId>) -> bool {
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
