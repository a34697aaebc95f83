//! The router: what stands between a machine and the sessions with other nodes.

use crate::addresses::Addresses;
use crate::code::Fetches;
use crate::grants::{Denial, Denials, Grants};
use crate::limits::{TOLD_BYTES, TOLD_MESSAGES, TOLD_TIME, WAITING_BYTES_MAX};
use crate::members::Packets;
use crate::membership::{Member, Membership, NodeEvent, Random};
use crate::names::Names;
use crate::operate::{Asking, Desk};
use crate::outgoing::Pending;
use crate::types::Types;
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::verify::VerifiedModule;
use fardel_vm::door::{Input, Signal};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::{LoadError, Machine};
use fardel_wire::frame::Message;
use fardel_wire::hello::Node;
use fardel_wire::id::{ActorId, NodeId, TagKey};
use fardel_wire::peers::Peers;
use fardel_wire::session::{SendError, Session, SessionId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The node's machine, and its code.
pub trait Home {
    /// The machine.
    fn machine(&mut self) -> &mut Machine;

    /// Whether a module is loaded.
    fn has_module(&self, module: ModuleHash) -> bool;

    /// The bytes of a module that is loaded.
    fn module_bytes(&self, module: ModuleHash) -> Option<Vec<u8>>;

    /// Loads a module, whose imports are loaded.
    ///
    /// # Errors
    /// See [`LoadError`].
    fn load(&mut self, module: &VerifiedModule) -> Result<ModuleHash, LoadError>;
}

/// Counts since a router's start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stats {
    /// Messages that came from other nodes.
    pub received: u64,
    /// Messages for other nodes.
    pub sent: u64,
    /// Messages and signals that were refused: the peer may not send them, or holds no address.
    pub denied: u64,
    /// Messages that were malformed.
    pub malformed: u64,
    /// Messages that were too large for their receiver's node, or met a lost session.
    pub dropped: u64,
}

/// A message that waits for room in a mailbox, or another signal that waits behind one of the same fiber's.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    /// Bytes of its value.
    pub(crate) bytes: u64,
    pub(crate) from: ActorId,
    pub(crate) sender: FiberId,
    pub(crate) signal: Signal<'a>,
}

impl Held<'_> {
    /// The same with values of its own.
    pub(crate) fn into_owned(self) -> Held<'static> {
        let Held { bytes, from, sender, signal } = self;
        Held { bytes, from, sender, signal: signal.into_owned() }
    }
}

/// Taken messages that their sender's node has not been told of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Taken {
    pub(crate) messages: u32,
    pub(crate) bytes: u64,
    /// When the first of them was taken.
    pub(crate) since: u64,
}

