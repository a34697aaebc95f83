//! The pass over one function's code.
//!
//! **Invariant:** when an instruction is looked at, the operand stack holds the types that it has there on every way, and
//! `assigned` the locals that are assigned on every way.

use super::error::{Checked, ErrorCode, Fault, VerifyError, fault};
use super::places::Places;
use super::tables::Tables;
use crate::index::{CodeOffset, DataIndex, TargetIndex, TypeIndex};
use crate::isa::{ENDS, Effect, INSTRUCTIONS, Info, Opcode, TRAPS};
use crate::leb::{ReadError, Reader};
use crate::limits::{STACK_CELLS_EACH, STACK_CELLS_FREE, STACK_MAX};
use crate::module::{Data, Function, LocalSet, Module};
use crate::operand::{Operand as _, OperandKind, Targets};
use crate::types::TypeTable;

/// Counts the operand slots that a module may still have before its instructions.
pub(super) struct Cells(u64);

impl Default for Cells {
    fn default() -> Self {
        Cells(STACK_CELLS_FREE)
    }
}

impl Cells {
    /// Takes the slots of one more stack.
    #[inline]
    pub(super) fn take(&mut self, height: usize) -> Checked<()> {
        match (self.0 + STACK_CELLS_EACH).checked_sub(height as u64) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => fault(
                ErrorCode::StackCells,
                format!(
                    "{height} values on the operand stack are too many here: before all instructions together, {STACK_CELLS_FREE} and \
                     {STACK_CELLS_EACH} for each are allowed"
                ),
            ),
        }
    }
}

/// Who watches a pass.
pub(super) trait Witness {
    /// Is told about each instruction before it takes effect.
    fn point(&mut self, point: Sight<'_>);
}

/// An instruction as a [`Witness`] sees it.
pub(super) struct Sight<'p> {
    pub(super) offset: CodeOffset,
    pub(super) target: Option<TargetIndex>,
    pub(super) handler: Option<usize>,
    pub(super) stack: &'p [TypeIndex],
}

/// Nobody watches.
struct Alone;

impl Witness for Alone {
    #[inline]
    fn point(&mut self, _: Sight<'_>) {}
}

/// The operands of one instruction: all but integers, floats and jump tables are an index.
pub(super) struct Operands<'m> {
    pub(super) indices: [u32; 3],
    pub(super) targets: Targets<'m>,
}

/// The state of the walk. It serves one function after the other, so that its memory is taken once.
pub(super) struct Pass<'m> {
    pub(super) module: &'m Module,
    pub(super) types: &'m TypeTable,
    pub(super) tables: &'m Tables,
    pub(super) function: &'m Function,
    /// Where the instruction stands, and its name once it is read.
    pub(super) offset: u32,
    pub(super) mnemonic: Option<&'static str>,
    pub(super) operands: Operands<'m>,
    pub(super) stack: Vec<TypeIndex>,
    /// The types of all locals.
    pub(super) locals: Vec<TypeIndex>,
    pub(super) assigned: LocalSet,
    pub(super) places: Places,
    pub(super) cells: Cells,
}

impl<'m> Pass<'m> {
    pub(super) fn new(module: &'m Module, tables: &'m Tables, function: &'m Function) -> Self {
        Pass {
            module,
            types: &module.types,
            tables,
            function,
            offset: 0,
            mnemonic: None,
            operands: Operands { indices: [0; 3], targets: Targets::List(&[]) },
            stack: Vec::new(),
            locals: Vec::new(),
            assigned: LocalSet::default(),
            places: Places::default(),
            cells: Cells::default(),
        }
    }

    /// Proves one function.
    pub(super) fn check(&mut self, function: &'m Function) -> Result<(), Box<VerifyError>> {
        self.watch(function, &mut Alone)
    }

    /// Proves one function with somebody watching.
    pub(super) fn watch<W: Witness>(&mut self, function: &'m Function, witness: &mut W) -> Result<(), Box<VerifyError>> {
        self.function = function;
        (self.offset, self.mnemonic) = (0, None);
        self.stack.clear();
        self.locals.clear();
        self.locals.extend(function.captures.iter().chain(&function.params).chain(&function.locals));
        self.assigned = LocalSet::first(function.entry_count());
        self.run(witness).map_err(|fault| {
            let Fault { code, detail } = *fault;
            let (function, offset) = (Some(function.name.clone()), Some(CodeOffset(self.offset)));
            Box::new(VerifyError { code, function, offset, mnemonic: self.mnemonic, detail })
        })
    }

    fn run<W: Witness>(&mut self, witness: &mut W) -> Checked<()> {
        self.begin_places()?;
        let mut reader = Reader::new(&self.function.code);
        let mut reached = true;
        while !reader.is_empty() {
            self.offset = reader.position() as u32;
            self.mnemonic = None;
            let mut target = None;
            if self.offset >= self.places.next {
                target = self.arrive(reached)?;
                reached |= target.is_some();
            }
            let info = self.read(&mut reader)?;
            self.mnemonic = Some(info.mnemonic);
            if !reached {
                return fault(
                    ErrorCode::Unreachable,
                    format!("`{}` is reached by no way, wanted a target here", info.mnemonic),
                );
            }
            if self.places.guard_due && info.effects.has(TRAPS) {
                self.guard()?;
            }
            self.cells.take(self.stack.len())?;
            let handler = self.places.innermost();
            witness.point(Sight { offset: CodeOffset(self.offset), target, handler, stack: &self.stack });
            self.step(info)?;
            reached = !info.effects.has(ENDS);
        }
        self.offset = self.function.code.len() as u32;
        self.mnemonic = None;
        if reached {
            return fault(
                ErrorCode::RunsOff,
                "the code ends here, wanted a jump, a return or another instruction that ends it".to_owned(),
            );
        }
        self.end_places()
    }

