//! What can be wrong with keys and their files.

use std::io;
use std::path::PathBuf;

/// Why keys were not made, written or loaded. No message holds a part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read; it is as it was.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written; what this call had made of it is gone.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is there already; it is as it was.
    #[error("{}: is there already, and keys are never written over: move it away or choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file is too long to hold keys.
    #[error("{}: is longer than {bytes_max} bytes, which no file with keys is", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How long it may be, in bytes.
        bytes_max: u64,
    },
    /// A file with a secret can be reached by others than its owner.
    #[error(
        "{}: holds a secret, but others than its owner have access (mode {mode:04o}, 0600 is wanted): run `chmod 600 {}`",
        path.display(),
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode: the permission bits.
        mode: u32,
    },
    /// A file is not PEM, the text form of certificates and keys.
    #[error("{}: is not PEM: {fault}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A file holds something else than what is wanted, mostly because two files were swapped.
    #[error("{}: holds {seen} where {wanted} is wanted", path.display())]
    Holds {
        /// The file.
        path: PathBuf,
        /// What it holds.
        seen: &'static str,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A certificate cannot be understood.
    #[error("{place}: the certificate cannot be used: {fault}")]
    Certificate {
        /// The file, or what else it came from.
        place: String,
        /// What is wrong.
        fault: String,
    },
    /// A private key cannot be used.
    #[error("{place}: the private key cannot be used: {fault}")]
    Key {
        /// The file, or what else it came from.
        place: String,
        /// What is wrong.
        fault: String,
    },
    /// A private key belongs to another certificate.
    #[error("{key}: the private key does not belong to the certificate in {certificate}")]
    Mismatch {
        /// Where the certificate came from.
        certificate: String,
        /// Where the key came from.
        key: String,
    },
    /// A node's own certificate would be refused by other nodes.
    #[error("{certificate}: the certificate does not hold under the authority in {authority}: {fault}")]
    NotIssued {
        /// Where the certificate came from.
        certificate: String,
        /// Where the authority came from.
        authority: String,
        /// What is wrong.
        fault: String,
    },
    /// A shared key is not 64 hexadecimal digits.
    #[error("{place}: the shared key is 64 hexadecimal digits, but {fault}")]
    SharedKey {
        /// The file, or what else it came from.
        place: String,
        /// What is there instead.
        fault: String,
    },
    /// A name cannot be a node's or an authority's.
    #[error("the name {name:?} {fault}; a name is letters, digits, `-` and `.`, and begins and ends with a letter or digit")]
    Name {
        /// The name, shortened if it is long.
        name: String,
        /// What is wrong.
        fault: String,
    },
    /// A certificate cannot be valid in a span of time.
    #[error("the validity of a certificate {fault}")]
    Validity {
        /// What is wrong.
        fault: &'static str,
    },
    /// A key or a certificate cannot be made.
    #[error("{what} cannot be made: {fault}")]
    Make {
        /// What was to be made.
        what: &'static str,
        /// What is wrong.
        fault: String,
    },
}

/// An error of TLS in words: those that say who does not trust whom, as people meet them when files were mixed up.
pub(crate) fn in_words(error: &rustls::Error) -> String {
    use rustls::CertificateError::{BadSignature, UnknownIssuer};
    use rustls::{AlertDescription, Error};
    // Another authority with the same name shows itself in the signature alone.
    if let Error::InvalidCertificate(UnknownIssuer | BadSignature) = error {
        return "the certificate was issued by an authority that this node does not trust".to_owned();
    }
    if let Error::AlertReceived(AlertDescription::UnknownCA | AlertDescription::DecryptError) = error {
        return format!("{error}: the peer does not trust the authority that issued this node's certificate, or its key");
    }
    error.to_string()
}
