//! The decoder of modules: no bytes make it panic, and what it accepts is written again byte for byte.
#![no_main]

use fardel_bytecode::format::{decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(module) = decode(bytes) {
        assert_eq!(encode(&module), bytes);
    }
});
