//! What holds for every module.

use crate::generate;
use fardel_bytecode::format::{decode, encode, hash};
use fardel_bytecode::module::Module;
use proptest::collection::vec;
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read(module in generate::module()) {
        let bytes = encode(&module);
        prop_assert_eq!(decode(&bytes), Ok(module));
    }

    #[test]
    fn what_is_changed_is_refused_or_another_module(
        module in generate::module(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encode(&module);
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }

    #[test]
    fn modules_with_equal_hashes_are_equal(one in generate::module(), other in generate::module()) {
        let plain = |module: Module| Module { debug: None, ..module };
        prop_assert_eq!(hash(&one) == hash(&other), plain(one) == plain(other));
    }

    #[test]
    fn noise_behind_a_header_is_no_module_or_written_again(noise in vec(any::<u8>(), 0..200)) {
        let bytes = [b"\0fdm\x01\0\0\0\0\0", noise.as_slice()].concat();
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(encode(&read), bytes);
        }
    }
}
