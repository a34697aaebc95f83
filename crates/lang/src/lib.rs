//! The language: from sources to a module of the machine.
//!
//! [`load()`] brings the modules that a program names, [`check()`] says what is wrong with them, [`compile()`] makes a module. This
//! crate knows no files: whoever calls it brings a [`Resolver`].
//!
//! **Invariant:** no source makes it panic; a program without errors gives a module that the verifier accepts.
#![forbid(unsafe_code)]
#![allow(clippy::wildcard_enum_match_arm, reason = "a rule about one kind of expression says nothing of the other thirty")]

mod attributes;
// Of the kinds of expressions, types and patterns each place knows a few, and treats all others alike.
#[expect(clippy::wildcard_enum_match_arm)]
mod check;
mod code;
mod compile;
mod declare;
mod derive;
mod doubt;
mod load;
mod lower;
mod parts;
mod program;
mod std_modules;
mod suggest;
mod thir;
mod ty;

pub use code::Code;
pub use compile::{Checked, Compiled, EntryNames, Goal, check, compile};
pub use fardel_diagnostic::{Diagnostic, Severity};
pub use fardel_syntax::{Entry, EntryPart, ast, format, parse_entry};
pub use load::{Found, Resolver, Source, Sources, load};
pub use std_modules::is_std_module;
