//! What may help: forms of other languages and slips of the hand, with how they are written here.
//!
//! **Invariant:** advice never changes what is taken; it is given where something was wrong anyway.

use super::Parser;
use crate::code::Code;
use crate::kind::Kind;
use crate::lexer::snake_case;

/// The type that is meant by a name of another language.
pub(super) fn type_for(name: &str) -> Option<&'static str> {
    Some(match name {
        "int" | "integer" | "i64" | "u64" | "i32" | "u32" | "long" | "usize" | "isize" | "number" => "Int",
        "float" | "double" | "f64" | "f32" => "Float",
        "string" | "str" | "text" => "Text",
        "bool" | "boolean" => "Bool",
        "bytes" => "Bytes",
        "void" | "unit" => "()",
        "list" | "array" | "vec" => "List<T>",
        "map" | "dict" => "Map<K, V>",
        "set" => "Set<T>",
        "any" | "object" => "json.Json",
        "never" => "Never",
        "duration" => "Duration",
        _ => return None,
    })
}

/// Whether a name is the null of another language.
pub(crate) fn null(name: &str) -> bool {
    matches!(name, "null" | "nil" | "undefined")
}

/// A name with a capital at the beginning of each word.
fn upper_case(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    words.map(capital).collect()
}

impl Parser<'_, '_> {
    /// Tells that the current token is of another language.
    pub(super) fn foreign(&mut self, hint: &str) {
        let is_word = matches!(self.kind(), Kind::LowerName | Kind::UpperName);
        let why = if is_word { "which is no word of this language" } else { "which does not belong here" };
        let message = format!("found {}, {why}", self.seen());
        let report = self.error(Code::Foreign, self.here(), message).label("not written so here");
        self.tell(report.hint(hint));
    }

    /// Tells that a name is in the wrong case for `what`.
    pub(super) fn wrong_case(&mut self, wanted: Kind, what: &str) {
        let text = self.text_ahead(0);
        if self.is_told_by_lexer() {
            self.told = Some(self.at);
            return;
        }
        let message = format!("found `{text}`, wanted {what}");
        let (label, proposal) = if wanted == Kind::UpperName {
            let name = type_for(text).map_or_else(|| upper_case(text), str::to_owned);
            ("names of types and variants begin with a capital", name)
        } else {
            ("names of values, functions and fields begin with a small letter", snake_case(text))
        };
        let report = self.error(Code::WrongCase, self.here(), message).label(label);
        self.tell(report.hint(format!("write `{proposal}`")));
    }

    /// What may help when the current token is not what was wanted.
    pub(super) fn advice(&self) -> Option<String> {
        self.advice_here().or_else(|| self.advice_before().map(str::to_owned))
    }

    fn advice_here(&self) -> Option<String> {
        let hint = match self.kind() {
            Kind::EqEq => "`=` gives a value, `==` compares",
            Kind::FatArrow => "`->` stands here",
            Kind::GreaterEq => "a blank belongs between `>` and `=`",
            Kind::Semicolon => "leave the `;` out",
            Kind::Colon if self.ahead(1) == Kind::Colon => "parts of a path are joined by `.`",
            Kind::Colon if self.ahead(1) == Kind::Eq => "a value gets a name with `let name = value`",
            Kind::Plus if self.ahead(1) == Kind::Plus => "there is no `++`: write `+= 1`",
            Kind::Minus if self.ahead(1) == Kind::Minus => "there is no `--`: write `-= 1`",
            Kind::Question if self.ahead(1) == Kind::Question => "what is missing is replaced by `unwrap_or`",
            Kind::Question => "a choice is written `if condition { a } else { b }`",
            Kind::OpenBrace if self.before_is(Kind::Arrow) => "what has no result has no `->`",
            Kind::Percent => "`%` stands between two numbers",
            Kind::Underscore => "`_` stands in patterns, and for an argument of a call",
            Kind::Newline => return self.advice_at_line_end(),
            Kind::LowerName => return word_advice(self.text_ahead(0)).map(str::to_owned),
            kind if kind.is_keyword() => return keyword_advice(kind).map(str::to_owned),
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// What may help when what stands before the current token was read as something else than it was meant to be.
    fn advice_before(&self) -> Option<&'static str> {
        let before = self.source.get(self.before().range())?;
        match before {
            "?" => Some("a choice is written `if condition { a } else { b }`"),
            "|" if self.at(Kind::Greater) => Some("there is no `|>`: a method is called with a dot, `value.method()`"),
            "_" => Some("`_` stands alone for an argument; write a closure: `fn(x) { x + 1 }`"),
            word => word_advice(word),
        }
    }

    fn advice_at_line_end(&self) -> Option<String> {
        // What the next line begins with may have been meant to go on.
        let goes_on = matches!(
            self.ahead(1),
            Kind::Plus
                | Kind::Star
                | Kind::Slash
                | Kind::Percent
                | Kind::EqEq
                | Kind::BangEq
                | Kind::Or
                | Kind::Eq
                | Kind::Arrow
        );
        goes_on.then(|| "a line goes on when it ends in an operator: move the operator up".to_owned())
    }
}

fn word_advice(word: &str) -> Option<&'static str> {
    Some(match word {
        "mut" => "what changes is declared with `var`, and `let` names what does not",
        "and" => "write `&&`",
        "or" => "write `||`",
        "not" => "write `!`",
        "is" => "write `==`; what kind of value it is decides `match`",
        "elif" | "elsif" | "elseif" => "write `else if`",
        "then" | "do" | "begin" => "a block begins with `{`",
        "end" | "done" | "fi" => "a block ends with `}`",
        "function" | "func" | "fun" | "def" | "lambda" => "a function is written `fn`",
        "switch" | "case" | "when" => "cases are told apart by `match value { pattern -> result }`",
        "loop" | "until" | "repeat" => "a loop is written `while true { .. }` or `for x in list { .. }`",
        "try" | "catch" | "throw" | "raise" | "except" | "finally" => {
            "expected failure is a `Result`, `?` hands it on; `task.attempt` contains a crash"
        }
        "opaque" => "only a type is opaque",
        "val" | "auto" | "local" => "a value gets a name with `let`",
        "async" | "await" => "every fiber may wait; call the function as it is",
        "go" => "a fiber is started with `spawn`",
        "new" => "a value is built by its type's name: `Point(x, y)`",
        "class" | "struct" | "enum" | "interface" | "trait" | "impl" => {
            "a type with its methods is declared as `type Name { .. }`"
        }
        "import" | "require" | "include" => "modules are imported with `use`, before all items",
        "this" => "the value that a method belongs to is `self`",
        "null" | "nil" | "undefined" => "there is no null: what may be missing is an `Option`, `Some(value)` or `None`",
        "yield" => "it is a function: `yield()`",
        _ => return None,
    })
}

fn keyword_advice(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Else => "`else` belongs behind the `}` of an `if`, or behind the value of a `let`",
        Kind::As => "there are no conversions by `as`; types have methods for it: `n.to_float()`",
        Kind::In => "`in` stands in `for x in list`; `list.find(x)` and `map.has(x)` look for a value",
        Kind::Let | Kind::Var => "a statement begins in a new line or behind `;`",
        Kind::Pub => "only items and methods say `pub`",
        Kind::Return | Kind::Break | Kind::Continue | Kind::For | Kind::While | Kind::Serve => {
            "it is a statement and has no value; put it into a block: `{ return }`"
        }
        _ => return None,
    })
}
