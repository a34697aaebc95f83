//! Sending messages, asking and answering.

use super::Cx;
use super::fibers::{Arrived, TOKEN};
use super::receive::nanos;
use crate::answers::AnswerField;
use crate::deliver::{PostError, Posted, Sending};
use crate::door::{LostBecause, Signal};
use crate::exit::{Cause, ErrorKind};
use crate::fiber::{FiberId, Flags, State};
use crate::heap::PIECE_BYTES;
use crate::heap::word::{self, NULL};
use crate::interp::Stop;
use crate::message::Message;
use crate::packed;
use crate::ties::Slot;
use crate::types::TypeId;
use fardel_bytecode::isa::COSTLY_FUEL;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types;

impl Cx<'_> {
    /// Sends the value in slot `a`, of the type in the extension; as `sending` says.
    fn post(&mut self, to: FiberId, sending: Sending) -> Result<Posted, Stop> {
        let posted = self.post_as_it_is(to, sending)?;
        if !matches!(posted, Posted::Taken(_)) {
            self.core.saved.fuel -= i64::from(COSTLY_FUEL);
        }
        Ok(posted)
    }

    fn post_as_it_is(&mut self, to: FiberId, sending: Sending) -> Result<Posted, Stop> {
        let (ty, value) = (self.extra as TypeId, self.a());
        if self.core.is_remote(to) {
            return self.post_far(to, sending);
        }
        if !self.is_carrying()
            && let Some(posted) = self.core.post_at_once(to, ty, value)
        {
            if let Posted::Taken(bytes) = posted {
                self.charge(bytes);
            }
            return Ok(posted);
        }
        let mut message = match self.carry(ty, value) {
            Ok(message) => message,
            Err(stop) => {
                if stop == Stop::Trap {
                    self.core.forgo_grant(to);
                }
                return Err(stop);
            }
        };
        let is_large = matches!(message, Message::Fragment(..));
        match self.core.post(to, ty, value, &mut message, sending) {
            Ok(posted) => {
                if let Posted::Taken(bytes) = posted
                    && !is_large
                {
                    self.charge(bytes);
                }
                Ok(posted)
            }
            Err(PostError::Full) => {
                if is_large {
                    self.keep_carried(message);
                } else {
                    message.discard(&mut self.core.shared);
                }
                self.core.park_as = State::Sending;
                Err(Stop::Parked)
            }
            Err(PostError::Overflow) => {
                message.discard(&mut self.core.shared);
                self.core.exit = Cause::Plain(Reason::MailboxOverflow);
                Err(Stop::Exit)
            }
            Err(PostError::Copy(error)) => self.copy_failed(error),
        }
    }
}

impl Cx<'_> {
    /// As [`Cx::post`], to a fiber of another node.
    fn post_far(&mut self, to: FiberId, sending: Sending) -> Result<Posted, Stop> {
        let (ty, slot) = (self.extra as TypeId, self.a());
        let value = match packed::write(self.core, self.block(), &[(slot, ty)]) {
            Ok(value) => value,
            Err(name) => {
                self.core.forgo_grant(to);
                return self.trap_with(ErrorKind::NotSendable, name);
            }
        };
        match self.core.post_far(to, ty, value, sending) {
            Ok(posted) => {
                if let Posted::Taken(bytes) = posted {
                    self.charge(bytes);
                }
                Ok(posted)
            }
            Err(PostError::Full) => {
                self.core.park_as = State::Sending;
                Err(Stop::Parked)
            }
            Err(PostError::Overflow) => unreachable!("nobody is a fiber of another node"),
            Err(PostError::Copy(error)) => self.copy_failed(error),
        }
    }
}

/// Sends `a`, of the type in the extension, to the fiber `b`.
pub(crate) fn send(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.post(word::address_of(cx.b()), Sending::Waits).map(|_| ())
}

/// `a` := whether `a`, of the type in the extension, was taken by the fiber in the next slot.
pub(crate) fn try_send(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let posted = cx.post(word::address_of(cx.arg(1)), Sending::Tries)?;
    let taken = matches!(posted, Posted::Taken(_) | Posted::Dropped);
    cx.set_a(u64::from(taken));
    Ok(())
}

/// Sends the request `a`, of the type in the extension, to the fiber `b`, and opens a slot for the token `c`.
pub(crate) fn remote_call(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let slot = cx.core.current;
    let Some(number) = cx.own_token(cx.c()).filter(|number| !cx.core.is_in_use(slot, *number)) else {
        return cx.trap(ErrorKind::NoRequest);
    };
    // One for which room was kept has asked before it waited: a trap now would leave that room to nobody. Nor may there be a
    // trap in the middle of a copy.
    if !cx.core.fibers.get(slot).flags.has(Flags::GRANTED) && !cx.is_carrying() {
        cx.reserve_slot()?;
    }
    let to = word::address_of(cx.b());
    let posted = cx.post(to, Sending::Asks(number))?;
    cx.core.open_slot(slot, number, to);
    let refused = match posted {
        Posted::Taken(_) | Posted::Dead => return Ok(()),
        Posted::Refused => Reason::Denied,
        Posted::Dropped | Posted::Rejected => Reason::MailboxOverflow,
    };
    let own = cx.core.fibers.id(slot);
    // The slot was opened just now, or is closed already by the other's end.
    let _ = cx.core.answer_slot(own, number, Slot::Gone(Cause::Plain(refused)));
    Ok(())
}

