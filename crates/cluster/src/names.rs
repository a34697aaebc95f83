//! Names and groups of the cluster, of which each node tells all others what its own fibers have.
//!
//! What a node has told is its own word alone, so there is nothing to agree about but one thing: which of several fibers has
//! a name that nodes have given without knowing of each other. One rule over what all have told says that, so nodes that have
//! heard the same see the same, and the node whose fiber has lost takes the name away from it.
//!
//! **Invariant:** a node's fibers have what that node has said they have, as far as it was heard, and nothing when its session
//! is lost.

use crate::grants::{Denial, Reach};
use crate::incoming::Problem;
use crate::limits::{CLAIMS_MAX, CLAIMS_OF_NODE_MAX};
use crate::router::{Home, Router};
use fardel_bytecode::shape::TypeKey;
use fardel_vm::cluster::{Claim, News, Policy};
use fardel_vm::door::Input;
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::Message;
use fardel_wire::id::{Address, NodeId};
use fardel_wire::peers::Peers;
use fardel_wire::session::Session;
use fardel_wire::table::NamePolicy;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// That a fiber of one node has a name.
#[derive(Clone, Copy, Debug)]
struct Registration {
    /// As the machine knows it.
    fiber: FiberId,
    ty: TypeKey,
    /// When it was registered, by the clock of its node: nanoseconds since 1970.
    time: u64,
    policy: NamePolicy,
}

/// What one node has told, or tells.
#[derive(Default, Debug)]
struct Told {
    names: BTreeSet<Box<str>>,
    /// Groups with their members, as the machine knows them.
    members: BTreeMap<(Box<str>, FiberId), TypeKey>,
}

impl Told {
    fn len(&self) -> usize {
        self.names.len() + self.members.len()
    }
}

/// See the [module](self).
#[derive(Default, Debug)]
pub(crate) struct Names {
    /// By name and node; of most names there is one.
    names: BTreeMap<Box<str>, BTreeMap<NodeId, Registration>>,
    /// By node, this one included.
    told: BTreeMap<NodeId, Told>,
    /// How many names and members these are together.
    count: usize,
    /// Names that this node's fibers may have lost because another one's have gone.
    unsettled: BTreeSet<Box<str>>,
    /// The nodes that know what there is to tell, and hear of each change.
    listeners: BTreeSet<NodeId>,
    /// The time of the router's clock at its 0: nanoseconds since 1970.
    pub(crate) epoch: u64,
}

impl Names {
    /// Which node's fiber has a name.
    fn holder(&self, name: &str) -> Option<(NodeId, Registration)> {
        let all = self.names.get(name)?;
        let by_age = |(node, registration): &(&NodeId, &Registration)| (registration.time, **node);
        let (first, oldest) = all.iter().min_by_key(by_age)?;
        let (last, newest) = all.iter().max_by_key(by_age)?;
        match oldest.policy {
            NamePolicy::KeepOldest => Some((*first, *oldest)),
            NamePolicy::KeepNewest => Some((*last, *newest)),
            NamePolicy::KeepNone => (all.len() == 1).then_some((*first, *oldest)),
        }
    }

    fn note_name(&mut self, node: NodeId, name: &str, registration: Registration) {
        let is_new = self.names.entry(name.into()).or_default().insert(node, registration).is_none();
        self.told.entry(node).or_default().names.insert(name.into());
        self.count += usize::from(is_new);
    }

    /// Forgets that a node's fiber has a name; which fiber had it.
    fn drop_name(&mut self, node: NodeId, name: &str) -> Option<FiberId> {
        let all = self.names.get_mut(name)?;
        let dropped = all.remove(&node)?;
        if all.is_empty() {
            self.names.remove(name);
        }
        if let Some(told) = self.told.get_mut(&node) {
            told.names.remove(name);
        }
        self.count -= 1;
        Some(dropped.fiber)
    }

    fn note_member(&mut self, node: NodeId, group: &str, fiber: FiberId, ty: TypeKey) {
        let told = self.told.entry(node).or_default();
        self.count += usize::from(told.members.insert((group.into(), fiber), ty).is_none());
    }

    fn drop_member(&mut self, node: NodeId, group: &str, fiber: FiberId) {
        let told = self.told.get_mut(&node);
        let dropped = told.and_then(|told| told.members.remove(&(group.into(), fiber)));
        self.count -= usize::from(dropped.is_some());
    }

    /// Whether a node may tell of one name or member more.
    fn has_room(&self, node: NodeId) -> bool {
        let of_node = self.told.get(&node).map_or(0, Told::len);
        of_node < CLAIMS_OF_NODE_MAX && self.count < CLAIMS_MAX
    }
}

