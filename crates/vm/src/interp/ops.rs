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

use super::{Dispatch, Regs, Stop};
use crate::code::{FRAME_HEADER_BYTES, OP_BYTES, Op};
use crate::exit::ErrorKind;
use crate::heap::block::header;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK, TAG_REFERENCE};

#[inline(always)]
unsafe fn op(r: &Regs) -> Op {
    *r.pc
}

#[inline(always)]
unsafe fn get(r: &Regs, slot: u16) -> u64 {
    r.fp.add(slot as usize).cast::<u64>().read()
}

#[inline(always)]
unsafe fn set(r: &Regs, slot: u16, word: u64) {
    r.fp.add(slot as usize).cast::<u64>().write(word)
}

#[inline(always)]
unsafe fn int(r: &Regs, slot: u16) -> i64 {
    get(r, slot) as i64
}

#[inline(always)]
unsafe fn float(r: &Regs, slot: u16) -> f64 {
    f64::from_bits(get(r, slot))
}

#[inline(always)]
unsafe fn set_float(r: &Regs, slot: u16, value: f64) {
    set(r, slot, value.to_bits())
}

/// The word `index` words after the header of the object at `reference`.
#[inline(always)]
unsafe fn field_at(r: &Regs, reference: u64, index: usize) -> *mut u64 {
    r.base.add(reference as usize + 8 + index * 8).cast::<u64>()
}

#[inline(always)]
unsafe fn object_header(r: &Regs, reference: u64) -> Header {
    Header(r.base.add(reference as usize).cast::<u64>().read())
}

/// Goes on behind this instruction.
#[inline(always)]
unsafe fn on<D: Dispatch>(mut r: Regs) -> D::Out {
    r.pc = r.pc.add(1);
    D::next(r)
}

/// Goes on behind this instruction and its extension.
#[inline(always)]
unsafe fn over<D: Dispatch>(mut r: Regs) -> D::Out {
    r.pc = r.pc.add(2);
    D::next(r)
}

/// Goes on at a distance in instructions.
#[inline(always)]
unsafe fn to<D: Dispatch>(mut r: Regs, distance: i32) -> D::Out {
    r.pc = r.pc.offset(distance as isize);
    D::next(r)
}

/// Goes back at a distance and charges for it.
#[inline(always)]
unsafe fn back<D: Dispatch>(mut r: Regs, distance: i32) -> D::Out {
    r.pc = r.pc.offset(distance as isize);
    r.fuel -= 1;
    if r.fuel <= 0 {
        return D::stop(r, Stop::Preempted);
    }
    D::next(r)
}

#[inline(always)]
unsafe fn trap<D: Dispatch>(r: Regs, kind: ErrorKind) -> D::Out {
    (*r.core).trap_kind = kind;
    D::stop(r, Stop::Trap)
}

/// Whether the heap has room for `bytes` more.
#[inline(always)]
unsafe fn has_room(r: &Regs, bytes: usize) -> bool {
    let top = r.top + bytes;
    let soft_limit = r.base.add(header::LIMITS).cast::<u32>().read() as usize;
    r.base.wrapping_add(top) <= r.fp && top <= soft_limit
}

#[inline(always)]
unsafe fn need<D: Dispatch>(r: Regs, bytes: usize) -> D::Out {
    (*r.core).need = bytes;
    D::stop(r, Stop::NeedSpace)
}

/// The function that started the fiber has returned.
#[inline(always)]
pub(super) unsafe fn finish<D: Dispatch>(r: Regs) -> D::Out {
    D::stop(r, Stop::Finished)
}

// Moves and constants.

#[inline(always)]
pub(super) unsafe fn mov<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, get(&r, o.b));
    on::<D>(r)
}

/// `a` := the signed 32 bits of `c`.
#[inline(always)]
pub(super) unsafe fn konst<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, i64::from(o.c as i32) as u64);
    on::<D>(r)
}

/// `a` := the word in the extension.
#[inline(always)]
pub(super) unsafe fn konst_wide<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, (*r.pc.add(1)).code.extra);
    over::<D>(r)
}

macro_rules! int_checked {
    ($($name:ident $method:ident;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (value, overflow) = int(&r, o.b).$method(int(&r, o.lo()));
            if overflow {
                return trap::<D>(r, ErrorKind::Overflow);
            }
            set(&r, o.a, value as u64);
            on::<D>(r)
        }
    )*};
}
int_checked! {
    int_add overflowing_add;
    int_sub overflowing_sub;
    int_mul overflowing_mul;
}