/// `a` and the slot behind it := what has come to the slot of the token `a`, and how.
pub(crate) fn await_reply(cx: &mut Cx<'_>) -> Result<(), Stop> {
    const REPLY: u64 = 0;
    const TIME_OVER: u64 = 1;
    const GONE: u64 = 2;
    let millis = cx.arg(1) as i64;
    let Some(number) = cx.own_token(cx.a()) else { return cx.trap(ErrorKind::NoRequest) };
    let (value, status) = match cx.at_slot(number, millis)? {
        Arrived::NoSlot => return cx.trap(ErrorKind::NoRequest),
        Arrived::TimeOver => (NULL, TIME_OVER),
        Arrived::Reply(value) => (value, REPLY),
        Arrived::Gone(reason) => (reason, GONE),
    };
    cx.set_a(value);
    cx.set_arg(1, status);
    Ok(())
}

/// Has what comes to the slot of the token `c` sent to this fiber in a field of the message `a`, which itself comes after
/// `b` milliseconds. The extension has the field, in its lower eight bits, and whose it is.
pub(crate) fn deliver(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let field = AnswerField { layout: (cx.extra >> 8) as TypeId, index: cx.extra as u8 };
    let (slot, millis) = (cx.core.current, cx.b() as i64);
    let Some(number) = cx.own_token(cx.c()) else { return cx.trap(ErrorKind::NoRequest) };
    if !cx.is_carrying() {
        if cx.kind(cx.a()).is_none() || cx.header(cx.a()).ty() != field.layout {
            return cx.trap(ErrorKind::BadVariant);
        }
        let delivers = matches!(cx.core.slot_at(slot, number), None | Some(Slot::Delivers(_)));
        // A program may have made a slot under the token of a timer.
        if delivers || cx.core.timers.find((cx.core.current_address, number)).is_some() {
            return cx.trap(ErrorKind::NoRequest);
        }
    }
    let message = cx.carry_to_keep(cx.core.types.sum_of(field.layout), cx.a())?;
    let waits = matches!(cx.core.slot_at(slot, number), Some(Slot::Open));
    // All of it is copied when the answer comes.
    let allowed = match message.kept_bytes() {
        0..=PIECE_BYTES if waits => cx.allow_timer(),
        0..=PIECE_BYTES => Ok(()),
        bytes => {
            let message = format!("a message of {bytes} bytes for an answer, {PIECE_BYTES} at most");
            cx.trap_with(ErrorKind::SystemLimit, message)
        }
    };
    if let Err(stop) = allowed {
        message.discard(&mut cx.core.shared);
        return Err(stop);
    }
    cx.core.deliver_answer(slot, number, field, message, (millis >= 0).then(|| nanos(millis)));
    Ok(())
}

impl Cx<'_> {
    fn lose_reply(&mut self, to: FiberId) {
        self.core.saved.fuel -= i64::from(COSTLY_FUEL);
        self.core.lose(to, types::ANY.0, LostBecause::NoRequest);
    }
}

/// Answers the request of the token `b` with `a`.
pub(crate) fn reply(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let token = cx.b();
    let (to, number) = (word::address_of(cx.field(token, 0)), cx.field(token, 1));
    if cx.core.is_remote(to) {
        return reply_remote(cx, to, number);
    }
    if !cx.is_carrying() && !cx.core.is_slot_open(to, number) {
        cx.lose_reply(to);
        return Ok(());
    }
    let message = cx.carry_to_keep(types::ANY.0, cx.a())?;
    if !cx.core.is_slot_open(to, number) {
        message.discard(&mut cx.core.shared);
        cx.lose_reply(to);
        return Ok(());
    }
    // It is open, as was just seen.
    let _ = cx.core.answer_slot(to, number, Slot::Replied(message));
    Ok(())
}

/// Answers the request of a fiber of another node.
fn reply_remote(cx: &mut Cx<'_>, to: FiberId, number: u64) -> Result<(), Stop> {
    let value = packed::write(cx.core, cx.block(), &[(cx.a(), types::ANY.0)]);
    match value {
        Ok(value) => {
            cx.charge(value.len());
            cx.core.stats.messages += 1;
            cx.core.signal_out(to, Signal::Reply { number, value }, 0);
            Ok(())
        }
        Err(name) => cx.trap_with(ErrorKind::NotSendable, name),
    }
}

/// `a` := a fresh token.
pub(crate) fn new_ref(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.reserve(TOKEN.bytes())?;
    let (token, _) = cx.add_token();
    cx.set_a(token);
    Ok(())
}
