//! What the node's log says of others, and how the node leaves them.

use super::{HomeOf, Server};
use crate::limits::GOODBYE;
use fardel_cluster::NodeEvent;

impl Server {
    /// Writes to the log what has become of other nodes.
    pub(super) fn note_members(&mut self) {
        while let Some(event) = self.router.poll_node_event() {
            let node = match event {
                NodeEvent::Up(node) | NodeEvent::Suspected(node) | NodeEvent::Trusted(node) | NodeEvent::Down(node) => node,
                NodeEvent::Renewed => self.own_id(),
            };
            let name = self.router.member_at(node).map(|member| member.name.as_str());
            match event {
                NodeEvent::Up(_) => tracing::info!(%node, name, "node up"),
                NodeEvent::Suspected(_) => tracing::info!(%node, name, "node suspected"),
                NodeEvent::Trusted(_) => tracing::info!(%node, name, "node no longer suspected"),
                NodeEvent::Down(node) => {
                    tracing::warn!(%node, name, "node down");
                    let router = &self.router;
                    self.dials.retain(|other, _| *other != node && router.member_at(*other).is_some());
                }
                NodeEvent::Renewed => tracing::warn!(%node, name, "others have taken this node for down; it joins again"),
            }
        }
    }

    /// Tells those that are connected that the node leaves. Who does not take it in time finds out otherwise.
    pub(super) async fn leave_members(&mut self) {
        let now = self.runtime.now();
        self.router.leave(now, &mut HomeOf(&mut self.runtime), &mut self.peers);
        let told = async {
            while self.peers.sessions().any(|(_, session)| session.has_output()) {
                self.wait(true).await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, told).await;
    }
}
