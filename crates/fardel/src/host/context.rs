//! What the host functions on the driver's thread work with.

use super::random::Generator;
use crate::clock::Clock;
use crate::output::Output;
use std::io::Write;

/// What belongs to the driver and host functions use.
pub(crate) struct HostContext {
    pub(crate) output: Output,
    pub(crate) error: Box<dyn Write>,
    pub(crate) arguments: Vec<String>,
    pub(crate) clock: Clock,
    pub(crate) random: Generator,
    /// The exit status with which the program wants to end.
    pub(crate) exit: Option<u8>,
}

impl HostContext {
    /// Writes to the standard error, behind what the program printed so far. Where that fails there is nobody to tell.
    pub(crate) fn complain(&mut self, text: &str) {
        self.output.flush();
        let _ = self.error.write_all(text.as_bytes());
        let _ = self.error.flush();
    }
}
