//! A cluster in one thread: machines, routers and links, with virtual time and a network with faults.
//!
//! What a machine stands in, and what its host functions do, is a [`Station`]; [`Sim`] runs each in turn, carries bytes from
//! link to link, and has the time go on. It knows no clock, socket, thread or file.
//!
//! **Invariant:** with the same stations, the same seed and the same calls in the same order a run is the same.
#![forbid(unsafe_code)]

mod network;
mod node;

pub use network::Sim;
pub use node::{Node, Ran, Station, id_of};

/// Nodes that a cluster may have.
pub const NODES_MAX: usize = 100;
