//! Module format 1: what is written is read again, and nothing else is.

use fardel_bytecode::format::{decode, encode};
use fardel_bytecode::module::Module;

#[test]
fn empty_module() {
    let bytes = encode(&Module::default());
    assert_eq!(bytes, b"\0fdm\x01\0\x01\0\0\0");
    assert_eq!(decode(&bytes), Ok(Module::default()));
}
