//! Looking at fibers from outside: what they are, where they are in their code, what waits for them, what they hold.
//!
//! **Invariant:** nothing here changes a machine, so whoever looks is no input.

use crate::core::Core;
use crate::exit::TraceFrame;
use crate::fiber::{FiberId, Flags, NONE, State};
use crate::heap::word::address_of;
use crate::machine::Machine;
use crate::sets::EVERYTHING;
use crate::types::Shape;
use fardel_bytecode::types;

/// Places of the table of fibers that one page looks at, whoever has them: 4 MiB of records.
const PAGE_PLACES_MAX: u32 = 1 << 16;

/// What a fiber is doing between two slices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doing {
    /// It runs when it is its turn.
    Runs,
    /// It waits for a message.
    Receives,
    /// It waits for a host function, or for a fiber to be started on another node.
    Calls,
    /// It waits for room in another fiber's mailbox.
    Sends,
    /// It waits for a reply, or for another fiber's end.
    Waits,
}

/// A fiber in a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Which.
    pub fiber: FiberId,
    /// What it is doing.
    pub doing: Doing,
    /// Where it is in its code.
    pub place: Option<TraceFrame>,
    /// Messages in its mailbox.
    pub messages: u64,
    /// Bytes of these.
    pub message_bytes: u64,
    /// Bytes of its block: heap, stack, and room for both to grow.
    pub block_bytes: u64,
    /// Its names on this node, in their order.
    pub names: Vec<String>,
}

/// Fibers that are alive, in the order of their places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The fibers.
    pub fibers: Vec<Summary>,
    /// The place where the next page begins; none when there is no other.
    pub next: Option<u32>,
}

/// The first of a number of things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct First<T> {
    /// These.
    pub items: Vec<T>,
    /// How many there are in all.
    pub count: u64,
}

/// A fiber, looked at closely.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// What a listing says of it.
    pub summary: Summary,
    /// Bytes of its heap in use.
    pub heap_bytes: u64,
    /// Bytes of its stack.
    pub stack_bytes: u64,
    /// Bytes that it may hold.
    pub memory_bytes_max: u64,
    /// Messages that its mailbox takes.
    pub messages_max: u64,
    /// What its mailbox takes, as `Int | Text`.
    pub takes: String,
    /// Whether exit signals come to it as messages.
    pub traps_exits: bool,
    /// The types of the messages in its mailbox, the oldest first.
    pub mailbox: First<String>,
    /// The fibers that it is linked with.
    pub links: First<FiberId>,
    /// The fibers that watch it.
    pub watched_by: First<FiberId>,
    /// The fibers that it watches, or waits for.
    pub watches: First<FiberId>,
    /// The calls that it is in, the innermost first.
    pub stack: Vec<TraceFrame>,
    /// Whether there are more.
    pub is_stack_cut: bool,
}

impl<T> First<T> {
    fn of(all: impl Iterator<Item = T>, count: usize, limit: usize) -> First<T> {
        First { items: all.take(limit).collect(), count: count as u64 }
    }
}

impl Machine {
    /// Fibers that are alive from a place of the table on, at most so many.
    pub fn page(&self, start: u32, limit: usize) -> Page {
        let core = self.core();
        let places = core.fibers.places();
        let end = places.min(start.saturating_add(PAGE_PLACES_MAX));
        let (mut fibers, mut at) = (Vec::new(), start.min(end));
        while at < end && fibers.len() < limit {
            fibers.extend(core.summary(at));
            at += 1;
        }
        Page { fibers, next: if at < places { Some(at) } else { None } }
    }

    /// A close look at a fiber that is alive; of each kind of things at most `limit`.
    pub fn inspect(&self, fiber: FiberId, limit: usize) -> Option<Report> {
        let core = self.core();
        if !core.fibers.is_alive(fiber) {
            return None;
        }
        core.report(fiber.slot, limit)
    }

    /// Whether a fiber is alive, and one with code: no mailbox of the outside, and none of another node.
    pub fn is_fiber(&self, fiber: FiberId) -> bool {
        let fibers = &self.core().fibers;
        fibers.is_alive(fiber) && !matches!(fibers.get(fiber.slot).state, State::Outside | State::Remote)
    }

    /// The fiber that has a name, here or in the cluster, and is alive.
    pub fn fiber_named(&self, name: &str) -> Option<FiberId> {
        let core = self.core();
        let here = core.names.get(name).map(|holder| holder.fiber);
        let holder = here.or_else(|| core.cluster_holder(name).map(|holder| holder.fiber));
        holder.filter(|fiber| core.fibers.is_alive(*fiber))
    }