fn on_the_wire(policy: Policy) -> NamePolicy {
    match policy {
        Policy::KeepOldest => NamePolicy::KeepOldest,
        Policy::KeepNewest => NamePolicy::KeepNewest,
        Policy::KeepNone => NamePolicy::KeepNone,
    }
}

impl Router {
    /// Says what time it was when the router's clock was at 0, in nanoseconds since 1970: by it nodes see which of two names
    /// was given first.
    pub fn set_epoch(&mut self, epoch: u64) {
        self.names.epoch = epoch;
    }

    // What this node tells.

    /// Takes what a fiber of the machine has, or has no longer.
    pub(crate) fn claim(&mut self, now: u64, claim: Claim, home: &mut impl Home, peers: &mut Peers) {
        let own = self.addresses.node;
        let message = match claim {
            Claim::Name { name, fiber, ty, policy } => {
                let (time, policy) = (self.names.epoch.saturating_add(now), on_the_wire(policy));
                self.names.note_name(own, &name, Registration { fiber, ty, time, policy });
                let fiber = self.addresses.address(fiber);
                self.tell(now, &Message::Name { fiber, time, policy, ty, name: Cow::Borrowed(&name) }, peers);
                self.settle(now, &name, home, peers);
                return;
            }
            Claim::NameFree { name } => {
                // It may have been lost meanwhile, which was told.
                if self.names.drop_name(own, &name).is_none() {
                    return;
                }
                self.settle(now, &name, home, peers);
                Message::NameFree { name: Cow::Owned(name) }
            }
            Claim::Member { group, fiber, ty } => {
                self.names.note_member(own, &group, fiber, ty);
                let fiber = self.addresses.address(fiber);
                Message::Group { fiber, joined: Some(ty), group: Cow::Owned(group) }
            }
            Claim::MemberGone { group, fiber } => {
                self.names.drop_member(own, &group, fiber);
                let fiber = self.addresses.address(fiber);
                Message::Group { fiber, joined: None, group: Cow::Owned(group) }
            }
        };
        self.tell(now, &message, peers);
    }

    fn tell(&mut self, now: u64, message: &Message<'_>, peers: &mut Peers) {
        let listeners = self.names.listeners.iter().copied();
        let listeners: Vec<NodeId> = listeners.filter(|node| self.grants_of(*node).send != Reach::Nothing).collect();
        for node in listeners {
            self.send(now, node, message.clone(), peers);
        }
    }

    /// Tells a node all that this one's fibers have, once a session. One that may not send to them does not hear of them.
    pub(crate) fn tell_all(&mut self, now: u64, peer: NodeId, peers: &mut Peers) {
        let is_connected = peers.session(peer).is_some_and(Session::is_connected);
        if !is_connected || self.names.listeners.contains(&peer) || self.grants_of(peer).send == Reach::Nothing {
            return;
        }
        let own = self.addresses.node;
        let mut messages = Vec::new();
        if let Some(told) = self.names.told.get(&own) {
            for name in &told.names {
                let Some(known) = self.names.names.get(name).and_then(|all| all.get(&own)) else { continue };
                let Registration { fiber, ty, time, policy } = *known;
                let (fiber, name) = (self.addresses.address(fiber), Cow::Owned(name.clone().into()));
                messages.push(Message::Name { fiber, time, policy, ty, name });
            }
            for ((group, fiber), ty) in &told.members {
                let (fiber, group) = (self.addresses.address(*fiber), Cow::Owned(group.clone().into()));
                messages.push(Message::Group { fiber, joined: Some(*ty), group });
            }
        }
        for message in messages {
            self.send(now, peer, message, peers);
        }
        self.names.listeners.insert(peer);
    }

    // What others tell.

