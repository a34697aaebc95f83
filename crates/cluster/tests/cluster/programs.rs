//! What programs may rely on holds over nodes.

use crate::sim::{Sim, program};
use fardel_vm::config::Config;

/// Runs `main` on the first of three nodes; what all print must be these lines, in any order.
#[track_caller]
fn prints(source: &str, lines: &[&str]) {
    for slice in [1, 1_000] {
        let module = program(&format!("export main\n{source}"));
        let mut sim = Sim::new(3, Config { slice, ..Config::default() });
        let main = sim.start(0, &module, "main");
        sim.run();
        let mut printed: Vec<String> = sim.nodes.iter().flat_map(|node| node.home.printed.clone()).collect();
        let mut wanted: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        printed.sort();
        wanted.sort();
        let end = sim.nodes[0].home.ended.iter().find(|(fiber, _)| *fiber == main).map(|(_, reason)| reason.to_string());
        assert_eq!((printed, end.as_deref()), (wanted, Some("normal")), "slices of {slice}");
    }
}

/// The code goes to the node by its hash; messages go there and back.
#[test]
fn a_fiber_is_started_on_another_node_and_answers() {
    prints(
        "fn twice(n: Int, parent: Address) | load n | push 2 | mul | load parent | send | ret | end
        fn main() | push 21 | self | push \"n1\" | spawn_on twice | cast Address | drop | await_recv | call tell | ret | end",
        &["42"],
    );
}

/// An address can be handed on: the third node sends to the second, of which it heard from the first.
#[test]
fn addresses_are_handed_on() {
    prints(
        "fn echo() | local to: Address | await_type Address | store to | push \"seen\" | load to | send | ret | end
        fn forward(to: Address, parent: Address) | load parent | load to | send | ret | end
        fn main() | local echo: Address | push \"n1\" | spawn_on echo | cast Address | store echo
            load echo | self | push \"n2\" | spawn_on forward | drop | await_recv | call tell | ret | end",
        &["\"seen\""].map(|_| "seen"),
    );
}

#[test]
fn monitors_links_requests_and_waits_work_over_nodes() {
    prints(
        "fn main() | local far: Address | push \"n1\" | spawn_on waiter | cast Address | store far | load far | monitor | drop
            push 7 | load far | send | await_recv | call reason | call tell | ret | end",
        &["ShutdownWith(7)"],
    );
    prints(
        "fn main() | local far: Address | push true | trap_exits | push \"n1\" | spawn_on waiter | cast Address | store far | load far | link
            push 8 | load far | send | await_recv | call reason | call tell | ret | end",
        &["ShutdownWith(8)"],
    );
    prints(
        "type Ask { token: Ref, n: Int }
        fn server() | local ask: Ask | again: | await_type Ask | store ask | load ask | field Ask.n | push 1 | add | load ask | field Ask.token | reply | jmp again | end
        fn main() | local token: Ref | local far: Address | push \"n1\" | spawn_on server | cast Address | store far | new_ref | store token
            load token | push 41 | new Ask | load token | load far | remote_call | load token | push -1 | await_reply | drop | call tell
            push \"kill\" | load far | exit_other | load far | push -1 | wait | call tell | ret | end",
        &["42", "Killed"],
    );
}

#[test]
fn an_answer_from_another_node_can_come_as_a_message() {
    prints(
        "type Ask { token: Ref, n: Int }
        sum Failure { Gone(reason: Reason), Over }
        sum Answer { Ok(n: Int), Err(error: Failure) }
        type Got { key: Int, answer: Answer }
        fn server() | local ask: Ask | await_type Ask | store ask | load ask | field Ask.n | push 1 | add | load ask | field Ask.token | reply
            await_type Ask | drop | push \"kill\" | exit | end
        fn ask(key: Int, far: Address) | local token: Ref | new_ref | store token | load token | push 41 | new Ask | load token | load far | remote_call
            load key | new_variant Failure.Over | new_variant Answer.Err | new Got | load token | push 2000 | deliver Got.answer | ret | end
        fn main() | local far: Address | push \"n1\" | spawn_on server | cast Address | store far
            push 7 | load far | call ask | await_type Got | call tell | push 8 | load far | call ask | await_type Got | call tell | ret | end",
        &["Got(7, Ok(42))", "Got(8, Err(Gone(Kill)))"],
    );
}

/// A barrier is a fiber like any other: those that meet at it may be anywhere.
#[test]
fn a_barrier_is_met_at_from_other_nodes() {
    prints(
        "fn party(at: Address, parent: Address) | load at | push -1 | barrier | drop | push \"through\" | load parent | send | ret | end
        fn main() | local at: Address | push 3 | barrier_new | store at
            load at | self | push \"n1\" | spawn_on party | drop | load at | self | push \"n2\" | spawn_on party | drop
            load at | push -1 | barrier | drop | await_recv | call tell | await_recv | call tell | ret | end",
        &["through", "through"],
    );
}