macro_rules! int_checked_k {
    ($($name:ident $method:ident;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (value, overflow) = int(&r, o.b).$method(i64::from(o.c as i32));
            if overflow {
                return trap::<D>(r, ErrorKind::Overflow);
            }
            set(&r, o.a, value as u64);
            on::<D>(r)
        }
    )*};
}
int_checked_k! {
    int_add_k overflowing_add;
    int_mul_k overflowing_mul;
}

/// Operations of two slots that cannot fail: `a` := `b` with the low half of `c`.
macro_rules! plain {
    ($($name:ident $read:ident |$x:ident, $y:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($x, $y) = ($read(&r, o.b), $read(&r, o.lo()));
            set(&r, o.a, $value);
            on::<D>(r)
        }
    )*};
}
plain! {
    int_add_wrap int |x, y| x.wrapping_add(y) as u64;
    int_sub_wrap int |x, y| x.wrapping_sub(y) as u64;
    int_mul_wrap int |x, y| x.wrapping_mul(y) as u64;
    int_min int |x, y| x.min(y) as u64;
    int_max int |x, y| x.max(y) as u64;
    int_and int |x, y| (x & y) as u64;
    int_or int |x, y| (x | y) as u64;
    int_xor int |x, y| (x ^ y) as u64;
    int_lt int |x, y| u64::from(x < y);
    int_le int |x, y| u64::from(x <= y);
    int_eq int |x, y| u64::from(x == y);
    int_ne int |x, y| u64::from(x != y);
    float_add float |x, y| (x + y).to_bits();
    float_sub float |x, y| (x - y).to_bits();
    float_mul float |x, y| (x * y).to_bits();
    float_div float |x, y| (x / y).to_bits();
    float_rem float |x, y| libm::fmod(x, y).to_bits();
    float_min float |x, y| crate::runtime::number::float_min(x, y).to_bits();
    float_max float |x, y| crate::runtime::number::float_max(x, y).to_bits();
    float_lt float |x, y| u64::from(x < y);
    float_le float |x, y| u64::from(x <= y);
    float_eq float |x, y| u64::from(x == y);
    float_ne float |x, y| u64::from(x != y);
    word_same get |x, y| u64::from(x == y);
    word_differs get |x, y| u64::from(x != y);
}

/// Operations of one slot that cannot fail: `a` := of `b`.
macro_rules! unary {
    ($($name:ident $read:ident |$x:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let $x = $read(&r, o.b);
            set(&r, o.a, $value);
            on::<D>(r)
        }
    )*};
}
unary! {
    int_not int |x| !x as u64;
    count_ones get |x| u64::from(x.count_ones());
    leading_zeros get |x| u64::from(x.leading_zeros());
    trailing_zeros get |x| u64::from(x.trailing_zeros());
    bool_not get |x| x ^ 1;
    float_neg float |x| (-x).to_bits();
    float_abs float |x| x.abs().to_bits();
    float_sqrt float |x| x.sqrt().to_bits();
    int_to_float int |x| (x as f64).to_bits();
    float_bits float |x| crate::runtime::number::canonical_bits(x);
    is_null get |x| u64::from(x == NULL);
    box_bool get |x| word::bool_word(x != 0);
}

/// Operations of a slot and the integer in `c` that cannot fail.
macro_rules! with_int {
    ($($name:ident |$x:ident, $k:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($x, $k) = (int(&r, o.b), i64::from(o.c as i32));
            set(&r, o.a, $value as u64);
            on::<D>(r)
        }
    )*};
}
with_int! {
    int_and_k |x, k| x & k;
    int_shl_k |x, k| x << (k & 63);
    int_shr_k |x, k| x >> (k & 63);
    int_shr_u_k |x, k| (x as u64) >> (k & 63);
}

/// Operations of a slot and the float in `c`, which is kept as binary32 where that is exact.
macro_rules! with_float {
    ($($name:ident |$x:ident, $k:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($x, $k) = (float(&r, o.b), f64::from(f32::from_bits(o.c)));
            set_float(&r, o.a, $value);
            on::<D>(r)
        }
    )*};
}
with_float! {
    float_add_k |x, k| x + k;
    float_sub_k |x, k| x - k;
    float_rsub_k |x, k| k - x;
    float_mul_k |x, k| x * k;
    float_div_k |x, k| x / k;
    float_rdiv_k |x, k| k / x;
}

