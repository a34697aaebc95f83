//! Why fibers end.

use crate::heap::fragment::Fragment;
use crate::heap::shared::Shared;
use crate::value::Value;
use fardel_bytecode::system::Reason;
use std::rc::Rc;

macro_rules! error_kinds {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// The closed table of what can go wrong inside a fiber.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum ErrorKind {$(
            #[doc = $doc]
            $name,
        )*}

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$name),*];

            /// Its name, as programs and people see it.
            pub const fn name(self) -> &'static str {
                match self { $(ErrorKind::$name => $text,)* }
            }

            /// What it means.
            pub const fn doc(self) -> &'static str {
                match self { $(ErrorKind::$name => $doc,)* }
            }

            /// The kind of this name; of any other, [`ErrorKind::Raised`].
            pub fn of(name: &str) -> ErrorKind {
                ErrorKind::ALL.iter().copied().find(|kind| kind.name() == name).unwrap_or(ErrorKind::Raised)
            }
        }
    };
}

error_kinds! {
    Overflow "overflow" "The result of integer arithmetic does not fit 64 bits.";
    DivideByZero "divide_by_zero" "An integer was divided by zero.";
    BadShift "bad_shift" "A shift by less than 0 or more than 63 bits.";
    BadOperand "bad_operand" "An operand of type Any is not of a kind that the instruction works on.";
    BadCast "bad_cast" "A value of type Any is not of the type that it was taken as.";
    BadVariant "bad_variant" "A field was read of a variant that the value is not.";
    NullValue "null_value" "The value of an option was taken, and it is null.";
    OutOfRange "out_of_range" "A position, length or number lies outside what its place allows.";
    NoKey "no_key" "A map has no such key.";
    BadKey "bad_key" "A value that cannot be a key of a map or set was used as one.";
    BadText "bad_text" "Bytes are not UTF-8 text, or a position lies inside a character.";
    Panic "panic" "The program gave up with a message.";
    Host "host" "A host function failed.";
    NoHost "no_host" "The host has no function of this name and signature.";
    NoRequest "no_request" "A reply was waited for under a token without an open request, or asked for under one that is not the fiber's own, has a request open, or is that of a timer.";
    NoSelection "no_selection" "A message was to be taken or passed over, and none had been looked at.";
    WaitsForItself "waits_for_itself" "A fiber was to wait until it has ended itself.";
    NotSendable "not_sendable" "A value that belongs to its fiber, such as a host handle, was to be sent.";
    SystemLimit "system_limit" "A limit of the whole machine was reached, such as the number of fibers or memory.";
    Raised "raised" "The program raised an error of its own kind.";
}

/// Bytes of the name and of the message of a failure; everybody who watches the fiber gets them.
pub(crate) const FAILURE_BYTES_MAX: usize = 64 << 10;

/// Why a fiber ended.
#[derive(Clone, PartialEq, Debug)]
pub enum ExitReason {
    /// Its function returned, or it said so.
    Normal,
    /// It was asked to end, or said so.
    Shutdown,
    /// As `Shutdown`, with a value of the program's.
    ShutdownWith(Value),
    /// It ended itself with `kill`; as a signal it cannot be withstood, and the fiber ends as [`ExitReason::Killed`].
    Kill,
    /// It was ended without being asked.
    Killed,
    /// It linked itself to a fiber that was not there.
    NoProc,
    /// It was linked to a fiber on a node that was lost.
    NoConnection,
    /// It took too long.
    Timeout,
    /// It trapped without a handler.
    Error(Failure),
    /// Its memory limit was reached.
    OutOfMemory,
    /// Its stack limit was reached.
    StackOverflow,
    /// Its mailbox was full, and its policy is to end then; or it held more of the machine's own messages than it may.
    MailboxOverflow,
    /// It was not allowed.
    Denied,
    /// Code that it needs could not be had.
    CodeMissing,
    /// Another incarnation of it has taken over.
    Fenced,
}

impl ExitReason {
    /// Which reason it is, without its particulars.
    pub fn kind(&self) -> Reason {
        match self {
            ExitReason::Normal => Reason::Normal,
            ExitReason::Shutdown => Reason::Shutdown,
            ExitReason::ShutdownWith(_) => Reason::ShutdownWith,
            ExitReason::Kill => Reason::Kill,
            ExitReason::Killed => Reason::Killed,
            ExitReason::NoProc => Reason::NoProc,
            ExitReason::NoConnection => Reason::NoConnection,
            ExitReason::Timeout => Reason::Timeout,
            ExitReason::Error(_) => Reason::Error,
            ExitReason::OutOfMemory => Reason::OutOfMemory,
            ExitReason::StackOverflow => Reason::StackOverflow,
            ExitReason::MailboxOverflow => Reason::MailboxOverflow,
            ExitReason::Denied => Reason::Denied,
            ExitReason::CodeMissing => Reason::CodeMissing,
            ExitReason::Fenced => Reason::Fenced,
        }
    }

