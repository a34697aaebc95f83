//! Large messages as they come in, fragment by fragment.
//!
//! **Invariant:** what is open is bounded in number and bytes, whatever comes.

use super::ProtocolError;
use crate::frame::{Fragment, Message};
use crate::limits;
use std::collections::BTreeMap;

/// The messages of which fragments have come and the last has not.
#[derive(Default, Debug)]
pub(super) struct Assembly {
    open: BTreeMap<u32, Vec<u8>>,
    bytes: usize,
}

impl Assembly {
    /// Adds a fragment, and gives the message when it is the last, which is then one that can be decoded. All that are open
    /// have at most `bytes_max` bytes. An error changes nothing.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, bytes_max: usize) -> Result<Option<Vec<u8>>, ProtocolError> {
        let bytes = self.bytes.saturating_add(fragment.bytes.len());
        if bytes > bytes_max {
            return Err(ProtocolError::OpenBytes { seen: bytes, max: bytes_max });
        }
        if !self.open.contains_key(&fragment.stream) && self.open.len() == limits::STREAMS_MAX {
            return Err(ProtocolError::OpenStreams { max: limits::STREAMS_MAX });
        }
        let message = self.open.entry(fragment.stream).or_default();
        let before = message.len();
        message.extend_from_slice(&fragment.bytes);
        if !fragment.last {
            self.bytes = bytes;
            return Ok(None);
        }
        if let Err(error) = Message::decode_assembled(message) {
            message.truncate(before);
            return Err(error.into());
        }
        self.bytes -= before;
        Ok(self.open.remove(&fragment.stream))
    }

    /// What always holds; for tests and debug builds.
    pub(super) fn invariants(&self) {
        assert_eq!(self.bytes, self.open.values().map(Vec::len).sum::<usize>());
        assert!(self.open.len() <= limits::STREAMS_MAX);
    }
}
