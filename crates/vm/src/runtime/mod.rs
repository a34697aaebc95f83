//! The operations that are calls: safe code over the core, a function each.
//!
//! An operation reads its operands, makes sure of room before it changes anything, and writes its result. One that finds
//! no room says so and is run again from the start after the collection.
//!
//! **Invariant:** between asking for room and writing the result an operation holds offsets only as long as nothing is
//! collected, and nothing is collected inside an operation.

pub(crate) mod any;
pub(crate) mod array;
pub(crate) mod barrier;
pub(crate) mod builder;
pub(crate) mod bulk;
pub(crate) mod carry;
pub(crate) mod cluster;
pub(crate) mod compare;
pub(crate) mod fibers;
pub(crate) mod find;
pub(crate) mod function;
pub(crate) mod hash;
pub(crate) mod host;
pub(crate) mod list;
pub(crate) mod map;
pub(crate) mod names;
pub(crate) mod number;
pub(crate) mod object;
pub(crate) mod parse;
pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod show;
pub(crate) mod text;
pub(crate) mod timers;

pub(crate) use any::*;
pub(crate) use array::*;
pub(crate) use barrier::*;
pub(crate) use builder::*;
pub(crate) use cluster::*;
pub(crate) use compare::{any_ge, any_gt, any_le, any_lt, compare, equal, not_equal};
pub(crate) use fibers::*;
pub(crate) use find::find;
pub(crate) use function::*;
pub(crate) use host::call_host;
pub(crate) use list::*;
pub(crate) use map::*;
pub(crate) use names::*;
pub(crate) use object::*;
pub(crate) use parse::{parse_float, parse_int};
pub(crate) use receive::*;
pub(crate) use send::*;
pub(crate) use show::{show, show_bool, show_fixed, show_float, show_int};
pub(crate) use text::*;
pub(crate) use timers::*;

use crate::code::Op;
use crate::core::{Core, has_room};
use crate::exit::ErrorKind;
use crate::heap::block::Block;
use crate::heap::word::{Header, Kind};
use crate::interp::Stop;

/// Bytes of operand for which a bulk instruction charges one fuel.
const BULK_BYTES: usize = 1024;

/// An operation at work: the core, with the instruction that is carried out.
pub(crate) struct Cx<'a> {
    pub(crate) core: &'a mut Core,
    op: Op,
    /// What the extension holds.
    pub(crate) extra: u64,
    fp: usize,
    entered: bool,
    /// Whether what was charged stays so when the operation runs again, because that work is done.
    pub(crate) keeps_charge: bool,
}

