//! Fibers of other nodes, as partners of those here: each that is known has a place in the table of fibers, so that an
//! address is an address, and what ties fibers to each other ties them to these as well.
//!
//! **Invariant:** of a fiber that is tied to one of another node, that node hears when it ends; and the other way round.

use crate::config::FullPolicy;
use crate::core::Core;
use crate::deliver::Sending;
use crate::door::{HostCallId, LostBecause, Output, SendError, Signal};
use crate::exit::{Cause, ExitReason};
use crate::fiber::{FiberId, Flags, State};
use crate::heap::fragment::Fragment;
use crate::heap::word::{Header, Kind, address_word};
use crate::mailbox::NODE_BYTES;
use crate::message::Message;
use crate::packed::{self, Packed};
use crate::sets::{Admission, EVERYTHING};
use crate::ties::Slot;
use crate::types::TypeId;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types;

/// Who is named as the sender of what no fiber sends: a timer, or the outside.
const NOBODY: FiberId = FiberId { slot: 0, generation: 0 };

impl Core {
    /// Gives a fiber of another node a place, if there is one.
    pub(crate) fn open_remote(&mut self) -> Option<FiberId> {
        if !self.has_budget(self.fibers.growth_bytes()) {
            return None;
        }
        let slot = self.fibers.add()?;
        let fiber = self.fibers.get_mut(slot);
        fiber.state = State::Remote;
        fiber.set = EVERYTHING;
        self.ports += 1;
        Some(self.fibers.id(slot))
    }

    /// Whether an address is that of a fiber of another node that lives, as far as is known.
    #[inline]
    pub(crate) fn is_remote(&self, id: FiberId) -> bool {
        self.fibers.is_alive(id) && self.fibers.get(id.slot).state == State::Remote
    }

    // What leaves.

    /// Has a signal of the running fiber leave.
    pub(crate) fn signal_out(&mut self, to: FiberId, signal: Signal<'static>, bytes: u64) {
        let from = if self.in_slice { self.fibers.id(self.current) } else { NOBODY };
        self.outputs.push_back(Output::Signal { from, to, signal, bytes });
    }

    /// Sends a value that counts so many bytes to a fiber of another node, for which there is room on the way.
    pub(crate) fn send_far(&mut self, to: FiberId, value: Packed<'static>, bytes: usize, sending: Sending) {
        self.stats.messages += 1;
        let fiber = self.fibers.get_mut(to.slot);
        fiber.count += 1;
        fiber.mailbox_bytes += bytes as u64;
        let signal = match sending {
            Sending::Waits | Sending::Tries => Signal::Message(value),
            Sending::Asks(number) => Signal::Request { number, value },
        };
        self.signal_out(to, signal, bytes as u64);
    }

    /// Gives a message of the machine's own to a fiber of another node.
    pub(crate) fn notify_remote(&mut self, to: FiberId, message: Message) {
        let (root, fragment) = message.into_fragment(&mut self.scratch, &mut self.shared);
        let value = packed::write(self, fragment.words(), &[(root, types::ANY.0)]);
        fragment.discard(&mut self.shared);
        self.stats.messages += 1;
        match value {
            Ok(value) => {
                // Nobody can be made to wait, but it counts as any other: its node tells that it was taken.
                let bytes = value.len() + NODE_BYTES;
                let fiber = self.fibers.get_mut(to.slot);
                fiber.count += 1;
                fiber.mailbox_bytes += bytes as u64;
                self.signal_out(to, Signal::Message(value), bytes as u64);
            }
            Err(_) => self.lose_from(None, to, types::ANY.0, LostBecause::NoFiber),
        }
    }

    /// Sends an exit signal to a fiber of another node.
    pub(crate) fn signal_exit(&mut self, to: FiberId, from: Option<FiberId>, cause: Cause) {
        let reason = self.reason_told(&cause);
        cause.discard(&mut self.shared);
        let from = from.unwrap_or(NOBODY);
        self.outputs.push_back(Output::Signal { from, to, signal: Signal::Exit(reason), bytes: 0 });
    }

    /// Tells another node of a link that is new, or over.
    pub(crate) fn signal_link(&mut self, from: FiberId, to: FiberId, is_new: bool) {
        if self.is_remote(to) {
            let signal = if is_new { Signal::Link } else { Signal::Unlink };
            self.outputs.push_back(Output::Signal { from, to, signal, bytes: 0 });
        }
    }

    /// Asks another node, once, to tell of the end of one of its fibers.
    pub(crate) fn want_watch(&mut self, remote: FiberId) {
        if !self.is_remote(remote) {
            return;
        }
        let flags = &mut self.fibers.get_mut(remote.slot).flags;
        if !flags.has(Flags::WATCHED) {
            flags.set(Flags::WATCHED, true);
            self.outputs.push_back(Output::Watch { remote });
        }
    }

