//! Lowering: from verified stack code to the internal form.
//!
//! The operand stack is followed symbolically. An entry is a local, a constant, or in its *home*, the slot of the frame
//! that the bytecode's stack position stands for. Results go straight to where they are stored. Where control meets, and
//! where a fiber may stop, every entry is at home, so that the frame is the canonical one.
//!
//! **Invariant:** lowering trusts its input: it takes only what the verifier made.

mod branch;
mod data;
pub(crate) mod emit;
mod number;
mod select;

use crate::code::{FRAME_HEADER_BYTES, HandlerEntry, SlotMap};
use crate::config::Lowering as Mode;
use crate::interp::table::Operation;
use crate::types::{TypeId, TypeStore};
use emit::{Emitter, slot};
use fardel_bytecode::Inst;
use fardel_bytecode::index::{LocalIndex, TypeIndex};
use fardel_bytecode::leb::Reader;
use fardel_bytecode::module::{Function, HostImport, Import};
use fardel_bytecode::types::{Repr, Type, TypeTable};
use fardel_bytecode::verify::{FunctionFacts, Point};

/// The machine's numbers for what a module names by its own.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) types: Vec<TypeId>,
    pub(crate) functions: Vec<u32>,
    pub(crate) data: Vec<u64>,
    pub(crate) hosts: Vec<u32>,
}

/// Slots that a frame has more than the bytecode asks for: `swap` goes over one.
const SPARE_SLOTS: usize = 1;

/// An entry of the symbolic operand stack.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Entry {
    /// In the slot of its position.
    Home,
    /// The same as a local.
    Local(LocalIndex),
    /// A known integer.
    Int(i64),
    /// A known float, by its bits.
    Float(u64),
    /// A known word that is no reference, or a truth value.
    Word(u64),
}

/// Where a result goes.
struct Target {
    slot: u16,
    /// What stands on the stack afterwards.
    entry: Option<Entry>,
    /// Instructions behind this one that are done with it.
    extra: usize,
}

/// All that lowering a function needs to know.
pub(crate) struct Unit<'m> {
    pub(crate) table: &'m TypeTable,
    pub(crate) function: &'m Function,
    pub(crate) facts: &'m FunctionFacts,
    pub(crate) numbers: &'m Numbers,
    pub(crate) types: &'m TypeStore,
    pub(crate) functions: &'m [Function],
    pub(crate) imports: &'m [Import],
    pub(crate) hosts: &'m [HostImport],
    pub(crate) mode: Mode,
}

/// A function on its way to the internal form.
struct Lowering<'m, 'c> {
    unit: &'m Unit<'m>,
    out: Emitter<'c>,
    insts: Vec<Inst<'m>>,
    stack: Vec<Entry>,
    locals: usize,
    frame_bytes: u16,
    places: Vec<(u32, u32)>,
    /// The last instruction that was emitted and may still be changed: nothing jumps behind it.
    last: Option<usize>,
    last_operation: Option<Operation>,
}

/// What lowering a function gives, besides its code in the arena.
pub(crate) struct Lowered {
    pub(crate) entry: u32,
    pub(crate) end: u32,
    pub(crate) frame_bytes: u32,
    pub(crate) places: Box<[(u32, u32)]>,
    pub(crate) handlers: Box<[HandlerEntry]>,
}

/// Lowers a function into the arena.
pub(crate) fn lower(
    unit: &Unit<'_>,
    code: &mut Vec<crate::code::Op>,
    long_maps: &mut Vec<Box<[u64]>>,
    calls: &mut Vec<emit::CallPatch>,
    dispatch: crate::config::Dispatch,
) -> Lowered {
    let locals = unit.function.local_count();
    let frame_bytes = (FRAME_HEADER_BYTES + (locals + unit.facts.stack_max + SPARE_SLOTS) * 8) as u16;
    let out = Emitter::new(code, long_maps, calls, dispatch, unit.function.targets.len());
    let insts = decode(unit.function, unit.facts);
    let mut lowering = Lowering {
        unit,
        out,
        insts,
        stack: Vec::new(),
        locals,
        frame_bytes,
        places: Vec::new(),
        last: None,
        last_operation: None,
    };
    let entry = lowering.out.place();
    lowering.run();
    lowering.finish(entry)
}

