//! The doors: everything that a machine learns enters as an [`Input`], everything it wants leaves as an [`Output`].

use crate::exit::ExitReason;
use crate::fiber::FiberId;
use crate::value::Value;
use std::collections::BTreeMap;

/// What a machine learns from outside. Everything that the code does not determine is one of these.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The time, in nanoseconds from a fixed point; it never goes back.
    Time(u64),
    /// A host call has ended.
    HostResult {
        /// Which call.
        call: HostCallId,
        /// Its result: [`Value::Null`] for a function without one; or why it failed.
        result: Result<Value, String>,
    },
    /// A message from outside for a fiber.
    Message {
        /// For whom.
        to: FiberId,
        /// What.
        value: Value,
    },
    /// An exit signal from outside; [`ExitReason::Killed`] cannot be withstood.
    Exit {
        /// Who is to end.
        fiber: FiberId,
        /// With what reason.
        reason: ExitReason,
    },
}

/// What a machine wants from outside, or tells.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// A fiber calls a host function and waits for [`Input::HostResult`].
    HostCall {
        /// Which call.
        call: HostCallId,
        /// Which fiber.
        fiber: FiberId,
        /// Which function of the [`HostTable`].
        host: HostId,
        /// The arguments, of the types that the function declares.
        args: Vec<Value>,
    },
    /// A fiber started from outside has ended, or another one has ended with an error.
    Exited {
        /// Which fiber.
        fiber: FiberId,
        /// Why.
        reason: ExitReason,
        /// The result of its function, when that returned one.
        result: Option<Value>,
    },
}

/// One call of a host function; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostCallId(pub u64);

/// A function of the [`HostTable`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub u32);

/// A type in a host function's signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostType {
    /// Any value.
    Any,
    /// A truth value.
    Bool,
    /// An integer.
    Int,
    /// A float.
    Float,
    /// A text.
    Text,
    /// A byte string.
    Bytes,
    /// Null or a value.
    Option(Box<HostType>),
    /// A list.
    List(Box<HostType>),
}

/// The signature of a host function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostSignature {
    /// The parameters.
    pub params: Vec<HostType>,
    /// The result.
    pub result: Option<HostType>,
}

/// The host functions that modules may import, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostTable {
    by_name: BTreeMap<String, HostId>,
    signatures: Vec<HostSignature>,
}

impl HostTable {
    /// Adds a function and gives its number; one of the same name is replaced for modules loaded from now on.
    pub fn add(&mut self, name: impl Into<String>, signature: HostSignature) -> HostId {
        let id = HostId(self.signatures.len() as u32);
        self.signatures.push(signature);
        self.by_name.insert(name.into(), id);
        id
    }

    /// The function of this name.
    pub fn find(&self, name: &str) -> Option<(HostId, &HostSignature)> {
        let id = *self.by_name.get(name)?;
        Some((id, &self.signatures[id.0 as usize]))
    }

    /// All functions by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, HostId, &HostSignature)> {
        self.by_name.iter().map(|(name, id)| (name.as_str(), *id, &self.signatures[id.0 as usize]))
    }
}
