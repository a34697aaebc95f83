//! The nodes, what connects them, and the time that they share.

use crate::NODES_MAX;
use crate::node::{Node, Station, id_of};
use fardel_wire::id::NodeId;
use fardel_wire::link::Link;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const MILLISECOND: u64 = 1_000_000;
/// How long a node waits before it dials again.
const REDIAL: u64 = 50 * MILLISECOND;

/// One end of a connection.
struct End {
    node: usize,
    link: Link,
    /// What was written here and has not arrived: when it will, and the bytes.
    sent: VecDeque<(u64, Vec<u8>)>,
}

struct Connection {
    ends: [End; 2],
    is_cut: bool,
}

/// Nodes, and the network between them. A node is named by its place.
pub struct Sim<H> {
    /// The time, in nanoseconds.
    pub now: u64,
    /// The nodes.
    pub nodes: Vec<Node<H>>,
    connections: Vec<Connection>,
    /// By pair: when it may be dialled again.
    dialled: BTreeMap<(usize, usize), u64>,
    /// Pairs that cannot reach each other, the lower first.
    pub partitioned: BTreeSet<(usize, usize)>,
    /// Directions, from and to, in which nothing arrives until they are healed.
    pub one_way: BTreeSet<(usize, usize)>,
    /// Of every thousand packets of membership, those that are lost.
    pub gossip_lost: u64,
    /// Of every thousand, those that come twice.
    pub gossip_doubled: u64,
    /// Of every thousand, those that come late.
    pub gossip_late: u64,
    /// Packets of membership on their way: when each arrives, from whom, to whom.
    gossip: Vec<(u64, usize, usize, Vec<u8>)>,
    /// Nanoseconds that bytes take.
    pub delay: u64,
    /// Up to how many more they take, drawn anew each time; what goes the same way stays in order.
    pub jitter: u64,
    /// Of every thousand rounds, those in which a connection is cut.
    pub cuts: u64,
    random: u64,
}

impl<H: Station> Default for Sim<H> {
    fn default() -> Self {
        Sim::new()
    }
}

impl<H: Station> Sim<H> {
    /// No nodes, and a network without faults.
    pub fn new() -> Sim<H> {
        Sim {
            now: 0,
            nodes: Vec::new(),
            connections: Vec::new(),
            dialled: BTreeMap::new(),
            partitioned: BTreeSet::new(),
            one_way: BTreeSet::new(),
            gossip_lost: 0,
            gossip_doubled: 0,
            gossip_late: 0,
            gossip: Vec::new(),
            delay: MILLISECOND,
            jitter: 0,
            cuts: 0,
            random: 1,
        }
    }

    /// Starts one more node, which knows nobody; gives its place.
    ///
    /// # Panics
    /// When there are [`NODES_MAX`] already.
    pub fn add(&mut self, name: &str, home: H) -> usize {
        let node = self.nodes.len();
        assert!(node < NODES_MAX, "a cluster has {NODES_MAX} nodes at most");
        self.nodes.push(Node::new(node, 1, name, home));
        node
    }