impl<'a> Cx<'a> {
    pub(crate) fn new(core: &'a mut Core, op: Op, extra: u64) -> Cx<'a> {
        let fp = core.saved.fp_offset(core.block) as usize;
        Cx { core, op, extra, fp, entered: false, keeps_charge: false }
    }

    /// Goes on behind the instruction, unless it went elsewhere.
    pub(crate) fn advance(&mut self) {
        if !self.entered {
            self.core.saved.pc = self.core.saved.pc.wrapping_add(2);
        }
    }

    #[inline]
    pub(crate) fn block(&self) -> Block {
        self.core.block
    }

    /// The word in a slot, by its offset in the frame.
    #[inline]
    pub(crate) fn slot(&self, offset: usize) -> u64 {
        self.block().load(self.fp + offset)
    }

    #[inline]
    pub(crate) fn a(&self) -> u64 {
        self.slot(self.op.a as usize)
    }

    #[inline]
    pub(crate) fn b(&self) -> u64 {
        self.slot(self.op.b as usize)
    }

    #[inline]
    pub(crate) fn c(&self) -> u64 {
        self.slot(self.op.lo() as usize)
    }

    #[inline]
    pub(crate) fn d(&self) -> u64 {
        self.slot(self.op.hi() as usize)
    }

    /// The word in one of the consecutive slots from that of operand `a` on.
    #[inline]
    pub(crate) fn arg(&self, at: usize) -> u64 {
        self.slot(self.op.a as usize + at * 8)
    }

    /// Writes a result into one of the consecutive slots from that of operand `a` on.
    pub(crate) fn set_arg(&mut self, at: usize, word: u64) {
        self.block().store(self.fp + self.op.a as usize + at * 8, word);
    }

    /// Words in consecutive slots from that of operand `a` on.
    pub(crate) fn slots_from_a(&self, count: usize) -> Vec<u64> {
        (0..count).map(|at| self.slot(self.op.a as usize + at * 8)).collect()
    }

    /// Words in consecutive slots from that of operand `b` on.
    pub(crate) fn slots_from_b(&self, count: usize) -> Vec<u64> {
        (0..count).map(|at| self.slot(self.op.b as usize + at * 8)).collect()
    }

    /// Writes the result into the slot of operand `a`.
    #[inline]
    pub(crate) fn set_a(&mut self, word: u64) {
        self.block().store(self.fp + self.op.a as usize, word);
    }

    /// Writes the result into the slot of operand `c`.
    pub(crate) fn set_c(&mut self, word: u64) {
        self.block().store(self.fp + self.op.lo() as usize, word);
    }

    #[inline]
    pub(crate) fn header(&self, reference: u64) -> Header {
        Header(self.block().load(reference as usize))
    }

    /// A word of an object, counted behind its header.
    #[inline]
    pub(crate) fn field(&self, reference: u64, index: usize) -> u64 {
        self.block().load(reference as usize + 8 + index * 8)
    }

    /// Changes a word of an object: one of the places where a write barrier would stand.
    #[inline]
    pub(crate) fn set_field(&mut self, reference: u64, index: usize, word: u64) {
        self.block().store(reference as usize + 8 + index * 8, word);
    }

    /// Makes sure that the heap has room for `bytes`, before anything is changed.
    ///
    /// # Errors
    /// The stop that makes room and runs the instruction again.
    #[inline]
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), Stop> {
        if has_room(self.block(), self.core.saved.top, self.fp, bytes) {
            return Ok(());
        }
        self.core.need = bytes;
        Err(Stop::NeedSpace)
    }

    /// Adds an object, for which there is room, and gives its reference. Its words are not written yet.
    #[inline]
    pub(crate) fn add_object(&mut self, header: Header) -> u64 {
        let at = self.core.saved.top;
        debug_assert!(has_room(self.block(), at, self.fp, header.bytes()));
        self.block().store(at, header.0);
        self.core.saved.top = at + header.bytes();
        at as u64
    }

    /// As [`Cx::add_object`], with all words zero.
    pub(crate) fn add_zeroed(&mut self, header: Header) -> u64 {
        let at = self.add_object(header);
        self.block().fill_zero(at as usize + 8, header.words() * 8);
        at
    }

    /// Charges for a bulk operand. It is paid at the next place where the fiber may stop.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) {
        self.core.saved.fuel -= (bytes / BULK_BYTES) as i64;
    }

    /// Traps.
    #[cold]
    pub(crate) fn trap<T>(&mut self, kind: ErrorKind) -> Result<T, Stop> {
        self.core.trap_kind = kind;
        self.core.trap_text = None;
        Err(Stop::Trap)
    }

    /// Traps with a message.
    #[cold]
    pub(crate) fn trap_with<T>(&mut self, kind: ErrorKind, message: String) -> Result<T, Stop> {
        self.core.set_trap(kind, message);
        Err(Stop::Trap)
    }

    /// A position that must be at most `limit`.
    pub(crate) fn position(&mut self, word: u64, limit: usize) -> Result<usize, Stop> {
        match usize::try_from(word as i64) {
            Ok(position) if position <= limit => Ok(position),
            _ => self.trap_with(ErrorKind::OutOfRange, format!("position {} of {limit}", word as i64)),
        }
    }

    /// A range of positions inside `limit`.
    pub(crate) fn range(&mut self, from: u64, to: u64, limit: usize) -> Result<std::ops::Range<usize>, Stop> {
        let to = self.position(to, limit)?;
        let from = self.position(from, to)?;
        Ok(from..to)
    }

    /// The kind of the object that a word refers to, if it refers to one.
    pub(crate) fn kind(&self, word: u64) -> Option<Kind> {
        if crate::heap::word::is_reference(word) { Some(self.header(word).kind()) } else { None }
    }
}