/// Messages for a node whose session is full.
#[derive(Default, Debug)]
struct Waiting {
    messages: VecDeque<Message<'static>>,
    bytes: usize,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Router {
    pub(crate) addresses: Addresses,
    pub(crate) membership: Membership,
    /// Packets of membership for nodes with which there is no connection.
    pub(crate) packets: BTreeMap<NodeId, Packets>,
    /// What nodes have become, for whoever polls.
    pub(crate) node_events: VecDeque<NodeEvent>,
    /// The other nodes that are up, as the machine was told, with their names.
    pub(crate) up: BTreeMap<NodeId, String>,
    pub(crate) names: Names,
    /// Nodes that are down, to which somebody here wanted to speak.
    called_in_vain: BTreeSet<NodeId>,
    /// Nodes that have sent more than is held for want of room: their sessions are given up.
    pub(crate) overrun: BTreeSet<NodeId>,
    grants: BTreeMap<NodeId, Grants>,
    usual_grants: Grants,
    denials: Denials,
    /// What operators have asked of this node, and it of others.
    pub(crate) desk: Desk,
    pub(crate) asking: Asking,
    /// By receiver: what its mailbox has no room for, in the order in which it came. None is empty.
    pub(crate) held: BTreeMap<FiberId, VecDeque<Held<'static>>>,
    /// How many these are together, and their bytes.
    pub(crate) held_count: usize,
    pub(crate) held_bytes: u64,
    /// Ends of fibers of whom messages are held.
    pub(crate) ends: BTreeMap<ActorId, ExitReason>,
    /// By sender's node and receiver.
    pub(crate) taken: BTreeMap<(NodeId, FiberId), Taken>,
    /// Those of these of which it is time to tell.
    pub(crate) told_next: Vec<(NodeId, FiberId)>,
    /// When it is time to tell of all.
    told_at: Option<u64>,
    /// Spawns that other nodes have been asked for.
    pub(crate) spawns: BTreeMap<u64, Pending>,
    pub(crate) fetches: Fetches,
    pub(crate) types: Types,
    requests: u64,
    /// Messages for nodes whose session is full.
    waiting: BTreeMap<NodeId, Waiting>,
    /// What session ids are drawn from.
    random: Random,
    pub(crate) stats: Stats,
}

impl Router {
    /// The router of a node, which knows nobody; `own` is what others are told of it. `key` is its secret, `seed` is random:
    /// of it follow the numbers of sessions. `usual` is what a peer may do of which nothing else is said.
    pub fn new(node: NodeId, own: Member, key: TagKey, seed: u64, usual: Grants) -> Router {
        Router {
            addresses: Addresses::new(node, own.incarnation, key),
            membership: Membership::new(node, own, seed.rotate_left(32)),
            packets: BTreeMap::new(),
            node_events: VecDeque::new(),
            up: BTreeMap::new(),
            names: Names::default(),
            called_in_vain: BTreeSet::new(),
            overrun: BTreeSet::new(),
            grants: BTreeMap::new(),
            usual_grants: usual,
            denials: Denials::default(),
            desk: Desk::default(),
            asking: Asking::default(),
            held: BTreeMap::new(),
            held_count: 0,
            held_bytes: 0,
            ends: BTreeMap::new(),
            taken: BTreeMap::new(),
            told_next: Vec::new(),
            told_at: None,
            spawns: BTreeMap::new(),
            fetches: Fetches::default(),
            types: Types::default(),
            requests: 0,
            waiting: BTreeMap::new(),
            random: Random(seed),
            stats: Stats::default(),
        }
    }

    /// Says what a peer may do.
    pub fn grant(&mut self, peer: NodeId, grants: Grants) {
        if grants == self.usual_grants {
            self.grants.remove(&peer);
        } else {
            self.grants.insert(peer, grants);
        }
    }

    /// Counts what a peer was not allowed to do.
    pub(crate) fn deny(&mut self, peer: NodeId, denial: Denial) {
        self.stats.denied += 1;
        self.denials.note(peer, denial);
    }

    /// Something that a peer was not allowed to do; each kind comes once for each peer.
    pub fn poll_denial(&mut self) -> Option<(NodeId, Denial)> {
        self.denials.poll()
    }

    pub(crate) fn grants_of(&self, peer: NodeId) -> Grants {
        self.grants.get(&peer).copied().unwrap_or(self.usual_grants)
    }

    /// The counts.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// How many fibers of other nodes are known.
    pub fn remotes(&self) -> usize {
        self.addresses.count()
    }

    /// Which fiber of the cluster the machine knows by an address.
    pub fn actor(&self, fiber: FiberId) -> ActorId {
        self.addresses.id(fiber)
    }

    /// The nodes that are known, this one included.
    pub fn members(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        self.membership.iter()
    }

    /// What is known of a node.
    pub fn member_at(&self, node: NodeId) -> Option<&Member> {
        self.membership.get(node)
    }

    /// The node that a text names: by its name or its id.
    pub fn node_named(&self, text: &str) -> Option<NodeId> {
        self.membership.named(text).or_else(|| text.parse().ok())
    }

