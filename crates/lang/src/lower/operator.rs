//! Operators: the instruction by the operands' type, and what is known while the program is made.

use super::code::backquoted;
use super::frame::{Frame, Got, Literal, Want};
use super::types::Shape;
use crate::thir::{Expr, ExprKind, Op};
use crate::ty::Ty;
use std::rc::Rc;

/// What an operator gives for literals; nothing where it would fail.
pub(super) fn fold(op: Op, operands: &[Literal]) -> Option<Literal> {
    match operands {
        [Literal::Int(a), Literal::Int(b)] => fold_ints(op, *a, *b),
        [Literal::Float(a), Literal::Float(b)] => fold_floats(op, *a, *b),
        [Literal::Text(a), Literal::Text(b)] if op == Op::Add => Some(Literal::Text(Rc::from(format!("{a}{b}")))),
        [Literal::Int(a)] if op == Op::Neg => a.checked_neg().map(Literal::Int),
        [Literal::Int(a)] if op == Op::BitNot => Some(Literal::Int(!a)),
        [Literal::Float(a)] if op == Op::Neg => Some(Literal::Float(-a)),
        [Literal::Bool(a)] if op == Op::Not => Some(Literal::Bool(!a)),
        [] | [_] | [_, _] | [_, _, _, ..] => None,
    }
}

fn fold_ints(op: Op, a: i64, b: i64) -> Option<Literal> {
    let shift = u32::try_from(b).ok().filter(|by| *by < 64);
    let int = match op {
        Op::Add => a.checked_add(b),
        Op::Sub => a.checked_sub(b),
        Op::Mul => a.checked_mul(b),
        Op::Div => a.checked_div(b),
        Op::Rem if b != 0 => Some(a.wrapping_rem(b)),
        Op::AddWrap => Some(a.wrapping_add(b)),
        Op::SubWrap => Some(a.wrapping_sub(b)),
        Op::MulWrap => Some(a.wrapping_mul(b)),
        Op::BitAnd => Some(a & b),
        Op::BitOr => Some(a | b),
        Op::BitXor => Some(a ^ b),
        Op::Shl => shift.map(|by| a << by),
        Op::Shr => shift.map(|by| a >> by),
        Op::ShrUnsigned => shift.map(|by| (a as u64 >> by) as i64),
        Op::Eq => return Some(Literal::Bool(a == b)),
        Op::Ne => return Some(Literal::Bool(a != b)),
        Op::Lt => return Some(Literal::Bool(a < b)),
        Op::Le => return Some(Literal::Bool(a <= b)),
        Op::Gt => return Some(Literal::Bool(a > b)),
        Op::Ge => return Some(Literal::Bool(a >= b)),
        Op::Rem | Op::Neg | Op::Not | Op::BitNot => None,
    };
    int.map(Literal::Int)
}

fn fold_floats(op: Op, a: f64, b: f64) -> Option<Literal> {
    let float = if op == Op::Add {
        a + b
    } else if op == Op::Sub {
        a - b
    } else if op == Op::Mul {
        a * b
    } else if op == Op::Div {
        a / b
    } else {
        return None;
    };
    Some(Literal::Float(float))
}

/// The instruction of an operator, where there is one for all types that have it.
fn instruction(op: Op) -> &'static str {
    match op {
        Op::Add => "add",
        Op::Sub => "sub",
        Op::Mul => "mul",
        Op::Div => "div",
        Op::Rem => "rem",
        Op::AddWrap => "add_wrap",
        Op::SubWrap => "sub_wrap",
        Op::MulWrap => "mul_wrap",
        Op::BitAnd => "and",
        Op::BitOr => "or",
        Op::BitXor => "xor",
        Op::Shl => "shl",
        Op::Shr => "shr",
        Op::ShrUnsigned => "shr_unsigned",
        Op::Eq => "eq",
        Op::Ne => "ne",
        Op::Lt => "lt",
        Op::Le => "le",
        Op::Gt => "gt",
        Op::Ge => "ge",
        Op::Neg => "neg",
        Op::Not => "not",
        Op::BitNot => "bit_not",
    }
}

