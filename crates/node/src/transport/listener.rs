//! Taking connections: one task for the socket, one for each handshake, a short queue of those that came through.
//!
//! Who stays silent holds a place as long as nobody else needs it: when all are taken, the oldest of the source that has most
//! makes room, so that some strangers do not keep nodes out by waiting.
//!
//! **Invariant:** a place among the half-open connections is given back however its task ends.

mod places;

use self::places::{HalfOpen, Place};
use super::quic::{self, Knock};
use super::{Address, Connection, Scheme, Security, SecurityError};
use crate::limits::{ACCEPT_PAUSE, HALF_OPEN_MAX, HALF_OPEN_PER_ADDRESS_MAX, HANDSHAKE, READY_MAX};
use crate::refusals::{Line, Reason, Refusals};
use crate::tls::HandshakeError;
use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It was not tried.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The system refused.
    #[error("{address}: cannot be listened on: {source}")]
    Address {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
}

/// What a listener grants to connections that are not authenticated yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The time from the start of a connection until both sides are authenticated.
    pub handshake: Duration,
    /// How many there may be; for the next one the oldest of the source that has most makes room.
    pub half_open_max: usize,
    /// How many there may be from one address; the addresses of one IPv6 network (64 bits) count as one, since one host
    /// has them all.
    pub half_open_per_address_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { handshake: HANDSHAKE, half_open_max: HALF_OPEN_MAX, half_open_per_address_max: HALF_OPEN_PER_ADDRESS_MAX }
    }
}

/// Takes connections on an address. When it is dropped, its socket is closed and handshakes under way end; connections
/// that were taken stay.
#[derive(Debug)]
pub struct Listener {
    address: Address,
    ready: mpsc::Receiver<Connection>,
    refused: Arc<AtomicU64>,
    taking: JoinHandle<()>,
}

impl Listener {
    /// Listens on an address; port 0 lets the system choose one. Works inside a runtime of tokio with input, output and
    /// time.
    ///
    /// # Errors
    ///
    /// If there are no credentials and nobody said to do without, if plaintext would leave this host and nobody said to
    /// force it, or if the system refuses.
    pub async fn bind(address: impl Into<Address>, security: Security, limits: Limits) -> Result<Listener, BindError> {
        let address = address.into();
        security.check(address)?;
        let refused = |source| BindError::Address { address, source };
        let (socket, local) = Socket::bind(address, &security).await.map_err(refused)?;
        let address = Address { socket: local, ..address };
        match security {
            Security::Plain(_) if !address.is_loopback() => {
                tracing::warn!(%address, "listening in plaintext: whoever can reach the address can read and do everything");
            }
            Security::Certificates(_) | Security::SharedKey(..) | Security::Plain(_) => (),
        }
        let (sender, ready) = mpsc::channel(READY_MAX);
        let refused_count = Arc::new(AtomicU64::new(0));
        let taking = Taking {
            refused: Arc::clone(&refused_count),
            socket,
            security,
            limits,
            ready: sender,
            half_open: Arc::default(),
            tasks: JoinSet::new(),
            refusals: Refusals::default(),
        };
        Ok(Listener { address, ready, refused: refused_count, taking: tokio::spawn(taking.run()) })
    }

    /// The address that is listened on, with the port that the system chose.
    pub fn local_address(&self) -> Address {
        self.address
    }

    /// How many connections it has refused so far; the count goes on.
    pub fn refused(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.refused)
    }

    /// Waits for the next connection that came through its handshake. Nothing is lost if the wait is given up.
    ///
    /// `None` means that nothing comes any more, because the runtime ends.
    pub async fn accept(&mut self) -> Option<Connection> {
        self.ready.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The task owns the socket and the tasks of handshakes: they end with it.
        self.taking.abort();
    }
}