    /// A session with a node has begun, or goes on. One without a name is a guest and no member: somebody who asks something,
    /// and goes.
    pub fn established(&mut self, now: u64, peer: &Node, home: &mut impl Home, peers: &mut Peers) {
        self.addresses.came(peer.id, peer.incarnation, home.machine());
        if !peer.name.is_empty() && !self.membership.is_guest() {
            self.met(now, peer, home, peers);
            self.tell_all(now, peer.id, peers);
        }
    }

    /// The session with a node is lost: all that depends on it has `noconnection`.
    pub fn lost(&mut self, node: NodeId, home: &mut impl Home) {
        self.waiting.remove(&node);
        self.taken.retain(|(sender, _), _| *sender != node);
        self.drop_held(node, home);
        self.forget_claims(node, home);
        self.addresses.lost(node, home.machine());
        self.membership.parted(node);
        self.fail_spawns(node, home);
        self.fail_fetches(node);
        self.types.forget(node);
        self.drop_calls(node, home);
        self.drop_questions(node);
    }

    /// Forgets a guest that has gone, after its session is lost: it does not come back.
    pub fn forget_guest(&mut self, node: NodeId, home: &mut impl Home) {
        self.grants.remove(&node);
        self.addresses.forget_node(node, home.machine());
    }

    /// A number for a request.
    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// The number of a session that might begin.
    pub fn fresh_session(&mut self) -> SessionId {
        SessionId(self.random.next())
    }

    /// Gives up what a node's fibers have held, whose session is lost.
    fn drop_held(&mut self, node: NodeId, home: &mut impl Home) {
        self.ends.retain(|fiber, _| fiber.node != node);
        let receivers: Vec<FiberId> = self.held.keys().copied().collect();
        for to in receivers {
            let Some(mut held) = self.held.remove(&to) else { continue };
            let waiter = held.front().map(|first| (first.from.node, first.sender));
            let (count, bytes) = held_sums(&held);
            held.retain(|held| held.from.node != node);
            let (count_left, bytes_left) = held_sums(&held);
            self.held_count -= count - count_left;
            self.held_bytes -= bytes - bytes_left;
            self.stats.dropped += (count - count_left) as u64;
            if !held.is_empty() {
                self.held.insert(to, held);
            }
            if let Some((_, sender)) = waiter.filter(|(waits, _)| *waits == node) {
                home.machine().handle(Input::Withdrawn { from: sender, to });
                // Those of other nodes that waited behind come first now.
                self.offer_held(0, to, sender, home);
            }
        }
    }

    /// Sends a message to a node, now or when its session has room.
    pub(crate) fn send(&mut self, now: u64, node: NodeId, message: Message<'_>, peers: &mut Peers) {
        if self.membership.is_down(node) && !peers.session(node).is_some_and(Session::is_connected) {
            self.stats.dropped += 1;
            self.called_in_vain.insert(node);
            return;
        }
        self.stats.sent += 1;
        if !self.waiting.contains_key(&node) {
            let fresh = self.fresh_session();
            match peers.send(now, node, fresh, &message) {
                Ok(()) => return,
                Err(SendError::Full { .. }) => {}
                Err(SendError::TooLarge { .. }) => {
                    self.stats.dropped += 1;
                    return;
                }
            }
        }
        let waiting = self.waiting.entry(node).or_default();
        waiting.bytes += bytes_of(&message);
        waiting.messages.push_back(message.into_owned());
    }

    /// Tells nodes of what was taken of theirs, sends what waited for room in sessions, gives up sessions for which too much
    /// waits, and looks after who is alive. To be called after each batch. Whether the machine has heard something.
    pub fn flush(&mut self, now: u64, home: &mut impl Home, peers: &mut Peers) -> bool {
        self.tell_taken(now, peers);
        let mut told = self.keep_members(now, home, peers);
        told |= self.settle_later(now, home, peers);
        self.expire_calls(now, home, peers);
        for node in std::mem::take(&mut self.overrun) {
            peers.forget(node);
            self.called_in_vain.insert(node);
        }
        for node in std::mem::take(&mut self.called_in_vain) {
            self.lost(node, home);
            told = true;
        }
        let nodes: Vec<NodeId> = self.waiting.keys().copied().collect();
        for node in nodes {
            self.send_waiting(now, node, peers);
            if self.waiting.get(&node).is_some_and(|waiting| waiting.bytes > WAITING_BYTES_MAX) {
                peers.forget(node);
                self.lost(node, home);
                told = true;
            }
        }
        told
    }

