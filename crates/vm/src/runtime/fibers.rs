//! Starting fibers, ending them, and what ties them together.

use super::Cx;
use super::carry::{As, Copied};
use crate::config::FullPolicy;
use crate::convert::{VALUES_BYTES_MAX, to_value};
use crate::core::Core;
use crate::deliver::MESSAGE_BYTES_MAX;
use crate::door::{Bounds, Output};
use crate::exit::{Cause, ErrorKind, FAILURE_BYTES_MAX, Failure, Payload};
use crate::fiber::{Flags, Limits, NONE, State};
use crate::heap::block::header;
use crate::heap::copy::CopyError;
use crate::heap::fragment::{Fragment, relocate};
use crate::heap::word::{self, Header, Kind, NULL, is_reference};
use crate::interp::Stop;
use crate::mailbox::NODE_BYTES;
use crate::packed;
use crate::random;
use crate::ties::{SLOTS_MAX, Slot};
use crate::value::Value;
use fardel_bytecode::system::Reason;
use fardel_bytecode::types;
use std::num::NonZeroU64;
use std::rc::Rc;

/// Bytes of the message in an error value.
const ERROR_BYTES_MAX: usize = 1024;
/// Bytes of the value in an exit reason. With a larger one the reason is `shutdown`, without it.
const REASON_BYTES_MAX: usize = 1 << 20;

/// The beginning of a text, up to a character's end.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

