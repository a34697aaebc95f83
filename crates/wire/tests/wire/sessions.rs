//! A session by itself: sequences, acknowledgements, fragments, keep-alive.

use crate::examples::{NODE, OTHER, actor, address, values_of};
use fardel_wire::frame::{Decoder, Fragment, Frame, Message, Sequence};
use fardel_wire::limits;
use fardel_wire::session::{ProtocolError, SendError, Session, SessionId};
use std::borrow::Cow;

fn open() -> Session {
    let mut session = Session::new(0, SessionId(1), limits::MESSAGE_BYTES_MAX);
    session.resume(0, Sequence(0), limits::MESSAGE_BYTES_MAX).expect("nothing was sent yet");
    session
}

fn message(bytes: usize) -> Message<'static> {
    Message::Send { from: actor(NODE, 1), to: address(OTHER, 1), value: values_of(vec![7; bytes]) }
}

fn numbered(sequence: u64) -> Frame<'static> {
    Frame::Numbered(Sequence(sequence), message(1))
}

/// The frames that a session writes now.
fn output(session: &mut Session, now: u64) -> Vec<String> {
    let mut bytes = Vec::new();
    session.poll_output(now, &mut bytes);
    let mut decoder = Decoder::new(limits::FRAME_BYTES_MAX);
    decoder.feed(&bytes);
    let mut seen = Vec::new();
    while let Some(bytes) = decoder.next_frame().expect("it writes frames") {
        let frame = Frame::decode(bytes).expect("it writes frames");
        seen.push(match &frame {
            Frame::Numbered(sequence, _) | Frame::Fragment(sequence, _) | Frame::Ack(sequence) => {
                format!("{} {}", frame.kind_name(), sequence.0)
            }
            Frame::Ping(number) | Frame::Pong(number) => format!("{} {number}", frame.kind_name()),
            Frame::Gossip(packet) => format!("GOSSIP of {}", packet.len()),
            Frame::Hello(_)
            | Frame::Welcome(_)
            | Frame::Refuse(_)
            | Frame::Bye(_)
            | Frame::Compressed(_)
            | Frame::Skipped(..) => frame.kind_name().to_owned(),
        });
    }
    seen
}

#[test]
fn a_gap_ends_the_connection_and_a_repetition_is_counted() {
    let mut session = open();
    assert_eq!(session.handle(0, numbered(1)), Ok(Some(message(1))));
    assert_eq!(session.handle(0, numbered(1)), Ok(None));
    assert_eq!(session.duplicates(), 1);
    let gap = ProtocolError::Gap { seen: Sequence(3), wanted: Sequence(2) };
    assert_eq!(session.handle(0, numbered(3)), Err(gap));
    assert_eq!(session.handle(0, numbered(0)), Err(ProtocolError::ZeroSequence));
    assert_eq!(session.received(), Sequence(1));
}

#[test]
fn what_may_be_skipped_counts_in_the_sequence() {
    let mut session = open();
    assert_eq!(session.handle(0, Frame::Skipped(0x7f, Some(Sequence(1)))), Ok(None));
    assert_eq!(session.handle(0, Frame::Skipped(0xff, None)), Ok(None));
    assert_eq!(session.handle(0, numbered(2)), Ok(Some(message(1))));
}

#[test]
fn frames_are_acknowledged_after_32_or_20_ms_or_with_others() {
    let mut session = open();
    session.handle(0, numbered(1)).expect("it is the first");
    assert!(output(&mut session, limits::ACK_DELAY - 1).is_empty());
    assert_eq!(session.next_timeout(), limits::ACK_DELAY);
    assert_eq!(output(&mut session, limits::ACK_DELAY), ["ACK 1"]);
    for sequence in 2..=33 {
        assert!(output(&mut session, 0).is_empty());
        session.handle(0, numbered(sequence)).expect("it is the next");
    }
    assert_eq!(output(&mut session, 0), ["ACK 33"]);
    session.handle(0, numbered(34)).expect("it is the next");
    session.send(&message(1)).expect("there is room");
    assert_eq!(output(&mut session, 0), ["ACK 34", "SEND 1"]);
}

