//! What other nodes have for the machine.

use crate::code::Wanted;
use crate::grants::{Denial, Reach};
use crate::limits::{HELD_BYTES_MAX, HELD_MAX};
use crate::outgoing::{Pending, from_the_wire};
use crate::router::{Held, Home, Router};
use crate::types::BadValue;
use fardel_vm::door::{Input, SendError, Signal};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::SpawnError;
use fardel_wire::frame::Message;
use fardel_wire::id::{ActorId, Address, NodeId, Tag};
use fardel_wire::packed::Values;
use fardel_wire::peers::Peers;
use fardel_wire::reason;
use fardel_wire::table::SpawnRefusal;
use fardel_wire::value::AddressError;
use std::borrow::Cow;

/// Why a message of a peer has no effect.
pub(crate) enum Problem {
    /// The peer may not do that, or holds no address.
    Denied(Denial),
    /// It cannot be read.
    Malformed,
}

impl From<BadValue> for Problem {
    fn from(bad: BadValue) -> Problem {
        match bad {
            BadValue::Malformed => Problem::Malformed,
            BadValue::Address(error) => error.into(),
        }
    }
}

impl From<AddressError> for Problem {
    fn from(error: AddressError) -> Problem {
        match error {
            AddressError::Forged(_) | AddressError::Unknown(_) => Problem::Denied(Denial::Address),
            AddressError::Full(..) => Problem::Malformed,
        }
    }
}

impl Router {
    /// Takes a message of a peer.
    pub fn message(&mut self, now: u64, peer: NodeId, message: Message<'_>, home: &mut impl Home, peers: &mut Peers) {
        self.stats.received += 1;
        match self.take(now, peer, message, home, peers) {
            Ok(()) => {}
            Err(Problem::Denied(denial)) => self.deny(peer, denial),
            Err(Problem::Malformed) => self.stats.malformed += 1,
        }
    }

