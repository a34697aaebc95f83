//! From a sender to a mailbox: who takes what, what happens when there is no room, what becomes of letters to the dead.
//!
//! **Invariant:** a message is lost only when its receiver has ended, its door refuses it, or its mailbox's policy says
//! so, and each that is lost is counted.

use crate::code::Op;
use crate::config::FullPolicy;
use crate::convert::VALUES_BYTES_MAX;
use crate::core::{Core, has_room, soft_limit};
use crate::door::{DeadLetter, LostBecause, Output};
use crate::exit::Cause;
use crate::fiber::{Fiber, FiberId, Flags, Limits, State};
use crate::heap::PIECE_BYTES;
use crate::heap::copy::CopyError;
use crate::heap::word::{Header, bool_word, is_reference, small_int};
use crate::mailbox::{NODE_BYTES, Origin, Place};
use crate::message::Message;
use crate::packed::Packed;
use crate::sets::Admission;
use crate::types::TypeId;
use fardel_bytecode::isa::COSTLY_FUEL;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types::{self, Repr};

/// Bytes of one message.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 30;

/// Senders that are woken at one time; the others are when the next message is taken.
const WOKEN_MAX: usize = 256;
/// Blocks up to this size are collected for a fiber that waits by whoever sends to it: it takes microseconds.
const COLLECTED_BYTES_MAX: usize = 64 << 10;

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Posted {
    /// It was taken, and has so many bytes.
    Taken(usize),
    /// There is nobody any more.
    Dead,
    /// The receiver's door refused it.
    Refused,
    /// The mailbox was full, and the message was dropped in silence.
    Dropped,
    /// The mailbox was full.
    Rejected,
}

/// Why a message could not be dealt with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PostError {
    /// The sender has to wait for room.
    Full,
    /// The sender's own mailbox is full, and it would wait for itself.
    Overflow,
    /// It could not be copied.
    Copy(CopyError),
}

/// How a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sending {
    /// The sender waits for room.
    Waits,
    /// The sender is told when there is none.
    Tries,
    /// As the request of the token with this number; the sender waits for room.
    Asks(u64),
}

/// How a sender stands to a mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sender {
    sending: Sending,
    /// Room was kept for it.
    granted: bool,
}

impl Core {
    /// Sends a value of the running fiber, of a static type, if that takes no copy that would have to be kept: what became of
    /// it, or nothing.
    #[inline]
    pub(crate) fn post_at_once(&mut self, to: FiberId, ty: TypeId, value: u64) -> Option<Posted> {
        let Some(fiber) = self.fibers.find(to) else { return Some(self.post_to_nobody(to, ty)) };
        let (state, set) = (fiber.state, fiber.set);
        let is_bounded = fiber.flags.has(Flags::BOUNDED);
        if state == State::Outside {
            return Some(self.post_outside(to, ty, value));
        }
        let tag = match self.admit(set, ty, value) {
            Admission::As(tag) => tag,
            Admission::Convert { .. } => return None,
            Admission::Refused(_) if is_bounded => return None,
            Admission::Refused(known) => {
                self.refuse(to, set, known);
                return Some(Posted::Refused);
            }
        };
        if state == State::Waiting && !is_bounded {
            return self.hand_over_from_block(to.slot, ty, tag, value).map(Posted::Taken);
        }
        None
    }

    fn post_to_nobody(&mut self, to: FiberId, ty: TypeId) -> Posted {
        self.fibers.get_mut(self.current).flags.set(Flags::GRANTED, false);
        self.lose(to, ty, LostBecause::NoFiber);
        Posted::Dead
    }

