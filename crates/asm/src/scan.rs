//! The first look at a source: where each item begins and ends.
//!
//! **Invariant:** items don't overlap, and each is read on its own, so that a mistake in one doesn't touch another.

use crate::diagnostic::{Code, Report, Sink, Span};
use crate::lexer::{Kind, Lexer, Token};
use crate::mnemonic;

macro_rules! keywords {
    ($($name:ident $word:literal;)*) => {
        /// The word that an item begins with.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Keyword { $($name,)* }

        impl Keyword {
            const WORDS: &'static [&'static str] = &[$($word),*];

            fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Keyword::$name),)*
                    _ => None,
                }
            }
        }
    };
}

keywords! {
    Type "type";
    Object "object";
    Sum "sum";
    Alias "alias";
    System "system";
    Const "const";
    Host "host";
    Import "import";
    Export "export";
    Fn "fn";
}

/// Words of other languages, and what they are called here.
const FOREIGN: &[(&str, &str)] = &[
    ("func", "fn"),
    ("function", "fn"),
    ("def", "fn"),
    ("fun", "fn"),
    ("struct", "type"),
    ("record", "type"),
    ("class", "object"),
    ("enum", "sum"),
    ("extern", "host"),
    ("use", "import"),
    ("include", "import"),
    ("public", "export"),
    ("let", "const"),
];

/// An item's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) keyword: Keyword,
    /// Where the keyword stands.
    pub(crate) span: Span,
    /// The line of the keyword.
    pub(crate) line: u32,
    /// The byte at which the item ends; of a function, where its `end` begins.
    pub(crate) end: u32,
}

/// Finds all items of a source.
pub(crate) fn scan(source: &str, sink: &mut Sink) -> Vec<Item> {
    let mut scanner = Scanner { source, lexer: Lexer::new(source, 0, 1), items: Vec::new(), astray: false };
    loop {
        let line = scanner.lexer.line();
        let token = scanner.lexer.next();
        match token.kind {
            Kind::Newline => {}
            Kind::End => return scanner.items,
            Kind::Name
            | Kind::Quoted
            | Kind::Number
            | Kind::Text
            | Kind::Bytes
            | Kind::Char
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
            | Kind::Unterminated
            | Kind::Bad => scanner.item(token, line, sink),
        }
    }
}

struct Scanner<'a> {
    source: &'a str,
    lexer: Lexer<'a>,
    items: Vec<Item>,
    /// Whether the lines before this one began no item: one diagnostic is enough for them.
    astray: bool,
}

impl<'a> Scanner<'a> {
    fn text(&self, token: Token) -> &'a str {
        self.source.get(token.span.range()).unwrap_or("")
    }

    /// The keyword that a line with this first token begins, unless the word is a label or a field.
    fn keyword(&self, token: Token) -> Option<Keyword> {
        let keyword = if token.kind == Kind::Name { Keyword::of(self.text(token))? } else { return None };
        if self.lexer.colon_follows() { None } else { Some(keyword) }
    }

    fn item(&mut self, token: Token, line: u32, sink: &mut Sink) {
        let Some(keyword) = self.keyword(token) else {
            self.stray(token, sink);
            return;
        };
        self.astray = false;
        let end = match keyword {
            Keyword::Fn => self.function_end(token, sink),
            Keyword::Type | Keyword::Object | Keyword::Sum | Keyword::Import => self.braced_end(),
            Keyword::Alias | Keyword::System | Keyword::Const | Keyword::Host | Keyword::Export => {
                self.lexer.skip_line();
                self.lexer.position()
            }
        };
        self.items.push(Item { keyword, span: token.span, line, end });
    }

    /// A line that begins no item.
    fn stray(&mut self, token: Token, sink: &mut Sink) {
        let word = self.text(token);
        self.lexer.skip_line();
        if std::mem::replace(&mut self.astray, true) {
            return;
        }
        let hint = if word == "end" {
            "there is no function here that it could end".to_owned()
        } else if mnemonic::find(word).is_some() || matches!(word, "local" | "handle" | "serve") {
            "instructions stand between `fn name()` and `end`".to_owned()
        } else {
            let ours =
                FOREIGN.iter().find(|(foreign, _)| *foreign == word).map(|(_, ours)| format!("here this is `{ours}`"));
            let suggestion = ours.or_else(|| fardel_diagnostic::suggestion(word, Keyword::WORDS.iter().copied()));
            suggestion.unwrap_or_else(|| format!("items begin with one of {}", Keyword::WORDS.join(", ")))
        };
        let shown: String = word.chars().take(40).collect();
        let report = Report::error(Code::UnknownItem, token.span, format!("found `{shown}`, wanted an item"));
        report.label("begins no item").hint(hint).tell(sink);
    }

    /// Goes behind an item that may have a list in braces.
    fn braced_end(&mut self) -> u32 {
        let mut depth = 0u32;
        let mut line_begins = false;
        loop {
            let before = self.lexer.clone();
            let token = self.lexer.next();
            if token.kind == Kind::End || (line_begins && self.keyword(token).is_some()) {
                self.lexer = before;
                return self.lexer.position();
            }
            line_begins = token.kind == Kind::Newline;
            if token.kind == Kind::OpenBrace {
                depth += 1;
            } else if token.kind == Kind::CloseBrace {
                depth = depth.saturating_sub(1);
            } else if line_begins && depth == 0 {
                return self.lexer.position();
            }
        }
    }

    /// Goes behind a function's `end` and gives the byte where it begins.
    fn function_end(&mut self, keyword: Token, sink: &mut Sink) -> u32 {
        self.lexer.skip_line();
        loop {
            let before = self.lexer.clone();
            let mut token = self.lexer.next();
            if token.kind == Kind::Newline {
                continue;
            }
            if token.kind == Kind::End || self.keyword(token).is_some() {
                self.lexer = before;
                let name = self.source.get(keyword.span.end as usize..).and_then(|rest| rest.lines().next());
                let message = format!("the function `{}` has no `end`", header_name(name.unwrap_or("")));
                let report = Report::error(Code::MissingEnd, keyword.span, message).label("begins here");
                report.hint("a line `end` closes a function").tell(sink);
                return self.lexer.position();
            }
            if self.is_label(token) {
                self.lexer.next();
                token = self.lexer.next();
            }
            if token.kind == Kind::Name && self.text(token) == "end" && !self.is_label(token) {
                self.lexer.skip_line();
                return token.span.start;
            }
            if token.kind != Kind::Newline {
                self.lexer.skip_line();
            }
        }
    }

    /// Whether the token just taken is a label.
    fn is_label(&self, token: Token) -> bool {
        matches!(token.kind, Kind::Name | Kind::Quoted) && self.lexer.colon_follows()
    }
}

fn header_name(rest: &str) -> &str {
    rest.split(['(', '[']).next().unwrap_or("").trim()
}
