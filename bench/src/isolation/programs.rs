//! The programs of `bench/isolation`.

use fardel::bytecode::verify::{VerifiedModule, verify};
use fardel_asm::{NoImports, assemble};

/// A program's file and text.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    name: &'static str,
    text: &'static str,
}

pub(crate) const OTHERS: Source = Source { name: "others.fda", text: include_str!("../../isolation/others.fda") };
pub(crate) const FLOODS: Source = Source { name: "floods.fda", text: include_str!("../../isolation/floods.fda") };
pub(crate) const LOOPS: Source = Source { name: "loops.fda", text: include_str!("../../isolation/loops.fda") };
pub(crate) const BULK: Source = Source { name: "bulk.fda", text: include_str!("../../isolation/bulk.fda") };
pub(crate) const LIMITS: Source = Source { name: "limits.fda", text: include_str!("../../isolation/limits.fda") };
pub(crate) const BIRTHS: Source = Source { name: "births.fda", text: include_str!("../../isolation/births.fda") };

impl Source {
    /// The program, assembled and verified.
    ///
    /// # Panics
    /// When it is wrong.
    pub(crate) fn module(self) -> VerifiedModule {
        let assembled = assemble(self.name, self.text, &mut NoImports);
        let rendered = || -> String {
            assembled.diagnostics.iter().map(|problem| problem.render(self.name, self.text, false)).collect()
        };
        let Some(module) = &assembled.module else { panic!("{}", rendered()) };
        verify(module.clone()).unwrap_or_else(|errors| panic!("{}: {errors:?}", self.name))
    }

    /// What it exports, in the order of its text.
    pub(crate) fn exports(self) -> Vec<&'static str> {
        self.text.lines().filter_map(|line| line.strip_prefix("export ")).map(str::trim).collect()
    }
}
