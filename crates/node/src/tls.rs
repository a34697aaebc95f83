//! TLS 1.3 between nodes, and the handshake that ends with both sides knowing the other's [`NodeId`].
//!
//! With certificates, each side verifies that the other's chain leads to the cluster's authority, is valid now and for
//! its side of a connection. Names in it are not compared with addresses: nodes move, and who may join is decided by the
//! authority. The server then sends one byte, [`TAKEN`], so that a client learns of a refusal before it uses the
//! connection; in TLS 1.3 it would otherwise have finished before the server has looked at its certificate.
//!
//! With a shared key, certificates prove only that the other side has a private key of its own. Before any other byte the
//! client sends 32 bytes, and the server answers with 32 when they are right. Each proof is the BLAKE3 hash, keyed with the
//! shared key, of
//!
//! | bytes | what |
//! |---|---|
//! | 31 | `fardel shared key proof client\n` or `fardel shared key proof server\n` |
//! | 32 | exported keying material of the connection, label `EXPORTER-fardel-shared-key` |
//! | 16 | [`NodeId`] of the side that proves |
//! | 16 | [`NodeId`] of the other side |
//!
//! so a proof holds on one connection, in one direction, and none can be sent back to who made it. The server proves
//! nothing to a client that has proven nothing.
//!
//! Sessions are never resumed and carry no early data: each connection is authenticated from the beginning.
//!
//! **Invariant:** every handshake signature is verified, whatever the certificate is worth.

use crate::keys::{
    Authority, Credentials, Identity, KeyError, NodeId, Pair, SharedKey, Validity, in_words, names_of_certificate,
    node_of_certificate, provider,
};
use crate::transport::quic;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// What a server that uses certificates sends when it has taken a client in.
pub const TAKEN: u8 = 1;
/// The protocol that nodes with certificates negotiate (ALPN): a certificate is not taken for what another program of the
/// same authority does with it.
const PROTOCOL_CERTIFICATES: &[u8] = b"fardel/1";
/// The protocol that nodes with a shared key negotiate (ALPN), so that one with certificates is told apart at once.
const PROTOCOL_SHARED_KEY: &[u8] = b"fardel-shared-key/1";
/// The label under which TLS derives the value that ties a proof to its connection.
pub(crate) const EXPORTER_LABEL: &[u8] = b"EXPORTER-fardel-shared-key";
/// Bytes of a proof.
const PROOF_BYTES: usize = 32;

/// Why a handshake came to no end, or to a bad one. The connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection broke.
    #[error("the connection broke during the handshake: {0}")]
    Broken(io::Error),
    /// TLS came to no agreement, on this side or on the other.
    #[error("TLS: {}", in_words(.0))]
    Tls(rustls::Error),
    /// QUIC came to no agreement, on this side.
    #[error("QUIC: {0}")]
    Quic(String),
    /// The other side does not speak TLS.
    #[error("the peer does not speak TLS: it may have been started without credentials, or be no node")]
    NotTls,
    /// The other side speaks TLS where plaintext is wanted.
    #[error("the peer speaks TLS, but this node was started in plaintext")]
    NotPlain,
    /// The other side speaks neither TLS nor what nodes speak.
    #[error("the peer does not begin as a node does: it may be no node, or a newer one")]
    Foreign,
    /// The other side did not agree to a protocol of nodes.
    #[error("the peer did not agree to the protocol `{wanted}`: it may be no node, or use other credentials")]
    Protocol {
        /// What this side offers.
        wanted: String,
    },
    /// The other side has shown no certificate.
    #[error("the peer has shown no certificate")]
    NoCertificate,
    /// The other side has ended the connection instead of taking this node in.
    #[error("the peer ended the connection instead of taking this node in: its log says why")]
    NotTaken,
    /// The other side does not know the shared key.
    #[error("the peer does not know the shared key")]
    WrongProof,
}

