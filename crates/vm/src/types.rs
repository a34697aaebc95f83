//! The types that a machine knows: those of all its modules, equal ones once, numbered.
//!
//! The number stands in the header of every object, so a cast is one comparison.
//!
//! **Invariant:** equal numbers mean equal types, everything reachable included, because a type is known by its key; and
//! the first numbers are those of the built-in types, which are the indices of [`fardel_bytecode::types`].

use crate::heap::word::TYPE_IDS_MAX;
use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::shape::{TypeKey, type_keys};
use fardel_bytecode::types::{self, Element, Repr, Type, TypeTable};
use std::collections::BTreeMap;

/// The machine's number of a type.
pub(crate) type TypeId = u32;

/// Where a field lies in its object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldPlace {
    /// Its type.
    pub(crate) ty: TypeId,
    /// Its word, counted behind the header.
    pub(crate) word: u16,
    /// How it is represented.
    pub(crate) repr: Repr,
}

/// How the fields of a tuple, record, object or variant lie: the scannable words first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// The name of the type, or of the variant; empty for tuples.
    pub(crate) name: String,
    /// The fields in the order of their declaration.
    pub(crate) fields: Vec<FieldPlace>,
    /// What else there is to say about each, in the same order; empty for tuples.
    pub(crate) labels: Vec<types::Field>,
    /// How many words are scannable.
    pub(crate) scan: usize,
    /// Whether the words stand in the order of the fields.
    pub(crate) in_order: bool,
    /// Whether a field is a Float, which no key may hold.
    pub(crate) has_float: bool,
}

/// What a type is.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Null,
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    Any,
    Address,
    Ref,
    TextBuilder,
    BytesBuilder,
    Handle,
    Array(Element),
    Option(TypeId),
    List(TypeId),
    Map(TypeId, TypeId),
    Set(TypeId),
    Function,
    Tuple(Layout),
    Record(Layout),
    Object(Layout),
    /// A sum type: how many variants; they have the numbers behind its own.
    Sum(u32),
    /// A variant: which one, its fields. Its sum type has the number before the first variant's.
    Variant(u32, Layout),
}

/// A type with its name as a person writes it.
#[derive(Clone, Debug)]
pub(crate) struct TypeInfo {
    pub(crate) shape: Shape,
    pub(crate) name: String,
    pub(crate) repr: Repr,
    pub(crate) key: TypeKey,
}

/// The types of a machine.
#[derive(Debug)]
pub(crate) struct TypeStore {
    infos: Vec<TypeInfo>,
    /// The representation of each, close together: every message asks for one.
    reprs: Vec<Repr>,
    by_key: BTreeMap<TypeKey, TypeId>,
    /// The tables that brought types, in the order in which they came.
    tables: Vec<Known>,
}

/// A table that brought types.
#[derive(Debug)]
struct Known {
    table: TypeTable,
    /// The number of each of its types.
    numbers: Vec<TypeId>,
    /// The first number of those that it brought.
    first: TypeId,
}

/// There is no number left for another type.
#[derive(Debug)]
pub(crate) struct TypesFull;

impl TypeStore {
    pub(crate) fn new() -> TypeStore {
        let mut store = TypeStore { infos: Vec::new(), reprs: Vec::new(), by_key: BTreeMap::new(), tables: Vec::new() };
        let numbers = store.intern(&TypeTable::default());
        debug_assert!(numbers.is_ok_and(|numbers| numbers.iter().enumerate().all(|(at, id)| at as u32 == *id)));
        store
    }

    #[inline]
    pub(crate) fn get(&self, id: TypeId) -> &TypeInfo {
        &self.infos[id as usize]
    }

    /// Whether there is a type with this number.
    pub(crate) fn has(&self, id: TypeId) -> bool {
        (id as usize) < self.infos.len()
    }

    /// Whether a tuple, record or variant may be a key as far as its own words go; an object may not.
    pub(crate) fn may_be_key(&self, id: TypeId) -> bool {
        let is_object = matches!(self.get(id).shape, Shape::Object(_));
        !is_object && self.layout(id).is_some_and(|layout| !layout.has_float)
    }

