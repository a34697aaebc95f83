//! What a program does wrong or too much of ends its own fiber with a named reason, and no other.

use crate::support::{World, module};
use fardel::vm::config::Config;

/// A neighbour that needs many slices and memory, so that whatever goes wrong around it would show.
const NEIGHBOUR: &str = "
export neighbour
fn neighbour()
    local i: Int | local list: List<Text>
    list_new List<Text> | store list | push 0 | store i
again:
    load list | load i | show | list_push | yield
    load i | push 1 | add | tee i | push 300 | lt | jmp_if again
    load list | len | show | call_host io.print | ret
end
";

fn small() -> Config {
    Config {
        fiber_memory_bytes_max: 8 << 20,
        fiber_stack_bytes_max: 1 << 20,
        machine_memory_bytes_max: 64 << 20,
        ..Config::default()
    }
}

/// Runs `main` beside the neighbour: `main` must end for the given reason, and the neighbour as if it were alone.
#[track_caller]
fn check(source: &str, config: Config, reason: &str) {
    let module = module(&format!("{source}{NEIGHBOUR}"));
    let mut world = World::new(&module, config);
    let main = world.start("main");
    let neighbour = world.start("neighbour");
    world.run();
    assert_eq!(world.end_of(main).as_deref(), Some(reason));
    assert_eq!(world.end_of(neighbour).as_deref(), Some("normal"));
    assert!(world.printed.contains(&"300".to_owned()), "{:?}", world.printed);
}

/// As [`check`], for a main that does the same for ever.
#[track_caller]
fn check_loop(before: &str, body: &str, reason: &str) {
    let types =
        "type Node { next: Any } | type Pair { left: Any, right: Any } | object Cell { var left: Any, var right: Any }";
    check(
        &format!(
            "{types}\nfn waiter() | await_recv | drop | ret | end\nfn main()\n{before}\nagain:\n{body}\njmp again\nend\n"
        ),
        small(),
        reason,
    );
}

/// As [`check`], for a main that traps.
#[track_caller]
fn check_trap(body: &str, reason: &str) {
    check(&format!("sum Shape {{ Circle(radius: Float), Empty }}\nfn main()\n{body}\nend\n"), small(), reason);
}

#[test]
fn a_fiber_that_loops_for_ever_gets_no_more_than_its_share() {
    let module = module(&format!("fn main() | again: | jmp again | end\n{NEIGHBOUR}"));
    let mut world = World::new(&module, Config::default());
    let main = world.start("main");
    let neighbour = world.start("neighbour");
    // The neighbour needs 301 slices and one after its line is printed; the loop gets every other one.
    assert!(world.run_slices(2 * 303));
    assert_eq!(world.end_of(neighbour).as_deref(), Some("normal"));
    assert_eq!(world.end_of(main), None);
}

#[test]
fn endless_recursion_overflows_the_stack() {
    let deeper = "fn deeper(n: Int) -> Int | load n | push 1 | add | call deeper | push 1 | add | ret | end\n";
    check(&format!("{deeper}fn main() | push 0 | call deeper | drop | ret | end\n"), small(), "stack_overflow");
    let ping = "fn ping(f: fn(Any), x: Any) | load x | load f | call_value | ret | end\n";
    let pong = "fn pong(x: Any) | push pong | load x | call ping | ret | end\n";
    check(&format!("{ping}{pong}fn main() | push 0 | call pong | ret | end\n"), small(), "stack_overflow");
}

#[test]
fn endless_objects_are_out_of_memory() {
    check_loop("local node | push null | store node", "load node | new Node | store node", "out_of_memory");
    check_loop("local node | push null | store node", "load node | push 1.5 | new Pair | store node", "out_of_memory");
    check_loop("local cell | push null | store cell", "push 1 | load cell | new Cell | store cell", "out_of_memory");
}

#[test]
fn endless_lists_are_out_of_memory() {
    let new = "local list: List<Int> | list_new List<Int> | store list";
    check_loop(new, "load list | push 7 | list_push", "out_of_memory");
    check_loop(new, "load list | load list | len | push 7 | list_insert", "out_of_memory");
    let doubling = "load list | push 7 | list_push | load list | load list | append";
    check_loop(new, doubling, "out_of_memory");
    let lists = "local lists: List<Any> | list_new List<Any> | store lists";
    check_loop(lists, "load lists | load lists | copy | list_push", "out_of_memory");
}

