//! Copies of values between fibers: a fragment holds everything that a value reaches, with offsets of its own, sharing
//! and cycles kept. It is made by the same algorithm as a collection, and taken in by adding one number to its references.
//!
//! A copy is made in the [`Scratch`] of the machine, which is used again and again. From there it goes straight into the
//! block of a receiver that waits, or is kept as a [`Fragment`].
//!
//! **Invariant:** making a copy leaves the sender's block as it was.

use super::block::Block;
use super::shared::Shared;
use super::word::{Header, Kind, is_reference};

/// Values outside of any block, on their way.
#[derive(Debug, Default)]
pub(crate) struct Fragment {
    /// Whole objects; the first begins at offset 8, so that no reference is null.
    words: Vec<u64>,
    /// Offsets of the objects that name something outside.
    shared: Vec<u32>,
}

/// What cannot be copied, or for want of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CopyError {
    OutOfMemory,
    /// Larger than the given limit.
    TooLarge,
}

impl Fragment {
    /// Bytes that its objects need in a block.
    pub(crate) fn bytes(&self) -> usize {
        self.words.len().saturating_sub(1) * 8
    }

    /// Whether an object of it names something outside.
    pub(crate) fn has_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Its words, those of its objects from the second on.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Puts the objects into a block at `top`, and gives the distance by which [`relocate`] makes words of that block out
    /// of words of the fragment. The counts of outside objects go over to the block's list.
    ///
    /// # Panics
    /// When the block has no room for [`Fragment::bytes`] at `top`.
    pub(crate) fn adopt(self, block: Block, top: usize, shared_refs: Option<&mut Vec<u32>>) -> u64 {
        debug_assert!(shared_refs.is_some() || self.shared.is_empty());
        let delta = place(&self.words, block, top);
        if let Some(shared_refs) = shared_refs {
            shared_refs.extend(self.shared.iter().map(|offset| offset + delta as u32));
        }
        delta
    }

    /// As [`Fragment::adopt`], and the fragment stays.
    pub(crate) fn adopt_copy(
        &self,
        block: Block,
        top: usize,
        shared_refs: Option<&mut Vec<u32>>,
        shared: &mut Shared,
    ) -> u64 {
        self.hold(shared);
        let delta = place(&self.words, block, top);
        if let Some(shared_refs) = shared_refs {
            shared_refs.extend(self.shared.iter().map(|offset| offset + delta as u32));
        }
        delta
    }

    /// Another one with the same objects.
    pub(crate) fn copy(&self, shared: &mut Shared) -> Fragment {
        self.hold(shared);
        Fragment { words: self.words.clone(), shared: self.shared.clone() }
    }

    fn hold(&self, shared: &mut Shared) {
        for offset in &self.shared {
            shared.hold(self.words[*offset as usize / 8 + 1] as u32);
        }
    }

    /// Adds the objects of another one, and gives the distance by which [`relocate`] makes words of this one.
    pub(crate) fn append(&mut self, other: &Fragment, shared: &mut Shared) -> u64 {
        if self.words.is_empty() {
            self.words.push(0);
        }
        other.hold(shared);
        let start = self.words.len();
        let delta = (start as u64 - 1) * 8;
        self.words.extend_from_slice(other.words.get(1..).unwrap_or_default());
        let mut at = start;
        while at < self.words.len() {
            let header = Header(self.words[at]);
            for word in &mut self.words[at + 1..=at + header.scan()] {
                *word = relocate(*word, delta);
            }
            at += header.words() + 1;
        }
        self.shared.extend(other.shared.iter().map(|offset| offset + delta as u32));
        delta
    }

    /// Gives up the fragment without taking it in.
    pub(crate) fn discard(self, shared: &mut Shared) {
        for offset in self.shared {
            shared.release(self.words[offset as usize / 8 + 1] as u32);
        }
    }

