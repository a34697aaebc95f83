//! Blocks: the one piece of memory that a fiber owns. The heap grows up from the bottom, the stack down from the top.
//!
//! This file and the interpreter's operations are the only ones that touch memory by address. What is safe here checks
//! its bounds; the interpreter uses [`Block::base`] and answers for itself.
//!
//! **Invariant:** a block is `bytes()` bytes of initialised memory at a multiple of 8, from one allocation, until it is
//! given back to its [`Pool`].

use super::release::{PART_BYTES, Released};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::mem::ManuallyDrop;

/// The first words of a block: what a fiber's code must know of its block, at fixed places.
pub(crate) mod header {
    /// Offset of the state of the fiber's random generator (u64). No object is at offset 0, which is null.
    pub(crate) const RANDOM: usize = 0;
    /// Offset of the heap's soft limit (u32) and of the lowest frame that the stack limit allows (u32).
    pub(crate) const LIMITS: usize = 8;
    /// Offset of the bytes ever allocated in it, up to the last collection (u64).
    pub(crate) const ALLOCATED: usize = 16;
    /// Offset of the count at which the memory limit is looked at (u64).
    pub(crate) const THRESHOLD: usize = 24;
    /// Offset of the first object. Offset 0 is null and holds none.
    pub(crate) const HEAP: usize = 32;
}

/// The smallest block.
pub(crate) const BLOCK_BYTES_MIN: usize = 64;
/// The largest: offsets fit 32 bits.
pub(crate) const BLOCK_BYTES_MAX: usize = 1 << 31;
const CLASSES: usize = (BLOCK_BYTES_MAX / BLOCK_BYTES_MIN).trailing_zeros() as usize + 1;
/// Free blocks above this size are given back to the host at once.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// Small blocks are cut from pieces of this size.
const SLAB_BYTES: usize = 64 << 10;

/// A block, by its place in memory. It does not own it: [`Pool`] does.
///
/// Packed, so that a fiber's record has room for it in 12 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(4))]
pub(crate) struct Block {
    base: *mut u8,
    bytes: u32,
}

impl Block {
    /// No block.
    pub(crate) const NONE: Block = Block { base: std::ptr::null_mut(), bytes: 0 };

    #[inline(always)]
    pub(crate) fn base(self) -> *mut u8 {
        self.base
    }

    #[inline(always)]
    pub(crate) fn bytes(self) -> usize {
        self.bytes as usize
    }

    /// The word at an offset.
    ///
    /// # Panics
    /// When the offset is outside the block or not a multiple of 8: a broken invariant.
    #[inline]
    pub(crate) fn load(self, offset: usize) -> u64 {
        assert!(offset & 7 == 0 && offset + 8 <= self.bytes());
        // SAFETY: in bounds and aligned as just checked; a block is initialised memory that lives while it is used.
        unsafe { self.base.add(offset).cast::<u64>().read() }
    }

    /// Writes the word at an offset.
    ///
    /// # Panics
    /// As [`Block::load`].
    #[inline]
    pub(crate) fn store(self, offset: usize, word: u64) {
        assert!(offset & 7 == 0 && offset + 8 <= self.bytes());
        // SAFETY: as in `load`; no reference into the block is held across this call.
        unsafe { self.base.add(offset).cast::<u64>().write(word) }
    }

    /// Bytes of the block.
    ///
    /// # Panics
    /// When they are not all inside.
    #[inline]
    pub(crate) fn slice<'a>(self, offset: usize, bytes: usize) -> &'a [u8] {
        assert!(offset <= self.bytes() && bytes <= self.bytes() - offset);
        // SAFETY: in bounds and initialised; callers let go of the slice before they write to the block or give it back,
        // which the borrow of `Heap` that they hold makes them do.
        unsafe { std::slice::from_raw_parts(self.base.add(offset), bytes) }
    }

    /// Bytes of the block, to be written.
    ///
    /// # Panics
    /// When they are not all inside.
    #[inline]
    pub(crate) fn slice_mut<'a>(self, offset: usize, bytes: usize) -> &'a mut [u8] {
        assert!(offset <= self.bytes() && bytes <= self.bytes() - offset);
        // SAFETY: as in `slice`, and a block has one user at a time.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(offset), bytes) }
    }

    /// Copies bytes inside the block; the ranges may overlap.
    ///
    /// # Panics
    /// When a range is not inside.
    pub(crate) fn copy_within(self, from: usize, to: usize, bytes: usize) {
        assert!(from <= self.bytes() && bytes <= self.bytes() - from && to <= self.bytes() && bytes <= self.bytes() - to);
        // SAFETY: both ranges are in bounds as just checked.
        unsafe { std::ptr::copy(self.base.add(from), self.base.add(to), bytes) }
    }

