//! Frames: what one connection carries, one after another.
//!
//! A frame is its length (`u32`), kind (`u8`), flags (`u8`) and body; numbers are little-endian, and the length counts
//! what follows it. What a fiber or node says to another is a [`Message`]; as a frame it has a sequence before its body.
//!
//! **Invariant:** `Frame::decode` of what `Frame::encode` wrote gives the same frame.

mod bounds;
mod decoder;
mod message;

use crate::bytes::{Cursor, Short, cut};
use crate::hello::{Hello, Welcome};
use crate::limits;
use crate::table::{Class, Goodbye, Kind, RefusalCode, class};
pub use bounds::Bounds;
pub use decoder::Decoder;
pub(crate) use message::Lane;
pub use message::Message;
use std::borrow::Cow;

/// Bytes before a frame's kind: its length.
pub(crate) const LENGTH_BYTES: usize = 4;
/// Bytes of kind and flags.
pub(crate) const HEADER_BYTES: usize = 2;
/// Where the sequence of a numbered frame stands, counted from the frame's length.
pub(crate) const SEQUENCE_AT: usize = LENGTH_BYTES + HEADER_BYTES;
/// The flag of a frame that a node that does not know its kind skips.
pub const OPTIONAL: u8 = 1;

/// The number of a numbered frame in its session and direction: the first has 1, each one more than the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Sequence(pub u64);

/// One frame.
#[derive(Clone, PartialEq, Debug)]
pub enum Frame<'a> {
    /// The dialling node's part of the handshake.
    Hello(Hello),
    /// The other node's part of the handshake.
    Welcome(Welcome),
    /// The handshake fails.
    Refuse(Refusal),
    /// A message with its sequence.
    Numbered(Sequence, Message<'a>),
    /// A piece of a message with its sequence.
    Fragment(Sequence, Fragment<'a>),
    /// Every numbered frame up to this sequence has arrived.
    Ack(Sequence),
    /// Asks whether the peer is there; the number comes back.
    Ping(u64),
    /// The number of a PING.
    Pong(u64),
    /// The connection ends.
    Bye(Bye),
    /// A packet about who belongs to the cluster. What is in it the cluster knows, not the wire.
    Gossip(Cow<'a, [u8]>),
    /// Other frames.
    Compressed(Compressed<'a>),
    /// A frame that a later version knows and that may be skipped. One of a numbered kind counts in the sequence.
    Skipped(u8, Option<Sequence>),
}

/// A piece of a message that is too large for one frame. The pieces of a stream, put together, are kind, flags and body
/// of the message, without length and sequence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fragment<'a> {
    /// Which message of those that are open; free again after its last piece.
    pub stream: u32,
    /// Whether this is its last piece.
    pub last: bool,
    /// The piece.
    pub bytes: Cow<'a, [u8]>,
}

/// Other frames, compressed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compressed<'a> {
    /// Bytes of the frames, with their lengths.
    pub size: u32,
    /// The frames, one after another, as a block of LZ4.
    pub block: Cow<'a, [u8]>,
}

/// Why a connection was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {text}")]
pub struct Refusal {
    /// The kind of reason.
    pub code: RefusalCode,
    /// The particulars, at most 1000 bytes; what is longer is cut.
    pub text: String,
}

/// Why a connection ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bye {
    /// The kind of reason.
    pub code: Goodbye,
    /// The particulars, at most 1000 bytes; what is longer is cut.
    pub text: String,
}

