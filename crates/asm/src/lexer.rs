//! Source text to tokens.
//!
//! **Invariant:** every token ends behind its start, so lexing always comes to an end, and both are character boundaries.

use crate::diagnostic::Span;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A name or word.
    Name,
    /// A name between backquotes.
    Quoted,
    /// An integer or a float.
    Number,
    /// A text between double quotes.
    Text,
    /// A byte string.
    Bytes,
    /// A character between single quotes.
    Char,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Less,
    Greater,
    Comma,
    Colon,
    Equals,
    Dot,
    Arrow,
    At,
    Newline,
    /// The source's end.
    End,
    /// A quote without its partner.
    Unterminated,
    /// A character that begins nothing.
    Bad,
}

/// A token: its kind and its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Blank,
    Letter,
    Digit,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut at = 0;
    while at < 256 {
        classes[at] = match at as u8 {
            b' ' | b'\t' | b'\r' => Class::Blank,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            _ => Class::Other,
        };
        at += 1;
    }
    classes
};

/// A cursor over a source.
#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Lexer<'a> {
    /// Starts at byte `at` of `source`, which is in line `line`.
    pub(crate) fn new(source: &'a str, at: u32, line: u32) -> Self {
        Lexer { source, at: at as usize, line }
    }

    /// The line of the next token, from 1.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// The byte at which the next token, or what stands before it, begins.
    pub(crate) fn position(&self) -> u32 {
        self.at as u32
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.source.as_bytes().get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn class(&self, at: usize) -> Class {
        CLASSES[usize::from(self.byte(at))]
    }

    /// The next token.
    #[inline]
    pub(crate) fn next(&mut self) -> Token {
        self.skip_blanks();
        let start = self.at;
        let kind = match self.class(start) {
            Class::Letter => self.word(),
            Class::Digit => self.number(),
            Class::Blank | Class::Other => self.other(),
        };
        Token { kind, span: Span { start: start as u32, end: self.at as u32 } }
    }

    /// Whether the next token is a colon.
    #[inline]
    pub(crate) fn colon_follows(&self) -> bool {
        let mut at = self.at;
        while self.class(at) == Class::Blank {
            at += 1;
        }
        self.byte(at) == b':'
    }

    /// Goes behind the end of the line.
    pub(crate) fn skip_line(&mut self) {
        let rest = self.source.as_bytes().get(self.at..).unwrap_or(&[]);
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(length) => {
                self.at += length + 1;
                self.line += 1;
            }
            None => self.at = self.source.len(),
        }
    }

    #[inline]
    fn skip_blanks(&mut self) {
        loop {
            if self.class(self.at) == Class::Blank {
                self.at += 1;
            } else if self.byte(self.at) == b';' {
                let rest = &self.source.as_bytes()[self.at..];
                self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            } else if self.at == 0 && self.source.starts_with('\u{feff}') {
                self.at = '\u{feff}'.len_utf8();
            } else {
                return;
            }
        }
    }

    #[inline]
    fn skip_word(&mut self) {
        while matches!(self.class(self.at), Class::Letter | Class::Digit) {
            self.at += 1;
        }
    }

    #[inline]
    fn word(&mut self) -> Kind {
        let start = self.at;
        self.skip_word();
        if self.byte(self.at) == b'"' && self.at == start + 1 && self.byte(start) == b'b' {
            return self.quoted(b'"', Kind::Bytes);
        }
        Kind::Name
    }

    /// A number with an optional fraction and exponent. What its letters mean is looked at when its value is wanted.
    fn number(&mut self) -> Kind {
        let start = self.at;
        self.skip_word();
        if self.byte(self.at) == b'.' && self.class(self.at + 1) == Class::Digit {
            self.at += 1;
            self.skip_word();
        }
        let based = self.byte(start) == b'0' && matches!(self.byte(start + 1), b'x' | b'b' | b'f');
        let exponent = matches!(self.byte(self.at - 1), b'e' | b'E') && matches!(self.byte(self.at), b'+' | b'-');
        if exponent && !based && self.class(self.at + 1) == Class::Digit {
            self.at += 1;
            self.skip_word();
        }
        Kind::Number
    }

    fn other(&mut self) -> Kind {
        let one = |lexer: &mut Self, kind| {
            lexer.at += 1;
            kind
        };
        match self.byte(self.at) {
            b'\n' => {
                self.line += 1;
                one(self, Kind::Newline)
            }
            b'(' => one(self, Kind::OpenParen),
            b')' => one(self, Kind::CloseParen),
            b'{' => one(self, Kind::OpenBrace),
            b'}' => one(self, Kind::CloseBrace),
            b'[' => one(self, Kind::OpenBracket),
            b']' => one(self, Kind::CloseBracket),
            b'<' => one(self, Kind::Less),
            b'>' => one(self, Kind::Greater),
            b',' => one(self, Kind::Comma),
            b':' => one(self, Kind::Colon),
            b'=' => one(self, Kind::Equals),
            b'.' => one(self, Kind::Dot),
            b'@' => one(self, Kind::At),
            b'"' => self.quoted(b'"', Kind::Text),
            b'\'' => self.quoted(b'\'', Kind::Char),
            b'`' => self.quoted(b'`', Kind::Quoted),
            b'-' => self.minus(),
            _ => self.unknown(),
        }
    }

    fn minus(&mut self) -> Kind {
        self.at += 1;
        if self.byte(self.at) == b'>' {
            self.at += 1;
            Kind::Arrow
        } else if self.class(self.at) == Class::Digit {
            self.number()
        } else if self.class(self.at) == Class::Letter {
            self.skip_word();
            Kind::Number
        } else {
            Kind::Bad
        }
    }

    fn quoted(&mut self, quote: u8, kind: Kind) -> Kind {
        self.at += 1;
        loop {
            let byte = self.byte(self.at);
            if byte == quote {
                self.at += 1;
                return kind;
            } else if byte == b'\n' || self.at >= self.source.len() {
                return Kind::Unterminated;
            } else if byte == b'\\' && !matches!(self.byte(self.at + 1), 0 | b'\n') {
                self.at += 1;
            }
            self.at += if self.byte(self.at) < 0x80 { 1 } else { self.character().map_or(1, char::len_utf8) };
        }
    }

    fn character(&self) -> Option<char> {
        self.source.get(self.at..)?.chars().next()
    }

    fn unknown(&mut self) -> Kind {
        match self.character() {
            None => Kind::End,
            Some(character) => {
                self.at += character.len_utf8();
                Kind::Bad
            }
        }
    }
}
