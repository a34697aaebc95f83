//! Messages between fibers: nodes of one table, linked into a list a fiber.
//!
//! A message that is one word, or one small object without references, lies in its node, and nothing is allocated for
//! it. Others are a [`Fragment`]. A node says of what type its message is, so that a receive by type only compares.
//!
//! **Invariant:** a place in a mailbox that a side record keeps is moved or forgotten when its message is taken.

use crate::fiber::{Fiber, FiberId, Flags, NONE};
use crate::heap::fragment::Fragment;
use crate::heap::shared::Shared;
use crate::heap::word::Header;
use crate::message::{Message, SMALL_WORDS, Small};
use crate::slab::Slab;
use crate::types::TypeId;
use fardel_bytecode::types;
use std::collections::VecDeque;

/// Places in a mailbox that a fiber keeps for tokens, the newest ones.
const MARKS_MAX: usize = 4;

/// Who sent a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// A fiber, or the outside.
    Sent,
    /// The machine: a timer, or an exit signal that was sent.
    System,
    /// The machine, for the monitor whose token has this number.
    Monitor(u64),
    /// The machine, for the link with the fiber of this address.
    Link(u64),
}

/// What only some fibers know of their mailboxes.
#[derive(Debug, Default)]
pub(crate) struct MailSide {
    /// Fibers that wait for room, first in, first out, and the bytes of their messages. Those that have ended are passed
    /// over.
    pub(crate) waiters: VecDeque<(FiberId, u64)>,
    /// Those that have been woken, and for whose messages room is kept.
    pub(crate) granted: VecDeque<(FiberId, u64)>,
    /// Bytes of these messages.
    pub(crate) granted_bytes: u64,
    /// Messages of the machine's own among those that wait, and their bytes.
    pub(crate) system: u32,
    pub(crate) system_bytes: u64,
    /// The selective receive under way.
    pub(crate) cursor: Option<Cursor>,
    /// Tokens of the fiber, by number, with the last message that was there before each.
    marks: Vec<(u64, u32)>,
}

/// Stands for a message that was looked at, and taken out since by a full mailbox.
pub(crate) const DROPPED: u32 = NONE - 1;

/// Where a selective receive is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cursor {
    /// The last message that it is behind of, or none.
    pub(crate) before: u32,
    /// The message that was looked at last; none, or [`DROPPED`] when it is not there any more.
    pub(crate) at: u32,
}

impl MailSide {
    /// Keeps room for a message.
    pub(crate) fn keep_room(&mut self, sender: FiberId, bytes: u64) {
        self.granted.push_back((sender, bytes));
        self.granted_bytes += bytes;
    }

    /// Keeps room for a fiber's message no longer.
    pub(crate) fn give_up_room(&mut self, sender: FiberId) {
        if let Some(at) = self.granted.iter().position(|(known, _)| *known == sender)
            && let Some((_, bytes)) = self.granted.remove(at)
        {
            self.granted_bytes -= bytes;
        }
    }

    /// Notes where a token was made.
    pub(crate) fn mark(&mut self, number: u64, tail: u32) {
        if self.marks.len() == MARKS_MAX {
            self.marks.remove(0);
        }
        self.marks.push((number, tail));
    }

    /// The last message before a token was made, if that is still known; none stands for the first place.
    pub(crate) fn marked(&self, number: u64) -> u32 {
        self.marks.iter().find(|(known, _)| *known == number).map_or(NONE, |(_, before)| *before)
    }

    /// A message is taken out; `before` is the one in front of it.
    fn taken(&mut self, node: u32, before: u32) {
        self.marks.iter_mut().filter(|(_, at)| *at == node).for_each(|(_, at)| *at = before);
        if let Some(cursor) = &mut self.cursor {
            if cursor.before == node {
                cursor.before = before;
            }
            if cursor.at == node {
                cursor.at = DROPPED;
            }
        }
    }

