//! What the tests of connections share: clusters, nodes, and sides that do not keep to the rules.

use fardel_node::keys::{Credentials, Pair, SharedKey, Validity};
use fardel_node::tls::HandshakeError;
use fardel_node::transport::{Address, ConnectError, Connection, Connector, Limits, Listener, Plain, Scheme, Security};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Any port of the loopback address.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// The ways from node to node.
pub(crate) const SCHEMES: [Scheme; 2] = [Scheme::Tcp, Scheme::Quic];
/// Longer than anything takes that happens here.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// How long a test waits for what must not happen.
pub(crate) const MOMENT: Duration = Duration::from_millis(50);

/// An authority that is valid now.
pub(crate) fn authority() -> Pair {
    Pair::authority("cluster", Validity::of_authority(SystemTime::now())).expect("an authority")
}

/// What a node of an authority has, with a certificate that is valid now.
pub(crate) fn node(authority: &Pair) -> Credentials {
    credentials(authority, &authority.issue("node", Validity::of_node(SystemTime::now())).expect("a certificate"))
}

/// What a node with a certificate has that trusts an authority.
pub(crate) fn credentials(authority: &Pair, certificate: &Pair) -> Credentials {
    let identity = certificate.identity().expect("an identity");
    Credentials { identity, authority: authority.as_authority().expect("an authority") }
}

pub(crate) fn certificates(credentials: &Credentials) -> Security {
    Security::certificates(credentials).expect("TLS with certificates")
}

/// Security by a shared key whose digits are all the same.
pub(crate) fn shared_key(digit: char) -> Security {
    let key = SharedKey::from_hex(&digit.to_string().repeat(64), "a test").expect("a key");
    Security::shared_key(key).expect("TLS with a shared key")
}

/// Plaintext that was asked for.
pub(crate) fn plain() -> Security {
    Security::Plain(Plain { insecure: true, force: false })
}

/// A listener on a port of its own.
pub(crate) async fn listen(security: Security, limits: Limits) -> Listener {
    Listener::bind(LOOPBACK, security, limits).await.expect("a listener")
}

/// The next connection of a listener.
pub(crate) async fn accept(listener: &mut Listener) -> Connection {
    let accepted = tokio::time::timeout(LONG, listener.accept()).await.expect("a connection comes in time");
    accepted.expect("the listener goes on")
}

/// Fails if a listener lets somebody in.
pub(crate) async fn nobody(listener: &mut Listener) {
    if let Ok(connection) = tokio::time::timeout(MOMENT, listener.accept()).await {
        panic!("the listener has let in {connection:?}");
    }
}

/// A listener on a port of its own, for TCP or for QUIC.
pub(crate) async fn listen_over(scheme: Scheme, security: Security, limits: Limits) -> Listener {
    Listener::bind(Address { scheme, socket: LOOPBACK }, security, limits).await.expect("a listener")
}

/// One node connects to another; gives both ends.
pub(crate) async fn meet(scheme: Scheme, server: Security, client: Security) -> (Connection, Connection) {
    let mut listener = listen_over(scheme, server, Limits::default()).await;
    let connected = Connector::new(client).connect(listener.local_address()).await.expect("a connection");
    (connected, accept(&mut listener).await)
}

/// One node tries to connect to another, which does not let it in; gives what it is told.
pub(crate) async fn clash(scheme: Scheme, server: Security, client: Security) -> HandshakeError {
    let mut listener = listen_over(scheme, server, Limits::default()).await;
    let error = Connector::new(client).connect(listener.local_address()).await.expect_err("no connection");
    nobody(&mut listener).await;
    handshake(error)
}

/// What went wrong in the handshake, where a connection failed.
pub(crate) fn handshake(error: ConnectError) -> HandshakeError {
    match error {
        ConnectError::Handshake { source, .. } => source,
        other @ (ConnectError::Security(_) | ConnectError::Unreachable { .. } | ConnectError::TimedOut { .. }) => {
            panic!("no handshake failed, but {other}")
        }
    }
}

/// Whether a message holds a text.
#[track_caller]
pub(crate) fn assert_says(error: &impl std::fmt::Display, wanted: &str) {
    let text = error.to_string();
    assert!(text.contains(wanted), "{text:?} does not say {wanted:?}");
}

/// Sends bytes both ways and the end of one.
pub(crate) async fn talk(mut one: Connection, mut other: Connection) {
    let sent: Vec<u8> = (0..1_000_000_u32).map(|i| u8::try_from(i % 251).expect("it fits")).collect();
    let copy = sent.clone();
    let there = async move {
        one.writer.write_all(&copy).await.expect("bytes go out");
        one.writer.shutdown().await.expect("the end goes out");
        let mut back = Vec::new();
        one.reader.read_to_end(&mut back).await.expect("bytes come back");
        back
    };
    let back = async move {
        let mut seen = Vec::new();
        other.reader.read_to_end(&mut seen).await.expect("bytes come in");
        other.writer.write_all(b"seen").await.expect("bytes go out");
        other.writer.shutdown().await.expect("the end goes out");
        seen
    };
    let (answer, seen) = tokio::join!(there, back);
    assert_eq!(answer, b"seen");
    assert!(seen == sent, "other bytes came in than went out");
}

/// Waits until the other side has closed a connection, in whatever way; gives the bytes that it sent before.
pub(crate) async fn closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    let end = tokio::time::timeout(LONG, stream.read_to_end(&mut seen)).await;
    // A reset is an end as well: whoever closes does not read what is still to come.
    let _ = end.expect("the other side closes the connection");
    seen
}

/// Certificate and key for a side that does not keep to the rules: they need not belong together.
pub(crate) fn certified(certificate: &rcgen::Certificate, key: &rcgen::KeyPair) -> CertifiedKey {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let signing = ring::default_provider().key_provider.load_private_key(key).expect("a key that signs");
    CertifiedKey::new(vec![certificate.der().clone()], signing)
}

/// A certificate that signed itself.
pub(crate) fn stranger() -> CertifiedKey {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::default().self_signed(&key).expect("a certificate");
    certified(&certificate, &key)
}

/// The client of a program that knows TLS and little else: it accepts every server.
pub(crate) fn rogue_client(shown: Option<CertifiedKey>, protocols: &[&str]) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let config = config.expect("versions").dangerous();
    let config = config.with_custom_certificate_verifier(Arc::new(Anyone(provider)));
    let mut config = match shown {
        Some(shown) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown))),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// A server that accepts every client.
pub(crate) fn rogue_server(shown: CertifiedKey, protocols: &[&str]) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_client_cert_verifier(Arc::new(Anyone(provider)));
    let mut config = config.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// Connects as such a client and does its side of the handshake of TLS.
pub(crate) async fn connect_rogue(config: ClientConfig, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.expect("the port is open");
    let name = ServerName::IpAddress(address.ip().into());
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Accepts every certificate.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Anyone {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
