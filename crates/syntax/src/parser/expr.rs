//! Expressions: operators by their binding power, and what stands between them.
//!
//! **Invariant:** an expression ends before the first token that belongs to none; a line that begins with `(`, `[` or `-` never
//! goes on with the one before it.

use super::{Marker, NESTING_MAX, Parser};
use crate::code::Code;
use crate::kind::Kind;

/// How strong an operator binds, from weak to strong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Power {
    Or,
    And,
    Compare,
    Range,
    Sum,
    Product,
}

impl Power {
    /// The power that operators of the right operand need at least.
    fn above(self) -> Option<Power> {
        match self {
            Power::Or => Some(Power::And),
            Power::And => Some(Power::Compare),
            Power::Compare => Some(Power::Range),
            Power::Range => Some(Power::Sum),
            Power::Sum => Some(Power::Product),
            Power::Product => None,
        }
    }
}

impl Parser<'_, '_> {
    /// Reads an expression, or tells that `what` is missing.
    pub(super) fn expr(&mut self, what: &str) {
        let around = std::mem::take(&mut self.height);
        self.binary(Some(Power::Or), what);
        self.height = around.max(self.height);
    }

    /// The operator at the current token: its power and the number of its tokens.
    fn operator(&self) -> Option<(Power, u32)> {
        Some(match self.kind() {
            Kind::OrOr => (Power::Or, 1),
            Kind::AndAnd => (Power::And, 1),
            Kind::EqEq | Kind::BangEq | Kind::Less | Kind::LessEq | Kind::GreaterEq => (Power::Compare, 1),
            Kind::Greater => match (self.ahead(1), self.ahead(2)) {
                (Kind::Greater, Kind::Greater) if self.is_joint(1) && self.is_joint(2) => (Power::Product, 3),
                (Kind::Greater, _) if self.is_joint(1) => (Power::Product, 2),
                _ => (Power::Compare, 1),
            },
            Kind::DotDot | Kind::DotDotEq => (Power::Range, 1),
            Kind::Plus if self.ahead(1) == Kind::Plus && self.is_joint(1) => return None,
            Kind::Plus | Kind::Minus | Kind::PlusPercent | Kind::MinusPercent | Kind::Or | Kind::Caret => (Power::Sum, 1),
            Kind::Star | Kind::Slash | Kind::Percent | Kind::StarPercent | Kind::ShiftLeft | Kind::And => {
                (Power::Product, 1)
            }
            Kind::LowerName if self.text_ahead(0) == "and" => (Power::And, 1),
            Kind::LowerName if self.text_ahead(0) == "or" => (Power::Or, 1),
            _ => return None,
        })
    }

    /// Reads operands and the operators between them that bind at least as strong as `least`; a single operand for none.
    fn binary(&mut self, least: Option<Power>, what: &str) {
        let start = self.start();
        self.unary(what);
        let Some(least) = least else { return };
        let mut chained = None;
        while self.moved(start)
            && let Some((power, tokens)) = self.operator()
            && power >= least
        {
            if matches!(power, Power::Compare | Power::Range) && chained == Some(power) {
                self.chained(power);
            }
            chained = Some(power);
            if self.at(Kind::LowerName) {
                self.foreign(if power == Power::And { "write `&&`" } else { "write `||`" });
            }
            if self.at_step() || (power == Power::And && self.ahead(1) == Kind::Let) {
                return;
            }
            (0..tokens).for_each(|_| self.bump());
            let left = std::mem::take(&mut self.height);
            self.right_operand(power);
            self.height = left.max(self.height);
            self.finish(start, Kind::BinaryExpr);
            if !self.grow() {
                return;
            }
        }
    }

    /// Reads what stands behind an operator, a level deeper, as further operators there bind stronger and nest.
    fn right_operand(&mut self, power: Power) {
        if self.nesting >= NESTING_MAX {
            return self.too_deep("nested", NESTING_MAX);
        }
        self.nesting += 1;
        self.binary(power.above(), "an operand");
        self.nesting -= 1;
    }

