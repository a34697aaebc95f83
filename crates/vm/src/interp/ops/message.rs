//! Sending and receiving where nothing is out of the ordinary: a message of one word or a small object without
//! references, and a receiver that waits for it or whose mailbox has room. Everything else is left to the safe operation
//! that follows.
//!
//! **Invariant:** what is done here is what the safe operation would do.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
// The premise of every operation stands in `super`.

use super::*;
use crate::core::{Core, soft_limit};
use crate::fiber::{Fiber, FiberId, Flags, NONE, State};
use crate::message::{INLINE_WORDS_MAX, SMALL_WORDS, Small};
use crate::sets::EVERYTHING;
use crate::types::TypeId;
use fardel_bytecode::types;

const SMALL_BYTES: usize = SMALL_WORDS * 8;

/// Sends the integer `a` to the fiber `b`; `c` is the type.
#[inline(always)]
pub(in crate::interp) unsafe fn send_int_now<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    match word::small_int(int(&r, o.a)) {
        Some(word) => send_small::<D>(r, o, word, 0),
        None => on::<D>(r),
    }
}

/// Sends the word `a` to the fiber `b`; `c` is the type.
#[inline(always)]
pub(in crate::interp) unsafe fn send_now<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = get(&r, o.a);
    if !word::is_reference(value) {
        return send_small::<D>(r, o, value, 0);
    }
    let header = object_header(&r, value);
    if header.words() > INLINE_WORDS_MAX || header.is(Kind::SharedText) || header.is(Kind::SharedBytes) {
        return on::<D>(r);
    }
    for index in 0..header.scan() {
        if word::is_reference(*field_at(&r, value, index)) {
            return on::<D>(r);
        }
    }
    send_small::<D>(r, o, value, header.bytes())
}

/// Sends a word, or, if it has bytes, the object that it refers to.
#[inline(always)]
unsafe fn send_small<D: Dispatch>(r: Regs, o: Op, word: u64, bytes: usize) -> D::Out {
    // Behind the heap there is at least the sentinel, so as much as a small object can be may be read.
    let object = r.base.wrapping_add(word as usize).cast::<Small>();
    let to = word::address_of(get(&r, o.b));
    let fiber = usual_receiver(r.core, to, o.c);
    if fiber.is_null() {
        return on::<D>(r);
    }
    if (*fiber).state != State::Waiting {
        let small = if bytes == 0 { Small::of_word(word) } else { object.read() };
        if !enqueue(r.core, fiber, to.slot, o.c, small, bytes) {
            return on::<D>(r);
        }
        return over_safe::<D>(r);
    }
    let receive = waits_at(r.core, fiber, o.c);
    if receive.is_null() || (*fiber).flags.has(Flags::BOUNDED) {
        return on::<D>(r);
    }
    let mut given = word;
    if bytes > 0 {
        let (block, top) = ((*fiber).block, (*fiber).top as usize);
        if top + SMALL_BYTES > (*fiber).fp as usize || top + bytes > soft_limit(block) {
            return on::<D>(r);
        }
        block.base().add(top).cast::<Small>().write(object.read());
        (*fiber).top = (top + bytes) as u32;
        given = top as u64;
    }
    hand_over(r.core, fiber, to.slot, receive, given);
    over_safe::<D>(r)
}

/// The fiber of an id, if it lives and takes messages of a type; else null.
#[inline(always)]
unsafe fn usual_receiver(core: *mut Core, to: FiberId, ty: TypeId) -> *mut Fiber {
    let core = &mut *core;
    let Some(fiber) = core.fibers.at_mut(to.slot) else { return std::ptr::null_mut() };
    // What is statically Any says itself what it is.
    let is_admitted = ty != types::ANY.0 && (fiber.set == EVERYTHING || core.sets.has(fiber.set, ty));
    if fiber.generation != to.generation || !is_admitted {
        return std::ptr::null_mut();
    }
    fiber
}

/// The receive at which a fiber waits, if it takes messages of a type; else null.
#[inline(always)]
unsafe fn waits_at(core: *mut Core, fiber: *mut Fiber, ty: TypeId) -> *const Op {
    let receive = (*core).code_base.byte_add((*fiber).pc as usize);
    let wanted = (*receive.add(1)).code.extra as TypeId;
    if wanted == types::ANY.0 || wanted == ty { receive } else { std::ptr::null() }
}

/// Gives a fiber that waits its message: it goes on behind its receive.
#[inline(always)]
unsafe fn hand_over(core: *mut Core, fiber: *mut Fiber, slot: u32, receive: *const Op, word: u64) {
    let place = (*fiber).fp as usize + (*receive).a as usize;
    (*fiber).block.base().add(place).cast::<u64>().write(word);
    (*fiber).pc += 2 * OP_BYTES as u32;
    (*fiber).state = State::Ready;
    let core = &mut *core;
    core.stats.messages += 1;
    core.queue.push(&mut core.fibers, slot);
}

/// Puts a message into the mailbox of a fiber that is ready, if there is room for it that is kept for nobody.
#[inline(always)]
unsafe fn enqueue(core: *mut Core, fiber: *mut Fiber, slot: u32, ty: TypeId, small: Small, bytes: usize) -> bool {
    let core = &mut *core;
    if (*fiber).state != State::Ready {
        return false;
    }
    let has_room = match (*fiber).flags.has(Flags::BOUNDED) {
        false => core.has_usual_room(&*fiber, bytes),
        true => core.has_free_room(slot, bytes),
    };
    if !has_room {
        return false;
    }
    core.messages.push_small(&mut *fiber, small, bytes, ty);
    core.stats.messages += 1;
    true
}

/// `a` := the first message, which is of the type `c`; waits for one.
#[inline(always)]
pub(in crate::interp) unsafe fn receive_now<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let core = &mut *r.core;
    let fiber = core.fibers.get_mut(core.current);
    if fiber.head == NONE {
        r.pc = r.pc.add(1);
        return D::stop(r, Stop::Waiting);
    }
    if fiber.flags.has(Flags::MARKED) {
        return on::<D>(r);
    }
    if fiber.flags.has(Flags::BOUNDED) && core.may_wake_senders(core.current) {
        return on::<D>(r);
    }
    let fiber = core.fibers.get_mut(core.current);
    let Some((small, is_object)) = core.messages.first_small(fiber, o.c) else { return on::<D>(r) };
    if !is_object {
        core.messages.drop_first_small(fiber, 0);
        set(&r, o.a, small.0[0]);
        return over_safe::<D>(r);
    }
    let bytes = Header(small.0[0]).bytes();
    if r.base.wrapping_add(r.top + SMALL_BYTES) > r.fp || r.top + bytes > soft_limit(core.block) {
        return on::<D>(r);
    }
    core.messages.drop_first_small(fiber, bytes);
    r.base.add(r.top).cast::<Small>().write(small);
    set(&r, o.a, r.top as u64);
    r.top += bytes;
    over_safe::<D>(r)
}
