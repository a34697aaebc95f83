//! The codes of what is told of a text that is no program by its form alone.
//!
//! **Invariant:** numbers up to F0099 are for syntax; those of the checker begin with F0100, in a table of its own.

use std::ops::Range;

use crate::ast::Span;

fardel_diagnostic::codes! {
    "F0001" BadCharacter "A character that no part of a program begins with.";
    "F0002" Unterminated "A text, character or `${` without its end.";
    "F0003" BadEscape "An escape that texts, characters or byte strings do not have.";
    "F0004" BadNumber "A number that is malformed or too large.";
    "F0005" Syntax "Something else is wanted at this place.";
    "F0006" Unclosed "A bracket without its partner.";
    "F0007" TooDeep "Brackets, blocks or operators that are nested too deep.";
    "F0008" TooLarge "A source that is too large.";
    "F0009" NotUtf8 "A source that is not UTF-8.";
    "F0010" Chained "Comparisons or ranges in a chain.";
    "F0011" Foreign "A form of another language.";
    "F0012" WrongCase "A name whose letters are not in the case of its kind.";
    "F0013" BadText "A block text, character or byte string that is malformed.";
    "F0014" Misplaced "A part that may not stand at this place.";
    "F0015" NotAssignable "An assignment to what is neither a name, a field nor an element.";
    "F0016" BadPattern "A pattern that can match nothing, or with parts that patterns do not have.";
    "F0017" DanglingDoc "A documentation comment that documents nothing.";
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.range()
    }
}