    /// Sends a value of the running fiber, of a static type, with the message that carries it.
    ///
    /// # Errors
    /// See [`PostError`]; nothing has happened then. It is [`PostError::Full`] only for a sender that may wait, and the
    /// message is still there.
    pub(crate) fn post(
        &mut self,
        to: FiberId,
        ty: TypeId,
        value: u64,
        message: &mut Message,
        sending: Sending,
    ) -> Result<Posted, PostError> {
        let Some(fiber) = self.fibers.find(to) else {
            message.take().discard(&mut self.shared);
            return Ok(self.post_to_nobody(to, ty));
        };
        let (state, set) = (fiber.state, fiber.set);
        let granted = fiber.flags.has(Flags::BOUNDED) && self.use_grant(to.slot);
        let sender = Sender { sending, granted };
        let result = match self.admit(set, ty, value) {
            Admission::As(tag) => self.post_as(to, state, message, tag, sender),
            Admission::Convert { from, to: wanted } => self.post_converted(to, (from, wanted), message, sender),
            Admission::Refused(known) => {
                message.take().discard(&mut self.shared);
                self.refuse(to, set, known);
                Ok(Posted::Refused)
            }
        };
        if granted {
            self.grant_more(to);
        }
        result
    }

    /// Gives a message to a fiber that takes it as one of this type.
    fn post_as(
        &mut self,
        to: FiberId,
        state: State,
        message: &mut Message,
        tag: TypeId,
        sender: Sender,
    ) -> Result<Posted, PostError> {
        if state == State::Waiting && self.listens(to.slot, tag) {
            let bytes = message.bytes(&self.scratch);
            if bytes > PIECE_BYTES && !self.has_budget(bytes + NODE_BYTES) {
                message.take().discard(&mut self.shared);
                return Err(PostError::Copy(CopyError::OutOfMemory));
            }
            self.hand_over(to.slot, message.take(), tag);
            return Ok(Posted::Taken(bytes));
        }
        self.enqueue(to, message, tag, sender)
    }

    /// Gives a value of the running fiber to one that waits for it: into its slot, and what it reaches straight into its
    /// block, if that is little, has room, and names nothing outside; the bytes then. The receiver goes on behind its
    /// receive.
    fn hand_over_from_block(&mut self, slot: u32, ty: TypeId, tag: TypeId, value: u64) -> Option<usize> {
        let fiber = self.fibers.get(slot);
        let receive = fiber.pc as usize / size_of::<Op>();
        let wanted = self.code[receive + 1].extra() as TypeId;
        if wanted != types::ANY.0 && wanted != tag {
            return None;
        }
        let small = match self.types.repr(ty) {
            Repr::Word if is_reference(value) => None,
            Repr::Word => Some(value),
            Repr::Bool => Some(bool_word(value != 0)),
            Repr::Int => Some(small_int(value as i64)?),
            Repr::Float => return None,
        };
        let top = fiber.top as usize;
        let (word, new_top) = match small {
            Some(word) => (word, top),
            None => self.copy_to(slot, value)?,
        };
        let fiber = self.fibers.get_mut(slot);
        let bytes = new_top - fiber.top as usize;
        fiber.block.store(fiber.fp as usize + usize::from(self.code[receive].a), word);
        fiber.top = new_top as u32;
        fiber.pc += 2 * size_of::<Op>() as u32;
        fiber.state = State::Ready;
        self.queue.push(&mut self.fibers, slot);
        self.stats.messages += 1;
        Some(bytes)
    }

    /// Copies what a word reaches straight into the block of a fiber that waits at a receive, which is collected if it has
    /// no room; the word there and the new top.
    fn copy_to(&mut self, slot: u32, value: u64) -> Option<(u64, usize)> {
        // A message is mostly as large as the one before; half a copy is work for nothing.
        let first = Header(self.block.load(value as usize)).bytes();
        let expected = first.max(self.message_bytes);
        let has_room = |core: &Core| {
            let fiber = core.fibers.get(slot);
            has_room(fiber.block, fiber.top as usize, fiber.fp as usize, expected)
        };
        // What others got must not make a block much larger than it is.
        let block_bytes = self.fibers.get(slot).block.bytes();
        let may_make_room = first <= PIECE_BYTES && expected <= block_bytes && self.may_collect(slot);
        if !has_room(self) && (!may_make_room || !self.make_room_in(slot, first, expected) || !has_room(self)) {
            return None;
        }
        let fiber = self.fibers.get(slot);
        let top = fiber.top as usize;
        let end = (fiber.fp as usize).min(soft_limit(fiber.block)).min(top + PIECE_BYTES);
        // To itself nobody sends who waits, so the two blocks are not the same.
        let (word, new_top) = self.scratch.copy_across(self.block, value, fiber.block, top, end)?;
        self.message_bytes = new_top - top;
        Some((word, new_top))
    }

