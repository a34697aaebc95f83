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

/// A receiver of which senders wait for room took one message, was still more than half full, and then waited for an
/// answer: only a wait for a message let the senders in, so a place was free and everybody waited for ever.
#[test]
fn senders_are_let_in_when_their_receiver_waits_for_anything() {
    let source = "
        fn sender(to: Address)
            local left: Int
            push 5
            store left
        again:
            push 1
            send to
            load left
            push 1
            sub
            tee left
            push 0
            gt
            jmp_if again
            ret
        end
        fn receiver()
            local other: Address
            self
            spawn sender
            store other
            yield
            await_recv
            drop
            load other
            push -1
            wait
            drop
            push \"done\"
            exit
        end
        fn main() -> Int
            map_new Map<Any, Any>
            dup
            push \"mailbox\"
            push 4
            set
            spawn_with receiver
            cast Address
            push -1
            wait
            drop
            push 7
            ret
        end";
    check(source, "Main(Normal), status 7");
}

/// Who left a barrier whose mailbox was full told nobody, so it still counted: the next round began with one too few. And
/// an empty list, which any fiber may send, made the barrier trap.
#[test]
fn a_barrier_forgets_who_has_left_and_what_it_does_not_know() {
    let source = "
        fn leaves(barrier: Address)
            load barrier
            push 0
            barrier
            drop
            ret
        end
        fn main() -> Int
            local barrier: Address
            local left: Int
            push 2
            barrier_new
            store barrier
            list_new List<Any>
            load barrier
            send
            push 5000
            store left
        again:
            load barrier
            spawn leaves
            drop
            load left
            push 1
            sub
            tee left
            push 0
            gt
            jmp_if again
            yield
            load barrier
            push 10
            barrier
            is_null
            jmp_if alone
            push 1
            ret
        alone:
            push 0
            ret
        end";
    check(source, "Main(Normal), status 0");
}

/// An address from outside named a place beyond the table of fibers, and closing a slot for it looked there.
#[test]
fn an_address_of_nowhere_is_one_of_the_dead() {
    use fardel::vm::fiber::FiberId;
    let mut hosts = Hosts::none();
    hosts.add("demo.nowhere", || Ok::<_, String>(FiberId { slot: 1 << 30, generation: 1 }));
    let source = "
        host demo.nowhere() -> Address
        fn main() -> Int
            local place: Address
            call_host demo.nowhere
            store place
            load place
            push -1
            wait
            drop
            load place
            monitor
            demonitor
            push 1
            send place
            push 3
            ret
        end";
    let program = Program::from_text("regression.fda", source).unwrap_or_else(|error| panic!("{error}"));
    let outcome = Runtime::new(Settings::default(), hosts).run(program).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.status, 3);
}

/// A failure's message was handed on whole to everybody who watched the fiber: a thousand monitors and a text of ten
/// megabytes asked for ten gigabytes. It is cut.
#[test]
fn the_message_of_a_failure_is_cut() {
    let source = "
        system Down
        fn fails()
            local text: Text
            push \"0123456789abcdef\"
            store text
        grow:
            load text
            dup
            concat
            tee text
            len
            push 1000000
            lt
            jmp_if grow
            load text
            panic
        end
        fn main() -> Int
            local reason: Reason
            spawn fails
            monitor
            drop
            await_type Down
            field Down.reason
            store reason
            load reason
            payload Reason.Error.message
            len
            push 65536
            eq
            jmp_if cut
            push 1
            ret
        cut:
            push 0
            ret
        end";
    check(source, "Main(Normal), status 0");
}