    /// Whether it keeps places in the mailbox.
    pub(crate) fn has_places(&self) -> bool {
        self.cursor.is_some() || !self.marks.is_empty()
    }
}

/// The messages in all mailboxes.
#[derive(Debug)]
pub(crate) struct Messages {
    nodes: Slab<Node>,
    free: u32,
    fragments: Slab<Fragment>,
    free_fragments: Vec<u32>,
    /// Bytes of all messages that lie here.
    pub(crate) bytes: u64,
}

#[derive(Clone, Copy, Default, Debug)]
struct Node {
    next: u32,
    tag: Tag,
    words: [u64; SMALL_WORDS],
}

/// Bytes of a message besides those of a fragment.
pub(crate) const NODE_BYTES: usize = size_of::<Node>();
const _: () = assert!(NODE_BYTES == 40);

/// What a node holds (2 bits), who sent it (2 bits), and its type.
#[derive(Clone, Copy, Default, Debug)]
struct Tag(u32);

const WORD: u32 = 0;
const INLINE: u32 = 1;
const FRAGMENT: u32 = 2;

const SYSTEM: u32 = 1 << 2;
const MONITOR: u32 = 2 << 2;
const LINK: u32 = 3 << 2;
const ORIGIN: u32 = 3 << 2;

impl Tag {
    fn new(kind: u32, origin: Origin, ty: TypeId) -> Tag {
        let origin = match origin {
            Origin::Sent => 0,
            Origin::System => SYSTEM,
            Origin::Monitor(_) => MONITOR,
            Origin::Link(_) => LINK,
        };
        Tag(kind | origin | ty << 8)
    }

    #[inline]
    fn kind(self) -> u32 {
        self.0 & 3
    }

    #[inline]
    fn ty(self) -> TypeId {
        self.0 >> 8
    }

    fn is_system(self) -> bool {
        self.0 & ORIGIN != 0
    }
}

/// A message in a mailbox: its node, and the one in front of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) before: u32,
    pub(crate) node: u32,
}

/// What was looked for in a mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    /// Where it is; else the last message.
    pub(crate) place: Result<Place, u32>,
    /// How many messages were passed over.
    pub(crate) passed: usize,
}

impl Messages {
    pub(crate) fn new() -> Messages {
        Messages { nodes: Slab::new(), free: NONE, fragments: Slab::new(), free_fragments: Vec::new(), bytes: 0 }
    }

    /// Puts a message at the tail of a fiber's mailbox. It is not in the scratch.
    #[inline]
    pub(crate) fn push(&mut self, fiber: &mut Fiber, message: Message, ty: TypeId, origin: Origin) {
        let mut words = [0; SMALL_WORDS];
        let mut bytes = NODE_BYTES as u64;
        let kind = match message {
            Message::Word(word) => {
                words[0] = word;
                WORD
            }
            Message::Inline(header, rest) => {
                bytes += header.bytes() as u64;
                words[0] = header.0;
                words[1..].copy_from_slice(&rest);
                INLINE
            }
            Message::Fragment(root, fragment) => {
                bytes += fragment.bytes() as u64;
                words[0] = root;
                words[1] = u64::from(self.add_fragment(fragment));
                if let Origin::Monitor(token) | Origin::Link(token) = origin {
                    words[2] = token;
                }
                FRAGMENT
            }
            Message::Scratch(_) => unreachable!("a message that waits is kept first"),
        };
        self.append(fiber, Node { next: NONE, tag: Tag::new(kind, origin, ty), words }, bytes);
    }

    /// As [`Messages::push`], for a small message that a fiber sends: an object of so many bytes, or a word if it has none.
    #[inline(always)]
    pub(crate) fn push_small(&mut self, fiber: &mut Fiber, small: Small, bytes: usize, ty: TypeId) {
        let kind = if bytes == 0 { WORD } else { INLINE };
        let node = Node { next: NONE, tag: Tag::new(kind, Origin::Sent, ty), words: small.0 };
        self.append(fiber, node, (NODE_BYTES + bytes) as u64);
    }

