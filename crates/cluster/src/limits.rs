//! The limits of a router. Times are nanoseconds.

use std::num::{NonZeroU8, NonZeroUsize};

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;
const HOUR: u64 = 3600 * SECOND;

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
/// Nodes that one node remembers, at some hundred bytes each; of more it is not told.
pub const MEMBERS_MAX: usize = 10_000;
/// Nodes that are down and are remembered, so that late news of them wake nobody: each program that runs as a node of its own
/// is one, and news are late by seconds.
pub const DOWN_MAX: usize = 1_000;
/// How long a node that is down is remembered: as long as the two sides of a cut network look for each other.
pub const DOWN_TIME: u64 = 4 * HOUR;
/// How often a node probes another one. In a large cluster a node is probed by somebody once in this time on average, and in
/// 10 of them almost surely.
pub const PROBE_TIME: u64 = 500 * MILLISECOND;
/// How long the answer to a probe may take before others are asked to probe: long against a round trip round the world and
/// the pauses of a busy node, and so short that these have as long in the rest of [`PROBE_TIME`].
pub const PROBE_ANSWER_TIME: u64 = 250 * MILLISECOND;
/// Nodes that are asked to probe one that does not answer: with one packet of a hundred lost, one probe of a million is
/// answered to none of them.
pub const INDIRECT_PROBES: NonZeroUsize = NonZeroUsize::new(3).unwrap();
/// How long a suspected node has to contradict: it hears of it within the first half second, and a node that pauses for
/// longer is of no use. With 10 times [`PROBE_TIME`] before it, a loss is noticed within 10 s.
pub const SUSPICION_TIME: u64 = 4 * SECOND;
/// How long after something came from a node no other one is believed that it is down: links are never silent for longer
/// than a PING and its answer take, and whoever says so has not heard of it for [`SUSPICION_TIME`].
pub const HEARD_TIME: u64 = 3 * SECOND;
/// How long a node does not renew itself again: others hear of a renewal within this time, and whoever still takes the node for
/// down then says so again.
pub const RENEWAL_TIME: u64 = SECOND;
/// How often news are passed on besides what travels with probes: in some rounds of this all of a hundred nodes know.
pub const GOSSIP_TIME: u64 = 200 * MILLISECOND;
/// To how many nodes.
pub const GOSSIP_NODES: NonZeroUsize = NonZeroUsize::new(3).unwrap();
/// How often each node passes a piece of news on: with three nodes a round even four would reach nearly all of a hundred.
pub const TRANSMISSIONS: NonZeroU8 = NonZeroU8::new(10).unwrap();
/// As a node leaves it tells all that it knows, once each.
pub const LAST_TRANSMISSIONS: NonZeroU8 = NonZeroU8::MAX;
/// How often a node asks another one who is alive, so that news that did not arrive are made good, and looks for one of those
/// that are down.
pub const ANNOUNCE_TIME: u64 = 5 * SECOND;
/// A pause between two looks at the time from which the node itself was stopped: as long as another node is alive it looks
/// several times a second.
pub const PAUSE_MAX: u64 = 1500 * MILLISECOND;
/// Packets about membership that wait for a connection with one node.
pub const PACKETS_WAITING_MAX: usize = 4;
/// How long they wait: a connection is there within a second, and an older packet says nothing new.
pub const PACKET_WAITING_TIME: u64 = SECOND;
/// Names and places in groups of one node's fibers: as many as a machine gives them.
pub const CLAIMS_OF_NODE_MAX: usize = fardel_vm::cluster::CLAIMS_MAX;
/// Names and places in groups of all nodes: at about 500 bytes each, what a large machine can spare.
pub const CLAIMS_MAX: usize = 1 << 20;
/// Modules that are fetched at a time.
pub const FETCHES_MAX: usize = 64;
/// Starts of fibers that wait for one module.
pub const WAITING_SPAWNS_MAX: usize = 1 << 12;
/// Modules that one module may import, by way of others as well, to be fetched from a peer.
pub const IMPORTS_MAX: usize = 256;
/// Types of which one node tells in a session: those of some hundred large modules.
pub const PEER_TYPES_MAX: usize = 1 << 16;
/// Bytes of one set of types: ten times those of a large module's.
pub const TYPES_BYTES_MAX: usize = 4 << 20;
/// Types that are learned from all nodes together, which a machine keeps for good: a quarter of those that it can know.
pub const LEARNED_TYPES_MAX: usize = 1 << 20;

const _: () = assert!(PROBE_ANSWER_TIME < PROBE_TIME && 10 * PROBE_TIME + SUSPICION_TIME + 2 * PROBE_TIME <= 10 * SECOND);
const _: () = assert!(fardel_wire::limits::PING_AFTER < HEARD_TIME && HEARD_TIME < SUSPICION_TIME);
const _: () = assert!(DOWN_MAX < MEMBERS_MAX && GOSSIP_TIME < PAUSE_MAX);
/// Peers and kinds of denial that are remembered, so that each is told of once; what is new beyond them is only counted.
pub const DENIALS_MAX: usize = 1 << 12;
/// Fibers of one page of a listing: each is at most some hundred bytes, so that a page fits an answer.
pub const PAGE_FIBERS_MAX: u32 = 150;
/// Nodes that one answer tells of.
pub const PAGE_MEMBERS_MAX: usize = 300;
/// Links, messages, calls and the like that a close look at a fiber tells of, of each kind.
pub const LOOK_MAX: usize = 64;
/// Bytes of one text in a listing: a name of a function or file that people can still read.
pub const TEXT_BYTES_MAX: usize = 200;
/// Names of one fiber in a listing.
pub const ROW_NAMES_MAX: usize = 4;
/// Calls of operators that wait for replies: each holds a place in the table of fibers.
pub const CALLS_MAX: usize = 256;
/// How long one of them waits at most, in nanoseconds.
pub const CALL_TIME_MAX: u64 = 3_600_000_000_000;
/// Values in values of a question or answer: none is nested deeper than this.
pub const NESTING_MAX: usize = 16;
/// Bytes of a value as text in an answer: with what stands around it, it fits one.
pub const NOTATION_BYTES_MAX: usize = fardel_wire::limits::ANSWER_BYTES_MAX - 1024;
