//! Programs in which fuzzing found something: each comes to the same in every way to lower, run and collect it.

use fardel::vm::config::{Config, Dispatch, Lowering};
use fardel::vm::machine::Stats;
use fardel::{Clock, Hosts, Program, Runtime, Settings, Streams};

/// What a program comes to: how it ended, and what it cost.
#[derive(PartialEq, Eq, Debug)]
struct Course {
    end: String,
    fuel: u64,
    fibers_started: u64,
    messages: u64,
}

fn run(source: &str, machine: Config) -> Course {
    let program = Program::from_text("regression.fda", source).unwrap_or_else(|error| panic!("{error}"));
    let streams = Streams {
        input: Box::new(std::io::empty()),
        output: Box::new(std::io::sink()),
        error: Box::new(std::io::sink()),
        line_wise: false,
    };
    let settings = Settings { machine, streams, clock: Clock::Virtual { now: 0, wall: 0 }, ..Settings::default() };
    let outcome = Runtime::new(settings, Hosts::standard()).run(program).unwrap_or_else(|error| panic!("{error}"));
    let Stats { fuel, fibers_started, messages, .. } = outcome.stats;
    Course { end: format!("{:?}, status {}", outcome.end, outcome.status), fuel, fibers_started, messages }
}

/// Holds every way to run a program against the clear one.
#[track_caller]
fn check(source: &str, end: &str) {
    let clear = Config { lowering: Lowering::Plain, dispatch: Dispatch::Match, ..Config::default() };
    let wanted = run(source, clear.clone());
    assert_eq!(wanted.end, end);
    for (lowering, dispatch) in
        [(Lowering::Plain, Dispatch::Match), (Lowering::Fused, Dispatch::Match), (Lowering::Fused, Dispatch::Tail)]
    {
        for collect_always in [false, true] {
            let config = Config { lowering, dispatch, collect_always, ..clear.clone() };
            assert_eq!(run(source, config), wanted, "{lowering:?} under {dispatch:?}, collecting always: {collect_always}");
        }
    }
}

/// `bytes_to_text` charged for its operand before it knew that there was room for the text, and charged once more when
/// it ran again behind the collection: fuel, and with it the turns of all fibers, depended on when blocks are collected.
/// What stops for room now gets back what it charged.
#[test]
fn an_instruction_that_runs_again_after_a_collection_is_charged_once() {
    let source = "
        fn main() -> Int
            local bytes: Bytes
            push b\"0123456789abcdef\"
            store bytes
            push 0
        grow:
            load bytes
            dup
            concat
            store bytes
            push 1
            add
            dup
            push 8
            lt
            jmp_if grow
            drop
            load bytes
            bytes_to_text
            unwrap
            len
            push 4096
            eq
            jmp_if good
            push 1
            ret
        good:
            push 0
            ret
        end";
    check(source, "Main(Normal), status 0");
}
