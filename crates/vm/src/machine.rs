//! The machine, from outside.
//!
//! **Invariant:** what a machine does is a function of its settings, its modules and its inputs in their order.

use crate::config::Config;
use crate::convert::from_value;
use crate::core::Core;
use crate::door::Journal;
use crate::door::{Bounds, Entry, HostTable, Input, Output, SendError, Signal};
use crate::exit::{Cause, ExitReason, Payload};
use crate::fiber::FiberId;
use crate::heap::fragment::{Fragment, relocate};
use crate::packed::{Packed, TypeNumber, Unreadable};
use crate::value::Value;
use fardel_bytecode::module::{Function, Module, ModuleHash};
use fardel_bytecode::system::Reason;
use fardel_bytecode::types::TypeTable;
use fardel_bytecode::verify::VerifiedModule;

/// A machine: fibers, their memory, their code.
#[derive(Debug)]
pub struct Machine {
    core: Box<Core>,
}

/// What a call of [`Machine::run`] left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// Fibers are ready to run.
    More,
    /// No fiber is ready; the machine waits for an input or for its next timeout.
    Idle,
}

/// Counts since a machine's start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Fibers started.
    pub fibers_started: u64,
    /// Fibers alive.
    pub fibers_live: u64,
    /// Messages sent.
    pub messages: u64,
    /// Messages that nobody got: their receiver was gone, took no such type, or had no room.
    pub dead_letters: u64,
    /// Fuel charged.
    pub fuel: u64,
    /// Instructions carried out, when counted.
    pub instructions: Option<u64>,
    /// Slices run.
    pub slices: u64,
    /// Collections.
    pub collections: u64,
    /// Bytes in the fibers' blocks now.
    pub block_bytes: u64,
    /// The most bytes there ever were.
    pub block_bytes_max: u64,
    /// Bytes outside of the blocks: messages that wait, ties between fibers, timers, shared texts and byte strings.
    pub outside_bytes: u64,
    /// Names that are taken, those in the cluster and places in groups included.
    pub names: u64,
    /// Timers with messages that run.
    pub timers: u64,
    /// Allocations from the machine's budget, as [`Config::fail_allocation`] counts them.
    pub allocations: u64,
}

/// A fiber that cannot go on by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocked {
    /// Which.
    pub fiber: FiberId,
    /// The function that it is in.
    pub function: String,
    /// The place in the function's code.
    pub offset: u32,
    /// The source file and line, where the module has them.
    pub source: Option<(String, u32)>,
    /// What it waits for, as `a message`.
    pub waits_for: &'static str,
    /// Messages in its mailbox.
    pub mailbox: u64,
}

/// One instruction that is about to be carried out.
#[derive(Clone, Debug)]
pub struct TraceEvent<'a> {
    /// By which fiber.
    pub fiber: FiberId,
    /// In which function.
    pub function: &'a str,
    /// At which place in its code, in bytes.
    pub offset: u32,
    /// The instruction's name.
    pub mnemonic: &'static str,
    /// Messages in the fiber's mailbox.
    pub mailbox: u64,
}

/// Why a module cannot be loaded into a machine.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// A module that it imports is not loaded.
    #[error("module {importer} imports `{name}` of module {module}, which is not loaded")]
    MissingModule {
        /// Who imports.
        importer: ModuleHash,
        /// What is missing.
        module: ModuleHash,
        /// The function.
        name: String,
    },
    /// A module that it imports does not export the function with that signature.
    #[error("module {module} exports no `{name}` with the signature {wanted}")]
    MissingExport {
        /// Whose export.
        module: ModuleHash,
        /// The function.
        name: String,
        /// The signature that was wanted.
        wanted: String,
    },
    /// The machine's tables are full.
    #[error("the machine's table of {0} is full")]
    Full(&'static str),
}

/// Why a fiber cannot be started from outside.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SpawnError {
    /// No such module is loaded.
    #[error("module {0} is not loaded")]
    NoModule(ModuleHash),
    /// The module exports no such function.
    #[error("module {module} exports no function `{name}`")]
    NoFunction {
        /// Whose export.
        module: ModuleHash,
        /// The function.
        name: String,
    },
    /// An argument does not fit the function's parameters.
    #[error("`{name}` takes {wanted}, not {seen}")]
    BadArguments {
        /// The function.
        name: String,
        /// Its parameters.
        wanted: String,
        /// What was given.
        seen: String,
    },
    /// The machine has no room for another fiber.
    #[error("the machine has no room for another fiber")]
    Full,
}

