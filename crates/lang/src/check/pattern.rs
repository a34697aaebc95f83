//! Patterns, and the arms that they stand in.

use super::Cx;
use super::construct::Made;
use super::decision::{Tree, decide_within, missing};
use super::infer::Why;
use crate::code::Code;
use crate::program::DefKind;
use crate::suggest::suggestion;
use crate::thir::{Arm, Expr, Pat, PatKind};
use crate::ty::{ERROR, Kind, NEVER, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, PatArg, Span};

/// Patterns that are missing and listed.
const MISSING_MAX: usize = 5;

impl<'a> Cx<'_, 'a> {
    /// A pattern for values of a type. What it binds is visible afterwards.
    pub(crate) fn pattern(&mut self, pat: &'a ast::Pat<'a>, ty: Ty) -> Pat {
        let from = self.names.len();
        let out = self.pat(pat, ty);
        for at in from..self.names.len() {
            let (name, id) = self.names[at];
            if let Some((_, first)) = self.names[from..at].iter().find(|(known, _)| *known == name && name != "_") {
                let (first, span) = (self.locals[first.0 as usize].span, self.locals[id.0 as usize].span);
                let message = format!("the name `{name}` is bound twice in one pattern");
                self.tell(Report::error(Code::Duplicate, span, message).label("again").also(first, "first here"));
            }
        }
        out
    }

    fn pat(&mut self, pat: &'a ast::Pat<'a>, ty: Ty) -> Pat {
        let span = pat.span;
        let core = self.p.core;
        let any = Pat { kind: PatKind::Any, ty, span };
        let kind = match &pat.kind {
            ast::PatKind::Any | ast::PatKind::Error => PatKind::Any,
            ast::PatKind::Name(name) => PatKind::Bind(self.bind_name(name.text, ty, false, name.span)),
            ast::PatKind::As { pat, name } => {
                let inner = self.pat(pat, ty);
                PatKind::As(self.bind_name(name.text, ty, false, name.span), Box::new(inner))
            }
            ast::PatKind::Int(value) => {
                if !self.literal(ty, &[core.int], span) {
                    return any;
                }
                PatKind::Int(*value)
            }
            ast::PatKind::Duration(value) => {
                if !self.literal(ty, &[core.duration], span) {
                    return any;
                }
                PatKind::Int(*value)
            }
            ast::PatKind::Float(value) => {
                if !self.literal(ty, &[core.float], span) {
                    return any;
                }
                PatKind::Float(*value)
            }
            ast::PatKind::Bool(value) => {
                if !self.literal(ty, &[core.bool], span) {
                    return any;
                }
                PatKind::Bool(*value)
            }
            ast::PatKind::Text(value) => {
                if !self.literal(ty, &[core.text], span) {
                    return any;
                }
                PatKind::Text(value.clone().into_owned())
            }
            ast::PatKind::Bytes(value) => {
                if !self.literal(ty, &[core.bytes], span) {
                    return any;
                }
                PatKind::Bytes(value.clone())
            }
            ast::PatKind::Range { from, to, is_inclusive } => {
                if !self.literal(ty, &[core.int], span) {
                    return any;
                }
                let last = if *is_inclusive { Some(*to) } else { to.checked_sub(1) };
                match last {
                    Some(last) if *from <= last => PatKind::Range(*from, last),
                    _ => {
                        let report = Report::error(Code::Unreachable, span, "nothing is in this range").label("empty");
                        self.tell(report);
                        return any;
                    }
                }
            }
            ast::PatKind::Prefix { prefix, rest } => {
                if !self.literal(ty, &[core.text], span) {
                    return any;
                }
                let rest = match rest.text {
                    "_" => None,
                    text => Some(self.bind_name(text, ty, false, rest.span)),
                };
                PatKind::Prefix(prefix.clone().into_owned(), rest)
            }
            ast::PatKind::Tuple(args) => {
                let wants = match self.kind(ty) {
                    Kind::Tuple(items) => items,
                    Kind::Var(_) => {
                        let items: Vec<Ty> = args.iter().map(|_| self.fresh(span, "this component")).collect();
                        let tuple = self.p.types.tuple(items.clone());
                        self.unify(ty, tuple);
                        items
                    }
                    Kind::Error => vec![ERROR; args.len()],
                    Kind::Never | Kind::Named(..) | Kind::Fn(..) | Kind::Param(_) => {
                        let ty = self.display(ty);
                        let message = format!("what is matched is `{ty}`, seen: a tuple");
                        self.tell(Report::error(Code::Mismatch, span, message).label("a tuple"));
                        vec![ERROR; args.len()]
                    }
                };
                if let ([PatArg::Pat { name: None, pat }], [_, _, ..] | []) = (args.as_slice(), wants.as_slice())
                    && wants.len() != 1
                {
                    // One in parentheses is itself.
                    return self.pat(pat, ty);
                }
                let named: Vec<(&str, Ty)> = wants.iter().map(|ty| ("", *ty)).collect();
                PatKind::Fields(self.pat_args(args, &named, span, "the tuple"))
            }
            ast::PatKind::List(args) => {
                let item = match self.kind(ty) {
                    Kind::Named(def, args) if def == core.list => args[0],
                    Kind::Var(_) => {
                        let item = self.fresh(span, "the elements of this list");
                        let list = self.p.types.named(core.list, vec![item]);
                        self.unify(ty, list);
                        item
                    }
                    Kind::Error => ERROR,
                    _ => {
                        let ty = self.display(ty);
                        let message = format!("what is matched is `{ty}`, seen: a list");
                        self.tell(Report::error(Code::Mismatch, span, message).label("a list"));
                        ERROR
                    }
                };
                let (mut items, mut rest) = (Vec::new(), None);
                for (at, arg) in args.iter().enumerate() {
                    match arg {
                        PatArg::Pat { pat, .. } => items.push(self.pat(pat, item)),
                        PatArg::Rest { name, span } => {
                            if at + 1 != args.len() {
                                let report = Report::error(Code::Mismatch, *span, "`..` stands last in a list pattern");
                                self.tell(report.label("not last"));
                            }
                            rest = Some(name.as_ref().map(|name| self.bind_name(name.text, ty, false, name.span)));
                        }
                    }
                }
                PatKind::List(items, rest)
            }
            ast::PatKind::Constructor { module, name, variant, args } => {
                return self.constructor_pattern(module, name, variant.as_ref(), args.as_deref(), ty, span);
            }
            ast::PatKind::Or(alternatives) => {
                let from = self.names.len();
                let mut out = Vec::new();
                let mut first: Option<Vec<(&'a str, crate::thir::LocalId)>> = None;
                let mut others = Vec::new();
                for alternative in alternatives {
                    let pat = self.pat(alternative, ty);
                    let bound: Vec<_> = self.names.drain(from..).collect();
                    match &first {
                        None => {
                            first = Some(bound);
                            out.push(pat);
                        }
                        Some(first) => {
                            let same = first.len() == bound.len()
                                && bound.iter().all(|(name, _)| first.iter().any(|(known, _)| known == name));
                            if !same {
                                let lacks = first.iter().find(|(name, _)| bound.iter().all(|(own, _)| own != name));
                                let label = match lacks
                                    .or_else(|| bound.iter().find(|(own, _)| first.iter().all(|(name, _)| own != name)))
                                {
                                    Some((name, _)) if lacks.is_some() => format!("`{name}` is not bound here"),
                                    Some((name, _)) => format!("`{name}` is bound here alone"),
                                    None => "binds others".to_owned(),
                                };
                                let message = "the alternatives of a pattern bind the same names";
                                let report = Report::error(Code::Mismatch, alternative.span, message).label(label);
                                let names = alternatives.iter().all(|one| matches!(one.kind, ast::PatKind::Name(_)));
                                self.tell(report.hint(if names {
                                    "the rest of a list is `[first, ..rest]`"
                                } else {
                                    "write an arm for each"
                                }));
                                // What they bind is known all the same.
                                let rest = bound.iter().filter(|(own, _)| first.iter().all(|(name, _)| own != name));
                                for (name, id) in rest {
                                    self.locals[id.0 as usize].ty = ERROR;
                                    others.push((*name, *id));
                                }
                            }
                            let mut renames = Vec::new();
                            for (name, id) in &bound {
                                if let Some((_, known)) = first.iter().find(|(known, _)| known == name) {
                                    let (one, other) = (self.locals[known.0 as usize].ty, self.locals[id.0 as usize].ty);
                                    if !self.unify(one, other) {
                                        let (one, other) = (self.display(one), self.display(other));
                                        let message =
                                            format!("`{name}` is `{one}` in one alternative and `{other}` in another");
                                        self.tell(Report::error(Code::Mismatch, alternative.span, message).label("here"));
                                    }
                                    renames.push((*id, *known));
                                }
                            }
                            out.push(renamed(pat, &renames));
                        }
                    }
                }
                self.names.extend(first.unwrap_or_default());
                self.names.extend(others);
                PatKind::Or(out)
            }
        };
        Pat { kind, ty, span }
    }

    /// Whether a literal goes with a type; it has told when not.
    fn literal(&mut self, ty: Ty, wanted: &[crate::ty::DefId], span: Span) -> bool {
        let Some(def) = wanted.first() else { return false };
        let literal = self.p.plain(*def);
        if self.unify(ty, literal) {
            return self.shallow(ty) != ERROR;
        }
        let (seen, want) = (self.display(literal), self.display(ty));
        let message = format!("what is matched is `{want}`, seen: a pattern for `{seen}`");
        self.tell(Report::error(Code::Mismatch, span, message).label(format!("this is `{seen}`")));
        false
    }

    fn constructor_pattern(
        &mut self,
        module: &[ast::Name<'a>],
        name: &ast::Name<'a>,
        variant: Option<&ast::Name<'a>>,
        args: Option<&'a [PatArg<'a>]>,
        ty: Ty,
        span: Span,
    ) -> Pat {
        let any = Pat { kind: PatKind::Any, ty, span };
        let made = match (module, variant) {
            ([], None) => self.bare_constructor(name, Some(ty)),
            (path, _) => {
                let path: Vec<&str> = path.iter().map(|part| part.text).collect();
                match self.p.find_type(self.module, &path, name.text) {
                    Some(def) => {
                        self.p.check_visible(self.module, def, name.span);
                        match variant {
                            Some(variant) => self.variant_of(def, variant),
                            None => Some(Made::Record(def)),
                        }
                    }
                    None => {
                        let known = self.p.module(self.module).own.types.keys().map(String::as_str);
                        let hint = suggestion(name.text, known);
                        let message = format!("unknown type `{}`", name.text);
                        self.tell(
                            Report::error(Code::UnknownType, name.span, message).label("not declared").maybe_hint(hint),
                        );
                        None
                    }
                }
            }
        };
        let bind_all = |cx: &mut Self| {
            for arg in args.unwrap_or_default() {
                match arg {
                    PatArg::Pat { pat, .. } => {
                        cx.pat(pat, ERROR);
                    }
                    PatArg::Rest { .. } => {}
                }
            }
        };
        let Some(made) = made else {
            bind_all(self);
            return any;
        };
        let (Made::Record(def) | Made::Variant(def, _)) = made;
        let declared = self.p.def(def);
        if declared.is_opaque && declared.module != self.module {
            let message = format!("`{}` is `opaque`: only its module can take one apart", declared.name);
            self.tell(Report::error(Code::Opaque, span, message).label("hidden").hint("use its methods"));
            bind_all(self);
            return any;
        }
        let (own, fields) = self.made(made, Some(ty), span);
        if !self.unify(own, ty) {
            let (seen, want) = (self.display(own), self.display(ty));
            let message = format!("what is matched is `{want}`, seen: a pattern for `{seen}`");
            let variants = self.variants_of(ty);
            let hint = (!variants.is_empty()).then(|| format!("`{want}` has `{}`", variants.join("`, `")));
            self.tell(Report::error(Code::Mismatch, span, message).label(format!("this is of `{seen}`")).maybe_hint(hint));
            bind_all(self);
            return any;
        }
        let named: Vec<(&str, Ty)> = fields.iter().map(|field| (field.name, field.ty)).collect();
        let what = format!("`{}`", variant.map_or(name.text, |variant| variant.text));
        let parts = match args {
            None if !named.is_empty() => {
                let list: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
                let message = format!("{what} has {}", crate::declare::count(named.len(), "field"));
                let report = Report::error(Code::Arguments, span, message).label("the fields are missing");
                self.tell(report.hint(format!(
                    "write `{}({})`, or `(..)` to leave them out",
                    what.trim_matches('`'),
                    list.join(", ")
                )));
                named.iter().map(|(_, ty)| Pat { kind: PatKind::Any, ty: *ty, span }).collect()
            }
            args => self.pat_args(args.unwrap_or_default(), &named, span, &what),
        };
        let kind = match made {
            Made::Record(_) => PatKind::Fields(parts),
            Made::Variant(_, at) => PatKind::Variant(at, parts),
        };
        Pat { kind, ty, span }
    }

    /// The variants of a type, as people write them.
    fn variants_of(&self, ty: Ty) -> Vec<&'a str> {
        match self.kind(ty) {
            Kind::Named(def, _) if def == self.p.core.option => vec!["Some", "None"],
            Kind::Named(def, _) => match &self.p.def(def).kind {
                DefKind::Sum(variants) => variants.iter().map(|variant| variant.name).collect(),
                DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) | DefKind::Record(_) | DefKind::Object(_) => {
                    Vec::new()
                }
            },
            Kind::Error | Kind::Never | Kind::Tuple(_) | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => Vec::new(),
        }
    }

    /// The parts of a pattern, in the order of the fields.
    fn pat_args(&mut self, args: &'a [PatArg<'a>], fields: &[(&str, Ty)], span: Span, what: &str) -> Vec<Pat> {
        let mut places: Vec<Option<Pat>> = vec![None; fields.len()];
        let (mut next, mut has_rest, mut failed) = (0, false, false);
        for arg in args {
            match arg {
                PatArg::Rest { name, span } => {
                    has_rest = true;
                    if name.is_some() {
                        let report = Report::error(Code::Arguments, *span, "what `..` leaves out of fields has no name");
                        self.tell(report.label("a name"));
                    }
                }
                PatArg::Pat { name, pat } => {
                    let at = match name {
                        None => {
                            next += 1;
                            next - 1
                        }
                        Some(name) => match fields.iter().position(|(known, _)| *known == name.text && !known.is_empty()) {
                            Some(at) => at,
                            None => {
                                let all: Vec<&str> =
                                    fields.iter().map(|(known, _)| *known).filter(|known| !known.is_empty()).collect();
                                let near = suggestion(name.text, all.iter().copied());
                                let hint = near
                                    .or_else(|| (!all.is_empty()).then(|| format!("the fields are `{}`", all.join("`, `"))));
                                let message = format!("{what} has no field `{}`", name.text);
                                let report = Report::error(Code::UnknownMember, name.span, message).label("no such field");
                                self.tell(report.maybe_hint(hint));
                                self.pat(pat, ERROR);
                                continue;
                            }
                        },
                    };
                    let ty = fields.get(at).map_or(ERROR, |(_, ty)| *ty);
                    let part = self.pat(pat, ty);
                    match places.get_mut(at) {
                        Some(place @ None) => *place = Some(part),
                        Some(Some(_)) => {
                            let report = Report::error(Code::Duplicate, pat.span, "a field is matched twice").label("again");
                            self.tell(report);
                        }
                        None => failed = true,
                    }
                }
            }
        }
        let missing = places.iter().filter(|place| place.is_none()).count();
        if failed || (missing > 0 && !has_rest) {
            let part = if what == "the tuple" { "component" } else { "field" };
            let message = format!("{what} has {}, seen: {}", crate::declare::count(fields.len(), part), args.len());
            let list: Vec<&str> = fields.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
            let hint = if failed {
                "leave out what is too much".to_owned()
            } else if list.is_empty() {
                "write `_` for each that is left out, or `..` for the others".to_owned()
            } else {
                format!("the fields are `{}`; `..` leaves out the others", list.join("`, `"))
            };
            self.tell(Report::error(Code::Arguments, span, message).label("here").hint(hint));
        }
        places
            .into_iter()
            .zip(fields)
            .map(|(place, (_, ty))| place.unwrap_or(Pat { kind: PatKind::Any, ty: *ty, span }))
            .collect()
    }

    /// Arms against a type; gives them and the type of their values.
    pub(crate) fn arms(&mut self, arms: &'a ast::Arms<'a>, ty: Ty, wanted: Option<Ty>) -> (Vec<Arm>, Ty) {
        let mut out = Vec::new();
        let mut result = NEVER;
        for arm in &arms.arms {
            let visible = self.names.len();
            let pat = self.pattern(&arm.pat, ty);
            let guard = self.guard(arm.guard.as_ref());
            let body = self.arm_body(&arm.body, wanted, &mut result);
            self.names.truncate(visible);
            out.push(Arm { pat, guard, body });
        }
        self.check_dropped_in_arms(out.iter().map(|arm| &arm.body), result);
        (out, result)
    }

    /// Tells of results that arms end in where nobody wants their values.
    pub(crate) fn check_dropped_in_arms<'e>(&mut self, bodies: impl Iterator<Item = &'e Expr>, result: Ty) {
        if self.shallow(result) == UNIT {
            bodies.for_each(|body| self.dropped(super::infer::end_of(body)));
        }
    }

    pub(crate) fn guard(&mut self, guard: Option<&'a ast::Expr<'a>>) -> Option<Expr> {
        guard.map(|guard| {
            let bool = self.p.core.bool;
            let bool = self.p.plain(bool);
            let value = self.expr(guard, Some(bool));
            self.coerce(value, bool, &Why::new("the condition of an arm"))
        })
    }

    /// The body of an arm, whose value goes with those of the others.
    pub(crate) fn arm_body(&mut self, body: &'a ast::Stmt<'a>, wanted: Option<Ty>, result: &mut Ty) -> Expr {
        let expr = match &body.kind {
            ast::StmtKind::Expr(expr) => {
                let hint = wanted.or(Some(*result).filter(|ty| *ty != NEVER && self.shallow(*ty) != UNIT));
                match (&expr.kind, hint.map(|ty| self.shallow(ty))) {
                    (ast::ExprKind::Block(block), Some(UNIT)) => self.block(block, Some(UNIT), true),
                    _ => self.expr(expr, hint),
                }
            }
            _ => self.stmt(body),
        };
        if expr.ty == NEVER {
            return expr;
        }
        if *result == NEVER {
            *result = match wanted {
                Some(wanted) if !matches!(self.kind(wanted), Kind::Var(_)) => wanted,
                _ => expr.ty,
            };
        }
        if self.shallow(*result) == UNIT {
            return expr;
        }
        if self.fits(expr.ty, *result) {
            return expr;
        }
        if wanted.is_none() && (self.shallow(expr.ty) == UNIT) {
            *result = UNIT;
            return expr;
        }
        let ty = *result;
        self.coerce(expr, ty, &Why::new("the arms are of one type, which"))
    }

    /// Whether arms leave something out, and whether each can be reached.
    pub(crate) fn check_arms(&mut self, arms: &[Arm], ty: Ty, written: &'a ast::Arms<'a>, span: Span) {
        if self.failed || self.shallow(ty) == ERROR {
            return;
        }
        let pats: Vec<Pat> = arms.iter().map(|arm| self.resolved(&arm.pat)).collect();
        let rows: Vec<(&Pat, bool)> = pats.iter().zip(arms).map(|(pat, arm)| (pat, arm.guard.is_some())).collect();
        let Some(tree) = decide_within(self.p, &rows) else { return self.tell_large_match(span) };
        let mut reached = vec![false; arms.len()];
        note_reached(&tree, &mut reached);
        for (arm, written) in reached.iter().zip(&written.arms) {
            if !arm {
                let report = Report::error(Code::Unreachable, written.pat.span, "this arm can never match");
                self.tell(report.label("what is before it takes all of this").hint("remove it, or move it up"));
            }
        }
        let ty = self.resolve(ty);
        let left = missing(self.p, &tree, ty, MISSING_MAX);
        if !left.is_empty() {
            let message = format!(
                "the patterns leave out {}",
                left.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
            );
            let arms: Vec<String> = left.iter().map(|one| format!("{one} -> {{}}")).collect();
            let report = Report::error(
                Code::NotExhaustive,
                Span { start: span.start, end: written.span.start.max(span.start) },
                message,
            );
            self.tell(
                report
                    .label("not everything is matched")
                    .hint(format!("add {}", arms.iter().map(|arm| format!("`{arm}`")).collect::<Vec<_>>().join(", "))),
            );
        }
    }

    /// Tells that patterns part into too many cases.
    fn tell_large_match(&mut self, span: Span) {
        let report = Report::error(Code::TooLarge, span, "these patterns part into more cases than the compiler looks at");
        self.tell(
            report.label("too many cases").hint("match on one part after the other, or write a condition behind `if`"),
        );
    }

    /// A pattern with all types known.
    fn resolved(&mut self, pat: &Pat) -> Pat {
        let mut pat = pat.clone();
        self.resolve_pat(&mut pat);
        pat
    }

    fn resolve_pat(&mut self, pat: &mut Pat) {
        pat.ty = self.resolve(pat.ty);
        match &mut pat.kind {
            PatKind::Fields(parts) | PatKind::Variant(_, parts) | PatKind::List(parts, _) | PatKind::Or(parts) => {
                parts.iter_mut().for_each(|part| self.resolve_pat(part));
            }
            PatKind::As(_, inner) => self.resolve_pat(inner),
            PatKind::Any
            | PatKind::Bind(_)
            | PatKind::Int(_)
            | PatKind::Float(_)
            | PatKind::Bool(_)
            | PatKind::Text(_)
            | PatKind::Bytes(_)
            | PatKind::Range(..)
            | PatKind::Prefix(..) => {}
        }
    }

    /// Tells when a pattern does not always match.
    pub(crate) fn check_irrefutable(&mut self, pat: &Pat, what: &str, hint: Option<&str>) {
        if self.failed {
            return;
        }
        let pat = self.resolved(pat);
        let Some(tree) = decide_within(self.p, &[(&pat, false)]) else { return self.tell_large_match(pat.span) };
        let left = missing(self.p, &tree, pat.ty, 1);
        if let Some(left) = left.first() {
            let message = format!("{what} always matches, and this one leaves out `{left}`");
            let report = Report::error(Code::Refutable, pat.span, message).label("does not always match");
            self.tell(report.maybe_hint(hint.map(str::to_owned)));
        }
    }

    /// The declared type of a sum, for whoever asks for its variants.
    pub(crate) fn is_sum(&self, ty: Ty) -> bool {
        match self.kind(ty) {
            Kind::Named(def, _) => matches!(self.p.def(def).kind, DefKind::Sum(_)),
            _ => false,
        }
    }
}

