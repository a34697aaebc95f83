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
use std::borrow::Cow;

/// Bytes of an address.
const ADDRESS_BYTES: usize = 44;

/// Packed values, as they come and go.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Values<'a> {
    /// The two tables, one behind the other.
    tables: Cow<'a, [u8]>,
    /// The values.
    pub body: Cow<'a, [u8]>,
}

impl<'a> Values<'a> {
    /// Values that name types, by the sender's numbers, and addresses; nothing when these are more than can be said.
    pub fn new(
        types: impl ExactSizeIterator<Item = u32>,
        addresses: impl ExactSizeIterator<Item = Address>,
        body: Cow<'a, [u8]>,
    ) -> Option<Values<'a>> {
        let (count, addresses_count) = (u16::try_from(types.len()).ok()?, u32::try_from(addresses.len()).ok()?);
        let mut tables = Vec::with_capacity(6 + types.len() * 4 + addresses.len() * ADDRESS_BYTES);
        tables.extend(count.to_le_bytes());
        types.for_each(|number| tables.extend(number.to_le_bytes()));
        tables.extend(addresses_count.to_le_bytes());
        addresses.for_each(|address| tables.extend(address.to_bytes()));
        Some(Values { tables: Cow::Owned(tables), body })
    }

    /// All bytes from the place of a cursor on.
    pub(crate) fn read(from: &mut Cursor<'a>) -> Result<Values<'a>, Short> {
        let bytes = from.left();
        let before = from.at();
        let types = from.u16()?;
        from.take(usize::from(types) * 4)?;
        let addresses = from.u32()? as usize;
        from.take(addresses.saturating_mul(ADDRESS_BYTES))?;
        let tables = bytes.get(..from.at() - before).unwrap_or_default();
        Ok(Values { tables: Cow::Borrowed(tables), body: Cow::Borrowed(from.rest()) })
    }

    /// Appends the bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.len());
        out.extend_from_slice(&self.tables);
        out.extend_from_slice(&self.body);
    }

    /// How many bytes they are.
    pub fn len(&self) -> usize {
        self.tables.len() + self.body.len()
    }

    /// Whether there is nothing in them.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The sender's numbers of the types, and the addresses.
    pub fn tables(&self) -> (Vec<u32>, Vec<Address>) {
        let mut from = Cursor::new(&self.tables);
        let types = from.u16().unwrap_or(0);
        let types = (0..types).filter_map(|_| from.u32().ok()).collect();
        let addresses = from.u32().unwrap_or(0);
        (types, (0..addresses).map_while(|_| Address::read(&mut from).ok()).collect())
    }

    /// The same with bytes of its own.
    pub fn into_owned(self) -> Values<'static> {
        Values { tables: Cow::Owned(self.tables.into_owned()), body: Cow::Owned(self.body.into_owned()) }
    }
}