impl Machine {
    /// A machine without code and fibers.
    pub fn new(config: Config) -> Machine {
        Machine { core: Core::new(config) }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Loads a module; loading one that is there already changes nothing. The modules that it imports come first.
    ///
    /// # Errors
    /// See [`LoadError`]. Nothing of the module can be started then.
    pub fn load(&mut self, module: &VerifiedModule, hosts: &HostTable) -> Result<ModuleHash, LoadError> {
        self.note(&Entry::Load(module.hash()));
        self.core.load(module, hosts)?;
        Ok(module.hash())
    }

    /// A module that is loaded.
    pub fn module(&self, module: ModuleHash) -> Option<&Module> {
        self.core.find_module(module).map(|loaded| loaded.module.module())
    }

    /// The types of an exported function's parameters and result as text, if there is one: `["List<Text>"]`.
    pub fn signature(&self, module: ModuleHash, function: &str) -> Option<(Vec<String>, Option<String>)> {
        let loaded = self.core.find_module(module)?;
        let (_, function) = loaded.export(function)?;
        let table = &loaded.module.module().types;
        let params = function.params.iter().map(|ty| table.display(*ty)).collect();
        Some((params, function.result.map(|ty| table.display(ty))))
    }

    /// Starts a fiber in an exported function. Its end will be told by [`Output::Exited`].
    ///
    /// # Errors
    /// See [`SpawnError`]; then nothing was started.
    pub fn spawn(&mut self, module: ModuleHash, function: &str, args: &[Value]) -> Result<FiberId, SpawnError> {
        self.note(&Entry::Spawn { module, function, args });
        let loaded = self.core.find_module(module).ok_or(SpawnError::NoModule(module))?;
        let (number, _) =
            loaded.export(function).ok_or_else(|| SpawnError::NoFunction { module, name: function.to_owned() })?;
        let slot = self.begin(number, args)?;
        let result = self.core.functions[number as usize].result;
        let side = self.core.fibers.side_or_new(slot);
        side.watched = true;
        side.result = result;
        self.core.launch(slot);
        Ok(self.core.fibers.id(slot))
    }

    /// Starts a fiber for another one ([`Output::Spawn`]), in any function of a module, by its place there, with limits of
    /// its own. With `link` it is linked with a fiber from the first; when that has ended, it ends as well.
    ///
    /// # Errors
    /// See [`SpawnError`]; then nothing was started.
    pub fn start(
        &mut self,
        module: ModuleHash,
        function: u32,
        args: &Packed<'_>,
        link: Option<FiberId>,
        bounds: &Bounds,
    ) -> Result<FiberId, SpawnError> {
        self.note(&Entry::Start { module, function, args, link, bounds });
        let loaded = self.core.find_module(module).ok_or(SpawnError::NoModule(module))?;
        // A closure has captured values besides its arguments, which nobody outside can give.
        let is_plain = |known: &Function| known.captures.is_empty();
        if !loaded.module.module().functions.get(function as usize).is_some_and(is_plain) {
            return Err(SpawnError::NoFunction { module, name: format!("#{function}") });
        }
        let number = loaded.first_function + function;
        let entry = &self.core.functions[number as usize];
        let types = entry.param_types.clone();
        let name = loaded.function_name(entry.position as usize).to_owned();
        let bad = |wanted: String, seen: String| SpawnError::BadArguments { name, wanted, seen };
        let fits = args.types.len() >= types.len() && args.types.iter().zip(&types).all(|(sent, wanted)| sent.0 == *wanted);
        if !fits {
            let wanted: Vec<&str> = types.iter().map(|ty| self.core.types.get(*ty).name.as_str()).collect();
            return Err(bad(format!("({})", wanted.join(", ")), "arguments of other types".to_owned()));
        }
        if link.is_some() && !self.core.has_room_for_ties() {
            return Err(SpawnError::Full);
        }
        let (slots, fragment) = match self.core.unpack(args, &types) {
            Ok(unpacked) => unpacked,
            Err(problem) => return Err(bad("arguments".to_owned(), problem.to_string())),
        };
        let slot = self.begin_with(number, &slots, fragment)?;
        let fiber = self.core.fibers.id(slot);
        let limits = self.core.limits_within(bounds);
        self.core.limit(slot, limits);
        let has_ended = link.is_some_and(|link| !self.core.fibers.is_alive(link));
        if let Some(link) = link.filter(|_| !has_ended) {
            self.core.note_link(fiber, link);
        }
        self.core.launch(slot);
        if has_ended {
            self.core.doom(slot, Cause::Plain(Reason::NoProc));
        }
        Ok(fiber)
    }

    /// Makes a fiber in a function, with arguments from outside, that does not run yet; its place.
    fn begin(&mut self, number: u32, args: &[Value]) -> Result<u32, SpawnError> {
        let (slots, fragment) = self.slots_of(number, args)?;
        self.begin_with(number, &slots, fragment)
    }

    /// The slots of arguments of a function, and what they reach.
    fn slots_of(&mut self, number: u32, args: &[Value]) -> Result<(Vec<u64>, Fragment), SpawnError> {
        let entry = &self.core.functions[number as usize];
        let types = entry.param_types.clone();
        let loaded = &self.core.modules[entry.module as usize];
        let name = loaded.function_name(entry.position as usize).to_owned();
        let bad = |wanted: String, seen: String| SpawnError::BadArguments { name: name.clone(), wanted, seen };
        if types.len() != args.len() {
            return Err(bad(format!("{} arguments", types.len()), args.len().to_string()));
        }
        let mut fragment = Fragment::default();
        let mut slots = Vec::new();
        for (value, ty) in args.iter().zip(types.iter()) {
            match from_value(&mut self.core, value, *ty, &mut fragment) {
                Ok(slot) => slots.push(slot),
                Err(mismatch) => {
                    fragment.discard(&mut self.core.shared);
                    return Err(bad(mismatch.wanted, mismatch.seen.to_owned()));
                }
            }
        }
        Ok((slots, fragment))
    }

    /// As [`Machine::begin`], with the slots of the arguments and what they reach.
    fn begin_with(&mut self, number: u32, slots: &[u64], fragment: Fragment) -> Result<u32, SpawnError> {
        let core = &mut *self.core;
        let is_word = core.functions[number as usize].param_words.clone();
        core.started_outside += 1;
        let seed = crate::random::split(crate::runtime::hash::mix(core.config.seed, core.started_outside));
        let Some((slot, fp)) = core.begin(number, fragment.bytes(), seed) else {
            fragment.discard(&mut core.shared);
            return Err(SpawnError::Full);
        };
        let block = core.fibers.get(slot).block;
        let mut refs = Vec::new();
        let delta = fragment.adopt(block, crate::heap::block::header::HEAP, Some(&mut refs));
        if !refs.is_empty() {
            core.fibers.side_or_new(slot).shared_refs = refs;
        }
        for (at, (word, is_word)) in slots.iter().zip(&is_word).enumerate() {
            let word = if *is_word { relocate(*word, delta) } else { *word };
            block.store(fp + usize::from(crate::code::slot_offset(at)), word);
        }
        Ok(slot)
    }

    /// Takes an input. A message that is not taken is a dead letter; [`Machine::send`] tells why.
    pub fn handle(&mut self, input: Input) {
        self.note(&Entry::Input(&input));
        match input {
            Input::Time(now) => {
                self.core.now = self.core.now.max(now);
                self.core.timers.advance(self.core.now);
            }
            Input::HostResult { call, result } => self.core.host_result(call, result),
            Input::Message { to, value } => {
                // It was counted.
                let _ = self.core.message_from_outside(to, &value);
            }
            Input::Signal { from, to, signal } => {
                // It was counted.
                let _ = self.core.signal_in(from, to, &signal);
            }
            Input::Watch { by, fiber } => self.core.watch_from(by, fiber),
            Input::Gone { remote, reason } => self.core.remote_gone(remote, reason),
            Input::Lost { remote } => self.core.remote_lost(remote),
            Input::Taken { remote, messages, bytes } => self.core.remote_taken(remote, messages, bytes),
            Input::Withdrawn { from, to } => self.core.withdraw(from, to),
            Input::Spawned { call, result, linked } => self.core.spawned(call, result, linked),
            Input::News(news) => self.core.take_news(news),
            Input::Exit { fiber, reason } => {
                let is_kill = matches!(reason, ExitReason::Kill | ExitReason::Killed);
                let cause = if is_kill { Cause::Plain(Reason::Kill) } else { self.core.cause_of(reason) };
                self.core.signal(fiber, None, cause);
            }
        }
    }

    /// Sends a message from outside: an [`Input::Message`] that tells what became of it.
    ///
    /// # Errors
    /// See [`SendError`]; the message is lost then.
    pub fn send(&mut self, to: FiberId, value: Value) -> Result<(), SendError> {
        let input = Input::Message { to, value };
        self.note(&Entry::Input(&input));
        let Input::Message { to, value } = input else { return Ok(()) };
        self.core.message_from_outside(to, &value)
    }

    /// Takes what a fiber of another node does: as [`Input::Signal`], but it tells what became of a message.
    ///
    /// # Errors
    /// See [`SendError`]. After [`SendError::Waits`] the message may come again, when [`Output::Room`] says so.
    pub fn signal(&mut self, from: FiberId, to: FiberId, signal: &Signal<'_>) -> Result<(), SendError> {
        self.note(&Entry::Signal { from, to, signal });
        self.core.signal_in(from, to, signal)
    }

    /// The arguments of a function of a module, by its place there, for [`Machine::start`] on another machine.
    ///
    /// # Errors
    /// See [`SpawnError`]: they are none of the function's.
    pub fn pack_args(&mut self, module: ModuleHash, function: u32, args: &[Value]) -> Result<Packed<'static>, SpawnError> {
        let loaded = self.core.find_module(module).ok_or(SpawnError::NoModule(module))?;
        if loaded.module.module().functions.len() <= function as usize {
            return Err(SpawnError::NoFunction { module, name: format!("#{function}") });
        }
        let number = loaded.first_function + function;
        let (slots, fragment) = self.slots_of(number, args)?;
        let types = self.core.functions[number as usize].param_types.clone();
        let roots: Vec<(u64, u32)> = slots.iter().copied().zip(types.iter().copied()).collect();
        let packed = crate::packed::write(&self.core, fragment.words(), &roots);
        fragment.discard(&mut self.core.shared);
        packed.map_err(|seen| SpawnError::BadArguments { name: format!("#{function}"), wanted: "values".to_owned(), seen })
    }

