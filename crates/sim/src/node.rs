//! A node, and what its machine stands in.

use fardel_cluster::{Grants, Home, Member, NodeEvent, Router};
use fardel_vm::door::Output;
use fardel_wire::hello::Local;
use fardel_wire::id::{Incarnation, NodeId, TagKey};
use fardel_wire::link::{Event, Link};
use fardel_wire::peers::Peers;

/// What a machine stands in: it runs it, and carries out what it wants but of other nodes.
pub trait Station: Home {
    /// Runs the machine for some slices, and puts what it has for other nodes behind `remote`.
    fn run(&mut self, now: u64, remote: &mut Vec<Output>) -> Ran;

    /// When the machine's next timer is due.
    fn next_timeout(&self) -> Option<u64>;

    /// The labels of its node.
    fn labels(&self) -> Vec<String> {
        Vec::new()
    }

    /// Takes what the node has heard of another one, once the machine has nothing to do.
    fn heard(&mut self, now: u64, event: NodeEvent);
}

/// What a run of a machine came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ran {
    /// Whether nothing more can run at this time.
    pub is_idle: bool,
    /// Nanoseconds of virtual time that it took.
    pub took: u64,
}

/// A node.
pub struct Node<H> {
    /// Who it is.
    pub id: NodeId,
    /// Its machine, with all around it.
    pub home: H,
    /// Between its machine and the sessions.
    pub router: Router,
    /// Its sessions.
    pub peers: Peers,
    pub(crate) is_dead: bool,
    pub(crate) is_stopped: bool,
    /// Whether it has nothing to run.
    pub(crate) is_idle: bool,
}

/// The node at a place.
pub fn id_of(node: usize) -> NodeId {
    NodeId([node as u8 + 1; 16])
}

impl<H: Station> Node<H> {
    pub(crate) fn new(node: usize, incarnation: u32, name: &str, home: H) -> Node<H> {
        let (id, incarnation) = (id_of(node), Incarnation(incarnation));
        let key = TagKey::new([node as u8 + 100; 32]);
        let own = Member::new(incarnation, name, name).with_labels(home.labels());
        Node {
            id,
            home,
            router: Router::new(id, own, key, node as u64 + u64::from(incarnation.0) * 1_000, Grants::MEMBER),
            peers: Peers::new(Local::new(id, incarnation, name)),
            is_dead: false,
            is_stopped: false,
            is_idle: false,
        }
    }

    /// Whether it does anything: it is neither dead nor stopped.
    pub fn is_running(&self) -> bool {
        !self.is_dead && !self.is_stopped
    }

    /// Runs the machine; gives the time that it took.
    pub(crate) fn run(&mut self, now: u64) -> u64 {
        let Node { home, router, peers, is_idle, .. } = self;
        let mut remote = Vec::new();
        let ran = home.run(now, &mut remote);
        *is_idle = ran.is_idle && remote.is_empty();
        remote.into_iter().for_each(|output| router.output(now, output, home, peers));
        *is_idle &= !router.flush(now, home, peers);
        while *is_idle && let Some(event) = router.poll_node_event() {
            home.heard(now, event);
        }
        ran.took
    }

    /// Takes what a link says, and gives the packets of membership that have come.
    pub(crate) fn take_events(&mut self, now: u64, link: &mut Link) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        // The message borrows the link, the router wants the peers.
        loop {
            let Node { peers, router, home, is_idle, .. } = &mut *self;
            let Some(event) = link.poll_event(now, peers) else { return packets };
            *is_idle = false;
            match event {
                Event::Lost { peer, .. } => router.lost(peer, home),
                Event::Established { peer, .. } => router.established(now, &peer, home, peers),
                Event::Message(message) => {
                    let message = message.into_owned();
                    if let Some(peer) = link.peer() {
                        router.message(now, peer, message, home, peers);
                    }
                }
                Event::Gossip(packet) => packets.push(packet.into_owned()),
                Event::Closed(_) => {}
            }
        }
    }
}
