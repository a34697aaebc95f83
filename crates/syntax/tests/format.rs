//! Files and what the formatter makes of them, beside them in a file `.out`.
//!
//! `UPDATE=1 cargo test -p fardel-syntax` writes those files anew.

use std::path::{Path, PathBuf};

use fardel_syntax::format;

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "fdl"));
    found.sort();
    found
}

#[track_caller]
fn formatted(name: &str, source: &str) -> String {
    format(source).unwrap_or_else(|told| {
        let told: Vec<String> = told.iter().map(|told| told.render(name, source, false)).collect();
        panic!("{}", told.join("\n\n"))
    })
}

#[test]
fn files_become_what_stands_beside_them() {
    assert!(!sources().is_empty());
    for path in sources() {
        let source = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let out = formatted(&name, &source);
        let beside = path.with_extension("out");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&beside, &out).unwrap();
        }
        let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
        assert_eq!(out, wanted, "{name} becomes something else; UPDATE=1 takes it over");
        assert_eq!(formatted(&name, &out), out, "{name} changes again");
    }
}

#[test]
fn what_is_wrong_is_told_and_not_formatted() {
    let told = format("fn f( {").unwrap_err();
    assert!(!told.is_empty());
}
