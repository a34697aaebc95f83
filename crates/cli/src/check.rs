//! `fardel check`: says whether files hold sound programs or modules.

use crate::{against, say};
use clap::Args;
use fardel::language;
use fardel::program::{Loader, not_made};
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Sources, assembly texts or modules [default: src/main.fdl]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Tells what breaks between the program and an older module of it: a file, or the first digits of the hash of one in
    /// the folder of FILE or of its package
    #[arg(long, value_name = "OLD")]
    against: Option<String>,
}

pub(crate) fn check(options: &Options) -> u8 {
    let mut status = say::OK;
    let Some(files) = crate::package::files(&options.files) else { return say::USAGE };
    if options.against.is_some() && files.len() > 1 {
        say::error(format_args!("--against compares one file with an older module; seen: {} files", files.len()));
        return say::USAGE;
    }
    for file in &files {
        if language::is_source(file) {
            status = status.max(source(file));
            continue;
        }
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
    match (&options.against, files.first()) {
        (Some(old), Some(file)) if status == say::OK => against::check(file, old),
        (_, _) => status,
    }
}

fn source(file: &Path) -> u8 {
    let sources = match language::sources(file) {
        Ok(sources) => sources,
        Err(problem) => return say::bad_program(&problem),
    };
    let checked = language::check(&sources);
    let (errors, warnings) = language::rendered(&checked, &sources, say::in_colour());
    warnings.iter().chain(&errors).for_each(|text| say::line(&format!("{text}\n")));
    let path = file.display().to_string();
    if errors.is_empty() {
        let own = sources.all().iter().filter(|source| !source.is_std).count();
        let modules = if own == 1 { "module" } else { "modules" };
        return say::output(format!("{path}: OK, {own} {modules}\n").as_bytes());
    }
    say::error(not_made(&path));
    say::USAGE
}
