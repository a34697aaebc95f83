//! Branches and jump tables.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
// The premise of every operation stands in `super`.

// The negated relations of floats are taken for NaN too: that is their point.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

use super::*;

// Branches: `c` is the distance in instructions. `back_` goes to a loop header and charges.

#[inline(always)]
pub(in crate::interp) unsafe fn jump<D: Dispatch>(r: Regs) -> D::Out {
    let distance = op(&r).c as i32;
    to::<D>(r, distance)
}

#[inline(always)]
pub(in crate::interp) unsafe fn jump_back<D: Dispatch>(r: Regs) -> D::Out {
    let distance = op(&r).c as i32;
    back::<D>(r, distance)
}

macro_rules! branches {
    ($($jump:ident $back:ident |$r:ident, $o:ident| $taken:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $jump<D: Dispatch>($r: Regs) -> D::Out {
            let $o = op(&$r);
            if $taken {
                return to::<D>($r, $o.c as i32);
            }
            on::<D>($r)
        }

        #[inline(always)]
        pub(in crate::interp) unsafe fn $back<D: Dispatch>($r: Regs) -> D::Out {
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

/// Branches on a float and a constant, which is kept in `c` as binary32; the distance is in `b`. The negated relations
/// are taken for NaN too.
macro_rules! float_constant_branches {
    ($($jump:ident $back:ident |$value:ident, $k:ident| $taken:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $jump<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($value, $k) = (float(&r, o.a), f64::from(f32::from_bits(o.c)));
            if $taken {
                return to::<D>(r, i32::from(o.b as i16));
            }
            on::<D>(r)
        }

        #[inline(always)]
        pub(in crate::interp) unsafe fn $back<D: Dispatch>(r: Regs) -> D::Out {
            let o = op(&r);
            let ($value, $k) = (float(&r, o.a), f64::from(f32::from_bits(o.c)));
            if $taken {
                return back::<D>(r, i32::from(o.b as i16));
            }
            on::<D>(r)
        }
    )*};
}
float_constant_branches! {
    jump_float_lt_k back_float_lt_k |value, k| value < k;
    jump_float_le_k back_float_le_k |value, k| value <= k;
    jump_float_gt_k back_float_gt_k |value, k| value > k;
    jump_float_ge_k back_float_ge_k |value, k| value >= k;
    jump_float_nlt_k back_float_nlt_k |value, k| !(value < k);
    jump_float_nle_k back_float_nle_k |value, k| !(value <= k);
    jump_float_ngt_k back_float_ngt_k |value, k| !(value > k);
    jump_float_nge_k back_float_nge_k |value, k| !(value >= k);
}

/// Adds a constant to the counter `a` and goes back while a condition holds. `c`: 8 bits of step, 24 bits of distance.
macro_rules! step_and_back {
    ($($name:ident |$r:ident, $o:ident, $value:ident| $taken:expr;)*) => {$(
        #[inline(always)]
        pub(in crate::interp) unsafe fn $name<D: Dispatch>($r: Regs) -> D::Out {
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
pub(in crate::interp) unsafe fn switch<D: Dispatch>(mut r: Regs) -> D::Out {
    let o = op(&r);
    let index = get(&r, o.a).min(u64::from(o.c)) as usize;
    r.pc = r.pc.add(1 + index);
    D::next(r)
}
