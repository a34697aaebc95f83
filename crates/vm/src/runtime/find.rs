//! The search for a needle in a haystack, in time linear in both and in little memory, that can stop anywhere.
//!
//! The two-way method of Crochemore and Perrin (1991): the needle is cut where a mismatch on the right lets it move to
//! behind that, and one on the left by its period.

use super::Cx;
use super::bulk::{PIECE_BYTES, SLOW_PIECE_BYTES, State};
use crate::heap::word;
use crate::interp::Stop;

/// Bytes that are compared before the steps are counted.
const CHUNK: usize = 1024;

/// What a search is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Looks for the needle's largest suffix in the order of bytes, then in the opposite order.
    Suffix { is_opposite: bool },
    /// Compares the needle's part behind the cut.
    Right,
    /// Compares its part before the cut, from the cut on.
    Left,
}

/// A search, as far as it got.
#[derive(Debug)]
pub(super) struct Finder {
    stage: Stage,
    /// Of the suffix: where it starts, its rival, bytes that both have in common, its period.
    suffix: [usize; 4],
    /// Where the needle is cut.
    cut: usize,
    period: usize,
    /// Whether the needle as a whole has the period.
    is_periodic: bool,
    /// Where the needle is held against the haystack.
    position: usize,
    /// Bytes of the needle that are known to match there, by its period.
    known: usize,
    /// The byte of the needle that is compared next; going left the one before it is.
    at: usize,
}

impl Finder {
    pub(super) fn new() -> Finder {
        Finder {
            stage: Stage::Suffix { is_opposite: false },
            suffix: [0, 1, 0, 1],
            cut: 0,
            period: 1,
            is_periodic: false,
            position: 0,
            known: 0,
            at: 0,
        }
    }

    /// Goes on for about so many steps; gives the answer once there is one. The needle is not empty.
    pub(super) fn go_on(&mut self, haystack: &[u8], needle: &[u8], mut steps: usize) -> Option<Option<usize>> {
        while steps > 0 {
            match self.stage {
                Stage::Suffix { is_opposite } => {
                    if self.find_suffix(needle, is_opposite, &mut steps) {
                        self.cut(needle, is_opposite);
                    }
                }
                Stage::Right => {
                    if self.position + needle.len() > haystack.len() {
                        return Some(None);
                    }
                    if self.at == self.cut && self.known == 0 && !self.skip(haystack, needle, &mut steps) {
                        continue;
                    }
                    self.compare_right(haystack, needle, &mut steps);
                }
                Stage::Left => {
                    if self.compare_left(haystack, needle, &mut steps) {
                        return Some(Some(self.position));
                    }
                }
            }
        }
        None
    }

    /// Looks for the largest suffix; says whether it is found.
    fn find_suffix(&mut self, needle: &[u8], is_opposite: bool, steps: &mut usize) -> bool {
        let [mut start, mut rival, mut common, mut period] = self.suffix;
        while let Some(byte) = needle.get(rival + common) {
            if *steps == 0 {
                self.suffix = [start, rival, common, period];
                return false;
            }
            *steps -= 1;
            let other = needle[start + common];
            if *byte == other {
                common += 1;
                if common == period {
                    rival += common;
                    common = 0;
                }
            } else if (*byte < other) != is_opposite {
                rival += common + 1;
                common = 0;
                period = rival - start;
            } else {
                start = rival;
                rival += 1;
                common = 0;
                period = 1;
            }
        }
        self.suffix = [start, rival, common, period];
        true
    }

    /// Takes the later one of the two suffixes as the cut.
    fn cut(&mut self, needle: &[u8], is_opposite: bool) {
        let [start, _, _, period] = self.suffix;
        if !is_opposite || start > self.cut {
            (self.cut, self.period) = (start, period);
        }
        if !is_opposite {
            self.suffix = [0, 1, 0, 1];
            self.stage = Stage::Suffix { is_opposite: true };
            return;
        }
        let behind = self.period..self.period + self.cut;
        self.is_periodic = needle.get(behind).is_some_and(|part| *part == needle[..self.cut]);
        if !self.is_periodic {
            self.period = self.cut.max(needle.len() - self.cut) + 1;
        }
        self.move_by(0, 0);
    }

    /// Holds the needle against a later place, where some of its first bytes are known to match.
    fn move_by(&mut self, bytes: usize, known: usize) {
        self.position += bytes;
        self.known = known;
        self.at = self.cut.max(known);
        self.stage = Stage::Right;
    }

    /// Goes to the next place where the byte behind the cut is the needle's; says whether there is one so far.
    fn skip(&mut self, haystack: &[u8], needle: &[u8], steps: &mut usize) -> bool {
        let from = self.position + self.cut;
        let end = (haystack.len() - needle.len() + self.cut + 1).min(from.saturating_add(*steps));
        let wanted = needle[self.cut];
        let found = haystack[from..end].iter().position(|byte| *byte == wanted);
        let skipped = found.unwrap_or(end - from);
        self.position += skipped;
        *steps = steps.saturating_sub(skipped);
        found.is_some()
    }

