//! Files with keys: written once and never over, read whole but not without end, and secrets for their owner alone.

use super::KeyError;
use crate::limits::{CERTIFICATES_MAX, KEY_FILE_BYTES_MAX};
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// Everyone.
    Public,
    /// Its owner. Systems without modes of files have no such check.
    Private,
}

/// Writes a file that is not there yet. After an error nothing of it is left.
pub(super) fn write_new(path: &Path, text: &str, access: Access) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if access == Access::Private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file = options.open(path).map_err(|source| match source.kind() == io::ErrorKind::AlreadyExists {
        true => KeyError::Exists { path: path.to_owned() },
        false => KeyError::Write { path: path.to_owned(), source },
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| {
        // What is half written must not be taken for a key; the first error is the one to tell.
        let _ = std::fs::remove_file(path);
        KeyError::Write { path: path.to_owned(), source }
    })
}

/// The whole of a file.
pub(super) fn read(path: &Path, access: Access) -> Result<Vec<u8>, KeyError> {
    let failed = |source| KeyError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if access == Access::Private {
        check_mode(path, &file)?;
    }
    let mut bytes = Vec::new();
    file.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    match u64::try_from(bytes.len()) {
        Ok(count) if count <= KEY_FILE_BYTES_MAX => Ok(bytes),
        Ok(_) | Err(_) => Err(KeyError::TooLong { path: path.to_owned(), bytes_max: KEY_FILE_BYTES_MAX }),
    }
}

/// Refuses an open file that others than its owner can reach. The file that is open is asked, not the name, so that
/// nothing can be exchanged in between.
#[cfg(unix)]
fn check_mode(path: &Path, file: &File) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Exposed { path: path.to_owned(), mode }) }
}

/// This system has no modes of files.
#[cfg(not(unix))]
fn check_mode(_: &Path, _: &File) -> Result<(), KeyError> {
    Ok(())
}

/// The certificates of a PEM file, at least one, and the text of the file.
pub(super) fn certificates(path: &Path) -> Result<(Vec<CertificateDer<'static>>, String), KeyError> {
    const WANTED: &str = "a certificate";
    let bytes = read(path, Access::Public)?;
    let mut found = Vec::new();
    for section in sections(path, &bytes)? {
        match section {
            (SectionKind::Certificate, der) => found.push(CertificateDer::from(der)),
            // A file with both is a habit of other tools, but it gives away the key with the certificate.
            (kind, _) => return Err(KeyError::Holds { path: path.to_owned(), seen: name(kind), wanted: WANTED }),
        }
    }
    if found.is_empty() {
        return Err(KeyError::Holds { path: path.to_owned(), seen: "nothing in PEM form", wanted: WANTED });
    }
    if CERTIFICATES_MAX < found.len() {
        let fault = format!("the file holds {} certificates, at most {CERTIFICATES_MAX} are taken", found.len());
        return Err(KeyError::Certificate { place: path.display().to_string(), fault });
    }
    Ok((found, String::from_utf8_lossy(&bytes).into_owned()))
}

/// The one private key of a PEM file that its owner alone can read.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, KeyError> {
    const WANTED: &str = "one private key";
    let holds = |seen| KeyError::Holds { path: path.to_owned(), seen, wanted: WANTED };
    // What the file holds is told first: whoever swapped two files should not be asked to hide a certificate.
    let (bytes, exposed) = match read(path, Access::Private) {
        Ok(bytes) => (bytes, None),
        Err(error @ KeyError::Exposed { .. }) => (read(path, Access::Public)?, Some(error)),
        Err(error) => return Err(error),
    };
    let mut found = None;
    for (kind, der) in sections(path, &bytes)? {
        let key = PrivateKeyDer::from_pem(kind, der).ok_or_else(|| holds(name(kind)))?;
        if found.replace(key).is_some() {
            return Err(holds("more than one private key"));
        }
    }
    let key = found.ok_or_else(|| holds("nothing in PEM form"))?;
    exposed.map_or(Ok(key), Err)
}

/// The sections of a PEM file that are of a known kind.
fn sections(path: &Path, bytes: &[u8]) -> Result<Vec<(SectionKind, Vec<u8>)>, KeyError> {
    let fault = |error: rustls::pki_types::pem::Error| KeyError::NotPem { path: path.to_owned(), fault: pem_fault(&error) };
    <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes).collect::<Result<_, _>>().map_err(fault)
}

/// What is wrong with a PEM file, without the bytes of the file that the library's own message shows.
fn pem_fault(error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    let text = match error {
        Error::MissingSectionEnd { .. } => "a section has no line that ends it",
        Error::IllegalSectionStart { .. } => "a line that begins a section is malformed",
        Error::Base64Decode(_) => "a section is not base64",
        Error::SectionTooLarge => "a section is too long",
        other @ (Error::Io(_) | Error::NoItemsFound | _) => return other.to_string(),
    };
    text.to_owned()
}

/// What a section of a PEM file is, in words of messages.
fn name(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Certificate => "a certificate",
        SectionKind::PublicKey => "a public key",
        SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey => "a private key",
        SectionKind::Crl => "a list of revoked certificates",
        SectionKind::Csr => "a request for a certificate",
        SectionKind::EchConfigList | _ => "something else",
    }
}
