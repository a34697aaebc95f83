//! Messages: what fibers and nodes say to each other in a session, each exactly once and in order.

use super::{Bounds, Fields, FrameError, text};
use crate::bytes::{Cursor, cut};
use crate::id::{ActorId, Address};
use crate::limits;
use crate::packed::Values;
use crate::table::{Kind, NamePolicy, SpawnRefusal};
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::shape::TypeKey;
use std::borrow::Cow;

/// A message of a session. Values and reasons are bytes as [`value`](crate::value) and [`reason`](crate::reason) write
/// and read them: they depend on what the node knows of addresses, which frames do not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message<'a> {
    /// A message from one fiber to another.
    Send {
        /// Who sends.
        from: ActorId,
        /// To whom.
        to: Address,
        /// The value.
        value: Values<'a>,
    },
    /// A message from one fiber to another that asks for a reply.
    Request {
        /// Who asks.
        from: ActorId,
        /// To whom.
        to: Address,
        /// Which of its tokens it asks under.
        number: u64,
        /// The value.
        value: Values<'a>,
    },
    /// A request of the fiber `to` was not taken.
    Refused {
        /// Whom it was for.
        from: ActorId,
        /// Who asked.
        to: Address,
        /// Which of its tokens it asked under.
        number: u64,
        /// The reason's bytes.
        reason: Cow<'a, [u8]>,
    },
    /// The reply to a request of the fiber `to`.
    Reply {
        /// Who replies.
        from: ActorId,
        /// Who asked.
        to: Address,
        /// Which of its tokens it asked under.
        number: u64,
        /// The value.
        value: Values<'a>,
    },
    /// A fiber links itself to another.
    Link {
        /// Who; with its tag, so that the other's end can be told to it.
        from: Address,
        /// To whom.
        to: Address,
    },
    /// A fiber gives a link up.
    Unlink {
        /// Who.
        from: ActorId,
        /// The other fiber of the link.
        to: Address,
    },
    /// An exit signal.
    Exit {
        /// From whom; with its tag, so that it can be answered.
        from: Address,
        /// To whom.
        to: Address,
        /// The reason's bytes.
        reason: Cow<'a, [u8]>,
    },
    /// The node wants to be told when a fiber ends.
    Watch {
        /// Which.
        fiber: Address,
    },
    /// A fiber that is watched has ended. It comes after every message of that fiber's.
    Gone {
        /// Which.
        fiber: ActorId,
        /// The reason's bytes.
        reason: Cow<'a, [u8]>,
    },
    /// Fibers of the node that gets this may send more to a fiber.
    Credit {
        /// To which.
        fiber: ActorId,
        /// Messages more.
        messages: u32,
        /// Bytes more.
        bytes: u64,
    },
    /// A fiber is to be started.
    Spawn {
        /// The number that the answer carries.
        request: u64,
        /// For whom.
        from: Address,
        /// Whether the two are to be linked from the beginning.
        linked: bool,
        /// The module of its function.
        module: ModuleHash,
        /// Which function of the module, by its place there.
        function: u32,
        /// Its limits.
        bounds: Bounds,
        /// The arguments.
        args: Values<'a>,
    },
    /// What came of [`Message::Spawn`].
    Spawned {
        /// The number of that.
        request: u64,
        /// The fiber, or why there is none.
        result: Result<Address, (SpawnRefusal, Cow<'a, str>)>,
    },
    /// The module of a hash is wanted.
    Fetch {
        /// The number that the answers carry.
        request: u64,
        /// The module's hash.
        module: ModuleHash,
    },
    /// A piece of a set of types that values name by number; the pieces come in order, and those of a set one behind the other.
    Types {
        /// Which piece, from 0.
        chunk: u32,
        /// How many pieces there are.
        chunks: u32,
        /// The piece, at most 32 KiB.
        bytes: Cow<'a, [u8]>,
    },
    /// A fiber of the node has a name in the cluster, in place of the one that had it before.
    Name {
        /// Which fiber.
        fiber: Address,
        /// When it was registered, by the clock of its node: nanoseconds since 1970.
        time: u64,
        /// Who keeps the name when a fiber of another node has it as well.
        policy: NamePolicy,
        /// The type of the messages that the fiber takes.
        ty: TypeKey,
        /// The name, at most 255 bytes.
        name: Cow<'a, str>,
    },
    /// A fiber of the node has a name in the cluster no longer. It comes before the fiber's [`Message::Gone`].
    NameFree {
        /// The name, at most 255 bytes.
        name: Cow<'a, str>,
    },
    /// A fiber of the node has joined a group, or has left it, which comes before the fiber's [`Message::Gone`].
    Group {
        /// Which fiber.
        fiber: Address,
        /// The type of the messages that it takes; nothing when it has left.
        joined: Option<TypeKey>,
        /// The group's name, at most 255 bytes.
        group: Cow<'a, str>,
    },
    /// Somebody who operates the cluster asks something.
    Ask {
        /// The number that the answer carries.
        request: u64,
        /// What is asked, as MessagePack; at most 64 KiB.
        body: Cow<'a, [u8]>,
    },
    /// What came of [`Message::Ask`].
    Answer {
        /// The number of that.
        request: u64,
        /// What is answered, as MessagePack; at most 256 KiB.
        body: Cow<'a, [u8]>,
    },
    /// A piece of a module; the pieces come in order.
    Code {
        /// The number of the [`Message::Fetch`].
        request: u64,
        /// Which piece, from 0; 0 when there is none.
        chunk: u32,
        /// How many pieces there are; 0 when the node has no such module.
        chunks: u32,
        /// The piece, at most 32 KiB.
        bytes: Cow<'a, [u8]>,
    },
}

