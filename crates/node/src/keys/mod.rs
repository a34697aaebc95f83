//! What nodes prove themselves with: certificates of the cluster's authority, or a key that all nodes share.
//!
//! This module makes keys ([`Pair`], [`SharedKey::generate`]), writes them into new files, and loads them. Keys are ECDSA
//! over P-256: every tool for certificates reads them, and the provider of TLS signs and verifies with them.
//!
//! **Invariant:** a file is never written over, and a secret is in no message and in no file that others can read.

mod error;
mod files;
mod issue;

pub use error::KeyError;
pub(crate) use error::in_words;
pub use fardel_wire::id::NodeId;
pub use issue::{Pair, Validity};

use crate::limits::NAMES_MAX;
use files::Access;
use rustls::CipherSuite;
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The node that a certificate is of: the first 16 bytes of the BLAKE3 hash of its public key, as the certificate has it
/// (SubjectPublicKeyInfo in DER). So whoever has the private key is the node, and nobody else can be.
///
/// # Errors
///
/// If the bytes are no certificate.
pub fn node_of_certificate(certificate: &CertificateDer<'_>) -> Result<NodeId, rustls::Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let hash = blake3::hash(parsed.subject_public_key_info().as_ref());
    let mut id = [0; 16];
    id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    Ok(NodeId(id))
}

/// The names of hosts that a certificate is for, of which the first is the node's. Whether they are true, only its authority
/// can vouch for.
pub(crate) fn names_of_certificate(certificate: &CertificateDer<'_>) -> Vec<String> {
    let parsed = webpki::EndEntityCert::try_from(certificate);
    parsed.map_or(Vec::new(), |parsed| parsed.valid_dns_names().take(NAMES_MAX).map(str::to_owned).collect())
}

/// 256 bits that all nodes of a cluster know and nobody else does.
#[derive(Clone)]
pub struct SharedKey([u8; 32]);

impl SharedKey {
    /// A new key, from the system's source of randomness.
    ///
    /// # Errors
    ///
    /// [`KeyError::Make`] if the system gives none.
    pub fn generate() -> Result<SharedKey, KeyError> {
        let mut bytes = [0; 32];
        let random = provider().secure_random;
        let failed = |_| KeyError::Make { what: "a shared key", fault: "the system gives no random bytes".to_owned() };
        random.fill(&mut bytes).map_err(failed)?;
        Ok(SharedKey(bytes))
    }

    /// The key that 64 hexadecimal digits give; white space around them is ignored. `place` is named in the error.
    ///
    /// # Errors
    ///
    /// [`KeyError::SharedKey`] if it is something else.
    pub fn from_hex(text: &str, place: &str) -> Result<SharedKey, KeyError> {
        let wrong = |fault| KeyError::SharedKey { place: place.to_owned(), fault };
        let text = text.trim();
        let mut bytes = [0; 32];
        let mut count = 0_usize;
        for digit in text.chars() {
            let value = digit.to_digit(16).and_then(|value| u8::try_from(value).ok());
            // The character itself is not shown: it may be a part of another secret.
            let value = value.ok_or_else(|| wrong(format!("character {} is none", count.saturating_add(1))))?;
            if let Some(byte) = bytes.get_mut(count / 2) {
                *byte = (*byte << 4) | value;
            }
            count = count.saturating_add(1);
        }
        if count == 64 { Ok(SharedKey(bytes)) } else { Err(wrong(format!("there are {count}"))) }
    }

    /// Loads a key from a text file that only its owner can read.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, can be read by others, or holds something else.
    pub fn load(path: &Path) -> Result<SharedKey, KeyError> {
        let bytes = files::read(path, Access::Private)?;
        let place = path.display().to_string();
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| KeyError::SharedKey { place: place.clone(), fault: "the file is not text".to_owned() })?;
        SharedKey::from_hex(text, &place)
    }

    /// Writes the key into a new file that only its owner can read.
    ///
    /// # Errors
    ///
    /// If the file is there already or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let mut text: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        text.push('\n');
        files::write_new(path, &text, Access::Private)
    }

    /// The key itself, for what is proven with it.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SharedKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(..)")
    }
}

/// A certificate with what leads from it to the authority, and the private key that belongs to it.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    /// The first of the chain.
    certificate: CertificateDer<'static>,
    id: NodeId,
    /// Where the certificate came from, for messages.
    place: String,
}