    /// Whether the block of a fiber that waits is so small that whoever sends to it may collect it.
    fn may_collect(&self, slot: u32) -> bool {
        self.fibers.get(slot).block.bytes() <= COLLECTED_BYTES_MAX || self.config.collect_always
    }

    /// Sends a message that is made already, of its exact type.
    pub(crate) fn post_message(
        &mut self,
        to: FiberId,
        ty: TypeId,
        message: Message,
        sending: Sending,
    ) -> Result<Posted, PostError> {
        let Some(fiber) = self.fibers.find(to) else {
            message.discard(&mut self.shared);
            if self.in_slice {
                self.fibers.get_mut(self.current).flags.set(Flags::GRANTED, false);
            }
            self.lose(to, ty, LostBecause::NoFiber);
            return Ok(Posted::Dead);
        };
        let (state, set) = (fiber.state, fiber.set);
        let granted = self.in_slice && fiber.flags.has(Flags::BOUNDED) && self.use_grant(to.slot);
        let Some(tag) = self.admit_message(set, ty).filter(|_| state != State::Outside) else {
            message.discard(&mut self.shared);
            self.refuse(to, set, ty);
            return Ok(Posted::Refused);
        };
        let mut message = message;
        let result = self.post_as(to, state, &mut message, tag, Sender { sending, granted });
        message.discard(&mut self.shared);
        if granted {
            self.grant_more(to);
        }
        result
    }

    /// Sends a value whose type the receiver knows in another shape.
    fn post_converted(
        &mut self,
        to: FiberId,
        types: (TypeId, TypeId),
        message: &mut Message,
        sender: Sender,
    ) -> Result<Posted, PostError> {
        let (from, wanted) = types;
        let (root, sent) = message.take().into_fragment(&mut self.scratch, &mut self.shared);
        let converted = crate::fit::convert(self, &sent, root, from, wanted);
        *message = Message::of(root, sent);
        match converted {
            Ok((root, fragment)) => {
                let mut converted = Message::of(root, fragment);
                let state = self.fibers.get(to.slot).state;
                let result = self.post_as(to, state, &mut converted, wanted, sender);
                converted.discard(&mut self.shared);
                if result != Err(PostError::Full) {
                    message.take().discard(&mut self.shared);
                }
                result
            }
            Err(difference) => {
                message.take().discard(&mut self.shared);
                self.lose_misfit(to, from, wanted, difference);
                Ok(Posted::Refused)
            }
        }
    }

    /// Whether the receive at which a fiber waits takes messages of a type.
    #[inline]
    pub(crate) fn listens(&self, slot: u32, tag: TypeId) -> bool {
        let receive = self.fibers.get(slot).pc as usize / size_of::<Op>();
        let wanted = self.code[receive + 1].extra() as TypeId;
        wanted == types::ANY.0 || wanted == tag
    }

    /// Gives a message to a fiber that waits for it: with room in its block into its slot, and the fiber goes on behind its
    /// receive.
    #[inline(always)]
    fn hand_over(&mut self, slot: u32, message: Message, tag: TypeId) {
        self.stats.messages += 1;
        let bytes = message.bytes(&self.scratch);
        self.message_bytes = bytes;
        let has_shared = message.has_shared(&self.scratch);
        let fiber = self.fibers.get(slot);
        // A large message is taken by its receiver, in its own turns, and a large heap collected there.
        let is_easy = !has_shared && bytes <= PIECE_BYTES;
        let mut fits = is_easy && has_room(fiber.block, fiber.top as usize, fiber.fp as usize, bytes);
        if !fits && is_easy && self.may_collect(slot) {
            fits = self.make_room_in(slot, bytes, bytes);
        }
        let fiber = self.fibers.get_mut(slot);
        let (block, top) = (fiber.block, fiber.top as usize);
        if fits {
            let receive = &self.code[fiber.pc as usize / size_of::<Op>()];
            let word = message.adopt(block, top, &self.scratch);
            block.store(fiber.fp as usize + usize::from(receive.a), word);
            fiber.top += bytes as u32;
            fiber.pc += 2 * size_of::<Op>() as u32;
        } else {
            let message = message.keep(&mut self.scratch, &mut self.shared);
            self.messages.push(fiber, message, tag, Origin::Sent);
        }
        fiber.state = State::Ready;
        self.queue.push(&mut self.fibers, slot);
    }

