//! Tokens to nodes: recursive descent, with operators by their binding power.
//!
//! A mistake is told once and the parser goes on: inside a bracket at its end, else at the next statement or item.
//!
//! **Invariant:** every loop takes a token or ends, and no token is looked at more than a fixed number of times, so parsing
//! takes time by the source's length; nesting has a limit, so the stack does too.

mod advice;
mod expr;
mod item;
mod members;
mod pattern;
mod stmt;
mod types;

use fardel_diagnostic::{Report, Sink};

use crate::ast::Span;
use crate::code::Code;
use crate::kind::Kind;
use crate::lexer::{Lexed, Token};
use crate::tree::Completed;

pub(crate) use advice::null;

/// Levels of brackets, blocks and operands.
pub const NESTING_MAX: u32 = 256;
/// Levels of a tree, in which each operator of a chain is one as well.
pub const HEIGHT_MAX: u32 = 512;

/// Where a node begins.
#[derive(Clone, Copy)]
pub(crate) struct Marker {
    first: u32,
    nodes: u32,
}

/// A cursor over the tokens that mean something.
pub(crate) struct Parser<'a, 's> {
    source: &'a str,
    lexed: &'s Lexed,
    at: u32,
    nodes: Vec<Completed>,
    nesting: u32,
    /// The levels of the highest tree among the parts of what is being read.
    height: u32,
    /// The token at which a mistake was told last: another one there would be its consequence.
    told: Option<u32>,
    /// The token before which a statement ended without a sign of it, which was told.
    cut: Option<u32>,
    /// Lists in parentheses and brackets around what is being read.
    open_lists: u32,
    /// Whether the list that is being read ended without its bracket, as what follows belongs to no list.
    is_list_over: bool,
    /// Whether a bracket was missing, for which the lexer took line ends that mean something for blanks.
    is_misled: bool,
    /// Whether an arm outside of arms was told in this item.
    is_arm_told: bool,
    /// Whether something outside of functions was told that is no item; what follows it is not told again.
    is_astray: bool,
    sink: &'s mut Sink,
}

impl<'a, 's> Parser<'a, 's> {
    pub(crate) fn new(source: &'a str, lexed: &'s Lexed, sink: &'s mut Sink) -> Self {
        let nodes = Vec::with_capacity(lexed.significant.len());
        Parser {
            source,
            lexed,
            at: 0,
            nodes,
            nesting: 0,
            height: 0,
            told: None,
            cut: None,
            open_lists: 0,
            is_list_over: false,
            is_misled: false,
            is_arm_told: false,
            is_astray: false,
            sink,
        }
    }

    /// Reads a file.
    pub(crate) fn file(mut self) -> Vec<Completed> {
        let start = self.start();
        self.items();
        self.finish(start, Kind::File);
        self.nodes
    }

    /// Reads an entry of the prompt.
    pub(crate) fn entry(mut self) -> Vec<Completed> {
        let start = self.start();
        self.entry_parts();
        self.finish(start, Kind::File);
        self.nodes
    }

    // Looking.

    #[inline]
    fn token_ahead(&self, ahead: u32) -> Option<Token> {
        let place = self.lexed.significant.get((self.at + ahead) as usize)?;
        self.lexed.tokens.get(*place as usize).copied()
    }

    /// The kind of a token further on.
    #[inline]
    fn ahead(&self, ahead: u32) -> Kind {
        self.token_ahead(ahead).map_or(Kind::End, |token| token.kind)
    }

    /// The kind of the current token.
    #[inline]
    fn kind(&self) -> Kind {
        self.ahead(0)
    }

    #[inline]
    fn at(&self, kind: Kind) -> bool {
        self.kind() == kind
    }

    fn at_any(&self, kinds: &[Kind]) -> bool {
        kinds.contains(&self.kind())
    }