    /// Whether `--` stands at the end of a line, where no operand can follow.
    fn at_step(&self) -> bool {
        let is_twice = self.at(Kind::Minus) && self.ahead(1) == Kind::Minus && self.is_joint(1);
        is_twice && !self.is_joint(2) && matches!(self.ahead(2), Kind::CloseBrace | Kind::End | Kind::Semicolon)
    }

    fn chained(&mut self, power: Power) {
        let (what, hint) = if power == Power::Compare && self.at(Kind::Greater) && self.before_is(Kind::UpperName) {
            ("there are no type arguments in expressions", "a `let` says what cannot be known: `let x: List<Int> = []`")
        } else if power == Power::Compare {
            ("comparisons are not chained", "compare twice: `a < b && b < c`")
        } else {
            ("ranges are not chained", "a range has two ends: `a..b`")
        };
        let report = self.error(Code::Chained, self.here(), what);
        self.tell(report.label("the second one").hint(hint));
    }

    fn unary(&mut self, what: &str) {
        match self.kind() {
            Kind::Minus | Kind::Bang | Kind::Tilde => {
                let start = self.start();
                self.bump();
                self.nested(|parser| parser.unary("an operand"));
                self.finish(start, Kind::UnaryExpr);
            }
            Kind::LowerName if self.text_ahead(0) == "not" && self.begins_operand(1) => {
                self.foreign("write `!`");
                let start = self.start();
                self.bump();
                self.nested(|parser| parser.unary("an operand"));
                self.finish(start, Kind::UnaryExpr);
            }
            Kind::Plus if !self.before_is(Kind::Newline) => {
                self.wanted_with(what, Some("a number needs no `+` before it".to_owned()));
                self.skip_token();
                self.nested(|parser| parser.unary(what));
            }
            _ if self.before_is(Kind::Newline) && self.operator().is_some() => {
                let hint = format!("a line goes on when it ends in an operator: move the `{}` up", self.text_ahead(0));
                self.wanted_with(what, Some(hint));
                self.skip_token();
                self.nested(|parser| parser.unary(what));
            }
            Kind::And | Kind::Star => {
                let is_power = self.at(Kind::Star) && self.before_is(Kind::Star);
                self.foreign(if is_power {
                    "to the power is a method: `n.pow(2)`"
                } else {
                    "there are no references; leave the sign out"
                });
                self.skip_token();
                self.nested(|parser| parser.unary(what));
            }
            _ => self.postfix(what),
        }
    }

    /// Whether the token `ahead` begins an operand and nothing else.
    fn begins_operand(&self, ahead: u32) -> bool {
        matches!(
            self.ahead(ahead),
            Kind::LowerName
                | Kind::UpperName
                | Kind::True
                | Kind::False
                | Kind::SelfWord
                | Kind::Me
                | Kind::Int
                | Kind::TextOpen
        )
    }

    fn postfix(&mut self, what: &str) {
        let start = self.start();
        self.primary(what);
        while self.moved(start) {
            match self.kind() {
                Kind::Dot => self.member(start),
                Kind::OpenParen => {
                    self.args();
                    self.finish(start, Kind::CallExpr);
                }
                Kind::OpenBracket => self.index(start),
                Kind::Question => {
                    self.bump();
                    self.finish(start, Kind::TryExpr);
                }
                Kind::Colon if self.ahead(1) == Kind::Colon && self.is_joint(1) => {
                    self.foreign("parts of a path are joined by `.`");
                    self.bump();
                    self.member(start);
                }
                Kind::OpenBrace if self.at_braced_constructor() => self.braced_constructor(start),
                _ => return,
            }
            if !self.grow() {
                return;
            }
        }
    }

    /// Reads a dot and what stands behind it.
    fn member(&mut self, start: Marker) {
        self.bump();
        match self.kind() {
            Kind::LowerName | Kind::UpperName => {
                self.bump();
                self.finish(start, Kind::MemberExpr);
            }
            Kind::Int => {
                self.bump();
                self.finish(start, Kind::PositionExpr);
            }
            kind if kind.is_keyword() => {
                let hint = format!("`{}` is a word of the language and no name", self.text_ahead(0));
                self.wanted_with("a name behind `.`", Some(hint));
                self.bump();
                self.finish(start, Kind::MemberExpr);
            }
            _ => {
                self.wanted_with("a name or number behind `.`", None);
                self.finish(start, Kind::MemberExpr);
            }
        }
    }

