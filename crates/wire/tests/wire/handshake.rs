//! The handshake: who may connect, in which version, and what is refused.

use crate::examples::{NODE, OTHER, frame_bytes, frames, hello};
use fardel_wire::frame::{Decoder, Frame, Refusal};
use fardel_wire::hello::{Local, Version};
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::limits;
use fardel_wire::link::{Closed, Event, Link};
use fardel_wire::peers::Peers;
use fardel_wire::session::{ProtocolError, SessionId};
use fardel_wire::table::{Kind, RefusalCode};

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
            Event::Lost { .. } | Event::Message(_) => {}
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
    let bytes = output(&mut dial, &mut left, 0);
    feed(&mut accept, &mut right, &bytes);
    let bytes = output(&mut accept, &mut right, 0);
    let (established, closed) = feed(&mut dial, &mut left, &bytes);
    assert!(!established && matches!(closed, Some(Closed::Refused(_))), "{closed:?}");
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
    assert_eq!(with(59, &[0, 0, 1, 0]).0, RefusalCode::Limits);
    assert_eq!(with(63, &[0, 0, 1, 0]).0, RefusalCode::Limits);
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
    let skipped = frame_bytes(&Frame::Skipped(0x7e, Some(fardel_wire::frame::Sequence(1))));
    assert_eq!(feed(&mut accept, &mut right, &skipped), (false, None));
    let mut required = frame_bytes(&Frame::Skipped(0x7e, Some(fardel_wire::frame::Sequence(2))));
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
