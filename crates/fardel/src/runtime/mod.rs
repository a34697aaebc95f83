//! The driver: it stands between a machine and the world.
//!
//! One thread owns the machine. It goes round: let in what happened outside and the time, run a batch of slices, carry
//! out what the machine wants. Host functions that may block run on other threads, and their results come back as
//! events.
//!
//! **Invariant:** a runtime shares nothing with another one but what its settings and host functions hold.

mod program;
mod turn;

pub use program::{InterruptHandle, StartError};

use crate::host::{Generator, HostContext, Hosts};
use crate::limits::{BATCH_SLICES_MAX, INPUT_BYTES_MAX, WORKERS_MAX};
use crate::output::Output;
use crate::report::Sources;
use crate::settings::Settings;
use crate::trace::Trace;
use crate::workers::{Event, Workers};
use fardel_vm::config::{Config, Dispatch};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::Machine;
use fardel_vm::value::Value;
use std::io::{BufReader, Read};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

/// A machine with everything around it.
pub struct Runtime {
    machine: Machine,
    config: Config,
    hosts: Hosts,
    context: HostContext,
    input: Arc<Mutex<BufReader<Box<dyn Read + Send>>>>,
    reader: Workers,
    /// Calls that the reader has.
    reads: usize,
    workers: Workers,
    /// Calls on threads whose end is worth waiting for, such as writing a file.
    awaited: usize,
    events: Receiver<Event>,
    interrupts: InterruptHandle,
    grace: u64,
    sources: Sources,
    failures: u64,
    /// The fiber whose end somebody waits for, and that end.
    joined: Option<FiberId>,
    joined_exit: Option<Exit>,
    trace: Option<Trace>,
    batch: u32,
}

impl Runtime {
    /// Sets up a machine. Nothing runs yet, and no thread is started.
    pub fn new(settings: Settings, hosts: Hosts) -> Self {
        let Settings { machine: config, arguments, streams, clock, grace } = settings;
        let (sender, events) = channel();
        let mut machine = Machine::new(config.clone());
        let trace = (config.dispatch == Dispatch::Trace).then(|| Trace::of(&mut machine));
        // Each call of a function that draws brings bits of its own.
        let random = Generator::new(0);
        let output = Output::new(streams.output, streams.line_wise);
        Runtime {
            machine,
            config,
            hosts,
            context: HostContext { output, error: streams.error, arguments, clock, random },
            input: Arc::new(Mutex::new(BufReader::with_capacity(INPUT_BYTES_MAX, streams.input))),
            reader: Workers::new("fardel-input", 1, false, sender.clone()),
            workers: Workers::new("fardel-worker", WORKERS_MAX, true, sender.clone()),
            reads: 0,
            awaited: 0,
            events,
            interrupts: InterruptHandle::new(sender),
            grace,
            sources: Sources::new(),
            failures: 0,
            joined: None,
            joined_exit: None,
            trace,
            batch: BATCH_SLICES_MAX,
        }
    }
}

/// The end of a fiber.
struct Exit {
    fiber: FiberId,
    reason: ExitReason,
    /// What its function returned.
    result: Option<Value>,
}
