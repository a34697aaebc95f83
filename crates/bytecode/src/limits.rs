//! The limits of module format 1. Each is checked before memory is taken on the module's word.

/// Locals of a function, captured values and parameters included: a set of them fits four words.
pub const LOCALS_MAX: usize = 256;
/// Parameters of a function, captured values not counted.
pub const PARAMS_MAX: usize = 64;
/// Operand slots of a function. With the locals and two words of header a frame stays under 64 KiB,
/// so that an offset into a frame fits 16 bits.
pub const STACK_MAX: usize = 4096;
/// Topmost values that a branch may bring with another, assignable type than its target takes; deeper ones are of the
/// very same types. So a branch is checked in constant time.
pub const BRANCH_CONVERTED_MAX: usize = 16;
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