    /// The value that packed bytes of a message are.
    ///
    /// # Errors
    /// When they are none.
    pub fn value_of(&mut self, packed: &Packed<'_>) -> Result<Value, Unreadable> {
        let (slot, ty, mut fragment) = self.core.unpack_one(packed)?;
        let root = self.core.word_of(slot, ty, &mut fragment);
        let payload = Payload { root, fragment };
        let value = self.core.payload_value(&payload);
        payload.fragment.discard(&mut self.core.shared);
        Ok(value)
    }

    /// Makes the types of a module known, for values that come from where it is: the numbers of all of its types.
    ///
    /// # Errors
    /// When the machine can know no more types.
    pub fn learn_types(&mut self, module: &VerifiedModule) -> Result<Vec<TypeNumber>, LoadError> {
        self.note(&Entry::Types(module.module()));
        Ok(self.core.types.intern(&module.module().types)?.into_iter().map(TypeNumber).collect())
    }

    /// With which others a type became known, as a number of that set; see [`Machine::types_known`].
    pub fn types_with(&self, ty: TypeNumber) -> u32 {
        self.core.types.table_of(ty.0)
    }

    /// A set of types that became known together, and their numbers here.
    pub fn types_known(&self, set: u32) -> Option<(&TypeTable, Vec<TypeNumber>)> {
        let (table, numbers) = self.core.types.table(set)?;
        Some((table, numbers.iter().copied().map(TypeNumber).collect()))
    }

