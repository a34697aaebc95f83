//! Values that are known while a program is made.

use super::frame::Literal;
use crate::thir::{ConstId, Expr, ExprKind};
use std::rc::Rc;

impl super::Lower<'_, '_> {
    /// The value of a constant, where it is a literal.
    pub(super) fn const_literal(&self, id: ConstId) -> Option<Literal> {
        let body = self.checked.consts.get(id.0 as usize)?.as_ref()?;
        self.literal_of(&body.value, 0)
    }

    /// The value of an expression that is a literal, or made of some by what cannot fail.
    pub(super) fn literal_of(&self, expr: &Expr, depth: usize) -> Option<Literal> {
        match &expr.kind {
            ExprKind::Bool(value) => Some(Literal::Bool(*value)),
            ExprKind::Int(value) => Some(Literal::Int(*value)),
            ExprKind::Float(value) => Some(Literal::Float(*value)),
            ExprKind::Text(value) => Some(Literal::Text(Rc::from(value.as_str()))),
            ExprKind::Bytes(value) => Some(Literal::Bytes(Rc::from(value.as_slice()))),
            ExprKind::Const(id) if depth < 32 => {
                let body = self.checked.consts.get(id.0 as usize)?.as_ref()?;
                self.literal_of(&body.value, depth + 1)
            }
            ExprKind::Op(op, operands) if depth < 32 => {
                let operands: Option<Vec<Literal>> = operands.iter().map(|one| self.literal_of(one, depth + 1)).collect();
                super::operator::fold(*op, &operands?)
            }
            ExprKind::Block(stmts, Some(value)) if stmts.is_empty() && depth < 32 => self.literal_of(value, depth + 1),
            ExprKind::Error
            | ExprKind::Unit
            | ExprKind::Local(_)
            | ExprKind::Const(_)
            | ExprKind::FnValue(..)
            | ExprKind::Call(..)
            | ExprKind::CallValue(..)
            | ExprKind::Closure(_)
            | ExprKind::Op(..)
            | ExprKind::And(..)
            | ExprKind::Or(..)
            | ExprKind::Interpolated(_)
            | ExprKind::Tuple(_)
            | ExprKind::List(_)
            | ExprKind::Map(_)
            | ExprKind::Record(_)
            | ExprKind::With(..)
            | ExprKind::Variant(..)
            | ExprKind::Field(..)
            | ExprKind::Index(..)
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
            | ExprKind::Assign(..) => None,
        }
    }
}
