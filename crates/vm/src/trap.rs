//! Traps: from the instruction that failed to a handler, or to the fiber's end with a trace.

use crate::code::HandlerEntry;
use crate::core::{Core, SENTINEL_FUNCTION};
use crate::exit::{Cause, ErrorKind, FAILURE_BYTES_MAX, Failure, TraceFrame};
use crate::heap::block::Block;
use crate::heap::word::{Header, Kind, words_of};
use crate::runtime::cut;
use fardel_bytecode::Inst;
use fardel_bytecode::isa::TRAPS;
use fardel_bytecode::leb::Reader;
use fardel_bytecode::types;
use std::rc::Rc;

/// Calls that a trace shows at most.
const TRACE_FRAMES_MAX: usize = 32;

impl Core {
    /// Takes the current fiber from its trap to the innermost handler that covers it.
    ///
    /// # Errors
    /// The reason why the fiber ends, when there is no handler.
    pub(crate) fn unwind(&mut self) -> Result<(), Cause> {
        debug_assert!(self.stands_at_a_trap(), "an instruction trapped whose row does not say that it may");
        let (name, message) = self.take_trap();
        let Some((fp, handler)) = self.find_handler() else {
            let trace = self.trace();
            let [name, message] = [name, message].map(|text| cut(&text, FAILURE_BYTES_MAX).to_owned());
            return Err(Cause::Failed(Rc::new(Failure { kind: self.trap_kind, name, message, trace })));
        };
        self.saved.set_fp(self.block, fp);
        self.saved.set_pc(self.code_base, handler.target);
        let bytes = [&name, &message].iter().map(|text| 16 + words_of(text.len()) * 8).sum::<usize>() + 24;
        let (top, limit) = (self.saved.top, fp);
        if self.config.collect_always || !crate::core::has_room(self.block, top, limit, bytes) {
            self.make_room_with(bytes, bytes, handler.map)?;
        }
        let name = self.put_text(&name);
        let message = self.put_text(&message);
        let error = self.saved.top;
        self.block.store(error, Header::new(Kind::Fields, types::ERROR.0, 2, 2).0);
        self.block.store(error + 8, name);
        self.block.store(error + 16, message);
        self.saved.top += 24;
        let fp = self.saved.fp_offset(self.block) as usize;
        self.block.store(fp + usize::from(handler.slot), error as u64);
        Ok(())
    }

    /// Whether the row of the current instruction says that it may trap: only then has the verifier looked at what a
    /// handler around it reads.
    fn stands_at_a_trap(&self) -> bool {
        let Some((_, function, offset)) = self.frames().next() else { return true };
        let entry = &self.functions[function as usize];
        let module = self.modules[entry.module as usize].module.module();
        let code = module.functions[entry.position as usize].code.get(offset as usize..).unwrap_or_default();
        Inst::decode(&mut Reader::new(code)).is_ok_and(|inst| inst.opcode().info().effects.has(TRAPS))
    }

    fn take_trap(&mut self) -> (String, String) {
        let (name, message) = self.trap_text.take().unwrap_or_default();
        (name.unwrap_or_else(|| self.trap_kind.name().to_owned()), message)
    }

    fn put_text(&mut self, text: &str) -> u64 {
        let at = self.saved.top;
        write_text(self.block, at, Kind::Text, types::TEXT.0, text.as_bytes());
        self.saved.top += 16 + words_of(text.len()) * 8;
        at as u64
    }

    fn find_handler(&self) -> Option<(usize, HandlerEntry)> {
        self.frames().find_map(|(fp, function, offset)| {
            let handlers = &self.functions[function as usize].handlers;
            let handler = handlers.iter().find(|handler| handler.start <= offset && offset < handler.end)?;
            Some((fp, handler.clone()))
        })
    }

    /// The frames of the current fiber from the innermost: place in the block, function, place in its bytecode.
    fn frames(&self) -> impl Iterator<Item = (usize, u32, u32)> + '_ {
        let fp = self.saved.fp_offset(self.block) as usize;
        let pc = self.saved.pc_offset(self.code_base);
        self.frames_of(self.block, fp, pc)
    }

    /// The frames of any stopped fiber.
    pub(crate) fn frames_of(&self, block: Block, fp: usize, pc: u32) -> impl Iterator<Item = (usize, u32, u32)> + '_ {
        let mut next = Some((fp, Some(pc)));
        std::iter::from_fn(move || {
            let (fp, pc) = next?;
            let word = block.load(fp);
            let function = word as u32;
            if function == SENTINEL_FUNCTION {
                return None;
            }
            let entry = &self.functions[function as usize];
            let offset = pc.map_or((word >> 32) as u32, |pc| entry.bytecode_place(pc));
            next = Some((fp + entry.frame_bytes as usize, None));
            Some((fp, function, offset))
        })
    }

    fn trace(&self) -> Vec<TraceFrame> {
        self.frames().take(TRACE_FRAMES_MAX).map(|(_, function, offset)| self.describe(function, offset)).collect()
    }

    /// A place in a function as people see it.
    pub(crate) fn describe(&self, function: u32, offset: u32) -> TraceFrame {
        let entry = &self.functions[function as usize];
        let module = &self.modules[entry.module as usize];
        TraceFrame {
            function: module.function_name(entry.position as usize).to_owned(),
            offset,
            source: module.source(entry.position as usize, offset),
        }
    }

    /// Notes a trap with a message; the fiber then stops with [`crate::interp::Stop::Trap`].
    pub(crate) fn set_trap(&mut self, kind: ErrorKind, message: String) {
        self.trap_kind = kind;
        self.trap_text = Some((None, message));
    }
}

impl crate::code::FunctionEntry {
    /// The bytecode offset of the instruction at a place in the arena.
    pub(crate) fn bytecode_place(&self, pc: u32) -> u32 {
        let after = self.places.partition_point(|(place, _)| *place <= pc);
        after.checked_sub(1).map_or(0, |at| self.places[at].1)
    }
}

/// Writes a text or byte string into a block that has room for it.
pub(crate) fn write_text(block: Block, at: usize, kind: Kind, ty: u32, bytes: &[u8]) {
    let words = words_of(bytes.len());
    block.store(at, Header::new(kind, ty, 1 + words, 0).0);
    block.store(at + 8, bytes.len() as u64);
    if words > 0 {
        block.store(at + 8 + words * 8, 0);
        block.slice_mut(at + 16, bytes.len()).copy_from_slice(bytes);
    }
}
