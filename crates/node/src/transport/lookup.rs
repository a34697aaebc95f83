//! From a name to a connection: the name is looked up, and its addresses are tried in turn.

use super::{Address, ConnectError, Connection, Connector, Target};
use crate::limits::{LOOKUP, LOOKUP_ADDRESSES_MAX};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// Looks up the names of hosts.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// The addresses of a host, with the port, those to be tried first in front.
    fn addresses<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a>;
}

/// What a name is found out to be, in the end.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Asks the system, which knows its file of hosts and the domain name system.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn addresses<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Why a node could not be dialled. Nothing stays open.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// There is no connection with the address.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The name could not be looked up.
    #[error("{target}: cannot be looked up: {source}")]
    Lookup {
        /// The name.
        target: Target,
        /// What the system says.
        source: io::Error,
    },
    /// There is no connection with any address of the name.
    #[error("{target}: {}", in_turn(errors))]
    All {
        /// The name.
        target: Target,
        /// What happened at each address.
        errors: Vec<ConnectError>,
    },
    /// Where it leads is this node.
    #[error("{target}: this is the node itself")]
    Itself {
        /// The address, or the name whose addresses all are this node's.
        target: Target,
    },
}

fn in_turn(errors: &[ConnectError]) -> String {
    errors.iter().map(ConnectError::to_string).collect::<Vec<_>>().join("; ")
}

impl Connector {
    /// Connects with a node at an address, or at one of those of a name: they are tried in turn, but for those that are
    /// known to be this node's own, and the first one to take this node in is kept.
    ///
    /// # Errors
    ///
    /// See [`DialError`].
    pub async fn dial(
        &self,
        target: &Target,
        resolver: &dyn Resolve,
        is_own: impl Fn(Address) -> bool,
    ) -> Result<Connection, DialError> {
        let (scheme, host, port) = match target {
            Target::Address(address) if is_own(*address) => return Err(DialError::Itself { target: target.clone() }),
            Target::Address(address) => return self.connect_elsewhere(target, *address).await,
            Target::Name { scheme, host, port } => (*scheme, host, *port),
        };
        let found = tokio::time::timeout(LOOKUP, resolver.addresses(host, port)).await;
        let found =
            found.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {LOOKUP:?}"))));
        let found =
            found.and_then(|found| if found.is_empty() { Err(io::Error::other("it has no address")) } else { Ok(found) });
        let found = found.map_err(|source| DialError::Lookup { target: target.clone(), source })?;
        let mut errors = Vec::new();
        for socket in found.into_iter().take(LOOKUP_ADDRESSES_MAX) {
            let address = Address { scheme, socket };
            if is_own(address) {
                continue;
            }
            match self.connect_elsewhere(target, address).await {
                Ok(connection) => return Ok(connection),
                Err(DialError::Connect(error)) => errors.push(error),
                // The next one may be another node.
                Err(DialError::Itself { .. } | DialError::Lookup { .. } | DialError::All { .. }) => {}
            }
        }
        let target = target.clone();
        Err(if errors.is_empty() { DialError::Itself { target } } else { DialError::All { target, errors } })
    }

    /// Connects with an address, if that is not this node itself.
    async fn connect_elsewhere(&self, target: &Target, address: Address) -> Result<Connection, DialError> {
        let connection = self.connect(address).await?;
        match connection.peer {
            Some(peer) if Some(peer) == self.security.node_id() => Err(DialError::Itself { target: target.clone() }),
            Some(_) | None => Ok(connection),
        }
    }
}
