//! Tokens to words, names and literals, with a diagnostic where something else was wanted.
//!
//! **Invariant:** a parser sees one item only, so that a mistake in it never hides another item.

use std::borrow::Cow;

use fardel_bytecode::limits::NAME_BYTES_MAX;
use fardel_bytecode::types::Constant;

use crate::diagnostic::{Code, Report, Sink, Span, Told};
use crate::lexer::{Kind, Lexer, Token};
use crate::literal::{self, LiteralError};

/// A name as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) span: Span,
    pub(crate) quoted: bool,
}

/// A cursor over the tokens of one item.
pub(crate) struct Parser<'a, 's> {
    source: &'a str,
    lexer: Lexer<'a>,
    token: Token,
    line: u32,
    /// Where the token before the current one ends.
    last_end: u32,
    pub(crate) sink: &'s mut Sink,
}

impl<'a, 's> Parser<'a, 's> {
    /// Starts at byte `at`, in line `line`, of `source`, which ends where the item ends.
    pub(crate) fn new(source: &'a str, at: u32, line: u32, sink: &'s mut Sink) -> Self {
        let mut lexer = Lexer::new(source, at, line);
        let token = lexer.next();
        Parser { source, lexer, token, line, last_end: at, sink }
    }

    /// The current token.
    #[inline]
    pub(crate) fn token(&self) -> Token {
        self.token
    }

    /// The line of the current token.
    #[inline]
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// From the start of `first` to the end of the token before the current one.
    #[inline]
    pub(crate) fn since(&self, first: Span) -> Span {
        Span { start: first.start, end: self.last_end.max(first.start) }
    }

    /// Whether the current token is a label: a name with a colon behind it.
    #[inline]
    pub(crate) fn at_label(&self) -> bool {
        matches!(self.token.kind, Kind::Name | Kind::Quoted) && self.lexer.colon_follows()
    }

    /// The byte at which reading goes on behind the current token.
    pub(crate) fn position(&self) -> (u32, u32) {
        (self.lexer.position(), self.lexer.line())
    }

