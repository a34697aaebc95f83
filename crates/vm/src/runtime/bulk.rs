//! Long work in pieces: what an operation has done so far is kept in the fiber's side record, so that it can stop in
//! between and be run again from where it was.
//!
//! A piece is 1 MiB, and less of what takes long. Each is charged when it is done, and then the fiber stops at the same
//! instruction, so that no piece holds up others for more than some milliseconds.
//!
//! **Invariant:** between two pieces of an operation its fiber allocates nothing, so nothing of it is collected or moved.

use super::Cx;
use crate::fiber::NONE;
use crate::heap::word::{Header, NULL};
use crate::interp::Stop;
use std::ops::Range;

/// Bytes that are worked on before the fuel is looked at.
pub(super) const PIECE_BYTES: usize = 1 << 20;
/// What a value counts that a walk looks at, in bytes.
const VALUE_BYTES: usize = 16;
/// Bytes of a piece of work that takes long.
pub(super) const SLOW_PIECE_BYTES: usize = PIECE_BYTES / 4;
/// Bytes that a walk counts before it is charged and stops.
const WALK_BYTES: usize = SLOW_PIECE_BYTES;
const WALK_VALUES: usize = WALK_BYTES / VALUE_BYTES;

/// What a long operation has done so far.
#[derive(Debug, Default)]
pub(crate) struct Bulk {
    /// Bytes that are done.
    pub(super) done: usize,
    /// The object that it makes, once there is one.
    pub(super) object: u64,
    /// What it makes outside of the block.
    pub(super) buffer: Vec<u8>,
    /// A number or word of its own: how far it is in what it makes, or what it needs at its end.
    pub(super) mark: u64,
    /// What else it needs to go on.
    pub(super) state: State,
    /// Whether it was put off before, so that work that is done must not be done and charged again.
    pub(super) was_put_off: bool,
}

/// What an operation keeps besides. It is small while there is none, as operations pass it along.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    None,
    /// Where it is in the values that it compares.
    Walk(Box<Walk>),
    /// Where it is in looking up a key.
    Search(Box<Search>),
    /// Where it is in looking for a needle.
    Finder(Box<super::find::Finder>),
    /// The number that it has read.
    Decimal(Box<super::parse::Decimal>),
}

impl Bulk {
    /// Goes on from the mark to make sure that bytes are UTF-8, up to an end of a piece, where a character may be cut.
    pub(super) fn is_text_until(&mut self, end: usize, length: usize, bytes: &[u8]) -> bool {
        match std::str::from_utf8(&bytes[self.mark as usize..end]) {
            Ok(_) => self.mark = end as u64,
            Err(error) => {
                self.mark += error.valid_up_to() as u64;
                return error.error_len().is_none() && end < length;
            }
        }
        true
    }
}

/// A walk through a value, or through two side by side: a stack of what is still to be looked at, and a place in it.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Words still to be looked at, the next one last; of two values in pairs.
    pub(super) pending: Vec<u64>,
    /// Values that were looked at.
    pub(super) values: usize,
    /// Bytes that are done of the text or byte string at work.
    pub(super) done: usize,
}

/// The search for a key in a map: positions only, so that it outlasts a collection once it is over.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Where it is in the key's values, and in those of the key that it is compared with.
    pub(super) walk: Walk,
    /// The state of the key's hash while it is made.
    pub(super) state: u64,
    /// The hash, once it is made; it is never 0.
    pub(super) hash: u32,
    /// The place in the table that is looked at.
    pub(super) place: usize,
    /// The key's entry, if it was found.
    pub(super) entry: Option<usize>,
    pub(super) is_over: bool,
}

impl Search {
    /// Begins to look for entries with a hash, of which the upper half is used.
    #[inline]
    pub(super) fn start(&mut self, hash: u64) {
        self.hash = (hash >> 32) as u32 | 1;
        self.place = self.hash as usize;
    }
}

