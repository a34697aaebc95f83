//! The driver: it runs a machine until its program ends, and stands between the machine and the world.
//!
//! One thread owns the machine. It goes round: let in what happened outside and the time, run a batch of slices, carry
//! out what the machine wants. Host functions that may block run on other threads, and their results come back as
//! events.
//!
//! **Invariant:** everything that the machine learns passes [`Machine::handle`]; every host call that it puts out is
//! answered exactly once, unless the run ends before.

use crate::clock::Clock;
use crate::host::{Answer, Generator, HostContext, HostValue, Hosts, Run as HostRun};
use crate::limits::{
    BATCH_SLICES_MAX, BATCH_SLICES_MIN, BLOCKED_SHOWN_MAX, FAILURES_SHOWN_MAX, GRACE_NANOS, INPUT_BYTES_MAX, WORKERS_MAX,
};
use crate::outcome::{End, Outcome, status};
use crate::output::Output as OutputBuffer;
use crate::program::Program;
use crate::report::{self, Sources};
use crate::trace::Trace;
use crate::workers::{Event, Workers, guarded};
use fardel_bytecode::module::ModuleHash;
use fardel_vm::config::{Config, Dispatch};
use fardel_vm::door::{HostCallId, HostId, Input, Output};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::{LoadError, Machine, Run, SpawnError};
use fardel_vm::value::Value;
use std::io::{self, BufReader, IsTerminal as _, Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// What a runtime is started with.
pub struct Settings {
    /// The machine's settings. Its seed is also that of `random`.
    pub machine: Config,
    /// The program's arguments, without its own name.
    pub arguments: Vec<String>,
    /// The standard streams.
    pub streams: Streams,
    /// The time.
    pub clock: Clock,
    /// Nanoseconds that fibers have to end after `main` did.
    pub grace: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            machine: Config::default(),
            arguments: Vec::new(),
            streams: Streams::standard(),
            clock: Clock::system(),
            grace: GRACE_NANOS,
        }
    }
}

/// The standard streams of a program.
pub struct Streams {
    /// What `io.read_line` reads; it is buffered by the runtime.
    pub input: Box<dyn Read + Send>,
    /// What `io.print` writes to.
    pub output: Box<dyn Write>,
    /// What `io.error` writes to, and where failures are reported.
    pub error: Box<dyn Write>,
    /// Whether each line is to appear at once.
    pub line_wise: bool,
}

impl Streams {
    /// Those of the process.
    pub fn standard() -> Self {
        Streams {
            input: Box::new(io::stdin()),
            output: Box::new(io::stdout()),
            error: Box::new(io::stderr()),
            line_wise: io::stdout().is_terminal(),
        }
    }
}

/// Why a program cannot be started.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StartError {
    /// A module cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The program has no function to start with.
    #[error("the module exports no function `main`")]
    NoMain,
    /// `main` has a signature that the driver does not know how to use.
    #[error("the signature of main is `{seen}`; wanted `main()` or `main(args: List<Text>)`, with or without `-> Int`")]
    BadMain {
        /// The signature.
        seen: String,
    },
    /// The machine refuses to start it.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// Interrupts a run from another thread, such as one that waits for signals.
#[derive(Clone)]
pub struct InterruptHandle {
    count: Arc<AtomicU32>,
    events: Sender<Event>,
}