    fn take(
        &mut self,
        now: u64,
        peer: NodeId,
        message: Message<'_>,
        home: &mut impl Home,
        peers: &mut Peers,
    ) -> Result<(), Problem> {
        match message {
            Message::Send { from, to, value } => {
                if let Err(problem) = self.take_message(now, peer, (from, &to), None, &value, home) {
                    self.give_back(now, peer, &to, value.len(), peers);
                    return Err(problem);
                }
            }
            Message::Request { from, to, number, value } => {
                if let Err(problem) = self.take_message(now, peer, (from, &to), Some(number), &value, home) {
                    self.give_back(now, peer, &to, value.len(), peers);
                    if from.node == peer {
                        let reason = Cow::Owned(self.reason_bytes(&ExitReason::Denied));
                        let asker = Address { id: from, tag: Tag([0; 16]) };
                        self.send(now, peer, Message::Refused { from: to.id, to: asker, number, reason }, peers);
                    }
                    return Err(problem);
                }
            }
            Message::Reply { from, to, number, value } => {
                let (sender, to) = self.partners(peer, from, &to, home)?;
                let signal = Signal::Reply { number, value: self.packed(peer, &value, home)? };
                self.take_signal(now, to, Held { bytes: value.len() as u64, from, sender, signal }, home);
            }
            Message::Refused { from, to, number, reason } => {
                // Whoever knows the number of an open request may refuse it: so it needs no tag.
                if from.node != peer || !self.addresses.is_own(to.id) {
                    return Err(Problem::Denied(Denial::Identity));
                }
                let sender = self.addresses.node_fiber(peer, home.machine())?;
                let signal = Signal::Refused { number, reason: self.reason(peer, &reason, home)? };
                self.take_signal(now, to.id.fiber, Held { bytes: reason.len() as u64, from, sender, signal }, home);
            }
            Message::Exit { from, to, reason } => {
                let (mut sender, to) = self.partners(peer, from.id, &to, home)?;
                self.may_reach(peer, to, home)?;
                if from.id.fiber.generation > 0 {
                    sender = self.addresses.fiber(from, peer, home.machine())?;
                }
                let from = from.id;
                let signal = Signal::Exit(self.reason(peer, &reason, home)?);
                self.take_signal(now, to, Held { bytes: reason.len() as u64, from, sender, signal }, home);
            }
            Message::Link { to, .. } if to.id.node == self.addresses.node && !self.addresses.is_own(to.id) => {
                self.tell_gone(now, peer, to.id, &ExitReason::NoProc, peers);
            }
            Message::Link { from, to } => {
                let linked = self.partners(peer, from.id, &to, home);
                let linked = linked.and_then(|(_, to)| self.may_reach(peer, to, home).map(|()| to));
                let Ok(to_here) = linked else {
                    self.tell_gone(now, peer, to.id, &ExitReason::Denied, peers);
                    return linked.map(|_| ());
                };
                let sender = self.addresses.fiber(from, peer, home.machine())?;
                self.take_signal(now, to_here, Held { bytes: 0, from: from.id, sender, signal: Signal::Link }, home);
            }
            Message::Unlink { from, to } => {
                let (sender, to) = self.partners(peer, from, &to, home)?;
                self.take_signal(now, to, Held { bytes: 0, from, sender, signal: Signal::Unlink }, home);
            }
            Message::Watch { fiber } => {
                let watched = self.watch(now, peer, &fiber, home, peers);
                if watched.is_err() {
                    self.tell_gone(now, peer, fiber.id, &ExitReason::Denied, peers);
                }
                watched?;
            }
            Message::Gone { fiber, reason } => {
                if fiber.node != peer {
                    return Err(Problem::Denied(Denial::Identity));
                }
                // Nobody here has heard of it otherwise.
                if self.addresses.known(fiber).is_some() {
                    let reason = self.reason(peer, &reason, home)?;
                    self.ends.insert(fiber, reason);
                    self.end_if_heard(fiber, home);
                }
            }
            Message::Credit { fiber, messages, bytes: _ } => {
                if fiber.node != peer {
                    return Err(Problem::Denied(Denial::Identity));
                }
                if let Some(remote) = self.addresses.known(fiber) {
                    self.credit(remote, messages, home);
                }
            }
            Message::Spawn { request, from, linked, module, function, bounds, args } => {
                let grants = self.grants_of(peer);
                let mut wanted = Wanted { peer, request, parent: None, function, bounds, args: Values::default() };
                if !grants.spawn || from.id.node != peer {
                    self.deny(peer, if grants.spawn { Denial::Identity } else { Denial::Spawn });
                    self.refuse_spawn(now, &wanted, SpawnRefusal::Denied, "this node starts no fibers for it", peers);
                    return Ok(());
                }
                wanted.args = args.into_owned();
                if linked {
                    wanted.parent = Some(self.addresses.fiber(from, peer, home.machine())?);
                }
                if home.has_module(module) {
                    self.start(now, module, &wanted, home, peers);
                } else if !grants.code {
                    self.deny(peer, Denial::Code);
                    self.refuse_spawn(now, &wanted, SpawnRefusal::Denied, "this node takes no code from it", peers);
                } else {
                    self.fetch(now, module, wanted, peers);
                }
            }
            Message::Name { .. } | Message::NameFree { .. } | Message::Group { .. } => {
                self.take_name(now, peer, message, home, peers)?;
            }
            Message::Ask { request, body } => self.asked(now, peer, request, &body, home, peers),
            Message::Answer { request, body } => {
                if !self.answered(peer, request, &body) {
                    return Err(Problem::Denied(Denial::Identity));
                }
            }
            Message::Spawned { request, result } => {
                if !self.answered_start(peer, request, &result) {
                    self.spawned(peer, request, result, home)?;
                }
            }
            Message::Fetch { request, module } => {
                self.may_send(peer)?;
                self.ship(now, peer, request, module, home, peers);
            }
            Message::Types { chunk, chunks, bytes } => {
                self.may_send(peer)?;
                self.take_types(peer, (chunk, chunks), &bytes, home).map_err(|_| Problem::Malformed)?;
            }
            Message::Code { request, chunk, chunks, bytes } => {
                self.take_code(now, peer, request, (chunk, chunks), &bytes, home, peers);
            }
        }
        Ok(())
    }

