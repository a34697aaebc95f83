//! Where a node is: the transport that leads there, and the address of a socket or a name that is looked up.

use crate::limits::HOST_NAME_BYTES_MAX;
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
    /// What follows is neither an address nor a name with a port.
    #[error("`{text}` is neither IP:PORT nor NAME:PORT")]
    Target {
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

/// Where a node can be dialled, as people say it: an address, or `NAME:PORT` with a scheme before it or none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    /// An address.
    Address(Address),
    /// A name, which may have several addresses, and others later.
    Name {
        /// The way there.
        scheme: Scheme,
        /// The name of a host: at most [`HOST_NAME_BYTES_MAX`] letters, digits, dots, hyphens and underscores.
        host: String,
        /// The port.
        port: u16,
    },
}

impl From<Address> for Target {
    fn from(address: Address) -> Target {
        Target::Address(address)
    }
}

impl FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Target, AddressError> {
        let (scheme, rest) = Scheme::of(text)?;
        if let Ok(socket) = rest.parse() {
            return Ok(Target::Address(Address { scheme, socket }));
        }
        let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let is_name = |host: &str| (1..=HOST_NAME_BYTES_MAX).contains(&host.len()) && host.bytes().all(is_named);
        // Numbers and dots alone are an address that is none.
        let is_number = |host: &str| host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match rest.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) if is_name(host) && !is_number(host) => {
                Ok(Target::Name { scheme, host: host.to_owned(), port })
            }
            Some(_) | None => Err(AddressError::Target { text: rest.to_owned() }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Address(address) => address.fmt(f),
            Target::Name { scheme, host, port } => write!(f, "{}{host}:{port}", scheme.prefix()),
        }
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
    #[test]
    fn a_target_is_an_address_or_a_name_with_a_port() {
        let read =
            |text: &str| text.parse::<Target>().map(|target| (target.to_string(), matches!(target, Target::Name { .. })));
        for (text, is_name) in [
            ("127.0.0.1:7001", false),
            ("quic://[::1]:7001", false),
            ("localhost:7001", true),
            ("quic://node-1.example_.org.:7001", true),
            ("7001.example:1", true),
        ] {
            assert_eq!(read(text), Ok((text.to_owned(), is_name)));
        }
        assert_eq!(read("tcp://localhost:7001"), Ok(("localhost:7001".to_owned(), true)));
        let long = "x".repeat(HOST_NAME_BYTES_MAX);
        assert!(read(&format!("quic://{long}:65535")).is_ok_and(|(text, _)| text.len() < 260));
        let too_long = format!("{long}x:1");
        for text in [
            "",
            "localhost",
            ":1",
            "localhost:",
            "localhost:x",
            "localhost:65536",
            "a b:1",
            "::1:1",
            "a:b:1",
            "1.2.3:4",
            &too_long,
        ] {
            assert_eq!(read(text), Err(AddressError::Target { text: text.to_owned() }));
        }
        assert_eq!(read("http://localhost:1"), Err(AddressError::Scheme { scheme: "http".to_owned() }));
    }
}
