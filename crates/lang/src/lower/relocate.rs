//! Where instructions come from: lines of the source in place of those of the assembly.

use super::Lowered;
use fardel_bytecode::Module;
use fardel_bytecode::module::OtherFile;
use std::collections::BTreeMap;

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
    }
    let mut others: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (at, function) in (0..).zip(&module.functions) {
        if let Some(file) = lowered.files.get(&function.name) {
            others.entry(file).or_default().push(at);
        }
    }
    debug.others = others.into_iter().map(|(file, functions)| OtherFile { file: file.to_owned(), functions }).collect();
}
