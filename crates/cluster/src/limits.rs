//! The limits of a router.

/// Fibers of other nodes that a machine knows at a time: at about 300 bytes each, what a large machine can spare.
pub const REMOTES_MAX: usize = 4 << 20;
/// Messages to one fiber that are taken before their sender's node is told: a small part of what it may have under way.
pub const TOLD_MESSAGES: u32 = 256;
/// Bytes of these.
pub const TOLD_BYTES: u64 = 256 << 10;
/// How long a node waits to be told of fewer, in nanoseconds.
pub const TOLD_TIME: u64 = 5_000_000;
/// Nodes that one node remembers.
pub const MEMBERS_MAX: usize = 10_000;
/// Modules that are fetched at a time.
pub const FETCHES_MAX: usize = 64;
/// Starts of fibers that wait for one module.
pub const WAITING_SPAWNS_MAX: usize = 1 << 12;
/// Modules that one module may import, by way of others as well, to be fetched from a peer.
pub const IMPORTS_MAX: usize = 256;
