//! `fardel check --against`: tells what a change breaks.

use crate::{package, say};
use fardel::bytecode::module::ModuleHash;
use fardel::bytecode::verify::VerifiedModule;
use fardel::program::Loader;
use fardel::vm::compare::{Change, Fit, What, compare};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Digits of a hash that are enough to name a module.
const DIGITS_MIN: usize = 8;

/// Compares the program in a file with an older module of it: a file, or the first digits of its hash.
pub(crate) fn check(file: &Path, old: &str) -> u8 {
    let (path, old) = match find(file, old) {
        Ok(found) => found,
        Err(problem) => {
            say::error(problem);
            return say::USAGE;
        }
    };
    let new = match load(file) {
        Ok(new) => new,
        Err(status) => return status,
    };
    match compare(&old, &new) {
        Ok(changes) => {
            let told = say::output(text(&path, old.hash(), &changes).as_bytes());
            if changes.iter().any(Change::breaks) { say::FAILED } else { told }
        }
        Err(problem) => {
            say::error(problem);
            say::USAGE
        }
    }
}

/// What a file holds; it has told when that is nothing sound. The status then.
fn load(file: &Path) -> Result<VerifiedModule, u8> {
    let mut loader = Loader::new(say::in_colour());
    let hash = loader.add_file(file).map_err(|problem| say::bad_program(&problem))?;
    loader.module(hash).cloned().ok_or(say::USAGE)
}

/// The old module, and its file.
fn find(file: &Path, old: &str) -> Result<(PathBuf, VerifiedModule), String> {
    let path = PathBuf::from(old);
    if path.exists() {
        let module = load(&path).map_err(|_| format!("{old} is nothing to compare with"))?;
        return Ok((path, module));
    }
    if old.len() < DIGITS_MIN || !old.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!(
            "{old} is no file, and no hash of a module: {DIGITS_MIN} hexadecimal digits or more are wanted"
        ));
    }
    let folders = package::folders(file);
    let mut found: BTreeMap<String, (PathBuf, VerifiedModule)> = BTreeMap::new();
    for folder in &folders {
        for path in modules(folder) {
            // What is no sound module has no hash.
            let mut loader = Loader::default();
            let Ok(hash) = loader.add_file(&path) else { continue };
            let Some(module) = loader.module(hash) else { continue };
            if hash.to_string().starts_with(&old.to_ascii_lowercase()) {
                found.entry(hash.to_string()).or_insert((path, module.clone()));
            }
        }
    }
    if found.len() > 1 {
        let all: Vec<String> = found.iter().map(|(hash, (path, _))| format!("{hash} in {}", path.display())).collect();
        return Err(format!("{old} begins the hashes of several modules: {}", all.join(", ")));
    }
    found.into_values().next().ok_or_else(|| {
        let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        format!("no module whose hash begins with {old} is in {}", folders.join(" or "))
    })
}

/// The module files in a folder, sorted.
fn modules(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let is_module = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "fdm") && path.is_file();
    let mut found: Vec<PathBuf> = entries.filter(is_module).collect();
    found.sort();
    found
}

/// What is told of the changes.
fn text(old: &Path, hash: ModuleHash, changes: &[Change]) -> String {
    let mut out = String::new();
    for Change { name, what } in changes {
        let name = say::plain(name);
        let lines = match what {
            What::Reshaped { old_in_new, new_in_old } => {
                format!("{name}: old -> new {}\n{name}: new -> old {}\n", fit(old_in_new), fit(new_in_old))
            }
            What::TypeGone => format!("{name}: the type is gone, and what is sent as it does not arrive\n"),
            What::ExportGone => format!("{name}: the function is not exported any more\n"),
            What::ServeGone => format!("{name}: the function does not serve any more\n"),
            What::NotReceived(ty) => format!("{name}: its fibers do not take {} any more\n", say::plain(ty)),
            What::OtherTypes => format!("{name}: the function takes or gives other types\n"),
            What::OtherState => format!("{name}: the function serves with a state of another type\n"),
        };
        out.push_str(&lines);
    }
    let breaks = changes.iter().filter(|change| change.breaks()).count();
    let hash: String = hash.to_string().chars().take(12).collect();
    let end = match (changes.len(), breaks) {
        (0, _) => "nothing has changed".to_owned(),
        (_, 0) => "nothing breaks".to_owned(),
        (1, _) => "the change breaks something".to_owned(),
        (all, 1) => format!("1 of {all} changes breaks something"),
        (all, _) => format!("{breaks} of {all} changes break something"),
    };
    out + &format!("against {} {hash}: {end}\n", old.display())
}

fn fit(fit: &Fit) -> String {
    match fit {
        Fit::Whole => "fits".to_owned(),
        Fit::Part(why) => format!("fits in part: {}", say::plain(why)),
        Fit::No(why) => format!("does not fit: {}", say::plain(why)),
    }
}
