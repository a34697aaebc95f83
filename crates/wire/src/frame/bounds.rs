//! The limits of a fiber that is started for another node.

use super::{Fields, FrameError};
use crate::table::MailboxPolicy;

/// Limits of a fiber in [`Message::Spawn`](super::Message::Spawn); 0 or none stands for what is usual on its node.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Bounds {
    /// Messages in its mailbox.
    pub messages: u64,
    /// Their bytes.
    pub message_bytes: u64,
    /// Bytes of its memory.
    pub memory_bytes: u64,
    /// Bytes of its stack.
    pub stack_bytes: u64,
    /// What a full mailbox does.
    pub policy: Option<MailboxPolicy>,
}

impl Bounds {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.messages, self.message_bytes, self.memory_bytes, self.stack_bytes] {
            out.extend(number.to_le_bytes());
        }
        out.push(self.policy.map_or(0, MailboxPolicy::number));
    }

    pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Bounds, FrameError> {
        let (messages, message_bytes) = (fields.u64()?, fields.u64()?);
        let (memory_bytes, stack_bytes) = (fields.u64()?, fields.u64()?);
        let number = fields.u8()?;
        let policy = MailboxPolicy::of(number);
        if number != 0 && policy.is_none() {
            return Err(fields.wrong("the policy", number, "0 or a known policy"));
        }
        Ok(Bounds { messages, message_bytes, memory_bytes, stack_bytes, policy })
    }
}
