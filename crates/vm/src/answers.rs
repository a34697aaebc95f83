//! Answers that come as messages.
//!
//! The program says what message comes when the time is over. A timer holds it, under the token of the request; what comes
//! to the slot first is put into a field of it, and then it comes at once.
//!
//! **Invariant:** while a slot delivers, a timer has its token: when one of the two is over, so is the other.

use crate::core::Core;
use crate::exit::{Cause, ErrorKind, Failure};
use crate::fiber::FiberId;
use crate::heap::fragment::{Fragment, relocate};
use crate::heap::word::{self, TAG_INT, TAG_MASK, address_word};
use crate::mailbox::Origin;
use crate::message::Message;
use crate::runtime::object::fields_header;
use crate::ties::Slot;
use crate::types::TypeId;
use fardel_bytecode::types::Repr;
use std::rc::Rc;

/// A field whose type is an answer, as `fardel_bytecode::system::answer` says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerField {
    /// The tuple, record, object or variant that has it.
    pub(crate) layout: TypeId,
    /// Which one, in the order of their declaration.
    pub(crate) index: u8,
}

impl Core {
    /// Has what comes to a slot sent to its fiber in a field of a message; if nothing comes in so many nanoseconds, the message
    /// itself.
    pub(crate) fn deliver_answer(
        &mut self,
        slot: u32,
        number: u64,
        field: AnswerField,
        message: Message,
        nanos: Option<u64>,
    ) {
        let ty = self.types.sum_of(field.layout);
        if let Some(open @ Slot::Open) = self.slot_at(slot, number) {
            *open = Slot::Delivers(field);
            let id = self.fibers.id(slot);
            self.start_timer((id, ty, message), nanos, None, (address_word(id), number));
            return;
        }
        match self.close_slot(slot, number) {
            Some(answer) => self.send_answer(slot, ty, message, field, answer),
            None => message.discard(&mut self.shared),
        }
    }

    /// Whether a slot delivers, so that a timer has its token.
    pub(crate) fn is_delivery(&mut self, fiber: FiberId, number: u64) -> bool {
        self.fibers.is_alive(fiber) && matches!(self.slot_at(fiber.slot, number), Some(Slot::Delivers(_)))
    }

    /// Sends what has come to a slot that delivers.
    pub(crate) fn answer_delivery(&mut self, slot: u32, number: u64, field: AnswerField, answer: Slot) {
        self.close_slot(slot, number);
        let token = (address_word(self.fibers.id(slot)), number);
        match self.take_timer(token) {
            Some((ty, message)) => self.send_answer(slot, ty, message, field, answer),
            None => debug_assert!(false, "a slot that delivers has a timer"),
        }
    }

    fn send_answer(&mut self, slot: u32, ty: TypeId, message: Message, field: AnswerField, answer: Slot) {
        let (word, mut fragment) = match answer {
            Slot::Replied(reply) => self.reply_answer(field, reply),
            Slot::Gone(cause) => self.gone_answer(field, cause),
            Slot::Open | Slot::Delivers(_) => return message.discard(&mut self.shared),
        };
        let (root, sent) = message.into_fragment(&mut self.scratch, &mut self.shared);
        let root = relocate(root, fragment.append(&sent, &mut self.shared));
        sent.discard(&mut self.shared);
        let place = self.types.layout(field.layout).and_then(|layout| layout.fields.get(usize::from(field.index)));
        if let Some(place) = place {
            fragment.set(root, usize::from(place.word), word);
        }
        self.notify(slot, Message::Fragment(root, fragment), ty, Origin::System);
    }

    /// The first variant of the answer, with a reply.
    fn reply_answer(&mut self, field: AnswerField, reply: Message) -> (u64, Fragment) {
        let variant = self.field_type(field.layout, field.index) + 1;
        let wanted = self.field_type(variant, 0);
        let (root, mut fragment) = reply.into_fragment(&mut self.scratch, &mut self.shared);
        if !self.root_is(root, &fragment, wanted) {
            let seen = self.root_type(root, &fragment).map_or("an option", |ty| &self.types.get(ty).name);
            let message = format!("{seen}, wanted {}", self.types.get(wanted).name);
            fragment.discard(&mut self.shared);
            let kind = ErrorKind::BadCast;
            let failure = Failure { kind, name: kind.name().to_owned(), message, trace: Vec::new() };
            return self.gone_answer(field, Cause::Failed(Rc::new(failure)));
        }
        let value = match self.types.repr(wanted) {
            Repr::Word => root,
            Repr::Bool => u64::from(root == word::TRUE),
            Repr::Int if root & TAG_MASK == TAG_INT => word::int_of(root) as u64,
            Repr::Int | Repr::Float => fragment.words()[root as usize / 8 + 1],
        };
        (fragment.push(fields_header(&self.types, variant), &[value]), fragment)
    }

    /// The second variant of the answer, with the reason why there is no reply.
    fn gone_answer(&mut self, field: AnswerField, cause: Cause) -> (u64, Fragment) {
        let variant = self.field_type(field.layout, field.index) + 2;
        let gone = self.field_type(variant, 0) + 1;
        let mut fragment = Fragment::default();
        let reason = self.reason_word(&cause, &mut fragment);
        cause.discard(&mut self.shared);
        let error = fragment.push(fields_header(&self.types, gone), &[reason]);
        (fragment.push(fields_header(&self.types, variant), &[error]), fragment)
    }

    fn field_type(&self, layout: TypeId, index: u8) -> TypeId {
        let place = self.types.layout(layout).and_then(|layout| layout.fields.get(usize::from(index)));
        place.map_or(fardel_bytecode::types::NULL.0, |place| place.ty)
    }
}
