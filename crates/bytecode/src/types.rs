//! Type descriptors: what the verifier reasons about and what a module declares.
//!
//! A slot of a frame is one untagged 64-bit word; how it is to be read follows from its type alone ([`Repr`]).
//! Built-in types have fixed indices below [`FIRST_DECLARED`]; a module's own types follow from there.

use crate::index::TypeIndex;

/// How a slot of some type is represented.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repr {
    /// A 64-bit two's complement number.
    Int,
    /// The bits of an IEEE 754 binary64 number.
    Float,
    /// 0 or 1.
    Bool,
    /// A word that the collector looks at: a reference into the fiber's block, or an immediate value marked by its
    /// low three bits. Every word is a valid Any.
    Word,
}

/// The element of a numeric array.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Element {
    /// 64-bit integers.
    Int,
    /// Binary64 numbers.
    Float,
    /// Unsigned bytes, read as Int.
    Byte,
    /// 32-bit signed integers, read as Int.
    I32,
    /// Binary32 numbers, read as Float.
    F32,
}

impl Element {
    /// Every element, in the order of the built-in array types.
    pub const ALL: [Element; 5] = [Element::Int, Element::Float, Element::Byte, Element::I32, Element::F32];

    /// Bytes of one element.
    pub const fn bytes(self) -> usize {
        match self {
            Element::Int | Element::Float => 8,
            Element::Byte => 1,
            Element::I32 | Element::F32 => 4,
        }
    }

    /// The name as written in `Array<..>`.
    pub const fn name(self) -> &'static str {
        match self {
            Element::Int => "Int",
            Element::Float => "Float",
            Element::Byte => "Byte",
            Element::I32 => "I32",
            Element::F32 => "F32",
        }
    }

    /// The type that an element has on the stack.
    pub const fn slot(self) -> TypeIndex {
        match self {
            Element::Int | Element::Byte | Element::I32 => INT,
            Element::Float | Element::F32 => FLOAT,
        }
    }
}

/// A constant that a field's default may be.
#[derive(Clone, PartialEq, Debug)]
pub enum Constant {
    /// Null.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float, by its bits so that equality is exact.
    Float(u64),
    /// A text.
    Text(String),
    /// A byte string.
    Bytes(Vec<u8>),
}

/// A named field of a record, object or variant.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TypeIndex,
    /// Whether `set_field` may change it; only fields of objects may be mutable.
    pub mutable: bool,
    /// What the field is when a sender's type lacks it.
    pub default: Option<Constant>,
    /// Earlier names of the field.
    pub was: Vec<String>,
    /// Its name in JSON, when it differs.
    pub json: Option<String>,
}

impl Field {
    /// A field without default, renames or JSON name.
    pub fn new(name: impl Into<String>, ty: TypeIndex) -> Self {
        Field { name: name.into(), ty, mutable: false, default: None, was: Vec::new(), json: None }
    }
}

/// A variant of a sum type.
#[derive(Clone, PartialEq, Debug)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its fields; none makes it an immediate value.
    pub fields: Vec<Field>,
}

/// A type descriptor.
///
/// Record, Object and Sum are nominal: they have a name, unique in their module, and may be recursive.
/// The others are structural: two equal ones are one type, so a module declares each at most once, and their
/// components are built in, nominal, or declared before them.
#[derive(Clone, PartialEq, Debug)]
pub enum Type {
    /// The null value alone.
    Null,
    /// Truth values.
    Bool,
    /// 64-bit integers.
    Int,
    /// Binary64 numbers.
    Float,
    /// UTF-8 text, immutable.
    Text,
    /// Byte strings, immutable.
    Bytes,
    /// Any value, marked with what it is.
    Any,
    /// The address of a fiber.
    Address,
    /// A unique token.
    Ref,
    /// A growing text.
    TextBuilder,
    /// A growing byte string.
    BytesBuilder,
    /// A resource of the host, bound to its fiber.
    Handle,
    /// A numeric array of fixed length.
    Array(Element),
    /// Null or a value.
    Option(TypeIndex),
    /// A growing sequence.
    List(TypeIndex),
    /// Keys to values in order of insertion.
    Map(TypeIndex, TypeIndex),
    /// Keys in order of insertion.
    Set(TypeIndex),
    /// A fixed sequence of values; immutable.
    Tuple(Vec<TypeIndex>),
    /// A function value.
    Function(Vec<TypeIndex>, Option<TypeIndex>),
    /// Named fields; immutable.
    Record(String, Vec<Field>),
    /// Named fields with identity, some mutable.
    Object(String, Vec<Field>),
    /// One of several variants; immutable.
    Sum(String, Vec<Variant>),
}