impl Cx<'_> {
    pub(super) fn copy_failed<T>(&mut self, error: CopyError) -> Result<T, Stop> {
        let message = match error {
            CopyError::OutOfMemory => "no memory for a message".to_owned(),
            CopyError::TooLarge => format!("a message of more than {MESSAGE_BYTES_MAX} bytes"),
        };
        self.trap_with(ErrorKind::SystemLimit, message)
    }

    /// Puts a fragment on the heap, where there is room for it, and gives the distance for [`relocate`].
    pub(crate) fn take_in(&mut self, fragment: Fragment) -> u64 {
        let (slot, block, top) = (self.core.current, self.block(), self.core.saved.top);
        self.core.saved.top = top + fragment.bytes();
        if !fragment.has_shared() {
            return fragment.adopt(block, top, None);
        }
        let refs = &mut self.core.fibers.side_or_new(slot).shared_refs;
        let before = refs.len();
        let delta = fragment.adopt(block, top, Some(refs));
        let outside: u64 = refs[before..].iter().map(|offset| block.load(*offset as usize + 24)).sum();
        self.core.count_outside(outside as usize);
        delta
    }

    /// The next number of the fiber's generator.
    pub(crate) fn draw(&mut self) -> u64 {
        let state = random::next(self.block().load(header::RANDOM));
        self.block().store(header::RANDOM, state);
        random::bits(state)
    }

    /// Adds a token of the fiber's own, for which there is room, and gives it with its number.
    pub(super) fn add_token(&mut self) -> (u64, u64) {
        let number = self.draw();
        let at = self.add_object(TOKEN);
        self.set_field(at, 0, self.core.current_address);
        self.set_field(at, 1, number);
        let slot = self.core.current;
        let fiber = self.core.fibers.get_mut(slot);
        if fiber.head != NONE {
            // A selective receive for it need not look at what is there already.
            let tail = fiber.tail;
            fiber.flags.set(Flags::MARKED, true);
            self.core.fibers.side_or_new(slot).mail.mark(number, tail);
        }
        (at, number)
    }

    /// The number of a token, if it is the fiber's own.
    pub(super) fn own_token(&self, token: u64) -> Option<u64> {
        (self.field(token, 0) == self.core.current_address).then(|| self.field(token, 1))
    }

    /// Makes sure that another tie is allowed.
    fn reserve_tie(&mut self) -> Result<(), Stop> {
        if self.core.has_room_for_ties() {
            return Ok(());
        }
        self.trap_with(ErrorKind::SystemLimit, "no memory for another link, monitor or slot".to_owned())
    }

    /// Makes sure that another slot is allowed.
    pub(super) fn reserve_slot(&mut self) -> Result<(), Stop> {
        if self.core.slots_open(self.core.current) >= SLOTS_MAX {
            let message = format!("{SLOTS_MAX} requests are open, whose replies nobody has waited for");
            return self.trap_with(ErrorKind::SystemLimit, message);
        }
        self.reserve_tie()
    }

    /// An error value: its kind and a message.
    pub(super) fn error_value(&mut self, kind: &str, message: &str) -> Result<u64, Stop> {
        let message = cut(message, ERROR_BYTES_MAX);
        let text_bytes = |text: &str| 16 + word::words_of(text.len()) * 8;
        self.reserve(24 + text_bytes(kind) + text_bytes(message))?;
        let kind = self.add_text(super::text::Flavour::Text, kind.as_bytes());
        let message = self.add_text(super::text::Flavour::Text, message.as_bytes());
        let error = self.add_object(Header::new(Kind::Fields, types::ERROR.0, 2, 2));
        self.set_field(error, 0, kind);
        self.set_field(error, 1, message);
        Ok(error)
    }

    /// Copies the arguments of a new fiber in a function, from `a` on.
    ///
    /// # Errors
    /// The stop after which it goes on, or the trap when they cannot be copied.
    fn arguments(&mut self, function: u32) -> Result<Arguments, Stop> {
        let core = &mut *self.core;
        let (block, first) = (core.block, self.fp + self.op.a as usize);
        let mut roots = std::mem::take(&mut core.roots);
        let mut has_reference = false;
        roots.clear();
        for (at, is_word) in core.functions[function as usize].param_words.iter().enumerate() {
            // What is no word must not be taken for a reference.
            let root = if *is_word { block.load(first + at * 8) } else { NULL };
            has_reference |= is_reference(root);
            roots.push(root);
        }
        let copy = if has_reference { Some(self.copy_out(&mut roots)?) } else { None };
        Ok(Arguments { roots, copy })
    }

    /// Starts a fiber in a function with arguments, not running yet; its place.
    fn start(&mut self, function: u32, arguments: Arguments) -> Result<u32, Stop> {
        let Arguments { roots, copy } = arguments;
        let bytes = match &copy {
            None => 0,
            Some(Copied::Small) => self.core.scratch.bytes(),
            Some(Copied::Large(fragment)) => fragment.bytes(),
        };
        let seed = random::split(self.draw());
        let core = &mut *self.core;
        let Some((slot, fp)) = core.begin(function, bytes, seed) else {
            if let Some(Copied::Large(fragment)) = copy {
                fragment.discard(&mut core.shared);
            }
            return self.trap_with(ErrorKind::SystemLimit, "no place or memory for another fiber".to_owned());
        };
        let (block, new) = (core.block, core.fibers.get(slot).block);
        let first = self.fp + self.op.a as usize;
        // The heap of a new fiber begins with its arguments, so where they will be is known.
        let delta = FIRST_DELTA;
        match copy {
            None => {}
            Some(Copied::Small) if core.scratch.has_shared() => {
                let fragment = core.scratch.keep(&mut core.shared);
                let refs = &mut core.fibers.side_or_new(slot).shared_refs;
                fragment.adopt(new, header::HEAP, Some(refs));
            }
            Some(Copied::Small) => {
                core.scratch.adopt(new, header::HEAP);
            }
            Some(Copied::Large(fragment)) => core.start_landing(slot, NULL, fragment, header::HEAP),
        }
        let params = core.functions[function as usize].param_words.iter().zip(&roots);
        for (at, (is_word, root)) in params.enumerate() {
            let word = if *is_word { relocate(*root, delta) } else { block.load(first + at * 8) };
            new.store(fp + usize::from(crate::code::slot_offset(at)), word);
        }
        core.roots = roots;
        if !matches!(core.fibers.side_of(slot), Some(side) if side.carried.is_some()) {
            self.charge(bytes);
        }
        Ok(slot)
    }

    fn discard_arguments(&mut self, arguments: Arguments) {
        if let Some(Copied::Large(fragment)) = arguments.copy {
            fragment.discard(&mut self.core.shared);
        }
    }

    fn address(&self, slot: u32) -> u64 {
        word::address_word(self.core.fibers.id(slot))
    }
}

/// What [`relocate`] adds for a fragment that is first in its block.
const FIRST_DELTA: u64 = header::HEAP as u64 - 8;

/// Arguments of a new fiber: the words of its parameters, and the copy of what they reach.
struct Arguments {
    roots: Vec<u64>,
    copy: Option<Copied>,
}

/// The header of a token: the address of who made it, and its number there.
pub(crate) const TOKEN: Header = Header::new(Kind::Ref, types::REF.0, 2, 0);