    /// Whether somebody should hear of it: the fiber did not end as it was meant to.
    pub fn is_failure(&self) -> bool {
        is_failure(self.kind())
    }

    /// Whether a limit of the configuration ended the fiber.
    pub fn is_limit(&self) -> bool {
        match self {
            ExitReason::OutOfMemory | ExitReason::StackOverflow | ExitReason::MailboxOverflow => true,
            ExitReason::Error(failure) => failure.name == "system_limit",
            ExitReason::Normal
            | ExitReason::Shutdown
            | ExitReason::ShutdownWith(_)
            | ExitReason::Kill
            | ExitReason::Killed
            | ExitReason::NoProc
            | ExitReason::NoConnection
            | ExitReason::Timeout
            | ExitReason::Denied
            | ExitReason::CodeMissing
            | ExitReason::Fenced => false,
        }
    }

    fn of(reason: Reason) -> ExitReason {
        match reason {
            Reason::Normal => ExitReason::Normal,
            Reason::Shutdown | Reason::ShutdownWith => ExitReason::Shutdown,
            Reason::Kill => ExitReason::Kill,
            Reason::Killed => ExitReason::Killed,
            Reason::NoProc => ExitReason::NoProc,
            Reason::NoConnection => ExitReason::NoConnection,
            Reason::Timeout => ExitReason::Timeout,
            Reason::Error | Reason::Denied => ExitReason::Denied,
            Reason::OutOfMemory => ExitReason::OutOfMemory,
            Reason::StackOverflow => ExitReason::StackOverflow,
            Reason::MailboxOverflow => ExitReason::MailboxOverflow,
            Reason::CodeMissing => ExitReason::CodeMissing,
            Reason::Fenced => ExitReason::Fenced,
        }
    }
}

/// Whether a reason is not one of those that a fiber is meant to end with.
pub(crate) fn is_failure(reason: Reason) -> bool {
    !matches!(reason, Reason::Normal | Reason::Shutdown | Reason::ShutdownWith)
}

/// Why a fiber ends, as the machine hands it on: cheap to copy, and the value of `shutdown(value)` still has its type.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// A reason without particulars.
    Plain(Reason),
    /// `shutdown(value)`.
    With(Rc<Payload>),
    /// A trap that no handler took.
    Failed(Rc<Failure>),
}

/// A value on its way with a [`Cause`].
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) root: u64,
    pub(crate) fragment: Fragment,
}

impl Cause {
    pub(crate) const NORMAL: Cause = Cause::Plain(Reason::Normal);

    pub(crate) fn kind(&self) -> Reason {
        match self {
            Cause::Plain(reason) => *reason,
            Cause::With(_) => Reason::ShutdownWith,
            Cause::Failed(_) => Reason::Error,
        }
    }

    /// The reason as the driver is told. The value of `shutdown(value)` comes from `value`.
    pub(crate) fn told(&self, value: impl FnOnce(&Payload) -> Value) -> ExitReason {
        match self {
            Cause::Plain(reason) => ExitReason::of(*reason),
            Cause::With(payload) => ExitReason::ShutdownWith(value(payload)),
            Cause::Failed(failure) => ExitReason::Error((**failure).clone()),
        }
    }

    /// Bytes that a copy of it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Cause::Plain(_) => 0,
            Cause::With(payload) => payload.fragment.bytes(),
            Cause::Failed(failure) => failure.name.len() + failure.message.len(),
        }
    }

    /// Lets go of it; the last holder of a value gives up what that names outside.
    pub(crate) fn discard(self, shared: &mut Shared) {
        if let Cause::With(payload) = self
            && let Some(payload) = Rc::into_inner(payload)
        {
            payload.fragment.discard(shared);
        }
    }
}

/// A trap that no handler took.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The kind's name: for [`ErrorKind::Raised`] the program's own.
    pub name: String,
    /// The particulars, possibly empty.
    pub message: String,
    /// The calls that led there, the innermost first.
    pub trace: Vec<TraceFrame>,
}

/// One call in a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceFrame {
    /// The function.
    pub function: String,
    /// The place in its code, in bytes.
    pub offset: u32,
    /// The source file and line, where the module has them.
    pub source: Option<(String, u32)>,
}

impl std::fmt::Display for TraceFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Some((file, line)) => write!(f, "{}+{} ({file}:{line})", self.function, self.offset),
            None => write!(f, "{}+{}", self.function, self.offset),
        }
    }
}

impl std::fmt::Display for ExitReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExitReason::ShutdownWith(value) => write!(f, "shutdown({value:?})"),
            ExitReason::Error(failure) if failure.message.is_empty() => write!(f, "error({})", failure.name),
            ExitReason::Error(failure) => write!(f, "error({}): {}", failure.name, failure.message),
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
            | ExitReason::Fenced => f.write_str(self.kind().text()),
        }
    }
}