    /// Copies words of another block here.
    ///
    /// # Panics
    /// When a range is not inside its block.
    pub(crate) fn copy_from(self, to: usize, other: Block, from: usize, bytes: usize) {
        assert!(from <= other.bytes() && bytes <= other.bytes() - from && to <= self.bytes() && bytes <= self.bytes() - to);
        // SAFETY: both ranges are in bounds as just checked, and two blocks do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(other.base.add(from), self.base.add(to), bytes) }
    }

    pub(crate) fn fill_zero(self, offset: usize, bytes: usize) {
        self.slice_mut(offset, bytes).fill(0);
    }
}

/// Under a fuzzer each block is an allocation of its own that ends with its use, so that AddressSanitizer sees who reaches
/// over its edge or uses it afterwards, and holds what a block that was used before might hold.
const IS_FUZZED: bool = cfg!(fuzzing);
/// Eight of these read as a reference to nowhere.
const STALE_BYTE: u8 = 0xd8;

/// Where blocks come from and go to: classes of doubling size with free lists.
#[derive(Debug)]
pub(crate) struct Pool {
    free: [Vec<*mut u8>; CLASSES],
    slabs: Vec<*mut u8>,
    /// What of the newest slab is not cut yet.
    fresh: (*mut u8, usize),
    /// Bytes of blocks in use.
    pub(crate) bytes_used: u64,
    /// The most that ever were.
    pub(crate) bytes_used_max: u64,
    /// Bytes outside of blocks, in messages and shared texts, that count against the same budget; the core sets it.
    pub(crate) bytes_outside: u64,
    /// How many there may be in all.
    bytes_max: u64,
    /// Fails the allocation with this number.
    fail_at: Option<u64>,
    /// How many there were.
    pub(crate) allocations: u64,
    /// Blocks that go back to the host.
    pub(crate) released: Released,
}

/// The memory that may be had is used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OutOfMemory;

impl Pool {
    pub(crate) fn new(bytes_max: u64, fail_at: Option<u64>) -> Pool {
        Pool {
            free: [const { Vec::new() }; CLASSES],
            slabs: Vec::new(),
            fresh: (std::ptr::null_mut(), 0),
            bytes_used: 0,
            bytes_used_max: 0,
            bytes_outside: 0,
            bytes_max,
            fail_at,
            allocations: 0,
            released: Released::of(bytes_max),
        }
    }

    /// The size of the smallest block that holds `bytes`.
    pub(crate) fn size_for(bytes: usize) -> usize {
        bytes.next_power_of_two().max(BLOCK_BYTES_MIN)
    }

    fn class(bytes: usize) -> usize {
        (bytes / BLOCK_BYTES_MIN).trailing_zeros() as usize
    }

    /// Whether the machine's budget allows so many bytes more, in a block or outside.
    #[inline]
    pub(crate) fn allows(&mut self, bytes: usize) -> bool {
        self.allocations += 1;
        let wanted = self.bytes_used.saturating_add(self.bytes_outside).saturating_add(bytes as u64);
        wanted <= self.bytes_max && self.fail_at != Some(self.allocations)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        if !self.allows(bytes) {
            return Err(OutOfMemory);
        }
        self.bytes_used += bytes as u64;
        self.bytes_used_max = self.bytes_used_max.max(self.bytes_used);
        Ok(())
    }

    fn discharge(&mut self, bytes: usize) {
        self.bytes_used -= bytes as u64;
    }

