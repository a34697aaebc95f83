//! Records, objects and variants being made.

use super::Cx;
use super::call::{Named, Wanted};
use super::infer::Why;
use crate::code::Code;
use crate::program::DefKind;
use crate::suggest::suggestion;
use crate::thir::{Expr, ExprKind};
use crate::ty::{DefId, ERROR, Kind, Ty};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, ArgKind, Span};

/// What a constructor makes.
#[derive(Clone, Copy)]
pub(crate) enum Made {
    Record(DefId),
    Variant(DefId, usize),
}

impl<'a> Cx<'_, 'a> {
    /// What the name of a constructor means; it has told when that is nothing.
    pub(crate) fn constructor(&mut self, callee: &'a ast::Expr<'a>, wanted: Option<Ty>) -> Option<Made> {
        match &callee.kind {
            ast::ExprKind::UpperName(name) => self.bare_constructor(name, wanted),
            ast::ExprKind::Member { of, name } => match self.named(of) {
                Named::Type(def) => self.variant_of(def, name),
                Named::Module(module) => match self.in_module(module, name) {
                    Named::Type(def) => self.record(def, name),
                    Named::Wrong => None,
                    Named::Module(_) | Named::Value(_) | Named::Of => None,
                },
                Named::Wrong | Named::Value(_) | Named::Of => {
                    let message = format!("`{}` is a variant or type, and stands behind none", name.text);
                    self.tell(Report::error(Code::UnknownMember, name.span, message).label("not found"));
                    None
                }
            },
            _ => None,
        }
    }

    /// A constructor by its name alone: of the type that is wanted first.
    pub(crate) fn bare_constructor(&mut self, name: &ast::Name<'a>, wanted: Option<Ty>) -> Option<Made> {
        if name.text.is_empty() {
            return None;
        }
        if let Some(wanted) = wanted
            && let Kind::Named(def, _) = self.kind(wanted)
        {
            if let Some(at) = self.variant_at(def, name.text) {
                return Some(Made::Variant(def, at));
            }
            if self.p.def(def).name == name.text && self.p.find_type(self.module, &[], name.text).is_none() {
                return self.record(def, name);
            }
        }
        let here = self.p.module(self.module);
        let variants = here.own.variants.get(name.text).or_else(|| here.imported.variants.get(name.text));
        let mut variants = variants.or_else(|| self.p.prelude.variants.get(name.text)).cloned().unwrap_or_default();
        let option = self.p.core.option;
        if variants.is_empty()
            && let Some(at) = self.variant_at(option, name.text)
        {
            variants.push((option, at));
        }
        let here = self.p.module(self.module);
        let record = self
            .p
            .find_type(self.module, &[], name.text)
            .filter(|def| matches!(self.p.def(*def).kind, DefKind::Record(_) | DefKind::Object(_) | DefKind::Alias(_)));
        if let Some(def) = record {
            // A type and its only variant may have one name.
            let own = variants.iter().any(|(of, _)| *of == def);
            if !own {
                return self.record(def, name);
            }
        }
        let option = self.p.core.option;
        match variants.as_slice() {
            [] if self.variant_at(option, name.text).is_some() => {
                self.variant_at(option, name.text).map(|at| Made::Variant(option, at))
            }
            [(def, at)] => Some(Made::Variant(*def, *at)),
            [] => {
                if let Some(def) = self.p.find_type(self.module, &[], name.text) {
                    let message = format!("`{}` is a type, not a value", name.text);
                    let hint = match &self.p.def(def).kind {
                        DefKind::Sum(variants) => {
                            let names: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
                            Some(format!("make one of its variants: `{}`", names.join("`, `")))
                        }
                        DefKind::Builtin => foreign_constructor(name.text),
                        DefKind::Unknown | DefKind::Alias(_) | DefKind::Record(_) | DefKind::Object(_) => None,
                    };
                    self.tell(Report::error(Code::UnknownName, name.span, message).label("a type").maybe_hint(hint));
                    return None;
                }
                let known = here.own.variants.keys().chain(here.own.types.keys());
                let known = known.chain(here.imported.variants.keys()).chain(self.p.prelude.variants.keys());
                let mut hint = suggestion(name.text, known.map(String::as_str));
                if let Some(wanted) = wanted
                    && let Kind::Named(def, _) = self.kind(wanted)
                    && let DefKind::Sum(variants) = &self.p.def(def).kind
                {
                    hint = suggestion(name.text, variants.iter().map(|variant| variant.name)).or_else(|| {
                        let names: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
                        Some(format!("`{}` has `{}`", self.p.def(def).name, names.join("`, `")))
                    });
                }
                let message = format!("unknown variant or type `{}`", name.text);
                self.tell(Report::error(Code::UnknownName, name.span, message).label("not declared here").maybe_hint(hint));
                None
            }
            several => {
                let names: Vec<String> =
                    several.iter().map(|(def, _)| format!("`{}.{}`", self.p.def(*def).name, name.text)).collect();
                let message = format!("`{}` is a variant of several types", name.text);
                let report = Report::error(Code::UnknownName, name.span, message).label("which one?");
                self.tell(report.hint(format!("write {}", names.join(" or "))));
                None
            }
        }
    }

    fn variant_at(&self, def: DefId, name: &str) -> Option<usize> {
        if def == self.p.core.option {
            return match name {
                "None" => Some(0),
                "Some" => Some(1),
                _ => None,
            };
        }
        match &self.p.def(def).kind {
            DefKind::Sum(variants) => variants.iter().position(|variant| variant.name == name),
            DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) | DefKind::Record(_) | DefKind::Object(_) => None,
        }
    }

    /// The variant of a type with a name.
    pub(crate) fn variant_of(&mut self, def: DefId, name: &ast::Name<'a>) -> Option<Made> {
        let mut def = def;
        if let DefKind::Alias(ty) = self.p.def(def).kind
            && let Kind::Named(of, _) = self.p.types.kind(ty)
        {
            def = *of;
        }
        match self.variant_at(def, name.text) {
            Some(at) => Some(Made::Variant(def, at)),
            None => {
                let names: Vec<&str> = match &self.p.def(def).kind {
                    DefKind::Sum(variants) => variants.iter().map(|variant| variant.name).collect(),
                    DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) | DefKind::Record(_) | DefKind::Object(_) => {
                        Vec::new()
                    }
                };
                let near = suggestion(name.text, names.iter().copied());
                let hint = near.or_else(|| (!names.is_empty()).then(|| format!("there are `{}`", names.join("`, `"))));
                let message = format!("`{}` has no variant `{}`", self.p.def(def).name, name.text);
                self.tell(Report::error(Code::UnknownMember, name.span, message).label("not found").maybe_hint(hint));
                None
            }
        }
    }

    /// The record or object that a type's name makes.
    fn record(&mut self, def: DefId, name: &ast::Name<'a>) -> Option<Made> {
        match self.p.def(def).kind {
            DefKind::Record(_) | DefKind::Object(_) => Some(Made::Record(def)),
            DefKind::Alias(ty) => match self.p.types.kind(ty) {
                Kind::Named(of, _) => {
                    let of = *of;
                    if matches!(self.p.def(of).kind, DefKind::Builtin) {
                        let message = format!(
                            "`{}` is another name of `{}`, which is not made by its name",
                            name.text,
                            self.p.def(of).name
                        );
                        let report = Report::error(Code::UnknownName, name.span, message).label("an alias");
                        self.tell(report.hint("write the value itself; a type of its own is `type Name { value: .. }`"));
                        return None;
                    }
                    self.record(of, name)
                }
                Kind::Error => None,
                Kind::Never | Kind::Tuple(_) | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => {
                    let message = format!("`{}` is another name of a type that is not made by its name", name.text);
                    self.tell(Report::error(Code::UnknownName, name.span, message).label("an alias"));
                    None
                }
            },
            DefKind::Sum(_) | DefKind::Builtin | DefKind::Unknown => {
                let message = format!("`{}` is not a record", name.text);
                let hint = match &self.p.def(def).kind {
                    DefKind::Sum(variants) => {
                        let names: Vec<&str> = variants.iter().map(|variant| variant.name).collect();
                        Some(format!("make one of its variants: `{}`", names.join("`, `")))
                    }
                    DefKind::Builtin => foreign_constructor(name.text),
                    DefKind::Unknown | DefKind::Alias(_) | DefKind::Record(_) | DefKind::Object(_) => None,
                };
                self.tell(Report::error(Code::UnknownName, name.span, message).label("not made like this").maybe_hint(hint));
                None
            }
        }
    }

    /// The type that a constructor makes, with fresh arguments or those that are wanted, and its fields.
    pub(crate) fn made(&mut self, made: Made, wanted: Option<Ty>, span: Span) -> (Ty, Vec<Wanted<'a>>) {
        let (Made::Record(def) | Made::Variant(def, _)) = made;
        let args: Vec<Ty> = match wanted.map(|ty| self.kind(ty)) {
            Some(Kind::Named(of, args)) if of == def => args,
            _ => {
                let count = self.p.def(def).generics.len();
                let args: Vec<Ty> = (0..count).map(|_| self.fresh(span, "a type argument of this")).collect();
                let generics = self.p.def(def).generics.clone();
                for (generic, arg) in generics.iter().zip(&args) {
                    if let Some(constraint) = generic.constraint {
                        self.oblige(*arg, constraint, span, format!("`{}`", self.p.def(def).name));
                    }
                }
                args
            }
        };
        let fields: Vec<(&'a str, Ty, Option<&'a ast::Expr<'a>>)> = match (&self.p.def(def).kind, made) {
            (DefKind::Record(fields) | DefKind::Object(fields), _) => {
                fields.iter().map(|field| (field.name, field.ty, field.default)).collect()
            }
            (DefKind::Sum(variants), Made::Variant(_, at)) => match variants.get(at) {
                Some(variant) => variant.fields.iter().map(|field| (field.name, field.ty, field.default)).collect(),
                None => Vec::new(),
            },
            (DefKind::Builtin, Made::Variant(_, 1)) if def == self.p.core.option => {
                let ty = self.p.types.intern(Kind::Param(0));
                vec![("value", ty, None)]
            }
            _ => Vec::new(),
        };
        let fields = fields
            .into_iter()
            .map(|(name, ty, default)| Wanted { name, ty: self.p.types.instantiate(ty, &args), default })
            .collect();
        (self.p.types.named(def, args), fields)
    }

    /// Tells when a type's inside may not be seen here.
    fn check_inside(&mut self, made: Made, span: Span) -> bool {
        let (Made::Record(def) | Made::Variant(def, _)) = made;
        let declared = self.p.def(def);
        if !declared.is_opaque || declared.module == self.module {
            return true;
        }
        let message = format!(
            "`{}` is `opaque`: only the module `{}` can make or take apart one",
            declared.name,
            self.p.module(declared.module).path
        );
        self.tell(Report::error(Code::Opaque, span, message).label("hidden").hint("use its functions"));
        false
    }

    /// A constructor without parentheses: a variant without fields, or the constructor as a function.
    pub(crate) fn constructor_value(&mut self, callee: &'a ast::Expr<'a>, name: &str, wanted: Option<Ty>) -> Expr {
        let span = callee.span;
        let result = match wanted.map(|ty| self.kind(ty)) {
            Some(Kind::Fn(_, result, _)) => Some(result),
            _ => wanted,
        };
        let Some(made) = self.constructor(callee, result) else { return self.error(span) };
        if !self.check_inside(made, span) {
            return self.error(span);
        }
        let (ty, fields) = self.made(made, result, span);
        if fields.is_empty() {
            let kind = match made {
                Made::Record(_) => ExprKind::Record(Vec::new()),
                Made::Variant(_, at) => ExprKind::Variant(at, Vec::new()),
            };
            if matches!(made, Made::Record(_)) {
                let message = format!("`{name}` is made with parentheses: `{name}()`");
                self.tell(Report::error(Code::Arguments, span, message).label("parentheses are missing"));
            }
            return Expr { kind, ty, span };
        }
        // As a function of its fields.
        let params: Vec<crate::thir::LocalId> = fields
            .iter()
            .map(|field| {
                let id = self.local(field.name, field.ty, false, span);
                self.locals[id.0 as usize].depth += 1;
                id
            })
            .collect();
        let args: Vec<Expr> =
            params.iter().zip(&fields).map(|(id, field)| Expr { kind: ExprKind::Local(*id), ty: field.ty, span }).collect();
        let kind = match made {
            Made::Record(_) => ExprKind::Record(args),
            Made::Variant(_, at) => ExprKind::Variant(at, args),
        };
        let body = Expr { kind, ty, span };
        let closure = crate::thir::Closure { params, captures: Vec::new(), body, result: ty, receives: Vec::new() };
        let fn_type = self.p.types.intern(Kind::Fn(fields.iter().map(|field| field.ty).collect(), ty, Vec::new()));
        Expr { kind: ExprKind::Closure(Box::new(closure)), ty: fn_type, span }
    }

    /// A constructor with arguments.
    pub(crate) fn construct(
        &mut self,
        whole: &'a ast::Expr<'a>,
        callee: &'a ast::Expr<'a>,
        args: &'a [ast::Arg<'a>],
        args_span: Span,
        wanted: Option<Ty>,
        has_hole: bool,
    ) -> Expr {
        let span = whole.span;
        let wanted = match wanted.map(|ty| self.kind(ty)) {
            Some(Kind::Fn(_, result, _)) if has_hole => Some(result),
            _ => wanted,
        };
        let Some(made) = self.constructor(callee, wanted) else {
            self.wrong_args(args);
            return self.error(span);
        };
        if !self.check_inside(made, callee.span) {
            self.wrong_args(args);
            return self.error(span);
        }
        let (ty, fields) = self.made(made, wanted, callee.span);
        if let Some(base) = args.iter().find_map(|arg| if let ArgKind::Spread(base) = &arg.kind { Some(base) } else { None })
        {
            return self.update(made, ty, &fields, base, args, span);
        }
        let (Made::Record(def) | Made::Variant(def, _)) = made;
        let module = self.p.def(def).module;
        let what = format!("`{}`", self.source(callee.span));
        let Some((args, hole, lets)) = self.arguments_of(&fields, args, args_span, &what, Some(module)) else {
            return Expr { kind: ExprKind::Error, ty, span };
        };
        let kind = match made {
            Made::Record(_) => ExprKind::Record(args),
            Made::Variant(_, at) => ExprKind::Variant(at, args),
        };
        let made = Expr { kind, ty, span };
        if has_hole { self.close_hole(made, hole, lets, span) } else { made }
    }

    /// `Point(..p, x: 3.0)`.
    fn update(
        &mut self,
        made: Made,
        ty: Ty,
        fields: &[Wanted<'a>],
        base: &'a ast::Expr<'a>,
        args: &'a [ast::Arg<'a>],
        span: Span,
    ) -> Expr {
        let value = self.expr(base, Some(ty));
        let value = self.coerce(value, ty, &Why::new("what is copied"));
        if let Made::Variant(..) = made {
            let report = Report::error(Code::Arguments, base.span, "`..` is for records, not for variants");
            self.tell(report.label("not a record").hint("take it apart with `match`, and make a new one"));
            return self.error(span);
        }
        let mut changes: Vec<(usize, Expr)> = Vec::new();
        for arg in args {
            let ArgKind::Value(new) = &arg.kind else { continue };
            let Some(name) = &arg.name else {
                let report = Report::error(Code::Arguments, arg.span, "behind `..` fields are given by name");
                self.tell(report.label("by position").hint("write `field: value`"));
                continue;
            };
            let Some(at) = fields.iter().position(|field| field.name == name.text) else {
                let near = suggestion(name.text, fields.iter().map(|field| field.name));
                let all: Vec<&str> = fields.iter().map(|field| field.name).collect();
                let hint = near.or_else(|| (!all.is_empty()).then(|| format!("it has the fields `{}`", all.join("`, `"))));
                let whole = self.display(ty);
                let message = format!("`{whole}` has no field `{}`", name.text);
                self.tell(Report::error(Code::Arguments, name.span, message).label("no such field").maybe_hint(hint));
                self.expr(new, None);
                continue;
            };
            let new = self.expr(new, Some(fields[at].ty));
            let new = self.coerce(new, fields[at].ty, &Why::new(format!("the field `{}`", name.text)));
            changes.push((at, new));
        }
        if ty == ERROR {
            return self.error(span);
        }
        Expr { kind: ExprKind::With(Box::new(value), changes), ty, span }
    }
}

/// How a value of a built-in type is made.
fn foreign_constructor(name: &str) -> Option<String> {
    let how = match name {
        "List" => "`[]`",
        "Map" => "`[:]`",
        "Set" => "`set.new()` of the module `set`",
        "Array" => "`array.ints(n)`, `array.floats(n)` or `array.bytes(n)` of the module `array`",
        "Int" => "`text.to_int()` or `float.truncate()`",
        "Float" => "`int.to_float()`",
        "Text" => "`\"${value}\"`",
        _ => return None,
    };
    Some(format!("one is made by {how}"))
}
