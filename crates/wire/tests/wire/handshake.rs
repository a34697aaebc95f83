//! The handshake: who may connect, in which version, and what is refused.

use crate::examples::{NODE, OTHER, actor, address, frame_bytes, frames, hello, values_of};
use fardel_wire::frame::{Bye, Decoder, Frame, Message, Refusal, Sequence};
use fardel_wire::hello::{Local, Version};
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::limits;
use fardel_wire::link::{Closed, Event, Link};
use fardel_wire::peers::Peers;
use fardel_wire::session::{ProtocolError, SessionId};
use fardel_wire::table::{Goodbye, Kind, RefusalCode};

fn local(id: NodeId) -> Local {
    Local::new(id, Incarnation(1), "node")
}

/// What a link writes now.
fn output(link: &mut Link, peers: &mut Peers, now: u64) -> Vec<u8> {
    let mut out = Vec::new();
    link.poll_output(now, peers, &mut out);
    out
}

/// Why a link is closed after these bytes, if it is, and whether it got a session before.
fn feed(link: &mut Link, peers: &mut Peers, bytes: &[u8]) -> (bool, Option<Closed>) {
    link.feed(0, peers, bytes);
    let (mut established, mut end) = (false, None);
    while let Some(event) = link.poll_event(0, peers) {
        match event {
            Event::Established { .. } => established = true,
            Event::Closed(closed) => end = Some(closed),
            Event::Lost { .. } | Event::Message(_) | Event::Gossip(_) => {}
        }
    }
    (established, end)
}

/// The refusal that a link has written.
fn refusal(link: &mut Link, peers: &mut Peers) -> Refusal {
    let bytes = output(link, peers, 0);
    match Frame::decode(&bytes[4..]) {
        Ok(Frame::Refuse(refusal)) => refusal,
        other => panic!("{other:?} is no refusal"),
    }
}

/// The code with which a HELLO of these bytes is refused, and what it says. Nothing else has changed.
#[track_caller]
fn refused(local: Local, proven: Option<NodeId>, bytes: &[u8]) -> (RefusalCode, String) {
    let mut peers = Peers::new(local);
    let mut link = Link::accept(0, proven, SessionId(1));
    let (established, closed) = feed(&mut link, &mut peers, bytes);
    assert!(!established);
    assert!(matches!(closed, Some(Closed::Refused(_))), "{closed:?}");
    let refusal = refusal(&mut link, &mut peers);
    assert_eq!(peers.sessions().count(), 0);
    (refusal.code, refusal.text)
}

/// Two nodes shake hands and agree; gives both ends, that of the dialling one first.
fn join(left: &mut Peers, right: &mut Peers) -> (Link, Link) {
    let mut dial = Link::dial(0, left, Some(right.local().node.id), SessionId(11));
    let mut accept = Link::accept(0, Some(left.local().node.id), SessionId(12));
    let bytes = output(&mut dial, left, 0);
    assert_eq!(feed(&mut accept, right, &bytes), (true, None));
    let bytes = output(&mut accept, right, 0);
    assert_eq!(feed(&mut dial, left, &bytes), (true, None));
    (dial, accept)
}

#[test]
fn two_nodes_agree() {
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    let (dial, accept) = join(&mut left, &mut right);
    assert_eq!((dial.peer(), accept.peer()), (Some(OTHER), Some(NODE)));
    assert_eq!(left.session(OTHER).map(|session| session.id()), right.session(NODE).map(|session| session.id()));
}

#[test]
fn the_first_frame_is_a_hello_and_no_other() {
    for (name, frame) in frames().into_iter().filter(|(name, _)| *name != "frame-hello") {
        let (code, _) = refused(local(OTHER), None, &frame_bytes(&frame));
        let wanted = if name == "frame-skipped" { RefusalCode::Unexpected } else { code };
        assert_eq!(code, wanted, "{name}");
        assert!(matches!(code, RefusalCode::Unexpected | RefusalCode::Role), "{name}: {code}");
    }
    for kind in 0..=u8::MAX {
        let is_hello = kind == Kind::Hello.number();
        let (code, _) = refused(local(OTHER), None, &[4, 0, 0, 0, kind, 0, 0, 0]);
        let malformed = Kind::of(kind).is_some() && matches!(code, RefusalCode::Malformed);
        assert!(malformed || (!is_hello && code == RefusalCode::Unexpected), "{kind:#x}: {code}");
    }
}

