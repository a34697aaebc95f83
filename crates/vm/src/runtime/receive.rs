//! Taking messages out of the own mailbox: the first one, the first of a type, or the first that the program wants.

use super::Cx;
use super::carry::As;
use crate::exit::ErrorKind;
use crate::fiber::{Flags, NONE, State, Wake};
use crate::heap::word::{NULL, is_reference};
use crate::interp::Stop;
use crate::mailbox::{Cursor, DROPPED, NODE_BYTES, Place};
use crate::timer::Action;
use crate::types::TypeId;

const MILLI_NANOS: u64 = 1_000_000;

/// Nanoseconds of so many milliseconds.
pub(crate) fn nanos(millis: i64) -> u64 {
    (millis.max(0) as u64).saturating_mul(MILLI_NANOS)
}

impl Cx<'_> {
    /// Looks for a message of the type in the extension behind a place.
    fn find(&mut self, before: u32) -> Result<Place, u32> {
        let slot = self.core.current;
        let found = self.core.messages.find(self.core.fibers.get(slot), before, self.extra as TypeId);
        // Looking over a message is work on its record.
        self.charge(found.passed * NODE_BYTES);
        found.place
    }

    /// Takes the message at a place, as an option if one is wanted.
    fn take(&mut self, place: Place, wanted: As) -> Result<u64, Stop> {
        let bytes = self.core.messages.bytes_of(place.node) + wanted.spare_bytes();
        if bytes > 0 {
            self.reserve(bytes)?;
        }
        let message = self.core.take_message(self.core.current, place);
        self.put(message, wanted)
    }

    /// Whether the time of a wait is over, or there was none to begin with; if not, the clock runs.
    pub(super) fn is_over(&mut self, millis: i64, is_select: bool) -> bool {
        let slot = self.core.current;
        if let Some(side) = self.core.fibers.side(slot) {
            match side.wake {
                // It belongs to a selective receive that was left.
                Some(wake) if wake.is_select != is_select => self.core.cancel_wake(slot),
                Some(wake) if wake.has_fired => {
                    side.wake = None;
                    return true;
                }
                Some(_) | None => {}
            }
        }
        if millis == 0 {
            return true;
        }
        let runs = self.core.fibers.side_of(slot).is_some_and(|side| side.wake.is_some());
        if millis > 0 && !runs {
            let timer = self.core.timers.start(Some(nanos(millis)), Action::Wake(slot));
            self.core.fibers.side_or_new(slot).wake = Some(Wake { timer, is_select, has_fired: false });
        }
        false
    }

    /// Stops the clock of a wait that has ended otherwise.
    pub(super) fn stop_clock(&mut self) {
        let slot = self.core.current;
        if self.core.fibers.get(slot).side != NONE {
            self.core.cancel_wake(slot);
        }
    }

    fn listen<T>(&mut self) -> Result<T, Stop> {
        self.core.park_as = State::Listening;
        Err(Stop::Parked)
    }
}

impl crate::core::Core {
    /// Stops the timer that would end a fiber's waiting.
    pub(crate) fn cancel_wake(&mut self, slot: u32) {
        let wake = self.fibers.side(slot).and_then(|side| side.wake.take());
        if let Some(wake) = wake.filter(|wake| !wake.has_fired) {
            self.timers.cancel(wake.timer);
        }
    }
}

/// `a` := the first message of the type in the extension; waits for one.
pub(crate) fn await_recv(cx: &mut Cx<'_>) -> Result<(), Stop> {
    if let Some(word) = cx.landed()? {
        cx.set_a(word);
        return Ok(());
    }
    match cx.find(NONE) {
        Ok(place) => {
            // The sender has paid for the message; whether it came while this fiber waited must make no difference.
            let word = cx.take(place, As::Value)?;
            cx.set_a(word);
            Ok(())
        }
        Err(_) => Err(Stop::Waiting),
    }
}

/// `a` := the first message of the type in the extension as an option, or null after so many milliseconds as `a` says.
pub(crate) fn await_recv_until(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let millis = cx.a() as i64;
    let mut option = cx.landed()?;
    if option.is_none()
        && let Ok(place) = cx.find(NONE)
    {
        option = Some(cx.take(place, As::Option)?);
    }
    if let Some(option) = option {
        cx.stop_clock();
        cx.set_a(option);
        return Ok(());
    }
    if cx.is_over(millis, false) {
        cx.stop_clock();
        cx.set_a(NULL);
        return Ok(());
    }
    cx.listen()
}

