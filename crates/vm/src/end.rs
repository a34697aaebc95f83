//! The end of a fiber: its memory goes at once, whoever has to know is told, a piece at a time.
//!
//! **Invariant:** nobody finds a fiber any more from when it ends, though the others may still be told of it.

use crate::convert::VALUES_BYTES_MAX;
use crate::core::Core;
use crate::door::{LostBecause, Output};
use crate::exit::{Cause, ExitReason, Payload, is_failure};
use crate::fiber::{FiberId, Flags, NONE, State};
use crate::heap::block::header;
use crate::heap::fragment::{Fragment, relocate};
use crate::mailbox::Origin;
use crate::value::Value;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types;

/// Messages, ties and waiting senders that one slice of an ended fiber deals with: some tens of microseconds.
const STEPS_MAX: usize = 256;

/// Bytes of a reason whose copy counts as one more of these.
const STEP_BYTES: usize = 4096;

impl Core {
    /// Ends a fiber that is not in the run queue.
    pub(crate) fn end(&mut self, slot: u32, cause: Cause, result: Option<Value>) {
        let fiber = self.fibers.get(slot);
        let is_alone = fiber.side == NONE && fiber.head == NONE && !fiber.flags.has(Flags::GRANTED);
        if is_alone && !is_failure(cause.kind()) {
            self.pool.give(fiber.block);
            self.fibers.remove(slot);
            cause.discard(&mut self.shared);
            return;
        }
        let id = self.fibers.id(slot);
        self.stop_waiting(slot);
        self.give_up_claims(slot);
        let mut watched = false;
        if let Some(side) = self.fibers.side(slot) {
            watched = side.watched;
            self.drop_carried(slot);
            self.clear_side(slot);
        }
        let fiber = self.fibers.get_mut(slot);
        let is_remote = fiber.state == State::Remote;
        fiber.state = State::Ending;
        let block = std::mem::replace(&mut fiber.block, crate::heap::block::Block::NONE);
        self.pool.give(block);
        if !is_remote && (watched || is_failure(cause.kind())) {
            let reason = self.reason_told(&cause);
            self.outputs.push_back(Output::Exited { fiber: id, reason, result });
        }
        self.end_more(slot, cause);
    }

    /// Gives up what of a fiber's side record belongs to its code and its names.
    fn clear_side(&mut self, slot: u32) {
        let block = self.fibers.get(slot).block;
        let Some(side) = self.fibers.side(slot) else { return };
        let (shared_refs, reply) = (std::mem::take(&mut side.shared_refs), side.reply.take());
        let (call, exit) = (side.call.take(), side.exit.take());
        side.bulk = None;
        for offset in shared_refs {
            self.shared.release(block.load(offset as usize + 8) as u32);
        }
        if let Some(Ok((_, fragment))) = reply {
            fragment.discard(&mut self.shared);
        }
        if let Some(call) = call {
            self.calls_open.remove(&call);
        }
        if let Some(exit) = exit {
            exit.discard(&mut self.shared);
        }
    }

    /// Goes on ending a fiber; it is put into the run queue when that is not all.
    pub(crate) fn end_more(&mut self, slot: u32, cause: Cause) {
        if self.end_some(slot, &cause) {
            cause.discard(&mut self.shared);
            self.fibers.remove(slot);
            return;
        }
        self.fibers.side_or_new(slot).exit = Some(cause);
        self.queue.push(&mut self.fibers, slot);
    }

    /// Does some of what is to be done; whether nothing is left.
    fn end_some(&mut self, slot: u32, cause: &Cause) -> bool {
        if !self.drop_unread(slot) {
            return false;
        }
        // Each that is told gets a copy of the reason.
        let steps = STEPS_MAX / (1 + cause.bytes() / STEP_BYTES);
        for _ in 0..steps.max(1) {
            let does = self.release_waiter(slot) || self.release_name(slot) || self.drop_timer(slot);
            if !does && !self.cut_tie(slot, cause) {
                return true;
            }
        }
        false
    }

    /// Gives up some of the messages that nobody will take any more; whether none is left.
    fn drop_unread(&mut self, slot: u32) -> bool {
        let id = self.fibers.id(slot);
        for _ in 0..STEPS_MAX {
            let Some((message, sent)) = self.messages.take_unread(self.fibers.get_mut(slot)) else { return true };
            message.discard(&mut self.shared);
            if let Some(ty) = sent {
                self.lose_from(None, id, ty, LostBecause::NoFiber);
            }
        }
        false
    }

