//! Messages between fibers: nodes of one table, linked into a list a fiber.
//!
//! A message that is one word, or one small object without references, lies in its node, and nothing is allocated for
//! it. Others are a [`Fragment`].

use crate::fiber::{Fiber, NONE};
use crate::heap::block::Block;
use crate::heap::copy::{CopyError, Fragment, relocate};
use crate::heap::shared::Shared;
use crate::heap::word::{Header, is_reference};

/// Words of an object that may lie in a node.
const INLINE_WORDS_MAX: usize = 3;

/// A value on its way.
#[derive(Debug)]
pub(crate) enum Message {
    /// A word that is no reference.
    Word(u64),
    /// An object without references: its header and its words.
    Inline(Header, [u64; INLINE_WORDS_MAX]),
    /// A root in a fragment.
    Fragment(u64, Fragment),
}

impl Message {
    /// Copies a word and what it reaches out of a block.
    #[inline]
    pub(crate) fn copy(block: Block, word: u64, shared: &mut Shared, bytes_max: usize) -> Result<Message, CopyError> {
        if !is_reference(word) {
            return Ok(Message::Word(word));
        }
        let at = word as usize;
        let header = Header(block.load(at));
        if header.words() <= INLINE_WORDS_MAX {
            let mut words = [0; INLINE_WORDS_MAX];
            for (index, slot) in words.iter_mut().enumerate().take(header.words()) {
                *slot = block.load(at + 8 + index * 8);
            }
            let is_flat = words.iter().take(header.scan()).all(|word| !is_reference(*word));
            if is_flat && !is_outside(header) {
                return Ok(Message::Inline(header, words));
            }
        }
        let mut roots = [word];
        let fragment = Fragment::make(block, &mut roots, shared, bytes_max)?;
        Ok(Message::Fragment(roots[0], fragment))
    }

    /// Bytes that it takes in the receiver's block.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Message::Word(_) => 0,
            Message::Inline(header, _) => header.bytes(),
            Message::Fragment(_, fragment) => fragment.bytes(),
        }
    }

    /// Puts it into a block that has room for it at `top`, and gives the word for it. Counts of what it names outside go
    /// over to the block's list.
    #[inline]
    pub(crate) fn adopt(self, block: Block, top: usize, shared_refs: Option<&mut Vec<u32>>) -> u64 {
        match self {
            Message::Word(word) => word,
            Message::Inline(header, words) => {
                block.store(top, header.0);
                for (index, word) in words.iter().enumerate().take(header.words()) {
                    block.store(top + 8 + index * 8, *word);
                }
                top as u64
            }
            Message::Fragment(root, fragment) => {
                let delta = fragment.adopt(block, top, shared_refs);
                relocate(root, delta)
            }
        }
    }

    /// Whether it names something outside of blocks.
    pub(crate) fn has_shared(&self) -> bool {
        matches!(self, Message::Fragment(_, fragment) if fragment.has_shared())
    }

    /// Gives it up.
    pub(crate) fn discard(self, shared: &mut Shared) {
        if let Message::Fragment(_, fragment) = self {
            fragment.discard(shared);
        }
    }
}

fn is_outside(header: Header) -> bool {
    use crate::heap::word::Kind;
    header.is(Kind::SharedText) || header.is(Kind::SharedBytes)
}

/// The messages in all mailboxes.
#[derive(Debug)]
pub(crate) struct Messages {
    nodes: Vec<Node>,
    free: u32,
    fragments: Vec<Fragment>,
    free_fragments: Vec<u32>,
    /// Bytes of all messages that lie here.
    pub(crate) bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    next: u32,
    kind: u32,
    words: [u64; 1 + INLINE_WORDS_MAX],
}

/// Bytes of a message besides those of a fragment.
pub(crate) const NODE_BYTES: usize = size_of::<Node>();
const _: () = assert!(NODE_BYTES == 40);

const WORD: u32 = 0;
const INLINE: u32 = 1;
const FRAGMENT: u32 = 2;

impl Messages {
    pub(crate) fn new() -> Messages {
        Messages { nodes: Vec::new(), free: NONE, fragments: Vec::new(), free_fragments: Vec::new(), bytes: 0 }
    }

