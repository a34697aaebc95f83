//! Timers that send messages.

use super::Cx;
use super::fibers::TOKEN;
use super::receive::nanos;
use crate::core::Core;
use crate::exit::ErrorKind;
use crate::fiber::{FiberId, State};
use crate::heap::word::{self, NULL, small_int};
use crate::interp::Stop;
use crate::mailbox::Origin;
use crate::message::Message;
use crate::sets::{Admission, EVERYTHING};
use crate::timer::{Action, Siblings, TIMER_BYTES, TimerIndex, Token};
use crate::types::TypeId;
use fardel_bytecode::types;

/// Timers that fire before one slice: some tens of microseconds.
const FIRED_MAX: usize = 256;
/// Bytes of a message whose copy counts as one more of these.
const STEP_BYTES: usize = 4096;
/// The bit of the extension that says that a timer repeats; below it is the message's type.
pub(crate) const REPEATS: u64 = 1 << 32;

/// `a` := the token of a timer that sends `b` to the fiber `c` after `d` milliseconds.
pub(crate) fn timer_start(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (ty, repeats) = (cx.extra as u32 as TypeId, cx.extra & REPEATS != 0);
    let (to, millis) = (word::address_of(cx.c()), cx.d() as i64);
    // First of all, as nothing else may happen while a copy is under way.
    let message = cx.carry_to_keep(ty, cx.b())?;
    if let Err(stop) = cx.reserve_timer(millis, repeats) {
        if stop == Stop::NeedSpace {
            cx.keep_carried(message);
        } else {
            message.discard(&mut cx.core.shared);
        }
        return Err(stop);
    }
    let mut tag = ty;
    if ty == types::ANY.0
        && let Admission::As(known) = cx.core.admit(EVERYTHING, ty, cx.b())
    {
        tag = known;
    }
    let (token, number) = cx.add_token();
    if !cx.core.fibers.is_alive(to) {
        // Nobody would get it.
        message.discard(&mut cx.core.shared);
        cx.set_a(token);
        return Ok(());
    }
    let every = repeats.then(|| nanos(millis));
    cx.core.start_timer((to, tag, message), Some(nanos(millis)), every, (cx.core.current_address, number));
    cx.set_a(token);
    Ok(())
}

impl Cx<'_> {
    /// Makes sure that a timer of so many milliseconds may be started, and that there is room for its token.
    fn reserve_timer(&mut self, millis: i64, repeats: bool) -> Result<(), Stop> {
        let least = i64::from(repeats);
        if millis < least {
            return self.trap_with(ErrorKind::OutOfRange, format!("{millis} milliseconds, {least} at least"));
        }
        self.allow_timer()?;
        self.reserve(TOKEN.bytes())
    }

    /// Makes sure that another timer may be started.
    pub(super) fn allow_timer(&mut self) -> Result<(), Stop> {
        let running = self.core.timers.sending;
        if running < self.core.config.timers_max {
            return Ok(());
        }
        self.trap_with(ErrorKind::SystemLimit, format!("{running} timers run, as many as there may"))
    }
}

/// `a` := the milliseconds that were left to the timer of the token `b`, which is over now; null when it was already.
pub(crate) fn timer_cancel(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let token = cx.b();
    let (of, number) = (cx.field(token, 0), cx.field(token, 1));
    // Whoever is asked has the token of the request as well.
    let may = of == cx.core.current_address || !cx.core.is_delivery(word::address_of(of), number);
    let left = cx.core.timers.find((of, number)).filter(|_| may).map(|timer| {
        let left = cx.core.timers.left(timer, cx.core.now);
        cx.core.remove_timer(timer);
        left.div_ceil(nanos(1))
    });
    // Nanoseconds of 64 bits are milliseconds of less than 61.
    cx.set_a(left.and_then(|left| small_int(left as i64)).unwrap_or(NULL));
    Ok(())
}

