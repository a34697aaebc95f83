//! What peers may not do has no effect.

use crate::sim::{Sim, program};
use fardel_cluster::Grants;
use fardel_vm::config::Config;
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::Message;
use fardel_wire::id::{ActorId, Address, Incarnation, Tag};
use fardel_wire::packed::Values;
use std::borrow::Cow;

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
        assert_eq!(sim.nodes[0].printed, ["denied"], "{grants:?}");
        assert_eq!(sim.nodes[1].home.machine.stats().fibers_started, 0);
        assert!(sim.nodes[1].router.stats().denied > 0);
    }
}

/// An address that was guessed, or whose tag is of another fiber, reaches nobody.
#[test]
fn a_forged_address_reaches_nobody() {
    let module = program("export main\nfn main() | await_recv | call tell | ret | end");
    let mut sim = Sim::new(2, Config::default());
    let fiber = sim.start(1, &module, "main");
    let (own, peer) = (sim.nodes[1].id, sim.nodes[0].id);
    let id = |node, fiber| ActorId { node, incarnation: Incarnation(1), fiber };
    let to = Address { id: id(own, fiber), tag: Tag([7; 16]) };
    let from = id(peer, FiberId { slot: 1, generation: 1 });
    let node = &mut sim.nodes[1];
    let any = fardel_bytecode::types::ANY.0;
    let value = Values::new([any].into_iter(), std::iter::empty(), Cow::Borrowed(&[0xc3])).expect("the tables are short");
    let forged = Message::Send { from, to, value: value.clone() };
    node.router.message(0, peer, forged, &mut node.home, &mut node.peers);
    // Nor may a peer speak for another node's fibers.
    let other = Message::Send { from: id(own, fiber), to, value };
    node.router.message(0, peer, other, &mut node.home, &mut node.peers);
    let gone = Message::Gone { fiber: id(own, fiber), reason: Cow::Borrowed(&[0]) };
    node.router.message(0, peer, gone, &mut node.home, &mut node.peers);
    assert_eq!(node.router.stats().denied, 3);
    sim.run();
    assert!(sim.nodes[1].printed.is_empty());
}
