//! Large messages as they come in, fragment by fragment.

use super::ProtocolError;
use crate::frame::Fragment;
use crate::limits;
use std::collections::BTreeMap;

/// The messages of which fragments have come and the last has not.
#[derive(Default, Debug)]
pub(super) struct Assembly {
    open: BTreeMap<u32, Vec<u8>>,
    bytes: usize,
}

impl Assembly {
    /// Adds a fragment, and gives the message when it is the last. All that are open have at most `bytes_max` bytes.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, bytes_max: usize) -> Result<Option<Vec<u8>>, ProtocolError> {
        let bytes = self.bytes.saturating_add(fragment.bytes.len());
        if bytes > bytes_max {
            return Err(ProtocolError::OpenBytes { seen: bytes, max: bytes_max });
        }
        if !self.open.contains_key(&fragment.stream) && self.open.len() == limits::STREAMS_MAX {
            return Err(ProtocolError::OpenStreams { max: limits::STREAMS_MAX });
        }
        let message = self.open.entry(fragment.stream).or_default();
        message.extend_from_slice(&fragment.bytes);
        self.bytes = bytes;
        if !fragment.last {
            return Ok(None);
        }
        let message = self.open.remove(&fragment.stream);
        self.bytes -= message.as_ref().map_or(0, Vec::len);
        Ok(message)
    }

    /// What always holds; for tests and debug builds.
    pub(super) fn invariants(&self) {
        assert_eq!(self.bytes, self.open.values().map(Vec::len).sum::<usize>());
        assert!(self.open.len() <= limits::STREAMS_MAX);
    }
}
