//! The specification holds: its examples both ways, and its tables.
#![allow(clippy::disallowed_methods, reason = "the specification is a file")]

use crate::examples::{find, frame_bytes, frames, reason_bytes, reasons, value_bytes, values};
use fardel_wire::frame::Frame;
use fardel_wire::table::{Extension, Goodbye, Kind, MailboxPolicy, NamePolicy, ReasonCode, RefusalCode, SpawnRefusal};
use fardel_wire::{reason, value};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/wire.md")
}

fn text() -> String {
    std::fs::read_to_string(path()).expect("the specification can be read")
}

/// The bytes of the blocks ```` ```hex name=.. ````, by name; behind `;` is a comment.
fn blocks(text: &str) -> BTreeMap<String, Vec<u8>> {
    let mut blocks = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```hex name=") else { continue };
        let body = lines.by_ref().take_while(|line| *line != "```");
        let digits = body.flat_map(|line| line.split(';').next().unwrap_or_default().split_whitespace());
        let bytes = digits.map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{name}: `{byte}`")));
        assert!(blocks.insert(name.to_owned(), bytes.collect()).is_none(), "two blocks are named {name}");
    }
    blocks
}

#[test]
fn the_examples_are_what_is_written_and_read() {
    let blocks = blocks(&text());
    let mut named = Vec::new();
    let mut check = |name: &'static str, bytes: Vec<u8>| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(blocks.get(name), Some(&bytes), "```hex name={name}\n{}\n```", hex.join(" "));
        named.push(name.to_owned());
        bytes
    };
    for (name, value) in values() {
        let bytes = check(name, value_bytes(&value));
        assert_eq!(value::decode(&bytes, &mut find), Ok(value), "{name}");
    }
    for (name, reason) in reasons() {
        let bytes = check(name, reason_bytes(&reason));
        assert_eq!(reason::decode(&bytes, &mut find), Ok(reason), "{name}");
    }
    for (name, frame) in frames() {
        let bytes = check(name, frame_bytes(&frame));
        assert_eq!(Frame::decode(&bytes[4..]), Ok(frame), "{name}");
    }
    named.sort();
    // Values are made by a machine, whose tests look at these.
    let others = blocks.into_keys().filter(|name| !name.starts_with("packed-"));
    assert_eq!(others.collect::<Vec<_>>(), named, "every block is an example");
}

/// The rows of a closed set as the specification has them.
fn rows<T: Copy>(all: &[T], row: impl Fn(T) -> (String, &'static str, &'static str)) -> String {
    let line = |row: (String, &str, &str)| format!("| {} | {} | {} |\n", row.0, row.1, row.2);
    all.iter().map(|entry| line(row(*entry))).collect()
}

#[test]
fn the_tables_are_those_of_the_code() {
    let tables = [
        rows(Kind::ALL, |kind| (format!("`{:02x}`", kind.number()), kind.name(), kind.doc())),
        rows(Extension::ALL, |row| (row.number().to_string(), row.name(), row.doc())),
        rows(RefusalCode::ALL, |row| (row.number().to_string(), row.name(), row.doc())),
        rows(Goodbye::ALL, |row| (row.number().to_string(), row.name(), row.doc())),
        rows(SpawnRefusal::ALL, |row| (row.number().to_string(), row.name(), row.doc())),
        rows(MailboxPolicy::ALL, |row| (row.number().to_string(), row.name(), row.doc())),
        rows(NamePolicy::ALL, |row| (row.number().to_string(), row.name(), row.doc())),
        rows(ReasonCode::ALL, |row| (row.number().to_string(), row.name(), row.doc())),
    ];
    let text = text();
    for table in tables {
        assert!(text.contains(&format!("| --- | --- | --- |\n{table}\n")), "this table is missing:\n{table}");
    }
}
