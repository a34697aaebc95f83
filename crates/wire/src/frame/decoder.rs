//! Bytes as they come from a connection, cut into frames.

use super::{FrameError, HEADER_BYTES, LENGTH_BYTES};
use crate::limits;
use std::ops::Range;

/// Takes bytes in any pieces and gives whole frames.
///
/// It holds what was fed and is not used yet, and takes no memory because of a length alone. When it has failed once, the
/// places of further frames are not known and it fails again.
#[derive(Debug)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Bytes at the front that were given already.
    used: usize,
    frame_bytes_max: usize,
}

impl Default for Decoder {
    /// With the limit of the handshake.
    fn default() -> Decoder {
        Decoder::new(limits::HANDSHAKE_FRAME_BYTES_MAX)
    }
}

impl Decoder {
    /// One that takes frames of at most `frame_bytes_max` bytes, their length not counted.
    pub fn new(frame_bytes_max: usize) -> Decoder {
        Decoder { bytes: Vec::new(), used: 0, frame_bytes_max }
    }

    /// Changes the limit for the frames that have not been given yet.
    pub fn set_limit(&mut self, frame_bytes_max: usize) {
        self.frame_bytes_max = frame_bytes_max;
    }

    /// Adds bytes behind those that it holds.
    pub fn feed(&mut self, bytes: &[u8]) {
        let left = self.bytes.len() - self.used;
        // What is left is moved when that is less than what was given since it was moved last.
        if left == 0 || left <= self.used {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes these bytes in place of those that it holds.
    pub(crate) fn take(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
        self.used = 0;
    }

    /// The next whole frame: kind, flags and body. None when more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] or [`FrameError::TooShort`], as soon as the length is there.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let range = self.next_range()?;
        Ok(range.map(|range| self.slice(range)))
    }

    /// As [`Decoder::next_frame`], but the place of the frame; [`Decoder::slice`] gives it until more is fed.
    pub(crate) fn next_range(&mut self) -> Result<Option<Range<usize>>, FrameError> {
        let left = self.bytes.get(self.used..).unwrap_or_default();
        let Some(length) = left.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let seen = u32::from_le_bytes(*length);
        let max = self.frame_bytes_max;
        if seen as usize > max {
            return Err(FrameError::TooLong { seen, max });
        }
        if (seen as usize) < HEADER_BYTES {
            return Err(FrameError::TooShort { seen });
        }
        let start = self.used + LENGTH_BYTES;
        let end = start + seen as usize;
        if end > self.bytes.len() {
            return Ok(None);
        }
        self.used = end;
        Ok(Some(start..end))
    }

    /// The bytes at a place that [`Decoder::next_range`] gave.
    pub(crate) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Bytes that it holds and has not given.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.used
    }

    /// Bytes of memory that it has taken.
    pub fn reserved(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_however_the_bytes_come_in() {
        let bytes = [2, 0, 0, 0, 0x81, 0, 5, 0, 0, 0, 0x82, 0, 1, 2, 3];
        for step in 1..=bytes.len() {
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for piece in bytes.chunks(step) {
                decoder.feed(piece);
                while let Some(frame) = decoder.next_frame().expect("the lengths are right") {
                    frames.push(frame.to_vec());
                }
            }
            assert_eq!(frames, [vec![0x81, 0], vec![0x82, 0, 1, 2, 3]]);
            assert_eq!(decoder.pending(), 0);
        }
    }

    #[test]
    fn a_length_alone_takes_no_memory() {
        let mut decoder = Decoder::new(limits::FRAME_BYTES_MAX);
        decoder.feed(&(limits::FRAME_BYTES_MAX as u32).to_le_bytes());
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(decoder.reserved() < 64);
        decoder.set_limit(100);
        let max = 100;
        assert_eq!(decoder.next_frame(), Err(FrameError::TooLong { seen: limits::FRAME_BYTES_MAX as u32, max }));
    }

    #[test]
    fn a_frame_has_at_least_kind_and_flags() {
        let mut decoder = Decoder::default();
        decoder.feed(&[1, 0, 0, 0, 0x81]);
        assert_eq!(decoder.next_frame(), Err(FrameError::TooShort { seen: 1 }));
    }
}
