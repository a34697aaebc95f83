//! `?`: results and options that may end the function.

use super::code::Slot;
use super::frame::{Frame, Got, Return, Want};
use crate::thir::{Expr, ExprKind, Try};
use crate::ty::Ty;

impl<'c, 'a> Frame<'_, 'c, 'a> {
    /// `e?`.
    pub(super) fn try_(&mut self, inner: &'c Expr, how: Try, expr: &'c Expr, want: Want) {
        let scope = self.code.open_scope();
        let ty = self.ty(inner);
        let failed = self.code.label();
        let returns = self.returns.last().copied();
        let Some(returns) = returns else { return };
        if let Try::Option = how {
            self.expr(inner, Want::Value);
            self.code.height -= 1;
            self.not_null_type(inner, ty);
            self.code.jump("jmp_if_null", failed);
            let cold = self.code.start_cold();
            self.code.bind(failed);
            self.leave_with(returns, |frame| frame.code.op("push null"));
            self.code.end_cold(cold);
        } else {
            let slot = self.stable(inner, "result");
            let text = self.l.asm_type(ty);
            self.code.load(slot);
            self.code.op(format!("tag {text}"));
            self.code.op("push 0");
            self.code.op("ne");
            self.code.jump("jmp_if", failed);
            let cold = self.code.start_cold();
            self.code.bind(failed);
            self.failed_result(slot, ty, how, returns);
            self.code.end_cold(cold);
            let operand = self.l.payload_operand(ty, 0, 0);
            let got = self.got_of(expr);
            if got == Got::Value && want != Want::Nothing {
                self.code.load(slot);
                self.code.op(format!("payload {operand}"));
                self.code.close_scope(scope);
                return self.deliver(Got::Value, want);
            }
            self.code.close_scope(scope);
            return self.deliver(Got::Unit, want);
        }
        self.code.close_scope(scope);
        self.deliver(Got::Value, want);
    }

    /// An option that the verifier may take for null alone goes through a local of its type.
    pub(super) fn not_null_type(&mut self, expr: &'c Expr, ty: Ty) {
        let may = matches!(
            expr.kind,
            ExprKind::Variant(..)
                | ExprKind::If(..)
                | ExprKind::Match(..)
                | ExprKind::Block(..)
                | ExprKind::Try(..)
                | ExprKind::Call(..)
                | ExprKind::CallValue(..)
        );
        if may {
            let slot = self.slot("option", ty);
            self.code.store(slot);
            self.code.load(slot);
        }
    }

    /// Leaves with the error of a result, as that of the function.
    fn failed_result(&mut self, slot: Slot, ty: Ty, how: Try, returns: Return) {
        let same = ty == returns.result;
        let wrapped = match how {
            Try::Wrapped(variant, of) => Some((variant, self.concrete(of))),
            Try::Same | Try::Option => None,
        };
        self.leave_with(returns, |frame| {
            frame.code.load(slot);
            if same && wrapped.is_none() {
                return;
            }
            let operand = frame.l.payload_operand(ty, 1, 0);
            frame.code.op(format!("payload {operand}"));
            if let Some((variant, of)) = wrapped {
                let operand = frame.l.variant_operand(of, variant);
                frame.code.op(format!("new_variant {operand}"));
            }
            let operand = frame.l.variant_operand(returns.result, 1);
            frame.code.op(format!("new_variant {operand}"));
        });
    }
}
