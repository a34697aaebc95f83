//! Blocks and statements.

use super::Cx;
use super::infer::Why;
use crate::code::Code;
use crate::suggest::suggestion;
use crate::thir::{Cond, Expr, ExprKind, For, Loop, Place};
use crate::ty::{ERROR, Kind, NEVER, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, Span, StmtKind};

impl<'a> Cx<'_, 'a> {
    /// A block. With `drops` its last value is not wanted.
    pub(crate) fn block(&mut self, block: &'a ast::Block<'a>, wanted: Option<Ty>, drops: bool) -> Expr {
        let visible = self.names.len();
        let mut stmts = Vec::new();
        let mut ends: Option<Span> = None;
        let mut value = None;
        let last = block.stmts.len().saturating_sub(1);
        for (at, stmt) in block.stmts.iter().enumerate() {
            if let Some(before) = ends.take() {
                let report = Report::warning(Code::Unreachable, stmt.span, "this is never reached").label("not reached");
                self.warn(report.also(before, "nothing goes on behind this"));
                ends = None;
            }
            let is_value = at == last && matches!(stmt.kind, StmtKind::Expr(_));
            let expr = match (&stmt.kind, is_value) {
                (StmtKind::Expr(expr), true) if !drops => self.expr(expr, wanted),
                _ => self.stmt(stmt),
            };
            // Of a `serve` in a wrong place it was told.
            let is_misplaced = matches!(stmt.kind, StmtKind::Serve { .. }) && self.serve_place != Some(stmt.span);
            if expr.ty == NEVER && !is_misplaced {
                ends = Some(stmt.span);
            }
            if is_value && (!drops || expr.ty == NEVER) {
                value = Some(expr);
            } else {
                if at != last || drops {
                    self.check_dropped(&expr, &stmt.kind);
                }
                stmts.push(expr);
            }
        }
        self.names.truncate(visible);
        let diverges = stmts.iter().any(|expr| expr.ty == NEVER);
        let ty = match &value {
            Some(value) => value.ty,
            None if diverges => NEVER,
            None => UNIT,
        };
        let ty = if diverges && self.shallow(ty) == UNIT { NEVER } else { ty };
        Expr { kind: ExprKind::Block(stmts, value.map(Box::new)), ty, span: block.span }
    }

    fn check_dropped(&mut self, expr: &Expr, stmt: &StmtKind<'a>) {
        if matches!(stmt, StmtKind::Expr(_)) {
            self.dropped(super::infer::end_of(expr));
        }
    }

    /// Tells when a value that nobody looks at is a `Result`.
    pub(crate) fn dropped(&mut self, expr: &Expr) {
        if let Kind::Named(def, _) = self.kind(expr.ty)
            && def == self.p.core.result
        {
            let ty = self.display(expr.ty);
            let message = format!("this `{ty}` may be an error that nobody looks at");
            let report = Report::error(Code::Unused, expr.span, message).label("not used");
            self.tell(report.hint("write `?` behind it, `match` on it, or `let _ = ..` to drop it on purpose"));
        }
    }

    /// A statement; its type is that of its value, `()` for those that have none.
    pub(crate) fn stmt(&mut self, stmt: &'a ast::Stmt<'a>) -> Expr {
        let span = stmt.span;
        let unit = |kind: ExprKind| Expr { kind, ty: UNIT, span };
        match &stmt.kind {
            StmtKind::Error => Expr { kind: ExprKind::Error, ty: ERROR, span },
            StmtKind::Expr(expr) => self.expr(expr, None),
            StmtKind::Let { pat, ty, value, otherwise } => {
                let wanted = ty.as_ref().map(|ty| self.written(ty));
                let value = self.expr(value, wanted);
                let value = match (wanted, ty) {
                    (Some(wanted), Some(ty)) => self.coerce(value, wanted, &Why::at("the written type", ty.span)),
                    _ => value,
                };
                let ty = wanted.unwrap_or(value.ty);
                let ty = if ty == NEVER { ERROR } else { ty };
                let otherwise = otherwise.as_ref().map(|block| {
                    let expr = self.block(block, None, false);
                    if expr.ty != NEVER && expr.ty != ERROR {
                        let report =
                            Report::error(Code::Refutable, block.span, "the `else` of a `let` must not go on behind it");
                        self.tell(
                            report
                                .label("its end is reached")
                                .hint("end it with `return`, `break`, `continue` or `panic(..)`"),
                        );
                    }
                    expr
                });
                let pat = self.pattern(pat, ty);
                let diverges = value.ty == NEVER;
                let kind = match otherwise {
                    None => {
                        self.check_irrefutable(&pat, "a `let` pattern", Some("add `else { .. }`, or use `match`"));
                        ExprKind::Let(Box::new(pat), Box::new(value))
                    }
                    Some(otherwise) => ExprKind::LetElse(Box::new(pat), Box::new(value), Box::new(otherwise)),
                };
                Expr { kind, ty: if diverges { NEVER } else { UNIT }, span }
            }
            StmtKind::Var { name, ty, value } => {
                let wanted = ty.as_ref().map(|ty| self.written(ty));
                let value = self.expr(value, wanted);
                let value = match (wanted, ty) {
                    (Some(wanted), Some(ty)) => self.coerce(value, wanted, &Why::at("the written type", ty.span)),
                    _ => value,
                };
                let ty = wanted.unwrap_or(value.ty);
                let ty = if ty == NEVER { ERROR } else { ty };
                let local = self.bind_name(name.text, ty, true, name.span);
                let pat = crate::thir::Pat { kind: crate::thir::PatKind::Bind(local), ty, span: name.span };
                unit(ExprKind::Let(Box::new(pat), Box::new(value)))
            }
            StmtKind::For { pat, over, body } => self.for_loop(pat, over, body, span),
            StmtKind::While { cond, body } => {
                let visible = self.names.len();
                let is_forever = matches!(cond, ast::Cond::Expr(expr) if matches!(expr.kind, ast::ExprKind::Bool(true)));
                let cond = self.cond(cond);
                self.loops.push(false);
                let body = self.block(body, None, true);
                let left = self.loops.pop().unwrap_or(true);
                self.names.truncate(visible);
                let ty = if is_forever && !left { NEVER } else { UNIT };
                Expr { kind: ExprKind::While(Box::new(cond), Box::new(body)), ty, span }
            }
            StmtKind::Return(value) => {
                let (result, result_span) = (self.frame().result, self.frame().result_span);
                let why = match result_span {
                    Some(span) => Why::at("the function's result", span),
                    None => Why::new("the result"),
                };
                let value = match value {
                    Some(value) => {
                        let value = self.expr(value, Some(result));
                        Some(Box::new(self.coerce(value, result, &why)))
                    }
                    None => {
                        if !self.fits(UNIT, result) {
                            let wanted = self.display(result);
                            let message = format!("the function's result is `{wanted}`, seen: `return` without a value");
                            self.tell(Report::error(Code::Mismatch, span, message).label("a value is missing"));
                        }
                        None
                    }
                };
                Expr { kind: ExprKind::Return(value), ty: NEVER, span }
            }
            StmtKind::Break | StmtKind::Continue => {
                let is_break = matches!(stmt.kind, StmtKind::Break);
                match self.loops.last_mut() {
                    Some(left) => *left |= is_break,
                    None => {
                        let word = if is_break { "break" } else { "continue" };
                        let message = format!("`{word}` outside of a loop");
                        self.tell(Report::error(Code::MisplacedBreak, span, message).label("no loop around this"));
                    }
                }
                Expr { kind: if is_break { ExprKind::Break } else { ExprKind::Continue }, ty: NEVER, span }
            }
            StmtKind::Serve { name, ty, init, arms } => {
                self.check_serve_place(span);
                self.serve(name, ty.as_ref(), init, arms, span)
            }
            StmtKind::Assign { target, op, value } => self.assign(target, *op, value, span),
        }
    }

    /// Tells when a `serve` is not the last statement of a function.
    fn check_serve_place(&mut self, span: Span) {
        if self.serve_place == Some(span) {
            return;
        }
        let word = Span { start: span.start, end: span.start + "serve".len() as u32 };
        let report = Report::error(Code::Serve, word, "a `serve` is the last statement of a declared function");
        self.tell(
            report
                .label("not the last one")
                .hint("what comes after it goes into the arm that returns; what is around it into a function of its own"),
        );
    }

    /// Warns of a text that grows by `+` in a loop.
    fn check_growth(&mut self, place: &Place, op: Option<ast::BinOp>, value: &Expr, span: Span) {
        let Place::Local(id) = place else { return };
        let (ty, name) = (self.locals[id.0 as usize].ty, self.locals[id.0 as usize].name.clone());
        let is_text = matches!(self.kind(ty), Kind::Named(def, _) if def == self.p.core.text);
        let is_outside = self.loops_around.get(id.0 as usize).is_some_and(|around| *around < self.loops.len());
        let mut first = value;
        while let ExprKind::Op(crate::thir::Op::Add, sides) = &first.kind
            && let Some(left) = sides.first()
        {
            first = left;
        }
        let is_sum = !std::ptr::eq(first, value) && matches!(first.kind, ExprKind::Local(own) if own == *id);
        if !is_text || !is_outside || !(op == Some(ast::BinOp::Add) || op.is_none() && is_sum) {
            return;
        }
        let message = format!("`{name}` is copied each time it grows, so the loop takes the square of its length");
        let report = Report::warning(Code::Costly, span, message).label("copied here");
        let hint = format!("`text.builder()` grows in place: `{name}.add(..)` in the loop, `{name}.finish()` behind it");
        self.warn(report.hint(hint));
    }

    /// The type that is written in this module.
    pub(crate) fn written(&mut self, ty: &ast::Type<'a>) -> Ty {
        let generics = self.generics.clone();
        let ty = self.p.written_type(self.module, ty, &generics);
        self.failed |= ty == ERROR;
        ty
    }

    /// A condition; what its pattern binds is visible afterwards.
    pub(crate) fn cond(&mut self, cond: &'a ast::Cond<'a>) -> Cond {
        match cond {
            ast::Cond::Expr(expr) => {
                let bool = self.p.core.bool;
                let bool = self.p.plain(bool);
                let value = self.expr(expr, Some(bool));
                Cond::Expr(self.coerce(value, bool, &Why::new("a condition")))
            }
            ast::Cond::Let { pat, value } => {
                let value = match pat.kind {
                    // Of truth values `&&` makes another one.
                    ast::PatKind::Any | ast::PatKind::Name(_) | ast::PatKind::Bool(_) | ast::PatKind::Error => value,
                    _ => self.before_and(value),
                };
                let value = self.expr(value, None);
                let ty = if value.ty == NEVER { ERROR } else { value.ty };
                let pat = self.pattern(pat, ty);
                Cond::Let(pat, value)
            }
        }
    }

    /// What a pattern of a condition is matched with; tells when `&&` goes on behind it.
    fn before_and(&mut self, value: &'a ast::Expr<'a>) -> &'a ast::Expr<'a> {
        let ast::ExprKind::Binary { op: ast::BinOp::And, op_span, left, .. } = &value.kind else { return value };
        let report =
            Report::error(Code::Operator, *op_span, "a condition with a pattern has nothing but the pattern and its value");
        self.tell(
            report
                .label("goes on")
                .hint("put an `if` into the other, or `match` with a condition: `Some(x) if x > 0 -> ..`"),
        );
        let mut first: &'a ast::Expr<'a> = left;
        while let ast::ExprKind::Binary { op: ast::BinOp::And, left, .. } = &first.kind {
            first = left;
        }
        first
    }

    fn for_loop(&mut self, pat: &'a ast::Pat<'a>, over: &'a ast::Expr<'a>, body: &'a ast::Block<'a>, span: Span) -> Expr {
        let core = self.p.core;
        let int = self.p.plain(core.int);
        let range = match &over.kind {
            ast::ExprKind::Binary { op: ast::BinOp::Range, left, right, .. } => Some((left, right, false)),
            ast::ExprKind::Binary { op: ast::BinOp::RangeInclusive, left, right, .. } => Some((left, right, true)),
            _ => None,
        };
        let (over, item, how) = if let Some((left, right, is_inclusive)) = range {
            let why = Why::new("the bound of a range");
            let (left, right) = self.bounds(left, right, int, &why);
            let over = Expr { kind: ExprKind::Tuple(vec![left, right]), ty: UNIT, span: over.span };
            (over, int, Loop::Range { is_inclusive })
        } else {
            let over = self.expr(over, None);
            let (item, how) = match self.kind(over.ty) {
                Kind::Named(def, args) if def == core.list => (args[0], Loop::List),
                Kind::Named(def, args) if def == core.set => (args[0], Loop::Set),
                Kind::Named(def, args) if def == core.map => (self.p.types.tuple(args), Loop::Map),
                Kind::Named(def, args) if def == core.iter => (args[0], Loop::Iter),
                Kind::Named(def, _) if def == core.range => (int, Loop::RangeValue),
                Kind::Named(def, args) if def == core.array => (self.element(args[0]), Loop::Array),
                Kind::Error => (ERROR, Loop::List),
                _ => {
                    let ty = self.display(over.ty);
                    let message = format!("`for` goes over a range, list, map, set, array or iterator, seen: `{ty}`");
                    let hint = if ty == "Int" {
                        Some(format!("write `0..{}`", self.source(over.span)))
                    } else if ty == "Text" {
                        Some("`.chars()`, `.lines()` and `.words()` can be gone over".to_owned())
                    } else {
                        None
                    };
                    self.tell(
                        Report::error(Code::Mismatch, over.span, message).label(format!("this is `{ty}`")).maybe_hint(hint),
                    );
                    (ERROR, Loop::List)
                }
            };
            (over, item, how)
        };
        let visible = self.names.len();
        let pat = self.pattern(pat, item);
        self.check_irrefutable(&pat, "a `for` pattern", Some("match on the element in the body"));
        self.loops.push(false);
        let body = self.block(body, None, true);
        self.loops.pop();
        self.names.truncate(visible);
        Expr { kind: ExprKind::For(Box::new(For { pat, over, body, how })), ty: UNIT, span }
    }

    /// What an element of an array is read as.
    pub(crate) fn element(&mut self, element: Ty) -> Ty {
        let core = self.p.core;
        match self.kind(element) {
            Kind::Named(def, _) if def == core.byte || def == core.i32 => self.p.plain(core.int),
            Kind::Named(def, _) if def == core.f32 => self.p.plain(core.float),
            _ => element,
        }
    }

    fn assign(&mut self, target: &'a ast::Expr<'a>, op: Option<ast::BinOp>, value: &'a ast::Expr<'a>, span: Span) -> Expr {
        let (place, ty) = match &target.kind {
            ast::ExprKind::Name(name) if self.find_local(name.text).is_some() => {
                let id = self.find_local(name.text).unwrap_or_else(|| unreachable!("it was found"));
                let (is_var, declared, ty) = {
                    let local = &self.locals[id.0 as usize];
                    (local.is_var, local.span, local.ty)
                };
                if !is_var {
                    let message = format!("`{}` does not change", name.text);
                    let report = Report::error(Code::Assignment, target.span, message).label("assigned here");
                    let hint = format!("declare it with `var {} = ..`", name.text);
                    self.tell(report.also(declared, "declared here").hint(hint));
                } else {
                    self.assign_local(id, target.span);
                }
                (Place::Local(id), ty)
            }
            ast::ExprKind::Name(name) => {
                self.unknown_target(name);
                (Place::Index(self.error(target.span), self.error(target.span)), ERROR)
            }
            ast::ExprKind::Member { of, name } => {
                let of = self.expr(of, None);
                match self.field_of(&of, name.text) {
                    Some((at, ty, is_var)) => {
                        if !is_var {
                            let whole = self.display(of.ty);
                            let message = format!("the field `{}` of `{whole}` does not change", name.text);
                            let report = Report::error(Code::Assignment, name.span, message).label("assigned here");
                            self.tell(report.hint(format!(
                                "declare it with `var {}: ..`, or make a changed copy: `{whole}(..value, {}: ..)`",
                                name.text, name.text
                            )));
                        }
                        (Place::Field(of, at), ty)
                    }
                    None => {
                        if of.ty != ERROR {
                            self.unknown_member(&of, name);
                        }
                        (Place::Field(of, 0), ERROR)
                    }
                }
            }
            ast::ExprKind::Index { of, index } => {
                let of = self.expr(of, None);
                let (key, ty) = self.index_types(&of);
                let index = self.expr(index, Some(key));
                let index = self.coerce(index, key, &Why::new("the index"));
                (Place::Index(of, index), ty)
            }
            // The parser has told.
            _ => {
                self.failed = true;
                (Place::Index(self.error(target.span), self.error(target.span)), ERROR)
            }
        };
        let value = match op {
            None => {
                let value = self.expr(value, Some(ty));
                self.coerce(value, ty, &Why::new("what is assigned"))
            }
            Some(_) => self.expr(value, Some(ty)),
        };
        self.check_growth(&place, op, &value, span);
        let op = op.map(|op| {
            let seen = Expr { kind: ExprKind::Error, ty, span: target.span };
            let (operation, result, _) = self.binary_types(op, &seen, &value, span);
            if !self.fits(result, ty) {
                let (result, ty) = (self.display(result), self.display(ty));
                let message = format!("what is assigned is `{ty}`, seen: `{result}`");
                self.tell(Report::error(Code::Mismatch, span, message).label("here"));
            }
            operation
        });
        let op = op.flatten();
        Expr { kind: ExprKind::Assign(Box::new(place), op, Box::new(value)), ty: UNIT, span }
    }

    /// Notes that a `var` is assigned, and whether it may be.
    fn assign_local(&mut self, id: crate::thir::LocalId, span: Span) {
        let local = &self.locals[id.0 as usize];
        if local.depth as usize == self.frames.len() {
            return self.use_local(id, span);
        }
        let (name, declared) = (local.name.clone(), local.span);
        let message = format!("a closure cannot assign the `var` `{name}` from outside");
        let report = Report::error(Code::CapturedVar, span, message).label("assigned in a closure");
        let hint = format!("share a `Cell`: `let {name} = Cell(..)`, then `{name}.value`; or use a `for` loop");
        self.tell(report.also(declared, "declared with `var`").hint(hint));
        self.locals[id.0 as usize].is_var = false;
        self.locals[id.0 as usize].depth = self.frames.len() as u32;
    }

    /// Tells that a name cannot be assigned since it is no local.
    fn unknown_target(&mut self, name: &ast::Name<'a>) {
        if self.find_value(name.text).is_some() {
            let message = format!("`{}` is a constant or function, and does not change", name.text);
            let report = Report::error(Code::Assignment, name.span, message).label("assigned here");
            self.tell(report.hint("state is kept by a `var`, by a fiber, or by a `holder`"));
            return;
        }
        if self.is_known_unknown(name.text) {
            return;
        }
        let near = suggestion(name.text, self.names.iter().map(|(known, _)| *known));
        let hint = near.unwrap_or_else(|| format!("declare it first: `let {} = ..`, or `var` when it changes", name.text));
        let message = format!("unknown name `{}`", name.text);
        self.tell(Report::error(Code::UnknownName, name.span, message).label("assigned, and not declared").hint(hint));
    }

    pub(crate) fn error(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Error, ty: ERROR, span }
    }
}
