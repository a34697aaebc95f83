//! What the machine itself sends: that a fiber has ended, exit signals as messages, and what timers send.
//!
//! **Invariant:** whoever watches another hears of its end, however short memory is.

use crate::core::Core;
use crate::door::LostBecause;
use crate::exit::Cause;
use crate::fiber::{FiberId, State};
use crate::heap::fragment::{Fragment, relocate};
use crate::heap::word::{Header, Kind, NULL, TAG_VARIANT, address_word, numbered};
use crate::mailbox::{NODE_BYTES, Origin};
use crate::message::Message;
use crate::sets::Admission;
use crate::types::TypeId;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types;

/// Messages of the machine's own up to this size are taken whatever memory there is; ties and timers, which have them sent,
/// are held to it.
const NOTICE_BYTES_FREE: usize = 4096;

impl Core {
    /// Tells a fiber that one that it watches has ended.
    pub(crate) fn tell_down(&mut self, slot: u32, number: u64, ended: FiberId, cause: &Cause) {
        let mut fragment = Fragment::default();
        let reason = self.reason_word(cause, &mut fragment);
        let own = address_word(self.fibers.id(slot));
        let monitor = fragment.push(Header::new(Kind::Ref, types::REF.0, 2, 0), &[own, number]);
        let header = Header::new(Kind::Fields, self.system.down, 3, 3);
        let root = fragment.push(header, &[monitor, address_word(ended), reason]);
        self.notify(slot, Message::Fragment(root, fragment), self.system.down, Origin::Monitor(number));
    }

    /// Tells a fiber that traps exits of a signal.
    pub(crate) fn tell_exit(&mut self, slot: u32, from: FiberId, cause: &Cause, origin: Origin) {
        let mut fragment = Fragment::default();
        let reason = self.reason_word(cause, &mut fragment);
        let header = Header::new(Kind::Fields, self.system.exit, 2, 2);
        let root = fragment.push(header, &[address_word(from), reason]);
        self.notify(slot, Message::Fragment(root, fragment), self.system.exit, origin);
    }

    /// A reason as a value of the type `Reason`.
    pub(crate) fn reason_word(&mut self, cause: &Cause, fragment: &mut Fragment) -> u64 {
        let variant = |reason: Reason| self.system.reason + 1 + reason as u32;
        match cause {
            Cause::Plain(reason) => numbered(TAG_VARIANT, variant(*reason)),
            Cause::With(payload) => {
                let header = Header::new(Kind::Fields, variant(Reason::ShutdownWith), 1, 1);
                let delta = fragment.append(&payload.fragment, &mut self.shared);
                fragment.push(header, &[relocate(payload.root, delta)])
            }
            Cause::Failed(failure) => {
                let header = Header::new(Kind::Fields, variant(Reason::Error), 3, 3);
                let kind = crate::convert::add_bytes(self, true, failure.name.as_bytes(), fragment);
                let message = crate::convert::add_bytes(self, true, failure.message.as_bytes(), fragment);
                let lines: Vec<u64> = failure
                    .trace
                    .iter()
                    .map(|frame| crate::convert::add_bytes(self, true, frame.to_string().as_bytes(), fragment))
                    .collect();
                let storage = if lines.is_empty() {
                    NULL
                } else {
                    fragment.push(Header::scanned(Kind::Storage, 0, lines.len()), &lines)
                };
                let list = Header::new(Kind::List, types::LIST_TEXT.0, 2, 1);
                let trace = fragment.push(list, &[storage, lines.len() as u64]);
                fragment.push(header, &[kind, message, trace])
            }
        }
    }

    /// Puts a message of the machine's own into a mailbox: it passes the bound for those that are sent.
    /// Whether it was taken.
    pub(crate) fn notify(&mut self, slot: u32, message: Message, ty: TypeId, origin: Origin) -> bool {
        let to = self.fibers.id(slot);
        let (state, set) = (self.fibers.get(slot).state, self.fibers.get(slot).set);
        if state == State::Outside {
            self.notify_outside(to, message);
            return true;
        }
        if state == State::Remote {
            self.notify_remote(to, message);
            return true;
        }
        if state == State::Ending {
            // A timer fires at one that is still telling of its end.
            message.discard(&mut self.shared);
            return false;
        }
        let (message, tag) = match self.admit_known(set, ty) {
            Admission::As(tag) => (message, tag),
            Admission::Convert { from, to: wanted } => match self.converted(message, from, wanted) {
                Ok(converted) => (converted, wanted),
                Err(difference) => {
                    self.lose_misfit(to, from, wanted, difference);
                    return false;
                }
            },
            Admission::Refused(_) => {
                message.discard(&mut self.shared);
                self.refuse(to, set, ty);
                return false;
            }
        };
        let bytes = message.bytes(&self.scratch) + NODE_BYTES;
        // Whoever watches must hear of an end also when memory is short, which may be the reason for it.
        let has_budget = bytes <= NOTICE_BYTES_FREE || self.has_budget(bytes);
        let side = self.fibers.side_or_new(slot);
        let overflows = u64::from(side.mail.system) >= self.config.system_messages_max;
        if overflows || !has_budget {
            message.discard(&mut self.shared);
            self.lose(to, ty, LostBecause::MailboxFull);
            let reason = if overflows { Reason::MailboxOverflow } else { Reason::OutOfMemory };
            self.doom(slot, Cause::Plain(reason));
            return false;
        }
        self.stats.messages += 1;
        side.mail.system += 1;
        side.mail.system_bytes += bytes as u64;
        self.messages.push(self.fibers.get_mut(slot), message, tag, origin);
        if matches!(state, State::Waiting | State::Listening) && self.listens(slot, tag) {
            self.wake(slot);
        }
        true
    }

    /// A message of a timer whose type the receiver knows in another shape, in that one.
    fn converted(&mut self, message: Message, from: TypeId, to: TypeId) -> Result<Message, String> {
        let (root, sent) = message.into_fragment(&mut self.scratch, &mut self.shared);
        let converted = crate::fit::convert(self, &sent, root, from, to);
        sent.discard(&mut self.shared);
        converted.map(|(root, fragment)| Message::of(root, fragment))
    }
}
