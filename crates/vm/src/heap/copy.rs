//! Copies of values between fibers, by the same algorithm as a collection: an object that was copied says where its copy
//! is, until all are, and then gets its header back.
//!
//! A copy is made in the [`Scratch`] of the machine, which is used again and again. From there it goes straight into the
//! block of a receiver that waits, or is kept as a [`Fragment`]. A large one is made in pieces: what is there of it goes
//! with the fiber meanwhile, in whose block headers are missing, and which therefore must do nothing else.
//!
//! **Invariant:** a copy that is over has left the sender's block as it was.

use super::PIECE_BYTES;
use super::block::Block;
use super::fragment::{Fragment, HELD_WORDS_MIN, place};
use super::shared::Shared;
use super::word::{Header, Kind, is_reference};

/// What cannot be copied, or for want of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CopyError {
    OutOfMemory,
    /// Larger than the given limit.
    TooLarge,
}

/// Where copies are made. What it holds is good until the next copy.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// As in a [`Fragment`].
    words: Vec<u64>,
    /// Offsets of the objects in it that name something outside.
    shared: Vec<u32>,
    /// Objects of the sender whose header was replaced, in the order in which they were copied.
    moved: Vec<u32>,
    /// The object of the copy whose words are looked at, and the next of them if it is one that takes long.
    at: usize,
    next_word: usize,
    /// Where in the sender's block such an object is.
    long_source: usize,
    /// How many of `moved` have their header back.
    restored: usize,
    /// How large the copy may become.
    bytes_max: usize,
    /// Why it cannot be made.
    failed: Option<CopyError>,
}

/// Words of scratch that are kept for the next copy; more are given back.
const SCRATCH_WORDS_KEPT: usize = 1 << 17;
/// Headers that are given back at one time: as many as objects fit a piece.
const RESTORED_MAX: usize = PIECE_BYTES / 8;

/// What is copied of a short object at one time. It may be more than the object is: behind every object there are a frame
/// and the sentinel, which have as much.
type Short = [u64; SHORT_WORDS];
const SHORT_WORDS: usize = 6;
const SHORT_BYTES: usize = size_of::<Short>();
/// A longer object than this is copied when its words are looked at, a part at a time: a small one where they are
/// references, each of which may make another object of that size be copied.
const LONG_BYTES: usize = 4096;
const PART_BYTES: usize = 64 << 10;
const SCANNED_PART_BYTES: usize = 2 << 10;

/// Where copies go: where offset 0 would be, the offset of the next object, and the one that none may reach over.
#[derive(Clone, Copy)]
struct Target {
    base: *mut u8,
    next: usize,
    end: usize,
}

/// The list of objects that were copied, taken apart.
#[derive(Clone, Copy)]
struct Moved {
    list: *mut u32,
    used: usize,
    room: usize,
}

/// What is copied straight into another block at most, and the most objects that can be.
const NEAR_BYTES_MAX: usize = 16 << 10;
const NEAR_OBJECTS_MAX: usize = NEAR_BYTES_MAX / 8;

/// The two blocks of a copy straight from one into the other, and where in the second one it must end.
#[derive(Clone, Copy)]
struct Near {
    from: *mut u8,
    to: *mut u8,
    /// Where the last word of an object may lie. What is copied beyond an object is less than a short one.
    last: *mut u64,
}

impl Scratch {
    /// Begins a copy of what `roots` reach out of a block, and replaces them by words of the copy.
    ///
    /// # Errors
    /// Why it cannot be made; the block is as it was.
    pub(crate) fn start(&mut self, block: Block, roots: &mut [u64], bytes_max: usize) -> Result<(), CopyError> {
        if self.words.capacity() > SCRATCH_WORDS_KEPT {
            *self = Scratch::default();
        }
        self.words.clear();
        self.words.push(0);
        self.clear(8);
        self.bytes_max = bytes_max;
        let mut target = self.target();
        let begun = self.copy_roots(block, roots, &mut target);
        self.set_length(target);
        if begun.is_err() {
            self.restore_some(block, target.base, usize::MAX);
        }
        begun
    }