#[test]
fn a_dialling_node_takes_a_welcome_and_no_other() {
    for (name, frame) in frames() {
        let mut peers = Peers::new(local(NODE));
        let mut link = Link::dial(0, &mut peers, None, SessionId(1));
        let (established, closed) = feed(&mut link, &mut peers, &frame_bytes(&frame));
        match (name, closed) {
            ("frame-refuse", Some(Closed::RefusedByPeer(_))) => {}
            // The example wants to go on with a session that is not there.
            ("frame-welcome", Some(Closed::Refused(refusal))) => assert_eq!(refusal.code, RefusalCode::Unexpected),
            (_, Some(Closed::Refused(refusal))) => assert_eq!(refusal.code, RefusalCode::Unexpected, "{name}"),
            (_, closed) => panic!("{name}: {closed:?}"),
        }
        assert!(!established && peers.sessions().count() == 0, "{name}");
    }
}

#[test]
fn ones_own_hello_is_refused_by_both_roles() {
    let mut peers = Peers::new(local(NODE));
    let mut link = Link::dial(0, &mut peers, None, SessionId(1));
    let own = output(&mut link, &mut peers, 0);
    let (code, text) = refused(local(NODE), None, &own);
    assert_eq!(code, RefusalCode::OwnNode);
    assert_eq!(text, format!("node {NODE} does not connect to itself"));
    let (_, closed) = feed(&mut link, &mut peers, &own);
    let Some(Closed::Refused(refusal)) = closed else { panic!("{closed:?}") };
    assert_eq!(refusal.code, RefusalCode::Unexpected);
    assert_eq!(refusal.text, "a frame HELLO in the handshake; WELCOME is wanted");
    // Nor does it help to call it a WELCOME.
    let mut link = Link::dial(0, &mut peers, None, SessionId(1));
    let mut own = output(&mut link, &mut peers, 0);
    own[4] = Kind::Welcome.number();
    let (_, closed) = feed(&mut link, &mut peers, &own);
    let Some(Closed::Refused(refusal)) = closed else { panic!("{closed:?}") };
    assert_eq!(refusal.code, RefusalCode::Role);
}

#[test]
fn a_node_is_the_one_that_the_transport_has_proven() {
    let bytes = frame_bytes(&Frame::Hello(hello()));
    let (code, text) = refused(local(OTHER), Some(NodeId([9; 16])), &bytes);
    assert_eq!(code, RefusalCode::Identity);
    assert_eq!(text, format!("the node says that it is {NODE}, and is {}", NodeId([9; 16])));
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    let mut dial = Link::dial(0, &mut left, Some(NodeId([9; 16])), SessionId(11));
    let mut accept = Link::accept(0, None, SessionId(12));
    // What it answers to somebody who did not know whom he calls.
    let bytes = output(&mut Link::dial(0, &mut left, None, SessionId(11)), &mut left, 0);
    feed(&mut accept, &mut right, &bytes);
    let bytes = output(&mut accept, &mut right, 0);
    let (established, closed) = feed(&mut dial, &mut left, &bytes);
    assert!(!established && matches!(closed, Some(Closed::Refused(_))), "{closed:?}");
}

