//! Fibers.

/// A fiber of this machine: a place in its table and how often that place was used before.
///
/// It is deterministic, and no two fibers of one machine ever have the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FiberId {
    /// The place.
    pub slot: u32,
    /// How many fibers held it before, plus one; at most 29 bits.
    pub generation: u32,
}

impl std::fmt::Display for FiberId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}.{}", self.slot, self.generation)
    }
}
