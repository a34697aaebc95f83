//! A module in memory, before anything about it is proven.
//!
//! [`crate::format`] reads and writes its bytes; [`crate::verify`] turns it into a [`crate::verify::VerifiedModule`].

use crate::index::{CodeOffset, FunctionIndex, LocalIndex, TargetIndex, TypeIndex};
use crate::limits::LOCALS_MAX;
use crate::types::TypeTable;

/// The version of the format that this crate reads and writes.
pub const FORMAT_VERSION: u16 = 1;

/// Bits of the header that say what a reader must know.
pub mod features {
    /// A draft of version 1, from before it was final; no reader takes one.
    pub const DRAFT: u32 = 1;
    /// Every bit that this version knows: there is no feature yet.
    pub const KNOWN: u32 = 0;
}

/// The name of a module: the BLAKE3 hash of its canonical bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ModuleHash(pub [u8; 32]);

impl std::fmt::Display for ModuleHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A module. The default is an empty one of this version.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Module {
    /// Feature bits.
    pub features: u32,
    /// The types.
    pub types: TypeTable,
    /// Functions of other modules; they have the first function indices.
    pub imports: Vec<Import>,
    /// Functions of the host.
    pub hosts: Vec<HostImport>,
    /// Constants of the code.
    pub data: Vec<Data>,
    /// The module's own functions; their indices follow those of the imports.
    pub functions: Vec<Function>,
    /// Functions that others may import or start, by name, sorted.
    pub exports: Vec<Export>,
    /// What a debugger wants; not part of the hash.
    pub debug: Option<Debug>,
}

/// A function of another module.
#[derive(Clone, PartialEq, Debug)]
pub struct Import {
    /// The other module.
    pub module: ModuleHash,
    /// The name under which it exports the function.
    pub name: String,
    /// Its parameters.
    pub params: Vec<TypeIndex>,
    /// Its result.
    pub result: Option<TypeIndex>,
}

/// A function of the host.
#[derive(Clone, PartialEq, Debug)]
pub struct HostImport {
    /// Its name, as `io.print`.
    pub name: String,
    /// Its parameters.
    pub params: Vec<TypeIndex>,
    /// Its result.
    pub result: Option<TypeIndex>,
}

/// A constant of the code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Data {
    /// A text.
    Text(String),
    /// A byte string.
    Bytes(Vec<u8>),
}

/// A function with code.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Function {
    /// Its name, unique among the module's functions.
    pub name: String,
    /// Values that a closure of it holds; its first locals.
    pub captures: Vec<TypeIndex>,
    /// Its parameters; the locals after the captured values.
    pub params: Vec<TypeIndex>,
    /// Its other locals.
    pub locals: Vec<TypeIndex>,
    /// Its result.
    pub result: Option<TypeIndex>,
    /// What it takes from its fiber's mailbox; nothing declared means Any.
    pub mailbox: Option<Vec<TypeIndex>>,
    /// Branch targets in the order of their places in the code.
    pub targets: Vec<Target>,
    /// Trap handlers, innermost first.
    pub handlers: Vec<Handler>,
    /// Where a fiber may change to a newer version of the code.
    pub serve_points: Vec<ServePoint>,
    /// The instructions.
    pub code: Vec<u8>,
}

impl Function {
    /// The type of a local, captured values and parameters included.
    #[inline]
    pub fn local(&self, local: LocalIndex) -> Option<TypeIndex> {
        let at = local.at();
        let (captures, params) = (self.captures.len(), self.params.len());
        if at < captures {
            self.captures.get(at).copied()
        } else if at < captures + params {
            self.params.get(at - captures).copied()
        } else {
            self.locals.get(at - captures - params).copied()
        }
    }

    /// How many locals there are, captured values and parameters included.
    pub fn local_count(&self) -> usize {
        self.captures.len() + self.params.len() + self.locals.len()
    }

    /// How many locals are assigned at entry: captured values and parameters.
    pub fn entry_count(&self) -> usize {
        self.captures.len() + self.params.len()
    }
}

