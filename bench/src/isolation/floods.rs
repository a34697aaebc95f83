//! Floods: offenders that ask for more and more of one thing, beside fibers that do not.
//!
//! The others are a probe, fibers that compute and pairs that send to each other; what they take undisturbed is measured
//! first. Then the offender runs, and at last it is killed with all that it has started.

use super::figures::{mebibytes, millis};
use super::programs::FLOODS;
use super::world::{Seen, World};
use super::{Check, Finding, Group, process};
use fardel::limits::BATCH_SLICES_MAX;
use fardel::vm::config::Config;
use fardel::vm::fiber::FiberId;
use fardel::vm::machine::Stats;
use fardel::vm::value::Value;

/// What the machine is given, so that floods reach its bounds in a moment.
const MACHINE_BYTES_MAX: u64 = 256 << 20;
const FIBER_BYTES_MAX: u64 = 64 << 20;
const FIBERS_MAX: u32 = 20_000;
const NAMES_MAX: usize = 100_000;
const TIMERS_MAX: u64 = 100_000;
/// What a flooded mailbox, its senders and the tables of the machine take at most: 16 MiB are the mailbox's bound.
const MAILBOX_BYTES_MAX: u64 = 24 << 20;
/// Others: fibers that compute, and pairs that send to each other.
const COUNTERS: usize = 8;
const PAIRS: usize = 4;
/// Nanoseconds of a round without the offender, with it, and after it.
const CALM_NANOS: u64 = 500_000_000;
const STORM_NANOS: u64 = 2_000_000_000;
const AFTER_NANOS: u64 = 1_000_000_000;
/// Nanoseconds between two looks at the memory of the process.
const LOOK_NANOS: u64 = 5_000_000;
/// Bytes that may be left after the end of an offender: tables that have grown.
const LEFT_BYTES_MAX: u64 = 1 << 20;
/// Part of a bound by which it may be passed, in hundredths.
const OVER_PERCENT: u64 = 5;
/// Nanoseconds within which everything has to be cleaned up.
const CLEAN_NANOS: u64 = 10_000_000_000;
/// How many times as long as undisturbed others may take, at the 99th percentile.
const SLOWER_MAX: u64 = 2;

/// The floods: name, function, argument, bytes that there may be.
const FLOODS_KNOWN: &[(&str, &str, Option<&str>, u64)] = &[
    ("mailbox_block", "mailbox", Some("block"), MAILBOX_BYTES_MAX),
    ("mailbox_reject", "mailbox", Some("reject"), MAILBOX_BYTES_MAX),
    ("mailbox_drop_old", "mailbox", Some("drop_old"), MAILBOX_BYTES_MAX),
    ("mailbox_drop_new", "mailbox", Some("drop_new"), MAILBOX_BYTES_MAX),
    ("mailbox_exit", "mailbox_ends", None, MACHINE_BYTES_MAX),
    ("fork_bomb", "fork_bomb", None, MACHINE_BYTES_MAX),
    ("fork_bomb_caught", "fork_bomb_caught", None, MACHINE_BYTES_MAX),
    ("fork_hoard", "fork_hoard", None, MACHINE_BYTES_MAX),
    ("sizes", "sizes", None, MACHINE_BYTES_MAX),
    ("timers", "timers", None, MACHINE_BYTES_MAX),
    ("timer_storm", "timer_storm", None, MACHINE_BYTES_MAX),
    ("names", "names", None, MACHINE_BYTES_MAX),
    ("links", "links", None, MACHINE_BYTES_MAX),
    ("link_circle", "link_circle", None, MACHINE_BYTES_MAX),
    ("monitors", "monitors", None, MACHINE_BYTES_MAX),
    ("requests", "requests", None, MACHINE_BYTES_MAX),
    ("dead_letters", "dead_letters", None, MACHINE_BYTES_MAX),
    ("refs", "refs", None, MACHINE_BYTES_MAX),
    ("refs_kept", "refs_kept", None, MACHINE_BYTES_MAX),
    ("crashes", "crashes", None, MACHINE_BYTES_MAX),
    ("exit_signals", "exit_signals", None, MACHINE_BYTES_MAX),
];

pub(crate) fn group() -> Group {
    let checks = FLOODS_KNOWN.iter().map(|flood| Check {
        name: format!("flood/{}", flood.0),
        is_confined: false,
        run: Box::new(|| run(flood)),
    });
    Group {
        row: "20",
        title: format!(
            "Row 20, floods. A machine of {} MiB, {FIBERS_MAX} fibers, {NAMES_MAX} names, {TIMERS_MAX} timers; others: a \
             probe, {COUNTERS} fibers that compute, {PAIRS} pairs; driven in batches of at most {BATCH_SLICES_MAX} slices. Goals: \
             memory within the bound + {OVER_PERCENT} %, others' p99 under {SLOWER_MAX}x, cleaned up within 10 s, no \
             other harmed. Times in ms, memory in MiB.",
            MACHINE_BYTES_MAX >> 20
        ),
        columns: &["calm p99", "p99", "max", "ratio", "bound", "machine", "process", "end p99", "clean in", "left"],
        checks: checks.collect(),
    }
}

fn config() -> Config {
    Config {
        machine_memory_bytes_max: MACHINE_BYTES_MAX,
        fiber_memory_bytes_max: FIBER_BYTES_MAX,
        fibers_max: FIBERS_MAX,
        names_max: NAMES_MAX,
        timers_max: TIMERS_MAX,
        ..Config::default()
    }
}

