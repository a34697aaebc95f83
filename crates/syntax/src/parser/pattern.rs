//! Patterns.
//!
//! **Invariant:** a pattern ends before the first token that belongs to none.

use super::{Marker, Parser};
use crate::kind::Kind;

impl Parser<'_, '_> {
    /// Reads a pattern, or tells that `what` is missing.
    pub(super) fn pat(&mut self, what: &str) {
        let what = what.to_owned();
        self.nested(move |parser| parser.one_pat(&what));
    }

    fn one_pat(&mut self, what: &str) {
        let start = self.start();
        self.alternative(what);
        if !self.moved(start) {
            return;
        }
        if self.at_any(&[Kind::Or, Kind::OrOr]) {
            while self.at_any(&[Kind::Or, Kind::OrOr]) {
                if self.at(Kind::OrOr) {
                    self.wanted_with("`|`", Some("alternatives are written `A | B`".to_owned()));
                }
                self.bump();
                self.alternative("another alternative");
            }
            self.finish(start, Kind::OrPat);
        }
        if self.eat(Kind::As) {
            self.name(Kind::LowerName, "the name of the whole");
            self.finish(start, Kind::AsPat);
        }
    }

    fn alternative(&mut self, what: &str) {
        while self.at_any(&[Kind::And, Kind::Star]) {
            self.foreign("there are no references; leave the sign out");
            self.skip_token();
        }
        let start = self.start();
        match self.kind() {
            Kind::Underscore => {
                self.bump();
                self.finish(start, Kind::AnyPat);
            }
            Kind::LowerName if self.ahead(1) == Kind::Dot => self.constructor(start),
            Kind::LowerName => {
                if self.at_word("mut") && self.ahead(1) == Kind::LowerName {
                    self.foreign("names in patterns do not change; copy what changes with `var`");
                    self.bump();
                }
                self.bump();
                self.finish(start, Kind::NamePat);
            }
            Kind::UpperName => self.constructor(start),
            Kind::OpenParen => {
                self.pats(Kind::CloseParen);
                self.finish(start, Kind::TuplePat);
            }
            Kind::OpenBracket => {
                self.pats(Kind::CloseBracket);
                self.finish(start, Kind::ListPat);
            }
            Kind::DotDot => {
                self.wanted_with(what, Some("`..` stands in the parentheses or brackets of a pattern".to_owned()));
                self.skip_token();
            }
            kind if kind.is_keyword() && self.names_something() => {
                let hint = format!("`{}` is a word of the language; choose another name", self.text_ahead(0));
                self.wanted_with(what, Some(hint));
                self.skip_token();
            }
            _ => self.literal_pat(start, what),
        }
    }

    /// Whether what follows the current token shows that it was meant as a name.
    fn names_something(&self) -> bool {
        let is_literal = self.at_any(&[Kind::True, Kind::False]);
        !is_literal
            && matches!(self.ahead(1), Kind::Eq | Kind::Colon | Kind::Comma | Kind::CloseParen | Kind::In | Kind::Arrow)
    }

    fn literal_pat(&mut self, start: Marker, what: &str) {
        if !self.signed_literal() {
            return self.wanted(what);
        }
        if self.at_any(&[Kind::DotDot, Kind::DotDotEq]) {
            self.bump();
            if !self.signed_literal() {
                self.wanted("the end of the range");
            }
            self.finish(start, Kind::RangePat);
        } else if self.at(Kind::Plus) {
            self.bump();
            if self.at(Kind::Underscore) {
                self.wanted_with("the name of what follows", Some("give it a name that begins with `_`".to_owned()));
                self.skip_token();
            } else {
                self.name(Kind::LowerName, "the name of what follows");
            }
            self.finish(start, Kind::PrefixPat);
        } else {
            self.finish(start, Kind::LiteralPat);
        }
    }

    /// Reads a literal with its sign; false when there is none.
    fn signed_literal(&mut self) -> bool {
        if self.at(Kind::Minus) && self.ahead(1) != Kind::Newline {
            self.bump();
            if !self.literal() {
                self.wanted("a number");
            }
            return true;
        }
        self.literal()
    }

    /// Reads `module.Type.Variant(..)`.
    fn constructor(&mut self, start: Marker) {
        while self.at(Kind::LowerName) {
            self.bump();
            self.eat(Kind::Dot);
        }
        if !self.name(Kind::UpperName, "the name of a type or variant") {
            return self.finish(start, Kind::ConstructorPat);
        }
        if self.at(Kind::Dot) || (self.at(Kind::Colon) && self.ahead(1) == Kind::Colon) {
            if self.at(Kind::Colon) {
                self.foreign("a variant is named as `Type.Variant`");
                self.bump();
            }
            self.bump();
            self.name(Kind::UpperName, "the name of a variant");
        }
        if self.at(Kind::OpenParen) {
            let args = self.start();
            self.pats(Kind::CloseParen);
            self.finish(args, Kind::PatArgs);
        } else if self.at(Kind::OpenBrace) && self.ahead(1) == Kind::LowerName && self.ahead(2) == Kind::Colon {
            self.foreign("fields stand in parentheses: `Point(x: a)`");
            let args = self.start();
            self.pats(Kind::CloseBrace);
            self.finish(args, Kind::PatArgs);
        }
        self.finish(start, Kind::ConstructorPat);
    }

    /// Reads patterns between brackets.
    fn pats(&mut self, close: Kind) {
        let open = self.here();
        self.bump();
        self.list(open, close, "the pattern", |parser| {
            let start = parser.start();
            if parser.at_any(&[Kind::DotDot, Kind::DotDotEq]) {
                parser.bump();
                parser.eat(Kind::LowerName);
                parser.finish(start, Kind::RestPat);
            } else if parser.at(Kind::LowerName) && parser.ahead(1) == Kind::Colon {
                parser.bump();
                parser.bump();
                parser.pat("a pattern");
                parser.finish(start, Kind::FieldPat);
            } else {
                parser.pat("a pattern");
            }
        });
    }
}