/// TLS of one node: how it connects, how it takes connections, and who it is.
#[derive(Clone, Debug)]
pub struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    id: NodeId,
}

impl Tls {
    /// TLS with certificates of the cluster's authority.
    ///
    /// # Errors
    ///
    /// If the authority cannot be used.
    pub fn with_certificates(credentials: &Credentials) -> Result<Tls, KeyError> {
        let Credentials { identity, authority } = credentials;
        let chain = Arc::new(ChainVerifier { roots: authority.roots(), algorithms: algorithms() });
        let clients = WebPkiClientVerifier::builder_with_provider(authority.roots(), provider());
        // Strangers need not learn what the authority is called.
        let clients = clients.clear_root_hint_subjects().build().map_err(|error| unusable(authority, &error.to_string()))?;
        Tls::new(identity, chain, clients, PROTOCOL_CERTIFICATES)
    }

    /// TLS for nodes that know a shared key, with a private key and a certificate that are made now.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn with_shared_key() -> Result<Tls, KeyError> {
        let identity = Pair::unsigned("fardel", Validity::of_node(SystemTime::now()))?.identity()?;
        let any = Arc::new(AnyVerifier { algorithms: algorithms() });
        Tls::new(&identity, any.clone(), any, PROTOCOL_SHARED_KEY)
    }

    /// Who this node is.
    pub fn id(&self) -> NodeId {
        self.id
    }

    fn new(
        identity: &Identity,
        servers: Arc<dyn ServerCertVerifier>,
        clients: Arc<dyn ClientCertVerifier>,
        protocol: &[u8],
    ) -> Result<Tls, KeyError> {
        let failed = |error: rustls::Error| KeyError::Make { what: "a configuration of TLS", fault: error.to_string() };
        let shown = Arc::new(SingleCertAndKey::from(identity.certified()));

        let client = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]).map_err(failed)?;
        let client = client.dangerous().with_custom_certificate_verifier(servers);
        let mut client = client.with_client_cert_resolver(shown.clone());
        client.alpn_protocols = vec![protocol.to_vec()];
        client.resumption = Resumption::disabled();
        client.enable_sni = false;
        client.enable_early_data = false;

        let server = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]).map_err(failed)?;
        let mut server = server.with_client_cert_verifier(clients).with_cert_resolver(shown);
        server.alpn_protocols = vec![protocol.to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.max_early_data_size = 0;

        Ok(Tls { client: Arc::new(client), server: Arc::new(server), id: identity.id() })
    }

    /// Does the client's side of a handshake: with a shared key if there is one, else with certificates.
    pub(crate) async fn connect<S>(
        &self,
        key: Option<&SharedKey>,
        address: IpAddr,
        stream: S,
    ) -> Result<(TlsStream<S>, NodeId), HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // An address is no name that would be sent, and the verifiers do not look at it.
        let name = ServerName::IpAddress(address.into());
        let connector = TlsConnector::from(self.client.clone());
        let mut stream = TlsStream::Client(connector.connect(name, stream).await.map_err(fault)?);
        let secured = self.secured(&stream)?;
        self.enter(key, &secured, &mut stream).await?;
        Ok((stream, secured.peer))
    }

    /// The client's part of what follows TLS: it proves that it knows the shared key, if there is one, and waits until the
    /// other side has taken it in.
    pub(crate) async fn enter<S>(
        &self,
        key: Option<&SharedKey>,
        secured: &Secured,
        stream: &mut S,
    ) -> Result<(), HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Secured { peer, exported, .. } = secured;
        match key {
            Some(key) => {
                let own = proof(key, Role::Client, exported, self.id, *peer);
                stream.write_all(own.as_bytes()).await.map_err(fault)?;
                stream.flush().await.map_err(fault)?;
                let wanted = proof(key, Role::Server, exported, *peer, self.id);
                read_proof(stream, &wanted).await?;
            }
            None => match read_exact::<1, _>(stream).await? {
                [TAKEN] => (),
                [_] => return Err(HandshakeError::Foreign),
            },
        }
        Ok(())
    }

    /// Does the server's side of a handshake, as [`Tls::connect`].
    pub(crate) async fn accept<S>(
        &self,
        key: Option<&SharedKey>,
        stream: S,
    ) -> Result<(TlsStream<S>, NodeId), HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.server.clone());
        let mut stream = TlsStream::Server(acceptor.accept(stream).await.map_err(fault)?);
        let secured = self.secured(&stream)?;
        self.admit(key, &secured, &mut stream).await?;
        Ok((stream, secured.peer))
    }

    /// The server's part of what follows TLS, as [`Tls::enter`].
    pub(crate) async fn admit<S>(
        &self,
        key: Option<&SharedKey>,
        secured: &Secured,
        stream: &mut S,
    ) -> Result<(), HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Secured { peer, exported, .. } = secured;
        match key {
            Some(key) => {
                let wanted = proof(key, Role::Client, exported, *peer, self.id);
                if let Err(error) = read_proof(stream, &wanted).await {
                    // The other side learns that this is the end, and nothing else.
                    let _ = stream.shutdown().await;
                    return Err(error);
                }
                let own = proof(key, Role::Server, exported, self.id, *peer);
                stream.write_all(own.as_bytes()).await.map_err(fault)?;
            }
            None => stream.write_all(&[TAKEN]).await.map_err(fault)?,
        }
        stream.flush().await.map_err(fault)
    }

    /// What TLS has found out about a connection over TCP.
    fn secured<S>(&self, stream: &TlsStream<S>) -> Result<Secured, HandshakeError> {
        let (_, connection) = stream.get_ref();
        let peer = self.peer(connection.alpn_protocol(), connection.peer_certificates())?;
        Ok(Secured { peer, exported: exported(stream)?, names: names_of(stream) })
    }

    /// Who the other side is, by the protocol that was agreed on and the certificates that it has shown.
    pub(crate) fn peer(
        &self,
        agreed: Option<&[u8]>,
        certificates: Option<&[CertificateDer<'_>]>,
    ) -> Result<NodeId, HandshakeError> {
        // Both sides offer the same protocols.
        let protocols = &self.client.alpn_protocols;
        // A side that offers no protocol at all comes this far.
        let is_agreed = agreed.is_some_and(|agreed| protocols.iter().any(|one| one == agreed));
        if !is_agreed {
            let wanted = protocols.first().map(|one| String::from_utf8_lossy(one).into_owned()).unwrap_or_default();
            return Err(HandshakeError::Protocol { wanted });
        }
        let leaf = certificates.and_then(<[_]>::first).ok_or(HandshakeError::NoCertificate)?;
        node_of_certificate(leaf).map_err(HandshakeError::Tls)
    }

    /// How it connects, and how it takes connections.
    pub(crate) fn configurations(&self) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
        (self.client.clone(), self.server.clone())
    }
}

