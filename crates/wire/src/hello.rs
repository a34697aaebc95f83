//! The handshake: who the two nodes are, what version they speak, and whether their session goes on.
//!
//! The node that dials sends HELLO; the other answers WELCOME or REFUSE. The byte stream between them is authenticated
//! already; where the transport has proven which node the peer is, it must be that one.
//!
//! **Invariant:** what is refused has changed nothing: these functions only compare.

use crate::frame::{Fields, FrameError, Refusal};
use crate::id::{Incarnation, NodeId};
use crate::limits;
use crate::session::SessionId;
use crate::table::{Kind, RefusalCode};
use crate::{bytes::Cursor, bytes::cut, frame::Sequence};

/// The first bytes of HELLO and WELCOME.
pub const MAGIC: [u8; 3] = *b"FDL";
/// The versions that this crate speaks, the lowest and the highest: its own and the one before, of which there is none yet.
pub const VERSIONS: (Version, Version) = (Version(1), Version(1));

/// A version of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(pub u16);

/// Bits for what a node can do besides the version's own. A node uses one only when both have it, and ignores those that
/// it does not know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Features(pub u64);

impl Features {
    /// It takes COMPRESSED frames.
    pub const COMPRESSED: Features = Features(1);

    /// Whether it has all of some features.
    pub fn has(self, features: Features) -> bool {
        self.0 & features.0 == features.0
    }
}

/// Which side of a connection a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It dialled.
    Dialler,
    /// It was dialled.
    Acceptor,
}

/// A node, as it tells others of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Which.
    pub id: NodeId,
    /// How often it has been started.
    pub incarnation: Incarnation,
    /// A name for people, at most 255 bytes; what is longer is cut.
    pub name: String,
    /// Bytes of a frame that it takes, its length not counted: at least [`limits::FRAME_BYTES_LEAST`].
    pub frame_bytes_max: u32,
    /// Bytes of a message, and of all that are open as fragments, that it takes: at least [`limits::MESSAGE_BYTES_MAX`].
    pub message_bytes_max: u32,
    /// What it can do.
    pub features: Features,
}

/// What this node knows of itself for handshakes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Local {
    /// What it tells.
    pub node: Node,
    /// The lowest and the highest version that it speaks; [`VERSIONS`] but in tests.
    pub versions: (Version, Version),
}

/// What the dialling node says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// The lowest and the highest version that it speaks.
    pub versions: (Version, Version),
    /// The number by which the session was asked for first, whichever node did.
    pub proposal: SessionId,
    /// The session that is to go on; the proposal once more where it has not begun.
    pub session: SessionId,
    /// Whether the session has begun and is to go on.
    pub established: bool,
    /// The last sequence that it got in it, 0 for none.
    pub received: Sequence,
    /// Whom it calls, where it knows that: another node may have come to that address.
    pub called: Option<NodeId>,
    /// Who it is.
    pub node: Node,
}

/// What the other node answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// The version that the connection has.
    pub version: Version,
    /// The session that it has. The node that was dialled draws its number when it begins.
    pub session: SessionId,
    /// Whether the session is the one that was asked for, so that it goes on where it had begun; else a new one begins.
    pub resumed: bool,
    /// The last sequence that it got in it, 0 for none.
    pub received: Sequence,
    /// Who it is.
    pub node: Node,
}

impl Local {
    /// A node with the defaults for all that is not given here.
    pub fn new(id: NodeId, incarnation: Incarnation, name: &str) -> Local {
        let node = Node {
            id,
            incarnation,
            name: cut(name, limits::NODE_NAME_BYTES_MAX).to_owned(),
            frame_bytes_max: limits::FRAME_BYTES_MAX as u32,
            message_bytes_max: limits::MESSAGE_BYTES_MAX as u32,
            features: Features::default(),
        };
        Local { node, versions: VERSIONS }
    }

    /// Judges a HELLO and gives the version to speak: the highest that both do. `proven` is whom the transport has proven
    /// the peer to be.
    ///
    /// # Errors
    /// The refusal to send.
    pub fn judge_hello(&self, hello: &Hello, proven: Option<NodeId>) -> Result<Version, Refusal> {
        self.judge_node(&hello.node, proven)?;
        if let Some(called) = hello.called.filter(|called| *called != self.node.id) {
            let text = format!("node {called} is called, and this is {}", self.node.id);
            return Err(Refusal::new(RefusalCode::Identity, text));
        }
        let (own, peer) = (self.versions, hello.versions);
        let version = own.1.min(peer.1);
        if version < own.0.max(peer.0) {
            let text = format!("versions {} to {} are spoken here, {} to {} there", own.0.0, own.1.0, peer.0.0, peer.1.0);
            return Err(Refusal::new(RefusalCode::Version, text));
        }
        Ok(version)
    }

    /// Judges a WELCOME. `proven` is whom the transport has proven the peer to be, or who was called.
    ///
    /// # Errors
    /// The refusal to send.
    pub fn judge_welcome(&self, welcome: &Welcome, proven: Option<NodeId>) -> Result<Version, Refusal> {
        self.judge_node(&welcome.node, proven)?;
        let (low, high) = self.versions;
        if !(low..=high).contains(&welcome.version) {
            let text = format!("versions {} to {} are spoken here, not {}", low.0, high.0, welcome.version.0);
            return Err(Refusal::new(RefusalCode::Version, text));
        }
        Ok(welcome.version)
    }

