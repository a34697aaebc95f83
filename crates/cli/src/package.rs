//! Packages: a new one, and the program of the one that is here.

use crate::say;
use clap::Args;
use fardel::package::{MANIFEST, Package};
use std::path::{Path, PathBuf};

/// The main source of a package.
const MAIN: &str = "src/main.fdl";

/// The main source of the package here; it has told when there is none.
pub(crate) fn main_file() -> Option<PathBuf> {
    let path = Path::new(MAIN);
    if path.is_file() {
        return Some(path.to_owned());
    }
    say::error(format_args!("no <FILE> is named, and there is no {MAIN} here; `fardel new NAME` makes a package"));
    None
}

/// The files that are named; else the main one of the package here. It has told when there is none.
pub(crate) fn files(named: &[PathBuf]) -> Option<Vec<PathBuf>> {
    if named.is_empty() { main_file().map(|file| vec![file]) } else { Some(named.to_vec()) }
}

/// The folder of a file, and that of the package that it is in.
pub(crate) fn folders(file: &Path) -> Vec<PathBuf> {
    let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
    let mut folders = vec![here(file.parent().unwrap_or(Path::new("")))];
    if let Ok(Some((package, _))) = Package::around(file) {
        folders.push(here(package.folder()));
    }
    folders.dedup();
    folders
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  fardel new hello && cd hello && fardel run && fardel test")]
pub(crate) struct New {
    /// The folder that is made; its last part is the package's name
    path: PathBuf,
}

/// `fardel new`: makes a package.
pub(crate) fn new(options: &New) -> u8 {
    let path = &options.path;
    let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| is_name(name)) else {
        say::error(format_args!(
            "a package's name has lower-case letters, digits and `_`, and begins with a letter; seen: {}",
            path.display()
        ));
        return say::USAGE;
    };
    if path.exists() {
        say::error(format_args!("{} is there already", path.display()));
        return say::USAGE;
    }
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
    let files = [(MANIFEST, manifest.as_str()), (MAIN, MAIN_TEXT), (".gitignore", "*.fdm\n")];
    for (file, text) in files {
        if let Err(problem) = write(&path.join(file), text) {
            say::error(format_args!("cannot write {}: {problem}", path.join(file).display()));
            return say::USAGE;
        }
    }
    say::output(
        format!("made {}; `cd {} && fardel run` runs it, `fardel test` tests it\n", path.display(), path.display())
            .as_bytes(),
    )
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The program of a new package.
const MAIN_TEXT: &str = r#"/// Greets somebody.
fn greeting(name: Text) -> Text {
  "hello, ${name}"
}

pub fn main(args: List<Text>) {
  print(greeting(args.first().unwrap_or("world")))
}

test "a greeting names whom it greets" {
  assert(greeting("you") == "hello, you")
}
"#;