    /// Gives a fiber of another node an address here, if there is a place. What fibers do to it leaves by [`Output::Signal`].
    pub fn open_remote(&mut self) -> Option<FiberId> {
        self.note(&Entry::OpenRemote);
        self.core.open_remote()
    }

    /// Opens a mailbox of the outside, if there is a place: an address to which fibers can send. Each message leaves by
    /// [`Output::Message`].
    pub fn open_port(&mut self) -> Option<FiberId> {
        self.note(&Entry::OpenPort);
        self.core.open_port()
    }

    /// Closes a mailbox of the outside.
    pub fn close_port(&mut self, port: FiberId) {
        self.note(&Entry::ClosePort(port));
        self.core.close_port(port);
    }

    /// Has everything that enters kept, with the number of the slice before which it does. So a run can be repeated: its
    /// settings, and these in their order, are all that it is a function of.
    pub fn set_journal(&mut self, journal: Journal) {
        self.core.journal = Some(journal);
    }

    #[inline]
    fn note(&mut self, entry: &Entry<'_>) {
        if let Some(journal) = &mut self.core.journal {
            journal(self.core.stats.slices, entry);
        }
    }

    /// The names in the cluster, as far as this machine knows them, and the fibers that have them.
    pub fn cluster_names(&self) -> impl Iterator<Item = (&str, FiberId)> {
        self.core.cluster_names()
    }

