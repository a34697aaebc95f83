//! The bytes of a packet, as docs/spec/wire.md gives them, and what of a peer's packet is believed.
//!
//! **Invariant:** what is read of a packet's bytes has passed the bounds for names and addresses, and no count is believed
//! that the bytes behind it do not bear out.

use super::identity::{Identity, Place};
use bytes::{Buf, BufMut};
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::limits::{NODE_ADDRESS_BYTES_MAX, NODE_LABEL_BYTES_MAX, NODE_LABELS_MAX, NODE_NAME_BYTES_MAX};
use foca::{Codec, Header, Member, Message, State};

/// What foca reads and writes packets with.
#[derive(Debug)]
pub(crate) struct PacketCodec;

/// A packet that was read.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) header: Header<Identity>,
    /// Nothing where the purpose has no place for members.
    pub(crate) members: Option<Vec<Member<Identity>>>,
}

/// Why bytes are no packet, or have no room for one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum PacketError {
    /// They end inside a field, or go on behind the last.
    #[error("the packet has another length than its fields")]
    Length,
    /// A number stands for nothing.
    #[error("{0} is {1}, which stands for nothing")]
    Unknown(&'static str, u8),
    /// A text is too long.
    #[error("{0} has {1} bytes; at most {2} are taken")]
    Text(&'static str, usize, usize),
    /// A text is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotText(&'static str),
    /// A node has too many labels.
    #[error("a node has {0} labels; at most {1} are taken")]
    Labels(usize, usize),
}

const PROBE: u8 = 0;
const ACK: u8 = 1;
const PROBE_REQUEST: u8 = 2;
const INDIRECT_PROBE: u8 = 3;
const INDIRECT_ACK: u8 = 4;
const FORWARDED_ACK: u8 = 5;
const ANNOUNCE: u8 = 6;
const FEED: u8 = 7;
const GOSSIP: u8 = 8;
const UNDEAD: u8 = 9;

impl Packet {
    /// Reads a whole packet.
    ///
    /// # Errors
    /// When the bytes are none.
    pub(crate) fn read(mut bytes: &[u8]) -> Result<Packet, PacketError> {
        let header = PacketCodec.decode_header(&mut bytes)?;
        if !has_members(&header.message) {
            return if bytes.is_empty() { Ok(Packet { header, members: None }) } else { Err(PacketError::Length) };
        }
        let count = number(&mut bytes, |bytes| bytes.try_get_u16())?;
        let mut members = Vec::new();
        for _ in 0..count {
            members.push(PacketCodec.decode_member(&mut bytes)?);
        }
        if bytes.is_empty() { Ok(Packet { header, members: Some(members) }) } else { Err(PacketError::Length) }
    }

    /// The packet's bytes.
    ///
    /// # Errors
    /// Never, for one that was read.
    pub(crate) fn write(&self) -> Result<Vec<u8>, PacketError> {
        let mut bytes = Vec::new();
        PacketCodec.encode_header(&self.header, &mut bytes)?;
        if let Some(members) = &self.members {
            bytes.put_u16(u16::try_from(members.len()).map_err(|_| PacketError::Length)?);
            members.iter().try_for_each(|member| PacketCodec.encode_member(member, &mut bytes))?;
        }
        Ok(bytes)
    }
}

fn has_members(message: &Message<Identity>) -> bool {
    match message {
        Message::Announce | Message::TurnUndead | Message::Broadcast => false,
        Message::Ping(_)
        | Message::Ack(_)
        | Message::PingReq { .. }
        | Message::IndirectPing { .. }
        | Message::IndirectAck { .. }
        | Message::ForwardedAck { .. }
        | Message::Feed
        | Message::Gossip => true,
    }
}

impl Codec<Identity> for PacketCodec {
    type Error = PacketError;

    fn encode_header(&mut self, header: &Header<Identity>, mut buf: impl BufMut) -> Result<(), PacketError> {
        let Header { src, src_incarnation, dst, message } = header;
        put_identity(src, &mut buf)?;
        room(&buf, 2)?;
        buf.put_u16_le(*src_incarnation);
        put_short(dst, &mut buf)?;
        let (purpose, about, probe) = match message {
            Message::Ping(probe) => (PROBE, None, Some(probe)),
            Message::Ack(probe) => (ACK, None, Some(probe)),
            Message::PingReq { target, probe_number } => (PROBE_REQUEST, Some(target), Some(probe_number)),
            Message::IndirectPing { origin, probe_number } => (INDIRECT_PROBE, Some(origin), Some(probe_number)),
            Message::IndirectAck { target, probe_number } => (INDIRECT_ACK, Some(target), Some(probe_number)),
            Message::ForwardedAck { origin, probe_number } => (FORWARDED_ACK, Some(origin), Some(probe_number)),
            Message::Announce => (ANNOUNCE, None, None),
            Message::Feed => (FEED, None, None),
            // This node has no broadcasts of its own.
            Message::Gossip | Message::Broadcast => (GOSSIP, None, None),
            Message::TurnUndead => (UNDEAD, None, None),
        };
        room(&buf, 1)?;
        buf.put_u8(purpose);
        if let Some(about) = about {
            put_short(about, &mut buf)?;
        }
        if let Some(probe) = probe {
            room(&buf, 1)?;
            buf.put_u8(*probe);
        }
        Ok(())
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Identity>, PacketError> {
        let src = identity(&mut buf)?;
        let src_incarnation = number(&mut buf, |buf| buf.try_get_u16_le())?;
        let dst = short(&mut buf)?;
        let purpose = number(&mut buf, |buf| buf.try_get_u8())?;
        let about = match purpose {
            PROBE_REQUEST | INDIRECT_PROBE | INDIRECT_ACK | FORWARDED_ACK => Some(short(&mut buf)?),
            _ => None,
        };
        let probe_number = match purpose {
            PROBE..=FORWARDED_ACK => number(&mut buf, |buf| buf.try_get_u8())?,
            _ => 0,
        };
        let message = match (purpose, about) {
            (PROBE, None) => Message::Ping(probe_number),
            (ACK, None) => Message::Ack(probe_number),
            (PROBE_REQUEST, Some(target)) => Message::PingReq { target, probe_number },
            (INDIRECT_PROBE, Some(origin)) => Message::IndirectPing { origin, probe_number },
            (INDIRECT_ACK, Some(target)) => Message::IndirectAck { target, probe_number },
            (FORWARDED_ACK, Some(origin)) => Message::ForwardedAck { origin, probe_number },
            (ANNOUNCE, None) => Message::Announce,
            (FEED, None) => Message::Feed,
            (GOSSIP, None) => Message::Gossip,
            (UNDEAD, None) => Message::TurnUndead,
            (purpose, _) => return Err(PacketError::Unknown("the purpose", purpose)),
        };
        Ok(Header { src, src_incarnation, dst, message })
    }

    fn encode_member(&mut self, member: &Member<Identity>, mut buf: impl BufMut) -> Result<(), PacketError> {
        // Nothing is written when there is no room for all of it.
        let (name, address) = member.id().told();
        let labels: usize = member.id().labels().iter().map(|label| 2 + label.len()).sum();
        let bytes = FIXED_BYTES + 4 + name.len() + address.len() + 1 + labels + 3;
        room(&buf, bytes)?;
        put_identity(member.id(), &mut buf)?;
        buf.put_u16_le(member.incarnation());
        buf.put_u8(match member.state() {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
        });
        Ok(())
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<Member<Identity>, PacketError> {
        let id = identity(&mut buf)?;
        let refuted = number(&mut buf, |buf| buf.try_get_u16_le())?;
        let state = match number(&mut buf, |buf| buf.try_get_u8())? {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            state => return Err(PacketError::Unknown("a state", state)),
        };
        Ok(Member::new(id, refuted, state))
    }
}

/// Bytes of node, incarnation and renewal.
const FIXED_BYTES: usize = 24;

fn room(buf: &impl BufMut, bytes: usize) -> Result<(), PacketError> {
    if buf.remaining_mut() >= bytes { Ok(()) } else { Err(PacketError::Length) }
}

fn put_short(id: &Identity, buf: &mut impl BufMut) -> Result<(), PacketError> {
    room(buf, FIXED_BYTES)?;
    buf.put_slice(&id.node.0);
    buf.put_u32_le(id.incarnation.0);
    buf.put_u32_le(id.renewal);
    Ok(())
}

fn put_identity(id: &Identity, buf: &mut impl BufMut) -> Result<(), PacketError> {
    put_short(id, buf)?;
    let (name, address) = id.told();
    put_text("a name", name, NODE_NAME_BYTES_MAX, buf)?;
    put_text("an address", address, NODE_ADDRESS_BYTES_MAX, buf)?;
    let labels = id.labels();
    if labels.len() > NODE_LABELS_MAX {
        return Err(PacketError::Labels(labels.len(), NODE_LABELS_MAX));
    }
    room(buf, 1)?;
    buf.put_u8(labels.len() as u8);
    labels.iter().try_for_each(|label| put_text("a label", label, NODE_LABEL_BYTES_MAX, buf))
}

fn put_text(what: &'static str, text: &str, max: usize, buf: &mut impl BufMut) -> Result<(), PacketError> {
    if text.len() > max {
        return Err(PacketError::Text(what, text.len(), max));
    }
    room(buf, 2 + text.len())?;
    buf.put_u16_le(text.len() as u16);
    buf.put_slice(text.as_bytes());
    Ok(())
}

fn number<B: Buf, T>(buf: &mut B, read: impl FnOnce(&mut B) -> Result<T, bytes::TryGetError>) -> Result<T, PacketError> {
    read(buf).map_err(|_| PacketError::Length)
}

fn short(buf: &mut impl Buf) -> Result<Identity, PacketError> {
    let mut node = [0; 16];
    buf.try_copy_to_slice(&mut node).map_err(|_| PacketError::Length)?;
    let incarnation = Incarnation(number(buf, |buf| buf.try_get_u32_le())?);
    let renewal = number(buf, |buf| buf.try_get_u32_le())?;
    Ok(Identity { renewal, ..Identity::new(NodeId(node), incarnation) })
}

fn identity(buf: &mut impl Buf) -> Result<Identity, PacketError> {
    let id = short(buf)?;
    let name = text("a name", NODE_NAME_BYTES_MAX, buf)?;
    let address = text("an address", NODE_ADDRESS_BYTES_MAX, buf)?;
    let count = usize::from(number(buf, |buf| buf.try_get_u8())?);
    if count > NODE_LABELS_MAX {
        return Err(PacketError::Labels(count, NODE_LABELS_MAX));
    }
    let labels = (0..count).map(|_| text("a label", NODE_LABEL_BYTES_MAX, buf)).collect::<Result<_, _>>()?;
    Ok(id.at(Place { name, address, labels }))
}

fn text(what: &'static str, max: usize, buf: &mut impl Buf) -> Result<String, PacketError> {
    let length = usize::from(number(buf, |buf| buf.try_get_u16_le())?);
    if length > max {
        return Err(PacketError::Text(what, length, max));
    }
    if buf.remaining() < length {
        return Err(PacketError::Length);
    }
    let mut bytes = vec![0; length];
    buf.copy_to_slice(&mut bytes);
    String::from_utf8(bytes).map_err(|_| PacketError::NotText(what))
}
