//! Lowering of arithmetic: the form by the operands' types, constants into the instruction, products into sums.

#![allow(clippy::wildcard_enum_match_arm)]
// A look ahead asks for a few instructions; `select` alone treats all of them, without a wildcard.

use super::{Entry, Lowering};
use crate::code::Op;
use crate::interp::table::Operation as Do;
use crate::runtime::number::{BINARY, UNARY, number_of};
use fardel_bytecode::Inst;
use fardel_bytecode::types::{FLOAT, INT, Repr};

/// The forms of a binary operation.
pub(super) struct Forms {
    pub(super) int: Do,
    pub(super) float: Do,
    pub(super) any: Do,
}

/// The first of two operations on floats.
#[derive(Clone, Copy)]
enum FloatFirst {
    Add,
    Sub,
    Mul,
    Div,
}

/// The second of two, on the first's result t and another operand d.
#[derive(Clone, Copy)]
enum FloatSecond {
    /// d + t.
    Add,
    /// t - d.
    Sub,
    /// d - t.
    RSub,
    /// t * d.
    Mul,
    /// t / d.
    Div,
    /// d / t.
    RDiv,
}

impl FloatFirst {
    fn of(inst: &Inst<'_>) -> Option<FloatFirst> {
        match inst {
            Inst::Add {} => Some(FloatFirst::Add),
            Inst::Sub {} => Some(FloatFirst::Sub),
            Inst::Mul {} => Some(FloatFirst::Mul),
            Inst::Div {} => Some(FloatFirst::Div),
            _ => None,
        }
    }

    fn with(self, second: FloatSecond) -> Do {
        let row = match self {
            FloatFirst::Add => [
                Do::float_add_add,
                Do::float_add_sub,
                Do::float_add_rsub,
                Do::float_add_mul,
                Do::float_add_div,
                Do::float_add_rdiv,
            ],
            FloatFirst::Sub => [
                Do::float_sub_add,
                Do::float_sub_sub,
                Do::float_sub_rsub,
                Do::float_sub_mul,
                Do::float_sub_div,
                Do::float_sub_rdiv,
            ],
            FloatFirst::Mul => [
                Do::float_mul_add,
                Do::float_mul_sub,
                Do::float_mul_rsub,
                Do::float_mul_mul,
                Do::float_mul_div,
                Do::float_mul_rdiv,
            ],
            FloatFirst::Div => [
                Do::float_div_add,
                Do::float_div_sub,
                Do::float_div_rsub,
                Do::float_div_mul,
                Do::float_div_div,
                Do::float_div_rdiv,
            ],
        };
        row[second as usize]
    }
}

impl FloatSecond {
    fn of(inst: &Inst<'_>, is_second: bool) -> Option<FloatSecond> {
        match inst {
            Inst::Add {} => Some(FloatSecond::Add),
            Inst::Sub {} => Some(if is_second { FloatSecond::RSub } else { FloatSecond::Sub }),
            Inst::Mul {} => Some(FloatSecond::Mul),
            Inst::Div {} => Some(if is_second { FloatSecond::RDiv } else { FloatSecond::Div }),
            _ => None,
        }
    }

    fn with_field(self) -> Do {
        [
            Do::field_float_add,
            Do::field_float_sub,
            Do::field_float_rsub,
            Do::field_float_mul,
            Do::field_float_div,
            Do::field_float_rdiv,
        ][self as usize]
    }

    fn with_element(self) -> Do {
        [
            Do::array_float_add,
            Do::array_float_sub,
            Do::array_float_rsub,
            Do::array_float_mul,
            Do::array_float_div,
            Do::array_float_rdiv,
        ][self as usize]
    }
}

/// The float as binary32, where that is exact.
pub(super) fn exact_f32(bits: u64) -> Option<u32> {
    let value = f64::from_bits(bits);
    let narrow = value as f32;
    if f64::from(narrow).to_bits() == bits { Some(narrow.to_bits()) } else { None }
}

impl Lowering<'_, '_> {
    /// A binary operation on two numbers.
    pub(super) fn arithmetic(&mut self, at: usize, inst: &Inst<'_>, forms: &Forms) -> usize {
        let (x, y) = (self.type_of(at, 1), self.type_of(at, 0));
        if (x, y) == (INT, INT) {
            return self.int_with_constant(at, inst).unwrap_or_else(|| self.binary(at, forms.int));
        }
        if (x, y) == (FLOAT, FLOAT) {
            if let Some(done) = self.float_pair(at, inst) {
                return done;
            }
            return self.float_with_constant(at, inst).unwrap_or_else(|| self.binary(at, forms.float));
        }
        self.slow_binary(at, forms.any, 0)
    }