impl Type {
    /// How a slot of this type is represented.
    pub fn repr(&self) -> Repr {
        match self {
            Type::Int => Repr::Int,
            Type::Float => Repr::Float,
            Type::Bool => Repr::Bool,
            Type::Null
            | Type::Text
            | Type::Bytes
            | Type::Any
            | Type::Address
            | Type::Ref
            | Type::TextBuilder
            | Type::BytesBuilder
            | Type::Handle
            | Type::Array(_)
            | Type::Option(_)
            | Type::List(_)
            | Type::Map(..)
            | Type::Set(_)
            | Type::Tuple(_)
            | Type::Function(..)
            | Type::Record(..)
            | Type::Object(..)
            | Type::Sum(..) => Repr::Word,
        }
    }

    /// The name of a nominal type.
    pub fn nominal_name(&self) -> Option<&str> {
        match self {
            Type::Record(name, _) | Type::Object(name, _) | Type::Sum(name, _) => Some(name),
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Float
            | Type::Text
            | Type::Bytes
            | Type::Any
            | Type::Address
            | Type::Ref
            | Type::TextBuilder
            | Type::BytesBuilder
            | Type::Handle
            | Type::Array(_)
            | Type::Option(_)
            | Type::List(_)
            | Type::Map(..)
            | Type::Set(_)
            | Type::Tuple(_)
            | Type::Function(..) => None,
        }
    }
}

impl Type {
    /// Calls `visit` with every type that this one directly consists of, in order.
    pub fn components(&self, mut visit: impl FnMut(TypeIndex)) {
        match self {
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Float
            | Type::Text
            | Type::Bytes
            | Type::Any
            | Type::Address
            | Type::Ref
            | Type::TextBuilder
            | Type::BytesBuilder
            | Type::Handle
            | Type::Array(_) => {}
            Type::Option(inner) | Type::List(inner) | Type::Set(inner) => visit(*inner),
            Type::Map(key, value) => {
                visit(*key);
                visit(*value);
            }
            Type::Tuple(items) => items.iter().copied().for_each(visit),
            Type::Function(params, result) => params.iter().chain(result).copied().for_each(visit),
            Type::Record(_, fields) | Type::Object(_, fields) => fields.iter().for_each(|field| visit(field.ty)),
            Type::Sum(_, variants) => {
                variants.iter().flat_map(|variant| &variant.fields).for_each(|field| visit(field.ty));
            }
        }
    }
}

macro_rules! builtins {
    ($($index:literal $constant:ident $type:expr;)*) => {
        $(
            #[doc = concat!("The built-in type with index ", $index, ".")]
            pub const $constant: TypeIndex = TypeIndex($index);
        )*

        /// The built-in types in the order of their indices.
        pub fn builtins() -> Vec<Type> {
            vec![$($type),*]
        }
    };
}