/// Why bytes are not a frame. The connection cannot go on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// The length in front is over the limit.
    #[error("a frame of {seen} bytes; at most {max} are taken here")]
    TooLong {
        /// The length.
        seen: u32,
        /// The limit.
        max: usize,
    },
    /// The length in front does not even count kind and flags.
    #[error("a frame of {seen} bytes; at least {HEADER_BYTES} are wanted")]
    TooShort {
        /// The length.
        seen: u32,
    },
    /// The frame ends inside a field.
    #[error("in a {kind} frame: {short}")]
    Short {
        /// The frame.
        kind: Kind,
        /// Where and what.
        short: Short,
    },
    /// There are bytes behind the last field.
    #[error("{count} bytes follow the last field of a {kind} frame")]
    Trailing {
        /// The frame.
        kind: Kind,
        /// How many bytes.
        count: usize,
    },
    /// The kind is not known, and the frame is not optional.
    #[error("a frame of kind {kind:#04x}, which is not known here and not optional")]
    UnknownKind {
        /// The kind.
        kind: u8,
    },
    /// A flag is set that has no meaning.
    #[error("flags {flags:#04x} in a frame of kind {kind:#04x}; the bits {:#04x} are reserved and 0", !OPTIONAL)]
    ReservedFlags {
        /// The kind.
        kind: u8,
        /// The flags.
        flags: u8,
    },
    /// An unknown frame of a numbered kind has no sequence.
    #[error("a frame of kind {kind:#04x} ends before its sequence")]
    NoSequence {
        /// The kind.
        kind: u8,
    },
    /// The magic in a HELLO or WELCOME is another.
    #[error("the magic {seen:02x?}; {:02x?} is wanted", crate::hello::MAGIC)]
    Magic {
        /// What stands there.
        seen: [u8; 3],
    },
    /// The role in a HELLO or WELCOME is another.
    #[error("the role {seen:#04x} in a {kind} frame; {wanted:#04x} is wanted")]
    Role {
        /// The frame.
        kind: Kind,
        /// The role that stands there.
        seen: u8,
        /// The role that belongs there.
        wanted: u8,
    },
    /// A field has a value that it may not have.
    #[error("{field} is {seen} in a {kind} frame; {wanted} is wanted")]
    Field {
        /// The frame.
        kind: Kind,
        /// The field.
        field: &'static str,
        /// Its value.
        seen: u64,
        /// The values that it may have.
        wanted: &'static str,
    },
    /// A text is not UTF-8.
    #[error("{field} of a {kind} frame is not UTF-8")]
    NotText {
        /// The frame.
        kind: Kind,
        /// The field.
        field: &'static str,
    },
}

impl Refusal {
    /// A refusal with a text, which is cut when it is too long.
    pub fn new(code: RefusalCode, text: impl AsRef<str>) -> Refusal {
        Refusal { code, text: cut(text.as_ref(), limits::TEXT_BYTES_MAX).to_owned() }
    }
}

impl Bye {
    /// A goodbye with a text, which is cut when it is too long.
    pub fn new(code: Goodbye, text: impl AsRef<str>) -> Bye {
        Bye { code, text: cut(text.as_ref(), limits::TEXT_BYTES_MAX).to_owned() }
    }
}