    fn index(&mut self, start: Marker) {
        let open = self.here();
        self.bump();
        self.nested(|parser| parser.expr("where to look"));
        if self.at(Kind::Colon) {
            self.foreign("a part is taken by a method: `xs.slice(from, to)`");
            self.skip_garbage(|_| false);
        }
        self.close_index(open);
        self.finish(start, Kind::IndexExpr);
    }

    fn close_index(&mut self, open: crate::ast::Span) {
        if !self.at(Kind::CloseBracket) && !self.ends_list() {
            self.wanted("`]`");
            self.skip_garbage(|_| false);
        }
        self.close(open, Kind::CloseBracket, "the index");
    }

    /// Whether a brace follows a type's name, and a field's name stands in it.
    fn at_braced_constructor(&self) -> bool {
        let fields = self.ahead(1) == Kind::LowerName && self.ahead(2) == Kind::Colon && self.ahead(3) != Kind::Colon;
        (fields || self.ahead(1) == Kind::DotDot) && self.before_is(Kind::UpperName)
    }

    fn braced_constructor(&mut self, start: Marker) {
        self.foreign("a value is built with parentheses: `Point(x: 1.0)`");
        let (args, open) = (self.start(), self.here());
        self.bump();
        self.nested(|parser| parser.list(open, Kind::CloseBrace, "the fields", Self::arg));
        self.finish(args, Kind::Args);
        self.finish(start, Kind::CallExpr);
    }

    /// Reads arguments in parentheses.
    pub(super) fn args(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.bump();
        self.nested(|parser| parser.list(open, Kind::CloseParen, "the arguments", Self::arg));
        self.finish(start, Kind::Args);
    }

    fn arg(&mut self) {
        let start = self.start();
        if self.eat(Kind::DotDot) {
            self.expr("the value whose fields are taken");
            return self.finish(start, Kind::Arg);
        }
        if self.at_any(&[Kind::LowerName, Kind::UpperName]) && self.ahead(1) == Kind::Eq {
            let name = self.text_ahead(0).to_owned();
            self.bump();
            self.wanted_with("`,` or `)`", Some(format!("an argument is named as `{name}: value`")));
            self.bump();
        } else if self.at(Kind::LowerName) && self.ahead(1) == Kind::Colon && self.ahead(2) != Kind::Colon {
            self.bump();
            self.bump();
        }
        if self.at(Kind::Underscore) {
            self.bump();
            if !matches!(self.kind(), Kind::Comma | Kind::CloseParen | Kind::Newline | Kind::End) {
                let hint = "`_` stands alone; a larger expression is a closure: `fn(x) { x + 1 }`";
                self.wanted_with("`,` or `)` behind `_`", Some(hint.to_owned()));
                self.skip_garbage(|kind| kind == Kind::Comma);
            }
        } else {
            self.expr("an argument");
        }
        if self.moved(start) {
            self.finish(start, Kind::Arg);
        }
    }

    /// Reads a literal; false when there is none.
    pub(super) fn literal(&mut self) -> bool {
        let start = self.start();
        match self.kind() {
            Kind::Int
            | Kind::Float
            | Kind::Duration
            | Kind::BadNumber
            | Kind::Char
            | Kind::RawText
            | Kind::Bytes
            | Kind::True
            | Kind::False => {
                self.bump();
                self.finish(start, Kind::Literal);
            }
            Kind::TextOpen => self.nested(Self::text),
            _ => return false,
        }
        true
    }

    fn text(&mut self) {
        let start = self.start();
        self.bump();
        loop {
            match self.kind() {
                Kind::TextPiece => self.bump(),
                Kind::ValueOpen => self.text_value(),
                Kind::TextClose => {
                    self.bump();
                    break;
                }
                // The lexer told that it does not end.
                _ => break,
            }
        }
        self.finish(start, Kind::Text);
    }

