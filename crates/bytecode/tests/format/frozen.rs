//! What a final version of the format must keep.

use fardel_bytecode::isa::{INSTRUCTIONS, Info};
use std::fmt::Write as _;

/// An instruction as the format has it: its number, name and operands.
fn row(info: &Info) -> String {
    let mut row = format!("{} {}", info.opcode as u16, info.mnemonic);
    for (name, kind) in info.operands {
        let _ = write!(row, " {name}:{kind:?}");
    }
    row
}

/// Modules are kept for years and named by the hash of their bytes, so that no number may come to mean something else. A row
/// that is new is added to the file, with `UPDATE=1`; none is ever changed.
#[test]
fn instructions_keep_their_numbers_and_operands() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format/frozen.txt");
    let frozen = std::fs::read_to_string(path).unwrap_or_default();
    let now: Vec<String> = INSTRUCTIONS.iter().map(row).collect();
    for line in frozen.lines() {
        assert!(now.iter().any(|row| row == line), "an instruction of version 1 is gone or changed: {line}");
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, now.join("\n") + "\n").unwrap();
        return;
    }
    let new: Vec<&String> = now.iter().filter(|row| !frozen.lines().any(|line| line == *row)).collect();
    assert!(new.is_empty(), "these are not in {path} yet: {new:?}");
}
