//! Who is who: the addresses of this machine that stand for fibers of other nodes, and the addresses of its own fibers as
//! others know them.

use crate::limits::{ENDED_MAX, REMOTES_MAX};
use fardel_vm::door::Input;
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::Machine;
use fardel_wire::id::{ActorId, Address, Incarnation, NodeId, Tag, TagKey};
use fardel_wire::value::AddressError;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Where the router's own fibers are, and what it knows of others'.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) node: NodeId,
    pub(crate) incarnation: Incarnation,
    key: TagKey,
    /// The address of this node that was checked last, and is right.
    checked: Cell<Option<(ActorId, u128)>>,
    /// By the address that the machine has for it.
    remotes: BTreeMap<FiberId, Remote>,
    /// The same the other way round.
    known: BTreeMap<ActorId, FiberId>,
    nodes: BTreeMap<NodeId, Known>,
    /// What each node has said of itself.
    incarnations: BTreeMap<NodeId, Incarnation>,
    /// Those that have ended, and the order in which they did.
    ended: BTreeMap<FiberId, Address>,
    ended_order: VecDeque<FiberId>,
}

/// A fiber of another node.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) address: Address,
    /// Bytes of the messages to it that its node has not taken yet, the oldest first.
    pub(crate) under_way: VecDeque<u64>,
}

/// Another node.
#[derive(Debug)]
struct Known {
    /// The address that stands for the node itself.
    own: FiberId,
    /// The addresses of its fibers.
    fibers: BTreeSet<FiberId>,
}

/// What is not known of an address whose holder only said who it is.
const NO_TAG: Tag = Tag([0; 16]);

impl Addresses {
    pub(crate) fn new(node: NodeId, incarnation: Incarnation, key: TagKey) -> Addresses {
        Addresses {
            node,
            incarnation,
            key,
            checked: Cell::new(None),
            remotes: BTreeMap::new(),
            known: BTreeMap::new(),
            nodes: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            ended: BTreeMap::new(),
            ended_order: VecDeque::new(),
        }
    }

    /// The id of a fiber of this machine.
    pub(crate) fn own_id(&self, fiber: FiberId) -> ActorId {
        ActorId { node: self.node, incarnation: self.incarnation, fiber }
    }

    /// Whether an id is one of this node as it is now.
    pub(crate) fn is_own(&self, id: ActorId) -> bool {
        id.node == self.node && id.incarnation == self.incarnation
    }

    /// The address of what the machine knows as `fiber`.
    pub(crate) fn address(&self, fiber: FiberId) -> Address {
        match self.remotes.get(&fiber) {
            Some(remote) => remote.address,
            None => self.ended_as(fiber).unwrap_or_else(|| self.key.address(self.own_id(fiber))),
        }
    }

    /// The id of what the machine knows as `fiber`.
    pub(crate) fn id(&self, fiber: FiberId) -> ActorId {
        match self.remotes.get(&fiber) {
            Some(remote) => remote.address.id,
            None => self.ended_as(fiber).map_or_else(|| self.own_id(fiber), |address| address.id),
        }
    }

    /// What stood at a place that nobody has any more.
    fn ended_as(&self, fiber: FiberId) -> Option<Address> {
        self.ended.get(&fiber).copied()
    }

    pub(crate) fn remote(&mut self, fiber: FiberId) -> Option<&mut Remote> {
        self.remotes.get_mut(&fiber)
    }

    /// How many fibers of other nodes are known.
    pub(crate) fn count(&self) -> usize {
        self.remotes.len()
    }

    /// The fiber of this machine that an address of this node means.
    ///
    /// # Errors
    /// [`AddressError`]: it was not given out by this node.
    pub(crate) fn own_fiber(&self, address: &Address) -> Result<FiberId, AddressError> {
        if !self.is_own(address.id) {
            return Err(AddressError::Unknown(address.id));
        }
        let tag = u128::from_le_bytes(address.tag.0);
        // Most messages go where the one before went. The tags are compared as one number, in one step.
        if self.checked.get().is_some_and(|(id, known)| id == address.id && known == tag) {
            return Ok(address.id.fiber);
        }
        if !self.key.check(address) {
            return Err(AddressError::Forged(address.id));
        }
        self.checked.set(Some((address.id, tag)));
        Ok(address.id.fiber)
    }

    /// Whether an id is that of a fiber of a node as that has said it is now.
    pub(crate) fn is_fiber_of(&self, id: ActorId, node: NodeId) -> bool {
        let said = self.incarnations.get(&node);
        id.node == node && node != self.node && said == Some(&id.incarnation) && id.fiber.generation > 0
    }

    /// What the machine knows an id as, if it does.
    pub(crate) fn known(&self, id: ActorId) -> Option<FiberId> {
        self.known.get(&id).copied()
    }

