//! Connections over QUIC, which is in TLS 1.3 from its first byte.
//!
//! The node that dials opens one stream in both directions and sends [`OPENING`], as the other side learns of a stream by
//! its first byte. What follows on the stream is what follows TLS on TCP: the proofs of [`tls`](crate::tls), and then the
//! bytes of the connection. There are no other streams, no datagrams, no sessions that are resumed and no early data.
//!
//! Whoever asks for a connection has to show first that it gets what is sent to its address: it is told to try again with a
//! token, which takes no memory here. So a place among the half-open connections stands for an address that is true.
//!
//! **Invariant:** before a connection is authenticated it holds a handshake and [`QUIC_WINDOW_HALF_OPEN`] bytes at most.

use super::{Address, ConnectError, Connection, Security};
use crate::keys::{SharedKey, names_of_certificate};
use crate::limits::{HALF_OPEN_MAX, QUIC_IDLE, QUIC_INCOMING_BYTES, QUIC_WINDOW, QUIC_WINDOW_HALF_OPEN};
use crate::tls::{EXPORTER_LABEL, HandshakeError, Secured, Tls};
use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, ConnectionError, Endpoint, IdleTimeout, ReadError, RecvStream, SendStream, ServerConfig, StoppedError,
    TransportConfig, VarInt, WriteError,
};
use rustls::pki_types::CertificateDer;
use rustls::{AlertDescription, CertificateError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWrite};

/// What the node that dials sends first on its stream.
pub(crate) const OPENING: u8 = 1;

/// A socket that takes connections. When it is dropped it takes no more; those that were taken stay.
pub(super) struct Socket(Endpoint);

impl Socket {
    pub(super) fn bind(address: SocketAddr, security: &Security) -> io::Result<Socket> {
        let (tls, _) = secured_by(security)?;
        let (_, server) = tls.configurations();
        let crypto = QuicServerConfig::try_from(server).map_err(io::Error::other)?;
        let mut config = ServerConfig::with_crypto(Arc::new(crypto));
        config.transport_config(Arc::new(transport(1))).max_incoming(HALF_OPEN_MAX);
        config.incoming_buffer_size(QUIC_INCOMING_BYTES);
        config.incoming_buffer_size_total(QUIC_INCOMING_BYTES.saturating_mul(HALF_OPEN_MAX as u64));
        // A token holds for one try, and none is kept for the next connection.
        config.validation_token.sent(0);
        Endpoint::server(config, address).map(Socket)
    }

    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Waits for somebody who asks for a connection from an address that is its own.
    pub(super) async fn accept(&self) -> Knock {
        loop {
            // It is closed by being dropped, and then nobody waits.
            let Some(incoming) = self.0.accept().await else { return std::future::pending().await };
            if incoming.remote_address_validated() {
                return Knock(Box::new(incoming));
            }
            // Who has been told before and comes without the token is not answered.
            let _ = incoming.retry();
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // The socket is open as long as a connection is that came over it.
        self.0.set_server_config(None);
    }
}

/// Somebody who asks for a connection; refused when this is dropped.
pub(super) struct Knock(Box<quinn::Incoming>);

impl Knock {
    pub(super) fn address(&self) -> SocketAddr {
        self.0.remote_address()
    }

    /// Does the server's side of the handshake.
    pub(super) async fn handshake(self, security: &Security) -> Result<Connection, HandshakeError> {
        let (tls, key) = secured_by(security).map_err(HandshakeError::Broken)?;
        let connection = self.0.accept().map_err(failure)?.await.map_err(failure)?;
        let secured = secured(tls, &connection)?;
        let (mut writer, mut reader) = connection.accept_bi().await.map_err(failure)?;
        match reader.read_u8().await {
            Ok(OPENING) => (),
            Ok(_) => return Err(HandshakeError::Foreign),
            Err(error) => return Err(fault(&error).unwrap_or(HandshakeError::Broken(error))),
        }
        tls.admit(key, &secured, &mut tokio::io::join(&mut reader, &mut writer)).await?;
        Ok(finished(connection, (reader, writer), secured, key))
    }
}

/// Does the client's side of the handshake with the node at an address.
pub(super) async fn connect(security: &Security, address: Address) -> Result<Connection, ConnectError> {
    let unreachable = |source| ConnectError::Unreachable { address, source };
    let (tls, key) = secured_by(security).map_err(unreachable)?;
    let any = match address.socket {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let (client, _) = tls.configurations();
    let crypto = QuicClientConfig::try_from(client).map_err(io::Error::other).map_err(unreachable)?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport(0)));
    // A socket of its own for each connection, as in TCP: it ends with it.
    let endpoint = Endpoint::client(SocketAddr::new(any, 0)).map_err(unreachable)?;
    // An address is no name that would be sent, and the verifiers do not look at it.
    let connecting = endpoint.connect_with(config, address.socket, &address.socket.ip().to_string());
    let connecting = connecting.map_err(|error| unreachable(io::Error::other(error)))?;
    let handshake = async {
        let connection = connecting.await.map_err(failure)?;
        let secured = secured(tls, &connection)?;
        let (mut writer, mut reader) = connection.open_bi().await.map_err(failure)?;
        let opened = writer.write_all(&[OPENING]).await.map_err(io::Error::from);
        opened.map_err(|error| fault(&error).unwrap_or(HandshakeError::Broken(error)))?;
        tls.enter(key, &secured, &mut tokio::io::join(&mut reader, &mut writer)).await?;
        Ok(finished(connection, (reader, writer), secured, key))
    };
    handshake.await.map_err(|source| ConnectError::Handshake { address, source })
}

