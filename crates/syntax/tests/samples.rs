//! The sample programs of the language are read without a word.

use std::path::{Path, PathBuf};

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn nothing_is_told_of_the_samples() {
    assert!(!samples().is_empty());
    for path in samples() {
        let source = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let parsed = fardel_syntax::parse(&source);
        let told: Vec<String> = parsed.diagnostics.iter().map(|told| told.render(&name, &source, false)).collect();
        assert!(told.is_empty(), "{}", told.join("\n\n"));
        assert_eq!(parsed.tree.syntax().text().to_string(), source);
        assert!(!parsed.file.items.is_empty());
    }
}
