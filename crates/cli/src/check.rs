//! `fardel check`: says whether files hold sound modules.

use crate::say;
use clap::Args;
use fardel::program::Loader;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Assembly texts or modules
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn check(options: &Options) -> u8 {
    let mut status = say::OK;
    for file in &options.files {
        let mut loader = Loader::new(say::in_colour());
        let result = loader.add_file(file);
        loader.warnings().iter().for_each(|warning| say::line(warning));
        match result {
            Ok(hash) => {
                let count = loader.module(hash).map_or(0, |module| module.module().functions.len());
                let functions = if count == 1 { "function" } else { "functions" };
                let line = format!("{}: OK, {count} {functions}, hash {hash}\n", file.display());
                status = status.max(say::output(line.as_bytes()));
            }
            Err(problem) => status = say::bad_program(&problem),
        }
    }
    status
}
