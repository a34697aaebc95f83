//! Fardel for programs that embed it: load modules, offer host functions, run.
//!
//! This crate drives the machine of `fardel-vm` with the standard library alone: one thread owns the machine, others
//! serve host functions that block. It knows nothing of the command line and of networks.
//!
//! ```
//! use fardel::{Hosts, Program, Runtime, Settings};
//!
//! let mut hosts = Hosts::standard();
//! hosts.add("demo.twice", |number: i64| number.checked_mul(2).ok_or("too large".to_string()));
//! let source = "
//!     host demo.twice(Int) -> Int
//!     fn main() -> Int
//!         push 21
//!         call_host demo.twice
//!         ret
//!     end
//! ";
//! let program = Program::from_text("demo.fda", source)?;
//! let outcome = Runtime::new(Settings::default(), hosts).run(program)?;
//! assert_eq!(outcome.status, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariant:** whatever is not determined by a program's code enters its machine through [`Runtime`].
#![forbid(unsafe_code)]

pub mod clock;
mod host;
pub mod limits;
pub mod outcome;
mod output;
pub mod program;
mod report;
mod runtime;
mod settings;
mod trace;
mod workers;

pub use clock::Clock;
pub use fardel_bytecode as bytecode;
pub use fardel_vm as vm;
pub use host::{HostFunction, HostReturn, HostValue, Hosts, random_seed};
pub use outcome::{End, Outcome};
pub use program::{Program, ProgramError};
pub use runtime::{InterruptHandle, Runtime, StartError};
pub use settings::{Settings, Streams};