    /// What the machine knows an address as, of which `teller` has told; one that it does not know yet gets a place there.
    pub(crate) fn fiber(
        &mut self,
        address: Address,
        teller: NodeId,
        machine: &mut Machine,
    ) -> Result<FiberId, AddressError> {
        if self.is_own(address.id) {
            return self.own_fiber(&address);
        }
        if let Some(known) = self.known.get(&address.id) {
            if let Some(remote) = self.remotes.get_mut(known)
                && (remote.address.tag == NO_TAG || teller == address.id.node)
                && address.tag != NO_TAG
            {
                // Whose fiber it is knows best.
                remote.address.tag = address.tag;
            }
            return Ok(*known);
        }
        let full = AddressError::Full(address.id, self.remotes.len());
        if self.remotes.len() >= REMOTES_MAX {
            return Err(full);
        }
        // The node's own comes first: when there is a place for one of both alone, nothing is left behind.
        self.node_of(address.id, machine)?;
        let fiber = machine.open_remote().ok_or(full)?;
        let said = self.incarnations.get(&address.id.node);
        let is_past = address.id.node == self.node || said.is_some_and(|said| address.id.incarnation < *said);
        if is_past {
            // Its node has been started anew since.
            machine.handle(Input::Gone { remote: fiber, reason: ExitReason::NoProc });
            return Ok(fiber);
        }
        self.node_of(address.id, machine)?.fibers.insert(fiber);
        self.known.insert(address.id, fiber);
        self.remotes.insert(fiber, Remote { address, under_way: VecDeque::new() });
        Ok(fiber)
    }

    /// As [`Addresses::fiber`], for one whose tag was not told.
    pub(crate) fn fiber_of_id(&mut self, id: ActorId, machine: &mut Machine) -> Result<FiberId, AddressError> {
        match self.known.get(&id) {
            Some(known) => Ok(*known),
            None => self.fiber(Address { id, tag: NO_TAG }, id.node, machine),
        }
    }

    fn node_of(&mut self, id: ActorId, machine: &mut Machine) -> Result<&mut Known, AddressError> {
        let count = self.remotes.len();
        match self.nodes.entry(id.node) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let own = machine.open_remote().ok_or(AddressError::Full(id, count))?;
                Ok(entry.insert(Known { own, fibers: BTreeSet::new() }))
            }
        }
    }

    /// The address that stands for a node itself.
    pub(crate) fn node_fiber(&mut self, node: NodeId, machine: &mut Machine) -> Result<FiberId, AddressError> {
        let incarnation = self.incarnations.get(&node).copied().unwrap_or(Incarnation(0));
        let id = ActorId { node, incarnation, fiber: FiberId { slot: 0, generation: 0 } };
        self.node_of(id, machine).map(|known| known.own)
    }

    /// The node of an address of a fiber elsewhere, or that stands for a node.
    pub(crate) fn node_at(&self, fiber: FiberId) -> Option<NodeId> {
        match self.remotes.get(&fiber) {
            Some(remote) => Some(remote.address.id.node),
            None => self.nodes.iter().find(|(_, known)| known.own == fiber).map(|(node, _)| *node),
        }
    }

    /// Forgets a fiber of another node, and gives what the machine knew it as.
    pub(crate) fn forget(&mut self, id: ActorId) -> Option<FiberId> {
        let fiber = self.known.remove(&id)?;
        if let Some(remote) = self.remotes.remove(&fiber) {
            self.ended.insert(fiber, remote.address);
            self.ended_order.push_back(fiber);
            if self.ended_order.len() > ENDED_MAX
                && let Some(first) = self.ended_order.pop_front()
            {
                self.ended.remove(&first);
            }
        }
        if let Some(known) = self.nodes.get_mut(&id.node) {
            known.fibers.remove(&fiber);
        }
        Some(fiber)
    }

    /// A node has said which incarnation it is: the fibers of former ones are no more.
    pub(crate) fn came(&mut self, node: NodeId, incarnation: Incarnation, machine: &mut Machine) {
        self.incarnations.insert(node, incarnation);
        let Some(known) = self.nodes.get_mut(&node) else { return };
        let former: Vec<FiberId> = known.fibers.iter().copied().collect();
        for fiber in former {
            let id = self.id(fiber);
            if id.incarnation < incarnation {
                self.forget(id);
                machine.handle(Input::Gone { remote: fiber, reason: ExitReason::NoProc });
            }
        }
    }

    /// Which incarnation a node has said it is.
    pub(crate) fn said(&self, node: NodeId) -> Option<Incarnation> {
        self.incarnations.get(&node).copied()
    }

    /// Forgets a node and its fibers, which ends their places in the machine.
    pub(crate) fn forget_node(&mut self, node: NodeId, machine: &mut Machine) {
        self.incarnations.remove(&node);
        let Some(Known { own, fibers }) = self.nodes.remove(&node) else { return };
        for fiber in fibers {
            let id = self.id(fiber);
            self.forget(id);
            machine.handle(Input::Gone { remote: fiber, reason: ExitReason::NoConnection });
        }
        machine.handle(Input::Gone { remote: own, reason: ExitReason::NoConnection });
    }

    /// The session with a node is lost: whoever is tied to its fibers is told, and what was under way is gone.
    pub(crate) fn lost(&mut self, node: NodeId, machine: &mut Machine) {
        let Some(known) = self.nodes.get(&node) else { return };
        let all: Vec<FiberId> = known.fibers.iter().copied().chain([known.own]).collect();
        for fiber in all {
            if let Some(remote) = self.remotes.get_mut(&fiber) {
                remote.under_way.clear();
            }
            machine.handle(Input::Lost { remote: fiber });
        }
    }
}
