//! The limits of a router.

/// Fibers of other nodes that a machine knows at a time: at about 300 bytes each, what a large machine can spare.
pub const REMOTES_MAX: usize = 4 << 20;
/// Messages to one fiber that are taken before their sender's node is told: a small part of what it may have under way.
pub const TOLD_MESSAGES: u32 = 256;
/// Bytes of these.
pub const TOLD_BYTES: u64 = 256 << 10;
/// How long a node waits to be told of fewer, in nanoseconds.
pub const TOLD_TIME: u64 = 5_000_000;
/// Messages that wait for one mailbox: a peer that keeps to its credit has no more than a mailbox's bound under way, and
/// some nodes may send to one fiber.
pub const HELD_MAX: usize = 1 << 16;
/// Bytes of these.
pub const HELD_BYTES_MAX: u64 = 256 << 20;
/// Bytes that wait for one node beyond what its session holds. With more the session is given up: the peer reads nothing.
pub const WAITING_BYTES_MAX: usize = 64 << 20;
/// Bytes of a value that goes to another node, with room for what stands around it in its message: the least that every node
/// takes.
pub const VALUE_BYTES_MAX: usize = fardel_wire::limits::MESSAGE_BYTES_MAX - 1024;
/// Bytes of an exit reason that goes to another node; of a larger one that it is `shutdown`.
pub const REASON_BYTES_MAX: usize = 1 << 20;
/// Addresses of ended fibers that are remembered, so that nobody takes them for others.
pub const ENDED_MAX: usize = 1 << 16;
/// Nodes that one node remembers.
pub const MEMBERS_MAX: usize = 10_000;
/// Modules that are fetched at a time.
pub const FETCHES_MAX: usize = 64;
/// Starts of fibers that wait for one module.
pub const WAITING_SPAWNS_MAX: usize = 1 << 12;
/// Modules that one module may import, by way of others as well, to be fetched from a peer.
pub const IMPORTS_MAX: usize = 256;
/// Types of which one node tells in a session: those of some hundred large modules.
pub const PEER_TYPES_MAX: usize = 1 << 16;
/// Types that are learned from all nodes together, which a machine keeps for good: a quarter of those that it can know.
pub const LEARNED_TYPES_MAX: usize = 1 << 20;