/// A node was started at the address of one that was gone. All that still looked for the old one called the new one, and
/// what these calls asked for took the place of the sessions that were there.
#[test]
fn a_call_to_another_node_is_refused() {
    let mut left = Peers::new(local(NODE));
    let mut right = Peers::new(local(OTHER));
    let mut dial = Link::dial(0, &mut left, Some(NodeId([9; 16])), SessionId(11));
    let mut accept = Link::accept(0, Some(NODE), SessionId(12));
    let bytes = output(&mut dial, &mut left, 0);
    let (established, closed) = feed(&mut accept, &mut right, &bytes);
    let Some(Closed::Refused(refusal)) = closed else { panic!("{closed:?}") };
    assert_eq!(refusal.code, RefusalCode::Identity);
    assert_eq!(refusal.text, format!("node {} is called, and this is {OTHER}", NodeId([9; 16])));
    assert!(!established && right.sessions().count() == 0);
}

#[test]
fn each_wrong_byte_of_a_hello_has_its_refusal() {
    let good = frame_bytes(&Frame::Hello(hello()));
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        refused(local(OTHER), None, &changed)
    };
    assert_eq!(with(6, b"FDX"), (RefusalCode::Magic, "the magic [46, 44, 58]; [46, 44, 4c] is wanted".into()));
    assert_eq!(with(9, b"A").0, RefusalCode::Role);
    assert_eq!(with(5, &[2]).0, RefusalCode::Malformed);
    assert_eq!(with(10, &[0, 0]).0, RefusalCode::Malformed);
    assert_eq!(with(10, &[2, 0]).0, RefusalCode::Malformed);
    assert_eq!(
        with(30, &[2]),
        (RefusalCode::Malformed, "the established flag is 2 in a HELLO frame; 0 or 1 is wanted".into())
    );
    assert_eq!(with(75, &[0, 0, 1, 0]).0, RefusalCode::Limits);
    assert_eq!(with(79, &[0, 0, 1, 0]).0, RefusalCode::Limits);
    assert_eq!(with(0, &[0xff, 0xff, 0xff, 0]).0, RefusalCode::Malformed);
    let (code, text) = refused(local(OTHER), None, b"GET / HTTP/1.1\r\n");
    assert_eq!(code, RefusalCode::Malformed);
    assert_eq!(text, "a frame of 542393671 bytes; at most 4096 are taken here");
    let mut longer = good.clone();
    longer.push(0);
    longer[0] += 1;
    assert_eq!(refused(local(OTHER), None, &longer).0, RefusalCode::Malformed);
}

/// A node that speaks other versions.
fn speaking(id: NodeId, low: u16, high: u16) -> Peers {
    Peers::new(Local { versions: (Version(low), Version(high)), ..local(id) })
}

#[test]
fn the_highest_common_version_is_spoken() {
    let spoken = |left: (u16, u16), right: (u16, u16)| {
        let (mut left, mut right) = (speaking(NODE, left.0, left.1), speaking(OTHER, right.0, right.1));
        let mut dial = Link::dial(0, &mut left, None, SessionId(11));
        let mut accept = Link::accept(0, None, SessionId(12));
        let bytes = output(&mut dial, &mut left, 0);
        accept.feed(0, &mut right, &bytes);
        let there = match accept.poll_event(0, &mut right) {
            Some(Event::Established { version, .. }) => Ok(version.0),
            Some(Event::Closed(closed)) => Err(closed.to_string()),
            event => panic!("{event:?}"),
        };
        let bytes = output(&mut accept, &mut right, 0);
        dial.feed(0, &mut left, &bytes);
        match (dial.poll_event(0, &mut left), there) {
            (Some(Event::Established { version, .. }), Ok(there)) => {
                assert_eq!(version.0, there);
                Ok(there)
            }
            (Some(Event::Closed(Closed::RefusedByPeer(refusal))), Err(_)) => Err(refusal.to_string()),
            (event, there) => panic!("{event:?} {there:?}"),
        }
    };
    assert_eq!(spoken((1, 1), (1, 1)), Ok(1));
    assert_eq!(spoken((1, 2), (1, 1)), Ok(1));
    assert_eq!(spoken((1, 1), (1, 2)), Ok(1));
    assert_eq!(spoken((1, 2), (1, 2)), Ok(2));
    assert_eq!(spoken((2, 3), (1, 2)), Ok(2));
    let refused = "version: versions 1 to 1 are spoken here, 2 to 3 there".to_owned();
    assert_eq!(spoken((2, 3), (1, 1)), Err(refused));
    let refused = "version: versions 2 to 3 are spoken here, 1 to 1 there".to_owned();
    assert_eq!(spoken((1, 1), (2, 3)), Err(refused));
}