impl Cx<'_> {
    /// Takes up the operation where it was, or starts it.
    #[inline]
    pub(super) fn resume(&mut self) -> Bulk {
        self.taken_up().map_or_else(Bulk::default, |bulk| *bulk)
    }

    /// Whether the operation was put off before.
    pub(super) fn is_resumed(&self) -> bool {
        self.core.fibers.side_of(self.core.current).is_some_and(|side| side.bulk.is_some())
    }

    /// What the operation did before it was put off, if it was.
    #[inline]
    pub(super) fn taken_up(&mut self) -> Option<Box<Bulk>> {
        let slot = self.core.current;
        if self.core.fibers.get(slot).side == NONE {
            return None;
        }
        self.core.fibers.side(slot).and_then(|side| side.bulk.take())
    }

    /// Puts the operation off.
    pub(super) fn put_off<T>(&mut self, mut bulk: Bulk, stop: Stop) -> Result<T, Stop> {
        self.keeps_charge = true;
        bulk.was_put_off = true;
        let slot = self.core.current;
        self.core.fibers.side_or_new(slot).bulk = Some(Box::new(bulk));
        Err(stop)
    }

    /// The fuel at which a walk that starts or goes on now has done a piece and has to stop.
    pub(super) fn walk_limit(&self) -> i64 {
        self.core.saved.fuel - (WALK_BYTES / super::BULK_BYTES) as i64
    }

    /// Counts a value of a walk, and charges for many at a time.
    #[inline]
    pub(super) fn count_value(&mut self, walk: &mut Walk) {
        walk.values += 1;
        if walk.values.is_multiple_of(WALK_VALUES) {
            self.charge(WALK_BYTES);
        }
    }

    /// Charges for the values of a walk that ends, as far as they are not charged yet.
    pub(super) fn end_walk(&mut self, walk: &Walk) {
        self.charge(walk.values % WALK_VALUES * VALUE_BYTES);
    }

    /// The result of an allocation behind long work: where it finds no room, the work is kept if it was put off before, and
    /// else done again.
    pub(super) fn or_keep<T>(&mut self, made: Result<T, Stop>, bulk: Option<Box<Bulk>>) -> Result<T, Stop> {
        match (made, bulk) {
            (Err(Stop::NeedSpace), Some(bulk)) if bulk.was_put_off => self.put_off(*bulk, Stop::NeedSpace),
            (made, _) => made,
        }
    }

    /// Does the rest of `total` bytes of work. `step` gets a range of them, in order.
    ///
    /// # Errors
    /// The stop after which the operation goes on.
    pub(super) fn in_pieces(
        &mut self,
        bulk: Bulk,
        total: usize,
        step: impl FnOnce(&mut Self, &mut Bulk, Range<usize>),
    ) -> Result<Bulk, Stop> {
        self.in_pieces_while(bulk, total, |cx, bulk, piece| {
            step(cx, bulk, piece);
            true
        })
    }

    /// As [`Cx::in_pieces`], but no further than `step` says. What is left then is not charged.
    ///
    /// # Errors
    /// The stop after which the operation goes on.
    pub(super) fn in_pieces_while(
        &mut self,
        bulk: Bulk,
        total: usize,
        step: impl FnOnce(&mut Self, &mut Bulk, Range<usize>) -> bool,
    ) -> Result<Bulk, Stop> {
        self.in_pieces_of(PIECE_BYTES, bulk, total, step)
    }

    /// As [`Cx::in_pieces_while`], in pieces of another size.
    ///
    /// # Errors
    /// The stop after which the operation goes on.
    pub(super) fn in_pieces_of(
        &mut self,
        piece_bytes: usize,
        mut bulk: Bulk,
        total: usize,
        step: impl FnOnce(&mut Self, &mut Bulk, Range<usize>) -> bool,
    ) -> Result<Bulk, Stop> {
        if bulk.done < total {
            let piece = bulk.done..total.min(bulk.done + piece_bytes);
            self.charge(piece.len());
            bulk.done = piece.end;
            if step(self, &mut bulk, piece) && bulk.done < total {
                return self.put_off(bulk, Stop::Preempted);
            }
        }
        Ok(bulk)
    }

    /// The object that the operation makes; `make` makes it the first time.
    pub(super) fn bulk_object(
        &mut self,
        bulk: &mut Bulk,
        make: impl FnOnce(&mut Self) -> Result<u64, Stop>,
    ) -> Result<u64, Stop> {
        if bulk.object == NULL {
            bulk.object = make(self)?;
        }
        Ok(bulk.object)
    }

    /// Copies bytes inside the block, which may overlap.
    pub(super) fn copy_in_pieces(&mut self, bulk: Bulk, from: usize, to: usize, bytes: usize) -> Result<(), Stop> {
        let backwards = to > from;
        self.in_pieces(bulk, bytes, |cx, _, piece| {
            // Where the ranges overlap, what is read later must not be written before.
            let start = if backwards { bytes - piece.end } else { piece.start };
            cx.block().copy_within(from + start, to + start, piece.len());
        })?;
        Ok(())
    }

    /// A larger storage with the first `used` bytes of an old one; the rest is zero.
    pub(super) fn grown_storage(&mut self, header: Header, old: u64, used: usize) -> Result<u64, Stop> {
        let mut bulk = self.resume();
        let storage = self.bulk_object(&mut bulk, |cx| {
            cx.reserve(header.bytes())?;
            Ok(cx.add_object(header))
        })?;
        let (from, to) = (old as usize + 8, storage as usize + 8);
        self.in_pieces(bulk, header.bytes() - 8, |cx, _, piece| {
            let copied = piece.start..piece.end.min(used).max(piece.start);
            cx.block().copy_within(from + copied.start, to + copied.start, copied.len());
            cx.block().fill_zero(to + copied.end, piece.end - copied.end);
        })?;
        Ok(storage)
    }
}
