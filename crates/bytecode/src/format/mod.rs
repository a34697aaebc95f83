//! The bytes of a module: format 1, stated byte by byte in `docs/spec/module.md`.
//!
//! A module has exactly one encoding, so that its hash can be its name. The decoder therefore refuses whatever the
//! encoder would have written otherwise, and with it all that makes a module meaningless by itself: indices out of
//! range, types or names declared twice, limits exceeded. What only the code can tell is left to [`crate::verify`].
//!
//! **Invariant:** `decode(bytes) == Ok(module)` implies `encode(&module) == bytes`.

mod cursor;
mod error;
mod read;
mod read_types;
mod write;

pub use error::{FormatError, Problem};

use crate::module::{Module, ModuleHash};

/// The first bytes of every module.
pub const MAGIC: [u8; 4] = *b"\0fdm";

/// Bytes of the header: magic, version, feature bits.
pub const HEADER_BYTES: usize = MAGIC.len() + size_of::<u16>() + size_of::<u32>();

/// The bytes of a module, its debug section last when it has one.
///
/// Every module in memory can be written; one that breaks a rule of the format gives bytes that [`decode`] refuses.
pub fn encode(module: &Module) -> Vec<u8> {
    let mut out = write::canonical(module);
    write::debug(&mut out, module);
    out
}

/// Reads a module.
///
/// Takes time in proportion to the bytes, but for the sorting of names and data, and at most some 80 bytes of memory for
/// each of them: whoever takes modules from strangers bounds both by the length.
///
/// # Errors
/// [`FormatError`] when the bytes are not what [`encode`] writes for any module that keeps the rules of the format.
pub fn decode(bytes: &[u8]) -> Result<Module, FormatError> {
    read::module(bytes).map_err(|error| *error)
}

/// The name of a module: the BLAKE3 hash of its bytes from the header up to, not including, the debug section.
pub fn hash(module: &Module) -> ModuleHash {
    ModuleHash(*blake3::hash(&write::canonical(module)).as_bytes())
}

macro_rules! sections {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident $word:literal;)*) => {
        /// A part of a module behind its header. The numbers are stable, and sections stand in their order.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Section {$(
            $(#[doc = $doc])+
            $name = $number,
        )*}

        impl Section {
            /// Every section in order.
            pub const ALL: &'static [Section] = &[$(Section::$name),*];

            /// The word for it; also the first part of [`FormatError::item`].
            pub const fn name(self) -> &'static str {
                match self { $(Section::$name => $word,)* }
            }

            /// The section with this number.
            pub const fn from_number(number: u8) -> Option<Section> {
                match number {
                    $($number => Some(Section::$name),)*
                    _ => None,
                }
            }
        }
    };
}

sections! {
    /// The types that the module declares.
    1 Types "types";
    /// Functions of other modules.
    2 Imports "imports";
    /// Functions of the host.
    3 Hosts "hosts";
    /// Constants of the code.
    4 Data "data";
    /// The module's own functions.
    5 Functions "functions";
    /// Functions that others may use.
    6 Exports "exports";
    /// What a debugger wants; outside the hash.
    7 Debug "debug";
}

/// The first byte of a type. Types without a number here are built in, so that no module declares them.
mod type_tag {
    /// Stands for a built-in type where a module in memory declares one; never read.
    pub(super) const BUILT_IN: u8 = 0;
    pub(super) const OPTION: u8 = 1;
    pub(super) const LIST: u8 = 2;
    pub(super) const MAP: u8 = 3;
    pub(super) const SET: u8 = 4;
    pub(super) const TUPLE: u8 = 5;
    pub(super) const FUNCTION: u8 = 6;
    pub(super) const RECORD: u8 = 7;
    pub(super) const OBJECT: u8 = 8;
    pub(super) const SUM: u8 = 9;
}

/// The bits of a field's flags: what is said of it behind them, in this order.
mod field_flag {
    pub(super) const MUTABLE: u8 = 1;
    pub(super) const DEFAULT: u8 = 1 << 1;
    pub(super) const WAS: u8 = 1 << 2;
    pub(super) const JSON: u8 = 1 << 3;
    pub(super) const KNOWN: u8 = MUTABLE | DEFAULT | WAS | JSON;
}

/// The first byte of a constant.
mod constant_tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const TEXT: u8 = 5;
    pub(super) const BYTES: u8 = 6;
}

/// The first byte of an entry of the data.
mod data_tag {
    pub(super) const TEXT: u8 = 0;
    pub(super) const BYTES: u8 = 1;
}
