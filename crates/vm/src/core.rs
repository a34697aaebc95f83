//! The state of a machine, and the life of a fiber: started, run in slices, collected, trapped, ended.
//!
//! [`crate::machine`] is the outside of it. The interpreter works on it through [`crate::interp`] and [`crate::runtime`].
//!
//! **Invariant:** between two slices every live fiber's state lies in its record and its block, in the canonical frame
//! that its stop point has; nothing of it is on the host's stack.

use crate::cluster::Cluster;
use crate::code::{FunctionEntry, Op, fixed};
use crate::config::{Config, Dispatch};
use crate::convert::VALUES_BYTES_MAX;
use crate::door::{HostCallId, Journal, Output};
use crate::exit::{Cause, ErrorKind};
use crate::fiber::{FiberId, Fibers, Flags, RunQueue, State};
use crate::fit::Plans;
use crate::heap::block::{Block, Pool, header};
use crate::heap::copy::Scratch;
use crate::heap::fragment::Fragment;
use crate::heap::shared::{Constants, Shared};
use crate::heap::word::address_word;
use crate::interp::{Saved, Stop};
use crate::load::{HostEntry, LoadedModule};
use crate::machine::{Blocked, Stats, TraceEvent};
use crate::mailbox::Messages;
use crate::sets::Sets;
use crate::timer::Timers;
use crate::types::{TypeId, TypeStore};
use std::collections::{BTreeMap, VecDeque};

/// Bytes of the frame below a fiber's first: a header and the slot of the result.
pub(crate) const SENTINEL_BYTES: usize = 24;
/// The function number of the sentinel frame.
pub(crate) const SENTINEL_FUNCTION: u32 = u32::MAX;

/// Who holds a name, and the type of the messages that it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) fiber: FiberId,
    pub(crate) ty: TypeId,
}

/// The machine's numbers of the types of its own messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemTypes {
    pub(crate) reason: TypeId,
    pub(crate) down: TypeId,
    pub(crate) exit: TypeId,
    pub(crate) name_lost: TypeId,
    pub(crate) node_up: TypeId,
    pub(crate) node_down: TypeId,
}

impl SystemTypes {
    fn of(types: &mut TypeStore) -> SystemTypes {
        let numbers = types.intern(&fardel_bytecode::system::table()).unwrap_or_default();
        let number = |at: usize| numbers.get(fardel_bytecode::types::FIRST_DECLARED as usize + at).copied().unwrap_or(0);
        SystemTypes {
            reason: number(0),
            down: number(1),
            exit: number(2),
            name_lost: number(3),
            node_up: number(4),
            node_down: number(5),
        }
    }
}

