//! Hash tables whose behaviour a module cannot choose.
//!
//! Each is keyed by the module's own hash: whoever wants its entries to collide would have to know the key before the
//! module that it is made of. Their size is known before they are filled, and nobody walks over one, so results never
//! depend on the order inside.

use crate::module::ModuleHash;

/// The state of a keyed hash over words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixer {
    state: u64,
    key: u64,
}

impl Mixer {
    /// A start that depends on the module.
    pub(super) fn new(hash: ModuleHash) -> Self {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash.0[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        Mixer { state: word(0), key: word(8) | 1 }
    }

    #[inline]
    pub(super) fn word(mut self, word: u64) -> Self {
        let product = u128::from(self.state ^ word) * u128::from(self.key);
        self.state = (product as u64) ^ ((product >> 64) as u64) ^ self.key.rotate_left(23);
        self
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let (chunks, rest) = bytes.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let whole = chunks.iter().fold(self, |mixer, chunk| mixer.word(u64::from_le_bytes(*chunk)));
        whole.word(u64::from_le_bytes(last)).word(bytes.len() as u64)
    }

    #[inline]
    pub(super) fn finish(self) -> u64 {
        self.word(self.key).state
    }
}

/// A set of numbers that stand for things kept elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Interner {
    /// A number plus one, or 0 where nothing is. The length is a power of two, at least twice the entries.
    slots: Vec<u32>,
}

impl Interner {
    /// An empty set for at most `count` entries.
    pub(super) fn with_capacity(count: usize) -> Self {
        Interner { slots: vec![0; (count * 2 + 1).next_power_of_two()] }
    }

    /// The entry that is `same`, if there is one.
    #[inline]
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        self.probe(hash, same).err()
    }

    /// Adds `number` unless an entry is `same`, which is then given.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, number: u32, same: impl Fn(u32) -> bool) -> Option<u32> {
        match self.probe(hash, same) {
            Ok(free) => {
                if let Some(slot) = self.slots.get_mut(free) {
                    *slot = number + 1;
                }
                None
            }
            Err(found) => Some(found),
        }
    }

    /// The free slot where the entry belongs, or the entry itself.
    #[inline]
    fn probe(&self, hash: u64, same: impl Fn(u32) -> bool) -> Result<usize, u32> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = (hash >> 32) as usize & mask;
        loop {
            match self.slots.get(at) {
                None | Some(0) => return Ok(at),
                Some(entry) if same(entry - 1) => return Err(entry - 1),
                Some(_) => at = (at + 1) & mask,
            }
        }
    }
}
