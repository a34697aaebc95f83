//! The state of a machine, and the life of a fiber: started, run in slices, collected, trapped, ended.
//!
//! [`crate::machine`] is the outside of it. The interpreter works on it through [`crate::interp`] and [`crate::runtime`].
//!
//! **Invariant:** between two slices every live fiber's state lies in its record and its block, in the canonical frame
//! that its stop point has; nothing of it is on the host's stack.

use crate::code::{FunctionEntry, Op, fixed, slot_offset};
use crate::config::{Config, Dispatch};
use crate::convert::VALUES_BYTES_MAX;
use crate::door::{HostCallId, Output};
use crate::exit::{ErrorKind, ExitReason};
use crate::fiber::{FiberId, Fibers, RunQueue, Side, State};
use crate::heap::block::{Block, Pool, header};
use crate::heap::copy::{Fragment, relocate};
use crate::heap::shared::{Constants, Shared};
use crate::heap::word::address_word;
use crate::interp::{Saved, Stop};
use crate::load::{HostEntry, LoadedModule};
use crate::machine::{Blocked, Stats, TraceEvent};
use crate::mailbox::{Message, Messages, NODE_BYTES};
use crate::types::TypeStore;
use std::collections::{BTreeMap, VecDeque};

/// Bytes of the frame below a fiber's first: a header and the slot of the result.
pub(crate) const SENTINEL_BYTES: usize = 24;
/// The function number of the sentinel frame.
pub(crate) const SENTINEL_FUNCTION: u32 = u32::MAX;

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
    pub(crate) pool: Pool,
    /// The running fiber and its block.
    pub(crate) current: u32,
    pub(crate) block: Block,
    /// Why the running fiber exits.
    pub(crate) exit: ExitReason,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) config: Config,
    pub(crate) stats: Stats,
    pub(crate) now: u64,
    pub(crate) calls_made: u64,
    /// The host calls under way, with the places of the fibers that wait for them.
    pub(crate) calls_open: BTreeMap<HostCallId, u32>,
    pub(crate) tracer: Option<Tracer>,
    /// The frame of the instruction that is shown to the tracer.
    pub(crate) observed_fp: *const u8,
}

