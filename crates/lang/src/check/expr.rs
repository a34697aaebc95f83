//! Expressions.

use super::infer::Why;
use super::{Cx, Frame};
use crate::code::Code;
use crate::program::{Constraint, DefKind, Value};
use crate::suggest::suggestion;
use crate::thir::{Closure, Expr, ExprKind, Op, Try};
use crate::ty::{ERROR, Kind, NEVER, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, BinOp, Span, UnaryOp};

impl<'a> Cx<'_, 'a> {
    /// An expression. `wanted` is what it should be, where that is known; whoever wants it looks whether it is.
    pub(crate) fn expr(&mut self, expr: &'a ast::Expr<'a>, wanted: Option<Ty>) -> Expr {
        let out = self.any_expr(expr, wanted);
        self.check_size(expr.span);
        out
    }

    /// Tells when a type has become too large.
    pub(crate) fn check_size(&mut self, span: Span) {
        if self.p.types.has_overflowed() {
            self.failed = true;
            self.p.tell_large_type(self.module, span);
        }
    }

    fn any_expr(&mut self, expr: &'a ast::Expr<'a>, wanted: Option<Ty>) -> Expr {
        let span = expr.span;
        let core = self.p.core;
        match &expr.kind {
            ast::ExprKind::Error => self.error(span),
            ast::ExprKind::Int(value) => {
                let ty = self.p.plain(core.int);
                Expr { kind: ExprKind::Int(*value as i64), ty, span }
            }
            ast::ExprKind::Float(value) => {
                let ty = self.p.plain(core.float);
                Expr { kind: ExprKind::Float(*value), ty, span }
            }
            ast::ExprKind::Duration(value) => {
                let ty = self.p.plain(core.duration);
                Expr { kind: ExprKind::Int(*value), ty, span }
            }
            ast::ExprKind::Bool(value) => {
                let ty = self.p.plain(core.bool);
                Expr { kind: ExprKind::Bool(*value), ty, span }
            }
            ast::ExprKind::Text(parts) => self.text(parts, span),
            ast::ExprKind::Bytes(bytes) => {
                let ty = self.p.plain(core.bytes);
                Expr { kind: ExprKind::Bytes(bytes.clone()), ty, span }
            }
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::UpperName(name) => self.constructor_value(expr, name.text, wanted),
            ast::ExprKind::SelfValue => match self.find_local("self") {
                Some(id) => self.local_value(id, span),
                None => {
                    let report = Report::error(Code::MisplacedSelf, span, "`self` outside of a method")
                        .label("no method around this");
                    self.tell(report);
                    self.error(span)
                }
            },
            ast::ExprKind::Me => self.me(wanted, span),
            ast::ExprKind::Paren(inner) => {
                let mut inner = self.expr(inner, wanted);
                inner.span = span;
                inner
            }
            ast::ExprKind::Tuple(items) => {
                let wants = match wanted.map(|ty| self.kind(ty)) {
                    Some(Kind::Tuple(wants)) if wants.len() == items.len() => wants.into_iter().map(Some).collect(),
                    _ => vec![None; items.len()],
                };
                let items: Vec<Expr> = items.iter().zip(wants).map(|(item, want)| self.expr(item, want)).collect();
                let ty = self.p.types.tuple(items.iter().map(|item| item.ty).collect());
                let kind = if items.is_empty() { ExprKind::Unit } else { ExprKind::Tuple(items) };
                Expr { kind, ty, span }
            }
            ast::ExprKind::List(items) => {
                let item = match wanted.map(|ty| self.kind(ty)) {
                    Some(Kind::Named(def, args)) if def == core.list => args[0],
                    _ => self.fresh(span, "the elements of this list"),
                };
                let why = match items.first() {
                    Some(first) => Why::at("an element of this list", first.span),
                    None => Why::new("an element"),
                };
                let items = items.iter().map(|one| {
                    let value = self.expr(one, Some(item));
                    self.coerce(value, item, &why)
                });
                let items = items.collect();
                let ty = self.p.types.named(core.list, vec![item]);
                Expr { kind: ExprKind::List(items), ty, span }
            }
            ast::ExprKind::Map(entries) => {
                let (key, value) = match wanted.map(|ty| self.kind(ty)) {
                    Some(Kind::Named(def, args)) if def == core.map => (args[0], args[1]),
                    _ => (self.fresh(span, "the keys of this map"), self.fresh(span, "the values of this map")),
                };
                self.oblige(key, Constraint::Key, span, "a map".to_owned());
                let entries = entries.iter().map(|(one, other)| {
                    let one = self.expr(one, Some(key));
                    let one = self.coerce(one, key, &Why::new("a key of this map"));
                    let other = self.expr(other, Some(value));
                    (one, self.coerce(other, value, &Why::new("a value of this map")))
                });
                let entries = entries.collect();
                let ty = self.p.types.named(core.map, vec![key, value]);
                Expr { kind: ExprKind::Map(entries), ty, span }
            }
            ast::ExprKind::Block(block) => self.block(block, wanted, false),
            ast::ExprKind::Member { of, name } => self.member(expr, of, name, wanted),
            ast::ExprKind::Position { of, index, index_span } => self.position(of, *index, *index_span, span),
            ast::ExprKind::Call { callee, args, args_span } => self.call(expr, callee, args, *args_span, wanted),
            ast::ExprKind::Index { of, index } => {
                let of = self.expr(of, None);
                let (key, ty) = self.index_types(&of);
                let index = self.expr(index, Some(key));
                let index = self.coerce(index, key, &Why::new("the index"));
                Expr { kind: ExprKind::Index(Box::new(of), Box::new(index)), ty, span }
            }
            ast::ExprKind::Try(inner) => self.try_(inner, wanted, span),
            ast::ExprKind::Unary { op, operand } => self.unary(*op, operand, span),
            ast::ExprKind::Binary { op, op_span, left, right } => self.binary(*op, *op_span, left, right, wanted, span),
            ast::ExprKind::If { cond, then, otherwise } => {
                let visible = self.names.len();
                let cond = self.cond(cond);
                let then = self.block(then, wanted, otherwise.is_none());
                self.names.truncate(visible);
                let Some(otherwise) = otherwise else {
                    let kind = ExprKind::If(Box::new(cond), Box::new(then), None);
                    return Expr { kind, ty: UNIT, span };
                };
                let otherwise = self.expr(otherwise, wanted.or(Some(then.ty).filter(|ty| *ty != NEVER)));
                let (then, otherwise, ty) = self.join(then, otherwise, wanted, "both ways of an `if` are one type, which");
                Expr { kind: ExprKind::If(Box::new(cond), Box::new(then), Some(Box::new(otherwise))), ty, span }
            }
            ast::ExprKind::Match { value, arms } => {
                let value = self.expr(value, None);
                let ty = if value.ty == NEVER { ERROR } else { value.ty };
                let (arms_out, result) = self.arms(arms, ty, wanted);
                if let Some(after) = &arms.after {
                    let report =
                        Report::error(Code::Mismatch, after.span, "a `match` waits for nothing, so it has no `after`");
                    self.tell(report.label("not here"));
                }
                self.check_arms(&arms_out, ty, arms, span);
                Expr { kind: ExprKind::Match(Box::new(value), arms_out), ty: result, span }
            }
            ast::ExprKind::Receive(arms) => self.receive(arms, false, wanted, span),
            ast::ExprKind::Select(arms) => self.receive(arms, true, wanted, span),
            ast::ExprKind::Closure(closure) => self.closure(closure, wanted, span),
            ast::ExprKind::Spawn(spawn) => self.spawn(spawn, span),
        }
    }

    /// Brings the values of two ways together.
    pub(crate) fn join(&mut self, one: Expr, other: Expr, wanted: Option<Ty>, why: &str) -> (Expr, Expr, Ty) {
        if one.ty == NEVER {
            let ty = other.ty;
            return (one, other, ty);
        }
        if other.ty == NEVER {
            let ty = one.ty;
            return (one, other, ty);
        }
        // Where each fits what is wanted, they need not be alike.
        if let Some(wanted) = wanted
            && !matches!(self.kind(wanted), Kind::Var(_))
        {
            if self.shallow(wanted) == UNIT {
                self.dropped_both(&one, &other);
                return (one, other, UNIT);
            }
            let why = Why::new("what is wanted here");
            let (one, other) = (self.coerce(one, wanted, &why), self.coerce(other, wanted, &why));
            return (one, other, wanted);
        }
        let ty = one.ty;
        let span = one.span;
        if self.fits(other.ty, ty) {
            return (one, other, ty);
        }
        // Without use for the value the ways need not agree; whoever wants it gets `()`.
        if self.shallow(one.ty) == UNIT || self.shallow(other.ty) == UNIT {
            self.dropped_both(&one, &other);
            return (one, other, UNIT);
        }
        let other = self.coerce(other, ty, &Why::at(why, span));
        (one, other, ty)
    }

    fn dropped_both(&mut self, one: &Expr, other: &Expr) {
        self.dropped(super::infer::end_of(one));
        self.dropped(super::infer::end_of(other));
    }

    fn text(&mut self, parts: &'a [ast::TextPart<'a>], span: Span) -> Expr {
        let text = self.p.core.text;
        let ty = self.p.plain(text);
        match parts {
            [] => return Expr { kind: ExprKind::Text(String::new()), ty, span },
            [ast::TextPart::Text(text)] => return Expr { kind: ExprKind::Text(text.clone().into_owned()), ty, span },
            _ => {}
        }
        let parts = parts.iter().map(|part| match part {
            ast::TextPart::Text(text) => Expr { kind: ExprKind::Text(text.clone().into_owned()), ty, span },
            ast::TextPart::Value(value) => self.expr(value, None),
        });
        let parts = parts.collect();
        Expr { kind: ExprKind::Interpolated(parts), ty, span }
    }

    pub(crate) fn local_value(&mut self, id: crate::thir::LocalId, span: Span) -> Expr {
        self.use_local(id, span);
        let ty = self.locals[id.0 as usize].ty;
        Expr { kind: ExprKind::Local(id), ty, span }
    }

    fn name(&mut self, name: &ast::Name<'a>, span: Span) -> Expr {
        if name.text.is_empty() {
            return self.error(span);
        }
        if let Some(id) = self.find_local(name.text) {
            return self.local_value(id, span);
        }
        match self.find_value(name.text) {
            Some(Value::Fn(id)) => self.function_value(id, span),
            Some(Value::Const(id)) => {
                let ty = self.constant_type(id, span);
                Expr { kind: ExprKind::Const(id), ty, span }
            }
            None => {
                self.unknown_name(name);
                self.error(span)
            }
        }
    }

    pub(crate) fn unknown_name(&mut self, name: &ast::Name<'_>) {
        let here = self.p.module(self.module);
        if here.modules.contains_key(name.text) {
            let message = format!("`{}` is a module, not a value", name.text);
            let report = Report::error(Code::UnknownName, name.span, message).label("a module");
            self.tell(report.hint(format!("name something of it: `{}.name`", name.text)));
            return;
        }
        if here.lost.contains(name.text) || self.is_known_unknown(name.text) {
            self.failed = true;
            return;
        }
        if self.hidden.contains(&name.text.to_owned()) {
            let message = format!("`{}` is not visible in the `serve`: parameters are, other locals are not", name.text);
            let report = Report::error(Code::Serve, name.span, message).label("declared before the `serve`");
            self.tell(report.hint("make it a part of the state, or a parameter"));
            return;
        }
        if let Some(hint) = self.of_self(name.text) {
            let message = format!("unknown name `{}`", name.text);
            self.tell(Report::error(Code::UnknownName, name.span, message).label("not declared here").hint(hint));
            return;
        }
        let here = self.p.module(self.module);
        let locals = self.names.iter().map(|(name, _)| *name);
        let known = here.own.values.keys().chain(here.imported.values.keys()).chain(self.p.prelude.values.keys());
        let near = suggestion(name.text, locals.chain(known.map(String::as_str)));
        let module = self.p.modules.iter().find(|module| module.path == name.text);
        let hint = match name.text {
            "null" | "nil" | "undefined" | "none" => {
                Some("there is no null; a value that may be missing is an `Option`: `None` or `Some(value)`".to_owned())
            }
            "println" | "printf" | "echo" | "puts" => Some("`print(..)` writes a line".to_owned()),
            "this" => Some("in a method it is `self`".to_owned()),
            "console" | "fmt" | "System" => Some("`print(..)` writes a line".to_owned()),
            name if super::foreign::function(name).is_some() => super::foreign::function(name).map(str::to_owned),
            _ => near.or(self.hint_of_module(name.text, module.map(|module| module.path.as_str()))),
        };
        let message = format!("unknown name `{}`", name.text);
        self.tell(Report::error(Code::UnknownName, name.span, message).label("not declared here").maybe_hint(hint));
    }

    /// Whether it was told of a name already that it means nothing; it will have been.
    pub(crate) fn is_known_unknown(&mut self, name: &str) -> bool {
        let is_known = self.unknown.iter().any(|known| known == name);
        if !is_known {
            self.unknown.push(name.to_owned());
        }
        is_known
    }

    /// What may help where the name of a module stands that is not imported.
    fn hint_of_module(&self, name: &str, loaded: Option<&str>) -> Option<String> {
        let path = loaded.or_else(|| crate::std_modules::source(name).map(|_| name))?;
        Some(format!("`use {path}` brings the module"))
    }

    /// What may help where a field or method of `self` is named alone.
    fn of_self(&mut self, name: &str) -> Option<String> {
        let own = self.find_local("self")?;
        let Kind::Named(def, _) = self.kind(self.locals[own.0 as usize].ty) else { return None };
        let declared = self.p.def(def);
        let is_field = match &declared.kind {
            DefKind::Record(fields) | DefKind::Object(fields) => fields.iter().any(|field| field.name == name),
            DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) | DefKind::Sum(_) => false,
        };
        (is_field || declared.methods.contains_key(name)).then(|| format!("write `self.{name}`"))
    }

    /// A function as a value.
    pub(crate) fn function_value(&mut self, id: crate::thir::FnId, span: Span) -> Expr {
        let (args, ty) = self.function_type(id, span);
        Expr { kind: ExprKind::FnValue(id, args), ty, span }
    }

    /// Fresh type arguments of a function, and its type with them.
    pub(crate) fn function_type(&mut self, id: crate::thir::FnId, span: Span) -> (Vec<Ty>, Ty) {
        let args = self.fresh_args(id, span);
        let def = self.p.fun(id);
        let (params, result, receives) =
            (def.params.iter().map(|param| param.ty).collect::<Vec<_>>(), def.result, def.receives.clone());
        let params = params.into_iter().map(|ty| self.p.types.instantiate(ty, &args)).collect();
        let result = self.p.types.instantiate(result, &args);
        let receives = receives.into_iter().map(|ty| self.p.types.instantiate(ty, &args)).collect();
        let ty = self.p.types.intern(Kind::Fn(params, result, receives));
        (args, ty)
    }

    /// Fresh type arguments of a function, which have what it wants of them.
    pub(crate) fn fresh_args(&mut self, id: crate::thir::FnId, span: Span) -> Vec<Ty> {
        let generics = self.p.fun(id).generics.clone();
        let name = self.p.fun(id).name;
        generics
            .iter()
            .map(|generic| {
                let ty = self.fresh(span, "a type argument of this");
                if let Some(constraint) = generic.constraint {
                    self.oblige(ty, constraint, span, format!("`{name}`"));
                }
                ty
            })
            .collect()
    }

    fn position(&mut self, of: &'a ast::Expr<'a>, index: u32, index_span: Span, span: Span) -> Expr {
        let of = self.expr(of, None);
        match self.kind(of.ty) {
            Kind::Tuple(items) => match items.get(index as usize) {
                Some(ty) => Expr { ty: *ty, kind: ExprKind::Field(Box::new(of), index as usize), span },
                None => {
                    let whole = self.display(of.ty);
                    let message = format!("`{whole}` has {} components, seen: `.{index}`", items.len());
                    self.tell(Report::error(Code::UnknownMember, index_span, message).label("no such component"));
                    self.error(span)
                }
            },
            Kind::Error | Kind::Never => self.error(span),
            Kind::Var(_) => {
                self.unknown_receiver(&of);
                self.error(span)
            }
            Kind::Fn(..) | Kind::Named(..) | Kind::Param(_) => {
                let whole = self.display(of.ty);
                let message = format!("`.{index}` is for tuples, seen: `{whole}`");
                self.tell(Report::error(Code::UnknownMember, index_span, message).label("not a tuple"));
                self.error(span)
            }
        }
    }

    pub(crate) fn unknown_receiver(&mut self, of: &Expr) {
        // After another mistake in this function it may be known once that is mended.
        if self.failed {
            return;
        }
        let message = "the type of what stands before the dot is not known yet";
        let report = Report::error(Code::UnknownReceiver, of.span, message).label("of what type?");
        self.tell(report.hint("write the type where it is declared: `let name: Type = ..`, `fn(name: Type) { .. }`"));
    }

    /// The field with a name: position, type, and whether it changes.
    pub(crate) fn field_of(&mut self, of: &Expr, name: &str) -> Option<(usize, Ty, bool)> {
        let Kind::Named(def, args) = self.kind(of.ty) else { return None };
        let declared = self.p.def(def);
        let is_hidden = declared.is_opaque && declared.module != self.module;
        let (DefKind::Record(fields) | DefKind::Object(fields)) = &declared.kind else { return None };
        let at = fields.iter().position(|field| field.name == name)?;
        let (ty, is_var) = (fields[at].ty, fields[at].is_var);
        if is_hidden {
            return None;
        }
        Some((at, self.p.types.instantiate(ty, &args), is_var))
    }

    /// The types of an index and of what is there.
    pub(crate) fn index_types(&mut self, of: &Expr) -> (Ty, Ty) {
        let core = self.p.core;
        let int = self.p.plain(core.int);
        match self.kind(of.ty) {
            Kind::Named(def, args) if def == core.list => (int, args[0]),
            Kind::Named(def, args) if def == core.array => (int, self.element(args[0])),
            Kind::Named(def, args) if def == core.map => (args[0], args[1]),
            Kind::Error | Kind::Never => (ERROR, ERROR),
            Kind::Var(_) => {
                self.unknown_receiver(of);
                (ERROR, ERROR)
            }
            Kind::Named(..) | Kind::Tuple(_) | Kind::Fn(..) | Kind::Param(_) => {
                let ty = self.display(of.ty);
                let message = format!("a list, array or map has elements, seen: `{ty}`");
                let hint = match ty.as_str() {
                    "Text" => Some("`byte_at(i)`, `slice(from, to)` and `chars()` look into a text".to_owned()),
                    _ if ty.starts_with('(') => Some("components of a tuple are `.0`, `.1`".to_owned()),
                    _ => None,
                };
                self.tell(Report::error(Code::Mismatch, of.span, message).label(format!("this is `{ty}`")).maybe_hint(hint));
                (ERROR, ERROR)
            }
        }
    }

    fn try_(&mut self, inner: &'a ast::Expr<'a>, wanted: Option<Ty>, span: Span) -> Expr {
        let core = self.p.core;
        let _ = wanted;
        let inner = self.expr(inner, None);
        let result = self.frame().result;
        let result_span = self.frame().result_span;
        let result_kind = self.kind(result);
        match self.kind(inner.ty) {
            Kind::Error | Kind::Never => self.error(span),
            Kind::Named(def, args) if def == core.option => {
                let goes = match result_kind {
                    Kind::Named(other, _) => other == core.option,
                    Kind::Var(_) => {
                        let any = self.fresh(span, "the result of this closure");
                        let option = self.p.types.named(core.option, vec![any]);
                        self.unify(result, option)
                    }
                    Kind::Error => true,
                    Kind::Never | Kind::Tuple(_) | Kind::Fn(..) | Kind::Param(_) => false,
                };
                if !goes {
                    self.wrong_try(result, result_span, span, "None", "`ok_or(error)` makes a `Result` of an `Option`");
                }
                Expr { kind: ExprKind::Try(Box::new(inner), Try::Option), ty: args[0], span }
            }
            Kind::Named(def, args) if def == core.result => {
                let (value, error) = (args[0], args[1]);
                let how = match result_kind {
                    Kind::Named(other, wanted) if other == core.result => self.wrap_error(error, wanted[1], span),
                    Kind::Var(_) => {
                        let any = self.fresh(span, "the result of this closure");
                        let same = self.p.types.named(core.result, vec![any, error]);
                        self.unify(result, same);
                        Try::Same
                    }
                    Kind::Error => Try::Same,
                    Kind::Never | Kind::Named(..) | Kind::Tuple(_) | Kind::Fn(..) | Kind::Param(_) => {
                        let error = self.display(error);
                        let hint = format!("let the function's result be `Result<.., {error}>`, or `match` on the value");
                        self.wrong_try(result, result_span, span, "Err", &hint);
                        Try::Same
                    }
                };
                Expr { kind: ExprKind::Try(Box::new(inner), how), ty: value, span }
            }
            Kind::Var(_) => {
                self.unknown_receiver(&inner);
                self.error(span)
            }
            Kind::Named(..) | Kind::Tuple(_) | Kind::Fn(..) | Kind::Param(_) => {
                let ty = self.display(inner.ty);
                let message = format!("`?` is for a `Result` or `Option`, seen: `{ty}`");
                self.tell(
                    Report::error(Code::Try, span, message).label(format!("this is `{ty}`")).hint("leave the `?` out"),
                );
                self.error(span)
            }
        }
    }

    fn wrong_try(&mut self, result: Ty, result_span: Option<Span>, span: Span, what: &str, hint: &str) {
        let ty = self.display(result);
        let message = format!("`?` may return `{what}`, and the function's result is `{ty}`");
        let mut report = Report::error(Code::Try, span, message).label("may return early");
        if let Some(at) = result_span {
            report = report.also(at, "the function");
        }
        self.tell(report.hint(hint));
    }

    /// How an error becomes that of the function.
    fn wrap_error(&mut self, error: Ty, wanted: Ty, span: Span) -> Try {
        let (error, wanted) = (self.resolve(error), self.resolve(wanted));
        if let Kind::Named(def, args) = self.kind(wanted)
            && error != wanted
            && let DefKind::Sum(variants) = &self.p.def(def).kind
        {
            let single: Vec<(usize, Ty)> = variants
                .iter()
                .enumerate()
                .filter(|(_, variant)| variant.fields.len() == 1)
                .map(|(at, variant)| (at, variant.fields[0].ty))
                .collect();
            let is_known = !matches!(self.kind(error), Kind::Var(_));
            let fitting: Vec<usize> = single
                .into_iter()
                .map(|(at, ty)| (at, self.p.types.instantiate(ty, &args)))
                .filter(|(_, ty)| is_known && *ty == error)
                .map(|(at, _)| at)
                .collect();
            if let [one] = fitting.as_slice() {
                return Try::Wrapped(*one, wanted);
            }
            let same_type = matches!(self.kind(error), Kind::Named(other, _) if other == def);
            if is_known && !same_type {
                let (seen, want) = (self.display(error), self.display(wanted));
                let message = format!("`?` returns an error `{seen}`, and the function's is `{want}`");
                let hint = match fitting.len() {
                    0 => format!(
                        "add a variant with one field of type `{seen}` to `{want}`, or write `.map_err(fn(error) {{ .. }})?`"
                    ),
                    _ => format!("several variants of `{want}` hold a `{seen}`: write `.map_err(fn(error) {{ .. }})?`"),
                };
                self.tell(Report::error(Code::Try, span, message).label("another error type").hint(hint));
                return Try::Same;
            }
        }
        if !self.unify(error, wanted) {
            let (seen, want) = (self.display(error), self.display(wanted));
            let message = format!("`?` returns an error `{seen}`, and the function's is `{want}`");
            let hint = "write `.map_err(fn(error) { .. })?`";
            self.tell(Report::error(Code::Try, span, message).label("another error type").hint(hint));
        }
        Try::Same
    }

    fn unary(&mut self, op: UnaryOp, operand: &'a ast::Expr<'a>, span: Span) -> Expr {
        let core = self.p.core;
        // The least Int has no positive counterpart, so that it is written as one.
        if let (UnaryOp::Neg, ast::ExprKind::Int(value)) = (op, &operand.kind) {
            let ty = self.p.plain(core.int);
            return Expr { kind: ExprKind::Int((*value as i64).wrapping_neg()), ty, span };
        }
        if let (UnaryOp::Neg, ast::ExprKind::Float(value)) = (op, &operand.kind) {
            let ty = self.p.plain(core.float);
            return Expr { kind: ExprKind::Float(-value), ty, span };
        }
        let operand = self.expr(operand, None);
        let (wanted, operation, sign): (&[crate::ty::DefId], Op, &str) = match op {
            UnaryOp::Neg => (&[core.int, core.float, core.duration], Op::Neg, "-"),
            UnaryOp::Not => (&[core.bool], Op::Not, "!"),
            UnaryOp::BitNot => (&[core.int], Op::BitNot, "~"),
        };
        if let (Kind::Var(_), [only, ..]) = (self.kind(operand.ty), wanted) {
            let ty = self.p.plain(*only);
            self.unify(operand.ty, ty);
        }
        match self.kind(operand.ty) {
            Kind::Named(def, _) if wanted.contains(&def) => {}
            Kind::Error | Kind::Never => return self.error(span),
            _ => {
                let ty = self.display(operand.ty);
                let names: Vec<String> = wanted.iter().map(|def| format!("`{}`", self.p.def(*def).name)).collect();
                let message = format!("`{sign}` is for {}, seen: `{ty}`", names.join(", "));
                let hint = (sign == "!" && ty == "Int").then(|| "compare it: `value == 0`".to_owned());
                self.tell(Report::error(Code::Operator, span, message).label(format!("this is `{ty}`")).maybe_hint(hint));
                return self.error(span);
            }
        }
        let ty = operand.ty;
        Expr { kind: ExprKind::Op(operation, vec![operand]), ty, span }
    }

    fn binary(
        &mut self,
        op: BinOp,
        op_span: Span,
        left: &'a ast::Expr<'a>,
        right: &'a ast::Expr<'a>,
        wanted: Option<Ty>,
        span: Span,
    ) -> Expr {
        let core = self.p.core;
        match op {
            BinOp::And | BinOp::Or => {
                let bool = self.p.plain(core.bool);
                let why = Why::at("an operand of `&&` and `||`", op_span);
                let left = self.expr(left, Some(bool));
                let left = Box::new(self.coerce(left, bool, &why));
                let right = self.expr(right, Some(bool));
                let right = Box::new(self.coerce(right, bool, &why));
                let kind = if op == BinOp::And { ExprKind::And(left, right) } else { ExprKind::Or(left, right) };
                return Expr { kind, ty: bool, span };
            }
            BinOp::Range | BinOp::RangeInclusive => {
                let int = self.p.plain(core.int);
                let why = Why::new("the bound of a range");
                let (left, mut right) = self.bounds(left, right, int, &why);
                if op == BinOp::RangeInclusive {
                    let one = Expr { kind: ExprKind::Int(1), ty: int, span };
                    right = Expr { span: right.span, ty: int, kind: ExprKind::Op(Op::Add, vec![right, one]) };
                }
                let step = Expr { kind: ExprKind::Int(1), ty: int, span };
                let ty = self.p.plain(core.range);
                return Expr { kind: ExprKind::Record(vec![left, right, step]), ty, span };
            }
            _ => {}
        }
        let hint = match op {
            BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => None,
            _ => wanted,
        };
        let left = self.expr(left, hint);
        let right_wanted = match self.kind(left.ty) {
            Kind::Named(def, _) if def == core.duration && matches!(op, BinOp::Mul | BinOp::Div) => None,
            Kind::Var(_) | Kind::Error | Kind::Never => hint,
            _ => Some(left.ty),
        };
        let right = self.expr(right, right_wanted);
        let (operation, ty, failed) = self.binary_types(op, &left, &right, span);
        match operation {
            Some(operation) if !failed => Expr { kind: ExprKind::Op(operation, vec![left, right]), ty, span },
            _ => Expr { kind: ExprKind::Error, ty, span },
        }
    }

    /// The bounds of a range; of two that are wrong one is told.
    pub(crate) fn bounds(&mut self, left: &'a ast::Expr<'a>, right: &'a ast::Expr<'a>, int: Ty, why: &Why) -> (Expr, Expr) {
        let left = self.expr(left, Some(int));
        let left = self.coerce(left, int, why);
        let right = self.expr(right, Some(int));
        let right = if left.ty == ERROR { right } else { self.coerce(right, int, why) };
        (left, right)
    }

    /// What an operator does with two operands: the operation, its type, and whether it failed.
    pub(crate) fn binary_types(&mut self, op: BinOp, left: &Expr, right: &Expr, span: Span) -> (Option<Op>, Ty, bool) {
        let core = self.p.core;
        let (operation, sign) = operation(op);
        let bool = self.p.plain(core.bool);
        let is_comparison = matches!(operation, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge);
        let failed_type = if is_comparison { bool } else { ERROR };
        if [left.ty, right.ty].iter().any(|ty| matches!(self.kind(*ty), Kind::Error | Kind::Never)) {
            let ty = if is_comparison { bool } else { left.ty };
            return (Some(operation), if ty == NEVER { right.ty } else { ty }, left.ty == ERROR || right.ty == ERROR);
        }
        // A time can be multiplied.
        if let (Kind::Named(one, _), Kind::Named(other, _)) = (self.kind(left.ty), self.kind(right.ty)) {
            let is_scaled = one == core.duration && other == core.int && matches!(operation, Op::Mul | Op::Div);
            let is_moved = one == core.instant && other == core.duration && matches!(operation, Op::Add | Op::Sub);
            if is_scaled || is_moved {
                return (Some(operation), left.ty, false);
            }
            if one == core.instant && other == core.instant && operation == Op::Sub {
                let duration = self.p.plain(core.duration);
                return (Some(operation), duration, false);
            }
        }
        if !self.fits(right.ty, left.ty) && !self.fits(left.ty, right.ty) {
            let (one, other) = (self.display(left.ty), self.display(right.ty));
            let message = format!("the operands of `{sign}` are of one type, seen: `{one}` and `{other}`");
            let report = Report::error(Code::Mismatch, right.span, message).label(format!("this is `{other}`"));
            let hint = match (one.as_str(), other.as_str()) {
                ("Int", "Float") => Some(format!("write `{}.to_float()`", self.source(left.span))),
                ("Float", "Int") => Some(format!("write `{}.to_float()`, or a float: `1.0`", self.source(right.span))),
                ("Text", _) if operation == Op::Add => Some(format!("write `\"..${{{}}}\"`", self.source(right.span))),
                (one, other) if one.starts_with("Option<") != other.starts_with("Option<") => {
                    let option = if one.starts_with("Option<") { left } else { right };
                    Some(format!("take the value out with `match`, `?`, or `{}.unwrap_or(..)`", self.source(option.span)))
                }
                _ => None,
            };
            self.tell(report.also(left.span, format!("this is `{one}`")).maybe_hint(hint));
            return (Some(operation), failed_type, true);
        }
        match operation {
            Op::Eq | Op::Ne => {
                self.oblige(left.ty, Constraint::Eq, span, format!("`{sign}`"));
                (Some(operation), bool, false)
            }
            Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                self.oblige(left.ty, Constraint::Ord, span, format!("`{sign}`"));
                (Some(operation), bool, false)
            }
            _ => {
                let wanted: &[crate::ty::DefId] = match operation {
                    Op::Add => &[core.int, core.float, core.text, core.duration, core.bytes],
                    Op::Sub => &[core.int, core.float, core.duration],
                    Op::Mul | Op::Div | Op::Rem => &[core.int, core.float],
                    Op::BitAnd | Op::BitOr | Op::BitXor => &[core.int, core.bool],
                    _ => &[core.int],
                };
                if let Kind::Var(_) = self.kind(left.ty) {
                    let ty = self.p.plain(wanted[0]);
                    self.unify(left.ty, ty);
                }
                let goes = matches!(self.kind(left.ty), Kind::Named(def, _) if wanted.contains(&def));
                if !goes {
                    let ty = self.display(left.ty);
                    let names: Vec<String> = wanted.iter().map(|def| format!("`{}`", self.p.def(*def).name)).collect();
                    let message = format!("`{sign}` is for {}, seen: `{ty}`", names.join(", "));
                    let hint = match self.kind(left.ty) {
                        Kind::Named(def, _) if operation == Op::Add && def == core.list => {
                            Some("`xs.append(ys)` adds to a list")
                        }
                        Kind::Param(_) => {
                            Some("nothing is known of a type parameter: take the operation as a function, `fn(T, T) -> T`")
                        }
                        _ => None,
                    };
                    let hint = hint.map(str::to_owned);
                    self.tell(Report::error(Code::Operator, span, message).label(format!("of `{ty}`")).maybe_hint(hint));
                    return (None, ERROR, true);
                }
                (Some(operation), left.ty, false)
            }
        }
    }

    fn closure(&mut self, closure: &'a ast::Closure<'a>, wanted: Option<Ty>, span: Span) -> Expr {
        let wants = match wanted.map(|ty| self.kind(ty)) {
            Some(Kind::Fn(params, result, receives)) if params.len() == closure.params.len() => {
                Some((params, result, receives))
            }
            _ => None,
        };
        let mut params = Vec::new();
        for (at, param) in closure.params.iter().enumerate() {
            let ty = match (&param.ty, &wants) {
                (Some(ty), _) => self.written(ty),
                (None, Some((wants, _, _))) => wants[at],
                (None, None) => self.fresh(param.span, "this parameter"),
            };
            params.push(ty);
        }
        let result = match (&closure.result, &wants) {
            (Some(ty), _) => self.written(ty),
            (None, Some((_, result, _))) => *result,
            (None, None) => self.fresh(span, "the result of this closure"),
        };
        let receives: Vec<Ty> = match (&closure.receives, &wants) {
            (written, _) if !written.is_empty() => written.iter().map(|ty| self.written(ty)).collect(),
            (_, Some((_, _, receives))) => receives.clone(),
            (_, None) => Vec::new(),
        };
        let result_span = closure.result.as_ref().map(|ty| ty.span);
        self.frames.push(Frame { result, result_span, receives: receives.clone(), captures: Vec::new() });
        let (visible, loops) = (self.names.len(), std::mem::take(&mut self.loops));
        let ids: Vec<_> = closure
            .params
            .iter()
            .zip(&params)
            .map(|(param, ty)| match param.name {
                Some(name) => self.bind_name(name.text, *ty, false, name.span),
                None => self.local("_", *ty, false, param.span),
            })
            .collect();
        let body = self.closure_body(&closure.body, result, result_span);
        self.names.truncate(visible);
        self.loops = loops;
        let frame = self.frames.pop().unwrap_or_else(|| unreachable!("it was pushed"));
        let ty = self.p.types.intern(Kind::Fn(params, result, receives.clone()));
        let closure = Closure { params: ids, captures: frame.captures, body, result, receives };
        Expr { kind: ExprKind::Closure(Box::new(closure)), ty, span }
    }

    /// The body of a closure, whose result may be found from it.
    fn closure_body(&mut self, body: &'a ast::Block<'a>, result: Ty, result_span: Option<Span>) -> Expr {
        if !matches!(self.kind(result), Kind::Var(_)) {
            return self.function_block(body, result, result_span);
        }
        let value = self.block(body, Some(result), false);
        let found = if value.ty == NEVER && matches!(self.kind(result), Kind::Var(_)) { UNIT } else { value.ty };
        // `return` may have said what it is.
        if matches!(self.kind(result), Kind::Var(_)) {
            self.unify(result, found);
            return value;
        }
        self.coerce(value, result, &Why::new("the result of this closure"))
    }
}

