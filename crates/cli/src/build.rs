//! `fardel build`: makes a module of a program.

use crate::{package, say};
use clap::Args;
use fardel::bytecode::format;
use fardel::program::Loader;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// A source or assembly text [default: src/main.fdl]
    file: Option<PathBuf>,
    /// Where the module goes, `-` for the standard output [default: FILE with the extension fdm]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Shows the module as assembly text in place of writing it
    #[arg(long)]
    assembly: bool,
}

pub(crate) fn build(options: &Options) -> u8 {
    let Some(file) = options.file.clone().or_else(package::main_file) else { return say::USAGE };
    let mut loader = Loader::new(say::in_colour());
    let hash = match loader.add_file(&file) {
        Ok(hash) => hash,
        Err(problem) => return say::bad_program(&problem),
    };
    loader.warnings().iter().for_each(|warning| say::line(warning));
    let Some(module) = loader.module(hash) else { return say::FAILED };
    if options.assembly {
        return match fardel_asm::disassemble(module.module()) {
            Ok(text) => say::output(text.as_bytes()),
            Err(problem) => {
                say::error(problem);
                say::FAILED
            }
        };
    }
    let output = options.output.clone().unwrap_or_else(|| file.with_extension("fdm"));
    if output == file {
        say::error(format_args!("{} would replace itself; name another file with --output", output.display()));
        return say::USAGE;
    }
    say::file(&output, &format::encode(module.module()))
}
