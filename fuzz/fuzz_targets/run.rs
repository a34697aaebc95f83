//! The machine: whatever the verifier takes can be run, and comes to the same in every way to lower and dispatch it.
#![no_main]

use fardel_bytecode::format::decode;
use fardel_bytecode::verify::verify;
use fardel_fuzz::{machine, mutate};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some(module) = decode(bytes).ok().and_then(|module| verify(module).ok()) else { return Corpus::Reject };
    machine::compare_engines(&module);
    Corpus::Keep
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::bytes(data, size, max_size, seed, true).unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
