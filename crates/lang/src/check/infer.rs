//! Types within one function: variables, what they stand for, and how types are made equal.

use super::Cx;
use crate::code::Code;
use crate::program::{Constraint, DefKind, Generic, Program};
use crate::thir::{Expr, ExprKind};
use crate::ty::{DefId, ERROR, Kind, NEVER, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::Span;

/// Why a type is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Why {
    pub(crate) text: String,
    pub(crate) span: Option<Span>,
}

impl Why {
    pub(crate) fn new(text: impl Into<String>) -> Why {
        Why { text: text.into(), span: None }
    }

    pub(crate) fn at(text: impl Into<String>, span: Span) -> Why {
        Why { text: text.into(), span: Some(span) }
    }
}

impl<'a> Cx<'_, 'a> {
    /// A type that is to be found.
    pub(crate) fn fresh(&mut self, span: Span, what: &'static str) -> Ty {
        let number = self.vars.len() as u32;
        self.vars.push(None);
        self.var_places.push((span, what));
        self.p.types.intern(Kind::Var(number))
    }

    /// The type, with what is known of a variable at its head.
    pub(crate) fn shallow(&self, mut ty: Ty) -> Ty {
        while let Kind::Var(number) = self.p.types.kind(ty) {
            match self.vars.get(*number as usize).copied().flatten() {
                Some(known) => ty = known,
                None => break,
            }
        }
        ty
    }

    /// What the type is, as far as that is known.
    pub(crate) fn kind(&self, ty: Ty) -> Kind {
        self.p.types.kind(self.shallow(ty)).clone()
    }

    /// The type with all that is known put in.
    pub(crate) fn resolve(&mut self, ty: Ty) -> Ty {
        let vars = &self.vars;
        self.p.types.replace(ty, &|kind| match kind {
            Kind::Var(number) => vars.get(*number as usize).copied().flatten(),
            Kind::Error | Kind::Never | Kind::Tuple(_) | Kind::Fn(..) | Kind::Named(..) | Kind::Param(_) => None,
        })
    }

    fn occurs(&self, number: u32, ty: Ty) -> bool {
        let ty = self.shallow(ty);
        if !self.p.types.is_open(ty) {
            return false;
        }
        match self.p.types.kind(ty) {
            Kind::Var(other) => *other == number,
            Kind::Error | Kind::Never | Kind::Param(_) => false,
            Kind::Tuple(items) | Kind::Named(_, items) => items.iter().any(|item| self.occurs(number, *item)),
            Kind::Fn(params, result, receives) => {
                params.iter().chain(receives).chain([result]).any(|item| self.occurs(number, *item))
            }
        }
    }

    /// Makes two types equal; whether they can be.
    pub(crate) fn unify(&mut self, one: Ty, other: Ty) -> bool {
        let (one, other) = (self.shallow(one), self.shallow(other));
        if one == other {
            return true;
        }
        let kinds = (self.p.types.kind(one).clone(), self.p.types.kind(other).clone());
        match kinds {
            (Kind::Error, _) | (_, Kind::Error) => true,
            (Kind::Var(number), _) => self.bind(number, other),
            (_, Kind::Var(number)) => self.bind(number, one),
            (Kind::Tuple(ones), Kind::Tuple(others)) => self.unify_all(&ones, &others),
            (Kind::Named(def, ones), Kind::Named(same, others)) => def == same && self.unify_all(&ones, &others),
            (Kind::Fn(ones, result, receives), Kind::Fn(others, same, received)) => {
                self.unify_all(&ones, &others) && self.unify(result, same) && self.unify_all(&receives, &received)
            }
            (Kind::Tuple(_) | Kind::Named(..) | Kind::Fn(..) | Kind::Never | Kind::Param(_), _) => false,
        }
    }

    fn bind(&mut self, number: u32, ty: Ty) -> bool {
        if self.occurs(number, ty) {
            return false;
        }
        if let Some(slot) = self.vars.get_mut(number as usize) {
            *slot = Some(ty);
        }
        true
    }

    fn unify_all(&mut self, ones: &[Ty], others: &[Ty]) -> bool {
        ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| self.unify(*one, *other))
    }

    /// Whether a value of a type may stand where another is wanted; what is not known yet is made equal.
    pub(crate) fn fits(&mut self, found: Ty, wanted: Ty) -> bool {
        let (found, wanted) = (self.shallow(found), self.shallow(wanted));
        if found == NEVER || found == ERROR || wanted == ERROR {
            return true;
        }
        // Any address may stand where only that of some fiber is wanted.
        if let (Kind::Named(def, _), Kind::Named(same, args)) = (self.kind(found), self.kind(wanted))
            && def == same
            && def == self.p.core.address
            && args.first().is_some_and(|arg| self.shallow(*arg) == NEVER)
        {
            return true;
        }
        // A function that receives less may stand where one that receives more is wanted.
        if let (Kind::Fn(ones, result, receives), Kind::Fn(others, same, received)) = (self.kind(found), self.kind(wanted)) {
            let params = ones.len() == others.len() && ones.iter().zip(&others).all(|(one, other)| self.unify(*one, *other));
            let result = self.shallow(result) == NEVER || self.unify(result, same);
            return params && result && receives.iter().all(|one| received.iter().any(|other| self.unify(*one, *other)));
        }
        self.unify(found, wanted)
    }

    /// Lets an expression stand where a type is wanted, or tells why it cannot.
    pub(crate) fn coerce(&mut self, expr: Expr, wanted: Ty, why: &Why) -> Expr {
        if self.fits(expr.ty, wanted) {
            return expr;
        }
        let found = end_of(&expr);
        // What is wrong with it was told.
        if !matches!(found.kind, ExprKind::Error) {
            self.mismatch(found, wanted, why);
        }
        Expr { kind: ExprKind::Error, ty: ERROR, span: expr.span }
    }

    fn mismatch(&mut self, expr: &Expr, wanted: Ty, why: &Why) {
        let (found, wanted) = (self.resolve(expr.ty), self.resolve(wanted));
        let (mut seen, mut want) = (self.display(found), self.display(wanted));
        if seen == want {
            // Two types have one name.
            seen = display_in_full(self.p, &self.generics, found);
            want = display_in_full(self.p, &self.generics, wanted);
        }
        let message = format!("{} is `{want}`, seen: `{seen}`", why.text);
        let mut report = Report::error(Code::Mismatch, expr.span, message).label(format!("this is `{seen}`"));
        if let Some(span) = why.span {
            report = report.also(span, format!("`{want}` because of this"));
        }
        let hint = if self.contains_itself(found, wanted) {
            Some("a type that contains itself is declared: `type Tree { .. }`".to_owned())
        } else {
            self.conversion(expr, found, wanted)
        };
        self.tell(report.maybe_hint(hint));
    }

    /// Whether a type that is to be found would be a part of itself.
    fn contains_itself(&self, found: Ty, wanted: Ty) -> bool {
        match (self.p.types.kind(found), self.p.types.kind(wanted)) {
            (Kind::Var(number), _) => self.occurs(*number, wanted),
            (_, Kind::Var(number)) => self.occurs(*number, found),
            _ => false,
        }
    }

    /// What would make a value of the type that is wanted.
    fn conversion(&mut self, expr: &Expr, found: Ty, wanted: Ty) -> Option<String> {
        let core = self.p.core;
        let text = self.source(expr.span).to_owned();
        let text = if text.len() > 40 || text.contains('\n') { "the value".to_owned() } else { text };
        let inner = |args: &[Ty]| args.first().copied();
        match (self.kind(found), self.kind(wanted)) {
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.int && other == core.float => {
                Some(match expr.kind {
                    ExprKind::Int(value) => format!("write `{value}.0`"),
                    _ => format!("write `{text}.to_float()`"),
                })
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.float && other == core.int => {
                Some(match expr.kind {
                    ExprKind::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("write `{value:.0}`"),
                    _ => format!("write `{text}.truncate()` or `{text}.round()`"),
                })
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.bytes && other == core.text => {
                Some(format!("`{text}.to_text()` gives a `Result`"))
            }
            (_, Kind::Named(other, _)) if other == core.text => Some(match expr.kind {
                ExprKind::Int(_) | ExprKind::Float(_) => format!("write `\"{text}\"`"),
                _ => format!("write `\"${{{text}}}\"`"),
            }),
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.int && other == core.bool => {
                Some(format!("compare it: `{text} != 0`"))
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.text && other == core.bool => {
                Some(format!("write `!{text}.is_empty()`"))
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.list && other == core.bool => {
                Some(format!("write `!{text}.is_empty()`"))
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.option && other == core.bool => {
                Some(format!("write `{text}.is_some()`, or `if let Some(value) = {text}`"))
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.result && other == core.bool => {
                Some(format!("write `{text}.is_ok()`, or `if let Ok(value) = {text}`"))
            }
            (_, Kind::Never) => Some("a `Fiber` takes no messages: keep the address as `Address<..>`".to_owned()),
            (Kind::Fn(..), Kind::Fn(params, ..)) if params.first().is_some_and(|first| self.is_reply(*first)) => {
                Some("a request has a field of the type `Reply<..>`, and `_` stands for it".to_owned())
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.text && other == core.int => {
                Some(format!("`{text}.to_int()` gives an `Option<Int>`"))
            }
            (Kind::Named(one, _), Kind::Named(other, _)) if one == core.int && other == core.duration => {
                Some("a time is written with its unit: `5s`, `20ms`".to_owned())
            }
            (_, Kind::Named(other, args))
                if other == core.option && inner(&args).is_some_and(|ty| self.unify(ty, found)) =>
            {
                Some(format!("write `Some({text})`"))
            }
            (_, Kind::Named(other, args))
                if other == core.result && inner(&args).is_some_and(|ty| self.unify(ty, found)) =>
            {
                Some(format!("write `Ok({text})`"))
            }
            (Kind::Named(one, args), _) if one == core.option && inner(&args).is_some_and(|ty| self.unify(ty, wanted)) => {
                Some("take the value out with `match`, `?`, or `.unwrap_or(..)`".to_owned())
            }
            (Kind::Named(one, args), _) if one == core.result && inner(&args).is_some_and(|ty| self.unify(ty, wanted)) => {
                Some("take the value out with `match` or `?`".to_owned())
            }
            (Kind::Fn(params, result, _), _) if params.is_empty() && self.unify(result, wanted) => {
                Some(format!("call it: `{text}()`"))
            }
            (_, Kind::Tuple(items)) if items.is_empty() => {
                Some("leave the value out, or write the result behind `->`".to_owned())
            }
            _ => None,
        }
    }

    fn is_reply(&self, ty: Ty) -> bool {
        matches!(self.kind(ty), Kind::Named(def, _) if def == self.p.core.reply)
    }

    /// The type for people.
    pub(crate) fn display(&mut self, ty: Ty) -> String {
        let ty = self.resolve(ty);
        display(self.p, &self.generics, ty)
    }

    /// Wants a type to have something.
    pub(crate) fn oblige(&mut self, ty: Ty, constraint: Constraint, span: Span, why: String) {
        self.obligations.push((ty, constraint, span, why));
    }

    /// Whether the values of a type change.
    fn changes(&self, def: DefId) -> bool {
        let core = self.p.core;
        [core.list, core.map, core.set, core.array, core.cell].contains(&def)
            || matches!(self.p.def(def).kind, DefKind::Object(_))
    }

    /// Looks whether all that was wanted of types holds, once they are known.
    pub(crate) fn settle(&mut self) {
        check_applied(self.p);
        for (ty, constraint, span, why) in std::mem::take(&mut self.obligations) {
            let ty = self.resolve(ty);
            let generics = self.generics.clone();
            // Where the type is written it was told.
            if self.p.refused.contains(&(self.module, ty, constraint)) {
                continue;
            }
            if let Err(part) = has(self.p, &generics, ty, constraint, &mut Vec::new()) {
                let (whole, part_text) = (self.display(ty), self.display(part));
                let what = match constraint {
                    Constraint::Eq => "be compared",
                    Constraint::Ord => "be ordered",
                    Constraint::Key => "be a key",
                };
                let message = match ty == part {
                    true => format!("`{whole}` cannot {what}, which {why} needs"),
                    false => format!("`{whole}` cannot {what} because of `{part_text}` in it, and {why} needs that"),
                };
                let hint = match self.kind(part) {
                    Kind::Param(_) => {
                        Some(format!("write `{part_text}: {}` where the parameter is declared", constraint.name()))
                    }
                    Kind::Named(def, _) if def == self.p.core.float && constraint == Constraint::Key => {
                        Some("`x.bits()` is an `Int`".to_owned())
                    }
                    Kind::Named(def, _) if constraint == Constraint::Key && self.changes(def) => {
                        Some("what changes cannot be a key; a tuple, a record or a text can".to_owned())
                    }
                    Kind::Fn(..) | Kind::Named(..) | Kind::Tuple(_) | Kind::Error | Kind::Never | Kind::Var(_) => None,
                };
                self.tell(Report::error(Code::Constraint, span, message).label("needed here").maybe_hint(hint));
            }
        }
        for number in 0..self.vars.len() {
            if self.vars[number].is_none() {
                let (span, what) = self.var_places[number];
                self.vars[number] = Some(ERROR);
                if self.failed {
                    continue;
                }
                let message = match what {
                    "a type argument of this" => format!("{what} does not follow from the code"),
                    _ => format!("the type of {what} does not follow from the code"),
                };
                let hint = match what {
                    "the elements of this list" => "write it: `let name: List<Type> = []`",
                    "the keys of this map" | "the values of this map" => "write it: `let name: Map<Key, Type> = [:]`",
                    "this parameter" => "write it: `fn(name: Type) { .. }`",
                    _ => "write it: `let name: Type = ..`",
                };
                self.tell(Report::error(Code::CannotInfer, span, message).label("of what type?").hint(hint));
            }
        }
    }
}

/// The expression that gives a block its value.
pub(crate) fn end_of(mut expr: &Expr) -> &Expr {
    while let ExprKind::Block(_, Some(value)) = &expr.kind {
        expr = value;
    }
    expr
}

/// Looks whether the arguments of written types have what their parameters want, and tells.
pub(crate) fn check_applied(p: &mut Program<'_>) {
    for applied in std::mem::take(&mut p.applied) {
        let crate::program::Applied { module, generics, ty, constraint, span, name } = applied;
        let Err(part) = has(p, &generics, ty, constraint, &mut Vec::new()) else { continue };
        if !p.refused.insert((module, ty, constraint)) {
            continue;
        }
        let whole = display(p, &generics, ty);
        let inside = if part == ty { String::new() } else { format!(" because of `{}` in it", display(p, &generics, part)) };
        let what = match constraint {
            Constraint::Eq => "be compared",
            Constraint::Ord => "be ordered",
            Constraint::Key => "be a key",
        };
        let message = format!("`{whole}` cannot {what}{inside}, which `{name}` needs");
        let hint = match p.types.kind(part) {
            Kind::Param(_) => Some(format!(
                "write `{}: {}` where the parameter is declared",
                display(p, &generics, part),
                constraint.name()
            )),
            Kind::Named(def, _) if *def == p.core.float => Some("`x.bits()` is an `Int`".to_owned()),
            _ => None,
        };
        p.tell(module, Report::error(Code::Constraint, span, message).label("needed here").maybe_hint(hint));
    }
}

/// Whether a type has what a constraint wants; else the part that has not.
pub(crate) fn has(
    p: &mut Program<'_>,
    generics: &[Generic<'_>],
    ty: Ty,
    constraint: Constraint,
    seen: &mut Vec<Ty>,
) -> Result<(), Ty> {
    if seen.contains(&ty) {
        return Ok(());
    }
    seen.push(ty);
    match p.types.kind(ty).clone() {
        Kind::Error | Kind::Never | Kind::Var(_) => Ok(()),
        Kind::Fn(..) => Err(ty),
        Kind::Param(at) => {
            let known = generics.get(at as usize).and_then(|generic| generic.constraint);
            let enough = match constraint {
                // Whoever can be ordered can be compared.
                Constraint::Eq => true,
                Constraint::Ord => matches!(known, Some(Constraint::Ord | Constraint::Key)),
                Constraint::Key => known == Some(Constraint::Key),
            };
            if enough { Ok(()) } else { Err(ty) }
        }
        Kind::Tuple(items) => items.into_iter().try_for_each(|item| has(p, generics, item, constraint, seen)),
        Kind::Named(def, args) => {
            let core = p.core;
            match &p.def(def).kind {
                DefKind::Builtin => {
                    builtin_has(core, def, constraint).then_some(()).ok_or(ty).and_then(|()| match constraint {
                        Constraint::Eq => args.into_iter().try_for_each(|arg| has(p, generics, arg, constraint, seen)),
                        Constraint::Ord | Constraint::Key => {
                            if def == core.option {
                                args.into_iter().try_for_each(|arg| has(p, generics, arg, constraint, seen))
                            } else {
                                Ok(())
                            }
                        }
                    })
                }
                DefKind::Object(_) if constraint != Constraint::Eq => Err(ty),
                DefKind::Object(_) | DefKind::Unknown | DefKind::Alias(_) => Ok(()),
                DefKind::Record(_) | DefKind::Sum(_) => {
                    let parts = components(p, def, &args);
                    parts.into_iter().try_for_each(|part| has(p, generics, part, constraint, seen))
                }
            }
        }
    }
}

fn builtin_has(core: crate::program::Core, def: DefId, constraint: Constraint) -> bool {
    let ordered = [core.bool, core.int, core.text, core.bytes, core.duration, core.instant, core.option];
    match constraint {
        Constraint::Eq => true,
        Constraint::Ord => ordered.contains(&def) || def == core.float,
        Constraint::Key => ordered.contains(&def) || [core.address, core.reference, core.node].contains(&def),
    }
}

/// The types of all fields of a declared type with arguments.
pub(crate) fn components(p: &mut Program<'_>, def: DefId, args: &[Ty]) -> Vec<Ty> {
    let fields: Vec<Ty> = match &p.def(def).kind {
        DefKind::Record(fields) | DefKind::Object(fields) => fields.iter().map(|field| field.ty).collect(),
        DefKind::Sum(variants) => variants.iter().flat_map(|variant| &variant.fields).map(|field| field.ty).collect(),
        DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) => Vec::new(),
    };
    fields.into_iter().map(|ty| p.types.instantiate(ty, args)).collect()
}

/// A type for people.
pub(crate) fn display(p: &Program<'_>, generics: &[Generic<'_>], ty: Ty) -> String {
    display_named(p, generics, ty, &|def| p.def(def).name.to_owned())
}

/// A type for people, with the modules of those that the standard library does not declare.
fn display_in_full(p: &Program<'_>, generics: &[Generic<'_>], ty: Ty) -> String {
    display_named(p, generics, ty, &|def| {
        let (name, module) = (p.def(def).name, p.module(p.def(def).module));
        if module.is_std { name.to_owned() } else { format!("{}.{name}", module.path) }
    })
}

fn display_named(p: &Program<'_>, generics: &[Generic<'_>], ty: Ty, name: &dyn Fn(DefId) -> String) -> String {
    let inner = |ty: Ty| display_named(p, generics, ty, name);
    let list = |items: &[Ty]| items.iter().map(|item| inner(*item)).collect::<Vec<_>>().join(", ");
    match p.types.kind(ty) {
        Kind::Error => "?".to_owned(),
        Kind::Var(_) => "_".to_owned(),
        Kind::Never => "Never".to_owned(),
        Kind::Param(at) => generics.get(*at as usize).map_or_else(|| "?".to_owned(), |generic| generic.name.to_owned()),
        Kind::Tuple(items) => format!("({})", list(items)),
        Kind::Named(def, args) if args.is_empty() => name(*def),
        Kind::Named(def, args) => match (*def == p.core.address, args.as_slice()) {
            (true, [NEVER]) => "Fiber".to_owned(),
            _ => format!("{}<{}>", name(*def), list(args)),
        },
        Kind::Fn(params, result, receives) => {
            let mut text = format!("fn({})", list(params));
            if *result != UNIT {
                text.push_str(&format!(" -> {}", inner(*result)));
            }
            if !receives.is_empty() {
                let all: Vec<String> = receives.iter().map(|one| inner(*one)).collect();
                text.push_str(&format!(" receives {}", all.join(" | ")));
            }
            text
        }
    }
}
