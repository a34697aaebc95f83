//! What peers send that do not keep to the rules, or end at the wrong moment: each was a fault once.

use crate::sim::{Sim, program};
use fardel_bytecode::types;
use fardel_vm::config::Config;
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::{Bounds, Message};
use fardel_wire::id::{ActorId, Address, Incarnation, NodeId, Tag, TagKey};
use fardel_wire::packed::Values;
use std::borrow::Cow;

fn id(node: NodeId, fiber: FiberId) -> ActorId {
    ActorId { node, incarnation: Incarnation(1), fiber }
}
/// A value that is statically Any.
fn any(types: &[u32], addresses: &[Address], body: &[u8]) -> Values<'static> {
    let types: Vec<u32> = [types::ANY.0].into_iter().chain(types.iter().copied()).collect();
    let body = Cow::Owned(body.to_vec());
    Values::new(types.into_iter(), addresses.iter().copied(), body).expect("the tables are short")
}
fn f(slot: u32) -> FiberId {
    FiberId { slot, generation: 1 }
}

/// A message had been held for want of room when its sender ended. Nobody was told of room any more then, and whatever came for
/// that mailbox from other nodes was held behind it for ever.
#[test]
fn a_mailbox_hears_on_when_a_sender_ends_whose_message_was_held() {
    let module = program(
        "export main
fn main() | await_type Bool | drop
again: | await_recv | dup | is Text | jmp_if say | drop | jmp again
say: | call tell | jmp again | end",
    );
    let mut sim = Sim::new(2, Config::default());
    let fiber = sim.start(1, &module, "main");
    sim.run();
    let (own, peer) = (sim.nodes[1].id, sim.nodes[0].id);
    let to = TagKey::new([101; 32]).address(id(own, fiber));
    let node = &mut sim.nodes[1];
    let mut send = |from: u32, value: &[u8]| {
        let m = Message::Send { from: id(peer, f(from)), to, value: any(&[], &[], value) };
        node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    };
    for _ in 0..4096 {
        send(50, &[5]);
    }
    send(51, &[6]); // held
    let node = &mut sim.nodes[1];
    let m = Message::Gone { fiber: id(peer, f(51)), reason: Cow::Borrowed(&[0]) };
    node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    // It takes what is there from now on.
    node.home.machine.handle(fardel_vm::door::Input::Message { to: fiber, value: fardel_vm::value::Value::Bool(true) });
    sim.run();
    let node = &mut sim.nodes[1];
    let m = Message::Send { from: id(peer, f(52)), to, value: any(&[], &[], &[0xa2, b'h', b'i']) };
    node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    sim.run();
    assert_eq!(sim.nodes[1].home.printed, ["hi"]);
}

/// A peer could fill the table of fibers with credit for fibers that nobody had heard of.
#[test]
fn credit_opens_no_addresses() {
    let mut sim = Sim::new(2, Config::default());
    let (_own, peer) = (sim.nodes[1].id, sim.nodes[0].id);
    sim.nodes[1].router.grant(peer, fardel_cluster::Grants::NONE);
    let node = &mut sim.nodes[1];
    for n in 0..1000 {
        let m = Message::Credit { fiber: id(peer, f(n)), messages: 1, bytes: 1 };
        node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    }
    assert_eq!(node.router.remotes(), 0);
}

/// An address in any value said how often its node had been started: with a high number all real fibers of that node were
/// `noproc`.
#[test]
fn a_node_alone_says_which_incarnation_it_is() {
    let module = program(
        "export main
fn main() | await_recv | drop | await_type Address | monitor | drop | await_recv | call reason | call tell | ret | end",
    );
    let other = program("export main\nfn main() | await_recv | drop | ret | end");
    let mut sim = Sim::new(3, Config::default());
    let fiber = sim.start(1, &module, "main");
    let live = sim.start(2, &other, "main");
    sim.run();
    let (own, bad, good) = (sim.nodes[1].id, sim.nodes[0].id, sim.nodes[2].id);
    let to = TagKey::new([101; 32]).address(id(own, fiber));
    let late = ActorId { node: good, incarnation: Incarnation(u32::MAX), fiber: f(9) };
    let late = any(&[], &[Address { id: late, tag: Tag([1; 16]) }], &[0xd4, 19, 0]);
    let real = any(&[], &[TagKey::new([102; 32]).address(id(good, live))], &[0xd4, 19, 0]);
    let node = &mut sim.nodes[1];
    let m = Message::Send { from: id(bad, f(1)), to, value: late };
    node.router.message(0, bad, m, &mut node.home, &mut node.peers);
    let m = Message::Send { from: id(good, f(3)), to, value: real };
    node.router.message(0, good, m, &mut node.home, &mut node.peers);
    sim.run();
    assert!(sim.nodes[1].home.printed.is_empty(), "{:?}: the live fiber is said to be gone", sim.nodes[1].home.printed);
}

