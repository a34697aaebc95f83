//! The types of what the machine itself sends: messages about the end of fibers and why they ended, about names and nodes.
//!
//! A module that speaks of one declares it as it stands here, under this name; so its key is the machine's. Assembly text
//! says `system Down`.
//!
//! **Invariant:** these descriptors never change: keys of types follow from them.

use crate::index::TypeIndex;
use crate::types::{ADDRESS, ANY, Field, LIST_TEXT, REF, TEXT, Type, TypeTable, Variant};

macro_rules! reasons {
    ($($name:ident $text:literal ($($field:ident: $ty:expr),*) $doc:literal;)*) => {
        /// The variants of the type `Reason`: why a fiber ended.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u32)]
        pub enum Reason {$(
            #[doc = $doc]
            $name,
        )*}

        impl Reason {
            /// Every reason, in the order of the variants.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];

            /// Its name as people read it.
            pub const fn text(self) -> &'static str {
                match self { $(Reason::$name => $text,)* }
            }

            /// What it means.
            pub const fn doc(self) -> &'static str {
                match self { $(Reason::$name => $doc,)* }
            }
        }

        fn variants() -> Vec<Variant> {
            vec![$(Variant {
                name: stringify!($name).to_owned(),
                fields: vec![$(Field::new(stringify!($field), $ty)),*],
            }),*]
        }
    };
}

reasons! {
    Normal "normal" () "Its function returned, or it said so.";
    Shutdown "shutdown" () "It was asked to end, or said so.";
    ShutdownWith "shutdown" (value: ANY) "As `Shutdown`, with a value of the program's.";
    Kill "kill" () "It ended itself with this reason.";
    Killed "killed" () "It was ended by a signal that cannot be withstood.";
    NoProc "noproc" () "There was no such fiber.";
    NoConnection "noconnection" () "Its node was lost.";
    Timeout "timeout" () "It took too long.";
    Error "error" (kind: TEXT, message: TEXT, trace: LIST_TEXT) "It trapped without a handler.";
    OutOfMemory "out_of_memory" () "Its memory limit was reached.";
    StackOverflow "stack_overflow" () "Its stack limit was reached.";
    MailboxOverflow "mailbox_overflow" () "Its mailbox was full, and its policy is to end then.";
    Denied "denied" () "It was not allowed, or its message was refused at the door.";
    CodeMissing "code_missing" () "Code that it needs could not be had.";
    Fenced "fenced" () "Another incarnation of it has taken over.";
}

/// The type of exit reasons, and its name.
pub const REASON: &str = "Reason";
/// What a monitor sends: which monitor, about which fiber, why that ended.
pub const DOWN: &str = "Down";
/// What a link sends to a fiber that traps exits: from which fiber, why.
pub const EXIT: &str = "Exit";
/// What a fiber gets that has lost its name in the cluster to another one: which name.
pub const NAME_LOST: &str = "NameLost";
/// What a fiber gets that watches nodes: one has come, and its name.
pub const NODE_UP: &str = "NodeUp";
/// What a fiber gets that watches nodes: one was lost, and its name.
pub const NODE_DOWN: &str = "NodeDown";

/// The names of all system types.
pub const NAMES: [&str; 6] = [REASON, DOWN, EXIT, NAME_LOST, NODE_UP, NODE_DOWN];

/// A system type by its name, and whether it needs [`REASON`] to be declared: `reason` is the index of that.
pub fn descriptor(name: &str, reason: TypeIndex) -> Option<Type> {
    match name {
        REASON => Some(Type::Sum(REASON.to_owned(), variants())),
        DOWN => Some(Type::Record(
            DOWN.to_owned(),
            vec![Field::new("monitor", REF), Field::new("fiber", ADDRESS), Field::new("reason", reason)],
        )),
        EXIT => Some(Type::Record(EXIT.to_owned(), vec![Field::new("fiber", ADDRESS), Field::new("reason", reason)])),
        NAME_LOST => Some(Type::Record(NAME_LOST.to_owned(), vec![Field::new("name", TEXT)])),
        NODE_UP => Some(Type::Record(NODE_UP.to_owned(), vec![Field::new("node", TEXT)])),
        NODE_DOWN => Some(Type::Record(NODE_DOWN.to_owned(), vec![Field::new("node", TEXT)])),
        _ => None,
    }
}

/// What may come of a request, as the type of a field tells it: a sum type whose first variant has one field, the reply, and
/// whose second has one field, of a sum type whose first variant has one field, a `Reason`, and whose second has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The type of a reply.
    pub reply: TypeIndex,
    /// The type that says why there is none.
    pub error: TypeIndex,
}

/// What an answer is of, if a type is one.
pub fn answer<'a>(get: impl Fn(TypeIndex) -> Option<&'a Type>, field: TypeIndex) -> Option<Answer> {
    let single = |variant: &Variant| if let [field] = &variant.fields[..] { Some(field.ty) } else { None };
    let two = |ty: TypeIndex| {
        let Some(Type::Sum(_, variants)) = get(ty) else { return None };
        if let [first, second, ..] = &variants[..] { Some((first, second)) } else { None }
    };
    let (ok, failed) = two(field)?;
    let (reply, error) = (single(ok)?, single(failed)?);
    let (gone, time_over) = two(error)?;
    let reason = get(single(gone)?)?;
    let is_reason = descriptor(REASON, ANY).is_some_and(|wanted| *reason == wanted);
    (is_reason && time_over.fields.is_empty()).then_some(Answer { reply, error })
}

/// A table with all of them, behind the built-in types in the order of [`NAMES`].
pub fn table() -> TypeTable {
    let reason = TypeIndex(crate::types::FIRST_DECLARED);
    TypeTable::with_declared(NAMES.iter().filter_map(|name| descriptor(name, reason)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::type_keys;
    use crate::types::FIRST_DECLARED;

    /// Programs and other nodes know these types by their keys: a change here would part them from the machine.
    #[test]
    fn their_keys_are_what_they_always_were() {
        let keys = type_keys(&table());
        let first: Vec<String> =
            keys[FIRST_DECLARED as usize..].iter().map(|key| key.to_string()[..16].to_owned()).collect();
        assert_eq!(
            first,
            [
                "fb5f45ef6958b6d7",
                "6dc86cfb8be8c5c8",
                "8d5b90a7a86c2d3d",
                "c86924f526ed8efa",
                "49e981e9e410a622",
                "3db8acff1f0ed214"
            ]
        );
    }
}