builtins! {
    0 NULL Type::Null;
    1 BOOL Type::Bool;
    2 INT Type::Int;
    3 FLOAT Type::Float;
    4 TEXT Type::Text;
    5 BYTES Type::Bytes;
    6 ANY Type::Any;
    7 ADDRESS Type::Address;
    8 REF Type::Ref;
    9 TEXT_BUILDER Type::TextBuilder;
    10 BYTES_BUILDER Type::BytesBuilder;
    11 HANDLE Type::Handle;
    12 ARRAY_INT Type::Array(Element::Int);
    13 ARRAY_FLOAT Type::Array(Element::Float);
    14 ARRAY_BYTE Type::Array(Element::Byte);
    15 ARRAY_I32 Type::Array(Element::I32);
    16 ARRAY_F32 Type::Array(Element::F32);
    17 OPTION_BOOL Type::Option(BOOL);
    18 OPTION_INT Type::Option(INT);
    19 OPTION_FLOAT Type::Option(FLOAT);
    20 OPTION_TEXT Type::Option(TEXT);
    21 OPTION_BYTES Type::Option(BYTES);
    22 OPTION_ADDRESS Type::Option(ADDRESS);
    23 OPTION_REF Type::Option(REF);
    24 OPTION_ANY Type::Option(ANY);
    25 LIST_ANY Type::List(ANY);
    26 LIST_INT Type::List(INT);
    27 LIST_FLOAT Type::List(FLOAT);
    28 LIST_TEXT Type::List(TEXT);
    29 MAP_ANY_ANY Type::Map(ANY, ANY);
    30 MAP_TEXT_INT Type::Map(TEXT, INT);
    31 ERROR Type::Tuple(vec![TEXT, TEXT]);
}

/// The index of a module's first own type.
pub const FIRST_DECLARED: u32 = 32;

/// Bytes after which no further type is written into a type's text.
const DISPLAY_BYTES_MAX: usize = 1000;

/// The types of one module: the built-in ones and its own.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeTable {
    types: Vec<Type>,
}

impl Default for TypeTable {
    fn default() -> Self {
        TypeTable { types: builtins() }
    }
}

impl TypeTable {
    /// A table with `declared` behind the built-in types. Nothing is checked yet.
    pub fn with_declared(declared: Vec<Type>) -> Self {
        let mut types = builtins();
        types.extend(declared);
        TypeTable { types }
    }

    /// The descriptor at `index`, if there is one.
    #[inline]
    pub fn get(&self, index: TypeIndex) -> Option<&Type> {
        self.types.get(index.at())
    }

    /// All types, the built-in ones first.
    pub fn all(&self) -> &[Type] {
        &self.types
    }

    /// The module's own types.
    pub fn declared(&self) -> &[Type] {
        &self.types[FIRST_DECLARED as usize..]
    }

    /// Appends a type and gives its index.
    pub fn push(&mut self, ty: Type) -> TypeIndex {
        let index = TypeIndex(self.types.len() as u32);
        self.types.push(ty);
        index
    }

    /// Replaces the type at `index`, for nominal types whose fields come later than their name.
    ///
    /// # Panics
    /// When there is no type at `index`.
    pub fn replace(&mut self, index: TypeIndex, ty: Type) {
        self.types[index.at()] = ty;
    }

    /// The index of a structural type equal to `ty`, by a walk over the table.
    pub fn find(&self, ty: &Type) -> Option<TypeIndex> {
        self.types.iter().position(|known| known == ty).map(|at| TypeIndex(at as u32))
    }

    /// Whether a value of type `from` may stand where `to` is wanted without any code.
    ///
    /// Equal types; any word where Any is wanted; Null, or a word that is neither Any, Null nor itself an option,
    /// where an option of it is wanted.
    #[inline]
    pub fn assignable(&self, from: TypeIndex, to: TypeIndex) -> bool {
        from == to || self.assignable_word(from, to)
    }

    fn assignable_word(&self, from: TypeIndex, to: TypeIndex) -> bool {
        let Some(source) = self.get(from) else { return false };
        if source.repr() != Repr::Word {
            return false;
        }
        if to == ANY {
            return true;
        }
        let Some(Type::Option(inner)) = self.get(to) else { return false };
        from == NULL || (from == *inner && !matches!(source, Type::Any | Type::Null | Type::Option(_)))
    }

