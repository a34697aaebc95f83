//! Names and places: `let` with patterns that always match, and assignments.

use super::code::Slot;
use super::frame::{Binding, Frame, Want};
use super::types::Shape;
use crate::thir::{Expr, ExprKind, FnId, LocalId, Op, Pat, PatKind, Place};
use crate::ty::{Ty, UNIT};

impl<'c, 'a> Frame<'_, 'c, 'a> {
    /// `let` with a pattern that always matches.
    pub(super) fn let_(&mut self, pat: &'c Pat, value: &'c Expr) {
        match (&pat.kind, &value.kind) {
            (PatKind::Any, _) => self.expr(value, Want::Nothing),
            (PatKind::Bind(local), ExprKind::Closure(closure)) if self.only_calls(*local, closure) => {
                self.bind(*local, Binding::Closure(self.at, closure));
            }
            (PatKind::Bind(local), _) => {
                // The value may speak of a local of the same body that has this one's place, so that comes first.
                let ty = self.local_type(*local);
                let name = self.local_name(*local);
                let slot = self.named_slot(&name, ty);
                self.expr(value, Want::Into(slot));
                self.bind(*local, Binding::Slot(slot));
            }
            (PatKind::Fields(pats), ExprKind::Tuple(items)) if pats.len() == items.len() => {
                for (pat, item) in pats.iter().zip(items) {
                    self.let_(pat, item);
                }
            }
            (PatKind::Fields(pats), ExprKind::Call(id, types, args)) if self.makes_tuple(*id) => {
                self.let_parts(pats, *id, types, args, value);
            }
            (_, _) => {
                let slot = self.stable(value, "value");
                let ty = self.ty(value);
                self.destructure(pat, slot, ty);
            }
        }
    }

    /// Binds what instructions leave that would make a tuple of it.
    fn let_parts(&mut self, pats: &'c [Pat], id: FnId, types: &'c [Ty], args: &'c [Expr], value: &'c Expr) {
        let types = self.concrete_all(types);
        let height = self.code.height;
        self.operands(args);
        self.code.height = height;
        self.parts_of_tuple(id, &types, value.span);
        let ty = self.ty(value);
        let fields = self.l.field_types(ty, None);
        let slots: Vec<_> = fields.iter().map(|field| self.slot("part", *field)).collect();
        slots.iter().rev().for_each(|slot| self.code.store(*slot));
        for ((pat, slot), field) in pats.iter().zip(slots).zip(fields) {
            self.destructure(pat, slot, field);
        }
    }

    /// Binds a pattern that always matches to a value.
    pub(super) fn destructure(&mut self, pat: &'c Pat, slot: Slot, ty: Ty) {
        match &pat.kind {
            PatKind::Any => {}
            PatKind::Bind(local) => self.bind_or_copy(*local, slot),
            PatKind::As(local, inner) => {
                self.bind_or_copy(*local, slot);
                self.destructure(inner, slot, ty);
            }
            PatKind::Fields(pats) => {
                let types = self.l.field_types(ty, None);
                for (at, (pat, field)) in pats.iter().zip(types).enumerate() {
                    if !matches!(pat.kind, PatKind::Any) {
                        self.code.load(slot);
                        self.read_field(ty, at);
                        self.destructure_top(pat, field);
                    }
                }
            }
            PatKind::Variant(variant, pats) => {
                let types = self.l.field_types(ty, Some(*variant));
                for (at, (pat, field)) in pats.iter().zip(types).enumerate() {
                    if !matches!(pat.kind, PatKind::Any) {
                        self.code.load(slot);
                        let operand = self.l.payload_operand(ty, *variant, at);
                        self.code.op(format!("payload {operand}"));
                        self.destructure_top(pat, field);
                    }
                }
            }
            PatKind::Int(_)
            | PatKind::Float(_)
            | PatKind::Bool(_)
            | PatKind::Text(_)
            | PatKind::Bytes(_)
            | PatKind::Range(..)
            | PatKind::Prefix(..)
            | PatKind::List(..)
            | PatKind::Or(_) => {
                let failed = self.code.label();
                self.test_pattern(pat, slot, ty, failed);
                let cold = self.code.start_cold();
                self.code.bind(failed);
                self.unreachable();
                self.code.end_cold(cold);
            }
        }
    }

    fn bind_or_copy(&mut self, local: LocalId, slot: Slot) {
        if self.is_var(local) {
            let own = self.own_slot(local);
            self.code.load(slot);
            self.code.store(own);
        } else {
            self.bind(local, Binding::Slot(slot));
        }
    }

    /// Binds a pattern that always matches to the value on the stack.
    pub(super) fn destructure_top(&mut self, pat: &'c Pat, ty: Ty) {
        if let PatKind::Bind(local) = &pat.kind {
            let slot = self.own_slot(*local);
            self.code.store(slot);
            return;
        }
        let slot = self.slot("part", ty);
        self.code.store(slot);
        self.destructure(pat, slot, ty);
    }

    pub(super) fn assign_local(&mut self, local: LocalId, value: &'c Expr) {
        match self.binding(local) {
            Some(Binding::Slot(slot)) => self.expr(value, Want::Into(slot)),
            Some(Binding::Literal(_) | Binding::Closure(..) | Binding::Function(..)) | None => {
                self.expr(value, Want::Nothing)
            }
        }
    }

    /// `place = value` and `place += value`: what the place lies in is evaluated once.
    pub(super) fn assign(&mut self, place: &'c Place, op: Option<Op>, value: &'c Expr) {
        let scope = self.code.open_scope();
        match place {
            Place::Local(local) => {
                let Some(Binding::Slot(slot)) = self.binding(*local) else { return };
                let ty = self.local_type(*local);
                let Some(op) = op else { return self.expr(value, Want::Into(slot)) };
                self.code.load(slot);
                self.apply(op, ty, value);
                self.code.store(slot);
            }
            Place::Field(of, at) => {
                let ty = self.ty(of);
                let text = self.l.asm_type(ty);
                let field = self.l.field_name(ty, *at);
                let Some(op) = op else {
                    self.expr(of, Want::Value);
                    self.expr(value, Want::Value);
                    self.code.op(format!("set_field {text}.{field}"));
                    return self.code.close_scope(scope);
                };
                let whole = self.stable(of, "object");
                let field_ty = self.l.field_types(ty, None).get(*at).copied().unwrap_or(UNIT);
                self.code.load(whole);
                self.code.load(whole);
                self.code.op(format!("field {text}.{field}"));
                self.code.height += 1;
                self.apply(op, field_ty, value);
                self.code.height -= 1;
                self.code.op(format!("set_field {text}.{field}"));
            }
            Place::Index(of, index) => {
                let Some(op) = op else {
                    self.expr(of, Want::Value);
                    self.expr(index, Want::Value);
                    self.expr(value, Want::Value);
                    self.code.op("set");
                    return self.code.close_scope(scope);
                };
                let element = self.element_type(of);
                let whole = self.stable(of, "whole");
                let is_literal = matches!(index.kind, ExprKind::Int(_) | ExprKind::Text(_));
                let key = if is_literal { None } else { Some(self.stable(index, "key")) };
                self.code.load(whole);
                self.key(key, index);
                self.code.load(whole);
                self.key(key, index);
                self.code.op("get");
                self.code.height += 2;
                self.apply(op, element, value);
                self.code.height -= 2;
                self.code.op("set");
            }
        }
        self.code.close_scope(scope);
    }

    fn key(&mut self, slot: Option<Slot>, index: &'c Expr) {
        match slot {
            Some(slot) => self.code.load(slot),
            None => {
                self.expr(index, Want::Value);
                self.code.height -= 1;
            }
        }
    }

    /// What an element of a container is on the stack.
    fn element_type(&mut self, of: &'c Expr) -> Ty {
        match self.shape(of) {
            Shape::List(item) | Shape::Array(item) | Shape::Map(_, item) => item,
            Shape::Unit
            | Shape::Never
            | Shape::Int
            | Shape::Float
            | Shape::Bool
            | Shape::Text
            | Shape::Bytes
            | Shape::Option(_)
            | Shape::Set(_)
            | Shape::Tuple(_)
            | Shape::Record(..)
            | Shape::Object(..)
            | Shape::Sum(..)
            | Shape::Fn(..)
            | Shape::Word => UNIT,
        }
    }
}
