//! Packages: a folder with `fardel.toml` and sources in `src`, and the packages that it depends on.
//!
//! A module of a dependency is known in the whole program by the name of its package and its path, `geometry.shapes`, and
//! `src/lib.fdl` by the name alone; those of the program's own package have their path as it is. Sources of dependencies are
//! read once, when they are compared with `fardel.lock`, so what is compiled is what was compared.
//!
//! **Invariant:** no two modules of a program have one path. Names of packages are unique, and no module of the program's own
//! package begins with one.

mod disk;
mod limits;
mod lock;
mod manifest;
mod reach;

use disk::Disk;
use reach::{Packages, Reached};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// The file that says that a folder is a package.
pub const MANIFEST: &str = "fardel.toml";
/// The file with the hashes of the packages that a program was made of.
pub const LOCK: &str = "fardel.lock";
/// The folder of a package's sources.
pub const SOURCES: &str = "src";

/// Why a package is of no use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackageError {
    /// Where: a file, mostly with line and column.
    pub place: String,
    /// What was seen, and what is wanted.
    pub problem: String,
}

impl PackageError {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> PackageError {
        PackageError { place: place.into(), problem: problem.into() }
    }
}

impl fmt::Display for PackageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for PackageError {}

/// Where packages are: folders and files by paths relative to the program's own package, with `/` between their parts.
trait Reader {
    /// What is in a file of at most so many bytes; nothing when there is none.
    fn file(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, PackageError>;
    /// All sources in a folder and below, of at most so many bytes together, by their paths in it.
    fn sources(&self, folder: &str, bytes_max: usize) -> Result<BTreeMap<String, String>, PackageError>;
    /// Whether there is a file or folder.
    fn has(&self, path: &str) -> bool;
    /// What is the same for two paths to one folder.
    fn identity(&self, folder: &str) -> PathBuf;
    /// A path for people.
    fn display(&self, path: &str) -> String;
}

/// A package, and all that it depends on.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its folder.
    folder: PathBuf,
    /// The packages that it uses, by name.
    uses: BTreeSet<String>,
    /// All packages that it leads to, by name.
    reached: Packages,
}

impl Package {
    /// The package in a folder; nothing when there is none. Its dependencies have to be what `fardel.lock` says; one that is
    /// not in it is written there.
    ///
    /// # Errors
    /// When something of the package or its dependencies cannot be read or is not right.
    pub fn open(folder: &Path) -> Result<Option<Package>, PackageError> {
        let disk = Disk { folder };
        let Some(package) = Package::reach(&disk, folder)? else { return Ok(None) };
        if !package.reached.is_empty() {
            let locked = disk.file(LOCK, limits::LOCK_BYTES_MAX)?;
            if let Some(text) = lock::compare(&package.reached, locked, &disk.display(LOCK))? {
                disk.write(LOCK, &text)?;
            }
        }
        Ok(Some(package))
    }

    /// Takes what the dependencies of the package in a folder are now: writes `fardel.lock`, and tells how many packages are in
    /// it. Nothing is written when there are none, and nothing is told when there is no package.
    ///
    /// # Errors
    /// As [`Package::open`], but for what `fardel.lock` says.
    pub fn lock(folder: &Path) -> Result<Option<usize>, PackageError> {
        let disk = Disk { folder };
        let Some(package) = Package::reach(&disk, folder)? else { return Ok(None) };
        if !package.reached.is_empty() {
            disk.write(LOCK, &lock::text(&package.reached))?;
        }
        Ok(Some(package.reached.len()))
    }

    /// The package of a source, and the path of the source's module in it; nothing when the source is in no package.
    ///
    /// # Errors
    /// As [`Package::open`].
    pub fn around(source: &Path) -> Result<Option<(Package, String)>, PackageError> {
        let Some((folder, module)) = disk::around(source) else { return Ok(None) };
        Ok(Package::open(&folder)?.map(|package| (package, module)))
    }

    fn reach(reader: &dyn Reader, folder: &Path) -> Result<Option<Package>, PackageError> {
        let reached = reach::all(reader)?;
        Ok(reached.map(|(uses, reached)| Package { folder: folder.to_owned(), uses, reached }))
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of its sources.
    pub(crate) fn sources(&self) -> PathBuf {
        self.folder.join(SOURCES)
    }

    /// The path in the whole program of what the module `from` calls `path`.
    pub(crate) fn path(&self, from: &str, path: &str) -> Result<String, String> {
        let (package, _) = split(from);
        let own = self.reached.get(package);
        let uses = own.map_or(&self.uses, |own| &own.uses);
        let (first, rest) = split(path);
        let (package, module) = match own {
            _ if uses.contains(first) => (first, rest.unwrap_or("lib")),
            Some(_) => (package, path),
            None if self.reached.contains_key(first) => {
                return Err(format!("{MANIFEST} does not name the package `{first}`, though a dependency does"));
            }
            None => return Ok(path.to_owned()),
        };
        match module {
            "main" => Err(format!("it is the program of the package `{package}`, which other packages cannot use")),
            "lib" => Ok(package.to_owned()),
            _ => Ok(format!("{package}.{module}")),
        }
    }

    /// The dependency whose module a path means, and the module's file in its sources.
    fn dependency(&self, path: &str) -> Option<(&Reached, String)> {
        let (package, module) = split(path);
        let package = self.reached.get(package)?;
        Some((package, format!("{}.fdl", module.unwrap_or("lib").replace('.', "/"))))
    }

    /// Whether a path is that of a module of a dependency; if so, its file's name and its text, unless it is not there.
    pub(crate) fn module(&self, path: &str) -> Option<Option<(String, String)>> {
        let (package, file) = self.dependency(path)?;
        Some(package.sources.get(&file).map(|text| (self.display(package, &file), text.clone())))
    }

    /// Where a module would be, for people.
    pub(crate) fn place(&self, path: &str) -> String {
        match self.dependency(path) {
            Some((package, file)) => format!("the file `{}`", self.display(package, &file)),
            None => {
                let file = self.sources().join(path.replace('.', "/"));
                format!("the file `{}.fdl`, or `{}` a package that {MANIFEST} names", file.display(), split(path).0)
            }
        }
    }

    fn display(&self, package: &Reached, file: &str) -> String {
        self.folder.join(&package.path).join(SOURCES).join(file).display().to_string()
    }
}

/// The first part of a path of modules, and the others.
fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)))
}

#[cfg(test)]
mod tests;