/// The most that was seen of memory, and when it was looked at last.
#[derive(Default)]
struct Memory {
    machine: u64,
    process: u64,
    looked: u64,
}

impl Memory {
    fn look(&mut self, world: &World, now: u64) {
        self.machine = self.machine.max(world.bytes());
        if now >= self.looked + LOOK_NANOS {
            self.looked = now;
            self.process = self.process.max(process::resident_bytes().unwrap_or(0));
        }
    }
}

/// What a flood did.
struct Flood {
    calm: Seen,
    storm: Seen,
    /// After its end, while it was cleaned up.
    after: Seen,
    bound: u64,
    memory: Memory,
    /// Bytes of the machine that were left.
    left: u64,
    clean: Option<u64>,
    harm: Vec<String>,
}

fn run(flood: &(&str, &str, Option<&str>, u64)) -> Finding {
    let (_, function, argument, bound) = *flood;
    let mut world = World::new(&FLOODS.module(), config());
    world.start_others(COUNTERS, PAIRS);
    let calm = world.observe_rounds(CALM_NANOS, BATCH_SLICES_MAX);
    let (others, was, bytes) = (world.fibers(), world.machine.stats(), world.bytes());
    let resident = process::resident_bytes().unwrap_or(0);
    let arguments: Vec<Value> = argument.iter().map(|text| Value::Text((*text).to_owned())).collect();
    let root = world.start(function, &arguments);
    let mut memory = Memory::default();
    let storm = world.observe(STORM_NANOS, BATCH_SLICES_MAX, |world, now| memory.look(world, now));
    memory.process = memory.process.saturating_sub(resident);
    // Whatever it has started goes with it.
    let killed = world.clock.now();
    world.kill(root);
    for fiber in world.fibers() {
        if others.binary_search(&fiber).is_err() {
            world.kill(fiber);
        }
    }
    let mut clean = None;
    let after = world.observe(AFTER_NANOS, BATCH_SLICES_MAX, |world, now| {
        clean = clean.or_else(|| is_clean(world, &was, bytes).then(|| now - killed));
    });
    if clean.is_none() {
        let rest = world.run_until(CLEAN_NANOS, BATCH_SLICES_MAX, |world| is_clean(world, &was, bytes));
        clean = rest.map(|_| world.clock.now() - killed);
    }
    let (harm, left) = (harm(&world, &others), world.bytes().saturating_sub(bytes));
    finding(&Flood { calm, storm, after, bound, memory, left, clean, harm })
}

/// Whether the machine is as it was.
fn is_clean(world: &World, was: &Stats, bytes: u64) -> bool {
    let stats = world.machine.stats();
    (stats.fibers_live, stats.names, stats.timers) == (was.fibers_live, was.names, was.timers)
        && world.bytes() <= bytes + LEFT_BYTES_MAX
}

/// Others that ended, and messages to them that were refused.
fn harm(world: &World, others: &[FiberId]) -> Vec<String> {
    let alive = world.fibers();
    let ended = others.iter().filter(|other| alive.binary_search(other).is_err()).count();
    let ended = (ended > 0).then(|| format!("{ended} others ended"));
    let refused = (world.refused > 0).then(|| format!("{} messages to others refused", world.refused));
    ended.into_iter().chain(refused).collect()
}

fn finding(flood: &Flood) -> Finding {
    let [calm, storm, after] = [&flood.calm, &flood.storm, &flood.after].map(|seen| seen.delays.per_mille(990));
    let ratio = storm as f64 / calm.max(1) as f64;
    let clean = flood.clean.map_or_else(|| "never".to_owned(), millis);
    let cells = vec![
        millis(calm),
        millis(storm),
        millis(flood.storm.delays.max()),
        format!("{ratio:.2}"),
        mebibytes(flood.bound),
        mebibytes(flood.memory.machine),
        mebibytes(flood.memory.process),
        millis(after),
        clean,
        mebibytes(flood.left),
    ];
    let allowed = flood.bound + flood.bound * OVER_PERCENT / 100;
    let mut missed = flood.harm.clone();
    let mut hold = |held: bool, goal: &str| {
        if !held {
            missed.push(goal.to_owned());
        }
    };
    hold(flood.memory.machine <= allowed, "memory of the machine");
    hold(flood.memory.process <= allowed, "memory of the process");
    hold(storm < SLOWER_MAX * calm, "p99");
    hold(flood.clean.is_some_and(|nanos| nanos <= CLEAN_NANOS), "not cleaned up");
    Finding { cells, missed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flood_goes_on_and_is_cleaned_up() {
        let module = FLOODS.module();
        for (name, function, argument, _) in FLOODS_KNOWN {
            let limits = Config { fibers_max: 15_000, names_max: 100, timers_max: 3_000, ..config() };
            let limits = Config { machine_memory_bytes_max: 32 << 20, fiber_memory_bytes_max: 1 << 20, ..limits };
            let mut world = World::new(&module, limits);
            let arguments: Vec<Value> = argument.iter().map(|text| Value::Text((*text).to_owned())).collect();
            let root = world.start(function, &arguments);
            for _ in 0..300 {
                world.turn(1);
            }
            let end = world.end_of(root);
            assert!(end.is_none_or(fardel::vm::exit::ExitReason::is_limit), "{name}: {end:?}");
            for fiber in world.fibers() {
                world.kill(fiber);
            }
            let gone = world.run_until(CLEAN_NANOS, 64, |world| world.fibers().is_empty());
            assert!(gone.is_some(), "{name} does not end");
        }
    }
}
