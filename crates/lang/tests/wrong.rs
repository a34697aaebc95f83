//! Programs that are wrong: what people read of each stands beside it in a file `.out`.
//!
//! A case is a file, or a folder whose main source is `main.fdl`. One whose first line is `// run` is compiled as a program
//! with a `main`, the others are checked. `UPDATE=1 cargo test -p fardel-lang` writes the files `.out` anew.

mod common;

use common::{Alone, Folder, compare, entries, folder, told};
use fardel_lang::{Code, Goal, check, compile, load};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Codes that no small program shows, with the reason.
const ELSEWHERE: &[(&str, &str)] = &[
    ("F0008", "a source that is too large is made by a test of the parser"),
    ("F0135", "a program that is too large is made by the test of hostile sources"),
];

fn cases() -> Vec<PathBuf> {
    let mut found = entries(&folder("tests/wrong"));
    found.retain(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "fdl"));
    found
}

/// Compares what is told of a case; the codes that are.
#[track_caller]
fn check_case(path: &Path) -> Vec<&'static str> {
    let main = if path.is_dir() { path.join("main.fdl") } else { path.to_owned() };
    let bytes = std::fs::read(&main).unwrap();
    let file = main.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let text = match fardel_syntax::decode(&bytes) {
        Ok(text) => text,
        Err(told) => {
            compare(&path.with_extension("out"), &(told.render(file, &String::from_utf8_lossy(&bytes), false) + "\n"));
            return vec![told.code];
        }
    };
    let sources = match path.is_dir() {
        true => load("main", file, text.to_owned(), &mut Folder(path.to_owned())),
        false => load("main", file, text.to_owned(), &mut Alone),
    };
    let checked = if text.starts_with("// run\n") { compile(&sources, Goal::Run).checked } else { check(&sources) };
    assert!(!checked.diagnostics.is_empty(), "{} is not wrong", path.display());
    compare(&path.with_extension("out"), &told(&sources, &checked));
    checked.diagnostics.iter().map(|(_, one)| one.code).collect()
}

#[test]
fn each_mistake_is_told_with_its_place_and_a_hint() {
    let mut codes = BTreeSet::new();
    let mut failed = Vec::new();
    for path in cases() {
        // All that differ are told, not the first alone.
        match std::panic::catch_unwind(|| check_case(&path)) {
            Ok(told) => codes.extend(told),
            Err(_) => failed.push(path),
        }
    }
    assert!(failed.is_empty(), "cases that are told otherwise: {failed:?}");
    let known = Code::ALL.iter().map(|code| code.id()).chain(fardel_syntax::Code::ALL.iter().map(|code| code.id()));
    let missing: Vec<&str> =
        known.filter(|code| !codes.contains(code) && ELSEWHERE.iter().all(|(own, _)| own != code)).collect();
    assert_eq!(missing, [""; 0], "each code has a program that shows it");
}

#[test]
fn no_file_is_left_behind() {
    for path in entries(&folder("tests/wrong")) {
        let is_left = path.extension().is_some_and(|ending| ending == "out")
            && !path.with_extension("fdl").exists()
            && !path.with_extension("").is_dir();
        assert!(!is_left, "{} belongs to no program", path.display());
    }
}
