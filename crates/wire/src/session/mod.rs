//! A session: what two nodes have said to each other, over any number of connections.
//!
//! Messages get consecutive sequences and are kept until the peer acknowledges them. When a connection breaks, the next one
//! resumes: each side says what it got last, and the other goes on behind that. So nothing is lost, doubled or out of order
//! within a session; one that cannot be resumed is lost as a whole, and a new one begins.
//!
//! **Invariant:** each message is delivered at most once, and only after all that were numbered before it.

mod assembly;
mod outbox;

use crate::compression::CompressedError;
use crate::frame::{Frame, FrameError, Message, Sequence};
use crate::limits;
use assembly::Assembly;
use outbox::Outbox;
use std::borrow::Cow;
use std::collections::VecDeque;

/// A session, by a random number that the caller draws.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub u64);

/// Which connection of which session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attachment {
    session: SessionId,
    /// The first has 1.
    connection: u64,
}

/// The state of what was said between this node and one other.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    /// The number by which the dialling node asked for it, before the other one gave it its id.
    proposal: SessionId,
    /// Whether the peer knows of it.
    established: bool,
    outbox: Outbox,
    /// Packets of GOSSIP that wait to be written, the oldest first.
    gossip: VecDeque<Vec<u8>>,
    /// The last sequence that came.
    received: Sequence,
    assembly: Assembly,
    /// Bytes of messages that this node takes in fragments at a time.
    message_bytes_max: usize,
    connection: Option<Connection>,
    /// How many connections it has had.
    connections: u64,
    /// Since when it has no connection.
    offline_since: u64,
    duplicates: u64,
}

/// What belongs to one connection.
#[derive(Debug)]
struct Connection {
    /// When something came last.
    heard: u64,
    /// When the last PING was written.
    pinged: u64,
    pings: u64,
    /// The number of the last PING that came and was not answered.
    pong: Option<u64>,
    /// The sequence that was acknowledged last.
    acknowledged: Sequence,
    /// When the frames that came after that have to be acknowledged.
    ack_due: Option<u64>,
}

/// Why a message was not taken. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// The session holds as much as it may: send again when [`Session::is_full`] says no.
    #[error("{held} bytes wait for the peer; at most {max} may")]
    Full {
        /// Bytes that it holds.
        held: usize,
        /// The bound.
        max: usize,
    },
    /// The peer does not take messages that large.
    #[error("a message of {seen} bytes; the peer takes at most {max}")]
    TooLarge {
        /// Bytes of the message.
        seen: usize,
        /// The peer's limit.
        max: usize,
    },
}

/// How the peer broke the protocol. The connection cannot go on; the session can, on another one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProtocolError {
    /// Bytes are not a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Frames are missing.
    #[error("a frame has the sequence {}; {} is wanted", .seen.0, .wanted.0)]
    Gap {
        /// Its sequence.
        seen: Sequence,
        /// The next one.
        wanted: Sequence,
    },
    /// Sequences begin with 1.
    #[error("a frame has the sequence 0; the first one is 1")]
    ZeroSequence,
    /// A frame is acknowledged that was not sent.
    #[error("sequence {} is acknowledged; the last one sent is {}", .seen.0, .last.0)]
    Ahead {
        /// The sequence.
        seen: Sequence,
        /// The last one that was sent.
        last: Sequence,
    },
    /// More messages are open as fragments than may be.
    #[error("more than {max} messages are open as fragments")]
    OpenStreams {
        /// The limit.
        max: usize,
    },
    /// Messages that are open as fragments have more bytes than they may.
    #[error("messages that are open as fragments have {seen} bytes; at most {max} are taken")]
    OpenBytes {
        /// Their bytes.
        seen: usize,
        /// The limit.
        max: usize,
    },
    /// A COMPRESSED frame is refused.
    #[error("in a COMPRESSED frame: {0}")]
    Compressed(#[from] CompressedError),
    /// A frame has no place in a session.
    #[error("a frame {0} in a session")]
    Unexpected(&'static str),
    /// The session has no connection that the frame could have come from.
    #[error("a frame came for a session without a connection")]
    Offline,
}

/// A session that cannot be resumed has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lost {
    /// Which.
    pub session: SessionId,
    /// Messages and fragments of which it is not known that the peer has them.
    pub unacknowledged: usize,
}

