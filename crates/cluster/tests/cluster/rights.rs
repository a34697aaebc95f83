//! What peers may not do has no effect.

use crate::sim::{Sim, program};
use fardel_cluster::{Denial, Grants, Reach};
use fardel_vm::config::Config;
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::Message;
use fardel_wire::id::{ActorId, Address, Incarnation, NodeId, Tag, TagKey};
use fardel_wire::packed::Values;
use std::borrow::Cow;

fn actor(node: NodeId, fiber: FiberId) -> ActorId {
    ActorId { node, incarnation: Incarnation(1), fiber }
}

const STARTS: &str = "export main
fn main() | push \"n1\" | spawn_on deaf | cast (Text, Text) | field (Text, Text).0 | call tell | ret | end";

#[test]
fn without_the_grants_nothing_is_started() {
    for grants in [Grants::NONE, Grants { spawn: false, ..Grants::MEMBER }, Grants { code: false, ..Grants::MEMBER }] {
        let mut sim = Sim::new(2, Config::default());
        let peer = sim.nodes[0].id;
        sim.nodes[1].router.grant(peer, grants);
        sim.start(0, &program(STARTS), "main");
        sim.run();
        assert_eq!(sim.nodes[0].home.printed, ["denied"], "{grants:?}");
        assert_eq!(sim.nodes[1].home.machine.stats().fibers_started, 0);
        assert!(sim.nodes[1].router.stats().denied > 0);
        let denial = if grants.spawn { Denial::Code } else { Denial::Spawn };
        let told = std::iter::from_fn(|| sim.nodes[1].router.poll_denial());
        assert_eq!(told.filter(|told| *told == (peer, denial)).count(), 1, "it is told of once");
    }
}

/// Main tells what it hears; `named` has a name besides, so that peers of any role reach it.
const HEARS: &str = "export main | export named
fn main() | again: | await_recv | call tell | jmp again | end
fn named() | push \"me\" | self | register Any | drop | call main | ret | end";

#[test]
fn what_a_peer_may_send_to_is_any_exported_or_nothing() {
    for (send, function, arrives) in [
        (Reach::Any, "main", true),
        (Reach::Any, "named", true),
        (Reach::Exported, "main", false),
        (Reach::Exported, "named", true),
        (Reach::Nothing, "main", false),
        (Reach::Nothing, "named", false),
    ] {
        let mut sim = Sim::new(2, Config::default());
        let fiber = sim.start(1, &program(HEARS), function);
        sim.run();
        let (own, peer) = (sim.nodes[1].id, sim.nodes[0].id);
        let node = &mut sim.nodes[1];
        node.router.grant(peer, Grants { send, ..Grants::MEMBER });
        let to = TagKey::new([101; 32]).address(actor(own, fiber));
        let from = TagKey::new([100; 32]).address(actor(peer, FiberId { slot: 1, generation: 1 }));
        let any = [fardel_bytecode::types::ANY.0];
        let value =
            || Values::new(any.into_iter(), std::iter::empty(), Cow::Borrowed(&[0xc3])).expect("the tables are short");
        let messages = [
            Message::Send { from: from.id, to, value: value() },
            Message::Request { from: from.id, to, number: 7, value: value() },
            Message::Link { from, to },
            Message::Watch { fiber: to },
        ];
        for message in messages {
            node.router.message(0, peer, message, &mut node.home, &mut node.peers);
        }
        sim.run_for(1_000_000);
        let heard: &[&str] = if arrives { &["true", "true"] } else { &[] };
        assert_eq!(sim.nodes[1].home.printed, heard, "{send:?} {function}");
        let node = &mut sim.nodes[1];
        let kill = Message::Exit { from, to, reason: Cow::Borrowed(&[3]) };
        node.router.message(0, peer, kill, &mut node.home, &mut node.peers);
        assert_eq!(node.router.stats().denied, if arrives { 0 } else { 5 }, "{send:?} {function}");
        // Five denials of one kind are told of as one.
        assert_eq!(node.router.poll_denial(), if arrives { None } else { Some((peer, Denial::Send)) });
        assert_eq!(node.router.poll_denial(), None);
        sim.run_for(1_000_000);
        assert_eq!(sim.nodes[1].home.machine.is_alive(fiber), !arrives, "a kill arrives with what else does");
    }
}

/// Whoever may send to named fibers alone answers what any fiber has asked all the same.
#[test]
fn a_reply_is_no_message() {
    let module = program(
        "export main
fn main() | local far: Address | local t: Ref
    push \"n1\" | spawn_on answers | cast Address | store far
    new_ref | tee t | load t | load far | remote_call | load t | push 1000 | await_reply | drop | call tell | ret | end
fn answers() | local t: Ref | await_type Ref | store t | push 42 | load t | reply | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    let peer = sim.nodes[1].id;
    sim.nodes[0].router.grant(peer, Grants { send: Reach::Exported, ..Grants::NONE });
    sim.start(0, &module, "main");
    sim.run();
    assert_eq!(sim.nodes[0].home.printed, ["42"]);
}

/// An address that was guessed, or whose tag is of another fiber, reaches nobody.
#[test]
fn a_forged_address_reaches_nobody() {
    let module = program("export main\nfn main() | await_recv | call tell | ret | end");
    let mut sim = Sim::new(2, Config::default());
    let fiber = sim.start(1, &module, "main");
    let (own, peer) = (sim.nodes[1].id, sim.nodes[0].id);
    let to = Address { id: actor(own, fiber), tag: Tag([7; 16]) };
    let from = actor(peer, FiberId { slot: 1, generation: 1 });
    let node = &mut sim.nodes[1];
    let any = fardel_bytecode::types::ANY.0;
    let value = Values::new([any].into_iter(), std::iter::empty(), Cow::Borrowed(&[0xc3])).expect("the tables are short");
    let forged = Message::Send { from, to, value: value.clone() };
    node.router.message(0, peer, forged, &mut node.home, &mut node.peers);
    // Nor may a peer speak for another node's fibers.
    let other = Message::Send { from: actor(own, fiber), to, value };
    node.router.message(0, peer, other, &mut node.home, &mut node.peers);
    let gone = Message::Gone { fiber: actor(own, fiber), reason: Cow::Borrowed(&[0]) };
    node.router.message(0, peer, gone, &mut node.home, &mut node.peers);
    assert_eq!(node.router.stats().denied, 3);
    sim.run();
    assert!(sim.nodes[1].home.printed.is_empty());
}
