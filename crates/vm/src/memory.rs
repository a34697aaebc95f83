//! Making room: collections, growth, limits.
//!
//! The memory limit is decided on a deterministic quantity. What a fiber ever allocated, in canonical bytes, is compared
//! with a threshold kept in its block; when an allocation crosses it, and only then, the fiber is collected and its live
//! bytes are held against the limit. Collections for other causes do not touch the threshold.

use crate::code::{FRAME_HEADER_BYTES, SlotMap};
use crate::core::{Core, SENTINEL_FUNCTION, allow};
use crate::exit::Cause;
use crate::heap::block::{BLOCK_BYTES_MAX, Block, OutOfMemory, Pool, header};
use crate::heap::collect::Collection;
use fardel_bytecode::system::Reason;

/// Below this size a block need not keep half of itself free.
const SMALL_BLOCK_BYTES: usize = 4096;
/// What a small block keeps free for the next thing of the size at hand.
const SPARE_NEED_MAX: usize = 2048;
/// What a fiber has allocated, as a multiple of its block, before a small block is given for a larger one, up to this size,
/// that is collected less often. Who does little keeps its small block.
const BUSY_PARTS: u64 = 32;
const BUSY_BLOCK_BYTES_MAX: usize = 2048;
/// A block that is less than this part full is given for a smaller one.
const SHRINK_PART: usize = 16;

impl Core {
    /// A block of at least `bytes` bytes within the machine's budget.
    pub(crate) fn take_block(&mut self, bytes: usize) -> Result<Block, OutOfMemory> {
        self.note_outside();
        self.pool.take(bytes)
    }

    /// Tells the pool what counts besides blocks.
    #[inline]
    fn note_outside(&mut self) {
        self.pool.bytes_outside = self.outside_bytes() + self.fibers.table_bytes();
    }

    /// Whether the machine's budget has room for so many bytes outside of blocks.
    #[inline]
    pub(crate) fn has_budget(&mut self, bytes: usize) -> bool {
        self.note_outside();
        self.pool.allows(bytes)
    }

    /// Makes room for `need` bytes in the current fiber's heap.
    ///
    /// # Errors
    /// The reason why the fiber ends, when there is none.
    pub(crate) fn make_room(&mut self, need: usize) -> Result<(), Cause> {
        let map = self.saved.extension_map();
        self.make_room_with(need, need, map)
    }

    /// As [`Core::make_room`], of a fiber whose frame has the given map; a block is chosen that would have room for `fitting`
    /// bytes, which the limits do not see.
    pub(crate) fn make_room_with(&mut self, need: usize, fitting: usize, map: SlotMap) -> Result<(), Cause> {
        let outside = std::mem::take(&mut self.need_outside);
        if need > BLOCK_BYTES_MAX {
            return Err(Cause::Plain(Reason::OutOfMemory));
        }
        let count = self.block.load(header::ALLOCATED).wrapping_add(self.saved.top as u64);
        let all_need = (need as u64).saturating_add(outside as u64);
        let crossed = count.saturating_add(all_need) > self.block.load(header::THRESHOLD);
        self.collect(map)?;
        if outside > 0 && !self.has_budget(outside) {
            return Err(Cause::Plain(Reason::OutOfMemory));
        }
        if crossed {
            let live = self.live_bytes();
            let limit = self.memory_max();
            let wanted = live.saturating_add(all_need);
            if wanted > limit {
                return Err(Cause::Plain(Reason::OutOfMemory));
            }
            let threshold = count + all_need + (limit - wanted).max(limit / 16);
            self.block.store(header::THRESHOLD, threshold);
        }
        self.fit(fitting)?;
        self.renew_limits();
        if self.config.collect_always {
            allow(self.block, self.saved.top, need);
        }
        Ok(())
    }

    /// Makes room for `need` bytes in the heap of a fiber that waits at a receive, in a block for `fitting` bytes; whether there
    /// is.
    pub(crate) fn make_room_in(&mut self, slot: u32, need: usize, fitting: usize) -> bool {
        let running = (self.current, self.block, self.saved);
        self.current = slot;
        self.block = self.fibers.get(slot).block;
        self.load_saved(slot, 0);
        // What cannot be had now the receive itself will ask for, and end the fiber.
        let map = self.saved.extension_map();
        let made = self.make_room_with(need, fitting, map).is_ok();
        self.store_saved(slot);
        (self.current, self.block, self.saved) = running;
        made
    }

    /// Live bytes of the current fiber, just collected: heap, stack, mailbox, and what it holds outside.
    fn live_bytes(&mut self) -> u64 {
        let heap = (self.saved.top - header::HEAP) as u64;
        let stack = (self.block.bytes() - self.saved.fp_offset(self.block) as usize) as u64;
        let block = self.block;
        let shared: u64 = self
            .fibers
            .side(self.current)
            .map_or(0, |side| side.shared_refs.iter().map(|offset| block.load(*offset as usize + 24)).sum());
        heap + stack + shared + self.fibers.get(self.current).mailbox_bytes
    }

