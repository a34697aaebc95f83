//! Fibers: their ids, and the table that holds them.
//!
//! **Invariant:** a fiber's record is one cache line and never moves; all that most fibers do not have is in a side
//! record ([`Side`]), so that it costs nothing to those that do not use it.

use crate::cluster::Claims;
use crate::code::Op;
use crate::door::HostCallId;
use crate::exit::Cause;
use crate::heap::block::Block;
use crate::heap::fragment::Fragment;
use crate::interp::Saved;
use crate::mailbox::MailSide;
use crate::slab::Slab;
use crate::ties::Ties;
use crate::timer::TimerIndex;
use std::collections::BTreeSet;

/// A fiber of this machine: a place in its table and how often that place was used before.
///
/// It is deterministic, and no two fibers of one machine ever have the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FiberId {
    /// The place.
    pub slot: u32,
    /// How many fibers held it before, plus one; at most 29 bits.
    pub generation: u32,
}

impl std::fmt::Display for FiberId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}.{}", self.slot, self.generation)
    }
}

/// No place in a table or list.
pub(crate) const NONE: u32 = u32::MAX;
/// The last generation of a place; one that reaches it is not used again.
const GENERATION_MAX: u32 = (1 << 29) - 1;
const CHUNK: usize = 1024;
const CHUNK_BYTES: usize = CHUNK * size_of::<Fiber>();

/// What a fiber is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum State {
    /// The place is free.
    Free,
    /// In the run queue, or running.
    Ready,
    /// Waits for a message, without end; one that it takes is put straight into its frame.
    Waiting,
    /// Waits for a message in another way; one that it may take wakes it.
    Listening,
    /// Waits for a host call.
    HostCall,
    /// Waits for room in another fiber's mailbox.
    Sending,
    /// Waits at the slot of a reply or of another fiber's end.
    AtSlot,
    /// Has ended; others are still to be told. In the run queue.
    Ending,
    /// A mailbox of the outside: no code, and each message leaves by the output door.
    Outside,
    /// Stands for a fiber of another node, or for the node: no code, and each signal leaves by the output door.
    Remote,
}

/// Yes or no questions about a fiber.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Flags(u8);

impl Flags {
    /// Its first function's entry is not charged yet.
    pub(crate) const NEW: Flags = Flags(1);
    /// An exit signal waits in its side record.
    pub(crate) const DOOMED: Flags = Flags(1 << 1);
    /// Exit signals come to it as messages.
    pub(crate) const TRAPS_EXITS: Flags = Flags(1 << 2);
    /// Room in the mailbox that it sends to is kept for it.
    pub(crate) const GRANTED: Flags = Flags(1 << 3);
    /// Its mailbox has bounds of its own, or senders that wait: its side record tells.
    pub(crate) const BOUNDED: Flags = Flags(1 << 4);
    /// Its side record has places in its mailbox.
    pub(crate) const MARKED: Flags = Flags(1 << 5);
    /// Of a fiber of another node: that node has been asked to tell of its end.
    pub(crate) const WATCHED: Flags = Flags(1 << 6);

    /// Two questions at once.
    #[inline(always)]
    pub(crate) const fn or(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Whether it is set; of several, whether one is.
    #[inline(always)]
    pub(crate) fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, flag: Flags, value: bool) {
        self.0 = if value { self.0 | flag.0 } else { self.0 & !flag.0 };
    }

    /// Whether it was set; it no longer is.
    #[inline(always)]
    pub(crate) fn take(&mut self, flag: Flags) -> bool {
        let was = self.has(flag);
        self.0 &= !flag.0;
        was
    }
}

/// A fiber's record.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Fiber {
    pub(crate) block: Block,
    /// Its frame's offset in the block.
    pub(crate) fp: u32,
    /// Its heap's top in the block.
    pub(crate) top: u32,
    /// Its next instruction in the arena.
    pub(crate) pc: u32,
    pub(crate) generation: u32,
    /// Its mailbox: first and last message, and how many.
    pub(crate) head: u32,
    pub(crate) tail: u32,
    pub(crate) count: u32,
    /// The set of types that its mailbox takes.
    pub(crate) set: u32,
    /// Bytes of the messages in its mailbox.
    pub(crate) mailbox_bytes: u64,
    /// The next in the run queue, or in the list of free places.
    pub(crate) next: u32,
    /// Its side record.
    pub(crate) side: u32,
    pub(crate) state: State,
    pub(crate) flags: Flags,
}

const _: () = assert!(size_of::<Fiber>() == 64);

impl Fiber {
    /// Whether its place is that of the fiber with this id, which lives.
    #[inline(always)]
    fn lives_as(&self, id: FiberId) -> bool {
        self.generation == id.generation && !matches!(self.state, State::Free | State::Ending)
    }

    /// Notes where it stopped.
    #[inline(always)]
    pub(crate) fn keep(&mut self, saved: &Saved, code: *const Op, block: Block) {
        self.block = block;
        self.pc = saved.pc_offset(code);
        self.fp = saved.fp_offset(block);
        self.top = saved.top as u32;
    }
}

