//! Where instructions come from: lines of the source in place of those of the assembly.

use super::Lowered;
use fardel_bytecode::Module;
use fardel_bytecode::module::OtherFile;
use std::collections::{BTreeMap, BTreeSet};

/// Lets the module's debugging part speak of the source that it was made of.
pub(crate) fn relocate(module: &mut Module, lowered: &Lowered) {
    let Some(debug) = &mut module.debug else { return };
    debug.file.clone_from(&lowered.file);
    for function in &mut debug.functions {
        let mut out: Vec<_> = Vec::with_capacity(function.lines.len());
        for (offset, line) in &function.lines {
            let at = lowered.lines.partition_point(|(assembly, _)| assembly <= line);
            let source = at.checked_sub(1).and_then(|at| lowered.lines.get(at)).map_or(1, |(_, source)| *source);
            if out.last().is_none_or(|(_, last)| *last != source) {
                out.push((*offset, source));
            }
        }
        function.lines = out;
        name_locals(&mut function.locals);
    }
    let mut others: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (at, function) in (0..).zip(&module.functions) {
        if let Some(file) = lowered.files.get(&function.name) {
            others.entry(file).or_default().push(at);
        }
    }
    debug.others = others.into_iter().map(|(file, functions)| OtherFile { file: file.to_owned(), functions }).collect();
}

/// Gives locals the names that they have in the source, as far as that tells them apart.
fn name_locals(locals: &mut [String]) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for local in locals {
        let Some((name, _)) = local.rsplit_once('_') else { continue };
        // Those of the compiler's own keep their number, and with it the mark behind their name.
        if !name.is_empty() && !name.ends_with('_') && taken.insert(name.to_owned()) {
            *local = name.to_owned();
        }
    }
}
