//! Items: imports, functions, types, constants and tests.
//!
//! **Invariant:** an item is read to its end or to the beginning of the next one, so a mistake in it hides no other item.

use super::{Marker, Parser};
use crate::code::Code;
use crate::kind::Kind;

impl Parser<'_, '_> {
    /// Reads items to the end of the source.
    pub(super) fn items(&mut self) {
        loop {
            self.skip_newlines();
            if self.at(Kind::End) {
                return;
            }
            let start = self.start();
            self.item();
            if !self.moved(start) {
                self.skip_token();
            }
        }
    }

    /// Reads the parts of an entry of the prompt.
    pub(super) fn entry_parts(&mut self) {
        loop {
            self.skip_newlines();
            if self.eat(Kind::Semicolon) {
                continue;
            }
            if self.at(Kind::End) {
                return;
            }
            let start = self.start();
            if self.at(Kind::Receives) {
                self.receives();
                self.finish(start, Kind::ReceivesEntry);
            } else if self.at_item_start() || (self.at(Kind::Fn) && self.ahead(1) != Kind::OpenParen) {
                self.item();
            } else {
                self.stmt();
                self.end_of_stmt();
            }
            if !self.moved(start) {
                self.skip_token();
            }
        }
    }

    /// Whether an item begins here, and nothing else can.
    pub(super) fn at_item_start(&self) -> bool {
        match self.kind() {
            Kind::Pub | Kind::Type | Kind::Const | Kind::Test | Kind::Use => true,
            Kind::Fn => matches!(self.ahead(1), Kind::LowerName | Kind::UpperName),
            Kind::At => self.ahead(1) == Kind::LowerName,
            Kind::LowerName => self.ahead(1) == Kind::Type && self.text_ahead(0) == "opaque",
            _ => false,
        }
    }

    pub(super) fn item(&mut self) {
        let start = self.start();
        self.is_astray &= !self.at_item_start();
        self.is_arm_told = false;
        self.attributes();
        if self.at_word("public") || self.at_word("export") {
            self.foreign("what other modules may use says `pub`");
            self.bump();
        }
        if self.eat(Kind::Pub) && self.at(Kind::Pub) {
            self.wanted("an item behind `pub`");
            self.bump();
        }
        match self.kind() {
            Kind::Fn => self.fn_item(start),
            Kind::Type => self.type_item(start),
            Kind::LowerName if self.at_item_start() => {
                self.bump();
                self.type_item(start);
            }
            Kind::Const => self.const_item(start),
            Kind::Test => self.test_item(start),
            Kind::Use => self.use_item(start),
            _ => self.no_item(start),
        }
    }

    pub(super) fn attributes(&mut self) {
        while self.at(Kind::At) {
            let start = self.start();
            self.bump();
            self.name(Kind::LowerName, "the attribute's name");
            if self.at(Kind::OpenParen) {
                self.args();
            }
            self.finish(start, Kind::Attribute);
            self.skip_newlines();
        }
    }

