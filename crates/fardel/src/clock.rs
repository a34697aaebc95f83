//! The time as the driver sees it.
//!
//! **Invariant:** what [`Clock::now`] gives never goes back; nothing else in this crate reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The clocks of the operating system; the fixed point of [`Clock::now`] is the clock's creation.
    System {
        /// That fixed point.
        origin: Instant,
    },
    /// A clock for tests: it stands still until the driver waits for a timeout, and then jumps there.
    Virtual {
        /// What [`Clock::now`] gives.
        now: u64,
        /// What [`Clock::wall`] gives.
        wall: i64,
    },
}

impl Clock {
    /// The operating system's clock, starting now.
    pub fn system() -> Self {
        Clock::System { origin: Instant::now() }
    }

    /// Nanoseconds since a fixed point; they never go back.
    pub fn now(&self) -> u64 {
        match self {
            Clock::System { origin } => saturating_nanos(origin.elapsed()),
            Clock::Virtual { now, .. } => *now,
        }
    }

    /// Nanoseconds since 1970-01-01 UTC; they jump when somebody sets the clock.
    pub fn wall(&self) -> i64 {
        match self {
            Clock::System { .. } => match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
                Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
            },
            Clock::Virtual { wall, .. } => *wall,
        }
    }

    /// A virtual clock goes on to `at`, as does its time of the day; another one is what it is.
    pub(crate) fn advance(&mut self, at: u64) {
        if let Clock::Virtual { now, wall } = self {
            let after = i64::try_from(at.saturating_sub(*now)).unwrap_or(i64::MAX);
            *wall = wall.saturating_add(after);
            *now = at.max(*now);
        }
    }

    /// How long to wait for `at`; a virtual clock jumps there instead, and nobody waits.
    pub(crate) fn wait_until(&mut self, at: u64) -> Duration {
        match self {
            Clock::System { .. } => Duration::from_nanos(at.saturating_sub(self.now())),
            Clock::Virtual { now, .. } => {
                *now = at.max(*now);
                Duration::ZERO
            }
        }
    }
}

fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