    fn judge_node(&self, peer: &Node, proven: Option<NodeId>) -> Result<(), Refusal> {
        if peer.id == self.node.id {
            let text = format!("node {} does not connect to itself", peer.id);
            return Err(Refusal::new(RefusalCode::OwnNode, text));
        }
        if let Some(proven) = proven.filter(|proven| *proven != peer.id) {
            let text = format!("the node says that it is {}, and is {proven}", peer.id);
            return Err(Refusal::new(RefusalCode::Identity, text));
        }
        let least = [
            ("frames", peer.frame_bytes_max, limits::FRAME_BYTES_LEAST),
            ("messages", peer.message_bytes_max, limits::MESSAGE_BYTES_MAX),
        ];
        match least.into_iter().find(|(_, seen, least)| (*seen as usize) < *least) {
            None => Ok(()),
            Some((what, seen, least)) => {
                let text = format!("the node takes {what} of {seen} bytes; it has to take {least}");
                Err(Refusal::new(RefusalCode::Limits, text))
            }
        }
    }
}

/// What stands for a node that is not known.
const NOBODY: NodeId = NodeId([0; 16]);

/// The byte by which each role is known.
const fn role_byte(role: Role) -> u8 {
    match role {
        Role::Dialler => b'D',
        Role::Acceptor => b'A',
    }
}

impl Hello {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(MAGIC);
        out.push(role_byte(Role::Dialler));
        out.extend(self.versions.0.0.to_le_bytes());
        out.extend(self.versions.1.0.to_le_bytes());
        out.extend(self.proposal.0.to_le_bytes());
        out.extend(self.session.0.to_le_bytes());
        out.push(self.established.into());
        out.extend(self.received.0.to_le_bytes());
        out.extend(self.called.unwrap_or(NOBODY).0);
        self.node.encode(out);
    }

    /// Bytes behind the last field are skipped when the node speaks a version that is not known here.
    pub(crate) fn decode(fields: &mut Fields<'_>) -> Result<Hello, FrameError> {
        begin(fields, Role::Dialler)?;
        let versions = (Version(fields.u16()?), Version(fields.u16()?));
        if versions.0 > versions.1 || versions.0.0 == 0 {
            return Err(fields.wrong("the lowest version", versions.0.0, "1 to the highest version"));
        }
        let hello = Hello {
            versions,
            proposal: SessionId(fields.u64()?),
            session: SessionId(fields.u64()?),
            established: fields.flag("the established flag")?,
            received: Sequence(fields.u64()?),
            called: Some(NodeId(fields.read(Cursor::array)?)).filter(|called| *called != NOBODY),
            node: Node::decode(fields)?,
        };
        if versions.1 > VERSIONS.1 {
            fields.body.rest();
        }
        Ok(hello)
    }
}

impl Welcome {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(MAGIC);
        out.push(role_byte(Role::Acceptor));
        out.extend(self.version.0.to_le_bytes());
        out.extend(self.session.0.to_le_bytes());
        out.push(self.resumed.into());
        out.extend(self.received.0.to_le_bytes());
        self.node.encode(out);
    }

    pub(crate) fn decode(fields: &mut Fields<'_>) -> Result<Welcome, FrameError> {
        begin(fields, Role::Acceptor)?;
        Ok(Welcome {
            version: Version(fields.u16()?),
            session: SessionId(fields.u64()?),
            resumed: fields.flag("the resumed flag")?,
            received: Sequence(fields.u64()?),
            node: Node::decode(fields)?,
        })
    }
}

impl Node {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.id.0);
        out.extend(self.incarnation.0.to_le_bytes());
        out.extend(self.frame_bytes_max.to_le_bytes());
        out.extend(self.message_bytes_max.to_le_bytes());
        out.extend(self.features.0.to_le_bytes());
        let name = cut(&self.name, limits::NODE_NAME_BYTES_MAX);
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Node, FrameError> {
        let id = NodeId(fields.read(Cursor::array)?);
        let incarnation = Incarnation(fields.u32()?);
        let (frame_bytes_max, message_bytes_max) = (fields.u32()?, fields.u32()?);
        let features = Features(fields.u64()?);
        let length = fields.u8()?;
        let name = fields.read(|body| body.take(length.into()))?;
        let field = "the node's name";
        let name = std::str::from_utf8(name).map_err(|_| FrameError::NotText { kind: fields.kind, field })?;
        Ok(Node { id, incarnation, name: name.to_owned(), frame_bytes_max, message_bytes_max, features })
    }
}

/// Magic and role.
fn begin(fields: &mut Fields<'_>, role: Role) -> Result<(), FrameError> {
    let seen = fields.read(Cursor::array)?;
    if seen != MAGIC {
        return Err(FrameError::Magic { seen });
    }
    let (seen, wanted) = (fields.u8()?, role_byte(role));
    if seen != wanted {
        return Err(FrameError::Role { kind: fields.kind, seen, wanted });
    }
    Ok(())
}

/// The refusal that answers a frame of the handshake that is none.
pub(crate) fn refusal_of(error: &FrameError) -> Refusal {
    let code = match error {
        FrameError::Magic { .. } => RefusalCode::Magic,
        FrameError::Role { .. } => RefusalCode::Role,
        FrameError::UnknownKind { .. } => RefusalCode::Unexpected,
        FrameError::TooLong { .. }
        | FrameError::TooShort { .. }
        | FrameError::Short { .. }
        | FrameError::Trailing { .. }
        | FrameError::ReservedFlags { .. }
        | FrameError::NoSequence { .. }
        | FrameError::Field { .. }
        | FrameError::NotText { .. } => RefusalCode::Malformed,
    };
    Refusal::new(code, error.to_string())
}

/// The refusal that answers a frame that has no place in the handshake.
pub(crate) fn unexpected(kind: &str, wanted: Kind) -> Refusal {
    Refusal::new(RefusalCode::Unexpected, format!("a frame {kind} in the handshake; {wanted} is wanted"))
}
