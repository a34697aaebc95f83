//! Writing internal instructions: slots, extensions, maps, and what is patched when places are known.

use crate::code::{Code, OP_BYTES, Op, SlotMap, slot_offset};
use crate::config::Dispatch;
use crate::interp::{table::Operation, tail};
use fardel_bytecode::index::TargetIndex;

/// Which part of an instruction a branch's distance is written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Distance {
    /// All of `c`.
    Whole,
    /// The upper 24 bits of `c`.
    Upper,
    /// `b`.
    Middle,
}

/// A call whose callee's place is not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallPatch {
    /// The call's position in the arena.
    pub(crate) at: usize,
    /// The machine's number of the callee.
    pub(crate) callee: u32,
}

/// The arena, with what is still open in it.
pub(super) struct Emitter<'a> {
    pub(super) code: &'a mut Vec<Op>,
    pub(super) long_maps: &'a mut Vec<Box<[u64]>>,
    pub(super) calls: &'a mut Vec<CallPatch>,
    dispatch: Dispatch,
    /// For each target, its position once it is reached.
    targets: Vec<Option<usize>>,
    branches: Vec<(usize, TargetIndex, Distance)>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(
        code: &'a mut Vec<Op>,
        long_maps: &'a mut Vec<Box<[u64]>>,
        calls: &'a mut Vec<CallPatch>,
        dispatch: Dispatch,
        target_count: usize,
    ) -> Self {
        Emitter { code, long_maps, calls, dispatch, targets: vec![None; target_count], branches: Vec::new() }
    }

    /// The place of the next instruction in the arena, in bytes.
    pub(super) fn place(&self) -> u32 {
        (self.code.len() * OP_BYTES) as u32
    }

    pub(super) fn emit(&mut self, operation: Operation, a: u16, b: u16, c: u32) {
        let code = operation_code(self.dispatch, operation);
        self.code.push(Op { code, a, b, c });
    }

    pub(super) fn extend(&mut self, extra: u64, map: SlotMap) {
        self.code.push(Op::extension(extra, map));
    }

    /// Notes that a target is here.
    pub(super) fn bind(&mut self, target: TargetIndex) {
        self.targets[target.at()] = Some(self.code.len());
    }

    /// The position of a target that lies behind.
    pub(super) fn bound(&self, target: TargetIndex) -> Option<usize> {
        self.targets[target.at()]
    }

    /// Emits a branch whose distance is filled in at the end.
    pub(super) fn branch(&mut self, operation: Operation, a: u16, b: u16, c: u32, target: TargetIndex, distance: Distance) {
        self.branches.push((self.code.len(), target, distance));
        self.emit(operation, a, b, c);
    }

    /// Fills in all distances, and gives each target's place in the arena.
    pub(super) fn finish(self) -> Vec<u32> {
        for (at, target, kind) in self.branches {
            let to = self.targets[target.at()].unwrap_or(at);
            let distance = to as i32 - at as i32;
            let op = &mut self.code[at];
            match kind {
                Distance::Whole => op.c = distance as u32,
                Distance::Upper => op.c = op.c & 255 | (distance << 8) as u32,
                Distance::Middle => op.b = distance as i16 as u16,
            }
        }
        self.targets.iter().map(|at| (at.unwrap_or_default() * OP_BYTES) as u32).collect()
    }

    /// The map of a set of slots.
    pub(super) fn map(&mut self, slots: impl Iterator<Item = usize>) -> SlotMap {
        let mut words: Vec<u64> = vec![0];
        for slot in slots {
            let word = slot / 64;
            if word >= words.len() {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (slot % 64);
        }
        if words.len() == 1 && SlotMap(words[0]).long().is_none() {
            return SlotMap(words[0]);
        }
        let index = self.long_maps.iter().rposition(|known| **known == *words).unwrap_or_else(|| {
            self.long_maps.push(words.into());
            self.long_maps.len() - 1
        });
        SlotMap::from_long(index)
    }
}

/// What an instruction holds for the dispatcher.
pub(crate) fn operation_code(dispatch: Dispatch, operation: Operation) -> Code {
    match dispatch {
        Dispatch::Tail => Code { handler: tail::HANDLERS[operation as usize] },
        Dispatch::Match | Dispatch::Count | Dispatch::Trace => Code { opcode: operation as u64 },
    }
}

/// The offset of a slot in the frame.
pub(super) fn slot(index: usize) -> u16 {
    slot_offset(index)
}
