//! What a machine knows of its cluster: which fiber has which name, which are in which group, and which nodes are up. A
//! machine that is alone is a cluster of one.
//!
//! A fiber's claim to a name or a place in a group is made here at once, and leaves as a [`Claim`]; what is claimed on other
//! nodes comes as [`News`]. Which of two fibers keeps a name that both have is for those to say who know the other nodes.
//!
//! **Invariant:** no entry is about a fiber that has ended, here or on its own node. What it had is gone before anybody is
//! told of its end.

use crate::core::Core;
use crate::door::Output;
use crate::fiber::{FiberId, State};
use crate::heap::fragment::Fragment;
use crate::heap::word::{Header, Kind};
use crate::mailbox::Origin;
use crate::message::Message;
use crate::types::TypeId;
use fardel_bytecode::shape::TypeKey;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a name in the cluster, and of that of a group: every node holds all of them.
pub const NAME_BYTES_MAX: usize = 255;
/// Names and places in groups that fibers of one node have together: as many as a session takes in at its beginning.
pub const CLAIMS_MAX: usize = 1 << 16;
/// Names and places in groups that one fiber has: all of them are given up in one go.
pub const CLAIMS_EACH_MAX: usize = 1 << 10;
/// Fibers in one group: all of them are listed in one go.
pub const MEMBERS_MAX: usize = 1 << 16;
/// Fibers that watch nodes: all of them are told in one go.
const WATCHERS_MAX: usize = 1 << 16;
/// Bytes that an entry counts besides its name, which stands in two places.
const ENTRY_BYTES: usize = 160;

/// Who keeps a name that fibers of two nodes have, as nodes that cannot talk may give it twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Policy {
    /// The one that was registered first.
    KeepOldest,
    /// The one that was registered last.
    KeepNewest,
    /// Neither.
    KeepNone,
}

impl Policy {
    /// The policy of this name: `keep_oldest`, `keep_newest`, `keep_none`.
    pub fn of(name: &str) -> Option<Policy> {
        match name {
            "keep_oldest" => Some(Policy::KeepOldest),
            "keep_newest" => Some(Policy::KeepNewest),
            "keep_none" => Some(Policy::KeepNone),
            _ => None,
        }
    }
}

/// What the other nodes have to hear of the fibers of this one.
#[derive(Clone, PartialEq, Debug)]
pub enum Claim {
    /// A fiber has taken a name.
    Name {
        /// Which name.
        name: String,
        /// Which fiber.
        fiber: FiberId,
        /// The type of the messages that it takes.
        ty: TypeKey,
        /// Who keeps the name in a conflict.
        policy: Policy,
    },
    /// A name is not taken any more.
    NameFree {
        /// Which name.
        name: String,
    },
    /// A fiber has joined a group.
    Member {
        /// Which group.
        group: String,
        /// Which fiber.
        fiber: FiberId,
        /// The type of the messages that it takes.
        ty: TypeKey,
    },
    /// A fiber has left a group.
    MemberGone {
        /// Which group.
        group: String,
        /// Which fiber.
        fiber: FiberId,
    },
}

/// What a machine hears of the cluster.
#[derive(Clone, PartialEq, Debug)]
pub enum News {
    /// A fiber of another node has a name, or none there has it.
    Name {
        /// Which name.
        name: String,
        /// Which fiber, and the type of the messages that it takes.
        holder: Option<(FiberId, TypeKey)>,
        /// The fiber of this machine that has lost the name, which is told. One that is not named keeps what it has.
        loser: Option<FiberId>,
    },
    /// A fiber of another node is in a group, for messages of a type, or is no longer.
    Member {
        /// Which group.
        group: String,
        /// Which fiber.
        fiber: FiberId,
        /// The type; nothing when it has left.
        ty: Option<TypeKey>,
    },
    /// Another node has come, or was lost.
    Node {
        /// Its name.
        name: String,
        /// Whether it has come.
        is_up: bool,
    },
    /// A node that is up has these labels.
    Labels {
        /// Its name.
        name: String,
        /// All of them.
        labels: Vec<String>,
    },
}

