//! Values that leave a fiber, and values that come to it: a large one a piece at a time. What is there of it waits in the
//! fiber's side record, and the instruction runs again.
//!
//! **Invariant:** while a copy is under way its fiber does nothing but go on with it: nothing reads the objects of its
//! block, in which headers are missing, and nothing is collected.

use super::{BULK_BYTES, Cx};
use crate::core::Core;
use crate::deliver::MESSAGE_BYTES_MAX;
use crate::heap::PIECE_BYTES;
use crate::heap::copy::{CopyError, Scratch};
use crate::heap::fragment::{Fragment, Landing, relocate};
use crate::heap::word::{Header, Kind, bool_word, small_int};
use crate::interp::Stop;
use crate::mailbox::NODE_BYTES;
use crate::message::Message;
use crate::types::TypeId;
use fardel_bytecode::types::{self, Repr};

/// A large value on its way.
#[derive(Debug)]
pub(crate) enum Carried {
    /// It is being copied out of the block; the words for what it was asked for.
    Copying(Scratch, Vec<u64>),
    /// It is copied, and still to be delivered.
    Undelivered(Fragment, Vec<u64>),
    /// It is being put into the block.
    Landing(Landing),
}

impl Carried {
    /// Bytes outside of blocks.
    fn bytes(&self) -> usize {
        match self {
            Carried::Copying(scratch, _) => scratch.held_bytes(),
            Carried::Undelivered(fragment, _) => fragment.bytes(),
            Carried::Landing(landing) => landing.bytes(),
        }
    }
}

/// As what a message comes to the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum As {
    Value,
    /// A box around it where it could be taken for nothing.
    Option,
}

impl As {
    /// Bytes that it may take besides the message.
    pub(super) fn spare_bytes(self) -> usize {
        match self {
            As::Value => 0,
            As::Option => 16,
        }
    }
}

/// What has landed in a block.
pub(crate) struct Landed {
    /// Its word there.
    word: u64,
    /// Bytes that it takes there.
    bytes: usize,
    /// Bytes that it names outside of blocks.
    outside: usize,
}

/// A copy that is over.
pub(super) enum Copied {
    /// A small one is in the machine's scratch.
    Small,
    /// A large one is a fragment, and charged.
    Large(Fragment),
}

impl Core {
    fn set_carried(&mut self, slot: u32, carried: Carried) {
        self.carried_bytes += carried.bytes() as u64;
        self.fibers.side_or_new(slot).carried = Some(Box::new(carried));
    }

    fn take_carried(&mut self, slot: u32) -> Option<Carried> {
        let carried = self.fibers.side(slot)?.carried.take()?;
        self.carried_bytes -= carried.bytes() as u64;
        Some(*carried)
    }

    /// Gives up what a fiber that has ended was carrying.
    pub(crate) fn drop_carried(&mut self, slot: u32) {
        match self.take_carried(slot) {
            Some(Carried::Undelivered(fragment, _)) => fragment.discard(&mut self.shared),
            Some(Carried::Landing(landing)) => landing.discard(&mut self.shared),
            Some(Carried::Copying(scratch, _)) => scratch.release(&mut self.shared),
            None => {}
        }
    }

    /// Has a fragment land in a fiber's block at `top`, where there is room for it, before the fiber goes on.
    pub(crate) fn start_landing(&mut self, slot: u32, root: u64, fragment: Fragment, top: usize) {
        self.set_carried(slot, Carried::Landing(Landing::new(root, fragment, top)));
    }

    /// Goes on by a piece with what lands in a fiber's block; what has landed, once all has.
    pub(crate) fn land_some(&mut self, slot: u32) -> Option<Landed> {
        let Some(Carried::Landing(mut landing)) = self.take_carried(slot) else { return None };
        let block = self.fibers.get(slot).block;
        if !landing.step(block) {
            self.set_carried(slot, Carried::Landing(landing));
            return None;
        }
        let bytes = landing.bytes();
        let (word, refs) = landing.finish(&mut self.shared);
        let outside: u64 = refs.iter().map(|offset| block.load(*offset as usize + 24)).sum();
        if !refs.is_empty() {
            self.fibers.side_or_new(slot).shared_refs.extend(refs);
        }
        Some(Landed { word, bytes, outside: outside as usize })
    }

