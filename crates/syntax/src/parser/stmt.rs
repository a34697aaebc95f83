//! Statements, blocks, conditions and arms.
//!
//! **Invariant:** a block ends at its brace, at an item that cannot stand in it, or at the source's end.

use super::{Marker, Parser};
use crate::code::Code;
use crate::kind::Kind;

impl Parser<'_, '_> {
    /// Reads a block from its brace on.
    pub(super) fn block(&mut self) {
        self.nested(Self::one_block);
    }

    fn one_block(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.eat(Kind::OpenBrace);
        loop {
            while self.eat(Kind::Newline) || self.eat(Kind::Semicolon) {}
            match self.kind() {
                Kind::CloseBrace | Kind::End | Kind::ValueClose | Kind::TextClose => break,
                _ if self.at_outer_close() => break,
                Kind::CloseParen | Kind::CloseBracket => self.stray_close(),
                _ if self.at_item_start() && self.at_margin() => break,
                _ if self.at_item_start() => self.inner_item(),
                _ => {
                    let stmt = self.start();
                    self.stmt();
                    if !self.moved(stmt) {
                        self.skip_garbage(|_| false);
                    }
                    if !self.moved(stmt) {
                        self.skip_token();
                    }
                    self.end_of_stmt();
                }
            }
        }
        self.close(open, Kind::CloseBrace, "the block");
        self.finish(start, Kind::Block);
    }

    /// Tells of an item inside of a block, and reads it.
    fn inner_item(&mut self) {
        let hint = match self.kind() {
            Kind::Fn => "declare it outside, or give a closure a name: `let f = fn(x) { .. }`",
            Kind::Const => "a value in a function gets its name with `let`",
            _ => "declare it outside of the function",
        };
        let report = self.error(Code::Misplaced, self.here(), format!("found {} inside of a block", self.seen()));
        self.tell(report.label("no item may stand here").hint(hint));
        let start = self.start();
        self.item();
        self.finish(start, Kind::Garbage);
    }

    /// Goes to the end of a statement.
    pub(super) fn end_of_stmt(&mut self) {
        if matches!(self.kind(), Kind::Newline | Kind::Semicolon | Kind::CloseBrace | Kind::End) {
            return;
        }
        if self.at_outer_close() || self.at_lost_line_end() {
            return;
        }
        if matches!(self.kind(), Kind::CloseParen | Kind::CloseBracket) {
            return self.stray_close();
        }
        if self.cut == Some(self.at) {
            return;
        }
        if self.told == Some(self.at) {
            return self.skip_garbage(|_| false);
        }
        if self.at(Kind::Arrow) {
            if !std::mem::replace(&mut self.is_arm_told, true) {
                let hint = "an arm stands in the braces of a `match`; a brace may be missing before it";
                self.wanted_with("the end of the statement", Some(hint.to_owned()));
            }
            return self.skip_garbage(|_| false);
        }
        let is_stmt = matches!(
            self.kind(),
            Kind::Let | Kind::Var | Kind::For | Kind::While | Kind::Return | Kind::Break | Kind::Continue | Kind::Serve
        );
        self.wanted("the end of the statement");
        if !is_stmt {
            self.skip_garbage(|_| false);
        }
    }

    /// Reads a statement.
    pub(super) fn stmt(&mut self) {
        let start = self.start();
        match self.kind() {
            Kind::Let => self.let_stmt(start),
            Kind::Var => self.var_stmt(start),
            Kind::Const => {
                self.foreign("a value gets its name with `let`");
                self.let_stmt(start);
            }
            _ => self.simple(),
        }
    }

    fn let_stmt(&mut self, start: Marker) {
        self.bump();
        if self.at_word("mut") && self.ahead(1) == Kind::LowerName {
            self.let_mut();
        }
        self.pat("a name or pattern");
        self.type_annotation();
        self.equals_value("the value");
        if self.eat(Kind::Else) {
            self.body("what is done when the pattern does not match");
        }
        self.finish(start, Kind::LetStmt);
    }

    fn let_mut(&mut self) {
        let report = self.error(Code::Foreign, self.before().to(self.here()), "found `let mut`, wanted `var`");
        let hint = format!("what changes is declared with `var`: `var {} = ..`", self.text_ahead(1));
        self.tell(report.label("not written so here").hint(hint));
        self.bump();
    }

    fn var_stmt(&mut self, start: Marker) {
        self.bump();
        if self.at_any(&[Kind::OpenParen, Kind::UpperName, Kind::OpenBracket]) {
            let hint = "`var` has one name; take the value apart with `let`, and copy what changes";
            self.wanted_with("a name", Some(hint.to_owned()));
            self.pat("a name");
        } else {
            self.name(Kind::LowerName, "a name");
        }
        self.type_annotation();
        self.equals_value("the value");
        self.finish(start, Kind::VarStmt);
    }

