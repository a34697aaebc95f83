//! A look at the node: what those that watch it want to know.

use super::{Event, Server};
use crate::transport::Address;
use crate::web::Watched;
use fardel_cluster::{Life, Stats as RouterStats};
use fardel_vm::machine::Stats as MachineStats;
use fardel_wire::session::Session;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;

/// What a node counts besides its machine and its router.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Connections that came through their handshake.
    pub connections: u64,
    /// Those of them that went on with a session.
    pub resumed: u64,
    /// Connections that could not be made.
    pub dials_failed: u64,
    /// Bytes that came from other nodes.
    pub received_bytes: u64,
    /// Bytes that went to other nodes.
    pub sent_bytes: u64,
}

/// How a node is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Look {
    /// The first address where it listens.
    pub listens: Option<Address>,
    /// Whether it does what it was started for: it has a connection, if it was to join others.
    pub is_ready: bool,
    /// Nodes that are known, itself included.
    pub members: u64,
    /// Sessions with other nodes.
    pub sessions: u64,
    /// Those of them that have a connection.
    pub connected: u64,
    /// Bytes that wait to be acknowledged.
    pub held_bytes: u64,
    /// Fibers of other nodes that are known.
    pub remotes: u64,
    /// Connections that were refused before they were authenticated.
    pub refused: u64,
    /// What the node counts.
    pub counts: Counts,
    /// What its machine counts.
    pub machine: MachineStats,
    /// What its router counts.
    pub router: RouterStats,
}

/// Where looks are asked for.
#[derive(Clone)]
pub(super) struct Watch(pub(super) Sender<Event>);

impl Watched for Watch {
    async fn look(&self) -> Option<Look> {
        let (sender, look) = oneshot::channel();
        self.0.send(Event::Watched(sender)).await.ok()?;
        look.await.ok()
    }
}

impl Server {
    /// How it is.
    pub fn look(&self) -> Look {
        let connected = self.peers.sessions().filter(|(_, session)| Session::is_connected(session)).count() as u64;
        Look {
            listens: self.addresses.first().copied(),
            is_ready: !self.joins || connected > 0,
            members: self.router.members().filter(|(_, member)| member.life != Life::Down).count() as u64,
            sessions: self.peers.sessions().count() as u64,
            connected,
            held_bytes: self.peers.sessions().map(|(_, session)| session.held_bytes() as u64).sum(),
            remotes: self.router.remotes() as u64,
            refused: self.refused.iter().map(|refused| refused.load(Ordering::Relaxed)).sum(),
            counts: self.counts,
            machine: self.runtime.machine().stats(),
            router: self.router.stats(),
        }
    }
}
