//! The bodies of the fast operations.
//!
//! Each takes the registers and goes on through its dispatcher, in each arm by itself, so that a branch stays a branch.
//! An operation that allocates computes its size first; without room it stops before it has changed anything, and runs
//! again from its operands after the collection.
//!
//! **Safety of every operation:** the registers describe a running fiber; `pc` is an instruction that lowering made for
//! verified code; so its slot offsets lie in the current frame, its slots hold what the verifier says, references among
//! them are offsets of objects in the block of the kind that their type says, and `core` is the machine that runs the
//! fiber, to which nobody else refers meanwhile.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks)]
#![allow(unsafe_op_in_unsafe_fn)]
// The reason above holds for each block of this file: it is the premise that the verifier and lowering establish.

mod branch;
mod call;
mod container;
mod message;
mod number;
mod object;

pub(in crate::interp) use branch::*;
pub(in crate::interp) use call::*;
pub(in crate::interp) use container::*;
pub(in crate::interp) use message::*;
pub(in crate::interp) use number::*;
pub(in crate::interp) use object::*;

use super::{Dispatch, Regs, Stop};
use crate::code::{FRAME_HEADER_BYTES, OP_BYTES, Op};
use crate::exit::ErrorKind;
use crate::heap::block::header;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK, TAG_REFERENCE};

#[inline(always)]
pub(super) unsafe fn op(r: &Regs) -> Op {
    *r.pc
}

#[inline(always)]
pub(super) unsafe fn get(r: &Regs, slot: u16) -> u64 {
    r.fp.add(slot as usize).cast::<u64>().read()
}

#[inline(always)]
pub(super) unsafe fn set(r: &Regs, slot: u16, word: u64) {
    r.fp.add(slot as usize).cast::<u64>().write(word)
}

#[inline(always)]
pub(super) unsafe fn int(r: &Regs, slot: u16) -> i64 {
    get(r, slot) as i64
}

#[inline(always)]
pub(super) unsafe fn float(r: &Regs, slot: u16) -> f64 {
    f64::from_bits(get(r, slot))
}

#[inline(always)]
pub(super) unsafe fn set_float(r: &Regs, slot: u16, value: f64) {
    set(r, slot, value.to_bits())
}

/// The word `index` words after the header of the object at `reference`.
#[inline(always)]
pub(super) unsafe fn field_at(r: &Regs, reference: u64, index: usize) -> *mut u64 {
    r.base.add(reference as usize + 8 + index * 8).cast::<u64>()
}

#[inline(always)]
pub(super) unsafe fn object_header(r: &Regs, reference: u64) -> Header {
    Header(r.base.add(reference as usize).cast::<u64>().read())
}

/// Goes on behind this instruction.
#[inline(always)]
pub(super) unsafe fn on<D: Dispatch>(mut r: Regs) -> D::Out {
    r.pc = r.pc.add(1);
    D::next(r)
}

/// Goes on behind this instruction and its extension.
#[inline(always)]
pub(super) unsafe fn over<D: Dispatch>(mut r: Regs) -> D::Out {
    r.pc = r.pc.add(2);
    D::next(r)
}

/// Goes on behind the safe operation that follows, which would do the same in full, and its extension.
#[inline(always)]
pub(super) unsafe fn over_safe<D: Dispatch>(mut r: Regs) -> D::Out {
    r.pc = r.pc.add(3);
    D::next(r)
}

/// Goes on at a distance in instructions.
#[inline(always)]
pub(super) unsafe fn to<D: Dispatch>(mut r: Regs, distance: i32) -> D::Out {
    r.pc = r.pc.offset(distance as isize);
    D::next(r)
}

/// Goes back at a distance and charges for it.
#[inline(always)]
pub(super) unsafe fn back<D: Dispatch>(mut r: Regs, distance: i32) -> D::Out {
    r.pc = r.pc.offset(distance as isize);
    r.fuel -= 1;
    if r.fuel <= 0 {
        return D::stop(r, Stop::Preempted);
    }
    D::next(r)
}

#[inline(always)]
pub(super) unsafe fn trap<D: Dispatch>(r: Regs, kind: ErrorKind) -> D::Out {
    (*r.core).trap_kind = kind;
    D::stop(r, Stop::Trap)
}

/// Whether the heap has room for `bytes` more.
#[inline(always)]
pub(super) unsafe fn has_room(r: &Regs, bytes: usize) -> bool {
    let top = r.top + bytes;
    let soft_limit = r.base.add(header::LIMITS).cast::<u32>().read() as usize;
    r.base.wrapping_add(top) <= r.fp && top <= soft_limit
}

#[inline(always)]
pub(super) unsafe fn need<D: Dispatch>(r: Regs, bytes: usize) -> D::Out {
    (*r.core).need = bytes;
    D::stop(r, Stop::NeedSpace)
}