    /// A node hears of all others, as of nodes to join.
    pub fn introduce(&mut self, node: usize) {
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            let known = self.nodes[other].peers.local().node.clone();
            let Node { router, home, peers, .. } = &mut self.nodes[node];
            router.established(self.now, &known, home, peers);
        }
    }

    /// What is drawn from now on follows from this seed.
    pub fn seed(&mut self, seed: u64) {
        self.random = seed.wrapping_mul(2).wrapping_add(1);
    }

    /// A number below another one.
    pub fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    /// A node ends without a word.
    pub fn crash(&mut self, node: usize) {
        self.connections
            .iter_mut()
            .filter(|connection| connection.ends.iter().any(|end| end.node == node))
            .for_each(|connection| connection.is_cut = true);
        self.drop_cut();
        self.nodes[node].is_dead = true;
    }

    /// A node ends without a word, and is started anew.
    pub fn restart(&mut self, node: usize, incarnation: u32, name: &str, home: H) {
        self.crash(node);
        self.nodes[node] = Node::new(node, incarnation, name, home);
    }

    /// A node does nothing more until it goes on; its connections stay.
    pub fn stop(&mut self, node: usize) {
        self.nodes[node].is_stopped = true;
    }

    /// A node that was stopped goes on.
    pub fn go_on(&mut self, node: usize) {
        self.nodes[node].is_stopped = false;
    }

    /// A node says that it leaves. It is still to end, once the others may have heard it.
    pub fn leave(&mut self, node: usize) {
        let Node { router, home, peers, .. } = &mut self.nodes[node];
        router.leave(self.now, home, peers);
    }

    /// Whether nothing is under way but the links' own keeping alive.
    pub fn is_quiet(&self) -> bool {
        self.nodes.iter().filter(|node| !node.is_dead).all(|node| {
            node.is_idle
                && node.home.next_timeout().is_none()
                && node.peers.sessions().all(|(_, session)| session.held_bytes() == 0)
        }) && self.connections.iter().all(|connection| connection.ends.iter().all(|end| end.sent.is_empty()))
    }

    /// Once round: all nodes run, and what is due arrives. The time goes on by what the nodes took, who run side by side.
    pub fn round(&mut self) {
        if self.cuts > 0 && self.draw(1_000) < self.cuts && !self.connections.is_empty() {
            let which = self.draw(self.connections.len() as u64) as usize;
            self.connections[which].is_cut = true;
        }
        let mut took = 0;
        for node in self.running() {
            took = took.max(self.nodes[node].run(self.now));
        }
        self.dial();
        for at in 0..self.connections.len() {
            self.pump(at);
        }
        self.drop_cut();
        self.deliver_gossip();
        for node in self.running() {
            while let Some((peer, _)) = self.nodes[node].peers.expire(self.now) {
                let Node { router, home, is_idle, .. } = &mut self.nodes[node];
                router.lost(peer, home);
                *is_idle = false;
            }
        }
        self.now = self.now.saturating_add(took);
    }

    /// When no node can run at this time, the time goes on to the next at which something is due, at most to `until`; whether
    /// anything is due by then.
    pub fn wait(&mut self, until: u64) -> bool {
        if !self.nodes.iter().all(|node| node.is_idle || !node.is_running()) {
            return true;
        }
        let Some(next) = self.next_time() else { return false };
        if next > until {
            self.now = until;
            return false;
        }
        self.now = next.max(self.now.saturating_add(1));
        true
    }

    fn next_time(&self) -> Option<u64> {
        let timers = self.nodes.iter().filter(|node| node.is_running()).flat_map(|node| {
            node.home.next_timeout().into_iter().chain(node.peers.next_timeout()).chain(node.router.next_timeout())
        });
        let links = self.connections.iter().flat_map(|connection| {
            let runs = |end: &&End| self.nodes[end.node].is_running();
            connection.ends.iter().filter(runs).flat_map(|end| {
                // What has come to a node that is stopped waits.
                let arrives = end.sent.front().map(|(at, _)| *at).filter(|at| *at > self.now);
                end.link.next_timeout(&self.nodes[end.node].peers).into_iter().chain(arrives)
            })
        });
        let gossip = self.gossip.iter().map(|(at, ..)| *at).filter(|at| *at > self.now);
        timers.chain(links).chain(gossip).chain(self.dialled.values().copied().filter(|at| *at > self.now)).min()
    }

    fn dial(&mut self) {
        for node in self.running() {
            let Node { peers, router, .. } = &self.nodes[node];
            let apart = |peer: &NodeId| !peers.session(*peer).is_some_and(|session| session.is_connected());
            let waiting = peers.sessions().filter(|(_, session)| session.held_bytes() > 0).map(|(peer, _)| peer);
            let wanted: BTreeSet<NodeId> = waiting.chain(router.wanted()).filter(apart).collect();
            for peer in wanted {
                let Some(other) = (0..self.nodes.len()).find(|other| id_of(*other) == peer) else { continue };
                let pair = (node.min(other), node.max(other));
                let is_under_way = self
                    .connections
                    .iter()
                    .any(|connection| connection.ends[0].node == node && connection.ends[1].node == other);
                let may = self.dialled.get(&(node, other)).is_none_or(|at| *at <= self.now);
                if is_under_way || !may || self.partitioned.contains(&pair) || self.nodes[other].is_dead {
                    continue;
                }
                self.connect(node, other);
            }
        }
    }

    /// A node dials another one.
    pub fn connect(&mut self, node: usize, other: usize) {
        let peer = id_of(other);
        self.dialled.insert((node, other), self.now + REDIAL);
        let fresh = self.nodes[node].router.fresh_session();
        let dialler = Link::dial(self.now, &mut self.nodes[node].peers, Some(peer), fresh);
        let fresh = self.nodes[other].router.fresh_session();
        let acceptor = Link::accept(self.now, Some(id_of(node)), fresh);
        let end = |node, link| End { node, link, sent: VecDeque::new() };
        self.connections.push(Connection { ends: [end(node, dialler), end(other, acceptor)], is_cut: false });
    }

    fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_running()).collect()
    }

    /// Sends a packet of membership on its way, if it is not lost.
    fn send_gossip(&mut self, from: usize, to: usize, packet: &[u8]) {
        if self.draw(1_000) < self.gossip_lost {
            return;
        }
        let copies = if self.draw(1_000) < self.gossip_doubled { 2 } else { 1 };
        for _ in 0..copies {
            let late = if self.draw(1_000) < self.gossip_late { self.draw(300) * MILLISECOND } else { 0 };
            self.gossip.push((self.now + late, from, to, packet.to_vec()));
        }
    }

    fn deliver_gossip(&mut self) {
        let now = self.now;
        let is_due =
            |(at, _, to, _): &(u64, usize, usize, Vec<u8>), nodes: &[Node<H>]| *at <= now && nodes[*to].is_running();
        while let Some(at) = self.gossip.iter().position(|packet| is_due(packet, &self.nodes)) {
            let (_, from, to, packet) = self.gossip.remove(at);
            let Node { router, home, peers, is_idle, .. } = &mut self.nodes[to];
            router.gossip(now, id_of(from), &packet, home, peers);
            *is_idle = false;
        }
        let nodes = &self.nodes;
        self.gossip.retain(|(_, _, to, _)| !nodes[*to].is_dead);
    }

    /// When what is written now arrives.
    fn arrival(&mut self) -> u64 {
        let more = if self.jitter > 0 { self.draw(self.jitter) } else { 0 };
        self.now.saturating_add(self.delay).saturating_add(more)
    }

    /// Moves bytes, and takes what they say.
    fn pump(&mut self, at: usize) {
        let now = self.now;
        for side in 0..2 {
            let Connection { ends, is_cut } = &mut self.connections[at];
            let pair = (ends[0].node.min(ends[1].node), ends[0].node.max(ends[1].node));
            *is_cut |= self.partitioned.contains(&pair);
            if *is_cut {
                return;
            }
            let [a, b] = ends;
            let (end, other) = if side == 0 { (a, b) } else { (b, a) };
            let (here, there) = (end.node, other.node);
            if !self.nodes[here].is_running() {
                continue;
            }
            let node = &mut self.nodes[here];
            let mut out = Vec::new();
            end.link.poll_output(now, &mut node.peers, &mut out);
            let is_open = !self.one_way.contains(&(there, here));
            let mut packets = Vec::new();
            while is_open && other.sent.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, bytes)) = other.sent.pop_front() else { break };
                end.link.feed(now, &mut node.peers, &bytes);
                packets.extend(node.take_events(now, &mut end.link));
            }
            packets.extend(node.take_events(now, &mut end.link));
            if !out.is_empty() {
                node.is_idle = false;
                let arrives = self.arrival();
                let sent = &mut self.connections[at].ends[side].sent;
                let arrives = sent.back().map_or(arrives, |(before, _)| arrives.max(*before));
                sent.push_back((arrives, out));
            }
            let Connection { ends, is_cut } = &mut self.connections[at];
            if ends[side].link.is_closed() && ends[side].sent.is_empty() {
                *is_cut = true;
            }
            packets.iter().for_each(|packet| self.send_gossip(there, here, packet));
        }
    }

    fn drop_cut(&mut self) {
        for connection in self.connections.iter_mut().filter(|connection| connection.is_cut) {
            for end in &mut connection.ends {
                let node = &mut self.nodes[end.node];
                end.link.disconnected(self.now, &mut node.peers);
                node.take_events(self.now, &mut end.link);
            }
        }
        self.connections.retain(|connection| !connection.is_cut);
    }
}