#[test]
fn endless_maps_are_out_of_memory() {
    let new = "local map: Map<Int, Int> | local i: Int | map_new Map<Int, Int> | store map | push 0 | store i";
    check_loop(new, "load map | load i | load i | set | load i | push 1 | add | store i", "out_of_memory");
    let new = "local set: Set<Text> | local i: Int | map_new Set<Text> | store set | push 0 | store i";
    check_loop(new, "load set | load i | show | set_add | drop | load i | push 1 | add | store i", "out_of_memory");
}

#[test]
fn endless_builders_are_out_of_memory() {
    let new = "local b: TextBuilder | text_builder | store b";
    check_loop(new, "load b | push 65 | builder_byte", "out_of_memory");
    check_loop(new, "load b | push \"some words\" | builder_add", "out_of_memory");
    check_loop(new, "load b | push 123456789 | builder_int", "out_of_memory");
}

#[test]
fn endless_texts_are_out_of_memory() {
    let new = "local t: Text | push \"twice \" | store t";
    check_loop(new, "load t | load t | concat | store t", "out_of_memory");
    let new =
        "local t: Text | local list: List<Text> | push \"0123456789abcdef\" | store t | list_new List<Text> | store list
        local_again: | load t | load t | concat | tee t | len | push 5000 | lt | jmp_if local_again";
    check_loop(new, "load list | load t | push \"x\" | concat | list_push", "out_of_memory");
    // Parts of one shared text count in full for each that names them.
    check_loop(new, "load list | load t | push 0 | push 5000 | slice | list_push", "out_of_memory");
}

#[test]
fn an_array_that_no_memory_holds_is_out_of_memory() {
    for length in ["2_000_000", "268_435_456", "1_000_000_000_000", "9_223_372_036_854_775_807"] {
        check_loop("", &format!("push {length} | array_new Array<Int> | drop"), "out_of_memory");
        check_loop(
            "",
            &format!(
                "push {length} | push 8 | div | array_new Array<Int> | len | push 100 | mul_wrap | drop | push {length} | array_new Array<Float> | drop"
            ),
            "out_of_memory",
        );
    }
    let unlimited = Config { fiber_memory_bytes_max: u64::MAX, ..small() };
    for length in ["100_000_000", "9_223_372_036_854_775_807"] {
        check(
            &format!("fn main() | push {length} | array_new Array<Int> | drop | ret | end\n"),
            unlimited.clone(),
            "out_of_memory",
        );
    }
}

#[test]
fn endless_mail_to_oneself_is_out_of_bounds() {
    let reason = "mailbox_overflow";
    check_loop("", "push 1 | self | send", reason);
    check_loop("", "push \"a longer text that does not fit into a node\" | push \"x\" | concat | self | send", reason);
}

#[test]
fn endless_mail_to_a_fiber_that_does_not_take_it_is_out_of_bounds() {
    let new = "local other: Address | spawn hoarder | store other";
    let hoarder = "fn hoarder() | again: | yield | jmp again | end\n";
    let body = "push 1.5 | push 2.5 | new Pair | load other | send";
    let source = format!(
        "type Pair {{ left: Any, right: Any }}\n{hoarder}fn main() | {new} | again: | {body} | jmp again | end\n{NEIGHBOUR}"
    );
    let module = module(&source);
    let mut world = World::new(&module, small());
    let main = world.start("main");
    let neighbour = world.start("neighbour");
    world.run_slices(100_000);
    // Its sender waits for room.
    assert_eq!(world.end_of(main), None);
    assert_eq!(world.end_of(neighbour).as_deref(), Some("normal"));
    let waits: Vec<_> = world.machine.blocked(10).into_iter().map(|blocked| (blocked.fiber, blocked.waits_for)).collect();
    assert_eq!(waits, [(main, "room in a mailbox")]);
    assert!(world.machine.stats().outside_bytes < 1 << 20);
}

#[test]
fn a_bomb_of_fibers_meets_the_limit_of_fibers() {
    let config = Config { fibers_max: 1_000, ..small() };
    let reason = "error(system_limit): no place or memory for another fiber";
    let waiter = "fn waiter() | await_recv | drop | ret | end\n";
    check(&format!("{waiter}fn main() | again: | spawn waiter | drop | jmp again | end\n"), config, reason);
}

/// Each fiber starts others for ever; those that end for want of a place leave it to the next.
#[test]
fn a_bomb_of_fibers_that_start_fibers_leaves_its_neighbour_alone() {
    let bomb = "fn bomb() | again: | spawn bomb | drop | jmp again | end\n";
    let module = module(&format!("{bomb}fn main() | again: | spawn bomb | drop | jmp again | end\n{NEIGHBOUR}"));
    let mut world = World::new(&module, Config { fibers_max: 100, ..small() });
    world.start("main");
    let neighbour = world.start("neighbour");
    while world.end_of(neighbour).is_none() {
        assert!(world.run_slices(1_000));
        let stats = world.machine.stats();
        assert!(stats.fibers_live <= 100 && stats.slices < 200_000, "{stats:?}");
    }
    assert_eq!(world.end_of(neighbour).as_deref(), Some("normal"));
}

