//! The run of a program: from its `main` to the end of all fibers, with what is said about it.
//!
//! **Invariant:** a run gives its outcome when `main` has ended, when nothing can go on, or when it was interrupted; and
//! fibers that go on after that end it no later than the grace.

use super::{Exit, Runtime};
use crate::host::HostValue;
use crate::limits::{BLOCKED_SHOWN_MAX, FAILURES_SHOWN_MAX};
use crate::outcome::{End, Outcome, status};
use crate::program::Program;
use crate::report;
use crate::trace::Trace;
use crate::workers::{Event, EventSender};
use fardel_bytecode::module::ModuleHash;
use fardel_vm::door::Input;
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::{LoadError, Run, SpawnError};
use fardel_vm::value::Value;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

/// A program that was begun and is not over.
#[derive(Debug)]
pub struct Running {
    main: FiberId,
    /// When an interrupted run ends at the latest.
    deadline: Option<u64>,
}

/// One time round.
enum Round {
    /// Whether fibers are ready to run.
    Ran(Run),
    /// Why the run is over, and what `main` returned.
    Over(End, Option<Value>),
}

/// What going round once came to.
#[derive(Debug)]
pub enum Advance {
    /// Fibers are ready to run.
    More,
    /// None is, before something happens or the machine's next timeout; to be called again at this time of the runtime's
    /// clock in any case.
    Idle(Option<u64>),
    /// The program is over.
    Over(Box<Outcome>),
}

/// Interrupts a run from another thread, such as one that waits for signals.
#[derive(Clone)]
pub struct InterruptHandle {
    count: Arc<AtomicU32>,
    events: EventSender,
}

impl InterruptHandle {
    pub(super) fn new(events: EventSender) -> Self {
        InterruptHandle { count: Arc::default(), events }
    }

    fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    /// Asks the run to end: the first time with the usual grace, from the second time on at once.
    ///
    /// Gives how often it was called before.
    pub fn interrupt(&self) -> u32 {
        let before = self.count.fetch_add(1, Ordering::SeqCst);
        // Without a receiver the run is over already.
        self.events.send(Event::Interrupted);
        before
    }
}

impl Runtime {
    /// A handle that interrupts a run from another thread.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.interrupts.clone()
    }

    /// Runs a program from its `main` to its end. Failures are reported on the standard error.
    ///
    /// # Errors
    /// When it cannot be started; nothing has run then.
    pub fn run(&mut self, program: Program) -> Result<Outcome, StartError> {
        let mut running = self.begin(program)?;
        loop {
            match self.advance(&mut running) {
                Advance::More => {}
                Advance::Idle(until) => {
                    if !self.wait(until) {
                        return Ok(self.deadlocked());
                    }
                }
                Advance::Over(outcome) => return Ok(*outcome),
            }
        }
    }

    /// Starts a program's `main`, for a caller that goes round itself with [`Runtime::advance`].
    ///
    /// # Errors
    /// When it cannot be started; nothing runs then.
    pub fn begin(&mut self, program: Program) -> Result<Running, StartError> {
        let module = self.load(program)?;
        let main = self.start(module)?;
        self.joined = Some(main);
        Ok(Running { main, deadline: None })
    }

    /// Goes round once with a program that was begun, without waiting but for the last fibers when `main` has ended.
    pub fn advance(&mut self, running: &mut Running) -> Advance {
        match self.go_round(running) {
            Round::Ran(Run::More) => Advance::More,
            Round::Ran(Run::Idle) => Advance::Idle(running.deadline),
            Round::Over(end, result) => Advance::Over(Box::new(self.outcome(end, result))),
        }
    }

    /// The outcome of a program in which nothing can go on.
    pub fn deadlocked(&mut self) -> Outcome {
        let end = self.deadlock();
        self.outcome(end, None)
    }

    fn outcome(&mut self, end: End, result: Option<Value>) -> Outcome {
        self.joined = None;
        let status = self.conclude(&end, result);
        let mut stats = self.machine.stats();
        stats.instructions = stats.instructions.or(self.trace.as_ref().map(Trace::instructions));
        Outcome { status, end, stats }
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

    fn go_round(&mut self, running: &mut Running) -> Round {
        let Running { main, deadline } = running;
        if let Some(end) = self.output_end().or(self.context.exit.map(End::Exited)) {
            self.machine.handle(Input::Exit { fiber: *main, reason: ExitReason::Shutdown });
            self.close(self.context.clock.now().saturating_add(self.grace));
            return Round::Over(end, None);
        }
        if self.interrupts.count() > 0 && deadline.is_none() {
            *deadline = Some(self.context.clock.now().saturating_add(self.grace));
            self.machine.handle(Input::Exit { fiber: *main, reason: ExitReason::Shutdown });
        }
        if self.interrupts.count() > 1 || deadline.is_some_and(|deadline| self.context.clock.now() >= deadline) {
            return Round::Over(End::Interrupted, None);
        }
        let run = self.turn(self.batch);
        if let Some(Exit { reason, result, .. }) = self.joined_exit.take() {
            self.close(deadline.unwrap_or_else(|| self.context.clock.now().saturating_add(self.grace)));
            return Round::Over(if deadline.is_some() { End::Interrupted } else { End::Main(reason) }, result);
        }
        Round::Ran(run)
    }

    fn deadlock(&self) -> End {
        let blocked = self.machine.blocked(BLOCKED_SHOWN_MAX);
        let more = self.machine.stats().fibers_live.saturating_sub(blocked.len() as u64);
        End::Deadlock { blocked, more }
    }

    /// Asks the fibers that are left to end, and waits for them and for awaited calls, at most until `deadline`.
    fn close(&mut self, deadline: u64) {
        self.joined = None;
        let interrupts = self.interrupts.count();
        let mut asked: Vec<FiberId> = Vec::new();
        while self.interrupts.count() == interrupts && self.context.clock.now() < deadline {
            // Once more in each round: a fiber may have started another one before it ended.
            let alive: Vec<FiberId> = self.machine.fibers().collect();
            for fiber in alive.iter().filter(|fiber| asked.binary_search(fiber).is_err()) {
                self.machine.handle(Input::Exit { fiber: *fiber, reason: ExitReason::Shutdown });
            }
            asked = alive;
            let run = self.turn(self.batch);
            let alive = self.machine.stats().fibers_live;
            let can_change = run == Run::More || self.machine.next_timeout().is_some() || self.awaited > 0;
            if (alive == 0 && self.awaited == 0) || !can_change {
                return;
            }
            if run == Run::Idle {
                self.sleep(Some(deadline));
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
            End::Exited(status) => *status,
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