#[test]
fn a_node_that_nobody_knows_is_an_error_value() {
    prints(
        "fn main() | push \"nowhere\" | spawn_on deaf | cast (Text, Text) | field (Text, Text).0 | call tell | ret | end",
        &["no_node"],
    );
}

/// Whoever sends an exit signal can be watched and ended by the one that gets it, who knows nothing else of it.
#[test]
fn the_sender_of_an_exit_signal_can_be_reached() {
    prints(
        "fn sender(to: Address) | push 7 | load to | exit_other | call deaf | ret | end
        fn main() | local from: Address | push true | trap_exits | self | push \"n1\" | spawn_on sender | drop
            await_recv | cast Exit | field Exit.fiber | store from | load from | monitor | drop
            push \"kill\" | load from | exit_other | await_recv | call reason | call tell | ret | end",
        &["Killed"],
    );
}

/// Two programs that know one type in different shapes: what a fiber of one sends to one of the other on another node takes
/// the shape that the receiver knows, as it does on one node; and what the receiver only passes on stays as it is.
#[test]
fn a_type_of_another_version_is_converted_between_nodes() {
    let sender = program(
        "export main
        type Point { x: Int, y: Int }
        fn main() | local to: Address | push \"sender\" | self | register Address | drop | await_type Address | store to
            push 1 | push 2 | new Point | load to | send | await_type Point | field Point.y | call tell | ret | end",
    );
    let receiver = program(
        "export main
        type Point { x: Int, colour: Text = \"red\" }
        fn introduce(to: Address) | local sender: Address | push \"sender\" | whereis Address | cast Address | store sender
            load to | load sender | send | load sender | load to | send | ret | end
        fn main() receives Point, Address | local far: Address | local sender: Address | local point: Point
            self | push \"n0\" | spawn_on introduce | drop | await_type Address | store sender
            await_type Point | store point | load point | call tell | load point | field Point.colour | call tell | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    sim.start(0, &sender, "main");
    sim.run();
    sim.start(1, &receiver, "main");
    sim.run();
    assert_eq!(sim.nodes[1].home.printed, ["Point(1, \"red\")", "red"]);
}

/// Values of types that only the sender's code has come to one who takes anything as what they are, and go back as that.
#[test]
fn types_are_told_before_the_first_value_that_has_them() {
    let module = program(
        "export main
        type Point { x: Int, shape: Shape } | sum Shape { Circle(r: Float), Empty }
        fn main() | local list: List<Point> | local to: Address | push \"main\" | self | register Any | drop
            list_new List<Point> | store list | load list | push 3 | push 1.5 | new_variant Shape.Circle | new Point | list_push
            load list | push 4 | new_variant Shape.Empty | new Point | list_push
            await_type Address | store to | load list | load to | send
            await_recv | cast List<Point> | push 1 | get | field Point.shape | call tell | ret | end",
    );
    let other = program(
        "export main
        fn introduce(to: Address) | local main: Address | push \"main\" | whereis Any | cast Address | store main
            load to | load main | send | load main | load to | send | ret | end
        fn main() | local main: Address | self | push \"n0\" | spawn_on introduce | drop | await_type Address | store main
            await_recv | dup | call tell | load main | send Any | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    sim.start(0, &module, "main");
    sim.run();
    sim.start(1, &other, "main");
    sim.run();
    assert_eq!(sim.nodes[1].home.printed, ["[Point(3, Circle(1.5)), Point(4, Empty)]"]);
    assert_eq!(sim.nodes[0].home.printed, ["Empty"]);
}

/// MON6: of fibers that were started elsewhere nothing is left when they have ended, whether anybody watched them or not.
#[test]
fn mon6_what_was_started_elsewhere_leaves_nothing_behind() {
    let module = program(
        "export main
        fn short() | ret | end
        fn main() | local i: Int | push 0 | store i
        again: | push \"n1\" | spawn_on short | cast Address | drop | load i | push 1 | add | tee i | push 1000 | lt | jmp_if again | push \"started\" | call tell | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    sim.start(0, &module, "main");
    sim.run();
    assert_eq!(sim.nodes[0].home.printed, ["started"]);
    assert_eq!(sim.nodes[1].home.machine.stats().fibers_started, 1_000);
    for node in &sim.nodes {
        assert!(node.router.remotes() <= 1, "{} addresses", node.router.remotes());
        assert_eq!(node.home.machine.fibers().count(), 0, "fibers that live");
    }
}
