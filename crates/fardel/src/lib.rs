//! Fardel for programs that embed it.
//!
//! ```
//! use fardel::{Hosts, Program, Runtime, Settings};
//! let mut hosts = Hosts::none();
//! hosts.add("demo.twice", |number: i64| number.checked_mul(2).ok_or("too large".to_string()));
//! let mut runtime = Runtime::new(Settings::default(), hosts);
//! let module = runtime.load(Program::from_text("demo.fda", "host demo.twice(Int) -> Int
//!     fn main(port: Address) receives Int
//!     next: await_type Int
//!         call_host demo.twice
//!         send port
//!         jmp next
//!     end")?)?;
//! let port = runtime.open_port()?;
//! let fiber = runtime.spawn(module, "main", (port,))?;
//! runtime.send(fiber, 21)?;
//! assert_eq!(runtime.receive(port)?, Some(42));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Runtime`] has a machine of its own: several run side by side, in one thread or in several. Fibers reach nothing
//! outside but the functions of its [`Hosts`], which may be closures that hold what they work with. Values go in and out
//! as the Rust types that are [`HostValue`]s. [`Runtime::receive`] and [`Runtime::join`] run fibers until there is
//! something to give; a program with a loop of its own uses [`Runtime::step`] and [`Runtime::wait`]:
//!
//! ```
//! use fardel::{Clock, Hosts, Program, Run, Runtime, Settings, Value};
//!
//! let source = "
//!     fn main(number: Int) -> Int
//!         load number
//!         push 1
//!         add
//!         ret
//!     end
//! ";
//! // A clock that goes on only when the runtime waits, for tests.
//! let clock = Clock::Virtual { now: 0, wall: 0 };
//! let mut runtime = Runtime::new(Settings { clock, keep_exits: true, ..Settings::default() }, Hosts::none());
//! let module = runtime.load(Program::from_text("next.fda", source)?)?;
//! runtime.spawn(module, "main", (41,))?;
//! while runtime.step(100) == Run::More || runtime.wait(None) {}
//! assert_eq!(runtime.exited().and_then(|exit| exit.result), Some(Value::Int(42)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate drives the machine of `fardel-vm` with the standard library alone: one thread owns the machine, others
//! serve host functions that block. Only [`package`] uses other crates, to read TOML and to hash. It knows nothing of the
//! command line and of networks.
//!
//! **Invariant:** whatever is not determined by a program's code enters its machine through [`Runtime`].
#![forbid(unsafe_code)]

pub mod clock;
mod doc_tests;
mod host;
pub mod language;
pub mod limits;
mod memory;
pub mod outcome;
mod output;
pub mod package;
pub mod program;
mod report;
mod runtime;
mod settings;
mod trace;
mod workers;

pub use clock::Clock;
pub use fardel_bytecode as bytecode;
pub use fardel_vm as vm;
pub use fardel_vm::door::{HostType, SendError};
pub use fardel_vm::exit::ExitReason;
pub use fardel_vm::fiber::FiberId;
pub use fardel_vm::machine::{LoadError, Run, SpawnError};
pub use fardel_vm::value::Value;
pub use host::{Arguments, HostFunction, HostReturn, HostValue, Hosts, random_seed};
pub use memory::machine_memory_max;
pub use outcome::{End, Outcome};
pub use program::{Program, ProgramError};
pub use runtime::{Advance, Exit, InterruptHandle, ReceiveError, Running, Runtime, StartError};
pub use settings::{Settings, Streams};