    /// Tells another node of the end of a fiber.
    pub(crate) fn tell_gone(&mut self, to: FiberId, fiber: FiberId, cause: &Cause) {
        let reason = self.reason_told(cause);
        self.outputs.push_back(Output::Gone { to, fiber, reason });
    }

    // What enters.

    /// Takes a signal of a fiber of another node.
    pub(crate) fn signal_in(&mut self, from: FiberId, to: FiberId, signal: &Signal<'_>) -> Result<(), SendError> {
        match signal {
            Signal::Message(value) => self.message_in(from, to, value),
            Signal::Request { number, value } => self.request_in(from, to, *number, value),
            Signal::Refused { number, reason } => {
                let cause = self.cause_of(reason.clone());
                if let Err(Slot::Gone(cause)) = self.answer_slot(to, *number, Slot::Gone(cause)) {
                    cause.discard(&mut self.shared);
                }
                Ok(())
            }
            Signal::Reply { number, value } => self.reply_in(to, *number, value),
            Signal::Exit(reason) => {
                let cause = self.cause_of(reason.clone());
                self.signal(to, Some(from), cause);
                Ok(())
            }
            Signal::Link => {
                let is_there = self.fibers.is_alive(to) && self.is_remote(from) && self.has_room_for_ties();
                if is_there {
                    self.note_link(to, from);
                } else {
                    self.tell_gone(from, to, &Cause::Plain(Reason::NoProc));
                }
                Ok(())
            }
            Signal::Unlink => {
                if self.fibers.is_alive(to) {
                    self.drop_link(to.slot, from);
                }
                Ok(())
            }
        }
    }

    /// Takes a message of a fiber of another node, by the rules of a send: it says of which static type it is. One for which there
    /// is no room is kept for nobody, and its sender is told when there is.
    fn message_in(&mut self, from: FiberId, to: FiberId, value: &Packed<'_>) -> Result<(), SendError> {
        let Some(fiber) = self.fibers.find(to) else {
            self.stats.dead_letters += 1;
            return Err(SendError::NoFiber(to));
        };
        let (state, set) = (fiber.state, fiber.set);
        let (slot, ty, mut fragment) = self.unpack_one(value)?;
        let root = self.word_of(slot, ty, &mut fragment);
        if state == State::Outside {
            self.notify_outside(to, Message::of(root, fragment));
            return Ok(());
        }
        match self.admit_root(set, ty, root, &fragment) {
            Admission::As(tag) => self.put_in(from, to, tag, Message::of(root, fragment)),
            Admission::Convert { from: known, to: wanted } => {
                let converted = crate::fit::convert(self, &fragment, root, known, wanted);
                fragment.discard(&mut self.shared);
                match converted {
                    Ok((root, fragment)) => self.put_in(from, to, wanted, Message::of(root, fragment)),
                    Err(difference) => {
                        self.lose_misfit(to, known, wanted, difference);
                        Ok(())
                    }
                }
            }
            Admission::Refused(known) => {
                fragment.discard(&mut self.shared);
                self.refuse(to, set, known);
                let (wanted, seen) = (self.set_text(set), self.types.get(known).name.clone());
                Err(SendError::WrongType { to, wanted, seen })
            }
        }
    }

    fn put_in(&mut self, from: FiberId, to: FiberId, tag: TypeId, message: Message) -> Result<(), SendError> {
        if !self.has_room_from(from, to, &message) {
            message.discard(&mut self.shared);
            return Err(SendError::Waits(to));
        }
        self.put_from_outside(to, tag, message)
    }

    /// Takes a request; whoever asked is told at its slot when it is refused.
    fn request_in(&mut self, from: FiberId, to: FiberId, number: u64, value: &Packed<'_>) -> Result<(), SendError> {
        let taken = self.message_in(from, to, value);
        let reason = match &taken {
            Ok(()) | Err(SendError::NoFiber(_) | SendError::Waits(_)) => return taken,
            Err(SendError::MailboxFull(_) | SendError::NoMemory) => ExitReason::MailboxOverflow,
            Err(SendError::WrongType { .. } | SendError::Unreadable(_)) => ExitReason::Denied,
        };
        let signal = Signal::Refused { number, reason };
        self.outputs.push_back(Output::Signal { from: to, to: from, signal, bytes: 0 });
        taken
    }

    /// A fiber of another node waits for room in a mailbox no longer, or has nothing to send into the room that was kept.
    pub(crate) fn withdraw(&mut self, from: FiberId, to: FiberId) {
        if !self.fibers.is_alive(to) || !self.fibers.get(to.slot).flags.has(Flags::BOUNDED) {
            return;
        }
        let mail = &mut self.fibers.side_or_new(to.slot).mail;
        mail.waiters.retain(|(waiter, _)| *waiter != from);
        mail.give_up_room(from);
        self.grant_more(to);
    }