fn note_reached(tree: &Tree, reached: &mut [bool]) {
    match tree {
        Tree::Fail => {}
        Tree::Arm { arm, otherwise, .. } => {
            if let Some(slot) = reached.get_mut(*arm) {
                *slot = true;
            }
            if let Some(otherwise) = otherwise {
                note_reached(otherwise, reached);
            }
        }
        Tree::Switch { cases, default, .. } => {
            cases.iter().for_each(|(_, tree)| note_reached(tree, reached));
            if let Some(default) = default {
                note_reached(default, reached);
            }
        }
    }
}

/// The pattern with other locals.
fn renamed(pat: Pat, renames: &[(crate::thir::LocalId, crate::thir::LocalId)]) -> Pat {
    let of = |id: crate::thir::LocalId| renames.iter().find(|(from, _)| *from == id).map_or(id, |(_, to)| *to);
    let all = |parts: Vec<Pat>| parts.into_iter().map(|part| renamed(part, renames)).collect();
    let kind = match pat.kind {
        PatKind::Bind(id) => PatKind::Bind(of(id)),
        PatKind::As(id, inner) => PatKind::As(of(id), Box::new(renamed(*inner, renames))),
        PatKind::Prefix(text, rest) => PatKind::Prefix(text, rest.map(of)),
        PatKind::Fields(parts) => PatKind::Fields(all(parts)),
        PatKind::Variant(at, parts) => PatKind::Variant(at, all(parts)),
        PatKind::List(parts, rest) => PatKind::List(all(parts), rest.map(|rest| rest.map(of))),
        PatKind::Or(parts) => PatKind::Or(all(parts)),
        kind @ (PatKind::Any
        | PatKind::Int(_)
        | PatKind::Float(_)
        | PatKind::Bool(_)
        | PatKind::Text(_)
        | PatKind::Bytes(_)
        | PatKind::Range(..)) => kind,
    };
    Pat { kind, ..pat }
}
