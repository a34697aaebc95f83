//! Who belongs to the cluster, as far as this node has heard, and where the others can be reached.
//!
//! Two nodes that connect tell each other of all nodes that they know; what is new to a node it tells those that it is
//! connected with. That a node is where somebody says is proven when it is dialled, not before.

use crate::limits::MEMBERS_MAX;
use crate::router::Router;
use fardel_wire::frame::Message;
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::peers::Peers;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A node of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// How often it has been started.
    pub incarnation: Incarnation,
    /// Its name.
    pub name: String,
    /// Where it can be reached; empty when it takes no connections.
    pub address: String,
    /// Whether it has said so itself, in a handshake; what others say of it changes nothing then.
    pub is_proven: bool,
}

/// Those that are known, this node included.
#[derive(Debug)]
pub(crate) struct Members {
    all: BTreeMap<NodeId, Member>,
}

impl Members {
    pub(crate) fn of(own: NodeId, member: Member) -> Members {
        Members { all: BTreeMap::from([(own, member)]) }
    }

    pub(crate) fn get(&self, node: NodeId) -> Option<&Member> {
        self.all.get(&node)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        self.all.iter().map(|(node, member)| (*node, member))
    }

    pub(crate) fn named(&self, name: &str) -> Option<NodeId> {
        self.all
            .iter()
            .filter(|(_, member)| member.name == name)
            .max_by_key(|(_, member)| member.incarnation)
            .map(|(node, _)| *node)
    }

    /// Notes what is told of a node; whether it is new.
    fn note(&mut self, node: NodeId, member: Member) -> bool {
        let is_new = match self.all.get(&node) {
            Some(known) if known.is_proven && !member.is_proven => false,
            Some(known) if member.is_proven => *known != member,
            Some(known) => {
                member.incarnation > known.incarnation
                    || (member.incarnation == known.incarnation && known.address.is_empty() && !member.address.is_empty())
            }
            None => self.all.len() < MEMBERS_MAX,
        };
        if is_new {
            self.all.insert(node, member);
        }
        is_new
    }
}

fn message(node: NodeId, member: &Member) -> Message<'_> {
    let (name, address) = (Cow::Borrowed(member.name.as_str()), Cow::Borrowed(member.address.as_str()));
    Message::Member { node, incarnation: member.incarnation, name, address }
}

impl Router {
    /// Tells a node that has connected of all that are known.
    pub(crate) fn introduce(&mut self, now: u64, peer: NodeId, peers: &mut Peers) {
        let known: Vec<(NodeId, Member)> = self.members.iter().map(|(node, member)| (node, member.clone())).collect();
        for (node, member) in known.iter().filter(|(node, _)| *node != peer) {
            self.send(now, peer, message(*node, member), peers);
        }
    }

    /// Takes what a peer tells of a node.
    pub(crate) fn member(&mut self, now: u64, peer: NodeId, node: NodeId, member: Member, peers: &mut Peers) {
        let mut member = member;
        // A node says of itself in the handshake who it is, and in a message where it can be reached.
        member.is_proven = node == peer;
        if let Some(known) = self.members.get(node).filter(|known| node == peer && known.is_proven) {
            member.incarnation = known.incarnation;
            if member.address.is_empty() {
                member.address.clone_from(&known.address);
            }
        }
        if node == self.addresses.node || !self.members.note(node, member.clone()) {
            return;
        }
        let others: Vec<NodeId> = peers
            .sessions()
            .filter(|(other, session)| session.is_connected() && *other != peer && *other != node)
            .map(|(other, _)| other)
            .collect();
        for other in others {
            self.send(now, other, message(node, &member), peers);
        }
    }
}
