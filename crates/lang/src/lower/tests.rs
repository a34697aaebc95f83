//! The whole standard library as code.

use super::{Roots, lower};
use crate::load::{Found, Resolver, load};
use crate::std_modules::{CORE, OTHERS};
use crate::thir::{DELIVER, FnId};
use crate::ty::Ty;

struct Nothing;

impl Resolver for Nothing {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

/// Compiles every function of the standard library with these types as arguments.
fn compile_all(pick: fn(&mut crate::program::Program<'_>) -> Ty) {
    let uses: Vec<&str> = OTHERS.iter().map(|(path, _)| *path).collect();
    let source = format!("use {}\n\npub fn main() {{}}\n", uses.join(", "));
    let sources = load("all", "all.fdl", source, &mut Nothing);
    let lowered = crate::compile::with_program(&sources, |program, checked, _| {
        let ty = pick(program);
        let fns: Vec<FnId> = (0..program.fns.len() as u32).map(FnId).collect();
        let std: Vec<FnId> = fns
            .into_iter()
            .filter(|id| program.module(program.fun(*id).module).is_std && program.fun(*id).derive.is_none())
            // Not a function for others to call.
            .filter(|id| program.fun(*id).asm != Some(DELIVER))
            .collect();
        let std: Vec<(FnId, Vec<Ty>)> = std
            .into_iter()
            .map(|id| {
                // Arrays are of numbers alone.
                let of_array = program.fun(id).owner == Some(program.core.array);
                let ty = if of_array { program.plain(program.core.int) } else { ty };
                (id, vec![ty; program.fun(id).generics.len()])
            })
            .collect();
        super::lower_instances(program, checked, &std).unwrap_or_else(|_| panic!("it is lowered"))
    });
    assert!(CORE.len() + OTHERS.len() > 10);
    let assembled = fardel_asm::assemble("std", &lowered.assembly, &mut fardel_asm::NoImports);
    let told: Vec<String> =
        assembled.diagnostics.iter().map(|told| told.render("std.fda", &lowered.assembly, false)).collect();
    assert!(assembled.module.is_some(), "{}", told.join("\n"));
}

#[test]
fn the_standard_library_is_code_for_integers() {
    compile_all(|program| program.plain(program.core.int));
}

#[test]
fn the_standard_library_is_code_for_texts() {
    compile_all(|program| program.plain(program.core.text));
}

#[test]
fn the_standard_library_is_code_for_options() {
    compile_all(|program| {
        let int = program.plain(program.core.int);
        let option = program.core.option;
        program.types.named(option, vec![int])
    });
}

#[test]
fn the_standard_library_is_code_for_nothing() {
    compile_all(|_| crate::ty::UNIT);
}

#[test]
fn without_roots_there_is_nothing() {
    let sources = load("none", "none.fdl", "pub fn main() {}\n".to_owned(), &mut Nothing);
    let lowered = crate::compile::with_program(&sources, |program, checked, _| lower(program, checked, &Roots::default()));
    assert!(lowered.is_ok_and(|lowered| lowered.assembly.is_empty()));
}
