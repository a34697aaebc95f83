//! How a run ended.

use fardel_vm::exit::ExitReason;
use fardel_vm::machine::{Blocked, Stats};

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// The exit status for whoever started the process.
    pub status: u8,
    /// Why it ended.
    pub end: End,
    /// What the machine did.
    pub stats: Stats,
}

/// Why a run ended.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// `main` ended.
    Main(ExitReason),
    /// No fiber could run and nothing could wake one.
    Deadlock {
        /// The fibers that wait, the first of them.
        blocked: Vec<Blocked>,
        /// How many more there are.
        more: u64,
    },
    /// It has asked for its end, with this exit status.
    Exited(u8),
    /// Somebody interrupted it.
    Interrupted,
    /// Nobody reads the standard output any more.
    OutputClosed,
    /// The standard output cannot be written, and why.
    OutputFailed(String),
}

/// The exit statuses of a run that are not `main`'s own result.
pub mod status {
    /// `main` returned nothing, or ended as it was asked to.
    pub const OK: u8 = 0;
    /// `main` failed.
    pub const FAILED: u8 = 1;
    /// No fiber could run and nothing could wake one.
    pub const DEADLOCK: u8 = 3;
    /// The run was interrupted: what shells report of a program that SIGINT ended.
    pub const INTERRUPTED: u8 = 130;
}
