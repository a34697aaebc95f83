//! `fardel.toml`: the name of a package and where the packages are that it uses.

use super::PackageError;
use super::limits::{PACKAGES_MAX, PATH_BYTES_MAX};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    package: WrittenPackage,
    #[serde(default)]
    dependencies: BTreeMap<Spanned<String>, WrittenDependency>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with name and version")]
struct WrittenPackage {
    name: Spanned<String>,
    /// For people: a hash says which package it is.
    #[serde(rename = "version")]
    _version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { path = \"../name\" }")]
struct WrittenDependency {
    path: Spanned<String>,
}

/// What a manifest says.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) place: String,
    pub(super) uses: Vec<Dependency>,
}

/// A package that another one uses.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Its folder, relative to that of the manifest.
    pub(super) path: String,
    /// Where it is named.
    pub(super) place: String,
}

/// Reads a manifest; `file` is its name for people.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Manifest, PackageError> {
    let written: Written = read(file, bytes)?;
    let place = |span: Range<usize>| place(file, bytes, span.start);
    let is_wrong = |name: &str, span| {
        let problem =
            format!("a package's name has lower-case letters, digits and `_`, and begins with a letter; seen: {name:?}");
        PackageError::new(place(span), problem)
    };
    let name = written.package.name;
    if !is_name(name.get_ref()) {
        return Err(is_wrong(name.get_ref(), name.span()));
    }
    if written.dependencies.len() > PACKAGES_MAX {
        let problem = format!("it names {} packages, and leads to {PACKAGES_MAX} at most", written.dependencies.len());
        return Err(PackageError::new(file, problem));
    }
    let mut uses = Vec::new();
    for (key, dependency) in written.dependencies {
        let at = place(key.span());
        if !is_name(key.get_ref()) {
            return Err(is_wrong(key.get_ref(), key.span()));
        }
        if key.get_ref() == "program" || fardel_lang::is_std_module(key.get_ref()) {
            let problem = format!("`{}` is a module of the standard library; a dependency has another name", key.get_ref());
            return Err(PackageError::new(at, problem));
        }
        let path = dependency.path;
        if let Some(why) = misfit(path.get_ref()) {
            return Err(PackageError::new(place(path.span()), format!("the path of `{}` {why}", key.get_ref())));
        }
        uses.push(Dependency { name: key.into_inner(), path: path.into_inner(), place: at });
    }
    Ok(Manifest { place: place(name.span()), name: name.into_inner(), uses })
}

/// Reads a text in TOML as what it is to be.
pub(super) fn read<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, PackageError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        PackageError::new(place(file, bytes, offset), "it is not UTF-8 text from here on")
    })?;
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        PackageError::new(place(file, bytes, start), error.message().replace('\n', ", "))
    })
}

/// A place in a file, for people.
fn place(file: &str, bytes: &[u8], offset: usize) -> String {
    let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or(bytes));
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("{file}:{line}:{column}")
}

/// Whether a text can name a package.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Why a path cannot be that of a package.
fn misfit(path: &str) -> Option<String> {
    let is_absolute = path.starts_with('/') || path.as_bytes().get(1) == Some(&b':');
    if is_absolute {
        return Some(format!("is relative to this file, such as \"../name\"; seen: {path:?}"));
    }
    if path.is_empty() || path.chars().any(|one| one.is_control() || one == '\\' || one == '"') {
        return Some(format!("has `/` between its parts, and no `\\`, `\"` or control characters; seen: {path:?}"));
    }
    (path.len() > PATH_BYTES_MAX).then(|| format!("has {} bytes, and at most {PATH_BYTES_MAX} are wanted", path.len()))
}
