//! What is different over QUIC: anybody can send a datagram with any address on it, and a stream is there when something is
//! sent on it. The rest is tested for both ways at once.

use crate::support::{
    LONG, LOOPBACK, MOMENT, accept, assert_says, authority, certificates, listen_over, meet, nobody, node, plain,
    rogue_client, shared_key, stranger, talk,
};
use fardel_node::limits::QUIC_WINDOW_HALF_OPEN;
use fardel_node::transport::{
    Address, BindError, ConnectError, Connector, Limits, Listener, Scheme, Security, SecurityError,
};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, Endpoint};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

const WITH_SHARED_KEY: &str = "fardel-shared-key/1";
/// A time that is over soon.
const SHORT: Duration = Duration::from_millis(100);
/// What a client sends first on its stream.
const OPENING: u8 = 1;

async fn listen(security: Security, limits: Limits) -> Listener {
    listen_over(Scheme::Quic, security, limits).await
}

/// A client that has a certificate of its own and does not know the shared key, as far as the end of TLS.
async fn connect_rogue(address: SocketAddr) -> Result<Connection, ConnectionError> {
    let crypto = QuicClientConfig::try_from(rogue_client(Some(stranger()), &[WITH_SHARED_KEY])).expect("QUIC");
    let endpoint = Endpoint::client(LOOPBACK).expect("a port");
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    endpoint.connect_with(config, address, "127.0.0.1").expect("it can be tried").await
}

#[tokio::test]
async fn quic_is_never_in_plaintext() {
    let address = Address::quic(LOOPBACK);
    let error = Listener::bind(address, plain(), Limits::default()).await.expect_err("it does not listen");
    assert!(matches!(error, BindError::Security(SecurityError::QuicInPlaintext { .. })), "{error}");
    assert_says(&error, "quic://127.0.0.1:0: QUIC is never in plaintext");
    let error = Connector::new(plain()).connect(address).await.expect_err("it does not connect");
    assert!(matches!(error, ConnectError::Security(SecurityError::QuicInPlaintext { .. })), "{error}");
}

#[tokio::test]
async fn an_address_in_use_is_named_and_one_where_nobody_listens_is_given_up() {
    let listener = listen(shared_key('a'), Limits::default()).await;
    let address = listener.local_address();
    let error = Listener::bind(address, shared_key('a'), Limits::default()).await.expect_err("it is in use");
    assert_says(&error, &format!("{address}: cannot be listened on: "));
    let nobody = UdpSocket::bind(LOOPBACK).await.expect("a port");
    let silent = Address::quic(nobody.local_addr().expect("an address"));
    let error = Connector::new(shared_key('a')).with_handshake(SHORT).connect(silent).await.expect_err("no connection");
    assert!(matches!(error, ConnectError::TimedOut { limit: SHORT, .. }), "{error}");
    assert_says(&error, &format!("quic://{}: no connection within", silent.socket));
}