    /// Sends a value to a fiber of another node, if there is room for it on the way.
    ///
    /// # Errors
    /// See [`PostError`]; nothing has happened then.
    pub(crate) fn post_far(
        &mut self,
        to: FiberId,
        ty: TypeId,
        value: Packed<'static>,
        sending: Sending,
    ) -> Result<Posted, PostError> {
        let granted = self.fibers.get(to.slot).flags.has(Flags::BOUNDED) && self.use_grant(to.slot);
        let posted = self.post_far_as(to, ty, value, Sender { sending, granted });
        if granted {
            self.grant_more(to);
        }
        posted
    }

    fn post_far_as(&mut self, to: FiberId, ty: TypeId, value: Packed<'static>, sender: Sender) -> Result<Posted, PostError> {
        let bytes = value.len();
        let needs = bytes + NODE_BYTES;
        if !self.has_mailbox_room(to.slot, needs, sender.granted)
            && let Some(posted) = self.full(to, ty, needs, sender.sending)?
        {
            return Ok(posted);
        }
        if !self.has_budget(needs) {
            return Err(PostError::Copy(CopyError::OutOfMemory));
        }
        self.send_far(to, value, needs, sender.sending);
        Ok(Posted::Taken(bytes))
    }

    /// Puts a message into a mailbox, if there is room; else it is lost, or still there for a sender that has to wait.
    fn enqueue(&mut self, to: FiberId, message: &mut Message, tag: TypeId, sender: Sender) -> Result<Posted, PostError> {
        let bytes = message.bytes(&self.scratch);
        while !self.has_mailbox_room(to.slot, bytes + NODE_BYTES, sender.granted) {
            match self.full(to, tag, bytes + NODE_BYTES, sender.sending) {
                // Room was made, perhaps not enough.
                Ok(None) => {}
                Ok(Some(posted)) => {
                    message.take().discard(&mut self.shared);
                    return Ok(posted);
                }
                Err(error) => return Err(error),
            }
        }
        if !self.has_budget(bytes + NODE_BYTES) {
            message.take().discard(&mut self.shared);
            return Err(PostError::Copy(CopyError::OutOfMemory));
        }
        self.stats.messages += 1;
        let message = message.take().keep(&mut self.scratch, &mut self.shared);
        let fiber = self.fibers.get_mut(to.slot);
        self.messages.push(fiber, message, tag, Origin::Sent);
        if matches!(fiber.state, State::Waiting | State::Listening) && self.listens(to.slot, tag) {
            self.wake(to.slot);
        }
        Ok(Posted::Taken(bytes))
    }

    /// The bounds of a fiber's mailbox, messages and bytes, and what happens when one is reached.
    pub(crate) fn mailbox_bounds(&self, slot: u32) -> (u64, u64, FullPolicy) {
        match self.limits_of(slot) {
            Some(limits) => (limits.mailbox_messages_max, limits.mailbox_bytes_max, limits.policy),
            None => (self.config.mailbox_messages_max, self.config.mailbox_bytes_max, FullPolicy::Block),
        }
    }

    /// The limits that a fiber was started with, if they differ from the machine's.
    pub(crate) fn limits_of(&self, slot: u32) -> Option<&Limits> {
        self.fibers.side_of(slot)?.limits.as_deref()
    }

