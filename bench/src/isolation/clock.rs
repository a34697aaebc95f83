//! The time that this process had a processor.
//!
//! What is measured is how long fibers hold up each other, not how long other processes hold up this one. So what the
//! host's scheduler let this process wait does not count, where the host tells that.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::time::Instant;

/// Nanoseconds within which both numbers have to be read to belong together.
const STEADY_NANOS: u64 = 50_000;
/// How often that is tried.
const TRIES_MAX: u32 = 8;

/// A clock that stands still while the process waits for a processor.
pub(crate) struct Clock {
    start: Instant,
    waited: Option<File>,
    waited_before: u64,
    latest: u64,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        let mut clock =
            Clock { start: Instant::now(), waited: File::open("/proc/self/schedstat").ok(), waited_before: 0, latest: 0 };
        clock.waited_before = clock.waited();
        clock
    }

    /// Nanoseconds since its start; never less than before.
    pub(crate) fn now(&mut self) -> u64 {
        for _ in 0..TRIES_MAX {
            let before = self.elapsed();
            let waited = self.waited() - self.waited_before;
            let after = self.elapsed();
            // A wait between the two is in one of them alone.
            if after - before < STEADY_NANOS {
                self.latest = self.latest.max(after.saturating_sub(waited));
                break;
            }
        }
        self.latest
    }

    fn elapsed(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// What it showed last.
    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }

    /// Nanoseconds that the process has waited since it began: the second number of the file.
    fn waited(&mut self) -> u64 {
        let mut buffer = [0; 96];
        let Some(file) = &mut self.waited else { return self.waited_before };
        let read = file.rewind().and_then(|()| file.read(&mut buffer)).unwrap_or(0);
        let text = std::str::from_utf8(&buffer[..read]).unwrap_or_default();
        text.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(self.waited_before)
    }
}
