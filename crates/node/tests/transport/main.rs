//! Connections between nodes over the loopback address: who is let in, and who is not.

mod flood;
mod hostile;
mod quic;
mod replay;
mod support;

use fardel_node::keys::{Authority, Credentials, Validity};
use fardel_node::tls::HandshakeError;
use fardel_node::transport::{BindError, ConnectError, Connector, Limits, Listener, Plain, Scheme, Security, SecurityError};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use support::{
    LOOPBACK, SCHEMES, accept, assert_says, authority, certificates, clash, credentials, listen, meet, node, plain,
    shared_key, talk,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn nodes_of_one_authority_know_each_other() {
    for scheme in SCHEMES {
        let authority = authority();
        let (server, client) = (node(&authority), node(&authority));
        let (connected, accepted) = meet(scheme, certificates(&server), certificates(&client)).await;
        assert_eq!(connected.peer, Some(server.identity.id()));
        assert_eq!(accepted.peer, Some(client.identity.id()));
        assert!(accepted.address.socket.ip().is_loopback());
        talk(connected, accepted).await;
    }
}

#[tokio::test]
async fn nodes_with_a_shared_key_know_each_other() {
    for scheme in SCHEMES {
        let (server, client) = (shared_key('a'), shared_key('a'));
        assert_ne!(server.node_id(), client.node_id());
        let (connected, accepted) = meet(scheme, server.clone(), client.clone()).await;
        assert_eq!(connected.peer, server.node_id());
        assert_eq!(accepted.peer, client.node_id());
        talk(accepted, connected).await;
    }
}

#[tokio::test]
async fn nodes_in_plaintext_know_nobody() {
    let (connected, accepted) = meet(Scheme::Tcp, plain(), plain()).await;
    assert_eq!((connected.peer, accepted.peer), (None, None));
    talk(connected, accepted).await;
}

#[tokio::test]
async fn a_node_that_connects_to_itself_sees_itself() {
    for scheme in SCHEMES {
        let security = shared_key('a');
        let (connected, accepted) = meet(scheme, security.clone(), security.clone()).await;
        assert_eq!((connected.peer, accepted.peer), (security.node_id(), security.node_id()));
    }
}

#[tokio::test]
async fn a_node_of_another_authority_is_refused_by_either_side() {
    for scheme in SCHEMES {
        let (ours, theirs) = (authority(), authority());
        let error = clash(scheme, certificates(&node(&ours)), certificates(&node(&theirs))).await;
        assert_says(&error, "the certificate was issued by an authority that this node does not trust");
        // The client would accept the server; the server has the last word.
        let own = theirs.issue("node", Validity::of_node(SystemTime::now())).expect("a certificate");
        let error = clash(scheme, certificates(&node(&ours)), certificates(&credentials(&ours, &own))).await;
        assert_says(&error, "the peer does not trust the authority that issued this node's certificate");
    }
}

#[tokio::test]
async fn while_authorities_are_exchanged_nodes_of_both_are_let_in() {
    for scheme in SCHEMES {
        let (old, new) = (authority(), authority());
        let both = [old.identity(), new.identity()].map(|identity| identity.expect("an identity").certificate().clone());
        let both = Authority::new(both.to_vec(), "a test").expect("two authorities");
        let trusting = |own| Credentials { authority: both.clone(), ..node(own) };
        meet(scheme, certificates(&trusting(&old)), certificates(&trusting(&new))).await;
        meet(scheme, certificates(&trusting(&old)), certificates(&node(&old))).await;
    }
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_by_either_side() {
    for scheme in SCHEMES {
        let (authority, now) = (authority(), SystemTime::now());
        let issue = |start, end| {
            let certificate = authority.issue("node", Validity { start, end }).expect("a certificate");
            certificates(&credentials(&authority, &certificate))
        };
        let valid = || certificates(&node(&authority));
        let error = clash(scheme, issue(now - DAY * 2, now - DAY), valid()).await;
        assert_says(&error, "certificate expired");
        let error = clash(scheme, valid(), issue(now - DAY * 2, now - DAY)).await;
        assert_says(&error, "received fatal alert: CertificateExpired");
        let error = clash(scheme, issue(now + DAY, now + DAY * 2), valid()).await;
        assert_says(&error, "certificate not valid yet");
        let error = clash(scheme, valid(), issue(now + DAY, now + DAY * 2)).await;
        assert_says(&error, "received fatal alert");
    }
}

#[tokio::test]
async fn a_node_with_another_shared_key_is_refused() {
    for scheme in SCHEMES {
        let error = clash(scheme, shared_key('a'), shared_key('b')).await;
        assert!(matches!(error, HandshakeError::NotTaken), "{error}");
    }
}

#[tokio::test]
async fn nodes_with_different_kinds_of_credentials_refuse_each_other() {
    let certificates = certificates(&node(&authority()));
    for scheme in SCHEMES {
        let error = clash(scheme, certificates.clone(), shared_key('a')).await;
        assert_says(&error, "NoApplicationProtocol");
        let error = clash(scheme, shared_key('a'), certificates.clone()).await;
        assert_says(&error, "NoApplicationProtocol");
    }
    for tls in [certificates, shared_key('a')] {
        let error = clash(Scheme::Tcp, tls.clone(), plain()).await;
        assert!(matches!(error, HandshakeError::NotPlain), "{error}");
        let error = clash(Scheme::Tcp, plain(), tls).await;
        assert!(matches!(error, HandshakeError::NotTls | HandshakeError::Broken(_)), "{error}");
    }
}

#[tokio::test]
async fn without_credentials_a_node_neither_listens_nor_connects_unless_told_so() {
    let security = Security::Plain(Plain::default());
    let error = Listener::bind(LOOPBACK, security.clone(), Limits::default()).await.expect_err("it does not listen");
    assert_says(&error, "127.0.0.1:0: there are no credentials: give a certificate with its key and authority");
    assert!(matches!(error, BindError::Security(SecurityError::NoCredentials { .. })), "{error}");
    let error = Connector::new(security).connect(LOOPBACK).await.expect_err("it does not connect");
    assert!(matches!(error, ConnectError::Security(SecurityError::NoCredentials { .. })), "{error}");
}

#[tokio::test]
async fn plaintext_stays_on_this_host_unless_forced() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let address: SocketAddr = address.parse().expect("an address");
        let error = Listener::bind(address, plain(), Limits::default()).await.expect_err("it does not listen");
        assert_says(&error, "plaintext is for loopback addresses alone");
        assert!(matches!(error, BindError::Security(SecurityError::NotLoopback { .. })), "{error}");
        let error = Connector::new(plain()).connect(address).await.expect_err("it does not connect");
        assert!(matches!(error, ConnectError::Security(SecurityError::NotLoopback { .. })), "{error}");
    }
    let forced = Security::Plain(Plain { insecure: true, force: true });
    let everywhere: SocketAddr = "0.0.0.0:0".parse().expect("an address");
    let mut listener = Listener::bind(everywhere, forced, Limits::default()).await.expect("it is forced");
    let port = listener.local_address().socket.port();
    Connector::new(plain()).connect(SocketAddr::new(LOOPBACK.ip(), port)).await.expect("a connection");
    accept(&mut listener).await;
    let only_forced = Security::Plain(Plain { insecure: false, force: true });
    let error = Listener::bind(LOOPBACK, only_forced, Limits::default()).await.expect_err("it does not listen");
    assert!(matches!(error, BindError::Security(SecurityError::NoCredentials { .. })), "{error}");
}

#[tokio::test]
async fn an_address_in_use_and_one_where_nobody_listens_are_named() {
    let listener = listen(plain(), Limits::default()).await;
    let address = listener.local_address();
    let error = Listener::bind(address, plain(), Limits::default()).await.expect_err("it is in use");
    assert_says(&error, &format!("{address}: cannot be listened on: "));
    drop(listener);
    // The socket closes when the listener's task is gone, which is soon.
    let connector = Connector::new(plain());
    let error = loop {
        match connector.connect(address).await {
            Err(error @ ConnectError::Unreachable { .. }) => break error,
            Ok(_) | Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_says(&error, &format!("{address}: cannot be reached: "));
}