#[test]
fn a_later_version_may_say_more_in_its_hello() {
    let mut newer = hello();
    newer.versions.1 = Version(2);
    newer.established = false;
    let mut bytes = frame_bytes(&Frame::Hello(newer));
    bytes.extend([1, 2, 3]);
    bytes[0] += 3;
    let mut peers = Peers::new(local(OTHER));
    let mut link = Link::accept(0, None, SessionId(1));
    assert_eq!(feed(&mut link, &mut peers, &bytes), (true, None));
}

#[test]
fn a_frame_of_a_later_version_is_skipped_or_ends_the_connection() {
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    let (_, mut accept) = join(&mut left, &mut right);
    let skipped = frame_bytes(&Frame::Skipped(0x7e, Some(Sequence(1))));
    assert_eq!(feed(&mut accept, &mut right, &skipped), (false, None));
    let mut required = frame_bytes(&Frame::Skipped(0x7e, Some(Sequence(2))));
    required[5] = 0;
    let (_, closed) = feed(&mut accept, &mut right, &required);
    let Some(Closed::Protocol(error @ ProtocolError::Frame(_))) = closed else { panic!("{closed:?}") };
    assert_eq!(error.to_string(), "a frame of kind 0x7e, which is not known here and not optional");
    let mut decoder = Decoder::default();
    decoder.feed(&output(&mut accept, &mut right, 0));
    let frame = decoder.next_frame().expect("it is a frame").map(Frame::decode);
    assert!(matches!(frame, Some(Ok(Frame::Bye(_)))), "{frame:?}");
    assert!(right.session(NODE).is_some_and(|session| !session.is_connected()), "the session can go on elsewhere");
}

#[test]
fn an_earlier_incarnation_is_refused_and_a_later_one_begins_anew() {
    let mut right = Peers::new(local(OTHER));
    let mut join_as = |incarnation: u32| {
        let mut left = Peers::new(Local::new(NODE, Incarnation(incarnation), "left"));
        let mut dial = Link::dial(0, &mut left, Some(OTHER), SessionId(u64::from(incarnation)));
        let mut accept = Link::accept(0, None, SessionId(12));
        accept.feed(0, &mut right, &output(&mut dial, &mut left, 0));
        let mut seen = Vec::new();
        while let Some(event) = accept.poll_event(0, &mut right) {
            seen.push(match event {
                Event::Lost { .. } => "lost".to_owned(),
                Event::Established { .. } => "established".to_owned(),
                Event::Closed(closed) => closed.to_string(),
                Event::Message(message) => panic!("{message:?}"),
                Event::Gossip(packet) => panic!("{packet:?}"),
            });
        }
        seen
    };
    assert_eq!(join_as(2), ["established"]);
    assert_eq!(join_as(3), ["lost", "established"]);
    let refused = format!("refused the peer: incarnation: incarnation 2 of node {NODE}; 3 has been seen");
    assert_eq!(join_as(2), [refused]);
}

#[test]
fn of_two_dials_that_cross_the_one_of_the_lower_id_is_kept() {
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    let mut from_left = Link::dial(0, &mut left, Some(OTHER), SessionId(1));
    let mut from_right = Link::dial(0, &mut right, Some(NODE), SessionId(2));
    let mut at_right = Link::accept(0, Some(NODE), SessionId(3));
    let mut at_left = Link::accept(0, Some(OTHER), SessionId(4));
    let bytes = output(&mut from_right, &mut right, 0);
    assert!(matches!(feed(&mut at_left, &mut left, &bytes).1, Some(Closed::Refused(_))));
    assert_eq!(refusal(&mut at_left, &mut left).code, RefusalCode::Crossing);
    let bytes = output(&mut from_left, &mut left, 0);
    assert_eq!(feed(&mut at_right, &mut right, &bytes), (true, None));
    let bytes = output(&mut at_right, &mut right, 0);
    assert_eq!(feed(&mut from_left, &mut left, &bytes), (true, None));
}

