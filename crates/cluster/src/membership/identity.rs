//! Who a member is, for SWIM.

use fardel_wire::id::{Incarnation, NodeId};
use std::sync::Arc;

/// A node in one of its lives. Two are the same when node, incarnation and renewal are; its place goes along.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Which node.
    pub node: NodeId,
    /// How often it has been started.
    pub incarnation: Incarnation,
    /// How often it went on, in this incarnation, after others had taken it for down.
    pub renewal: u32,
    /// Its name and where it can be reached, where they are told.
    pub place: Option<Arc<Place>>,
}

/// What goes along with an identity.
#[derive(Debug)]
pub struct Place {
    /// The node's name.
    pub name: String,
    /// Where it can be reached; empty when it takes no connections.
    pub address: String,
    /// Its labels.
    pub labels: Vec<String>,
}

impl Identity {
    /// The node's first life in this incarnation.
    pub fn new(node: NodeId, incarnation: Incarnation) -> Identity {
        Identity { node, incarnation, renewal: 0, place: None }
    }

    /// The same, with what goes along.
    pub fn at(self, place: Place) -> Identity {
        Identity { place: Some(Arc::new(place)), ..self }
    }

    /// Name and address, empty where they are not told.
    pub fn told(&self) -> (&str, &str) {
        self.place.as_ref().map_or(("", ""), |place| (&place.name, &place.address))
    }

    /// The labels, none where they are not told.
    pub fn labels(&self) -> &[String] {
        self.place.as_ref().map_or(&[], |place| &place.labels)
    }

    /// Which life of its node it is, the later the greater.
    fn life(&self) -> (Incarnation, u32) {
        (self.incarnation, self.renewal)
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Identity) -> bool {
        self.node == other.node && self.life() == other.life()
    }
}

impl Eq for Identity {}

impl foca::Identity for Identity {
    type Addr = NodeId;

    fn renew(&self) -> Option<Identity> {
        Some(Identity { renewal: self.renewal.checked_add(1)?, ..self.clone() })
    }

    fn addr(&self) -> NodeId {
        self.node
    }

    fn win_addr_conflict(&self, adversary: &Identity) -> bool {
        self.life() > adversary.life()
    }
}
