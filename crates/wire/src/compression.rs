//! Compression: what a connection writes at once goes as one COMPRESSED frame, a block of LZ4, when that makes it smaller by
//! a quarter. Both sides have said in the handshake that they can.
//!
//! It belongs to the connection and not to the session: frames are numbered and kept as they are, and one that is written
//! again may be compressed with others then, or not. So many small frames that look alike shrink together.
//!
//! **Invariant:** expanding takes no more memory than [`limits::COMPRESSED_BYTES_MAX`], and than
//! [`limits::COMPRESSED_RATIO_MAX`] times the bytes that have come.

use crate::frame::{Compressed, Frame};
use crate::limits;
use std::borrow::Cow;

/// Why a COMPRESSED frame is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CompressedError {
    /// This node has not said that it takes one.
    #[error("this node does not take it")]
    NotAgreed,
    /// It would hold more than may be.
    #[error("{seen} bytes in it; at most {max} are taken")]
    TooLong {
        /// The bytes that it is said to hold.
        seen: u32,
        /// The limit.
        max: usize,
    },
    /// It would hold more than so few bytes can in earnest.
    #[error("{seen} bytes in {compressed}; at most {} times as many are taken", limits::COMPRESSED_RATIO_MAX)]
    Ratio {
        /// The bytes that it is said to hold.
        seen: u32,
        /// The bytes that have come.
        compressed: usize,
    },
    /// It does not hold what it says.
    #[error("it does not hold {seen} bytes of LZ4")]
    Broken {
        /// The bytes that it is said to hold.
        seen: u32,
    },
    /// It holds another one.
    #[error("one lies in another")]
    Nested,
    /// The last frame in it is not whole.
    #[error("the last frame in it is not whole")]
    Partial,
}

/// What a COMPRESSED frame holds: frames with their lengths.
///
/// # Errors
/// [`CompressedError`], before memory is taken where it is about sizes.
pub(crate) fn expand(compressed: &Compressed<'_>) -> Result<Vec<u8>, CompressedError> {
    let (seen, max) = (compressed.size, limits::COMPRESSED_BYTES_MAX);
    let size = usize::try_from(seen).unwrap_or(usize::MAX);
    if max < size {
        return Err(CompressedError::TooLong { seen, max });
    }
    if compressed.block.len().saturating_mul(limits::COMPRESSED_RATIO_MAX) < size {
        return Err(CompressedError::Ratio { seen, compressed: compressed.block.len() });
    }
    let mut content = vec![0; size];
    match lz4_flex::block::decompress_into(&compressed.block, &mut content) {
        Ok(count) if count == size => Ok(content),
        Ok(_) | Err(_) => Err(CompressedError::Broken { seen }),
    }
}

/// What a connection compresses.
#[derive(Default, Debug)]
pub(crate) struct Compressor {
    is_on: bool,
    /// Bytes that go as they are, since those before them did not shrink.
    pause: usize,
}

