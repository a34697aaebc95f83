//! Why fibers end.

use crate::value::Value;

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
    NotAvailable "not_available" "The instruction is verified but this machine does not carry it out.";
    NotSendable "not_sendable" "A value that belongs to its fiber, such as a host handle, was to be sent.";
    SystemLimit "system_limit" "A limit of the whole machine was reached, such as the number of fibers or memory.";
    Raised "raised" "The program raised an error of its own kind.";
}

/// Why a fiber ended.
#[derive(Clone, PartialEq, Debug)]
pub enum ExitReason {
    /// Its function returned, or it said so.
    Normal,
    /// It was asked to end, or said so.
    Shutdown,
    /// As `Shutdown`, with a value of the program's.
    ShutdownWith(Value),
    /// It was ended without being asked.
    Killed,
    /// It trapped without a handler.
    Error(Failure),
    /// Its memory limit was reached.
    OutOfMemory,
    /// Its stack limit was reached.
    StackOverflow,
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

impl std::fmt::Display for ExitReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExitReason::Normal => f.write_str("normal"),
            ExitReason::Shutdown => f.write_str("shutdown"),
            ExitReason::ShutdownWith(value) => write!(f, "shutdown({value:?})"),
            ExitReason::Killed => f.write_str("killed"),
            ExitReason::Error(failure) if failure.message.is_empty() => write!(f, "error({})", failure.name),
            ExitReason::Error(failure) => write!(f, "error({}): {}", failure.name, failure.message),
            ExitReason::OutOfMemory => f.write_str("out_of_memory"),
            ExitReason::StackOverflow => f.write_str("stack_overflow"),
        }
    }
}
