//! The files that are generated from the code's tables, and committed so that people can read them.
//!
//! **Invariant:** the text depends on the tables alone: equal tables give equal bytes on every machine.

mod errors;
mod grammar;
mod isa;

use std::path::Path;

/// What to run when a file is stale.
pub const COMMAND: &str = "cargo xtask docs";

/// A generated file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generated {
    /// Where it lies, from the root of the workspace.
    pub path: &'static str,
    /// Its text.
    pub text: String,
}

/// Every generated file.
pub fn generated() -> Vec<Generated> {
    let file = |path, text: String| Generated { path, text: format!("{}\n", text.trim_end()) };
    vec![
        file("docs/spec/isa.md", isa::reference()),
        file("docs/spec/errors.md", errors::reference()),
        file("editors/fda.tmLanguage.json", grammar::text_mate()),
    ]
}

/// Writes the files that differ, and tells which.
///
/// # Errors
/// Names the file that could not be written, and why.
pub fn write(root: &Path) -> Result<String, String> {
    let mut told = Vec::new();
    for file in generated() {
        let path = root.join(file.path);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == file.text) {
            continue;
        }
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", file.path))?;
        std::fs::write(&path, file.text).map_err(|error| format!("{}: {error}", file.path))?;
        told.push(format!("wrote {}", file.path));
    }
    if told.is_empty() {
        told.push("every generated file is up to date".to_owned());
    }
    Ok(told.join("\n"))
}

/// Compares the files with what would be written.
///
/// # Errors
/// Names every stale file, the first line that differs, and the command that writes it anew.
pub fn check(root: &Path) -> Result<String, String> {
    let stale: Vec<String> = generated().iter().filter_map(|file| staleness(root, file)).collect();
    if stale.is_empty() {
        return Ok("every generated file is up to date".to_owned());
    }
    Err(format!("{}\nrun `{COMMAND}` and commit what it writes", stale.join("\n")))
}

fn staleness(root: &Path, file: &Generated) -> Option<String> {
    let path = file.path;
    let seen = match std::fs::read_to_string(root.join(path)) {
        Ok(seen) => seen,
        Err(error) => return Some(format!("{path} cannot be read: {error}")),
    };
    if seen == file.text {
        return None;
    }
    let (mut wanted, mut seen) = (file.text.lines(), seen.lines());
    for line in 1.. {
        match (seen.next(), wanted.next()) {
            (None, None) => break,
            (seen, wanted) if seen == wanted => {}
            (seen, wanted) => {
                return Some(format!("{path} is stale in line {line}: it has {}, not {}", quoted(seen), quoted(wanted)));
            }
        }
    }
    Some(format!("{path} is stale: line ends differ"))
}

/// The beginning of a line, as lines of a grammar are long.
fn quoted(line: Option<&str>) -> String {
    const SHOWN_MAX: usize = 60;
    let Some(line) = line else { return "its end".to_owned() };
    let shown: String = line.chars().take(SHOWN_MAX).collect();
    if shown.len() < line.len() { format!("`{shown}..`") } else { format!("`{shown}`") }
}