/// Why a connection was refused: for the count of the log, and in words.
type Refusal = (Reason, Cow<'static, str>);

/// Where connections come in.
enum Socket {
    Tcp(TcpListener),
    Quic(quic::Socket),
}

/// A connection that came in, before its handshake.
enum Incoming {
    Tcp(TcpStream, SocketAddr),
    Quic(Knock),
}

impl Socket {
    /// The socket, and the address that it got.
    async fn bind(address: Address, security: &Security) -> io::Result<(Socket, SocketAddr)> {
        match address.scheme {
            Scheme::Tcp => {
                let socket = TcpListener::bind(address.socket).await?;
                let local = socket.local_addr()?;
                Ok((Socket::Tcp(socket), local))
            }
            Scheme::Quic => {
                let socket = quic::Socket::bind(address.socket, security)?;
                let local = socket.local_address()?;
                Ok((Socket::Quic(socket), local))
            }
        }
    }

    /// Waits for the next connection. Nothing is lost if the wait is given up.
    async fn accept(&self) -> io::Result<Incoming> {
        match self {
            Socket::Tcp(socket) => socket.accept().await.map(|(stream, address)| Incoming::Tcp(stream, address)),
            Socket::Quic(socket) => Ok(Incoming::Quic(socket.accept().await)),
        }
    }
}

impl Incoming {
    fn address(&self) -> SocketAddr {
        match self {
            Incoming::Tcp(_, address) => *address,
            Incoming::Quic(knock) => knock.address(),
        }
    }

    /// Does the server's side of the handshake.
    async fn handshake(self, security: &Security) -> Result<Connection, HandshakeError> {
        match self {
            Incoming::Tcp(stream, address) => security.accept(stream, address.into()).await,
            Incoming::Quic(knock) => knock.handshake(security).await,
        }
    }
}

/// The task of a listener.
struct Taking {
    refused: Arc<AtomicU64>,
    socket: Socket,
    security: Security,
    limits: Limits,
    ready: mpsc::Sender<Connection>,
    half_open: Arc<Mutex<HalfOpen>>,
    /// The handshakes under way.
    tasks: JoinSet<(SocketAddr, Result<(), Refusal>)>,
    refusals: Refusals,
}

impl Taking {
    async fn run(mut self) {
        loop {
            tokio::select! {
                taken = self.socket.accept() => match taken {
                    Ok(incoming) => self.begin(incoming),
                    Err(error) => self.missed(&error).await,
                },
                Some(ended) = self.tasks.join_next() => self.ended(ended),
                () = until(self.refusals.due()) => self.refusals.overdue(Instant::now()).iter().for_each(say),
            }
        }
    }

    /// Starts the handshake of a connection, if there is a place for it.
    fn begin(&mut self, incoming: Incoming) {
        let address = incoming.address();
        let (place, given_up) = match Place::take(&self.half_open, address.ip(), &self.limits) {
            Ok(taken) => taken,
            Err(reason) => return self.refuse(Some(address), (reason, self.full(reason))),
        };
        if let Some(source) = given_up {
            let text = format!("{}; it was the oldest of its address", self.full(Reason::HalfOpen));
            self.refuse(Some(SocketAddr::new(source, 0)), (Reason::HalfOpen, Cow::Owned(text)));
        }
        let holder = place.holder();
        let (security, ready, limit) = (self.security.clone(), self.ready.clone(), self.limits.handshake);
        let task = self.tasks.spawn(async move {
            let outcome = match tokio::time::timeout(limit, incoming.handshake(&security)).await {
                Ok(Ok(connection)) => {
                    place.keep();
                    // Nobody receives any more only when the listener is gone, and then this task is about to end.
                    let _ = ready.send(connection).await;
                    Ok(())
                }
                Ok(Err(error)) => Err((reason(&error), Cow::Owned(error.to_string()))),
                Err(_) => Err((Reason::Slow, Cow::Owned(format!("it was not authenticated within {limit:?}")))),
            };
            drop(place);
            (address, outcome)
        });
        holder.is_held_by(task);
    }

    /// What is said when there is no place.
    fn full(&self, reason: Reason) -> Cow<'static, str> {
        let (count, whence) = match reason {
            Reason::HalfOpenAddress => (self.limits.half_open_per_address_max, " from its address"),
            Reason::System | Reason::HalfOpen | Reason::Slow | Reason::Broken | Reason::Foreign | Reason::Unproven => {
                (self.limits.half_open_max, "")
            }
        };
        Cow::Owned(format!("{count} connections{whence} are not authenticated yet, and no more are let in"))
    }

    /// A handshake is over.
    fn ended(&mut self, ended: Result<(SocketAddr, Result<(), Refusal>), JoinError>) {
        match ended {
            Ok((_, Ok(()))) => (),
            Ok((address, Err(refusal))) => self.refuse(Some(address), refusal),
            // It made room, which was told.
            Err(error) if error.is_cancelled() => (),
            Err(error) => self.refuse(None, (Reason::Broken, Cow::Owned(format!("its handshake was cut off: {error}")))),
        }
    }

    /// The system handed out no connection. That is no reason to stop: others may end and make room.
    async fn missed(&mut self, error: &io::Error) {
        self.refuse(None, (Reason::System, Cow::Owned(format!("the system gave none: {error}"))));
        // The fault of one connection, which is gone; anything else would come again at once.
        let is_of_one = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
        );
        if !is_of_one {
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    /// Counts a refusal and says it if it is time.
    fn refuse(&mut self, address: Option<SocketAddr>, (reason, text): Refusal) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.refusals.note(Instant::now(), reason, address, text).iter().for_each(say);
    }
}

/// Writes one line about refusals to the log.
fn say(line: &Line) {
    let Line { address, text, count } = line;
    match address {
        Some(address) => tracing::warn!(%address, count, "connection refused: {text}"),
        None => tracing::warn!(count, "no connection taken: {text}"),
    }
}

/// Waits until a time, or for ever.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// What counts together with a failed handshake.
fn reason(error: &HandshakeError) -> Reason {
    match error {
        HandshakeError::Broken(_) | HandshakeError::NotTaken => Reason::Broken,
        HandshakeError::NotTls | HandshakeError::NotPlain | HandshakeError::Foreign | HandshakeError::Protocol { .. } => {
            Reason::Foreign
        }
        HandshakeError::Tls(_) | HandshakeError::Quic(_) | HandshakeError::NoCertificate | HandshakeError::WrongProof => {
            Reason::Unproven
        }
    }
}
