//! Modules that cost the verifier as much as it allows for their size.
//!
//! **Invariant:** the verifier takes them.

use super::body::Body;
use crate::index::LocalIndex;
use crate::isa::{Inst, Opcode};
use crate::limits::{LOCALS_MAX, STACK_CELLS_EACH};
use crate::module::{Function, Module};
use crate::types::{ANY, BOOL, INT, TEXT};

/// A module of about so many bytes of code, one branch after the other: each brings as many values as instructions may
/// have before them on the average, each value is converted, and every local is live.
pub fn costly(code_bytes: usize) -> Module {
    let mut functions = Vec::new();
    let branches = code_bytes / BRANCH_BYTES;
    for at in 0..branches.div_ceil(BRANCHES) {
        functions.push(function(at, BRANCHES.min(branches - at * BRANCHES)));
    }
    Module { functions, ..Module::default() }
}

/// Branches of one function, and the bytes that one takes: a truth value to push, an instruction, a target.
const BRANCHES: usize = 100_000;
const BRANCH_BYTES: usize = 3;

/// Targets of one function: their numbers fit a byte.
const TARGETS: usize = 100;

fn function(at: usize, branches: usize) -> Function {
    let mut body = Body::default();
    let locals = vec![INT; LOCALS_MAX];
    for local in 0..LOCALS_MAX as u32 {
        body.emit(Inst::PushInt { value: 0 }, 0, &[INT]);
        body.emit(Inst::Store { local: LocalIndex(local) }, 1, &[]);
    }
    let height = STACK_CELLS_EACH as usize - 1;
    for _ in 0..height {
        body.emit(Inst::PushTrue {}, 0, &[BOOL]);
        body.emit(Inst::Show {}, 1, &[TEXT]);
    }
    let targets: Vec<_> = (0..TARGETS).map(|_| body.label_with(vec![ANY; height])).collect();
    for target in targets.iter().cycle().take(branches.max(TARGETS)) {
        body.emit(Inst::PushTrue {}, 0, &[BOOL]);
        body.jump(Opcode::JmpIf, *target);
    }
    for target in targets {
        body.place(target);
        body.emit(Inst::Drop {}, 1, &[]);
        body.emit(Inst::PushNull {}, 0, &[ANY]);
    }
    for local in 0..LOCALS_MAX as u32 {
        body.emit(Inst::Load { local: LocalIndex(local) }, 0, &[INT]);
        body.emit(Inst::Drop {}, 1, &[]);
    }
    body.emit(Inst::Ret {}, 0, &[]);
    let mut function = Function { name: format!("f{at}"), locals, ..Function::default() };
    body.finish(&mut function);
    function
}

#[cfg(test)]
mod tests {
    use super::costly;
    use crate::index::TypeIndex;
    use crate::verify::verify;

    #[test]
    fn it_is_taken_and_of_the_size_asked_for() {
        let module = costly(1_000_000);
        let bytes: usize = module.functions.iter().map(|function| function.code.len()).sum();
        assert!((1_000_000..1_020_000).contains(&bytes), "{bytes}");
        let verified = verify(module).unwrap_or_else(|errors| panic!("{}", errors[0]));
        let facts = verified.facts(0);
        assert!(facts.points.iter().any(|point| facts.stack(point).ends_with(&[TypeIndex(4), TypeIndex(1)])));
    }
}
