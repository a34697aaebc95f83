//! The driver: it stands between a machine and the world.
//!
//! One thread owns the machine. It goes round: let in what happened outside and the time, run a batch of slices, carry
//! out what the machine wants. Host functions that may block run on other threads, and their results come back as
//! events.
//!
//! **Invariant:** a runtime shares nothing with another one but what its settings and host functions hold.

mod program;
mod turn;

pub use program::{Advance, InterruptHandle, Running, StartError};

use crate::host::{Arguments, Generator, HostContext, HostValue, Hosts, wanted_text};
use crate::limits::{BATCH_SLICES_MAX, INPUT_BYTES_MAX, WORKERS_MAX};
use crate::output::Output;
use crate::program::Program;
use crate::report::Sources;
use crate::settings::Settings;
use crate::trace::Trace;
use crate::workers::{Alarm, Event, EventSender, Workers};
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::verify::VerifiedModule;
use fardel_vm::config::{Config, Dispatch};
use fardel_vm::door::{Output as Outgoing, SendError};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::{LoadError, Machine, Run, SpawnError};
use fardel_vm::value::Value;
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufReader, Read};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

/// A machine with everything around it. It stays in the thread that made it.
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
    alarm: Alarm,
    interrupts: InterruptHandle,
    grace: u64,
    sources: Sources,
    failures: u64,
    /// The fiber whose end somebody waits for, and that end.
    joined: Option<FiberId>,
    joined_exit: Option<Exit>,
    keep_exits: bool,
    blocks: bool,
    exits: VecDeque<Exit>,
    /// The messages that wait in each mailbox of the outside.
    ports: BTreeMap<FiberId, VecDeque<Value>>,
    /// What is for other nodes.
    remote: VecDeque<Outgoing>,
    trace: Option<Trace>,
    batch: u32,
}

impl Runtime {
    /// Sets up a machine. Nothing runs yet, and no thread is started.
    pub fn new(settings: Settings, hosts: Hosts) -> Self {
        let Settings { machine: config, arguments, streams, clock, grace, keep_exits, blocks } = settings;
        let (events_in, events) = channel();
        let alarm = Alarm::default();
        let sender = EventSender::new(events_in, Alarm::clone(&alarm));
        let mut machine = Machine::new(config.clone());
        let trace = (config.dispatch == Dispatch::Trace).then(|| Trace::of(&mut machine));
        // Each call of a function that draws brings bits of its own.
        let random = Generator::new(0);
        let output = Output::new(streams.output, streams.line_wise);
        Runtime {
            machine,
            config,
            hosts,
            context: HostContext { output, error: streams.error, arguments, clock, random, exit: None },
            input: Arc::new(Mutex::new(BufReader::with_capacity(INPUT_BYTES_MAX, streams.input))),
            reader: Workers::new("fardel-input", 1, false, sender.clone()),
            workers: Workers::new("fardel-worker", WORKERS_MAX, true, sender.clone()),
            reads: 0,
            awaited: 0,
            events,
            alarm,
            interrupts: InterruptHandle::new(sender),
            grace,
            sources: Sources::new(),
            failures: 0,
            joined: None,
            joined_exit: None,
            keep_exits,
            blocks,
            exits: VecDeque::new(),
            ports: BTreeMap::new(),
            remote: VecDeque::new(),
            trace,
            batch: BATCH_SLICES_MAX,
        }
    }
    /// Loads a program's modules; gives its main one, in whose exported functions fibers can be started.
    ///
    /// # Errors
    /// See [`LoadError`]. Modules that were loaded before the one that cannot be stay loaded.
    pub fn load(&mut self, program: Program) -> Result<ModuleHash, LoadError> {
        for module in &program.modules {
            self.machine.load(module, self.hosts.table())?;
        }
        self.sources.extend(program.sources);
        Ok(program.main)
    }

    /// Starts a fiber in an exported function. It runs when the runtime does: in [`receive`](Runtime::receive),
    /// [`join`](Runtime::join), [`step`](Runtime::step) or [`run`](Runtime::run).
    ///
    /// # Errors
    /// See [`SpawnError`]; then nothing was started.
    pub fn spawn(&mut self, module: ModuleHash, function: &str, args: impl Arguments) -> Result<FiberId, SpawnError> {
        self.machine.spawn(module, function, &args.into_values())
    }

    /// Opens a port: an address to which fibers can send, and whose messages are taken by
    /// [`receive`](Runtime::receive). They wait there, however many, until somebody does or the port is closed.
    ///
    /// # Errors
    /// [`SpawnError::Full`]: a port takes the place of a fiber.
    pub fn open_port(&mut self) -> Result<FiberId, SpawnError> {
        let port = self.machine.open_port().ok_or(SpawnError::Full)?;
        self.ports.insert(port, VecDeque::new());
        Ok(port)
    }

    /// Closes a port; what waits there is dropped, and what is sent there from now on is a dead letter.
    pub fn close_port(&mut self, port: FiberId) {
        self.ports.remove(&port);
        self.machine.close_port(port);
    }

