//! Monitors: who is told of whose end.

use super::{each_way, prints, program};
use crate::support::{ENGINES, World};
use fardel::vm::config::Config;

/// MON1: the watcher is told, the watched is not, and nobody ends by it.
#[test]
fn mon1_a_monitor_goes_one_way() {
    let source = "fn watches(other: Address, parent: Address) | load other | monitor | drop | push true | load parent | send | push 3 | exit | end
        fn main() | local w: Address | local d: Address | spawn waiter | store w | load w | monitor | drop | push \"shutdown\" | load w | send | call drain | call tell
            self | self | spawn watches | drop | await_type Bool | drop | call drain | call tell | ret | end";
    prints(source, &["[(\"down\", Shutdown)]", "[]"]);
}

/// MON1: each monitor has a token of its own and tells once; they do not know of each other.
#[test]
fn mon1_monitors_stack_and_each_tells_once_with_its_own_token() {
    let source = "fn main() | local w: Address | local tokens: Set<Ref> | local i: Int | local down: Down | spawn waiter | store w | map_new Set<Ref> | store tokens | push 0 | store i
        again: | load tokens | load w | monitor | set_add | drop | load i | push 1 | add | tee i | push 10 | lt | jmp_if again
            load tokens | len | call tell | push null | load w | send | push 0 | store i
        next: | await_type Down | store down | load tokens | load down | field Down.monitor | map_remove | jmp_unless wrong
            load down | field Down.fiber | load w | eq | jmp_unless wrong | load i | push 1 | add | tee i | push 10 | lt | jmp_if next
            load tokens | len | call tell | call drain | len | call tell | ret
        wrong: | push \"wrong\" | call tell | ret | end";
    prints(source, &["10", "0", "0"]);
}

/// MON2: a target that is gone is told at once, before anything that comes later.
#[test]
fn mon2_the_dead_are_noproc_at_once() {
    let source = "fn main() | local e: Address | spawn ends | store e | load e | push -1 | wait | drop
            load e | monitor | drop | push 1 | self | send | load e | monitor | drop | call drain | call tell | ret | end";
    prints(source, &["[(\"down\", NoProc), 1, (\"down\", NoProc)]"]);
}

/// MON4: neither a message that has come nor one that would come is left, and the others stay.
#[test]
fn mon4_demonitor_leaves_nothing() {
    let source = "fn main() | local w: Address | local a: Ref | local b: Ref | spawn waiter | store w | load w | monitor | store a | load w | monitor | store b
            load a | demonitor | push 5 | load w | send | load w | push -1 | wait | drop | push 1 | self | send
            load b | demonitor | load b | demonitor | load w | monitor | demonitor | call drain | call tell | ret | end";
    prints(source, &["[1]"]);
    each_way(&Config::default(), source, |world| assert_eq!(world.machine.stats().outside_bytes, 0));
}

/// MON4: of one that has ended and is still telling its many watchers.
#[test]
fn mon4_demonitor_in_the_middle_of_the_end() {
    let source = "fn watches(w: Address) | load w | monitor | drop | call deaf | ret | end
        fn main() | local w: Address | local i: Int | local a: Ref | local b: Ref | spawn waiter | store w | push 0 | store i | load w | monitor | store a
        again: | load w | spawn watches | drop | load i | push 1 | add | tee i | push 700 | lt | jmp_if again
            load w | monitor | store b | call rest | push 5 | load w | send | yield | load a | demonitor | load b | demonitor | call drain | call tell | ret | end";
    prints(source, &["[]"]);
}

/// A program with a fiber that so many others watch, are linked with and wait for, and a count of who is told.
fn crowd(count: u32) -> String {
    format!(
        "fn watches(w: Address, to: Address) | push true | trap_exits | load w | monitor | drop | load w | link | push true | load to | send
            await_type Exit | drop | await_type Down | drop | push 1 | load to | send | ret | end
        fn waits(w: Address, to: Address) | push true | load to | send | load w | push -1 | wait | drop | push 1 | load to | send | ret | end
        fn main() | local w: Address | local i: Int | spawn waiter | store w | push 0 | store i
        again: | load w | self | spawn watches | drop | load w | self | spawn waits | drop | await_type Bool | drop | await_type Bool | drop
            load i | push 1 | add | tee i | push {count} | lt | jmp_if again
            call rest | load w | monitor | drop | push 5 | load w | send | push 0 | store i
        count: | await_type Int | load i | add | tee i | push {count} | push 2 | mul | lt | jmp_if count
            load i | call tell | await_type Down | field Down.reason | call tell | ret | end"
    )
}

/// MON1, MON6: the end of a fiber with ten thousand ties comes in pieces; others run between them, all are told, and
/// nothing is left.
#[test]
fn mon6_an_end_with_ten_thousand_ties_is_told_in_pieces() {
    let module = program(&format!("export ticks | fn ticks() | again: | yield | jmp again | end\n{}", crowd(5_000)));
    for (lowering, dispatch) in ENGINES {
        let mut world = World::new(&module, Config { lowering, dispatch, slice: 1000, ..Config::default() });
        let main = world.start("main");
        world.run_clock();
        assert_eq!(world.end_of(main).as_deref(), Some("normal"));
        assert_eq!(world.printed, ["10000", "ShutdownWith(5)"]);
        let stats = world.machine.stats();
        assert_eq!((stats.fibers_live, stats.outside_bytes, stats.block_bytes), (0, 0, 0));
    }
}

/// MON6: whoever of the two ends first, no entry outlives them.
#[test]
fn mon6_no_entry_outlives_the_fibers_it_is_about() {
    each_way(&Config::default(), &crowd(40), |world| {
        let stats = world.machine.stats();
        assert_eq!((stats.fibers_live, stats.outside_bytes, stats.timers, stats.names), (0, 0, 0, 0));
    });
    // Watchers, partners and those who wait end before the watched.
    let source = "fn watches(w: Address, to: Address) | load w | monitor | drop | push true | load to | send | ret | end
        fn waits(w: Address) | load w | push 5 | wait | drop | load w | push 1000 | wait | drop | ret | end
        fn main() | local w: Address | local x: Address | local i: Int | spawn deaf | store w | push 0 | store i
        again: | load w | self | spawn watches | drop | await_type Bool | drop | load w | spawn waits | store x | load i | push 1 | add | tee i | push 30 | lt | jmp_if again
            push 100 | await_recv_until | drop | push \"kill\" | load x | exit_other | push 2000 | await_recv_until | drop | ret | end";
    each_way(&Config::default(), source, |world| {
        let stats = world.machine.stats();
        assert_eq!((stats.fibers_live, stats.outside_bytes), (1, 0), "the deaf one lives, and nothing is kept about it");
    });
}