    /// Writes a fragment by hand: adds an object, and gives the word for it. An object that names something outside counts
    /// for it already.
    pub(crate) fn push(&mut self, header: Header, words: &[u64]) -> u64 {
        if self.words.is_empty() {
            self.words.push(0);
        }
        debug_assert_eq!(header.words(), words.len());
        let offset = self.words.len() as u64 * 8;
        self.words.push(header.0);
        self.words.extend_from_slice(words);
        if header.is(Kind::SharedText) || header.is(Kind::SharedBytes) {
            self.shared.push(offset as u32);
        }
        offset
    }

    /// Changes a word of an object that was pushed, counted behind its header.
    pub(crate) fn set(&mut self, object: u64, index: usize, word: u64) {
        self.words[object as usize / 8 + 1 + index] = word;
    }
}

/// Copies the objects of a fragment into a block, and gives the distance for [`relocate`].
fn place(words: &[u64], block: Block, top: usize) -> u64 {
    let delta = (top as u64).wrapping_sub(8);
    let words = words.get(1..).unwrap_or_default();
    assert!(top & 7 == 0 && top + words.len() * 8 <= block.bytes());
    // SAFETY: the target range is in the block as just checked, and a fragment lies outside of every block. Each
    // object's header is followed by as many words as it says, since the fragment holds whole objects.
    unsafe {
        let base = block.base().add(top).cast::<u64>();
        std::ptr::copy_nonoverlapping(words.as_ptr(), base, words.len());
        let mut at = 0;
        while at < words.len() {
            let header = Header(*words.get_unchecked(at));
            for index in at + 1..=at + header.scan() {
                let word = *words.get_unchecked(index);
                if is_reference(word) {
                    base.add(index).write(word + delta);
                }
            }
            at += header.words() + 1;
        }
    }
    delta
}

/// The word in a block for a word of a fragment that was put there.
#[inline]
pub(crate) fn relocate(word: u64, delta: u64) -> u64 {
    if is_reference(word) { word.wrapping_add(delta) } else { word }
}

/// Where copies are made. What it holds is good until the next copy.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// As in a [`Fragment`].
    words: Vec<u64>,
    shared: Vec<u32>,
    /// Objects of the sender whose header was replaced, in the order in which they were copied.
    moved: Vec<u32>,
}

/// Words of scratch that are kept for the next copy; more are given back.
const SCRATCH_WORDS_KEPT: usize = 1 << 17;

/// What is copied of a short object at one time.
type Piece = [u64; 6];
const PIECE_BYTES: usize = size_of::<Piece>();

/// A copy under way: where the next object goes, and how far there is room.
struct Target {
    /// Where offset 0 would be.
    base: *mut u8,
    /// The offset of the next object.
    next: usize,
    /// The offset that objects must not reach over.
    end: usize,
}

impl Scratch {
    /// Copies what `roots` reach out of a block, and replaces them by words of the copy.
    pub(crate) fn copy(&mut self, block: Block, roots: &mut [u64], bytes_max: usize) -> Result<(), CopyError> {
        if self.words.capacity() > SCRATCH_WORDS_KEPT {
            self.words = Vec::new();
            self.moved = Vec::new();
        }
        self.words.clear();
        self.words.push(0);
        let capacity = self.words.capacity() * 8;
        let target = Target { base: self.words.as_mut_ptr().cast(), next: 8, end: capacity.min(bytes_max) };
        self.run(block, roots, target, bytes_max).map(|_| ())
    }

    /// Copies what a word reaches out of one block straight into another one at `top`, below `end`; gives the word there
    /// and the new top. Nothing when there is no room, or something outside is named.
    pub(crate) fn copy_across(&mut self, from: Block, word: u64, to: Block, top: usize, end: usize) -> Option<(u64, usize)> {
        debug_assert!(top & 7 == 0 && top <= end && end <= to.bytes());
        let mut roots = [word];
        let target = Target { base: to.base(), next: top, end };
        let top = self.run(from, &mut roots, target, 0).ok()?;
        if self.shared.is_empty() { Some((roots[0], top)) } else { None }
    }