    /// Whether something still lands in a fiber's block.
    pub(crate) fn is_landing(&self, slot: u32) -> bool {
        self.fibers.side_of(slot).is_some_and(|side| matches!(side.carried.as_deref(), Some(Carried::Landing(_))))
    }
}

impl Cx<'_> {
    /// Whether the instruction was put off with a value under way.
    #[inline]
    pub(super) fn is_carrying(&self) -> bool {
        self.core.fibers.side_of(self.core.current).is_some_and(|side| side.carried.is_some())
    }

    /// Puts the instruction off with what is there of a value.
    fn put_down(&mut self, carried: Carried) {
        self.keeps_charge = true;
        self.core.set_carried(self.core.current, carried);
    }

    /// Charges for what is done of a copy, of which so much was `charged`, and puts the instruction off if that is not all.
    ///
    /// # Errors
    /// The stop after which it goes on.
    fn put_down_copy(&mut self, mut scratch: Scratch, words: Vec<u64>, charged: usize) -> Result<(Scratch, Vec<u64>), Stop> {
        self.core.saved.fuel -= (scratch.done() / BULK_BYTES - charged / BULK_BYTES) as i64;
        if scratch.is_over() {
            return Ok((scratch, words));
        }
        if !self.core.has_budget(scratch.held_bytes()) {
            scratch.fail(CopyError::OutOfMemory);
        }
        self.put_down(Carried::Copying(scratch, words));
        Err(Stop::Preempted)
    }

    /// Copies what `roots` reach out of the block, and replaces them by words of the copy.
    ///
    /// # Errors
    /// The stop after which it goes on, or the trap when it cannot be made.
    pub(super) fn copy_out(&mut self, roots: &mut [u64]) -> Result<Copied, Stop> {
        let slot = self.core.current;
        let (mut scratch, mut words) = match self.core.take_carried(slot) {
            Some(Carried::Undelivered(fragment, words)) => {
                roots.copy_from_slice(&words);
                return Ok(Copied::Large(fragment));
            }
            Some(Carried::Copying(scratch, words)) => (scratch, words),
            Some(Carried::Landing(_)) => unreachable!("a fiber that takes something sends nothing"),
            None => {
                let core = &mut *self.core;
                if let Err(error) = core.scratch.start(core.block, roots, MESSAGE_BYTES_MAX) {
                    return self.copy_failed(error);
                }
                match core.scratch.step(core.block) {
                    Some(Ok(())) if core.scratch.bytes() <= PIECE_BYTES => return Ok(Copied::Small),
                    Some(Err(error)) => return self.copy_failed(error),
                    Some(Ok(())) | None => {}
                }
                let scratch = std::mem::take(&mut core.scratch);
                self.put_down_copy(scratch, roots.to_vec(), 0)?
            }
        };
        if !scratch.is_over() {
            let charged = scratch.done();
            if let Some(Err(error)) = scratch.step(self.core.block) {
                scratch.release(&mut self.core.shared);
                return self.copy_failed(error);
            }
            (scratch, words) = self.put_down_copy(scratch, words, charged)?;
        }
        roots.copy_from_slice(&words);
        Ok(Copied::Large(scratch.keep(&mut self.core.shared)))
    }

    /// A value of a static type as the message that carries it: numbers become words. A large one is charged already.
    ///
    /// # Errors
    /// As [`Cx::copy_out`].
    pub(super) fn carry(&mut self, ty: TypeId, value: u64) -> Result<Message, Stop> {
        Ok(match self.core.types.repr(ty) {
            Repr::Word => {
                if !self.is_carrying()
                    && let Some(small) = Message::small(self.block(), value)
                {
                    return Ok(small);
                }
                let mut roots = [value];
                match self.copy_out(&mut roots)? {
                    Copied::Small => Message::Scratch(roots[0]),
                    Copied::Large(fragment) => Message::Fragment(roots[0], fragment),
                }
            }
            Repr::Bool => Message::Word(bool_word(value != 0)),
            Repr::Int => match small_int(value as i64) {
                Some(small) => Message::Word(small),
                None => Message::Inline(Header::new(Kind::BoxInt, types::INT.0, 1, 0), [value, 0, 0]),
            },
            Repr::Float => Message::Inline(Header::new(Kind::BoxFloat, types::FLOAT.0, 1, 0), [value, 0, 0]),
        })
    }

    /// As [`Cx::carry`], for a message that waits somewhere else than in a mailbox; it is charged.
    ///
    /// # Errors
    /// As [`Cx::carry`], or the trap when the machine has no memory for it.
    pub(super) fn carry_to_keep(&mut self, ty: TypeId, value: u64) -> Result<Message, Stop> {
        let message = self.carry(ty, value)?;
        let bytes = message.bytes(&self.core.scratch);
        if !self.core.has_budget(bytes + NODE_BYTES) {
            message.discard(&mut self.core.shared);
            return self.copy_failed(CopyError::OutOfMemory);
        }
        if !matches!(message, Message::Fragment(..)) {
            self.charge(bytes);
        }
        Ok(message.keep(&mut self.core.scratch, &mut self.core.shared))
    }

    /// Keeps a value that could not be delivered for when the instruction runs again; a small one is copied again.
    pub(super) fn keep_copied(&mut self, copy: Copied, roots: &[u64]) {
        if let Copied::Large(fragment) = copy {
            self.put_down(Carried::Undelivered(fragment, roots.to_vec()));
        }
    }

    /// As [`Cx::keep_copied`], for a message.
    pub(super) fn keep_carried(&mut self, message: Message) {
        if let Message::Fragment(root, fragment) = message {
            self.keep_copied(Copied::Large(fragment), &[root]);
        }
    }

    /// Puts a message on the heap, where there is room for it and what it is wanted as.
    ///
    /// # Errors
    /// The stop after which [`Cx::landed`] goes on with a large one.
    pub(super) fn put(&mut self, message: Message, wanted: As) -> Result<u64, Stop> {
        match message {
            Message::Fragment(mut root, mut fragment) if fragment.bytes() > PIECE_BYTES => {
                // The box around a box is made now: later there might be no room.
                if wanted == As::Option && Header(fragment.words()[root as usize / 8]).is(Kind::Some) {
                    root = fragment.push(Header::scanned(Kind::Some, types::OPTION_ANY.0, 1), &[root]);
                }
                let top = self.core.saved.top;
                self.core.start_landing(self.core.current, root, fragment, top);
                Err(Stop::Preempted)
            }
            Message::Fragment(root, fragment) => {
                let delta = self.take_in(fragment);
                self.wanted_as(relocate(root, delta), wanted)
            }
            Message::Word(_) | Message::Inline(..) | Message::Scratch(_) => {
                let top = self.core.saved.top;
                self.core.saved.top = top + message.bytes(&self.core.scratch);
                let word = message.adopt(self.block(), top, &self.core.scratch);
                self.wanted_as(word, wanted)
            }
        }
    }

    fn wanted_as(&mut self, word: u64, wanted: As) -> Result<u64, Stop> {
        match wanted {
            As::Value => Ok(word),
            As::Option => self.some_word(word),
        }
    }

    /// The word of a large message that was landing, now that it has; nothing when there is none.
    ///
    /// # Errors
    /// The stop after which it goes on.
    #[inline]
    pub(super) fn landed(&mut self) -> Result<Option<u64>, Stop> {
        if !self.is_carrying() {
            return Ok(None);
        }
        let Some(landed) = self.core.land_some(self.core.current) else { return Err(Stop::Preempted) };
        self.core.saved.top += landed.bytes;
        if landed.outside > 0 {
            self.core.count_outside(landed.outside);
        }
        Ok(Some(landed.word))
    }
}
