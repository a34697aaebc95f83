//! What the verifier says about a module that it refuses.
//!
//! **Invariant:** a code keeps its number and its meaning for ever; a message names what was seen, what was wanted and
//! where.

use crate::index::CodeOffset;

macro_rules! codes {
    ($($number:literal $name:ident $doc:literal;)*) => {
        /// Why a module was refused.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ErrorCode {$(
            #[doc = $doc]
            $name,
        )*}

        impl ErrorCode {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),*];

            /// The stable number as written, `E0001`.
            pub const fn number(self) -> &'static str {
                match self { $(ErrorCode::$name => $number,)* }
            }

            /// What it means.
            pub const fn doc(self) -> &'static str {
                match self { $(ErrorCode::$name => $doc,)* }
            }
        }
    };
}

codes! {
    // The module.
    "E0001" WrongFeatures "A feature bit that this version does not know is set.";
    "E0002" OverLimit "A count or a size is over the format's limit.";
    "E0003" BadName "A name is empty or too long.";
    "E0004" DuplicateName "Two things of one kind have one name.";
    "E0005" UnknownType "An index names no type.";
    "E0006" BuiltinType "A built-in type is not what it has to be.";
    "E0007" TypeOrder "A structural type stands before a structural type that it is made of.";
    "E0008" TypeDepth "Structural types are nested too deeply.";
    "E0009" DuplicateType "A structural type is declared twice, or is built in.";
    "E0010" BadKey "The key type of a map or set has values that cannot be keys.";
    "E0011" BadDefault "The default of a field is not of the field's type.";
    "E0012" BadMutable "A field is mutable, but not one of an object.";
    "E0013" RedundantJson "A field's JSON name is its own name.";
    "E0014" UnknownFunction "An index names no function.";
    "E0015" Captures "A function with captured values stands where it cannot be given them.";
    "E0016" ExportOrder "The exports do not stand in the order of their names.";
    "E0017" DuplicateMessage "A function names one message type twice.";
    // A function's targets, handlers and serve points.
    "E0020" TargetOrder "The targets do not stand in the order of their places, one a place.";
    "E0021" TargetPlace "A target is not at the start of an instruction.";
    "E0022" TargetUnused "No branch and no handler leads to a target.";
    "E0023" TargetLocals "A target names a live local that the function does not have.";
    "E0024" HandlerRange "A handler's range is empty, or does not begin and end at instructions.";
    "E0025" HandlerOrder "Handlers overlap, cover one range twice, or do not stand in the order of their ends, inner ones first.";
    "E0026" HandlerTarget "A handler's target stands before the range's end, or does not take exactly the error of a trap.";
    "E0027" HandlerLocals "An instruction that may trap stands where a local that its handler reads is not assigned.";
    "E0028" ServePoint "A serve point is not at a loop header, its state is not live there, or it is not in order.";
    // Code.
    "E0030" Unreadable "The bytes of the code are no instruction.";
    "E0031" Unreachable "An instruction is reached neither from the one before it nor by a branch.";
    "E0032" RunsOff "The code ends behind an instruction that goes on.";
    "E0033" UnknownOperand "An operand names nothing.";
    "E0034" DataKind "A text is wanted and the data is a byte string, or the other way round.";
    "E0035" TypeKind "The instruction does not work on a type of this kind.";
    "E0036" StackUnderflow "The operand stack holds less than the instruction takes.";
    "E0037" StackOverflow "The operand stack is higher than the format allows.";
    "E0038" OperandType "A value on the operand stack is not of the type that the instruction takes.";
    "E0039" Unassigned "A local is read where it is not assigned on every way.";
    "E0040" BranchHeight "A branch brings another number of values than its target takes.";
    "E0041" BranchType "A branch brings a value that is not of its target's type.";
    "E0042" BranchLocals "A branch comes where a local that is live at its target is not assigned.";
    "E0043" MissingType "The type of the result is not declared in the module.";
    "E0044" ResultType "A function's result is not what is wanted of it.";
    "E0045" Immutable "The field cannot be changed.";
    "E0046" NoCaptures "A closure is made of a function without captured values.";
    "E0047" StackCells "The operand stacks before all instructions of the module together are over the format's limit.";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.number())
    }
}

/// A reason to refuse a module, with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// Which reason.
    pub code: ErrorCode,
    /// The function, where it is about one.
    pub function: Option<String>,
    /// The instruction, where it is about one.
    pub offset: Option<CodeOffset>,
    /// The instruction's name, where it could be read.
    pub mnemonic: Option<&'static str>,
    /// What was seen and what was wanted.
    pub detail: String,
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(function) = &self.function {
            write!(f, " in function `{}`", function.escape_debug())?;
        }
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset}")?;
        }
        if let Some(mnemonic) = self.mnemonic {
            write!(f, ", `{mnemonic}`")?;
        }
        write!(f, ": {}", self.detail)
    }
}

impl std::error::Error for VerifyError {}

/// Errors listed before the verifier gives up on the rest.
const ERRORS_MAX: usize = 50;

/// The errors found so far.
#[derive(Default)]
pub(super) struct Errors(Vec<VerifyError>);

impl Errors {
    /// Adds one; beyond the limit it is dropped.
    pub(super) fn push(&mut self, error: VerifyError) {
        if !self.full() {
            self.0.push(error);
        }
    }

    /// Adds one about the module as a whole.
    pub(super) fn module(&mut self, code: ErrorCode, detail: String) {
        self.push(VerifyError { code, function: None, offset: None, mnemonic: None, detail });
    }

    /// Adds one about a function as a whole.
    pub(super) fn function(&mut self, name: &str, code: ErrorCode, detail: String) {
        self.push(VerifyError { code, function: Some(name.to_owned()), offset: None, mnemonic: None, detail });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn full(&self) -> bool {
        self.0.len() >= ERRORS_MAX
    }

    /// Nothing, or all errors.
    pub(super) fn result(&mut self) -> Result<(), Vec<VerifyError>> {
        if self.0.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.0)) }
    }
}

/// An error inside one function, before its place is known. Boxed, because almost every check succeeds.
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) detail: String,
}

pub(super) type Checked<T> = Result<T, Box<Fault>>;

#[cold]
pub(super) fn fault<T>(code: ErrorCode, detail: String) -> Checked<T> {
    Err(Box::new(Fault { code, detail }))
}
