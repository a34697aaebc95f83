//! Calls and returns, and what a fiber asks of its machine in passing.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
// The premise of every operation stands in `super`.

use super::*;
use crate::random;

/// The function that started the fiber has returned.
#[inline(always)]
pub(in crate::interp) unsafe fn finish<D: Dispatch>(r: Regs) -> D::Out {
    D::stop(r, Stop::Finished)
}

// Calls. `a` is the slot of the first argument and of the result, `b` the bytes of the callee's frame, `c` its entry.
// The extension holds the callee's number and the place of the call in the bytecode.

#[inline(always)]
unsafe fn frame_fits(r: &Regs, fp: *mut u8) -> bool {
    let lowest = r.base.add(header::LIMITS + 4).cast::<u32>().read() as usize;
    fp >= r.base.wrapping_add(r.top) && fp >= r.base.wrapping_add(lowest)
}

#[inline(always)]
unsafe fn call<D: Dispatch>(mut r: Regs, count: usize) -> D::Out {
    let o = op(&r);
    let fp = r.fp.wrapping_sub(o.b as usize);
    if !frame_fits(&r, fp) {
        (*r.core).need = o.b as usize;
        return D::stop(r, Stop::NeedStack);
    }
    let args = r.fp.add(o.a as usize).cast::<u64>();
    let params = fp.add(FRAME_HEADER_BYTES).cast::<u64>();
    for at in 0..count {
        params.add(at).write(args.add(at).read());
    }
    enter::<D>(&mut r, fp);
    r.fuel -= 1;
    if r.fuel <= 0 {
        return D::stop(r, Stop::Preempted);
    }
    D::next(r)
}

/// Leaves the caller's frame in its canonical form and enters the callee's.
///
/// The parts are moved one by one, so that the three registers that a handler may use freely are enough.
#[inline(always)]
unsafe fn enter<D: Dispatch>(r: &mut Regs, fp: *mut u8) {
    let extension = r.pc.add(1);
    let extra = (&raw const (*extension).code).cast::<u32>();
    r.fp.add(4).cast::<u32>().write(extra.add(1).read());
    fp.cast::<u64>().write(u64::from(extra.read()));
    let code = (*r.core).code_base;
    r.fp.add(8).cast::<u64>().write(extension.byte_offset_from(code) as u64);
    r.pc = code.byte_add((*r.pc).c as usize);
    r.fp = fp;
}

#[inline(always)]
pub(in crate::interp) unsafe fn call_0<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 0)
}

#[inline(always)]
pub(in crate::interp) unsafe fn call_1<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 1)
}

#[inline(always)]
pub(in crate::interp) unsafe fn call_2<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 2)
}

#[inline(always)]
pub(in crate::interp) unsafe fn call_3<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 3)
}

/// The count of arguments is the callee's.
#[inline(always)]
pub(in crate::interp) unsafe fn call_n<D: Dispatch>(r: Regs) -> D::Out {
    let function = (*r.pc.add(1)).code.extra as u32;
    let count = (&(*r.core).functions)[function as usize].params as usize;
    call::<D>(r, count)
}

/// As a call, but the frame is replaced. The map's place in the extension holds the bytes of this function's frame and
/// the count of arguments.
#[inline(always)]
pub(in crate::interp) unsafe fn tail_call<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let sizes = (*r.pc.add(1)).map().0;
    let fp = r.fp.wrapping_add(sizes as u32 as usize).wrapping_sub(o.b as usize);
    if !frame_fits(&r, fp) {
        (*r.core).need = (o.b as usize).saturating_sub(sizes as u32 as usize);
        return D::stop(r, Stop::NeedStack);
    }
    let count = (sizes >> 32) as usize;
    std::ptr::copy(r.fp.add(o.a as usize).cast::<u64>(), fp.add(FRAME_HEADER_BYTES).cast::<u64>(), count);
    fp.cast::<u64>().write((*r.pc.add(1)).code.extra & 0xffff_ffff);
    r.pc = (*r.core).code_base.byte_add(o.c as usize);
    r.fp = fp;
    r.fuel -= 1;
    if r.fuel <= 0 {
        return D::stop(r, Stop::Preempted);
    }
    D::next(r)
}

/// Goes back to the caller. Its continuation names the extension of its call, and the call the slot of the result.
#[inline(always)]
unsafe fn leave<D: Dispatch>(mut r: Regs, frame_bytes: u16, result: u64) -> D::Out {
    r.fp = r.fp.add(frame_bytes as usize);
    let continuation = r.fp.add(8).cast::<u64>().read();
    let extension = (*r.core).code_base.byte_add(continuation as usize);
    set(&r, (*extension.sub(1)).a, result);
    r.pc = extension.add(1);
    D::next(r)
}

/// Returns `a`; `b` is the bytes of this function's frame.
#[inline(always)]
pub(in crate::interp) unsafe fn ret<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let result = get(&r, o.a);
    leave::<D>(r, o.b, result)
}

/// Returns what the integer in `c` is as a slot.
#[inline(always)]
pub(in crate::interp) unsafe fn ret_int_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    leave::<D>(r, o.b, i64::from(o.c as i32) as u64)
}

/// Returns the slot in the high half of `c` if `a` is less than the integer in its low half.
#[inline(always)]
pub(in crate::interp) unsafe fn ret_int_if_lt_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    if int(&r, o.a) < i64::from(o.lo() as i16) {
        let result = get(&r, o.hi());
        return leave::<D>(r, o.b, result);
    }
    on::<D>(r)
}

#[inline(always)]
pub(in crate::interp) unsafe fn ret_void<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    r.fp = r.fp.add(o.b as usize);
    let continuation = r.fp.add(8).cast::<u64>().read();
    r.pc = (*r.core).code_base.byte_add(continuation as usize + OP_BYTES);
    D::next(r)
}

// Fibers.

#[inline(always)]
pub(in crate::interp) unsafe fn yield_now<D: Dispatch>(mut r: Regs) -> D::Out {
    r.pc = r.pc.add(1);
    D::stop(r, Stop::Yielded)
}

/// Charges `c`, which is paid at the next place where the fiber may stop.
#[inline(always)]
pub(in crate::interp) unsafe fn charge<D: Dispatch>(mut r: Regs) -> D::Out {
    r.fuel -= i64::from(op(&r).c);
    on::<D>(r)
}

/// `a` := the fiber's own address.
#[inline(always)]
pub(in crate::interp) unsafe fn self_address<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, (*r.core).current_address);
    on::<D>(r)
}

/// `a` := 64 bits of the fiber's generator.
#[inline(always)]
pub(in crate::interp) unsafe fn random<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let state = r.base.add(header::RANDOM).cast::<u64>();
    let next = random::next(state.read());
    state.write(next);
    set(&r, o.a, random::bits(next));
    on::<D>(r)
}

/// Traps with the kind whose number is `c`.
#[inline(always)]
pub(in crate::interp) unsafe fn trap_now<D: Dispatch>(r: Regs) -> D::Out {
    let kind = ErrorKind::ALL[op(&r).c as usize];
    trap::<D>(r, kind)
}
