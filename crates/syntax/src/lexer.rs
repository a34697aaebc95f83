//! Source text to tokens, and the rule that says which line ends end statements.
//!
//! Logos finds signs and words. What nests or depends on its surroundings is read by hand: texts with values in them,
//! numbers, and the line ends.
//!
//! **Invariant:** the tokens' texts are the source, in order and without gaps; each has at least one byte, so lexing takes
//! time by the source's length.

use fardel_diagnostic::{Report, Sink};
use logos::Logos as _;

use crate::ast::Span;
use crate::code::Code;
use crate::kind::Kind;
use crate::number;

/// A token: what it is and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// What the lexer makes of a source.
#[derive(Clone, Default, Debug)]
pub(crate) struct Lexed {
    /// Every token.
    pub(crate) tokens: Vec<Token>,
    /// Where the tokens stand that mean something to the grammar.
    pub(crate) significant: Vec<u32>,
    /// Whether the source ends where more must follow: in a bracket, in a block text, behind an operator.
    pub(crate) is_open: bool,
    /// Whether the source ends in a text.
    pub(crate) is_cut: bool,
    /// Where the tokens begin of which something was told, in order.
    pub(crate) told: Vec<u32>,
}

/// Splits a source.
pub(crate) fn lex(source: &str, sink: &mut Sink) -> Lexed {
    let mut lexer = Lexer {
        source,
        logos: Kind::lexer(source),
        tokens: Vec::with_capacity(source.len() / 2),
        modes: Vec::new(),
        brackets: Vec::new(),
        last: None,
        line_end: None,
        told_line: None,
        has_no_comment_end: false,
        is_open: false,
        is_cut: false,
        told: Vec::new(),
        sink,
    };
    lexer.run();
    lexer.finish()
}

/// Inside of what the lexer is, besides brackets.
#[derive(Clone, Copy)]
enum Mode {
    /// The text whose quotes are this token.
    Text { is_block: bool, open: Token },
    /// A value in a text: its `${`, and the number of brackets that were open there.
    Value { brackets: usize, open: Token },
}

struct Lexer<'a, 's> {
    source: &'a str,
    logos: logos::Lexer<'a, Kind>,
    tokens: Vec<Token>,
    modes: Vec<Mode>,
    brackets: Vec<Kind>,
    /// The last token that means something.
    last: Option<Kind>,
    /// The first line end behind that token, which may end a statement.
    line_end: Option<usize>,
    /// The line end at which an unfinished text was told, so that the text around it is not.
    told_line: Option<usize>,
    has_no_comment_end: bool,
    is_open: bool,
    is_cut: bool,
    told: Vec<u32>,
    sink: &'s mut Sink,
}

/// Whether a line that ends in this token goes on in the next one.
const fn goes_on(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Comma
            | Kind::Arrow
            | Kind::FatArrow
            | Kind::Eq
            | Kind::PlusEq
            | Kind::MinusEq
            | Kind::StarEq
            | Kind::SlashEq
            | Kind::PercentEq
            | Kind::EqEq
            | Kind::BangEq
            | Kind::Less
            | Kind::LessEq
            | Kind::GreaterEq
            | Kind::ShiftLeft
            | Kind::AndAnd
            | Kind::OrOr
            | Kind::And
            | Kind::Or
            | Kind::Caret
            | Kind::Plus
            | Kind::Minus
            | Kind::Star
            | Kind::Slash
            | Kind::Percent
            | Kind::PlusPercent
            | Kind::MinusPercent
            | Kind::StarPercent
            | Kind::DotDot
            | Kind::DotDotEq
    )
}

/// Whether a line that begins with this token goes on with the one before it.
const fn continues(kind: Kind) -> bool {
    matches!(kind, Kind::Dot | Kind::Else | Kind::AndAnd | Kind::OrOr)
}

