//! Tells in constant time whether the stacks of two targets begin alike.
//!
//! A target's stack is cut into chunks, and each beginning that ends with a chunk gets a number, the same number for
//! equal beginnings: it stands for the number of the beginning before it and the chunk. Most stacks are shorter than two
//! chunks and are compared as they are.
//!
//! **Invariant:** numbering costs each target once, in time linear in its stack.

use super::interner::{Interner, Mixer};
use crate::index::{TargetIndex, TypeIndex};
use crate::module::Target;

const CHUNK: usize = 16;

#[derive(Default)]
pub(super) struct Prefixes {
    /// All beginnings: the one before it, and where its last chunk stands.
    prefixes: Vec<Prefix>,
    known: Interner,
    /// For each target where its beginnings start in `numbers`, if they are known.
    starts: Vec<Option<u32>>,
    numbers: Vec<u32>,
}

struct Prefix {
    before: Option<u32>,
    target: TargetIndex,
    chunk: usize,
}

impl Prefixes {
    pub(super) fn clear(&mut self) {
        self.prefixes.clear();
        self.starts.clear();
        self.numbers.clear();
    }

    /// Whether the `height` lowest slots of two targets are the same.
    pub(super) fn same(
        &mut self,
        mixer: &Mixer,
        targets: &[Target],
        pair: (TargetIndex, TargetIndex),
        height: usize,
    ) -> bool {
        let slots =
            |target: TargetIndex, from: usize| targets.get(target.at()).and_then(|target| target.stack.get(from..height));
        if height < 2 * CHUNK {
            return slots(pair.0, 0) == slots(pair.1, 0);
        }
        let chunks = height / CHUNK;
        let numbers = [pair.0, pair.1].map(|target| self.number(mixer, targets, target, chunks));
        numbers[0] == numbers[1] && slots(pair.0, chunks * CHUNK) == slots(pair.1, chunks * CHUNK)
    }

    /// The number of the beginning of a target's stack that has `chunks` chunks.
    fn number(&mut self, mixer: &Mixer, targets: &[Target], target: TargetIndex, chunks: usize) -> Option<u32> {
        if self.starts.is_empty() {
            self.starts.resize(targets.len(), None);
            self.known = Interner::with_capacity(targets.iter().map(|target| target.stack.len() / CHUNK).sum());
        }
        let start = match self.starts.get(target.at()).copied().flatten() {
            Some(start) => start,
            None => self.learn(mixer, targets, target),
        };
        self.numbers.get(start as usize + chunks - 1).copied()
    }

    fn learn(&mut self, mixer: &Mixer, targets: &[Target], target: TargetIndex) -> u32 {
        let start = self.numbers.len() as u32;
        let count = chunks_of(targets, target).len();
        let mut before = None;
        for chunk in 0..count {
            let types = chunk_at(targets, target, chunk);
            let first = mixer.word(before.map_or(u64::MAX, u64::from));
            let hash = types
                .as_chunks::<2>()
                .0
                .iter()
                .fold(first, |mixer, [a, b]| mixer.word(u64::from(a.0) << 32 | u64::from(b.0)));
            let number = self.prefixes.len() as u32;
            let same = |other: u32| {
                let other = self.prefixes.get(other as usize);
                other.is_some_and(|other| other.before == before && chunk_at(targets, other.target, other.chunk) == types)
            };
            let number = match self.known.insert(hash.finish(), number, same) {
                Some(known) => known,
                None => {
                    self.prefixes.push(Prefix { before, target, chunk });
                    number
                }
            };
            self.numbers.push(number);
            before = Some(number);
        }
        self.starts.get_mut(target.at()).into_iter().for_each(|slot| *slot = Some(start));
        start
    }
}

fn chunks_of(targets: &[Target], target: TargetIndex) -> &[[TypeIndex; CHUNK]] {
    targets.get(target.at()).map_or(&[], |target| target.stack.as_chunks::<CHUNK>().0)
}

fn chunk_at(targets: &[Target], target: TargetIndex, chunk: usize) -> &[TypeIndex] {
    chunks_of(targets, target).get(chunk).map_or(&[], |chunk| chunk)
}
