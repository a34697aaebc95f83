//! When a connection is tried again: delays that double, with jitter, so that nodes that lost one peer together do not
//! come back together.
//!
//! This module knows no clock and no source of randomness: it is a function of its seed.
//!
//! **Invariant:** every delay lies between half of its step and the whole step; a step is at most
//! [`BACKOFF_MAX`].

use crate::limits::{BACKOFF_BASE, BACKOFF_MAX};
use std::time::Duration;

/// The delays before one connection is tried again.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// What the next delay is at most.
    step: Duration,
    /// The state of the generator.
    state: u64,
}

impl Backoff {
    /// Delays from the beginning. Connections with different seeds have different jitter.
    pub fn new(seed: u64) -> Backoff {
        Backoff { step: BACKOFF_BASE, state: seed }
    }

    /// How long to wait before the next try; the one after that waits for twice as long, up to the longest delay.
    pub fn next_delay(&mut self) -> Duration {
        let half = self.step / 2;
        let span = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        // The high half of the product is uniform between zero and the span, without a division.
        let jitter = (u128::from(self.next_random()) * (u128::from(span) + 1)) >> 64;
        self.step = self.step.saturating_mul(2).min(BACKOFF_MAX);
        half + Duration::from_nanos(u64::try_from(jitter).unwrap_or(span))
    }

    /// The connection came about: the next failure is the first again.
    pub fn reset(&mut self) {
        self.step = BACKOFF_BASE;
    }

    /// The next number of the generator SplitMix64.
    fn next_random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first delays from a seed.
    fn delays(seed: u64, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(seed);
        (0..count).map(|_| backoff.next_delay()).collect()
    }

    #[test]
    fn delays_double_up_to_the_longest_and_lie_in_the_upper_half() {
        for seed in 0..200 {
            let mut step = BACKOFF_BASE;
            for delay in delays(seed, 12) {
                assert!(step / 2 <= delay && delay <= step, "{delay:?} is not between half of {step:?} and all of it");
                step = (step * 2).min(BACKOFF_MAX);
            }
        }
    }

    #[test]
    fn the_jitter_uses_the_whole_upper_half() {
        let (low, high) = (BACKOFF_BASE / 2, BACKOFF_BASE);
        let tenth = (high - low) / 10;
        let first: Vec<Duration> = (0..200).map(|seed| Backoff::new(seed).next_delay()).collect();
        assert!(first.iter().any(|delay| *delay < low + tenth));
        assert!(first.iter().any(|delay| *delay > high - tenth));
    }

    #[test]
    fn one_seed_gives_the_same_delays_and_another_gives_others() {
        assert_eq!(delays(7, 8), delays(7, 8));
        assert_ne!(delays(7, 8), delays(8, 8));
    }

    #[test]
    fn a_success_begins_again() {
        let mut backoff = Backoff::new(1);
        for _ in 0..10 {
            backoff.next_delay();
        }
        backoff.reset();
        assert!(backoff.next_delay() <= BACKOFF_BASE);
    }

    #[test]
    fn any_number_of_failures_is_counted_without_overflow() {
        let mut backoff = Backoff::new(u64::MAX);
        for _ in 0..10_000 {
            assert!(backoff.next_delay() <= BACKOFF_MAX);
        }
    }
}