/// Whether this token begins a statement or item and never an expression: a line inside `(` or `[` that begins with it
/// shows that the bracket was not closed.
const fn begins_no_expr(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Let
            | Kind::Var
            | Kind::For
            | Kind::While
            | Kind::Return
            | Kind::Break
            | Kind::Continue
            | Kind::Serve
            | Kind::Use
            | Kind::Type
            | Kind::Const
            | Kind::Test
            | Kind::Pub
            | Kind::CloseBrace
    )
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'a> Lexer<'a, '_> {
    fn run(&mut self) {
        if self.source.starts_with('\u{feff}') {
            self.logos.bump('\u{feff}'.len_utf8());
            self.push(Kind::Blank, 0);
        }
        loop {
            match self.modes.last() {
                Some(Mode::Text { is_block, open }) => self.text(*is_block, *open),
                Some(Mode::Value { .. }) | None => {
                    if !self.code() {
                        break;
                    }
                }
            }
        }
        self.close_line(self.source.len());
    }

    fn finish(mut self) -> Lexed {
        if let Some(at) = self.line_end.take() {
            self.end_statement(at);
        }
        let kinds = self.tokens.iter().enumerate();
        let significant = kinds.filter(|(_, token)| !token.kind.is_trivia()).map(|(at, _)| at as u32).collect();
        let is_open = self.is_open || !self.brackets.is_empty() || self.last.is_some_and(goes_on);
        self.told.sort_unstable();
        Lexed { tokens: self.tokens, significant, is_open, is_cut: self.is_cut, told: self.told }
    }

    /// Where the lexer is.
    fn at(&self) -> usize {
        self.logos.span().end
    }

    fn rest(&self) -> &'a str {
        self.logos.remainder()
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.rest().as_bytes().get(ahead).copied().unwrap_or(0)
    }

    /// Adds the token from byte `start` to where the lexer is.
    fn push(&mut self, kind: Kind, start: usize) -> Token {
        let token = Token { kind, span: Span { start: start as u32, end: self.at() as u32 } };
        if kind == Kind::LineBreak {
            self.line_break();
        } else if !kind.is_trivia() {
            self.settle_line(kind);
            self.last = Some(kind);
        }
        self.tokens.push(token);
        token
    }

    /// Keeps a line end that may end a statement; the next token decides.
    fn line_break(&mut self) {
        let can_end = match self.last {
            None | Some(Kind::OpenBrace | Kind::OpenParen | Kind::OpenBracket | Kind::Semicolon) => false,
            Some(last) => !goes_on(last),
        };
        if can_end && self.line_end.is_none() {
            self.line_end = Some(self.tokens.len());
        }
    }

    /// Decides about the line end before a token of this kind.
    fn settle_line(&mut self, next: Kind) {
        let Some(at) = self.line_end.take() else { return };
        if continues(next) {
            return;
        }
        if matches!(self.brackets.last(), Some(Kind::OpenParen | Kind::OpenBracket)) {
            let shows = begins_no_expr(next) || (next == Kind::Fn && self.name_follows());
            if !shows || (next == Kind::CloseBrace && !self.brackets.contains(&Kind::OpenBrace)) {
                return;
            }
            self.drop_to_brace();
        }
        self.end_statement(at);
    }

    fn name_follows(&self) -> bool {
        let rest = self.rest().trim_start_matches([' ', '\t']);
        rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    }

    fn end_statement(&mut self, at: usize) {
        if let Some(token) = self.tokens.get_mut(at) {
            token.kind = Kind::Newline;
        }
    }

    /// Forgets open parentheses and brackets up to the innermost brace.
    fn drop_to_brace(&mut self) {
        let floor = self.floor();
        while self.brackets.len() > floor && self.brackets.last().is_some_and(|open| *open != Kind::OpenBrace) {
            self.brackets.pop();
        }
    }

    /// The number of brackets that were open where the innermost value in a text began.
    fn floor(&self) -> usize {
        match self.modes.last() {
            Some(Mode::Value { brackets, .. }) => *brackets,
            Some(Mode::Text { .. }) | None => 0,
        }
    }

    /// Reads a token outside of texts; false at the end.
    fn code(&mut self) -> bool {
        let Some(found) = self.logos.next() else { return false };
        let start = self.logos.span().start;
        let kind = found.unwrap_or(Kind::Bad);
        match kind {
            Kind::LowerName | Kind::UpperName | Kind::Underscore => self.word(kind, start),
            Kind::Int => self.number(start),
            Kind::Char => self.character(start),
            Kind::TextOpen => self.open_text(start),
            Kind::Comment => self.comment(start),
            Kind::Bad => self.bad(start),
            Kind::Slash if self.byte(0) == b'*' => self.block_comment(start),
            Kind::LineBreak => {
                self.close_line(start);
                self.push(kind, start);
            }
            Kind::OpenParen | Kind::OpenBracket | Kind::OpenBrace => {
                self.push(kind, start);
                self.brackets.push(kind);
            }
            Kind::CloseParen | Kind::CloseBracket => {
                self.push(kind, start);
                self.close_bracket(kind);
            }
            Kind::CloseBrace => self.close_brace(start),
            _ if kind.is_keyword() && self.byte(0) >= 0x80 => self.word(Kind::LowerName, start),
            _ => {
                self.push(kind, start);
            }
        }
        true
    }

    fn close_bracket(&mut self, close: Kind) {
        let open = if close == Kind::CloseParen { Kind::OpenParen } else { Kind::OpenBracket };
        // One bracket of the other kind that is open inside was forgotten, or this one is wrong.
        let inside = self.brackets.len().checked_sub(2).filter(|at| *at >= self.floor());
        if self.brackets.len() > self.floor() && self.brackets.last() == Some(&open) {
            self.brackets.pop();
        } else if inside.and_then(|at| self.brackets.get(at)) == Some(&open)
            && self.brackets.last() != Some(&Kind::OpenBrace)
        {
            self.brackets.pop();
            self.brackets.pop();
        }
    }

    fn close_brace(&mut self, start: usize) {
        let floor = self.floor();
        let top = self.brackets.get(floor..).unwrap_or(&[]).iter().rposition(|open| *open == Kind::OpenBrace);
        if top.is_none() && matches!(self.modes.last(), Some(Mode::Value { .. })) {
            self.brackets.truncate(floor);
            self.modes.pop();
            self.push(Kind::ValueClose, start);
            return;
        }
        self.push(Kind::CloseBrace, start);
        self.drop_to_brace();
        if self.brackets.len() > floor {
            self.brackets.pop();
        }
    }

    fn bump_while(&mut self, holds: impl Fn(u8) -> bool) {
        let length = self.rest().bytes().position(|byte| !holds(byte)).unwrap_or(self.rest().len());
        self.logos.bump(length);
    }

    fn report(&mut self, code: Code, start: usize, message: impl Into<String>) -> Report {
        self.told.push(start as u32);
        Report::error(code, start..self.at(), message)
    }

    fn word(&mut self, kind: Kind, start: usize) {
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let is_foreign = length > 0;
        self.logos.bump(length);
        let text = self.source.get(start..self.at()).unwrap_or("");
        match (text, self.byte(0)) {
            ("r", b'"') => return self.raw_text(start),
            ("b", b'"') => return self.bytes(start),
            _ => {}
        }
        if is_foreign {
            let message = format!("the name `{text}` has letters that names do not have");
            self.report(Code::BadCharacter, start, message)
                .label("not only ASCII letters, digits and `_`")
                .hint("names are made of `a` to `z`, digits and `_`; other letters may stand in texts and comments")
                .tell(self.sink);
            let kind = if kind == Kind::UpperName { kind } else { Kind::LowerName };
            self.push(kind, start);
            return;
        }
        self.check_case(kind, text, start);
        self.push(kind, start);
    }

    fn check_case(&mut self, kind: Kind, text: &str, start: usize) {
        let (what, proposal) = if kind == Kind::LowerName && text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            ("names of values, functions and fields have small letters", snake_case(text))
        } else if kind == Kind::UpperName && text.contains('_') {
            let is_const = !text.bytes().any(|byte| byte.is_ascii_lowercase());
            let proposal = if is_const { text.to_ascii_lowercase() } else { text.replace('_', "") };
            ("names of types and variants have no `_`, and those of values and constants small letters", proposal)
        } else {
            return;
        };
        self.report(Code::WrongCase, start, format!("the name `{text}` is in the wrong case"))
            .label(what)
            .hint(format!("write `{proposal}`"))
            .tell(self.sink);
    }

    fn number(&mut self, start: usize) {
        if self.last == Some(Kind::Dot) {
            self.bump_while(|byte| byte.is_ascii_digit());
            self.push(Kind::Int, start);
            return;
        }
        self.bump_while(is_word_byte);
        let is_whole =
            self.source.get(start..self.at()).is_some_and(|text| !text.bytes().any(|byte| byte.is_ascii_alphabetic()));
        if is_whole && self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
            self.logos.bump(1);
            self.bump_while(is_word_byte);
        }
        let text = self.source.get(start..self.at()).unwrap_or("");
        let is_based = text.starts_with("0x") || text.starts_with("0b") || text.starts_with("0o");
        if text.ends_with(['e', 'E']) && !is_based && matches!(self.byte(0), b'+' | b'-') && self.byte(1).is_ascii_digit() {
            self.logos.bump(1);
            self.bump_while(is_word_byte);
        }
        let text = self.source.get(start..self.at()).unwrap_or("");
        let kind = number::kind(text);
        if kind == Kind::BadNumber {
            self.report(Code::BadNumber, start, format!("`{text}` is not a number"))
                .label(number::fault(text))
                .hint(number::proposal(text))
                .tell(self.sink);
        }
        self.push(kind, start);
    }

    /// Goes behind the closing quote; false when there is none in this line.
    fn skip_quoted(&mut self, quote: u8, has_escapes: bool) -> bool {
        let bytes = self.rest().as_bytes();
        let mut at = 0;
        let is_closed = loop {
            match bytes.get(at) {
                Some(byte) if *byte == quote => break true,
                None | Some(b'\n') => break false,
                Some(b'\\') if has_escapes => at += if matches!(bytes.get(at + 1), None | Some(b'\n')) { 1 } else { 2 },
                Some(_) => at += 1,
            }
        };
        let length = at.min(bytes.len()) + usize::from(is_closed);
        self.logos.bump(length);
        is_closed
    }

    fn quoted(&mut self, kind: Kind, start: usize, what: &str, hint: &str) {
        let (quote, has_escapes) = if kind == Kind::Char { (b'\'', true) } else { (b'"', kind == Kind::Bytes) };
        if kind != Kind::Char {
            self.logos.bump(1);
        }
        let is_closed = self.skip_quoted(quote, has_escapes);
        if !is_closed {
            self.report(Code::Unterminated, start, format!("this {what} has no closing quote in its line"))
                .label("begins here")
                .hint(hint)
                .tell(self.sink);
        }
        self.push(kind, start);
    }

    fn character(&mut self, start: usize) {
        self.quoted(Kind::Char, start, "character", "a character is written `'a'`, a text `\"a\"`");
    }

    fn raw_text(&mut self, start: usize) {
        self.quoted(Kind::RawText, start, "raw text", "a text of several lines stands between `\"\"\"`");
    }

    fn bytes(&mut self, start: usize) {
        self.quoted(Kind::Bytes, start, "byte string", "a line's end inside is written `\\n`");
    }

    fn open_text(&mut self, start: usize) {
        let is_block = self.rest().starts_with("\"\"");
        if is_block {
            self.logos.bump(2);
        }
        let open = self.push(Kind::TextOpen, start);
        self.modes.push(Mode::Text { is_block, open });
    }

    /// Reads a piece of a text, and what ends it.
    fn text(&mut self, is_block: bool, open: Token) {
        let start = self.at();
        let length = text_piece(self.rest(), is_block);
        if length > 0 {
            self.logos.bump(length);
            self.push(Kind::TextPiece, start);
        }
        let (start, rest) = (self.at(), self.rest());
        if rest.starts_with('"') {
            self.logos.bump(if is_block { 3 } else { 1 });
            self.modes.pop();
            self.push(Kind::TextClose, start);
        } else if rest.starts_with("${") {
            self.logos.bump(2);
            let open = self.push(Kind::ValueOpen, start);
            self.modes.push(Mode::Value { brackets: self.brackets.len(), open });
        } else {
            self.modes.pop();
            self.is_open |= is_block;
            self.is_cut |= is_block;
            self.unterminated_text(is_block, open);
        }
    }

    fn unterminated_text(&mut self, is_block: bool, open: Token) {
        self.told_line = Some(self.at());
        self.told.push(open.span.start);
        let (place, hint) = if is_block {
            ("", "a block text ends with `\"\"\"`")
        } else {
            (" in its line", "a line's end inside is written `\\n`, a text of several lines stands between `\"\"\"`")
        };
        Report::error(Code::Unterminated, open.span.range(), format!("this text has no closing quote{place}"))
            .label("begins here")
            .hint(hint)
            .tell(self.sink);
    }

    /// Ends the values in texts, and the texts around them, which all have to end in one line.
    fn close_line(&mut self, at: usize) {
        while let Some(Mode::Value { brackets, open }) = self.modes.last().copied() {
            self.modes.pop();
            self.brackets.truncate(brackets);
            if self.told_line != Some(at) {
                self.told_line = Some(at);
                Report::error(Code::Unterminated, open.span.range(), "this `${` has no closing `}` in its line")
                    .label("begins here")
                    .hint("a `}` ends the value; a dollar sign before a brace is written `\\${`")
                    .tell(self.sink);
            }
            if let Some(Mode::Text { is_block: false, .. }) = self.modes.last() {
                self.modes.pop();
            }
        }
    }

    fn comment(&mut self, start: usize) {
        let text = self.source.get(start..self.at()).unwrap_or("");
        let kind = if text.starts_with("//!") {
            Kind::FileComment
        } else if text.starts_with("///") && !text.starts_with("////") {
            Kind::DocComment
        } else {
            Kind::Comment
        };
        self.push(kind, start);
    }

    fn block_comment(&mut self, start: usize) {
        let end = if self.has_no_comment_end { None } else { self.rest().find("*/") };
        let length = match end {
            Some(end) => end + 2,
            None => self.rest().find('\n').unwrap_or(self.rest().len()),
        };
        self.has_no_comment_end |= end.is_none();
        self.logos.bump(length);
        Report::error(Code::Foreign, start..start + 2, "there are no block comments")
            .label("begins here")
            .hint("each line of a comment begins with `//`")
            .tell(self.sink);
        self.push(Kind::Comment, start);
    }

    fn bad(&mut self, start: usize) {
        let text = self.source.get(start..self.at()).unwrap_or("");
        let hint = match text {
            "#" => "a comment begins with `//`, an attribute with `@`",
            "$" => "values stand in texts as `\"${value}\"`",
            "`" => "a text stands between `\"`",
            "\\" => "a line goes on by itself behind an operator or inside of brackets",
            "\u{201c}" | "\u{201d}" | "\u{201e}" => "the quotes of a text are `\"`",
            "\u{2018}" | "\u{2019}" => "the quotes of a character are `'`",
            "\u{a0}" => "this is a blank that does not break lines; write a plain one",
            _ => "other letters may stand in texts and comments only",
        };
        self.report(Code::BadCharacter, start, format!("unknown character `{}`", text.escape_debug()))
            .label("nothing begins so")
            .hint(hint)
            .tell(self.sink);
        self.push(Kind::Bad, start);
    }
}

/// The length of what stands at the start of `rest` before the text ends, a value begins, or the line is over.
fn text_piece(rest: &str, is_block: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' if !is_block || rest.get(at..).is_some_and(|rest| rest.starts_with("\"\"\"")) => break,
            b'$' if bytes.get(at + 1) == Some(&b'{') => break,
            b'\n' if !is_block => break,
            b'\\' if !matches!(bytes.get(at + 1), None | Some(b'\n')) => {
                at += 1 + rest.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            }
            _ => at += 1,
        }
    }
    at
}

/// A name in small letters with `_` between its words.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        out.push(letter.to_ascii_lowercase());
    }
    out
}