/// Who is told of each instruction.
pub(crate) type Tracer = Box<dyn FnMut(&TraceEvent<'_>)>;

/// The state of a machine.
pub(crate) struct Core {
    /// The first byte of the arena; the same as `code.as_ptr()`.
    pub(crate) code_base: *const Op,
    pub(crate) saved: Saved,
    /// The address word of the running fiber.
    pub(crate) current_address: u64,
    /// Bytes that the stopped instruction needs.
    pub(crate) need: usize,
    /// Bytes that it takes outside of the block, which count all the same.
    pub(crate) need_outside: usize,
    /// What the stopped fiber trapped with.
    pub(crate) trap_kind: ErrorKind,
    /// The particulars of the trap: the name of a program's own kind, and the message.
    pub(crate) trap_text: Option<(Option<String>, String)>,
    pub(crate) constants: Constants,
    pub(crate) shared: Shared,
    pub(crate) functions: Vec<FunctionEntry>,

    pub(crate) code: Vec<Op>,
    /// Maps of frames that do not fit an extension.
    pub(crate) long_maps: Vec<Box<[u64]>>,
    pub(crate) types: TypeStore,
    pub(crate) modules: Vec<LoadedModule>,
    pub(crate) host_imports: Vec<HostEntry>,
    pub(crate) fibers: Fibers,
    pub(crate) queue: RunQueue,
    pub(crate) messages: Messages,
    pub(crate) sets: Sets,
    pub(crate) plans: Plans,
    /// Types of the machine's own messages.
    pub(crate) system: SystemTypes,
    /// Where copies are made, and what they begin with.
    pub(crate) scratch: Scratch,
    pub(crate) roots: Vec<u64>,
    /// Bytes of the last message that was handed over.
    pub(crate) message_bytes: usize,
    pub(crate) timers: Timers,
    pub(crate) names: BTreeMap<Box<str>, Holder>,
    pub(crate) cluster: Cluster,
    /// Mailboxes of the outside.
    pub(crate) ports: u64,
    /// Fibers that the outside has started.
    pub(crate) started_outside: u64,
    /// The function of barriers, once there is one.
    pub(crate) barrier: Option<u32>,
    /// Bytes of ties, timers, and replies that wait.
    pub(crate) tie_bytes: u64,
    pub(crate) timer_bytes: u64,
    pub(crate) reply_bytes: u64,
    /// Bytes of values that fibers carry.
    pub(crate) carried_bytes: u64,
    pub(crate) pool: Pool,
    /// The running fiber and its block.
    pub(crate) current: u32,
    pub(crate) block: Block,
    /// Whether it runs: what happens then is its doing.
    pub(crate) in_slice: bool,
    /// Why the running fiber exits.
    pub(crate) exit: Cause,
    /// What the running fiber waits for, when it stops with [`Stop::Parked`].
    pub(crate) park_as: State,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) config: Config,
    pub(crate) stats: Stats,
    pub(crate) now: u64,
    pub(crate) calls_made: u64,
    /// The host calls under way, with the places of the fibers that wait for them.
    pub(crate) calls_open: BTreeMap<HostCallId, u32>,
    pub(crate) tracer: Option<Tracer>,
    /// Who keeps what enters.
    pub(crate) journal: Option<Journal>,
    /// The frame of the instruction that is shown to the tracer.
    pub(crate) observed_fp: *const u8,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(config: Config) -> Box<Core> {
        let mut config = config;
        // Distances to a fiber's threshold are signed.
        config.fiber_memory_bytes_max = config.fiber_memory_bytes_max.min(1 << 62);
        if config.dispatch == Dispatch::Tail && !crate::interp::tail::AVAILABLE {
            config.dispatch = Dispatch::Match;
        }
        let mut types = TypeStore::new();
        let system = SystemTypes::of(&mut types);
        let mut core = Box::new(Core {
            code_base: std::ptr::null(),
            saved: Saved::NONE,
            current_address: 0,
            need: 0,
            need_outside: 0,
            trap_kind: ErrorKind::Panic,
            trap_text: None,
            constants: Constants::default(),
            shared: Shared::new(config.machine_memory_bytes_max),
            functions: Vec::new(),
            code: Vec::new(),
            long_maps: Vec::new(),
            types,
            modules: Vec::new(),
            host_imports: Vec::new(),
            fibers: Fibers::new(config.fibers_max),
            queue: RunQueue::new(),
            messages: Messages::new(),
            sets: Sets::new(),
            plans: Plans::new(),
            system,
            scratch: Scratch::default(),
            roots: Vec::new(),
            message_bytes: 0,
            timers: Timers::new(),
            names: BTreeMap::new(),
            cluster: Cluster::default(),
            ports: 0,
            started_outside: 0,
            barrier: None,
            tie_bytes: 0,
            timer_bytes: 0,
            reply_bytes: 0,
            carried_bytes: 0,
            pool: Pool::new(config.machine_memory_bytes_max, config.fail_allocation),
            current: 0,
            block: Block::NONE,
            in_slice: false,
            exit: Cause::NORMAL,
            park_as: State::Ready,
            outputs: VecDeque::new(),
            config,
            stats: Stats::default(),
            now: 0,
            calls_made: 0,
            calls_open: BTreeMap::new(),
            tracer: None,
            journal: None,
            observed_fp: std::ptr::null(),
        });
        core.add_fixed_code();
        core
    }

    /// Makes a fiber in a function, with so many bytes on its heap: its place, and where its frame is in its block. The heap
    /// and the parameters are still to be written, and it is not in the run queue yet.
    #[inline]
    pub(crate) fn begin(&mut self, function: u32, heap_bytes: usize, random: u64) -> Option<(u32, usize)> {
        let entry = &self.functions[function as usize];
        let (frame_bytes, pc, set) = (entry.frame_bytes as usize, entry.entry, entry.set);
        let top = header::HEAP + heap_bytes;
        let growth = self.fibers.growth_bytes();
        if growth > 0 && !self.has_budget(growth) {
            return None;
        }
        let slot = self.fibers.add()?;
        let Ok(block) = self.take_block(top + frame_bytes + SENTINEL_BYTES) else {
            self.fibers.remove(slot);
            return None;
        };
        let sentinel = block.bytes() - SENTINEL_BYTES;
        let fp = sentinel - frame_bytes;
        block.store(sentinel, u64::from(SENTINEL_FUNCTION));
        block.store(sentinel + 8, u64::from(fixed::FINISH_EXTENSION));
        block.store(sentinel + 16, 0);
        block.store(fp, u64::from(function));
        block.store(header::RANDOM, random);
        block.store(header::ALLOCATED, 0);
        block.store(header::THRESHOLD, self.config.fiber_memory_bytes_max);
        let fiber = self.fibers.get_mut(slot);
        fiber.block = block;
        fiber.fp = fp as u32;
        fiber.top = top as u32;
        fiber.pc = pc;
        fiber.set = set;
        fiber.state = State::Ready;
        fiber.flags.set(Flags::NEW, true);
        set_limits(block, top, self.config.fiber_stack_bytes_max, self.config.collect_always);
        self.stats.fibers_started += 1;
        Some((slot, fp))
    }

    /// Has a fiber run that was begun.
    #[inline]
    pub(crate) fn launch(&mut self, slot: u32) {
        self.queue.push(&mut self.fibers, slot);
    }

    /// Writes a limit of the running fiber's block anew, where its heap has grown or shrunk.
    pub(crate) fn renew_limits(&mut self) {
        let stack_max = self.limits_of(self.current).map_or(self.config.fiber_stack_bytes_max, |own| own.stack_bytes_max);
        set_limits(self.block, self.saved.top, stack_max, self.config.collect_always);
    }

    /// Bytes that the running fiber may hold.
    pub(crate) fn memory_max(&self) -> u64 {
        self.limits_of(self.current).map_or(self.config.fiber_memory_bytes_max, |own| own.memory_bytes_max)
    }

    /// Bytes outside of blocks: messages, what is kept about fibers, shared texts.
    pub(crate) fn outside_bytes(&self) -> u64 {
        let held = self.tie_bytes + self.timer_bytes + self.reply_bytes + self.carried_bytes;
        self.messages.bytes + self.shared.bytes + held
    }

    /// Runs one slice of the next fiber in the queue, if there is one.
    pub(crate) fn run_next(&mut self) -> bool {
        if !self.pool.released.is_empty() || !self.shared.released.is_empty() {
            self.give_back();
        }
        let fires = self.timers.is_due();
        if fires {
            self.fire_timers();
        }
        let Some(slot) = self.queue.pop(&mut self.fibers) else {
            // What enters next comes behind the timers, so it has to have another number.
            self.stats.slices += u64::from(fires);
            return fires;
        };
        self.stats.slices += 1;
        self.current = slot;
        let fiber = self.fibers.get(slot);
        let (flags, state) = (fiber.flags, fiber.state);
        self.current_address = address_word(FiberId { slot, generation: fiber.generation });
        self.block = fiber.block;
        let mut start = Saved::at(self.code_base, fiber, i64::from(self.config.slice.max(1)));
        if flags.has(Flags::DOOMED) || state == State::Ending {
            self.end_of_turn(slot);
            return true;
        }
        if flags.has(Flags::NEW) {
            if self.is_landing(slot) {
                self.land_some(slot);
                self.queue.push(&mut self.fibers, slot);
                return true;
            }
            self.fibers.get_mut(slot).flags.set(Flags::NEW, false);
            start.fuel -= 1;
        }
        self.in_slice = true;
        self.run_slice(slot, start);
        self.in_slice = false;
        true
    }

    /// Gives memory back to the host: by and by, or all when no fiber waits for its turn.
    #[cold]
    pub(crate) fn give_back(&mut self) {
        if self.queue.is_empty() {
            self.pool.released.clear();
            self.shared.released.clear();
        } else {
            self.pool.released.step();
            self.shared.released.step();
        }
    }

    #[cold]
    fn end_of_turn(&mut self, slot: u32) {
        let cause = self.fibers.side(slot).and_then(|side| side.exit.take()).unwrap_or(Cause::NORMAL);
        if self.fibers.get(slot).state == State::Ending {
            self.end_more(slot, cause);
        } else {
            self.end(slot, cause, None);
        }
    }

    #[inline]
    fn run_slice(&mut self, slot: u32, start: Saved) {
        if self.config.collect_always {
            forbid_allocation(self.block);
        }
        let stop = if start.fuel <= 0 {
            self.saved = start;
            Stop::Preempted
        } else {
            self.run_to_stop(start)
        };
        let slice = i64::from(self.config.slice.max(1));
        self.stats.fuel += (slice - self.saved.fuel).max(0) as u64;
        let fiber = self.fibers.get_mut(slot);
        fiber.keep(&self.saved, self.code_base, self.block);
        if stop == Stop::Waiting && !fiber.flags.has(Flags::DOOMED.or(Flags::BOUNDED)) {
            fiber.state = State::Waiting;
            return;
        }
        self.after_slice(slot, stop);
    }

    fn after_slice(&mut self, slot: u32, stop: Stop) {
        match stop {
            Stop::Preempted | Stop::Yielded => self.queue.push(&mut self.fibers, slot),
            Stop::Waiting => self.park(slot, State::Waiting),
            Stop::Parked => self.park(slot, self.park_as),
            Stop::Finished => {
                let result = self.result_of(slot);
                self.end(slot, Cause::NORMAL, result);
            }
            Stop::Exit => {
                let cause = std::mem::replace(&mut self.exit, Cause::NORMAL);
                self.end(slot, cause, None);
            }
            Stop::NeedSpace | Stop::NeedStack | Stop::Trap => unreachable!("handled where the fiber runs"),
        }
    }

    /// Takes a fiber out of the run until something wakes it.
    #[inline]
    fn park(&mut self, slot: u32, state: State) {
        let fiber = self.fibers.get_mut(slot);
        if fiber.flags.has(Flags::DOOMED) {
            self.queue.push(&mut self.fibers, slot);
            return;
        }
        fiber.state = state;
        // Whoever waits to send to a fiber that waits itself would wait for ever.
        if fiber.flags.has(Flags::BOUNDED) {
            self.grant(slot, true);
        }
    }

    /// Runs the current fiber until something stops it that is not settled at once.
    #[inline]
    fn run_to_stop(&mut self, start: Saved) -> Stop {
        let stop = self.dispatch(start);
        if stop == Stop::Waiting { stop } else { self.settle(stop) }
    }

    fn settle(&mut self, mut stop: Stop) -> Stop {
        loop {
            let settled = match stop {
                Stop::NeedSpace => self.make_room(self.need),
                Stop::NeedStack => self.make_stack(self.need),
                Stop::Trap => self.unwind(),
                Stop::Preempted | Stop::Yielded | Stop::Waiting | Stop::Parked | Stop::Finished | Stop::Exit => {
                    return stop;
                }
            };
            if let Err(cause) = settled {
                self.exit = cause;
                return Stop::Exit;
            }
            stop = self.dispatch(self.saved);
        }
    }

    #[inline]
    fn dispatch(&mut self, start: Saved) -> Stop {
        match self.config.dispatch {
            Dispatch::Tail => crate::interp::run_tail(self, start),
            Dispatch::Match => crate::interp::run_match(self, start),
            Dispatch::Count => crate::interp::run_observed(self, start, |core, _| {
                *core.stats.instructions.get_or_insert(0) += 1;
            }),
            Dispatch::Trace => crate::interp::run_observed(self, start, crate::trace::observe),
        }
    }

    /// Notes a host call of the current fiber.
    pub(crate) fn open_call(&mut self, output: impl FnOnce(HostCallId, FiberId) -> Output) {
        self.calls_made += 1;
        let call = HostCallId(self.calls_made);
        let (slot, fiber) = (self.current, self.fibers.id(self.current));
        self.calls_open.insert(call, slot);
        self.fibers.side_or_new(slot).call = Some(call);
        self.outputs.push_back(output(call, fiber));
    }

    /// Ends the host call of a fiber, whose result was taken.
    pub(crate) fn close_call(&mut self, slot: u32) {
        if let Some(call) = self.fibers.side_or_new(slot).call.take() {
            self.calls_open.remove(&call);
        }
    }

    /// The place of the fiber that waits for a call, if it does.
    pub(crate) fn waits_for_call(&self, call: HostCallId) -> Option<u32> {
        let slot = self.calls_open.get(&call).copied()?;
        (self.fibers.get(slot).state == State::HostCall).then_some(slot)
    }

    /// Takes the result of a host call, if the fiber still waits for it.
    pub(crate) fn host_result(&mut self, call: HostCallId, result: Result<crate::value::Value, String>) {
        let Some(slot) = self.waits_for_call(call) else { return };
        let import = self.code[self.fibers.get(slot).pc as usize / size_of::<Op>() + 1].extra();
        let reply = result.and_then(|value| self.reply(import as usize, &value));
        self.put_result(slot, reply);
    }

    /// Gives a fiber the result of the call that it waits for.
    pub(crate) fn put_result(&mut self, slot: u32, reply: Result<(u64, Fragment), String>) {
        self.fibers.side_or_new(slot).reply = Some(reply);
        self.wake(slot);
    }

    fn reply(&mut self, import: usize, value: &crate::value::Value) -> Result<(u64, Fragment), String> {
        let mut fragment = Fragment::default();
        let Some(ty) = self.host_imports[import].result else { return Ok((0, fragment)) };
        match crate::convert::from_value(self, value, ty, &mut fragment) {
            Ok(word) => Ok((word, fragment)),
            Err(mismatch) => {
                fragment.discard(&mut self.shared);
                let name = &self.host_imports[import].name;
                Err(format!("`{name}` gave {}, wanted {}", mismatch.seen, mismatch.wanted))
            }
        }
    }

    /// What a fiber waits for, if it does.
    pub(crate) fn blocked(&self, slot: u32) -> Option<Blocked> {
        let fiber = self.fibers.get(slot);
        let waits_for = match fiber.state {
            State::Waiting | State::Listening => "a message",
            State::HostCall => "the host",
            State::Sending => "room in a mailbox",
            State::AtSlot => "an answer or an end",
            State::Free | State::Ready | State::Ending | State::Outside | State::Remote => return None,
        };
        let (_, function, offset) = self.frames_of(fiber.block, fiber.fp as usize, fiber.pc).next()?;
        let place = self.describe(function, offset);
        Some(Blocked {
            fiber: self.fibers.id(slot),
            function: place.function,
            offset: place.offset,
            source: place.source,
            waits_for,
            mailbox: u64::from(fiber.count),
        })
    }

    fn result_of(&mut self, slot: u32) -> Option<crate::value::Value> {
        let ty = self.fibers.side(slot)?.result?;
        let block = self.fibers.get(slot).block;
        let word = block.load(block.bytes() - 8);
        Some(crate::convert::to_value(self, block, word, ty, &mut { VALUES_BYTES_MAX }))
    }

    pub(crate) fn load_saved(&mut self, slot: u32, fuel: i64) {
        let fiber = self.fibers.get(slot);
        self.saved = Saved::at(self.code_base, fiber, fuel);
    }

    pub(crate) fn store_saved(&mut self, slot: u32) {
        self.fibers.get_mut(slot).keep(&self.saved, self.code_base, self.block);
    }

    /// The seed of hashes of what comes from elsewhere.
    pub(crate) fn seed_of_outside(&self) -> u64 {
        crate::runtime::hash::mix(self.config.seed ^ 0x9e37_79b9_7f4a_7c15, u64::MAX)
    }

    /// Draws a number that no other place of the machine has: for seeds.
    pub(crate) fn seed_of(&self, slot: u32) -> u64 {
        let id = self.fibers.id(slot);
        crate::runtime::hash::mix(
            self.config.seed ^ 0x9e37_79b9_7f4a_7c15,
            u64::from(id.slot) << 32 | u64::from(id.generation),
        )
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        for slot in self.fibers.used().collect::<Vec<_>>() {
            let block = self.fibers.get(slot).block;
            self.pool.give(block);
        }
    }
}

