//! A table that grows without moving what it holds: a piece at a time, so that no growth takes long, however large it is.
//!
//! **Invariant:** an index that was given out stays good.

/// Entries of a piece.
const PIECE: usize = 1024;

/// The table. Who frees an entry keeps its index for the next one.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    /// Of a fixed size, so that a look into one needs no second check.
    pieces: Vec<Box<[T; PIECE]>>,
    used: u32,
}

impl<T: Default> Slab<T> {
    pub(crate) fn new() -> Slab<T> {
        Slab { pieces: Vec::new(), used: 0 }
    }

    /// The index of a new entry.
    #[inline]
    pub(crate) fn add(&mut self, entry: T) -> u32 {
        let index = self.used;
        if index as usize == self.pieces.len() * PIECE {
            self.grow();
        }
        self.used += 1;
        *self.get_mut(index) = entry;
        index
    }

    #[cold]
    fn grow(&mut self) {
        // Made on the heap: a piece is too large for the host's stack.
        let piece: Box<[T]> = std::iter::repeat_with(T::default).take(PIECE).collect();
        self.pieces.extend(piece.try_into());
    }
}

impl<T> Slab<T> {
    #[inline]
    pub(crate) fn get(&self, index: u32) -> &T {
        &self.pieces[index as usize / PIECE][index as usize % PIECE]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        &mut self.pieces[index as usize / PIECE][index as usize % PIECE]
    }

    /// Bytes of all entries, in use or not.
    pub(crate) fn bytes(&self) -> u64 {
        (self.pieces.len() * PIECE * size_of::<T>()) as u64
    }

    /// An entry, unless the index is over all.
    #[inline]
    pub(crate) fn find(&self, index: u32) -> Option<&T> {
        self.pieces.get(index as usize / PIECE).map(|piece| &piece[index as usize % PIECE])
    }

    /// As [`Slab::find`], to be changed.
    #[inline]
    pub(crate) fn find_mut(&mut self, index: u32) -> Option<&mut T> {
        self.pieces.get_mut(index as usize / PIECE).map(|piece| &mut piece[index as usize % PIECE])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_places_over_pieces() {
        let mut slab = Slab::new();
        for number in 0..3_000u32 {
            assert_eq!(slab.add(number), number);
        }
        *slab.get_mut(1_500) = 7;
        let all: Vec<u32> = (0..3_000).map(|index| *slab.get(index)).collect();
        assert!(all.iter().enumerate().all(|(at, number)| *number == if at == 1_500 { 7 } else { at as u32 }));
        assert_eq!(slab.find(u32::MAX), None);
        assert_eq!(slab.find_mut(2_999), Some(&mut 2_999));
    }
}