impl Core {
    /// Starts a timer that sends a message to a fiber that is alive, for the first time after so many nanoseconds, or never.
    pub(crate) fn start_timer(
        &mut self,
        (to, ty, message): (FiberId, TypeId, Message),
        nanos: Option<u64>,
        every: Option<u64>,
        token: Token,
    ) {
        self.timer_bytes += (TIMER_BYTES + message.bytes(&self.scratch)) as u64;
        let next = self.fibers.side_or_new(to.slot).timers;
        let siblings = Siblings { before: None, next };
        let timer = self.timers.start(nanos, Action::Send { to, ty, message, every, token, siblings });
        if let Some(siblings) = next.and_then(|next| self.timers.siblings(next)) {
            siblings.before = Some(timer);
        }
        self.fibers.side_or_new(to.slot).timers = Some(timer);
    }

    /// Ends the timer of a token, and gives what it would have sent, with its type.
    pub(crate) fn take_timer(&mut self, token: Token) -> Option<(TypeId, Message)> {
        let timer = self.timers.find(token)?;
        let action = self.timers.cancel(timer);
        self.unlist_timer(action)
    }

    /// Ends a timer that sends.
    fn remove_timer(&mut self, timer: TimerIndex) {
        let action = self.timers.cancel(timer);
        self.forget_timer(action);
    }

    /// Forgets a timer that is over, with the slot whose answers it had to send.
    fn forget_timer(&mut self, action: Option<Action>) {
        if let Some(Action::Send { to, token: (of, number), .. }) = action
            && of == word::address_word(to)
            && self.is_delivery(to, number)
        {
            self.close_slot(to.slot, number);
        }
        if let Some((_, message)) = self.unlist_timer(action) {
            message.discard(&mut self.shared);
        }
    }

    /// Takes a timer that is over out of its fiber's list; what it sent, with its type.
    fn unlist_timer(&mut self, action: Option<Action>) -> Option<(TypeId, Message)> {
        let Action::Send { to, ty, message, siblings, .. } = action? else { return None };
        self.timer_bytes -= (TIMER_BYTES + message.bytes(&self.scratch)) as u64;
        match siblings.before.and_then(|before| self.timers.siblings(before)) {
            Some(before) => before.next = siblings.next,
            None => {
                if let Some(side) = self.fibers.side(to.slot) {
                    side.timers = siblings.next;
                }
            }
        }
        if let Some(next) = siblings.next.and_then(|next| self.timers.siblings(next)) {
            next.before = siblings.before;
        }
        Some((ty, message))
    }

    /// Ends one of the timers that send to a fiber which has ended; whether there was one.
    pub(crate) fn drop_timer(&mut self, slot: u32) -> bool {
        let Some(timer) = self.fibers.side(slot).and_then(|side| side.timers) else { return false };
        self.remove_timer(timer);
        true
    }

    /// Fires some of the timers that are due.
    pub(crate) fn fire_timers(&mut self) {
        let mut steps = 0;
        while steps < FIRED_MAX {
            steps += 1;
            let Some((timer, action)) = self.timers.take_due() else { return };
            match action {
                Action::Wake(slot) => {
                    let slot = *slot;
                    self.timers.finish(timer);
                    if let Some(wake) = self.fibers.side(slot).and_then(|side| side.wake.as_mut()) {
                        wake.has_fired = true;
                    }
                    // Others do not wait for it: they were woken meanwhile, or have left a selective receive.
                    if matches!(self.fibers.get(slot).state, State::Listening | State::AtSlot) {
                        self.wake(slot);
                    }
                }
                Action::Send { to, ty, message, every, .. } => {
                    let (to, ty, every) = (*to, *ty, *every);
                    let bytes = message.bytes(&self.scratch);
                    let message = message.again(&mut self.shared);
                    steps += bytes / STEP_BYTES;
                    match every {
                        Some(nanos) => self.timers.again(timer, nanos),
                        None => {
                            let action = self.timers.finish(timer);
                            self.forget_timer(action);
                        }
                    }
                    self.notify(to.slot, message, ty, Origin::System);
                }
            }
        }
    }
}