    /// Reads a statement that can stand in an arm.
    fn simple(&mut self) {
        let start = self.start();
        match self.kind() {
            Kind::For => {
                self.bump();
                self.for_head();
                self.body("the loop's body");
                self.finish(start, Kind::ForStmt);
            }
            Kind::While => {
                self.bump();
                self.cond();
                self.body("the loop's body");
                self.finish(start, Kind::WhileStmt);
            }
            Kind::Return => {
                self.bump();
                if !self.at_end_of_simple() {
                    self.expr("the result");
                }
                self.finish(start, Kind::ReturnStmt);
            }
            Kind::Break | Kind::Continue => {
                let kind = if self.at(Kind::Break) { Kind::BreakStmt } else { Kind::ContinueStmt };
                self.bump();
                self.finish(start, kind);
            }
            Kind::Serve => {
                self.bump();
                self.name(Kind::LowerName, "the name of the state");
                self.type_annotation();
                self.equals_value("the first state");
                self.arms("the arms");
                self.finish(start, Kind::ServeStmt);
            }
            Kind::LowerName if self.text_ahead(0) == "loop" && self.ahead(1) == Kind::OpenBrace => {
                self.foreign("a loop without end is written `while true { .. }`");
                self.bump();
                self.block();
                self.finish(start, Kind::Garbage);
            }
            _ => self.expr_stmt(start),
        }
    }

    fn for_head(&mut self) {
        let in_parens = self.at(Kind::OpenParen) && self.ahead(1) == Kind::Var;
        if in_parens || self.at_any(&[Kind::Let, Kind::Var]) {
            self.foreign("a loop is written `for i in 0..n { .. }` or `while condition { .. }`");
            return self.skip_garbage(|kind| kind == Kind::OpenBrace);
        }
        self.pat("a name or pattern");
        if self.at(Kind::Colon) || self.at_word("of") || self.at(Kind::Eq) {
            self.wanted_with("`in`", Some("a loop is written `for x in list { .. }`".to_owned()));
            self.bump();
        } else {
            self.expect(Kind::In);
        }
        self.expr("what is looped over");
    }

    /// Whether nothing more of a statement can follow.
    fn at_end_of_simple(&self) -> bool {
        matches!(
            self.kind(),
            Kind::Newline
                | Kind::Semicolon
                | Kind::CloseBrace
                | Kind::CloseParen
                | Kind::CloseBracket
                | Kind::ValueClose
                | Kind::Comma
                | Kind::End
        )
    }

    fn expr_stmt(&mut self, start: Marker) {
        self.expr("a statement");
        if !self.moved(start) {
            return;
        }
        let is_assign =
            matches!(self.kind(), Kind::Eq | Kind::PlusEq | Kind::MinusEq | Kind::StarEq | Kind::SlashEq | Kind::PercentEq);
        if is_assign {
            self.bump();
            self.expr("the value");
            return self.finish(start, Kind::AssignStmt);
        }
        if self.at(Kind::Colon) && self.ahead(1) == Kind::Eq && self.is_joint(1) {
            self.foreign("a value gets a name with `let name = value`");
            self.bump();
            self.bump();
            self.expr("the value");
            return self.finish(start, Kind::AssignStmt);
        }
        self.step();
        self.finish(start, Kind::ExprStmt);
    }

    /// Tells of `++` and `--` behind a value.
    fn step(&mut self) {
        for (sign, text) in [(Kind::Plus, "+"), (Kind::Minus, "-")] {
            if self.at(sign) && self.ahead(1) == sign && self.is_joint(1) {
                self.foreign(&format!("there is no `{text}{text}`: write `{text}= 1`"));
                self.skip_token();
                self.skip_token();
                // A line that ends so goes on in the next one, but was not meant to.
                self.cut = Some(self.at);
            }
        }
    }

    /// Reads a condition.
    pub(super) fn cond(&mut self) {
        if self.at(Kind::Let) {
            let start = self.start();
            self.bump();
            self.pat("a pattern");
            if self.at(Kind::EqEq) {
                self.wanted("`=`");
                self.bump();
            } else {
                self.expect(Kind::Eq);
            }
            self.expr("the value to look at");
            self.finish(start, Kind::LetCond);
            if self.at(Kind::AndAnd) {
                self.wanted_with(
                    "`{`",
                    Some("`if let` takes one pattern; put the further condition into the block".to_owned()),
                );
                self.bump();
                self.nested(Self::cond);
            }
            return;
        }
        let start = self.start();
        self.expr("a condition");
        if self.at(Kind::Eq) {
            let report = self.error(Code::Syntax, self.here(), "found `=` in a condition, wanted `==`");
            self.tell(report.label("this gives a value").hint("`==` compares"));
            self.bump();
            self.expr("what is compared with");
            self.finish(start, Kind::BinaryExpr);
        }
    }

