//! What a peer may do, and which peer may do what.

use crate::limits::DENIALS_MAX;
use fardel_wire::id::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Which fibers messages and signals may go to. Whoever sends needs the fiber's address all the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// To none.
    Nothing,
    /// To fibers that have a name on this node, and as answers to what a fiber has asked.
    Exported,
    /// To any.
    Any,
}

/// What the fibers of a peer, and the peer itself, may do on this node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grants {
    /// To whom they may send messages and signals.
    pub send: Reach,
    /// Start fibers in code that is here.
    pub spawn: bool,
    /// Ship code that is not here.
    pub code: bool,
    /// Look at every fiber, send to it and end it, without its address.
    pub administer: bool,
}

impl Grants {
    /// A node of the cluster: everything but to administer.
    pub const MEMBER: Grants = Grants { send: Reach::Any, spawn: true, code: true, administer: false };
    /// Nothing.
    pub const NONE: Grants = Grants { send: Reach::Nothing, spawn: false, code: false, administer: false };
}

/// Which peer may do what: by its id, by a name in its certificate, or as all others.
#[derive(Clone, Debug)]
pub struct Roles {
    usual: Grants,
    nodes: BTreeMap<NodeId, Grants>,
    /// By the name in lower case.
    names: BTreeMap<String, Grants>,
}

impl Roles {
    /// The same for everybody.
    pub fn all(usual: Grants) -> Roles {
        Roles { usual, nodes: BTreeMap::new(), names: BTreeMap::new() }
    }

    /// What those may do of whom nothing else is said.
    pub fn usual(&self) -> Grants {
        self.usual
    }

    /// Says what a node may do, which a text names: by its id, or by a name that its certificate has.
    /// False, and nothing is changed, when something else was said of it before.
    pub fn give(&mut self, node: &str, grants: Grants) -> bool {
        let before = match node.parse() {
            Ok(id) => *self.nodes.entry(id).or_insert(grants),
            // Names of hosts, which these are, do not tell capital letters apart.
            Err(_) => *self.names.entry(node.to_ascii_lowercase()).or_insert(grants),
        };
        before == grants
    }

    /// What a peer may do whose certificate has proven that it is this node and has these names. One that has proven
    /// nothing of the kind, as with a shared key, may do what all others may.
    pub fn of(&self, peer: NodeId, names: Option<&[String]>) -> Grants {
        let Some(names) = names else { return self.usual };
        let named = || names.iter().find_map(|name| self.names.get(&name.to_ascii_lowercase()));
        self.nodes.get(&peer).or_else(named).copied().unwrap_or(self.usual)
    }
}

/// What a peer was not allowed to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Denial {
    /// Send messages or signals at all, or to a fiber without a name.
    Send,
    /// Reach a fiber with an address that its node has not given out.
    Address,
    /// Speak for a fiber or request of another one.
    Identity,
    /// Have more messages wait for mailboxes.
    Held,
    /// Start fibers.
    Spawn,
    /// Ship code.
    Code,
    /// Administer.
    Administer,
}

impl Denial {
    /// What the peer wanted to do, for people: "may not ..".
    pub fn text(self) -> &'static str {
        match self {
            Denial::Send => "send to this fiber",
            Denial::Address => "use an address that was not given out",
            Denial::Identity => "speak for others",
            Denial::Held => "send more than mailboxes hold",
            Denial::Spawn => "start fibers",
            Denial::Code => "ship code",
            Denial::Administer => "administer this node",
        }
    }
}

/// What was denied, once for each peer and kind.
#[derive(Default, Debug)]
pub(crate) struct Denials {
    known: BTreeSet<(NodeId, Denial)>,
    /// Those of which nobody has been told.
    fresh: VecDeque<(NodeId, Denial)>,
}

impl Denials {
    /// Notes a denial. With too many peers only what is known already is kept back.
    pub(crate) fn note(&mut self, peer: NodeId, denial: Denial) {
        if self.known.len() < DENIALS_MAX && self.known.insert((peer, denial)) {
            self.fresh.push_back((peer, denial));
        }
    }

    /// The next one that nobody has been told of.
    pub(crate) fn poll(&mut self) -> Option<(NodeId, Denial)> {
        self.fresh.pop_front()
    }
}