    /// The members of a group, as far as this machine knows them.
    pub fn group_members(&self, group: &str) -> impl Iterator<Item = FiberId> {
        self.core.group_members(group).map(|(fiber, _)| fiber)
    }

    /// Runs at most `slices` slices.
    pub fn run(&mut self, slices: u32) -> Run {
        for _ in 0..slices {
            if !self.core.run_next() {
                return Run::Idle;
            }
        }
        if !self.core.queue.is_empty() || self.core.timers.is_due() {
            return Run::More;
        }
        self.core.give_back();
        Run::Idle
    }

    /// The next output, the oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.core.outputs.pop_front()
    }

    /// When the machine wants to be told the time at the latest, in nanoseconds of [`Input::Time`].
    pub fn next_timeout(&self) -> Option<u64> {
        self.core.timers.next_timeout(self.core.now)
    }

    /// Whether host calls are under way.
    pub fn waits_for_host(&self) -> bool {
        !self.core.calls_open.is_empty()
    }

    /// The counts since the machine's start.
    pub fn stats(&self) -> Stats {
        let core = &self.core;
        Stats {
            fibers_live: core.fibers.live - core.ports,
            block_bytes: core.pool.bytes_used,
            block_bytes_max: core.pool.bytes_used_max,
            outside_bytes: core.outside_bytes(),
            names: (core.names.len() + core.cluster_entries()) as u64,
            timers: core.timers.sending,
            allocations: core.pool.allocations,
            ..core.stats
        }
    }

    /// Whether a fiber is alive, or a mailbox of the outside open.
    pub fn is_alive(&self, fiber: FiberId) -> bool {
        self.core.fibers.is_alive(fiber)
    }

    /// The fibers that are alive, in the order of their ids.
    pub fn fibers(&self) -> impl Iterator<Item = FiberId> + '_ {
        self.core.fibers.slots().map(|slot| self.core.fibers.id(slot))
    }

    /// The fibers that wait for something, in the order of their places, at most `limit` of them.
    pub fn blocked(&self, limit: usize) -> Vec<Blocked> {
        let core = &self.core;
        core.fibers.slots().filter_map(|slot| core.blocked(slot)).take(limit).collect()
    }

    /// An exported or other function of a loaded module in the interpreter's internal form, a line an instruction: for
    /// looking at what lowering makes of code.
    pub fn internal_form(&self, module: ModuleHash, function: &str) -> Option<String> {
        let loaded = self.core.find_module(module)?;
        let functions = &loaded.module.module().functions;
        let position = functions.iter().position(|known| known.name == function)?;
        Some(self.core.listing(loaded.first_function + position as u32))
    }

    /// Sets who is told of each instruction under [`crate::config::Dispatch::Trace`].
    pub fn set_tracer(&mut self, tracer: Box<dyn FnMut(&TraceEvent<'_>)>) {
        self.core.tracer = Some(tracer);
    }
}