/// `a` from `b` times the low half of `c`, and the high half; each step is rounded.
macro_rules! multiply_then {
    ($($name:ident |$product:ident, $d:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($product, $d) = (float(&r, o.b) * float(&r, o.lo()), float(&r, o.hi()));
            set_float(&r, o.a, $value);
            on::<D>(r)
        }
    )*};
}
multiply_then! {
    float_mul_add |product, d| d + product;
    float_mul_sub |product, d| d - product;
    float_mul_rsub |product, d| product - d;
}

/// Division, with the two divisors that need a look.
#[inline(always)]
pub(super) unsafe fn int_div<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (x, y) = (int(&r, o.b), int(&r, o.lo()));
    if y == 0 {
        return trap::<D>(r, ErrorKind::DivideByZero);
    }
    let (value, overflow) = x.overflowing_div(y);
    if overflow {
        return trap::<D>(r, ErrorKind::Overflow);
    }
    set(&r, o.a, value as u64);
    on::<D>(r)
}

#[inline(always)]
pub(super) unsafe fn int_rem<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (x, y) = (int(&r, o.b), int(&r, o.lo()));
    if y == 0 {
        return trap::<D>(r, ErrorKind::DivideByZero);
    }
    set(&r, o.a, x.wrapping_rem(y) as u64);
    on::<D>(r)
}

/// Division by a constant that is neither 0 nor -1; lowering sees to that.
#[inline(always)]
pub(super) unsafe fn int_div_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, int(&r, o.b).wrapping_div(i64::from(o.c as i32)) as u64);
    on::<D>(r)
}

#[inline(always)]
pub(super) unsafe fn int_rem_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, int(&r, o.b).wrapping_rem(i64::from(o.c as i32)) as u64);
    on::<D>(r)
}

macro_rules! int_unary_checked {
    ($($name:ident $method:ident;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (value, overflow) = int(&r, o.b).$method();
            if overflow {
                return trap::<D>(r, ErrorKind::Overflow);
            }
            set(&r, o.a, value as u64);
            on::<D>(r)
        }
    )*};
}
int_unary_checked! {
    int_neg overflowing_neg;
    int_abs overflowing_abs;
}

macro_rules! shift {
    ($($name:ident |$x:ident, $by:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($x, $by) = (int(&r, o.b), get(&r, o.lo()));
            if $by > 63 {
                return trap::<D>(r, ErrorKind::BadShift);
            }
            set(&r, o.a, $value as u64);
            on::<D>(r)
        }
    )*};
}
shift! {
    int_shl |x, by| x << by;
    int_shr |x, by| x >> by;
    int_shr_u |x, by| (x as u64) >> by;
}

/// `a` := a function of the float in `b`; `c` is its number in [`crate::runtime::number::UNARY`].
#[inline(always)]
pub(super) unsafe fn float_unary<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set_float(&r, o.a, crate::runtime::number::unary(o.c, float(&r, o.b)));
    on::<D>(r)
}

/// `a` := a function of the floats in `b` and the low half of `c`; the high half is its number.
#[inline(always)]
pub(super) unsafe fn float_binary<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set_float(&r, o.a, crate::runtime::number::binary(o.hi(), float(&r, o.b), float(&r, o.lo())));
    on::<D>(r)
}

#[inline(always)]
pub(super) unsafe fn float_to_int<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = float(&r, o.b);
    // The bounds are powers of two, so they are exact; NaN fails both.
    if value >= -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0 {
        set(&r, o.a, value as i64 as u64);
        return on::<D>(r);
    }
    trap::<D>(r, ErrorKind::OutOfRange)
}

// Branches: `c` is the distance in instructions. `back_` goes to a loop header and charges.

#[inline(always)]
pub(super) unsafe fn jump<D: Dispatch>(r: Regs) -> D::Out {
    let distance = op(&r).c as i32;
    to::<D>(r, distance)
}

#[inline(always)]
pub(super) unsafe fn jump_back<D: Dispatch>(r: Regs) -> D::Out {
    let distance = op(&r).c as i32;
    back::<D>(r, distance)
}

