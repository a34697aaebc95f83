//! What fibers wait for: `receive`, `select`, `serve`.
//!
//! A function that is only spawned has its mailbox for itself, so that the first message is one of its own. Others leave
//! what is not theirs in its place.

use super::code::{Label, Slot};
use super::frame::{Binding, Frame, Got, Literal, Loop, Want};
use super::matching::Match;
use crate::thir::{Arm, Expr, ExprKind, Op, Receive, Serve, constructor, is_hole};
use crate::ty::Ty;

const NANOS: i64 = 1_000_000;

/// A wait: what may come, and where it goes on.
struct Wait<'c> {
    receive: &'c Receive,
    set: Vec<Ty>,
    want: Want,
    end: Label,
    /// Where the bodies of arms for all types stand, of which each type's tree has one.
    bodies: Vec<Option<Label>>,
    /// Where the time is over, with how long it is.
    late: Option<(Label, &'c Expr, &'c Expr)>,
}

impl<'c, 'a> Frame<'_, 'c, 'a> {
    pub(super) fn receive(&mut self, receive: &'c Receive, want: Want) {
        let end = self.code.label();
        self.wait(receive, want, end);
        self.code.bind(end);
    }

    /// Has the answer of a request come as a message: the request, the constructor with one hole, and the time.
    pub(super) fn delivery(&mut self, args: &'c [Expr], want: Want) {
        let [request, make, within] = args else { return };
        let Some((lets, closure, fields)) = constructor(make) else { return self.unreachable() };
        let (scope, height) = (self.code.open_scope(), self.code.height);
        let request = self.stable(request, "request");
        for one in lets {
            self.expr(one, Want::Nothing);
        }
        // It may leave the function, and so has to come before anything is on the stack.
        let millis = self.code.slot("millis", "Int".into());
        self.millis(within);
        self.code.store(millis);
        let mut hole = 0;
        for (at, field) in fields.iter().enumerate() {
            if is_hole(field, closure) {
                hole = at;
                self.time_over(field);
            } else {
                self.expr(field, Want::Value);
            }
        }
        let ty = self.ty(&closure.body);
        let made = if let ExprKind::Variant(variant, _) = closure.body.kind {
            let operand = self.l.variant_operand(ty, variant);
            self.code.op(format!("new_variant {operand}"));
            format!("deliver_variant {}", self.l.payload_operand(ty, variant, hole))
        } else {
            let text = self.l.asm_type(ty);
            self.code.op(format!("new {text}"));
            format!("deliver {text}.{}", self.l.field_name(ty, hole))
        };
        self.code.load(request);
        self.code.load(millis);
        self.code.op(made);
        self.code.height = height;
        self.code.close_scope(scope);
        self.deliver(Got::Unit, want);
    }

    /// `Err(Timeout)`, as the type of a hole.
    fn time_over(&mut self, hole: &'c Expr) {
        let answer = self.ty(hole);
        let error = self.l.field_types(answer, Some(1)).first().copied().unwrap_or(answer);
        for (ty, what) in [(error, "Timeout"), (answer, "Err")] {
            let text = self.l.asm_type(ty);
            self.code.op(format!("new_variant {text}.{what}"));
        }
        self.code.height += 1;
    }

    /// A loop that receives, with its state in a local.
    pub(super) fn serve(&mut self, serve: &'c Serve) {
        let ty = self.local_type(serve.state);
        let name = self.local_name(serve.state);
        let text = self.l.asm_type(ty);
        // An upgrade finds the state by its name.
        let state = self.code.lasting_slot(&name, text);
        self.expr(&serve.init, Want::Into(state));
        self.bind(serve.state, Binding::Slot(state));
        let (again, out) = (self.code.label(), self.code.label());
        self.code.serve(again, state);
        self.code.bind(again);
        // The state of a serve point is read there, so that it is there for whoever upgrades the code.
        self.code.load(state);
        self.code.op("drop");
        self.loops.push(Loop { again, out, height: self.code.height });
        self.wait(&serve.receive, Want::Nothing, again);
        self.loops.pop();
        self.code.bind(out);
        self.return_(None);
    }

    fn wait(&mut self, receive: &'c Receive, want: Want, end: Label) {
        let scope = self.code.open_scope();
        let height = self.code.height;
        let set = self.concrete_all(&receive.set);
        let late = receive.after.as_ref().map(|(time, body)| (self.code.label(), time, body));
        let is_shared = |which: &Option<usize>| which.is_none() && set.len() > 1;
        let bodies = receive.arms.iter().map(|(which, _)| is_shared(which).then(|| self.code.label())).collect();
        let wait = Wait { receive, set, want, end, bodies, late };
        match (receive.is_selective, wait.set.as_slice()) {
            (_, []) => self.sleep(&wait),
            (true, _) => self.select(&wait),
            (false, [only]) => {
                let only = *only;
                self.first_of_type(&wait, only);
            }
            // A body that became part of this function may receive less than it does.
            (false, all) if !self.is_called && self.receives.iter().all(|own| all.contains(own)) => self.first(&wait),
            (false, _) => self.select(&wait),
        }
        let bodies = wait.bodies.iter().zip(&receive.arms).filter_map(|(label, (_, arm))| Some(((*label)?, &arm.body)));
        for (label, body) in bodies.chain(wait.late.map(|(label, _, body)| (label, body))) {
            self.code.bind(label);
            self.code.height = height;
            self.expr(body, want);
            if want != Want::Tail {
                self.code.jump("jmp", end);
            }
        }
        self.code.height = height;
        self.code.close_scope(scope);
    }

    /// Pushes a time in milliseconds, not shorter than it is in nanoseconds.
    fn millis(&mut self, time: &'c Expr) {
        if let Some(Literal::Int(nanos)) = self.known(time) {
            let nanos = nanos.max(0);
            let millis = nanos / NANOS + i64::from(nanos % NANOS > 0);
            return self.code.op(format!("push {millis}"));
        }
        self.expr(time, Want::Value);
        self.code.height -= 1;
        for op in ["push 0", "max", "push 999999", "add_wrap", "push 1000000", "div"] {
            self.code.op(op);
        }
    }

    fn sleep(&mut self, wait: &Wait<'c>) {
        match wait.late {
            Some((_, time, _)) => {
                self.millis(time);
                self.code.op("await_type_until Null");
                self.code.op("drop");
            }
            None => {
                self.code.op("await_type Null");
                self.code.op("drop");
                self.unreachable();
            }
        }
    }

    /// The patterns for a type of the set.
    fn matching(&self, wait: &Wait<'c>, at: usize) -> Match<'c> {
        let own = wait.receive.arms.iter().zip(&wait.bodies);
        let own: Vec<(&'c Arm, Option<Label>)> = own
            .filter(|((which, _), _)| which.is_none_or(|which| which == at))
            .map(|((_, arm), label)| (arm, *label))
            .collect();
        let mut matching = Match::of_arms(own.iter().map(|(arm, _)| *arm), wait.want);
        matching.elsewhere = own.iter().map(|(_, label)| *label).collect();
        matching.end = Some(wait.end);
        matching
    }

    /// The first message of the only type.
    fn first_of_type(&mut self, wait: &Wait<'c>, ty: Ty) {
        let text = self.l.asm_type(ty);
        match wait.late {
            Some((label, time, _)) => {
                self.millis(time);
                self.code.op(format!("await_type_until {text}"));
                self.code.jump("jmp_if_null", label);
            }
            None => self.code.op(format!("await_type {text}")),
        }
        let slot = self.slot("message", ty);
        self.code.store(slot);
        let mut matching = self.matching(wait, 0);
        matching.knows(Vec::new(), slot, ty);
        self.match_known(&mut matching);
    }

    /// The first message, which is of the set.
    fn first(&mut self, wait: &Wait<'c>) {
        match wait.late {
            Some((label, time, _)) => {
                self.millis(time);
                self.code.op("await_recv_until");
                self.code.jump("jmp_if_null", label);
            }
            None => self.code.op("await_recv"),
        }
        let message = self.code.slot("message", "Any".into());
        self.code.store(message);
        self.by_type(wait, message, None);
    }

    /// The first message that an arm takes; the others keep their places.
    fn select(&mut self, wait: &Wait<'c>) {
        let millis = wait.late.map(|(label, time, _)| {
            let slot = self.code.slot("millis", "Int".into());
            self.millis(time);
            self.code.store(slot);
            (label, slot)
        });
        match self.token(wait.receive) {
            Some(token) => self.code.load(token),
            None => self.code.op("push null"),
        }
        self.code.op("select_from");
        let (again, next) = (self.code.label(), self.code.label());
        self.code.bind(again);
        let (only, text) = match wait.set.as_slice() {
            [only] => (Some(*only), self.l.asm_type(*only)),
            _ => (None, "Any".into()),
        };
        match millis {
            Some((label, slot)) => {
                self.code.load(slot);
                self.code.op(format!("select_peek_until {text}"));
                self.code.jump("jmp_if_null", label);
            }
            None => self.code.op(format!("select_peek {text}")),
        }
        let message = self.code.slot("message", text);
        self.code.store(message);
        match only {
            Some(ty) => {
                let mut matching = self.matching(wait, 0);
                matching.takes = true;
                matching.fail = Some(next);
                matching.knows(Vec::new(), message, ty);
                self.match_known(&mut matching);
            }
            None => self.by_type(wait, message, Some(next)),
        }
        self.code.bind(next);
        self.code.op("select_next");
        self.code.jump("jmp", again);
    }

    /// Parts messages by their types. With `next` there may be others, and a message is taken only when an arm wants it.
    fn by_type(&mut self, wait: &Wait<'c>, message: Slot, next: Option<Label>) {
        for (at, ty) in wait.set.iter().enumerate() {
            let scope = self.code.open_scope();
            let text = self.l.asm_type(*ty);
            let other = self.code.label();
            let is_last = at + 1 == wait.set.len();
            if !is_last || next.is_some() {
                self.code.load(message);
                self.code.op(format!("is {text}"));
                self.code.jump("jmp_unless", next.filter(|_| is_last).unwrap_or(other));
            }
            self.code.load(message);
            if &*text != "Any" {
                self.code.op(format!("cast {text}"));
            }
            let slot = self.slot("message", *ty);
            self.code.store(slot);
            let mut matching = self.matching(wait, at);
            matching.takes = next.is_some();
            matching.fail = next;
            matching.knows(Vec::new(), slot, *ty);
            self.match_known(&mut matching);
            self.code.bind(other);
            self.code.close_scope(scope);
        }
    }

    /// A token that every arm compares with: what came before it was made cannot hold it.
    fn token(&mut self, receive: &'c Receive) -> Option<Slot> {
        let mut found: Option<Slot> = None;
        for (_, arm) in &receive.arms {
            let Some(Expr { kind: ExprKind::Op(Op::Eq, operands), .. }) = &arm.guard else { return None };
            let known = operands.iter().find_map(|operand| {
                let slot = self.slot_of(operand)?;
                let is_var = matches!(&operand.kind, ExprKind::Local(local) if self.is_var(*local));
                (!is_var && &*self.code.slot_type(slot) == "Ref").then_some(slot)
            });
            if known.is_none() || found.is_some() && found != known {
                return None;
            }
            found = known;
        }
        found
    }
}
