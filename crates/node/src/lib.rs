//! A node of a cluster: its keys, and connections to other nodes that are authenticated before they carry anything.
//!
//! [`keys`] makes and loads what a node proves itself with; [`tls`] turns it into configurations of TLS 1.3 and does the
//! handshake; [`transport`] opens and takes connections; [`backoff`] says when to try again. [`server`] drives a machine
//! among other nodes over such connections, and `web` tells those that watch it how it is.
//!
//! **Invariant:** a [`transport::Connection`] exists only after both sides have proven who they are, or both were told in
//! so many words to do without.
#![forbid(unsafe_code)]

pub mod backoff;
pub mod keys;
pub mod limits;
mod refusals;
pub mod server;
pub mod tls;
pub mod transport;
mod web;

pub use fardel_cluster::operate;
pub use web::WebError;
