//! Asking other nodes for whoever operates them: the node is a guest then, who asks something and goes.

use super::{HomeOf, Server};
use fardel_bytecode::module::ModuleHash;
use fardel_cluster::operate::{Answer, Asked, Question, Refusal};
use fardel_wire::id::NodeId;
use fardel_wire::session::Session;
use std::time::Duration;

impl Server {
    /// A node that there is a connection with.
    pub fn connected(&self) -> Option<NodeId> {
        self.peers.sessions().find(|(_, session)| Session::is_connected(session)).map(|(node, _)| node)
    }

    /// Asks a node something. A connection with it is made, where it is known how. What is not answered in time is
    /// [`Refusal::Timeout`].
    pub async fn ask(&mut self, node: NodeId, question: &Question, limit: Duration) -> Answer {
        let now = self.runtime.now();
        match self.router.ask_node(now, node, question, &mut self.peers) {
            Some(asked) => self.answer(asked, limit).await,
            None => Answer::Refused(Refusal::BadValue, "that is more than a node takes".to_owned()),
        }
    }

    /// Asks a node to start a fiber in a function of a module that is loaded here, as
    /// [`ask_start`](fardel_cluster::Router::ask_start).
    ///
    /// # Errors
    /// What is wrong with an argument, for people.
    pub async fn start_on(
        &mut self,
        node: NodeId,
        (module, function): (ModuleHash, u32),
        args: &[String],
        limit: Duration,
    ) -> Result<Answer, String> {
        let (now, mut home) = (self.runtime.now(), HomeOf(&mut self.runtime));
        let asked = self.router.ask_start(now, node, module, function, args, &mut home, &mut self.peers)?;
        Ok(self.answer(asked, limit).await)
    }

    async fn answer(&mut self, asked: Asked, limit: Duration) -> Answer {
        let answered = async {
            loop {
                let is_idle = self.turn(None).is_idle;
                while let Some((which, answer)) = self.router.poll_answer() {
                    if which == asked {
                        return answer;
                    }
                }
                self.wait(is_idle).await;
            }
        };
        let silent = |_| Answer::Refused(Refusal::Timeout, format!("the node does not answer within {limit:?}"));
        tokio::time::timeout(limit, answered).await.unwrap_or_else(silent)
    }
}