    /// Reads what begins no item: a form of another language, a statement, or something to skip.
    fn no_item(&mut self, start: Marker) {
        if self.is_astray {
            // Told once for all that follows up to the next item.
            self.told = Some(self.at);
        }
        let is_named = matches!(self.ahead(1), Kind::LowerName | Kind::UpperName);
        match self.text_ahead(0) {
            "function" | "func" | "fun" | "def" | "async" | "proc" | "sub" if is_named => {
                self.foreign("a function is declared with `fn`");
                return self.fn_item(start);
            }
            "async" if self.ahead(1) == Kind::Fn => {
                self.foreign("every fiber may wait; a function says nothing of it");
                self.bump();
                return self.fn_item(start);
            }
            "struct" | "enum" | "class" | "record" | "interface" | "trait" | "data" | "object" | "union" if is_named => {
                self.foreign("a type is declared as `type Name { .. }`, with fields, variants and methods in it");
                return self.type_item(start);
            }
            "import" | "from" | "include" | "mod" | "module" | "package" | "require" | "using" if is_named => {
                self.foreign("modules are imported with `use`; a file is a module without saying so");
                return self.use_item(start);
            }
            "val" | "static" | "define" if is_named => {
                self.foreign("a constant is declared as `const name = value`");
                return self.const_item(start);
            }
            _ => {}
        }
        match self.kind() {
            Kind::CloseBrace | Kind::CloseParen | Kind::CloseBracket => {
                self.stray_close();
                self.is_astray = true;
            }
            Kind::Semicolon => {
                let report = self.error(Code::Syntax, self.here(), "found `;`, wanted an item").label("nothing ends here");
                self.tell(report.hint("an item ends by itself; leave the `;` out"));
                self.skip_token();
            }
            Kind::Let
            | Kind::Var
            | Kind::For
            | Kind::While
            | Kind::If
            | Kind::Match
            | Kind::Return
            | Kind::Serve
            | Kind::Spawn => {
                let hint = match self.kind() {
                    Kind::Let => "a constant is declared as `const name = value`; statements stand in functions",
                    Kind::Var => "nothing outside of functions changes; a fiber or a `holder` keeps state",
                    _ => "statements stand in functions: `pub fn main() { .. }`",
                };
                let report = self.error(Code::Misplaced, self.here(), format!("found {} outside of functions", self.seen()));
                self.tell(report.label("wanted an item").hint(hint));
                self.is_astray = true;
                self.stmt();
            }
            Kind::LowerName if matches!(self.ahead(1), Kind::OpenParen | Kind::Dot | Kind::Eq) => {
                let hint = "statements stand in functions: `pub fn main() { .. }`";
                let report = self.error(Code::Misplaced, self.here(), "found a statement outside of functions");
                self.tell(report.label("wanted an item").hint(hint));
                self.is_astray = true;
                self.stmt();
            }
            _ => {
                self.wanted("an item: `use`, `fn`, `type`, `const` or `test`");
                self.skip_garbage(|_| false);
            }
        }
    }

    /// Tells that a closing bracket closes nothing, and skips it.
    pub(super) fn stray_close(&mut self) {
        let text = self.text_ahead(0);
        let report = self.error(Code::Unclosed, self.here(), format!("this `{text}` closes nothing"));
        let opening = match text {
            ")" => "(",
            "]" => "[",
            _ => "{",
        };
        self.tell(report.label("no bracket is open").hint(format!("leave it out, or write the missing `{opening}`")));
        self.skip_token();
        // What follows is a consequence.
        self.told = Some(self.at);
    }

    /// Takes a name of this kind, or tells that it is missing; one of the other kind is told and taken.
    pub(super) fn name(&mut self, kind: Kind, what: &str) -> bool {
        if self.eat(kind) {
            return true;
        }
        let other = if kind == Kind::LowerName { Kind::UpperName } else { Kind::LowerName };
        if self.at(other) {
            self.wrong_case(kind, what);
            self.bump();
            return true;
        }
        if self.kind().is_keyword() && self.ahead(1) != Kind::Newline {
            let hint = format!("`{}` is a word of the language; choose another name", self.text_ahead(0));
            self.wanted_with(what, Some(hint));
            self.skip_token();
            return true;
        }
        self.wanted(what);
        false
    }

