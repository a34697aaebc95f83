//! Lowering of arithmetic: the form by the operands' types, constants into the instruction, products into sums.

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

/// The float as binary32, where that is exact.
fn exact_f32(bits: u64) -> Option<u32> {
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
            if let Some(done) = self.product_into_sum(at, inst) {
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

    fn constant_int(&self, depth: usize) -> Option<i64> {
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

    /// A product that is added to or subtracted from something next. Each step is still rounded.
    fn product_into_sum(&mut self, at: usize, inst: &Inst<'_>) -> Option<usize> {
        if !matches!(inst, Inst::Mul {}) {
            return None;
        }
        // d b c mul add
        let below = self.stack.len() >= 3 && !matches!(self.stack[self.position(2)], Entry::Float(_));
        if below && matches!(self.next(at, 1), Some(Inst::Add {} | Inst::Sub {})) {
            let operation =
                if matches!(self.next(at, 1), Some(Inst::Add {})) { Do::float_mul_add } else { Do::float_mul_sub };
            let (d, b, c) = (self.operand(2), self.operand(1), self.operand(0));
            let target = self.target(at + 1, 3);
            self.emit(operation, target.slot, b, Op::pair(c, d));
            return Some(1 + self.done(3, target));
        }
        // b c mul d add
        let Some(Inst::Load { local }) = self.next(at, 1) else { return None };
        let operation = match self.next(at, 2) {
            Some(Inst::Add {}) => Do::float_mul_add,
            Some(Inst::Sub {}) => Do::float_mul_rsub,
            _ => return None,
        };
        let (b, c) = (self.operand(1), self.operand(0));
        let target = self.target(at + 2, 2);
        self.emit(operation, target.slot, b, Op::pair(c, super::slot(local.at())));
        Some(2 + self.done(2, target))
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
