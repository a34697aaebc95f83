//! `fardel disasm`: shows a module as assembly text.

use crate::say;
use clap::Args;
use fardel::program::{Contents, Loader, ProgramError, decode, read};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The module; of assembly text, what it assembles to is shown
    file: PathBuf,
    /// Where the text goes, `-` for the standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,
}

pub(crate) fn disasm(options: &Options) -> u8 {
    let module = match module(&options.file) {
        Ok(module) => module,
        Err(problem) => return say::bad_program(&problem),
    };
    match fardel_asm::disassemble(&module) {
        Ok(text) => say::file(&options.output, text.as_bytes()),
        Err(problem) => {
            say::error(format_args!("{} cannot be written as text: {problem}", options.file.display()));
            say::USAGE
        }
    }
}

// A module that the verifier refuses is shown all the same: whoever wants to know why has to see it.
fn module(path: &Path) -> Result<fardel::bytecode::Module, ProgramError> {
    match read(path)? {
        Contents::Module(bytes) => decode(&path.display().to_string(), &bytes),
        Contents::Text(_) => {
            let mut loader = Loader::new(say::in_colour());
            let hash = loader.add_file(path)?;
            Ok(loader.module(hash).map(|module| module.module().clone()).unwrap_or_default())
        }
    }
}