#[tokio::test]
async fn a_port_is_free_again_at_once() {
    let listener = listen(shared_key('a'), Limits::default()).await;
    let address = listener.local_address();
    drop(listener);
    let again = async {
        // The socket closes when the listener's task is gone, which is soon.
        loop {
            match Listener::bind(address, shared_key('a'), Limits::default()).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let mut listener = tokio::time::timeout(LONG, again).await.expect("the port is free");
    Connector::new(shared_key('a')).connect(address).await.expect("a connection");
    accept(&mut listener).await;
}

#[tokio::test]
async fn a_listener_that_is_dropped_takes_nobody_and_keeps_what_was_taken() {
    let mut listener = listen(shared_key('a'), Limits::default()).await;
    let address = listener.local_address();
    let connector = Connector::new(shared_key('a')).with_handshake(SHORT * 5);
    let connected = connector.connect(address).await.expect("a connection");
    let accepted = accept(&mut listener).await;
    drop(listener);
    // Its task ends soon, and the socket is open as long as the connection is.
    tokio::time::sleep(MOMENT).await;
    connector.connect(address).await.expect_err("nobody is taken");
    talk(connected, accepted).await;
}

#[tokio::test]
async fn who_proves_nothing_is_refused_and_learns_nothing() {
    let mut listener = listen(shared_key('a'), Limits::default()).await;
    let connection = connect_rogue(listener.local_address().socket).await.expect("TLS");
    let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
    send.write_all(&[OPENING; 33]).await.expect("the bytes go out");
    let mut seen = Vec::new();
    // The end of the stream or that of the connection, whichever comes first.
    let _ = AsyncReadExt::read_to_end(&mut receive, &mut seen).await;
    assert_eq!(seen, [0_u8; 0]);
    nobody(&mut listener).await;
}

#[tokio::test]
async fn who_opens_no_stream_or_begins_it_in_another_way_is_dropped() {
    let mut listener = listen(shared_key('a'), Limits { handshake: SHORT, ..Limits::default() }).await;
    let address = listener.local_address().socket;
    let silent = connect_rogue(address).await.expect("TLS");
    let start = Instant::now();
    tokio::time::timeout(LONG, silent.closed()).await.expect("it is dropped");
    assert!(start.elapsed() < Limits::default().handshake / 2, "it took {:?}", start.elapsed());
    let other = connect_rogue(address).await.expect("TLS");
    let (mut send, _receive) = other.open_bi().await.expect("a stream");
    send.write_all(&[OPENING + 1]).await.expect("the byte goes out");
    tokio::time::timeout(LONG, other.closed()).await.expect("it is dropped");
    nobody(&mut listener).await;
}

#[tokio::test]
async fn when_there_are_too_many_one_is_dropped_at_once_and_places_come_back() {
    let of_address = Limits { half_open_per_address_max: 2, ..Limits::default() };
    let in_all = Limits { half_open_max: 2, ..Limits::default() };
    for (limits, is_oldest) in [(of_address, false), (in_all, true)] {
        let mut listener = listen(shared_key('a'), limits).await;
        let address = listener.local_address();
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(connect_rogue(address.socket).await.expect("there is a place"));
        }
        let start = Instant::now();
        // Of one address the next one is refused, and else the oldest makes room for it.
        match connect_rogue(address.socket).await {
            Err(_) => assert!(!is_oldest, "there is room"),
            Ok(last) => {
                assert!(is_oldest, "there is no place");
                let oldest = held.first().expect("the oldest");
                tokio::time::timeout(LONG, oldest.closed()).await.expect("it is dropped");
                held.push(last);
            }
        }
        assert!(start.elapsed() < limits.handshake / 2, "refused after {:?}", start.elapsed());
        drop(held);
        let connector = Connector::new(shared_key('a'));
        let joining = async {
            // The node learns of the end of the others in its own time.
            while connector.connect(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, joining).await.expect("a place comes back");
        accept(&mut listener).await;
    }
}

#[tokio::test]
async fn who_does_not_get_what_is_sent_to_its_address_takes_no_place() {
    let limits = Limits { half_open_max: 1, ..Limits::default() };
    let mut listener = listen(shared_key('a'), limits).await;
    let node = listener.local_address();
    // A client whose datagrams come from other addresses than its own: it never hears an answer.
    let relay = UdpSocket::bind(LOOPBACK).await.expect("a port");
    let dialled = relay.local_addr().expect("an address");
    let connecting = tokio::spawn(connect_rogue(dialled));
    let mut first = [0; 2048];
    let count = tokio::time::timeout(LONG, relay.recv(&mut first)).await.expect("it dials").expect("a datagram");
    let first = first.get(..count).expect("a datagram");
    let mut answered = [0; 2048];
    for _ in 0..20 {
        let forged = UdpSocket::bind(LOOPBACK).await.expect("a port");
        forged.send_to(first, node.socket).await.expect("it goes out");
        let answer = tokio::time::timeout(LONG, forged.recv(&mut answered)).await.expect("it is answered");
        let answer = answer.expect("a datagram");
        // It is asked to come again, in fewer bytes than it has sent.
        let kind = answered.first().expect("a byte") & 0xf0;
        assert!(kind == 0xf0 && answer * 4 < first.len(), "{answer} bytes of kind {kind:x}");
    }
    Connector::new(shared_key('a')).connect(node).await.expect("the one place is free");
    accept(&mut listener).await;
    connecting.abort();
}

#[tokio::test]
async fn bytes_before_the_proof_are_bounded() {
    let listener = listen(shared_key('a'), Limits::default()).await;
    let connection = connect_rogue(listener.local_address().socket).await.expect("TLS");
    let (mut send, _receive) = connection.open_bi().await.expect("a stream");
    // Not even the proof is whole.
    let flood = async {
        send.write_all(&[OPENING]).await?;
        send.write_all(&vec![0; 16 << 20]).await
    };
    let before = connection.stats().udp_tx.bytes;
    let _ = tokio::time::timeout(MOMENT * 4, flood).await;
    let sent = connection.stats().udp_tx.bytes - before;
    // The node refuses the proof, which is wrong; until then no more than the window comes in.
    assert!(sent < u64::from(QUIC_WINDOW_HALF_OPEN) * 2, "{sent} bytes went out");
}

#[tokio::test]
async fn senseless_datagrams_harm_nobody() {
    let mut listener = listen(shared_key('a'), Limits::default()).await;
    let node = listener.local_address();
    let (connected, accepted) = {
        let connecting = Connector::new(shared_key('a')).connect(node).await.expect("a connection");
        (connecting, accept(&mut listener).await)
    };
    let socket = UdpSocket::bind(LOOPBACK).await.expect("a port");
    let mut state = 1_u64;
    for count in 0..1200 {
        let mut datagram = vec![0; count];
        for byte in &mut datagram {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
        socket.send_to(&datagram, node.socket).await.expect("it goes out");
    }
    talk(connected, accepted).await;
    nobody(&mut listener).await;
    Connector::new(shared_key('a')).connect(node).await.expect("a node is let in");
}

#[tokio::test]
async fn what_was_written_before_the_end_arrives() {
    let (mut connected, mut accepted) = meet(Scheme::Quic, shared_key('a'), shared_key('a')).await;
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        accepted.reader.read_to_end(&mut seen).await.expect("bytes come in");
        seen.len()
    });
    connected.writer.write_all(&vec![7; 3 << 20]).await.expect("bytes go out");
    connected.writer.shutdown().await.expect("the other side has all");
    drop(connected);
    assert_eq!(reading.await.expect("no panic"), 3 << 20);
}

#[tokio::test]
async fn the_two_ways_do_not_mix() {
    let security = certificates(&node(&authority()));
    let mut listener = listen_over(Scheme::Tcp, security.clone(), Limits::default()).await;
    let quic = Address { scheme: Scheme::Quic, ..listener.local_address() };
    let error = Connector::new(security).with_handshake(SHORT).connect(quic).await.expect_err("no connection");
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    nobody(&mut listener).await;
}
