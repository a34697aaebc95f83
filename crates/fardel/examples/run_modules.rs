//! Runs programs one after the other, under settings that try a machine's memory hard: it collects at every allocation,
//! and a fiber stops wherever it can. `.ci/miri` does so where each access to memory is watched.
//!
//! **Invariant:** a program that does not end normally ends the process with a failure.
#![forbid(unsafe_code)]

use fardel::{Clock, End, Hosts, Program, Runtime, Settings};
use std::process::ExitCode;

fn main() -> ExitCode {
    for path in std::env::args().skip(1) {
        match run(&path) {
            Ok(End::Main(reason)) if reason.to_string() == "normal" => println!("{path}: ok"),
            Ok(end) => {
                eprintln!("{path}: {end:?}");
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn run(path: &str) -> Result<End, Box<dyn std::error::Error>> {
    let program = Program::open(path)?;
    let mut settings = Settings { clock: Clock::Virtual { now: 0, wall: 0 }, ..Settings::default() };
    settings.machine.collect_always = true;
    settings.machine.slice = 1;
    Ok(Runtime::new(settings, Hosts::standard()).run(program)?.end)
}
