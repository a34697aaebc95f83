//! The lowest layer of Fardel: instruction set, types, modules, verifier.
//!
//! This crate knows nothing of fibers, heaps, files, clocks or threads: bytes and values in, values and bytes out.
//!
//! **Invariant:** every fact about an instruction stands in one row of [`isa`]; every fact about a type in [`types`].
#![forbid(unsafe_code)]

pub mod index;
pub mod leb;
pub mod limits;
pub mod operand;
pub mod types;

pub mod format;
#[cfg(any(test, feature = "generate"))]
pub mod generate;
pub mod isa;
pub mod module;
pub mod shape;
pub mod system;
pub mod verify;

pub use isa::{Inst, Opcode};
pub use module::Module;
