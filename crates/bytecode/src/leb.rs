//! Little-endian base-128 numbers, the only variable-length encoding of the format.
//!
//! A number has exactly one encoding, the shortest; a longer one is refused, which keeps modules canonical.

/// Why bytes could not be read as what the format wants at that place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes end inside an item.
    #[error("the bytes end inside this item")]
    Truncated,
    /// A number is written longer than needed.
    #[error("this number is not in its shortest encoding")]
    Overlong,
    /// A number does not fit its type.
    #[error("this number is larger than its place allows")]
    TooLarge,
    /// An instruction number that this version does not know.
    #[error("unknown instruction number {0}")]
    UnknownInstruction(u32),
}

/// A cursor over bytes from outside. It never reads past their end.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// Bytes read so far.
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Whether everything is read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] at the end.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, ReadError> {
        let byte = *self.bytes.get(self.at).ok_or(ReadError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    /// Reads `count` bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] when fewer are left.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        if count > self.remaining() {
            return Err(ReadError::Truncated);
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    /// Reads an unsigned number of at most 64 bits.
    ///
    /// # Errors
    /// See [`ReadError`].
    #[inline]
    pub fn u64(&mut self) -> Result<u64, ReadError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        self.u64_rest(first)
    }

    fn u64_rest(&mut self, first: u8) -> Result<u64, ReadError> {
        let mut value = u64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ReadError::TooLarge);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return if byte == 0 { Err(ReadError::Overlong) } else { Ok(value) };
            }
            shift += 7;
            if shift > 63 {
                return Err(ReadError::TooLarge);
            }
        }
    }

    /// Reads an unsigned number of at most 32 bits.
    ///
    /// # Errors
    /// See [`ReadError`].
    #[inline]
    pub fn u32(&mut self) -> Result<u32, ReadError> {
        u32::try_from(self.u64()?).map_err(|_| ReadError::TooLarge)
    }

    /// Reads a signed number: zigzag, so that small magnitudes are short.
    ///
    /// # Errors
    /// See [`ReadError`].
    #[inline]
    pub fn i64(&mut self) -> Result<i64, ReadError> {
        let zigzag = self.u64()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }
}

/// Appends the shortest encoding of `value`.
pub fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the shortest encoding of `value`.
pub fn write_u32(out: &mut Vec<u8>, value: u32) {
    write_u64(out, u64::from(value));
}

/// Appends the shortest zigzag encoding of `value`.
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    write_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_at_the_edges() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            write_u64(&mut out, value);
            assert_eq!(Reader::new(&out).u64(), Ok(value));
        }
        for value in [0, -1, 1, 63, -64, 64, i64::MIN, i64::MAX] {
            let mut out = Vec::new();
            write_i64(&mut out, value);
            assert_eq!(Reader::new(&out).i64(), Ok(value));
        }
    }

    #[test]
    fn refuses_what_is_not_canonical() {
        assert_eq!(Reader::new(&[0x80, 0x00]).u64(), Err(ReadError::Overlong));
        assert_eq!(Reader::new(&[0x80]).u64(), Err(ReadError::Truncated));
        assert_eq!(Reader::new(&[0xff; 11]).u64(), Err(ReadError::TooLarge));
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).u64(), Err(ReadError::TooLarge));
        assert_eq!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x10]).u32(), Err(ReadError::TooLarge));
    }
}