    fn use_item(&mut self, start: Marker) {
        self.bump();
        loop {
            let import = self.start();
            self.import();
            if self.moved(import) {
                self.finish(import, Kind::Import);
            }
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.finish(start, Kind::UseItem);
        self.end_of_item_line("the import");
    }

    fn import(&mut self) {
        if !self.name(Kind::LowerName, "the name of a module") {
            return;
        }
        loop {
            if self.at(Kind::Colon) && self.ahead(1) == Kind::Colon {
                self.foreign("the parts of a module's path are joined by `.`");
                self.bump();
                self.bump();
            } else if self.at(Kind::Slash) {
                self.foreign("the parts of a module's path are joined by `.`");
                self.bump();
            } else if !self.eat(Kind::Dot) {
                break;
            }
            match self.kind() {
                Kind::OpenBrace => {
                    self.import_names();
                    break;
                }
                Kind::UpperName => {
                    let hint = format!("names are imported in braces: `.{{{}}}`", self.text_ahead(0));
                    self.wanted_with("the name of a module, or names in braces", Some(hint));
                    self.skip_token();
                }
                Kind::Star => {
                    let report = self.error(Code::Foreign, self.here(), "there is no import of everything");
                    self.tell(report.label("wanted names in braces").hint("name what is used: `use kv.store.{Msg, f}`"));
                    self.skip_token();
                }
                _ => {
                    if !self.name(Kind::LowerName, "the name of a module") {
                        break;
                    }
                }
            }
        }
        if self.eat(Kind::As) {
            self.name(Kind::LowerName, "the name that the module gets");
        }
    }

    fn import_names(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.bump();
        self.list(open, Kind::CloseBrace, "the imported names", |parser| {
            if !parser.eat(Kind::UpperName) && !parser.eat(Kind::LowerName) {
                parser.wanted("a name to import");
            }
        });
        self.finish(start, Kind::ImportNames);
    }

    /// Goes to the end of the line behind an item without a body.
    pub(super) fn end_of_item_line(&mut self, what: &str) {
        if matches!(self.kind(), Kind::Newline | Kind::End) || self.at_item_start() {
            return;
        }
        if self.eat(Kind::Semicolon) {
            return;
        }
        if self.at(Kind::CloseBrace) {
            return;
        }
        self.wanted(&format!("the end of {what}"));
        self.skip_garbage(|_| false);
    }

    fn const_item(&mut self, start: Marker) {
        self.bump();
        self.name(Kind::LowerName, "the constant's name");
        self.type_annotation();
        self.equals_value("the constant's value");
        self.finish(start, Kind::ConstItem);
        self.end_of_item_line("the constant");
    }

    /// Reads `: Type`, if it is there.
    pub(super) fn type_annotation(&mut self) {
        if self.at(Kind::Colon) && self.ahead(1) == Kind::Eq && self.is_joint(1) {
            self.foreign("a value is given with `=`");
            self.bump();
        } else if self.eat(Kind::Colon) {
            self.ty();
        }
    }

    /// Reads `= value`.
    pub(super) fn equals_value(&mut self, what: &str) {
        if self.at(Kind::EqEq) {
            self.foreign("a value is given with `=`");
            self.bump();
        } else if self.at(Kind::Newline) && self.ahead(1) == Kind::Eq {
            self.wanted(&format!("`=` and {what}"));
            self.bump();
            self.bump();
        } else if !self.eat(Kind::Eq) {
            return self.wanted(&format!("`=` and {what}"));
        }
        self.expr(what);
    }

    fn test_item(&mut self, start: Marker) {
        self.bump();
        match self.kind() {
            Kind::TextOpen | Kind::RawText => {
                let _ = self.literal();
            }
            _ => {
                self.wanted_with("the test's title, a text", Some("a test is written `test \"title\" { .. }`".to_owned()));
                if self.at(Kind::LowerName) {
                    self.skip_token();
                }
            }
        }
        if self.at(Kind::OpenParen) {
            self.params();
        }
        self.receives();
        self.body("the test's body");
        self.finish(start, Kind::TestItem);
    }

    fn fn_item(&mut self, start: Marker) {
        self.function();
        self.finish(start, Kind::FnItem);
    }

    /// Reads a function from `fn` on.
    pub(super) fn function(&mut self) {
        self.bump();
        self.name(Kind::LowerName, "the function's name");
        self.generics();
        if self.at(Kind::OpenParen) {
            self.params();
        } else {
            self.wanted("`(` and the parameters");
        }
        self.result();
        self.receives();
        self.body("the function's body");
    }

    /// Reads a body in braces; on the next line too, which is told.
    pub(super) fn body(&mut self, what: &str) {
        if self.at(Kind::Newline) && self.ahead(1) == Kind::OpenBrace {
            let hint = "the opening brace stands in the same line";
            self.wanted_with(&format!("`{{` and {what}"), Some(hint.to_owned()));
            self.bump();
        }
        if self.at(Kind::OpenBrace) {
            return self.block();
        }
        if self.at_any(&[Kind::Eq, Kind::FatArrow, Kind::Colon]) {
            let hint = format!("{what} stands in braces");
            self.wanted_with(&format!("`{{` and {what}"), Some(hint));
        } else {
            self.wanted(&format!("`{{` and {what}"));
        }
        if self.goes_on_without_brace() {
            return self.block();
        }
        // Something between the head and its body.
        self.skip_garbage(|kind| kind == Kind::OpenBrace);
        if self.at(Kind::OpenBrace) {
            self.block();
        }
    }

    /// Whether what should stand in braces begins without the opening one: in the next line, but not at its margin, or here
    /// when no brace follows in the line.
    pub(super) fn goes_on_without_brace(&self) -> bool {
        const TOKENS_MAX: u32 = 64;
        if self.at(Kind::Newline) {
            let start = self.token_ahead(1).map_or(0, |token| token.span.start as usize);
            let is_indented = start.checked_sub(1).and_then(|at| self.source.as_bytes().get(at)) != Some(&b'\n');
            return is_indented
                && !matches!(self.ahead(1), Kind::End | Kind::CloseBrace | Kind::CloseParen | Kind::CloseBracket);
        }
        if !self.begins_element() && !matches!(self.kind(), Kind::Return | Kind::Break | Kind::Continue | Kind::Spawn) {
            return false;
        }
        let ends = |kind| matches!(kind, Kind::Newline | Kind::End | Kind::OpenBrace | Kind::CloseBrace);
        let end = (0..TOKENS_MAX).map(|ahead| self.ahead(ahead)).find(|kind| ends(*kind));
        end == Some(Kind::CloseBrace)
    }

    pub(super) fn generics(&mut self) {
        if self.at(Kind::OpenBracket) {
            self.wanted_with("`(` and the parameters", Some("type parameters stand between `<` and `>`".to_owned()));
            return self.skip_garbage(|kind| matches!(kind, Kind::OpenParen | Kind::OpenBrace));
        }
        if !self.at(Kind::Less) {
            return;
        }
        let (start, open) = (self.start(), self.here());
        self.bump();
        self.list(open, Kind::Greater, "the type parameters", |parser| {
            let start = parser.start();
            parser.name(Kind::UpperName, "the name of a type parameter");
            if parser.eat(Kind::Colon) {
                parser.name(Kind::UpperName, "a constraint: `Eq`, `Ord` or `Key`");
                if parser.at(Kind::Plus) {
                    parser.wanted_with(
                        "`,` or `>`",
                        Some("one constraint is enough: `Key` and `Ord` include `Eq`".to_owned()),
                    );
                    parser.skip_garbage(|kind| matches!(kind, Kind::Comma | Kind::Greater));
                }
            }
            if parser.moved(start) {
                parser.finish(start, Kind::Generic);
            }
        });
        self.finish(start, Kind::Generics);
    }

    fn params(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.bump();
        self.list(open, Kind::CloseParen, "the parameters", |parser| {
            let start = parser.start();
            if parser.eat(Kind::SelfWord) {
                if parser.at(Kind::Colon) {
                    parser.wanted_with(
                        "`,` or `)`",
                        Some("`self` is of the type around the method; leave its type out".to_owned()),
                    );
                    parser.bump();
                    parser.ty();
                }
                parser.finish(start, Kind::SelfParam);
            } else {
                parser.field("the parameter");
                if parser.moved(start) {
                    parser.finish(start, Kind::Param);
                }
            }
        });
        self.finish(start, Kind::Params);
    }

    /// Reads `name: Type = default`.
    pub(super) fn field(&mut self, what: &str) {
        if self.at(Kind::And) || self.at_word("mut") {
            self.foreign("values are handed over as they are; there are no references");
            self.bump();
        }
        if !self.name(Kind::LowerName, &format!("the name of {what}")) {
            return;
        }
        if self.eat(Kind::Colon) {
            self.ty();
        } else {
            let name = self.source.get(self.before().range()).unwrap_or("");
            let mut hint = format!("a signature says each type: `{name}: Type`");
            if what == "the field" && self.at_any(&[Kind::Comma, Kind::CloseBrace, Kind::Newline, Kind::OpenParen]) {
                hint = format!("a field says its type: `{name}: Type`; the name of a variant begins with a capital");
            }
            self.wanted_with(&format!("`:` and the type of {what}"), Some(hint));
            if self.at_type_start() {
                self.ty();
            }
        }
        if self.eat(Kind::Eq) {
            self.expr("a default");
        }
    }
}
