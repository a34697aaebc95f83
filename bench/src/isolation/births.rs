//! Births: rounds of a million fibers that are born and die, after each of which the process has as much memory as before.

use super::figures::mebibytes;
use super::programs::BIRTHS;
use super::world::World;
use super::{Check, Finding, Group, process};
use fardel::limits::BATCH_SLICES_MAX;
use fardel::vm::config::Config;
use fardel::vm::value::Value;

/// Fibers of a round.
const FIBERS: i64 = 1_000_000;
const ROUNDS: usize = 20;
/// The round after which memory should no longer grow: tables have their size then.
const SETTLED: usize = 2;
/// Hundredths by which it may grow after that.
const GROWTH_PERCENT_MAX: f64 = 3.0;
/// Nanoseconds of a round at most.
const ROUND_NANOS: u64 = 60_000_000_000;

pub(crate) fn group() -> Group {
    Group {
        row: "births",
        title: format!(
            "Births: {ROUNDS} rounds of {FIBERS} fibers that are born and die. Goal: after the round {SETTLED} the memory \
             of the process grows by less than {GROWTH_PERCENT_MAX} %. Memory in MiB."
        ),
        columns: &["ns a fiber", "round 1", "round 2", "last round", "growth %"],
        checks: vec![Check { name: "births".to_owned(), is_confined: false, run: Box::new(|| run(FIBERS, ROUNDS)) }],
    }
}

fn run(fibers: i64, rounds: usize) -> Finding {
    let mut world = World::new(&BIRTHS.module(), Config::default());
    let (mut resident, mut took, mut missed) = (Vec::new(), 0, Vec::new());
    for round in 1..=rounds {
        let root = world.start("births", &[Value::Int(fibers)]);
        let ended = |world: &mut World| world.end_of(root).is_some() && world.machine.stats().fibers_live == 0;
        match world.run_until(ROUND_NANOS, BATCH_SLICES_MAX, ended) {
            Some(nanos) => took += nanos,
            None => missed.push(format!("round {round} does not end")),
        }
        resident.push(process::resident_bytes().unwrap_or(0));
    }
    let [first, settled, last] = [0, SETTLED - 1, rounds - 1].map(|round| resident[round]);
    let growth = (last as f64 / settled.max(1) as f64 - 1.0) * 100.0;
    if growth >= GROWTH_PERCENT_MAX {
        missed.push("memory grows".to_owned());
    }
    let each = took as f64 / fibers as f64 / rounds as f64;
    let mut cells = vec![format!("{each:.0}")];
    cells.extend([first, settled, last].map(mebibytes));
    cells.push(format!("{growth:.2}"));
    Finding { cells, missed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_end() {
        let finding = run(10_000, SETTLED);
        assert!(finding.missed.is_empty(), "{finding:?}");
    }
}
