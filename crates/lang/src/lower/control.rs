//! Control: `if`, loops, `return`.

use super::code::{Label, Slot};
use super::frame::{Binding, Frame, Got, Literal, Loop, Return, Want};
use super::matching::Match;
use crate::thir::{Cond, Expr, ExprKind, For, Loop as Over, Pat, PatKind};
use crate::ty::{NEVER, Ty, UNIT};

/// Parts of a condition that is written twice, before a loop and at its end.
const CONDITION_PARTS_MAX: usize = 16;

impl<'c, 'a> Frame<'_, 'c, 'a> {
    pub(super) fn if_(&mut self, cond: &'c Cond, then: &'c Expr, otherwise: Option<&'c Expr>, want: Want) {
        let height = self.code.height;
        let scope = self.code.open_scope();
        let (no, end) = (self.code.label(), self.code.label());
        self.condition(cond, no);
        // Without `else` there is no value.
        let inner = match (otherwise, want) {
            (None, Want::Value | Want::Into(_)) => Want::Nothing,
            (_, want) => want,
        };
        self.code.height = height;
        self.way(then, inner);
        self.code.close_scope(scope);
        self.code.height = height;
        match otherwise {
            None if inner == Want::Tail => {
                self.code.bind(no);
                self.deliver(Got::Unit, Want::Tail);
            }
            None => {
                self.code.bind(no);
                if inner != want {
                    self.deliver(Got::Unit, want);
                }
            }
            Some(otherwise) => {
                if want != Want::Tail {
                    self.code.jump("jmp", end);
                }
                self.code.bind(no);
                self.way(otherwise, want);
                self.code.bind(end);
            }
        }
    }

    /// One of several ways: one without a value gives `()` where a value is wanted.
    pub(super) fn way(&mut self, expr: &'c Expr, want: Want) {
        self.expr(expr, want);
    }

    /// Jumps when a condition does not hold; else what it binds is there.
    pub(super) fn condition(&mut self, cond: &'c Cond, no: Label) {
        match cond {
            Cond::Expr(expr) => self.jump(expr, false, no),
            Cond::Let(pat, value) => self.let_or(pat, value, no),
        }
    }

    /// Binds a pattern to a value, or jumps.
    pub(super) fn let_or(&mut self, pat: &'c Pat, value: &'c Expr, no: Label) {
        let mut matching = Match::new(vec![(pat, None, None)], Want::Nothing);
        matching.fail = Some(no);
        self.match_value(&mut matching, value);
    }

    /// Binds a pattern to what is in a local, or jumps.
    pub(super) fn test_pattern(&mut self, pat: &'c Pat, slot: Slot, ty: Ty, no: Label) {
        let mut matching = Match::new(vec![(pat, None, None)], Want::Nothing);
        matching.fail = Some(no);
        matching.knows(Vec::new(), slot, ty);
        self.match_known(&mut matching);
    }

    pub(super) fn let_else(&mut self, pat: &'c Pat, value: &'c Expr, otherwise: &'c Expr) {
        let failed = self.code.label();
        // The names are bound behind the tests; the other way has none of them.
        self.let_or(pat, value, failed);
        let cold = self.code.start_cold();
        self.code.bind(failed);
        self.expr(otherwise, Want::Nothing);
        self.code.end_cold(cold);
    }

    pub(super) fn return_(&mut self, value: Option<&'c Expr>) {
        let Some(Return { to, .. }) = self.returns.last().copied() else { return };
        match to {
            None => match value {
                Some(value) => self.expr(value, Want::Tail),
                None => self.deliver(Got::Unit, Want::Tail),
            },
            Some((label, want, height)) => {
                let now = self.code.height;
                self.drop_to(height);
                self.code.height = height;
                match value {
                    Some(value) => self.expr(value, want),
                    None => self.deliver(Got::Unit, want),
                }
                self.code.height = now;
                self.code.jump("jmp", label);
            }
        }
    }

    /// Leaves the body that is open with a value that is pushed.
    pub(super) fn leave_with(&mut self, returns: Return, push: impl FnOnce(&mut Self)) {
        match returns.to {
            None => {
                push(self);
                self.deliver(Got::Value, Want::Tail);
            }
            Some((label, want, height)) => {
                let now = self.code.height;
                self.drop_to(height);
                push(self);
                self.deliver(Got::Value, want);
                self.code.height = now;
                self.code.jump("jmp", label);
            }
        }
    }

    pub(super) fn leave_loop(&mut self, is_break: bool) {
        let Some(Loop { again, out, height }) = self.loops.last().copied() else { return self.unreachable() };
        self.drop_to(height);
        self.code.jump("jmp", if is_break { out } else { again });
    }

    fn looped(&mut self, again: Label, out: Label, body: &'c Expr) {
        self.loops.push(Loop { again, out, height: self.code.height });
        self.expr(body, Want::Nothing);
        self.loops.pop();
    }

    pub(super) fn while_(&mut self, cond: &'c Cond, body: &'c Expr) {
        let (start, again, out) = (self.code.label(), self.code.label(), self.code.label());
        match cond {
            Cond::Expr(expr) if self.known(expr) == Some(Literal::Bool(true)) => {
                self.code.bind(again);
                self.looped(again, out, body);
                self.code.jump("jmp", again);
            }
            // The test stands at the end, so that a round has one jump.
            Cond::Expr(expr) => {
                if parts(expr) <= CONDITION_PARTS_MAX {
                    self.jump(expr, false, out);
                } else {
                    self.code.jump("jmp", again);
                }
                self.code.bind(start);
                self.looped(again, out, body);
                self.code.bind(again);
                self.line(expr.span);
                self.jump(expr, true, start);
            }
            Cond::Let(pat, value) => {
                self.code.bind(again);
                let scope = self.code.open_scope();
                self.let_or(pat, value, out);
                self.looped(again, out, body);
                self.code.jump("jmp", again);
                self.code.close_scope(scope);
            }
        }
        self.code.bind(out);
    }

    pub(super) fn for_(&mut self, each: &'c For) {
        let scope = self.code.open_scope();
        match each.how {
            Over::Range { is_inclusive } => self.for_range(each, is_inclusive),
            Over::RangeValue => self.for_range_value(each),
            Over::List => self.for_elements(each, true),
            Over::Array => self.for_elements(each, false),
            Over::Map | Over::Set => self.for_entries(each),
            Over::Iter => self.for_iter(each),
        }
        self.code.close_scope(scope);
    }

    /// The counter of a loop: the name that it is bound to, where it is one.
    fn counter(&mut self, pat: &'c Pat, int: Ty) -> Slot {
        if let PatKind::Bind(local) = &pat.kind { self.own_slot(*local) } else { self.slot("i", int) }
    }

    /// A bound that does not change: a literal, or a local.
    fn bound(&mut self, expr: &'c Expr) -> Bound {
        if let Some(literal @ Literal::Int(_)) = self.known(expr) {
            return Bound::Literal(literal);
        }
        Bound::Slot(self.stable(expr, "end"))
    }

    fn push_bound(&mut self, bound: &Bound) {
        match bound {
            Bound::Literal(literal) => self.push(literal),
            Bound::Slot(slot) => self.code.load(*slot),
        }
    }

    fn for_range(&mut self, each: &'c For, is_inclusive: bool) {
        let ExprKind::Tuple(ends) = &each.over.kind else { return };
        let [from, to] = ends.as_slice() else { return };
        let int = self.int();
        // The first end comes first, though the name is only bound afterwards.
        let start = if self.is_pure(from) { None } else { Some(self.stable(from, "from")) };
        let mut end = self.bound(to);
        if is_inclusive {
            end = match end {
                Bound::Literal(Literal::Int(last)) if last < i64::MAX => Bound::Literal(Literal::Int(last + 1)),
                other @ (Bound::Literal(_) | Bound::Slot(_)) => {
                    let slot = self.slot("end", int);
                    self.push_bound(&other);
                    self.code.op("push 1");
                    self.code.op("add");
                    self.code.store(slot);
                    Bound::Slot(slot)
                }
            };
        }
        let known_start = self.known(from);
        let i = self.slot("i", int);
        match start {
            Some(slot) => {
                self.code.load(slot);
                self.code.store(i);
            }
            None => self.expr(from, Want::Into(i)),
        }
        self.bind_counter(&each.pat, i);
        let (body, again, out) = (self.code.label(), self.code.label(), self.code.label());
        let runs = matches!((&known_start, &end), (Some(Literal::Int(a)), Bound::Literal(Literal::Int(b))) if a < b);
        if !runs {
            self.code.load(i);
            self.push_bound(&end);
            self.code.op("lt");
            self.code.jump("jmp_unless", out);
        }
        self.code.bind(body);
        self.looped(again, out, &each.body);
        self.code.bind(again);
        self.line(each.over.span);
        self.step(i);
        self.code.load(i);
        self.push_bound(&end);
        self.code.op("lt");
        self.code.jump("jmp_if", body);
        self.code.bind(out);
    }

    fn bind_counter(&mut self, pat: &'c Pat, i: Slot) {
        let int = self.int();
        self.destructure(pat, i, int);
    }

    fn int(&mut self) -> Ty {
        let int = self.l.p.core.int;
        self.l.p.plain(int)
    }

    /// One more: a counter is below its bound, so this does not overflow.
    fn step(&mut self, i: Slot) {
        self.code.load(i);
        self.code.op("push 1");
        self.code.op("add");
        self.code.store(i);
    }

    /// A range as a value: how many rounds there are is known before the first.
    fn for_range_value(&mut self, each: &'c For) {
        let int = self.int();
        let range = self.stable(&each.over, "range");
        let ty = self.ty(&each.over);
        let (i, by, left) = (self.counter(&each.pat, int), self.slot("by", int), self.slot("left", int));
        for (at, slot) in [(0, i), (2, by)] {
            self.code.load(range);
            self.read_field(ty, at);
            self.code.store(slot);
        }
        let (down, counted) = (self.code.label(), self.code.label());
        self.code.load(by);
        self.code.op("push 0");
        self.code.op("lt");
        self.code.jump("jmp_if", down);
        // Upwards: (to - from + by - 1) / by.
        self.code.load(range);
        self.read_field(ty, 1);
        self.code.load(i);
        self.count_rounds(by, "sub");
        self.code.store(left);
        self.code.jump("jmp", counted);
        self.code.bind(down);
        // Downwards: (to - from + by + 1) / by.
        self.code.load(range);
        self.read_field(ty, 1);
        self.code.load(i);
        self.count_rounds(by, "add");
        self.code.store(left);
        self.code.bind(counted);
        if !matches!(each.pat.kind, PatKind::Bind(_)) {
            self.bind_counter(&each.pat, i);
        }
        let (body, again, out) = (self.code.label(), self.code.label(), self.code.label());
        self.code.load(left);
        self.code.op("push 0");
        self.code.op("gt");
        self.code.jump("jmp_unless", out);
        self.code.bind(body);
        self.looped(again, out, &each.body);
        self.code.bind(again);
        self.code.load(i);
        self.code.load(by);
        self.code.op("add_wrap");
        self.code.store(i);
        self.code.load(left);
        self.code.op("push 1");
        self.code.op("sub");
        self.code.store(left);
        self.code.load(left);
        self.code.op("push 0");
        self.code.op("gt");
        self.code.jump("jmp_if", body);
        self.code.bind(out);
    }

    /// The rounds from both ends, which are on the stack.
    fn count_rounds(&mut self, by: Slot, one: &'static str) {
        self.code.op("sub");
        self.code.load(by);
        self.code.op("add");
        self.code.op("push 1");
        self.code.op(one);
        self.code.load(by);
        self.code.op("div");
    }

    /// A list or array, by an index.
    fn for_elements(&mut self, each: &'c For, may_change: bool) {
        let int = self.int();
        let whole = self.stable(&each.over, "list");
        let (i, count) = (self.slot("i", int), self.slot("count", int));
        self.code.load(whole);
        self.code.op("len");
        self.code.store(count);
        self.code.op("push 0");
        self.code.store(i);
        let (body, again, out) = (self.code.label(), self.code.label(), self.code.label());
        self.code.load(i);
        self.code.load(count);
        self.code.op("lt");
        self.code.jump("jmp_unless", out);
        self.code.bind(body);
        if !matches!(each.pat.kind, PatKind::Any) {
            self.code.load(whole);
            self.code.load(i);
            self.code.op("get");
            let item = self.concrete(each.pat.ty);
            self.destructure_top(&each.pat, item);
        }
        self.looped(again, out, &each.body);
        self.code.bind(again);
        self.line(each.over.span);
        if may_change && self.may_change(&each.over, &each.body) {
            self.check_count(whole, count);
        }
        self.step(i);
        self.code.load(i);
        self.code.load(count);
        self.code.op("lt");
        self.code.jump("jmp_if", body);
        self.code.bind(out);
    }

    /// Crashes when a container that is looped over has another count than before.
    fn check_count(&mut self, whole: Slot, count: Slot) {
        let changed = self.code.label();
        self.code.load(whole);
        self.code.op("len");
        self.code.load(count);
        self.code.op("ne");
        self.code.jump("jmp_if", changed);
        let cold = self.code.start_cold();
        self.code.bind(changed);
        self.code.op("push \"changed\"");
        self.code.op("push \"something was added or removed while looping\"");
        self.code.op("raise");
        self.code.end_cold(cold);
    }

    /// A map or set, by the positions of its entries.
    fn for_entries(&mut self, each: &'c For) {
        let int = self.int();
        let whole = self.stable(&each.over, "map");
        let (at, count) = (self.slot("at", int), self.slot("count", int));
        let may_change = self.may_change(&each.over, &each.body);
        if may_change {
            self.code.load(whole);
            self.code.op("len");
            self.code.store(count);
        }
        self.code.load(whole);
        self.code.op("push 0");
        self.code.op("map_next");
        self.code.store(at);
        let (body, again, out) = (self.code.label(), self.code.label(), self.code.label());
        self.code.load(at);
        self.code.op("push 0");
        self.code.op("ge");
        self.code.jump("jmp_unless", out);
        self.code.bind(body);
        self.entry(each, whole, at);
        self.looped(again, out, &each.body);
        self.code.bind(again);
        self.line(each.over.span);
        if may_change {
            self.check_count(whole, count);
        }
        self.code.load(whole);
        self.code.load(at);
        self.code.op("push 1");
        self.code.op("add");
        self.code.op("map_next");
        self.code.store(at);
        self.code.load(at);
        self.code.op("push 0");
        self.code.op("ge");
        self.code.jump("jmp_if", body);
        self.code.bind(out);
    }

    /// Binds an entry: of a map key and value, without a tuple where the pattern has none.
    fn entry(&mut self, each: &'c For, whole: Slot, at: Slot) {
        let parts: &[(&str, usize)] =
            if each.how == Over::Map { &[("map_key_at", 0), ("map_value_at", 1)] } else { &[("map_key_at", 0)] };
        let item = self.concrete(each.pat.ty);
        match (&each.pat.kind, each.how) {
            (PatKind::Any, _) => {}
            (PatKind::Fields(pats), Over::Map) => {
                let types = self.l.field_types(item, None);
                for (op, field) in parts {
                    let (Some(pat), Some(ty)) = (pats.get(*field), types.get(*field)) else { continue };
                    if !matches!(pat.kind, PatKind::Any) {
                        self.code.load(whole);
                        self.code.load(at);
                        self.code.op(*op);
                        self.destructure_top(pat, *ty);
                    }
                }
            }
            (_, _) => {
                for (op, _) in parts {
                    self.code.load(whole);
                    self.code.load(at);
                    self.code.op(*op);
                }
                if each.how == Over::Map {
                    let text = self.l.asm_type(item);
                    self.code.op(format!("new {text}"));
                }
                self.destructure_top(&each.pat, item);
            }
        }
    }

    fn for_iter(&mut self, each: &'c For) {
        let ty = self.ty(&each.over);
        let function = self.l.field_types(ty, None).first().copied().unwrap_or(UNIT);
        let next = self.slot("next", function);
        self.expr(&each.over, Want::Value);
        self.code.height -= 1;
        self.read_field(ty, 0);
        self.code.store(next);
        let (again, out) = (self.code.label(), self.code.label());
        self.code.bind(again);
        self.code.load(next);
        let text = self.l.asm_type(function);
        self.code.op(format!("call_value {text}"));
        self.code.jump("jmp_if_null", out);
        let item = self.concrete(each.pat.ty);
        if matches!(each.pat.kind, PatKind::Any) {
            self.code.op("drop");
        } else {
            self.destructure_top(&each.pat, item);
        }
        self.looped(again, out, &each.body);
        self.code.jump("jmp", again);
        self.code.bind(out);
    }

    /// The local that a name means, where it is one.
    pub(super) fn slot_of(&self, expr: &Expr) -> Option<Slot> {
        let ExprKind::Local(local) = &expr.kind else { return None };
        match self.binding(*local) {
            Some(Binding::Slot(slot)) => Some(slot),
            Some(Binding::Literal(_) | Binding::Closure(..) | Binding::Function(..)) | None => None,
        }
    }
}

