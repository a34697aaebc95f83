//! Bytes that were cut, changed or made to claim too much.

use crate::examples;
use fardel_bytecode::format::{decode, encode};

/// Damaged bytes are refused, or are the one encoding of another module.
#[track_caller]
fn check(bytes: &[u8], story: &str) {
    if let Ok(module) = decode(bytes) {
        assert_eq!(encode(&module), bytes, "{story}");
    }
}

#[test]
fn cut_anywhere() {
    for (name, module) in examples::all() {
        let bytes = encode(&module);
        let sections = section_starts(&bytes);
        for end in 0..bytes.len() {
            let story = format!("{name} cut at {end}");
            check(&bytes[..end], &story);
            // What is left is a module only where a section ends and nothing that is left needs a lost one.
            assert!(decode(&bytes[..end]).is_err() || sections.contains(&end), "{story}");
        }
    }
}

#[test]
fn any_byte_changed_to_any_other() {
    for (name, module) in examples::all() {
        let bytes = encode(&module);
        for at in 0..bytes.len() {
            for byte in 0..=255 {
                let mut bytes = bytes.clone();
                bytes[at] = byte;
                check(&bytes, &format!("{name} with {byte:#04x} at {at}"));
            }
        }
    }
}

#[test]
fn any_byte_taken_out_or_doubled() {
    for (name, module) in examples::all() {
        let bytes = encode(&module);
        for at in 0..bytes.len() {
            let (before, after) = bytes.split_at(at);
            check(&[before, &after[1..]].concat(), &format!("{name} without byte {at}"));
            check(&[before, &after[..1], after].concat(), &format!("{name} with byte {at} twice"));
        }
    }
}

/// Would end the process if memory were taken for the counts.
#[test]
fn any_byte_replaced_by_a_huge_count() {
    for (name, module) in examples::all() {
        let bytes = encode(&module);
        for huge in [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0xff, 0xff, 0x3f], &[0x80, 0x80, 0x40]] {
            for at in 0..bytes.len() {
                let (before, after) = bytes.split_at(at);
                check(&[before, huge, &after[1..]].concat(), &format!("{name} with {huge:x?} at {at}"));
            }
        }
    }
}

/// Where the sections of a well-formed module start; the first start is the end of the header.
fn section_starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![fardel_bytecode::format::HEADER_BYTES];
    while let Some(body) = starts.last().map(|start| start + 2).filter(|body| *body <= bytes.len()) {
        let length = bytes[body - 1];
        assert!(length < 0x80, "the examples' sections are short");
        starts.push(body + usize::from(length));
    }
    starts
}
