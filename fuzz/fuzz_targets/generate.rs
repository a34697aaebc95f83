//! Generated programs: the verifier takes every one of them, their text assembles, and they come to the same however
//! they are lowered, dispatched, collected and cut into slices.
#![no_main]

use fardel_bytecode::generate::generate;
use fardel_fuzz::{check, machine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let module = check::generated(generate(bytes));
    machine::compare_engines(&module);
    machine::compare_slices(&module);
});
