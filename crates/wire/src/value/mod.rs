//! Values as bytes: MessagePack with a few extension types, so that other languages can read them.
//!
//! | value | MessagePack |
//! | --- | --- |
//! | Null, Bool, Float | nil, bool, float 64 |
//! | Int | the shortest integer form |
//! | Text, Bytes | str, bin |
//! | List, Map | array, map, in order |
//! | Tuple, Set, Record, Variant, Address, Ref | the extension types of [`Extension`] |
//!
//! **Invariant:** what is decoded is encoded to bytes that decode to the same value.

mod decode;
mod encode;

use crate::bytes::Short;
use crate::id::{ActorId, Address};
use crate::limits;
use crate::table::Extension;
pub use decode::decode;
pub use encode::encode;
use fardel_vm::fiber::FiberId;

/// Who knows the address of a fiber of this node's machine.
pub type Addresses<'a> = &'a mut dyn FnMut(FiberId) -> Address;
/// Who knows the fiber of this node's machine that an address means.
pub type Fibers<'a> = &'a mut dyn FnMut(Address) -> Result<FiberId, AddressError>;

/// Why an address from outside is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// Its node did not give it out.
    #[error("the address of {0} has a wrong tag")]
    Forged(ActorId),
    /// It means nothing here.
    #[error("the address of {0} means nothing here")]
    Unknown(ActorId),
    /// There is no room for more addresses of other nodes.
    #[error("there is no room for the address of {0}: {1} are known")]
    Full(ActorId, usize),
}

/// Why a value cannot be written. Nothing was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodeError {
    /// It holds something that does not leave its fiber.
    #[error("a value of type {0} does not leave its fiber")]
    Opaque(String),
    /// It is nested too deeply.
    #[error("values are nested more than {} deep", limits::VALUE_DEPTH_MAX)]
    TooDeep,
    /// One part of it has more bytes or items than MessagePack can say.
    #[error("{0} bytes or items in one value; MessagePack has room for less than 2^32")]
    TooLong(usize),
}

/// Why bytes are not a value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("at byte {at}: {what}")]
pub struct DecodeError {
    /// Where, counted from the first byte of the outermost value.
    pub at: usize,
    /// What is wrong there.
    pub what: DecodeProblem,
}

/// What is wrong with the bytes of a value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeProblem {
    /// They end too early, or a count or length is larger than what is left of them.
    #[error("{wanted} more bytes are wanted, {left} are left")]
    Short {
        /// The least that is wanted.
        wanted: usize,
        /// What is left.
        left: usize,
    },
    /// There are bytes behind the value, or behind the last part of an extension.
    #[error("{0} bytes follow the end")]
    Trailing(usize),
    /// Values are nested too deeply.
    #[error("values are nested more than {} deep", limits::VALUE_DEPTH_MAX)]
    TooDeep,
    /// A byte that begins no value.
    #[error("the byte {0:#04x} begins no value")]
    Marker(u8),
    /// An unsigned integer that is larger than an Int.
    #[error("the integer {0} is larger than 2^63 - 1")]
    TooLarge(u64),
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
    /// An extension type that is not known.
    #[error("the extension type {0} is not known")]
    Extension(i8),
    /// A part of an extension is another kind of value than it has to be.
    #[error("{seen} in a {extension}, {wanted} is wanted")]
    Part {
        /// The extension.
        extension: Extension,
        /// What stands there.
        seen: &'static str,
        /// What has to stand there.
        wanted: &'static str,
    },
    /// An address or token has another length.
    #[error("{seen} bytes in a {extension}, {wanted} are wanted")]
    Length {
        /// The extension.
        extension: Extension,
        /// Its bytes.
        seen: usize,
        /// The bytes that it has to have.
        wanted: usize,
    },
    /// An address is not taken.
    #[error("{0}")]
    Address(AddressError),
}

impl From<Short> for DecodeError {
    fn from(short: Short) -> DecodeError {
        DecodeError { at: short.at, what: DecodeProblem::Short { wanted: short.wanted, left: short.left } }
    }
}