    /// The text of a token further on.
    fn text_ahead(&self, ahead: u32) -> &'a str {
        self.token_ahead(ahead).and_then(|token| self.source.get(token.span.range())).unwrap_or("")
    }

    fn at_word(&self, word: &str) -> bool {
        self.at(Kind::LowerName) && self.text_ahead(0) == word
    }

    /// Where the current token stands; of a line's end only its beginning.
    fn here(&self) -> Span {
        match self.token_ahead(0) {
            Some(token) if token.kind == Kind::Newline => Span { start: token.span.start, end: token.span.start },
            Some(token) => token.span,
            None => Span { start: self.source.len() as u32, end: self.source.len() as u32 },
        }
    }

    /// Where the token before the current one stands.
    fn before(&self) -> Span {
        let place = self.at.checked_sub(1).and_then(|at| self.lexed.significant.get(at as usize));
        place.and_then(|place| self.lexed.tokens.get(*place as usize)).map_or(Span::default(), |token| token.span)
    }

    /// Whether the token before the current one is of this kind.
    fn before_is(&self, kind: Kind) -> bool {
        let place = self.at.checked_sub(1).and_then(|at| self.lexed.significant.get(at as usize));
        place.and_then(|place| self.lexed.tokens.get(*place as usize)).is_some_and(|token| token.kind == kind)
    }

    /// Whether the current token is the first of its line, and the line's end before it may mean something.
    fn at_lost_line_end(&self) -> bool {
        self.is_misled && self.begins_line()
    }

    /// Whether a list that was opened here has all its elements in that line, and the current token stands in a later one.
    fn ended_in_its_line(&self, open: Span) -> bool {
        let elements = self.source.get(open.end as usize..self.before().end as usize);
        self.begins_line() && elements.is_some_and(|elements| !elements.contains('\n'))
    }

    /// Whether the current token is the first of its line.
    fn begins_line(&self) -> bool {
        let place = self.lexed.significant.get(self.at as usize).map_or(self.lexed.tokens.len(), |place| *place as usize);
        let before = self.lexed.tokens.get(..place).unwrap_or(&[]);
        let mut trivia = before.iter().rev().take_while(|token| token.kind.is_trivia());
        trivia.any(|token| token.kind == Kind::LineBreak)
    }

    /// Whether a closing bracket stands here that belongs to a list around what is being read.
    fn at_outer_close(&self) -> bool {
        self.open_lists > 0 && self.at_any(&[Kind::CloseParen, Kind::CloseBracket])
    }

    /// Whether the token `ahead` follows the one before it without a blank.
    fn is_joint(&self, ahead: u32) -> bool {
        let place = |ahead| self.lexed.significant.get((self.at + ahead) as usize).copied();
        ahead > 0 && place(ahead).is_some_and(|at| place(ahead - 1).is_some_and(|before| before + 1 == at))
    }

    /// Whether the current token is the first of its line and nothing stands before it there.
    fn at_margin(&self) -> bool {
        let start = self.here().start as usize;
        start == 0 || self.source.as_bytes().get(start - 1) == Some(&b'\n')
    }

    // Taking.

    #[inline]
    fn bump(&mut self) {
        if (self.at as usize) < self.lexed.significant.len() {
            self.at += 1;
        }
    }

    #[inline]
    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    fn skip_newlines(&mut self) {
        while self.at(Kind::Newline) {
            self.bump();
        }
    }

    /// Takes a token of this kind, or tells that it is missing.
    fn expect(&mut self, kind: Kind) -> bool {
        let found = self.eat(kind);
        if !found {
            let text = kind.text().unwrap_or("");
            self.wanted(&format!("`{text}`"));
        }
        found
    }

    // Building.

    #[inline]
    fn start(&self) -> Marker {
        Marker { first: self.at, nodes: self.nodes.len() as u32 }
    }

    /// Completes the node that began at `start`.
    #[inline]
    fn finish(&mut self, start: Marker, kind: Kind) {
        self.nodes.push(Completed { kind, first: start.first, end: self.at, nodes: start.nodes });
    }

    /// Whether anything was taken since `start`.
    fn moved(&self, start: Marker) -> bool {
        self.at > start.first
    }

    /// Goes a level deeper, or tells that this is too deep and skips what is there.
    fn nested(&mut self, one: impl FnOnce(&mut Self)) {
        if self.nesting >= NESTING_MAX {
            self.too_deep("nested", NESTING_MAX);
            return;
        }
        self.nesting += 1;
        let around = std::mem::take(&mut self.height);
        one(self);
        self.height = around.max(self.height + 1);
        self.nesting -= 1;
    }

    /// Counts an operator of a chain as a level of the tree; false when it is one too many, which was told.
    fn grow(&mut self) -> bool {
        self.height += 1;
        let fits = self.height + self.nesting <= HEIGHT_MAX;
        if !fits {
            self.too_deep("chained", HEIGHT_MAX);
        }
        fits
    }

    #[cold]
    fn too_deep(&mut self, how: &str, max: u32) {
        let report = self.error(Code::TooDeep, self.here(), format!("this is {how} too deep"));
        let report = report.label(format!("more than {max} levels"));
        self.tell(report.hint("give a part a name with `let`, or make it a function"));
        // What is inside is skipped whole: the brackets around it find their ends.
        self.skip_garbage(|_| false);
    }

    // Telling.

    fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Report {
        Report::error(code, span.range(), message)
    }

    /// Tells a mistake at the current token, unless one was told there already.
    fn tell(&mut self, report: Report) {
        if self.told != Some(self.at) {
            self.told = Some(self.at);
            report.tell(self.sink);
        }
    }

    /// Whether the lexer told something of the current token.
    fn is_told_by_lexer(&self) -> bool {
        let start = self.here().start;
        self.lexed.told.binary_search(&start).is_ok() || (self.at(Kind::End) && self.lexed.is_cut)
    }

    /// What the current token is, in words.
    fn seen(&self) -> String {
        match self.kind() {
            Kind::Newline => "the end of the line".to_owned(),
            Kind::End => "the end of the file".to_owned(),
            Kind::TextOpen => "a text".to_owned(),
            kind if kind.is_keyword() => format!("the keyword `{}`", self.text_ahead(0)),
            _ => {
                let text = self.text_ahead(0);
                let short: String = text.chars().take(40).collect();
                if short.len() < text.len() { format!("`{short}..`") } else { format!("`{short}`") }
            }
        }
    }

    /// Tells that something else was wanted at the current token.
    fn wanted(&mut self, what: &str) {
        let hint = self.advice();
        self.wanted_with(what, hint);
    }

    fn wanted_with(&mut self, what: &str, hint: Option<String>) {
        if self.is_told_by_lexer() {
            self.told = Some(self.at);
            return;
        }
        let report = self.error(Code::Syntax, self.here(), format!("found {}, wanted {what}", self.seen()));
        self.tell(report.label(format!("wanted {what}")).maybe_hint(hint));
    }

    // Going on after a mistake.

    /// Skips tokens until `stop`, the end of the bracket around them, or the end of the statement; brackets inside are
    /// skipped whole.
    fn skip_garbage(&mut self, stop: impl Fn(Kind) -> bool) {
        let start = self.start();
        let mut open = 0usize;
        loop {
            match self.kind() {
                Kind::End => break,
                kind if open == 0 && stop(kind) => break,
                Kind::Newline | Kind::Semicolon if open == 0 => break,
                Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace | Kind::ValueOpen | Kind::TextOpen => open += 1,
                Kind::CloseParen | Kind::CloseBracket | Kind::CloseBrace | Kind::ValueClose | Kind::TextClose => {
                    if open == 0 {
                        break;
                    }
                    open -= 1;
                }
                _ if open > 0 && self.at_item_start() && self.at_margin() => break,
                _ => {}
            }
            self.bump();
        }
        if self.moved(start) {
            self.finish(start, Kind::Garbage);
        }
    }

    /// Skips the current token.
    fn skip_token(&mut self) {
        let start = self.start();
        self.bump();
        if self.moved(start) {
            self.finish(start, Kind::Garbage);
        }
    }

    /// A list between brackets whose opening one is taken: `one` reads an element and commas stand between. Ends behind the
    /// closing bracket, or where it is missed.
    fn list(&mut self, open: Span, close: Kind, what: &str, mut one: impl FnMut(&mut Self)) {
        let is_nested = close != Kind::CloseBrace && close != Kind::Greater;
        self.open_lists += u32::from(is_nested);
        loop {
            self.skip_newlines();
            if self.at(close) {
                break;
            }
            let start = self.start();
            one(self);
            if std::mem::take(&mut self.is_list_over) {
                break;
            }
            self.skip_newlines_before(&[Kind::Comma, close]);
            if self.eat(Kind::Comma) {
                continue;
            }
            if self.at(close) || self.ends_list() {
                break;
            }
            if is_nested && self.ended_in_its_line(open) {
                break;
            }
            if self.at(Kind::Semicolon) {
                self.wanted_with(&format!("`,` or `{}`", close.text().unwrap_or("")), Some("write `,` here".to_owned()));
                self.skip_token();
                continue;
            }
            self.wanted(&format!("`,` or `{}`", close.text().unwrap_or("")));
            if !self.moved(start) || !self.begins_element() {
                self.skip_garbage(|kind| kind == Kind::Comma || kind == close);
                if !self.eat(Kind::Comma) && (self.at(close) || self.ends_list() || !self.moved(start)) {
                    // What is missing now is a consequence.
                    self.told = Some(self.at);
                    break;
                }
            }
        }
        self.open_lists -= u32::from(is_nested);
        self.close(open, close, what);
    }

    /// Whether nothing that can stand here belongs to a list in parentheses or brackets.
    fn ends_list(&self) -> bool {
        matches!(
            self.kind(),
            Kind::End
                | Kind::Newline
                | Kind::CloseParen
                | Kind::CloseBracket
                | Kind::CloseBrace
                | Kind::ValueClose
                | Kind::TextClose
        ) || (self.at(Kind::OpenBrace))
    }

    /// Whether another element begins without a comma before it.
    fn begins_element(&self) -> bool {
        matches!(self.kind(), Kind::LowerName | Kind::UpperName | Kind::Int | Kind::Float | Kind::TextOpen | Kind::Duration)
    }

    /// Skips line ends when one of these kinds follows them.
    fn skip_newlines_before(&mut self, kinds: &[Kind]) {
        if self.at(Kind::Newline) && kinds.contains(&self.ahead(1)) {
            self.bump();
        }
    }

    /// Takes a closing bracket, or tells which one is missing.
    fn close(&mut self, open: Span, close: Kind, what: &str) {
        if self.eat(close) {
            return;
        }
        self.is_misled |= close != Kind::CloseBrace;
        if self.is_told_by_lexer() {
            return;
        }
        let text = close.text().unwrap_or("");
        let opened = self.source.get(open.range()).unwrap_or("");
        let message = format!("found {}, wanted `{text}` at the end of {what}", self.seen());
        let report = self.error(Code::Unclosed, self.here(), message).label(format!("wanted `{text}`"));
        self.tell(report.also(open, "opened here").hint(format!("a `{text}` closes this `{opened}`")));
    }
}
