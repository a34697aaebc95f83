//! What a session has to send: messages that wait, and frames that are kept until the peer has them.
//!
//! A message becomes a frame, and gets its sequence, when it is written for the first time. Until then small ones wait in
//! `ready`. A large one waits there too, so that it begins after what was sent before it, and is then a [`Stream`] that is
//! cut into fragments, which take turns with the small ones. Until it is through, `lanes` holds back what the same fiber
//! sends to the same one (ORD1); everything else passes.
//!
//! **Invariant:** frames are kept in the order of their sequences, without a gap, from the first that the peer has not
//! acknowledged.

use crate::frame::{Fragment, Frame, Lane, Message, SEQUENCE_AT, Sequence, whole};
use crate::id::ActorId;
use crate::limits;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// Where kind and flags of a large message stand while it waits: right before its body.
const CONTENT_AT: usize = SEQUENCE_AT + size_of::<u64>() - 2;

/// Bytes of a message to a fiber with a small value, for which room is taken at once.
const USUAL_FRAME_BYTES: usize = 128;

type Pair = (ActorId, ActorId);

/// What waits and what is kept.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Frames that were written and are not acknowledged.
    kept: VecDeque<Kept>,
    /// The sequence of the first of them, or of the next frame when there is none.
    first: u64,
    /// How many of them were written on this connection.
    written: usize,
    kept_bytes: usize,
    /// Messages in the order in which they are to be written.
    ready: VecDeque<Queued>,
    /// Large messages, of which fragments are written in turns.
    open: VecDeque<Stream>,
    open_bytes: usize,
    /// Large messages whose turn to be open has not come.
    waiting: VecDeque<Queued>,
    /// What waits for a large message of its pair.
    lanes: BTreeMap<Pair, VecDeque<Queued>>,
    /// Bytes of all messages that are not kept frames.
    queued_bytes: usize,
    queued_count: usize,
    /// Bytes of small frames since the last fragment.
    small_run: usize,
    next_stream: u32,
    /// Bytes of messages that the peer takes in fragments at a time.
    message_bytes_max: usize,
}

#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    /// When it was written first.
    at: u64,
}

/// A message as a frame without its sequence; of a large one, kind and flags stand right before the body.
#[derive(Debug)]
struct Queued {
    bytes: Vec<u8>,
    lane: Lane,
}

#[derive(Debug)]
struct Stream {
    number: u32,
    message: Queued,
    /// What the next fragment begins with.
    at: usize,
}

impl Queued {
    fn is_large(&self) -> bool {
        is_large(self.bytes.len())
    }

    fn cost(&self) -> usize {
        self.bytes.len() + limits::KEPT_FRAME_BYTES
    }
}

fn is_large(frame_bytes: usize) -> bool {
    frame_bytes - CONTENT_AT > limits::INLINE_BYTES_MAX
}

impl Outbox {
    pub(super) fn new() -> Outbox {
        Outbox {
            kept: VecDeque::new(),
            first: 1,
            written: 0,
            kept_bytes: 0,
            ready: VecDeque::new(),
            open: VecDeque::new(),
            open_bytes: 0,
            waiting: VecDeque::new(),
            lanes: BTreeMap::new(),
            queued_bytes: 0,
            queued_count: 0,
            small_run: 0,
            next_stream: 0,
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
        }
    }