/// What secures a connection. That there is something was checked before.
fn secured_by(security: &Security) -> io::Result<(&Tls, Option<&SharedKey>)> {
    match security {
        Security::Certificates(tls) => Ok((tls, None)),
        Security::SharedKey(tls, key) => Ok((tls, Some(key))),
        Security::Plain(_) => Err(io::Error::other("QUIC is never in plaintext")),
    }
}

/// The settings of a connection on which the other side may open so many streams.
fn transport(streams: u8) -> TransportConfig {
    let mut config = TransportConfig::default();
    config.max_concurrent_bidi_streams(streams.into()).max_concurrent_uni_streams(VarInt::from_u32(0));
    config.datagram_receive_buffer_size(None);
    // More cannot be under way, and what waits here delays what comes behind it.
    config.send_window(QUIC_WINDOW.into());
    config.receive_window(VarInt::from_u32(QUIC_WINDOW_HALF_OPEN)).stream_receive_window(VarInt::from_u32(QUIC_WINDOW));
    // The node asks its peers whether they are there; QUIC need not.
    config.max_idle_timeout(IdleTimeout::try_from(QUIC_IDLE).ok());
    config
}

/// What TLS has found out about a connection.
fn secured(tls: &Tls, connection: &quinn::Connection) -> Result<Secured, HandshakeError> {
    let data = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
    let shown = connection.peer_identity().and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
    let agreed = data.and_then(|data| data.protocol);
    let peer = tls.peer(agreed.as_deref(), shown.as_deref().map(Vec::as_slice))?;
    let mut exported = [0; 32];
    let done = connection.export_keying_material(&mut exported, EXPORTER_LABEL, &[]);
    done.map_err(|_| HandshakeError::Quic("the connection gives no keying material".to_owned()))?;
    let names = shown.and_then(|shown| shown.first().map(names_of_certificate)).unwrap_or_default();
    Ok(Secured { peer, exported, names })
}

/// A connection whose both sides are authenticated, with a shared key or without one.
fn finished(
    connection: quinn::Connection,
    halves: (RecvStream, SendStream),
    secured: Secured,
    key: Option<&SharedKey>,
) -> Connection {
    connection.set_receive_window(VarInt::from_u32(QUIC_WINDOW));
    let address = Address::quic(connection.remote_address());
    let (reader, stream) = halves;
    let finished = Connection::new((reader, Writer { stream, acknowledged: None }), Some(secured.peer), address);
    // With a shared key nobody vouches for names.
    if key.is_none() { finished.with_names(secured.names) } else { finished }
}

/// The stream of a connection, whose `shutdown` waits until the other side has all that was written.
struct Writer {
    stream: SendStream,
    /// Until the other side has all.
    acknowledged: Option<Pin<Box<Acknowledged>>>,
}

type Acknowledged = dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send + Sync;

impl AsyncWrite for Writer {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.stream), context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.stream), context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.acknowledged.is_none() {
            self.stream.finish()?;
            self.acknowledged = Some(Box::pin(self.stream.stopped()));
        }
        let acknowledged = self.acknowledged.as_mut().map(|acknowledged| acknowledged.as_mut().poll(context));
        match acknowledged {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(Err(error))) => Poll::Ready(Err(error.into())),
            Some(Poll::Ready(Ok(_))) | None => Poll::Ready(Ok(())),
        }
    }
}

/// What an error of a stream over QUIC is about, if it is one.
pub(crate) fn fault(error: &io::Error) -> Option<HandshakeError> {
    let inner = error.get_ref()?;
    let lost = match (inner.downcast_ref::<ReadError>(), inner.downcast_ref::<WriteError>()) {
        (Some(ReadError::ConnectionLost(lost)), _) | (_, Some(WriteError::ConnectionLost(lost))) => lost,
        _ => return None,
    };
    Some(failure(lost.clone()))
}

/// What the failure of a connection is about.
fn failure(error: ConnectionError) -> HandshakeError {
    match error {
        ConnectionError::VersionMismatch => HandshakeError::Foreign,
        ConnectionError::TransportError(error) => match alert(error.code) {
            // As on TCP, so that it is told in the same words.
            Some(AlertDescription::UnknownCA) => tls(CertificateError::UnknownIssuer),
            Some(AlertDescription::DecryptError) => tls(CertificateError::BadSignature),
            Some(_) | None => HandshakeError::Quic(error.to_string()),
        },
        ConnectionError::ConnectionClosed(ref close) => match alert(close.error_code) {
            Some(alert) => HandshakeError::Tls(rustls::Error::AlertReceived(alert)),
            None => HandshakeError::Broken(error.into()),
        },
        ConnectionError::ApplicationClosed(_) => HandshakeError::NotTaken,
        ConnectionError::Reset
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => HandshakeError::Broken(error.into()),
    }
}

fn tls(error: CertificateError) -> HandshakeError {
    HandshakeError::Tls(rustls::Error::InvalidCertificate(error))
}

/// The alert of TLS that a code of QUIC stands for: codes from 0x100 to 0x1ff do.
fn alert(code: quinn::TransportErrorCode) -> Option<AlertDescription> {
    let code = u64::from(code).checked_sub(0x100)?;
    u8::try_from(code).ok().map(AlertDescription::from)
}
