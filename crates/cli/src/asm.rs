//! `fardel asm`: makes a module of assembly text.

use crate::say;
use clap::Args;
use fardel::bytecode::format;
use fardel::program::Loader;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The assembly text
    file: PathBuf,
    /// Where the module goes, `-` for the standard output [default: FILE with the extension fdm]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

pub(crate) fn asm(options: &Options) -> u8 {
    let mut loader = Loader::new(say::in_colour());
    let hash = match loader.add_file(&options.file) {
        Ok(hash) => hash,
        Err(problem) => return say::bad_program(&problem),
    };
    loader.warnings().iter().for_each(|warning| say::line(warning));
    let output = options.output.clone().unwrap_or_else(|| options.file.with_extension("fdm"));
    if output == options.file {
        say::error(format_args!("{} would replace itself; name another file with --output", output.display()));
        return say::USAGE;
    }
    let Some(module) = loader.module(hash) else { return say::FAILED };
    say::file(&output, &format::encode(module.module()))
}
