//! One time round: let in what happened outside and the time, run a batch of slices, carry out what the machine wants.
//!
//! **Invariant:** everything that the machine learns while it runs passes `Machine::handle`; every host call that it
//! puts out is answered exactly once, unless the runtime goes before.

use super::{Exit, Runtime};
use crate::host::{Answer, Generator, Run as HostRun};
use crate::limits::{BATCH_SLICES_MIN, FAILURES_SHOWN_MAX, next_batch};
use crate::report;
use crate::workers::{Event, guarded};
use fardel_vm::door::{HostCallId, HostId, Input, Output};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::Run;
use fardel_vm::value::Value;
use std::sync::{Arc, PoisonError};

impl Runtime {
    /// Lets in what happened outside and the time, runs at most so many slices and carries out what the machine wants;
    /// gives whether fibers are ready to run.
    pub(super) fn turn(&mut self, slices: u32) -> Run {
        self.take_events();
        let now = self.context.clock.now();
        self.context.output.flush_old(now);
        self.machine.handle(Input::Time(now));
        let mut run = self.machine.run(slices);
        let took = self.context.clock.now().saturating_sub(now);
        if let Some(trace) = &self.trace {
            trace.write_to(&mut self.context);
        }
        let mut spoke = false;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::HostCall { call, host, args, random, fiber: _ } => {
                    spoke = true;
                    self.context.random = Generator::new(random);
                    if let Some(answer) = self.call(call, host, args) {
                        run = Run::More;
                        self.machine.handle(Input::HostResult { call, result: answer });
                    }
                }
                Output::Exited { fiber, reason, result } => self.take_exit(Exit { fiber, reason, result }),
                Output::DeadLetter(letter) => self.context.complain(&format!("{letter}\n")),
                Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Spawn { .. }
                | Output::Claim(_) => {
                    spoke = true;
                    self.remote.push_back(output);
                }
                Output::Message { to, value } => {
                    spoke = true;
                    if let Some(messages) = self.ports.get_mut(&to) {
                        messages.push_back(value);
                    }
                }
            }
        }
        self.batch = if spoke { BATCH_SLICES_MIN } else { next_batch(slices, took) };
        run
    }

    /// Carries out a host call, or has it carried out; then the answer comes as an event.
    fn call(&mut self, call: HostCallId, host: HostId, args: Vec<Value>) -> Option<Answer> {
        let submitted = match self.hosts.run(host) {
            None => return Some(Err(format!("the host has no function with the number {}", host.0))),
            Some(HostRun::AtOnce(function)) => return Some(guarded(|| function(&mut self.context, args))),
            Some(HostRun::Blocking(function)) if self.blocks => return Some(guarded(|| function(args))),
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
                    && (self.blocks || input.buffer().contains(&b'\n'))
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

    /// Waits for a result of a host function, at most until a time of the clock.
    pub(super) fn sleep(&mut self, until: Option<u64>) {
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

    fn take_exit(&mut self, exit: Exit) {
        if self.joined == Some(exit.fiber) {
            self.joined_exit = Some(exit);
        } else if self.keep_exits {
            self.exits.push_back(exit);
        } else {
            self.note_failure(exit.fiber, &exit.reason);
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
}
