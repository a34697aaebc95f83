//! `fardel.lock`: which packages a program was made of, each with the hash of its manifest and sources.

use super::PackageError;
use super::manifest::{is_name, read};
use super::reach::{Packages, Reached};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    package: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with name, path and hash")]
struct Entry {
    name: String,
    /// For people: where it was.
    #[serde(rename = "path")]
    _path: String,
    hash: String,
}

/// What a lock says of these packages.
pub(super) fn text(reached: &Packages) -> String {
    let mut out =
        "# The packages that this one leads to, by their content; `fardel lock` takes what is there now.\n".to_owned();
    for (name, Reached { path, hash, .. }) in reached {
        // Names and paths have nothing that a text in TOML would need to escape.
        let _ = write!(out, "\n[[package]]\nname = \"{name}\"\npath = \"{path}\"\nhash = \"{hash}\"\n");
    }
    out
}

/// Compares packages with a lock; what the lock has to say from now on, when that is something else.
pub(super) fn compare(reached: &Packages, locked: Option<Vec<u8>>, file: &str) -> Result<Option<String>, PackageError> {
    let locked = locked.unwrap_or_default();
    let Written { package } = read(file, &locked)?;
    let mut known = BTreeMap::new();
    for Entry { name, hash, .. } in &package {
        if !is_name(name) || hash.len() != HASH_DIGITS || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let problem = format!("a package has a name and a hash of {HASH_DIGITS} digits; seen: {name:?} with {hash:?}");
            return Err(PackageError::new(file, format!("{problem}; `fardel lock` writes the file anew")));
        }
        if known.insert(name, hash).is_some() {
            let problem = format!("the package `{name}` stands here twice; `fardel lock` writes the file anew");
            return Err(PackageError::new(file, problem));
        }
    }
    for (name, Reached { place, hash, .. }) in reached {
        let Some(wanted) = known.get(name).filter(|wanted| !wanted.eq_ignore_ascii_case(hash)) else { continue };
        let problem = format!(
            "the package `{name}` is another one than {file} says: its hash is {}, wanted {}; `fardel lock` takes what is \
             there now",
            short(hash),
            short(wanted)
        );
        return Err(PackageError::new(place, problem));
    }
    let text = text(reached);
    Ok((text.as_bytes() != locked).then_some(text))
}

/// Digits of a hash.
const HASH_DIGITS: usize = 64;

/// As much of a hash as people compare.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