impl<'a> Frame<'a> {
    /// Appends the frame with its length to `out`. A [`Frame::Skipped`] has no content of its own: it becomes an optional
    /// frame with its sequence alone.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Frame::Hello(hello) => whole(Kind::Hello.number(), 0, out, |out| hello.encode(out)),
            Frame::Welcome(welcome) => whole(Kind::Welcome.number(), 0, out, |out| welcome.encode(out)),
            Frame::Refuse(refusal) => whole(Kind::Refuse.number(), 0, out, |out| {
                out.extend(refusal.code.number().to_le_bytes());
                text(cut(&refusal.text, limits::TEXT_BYTES_MAX), out);
            }),
            Frame::Numbered(sequence, message) => whole(message.kind().number(), 0, out, |out| {
                out.extend(sequence.0.to_le_bytes());
                message.encode_body(out);
            }),
            Frame::Fragment(sequence, fragment) => whole(Kind::Fragment.number(), 0, out, |out| {
                out.extend(sequence.0.to_le_bytes());
                out.extend(fragment.stream.to_le_bytes());
                out.push(fragment.last.into());
                out.extend_from_slice(&fragment.bytes);
            }),
            Frame::Ack(sequence) => {
                whole(Kind::Ack.number(), 0, out, |out| out.extend(sequence.0.to_le_bytes()));
            }
            Frame::Ping(number) => whole(Kind::Ping.number(), 0, out, |out| out.extend(number.to_le_bytes())),
            Frame::Pong(number) => whole(Kind::Pong.number(), 0, out, |out| out.extend(number.to_le_bytes())),
            Frame::Bye(bye) => whole(Kind::Bye.number(), 0, out, |out| {
                out.extend(bye.code.number().to_le_bytes());
                text(cut(&bye.text, limits::TEXT_BYTES_MAX), out);
            }),
            Frame::Gossip(packet) => whole(Kind::Gossip.number(), 0, out, |out| {
                out.extend_from_slice(packet.get(..limits::GOSSIP_BYTES_MAX).unwrap_or(packet));
            }),
            Frame::Compressed(compressed) => whole(Kind::Compressed.number(), 0, out, |out| {
                out.extend(compressed.size.to_le_bytes());
                out.extend_from_slice(&compressed.block);
            }),
            Frame::Skipped(kind, sequence) => whole(*kind, OPTIONAL, out, |out| {
                out.extend(sequence.iter().flat_map(|sequence| sequence.0.to_le_bytes()));
            }),
        }
    }

    /// The frame of these bytes, which are kind, flags and body, as a [`Decoder`] gives them.
    ///
    /// # Errors
    /// When they are none; nothing is kept.
    pub fn decode(bytes: &'a [u8]) -> Result<Frame<'a>, FrameError> {
        let mut body = Cursor::new(bytes);
        let (Ok(number), Ok(flags)) = (body.u8(), body.u8()) else {
            return Err(FrameError::TooShort { seen: bytes.len() as u32 });
        };
        if flags & !OPTIONAL != 0 {
            return Err(FrameError::ReservedFlags { kind: number, flags });
        }
        let unknown = |body: &mut Cursor<'a>| match (flags & OPTIONAL != 0, class(number)) {
            (false, _) => Err(FrameError::UnknownKind { kind: number }),
            (true, Class::Handshake | Class::Plain) => Ok(Frame::Skipped(number, None)),
            (true, Class::Numbered) => {
                let sequence = body.u64().map_err(|_| FrameError::NoSequence { kind: number })?;
                Ok(Frame::Skipped(number, Some(Sequence(sequence))))
            }
        };
        let Some(kind) = Kind::of(number) else { return unknown(&mut body) };
        let mut fields = Fields { kind, body };
        let frame = match kind {
            Kind::Hello => Frame::Hello(Hello::decode(&mut fields)?),
            Kind::Welcome => Frame::Welcome(Welcome::decode(&mut fields)?),
            Kind::Refuse => {
                let code = fields.u16()?;
                let code = RefusalCode::of(code).ok_or_else(|| fields.wrong("the code", code, "a known code"))?;
                Frame::Refuse(Refusal { code, text: fields.text("the text", limits::TEXT_BYTES_MAX)?.to_owned() })
            }
            Kind::Bye => {
                let code = fields.u16()?;
                let code = Goodbye::of(code).ok_or_else(|| fields.wrong("the code", code, "a known code"))?;
                Frame::Bye(Bye { code, text: fields.text("the text", limits::TEXT_BYTES_MAX)?.to_owned() })
            }
            Kind::Ack => Frame::Ack(Sequence(fields.u64()?)),
            Kind::Ping => Frame::Ping(fields.u64()?),
            Kind::Pong => Frame::Pong(fields.u64()?),
            Kind::Gossip => {
                let packet = fields.body.rest();
                if packet.len() > limits::GOSSIP_BYTES_MAX {
                    return Err(fields.wrong("the length of the packet", packet.len() as u64, "at most 16384"));
                }
                Frame::Gossip(Cow::Borrowed(packet))
            }
            Kind::Fragment => {
                let sequence = Sequence(fields.u64()?);
                let (stream, last) = (fields.u32()?, fields.flag("the last flag")?);
                Frame::Fragment(sequence, Fragment { stream, last, bytes: Cow::Borrowed(fields.body.rest()) })
            }
            Kind::Compressed => {
                let size = fields.u32()?;
                Frame::Compressed(Compressed { size, block: Cow::Borrowed(fields.body.rest()) })
            }
            Kind::Member => return unknown(&mut fields.body),
            Kind::Send
            | Kind::Request
            | Kind::Refused
            | Kind::Reply
            | Kind::Link
            | Kind::Unlink
            | Kind::Exit
            | Kind::Watch
            | Kind::Gone
            | Kind::Credit
            | Kind::Spawn
            | Kind::Spawned
            | Kind::Fetch
            | Kind::Code
            | Kind::Ask
            | Kind::Answer
            | Kind::Types
            | Kind::Name
            | Kind::NameFree
            | Kind::Group => Frame::Numbered(Sequence(fields.u64()?), Message::decode_body(&mut fields)?),
        };
        fields.end()?;
        Ok(frame)
    }

    /// What this frame is, for a log.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Frame::Hello(_) => Kind::Hello.name(),
            Frame::Welcome(_) => Kind::Welcome.name(),
            Frame::Refuse(_) => Kind::Refuse.name(),
            Frame::Numbered(_, message) => message.kind().name(),
            Frame::Fragment(..) => Kind::Fragment.name(),
            Frame::Ack(_) => Kind::Ack.name(),
            Frame::Ping(_) => Kind::Ping.name(),
            Frame::Pong(_) => Kind::Pong.name(),
            Frame::Bye(_) => Kind::Bye.name(),
            Frame::Gossip(_) => Kind::Gossip.name(),
            Frame::Compressed(_) => Kind::Compressed.name(),
            Frame::Skipped(..) => "unknown optional",
        }
    }
}

