//! Sources that are no programs: what people read of each stands beside it in a file `.stderr`.
//!
//! `UPDATE=1 cargo test -p fardel-syntax` writes those files anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fardel_syntax::{Code, SOURCE_BYTES_MAX, decode, parse};

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "fdl"));
    found.sort();
    found
}

/// Compares what is told of a source with what stands beside it; gives the codes.
#[track_caller]
fn check(path: &Path) -> BTreeSet<&'static str> {
    let source = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let parsed = parse(&source);
    assert!(!parsed.diagnostics.is_empty(), "{name}: nothing is told");
    assert_eq!(parsed.tree.syntax().text().to_string(), source, "{name}: the tree is the source");
    let told: Vec<String> = parsed.diagnostics.iter().map(|told| told.render(&name, &source, false)).collect();
    let told = told.join("\n\n") + "\n";
    let beside = path.with_extension("stderr");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&beside, &told).unwrap();
    }
    let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
    assert_eq!(told, wanted, "{name} tells something else; UPDATE=1 takes it over");
    parsed.diagnostics.iter().map(|told| told.code).collect()
}

#[test]
fn each_mistake_is_told_with_its_place_and_a_hint() {
    let mut codes = BTreeSet::new();
    for path in sources() {
        codes.extend(check(&path));
    }
    codes.extend(too_deep());
    codes.extend(too_large());
    codes.extend(not_utf8());
    let missing: Vec<Code> = Code::ALL.iter().copied().filter(|code| !codes.contains(code.id())).collect();
    assert_eq!(missing, [], "each code has a source that shows it");
}

fn too_deep() -> Option<&'static str> {
    let source = format!("fn f() {{ {} }}", "(".repeat(1000));
    parse(&source).diagnostics.first().map(|told| told.code)
}

fn too_large() -> Option<&'static str> {
    let source = " ".repeat(SOURCE_BYTES_MAX + 1);
    parse(&source).diagnostics.first().map(|told| told.code)
}

fn not_utf8() -> Option<&'static str> {
    let bytes = b"fn f() {\n  \"\xff\"\n}\n";
    let told = decode(bytes).unwrap_err();
    let text = told.render("bad.fdl", &String::from_utf8_lossy(bytes), false);
    assert!(text.contains("byte 12 of the source, 0xff, is not UTF-8") && text.contains("bad.fdl:2:4"), "{text}");
    Some(told.code)
}
