//! One connection: bytes in, events and bytes out.
//!
//! Whoever owns the socket goes round: [`Link::feed`] what was read, take events with [`Link::poll_event`] until there is
//! none, append to the write buffer with [`Link::poll_output`] when that is empty, arm a timer for [`Link::next_timeout`].
//! After [`Event::Closed`] what `poll_output` still gives is written and the socket closed. Messages are sent through
//! [`Peers::send`]; the link of the peer then has output.
//!
//! **Invariant:** before the handshake is over, nothing that a peer sends has an effect but on this link.

use crate::compression::{CompressedError, Compressor, expand};
use crate::frame::{Bye, Decoder, Frame, FrameError, Message, Refusal};
use crate::hello::{Features, Node, Version, refusal_of, unexpected};
use crate::id::NodeId;
use crate::limits;
use crate::peers::{Asked, Joined, Peers};
use crate::session::{Accepted, Attachment, Lost, ProtocolError, Session, SessionId};
use crate::table::{Goodbye, Kind};
use std::borrow::Cow;
use std::collections::VecDeque;

/// A connection to another node.
#[derive(Debug)]
pub struct Link {
    side: Side,
    /// Whom the transport has proven the peer to be, or who was called.
    peer: Option<NodeId>,
    /// The number of a session that begins with this connection.
    fresh: SessionId,
    decoder: Decoder,
    /// Frames that came in a COMPRESSED frame, and are taken before others.
    expanded: Decoder,
    compressor: Compressor,
    /// Whether this side would compress what it writes.
    compresses: bool,
    phase: Phase,
    /// What is to be written before anything else.
    first: Vec<u8>,
    news: VecDeque<News>,
    /// The message that the last event gave.
    assembled: Vec<u8>,
}

/// Which side of the connection this is.
#[derive(Clone, Copy, Debug)]
enum Side {
    /// It dialled, and asked for a session.
    Dialler(Asked),
    /// It was dialled.
    Acceptor,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The handshake has to be over by then.
    Shaking {
        until: u64,
    },
    /// It has this connection of the peer's session.
    Open {
        peer: NodeId,
        attachment: Attachment,
    },
    Closed,
}

/// An event without borrowed parts.
#[derive(Debug)]
enum News {
    Lost { peer: NodeId, lost: Lost },
    Established { peer: Node, version: Version, resumed: bool },
    Closed(Closed),
}

/// What happened on a connection.
#[derive(PartialEq, Debug)]
pub enum Event<'a> {
    /// The session with a peer could not go on; all that depended on it has `noconnection`. Comes before the new one.
    Lost {
        /// The peer.
        peer: NodeId,
        /// What was lost.
        lost: Lost,
    },
    /// The handshake is over.
    Established {
        /// The peer.
        peer: Node,
        /// The version that is spoken.
        version: Version,
        /// Whether the session goes on; else it begins.
        resumed: bool,
    },
    /// A message for this node.
    Message(Message<'a>),
    /// A packet about who belongs to the cluster.
    Gossip(Cow<'a, [u8]>),
    /// The connection is at its end: what there is to write is written, and then the socket is closed.
    Closed(Closed),
}

/// Why a connection is at its end.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Closed {
    /// This node refused the handshake.
    #[error("refused the peer: {0}")]
    Refused(Refusal),
    /// The peer refused the handshake.
    #[error("refused by the peer: {0}")]
    RefusedByPeer(Refusal),
    /// The handshake took too long.
    #[error("the handshake took too long")]
    Timeout,
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(ProtocolError),
    /// Nothing was heard of the peer for too long.
    #[error("nothing was heard of the peer for too long")]
    Silence,
    /// Another connection of the session has taken over, or the session was given up.
    #[error("the session has left this connection")]
    Replaced,
    /// The peer ended it.
    #[error("ended by the peer: {}: {}", .0.code, .0.text)]
    ByPeer(Bye),
    /// This node ended it.
    #[error("ended here: {}: {}", .0.code, .0.text)]
    Here(Bye),
    /// The socket has ended.
    #[error("the socket has ended")]
    Disconnected,
}

impl Link {
    /// A connection that this node has dialled. `peer` is whom it called, or whom the transport has proven it to be, where
    /// one of these is known; only then a session can go on. `fresh` is the number of a session that would begin, drawn at
    /// random.
    pub fn dial(now: u64, peers: &mut Peers, peer: Option<NodeId>, fresh: SessionId) -> Link {
        let hello = peers.hello(now, peer, fresh);
        let asked = Asked { session: hello.session, established: hello.established, in_table: peer.is_some() };
        let mut link = Link::new(now, Side::Dialler(asked), peer, fresh);
        Frame::Hello(hello).encode(&mut link.first);
        link
    }