fn operation(op: BinOp) -> (Op, &'static str) {
    match op {
        BinOp::Mul => (Op::Mul, "*"),
        BinOp::Div => (Op::Div, "/"),
        BinOp::Rem => (Op::Rem, "%"),
        BinOp::MulWrap => (Op::MulWrap, "*%"),
        BinOp::Shl => (Op::Shl, "<<"),
        BinOp::Shr => (Op::Shr, ">>"),
        BinOp::ShrUnsigned => (Op::ShrUnsigned, ">>>"),
        BinOp::BitAnd => (Op::BitAnd, "&"),
        BinOp::Add | BinOp::Range | BinOp::RangeInclusive => (Op::Add, "+"),
        BinOp::Sub => (Op::Sub, "-"),
        BinOp::AddWrap => (Op::AddWrap, "+%"),
        BinOp::SubWrap => (Op::SubWrap, "-%"),
        BinOp::BitOr => (Op::BitOr, "|"),
        BinOp::BitXor => (Op::BitXor, "^"),
        BinOp::Eq => (Op::Eq, "=="),
        BinOp::Ne => (Op::Ne, "!="),
        BinOp::Lt => (Op::Lt, "<"),
        BinOp::Le => (Op::Le, "<="),
        BinOp::Gt => (Op::Gt, ">"),
        BinOp::Ge => (Op::Ge, ">="),
        BinOp::And => (Op::BitAnd, "&&"),
        BinOp::Or => (Op::BitOr, "||"),
    }
}
