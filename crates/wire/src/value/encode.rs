//! Values to bytes.

use super::{Addresses, EncodeError};
use crate::limits;
use crate::table::Extension;
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
            Value::Bool(value) => self.out.push(0xc2 + u8::from(*value)),
            Value::Int(value) => int(*value, self.out),
            Value::Float(value) => {
                self.out.push(0xcb);
                self.out.extend(value.to_be_bytes());
            }
            Value::Text(text) => self.text(text)?,
            Value::Bytes(bytes) => {
                let length = count(bytes.len())?;
                sized(length, [0xc4, 0xc5, 0xc6], self.out);
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
                match length {
                    0..=15 => self.out.push(0x80 | length as u8),
                    16.. => sized_16(length, [0xde, 0xdf], self.out),
                }
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
                int(i64::from(*number), out.out);
                out.array(fields)
            })?,
            Value::Opaque(name) => return Err(EncodeError::Opaque(name.clone())),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        let length = count(text.len())?;
        match length {
            0..=31 => self.out.push(0xa0 | length as u8),
            32.. => sized(length, [0xd9, 0xda, 0xdb], self.out),
        }
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn array(&mut self, items: &[Value]) -> Result<(), EncodeError> {
        let length = count(items.len())?;
        match length {
            0..=15 => self.out.push(0x90 | length as u8),
            16.. => sized_16(length, [0xdc, 0xdd], self.out),
        }
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
        match length {
            1 => header.push(0xd4),
            2 => header.push(0xd5),
            4 => header.push(0xd6),
            8 => header.push(0xd7),
            16 => header.push(0xd8),
            0 | 3 | 5..=7 | 9..=15 | 17.. => sized(length, [0xc7, 0xc8, 0xc9], &mut header),
        }
        header.push(extension.number() as u8);
        self.out.splice(start..start + USUAL, header);
        Ok(())
    }
}

fn count(length: usize) -> Result<u32, EncodeError> {
    u32::try_from(length).map_err(|_| EncodeError::TooLong(length))
}

/// A marker with a length of 1, 2 or 4 bytes.
fn sized(length: u32, markers: [u8; 3], out: &mut Vec<u8>) {
    let [short, middle, long] = markers;
    match u8::try_from(length) {
        Ok(length) => out.extend([short, length]),
        Err(_) => sized_16(length, [middle, long], out),
    }
}

/// A marker with a length of 2 or 4 bytes.
fn sized_16(length: u32, markers: [u8; 2], out: &mut Vec<u8>) {
    let [short, long] = markers;
    match u16::try_from(length) {
        Ok(length) => {
            out.push(short);
            out.extend(length.to_be_bytes());
        }
        Err(_) => {
            out.push(long);
            out.extend(length.to_be_bytes());
        }
    }
}

/// An integer in its shortest form; one that is not negative in an unsigned form.
fn int(value: i64, out: &mut Vec<u8>) {
    match value {
        -32..=127 => out.push(value as u8),
        128..=0xff => out.extend([0xcc, value as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend((value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend((value as u32).to_be_bytes());
        }
        0x1_0000_0000.. => {
            out.push(0xcf);
            out.extend(value.to_be_bytes());
        }
        -0x80..=-33 => out.extend([0xd0, value as u8]),
        -0x8000..=-0x81 => {
            out.push(0xd1);
            out.extend((value as i16).to_be_bytes());
        }
        -0x8000_0000..=-0x8001 => {
            out.push(0xd2);
            out.extend((value as i32).to_be_bytes());
        }
        ..=-0x8000_0001 => {
            out.push(0xd3);
            out.extend(value.to_be_bytes());
        }
    }
}
