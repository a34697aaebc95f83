//! Connections between nodes: opened by a [`Connector`], taken by a [`Listener`], and authenticated by the time anyone
//! else sees them.
//!
//! Each connection that comes in gets a task of its own for its handshake, with a time limit, so a slow or silent one
//! holds up nobody. How many are under way is limited, in all and for each address; what comes beyond is dropped at once.
//! Whoever has come through waits in a short queue for [`Listener::accept`].
//!
//! An [`Address`] says by its [`Scheme`] whether they go over TCP with TLS or over QUIC. On QUIC one stream in both
//! directions is the connection, and who is there is proven as on TCP.
//!
//! In plaintext, which a node must be told in so many words to use, each side begins with [`PLAIN_GREETING`], so that a
//! node that uses TLS is told apart instead of being read as nonsense.
//!
//! **Invariant:** what an unauthenticated connection can hold is bounded in number, bytes and time.

mod address;
mod listener;
mod lookup;
pub(crate) mod quic;

pub use address::{Address, AddressError, Scheme, Target};
pub use listener::{BindError, Limits, Listener};
pub use lookup::{DialError, Lookup, Resolve, SystemResolver};

use crate::keys::{Credentials, KeyError, NodeId, SharedKey};
use crate::limits::{HANDSHAKE, TLS_READ_BYTES};
use crate::tls::{HandshakeError, Tls, names_of};
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What each side sends first in plaintext.
pub const PLAIN_GREETING: &[u8; 15] = b"fardel/1 plain\n";
/// The first byte of an alert and of a handshake in TLS.
const TLS_FIRST_BYTES: [u8; 2] = [0x15, 0x16];

/// How connections are secured. The same value serves a node's connector and its listener, so that it is the same node
/// in both.
#[derive(Clone, Debug)]
pub enum Security {
    /// TLS with certificates of the cluster's authority.
    Certificates(Tls),
    /// TLS, and both sides prove that they know a key.
    SharedKey(Tls, SharedKey),
    /// Neither secrecy nor proof of anything.
    Plain(Plain),
}

/// What a node without credentials was told to do. The default is nothing, and then it neither connects nor listens.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Plain {
    /// Whether to do without credentials: everyone who can reach the address is let in.
    pub insecure: bool,
    /// Whether to do so on other addresses than this host's loopback, too.
    pub force: bool,
}

impl Security {
    /// TLS with certificates.
    ///
    /// # Errors
    ///
    /// If the authority cannot be used.
    pub fn certificates(credentials: &Credentials) -> Result<Security, KeyError> {
        Tls::with_certificates(credentials).map(Security::Certificates)
    }

    /// TLS with a shared key; the node's own key is made now.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn shared_key(key: SharedKey) -> Result<Security, KeyError> {
        Ok(Security::SharedKey(Tls::with_shared_key()?, key))
    }

    /// Who this node is to others: nobody in plaintext.
    pub fn node_id(&self) -> Option<NodeId> {
        match self {
            Security::Certificates(tls) | Security::SharedKey(tls, _) => Some(tls.id()),
            Security::Plain(_) => None,
        }
    }

    /// Whether connections on an address may be secured like this.
    pub(crate) fn check(&self, address: Address) -> Result<(), SecurityError> {
        match self {
            Security::Certificates(_) | Security::SharedKey(..) => Ok(()),
            Security::Plain(Plain { insecure: false, .. }) => Err(SecurityError::NoCredentials { address }),
            Security::Plain(Plain { .. }) if address.scheme == Scheme::Quic => {
                Err(SecurityError::QuicInPlaintext { address })
            }
            Security::Plain(Plain { force: true, .. }) => Ok(()),
            Security::Plain(Plain { .. }) if address.is_loopback() => Ok(()),
            Security::Plain(Plain { .. }) => Err(SecurityError::NotLoopback { address }),
        }
    }

    /// Does the client's side of the handshake.
    async fn connect(&self, stream: TcpStream, address: Address) -> Result<Connection, HandshakeError> {
        stream.set_nodelay(true).map_err(HandshakeError::Broken)?;
        match self {
            Security::Certificates(tls) => {
                let (stream, peer) = tls.connect(None, address.socket.ip(), buffered(stream)).await?;
                let names = names_of(&stream);
                Ok(Connection::new(tokio::io::split(stream), Some(peer), address).with_names(names))
            }
            Security::SharedKey(tls, key) => {
                let (stream, peer) = tls.connect(Some(key), address.socket.ip(), buffered(stream)).await?;
                Ok(Connection::new(tokio::io::split(stream), Some(peer), address))
            }
            Security::Plain(_) => greet(stream, address).await,
        }
    }

    /// Does the server's side of the handshake.
    async fn accept(&self, stream: TcpStream, address: Address) -> Result<Connection, HandshakeError> {
        stream.set_nodelay(true).map_err(HandshakeError::Broken)?;
        match self {
            Security::Certificates(tls) => {
                let (stream, peer) = tls.accept(None, buffered(stream)).await?;
                let names = names_of(&stream);
                Ok(Connection::new(tokio::io::split(stream), Some(peer), address).with_names(names))
            }
            Security::SharedKey(tls, key) => {
                let (stream, peer) = tls.accept(Some(key), buffered(stream)).await?;
                Ok(Connection::new(tokio::io::split(stream), Some(peer), address))
            }
            Security::Plain(_) => greet(stream, address).await,
        }
    }
}

