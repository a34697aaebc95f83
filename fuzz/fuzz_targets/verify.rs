//! The verifier: no module makes it panic, neither one of a stranger's bytes nor one that no bytes can stand for.
#![no_main]

use fardel_bytecode::format::decode;
use fardel_fuzz::{check, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(module) = decode(bytes) {
        check::module(&module);
        check::built(module);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(4) {
        return fuzzer_mutate(data, size, max_size);
    }
    mutate::bytes(data, size, max_size, seed, false).unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
