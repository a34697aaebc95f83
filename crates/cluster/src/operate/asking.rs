//! Asking: what this node asks of others for whoever operates them.

use super::{Answer, Question, Refusal, from_bytes};
use crate::router::{Home, Router};
use fardel_bytecode::module::ModuleHash;
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::{Bounds, Message};
use fardel_wire::id::{Address, Incarnation, NodeId};
use fardel_wire::peers::Peers;
use fardel_wire::table::SpawnRefusal;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// A question that was asked: the number of its answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Asked(u64);

/// What this node has asked.
#[derive(Default, Debug)]
pub(crate) struct Asking {
    open: BTreeMap<u64, NodeId>,
    came: VecDeque<(Asked, Answer)>,
}

impl Asking {
    /// Takes a question off those that are open, if a node was asked it.
    fn close(&mut self, node: NodeId, request: u64) -> bool {
        let is_open = self.open.get(&request) == Some(&node);
        if is_open {
            self.open.remove(&request);
        }
        is_open
    }
}

impl Router {
    /// Asks a node something; nothing when the question is too long.
    pub fn ask_node(&mut self, now: u64, node: NodeId, question: &Question, peers: &mut Peers) -> Option<Asked> {
        let body = Cow::Owned(question.to_bytes()?);
        let request = self.next_request();
        self.asking.open.insert(request, node);
        self.send(now, node, Message::Ask { request, body }, peers);
        Some(Asked(request))
    }

    /// Asks a node to start a fiber in a function of a module that is loaded here, with arguments in
    /// [`notation`](super::notation).
    ///
    /// # Errors
    /// What is wrong with an argument, for people.
    #[expect(clippy::too_many_arguments, reason = "they say what is started where")]
    pub fn ask_start(
        &mut self,
        now: u64,
        node: NodeId,
        module: ModuleHash,
        function: u32,
        args: &[String],
        home: &mut impl Home,
        peers: &mut Peers,
    ) -> Result<Asked, String> {
        let mut values = Vec::new();
        for text in args {
            values.push(self.read_value(text, None, home).map_err(|problem| format!("`{text}`: {problem}"))?.0);
        }
        let mut args = home.machine().pack_args(module, function, &values).map_err(|problem| problem.to_string())?;
        let args = self.value_for(now, node, &mut args, home, peers).ok_or("the arguments are more than a node takes")?;
        let request = self.next_request();
        self.asking.open.insert(request, node);
        let from = self.addresses.address(FiberId { slot: 0, generation: 0 });
        let spawn = Message::Spawn { request, from, linked: false, module, function, bounds: Bounds::default(), args };
        self.send(now, node, spawn, peers);
        Ok(Asked(request))
    }

    /// The next answer that came; each question gets one, at latest when the session with its node is lost.
    pub fn poll_answer(&mut self) -> Option<(Asked, Answer)> {
        self.asking.came.pop_front()
    }

    /// Takes an answer; false when nothing was asked.
    pub(crate) fn answered(&mut self, peer: NodeId, request: u64, body: &[u8]) -> bool {
        let was_asked = self.asking.close(peer, request);
        if was_asked {
            let unknown = || Answer::Refused(Refusal::Unknown, "the answer of the node cannot be read".to_owned());
            let answer = from_bytes(body).unwrap_or_else(unknown);
            if let Answer::Members(rows) = &answer {
                for row in rows {
                    if let Ok(node) = row.id.parse() {
                        self.membership.heard_of(node, Incarnation(row.incarnation), &row.name, &row.address);
                    }
                }
            }
            self.asking.came.push_back((Asked(request), answer));
        }
        was_asked
    }

    /// Takes what came of a start; false when none was asked for by [`Router::ask_start`].
    pub(crate) fn answered_start(
        &mut self,
        peer: NodeId,
        request: u64,
        result: &Result<Address, (SpawnRefusal, Cow<'_, str>)>,
    ) -> bool {
        let was_asked = self.asking.close(peer, request);
        if was_asked {
            let answer = match result {
                Ok(address) => Answer::Started(address.id.fiber.slot, address.id.fiber.generation),
                Err((code, text)) => {
                    let why = match code {
                        SpawnRefusal::Denied => Refusal::Denied,
                        SpawnRefusal::CodeMissing | SpawnRefusal::NoFunction | SpawnRefusal::Arguments => Refusal::BadValue,
                        SpawnRefusal::Limit => Refusal::Limit,
                    };
                    Answer::Refused(why, text.clone().into_owned())
                }
            };
            self.asking.came.push_back((Asked(request), answer));
        }
        was_asked
    }

    /// The session with a node is lost: nothing that it was asked is answered.
    pub(crate) fn drop_questions(&mut self, node: NodeId) {
        let open = std::mem::take(&mut self.asking.open);
        let (lost, open): (BTreeMap<u64, NodeId>, _) = open.into_iter().partition(|(_, asked)| *asked == node);
        self.asking.open = open;
        let told =
            || Answer::Refused(Refusal::Lost, "the node cannot be reached, or the connection with it was lost".to_owned());
        self.asking.came.extend(lost.into_keys().map(|request| (Asked(request), told())));
    }
}
