//! The peers of a node: one session each, and what the handshakes of all connections have to agree on.
//!
//! The node that is dialled draws the number of a session when it begins, so that none begins twice under one number, not
//! even when an old HELLO comes late. Until the other one has got that number, the two know the session by the proposal, a
//! number of the one that asked, so that asking again leads to the same session.
//!
//! | a HELLO asks | and the session here | then |
//! | --- | --- | --- |
//! | to go on | has that number | it goes on |
//! | to go on | is not known to the peer, and has that proposal | it takes that number, and begins |
//! | to begin | has that proposal | it goes on |
//! | either | is none, or not known to the peer | one begins, and what waits is sent in it |
//! | either | is another | that is lost, and one begins |
//!
//! **Invariant:** a refused handshake has changed nothing here.

use crate::frame::{Message, Refusal, Sequence};
use crate::hello::{Hello, Local, Version, Welcome};
use crate::id::{Incarnation, NodeId};
use crate::limits;
use crate::session::{Attachment, Lost, SendError, Session, SessionId};
use crate::table::RefusalCode;
use std::collections::BTreeMap;

/// What this node knows of those that it has had to do with.
#[derive(Debug)]
pub struct Peers {
    local: Local,
    sessions: BTreeMap<NodeId, Session>,
    /// The latest incarnation of each node that has connected.
    incarnations: BTreeMap<NodeId, Incarnation>,
    /// Until when a connection that this node dials has precedence.
    dialling: BTreeMap<NodeId, u64>,
    /// Until when one that it has dialled has, as long as it is there.
    answered: BTreeMap<NodeId, u64>,
}

/// What a connection that this node dialled has asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) session: SessionId,
    pub(crate) established: bool,
    /// Whether it asked for the session in the table, as it knew whom it dials.
    pub(crate) in_table: bool,
}

/// What a handshake came to.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) attachment: Attachment,
    pub(crate) resumed: bool,
    /// The session that could not go on.
    pub(crate) lost: Option<Lost>,
}

