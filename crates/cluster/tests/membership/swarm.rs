//! Memberships that exchange packets, with virtual time.

use fardel_cluster::membership::{Life, Member, Membership, NodeEvent};
use fardel_wire::id::{Incarnation, NodeId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1000 * MILLISECOND;

/// A packet on its way: when it arrives, which one it is, from whom, to whom.
type Flight = Reverse<(u64, u64, usize, usize, Vec<u8>)>;

pub(crate) struct Swarm {
    pub(crate) now: u64,
    pub(crate) nodes: Vec<Membership>,
    /// What each has heard of others, and when.
    pub(crate) heard: Vec<Vec<(u64, NodeEvent)>>,
    is_dead: Vec<bool>,
    /// When each has something to do.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    flights: BinaryHeap<Flight>,
    pub(crate) packets: u64,
    /// Of every thousand packets, those that are lost.
    pub(crate) lost: u64,
    random: u64,
}

pub(crate) fn id_of(node: usize) -> NodeId {
    let [low, high] = (node as u16).to_le_bytes();
    NodeId([low, high, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

pub(crate) fn index_of(node: NodeId) -> usize {
    usize::from(u16::from_le_bytes([node.0[0], node.0[1]]))
}

pub(crate) fn membership(node: usize, seed: u64) -> Membership {
    let own = Member::new(Incarnation(1), &format!("n{node}"), &format!("host:{node}"));
    Membership::new(id_of(node), own, seed << 16 | node as u64)
}

impl Swarm {
    /// So many nodes, all of which have met the first one.
    pub(crate) fn new(count: usize, seed: u64) -> Swarm {
        let mut swarm = Swarm {
            now: 0,
            nodes: (0..count).map(|node| membership(node, seed)).collect(),
            heard: vec![Vec::new(); count],
            is_dead: vec![false; count],
            due: BinaryHeap::new(),
            flights: BinaryHeap::new(),
            packets: 0,
            lost: 0,
            random: seed.wrapping_mul(2).wrapping_add(1),
        };
        for node in 1..count {
            swarm.nodes[node].met(0, id_of(0), Incarnation(1), "n0");
            swarm.settle(node);
        }
        swarm
    }

    /// All know all, and nothing of how that came is left.
    #[track_caller]
    pub(crate) fn joined(count: usize, seed: u64) -> Swarm {
        let mut swarm = Swarm::new(count, seed);
        swarm.run_for(10 * SECOND);
        for node in 0..count {
            assert_eq!(swarm.alive(node), count - 1, "seed {seed}: {node} knows others");
            swarm.heard[node].clear();
        }
        swarm
    }

    pub(crate) fn alive(&self, node: usize) -> usize {
        let is_other = |(id, member): &(NodeId, &Member)| *id != id_of(node) && member.life == Life::Alive;
        self.nodes[node].iter().filter(is_other).count()
    }

    pub(crate) fn crash(&mut self, node: usize) {
        self.is_dead[node] = true;
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    /// Sends what a node wants to send, and notes what it has heard.
    pub(crate) fn settle(&mut self, node: usize) {
        while let Some((to, packet)) = self.nodes[node].poll_packet() {
            self.packets += 1;
            if self.draw(1_000) >= self.lost {
                let arrives = self.now + MILLISECOND + self.draw(20) * MILLISECOND / 10;
                self.flights.push(Reverse((arrives, self.packets, node, index_of(to), packet)));
            }
        }
        while let Some(event) = self.nodes[node].poll_event() {
            self.heard[node].push((self.now, event));
        }
        if let Some(due) = self.nodes[node].next_timeout() {
            self.due.push(Reverse((due.max(self.now + 1), node)));
        }
    }

    pub(crate) fn run_for(&mut self, time: u64) {
        let until = self.now + time;
        loop {
            let due = self.due.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
            let arrives = self.flights.peek().map_or(u64::MAX, |Reverse((at, ..))| *at);
            let next = due.min(arrives);
            if next > until {
                break;
            }
            self.now = next;
            if arrives <= due {
                let Some(Reverse((_, _, from, to, packet))) = self.flights.pop() else { break };
                if !self.is_dead[to] {
                    let taken = self.nodes[to].packet(next, (id_of(from), Incarnation(1)), &packet, |_| None);
                    assert_eq!(taken, Ok(()), "from {from} to {to}");
                    self.settle(to);
                }
            } else if let Some(Reverse((_, node))) = self.due.pop()
                && !self.is_dead[node]
                && self.nodes[node].next_timeout().is_some_and(|due| due <= next)
            {
                self.nodes[node].tick(next);
                self.settle(node);
            }
        }
        self.now = until;
    }
}
