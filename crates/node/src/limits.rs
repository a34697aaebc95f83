//! The limits of keys and connections, each with the reason for its value.

use std::time::Duration;

/// Time that a connection has from its start until both sides are authenticated: some round trips around the world and
/// the computing, with room for a machine that is busy. A stranger who stays silent holds a place no longer.
pub const HANDSHAKE: Duration = Duration::from_secs(5);
/// Connections that are not authenticated yet: each holds some tens of kilobytes and a file descriptor, and a cluster of
/// this many nodes can start at once.
pub const HALF_OPEN_MAX: usize = 256;
/// Of these, connections from one address: one stranger does not take all places, and nodes behind one address can start
/// together.
pub const HALF_OPEN_PER_ADDRESS_MAX: usize = 64;
/// Bytes that a QUIC connection may send before it is authenticated: what proves who it is has some tens.
pub const QUIC_WINDOW_HALF_OPEN: u32 = 4 << 10;
/// Bytes of a QUIC connection that wait to be read, after it is authenticated: as many as one stream may have by default,
/// and all go over one stream. It is 12 MB/s over a round trip of 100 ms.
pub const QUIC_WINDOW: u32 = 1_250_000;
/// Bytes of a QUIC handshake that are kept until a task takes the connection, which it does at once.
pub const QUIC_INCOMING_BYTES: u64 = 16 << 10;
/// How long a QUIC connection on which nothing arrives is kept: a little longer than the silence after which a node gives
/// up what is on it, which has the first word.
pub const QUIC_IDLE: Duration = Duration::from_secs(10);
/// Authenticated connections that wait to be taken by `accept`; more wait in their tasks, and count as half-open.
pub const READY_MAX: usize = 16;
/// Pause after the system refused to hand out a connection, as when file descriptors ran out: others have time to end,
/// and the refusals do not take a whole processor.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time between two lines of the log for one reason of refusal: a flood of connections is no flood of lines.
pub const REFUSAL_LINES: Duration = Duration::from_secs(1);
/// The first delay before a connection is tried again: a restart on the same machine takes about this long.
pub const BACKOFF_BASE: Duration = Duration::from_millis(100);
/// The longest delay before a connection is tried again: a node that comes back is found soon, and one that stays away
/// costs nothing that counts.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Bytes of the name of a host: as many as leave room for a scheme and a port in what a node tells of itself. Names in use
/// are much shorter than the 253 that the domain name system allows.
pub const HOST_NAME_BYTES_MAX: usize = 240;
/// How long looking up the name of a host may take: a try with another server of names, and one more.
pub const LOOKUP: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried; more are left out.
pub const LOOKUP_ADDRESSES_MAX: usize = 16;
/// Bytes of a file with nodes to join.
pub const JOIN_FILE_BYTES_MAX: u64 = 64 << 10;
/// Nodes to join that one file names: more than a cluster needs to be found.
pub const JOIN_FILE_NODES_MAX: usize = 256;
/// How often a file with nodes to join is read when nothing else asks for it.
pub const JOIN_FILE_AGAIN: Duration = Duration::from_secs(10);
/// Bytes that are read from a connection at once.
pub const READ_BYTES: usize = 64 << 10;
/// Bytes that TLS is given at once of a connection: about a record of it.
pub const TLS_READ_BYTES: usize = 16 << 10;
/// Reads of one connection before others, and the machine, have their turn.
pub const READS_MAX: usize = 4;
/// Connections that came in or were dialled, and wait to be taken; more wait in their tasks.
pub const EVENTS_MAX: usize = 64;
/// How long a node that was just sent something looks for more before it sleeps: about what two hosts in one house take to
/// answer, and less than what it takes to be put to sleep and woken on a busy one.
pub const AWAKE: Duration = Duration::from_micros(50);
/// Time between two packets of a connection that carry little: what comes sooner waits for more, as a packet costs both sides
/// about this much. Who asks and is answered takes longer from one question to the next.
pub const PACE: Duration = Duration::from_micros(20);
/// Further time for each message that the peer has not acknowledged: the more is under way, the more comes soon.
pub const PACE_EACH: Duration = Duration::from_micros(2);
/// The longest such further time: what a message may be late where a hundred others are under way.
pub const PACE_MAX: Duration = Duration::from_micros(200);
/// Bytes that are not little any more.
pub const LITTLE_BYTES: usize = 8 << 10;
/// How often a node looks whether it has something to do besides what wakes it.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a node that has no connection with another waits for one before it takes that node's fibers for lost.
pub const LOST_AFTER: Duration = Duration::from_nanos(fardel_wire::limits::RESUME_TIME);
/// How long a node that ends waits while others acknowledge nothing of what was sent to them: on a busy host a peer that
/// has megabytes to take pauses for some hundred milliseconds.
pub const LEAVE: Duration = Duration::from_secs(2);
/// How long it waits while they do: some megabytes over a slow line, and less than the ten seconds after which supervisors
/// of services mostly kill.
pub const LEAVE_MAX: Duration = Duration::from_secs(8);
/// How long a node that ends waits for its goodbye to be written.
pub const GOODBYE: Duration = Duration::from_millis(50);
/// How long a connection at its end is kept for its last bytes: a peer that reads nothing holds it no longer.
pub const LAST_WORDS: Duration = Duration::from_secs(1);
/// The unit in which a node's starts are told apart: a node that is started waits for the next one, so it is short.
pub const INCARNATION_UNIT: Duration = Duration::from_millis(100);
/// When these begin to be counted, since 1970: with 32 bits they last for more than 13 years from there.
pub const INCARNATIONS_BEGIN: Duration = Duration::from_secs(1_790_000_000);
/// Connections that ask for metrics and health at a time: some programs that watch, and some people.
pub const WEB_CONNECTIONS_MAX: usize = 32;
/// Bytes of what is read of a request: the least that hyper takes, and more than any program that watches sends.
pub const WEB_HEADER_BYTES_MAX: usize = 8 << 10;
/// Headers of a request.
pub const WEB_HEADERS_MAX: usize = 64;
/// Time that a connection for metrics or health has in all.
pub const WEB_TIME: Duration = Duration::from_secs(5);
/// Time that the node has to answer one: many times a turn, and less than [`WEB_TIME`].
pub const WEB_LOOK: Duration = Duration::from_secs(2);
/// Bytes of a file with keys or certificates; a longer one is no such file.
pub const KEY_FILE_BYTES_MAX: u64 = 1 << 20;
/// Certificates of one chain or one authority: a root, some that stand between, and as many that replace them.
pub const CERTIFICATES_MAX: usize = 16;
/// Names of one certificate that are looked at: a node's name, and what else a host may be called.
pub const NAMES_MAX: usize = 16;
/// Bytes of a node's or an authority's name: one label of a domain name, and one less than a common name may have.
pub const NAME_BYTES_MAX: usize = 63;
/// How long an authority is valid unless asked otherwise: longer than most clusters live.
pub const AUTHORITY_VALID: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// How long a node's certificate is valid unless asked otherwise: nothing but its end takes one back.
pub const NODE_VALID: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long before it was made a certificate is valid: clocks of hosts may differ by this much.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

const _: () = assert!(HALF_OPEN_PER_ADDRESS_MAX <= HALF_OPEN_MAX);
const _: () = assert!("quic://:65535".len() + HOST_NAME_BYTES_MAX <= fardel_wire::limits::NODE_ADDRESS_BYTES_MAX);
const _: () = assert!(fardel_wire::limits::SILENCE_MAX < QUIC_IDLE.as_nanos() as u64);
const _: () = assert!(BACKOFF_BASE.as_nanos() <= BACKOFF_MAX.as_nanos());
