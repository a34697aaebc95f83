//! Fibers that are started on other nodes with options.

use crate::sim::{Sim, program};
use fardel_vm::config::Config;
use fardel_wire::frame::{Bounds, Message};
use fardel_wire::id::{ActorId, Address, Incarnation, Tag};
use fardel_wire::packed::Values;
use fardel_wire::table::MailboxPolicy;

const SECOND: u64 = 1_000_000_000;

/// Functions of all programs here; `with` makes the options of node n1 and one more.
const STARTERS: &str = "export main
fn with(name: Text, value) -> Map<Any, Any> | local all: Map<Any, Any> | map_new Map<Any, Any> | store all
    load all | push \"on\" | push \"n1\" | set | load all | load name | load value | set | load all | ret | end
fn hoarder() | local list: List<Int> | list_new List<Int> | store list
    again: | load list | push 1 | list_push | jmp again | end
fn greedy() | await_recv | drop | call hoarder | ret | end
fn fails() | push \"no\" | panic | end
fn linked() | push \"link\" | push true | call with | spawn_with deaf | call tell | push 60000 | await_recv_until | drop | ret | end
";

/// What `main` prints on the first of two nodes.
#[track_caller]
fn prints(main: &str, lines: &[&str]) {
    for slice in [1, 1_000] {
        let module = program(&format!("{STARTERS}{main}"));
        let mut sim = Sim::new(2, Config { slice, ..Config::default() });
        sim.start(0, &module, "main");
        sim.run();
        assert_eq!(sim.nodes[0].home.printed, lines, "slices of {slice}");
        assert!(sim.nodes[1].home.machine.stats().fibers_started > 0, "it was started here");
    }
}

#[test]
fn limits_go_with_it() {
    prints(
        "fn main() | push \"memory\" | push 20000 | call with | spawn_with greedy | cast Address | call told | ret | end
        fn told(far: Address) | load far | monitor | drop | push 1 | load far | send | await_recv | call reason | call tell | ret | end",
        &["OutOfMemory"],
    );
    // Two messages are taken, and the third one ends it.
    prints(
        "fn main() | local far: Address | local some: Map<Any, Any> | push \"mailbox\" | push 2 | call with | store some
            load some | push \"full\" | push \"exit\" | set | load some | spawn_with deaf | cast Address | store far | load far | monitor | drop
            push 1 | load far | send | push 2 | load far | send | push 3 | load far | send | await_recv | call reason | call tell | ret | end",
        &["MailboxOverflow"],
    );
    prints(
        "fn main() | push \"full\" | push \"reject\" | call with | spawn_with deaf | is Address | call tell | ret | end",
        &["true"],
    );
}

/// LNK9: the link is there before the fiber runs.
#[test]
fn lnk9_a_fiber_that_ends_at_once_is_told_of() {
    prints(
        "fn main() | push true | trap_exits | push \"link\" | push true | call with | spawn_with fails | is Address | call tell
            await_type Exit | field Exit.reason | payload Reason.Error.message | call tell | ret | end",
        &["true", "no"],
    );
    prints(
        "fn parent() | push \"link\" | push true | call with | spawn_with fails | drop | push 60000 | await_recv_until | drop | ret | end
        fn main() | spawn parent | push -1 | wait | unwrap | cast Reason | payload Reason.Error.message | call tell | ret | end",
        &["no"],
    );
}

/// LNK9: a link goes both ways, whether the answer has come or not.
#[test]
fn lnk9_a_fiber_ends_with_the_one_that_started_it() {
    for known in [false, true] {
        for delay in [0, 1, 2, 3, 5, 8, 40] {
            let first = if known { "push \"n1\" | spawn_on fails | cast Address | push -1 | wait | drop" } else { "" };
            let module = program(&format!(
                "{STARTERS}fn main() | local near: Address | {first}
                spawn linked | store near | push {delay} | await_recv_until | drop | push \"kill\" | load near | exit_other
                push 30000 | await_recv_until | drop | ret | end"
            ));
            let mut sim = Sim::new(2, Config::default());
            sim.start(0, &module, "main");
            sim.run_for(20 * SECOND);
            let stats = sim.nodes[1].home.machine.stats();
            assert!(delay == 0 || stats.fibers_started == 1 + u64::from(known), "after {delay} ms none was started");
            assert_eq!(stats.fibers_live, 0, "after {delay} ms it lives on; its module was known: {known}");
        }
    }
}

/// LNK9: whoever has started it hears when the connection is lost before the answer.
#[test]
fn lnk9_a_lost_connection_is_told_before_the_answer() {
    let waits = "fn main() | push 2000 | await_recv_until | drop | spawn linked | push -1 | wait | call tell | ret | end";
    let traps = "fn main() | push 2000 | await_recv_until | drop | push true | trap_exits | push \"link\" | push true | call with
        spawn_with deaf | cast (Text, Text) | field (Text, Text).0 | call tell | await_type Exit | field Exit.reason | call tell | ret | end";
    for (main, lines) in [(waits, &["NoConnection"][..]), (traps, &["noconnection", "NoConnection"])] {
        let module = program(&format!("{STARTERS}{main}"));
        let mut sim = Sim::new(2, Config::default());
        sim.start(0, &module, "main");
        sim.run_for(SECOND);
        sim.partitioned.insert((0, 1));
        sim.run_for(60 * SECOND);
        assert_eq!(sim.nodes[0].home.printed, lines);
    }
}

/// Whatever a peer asks for, no fiber gets more than the machine gives each.
#[test]
fn a_peer_gives_no_fiber_more_than_each_has() {
    let module = program(&format!("export hoarder\n{STARTERS}fn main() | ret | end"));
    let config = Config { fiber_memory_bytes_max: 1 << 20, ..Config::default() };
    let mut sim = Sim::new(2, config);
    sim.start(1, &module, "main");
    sim.run();
    let (peer, hash) = (sim.nodes[0].id, fardel_bytecode::format::hash(module.module()));
    let function =
        module.module().exports.iter().find(|export| export.name == "hoarder").expect("it is exported").function.0;
    let bounds = Bounds {
        messages: u64::MAX,
        message_bytes: u64::MAX,
        memory_bytes: u64::MAX,
        stack_bytes: u64::MAX,
        policy: Some(MailboxPolicy::DropOld),
    };
    let from = Address {
        id: ActorId { node: peer, incarnation: Incarnation(1), fiber: fardel_vm::fiber::FiberId { slot: 1, generation: 1 } },
        tag: Tag([1; 16]),
    };
    let args = Values::default();
    let start = Message::Spawn { request: 1, from, linked: false, module: hash, function, bounds, args };
    let node = &mut sim.nodes[1];
    node.router.message(0, peer, start, &mut node.home, &mut node.peers);
    sim.run();
    let ends: Vec<String> = sim.nodes[1].home.ended.iter().map(|(_, reason)| reason.to_string()).collect();
    assert_eq!(ends.last().map(String::as_str), Some("out_of_memory"), "{ends:?}");
}
