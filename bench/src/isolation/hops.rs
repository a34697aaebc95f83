//! Hops: what a message costs by the number of fibers, on the ring of `bench/programs`, under the driver.

use super::{Check, Finding, Group};
use fardel::{Hosts, Program, Runtime, Settings, Streams};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

const RING: &str = include_str!("../../programs/ring.fda");
/// Fibers of the rings.
const FIBERS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Hops in each.
const HOPS: u64 = 10_000_000;
/// How many times as much a message may cost in the largest ring as in the smallest. The work is the same; the memory of
/// a million fibers lies outside of the processor's caches, and a hop around a ring finds each fiber there.
const DEARER_MAX: f64 = 4.0;

pub(crate) fn group() -> Group {
    Group {
        row: "hops",
        title: format!(
            "Hops: nanoseconds a message in rings of {FIBERS:?} fibers, {HOPS} hops each. Goal: under {DEARER_MAX}x from the \
             smallest to the largest."
        ),
        columns: &["1,000", "10,000", "100,000", "1,000,000", "ratio"],
        checks: vec![Check { name: "hops".to_owned(), is_confined: false, run: Box::new(run) }],
    }
}

fn run() -> Finding {
    let nanos = FIBERS.map(|fibers| nanos_a_hop(HOPS, fibers));
    let ratio = nanos[FIBERS.len() - 1] / nanos[0];
    let mut cells: Vec<String> = nanos.iter().map(|nanos| format!("{nanos:.1}")).collect();
    cells.push(format!("{ratio:.2}"));
    let missed = if ratio < DEARER_MAX { Vec::new() } else { vec!["ratio".to_owned()] };
    Finding { cells, missed }
}

/// What a program has written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the ring, which measures itself.
fn nanos_a_hop(hops: u64, fibers: u64) -> f64 {
    let written = Written::default();
    let streams = Streams {
        input: Box::new(io::empty()),
        output: Box::new(written.clone()),
        error: Box::new(io::stderr()),
        line_wise: false,
    };
    let settings = Settings { arguments: vec![hops.to_string(), fibers.to_string()], streams, ..Settings::default() };
    let program = Program::from_text("ring.fda", RING).expect("the ring is sound");
    let outcome = Runtime::new(settings, Hosts::standard()).run(program).expect("the ring starts");
    assert_eq!(outcome.status, 0, "the ring ends well");
    let text = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8_lossy(&text);
    let elapsed = text.lines().find_map(|line| line.strip_prefix("elapsed_ns=")).expect("the ring tells its time");
    elapsed.parse::<f64>().expect("the time is a number") / hops as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_takes_the_number_of_fibers() {
        assert!(nanos_a_hop(1_000, 7) > 0.0);
    }
}