    fn reply_in(&mut self, to: FiberId, number: u64, value: &Packed<'_>) -> Result<(), SendError> {
        if !self.is_slot_open(to, number) {
            self.lose_from(None, to, types::ANY.0, LostBecause::NoRequest);
            return Ok(());
        }
        let (slot, ty, mut fragment) = self.unpack_one(value)?;
        let root = self.word_of(slot, ty, &mut fragment);
        if !self.has_budget(fragment.bytes() + NODE_BYTES) {
            fragment.discard(&mut self.shared);
            self.lose_from(None, to, types::ANY.0, LostBecause::NoRequest);
            return Err(SendError::NoMemory);
        }
        // It is open, as was just seen.
        let _ = self.answer_slot(to, number, Slot::Replied(Message::of(root, fragment)));
        Ok(())
    }

    /// Whether there is room for a message of a fiber of another node, which else is told when there is.
    pub(crate) fn has_room_from(&mut self, from: FiberId, to: FiberId, message: &Message) -> bool {
        if self.fibers.find(to).is_none() {
            return true;
        }
        let bytes = message.bytes(&self.scratch) + NODE_BYTES;
        if self.fibers.get(to.slot).flags.has(Flags::BOUNDED) {
            self.fibers.side_or_new(to.slot).mail.give_up_room(from);
        }
        let (_, _, policy) = self.mailbox_bounds(to.slot);
        if policy != FullPolicy::Block || self.has_mailbox_room(to.slot, bytes, false) {
            return true;
        }
        self.fibers.get_mut(to.slot).flags.set(Flags::BOUNDED, true);
        self.fibers.side_or_new(to.slot).mail.waiters.push_back((from, bytes as u64));
        false
    }

    /// Another node wants to hear of a fiber's end.
    pub(crate) fn watch_from(&mut self, by: FiberId, fiber: FiberId) {
        if self.fibers.is_alive(fiber) && self.is_remote(by) && self.has_room_for_ties() {
            self.note_watcher(fiber, (address_word(by), 0));
        } else {
            self.tell_gone(by, fiber, &Cause::Plain(Reason::NoProc));
        }
    }

    /// A fiber of another node has ended.
    pub(crate) fn remote_gone(&mut self, remote: FiberId, reason: ExitReason) {
        if !self.is_remote(remote) {
            return;
        }
        let cause = self.cause_of(reason);
        let fiber = self.fibers.get_mut(remote.slot);
        (fiber.count, fiber.mailbox_bytes) = (0, 0);
        self.ports -= 1;
        self.end(remote.slot, cause, None);
    }

    /// A fiber of another node cannot be reached any more: what is tied to it is told, and its messages are lost.
    pub(crate) fn remote_lost(&mut self, remote: FiberId) {
        if !self.is_remote(remote) {
            return;
        }
        self.give_up_claims(remote.slot);
        let cause = Cause::Plain(Reason::NoConnection);
        while self.cut_tie(remote.slot, &cause) {}
        self.fibers.get_mut(remote.slot).flags.set(Flags::WATCHED, false);
        let fiber = self.fibers.get(remote.slot);
        self.remote_taken(remote, fiber.count, fiber.mailbox_bytes);
    }

    /// Messages to a fiber of another node have been taken.
    pub(crate) fn remote_taken(&mut self, remote: FiberId, messages: u32, bytes: u64) {
        if !self.is_remote(remote) {
            return;
        }
        let fiber = self.fibers.get_mut(remote.slot);
        fiber.count = fiber.count.saturating_sub(messages);
        fiber.mailbox_bytes = fiber.mailbox_bytes.saturating_sub(bytes);
        if fiber.flags.has(Flags::BOUNDED) {
            self.grant(remote.slot, false);
        }
    }

    /// What became of a fiber that was to be started on another node. One that is linked is so before its end is told.
    pub(crate) fn spawned(&mut self, call: HostCallId, result: Result<FiberId, (String, String)>, linked: bool) {
        let Some(slot) = self.waits_for_call(call) else { return };
        let started = result.as_ref().ok().copied().filter(|_| linked);
        let mut fragment = Fragment::default();
        let word = match result {
            Ok(fiber) => address_word(fiber),
            Err((kind, message)) => {
                let kind = crate::convert::add_bytes(self, true, kind.as_bytes(), &mut fragment);
                let message = crate::convert::add_bytes(self, true, message.as_bytes(), &mut fragment);
                fragment.push(Header::new(Kind::Fields, types::ERROR.0, 2, 2), &[kind, message])
            }
        };
        self.put_result(slot, Ok((word, fragment)));
        if let Some(started) = started {
            self.link_started(slot, started);
        }
    }
}