/// What TLS has found out about a connection.
pub(crate) struct Secured {
    /// Who is at the other side.
    pub(crate) peer: NodeId,
    /// What only the two sides of this connection know.
    pub(crate) exported: [u8; 32],
    /// The names in the certificate of the other side.
    pub(crate) names: Vec<String>,
}

/// The names in the certificate of the other side of an established connection.
pub(crate) fn names_of<S>(stream: &TlsStream<S>) -> Vec<String> {
    let (_, connection) = stream.get_ref();
    connection.peer_certificates().and_then(<[_]>::first).map(names_of_certificate).unwrap_or_default()
}

/// Which side of a connection proves that it knows the shared key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Client,
    Server,
}

/// The proof that a side knows the shared key. The hash's comparison takes the same time wherever the first difference is.
fn proof(key: &SharedKey, role: Role, exported: &[u8; 32], own: NodeId, peer: NodeId) -> blake3::Hash {
    let context: &[u8; 31] = match role {
        Role::Client => b"fardel shared key proof client\n",
        Role::Server => b"fardel shared key proof server\n",
    };
    let mut hasher = blake3::Hasher::new_keyed(key.bytes());
    hasher.update(context).update(exported).update(&own.0).update(&peer.0);
    hasher.finalize()
}

/// The value that only the two sides of this connection know.
fn exported<S>(stream: &TlsStream<S>) -> Result<[u8; 32], HandshakeError> {
    let value = match stream {
        TlsStream::Client(stream) => stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, None),
        TlsStream::Server(stream) => stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, None),
    };
    value.map_err(HandshakeError::Tls)
}