/// `a` := the address of a new fiber in the function in the extension, with the arguments from `a` on.
pub(crate) fn spawn(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let function = cx.extra as u32;
    let arguments = cx.arguments(function)?;
    let slot = cx.start(function, arguments)?;
    cx.core.launch(slot);
    let address = cx.address(slot);
    cx.set_a(address);
    Ok(())
}

/// As [`spawn`], with the options behind the arguments; `a` := the address, or an error value. With the option `on` it
/// runs twice, as [`spawn_on`].
pub(crate) fn spawn_with(cx: &mut Cx<'_>) -> Result<(), Stop> {
    if cx.core.fibers.side(cx.core.current).is_some_and(|side| side.call.is_some()) {
        return take_started(cx);
    }
    let function = cx.extra as u32;
    let options = cx.arg(cx.core.functions[function as usize].params as usize);
    let options = match cx.options(options) {
        Ok(options) => options,
        Err(problem) => {
            let error = cx.error_value("bad_option", &problem)?;
            cx.set_a(error);
            return Ok(());
        }
    };
    if let Some(node) = options.on {
        if !cx.core.config.cluster {
            return no_cluster(cx);
        }
        if options.link {
            cx.reserve_tie()?;
        }
        return ask_node(cx, node, options.link, options.bounds);
    }
    let arguments = cx.arguments(function)?;
    if options.link
        && let Err(stop) = cx.reserve_tie()
    {
        cx.discard_arguments(arguments);
        return Err(stop);
    }
    let slot = cx.start(function, arguments)?;
    let core = &mut *cx.core;
    let limits = core.limits_within(&options.bounds);
    core.limit(slot, limits);
    if options.link {
        let child = core.fibers.id(slot);
        // Both are alive, so there is no reason to end.
        let _ = core.link(core.current, child);
    }
    core.launch(slot);
    let address = cx.address(slot);
    cx.set_a(address);
    Ok(())
}

/// As [`spawn`], on the node behind the arguments; `a` := the address, or an error value.
///
/// It runs twice: first it commits the call and waits, then it takes the result. The fiber's side record says which.
pub(crate) fn spawn_on(cx: &mut Cx<'_>) -> Result<(), Stop> {
    if !cx.core.config.cluster {
        return no_cluster(cx);
    }
    if cx.core.fibers.side(cx.core.current).is_some_and(|side| side.call.is_some()) {
        return take_started(cx);
    }
    let node = cx.arg(cx.core.functions[cx.extra as usize].params as usize);
    let node = to_value(cx.core, cx.block(), node, types::ANY.0, &mut { VALUES_BYTES_MAX });
    ask_node(cx, node, false, Bounds::default())
}

/// Takes what came of the call of a node, or waits for it further.
fn take_started(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let slot = cx.core.current;
    match cx.core.fibers.side(slot).and_then(|side| side.reply.take()) {
        Some(Ok((word, fragment))) => {
            if let Err(stop) = cx.reserve(fragment.bytes()) {
                cx.core.fibers.side_or_new(slot).reply = Some(Ok((word, fragment)));
                return Err(stop);
            }
            cx.core.close_call(slot);
            let delta = cx.take_in(fragment);
            cx.set_a(relocate(word, delta));
            Ok(())
        }
        Some(Err(message)) => {
            cx.core.close_call(slot);
            cx.trap_with(ErrorKind::SystemLimit, message)
        }
        None => cx.wait_for_host(),
    }
}

/// Commits the call that has a fiber started on another node.
fn ask_node(cx: &mut Cx<'_>, node: Value, link: bool, bounds: Bounds) -> Result<(), Stop> {
    let entry = &cx.core.functions[cx.extra as usize];
    let (module, position) = (entry.module as usize, entry.position);
    let types: Vec<u32> = entry.param_types.to_vec();
    let words = cx.slots_from_a(types.len());
    let roots: Vec<(u64, u32)> = words.iter().copied().zip(types).collect();
    let args = match packed::write(cx.core, cx.block(), &roots) {
        Ok(args) => args,
        Err(name) => return cx.trap_with(ErrorKind::NotSendable, name),
    };
    cx.charge(args.len());
    let module = cx.core.modules[module].module.hash();
    cx.core.open_call(|call, fiber| Output::Spawn { call, fiber, node, module, function: position, args, link, bounds });
    cx.wait_for_host()
}

/// What a fiber is started with.
#[derive(Default)]
struct Options {
    /// The node, where one is named.
    on: Option<Value>,
    link: bool,
    bounds: Bounds,
}