    /// A connection that another node has dialled. `proven` is whom the transport has proven it to be, where it has.
    pub fn accept(now: u64, proven: Option<NodeId>, fresh: SessionId) -> Link {
        Link::new(now, Side::Acceptor, proven, fresh)
    }

    fn new(now: u64, side: Side, peer: Option<NodeId>, fresh: SessionId) -> Link {
        Link {
            side,
            peer,
            fresh,
            decoder: Decoder::default(),
            expanded: Decoder::new(limits::COMPRESSED_BYTES_MAX),
            compressor: Compressor::default(),
            compresses: false,
            phase: Phase::Shaking { until: now + limits::HANDSHAKE_TIME },
            first: Vec::new(),
            news: VecDeque::new(),
            assembled: Vec::new(),
        }
    }

    /// Compresses what it writes from now on, if the peer takes that. To be called before the handshake is over.
    pub fn compress(&mut self) {
        self.compresses = true;
    }

    /// Takes bytes that were read from the socket. Call [`Link::poll_event`] until there is none before the next ones, so
    /// that what is held stays below a frame, what one may expand to, and what is read at once.
    pub fn feed(&mut self, now: u64, peers: &mut Peers, bytes: &[u8]) {
        match self.phase {
            Phase::Closed => {}
            Phase::Shaking { .. } => self.decoder.feed(bytes),
            Phase::Open { .. } => {
                self.decoder.feed(bytes);
                if let Some(session) = self.session(peers) {
                    session.heard(now);
                }
            }
        }
    }

