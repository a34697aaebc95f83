//! Lowering of comparisons and branches: a comparison and the branch behind it are one instruction.

#![allow(clippy::wildcard_enum_match_arm)]
// A look ahead asks for a few instructions; `select` alone treats all of them, without a wildcard.

use super::emit::Distance;
use super::number::exact_f32;
use super::{Entry, Lowering, slot};
use crate::code::Op;
use crate::interp::table::Operation as Do;
use crate::runtime::compare::COMPARE_REPRS;
use fardel_bytecode::Inst;
use fardel_bytecode::index::TargetIndex;
use fardel_bytecode::types::{FLOAT, INT, Repr};

/// A function with more bytes of code may have branches whose distance does not fit 16 bits: a byte, be it of an
/// instruction or of a jump table, never becomes more than six instructions.
const FAR_BYTES: usize = 5_000;

/// A relation between two values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Relation {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Relation {
    /// What holds exactly when this does not; for integers.
    fn negated(self) -> Relation {
        match self {
            Relation::Eq => Relation::Ne,
            Relation::Ne => Relation::Eq,
            Relation::Lt => Relation::Ge,
            Relation::Le => Relation::Gt,
            Relation::Gt => Relation::Le,
            Relation::Ge => Relation::Lt,
        }
    }

    /// The same with the two values exchanged.
    fn mirrored(self) -> Relation {
        match self {
            Relation::Eq => Relation::Eq,
            Relation::Ne => Relation::Ne,
            Relation::Lt => Relation::Gt,
            Relation::Le => Relation::Ge,
            Relation::Gt => Relation::Lt,
            Relation::Ge => Relation::Le,
        }
    }
}

/// A branch that is taken when something holds, or when it does not.
#[derive(Clone, Copy)]
struct Branch {
    target: TargetIndex,
    when: bool,
}

impl Lowering<'_, '_> {
    fn is_back(&self, target: TargetIndex) -> bool {
        self.out.bound(target).is_some()
    }

    /// The conditional branch behind an instruction.
    fn branch_behind(&self, at: usize) -> Option<Branch> {
        match self.next(at, 1)? {
            Inst::JmpIf { target } => Some(Branch { target, when: true }),
            Inst::JmpUnless { target } => Some(Branch { target, when: false }),
            _ => None,
        }
    }

    fn branch(&mut self, forward: Do, back: Do, a: u16, b: u16, target: TargetIndex) {
        let operation = if self.is_back(target) { back } else { forward };
        self.out.branch(operation, a, b, 0, target, Distance::Whole);
        self.last = None;
    }

    /// An unconditional jump.
    pub(super) fn jump(&mut self, target: TargetIndex) -> usize {
        self.flush();
        self.branch(Do::jump, Do::jump_back, 0, 0, target);
        1
    }

    /// A jump on a truth value.
    pub(super) fn jump_bool(&mut self, target: TargetIndex, when: bool) -> usize {
        let condition = self.operand(0);
        self.flush_below(1);
        self.jump_when(condition, Branch { target, when }, true);
        self.pop(1);
        1
    }

    /// A branch on a slot: taken when its truth is as the branch and `expected` want it.
    fn jump_when(&mut self, condition: u16, branch: Branch, expected: bool) {
        if branch.when == expected {
            self.branch(Do::jump_true, Do::back_true, condition, 0, branch.target);
        } else {
            self.branch(Do::jump_false, Do::back_false, condition, 0, branch.target);
        }
    }

    /// Negation, with a branch behind it.
    pub(super) fn not(&mut self, at: usize) -> usize {
        let Some(branch) = self.branch_behind(at) else { return self.unary(at, Do::bool_not) };
        let condition = self.operand(0);
        self.flush_below(1);
        self.jump_when(condition, branch, false);
        self.pop(1);
        2
    }

    /// A test for null, with a branch behind it.
    pub(super) fn is_null(&mut self, at: usize) -> usize {
        let Some(branch) = self.branch_behind(at) else { return self.unary(at, Do::is_null) };
        let value = self.operand(0);
        self.flush_below(1);
        if branch.when {
            self.branch(Do::jump_null, Do::back_null, value, 0, branch.target);
        } else {
            self.branch(Do::jump_some, Do::back_some, value, 0, branch.target);
        }
        self.pop(1);
        2
    }

