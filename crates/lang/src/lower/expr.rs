//! Expressions.

use super::code::{backquoted, float_text, quoted, quoted_bytes};
use super::frame::{Binding, Frame, Got, Literal, Want};
use super::is_plain;
use super::types::Shape;
use crate::thir::{ConstId, Expr, ExprKind, LocalId, Place};
use crate::ty::{NEVER, Ty, UNIT};

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
            let slot = if in_order || self.is_pure(value) { None } else { Some(self.stable(value, "field")) };
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
        // What a function without a result does last may be in its place.
        let (stmts, value) = match (stmts, value) {
            ([before @ .., last], None) if want == Want::Tail && may_be_last(last) => (before, Some(last)),
            _ => (stmts, value),
        };
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
}

/// Whether a statement is one that could be a block's value.
fn may_be_last(stmt: &Expr) -> bool {
    stmt.ty == UNIT
        && matches!(
            stmt.kind,
            ExprKind::Call(..) | ExprKind::CallValue(..) | ExprKind::If(..) | ExprKind::Match(..) | ExprKind::Block(..)
        )
}
