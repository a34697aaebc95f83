//! `fardel fmt`: writes sources in the one style.

use crate::say;
use clap::Args;
use fardel::language;
use fardel::program::not_made;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  fardel fmt            formats all sources below this folder\n  fardel fmt --check .  changes nothing, fails where something would be changed"
)]
pub(crate) struct Options {
    /// Sources, or folders with sources in them [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Changes nothing; names the files that would be changed, and fails when there are any
    #[arg(long)]
    check: bool,
}

pub(crate) fn fmt(options: &Options) -> u8 {
    let mut files = Vec::new();
    let here = [PathBuf::from(".")];
    let paths = if options.paths.is_empty() { &here[..] } else { &options.paths };
    for path in paths {
        if let Err(problem) = collect(path, &mut files) {
            say::error(format_args!("cannot read {}: {problem}", path.display()));
            return say::USAGE;
        }
    }
    let mut status = say::OK;
    for file in &files {
        status = status.max(format(file, options.check));
    }
    status
}

/// Sources below a folder, in order; what is hidden is left out.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path)? {
        entries.push(entry?.path());
    }
    entries.sort();
    for entry in entries {
        let is_hidden = entry.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.'));
        if is_hidden || entry.is_symlink() {
            continue;
        }
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if language::is_source(&entry) {
            files.push(entry);
        }
    }
    Ok(())
}

fn format(file: &Path, only_check: bool) -> u8 {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(problem) => {
            say::error(format_args!("cannot read {}: {problem}", file.display()));
            return say::USAGE;
        }
    };
    let path = file.display().to_string();
    match language::format(&text) {
        Ok(formatted) if formatted == text => say::OK,
        Ok(_) if only_check => {
            say::output(format!("{path} is not in the one style\n").as_bytes());
            say::FAILED
        }
        Ok(formatted) => say::file(file, formatted.as_bytes()),
        Err(diagnostics) => {
            diagnostics.iter().for_each(|one| say::line(&format!("{}\n", one.render(&path, &text, say::in_colour()))));
            say::error(not_made(&path));
            say::USAGE
        }
    }
}
