//! Making certificates: an authority of a cluster, and the nodes that it vouches for.

use super::files::{self, Access};
use super::{Authority, Identity, KeyError};
use crate::limits::{AUTHORITY_VALID, CLOCK_SKEW, NAME_BYTES_MAX, NODE_VALID};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// When a certificate is valid: from `start` to `end`, to the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// From when.
    pub start: SystemTime,
    /// Until when; after `start`.
    pub end: SystemTime,
}

impl Validity {
    /// The usual validity of an authority that is made now.
    pub fn of_authority(now: SystemTime) -> Validity {
        Validity::around(now, AUTHORITY_VALID)
    }

    /// The usual validity of a node's certificate that is made now.
    pub fn of_node(now: SystemTime) -> Validity {
        Validity::around(now, NODE_VALID)
    }

    /// From a little before `now`, for hosts whose clocks are late, for a duration. A time that the system's clock
    /// cannot show becomes `now`, which makes the validity empty, and an error where a certificate is made.
    fn around(now: SystemTime, valid: Duration) -> Validity {
        Validity { start: now.checked_sub(CLOCK_SKEW).unwrap_or(now), end: now.checked_add(valid).unwrap_or(now) }
    }

    /// The two times, as certificates have them.
    fn times(self) -> Result<(OffsetDateTime, OffsetDateTime), KeyError> {
        let wrong = |fault| KeyError::Validity { fault };
        if self.end <= self.start {
            return Err(wrong("ends before it starts"));
        }
        let time = |time: SystemTime| {
            let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
            OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
        };
        let start = time(self.start).ok_or_else(|| wrong("starts before 1970 or after the year 9999"))?;
        let end = time(self.end).ok_or_else(|| wrong("ends before 1970 or after the year 9999"))?;
        Ok((start, end))
    }
}

/// A certificate and its private key, just made or loaded by who issues certificates with it.
pub struct Pair {
    certificate: CertificateDer<'static>,
    /// The certificate in text form.
    pem: String,
    key: KeyPair,
    /// Where the two came from, for messages.
    places: [String; 2],
}

impl Pair {
    /// Makes the authority of a cluster: a key, and a certificate that it signed itself.
    ///
    /// # Errors
    ///
    /// If the name or the validity cannot be, or the system gives no randomness.
    pub fn authority(name: &str, validity: Validity) -> Result<Pair, KeyError> {
        let mut params = params(name, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let failed = |error: rcgen::Error| KeyError::Make { what: "an authority", fault: error.to_string() };
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Pair::made(&certificate, key))
    }

