//! Values on their way between machines, as bytes that do not depend on the machine: what another node is sent.
//!
//! A value is MessagePack. What has a type, such as a record or a list, is an array whose first item says which; the type is
//! a place in a table beside the bytes, as are addresses. So whoever carries the bytes on translates two tables and leaves
//! the bytes alone.
//!
//! | value | MessagePack |
//! | --- | --- |
//! | Null, Bool, Float | nil, bool, float 64 |
//! | Int | the shortest integer form |
//! | Text, Bytes | str, bin |
//! | tuple, record, object, variant | an array: [`Mark::Type`], the fields in order |
//! | List, Set | an array: `Type`, the elements |
//! | Map | an array: `Type`, key and value of each entry |
//! | Array | an array: `Type`, a bin of the elements, little-endian |
//! | a box around an option | an array: [`Mark::Some`], what is inside |
//! | Address, Ref | [`Mark::Address`], [`Mark::Ref`] |
//! | what came before | [`Mark::Back`] |
//!
//! What is counted for [`Mark::Back`] are the arrays with a type, but for variants without fields, and every text and byte
//! string of [`COUNTED_BYTES_MIN`] bytes or more that is a value of its own, in the order in which they begin.
//!
//! **Invariant:** what is read back is the same value, of the same types, with sharing and circles; and bytes that are no
//! value change nothing.

pub mod messagepack;
mod read;
mod write;

use crate::fiber::FiberId;
use crate::types::TypeId;
use std::borrow::Cow;
pub(crate) use write::write;

/// The number of a type in one machine, as long as that lives. Those below
/// [`FIRST_DECLARED`](fardel_bytecode::types::FIRST_DECLARED) are built in, and the same everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TypeNumber(pub u32);

/// Values as bytes, with what the bytes name by its place in a table.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Packed<'a> {
    /// The values, one behind the other; see the [module](self).
    pub bytes: Cow<'a, [u8]>,
    /// The fibers whose addresses are in it.
    pub fibers: Vec<FiberId>,
    /// First the static type of each value, then what other types there are.
    pub types: Vec<TypeNumber>,
}

impl Packed<'_> {
    /// The same with bytes of its own.
    pub fn into_owned(self) -> Packed<'static> {
        Packed { bytes: Cow::Owned(self.bytes.into_owned()), fibers: self.fibers, types: self.types }
    }

    /// About how many bytes it is with its tables.
    pub fn len(&self) -> usize {
        self.bytes.len() + self.fibers.len() * 44 + self.types.len() * 4
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// The extension types of packed values; an index is 1, 2 or 4 bytes, big-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum Mark {
    /// The first item of an array: the index of its type.
    Type = 16,
    /// Instead of a value: the index of a counted one that began before.
    Back = 17,
    /// The first item of an array of two: an option that is there, around one that may not be; its index is 0.
    Some = 18,
    /// An address: the index of its fiber.
    Address = 19,
    /// A token: the index of the fiber that made it in 4 bytes, and its number in 8, both big-endian.
    Ref = 20,
}

impl Mark {
    /// Every mark, in the order of the numbers.
    pub const ALL: [Mark; 5] = [Mark::Type, Mark::Back, Mark::Some, Mark::Address, Mark::Ref];

    /// Its number as an extension type.
    pub const fn number(self) -> i8 {
        self as i8
    }
}

/// From so many bytes on a text or byte string that is shared stays shared.
pub const COUNTED_BYTES_MIN: usize = 64;
/// Bytes of packed values: more than any node takes.
pub const PACKED_BYTES_MAX: usize = 1 << 30;
/// How deep values may be nested: a list of a million cells, and some dozen megabytes to read or write one.
pub const DEPTH_MAX: usize = 1 << 20;

/// Why bytes are not values of the types that they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a packed value: {what}, at byte {at}")]
pub struct Unreadable {
    /// What is wrong.
    pub what: &'static str,
    /// Where.
    pub at: usize,
}

impl From<TypeId> for TypeNumber {
    fn from(id: TypeId) -> TypeNumber {
        TypeNumber(id)
    }
}
