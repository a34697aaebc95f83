//! Where a node is: the transport that leads there, and the address of a socket.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// How bytes get from node to node. In an address it stands before `://`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Scheme {
    /// TCP, secured by TLS. What an address means that names no scheme.
    #[default]
    Tcp,
    /// QUIC, which is never in plaintext.
    Quic,
}

impl Scheme {
    /// The scheme that a text begins with, and what is behind it.
    ///
    /// # Errors
    /// If it begins with another scheme.
    pub(super) fn of(text: &str) -> Result<(Scheme, &str), AddressError> {
        match text.split_once("://") {
            None => Ok((Scheme::Tcp, text)),
            Some(("tcp", rest)) => Ok((Scheme::Tcp, rest)),
            Some(("quic", rest)) => Ok((Scheme::Quic, rest)),
            Some((scheme, _)) => Err(AddressError::Scheme { scheme: scheme.to_owned() }),
        }
    }

    /// What stands before an address; nothing for TCP.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Scheme::Tcp => "",
            Scheme::Quic => "quic://",
        }
    }
}

/// Why a text is no address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// It begins with a scheme that is none of a node.
    #[error("`{scheme}` is no way to a node: wanted `tcp` or `quic`")]
    Scheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// What follows is no address.
    #[error("`{text}` is not IP:PORT")]
    Socket {
        /// What was read.
        text: String,
    },
}

/// Where a node listens or can be dialled: `IP:PORT`, `tcp://IP:PORT` or `quic://IP:PORT`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Address {
    /// The way there.
    pub scheme: Scheme,
    /// The address of the socket.
    pub socket: SocketAddr,
}

impl Address {
    /// An address for QUIC.
    pub const fn quic(socket: SocketAddr) -> Address {
        Address { scheme: Scheme::Quic, socket }
    }

    /// Whether only this host reaches it.
    pub fn is_loopback(&self) -> bool {
        self.socket.ip().to_canonical().is_loopback()
    }
}

/// TCP, as without a scheme.
impl From<SocketAddr> for Address {
    fn from(socket: SocketAddr) -> Address {
        Address { scheme: Scheme::Tcp, socket }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let (scheme, rest) = Scheme::of(text)?;
        let socket = rest.parse().map_err(|_| AddressError::Socket { text: rest.to_owned() })?;
        Ok(Address { scheme, socket })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.scheme.prefix(), self.socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Result<(Scheme, &str), &str>) {
        let read = text.parse::<Address>();
        let seen = read.map(|address| (address.scheme, address.to_string())).map_err(|error| error.to_string());
        assert_eq!(seen, wanted.map(|(scheme, text)| (scheme, text.to_owned())).map_err(str::to_owned));
    }

    #[test]
    fn an_address_names_its_scheme_unless_it_is_tcp() {
        check("127.0.0.1:7001", Ok((Scheme::Tcp, "127.0.0.1:7001")));
        check("tcp://127.0.0.1:7001", Ok((Scheme::Tcp, "127.0.0.1:7001")));
        check("quic://127.0.0.1:7001", Ok((Scheme::Quic, "quic://127.0.0.1:7001")));
        check("quic://[::1]:0", Ok((Scheme::Quic, "quic://[::1]:0")));
    }

    #[test]
    fn what_is_no_address_is_named() {
        check("udp://127.0.0.1:7001", Err("`udp` is no way to a node: wanted `tcp` or `quic`"));
        check("QUIC://127.0.0.1:7001", Err("`QUIC` is no way to a node: wanted `tcp` or `quic`"));
        check("://127.0.0.1:1", Err("`` is no way to a node: wanted `tcp` or `quic`"));
        check("quic://localhost:7001", Err("`localhost:7001` is not IP:PORT"));
        check("quic://127.0.0.1", Err("`127.0.0.1` is not IP:PORT"));
        check("quic://quic://127.0.0.1:1", Err("`quic://127.0.0.1:1` is not IP:PORT"));
        check("", Err("`` is not IP:PORT"));
    }
}
