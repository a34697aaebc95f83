//! What the verifier takes, refuses and knows, each case a module written down as data.

mod codes;
mod facts;
mod random;
mod rules;

use super::{FunctionFacts, VerifiedModule, VerifyError, verify};
use crate::index::{CodeOffset, LocalIndex, TypeIndex};
use crate::isa::Inst;
use crate::module::{Function, LocalSet, Module, Target};

/// An instruction, or a place where a target stands.
#[derive(Clone, Copy)]
enum Line<'a> {
    At(&'a [TypeIndex], &'a [u32]),
    Do(Inst<'a>),
}

use Line::{At, Do};

fn set(locals: &[u32]) -> LocalSet {
    let mut set = LocalSet::default();
    locals.iter().for_each(|local| set.insert(LocalIndex(*local)));
    set
}

fn code(lines: &[Line<'_>]) -> (Vec<u8>, Vec<Target>) {
    let (mut code, mut targets) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            At(stack, live) => {
                targets.push(Target { offset: CodeOffset(code.len() as u32), stack: stack.to_vec(), live: set(live) });
            }
            Do(inst) => inst.encode(&mut code),
        }
    }
    (code, targets)
}

fn function(params: &[TypeIndex], locals: &[TypeIndex], result: Option<TypeIndex>, lines: &[Line<'_>]) -> Function {
    let (code, targets) = code(lines);
    Function {
        name: "f".to_owned(),
        params: params.to_vec(),
        locals: locals.to_vec(),
        result,
        code,
        targets,
        ..Function::default()
    }
}

fn module(function: Function) -> Module {
    Module { functions: vec![function], ..Module::default() }
}

#[track_caller]
fn accept(module: Module) -> VerifiedModule {
    match verify(module) {
        Ok(module) => module,
        Err(errors) => panic!("{}", render(&errors)),
    }
}

#[track_caller]
fn facts(module: Module) -> FunctionFacts {
    accept(module).facts(0)
}

fn render(errors: &[VerifyError]) -> String {
    errors.iter().map(|error| format!("{error}\n")).collect()
}

fn local(at: u32) -> LocalIndex {
    LocalIndex(at)
}
