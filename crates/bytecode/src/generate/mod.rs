//! Random valid modules, for property tests and fuzzing.
//!
//! A string of bytes decides every choice, so that a fuzzer steers and a failure repeats. The programs use every
//! instruction that is not reserved, print what they compute with the host function `io.print`, and end: calls lead only
//! to functions further back, loops count down, what grows is cut. Traps happen, most of them inside handlers.
//!
//! Only `main` prints, and no fiber receives from two, so the output does not depend on how fibers take turns; addresses
//! and tokens are compared, but never shown.
//!
//! **Invariant:** the verifier takes what is made here, whatever the bytes.

mod body;
mod costly;
mod expressions;
mod fibers;
mod rules;
mod statements;
mod values;
mod world;

pub use costly::costly;

use crate::index::FunctionIndex;
use crate::module::{Export, Module};
use world::World;

/// Makes a module whose `main` can be run.
pub fn generate(bytes: &[u8]) -> Module {
    let mut source = Source { bytes, at: 0 };
    let world = World::new(&mut source);
    let functions = world.functions(&mut source);
    Module {
        types: world.types,
        hosts: world.hosts,
        data: world.data,
        functions,
        exports: vec![Export { name: "main".to_owned(), function: FunctionIndex(0) }],
        ..Module::default()
    }
}

/// Where choices come from. Behind the last byte every choice is the first, which is always one that leads to an end.
struct Source<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// A number below `count`; 0 when there is nothing to choose from.
    fn below(&mut self, count: usize) -> usize {
        let number =
            if count > 256 { usize::from(self.byte()) << 8 | usize::from(self.byte()) } else { usize::from(self.byte()) };
        number.checked_rem(count).unwrap_or(0)
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 1
    }

    fn pick<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        let at = self.below(from.len());
        from.get(at).copied().unwrap_or(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::format;
    use crate::isa::{INSTRUCTIONS, Inst, Opcode};
    use crate::leb::Reader;
    use crate::verify::{VerifiedModule, verify};

    #[track_caller]
    fn check(bytes: &[u8]) -> VerifiedModule {
        let module = generate(bytes);
        assert_eq!(format::decode(&format::encode(&module)).as_ref(), Ok(&module));
        match verify(module) {
            Ok(verified) => verified,
            Err(errors) => panic!("{}", errors[0]),
        }
    }

    fn noise(seed: u64, count: usize) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .take(count)
        .collect()
    }

    #[test]
    fn no_bytes_give_the_smallest_program() {
        check(&[]);
    }

    #[test]
    fn every_instruction_that_runs_is_made() {
        let mut seen: BTreeSet<Opcode> = BTreeSet::new();
        for seed in 0..300 {
            for function in &check(&noise(seed, 4096)).module().functions {
                let mut reader = Reader::new(&function.code);
                while let Ok(inst) = Inst::decode(&mut reader) {
                    seen.insert(inst.opcode());
                }
            }
        }
        let runs = INSTRUCTIONS
            .iter()
            .filter(|info| !super::rules::NOWHERE.contains(&info.opcode) || info.opcode == Opcode::AwaitRecv);
        let missing: Vec<&str> = runs.filter(|info| !seen.contains(&info.opcode)).map(|info| info.mnemonic).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    proptest! {
        #[test]
        fn what_is_made_is_valid(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let verified = check(&bytes);
            for at in 0..verified.module().functions.len() {
                prop_assert!(!verified.facts(at).points.is_empty());
            }
        }
    }
}
