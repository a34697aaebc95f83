//! `fs`: files. Every function of this group may block, and names the path in what it says of a failure.

use super::Hosts;
use crate::limits::{FILE_BYTES_MAX, FOLDER_ENTRIES_MAX};
use std::fs::File;
use std::io::Read as _;

pub(super) fn add_to(hosts: &mut Hosts) {
    hosts.blocking("fs.exists", "Whether there is a file or folder.", exists);
    hosts.blocking("fs.list", "The names of what is in a folder, in order.", list);
    hosts.blocking("fs.read_text", "Reads a whole file as text, which must be UTF-8.", read_text);
    hosts.blocking("fs.read_bytes", "Reads a whole file.", read_bytes);
    hosts.blocking("fs.write_text", "Writes a file, path before text; one that is there is replaced.", write_text);
    hosts.blocking("fs.write_bytes", "Writes a file, path before bytes; one that is there is replaced.", write_bytes);
}

fn exists(path: String) -> Result<bool, String> {
    std::path::Path::new(&path).try_exists().map_err(|error| format!("cannot look for {path}: {error}"))
}

fn list(path: String) -> Result<Vec<String>, String> {
    let failed = |error| format!("cannot read {path}: {error}");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&path).map_err(failed)? {
        if names.len() == FOLDER_ENTRIES_MAX {
            return Err(format!("cannot read {path}: more than {FOLDER_ENTRIES_MAX} names are in it"));
        }
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn read_text(path: String) -> Result<String, String> {
    String::from_utf8(read_bytes(path.clone())?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("cannot read {path} as text: it is not UTF-8, byte {at} begins no character")
    })
}

fn read_bytes(path: String) -> Result<Vec<u8>, String> {
    let failed = |error| format!("cannot read {path}: {error}");
    let too_large = || format!("cannot read {path}: it has more than {FILE_BYTES_MAX} bytes");
    let file = File::open(&path).map_err(failed)?;
    // The length is a hint only: a device has none, and a file may grow.
    let length = file.metadata().map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX { Err(too_large()) } else { Ok(bytes) }
}

fn write_text(path: String, text: String) -> Result<(), String> {
    write_bytes(path, text.into_bytes())
}

fn write_bytes(path: String, bytes: Vec<u8>) -> Result<(), String> {
    std::fs::write(&path, bytes).map_err(|error| format!("cannot write {path}: {error}"))
}