/// A value in an option, as a program writes it.
fn shown(value: &Value) -> String {
    let mut text = String::new();
    super::show::value_text(value, &mut text, true);
    text
}

impl Cx<'_> {
    fn options(&self, map: u64) -> Result<Options, String> {
        let mut left = REASON_BYTES_MAX;
        let value = crate::convert::to_value(self.core, self.block(), map, types::MAP_ANY_ANY.0, &mut left);
        let Value::Map(entries) = value else { return Err("the options are no map".to_owned()) };
        let Options { mut on, mut link, mut bounds } = Options::default();
        for (key, value) in entries {
            let Value::Text(key) = key else { return Err("the name of an option is a Text".to_owned()) };
            let positive = |wanted: &str| {
                let number = if let Value::Int(number) = value { u64::try_from(number).unwrap_or(0) } else { 0 };
                let number = NonZeroU64::new(number).map(Some);
                number.ok_or_else(|| format!("`{key}` is {}, wanted {wanted}", shown(&value)))
            };
            match key.as_str() {
                "on" => on = Some(value),
                "link" => {
                    let Value::Bool(value) = value else {
                        return Err(format!("`link` is {}, wanted a Bool", shown(&value)));
                    };
                    link = value;
                }
                "mailbox" => bounds.mailbox_messages_max = positive("a number of messages above 0")?,
                "mailbox_bytes" => bounds.mailbox_bytes_max = positive("a number of bytes above 0")?,
                "memory" => bounds.memory_bytes_max = positive("a number of bytes above 0")?,
                "stack" => bounds.stack_bytes_max = positive("a number of bytes above 0")?,
                "full" => {
                    let policy = if let Value::Text(name) = &value { FullPolicy::of(name) } else { None };
                    let names = "one of block, reject, drop_old, drop_new, exit";
                    bounds.policy = Some(policy.ok_or_else(|| format!("`full` is {}, wanted {names}", shown(&value)))?);
                }
                _ => return Err(format!("unknown option `{key}`")),
            }
        }
        Ok(Options { on, link, bounds })
    }
}

impl Core {
    /// The limits that bounds mean here, where they are not the machine's own.
    pub(crate) fn limits_within(&self, bounds: &Bounds) -> Option<Limits> {
        let config = &self.config;
        let usual = Limits {
            mailbox_messages_max: config.mailbox_messages_max,
            mailbox_bytes_max: config.mailbox_bytes_max,
            policy: FullPolicy::Block,
            memory_bytes_max: config.fiber_memory_bytes_max,
            stack_bytes_max: config.fiber_stack_bytes_max,
        };
        let or = |bound: Option<NonZeroU64>, usual| bound.map_or(usual, NonZeroU64::get);
        let limits = Limits {
            mailbox_messages_max: or(bounds.mailbox_messages_max, usual.mailbox_messages_max),
            mailbox_bytes_max: or(bounds.mailbox_bytes_max, usual.mailbox_bytes_max),
            policy: bounds.policy.unwrap_or(usual.policy),
            // Nobody can give a fiber more than the machine gives each.
            memory_bytes_max: or(bounds.memory_bytes_max, usual.memory_bytes_max).min(usual.memory_bytes_max),
            stack_bytes_max: or(bounds.stack_bytes_max, usual.stack_bytes_max).min(usual.stack_bytes_max),
        };
        (limits != usual).then_some(limits)
    }

    /// Gives a fiber that has not run yet limits of its own.
    pub(crate) fn limit(&mut self, slot: u32, limits: Option<Limits>) {
        let Some(limits) = limits else { return };
        let block = self.fibers.get(slot).block;
        block.store(header::THRESHOLD, limits.memory_bytes_max);
        let top = self.fibers.get(slot).top as usize;
        crate::core::set_limits(block, top, limits.stack_bytes_max, self.config.collect_always);
        self.fibers.side_or_new(slot).limits = Some(Box::new(limits));
        self.fibers.get_mut(slot).flags.set(Flags::BOUNDED, true);
    }
}

/// `a` := the error value of what only a cluster can do.
pub(crate) fn no_cluster(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let error = cx.error_value("no_cluster", "this machine is not part of a cluster")?;
    cx.set_a(error);
    Ok(())
}

// Ends.