    /// `target` := `operation` of the two topmost.
    pub(super) fn binary(&mut self, at: usize, operation: Do) -> usize {
        let (x, y) = (self.operand(1), self.operand(0));
        let target = self.target(at, 2);
        self.emit(operation, target.slot, x, u32::from(y));
        self.done(2, target)
    }

    /// `target` := `operation` of the topmost.
    pub(super) fn unary(&mut self, at: usize, operation: Do) -> usize {
        self.unary_with(at, operation, 0)
    }

    pub(super) fn unary_with(&mut self, at: usize, operation: Do, c: u32) -> usize {
        let x = self.operand(0);
        let target = self.target(at, 1);
        self.emit(operation, target.slot, x, c);
        self.done(1, target)
    }

    /// As [`Lowering::binary`], for a safe operation.
    pub(super) fn slow_binary(&mut self, at: usize, operation: Do, extra: u64) -> usize {
        let (x, y) = (self.operand(1), self.operand(0));
        let target = self.target(at, 2);
        self.slow(at, operation, target.slot, x, u32::from(y), extra);
        self.done(2, target)
    }

    /// As [`Lowering::unary`], for a safe operation.
    pub(super) fn slow_unary(&mut self, at: usize, operation: Do, extra: u64) -> usize {
        let x = self.operand(0);
        let target = self.target(at, 1);
        self.slow(at, operation, target.slot, x, 0, extra);
        self.done(1, target)
    }

    /// `target` := a safe operation of the three topmost.
    pub(super) fn slow_ternary(&mut self, at: usize, operation: Do, extra: u64) -> usize {
        let (x, y, z) = (self.operand(2), self.operand(1), self.operand(0));
        let target = self.target(at, 3);
        self.slow(at, operation, target.slot, x, Op::pair(y, z), extra);
        self.done(3, target)
    }

    pub(super) fn constant_int(&self, depth: usize) -> Option<i64> {
        if let Entry::Int(value) = self.stack[self.position(depth)] { Some(value) } else { None }
    }

    fn constant_float(&self, depth: usize) -> Option<u64> {
        if let Entry::Float(bits) = self.stack[self.position(depth)] { Some(bits) } else { None }
    }

    fn with_k(&mut self, at: usize, operation: Do, depth: usize, k: i32) -> usize {
        let x = self.operand(depth);
        let target = self.target(at, 2);
        self.emit(operation, target.slot, x, k as u32);
        self.done(2, target)
    }

    fn int_with_constant(&mut self, at: usize, inst: &Inst<'_>) -> Option<usize> {
        if !self.fuses() {
            return None;
        }
        let narrow = |value: i64| i32::try_from(value).ok();
        let second = self.constant_int(0);
        let first = self.constant_int(1);
        let (operation, depth, k) = match *inst {
            Inst::Add {} => match (second.and_then(narrow), first.and_then(narrow)) {
                (Some(k), _) => (Do::int_add_k, 1, k),
                (None, Some(k)) => (Do::int_add_k, 0, k),
                (None, None) => return None,
            },
            Inst::Mul {} => match (second.and_then(narrow), first.and_then(narrow)) {
                (Some(k), _) => (Do::int_mul_k, 1, k),
                (None, Some(k)) => (Do::int_mul_k, 0, k),
                (None, None) => return None,
            },
            Inst::Sub {} => (Do::int_add_k, 1, narrow(second?.checked_neg()?)?),
            Inst::Div {} => (Do::int_div_k, 1, narrow(second?).filter(|k| *k != 0 && *k != -1)?),
            Inst::Rem {} => (Do::int_rem_k, 1, narrow(second?).filter(|k| *k != 0 && *k != -1)?),
            Inst::And {} => (Do::int_and_k, 1, narrow(second?)?),
            Inst::Shl {} => (Do::int_shl_k, 1, narrow(second?).filter(|k| (0..64).contains(k))?),
            Inst::Shr {} => (Do::int_shr_k, 1, narrow(second?).filter(|k| (0..64).contains(k))?),
            Inst::ShrUnsigned {} => (Do::int_shr_u_k, 1, narrow(second?).filter(|k| (0..64).contains(k))?),
            _ => return None,
        };
        Some(self.with_k(at, operation, depth, k))
    }

    /// Bits and shifts of integers.
    pub(super) fn bits(&mut self, at: usize, inst: &Inst<'_>, operation: Do) -> usize {
        if self.repr_of(at, 0) == Repr::Int
            && let Some(done) = self.int_with_constant(at, inst)
        {
            return done;
        }
        self.binary(at, operation)
    }

