//! A machine with fibers in it, driven as `fardel run` drives one: let in the time and what comes from outside, run a batch
//! of slices, take what comes out.
//!
//! What others feel of an offender is measured with a probe, a fiber that answers messages. One is due at each interval
//! whether or not the machine is busy then, and its delay counts from when it was due.

use super::clock::Clock;
use super::figures::Delays;
use super::programs;
use fardel::bytecode::module::ModuleHash;
use fardel::bytecode::verify::VerifiedModule;
use fardel::limits::{BATCH_SLICES_MAX, BATCH_SLICES_MIN, next_batch};
use fardel::vm::config::Config;
use fardel::vm::door::{HostTable, Input, Output};
use fardel::vm::exit::ExitReason;
use fardel::vm::fiber::FiberId;
use fardel::vm::machine::{Machine, Run};
use fardel::vm::value::Value;

/// Nanoseconds between two messages to the probe.
const PROBE_NANOS: u64 = 250_000;
/// Nanoseconds that answers may take after the last message; one that has not come then has taken that long at least.
const ANSWERS_NANOS_MAX: u64 = 5_000_000_000;
/// Rounds of an observation of which the median counts.
const ROUNDS: usize = 3;

/// A machine and what is known of it.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    /// Slices of the next batch, as the driver would have it.
    batch: u32,
    module: ModuleHash,
    others: ModuleHash,
    /// Where the probe's answers come.
    answers: FiberId,
    /// What programs tell the outside.
    reports: FiberId,
    pub(crate) reported: Vec<Value>,
    probe: Option<FiberId>,
    due: u64,
    /// Answers to what was due before belong to an observation that is over.
    since: u64,
    pending: u64,
    delays: Vec<u64>,
    /// Messages to the probe that the machine refused.
    pub(crate) refused: u64,
    /// Fibers that were started from here, and why they ended.
    started: Vec<FiberId>,
    pub(crate) ended: Vec<(FiberId, ExitReason)>,
}

/// What was seen of others in some time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) delays: Delays,
    /// Nanoseconds of the longest turn, of those with a collection in them and of those without.
    pub(crate) turn_max: u64,
    pub(crate) turn_max_uncollected: u64,
}

impl World {
    /// A machine with a program; nothing runs yet.
    ///
    /// # Panics
    /// When the program does not fit the machine.
    pub(crate) fn new(module: &VerifiedModule, config: Config) -> World {
        let mut machine = Machine::new(config);
        let mut load = |module: &VerifiedModule| machine.load(module, &HostTable::default()).expect("the module loads");
        let (module, others) = (load(module), load(&programs::OTHERS.module()));
        let mut port = || machine.open_port().expect("there is a place for a mailbox of the outside");
        let (answers, reports) = (port(), port());
        World {
            batch: BATCH_SLICES_MAX,
            machine,
            clock: Clock::start(),
            module,
            others,
            answers,
            reports,
            reported: Vec::new(),
            probe: None,
            due: 0,
            since: 0,
            pending: 0,
            delays: Vec::new(),
            refused: 0,
            started: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Starts a fiber in a function of the program.
    ///
    /// # Panics
    /// When there is no such function, or no place for the fiber.
    pub(crate) fn start(&mut self, function: &str, arguments: &[Value]) -> FiberId {
        self.start_in(self.module, function, arguments)
    }

    fn start_in(&mut self, module: ModuleHash, function: &str, arguments: &[Value]) -> FiberId {
        let fiber = self.machine.spawn(module, function, arguments).unwrap_or_else(|error| panic!("{function}: {error}"));
        self.started.push(fiber);
        fiber
    }

    /// Starts the probe, and so many fibers that compute and pairs that send to each other.
    pub(crate) fn start_others(&mut self, counters: usize, pairs: usize) {
        let answers = Value::Address(self.answers);
        self.probe = Some(self.start_in(self.others, "probe", &[answers]));
        for _ in 0..counters {
            self.start_in(self.others, "counter", &[]);
        }
        for _ in 0..pairs {
            self.start_in(self.others, "pair", &[]);
        }
    }

    /// The address of the outside.
    pub(crate) fn outside(&self) -> Value {
        Value::Address(self.reports)
    }

    /// Bytes of the machine in its own count.
    pub(crate) fn bytes(&self) -> u64 {
        let stats = self.machine.stats();
        stats.block_bytes + stats.outside_bytes
    }

    /// Fibers that are alive, without the mailboxes of the outside.
    pub(crate) fn fibers(&self) -> Vec<FiberId> {
        self.machine.fibers().filter(|fiber| *fiber != self.answers && *fiber != self.reports).collect()
    }

    /// Ends a fiber.
    pub(crate) fn kill(&mut self, fiber: FiberId) {
        self.machine.handle(Input::Exit { fiber, reason: ExitReason::Kill });
    }

    /// Why a fiber that was started from here has ended, if it has.
    pub(crate) fn end_of(&self, fiber: FiberId) -> Option<&ExitReason> {
        self.ended.iter().find(|(ended, _)| *ended == fiber).map(|(_, reason)| reason)
    }

    /// Lets the time in, runs a batch and takes what comes out; gives the time before and after, and whether fibers are
    /// ready.
    pub(crate) fn turn(&mut self, slices: u32) -> (u64, u64, Run) {
        let before = self.clock.now();
        self.machine.handle(Input::Time(before));
        let batch = self.batch.min(slices);
        let run = self.machine.run(batch);
        let after = self.clock.now();
        self.batch = next_batch(batch, after - before);
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Message { to, value: Value::Int(due) } if to == self.answers => {
                    self.batch = BATCH_SLICES_MIN;
                    if due as u64 >= self.since {
                        self.pending -= 1;
                        self.delays.push(after - due as u64);
                    }
                }
                Output::Message { value, .. } => self.reported.push(value),
                Output::Exited { fiber, reason, .. } if self.started.contains(&fiber) => self.ended.push((fiber, reason)),
                Output::Exited { .. } | Output::DeadLetter(_) | Output::HostCall { .. } => {}
                Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Claim(_)
                | Output::Spawn { .. } => unreachable!("there is no other node"),
            }
        }
        (before, after, run)
    }

