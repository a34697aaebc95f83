//! Values outside of any block, on their way: a fragment holds everything that a value reaches, with offsets of its own,
//! sharing and cycles kept. It is taken in by adding one number to its references.
//!
//! **Invariant:** a fragment counts for what its objects name outside, until it is taken in or discarded.

use super::PIECE_BYTES;
use super::block::Block;
use super::shared::Shared;
use super::word::{Header, Kind, is_reference};
use std::rc::Rc;

/// From this size on words are kept as they are, and never copied for another fragment with the same.
pub(super) const HELD_WORDS_MIN: usize = 8 << 10;
/// Words that land at one time.
const PIECE_WORDS: usize = PIECE_BYTES / 8;

/// A fragment.
#[derive(Debug, Default)]
pub(crate) struct Fragment {
    /// Whole objects; the first begins at offset 8, so that no reference is null.
    words: Words,
    /// Offsets of the objects that name something outside.
    shared: Vec<u32>,
}

/// The words of a fragment: its own, or many that several have together.
#[derive(Debug)]
enum Words {
    Own(Vec<u64>),
    Held(Rc<Vec<u64>>),
}

impl Default for Words {
    fn default() -> Self {
        Words::Own(Vec::new())
    }
}

impl Words {
    /// Gives the memory back, if nobody else has it.
    fn release(self, shared: &mut Shared) {
        match self {
            Words::Own(words) => shared.released.add_words(words),
            Words::Held(words) => {
                if let Ok(words) = Rc::try_unwrap(words) {
                    shared.released.add_words(words);
                }
            }
        }
    }
}

impl std::ops::Deref for Words {
    type Target = Vec<u64>;

    fn deref(&self) -> &Vec<u64> {
        match self {
            Words::Own(words) => words,
            Words::Held(words) => words,
        }
    }
}

impl std::ops::DerefMut for Words {
    fn deref_mut(&mut self) -> &mut Vec<u64> {
        match self {
            Words::Own(words) => words,
            Words::Held(words) => Rc::make_mut(words),
        }
    }
}

impl Fragment {
    /// The fragment of words that a copy has made, with the offsets of objects that name something outside.
    pub(super) fn of(words: Vec<u64>, outside: Vec<u32>, shared: &mut Shared) -> Fragment {
        let words = if words.len() < HELD_WORDS_MIN { Words::Own(words) } else { Words::Held(Rc::new(words)) };
        let fragment = Fragment { words, shared: outside };
        fragment.hold(shared);
        fragment
    }

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
        let words = match &self.words {
            Words::Own(words) => Words::Own(words.clone()),
            Words::Held(words) => Words::Held(Rc::clone(words)),
        };
        Fragment { words, shared: self.shared.clone() }
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
        for offset in &self.shared {
            shared.release(self.words[*offset as usize / 8 + 1] as u32);
        }
        self.words.release(shared);
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
pub(super) fn place(words: &[u64], block: Block, top: usize) -> u64 {
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

/// A large fragment on its way into a block, a piece at a time. Nothing there is in use before all is.
#[derive(Debug)]
pub(crate) struct Landing {
    fragment: Fragment,
    root: u64,
    /// Where the block gets it.
    top: usize,
    /// The object at hand and the next of its words, by their places in the fragment.
    object: usize,
    next: usize,
}

impl Landing {
    /// Begins to put the objects of a fragment into a block that has room for them at `top`.
    pub(crate) fn new(root: u64, fragment: Fragment, top: usize) -> Landing {
        Landing { fragment, root, top, object: 1, next: 1 }
    }

    /// Goes on by a piece; whether that was the last.
    pub(crate) fn step(&mut self, block: Block) -> bool {
        let delta = (self.top as u64).wrapping_sub(8);
        let words = &self.fragment.words[..];
        let stop = words.len().min(self.next + PIECE_WORDS);
        while self.next < stop {
            let header = Header(words[self.object]);
            let scanned = self.object + 1 + header.scan();
            let end = self.object + 1 + header.words();
            for (at, word) in words.iter().enumerate().take(end.min(stop)).skip(self.next) {
                let is_scanned = self.object < at && at < scanned;
                block.store(self.top + (at - 1) * 8, if is_scanned { relocate(*word, delta) } else { *word });
            }
            self.next = end.min(stop);
            if self.next == end {
                self.object = end;
            }
        }
        stop == words.len()
    }

    /// Bytes of the fragment.
    pub(crate) fn bytes(&self) -> usize {
        self.fragment.bytes()
    }

    /// Once all has landed: the word for the root, and the objects that name something outside, for which the block counts
    /// from now on.
    pub(crate) fn finish(self, shared: &mut Shared) -> (u64, Vec<u32>) {
        let delta = (self.top as u64).wrapping_sub(8);
        let refs = self.fragment.shared.iter().map(|offset| offset + delta as u32).collect();
        self.fragment.words.release(shared);
        (relocate(self.root, delta), refs)
    }

    /// Gives it up half done.
    pub(crate) fn discard(self, shared: &mut Shared) {
        self.fragment.discard(shared);
    }
}
