//! Giving large memory back to the host a part at a time, as the host takes milliseconds to take back many pages at once.

/// Memory below this size is given back at once, and what is larger in parts of this size.
pub(super) const PART_BYTES: usize = 4 << 20;

/// Memory that nobody uses any more.
#[derive(Debug, Default)]
pub(crate) struct Released {
    words: Vec<Vec<u64>>,
    bytes: Vec<Vec<u8>>,
}

impl Released {
    /// Gives back words, now or by and by.
    pub(super) fn add_words(&mut self, mut words: Vec<u64>) {
        if words.capacity() * 8 > PART_BYTES {
            words.clear();
            self.words.push(words);
        }
    }

    /// Gives back bytes, now or by and by.
    pub(super) fn add_bytes(&mut self, bytes: Box<[u8]>) {
        if bytes.len() > PART_BYTES {
            let mut bytes = bytes.into_vec();
            bytes.clear();
            self.bytes.push(bytes);
        }
    }

    /// Whether nothing is left to be given back.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.bytes.is_empty()
    }

    /// Gives back one more part.
    #[cold]
    pub(crate) fn step(&mut self) {
        shrink_last(&mut self.words, PART_BYTES / 8);
        shrink_last(&mut self.bytes, PART_BYTES);
    }
}

/// Makes the last allocation smaller by a part; without what would be left of it, if that is little.
fn shrink_last<T>(all: &mut Vec<Vec<T>>, part: usize) {
    let Some(last) = all.last_mut() else { return };
    let before = last.capacity();
    last.shrink_to(before.saturating_sub(part));
    // A host that does not take a part back gets all at once.
    if last.capacity() <= part || last.capacity() == before {
        all.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_memory_goes_in_parts_and_small_memory_at_once() {
        let mut released = Released::default();
        released.add_words(vec![1; 100]);
        released.add_bytes(vec![1; 100].into());
        assert!(released.is_empty());
        released.add_words(vec![1; PART_BYTES / 2]);
        released.add_bytes(vec![1; PART_BYTES * 3].into());
        let mut steps = 0;
        while !released.is_empty() {
            released.step();
            steps += 1;
        }
        assert_eq!(steps, 3);
    }
}