    /// Runs until the condition holds, at most so many nanoseconds; gives how long it took if it held.
    pub(crate) fn run_until(&mut self, nanos: u64, slices: u32, mut holds: impl FnMut(&mut World) -> bool) -> Option<u64> {
        let start = self.clock.now();
        loop {
            let (_, now, _) = self.turn(slices);
            if holds(self) {
                return Some(now - start);
            }
            if now - start > nanos {
                return None;
            }
        }
    }

    /// Looks at others for so many nanoseconds, in turns of so many slices. `each` is called after each turn.
    pub(crate) fn observe(&mut self, nanos: u64, slices: u32, mut each: impl FnMut(&mut World, u64)) -> Seen {
        let mut seen = Seen::default();
        self.delays.clear();
        let start = self.clock.now();
        (self.due, self.since) = (start, start);
        while self.due < start + nanos {
            self.send_due(start + nanos);
            let collections = self.machine.stats().collections;
            let (before, after, _) = self.turn(slices);
            seen.turn_max = seen.turn_max.max(after - before);
            if self.machine.stats().collections == collections {
                seen.turn_max_uncollected = seen.turn_max_uncollected.max(after - before);
            }
            each(self, after);
        }
        self.run_until(ANSWERS_NANOS_MAX, slices, |world| {
            let now = world.clock.latest();
            each(world, now);
            world.pending == 0
        });
        let (now, pending) = (self.clock.now(), std::mem::take(&mut self.pending));
        self.delays.extend((0..pending).map(|_| now - start));
        seen.delays = Delays::of(std::mem::take(&mut self.delays));
        seen
    }

    /// As [`World::observe`], in rounds: the one whose 99th percentile is the median, so that one in which the host was busy
    /// with something else does not count.
    pub(crate) fn observe_rounds(&mut self, nanos: u64, slices: u32) -> Seen {
        let mut rounds: Vec<Seen> = (0..ROUNDS).map(|_| self.observe(nanos, slices, |_, _| ())).collect();
        rounds.sort_by_key(|seen| seen.delays.per_mille(990));
        rounds.swap_remove(ROUNDS / 2)
    }

    /// Sends the probe what is due.
    fn send_due(&mut self, end: u64) {
        let Some(probe) = self.probe else { return };
        let now = self.clock.now();
        while self.due <= now && self.due < end {
            match self.machine.send(probe, Value::Int(self.due as i64)) {
                Ok(()) => self.pending += 1,
                Err(_) => self.refused += 1,
            }
            self.due += PROBE_NANOS;
        }
    }
}
