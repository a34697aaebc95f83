//! Choices that follow from a number.

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Choices(u64);

impl Choices {
    /// The choices that follow from a seed.
    pub fn new(seed: u64) -> Self {
        Choices((seed ^ 0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 bits: splitmix.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `count`; 0 when there is none.
    pub fn below(&mut self, count: usize) -> usize {
        (self.bits() >> 16).checked_rem(count as u64).unwrap_or(0) as usize
    }

    /// Whether something that happens once in `times` happens.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of some things.
    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        from.get(self.below(from.len()))
    }
}