impl Compressor {
    pub(crate) fn turn(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    /// Compresses the frames that stand in `out` from `start` on, if that is worth it.
    pub(crate) fn compress(&mut self, out: &mut Vec<u8>, start: usize) {
        let content = out.get(start..).unwrap_or_default();
        let size = content.len();
        if !self.is_on || !(limits::COMPRESSED_BYTES_LEAST..=limits::COMPRESSED_BYTES_MAX).contains(&size) {
            return;
        }
        if self.pause > 0 {
            self.pause = self.pause.saturating_sub(size);
            return;
        }
        let mut block = vec![0; lz4_flex::block::get_maximum_output_size(size)];
        // It has room for whatever comes of it.
        let count = lz4_flex::block::compress_into(content, &mut block).unwrap_or(usize::MAX);
        if count > size - size / 4 {
            self.pause = limits::COMPRESSION_PAUSE_BYTES;
            return;
        }
        if count.saturating_mul(limits::COMPRESSED_RATIO_MAX) < size {
            // The other side would not believe it.
            return;
        }
        block.truncate(count);
        out.truncate(start);
        Frame::Compressed(Compressed { size: size as u32, block: Cow::Owned(block) }).encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames that shrink: many PINGs.
    fn frames(count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        (0..count).for_each(|number| Frame::Ping(number).encode(&mut bytes));
        bytes
    }

    /// Bytes that do not shrink.
    fn noise(count: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        std::iter::repeat_with(&mut next).take(count).collect()
    }

    fn compressed(compressor: &mut Compressor, content: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        out.extend_from_slice(content);
        compressor.compress(&mut out, 6);
        assert_eq!(out.get(..6), Some(&b"before"[..]));
        out.split_off(6)
    }

    fn on() -> Compressor {
        let mut compressor = Compressor::default();
        compressor.turn(true);
        compressor
    }

    #[test]
    fn frames_are_packed_and_come_out_again() {
        let content = frames(200);
        let bytes = compressed(&mut on(), &content);
        assert!(bytes.len() < content.len() / 2);
        match Frame::decode(bytes.get(4..).expect("a frame")) {
            Ok(Frame::Compressed(compressed)) => assert_eq!(expand(&compressed), Ok(content)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_small_or_large_or_off_or_too_good_goes_as_it_is() {
        let few = frames(10);
        assert_eq!(compressed(&mut on(), &few), few);
        let many = frames(200);
        assert_eq!(compressed(&mut Compressor::default(), &many), many);
        let large = frames(30_000);
        assert_eq!(compressed(&mut on(), &large), large);
        // 64 KiB of zeros would be 250 times as large as they are compressed.
        let zeros = vec![0; 64 << 10];
        assert_eq!(compressed(&mut on(), &zeros), zeros);
    }

    #[test]
    fn what_does_not_shrink_is_given_up_for_a_while() {
        let (mut compressor, noise, frames) = (on(), noise(60_000), frames(200));
        assert_eq!(compressed(&mut compressor, &noise), noise);
        let mut plain = 0;
        while compressed(&mut compressor, &frames) == frames {
            plain += frames.len();
        }
        let pause = limits::COMPRESSION_PAUSE_BYTES;
        assert!((pause..pause + 2 * frames.len()).contains(&plain), "{plain} bytes went as they are");
    }

    #[track_caller]
    fn refused(size: u32, block: &[u8]) -> CompressedError {
        expand(&Compressed { size, block: Cow::Borrowed(block) }).expect_err("it is refused")
    }

    #[test]
    fn a_size_that_lies_is_refused_before_memory_is_taken() {
        let max = limits::COMPRESSED_BYTES_MAX;
        assert_eq!(refused(u32::MAX, &[0; 100]), CompressedError::TooLong { seen: u32::MAX, max });
        assert_eq!(refused(max as u32 + 1, &[0; 100]), CompressedError::TooLong { seen: max as u32 + 1, max });
        assert_eq!(refused(1001, &[0; 10]), CompressedError::Ratio { seen: 1001, compressed: 10 });
        assert_eq!(refused(1, &[]), CompressedError::Ratio { seen: 1, compressed: 0 });
        assert_eq!(refused(1000, &[0; 10]), CompressedError::Broken { seen: 1000 });
    }

    #[test]
    fn a_bomb_is_refused_though_it_is_sound() {
        let zeros = vec![0; 64 << 10];
        let block = lz4_flex::block::compress(&zeros);
        assert!(matches!(refused(64 << 10, &block), CompressedError::Ratio { .. }));
        // One that says less than it holds.
        assert_eq!(refused(1000, &block), CompressedError::Broken { seen: 1000 });
    }

    #[test]
    fn no_bytes_make_it_panic_or_give_more_than_was_said() {
        for seed in 0..2000_usize {
            let block = noise(3000).split_off(seed).into_iter().take(seed % 97).collect::<Vec<u8>>();
            let size = (seed * 31 % 5000) as u32;
            if let Ok(content) = expand(&Compressed { size, block: Cow::Owned(block) }) {
                assert_eq!(content.len(), size as usize);
            }
        }
        // All changes of one byte of what is sound.
        let content = frames(60);
        let block = lz4_flex::block::compress(&content);
        for at in 0..block.len() {
            for change in 1..=u8::MAX {
                let mut block = block.clone();
                if let Some(byte) = block.get_mut(at) {
                    *byte ^= change;
                }
                let _ = expand(&Compressed { size: content.len() as u32, block: Cow::Owned(block) });
            }
        }
    }
}