#[test]
fn wrong_operations_trap() {
    check_trap("push 1 | push 0 | div | drop | ret", "error(divide_by_zero)");
    check_trap("local a | push 1 | store a | load a | push 0 | rem | drop | ret", "error(divide_by_zero)");
    check_trap("push 9223372036854775807 | push 1 | add | drop | ret", "error(overflow)");
    check_trap("push -9223372036854775808 | neg | drop | ret", "error(overflow)");
    check_trap("push 1 | push 64 | shl | drop | ret", "error(bad_shift)");
    check_trap("push nan | float_to_int | drop | ret", "error(out_of_range)");
    let any = "local a | push \"text\" | store a | load a";
    check_trap(&format!("{any} | cast Int | drop | ret"), "error(bad_cast)");
    check_trap(&format!("{any} | cast List<Int> | drop | ret"), "error(bad_cast): Text, wanted List<Int>");
    check_trap(&format!("{any} | cast Shape | drop | ret"), "error(bad_cast): Text, wanted Shape");
    check_trap(
        &format!("{any} | push 1 | add | drop | ret"),
        "error(bad_operand): Text and Int, wanted two of Int or of Float",
    );
    check_trap("new_variant Shape.Empty | payload Shape.Circle.radius | drop | ret", "error(bad_variant)");
    check_trap("list_new List<Int> | push 0 | get | drop | ret", "error(out_of_range)");
    check_trap("list_new List<Int> | list_pop | drop | ret", "error(out_of_range)");
    check_trap("map_new Map<Text, Int> | push \"a\" | get | drop | ret", "error(no_key)");
    check_trap("push b\"\\xff\" | bytes_to_text | unwrap Option<Text> | drop | ret", "error(null_value)");
    check_trap("push \"no\" | panic", "error(panic): no");
    check_trap("push \"own\" | push \"no\" | raise", "error(own): no");
}

/// Runs a loop of a hundred turns over texts `t` and `u`, of 64 KiB, that differ at their end, and over chains `c` and
/// `d` that do as well; each turn must be charged as much fuel as given, at least.
#[track_caller]
fn check_cost(body: &str, fuel_a_turn: u64) {
    let source = "type Node { value: Int, next: Any }
        fn chain(last: Int) -> Any | local node | local i: Int | push 0 | store i | load last | store node
        again: | push 1 | load node | new Node | store node | load i | push 1 | add | tee i | push 5000 | lt | jmp_if again
            load node | ret | end
        fn main() | local t: Text | local u: Text | local c | local d | local m: Map<Any, Int> | local i: Int
            push 0 | store i | push \"0\" | store t | map_new Map<Any, Int> | store m
        grow: | load t | load t | concat | tee t | len | push 65536 | lt | jmp_if grow
            load t | push \"1\" | concat | store u | load t | push \"2\" | concat | store t
            push 1 | call chain | store c | push 2 | call chain | store d | load m | load c | push 1 | set
        again: | call turn | load i | push 1 | add | tee i | push 100 | lt | jmp_if again | ret | end";
    let cost = |body: &str| {
        let module = module(&source.replace("call turn", body));
        let mut world = World::new(&module, Config::default());
        let main = world.start("main");
        world.run();
        assert_eq!(world.end_of(main).as_deref(), Some("normal"));
        world.machine.stats().fuel
    };
    let (turns, none) = (cost(body), cost("push 1 | drop"));
    assert!(turns >= none + 100 * fuel_a_turn, "{turns} for {body}, {none} without it");
}

/// Work that took long was free when the values were not equal, or in a key, and a slice of it lasted for minutes.
#[test]
fn work_on_large_operands_is_charged() {
    check_cost("load t | load u | eq | drop", 64);
    check_cost("load t | load u | lt | drop", 64);
    check_cost("load c | load d | eq | drop", 70);
    check_cost("load m | load c | map_has | drop", 70);
    check_cost("load m | load t | map_has | drop", 64);
    check_cost("load t | parse_int | drop", 64);
    check_cost("load t | parse_float | drop", 64);
    check_cost("load t | load u | concat | drop", 128);
    check_cost("load t | load u | push 0 | find | drop", 64);
    check_cost("load c | self | send", 70);
}
