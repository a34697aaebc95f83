//! Mnemonics: those of the instruction set and those that only the assembler knows.

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

static SORTED: LazyLock<Vec<(&'static str, Mnemonic)>> = LazyLock::new(|| {
    let mut all: Vec<_> = INSTRUCTIONS.iter().map(|info| (info.mnemonic, Mnemonic::Instruction(info.opcode))).collect();
    all.push(("push", Mnemonic::Push));
    all.sort_unstable_by_key(|(name, _)| *name);
    all
});

/// What `word` means.
pub(crate) fn find(word: &str) -> Option<Mnemonic> {
    let at = SORTED.binary_search_by(|(name, _)| (*name).cmp(word)).ok()?;
    SORTED.get(at).map(|(_, mnemonic)| *mnemonic)
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
    crate::name::suggestion(word, SORTED.iter().map(|(name, _)| *name))
}