macro_rules! branches {
    ($($jump:ident $back:ident |$r:ident, $o:ident| $taken:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $jump<D: Dispatch>($r: Regs) -> D::Out {
            let $o = op(&$r);
            if $taken {
                return to::<D>($r, $o.c as i32);
            }
            on::<D>($r)
        }

        #[inline(always)]
        pub(super) unsafe fn $back<D: Dispatch>($r: Regs) -> D::Out {
            let $o = op(&$r);
            if $taken {
                return back::<D>($r, $o.c as i32);
            }
            on::<D>($r)
        }
    )*};
}
branches! {
    jump_int_lt back_int_lt |r, o| int(&r, o.a) < int(&r, o.b);
    jump_int_le back_int_le |r, o| int(&r, o.a) <= int(&r, o.b);
    jump_int_eq back_int_eq |r, o| int(&r, o.a) == int(&r, o.b);
    jump_int_ne back_int_ne |r, o| int(&r, o.a) != int(&r, o.b);
    jump_int_lt_k back_int_lt_k |r, o| int(&r, o.a) < i64::from(o.b as i16);
    jump_int_ge_k back_int_ge_k |r, o| int(&r, o.a) >= i64::from(o.b as i16);
    jump_int_eq_k back_int_eq_k |r, o| int(&r, o.a) == i64::from(o.b as i16);
    jump_int_ne_k back_int_ne_k |r, o| int(&r, o.a) != i64::from(o.b as i16);
    jump_float_lt back_float_lt |r, o| float(&r, o.a) < float(&r, o.b);
    jump_float_le back_float_le |r, o| float(&r, o.a) <= float(&r, o.b);
    jump_float_eq back_float_eq |r, o| float(&r, o.a) == float(&r, o.b);
    jump_float_ne back_float_ne |r, o| float(&r, o.a) != float(&r, o.b);
    jump_float_nlt back_float_nlt |r, o| !(float(&r, o.a) < float(&r, o.b));
    jump_float_nle back_float_nle |r, o| !(float(&r, o.a) <= float(&r, o.b));
    jump_true back_true |r, o| get(&r, o.a) != 0;
    jump_false back_false |r, o| get(&r, o.a) == 0;
    jump_null back_null |r, o| get(&r, o.a) == NULL;
    jump_some back_some |r, o| get(&r, o.a) != NULL;
}

/// Adds a constant to the counter `a` and goes back while a condition holds. `c`: 8 bits of step, 24 bits of distance.
macro_rules! step_and_back {
    ($($name:ident |$r:ident, $o:ident, $value:ident| $taken:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>($r: Regs) -> D::Out {
            let $o = op(&$r);
            let ($value, overflow) = int(&$r, $o.a).overflowing_add(i64::from($o.c as i8));
            if overflow {
                return trap::<D>($r, ErrorKind::Overflow);
            }
            set(&$r, $o.a, $value as u64);
            if $taken {
                return back::<D>($r, ($o.c as i32) >> 8);
            }
            on::<D>($r)
        }
    )*};
}
step_and_back! {
    back_int_step_lt |r, o, value| value < int(&r, o.b);
    back_int_step_le |r, o, value| value <= int(&r, o.b);
    back_int_step_lt_k |r, o, value| value < i64::from(o.b as i16);
    back_int_step_ge_k |r, o, value| value >= i64::from(o.b as i16);
}

/// Goes to entry `a` of the table of `c` instructions behind this one, or behind the table.
#[inline(always)]
pub(super) unsafe fn switch<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let index = get(&r, o.a).min(u64::from(o.c)) as usize;
    r.pc = r.pc.add(1 + index);
    D::next(r)
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
pub(super) unsafe fn call_0<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 0)
}

#[inline(always)]
pub(super) unsafe fn call_1<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 1)
}

#[inline(always)]
pub(super) unsafe fn call_2<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 2)
}

#[inline(always)]
pub(super) unsafe fn call_3<D: Dispatch>(r: Regs) -> D::Out {
    call::<D>(r, 3)
}

/// The count of arguments is the callee's.
#[inline(always)]
pub(super) unsafe fn call_n<D: Dispatch>(r: Regs) -> D::Out {
    let function = (*r.pc.add(1)).code.extra as u32;
    let count = (&(*r.core).functions)[function as usize].params as usize;
    call::<D>(r, count)
}

/// As a call, but the frame is replaced. The map's place in the extension holds the bytes of this function's frame and
/// the count of arguments.
#[inline(always)]
pub(super) unsafe fn tail_call<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let sizes = (*r.pc.add(1)).map().0;
    let fp = r.fp.wrapping_add(sizes as u32 as usize).wrapping_sub(o.b as usize);
    if !frame_fits(&r, fp) {
        (*r.core).need = o.b as usize;
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
pub(super) unsafe fn ret<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let result = get(&r, o.a);
    leave::<D>(r, o.b, result)
}