impl Cx<'_> {
    /// The exit reason that a value means.
    fn cause(&mut self, value: u64) -> Cause {
        if value == NULL {
            return Cause::NORMAL;
        }
        let reasons = self.core.system.reason + 1;
        if value & word::TAG_MASK == word::TAG_VARIANT {
            let reason = Reason::ALL.get(word::number_of(value).wrapping_sub(reasons) as usize);
            return reason.map_or_else(|| self.shutdown_with(value), |reason| Cause::Plain(*reason));
        }
        match self.flavour(value) {
            Some(super::text::Flavour::Text) => match self.text(value) {
                "normal" => Cause::NORMAL,
                "shutdown" => Cause::Plain(Reason::Shutdown),
                "kill" => Cause::Plain(Reason::Kill),
                _ => self.shutdown_with(value),
            },
            Some(super::text::Flavour::Bytes) => self.shutdown_with(value),
            None if !is_reference(value) => self.shutdown_with(value),
            None => match Reason::ALL.get(self.header(value).ty().wrapping_sub(reasons) as usize) {
                Some(Reason::ShutdownWith) => self.shutdown_with(self.field(value, 0)),
                Some(Reason::Error) => {
                    let text = |field| cut(self.text(self.field(value, field)), FAILURE_BYTES_MAX).to_owned();
                    let (name, message): (String, String) = (text(0), text(1));
                    self.charge(name.len() + message.len());
                    let kind = ErrorKind::of(&name);
                    Cause::Failed(Rc::new(Failure { kind, name, message, trace: Vec::new() }))
                }
                Some(reason) => Cause::Plain(*reason),
                None => self.shutdown_with(value),
            },
        }
    }

    fn shutdown_with(&mut self, value: u64) -> Cause {
        let mut roots = [value];
        if self.core.scratch.copy(self.core.block, &mut roots, REASON_BYTES_MAX).is_err() {
            return Cause::Plain(Reason::Shutdown);
        }
        self.charge(self.core.scratch.bytes());
        let fragment = self.core.scratch.keep(&mut self.core.shared);
        Cause::With(Rc::new(Payload { root: roots[0], fragment }))
    }
}

/// Ends the fiber with the reason `a`.
pub(crate) fn exit(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.core.exit = cx.cause(cx.a());
    Err(Stop::Exit)
}

/// Sends an exit signal with the reason `a` to the fiber `b`.
pub(crate) fn exit_other(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (to, cause) = (word::address_of(cx.b()), cx.cause(cx.a()));
    let own = cx.core.fibers.id(cx.core.current);
    let traps = cx.core.fibers.get(cx.core.current).flags.has(Flags::TRAPS_EXITS);
    if to != own || (traps && cause.kind() != Reason::Kill) {
        cx.core.signal(to, Some(own), cause);
        return Ok(());
    }
    // To itself it is an exit.
    cx.core.exit = if cause.kind() == Reason::Kill { Cause::Plain(Reason::Killed) } else { cause };
    Err(Stop::Exit)
}

/// From now on exit signals come as messages, if `a`.
pub(crate) fn trap_exits(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (slot, traps) = (cx.core.current, cx.a() != 0);
    cx.core.fibers.get_mut(slot).flags.set(Flags::TRAPS_EXITS, traps);
    Ok(())
}

/// Links the fiber with `a`.
pub(crate) fn link(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.reserve_tie()?;
    match cx.core.link(cx.core.current, word::address_of(cx.a())) {
        Ok(()) => Ok(()),
        Err(cause) => {
            cx.core.exit = cause;
            Err(Stop::Exit)
        }
    }
}

/// Ends the link with `a`.
pub(crate) fn unlink(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let passed = cx.core.unlink(cx.core.current, word::address_of(cx.a()));
    cx.charge(passed * NODE_BYTES);
    Ok(())
}

/// `a` := the token of a new monitor of `b`.
pub(crate) fn monitor(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.reserve(TOKEN.bytes())?;
    cx.reserve_tie()?;
    let target = word::address_of(cx.b());
    let (token, number) = cx.add_token();
    cx.core.monitor(cx.core.current, number, target);
    cx.set_a(token);
    Ok(())
}

/// Ends the monitor of the token `a`.
pub(crate) fn demonitor(cx: &mut Cx<'_>) -> Result<(), Stop> {
    if let Some(number) = cx.own_token(cx.a()) {
        let passed = cx.core.demonitor(cx.core.current, number);
        cx.charge(passed * NODE_BYTES);
    }
    Ok(())
}