/// Why a fiber gets no more names, places in groups, or news of nodes.
pub(crate) struct Full(pub(crate) String);

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    names: BTreeMap<Box<str>, Holder>,
    groups: BTreeMap<Box<str>, Group>,
    /// Names and places in groups of fibers of this machine, and of all fibers.
    own: usize,
    all: usize,
    /// Other nodes that are up, by name, and how many of them have it.
    nodes: BTreeMap<Box<str>, u32>,
    /// The labels of those that have some.
    labels: BTreeMap<Box<str>, Vec<String>>,
    watchers: BTreeSet<FiberId>,
}

/// Who has a name, and the type of the messages that it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder {
    pub(crate) fiber: FiberId,
    pub(crate) ty: TypeKey,
}

/// The members of a group, and the types of the messages that they take.
#[derive(Debug, Default)]
struct Group {
    own: BTreeMap<FiberId, TypeKey>,
    others: BTreeMap<FiberId, TypeKey>,
}

impl Group {
    fn side(&mut self, is_remote: bool) -> &mut BTreeMap<FiberId, TypeKey> {
        if is_remote { &mut self.others } else { &mut self.own }
    }

    fn len(&self) -> usize {
        self.own.len() + self.others.len()
    }
}

/// What one fiber has.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    names: BTreeSet<Box<str>>,
    groups: BTreeSet<Box<str>>,
    watches: bool,
}

impl Claims {
    /// Whether a name is among it.
    pub(crate) fn has_name(&self) -> bool {
        !self.names.is_empty()
    }

    fn len(&self) -> usize {
        self.names.len() + self.groups.len()
    }
}

fn entry_bytes(name: &str) -> u64 {
    (2 * name.len() + ENTRY_BYTES) as u64
}

impl Core {
    /// How many names and places in groups there are.
    pub(crate) fn cluster_entries(&self) -> usize {
        self.cluster.all
    }

    /// Who has a name in the cluster.
    pub(crate) fn cluster_holder(&self, name: &str) -> Option<Holder> {
        self.cluster.names.get(name).copied()
    }

    /// All names in the cluster, and who has them.
    pub(crate) fn cluster_names(&self) -> impl Iterator<Item = (&str, FiberId)> {
        self.cluster.names.iter().map(|(name, holder)| (&**name, holder.fiber))
    }

    /// Gives a fiber of this machine a name that is free.
    pub(crate) fn take_cluster_name(&mut self, name: &str, fiber: FiberId, ty: TypeKey, policy: Policy) -> Result<(), Full> {
        self.may_claim(name, fiber)?;
        self.note_name(name, Holder { fiber, ty });
        self.claim(|| Claim::Name { name: name.to_owned(), fiber, ty, policy });
        Ok(())
    }

    /// Frees a name that a fiber of this machine has; whether one had it.
    pub(crate) fn free_cluster_name(&mut self, name: &str) -> bool {
        let Some(holder) = self.cluster_holder(name).filter(|holder| !self.is_remote(holder.fiber)) else { return false };
        self.drop_name(name, holder.fiber);
        self.claim(|| Claim::NameFree { name: name.to_owned() });
        true
    }

    /// Adds a fiber of this machine to a group; whether it was no member.
    pub(crate) fn join_group(&mut self, group: &str, fiber: FiberId, ty: TypeKey) -> Result<bool, Full> {
        let known = self.cluster.groups.get(group);
        if known.is_some_and(|known| known.own.contains_key(&fiber)) {
            return Ok(false);
        }
        if known.is_some_and(|known| known.len() >= MEMBERS_MAX) {
            return Err(Full(format!("the group has {MEMBERS_MAX} members, as many as one may have")));
        }
        self.may_claim(group, fiber)?;
        self.note_member(group, fiber, ty);
        self.claim(|| Claim::Member { group: group.to_owned(), fiber, ty });
        Ok(true)
    }

    /// Takes a fiber of this machine out of a group; whether it was a member.
    pub(crate) fn leave_group(&mut self, group: &str, fiber: FiberId) -> bool {
        let is_member = self.cluster.groups.get(group).is_some_and(|known| known.own.contains_key(&fiber));
        if is_member {
            self.drop_member(group, fiber);
            self.claim(|| Claim::MemberGone { group: group.to_owned(), fiber });
        }
        is_member
    }

    /// The members of a group with the types of their messages, those of this machine first.
    pub(crate) fn group_members(&self, group: &str) -> impl Iterator<Item = (FiberId, TypeKey)> {
        let known = self.cluster.groups.get(group).into_iter();
        known.flat_map(|group| group.own.iter().chain(&group.others)).map(|(fiber, ty)| (*fiber, *ty))
    }