/// What a message has to keep its place among.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Lane {
    /// What one fiber sends to another.
    Pair(ActorId, ActorId),
    /// What one fiber sends to anybody.
    From(ActorId),
    /// Nothing.
    Free,
}

impl Message<'_> {
    /// The kind of its frame.
    pub fn kind(&self) -> Kind {
        match self {
            Message::Send { .. } => Kind::Send,
            Message::Request { .. } => Kind::Request,
            Message::Refused { .. } => Kind::Refused,
            Message::Reply { .. } => Kind::Reply,
            Message::Link { .. } => Kind::Link,
            Message::Unlink { .. } => Kind::Unlink,
            Message::Exit { .. } => Kind::Exit,
            Message::Watch { .. } => Kind::Watch,
            Message::Gone { .. } => Kind::Gone,
            Message::Credit { .. } => Kind::Credit,
            Message::Spawn { .. } => Kind::Spawn,
            Message::Spawned { .. } => Kind::Spawned,
            Message::Fetch { .. } => Kind::Fetch,
            Message::Code { .. } => Kind::Code,
            Message::Types { .. } => Kind::Types,
            Message::Name { .. } => Kind::Name,
            Message::NameFree { .. } => Kind::NameFree,
            Message::Group { .. } => Kind::Group,
            Message::Ask { .. } => Kind::Ask,
            Message::Answer { .. } => Kind::Answer,
        }
    }

    /// Whether it is about fibers and nodes and not the content of programs: a full session has room for it.
    pub fn is_signal(&self) -> bool {
        match self {
            Message::Link { .. }
            | Message::Unlink { .. }
            | Message::Exit { .. }
            | Message::Watch { .. }
            | Message::Gone { .. }
            | Message::Credit { .. }
            | Message::Refused { .. }
            | Message::Name { .. }
            | Message::NameFree { .. }
            | Message::Group { .. }
            | Message::Spawned { .. } => true,
            Message::Send { .. }
            | Message::Request { .. }
            | Message::Reply { .. }
            | Message::Spawn { .. }
            | Message::Fetch { .. }
            | Message::Types { .. }
            | Message::Ask { .. }
            | Message::Answer { .. }
            | Message::Code { .. } => false,
        }
    }

    pub(crate) fn lane(&self) -> Lane {
        match self {
            Message::Send { from, to, .. }
            | Message::Request { from, to, .. }
            | Message::Refused { from, to, .. }
            | Message::Reply { from, to, .. }
            | Message::Unlink { from, to } => Lane::Pair(*from, to.id),
            Message::Link { from, to } | Message::Exit { from, to, .. } => Lane::Pair(from.id, to.id),
            Message::Gone { fiber, .. } => Lane::From(*fiber),
            Message::Watch { .. }
            | Message::Credit { .. }
            | Message::Spawn { .. }
            | Message::Spawned { .. }
            | Message::Fetch { .. }
            | Message::Code { .. }
            | Message::Types { .. }
            | Message::Name { .. }
            | Message::NameFree { .. }
            | Message::Group { .. }
            | Message::Ask { .. }
            | Message::Answer { .. } => Lane::Free,
        }
    }

    /// The message with bytes of its own.
    pub fn into_owned(self) -> Message<'static> {
        fn own<T: ToOwned + ?Sized>(bytes: Cow<'_, T>) -> Cow<'static, T> {
            Cow::Owned(bytes.into_owned())
        }
        match self {
            Message::Send { from, to, value } => Message::Send { from, to, value: value.into_owned() },
            Message::Request { from, to, number, value } => Message::Request { from, to, number, value: value.into_owned() },
            Message::Refused { from, to, number, reason } => Message::Refused { from, to, number, reason: own(reason) },
            Message::Reply { from, to, number, value } => Message::Reply { from, to, number, value: value.into_owned() },
            Message::Link { from, to } => Message::Link { from, to },
            Message::Unlink { from, to } => Message::Unlink { from, to },
            Message::Exit { from, to, reason } => Message::Exit { from, to, reason: own(reason) },
            Message::Watch { fiber } => Message::Watch { fiber },
            Message::Gone { fiber, reason } => Message::Gone { fiber, reason: own(reason) },
            Message::Credit { fiber, messages, bytes } => Message::Credit { fiber, messages, bytes },
            Message::Spawn { request, from, linked, module, function, bounds, args } => {
                Message::Spawn { request, from, linked, module, function, bounds, args: args.into_owned() }
            }
            Message::Spawned { request, result } => {
                Message::Spawned { request, result: result.map_err(|(code, text)| (code, own(text))) }
            }
            Message::Fetch { request, module } => Message::Fetch { request, module },
            Message::Code { request, chunk, chunks, bytes } => Message::Code { request, chunk, chunks, bytes: own(bytes) },
            Message::Types { chunk, chunks, bytes } => Message::Types { chunk, chunks, bytes: own(bytes) },
            Message::Name { fiber, time, policy, ty, name } => Message::Name { fiber, time, policy, ty, name: own(name) },
            Message::NameFree { name } => Message::NameFree { name: own(name) },
            Message::Group { fiber, joined, group } => Message::Group { fiber, joined, group: own(group) },
            Message::Ask { request, body } => Message::Ask { request, body: own(body) },
            Message::Answer { request, body } => Message::Answer { request, body: own(body) },
        }
    }

    /// Appends what stands behind the sequence.
    pub(crate) fn encode_body(&self, out: &mut Vec<u8>) {
        match self {
            Message::Send { from, to, value } => {
                out.extend(from.to_bytes());
                out.extend(to.to_bytes());
                value.encode(out);
            }
            Message::Exit { from, to, reason } => {
                out.extend(from.to_bytes());
                out.extend(to.to_bytes());
                out.extend_from_slice(reason);
            }
            Message::Request { from, to, number, value } | Message::Reply { from, to, number, value } => {
                out.extend(from.to_bytes());
                out.extend(to.to_bytes());
                out.extend(number.to_le_bytes());
                value.encode(out);
            }
            Message::Refused { from, to, number, reason } => {
                out.extend(from.to_bytes());
                out.extend(to.to_bytes());
                out.extend(number.to_le_bytes());
                out.extend_from_slice(reason);
            }
            Message::Link { from, to } => {
                out.extend(from.to_bytes());
                out.extend(to.to_bytes());
            }
            Message::Unlink { from, to } => {
                out.extend(from.to_bytes());
                out.extend(to.to_bytes());
            }
            Message::Watch { fiber } => out.extend(fiber.to_bytes()),
            Message::Gone { fiber, reason } => {
                out.extend(fiber.to_bytes());
                out.extend_from_slice(reason);
            }
            Message::Credit { fiber, messages, bytes } => {
                out.extend(fiber.to_bytes());
                out.extend(messages.to_le_bytes());
                out.extend(bytes.to_le_bytes());
            }
            Message::Spawn { request, from, linked, module, function, bounds, args } => {
                out.extend(request.to_le_bytes());
                out.extend(from.to_bytes());
                out.push((*linked).into());
                out.extend_from_slice(&module.0);
                out.extend(function.to_le_bytes());
                bounds.encode(out);
                args.encode(out);
            }
            Message::Spawned { request, result } => {
                out.extend(request.to_le_bytes());
                match result {
                    Ok(address) => {
                        out.push(0);
                        out.extend(address.to_bytes());
                    }
                    Err((code, why)) => {
                        out.push(1);
                        out.extend(code.number().to_le_bytes());
                        text(cut(why, limits::TEXT_BYTES_MAX), out);
                    }
                }
            }
            Message::Fetch { request, module } => {
                out.extend(request.to_le_bytes());
                out.extend_from_slice(&module.0);
            }
            Message::Types { chunk, chunks, bytes } => {
                out.extend(chunk.to_le_bytes());
                out.extend(chunks.to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Message::Name { fiber, time, policy, ty, name } => {
                out.extend(fiber.to_bytes());
                out.extend(time.to_le_bytes());
                out.push(policy.number());
                out.extend_from_slice(&ty.0);
                text(cut(name, limits::NAME_BYTES_MAX), out);
            }
            Message::NameFree { name } => text(cut(name, limits::NAME_BYTES_MAX), out),
            Message::Group { fiber, joined, group } => {
                out.extend(fiber.to_bytes());
                out.push(joined.is_some().into());
                out.extend(joined.iter().flat_map(|ty| ty.0));
                text(cut(group, limits::NAME_BYTES_MAX), out);
            }
            Message::Ask { request, body } | Message::Answer { request, body } => {
                out.extend(request.to_le_bytes());
                out.extend_from_slice(body);
            }
            Message::Code { request, chunk, chunks, bytes } => {
                out.extend(request.to_le_bytes());
                out.extend(chunk.to_le_bytes());
                out.extend(chunks.to_le_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }
}

impl<'a> Message<'a> {
    /// What stands behind the sequence; the caller looks whether all was read.
    pub(crate) fn decode_body(fields: &mut Fields<'a>) -> Result<Message<'a>, FrameError> {
        let kind = fields.kind;
        Ok(match kind {
            Kind::Send => Message::Send {
                from: fields.read(ActorId::read)?,
                to: fields.read(Address::read)?,
                value: fields.read(Values::read)?,
            },
            Kind::Request => Message::Request {
                from: fields.read(ActorId::read)?,
                to: fields.read(Address::read)?,
                number: fields.u64()?,
                value: fields.read(Values::read)?,
            },
            Kind::Refused => Message::Refused {
                from: fields.read(ActorId::read)?,
                to: fields.read(Address::read)?,
                number: fields.u64()?,
                reason: Cow::Borrowed(fields.body.rest()),
            },
            Kind::Reply => Message::Reply {
                from: fields.read(ActorId::read)?,
                to: fields.read(Address::read)?,
                number: fields.u64()?,
                value: fields.read(Values::read)?,
            },
            Kind::Link => Message::Link { from: fields.read(Address::read)?, to: fields.read(Address::read)? },
            Kind::Unlink => Message::Unlink { from: fields.read(ActorId::read)?, to: fields.read(Address::read)? },
            Kind::Exit => Message::Exit {
                from: fields.read(Address::read)?,
                to: fields.read(Address::read)?,
                reason: Cow::Borrowed(fields.body.rest()),
            },
            Kind::Watch => Message::Watch { fiber: fields.read(Address::read)? },
            Kind::Gone => Message::Gone { fiber: fields.read(ActorId::read)?, reason: Cow::Borrowed(fields.body.rest()) },
            Kind::Credit => {
                Message::Credit { fiber: fields.read(ActorId::read)?, messages: fields.u32()?, bytes: fields.u64()? }
            }
            Kind::Spawn => Message::Spawn {
                request: fields.u64()?,
                from: fields.read(Address::read)?,
                linked: fields.flag("the link flag")?,
                module: ModuleHash(fields.read(Cursor::array)?),
                function: fields.u32()?,
                bounds: Bounds::decode(fields)?,
                args: fields.read(Values::read)?,
            },
            Kind::Spawned => {
                let request = fields.u64()?;
                let result = if fields.flag("the result")? {
                    let code = fields.u16()?;
                    let known = SpawnRefusal::of(code);
                    let code = known.ok_or_else(|| fields.wrong("the code", code, "a known code"))?;
                    Err((code, Cow::Borrowed(fields.text("the text", limits::TEXT_BYTES_MAX)?)))
                } else {
                    Ok(fields.read(Address::read)?)
                };
                Message::Spawned { request, result }
            }
            Kind::Fetch => Message::Fetch { request: fields.u64()?, module: ModuleHash(fields.read(Cursor::array)?) },
            Kind::Code => {
                let request = fields.u64()?;
                let (chunk, chunks, bytes) = decode_chunk(fields)?;
                Message::Code { request, chunk, chunks, bytes }
            }
            Kind::Types => {
                let (chunk, chunks, bytes) = decode_chunk(fields)?;
                Message::Types { chunk, chunks, bytes }
            }
            Kind::Name => {
                let (fiber, time, policy) = (fields.read(Address::read)?, fields.u64()?, fields.read(Cursor::u8)?);
                let known = NamePolicy::of(policy);
                let policy = known.ok_or_else(|| fields.wrong("the policy", policy, "a known policy"))?;
                let ty = TypeKey(fields.read(Cursor::array)?);
                let name = Cow::Borrowed(fields.text("the name", limits::NAME_BYTES_MAX)?);
                Message::Name { fiber, time, policy, ty, name }
            }
            Kind::NameFree => Message::NameFree { name: Cow::Borrowed(fields.text("the name", limits::NAME_BYTES_MAX)?) },
            Kind::Group => {
                let (fiber, joined) = (fields.read(Address::read)?, fields.flag("whether it joined")?);
                let joined = if joined { Some(TypeKey(fields.read(Cursor::array)?)) } else { None };
                Message::Group { fiber, joined, group: Cow::Borrowed(fields.text("the group", limits::NAME_BYTES_MAX)?) }
            }
            Kind::Ask => Message::Ask { request: fields.u64()?, body: fields.rest(limits::ASK_BYTES_MAX)? },
            Kind::Answer => Message::Answer { request: fields.u64()?, body: fields.rest(limits::ANSWER_BYTES_MAX)? },
            Kind::Hello
            | Kind::Welcome
            | Kind::Refuse
            | Kind::Member
            | Kind::Fragment
            | Kind::Ack
            | Kind::Ping
            | Kind::Pong
            | Kind::Bye
            | Kind::Gossip
            | Kind::Compressed => return Err(FrameError::UnknownKind { kind: kind.number() }),
        })
    }

    /// The message of these bytes, which are kind, flags and body, as fragments carry them; none when it may be skipped.
    pub(crate) fn decode_assembled(bytes: &'a [u8]) -> Result<Option<Message<'a>>, FrameError> {
        let mut body = Cursor::new(bytes);
        let (Ok(number), Ok(flags)) = (body.u8(), body.u8()) else {
            return Err(FrameError::TooShort { seen: bytes.len() as u32 });
        };
        if flags & !super::OPTIONAL != 0 {
            return Err(FrameError::ReservedFlags { kind: number, flags });
        }
        let mut fields = match Kind::of(number) {
            Some(kind) => Fields { kind, body },
            None if flags & super::OPTIONAL != 0 => return Ok(None),
            None => return Err(FrameError::UnknownKind { kind: number }),
        };
        let message = Message::decode_body(&mut fields)?;
        fields.end()?;
        Ok(Some(message))
    }
}

/// A piece of something large: which, of how many, and its bytes.
fn decode_chunk<'a>(fields: &mut Fields<'a>) -> Result<(u32, u32, Cow<'a, [u8]>), FrameError> {
    let (chunk, chunks) = (fields.u32()?, fields.u32()?);
    if chunks > limits::CODE_CHUNKS_MAX {
        return Err(fields.wrong("the number of chunks", chunks, "at most what the largest module has"));
    }
    if chunk >= chunks.max(1) {
        return Err(fields.wrong("the chunk", chunk, "less than the number of chunks"));
    }
    let bytes = fields.body.rest();
    if bytes.len() > limits::CODE_CHUNK_BYTES_MAX || (chunks == 0 && !bytes.is_empty()) {
        return Err(fields.wrong("the length of the chunk", bytes.len() as u64, "at most 32768, or 0 without a module"));
    }
    Ok((chunk, chunks, Cow::Borrowed(bytes)))
}