impl Cx<'_> {
    /// The slot at which the instruction waits, when it has been run before.
    pub(super) fn waits_at(&self) -> Option<u64> {
        let side = self.core.fibers.side_of(self.core.current)?;
        // The slot of a reply that lands is closed already.
        if side.carried.is_some() { Some(0) } else { side.slot }
    }

    /// Whether what is in a slot, or behind it, has come; else the fiber waits there at most so many milliseconds.
    ///
    /// # Errors
    /// The stop that waits.
    pub(super) fn at_slot(&mut self, number: u64, millis: i64) -> Result<Arrived, Stop> {
        if let Some(word) = self.landed()? {
            return Ok(Arrived::Reply(word));
        }
        match self.core.slot_at(self.core.current, number) {
            None | Some(Slot::Delivers(_)) => Ok(Arrived::NoSlot),
            Some(Slot::Open) => {
                if self.is_over(millis, false) {
                    self.leave_slot(number);
                    return Ok(Arrived::TimeOver);
                }
                self.core.fibers.side_or_new(self.core.current).slot = Some(number);
                self.core.park_as = State::AtSlot;
                Err(Stop::Parked)
            }
            Some(Slot::Replied(message)) => {
                // The word is not known before the message is on the heap.
                let bytes = message.kept_bytes();
                self.reserve(bytes)?;
                match self.leave_slot(number) {
                    Some(Slot::Replied(message)) => self.put(message, As::Value).map(Arrived::Reply),
                    Some(Slot::Open | Slot::Gone(_) | Slot::Delivers(_)) | None => Ok(Arrived::NoSlot),
                }
            }
            Some(Slot::Gone(cause)) => {
                let cause = cause.clone();
                let mut fragment = Fragment::default();
                let root = self.core.reason_word(&cause, &mut fragment);
                if let Err(stop) = self.reserve(fragment.bytes()) {
                    fragment.discard(&mut self.core.shared);
                    return Err(stop);
                }
                self.leave_slot(number);
                cause.discard(&mut self.core.shared);
                Ok(Arrived::Gone(relocate(root, self.take_in(fragment))))
            }
        }
    }

    fn leave_slot(&mut self, number: u64) -> Option<Slot> {
        let slot = self.core.current;
        self.stop_clock();
        if let Some(side) = self.core.fibers.side(slot) {
            side.slot = None;
        }
        match self.core.close_slot(slot, number) {
            Some(Slot::Gone(cause)) => {
                cause.discard(&mut self.core.shared);
                None
            }
            other => other,
        }
    }
}

/// What has come to a slot.
pub(super) enum Arrived {
    /// There is no such slot.
    NoSlot,
    /// The time is over.
    TimeOver,
    /// A reply.
    Reply(u64),
    /// The fiber has ended; its reason.
    Gone(u64),
}

/// `a` := why the fiber `a` has ended, or null after so many milliseconds as the next slot says.
///
/// It runs twice: first it opens the slot, then it takes what has come. The fiber's side record says which.
pub(crate) fn wait(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (target, millis) = (word::address_of(cx.arg(0)), cx.arg(1) as i64);
    let number = match cx.waits_at() {
        Some(number) => number,
        None => {
            if target == cx.core.fibers.id(cx.core.current) {
                return cx.trap(ErrorKind::WaitsForItself);
            }
            cx.reserve_slot()?;
            let number = cx.draw();
            cx.core.open_slot(cx.core.current, number, target);
            cx.core.fibers.side_or_new(cx.core.current).slot = Some(number);
            number
        }
    };
    let result = match cx.at_slot(number, millis)? {
        Arrived::Gone(reason) | Arrived::Reply(reason) => reason,
        Arrived::TimeOver | Arrived::NoSlot => NULL,
    };
    cx.set_a(result);
    Ok(())
}

/// Traps with the text `a`.
pub(crate) fn panic(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let message = cx.text(cx.a()).to_owned();
    cx.charge(message.len());
    cx.trap_with(ErrorKind::Panic, message)
}

/// Traps with the kind `a` and the text `b`.
pub(crate) fn raise(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (name, message) = (cx.text(cx.a()).to_owned(), cx.text(cx.b()).to_owned());
    cx.charge(name.len() + message.len());
    cx.core.trap_kind = ErrorKind::of(&name);
    cx.core.trap_text = Some((Some(name), message));
    Err(Stop::Trap)
}
