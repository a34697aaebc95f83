//! Changes of modules: of their code by instructions, of everything else by parts.
//!
//! **Invariant:** every operand that the instruction set's table knows can come of it, and none that it does not know.

mod code;
mod parts;

use crate::choices::Choices;
use fardel_bytecode::Module;
use fardel_bytecode::format::{decode, encode};
use fardel_bytecode::verify::verify;

/// How often a change is tried before it is given up.
const TRIES: usize = 40;

/// Changes the module that `data` begins with, as a fuzzer's mutator does; the new size.
///
/// Nothing when there is no module, or no change was found that the verifier takes, where that is wanted.
pub fn bytes(data: &mut [u8], size: usize, max_size: usize, seed: u32, valid: bool) -> Option<usize> {
    let old = decode(data.get(..size)?).ok()?;
    let mut choices = Choices::new(seed.into());
    let mut changed = None;
    let (mut wanted, mut base) = (choices.below(4) + 1, old);
    for _ in 0..TRIES {
        let mut module_ = base.clone();
        module(&mut module_, &mut choices);
        if module_ != base && (!valid || verify(module_.clone()).is_ok()) {
            changed = Some(encode(&module_));
            base = module_;
            wanted -= 1;
            if wanted == 0 {
                break;
            }
        }
    }
    let changed = changed.filter(|bytes| bytes.len() <= max_size)?;
    data.get_mut(..changed.len())?.copy_from_slice(&changed);
    Some(changed.len())
}

/// Changes a module somewhere.
pub fn module(module: &mut Module, choices: &mut Choices) {
    if choices.once_in(6) {
        parts::change(module, choices);
    } else {
        code::change(module, choices);
    }
}
