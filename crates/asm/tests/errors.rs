//! Sources that don't assemble: what people read of each stands beside it in a file `.stderr`.
//!
//! `UPDATE=1 cargo test -p fardel-asm` writes those files anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fardel_asm::{Code, NoImports, Severity, assemble};

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "fda"));
    found.sort();
    found
}

/// Compares what is told of a source with what stands beside it; gives the codes.
#[track_caller]
fn check(path: &Path) -> BTreeSet<&'static str> {
    let source = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let assembled = assemble(&name, &source, &mut NoImports);
    let failed = assembled.diagnostics.iter().any(|told| told.severity == Severity::Error);
    assert_eq!(assembled.module.is_none(), failed, "{name}: a module exactly when there is no error");
    let told: Vec<String> = assembled.diagnostics.iter().map(|told| told.render(&name, &source, false)).collect();
    let told = told.join("\n\n") + "\n";
    let beside = path.with_extension("stderr");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&beside, &told).unwrap();
    }
    let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
    assert_eq!(told, wanted, "{name} tells something else; UPDATE=1 takes it over");
    assembled.diagnostics.iter().map(|told| told.code).collect()
}

#[test]
fn each_mistake_is_told_with_its_place_and_a_hint() {
    let mut codes = BTreeSet::new();
    for path in sources() {
        codes.extend(check(&path));
    }
    let missing: Vec<Code> = Code::ALL.iter().copied().filter(|code| !codes.contains(code.id())).collect();
    assert_eq!(missing, [], "each code has a source that shows it");
}