/// Appends a frame whose body `body` writes, and then its length in front.
pub(crate) fn whole(kind: u8, flags: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    out.extend_from_slice(&[kind, flags]);
    body(out);
    let length = (out.len() - start - LENGTH_BYTES) as u32;
    if let Some(place) = out.get_mut(start..start + LENGTH_BYTES) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Appends a text: its length as `u16`, then its bytes. Callers keep to limits below 64 KiB.
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    let text = cut(text, u16::MAX.into());
    out.extend((text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The fields of a frame of a known kind, which errors name.
pub(crate) struct Fields<'a> {
    pub(crate) kind: Kind,
    pub(crate) body: Cursor<'a>,
}

impl<'a> Fields<'a> {
    /// One field, by the cursor's way to read it.
    pub(crate) fn read<T>(&mut self, read: impl FnOnce(&mut Cursor<'a>) -> Result<T, Short>) -> Result<T, FrameError> {
        read(&mut self.body).map_err(|short| FrameError::Short { kind: self.kind, short })
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FrameError> {
        self.read(Cursor::u8)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FrameError> {
        self.read(Cursor::u16)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FrameError> {
        self.read(Cursor::u32)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FrameError> {
        self.read(Cursor::u64)
    }

    /// A byte that is 0 or 1.
    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, FrameError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            seen => Err(self.wrong(field, seen, "0 or 1")),
        }
    }

    /// A text whose length is a `u16`.
    pub(crate) fn text(&mut self, field: &'static str, bytes_max: usize) -> Result<&'a str, FrameError> {
        let length = self.u16()?;
        if usize::from(length) > bytes_max {
            return Err(self.wrong(field, length, "a shorter text"));
        }
        let bytes = self.read(|body| body.take(length.into()))?;
        std::str::from_utf8(bytes).map_err(|_| FrameError::NotText { kind: self.kind, field })
    }

    /// All bytes up to the frame's end.
    pub(crate) fn rest(&mut self, bytes_max: usize) -> Result<Cow<'a, [u8]>, FrameError> {
        let bytes = self.body.rest();
        if bytes.len() > bytes_max {
            return Err(self.wrong("the length of the body", bytes.len() as u64, "a shorter body"));
        }
        Ok(Cow::Borrowed(bytes))
    }

    /// The error for a field that has a wrong value.
    pub(crate) fn wrong(&self, field: &'static str, seen: impl Into<u64>, wanted: &'static str) -> FrameError {
        FrameError::Field { kind: self.kind, field, seen: seen.into(), wanted }
    }

    /// Nothing is left.
    pub(crate) fn end(&self) -> Result<(), FrameError> {
        match self.body.left().len() {
            0 => Ok(()),
            count => Err(FrameError::Trailing { kind: self.kind, count }),
        }
    }
}
