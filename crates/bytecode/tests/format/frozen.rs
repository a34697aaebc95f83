//! What a final version of the format must keep.

use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::isa::{Effect, INSTRUCTIONS, Info};
use std::fmt::Write as _;

/// An instruction as the format has it: its number, name and operands, and what it does to the operand stack, by numbers of
/// types or a rule.
fn row(info: &Info) -> String {
    let mut row = format!("{} {}", info.opcode as u16, info.mnemonic);
    for (name, kind) in info.operands {
        let _ = write!(row, " {name}:{kind:?}");
    }
    let numbers = |types: &[TypeIndex]| types.iter().map(|ty| ty.0.to_string()).collect::<Vec<_>>().join(" ");
    let _ = match info.effect {
        Effect::Fixed(pops, pushes) => write!(row, " [{}] [{}]", numbers(pops), numbers(pushes)),
        Effect::Rule(rule) => write!(row, " {rule:?}"),
    };
    row
}

/// Modules are kept for years and named by the hash of their bytes, so that no number may come to mean something else. A row
/// that is new is added to the file; none is ever changed.
#[test]
fn instructions_keep_their_numbers_and_operands() {
    let frozen: Vec<&str> = include_str!("frozen.txt").lines().collect();
    let now: Vec<String> = INSTRUCTIONS.iter().map(row).collect();
    let gone: Vec<&&str> = frozen.iter().filter(|line| !now.iter().any(|row| row == **line)).collect();
    assert!(gone.is_empty(), "instructions of version 1 are gone or changed: {gone:#?}");
    let new: Vec<&String> = now.iter().filter(|row| !frozen.contains(&row.as_str())).collect();
    assert!(new.is_empty(), "lines to add to tests/format/frozen.txt: {new:#?}");
}