    /// A block of at least `bytes` bytes. Its contents are arbitrary but initialised.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<Block, OutOfMemory> {
        let size = Self::size_for(bytes);
        if size > BLOCK_BYTES_MAX {
            return Err(OutOfMemory);
        }
        self.charge(size)?;
        let base = match self.free[Self::class(size)].pop().or_else(|| self.released_block(size)) {
            Some(base) => base,
            None => match self.fresh_block(size) {
                Ok(base) => base,
                Err(error) => {
                    self.discharge(size);
                    return Err(error);
                }
            },
        };
        Ok(Block { base, bytes: size as u32 })
    }

    /// A block that was given back and is still whole.
    fn released_block(&mut self, size: usize) -> Option<*mut u8> {
        if size <= PART_BYTES || self.released.is_empty() {
            return None;
        }
        let mut words = ManuallyDrop::new(self.released.take_words(size / 8)?);
        Some(words.as_mut_ptr().cast())
    }

    fn fresh_block(&mut self, size: usize) -> Result<*mut u8, OutOfMemory> {
        if size >= SLAB_BYTES || IS_FUZZED {
            return host_alloc(size).or_else(|_| {
                // What waits to go back may be what is wanting.
                self.released.clear();
                host_alloc(size)
            });
        }
        if self.fresh.1 < size {
            // What is left of the old slab is cut into blocks for the free lists: sizes are powers of two.
            while self.fresh.1 >= BLOCK_BYTES_MIN {
                let piece = 1usize << self.fresh.1.ilog2();
                self.free[Self::class(piece)].push(self.fresh.0);
                // SAFETY: `piece` is at most what is left of the slab.
                self.fresh = (unsafe { self.fresh.0.add(piece) }, self.fresh.1 - piece);
            }
            let slab = host_alloc(SLAB_BYTES)?;
            self.slabs.push(slab);
            self.fresh = (slab, SLAB_BYTES);
        }
        let base = self.fresh.0;
        // SAFETY: at least `size` bytes of the slab are left.
        self.fresh = (unsafe { base.add(size) }, self.fresh.1 - size);
        Ok(base)
    }

    /// Takes a block back.
    pub(crate) fn give(&mut self, block: Block) {
        if block.base.is_null() {
            return;
        }
        let size = block.bytes();
        self.discharge(size);
        if size > PART_BYTES && !IS_FUZZED {
            // SAFETY: the block came from `host_alloc`, which makes allocations that large as words of this many; nobody uses
            // it any more.
            self.released.add_words(unsafe { Vec::from_raw_parts(block.base.cast(), 0, size / 8) });
        } else if size > KEPT_BYTES_MAX || IS_FUZZED {
            host_free(block.base, size);
        } else {
            self.free[Self::class(size)].push(block.base);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for class in 0..CLASSES {
            let size = BLOCK_BYTES_MIN << class;
            for base in std::mem::take(&mut self.free[class]) {
                if size >= SLAB_BYTES {
                    host_free(base, size);
                }
            }
        }
        for slab in std::mem::take(&mut self.slabs) {
            host_free(slab, SLAB_BYTES);
        }
    }
}

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes, 8).ok()
}

fn host_alloc(bytes: usize) -> Result<*mut u8, OutOfMemory> {
    let layout = layout(bytes).ok_or(OutOfMemory)?;
    // SAFETY: the layout's size is not zero: blocks and slabs have at least 64 bytes.
    let base = unsafe { alloc_zeroed(layout) };
    if base.is_null() {
        return Err(OutOfMemory);
    }
    if IS_FUZZED {
        // SAFETY: there are `bytes` bytes from `base` on.
        unsafe { base.write_bytes(STALE_BYTE, bytes) }
    }
    Ok(base)
}

fn host_free(base: *mut u8, bytes: usize) {
    if let Some(layout) = layout(bytes) {
        // SAFETY: `base` came from `host_alloc` with the same size, and nobody uses it any more.
        unsafe { dealloc(base, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_recycled() {
        let mut pool = Pool::new(1 << 20, None);
        let first = pool.take(100).unwrap();
        assert_eq!(first.bytes(), 128);
        first.store(120, 7);
        pool.give(first);
        let second = pool.take(128).unwrap();
        assert_eq!(second.base(), first.base());
        assert_eq!(second.load(120), 7);
        pool.give(second);
        assert_eq!(pool.bytes_used, 0);
    }

    #[test]
    fn the_budget_and_the_chosen_failure_hold() {
        let mut pool = Pool::new(256, Some(2));
        let first = pool.take(64).unwrap();
        assert!(pool.take(64).is_err(), "the second allocation fails by choice");
        let third = pool.take(128).unwrap();
        assert!(pool.take(128).is_err(), "over the budget");
        pool.give(first);
        pool.give(third);
        assert_eq!(pool.bytes_used, 0);
    }

    #[test]
    fn pieces_of_slabs_do_not_overlap() {
        let mut pool = Pool::new(1 << 30, None);
        let blocks: Vec<Block> = (0..3_000)
            .map(|at| pool.take(64 << (at % 4)).unwrap())
            .inspect(|block| block.fill_zero(0, block.bytes()))
            .collect();
        for (at, block) in blocks.iter().enumerate() {
            block.store(0, at as u64);
            block.store(block.bytes() - 8, at as u64);
        }
        for (at, block) in blocks.iter().enumerate() {
            assert_eq!((block.load(0), block.load(block.bytes() - 8)), (at as u64, at as u64));
        }
        blocks.into_iter().for_each(|block| pool.give(block));
    }
}
