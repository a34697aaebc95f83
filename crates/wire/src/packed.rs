//! Packed values with their tables, as messages of fibers carry them.
//!
//! | field | bytes |
//! | --- | --- |
//! | types | `u16` how many, then a `u32` for each: the number that the sender's machine has for it |
//! | addresses | `u32` how many, then 44 bytes for each |
//! | body | the rest, as [`fardel_vm::packed`] says |
//!
//! **Invariant:** no table takes more memory than there are bytes for it.

use crate::bytes::{Cursor, Short};
use crate::id::Address;

/// Bytes of an address.
const ADDRESS_BYTES: usize = 44;

/// Packed values, as they came.
#[derive(Clone, PartialEq, Debug)]
pub struct Parcel<'a> {
    /// The sender's numbers of the types.
    pub types: Vec<u32>,
    /// The addresses.
    pub addresses: Vec<Address>,
    /// The values.
    pub body: &'a [u8],
}

/// Appends values with their tables to `out`; false, and nothing is appended, when a table is longer than can be said.
pub fn encode(
    types: impl ExactSizeIterator<Item = u32>,
    addresses: impl ExactSizeIterator<Item = Address>,
    body: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    let (Ok(types_count), Ok(count)) = (u16::try_from(types.len()), u32::try_from(addresses.len())) else { return false };
    out.reserve(6 + types.len() * 4 + addresses.len() * ADDRESS_BYTES + body.len());
    out.extend(types_count.to_le_bytes());
    types.for_each(|number| out.extend(number.to_le_bytes()));
    out.extend(count.to_le_bytes());
    addresses.for_each(|address| out.extend(address.to_bytes()));
    out.extend_from_slice(body);
    true
}

impl<'a> Parcel<'a> {
    /// Reads what [`encode`] wrote.
    ///
    /// # Errors
    /// [`Short`] when the bytes end in a table.
    pub fn read(bytes: &'a [u8]) -> Result<Parcel<'a>, Short> {
        let mut from = Cursor::new(bytes);
        let types = from.u16()?.into();
        from.has(types, 4)?;
        let types = (0..types).map(|_| from.u32()).collect::<Result<_, Short>>()?;
        let addresses = from.u32()? as usize;
        from.has(addresses, ADDRESS_BYTES)?;
        let addresses = (0..addresses).map(|_| Address::read(&mut from)).collect::<Result<_, Short>>()?;
        Ok(Parcel { types, addresses, body: from.rest() })
    }
}
