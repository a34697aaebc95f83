//! What no compiler checks of the text of the code: length of files, module documents, `unsafe`, things left behind.
//!
//! **Invariant:** every exception is a row of a table below, with its reason.

use std::path::{Path, PathBuf};

/// Lines over which a file is reported.
const LINES_LONG: usize = 600;
/// Lines over which a file fails.
const LINES_MAX: usize = 900;

/// Files that are one table, or one macro over it, and may be longer.
const TABLES: &[&str] = &["crates/bytecode/src/isa.rs"];

/// Where `unsafe` may stand in the machine: the union in an internal instruction, and the root, which allows it there.
const UNSAFE_FILES: &[&str] = &["crates/vm/src/code.rs", "crates/vm/src/lib.rs"];
/// As [`UNSAFE_FILES`], every file beneath: the blocks of fibers and what runs on them.
const UNSAFE_FOLDERS: &[&str] = &["crates/vm/src/heap/", "crates/vm/src/interp/"];

/// The one crate root that denies `unsafe` instead of forbidding it, so that the files above can allow it.
const UNSAFE_ROOT: &str = "crates/vm/src/lib.rs";

/// This file, which spells out what it looks for.
const OWN_PATH: &str = "xtask/tests/tidy.rs";

/// A source file.
struct Source {
    /// From the root of the workspace, with `/`.
    path: String,
    text: String,
}

/// Every file of the project whose name ends in one of `endings`, sorted by path.
fn sources(endings: &[&str]) -> Vec<Source> {
    let root = xtask::root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the project can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() && !is_foreign(&name) {
                folders.push(path);
            } else if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(source(&root, &path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Folders that tools fill: build results, the history, what a fuzzer found.
fn is_foreign(name: &str) -> bool {
    matches!(name, "target" | ".git" | "corpus" | "artifacts")
}

fn source(root: &Path, path: &PathBuf) -> Source {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let inside = path.strip_prefix(root).expect("a file of the project lies in it");
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    Source { path: parts.join("/"), text }
}

/// Fails with one line for each finding.
#[track_caller]
fn none_found(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}:\n  {}", findings.join("\n  "));
}

/// The lines of `source` that contain one of `words`, as findings.
fn lines_with(source: &Source, words: &[&str]) -> Vec<String> {
    let lines = source.text.lines().enumerate().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
    lines.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim())).collect()
}

#[test]
fn files_are_short_enough_to_read() {
    let mut too_long = Vec::new();
    for source in sources(&[".rs"]) {
        let lines = source.text.lines().count();
        if TABLES.contains(&source.path.as_str()) || lines <= LINES_LONG {
            continue;
        }
        println!("{} has {lines} lines; over {LINES_MAX} it fails", source.path);
        if lines > LINES_MAX {
            too_long.push(format!("{} has {lines} lines", source.path));
        }
    }
    none_found(&format!("files over {LINES_MAX} lines: split them"), &too_long);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mute = sources(&[".rs"]).into_iter().filter(|source| !source.text.starts_with("//! ")).map(|source| source.path);
    none_found("files that do not begin with a `//!` document", &mute.collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_behind() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "TODO", "FIXME", "XXX"];
    let sources = sources(&[".rs"]);
    let judged = sources.iter().filter(|source| source.path != OWN_PATH);
    let found: Vec<String> = judged.flat_map(|source| lines_with(source, &words)).collect();
    none_found("code that is not finished", &found);
}

#[test]
fn no_text_names_a_place_on_one_machine() {
    let homes = ["/root/", "/home/", "/work/", "/Users/"];
    let endings = [".rs", ".md", ".toml", ".fda", ".json", ".py", ".txt", ".fixture", "run", "miri"];
    let mut found = Vec::new();
    for source in sources(&endings).iter().filter(|source| source.path != OWN_PATH) {
        // A folder of that name inside a longer path, as `src/work/`, is none.
        let named = |line: &str, home: &str| {
            line.match_indices(home).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-".contains(c)))
        };
        let lines = source.text.lines().enumerate().filter(|(_, line)| homes.iter().any(|home| named(line, home)));
        found.extend(lines.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim())));
    }
    none_found("paths of one machine", &found);
}

/// Whether the compiler starts a crate at this file. Fuzz targets are left out: the macro that starts one expands to
/// code that is unsafe.
fn is_crate_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), [.., "src", "lib.rs" | "main.rs"] | [.., "src", "bin", _])
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate_but_the_machine() {
    let mut missing = Vec::new();
    for source in sources(&[".rs"]).iter().filter(|source| is_crate_root(&source.path)) {
        let wanted = if source.path == UNSAFE_ROOT { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        if !source.text.lines().any(|line| line == wanted) {
            missing.push(format!("{} has no `{wanted}`", source.path));
        }
    }
    none_found("crate roots", &missing);
}

#[test]
fn unsafe_code_stands_in_few_files() {
    let may = |path: &str| UNSAFE_FILES.contains(&path) || UNSAFE_FOLDERS.iter().any(|folder| path.starts_with(folder));
    let words = ["allow(unsafe_code", "unsafe {", "unsafe fn ", "unsafe impl ", "unsafe extern "];
    let sources = sources(&[".rs"]);
    let others = sources.iter().filter(|source| !may(&source.path) && source.path != OWN_PATH);
    let found: Vec<String> = others.flat_map(|source| lines_with(source, &words)).collect();
    none_found("`unsafe` outside the files that may hold it", &found);
}
