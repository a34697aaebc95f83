//! Equality and order of words.
//!
//! Equality of tuples, records, variants and options is by content, without recursion on the host's stack.

use super::Cx;
use super::any::Number;
use crate::exit::ErrorKind;
use crate::heap::word::{self, Kind, TAG_MASK};
use crate::interp::Stop;
use crate::types::Shape;
use fardel_bytecode::types::Repr;
use std::cmp::Ordering;

/// Pairs of values that one comparison looks at: a shared structure can mean exponentially many.
const PAIRS_MAX: usize = 1 << 22;

impl Cx<'_> {
    /// Whether two words are equal.
    pub(crate) fn equal_words(&mut self, x: u64, y: u64) -> Result<bool, Stop> {
        let mut pending = Vec::new();
        let mut next = Some((x, y));
        let (mut pairs, mut is_equal) = (0, true);
        while let Some((x, y)) = next {
            pairs += 1;
            is_equal = self.equal_step(x, y, &mut pending);
            next = if is_equal && pairs <= PAIRS_MAX { pending.pop() } else { None };
        }
        self.charge(pairs * 16);
        if pairs > PAIRS_MAX {
            return self.trap_with(ErrorKind::SystemLimit, format!("a comparison of more than {PAIRS_MAX} values"));
        }
        Ok(is_equal)
    }

    /// Whether two words are equal as far as they go; what they are made of is put off.
    fn equal_step(&mut self, x: u64, y: u64, pending: &mut Vec<(u64, u64)>) -> bool {
        // The same float is not equal to itself when it is NaN, nor is what contains it.
        if let (Some(Number::Float(x)), Some(Number::Float(y))) = (self.number(x), self.number(y)) {
            return x == y;
        }
        if x == y && self.kind(x).is_none_or(|kind| kind != Kind::Fields) {
            return true;
        }
        if let (Some(Number::Int(x)), Some(Number::Int(y))) = (self.number(x), self.number(y)) {
            return x == y;
        }
        if let (Some(mine), Some(theirs)) = (self.flavour(x), self.flavour(y)) {
            let length = self.bytes(x).len();
            if mine != theirs || length != self.bytes(y).len() {
                return false;
            }
            self.charge(length);
            return self.bytes(x) == self.bytes(y);
        }
        let (Some(kind), Some(other)) = (self.kind(x), self.kind(y)) else { return false };
        if kind != other {
            return false;
        }
        match kind {
            Kind::Fields => self.equal_fields(x, y, pending),
            Kind::Some => {
                pending.push((self.field(x, 0), self.field(y, 0)));
                true
            }
            Kind::Ref => self.field(x, 0) == self.field(y, 0) && self.field(x, 1) == self.field(y, 1),
            Kind::BoxInt
            | Kind::BoxFloat
            | Kind::Text
            | Kind::Bytes
            | Kind::SharedText
            | Kind::SharedBytes
            | Kind::List
            | Kind::Storage
            | Kind::Map
            | Kind::Set
            | Kind::Array
            | Kind::Closure
            | Kind::Builder => false,
        }
    }

    fn equal_fields(&self, x: u64, y: u64, pending: &mut Vec<(u64, u64)>) -> bool {
        let header = self.header(x);
        if header.ty() != self.header(y).ty() {
            return false;
        }
        if matches!(self.core.types.get(header.ty()).shape, Shape::Object(_)) {
            return x == y;
        }
        let Some(layout) = self.core.types.layout(header.ty()) else { return false };
        layout.fields.iter().all(|place| {
            let (mine, theirs) = (self.field(x, place.word as usize), self.field(y, place.word as usize));
            match place.repr {
                Repr::Float => f64::from_bits(mine) == f64::from_bits(theirs),
                Repr::Int | Repr::Bool => mine == theirs,
                Repr::Word => {
                    // An immediate word or text that is the same is equal; a float in it may be NaN.
                    if mine != theirs || self.kind(mine).is_some() {
                        pending.push((mine, theirs));
                    }
                    true
                }
            }
        })
    }

    /// The order of two words, if they have one.
    fn order(&mut self, x: u64, y: u64) -> Result<Option<Ordering>, Stop> {
        match (self.number(x), self.number(y)) {
            (Some(Number::Int(x)), Some(Number::Int(y))) => return Ok(Some(x.cmp(&y))),
            (Some(Number::Float(x)), Some(Number::Float(y))) => return Ok(x.partial_cmp(&y)),
            (None | Some(_), None | Some(_)) => {}
        }
        if let (Some(mine), Some(theirs)) = (self.flavour(x), self.flavour(y))
            && mine == theirs
        {
            let (x, y) = (self.bytes(x), self.bytes(y));
            let (order, length) = (x.cmp(y), x.len().min(y.len()));
            self.charge(length);
            return Ok(Some(order));
        }
        if x & TAG_MASK == word::TAG_BOOL && y & TAG_MASK == word::TAG_BOOL {
            return Ok(Some(x.cmp(&y)));
        }
        let message = format!("{} and {} have no order", self.type_name(x), self.type_name(y));
        self.trap_with(ErrorKind::BadOperand, message)
    }
}

/// `a` := whether `b` and `c` are equal.
pub(crate) fn equal(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let answer = cx.equal_words(cx.b(), cx.c())?;
    cx.set_a(u64::from(answer));
    Ok(())
}

/// `a` := whether `b` and `c` differ.
pub(crate) fn not_equal(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let answer = cx.equal_words(cx.b(), cx.c())?;
    cx.set_a(u64::from(!answer));
    Ok(())
}

macro_rules! ordering {
    ($($name:ident $test:expr;)*) => {$(
        pub(crate) fn $name(cx: &mut Cx<'_>) -> Result<(), Stop> {
            let test: fn(Ordering) -> bool = $test;
            let answer = cx.order(cx.b(), cx.c())?.is_some_and(test);
            cx.set_a(u64::from(answer));
            Ok(())
        }
    )*};
}
ordering! {
    any_lt Ordering::is_lt;
    any_le Ordering::is_le;
    any_gt Ordering::is_gt;
    any_ge Ordering::is_ge;
}

/// How `compare` reads its operands, by the number in the extension.
pub(crate) const COMPARE_REPRS: [Repr; 4] = [Repr::Word, Repr::Int, Repr::Float, Repr::Bool];

/// The total order of floats that `compare` gives: NaN above all numbers, all NaN alike, and zeros equal.
fn order_floats(x: f64, y: f64) -> Ordering {
    x.partial_cmp(&y).unwrap_or_else(|| x.is_nan().cmp(&y.is_nan()))
}

/// `a` := -1, 0 or 1 as `b` is less than, equal to or greater than `c`.
pub(crate) fn compare(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (x, y) = (cx.b(), cx.c());
    let order = match COMPARE_REPRS[cx.extra as usize & 3] {
        Repr::Int => (x as i64).cmp(&(y as i64)),
        Repr::Bool => x.cmp(&y),
        Repr::Float => order_floats(f64::from_bits(x), f64::from_bits(y)),
        Repr::Word => match (cx.number(x), cx.number(y)) {
            (Some(Number::Float(x)), Some(Number::Float(y))) => order_floats(x, y),
            (None | Some(_), None | Some(_)) => cx.order(x, y)?.unwrap_or(Ordering::Equal),
        },
    };
    cx.set_a(order as i64 as u64);
    Ok(())
}
