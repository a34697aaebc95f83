//! The outside as a partner of fibers: messages that come in, and mailboxes of its own.

use crate::convert::from_value;
use crate::core::Core;
use crate::deliver::{PostError, Posted, Sending};
use crate::door::{Output, SendError};
use crate::exit::Payload;
use crate::fiber::{FiberId, State};
use crate::heap::fragment::Fragment;
use crate::message::Message;
use crate::sets::EVERYTHING;
use crate::value::Value;
use fardel_bytecode::types;

impl Core {
    /// Takes a message from outside: as the first of the receiver's types that it is a value of.
    pub(crate) fn message_from_outside(&mut self, to: FiberId, value: &Value) -> Result<(), SendError> {
        let Some(fiber) = self.fibers.find(to) else {
            self.stats.dead_letters += 1;
            return Err(SendError::NoFiber(to));
        };
        let set = fiber.set;
        if fiber.state == State::Outside {
            self.outputs.push_back(Output::Message { to, value: value.clone() });
            return Ok(());
        }
        let candidates = if set == EVERYTHING { vec![types::ANY.0] } else { self.sets.types(set).to_vec() };
        let mut wrong = None;
        for ty in candidates {
            let mut fragment = Fragment::default();
            match from_value(self, value, ty, &mut fragment) {
                Ok(slot) => {
                    let root = self.word_of(slot, ty, &mut fragment);
                    let tag = if ty == types::ANY.0 { self.type_of_value(value) } else { ty };
                    return self.put_from_outside(to, tag, Message::of(root, fragment));
                }
                Err(mismatch) => {
                    fragment.discard(&mut self.shared);
                    wrong.get_or_insert(mismatch);
                }
            }
        }
        self.stats.dead_letters += 1;
        let seen = wrong.map_or("", |mismatch| mismatch.seen).to_owned();
        let wanted = if set == EVERYTHING { "Any".to_owned() } else { self.set_text(set) };
        Err(SendError::WrongType { to, wanted, seen })
    }

    /// Gives a message from outside to a fiber, as one of a type.
    pub(crate) fn put_from_outside(&mut self, to: FiberId, tag: u32, message: Message) -> Result<(), SendError> {
        match self.post_message(to, tag, message, Sending::Tries) {
            Ok(Posted::Taken(_) | Posted::Dropped) => Ok(()),
            Ok(Posted::Dead | Posted::Refused) => Err(SendError::NoFiber(to)),
            Ok(Posted::Rejected) | Err(PostError::Full | PostError::Overflow) => Err(SendError::MailboxFull(to)),
            Err(PostError::Copy(_)) => {
                self.stats.dead_letters += 1;
                Err(SendError::NoMemory)
            }
        }
    }

    /// Gives a message of the machine's own to the outside.
    pub(crate) fn notify_outside(&mut self, to: FiberId, message: Message) {
        let (root, fragment) = message.into_fragment(&mut self.scratch, &mut self.shared);
        let payload = Payload { root, fragment };
        let value = self.payload_value(&payload);
        payload.fragment.discard(&mut self.shared);
        self.stats.messages += 1;
        self.outputs.push_back(Output::Message { to, value });
    }

    /// Opens a mailbox of the outside, if there is a place.
    pub(crate) fn open_port(&mut self) -> Option<FiberId> {
        let slot = self.fibers.add()?;
        let fiber = self.fibers.get_mut(slot);
        fiber.state = State::Outside;
        fiber.set = EVERYTHING;
        self.ports += 1;
        Some(self.fibers.id(slot))
    }

    /// Closes it; what is sent there from now on is a dead letter, and who watches it is told.
    pub(crate) fn close_port(&mut self, port: FiberId) {
        if self.fibers.find(port).is_some_and(|fiber| fiber.state == State::Outside) {
            self.ports -= 1;
            self.end(port.slot, crate::exit::Cause::NORMAL, None);
        }
    }
}