    /// Reads arms in braces.
    pub(super) fn arms(&mut self, what: &str) {
        if self.at(Kind::Newline) && self.ahead(1) == Kind::OpenBrace {
            let hint = "the opening brace stands in the same line";
            self.wanted_with(&format!("`{{` and {what}"), Some(hint.to_owned()));
            self.bump();
        }
        if !self.at(Kind::OpenBrace) {
            self.wanted(&format!("`{{` and {what}"));
            if !self.goes_on_without_brace() {
                self.skip_garbage(|kind| kind == Kind::OpenBrace);
                if !self.at(Kind::OpenBrace) {
                    return;
                }
            }
        }
        self.nested(Self::arms_in_braces);
    }

    fn arms_in_braces(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.eat(Kind::OpenBrace);
        loop {
            while self.eat(Kind::Newline) {}
            let is_over = matches!(self.kind(), Kind::CloseBrace | Kind::End | Kind::ValueClose | Kind::TextClose);
            if is_over || self.at_outer_close() || (self.at_item_start() && self.at_margin()) {
                break;
            }
            let arm = self.start();
            if self.at(Kind::After) {
                self.after_arm();
            } else {
                self.arm();
            }
            if !self.moved(arm) {
                self.skip_token();
            }
            self.end_of_arm();
        }
        self.close(open, Kind::CloseBrace, "the arms");
        self.finish(start, Kind::Arms);
    }

    fn after_arm(&mut self) {
        let start = self.start();
        self.bump();
        self.expr("how long to wait");
        self.arm_body();
        self.finish(start, Kind::AfterArm);
    }

    fn arm(&mut self) {
        let start = self.start();
        if (self.at_word("case") && self.ahead(1) != Kind::Arrow) || (self.at(Kind::Or) && self.ahead(1) != Kind::Newline) {
            self.foreign("an arm is written `pattern -> result`");
            self.skip_token();
        }
        if self.at(Kind::Else) {
            self.foreign("the arm for all else is written `_ -> ..`");
            let pat = self.start();
            self.bump();
            self.finish(pat, Kind::AnyPat);
        } else {
            self.pat("a pattern");
        }
        if self.at(Kind::If) {
            let guard = self.start();
            self.bump();
            self.expr("a condition");
            self.finish(guard, Kind::Guard);
        }
        if !self.moved(start) {
            self.skip_garbage(|kind| kind == Kind::Comma);
        } else {
            self.arm_body();
        }
        self.finish(start, Kind::Arm);
    }

    fn arm_body(&mut self) {
        if self.at_any(&[Kind::FatArrow, Kind::Colon, Kind::Eq]) {
            let seen = self.seen();
            let report = self.error(Code::Syntax, self.here(), format!("found {seen}, wanted `->`"));
            self.tell(report.label("wanted `->`").hint("an arm is written `pattern -> result`"));
            self.bump();
        } else if !self.eat(Kind::Arrow) {
            self.wanted_with("`->` and what is done", Some("an arm is written `pattern -> result`".to_owned()));
            if !self.at(Kind::OpenBrace) {
                return self.skip_garbage(|kind| kind == Kind::Comma);
            }
        }
        self.skip_newlines_before(&[Kind::OpenBrace]);
        self.arm_stmt();
    }

    /// Reads the statement of an arm; one that needs a block is told.
    fn arm_stmt(&mut self) {
        if self.at_any(&[Kind::Let, Kind::Var]) {
            let hint = "put it into a block: `-> { .. }`";
            self.wanted_with("an expression or statement without a name", Some(hint.to_owned()));
            return self.stmt();
        }
        if self.at_end_of_simple() {
            let hint = "an arm that does nothing is written `-> {}`";
            return self.wanted_with("what is done", Some(hint.to_owned()));
        }
        self.nested(Self::simple);
    }

    fn end_of_arm(&mut self) {
        match self.kind() {
            Kind::Comma => self.bump(),
            Kind::Newline | Kind::CloseBrace | Kind::End => {}
            _ if self.at_outer_close() || self.at_lost_line_end() => {}
            Kind::Semicolon => {
                let hint = "arms are separated by `,` or by line ends; several statements stand in a block: `-> { a; b }`";
                self.wanted_with("`,` or the end of the line", Some(hint.to_owned()));
                self.skip_token();
            }
            Kind::CloseParen | Kind::CloseBracket => self.stray_close(),
            // Told as an arm; the line before goes on because of it.
            Kind::Else if matches!(self.ahead(1), Kind::Arrow | Kind::FatArrow) => {}
            _ => {
                self.wanted("`,` or the end of the line");
                self.skip_garbage(|kind| kind == Kind::Comma);
                self.eat(Kind::Comma);
            }
        }
    }
}