    /// Whether a fiber that is alive has a name, here or in the cluster.
    pub fn has_name(&self, fiber: FiberId) -> bool {
        let core = self.core();
        let has_some = |side: &crate::fiber::Side| {
            !side.names.is_empty() || side.claims.as_ref().is_some_and(|claims| claims.has_name())
        };
        core.fibers.is_alive(fiber) && core.fibers.side_of(fiber.slot).is_some_and(has_some)
    }

    /// The names of the fields of the one record or object, or the one variant, of this name that the machine knows.
    pub fn field_names(&self, name: &str, is_variant: bool) -> Option<Vec<String>> {
        let types = &self.core().types;
        let ty = types.find_named(name, is_variant)?;
        let count = if let Shape::Sum(count) = types.get(ty).shape { count } else { 0 };
        let layout = (ty..=ty + count).filter_map(|ty| types.layout(ty)).find(|layout| layout.name == name)?;
        Some(layout.labels.iter().map(|field| field.name.clone()).collect())
    }
}

impl Core {
    fn summary(&self, slot: u32) -> Option<Summary> {
        let fiber = self.fibers.get(slot);
        let doing = match fiber.state {
            State::Ready => Doing::Runs,
            State::Waiting | State::Listening => Doing::Receives,
            State::HostCall => Doing::Calls,
            State::Sending => Doing::Sends,
            State::AtSlot => Doing::Waits,
            State::Free | State::Ending | State::Outside | State::Remote => return None,
        };
        let names = self.fibers.side_of(slot).map(|side| side.names.iter().map(|name| name.to_string()).collect());
        Some(Summary {
            fiber: self.fibers.id(slot),
            doing,
            place: self.calls(slot).next(),
            messages: u64::from(fiber.count),
            message_bytes: fiber.mailbox_bytes,
            block_bytes: fiber.block.bytes() as u64,
            names: names.unwrap_or_default(),
        })
    }

    /// The calls that a fiber is in, the innermost first.
    fn calls(&self, slot: u32) -> impl Iterator<Item = TraceFrame> + '_ {
        let fiber = self.fibers.get(slot);
        let has_block = fiber.block.bytes() > 0;
        let frames = has_block.then(|| self.frames_of(fiber.block, fiber.fp as usize, fiber.pc));
        frames.into_iter().flatten().map(|(_, function, offset)| self.describe(function, offset))
    }

    fn report(&self, slot: u32, limit: usize) -> Option<Report> {
        let summary = self.summary(slot)?;
        let fiber = self.fibers.get(slot);
        let limits = self.limits_of(slot);
        let (memory, messages) = (self.config.fiber_memory_bytes_max, self.config.mailbox_messages_max);
        let ties = self.fibers.side_of(slot).map(|side| &side.ties);
        let tied = |words: Option<&mut dyn Iterator<Item = u64>>, count: usize| match words {
            Some(words) => First::of(words.map(address_of), count, limit),
            None => First { items: Vec::new(), count: 0 },
        };
        let counts = ties.map_or([0; 3], |ties| ties.counts());
        let mut calls = self.calls(slot);
        let stack: Vec<TraceFrame> = calls.by_ref().take(limit).collect();
        Some(Report {
            heap_bytes: u64::from(fiber.top),
            stack_bytes: (fiber.block.bytes() as u64).saturating_sub(u64::from(fiber.fp)),
            memory_bytes_max: limits.map_or(memory, |own| own.memory_bytes_max),
            messages_max: limits.map_or(messages, |own| own.mailbox_messages_max),
            takes: if fiber.set == EVERYTHING { "Any".to_owned() } else { self.set_text(fiber.set) },
            traps_exits: fiber.flags.has(Flags::TRAPS_EXITS),
            mailbox: First { items: self.message_types(slot, limit), count: u64::from(fiber.count) },
            links: tied(ties.map(|ties| ties.linked()).as_mut().map(|words| words as _), counts[0]),
            watched_by: tied(ties.map(|ties| ties.watchers()).as_mut().map(|words| words as _), counts[1]),
            watches: tied(ties.map(|ties| ties.watched()).as_mut().map(|words| words as _), counts[2]),
            is_stack_cut: calls.next().is_some(),
            stack,
            summary,
        })
    }

    fn message_types(&self, slot: u32, limit: usize) -> Vec<String> {
        let fiber = self.fibers.get(slot);
        let mut before = NONE;
        let next = std::iter::from_fn(|| {
            let place = self.messages.find(fiber, before, types::ANY.0).place.ok()?;
            before = place.node;
            Some(self.types.get(self.messages.type_of(place.node)).name.clone())
        });
        next.take(limit).collect()
    }
}