impl Identity {
    /// Loads a chain of certificates, the node's own first, and its private key, both PEM.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or holds something else, others can read the key, or key and certificate do not belong
    /// together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Identity, KeyError> {
        let (chain, _) = files::certificates(certificate)?;
        let private = files::private_key(key)?;
        Identity::new(chain, &private, &certificate.display().to_string(), &key.display().to_string())
    }

    /// An identity from DER; `certificate_place` and `key_place` are named in errors.
    ///
    /// # Errors
    ///
    /// If a part cannot be understood, or key and certificate do not belong together.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
        certificate_place: &str,
        key_place: &str,
    ) -> Result<Identity, KeyError> {
        let wrong_certificate =
            |fault: rustls::Error| KeyError::Certificate { place: certificate_place.to_owned(), fault: fault.to_string() };
        let wrong_key = |fault: rustls::Error| KeyError::Key { place: key_place.to_owned(), fault: fault.to_string() };
        let certificate = chain.first().cloned().ok_or_else(|| wrong_certificate(rustls::Error::NoCertificatesPresented))?;
        let id = node_of_certificate(&certificate).map_err(wrong_certificate)?;
        let signing = provider().key_provider.load_private_key(key.clone_key()).map_err(wrong_key)?;
        let certified = CertifiedKey::new(chain, signing);
        certified
            .keys_match()
            .map_err(|_| KeyError::Mismatch { certificate: certificate_place.to_owned(), key: key_place.to_owned() })?;
        Ok(Identity { certified: Arc::new(certified), certificate, id, place: certificate_place.to_owned() })
    }

    /// Who this is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The node's own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Certificates and key, as TLS takes them.
    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }
}

impl fmt::Debug for Identity {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.id)
    }
}

/// Who issues certificates in a cluster: one authority, or an old and a new one while they are exchanged.
#[derive(Clone, Debug)]
pub struct Authority {
    roots: Arc<RootCertStore>,
    /// Where it came from, for messages.
    place: String,
}

impl Authority {
    /// Loads the certificates of authorities from a PEM file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or holds something else.
    pub fn load(path: &Path) -> Result<Authority, KeyError> {
        let (certificates, _) = files::certificates(path)?;
        Authority::new(certificates, &path.display().to_string())
    }

    /// Authorities from DER; `place` is named in errors.
    ///
    /// # Errors
    ///
    /// [`KeyError::Certificate`] if one cannot be understood, or there is none.
    pub fn new(certificates: Vec<CertificateDer<'static>>, place: &str) -> Result<Authority, KeyError> {
        let wrong = |fault: rustls::Error| KeyError::Certificate { place: place.to_owned(), fault: fault.to_string() };
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(wrong)?;
        }
        if roots.is_empty() {
            return Err(wrong(rustls::Error::NoCertificatesPresented));
        }
        Ok(Authority { roots: Arc::new(roots), place: place.to_owned() })
    }

    /// Where it came from, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The authorities, as TLS takes them.
    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        self.roots.clone()
    }
}

/// What a node of a cluster with certificates has: its identity, and whose certificates it accepts.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who the node is.
    pub identity: Identity,
    /// Who issues certificates.
    pub authority: Authority,
}

impl Credentials {
    /// Loads a node's certificate, its private key and the authority from PEM files, and checks at once what other nodes
    /// will check.
    ///
    /// # Errors
    ///
    /// As [`Identity::load`], [`Authority::load`] and [`Credentials::check`].
    pub fn load(certificate: &Path, key: &Path, authority: &Path, now: SystemTime) -> Result<Credentials, KeyError> {
        let identity = Identity::load(certificate, key)?;
        let credentials = Credentials { identity, authority: Authority::load(authority)? };
        credentials.check(now)?;
        Ok(credentials)
    }

    /// Checks what other nodes check: the authority issued the certificate, for both sides of a connection, and it is
    /// valid now.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotIssued`] if one of these is not so.
    pub fn check(&self, now: SystemTime) -> Result<(), KeyError> {
        let fault = |fault: String| KeyError::NotIssued {
            certificate: self.identity.place.clone(),
            authority: self.authority.place.clone(),
            fault,
        };
        let rejected = |error: rustls::Error| fault(in_words(&error));
        let now = now.duration_since(UNIX_EPOCH).map(UnixTime::since_unix_epoch);
        let now = now.map_err(|_| fault("the clock shows a time before 1970".to_owned()))?;
        let (first, between) = self.identity.certified.cert.split_first().ok_or_else(|| fault("it is empty".to_owned()))?;
        let provider = provider();
        let parsed = ParsedCertificate::try_from(first).map_err(rejected)?;
        let algorithms = provider.signature_verification_algorithms;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.authority.roots, between, now, algorithms.all)
            .map_err(rejected)?;
        let client = WebPkiClientVerifier::builder_with_provider(self.authority.roots(), provider);
        let client = client.build().map_err(|error| fault(error.to_string()))?;
        client.verify_client_cert(first, between, now).map(drop).map_err(rejected)
    }
}

/// Fills bytes from the system's source of randomness.
///
/// # Errors
///
/// [`KeyError::Make`] if the system gives none.
pub fn random(bytes: &mut [u8]) -> Result<(), KeyError> {
    let failed = |_| KeyError::Make { what: "a secret", fault: "the system gives no random bytes".to_owned() };
    provider().secure_random.fill(bytes).map_err(failed)
}

/// The cryptography of every connection and key. Of ciphers that are all out of reach the one with the fewest rounds is
/// preferred.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}