    /// Wakes one of those that wait to send to a fiber that has ended; they find it gone.
    fn release_waiter(&mut self, slot: u32) -> bool {
        let Some((waiter, _)) = self.fibers.side(slot).and_then(|side| side.mail.waiters.pop_front()) else { return false };
        if self.is_remote(waiter) || (self.config.cluster && !self.fibers.is_alive(waiter)) {
            self.outputs.push_back(Output::Room { from: waiter, to: self.fibers.id(slot) });
        } else if self.fibers.find(waiter).is_some_and(|fiber| fiber.state == State::Sending) {
            self.wake(waiter.slot);
        }
        true
    }

    /// Lets a fiber that waits for something wait no longer.
    fn stop_waiting(&mut self, slot: u32) {
        self.cancel_wake(slot);
        if self.fibers.get_mut(slot).flags.take(Flags::GRANTED) {
            self.give_back_grant(slot);
        }
    }

    /// Sends an exit signal. `from` is whose it is, if a fiber's.
    pub(crate) fn signal(&mut self, to: FiberId, from: Option<FiberId>, cause: Cause) {
        let Some(fiber) = self.fibers.find(to) else {
            cause.discard(&mut self.shared);
            return;
        };
        let traps = fiber.flags.has(Flags::TRAPS_EXITS);
        if fiber.state == State::Remote {
            self.signal_exit(to, from, cause);
        } else if cause.kind() == Reason::Kill {
            // It cannot be withstood, and others see that it was not the fiber's own wish.
            self.doom(to.slot, Cause::Plain(Reason::Killed));
        } else if traps {
            self.tell_exit(to.slot, from.unwrap_or(FiberId { slot: 0, generation: 0 }), &cause, Origin::System);
            cause.discard(&mut self.shared);
        } else if cause.kind() != Reason::Normal {
            self.doom(to.slot, cause);
        }
    }

    /// Has a fiber end at its next turn.
    pub(crate) fn doom(&mut self, slot: u32, cause: Cause) {
        let fiber = self.fibers.get_mut(slot);
        let has_no_code = matches!(fiber.state, State::Outside | State::Remote);
        if has_no_code || fiber.flags.has(Flags::DOOMED) {
            cause.discard(&mut self.shared);
            return;
        }
        fiber.flags.set(Flags::DOOMED, true);
        let is_ready = fiber.state == State::Ready;
        self.fibers.side_or_new(slot).exit = Some(cause);
        if !is_ready {
            self.wake(slot);
        }
    }

    /// Puts a fiber that waits into the run queue.
    #[inline]
    pub(crate) fn wake(&mut self, slot: u32) {
        self.fibers.get_mut(slot).state = State::Ready;
        self.queue.push(&mut self.fibers, slot);
    }

    /// A reason as the driver is told.
    pub(crate) fn reason_told(&mut self, cause: &Cause) -> ExitReason {
        cause.told(|payload| self.payload_value(payload))
    }

    /// The value of a payload, as it is outside.
    pub(crate) fn payload_value(&mut self, payload: &Payload) -> Value {
        let top = header::HEAP;
        let Ok(block) = self.take_block(top + payload.fragment.bytes()) else { return Value::Null };
        let mut refs = Vec::new();
        let delta = payload.fragment.adopt_copy(block, top, Some(&mut refs), &mut self.shared);
        let word = relocate(payload.root, delta);
        let value = crate::convert::to_value(self, block, word, types::ANY.0, &mut { VALUES_BYTES_MAX });
        for offset in refs {
            self.shared.release(block.load(offset as usize + 8) as u32);
        }
        self.pool.give(block);
        value
    }

    /// A reason from outside.
    pub(crate) fn cause_of(&mut self, reason: ExitReason) -> Cause {
        let kind = reason.kind();
        if let ExitReason::Error(failure) = reason {
            return Cause::Failed(std::rc::Rc::new(failure));
        }
        let ExitReason::ShutdownWith(value) = reason else { return Cause::Plain(kind) };
        let mut fragment = Fragment::default();
        match crate::convert::from_value(self, &value, types::ANY.0, &mut fragment) {
            Ok(root) => Cause::With(std::rc::Rc::new(Payload { root, fragment })),
            Err(_) => {
                fragment.discard(&mut self.shared);
                Cause::Plain(Reason::Shutdown)
            }
        }
    }
}