/// A closure was started with the peer's number where a captured text belongs, and read that as a reference.
#[test]
fn a_closure_is_not_started_by_its_place() {
    let module = program(
        "export main
fn inner[s: Text](n: Int) | load s | call_host io.print | ret | end
fn main() | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    sim.start(1, &module, "main");
    sim.run();
    let peer = sim.nodes[0].id;
    let node = &mut sim.nodes[1];
    let hash = fardel_bytecode::format::hash(module.module());
    let at = module.module().functions.iter().position(|f| !f.captures.is_empty()).unwrap() as u32;
    let from = Address { id: id(peer, f(1)), tag: Tag([1; 16]) };
    // [0x4141414141414140]
    let args = any(&[], &[], &[0xd3, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x41, 0x40]);
    let m = Message::Spawn { request: 1, from, linked: false, module: hash, function: at, bounds: Bounds::default(), args };
    node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    sim.run();
    assert_eq!(sim.nodes[1].home.machine.stats().fibers_started, 1, "a closure was started without what it captures");
}

/// A message that no node takes counted as under way for ever, and whoever sent after it waited.
#[test]
fn what_is_too_large_holds_up_nobody() {
    // A list of 17M ints is 17 MB on the wire: more than the peer takes. What is sent after it waits for ever.
    let module = program("export main
fn sink() | again: | await_recv | call tell | jmp again | end
fn main() | local far: Address | push \"n1\" | spawn_on sink | cast Address | store far | call big | load far | send | push \"sent 1\" | call tell | push \"after\" | load far | send | push \"sent 2\" | call tell | ret | end
fn big() -> Text | local t: Text | local n: Int | push \"0123456789abcdef\" | store t | push 0 | store n
again: | load t | load t | concat | store t | load n | push 1 | add | tee n | push 21 | lt | jmp_if again | load t | ret | end");
    let mut sim = Sim::new(2, Config::default());
    sim.start(0, &module, "main");
    sim.run_for(9_000_000_000);
    assert_eq!(sim.nodes[0].home.printed, ["sent 1", "sent 2"]);
}

/// The room that was kept for a held message stayed kept when its session was lost, and large messages of others found none.
#[test]
fn a_lost_session_leaves_no_room_kept() {
    let module = program(
        "export main
fn main() | await_type Bool | drop
again: | await_recv | dup | is Text | jmp_if say | drop | jmp again
say: | call tell | jmp again | end",
    );
    let mut sim = Sim::new(3, Config::default());
    let fiber = sim.start(1, &module, "main");
    sim.run();
    let (own, a, b) = (sim.nodes[1].id, sim.nodes[0].id, sim.nodes[2].id);
    let to = TagKey::new([101; 32]).address(id(own, fiber));
    let node = &mut sim.nodes[1];
    // b fills the mailbox; a's large message is held.
    for _ in 0..4096 {
        let m = Message::Send { from: id(b, f(50)), to, value: any(&[], &[], &[5]) };
        node.router.message(0, b, m, &mut node.home, &mut node.peers);
    }
    let mut big = vec![0xdd, 0, 0x16, 0, 1, 0xd4, 16, 1];
    big.resize(8 + 0x16_0000, 7);
    let big = any(&[types::LIST_ANY.0], &[], &big);
    let m = Message::Send { from: id(a, f(51)), to, value: big.clone() };
    node.router.message(0, a, m, &mut node.home, &mut node.peers);
    node.router.lost(a, &mut node.home);
    node.home.machine.handle(fardel_vm::door::Input::Message { to: fiber, value: fardel_vm::value::Value::Bool(true) });
    sim.run();
    let node = &mut sim.nodes[1];
    // A large one of b's now waits for ever.
    let m = Message::Send { from: id(b, f(52)), to, value: big };
    node.router.message(0, b, m, &mut node.home, &mut node.peers);
    let m = Message::Send { from: id(b, f(52)), to, value: any(&[], &[], &[0xa2, b'h', b'i']) };
    node.router.message(0, b, m, &mut node.home, &mut node.peers);
    sim.run();
    assert_eq!(sim.nodes[1].home.printed, ["hi"]);
}

/// Types that a peer tells of without need, in pieces out of order, or that are none, change nothing; and values that name
/// types of which it has not told are counted.
#[test]
fn types_that_are_none_change_nothing() {
    let module = program("export main\nfn main() | again: | await_recv | call tell | jmp again | end");
    let mut sim = Sim::new(2, Config::default());
    let fiber = sim.start(1, &module, "main");
    sim.run();
    let (own, peer) = (sim.nodes[1].id, sim.nodes[0].id);
    let to = TagKey::new([101; 32]).address(id(own, fiber));
    let good = fardel_bytecode::format::encode(&fardel_bytecode::module::Module {
        types: module.module().types.clone(),
        ..Default::default()
    });
    let count = module.module().types.all().len() as u32;
    let told = |count: u32, numbers: u32, module: &[u8]| {
        let numbers: Vec<u8> = (0..numbers).flat_map(u32::to_le_bytes).collect();
        [&count.to_le_bytes()[..], &numbers, module].concat()
    };
    let cases: Vec<(u32, u32, Vec<u8>)> = vec![
        (0, 1, Vec::new()),
        (0, 1, vec![0xff; 4]),
        (0, 1, told(u32::MAX, 0, &[])),
        (0, 1, told(count - 1, count - 1, &good)),
        (0, 1, told(count, count - 1, &good)),
        (0, 1, told(count, count, &good[..good.len() - 1])),
        (0, 1, told(count, count, b"\0fdm")),
        (3, 4, told(count, count, &good)),
    ];
    let wrong = cases.len() as u64;
    let node = &mut sim.nodes[1];
    for (chunk, chunks, bytes) in cases {
        let m = Message::Types { chunk, chunks, bytes: Cow::Owned(bytes) };
        node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    }
    // A value of a type that was not told: an empty array of type 40, and one of a type that is no list.
    for types in [[40], [types::INT.0]] {
        let m = Message::Send { from: id(peer, f(1)), to, value: any(&types, &[], &[0x91, 0xd4, 16, 1]) };
        node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    }
    assert_eq!(node.router.stats().malformed, wrong + 2);
    // What is whole is learned, and the same once more changes nothing.
    for _ in 0..2 {
        let m = Message::Types { chunk: 0, chunks: 1, bytes: Cow::Owned(told(count, count, &good)) };
        node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    }
    let m = Message::Send { from: id(peer, f(1)), to, value: any(&[], &[], &[7]) };
    node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    sim.run();
    assert_eq!((sim.nodes[1].router.stats().malformed, &sim.nodes[1].home.printed[..]), (wrong + 2, &["7".to_owned()][..]));
}

/// Behind a message that was held, a peer's signals were held without a bound. With more than a node keeps the peer's session is
/// given up, so that whoever depends on it is told.
#[test]
fn signals_behind_a_held_message_have_a_bound() {
    let module = program("export main\nfn main() | await_type Bool | drop | ret | end");
    let mut sim = Sim::new(2, Config::default());
    let fiber = sim.start(1, &module, "main");
    sim.run();
    let (own, peer) = (sim.nodes[1].id, sim.nodes[0].id);
    let to = TagKey::new([101; 32]).address(id(own, fiber));
    let node = &mut sim.nodes[1];
    for _ in 0..=4096 {
        let m = Message::Send { from: id(peer, f(50)), to, value: any(&[], &[], &[5]) };
        node.router.message(0, peer, m, &mut node.home, &mut node.peers);
    }
    for _ in 0..=2 * fardel_cluster::limits::HELD_MAX {
        node.router.message(0, peer, Message::Unlink { from: id(peer, f(50)), to }, &mut node.home, &mut node.peers);
    }
    assert_eq!(node.router.stats().dropped, 2, "one more than is held, and the message that is");
    node.router.flush(0, &mut node.home, &mut node.peers);
    assert!(node.peers.session(peer).is_none(), "the session is given up");
}
