//! The packages that one leads to.

use super::limits::{MANIFEST_BYTES_MAX, PACKAGES_MAX, PATH_BYTES_MAX, SOURCES_BYTES_MAX};
use super::manifest::{self, Dependency, Manifest};
use super::{MANIFEST, PackageError, Reader, SOURCES};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A package that another one leads to.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// Its folder, relative to that of the program's own package.
    pub(super) path: String,
    /// Where it was named first.
    pub(super) place: String,
    /// The packages that it uses, by name.
    pub(super) uses: BTreeSet<String>,
    /// Its sources by their files in `src`.
    pub(super) sources: BTreeMap<String, String>,
    /// The hash of its manifest and sources, as digits.
    pub(super) hash: String,
}

/// Packages by their names.
pub(super) type Packages = BTreeMap<String, Reached>;

/// The names of the packages that the program's own package uses, and all that it leads to; nothing when there is no package.
pub(super) fn all(reader: &dyn Reader) -> Result<Option<(BTreeSet<String>, Packages)>, PackageError> {
    let Some(bytes) = reader.file(MANIFEST, MANIFEST_BYTES_MAX)? else { return Ok(None) };
    let manifest = manifest::parse(&reader.display(MANIFEST), &bytes)?;
    let own = Open { name: manifest.name.clone(), identity: reader.identity("") };
    let identities = [(own.name.clone(), (own.identity.clone(), String::new()))].into();
    let mut walk = Walk { reader, open: vec![own], identities, reached: BTreeMap::new(), bytes_left: SOURCES_BYTES_MAX };
    let uses = walk.uses(&manifest, "")?;
    for (name, package) in &walk.reached {
        for own in [format!("{SOURCES}/{name}.fdl"), format!("{SOURCES}/{name}")] {
            if reader.has(&own) {
                return Err(two_meanings(name, &reader.display(&own), &package.place));
            }
        }
    }
    Ok(Some((uses, walk.reached)))
}

/// A package whose dependencies are being followed.
struct Open {
    name: String,
    identity: PathBuf,
}

struct Walk<'a> {
    reader: &'a dyn Reader,
    /// From the program's own package to the one that is looked at.
    open: Vec<Open>,
    /// Packages by name: what says that a folder is the same one, and its path.
    identities: BTreeMap<String, (PathBuf, String)>,
    reached: Packages,
    /// How much the sources of further packages may have.
    bytes_left: usize,
}

impl Walk<'_> {
    /// Brings what a package uses; its folder is `path`. The names.
    fn uses(&mut self, manifest: &Manifest, path: &str) -> Result<BTreeSet<String>, PackageError> {
        // Each level is another package, and there are not many.
        for dependency in &manifest.uses {
            self.package(dependency, path)?;
        }
        Ok(manifest.uses.iter().map(|dependency| dependency.name.clone()).collect())
    }

    fn package(&mut self, dependency: &Dependency, from: &str) -> Result<(), PackageError> {
        let path = self.path(from, &dependency.path);
        let Some(identity) = self.new_identity(dependency, &path)? else { return Ok(()) };
        let (manifest, package) = self.read(dependency, &path)?;
        let name = &dependency.name;
        self.identities.insert(name.clone(), (identity.clone(), path.clone()));
        self.reached.insert(name.clone(), package);
        self.open.push(Open { name: name.clone(), identity });
        let uses = self.uses(&manifest, &path)?;
        self.open.pop();
        if let Some(package) = self.reached.get_mut(name) {
            package.uses = uses;
        }
        Ok(())
    }

    /// The path that leads from a folder by another path: without going to and fro, where no link stands in the way.
    fn path(&self, from: &str, path: &str) -> String {
        let (short, whole) = (join(from, path), within(from, path));
        if self.reader.identity(&short) == self.reader.identity(&whole) { short } else { whole }
    }

    /// The identity of a package's folder; nothing when the package is there already.
    fn new_identity(&self, dependency: &Dependency, path: &str) -> Result<Option<PathBuf>, PackageError> {
        let name = &dependency.name;
        let failed = |problem: String| Err(PackageError::new(&dependency.place, problem));
        if path.len() > PATH_BYTES_MAX {
            return failed(format!("the path to the package `{name}` has {} bytes; {PATH_BYTES_MAX} may be", path.len()));
        }
        let identity = self.reader.identity(path);
        if let Some(first) = self.open.iter().position(|open| open.identity == identity) {
            let names: Vec<String> = self.open[first..].iter().map(|open| format!("`{}`", open.name)).collect();
            let first = &names[0];
            return failed(format!("packages depend on each other in a circle: {} and {first} again", names.join(", ")));
        }
        if let Some((known, other)) = self.identities.get(name) {
            if *known == identity {
                return Ok(None);
            }
            let (one, other) = (self.reader.display(other), self.reader.display(path));
            return failed(format!("two packages have the name `{name}`, and a program has one: {one} and {other}"));
        }
        if self.reached.len() == PACKAGES_MAX {
            return failed(format!("a package leads to {PACKAGES_MAX} others at most; `{name}` is one too many"));
        }
        Ok(Some(identity))
    }

    /// Reads the package in a folder.
    fn read(&mut self, dependency: &Dependency, path: &str) -> Result<(Manifest, Reached), PackageError> {
        let Dependency { name, place, .. } = dependency;
        let failed = |problem: String| Err(PackageError::new(place, problem));
        let file = within(path, MANIFEST);
        let Some(bytes) = self.reader.file(&file, MANIFEST_BYTES_MAX)? else {
            return failed(format!("there is no package `{name}` there: no file {}", self.reader.display(&file)));
        };
        let manifest = manifest::parse(&self.reader.display(&file), &bytes)?;
        if manifest.name != *name {
            let (seen, there) = (&manifest.name, &manifest.place);
            return failed(format!("a dependency has the name of its package: seen `{name}`, and `{seen}` in {there}"));
        }
        let folder = within(path, SOURCES);
        let sources = self.reader.sources(&folder, self.bytes_left)?;
        self.bytes_left = self.bytes_left.saturating_sub(sources.values().map(String::len).sum());
        for used in &manifest.uses {
            let inner = format!("{}/", used.name);
            let is_meant = |file: &&String| **file == format!("{}.fdl", used.name) || file.starts_with(&inner);
            if let Some(own) = sources.keys().find(is_meant) {
                return Err(two_meanings(&used.name, &self.reader.display(&within(&folder, own)), &used.place));
            }
        }
        let hash = hash(&bytes, &sources);
        let package = Reached { path: path.to_owned(), place: place.clone(), uses: BTreeSet::new(), sources, hash };
        Ok((manifest, package))
    }
}

fn two_meanings(name: &str, own: &str, place: &str) -> PackageError {
    PackageError::new(place, format!("`{name}` is a package here, and a module of the package itself: {own}"))
}

/// The hash of a package: of its manifest, and its sources in the order of their paths.
fn hash(manifest: &[u8], sources: &BTreeMap<String, String>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("fardel package 1");
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    add(MANIFEST.as_bytes());
    add(manifest);
    for (file, text) in sources {
        add(within(SOURCES, file).as_bytes());
        add(text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// A file in a folder.
fn within(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// The path that leads from a folder by another path, without going to and fro.
pub(super) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}