/// A stream that is read a good piece at a time: TLS asks for 4 KiB.
fn buffered(stream: TcpStream) -> BufReader<TcpStream> {
    BufReader::with_capacity(TLS_READ_BYTES, stream)
}

/// Exchanges greetings in plaintext, the same on both sides.
async fn greet(mut stream: TcpStream, address: Address) -> Result<Connection, HandshakeError> {
    stream.write_all(PLAIN_GREETING).await.map_err(HandshakeError::Broken)?;
    for (at, wanted) in PLAIN_GREETING.iter().enumerate() {
        // Byte by byte, so that what is no greeting is known as soon as it differs: it may be shorter.
        let byte = match stream.read_u8().await {
            Ok(byte) => byte,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(HandshakeError::NotTaken),
            Err(error) => return Err(HandshakeError::Broken(error)),
        };
        if byte != *wanted {
            let is_tls = at == 0 && TLS_FIRST_BYTES.contains(&byte);
            return Err(if is_tls { HandshakeError::NotPlain } else { HandshakeError::Foreign });
        }
    }
    Ok(Connection::new(stream.into_split(), None, address))
}

/// Why a node neither connects nor listens: nothing was sent, and nothing is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SecurityError {
    /// There are no credentials, and nobody said to do without.
    #[error(
        "{address}: there are no credentials: give a certificate with its key and authority, or a shared key, \
         or say `insecure` to let in everyone who can reach the address"
    )]
    NoCredentials {
        /// The address.
        address: Address,
    },
    /// QUIC is always secured.
    #[error("{address}: QUIC is never in plaintext: give credentials, or an address of TCP")]
    QuicInPlaintext {
        /// The address.
        address: Address,
    },
    /// Plaintext would leave this host.
    #[error(
        "{address}: plaintext is for loopback addresses alone: give credentials, \
         or say `force` as well as `insecure` to let the whole network read and write"
    )]
    NotLoopback {
        /// The address.
        address: Address,
    },
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It was not tried.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The system opened none.
    #[error("{address}: cannot be reached: {source}")]
    Unreachable {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The other side did not finish the handshake in time.
    #[error("{address}: no connection within {limit:?}")]
    TimedOut {
        /// The address.
        address: Address,
        /// The time it had.
        limit: Duration,
    },
    /// The two sides do not accept each other.
    #[error("{address}: {source}")]
    Handshake {
        /// The address.
        address: Address,
        /// What happened.
        source: HandshakeError,
    },
}

/// The half of a connection that is read.
pub type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;
/// The half of a connection that is written. Bytes may wait until it is flushed; `shutdown` tells the other side that
/// nothing more comes, and over QUIC it waits until the other side has all that was written: what it has not when both
/// halves are dropped may be lost.
pub type Writer = Box<dyn AsyncWrite + Send + Sync + Unpin>;

/// An ordered stream of bytes in both directions, with someone who is known. It is closed when both halves are dropped.
pub struct Connection {
    /// Who is at the other side; nobody knows in plaintext.
    pub peer: Option<NodeId>,
    /// The names in its certificate, when the cluster's authority vouches for them.
    pub names: Option<Vec<String>>,
    /// The address of the other side.
    pub address: Address,
    /// What comes in.
    pub reader: Reader,
    /// What goes out.
    pub writer: Writer,
}

impl Connection {
    fn new<R, W>(halves: (R, W), peer: Option<NodeId>, address: Address) -> Connection
    where
        R: AsyncRead + Send + Sync + Unpin + 'static,
        W: AsyncWrite + Send + Sync + Unpin + 'static,
    {
        Connection { peer, names: None, address, reader: Box::new(halves.0), writer: Box::new(halves.1) }
    }

    /// The same with the names that the authority vouches for.
    fn with_names(self, names: Vec<String>) -> Connection {
        Connection { names: Some(names), ..self }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).field("address", &self.address).finish_non_exhaustive()
    }
}

/// Opens connections.
#[derive(Clone, Debug)]
pub struct Connector {
    security: Security,
    handshake: Duration,
}

impl Connector {
    /// A connector whose connections are secured so, and have [`HANDSHAKE`] to come about.
    pub fn new(security: Security) -> Connector {
        Connector { security, handshake: HANDSHAKE }
    }

    /// The same with another limit for the time from the start until both sides are authenticated.
    pub fn with_handshake(self, handshake: Duration) -> Connector {
        Connector { handshake, ..self }
    }

    /// Connects, and comes back when both sides are authenticated and the other one has taken this node in.
    ///
    /// # Errors
    ///
    /// If plaintext is not allowed, the address cannot be reached, the time is over, or the sides do not accept each
    /// other. Nothing stays open.
    pub async fn connect(&self, address: impl Into<Address>) -> Result<Connection, ConnectError> {
        let address = address.into();
        self.security.check(address)?;
        let connecting = async {
            match address.scheme {
                Scheme::Tcp => {
                    let stream = TcpStream::connect(address.socket).await;
                    let stream = stream.map_err(|source| ConnectError::Unreachable { address, source })?;
                    let connected = self.security.connect(stream, address).await;
                    connected.map_err(|source| ConnectError::Handshake { address, source })
                }
                Scheme::Quic => quic::connect(&self.security, address).await,
            }
        };
        let timed_out = |_| ConnectError::TimedOut { address, limit: self.handshake };
        tokio::time::timeout(self.handshake, connecting).await.map_err(timed_out)?
    }
}
