//! The limits of the wire. Each is checked before memory is taken on a peer's word. Times are nanoseconds.

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;

/// Bytes of a frame, its length not counted, before the handshake is over: the largest HELLO has 313, the largest REFUSE
/// about 1 KiB, and a stranger gets no more memory than this.
pub const HANDSHAKE_FRAME_BYTES_MAX: usize = 4 * KIB;
/// Bytes of a frame, its length not counted, that a node takes after the handshake unless it is configured otherwise.
pub const FRAME_BYTES_MAX: usize = 16 * MIB;
/// The least that a node may take: an inline message with its header fits, and there is room for longer headers later.
pub const FRAME_BYTES_LEAST: usize = 128 * KIB;
/// Bytes of a message that goes as one frame: at 1 Gbit/s it holds the link for half a millisecond, and a block of 64 KiB
/// has room in it with its addresses. A larger one is cut.
pub const INLINE_BYTES_MAX: usize = 65 * KIB;
/// Bytes of a message in one FRAGMENT: small against [`BATCH_BYTES`], so that other frames pass often.
pub const FRAGMENT_BYTES: usize = 16 * KIB;
/// Bytes of a message, and of all messages together that are open as fragments in one direction, unless both nodes agree
/// on more: what a mailbox takes by default.
pub const MESSAGE_BYTES_MAX: usize = 16 * MIB;
/// Messages that are open as fragments at a time in one direction: each costs its receiver an entry.
pub const STREAMS_MAX: usize = 64;
/// Bytes that one call of `poll_output` appends before it stops: what a socket takes at once, and no more than delays a
/// heartbeat by a millisecond.
pub const BATCH_BYTES: usize = 64 * KIB;
/// Bytes of frames that are compressed at least: what fewer shrink by is not worth the work.
pub const COMPRESSED_BYTES_LEAST: usize = KIB;
/// Bytes of frames in one COMPRESSED frame: what is written at once, and room for the largest frame at its end.
pub const COMPRESSED_BYTES_MAX: usize = 256 * KIB;
/// How many times as large as it is a COMPRESSED frame may become: text shrinks to a tenth at most, and what shrinks more is
/// hardly anything else than an attempt to fill memory.
pub const COMPRESSED_RATIO_MAX: usize = 100;
/// Bytes that are written as they are after some that did not shrink by a quarter: the try costs a sixteenth of what compressing
/// all would.
pub const COMPRESSION_PAUSE_BYTES: usize = MIB;

/// How deeply values may be nested on the wire, so that reading one never needs a deep host stack.
pub const VALUE_DEPTH_MAX: usize = 64;
/// Items for which room is taken before the first is read: a count that lies costs no more than this a level of nesting.
pub const ITEMS_RESERVED: usize = 64;
/// Calls in the trace of a failure; the machine keeps 32.
pub const TRACE_FRAMES_MAX: usize = 64;
/// Bytes of one text in an exit reason: the machine keeps 64 KiB for name and message together.
pub const REASON_TEXT_BYTES_MAX: usize = 64 * KIB;
/// Bytes of the name of a node: its length is one byte.
pub const NODE_NAME_BYTES_MAX: usize = 255;
/// Labels of one node: with all of them a packet about who belongs to the cluster still has room for a dozen nodes.
pub const NODE_LABELS_MAX: usize = 16;
/// Bytes of one label.
pub const NODE_LABEL_BYTES_MAX: usize = 64;
/// Bytes of the address under which a node can be reached: the longest name of a host, and a port.
pub const NODE_ADDRESS_BYTES_MAX: usize = 260;
/// Bytes of a name in the cluster, and of that of a group: what a machine gives, and every node holds all of them.
pub const NAME_BYTES_MAX: usize = fardel_vm::cluster::NAME_BYTES_MAX;
/// Bytes of the text of a refusal or of a goodbye: a sentence or two for a log.
pub const TEXT_BYTES_MAX: usize = 1000;
/// Bytes of one GOSSIP frame: what is told of about 30 nodes with the longest names, of some hundred with usual ones, and
/// a hundredth of a second on a line of 10 Mbit/s.
pub const GOSSIP_BYTES_MAX: usize = 16 * KIB;
/// GOSSIP frames that wait in a session to be written: a node says something to one other a few times a second, and what is
/// older than the last few says nothing new.
pub const GOSSIP_WAITING_MAX: usize = 8;
/// Bytes of one CODE frame: a chunk is an inline message.
pub const CODE_CHUNK_BYTES_MAX: usize = 32 * KIB;
/// Bytes of what one ASK asks: a value that somebody wrote by hand has room in it, and it is one frame.
pub const ASK_BYTES_MAX: usize = 64 * KIB;
/// Bytes of what one ANSWER tells: a page of a listing.
pub const ANSWER_BYTES_MAX: usize = 256 * KIB;
/// Chunks of one module.
pub const CODE_CHUNKS_MAX: u32 = (fardel_bytecode::limits::MODULE_BYTES_MAX / CODE_CHUNK_BYTES_MAX) as u32;