    /// The table with which a type came, by its place.
    pub(crate) fn table_of(&self, id: TypeId) -> u32 {
        let after = self.tables.partition_point(|table| table.first <= id);
        after.saturating_sub(1) as u32
    }

    /// A table that brought types, and the numbers of all that are in it.
    pub(crate) fn table(&self, place: u32) -> Option<(&TypeTable, &[TypeId])> {
        self.tables.get(place as usize).map(|known| (&known.table, &known.numbers[..]))
    }

    /// How a slot of a type is represented.
    #[inline]
    pub(crate) fn repr(&self, id: TypeId) -> Repr {
        self.reprs[id as usize]
    }

    /// Numbers all types of a module; the answer is indexed like the module's table. On failure nothing has changed.
    pub(crate) fn intern(&mut self, table: &TypeTable) -> Result<Vec<TypeId>, TypesFull> {
        let keys = type_keys(table);
        let before = self.infos.len() as u32;
        let mut numbers = Vec::with_capacity(keys.len());
        let mut fresh = Vec::new();
        for (at, key) in keys.into_iter().enumerate() {
            let next = self.infos.len() as u32;
            let id = *self.by_key.entry(key).or_insert(next);
            if id == next {
                let extra = if let Type::Sum(_, variants) = &table.all()[at] { variants.len() } else { 0 };
                if next as usize + 1 + extra > TYPE_IDS_MAX as usize {
                    self.by_key.retain(|_, id| *id < before);
                    self.infos.truncate(before as usize);
                    return Err(TypesFull);
                }
                let placeholder = TypeInfo { shape: Shape::Null, name: String::new(), repr: Repr::Word, key };
                self.infos.extend(std::iter::repeat_n(placeholder, 1 + extra));
                fresh.push(at);
            }
            numbers.push(id);
        }
        for at in fresh {
            self.fill(table, TypeIndex(at as u32), &numbers);
        }
        self.reprs.extend(self.infos[before as usize..].iter().map(|info| info.repr));
        if self.infos.len() > before as usize {
            self.tables.push(Known { table: table.clone(), numbers: numbers.clone(), first: before });
        }
        Ok(numbers)
    }

    fn fill(&mut self, table: &TypeTable, index: TypeIndex, numbers: &[TypeId]) {
        let ty = &table.all()[index.at()];
        let id = numbers[index.at()];
        let number = |component: &TypeIndex| numbers[component.at()];
        let layout = |name: &str, fields: &[types::Field]| {
            let mut layout = lay_out(table, fields.iter().map(|field| field.ty), numbers);
            layout.name = name.to_owned();
            layout.labels = fields.to_vec();
            layout
        };
        let shape = match ty {
            Type::Null => Shape::Null,
            Type::Bool => Shape::Bool,
            Type::Int => Shape::Int,
            Type::Float => Shape::Float,
            Type::Text => Shape::Text,
            Type::Bytes => Shape::Bytes,
            Type::Any => Shape::Any,
            Type::Address => Shape::Address,
            Type::Ref => Shape::Ref,
            Type::TextBuilder => Shape::TextBuilder,
            Type::BytesBuilder => Shape::BytesBuilder,
            Type::Handle => Shape::Handle,
            Type::Array(element) => Shape::Array(*element),
            Type::Option(inner) => Shape::Option(number(inner)),
            Type::List(inner) => Shape::List(number(inner)),
            Type::Map(key, value) => Shape::Map(number(key), number(value)),
            Type::Set(key) => Shape::Set(number(key)),
            Type::Function(..) => Shape::Function,
            Type::Tuple(items) => Shape::Tuple(lay_out(table, items.iter().copied(), numbers)),
            Type::Record(name, fields) => Shape::Record(layout(name, fields)),
            Type::Object(name, fields) => Shape::Object(layout(name, fields)),
            Type::Sum(name, variants) => {
                for (at, variant) in variants.iter().enumerate() {
                    let shape = Shape::Variant(at as u32, layout(&variant.name, &variant.fields));
                    let name = format!("{name}.{}", variant.name);
                    let key = self.infos[id as usize].key;
                    self.infos[id as usize + 1 + at] = TypeInfo { shape, name, repr: Repr::Word, key };
                }
                Shape::Sum(variants.len() as u32)
            }
        };
        let key = self.infos[id as usize].key;
        self.infos[id as usize] = TypeInfo { shape, name: table.display(index), repr: ty.repr(), key };
    }