/// A place that branches lead to, with what holds there on every way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// Where it is; targets stand in rising order, one a place.
    pub offset: CodeOffset,
    /// The operand stack, the top last.
    pub stack: Vec<TypeIndex>,
    /// The locals that code from here on may read before it assigns them. All are assigned on every way to the target;
    /// the others count as not assigned from here on.
    pub live: LocalSet,
}

/// A range of code whose traps go to a target.
///
/// The target's operand stack is exactly one value of type [`crate::types::ERROR`]: the kind and the text of the trap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handler {
    /// The first instruction that is covered.
    pub start: CodeOffset,
    /// The end of the range, not covered.
    pub end: CodeOffset,
    /// Where a trap continues.
    pub target: TargetIndex,
}

/// A loop header where a fiber waits for its next message, and the state that it carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServePoint {
    /// The loop header.
    pub target: TargetIndex,
    /// The local that holds the state.
    pub state: LocalIndex,
}

/// A function that others may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// The name for it.
    pub name: String,
    /// Which function.
    pub function: FunctionIndex,
}

/// What a debugger wants to know of a module.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Debug {
    /// The source file.
    pub file: String,
    /// A part a function, in the order of the module's own functions.
    pub functions: Vec<FunctionDebug>,
    /// Further source files, for modules that were made of several.
    pub others: Vec<OtherFile>,
}

/// A source file, and the functions that come from it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OtherFile {
    /// Its name.
    pub file: String,
    /// Positions among the module's own functions, rising.
    pub functions: Vec<u32>,
}

impl Debug {
    /// The source file of one of the module's own functions.
    pub fn file_of(&self, position: usize) -> &str {
        let other = self.others.iter().find(|other| other.functions.binary_search(&(position as u32)).is_ok());
        other.map_or(&self.file, |other| &other.file)
    }
}

/// What a debugger wants to know of a function.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FunctionDebug {
    /// The names of all locals, captured values and parameters included.
    pub locals: Vec<String>,
    /// Code offsets and the source lines that begin there, from 1, in rising order of offsets.
    pub lines: Vec<(CodeOffset, u32)>,
}

const SET_WORDS: usize = LOCALS_MAX / 64;

/// A set of locals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct LocalSet([u64; SET_WORDS]);

impl LocalSet {
    /// The set of the first `count` locals.
    ///
    /// # Panics
    /// When `count` is over the limit of locals.
    pub fn first(count: usize) -> Self {
        assert!(count <= LOCALS_MAX);
        let mut set = LocalSet::default();
        (0..count).for_each(|at| set.insert(LocalIndex(at as u32)));
        set
    }

    /// Adds a local; one over the limit is ignored.
    #[inline]
    pub fn insert(&mut self, local: LocalIndex) {
        if let Some(word) = self.0.get_mut(local.at() / 64) {
            *word |= 1 << (local.at() % 64);
        }
    }

    /// Takes a local out.
    #[inline]
    pub fn remove(&mut self, local: LocalIndex) {
        if let Some(word) = self.0.get_mut(local.at() / 64) {
            *word &= !(1 << (local.at() % 64));
        }
    }

    /// Whether a local is in it.
    #[inline]
    pub fn contains(&self, local: LocalIndex) -> bool {
        self.0.get(local.at() / 64).is_some_and(|word| word >> (local.at() % 64) & 1 == 1)
    }

    /// Whether all of `other` is in it.
    #[inline]
    pub fn contains_all(&self, other: &LocalSet) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| theirs & !mine == 0)
    }

    /// Adds all of `other`.
    #[inline]
    pub fn insert_all(&mut self, other: &LocalSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// The locals in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = LocalIndex> + '_ {
        (0..LOCALS_MAX as u32).map(LocalIndex).filter(|local| self.contains(*local))
    }

    /// Its words, the first local in the lowest bit of the first.
    pub fn words(&self) -> &[u64; SET_WORDS] {
        &self.0
    }

    /// A set from its words.
    pub fn from_words(words: [u64; SET_WORDS]) -> Self {
        LocalSet(words)
    }
}
