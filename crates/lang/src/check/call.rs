//! Calls, members and methods.

use super::infer::Why;
use super::{Cx, Frame, HOLE};
use crate::code::Code;
use crate::declare::count;
use crate::program::{DefKind, ModuleId, Value};
use crate::suggest::suggestion;
use crate::thir::{Closure, DELIVER, Expr, ExprKind, FnId, LocalId, Op, Pat, PatKind};
use crate::ty::{DefId, ERROR, Kind, NEVER, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, ArgKind, Span};

/// What a name with dots before it means.
pub(crate) enum Named {
    Module(ModuleId),
    Type(DefId),
    Value(Value),
    /// Something that was told.
    Wrong,
    /// A value, whose member it is.
    Of,
}

/// A parameter as a call sees it.
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) ty: Ty,
    pub(crate) default: Option<&'a ast::Expr<'a>>,
}

impl<'a> Cx<'_, 'a> {
    /// What stands before a dot: a module or type, or a value.
    pub(crate) fn named(&mut self, expr: &'a ast::Expr<'a>) -> Named {
        match &expr.kind {
            ast::ExprKind::Name(name) if self.find_local(name.text).is_none() => {
                if self.find_value(name.text).is_some() {
                    return Named::Of;
                }
                match self.p.find_module(self.module, &[name.text]) {
                    Some(module) => Named::Module(module),
                    None => Named::Of,
                }
            }
            ast::ExprKind::UpperName(name) => match self.p.find_type(self.module, &[], name.text) {
                Some(def) => Named::Type(def),
                None => Named::Of,
            },
            ast::ExprKind::Member { of, name } => match self.named(of) {
                Named::Module(module) => self.in_module(module, name),
                Named::Type(_) | Named::Value(_) | Named::Wrong | Named::Of => Named::Of,
            },
            _ => Named::Of,
        }
    }

    /// What a name means in a module.
    pub(crate) fn in_module(&mut self, module: ModuleId, name: &ast::Name<'a>) -> Named {
        let other = self.p.module(module);
        if let Some(def) = other.own.types.get(name.text).copied() {
            self.p.check_visible(self.module, def, name.span);
            return Named::Type(def);
        }
        let Some(value) = other.own.values.get(name.text).copied() else {
            let names = other.own.values.keys().chain(other.own.types.keys()).map(String::as_str);
            let hint = suggestion(name.text, names);
            let message = format!("the module `{}` has no `{}`", other.path, name.text);
            self.tell(Report::error(Code::UnknownName, name.span, message).label("not found").maybe_hint(hint));
            return Named::Wrong;
        };
        let (is_pub, is_own) = match value {
            Value::Fn(id) => (self.p.fun(id).is_pub, module == self.module),
            Value::Const(id) => (self.p.constant(id).is_pub, module == self.module),
        };
        if !is_pub && !is_own {
            let message = format!("`{}` is private to the module `{}`", name.text, self.p.module(module).path);
            let report = Report::error(Code::Private, name.span, message).label("private");
            let is_std = self.p.module(module).is_std;
            self.tell(report.maybe_hint((!is_std).then(|| "write `pub` before its declaration".to_owned())));
        }
        Named::Value(value)
    }

    /// `of.name` as a value.
    pub(crate) fn member(
        &mut self,
        whole: &'a ast::Expr<'a>,
        of: &'a ast::Expr<'a>,
        name: &ast::Name<'a>,
        wanted: Option<Ty>,
    ) -> Expr {
        let span = whole.span;
        match self.named(of) {
            Named::Wrong => return self.error(span),
            Named::Module(module) => {
                return match self.in_module(module, name) {
                    Named::Value(Value::Fn(id)) => self.function_value(id, span),
                    Named::Value(Value::Const(id)) => {
                        let ty = self.constant_type(id, span);
                        Expr { kind: ExprKind::Const(id), ty, span }
                    }
                    Named::Type(_) => self.constructor_value(whole, name.text, wanted),
                    Named::Module(_) | Named::Wrong | Named::Of => self.error(span),
                };
            }
            Named::Type(def) => {
                if name.text.starts_with(|first: char| first.is_ascii_uppercase()) {
                    return self.constructor_value(whole, name.text, wanted);
                }
                return match self.method_of(def, name.text) {
                    Some(id) => {
                        self.check_method(id, name.span);
                        self.function_value(id, span)
                    }
                    None => {
                        let known: Vec<&str> = self.p.def(def).methods.keys().copied().collect();
                        let message = format!("`{}` has no method `{}`", self.p.def(def).name, name.text);
                        let hint = suggestion(name.text, known.into_iter());
                        let report = Report::error(Code::UnknownMember, name.span, message).label("not found");
                        self.tell(report.maybe_hint(hint));
                        self.error(span)
                    }
                };
            }
            Named::Value(_) | Named::Of => {}
        }
        let of = self.expr(of, None);
        match self.kind(of.ty) {
            Kind::Error | Kind::Never => return self.error(span),
            Kind::Var(_) => {
                self.unknown_receiver(&of);
                return self.error(span);
            }
            Kind::Tuple(_) | Kind::Fn(..) | Kind::Named(..) | Kind::Param(_) => {}
        }
        if let Some((at, ty, _)) = self.field_of(&of, name.text) {
            return Expr { kind: ExprKind::Field(Box::new(of), at), ty, span };
        }
        self.unknown_member(&of, name);
        self.error(span)
    }

    /// The method of a type.
    pub(crate) fn method_of(&self, def: DefId, name: &str) -> Option<FnId> {
        self.p.def(def).methods.get(name).copied()
    }

    fn check_method(&mut self, id: FnId, span: Span) {
        let method = self.p.fun(id);
        if !method.is_pub && method.module != self.module {
            let message =
                format!("the method `{}` is private to the module `{}`", method.name, self.p.module(method.module).path);
            let is_std = self.p.module(method.module).is_std;
            let report = Report::error(Code::Private, span, message).label("private");
            self.tell(report.maybe_hint((!is_std).then(|| "write `pub fn` there".to_owned())));
        }
    }

    pub(crate) fn unknown_member(&mut self, of: &Expr, name: &ast::Name<'_>) {
        let whole = self.display(of.ty);
        let (mut fields, mut methods, mut opaque): (Vec<String>, Vec<String>, bool) = (Vec::new(), Vec::new(), false);
        if let Kind::Named(def, _) = self.kind(of.ty) {
            let declared = self.p.def(def);
            methods = declared.methods.keys().map(|name| (*name).to_owned()).collect();
            if let DefKind::Record(own) | DefKind::Object(own) = &declared.kind {
                opaque =
                    declared.is_opaque && declared.module != self.module && own.iter().any(|field| field.name == name.text);
                fields = own.iter().map(|field| field.name.to_owned()).collect();
            }
        }
        if opaque {
            let message = format!("the fields of `{whole}` are hidden: it is `opaque`");
            self.tell(Report::error(Code::Opaque, name.span, message).label("hidden").hint("use its methods"));
            return;
        }
        let hint = self.hint_of_method(of, name.text).or_else(|| self.hint_of_inside(of, name.text)).or_else(|| {
            let near = suggestion(name.text, fields.iter().chain(&methods).map(String::as_str));
            let foreign = super::foreign::method(&methods, name.text);
            foreign.or(near).or_else(|| (!fields.is_empty()).then(|| format!("it has the fields `{}`", fields.join("`, `"))))
        });
        let message = format!("`{whole}` has no field or method `{}`", name.text);
        self.tell(Report::error(Code::UnknownMember, name.span, message).label("not found").maybe_hint(hint));
    }

    /// What may help where the name of a method stands.
    fn hint_of_method(&self, of: &Expr, name: &str) -> Option<String> {
        let Kind::Named(def, _) = self.kind(of.ty) else { return None };
        let id = self.method_of(def, name)?;
        let method = self.p.fun(id);
        let args = if method.params.len() > usize::from(method.has_self) { "(..)" } else { "()" };
        Some(match method.has_self {
            true => format!("it is a method: write `.{name}{args}`"),
            false => format!("it takes no `self`: write `{}.{name}{args}`", self.p.def(def).name),
        })
    }

    /// What may help where what is wanted lies inside: of an option or result, or of a variant.
    fn hint_of_inside(&mut self, of: &Expr, name: &str) -> Option<String> {
        let core = self.p.core;
        match self.kind(of.ty) {
            Kind::Named(def, args) if def == core.option || def == core.result => {
                let inside = Expr { kind: ExprKind::Error, ty: *args.first()?, span: of.span };
                let is_method = matches!(self.kind(inside.ty), Kind::Named(def, _) if self.method_of(def, name).is_some());
                let has = self.field_of(&inside, name).is_some() || is_method;
                has.then(|| "take the value out first, with `match`, `?` or `.unwrap_or(..)`".to_owned())
            }
            Kind::Named(def, _) => match &self.p.def(def).kind {
                DefKind::Sum(variants) => {
                    let has = |variant: &&crate::program::Variant<'_>| variant.fields.iter().any(|field| field.name == name);
                    let variant = variants.iter().find(has)?;
                    Some(format!("it is a field of the variant `{}`: take the value apart with `match`", variant.name))
                }
                _ => None,
            },
            Kind::Param(_) => Some("nothing is known of a type parameter; take what is to be done as a function".to_owned()),
            _ => None,
        }
    }

    /// A call.
    pub(crate) fn call(
        &mut self,
        whole: &'a ast::Expr<'a>,
        callee: &'a ast::Expr<'a>,
        args: &'a [ast::Arg<'a>],
        args_span: Span,
        wanted: Option<Ty>,
    ) -> Expr {
        let span = whole.span;
        if args.iter().filter(|arg| matches!(arg.kind, ArgKind::Hole)).count() > 1 {
            let report = Report::error(Code::Hole, args_span, "a call has one `_` at most").label("several");
            self.tell(report.hint("write a closure: `fn(a, b) { .. }`"));
            return self.error(span);
        }
        let has_hole = args.iter().any(|arg| matches!(arg.kind, ArgKind::Hole));
        match &callee.kind {
            ast::ExprKind::UpperName(_) => return self.construct(whole, callee, args, args_span, wanted, has_hole),
            ast::ExprKind::Name(name) if self.find_local(name.text).is_none() => {
                if let Some(Value::Fn(id)) = self.find_value(name.text) {
                    return self.call_function(id, None, args, args_span, span, callee.span, wanted, has_hole);
                }
            }
            ast::ExprKind::Member { of, name } => match self.named(of) {
                Named::Wrong => return self.error(span),
                Named::Module(module) => match self.in_module(module, name) {
                    Named::Value(Value::Fn(id)) => {
                        return self.call_function(id, None, args, args_span, span, callee.span, wanted, has_hole);
                    }
                    Named::Type(_) => return self.construct(whole, callee, args, args_span, wanted, has_hole),
                    Named::Wrong => return self.error(span),
                    Named::Value(Value::Const(_)) | Named::Module(_) | Named::Of => {}
                },
                Named::Type(def) => {
                    if name.text.starts_with(|first: char| first.is_ascii_uppercase()) {
                        return self.construct(whole, callee, args, args_span, wanted, has_hole);
                    }
                    if let Some(id) = self.method_of(def, name.text) {
                        self.check_method(id, name.span);
                        return self.call_function(id, None, args, args_span, span, callee.span, wanted, has_hole);
                    }
                }
                Named::Value(_) | Named::Of => {
                    let receiver = self.expr(of, None);
                    match self.kind(receiver.ty) {
                        Kind::Error | Kind::Never => {
                            self.wrong_args(args);
                            return self.error(span);
                        }
                        Kind::Var(_) => {
                            self.unknown_receiver(&receiver);
                            return self.error(span);
                        }
                        Kind::Named(def, _) => {
                            if let Some(id) = self.method_of(def, name.text) {
                                self.check_method(id, name.span);
                                if self.p.fun(id).has_self {
                                    let receiver = Some(receiver);
                                    return self
                                        .call_function(id, receiver, args, args_span, span, name.span, wanted, has_hole);
                                }
                            }
                        }
                        Kind::Tuple(_) | Kind::Fn(..) | Kind::Param(_) => {}
                    }
                    let Some((at, ty, _)) = self.field_of(&receiver, name.text) else {
                        self.unknown_member(&receiver, name);
                        self.wrong_args(args);
                        return self.error(span);
                    };
                    let field = Expr { kind: ExprKind::Field(Box::new(receiver), at), ty, span: callee.span };
                    return self.call_value(field, args, args_span, span, has_hole);
                }
            },
            _ => {}
        }
        let callee = self.expr(callee, None);
        self.call_value(callee, args, args_span, span, has_hole)
    }

    /// Arguments of a call that means nothing: what is wrong in them is told all the same.
    pub(crate) fn wrong_args(&mut self, args: &'a [ast::Arg<'a>]) {
        for arg in args {
            match &arg.kind {
                ArgKind::Value(value) | ArgKind::Spread(value) => match value.kind {
                    // Their parameters would have no types.
                    ast::ExprKind::Closure(_) => {}
                    _ => {
                        self.expr(value, None);
                    }
                },
                ArgKind::Hole => {}
            }
        }
    }

    /// A call of a function value.
    fn call_value(&mut self, callee: Expr, args: &'a [ast::Arg<'a>], args_span: Span, span: Span, has_hole: bool) -> Expr {
        let (params, result, receives) = match self.kind(callee.ty) {
            Kind::Fn(params, result, receives) => (params, result, receives),
            Kind::Error | Kind::Never => {
                self.wrong_args(args);
                return self.error(span);
            }
            Kind::Var(_) => {
                self.unknown_receiver(&callee);
                return self.error(span);
            }
            Kind::Tuple(_) | Kind::Named(..) | Kind::Param(_) => {
                let ty = self.display(callee.ty);
                let message = format!("a function can be called, seen: `{ty}`");
                self.tell(Report::error(Code::NotAFunction, callee.span, message).label(format!("this is `{ty}`")));
                self.wrong_args(args);
                return self.error(span);
            }
        };
        self.check_receives(&receives, span, "this function");
        let wanted: Vec<Wanted<'a>> = params.iter().map(|ty| Wanted { name: "", ty: *ty, default: None }).collect();
        let Some((args, hole, lets)) = self.arguments(&wanted, args, args_span, "the function") else {
            return self.error(span);
        };
        let callee = Box::new(callee);
        let call = Expr { kind: ExprKind::CallValue(callee, args), ty: result, span };
        if has_hole { self.close_hole(call, hole, lets, span) } else { call }
    }

    /// A call of a declared function or method.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one call")]
    pub(crate) fn call_function(
        &mut self,
        id: FnId,
        receiver: Option<Expr>,
        args: &'a [ast::Arg<'a>],
        args_span: Span,
        span: Span,
        name_span: Span,
        wanted: Option<Ty>,
        has_hole: bool,
    ) -> Expr {
        let types = self.fresh_args(id, name_span);
        let def = self.p.fun(id);
        let (name, result, receives) = (def.name, def.result, def.receives.clone());
        let has_self = receiver.is_some();
        let params: Vec<(&'a str, Ty, Option<&'a ast::Expr<'a>>)> =
            def.params.iter().map(|param| (param.name, param.ty, param.default)).collect();
        let module = def.module;
        let mut all = Vec::new();
        let mut params = params.into_iter();
        if let Some(receiver) = receiver
            && let Some((_, ty, _)) = params.next()
        {
            let ty = self.p.types.instantiate(ty, &types);
            all.push(self.coerce(receiver, ty, &Why::new(format!("what `{name}` is called on"))));
        }
        let result = self.p.types.instantiate(result, &types);
        // What is wanted of the result says more about the arguments than nothing does.
        if let Some(wanted) = wanted
            && !has_hole
            && self.shallow(result) != NEVER
            && matches!(self.kind(wanted), Kind::Named(..) | Kind::Tuple(_))
            && self.could_be(result, wanted)
        {
            self.fits(result, wanted);
        }
        let params: Vec<Wanted<'a>> =
            params.map(|(name, ty, default)| Wanted { name, ty: self.p.types.instantiate(ty, &types), default }).collect();
        let what = format!("`{name}`");
        let Some((args, hole, lets)) = self.arguments_of(&params, args, args_span, &what, Some(module)) else {
            return Expr { kind: ExprKind::Error, ty: if self.p.types.is_open(result) { ERROR } else { result }, span };
        };
        all.extend(args);
        if self.p.fun(id).asm == Some(DELIVER) {
            self.check_delivery(&all);
        }
        let receives: Vec<Ty> = receives.into_iter().map(|ty| self.p.types.instantiate(ty, &types)).collect();
        if has_hole {
            // The receiver is looked at once, when the function is made.
            let mut lets = lets;
            if has_self && let Some(first) = all.first_mut() {
                self.hold(first, &mut lets);
            }
            let call = Expr { kind: ExprKind::Call(id, types, all), ty: result, span };
            return self.close_hole(call, hole, lets, span);
        }
        self.check_receives(&receives, span, &what);
        if self.p.prelude.values.get("assert") == Some(&Value::Fn(id))
            && let Some(condition) = all.pop()
        {
            return self.assertion(condition, span);
        }
        Expr { kind: ExprKind::Call(id, types, all), ty: result, span }
    }

    /// `assert(condition)`: shows the condition, and both sides of a comparison.
    fn assertion(&mut self, condition: Expr, span: Span) -> Expr {
        let text = self.source(condition.span).split_whitespace().collect::<Vec<_>>().join(" ");
        let ty = self.p.core.text;
        let ty = self.p.plain(ty);
        let shown = |expr: Expr| Expr { span: expr.span, kind: ExprKind::Interpolated(vec![expr]), ty };
        let mut args = vec![Expr { kind: ExprKind::Text(text), ty, span }];
        let mut stmts = Vec::new();
        let mut condition = condition;
        if let ExprKind::Op(Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge, sides) = &mut condition.kind {
            for side in sides.iter_mut() {
                self.hold(side, &mut stmts);
                args.push(shown(side.clone()));
            }
        }
        let name = if args.len() == 1 { "failed" } else { "failed_with" };
        let core = self.p.module(self.p.def(self.p.core.bool).module);
        let Some(Value::Fn(failed)) = core.own.values.get(name).copied() else { return self.error(span) };
        let failed = Expr { kind: ExprKind::Call(failed, Vec::new(), args), ty: NEVER, span };
        let then = Expr { kind: ExprKind::Block(Vec::new(), Some(Box::new(failed))), ty: NEVER, span };
        let bool = condition.ty;
        let not = Expr { span, ty: bool, kind: ExprKind::Op(Op::Not, vec![condition]) };
        stmts.push(Expr {
            kind: ExprKind::If(Box::new(crate::thir::Cond::Expr(not)), Box::new(then), None),
            ty: UNIT,
            span,
        });
        Expr { kind: ExprKind::Block(stmts, None), ty: UNIT, span }
    }

    /// Whether two types could be made equal, without doing it.
    fn could_be(&mut self, one: Ty, other: Ty) -> bool {
        let saved = self.vars.clone();
        let goes = self.fits(one, other);
        self.vars = saved;
        goes
    }

    fn arguments(
        &mut self,
        params: &[Wanted<'a>],
        args: &'a [ast::Arg<'a>],
        args_span: Span,
        what: &str,
    ) -> Option<(Vec<Expr>, Option<LocalId>, Vec<Expr>)> {
        self.arguments_of(params, args, args_span, what, None)
    }

    /// Arguments in the order of the parameters, with defaults; the local of a hole, and what is to be evaluated before.
    pub(crate) fn arguments_of(
        &mut self,
        params: &[Wanted<'a>],
        args: &'a [ast::Arg<'a>],
        args_span: Span,
        what: &str,
        defaults_of: Option<ModuleId>,
    ) -> Option<(Vec<Expr>, Option<LocalId>, Vec<Expr>)> {
        let mut places: Vec<Option<&'a ast::Arg<'a>>> = vec![None; params.len()];
        let mut failed = false;
        let mut next = 0;
        let mut named = false;
        for arg in args {
            if let ArgKind::Spread(value) = &arg.kind {
                let report = Report::error(Code::Arguments, arg.span, "`..` is for records: `Point(..p, x: 1.0)`");
                self.tell(report.label("not a record"));
                self.expr(value, None);
                failed = true;
                continue;
            }
            let at = match &arg.name {
                None if named => {
                    let report = Report::error(Code::Arguments, arg.span, "an argument by position behind one by name");
                    self.tell(report.label("by position").hint("first those by position, then those by name"));
                    failed = true;
                    continue;
                }
                None => {
                    next += 1;
                    next - 1
                }
                Some(name) => {
                    named = true;
                    match params.iter().position(|param| param.name == name.text && !param.name.is_empty()) {
                        Some(at) => at,
                        None => {
                            let hint = suggestion(name.text, params.iter().map(|param| param.name));
                            let message = format!("{what} has no parameter `{}`", name.text);
                            let report = Report::error(Code::Arguments, name.span, message).label("no such parameter");
                            self.tell(report.maybe_hint(hint));
                            failed = true;
                            continue;
                        }
                    }
                }
            };
            match places.get_mut(at) {
                Some(place @ None) => *place = Some(arg),
                Some(Some(first)) => {
                    let first = first.span;
                    let message = format!("the parameter `{}` gets two arguments", params[at].name);
                    let report = Report::error(Code::Arguments, arg.span, message).label("again");
                    self.tell(report.also(first, "first here"));
                    failed = true;
                }
                None => failed |= at >= params.len(),
            }
        }
        let missing: Vec<&Wanted<'a>> = params
            .iter()
            .zip(&places)
            .filter(|(param, place)| place.is_none() && param.default.is_none())
            .map(|(param, _)| param)
            .collect();
        let too_many = next > params.len();
        if too_many || !missing.is_empty() && !failed {
            let wanted = count(params.len(), "argument");
            let least = params.iter().filter(|param| param.default.is_none()).count();
            let wanted = if least < params.len() { format!("{least} to {wanted}") } else { wanted };
            let message = format!("{what} takes {wanted}, seen: {}", args.len());
            let list: Vec<String> = missing
                .iter()
                .map(|param| {
                    let ty = self.display(param.ty);
                    if param.name.is_empty() { format!("`{ty}`") } else { format!("`{}: {ty}`", param.name) }
                })
                .collect();
            let (label, hint) = if list.is_empty() {
                ("too many".to_owned(), None)
            } else {
                let is_request = missing
                    .iter()
                    .any(|param| matches!(self.kind(param.ty), Kind::Named(def, _) if def == self.p.core.reply));
                let hint = match is_request {
                    true => "`_` stands for the reply: `address.call(Get(_))`".to_owned(),
                    false => format!("add {}", list.join(", ")),
                };
                (format!("missing: {}", list.join(", ")), Some(hint))
            };
            let hint =
                if what == "`print`" && too_many { Some("write one text: `print(\"n is ${n}\")`".to_owned()) } else { hint };
            self.tell(Report::error(Code::Arguments, args_span, message).label(label).maybe_hint(hint));
            failed = true;
        }
        if failed {
            self.wrong_args(args);
            return None;
        }
        let (mut out, mut hole, mut lets) = (Vec::new(), None, Vec::new());
        let has_hole = args.iter().any(|arg| matches!(arg.kind, ArgKind::Hole));
        // The closure that a hole makes is around what is evaluated later.
        for (param, place) in params.iter().zip(places) {
            let why = if param.name.is_empty() {
                Why::new("the argument")
            } else {
                Why::new(format!("the parameter `{}` of {what}", param.name))
            };
            let value = match place.map(|arg| (&arg.kind, arg.span)) {
                Some((ArgKind::Value(value), _)) => {
                    let value = self.expr(value, Some(param.ty));
                    let mut value = self.coerce(value, param.ty, &why);
                    if has_hole {
                        self.hold(&mut value, &mut lets);
                    }
                    value
                }
                Some((ArgKind::Hole | ArgKind::Spread(_), span)) => {
                    let id = self.local(HOLE, param.ty, false, span);
                    self.locals[id.0 as usize].depth += 1;
                    hole = Some(id);
                    Expr { kind: ExprKind::Local(id), ty: param.ty, span }
                }
                None => match param.default {
                    Some(default) => self.default_value(default, param.ty, defaults_of, args_span),
                    None => self.error(args_span),
                },
            };
            out.push(value);
        }
        Some((out, hole, lets))
    }

    /// A default, which is read where it was written.
    pub(crate) fn default_value(
        &mut self,
        default: &'a ast::Expr<'a>,
        ty: Ty,
        module: Option<ModuleId>,
        span: Span,
    ) -> Expr {
        let module = module.unwrap_or(self.module);
        let here = std::mem::replace(&mut self.module, module);
        let names = std::mem::take(&mut self.names);
        // What is wrong with it is told where it stands.
        let (sink, failed) = (self.p.module(module).sink.clone(), self.failed);
        let value = self.expr(default, Some(ty));
        let mut value = self.coerce(value, ty, &Why::new("the default"));
        self.p.module_mut(module).sink = sink;
        self.failed = failed;
        self.names = names;
        self.module = here;
        value.span = span;
        value
    }

    /// Has a value evaluated before, where that makes a difference.
    fn hold(&mut self, value: &mut Expr, lets: &mut Vec<Expr>) {
        match value.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Text(_)
            | ExprKind::Unit
            | ExprKind::Const(_) => return,
            ExprKind::FnValue(..) | ExprKind::Error | ExprKind::Me => return,
            ExprKind::Local(id) if !self.locals[id.0 as usize].is_var => return,
            _ => {}
        }
        let (ty, span) = (value.ty, value.span);
        let id = self.local("held", ty, false, span);
        let held = std::mem::replace(value, Expr { kind: ExprKind::Local(id), ty, span });
        let pat = Pat { kind: PatKind::Bind(id), ty, span };
        lets.push(Expr { kind: ExprKind::Let(Box::new(pat), Box::new(held)), ty: UNIT, span });
    }

    /// Makes a function of a call with a hole.
    pub(crate) fn close_hole(&mut self, call: Expr, hole: Option<LocalId>, lets: Vec<Expr>, span: Span) -> Expr {
        let Some(hole) = hole else { return call };
        let result = call.ty;
        let param = self.locals[hole.0 as usize].ty;
        self.frames.push(Frame { result, result_span: None, receives: Vec::new(), captures: Vec::new() });
        let mut used = Vec::new();
        locals_in(&call, &mut used);
        for id in used.into_iter().filter(|id| *id != hole) {
            self.use_local(id, span);
        }
        let frame = self.frames.pop().unwrap_or_else(|| unreachable!("it was pushed"));
        let ty = self.p.types.intern(Kind::Fn(vec![param], result, Vec::new()));
        let closure = Closure { params: vec![hole], captures: frame.captures, body: call, result, receives: Vec::new() };
        let closure = Expr { kind: ExprKind::Closure(Box::new(closure)), ty, span };
        if lets.is_empty() {
            return closure;
        }
        Expr { kind: ExprKind::Block(lets, Some(Box::new(closure))), ty, span }
    }

    /// Whether all that a callee receives is received here.
    pub(crate) fn check_receives(&mut self, receives: &[Ty], span: Span, what: &str) {
        for wanted in receives {
            let here = self.frame().receives.clone();
            let found = here.iter().any(|own| self.could_be(*own, *wanted) && self.unify(*own, *wanted));
            if !found && self.shallow(*wanted) != ERROR {
                let ty = self.display(*wanted);
                let message = format!("{what} receives `{ty}` from the mailbox, and this function does not");
                let all: Vec<String> = here.iter().map(|own| self.display(*own)).chain([ty.clone()]).collect();
                let report = Report::error(Code::Receives, span, message).label(format!("needs `{ty}`"));
                self.tell(report.hint(format!("write `receives {}` behind the signature, or `spawn` it", all.join(" | "))));
            }
        }
    }
}

/// The locals that an expression without closures and blocks uses.
fn locals_in(expr: &Expr, out: &mut Vec<LocalId>) {
    match &expr.kind {
        ExprKind::Local(id) => out.push(*id),
        ExprKind::Call(_, _, args) | ExprKind::Variant(_, args) | ExprKind::Record(args) | ExprKind::Tuple(args) => {
            args.iter().for_each(|arg| locals_in(arg, out));
        }
        ExprKind::CallValue(callee, args) => {
            locals_in(callee, out);
            args.iter().for_each(|arg| locals_in(arg, out));
        }
        ExprKind::Field(of, _) => locals_in(of, out),
        _ => {}
    }
}