    fn text_value(&mut self) {
        let start = self.start();
        self.bump();
        if self.at(Kind::ValueClose) {
            self.wanted_with("a value in `${}`", Some("a dollar sign before a brace is written `\\${`".to_owned()));
        } else {
            self.expr("a value in `${}`");
        }
        let is_cut = matches!(self.kind(), Kind::Newline | Kind::End);
        if !is_cut && !self.at(Kind::ValueClose) {
            self.wanted("`}` behind the value");
            self.skip_to_value_close();
        }
        self.eat(Kind::ValueClose);
        self.finish(start, Kind::TextValue);
    }

    fn skip_to_value_close(&mut self) {
        loop {
            let start = self.start();
            self.skip_garbage(|_| false);
            if matches!(self.kind(), Kind::ValueClose | Kind::Newline | Kind::End | Kind::TextClose) {
                return;
            }
            if !self.moved(start) {
                self.skip_token();
            }
        }
    }

    fn primary(&mut self, what: &str) {
        let start = self.start();
        match self.kind() {
            Kind::LowerName => {
                if super::null(self.text_ahead(0)) && self.ahead(1) != Kind::OpenParen && self.ahead(1) != Kind::Dot {
                    self.foreign("there is no null: what may be missing is an `Option`, `Some(value)` or `None`");
                    return self.skip_token();
                }
                if self.text_ahead(0) == "new" && self.ahead(1) == Kind::UpperName {
                    self.foreign("a value is built by its type's name: `Point(x, y)`");
                    self.bump();
                    return self.primary(what);
                }
                self.single(start, Kind::NameExpr);
            }
            Kind::UpperName => self.single(start, Kind::UpperExpr),
            Kind::SelfWord => self.single(start, Kind::SelfExpr),
            Kind::Me => self.single(start, Kind::MeExpr),
            Kind::Underscore => {
                let hint = "`_` stands alone in the parentheses of a call, or in a pattern";
                self.wanted_with(what, Some(hint.to_owned()));
                self.single(start, Kind::HoleExpr);
            }
            Kind::OpenParen => {
                let open = self.here();
                self.bump();
                self.nested(|parser| {
                    parser.list(open, Kind::CloseParen, "the parentheses", |parser| parser.expr("an expression"));
                });
                self.finish(start, Kind::ParenExpr);
            }
            Kind::OpenBracket => self.nested(Self::list_or_map),
            Kind::OpenBrace => {
                self.block();
                self.finish(start, Kind::BlockExpr);
            }
            Kind::If => self.nested(Self::if_expr),
            Kind::Match => self.nested(Self::match_expr),
            Kind::Receive | Kind::Select => {
                let kind = if self.at(Kind::Receive) { Kind::ReceiveExpr } else { Kind::SelectExpr };
                self.bump();
                self.arms("the arms");
                self.finish(start, kind);
            }
            Kind::Fn => self.closure(start),
            Kind::Spawn => self.spawn(start),
            _ => {
                if !self.literal() {
                    self.no_primary(what);
                }
            }
        }
    }

    fn single(&mut self, start: Marker, kind: Kind) {
        self.bump();
        self.finish(start, kind);
    }

    /// Tells of what begins no expression.
    fn no_primary(&mut self, what: &str) {
        match self.kind() {
            Kind::Or | Kind::OrOr => {
                self.foreign("a closure is written `fn(x) { .. }`");
                self.skip_garbage(|kind| matches!(kind, Kind::OpenBrace | Kind::Comma));
                if self.at(Kind::OpenBrace) {
                    self.primary(what);
                }
            }
            Kind::Dot if self.ahead(1) == Kind::Int => {
                self.wanted_with(
                    what,
                    Some(format!("a float has digits on both sides of its dot: `0.{}`", self.text_ahead(1))),
                );
                self.skip_token();
                self.skip_token();
            }
            _ => self.wanted(what),
        }
    }

    /// Reads a list or a map.
    fn list_or_map(&mut self) {
        let (start, open) = (self.start(), self.here());
        self.bump();
        if self.at(Kind::Colon) {
            self.bump();
            self.close(open, Kind::CloseBracket, "the map");
            return self.finish(start, Kind::MapExpr);
        }
        let mut is_map = None;
        self.list(open, Kind::CloseBracket, "the list", |parser| {
            let entry = parser.start();
            parser.expr("an element");
            if !parser.moved(entry) {
                return;
            }
            let is_entry = parser.at(Kind::Colon);
            if is_entry != *is_map.get_or_insert(is_entry) {
                parser.wanted(if is_entry { "`,` or `]`" } else { "`:` and the value of this key" });
            }
            if parser.eat(Kind::Colon) {
                parser.expr("a value");
                parser.finish(entry, Kind::MapEntry);
            }
        });
        self.finish(start, if is_map == Some(true) { Kind::MapExpr } else { Kind::ListExpr });
    }