/// What a frame comes to.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// Nothing to deliver.
    Nothing,
    /// The frame's message.
    Whole,
    /// The frame's packet of GOSSIP.
    Gossip,
    /// A message, now that its last fragment has come: kind, flags and body, which can be decoded.
    Assembled(Vec<u8>),
}

impl Session {
    /// One that no peer knows of yet, without a connection; `id` is its proposal. `message_bytes_max` is what this node takes in fragments.
    pub fn new(now: u64, id: SessionId, message_bytes_max: usize) -> Session {
        Session {
            id,
            proposal: id,
            established: false,
            outbox: Outbox::new(),
            gossip: VecDeque::new(),
            received: Sequence(0),
            assembly: Assembly::default(),
            message_bytes_max,
            connection: None,
            connections: 0,
            offline_since: now,
            duplicates: 0,
        }
    }

    /// Which it is.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The number by which it was asked for.
    pub fn proposal(&self) -> SessionId {
        self.proposal
    }

    /// Whether the peer knows of it.
    pub fn is_established(&self) -> bool {
        self.established
    }

    /// The last sequence that came.
    pub fn received(&self) -> Sequence {
        self.received
    }

    /// Whether it has a connection.
    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// When something came last, on the connection that it has.
    pub fn heard_at(&self) -> Option<u64> {
        self.connection.as_ref().map(|connection| connection.heard)
    }

    /// Which connection it has or had last.
    pub fn attachment(&self) -> Attachment {
        Attachment { session: self.id, connection: self.connections }
    }

    /// Frames that came again after they had been seen, and were dropped.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Whether there is something to be written, and less than so many bytes: who waits a moment may write more at once.
    pub fn has_little(&self, bytes: usize) -> bool {
        self.is_connected() && self.outbox.has_little(bytes)
    }

    /// Messages that were written and not acknowledged yet.
    pub fn in_flight(&self) -> usize {
        self.outbox.unacknowledged()
    }

    /// Bytes that it holds for the peer.
    pub fn held_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Whether nothing more should be sent for the time: it holds 4 MiB, or the peer has not acknowledged a frame for 10 s.
    pub fn is_full(&self, now: u64) -> bool {
        let is_old = |at: u64| now.saturating_sub(at) >= limits::RESUME_TIME;
        self.outbox.bytes() >= limits::RESEND_BYTES_MAX || self.outbox.oldest().is_some_and(is_old)
    }

    /// Takes a message for the peer. It is written when there is a connection, once or, when that breaks, again.
    ///
    /// # Errors
    /// [`SendError`], and then the message was not taken. Signals are taken beyond the bound for other messages, up to
    /// twice that.
    pub fn send(&mut self, message: &Message<'_>) -> Result<(), SendError> {
        let reserve = if message.is_signal() { limits::SIGNAL_BYTES_RESERVED } else { 0 };
        let (held, max) = (self.outbox.bytes(), limits::RESEND_BYTES_MAX + reserve);
        if held >= max {
            return Err(SendError::Full { held, max });
        }
        let max = self.outbox.message_bytes_max();
        self.outbox.push(message).map_err(|seen| SendError::TooLarge { seen, max })
    }

    /// Takes a packet of GOSSIP for the peer, to be written once. When [`limits::GOSSIP_WAITING_MAX`] wait already, the
    /// oldest is dropped; without a connection the packet itself is.
    pub fn gossip(&mut self, packet: Vec<u8>) {
        debug_assert!(packet.len() <= limits::GOSSIP_BYTES_MAX);
        if self.connection.is_some() {
            if self.gossip.len() >= limits::GOSSIP_WAITING_MAX {
                self.gossip.pop_front();
            }
            self.gossip.push_back(packet);
        }
    }

    /// Makes it the session `id` that begins with this connection. It has had none before: messages that wait stay.
    pub(crate) fn begin(&mut self, now: u64, id: SessionId, proposal: SessionId, peer_message_bytes_max: usize) {
        debug_assert!(!self.established);
        self.id = id;
        self.proposal = proposal;
        self.attach(now, peer_message_bytes_max);
    }

