//! The verifier: no module makes it panic, and about whatever it takes it knows the facts.
#![no_main]

use fardel_bytecode::format::decode;
use fardel_bytecode::shape::type_keys;
use fardel_bytecode::verify::verify;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(module) = decode(bytes) else { return };
    assert_eq!(type_keys(&module.types).len(), module.types.all().len());
    let Ok(verified) = verify(module) else { return };
    for at in 0..verified.module().functions.len() {
        assert!(!verified.facts(at).points.is_empty());
    }
});
