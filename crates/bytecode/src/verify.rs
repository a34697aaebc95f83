//! The verifier.

use crate::index::{CodeOffset, TargetIndex, TypeIndex};
use crate::module::{LocalSet, Module, ModuleHash};

/// A module that was proven; there is no other way to make one than [`verify`].
#[derive(Clone, Debug)]
pub struct VerifiedModule {
    module: Module,
    hash: ModuleHash,
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
}
/// What the verifier knows of one function: rule 5 of the contract between the tiers.
#[derive(Clone, Debug, Default)]
pub struct FunctionFacts {
    /// The most operand slots in use at any place.
    pub stack_max: usize,
    /// One a instruction, in the order of the code.
    pub points: Vec<Point>,
    /// The stacks of all points.
    pub stacks: Vec<TypeIndex>,
    /// For each target, whether a jump backwards leads to it.
    pub loop_headers: Vec<bool>,
}

/// What holds before one instruction.
#[derive(Clone, Debug)]
pub struct Point {
    /// Where it stands.
    pub offset: CodeOffset,
    /// The target at this place, if there is one.
    pub target: Option<TargetIndex>,
    /// The operand stack before it: a range of [`FunctionFacts::stacks`].
    pub stack: std::ops::Range<u32>,
    /// Locals that this or a later instruction may read, handlers included, before it.
    pub live_before: LocalSet,
    /// The same after it.
    pub live_after: LocalSet,
}