    /// Goes on with a new connection; the peer got frames up to `peer_received`, and is sent the others again.
    ///
    /// # Errors
    /// When the peer says that it got what was not sent: the session cannot go on.
    pub fn resume(&mut self, now: u64, peer_received: Sequence, peer_message_bytes_max: usize) -> Result<(), ProtocolError> {
        let last = self.outbox.last();
        if !self.outbox.acknowledge(peer_received) {
            return Err(ProtocolError::Ahead { seen: peer_received, last });
        }
        self.attach(now, peer_message_bytes_max);
        Ok(())
    }

    fn attach(&mut self, now: u64, peer_message_bytes_max: usize) {
        self.established = true;
        self.connections += 1;
        // A node's limits do not change while it runs; what is open may count on them.
        let max = self.outbox.message_bytes_max().max(peer_message_bytes_max);
        self.outbox.set_message_bytes_max(max);
        self.outbox.rewind();
        self.connection =
            Some(Connection { heard: now, pinged: now, pings: 0, pong: None, acknowledged: self.received, ack_due: None });
    }

    /// The connection `attachment` has ended. Nothing happens when another one has taken over already.
    pub fn disconnected(&mut self, now: u64, attachment: Attachment) {
        if self.connection.is_some() && self.attachment() == attachment {
            self.connection = None;
            self.offline_since = now;
            self.gossip.clear();
        }
    }

    /// Whether it has had no connection for so long that it is lost.
    pub fn is_expired(&self, now: u64) -> bool {
        self.connection.is_none() && now.saturating_sub(self.offline_since) >= limits::RESUME_TIME
    }

    /// Whether nothing has been heard for so long that the connection is dead.
    pub fn is_silent(&self, now: u64) -> bool {
        self.connection.as_ref().is_some_and(|open| now.saturating_sub(open.heard) >= limits::SILENCE_MAX)
    }

    /// What is to be told when it is given up.
    pub fn lost(&self) -> Lost {
        Lost { session: self.id, unacknowledged: self.outbox.unacknowledged() }
    }

    /// Bytes have come on the connection.
    pub(crate) fn heard(&mut self, now: u64) {
        if let Some(connection) = &mut self.connection {
            connection.heard = now;
        }
    }