    /// Goes on with a copy by a piece; nothing as long as it is not over.
    pub(crate) fn step(&mut self, block: Block) -> Option<Result<(), CopyError>> {
        let target = self.target();
        if self.failed.is_none() && self.at < target.next {
            let stop = self.at.max(self.next_word) + PIECE_BYTES;
            let mut moving = target;
            let scanned = self.scan(block, &mut moving, stop);
            self.set_length(moving);
            self.failed = scanned.err();
            if self.failed.is_none() && self.at < moving.next {
                return None;
            }
        }
        let base = self.words.as_mut_ptr().cast();
        if !self.restore_some(block, base, RESTORED_MAX) {
            return None;
        }
        Some(self.failed.map_or(Ok(()), Err))
    }

    /// Copies what `roots` reach out of a block, and replaces them by words of the copy; it is at most a piece.
    pub(crate) fn copy(&mut self, block: Block, roots: &mut [u64], bytes_max: usize) -> Result<(), CopyError> {
        debug_assert!(bytes_max <= PIECE_BYTES);
        self.start(block, roots, bytes_max)?;
        loop {
            if let Some(result) = self.step(block) {
                return result;
            }
        }
    }

    /// Copies what a word reaches out of one block straight into another one at `top`, below `end`; gives the word there
    /// and the new top. Nothing when there is no room, it is more than [`NEAR_BYTES_MAX`], or something outside is named.
    pub(crate) fn copy_across(&mut self, from: Block, word: u64, to: Block, top: usize, end: usize) -> Option<(u64, usize)> {
        debug_assert!(top & 7 == 0 && top <= end && end <= to.bytes());
        debug_assert!(is_reference(word) && word as usize + SHORT_BYTES <= from.bytes());
        self.moved.clear();
        self.moved.try_reserve(NEAR_OBJECTS_MAX).ok()?;
        let end = end.min(top + NEAR_BYTES_MAX);
        if end - top < SHORT_BYTES {
            return None;
        }
        let near = Near { from: from.base(), to: to.base(), last: to.base().wrapping_add(end - SHORT_BYTES).cast() };
        // SAFETY: `word` is a reference of the fiber whose block is `from`, so what it reaches are objects there, and behind
        // each there is as much as `Short` says; the room of the other block between `top` and `end` is free. There is room in
        // the list for as many objects as there is room for in the block.
        let (new_top, moved) = unsafe { near.copy(word, top, self.moved.as_mut_ptr()) };
        // SAFETY: so many were written.
        unsafe { self.moved.set_len(moved) };
        self.restored = 0;
        self.restore_some(from, to.base(), usize::MAX);
        new_top.map(|new_top| (top as u64, new_top))
    }

    fn clear(&mut self, first: usize) {
        self.shared.clear();
        self.moved.clear();
        (self.at, self.next_word, self.restored, self.failed) = (first, 0, 0, None);
    }

    /// The words of the scratch as a target, behind what is there.
    fn target(&mut self) -> Target {
        let end = (self.words.capacity() * 8).min(self.bytes_max);
        Target { base: self.words.as_mut_ptr().cast(), next: self.words.len() * 8, end }
    }

    fn set_length(&mut self, target: Target) {
        // SAFETY: `target` was made of the words, which have room up to `next`; up to there all has been written, or, of
        // objects that are not copied yet, is written before it is read.
        unsafe { self.words.set_len(target.next / 8) }
    }

    fn take_moved(&mut self) -> Moved {
        Moved { list: self.moved.as_mut_ptr(), used: self.moved.len(), room: self.moved.capacity() }
    }

    fn put_moved(&mut self, moved: Moved) {
        // SAFETY: the first `used` have been written, and there is room for them.
        unsafe { self.moved.set_len(moved.used) }
    }

    fn copy_roots(&mut self, block: Block, roots: &mut [u64], target: &mut Target) -> Result<(), CopyError> {
        let mut moved = self.take_moved();
        let mut result = Ok(());
        for root in roots {
            if is_reference(*root) && result.is_ok() {
                match self.forward(block, *root, target, &mut moved) {
                    Ok(word) => *root = word,
                    Err(error) => result = Err(error),
                }
            }
        }
        self.put_moved(moved);
        result
    }

