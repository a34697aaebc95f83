//! Bytes to values.
//!
//! A list of n items has at least n bytes, a map of n entries 2 n: a count is compared with what is left before anything
//! else, and room is taken as items come.

use super::{AddressError, DecodeError, DecodeProblem, Fibers};
use crate::bytes::Cursor;
use crate::id::Address;
use crate::limits;
use crate::table::Extension;
use fardel_vm::fiber::FiberId;
use fardel_vm::value::Value;

/// The value that `bytes` are, all of them. `fibers` is asked for each address and token in it, in order.
///
/// # Errors
/// [`DecodeError`] says what is wrong and where.
pub fn decode(bytes: &[u8], fibers: Fibers<'_>) -> Result<Value, DecodeError> {
    let mut decoder = Decoder { from: Cursor::new(bytes), fibers, depth: 0 };
    let value = decoder.value()?;
    decoder.end()?;
    Ok(value)
}

struct Decoder<'a, 'f> {
    from: Cursor<'a>,
    fibers: Fibers<'f>,
    /// How many values lie around the one that is read.
    depth: usize,
}

impl<'a> Decoder<'a, '_> {
    fn value(&mut self) -> Result<Value, DecodeError> {
        let at = self.from.at();
        let marker = self.from.u8()?;
        Ok(match marker {
            0x00..=0x7f => Value::Int(marker.into()),
            0xe0..=0xff => Value::Int((marker as i8).into()),
            0x80..=0x8f => self.map((marker & 0x0f).into())?,
            0x90..=0x9f => Value::List(self.items((marker & 0x0f).into())?),
            0xa0..=0xbf => Value::Text(self.text((marker & 0x1f).into())?),
            0xc0 => Value::Null,
            0xc1 => return Err(DecodeError { at, what: DecodeProblem::Marker(marker) }),
            0xc2 | 0xc3 => Value::Bool(marker == 0xc3),
            0xc4..=0xc6 => {
                let length = self.length(marker - 0xc4)?;
                Value::Bytes(self.from.take(length)?.to_vec())
            }
            0xc7..=0xc9 => {
                let length = self.length(marker - 0xc7)?;
                self.extension(length)?
            }
            0xca => Value::Float(f32::from_be_bytes(self.from.array()?).into()),
            0xcb => Value::Float(f64::from_be_bytes(self.from.array()?)),
            0xcc => Value::Int(self.from.u8()?.into()),
            0xcd => Value::Int(u16::from_be_bytes(self.from.array()?).into()),
            0xce => Value::Int(u32::from_be_bytes(self.from.array()?).into()),
            0xcf => {
                let value = u64::from_be_bytes(self.from.array()?);
                let too_large = |_| DecodeError { at, what: DecodeProblem::TooLarge(value) };
                Value::Int(i64::try_from(value).map_err(too_large)?)
            }
            0xd0 => Value::Int(i8::from_be_bytes(self.from.array()?).into()),
            0xd1 => Value::Int(i16::from_be_bytes(self.from.array()?).into()),
            0xd2 => Value::Int(i32::from_be_bytes(self.from.array()?).into()),
            0xd3 => Value::Int(i64::from_be_bytes(self.from.array()?)),
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4))?,
            0xd9..=0xdb => {
                let length = self.length(marker - 0xd9)?;
                Value::Text(self.text(length)?)
            }
            0xdc | 0xdd => {
                let count = self.length(marker - 0xdc + 1)?;
                Value::List(self.items(count)?)
            }
            0xde | 0xdf => {
                let count = self.length(marker - 0xde + 1)?;
                self.map(count)?
            }
        })
    }

    /// A length of 1, 2 or 4 bytes, for the widths 0, 1 and 2.
    fn length(&mut self, width: u8) -> Result<usize, DecodeError> {
        Ok(match width {
            0 => self.from.u8()?.into(),
            1 => u16::from_be_bytes(self.from.array()?).into(),
            2.. => u32::from_be_bytes(self.from.array()?) as usize,
        })
    }

    fn text(&mut self, length: usize) -> Result<String, DecodeError> {
        let at = self.from.at();
        let bytes = self.from.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError { at, what: DecodeProblem::NotText })?;
        Ok(text.to_owned())
    }

    fn items(&mut self, count: usize) -> Result<Vec<Value>, DecodeError> {
        self.nested(count, |from| from.value())
    }

    fn map(&mut self, count: usize) -> Result<Value, DecodeError> {
        // Below 2^33, as a count is below 2^32; on a host of 32 bits more than there can be bytes.
        self.enough(count.saturating_mul(2))?;
        Ok(Value::Map(self.nested(count, |from| Ok((from.value()?, from.value()?)))?))
    }

    /// `count` items of a list, map or extension, of at least a byte each.
    fn nested<T>(
        &mut self,
        count: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        self.enough(count)?;
        if self.depth == limits::VALUE_DEPTH_MAX {
            return Err(DecodeError { at: self.from.at(), what: DecodeProblem::TooDeep });
        }
        self.depth += 1;
        let mut items = Vec::with_capacity(count.min(limits::ITEMS_RESERVED));
        for _ in 0..count {
            items.push(item(self)?);
        }
        self.depth -= 1;
        Ok(items)
    }

    /// That many bytes are left.
    fn enough(&self, wanted: usize) -> Result<(), DecodeError> {
        let left = self.from.left().len();
        if wanted > left {
            return Err(DecodeError { at: self.from.at(), what: DecodeProblem::Short { wanted, left } });
        }
        Ok(())
    }

    fn end(&self) -> Result<(), DecodeError> {
        match self.from.left().len() {
            0 => Ok(()),
            count => Err(DecodeError { at: self.from.at(), what: DecodeProblem::Trailing(count) }),
        }
    }

    /// What stands behind the marker and the length of an extension: its type, and a body that its parts must fill.
    fn extension(&mut self, length: usize) -> Result<Value, DecodeError> {
        let at = self.from.at();
        let number = i8::from_le_bytes(self.from.array()?);
        let Some(extension) = Extension::of(number) else {
            return Err(DecodeError { at, what: DecodeProblem::Extension(number) });
        };
        self.enough(length)?;
        let end = self.from.at() + length;
        let value = match extension {
            Extension::Tuple => Value::Tuple(self.array_of(extension)?),
            Extension::Set => Value::Set(self.array_of(extension)?),
            Extension::Record => Value::Record(self.name_of(extension)?, self.array_of(extension)?),
            Extension::Variant => {
                let (name, number) = (self.name_of(extension)?, self.number_of(extension)?);
                Value::Variant(name, number, self.array_of(extension)?)
            }
            Extension::Address => {
                self.exactly(extension, length, Address::BYTES)?;
                Value::Address(self.fiber()?)
            }
            Extension::Ref => {
                self.exactly(extension, length, Address::BYTES + size_of::<u64>())?;
                Value::Ref { fiber: self.fiber()?, number: self.from.u64()? }
            }
        };
        // Parts may not reach over the end either: then too few bytes were left for what the body claims to be.
        let at = self.from.at();
        match at.cmp(&end) {
            std::cmp::Ordering::Equal => Ok(value),
            std::cmp::Ordering::Less => Err(DecodeError { at, what: DecodeProblem::Trailing(end - at) }),
            std::cmp::Ordering::Greater => {
                Err(DecodeError { at: end, what: DecodeProblem::Short { wanted: at - end, left: 0 } })
            }
        }
    }

    fn exactly(&self, extension: Extension, seen: usize, wanted: usize) -> Result<(), DecodeError> {
        if seen != wanted {
            let what = DecodeProblem::Length { extension, seen, wanted };
            return Err(DecodeError { at: self.from.at(), what });
        }
        Ok(())
    }

    fn fiber(&mut self) -> Result<FiberId, DecodeError> {
        let at = self.from.at();
        let address = Address::read(&mut self.from)?;
        let refused = |error: AddressError| DecodeError { at, what: DecodeProblem::Address(error) };
        (self.fibers)(address).map_err(refused)
    }

    fn array_of(&mut self, extension: Extension) -> Result<Vec<Value>, DecodeError> {
        let (at, marker) = self.part()?;
        let count = match marker {
            0x90..=0x9f => (marker & 0x0f).into(),
            0xdc | 0xdd => self.length(marker - 0xdc + 1)?,
            other => return Err(wrong_part(at, extension, other, "an array")),
        };
        self.items(count)
    }

    fn name_of(&mut self, extension: Extension) -> Result<String, DecodeError> {
        let (at, marker) = self.part()?;
        let length = match marker {
            0xa0..=0xbf => (marker & 0x1f).into(),
            0xd9..=0xdb => self.length(marker - 0xd9)?,
            other => return Err(wrong_part(at, extension, other, "a str")),
        };
        self.text(length)
    }

    fn number_of(&mut self, extension: Extension) -> Result<u32, DecodeError> {
        let (at, marker) = self.part()?;
        match marker {
            0x00..=0x7f => Ok(marker.into()),
            0xcc => Ok(self.from.u8()?.into()),
            0xcd => Ok(u16::from_be_bytes(self.from.array()?).into()),
            0xce => Ok(u32::from_be_bytes(self.from.array()?)),
            other => Err(wrong_part(at, extension, other, "an unsigned integer of at most 32 bits")),
        }
    }

    /// The marker of the next part, and where it stands.
    fn part(&mut self) -> Result<(usize, u8), DecodeError> {
        let at = self.from.at();
        Ok((at, self.from.u8()?))
    }
}

fn wrong_part(at: usize, extension: Extension, marker: u8, wanted: &'static str) -> DecodeError {
    DecodeError { at, what: DecodeProblem::Part { extension, seen: kind_of(marker), wanted } }
}

/// What a marker begins.
fn kind_of(marker: u8) -> &'static str {
    match marker {
        0x00..=0x7f | 0xcc..=0xd3 | 0xe0..=0xff => "an integer",
        0x80..=0x8f | 0xde | 0xdf => "a map",
        0x90..=0x9f | 0xdc | 0xdd => "an array",
        0xa0..=0xbf | 0xd9..=0xdb => "a str",
        0xc0 => "nil",
        0xc1 => "nothing",
        0xc2 | 0xc3 => "a bool",
        0xc4..=0xc6 => "a bin",
        0xca | 0xcb => "a float",
        0xc7..=0xc9 | 0xd4..=0xd8 => "an extension",
    }
}