    /// The key of a type; of a variant, that of its sum type.
    pub(crate) fn key(&self, id: TypeId) -> TypeKey {
        self.get(id).key
    }

    /// The type with a key, if it is known.
    pub(crate) fn find_key(&self, key: TypeKey) -> Option<TypeId> {
        self.by_key.get(&key).copied()
    }

    /// The one record or object, or the one sum type with a variant, of this name; nothing when there are several.
    pub(crate) fn find_named(&self, name: &str, is_variant: bool) -> Option<TypeId> {
        let mut found = (0..self.infos.len() as TypeId).filter(|id| match &self.get(*id).shape {
            Shape::Record(layout) | Shape::Object(layout) => !is_variant && layout.name == name,
            Shape::Variant(_, layout) => is_variant && layout.name == name,
            Shape::Null
            | Shape::Bool
            | Shape::Int
            | Shape::Float
            | Shape::Text
            | Shape::Bytes
            | Shape::Any
            | Shape::Address
            | Shape::Ref
            | Shape::TextBuilder
            | Shape::BytesBuilder
            | Shape::Handle
            | Shape::Array(_)
            | Shape::Option(_)
            | Shape::List(_)
            | Shape::Map(..)
            | Shape::Set(_)
            | Shape::Function
            | Shape::Tuple(_)
            | Shape::Sum(_) => false,
        });
        let first = found.next()?;
        if found.next().is_some() { None } else { Some(self.sum_of(first)) }
    }

    /// The sum type of a variant; of any other type, itself.
    #[inline]
    pub(crate) fn sum_of(&self, id: TypeId) -> TypeId {
        if let Shape::Variant(number, _) = self.get(id).shape { id - 1 - number } else { id }
    }

    /// The types of keys and values of a map type, or of the keys alone of a set type.
    pub(crate) fn entry_types(&self, id: TypeId) -> (TypeId, Option<TypeId>) {
        if let Shape::Map(key, value) = self.get(id).shape {
            (key, Some(value))
        } else if let Shape::Set(key) = self.get(id).shape {
            (key, None)
        } else {
            (types::ANY.0, None)
        }
    }

    /// The layout of a type that has fields, variants included.
    pub(crate) fn layout(&self, id: TypeId) -> Option<&Layout> {
        if let Shape::Tuple(layout) | Shape::Record(layout) | Shape::Object(layout) | Shape::Variant(_, layout) =
            &self.get(id).shape
        {
            Some(layout)
        } else {
            None
        }
    }
}

fn lay_out(table: &TypeTable, fields: impl Iterator<Item = TypeIndex> + Clone, numbers: &[TypeId]) -> Layout {
    let repr = |ty: TypeIndex| table.get(ty).map_or(Repr::Word, Type::repr);
    let scan = fields.clone().filter(|ty| repr(*ty) == Repr::Word).count();
    let (mut next_word, mut next_raw) = (0, scan);
    let fields: Vec<FieldPlace> = fields
        .map(|ty| {
            let next = if repr(ty) == Repr::Word { &mut next_word } else { &mut next_raw };
            *next += 1;
            FieldPlace { ty: numbers[ty.at()], word: *next as u16 - 1, repr: repr(ty) }
        })
        .collect();
    let in_order = fields.iter().enumerate().all(|(at, field)| field.word as usize == at);
    let has_float = fields.iter().any(|field| field.repr == Repr::Float);
    Layout { name: String::new(), labels: Vec::new(), fields, scan, in_order, has_float }
}