impl Peers {
    /// A node that knows nobody.
    pub fn new(local: Local) -> Peers {
        Peers {
            local,
            sessions: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            dialling: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    /// What the node tells of itself.
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The session with a node.
    pub fn session(&self, peer: NodeId) -> Option<&Session> {
        self.sessions.get(&peer)
    }

    pub(crate) fn session_mut(&mut self, peer: NodeId) -> Option<&mut Session> {
        self.sessions.get_mut(&peer)
    }

    /// Every session.
    pub fn sessions(&self) -> impl Iterator<Item = (NodeId, &Session)> {
        self.sessions.iter().map(|(peer, session)| (*peer, session))
    }

    /// Takes a message for a node. Where there is no session with it, one is there from now on, and `fresh` is its number:
    /// it begins with the next connection, or is lost when none comes within 10 s.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn send(&mut self, now: u64, peer: NodeId, fresh: SessionId, message: &Message<'_>) -> Result<(), SendError> {
        self.open(now, peer, fresh).send(message)
    }

    /// Takes a packet of GOSSIP for a node with which there is a connection; whether there is one.
    pub fn gossip(&mut self, peer: NodeId, packet: Vec<u8>) -> bool {
        let session = self.sessions.get_mut(&peer).filter(|session| session.is_connected());
        session.map(|session| session.gossip(packet)).is_some()
    }

    /// Forgets all that is known of a node: whatever incarnation of it comes next is a new node.
    pub fn forget_node(&mut self, peer: NodeId) -> Option<Lost> {
        self.incarnations.remove(&peer);
        self.forget(peer)
    }

    fn open(&mut self, now: u64, peer: NodeId, fresh: SessionId) -> &mut Session {
        let max = self.local.node.message_bytes_max as usize;
        self.sessions.entry(peer).or_insert_with(|| Session::new(now, fresh, max))
    }

    /// Gives up the session with a node, as when the node is known to be dead.
    pub fn forget(&mut self, peer: NodeId) -> Option<Lost> {
        self.sessions.remove(&peer).map(|session| session.lost())
    }

    /// Gives up one session that has been without a connection for too long; to be called until there is none.
    pub fn expire(&mut self, now: u64) -> Option<(NodeId, Lost)> {
        let (peer, _) = self.sessions.iter().find(|(_, session)| session.is_expired(now))?;
        let peer = *peer;
        self.forget(peer).map(|lost| (peer, lost))
    }

    /// When [`Peers::expire`] has to be called.
    pub fn next_timeout(&self) -> Option<u64> {
        let offline = self.sessions.values().filter(|session| !session.is_connected());
        offline.map(Session::next_timeout).min()
    }

    /// What to say to a node that is dialled, and to whom when that is known.
    pub(crate) fn hello(&mut self, now: u64, peer: Option<NodeId>, fresh: SessionId) -> Hello {
        let versions = self.local.versions;
        let node = self.local.node.clone();
        let Some(peer) = peer else {
            let received = Sequence(0);
            return Hello { versions, proposal: fresh, session: fresh, established: false, received, called: None, node };
        };
        self.dialling.insert(peer, now + limits::HANDSHAKE_TIME);
        let session = self.open(now, peer, fresh);
        let (proposal, session, established) = (session.proposal(), session.id(), session.is_established());
        let received = self.open(now, peer, fresh).received();
        Hello { versions, proposal, session, established, received, called: Some(peer), node }
    }

    /// A connection that this node dialled has ended, or has got past the handshake.
    pub(crate) fn dialled(&mut self, peer: NodeId) {
        self.dialling.remove(&peer);
    }

    /// Takes the HELLO of a node: its session is on this connection from now on. One that begins has the number `fresh`.
    ///
    /// # Errors
    /// The refusal to send.
    pub(crate) fn welcome(
        &mut self,
        now: u64,
        hello: &Hello,
        proven: Option<NodeId>,
        fresh: SessionId,
    ) -> Result<(Welcome, Joined), Refusal> {
        let version = self.local.judge_hello(hello, proven)?;
        let peer = hello.node.id;
        self.judge_incarnation(peer, hello.node.incarnation)?;
        if self.local.node.id < peer && self.crosses(now, hello) {
            let text = format!("node {} dials too, and has the lower id", self.local.node.id);
            return Err(Refusal::new(RefusalCode::Crossing, text));
        }
        let max = hello.node.message_bytes_max as usize;
        let mut lost = self.take_incarnation(peer, hello.node.incarnation);
        let session = self.sessions.get_mut(&peer);
        let is_known = session.as_ref().is_some_and(|session| session.is_established());
        let is_wanted = session.as_ref().is_some_and(|session| match (is_known, hello.established) {
            (true, true) => session.id() == hello.session,
            // The WELCOME did not reach the one or the other.
            (true, false) => session.proposal() == hello.proposal,
            (false, true) => session.proposal() == hello.proposal && hello.received == Sequence(0),
            (false, false) => false,
        });
        let resumed = is_known && is_wanted && session.is_some_and(|known| known.resume(now, hello.received, max).is_ok());
        let takes_over = !is_known && is_wanted;
        if !resumed {
            let (id, proposal) = match (takes_over, hello.established) {
                (true, _) => (hello.session, hello.proposal),
                (false, true) => (fresh, fresh),
                (false, false) => (fresh, hello.proposal),
            };
            lost = self.begin(now, peer, id, proposal, max).or(lost);
        }
        let session = self.open(now, peer, fresh);
        let (attachment, session, received) = (session.attachment(), session.id(), session.received());
        let node = self.local.node.clone();
        let welcome = Welcome { version, session, resumed: resumed || takes_over, received, node };
        Ok((welcome, Joined { attachment, resumed, lost }))
    }

    /// Whether a node has said HELLO before it can have had the one of this node, or of the connection that came of that.
    fn crosses(&self, now: u64, hello: &Hello) -> bool {
        let peer = &hello.node.id;
        let is_connected = self.sessions.get(peer).is_some_and(Session::is_connected);
        let is_same = self.incarnations.get(peer) == Some(&hello.node.incarnation);
        let is_recent = |times: &BTreeMap<NodeId, u64>| times.get(peer).is_some_and(|until| now < *until);
        is_recent(&self.dialling) || (is_connected && is_same && !hello.established && is_recent(&self.answered))
    }

    /// Takes the WELCOME of a node, with which it answered `asked`: its session is on this connection from now on. A HELLO
    /// waits on its way, and this node may have another session by now than when it asked: then the answer is refused, as
    /// it is about something else.
    ///
    /// # Errors
    /// The refusal to send.
    pub(crate) fn welcomed(
        &mut self,
        now: u64,
        welcome: &Welcome,
        proven: Option<NodeId>,
        asked: Asked,
    ) -> Result<(Version, Joined), Refusal> {
        let version = self.local.judge_welcome(welcome, proven)?;
        let peer = welcome.node.id;
        self.judge_incarnation(peer, welcome.node.incarnation)?;
        let max = welcome.node.message_bytes_max as usize;
        let is_later = self.incarnations.get(&peer).is_some_and(|seen| *seen < welcome.node.incarnation);
        let session = self.sessions.get_mut(&peer);
        let resumed = match &session {
            Some(session) => session.is_established() && session.id() == welcome.session && !is_later,
            None => false,
        };
        let is_answer = match &session {
            // The only one who asks by its own proposal is that connection.
            _ if !asked.in_table => !welcome.resumed,
            Some(session) if session.is_established() => {
                asked.established && asked.session == session.id() && !welcome.resumed
            }
            Some(session) => !asked.established && asked.session == session.proposal() && welcome.received.0 == 0,
            None => false,
        };
        let resumes = resumed && session.is_some_and(|session| session.resume(now, welcome.received, max).is_ok());
        if resumed != resumes || !(resumed || is_answer) {
            let text = format!("session {:#x} cannot go on after {}", welcome.session.0, welcome.received.0);
            return Err(Refusal::new(RefusalCode::Unexpected, text));
        }
        let mut lost = self.take_incarnation(peer, welcome.node.incarnation);
        if !resumed {
            lost = self.begin(now, peer, welcome.session, asked.session, max).or(lost);
        }
        let attachment = self.open(now, peer, welcome.session).attachment();
        self.answered.retain(|_, until| now < *until);
        self.answered.insert(peer, now + limits::CROSSING_TIME);
        Ok((version, Joined { attachment, resumed, lost }))
    }

    /// Begins a session on a connection; one that the peer knew is lost, and one that it did not know goes over into it.
    fn begin(&mut self, now: u64, peer: NodeId, id: SessionId, proposal: SessionId, max: usize) -> Option<Lost> {
        let known = self.sessions.get(&peer).is_some_and(Session::is_established);
        let lost = if known { self.forget(peer) } else { None };
        self.open(now, peer, id).begin(now, id, proposal, max);
        lost
    }

    fn judge_incarnation(&self, peer: NodeId, seen: Incarnation) -> Result<(), Refusal> {
        match self.incarnations.get(&peer) {
            Some(latest) if seen < *latest => {
                let text = format!("incarnation {} of node {peer}; {} has been seen", seen.0, latest.0);
                Err(Refusal::new(RefusalCode::Incarnation, text))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Notes the incarnation of a node; the session of an earlier one is lost.
    fn take_incarnation(&mut self, peer: NodeId, incarnation: Incarnation) -> Option<Lost> {
        let earlier = self.incarnations.insert(peer, incarnation)?;
        let knew = earlier < incarnation && self.sessions.get(&peer).is_some_and(Session::is_established);
        if knew { self.forget(peer) } else { None }
    }
}
