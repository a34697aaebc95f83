//! A function's body between its text and its code.
//!
//! **Invariant:** names are resolved; types are provisional indices of the pool, labels numbers of the body.

use std::borrow::Cow;

use fardel_bytecode::Opcode;
use fardel_bytecode::index::{LocalIndex, TypeIndex};
use fardel_bytecode::operand::OperandKind;

use crate::diagnostic::Span;

/// An instruction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Ir {
    pub(crate) opcode: Opcode,
    /// Whether its type was left out and is still to be found.
    pub(crate) left_out: bool,
    /// The operands, one word each. An int or float has two, the lower first; a jump table has two, the range of its
    /// labels in [`Body::tables`].
    pub(crate) args: [u32; 3],
    pub(crate) span: Span,
    pub(crate) line: u32,
}

impl Ir {
    /// An instruction without operands.
    pub(crate) fn new(opcode: Opcode, span: Span, line: u32) -> Self {
        Ir { opcode, left_out: false, args: [0; 3], span, line }
    }

    /// Sets the operand of kind int or float.
    pub(crate) fn set_wide(&mut self, value: u64) {
        self.args = [value as u32, (value >> 32) as u32, 0];
    }

    /// The operand of kind int or float.
    pub(crate) fn wide(&self) -> u64 {
        u64::from(self.args[0]) | u64::from(self.args[1]) << 32
    }

    /// The same place, another instruction.
    pub(crate) fn beside(&self, opcode: Opcode, arg: u32) -> Self {
        Ir { args: [arg, 0, 0], ..Ir::new(opcode, self.span, self.line) }
    }

    /// The first operand of kind type.
    pub(crate) fn ty(&self) -> TypeIndex {
        TypeIndex(self.args[0])
    }

    /// The labels that it jumps to.
    pub(crate) fn labels<'b>(&'b self, tables: &'b [u32]) -> &'b [u32] {
        match self.opcode.info().operands.first() {
            Some((_, OperandKind::Target)) => &self.args[..1],
            Some((_, OperandKind::Targets)) => {
                let start = self.args[0] as usize;
                tables.get(start..start + self.args[1] as usize).unwrap_or(&[])
            }
            Some(_) | None => &[],
        }
    }
}

/// A label of a body.
#[derive(Clone, Debug)]
pub(crate) struct LabelDef<'a> {
    pub(crate) name: Cow<'a, str>,
    /// Where it stands, or where it was first used.
    pub(crate) span: Span,
    /// The instruction behind it; nothing when it does not stand anywhere.
    pub(crate) at: Option<u32>,
}

/// A `handle` line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandleLine {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) target: u32,
    pub(crate) span: Span,
}

/// A `serve` line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServeLine {
    pub(crate) label: u32,
    pub(crate) state: LocalIndex,
    pub(crate) span: Span,
}

/// A body as it was read.
#[derive(Debug, Default)]
pub(crate) struct Body<'a> {
    /// The types of all locals, captured values and parameters included.
    pub(crate) locals: Vec<TypeIndex>,
    /// Their names.
    pub(crate) names: Vec<Cow<'a, str>>,
    pub(crate) code: Vec<Ir>,
    pub(crate) labels: Vec<LabelDef<'a>>,
    /// The labels of jump tables.
    pub(crate) tables: Vec<u32>,
    pub(crate) handles: Vec<HandleLine>,
    pub(crate) serves: Vec<ServeLine>,
    /// Where `end` stands.
    pub(crate) end: Span,
}