/// Why a message has no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Undelivered {
    /// The receiver's mailbox holds as much as a fiber may.
    MailboxFull,
    /// The machine's budget is used up.
    OutOfMemory,
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
        let mut core = Box::new(Core {
            code_base: std::ptr::null(),
            saved: Saved::NONE,
            current_address: 0,
            need: 0,
            need_outside: 0,
            trap_kind: ErrorKind::Panic,
            trap_text: None,
            constants: Constants::default(),
            shared: Shared::default(),
            functions: Vec::new(),
            code: Vec::new(),
            long_maps: Vec::new(),
            types: TypeStore::new(),
            modules: Vec::new(),
            host_imports: Vec::new(),
            fibers: Fibers::new(config.fibers_max),
            queue: RunQueue::new(),
            messages: Messages::new(),
            pool: Pool::new(config.machine_memory_bytes_max, config.fail_allocation),
            current: 0,
            block: Block::NONE,
            exit: ExitReason::Normal,
            outputs: VecDeque::new(),
            config,
            stats: Stats::default(),
            now: 0,
            calls_made: 0,
            calls_open: BTreeMap::new(),
            tracer: None,
            observed_fp: std::ptr::null(),
        });
        core.add_fixed_code();
        core
    }

    /// Starts a fiber in a function with the words of its parameters, copied out of a block.
    ///
    /// # Errors
    /// The fragment, when the machine has no place or memory for the fiber.
    pub(crate) fn start(
        &mut self,
        function: u32,
        args: &[u64],
        is_word: &[bool],
        fragment: Fragment,
    ) -> Result<u32, Fragment> {
        let entry = &self.functions[function as usize];
        let (frame_bytes, pc) = (entry.frame_bytes as usize, entry.entry);
        let top = header::HEAP + fragment.bytes();
        let Some(slot) = self.fibers.add() else { return Err(fragment) };
        let block = match self.take_block(top + frame_bytes + SENTINEL_BYTES) {
            Ok(block) => block,
            Err(_) => {
                self.fibers.remove(slot);
                return Err(fragment);
            }
        };
        let sentinel = block.bytes() - SENTINEL_BYTES;
        let fp = sentinel - frame_bytes;
        block.store(sentinel, u64::from(SENTINEL_FUNCTION));
        block.store(sentinel + 8, u64::from(fixed::FINISH_EXTENSION));
        block.store(sentinel + 16, 0);
        block.store(fp, u64::from(function));
        block.store(header::ALLOCATED, 0);
        block.store(header::THRESHOLD, self.config.fiber_memory_bytes_max);
        let has_shared = fragment.has_shared();
        let refs = if has_shared { Some(&mut self.fibers.side_or_new(slot).shared_refs) } else { None };
        let delta = fragment.adopt(block, header::HEAP, refs);
        for (at, (word, is_word)) in args.iter().zip(is_word).enumerate() {
            let word = if *is_word { relocate(*word, delta) } else { *word };
            block.store(fp + usize::from(slot_offset(at)), word);
        }
        let fiber = self.fibers.get_mut(slot);
        fiber.block = block;
        fiber.fp = fp as u32;
        fiber.top = top as u32;
        fiber.pc = pc;
        fiber.state = State::Ready;
        fiber.is_new = true;
        set_limits(block, top, &self.config);
        self.stats.fibers_started += 1;
        self.queue.push(&mut self.fibers, slot);
        Ok(slot)
    }

    /// Runs one slice of the next fiber in the queue, if there is one.
    pub(crate) fn run_next(&mut self) -> bool {
        let Some(slot) = self.queue.pop(&mut self.fibers) else { return false };
        self.stats.slices += 1;
        self.current = slot;
        self.current_address = address_word(self.fibers.id(slot));
        if self.fibers.get(slot).is_ending {
            let reason = self.fibers.side(slot).and_then(|side| side.exit.take()).unwrap_or(ExitReason::Killed);
            self.end(slot, reason, None);
            return true;
        }
        self.run_slice(slot);
        true
    }

    fn run_slice(&mut self, slot: u32) {
        let slice = i64::from(self.config.slice.max(1));
        let fiber = self.fibers.get_mut(slot);
        let fuel = slice - i64::from(std::mem::take(&mut fiber.is_new));
        self.block = fiber.block;
        self.load_saved(slot, fuel);
        if self.config.collect_always {
            forbid_allocation(self.block);
        }
        let stop = if fuel <= 0 { Stop::Preempted } else { self.run_to_stop() };
        self.stats.fuel += (slice - self.saved.fuel).max(0) as u64;
        self.store_saved(slot);
        match stop {
            Stop::Preempted | Stop::Yielded => self.queue.push(&mut self.fibers, slot),
            Stop::Waiting => self.fibers.get_mut(slot).state = State::Waiting,
            Stop::HostCall => self.fibers.get_mut(slot).state = State::HostCall,
            Stop::Finished => {
                let result = self.result_of(slot);
                self.end(slot, ExitReason::Normal, result);
            }
            Stop::Exit => {
                let reason = std::mem::replace(&mut self.exit, ExitReason::Normal);
                self.end(slot, reason, None);
            }
            Stop::NeedSpace | Stop::NeedStack | Stop::Trap => unreachable!("handled where the fiber runs"),
        }
    }

    /// Runs the current fiber until something stops it that is not settled at once.
    fn run_to_stop(&mut self) -> Stop {
        loop {
            let stop = self.dispatch();
            let settled = match stop {
                Stop::NeedSpace => self.make_room(self.need),
                Stop::NeedStack => self.make_stack(self.need),
                Stop::Trap => self.unwind(),
                Stop::Preempted | Stop::Yielded | Stop::Waiting | Stop::HostCall | Stop::Finished | Stop::Exit => {
                    return stop;
                }
            };
            if let Err(reason) = settled {
                self.exit = reason;
                return Stop::Exit;
            }
        }
    }

    fn dispatch(&mut self) -> Stop {
        match self.config.dispatch {
            Dispatch::Tail => crate::interp::run_tail(self),
            Dispatch::Match => crate::interp::run_match(self),
            Dispatch::Count => crate::interp::run_observed(self, |core, _| {
                *core.stats.instructions.get_or_insert(0) += 1;
            }),
            Dispatch::Trace => crate::interp::run_observed(self, crate::trace::observe),
        }
    }

    /// Puts a message into a fiber's mailbox, or straight into the fiber when it waits for one.
    ///
    /// # Errors
    /// When there is no room for it; it is given up.
    pub(crate) fn deliver(&mut self, to: FiberId, message: Message) -> Result<(), Undelivered> {
        self.stats.messages += 1;
        let Some(fiber) = self.fibers.find(to) else {
            self.stats.dead_letters += 1;
            message.discard(&mut self.shared);
            return Ok(());
        };
        if fiber.state != State::Waiting {
            let bytes = message.bytes() + NODE_BYTES;
            let is_full = fiber.mailbox_bytes.saturating_add(bytes as u64) > self.config.fiber_memory_bytes_max;
            if is_full || !self.has_budget(bytes) {
                message.discard(&mut self.shared);
                return Err(if is_full { Undelivered::MailboxFull } else { Undelivered::OutOfMemory });
            }
            self.messages.push(self.fibers.get_mut(to.slot), message);
            return Ok(());
        }
        fiber.state = State::Ready;
        let (block, top, bytes) = (fiber.block, fiber.top as usize, message.bytes());
        // A waiting fiber stands at its receive; with room in its block the message goes into its slot and the fiber on.
        if !message.has_shared() && has_room(block, top, fiber.fp as usize, bytes) {
            let receive = &self.code[fiber.pc as usize / size_of::<Op>()];
            let word = message.adopt(block, top, None);
            block.store(fiber.fp as usize + usize::from(receive.a), word);
            fiber.top += bytes as u32;
            fiber.pc += 2 * size_of::<Op>() as u32;
        } else {
            self.messages.push(fiber, message);
        }
        self.queue.push(&mut self.fibers, to.slot);
        Ok(())
    }

    /// Ends a fiber that is not in the run queue.
    pub(crate) fn end(&mut self, slot: u32, reason: ExitReason, result: Option<crate::value::Value>) {
        let id = self.fibers.id(slot);
        while let Some(message) = self.messages.pop(self.fibers.get_mut(slot)) {
            message.discard(&mut self.shared);
        }
        let mut watched = false;
        if let Some(side) = self.fibers.side(slot) {
            watched = side.watched;
            let Side { shared_refs, reply, call, .. } = std::mem::take(side);
            let block = self.fibers.get(slot).block;
            for offset in shared_refs {
                self.shared.release(block.load(offset as usize + 8) as u32);
            }
            if let Some(Ok((_, fragment))) = reply {
                fragment.discard(&mut self.shared);
            }
            if let Some(call) = call {
                self.calls_open.remove(&call);
            }
        }
        let block = self.fibers.get(slot).block;
        self.pool.give(block);
        self.fibers.remove(slot);
        let is_failure = !matches!(reason, ExitReason::Normal | ExitReason::Shutdown | ExitReason::ShutdownWith(_));
        if watched || is_failure {
            self.outputs.push_back(Output::Exited { fiber: id, reason, result });
        }
    }

    /// Sends an exit signal.
    pub(crate) fn signal(&mut self, to: FiberId, reason: ExitReason) {
        if reason == ExitReason::Normal {
            return;
        }
        let Some(fiber) = self.fibers.find(to) else { return };
        match fiber.state {
            State::Waiting | State::HostCall => self.end(to.slot, reason, None),
            State::Ready => {
                fiber.is_ending = true;
                self.fibers.side_or_new(to.slot).exit.get_or_insert(reason);
            }
            State::Free => {}
        }
    }

    /// Notes a host call of the current fiber.
    pub(crate) fn open_call(&mut self, host: u32, args: Vec<crate::value::Value>) {
        self.calls_made += 1;
        let call = HostCallId(self.calls_made);
        let (slot, fiber) = (self.current, self.fibers.id(self.current));
        self.calls_open.insert(call, slot);
        self.fibers.side_or_new(slot).call = Some(call);
        self.outputs.push_back(Output::HostCall { call, fiber, host: crate::door::HostId(host), args });
    }

    /// Ends the host call of a fiber, whose result was taken.
    pub(crate) fn close_call(&mut self, slot: u32) {
        if let Some(call) = self.fibers.side_or_new(slot).call.take() {
            self.calls_open.remove(&call);
        }
    }

    /// Takes the result of a host call, if the fiber still waits for it.
    pub(crate) fn host_result(&mut self, call: HostCallId, result: Result<crate::value::Value, String>) {
        let Some(slot) = self.calls_open.get(&call).copied() else { return };
        if self.fibers.get(slot).state != State::HostCall {
            return;
        }
        let import = self.code[self.fibers.get(slot).pc as usize / size_of::<Op>() + 1].extra();
        let reply = result.and_then(|value| self.reply(import as usize, &value));
        self.fibers.side_or_new(slot).reply = Some(reply);
        self.fibers.get_mut(slot).state = State::Ready;
        self.queue.push(&mut self.fibers, slot);
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

    /// Takes a message from outside.
    pub(crate) fn message_from_outside(&mut self, to: FiberId, value: &crate::value::Value) {
        let mut fragment = Fragment::default();
        match crate::convert::from_value(self, value, fardel_bytecode::types::ANY.0, &mut fragment) {
            Ok(root) => {
                let message = if fragment.bytes() == 0 { Message::Word(root) } else { Message::Fragment(root, fragment) };
                let delivered = self.deliver(to, message);
                self.stats.dead_letters += u64::from(delivered.is_err());
            }
            Err(_) => {
                self.stats.dead_letters += 1;
                fragment.discard(&mut self.shared);
            }
        }
    }

    /// What a fiber waits for, if it does.
    pub(crate) fn blocked(&self, slot: u32) -> Option<Blocked> {
        let fiber = self.fibers.get(slot);
        let waits_for = match fiber.state {
            State::Waiting => "a message",
            State::HostCall => "the host",
            State::Free | State::Ready => return None,
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

    fn load_saved(&mut self, slot: u32, fuel: i64) {
        let fiber = self.fibers.get(slot);
        self.saved = Saved::at(self.code_base, fiber, fuel);
    }

    fn store_saved(&mut self, slot: u32) {
        let (pc, fp) = (self.saved.pc_offset(self.code_base), self.saved.fp_offset(self.block));
        let (block, top) = (self.block, self.saved.top as u32);
        let fiber = self.fibers.get_mut(slot);
        fiber.block = block;
        fiber.pc = pc;
        fiber.fp = fp;
        fiber.top = top;
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
        for slot in self.fibers.slots().collect::<Vec<_>>() {
            let block = self.fibers.get(slot).block;
            self.pool.give(block);
        }
    }
}

/// Whether a heap has room for `bytes` more; the interpreter asks the same.
pub(crate) fn has_room(block: Block, top: usize, fp: usize, bytes: usize) -> bool {
    top + bytes <= fp && top + bytes <= soft_limit(block)
}

fn soft_limit(block: Block) -> usize {
    block.load(header::LIMITS) as u32 as usize
}

/// Writes the two limits of a block's header: where the heap's growth has to be looked at, and how low the stack may go.
pub(crate) fn set_limits(block: Block, top: usize, config: &Config) {
    let allocated = block.load(header::ALLOCATED);
    let threshold = block.load(header::THRESHOLD);
    // What was ever allocated is `allocated` plus the heap's top, modulo 2^64.
    let left = threshold.wrapping_sub(allocated.wrapping_add(top as u64)) as i64;
    let soft = if config.collect_always { top } else { (top as u64).saturating_add(left.max(0) as u64) as usize };
    let stack_max = usize::try_from(config.fiber_stack_bytes_max).unwrap_or(usize::MAX);
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