/// The answer to one dial overtakes the HELLO of the other.
#[test]
fn a_dial_that_was_on_its_way_does_not_replace_the_one_that_was_answered() {
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    let mut from_right = Link::dial(0, &mut right, Some(NODE), SessionId(2));
    let late = output(&mut from_right, &mut right, 0);
    let (_, mut at_right) = join(&mut left, &mut right);
    let mut at_left = Link::accept(0, Some(OTHER), SessionId(4));
    assert!(matches!(feed(&mut at_left, &mut left, &late).1, Some(Closed::Refused(_))));
    assert_eq!(refusal(&mut at_left, &mut left).code, RefusalCode::Crossing);
    assert!(feed(&mut at_right, &mut right, &[]).1.is_none(), "the other connection is there");
    // Later it is a connection like any other.
    let mut later = Link::accept(limits::CROSSING_TIME, Some(OTHER), SessionId(5));
    assert_eq!(happened(&mut later, &mut left, limits::CROSSING_TIME, &late), ["lost, with 0 messages", "begins"]);
}

#[test]
fn a_handshake_has_its_time() {
    let mut peers = Peers::new(local(NODE));
    let mut link = Link::accept(0, None, SessionId(1));
    assert_eq!(link.next_timeout(&peers), Some(limits::HANDSHAKE_TIME));
    assert_eq!(link.poll_event(limits::HANDSHAKE_TIME - 1, &mut peers), None);
    assert_eq!(link.poll_event(limits::HANDSHAKE_TIME, &mut peers), Some(Event::Closed(Closed::Timeout)));
    assert_eq!(refusal(&mut link, &mut peers).code, RefusalCode::Timeout);
    assert_eq!(link.next_timeout(&peers), None);
}

/// What happens on a link at a time, by name.
fn happened(link: &mut Link, peers: &mut Peers, now: u64, bytes: &[u8]) -> Vec<String> {
    link.feed(now, peers, bytes);
    let mut seen = Vec::new();
    while let Some(event) = link.poll_event(now, peers) {
        seen.push(match event {
            Event::Lost { lost, .. } => format!("lost, with {} messages", lost.unacknowledged),
            Event::Established { resumed: true, .. } => "goes on".to_owned(),
            Event::Established { resumed: false, .. } => "begins".to_owned(),
            Event::Message(message) => message.kind().name().to_owned(),
            Event::Gossip(packet) => format!("GOSSIP {packet:?}"),
            Event::Closed(closed) => closed.to_string(),
        });
    }
    seen
}

/// A message from the left node to the right one, or back.
fn message(from: NodeId, to: NodeId) -> Message<'static> {
    Message::Send { from: actor(from, 1), to: address(to, 1), value: values_of(vec![5]) }
}

#[test]
fn gossip_is_an_event_and_goes_nowhere_without_a_connection() {
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    assert!(!left.gossip(OTHER, vec![1]), "nobody is there");
    let (mut dial, mut accept) = join(&mut left, &mut right);
    assert!(left.gossip(OTHER, vec![2, 3]));
    let bytes = output(&mut dial, &mut left, 0);
    assert_eq!(happened(&mut accept, &mut right, 0, &bytes), ["GOSSIP [2, 3]"]);
    assert!(left.gossip(OTHER, vec![4]));
    dial.disconnected(0, &mut left);
    assert!(!left.gossip(OTHER, vec![5]), "the connection has ended");
    let (_, mut accept) = join(&mut left, &mut right);
    assert!(happened(&mut accept, &mut right, 0, &[]).is_empty(), "it is not sent again");
}

