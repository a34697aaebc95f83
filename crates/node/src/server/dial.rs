//! Which nodes are dialled, when, and what becomes of it.

use super::pump::ConnectionId;
use super::{Event, Server, nanos};
use crate::backoff::Backoff;
use crate::transport::{Address, ConnectError, Connection};
use fardel_cluster::Life;
use fardel_wire::id::NodeId;
use fardel_wire::link::Link;
use fardel_wire::session::Session;
use std::collections::{BTreeMap, BTreeSet};

/// A node to connect with at the start.
pub(super) struct Seed {
    pub(super) backoff: Backoff,
    /// The connection, once there is one.
    pub(super) connection: Option<ConnectionId>,
    pub(super) next_try: u64,
    /// The node that was there the last time.
    pub(super) peer: Option<NodeId>,
    /// Why there was none the last time.
    pub(super) failure: Option<String>,
}

/// When a node may be dialled again.
pub(super) struct Dial {
    backoff: Backoff,
    pub(super) next_try: u64,
}

impl Seed {
    pub(super) fn new(random: u64) -> Seed {
        Seed { backoff: Backoff::new(random), connection: None, next_try: 0, peer: None, failure: None }
    }
}

impl Server {
    /// Dials the nodes to join, and those to which there is something to say, or which are to be asked something. A node that takes no connections dials all
    /// that it hears of: they cannot dial it when they have something to say.
    pub(super) fn dial(&mut self, now: u64) {
        let is_due = |(address, seed): (&Address, &Seed)| seed.next_try <= now && self.wants(address, seed);
        let is_lonely = |(_, session): (NodeId, &Session)| !session.is_connected();
        let has_wish = self.peers.sessions().any(is_lonely) || self.router.wanted().next().is_some();
        if !self.addresses.is_empty() && !self.seeds.iter().any(is_due) && !has_wish {
            return;
        }
        let mut wanted: BTreeMap<Address, Option<NodeId>> = BTreeMap::new();
        for (address, seed) in &self.seeds {
            if self.wants(address, seed) && seed.next_try <= now {
                wanted.insert(*address, None);
            }
        }
        for node in self.lonely() {
            let address = self.router.member_at(node).and_then(|member| member.address.parse().ok());
            let Some(address) = address else { continue };
            let seed = self.random ^ now;
            let dial = self.dials.entry(node).or_insert_with(|| Dial { backoff: Backoff::new(seed), next_try: 0 });
            if dial.next_try <= now {
                dial.next_try = now.saturating_add(nanos(dial.backoff.next_delay()));
                wanted.insert(address, Some(node));
            }
        }
        for (address, node) in wanted {
            if self.dialling.contains_key(&address) {
                continue;
            }
            self.dialling.insert(address, node);
            let (connector, sender) = (self.connector.clone(), self.sender.clone());
            tokio::spawn(async move {
                let result = connector.connect(address).await;
                // When nobody takes it the node has ended.
                let _ = sender.send(Event::Dialled(address, result)).await;
            });
        }
    }

    /// Whether a node to join is to be dialled. Not when it is connected over a connection that it has dialled: nodes that
    /// join each other would replace each other's connections for ever.
    pub(super) fn wants(&self, address: &Address, seed: &Seed) -> bool {
        let is_here = seed.peer.and_then(|peer| self.peers.session(peer)).is_some_and(Session::is_connected);
        seed.connection.is_none() && !is_here && !self.dialling.contains_key(address)
    }

    /// The nodes that should be connected with and are not.
    fn lonely(&self) -> Vec<NodeId> {
        let busy: BTreeSet<NodeId> = self.dialling.values().flatten().copied().collect();
        let is_apart = |node: &NodeId| !self.peers.session(*node).is_some_and(Session::is_connected);
        // One that was established may have ties that depend on it, whether there is something to say or not.
        let is_wanted = |session: &Session| session.held_bytes() > 0 || session.is_established();
        let waited_for = self.peers.sessions().filter(|(_, session)| is_wanted(session)).map(|(node, _)| node);
        let own = self.own_id();
        let others = self.router.members().filter(|(node, member)| *node != own && member.life != Life::Down);
        let others = others.map(|(node, _)| node).filter(|_| self.addresses.is_empty());
        let all: BTreeSet<NodeId> = waited_for.chain(others).chain(self.router.wanted()).collect();
        all.into_iter().filter(|node| is_apart(node) && !busy.contains(node)).collect()
    }

    pub(super) fn dialled(
        &mut self,
        now: u64,
        address: Address,
        wanted: Option<NodeId>,
        result: Result<Connection, ConnectError>,
    ) {
        match result {
            Ok(connection) => {
                if connection.peer == Some(self.own_id()) {
                    tracing::info!(%address, "this is the node itself");
                    self.seeds.remove(&address);
                    return;
                }
                let peer = connection.peer.or(wanted);
                let link = Link::dial(now, &mut self.peers, peer, self.router.fresh_session());
                let id = self.open(connection, link, Some(address));
                if let Some(seed) = self.seeds.get_mut(&address) {
                    seed.connection = Some(id);
                }
            }
            Err(error) => {
                match wanted {
                    Some(peer) => tracing::debug!(%peer, "no connection: {error}"),
                    None => tracing::warn!("no connection: {error}"),
                }
                if let Some(seed) = self.seeds.get_mut(&address) {
                    seed.failure = Some(error.to_string());
                    seed.next_try = now.saturating_add(nanos(seed.backoff.next_delay()));
                }
            }
        }
    }
}