    fn compare_right(&mut self, haystack: &[u8], needle: &[u8], steps: &mut usize) {
        let end = needle.len().min(self.at + CHUNK);
        let (mine, theirs) = (&needle[self.at..end], &haystack[self.position + self.at..self.position + end]);
        let differs = mine.iter().zip(theirs).position(|(mine, theirs)| mine != theirs);
        *steps = steps.saturating_sub(1 + differs.unwrap_or(mine.len()));
        self.at += differs.unwrap_or(mine.len());
        if differs.is_some() {
            self.move_by(self.at - self.cut + 1, 0);
        } else if end == needle.len() {
            (self.stage, self.at) = (Stage::Left, self.cut);
        }
    }

    /// Says whether all matches.
    fn compare_left(&mut self, haystack: &[u8], needle: &[u8], steps: &mut usize) -> bool {
        let start = if self.is_periodic { self.known } else { 0 };
        while self.at > start {
            if *steps == 0 {
                return false;
            }
            *steps -= 1;
            self.at -= 1;
            if needle[self.at] != haystack[self.position + self.at] {
                let known = if self.is_periodic { needle.len() - self.period } else { 0 };
                self.move_by(self.period, known);
                return false;
            }
        }
        true
    }
}

/// `a` := where in `b` the needle `c` first stands at or behind `d`, or null.
pub(crate) fn find(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (haystack, needle) = (cx.b(), cx.c());
    let from = cx.position(cx.d(), cx.bytes(haystack).len())?;
    let found = cx.find_bytes(haystack, needle, from)?.map(|at| from + at);
    // A position in what fits a block always fits a small integer.
    cx.set_a(found.and_then(|at| word::small_int(at as i64)).unwrap_or(word::NULL));
    Ok(())
}

impl Cx<'_> {
    /// Where a needle stands in what is behind a position, all of which is charged wherever that is.
    fn find_bytes(&mut self, haystack: u64, needle: u64, from: usize) -> Result<Option<usize>, Stop> {
        let (length, needle_length) = (self.bytes(haystack).len() - from, self.bytes(needle).len());
        if needle_length == 0 || needle_length > length {
            self.charge(length);
            return Ok(if needle_length == 0 { Some(0) } else { None });
        }
        if needle_length == 1 && !self.is_resumed() {
            // The next blank or line end is mostly near.
            let (wanted, near) = (self.bytes(needle)[0], from..from + length.min(PIECE_BYTES));
            let found = self.bytes(haystack)[near].iter().position(|byte| *byte == wanted);
            if found.is_some() || length <= PIECE_BYTES {
                self.charge(length);
                return Ok(found);
            }
        }
        let mut bulk = self.resume();
        let mut finder = if let State::Finder(finder) = std::mem::take(&mut bulk.state) { *finder } else { Finder::new() };
        let answer = finder.go_on(&self.bytes(haystack)[from..], self.bytes(needle), SLOW_PIECE_BYTES);
        let charged = length.min(if answer.is_some() { length } else { bulk.done + SLOW_PIECE_BYTES });
        self.charge(charged - bulk.done);
        bulk.done = charged;
        if let Some(answer) = answer {
            return Ok(answer);
        }
        // A long needle takes more steps than are charged, and more pieces then.
        bulk.state = State::Finder(Box::new(finder));
        self.put_off(bulk, Stop::Preempted)
    }
}

#[cfg(test)]
mod tests {
    use super::Finder;

    /// Searches in one go and in the smallest pieces.
    #[track_caller]
    fn check(haystack: &[u8], needle: &[u8]) {
        let wanted = haystack.windows(needle.len()).position(|window| window == needle);
        for steps in [usize::MAX, 1, 3] {
            let mut search = Finder::new();
            let answer = (0..100 * (haystack.len() + needle.len()))
                .find_map(|_| search.go_on(haystack, needle, steps))
                .expect("the search ends");
            assert_eq!(answer, wanted, "{needle:?} in {haystack:?}, {steps} steps at a time");
        }
    }

    #[test]
    fn finds_what_the_naive_search_finds() {
        for (haystack, needle) in
            [("", "a"), ("aaaaab", "aab"), ("abababac", "ababac"), ("abcabcabd", "abcabd"), ("abc", "abcd"), ("xyz", "z")]
        {
            check(haystack.as_bytes(), needle.as_bytes());
        }
    }

    /// All needles of up to seven bytes and haystacks of twelve, of two letters.
    #[test]
    fn finds_every_short_needle() {
        let word = |bits: u32, length: u32| (0..length).map(|at| b'a' + (bits >> at & 1) as u8).collect::<Vec<u8>>();
        for bits in 0..1 << 12 {
            let haystack = word(bits, 12);
            for length in 1..8 {
                // Of each length the needles that stand in it, and one that may not.
                for start in 0..=12 - length {
                    check(&haystack, &word(bits >> start, length));
                }
                check(&haystack, &word(bits.reverse_bits() >> 9, length));
            }
        }
    }

    #[test]
    fn takes_no_more_than_a_few_steps_a_byte() {
        let haystack = [b'a'; 20_000];
        for (front, back) in [(9_000, 0), (0, 9_000), (4_500, 4_500)] {
            let needle = [vec![b'a'; front], vec![b'b'], vec![b'a'; back]].concat();
            let mut search = Finder::new();
            let pieces = (1..).find(|_| search.go_on(&haystack, &needle, 1_000).is_some());
            assert!(pieces.is_some_and(|pieces| pieces <= 100), "{pieces:?} pieces of 1,000 steps");
        }
    }
}
