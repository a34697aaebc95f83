//! The tasks of one connection: one reads, one writes. They hand bytes over and know nothing of what these mean.
//!
//! **Invariant:** a connection whose owner does not take its events reads no further.

use crate::limits::READ_BYTES;
use crate::transport::{ConnectError, Connection, Reader, Writer};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

/// Which connection; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ConnectionId(pub(super) u64);

/// What tasks tell the owner of the machine.
pub(super) enum Event {
    /// A connection came in.
    Accepted(Connection),
    /// A connection that was dialled is there, or is not.
    Dialled(SocketAddr, Result<Connection, ConnectError>),
    /// Bytes were read.
    Read(ConnectionId, Vec<u8>),
    /// What was to be written is written; the buffer comes back.
    Written(ConnectionId, Vec<u8>),
    /// The connection has ended.
    Ended(ConnectionId),
}

/// The tasks of a connection; they end with it.
pub(super) struct Pump {
    /// Takes what is to be written, one buffer at a time.
    out: Sender<Vec<u8>>,
    /// The buffer for what is written next, while none is being written.
    pub(super) idle: Option<Vec<u8>>,
    reading: JoinHandle<()>,
    /// Until it is left alone to write what is left.
    writing: Option<JoinHandle<()>>,
}

impl Pump {
    pub(super) fn start(id: ConnectionId, reader: Reader, writer: Writer, events: &Sender<Event>) -> Pump {
        let (out, buffers) = mpsc::channel(1);
        let reading = tokio::spawn(read(id, reader, events.clone()));
        let writing = tokio::spawn(write(id, writer, buffers, events.clone()));
        Pump { out, idle: Some(Vec::new()), reading, writing: Some(writing) }
    }

    /// Has a buffer written. There is room: one is written at a time.
    pub(super) fn write(&mut self, buffer: Vec<u8>) {
        // Without a task at the other end the connection has ended, which an event tells.
        let _ = self.out.try_send(buffer);
    }

    /// Ends the connection when the last buffer is written.
    pub(super) fn finish(mut self) {
        self.writing = None;
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.reading.abort();
        if let Some(writing) = &self.writing {
            writing.abort();
        }
    }
}

async fn read(id: ConnectionId, mut reader: Reader, events: Sender<Event>) {
    loop {
        let mut buffer = Vec::with_capacity(READ_BYTES);
        match reader.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                if events.send(Event::Read(id, buffer)).await.is_err() {
                    return;
                }
            }
        }
    }
    // When nobody takes it the node has ended.
    let _ = events.send(Event::Ended(id)).await;
}

async fn write(id: ConnectionId, mut writer: Writer, mut buffers: Receiver<Vec<u8>>, events: Sender<Event>) {
    while let Some(mut buffer) = buffers.recv().await {
        let mut result = writer.write_all(&buffer).await;
        if result.is_ok() {
            result = writer.flush().await;
        }
        if result.is_err() {
            let _ = events.send(Event::Ended(id)).await;
            return;
        }
        buffer.clear();
        if events.send(Event::Written(id, buffer)).await.is_err() {
            return;
        }
    }
    // The peer may have gone first.
    let _ = writer.shutdown().await;
}
