//! What is told of a source text: errors and warnings with their place, what may help, and how people read it.
//!
//! The assembler and the language share it. Each has a table of codes of its own, made by [`codes!`]. This crate knows no
//! files: whoever renders a diagnostic brings the source's name and text.
//!
//! **Invariant:** rendering never panics, whatever the source, and takes time by the place and not by the whole source.
#![forbid(unsafe_code)]

mod codes;
mod diagnostic;
mod nearest;
mod render;
mod report;

pub use diagnostic::{Diagnostic, Label, Severity};
pub use nearest::{nearest, suggestion};
pub use report::{Report, Sink, Told};