    /// Collects the current fiber into a block of the same size.
    fn collect(&mut self, map: SlotMap) -> Result<(), Cause> {
        self.stats.collections += 1;
        let (from, fp) = (self.block, self.saved.fp_offset(self.block) as usize);
        let to = self.take_block(from.bytes()).map_err(|_| Cause::Plain(Reason::OutOfMemory))?;
        to.copy_from(0, from, 0, header::HEAP);
        to.copy_from(fp, from, fp, from.bytes() - fp);
        let mut collection = Collection::new(from, to);
        self.forward_frames(&mut collection, to, fp, map);
        let mut none = Vec::new();
        let shared_refs = self.fibers.side(self.current).map_or(&mut none, |side| &mut side.shared_refs);
        let top = collection.finish(shared_refs, &mut self.shared);
        let freed = (self.saved.top - top) as u64;
        to.store(header::ALLOCATED, from.load(header::ALLOCATED).wrapping_add(freed));
        self.pool.give(from);
        self.saved.top = top;
        self.move_to(to, fp);
        Ok(())
    }

    /// Forwards the words of all frames, the running one's by `map`.
    fn forward_frames(&self, collection: &mut Collection, to: Block, mut fp: usize, mut map: SlotMap) {
        loop {
            self.forward_frame(collection, to, fp, map);
            let function = to.load(fp) as u32;
            fp += self.functions[function as usize].frame_bytes as usize;
            if to.load(fp) as u32 == SENTINEL_FUNCTION {
                return;
            }
            map = self.code[to.load(fp + 8) as usize / size_of::<crate::code::Op>()].map();
        }
    }

    fn forward_frame(&self, collection: &mut Collection, to: Block, fp: usize, map: SlotMap) {
        let single = [map.0];
        let words: &[u64] = match map.long() {
            None => &single,
            Some(index) => &self.long_maps[index],
        };
        for (at, word) in words.iter().enumerate() {
            let mut bits = *word;
            while bits != 0 {
                let slot = at * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let offset = fp + FRAME_HEADER_BYTES + slot * 8;
                to.store(offset, collection.root(to.load(offset)));
            }
        }
    }

    /// Gives the current fiber a block that fits what it has and `need` more.
    fn fit(&mut self, need: usize) -> Result<(), Cause> {
        let size = self.block.bytes();
        let stack = size - self.saved.fp_offset(self.block) as usize;
        let used = self.saved.top + stack + need;
        // Who takes large things takes the next one soon: a block for one alone would be collected for each.
        let spare = if size < SMALL_BLOCK_BYTES { (used / 4).max(need.min(SPARE_NEED_MAX)) } else { used };
        let mut wanted = Pool::size_for(used + spare);
        let allocated = self.block.load(header::ALLOCATED);
        if size < BUSY_BLOCK_BYTES_MAX && allocated >= size as u64 * BUSY_PARTS {
            wanted = wanted.max(size * 2);
        } else if size == BUSY_BLOCK_BYTES_MAX {
            wanted = wanted.max(size);
        }
        if wanted > size || wanted * SHRINK_PART <= size {
            return self.resize(wanted).or_else(|error| {
                // Without room to spare it may still just fit.
                if used <= size { Ok(()) } else { self.resize(used).map_err(|_| error) }
            });
        }
        Ok(())
    }

    /// Makes room for a frame of `need` bytes.
    ///
    /// # Errors
    /// The reason why the fiber ends, when the stack's or the machine's limit is reached.
    pub(crate) fn make_stack(&mut self, need: usize) -> Result<(), Cause> {
        let stack = self.block.bytes() - self.saved.fp_offset(self.block) as usize + need;
        let stack_max = self.limits_of(self.current).map_or(self.config.fiber_stack_bytes_max, |own| own.stack_bytes_max);
        if stack as u64 > stack_max {
            return Err(Cause::Plain(Reason::StackOverflow));
        }
        let used = self.saved.top + stack;
        self.resize(used * 2).or_else(|_| self.resize(used))?;
        self.renew_limits();
        if self.config.collect_always {
            allow(self.block, self.saved.top, 0);
        }
        Ok(())
    }

    /// Moves the current fiber to a block of another size: references and frames keep their distances.
    fn resize(&mut self, bytes: usize) -> Result<(), Cause> {
        let (from, fp) = (self.block, self.saved.fp_offset(self.block) as usize);
        let to = self.take_block(bytes).map_err(|_| Cause::Plain(Reason::OutOfMemory))?;
        let stack = from.bytes() - fp;
        let to_fp = to.bytes() - stack;
        to.copy_from(0, from, 0, self.saved.top);
        to.copy_from(to_fp, from, fp, stack);
        self.pool.give(from);
        self.move_to(to, to_fp);
        Ok(())
    }

    fn move_to(&mut self, block: Block, fp: usize) {
        self.block = block;
        self.saved.set_fp(block, fp);
        // Whoever asks for the fiber's block finds the one it has.
        self.fibers.get_mut(self.current).block = block;
    }

    /// Whether the memory limit has to be looked at before the current fiber takes so many bytes outside of its block.
    pub(crate) fn outside_is_due(&self, bytes: usize) -> bool {
        let count = self.block.load(header::ALLOCATED).wrapping_add(self.saved.top as u64);
        count.saturating_add(bytes as u64) > self.block.load(header::THRESHOLD)
    }

    /// Counts bytes that the current fiber takes outside of its block as allocated.
    pub(crate) fn count_outside(&mut self, bytes: usize) {
        let allocated = self.block.load(header::ALLOCATED);
        self.block.store(header::ALLOCATED, allocated.wrapping_add(bytes as u64));
        self.renew_limits();
    }
}
