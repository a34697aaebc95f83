//! The language: no text makes the checker and the code generator panic, what is told lies in the text, and what is made is
//! a module that is verified.
#![no_main]

use fardel_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check::language(&String::from_utf8_lossy(bytes));
});