/// Returns the integer in `c`.
#[inline(always)]
pub(super) unsafe fn ret_int_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    leave::<D>(r, o.b, i64::from(o.c as i32) as u64)
}

/// Returns the slot in the high half of `c` if `a` is less than the integer in its low half.
#[inline(always)]
pub(super) unsafe fn ret_int_if_lt_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    if int(&r, o.a) < i64::from(o.lo() as i16) {
        let result = get(&r, o.hi());
        return leave::<D>(r, o.b, result);
    }
    on::<D>(r)
}

#[inline(always)]
pub(super) unsafe fn ret_void<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    r.fp = r.fp.add(o.b as usize);
    let continuation = r.fp.add(8).cast::<u64>().read();
    r.pc = (*r.core).code_base.byte_add(continuation as usize + OP_BYTES);
    D::next(r)
}

// Any and options. Boxes are followed by an extension.

#[inline(always)]
unsafe fn boxed<D: Dispatch>(mut r: Regs, slot: u16, kind: Kind, ty: u32, value: u64) -> D::Out {
    if !has_room(&r, 16) {
        return need::<D>(r, 16);
    }
    let object = r.base.add(r.top).cast::<u64>();
    object.write(Header::new(kind, ty, 1, 0).0);
    object.add(1).write(value);
    set(&r, slot, r.top as u64);
    r.top += 16;
    over::<D>(r)
}

#[inline(always)]
pub(super) unsafe fn box_int<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = int(&r, o.b);
    if let Some(small) = word::small_int(value) {
        set(&r, o.a, small);
        return over::<D>(r);
    }
    boxed::<D>(r, o.a, Kind::BoxInt, fardel_bytecode::types::INT.0, value as u64)
}

#[inline(always)]
pub(super) unsafe fn box_float<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = get(&r, o.b);
    boxed::<D>(r, o.a, Kind::BoxFloat, fardel_bytecode::types::FLOAT.0, value)
}

/// The integer in a word, if it is one.
#[inline(always)]
unsafe fn int_in(r: &Regs, value: u64) -> Option<i64> {
    if value & TAG_MASK == word::TAG_INT {
        return Some(word::int_of(value));
    }
    if word::is_reference(value) && object_header(r, value).is(Kind::BoxInt) {
        return Some(*field_at(r, value, 0) as i64);
    }
    None
}

#[inline(always)]
unsafe fn float_in(r: &Regs, value: u64) -> Option<u64> {
    if word::is_reference(value) && object_header(r, value).is(Kind::BoxFloat) {
        return Some(*field_at(r, value, 0));
    }
    None
}

macro_rules! unboxing {
    ($($name:ident $kind:ident |$r:ident, $value:ident| $found:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>($r: Regs) -> D::Out {
            let o = op(&$r);
            let $value = get(&$r, o.b);
            let found: Option<u64> = $found;
            if let Some(found) = found {
                set(&$r, o.a, found);
                return on::<D>($r);
            }
            trap::<D>($r, ErrorKind::$kind)
        }
    )*};
}
unboxing! {
    cast_int BadCast |r, value| int_in(&r, value).map(|int| int as u64);
    cast_float BadCast |r, value| float_in(&r, value);
    cast_bool BadCast |r, value| if value & TAG_MASK == word::TAG_BOOL { Some(value >> 3) } else { None };
    unwrap_int NullValue |r, value| int_in(&r, value).map(|int| int as u64);
    unwrap_float NullValue |r, value| float_in(&r, value);
    unwrap_bool NullValue |r, value| if value == NULL { None } else { Some(value >> 3) };
    unwrap_word NullValue |r, value| if value == NULL { None } else { Some(value) };
}

// Objects.

/// `c`'s low half := a new object of `b` words taken from the slots from `a` on; the extension holds its header.
#[inline(always)]
pub(super) unsafe fn new_words<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let count = o.b as usize;
    let bytes = 8 + count * 8;
    if !has_room(&r, bytes) {
        return need::<D>(r, bytes);
    }
    let object = r.base.add(r.top).cast::<u64>();
    object.write((*r.pc.add(1)).code.extra);
    let fields = r.fp.add(o.a as usize).cast::<u64>();
    for at in 0..count {
        object.add(1 + at).write(fields.add(at).read());
    }
    set(&r, o.lo(), r.top as u64);
    r.top += bytes;
    over::<D>(r)
}

