//! Values outside a fiber's block: what crosses the doors between the machine and its driver.

use crate::fiber::FiberId;

/// A value with its tag, owned by whoever holds it.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Null, and an absent option.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A fiber's address.
    Address(FiberId),
    /// A unique token.
    Ref {
        /// Who made it.
        fiber: FiberId,
        /// Which of that fiber's it is.
        number: u64,
    },
    /// A list or a numeric array.
    List(Vec<Value>),
    /// A map in order of insertion.
    Map(Vec<(Value, Value)>),
    /// A set in order of insertion.
    Set(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A record or object: its type's name and its fields in order.
    Record(String, Vec<Value>),
    /// A variant of a sum type: the variant's name and number, its fields in order. What enters is known by the name.
    Variant(String, u32, Vec<Value>),
    /// Something that does not leave its fiber, by the name of its type: a function, a builder, a handle, or what a
    /// cycle leads back to.
    Opaque(String),
}
