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

#[cfg(test)]
mod tests {
    use super::super::block::Pool;
    use super::super::word::{Kind, NULL, TAG_INT};
    use super::*;

    /// Blocks of 4 KiB with objects of two scanned words and one raw word.
    struct Heap {
        pool: Pool,
        block: Block,
        top: usize,
        shared: Shared,
        shared_refs: Vec<u32>,
    }

    impl Heap {
        fn new() -> Heap {
            let mut pool = Pool::new(1 << 20, None);
            let block = pool.take(4096).unwrap();
            Heap { pool, block, top: header::HEAP, shared: Shared::default(), shared_refs: Vec::new() }
        }

        fn add(&mut self, header: Header, words: &[u64]) -> u64 {
            let at = self.top;
            self.block.store(at, header.0);
            for (index, word) in words.iter().enumerate() {
                self.block.store(at + 8 + index * 8, *word);
            }
            self.top += header.bytes();
            at as u64
        }

        fn pair(&mut self, left: u64, right: u64, raw: u64) -> u64 {
            self.add(Header::new(Kind::Fields, 40, 3, 2), &[left, right, raw])
        }

        fn text(&mut self, text: &str) -> u64 {
            let number = self.shared.add(text.as_bytes().into());
            let at = self.add(Header::new(Kind::SharedText, 4, 3, 0), &[u64::from(number), 0, text.len() as u64]);
            self.shared_refs.push(at as u32);
            at
        }

        fn field(&self, object: u64, index: usize) -> u64 {
            self.block.load(object as usize + 8 + index * 8)
        }

        fn collect(&mut self, roots: &mut [u64]) {
            let to = self.pool.take(self.block.bytes()).unwrap();
            let mut collection = Collection::new(self.block, to);
            for root in roots {
                *root = collection.root(*root);
            }
            self.top = collection.finish(&mut self.shared_refs, &mut self.shared);
            self.pool.give(std::mem::replace(&mut self.block, to));
        }
    }

    #[test]
    fn what_is_reached_lives_on_once_and_the_rest_is_gone() {
        let mut heap = Heap::new();
        let shared = heap.pair(NULL, 5 << 3 | TAG_INT, 8);
        heap.pair(shared, shared, 1);
        let mut roots = [heap.pair(shared, shared, u64::MAX - 7), shared, NULL, 5 << 3 | TAG_INT];
        heap.collect(&mut roots);
        let [pair, shared, null, number] = roots;
        assert_eq!(heap.top, header::HEAP + 2 * 32);
        assert_eq!((heap.field(pair, 0), heap.field(pair, 1), heap.field(pair, 2)), (shared, shared, u64::MAX - 7));
        assert_eq!((heap.field(shared, 1), heap.field(shared, 2)), (5 << 3 | TAG_INT, 8));
        assert_eq!((null, number), (NULL, 5 << 3 | TAG_INT));
    }

    #[test]
    fn circles_and_long_chains_need_no_recursion() {
        let mut heap = Heap::new();
        let first = heap.pair(NULL, NULL, 0);
        let mut last = first;
        for at in 1..100 {
            last = heap.pair(last, last, at);
        }
        heap.block.store(first as usize + 8, last);
        let mut roots = [last];
        heap.collect(&mut roots);
        heap.collect(&mut roots);
        let mut at = roots[0];
        for raw in (0..100).rev() {
            assert_eq!(heap.field(at, 2), raw);
            at = heap.field(at, 0);
        }
        assert_eq!(at, roots[0]);
    }

    #[test]
    fn what_lies_outside_is_let_go_of_with_its_last_object() {
        let mut heap = Heap::new();
        let kept = heap.text("kept");
        let lost = heap.text("lost");
        let mut roots = [heap.pair(kept, NULL, lost)];
        heap.collect(&mut roots);
        let kept = heap.field(roots[0], 0);
        assert_eq!(heap.shared_refs, [kept as u32]);
        assert_eq!((heap.shared.get(heap.field(kept, 0) as u32), heap.shared.bytes), (&b"kept"[..], 4));
        heap.collect(&mut []);
        assert_eq!((heap.top, heap.shared.bytes, heap.shared_refs.len()), (header::HEAP, 0, 0));
    }
}