    /// The names of the nodes that are up, that of this one first.
    pub(crate) fn node_names(&self) -> impl Iterator<Item = &str> {
        let others = self.cluster.nodes.iter();
        let others = others.flat_map(|(name, count)| std::iter::repeat_n(&**name, *count as usize));
        std::iter::once(&*self.config.node).chain(others)
    }

    /// The labels of a node that is up.
    pub(crate) fn node_labels(&self, name: &str) -> &[String] {
        if name == self.config.node {
            return &self.config.labels;
        }
        self.cluster.labels.get(name).map_or(&[], Vec::as_slice)
    }

    /// Has a fiber told of nodes that come and are lost, or no longer.
    pub(crate) fn watch_nodes(&mut self, slot: u32, watches: bool) -> Result<(), Full> {
        let id = self.fibers.id(slot);
        if watches == self.cluster.watchers.contains(&id) {
            return Ok(());
        }
        if !watches {
            self.stop_watching_nodes(slot);
            return Ok(());
        }
        if self.cluster.watchers.len() >= WATCHERS_MAX || !self.has_budget(ENTRY_BYTES) {
            return Err(Full(format!("{} fibers watch nodes, as many as may", self.cluster.watchers.len())));
        }
        self.cluster.watchers.insert(id);
        self.claims_of(slot).watches = true;
        self.tie_bytes += ENTRY_BYTES as u64;
        Ok(())
    }

    /// Gives up all that a fiber has, before its end is told.
    pub(crate) fn give_up_claims(&mut self, slot: u32) {
        let Some(mut claims) = self.fibers.side(slot).and_then(|side| side.claims.take()) else { return };
        let (fiber, is_remote) = (self.fibers.id(slot), self.fibers.get(slot).state == State::Remote);
        if std::mem::take(&mut claims.watches) {
            self.cluster.watchers.remove(&fiber);
            self.tie_bytes -= ENTRY_BYTES as u64;
        }
        for name in claims.names {
            self.cluster.names.remove(&name);
            self.uncount(&name, is_remote);
            if !is_remote {
                self.claim(|| Claim::NameFree { name: name.into() });
            }
        }
        for group in claims.groups {
            self.remove_member(&group, fiber, is_remote);
            self.uncount(&group, is_remote);
            if !is_remote {
                self.claim(|| Claim::MemberGone { group: group.into(), fiber });
            }
        }
    }

    /// Takes what is new in the cluster.
    pub(crate) fn take_news(&mut self, news: News) {
        match news {
            News::Name { name, holder, loser } => self.take_name(&name, holder, loser),
            News::Member { group, fiber, ty } => self.take_member(&group, fiber, ty),
            News::Node { name, is_up } => self.take_node(&name, is_up),
            News::Labels { name, labels } => {
                if self.cluster.nodes.contains_key(&*name) {
                    self.cluster.labels.insert(name.into(), labels);
                }
            }
        }
    }

    fn take_name(&mut self, name: &str, holder: Option<(FiberId, TypeKey)>, loser: Option<FiberId>) {
        if let Some(known) = self.cluster_holder(name) {
            let is_own = !self.is_remote(known.fiber);
            if is_own && loser != Some(known.fiber) {
                return;
            }
            self.drop_name(name, known.fiber);
            if is_own {
                self.tell_about(known.fiber, self.system.name_lost, name);
            }
        }
        if let Some((fiber, ty)) = holder
            && self.may_note(name, fiber)
        {
            self.note_name(name, Holder { fiber, ty });
        }
    }

    fn take_member(&mut self, group: &str, fiber: FiberId, ty: Option<TypeKey>) {
        let known = self.cluster.groups.get(group);
        let is_member = known.is_some_and(|known| known.others.contains_key(&fiber));
        let is_full = known.is_some_and(|known| known.len() >= MEMBERS_MAX);
        match ty {
            None if is_member => self.drop_member(group, fiber),
            Some(ty) if !is_member && !is_full && self.may_note(group, fiber) => self.note_member(group, fiber, ty),
            None | Some(_) => {}
        }
    }

    fn take_node(&mut self, name: &str, is_up: bool) {
        let count = self.cluster.nodes.entry(name.into()).or_default();
        *count = if is_up { count.saturating_add(1) } else { count.saturating_sub(1) };
        if *count == 0 {
            self.cluster.nodes.remove(name);
            self.cluster.labels.remove(name);
        }
        let ty = if is_up { self.system.node_up } else { self.system.node_down };
        for watcher in self.cluster.watchers.clone() {
            self.tell_about(watcher, ty, name);
        }
    }