    fn if_expr(&mut self) {
        let start = self.start();
        self.bump();
        self.cond();
        if self.at_word("then") {
            self.foreign("a block stands behind the condition: `if a { b } else { c }`");
            self.bump();
        }
        self.body("what is done");
        let at_next_line = u32::from(self.at(Kind::Newline));
        if self.ahead(at_next_line) == Kind::LowerName
            && matches!(self.text_ahead(at_next_line), "elif" | "elsif" | "elseif")
            && !matches!(self.ahead(at_next_line + 1), Kind::Eq | Kind::Dot | Kind::OpenBracket)
        {
            self.skip_newlines();
            self.foreign("write `else if`");
            self.nested(Self::if_expr);
        } else if self.eat(Kind::Else) {
            if self.at(Kind::If) {
                self.nested(Self::if_expr);
            } else {
                self.body("what is done else");
            }
        }
        self.finish(start, Kind::IfExpr);
    }

    fn match_expr(&mut self) {
        let start = self.start();
        self.bump();
        self.expr("a value to look at");
        self.arms("the arms");
        self.finish(start, Kind::MatchExpr);
    }

    fn closure(&mut self, start: Marker) {
        self.bump();
        if self.at_any(&[Kind::LowerName, Kind::UpperName]) && self.ahead(1) == Kind::OpenParen {
            let hint = "a closure has no name of its own: `let name = fn(x) { .. }`";
            self.wanted_with("`(` and the parameters", Some(hint.to_owned()));
            self.skip_token();
        }
        if self.at(Kind::OpenParen) {
            let (params, open) = (self.start(), self.here());
            self.bump();
            self.list(open, Kind::CloseParen, "the parameters", Self::closure_param);
            self.finish(params, Kind::ClosureParams);
        } else {
            self.wanted("`(` and the parameters");
        }
        self.result();
        self.receives();
        if self.at(Kind::FatArrow) || self.at(Kind::Arrow) {
            self.foreign("the body of a closure stands in braces");
            self.bump();
            self.expr("the body");
        } else {
            self.body("the closure's body");
        }
        self.finish(start, Kind::ClosureExpr);
    }

    fn closure_param(&mut self) {
        let start = self.start();
        if !self.eat(Kind::Underscore) {
            if self.at_any(&[Kind::OpenParen, Kind::OpenBracket]) {
                let hint = "a parameter is a name; take it apart with `let` in the body";
                self.wanted_with("the name of a parameter", Some(hint.to_owned()));
                self.pat("the name of a parameter");
            } else if !self.name(Kind::LowerName, "the name of a parameter") {
                return;
            }
        }
        if self.eat(Kind::Colon) {
            self.ty();
        }
        self.finish(start, Kind::ClosureParam);
    }

    fn spawn(&mut self, start: Marker) {
        self.bump();
        if self.at(Kind::OpenParen) {
            self.args();
        }
        match self.kind() {
            Kind::OpenBrace => self.block(),
            Kind::LowerName => self.spawned_call(),
            _ => {
                let hint = if self.at(Kind::Fn) {
                    "write `spawn f(a)`, or `spawn { .. }` for a block"
                } else {
                    "options stand before the call: `spawn(on: Here) f(a)`"
                };
                self.wanted_with("a call or a block behind `spawn`", Some(hint.to_owned()));
            }
        }
        self.finish(start, Kind::SpawnExpr);
    }

    fn spawned_call(&mut self) {
        self.bump();
        while self.eat(Kind::Dot) {
            if !self.name(Kind::LowerName, "the name of a function") {
                return;
            }
        }
        if self.at(Kind::OpenParen) {
            self.args();
        } else {
            let hint = "a fiber runs a call: write its arguments in parentheses";
            self.wanted_with("`(` and the arguments", Some(hint.to_owned()));
        }
    }
}
