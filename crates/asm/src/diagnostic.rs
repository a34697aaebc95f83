//! What the assembler has to say about a source: the codes of its errors and warnings, and places.
//!
//! **Invariant:** codes are stable; a retired one is never used again.

use std::ops::Range;

pub(crate) use fardel_diagnostic::{Diagnostic, Report, Sink, Told};

fardel_diagnostic::codes! {
    "A0001" BadCharacter "A character that no part of assembly text begins with.";
    "A0002" Unterminated "A text, byte string, character or quoted name without its closing quote.";
    "A0003" BadEscape "An escape that texts do not have.";
    "A0004" BadNumber "A number that is malformed or does not fit 64 bits.";
    "A0005" Syntax "Something else is wanted at this place.";
    "A0006" UnknownItem "A line that begins no item.";
    "A0007" MissingEnd "A function without its `end`, or a list without its closing brace.";
    "A0008" UnknownInstruction "A mnemonic that the instruction set does not have.";
    "A0009" WrongOperand "An operand of another kind than the instruction has.";
    "A0010" UnknownType "A type that is neither built in nor declared.";
    "A0011" UnknownFunction "A function that is neither declared nor exported by an import.";
    "A0012" UnknownLocal "A local that the function does not declare.";
    "A0013" UnknownLabel "A label that the function does not have.";
    "A0014" UnknownMember "A field or variant that the type does not have.";
    "A0015" UnknownConstant "A constant that is not declared, or of another kind than wanted.";
    "A0016" UnknownHost "A host function that is not declared.";
    "A0017" Duplicate "A name that is declared twice.";
    "A0018" BadImport "An import that cannot be had, or is not what was pinned.";
    "A0019" MisplacedLocal "A `local` line behind the first instruction.";
    "A0020" TypeMismatch "An operand of another type than the instruction wants.";
    "A0021" Underflow "An instruction that wants more operands than the stack has.";
    "A0022" StackHeights "Two ways to a label that bring stacks of different heights.";
    "A0023" Unreachable "Code that no way leads to.";
    "A0024" Dropped "Instructions between an unconditional jump and the next label, which are left out.";
    "A0025" Unassigned "A local that may be read before it is assigned.";
    "A0026" MissingReturn "A function whose end is reached without `ret`.";
    "A0027" CannotInfer "A type that was left out and does not follow from the stack.";
    "A0028" TooLarge "More of something than a module may have.";
    "A0029" Cycle "A type that contains itself without end.";
    "A0030" BadRange "A handler or serve point that makes no sense.";
    "A0031" ArgumentCount "A number of arguments that is not the function's.";
    "A0032" Captures "A function with captured values where one without is wanted, or the reverse.";
    "A0033" WrongShape "A type of another shape than the instruction is for.";
    "A0034" Refused "A module that the verifier refuses.";
}

/// A place in the source as the assembler keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// From the start of this one to the end of `other`.
    pub(crate) fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end.max(self.start) }
    }

    /// As a range of bytes.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.range()
    }
}