/// Whether a heap has room for `bytes` more; the interpreter asks the same.
#[inline]
pub(crate) fn has_room(block: Block, top: usize, fp: usize, bytes: usize) -> bool {
    top + bytes <= fp && top + bytes <= soft_limit(block)
}

#[inline]
pub(crate) fn soft_limit(block: Block) -> usize {
    block.load(header::LIMITS) as u32 as usize
}

/// Writes the two limits of a block's header: where the heap's growth has to be looked at, and how low the stack may go.
pub(crate) fn set_limits(block: Block, top: usize, stack_bytes_max: u64, collect_always: bool) {
    let allocated = block.load(header::ALLOCATED);
    let threshold = block.load(header::THRESHOLD);
    // What was ever allocated is `allocated` plus the heap's top, modulo 2^64.
    let left = threshold.wrapping_sub(allocated.wrapping_add(top as u64)) as i64;
    let soft = if collect_always { top } else { (top as u64).saturating_add(left.max(0) as u64) as usize };
    let stack_max = usize::try_from(stack_bytes_max).unwrap_or(usize::MAX);
    let lowest = block.bytes().saturating_sub(stack_max);
    block.store(header::LIMITS, soft.min(u32::MAX as usize) as u64 | (lowest as u64) << 32);
}

fn forbid_allocation(block: Block) {
    let limits = block.load(header::LIMITS);
    block.store(header::LIMITS, limits & !0xffff_ffff);
}

/// Allows exactly one allocation of `need` bytes, for collecting at each.
pub(crate) fn allow(block: Block, top: usize, need: usize) {
    let limits = block.load(header::LIMITS);
    block.store(header::LIMITS, limits & !0xffff_ffff | (top + need) as u64);
}
