//! What the machine has for other nodes.

use crate::limits::{REASON_BYTES_MAX, VALUE_BYTES_MAX};
use crate::router::{Home, Router};
use fardel_vm::config::FullPolicy;
use fardel_vm::door::{Bounds, HostCallId, Input, Output, Signal};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::packed::Packed;
use fardel_vm::value::Value;
use fardel_wire::frame::{self, Message};
use fardel_wire::id::{Address, NodeId};
use fardel_wire::packed::Values;
use fardel_wire::peers::Peers;
use fardel_wire::reason;
use fardel_wire::table::MailboxPolicy;
use std::borrow::Cow;
use std::num::NonZeroU64;

impl Router {
    /// Takes an output of the machine that is about other nodes; any other is not for it.
    pub fn output(&mut self, now: u64, output: Output, home: &mut impl Home, peers: &mut Peers) {
        match output {
            Output::Signal { to, signal, .. } if self.desk.awaits(to) => self.replied(now, to, &signal, home, peers),
            Output::Gone { to, fiber, reason } if self.desk.watches(to) => {
                self.called_ended(now, fiber, &reason, home, peers);
            }
            Output::Signal { from, to, mut signal, bytes } => self.signal(now, from, to, &mut signal, bytes, home, peers),
            Output::Watch { remote } => {
                if let Some(known) = self.addresses.remote(remote) {
                    let fiber = known.address;
                    self.send(now, fiber.id.node, Message::Watch { fiber }, peers);
                }
            }
            Output::Gone { to, fiber, reason } => {
                if let Some(node) = self.addresses.node_at(to) {
                    let (fiber, reason) = (self.addresses.own_id(fiber), self.reason_bytes(&reason));
                    self.send(now, node, Message::Gone { fiber, reason: Cow::Owned(reason) }, peers);
                }
            }
            Output::Room { from, to } => self.offer_held(now, to, from, home),
            Output::Spawn { call, fiber, node, module, function, args, link, bounds } => {
                let Some(node) = self.node_of_value(&node) else {
                    let error = ("no_node".to_owned(), format!("no node is known as {}", shown(&node)));
                    home.machine().handle(Input::Spawned { call, result: Err(error), linked: false });
                    return;
                };
                self.ask(now, node, Asked { call, fiber, module, function, args, link, bounds }, home, peers);
            }
            Output::Claim(claim) => self.claim(now, claim, home, peers),
            Output::HostCall { .. } | Output::Message { .. } | Output::DeadLetter(_) | Output::Exited { .. } => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields of one output, and what it is done with")]
    fn signal(
        &mut self,
        now: u64,
        from: FiberId,
        to: FiberId,
        signal: &mut Signal<'_>,
        bytes: u64,
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        let id = self.addresses.own_id(from);
        let Some(remote) = self.addresses.remote(to) else { return };
        let to_address = remote.address;
        let is_counted = matches!(signal, Signal::Message(_) | Signal::Request { .. }) && bytes > 0;
        if is_counted {
            remote.under_way.push_back(bytes);
        }
        let node = to_address.id.node;
        let message = match signal {
            Signal::Message(value) => {
                let value = self.value_for(now, node, value, home, peers);
                value.map(|value| Message::Send { from: id, to: to_address, value })
            }
            Signal::Request { number, value } => {
                let value = self.value_for(now, node, value, home, peers);
                value.map(|value| Message::Request { from: id, to: to_address, number: *number, value })
            }
            Signal::Reply { number, value } => {
                let value = self.value_for(now, node, value, home, peers);
                value.map(|value| Message::Reply { from: id, to: to_address, number: *number, value })
            }
            Signal::Refused { number, reason } => {
                let reason = Cow::Owned(self.reason_bytes(reason));
                Some(Message::Refused { from: id, to: to_address, number: *number, reason })
            }
            Signal::Exit(reason) => {
                let reason = Cow::Owned(self.reason_bytes(reason));
                Some(Message::Exit { from: self.addresses.address(from), to: to_address, reason })
            }
            Signal::Link => Some(Message::Link { from: self.addresses.address(from), to: to_address }),
            Signal::Unlink => Some(Message::Unlink { from: id, to: to_address }),
        };
        match message {
            Some(message) => self.send(now, node, message, peers),
            None => self.undo(now, from, to, to_address, signal, is_counted, home, peers),
        }
    }

    /// What is done about a signal whose value cannot go to the other node: it is too large.
    #[expect(clippy::too_many_arguments, reason = "they are the fields of one output, and what it is done with")]
    fn undo(
        &mut self,
        now: u64,
        asker: FiberId,
        to: FiberId,
        address: Address,
        signal: &Signal<'_>,
        is_counted: bool,
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        self.stats.dropped += 1;
        if is_counted {
            self.credit(to, 1, home);
        }
        match signal {
            Signal::Request { number, .. } => {
                let refused = Signal::Refused { number: *number, reason: ExitReason::Denied };
                home.machine().handle(Input::Signal { from: to, to: asker, signal: refused });
            }
            Signal::Reply { number, .. } => {
                let reason = Cow::Owned(self.reason_bytes(&ExitReason::Denied));
                let from = self.addresses.own_id(FiberId { slot: 0, generation: 0 });
                let refused = Message::Refused { from, to: address, number: *number, reason };
                self.send(now, address.id.node, refused, peers);
            }
            Signal::Message(_) | Signal::Refused { .. } | Signal::Exit(_) | Signal::Link | Signal::Unlink => {}
        }
    }

    /// A value for a node, which is told of its types, and which takes its bytes; nothing when it is larger than a node takes.
    pub(crate) fn value_for<'v>(
        &mut self,
        now: u64,
        node: NodeId,
        value: &mut Packed<'v>,
        home: &mut impl Home,
        peers: &mut Peers,
    ) -> Option<Values<'v>> {
        let values = self.values(value).filter(|values| values.len() <= VALUE_BYTES_MAX)?;
        self.tell_types(now, node, &value.types, home, peers);
        Some(values)
    }