    /// Puts a message at the tail of a fiber's mailbox.
    pub(crate) fn push(&mut self, fiber: &mut Fiber, message: Message) {
        let bytes = (message.bytes() + NODE_BYTES) as u64;
        self.bytes += bytes;
        fiber.mailbox_bytes += bytes;
        let mut words = [0; 1 + INLINE_WORDS_MAX];
        let kind = match message {
            Message::Word(word) => {
                words[0] = word;
                WORD
            }
            Message::Inline(header, rest) => {
                words[0] = header.0;
                words[1..].copy_from_slice(&rest);
                INLINE
            }
            Message::Fragment(root, fragment) => {
                words[0] = root;
                words[1] = u64::from(self.add_fragment(fragment));
                FRAGMENT
            }
        };
        let index = self.add_node(Node { next: NONE, kind, words });
        if fiber.head == NONE {
            fiber.head = index;
        } else {
            self.nodes[fiber.tail as usize].next = index;
        }
        fiber.tail = index;
        fiber.count += 1;
    }

    fn add_node(&mut self, node: Node) -> u32 {
        if self.free == NONE {
            self.nodes.push(node);
            return self.nodes.len() as u32 - 1;
        }
        let index = self.free;
        self.free = self.nodes[index as usize].next;
        self.nodes[index as usize] = node;
        index
    }

    fn add_fragment(&mut self, fragment: Fragment) -> u32 {
        if let Some(index) = self.free_fragments.pop() {
            self.fragments[index as usize] = fragment;
            return index;
        }
        self.fragments.push(fragment);
        self.fragments.len() as u32 - 1
    }

    /// Bytes that the first message of a mailbox takes in the receiver's block.
    pub(crate) fn first_bytes(&self, fiber: &Fiber) -> usize {
        let node = &self.nodes[fiber.head as usize];
        match node.kind {
            WORD => 0,
            INLINE => Header(node.words[0]).bytes(),
            _ => self.fragments[node.words[1] as usize].bytes(),
        }
    }

    /// Takes the first message out of a mailbox.
    pub(crate) fn pop(&mut self, fiber: &mut Fiber) -> Option<Message> {
        if fiber.head == NONE {
            return None;
        }
        let index = fiber.head;
        let node = self.nodes[index as usize];
        fiber.head = node.next;
        fiber.count -= 1;
        self.nodes[index as usize].next = self.free;
        self.free = index;
        let message = match node.kind {
            WORD => Message::Word(node.words[0]),
            INLINE => Message::Inline(Header(node.words[0]), [node.words[1], node.words[2], node.words[3]]),
            _ => {
                self.free_fragments.push(node.words[1] as u32);
                Message::Fragment(node.words[0], std::mem::take(&mut self.fragments[node.words[1] as usize]))
            }
        };
        let bytes = (message.bytes() + NODE_BYTES) as u64;
        self.bytes -= bytes;
        fiber.mailbox_bytes -= bytes;
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fiber::Fibers;
    use crate::heap::word::{Kind, TAG_INT};

    #[test]
    fn messages_come_out_in_their_order_and_leave_no_bytes() {
        let (mut fibers, mut messages) = (Fibers::new(10), Messages::new());
        let slots = [fibers.add().unwrap(), fibers.add().unwrap()];
        for number in 0..20 {
            let slot = slots[number as usize % 2];
            let message = match number % 3 {
                0 => Message::Word(number << 3 | TAG_INT),
                1 => Message::Inline(Header::new(Kind::BoxInt, 2, 1, 0), [number, 0, 0]),
                _ => {
                    let mut fragment = Fragment::default();
                    let root = fragment.push(Header::new(Kind::Fields, 40, 1, 0), &[number]);
                    Message::Fragment(root, fragment)
                }
            };
            messages.push(fibers.get_mut(slot), message);
        }
        for (at, slot) in slots.into_iter().enumerate() {
            for index in 0..10 {
                let number = index * 2 + at as u64;
                assert_eq!(messages.first_bytes(fibers.get(slot)), if number.is_multiple_of(3) { 0 } else { 16 });
                let message = messages.pop(fibers.get_mut(slot)).unwrap();
                let found = match message {
                    Message::Word(word) => word >> 3,
                    Message::Inline(_, words) => words[0],
                    Message::Fragment(..) => number,
                };
                assert_eq!(found, number);
            }
            assert!(messages.pop(fibers.get_mut(slot)).is_none());
            assert_eq!((fibers.get(slot).count, fibers.get(slot).mailbox_bytes), (0, 0));
        }
        assert_eq!(messages.bytes, 0);
    }
}