    /// Takes a message of a peer's fiber; with a number as the request of that.
    fn take_message(
        &mut self,
        now: u64,
        peer: NodeId,
        (from, to): (ActorId, &Address),
        request: Option<u64>,
        values: &Values<'_>,
        home: &mut impl Home,
    ) -> Result<(), Problem> {
        self.speaks_for(peer, from)?;
        let to = self.addresses.own_fiber(to)?;
        self.may_reach(peer, to, home)?;
        let value = self.packed(peer, values, home)?;
        let (sender, signal) = match request {
            // Nobody here gets to know who sent it, so its node stands for it.
            None => (self.addresses.node_fiber(peer, home.machine())?, Signal::Message(value)),
            Some(number) => (self.sender(peer, from, home)?, Signal::Request { number, value }),
        };
        if self.held_count >= HELD_MAX || self.held_bytes >= HELD_BYTES_MAX {
            return Err(Problem::Denied(Denial::Held));
        }
        self.offer(now, to, Held { bytes: values.len() as u64, from, sender, signal }, home);
        Ok(())
    }

    /// Whether a peer may send at all.
    pub(crate) fn may_send(&self, peer: NodeId) -> Result<(), Problem> {
        match self.grants_of(peer).send {
            Reach::Nothing => Err(Problem::Denied(Denial::Send)),
            Reach::Exported | Reach::Any => Ok(()),
        }
    }

    /// Whether a peer may send, and as this fiber.
    fn speaks_for(&self, peer: NodeId, from: ActorId) -> Result<(), Problem> {
        if from.node != peer {
            return Err(Problem::Denied(Denial::Identity));
        }
        self.may_send(peer)
    }

    /// Whether a peer may send to a fiber of this node whose address it holds.
    fn may_reach(&self, peer: NodeId, to: FiberId, home: &mut impl Home) -> Result<(), Problem> {
        match self.grants_of(peer).send {
            Reach::Any => Ok(()),
            Reach::Exported if home.machine().has_name(to) => Ok(()),
            Reach::Exported | Reach::Nothing => Err(Problem::Denied(Denial::Send)),
        }
    }

    /// A counted message has no effect here: its node may send another one.
    fn give_back(&mut self, now: u64, peer: NodeId, to: &Address, bytes: usize, peers: &mut Peers) {
        self.send(now, peer, Message::Credit { fiber: to.id, messages: 1, bytes: bytes as u64 }, peers);
    }

    /// Tells a peer that a fiber is no more, or is none of which it will hear.
    fn tell_gone(&mut self, now: u64, peer: NodeId, fiber: ActorId, reason: &ExitReason, peers: &mut Peers) {
        let reason = Cow::Owned(self.reason_bytes(reason));
        self.send(now, peer, Message::Gone { fiber, reason }, peers);
    }

    /// The address here of the fiber of a peer that does something; what no fiber does, such as a timer, the outside does.
    fn sender(&mut self, peer: NodeId, from: ActorId, home: &mut impl Home) -> Result<FiberId, Problem> {
        debug_assert_eq!(from.node, peer);
        if from.fiber.generation == 0 {
            return Ok(FiberId { slot: 0, generation: 0 });
        }
        Ok(self.addresses.fiber_of_id(from, home.machine())?)
    }

    /// Who does something, of a peer, and to whom: a fiber of the peer's to one of this node's.
    fn partners(
        &mut self,
        peer: NodeId,
        from: ActorId,
        to: &Address,
        home: &mut impl Home,
    ) -> Result<(FiberId, FiberId), Problem> {
        self.speaks_for(peer, from)?;
        let to = self.addresses.own_fiber(to).or_else(|error| self.former(to, error))?;
        Ok((self.sender(peer, from, home)?, to))
    }

