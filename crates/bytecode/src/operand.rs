//! What an instruction's operands can be, and how each is encoded.

use crate::index::{DataIndex, FieldIndex, FunctionIndex, HostIndex, LocalIndex, TargetIndex, TypeIndex, VariantIndex};
use crate::leb::{self, ReadError, Reader};

/// The kind of an operand, for whoever handles instructions generically: assembler, disassembler, documents, fuzzers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperandKind {
    /// A 64-bit integer in zigzag form.
    Int,
    /// Binary64 bits, eight bytes, little-endian.
    Float,
    /// A text in the module's data.
    Text,
    /// A byte string in the module's data.
    Bytes,
    /// A local.
    Local,
    /// A type.
    Type,
    /// A field of the type named by the operand before it, or of the variant.
    Field,
    /// A variant of the sum type named by the operand before it.
    Variant,
    /// A function.
    Function,
    /// A host function.
    Host,
    /// A branch target.
    Target,
    /// A count of branch targets and that many of them.
    Targets,
    /// A small number: a depth in the operand stack.
    Depth,
}

impl OperandKind {
    /// The word for it in documents.
    pub const fn name(self) -> &'static str {
        match self {
            OperandKind::Int => "int",
            OperandKind::Float => "float",
            OperandKind::Text => "text",
            OperandKind::Bytes => "bytes",
            OperandKind::Local => "local",
            OperandKind::Type => "type",
            OperandKind::Field => "field",
            OperandKind::Variant => "variant",
            OperandKind::Function => "function",
            OperandKind::Host => "host",
            OperandKind::Target => "target",
            OperandKind::Targets => "targets",
            OperandKind::Depth => "depth",
        }
    }

    /// How it is encoded.
    pub const fn encoding(self) -> &'static str {
        match self {
            OperandKind::Int => "zigzag LEB128 of at most 64 bits",
            OperandKind::Float => "8 bytes, IEEE 754 binary64, little-endian",
            OperandKind::Targets => "LEB128 count, then that many LEB128 target indices",
            OperandKind::Text
            | OperandKind::Bytes
            | OperandKind::Local
            | OperandKind::Type
            | OperandKind::Field
            | OperandKind::Variant
            | OperandKind::Function
            | OperandKind::Host
            | OperandKind::Target
            | OperandKind::Depth => "LEB128 of at most 32 bits",
        }
    }
}

/// An operand with its encoding.
pub trait Operand<'a>: Sized {
    /// Its kind.
    const KIND: OperandKind;

    /// Reads it.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn decode(reader: &mut Reader<'a>) -> Result<Self, ReadError>;

    /// Appends its one encoding.
    fn encode(&self, out: &mut Vec<u8>);
}

/// The bits of a float operand; equality is equality of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FloatBits(pub u64);

/// A text operand: an entry of the module's data that is a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TextData(pub DataIndex);

/// A bytes operand: an entry of the module's data that is a byte string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BytesData(pub DataIndex);

/// A position below the top of the operand stack; 0 is the top.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Depth(pub u32);

/// The branch targets of a jump table, either still encoded or listed.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// As they stand in code: `count` numbers, checked when they were decoded.
    Encoded {
        /// How many.
        count: u32,
        /// Their bytes.
        bytes: &'a [u8],
    },
    /// As a compiler has them.
    List(&'a [TargetIndex]),
}

impl<'a> Targets<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Targets::Encoded { count, .. } => *count as usize,
            Targets::List(list) => list.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The targets in order.
    pub fn iter(&self) -> impl Iterator<Item = TargetIndex> + use<'a> {
        let (bytes, list): (&'a [u8], &'a [TargetIndex]) = match *self {
            Targets::Encoded { bytes, .. } => (bytes, &[]),
            Targets::List(list) => (&[], list),
        };
        let mut reader = Reader::new(bytes);
        std::iter::from_fn(move || reader.u32().ok().map(TargetIndex)).chain(list.iter().copied())
    }
}

impl PartialEq for Targets<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

macro_rules! plain {
    ($($ty:ty, $kind:ident, $wrap:expr, $get:expr;)*) => {$(
        impl<'a> Operand<'a> for $ty {
            const KIND: OperandKind = OperandKind::$kind;

            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
                reader.u32().map($wrap)
            }

            fn encode(&self, out: &mut Vec<u8>) {
                let get: fn(&$ty) -> u32 = $get;
                leb::write_u32(out, get(self));
            }
        }
    )*};
}

plain! {
    TextData, Text, |n| TextData(DataIndex(n)), |d| d.0.0;
    BytesData, Bytes, |n| BytesData(DataIndex(n)), |d| d.0.0;
    LocalIndex, Local, LocalIndex, |i| i.0;
    TypeIndex, Type, TypeIndex, |i| i.0;
    FieldIndex, Field, FieldIndex, |i| i.0;
    VariantIndex, Variant, VariantIndex, |i| i.0;
    FunctionIndex, Function, FunctionIndex, |i| i.0;
    HostIndex, Host, HostIndex, |i| i.0;
    TargetIndex, Target, TargetIndex, |i| i.0;
    Depth, Depth, Depth, |d| d.0;
}

impl<'a> Operand<'a> for i64 {
    const KIND: OperandKind = OperandKind::Int;

    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        reader.i64()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        leb::write_i64(out, *self);
    }
}

impl<'a> Operand<'a> for FloatBits {
    const KIND: OperandKind = OperandKind::Float;

    fn decode(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let mut bits = [0; 8];
        bits.copy_from_slice(reader.take(8)?);
        Ok(FloatBits(u64::from_le_bytes(bits)))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }
}

impl<'a> Operand<'a> for Targets<'a> {
    const KIND: OperandKind = OperandKind::Targets;

    fn decode(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let count = reader.u32()?;
        let mut probe = reader.clone();
        for _ in 0..count {
            probe.u32()?;
        }
        let bytes = reader.take(probe.position() - reader.position())?;
        Ok(Targets::Encoded { count, bytes })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        leb::write_u32(out, self.len() as u32);
        for target in self.iter() {
            leb::write_u32(out, target.0);
        }
    }
}