    /// The next event. It also looks at the time: a handshake that takes too long and a silent peer are found here.
    pub fn poll_event(&mut self, now: u64, peers: &mut Peers) -> Option<Event<'_>> {
        let range = loop {
            if let Some(news) = self.news.pop_front() {
                return Some(match news {
                    News::Lost { peer, lost } => Event::Lost { peer, lost },
                    News::Established { peer, version, resumed } => Event::Established { peer, version, resumed },
                    News::Closed(closed) => Event::Closed(closed),
                });
            }
            match self.phase {
                Phase::Closed => return None,
                Phase::Shaking { until } if now >= until => self.close(now, peers, Closed::Timeout),
                Phase::Shaking { .. } => {
                    if !self.shake(now, peers) {
                        return None;
                    }
                }
                Phase::Open { peer, attachment } => match self.step(now, peers, peer, attachment) {
                    Ok(Step::Nothing) => return None,
                    Ok(Step::Again) => {}
                    Ok(Step::Frame(source, range)) => break Some((source, range)),
                    Ok(Step::Assembled(bytes)) => {
                        self.assembled = bytes;
                        // One that may be skipped is no event.
                        if let Ok(Some(_)) = Message::decode_assembled(&self.assembled) {
                            break None;
                        }
                    }
                    Err(closed) => self.close(now, peers, closed),
                },
            }
        };
        match range {
            // The frame was decoded and judged in `step`; it is decoded again because what it borrows may not outlive that.
            Some((source, range)) => match Frame::decode(self.source(source).slice(range)) {
                Ok(Frame::Numbered(_, message)) => Some(Event::Message(message)),
                Ok(Frame::Gossip(packet)) => Some(Event::Gossip(packet)),
                Ok(_) | Err(_) => None,
            },
            None => Message::decode_assembled(&self.assembled).ok().flatten().map(Event::Message),
        }
    }

    /// One step of the handshake. False when more bytes are needed.
    fn shake(&mut self, now: u64, peers: &mut Peers) -> bool {
        let frame = match self.decoder.next_frame().map(|bytes| bytes.map(Frame::decode)) {
            Ok(None) => return false,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) | Err(error) => {
                let refusal = refusal_of(&error);
                self.close(now, peers, Closed::Refused(refusal));
                return true;
            }
        };
        let joined = match (self.side, frame) {
            (Side::Acceptor, Frame::Hello(hello)) => {
                peers.welcome(now, &hello, self.peer, self.fresh).map(|(welcome, joined)| {
                    let version = welcome.version;
                    Frame::Welcome(welcome).encode(&mut self.first);
                    (hello.node, version, joined)
                })
            }
            (Side::Dialler(asked), Frame::Welcome(welcome)) => {
                peers.welcomed(now, &welcome, self.peer, asked).map(|(version, joined)| (welcome.node, version, joined))
            }
            (Side::Dialler(_), Frame::Refuse(refusal)) => {
                self.close(now, peers, Closed::RefusedByPeer(refusal));
                return true;
            }
            (Side::Acceptor, frame) => Err(unexpected(frame.kind_name(), Kind::Hello)),
            (Side::Dialler(_), frame) => Err(unexpected(frame.kind_name(), Kind::Welcome)),
        };
        match joined {
            Ok((node, version, joined)) => self.established(peers, node, version, joined),
            Err(refusal) => self.close(now, peers, Closed::Refused(refusal)),
        }
        true
    }

    fn established(&mut self, peers: &mut Peers, peer: Node, version: Version, joined: Joined) {
        self.end_of_dial(peers);
        self.decoder.set_limit(peers.local().node.frame_bytes_max as usize);
        self.compressor.turn(self.compresses && peer.features.has(Features::COMPRESSED));
        self.phase = Phase::Open { peer: peer.id, attachment: joined.attachment };
        if let Some(lost) = joined.lost {
            self.news.push_back(News::Lost { peer: peer.id, lost });
        }
        self.news.push_back(News::Established { peer, version, resumed: joined.resumed });
    }

    /// Takes the next frame of an open connection.
    fn step(&mut self, now: u64, peers: &mut Peers, peer: NodeId, attachment: Attachment) -> Result<Step, Closed> {
        let takes_compressed = peers.local().node.features.has(Features::COMPRESSED);
        let session = current(peers, peer, attachment).ok_or(Closed::Replaced)?;
        let broken = |error: FrameError| Closed::Protocol(error.into());
        let source = if self.expanded.pending() > 0 { Source::Expanded } else { Source::Socket };
        if self.expanded.pending() == 0 && self.expanded.reserved() > 0 {
            // A connection that is idle holds nothing of it.
            self.expanded = Decoder::new(limits::COMPRESSED_BYTES_MAX);
        }
        let decoder = match source {
            Source::Socket => &mut self.decoder,
            Source::Expanded => &mut self.expanded,
        };
        let range = match (decoder.next_range().map_err(broken)?, source) {
            (Some(range), _) => range,
            (None, Source::Expanded) => return Err(Closed::Protocol(CompressedError::Partial.into())),
            (None, Source::Socket) if session.is_silent(now) => return Err(Closed::Silence),
            (None, Source::Socket) => return Ok(Step::Nothing),
        };
        let frame = Frame::decode(decoder.slice(range.clone())).map_err(broken)?;
        if let Frame::Compressed(compressed) = &frame {
            let content = match source {
                Source::Socket if takes_compressed => expand(compressed),
                Source::Socket => Err(CompressedError::NotAgreed),
                Source::Expanded => Err(CompressedError::Nested),
            };
            let content = content.map_err(|error| Closed::Protocol(error.into()))?;
            self.expanded.take(content);
            return Ok(Step::Again);
        }
        match (self.side, &frame) {
            (_, Frame::Bye(bye)) => return Err(Closed::ByPeer(bye.clone())),
            // The dialling node may refuse the WELCOME, which this side takes for agreed by then.
            (Side::Acceptor, Frame::Refuse(refusal)) => return Err(Closed::RefusedByPeer(refusal.clone())),
            (Side::Acceptor | Side::Dialler(_), _) => {}
        }
        match session.accept(now, &frame).map_err(Closed::Protocol)? {
            Accepted::Nothing => Ok(Step::Again),
            Accepted::Whole | Accepted::Gossip => Ok(Step::Frame(source, range)),
            Accepted::Assembled(bytes) => Ok(Step::Assembled(bytes)),
        }
    }

    /// Appends what is to be written now to `out`, about 64 KiB at most. To be called again when that was written, after
    /// messages were sent to the peer, and when [`Link::next_timeout`] has come.
    pub fn poll_output(&mut self, now: u64, peers: &mut Peers, out: &mut Vec<u8>) {
        out.append(&mut self.first);
        let start = out.len();
        if let Some(session) = self.session(peers) {
            session.poll_output(now, out);
            self.compressor.compress(out, start);
        }
    }

    /// When [`Link::poll_event`] and [`Link::poll_output`] have to be called again at the latest. None when it is closed.
    pub fn next_timeout(&self, peers: &Peers) -> Option<u64> {
        match self.phase {
            Phase::Closed => None,
            Phase::Shaking { until } => Some(until),
            Phase::Open { peer, attachment } => {
                let session = peers.session(peer).filter(|session| session.attachment() == attachment);
                // A session that has left is noticed at once.
                Some(session.map_or(0, Session::next_timeout))
            }
        }
    }

    /// The peer, once the handshake is over and until the link is closed.
    pub fn peer(&self) -> Option<NodeId> {
        match self.phase {
            Phase::Open { peer, .. } => Some(peer),
            Phase::Shaking { .. } | Phase::Closed => None,
        }
    }

    /// Whether it is at its end.
    pub fn is_closed(&self) -> bool {
        match self.phase {
            Phase::Closed => true,
            Phase::Shaking { .. } | Phase::Open { .. } => false,
        }
    }

    /// Ends the connection from this side; the session can go on with another one.
    pub fn end(&mut self, now: u64, peers: &mut Peers, bye: Bye) {
        self.close(now, peers, Closed::Here(bye));
    }

    /// The socket has ended. To be called before a link is dropped.
    pub fn disconnected(&mut self, now: u64, peers: &mut Peers) {
        self.close(now, peers, Closed::Disconnected);
    }

    /// Leaves the session and tells both sides why.
    fn close(&mut self, now: u64, peers: &mut Peers, closed: Closed) {
        let was_open = match self.phase {
            Phase::Closed => return,
            Phase::Shaking { .. } => false,
            Phase::Open { peer, attachment } => {
                if let Some(session) = peers.session_mut(peer) {
                    session.disconnected(now, attachment);
                }
                true
            }
        };
        if !was_open {
            self.end_of_dial(peers);
        }
        self.phase = Phase::Closed;
        self.decoder = Decoder::default();
        self.expanded = Decoder::default();
        if let Some(last) = last_frame(&closed, was_open) {
            last.encode(&mut self.first);
        }
        self.news.push_back(News::Closed(closed));
    }

    fn end_of_dial(&self, peers: &mut Peers) {
        if let (Side::Dialler(_), Some(peer)) = (self.side, self.peer) {
            peers.dialled(peer);
        }
    }

    fn source(&self, source: Source) -> &Decoder {
        match source {
            Source::Socket => &self.decoder,
            Source::Expanded => &self.expanded,
        }
    }

    /// The session, as long as this is its connection.
    fn session<'p>(&self, peers: &'p mut Peers) -> Option<&'p mut Session> {
        match self.phase {
            Phase::Open { peer, attachment } => current(peers, peer, attachment),
            Phase::Shaking { .. } | Phase::Closed => None,
        }
    }
}

