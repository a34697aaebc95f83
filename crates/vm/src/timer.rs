//! Timers: a hierarchical wheel of ticks of a millisecond (Varghese and Lauck, "Hashed and hierarchical timing wheels",
//! 1987), so that starting, cancelling and firing cost the same however many there are.
//!
//! The time enters once a batch of slices, and a timer is started somewhere in the batch after it. So it counts from the
//! next time that enters: until then it is *fresh*. That way it never fires early.
//!
//! **Invariant:** timers fire in the order of their ticks, and of their creation within one tick.

use crate::fiber::{FiberId, NONE};
use crate::message::Message;
use crate::slab::Slab;
use crate::types::TypeId;
use std::collections::BTreeMap;

/// Nanoseconds of a tick.
const TICK_NANOS: u64 = 1_000_000;
/// Slots of a level are numbered by so many bits of the tick.
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// So many levels reach every tick that the nanoseconds of a `u64` do.
const LEVELS: usize = 8;
const _: () = assert!(u64::MAX / TICK_NANOS < 1 << (SLOT_BITS as usize * LEVELS));
/// Bytes that a timer counts besides its message.
pub(crate) const TIMER_BYTES: usize = size_of::<Entry>();

/// A timer, by its place in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TimerIndex(u32);

/// A token: the address of the fiber that made it, and its number there.
pub(crate) type Token = (u64, u64);

/// What a timer does.
#[derive(Debug)]
pub(crate) enum Action {
    /// Ends the waiting of the fiber at a place.
    Wake(u32),
    /// Sends a message.
    Send {
        /// To whom.
        to: FiberId,
        /// Its type.
        ty: TypeId,
        /// What.
        message: Message,
        /// Nanoseconds after which it is sent again.
        every: Option<u64>,
        /// The token under which it can be cancelled.
        token: Token,
        /// The next and the one before of those that send to the same fiber.
        siblings: Siblings,
    },
}

/// Neighbours in the list of timers that send to one fiber.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Siblings {
    pub(crate) before: Option<TimerIndex>,
    pub(crate) next: Option<TimerIndex>,
}

#[derive(Default, Debug)]
struct Entry {
    before: u32,
    next: u32,
    list: List,
    /// Nanoseconds to wait while it is fresh, then the tick.
    when: u64,
    /// Which one it was of all that were ever started.
    number: u64,
    /// Nothing in a place that is free.
    action: Option<Action>,
}

/// Which list a timer is in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum List {
    #[default]
    Free,
    Fresh,
    /// Its tick has come.
    Due,
    /// It fires never, and is in no list.
    Never,
    Slot(u8, u8),
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    head: u32,
    tail: u32,
}

impl Ends {
    const EMPTY: Ends = Ends { head: NONE, tail: NONE };
}

/// The timers of a machine.
#[derive(Debug)]
pub(crate) struct Timers {
    entries: Slab<Entry>,
    free: u32,
    fresh: Ends,
    due: Ends,
    slots: Box<[[Ends; SLOTS]; LEVELS]>,
    /// For each level which slots hold a timer.
    occupied: [u64; LEVELS],
    /// The tick up to which slots have been emptied.
    tick: u64,
    started: u64,
    by_token: BTreeMap<Token, TimerIndex>,
    /// Timers that send messages.
    pub(crate) sending: u64,
}

impl Timers {
    pub(crate) fn new() -> Timers {
        Timers {
            entries: Slab::new(),
            free: NONE,
            fresh: Ends::EMPTY,
            due: Ends::EMPTY,
            slots: Box::new([[Ends::EMPTY; SLOTS]; LEVELS]),
            occupied: [0; LEVELS],
            tick: 0,
            started: 0,
            by_token: BTreeMap::new(),
            sending: 0,
        }
    }

    /// Starts a timer that fires after so many nanoseconds, or never.
    pub(crate) fn start(&mut self, nanos: Option<u64>, action: Action) -> TimerIndex {
        self.started += 1;
        let when = nanos.unwrap_or(u64::MAX);
        let entry = Entry { before: NONE, next: NONE, list: List::Never, when, number: self.started, action: Some(action) };
        let index = if self.free == NONE {
            self.entries.add(entry)
        } else {
            let index = self.free;
            self.free = self.entries.get(index).next;
            *self.entries.get_mut(index) = entry;
            index
        };
        if let Some(Action::Send { token, .. }) = self.entries.get(index).action {
            self.by_token.insert(token, TimerIndex(index));
            self.sending += 1;
        }
        if nanos.is_some() {
            self.append(index, List::Fresh);
        }
        TimerIndex(index)
    }

    /// The timer that was started under a token, while it has not fired for the last time.
    pub(crate) fn find(&self, token: Token) -> Option<TimerIndex> {
        self.by_token.get(&token).copied()
    }

    /// Changes the neighbours of a timer that sends.
    pub(crate) fn siblings(&mut self, timer: TimerIndex) -> Option<&mut Siblings> {
        match &mut self.entries.get_mut(timer.0).action {
            Some(Action::Send { siblings, .. }) => Some(siblings),
            Some(Action::Wake(_)) | None => None,
        }
    }

