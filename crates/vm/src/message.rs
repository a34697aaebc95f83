//! A value on its way from one fiber to another.

use crate::heap::block::Block;
use crate::heap::copy::Scratch;
use crate::heap::fragment::{Fragment, relocate};
use crate::heap::shared::Shared;
use crate::heap::word::{Header, Kind, NULL, is_reference};

/// Words of an object that may lie in a node.
pub(crate) const INLINE_WORDS_MAX: usize = 3;

/// A value on its way.
#[derive(Debug)]
pub(crate) enum Message {
    /// A word that is no reference.
    Word(u64),
    /// An object without references: its header and its words.
    Inline(Header, [u64; INLINE_WORDS_MAX]),
    /// A root of the copy that the scratch holds.
    Scratch(u64),
    /// A root in a fragment.
    Fragment(u64, Fragment),
}

impl Message {
    /// The message of a word that is no reference, or of one to a small object without references.
    #[inline]
    pub(crate) fn small(block: Block, word: u64) -> Option<Message> {
        if !is_reference(word) {
            return Some(Message::Word(word));
        }
        let at = word as usize;
        let header = Header(block.load(at));
        if header.words() > INLINE_WORDS_MAX || is_outside(header) {
            return None;
        }
        let mut words = [0; INLINE_WORDS_MAX];
        for (index, slot) in words.iter_mut().enumerate().take(header.words()) {
            *slot = block.load(at + 8 + index * 8);
        }
        let is_flat = words.iter().take(header.scan()).all(|word| !is_reference(*word));
        is_flat.then_some(Message::Inline(header, words))
    }

    /// A message that was written by hand.
    pub(crate) fn of(root: u64, fragment: Fragment) -> Message {
        if fragment.bytes() == 0 { Message::Word(root) } else { Message::Fragment(root, fragment) }
    }

    /// Bytes that it takes in the receiver's block.
    #[inline]
    pub(crate) fn bytes(&self, scratch: &Scratch) -> usize {
        if let Message::Scratch(_) = self { scratch.bytes() } else { self.kept_bytes() }
    }

    /// As [`Message::bytes`], of one that is not in the scratch.
    #[inline]
    pub(crate) fn kept_bytes(&self) -> usize {
        match self {
            Message::Word(_) | Message::Scratch(_) => 0,
            Message::Inline(header, _) => header.bytes(),
            Message::Fragment(_, fragment) => fragment.bytes(),
        }
    }

    /// Puts it into a block that has room for it at `top`, and gives the word for it. It names nothing outside.
    #[inline(always)]
    pub(crate) fn adopt(self, block: Block, top: usize, scratch: &Scratch) -> u64 {
        match self {
            Message::Word(word) => word,
            Message::Inline(header, words) => {
                block.store(top, header.0);
                for (index, word) in words.iter().enumerate().take(header.words()) {
                    block.store(top + 8 + index * 8, *word);
                }
                top as u64
            }
            Message::Scratch(root) => relocate(root, scratch.adopt(block, top)),
            Message::Fragment(root, fragment) => relocate(root, fragment.adopt(block, top, None)),
        }
    }

    /// Whether it names something outside of blocks.
    #[inline]
    pub(crate) fn has_shared(&self, scratch: &Scratch) -> bool {
        match self {
            Message::Word(_) | Message::Inline(..) => false,
            Message::Scratch(_) => scratch.has_shared(),
            Message::Fragment(_, fragment) => fragment.has_shared(),
        }
    }

    /// The message with what it reaches, no longer in the scratch.
    pub(crate) fn keep(self, scratch: &mut Scratch, shared: &mut Shared) -> Message {
        if let Message::Scratch(root) = self { Message::Fragment(root, scratch.keep(shared)) } else { self }
    }

    /// Another one that is the same; one in the scratch stays there.
    pub(crate) fn again(&self, shared: &mut Shared) -> Message {
        match self {
            Message::Word(word) => Message::Word(*word),
            Message::Inline(header, words) => Message::Inline(*header, *words),
            Message::Scratch(root) => Message::Scratch(*root),
            Message::Fragment(root, fragment) => Message::Fragment(*root, fragment.copy(shared)),
        }
    }

    /// The message, of which nothing is left.
    pub(crate) fn take(&mut self) -> Message {
        std::mem::replace(self, Message::Word(NULL))
    }

    /// The message as a root in a fragment.
    pub(crate) fn into_fragment(self, scratch: &mut Scratch, shared: &mut Shared) -> (u64, Fragment) {
        match self {
            Message::Word(word) => (word, Fragment::default()),
            Message::Inline(header, words) => {
                let mut fragment = Fragment::default();
                let root = fragment.push(header, &words[..header.words()]);
                (root, fragment)
            }
            Message::Scratch(root) => (root, scratch.keep(shared)),
            Message::Fragment(root, fragment) => (root, fragment),
        }
    }

    /// Gives it up.
    pub(crate) fn discard(self, shared: &mut Shared) {
        if let Message::Fragment(_, fragment) = self {
            fragment.discard(shared);
        }
    }
}

/// Words of a message that lies in its node.
pub(crate) const SMALL_WORDS: usize = 1 + INLINE_WORDS_MAX;

/// A message that lies in its node: a word that is no reference, or the header and the words of an object without
/// references. What is beyond them is arbitrary.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Small(pub(crate) [u64; SMALL_WORDS]);

impl Small {
    #[inline(always)]
    pub(crate) fn of_word(word: u64) -> Small {
        Small([word, 0, 0, 0])
    }
}

fn is_outside(header: Header) -> bool {
    header.is(Kind::SharedText) || header.is(Kind::SharedBytes)
}