/// What only some fibers have.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// Objects of its block that name something outside, by offset.
    pub(crate) shared_refs: Vec<u32>,
    /// Whether its end is told outside.
    pub(crate) watched: bool,
    /// The host call that it waits for.
    pub(crate) call: Option<HostCallId>,
    /// The result of that call: a word and what it reaches, or why it failed.
    pub(crate) reply: Option<Result<(u64, Fragment), String>>,
    /// A long operation that was put off.
    pub(crate) bulk: Option<Box<crate::runtime::bulk::Bulk>>,
    /// A large value that it sends or takes.
    pub(crate) carried: Option<Box<crate::runtime::carry::Carried>>,
    /// The signal that ends it.
    pub(crate) exit: Option<Cause>,
    /// The type of what its first function returns, when its end is told outside.
    pub(crate) result: Option<u32>,
    /// Limits of its own.
    pub(crate) limits: Option<Box<Limits>>,
    /// More about its mailbox.
    pub(crate) mail: MailSide,
    /// The slot that it waits at, by its token's number.
    pub(crate) slot: Option<u64>,
    /// The timer that ends its waiting.
    pub(crate) wake: Option<Wake>,
    /// Links, monitors and slots.
    pub(crate) ties: Ties,
    /// Names that it has.
    pub(crate) names: BTreeSet<Box<str>>,
    /// What it has in the cluster.
    pub(crate) claims: Option<Box<Claims>>,
    /// The first of the timers that send to it.
    pub(crate) timers: Option<TimerIndex>,
}

/// The timer that ends a fiber's waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wake {
    pub(crate) timer: TimerIndex,
    /// Whether it belongs to a selective receive, whose waits are one.
    pub(crate) is_select: bool,
    /// Whether it has fired, and is no more.
    pub(crate) has_fired: bool,
}

/// Limits that a fiber was started with in place of the machine's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    pub(crate) mailbox_messages_max: u64,
    pub(crate) mailbox_bytes_max: u64,
    pub(crate) policy: crate::config::FullPolicy,
    pub(crate) memory_bytes_max: u64,
    pub(crate) stack_bytes_max: u64,
}

/// The table of fibers.
#[derive(Debug)]
pub(crate) struct Fibers {
    /// Of a fixed size, so that a look into one needs no second check.
    chunks: Vec<Box<[Fiber; CHUNK]>>,
    free: u32,
    sides: Slab<Side>,
    free_sides: Vec<u32>,
    pub(crate) live: u64,
    max: u32,
}