    /// A fiber of a former incarnation of this node: one that is no more, so that the sender is treated as with any dead one.
    fn former(&self, to: &Address, error: AddressError) -> Result<FiberId, AddressError> {
        let is_former = to.id.node == self.addresses.node && !self.addresses.is_own(to.id);
        if is_former { Ok(FiberId { slot: u32::MAX, generation: 0 }) } else { Err(error) }
    }

    fn reason(&mut self, peer: NodeId, bytes: &[u8], home: &mut impl Home) -> Result<ExitReason, Malformed> {
        let machine = home.machine();
        reason::decode(bytes, &mut |address| self.addresses.fiber(address, peer, machine)).map_err(|_| Malformed)
    }

    fn watch(
        &mut self,
        now: u64,
        peer: NodeId,
        fiber: &Address,
        home: &mut impl Home,
        peers: &mut Peers,
    ) -> Result<(), Problem> {
        self.may_send(peer)?;
        match self.addresses.own_fiber(fiber) {
            Ok(own) => {
                self.may_reach(peer, own, home)?;
                let by = self.addresses.node_fiber(peer, home.machine())?;
                home.machine().handle(Input::Watch { by, fiber: own });
            }
            Err(AddressError::Unknown(id)) if id.node == self.addresses.node => {
                self.tell_gone(now, peer, id, &ExitReason::NoProc, peers);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Gives the machine a signal, behind those of the same fiber that wait for the same mailbox.
    fn take_signal(&mut self, now: u64, to: FiberId, held: Held<'_>, home: &mut impl Home) {
        let waits = self.held.get(&to).is_some_and(|waiting| waiting.iter().any(|other| other.from == held.from));
        if !waits {
            self.try_offer(now, to, held, home);
        } else if self.held_count < 2 * HELD_MAX && self.held_bytes < 2 * HELD_BYTES_MAX {
            self.hold(to, held);
        } else {
            // A signal may not be lost alone: whoever depends on the node is told that all is.
            self.stats.dropped += 1;
            self.overrun.insert(held.from.node);
        }
    }

    /// Gives the machine a message, behind those that wait for the same mailbox.
    fn offer(&mut self, now: u64, to: FiberId, held: Held<'_>, home: &mut impl Home) {
        if self.held.contains_key(&to) {
            self.hold(to, held);
        } else if let Some(held) = self.try_offer(now, to, held, home) {
            self.hold(to, held);
        }
    }

    fn hold(&mut self, to: FiberId, held: Held<'_>) {
        self.held_count += 1;
        self.held_bytes += held.bytes;
        self.held.entry(to).or_default().push_back(held.into_owned());
    }

    /// Gives the machine a signal; a message comes back when there is no room for it, of which the machine will tell.
    fn try_offer(&mut self, now: u64, to: FiberId, held: Held<'_>, home: &mut impl Home) -> Option<Held<'static>> {
        let is_counted = matches!(held.signal, Signal::Message(_) | Signal::Request { .. });
        let taken = home.machine().signal(held.sender, to, &held.signal);
        if let Err(SendError::Unreadable(_)) = taken {
            self.stats.malformed += 1;
        }
        match taken {
            Err(SendError::Waits(_)) => Some(held.into_owned()),
            Ok(()) | Err(_) => {
                if is_counted {
                    self.note_taken(now, held.from.node, to, held.bytes);
                }
                None
            }
        }
    }

    /// There is room in a mailbox: offers what waits for it, in order, as far as there is.
    pub(crate) fn offer_held(&mut self, now: u64, to: FiberId, from: FiberId, home: &mut impl Home) {
        let Some(mut waiting) = self.held.remove(&to) else {
            // The room is not needed any more.
            home.machine().handle(Input::Withdrawn { from, to });
            return;
        };
        let mut heard = Vec::new();
        while let Some(held) = waiting.pop_front() {
            self.held_count -= 1;
            self.held_bytes -= held.bytes;
            let from = held.from;
            if let Some(held) = self.try_offer(now, to, held, home) {
                self.held_count += 1;
                self.held_bytes += held.bytes;
                waiting.push_front(held);
                self.held.insert(to, waiting);
                break;
            }
            heard.push(from);
        }
        for fiber in heard {
            self.end_if_heard(fiber, home);
        }
    }

    /// Tells the machine of the end of a fiber, once nothing of it is held.
    fn end_if_heard(&mut self, fiber: ActorId, home: &mut impl Home) {
        if !self.ends.contains_key(&fiber) || self.held.values().flatten().any(|held| held.from == fiber) {
            return;
        }
        if let Some(reason) = self.ends.remove(&fiber)
            && let Some(remote) = self.addresses.forget(fiber)
        {
            home.machine().handle(Input::Gone { remote, reason });
        }
    }

    /// Starts a fiber for a peer, in a module that is loaded.
    pub(crate) fn start(
        &mut self,
        now: u64,
        module: fardel_bytecode::module::ModuleHash,
        wanted: &Wanted,
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        let Ok(args) = self.packed(wanted.peer, &wanted.args, home) else {
            self.refuse_spawn(now, wanted, SpawnRefusal::Arguments, "the arguments cannot be read", peers);
            return;
        };
        match home.machine().start(module, wanted.function, &args, wanted.parent, &from_the_wire(&wanted.bounds)) {
            Ok(fiber) => {
                let result = Ok(self.addresses.address(fiber));
                self.send(now, wanted.peer, Message::Spawned { request: wanted.request, result }, peers);
                // Its node has an address for it from now on, and has to hear when it may forget that.
                if let Ok(by) = self.addresses.node_fiber(wanted.peer, home.machine()) {
                    home.machine().handle(Input::Watch { by, fiber });
                }
            }
            Err(error) => {
                let code = match error {
                    SpawnError::NoModule(_) => SpawnRefusal::CodeMissing,
                    SpawnError::NoFunction { .. } => SpawnRefusal::NoFunction,
                    SpawnError::BadArguments { .. } => SpawnRefusal::Arguments,
                    SpawnError::Full => SpawnRefusal::Limit,
                };
                self.refuse_spawn(now, wanted, code, &error.to_string(), peers);
            }
        }
    }

    pub(crate) fn refuse_spawn(&mut self, now: u64, wanted: &Wanted, code: SpawnRefusal, why: &str, peers: &mut Peers) {
        let result = Err((code, Cow::Owned(why.to_owned())));
        self.send(now, wanted.peer, Message::Spawned { request: wanted.request, result }, peers);
    }

    fn spawned(
        &mut self,
        peer: NodeId,
        request: u64,
        result: Result<Address, (SpawnRefusal, Cow<'_, str>)>,
        home: &mut impl Home,
    ) -> Result<(), Problem> {
        match self.spawns.get(&request) {
            Some(pending) if pending.node == peer => {}
            Some(_) | None => return Err(Problem::Denied(Denial::Identity)),
        }
        let Some(Pending { call, linked, .. }) = self.spawns.remove(&request) else { return Ok(()) };
        let result = match result {
            Ok(address) if address.id.node == peer => {
                let fiber = self.addresses.fiber(address, peer, home.machine());
                fiber.map_err(|error| ("system_limit".to_owned(), error.to_string()))
            }
            Ok(address) => Err(("bad_spawn".to_owned(), format!("{} is not on that node", address.id))),
            Err((code, why)) => Err((kind_of(code).to_owned(), why.into_owned())),
        };
        home.machine().handle(Input::Spawned { call, result, linked: linked.is_some() });
        Ok(())
    }
}

/// Bytes of a peer are no value.
pub(crate) struct Malformed;

impl From<Malformed> for Problem {
    fn from(_: Malformed) -> Problem {
        Problem::Malformed
    }
}

/// The kind of the error value that a program gets.
fn kind_of(code: SpawnRefusal) -> &'static str {
    match code {
        SpawnRefusal::Denied => "denied",
        SpawnRefusal::CodeMissing => "code_missing",
        SpawnRefusal::NoFunction | SpawnRefusal::Arguments => "bad_spawn",
        SpawnRefusal::Limit => "system_limit",
    }
}
