//! Both sides of connections, fed with each other's bytes and with any: no panic, and sessions keep their invariants.
#![no_main]

use fardel_fuzz::choices::Choices;
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::Message;
use fardel_wire::hello::{Features, Local};
use fardel_wire::id::{ActorId, Incarnation, NodeId, TagKey};
use fardel_wire::limits;
use fardel_wire::link::Link;
use fardel_wire::packed::Values;
use fardel_wire::peers::Peers;
use fardel_wire::session::SessionId;
use libfuzzer_sys::fuzz_target;

/// A node and its end of the connection.
struct Side {
    node: NodeId,
    peers: Peers,
    link: Option<Link>,
}

fn side(node: NodeId) -> Side {
    let mut local = Local::new(node, Incarnation(1), "node");
    local.node.features = Features::COMPRESSED;
    Side { node, peers: Peers::new(local), link: None }
}

fn check(side: &Side) {
    for (_, session) in side.peers.sessions() {
        session.invariants();
        assert!(session.held_bytes() <= 2 * limits::RESEND_BYTES_MAX + limits::MESSAGE_BYTES_MAX);
    }
}

/// What a side writes now, when it has a connection.
fn output(side: &mut Side, now: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let Some(link) = &mut side.link else { return out };
    link.poll_output(now, &mut side.peers, &mut out);
    out
}

fn feed(side: &mut Side, now: u64, bytes: &[u8]) {
    let Some(link) = &mut side.link else { return };
    link.feed(now, &mut side.peers, bytes);
    while link.poll_event(now, &mut side.peers).is_some() {}
}

fn end(side: &mut Side, now: u64) {
    if let Some(mut link) = side.link.take() {
        link.disconnected(now, &mut side.peers);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes;
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at(count.min(bytes.len()));
        bytes = rest;
        taken
    };
    let mut numbers = Choices::new(1);
    let mut now = 0;
    let mut sides = [side(NodeId([1; 16])), side(NodeId([2; 16]))];
    while let [what, much] = *take(2) {
        let (at, much) = (usize::from(what >> 7), usize::from(much));
        let (own, other) = (sides[at].node, sides[1 - at].node);
        match what & 0x0f {
            // A connection, dialled by one side.
            0 => {
                sides.iter_mut().for_each(|side| end(side, now));
                let peer = Some(other).filter(|_| much & 1 == 0);
                let fresh = [SessionId(numbers.bits()), SessionId(numbers.bits())];
                sides[at].link = Some(Link::dial(now, &mut sides[at].peers, peer, fresh[0]));
                sides[1 - at].link = Some(Link::accept(now, peer.map(|_| own), fresh[1]));
                if much & 2 == 0 {
                    sides.iter_mut().filter_map(|side| side.link.as_mut()).for_each(Link::compress);
                }
            }
            1 => end(&mut sides[at], now),
            2 => now += much as u64 * 50_000_000,
            3..=5 => {
                let id = |node| ActorId { node, incarnation: Incarnation(1), fiber: FiberId { slot: 1, generation: 1 } };
                let value = vec![0xc0; much * much * much / 50];
                let to = TagKey::new([1; 32]).address(id(other));
                let value = Values::new([0].into_iter(), [].into_iter(), value.into()).expect("the tables are short");
                let message = Message::Send { from: id(own), to, value };
                let _ = sides[at].peers.send(now, other, SessionId(numbers.bits()), &message);
            }
            // Bytes that nobody wrote.
            6 | 7 => feed(&mut sides[at], now, take(much)),
            // The other side's bytes, with one changed.
            8 => {
                let mut written = output(&mut sides[1 - at], now);
                let place = take(2).iter().fold(0, |place, byte| place << 8 | usize::from(*byte));
                if let Some(byte) = written.get_mut(place) {
                    *byte ^= much as u8;
                }
                feed(&mut sides[at], now, &written);
            }
            9.. => {
                let written = output(&mut sides[1 - at], now);
                feed(&mut sides[at], now, &written);
            }
        }
        for side in &mut sides {
            while side.peers.expire(now).is_some() {}
            check(side);
        }
    }
});
