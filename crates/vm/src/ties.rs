//! What ties fibers to each other: links, monitors, and the slots of replies and of ends that are waited for.
//!
//! Each tie is noted at both of its ends, so that whichever fiber ends first finds it.
//!
//! **Invariant:** no tie names a fiber that has ended and told of it.

use crate::answers::AnswerField;
use crate::core::Core;
use crate::door::LostBecause;
use crate::exit::Cause;
use crate::fiber::{FiberId, Flags, NONE, State};
use crate::heap::word::{address_of, address_word};
use crate::mailbox::Origin;
use crate::message::Message;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that a tie counts at each of its ends: an entry of a tree that has many, besides [`TREE_BYTES`].
pub(crate) const TIE_BYTES: usize = 64;
/// Bytes of the first leaf of a tree of links, of watchers, and of watches: it has room for eleven entries.
const TREE_BYTES: [u64; 3] = [104, 192, 832];
const _: () = assert!(11 * (size_of::<u64>() + size_of::<Watch>()) + 16 <= TREE_BYTES[2] as usize);
/// Slots that one fiber may have open: a program that asks and never waits for answers is told before memory is short.
pub(crate) const SLOTS_MAX: usize = 1 << 16;

/// The ties of one fiber.
#[derive(Debug, Default)]
pub(crate) struct Ties {
    /// Addresses of the fibers that it is linked with.
    links: BTreeSet<u64>,
    /// What it watches, by the numbers of its own tokens.
    watches: BTreeMap<u64, Watch>,
    /// How many of these are slots.
    slots: usize,
    /// Who watches it: the watcher's address, and the number of its token.
    watchers: BTreeSet<(u64, u64)>,
}

impl Ties {
    /// How many links there are, watchers, and watches.
    pub(crate) fn counts(&self) -> [usize; 3] {
        [self.links.len(), self.watchers.len(), self.watches.len()]
    }

    /// Addresses of the fibers that it is linked with.
    pub(crate) fn linked(&self) -> impl Iterator<Item = u64> + '_ {
        self.links.iter().copied()
    }

    /// Addresses of the fibers that watch it.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = u64> + '_ {
        self.watchers.iter().map(|(watcher, _)| *watcher)
    }

    /// Addresses of the fibers that it watches, or at whose slots it waits.
    pub(crate) fn watched(&self) -> impl Iterator<Item = u64> + '_ {
        self.watches.values().map(|watch| watch.target)
    }

    /// Bytes of all trees.
    fn bytes(&self) -> u64 {
        let lengths = [self.links.len(), self.watchers.len(), self.watches.len()];
        lengths
            .iter()
            .zip(TREE_BYTES)
            .filter(|(length, _)| **length > 0)
            .map(|(length, tree)| tree + (*length * TIE_BYTES) as u64)
            .sum()
    }
}

/// One fiber's look at another.
#[derive(Debug)]
struct Watch {
    /// Whose end it is about.
    target: u64,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// A message tells of the end.
    Monitor,
    /// A slot takes a reply or the end.
    Slot(Slot),
}

/// Where one answer is put down.
#[derive(Debug)]
pub(crate) enum Slot {
    /// It has not come.
    Open,
    /// A reply.
    Replied(Message),
    /// The fiber that was asked, or waited for, has ended.
    Gone(Cause),
    /// It has not come, and will be a message.
    Delivers(AnswerField),
}

impl Core {
    /// Whether another tie fits the machine's memory.
    pub(crate) fn has_room_for_ties(&mut self) -> bool {
        self.has_budget(2 * TIE_BYTES + TREE_BYTES.iter().sum::<u64>() as usize)
    }

    /// Changes the ties of a fiber, and counts what they take.
    fn change_ties<R>(&mut self, slot: u32, change: impl FnOnce(&mut Ties) -> R) -> R {
        let ties = &mut self.fibers.side_or_new(slot).ties;
        let before = ties.bytes();
        let result = change(ties);
        self.tie_bytes = self.tie_bytes + ties.bytes() - before;
        result
    }

