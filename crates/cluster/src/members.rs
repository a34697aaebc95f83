//! What follows for the router from who belongs to the cluster.
//!
//! Packets of membership go over the links that there are. For a node with which there is none they wait a moment, and the
//! owner of the sockets sees in [`Router::wanted`] that a connection is wanted.
//!
//! **Invariant:** a node's ties are cut, and what waits for it is given up, before anybody hears that it is down.

use crate::grants::{Denial, Reach};
use crate::limits::{PACKET_WAITING_TIME, PACKETS_WAITING_MAX};
use crate::membership::{Change, FirstHand, NodeEvent};
use crate::router::{Home, Router};
use fardel_wire::hello::Node;
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::peers::Peers;
use fardel_wire::session::Session;
use std::collections::VecDeque;

/// Packets for one node that wait for a connection.
#[derive(Debug)]
pub(crate) struct Packets {
    /// When they are given up.
    until: u64,
    packets: VecDeque<Vec<u8>>,
}

impl Router {
    /// What has become of a node, once for each change. Of one that is down everybody who depends on it has heard before.
    pub fn poll_node_event(&mut self) -> Option<NodeEvent> {
        self.node_events.pop_front()
    }

    /// Whether another node has told who belongs to the cluster.
    pub fn is_introduced(&self) -> bool {
        self.membership.is_introduced()
    }

    /// Nodes with which a connection is wanted, to ask or tell who is alive, or which fibers have names.
    pub fn wanted(&self) -> impl Iterator<Item = NodeId> {
        self.packets.keys().copied().chain(self.uninformed())
    }

    /// Takes a packet of a peer about who belongs to the cluster.
    pub fn gossip(&mut self, now: u64, peer: NodeId, packet: &[u8], home: &mut impl Home, peers: &mut Peers) {
        let may_send = self.grants_of(peer).send != Reach::Nothing;
        let Some(incarnation) = self.addresses.said(peer).filter(|_| may_send) else {
            return self.deny(peer, Denial::Send);
        };
        let addresses = &self.addresses;
        let first_hand = |node| {
            let heard_at = peers.session(node).and_then(Session::heard_at)?;
            Some(FirstHand { incarnation: addresses.said(node)?, heard_at })
        };
        if self.membership.packet(now, (peer, incarnation), packet, first_hand).is_err() {
            self.stats.malformed += 1;
        }
        self.act(now, home, peers);
    }

    /// Leaves the cluster: all that are connected are told.
    pub fn leave(&mut self, now: u64, home: &mut impl Home, peers: &mut Peers) {
        self.membership.leave(now);
        self.act(now, home, peers);
        self.packets.clear();
    }

    /// A session with a peer has begun, or goes on.
    pub(crate) fn met(&mut self, now: u64, peer: &Node, home: &mut impl Home, peers: &mut Peers) {
        self.membership.met(now, peer.id, peer.incarnation, &peer.name);
        for packet in self.packets.remove(&peer.id).into_iter().flat_map(|waiting| waiting.packets) {
            peers.gossip(peer.id, packet);
        }
        self.act(now, home, peers);
    }

    /// Does what is due about who is alive; whether the machine has heard of it.
    pub(crate) fn keep_members(&mut self, now: u64, home: &mut impl Home, peers: &mut Peers) -> bool {
        self.membership.tick(now);
        self.packets.retain(|_, waiting| waiting.until > now);
        self.act(now, home, peers)
    }

    pub(crate) fn next_packet_timeout(&self) -> Option<u64> {
        self.packets.values().map(|waiting| waiting.until).min()
    }

    /// Acts on changes, and sends packets; whether the machine has heard of it.
    fn act(&mut self, now: u64, home: &mut impl Home, peers: &mut Peers) -> bool {
        let mut told = false;
        while let Some(change) = self.membership.poll_change() {
            match change {
                Change::Down(node, incarnation) => {
                    self.node_down(node, incarnation, home, peers);
                    told = true;
                }
                Change::Forgotten(node) => {
                    peers.forget_node(node);
                    self.lost(node, home);
                    self.addresses.forget_node(node, home.machine());
                    told = true;
                }
                Change::Labels(node) => told |= self.tell_labels(node, home),
                Change::Event(event) => {
                    if event == NodeEvent::Renewed {
                        self.announce_to_all(now, peers);
                    }
                    told |= matches!(event, NodeEvent::Up(_));
                    self.tell_event(event, home);
                }
            }
        }
        self.send_packets(now, peers);
        told
    }

    /// The one place through which goes what has become of a node, once for each change: whoever waits for nodes to come and
    /// go is told from here. When a node is down the machine has heard before of the end of everything there (NOD2).
    fn tell_event(&mut self, event: NodeEvent, home: &mut impl Home) {
        match event {
            NodeEvent::Up(node) => self.tell_up(node, home),
            NodeEvent::Down(node) => self.tell_down(node, home),
            NodeEvent::Suspected(_) | NodeEvent::Trusted(_) | NodeEvent::Renewed => {}
        }
        self.node_events.push_back(event);
    }

    /// A node is down. What depends on it hears so first.
    fn node_down(&mut self, node: NodeId, incarnation: Incarnation, home: &mut impl Home, peers: &mut Peers) {
        // A later incarnation may be connected already. What depended on the former one was lost when it came.
        if self.addresses.said(node).is_none_or(|said| said <= incarnation) {
            peers.forget(node);
            self.packets.remove(&node);
            self.lost(node, home);
        }
        self.tell_event(NodeEvent::Down(node), home);
    }

    /// Whoever has taken this node for down, and does not probe it any more, is to hear that it goes on.
    fn announce_to_all(&mut self, now: u64, peers: &Peers) {
        let connected = peers.sessions().filter(|(_, session)| session.is_connected());
        let connected: Vec<NodeId> = connected.map(|(node, _)| node).collect();
        for node in connected {
            if let Some(incarnation) = self.addresses.said(node) {
                self.membership.announce(now, node, incarnation);
            }
        }
    }

    fn send_packets(&mut self, now: u64, peers: &mut Peers) {
        while let Some((node, packet)) = self.membership.poll_packet() {
            if peers.session(node).is_some_and(Session::is_connected) {
                peers.gossip(node, packet);
                continue;
            }
            // Nobody can be asked for a connection with a node that takes none.
            if self.member_at(node).is_none_or(|member| member.address.is_empty()) {
                continue;
            }
            let fresh = || Packets { until: 0, packets: VecDeque::new() };
            let waiting = self.packets.entry(node).or_insert_with(fresh);
            waiting.until = now.saturating_add(PACKET_WAITING_TIME);
            if waiting.packets.len() >= PACKETS_WAITING_MAX {
                waiting.packets.pop_front();
            }
            waiting.packets.push_back(packet);
        }
    }
}