    /// A jump when null; else what is inside goes on the stack.
    pub(super) fn jump_if_null(&mut self, at: usize, target: TargetIndex) -> usize {
        self.flush_below(1);
        let value = self.operand(0);
        self.branch(Do::jump_null, Do::back_null, value, 0, target);
        let ty = self.type_of(at, 0);
        if let Some(operation) = self.unwrap_operation(ty) {
            let home = self.home(self.position(0));
            if operation == Do::unwrap_nested {
                self.slow(at, operation, home, value, 0, 0);
            } else {
                self.emit(operation, home, value, 0);
            }
            let position = self.position(0);
            self.stack[position] = Entry::Home;
        }
        1
    }

    /// A jump table.
    pub(super) fn switch(&mut self, targets: impl Iterator<Item = TargetIndex>) -> usize {
        let index = self.operand(0);
        self.flush_below(1);
        let targets: Vec<TargetIndex> = targets.collect();
        self.emit(Do::switch, index, 0, targets.len() as u32);
        for target in targets {
            self.branch(Do::jump, Do::jump_back, 0, 0, target);
        }
        self.pop(1);
        1
    }

    /// A comparison.
    pub(super) fn relation(&mut self, at: usize, relation: Relation) -> usize {
        let types = (self.type_of(at, 1), self.type_of(at, 0));
        let is_equality = matches!(relation, Relation::Eq | Relation::Ne);
        if types == (FLOAT, FLOAT) {
            return self.float_relation(at, relation);
        }
        let repr = self.repr(types.0);
        if types == (INT, INT) || repr == Repr::Bool {
            return self.int_relation(at, relation);
        }
        debug_assert!(is_equality || repr == Repr::Word);
        let operation = match relation {
            Relation::Eq => Do::equal,
            Relation::Ne => Do::not_equal,
            Relation::Lt => Do::any_lt,
            Relation::Le => Do::any_le,
            Relation::Gt => Do::any_gt,
            Relation::Ge => Do::any_ge,
        };
        self.slow_binary(at, operation, 0)
    }

    fn int_relation(&mut self, at: usize, relation: Relation) -> usize {
        if let Some(done) = self.return_if_less(at, relation) {
            return done;
        }
        if let Some(branch) = self.branch_behind(at) {
            let relation = if branch.when { relation } else { relation.negated() };
            self.flush_below(2);
            self.int_branch(relation, branch.target);
            self.pop(2);
            return 2;
        }
        let (mut x, mut y) = (self.operand(1), self.operand(0));
        let operation = match relation {
            Relation::Eq => Do::int_eq,
            Relation::Ne => Do::int_ne,
            Relation::Lt | Relation::Gt => Do::int_lt,
            Relation::Le | Relation::Ge => Do::int_le,
        };
        if matches!(relation, Relation::Gt | Relation::Ge) {
            std::mem::swap(&mut x, &mut y);
        }
        let target = self.target(at, 2);
        self.emit(operation, target.slot, x, u32::from(y));
        self.done(2, target)
    }

    fn int_branch(&mut self, relation: Relation, target: TargetIndex) {
        let second = self.small_constant(0, relation);
        let first = self.small_constant(1, relation.mirrored());
        if let Some((relation, k)) = second {
            self.int_branch_k(relation, 1, k, target);
        } else if let Some((relation, k)) = first {
            self.int_branch_k(relation, 0, k, target);
        } else {
            let swaps = matches!(relation, Relation::Gt | Relation::Ge);
            let (depth_x, depth_y) = if swaps { (0, 1) } else { (1, 0) };
            let relation = if swaps { relation.mirrored() } else { relation };
            self.int_branch_slots(relation, depth_x, depth_y, target);
        }
    }

    /// A relation to a constant that is Lt, Ge, Eq or Ne, if the operand is a constant that fits.
    fn small_constant(&self, depth: usize, relation: Relation) -> Option<(Relation, u16)> {
        let Entry::Int(value) = self.stack[self.position(depth)] else { return None };
        let (relation, value) = match relation {
            Relation::Le => (Relation::Lt, value.checked_add(1)?),
            Relation::Gt => (Relation::Ge, value.checked_add(1)?),
            Relation::Eq | Relation::Ne | Relation::Lt | Relation::Ge => (relation, value),
        };
        Some((relation, i16::try_from(value).ok()? as u16))
    }