    fn send_waiting(&mut self, now: u64, node: NodeId, peers: &mut Peers) {
        let Some(mut waiting) = self.waiting.remove(&node) else { return };
        while let Some(message) = waiting.messages.pop_front() {
            let fresh = self.fresh_session();
            match peers.send(now, node, fresh, &message) {
                Ok(()) => {}
                Err(SendError::Full { .. }) => {
                    waiting.messages.push_front(message);
                    self.waiting.insert(node, waiting);
                    return;
                }
                Err(SendError::TooLarge { .. }) => self.stats.dropped += 1,
            }
            waiting.bytes = waiting.bytes.saturating_sub(bytes_of(&message));
        }
    }

    fn tell_taken(&mut self, now: u64, peers: &mut Peers) {
        let due = if self.told_at.is_some_and(|at| at <= now) {
            self.told_at = None;
            self.taken.keys().copied().collect()
        } else {
            std::mem::take(&mut self.told_next)
        };
        for (node, fiber) in due {
            if let Some(Taken { messages, bytes, since: _ }) = self.taken.remove(&(node, fiber)) {
                let fiber = self.addresses.own_id(fiber);
                self.send(now, node, Message::Credit { fiber, messages, bytes }, peers);
            }
        }
    }

    /// Notes that a message of a node was taken.
    pub(crate) fn note_taken(&mut self, now: u64, node: NodeId, fiber: FiberId, bytes: u64) {
        let fresh = Taken { messages: 0, bytes: 0, since: now };
        let taken = self.taken.entry((node, fiber)).or_insert(fresh);
        let was_due = taken.messages >= TOLD_MESSAGES || taken.bytes >= TOLD_BYTES;
        taken.messages += 1;
        taken.bytes += bytes;
        if !was_due && (taken.messages >= TOLD_MESSAGES || taken.bytes >= TOLD_BYTES) {
            self.told_next.push((node, fiber));
        }
        self.told_at.get_or_insert(now.saturating_add(TOLD_TIME));
    }

    /// When [`Router::flush`] has something to do at the latest.
    pub fn next_timeout(&self) -> Option<u64> {
        let members = self.membership.next_timeout().into_iter().chain(self.next_packet_timeout());
        self.told_at.into_iter().chain(members).chain(self.desk.next_timeout()).min()
    }

    /// Whether more than a session can hold waits for some node: then the machine should run no further for the time.
    pub fn is_congested(&self) -> bool {
        !self.waiting.is_empty()
    }
}

fn held_sums(held: &VecDeque<Held<'static>>) -> (usize, u64) {
    (held.len(), held.iter().map(|held| held.bytes).sum())
}

/// About what a message takes while it waits.
fn bytes_of(message: &Message<'_>) -> usize {
    let content = match message {
        Message::Send { value, .. } | Message::Request { value, .. } | Message::Reply { value, .. } => value.len(),
        Message::Exit { reason, .. } | Message::Gone { reason, .. } | Message::Refused { reason, .. } => reason.len(),
        Message::Spawn { args, .. } => args.len(),
        Message::Code { bytes, .. } | Message::Types { bytes, .. } => bytes.len(),
        Message::Name { name, .. } | Message::NameFree { name } | Message::Group { group: name, .. } => name.len(),
        Message::Ask { body, .. } | Message::Answer { body, .. } => body.len(),
        Message::Link { .. }
        | Message::Unlink { .. }
        | Message::Watch { .. }
        | Message::Credit { .. }
        | Message::Spawned { .. }
        | Message::Fetch { .. } => 0,
    };
    content + size_of::<Message<'_>>()
}