#[test]
fn what_is_not_acknowledged_is_sent_again_on_the_next_connection() {
    let mut session = open();
    for _ in 0..3 {
        session.send(&message(1)).expect("there is room");
    }
    assert_eq!(output(&mut session, 0), ["SEND 1", "SEND 2", "SEND 3"]);
    session.handle(0, Frame::Ack(Sequence(1))).expect("it was sent");
    session.disconnected(5, session.attachment());
    assert!(output(&mut session, 5).is_empty());
    session.send(&message(1)).expect("there is room");
    session.resume(6, Sequence(2), limits::MESSAGE_BYTES_MAX).expect("it goes on");
    assert_eq!(output(&mut session, 6), ["SEND 3", "SEND 4"]);
    let ahead = ProtocolError::Ahead { seen: Sequence(5), last: Sequence(4) };
    assert_eq!(session.handle(6, Frame::Ack(Sequence(5))), Err(ahead.clone()));
    assert_eq!(session.resume(6, Sequence(5), limits::MESSAGE_BYTES_MAX), Err(ahead));
    // What an old HELLO says is no news.
    session.resume(6, Sequence(0), limits::MESSAGE_BYTES_MAX).expect("it goes on");
    assert_eq!(output(&mut session, 6), ["SEND 3", "SEND 4"]);
    assert_eq!(session.lost().unacknowledged, 2);
}

/// DEL8: who is alive does not wait behind messages.
#[test]
fn gossip_goes_first_and_of_many_packets_the_last_ones() {
    let mut session = open();
    session.send(&message(1)).expect("there is room");
    session.gossip(vec![1; 5]);
    assert!(session.has_output());
    assert_eq!(output(&mut session, 0), ["GOSSIP of 5", "SEND 1"]);
    for bytes in 1..=limits::GOSSIP_WAITING_MAX + 2 {
        session.gossip(vec![1; bytes]);
    }
    let last: Vec<String> = (3..=limits::GOSSIP_WAITING_MAX + 2).map(|bytes| format!("GOSSIP of {bytes}")).collect();
    assert_eq!(output(&mut session, 0), last);
}

#[test]
fn a_packet_of_gossip_has_a_limit() {
    let frame = |bytes: usize| {
        let length = (bytes as u32 + 2).to_le_bytes();
        [&length[..], &[0x84, 0], &vec![1; bytes]].concat()
    };
    assert!(Frame::decode(&frame(limits::GOSSIP_BYTES_MAX)[4..]).is_ok());
    let error = Frame::decode(&frame(limits::GOSSIP_BYTES_MAX + 1)[4..]).expect_err("it is too long");
    assert_eq!(error.to_string(), "the length of the packet is 16385 in a GOSSIP frame; at most 16384 is wanted");
}

#[test]
fn an_old_connection_cannot_end_its_successor() {
    let mut session = open();
    let first = session.attachment();
    session.resume(1, Sequence(0), limits::MESSAGE_BYTES_MAX).expect("it goes on");
    session.disconnected(2, first);
    assert!(session.is_connected());
}

#[test]
fn a_session_without_a_connection_expires() {
    let mut session = open();
    session.disconnected(7, session.attachment());
    assert!(!session.is_expired(6 + limits::RESUME_TIME));
    assert_eq!(session.next_timeout(), 7 + limits::RESUME_TIME);
    assert!(session.is_expired(7 + limits::RESUME_TIME));
}

#[test]
fn a_session_that_is_not_acknowledged_for_too_long_is_full() {
    let mut session = open();
    session.send(&message(1)).expect("there is room");
    output(&mut session, 3);
    assert!(!session.is_full(2 + limits::RESUME_TIME));
    assert!(session.is_full(3 + limits::RESUME_TIME));
    session.handle(4, Frame::Ack(Sequence(1))).expect("it was sent");
    assert!(!session.is_full(3 + limits::RESUME_TIME));
}

#[test]
fn silence_is_asked_about_and_then_ends_the_connection() {
    let mut session = open();
    assert_eq!(session.next_timeout(), limits::PING_AFTER);
    for number in 1..=3 {
        assert_eq!(output(&mut session, number * limits::PING_AFTER), [format!("PING {number}")]);
    }
    assert!(session.is_silent(limits::SILENCE_MAX));
    session.handle(limits::SILENCE_MAX, Frame::Ping(9)).expect("it is one");
    assert!(!session.is_silent(limits::SILENCE_MAX));
    assert_eq!(output(&mut session, limits::SILENCE_MAX), ["PONG 9"]);
}

