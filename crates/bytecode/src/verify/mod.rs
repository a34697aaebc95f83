//! The verifier: from a module that may hold anything to one about which everything the machine relies on is proven.
//!
//! One pass forward over each function's code, because targets carry the types of the operand stack and the live locals
//! that hold there. [`tables`] and [`declarations`] look at what the code refers to, [`pass`] walks over the code,
//! [`rules`] says what each instruction does to the stack, [`names`] what its operands are, [`places`] what holds at
//! targets and handlers.
//!
//! The rules stand in `docs/spec/verification.md`.
//!
//! **Invariant:** the time is linear in the module's bytes, and nothing is allocated for an instruction. Each step is paid
//! for by a byte: an operand that is popped was pushed, a target's stack that is copied stands in the module, and the
//! stacks that branches compare are limited together ([`crate::limits::STACK_CELLS_FREE`]).

mod declarations;
mod error;
mod facts;
mod interner;
mod keys;
mod names;
mod pass;
mod places;
mod rules;
mod tables;
#[cfg(test)]
mod tests;

pub use error::{ErrorCode, VerifyError};
pub use facts::{FunctionFacts, Point};

use error::Errors;
use interner::Mixer;
use pass::Pass;
use tables::Tables;

use crate::format;
use crate::module::{Module, ModuleHash};

/// A module that was proven; there is no other way to make one than [`verify`].
#[derive(Clone, Debug)]
pub struct VerifiedModule {
    module: Module,
    hash: ModuleHash,
    tables: Tables,
}

impl VerifiedModule {
    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Its name.
    pub fn hash(&self) -> ModuleHash {
        self.hash
    }

    /// What is known of one of the module's own functions, by its position among them.
    ///
    /// It is computed anew each time. There is nothing to know of a function that does not exist.
    pub fn facts(&self, function: usize) -> FunctionFacts {
        facts::of(&self.module, &self.tables, function)
    }
}

/// Proves a module.
///
/// # Errors
/// Several reasons to refuse it: at most one for each function, and a limited number in all.
pub fn verify(module: Module) -> Result<VerifiedModule, Vec<VerifyError>> {
    let hash = format::hash(&module);
    let mut errors = Errors::default();
    let Some(mut tables) = tables::check(&module, Mixer::new(hash), &mut errors) else {
        errors.result()?;
        return Err(Vec::new());
    };
    declarations::check(&module, Mixer::new(hash), &mut errors);
    errors.result()?;
    tables.learn_functions(&module);
    if let Some(first) = module.functions.first() {
        let mut pass = Pass::new(&module, &tables, first);
        for function in &module.functions {
            if let Err(error) = pass.check(function) {
                errors.push(*error);
            }
            if errors.full() {
                break;
            }
        }
    }
    errors.result()?;
    Ok(VerifiedModule { module, hash, tables })
}