    /// Gives a fiber of this machine a message of a system type that holds one name.
    fn tell_about(&mut self, fiber: FiberId, ty: TypeId, name: &str) {
        if !self.fibers.is_alive(fiber) {
            return;
        }
        let mut fragment = Fragment::default();
        let text = crate::convert::add_bytes(self, true, name.as_bytes(), &mut fragment);
        let root = fragment.push(Header::new(Kind::Fields, ty, 1, 1), &[text]);
        self.notify(fiber.slot, Message::Fragment(root, fragment), ty, Origin::System);
    }

    /// Tells the other nodes, if this machine can have some.
    fn claim(&mut self, claim: impl FnOnce() -> Claim) {
        if self.config.cluster {
            self.outputs.push_back(Output::Claim(claim()));
        }
    }

    fn claims_of(&mut self, slot: u32) -> &mut Claims {
        self.fibers.side_or_new(slot).claims.get_or_insert_default()
    }

    /// Whether a fiber of this machine may have one more name or place in a group.
    fn may_claim(&mut self, name: &str, fiber: FiberId) -> Result<(), Full> {
        let has = self.claims_of(fiber.slot).len();
        if has >= CLAIMS_EACH_MAX {
            return Err(Full(format!("the fiber has {has} names and places in groups, as many as one may have")));
        }
        if self.cluster.own >= CLAIMS_MAX.min(self.config.names_max) {
            let own = self.cluster.own;
            return Err(Full(format!("the node's fibers have {own} names and places in groups, as many as they may have")));
        }
        if !self.has_budget(entry_bytes(name) as usize) {
            return Err(Full("no memory for another name".to_owned()));
        }
        Ok(())
    }

    /// Whether what a fiber of another node has is noted: it lives, and there is room.
    fn may_note(&mut self, name: &str, fiber: FiberId) -> bool {
        self.is_remote(fiber)
            && self.claims_of(fiber.slot).len() < CLAIMS_EACH_MAX
            && self.cluster.all - self.cluster.own < self.config.names_max
            && self.has_budget(entry_bytes(name) as usize)
    }

    fn count(&mut self, name: &str, is_remote: bool) {
        self.cluster.all += 1;
        self.cluster.own += usize::from(!is_remote);
        self.tie_bytes += entry_bytes(name);
    }

    fn uncount(&mut self, name: &str, is_remote: bool) {
        self.cluster.all -= 1;
        self.cluster.own -= usize::from(!is_remote);
        self.tie_bytes -= entry_bytes(name);
    }

    fn note_name(&mut self, name: &str, holder: Holder) {
        self.count(name, self.is_remote(holder.fiber));
        self.claims_of(holder.fiber.slot).names.insert(name.into());
        self.cluster.names.insert(name.into(), holder);
    }

    fn drop_name(&mut self, name: &str, fiber: FiberId) {
        self.uncount(name, self.is_remote(fiber));
        self.cluster.names.remove(name);
        self.claims_of(fiber.slot).names.remove(name);
    }

    fn note_member(&mut self, group: &str, fiber: FiberId, ty: TypeKey) {
        let is_remote = self.is_remote(fiber);
        self.count(group, is_remote);
        self.claims_of(fiber.slot).groups.insert(group.into());
        self.cluster.groups.entry(group.into()).or_default().side(is_remote).insert(fiber, ty);
    }

    fn drop_member(&mut self, group: &str, fiber: FiberId) {
        let is_remote = self.is_remote(fiber);
        self.uncount(group, is_remote);
        self.claims_of(fiber.slot).groups.remove(group);
        self.remove_member(group, fiber, is_remote);
    }

    fn remove_member(&mut self, group: &str, fiber: FiberId, is_remote: bool) {
        if let Some(known) = self.cluster.groups.get_mut(group) {
            known.side(is_remote).remove(&fiber);
            if known.len() == 0 {
                self.cluster.groups.remove(group);
            }
        }
    }

    fn stop_watching_nodes(&mut self, slot: u32) {
        let id = self.fibers.id(slot);
        if self.cluster.watchers.remove(&id) {
            self.claims_of(slot).watches = false;
            self.tie_bytes -= ENTRY_BYTES as u64;
        }
    }
}