    /// Bytes of all that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.kept_bytes + self.queued_bytes
    }

    /// Bytes of messages that the peer takes.
    pub(super) fn message_bytes_max(&self) -> usize {
        self.message_bytes_max
    }

    pub(super) fn set_message_bytes_max(&mut self, bytes: usize) {
        self.message_bytes_max = bytes;
    }

    /// Frames that are kept and messages that wait.
    pub(super) fn unacknowledged(&self) -> usize {
        self.kept.len() + self.queued_count
    }

    /// When the oldest frame that is kept was written first.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.kept.front().map(|kept| kept.at)
    }

    /// The last sequence that was written.
    pub(super) fn last(&self) -> Sequence {
        Sequence(self.first + self.kept.len() as u64 - 1)
    }

    /// Adds a message; the bytes that it is as fragments when it is too large for the peer, and then it is not added.
    pub(super) fn push(&mut self, message: &Message<'_>) -> Result<(), usize> {
        let mut bytes = Vec::with_capacity(USUAL_FRAME_BYTES);
        whole(message.kind().number(), 0, &mut bytes, |out| {
            out.extend_from_slice(&[0; size_of::<u64>()]);
            message.encode_body(out);
        });
        if is_large(bytes.len()) {
            let seen = bytes.len() - CONTENT_AT;
            if seen > self.message_bytes_max {
                return Err(seen);
            }
            // What was the sequence's end becomes kind and flags, so that the content is in one piece.
            bytes.copy_within(4..6, CONTENT_AT);
        }
        let queued = Queued { bytes, lane: message.lane() };
        self.queued_bytes += queued.cost();
        self.queued_count += 1;
        self.enqueue(queued);
        Ok(())
    }

    /// Puts a message where it has to wait.
    fn enqueue(&mut self, queued: Queued) {
        let behind = match queued.lane {
            Lane::Pair(from, to) => self.lanes.get_mut(&(from, to)),
            Lane::From(from) => {
                let held = self.lanes.range_mut((from, ActorId::LEAST)..=(from, ActorId::GREATEST)).next();
                held.map(|(_, lane)| lane)
            }
            Lane::Free => None,
        };
        match behind {
            Some(lane) => lane.push_back(queued),
            None => {
                if queued.is_large()
                    && let Lane::Pair(from, to) = queued.lane
                {
                    self.lanes.insert((from, to), VecDeque::new());
                }
                self.ready.push_back(queued);
            }
        }
    }

    /// Forgets the frames up to a sequence, which the peer has. False when that was never written.
    pub(super) fn acknowledge(&mut self, sequence: Sequence) -> bool {
        if sequence > self.last() {
            return false;
        }
        while self.first <= sequence.0
            && let Some(kept) = self.kept.pop_front()
        {
            self.kept_bytes -= kept.bytes.len() + limits::KEPT_FRAME_BYTES;
            self.first += 1;
            self.written = self.written.saturating_sub(1);
        }
        true
    }

    /// All frames that are kept are to be written again.
    pub(super) fn rewind(&mut self) {
        self.written = 0;
    }

    /// Whether [`Outbox::write`] would write something.
    pub(super) fn has_output(&self) -> bool {
        self.written < self.kept.len() || (self.has_room() && !(self.ready.is_empty() && self.open.is_empty()))
    }

    /// Whether another frame may be kept.
    fn has_room(&self) -> bool {
        self.kept_bytes < limits::RESEND_BYTES_MAX
    }

    /// Appends frames to `out` up to about `bytes` more.
    pub(super) fn write(&mut self, now: u64, bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        while out.len() < end {
            if let Some(kept) = self.kept.get(self.written) {
                out.extend_from_slice(&kept.bytes);
                self.written += 1;
                continue;
            }
            if !self.has_room() {
                return;
            }
            let Some(bytes) = self.next_frame() else { return };
            out.extend_from_slice(&bytes);
            self.kept_bytes += bytes.len() + limits::KEPT_FRAME_BYTES;
            self.kept.push_back(Kept { bytes, at: now });
            self.written += 1;
        }
    }

    /// The next frame with its sequence: small ones, and after some of them a fragment.
    fn next_frame(&mut self) -> Option<Vec<u8>> {
        let sequence = Sequence(self.last().0 + 1);
        loop {
            if !self.open.is_empty() && (self.small_run >= limits::FRAGMENT_BYTES || self.ready.is_empty()) {
                self.small_run = 0;
                return self.next_fragment(sequence);
            }
            let mut queued = self.ready.pop_front()?;
            if queued.is_large() {
                self.waiting.push_back(queued);
                self.open_streams();
                continue;
            }
            self.queued_bytes -= queued.cost();
            self.queued_count -= 1;
            self.small_run += queued.bytes.len();
            if let Some(place) = queued.bytes.get_mut(SEQUENCE_AT..SEQUENCE_AT + size_of::<u64>()) {
                place.copy_from_slice(&sequence.0.to_le_bytes());
            }
            return Some(queued.bytes);
        }
    }

    /// A fragment of the large message whose turn it is.
    fn next_fragment(&mut self, sequence: Sequence) -> Option<Vec<u8>> {
        let mut stream = self.open.pop_front()?;
        let left = stream.message.bytes.get(stream.at..).unwrap_or_default();
        let piece = left.get(..limits::FRAGMENT_BYTES).unwrap_or(left);
        let last = piece.len() == left.len();
        let fragment = Fragment { stream: stream.number, last, bytes: Cow::Borrowed(piece) };
        let mut bytes = Vec::with_capacity(piece.len() + 32);
        Frame::Fragment(sequence, fragment).encode(&mut bytes);
        stream.at += piece.len();
        if last {
            self.close_stream(stream.message);
        } else {
            self.open.push_back(stream);
        }
        Some(bytes)
    }

    /// A large message is through: what waited for it goes on.
    fn close_stream(&mut self, message: Queued) {
        self.queued_bytes -= message.cost();
        self.queued_count -= 1;
        self.open_bytes -= message.bytes.len() - CONTENT_AT;
        if let Lane::Pair(from, to) = message.lane {
            let held = self.lanes.remove(&(from, to)).unwrap_or_default();
            held.into_iter().for_each(|queued| self.enqueue(queued));
        }
        self.open_streams();
    }

    /// Opens large messages that wait, as many as the peer takes at a time.
    fn open_streams(&mut self) {
        while self.open.len() < limits::STREAMS_MAX
            && let Some(next) = self.waiting.front()
            && self.open_bytes + next.bytes.len() - CONTENT_AT <= self.message_bytes_max
            && let Some(message) = self.waiting.pop_front()
        {
            self.open_bytes += message.bytes.len() - CONTENT_AT;
            self.open.push_back(Stream { number: self.next_stream, message, at: CONTENT_AT });
            self.next_stream = self.next_stream.wrapping_add(1);
        }
    }

    /// Whether there is something to be written, and less than so many bytes.
    pub(super) fn has_little(&self, bytes: usize) -> bool {
        let is_new = self.written == self.kept.len() && self.open.is_empty();
        is_new && !self.ready.is_empty() && self.queued_bytes < bytes
    }

    /// What always holds; for tests and debug builds.
    pub(super) fn invariants(&self) {
        let cost = |queued: &Queued| queued.cost();
        let kept: usize = self.kept.iter().map(|kept| kept.bytes.len() + limits::KEPT_FRAME_BYTES).sum();
        assert_eq!(kept, self.kept_bytes);
        let held = self.lanes.values().flatten();
        let queued = self.ready.iter().chain(&self.waiting).chain(held).chain(self.open.iter().map(|open| &open.message));
        assert_eq!(queued.clone().map(cost).sum::<usize>(), self.queued_bytes);
        assert_eq!(queued.count(), self.queued_count);
        assert!(self.written <= self.kept.len());
        assert!(self.open.len() <= limits::STREAMS_MAX);
        assert!(self.open_bytes <= self.message_bytes_max);
        assert!(self.waiting.is_empty() || !self.open.is_empty());
    }
}
