//! Failure of one allocation, each in turn: a fiber ends with a named reason, and the machine goes on.

use crate::support::{World, module};
use fardel::vm::config::Config;

/// Blocks, messages, shared texts, a map, fibers and a handler.
const PROGRAM: &str = "
fn child(parent: Address, t: Text)
    local list: List<Text> | local i: Int
    list_new List<Text> | store list | push 0 | store i
again:
    load list | load t | load i | show | concat | list_push | load i | push 1 | add | tee i | push 40 | lt | jmp_if again
    await_recv | load parent | send
    load list | load parent | send | ret
end
fn deep(n: Int) -> Int
    load n | push 0 | eq | jmp_if done | load n | push 1 | sub | call deep | push 1 | add | ret
done:
    push 0 | ret
end
fn main()
    local m: Map<Text, Any> | local other: Address | local t: Text | local i: Int
    handle try caught caught
    map_new Map<Text, Any> | store m | push \"0123456789abcdef\" | store t | push 0 | store i
grow:
    load t | load t | concat | tee t | len | push 5000 | lt | jmp_if grow
try:
    self | load t | spawn child | store other
    load m | load other | send
again:
    load m | load i | show | load i | int_to_float | set | load i | push 1 | add | tee i | push 60 | lt | jmp_if again
    push 200 | call deep | drop
    await_recv | drop | await_recv | cast List<Text> | len | show | call_host io.print
    push 1 | push 0 | div | drop | ret
caught:
    field (Text, Text).0 | call_host io.print | ret
end
export second
fn second()
    local list: List<Int> | local i: Int
    list_new List<Int> | store list | push 0 | store i
again:
    load list | load i | list_push | load i | push 1 | add | tee i | push 1000 | lt | jmp_if again
    load list | len | show | call_host io.print | ret
end
";

const REASONS: [&str; 4] = [
    "normal",
    "out_of_memory",
    "error(system_limit): no memory for a message",
    "error(system_limit): no place or memory for another fiber",
];

#[test]
fn whichever_allocation_fails_the_machine_goes_on() {
    let module = module(PROGRAM);
    for collect_always in [false, true] {
        let mut failures = 0;
        for number in 1.. {
            assert!(number < 100_000, "the program has an end");
            let config = Config { fail_allocation: Some(number), slice: 50, collect_always, ..Config::default() };
            let mut world = World::new(&module, config);
            let Some(main) = world.try_start("main") else {
                failures += 1;
                continue;
            };
            world.run();
            for (fiber, reason) in &world.ended {
                let reason = reason.to_string();
                assert!(REASONS.contains(&reason.as_str()), "allocation {number}: {fiber} ended: {reason}");
            }
            let as_usual = world.printed == ["40", "divide_by_zero"] && world.ends() == ["normal"];
            failures += usize::from(!as_usual);
            let blocked = world.end_of(main).is_none();
            assert!(!blocked || failures > 0, "main waits for what never comes only when something failed");
            if world.machine.stats().allocations < number {
                break;
            }
            let before = world.printed.len();
            let second = world.start("second");
            world.run();
            assert_eq!(world.printed[before..], ["1000"], "allocation {number}");
            assert_eq!(world.end_of(second).as_deref(), Some("normal"), "allocation {number}");
        }
        assert!(failures > 5, "only {failures} failures were felt");
    }
}