    /// The bytes of a reason; of one that cannot be written, or is too large, those of `shutdown`.
    pub(crate) fn reason_bytes(&self, reason: &ExitReason) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut address = |fiber| self.addresses.address(fiber);
        if reason::encode(reason, &mut address, &mut bytes).is_err() || bytes.len() > REASON_BYTES_MAX {
            bytes.clear();
            // It holds nothing that could not be written.
            let _ = reason::encode(&ExitReason::Shutdown, &mut address, &mut bytes);
        }
        bytes
    }

    /// Messages to a fiber of another node have been taken.
    pub(crate) fn credit(&mut self, remote: FiberId, messages: u32, home: &mut impl Home) {
        let Some(known) = self.addresses.remote(remote) else { return };
        let count = (messages as usize).min(known.under_way.len());
        let bytes = known.under_way.drain(..count).sum();
        home.machine().handle(Input::Taken { remote, messages: count as u32, bytes });
    }

    fn node_of_value(&self, value: &Value) -> Option<NodeId> {
        match value {
            Value::Text(name) => self.node_named(name),
            Value::Address(fiber) => Some(self.addresses.id(*fiber).node),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Bytes(_)
            | Value::Ref { .. }
            | Value::List(_)
            | Value::Map(_)
            | Value::Set(_)
            | Value::Tuple(_)
            | Value::Record(..)
            | Value::Variant(..)
            | Value::Opaque(_) => None,
        }
    }

    /// Asks a node, which may be this one, to start a fiber.
    fn ask(&mut self, now: u64, node: NodeId, asked: Asked, home: &mut impl Home, peers: &mut Peers) {
        let Asked { call, fiber, module, function, mut args, link, bounds } = asked;
        if node == self.addresses.node {
            let result = home.machine().start(module, function, &args, link.then_some(fiber), &bounds);
            let result = result.map_err(|error| ("bad_spawn".to_owned(), error.to_string()));
            home.machine().handle(Input::Spawned { call, result, linked: link });
            return;
        }
        let Some(args) = self.value_for(now, node, &mut args, home, peers) else {
            let error = ("bad_spawn".to_owned(), "an argument cannot leave the node".to_owned());
            home.machine().handle(Input::Spawned { call, result: Err(error), linked: false });
            return;
        };
        let by = match self.addresses.node_fiber(node, home.machine()) {
            Ok(by) => by,
            Err(error) => {
                let error = ("system_limit".to_owned(), error.to_string());
                home.machine().handle(Input::Spawned { call, result: Err(error), linked: false });
                return;
            }
        };
        let request = self.next_request();
        self.spawns.insert(request, Pending { node, call, linked: link.then_some(fiber) });
        let (from, bounds) = (self.addresses.address(fiber), on_the_wire(&bounds));
        self.send(now, node, Message::Spawn { request, from, linked: link, module, function, bounds, args }, peers);
        if link {
            // Should it end before the answer comes, the other node hears of that all the same.
            home.machine().handle(Input::Watch { by, fiber });
        }
    }

    /// Tells those that wait for fibers on a node that it is lost. Those that are linked are told as of the end of these.
    pub(crate) fn fail_spawns(&mut self, node: NodeId, home: &mut impl Home) {
        let (failed, rest) = std::mem::take(&mut self.spawns).into_iter().partition(|(_, pending)| pending.node == node);
        self.spawns = rest;
        let failed: std::collections::BTreeMap<u64, Pending> = failed;
        for Pending { call, linked, .. } in failed.into_values() {
            let error = ("noconnection".to_owned(), format!("node {node} cannot be reached"));
            home.machine().handle(Input::Spawned { call, result: Err(error), linked: false });
            if let Some(fiber) = linked {
                home.machine().handle(Input::Exit { fiber, reason: ExitReason::NoConnection });
            }
        }
    }
}

