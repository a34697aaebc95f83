//! The bytes of one connection: read and written by the task that owns the machine, so that nothing is handed from task to
//! task on the way.
//!
//! **Invariant:** what was given to be written is written before more is taken, so that what waits here is bounded.

use crate::transport::{Reader, Writer};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

/// Which connection; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ConnectionId(pub(super) u64);

/// A connection's bytes.
pub(super) struct Pump {
    reader: Reader,
    writer: Writer,
    /// What is being written, and how much of it is.
    output: Vec<u8>,
    written: usize,
    /// Whether what was written may lie in a buffer still.
    is_unflushed: bool,
    /// Whether the connection has ended.
    pub(super) has_ended: bool,
}

impl Pump {
    pub(super) fn new(reader: Reader, writer: Writer) -> Pump {
        Pump { reader, writer, output: Vec::new(), written: 0, is_unflushed: false, has_ended: false }
    }

    /// The buffer for what is to be written next, once all before it is.
    pub(super) fn free(&mut self) -> Option<&mut Vec<u8>> {
        if self.written < self.output.len() || self.has_ended {
            return None;
        }
        self.output.clear();
        self.written = 0;
        Some(&mut self.output)
    }

    /// Whether something waits to be written.
    pub(super) fn is_writing(&self) -> bool {
        !self.has_ended && (self.written < self.output.len() || self.is_unflushed)
    }

    /// Writes as much as goes now; whether all is written.
    pub(super) fn write(&mut self, context: &mut Context<'_>) -> bool {
        while let Some(rest) = self.output.get(self.written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.writer).poll_write(context, rest) {
                Poll::Ready(Ok(0) | Err(_)) => self.has_ended = true,
                Poll::Ready(Ok(count)) => {
                    self.written += count;
                    self.is_unflushed = true;
                }
                Poll::Pending => return false,
            }
            if self.has_ended {
                return true;
            }
        }
        if self.is_unflushed {
            match Pin::new(&mut self.writer).poll_flush(context) {
                Poll::Ready(Ok(())) => self.is_unflushed = false,
                Poll::Ready(Err(_)) => self.has_ended = true,
                Poll::Pending => return false,
            }
        }
        true
    }

    /// Writes the rest, and tells the other side that it is all; whether that is done, as far as it can be. Over QUIC it is
    /// when the other side has it.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) -> bool {
        if !self.write(context) {
            return false;
        }
        self.has_ended || Pin::new(&mut self.writer).poll_shutdown(context).is_ready()
    }

    /// Reads what is there to the beginning of `input`, and gives how much. Nothing when there is nothing yet, or the connection has
    /// ended.
    pub(super) fn read(&mut self, context: &mut Context<'_>, input: &mut [u8]) -> Option<usize> {
        if self.has_ended {
            return None;
        }
        let mut buffer = ReadBuf::new(input);
        match Pin::new(&mut self.reader).poll_read(context, &mut buffer) {
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => Some(buffer.filled().len()),
            Poll::Ready(Ok(()) | Err(_)) => {
                self.has_ended = true;
                None
            }
            Poll::Pending => None,
        }
    }
}
