//! Patterns.

use std::borrow::Cow;

use super::{Lower, is_name};
use crate::ast::{ExprKind, Pat, PatArg, PatKind};
use crate::code::Code;
use crate::kind::Kind;
use crate::tree::{Node, Part};

impl<'t, 'a> Lower<'t, 'a, '_> {
    pub(super) fn pat(&mut self, node: Node<'t, 'a>) -> Pat<'a> {
        let kind = match node.kind() {
            Kind::AnyPat => PatKind::Any,
            Kind::NamePat => PatKind::Name(self.last_name(node)),
            Kind::LiteralPat => self.literal_pat(node),
            Kind::RangePat => self.range(node),
            Kind::PrefixPat => {
                let prefix = node.expr().map(|text| self.prefix(text)).unwrap_or_default();
                PatKind::Prefix { prefix, rest: self.last_name(node) }
            }
            Kind::TuplePat => {
                let mut args = self.pat_args(node, false);
                if let [PatArg::Pat { name: None, .. }] = args.as_slice()
                    && let Some(PatArg::Pat { pat, .. }) = args.pop()
                {
                    return pat;
                }
                PatKind::Tuple(args)
            }
            Kind::ListPat => PatKind::List(self.pat_args(node, false)),
            Kind::ConstructorPat => self.constructor(node),
            Kind::OrPat => PatKind::Or(self.each(node.children().filter(|child| child.kind().is_pat()), Self::pat)),
            Kind::AsPat => PatKind::As { pat: Box::new(self.pat_of(node)), name: self.last_name(node) },
            _ => PatKind::Error,
        };
        Pat { kind, span: node.span() }
    }

    fn constructor(&mut self, node: Node<'t, 'a>) -> PatKind<'a> {
        let names: Vec<_> = node.tokens().filter(|token| is_name(token.kind)).collect();
        let module = names.iter().take_while(|token| token.kind == Kind::LowerName).map(|token| self.name_of(*token));
        let module: Vec<_> = module.collect();
        let mut upper = names.iter().skip(module.len()).map(|token| self.name_of(*token));
        let Some(name) = upper.next() else { return PatKind::Error };
        let variant = upper.next();
        let args = node.child(Kind::PatArgs).map(|args| self.pat_args(args, true));
        PatKind::Constructor { module, name, variant, args }
    }

    fn pat_args(&mut self, node: Node<'t, 'a>, has_fields: bool) -> Vec<PatArg<'a>> {
        let mut args = Vec::with_capacity(node.children().count());
        for child in node.children() {
            match child.kind() {
                Kind::RestPat => {
                    let name = child.tokens().find(|token| is_name(token.kind)).map(|token| self.name_of(token));
                    args.push(PatArg::Rest { name, span: child.span() });
                }
                Kind::FieldPat => {
                    let name = self.first_name(child);
                    if !has_fields {
                        let report = self.error(Code::Misplaced, name.span, "no field has a name here");
                        report.label("names stand in the parentheses of a variant or record").tell(self.sink);
                    }
                    let pat = self.pat_of(child);
                    args.push(PatArg::Pat { name: Some(name).filter(|_| has_fields), pat });
                }
                kind if kind.is_pat() => args.push(PatArg::Pat { name: None, pat: self.pat(child) }),
                _ => {}
            }
        }
        args
    }

    /// The text before the rest.
    fn prefix(&mut self, node: Node<'t, 'a>) -> Cow<'a, str> {
        if node.kind() == Kind::Literal && node.token(Kind::RawText).is_none() {
            let report = self.error(Code::BadPattern, node.span(), "only a text can be the beginning of another");
            report.label("not a text").hint("a pattern of this form is written `\"GET \" + rest`").tell(self.sink);
            return Cow::default();
        }
        self.plain_text(node, "a pattern")
    }

    fn literal_pat(&mut self, node: Node<'t, 'a>) -> PatKind<'a> {
        let Some(literal) = node.expr() else { return PatKind::Error };
        let minus = node.token(Kind::Minus);
        if literal.kind() == Kind::Text && minus.is_none() {
            return PatKind::Text(self.plain_text(literal, "a pattern"));
        }
        let value = if literal.kind() == Kind::Text { ExprKind::Me } else { self.literal(literal, minus.is_some()) };
        match value {
            ExprKind::Int(value) => PatKind::Int(signed(value, minus.is_some())),
            ExprKind::Float(value) => PatKind::Float(if minus.is_some() { -value } else { value }),
            ExprKind::Duration(value) => PatKind::Duration(if minus.is_some() { value.wrapping_neg() } else { value }),
            ExprKind::Bool(value) if minus.is_none() => PatKind::Bool(value),
            ExprKind::Bytes(value) if minus.is_none() => PatKind::Bytes(value),
            ExprKind::Text(_) if minus.is_none() => PatKind::Text(self.plain_text(literal, "a pattern")),
            ExprKind::Error => PatKind::Error,
            _ => {
                let report = self.error(Code::BadPattern, node.span(), "only a number has a sign");
                report.label("nothing is less than nothing here").hint("leave the `-` out").tell(self.sink);
                PatKind::Error
            }
        }
    }

    fn range(&mut self, node: Node<'t, 'a>) -> PatKind<'a> {
        let mut ends = Vec::new();
        let (mut is_negative, mut is_inclusive, mut is_known) = (false, false, true);
        for part in node.parts() {
            match part {
                Part::Token(token) if token.kind == Kind::Minus => is_negative = true,
                Part::Token(token) => is_inclusive |= token.kind == Kind::DotDotEq,
                Part::Node(end) => {
                    match self.range_end(end, is_negative) {
                        Some(value) => ends.push(value),
                        None => is_known = false,
                    }
                    is_negative = false;
                }
            }
        }
        let [from, to] = ends.as_slice() else { return PatKind::Error };
        let is_empty = if is_inclusive { from > to } else { from >= to };
        if is_known && is_empty {
            let report = self.error(Code::BadPattern, node.span(), "this range is empty");
            report.label("matches nothing").hint("`a..=b` includes `b`, `a..b` does not").tell(self.sink);
        }
        PatKind::Range { from: *from, to: *to, is_inclusive }
    }

    fn range_end(&mut self, node: Node<'t, 'a>, is_negative: bool) -> Option<i64> {
        let value = match node.kind() {
            Kind::Literal => self.literal(node, is_negative),
            _ => ExprKind::Me,
        };
        match value {
            ExprKind::Int(value) => Some(signed(value, is_negative)),
            ExprKind::Error => None,
            _ => {
                let report = self.error(Code::BadPattern, node.span(), "the ends of a range are integers or characters");
                report.label("neither").hint("compare by a condition: `x if low <= x && x < high -> ..`").tell(self.sink);
                None
            }
        }
    }
}

/// An integer with its sign; the least one is its own negative.
fn signed(value: u64, is_negative: bool) -> i64 {
    let value = value as i64;
    if is_negative { value.wrapping_neg() } else { value }
}