    /// Takes a frame and gives the message that is to be delivered, if it is one or completes one. BYE and GOSSIP are not for
    /// the session, but for whoever drives the connection.
    ///
    /// # Errors
    /// [`ProtocolError`]: the connection has to be closed. What was delivered stays so.
    pub fn handle<'a>(&mut self, now: u64, frame: Frame<'a>) -> Result<Option<Message<'a>>, ProtocolError> {
        match (self.accept(now, &frame)?, frame) {
            (Accepted::Whole, Frame::Numbered(_, message)) => Ok(Some(message)),
            (Accepted::Assembled(bytes), _) => Ok(Message::decode_assembled(&bytes)?.map(Message::into_owned)),
            (Accepted::Nothing | Accepted::Whole | Accepted::Gossip, _) => Ok(None),
        }
    }

    /// As [`Session::handle`], but the frame stays where it is.
    pub(crate) fn accept(&mut self, now: u64, frame: &Frame<'_>) -> Result<Accepted, ProtocolError> {
        let Some(connection) = &mut self.connection else { return Err(ProtocolError::Offline) };
        connection.heard = now;
        let accepted = match frame {
            // What is compressed is taken out before it comes here.
            Frame::Hello(_) | Frame::Welcome(_) | Frame::Refuse(_) | Frame::Compressed(_) => {
                return Err(ProtocolError::Unexpected(frame.kind_name()));
            }
            Frame::Numbered(sequence, _) => {
                if self.is_next(*sequence)? {
                    self.take(now, *sequence);
                    Accepted::Whole
                } else {
                    self.repeated(now)
                }
            }
            Frame::Fragment(sequence, fragment) => {
                if self.is_next(*sequence)? {
                    let message = self.assembly.add(fragment, self.message_bytes_max)?;
                    self.take(now, *sequence);
                    message.map_or(Accepted::Nothing, Accepted::Assembled)
                } else {
                    self.repeated(now)
                }
            }
            Frame::Skipped(_, Some(sequence)) => {
                if self.is_next(*sequence)? {
                    self.take(now, *sequence);
                    Accepted::Nothing
                } else {
                    self.repeated(now)
                }
            }
            Frame::Ack(sequence) => {
                let last = self.outbox.last();
                if !self.outbox.acknowledge(*sequence) {
                    return Err(ProtocolError::Ahead { seen: *sequence, last });
                }
                Accepted::Nothing
            }
            Frame::Ping(number) => {
                connection.pong = Some(*number);
                Accepted::Nothing
            }
            Frame::Gossip(_) => Accepted::Gossip,
            Frame::Pong(_) | Frame::Bye(_) | Frame::Skipped(_, None) => Accepted::Nothing,
        };
        Ok(accepted)
    }

    /// Whether a sequence is the next one. False when it has come before.
    fn is_next(&self, sequence: Sequence) -> Result<bool, ProtocolError> {
        let wanted = Sequence(self.received.0 + 1);
        if sequence.0 == 0 {
            return Err(ProtocolError::ZeroSequence);
        }
        if sequence > wanted {
            return Err(ProtocolError::Gap { seen: sequence, wanted });
        }
        Ok(sequence == wanted)
    }

    /// The next sequence has come.
    fn take(&mut self, now: u64, sequence: Sequence) {
        debug_assert!(sequence.0 == self.received.0 + 1);
        self.received = sequence;
        self.owe_ack(now);
    }

    /// A frame came again. It is acknowledged again as well: the peer would not send it if it knew.
    fn repeated(&mut self, now: u64) -> Accepted {
        self.duplicates += 1;
        self.owe_ack(now);
        Accepted::Nothing
    }

    fn owe_ack(&mut self, now: u64) {
        if let Some(connection) = &mut self.connection {
            connection.ack_due.get_or_insert(now + limits::ACK_DELAY);
        }
    }

    /// Whether [`Session::poll_output`] has messages or packets of GOSSIP to write.
    pub fn has_output(&self) -> bool {
        self.connection.is_some() && (self.outbox.has_output() || !self.gossip.is_empty())
    }

    /// Appends what is to be written now to `out`: answers first, then messages, about 64 KiB at most. To be called again
    /// when that was written, and when [`Session::next_timeout`] has come.
    pub fn poll_output(&mut self, now: u64, out: &mut Vec<u8>) {
        let Some(connection) = &mut self.connection else { return };
        if let Some(number) = connection.pong.take() {
            Frame::Pong(number).encode(out);
        }
        if now >= connection.heard.max(connection.pinged) + limits::PING_AFTER {
            connection.pings += 1;
            connection.pinged = now;
            Frame::Ping(connection.pings).encode(out);
        }
        // Who is alive is not to wait behind what fibers have to say.
        for packet in self.gossip.drain(..) {
            Frame::Gossip(Cow::Owned(packet)).encode(out);
        }
        // An acknowledgement travels with messages where there are some, else it waits for more to acknowledge.
        let many = self.received.0 - connection.acknowledged.0 >= limits::ACK_FRAMES;
        if connection.ack_due.is_some_and(|due| many || now >= due || self.outbox.has_output()) {
            connection.ack_due = None;
            connection.acknowledged = self.received;
            Frame::Ack(self.received).encode(out);
        }
        self.outbox.write(now, limits::BATCH_BYTES, out);
        if cfg!(debug_assertions) {
            self.invariants();
        }
    }

    /// When it has to be looked at again at the latest: with a connection to write or to find it silent, without one to
    /// find it expired.
    pub fn next_timeout(&self) -> u64 {
        match &self.connection {
            None => self.offline_since + limits::RESUME_TIME,
            Some(connection) => {
                let silent = connection.heard + limits::SILENCE_MAX;
                let ping = connection.heard.max(connection.pinged) + limits::PING_AFTER;
                silent.min(ping).min(connection.ack_due.unwrap_or(u64::MAX))
            }
        }
    }

    /// What always holds; for tests and debug builds.
    pub fn invariants(&self) {
        self.outbox.invariants();
        self.assembly.invariants();
        assert!(self.connection.is_none() || self.established);
        assert!(self.gossip.len() <= limits::GOSSIP_WAITING_MAX && (self.connection.is_some() || self.gossip.is_empty()));
        assert!(self.connection.as_ref().is_none_or(|open| open.acknowledged <= self.received));
    }
}