impl<'c, 'a> Frame<'_, 'c, 'a> {
    /// The literal that an expression is, here.
    pub(super) fn known(&self, expr: &Expr) -> Option<Literal> {
        if let ExprKind::Local(local) = &expr.kind {
            return match self.binding(*local) {
                Some(super::frame::Binding::Literal(literal)) => Some(literal),
                Some(_) | None => None,
            };
        }
        self.l.literal_of(expr, 0)
    }

    pub(super) fn operator(&mut self, op: Op, operands: &'c [Expr], expr: &'c Expr, want: Want) {
        let known: Option<Vec<Literal>> = operands.iter().map(|one| self.known(one)).collect();
        if let Some(literal) = known.and_then(|known| fold(op, &known)) {
            return self.literal(&literal, want);
        }
        let Some(first) = operands.first() else { return };
        let ty = self.ty(first);
        if op == Op::Add && self.l.shape(ty) == Shape::Text {
            let mut parts = Vec::new();
            text_parts(expr, &mut parts);
            return self.interpolated(parts, want);
        }
        if let (Op::Eq | Op::Ne, [a, b]) = (op, operands)
            && let Shape::Option(_) = self.l.shape(ty)
        {
            let none = |one: &Expr| matches!(one.kind, ExprKind::Variant(0, _));
            if none(a) || none(b) {
                self.expr(if none(a) { b } else { a }, Want::Value);
                self.code.op("is_null");
                if op == Op::Ne {
                    self.code.op("not");
                }
                return self.deliver(Got::Value, want);
            }
        }
        self.expr(first, Want::Value);
        match operands.get(1) {
            Some(second) => self.apply(op, ty, second),
            None => self.code.op(instruction(op)),
        }
        self.deliver(Got::Value, want);
    }

    /// An operator on what is on the stack, of a type, and another operand.
    pub(super) fn apply(&mut self, op: Op, ty: Ty, other: &'c Expr) {
        self.expr(other, Want::Value);
        self.code.height -= 1;
        self.apply_both(op, ty);
    }

    /// An operator on the two values on the stack.
    pub(super) fn apply_both(&mut self, op: Op, ty: Ty) {
        match op {
            Op::Eq | Op::Ne => self.equality(ty, op == Op::Ne),
            Op::Lt | Op::Le | Op::Gt | Op::Ge => self.order(op, ty),
            Op::Add if matches!(self.l.shape(ty), Shape::Text | Shape::Bytes) => self.code.op("concat"),
            Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Div
            | Op::Rem
            | Op::AddWrap
            | Op::SubWrap
            | Op::MulWrap
            | Op::BitAnd
            | Op::BitOr
            | Op::BitXor
            | Op::Shl
            | Op::Shr
            | Op::ShrUnsigned
            | Op::Neg
            | Op::Not
            | Op::BitNot => self.code.op(instruction(op)),
        }
    }

    /// Whether two values are equal; a function of its own where the machine compares by identity.
    pub(super) fn equality(&mut self, ty: Ty, negated: bool) {
        if self.l.compares_by_content(ty) {
            let name = self.l.derive("eq", ty);
            self.code.op(format!("call {}", backquoted(&name)));
            if negated {
                self.code.op("not");
            }
        } else {
            self.code.op(if negated { "ne" } else { "eq" });
        }
    }

    fn order(&mut self, op: Op, ty: Ty) {
        if self.l.is_ordered(ty) {
            return self.code.op(instruction(op));
        }
        let name = self.l.derive("compare", ty);
        self.code.op(format!("call {}", backquoted(&name)));
        self.code.op("push 0");
        self.code.op(instruction(op));
    }

    /// `&&` and `||` as values: where the first operand does not decide, the second is the value.
    pub(super) fn truth(&mut self, a: &'c Expr, b: &'c Expr, is_and: bool, want: Want) {
        let (decided, end) = (self.code.label(), self.code.label());
        self.jump(a, !is_and, decided);
        self.expr(b, want);
        if want == Want::Value {
            self.code.height -= 1;
        }
        if want != Want::Tail {
            self.code.jump("jmp", end);
        }
        self.code.bind(decided);
        self.literal(&Literal::Bool(!is_and), want);
        self.code.bind(end);
    }

    /// Jumps when an expression is so, and goes on behind when it is not.
    pub(super) fn jump(&mut self, expr: &'c Expr, when: bool, to: super::code::Label) {
        if let Some(Literal::Bool(value)) = self.known(expr) {
            if value == when {
                self.code.jump("jmp", to);
            }
            return;
        }
        // Both: where one fails is clear, or behind; either: the other way about.
        if let ExprKind::And(a, b) | ExprKind::Or(a, b) = &expr.kind {
            let is_and = matches!(expr.kind, ExprKind::And(..));
            return self.jump_two(a, b, is_and, when, to);
        }
        if let ExprKind::Op(Op::Not, operands) = &expr.kind
            && let Some(operand) = operands.first()
        {
            return self.jump(operand, !when, to);
        }
        if let ExprKind::Block(stmts, Some(value)) = &expr.kind
            && stmts.is_empty()
        {
            return self.jump(value, when, to);
        }
        self.expr(expr, Want::Value);
        self.code.height = self.code.height.saturating_sub(1);
        self.code.jump(if when { "jmp_if" } else { "jmp_unless" }, to);
    }

    fn jump_two(&mut self, a: &'c Expr, b: &'c Expr, is_and: bool, when: bool, to: super::code::Label) {
        if is_and == when {
            let behind = self.code.label();
            self.jump(a, !when, behind);
            self.jump(b, when, to);
            self.code.bind(behind);
        } else {
            self.jump(a, when, to);
            self.jump(b, when, to);
        }
    }
}

/// The parts of a chain of `+` on texts.
fn text_parts<'c>(expr: &'c Expr, parts: &mut Vec<&'c Expr>) {
    if let ExprKind::Op(Op::Add, operands) = &expr.kind {
        operands.iter().for_each(|one| text_parts(one, parts));
    } else if let ExprKind::Interpolated(inner) = &expr.kind {
        parts.extend(inner);
    } else {
        parts.push(expr);
    }
}