/// `a` := the first message as an option, if there is one.
pub(crate) fn poll(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let option = match cx.landed()? {
        Some(option) => option,
        None => match cx.find(NONE) {
            Ok(place) => cx.take(place, As::Option)?,
            Err(_) => NULL,
        },
    };
    cx.set_a(option);
    Ok(())
}

// Selective receive.

/// Puts the cursor before the first message, or before the first that came after the token `a`.
pub(crate) fn select_from(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (slot, token) = (cx.core.current, cx.a());
    cx.stop_clock();
    let is_token = is_reference(token) && cx.header(token).is(crate::heap::word::Kind::Ref);
    let number = if is_token { cx.own_token(token) } else { None };
    let mail = &mut cx.core.fibers.side_or_new(slot).mail;
    let before = number.map_or(NONE, |number| mail.marked(number));
    mail.cursor = Some(Cursor { before, at: NONE });
    cx.core.fibers.get_mut(slot).flags.set(Flags::MARKED, true);
    Ok(())
}

impl Cx<'_> {
    fn cursor(&mut self) -> Cursor {
        let slot = self.core.current;
        self.core.fibers.get_mut(slot).flags.set(Flags::MARKED, true);
        let mail = &mut self.core.fibers.side_or_new(slot).mail;
        *mail.cursor.get_or_insert(Cursor { before: NONE, at: NONE })
    }

    fn set_cursor(&mut self, cursor: Option<Cursor>) {
        let slot = self.core.current;
        let mail = &mut self.core.fibers.side_or_new(slot).mail;
        mail.cursor = cursor;
        let has_places = mail.has_places();
        self.core.fibers.get_mut(slot).flags.set(Flags::MARKED, has_places);
    }

    /// The cursor, when a message was looked at.
    fn looked_at(&mut self) -> Result<Cursor, Stop> {
        let cursor = self.core.fibers.side_of(self.core.current).and_then(|side| side.mail.cursor);
        match cursor.filter(|cursor| cursor.at != NONE) {
            Some(cursor) => Ok(cursor),
            None => self.trap(ErrorKind::NoSelection),
        }
    }

    /// A copy of the first message of the type in the extension from the cursor on.
    fn peek(&mut self, wanted: As) -> Result<Option<u64>, Stop> {
        if let Some(word) = self.landed()? {
            return Ok(Some(word));
        }
        let cursor = self.cursor();
        match self.find(cursor.before) {
            Ok(place) => {
                let bytes = self.core.messages.bytes_of(place.node);
                self.reserve(bytes + wanted.spare_bytes())?;
                self.charge(bytes);
                self.set_cursor(Some(Cursor { before: place.before, at: place.node }));
                let message = self.core.messages.copy_of(place.node, &mut self.core.shared);
                self.put(message, wanted).map(Some)
            }
            Err(last) => {
                self.set_cursor(Some(Cursor { before: last, at: NONE }));
                Ok(None)
            }
        }
    }
}

/// `a` := the first message of the type in the extension from the cursor on; waits for one.
pub(crate) fn select_peek(cx: &mut Cx<'_>) -> Result<(), Stop> {
    match cx.peek(As::Value)? {
        Some(word) => {
            cx.set_a(word);
            Ok(())
        }
        None => cx.listen(),
    }
}

/// As [`select_peek`], as an option; null after so many milliseconds as `a` says.
pub(crate) fn select_peek_until(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let millis = cx.a() as i64;
    if let Some(option) = cx.peek(As::Option)? {
        cx.set_a(option);
        return Ok(());
    }
    if cx.is_over(millis, true) {
        cx.stop_clock();
        cx.set_a(NULL);
        return Ok(());
    }
    cx.listen()
}

/// Takes the message that was looked at last out of the mailbox.
pub(crate) fn select_take(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let slot = cx.core.current;
    let cursor = cx.looked_at()?;
    // A full mailbox may have dropped it meanwhile; its value was taken over all the same.
    if cursor.at != DROPPED {
        let place = Place { before: cursor.before, node: cursor.at };
        cx.core.take_message(slot, place).discard(&mut cx.core.shared);
    }
    cx.stop_clock();
    cx.set_cursor(None);
    Ok(())
}

/// Goes on behind the message that was looked at last.
pub(crate) fn select_next(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let cursor = cx.looked_at()?;
    let before = if cursor.at == DROPPED { cursor.before } else { cursor.at };
    cx.set_cursor(Some(Cursor { before, at: NONE }));
    Ok(())
}
