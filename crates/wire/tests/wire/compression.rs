//! Frames that go compressed: only to those who take them, and no bomb gets in by them.

use crate::examples::{NODE, OTHER, actor, address, frame_bytes, values_of};
use fardel_wire::compression::CompressedError;
use fardel_wire::frame::{Compressed, Decoder, Frame, Message, Sequence};
use fardel_wire::hello::{Features, Local};
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::limits;
use fardel_wire::link::{Closed, Event, Link};
use fardel_wire::peers::Peers;
use fardel_wire::session::{ProtocolError, SessionId};
use fardel_wire::table::Goodbye;

fn peers(id: NodeId, features: Features) -> Peers {
    let mut local = Local::new(id, Incarnation(1), "node");
    local.node.features = features;
    Peers::new(local)
}

fn output(link: &mut Link, peers: &mut Peers) -> Vec<u8> {
    let mut out = Vec::new();
    link.poll_output(0, peers, &mut out);
    out
}

/// How many messages come of these bytes, and why the link is closed then, if it is.
fn feed(link: &mut Link, peers: &mut Peers, bytes: &[u8]) -> (usize, Option<Closed>) {
    link.feed(0, peers, bytes);
    let (mut count, mut end) = (0, None);
    while let Some(event) = link.poll_event(0, peers) {
        match event {
            Event::Message(_) => count += 1,
            Event::Closed(closed) => end = Some(closed),
            Event::Lost { .. } | Event::Established { .. } | Event::Gossip(_) => {}
        }
    }
    (count, end)
}

/// Two nodes that are connected; the first one compresses what it writes.
struct Two {
    peers: [Peers; 2],
    links: [Link; 2],
}

impl Two {
    /// Two nodes with these features.
    fn new(features: [Features; 2]) -> Two {
        let [mut left, mut right] = [peers(NODE, features[0]), peers(OTHER, features[1])];
        let mut dial = Link::dial(0, &mut left, Some(OTHER), SessionId(11));
        let mut accept = Link::accept(0, Some(NODE), SessionId(12));
        dial.compress();
        assert_eq!(feed(&mut accept, &mut right, &output(&mut dial, &mut left)), (0, None));
        assert_eq!(feed(&mut dial, &mut left, &output(&mut accept, &mut right)), (0, None));
        Two { peers: [left, right], links: [dial, accept] }
    }

    /// The first node sends so many messages of 100 bytes; gives what it writes.
    fn send(&mut self, count: usize) -> Vec<u8> {
        for _ in 0..count {
            let message = Message::Send { from: actor(NODE, 1), to: address(OTHER, 2), value: values_of(vec![0xc0; 100]) };
            self.peers[0].send(0, OTHER, SessionId(1), &message).expect("there is room");
        }
        output(&mut self.links[0], &mut self.peers[0])
    }

    /// The second node gets these bytes.
    fn get(&mut self, bytes: &[u8]) -> (usize, Option<Closed>) {
        feed(&mut self.links[1], &mut self.peers[1], bytes)
    }
}

/// The kinds of the frames in these bytes.
fn kinds(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(limits::FRAME_BYTES_MAX);
    decoder.feed(bytes);
    std::iter::from_fn(|| decoder.next_frame().expect("they are frames").map(|frame| frame[0])).collect()
}

const BOTH: [Features; 2] = [Features::COMPRESSED; 2];

#[test]
fn what_is_written_at_once_goes_packed_to_a_node_that_takes_it() {
    let mut two = Two::new(BOTH);
    let bytes = two.send(100);
    assert_eq!(kinds(&bytes), [0x85]);
    assert!(bytes.len() < 100 * 100 / 4, "{} bytes", bytes.len());
    // In any pieces.
    let (start, end) = bytes.split_at(bytes.len() / 2);
    assert_eq!(two.get(start), (0, None));
    assert_eq!(two.get(end), (100, None));
    // The other side was not told to.
    let answer = output(&mut two.links[1], &mut two.peers[1]);
    assert!(!kinds(&answer).contains(&0x85));
}

#[test]
fn a_node_that_does_not_take_it_gets_none() {
    for features in [[Features::COMPRESSED, Features::default()], [Features::COMPRESSED, Features(!Features::COMPRESSED.0)]]
    {
        let mut two = Two::new(features);
        let bytes = two.send(100);
        assert_eq!(kinds(&bytes), [0x10; 100]);
        assert_eq!(two.get(&bytes), (100, None));
    }
}