impl InterruptHandle {
    fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    /// Asks the run to end: the first time with the usual grace, from the second time on at once.
    ///
    /// Gives how often it was called before.
    pub fn interrupt(&self) -> u32 {
        let before = self.count.fetch_add(1, Ordering::SeqCst);
        // Without a receiver the run is over already.
        let _ = self.events.send(Event::Interrupted);
        before
    }
}

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
        let output = OutputBuffer::new(streams.output, streams.line_wise);
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
            interrupts: InterruptHandle { count: Arc::default(), events: sender },
            grace,
            sources: Sources::new(),
            failures: 0,
            trace,
            batch: BATCH_SLICES_MAX,
        }
    }

    /// A handle that interrupts a run from another thread.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.interrupts.clone()
    }

    /// Runs a program from its `main` to its end. Failures are reported on the standard error.
    ///
    /// # Errors
    /// When it cannot be started; nothing has run then.
    pub fn run(&mut self, program: Program) -> Result<Outcome, StartError> {
        let Program { modules, main, sources } = program;
        for module in &modules {
            self.machine.load(module, self.hosts.table())?;
        }
        self.sources = sources;
        let main = self.start(main)?;
        let (end, result) = self.drive(main);
        let status = self.conclude(&end, result);
        let mut stats = self.machine.stats();
        stats.instructions = stats.instructions.or(self.trace.as_ref().map(Trace::instructions));
        Ok(Outcome { status, end, stats })
    }

    fn start(&mut self, module: ModuleHash) -> Result<FiberId, StartError> {
        let (params, result) = self.machine.signature(module, "main").ok_or(StartError::NoMain)?;
        let arguments = match params.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Some(Vec::new()),
            ["List<Text>"] => Some(vec![HostValue::into_value(self.context.arguments.clone())]),
            [..] => None,
        };
        let known_result = matches!(result.as_deref(), None | Some("Int"));
        let Some(arguments) = arguments.filter(|_| known_result) else {
            let result = result.map_or(String::new(), |result| format!(" -> {result}"));
            return Err(StartError::BadMain { seen: format!("main({}){result}", params.join(", ")) });
        };
        Ok(self.machine.spawn(module, "main", &arguments)?)
    }

    /// Goes round until the run is over; gives why, and what `main` returned.
    fn drive(&mut self, main: FiberId) -> (End, Option<Value>) {
        let mut deadline = None;
        loop {
            self.take_events();
            if let Some(end) = self.output_end() {
                self.machine.handle(Input::Exit { fiber: main, reason: ExitReason::Shutdown });
                self.close(self.context.clock.now().saturating_add(self.grace));
                return (end, None);
            }
            if self.interrupts.count() > 0 && deadline.is_none() {
                deadline = Some(self.context.clock.now().saturating_add(self.grace));
                self.machine.handle(Input::Exit { fiber: main, reason: ExitReason::Shutdown });
            }
            if self.interrupts.count() > 1 || deadline.is_some_and(|deadline| self.context.clock.now() >= deadline) {
                return (End::Interrupted, None);
            }
            let turn = self.turn(main);
            if let Some((reason, result)) = turn.main {
                self.close(deadline.unwrap_or_else(|| self.context.clock.now().saturating_add(self.grace)));
                return (if deadline.is_some() { End::Interrupted } else { End::Main(reason) }, result);
            }
            if turn.quiet && !self.rest(deadline) {
                return (self.deadlock(), None);
            }
        }
    }

    /// Lets the time in, runs a batch and carries out what the machine wants.
    fn turn(&mut self, main: FiberId) -> Turn {
        let now = self.context.clock.now();
        self.context.output.flush_old(now);
        self.machine.handle(Input::Time(now));
        let run = self.machine.run(self.batch);
        if let Some(trace) = &self.trace {
            trace.write_to(&mut self.context);
        }
        let mut turn = Turn { quiet: run == Run::Idle, main: None };
        let mut called = false;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::HostCall { call, host, args, random, fiber: _ } => {
                    called = true;
                    self.context.random = Generator::new(random);
                    if let Some(answer) = self.call(call, host, args) {
                        turn.quiet = false;
                        self.machine.handle(Input::HostResult { call, result: answer });
                    }
                }
                Output::Exited { fiber, reason, result } if fiber == main => turn.main = Some((reason, result)),
                Output::Exited { fiber, reason, result: _ } => self.note_failure(fiber, &reason),
                Output::DeadLetter(letter) => self.context.complain(&format!("{letter}\n")),
                // Nobody has opened a mailbox.
                Output::Message { .. } => {}
            }
        }
        self.batch = if called { BATCH_SLICES_MIN } else { (self.batch * 2).min(BATCH_SLICES_MAX) };
        turn
    }

    /// Carries out a host call, or has it carried out; then the answer comes as an event.
    fn call(&mut self, call: HostCallId, host: HostId, args: Vec<Value>) -> Option<Answer> {
        let submitted = match self.hosts.run(host) {
            None => return Some(Err(format!("the host has no function with the number {}", host.0))),
            Some(HostRun::AtOnce(function)) => return Some(guarded(|| function(&mut self.context, args))),
            Some(HostRun::Blocking(function)) => {
                let function = Arc::clone(function);
                self.workers.submit(call, move || function(args)).inspect(|()| self.awaited += 1)
            }
            Some(HostRun::Input(function)) => {
                let function = *function;
                // A whole line that is here already needs no thread that waits for it, which would cost far more than
                // the line.
                if self.reads == 0
                    && let Ok(mut input) = self.input.try_lock()
                    && input.buffer().contains(&b'\n')
                {
                    return Some(function(&mut *input, args));
                }
                let input = Arc::clone(&self.input);
                // A read that panicked may have left half a line; the next one begins behind it.
                let read = move || function(&mut *input.lock().unwrap_or_else(PoisonError::into_inner), args);
                self.reader.submit(call, read).inspect(|()| self.reads += 1)
            }
        };
        submitted.err().map(Err)
    }

    fn take_events(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Done { call, answer, awaited } => {
                let count = if awaited { &mut self.awaited } else { &mut self.reads };
                *count -= 1;
                self.machine.handle(Input::HostResult { call, result: answer });
            }
            // The count says it; the event only wakes.
            Event::Interrupted => {}
        }
    }

    /// Waits for whatever comes next, at most until `deadline`; gives whether anything can come.
    fn rest(&mut self, deadline: Option<u64>) -> bool {
        let timeout = self.machine.next_timeout();
        if timeout.is_none() && !self.machine.waits_for_host() {
            return false;
        }
        self.wait(timeout.into_iter().chain(deadline).min());
        true
    }

    fn wait(&mut self, until: Option<u64>) {
        self.context.output.flush();
        let event = match until {
            // The runtime holds a sender itself, so that there is always something to wait for.
            None => self.events.recv().ok(),
            Some(until) => self.events.recv_timeout(self.context.clock.wait_until(until)).ok(),
        };
        if let Some(event) = event {
            self.take(event);
        }
    }

    fn deadlock(&self) -> End {
        let blocked = self.machine.blocked(BLOCKED_SHOWN_MAX);
        let more = self.machine.stats().fibers_live.saturating_sub(blocked.len() as u64);
        End::Deadlock { blocked, more }
    }

    /// Asks the fibers that are left to end, and waits for them and for awaited calls, at most until `deadline`.
    fn close(&mut self, deadline: u64) {
        let nobody = FiberId { slot: u32::MAX, generation: 0 };
        let interrupts = self.interrupts.count();
        let mut asked: Vec<FiberId> = Vec::new();
        while self.interrupts.count() == interrupts && self.context.clock.now() < deadline {
            self.take_events();
            // Once more in each round: a fiber may have started another one before it ended.
            let alive: Vec<FiberId> = self.machine.fibers().collect();
            for fiber in alive.iter().filter(|fiber| asked.binary_search(fiber).is_err()) {
                self.machine.handle(Input::Exit { fiber: *fiber, reason: ExitReason::Shutdown });
            }
            asked = alive;
            let turn = self.turn(nobody);
            let alive = self.machine.stats().fibers_live;
            let can_change = !turn.quiet || self.machine.next_timeout().is_some() || self.awaited > 0;
            if (alive == 0 && self.awaited == 0) || !can_change {
                return;
            }
            if turn.quiet {
                self.wait(Some(deadline));
            }
        }
    }

    fn note_failure(&mut self, fiber: FiberId, reason: &ExitReason) {
        // One that was ended on purpose is no surprise.
        if reason.is_failure() && !matches!(reason, ExitReason::Killed) {
            self.failures += 1;
            if self.failures <= FAILURES_SHOWN_MAX {
                self.context.complain(&report::fiber_failed(fiber, reason));
            }
        }
    }

    /// Why nobody gets the output any more, if so.
    fn output_end(&self) -> Option<End> {
        let failure = self.context.output.failure()?;
        let closed = failure.kind() == io::ErrorKind::BrokenPipe;
        Some(if closed { End::OutputClosed } else { End::OutputFailed(failure.to_string()) })
    }

    /// Writes what is left to be written; gives the exit status.
    fn conclude(&mut self, end: &End, result: Option<Value>) -> u8 {
        self.context.output.flush();
        if let Some(more) = self.failures.checked_sub(FAILURES_SHOWN_MAX).filter(|more| *more > 0) {
            self.context.complain(&format!("and {more} more fibers ended with errors\n"));
        }
        if let Some(End::OutputFailed(why)) = self.output_end() {
            self.context.complain(&format!("the standard output cannot be written: {why}\n"));
            return status::FAILED;
        }
        match end {
            End::Main(reason) => self.conclude_main(reason, result),
            End::Deadlock { blocked, more } => {
                self.context.complain(&report::deadlock(blocked, *more));
                status::DEADLOCK
            }
            End::Interrupted => status::INTERRUPTED,
            End::OutputClosed => status::OK,
            End::OutputFailed(_) => status::FAILED,
        }
    }

    fn conclude_main(&mut self, reason: &ExitReason, result: Option<Value>) -> u8 {
        if reason.is_failure() {
            self.context.complain(&report::main_failed(reason, &self.sources, &self.config));
            return status::FAILED;
        }
        let Some(Value::Int(number)) = result else { return status::OK };
        u8::try_from(number).unwrap_or_else(|_| {
            self.context.complain(&format!("main returned {number}; an exit status is 0 to 255\n"));
            status::FAILED
        })
    }
}

/// What a turn left.
struct Turn {
    /// Nothing can run before something comes from outside.
    quiet: bool,
    /// How `main` ended, if it did.
    main: Option<(ExitReason, Option<Value>)>,
}