#[test]
fn a_message_that_the_peer_does_not_take_is_refused() {
    let mut session = open();
    let error = session.send(&message(limits::MESSAGE_BYTES_MAX)).expect_err("it is too large");
    // Kind, flags, the two ids and the tables come on top.
    let seen = limits::MESSAGE_BYTES_MAX + 2 + 28 + 44 + 10;
    assert_eq!(error, SendError::TooLarge { seen, max: limits::MESSAGE_BYTES_MAX });
    assert_eq!(session.held_bytes(), 0);
    session.send(&message(limits::MESSAGE_BYTES_MAX - 84)).expect("it is not");
}

fn fragment(sequence: u64, stream: u32, last: bool, bytes: usize) -> Frame<'static> {
    Frame::Fragment(Sequence(sequence), Fragment { stream, last, bytes: Cow::Owned(vec![0x15; bytes]) })
}

#[test]
fn open_messages_are_bounded_in_number_and_bytes() {
    let mut session = Session::new(0, SessionId(1), 1000);
    session.resume(0, Sequence(0), 1000).expect("nothing was sent yet");
    for stream in 0..limits::STREAMS_MAX as u32 {
        assert_eq!(session.handle(0, fragment(u64::from(stream) + 1, stream, false, 10)), Ok(None));
    }
    let max = limits::STREAMS_MAX;
    assert_eq!(session.handle(0, fragment(65, 64, false, 10)), Err(ProtocolError::OpenStreams { max }));
    let mut session = Session::new(0, SessionId(1), 1000);
    session.resume(0, Sequence(0), 1000).expect("nothing was sent yet");
    assert_eq!(session.handle(0, fragment(1, 0, false, 600)), Ok(None));
    let error = ProtocolError::OpenBytes { seen: 1200, max: 1000 };
    assert_eq!(session.handle(0, fragment(2, 1, false, 600)), Err(error));
}

#[test]
fn fragments_that_are_no_message_end_the_connection() {
    for (bytes, text) in [
        (vec![], "a frame of 0 bytes; at least 2 are wanted"),
        (vec![0x77, 0], "a frame of kind 0x77, which is not known here and not optional"),
        (vec![0x1f, 0, 1], "a frame of kind 0x1f, which is not known here and not optional"),
        (vec![0x15, 0, 1], "in a WATCH frame: 16 more bytes are wanted at byte 2, 1 are left"),
        (vec![0x15, 2], "flags 0x02 in a frame of kind 0x15; the bits 0xfe are reserved and 0"),
    ] {
        let mut session = open();
        let fragment = Fragment { stream: 0, last: true, bytes: Cow::Owned(bytes) };
        let error = session.handle(0, Frame::Fragment(Sequence(1), fragment)).expect_err("it is none");
        assert_eq!(error.to_string(), text);
        assert_eq!(session.received(), Sequence(0), "it has changed nothing");
    }
    let mut session = open();
    let fragment = Fragment { stream: 0, last: true, bytes: Cow::Owned(vec![0x77, 1, 2, 3]) };
    assert_eq!(session.handle(0, Frame::Fragment(Sequence(1), fragment)), Ok(None));
}

#[test]
fn small_frames_pass_between_the_fragments_of_a_large_message() {
    let mut session = open();
    session.send(&message(100_000)).expect("there is room");
    session.send(&message(1)).expect("there is room");
    let other = Message::Watch { fiber: address(OTHER, 9) };
    session.send(&other).expect("there is room");
    let gone = Message::Gone { fiber: actor(NODE, 1), reason: Cow::Borrowed(&[0]) };
    session.send(&gone).expect("there is room");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.extend(output(&mut session, 0));
    }
    let kinds: Vec<&str> = seen.iter().map(|frame| frame.split(' ').next().unwrap_or_default()).collect();
    // WATCH does not wait; the second SEND waits for its pair, and GONE for all that the fiber sent.
    let fragments = kinds.iter().filter(|kind| **kind == "FRAGMENT").count();
    assert_eq!(fragments, 7);
    assert_eq!(kinds[0], "WATCH");
    assert_eq!(kinds[8..], ["SEND", "GONE"]);
}
