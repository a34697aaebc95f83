//! Numbers: what both dispatchers and the operations on Any share.
//!
//! Functions of floats that IEEE 754 does not fix come from a software library, so that they give the same bits on every
//! machine.

use crate::exit::ErrorKind;

/// A function with the name of its instruction.
type Named<F> = (&'static str, F);
type Unary = fn(f64) -> f64;
type Binary = fn(f64, f64) -> f64;

/// The functions of one float, in the order of their numbers.
pub(crate) const UNARY: &[Named<Unary>] = &[
    ("floor", libm::floor),
    ("ceil", libm::ceil),
    ("trunc", libm::trunc),
    ("round", libm::round),
    ("sin", libm::sin),
    ("cos", libm::cos),
    ("tan", libm::tan),
    ("exp", libm::exp),
    ("ln", libm::log),
];

/// The functions of two floats, in the order of their numbers.
pub(crate) const BINARY: &[Named<Binary>] = &[("atan2", libm::atan2), ("pow", libm::pow)];

/// The number of a function in [`UNARY`] or [`BINARY`].
pub(crate) fn number_of<F>(table: &[Named<F>], name: &str) -> u32 {
    table.iter().position(|(known, _)| *known == name).unwrap_or_default() as u32
}

#[inline(never)]
pub(crate) fn unary(number: u32, x: f64) -> f64 {
    UNARY[number as usize].1(x)
}

#[inline(never)]
pub(crate) fn binary(number: u16, x: f64, y: f64) -> f64 {
    BINARY[number as usize].1(x, y)
}

/// The smaller of two; NaN if either is, and -0.0 below 0.0 (IEEE 754-2019 minimum).
#[inline]
pub(crate) fn float_min(x: f64, y: f64) -> f64 {
    if x < y || (x == y && x.is_sign_negative()) || x.is_nan() { x } else { y }
}

/// The larger of two; NaN if either is, and 0.0 above -0.0 (IEEE 754-2019 maximum).
#[inline]
pub(crate) fn float_max(x: f64, y: f64) -> f64 {
    if x > y || (x == y && x.is_sign_positive()) || x.is_nan() { x } else { y }
}

/// The bits of a float, with one NaN for all.
#[inline]
pub(crate) fn canonical_bits(x: f64) -> u64 {
    if x.is_nan() { 0x7ff8_0000_0000_0000 } else { x.to_bits() }
}

/// The arithmetic of the instruction set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Min,
    Max,
}

impl Arithmetic {
    /// Of two integers.
    pub(crate) fn ints(self, x: i64, y: i64) -> Result<i64, ErrorKind> {
        let checked = match self {
            Arithmetic::Add => x.checked_add(y),
            Arithmetic::Sub => x.checked_sub(y),
            Arithmetic::Mul => x.checked_mul(y),
            Arithmetic::Div if y == 0 => return Err(ErrorKind::DivideByZero),
            Arithmetic::Rem if y == 0 => return Err(ErrorKind::DivideByZero),
            Arithmetic::Div => x.checked_div(y),
            Arithmetic::Rem => Some(x.wrapping_rem(y)),
            Arithmetic::Min => Some(x.min(y)),
            Arithmetic::Max => Some(x.max(y)),
        };
        checked.ok_or(ErrorKind::Overflow)
    }

    /// Of two floats.
    pub(crate) fn floats(self, x: f64, y: f64) -> f64 {
        match self {
            Arithmetic::Add => x + y,
            Arithmetic::Sub => x - y,
            Arithmetic::Mul => x * y,
            Arithmetic::Div => x / y,
            Arithmetic::Rem => libm::fmod(x, y),
            Arithmetic::Min => float_min(x, y),
            Arithmetic::Max => float_max(x, y),
        }
    }
}
