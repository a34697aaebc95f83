//! Expressions.

use super::code::{backquoted, float_text, quoted, quoted_bytes};
use super::frame::{Binding, Frame, Got, Literal, Want};
use super::is_plain;
use super::types::Shape;
use crate::thir::{ConstId, Expr, ExprKind, LocalId, Pat, PatKind, Place, Try};
use crate::ty::{NEVER, Ty, UNIT};
use std::rc::Rc;

impl<'c, 'a> Frame<'_, 'c, 'a> {
    /// An expression, with its value where it is wanted.
    pub(super) fn expr(&mut self, expr: &'c Expr, want: Want) {
        let height = self.code.height;
        let line = self.code.line;
        self.line(expr.span);
        if matches!(want, Want::Value | Want::Into(_)) && self.is_nothing(expr) {
            self.expr_kind(expr, Want::Nothing);
            self.deliver(Got::Unit, want);
        } else {
            self.expr_kind(expr, want);
        }
        self.code.height = height + usize::from(want == Want::Value);
        self.code.line = line;
    }

    /// Whether an expression has ways that may leave different values, of which none is wanted.
    fn is_nothing(&mut self, expr: &Expr) -> bool {
        matches!(
            expr.kind,
            ExprKind::If(..) | ExprKind::Match(..) | ExprKind::Block(..) | ExprKind::Receive(_) | ExprKind::Serve(_)
        ) && self.ty(expr) == UNIT
    }

    fn expr_kind(&mut self, expr: &'c Expr, want: Want) {
        match &expr.kind {
            ExprKind::Error => self.unreachable(),
            ExprKind::Unit => self.deliver(Got::Unit, want),
            ExprKind::Bool(value) => self.literal(&Literal::Bool(*value), want),
            ExprKind::Int(value) => self.literal(&Literal::Int(*value), want),
            ExprKind::Float(value) => self.literal(&Literal::Float(*value), want),
            ExprKind::Text(value) => self.literal(&Literal::Text(value.as_str().into()), want),
            ExprKind::Bytes(value) => self.literal(&Literal::Bytes(value.as_slice().into()), want),
            ExprKind::Local(local) => self.local(*local, want),
            ExprKind::Const(id) => self.const_value(*id, expr, want),
            ExprKind::FnValue(id, args) => {
                let args = self.concrete_all(args);
                self.function_value(*id, &args, want);
            }
            ExprKind::Call(id, types, args) => self.call(*id, types, args, expr, want),
            ExprKind::CallValue(callee, args) => self.call_value(callee, args, expr, want),
            ExprKind::Closure(closure) => {
                self.make_closure(self.at, closure);
                self.deliver(Got::Value, want);
            }
            ExprKind::Op(op, operands) => self.operator(*op, operands, expr, want),
            ExprKind::And(a, b) => self.truth(a, b, true, want),
            ExprKind::Or(a, b) => self.truth(a, b, false, want),
            ExprKind::Interpolated(parts) => self.interpolated(parts.iter().collect(), want),
            ExprKind::Tuple(items) => self.construct(items, expr, want),
            ExprKind::Record(fields) => self.construct(fields, expr, want),
            ExprKind::List(items) => self.list(items, expr, want),
            ExprKind::Map(entries) => self.map(entries, expr, want),
            ExprKind::With(base, changes) => self.with(base, changes, expr, want),
            ExprKind::Variant(variant, fields) => self.variant(*variant, fields, expr, want),
            ExprKind::Field(of, at) => self.field(of, *at, want),
            ExprKind::Index(of, index) => {
                self.expr(of, Want::Value);
                self.expr(index, Want::Value);
                self.code.op("get");
                self.deliver(Got::Value, want);
            }
            ExprKind::Block(stmts, value) => self.block(stmts, value.as_deref(), want),
            ExprKind::Let(pat, value) => {
                self.let_(pat, value);
                self.deliver(Got::Unit, want);
            }
            ExprKind::LetElse(pat, value, otherwise) => {
                self.let_else(pat, value, otherwise);
                self.deliver(Got::Unit, want);
            }
            ExprKind::If(cond, then, otherwise) => self.if_(cond, then, otherwise.as_deref(), want),
            ExprKind::Match(value, arms) => self.match_(value, arms, want),
            ExprKind::Try(inner, how) => self.try_(inner, *how, expr, want),
            ExprKind::Receive(receive) => self.receive(receive, want),
            ExprKind::Serve(serve) => self.serve(serve),
            ExprKind::Spawn(spawn) => self.spawn(spawn, expr, want),
            ExprKind::Me => {
                self.code.op("self");
                self.deliver(Got::Value, want);
            }
            ExprKind::Return(value) => self.return_(value.as_deref()),
            ExprKind::Break | ExprKind::Continue => self.leave_loop(matches!(expr.kind, ExprKind::Break)),
            ExprKind::While(cond, body) => {
                self.while_(cond, body);
                let got = if expr.ty == NEVER { Got::Never } else { Got::Unit };
                self.deliver(got, want);
            }
            ExprKind::For(each) => {
                self.for_(each);
                self.deliver(Got::Unit, want);
            }
            ExprKind::Assign(place, op, value) => {
                match (&**place, op) {
                    (Place::Local(local), None) => self.assign_local(*local, value),
                    (place, op) => self.assign(place, *op, value),
                }
                self.deliver(Got::Unit, want);
            }
        }
    }

    /// A literal on the stack.
    pub(super) fn push(&mut self, literal: &Literal) {
        match literal {
            Literal::Bool(value) => self.code.op(if *value { "push true" } else { "push false" }),
            Literal::Int(value) => self.code.op(format!("push {value}")),
            Literal::Float(value) => self.code.op(format!("push {}", float_text(*value))),
            Literal::Text(value) => self.code.op(format!("push {}", quoted(value))),
            Literal::Bytes(value) => self.code.op(format!("push {}", quoted_bytes(value))),
        }
    }

    pub(super) fn literal(&mut self, literal: &Literal, want: Want) {
        if want == Want::Nothing {
            return;
        }
        self.push(literal);
        self.deliver(Got::Value, want);
    }

    fn local(&mut self, local: LocalId, want: Want) {
        if want == Want::Nothing {
            return;
        }
        match self.binding(local) {
            Some(Binding::Slot(slot)) => {
                self.code.load(slot);
                self.deliver(Got::Value, want);
            }
            Some(Binding::Literal(literal)) => self.literal(&literal, want),
            Some(Binding::Closure(context, closure)) => {
                self.make_closure(context, closure);
                self.deliver(Got::Value, want);
            }
            Some(Binding::Function(id, args)) => self.function_value(id, &args, want),
            // Only code that is never reached reads a local that nothing has bound.
            None => self.unreachable(),
        }
    }

    fn function_value(&mut self, id: crate::thir::FnId, args: &[Ty], want: Want) {
        if want == Want::Nothing {
            return;
        }
        let name = self.l.instance(id, args);
        self.code.op(format!("push {}", backquoted(&name)));
        self.deliver(Got::Value, want);
    }

    fn const_value(&mut self, id: ConstId, expr: &'c Expr, want: Want) {
        if let Some(literal) = self.l.const_literal(id) {
            return self.literal(&literal, want);
        }
        let name = self.l.const_function(id);
        self.code.op(format!("call {}", backquoted(&name)));
        let got = self.got_of(expr);
        self.deliver(got, want);
    }

    /// The way an expression that is a call leaves its value.
    pub(super) fn got_of(&mut self, expr: &Expr) -> Got {
        let ty = self.ty(expr);
        self.got(ty)
    }

    /// Operands on the stack, one behind the other.
    pub(super) fn operands(&mut self, all: &'c [Expr]) {
        for one in all {
            self.expr(one, Want::Value);
        }
    }

    fn construct(&mut self, fields: &'c [Expr], expr: &'c Expr, want: Want) {
        self.operands(fields);
        let ty = self.ty(expr);
        let text = self.l.asm_type(ty);
        self.code.op(format!("new {text}"));
        self.deliver(Got::Value, want);
    }

    fn list(&mut self, items: &'c [Expr], expr: &'c Expr, want: Want) {
        let ty = self.ty(expr);
        let text = self.l.asm_type(ty);
        self.code.op(format!("list_new {text}"));
        if !items.is_empty() {
            let scope = self.code.open_scope();
            let slot = self.slot("list", ty);
            self.code.store(slot);
            for item in items {
                self.code.load(slot);
                self.code.height += 1;
                self.expr(item, Want::Value);
                self.code.op("list_push");
                self.code.height -= 2;
            }
            self.code.load(slot);
            self.code.close_scope(scope);
        }
        self.deliver(Got::Value, want);
    }

    fn map(&mut self, entries: &'c [(Expr, Expr)], expr: &'c Expr, want: Want) {
        let ty = self.ty(expr);
        let text = self.l.asm_type(ty);
        self.code.op(format!("map_new {text}"));
        if !entries.is_empty() {
            let scope = self.code.open_scope();
            let slot = self.slot("map", ty);
            self.code.store(slot);
            for (key, value) in entries {
                self.code.load(slot);
                self.code.height += 1;
                self.expr(key, Want::Value);
                self.expr(value, Want::Value);
                self.code.op("set");
                self.code.height -= 3;
            }
            self.code.load(slot);
            self.code.close_scope(scope);
        }
        self.deliver(Got::Value, want);
    }

    /// A changed copy: `with` for a field or two, else a new one.
    fn with(&mut self, base: &'c Expr, changes: &'c [(usize, Expr)], expr: &'c Expr, want: Want) {
        let ty = self.ty(expr);
        let text = self.l.asm_type(ty);
        let count = self.l.field_types(ty, None).len();
        let is_object = matches!(self.l.shape(ty), Shape::Object(..));
        if changes.len() <= 2 && !is_object && changes.len() * 2 <= count.max(2) {
            self.expr(base, Want::Value);
            for (at, value) in changes {
                self.expr(value, Want::Value);
                let field = self.l.field_name(ty, *at);
                self.code.op(format!("with {text}.{field}"));
                self.code.height -= 1;
            }
            return self.deliver(Got::Value, want);
        }
        let scope = self.code.open_scope();
        let whole = self.stable(base, "base");
        let mut slots = Vec::new();
        let in_order = changes.windows(2).all(|two| matches!(two, [(a, _), (b, _)] if a < b));
        for (at, value) in changes {
            let slot = if in_order || is_plain(&value.kind) { None } else { Some(self.stable(value, "field")) };
            slots.push((*at, value, slot));
        }
        for at in 0..count {
            match slots.iter().find(|(changed, _, _)| *changed == at) {
                Some((_, value, None)) => self.expr(value, Want::Value),
                Some((_, _, Some(slot))) => {
                    self.code.load(*slot);
                    self.code.height += 1;
                }
                None => {
                    self.code.load(whole);
                    let field = self.l.field_name(ty, at);
                    self.code.op(format!("field {text}.{field}"));
                    self.code.height += 1;
                }
            }
        }
        self.code.op(format!("new {text}"));
        self.code.close_scope(scope);
        self.deliver(Got::Value, want);
    }

    fn variant(&mut self, variant: usize, fields: &'c [Expr], expr: &'c Expr, want: Want) {
        let ty = self.ty(expr);
        if let Shape::Option(_) = self.l.shape(ty) {
            if variant == 0 {
                if want == Want::Nothing {
                    return;
                }
                self.code.op("push null");
            } else {
                self.operands(fields);
                let text = self.l.asm_type(ty);
                self.code.op(format!("some {text}"));
            }
            return self.deliver(Got::Value, want);
        }
        self.operands(fields);
        let operand = self.l.variant_operand(ty, variant);
        self.code.op(format!("new_variant {operand}"));
        self.deliver(Got::Value, want);
    }

    fn field(&mut self, of: &'c Expr, at: usize, want: Want) {
        if let ExprKind::Tuple(items) = &of.kind
            && items.iter().all(|item| is_plain(&item.kind))
            && let Some(item) = items.get(at)
        {
            return self.expr(item, want);
        }
        self.expr(of, Want::Value);
        let ty = self.ty(of);
        self.read_field(ty, at);
        self.deliver(Got::Value, want);
    }

    /// A field of the value on the stack.
    pub(super) fn read_field(&mut self, ty: Ty, at: usize) {
        let text = self.l.asm_type(ty);
        let field = self.l.field_name(ty, at);
        self.code.op(format!("field {text}.{field}"));
    }

    fn block(&mut self, stmts: &'c [Expr], value: Option<&'c Expr>, want: Want) {
        let scope = self.code.open_scope();
        for stmt in stmts {
            self.expr(stmt, Want::Nothing);
        }
        match value {
            Some(value) => self.expr(value, want),
            None => {
                let ends = stmts.iter().any(|stmt| stmt.ty == NEVER);
                self.deliver(if ends { Got::Never } else { Got::Unit }, want);
            }
        }
        self.code.close_scope(scope);
    }

    /// The value of an expression in a local that nothing changes while it is used.
    pub(super) fn stable(&mut self, expr: &'c Expr, name: &str) -> super::code::Slot {
        if let ExprKind::Local(local) = &expr.kind
            && !self.is_var(*local)
            && let Some(Binding::Slot(slot)) = self.binding(*local)
        {
            return slot;
        }
        let ty = self.ty(expr);
        let slot = self.slot(name, ty);
        self.expr(expr, Want::Into(slot));
        slot
    }

    /// `let` with a pattern that always matches.
    fn let_(&mut self, pat: &'c Pat, value: &'c Expr) {
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
    fn let_parts(&mut self, pats: &'c [Pat], id: crate::thir::FnId, types: &'c [Ty], args: &'c [Expr], value: &'c Expr) {
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
    pub(super) fn destructure(&mut self, pat: &'c Pat, slot: super::code::Slot, ty: Ty) {
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

    fn bind_or_copy(&mut self, local: LocalId, slot: super::code::Slot) {
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

    fn assign_local(&mut self, local: LocalId, value: &'c Expr) {
        match self.binding(local) {
            Some(Binding::Slot(slot)) => self.expr(value, Want::Into(slot)),
            Some(Binding::Literal(_) | Binding::Closure(..) | Binding::Function(..)) | None => {
                self.expr(value, Want::Nothing)
            }
        }
    }

    /// `place = value` and `place += value`: what the place lies in is evaluated once.
    fn assign(&mut self, place: &'c Place, op: Option<crate::thir::Op>, value: &'c Expr) {
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

    fn key(&mut self, slot: Option<super::code::Slot>, index: &'c Expr) {
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

    /// `e?`.
    fn try_(&mut self, inner: &'c Expr, how: Try, expr: &'c Expr, want: Want) {
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
    fn failed_result(&mut self, slot: super::code::Slot, ty: Ty, how: Try, returns: super::frame::Return) {
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