/// Bytes that a session keeps until they are acknowledged, those not sent yet included; over that it is full.
pub const RESEND_BYTES_MAX: usize = 4 * MIB;
/// Bytes over [`RESEND_BYTES_MAX`] that are kept for signals: who died is told on a full session too.
pub const SIGNAL_BYTES_RESERVED: usize = 4 * MIB;
/// Bytes that a frame counts besides its own, for what keeping it costs.
pub const KEPT_FRAME_BYTES: usize = 64;
/// How long a session without a connection can be resumed, and the age of an unacknowledged frame from which it is full.
pub const RESUME_TIME: u64 = 10 * SECOND;
/// Numbered frames after which they are acknowledged: an ACK is 14 bytes, so it adds little to them, and as many of the
/// largest inline messages are half of what the peer keeps.
pub const ACK_FRAMES: u64 = 32;
/// How long a numbered frame waits for its acknowledgement at most: long against a round trip in one house, so that most
/// travel with other frames, and short against [`RESUME_TIME`].
pub const ACK_DELAY: u64 = 20 * MILLISECOND;
/// Silence after which a PING asks whether the peer is there: three of them fit into [`SILENCE_MAX`].
pub const PING_AFTER: u64 = 2 * SECOND;
/// Silence after which a connection is dead: longer than a busy peer's pauses, shorter than [`RESUME_TIME`], so that the
/// session outlives it. That a connection is dead does not say that the node is.
pub const SILENCE_MAX: u64 = 8 * SECOND;
/// How long after a dial was answered a HELLO of the same node is taken for one that was on its way by then: a round trip
/// round the world.
pub const CROSSING_TIME: u64 = SECOND;
/// How long a handshake may take: a few round trips round the world, and less than a stranger should hold a socket.
pub const HANDSHAKE_TIME: u64 = 5 * SECOND;

const _: () = assert!(FRAGMENT_BYTES < INLINE_BYTES_MAX && INLINE_BYTES_MAX < FRAME_BYTES_LEAST);
const _: () = assert!(FRAME_BYTES_LEAST <= FRAME_BYTES_MAX && FRAGMENT_BYTES < BATCH_BYTES);
const _: () = assert!(GOSSIP_BYTES_MAX < FRAME_BYTES_LEAST);
const _: () = assert!(CODE_CHUNK_BYTES_MAX < INLINE_BYTES_MAX && TEXT_BYTES_MAX < HANDSHAKE_FRAME_BYTES_MAX);
const _: () = assert!(BATCH_BYTES + INLINE_BYTES_MAX < COMPRESSED_BYTES_MAX && COMPRESSED_BYTES_LEAST < BATCH_BYTES);
const _: () = assert!(ACK_FRAMES as usize * INLINE_BYTES_MAX < RESEND_BYTES_MAX);
const _: () = assert!(3 * PING_AFTER < SILENCE_MAX && SILENCE_MAX < RESUME_TIME && ACK_DELAY < PING_AFTER);
