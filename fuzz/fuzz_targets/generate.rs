//! The generator of programs: whatever the bytes, the verifier takes what it makes.
#![no_main]

use fardel_bytecode::generate::generate;
use fardel_bytecode::verify::verify;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(errors) = verify(generate(bytes)) {
        panic!("{}", errors[0]);
    }
});
