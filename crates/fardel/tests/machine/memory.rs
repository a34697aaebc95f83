//! What fibers hold is given back when they end.

use crate::support::{World, module};
use fardel::vm::config::Config;

/// Starts `main` over and over; the bytes in use must be the same after each time, and the most that there ever were
/// the same after the first few.
#[track_caller]
fn check(source: &str, times: usize) {
    let module = module(source);
    let mut world = World::new(&module, Config::default());
    let mut most = 0;
    for time in 0..times {
        world.start("main");
        world.run();
        let stats = world.machine.stats();
        assert_eq!((stats.fibers_live, stats.block_bytes, stats.outside_bytes), (0, 0, 0), "after {time} times");
        if time == 2 {
            most = stats.block_bytes_max;
        }
        assert!(time < 3 || stats.block_bytes_max == most, "{} bytes after {time} times", stats.block_bytes_max);
    }
}

#[test]
fn a_hundred_thousand_fibers_leave_nothing() {
    let source = "fn child(parent: Address, n: Int) | load n | load parent | send | ret | end
        fn main() | local i: Int | push 0 | store i
        again: | self | load i | spawn child | drop | await_recv | drop | load i | push 1 | add | tee i | push 10000 | lt | jmp_if again | ret | end";
    check(source, 10);
}

#[test]
fn many_fibers_at_once_leave_nothing() {
    let source = "fn child() | await_recv | drop | ret | end
        fn main() | local all: List<Address> | local i: Int | list_new List<Address> | store all | push 0 | store i
        again: | load all | spawn child | list_push | load i | push 1 | add | tee i | push 10000 | lt | jmp_if again
        free: | load i | load all | list_pop | send | load all | len | push 0 | gt | jmp_if free | ret | end";
    check(source, 5);
}

const LARGE: &str = "fn large() -> Text | local t: Text | push \"0123456789abcdef\" | store t
    grow: | load t | load t | concat | tee t | len | push 100000 | lt | jmp_if grow | load t | ret | end\n";

#[test]
fn shared_texts_go_with_their_last_holder() {
    // Held by a local, by a message that is never taken, by an argument, by a part, by a fiber that is killed.
    let local = "fn main() | local t: Text | call large | store t | load t | len | drop | ret | end";
    let untaken = "fn child() | yield | yield | ret | end
        fn main() | local c: Address | spawn child | store c | call large | load c | send | call large | load c | send | ret | end";
    let dead = "fn child() | ret | end | fn main() | local c: Address | spawn child | store c | yield | call large | load c | send | ret | end";
    let argument = "fn child(t: Text) | load t | push 5 | push 50000 | slice | len | drop | yield | ret | end
        fn main() | call large | spawn child | drop | ret | end";
    let killed = "fn child(t: Text) | await_recv | drop | load t | len | drop | ret | end
        fn main() | local c: Address | call large | spawn child | store c | yield | call large | load c | send | yield
            push \"kill\" | load c | exit_other | ret | end";
    let trapped =
        "fn main() | local t: Text | call large | store t | push 1 | push 0 | div | drop | load t | len | drop | ret | end";
    for source in [local, untaken, dead, argument, killed, trapped] {
        check(&format!("{LARGE}{source}"), 5);
    }
}

#[test]
fn messages_that_nobody_takes_go_with_their_receiver() {
    let source = "fn child() | yield | yield | ret | end
        fn main() | local c: Address | spawn child | store c | push 1 | load c | send | push 1.5 | load c | send
            push 1 | push \"a longer text that is copied\" | push \"x\" | concat | new (Int, Text) | load c | send | ret | end";
    check(source, 5);
}

/// Shared texts and messages were not held against the machine's budget.
#[test]
fn shared_texts_count_against_the_machines_budget() {
    let source = "fn holder(t: Text) | local other: Text | load t | push \"x\" | concat | store other | await_recv | drop | load other | len | drop | ret | end
        fn main() | local t: Text | local i: Int | call large | store t | push 0 | store i
        again: | load t | spawn holder | drop | load i | push 1 | add | tee i | push 1000 | lt | jmp_if again | yield | ret | end";
    let module = module(&format!("{LARGE}{source}"));
    let mut world = World::new(&module, Config { slice: 2_000, machine_memory_bytes_max: 8 << 20, ..Config::default() });
    let main = world.start("main");
    world.run();
    assert_eq!(world.end_of(main).as_deref(), Some("normal"));
    let stats = world.machine.stats();
    assert!(stats.block_bytes + stats.outside_bytes <= 8 << 20, "{stats:?}");
    assert!(world.ends().iter().filter(|reason| *reason == "out_of_memory").count() > 900);
}

#[test]
fn blocks_of_all_fibers_stay_within_the_machines_budget() {
    let source = "fn hog() | local list: List<Int> | list_new List<Int> | store list
        again: | load list | push 1 | list_push | load list | len | push 100000 | lt | jmp_if again | await_recv | drop | load list | len | drop | ret | end
        fn main() | local i: Int | push 0 | store i
        again: | spawn hog | drop | load i | push 1 | add | tee i | push 100 | lt | jmp_if again | ret | end";
    let module = module(source);
    let mut world = World::new(&module, Config { machine_memory_bytes_max: 8 << 20, ..Config::default() });
    let main = world.start("main");
    world.run();
    assert_eq!(world.end_of(main).as_deref(), Some("normal"));
    let stats = world.machine.stats();
    assert!(stats.block_bytes_max <= 8 << 20, "{stats:?}");
    assert!(world.ends().iter().filter(|reason| *reason == "out_of_memory").count() > 10);
}