#[test]
fn a_session_goes_on_after_a_goodbye() {
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    let (mut dial, mut accept) = join(&mut left, &mut right);
    dial.end(0, &mut left, Bye::new(Goodbye::Idle, "nothing to say"));
    let bye = output(&mut dial, &mut left, 0);
    assert_eq!(happened(&mut accept, &mut right, 0, &bye), ["ended by the peer: idle: nothing to say"]);
    right.send(0, NODE, SessionId(5), &message(OTHER, NODE)).expect("there is room");
    // This time the other one dials.
    let mut dial = Link::dial(1, &mut right, Some(NODE), SessionId(13));
    let mut accept = Link::accept(1, None, SessionId(14));
    let hello = output(&mut dial, &mut right, 1);
    assert_eq!(happened(&mut accept, &mut left, 1, &hello), ["goes on"]);
    let welcome = output(&mut accept, &mut left, 1);
    assert_eq!(happened(&mut dial, &mut right, 1, &welcome), ["goes on"]);
    let sent = output(&mut dial, &mut right, 1);
    assert_eq!(happened(&mut accept, &mut left, 1, &sent), ["SEND"]);
}

/// A session once had the number that the dialling node drew. A HELLO to begin it that came late, after the session had
/// begun by another one and had been lost at the node that was dialled, began it there anew under the same number; the next
/// connection then went on with it from two states, and messages came twice.
#[test]
fn a_hello_that_comes_late_does_not_begin_a_lost_session_again() {
    let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
    left.send(0, OTHER, SessionId(10), &message(NODE, OTHER)).expect("there is room");
    let mut late = Link::dial(0, &mut left, Some(OTHER), SessionId(11));
    let late_hello = output(&mut late, &mut left, 0);
    let (mut dial, mut accept) = join(&mut left, &mut right);
    // The message comes, and what acknowledges it does not.
    let sent = output(&mut dial, &mut left, 0);
    assert_eq!(happened(&mut accept, &mut right, 0, &sent), ["SEND"]);
    accept.disconnected(0, &mut right);
    assert!(right.expire(limits::RESUME_TIME).is_some());
    let mut stranger = Link::accept(limits::RESUME_TIME, None, SessionId(20));
    assert_eq!(happened(&mut stranger, &mut right, limits::RESUME_TIME, &late_hello), ["begins"]);
    // The left node wants to go on with what the right one has lost.
    let mut dial = Link::dial(limits::RESUME_TIME, &mut left, Some(OTHER), SessionId(12));
    let mut accept = Link::accept(limits::RESUME_TIME, None, SessionId(21));
    let hello = output(&mut dial, &mut left, limits::RESUME_TIME);
    let there = happened(&mut accept, &mut right, limits::RESUME_TIME, &hello);
    assert_eq!(there, ["lost, with 0 messages", "begins"]);
    let welcome = output(&mut accept, &mut right, limits::RESUME_TIME);
    let here = happened(&mut dial, &mut left, limits::RESUME_TIME, &welcome);
    assert_eq!(here, ["lost, with 1 messages", "begins"]);
    assert!(output(&mut dial, &mut left, limits::RESUME_TIME).is_empty(), "the message is not sent again");
}

#[test]
fn what_waits_before_the_first_connection_is_sent_when_it_is_there() {
    for dials in [NODE, OTHER] {
        let (mut left, mut right) = (Peers::new(local(NODE)), Peers::new(local(OTHER)));
        left.send(0, OTHER, SessionId(1), &message(NODE, OTHER)).expect("there is room");
        right.send(0, NODE, SessionId(2), &message(OTHER, NODE)).expect("there is room");
        let (from, to) = if dials == NODE { (&mut left, &mut right) } else { (&mut right, &mut left) };
        let (mut dial, mut accept) = join(from, to);
        // The other node's message comes with the WELCOME.
        let there = output(&mut dial, from, 0);
        assert_eq!(happened(&mut accept, to, 0, &there), ["SEND"]);
        for (peers, peer) in [(&left, OTHER), (&right, NODE)] {
            assert_eq!(peers.session(peer).map(|session| session.received()), Some(Sequence(1)), "{dials} dials");
        }
    }
}