    /// Whether a mailbox has room for one more message. Any message fits an empty one.
    #[inline]
    pub(crate) fn has_mailbox_room(&mut self, slot: u32, bytes: usize, granted: bool) -> bool {
        let fiber = self.fibers.get(slot);
        let is_usual = !fiber.flags.has(Flags::BOUNDED) && u64::from(fiber.count) < self.config.mailbox_messages_max;
        if is_usual && (fiber.count == 0 || fiber.mailbox_bytes + bytes as u64 <= self.config.mailbox_bytes_max) {
            return true;
        }
        self.has_unusual_room(slot, bytes, granted)
    }

    /// Whether a mailbox without bounds of its own, to which nobody waits to send, has room for a message of so many bytes
    /// in the receiver's block, and the machine for what it takes.
    #[inline(always)]
    pub(crate) fn has_usual_room(&mut self, fiber: &Fiber, bytes: usize) -> bool {
        let needs = bytes + NODE_BYTES;
        u64::from(fiber.count) < self.config.mailbox_messages_max
            && (fiber.count == 0 || fiber.mailbox_bytes + needs as u64 <= self.config.mailbox_bytes_max)
            && self.has_budget(needs)
    }

    /// Whether a mailbox with bounds to look at has room for a message of so many bytes in the receiver's block that is kept
    /// for nobody, not the running fiber either, and the machine for what it takes.
    pub(crate) fn has_free_room(&mut self, slot: u32, bytes: usize) -> bool {
        let needs = bytes + NODE_BYTES;
        !self.fibers.get(self.current).flags.has(Flags::GRANTED)
            && self.has_unusual_room(slot, needs, false)
            && self.has_budget(needs)
    }

    fn has_unusual_room(&mut self, slot: u32, bytes: usize, granted: bool) -> bool {
        if granted {
            return true;
        }
        let (messages_max, bytes_max, _) = self.mailbox_bounds(slot);
        let fiber = self.fibers.get(slot);
        let (mut taken, mut used) = (u64::from(fiber.count), fiber.mailbox_bytes);
        let mut is_empty = taken == 0;
        if let Some(side) = self.fibers.side_of(slot) {
            if !side.mail.waiters.is_empty() {
                return false;
            }
            taken = taken - u64::from(side.mail.system) + side.mail.granted.len() as u64;
            used = used - side.mail.system_bytes + side.mail.granted_bytes;
            is_empty = taken == 0;
        }
        is_empty || (taken < messages_max && used + bytes as u64 <= bytes_max)
    }

    /// What happens to a message for which there is no room: nothing when room could be made.
    fn full(&mut self, to: FiberId, tag: TypeId, bytes: usize, sending: Sending) -> Result<Option<Posted>, PostError> {
        let (_, _, policy) = self.mailbox_bounds(to.slot);
        match policy {
            FullPolicy::Block if sending == Sending::Tries => {
                // A fiber is told, and may try again; an input from outside is lost.
                if !self.in_slice {
                    self.lose(to, tag, LostBecause::MailboxFull);
                }
                Ok(Some(Posted::Rejected))
            }
            FullPolicy::Block if to == self.fibers.id(self.current) => Err(PostError::Overflow),
            FullPolicy::Block => {
                let waiter = self.fibers.id(self.current);
                self.fibers.get_mut(to.slot).flags.set(Flags::BOUNDED, true);
                self.fibers.side_or_new(to.slot).mail.waiters.push_back((waiter, bytes as u64));
                Err(PostError::Full)
            }
            FullPolicy::Reject => {
                self.lose(to, tag, LostBecause::MailboxFull);
                Ok(Some(Posted::Rejected))
            }
            FullPolicy::DropNew => {
                self.lose(to, tag, LostBecause::MailboxFull);
                Ok(Some(Posted::Dropped))
            }
            FullPolicy::DropOld => {
                let (fiber, side) = self.fibers.with_side(to.slot);
                let has_sent = side.is_none_or(|side| fiber.count > side.mail.system);
                let Some(place) = self.messages.find_oldest_sent(self.fibers.get(to.slot)).filter(|_| has_sent) else {
                    self.lose(to, tag, LostBecause::MailboxFull);
                    return Ok(Some(Posted::Dropped));
                };
                let old = self.messages.type_of(place.node);
                self.take_message(to.slot, place).discard(&mut self.shared);
                self.lose(to, old, LostBecause::MailboxFull);
                if self.in_slice {
                    self.saved.fuel -= i64::from(COSTLY_FUEL);
                }
                Ok(None)
            }
            FullPolicy::Exit => {
                self.lose(to, tag, LostBecause::MailboxFull);
                self.doom(to.slot, Cause::Plain(Reason::MailboxOverflow));
                Ok(Some(Posted::Dropped))
            }
        }
    }