    /// The source of a token.
    #[inline]
    pub(crate) fn text(&self, token: Token) -> &'a str {
        self.source.get(token.span.range()).unwrap_or("")
    }

    /// Goes to the next token.
    #[inline]
    pub(crate) fn bump(&mut self) -> Token {
        let token = self.token;
        self.line = self.lexer.line();
        self.last_end = token.span.end;
        self.token = self.lexer.next();
        token
    }

    /// Whether the current token is of this kind.
    #[inline]
    pub(crate) fn at(&self, kind: Kind) -> bool {
        self.token.kind == kind
    }

    /// Whether the current token is this word.
    #[inline]
    pub(crate) fn at_word(&self, word: &str) -> bool {
        self.token.kind == Kind::Name && self.text(self.token) == word
    }

    /// Whether the line is over.
    #[inline]
    pub(crate) fn at_line_end(&self) -> bool {
        matches!(self.token.kind, Kind::Newline | Kind::End)
    }

    /// Takes the current token if it is of this kind.
    #[inline]
    pub(crate) fn eat(&mut self, kind: Kind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    /// Takes the current token if it is this word.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.bump();
        }
        found
    }

    /// Goes over line ends.
    pub(crate) fn skip_newlines(&mut self) {
        while self.at(Kind::Newline) {
            self.bump();
        }
    }

    /// Goes behind the current line.
    pub(crate) fn skip_line(&mut self) {
        if self.at(Kind::Newline) {
            self.bump();
        } else if !self.at(Kind::End) {
            self.lexer.skip_line();
            self.bump();
        }
    }

    /// Takes a token of this kind, or says that `what` was wanted.
    pub(crate) fn expect(&mut self, kind: Kind, what: &str) -> Result<Token, Told> {
        if self.at(kind) { Ok(self.bump()) } else { Err(self.unexpected(what)) }
    }

    /// What the current token is, in words.
    pub(crate) fn seen(&self) -> String {
        if self.at_line_end() {
            return "the end of the line".to_owned();
        }
        let text = self.text(self.token);
        let short: String = text.chars().take(40).collect();
        if short.len() < text.len() { format!("`{short}..`") } else { format!("`{short}`") }
    }

    /// Where the current token stands; of a line's end only where it begins, as it has nothing to mark.
    fn here(&self) -> Span {
        let Span { start, end } = self.token.span;
        Span { start, end: if self.at_line_end() { start } else { end } }
    }

    /// Says that `what` was wanted and something else seen.
    pub(crate) fn unexpected(&mut self, what: &str) -> Told {
        self.unexpected_as(Code::Syntax, what, None)
    }

    /// As [`Parser::unexpected`], with a code and a hint of its own.
    pub(crate) fn unexpected_as(&mut self, code: Code, what: &str, hint: Option<String>) -> Told {
        if self.at(Kind::Unterminated) {
            return self.unterminated();
        }
        if self.at(Kind::Bad) {
            return self.bad_character();
        }
        let message = format!("found {}, wanted {what}", self.seen());
        Report::error(code, self.here(), message).label(format!("wanted {what}")).maybe_hint(hint).tell(self.sink)
    }

    fn unterminated(&mut self) -> Told {
        let text = self.text(self.token);
        let what = match text.as_bytes().first() {
            Some(b'`') => "name",
            Some(b'\'') => "character",
            Some(b'b') => "byte string",
            Some(_) | None => "text",
        };
        Report::error(Code::Unterminated, self.token.span, format!("this {what} has no closing quote in its line"))
            .label("begins here")
            .hint("a line break inside is written `\\n`")
            .tell(self.sink)
    }

    fn bad_character(&mut self) -> Told {
        let text = self.text(self.token);
        let hint = match text {
            "#" | "/" => Some("a comment begins with `;`".to_owned()),
            "-" => Some("a minus sign stands directly before its number".to_owned()),
            _ => None,
        };
        let message = format!("unknown character `{}`", text.escape_debug());
        Report::error(Code::BadCharacter, self.token.span, message)
            .label("nothing begins so")
            .maybe_hint(hint)
            .tell(self.sink)
    }

    /// Takes a name, or says that `what` was wanted.
    pub(crate) fn name(&mut self, what: &str) -> Result<Name<'a>, Told> {
        let token = self.token;
        if token.kind != Kind::Name && token.kind != Kind::Quoted {
            return Err(self.unexpected(what));
        }
        self.bump();
        self.name_of(token)
    }

    /// The name that a token of kind name is.
    pub(crate) fn name_of(&mut self, token: Token) -> Result<Name<'a>, Told> {
        let (span, written) = (token.span, self.text(token));
        let quoted = token.kind == Kind::Quoted;
        let text = if quoted { self.literal(token, literal::text(written))? } else { Cow::Borrowed(written) };
        if text.len() > NAME_BYTES_MAX {
            let message = format!("this name has {} bytes, at most {NAME_BYTES_MAX} are allowed", text.len());
            return Err(Report::error(Code::TooLarge, span, message).tell(self.sink));
        }
        Ok(Name { text, span, quoted })
    }

    /// The value of a literal, or a diagnostic at its token.
    pub(crate) fn literal<T>(&mut self, token: Token, value: Result<T, LiteralError>) -> Result<T, Told> {
        let error = match value {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let (span, text) = (token.span, self.text(token));
        let part = |at: usize, length: usize| {
            let start = (span.start + at as u32).min(span.end);
            Span { start, end: (start + length as u32).min(span.end) }
        };
        let report = match error {
            LiteralError::NotANumber => Report::error(Code::BadNumber, span, format!("`{text}` is not a number"))
                .hint("numbers are written `42`, `0xff`, `0b101`, `1.5`, `1.5e-3`, `inf`, `nan`"),
            LiteralError::OutOfRange if literal::is_float(text) => {
                Report::error(Code::BadNumber, span, format!("`{text}` is beyond the largest float"))
                    .hint("floats go up to 1.7976931348623157e308; infinity is written `inf`")
            }
            LiteralError::OutOfRange => Report::error(Code::BadNumber, span, format!("`{text}` does not fit 64 bits"))
                .hint("integers go from -9223372036854775808 to 9223372036854775807"),
            LiteralError::Escape(at, found) => {
                let shown = found.get(1..).unwrap_or("").escape_debug().to_string();
                Report::error(Code::BadEscape, part(at, found.len()), format!("unknown escape `\\{shown}`"))
                    .hint("escapes are `\\n \\r \\t \\0 \\\\ \\\"`, in texts `\\u{1f600}`, in byte strings `\\x00`")
            }
            LiteralError::NotOneCharacter => {
                Report::error(Code::BadNumber, span, "exactly one character stands between `'`")
                    .hint("a text stands between `\"`")
            }
            LiteralError::NotAscii(at) => {
                Report::error(Code::BadEscape, part(at, 1), "only ASCII characters stand in a byte string as they are")
                    .hint("write the bytes as `\\x..`")
            }
        };
        Err(report.tell(self.sink))
    }

    /// The value of the current token if it is a literal, and takes it; nothing when it is something else.
    pub(crate) fn constant(&mut self) -> Result<Option<Constant>, Told> {
        let token = self.token;
        let text = self.text(token);
        let value = match token.kind {
            Kind::Number if literal::is_float(text) => Constant::Float(self.literal(token, literal::float(text))?),
            Kind::Number => Constant::Int(self.literal(token, literal::integer(text))?),
            Kind::Char => Constant::Int(self.literal(token, literal::character(text))?),
            Kind::Text => Constant::Text(self.literal(token, literal::text(text))?.into_owned()),
            Kind::Bytes => Constant::Bytes(self.literal(token, literal::bytes(text))?),
            Kind::Name => match text {
                "null" => Constant::Null,
                "true" => Constant::Bool(true),
                "false" => Constant::Bool(false),
                "inf" | "nan" => Constant::Float(self.literal(token, literal::float(text))?),
                _ => return Ok(None),
            },
            Kind::Unterminated => return Err(self.unterminated()),
            Kind::Bad => return Err(self.bad_character()),
            Kind::Quoted
            | Kind::OpenParen
            | Kind::CloseParen
            | Kind::OpenBrace
            | Kind::CloseBrace
            | Kind::OpenBracket
            | Kind::CloseBracket
            | Kind::Less
            | Kind::Greater
            | Kind::Comma
            | Kind::Colon
            | Kind::Equals
            | Kind::Dot
            | Kind::Arrow
            | Kind::At
            | Kind::Newline
            | Kind::End => return Ok(None),
        };
        self.bump();
        Ok(Some(value))
    }

    /// Says that the line should be over, unless it is.
    pub(crate) fn end_line(&mut self, hint: Option<String>) -> Result<(), Told> {
        if self.at_line_end() {
            return Ok(());
        }
        Err(self.unexpected_as(Code::Syntax, "the end of the line", hint))
    }

    /// A list of things between `open`, already taken, and `close`, separated by commas; it may span lines in braces.
    pub(crate) fn list(
        &mut self,
        close: Kind,
        what: &str,
        mut one: impl FnMut(&mut Self) -> Result<(), Told>,
    ) -> Result<(), Told> {
        let spans_lines = close == Kind::CloseBrace;
        let open = Span { start: self.last_end.saturating_sub(1), end: self.last_end };
        loop {
            if spans_lines {
                self.skip_newlines();
            }
            if self.eat(close) {
                return Ok(());
            }
            if spans_lines && self.at(Kind::End) {
                let report = Report::error(Code::MissingEnd, open, "found the end of the item, wanted `}`");
                return Err(report.label("opened here").hint("a `}` closes the list").tell(self.sink));
            }
            one(self)?;
            if spans_lines {
                self.skip_newlines();
            }
            if !self.eat(Kind::Comma) && !self.at(close) && !self.at(Kind::End) {
                return Err(self.unexpected(what));
            }
        }
    }
}
