//! Declared types: aliases, records, sums, and their methods.
//!
//! **Invariant:** a type ends at its brace, or before an item that can be no member.

use super::{Marker, Parser};
use crate::kind::Kind;

impl Parser<'_, '_> {
    pub(super) fn type_item(&mut self, start: Marker) {
        self.bump();
        self.name(Kind::UpperName, "the type's name");
        self.generics();
        if self.at(Kind::Newline) && self.ahead(1) == Kind::OpenBrace {
            self.wanted_with("`=` or `{`", Some("the opening brace stands in the same line".to_owned()));
            self.bump();
        }
        match self.kind() {
            Kind::Eq => {
                self.bump();
                self.ty();
                self.after_alias();
                self.finish(start, Kind::TypeItem);
                self.end_of_item_line("the type");
            }
            Kind::OpenBrace => {
                self.type_body();
                self.finish(start, Kind::TypeItem);
            }
            _ => {
                self.wanted("`=` and a type, or `{` and members");
                let goes_on = self.at(Kind::Newline) && self.goes_on_without_brace();
                if !goes_on {
                    self.skip_garbage(|kind| kind == Kind::OpenBrace);
                }
                if goes_on || self.at(Kind::OpenBrace) {
                    self.type_body();
                }
                self.finish(start, Kind::TypeItem);
            }
        }
    }

    /// Tells of variants that were written with `|` or parentheses behind the `=` of an alias.
    fn after_alias(&mut self) {
        if self.at_any(&[Kind::Or, Kind::OpenParen]) {
            let hint = "the variants of a type stand in braces: `type Shape { Circle(radius: Float), Empty }`";
            self.wanted_with("the end of the type", Some(hint.to_owned()));
            self.skip_garbage(|_| false);
        }
    }

    fn type_body(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.eat(Kind::OpenBrace);
        loop {
            while self.eat(Kind::Newline) {}
            if self.at_any(&[Kind::CloseBrace, Kind::End]) || self.at_item_and_no_member() {
                break;
            }
            let member = self.start();
            self.type_member();
            if !self.moved(member) {
                self.skip_garbage(|kind| kind == Kind::Comma);
            }
            if self.eat(Kind::Comma) {
                continue;
            }
            if self.at(Kind::Semicolon) {
                self.wanted_with(
                    "`,` or the end of the line",
                    Some("members are separated by `,` or by line ends".to_owned()),
                );
                self.skip_token();
            } else if !self.moved(member) {
                self.skip_token();
            } else {
                self.end_of_member();
            }
        }
        self.close(open, Kind::CloseBrace, "the type");
        self.finish(start, Kind::TypeBody);
    }

    /// Whether an item begins here that cannot be a method.
    fn at_item_and_no_member(&self) -> bool {
        let kind = if self.at(Kind::Pub) { self.ahead(1) } else { self.kind() };
        let is_opaque = self.at_item_start() && self.at(Kind::LowerName);
        is_opaque || matches!(kind, Kind::Type | Kind::Const | Kind::Test | Kind::Use)
    }

    fn end_of_member(&mut self) {
        // A method's end shows itself.
        let is_over = self.at_any(&[Kind::Newline, Kind::CloseBrace, Kind::End]);
        if is_over || self.before_is(Kind::CloseBrace) || self.at_lost_line_end() {
            return;
        }
        self.wanted("`,` or the end of the line");
        if !matches!(self.kind(), Kind::LowerName | Kind::UpperName) {
            self.skip_garbage(|kind| kind == Kind::Comma);
            self.eat(Kind::Comma);
        }
    }

    fn type_member(&mut self) {
        let start = self.start();
        self.attributes();
        match self.kind() {
            Kind::Pub | Kind::Fn => {
                self.eat(Kind::Pub);
                if self.at(Kind::Fn) {
                    self.function();
                } else {
                    let hint = "fields are as public as their type; `pub opaque type` hides all of them";
                    self.wanted_with("a method behind `pub`", Some(hint.to_owned()));
                    self.field("the field");
                    return self.finish(start, Kind::Field);
                }
                self.finish(start, Kind::Method);
            }
            Kind::UpperName => {
                self.bump();
                self.variant_rest();
                self.finish(start, Kind::Variant);
            }
            Kind::Let | Kind::Const => {
                self.foreign("a field needs no word before it; one that changes says `var`");
                self.bump();
                self.field("the field");
                self.finish(start, Kind::Field);
            }
            Kind::Var | Kind::LowerName => {
                if matches!(self.text_ahead(0), "function" | "func" | "fun" | "def") && self.ahead(1) == Kind::LowerName {
                    self.foreign("a method is declared with `fn`");
                    self.function();
                    return self.finish(start, Kind::Method);
                }
                self.eat(Kind::Var);
                self.field("the field");
                self.finish(start, Kind::Field);
            }
            _ => self.wanted("a member: a field, a variant or a method"),
        }
    }

    fn variant_rest(&mut self) {
        match self.kind() {
            Kind::OpenParen => {
                let (start, open) = (self.start(), self.here());
                self.bump();
                self.list(open, Kind::CloseParen, "the variant", |parser| {
                    let start = parser.start();
                    parser.variant_field();
                    if parser.moved(start) {
                        parser.finish(start, Kind::Param);
                    }
                });
                self.finish(start, Kind::VariantFields);
            }
            Kind::OpenBrace => {
                let hint = "the fields of a variant stand in parentheses: `Circle(radius: Float)`";
                self.wanted_with("`(`, `,` or the end of the line", Some(hint.to_owned()));
                self.skip_braces();
            }
            Kind::Colon => {
                let hint = "names of fields have small letters, those of variants no type";
                self.wanted_with("`(`, `,` or the end of the line", Some(hint.to_owned()));
                self.bump();
                self.ty();
            }
            _ => {}
        }
    }

    fn variant_field(&mut self) {
        if self.at(Kind::UpperName) && self.ahead(1) == Kind::OpenParen {
            // The next variant.
            self.is_list_over = true;
        } else if self.at(Kind::UpperName) {
            let hint = format!("a field of a variant has a name: `value: {}`", self.text_ahead(0));
            self.wanted_with("the name of the field", Some(hint));
            self.ty();
        } else {
            self.field("the field");
        }
    }

    /// Skips braces and what is in them.
    fn skip_braces(&mut self) {
        let start = self.start();
        self.bump();
        while !self.at_any(&[Kind::CloseBrace, Kind::End]) {
            self.skip_garbage(|_| false);
            if !self.at(Kind::CloseBrace) {
                self.bump();
            }
        }
        self.eat(Kind::CloseBrace);
        self.finish(start, Kind::Garbage);
    }
}
