//! Measures and checks from inside what `docs/benchmarks.md` tells of.
//!
//! `cargo run --release -p fardel-bench -- WORD`: `stages`, which is also what happens without a word, measures what comes
//! before a run; `isolation` checks that no fiber harms another; `dist` measures between two nodes. Running programs is
//! measured from outside.
#![forbid(unsafe_code)]

mod dist;
mod isolation;
mod join;
mod stages;

use std::process::ExitCode;

/// The status of a command line that says nothing known.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        None => stages::run(),
        Some((word, [])) if word == "stages" => stages::run(),
        Some((word, rest)) if word == "isolation" => return isolation::run(rest),
        Some((word, rest)) if word == "dist" => return dist::run(rest),
        Some((word, _)) => {
            eprintln!(
                "unknown word `{word}`, wanted `stages`, `isolation` and what to check, or `dist` and what to measure"
            );
            return ExitCode::from(USAGE);
        }
    }
    ExitCode::SUCCESS
}
