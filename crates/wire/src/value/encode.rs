//! Values to bytes.

use super::{Addresses, EncodeError};
use crate::limits;
use crate::table::Extension;
use fardel_vm::packed::messagepack;
use fardel_vm::value::Value;

/// Appends the bytes of `value` to `out`. `addresses` is asked for each address and token in it, in order.
///
/// # Errors
/// [`EncodeError`] says which part cannot be written; `out` is then as it was.
pub fn encode(value: &Value, addresses: Addresses<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = out.len();
    let mut encoder = Encoder { out, addresses, depth: 0 };
    let result = encoder.value(value);
    if result.is_err() {
        out.truncate(before);
    }
    result
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    addresses: Addresses<'a>,
    /// How many values lie around the one that is written.
    depth: usize,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.out.push(0xc0),
            Value::Bool(value) => messagepack::bool(*value, self.out),
            Value::Int(value) => messagepack::int(*value, self.out),
            Value::Float(value) => messagepack::float(value.to_bits(), self.out),
            Value::Text(text) => self.text(text)?,
            Value::Bytes(bytes) => {
                let length = count(bytes.len())?;
                messagepack::bytes_header(length, self.out);
                self.out.extend_from_slice(bytes);
            }
            Value::Address(fiber) => {
                let address = (self.addresses)(*fiber);
                self.extension(Extension::Address, |out| {
                    out.out.extend(address.to_bytes());
                    Ok(())
                })?;
            }
            Value::Ref { fiber, number } => {
                let address = (self.addresses)(*fiber);
                self.extension(Extension::Ref, |out| {
                    out.out.extend(address.to_bytes());
                    out.out.extend(number.to_le_bytes());
                    Ok(())
                })?;
            }
            Value::List(items) => self.array(items)?,
            Value::Map(entries) => {
                let length = count(entries.len())?;
                messagepack::map_header(length, self.out);
                self.nested(|out| {
                    entries.iter().try_for_each(|(key, value)| {
                        out.value(key)?;
                        out.value(value)
                    })
                })?;
            }
            Value::Set(items) => self.extension(Extension::Set, |out| out.array(items))?,
            Value::Tuple(items) => self.extension(Extension::Tuple, |out| out.array(items))?,
            Value::Record(name, fields) => self.extension(Extension::Record, |out| {
                out.text(name)?;
                out.array(fields)
            })?,
            Value::Variant(name, number, fields) => self.extension(Extension::Variant, |out| {
                out.text(name)?;
                messagepack::int(i64::from(*number), out.out);
                out.array(fields)
            })?,
            Value::Opaque(name) => return Err(EncodeError::Opaque(name.clone())),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        let length = count(text.len())?;
        messagepack::text_header(length, self.out);
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn array(&mut self, items: &[Value]) -> Result<(), EncodeError> {
        let length = count(items.len())?;
        messagepack::array_header(length, self.out);
        self.nested(|out| items.iter().try_for_each(|item| out.value(item)))
    }

    /// The items of a list, map or extension.
    fn nested(&mut self, items: impl FnOnce(&mut Self) -> Result<(), EncodeError>) -> Result<(), EncodeError> {
        if self.depth == limits::VALUE_DEPTH_MAX {
            return Err(EncodeError::TooDeep);
        }
        self.depth += 1;
        items(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// An extension: its body is written first, and moved when its length asks for another header than the usual one.
    fn extension(
        &mut self,
        extension: Extension,
        body: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        const USUAL: usize = 3;
        let start = self.out.len();
        self.out.extend_from_slice(&[0; USUAL]);
        body(self)?;
        let length = count(self.out.len() - start - USUAL)?;
        let mut header = Vec::with_capacity(6);
        messagepack::extension_header(extension.number(), length, &mut header);
        self.out.splice(start..start + USUAL, header);
        Ok(())
    }
}

fn count(length: usize) -> Result<u32, EncodeError> {
    u32::try_from(length).map_err(|_| EncodeError::TooLong(length))
}