    /// Links a fiber with another.
    ///
    /// # Errors
    /// Why the fiber ends: the other one was not there, and it does not trap exits.
    pub(crate) fn link(&mut self, slot: u32, other: FiberId) -> Result<(), Cause> {
        let id = self.fibers.id(slot);
        if other == id {
            return Ok(());
        }
        if !self.fibers.is_alive(other) {
            let cause = Cause::Plain(Reason::NoProc);
            if !self.fibers.get(slot).flags.has(Flags::TRAPS_EXITS) {
                return Err(cause);
            }
            self.tell_exit(slot, other, &cause, Origin::Link(address_word(other)));
            return Ok(());
        }
        if self.note_link(id, other) {
            self.signal_link(id, other, true);
        }
        Ok(())
    }

    /// Links a fiber with one that was started for it, whose node knows of the link.
    pub(crate) fn link_started(&mut self, slot: u32, started: FiberId) {
        let id = self.fibers.id(slot);
        if self.fibers.is_alive(started) {
            self.note_link(id, started);
        } else {
            self.signal_by_link(id, started, &Cause::Plain(Reason::NoProc));
        }
    }

    /// Notes a link at both of its ends; whether it is new.
    pub(crate) fn note_link(&mut self, one: FiberId, other: FiberId) -> bool {
        let is_new = self.change_ties(one.slot, |ties| ties.links.insert(address_word(other)));
        if is_new {
            self.change_ties(other.slot, |ties| ties.links.insert(address_word(one)));
        }
        is_new
    }

    /// Ends a link, and takes back what it has told.
    /// Gives how many messages were looked over for that.
    pub(crate) fn unlink(&mut self, slot: u32, other: FiberId) -> usize {
        if self.drop_link(slot, other) {
            self.signal_link(self.fibers.id(slot), other, false);
        }
        self.take_back(slot, Origin::Link(address_word(other)))
    }

    /// Removes a link from both of its ends; whether there was one.
    pub(crate) fn drop_link(&mut self, slot: u32, other: FiberId) -> bool {
        let has_side = self.fibers.get(slot).side != NONE;
        let was = has_side && self.change_ties(slot, |ties| ties.links.remove(&address_word(other)));
        if was {
            self.drop_link_at(other, self.fibers.id(slot));
        }
        was
    }

    /// Removes a link from the far end only.
    fn drop_link_at(&mut self, far: FiberId, near: FiberId) {
        if self.fibers.holds(far) && self.fibers.get(far.slot).side != NONE {
            self.change_ties(far.slot, |ties| ties.links.remove(&address_word(near)));
        }
    }

    /// Takes the messages of a link or monitor out of a fiber's mailbox that have come and were not taken; how many messages
    /// were looked over.
    fn take_back(&mut self, slot: u32, origin: Origin) -> usize {
        let mut passed = 0;
        while self.fibers.side_of(slot).is_some_and(|side| side.mail.system > 0) {
            let fiber = self.fibers.get(slot);
            passed += fiber.count as usize;
            let Some(place) = self.messages.find_notice(fiber, origin) else { break };
            self.take_message(slot, place).discard(&mut self.shared);
        }
        passed
    }

    /// Watches a fiber under a token of the watcher's.
    pub(crate) fn monitor(&mut self, slot: u32, number: u64, target: FiberId) {
        if !self.fibers.is_alive(target) {
            self.tell_down(slot, number, target, &Cause::Plain(Reason::NoProc));
            return;
        }
        self.watch(slot, number, target, Purpose::Monitor);
    }

    fn watch(&mut self, slot: u32, number: u64, target: FiberId, purpose: Purpose) {
        let watcher = address_word(self.fibers.id(slot));
        self.change_ties(slot, |ties| {
            ties.slots += usize::from(matches!(purpose, Purpose::Slot(_)));
            ties.watches.insert(number, Watch { target: address_word(target), purpose })
        });
        if self.fibers.is_alive(target) {
            self.note_watcher(target, (watcher, number));
            self.want_watch(target);
        }
    }