    fn int_branch_k(&mut self, relation: Relation, depth: usize, k: u16, target: TargetIndex) {
        let x = self.operand(depth);
        let step = match relation {
            Relation::Lt | Relation::Le => Some(Do::back_int_step_lt_k),
            Relation::Ge | Relation::Gt => Some(Do::back_int_step_ge_k),
            Relation::Eq | Relation::Ne => None,
        };
        if self.step_and_branch(step, x, k, target) {
            return;
        }
        let (forward, back) = match relation {
            Relation::Lt | Relation::Le => (Do::jump_int_lt_k, Do::back_int_lt_k),
            Relation::Ge | Relation::Gt => (Do::jump_int_ge_k, Do::back_int_ge_k),
            Relation::Eq => (Do::jump_int_eq_k, Do::back_int_eq_k),
            Relation::Ne => (Do::jump_int_ne_k, Do::back_int_ne_k),
        };
        self.branch(forward, back, x, k, target);
    }

    fn int_branch_slots(&mut self, relation: Relation, depth_x: usize, depth_y: usize, target: TargetIndex) {
        let x_is_slot = matches!(self.stack[self.position(depth_x)], Entry::Local(_) | Entry::Home);
        let y_is_slot = matches!(self.stack[self.position(depth_y)], Entry::Local(_) | Entry::Home);
        let (x, y) = (self.operand(depth_x), self.operand(depth_y));
        let step = match relation {
            Relation::Lt => Some(Do::back_int_step_lt),
            Relation::Le => Some(Do::back_int_step_le),
            Relation::Eq | Relation::Ne | Relation::Gt | Relation::Ge => None,
        };
        if x_is_slot && y_is_slot && x != y && self.step_and_branch(step, x, y, target) {
            return;
        }
        let (forward, back) = match relation {
            Relation::Eq => (Do::jump_int_eq, Do::back_int_eq),
            Relation::Ne => (Do::jump_int_ne, Do::back_int_ne),
            Relation::Lt | Relation::Gt => (Do::jump_int_lt, Do::back_int_lt),
            Relation::Le | Relation::Ge => (Do::jump_int_le, Do::back_int_le),
        };
        self.branch(forward, back, x, y, target);
    }

    /// Makes one instruction of `x += k` just before, and a branch backwards on x.
    fn step_and_branch(&mut self, operation: Option<Do>, x: u16, b: u16, target: TargetIndex) -> bool {
        let (Some(operation), Some(last), Some(to)) = (operation, self.last, self.out.bound(target)) else { return false };
        let op = self.out.code[last];
        let is_step = self.last_is(Do::int_add_k) && op.a == x && op.b == x && last + 1 == self.out.code.len();
        let (Ok(step), true) = (i8::try_from(op.c as i32), is_step && last - to < 1 << 22) else { return false };
        self.out.code.pop();
        self.out.branch(operation, x, b, u32::from(step as u8), target, Distance::Upper);
        // The step's place in the bytecode is where an overflow happens; that of the comparison is the same instruction.
        self.last = None;
        true
    }

    /// Whether the last instruction, which may still be changed, is this one.
    fn last_is(&self, operation: Do) -> bool {
        self.last.is_some() && self.last_operation == Some(operation)
    }

    /// `if x < k return y` in one instruction: a comparison, a branch around a load and a return.
    fn return_if_less(&mut self, at: usize, relation: Relation) -> Option<usize> {
        let Some(Branch { when: false, .. }) = self.branch_behind(at) else { return None };
        let (Some(Inst::Load { local }), Some(Inst::Ret {})) = (self.next(at, 2), self.next(at, 3)) else { return None };
        let (Relation::Lt, k) = self.small_constant(0, relation)? else { return None };
        // The branch leads around the return, which is the next instruction anyway.
        let Some(Inst::JmpUnless { target }) = self.next(at, 1) else { return None };
        if self.unit.facts.points.get(at + 4)?.target != Some(target) {
            return None;
        }
        self.flush_below(2);
        let x = self.operand(1);
        self.emit(Do::ret_int_if_lt_k, x, self.frame_bytes, Op::pair(k, slot(local.at())));
        self.pop(2);
        Some(4)
    }