    /// The first message of a mailbox that is not empty, if it is a small one of a type (Any: of whatever type) that was sent
    /// by a fiber; and whether it is an object.
    #[inline(always)]
    pub(crate) fn first_small(&self, fiber: &Fiber, ty: TypeId) -> Option<(Small, bool)> {
        let node = self.nodes.get(fiber.head);
        let kind = node.tag.kind();
        if node.tag.is_system() || kind == FRAGMENT || (ty != types::ANY.0 && node.tag.ty() != ty) {
            return None;
        }
        Some((Small(node.words), kind == INLINE))
    }

    /// Takes out the first message, a small one with so many bytes, of a mailbox of which no places are kept.
    #[inline(always)]
    pub(crate) fn drop_first_small(&mut self, fiber: &mut Fiber, bytes: usize) {
        let first = fiber.head;
        let node = self.nodes.get_mut(first);
        fiber.head = node.next;
        node.next = self.free;
        self.free = first;
        if fiber.tail == first {
            fiber.tail = NONE;
        }
        fiber.count -= 1;
        let bytes = (NODE_BYTES + bytes) as u64;
        self.bytes -= bytes;
        fiber.mailbox_bytes -= bytes;
    }

    #[inline(always)]
    fn append(&mut self, fiber: &mut Fiber, node: Node, bytes: u64) {
        self.bytes += bytes;
        fiber.mailbox_bytes += bytes;
        let index = self.add_node(node);
        if fiber.head == NONE {
            fiber.head = index;
        } else {
            self.nodes.get_mut(fiber.tail).next = index;
        }
        fiber.tail = index;
        fiber.count += 1;
    }

    #[inline]
    fn add_node(&mut self, node: Node) -> u32 {
        if self.free == NONE {
            return self.nodes.add(node);
        }
        let index = self.free;
        self.free = self.nodes.get(index).next;
        *self.nodes.get_mut(index) = node;
        index
    }

    fn add_fragment(&mut self, fragment: Fragment) -> u32 {
        if let Some(index) = self.free_fragments.pop() {
            *self.fragments.get_mut(index) = fragment;
            return index;
        }
        self.fragments.add(fragment)
    }

    /// Bytes that a message takes in the receiver's block.
    #[inline]
    pub(crate) fn bytes_of(&self, node: u32) -> usize {
        let node = self.nodes.get(node);
        match node.tag.kind() {
            WORD => 0,
            INLINE => Header(node.words[0]).bytes(),
            _ => self.fragments.get(node.words[1] as u32).bytes(),
        }
    }

    /// The type of a message.
    pub(crate) fn type_of(&self, node: u32) -> TypeId {
        self.nodes.get(node).tag.ty()
    }

    /// The first message of a type (Any: of whatever type) behind the one at `before`.
    #[inline]
    pub(crate) fn find(&self, fiber: &Fiber, before: u32, ty: TypeId) -> Found {
        let mut place = Place { before, node: self.after(fiber, before) };
        let mut passed = 0;
        while place.node != NONE {
            let node = self.nodes.get(place.node);
            if ty == types::ANY.0 || node.tag.ty() == ty {
                return Found { place: Ok(place), passed };
            }
            place = Place { before: place.node, node: node.next };
            passed += 1;
        }
        Found { place: Err(place.before), passed }
    }

    #[inline]
    fn after(&self, fiber: &Fiber, before: u32) -> u32 {
        if before == NONE { fiber.head } else { self.nodes.get(before).next }
    }

    /// The message from a monitor or link that is to be taken back, if it has not been taken.
    pub(crate) fn find_notice(&self, fiber: &Fiber, origin: Origin) -> Option<Place> {
        let (bits, token) = match origin {
            Origin::Monitor(number) => (MONITOR, number),
            Origin::Link(address) => (LINK, address),
            Origin::Sent | Origin::System => return None,
        };
        self.find_node(fiber, |node| node.tag.0 & ORIGIN == bits && node.words[2] == token)
    }

