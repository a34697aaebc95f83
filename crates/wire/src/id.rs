//! Who is who: nodes, fibers anywhere, and addresses that cannot be guessed.
//!
//! **Invariant:** a [`Tag`] is never printed; whoever holds an address may use it.

use crate::bytes::{Cursor, Short};
use fardel_vm::fiber::FiberId;
use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

/// A node: 16 bytes that stay the same for its lifetime and that it proves when it connects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 16]);

/// How often a node has been started, the first time being 1; a restarted node has a higher one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Incarnation(pub u32);

/// A fiber anywhere: where it was born, and which it is there. Never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId {
    /// The node where it was born.
    pub node: NodeId,
    /// The incarnation of that node.
    pub incarnation: Incarnation,
    /// Which fiber of that incarnation.
    pub fiber: FiberId,
}

/// The part of an address that cannot be guessed. Its `Debug` form says nothing of the content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub [u8; 16]);

/// What one needs to send to a fiber: its id and the tag that its node gave out for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    /// Which fiber.
    pub id: ActorId,
    /// What proves that the holder was given the address.
    pub tag: Tag,
}

/// A node's secret, of which the tags of its fibers follow.
#[derive(Clone)]
pub struct TagKey([u8; 32]);

/// A text that is not a node's id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not the id of a node: 32 hexadecimal digits are wanted")]
pub struct NotANodeId(pub String);

impl ActorId {
    /// Bytes of an id: node 16, incarnation 4, slot 4, generation 4; numbers little-endian.
    pub const BYTES: usize = 28;

    /// The first id in their order.
    pub(crate) const LEAST: ActorId =
        ActorId { node: NodeId([0; 16]), incarnation: Incarnation(0), fiber: FiberId { slot: 0, generation: 0 } };
    /// The last id in their order.
    pub(crate) const GREATEST: ActorId = ActorId {
        node: NodeId([u8::MAX; 16]),
        incarnation: Incarnation(u32::MAX),
        fiber: FiberId { slot: u32::MAX, generation: u32::MAX },
    };

    /// The id as bytes.
    pub fn to_bytes(self) -> [u8; ActorId::BYTES] {
        let mut bytes = [0; ActorId::BYTES];
        bytes[..16].copy_from_slice(&self.node.0);
        bytes[16..20].copy_from_slice(&self.incarnation.0.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.fiber.slot.to_le_bytes());
        bytes[24..].copy_from_slice(&self.fiber.generation.to_le_bytes());
        bytes
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Result<ActorId, Short> {
        Ok(ActorId {
            node: NodeId(from.array()?),
            incarnation: Incarnation(from.u32()?),
            fiber: FiberId { slot: from.u32()?, generation: from.u32()? },
        })
    }
}

impl Address {
    /// Bytes of an address: those of its id, then the tag's 16.
    pub const BYTES: usize = ActorId::BYTES + 16;

    /// The address as bytes.
    pub fn to_bytes(self) -> [u8; Address::BYTES] {
        let mut bytes = [0; Address::BYTES];
        bytes[..ActorId::BYTES].copy_from_slice(&self.id.to_bytes());
        bytes[ActorId::BYTES..].copy_from_slice(&self.tag.0);
        bytes
    }

    /// The address that these bytes are. Any 44 bytes are one; whether its tag is right, [`TagKey::check`] says.
    ///
    /// # Errors
    /// When there are fewer bytes, or more.
    pub fn from_bytes(bytes: &[u8]) -> Result<Address, Short> {
        let mut cursor = Cursor::new(bytes);
        let address = Address::read(&mut cursor)?;
        match cursor.left().len() {
            0 => Ok(address),
            _ => Err(Short { at: 0, wanted: Address::BYTES, left: bytes.len() }),
        }
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Result<Address, Short> {
        Ok(Address { id: ActorId::read(from)?, tag: Tag(from.array()?) })
    }
}

impl TagKey {
    /// A key of 32 bytes that nobody else knows.
    pub fn new(secret: [u8; 32]) -> TagKey {
        TagKey(secret)
    }

    /// The tag of a fiber: the first 16 bytes of the keyed BLAKE3 hash of its id's 28 bytes.
    pub fn tag(&self, id: ActorId) -> Tag {
        let hash = blake3::keyed_hash(&self.0, &id.to_bytes());
        let mut tag = [0; 16];
        tag.copy_from_slice(&hash.as_bytes()[..16]);
        Tag(tag)
    }

    /// The address of a fiber.
    pub fn address(&self, id: ActorId) -> Address {
        Address { id, tag: self.tag(id) }
    }

    /// Whether this key gave out the address. Takes as long for any wrong tag, so that none can be found byte by byte.
    pub fn check(&self, address: &Address) -> bool {
        let right = self.tag(address.id);
        let differing = right.0.iter().zip(address.tag.0).fold(0, |seen, (a, b)| black_box(seen | (a ^ b)));
        black_box(differing) == 0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for NodeId {
    type Err = NotANodeId;

    fn from_str(text: &str) -> Result<NodeId, NotANodeId> {
        let wrong = || NotANodeId(text.chars().take(64).collect());
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| wrong())?;
        Ok(NodeId(number.to_be_bytes()))
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.node, self.incarnation.0, self.fiber)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor() -> ActorId {
        ActorId { node: NodeId([7; 16]), incarnation: Incarnation(3), fiber: FiberId { slot: 0x0102_0304, generation: 9 } }
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let address = TagKey::new([1; 32]).address(actor());
        assert_eq!(Address::from_bytes(&address.to_bytes()), Ok(address));
        assert!(Address::from_bytes(&address.to_bytes()[1..]).is_err());
        assert_eq!(address.to_bytes()[16..28], [3, 0, 0, 0, 4, 3, 2, 1, 9, 0, 0, 0]);
    }

    #[test]
    fn a_tag_is_good_for_one_fiber_and_one_key() {
        let (key, other) = (TagKey::new([1; 32]), TagKey::new([2; 32]));
        let address = key.address(actor());
        assert!(key.check(&address));
        assert!(!other.check(&address));
        for bit in 0..128 {
            let mut forged = address;
            forged.tag.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.check(&forged), "bit {bit}");
        }
        let mut moved = address;
        moved.id.fiber.generation += 1;
        assert!(!key.check(&moved));
    }

    #[test]
    fn nothing_prints_a_tag_or_a_key() {
        let key = TagKey::new([0xab; 32]);
        let printed = format!("{key:?} {:?}", Address { id: actor(), tag: Tag([0xcd; 16]) });
        assert!(!printed.contains("ab") && !printed.contains("cd") && !printed.contains("205"), "{printed}");
    }

    #[test]
    fn a_node_is_named_by_32_digits() {
        let node: NodeId = "000102030405060708090a0b0c0d0eFF".parse().expect("it is an id");
        assert_eq!(node.to_string(), "000102030405060708090a0b0c0d0eff");
        for wrong in [
            "",
            "00",
            "000102030405060708090a0b0c0d0e0",
            "+00102030405060708090a0b0c0d0e0f",
            "ä00102030405060708090a0b0c0d0e",
        ] {
            assert!(wrong.parse::<NodeId>().is_err(), "{wrong}");
        }
    }
}