    fn float_with_constant(&mut self, at: usize, inst: &Inst<'_>) -> Option<usize> {
        if !self.fuses() {
            return None;
        }
        let second = self.constant_float(0).and_then(exact_f32);
        let first = self.constant_float(1).and_then(exact_f32);
        let (operation, depth, k) = match (*inst, first, second) {
            (Inst::Add {}, _, Some(k)) => (Do::float_add_k, 1, k),
            (Inst::Add {}, Some(k), None) => (Do::float_add_k, 0, k),
            (Inst::Sub {}, _, Some(k)) => (Do::float_sub_k, 1, k),
            (Inst::Sub {}, Some(k), None) => (Do::float_rsub_k, 0, k),
            (Inst::Mul {}, _, Some(k)) => (Do::float_mul_k, 1, k),
            (Inst::Mul {}, Some(k), None) => (Do::float_mul_k, 0, k),
            (Inst::Div {}, _, Some(k)) => (Do::float_div_k, 1, k),
            (Inst::Div {}, Some(k), None) => (Do::float_rdiv_k, 0, k),
            _ => return None,
        };
        Some(self.with_k(at, operation, depth, k as i32))
    }

    /// An operation on floats whose result the next one uses alone.
    fn float_pair(&mut self, at: usize, inst: &Inst<'_>) -> Option<usize> {
        let first = FloatFirst::of(inst)?;
        if (0..2).any(|depth| self.constant_float(depth).is_some()) {
            return None;
        }
        self.then(
            at,
            2,
            |second| first.with(second),
            |lowering| {
                let (x, y) = (lowering.operand(1), lowering.operand(0));
                (x, y)
            },
        )
    }

    /// A field of type Float that the next operation uses alone.
    pub(super) fn float_field(&mut self, at: usize, offset: u16) -> Option<usize> {
        self.then(at, 1, FloatSecond::with_field, |lowering| (lowering.operand(0), offset))
    }

    /// An element of an array of Float that the next operation uses alone.
    pub(super) fn float_element(&mut self, at: usize) -> Option<usize> {
        self.then(at, 2, FloatSecond::with_element, |lowering| (lowering.operand(1), lowering.operand(0)))
    }

    /// Makes one instruction of this one, which pops `operands` and gives a float, and of the operation on floats behind
    /// it, if that uses the result at once. `operation` says which, and `slots` what goes into its `b` and low `c`.
    fn then(
        &mut self,
        at: usize,
        operands: usize,
        operation: impl FnOnce(FloatSecond) -> Do,
        slots: impl FnOnce(&mut Self) -> (u16, u16),
    ) -> Option<usize> {
        // d, this one, operation
        if let Some(second) = self.float_operation(at, 1, true) {
            if self.stack.len() <= operands || self.constant_float(operands).is_some() {
                return None;
            }
            let (d, (b, c)) = (self.operand(operands), slots(self));
            let target = self.target(at + 1, operands + 1);
            self.emit(operation(second), target.slot, b, Op::pair(c, d));
            return Some(1 + self.done(operands + 1, target));
        }
        // this one, d, operation
        let Some(Inst::Load { local }) = self.next(at, 1) else { return None };
        let second = self.float_operation(at, 2, false)?;
        let (b, c) = slots(self);
        let target = self.target(at + 2, operands);
        self.emit(operation(second), target.slot, b, Op::pair(c, super::slot(local.at())));
        Some(2 + self.done(operands, target))
    }

    /// The operation on two floats some instructions ahead, where this one's result is the second operand or the first.
    fn float_operation(&self, at: usize, ahead: usize, is_second: bool) -> Option<FloatSecond> {
        let inst = self.next(at, ahead)?;
        let second = FloatSecond::of(&inst, is_second)?;
        if (self.type_of(at + ahead, 1), self.type_of(at + ahead, 0)) == (FLOAT, FLOAT) { Some(second) } else { None }
    }

    /// A function of one float.
    pub(super) fn float_function(&mut self, at: usize, name: &str) -> usize {
        self.unary_with(at, Do::float_unary, number_of(UNARY, name))
    }

    /// A function of two floats.
    pub(super) fn float_function_2(&mut self, at: usize, name: &str) -> usize {
        let (x, y) = (self.operand(1), self.operand(0));
        let target = self.target(at, 2);
        let number = number_of(BINARY, name) as u16;
        self.emit(Do::float_binary, target.slot, x, Op::pair(y, number));
        self.done(2, target)
    }
}