    /// The oldest message that is not the machine's.
    pub(crate) fn find_oldest_sent(&self, fiber: &Fiber) -> Option<Place> {
        self.find_node(fiber, |node| !node.tag.is_system())
    }

    fn find_node(&self, fiber: &Fiber, wanted: impl Fn(&Node) -> bool) -> Option<Place> {
        let mut place = Place { before: NONE, node: fiber.head };
        while place.node != NONE {
            let node = self.nodes.get(place.node);
            if wanted(node) {
                return Some(place);
            }
            place = Place { before: place.node, node: node.next };
        }
        None
    }

    /// Takes a message out of a mailbox. Its fiber has no side record with places; else see [`Messages::take`].
    #[inline]
    fn unlink(&mut self, fiber: &mut Fiber, place: Place) -> Message {
        let node = *self.nodes.get(place.node);
        if place.before == NONE {
            fiber.head = node.next;
        } else {
            self.nodes.get_mut(place.before).next = node.next;
        }
        if fiber.tail == place.node {
            fiber.tail = place.before;
        }
        fiber.count -= 1;
        self.nodes.get_mut(place.node).next = self.free;
        self.free = place.node;
        let mut bytes = NODE_BYTES as u64;
        let message = match node.tag.kind() {
            WORD => Message::Word(node.words[0]),
            INLINE => {
                let header = Header(node.words[0]);
                bytes += header.bytes() as u64;
                Message::Inline(header, [node.words[1], node.words[2], node.words[3]])
            }
            _ => {
                let index = node.words[1] as u32;
                self.free_fragments.push(index);
                let fragment = std::mem::take(self.fragments.get_mut(index));
                bytes += fragment.bytes() as u64;
                Message::Fragment(node.words[0], fragment)
            }
        };
        self.bytes -= bytes;
        fiber.mailbox_bytes -= bytes;
        message
    }

