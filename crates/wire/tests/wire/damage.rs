//! Bytes that were cut or changed are refused, and lengths that lie take no memory.

use crate::examples::{find, frame_bytes, frames, packet, reason_bytes, reasons, value_bytes, values};
use fardel_wire::frame::{Decoder, Frame, FrameError};
use fardel_wire::{limits, reason, value};

#[test]
fn no_beginning_of_a_value_or_reason_is_one() {
    for (name, value) in values() {
        let bytes = value_bytes(&value);
        for end in 0..bytes.len() {
            assert!(value::decode(&bytes[..end], &mut find).is_err(), "{name} up to {end}");
        }
        let longer = [bytes, vec![0xc0]].concat();
        assert!(value::decode(&longer, &mut find).is_err(), "{name} with a byte more");
    }
    for (name, reason) in reasons() {
        let bytes = reason_bytes(&reason);
        for end in 0..bytes.len() {
            assert!(reason::decode(&bytes[..end], &mut find).is_err(), "{name} up to {end}");
        }
        let longer = [bytes, vec![0xc0]].concat();
        assert!(reason::decode(&longer, &mut find).is_err(), "{name} with a byte more");
    }
}

/// Bytes at the end of a frame's body that are content of another format, or that the frame does not look at.
fn open_end(name: &str) -> usize {
    match name {
        "frame-send" | "frame-request" | "frame-reply" | "frame-spawn" => 1,
        "frame-refused" | "frame-exit" | "frame-gone" => 1,
        "frame-code" | "frame-types" => 4,
        "frame-ask" => 8,
        "frame-answer" => 5,
        "frame-fragment" => 3,
        "frame-gossip" => packet().len(),
        "frame-compressed" => 23,
        _ => 0,
    }
}

#[test]
fn no_beginning_of_a_frame_is_one() {
    for (name, frame) in frames() {
        let bytes = &frame_bytes(&frame)[4..];
        for end in 0..bytes.len() - open_end(name) {
            assert!(Frame::decode(&bytes[..end]).is_err(), "{name} up to {end}");
        }
        let longer = [bytes, &[0]].concat();
        let is_open = open_end(name) > 0 || name.starts_with("frame-skipped");
        assert_eq!(Frame::decode(&longer).is_ok(), is_open, "{name} with a byte more");
    }
}

#[test]
fn no_changed_byte_makes_a_reader_panic() {
    let frames = frames().into_iter().map(|(_, frame)| frame_bytes(&frame)[4..].to_vec());
    let values = values().into_iter().map(|(_, value)| value_bytes(&value));
    let reasons = reasons().into_iter().map(|(_, reason)| reason_bytes(&reason));
    for bytes in frames.chain(values).chain(reasons) {
        for at in 0..bytes.len() {
            for change in 1..=u8::MAX {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                let _ = Frame::decode(&changed);
                let _ = value::decode(&changed, &mut find);
                let _ = reason::decode(&changed, &mut find);
            }
        }
    }
}

#[test]
fn reserved_flags_are_refused() {
    for (name, frame) in frames() {
        let mut bytes = frame_bytes(&frame)[4..].to_vec();
        for bit in 1..8 {
            bytes[1] = 1 << bit;
            let kind = bytes[0];
            assert_eq!(Frame::decode(&bytes), Err(FrameError::ReservedFlags { kind, flags: 1 << bit }), "{name}");
        }
    }
}

#[test]
fn an_unknown_kind_is_refused_unless_it_is_optional() {
    let known: Vec<u8> = frames().into_iter().map(|(_, frame)| frame_bytes(&frame)[4]).collect();
    for kind in (0..=u8::MAX).filter(|kind| !known.contains(kind) || *kind == 0x7f || *kind == 0xff) {
        let body = [kind, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Frame::decode(&body), Err(FrameError::UnknownKind { kind }));
        let body = [kind, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(Frame::decode(&body), Ok(Frame::Skipped(seen, _)) if seen == kind), "{kind:#x}");
    }
}

#[test]
fn counts_and_lengths_that_lie_are_refused_where_they_stand() {
    let bombs: [&[u8]; 9] = [
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0x00, 0x00, 0x00, 0x02, 0xc0, 0xc0, 0xc0],
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0xc9, 0xff, 0xff, 0xff, 0xff, 1],
        &[0xc7, 0x05, 1, 0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdc, 0xff, 0xff, 0xc0],
        &[0xc7, 0x03, 1, 0x90, 0xc0, 0xc0],
    ];
    for bomb in bombs {
        let error = value::decode(bomb, &mut find).expect_err("it lies");
        assert!(error.at <= bomb.len(), "{bomb:02x?}: {error}");
    }
    // An extension's parts do not reach over its end.
    let error = value::decode(&[0x92, 0xd4, 1, 0x91, 0xc0], &mut find).expect_err("the tuple has one byte");
    assert_eq!(error.to_string(), "at byte 4: 1 more bytes are wanted, 0 are left");
}

#[test]
fn a_long_frame_takes_memory_as_it_comes() {
    let mut decoder = Decoder::new(limits::FRAME_BYTES_MAX);
    decoder.feed(&(limits::FRAME_BYTES_MAX as u32).to_le_bytes());
    decoder.feed(&[0x10, 0]);
    for sent in 1..100_usize {
        decoder.feed(&[0; 1000]);
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(decoder.reserved() <= 2 * (sent + 1) * 1000);
    }
}
