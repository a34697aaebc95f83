//! Sides that do not keep to the rules: with the certificates of others, with proofs of others, without sense.

use crate::support::{
    LOOPBACK, accept, assert_says, authority, certificates, certified, closed, connect_rogue, handshake, listen, nobody,
    node, plain, rogue_client, rogue_server, shared_key, stranger,
};
use fardel_node::tls::{HandshakeError, TAKEN};
use fardel_node::transport::{Connector, Limits, PLAIN_GREETING, Security};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const WITH_CERTIFICATES: &str = "fardel/1";
const WITH_SHARED_KEY: &str = "fardel-shared-key/1";

/// A client with `config` is refused by a node with `security`; gives what it is told.
async fn refused(security: Security, shown: Option<CertifiedKey>, protocols: &[&str]) -> String {
    let mut listener = listen(security, Limits::default()).await;
    let connecting = connect_rogue(rogue_client(shown, protocols), listener.local_address().socket);
    // In TLS 1.3 the client is through before the server has looked at its certificate.
    let told = match connecting.await {
        Ok(mut stream) => stream.read_u8().await.map(|byte| byte.to_string()).unwrap_or_else(|error| error.to_string()),
        Err(error) => error.to_string(),
    };
    nobody(&mut listener).await;
    told
}

/// An authority made by hand, and what it gives a node that does not keep to the rules.
struct Rogue {
    issuer: Issuer<'static, KeyPair>,
    security: Security,
}

impl Rogue {
    fn new() -> Rogue {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a certificate").der().clone();
        let roots = fardel_node::keys::Authority::new(vec![root], "a test").expect("an authority");
        // The server under test trusts this authority, and is of another: only what clients show matters here.
        let credentials = fardel_node::keys::Credentials { authority: roots, ..node(&authority()) };
        Rogue { issuer: Issuer::new(params, key), security: certificates(&credentials) }
    }

    /// A certificate for some purposes, and the key that belongs to it.
    fn issue(&self, purposes: &[ExtendedKeyUsagePurpose]) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::default();
        params.extended_key_usages = purposes.to_vec();
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }
}

#[tokio::test]
async fn a_client_with_a_certificate_of_the_authority_is_let_in() {
    // The others of this file fail for the reason they name, if this one passes.
    let rogue = Rogue::new();
    let (certificate, key) = rogue.issue(&[ExtendedKeyUsagePurpose::ClientAuth]);
    let mut listener = listen(rogue.security, Limits::default()).await;
    let config = rogue_client(Some(certified(&certificate, &key)), &[WITH_CERTIFICATES]);
    let mut stream = connect_rogue(config, listener.local_address().socket).await.expect("TLS");
    assert_eq!(stream.read_u8().await.expect("a byte"), TAKEN);
    accept(&mut listener).await;
}

#[tokio::test]
async fn the_certificate_of_another_node_is_worth_nothing_without_its_key() {
    let rogue = Rogue::new();
    let (certificate, _) = rogue.issue(&[ExtendedKeyUsagePurpose::ClientAuth]);
    let other = KeyPair::generate().expect("a key");
    let told = refused(rogue.security, Some(certified(&certificate, &other)), &[WITH_CERTIFICATES]).await;
    assert_says(&told, "received fatal alert: DecryptError");
    let told = refused(shared_key('a'), Some(certified(&certificate, &other)), &[WITH_SHARED_KEY]).await;
    assert_says(&told, "received fatal alert: DecryptError");
}

#[tokio::test]
async fn a_certificate_for_another_purpose_is_refused() {
    let rogue = Rogue::new();
    let (certificate, key) = rogue.issue(&[ExtendedKeyUsagePurpose::ServerAuth]);
    let told = refused(rogue.security, Some(certified(&certificate, &key)), &[WITH_CERTIFICATES]).await;
    assert_says(&told, "received fatal alert");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let told = refused(certificates(&node(&authority())), None, &[WITH_CERTIFICATES]).await;
    assert_says(&told, "received fatal alert: CertificateRequired");
    let told = refused(shared_key('a'), None, &[WITH_SHARED_KEY]).await;
    assert_says(&told, "received fatal alert: CertificateRequired");
}

#[tokio::test]
async fn a_client_that_agrees_to_no_protocol_of_nodes_is_refused() {
    let rogue = Rogue::new();
    let (certificate, key) = rogue.issue(&[ExtendedKeyUsagePurpose::ClientAuth]);
    let shown = || Some(certified(&certificate, &key));
    assert_says(&refused(rogue.security.clone(), shown(), &["h2"]).await, "NoApplicationProtocol");
    // Whoever names no protocol is through TLS, and the connection ends without a word.
    let told = refused(rogue.security.clone(), shown(), &[]).await;
    assert_ne!(told, TAKEN.to_string());
}

#[tokio::test]
async fn a_client_that_does_not_know_the_shared_key_is_refused_and_learns_nothing() {
    let mut listener = listen(shared_key('a'), Limits::default()).await;
    let config = rogue_client(Some(stranger()), &[WITH_SHARED_KEY]);
    let mut stream = connect_rogue(config, listener.local_address().socket).await.expect("TLS");
    stream.write_all(&[0; 32]).await.expect("the bytes go out");
    let mut seen = Vec::new();
    stream.read_to_end(&mut seen).await.expect("the node closes the connection in order");
    assert_eq!(seen, [0_u8; 0]);
    nobody(&mut listener).await;
}

