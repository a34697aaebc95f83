//! Structures that are deep, or that lead back to themselves, and runs that are long, on a small host stack.

use crate::support::{ENGINES, World, module};
use fardel::vm::config::Config;

/// The least that the test harness and a machine need.
const STACK_BYTES: usize = 256 << 10;

/// Runs a program on a small host stack; all its fibers must end normally.
#[track_caller]
fn check(source: &str, printed: &[&str]) {
    check_with(source, Config::default(), printed);
}

#[track_caller]
fn check_with(source: &str, config: Config, printed: &[&str]) {
    let module = module(source);
    let run = move || {
        let mut world = World::new(&module, config);
        world.start("main");
        world.run();
        (world.printed.clone(), world.ends())
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).expect("a thread starts");
    let (seen, ends) = thread.join().expect("the machine does not panic");
    assert_eq!((seen, ends), (printed.iter().map(|line| (*line).to_owned()).collect(), vec!["normal".to_owned()]));
}

const CHAIN: &str = "
type Node { value: Int, next: Option<Node> }
fn build(count: Int) -> Option<Node>
    local node: Option<Node> | push null | store node
again:
    load count | load node | new Node | some Option<Node> | store node
    load count | push 1 | sub | tee count | push 0 | gt | jmp_if again
    load node | ret
end
fn sum(node: Option<Node>) -> Int
    local total: Int | push 0 | store total
again:
    load node | jmp_if_null done
    dup | field Node.value | load total | add | store total
    field Node.next | store node | jmp again
done:
    load total | ret
end
";

#[test]
fn a_chain_of_a_million_records_is_built_and_survives_collections() {
    let source = "fn main() | local a: Option<Node> | push 1000000 | call build | store a
        push 200000 | call build | drop | load a | call sum | show | call_host io.print | ret | end";
    check(&format!("{CHAIN}{source}"), &["500000500000"]);
}

#[test]
fn a_chain_of_a_million_records_is_sent_and_taken() {
    let source = "fn child(parent: Address) | await_recv | cast Option<Node> | call sum | load parent | send | ret | end
        fn main() | push 1000000 | call build | self | spawn child | send | await_recv | show | call_host io.print | ret | end";
    check(&format!("{CHAIN}{source}"), &["500000500000"]);
    let source = "fn child(chain: Option<Node>, parent: Address) | load chain | call sum | load parent | send | ret | end
        fn main() | push 1000000 | call build | self | spawn child | drop | await_recv | show | call_host io.print | ret | end";
    check(&format!("{CHAIN}{source}"), &["500000500000"]);
}

#[test]
fn chains_of_a_million_records_are_compared() {
    let source = "fn main() | local a: Option<Node> | push 1000000 | call build | store a
        load a | push 1000000 | call build | eq | show | call_host io.print
        load a | push 1000001 | call build | eq | show | call_host io.print | ret | end";
    check(&format!("{CHAIN}{source}"), &["true", "false"]);
}

#[test]
fn a_chain_of_a_million_records_is_a_key() {
    let source = "fn main() | local m: Map<Option<Node>, Int> | map_new Map<Option<Node>, Int> | store m
        load m | push 1000000 | call build | push 1 | set
        load m | push 1000000 | call build | push 0 | map_get_or | show | call_host io.print | ret | end";
    check(&format!("{CHAIN}{source}"), &["1"]);
}

#[test]
fn a_chain_of_a_million_records_is_shown_as_far_as_it_makes_sense() {
    let source = "fn main() | local a: Option<Node> | push 1000000 | call build | store a
        load a | show | dup | len | push 2000 | lt | show | call_host io.print
        push 0 | push 20 | slice | call_host io.print | ret | end";
    check(&format!("{CHAIN}{source}"), &["true", "Node(1, Node(2, Node"]);
}

const CELL: &str = "object Cell { var left: Any, var right: Any }
fn circle() -> Cell | local c: Cell | push null | push null | new Cell | store c
    load c | load c | set_field Cell.left | load c | load c | set_field Cell.right | load c | ret | end
";

#[test]
fn a_circle_is_sent_as_a_circle() {
    let source = "fn child(parent: Address) | local c: Cell | await_recv | cast Cell | store c
        load c | load c | field Cell.left | cast Cell | field Cell.right | eq | load parent | send | ret | end
        fn main() | call circle | self | spawn child | send | await_recv | show | call_host io.print | ret | end";
    check(&format!("{CELL}{source}"), &["true"]);
}

#[test]
fn a_circle_with_two_ways_is_shown_in_bounds() {
    let source = "fn main() | call circle | show | dup | len | push 4000000 | lt | show | call_host io.print
        push 0 | push 10 | slice | call_host io.print | ret | end";
    check(&format!("{CELL}{source}"), &["true", "Cell(Cell("]);
}

/// Each holder of a large text names it only; what is shown must not hold all of them at once.
#[test]
fn a_list_of_one_large_text_is_shown_in_bounds() {
    let source = "fn main() | local t: Text | local list: List<Text> | local i: Int
        push \"0123456789abcdef\" | store t
    grow: | load t | load t | concat | tee t | len | push 60000 | lt | jmp_if grow
        list_new List<Text> | store list | push 0 | store i
    add: | load list | load t | list_push | load i | push 1 | add | tee i | push 2000 | lt | jmp_if add
        load list | show | len | push 4000000 | lt | show | call_host io.print | ret | end";
    check(source, &["true"]);
}

/// The hashes in a map are made with a seed. They were made with that of the fiber at work, so that a map that came
/// in a message found none of its keys.
#[test]
fn a_map_finds_its_keys_in_another_fiber() {
    let source = "fn child(parent: Address, m: Map<Text, Int>) | load m | push \"b\" | push -1 | map_get_or | load parent | send
            load m | push \"e\" | push 5 | set | load m | push \"a\" | map_remove | drop | load m | load parent | send | ret | end
        fn main() | local m: Map<Text, Int> | map_new Map<Text, Int> | store m
            load m | push \"a\" | push 1 | set | load m | push \"b\" | push 2 | set | load m | push \"c\" | push 3 | set
            self | load m | spawn child | drop | await_recv | show | call_host io.print
            await_recv | cast Map<Text, Int> | store m
            load m | push \"c\" | push -1 | map_get_or | show | call_host io.print
            load m | push \"c\" | push 4 | set | load m | show | call_host io.print | ret | end";
    check(source, &["2", "3", "[\"b\": 2, \"c\": 4, \"e\": 5]"]);
}

/// A handler that called the next one in place of a jump would need some gigabytes here.
#[test]
fn fifty_million_instructions_need_no_host_stack() {
    let source = "fn step(n: Int) -> Int | load n | push 3 | mul_wrap | push 1 | add_wrap | ret | end
        fn main() | local i: Int | local x: Int | push 0 | store i | push 1 | store x
        again: | load x | call step | push 65535 | and | store x | load i | push 1 | add | tee i | push 5000000 | lt | jmp_if again
            load i | show | call_host io.print | ret | end";
    for (lowering, dispatch) in ENGINES {
        check_with(source, Config { lowering, dispatch, slice: u32::MAX, ..Config::default() }, &["5000000"]);
    }
}