/// Reads the other side's proof and compares it.
async fn read_proof<S: AsyncRead + Unpin>(stream: &mut S, wanted: &blake3::Hash) -> Result<(), HandshakeError> {
    let seen = blake3::Hash::from_bytes(read_exact::<PROOF_BYTES, _>(stream).await?);
    if seen == *wanted { Ok(()) } else { Err(HandshakeError::WrongProof) }
}

/// Reads so many bytes; that the other side ends before is its refusal.
async fn read_exact<const COUNT: usize, S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; COUNT], HandshakeError> {
    let mut bytes = [0; COUNT];
    match stream.read_exact(&mut bytes).await {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(HandshakeError::NotTaken),
        Err(error) => Err(fault(error)),
    }
}

/// What an error of a stream with TLS is about.
fn fault(error: io::Error) -> HandshakeError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        // The first bytes are no record of TLS.
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => HandshakeError::NotTls,
        Some(inner) => HandshakeError::Tls(inner.clone()),
        None => quic::fault(&error).unwrap_or(HandshakeError::Broken(error)),
    }
}

/// The signatures that certificates and handshakes may have.
fn algorithms() -> WebPkiSupportedAlgorithms {
    provider().signature_verification_algorithms
}

/// The error for an authority that verifies nothing.
fn unusable(authority: &Authority, fault: &str) -> KeyError {
    KeyError::Certificate { place: authority.place().to_owned(), fault: fault.to_owned() }
}

/// The error for what is never called: TLS 1.2 is not offered.
fn no_tls12() -> rustls::Error {
    rustls::Error::General("TLS 1.2 is not spoken between nodes".to_owned())
}

/// Accepts servers whose chain leads to the cluster's authority and is valid now and for servers, whatever names it has.
#[derive(Debug)]
struct ChainVerifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, self.algorithms.all)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Accepts any certificate that is one, from either side: with a shared key it says only whose private key this is, and
/// the signature of the handshake proves that.
#[derive(Debug)]
struct AnyVerifier {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        ParsedCertificate::try_from(end_entity).map(|_| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for AnyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        ParsedCertificate::try_from(end_entity).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_depends_on_the_key_the_role_the_connection_and_both_nodes_in_their_order() {
        let key = |digit: &str| SharedKey::from_hex(&digit.repeat(64), "a test").expect("a key");
        let (one, other) = (NodeId([1; 16]), NodeId([2; 16]));
        let proofs = [
            proof(&key("a"), Role::Client, &[0; 32], one, other),
            proof(&key("b"), Role::Client, &[0; 32], one, other),
            proof(&key("a"), Role::Server, &[0; 32], one, other),
            proof(&key("a"), Role::Client, &[1; 32], one, other),
            proof(&key("a"), Role::Client, &[0; 32], other, one),
            // What is sent back differs by the role alone, even where a node connects to itself.
            proof(&key("a"), Role::Client, &[0; 32], one, one),
            proof(&key("a"), Role::Server, &[0; 32], one, one),
        ];
        for (at, proof) in proofs.iter().enumerate() {
            assert_eq!(proofs.iter().position(|other| other == proof), Some(at));
        }
    }
}