    // Senders that wait.

    /// Whether room in a mailbox is kept for the running fiber; from now on it is not.
    fn use_grant(&mut self, slot: u32) -> bool {
        let granted = self.fibers.get_mut(self.current).flags.take(Flags::GRANTED);
        if granted {
            let sender = self.fibers.id(self.current);
            self.fibers.side_or_new(slot).mail.give_up_room(sender);
        }
        granted
    }

    /// Gives up the room that was kept for the running fiber, which cannot send after all.
    pub(crate) fn forgo_grant(&mut self, to: FiberId) {
        let is_bounded = self.fibers.find(to).is_some_and(|fiber| fiber.flags.has(Flags::BOUNDED));
        if is_bounded && self.use_grant(to.slot) {
            self.grant_more(to);
        }
        self.fibers.get_mut(self.current).flags.set(Flags::GRANTED, false);
    }

    /// Wakes others when one for which room was kept has sent, or could not.
    pub(crate) fn grant_more(&mut self, to: FiberId) {
        if self.fibers.is_alive(to) {
            let waits = self.fibers.get(to.slot).state != State::Ready;
            self.grant(to.slot, waits);
        }
    }

    /// Gives back the room that was kept for a fiber that has ended. It stands at its send.
    pub(crate) fn give_back_grant(&mut self, sender: u32) {
        let (id, fiber) = (self.fibers.id(sender), self.fibers.get(sender));
        let send = &self.code[fiber.pc as usize / size_of::<Op>()];
        let to = crate::heap::word::address_of(fiber.block.load(fiber.fp as usize + usize::from(send.b)));
        if self.fibers.is_alive(to) {
            self.fibers.side_or_new(to.slot).mail.give_up_room(id);
            self.grant(to.slot, true);
        }
    }

    /// Wakes senders that wait, the first ones, for as many messages as there is room; unless `now`, only when the mailbox
    /// is half empty, so that one wakes for a good deal of messages.
    pub(crate) fn grant(&mut self, slot: u32, now: bool) {
        let (messages_max, bytes_max, _) = self.mailbox_bounds(slot);
        let fiber = self.fibers.get(slot);
        let (count, used) = (u64::from(fiber.count), fiber.mailbox_bytes);
        let Some(side) = self.fibers.side(slot) else { return };
        let mut taken = count - u64::from(side.mail.system) + side.mail.granted.len() as u64;
        let mut bytes = used - side.mail.system_bytes + side.mail.granted_bytes;
        let mut left = WOKEN_MAX;
        if !now && (taken > messages_max / 2 || bytes > bytes_max / 2) {
            return;
        }
        while let Some((waiter, needs)) = self.fibers.side(slot).and_then(|side| side.mail.waiters.front().copied()) {
            let is_first = taken == 0;
            if left == 0 || (!is_first && (taken >= messages_max || bytes + needs > bytes_max)) {
                break;
            }
            left -= 1;
            let mail = &mut self.fibers.side_or_new(slot).mail;
            mail.waiters.pop_front();
            let is_remote = self.is_remote(waiter);
            if !is_remote && self.config.cluster && !self.fibers.is_alive(waiter) {
                // It may have been one of another node, behind which others wait there.
                self.outputs.push_back(Output::Room { from: waiter, to: self.fibers.id(slot) });
            }
            if !is_remote && self.fibers.find(waiter).is_none_or(|fiber| fiber.state != State::Sending) {
                continue;
            }
            self.fibers.side_or_new(slot).mail.keep_room(waiter, needs);
            if is_remote {
                self.outputs.push_back(Output::Room { from: waiter, to: self.fibers.id(slot) });
            } else {
                self.fibers.get_mut(waiter.slot).flags.set(Flags::GRANTED, true);
                self.wake(waiter.slot);
            }
            (taken, bytes) = (taken + 1, bytes + needs);
        }
        let is_over = self
            .fibers
            .side_of(slot)
            .is_some_and(|side| side.mail.waiters.is_empty() && side.mail.granted.is_empty() && side.limits.is_none());
        if is_over {
            self.fibers.get_mut(slot).flags.set(Flags::BOUNDED, false);
        }
    }