    /// Copies; `grow_max` is up to where the scratch may grow for it, 0 for a target that may not.
    fn run(&mut self, block: Block, roots: &mut [u64], mut target: Target, grow_max: usize) -> Result<usize, CopyError> {
        self.shared.clear();
        self.moved.clear();
        let start = target.next;
        let mut result = Ok(());
        for root in roots {
            if is_reference(*root) {
                match self.forward(block, *root, &mut target, grow_max) {
                    Ok(word) => *root = word,
                    Err(error) => result = Err(error),
                }
            }
        }
        if result.is_ok() {
            result = self.scan(block, start, &mut target, grow_max);
        }
        self.restore(block, &target);
        result?;
        if grow_max > 0 {
            // SAFETY: every word below `next` has been written.
            unsafe { self.words.set_len(target.next / 8) }
        }
        Ok(target.next)
    }

    /// Copies what the objects from `at` on reach.
    #[inline]
    fn scan(&mut self, block: Block, mut at: usize, target: &mut Target, grow_max: usize) -> Result<(), CopyError> {
        while at < target.next {
            // SAFETY: between `at` and `next` lie whole objects that were copied there.
            let header = unsafe { Header(target.base.add(at).cast::<u64>().read()) };
            let end = at + 8 + header.scan() * 8;
            let mut place = at + 8;
            while place < end {
                // SAFETY: as above; the base may have changed with each object that was copied.
                let value = unsafe { target.base.add(place).cast::<u64>().read() };
                if is_reference(value) {
                    let word = self.forward(block, value, target, grow_max)?;
                    // SAFETY: as above.
                    unsafe { target.base.add(place).cast::<u64>().write(word) };
                }
                place += 8;
            }
            at += header.bytes();
        }
        Ok(())
    }

    #[inline(always)]
    fn forward(&mut self, block: Block, reference: u64, target: &mut Target, grow_max: usize) -> Result<u64, CopyError> {
        let from = reference as usize;
        // SAFETY: a reference in a verified fiber is the offset of an object in its block, whose header says how long it
        // is. There is room for the copy up to `end`, which is looked at first; the target is another block or the
        // scratch, so it does not overlap. What is read and written of a whole piece beyond a short object lies in the
        // block, which is initialised to its end, and below `end`, where nothing is yet.
        unsafe {
            let object = block.base().add(from);
            let first = object.cast::<u64>().read();
            if let Some(to) = Header::forwarded(first) {
                return Ok(to);
            }
            let header = Header(first);
            let bytes = header.bytes();
            let to =
                if target.next + PIECE_BYTES <= target.end && bytes <= PIECE_BYTES && from + PIECE_BYTES <= block.bytes() {
                    // Most objects are a few words: one piece of a fixed size costs less than a loop or a call.
                    let to = target.base.add(target.next);
                    to.cast::<Piece>().write_unaligned(object.cast::<Piece>().read_unaligned());
                    to
                } else {
                    if bytes > target.end - target.next {
                        self.grow(bytes, target, grow_max)?;
                    }
                    let to = target.base.add(target.next);
                    std::ptr::copy_nonoverlapping(object, to, bytes);
                    to
                };
            debug_assert_eq!(to.cast::<u64>().read(), first);
            let offset = target.next as u64;
            if header.is(Kind::SharedText) || header.is(Kind::SharedBytes) {
                self.shared.push(offset as u32);
            }
            self.moved.push(reference as u32);
            object.cast::<u64>().write(Header::forward(offset));
            target.next += bytes;
            Ok(offset)
        }
    }

    /// Makes room for an object of so many bytes in the scratch.
    #[cold]
    fn grow(&mut self, bytes: usize, target: &mut Target, grow_max: usize) -> Result<(), CopyError> {
        if target.next + bytes > grow_max {
            return Err(CopyError::TooLarge);
        }
        // SAFETY: every word below `next` has been written.
        unsafe { self.words.set_len(target.next / 8) }
        self.words.try_reserve(bytes / 8).map_err(|_| CopyError::OutOfMemory)?;
        target.base = self.words.as_mut_ptr().cast();
        target.end = (self.words.capacity() * 8).min(grow_max);
        Ok(())
    }

