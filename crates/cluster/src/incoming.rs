//! What other nodes have for the machine.

use crate::code::Wanted;
use crate::members::Member;
use crate::router::{Held, Home, Router};
use fardel_vm::door::{Input, SendError, Signal};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::SpawnError;
use fardel_vm::value::Value;
use fardel_wire::frame::Message;
use fardel_wire::id::{ActorId, Address, NodeId};
use fardel_wire::peers::Peers;
use fardel_wire::table::SpawnRefusal;
use fardel_wire::value::AddressError;
use fardel_wire::{reason, value};
use std::borrow::Cow;

/// Why a message of a peer has no effect.
enum Problem {
    /// The peer may not do that, or holds no address.
    Denied,
    /// It cannot be read.
    Malformed,
}

impl From<AddressError> for Problem {
    fn from(error: AddressError) -> Problem {
        match error {
            AddressError::Forged(_) | AddressError::Unknown(_) => Problem::Denied,
            AddressError::Full(..) => Problem::Malformed,
        }
    }
}

impl Router {
    /// Takes a message of a peer.
    pub fn message(&mut self, now: u64, peer: NodeId, message: Message<'_>, home: &mut impl Home, peers: &mut Peers) {
        match self.take(now, peer, message, home, peers) {
            Ok(()) => {}
            Err(Problem::Denied) => self.stats.denied += 1,
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
                let (sender, to) = self.partners(peer, from, &to, home)?;
                let signal = Signal::Message(self.value(&value, home)?);
                self.offer(now, to, Held { bytes: value.len() as u64, from, sender, signal }, home);
            }
            Message::Request { from, to, number, value } => {
                let (sender, to) = self.partners(peer, from, &to, home)?;
                let signal = Signal::Request { number, value: self.value(&value, home)? };
                self.offer(now, to, Held { bytes: value.len() as u64, from, sender, signal }, home);
            }
            Message::Reply { from, to, number, value } => {
                let (from, to) = self.partners(peer, from, &to, home)?;
                let signal = Signal::Reply { number, value: self.value(&value, home)? };
                home.machine().handle(Input::Signal { from, to, signal });
            }
            Message::Refused { from, to, number, reason } => {
                let (from, to) = self.partners(peer, from, &to, home)?;
                let signal = Signal::Refused { number, reason: self.reason(&reason, home)? };
                home.machine().handle(Input::Signal { from, to, signal });
            }
            Message::Exit { from, to, reason } => {
                let (from, to) = self.partners(peer, from, &to, home)?;
                let signal = Signal::Exit(self.reason(&reason, home)?);
                home.machine().handle(Input::Signal { from, to, signal });
            }
            Message::Link { from, to } => {
                let (_, to) = self.partners(peer, from.id, &to, home)?;
                let from = self.addresses.fiber(from, home.machine())?;
                home.machine().handle(Input::Signal { from, to, signal: Signal::Link });
            }
            Message::Unlink { from, to } => {
                let (from, to) = self.partners(peer, from, &to, home)?;
                home.machine().handle(Input::Signal { from, to, signal: Signal::Unlink });
            }
            Message::Watch { fiber } => self.watch(now, peer, &fiber, home, peers)?,
            Message::Gone { fiber, reason } => {
                if fiber.node != peer {
                    return Err(Problem::Denied);
                }
                let reason = self.reason(&reason, home)?;
                if let Some(remote) = self.addresses.forget(fiber) {
                    home.machine().handle(Input::Gone { remote, reason });
                }
            }
            Message::Credit { fiber, messages, bytes: _ } => {
                if fiber.node != peer {
                    return Err(Problem::Denied);
                }
                if let Ok(remote) = self.addresses.fiber_of_id(fiber, home.machine()) {
                    self.credit(remote, messages, home);
                }
            }
            Message::Spawn { request, from, linked, module, function, args } => {
                let grants = self.grants_of(peer);
                let parent = self.addresses.fiber(from, home.machine())?;
                let wanted = Wanted { peer, request, parent: linked.then_some(parent), function, args: args.into_owned() };
                if !grants.spawn || from.id.node != peer {
                    self.stats.denied += 1;
                    self.refuse_spawn(now, &wanted, SpawnRefusal::Denied, "this node starts no fibers for it", peers);
                } else if home.module_bytes(module).is_some() {
                    self.start(now, module, &wanted, home, peers);
                } else if !grants.code {
                    self.stats.denied += 1;
                    self.refuse_spawn(now, &wanted, SpawnRefusal::Denied, "this node takes no code from it", peers);
                } else {
                    self.fetch(now, module, wanted, peers);
                }
            }
            Message::Spawned { request, result } => self.spawned(peer, request, result, home)?,
            Message::Member { node, incarnation, name, address } => {
                let member = Member { incarnation, name: name.into_owned(), address: address.into_owned() };
                self.member(now, peer, node, member, peers);
            }
            Message::Fetch { request, module } => self.ship(now, peer, request, module, home, peers),
            Message::Code { request, chunk, chunks, bytes } => {
                self.take_code(now, peer, request, (chunk, chunks), &bytes, home, peers);
            }
        }
        Ok(())
    }

    /// Who sends something of a peer, and to whom: a fiber of the peer's to one of this node's.
    fn partners(
        &mut self,
        peer: NodeId,
        from: ActorId,
        to: &Address,
        home: &mut impl Home,
    ) -> Result<(FiberId, FiberId), Problem> {
        // What no fiber sends, such as a timer's message, comes from the node.
        if from.node != peer || !self.grants_of(peer).send {
            return Err(Problem::Denied);
        }
        let to = self.addresses.own_fiber(to).or_else(|error| self.former(to, error))?;
        let from = if from.fiber.generation == 0 {
            self.addresses.node_fiber(peer, from.incarnation, home.machine())
        } else {
            self.addresses.fiber_of_id(from, home.machine())
        };
        Ok((from?, to))
    }

    /// A fiber of a former incarnation of this node: one that is no more, so that the sender is treated as with any dead one.
    fn former(&self, to: &Address, error: AddressError) -> Result<FiberId, AddressError> {
        let is_former = to.id.node == self.addresses.node && !self.addresses.is_own(to.id);
        if is_former { Ok(FiberId { slot: u32::MAX, generation: 0 }) } else { Err(error) }
    }

    pub(crate) fn value(&mut self, bytes: &[u8], home: &mut impl Home) -> Result<Value, Malformed> {
        let machine = home.machine();
        value::decode(bytes, &mut |address| self.addresses.fiber(address, machine)).map_err(|_| Malformed)
    }

    fn reason(&mut self, bytes: &[u8], home: &mut impl Home) -> Result<ExitReason, Malformed> {
        let machine = home.machine();
        reason::decode(bytes, &mut |address| self.addresses.fiber(address, machine)).map_err(|_| Malformed)
    }

    fn watch(
        &mut self,
        now: u64,
        peer: NodeId,
        fiber: &Address,
        home: &mut impl Home,
        peers: &mut Peers,
    ) -> Result<(), Problem> {
        if !self.grants_of(peer).send {
            return Err(Problem::Denied);
        }
        match self.addresses.own_fiber(fiber) {
            Ok(own) => {
                let by = self.addresses.node_fiber(peer, self.incarnation_of(peer), home.machine())?;
                home.machine().handle(Input::Watch { by, fiber: own });
            }
            Err(AddressError::Unknown(id)) if id.node == self.addresses.node => {
                let mut bytes = Vec::new();
                // It holds no address, so nothing can be wrong with it.
                let _ = reason::encode(&ExitReason::NoProc, &mut |fiber| self.addresses.address(fiber), &mut bytes);
                self.send(now, peer, Message::Gone { fiber: id, reason: Cow::Owned(bytes) }, peers);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Gives the machine a message, behind those that wait for the same mailbox.
    fn offer(&mut self, now: u64, to: FiberId, held: Held, home: &mut impl Home) {
        if let Some(waiting) = self.held.get_mut(&to) {
            waiting.push_back(held);
            return;
        }
        if let Some(held) = self.try_offer(now, to, held, home) {
            self.held.entry(to).or_default().push_back(held);
        }
    }

    /// Gives the machine a message; it comes back when there is no room for it, of which the machine will tell.
    fn try_offer(&mut self, now: u64, to: FiberId, held: Held, home: &mut impl Home) -> Option<Held> {
        let result = home.machine().signal(held.sender, to, held.signal.clone());
        match result {
            Err(SendError::MailboxFull(_)) if home.machine().is_alive(to) => Some(held),
            Ok(()) | Err(_) => {
                self.note_taken(now, held.from.node, to, held.bytes);
                None
            }
        }
    }

    /// There is room in a mailbox: offers what waits for it, in order, as far as there is.
    pub(crate) fn offer_held(&mut self, now: u64, to: FiberId, home: &mut impl Home) {
        let Some(mut waiting) = self.held.remove(&to) else { return };
        while let Some(held) = waiting.pop_front() {
            if let Some(held) = self.try_offer(now, to, held, home) {
                waiting.push_front(held);
                self.held.insert(to, waiting);
                return;
            }
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
        let Ok(Value::List(args)) = self.value(&wanted.args, home) else {
            self.refuse_spawn(now, wanted, SpawnRefusal::Arguments, "the arguments cannot be read", peers);
            return;
        };
        match home.machine().start(module, wanted.function, &args, wanted.parent) {
            Ok(fiber) => {
                let result = Ok(self.addresses.address(fiber));
                self.send(now, wanted.peer, Message::Spawned { request: wanted.request, result }, peers);
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
            Some((node, _)) if *node == peer => {}
            Some(_) | None => return Err(Problem::Denied),
        }
        let Some((_, call)) = self.spawns.remove(&request) else { return Ok(()) };
        let result = match result {
            Ok(address) if address.id.node == peer => {
                let fiber = self.addresses.fiber(address, home.machine());
                fiber.map_err(|error| ("system_limit".to_owned(), error.to_string()))
            }
            Ok(address) => Err(("bad_spawn".to_owned(), format!("{} is not on that node", address.id))),
            Err((code, why)) => Err((kind_of(code).to_owned(), why.into_owned())),
        };
        home.machine().handle(Input::Spawned { call, result });
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
