//! The language's front end: source text to what it says.
//!
//! [`parse()`] reads a file, [`parse_entry`] what is typed at the prompt. Both take any text, tell many mistakes in one run,
//! and give what could be read; the rest is `Error` in the [`ast`]. The [`tree::Tree`] holds every byte of the source. This
//! crate knows no types and no names: whether a program makes sense is found out later. It knows no files either.
//!
//! **Invariant:** no input makes it panic, and what it takes in time and memory is proportional to the source's length.
#![forbid(unsafe_code)]

pub mod ast;
mod code;
mod entry;
#[expect(clippy::wildcard_enum_match_arm)]
mod format;
mod kind;
// Of the kinds of tokens and nodes each place knows a few, and treats all others as what was not wanted there.
#[expect(clippy::wildcard_enum_match_arm)]
mod lexer;
mod literal;
#[expect(clippy::wildcard_enum_match_arm)]
mod lower;
mod number;
mod parse;
#[expect(clippy::wildcard_enum_match_arm)]
mod parser;
pub mod tree;

pub use code::Code;
pub use entry::{Entry, EntryPart, parse_entry};
pub use fardel_diagnostic::{Diagnostic, Label, Severity};
pub use format::format;
pub use kind::Kind;
pub use parse::{Parsed, SOURCE_BYTES_MAX, decode, parse};
pub use parser::{HEIGHT_MAX, NESTING_MAX};
