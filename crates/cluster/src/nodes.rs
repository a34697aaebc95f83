//! Which nodes are up, as the machine is told, which tells the fibers that asked.
//!
//! **Invariant:** each change of a node is told once, and that it is down behind the ends of its fibers.

use crate::router::{Home, Router};
use fardel_vm::cluster::News;
use fardel_vm::door::Input;
use fardel_wire::id::NodeId;

impl Router {
    /// Tells the machine that a node has come, unless it was there.
    pub(crate) fn tell_up(&mut self, node: NodeId, home: &mut impl Home) {
        if self.up.contains_key(&node) {
            return;
        }
        let name = self.membership.get(node).map_or_else(|| node.to_string(), |member| member.name.clone());
        self.up.insert(node, name.clone());
        home.machine().handle(Input::News(News::Node { name, is_up: true }));
        if self.membership.get(node).is_some_and(|member| !member.labels.is_empty()) {
            self.tell_labels(node, home);
        }
    }

    /// Tells the machine the labels of a node, if it is there; whether it is.
    pub(crate) fn tell_labels(&mut self, node: NodeId, home: &mut impl Home) -> bool {
        let (Some(name), Some(member)) = (self.up.get(&node), self.membership.get(node)) else { return false };
        let (name, labels) = (name.clone(), member.labels.clone());
        home.machine().handle(Input::News(News::Labels { name, labels }));
        true
    }

    /// Tells the machine that a node is lost, if it was there. Everybody who is tied to its fibers has heard of them.
    pub(crate) fn tell_down(&mut self, node: NodeId, home: &mut impl Home) {
        if let Some(name) = self.up.remove(&node) {
            home.machine().handle(Input::News(News::Node { name, is_up: false }));
        }
    }
}
