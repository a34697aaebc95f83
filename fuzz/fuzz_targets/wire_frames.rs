//! The decoder of frames: no bytes make it panic, and what it accepts is written and read again.
#![no_main]

use fardel_wire::frame::{Decoder, Frame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says in what pieces the others come.
    let Some((step, bytes)) = bytes.split_first() else { return };
    let mut decoder = Decoder::new(1 << 20);
    for piece in bytes.chunks(usize::from(*step) + 1) {
        decoder.feed(piece);
        while let Ok(Some(bytes)) = decoder.next_frame() {
            let Ok(frame) = Frame::decode(bytes) else { continue };
            let mut again = Vec::new();
            frame.encode(&mut again);
            assert_eq!(Frame::decode(&again[4..]), Ok(frame));
        }
        assert!(decoder.reserved() <= 2 * bytes.len() + 64);
    }
});