/// Where a frame came from.
#[derive(Clone, Copy)]
enum Source {
    /// The connection.
    Socket,
    /// A COMPRESSED frame.
    Expanded,
}

/// What [`Link::step`] came to.
enum Step {
    /// More bytes are needed.
    Nothing,
    /// There may be more.
    Again,
    /// The frame at this place is an event.
    Frame(Source, std::ops::Range<usize>),
    /// A message that came in fragments.
    Assembled(Vec<u8>),
}

/// The session of a peer, when `attachment` is still its connection.
fn current(peers: &mut Peers, peer: NodeId, attachment: Attachment) -> Option<&mut Session> {
    peers.session_mut(peer).filter(|session| session.is_connected() && session.attachment() == attachment)
}

/// What the peer is told at the end.
fn last_frame(closed: &Closed, was_open: bool) -> Option<Frame<'static>> {
    let bye = |code| Some(Frame::Bye(Bye::new(code, closed.to_string())));
    match closed {
        Closed::Refused(refusal) => Some(Frame::Refuse(refusal.clone())),
        Closed::Timeout => Some(Frame::Refuse(Refusal::new(crate::table::RefusalCode::Timeout, closed.to_string()))),
        Closed::Protocol(_) => bye(Goodbye::Protocol),
        Closed::Silence => bye(Goodbye::Silence),
        Closed::Replaced => bye(Goodbye::Replaced),
        Closed::Here(bye) if was_open => Some(Frame::Bye(bye.clone())),
        Closed::Here(bye) => {
            let refusal = Refusal::new(crate::table::RefusalCode::Denied, &bye.text);
            Some(Frame::Refuse(refusal))
        }
        Closed::RefusedByPeer(_) | Closed::ByPeer(_) | Closed::Disconnected => None,
    }
}
