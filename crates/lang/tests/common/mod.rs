//! What the tests of the checker share: modules out of folders, and what people read of a program.

#![allow(dead_code, reason = "each test uses a part of it")]

use fardel_lang::{Checked, Found, Resolver, Sources, load};
use std::path::{Path, PathBuf};

/// Finds no modules but those of the standard library.
pub(crate) struct Alone;

impl Resolver for Alone {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

/// Finds the modules of a folder.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Resolver for Folder {
    fn module(&mut self, path: &str) -> Result<Option<Found>, String> {
        let file = format!("{}.fdl", path.replace('.', "/"));
        match std::fs::read_to_string(self.0.join(&file)) {
            Ok(text) => Ok(Some(Found { file, text, is_own: true })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The sources of a program that stands alone.
pub(crate) fn alone(name: &str, text: &str) -> Sources {
    load("main", name, text.to_owned(), &mut Alone)
}

/// What people read of a program.
pub(crate) fn told(sources: &Sources, checked: &Checked) -> String {
    let render = |at: usize, one: &fardel_lang::Diagnostic| {
        let source = sources.all().get(at);
        source.map_or_else(String::new, |source| one.render(&source.file, &source.text, false))
    };
    checked.diagnostics.iter().map(|(at, one)| render(*at, one) + "\n").collect::<Vec<_>>().join("\n")
}

/// A folder beside the tests.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What is in a folder, sorted.
#[track_caller]
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// The files of a folder with an ending, sorted.
#[track_caller]
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = entries(folder);
    found.retain(|path| path.extension().is_some_and(|own| own == ending));
    found
}

/// Compares a text with the one of a file, or writes the file where `UPDATE` is set.
#[track_caller]
pub(crate) fn compare(path: &Path, seen: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, seen).unwrap();
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(seen, wanted, "{} is something else; UPDATE=1 takes it over", path.display());
}
