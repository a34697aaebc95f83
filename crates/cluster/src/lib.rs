//! What a node does between its machine and other nodes.
//!
//! [`Router`] gives what the machine has for fibers elsewhere to the sessions of their nodes, and what comes from there to
//! the machine. It knows which fibers elsewhere the machine's addresses stand for, fetches code that is missing, and holds
//! back what a mailbox has no room for. It knows nothing of sockets, clocks, threads or async: the time comes in as
//! nanoseconds, messages leave through [`Peers`](fardel_wire::peers::Peers).
//!
//! **Invariant:** what a peer sends changes nothing beyond what its [`Grants`] allow.
#![forbid(unsafe_code)]

mod addresses;
mod code;
mod grants;
mod incoming;
pub mod limits;
mod members;
pub mod membership;
mod names;
mod nodes;
pub mod operate;
mod outgoing;
mod router;
mod types;

pub use grants::{Denial, Grants, Reach, Roles};
pub use membership::{Life, Member, NodeEvent};
pub use router::{Home, Router, Stats};
