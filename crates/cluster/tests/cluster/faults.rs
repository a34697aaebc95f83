//! Connections that break, nodes that are lost and come again.

use crate::sim::{Sim, program};
use fardel_vm::config::Config;

const SECOND: u64 = 1_000_000_000;

/// Sends numbers to a fiber on another node, which says whether each came once and in order.
const COUNTING: &str = "export main
fn receiver(n: Int, parent: Address) | local next: Int | push 0 | store next
again: | await_type Int | load next | ne | jmp_if wrong | load next | push 1 | add | tee next | load n | lt | jmp_if again
    push \"in order\" | load parent | send | ret
wrong: | push \"out of order\" | load parent | send | ret | end
fn main() | local far: Address | local i: Int | push 5000 | self | push \"n1\" | spawn_on receiver | cast Address | store far | push 0 | store i
again: | load i | load far | send | load i | push 1 | add | tee i | push 5000 | lt | jmp_if again
    await_recv | call tell | ret | end";

/// ORD5, DEL4: as long as sessions go on, connections that break lose, repeat and reorder nothing.
#[test]
fn ord5_broken_connections_lose_nothing() {
    let module = program(COUNTING);
    for seed in 0..100 {
        let mut sim = Sim::new(2, Config::default());
        sim.seed(seed);
        sim.cuts = 20;
        sim.start(0, &module, "main");
        sim.run();
        assert_eq!(sim.nodes[0].home.printed, ["in order"], "seed {seed}");
    }
}

/// MON3: a node that cannot be reached for longer than a session lasts is `noconnection` for those that watch.
#[test]
fn mon3_a_node_out_of_reach_is_a_down() {
    let module = program(
        "export main
        fn main() | local far: Address | push \"n1\" | spawn_on waiter | cast Address | store far | load far | monitor | drop
            push \"watching\" | call tell | await_recv | call reason | call tell
            push 20000 | await_recv_until | drop | load far | monitor | drop | push 3 | load far | send | await_recv | call reason | call tell | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    sim.start(0, &module, "main");
    sim.run_for(SECOND);
    assert_eq!(sim.nodes[0].home.printed, ["watching"]);
    sim.partitioned.insert((0, 1));
    sim.run_for(12 * SECOND);
    assert_eq!(sim.nodes[0].home.printed[1], "NoConnection");
    // The address is good again when the node is.
    sim.partitioned.clear();
    sim.run_for(20 * SECOND);
    assert_eq!(
        sim.nodes[0].home.printed[2..],
        ["ShutdownWith(3)"],
        "{:?} {:?}",
        sim.nodes[0].home.heard,
        sim.nodes[1].home.heard
    );
}

/// NOD6: fibers of a former incarnation are `noproc`.
#[test]
fn nod6_a_restarted_node_has_none_of_its_fibers() {
    let module = program(
        "export main
        fn main() | local far: Address | push \"n1\" | spawn_on deaf | cast Address | store far
            push \"known\" | call tell | push 20000 | await_recv_until | drop | load far | monitor | drop | await_recv | call reason | call tell | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    sim.start(0, &module, "main");
    sim.run_for(SECOND);
    assert_eq!(sim.nodes[0].home.printed, ["known"]);
    sim.restart(1, 2);
    sim.run_for(60 * SECOND);
    assert_eq!(sim.nodes[0].home.printed[1..], ["NoProc"]);
}

/// A slow receiver holds its senders back wherever they are, and bounds what is on its way.
#[test]
fn a_slow_receiver_bounds_what_is_under_way() {
    let module = program(
        "export main
        fn main() | local far: Address | local n: Int | push \"n1\" | spawn_on deaf | cast Address | store far | push 0 | store n
        again: | load n | load far | send | load n | push 1 | add | tee n | push 100000 | lt | jmp_if again | push \"sent\" | call tell | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    sim.start(0, &module, "main");
    sim.run_for(10 * SECOND);
    let bound = Config::default().mailbox_messages_max;
    let sent = sim.nodes[0].home.machine.stats().messages;
    assert!(sim.nodes[0].home.printed.is_empty() && sent <= 2 * bound + 100, "{sent} messages were sent");
}
