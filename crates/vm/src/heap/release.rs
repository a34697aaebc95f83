//! Giving large memory back to the host a part at a time, as the host takes milliseconds to take back many pages at once.
//! Before that it is kept for a while: whoever collects a large heap needs another block of its size soon.

/// Memory below this size is given back at once, and what is larger in parts of this size.
pub(super) const PART_BYTES: usize = 4 << 20;
/// What may wait, as a part of the machine's memory.
const WAITING_PART: u64 = 32;
/// Turns without more of it after which memory begins to go.
const KEPT_TURNS: u32 = 256;
/// Memory that nobody uses any more.
#[derive(Debug, Default)]
pub(crate) struct Released {
    /// Bytes that may wait; what would be more goes at once.
    waiting_max: usize,
    words: Vec<Vec<u64>>,
    bytes: Vec<Vec<u8>>,
    /// Bytes of all of it.
    waiting: usize,
    /// Turns since the last was added.
    turns: u32,
}

impl Released {
    /// Nothing yet, in a machine of so many bytes.
    pub(crate) fn of(machine_bytes_max: u64) -> Released {
        let waiting_max = usize::try_from(machine_bytes_max / WAITING_PART).unwrap_or(usize::MAX);
        Released { waiting_max, ..Released::default() }
    }

    /// Gives back words, now or by and by.
    pub(super) fn add_words(&mut self, mut words: Vec<u64>) {
        if self.waits(words.capacity() * 8) {
            words.clear();
            self.words.push(words);
        }
    }

    /// Gives back bytes, now or by and by.
    pub(super) fn add_bytes(&mut self, bytes: Box<[u8]>) {
        if self.waits(bytes.len()) {
            let mut bytes = bytes.into_vec();
            bytes.clear();
            self.bytes.push(bytes);
        }
    }

    fn waits(&mut self, bytes: usize) -> bool {
        let waits = bytes > PART_BYTES && self.waiting + bytes <= self.waiting_max;
        if waits {
            self.waiting += bytes;
            self.turns = 0;
        }
        waits
    }

    /// Words that were released, exactly so many, to be used again. What is in them is what was.
    pub(super) fn take_words(&mut self, count: usize) -> Option<Vec<u64>> {
        let at = self.words.iter().rposition(|words| words.capacity() == count)?;
        self.waiting -= count * 8;
        Some(self.words.swap_remove(at))
    }

    /// Whether nothing is left to be given back.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// A turn has passed: gives back one more part, once all was kept long enough.
    #[cold]
    pub(crate) fn step(&mut self) {
        if self.turns < KEPT_TURNS {
            self.turns += 1;
            return;
        }
        self.waiting -= shrink_last(&mut self.words, PART_BYTES / 8) * 8;
        self.waiting -= shrink_last(&mut self.bytes, PART_BYTES);
    }

    /// Gives everything back.
    #[cold]
    pub(crate) fn clear(&mut self) {
        *self = Released { waiting_max: self.waiting_max, ..Released::default() };
    }
}

/// Makes the last allocation smaller by a part, without what would be left of it if that is little; by how much.
fn shrink_last<T>(all: &mut Vec<Vec<T>>, part: usize) -> usize {
    let Some(last) = all.last_mut() else { return 0 };
    let before = last.capacity();
    last.shrink_to(before.saturating_sub(part));
    let left = last.capacity();
    // A host that does not take a part back gets all at once.
    if left <= part || left == before {
        all.pop();
        return before;
    }
    before - left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(released: &mut Released) -> u32 {
        let mut steps = 0;
        while !released.is_empty() {
            released.step();
            steps += 1;
        }
        steps
    }

    #[test]
    fn large_memory_is_kept_and_then_goes_in_parts() {
        let mut released = Released::of(1 << 40);
        released.add_words(vec![1; 100]);
        released.add_bytes(vec![1; 100].into());
        assert!(released.is_empty(), "small memory goes at once");
        released.add_words(Vec::with_capacity(PART_BYTES / 2));
        released.add_bytes(vec![0; PART_BYTES * 3].into());
        assert_eq!(steps(&mut released), KEPT_TURNS + 3);
    }

    #[test]
    fn words_are_used_again_as_long_as_they_are_whole() {
        let mut released = Released::of(1 << 40);
        let count = PART_BYTES / 2;
        released.add_words(Vec::with_capacity(count));
        assert!(released.take_words(count - 1).is_none());
        let again = released.take_words(count);
        assert_eq!(again.map(|words| (words.len(), words.capacity())), Some((0, count)));
        assert!(released.is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut released = Released::of(4 << 30);
        for _ in 0..100 {
            released.add_words(Vec::with_capacity(1 << 20));
            assert!(released.waiting <= 128 << 20);
        }
        released.clear();
        assert!(released.is_empty());
    }
}