/// `a` := a new object of the two words in `b` and the low half of `c`.
#[inline(always)]
pub(super) unsafe fn new_2<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    if !has_room(&r, 24) {
        return need::<D>(r, 24);
    }
    let object = r.base.add(r.top).cast::<u64>();
    object.write((*r.pc.add(1)).code.extra);
    object.add(1).write(get(&r, o.b));
    object.add(2).write(get(&r, o.lo()));
    set(&r, o.a, r.top as u64);
    r.top += 24;
    over::<D>(r)
}

/// `a` := the word at `c` bytes in the object `b`.
#[inline(always)]
pub(super) unsafe fn field<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let object = get(&r, o.b) as usize;
    set(&r, o.a, r.base.add(object + o.c as usize).cast::<u64>().read());
    on::<D>(r)
}

/// The word at `c` bytes in the object `a` := `b`. The one store of a reference into an object, with those of
/// containers: where a write barrier would stand.
#[inline(always)]
pub(super) unsafe fn set_field<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let object = get(&r, o.a) as usize;
    r.base.add(object + o.c as usize).cast::<u64>().write(get(&r, o.b));
    on::<D>(r)
}

/// The type of a variant's value, which numbers its variant.
#[inline(always)]
unsafe fn variant_type(r: &Regs, value: u64) -> u32 {
    if value & TAG_MASK == TAG_REFERENCE { object_header(r, value).ty() } else { word::number_of(value) }
}

/// `a` := which variant `b` is; `c` is the type of the first one.
#[inline(always)]
pub(super) unsafe fn tag<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let ty = variant_type(&r, get(&r, o.b));
    set(&r, o.a, u64::from(ty.wrapping_sub(o.c)));
    on::<D>(r)
}

/// `a` := a field of the variant `b`; `c`: its word (8 bits) and the variant's type.
#[inline(always)]
pub(super) unsafe fn payload<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = get(&r, o.b);
    if variant_type(&r, value) != o.c >> 8 {
        return trap::<D>(r, ErrorKind::BadVariant);
    }
    set(&r, o.a, *field_at(&r, value, (o.c & 255) as usize));
    on::<D>(r)
}

// Containers. Words of a list: storage, length. Of a map: keys, values, index, entries used, entries alive.

macro_rules! lengths {
    ($($name:ident $word:literal;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            set(&r, o.a, *field_at(&r, get(&r, o.b), $word));
            on::<D>(r)
        }
    )*};
}
lengths! {
    list_len 1;
    array_len 0;
    map_len 4;
}

/// The bytes of a text or byte string: their place and count.
#[inline(always)]
unsafe fn bytes_of(r: &Regs, value: u64) -> (*const u8, usize) {
    if value & TAG_MASK != TAG_REFERENCE {
        return (*r.core).constants.raw(word::number_of(value));
    }
    let header = object_header(r, value);
    if header.is(Kind::Text) || header.is(Kind::Bytes) {
        return (field_at(r, value, 1).cast::<u8>().cast_const(), *field_at(r, value, 0) as usize);
    }
    let (start, length) = (*field_at(r, value, 1) as usize, *field_at(r, value, 2) as usize);
    (((*r.core).shared.raw(*field_at(r, value, 0) as u32)).add(start), length)
}

#[inline(always)]
pub(super) unsafe fn text_len<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, bytes_of(&r, get(&r, o.b)).1 as u64);
    on::<D>(r)
}

/// `a` := the byte of the text or byte string `b` at the low half of `c`.
#[inline(always)]
pub(super) unsafe fn byte_at<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (bytes, length) = bytes_of(&r, get(&r, o.b));
    let index = get(&r, o.lo()) as usize;
    if index >= length {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    set(&r, o.a, u64::from(bytes.add(index).read()));
    on::<D>(r)
}

/// `a` := the element of the list `b` at the low half of `c`.
#[inline(always)]
pub(super) unsafe fn list_get<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (list, index) = (get(&r, o.b), get(&r, o.lo()));
    if index >= *field_at(&r, list, 1) {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    set(&r, o.a, *field_at(&r, *field_at(&r, list, 0), index as usize));
    on::<D>(r)
}