impl Fibers {
    pub(crate) fn new(max: u32) -> Fibers {
        Fibers { chunks: Vec::new(), free: NONE, sides: Slab::new(), free_sides: Vec::new(), live: 0, max }
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Fiber {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Fiber {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    /// What is at a place, unless the place is over all.
    #[inline(always)]
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut Fiber> {
        self.chunks.get_mut(slot as usize / CHUNK).map(|chunk| &mut chunk[slot as usize % CHUNK])
    }

    /// The fiber with this id, while it lives.
    #[inline]
    pub(crate) fn find(&mut self, id: FiberId) -> Option<&mut Fiber> {
        let fiber = self.at_mut(id.slot)?;
        if fiber.lives_as(id) { Some(fiber) } else { None }
    }

    /// Whether a place still belongs to this fiber, which may have ended and be telling of it.
    pub(crate) fn holds(&self, id: FiberId) -> bool {
        self.chunks.get(id.slot as usize / CHUNK).is_some_and(|chunk| {
            let fiber = &chunk[id.slot as usize % CHUNK];
            fiber.generation == id.generation && fiber.state != State::Free
        })
    }

    /// Whether the fiber with this id lives.
    #[inline]
    pub(crate) fn is_alive(&self, id: FiberId) -> bool {
        let chunk = self.chunks.get(id.slot as usize / CHUNK);
        let fiber = chunk.and_then(|chunk| chunk.get(id.slot as usize % CHUNK));
        fiber.is_some_and(|fiber| fiber.lives_as(id))
    }

    #[inline]
    pub(crate) fn id(&self, slot: u32) -> FiberId {
        FiberId { slot, generation: self.get(slot).generation }
    }

    /// Bytes of all records and side records, in use or not.
    #[inline]
    pub(crate) fn table_bytes(&self) -> u64 {
        (self.chunks.len() * CHUNK_BYTES) as u64 + self.sides.bytes()
    }

    /// Bytes that the table takes to hold one more.
    #[inline]
    pub(crate) fn growth_bytes(&self) -> usize {
        if self.free == NONE { CHUNK_BYTES } else { 0 }
    }

    /// Takes a place for a new fiber, if there is one.
    #[inline]
    pub(crate) fn add(&mut self) -> Option<u32> {
        if self.live >= u64::from(self.max) {
            return None;
        }
        if self.free == NONE {
            self.grow()?;
        }
        let slot = self.free;
        let fiber = self.get_mut(slot);
        let next = fiber.next;
        fiber.next = NONE;
        self.free = next;
        self.live += 1;
        Some(slot)
    }

    #[cold]
    fn grow(&mut self) -> Option<()> {
        let start = u32::try_from(self.chunks.len() * CHUNK).ok()?;
        let end = start.checked_add(CHUNK as u32)?;
        let fresh = |slot: u32| Fiber {
            block: Block::NONE,
            fp: 0,
            top: 0,
            pc: 0,
            generation: 1,
            head: NONE,
            tail: NONE,
            count: 0,
            set: 0,
            mailbox_bytes: 0,
            next: if slot + 1 == end { NONE } else { slot + 1 },
            side: NONE,
            state: State::Free,
            flags: Flags::default(),
        };
        // Made on the heap: a chunk is too large for the host's stack. A host without memory refuses a fiber, no more.
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(CHUNK).ok()?;
        self.chunks.try_reserve(1).ok()?;
        chunk.extend((start..end).map(fresh));
        self.chunks.push(chunk.into_boxed_slice().try_into().ok()?);
        self.free = start;
        Some(())
    }

    /// Gives a place back. Its next fiber has another id.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) {
        let side = std::mem::replace(&mut self.get_mut(slot).side, NONE);
        if side != NONE {
            *self.sides.get_mut(side) = Side::default();
            self.free_sides.push(side);
        }
        let free = self.free;
        let fiber = self.get_mut(slot);
        fiber.state = State::Free;
        fiber.block = Block::NONE;
        fiber.flags = Flags::default();
        if fiber.generation < GENERATION_MAX {
            fiber.generation += 1;
            fiber.next = free;
            self.free = slot;
        }
        self.live -= 1;
    }

    /// The side record of a fiber, if it has one.
    #[inline]
    pub(crate) fn side(&mut self, slot: u32) -> Option<&mut Side> {
        let side = self.get(slot).side;
        if side == NONE { None } else { Some(self.sides.get_mut(side)) }
    }

    /// The side record of a fiber, to be read.
    #[inline]
    pub(crate) fn side_of(&self, slot: u32) -> Option<&Side> {
        self.sides.find(self.get(slot).side)
    }

    /// A fiber and its side record.
    #[inline]
    pub(crate) fn with_side(&mut self, slot: u32) -> (&mut Fiber, Option<&mut Side>) {
        let fiber = &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK];
        let side = self.sides.find_mut(fiber.side);
        (fiber, side)
    }

    /// The side record of a fiber, made when it has none.
    pub(crate) fn side_or_new(&mut self, slot: u32) -> &mut Side {
        if self.get(slot).side == NONE {
            let side = self.free_sides.pop().unwrap_or_else(|| self.sides.add(Side::default()));
            self.get_mut(slot).side = side;
        }
        let side = self.get(slot).side;
        self.sides.get_mut(side)
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> u32 {
        (self.chunks.len() * CHUNK) as u32
    }

    /// The places of all live fibers, in order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        let is_alive = |slot: &u32| !matches!(self.get(*slot).state, State::Free | State::Ending | State::Remote);
        (0..(self.chunks.len() * CHUNK) as u32).filter(is_alive)
    }

    /// The places that hold a block or are still to be cleared, in order.
    pub(crate) fn used(&self) -> impl Iterator<Item = u32> + '_ {
        (0..(self.chunks.len() * CHUNK) as u32).filter(|slot| self.get(*slot).state != State::Free)
    }
}

/// Fibers that are ready to run, first in, first out; the links lie in the fibers.
#[derive(Debug)]
pub(crate) struct RunQueue {
    head: u32,
    tail: u32,
}

impl RunQueue {
    pub(crate) fn new() -> RunQueue {
        RunQueue { head: NONE, tail: NONE }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head == NONE
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, fibers: &mut Fibers, slot: u32) {
        fibers.get_mut(slot).next = NONE;
        if self.head == NONE {
            self.head = slot;
        } else {
            fibers.get_mut(self.tail).next = slot;
        }
        self.tail = slot;
    }

    #[inline]
    pub(crate) fn pop(&mut self, fibers: &mut Fibers) -> Option<u32> {
        let slot = self.head;
        if slot == NONE {
            return None;
        }
        self.head = fibers.get(slot).next;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_never_the_same_fiber_again() {
        let mut fibers = Fibers::new(10);
        let slot = fibers.add().unwrap();
        fibers.get_mut(slot).state = State::Ready;
        let id = fibers.id(slot);
        fibers.remove(slot);
        assert!(fibers.find(id).is_none());
        assert_eq!(fibers.add(), Some(slot));
        fibers.get_mut(slot).state = State::Ready;
        assert_ne!(fibers.id(slot), id);
        assert!(fibers.find(id).is_none());
    }

    #[test]
    fn a_place_whose_generations_run_out_is_retired() {
        let mut fibers = Fibers::new(10);
        let slot = fibers.add().unwrap();
        fibers.get_mut(slot).generation = GENERATION_MAX;
        fibers.remove(slot);
        assert_ne!(fibers.add(), Some(slot));
    }
}