    /// Sends a message to a fiber.
    ///
    /// # Errors
    /// See [`SendError`]; the fiber has not got the message then.
    pub fn send(&mut self, to: FiberId, message: impl HostValue) -> Result<(), SendError> {
        self.machine.send(to, message.into_value())
    }

    /// Runs until there is a message at a port, and takes it; none when no fiber can go on any more.
    ///
    /// # Errors
    /// See [`ReceiveError`]. A message of another type has been taken.
    pub fn receive<T: HostValue>(&mut self, port: FiberId) -> Result<Option<T>, ReceiveError> {
        self.run_until(|runtime| runtime.ports.get(&port).is_none_or(|messages| !messages.is_empty()));
        self.try_receive(port)
    }

    /// Takes a message from a port, if one is there. Nothing runs.
    ///
    /// # Errors
    /// See [`ReceiveError`]. A message of another type has been taken.
    pub fn try_receive<T: HostValue>(&mut self, port: FiberId) -> Result<Option<T>, ReceiveError> {
        let messages = self.ports.get_mut(&port).ok_or(ReceiveError::NoPort(port))?;
        let message = messages.pop_front().map(T::from_value).transpose();
        message.map_err(|seen| ReceiveError::WrongType { wanted: wanted_text::<T>(), seen })
    }

    /// Runs until a fiber that was started by [`spawn`](Runtime::spawn) has ended, and takes its end; none when nothing
    /// can end it any more, or when a program has asked for the [end](Runtime::exit_status).
    ///
    /// The end of a fiber that ended before, while something else was waited for, is only there when ends are
    /// [kept](Settings::keep_exits).
    pub fn join(&mut self, fiber: FiberId) -> Option<Exit> {
        if let Some(at) = self.exits.iter().position(|exit| exit.fiber == fiber) {
            return self.exits.remove(at);
        }
        self.joined = Some(fiber);
        self.run_until(|runtime| !runtime.machine.is_alive(fiber) || runtime.context.exit.is_some());
        self.joined = None;
        self.joined_exit.take()
    }

    /// The exit status with which a program has asked for the end of all, by `process.exit`.
    pub fn exit_status(&self) -> Option<u8> {
        self.context.exit
    }

    /// Takes the oldest of the ends that are [kept](Settings::keep_exits): of the fibers that were started by
    /// [`spawn`](Runtime::spawn), and of others that failed. Nothing runs.
    pub fn exited(&mut self) -> Option<Exit> {
        self.exits.pop_front()
    }

    /// Runs at most so many slices, without waiting: lets in what happened outside and the time, and carries out what
    /// the machine wants. While it gives [`Run::Idle`], nothing happens before a [`wait`](Runtime::wait) or a message.
    pub fn step(&mut self, slices: u32) -> Run {
        let run = self.turn(slices);
        self.context.output.flush();
        run
    }

    /// Waits until a host function has ended or a timer is due, at most until a time of the runtime's clock; gives
    /// whether there is anything to wait for. An [`InterruptHandle`] ends the waiting as well.
    pub fn wait(&mut self, until: Option<u64>) -> bool {
        let timeout = self.machine.next_timeout();
        if timeout.is_none() && !self.machine.waits_for_host() {
            return false;
        }
        self.sleep(timeout.into_iter().chain(until).min());
        true
    }

    /// What the machine has for other nodes, the oldest first.
    pub fn poll_remote(&mut self) -> Option<Outgoing> {
        self.remote.pop_front()
    }

    /// The machine, for whoever stands between it and other nodes. What enters it from there alone goes past the runtime.
    pub fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Loads a module whose imports are loaded, as one that comes from another node.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load_module(&mut self, module: &VerifiedModule) -> Result<ModuleHash, LoadError> {
        self.machine.load(module, self.hosts.table())
    }

    /// The time of the runtime's clock, in nanoseconds.
    pub fn now(&mut self) -> u64 {
        self.context.clock.now()
    }

    /// A virtual clock goes on to a time that is later; another one is what it is.
    pub fn set_time(&mut self, at: u64) {
        self.context.clock.advance(at);
    }

    /// Has a function called, on other threads, whenever something has happened that a [`step`](Runtime::step) would let in:
    /// for a caller that waits for other things as well.
    pub fn set_alarm(&self, alarm: impl Fn() + Send + Sync + 'static) {
        // It is set once.
        let _ = self.alarm.set(Box::new(alarm));
    }

    /// The machine, to look at: what is alive, what waits for what, when the next timer is due.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    fn run_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) && (self.turn(self.batch) == Run::More || self.wait(None)) {}
        self.context.output.flush();
    }
}

/// The end of a fiber.
#[derive(Clone, PartialEq, Debug)]
pub struct Exit {
    /// Which.
    pub fiber: FiberId,
    /// Why.
    pub reason: ExitReason,
    /// The result of its function, when that returned one.
    pub result: Option<Value>,
}

/// Why no message can be taken from a port.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ReceiveError {
    /// There is no such port, or it is closed.
    #[error("{0} is no open port")]
    NoPort(FiberId),
    /// The message is of another type. It is no longer at the port.
    #[error("the message is {seen:?}, wanted {wanted}")]
    WrongType {
        /// The type that was asked for.
        wanted: String,
        /// The message.
        seen: Value,
    },
}