    /// Copies what the objects from `at` on reach, until that is all or `at` is not below `stop` any more.
    #[inline]
    fn scan(&mut self, block: Block, into: &mut Target, stop: usize) -> Result<(), CopyError> {
        let mut target = *into;
        let mut moved = self.take_moved();
        let mut at = self.at;
        let mut result = Ok(());
        let full = target.next.saturating_add(PIECE_BYTES);
        'objects: while at < target.next && at < stop && target.next < full {
            // SAFETY: between `at` and `next` lie objects of which at least the header was copied there.
            let header = unsafe { Header(target.base.add(at).cast::<u64>().read()) };
            let bytes = header.bytes();
            if bytes > LONG_BYTES {
                self.at = at;
                (target, moved, result) = self.scan_long(block, header, target, moved, stop);
                at = self.at;
                if result.is_err() || self.next_word > 0 {
                    break;
                }
                continue;
            }
            let end = at + 8 + header.scan() * 8;
            let mut place = at + 8;
            while place < end {
                // SAFETY: the object was copied there; the base may have changed with each object that was copied.
                let value = unsafe { target.base.add(place).cast::<u64>().read() };
                if is_reference(value) {
                    match self.forward(block, value, &mut target, &mut moved) {
                        // SAFETY: as above.
                        Ok(word) => unsafe { target.base.add(place).cast::<u64>().write(word) },
                        Err(error) => {
                            result = Err(error);
                            break 'objects;
                        }
                    }
                }
                place += 8;
            }
            at += bytes;
        }
        self.at = at;
        self.put_moved(moved);
        *into = target;
        result
    }

    /// Copies and looks at the words of a long object, up to `stop`; with the last of them `at` goes on behind it.
    #[cold]
    #[inline(never)]
    fn scan_long(
        &mut self,
        block: Block,
        header: Header,
        mut target: Target,
        mut moved: Moved,
        stop: usize,
    ) -> (Target, Moved, Result<(), CopyError>) {
        let (first, end) = (self.at + 8, self.at + header.bytes());
        if self.next_word == 0 {
            // SAFETY: the object is longer than two words, and its first one says where it was.
            self.long_source = unsafe { target.base.add(first).cast::<u64>().read() as usize };
            self.next_word = first;
        }
        let scanned = first + header.scan() * 8;
        let full = target.next.saturating_add(PIECE_BYTES);
        while self.next_word < end && self.next_word < stop && target.next < full {
            let part = if self.next_word < scanned { SCANNED_PART_BYTES } else { PART_BYTES };
            let part_end = end.min(self.next_word + part);
            let scan_end = part_end.min(scanned);
            // SAFETY: the object lies in the block from `long_source` on, and has room in the target up to `end`.
            unsafe {
                let from = block.base().add(self.long_source + self.next_word - self.at);
                let to = target.base.add(self.next_word);
                std::ptr::copy_nonoverlapping(from, to, part_end - self.next_word);
            }
            let mut place = self.next_word;
            while place < scan_end {
                // SAFETY: as above.
                let value = unsafe { target.base.add(place).cast::<u64>().read() };
                if is_reference(value) {
                    match self.forward(block, value, &mut target, &mut moved) {
                        // SAFETY: as above.
                        Ok(word) => unsafe { target.base.add(place).cast::<u64>().write(word) },
                        Err(error) => return (target, moved, Err(error)),
                    }
                }
                place += 8;
            }
            self.next_word = part_end;
        }
        if self.next_word == end {
            (self.at, self.next_word) = (end, 0);
        }
        (target, moved, Ok(()))
    }

    /// The offset of the copy of the object that a reference means; it is made if there is none.
    #[inline(always)]
    fn forward(&mut self, block: Block, reference: u64, target: &mut Target, moved: &mut Moved) -> Result<u64, CopyError> {
        let from = reference as usize;
        debug_assert!(from + SHORT_BYTES <= block.bytes());
        // SAFETY: a reference in a verified fiber is the offset of an object in its block, whose header says how long it
        // is. There is room for the copy up to `end`, which is looked at first; the target is another block or the
        // scratch, so it does not overlap. What is read beyond a short object lies in the block, as `Short` says; what is
        // written beyond it lies below `end`, where nothing is yet. There is room in the list for one more, or it is made.
        unsafe {
            let object = block.base().add(from);
            let first = object.cast::<u64>().read();
            if let Some(to) = Header::forwarded(first) {
                return Ok(to);
            }
            let header = Header(first);
            let bytes = header.bytes();
            if target.next + SHORT_BYTES > target.end || bytes > SHORT_BYTES {
                *target = self.copy_object(block, from, bytes, *target)?;
            } else {
                let to = target.base.add(target.next).cast::<Short>();
                to.write_unaligned(object.cast::<Short>().read_unaligned());
            }
            if moved.used == moved.room {
                *moved = self.grow_moved(*moved)?;
            }
            moved.list.add(moved.used).write(reference as u32);
            moved.used += 1;
            let offset = target.next as u64;
            if header.is(Kind::SharedText) || header.is(Kind::SharedBytes) {
                self.shared.push(offset as u32);
            }
            object.cast::<u64>().write(Header::forward(offset));
            target.next += bytes;
            Ok(offset)
        }
    }

    /// Makes room for an object, and copies it; of a long one only the header and where it is.
    #[inline(never)]
    fn copy_object(&mut self, block: Block, from: usize, bytes: usize, target: Target) -> Result<Target, CopyError> {
        let mut target = target;
        if bytes > target.end - target.next {
            target = self.grow(bytes, target)?;
        }
        // SAFETY: there is room for the object at `next`, and a long one has more than two words.
        unsafe {
            let (object, to) = (block.base().add(from), target.base.add(target.next));
            if bytes > LONG_BYTES {
                to.cast::<u64>().write(object.cast::<u64>().read());
                to.cast::<u64>().add(1).write(from as u64);
            } else {
                std::ptr::copy_nonoverlapping(object, to, bytes);
            }
        }
        Ok(target)
    }

    /// Makes room for an object of so many bytes in the scratch.
    #[cold]
    fn grow(&mut self, bytes: usize, target: Target) -> Result<Target, CopyError> {
        if target.next + bytes > self.bytes_max {
            return Err(CopyError::TooLarge);
        }
        self.set_length(target);
        self.words.try_reserve(bytes / 8).map_err(|_| CopyError::OutOfMemory)?;
        Ok(self.target())
    }

    #[cold]
    fn grow_moved(&mut self, moved: Moved) -> Result<Moved, CopyError> {
        self.put_moved(moved);
        self.moved.try_reserve(1).map_err(|_| CopyError::OutOfMemory)?;
        Ok(self.take_moved())
    }

    /// Gives some of the sender's objects their headers back, which stand in the copies; whether all have them.
    fn restore_some(&mut self, block: Block, copies: *const u8, max: usize) -> bool {
        let end = self.moved.len().min(self.restored.saturating_add(max));
        for offset in &self.moved[self.restored..end] {
            // SAFETY: each is the offset of an object of the block that was copied, to where its first word says.
            unsafe {
                let object = block.base().add(*offset as usize).cast::<u64>();
                let to = object.read() & !1;
                object.write(copies.add(to as usize).cast::<u64>().read());
            }
        }
        self.restored = end;
        end == self.moved.len()
    }

    /// Bytes of the copy that are done.
    pub(crate) fn done(&self) -> usize {
        self.at.max(self.next_word) - 8
    }

    /// Whether only headers are still to be given back.
    pub(crate) fn is_copied(&self) -> bool {
        self.failed.is_some() || self.at == self.words.len() * 8
    }

    /// Whether nothing is left to be done.
    pub(crate) fn is_over(&self) -> bool {
        self.is_copied() && self.restored == self.moved.len()
    }

    /// Gives up the copy, which is over when all headers are back.
    pub(crate) fn fail(&mut self, error: CopyError) {
        self.failed = Some(error);
    }

    /// Bytes that it takes with its lists.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes() + (self.moved.len() + self.shared.len()) * size_of::<u32>()
    }

    /// Gives it up.
    pub(crate) fn release(self, shared: &mut Shared) {
        shared.released.add_words(self.words);
    }

    /// Bytes that the copy needs in a block.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.words.len().saturating_sub(1) * 8
    }

    /// Whether an object of the copy names something outside.
    #[inline]
    pub(crate) fn has_shared(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Puts the copy into a block at `top`, as [`Fragment::adopt`] does. There is nothing outside that it names.
    #[inline]
    pub(crate) fn adopt(&self, block: Block, top: usize) -> u64 {
        debug_assert!(!self.has_shared());
        place(&self.words, block, top)
    }

    /// The copy as a fragment, which counts for what it names outside.
    pub(crate) fn keep(&mut self, shared: &mut Shared) -> Fragment {
        if self.words.len() < HELD_WORDS_MIN {
            return Fragment::of(self.words.clone(), self.shared.clone(), shared);
        }
        Fragment::of(std::mem::take(&mut self.words), std::mem::take(&mut self.shared), shared)
    }
}