    /// A branch on a float and a constant.
    fn float_branch_k(&mut self, at: usize, relation: Relation) -> Option<usize> {
        let branch = self.branch_behind(at)?;
        let constant = |depth: usize| match self.stack[self.position(depth)] {
            Entry::Float(bits) => exact_f32(bits),
            Entry::Home | Entry::Local(_) | Entry::Int(_) | Entry::Word(_) => None,
        };
        let (relation, depth, k) = match (constant(0), constant(1)) {
            (Some(k), None) => (relation, 1, k),
            (None, Some(k)) => (relation.mirrored(), 0, k),
            (None, None) | (Some(_), Some(_)) => return None,
        };
        if self.unit.function.code.len() > FAR_BYTES {
            return None;
        }
        let (forward, back) = match (relation, branch.when) {
            (Relation::Lt, true) => (Do::jump_float_lt_k, Do::back_float_lt_k),
            (Relation::Le, true) => (Do::jump_float_le_k, Do::back_float_le_k),
            (Relation::Gt, true) => (Do::jump_float_gt_k, Do::back_float_gt_k),
            (Relation::Ge, true) => (Do::jump_float_ge_k, Do::back_float_ge_k),
            (Relation::Lt, false) => (Do::jump_float_nlt_k, Do::back_float_nlt_k),
            (Relation::Le, false) => (Do::jump_float_nle_k, Do::back_float_nle_k),
            (Relation::Gt, false) => (Do::jump_float_ngt_k, Do::back_float_ngt_k),
            (Relation::Ge, false) => (Do::jump_float_nge_k, Do::back_float_nge_k),
            (Relation::Eq | Relation::Ne, _) => return None,
        };
        self.flush_below(2);
        let value = self.operand(depth);
        let operation = if self.is_back(branch.target) { back } else { forward };
        self.out.branch(operation, value, 0, k, branch.target, Distance::Middle);
        self.last = None;
        self.pop(2);
        Some(2)
    }

    fn float_relation(&mut self, at: usize, relation: Relation) -> usize {
        if let Some(done) = self.float_branch_k(at, relation) {
            return done;
        }
        let swaps = matches!(relation, Relation::Gt | Relation::Ge);
        let relation = if swaps { relation.mirrored() } else { relation };
        let (depth_x, depth_y) = if swaps { (0, 1) } else { (1, 0) };
        let (x, y) = (self.operand(depth_x), self.operand(depth_y));
        let Some(branch) = self.branch_behind(at) else {
            let operation = match relation {
                Relation::Eq => Do::float_eq,
                Relation::Ne => Do::float_ne,
                Relation::Lt | Relation::Gt => Do::float_lt,
                Relation::Le | Relation::Ge => Do::float_le,
            };
            let target = self.target(at, 2);
            self.emit(operation, target.slot, x, u32::from(y));
            return self.done(2, target);
        };
        self.flush_below(2);
        // With NaN a relation and its opposite can both be false, so the negations are instructions of their own.
        let (forward, back) = match (relation, branch.when) {
            (Relation::Eq, true) | (Relation::Ne, false) => (Do::jump_float_eq, Do::back_float_eq),
            (Relation::Ne, true) | (Relation::Eq, false) => (Do::jump_float_ne, Do::back_float_ne),
            (Relation::Lt | Relation::Gt, true) => (Do::jump_float_lt, Do::back_float_lt),
            (Relation::Lt | Relation::Gt, false) => (Do::jump_float_nlt, Do::back_float_nlt),
            (Relation::Le | Relation::Ge, true) => (Do::jump_float_le, Do::back_float_le),
            (Relation::Le | Relation::Ge, false) => (Do::jump_float_nle, Do::back_float_nle),
        };
        self.branch(forward, back, x, y, branch.target);
        self.pop(2);
        2
    }

    /// The three-way comparison.
    pub(super) fn compare(&mut self, at: usize) -> usize {
        let (x, y) = (self.repr_of(at, 1), self.repr_of(at, 0));
        debug_assert_eq!(x, y);
        let extra = COMPARE_REPRS.iter().position(|repr| *repr == x).unwrap_or_default();
        self.slow_binary(at, Do::compare, extra as u64)
    }
}
