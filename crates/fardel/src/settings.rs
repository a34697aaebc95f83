//! What a runtime is started with.

use crate::clock::Clock;
use crate::limits::GRACE_NANOS;
use fardel_vm::config::Config;
use std::io::{self, IsTerminal as _, Read, Write};

/// What a runtime is started with.
pub struct Settings {
    /// The machine's settings. Its seed is also that of `random`.
    pub machine: Config,
    /// The program's arguments, without its own name.
    pub arguments: Vec<String>,
    /// The standard streams.
    pub streams: Streams,
    /// The time.
    pub clock: Clock,
    /// Nanoseconds that fibers have to end after `main` did.
    pub grace: u64,
    /// Whether the ends of fibers are kept for [`Runtime::exited`](crate::Runtime::exited). Without that, failures are
    /// reported on the standard error, and other ends are not told.
    pub keep_exits: bool,
    /// Whether host functions that may block are carried out at once, on the runtime's own thread: with a virtual clock
    /// nothing depends on how long they take then.
    pub blocks: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            machine: Config::default(),
            arguments: Vec::new(),
            streams: Streams::standard(),
            clock: Clock::system(),
            grace: GRACE_NANOS,
            keep_exits: false,
            blocks: false,
        }
    }
}

/// The standard streams of a program.
pub struct Streams {
    /// What `io.read_line` reads; it is buffered by the runtime.
    pub input: Box<dyn Read + Send>,
    /// What `io.print` writes to.
    pub output: Box<dyn Write>,
    /// What `io.error` writes to, and where failures are reported.
    pub error: Box<dyn Write>,
    /// Whether each line is to appear at once.
    pub line_wise: bool,
}

impl Streams {
    /// Those of the process.
    pub fn standard() -> Self {
        Streams {
            input: Box::new(io::stdin()),
            output: Box::new(io::stdout()),
            error: Box::new(io::stderr()),
            line_wise: io::stdout().is_terminal(),
        }
    }
}