    /// Makes a node's key, and a certificate that this authority signs: for both sides of a connection, and for nothing
    /// else.
    ///
    /// # Errors
    ///
    /// If the name or the validity cannot be, the system gives no randomness, or this is no authority.
    pub fn issue(&self, name: &str, validity: Validity) -> Result<Pair, KeyError> {
        let mut params = node_params(name, validity)?;
        params.use_authority_key_identifier_extension = true;
        let failed = |error: rcgen::Error| KeyError::Make { what: "a node's certificate", fault: error.to_string() };
        let wrong = |fault: String| KeyError::Certificate { place: self.places[0].clone(), fault };
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &self.key).map_err(|error| wrong(error.to_string()))?;
        let may = issuer.key_usages();
        if !may.is_empty() && !may.contains(&KeyUsagePurpose::KeyCertSign) {
            return Err(wrong("it is no authority's: it may not sign others".to_owned()));
        }
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
        Ok(Pair::made(&certificate, key))
    }

    /// Makes a key and a certificate that nobody vouches for: nodes with a shared key introduce themselves with one.
    ///
    /// # Errors
    ///
    /// As [`Pair::authority`].
    pub fn unsigned(name: &str, validity: Validity) -> Result<Pair, KeyError> {
        let params = node_params(name, validity)?;
        let failed = |error: rcgen::Error| KeyError::Make { what: "a certificate", fault: error.to_string() };
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Pair::made(&certificate, key))
    }

    /// What was made a moment ago.
    fn made(certificate: &rcgen::Certificate, key: KeyPair) -> Pair {
        let places = ["the certificate just made".to_owned(), "the key just made".to_owned()];
        Pair { certificate: certificate.der().clone(), pem: certificate.pem(), key, places }
    }

    /// Loads an authority's certificate and private key, both PEM, to issue with them.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or holds something else, others can read the key, or the two do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Pair, KeyError> {
        let places = [certificate.display().to_string(), key.display().to_string()];
        let (chain, pem) = files::certificates(certificate)?;
        let private = files::private_key(key)?;
        Identity::new(chain.clone(), &private, &places[0], &places[1])?;
        let wrong_key = |error: rcgen::Error| KeyError::Key { place: places[1].clone(), fault: error.to_string() };
        let key = KeyPair::try_from(&private).map_err(wrong_key)?;
        let [certificate] = <[_; 1]>::try_from(chain).map_err(|chain| KeyError::Certificate {
            place: places[0].clone(),
            fault: format!("the file holds {} certificates, one is wanted to issue with", chain.len()),
        })?;
        Ok(Pair { certificate, pem, key, places })
    }

    /// Writes both into new files, PEM: the certificate for everyone, the key for its owner alone.
    ///
    /// # Errors
    ///
    /// If one of the files is there already or cannot be written; then neither is written.
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), KeyError> {
        files::write_new(key, &self.key.serialize_pem(), Access::Private)?;
        files::write_new(certificate, &self.pem, Access::Public).inspect_err(|_| {
            // This call made the file a moment ago; a key without its certificate helps nobody.
            let _ = std::fs::remove_file(key);
        })
    }

    /// The identity that the pair is.
    ///
    /// # Errors
    ///
    /// None for a pair that was made here; those of [`Identity::new`] otherwise.
    pub fn identity(&self) -> Result<Identity, KeyError> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialized_der()));
        Identity::new(vec![self.certificate.clone()], &key, &self.places[0], &self.places[1])
    }

    /// The authority that the pair is, for nodes that accept what it issues.
    ///
    /// # Errors
    ///
    /// None for a pair that was made here; those of [`Authority::new`] otherwise.
    pub fn as_authority(&self) -> Result<Authority, KeyError> {
        Authority::new(vec![self.certificate.clone()], &self.places[0])
    }
}

impl fmt::Debug for Pair {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({})", self.places[0])
    }
}

/// What every certificate has.
fn params(name: &str, validity: Validity) -> Result<CertificateParams, KeyError> {
    check_name(name)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = validity.times()?;
    Ok(params)
}

/// What the certificate of a node has.
fn node_params(name: &str, validity: Validity) -> Result<CertificateParams, KeyError> {
    let mut params = params(name, validity)?;
    let dns = name.try_into().map_err(|error: rcgen::Error| name_error(name, error.to_string()))?;
    params.subject_alt_names = vec![SanType::DnsName(dns)];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// Refuses what is no name of a node or an authority.
fn check_name(name: &str) -> Result<(), KeyError> {
    if NAME_BYTES_MAX < name.len() {
        return Err(name_error(name, format!("has {} bytes, at most {NAME_BYTES_MAX} are taken", name.len())));
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let outer = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.is_empty() {
        return Err(name_error(name, "is empty".to_owned()));
    }
    if !outer(name.chars().next()) || !outer(name.chars().next_back()) || name.contains("..") || !name.chars().all(inner) {
        return Err(name_error(name, "holds something else than a name".to_owned()));
    }
    Ok(())
}

/// The error for a name, which is shown only as far as names go.
fn name_error(name: &str, fault: String) -> KeyError {
    KeyError::Name { name: name.chars().take(NAME_BYTES_MAX).collect(), fault }
}
