//! The door of a mailbox: which types a fiber takes, and what a value is whose static type does not tell.
//!
//! Inside one machine the type of a message is known at its send, so the door compares numbers. A value that is statically
//! Any, or an option, says itself what it is: the header of every object has its exact type.
//!
//! **Invariant:** a message in the mailbox of a fiber that declares a set is of a type of the set, and noted as that.

use crate::core::Core;
use crate::heap::fragment::Fragment;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK, is_reference};
use crate::types::{Shape, TypeId};
use fardel_bytecode::types;
use std::collections::BTreeMap;

/// The set that takes everything.
pub(crate) const EVERYTHING: u32 = 0;

/// The sets of types that functions declare, equal ones once.
#[derive(Debug)]
pub(crate) struct Sets {
    sets: Vec<Box<[TypeId]>>,
    by_types: BTreeMap<Box<[TypeId]>, u32>,
}

/// What the door says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// It comes in as a value of this type.
    As(TypeId),
    /// It has to become one of a type of the same name first.
    Convert {
        /// What it is.
        from: TypeId,
        /// What it is to become.
        to: TypeId,
    },
    /// Nothing of the set fits what it is.
    Refused(TypeId),
}

impl Sets {
    pub(crate) fn new() -> Sets {
        Sets { sets: vec![Box::default()], by_types: BTreeMap::new() }
    }

    /// The number of the set of these types.
    pub(crate) fn intern(&mut self, mut types: Vec<TypeId>) -> u32 {
        types.sort_unstable();
        types.dedup();
        if types.contains(&types::ANY.0) {
            return EVERYTHING;
        }
        let types: Box<[TypeId]> = types.into();
        if let Some(known) = self.by_types.get(&types) {
            return *known;
        }
        let number = self.sets.len() as u32;
        self.sets.push(types.clone());
        self.by_types.insert(types, number);
        number
    }

    #[inline]
    pub(crate) fn has(&self, set: u32, ty: TypeId) -> bool {
        let types = &self.sets[set as usize];
        if types.len() <= 4 { types.contains(&ty) } else { types.binary_search(&ty).is_ok() }
    }

    /// The types of a set.
    pub(crate) fn types(&self, set: u32) -> &[TypeId] {
        &self.sets[set as usize]
    }
}

impl Core {
    /// Whether a set takes a value of a static type, and as what.
    #[inline]
    pub(crate) fn admit(&mut self, set: u32, ty: TypeId, value: u64) -> Admission {
        let is_known = if set == EVERYTHING { ty != types::ANY.0 } else { self.sets.has(set, ty) };
        if is_known {
            return Admission::As(ty);
        }
        self.admit_slowly(set, ty, value)
    }

    fn admit_slowly(&mut self, set: u32, ty: TypeId, value: u64) -> Admission {
        let says_itself = ty == types::ANY.0 || matches!(self.types.get(ty).shape, Shape::Option(_));
        let known =
            if says_itself { self.type_of_word(value, |at| Header(self.block.load(at as usize))).unwrap_or(ty) } else { ty };
        self.admit_known(set, known)
    }

    /// Whether a set takes a value of exactly this type, and as what.
    pub(crate) fn admit_known(&self, set: u32, known: TypeId) -> Admission {
        if let Some(tag) = self.admit_message(set, known) {
            return Admission::As(tag);
        }
        let name = &self.types.get(known).name;
        let is_nominal =
            |ty: TypeId| matches!(self.types.get(ty).shape, Shape::Record(_) | Shape::Object(_) | Shape::Sum(_));
        let same_name = |other: &&TypeId| is_nominal(**other) && self.types.get(**other).name == *name;
        match self.sets.types(set).iter().find(same_name) {
            Some(to) if is_nominal(known) => Admission::Convert { from: known, to: *to },
            Some(_) | None => Admission::Refused(known),
        }
    }

    /// The type of a set as which a value of exactly this type comes in.
    pub(crate) fn admit_message(&self, set: u32, ty: TypeId) -> Option<TypeId> {
        if set == EVERYTHING || self.sets.has(set, ty) {
            return Some(ty);
        }
        let holds = |option: &&TypeId| {
            let Shape::Option(inner) = self.types.get(**option).shape else { return false };
            ty == types::NULL.0 || ty == inner
        };
        self.sets.types(set).iter().find(holds).copied()
    }

    /// As [`Core::admit`], of a value at the root of a fragment, as a word.
    pub(crate) fn admit_root(&self, set: u32, ty: TypeId, root: u64, fragment: &Fragment) -> Admission {
        let says_itself = ty == types::ANY.0 || matches!(self.types.get(ty).shape, Shape::Option(_));
        let is_known = if set == EVERYTHING { ty != types::ANY.0 } else { self.sets.has(set, ty) };
        match says_itself && !is_known {
            true => self.admit_known(set, self.root_type(root, fragment).unwrap_or(ty)),
            false => self.admit_known(set, ty),
        }
    }

    /// The exact type of a root of a fragment; nothing for a box around null.
    pub(crate) fn root_type(&self, root: u64, fragment: &Fragment) -> Option<TypeId> {
        self.type_of_word(root, |value| Header(fragment.words()[value as usize / 8]))
    }

    /// Whether a root of a fragment, as a word, is of a type.
    pub(crate) fn root_is(&self, root: u64, fragment: &Fragment, ty: TypeId) -> bool {
        if ty == types::ANY.0 {
            return true;
        }
        let Shape::Option(inner) = self.types.get(ty).shape else { return self.root_type(root, fragment) == Some(ty) };
        let boxed = |value: u64| {
            let words = &fragment.words()[value as usize / 8..];
            Header(words[0]).is(Kind::Some).then(|| words[1])
        };
        match is_reference(root).then(|| boxed(root)).flatten() {
            // A box is around what is null, or a box, itself.
            Some(held) => {
                (held == NULL || is_reference(held) && boxed(held).is_some()) && self.root_is(held, fragment, inner)
            }
            None => root == NULL || self.root_is(root, fragment, inner),
        }
    }

    /// The exact type of a word; nothing for a box around null, which any option may be.
    fn type_of_word(&self, value: u64, header: impl Fn(u64) -> Header) -> Option<TypeId> {
        let number = word::number_of(value);
        Some(match value & TAG_MASK {
            _ if value == NULL => types::NULL.0,
            _ if is_reference(value) => return self.type_of_object(header(value)),
            word::TAG_INT => types::INT.0,
            word::TAG_BOOL => types::BOOL.0,
            word::TAG_ADDRESS => types::ADDRESS.0,
            word::TAG_TEXT => types::TEXT.0,
            word::TAG_BYTES => types::BYTES.0,
            word::TAG_VARIANT => self.types.sum_of(number),
            _ => return self.functions[number as usize].ty,
        })
    }

    fn type_of_object(&self, header: Header) -> Option<TypeId> {
        match header.kind() {
            Kind::Some | Kind::Storage => None,
            Kind::Fields => Some(self.types.sum_of(header.ty())),
            Kind::BoxInt
            | Kind::BoxFloat
            | Kind::Text
            | Kind::Bytes
            | Kind::SharedText
            | Kind::SharedBytes
            | Kind::List
            | Kind::Map
            | Kind::Set
            | Kind::Array
            | Kind::Closure
            | Kind::Ref
            | Kind::Builder => Some(header.ty()),
        }
    }

    /// The types of a set as text.
    pub(crate) fn set_text(&self, set: u32) -> String {
        let names: Vec<&str> = self.sets.types(set).iter().map(|ty| self.types.get(*ty).name.as_str()).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(" | ") }
    }
}
