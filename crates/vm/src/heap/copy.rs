//! Copies of values between fibers: a fragment holds everything that a value reaches, with offsets of its own, sharing
//! and cycles kept. It is made by the same algorithm as a collection, and taken in by adding one number to its references.
//!
//! **Invariant:** making a fragment leaves the sender's block as it was.

use super::block::{Block, OutOfMemory};
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

impl From<OutOfMemory> for CopyError {
    fn from(_: OutOfMemory) -> Self {
        CopyError::OutOfMemory
    }
}

impl Fragment {
    /// Copies what `roots` reach out of a block, and replaces them by words of the fragment.
    pub(crate) fn make(
        block: Block,
        roots: &mut [u64],
        shared: &mut Shared,
        bytes_max: usize,
    ) -> Result<Fragment, CopyError> {
        let mut copier =
            Copier { block, fragment: Fragment { words: vec![0], shared: Vec::new() }, moved: Vec::new(), bytes_max };
        let result = copier.copy(roots);
        for (offset, header) in copier.moved.iter().rev() {
            block.store(*offset as usize, *header);
        }
        let fragment = copier.fragment;
        result?;
        for offset in &fragment.shared {
            shared.hold(fragment.words[*offset as usize / 8 + 1] as u32);
        }
        Ok(fragment)
    }

    /// Bytes that its objects need in a block.
    pub(crate) fn bytes(&self) -> usize {
        self.words.len().saturating_sub(1) * 8
    }

    /// Whether an object of it names something outside.
    pub(crate) fn has_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Puts the objects into a block at `top`, and gives the distance by which [`relocate`] makes words of that block out
    /// of words of the fragment. The counts of outside objects go over to the block's list.
    ///
    /// # Panics
    /// When the block has no room for [`Fragment::bytes`] at `top`.
    pub(crate) fn adopt(self, block: Block, top: usize, shared_refs: Option<&mut Vec<u32>>) -> u64 {
        debug_assert!(shared_refs.is_some() || self.shared.is_empty());
        let delta = top as u64 - 8;
        let words = self.words.get(1..).unwrap_or_default();
        assert!(top & 7 == 0 && top + words.len() * 8 <= block.bytes());
        // SAFETY: the target range is in the block as just checked, and a fragment lies outside of every block. Each
        // object's header is followed by as many words as it says, since the fragment holds whole objects.
        unsafe {
            let base = block.base().add(top).cast::<u64>();
            std::ptr::copy_nonoverlapping(words.as_ptr(), base, words.len());
            let mut at = 0;
            while at < words.len() {
                let header = Header(words[at]);
                for (index, word) in words[at + 1..=at + header.scan()].iter().enumerate() {
                    if is_reference(*word) {
                        base.add(at + 1 + index).write(word + delta);
                    }
                }
                at += header.words() + 1;
            }
        }
        if let Some(shared_refs) = shared_refs {
            shared_refs.extend(self.shared.iter().map(|offset| offset + delta as u32));
        }
        delta
    }

    /// Gives up the fragment without taking it in.
    pub(crate) fn discard(self, shared: &mut Shared) {
        for offset in self.shared {
            shared.release(self.words[offset as usize / 8 + 1] as u32);
        }
    }

    /// Writes a fragment by hand: adds an object, and gives the word for it.
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
}

/// The word in a block for a word of a fragment that was put there.
#[inline]
pub(crate) fn relocate(word: u64, delta: u64) -> u64 {
    if is_reference(word) { word + delta } else { word }
}

struct Copier {
    block: Block,
    fragment: Fragment,
    /// Objects whose header was replaced, with the header.
    moved: Vec<(u32, u64)>,
    bytes_max: usize,
}

impl Copier {
    fn copy(&mut self, roots: &mut [u64]) -> Result<(), CopyError> {
        for root in roots {
            if is_reference(*root) {
                *root = self.forward(*root)?;
            }
        }
        let mut at = 1;
        while at < self.fragment.words.len() {
            let header = Header(self.fragment.words[at]);
            for word in at + 1..=at + header.scan() {
                let value = self.fragment.words[word];
                if is_reference(value) {
                    self.fragment.words[word] = self.forward(value)?;
                }
            }
            at += header.words() + 1;
        }
        Ok(())
    }

    fn forward(&mut self, reference: u64) -> Result<u64, CopyError> {
        let first = self.block.load(reference as usize);
        if let Some(to) = Header::forwarded(first) {
            return Ok(to);
        }
        let header = Header(first);
        let to = self.fragment.words.len() * 8;
        if to + header.bytes() > self.bytes_max {
            return Err(CopyError::TooLarge);
        }
        self.fragment.words.try_reserve(header.words() + 1).map_err(|_| CopyError::OutOfMemory)?;
        let bytes = self.block.slice(reference as usize, header.bytes());
        self.fragment
            .words
            .extend(bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default())));
        if header.is(Kind::SharedText) || header.is(Kind::SharedBytes) {
            self.fragment.shared.push(to as u32);
        }
        self.moved.push((reference as u32, first));
        self.block.store(reference as usize, Header::forward(to as u64));
        Ok(to as u64)
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
        let fragment = Fragment::make(sender, &mut roots, &mut shared, NO_LIMIT).unwrap();
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
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let sender = pool.take(512).unwrap();
        sender.fill_zero(0, 512);
        let mut last = NULL;
        for at in 0..10 {
            last = pair(sender, header::HEAP + at * 32, last, last);
        }
        let before = words(sender);
        let error = Fragment::make(sender, &mut [last], &mut shared, 200).unwrap_err();
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
        let make = |shared: &mut Shared| Fragment::make(sender, &mut [header::HEAP as u64], shared, NO_LIMIT).unwrap();
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
}
