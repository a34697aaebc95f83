//! Packages on disk.

use super::limits::{DEPTH_MAX, ENTRIES_MAX};
use super::{MANIFEST, PackageError, Reader, SOURCES};
use crate::language::is_source;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// The files about a package's folder.
pub(super) struct Disk<'a> {
    pub(super) folder: &'a Path,
}

impl Disk<'_> {
    /// Writes a file, all of it or nothing: another process may be reading it.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), PackageError> {
        let (file, new) = (self.folder.join(path), self.folder.join(format!("{path}.{}", std::process::id())));
        fs::write(&new, text).and_then(|()| fs::rename(&new, &file)).map_err(|error| {
            // It may not be there at all.
            let _ = fs::remove_file(&new);
            PackageError::new(self.display(path), format!("it cannot be written: {error}"))
        })
    }
}

impl Reader for Disk<'_> {
    fn file(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, PackageError> {
        let file = self.folder.join(path);
        // What is no file, a pipe for example, might never end.
        if !file.is_file() {
            return Ok(None);
        }
        read(&file, bytes_max).map(Some).map_err(|problem| PackageError::new(self.display(path), problem))
    }

    fn sources(&self, folder: &str, bytes_max: usize) -> Result<BTreeMap<String, String>, PackageError> {
        let root = Inner { folder: self.folder.join(folder), path: String::new(), outer: Vec::new() };
        let mut walk = Walk { found: BTreeMap::new(), open: vec![root], entries: 0, bytes_left: bytes_max };
        while let Some(inner) = walk.open.pop() {
            walk.folder(inner)?;
        }
        Ok(walk.found)
    }

    fn has(&self, path: &str) -> bool {
        self.folder.join(path).exists()
    }

    fn identity(&self, folder: &str) -> PathBuf {
        let folder = self.folder.join(folder);
        // What cannot be found has no file that could be read either.
        if folder.as_os_str().is_empty() { Path::new(".").canonicalize() } else { folder.canonicalize() }.unwrap_or(folder)
    }

    fn display(&self, path: &str) -> String {
        let path = self.folder.join(path);
        if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
    }
}

/// A folder in which sources are looked for.
struct Inner {
    folder: PathBuf,
    /// Its path in the folder that the walk began with.
    path: String,
    /// The folders that it is in, without links.
    outer: Vec<PathBuf>,
}

/// The way through a folder of sources.
struct Walk {
    found: BTreeMap<String, String>,
    open: Vec<Inner>,
    entries: usize,
    bytes_left: usize,
}

impl Walk {
    fn folder(&mut self, Inner { folder, path, mut outer }: Inner) -> Result<(), PackageError> {
        let failed = |problem: String| PackageError::new(folder.display().to_string(), problem);
        if outer.len() > DEPTH_MAX {
            return Err(failed(format!("folders of sources are at most {DEPTH_MAX} deep")));
        }
        let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        if outer.contains(&real) {
            return Err(failed("this link leads back to a folder that it is in".to_owned()));
        }
        let all = match fs::read_dir(&folder) {
            // A package may have no sources.
            Err(error) if outer.is_empty() && error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            all => all.map_err(|error| failed(format!("it cannot be read: {error}")))?,
        };
        outer.push(real);
        for entry in all {
            let entry = entry.map_err(|error| failed(format!("it cannot be read: {error}")))?;
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(failed(format!("the sources of a package are at most {ENTRIES_MAX} files and folders")));
            }
            let file = entry.path();
            let (is_folder, is_text) = (file.is_dir(), is_source(&file) && file.is_file());
            if !is_folder && !is_text {
                continue;
            }
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| failed(format!("a name in it is not UTF-8: {name:?}")))?;
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            match is_folder {
                true => self.open.push(Inner { folder: file, path, outer: outer.clone() }),
                false => self.file(&file, path)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, path: String) -> Result<(), PackageError> {
        let failed = |problem| PackageError::new(file.display().to_string(), problem);
        let text = String::from_utf8(read(file, self.bytes_left).map_err(failed)?).map_err(|error| {
            failed(format!("it is not UTF-8 text from the byte {} on", error.utf8_error().valid_up_to()))
        })?;
        self.bytes_left -= text.len();
        self.found.insert(path, text);
        Ok(())
    }
}

/// What is in a file.
fn read(file: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() > bytes_max { Err(format!("it has more bytes than the {bytes_max} that may be")) } else { Ok(bytes) }
}

/// The folder of the package that a source is in, and the path of its module; nothing when it is in none.
pub(super) fn around(source: &Path) -> Option<(PathBuf, String)> {
    let folder = source.parent()?;
    let real = if folder.as_os_str().is_empty() { Path::new(".").canonicalize() } else { folder.canonicalize() }.ok()?;
    // How many folders lie between the file and the package.
    let is_root = |inner: &&Path| {
        inner.file_name().is_some_and(|name| name == SOURCES)
            && inner.parent().is_some_and(|outer| outer.join(MANIFEST).is_file())
    };
    let sources = real.ancestors().find(is_root)?;
    let inner = real.strip_prefix(sources).ok()?;
    let mut module: Vec<String> = Vec::new();
    for part in inner.components() {
        module.push(part.as_os_str().to_str()?.to_owned());
    }
    let root = above(folder, module.len() + 1);
    let stem = source.file_stem()?.to_str()?;
    if stem.contains('.') {
        // As a path of modules it would mean another file.
        return None;
    }
    module.push(stem.to_owned());
    let is_same = |root: &PathBuf| Disk { folder: root }.identity("") == sources.parent().unwrap_or(sources);
    let root = Some(root).filter(is_same).or_else(|| sources.parent().map(Path::to_owned))?;
    Some((root, module.join(".")))
}

/// The folder so many levels above another, by the names as they are written.
fn above(folder: &Path, levels: usize) -> PathBuf {
    let mut folder = folder.to_owned();
    for _ in 0..levels {
        let is_name = matches!(folder.components().next_back(), Some(Component::Normal(_)));
        if !(is_name && folder.pop()) {
            folder.push("..");
        }
    }
    folder
}