#[tokio::test]
async fn a_session_is_never_resumed() {
    let rogue = Rogue::new();
    let (certificate, key) = rogue.issue(&[ExtendedKeyUsagePurpose::ClientAuth]);
    let mut listener = listen(rogue.security, Limits::default()).await;
    // This client would like to: it keeps whatever a server gives it.
    let config = rogue_client(Some(certified(&certificate, &key)), &[WITH_CERTIFICATES]);
    for _ in 0..2 {
        let mut stream = connect_rogue(config.clone(), listener.local_address().socket).await.expect("TLS");
        assert_eq!(stream.read_u8().await.expect("a byte"), TAKEN);
        let (_, session) = stream.get_ref();
        assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(session.tls13_tickets_received(), 0);
        accept(&mut listener).await;
    }
}

#[tokio::test]
async fn a_server_that_sends_the_clients_proof_back_is_refused() {
    let socket = TcpListener::bind(LOOPBACK).await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(rogue_server(stranger(), &[WITH_SHARED_KEY])));
    let reflecting = async {
        let (stream, _) = socket.accept().await.expect("a connection");
        let mut stream = acceptor.accept(stream).await.expect("TLS");
        let mut proof = [0; 32];
        stream.read_exact(&mut proof).await.expect("a proof");
        stream.write_all(&proof).await.expect("it goes back");
        stream.flush().await.expect("it goes back");
    };
    let connector = Connector::new(shared_key('a'));
    let (error, ()) = tokio::join!(connector.connect(address), reflecting);
    let error = handshake(error.expect_err("no connection"));
    assert!(matches!(error, HandshakeError::WrongProof), "{error}");
}

#[tokio::test]
async fn a_server_in_the_middle_cannot_pass_a_proof_on() {
    // It ends TLS with the client and begins it with the server; the proof of the one connection is not that of the other.
    let mut listener = listen(shared_key('a'), Limits::default()).await;
    let node = listener.local_address().socket;
    let socket = TcpListener::bind(LOOPBACK).await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(rogue_server(stranger(), &[WITH_SHARED_KEY])));
    let middle = async {
        let (stream, _) = socket.accept().await.expect("a connection");
        let mut client = acceptor.accept(stream).await.expect("TLS");
        let config = rogue_client(Some(stranger()), &[WITH_SHARED_KEY]);
        let mut server = connect_rogue(config, node).await.expect("TLS");
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    };
    let connector = Connector::new(shared_key('a'));
    let (connected, ()) = tokio::join!(connector.connect(address), middle);
    let error = handshake(connected.expect_err("no connection"));
    assert!(matches!(error, HandshakeError::NotTaken), "{error}");
    nobody(&mut listener).await;
}

#[tokio::test]
async fn senseless_bytes_end_a_connection_and_nothing_else() {
    for security in [certificates(&node(&authority())), shared_key('a'), plain()] {
        let mut listener = listen(security.clone(), Limits::default()).await;
        for seed in 1..40 {
            let mut stream = TcpStream::connect(listener.local_address().socket).await.expect("the port is open");
            // The node may have closed before all is out.
            let _ = stream.write_all(&senseless(seed)).await;
            let _ = stream.shutdown().await;
            closed(&mut stream).await;
        }
        nobody(&mut listener).await;
        Connector::new(security).connect(listener.local_address()).await.expect("a node is let in");
    }
}

#[tokio::test]
async fn senseless_bytes_from_a_server_are_an_error() {
    for security in [certificates(&node(&authority())), shared_key('a'), plain()] {
        let socket = TcpListener::bind(LOOPBACK).await.expect("a port");
        let address = socket.local_addr().expect("an address");
        for seed in 1..40 {
            let answering = async {
                let (mut stream, _) = socket.accept().await.expect("a connection");
                let _ = stream.write_all(&senseless(seed)).await;
                let _ = stream.shutdown().await;
                closed(&mut stream).await;
            };
            let connector = Connector::new(security.clone());
            let connecting = async { handshake(connector.connect(address).await.expect_err("no connection")) };
            tokio::join!(answering, connecting);
        }
    }
}

#[tokio::test]
async fn a_greeting_that_is_cut_or_longer_is_no_trouble() {
    let mut listener = listen(plain(), Limits::default()).await;
    for end in 0..PLAIN_GREETING.len() {
        let mut stream = TcpStream::connect(listener.local_address().socket).await.expect("the port is open");
        stream.write_all(PLAIN_GREETING.get(..end).expect("a part")).await.expect("it goes out");
        stream.shutdown().await.expect("it ends");
        assert_eq!(closed(&mut stream).await, PLAIN_GREETING);
    }
    nobody(&mut listener).await;
    let mut stream = TcpStream::connect(listener.local_address().socket).await.expect("the port is open");
    stream.write_all(&[PLAIN_GREETING.as_slice(), b"more"].concat()).await.expect("it goes out");
    let mut more = [0; 4];
    accept(&mut listener).await.reader.read_exact(&mut more).await.expect("what follows is not lost");
    assert_eq!(&more, b"more");
}

/// Up to 4096 bytes without sense. Some begin like TLS: a record of a handshake, and then anything.
fn senseless(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    let start: &[u8] = if seed.is_multiple_of(3) { &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] } else { &[] };
    let count = usize::from(next()) * 16;
    start.iter().copied().chain(std::iter::repeat_with(next).take(count)).collect()
}