/// A fiber that another node has been asked for.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) node: NodeId,
    /// The call of the fiber that waits.
    pub(crate) call: HostCallId,
    /// That fiber, where the two are linked.
    pub(crate) linked: Option<FiberId>,
}

/// Limits as another node is told of them.
fn on_the_wire(bounds: &Bounds) -> frame::Bounds {
    let number = |bound: Option<NonZeroU64>| bound.map_or(0, NonZeroU64::get);
    frame::Bounds {
        messages: number(bounds.mailbox_messages_max),
        message_bytes: number(bounds.mailbox_bytes_max),
        memory_bytes: number(bounds.memory_bytes_max),
        stack_bytes: number(bounds.stack_bytes_max),
        policy: bounds.policy.map(|policy| match policy {
            FullPolicy::Block => MailboxPolicy::Block,
            FullPolicy::Reject => MailboxPolicy::Reject,
            FullPolicy::DropOld => MailboxPolicy::DropOld,
            FullPolicy::DropNew => MailboxPolicy::DropNew,
            FullPolicy::Exit => MailboxPolicy::Exit,
        }),
    }
}

/// Limits as another node has told of them.
pub(crate) fn from_the_wire(bounds: &frame::Bounds) -> Bounds {
    Bounds {
        mailbox_messages_max: NonZeroU64::new(bounds.messages),
        mailbox_bytes_max: NonZeroU64::new(bounds.message_bytes),
        memory_bytes_max: NonZeroU64::new(bounds.memory_bytes),
        stack_bytes_max: NonZeroU64::new(bounds.stack_bytes),
        policy: bounds.policy.map(|policy| match policy {
            MailboxPolicy::Block => FullPolicy::Block,
            MailboxPolicy::Reject => FullPolicy::Reject,
            MailboxPolicy::DropOld => FullPolicy::DropOld,
            MailboxPolicy::DropNew => FullPolicy::DropNew,
            MailboxPolicy::Exit => FullPolicy::Exit,
        }),
    }
}

/// A fiber that is wanted elsewhere.
struct Asked {
    call: HostCallId,
    fiber: FiberId,
    module: fardel_bytecode::module::ModuleHash,
    function: u32,
    args: Packed<'static>,
    link: bool,
    bounds: Bounds,
}

fn shown(value: &Value) -> String {
    let mut text = format!("{value:?}");
    if text.len() > 64 {
        text.truncate((0..=64).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0));
        text.push_str("..");
    }
    text
}
