//! The machine.

use crate::config::Config;
use crate::door::{HostTable, Input, Output};
use crate::fiber::FiberId;
use crate::value::Value;
use fardel_bytecode::module::ModuleHash;

/// A machine: fibers, their memory, their code.
#[derive(Debug)]
pub struct Machine {}

/// What a call of [`Machine::run`] left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// Fibers are ready to run.
    More,
    /// No fiber is ready; the machine waits for an input or for its next timeout.
    Idle,
}

/// Counts since a machine's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Fibers started.
    pub fibers_started: u64,
    /// Fibers alive.
    pub fibers_live: u64,
    /// Messages sent.
    pub messages: u64,
    /// Messages to fibers that were gone.
    pub dead_letters: u64,
    /// Fuel charged.
    pub fuel: u64,
    /// Instructions carried out, when counted.
    pub instructions: Option<u64>,
    /// Slices run.
    pub slices: u64,
    /// Collections.
    pub collections: u64,
    /// Bytes in the fibers' blocks now.
    pub block_bytes: u64,
    /// The most bytes there ever were.
    pub block_bytes_max: u64,
}

/// A fiber that cannot go on by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocked {
    /// Which.
    pub fiber: FiberId,
    /// The function that it is in.
    pub function: String,
    /// The place in the function's code.
    pub offset: u32,
    /// The source file and line, where the module has them.
    pub source: Option<(String, u32)>,
    /// What it waits for, as `a message`.
    pub waits_for: &'static str,
    /// Messages in its mailbox.
    pub mailbox: u64,
}

/// One instruction that is about to be carried out.
#[derive(Clone, Debug)]
pub struct TraceEvent<'a> {
    /// By which fiber.
    pub fiber: FiberId,
    /// In which function.
    pub function: &'a str,
    /// At which place in its code, in bytes.
    pub offset: u32,
    /// The instruction's name.
    pub mnemonic: &'static str,
    /// Messages in the fiber's mailbox.
    pub mailbox: u64,
}

/// Why a module cannot be loaded into a machine.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// A module that it imports is not loaded.
    #[error("module {importer} imports `{name}` of module {module}, which is not loaded")]
    MissingModule {
        /// Who imports.
        importer: ModuleHash,
        /// What is missing.
        module: ModuleHash,
        /// The function.
        name: String,
    },
    /// A module that it imports does not export the function with that signature.
    #[error("module {module} exports no `{name}` with the signature {wanted}")]
    MissingExport {
        /// Whose export.
        module: ModuleHash,
        /// The function.
        name: String,
        /// The signature that was wanted.
        wanted: String,
    },
    /// The machine's tables are full.
    #[error("the machine's table of {0} is full")]
    Full(&'static str),
}

/// Why a fiber cannot be started from outside.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SpawnError {
    /// No such module is loaded.
    #[error("module {0} is not loaded")]
    NoModule(ModuleHash),
    /// The module exports no such function.
    #[error("module {module} exports no function `{name}`")]
    NoFunction {
        /// Whose export.
        module: ModuleHash,
        /// The function.
        name: String,
    },
    /// An argument does not fit the function's parameters.
    #[error("`{name}` takes {wanted}, not {seen}")]
    BadArguments {
        /// The function.
        name: String,
        /// Its parameters.
        wanted: String,
        /// What was given.
        seen: String,
    },
    /// The machine has no room for another fiber.
    #[error("the machine has no room for another fiber")]
    Full,
}

#[allow(unused_variables, clippy::unimplemented, missing_docs)]
impl Machine {
    pub fn new(config: Config) -> Machine {
        Machine {}
    }

    /// Loads a module; loading one that is there already changes nothing.
    pub fn load(
        &mut self,
        module: &fardel_bytecode::verify::VerifiedModule,
        hosts: &HostTable,
    ) -> Result<ModuleHash, LoadError> {
        unimplemented!()
    }

    /// The parameter types of an exported function, as text, if it exists: `["List<Text>"]`.
    pub fn signature(&self, module: ModuleHash, function: &str) -> Option<(Vec<String>, Option<String>)> {
        unimplemented!()
    }

    pub fn spawn(&mut self, module: ModuleHash, function: &str, args: &[Value]) -> Result<FiberId, SpawnError> {
        unimplemented!()
    }

    /// Takes an input.
    pub fn handle(&mut self, input: Input) {
        unimplemented!()
    }

    /// Runs at most `slices` slices.
    pub fn run(&mut self, slices: u32) -> Run {
        unimplemented!()
    }

    /// The next output, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        unimplemented!()
    }

    /// When the machine wants to be told the time at the latest, in nanoseconds of [`Input::Time`].
    pub fn next_timeout(&self) -> Option<u64> {
        None
    }

    /// Whether host calls are under way.
    pub fn waits_for_host(&self) -> bool {
        unimplemented!()
    }

    pub fn stats(&self) -> Stats {
        unimplemented!()
    }

    /// The fibers that wait for something, in the order of their ids, at most `limit` of them.
    pub fn blocked(&self, limit: usize) -> Vec<Blocked> {
        unimplemented!()
    }

    /// Sets who is told of each instruction under [`crate::config::Dispatch::Trace`].
    pub fn set_tracer(&mut self, tracer: Box<dyn FnMut(&TraceEvent<'_>)>) {
        unimplemented!()
    }
}
