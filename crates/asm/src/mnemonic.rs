//! Mnemonics: those of the instruction set and those that only the assembler knows.
//!
//! **Invariant:** a new row of the instruction set has its mnemonic here without being named.

use std::sync::LazyLock;

use fardel_bytecode::Opcode;
use fardel_bytecode::isa::INSTRUCTIONS;

/// What the first word of an instruction's line means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mnemonic {
    /// An instruction.
    Instruction(Opcode),
    /// `push` of whatever literal, constant or function follows.
    Push,
}

/// Slots of the table; more than twice the number of mnemonics, so that a search is short.
const SLOTS: usize = 512;

const _: () = assert!(INSTRUCTIONS.len() * 2 < SLOTS);

/// All mnemonics by the hash of their letters, a taken slot passed over.
static TABLE: LazyLock<[Option<(&'static str, Mnemonic)>; SLOTS]> = LazyLock::new(|| {
    let mut table = [None; SLOTS];
    for (word, mnemonic) in all() {
        let mut slot = slot_of(word);
        while table[slot].is_some() {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = Some((word, mnemonic));
    }
    table
});

fn all() -> impl Iterator<Item = (&'static str, Mnemonic)> {
    let instructions = INSTRUCTIONS.iter().map(|info| (info.mnemonic, Mnemonic::Instruction(info.opcode)));
    instructions.chain([("push", Mnemonic::Push)])
}

/// Where the search for a word begins. The table is fixed, so no source can make its searches long.
fn slot_of(word: &str) -> usize {
    let hash = word.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ hash >> 16) as usize % SLOTS
}

/// What `word` means.
#[inline]
pub(crate) fn find(word: &str) -> Option<Mnemonic> {
    let mut slot = slot_of(word);
    while let Some((known, mnemonic)) = TABLE[slot] {
        if known == word {
            return Some(mnemonic);
        }
        slot = (slot + 1) % SLOTS;
    }
    None
}

/// Words of other machines and languages, and what they are called here.
const FOREIGN: &[(&str, &str)] = &[
    ("pop", "drop"),
    ("jump", "jmp"),
    ("goto", "jmp"),
    ("br", "jmp"),
    ("jz", "jmp_unless"),
    ("jnz", "jmp_if"),
    ("br_if", "jmp_if"),
    ("return", "ret"),
    ("mod", "rem"),
    ("inc", "push 1, add"),
    ("dec", "push 1, sub"),
    ("get_local", "load"),
    ("set_local", "store"),
    ("const", "push"),
    ("receive", "await_recv"),
    ("recv", "await_recv"),
    ("neq", "ne"),
    ("gte", "ge"),
    ("lte", "le"),
    ("print", "call_host io.print"),
];

/// A hint for a word that is no mnemonic.
pub(crate) fn suggestion(word: &str) -> Option<String> {
    if let Some((_, ours)) = FOREIGN.iter().find(|(foreign, _)| *foreign == word) {
        return Some(format!("here this is `{ours}`"));
    }
    fardel_diagnostic::suggestion(word, all().map(|(name, _)| name))
}
