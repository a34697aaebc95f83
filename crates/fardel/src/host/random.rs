//! `random`: random numbers, and the generator behind them.

use super::{HostContext, Hosts};
use crate::limits::RANDOM_BYTES_MAX;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

pub(super) fn add_to(hosts: &mut Hosts) {
    hosts.drawing("random.int", "A random integer from the first number up to, not including, the second.", int);
    hosts.drawing("random.bytes", "That many random bytes. They are not fit for secrets.", bytes);
}

fn int(context: &mut HostContext, low: i64, high: i64) -> Result<i64, String> {
    if low >= high {
        return Err(format!("no integer is at least {low} and less than {high}"));
    }
    let span = high.wrapping_sub(low) as u64;
    Ok(low.wrapping_add(context.random.below(span) as i64))
}

fn bytes(context: &mut HostContext, count: i64) -> Result<Vec<u8>, String> {
    if !(0..=RANDOM_BYTES_MAX).contains(&count) {
        return Err(format!("cannot give {count} random bytes, only 0 to {RANDOM_BYTES_MAX}"));
    }
    let count = count as usize;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        bytes.extend_from_slice(&context.random.next().to_le_bytes());
    }
    bytes.truncate(count);
    Ok(bytes)
}

/// A seed that nobody knows ahead, for runs that are not to be repeated.
pub fn random_seed() -> u64 {
    // The standard library's hasher is keyed from the system's entropy, its one source that needs no other crate.
    RandomState::new().build_hasher().finish()
}

/// The generator xoshiro256++ of David Blackman and Sebastiano Vigna, which passes the known statistical tests and is
/// not fit for secrets; its state is filled by SplitMix64, as they advise. Both are described at
/// <https://prng.di.unimi.it>.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    state: [u64; 4],
}

impl Generator {
    /// A generator that gives the same numbers for the same seed.
    pub(crate) fn new(mut seed: u64) -> Self {
        Generator { state: std::array::from_fn(|_| split_mix(&mut seed)) }
    }

    /// The next 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `span`, each with the same chance: the numbers above the largest multiple of it are drawn again.
    fn below(&mut self, span: u64) -> u64 {
        assert!(span > 0);
        let whole = u64::MAX - u64::MAX % span;
        loop {
            let bits = self.next();
            if bits < whole {
                return bits % span;
            }
        }
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_numbers() {
        let mut seed = 1_234_567;
        assert_eq!(
            std::array::from_fn(|_| split_mix(&mut seed)),
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        let mut generator = Generator { state: [1, 2, 3, 4] };
        assert_eq!(
            std::array::from_fn(|_| generator.next()),
            [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]
        );
    }

    #[test]
    fn stays_below_its_span_and_reaches_all_of_it() {
        let mut generator = Generator::new(7);
        let mut seen = [0; 6];
        (0..600).for_each(|_| seen[generator.below(6) as usize] += 1);
        assert!(seen.iter().all(|count| (60..140).contains(count)), "{seen:?}");
        assert!((0..100).all(|_| generator.below(u64::MAX) < u64::MAX));
        assert_eq!(generator.below(1), 0);
    }
}