    /// Nanoseconds until a timer fires.
    pub(crate) fn left(&self, timer: TimerIndex, now: u64) -> u64 {
        let entry = self.entries.get(timer.0);
        match entry.list {
            List::Fresh | List::Never => entry.when,
            List::Slot(..) => entry.when.saturating_mul(TICK_NANOS).saturating_sub(now),
            List::Due | List::Free => 0,
        }
    }

    /// Takes a timer away, and gives what it would have done.
    pub(crate) fn cancel(&mut self, timer: TimerIndex) -> Option<Action> {
        self.detach(timer.0);
        self.release(timer.0)
    }

    fn release(&mut self, index: u32) -> Option<Action> {
        let entry = self.entries.get_mut(index);
        entry.next = self.free;
        let action = entry.action.take();
        self.free = index;
        if let Some(Action::Send { token, .. }) = &action {
            self.by_token.remove(token);
            self.sending -= 1;
        }
        action
    }

    /// Lets the time in: what is fresh counts from now on, and what has come is due.
    pub(crate) fn advance(&mut self, now: u64) {
        while self.fresh.head != NONE {
            let index = self.fresh.head;
            self.detach(index);
            let when = now.saturating_add(self.entries.get(index).when).div_ceil(TICK_NANOS);
            self.insert(index, when);
        }
        let tick = now / TICK_NANOS;
        while let Some((level, slot, start)) = self.next_slot() {
            if start > tick {
                break;
            }
            self.tick = start;
            self.empty(level, slot);
        }
        self.tick = self.tick.max(tick);
    }

