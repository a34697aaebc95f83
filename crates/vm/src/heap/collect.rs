//! The collector: copies what a fiber's frames reach into a new block (Cheney, "A nonrecursive list compacting
//! algorithm", 1970), so that it needs no stack of its own and a deep structure costs no more than a flat one.
//!
//! Objects that lie outside of blocks are let go of here when the object that names them is not reached any more.
//!
//! **Invariant:** a collection changes no value that the program can see, only offsets.

use super::block::{Block, header};
use super::shared::Shared;
use super::word::{Header, is_reference};

/// A collection under way: from one block to another.
pub(crate) struct Collection {
    from: Block,
    to: Block,
    scan: usize,
    top: usize,
}

impl Collection {
    /// Starts a collection from `from` into `to`, which must have room for the whole heap of `from`.
    pub(crate) fn new(from: Block, to: Block) -> Collection {
        Collection { from, to, scan: header::HEAP, top: header::HEAP }
    }

    /// Makes the object that a word refers to, if it refers to one, live on, and gives the word for it.
    #[inline(always)]
    pub(crate) fn root(&mut self, word: u64) -> u64 {
        if is_reference(word) { self.forward(word) } else { word }
    }

    #[inline(always)]
    fn forward(&mut self, reference: u64) -> u64 {
        // SAFETY: a reference in a verified fiber is the offset of an object in its block, whose header says how long it
        // is; all objects that are reached fit the new block, which is at least as large as the old one's heap; and each
        // is copied once, since its header is replaced.
        unsafe {
            let object = self.from.base().add(reference as usize).cast::<u64>();
            let first = object.read();
            if let Some(to) = Header::forwarded(first) {
                return to;
            }
            let words = Header(first).words() + 1;
            debug_assert!(self.top + words * 8 <= self.to.bytes());
            let copy = self.to.base().add(self.top).cast::<u64>();
            std::ptr::copy_nonoverlapping(object, copy, words);
            let to = self.top as u64;
            object.write(Header::forward(to));
            self.top += words * 8;
            to
        }
    }

    /// Copies everything that the roots reach, and gives the new heap's top.
    pub(crate) fn finish(mut self, shared_refs: &mut Vec<u32>, shared: &mut Shared) -> usize {
        while self.scan < self.top {
            // SAFETY: between `scan` and `top` lie whole objects that were copied here.
            unsafe {
                let object = self.to.base().add(self.scan).cast::<u64>();
                let header = Header(object.read());
                for at in 1..=header.scan() {
                    let word = object.add(at).read();
                    if is_reference(word) {
                        object.add(at).write(self.forward(word));
                    }
                }
                self.scan += header.bytes();
            }
        }
        self.keep_shared(shared_refs, shared);
        self.top
    }

    /// Drops the counts of outside objects whose object in the block was not reached.
    fn keep_shared(&self, shared_refs: &mut Vec<u32>, shared: &mut Shared) {
        shared_refs.retain_mut(|offset| {
            if let Some(to) = Header::forwarded(self.from.load(*offset as usize)) {
                *offset = to as u32;
                return true;
            }
            shared.release(self.from.load(*offset as usize + 8) as u32);
            false
        });
    }
}
