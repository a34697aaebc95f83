//! The limits of a router.

/// Fibers of other nodes that a machine knows at a time: at about 300 bytes each, what a large machine can spare.
pub const REMOTES_MAX: usize = 4 << 20;
/// Nodes that one node remembers.
pub const MEMBERS_MAX: usize = 10_000;
/// Modules that are fetched at a time.
pub const FETCHES_MAX: usize = 64;
/// Starts of fibers that wait for one module.
pub const WAITING_SPAWNS_MAX: usize = 1 << 12;
/// Modules that one module may import, by way of others as well, to be fetched from a peer.
pub const IMPORTS_MAX: usize = 256;
