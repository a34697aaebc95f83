//! The internal form: three-address instructions of 16 bytes, lowered once at load from verified bytecode.
//!
//! All of a machine's code lies in one arena; a place in it is a byte offset, so nothing in a frame is an address.
//! An instruction that is a safe point is followed by an extension of the same size. It holds what a stopped fiber and
//! the collector need, and is stepped over.
//!
//! **Invariant:** every place that control can reach holds an instruction, never an extension; lowering sees to it.

use crate::interp::Handler;

/// How the dispatcher finds what to do: by address or by number, as the machine's dispatch wants it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union Code {
    pub(crate) handler: Handler,
    pub(crate) opcode: u64,
    /// In an extension: whatever the instruction before it keeps there.
    pub(crate) extra: u64,
}

/// An internal instruction, or an extension of the one before it.
///
/// `a`, `b` and both halves of `c` are offsets of slots from the frame, in bytes, unless the operation says otherwise.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Op {
    pub(crate) code: Code,
    pub(crate) a: u16,
    pub(crate) b: u16,
    pub(crate) c: u32,
}

/// Bytes of an [`Op`].
pub(crate) const OP_BYTES: usize = 16;
const _: () = assert!(size_of::<Op>() == OP_BYTES && align_of::<Op>() == 8);

impl Op {
    pub(crate) fn extension(extra: u64, map: SlotMap) -> Op {
        Op { code: Code { extra }, a: map.0 as u16, b: (map.0 >> 16) as u16, c: (map.0 >> 32) as u32 }
    }

    #[inline(always)]
    pub(crate) fn map(&self) -> SlotMap {
        SlotMap(u64::from(self.a) | u64::from(self.b) << 16 | u64::from(self.c) << 32)
    }

    /// What an extension keeps for the instruction before it.
    pub(crate) fn extra(&self) -> u64 {
        // SAFETY: every variant of the union is 8 bytes of plain data.
        unsafe { self.code.extra }
    }

    /// Two slot offsets in the place of `c`.
    pub(crate) const fn pair(c: u16, d: u16) -> u32 {
        c as u32 | (d as u32) << 16
    }

    #[inline(always)]
    pub(crate) fn lo(&self) -> u16 {
        self.c as u16
    }

    #[inline(always)]
    pub(crate) fn hi(&self) -> u16 {
        (self.c >> 16) as u16
    }
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Op(a={}, b={}, c={:#x})", self.a, self.b, self.c)
    }
}

/// Which slots of a frame hold words that the collector looks at: bit k is the k-th slot after the frame's two words of
/// header. With the top bit set, the rest is the index of a longer map.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SlotMap(pub(crate) u64);

impl SlotMap {
    const LONG: u64 = 1 << 63;

    /// The index of a longer map, if it is one.
    #[inline(always)]
    pub(crate) fn long(self) -> Option<usize> {
        if self.0 & Self::LONG == 0 { None } else { Some((self.0 & !Self::LONG) as usize) }
    }

    pub(crate) fn from_long(index: usize) -> SlotMap {
        SlotMap(index as u64 | Self::LONG)
    }
}

/// Bytes of a frame's header: {function u32, bytecode pc u32}, and the tier's own continuation.
pub(crate) const FRAME_HEADER_BYTES: usize = 16;

/// The offset of a slot in its frame.
pub(crate) const fn slot_offset(slot: usize) -> u16 {
    (FRAME_HEADER_BYTES + slot * 8) as u16
}

/// A function as the machine runs it.
#[derive(Clone, Debug)]
pub(crate) struct FunctionEntry {
    /// Where its code begins and ends, in bytes of the arena.
    pub(crate) entry: u32,
    pub(crate) end: u32,
    /// Bytes of its frame.
    pub(crate) frame_bytes: u32,
    /// Words of its parameters.
    pub(crate) params: u32,
    /// For each captured value, in order, its word in the closure.
    pub(crate) captures: Box<[u16]>,
    /// How many of them are words.
    pub(crate) capture_scan: u32,
    /// The machine's number of its function type, if its module declares one.
    pub(crate) ty: Option<u32>,
    /// For each parameter, whether it is a word.
    pub(crate) param_words: Box<[bool]>,
    /// The types of the parameters, by the machine's numbers.
    pub(crate) param_types: Box<[u32]>,
    /// The type of the result.
    pub(crate) result: Option<u32>,
    /// The set of types that a fiber which begins in it takes.
    pub(crate) set: u32,
    /// The place of its module among the loaded ones.
    pub(crate) module: u32,
    /// Its position among the module's own functions.
    pub(crate) position: u32,
    /// The bytecode place of each instruction: (place in the arena, offset in the bytecode), rising.
    pub(crate) places: Box<[(u32, u32)]>,
    /// Trap handlers, innermost first.
    pub(crate) handlers: Box<[HandlerEntry]>,
}

/// A trap handler of a function.
#[derive(Clone, Debug)]
pub(crate) struct HandlerEntry {
    /// The first bytecode offset covered.
    pub(crate) start: u32,
    /// The first not covered any more.
    pub(crate) end: u32,
    /// Where it continues, in bytes of the arena.
    pub(crate) target: u32,
    /// The slot that gets the error.
    pub(crate) slot: u16,
    /// The words of the frame that live on there.
    pub(crate) map: SlotMap,
}

/// The places that every machine's arena begins with.
pub(crate) mod fixed {
    use super::OP_BYTES;

    /// The extension that the sentinel frame of a fiber names as its continuation: behind a call that never was.
    pub(crate) const FINISH_EXTENSION: u32 = OP_BYTES as u32;
}