/// The element of the list `a` at `b` := the low half of `c`.
#[inline(always)]
pub(super) unsafe fn list_set<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let (list, index) = (get(&r, o.a), get(&r, o.b));
    if index >= *field_at(&r, list, 1) {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    *field_at(&r, *field_at(&r, list, 0), index as usize) = get(&r, o.lo());
    on::<D>(r)
}

/// Adds `b` to the list `a` if its storage has room; then the next instruction, which makes room, is stepped over.
#[inline(always)]
pub(super) unsafe fn list_push<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let list = get(&r, o.a);
    let (storage, length) = (*field_at(&r, list, 0), *field_at(&r, list, 1));
    if storage != NULL && length < object_header(&r, storage).words() as u64 {
        *field_at(&r, storage, length as usize) = get(&r, o.b);
        *field_at(&r, list, 1) = length + 1;
        r.pc = r.pc.add(3);
        return D::next(r);
    }
    on::<D>(r)
}

/// `a` := the last element of the list `b`, which is removed.
#[inline(always)]
pub(super) unsafe fn list_pop<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let list = get(&r, o.b);
    let length = *field_at(&r, list, 1);
    if length == 0 {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    let slot = field_at(&r, *field_at(&r, list, 0), length as usize - 1);
    set(&r, o.a, slot.read());
    // What is behind the length is null, so that it keeps nothing alive.
    slot.write(NULL);
    *field_at(&r, list, 1) = length - 1;
    on::<D>(r)
}

macro_rules! array_get {
    ($($name:ident $element:ty, |$x:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (array, index) = (get(&r, o.b), get(&r, o.lo()));
            if index >= *field_at(&r, array, 0) {
                return trap::<D>(r, ErrorKind::OutOfRange);
            }
            let $x = field_at(&r, array, 1).cast::<$element>().add(index as usize).read();
            set(&r, o.a, $value);
            on::<D>(r)
        }
    )*};
}
array_get! {
    array_get_8 u64, |x| x;
    array_get_byte u8, |x| u64::from(x);
    array_get_i32 i32, |x| i64::from(x) as u64;
    array_get_f32 f32, |x| f64::from(x).to_bits();
}

macro_rules! array_set {
    ($($name:ident $element:ty, |$x:ident| $value:expr;)*) => {$(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (array, index, $x) = (get(&r, o.a), get(&r, o.b), get(&r, o.lo()));
            if index >= *field_at(&r, array, 0) {
                return trap::<D>(r, ErrorKind::OutOfRange);
            }
            let value: Option<$element> = $value;
            if let Some(value) = value {
                field_at(&r, array, 1).cast::<$element>().add(index as usize).write(value);
                return on::<D>(r);
            }
            trap::<D>(r, ErrorKind::OutOfRange)
        }
    )*};
}
array_set! {
    array_set_8 u64, |x| Some(x);
    array_set_byte u8, |x| u8::try_from(x).ok();
    array_set_i32 i32, |x| i32::try_from(x as i64).ok();
    array_set_f32 f32, |x| Some(f64::from_bits(x) as f32);
}

/// Adds the byte `b` to the builder `a` if its storage has room; then the next instruction is stepped over.
#[inline(always)]
pub(super) unsafe fn builder_byte<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let (builder, byte) = (get(&r, o.a), get(&r, o.b));
    if byte > 255 {
        return trap::<D>(r, ErrorKind::OutOfRange);
    }
    let (storage, length) = (*field_at(&r, builder, 0), *field_at(&r, builder, 1));
    if storage != NULL && length < object_header(&r, storage).words() as u64 * 8 {
        field_at(&r, storage, 0).cast::<u8>().add(length as usize).write(byte as u8);
        *field_at(&r, builder, 1) = length + 1;
        r.pc = r.pc.add(3);
        return D::next(r);
    }
    on::<D>(r)
}

// Fibers.

#[inline(always)]
pub(super) unsafe fn yield_now<D: Dispatch>(mut r: Regs) -> D::Out {
    r.pc = r.pc.add(1);
    D::stop(r, Stop::Yielded)
}

/// `a` := the fiber's own address.
#[inline(always)]
pub(super) unsafe fn self_address<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, (*r.core).current_address);
    on::<D>(r)
}

/// Traps with the kind whose number is `c`.
#[inline(always)]
pub(super) unsafe fn trap_now<D: Dispatch>(r: Regs) -> D::Out {
    let kind = ErrorKind::ALL[op(&r).c as usize];
    trap::<D>(r, kind)
}
