//! Which nodes are dialled, when, and what becomes of it.

use super::seeds::{self, Seed};
use super::{Event, Server, nanos};
use crate::backoff::Backoff;
use crate::transport::{Connection, DialError, Target};
use fardel_cluster::Life;
use fardel_wire::id::NodeId;
use fardel_wire::link::Link;
use fardel_wire::peers::Peers;
use fardel_wire::session::Session;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// When a node may be dialled again.
pub(super) struct Dial {
    backoff: Backoff,
    pub(super) next_try: u64,
}

impl Server {
    /// Dials the nodes to join, and those to which there is something to say, or which are to be asked something. A node that takes no connections dials all
    /// that it hears of: they cannot dial it when they have something to say.
    pub(super) fn dial(&mut self, now: u64) {
        let is_wanted = |target: &Target, seed: &Seed| self.wants(target, seed);
        let due = self.seeds.due(now, is_wanted);
        self.read_join_file(now);
        let is_lonely = |(_, session): (NodeId, &Session)| !session.is_connected();
        let has_wish = self.peers.sessions().any(is_lonely) || self.router.wanted().next().is_some();
        if !self.addresses.is_empty() && due.is_empty() && !has_wish {
            return;
        }
        let mut wanted: BTreeMap<Target, Option<NodeId>> = due.into_iter().map(|target| (target, None)).collect();
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
        for (target, node) in wanted {
            if self.dialling.contains_key(&target) {
                continue;
            }
            self.dialling.insert(target.clone(), node);
            let (connector, sender) = (self.connector.clone(), self.sender.clone());
            let (resolver, own) = (Arc::clone(&self.resolver), self.own_addresses.clone());
            tokio::spawn(async move {
                let result = connector.dial(&target, &*resolver, |address| own.contains(&address)).await;
                // When nobody takes it the node has ended.
                let _ = sender.send(Event::Dialled(target, result)).await;
            });
        }
    }

    /// Has the file with nodes to join read, if it is time.
    fn read_join_file(&mut self, now: u64) {
        let (peers, dialling) = (&self.peers, &self.dialling);
        let Some(path) = self.seeds.file_due(now, |target, seed| wants(peers, dialling, target, seed)) else { return };
        let sender = self.sender.clone();
        tokio::task::spawn_blocking(move || {
            // When nobody takes it the node has ended.
            let _ = sender.blocking_send(Event::JoinFile(seeds::read(&path)));
        });
    }

    /// Whether a node to join is to be dialled. Not when it is connected over a connection that it has dialled: nodes that
    /// join each other would replace each other's connections for ever.
    pub(super) fn wants(&self, target: &Target, seed: &Seed) -> bool {
        wants(&self.peers, &self.dialling, target, seed)
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
        let dials_all = self.addresses.is_empty() && !self.is_guest;
        let others = others.map(|(node, _)| node).filter(|_| dials_all);
        let all: BTreeSet<NodeId> = waited_for.chain(others).chain(self.router.wanted()).collect();
        all.into_iter().filter(|node| is_apart(node) && !busy.contains(node)).collect()
    }

    pub(super) fn dialled(
        &mut self,
        now: u64,
        target: &Target,
        wanted: Option<NodeId>,
        result: Result<Connection, DialError>,
    ) {
        match result {
            // One that has come to the address of another, which may be restarted elsewhere, or gone.
            Ok(connection) if connection.peer.zip(wanted).is_some_and(|(proven, wanted)| proven != wanted) => {
                self.counts.dials_failed += 1;
                tracing::debug!(peer = ?wanted, "no connection: another node is at {target}");
                self.seeds.again(now, target);
            }
            Ok(connection) => {
                let peer = connection.peer.or(wanted);
                let link = Link::dial(now, &mut self.peers, peer, self.router.fresh_session());
                let id = self.open(connection, link, Some(target.clone()));
                self.seeds.connected(target, id);
            }
            Err(error) => {
                self.counts.dials_failed += 1;
                let is_known = self.seeds.failed(target, error.to_string());
                match (&error, wanted) {
                    (DialError::Itself { .. }, _) if is_known => {}
                    (DialError::Itself { .. }, _) => tracing::info!("{error}"),
                    (_, Some(peer)) => tracing::debug!(%peer, "no connection: {error}"),
                    (_, None) => tracing::warn!("no connection: {error}"),
                }
                self.seeds.again(now, target);
                if let DialError::Itself { .. } = error {
                    self.seeds.is_own(target);
                }
            }
        }
    }
}

fn wants(peers: &Peers, dialling: &BTreeMap<Target, Option<NodeId>>, target: &Target, seed: &Seed) -> bool {
    let is_here = seed.peer.and_then(|peer| peers.session(peer)).is_some_and(Session::is_connected);
    !is_here && !dialling.contains_key(target)
}