    /// Gives the sender's objects their headers back, which stand in the copies.
    fn restore(&self, block: Block, target: &Target) {
        for offset in &self.moved {
            // SAFETY: each is the offset of an object of the block that was copied here, where its first word says.
            unsafe {
                let object = block.base().add(*offset as usize).cast::<u64>();
                let to = object.read() & !1;
                debug_assert!((to as usize) < target.next);
                object.write(target.base.add(to as usize).cast::<u64>().read());
            }
        }
    }

    /// Bytes that the copy needs in a block.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.words.len().saturating_sub(1) * 8
    }

    /// Whether an object of the copy names something outside.
    #[inline]
    pub(crate) fn has_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Puts the copy into a block at `top`, as [`Fragment::adopt`] does. There is nothing outside that it names.
    #[inline]
    pub(crate) fn adopt(&self, block: Block, top: usize) -> u64 {
        debug_assert!(!self.has_shared());
        place(&self.words, block, top)
    }

    /// The copy as a fragment, which counts for what it names outside.
    pub(crate) fn keep(&self, shared: &mut Shared) -> Fragment {
        let fragment = Fragment { words: self.words.clone(), shared: self.shared.clone() };
        fragment.hold(shared);
        fragment
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::{Pool, header};
    use super::super::word::{NULL, TAG_INT};
    use super::*;

    const NO_LIMIT: usize = 1 << 20;

    fn pair(block: Block, at: usize, left: u64, right: u64) -> u64 {
        block.store(at, Header::new(Kind::Fields, 40, 3, 2).0);
        block.store(at + 8, left);
        block.store(at + 16, right);
        block.store(at + 24, 7);
        at as u64
    }

    fn copy_of(block: Block, roots: &mut [u64], shared: &mut Shared) -> Fragment {
        let mut scratch = Scratch::default();
        scratch.copy(block, roots, NO_LIMIT).unwrap();
        scratch.keep(shared)
    }

    fn words(block: Block) -> Vec<u64> {
        (header::HEAP..block.bytes()).step_by(8).map(|at| block.load(at)).collect()
    }

    #[test]
    fn sharing_and_circles_are_kept_and_the_senders_block_as_well() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(512).unwrap(), pool.take(512).unwrap());
        sender.fill_zero(0, 512);
        receiver.fill_zero(0, 512);
        let inner = pair(sender, header::HEAP, 3 << 3 | TAG_INT, NULL);
        let outer = pair(sender, header::HEAP + 32, inner, inner);
        sender.store(inner as usize + 16, outer);
        let before = words(sender);
        let mut roots = [outer, 9 << 3 | TAG_INT, inner];
        let fragment = copy_of(sender, &mut roots, &mut shared);
        assert_eq!(words(sender), before);
        assert_eq!(fragment.bytes(), 64);
        let delta = fragment.adopt(receiver, 128, None);
        let [outer, number, inner] = roots.map(|root| relocate(root, delta));
        assert_eq!(number, 9 << 3 | TAG_INT);
        assert_eq!((receiver.load(outer as usize + 8), receiver.load(outer as usize + 16)), (inner, inner));
        assert_eq!((receiver.load(inner as usize + 8), receiver.load(inner as usize + 16)), (3 << 3 | TAG_INT, outer));
        assert_eq!(receiver.load(inner as usize + 24), 7);
        pool.give(sender);
        pool.give(receiver);
    }

    #[test]
    fn what_is_too_large_leaves_everything_as_it_was() {
        let mut pool = Pool::new(1 << 20, None);
        let sender = pool.take(512).unwrap();
        sender.fill_zero(0, 512);
        let mut last = NULL;
        for at in 0..10 {
            last = pair(sender, header::HEAP + at * 32, last, last);
        }
        let before = words(sender);
        let error = Scratch::default().copy(sender, &mut [last], 200).unwrap_err();
        assert_eq!((error, words(sender)), (CopyError::TooLarge, before));
        pool.give(sender);
    }

    #[test]
    fn a_fragment_holds_what_lies_outside_until_it_is_taken_or_discarded() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(256).unwrap(), pool.take(256).unwrap());
        let number = shared.add(Box::from(*b"text"));
        sender.store(header::HEAP, Header::new(Kind::SharedText, 4, 3, 0).0);
        for (index, word) in [u64::from(number), 0, 4].into_iter().enumerate() {
            sender.store(header::HEAP + 8 + index * 8, word);
        }
        let make = |shared: &mut Shared| copy_of(sender, &mut [header::HEAP as u64], shared);
        let (taken, discarded) = (make(&mut shared), make(&mut shared));
        shared.release(number);
        discarded.discard(&mut shared);
        assert_eq!(shared.get(number), b"text");
        let mut refs = Vec::new();
        taken.adopt(receiver, 64, Some(&mut refs));
        assert_eq!((&refs[..], receiver.load(72)), (&[64][..], u64::from(number)));
        shared.release(number);
        assert_eq!(shared.bytes, 0);
        pool.give(sender);
        pool.give(receiver);
    }

    #[test]
    fn fragments_can_be_joined_and_used_twice() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(256).unwrap(), pool.take(512).unwrap());
        let inner = pair(sender, header::HEAP, 5 << 3 | TAG_INT, NULL);
        let outer = pair(sender, header::HEAP + 32, inner, inner);
        let mut roots = [outer];
        let part = copy_of(sender, &mut roots, &mut shared);
        let mut whole = Fragment::default();
        whole.push(Header::new(Kind::BoxInt, 2, 1, 0), &[9]);
        let delta = whole.append(&part, &mut shared);
        let root = whole.push(Header::new(Kind::Fields, 40, 1, 1), &[relocate(roots[0], delta)]);
        for top in [64, 256] {
            let delta = whole.adopt_copy(receiver, top, None, &mut shared);
            let pair = receiver.load(relocate(root, delta) as usize + 8) as usize;
            let leaf = receiver.load(pair + 8) as usize;
            assert_eq!((receiver.load(pair + 16) as usize, receiver.load(leaf + 8)), (leaf, 5 << 3 | TAG_INT));
        }
        pool.give(sender);
        pool.give(receiver);
    }

    #[test]
    fn a_copy_goes_straight_into_another_block_where_there_is_room() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(512).unwrap(), pool.take(512).unwrap());
        receiver.fill_zero(0, 512);
        let inner = pair(sender, header::HEAP, 5 << 3 | TAG_INT, NULL);
        let outer = pair(sender, header::HEAP + 32, inner, inner);
        sender.store(inner as usize + 16, outer);
        let before = words(sender);
        let mut scratch = Scratch::default();
        assert_eq!(scratch.copy_across(sender, outer, receiver, 64, 64 + 63), None, "one byte short");
        assert_eq!(words(sender), before);
        let (word, top) = scratch.copy_across(sender, outer, receiver, 64, 64 + 64).unwrap();
        assert_eq!((word, top, words(sender)), (64, 128, before));
        let inner = receiver.load(64 + 8) as usize;
        assert_eq!((inner, receiver.load(64 + 16), receiver.load(inner + 16)), (96, 96, 64));
        let number = shared.add(Box::from(*b"text"));
        sender.store(header::HEAP, Header::new(Kind::SharedText, 4, 3, 0).0);
        sender.store(header::HEAP + 8, u64::from(number));
        assert_eq!(scratch.copy_across(sender, header::HEAP as u64, receiver, 64, 256), None, "it names something outside");
        pool.give(sender);
        pool.give(receiver);
    }
}