/// Copies what a short object does not have.
///
/// # Safety
/// Both are the start of so many words, and do not overlap.
#[cold]
#[inline(never)]
unsafe fn copy_rest(from: *const u64, to: *mut u64, words: usize) {
    // SAFETY: as the contract says.
    unsafe { std::ptr::copy_nonoverlapping(from.add(SHORT_WORDS), to.add(SHORT_WORDS), words - SHORT_WORDS) }
}

impl Near {
    /// Copies what a reference reaches to `top` and on; gives where it ends, unless it stopped before, and how many objects
    /// were copied, whose places are in the list.
    ///
    /// This is the loop of [`Scratch::scan`] for the usual message: nothing in it is long, grows, or can be put off, so that
    /// all it needs stays in registers.
    ///
    /// # Safety
    /// `from` is the base of a block in which `root` is a reference, and behind each object of which there are the bytes that
    /// [`Short`] says; from the base `to` on there is free room between `top` and `end`, which is at most [`NEAR_BYTES_MAX`],
    /// and in the list for [`NEAR_OBJECTS_MAX`].
    #[inline(never)]
    unsafe fn copy(self, root: u64, top: usize, moved: *mut u32) -> (Option<usize>, usize) {
        let mut root = root;
        let mut count = 0;
        // SAFETY: as this function's contract says. The places from `place` to `places_end` are the root itself or words of an
        // object below `at`; the objects from `at` to `next` are copied, and their words still mean the other block.
        unsafe {
            let mut place = &raw mut root;
            let mut places_end = place.add(1);
            let (mut at, mut next) = (self.to.add(top).cast::<u64>(), self.to.add(top).cast::<u64>());
            loop {
                while place != places_end {
                    let value = place.read();
                    if is_reference(value) {
                        let object = self.from.add(value as usize).cast::<u64>();
                        let first = object.read();
                        let copy = if let Some(copy) = Header::forwarded(first) {
                            copy
                        } else {
                            let words = Header(first).words();
                            let last = next.wrapping_add(words);
                            if last > self.last {
                                return (None, count);
                            }
                            next.cast::<Short>().write_unaligned(object.cast::<Short>().read_unaligned());
                            if words >= SHORT_WORDS {
                                copy_rest(object, next, words + 1);
                            }
                            moved.add(count).write(value as u32);
                            count += 1;
                            let copy = next.byte_offset_from_unsigned(self.to) as u64;
                            object.write(Header::forward(copy));
                            next = last.add(1);
                            copy
                        };
                        place.write(copy);
                    }
                    place = place.add(1);
                }
                loop {
                    if at == next {
                        return (Some(next.byte_offset_from_unsigned(self.to)), count);
                    }
                    let header = Header(at.read());
                    place = at.add(1);
                    at = place.add(header.words());
                    if !header.is_leaf() {
                        places_end = if header.is_scanned() { at } else { place.add(header.scan()) };
                        break;
                    }
                    if header.is(Kind::SharedText) || header.is(Kind::SharedBytes) {
                        return (None, count);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::{Pool, header};
    use super::super::fragment::relocate;
    use super::super::word::{NULL, TAG_INT};
    use super::*;

    const NO_LIMIT: usize = 1 << 20;

    fn pair(block: Block, at: usize, left: u64, right: u64) -> u64 {
        block.store(at, Header::new(Kind::Fields, 40, 3, 2).0);
        block.store(at + 8, left);
        block.store(at + 16, right);
        block.store(at + 24, 7);
        at as u64
    }

    fn copy_of(block: Block, roots: &mut [u64], shared: &mut Shared) -> Fragment {
        let mut scratch = Scratch::default();
        scratch.copy(block, roots, NO_LIMIT).unwrap();
        scratch.keep(shared)
    }

    fn words(block: Block) -> Vec<u64> {
        (header::HEAP..block.bytes()).step_by(8).map(|at| block.load(at)).collect()
    }

    #[test]
    fn sharing_and_circles_are_kept_and_the_senders_block_as_well() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(512).unwrap(), pool.take(512).unwrap());
        sender.fill_zero(0, 512);
        receiver.fill_zero(0, 512);
        let inner = pair(sender, header::HEAP, 3 << 3 | TAG_INT, NULL);
        let outer = pair(sender, header::HEAP + 32, inner, inner);
        sender.store(inner as usize + 16, outer);
        let before = words(sender);
        let mut roots = [outer, 9 << 3 | TAG_INT, inner];
        let fragment = copy_of(sender, &mut roots, &mut shared);
        assert_eq!(words(sender), before);
        assert_eq!(fragment.bytes(), 64);
        let delta = fragment.adopt(receiver, 128, None);
        let [outer, number, inner] = roots.map(|root| relocate(root, delta));
        assert_eq!(number, 9 << 3 | TAG_INT);
        assert_eq!((receiver.load(outer as usize + 8), receiver.load(outer as usize + 16)), (inner, inner));
        assert_eq!((receiver.load(inner as usize + 8), receiver.load(inner as usize + 16)), (3 << 3 | TAG_INT, outer));
        assert_eq!(receiver.load(inner as usize + 24), 7);
        pool.give(sender);
        pool.give(receiver);
    }

    #[test]
    fn what_is_too_large_leaves_everything_as_it_was() {
        let mut pool = Pool::new(1 << 20, None);
        let sender = pool.take(512).unwrap();
        sender.fill_zero(0, 512);
        let mut last = NULL;
        for at in 0..10 {
            last = pair(sender, header::HEAP + at * 32, last, last);
        }
        let before = words(sender);
        let error = Scratch::default().copy(sender, &mut [last], 200).unwrap_err();
        assert_eq!((error, words(sender)), (CopyError::TooLarge, before));
        pool.give(sender);
    }

    #[test]
    fn a_fragment_holds_what_lies_outside_until_it_is_taken_or_discarded() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(256).unwrap(), pool.take(256).unwrap());
        let number = shared.add(Box::from(*b"text"));
        sender.store(header::HEAP, Header::new(Kind::SharedText, 4, 3, 0).0);
        for (index, word) in [u64::from(number), 0, 4].into_iter().enumerate() {
            sender.store(header::HEAP + 8 + index * 8, word);
        }
        let make = |shared: &mut Shared| copy_of(sender, &mut [header::HEAP as u64], shared);
        let (taken, discarded) = (make(&mut shared), make(&mut shared));
        shared.release(number);
        discarded.discard(&mut shared);
        assert_eq!(shared.get(number), b"text");
        let mut refs = Vec::new();
        taken.adopt(receiver, 64, Some(&mut refs));
        assert_eq!((&refs[..], receiver.load(72)), (&[64][..], u64::from(number)));
        shared.release(number);
        assert_eq!(shared.bytes, 0);
        pool.give(sender);
        pool.give(receiver);
    }

    #[test]
    fn fragments_can_be_joined_and_used_twice() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(256).unwrap(), pool.take(512).unwrap());
        let inner = pair(sender, header::HEAP, 5 << 3 | TAG_INT, NULL);
        let outer = pair(sender, header::HEAP + 32, inner, inner);
        let mut roots = [outer];
        let part = copy_of(sender, &mut roots, &mut shared);
        let mut whole = Fragment::default();
        whole.push(Header::new(Kind::BoxInt, 2, 1, 0), &[9]);
        let delta = whole.append(&part, &mut shared);
        let root = whole.push(Header::new(Kind::Fields, 40, 1, 1), &[relocate(roots[0], delta)]);
        for top in [64, 256] {
            let delta = whole.adopt_copy(receiver, top, None, &mut shared);
            let pair = receiver.load(relocate(root, delta) as usize + 8) as usize;
            let leaf = receiver.load(pair + 8) as usize;
            assert_eq!((receiver.load(pair + 16) as usize, receiver.load(leaf + 8)), (leaf, 5 << 3 | TAG_INT));
        }
        pool.give(sender);
        pool.give(receiver);
    }

    #[test]
    fn a_copy_goes_straight_into_another_block_where_there_is_room() {
        let (mut pool, mut shared) = (Pool::new(1 << 20, None), Shared::default());
        let (sender, receiver) = (pool.take(512).unwrap(), pool.take(512).unwrap());
        receiver.fill_zero(0, 512);
        let inner = pair(sender, header::HEAP, 5 << 3 | TAG_INT, NULL);
        let outer = pair(sender, header::HEAP + 32, inner, inner);
        sender.store(inner as usize + 16, outer);
        let before = words(sender);
        let mut scratch = Scratch::default();
        let end = 64 + 64 + SHORT_BYTES - 8;
        assert_eq!(scratch.copy_across(sender, outer, receiver, 64, end - 8), None, "one word short");
        assert_eq!(words(sender), before);
        let (word, top) = scratch.copy_across(sender, outer, receiver, 64, end).unwrap();
        assert_eq!((word, top, words(sender)), (64, 128, before));
        let inner = receiver.load(64 + 8) as usize;
        assert_eq!((inner, receiver.load(64 + 16), receiver.load(inner + 16)), (96, 96, 64));
        let number = shared.add(Box::from(*b"text"));
        sender.store(header::HEAP, Header::new(Kind::SharedText, 4, 3, 0).0);
        sender.store(header::HEAP + 8, u64::from(number));
        assert_eq!(scratch.copy_across(sender, header::HEAP as u64, receiver, 64, 256), None, "it names something outside");
        pool.give(sender);
        pool.give(receiver);
    }

    #[test]
    fn both_ways_of_copying_give_the_same_objects() {
        const TOP: usize = 1024;
        // Miri takes minutes for all of them.
        const END: usize = if cfg!(miri) { 1500 } else { 6000 };
        let mut pool = Pool::new(1 << 20, None);
        let (sender, near, far) = (pool.take(8192).unwrap(), pool.take(16384).unwrap(), pool.take(16384).unwrap());
        sender.fill_zero(0, 8192);
        // Pairs, leaves, and storages of which all words are scanned, short and long, that mean objects further down.
        let mut objects: Vec<u64> = vec![NULL, 7 << 3 | TAG_INT];
        let mut at = header::HEAP;
        let mut state = 1_u64;
        let mut random = |max: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % max
        };
        while at < END {
            let count = random(12);
            let header = match random(3) {
                0 => Header::new(Kind::Text, 1, count, 0),
                1 => Header::new(Kind::Fields, 40, count, count / 2),
                _ => Header::scanned(Kind::Storage, 9, count),
            };
            sender.store(at, header.0);
            for index in 1..=count {
                let word = if index <= header.scan() { objects[random(objects.len())] } else { random(1 << 20) as u64 };
                sender.store(at + index * 8, word);
            }
            objects.push(at as u64);
            at += header.bytes();
        }
        let before = words(sender);
        let mut scratch = Scratch::default();
        for object in &objects[2..] {
            let (word, top) = scratch.copy_across(sender, *object, near, TOP, 16384).unwrap();
            assert_eq!(words(sender), before);
            let mut roots = [*object];
            scratch.copy(sender, &mut roots, NO_LIMIT).unwrap();
            assert_eq!((word, top - TOP), (relocate(roots[0], TOP as u64 - 8), scratch.bytes()));
            assert_eq!(scratch.adopt(far, TOP), TOP as u64 - 8);
            assert_eq!(near.slice(TOP, top - TOP), far.slice(TOP, top - TOP));
            assert_eq!(words(sender), before);
        }
        [sender, near, far].into_iter().for_each(|block| pool.give(block));
    }
}