    /// Whether a message that is taken out of a mailbox with bounds to look at may wake those who wait to send.
    #[inline]
    pub(crate) fn may_wake_senders(&self, slot: u32) -> bool {
        let Some(side) = self.fibers.side_of(slot) else { return true };
        if side.limits.is_some() || side.mail.system > 0 {
            return true;
        }
        // As long as nobody waits but some are on their way, there is nothing to be done.
        let is_on_its_way = side.mail.waiters.is_empty() && !side.mail.granted.is_empty();
        !is_on_its_way && u64::from(self.fibers.get(slot).count) <= self.config.mailbox_messages_max / 2 + 1
    }

    /// Takes a message out of a mailbox.
    #[inline]
    pub(crate) fn take_message(&mut self, slot: u32, place: Place) -> Message {
        let (fiber, side) = self.fibers.with_side(slot);
        if !fiber.flags.has(Flags::BOUNDED) {
            return self.messages.take(fiber, place, || side.map(|side| &mut side.mail));
        }
        let Some(side) = side else { return self.messages.take(fiber, place, || None) };
        let usual = self.config.mailbox_messages_max;
        let bound = side.limits.as_ref().map_or(usual, |own| own.mailbox_messages_max);
        let message = self.messages.take(fiber, place, || Some(&mut side.mail));
        // Above a half of its bound nobody is woken, and that is where a mailbox that is flooded mostly is.
        if u64::from(fiber.count - side.mail.system) <= bound / 2 {
            self.grant(slot, false);
        }
        message
    }

    // The outside, and letters to the dead.

    fn post_outside(&mut self, to: FiberId, ty: TypeId, value: u64) -> Posted {
        let mut left = VALUES_BYTES_MAX;
        let value = crate::convert::to_value(self, self.block, value, ty, &mut left);
        self.stats.messages += 1;
        self.outputs.push_back(Output::Message { to, value });
        Posted::Taken(VALUES_BYTES_MAX - left)
    }

    /// Counts a message that nobody gets.
    #[cold]
    pub(crate) fn lose(&mut self, to: FiberId, ty: TypeId, why: LostBecause) {
        let from = self.in_slice.then(|| self.fibers.id(self.current));
        self.lose_from(from, to, ty, why);
    }

    #[cold]
    pub(crate) fn lose_from(&mut self, from: Option<FiberId>, to: FiberId, ty: TypeId, why: LostBecause) {
        self.stats.dead_letters += 1;
        if self.config.watch_dead_letters {
            let message = self.types.get(ty).name.clone();
            self.outputs.push_back(Output::DeadLetter(DeadLetter { from, to, message, why }));
        }
    }

    /// Counts a message that the receiver's door refuses.
    #[cold]
    pub(crate) fn refuse(&mut self, to: FiberId, set: u32, ty: TypeId) {
        let takes = if self.config.watch_dead_letters { self.set_text(set) } else { String::new() };
        self.lose(to, ty, LostBecause::WrongType { takes });
    }

    /// Counts a message of a type that the receiver knows in another shape, which does not fit.
    #[cold]
    pub(crate) fn lose_misfit(&mut self, to: FiberId, from: TypeId, wanted: TypeId, difference: String) {
        let (sent, takes) = (self.types.key(from), self.types.key(wanted));
        self.lose(to, from, LostBecause::Misfit { sent, takes, difference });
    }
}