    /// Takes a message out of a mailbox. `side` gives the fiber's side record when its flags say that it has to know.
    #[inline]
    pub(crate) fn take<'a>(
        &mut self,
        fiber: &mut Fiber,
        place: Place,
        side: impl FnOnce() -> Option<&'a mut MailSide>,
    ) -> Message {
        let is_system = self.nodes.get(place.node).tag.is_system();
        if (is_system || fiber.flags.has(Flags::MARKED))
            && let Some(side) = side()
        {
            side.taken(place.node, place.before);
            let before = fiber.mailbox_bytes;
            let message = self.unlink(fiber, place);
            if is_system {
                side.system -= 1;
                side.system_bytes -= before - fiber.mailbox_bytes;
            }
            return message;
        }
        self.unlink(fiber, place)
    }

    /// Another message like the one in a node.
    pub(crate) fn copy_of(&self, node: u32, shared: &mut Shared) -> Message {
        let node = self.nodes.get(node);
        match node.tag.kind() {
            WORD => Message::Word(node.words[0]),
            INLINE => Message::Inline(Header(node.words[0]), [node.words[1], node.words[2], node.words[3]]),
            _ => Message::Fragment(node.words[0], self.fragments.get(node.words[1] as u32).copy(shared)),
        }
    }

    /// Takes the first message out of the mailbox of a fiber that has ended, with its type if somebody has sent it.
    pub(crate) fn take_unread(&mut self, fiber: &mut Fiber) -> Option<(Message, Option<TypeId>)> {
        if fiber.head == NONE {
            return None;
        }
        let place = Place { before: NONE, node: fiber.head };
        let tag = self.nodes.get(place.node).tag;
        let sent = if tag.is_system() { None } else { Some(tag.ty()) };
        Some((self.unlink(fiber, place), sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fiber::Fibers;
    use crate::heap::word::{Kind, TAG_INT};

    const INT: TypeId = types::INT.0;
    const OTHER: TypeId = 40;

    fn number_in(message: &Message) -> u64 {
        match message {
            Message::Word(word) => word >> 3,
            Message::Inline(_, words) => words[0],
            Message::Scratch(_) => unreachable!("nothing is copied here"),
            Message::Fragment(_, fragment) => fragment.words()[2],
        }
    }

    fn message(number: u64) -> Message {
        match number % 3 {
            0 => Message::Word(number << 3 | TAG_INT),
            1 => Message::Inline(Header::new(Kind::BoxInt, 2, 1, 0), [number, 0, 0]),
            _ => {
                let mut fragment = Fragment::default();
                let root = fragment.push(Header::new(Kind::Fields, 40, 1, 0), &[number]);
                Message::Fragment(root, fragment)
            }
        }
    }

    #[test]
    fn messages_come_out_in_their_order_and_leave_no_bytes() {
        let (mut fibers, mut messages) = (Fibers::new(10), Messages::new());
        let slots = [fibers.add().unwrap(), fibers.add().unwrap()];
        for number in 0..20 {
            let fiber = fibers.get_mut(slots[number as usize % 2]);
            messages.push(fiber, message(number), INT, Origin::Sent);
        }
        for (at, slot) in slots.into_iter().enumerate() {
            for index in 0..10 {
                let number = index * 2 + at as u64;
                let fiber = fibers.get_mut(slot);
                let place = messages.find(fiber, NONE, types::ANY.0).place.unwrap();
                assert_eq!(messages.bytes_of(place.node), if number.is_multiple_of(3) { 0 } else { 16 });
                assert_eq!(number_in(&messages.take(fiber, place, || None)), number);
            }
            let fiber = fibers.get(slot);
            assert!(messages.find(fiber, NONE, types::ANY.0).place.is_err());
            assert_eq!((fiber.count, fiber.mailbox_bytes), (0, 0));
        }
        assert_eq!(messages.bytes, 0);
    }

    #[test]
    fn taking_from_the_middle_keeps_the_order_and_the_places() {
        let (mut fibers, mut messages) = (Fibers::new(10), Messages::new());
        let slot = fibers.add().unwrap();
        let mut side = MailSide::default();
        for number in 0..6 {
            let ty = if number % 2 == 0 { INT } else { OTHER };
            let fiber = fibers.get_mut(slot);
            messages.push(fiber, message(number), ty, Origin::Sent);
            side.mark(number, fiber.tail);
        }
        // Only the newest four are kept; the others begin at the first message.
        assert_eq!(side.marked(1), NONE);
        let fiber = fibers.get_mut(slot);
        fiber.flags.set(Flags::MARKED, true);
        let found = messages.find(fiber, side.marked(2), INT);
        assert_eq!((found.passed, messages.bytes_of(found.place.unwrap().node)), (1, 16), "number 4 is behind the mark");
        for wanted in [1, 3, 5] {
            let place = messages.find(fiber, NONE, OTHER).place.unwrap();
            assert_eq!(number_in(&messages.take(fiber, place, || Some(&mut side))), wanted);
        }
        // The mark of 3 and of 5 fell back to the message in front.
        let place = messages.find(fiber, side.marked(3), INT).place.unwrap();
        assert_eq!(number_in(&messages.take(fiber, place, || Some(&mut side))), 4);
        assert_eq!(messages.find(fiber, side.marked(5), INT).place, Err(fiber.tail));
        messages.push(fiber, message(9), INT, Origin::Sent);
        let place = messages.find(fiber, side.marked(5), INT).place.unwrap();
        assert_eq!(number_in(&messages.take(fiber, place, || Some(&mut side))), 9);
        while let Some((message, _)) = messages.take_unread(fiber) {
            message.discard(&mut Shared::default());
        }
        assert_eq!((fiber.count, fiber.head, fiber.mailbox_bytes, messages.bytes), (0, NONE, 0, 0));
    }
}
