//! Which refusals of connections are said in the log: strangers decide how many there are, so each reason gets one line a
//! second at most, which counts those that got none.
//!
//! This module knows no clock: the time is handed in.
//!
//! **Invariant:** every refusal is counted in exactly one line, some time after it happened.

use crate::limits::REFUSAL_LINES;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

/// Why a connection was refused, as far as lines of the log are counted together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Reason {
    /// The system handed out no connection.
    System,
    /// Too many are half-open.
    HalfOpen,
    /// Too many from one address are half-open.
    HalfOpenAddress,
    /// The handshake took too long.
    Slow,
    /// The connection broke during the handshake.
    Broken,
    /// The other side does not speak what this one does.
    Foreign,
    /// What the other side showed proves nothing here.
    Unproven,
}

/// What is said of one refusal, or of several with the same reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// The address of the last, if it had one.
    pub(crate) address: Option<SocketAddr>,
    /// Why the last was refused.
    pub(crate) text: Cow<'static, str>,
    /// How many this line stands for.
    pub(crate) count: u64,
}

/// One reason that was seen.
struct Row {
    /// When a line was written last.
    said: Instant,
    /// What happened since.
    unsaid: Option<Line>,
}

/// The refusals of one listener.
#[derive(Default)]
pub(crate) struct Refusals {
    rows: BTreeMap<Reason, Row>,
}

impl Refusals {
    /// Counts a refusal, and returns the line that is to be written now, if one is.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        reason: Reason,
        address: Option<SocketAddr>,
        text: Cow<'static, str>,
    ) -> Option<Line> {
        let Some(row) = self.rows.get_mut(&reason) else {
            self.rows.insert(reason, Row { said: now, unsaid: None });
            return Some(Line { address, text, count: 1 });
        };
        let count = row.unsaid.take().map_or(0, |line| line.count).saturating_add(1);
        let line = Line { address, text, count };
        if now.saturating_duration_since(row.said) < REFUSAL_LINES {
            row.unsaid = Some(line);
            return None;
        }
        row.said = now;
        Some(line)
    }

    /// When [`Refusals::overdue`] has something next, if nothing else happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.rows.values().filter(|row| row.unsaid.is_some()).map(|row| row.said + REFUSAL_LINES).min()
    }

    /// The lines that have waited long enough.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Line> {
        let late = |row: &&mut Row| REFUSAL_LINES <= now.saturating_duration_since(row.said);
        let rows = self.rows.values_mut().filter(late);
        rows.filter_map(|row| {
            let line = row.unsaid.take()?;
            row.said = now;
            Some(line)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A refusal at a number of milliseconds; gives the count of the line that is written.
    fn note(refusals: &mut Refusals, start: Instant, millis: u64, reason: Reason) -> Option<u64> {
        let now = start + Duration::from_millis(millis);
        refusals.note(now, reason, None, "x".into()).map(|line| line.count)
    }

    #[test]
    fn the_first_is_said_at_once_and_the_next_counts_the_silent_ones() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(note(&mut refusals, start, 0, Reason::Slow), Some(1));
        assert_eq!(note(&mut refusals, start, 1, Reason::Slow), None);
        assert_eq!(note(&mut refusals, start, 999, Reason::Slow), None);
        assert_eq!(note(&mut refusals, start, 1000, Reason::Slow), Some(3));
        assert_eq!(note(&mut refusals, start, 1001, Reason::Slow), None);
    }

    #[test]
    fn one_reason_does_not_silence_another() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(note(&mut refusals, start, 0, Reason::Slow), Some(1));
        assert_eq!(note(&mut refusals, start, 0, Reason::HalfOpen), Some(1));
    }

    #[test]
    fn the_end_of_a_flood_is_said_when_it_is_due() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(refusals.due(), None);
        for millis in 0..10 {
            note(&mut refusals, start, millis, Reason::Unproven);
        }
        assert_eq!(refusals.due(), Some(start + REFUSAL_LINES));
        assert_eq!(refusals.overdue(start + REFUSAL_LINES - Duration::from_millis(1)), []);
        let lines = refusals.overdue(start + REFUSAL_LINES);
        assert_eq!(lines, [Line { address: None, text: "x".into(), count: 9 }]);
        assert_eq!(refusals.due(), None);
        assert_eq!(refusals.overdue(start + REFUSAL_LINES * 2), []);
    }
}
