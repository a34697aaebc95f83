//! Moves, constants, arithmetic, comparisons that give a truth value.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
// The premise of every operation stands in `super`.

use super::*;

// Moves and constants.

#[inline(always)]
pub(in crate::interp) unsafe fn mov<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, get(&r, o.b));
    on::<D>(r)
}

/// `a` := the signed 32 bits of `c`.
#[inline(always)]
pub(in crate::interp) unsafe fn konst<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, i64::from(o.c as i32) as u64);
    on::<D>(r)
}

/// `a` := the word in the extension.
#[inline(always)]
pub(in crate::interp) unsafe fn konst_wide<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, (*r.pc.add(1)).code.extra);
    over::<D>(r)
}

macro_rules! int_checked {
    ($($name:ident $method:ident;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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

/// Two operations on floats in a row, the first's result being used by the second alone: `b` and the low half of `c`, then
/// the high half. Each step is rounded.
macro_rules! float_pairs {
    ($($name:ident |$x:ident, $y:ident| $first:expr, |$t:ident, $d:ident| $second:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($x, $y, $d) = (float(&r, o.b), float(&r, o.lo()), float(&r, o.hi()));
            let $t: f64 = $first;
            set_float(&r, o.a, $second);
            on::<D>(r)
        }
    )*};
}
float_pairs! {
    float_add_add |x, y| x + y, |t, d| d + t;
    float_add_sub |x, y| x + y, |t, d| t - d;
    float_add_rsub |x, y| x + y, |t, d| d - t;
    float_add_mul |x, y| x + y, |t, d| t * d;
    float_add_div |x, y| x + y, |t, d| t / d;
    float_add_rdiv |x, y| x + y, |t, d| d / t;
    float_sub_add |x, y| x - y, |t, d| d + t;
    float_sub_sub |x, y| x - y, |t, d| t - d;
    float_sub_rsub |x, y| x - y, |t, d| d - t;
    float_sub_mul |x, y| x - y, |t, d| t * d;
    float_sub_div |x, y| x - y, |t, d| t / d;
    float_sub_rdiv |x, y| x - y, |t, d| d / t;
    float_mul_add |x, y| x * y, |t, d| d + t;
    float_mul_sub |x, y| x * y, |t, d| t - d;
    float_mul_rsub |x, y| x * y, |t, d| d - t;
    float_mul_mul |x, y| x * y, |t, d| t * d;
    float_mul_div |x, y| x * y, |t, d| t / d;
    float_mul_rdiv |x, y| x * y, |t, d| d / t;
    float_div_add |x, y| x / y, |t, d| d + t;
    float_div_sub |x, y| x / y, |t, d| t - d;
    float_div_rsub |x, y| x / y, |t, d| d - t;
    float_div_mul |x, y| x / y, |t, d| t * d;
    float_div_div |x, y| x / y, |t, d| t / d;
    float_div_rdiv |x, y| x / y, |t, d| d / t;
}

/// A field of an object, then an operation on it: the object `b`, bytes in the low half of `c`, the other operand.
macro_rules! field_then {
    ($($name:ident |$t:ident, $d:ident| $second:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let $t = r.base.add(get(&r, o.b) as usize + o.lo() as usize).cast::<f64>().read();
            let $d = float(&r, o.hi());
            set_float(&r, o.a, $second);
            on::<D>(r)
        }
    )*};
}
field_then! {
    field_float_add |t, d| d + t;
    field_float_sub |t, d| t - d;
    field_float_rsub |t, d| d - t;
    field_float_mul |t, d| t * d;
    field_float_div |t, d| t / d;
    field_float_rdiv |t, d| d / t;
}

/// An element of an array of Float, then an operation on it: the array `b`, the index, the other operand.
macro_rules! element_then {
    ($($name:ident |$t:ident, $d:ident| $second:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let (array, index) = (get(&r, o.b), get(&r, o.lo()));
            if index >= *field_at(&r, array, 0) {
                return trap::<D>(r, ErrorKind::OutOfRange);
            }
            let $t = field_at(&r, array, 1).cast::<f64>().add(index as usize).read();
            let $d = float(&r, o.hi());
            set_float(&r, o.a, $second);
            on::<D>(r)
        }
    )*};
}
element_then! {
    array_float_add |t, d| d + t;
    array_float_sub |t, d| t - d;
    array_float_rsub |t, d| d - t;
    array_float_mul |t, d| t * d;
    array_float_div |t, d| t / d;
    array_float_rdiv |t, d| d / t;
}

/// Division, with the two divisors that need a look.
#[inline(always)]
pub(in crate::interp) unsafe fn int_div<D: Dispatch>(r: Regs) -> D::Out {
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
pub(in crate::interp) unsafe fn int_rem<D: Dispatch>(r: Regs) -> D::Out {
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
pub(in crate::interp) unsafe fn int_div_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, int(&r, o.b).wrapping_div(i64::from(o.c as i32)) as u64);
    on::<D>(r)
}

#[inline(always)]
pub(in crate::interp) unsafe fn int_rem_k<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set(&r, o.a, int(&r, o.b).wrapping_rem(i64::from(o.c as i32)) as u64);
    on::<D>(r)
}

macro_rules! int_unary_checked {
    ($($name:ident $method:ident;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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
        pub(in crate::interp) unsafe fn $name<D: Dispatch>(r: Regs) -> D::Out {
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
pub(in crate::interp) unsafe fn float_unary<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set_float(&r, o.a, crate::runtime::number::unary(o.c, float(&r, o.b)));
    on::<D>(r)
}

/// `a` := a function of the floats in `b` and the low half of `c`; the high half is its number.
#[inline(always)]
pub(in crate::interp) unsafe fn float_binary<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    set_float(&r, o.a, crate::runtime::number::binary(o.hi(), float(&r, o.b), float(&r, o.lo())));
    on::<D>(r)
}

#[inline(always)]
pub(in crate::interp) unsafe fn float_to_int<D: Dispatch>(r: Regs) -> D::Out {
    let o = op(&r);
    let value = float(&r, o.b);
    // The bounds are powers of two, so they are exact; NaN fails both.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        set(&r, o.a, value as i64 as u64);
        return on::<D>(r);
    }
    trap::<D>(r, ErrorKind::OutOfRange)
}