    /// Reads one instruction and what its operands mean by themselves.
    #[inline]
    fn read(&mut self, reader: &mut Reader<'m>) -> Checked<&'static Info> {
        let number = reader.u32().map_err(unreadable)?;
        let Some(opcode) = Opcode::from_number(number) else {
            return Err(unreadable(ReadError::UnknownInstruction(number)));
        };
        let info = opcode.info();
        for ((_, kind), index) in info.operands.iter().zip(&mut self.operands.indices) {
            match kind {
                OperandKind::Int => {
                    reader.i64().map_err(unreadable)?;
                }
                OperandKind::Float => {
                    reader.take(8).map_err(unreadable)?;
                }
                OperandKind::Targets => self.operands.targets = Targets::decode(reader).map_err(unreadable)?,
                OperandKind::Text | OperandKind::Bytes => {
                    let data = DataIndex(reader.u32().map_err(unreadable)?);
                    data_is(self.module, data, *kind)?;
                }
                OperandKind::Local
                | OperandKind::Type
                | OperandKind::Field
                | OperandKind::Variant
                | OperandKind::Function
                | OperandKind::Host
                | OperandKind::Target
                | OperandKind::Depth => *index = reader.u32().map_err(unreadable)?,
            }
        }
        Ok(info)
    }

    /// Takes the instruction's effect on the stack.
    #[inline]
    fn step(&mut self, info: &'static Info) -> Checked<()> {
        match info.effect {
            Effect::Fixed(pops, pushes) => {
                for (at, ty) in pops.iter().enumerate().rev() {
                    self.pop_as(*ty, at)?;
                }
                pushes.iter().try_for_each(|ty| self.push(*ty))
            }
            Effect::Rule(rule) => self.rule(rule),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, ty: TypeIndex) -> Checked<()> {
        if self.stack.len() >= STACK_MAX {
            return fault(ErrorCode::StackOverflow, format!("one more than {STACK_MAX} values on the operand stack"));
        }
        self.stack.push(ty);
        Ok(())
    }

    /// Pops an operand of any type; `at` is its position among the instruction's operands, 0 for the deepest.
    #[inline]
    pub(super) fn pop(&mut self, at: usize) -> Checked<TypeIndex> {
        let Some(ty) = self.stack.pop() else { return self.underflow(at) };
        Ok(ty)
    }

    #[inline]
    pub(super) fn pop_as(&mut self, wanted: TypeIndex, at: usize) -> Checked<()> {
        let seen = self.pop(at)?;
        if self.types.assignable(seen, wanted) { Ok(()) } else { self.mismatch(at, seen, &self.types.display(wanted)) }
    }

    #[cold]
    fn underflow<T>(&self, at: usize) -> Checked<T> {
        let name = self.mnemonic.unwrap_or("?");
        fault(ErrorCode::StackUnderflow, format!("operand {} of `{name}` is missing, the operand stack is empty", at + 1))
    }

    #[cold]
    pub(super) fn mismatch<T>(&self, at: usize, seen: TypeIndex, wanted: &str) -> Checked<T> {
        let (name, seen) = (self.mnemonic.unwrap_or("?"), self.types.display(seen));
        fault(ErrorCode::OperandType, format!("operand {} of `{name}` is {seen}, wanted {wanted}", at + 1))
    }
}

#[cold]
fn unreadable(error: ReadError) -> Box<Fault> {
    Box::new(Fault { code: ErrorCode::Unreadable, detail: error.to_string() })
}

#[inline]
fn data_is(module: &Module, data: DataIndex, wanted: OperandKind) -> Checked<()> {
    match (module.data.get(data.at()), wanted == OperandKind::Text) {
        (Some(Data::Text(_)), true) | (Some(Data::Bytes(_)), false) => Ok(()),
        (Some(Data::Text(_)), false) => fault(ErrorCode::DataKind, format!("data {data} is a text, wanted a byte string")),
        (Some(Data::Bytes(_)), true) => fault(ErrorCode::DataKind, format!("data {data} is a byte string, wanted a text")),
        (None, _) => {
            fault(ErrorCode::UnknownOperand, format!("data {data} does not exist, the module has {}", module.data.len()))
        }
    }
}

/// An operand of an instruction with a fixed effect has to be checked when it is read: no rule looks at it.
const _: () = {
    let mut row = 0;
    while row < INSTRUCTIONS.len() {
        let info = &INSTRUCTIONS[row];
        assert!(info.operands.len() <= 3);
        let mut at = 0;
        while at < info.operands.len() {
            let whole = matches!(
                info.operands[at].1,
                OperandKind::Int | OperandKind::Float | OperandKind::Text | OperandKind::Bytes
            );
            assert!(whole || matches!(info.effect, Effect::Rule(_)));
            at += 1;
        }
        row += 1;
    }
};