#[test]
fn a_frame_that_is_written_again_is_packed_as_its_connection_wants() {
    let mut two = Two::new(BOTH);
    two.send(100);
    // It breaks, and the next connection is one that does not compress.
    for (link, peers) in two.links.iter_mut().zip(&mut two.peers) {
        link.disconnected(0, peers);
    }
    let [left, right] = &mut two.peers;
    let mut dial = Link::dial(0, left, Some(OTHER), SessionId(13));
    let mut accept = Link::accept(0, Some(NODE), SessionId(14));
    assert_eq!(feed(&mut accept, right, &output(&mut dial, left)), (0, None));
    assert_eq!(feed(&mut dial, left, &output(&mut accept, right)), (0, None));
    let bytes = output(&mut dial, left);
    assert_eq!(kinds(&bytes), [0x10; 100]);
    assert_eq!(feed(&mut accept, right, &bytes), (100, None));
}

/// A COMPRESSED frame that holds these bytes as they are, but says that they are `size`.
fn literal(size: usize, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0xf0];
    let mut left = content.len() - 15;
    while left >= 255 {
        block.push(255);
        left -= 255;
    }
    block.push(left as u8);
    block.extend_from_slice(content);
    frame_bytes(&Frame::Compressed(Compressed { size: size as u32, block: block.into() }))
}

/// The second node refuses these bytes, and says so.
#[track_caller]
fn refused(features: [Features; 2], bytes: &[u8]) -> CompressedError {
    let mut two = Two::new(features);
    let (count, closed) = two.get(bytes);
    let Some(Closed::Protocol(ProtocolError::Compressed(error))) = closed else { panic!("{count} came, {closed:?}") };
    let written = output(&mut two.links[1], &mut two.peers[1]);
    match Frame::decode(&written[4..]) {
        Ok(Frame::Bye(bye)) => assert_eq!(bye.code, Goodbye::Protocol),
        other => panic!("{other:?}"),
    }
    error
}

#[test]
fn a_packed_frame_that_was_not_agreed_on_is_refused() {
    let ping = frame_bytes(&Frame::Ping(1));
    let two = [ping.clone(), ping].concat();
    assert_eq!(refused([Features::COMPRESSED, Features::default()], &literal(28, &two)), CompressedError::NotAgreed);
    // The same one is good where it was.
    assert_eq!(Two::new(BOTH).get(&literal(28, &two)), (0, None));
}

#[test]
fn what_a_packed_frame_holds_is_whole_frames_and_no_other_packed_one() {
    let ping = frame_bytes(&Frame::Ping(1));
    let two = [ping.clone(), ping].concat();
    assert_eq!(refused(BOTH, &literal(27, &two[..27])), CompressedError::Partial);
    assert_eq!(refused(BOTH, &literal(17, &two[..17])), CompressedError::Partial);
    let nested = literal(28, &two);
    assert_eq!(refused(BOTH, &literal(nested.len(), &nested)), CompressedError::Nested);
}

#[test]
fn bombs_are_refused_before_memory_is_taken() {
    let max = limits::COMPRESSED_BYTES_MAX;
    let says = |size: u32, block: &[u8]| frame_bytes(&Frame::Compressed(Compressed { size, block: block.into() }));
    assert_eq!(refused(BOTH, &says(u32::MAX, &[0; 100])), CompressedError::TooLong { seen: u32::MAX, max });
    assert_eq!(refused(BOTH, &says(200_000, &[0; 1000])), CompressedError::Ratio { seen: 200_000, compressed: 1000 });
    assert_eq!(refused(BOTH, &says(100_000, &[0; 1000])), CompressedError::Broken { seen: 100_000 });
    let length = [&(limits::FRAME_BYTES_MAX as u32 + 1).to_le_bytes()[..], &[0x85, 0]].concat();
    assert!(matches!(Two::new(BOTH).get(&length), (0, Some(Closed::Protocol(ProtocolError::Frame(_))))));
}

#[test]
fn a_frame_of_the_handshake_has_no_place_in_a_packed_one() {
    let ack = frame_bytes(&Frame::Ack(Sequence(0)));
    let hello = frame_bytes(&Frame::Hello(crate::examples::hello()));
    let content = [&ack[..], &hello].concat();
    let (_, closed) = Two::new(BOTH).get(&literal(content.len(), &content));
    assert_eq!(closed, Some(Closed::Protocol(ProtocolError::Unexpected("HELLO"))));
}

#[test]
fn before_the_handshake_is_over_nothing_is_unpacked() {
    let ping = frame_bytes(&Frame::Ping(1));
    let compressed = literal(28, &[ping.clone(), ping].concat());
    let mut peers = peers(OTHER, Features::COMPRESSED);
    let mut link = Link::accept(0, None, SessionId(1));
    let (_, closed) = feed(&mut link, &mut peers, &compressed);
    assert!(matches!(closed, Some(Closed::Refused(_))), "{closed:?}");
}