fn decode<'m>(function: &'m Function, facts: &FunctionFacts) -> Vec<Inst<'m>> {
    let mut reader = Reader::new(&function.code);
    let insts: Vec<Inst<'m>> = std::iter::from_fn(|| Inst::decode(&mut reader).ok()).collect();
    debug_assert_eq!(insts.len(), facts.points.len());
    insts
}

impl<'m> Lowering<'m, '_> {
    fn run(&mut self) {
        let mut at = 0;
        let mut falls_through = true;
        while at < self.insts.len() {
            let unit = self.unit;
            let point = &unit.facts.points[at];
            if let Some(target) = point.target {
                if falls_through {
                    self.flush();
                }
                self.stack = vec![Entry::Home; point.stack.len()];
                self.out.bind(target);
                self.last = None;
            }
            debug_assert_eq!(self.stack.len(), point.stack.len(), "at {}", point.offset);
            self.places.push((self.out.place(), point.offset.0));
            let done = self.select(at);
            falls_through = !self.insts[at + done - 1].opcode().info().effects.has(fardel_bytecode::isa::ENDS);
            at += done;
            if !self.fuses() && falls_through {
                self.flush();
                self.last = None;
            }
        }
    }

    fn finish(mut self, entry: u32) -> Lowered {
        let unit = self.unit;
        let maps: Vec<SlotMap> = unit
            .function
            .handlers
            .iter()
            .map(|handler| {
                let live = &unit.function.targets[handler.target.at()].live;
                let slots: Vec<usize> = live.iter().filter(|local| self.local_is_word(*local)).map(LocalIndex::at).collect();
                self.out.map(slots.into_iter())
            })
            .collect();
        let (frame_bytes, locals, places) = (u32::from(self.frame_bytes), self.locals, std::mem::take(&mut self.places));
        let end = self.out.place();
        let targets = self.out.finish();
        let handlers = unit.function.handlers.iter().zip(maps);
        let handlers = handlers
            .map(|(handler, map)| HandlerEntry {
                start: handler.start.0,
                end: handler.end.0,
                target: targets[handler.target.at()],
                slot: slot(locals),
                map,
            })
            .collect();
        Lowered { entry, end, frame_bytes, places: places.into(), handlers }
    }

    fn fuses(&self) -> bool {
        self.unit.mode == Mode::Fused
    }

    fn point(&self, at: usize) -> &'m Point {
        &self.unit.facts.points[at]
    }

    /// The types on the stack before an instruction.
    fn types_at(&self, at: usize) -> &'m [TypeIndex] {
        self.unit.facts.stack(self.point(at))
    }

    /// The type of an operand of an instruction, counted from the top.
    fn type_of(&self, at: usize, depth: usize) -> TypeIndex {
        let types = self.types_at(at);
        types[types.len() - 1 - depth]
    }

    fn descriptor(&self, ty: TypeIndex) -> &'m Type {
        &self.unit.table.all()[ty.at()]
    }

    fn repr(&self, ty: TypeIndex) -> Repr {
        self.descriptor(ty).repr()
    }

    fn repr_of(&self, at: usize, depth: usize) -> Repr {
        self.repr(self.type_of(at, depth))
    }

    fn type_id(&self, ty: TypeIndex) -> TypeId {
        self.unit.numbers.types[ty.at()]
    }

    fn local_is_word(&self, local: LocalIndex) -> bool {
        self.unit.function.local(local).is_some_and(|ty| self.repr(ty) == Repr::Word)
    }

    /// The next instruction, if no branch leads between the two and it may be done together with this one.
    fn next(&self, at: usize, ahead: usize) -> Option<Inst<'m>> {
        if !self.fuses() {
            return None;
        }
        let between =
            (1..=ahead).all(|step| self.unit.facts.points.get(at + step).is_some_and(|point| point.target.is_none()));
        if between { self.insts.get(at + ahead).copied() } else { None }
    }

    // The symbolic stack.

    fn home(&self, position: usize) -> u16 {
        slot(self.locals + position)
    }

    fn position(&self, depth: usize) -> usize {
        self.stack.len() - 1 - depth
    }

    /// The slot that an operand is in, counted from the top. A constant is written to its home first.
    fn operand(&mut self, depth: usize) -> u16 {
        let position = self.position(depth);
        match self.stack[position] {
            Entry::Home => self.home(position),
            Entry::Local(local) => slot(local.at()),
            Entry::Int(_) | Entry::Float(_) | Entry::Word(_) => {
                self.settle(position);
                self.home(position)
            }
        }
    }

    /// Puts an entry into its home.
    fn settle(&mut self, position: usize) {
        let home = self.home(position);
        match self.stack[position] {
            Entry::Home => return,
            Entry::Local(local) => self.emit(Operation::mov, home, slot(local.at()), 0),
            Entry::Int(value) => self.constant(home, value as u64),
            Entry::Float(bits) | Entry::Word(bits) => self.constant(home, bits),
        }
        self.stack[position] = Entry::Home;
    }

    fn constant(&mut self, to: u16, bits: u64) {
        if let Ok(small) = i32::try_from(bits as i64) {
            self.emit(Operation::konst, to, 0, small as u32);
        } else {
            self.emit(Operation::konst_wide, to, 0, 0);
            self.out.extend(bits, SlotMap::default());
            self.last = None;
        }
    }

    /// Puts all entries into their homes.
    fn flush(&mut self) {
        self.flush_below(0);
    }

    /// Puts all entries but the topmost `kept` into their homes.
    fn flush_below(&mut self, kept: usize) {
        for position in 0..self.stack.len() - kept {
            self.settle(position);
        }
    }

    /// Puts the entries that are the same as a local into their homes, but for the topmost `operands`.
    fn part_from(&mut self, local: LocalIndex, operands: usize) {
        for position in 0..self.stack.len() - operands {
            if self.stack[position] == Entry::Local(local) {
                self.settle(position);
            }
        }
    }

    fn pop(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
    }

    /// Decides where the result of an instruction that pops `operands` goes: into the local that it is stored to next,
    /// or home.
    fn target(&mut self, at: usize, operands: usize) -> Target {
        if let Some(Inst::Store { local }) = self.next(at, 1) {
            self.part_from(local, operands);
            return Target { slot: slot(local.at()), entry: None, extra: 1 };
        }
        if let Some(Inst::Tee { local }) = self.next(at, 1) {
            self.part_from(local, operands);
            return Target { slot: slot(local.at()), entry: Some(Entry::Local(local)), extra: 1 };
        }
        let home = self.home(self.stack.len() - operands);
        Target { slot: home, entry: Some(Entry::Home), extra: 0 }
    }

    /// Ends an instruction: operands off, result on. Gives how many instructions are done.
    fn done(&mut self, operands: usize, target: Target) -> usize {
        self.pop(operands);
        self.stack.extend(target.entry);
        1 + target.extra
    }

    fn emit(&mut self, operation: Operation, a: u16, b: u16, c: u32) {
        self.last = Some(self.out.code.len());
        self.last_operation = Some(operation);
        self.out.emit(operation, a, b, c);
    }

    fn extend(&mut self, extra: u64, map: SlotMap) {
        self.out.extend(extra, map);
        self.last = None;
    }

    /// The map at an instruction: words among the lowest `kept` entries and among the live locals.
    fn map(&mut self, at: usize, kept: usize) -> SlotMap {
        let types = self.types_at(at);
        let mut slots = Vec::new();
        for (position, ty) in types.iter().enumerate().take(kept) {
            if self.repr(*ty) != Repr::Word {
                continue;
            }
            match self.stack[position] {
                Entry::Home => slots.push(self.locals + position),
                Entry::Local(local) => slots.push(local.at()),
                Entry::Int(_) | Entry::Float(_) | Entry::Word(_) => {}
            }
        }
        let live = self.point(at).live_before;
        slots.extend(live.iter().filter(|local| self.local_is_word(*local)).map(LocalIndex::at));
        self.out.map(slots.into_iter())
    }

    /// Emits a safe operation with its extension: all operands are still on the stack.
    fn slow(&mut self, at: usize, operation: Operation, a: u16, b: u16, c: u32, extra: u64) {
        self.emit(operation, a, b, c);
        let map = self.map(at, self.stack.len());
        self.extend(extra, map);
    }
}
