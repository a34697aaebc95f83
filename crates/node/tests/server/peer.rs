//! A peer that is driven by hand over a connection that the transport has authenticated.

use crate::support::security;
use fardel_node::transport::{Address, Connection, Connector};
use fardel_wire::frame::Message;
use fardel_wire::hello::{Local, Version};
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::link::{Closed, Event, Link};
use fardel_wire::peers::Peers;
use fardel_wire::session::SessionId;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long it waits for bytes before it looks whether there is something to write.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) peers: Peers,
    link: Link,
    start: Instant,
    /// What the handshake has agreed on.
    pub(crate) version: Option<Version>,
    /// Who was there.
    pub(crate) node: Option<NodeId>,
}

/// A connection with a node, as a node, before anything is said; and what this node would say of itself.
pub(crate) async fn connect(address: Address) -> (Connection, Local) {
    let security = security();
    let local = Local::new(security.node_id().expect("TLS"), Incarnation(1), "peer");
    (Connector::new(security).connect(address).await.expect("a connection"), local)
}

impl Peer {
    /// One that says HELLO, after `change` has changed the frame.
    pub(crate) async fn hello(connection: Connection, local: Local, change: impl FnOnce(&mut Vec<u8>)) -> Peer {
        let mut peers = Peers::new(local);
        let mut link = Link::dial(0, &mut peers, connection.peer, SessionId(1));
        let mut hello = Vec::new();
        link.poll_output(0, &mut peers, &mut hello);
        change(&mut hello);
        let mut peer = Peer { connection, peers, link, start: Instant::now(), version: None, node: None };
        peer.write(&hello).await;
        peer
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.connection.writer.write_all(bytes).await.expect("it goes out");
        self.connection.writer.flush().await.expect("it goes out");
    }

    /// Sends a message to the node at the other side.
    pub(crate) fn send(&mut self, message: &Message<'_>) {
        let node = self.node.expect("the handshake is over");
        self.peers.send(self.now(), node, SessionId(2), message).expect("there is room");
    }

    /// Bytes that the other side has not acknowledged.
    pub(crate) fn held(&self) -> usize {
        self.node.and_then(|node| self.peers.session(node)).map_or(0, |session| session.held_bytes())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).expect("tests are short")
    }

    /// Goes on until something is so, or the connection ends; why it ended.
    pub(crate) async fn until(&mut self, is_so: impl Fn(&Peer) -> bool) -> Option<Closed> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let now = self.now();
            while let Some(event) = self.link.poll_event(now, &mut self.peers) {
                match event {
                    Event::Established { peer, version, .. } => (self.node, self.version) = (Some(peer.id), Some(version)),
                    Event::Closed(closed) => return Some(closed),
                    Event::Lost { .. } | Event::Message(_) | Event::Gossip(_) => {}
                }
            }
            let mut out = Vec::new();
            self.link.poll_output(now, &mut self.peers, &mut out);
            self.write(&out).await;
            if is_so(self) {
                return None;
            }
            match tokio::time::timeout(LOOK, self.connection.reader.read(&mut buffer)).await {
                Ok(Ok(count @ 1..)) => {
                    let read = buffer.get(..count).expect("they were read");
                    self.link.feed(self.now(), &mut self.peers, read);
                }
                Ok(Ok(0) | Err(_)) => self.link.disconnected(self.now(), &mut self.peers),
                Err(_) => {}
            }
        }
    }
}