    /// Notes at a fiber who watches it.
    pub(crate) fn note_watcher(&mut self, target: FiberId, watcher: (u64, u64)) {
        self.change_ties(target.slot, |ties| ties.watchers.insert(watcher));
    }

    /// Ends a monitor, and takes back what it has told.
    /// Gives how many messages were looked over for that.
    pub(crate) fn demonitor(&mut self, slot: u32, number: u64) -> usize {
        let is_monitor = self.fibers.side(slot).is_some_and(|side| {
            side.ties.watches.get(&number).is_some_and(|watch| matches!(watch.purpose, Purpose::Monitor))
        });
        if is_monitor {
            // While the watch is there its message has not come.
            self.unwatch(slot, number);
            return 0;
        }
        self.take_back(slot, Origin::Monitor(number))
    }

    /// Ends a look at another fiber at both ends, and gives what it was for.
    fn unwatch(&mut self, slot: u32, number: u64) -> Option<Purpose> {
        let watcher = address_word(self.fibers.id(slot));
        self.fibers.side(slot)?;
        let Watch { target, purpose } = self.change_ties(slot, |ties| {
            let watch = ties.watches.remove(&number)?;
            ties.slots -= usize::from(matches!(watch.purpose, Purpose::Slot(_)));
            Some(watch)
        })?;
        self.forget_watcher(address_of(target), (watcher, number));
        Some(purpose)
    }

    fn forget_watcher(&mut self, target: FiberId, watcher: (u64, u64)) {
        if self.fibers.holds(target) && self.fibers.get(target.slot).side != NONE {
            self.change_ties(target.slot, |ties| ties.watchers.remove(&watcher));
        }
    }

    // Slots.

    /// How many slots a fiber has.
    pub(crate) fn slots_open(&self, slot: u32) -> usize {
        self.fibers.side_of(slot).map_or(0, |side| side.ties.slots)
    }

    /// Opens a slot for an answer of a fiber, or for its end.
    pub(crate) fn open_slot(&mut self, slot: u32, number: u64, target: FiberId) {
        let answer = if self.fibers.is_alive(target) { Slot::Open } else { Slot::Gone(Cause::Plain(Reason::NoProc)) };
        self.watch(slot, number, target, Purpose::Slot(answer));
    }

    /// Whether a slot still takes an answer.
    pub(crate) fn is_slot_open(&mut self, fiber: FiberId, number: u64) -> bool {
        let is_alive = self.fibers.is_alive(fiber);
        is_alive && matches!(self.slot_at(fiber.slot, number), Some(Slot::Open | Slot::Delivers(_)))
    }

    /// Whether a token of the fiber's own stands for a monitor or an open request.
    pub(crate) fn is_in_use(&self, slot: u32, number: u64) -> bool {
        self.fibers.side_of(slot).is_some_and(|side| side.ties.watches.contains_key(&number))
    }

    /// What lies in a slot, if there is such a slot.
    pub(crate) fn slot_at(&mut self, slot: u32, number: u64) -> Option<&mut Slot> {
        match &mut self.fibers.side(slot)?.ties.watches.get_mut(&number)?.purpose {
            Purpose::Slot(answer) => Some(answer),
            Purpose::Monitor => None,
        }
    }

    /// Closes a slot, and gives what lies in it.
    pub(crate) fn close_slot(&mut self, slot: u32, number: u64) -> Option<Slot> {
        match self.unwatch(slot, number)? {
            Purpose::Slot(answer) => {
                if let Slot::Replied(message) = &answer {
                    self.reply_bytes -= message.bytes(&self.scratch) as u64;
                }
                Some(answer)
            }
            Purpose::Monitor => None,
        }
    }