/// An end of a range.
enum Bound {
    Literal(Literal),
    Slot(Slot),
}

/// How large an expression is; one that is not to be made twice is large.
fn parts(expr: &Expr) -> usize {
    const LARGE: usize = CONDITION_PARTS_MAX + 1;
    if expr.ty == NEVER {
        return LARGE;
    }
    1 + match &expr.kind {
        ExprKind::Unit
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Text(_)
        | ExprKind::Bytes(_)
        | ExprKind::Local(_)
        | ExprKind::Const(_) => 0,
        ExprKind::Call(_, _, args) => args.iter().map(parts).sum::<usize>() + 2,
        ExprKind::Op(_, operands) => operands.iter().map(parts).sum(),
        ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::Index(a, b) => parts(a) + parts(b),
        ExprKind::Field(of, _) => parts(of),
        ExprKind::Error
        | ExprKind::FnValue(..)
        | ExprKind::CallValue(..)
        | ExprKind::Closure(_)
        | ExprKind::Interpolated(_)
        | ExprKind::Tuple(_)
        | ExprKind::List(_)
        | ExprKind::Map(_)
        | ExprKind::Record(_)
        | ExprKind::With(..)
        | ExprKind::Variant(..)
        | ExprKind::Block(..)
        | ExprKind::Let(..)
        | ExprKind::LetElse(..)
        | ExprKind::If(..)
        | ExprKind::Match(..)
        | ExprKind::Try(..)
        | ExprKind::Receive(_)
        | ExprKind::Serve(_)
        | ExprKind::Spawn(_)
        | ExprKind::Me
        | ExprKind::Return(_)
        | ExprKind::Break
        | ExprKind::Continue
        | ExprKind::While(..)
        | ExprKind::For(_)
        | ExprKind::Assign(..) => LARGE,
    }
}
