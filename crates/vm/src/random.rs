//! The random numbers of fibers: a generator each, split from its parent's when it starts.
//!
//! SplitMix64 of Guy Steele, Doug Lea and Christine Flood ("Fast splittable pseudorandom number generators", 2014), which
//! passes the known statistical tests and is not fit for secrets. Its state is one word, kept in the fiber's block. No
//! number comes twice in 2^64 draws, so a draw also numbers the tokens of a fiber.
//!
//! **Invariant:** what a fiber draws depends on the machine's seed and on who started whom, and on nothing else.

/// The state behind this one: odd, so that all 2^64 are passed.
#[inline(always)]
pub(crate) fn next(state: u64) -> u64 {
    state.wrapping_add(0x9e37_79b9_7f4a_7c15)
}

/// The number of a state.
#[inline(always)]
pub(crate) fn bits(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The first state of a generator that is split off by a draw.
#[inline(always)]
pub(crate) fn split(draw: u64) -> u64 {
    // Another finalizer than that of `bits`, so that the child's numbers are not the parent's shifted.
    crate::runtime::hash::mix(draw, 0x1d8e_4e27_c47d_124f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference implementation for the seed 1234567.
    #[test]
    fn it_is_split_mix_64() {
        let mut state = 1_234_567;
        let mut draw = || {
            state = next(state);
            bits(state)
        };
        assert_eq!(
            [draw(), draw(), draw()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
