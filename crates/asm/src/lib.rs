//! Assembly text to modules and back.
//!
//! [`assemble()`] reads the text that `docs/spec/assembly.md` describes and gives a module or diagnostics, usually several;
//! [`disassemble()`] writes a module as text that assembles to the same bytes. This crate knows no files: whoever calls it
//! brings the source and a [`Resolver`] for imports.
//!
//! **Invariant:** no input makes it panic, and what it takes in time and memory is proportional to the source's length.
#![forbid(unsafe_code)]

mod diagnostic;
mod lexer;
mod literal;
mod mnemonic;
mod name;

mod parser;

mod ir;
mod scope;
mod type_pool;

mod imports;
mod items;
mod scan;

mod body;
mod data_pool;

mod typing;

mod flow;

mod elaborate;
mod explain;

mod live;

mod emit;

mod assemble;
mod code_text;
mod disassemble;
mod type_text;

pub use assemble::{Assembled, ImportedModule, NoImports, Resolver, SOURCE_BYTES_MAX, assemble};
pub use diagnostic::Code;
pub use disassemble::{DisassembleError, disassemble};
pub use fardel_diagnostic::{Diagnostic, Label, Severity};