    /// Takes what a peer tells of a name.
    pub(crate) fn take_name(
        &mut self,
        now: u64,
        peer: NodeId,
        message: Message<'_>,
        home: &mut impl Home,
        peers: &mut Peers,
    ) -> Result<(), Problem> {
        match message {
            Message::Name { fiber, time, policy, ty, name } => {
                let is_known = self.names.names.get(&*name).is_some_and(|all| all.contains_key(&peer));
                let fiber = self.claimant(peer, fiber, is_known, home)?;
                self.names.note_name(peer, &name, Registration { fiber, ty, time, policy });
                self.settle(now, &name, home, peers);
            }
            Message::NameFree { name } => {
                if self.names.drop_name(peer, &name).is_some() {
                    self.settle(now, &name, home, peers);
                }
            }
            Message::Group { fiber, joined: Some(ty), group } => {
                let fiber = self.claimant(peer, fiber, false, home)?;
                self.names.note_member(peer, &group, fiber, ty);
                let news = News::Member { group: group.into_owned(), fiber, ty: Some(ty) };
                home.machine().handle(Input::News(news));
            }
            Message::Group { fiber, joined: None, group } => {
                if fiber.id.node != peer {
                    return Err(Problem::Denied(Denial::Identity));
                }
                if let Some(fiber) = self.addresses.known(fiber.id) {
                    self.names.drop_member(peer, &group, fiber);
                    let news = News::Member { group: group.into_owned(), fiber, ty: None };
                    home.machine().handle(Input::News(news));
                }
            }
            Message::Send { .. }
            | Message::Request { .. }
            | Message::Refused { .. }
            | Message::Reply { .. }
            | Message::Link { .. }
            | Message::Unlink { .. }
            | Message::Exit { .. }
            | Message::Watch { .. }
            | Message::Gone { .. }
            | Message::Credit { .. }
            | Message::Spawn { .. }
            | Message::Spawned { .. }
            | Message::Fetch { .. }
            | Message::Types { .. }
            | Message::Ask { .. }
            | Message::Answer { .. }
            | Message::Code { .. } => {}
        }
        Ok(())
    }

    /// The fiber of a peer that has a name or is a member: it has to be the peer's own, of what it is now.
    fn claimant(&mut self, peer: NodeId, fiber: Address, is_known: bool, home: &mut impl Home) -> Result<FiberId, Problem> {
        let is_of_peer = self.addresses.is_fiber_of(fiber.id, peer);
        if !is_of_peer || !(is_known || self.names.has_room(peer)) {
            return Err(Problem::Denied(Denial::Identity));
        }
        self.may_send(peer)?;
        Ok(self.addresses.fiber(fiber, peer, home.machine())?)
    }

    /// Tells the machine who has a name, after something about it has changed; and all nodes when this one's fiber has lost
    /// it.
    fn settle(&mut self, now: u64, name: &str, home: &mut impl Home, peers: &mut Peers) {
        let own = self.addresses.node;
        let holder = self.names.holder(name);
        if holder.is_some_and(|(node, _)| node == own) {
            // The machine knows it from the first.
            return;
        }
        let loser = self.names.drop_name(own, name);
        let holder = holder.map(|(_, registration)| (registration.fiber, registration.ty));
        home.machine().handle(Input::News(News::Name { name: name.to_owned(), holder, loser }));
        if loser.is_some() {
            self.tell(now, &Message::NameFree { name: Cow::Borrowed(name) }, peers);
        }
    }

    /// Forgets what a node has told, whose session is lost. Its fibers have not been told to be lost yet.
    pub(crate) fn forget_claims(&mut self, node: NodeId, home: &mut impl Home) {
        self.names.listeners.remove(&node);
        let Some(told) = self.names.told.remove(&node) else { return };
        for name in &told.names {
            self.names.drop_name(node, name);
            let holder = self.names.holder(name).filter(|(holder, _)| *holder != self.addresses.node);
            if holder.is_some() {
                self.names.unsettled.insert(name.clone());
            }
            let holder = holder.map(|(_, registration)| (registration.fiber, registration.ty));
            home.machine().handle(Input::News(News::Name { name: name.clone().into(), holder, loser: None }));
        }
        self.names.count -= told.members.len();
        for (group, fiber) in told.members.into_keys() {
            home.machine().handle(Input::News(News::Member { group: group.into(), fiber, ty: None }));
        }
    }

    /// Settles what could not be when it changed; whether the machine has heard of it.
    pub(crate) fn settle_later(&mut self, now: u64, home: &mut impl Home, peers: &mut Peers) -> bool {
        let unsettled = std::mem::take(&mut self.names.unsettled);
        unsettled.iter().for_each(|name| self.settle(now, name, home, peers));
        !unsettled.is_empty()
    }

    /// Nodes that are up and have not been told what there is to tell: links are opened on demand, and this is one.
    pub(crate) fn uninformed(&self) -> impl Iterator<Item = NodeId> {
        let has_something = self.names.told.get(&self.addresses.node).is_some_and(|told| told.len() > 0);
        let up = self.up.keys().copied().filter(move |_| has_something);
        up.filter(|node| !self.names.listeners.contains(node) && self.grants_of(*node).send != Reach::Nothing)
    }
}
