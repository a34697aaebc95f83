//! What can be wrong with the bytes of a module.
//!
//! **Invariant:** a message names the item, its place, what was seen and what was wanted.

use super::{MAGIC, Section};
use crate::index::TypeIndex;
use crate::leb::ReadError;
use crate::limits::{NAME_BYTES_MAX, TYPE_DEPTH_MAX};
use crate::module::FORMAT_VERSION;

/// Why bytes are no module. Nothing of them is kept.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{item} at byte {offset}: {problem}")]
pub struct FormatError {
    /// Where it is, in bytes from the module's start.
    pub offset: usize,
    /// What it is: `functions[3].targets[1].stack[0]`, each counted from 0 in its list.
    pub item: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl FormatError {
    pub(super) fn new(offset: usize, item: &str, problem: Problem) -> Box<Self> {
        Box::new(FormatError { offset, item: item.to_owned(), problem })
    }

    /// Puts the name of what holds the item before it.
    pub(super) fn inside(mut self: Box<Self>, outer: &str) -> Box<Self> {
        self.item = if self.item.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.item) };
        self
    }
}

/// What is wrong with an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// Not even its bytes can be read.
    #[error("{0}")]
    Bytes(ReadError),
    /// The first bytes are those of something else.
    #[error("{} is not a module; one starts with {}", spaced(.0), spaced(&MAGIC))]
    Magic([u8; 4]),
    /// A version that this reader does not know.
    #[error("format version {0} is unknown; this reader knows version {FORMAT_VERSION}")]
    Version(u16),
    /// A feature that this reader does not know.
    #[error("feature bit {0} is unknown to this reader; a newer one is needed")]
    UnknownFeature(u32),
    /// A draft of version 1.
    #[error("feature bit 0, draft, is set: this was made before version 1 was final; make it again from its source")]
    Draft,
    /// A section that this reader does not know.
    #[error("section number {0} is unknown; the last one known is {last}, {name}", last = Section::Debug as u8, name = Section::Debug.name())]
    UnknownSection(u8),
    /// Fewer bytes than the item takes.
    #[error("this takes {wanted} bytes, but {left} are left")]
    Short {
        /// The bytes that it takes.
        wanted: usize,
        /// The bytes at hand.
        left: usize,
    },
    /// A section in the wrong place, or for the second time.
    #[error("section {seen} stands behind section {after}, but each stands once, in the order of the numbers", seen = .seen.name(), after = .after.name())]
    SectionOrder {
        /// The section.
        seen: Section,
        /// The one before it.
        after: Section,
    },
    /// A section without an item.
    #[error("this section is empty, and an empty section is left out")]
    EmptySection,
    /// More bytes than the item needs.
    #[error("bytes left over behind the last item: {0}")]
    Rest(usize),
    /// More than a limit allows.
    #[error("{seen} {unit}, but at most {max} are allowed")]
    Limit {
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        seen: usize,
        /// How many there may be.
        max: usize,
    },
    /// A count that the bytes at hand cannot hold.
    #[error("a list of {seen} needs at least {needed} bytes, but {left} are left")]
    Count {
        /// How many there should be.
        seen: usize,
        /// The least bytes for them.
        needed: usize,
        /// The bytes at hand.
        left: usize,
    },
    /// A name that is too long.
    #[error("a name of {0} bytes, but at most {NAME_BYTES_MAX} are allowed")]
    NameLength(usize),
    /// Text that is not UTF-8.
    #[error("this text is not UTF-8 from its byte {0} on")]
    Utf8(usize),
    /// The first byte of an item that has several forms.
    #[error("unknown form {seen}, wanted {wanted}")]
    Form {
        /// The byte.
        seen: u8,
        /// Which there are.
        wanted: &'static str,
    },
    /// An index that points nowhere.
    #[error("{space} {seen} does not exist; {}", range(*.count))]
    Index {
        /// What it points to.
        space: &'static str,
        /// The index.
        seen: u32,
        /// How many there are.
        count: usize,
    },
    /// The same thing twice in a list that has everything once.
    #[error("the same as number {0} of the list, which has everything once")]
    Repeated(usize),
    /// A number that is not above the one before it, in a list whose numbers rise.
    #[error("{0} does not stand above the number before it")]
    NotRising(u32),
    /// A structural type that is built in.
    #[error("this type is built in as type {0}")]
    BuiltIn(TypeIndex),
    /// A structural type to which another, or itself, refers before it is declared.
    #[error("type {0} refers to this structural type, which must stand before it")]
    Late(TypeIndex),
    /// Structural types that are nested too deeply.
    #[error("this structural type is nested {0} deep, but at most {TYPE_DEPTH_MAX} are allowed")]
    Depth(usize),
    /// Flags of a field that say nothing, or what it cannot be.
    #[error("field flags {seen:#04x}, but only {known:#04x} are allowed here")]
    Flags {
        /// The flags.
        seen: u8,
        /// Those that may be set.
        known: u8,
    },
    /// A list of former names that is there, but empty.
    #[error("an empty list of former names, which is left out")]
    NoFormerNames,
    /// A set of locals with zero bytes at its end.
    #[error("this set of locals ends in a zero byte, which is left out")]
    SetEnd,
    /// Exports that are not in the order of their names.
    #[error("this name does not sort behind the one before it")]
    Unsorted,
    /// Debug information for another number of things.
    #[error("a list of {seen}, wanted {wanted}: one for each {each}")]
    Parts {
        /// How many there are.
        seen: usize,
        /// How many there are to describe.
        wanted: usize,
        /// What there is one for.
        each: &'static str,
    },
    /// A line whose code offset does not rise, or overflows.
    #[error("this code offset does not rise")]
    LineOffset,
    /// A line outside 1..=u32::MAX.
    #[error("line {0}; lines count from 1")]
    Line(i64),
}

fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Which indices there are among `count`.
fn range(count: usize) -> String {
    match count.checked_sub(1) {
        None => "there is none".to_owned(),
        Some(last) => format!("the last one is {last}"),
    }
}
