//! Types as written.
//!
//! **Invariant:** a type ends before the first token that belongs to none.

use super::Parser;
use crate::code::Code;
use crate::kind::Kind;

impl Parser<'_, '_> {
    /// Whether a type begins here.
    pub(super) fn at_type_start(&self) -> bool {
        match self.kind() {
            Kind::UpperName | Kind::OpenParen | Kind::Fn => true,
            Kind::LowerName => self.ahead(1) == Kind::Dot || super::advice::type_for(self.text_ahead(0)).is_some(),
            _ => false,
        }
    }

    /// Reads a type, or tells that it is missing.
    pub(super) fn ty(&mut self) {
        self.nested(Self::one_type);
        self.after_type();
    }

    /// Tells of forms of other languages behind a type.
    fn after_type(&mut self) {
        if self.at(Kind::Question) {
            self.foreign("what may be missing has the type `Option<T>`");
            self.skip_token();
        } else if self.at(Kind::OpenBracket) && self.ahead(1) == Kind::CloseBracket {
            self.foreign("a list has the type `List<T>`");
            self.skip_token();
            self.skip_token();
        } else if self.at(Kind::OpenBracket) && self.ahead(1) == Kind::UpperName {
            self.foreign("type arguments stand between `<` and `>`");
            self.skip_token();
            self.skip_garbage(|_| false);
            if self.at(Kind::CloseBracket) {
                self.skip_token();
            }
        }
    }

    fn one_type(&mut self) {
        let start = self.start();
        match self.kind() {
            Kind::UpperName | Kind::LowerName => {
                if !self.type_path() {
                    return;
                }
                if self.at(Kind::Less) {
                    self.type_args();
                }
                self.finish(start, Kind::NamedType);
            }
            Kind::OpenParen => {
                self.types_in_parens("the type");
                if self.at(Kind::Arrow) {
                    self.foreign("the type of a function is written `fn(A) -> B`");
                    self.bump();
                    self.ty();
                }
                self.finish(start, Kind::TupleType);
            }
            Kind::Fn => self.fn_type(),
            Kind::OpenBracket => {
                self.wanted_with("a type", Some("a list has the type `List<T>`, a map `Map<K, V>`".to_owned()));
                self.skip_token();
                self.skip_garbage(|_| false);
                self.eat(Kind::CloseBracket);
            }
            Kind::And | Kind::Star => {
                self.foreign("there are no references; write the type itself");
                self.skip_token();
                self.ty();
            }
            Kind::Bang => {
                self.foreign("the type of what never comes is `Never`");
                self.skip_token();
            }
            _ => self.wanted("a type"),
        }
    }

    /// Reads a type's name with its module; false when there is none.
    fn type_path(&mut self) -> bool {
        while self.at(Kind::LowerName) && self.ahead(1) == Kind::Dot {
            self.bump();
            self.bump();
        }
        if self.eat(Kind::UpperName) {
            if self.at(Kind::Dot) && self.ahead(1) == Kind::UpperName {
                let report = self.error(Code::Syntax, self.here(), "found `.` behind the name of a type");
                self.tell(report.label("a type ends here").hint("a variant is no type; name its type alone"));
                self.skip_token();
                self.skip_token();
            }
            return true;
        }
        if self.at(Kind::LowerName) {
            self.wrong_case(Kind::UpperName, "a type");
            self.bump();
            return true;
        }
        self.wanted("the name of a type");
        false
    }

    fn type_args(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.bump();
        self.list(open, Kind::Greater, "the type arguments", Self::ty);
        self.finish(start, Kind::TypeArgs);
    }

    fn types_in_parens(&mut self, what: &str) {
        let open = self.here();
        self.bump();
        self.list(open, Kind::CloseParen, what, |parser| {
            if parser.at(Kind::LowerName) && parser.ahead(1) == Kind::Colon {
                parser.wanted_with("a type", Some("types have no names here; leave the name and `:` out".to_owned()));
                parser.skip_token();
                parser.skip_token();
            }
            parser.ty();
        });
    }

    fn fn_type(&mut self) {
        let start = self.start();
        self.bump();
        let params = self.start();
        if self.at(Kind::OpenParen) {
            self.types_in_parens("the parameters");
            self.finish(params, Kind::FnTypeParams);
        } else {
            self.wanted("`(` and the types of the parameters");
        }
        if self.eat(Kind::Arrow) {
            self.ty();
        }
        self.receives();
        self.finish(start, Kind::FnType);
    }

    /// Reads `-> Type`, if it is there.
    pub(super) fn result(&mut self) {
        if self.eat(Kind::Arrow) {
            return self.ty();
        }
        let is_type = matches!(self.ahead(1), Kind::UpperName | Kind::OpenParen);
        let is_near = self.at_any(&[Kind::Colon, Kind::FatArrow]) && is_type;
        if is_near || self.at(Kind::UpperName) {
            self.wanted_with("`->` and the result, or `{`", Some("the result stands behind `->`".to_owned()));
            if is_near {
                self.skip_token();
            }
            self.ty();
        }
    }

    /// Reads `receives A | B`, if it is there.
    pub(super) fn receives(&mut self) {
        if !self.at(Kind::Receives) {
            return;
        }
        let start = self.start();
        self.bump();
        loop {
            self.ty();
            if self.at(Kind::Comma) && self.ahead(1) == Kind::UpperName {
                self.wanted_with("`|` or the body", Some("the types of a set are separated by `|`".to_owned()));
                self.bump();
            } else if !self.eat(Kind::Or) {
                break;
            }
        }
        self.finish(start, Kind::ReceivesClause);
    }
}
