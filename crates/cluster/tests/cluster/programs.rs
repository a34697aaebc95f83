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
        let mut printed: Vec<String> = sim.nodes.iter().flat_map(|node| node.printed.clone()).collect();
        let mut wanted: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        printed.sort();
        wanted.sort();
        let end = sim.nodes[0].ended.iter().find(|(fiber, _)| *fiber == main).map(|(_, reason)| reason.to_string());
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
