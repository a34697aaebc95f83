//! Exit reasons as bytes.
//!
//! A code, and for two of them more: `shutdown(x)` has a value, an error its failure. Texts are a length (`u32`) and UTF-8.
//! What is longer than the limits is cut when it is written, as a reason has to arrive; it is refused when it is read.

use crate::bytes::{Cursor, Short, cut};
use crate::limits;
use crate::table::ReasonCode;
use crate::value::{self, Addresses, DecodeError, EncodeError, Fibers};
use fardel_vm::exit::{ErrorKind, ExitReason, Failure, TraceFrame};

/// Why bytes are not an exit reason.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReasonError {
    /// They end too early.
    #[error("in an exit reason: {0}")]
    Short(#[from] Short),
    /// There are bytes behind it.
    #[error("{0} bytes follow an exit reason")]
    Trailing(usize),
    /// The code is not known.
    #[error("the exit reason {0} is not known")]
    Code(u8),
    /// A text is not UTF-8.
    #[error("a text in an exit reason is not UTF-8, at byte {0}")]
    NotText(usize),
    /// A text is too long.
    #[error("a text of {seen} bytes in an exit reason; at most {max} are taken")]
    TextTooLong {
        /// Its bytes.
        seen: u32,
        /// The limit.
        max: usize,
    },
    /// A trace is too long.
    #[error("a trace of {seen} calls; at most {max} are taken")]
    TraceTooLong {
        /// Its calls.
        seen: u8,
        /// The limit.
        max: usize,
    },
    /// The flag before a source is neither 0 nor 1.
    #[error("the source flag is {0}; 0 or 1 is wanted")]
    SourceFlag(u8),
    /// The value of `shutdown(x)` is none; places count from its first byte.
    #[error("the value of shutdown(x): {0}")]
    Value(#[from] DecodeError),
}

/// Appends the bytes of `reason` to `out`.
///
/// # Errors
/// When the value of `shutdown(x)` cannot be written; `out` is then as it was.
pub fn encode(reason: &ExitReason, addresses: Addresses<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = out.len();
    out.push(code(reason).number());
    match reason {
        ExitReason::ShutdownWith(value) => {
            value::encode(value, addresses, out).inspect_err(|_| out.truncate(before))?;
        }
        ExitReason::Error(failure) => encode_failure(failure, out),
        ExitReason::Normal
        | ExitReason::Shutdown
        | ExitReason::Kill
        | ExitReason::Killed
        | ExitReason::NoProc
        | ExitReason::NoConnection
        | ExitReason::Timeout
        | ExitReason::OutOfMemory
        | ExitReason::StackOverflow
        | ExitReason::MailboxOverflow
        | ExitReason::Denied
        | ExitReason::CodeMissing
        | ExitReason::Fenced => {}
    }
    Ok(())
}

/// The exit reason that `bytes` are, all of them.
///
/// # Errors
/// [`ReasonError`] says what is wrong.
pub fn decode(bytes: &[u8], fibers: Fibers<'_>) -> Result<ExitReason, ReasonError> {
    let mut from = Cursor::new(bytes);
    let number = from.u8()?;
    let reason = match ReasonCode::of(number).ok_or(ReasonError::Code(number))? {
        ReasonCode::Normal => ExitReason::Normal,
        ReasonCode::Shutdown => ExitReason::Shutdown,
        ReasonCode::ShutdownWith => ExitReason::ShutdownWith(value::decode(from.rest(), fibers)?),
        ReasonCode::Kill => ExitReason::Kill,
        ReasonCode::Killed => ExitReason::Killed,
        ReasonCode::NoProc => ExitReason::NoProc,
        ReasonCode::NoConnection => ExitReason::NoConnection,
        ReasonCode::Timeout => ExitReason::Timeout,
        ReasonCode::Error => ExitReason::Error(decode_failure(&mut from)?),
        ReasonCode::OutOfMemory => ExitReason::OutOfMemory,
        ReasonCode::StackOverflow => ExitReason::StackOverflow,
        ReasonCode::MailboxOverflow => ExitReason::MailboxOverflow,
        ReasonCode::Denied => ExitReason::Denied,
        ReasonCode::CodeMissing => ExitReason::CodeMissing,
        ReasonCode::Fenced => ExitReason::Fenced,
    };
    match from.left().len() {
        0 => Ok(reason),
        count => Err(ReasonError::Trailing(count)),
    }
}

fn code(reason: &ExitReason) -> ReasonCode {
    match reason {
        ExitReason::Normal => ReasonCode::Normal,
        ExitReason::Shutdown => ReasonCode::Shutdown,
        ExitReason::ShutdownWith(_) => ReasonCode::ShutdownWith,
        ExitReason::Kill => ReasonCode::Kill,
        ExitReason::Killed => ReasonCode::Killed,
        ExitReason::NoProc => ReasonCode::NoProc,
        ExitReason::NoConnection => ReasonCode::NoConnection,
        ExitReason::Timeout => ReasonCode::Timeout,
        ExitReason::Error(_) => ReasonCode::Error,
        ExitReason::OutOfMemory => ReasonCode::OutOfMemory,
        ExitReason::StackOverflow => ReasonCode::StackOverflow,
        ExitReason::MailboxOverflow => ReasonCode::MailboxOverflow,
        ExitReason::Denied => ReasonCode::Denied,
        ExitReason::CodeMissing => ReasonCode::CodeMissing,
        ExitReason::Fenced => ReasonCode::Fenced,
    }
}

fn encode_failure(failure: &Failure, out: &mut Vec<u8>) {
    text(failure.kind.name(), out);
    text(&failure.name, out);
    text(&failure.message, out);
    let trace = failure.trace.get(..limits::TRACE_FRAMES_MAX).unwrap_or(&failure.trace);
    out.push(trace.len() as u8);
    for frame in trace {
        text(&frame.function, out);
        out.extend(frame.offset.to_le_bytes());
        out.push(frame.source.is_some().into());
        if let Some((file, line)) = &frame.source {
            text(file, out);
            out.extend(line.to_le_bytes());
        }
    }
}

/// The kind goes by its name, so that one that only a later version knows is known as raised.
fn decode_failure(from: &mut Cursor<'_>) -> Result<Failure, ReasonError> {
    let kind = ErrorKind::of(read_text(from)?);
    let (name, message) = (read_text(from)?.to_owned(), read_text(from)?.to_owned());
    let seen = from.u8()?;
    let max = limits::TRACE_FRAMES_MAX;
    if usize::from(seen) > max {
        return Err(ReasonError::TraceTooLong { seen, max });
    }
    let trace = (0..seen).map(|_| decode_frame(from)).collect::<Result<_, _>>()?;
    Ok(Failure { kind, name, message, trace })
}

fn decode_frame(from: &mut Cursor<'_>) -> Result<TraceFrame, ReasonError> {
    let function = read_text(from)?.to_owned();
    let offset = from.u32()?;
    let source = match from.u8()? {
        0 => None,
        1 => Some((read_text(from)?.to_owned(), from.u32()?)),
        seen => return Err(ReasonError::SourceFlag(seen)),
    };
    Ok(TraceFrame { function, offset, source })
}

fn text(text: &str, out: &mut Vec<u8>) {
    let text = cut(text, limits::REASON_TEXT_BYTES_MAX);
    out.extend((text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn read_text<'a>(from: &mut Cursor<'a>) -> Result<&'a str, ReasonError> {
    let at = from.at();
    let seen = from.u32()?;
    let max = limits::REASON_TEXT_BYTES_MAX;
    if seen as usize > max {
        return Err(ReasonError::TextTooLong { seen, max });
    }
    std::str::from_utf8(from.take(seen as usize)?).map_err(|_| ReasonError::NotText(at))
}

const _: () = assert!(limits::TRACE_FRAMES_MAX <= u8::MAX as usize);