    /// Puts an answer into an open slot; whether there was one.
    pub(crate) fn answer_slot(&mut self, fiber: FiberId, number: u64, answer: Slot) -> Result<(), Slot> {
        if !self.fibers.is_alive(fiber) {
            return Err(answer);
        }
        match self.slot_at(fiber.slot, number) {
            Some(Slot::Open) => {}
            Some(Slot::Delivers(field)) => {
                let field = *field;
                self.answer_delivery(fiber.slot, number, field, answer);
                return Ok(());
            }
            Some(Slot::Replied(_) | Slot::Gone(_)) | None => return Err(answer),
        }
        if let Slot::Replied(message) = &answer {
            self.stats.messages += 1;
            self.reply_bytes += message.bytes(&self.scratch) as u64;
        }
        if let Some(open) = self.slot_at(fiber.slot, number) {
            *open = answer;
        }
        let waits = self.fibers.side_of(fiber.slot).is_some_and(|side| side.slot == Some(number));
        if waits && self.fibers.get(fiber.slot).state == State::AtSlot {
            self.wake(fiber.slot);
        }
        Ok(())
    }

    // The end of a fiber.

    /// Cuts one tie of a fiber that has ended, and tells the other end; whether there was one.
    pub(crate) fn cut_tie(&mut self, slot: u32, cause: &Cause) -> bool {
        let id = self.fibers.id(slot);
        if self.fibers.get(slot).side == NONE {
            return false;
        }
        if let Some(peer) = self.change_ties(slot, |ties| ties.links.pop_first()) {
            let peer = address_of(peer);
            self.drop_link_at(peer, id);
            if self.fibers.is_alive(peer) {
                self.signal_by_link(peer, id, cause);
            }
            return true;
        }
        if let Some((watcher, number)) = self.change_ties(slot, |ties| ties.watchers.pop_first()) {
            self.tell_watcher(address_of(watcher), number, id, cause);
            return true;
        }
        let first = self.fibers.side(slot).and_then(|side| side.ties.watches.keys().next().copied());
        let Some(number) = first else { return false };
        match self.close_slot_or_watch(slot, number) {
            Some(Slot::Replied(message)) => {
                message.discard(&mut self.shared);
                self.lose_from(None, id, types::ANY.0, LostBecause::NoFiber);
            }
            Some(Slot::Gone(cause)) => cause.discard(&mut self.shared),
            Some(Slot::Open | Slot::Delivers(_)) | None => {}
        }
        true
    }

    fn close_slot_or_watch(&mut self, slot: u32, number: u64) -> Option<Slot> {
        if self.slot_at(slot, number).is_some() {
            return self.close_slot(slot, number);
        }
        self.unwatch(slot, number);
        None
    }

    fn signal_by_link(&mut self, peer: FiberId, from: FiberId, cause: &Cause) {
        if self.is_remote(peer) {
            self.tell_gone(peer, from, cause);
        } else if self.fibers.get(peer.slot).flags.has(Flags::TRAPS_EXITS) {
            self.tell_exit(peer.slot, from, cause, Origin::Link(address_word(from)));
        } else if cause.kind() != Reason::Normal {
            self.doom(peer.slot, cause.clone());
        }
    }

    fn tell_watcher(&mut self, watcher: FiberId, number: u64, ended: FiberId, cause: &Cause) {
        if !self.fibers.is_alive(watcher) {
            // It has ended as well, and will come to this tie itself.
            return;
        }
        if self.is_remote(watcher) {
            self.tell_gone(watcher, ended, cause);
            return;
        }
        if self.slot_at(watcher.slot, number).is_some() {
            let _ = self.answer_slot(watcher, number, Slot::Gone(cause.clone()));
            return;
        }
        let has_side = self.fibers.get(watcher.slot).side != NONE;
        if has_side && self.change_ties(watcher.slot, |ties| ties.watches.remove(&number)).is_some() {
            self.tell_down(watcher.slot, number, ended, cause);
        }
    }
}
