//! Links in the documents lead to something.
//!
//! **Invariant:** a link to a file of the project is relative, so that it works wherever the project lies.

use std::path::{Path, PathBuf};

/// Every document outside of what tools fill.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | ".git" | "corpus" | "artifacts") {
            documents(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The prose of a document: without code, where brackets mean something else.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if !fenced {
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

/// The targets of the links in `prose`, as `[shown](target)`, that lead to a file.
fn links(prose: &str) -> Vec<&str> {
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files.map(|target| target.split('#').next().unwrap_or(target)).collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let root = xtask::root();
    let mut paths = Vec::new();
    documents(&root, &mut paths);
    paths.sort();
    let mut dead = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let folder = path.parent().unwrap_or(&root);
        let own = path.strip_prefix(&root).unwrap_or(path).display();
        dead.extend(
            links(&prose(&text)).iter().filter(|link| !folder.join(link).exists()).map(|link| format!("{own}: {link}")),
        );
    }
    assert!(!paths.is_empty(), "no documents found");
    assert!(dead.is_empty(), "dead links:\n  {}", dead.join("\n  "));
}

#[test]
fn every_decision_stands_in_the_list() {
    let folder = xtask::root().join("docs/decisions");
    let list = std::fs::read_to_string(folder.join("README.md")).expect("the list of decisions can be read");
    let mut records = Vec::new();
    documents(&folder, &mut records);
    let names = records.iter().filter_map(|path| path.file_name()?.to_str()).filter(|name| *name != "README.md");
    let missing: Vec<&str> = names.filter(|name| !list.contains(&format!("]({name})"))).collect();
    assert!(missing.is_empty(), "decisions that docs/decisions/README.md does not list: {missing:?}");
}