    /// Whether a timer is due.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.due.head != NONE
    }

    /// The next timer that is due, with its action; it is gone unless it is started anew with [`Timers::again`].
    pub(crate) fn take_due(&mut self) -> Option<(TimerIndex, &Action)> {
        let index = self.due.head;
        if index == NONE {
            return None;
        }
        self.detach(index);
        let action = self.entries.get(index).action.as_ref()?;
        Some((TimerIndex(index), action))
    }

    /// Gives up a timer that was taken.
    pub(crate) fn finish(&mut self, timer: TimerIndex) -> Option<Action> {
        self.release(timer.0)
    }

    /// Starts a timer that was taken once more: so long after it was to fire, or as many times that as have passed.
    pub(crate) fn again(&mut self, timer: TimerIndex, nanos: u64) {
        let ticks = nanos.div_ceil(TICK_NANOS).max(1);
        let when = self.entries.get(timer.0).when;
        let missed = self.tick.saturating_sub(when) / ticks;
        self.insert(timer.0, when.saturating_add(ticks.saturating_mul(missed + 1)));
    }

    /// When the time is wanted at the latest, in nanoseconds.
    pub(crate) fn next_timeout(&self, now: u64) -> Option<u64> {
        if self.fresh.head != NONE || self.due.head != NONE {
            return Some(now);
        }
        self.next_slot().map(|(_, _, start)| start.saturating_mul(TICK_NANOS))
    }

    /// The first slot that holds a timer: its level, its number, and the tick at which it has to be emptied.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        // A slot of a lower level always comes before one of a higher: what is nearer than that is in no higher level.
        let level = self.occupied.iter().position(|occupied| *occupied != 0)?;
        let shift = SLOT_BITS * level as u32;
        let current = (self.tick >> shift) as usize % SLOTS;
        let ahead = self.occupied[level].rotate_right(current as u32).trailing_zeros() as usize;
        let slot = (current + ahead) % SLOTS;
        let start = ((self.tick >> shift) + ahead as u64) << shift;
        Some((level, slot, start.max(self.tick)))
    }

    /// Distributes the timers of a slot whose time has come: to lower levels, or to those that are due.
    fn empty(&mut self, level: usize, slot: usize) {
        let mut index = std::mem::replace(&mut self.slots[level][slot], Ends::EMPTY).head;
        self.occupied[level] &= !(1 << slot);
        let mut due = Vec::new();
        while index != NONE {
            let entry = self.entries.get(index);
            let (when, next) = (entry.when, entry.next);
            if when <= self.tick {
                due.push((entry.number, index));
            } else {
                self.insert(index, when);
            }
            index = next;
        }
        // Those that came down from higher levels may be older than those that were here.
        due.sort_unstable();
        for (_, index) in due {
            self.append(index, List::Due);
        }
    }

    fn insert(&mut self, index: u32, when: u64) {
        self.entries.get_mut(index).when = when;
        // One that is over already waits for the tick at hand, which is emptied next.
        let distance = (when.max(self.tick) ^ self.tick) | (SLOTS as u64 - 1);
        let level = ((63 - distance.leading_zeros()) / SLOT_BITS) as usize;
        let slot = (when.max(self.tick) >> (SLOT_BITS * level as u32)) as usize % SLOTS;
        self.append(index, List::Slot(level as u8, slot as u8));
    }

    fn ends(&mut self, list: List) -> &mut Ends {
        match list {
            List::Slot(level, slot) => &mut self.slots[usize::from(level)][usize::from(slot)],
            List::Due => &mut self.due,
            List::Fresh | List::Never | List::Free => &mut self.fresh,
        }
    }

    fn append(&mut self, index: u32, list: List) {
        let ends = self.ends(list);
        let tail = std::mem::replace(&mut ends.tail, index);
        if tail == NONE {
            ends.head = index;
        } else {
            self.entries.get_mut(tail).next = index;
        }
        let entry = self.entries.get_mut(index);
        (entry.before, entry.next, entry.list) = (tail, NONE, list);
        if let List::Slot(level, slot) = list {
            self.occupied[usize::from(level)] |= 1 << slot;
        }
    }

    fn detach(&mut self, index: u32) {
        let Entry { before, next, list, .. } = *self.entries.get(index);
        self.entries.get_mut(index).list = List::Free;
        if matches!(list, List::Free | List::Never) {
            return;
        }
        if before == NONE {
            self.ends(list).head = next;
        } else {
            self.entries.get_mut(before).next = next;
        }
        if next == NONE {
            self.ends(list).tail = before;
        } else {
            self.entries.get_mut(next).before = before;
        }
        if let List::Slot(level, slot) = list
            && self.ends(list).head == NONE
        {
            self.occupied[usize::from(level)] &= !(1 << slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    fn fired(timers: &mut Timers, now: u64) -> Vec<u32> {
        timers.advance(now);
        let mut all = Vec::new();
        while let Some((timer, action)) = timers.take_due() {
            if let Action::Wake(slot) = action {
                all.push(*slot);
            }
            timers.finish(timer);
        }
        all
    }

    #[test]
    fn none_fires_early_and_each_counts_from_the_time_after_its_start() {
        let mut timers = Timers::new();
        timers.advance(10 * MILLI);
        timers.start(Some(5 * MILLI), Action::Wake(1));
        assert_eq!(timers.next_timeout(10 * MILLI), Some(10 * MILLI), "the time is wanted at once");
        assert_eq!(fired(&mut timers, 12 * MILLI + 1), []);
        assert_eq!(fired(&mut timers, 17 * MILLI), []);
        assert_eq!(fired(&mut timers, 18 * MILLI - 1), []);
        assert_eq!(fired(&mut timers, 18 * MILLI), [1]);
        assert_eq!(timers.next_timeout(18 * MILLI), None);
        // Found in review: one without an end was one of 584 years, for which a program waited that never went on.
        let never = timers.start(None, Action::Wake(2));
        assert_eq!(timers.next_timeout(18 * MILLI), None);
        assert_eq!(fired(&mut timers, u64::MAX), []);
        assert!(timers.cancel(never).is_some());
    }

    /// The wheel against a sorted list: random starts, cancels and jumps of the time, over all levels.
    #[test]
    fn the_wheel_fires_what_a_sorted_list_fires() {
        let mut state = 1u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        for _ in 0..30 {
            let (mut timers, mut list, mut now, mut next) = (Timers::new(), Vec::new(), 0u64, 0u32);
            for _ in 0..400 {
                for _ in 0..random() % 4 {
                    let nanos = (random() << (random() % 20)) % (1 << 50);
                    let timer = timers.start(Some(nanos), Action::Wake(next));
                    list.push((None, next, nanos, timer));
                    next += 1;
                }
                if random() % 4 == 0 && !list.is_empty() {
                    let (_, _, _, timer) = list.swap_remove(random() as usize % list.len());
                    assert!(timers.cancel(timer).is_some());
                }
                now += (random() << (random() % 22)) % (1 << 48);
                for (tick, _, nanos, _) in &mut list {
                    tick.get_or_insert((now + *nanos).div_ceil(MILLI));
                }
                list.sort_by_key(|(tick, number, _, _)| (*tick, *number));
                let due = list.iter().take_while(|(tick, ..)| *tick <= Some(now / MILLI)).count();
                let wanted: Vec<u32> = list.drain(..due).map(|(_, number, ..)| number).collect();
                assert_eq!(fired(&mut timers, now), wanted, "at {now}");
                let first = list.first().and_then(|(tick, ..)| *tick).map(|tick| tick * MILLI);
                let wanted_at = timers.next_timeout(now);
                assert_eq!(first.is_some(), wanted_at.is_some());
                assert!(wanted_at <= first, "woken too late: {wanted_at:?} for {first:?}");
            }
        }
    }

    #[test]
    fn one_that_repeats_keeps_its_distance_and_skips_what_it_missed() {
        let mut timers = Timers::new();
        timers.start(Some(3 * MILLI), Action::Wake(0));
        let mut at = Vec::new();
        for now in [0, 3, 4, 6, 20, 21, 22, 24, 34, 35, 36] {
            timers.advance(now * MILLI);
            while let Some((timer, _)) = timers.take_due() {
                at.push(now);
                timers.again(timer, 3 * MILLI);
            }
        }
        // At 20 those of 9 to 18 are one, at 34 those of 27 to 33; the next ones come at their times.
        assert_eq!(at, [3, 6, 20, 21, 24, 34, 36]);
    }
}
