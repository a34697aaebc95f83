//! The front end of the language: no text makes it panic, the tree is the text, and what has no errors is formatted to the
//! same program, once and for all.
#![no_main]

use fardel_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check::program(&String::from_utf8_lossy(bytes));
});
