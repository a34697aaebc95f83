//! The limits of module format 1. Each is checked before memory is taken on the module's word.

/// Locals of a function, captured values and parameters included: a set of them fits four words.
pub const LOCALS_MAX: usize = 256;
/// Parameters of a function, captured values not counted.
pub const PARAMS_MAX: usize = 64;
/// Operand slots of a function. With the locals and two words of header a frame stays under 64 KiB,
/// so that an offset into a frame fits 16 bits.
pub const STACK_MAX: usize = 4096;
/// Operand slots that a module's instructions have before them, added up, besides [`STACK_CELLS_EACH`] for each: what
/// looks at the whole stack at an instruction (a branch, a stack map) stays linear in the module's bytes. A stack of
/// [`STACK_MAX`] values can be built up once.
pub const STACK_CELLS_FREE: u64 = 1 << 23;
/// Operand slots that each instruction, and each target of a jump table, adds to [`STACK_CELLS_FREE`].
pub const STACK_CELLS_EACH: u64 = 16;
const _: () = assert!(STACK_CELLS_FREE >= (STACK_MAX * (STACK_MAX - 1) / 2) as u64);
/// Fields of a tuple, record, object or variant: the count of scannable words fits one byte of a heap header.
pub const FIELDS_MAX: usize = 250;
/// Variants of a sum type.
pub const VARIANTS_MAX: usize = 4096;
/// Types that one module may declare.
pub const TYPES_MAX: usize = 65_536;
/// Functions of one module, imported ones included.
pub const FUNCTIONS_MAX: usize = 1 << 20;
/// Host functions that one module may import.
pub const HOSTS_MAX: usize = 65_536;
/// Entries of one module's data.
pub const DATA_MAX: usize = 1 << 20;
/// Bytes of code in one function.
pub const CODE_BYTES_MAX: usize = 16 << 20;
/// Bytes of one module.
pub const MODULE_BYTES_MAX: usize = 256 << 20;
/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 1024;
/// How deeply structural types may be nested, so that walking one never needs a deep host stack.
pub const TYPE_DEPTH_MAX: usize = 64;
