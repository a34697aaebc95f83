//! Equality and order of words.
//!
//! Equality of tuples, records, variants and options is by content, without recursion on the host's stack; what takes
//! long is done in pieces.

use super::Cx;
use super::any::Number;
use super::bulk::{Bulk, PIECE_BYTES, State, Walk};
use crate::exit::ErrorKind;
use crate::heap::word::{self, Kind, TAG_MASK};
use crate::interp::Stop;
use crate::types::Shape;
use fardel_bytecode::types::Repr;
use std::cmp::Ordering;

/// Pairs of values that one comparison looks at: a shared structure can mean exponentially many.
const PAIRS_MAX: usize = 1 << 22;

impl Cx<'_> {
    /// Whether two words are equal, found out in pieces where that takes long.
    fn equal_words(&mut self, x: u64, y: u64) -> Result<bool, Stop> {
        let (mut walk, first) = match self.taken_up().map(|bulk| bulk.state) {
            Some(State::Walk(walk)) => (*walk, None),
            Some(_) | None => (Walk::default(), Some((x, y))),
        };
        match self.equal_on(&mut walk, first)? {
            Some(answer) => Ok(answer),
            None => self.put_off(Bulk { state: State::Walk(Box::new(walk)), ..Bulk::default() }, Stop::Preempted),
        }
    }

    /// Goes on with a comparison, which begins with a pair of words; says nothing when it has to stop before it knows.
    pub(super) fn equal_on(&mut self, walk: &mut Walk, first: Option<(u64, u64)>) -> Result<Option<bool>, Stop> {
        if let Some((x, y)) = first {
            // Most pairs are decided at once, which costs less than any value is charged.
            match self.equal_step(x, y, walk) {
                Some(answer) if !answer || walk.pending.is_empty() => return Ok(Some(answer)),
                Some(_) => self.count_value(walk),
                None => {
                    walk.pending.extend([x, y]);
                    return Ok(None);
                }
            }
        }
        self.equal_rest(walk)
    }

    fn equal_rest(&mut self, walk: &mut Walk) -> Result<Option<bool>, Stop> {
        let limit = self.walk_limit();
        let mut is_equal = true;
        while is_equal
            && walk.values <= PAIRS_MAX
            && let Some((x, y)) = next_pair(walk)
        {
            let answer = if self.core.saved.fuel > limit { self.equal_step(x, y, walk) } else { None };
            let Some(answer) = answer else {
                walk.pending.extend([x, y]);
                return Ok(None);
            };
            self.count_value(walk);
            is_equal = answer;
        }
        self.end_walk(walk);
        if walk.values > PAIRS_MAX {
            return self.trap_with(ErrorKind::SystemLimit, format!("a comparison of more than {PAIRS_MAX} values"));
        }
        Ok(Some(is_equal))
    }

    /// Whether two words are equal as far as they go; what they are made of is put off.
    fn equal_step(&mut self, x: u64, y: u64, walk: &mut Walk) -> Option<bool> {
        // The same float is not equal to itself when it is NaN, nor is what contains it.
        if let (Some(Number::Float(x)), Some(Number::Float(y))) = (self.number(x), self.number(y)) {
            return Some(x == y);
        }
        if x == y && self.kind(x).is_none_or(|kind| kind != Kind::Fields) {
            return Some(true);
        }
        if let (Some(Number::Int(x)), Some(Number::Int(y))) = (self.number(x), self.number(y)) {
            return Some(x == y);
        }
        if let (Some(mine), Some(theirs)) = (self.flavour(x), self.flavour(y)) {
            let (first, second) = (self.bytes(x), self.bytes(y));
            let length = first.len();
            if mine != theirs || length != second.len() {
                return Some(false);
            }
            if length <= PIECE_BYTES {
                let is_equal = first == second;
                self.charge(length);
                return Some(is_equal);
            }
            return self.order_bytes(x, y, &mut walk.done).map(Ordering::is_eq);
        }
        let (Some(kind), Some(other)) = (self.kind(x), self.kind(y)) else { return Some(false) };
        if kind != other {
            return Some(false);
        }
        Some(match kind {
            Kind::Fields => self.equal_fields(x, y, &mut walk.pending),
            Kind::Some => {
                walk.pending.extend([self.field(x, 0), self.field(y, 0)]);
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
        })
    }

    fn equal_fields(&self, x: u64, y: u64, pending: &mut Vec<u64>) -> bool {
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
                        pending.extend([mine, theirs]);
                    }
                    true
                }
            }
        })
    }

    /// The order of two texts or byte strings, which are alike as far as it is `done`; none when it has to stop before it
    /// knows. All that they could have in common is charged, wherever they differ.
    fn order_bytes(&mut self, x: u64, y: u64, done: &mut usize) -> Option<Ordering> {
        let (mine, theirs) = (self.bytes(x).len(), self.bytes(y).len());
        let common = mine.min(theirs);
        loop {
            let piece = *done..common.min(*done + PIECE_BYTES);
            let order = self.bytes(x)[piece.clone()].cmp(&self.bytes(y)[piece.clone()]);
            if order.is_ne() || piece.end == common {
                self.charge(common - piece.start);
                *done = 0;
                return Some(order.then(mine.cmp(&theirs)));
            }
            self.charge(piece.len());
            *done = piece.end;
            if self.core.saved.fuel <= 0 {
                return None;
            }
        }
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
            let (first, second) = (self.bytes(x), self.bytes(y));
            let common = first.len().min(second.len());
            if common <= PIECE_BYTES {
                let order = first.cmp(second);
                self.charge(common);
                return Ok(Some(order));
            }
            let mut done = if self.is_resumed() { self.resume().done } else { 0 };
            return match self.order_bytes(x, y, &mut done) {
                None => self.put_off(Bulk { done, ..Bulk::default() }, Stop::Preempted),
                order => Ok(order),
            };
        }
        if x & TAG_MASK == word::TAG_BOOL && y & TAG_MASK == word::TAG_BOOL {
            return Ok(Some(x.cmp(&y)));
        }
        let message = format!("{} and {} have no order", self.type_name(x), self.type_name(y));
        self.trap_with(ErrorKind::BadOperand, message)
    }
}

fn next_pair(walk: &mut Walk) -> Option<(u64, u64)> {
    let (y, x) = (walk.pending.pop()?, walk.pending.pop()?);
    Some((x, y))
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