    /// The type as written in assembly text. Of one that would be very long only the beginning is written: a tuple of two
    /// that are tuples of two, and so on, would fill any memory.
    pub fn display(&self, index: TypeIndex) -> String {
        let mut out = String::new();
        self.write(index, &mut out, 0);
        out
    }

    fn write(&self, index: TypeIndex, out: &mut String, depth: usize) {
        use std::fmt::Write as _;
        if depth > crate::limits::TYPE_DEPTH_MAX || out.len() > DISPLAY_BYTES_MAX {
            out.push_str("..");
            return;
        }
        let list = |out: &mut String, items: &[TypeIndex]| {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                self.write(*item, out, depth + 1);
                if out.len() > DISPLAY_BYTES_MAX {
                    break;
                }
            }
        };
        let Some(ty) = self.get(index) else {
            let _ = write!(out, "?{index}");
            return;
        };
        match ty {
            Type::Null => out.push_str("Null"),
            Type::Bool => out.push_str("Bool"),
            Type::Int => out.push_str("Int"),
            Type::Float => out.push_str("Float"),
            Type::Text => out.push_str("Text"),
            Type::Bytes => out.push_str("Bytes"),
            Type::Any => out.push_str("Any"),
            Type::Address => out.push_str("Address"),
            Type::Ref => out.push_str("Ref"),
            Type::TextBuilder => out.push_str("TextBuilder"),
            Type::BytesBuilder => out.push_str("BytesBuilder"),
            Type::Handle => out.push_str("Handle"),
            Type::Array(element) => {
                let _ = write!(out, "Array<{}>", element.name());
            }
            Type::Option(inner) => wrap(out, "Option<", ">", |out| list(out, &[*inner])),
            Type::List(inner) => wrap(out, "List<", ">", |out| list(out, &[*inner])),
            Type::Set(inner) => wrap(out, "Set<", ">", |out| list(out, &[*inner])),
            Type::Map(key, value) => wrap(out, "Map<", ">", |out| list(out, &[*key, *value])),
            Type::Tuple(items) => wrap(out, "(", ")", |out| {
                list(out, items);
                if items.len() == 1 {
                    out.push(',');
                }
            }),
            Type::Function(params, result) => {
                wrap(out, "fn(", ")", |out| list(out, params));
                if let Some(result) = result {
                    out.push_str(" -> ");
                    self.write(*result, out, depth + 1);
                }
            }
            Type::Record(name, _) | Type::Object(name, _) | Type::Sum(name, _) => out.push_str(name),
        }
    }
}

fn wrap(out: &mut String, open: &str, close: &str, inside: impl FnOnce(&mut String)) {
    out.push_str(open);
    inside(out);
    out.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(declared: Vec<Type>, wanted: &str) {
        let last = TypeIndex(FIRST_DECLARED + declared.len() as u32 - 1);
        assert_eq!(TypeTable::with_declared(declared).display(last), wanted);
    }

    #[test]
    fn types_are_written_as_in_text() {
        check(vec![Type::Tuple(vec![INT])], "(Int,)");
        check(vec![Type::Map(TEXT, LIST_INT)], "Map<Text, List<Int>>");
        check(vec![Type::Function(vec![ANY, OPTION_INT], Some(ERROR))], "fn(Any, Option<Int>) -> (Text, Text)");
    }

    /// A tuple of two, each a tuple of two, and so on was written in full: a valid module of 200 bytes with 40 of them
    /// took all memory when it was loaded, or when an error named the last.
    #[test]
    fn a_type_whose_text_doubles_with_each_level_is_cut_off() {
        let pair = |at: u32| Type::Tuple(vec![TypeIndex(FIRST_DECLARED + at - 1); 2]);
        let doubling = std::iter::once(Type::List(LIST_ANY)).chain((1..60).map(pair)).collect();
        let text = TypeTable::with_declared(doubling).display(TypeIndex(FIRST_DECLARED + 59));
        assert!(text.starts_with("((((") && text.contains("..)") && text.len() < 2000, "{text}");
    }
}
