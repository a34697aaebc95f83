//! The assembler and the disassembler: no text makes them panic, and what assembles is a module that is verified,
//! decoded and written as text that assembles to the same bytes.
#![no_main]

use fardel_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check::text(&String::from_utf8_lossy(bytes));
});
