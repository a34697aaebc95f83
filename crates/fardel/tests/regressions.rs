//! Programs that showed a defect, found by fuzzing or by reading: each comes to the same in every way to lower, run and collect it.

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

/// A comparison of shared structures gives up with a trap, but the rows of `eq` and `ne` did not say that they trap. So the
/// verifier did not look at what a handler around them reads, and such a handler could read locals that were never assigned.
#[test]
fn a_comparison_that_gives_up_reaches_its_handler() {
    let source = "
type Pair { left: Any, right: Any }

; A pair whose halves are one pair, and so on: a few objects, and two to the power of the depth of paths.
fn shared(depth: Int) -> Any
    local pair: Any
    local left: Int
    push 0
    store pair
    load depth
    store left
more:
    load pair
    load pair
    new Pair
    store pair
    load left
    push 1
    sub
    store left
    load left
    push 0
    gt
    jmp_if more
    load pair
    ret
end

fn main() -> Int
    local answer: Int
    push 7
    store answer
from:
    push 40
    call shared
    push 40
    call shared
    eq
    drop
    push 1
    ret
to:
caught:
    drop
    load answer
    ret
    handle from to caught
end
";
    check(source, "Main(Normal), status 7");
}
