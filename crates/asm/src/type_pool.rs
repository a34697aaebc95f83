//! The types of the module being assembled: structural ones are kept once, and numbered when something first needs them.
//!
//! While the module is read a type has a provisional index; its final one is given by [`TypePool::need`], in an order
//! that follows from the module alone and not from how its text happened to say it.
//!
//! **Invariant:** a structural type's components have final indices before it has.

use std::collections::BTreeMap;

use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::limits::{TYPE_DEPTH_MAX, TYPES_MAX};
use fardel_bytecode::types::{FIRST_DECLARED, Field, Repr, Type, TypeTable, Variant};

/// A structural type by what distinguishes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Option(TypeIndex),
    List(TypeIndex),
    Set(TypeIndex),
    Map(TypeIndex, TypeIndex),
    Tuple(Vec<TypeIndex>),
    Function(Vec<TypeIndex>, Option<TypeIndex>),
}

impl Shape {
    fn components(&self) -> impl Iterator<Item = TypeIndex> + '_ {
        let (one, two, many): (Option<TypeIndex>, Option<TypeIndex>, &[TypeIndex]) = match self {
            Shape::Option(inner) | Shape::List(inner) | Shape::Set(inner) => (Some(*inner), None, &[]),
            Shape::Map(key, value) => (Some(*key), Some(*value), &[]),
            Shape::Tuple(items) => (None, None, items),
            Shape::Function(params, result) => (*result, None, params),
        };
        many.iter().copied().chain(one).chain(two)
    }
}

/// Nominal types by what a descriptor holds, for walks over what they refer to.
pub(crate) fn fields_of(ty: &Type) -> Vec<&Field> {
    match ty {
        Type::Record(_, fields) | Type::Object(_, fields) => fields.iter().collect(),
        Type::Sum(_, variants) => variants.iter().flat_map(|variant| &variant.fields).collect(),
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
        | Type::Function(..) => Vec::new(),
    }
}

/// A structural type that would be nested deeper than [`TYPE_DEPTH_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooDeep;

const NOT_NEEDED: u32 = u32::MAX;

/// The types known so far.
pub(crate) struct TypePool {
    table: TypeTable,
    shapes: BTreeMap<Shape, TypeIndex>,
    /// For each type how deeply structural types are nested in it.
    depths: Vec<u8>,
    /// For each type its final index.
    finals: Vec<u32>,
    /// The declared types by final index.
    order: Vec<TypeIndex>,
}

impl Default for TypePool {
    fn default() -> Self {
        let table = TypeTable::default();
        let mut shapes = BTreeMap::new();
        for (at, ty) in table.all().iter().enumerate() {
            if let Some(shape) = shape_of(ty) {
                shapes.insert(shape, TypeIndex(at as u32));
            }
        }
        let depths = table.all().iter().map(|ty| u8::from(shape_of(ty).is_some())).collect();
        let finals = (0..FIRST_DECLARED).collect();
        TypePool { table, shapes, depths, finals, order: Vec::new() }
    }
}

fn shape_of(ty: &Type) -> Option<Shape> {
    match ty {
        Type::Option(inner) => Some(Shape::Option(*inner)),
        Type::List(inner) => Some(Shape::List(*inner)),
        Type::Set(inner) => Some(Shape::Set(*inner)),
        Type::Map(key, value) => Some(Shape::Map(*key, *value)),
        Type::Tuple(items) => Some(Shape::Tuple(items.clone())),
        Type::Function(params, result) => Some(Shape::Function(params.clone(), *result)),
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
        | Type::Record(..)
        | Type::Object(..)
        | Type::Sum(..) => None,
    }
}

impl TypePool {
    /// The descriptor of a type that this pool gave out.
    pub(crate) fn get(&self, index: TypeIndex) -> &Type {
        self.table.get(index).unwrap_or(&Type::Any)
    }

    /// How many types there are, needed or not.
    pub(crate) fn count(&self) -> usize {
        self.table.all().len()
    }

    /// How a slot of it is represented.
    pub(crate) fn repr(&self, index: TypeIndex) -> Repr {
        self.get(index).repr()
    }

    /// See [`TypeTable::assignable`].
    pub(crate) fn assignable(&self, from: TypeIndex, to: TypeIndex) -> bool {
        self.table.assignable(from, to)
    }

    /// The type as written.
    pub(crate) fn display(&self, index: TypeIndex) -> String {
        self.table.display(index)
    }

    /// Adds a nominal type; all of them come before the first structural one is needed.
    pub(crate) fn add_nominal(&mut self, ty: Type) -> TypeIndex {
        let index = self.table.push(ty);
        self.depths.push(0);
        self.finals.push(FIRST_DECLARED + self.order.len() as u32);
        self.order.push(index);
        index
    }

    /// Gives a nominal type its fields or variants.
    pub(crate) fn define(&mut self, index: TypeIndex, ty: Type) {
        self.table.replace(index, ty);
    }

    /// The one index of a structural type; others than structural ones are not asked for.
    pub(crate) fn intern(&mut self, ty: Type) -> Result<TypeIndex, TooDeep> {
        let Some(shape) = shape_of(&ty) else { return Err(TooDeep) };
        if let Some(known) = self.shapes.get(&shape) {
            return Ok(*known);
        }
        let deepest = shape.components().map(|component| self.depths.get(component.at()).copied().unwrap_or(0)).max();
        let depth = deepest.unwrap_or(0) + 1;
        if usize::from(depth) > TYPE_DEPTH_MAX {
            return Err(TooDeep);
        }
        let index = self.table.push(ty);
        self.depths.push(depth);
        self.finals.push(NOT_NEEDED);
        self.shapes.insert(shape, index);
        Ok(index)
    }

    /// Gives a type its final index if it has none.
    #[inline]
    pub(crate) fn need(&mut self, index: TypeIndex) -> TypeIndex {
        match self.finals.get(index.at()) {
            Some(known) if *known != NOT_NEEDED => TypeIndex(*known),
            Some(_) | None => self.need_first(index),
        }
    }

    fn need_first(&mut self, index: TypeIndex) -> TypeIndex {
        if let Some(shape) = shape_of(self.get(index)) {
            for component in shape.components() {
                self.need(component);
            }
        }
        let known = FIRST_DECLARED + self.order.len() as u32;
        self.order.push(index);
        if let Some(slot) = self.finals.get_mut(index.at()) {
            *slot = known;
        }
        TypeIndex(known)
    }

    /// Gives the nominal types' fields their final types.
    pub(crate) fn need_nominal_fields(&mut self) {
        let fields: Vec<TypeIndex> =
            self.order.iter().flat_map(|at| fields_of(self.get(*at))).map(|field| field.ty).collect();
        for ty in fields {
            self.need(ty);
        }
    }

    /// Whether more types are needed than a module may declare.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.order.len() > TYPES_MAX
    }

    /// The table in final order.
    pub(crate) fn finish(self) -> TypeTable {
        TypeTable::with_declared(self.order.iter().map(|index| self.renumbered(self.get(*index))).collect())
    }

    fn renumbered(&self, ty: &Type) -> Type {
        let one = |index: TypeIndex| TypeIndex(self.finals.get(index.at()).copied().unwrap_or(index.0));
        let many = |items: &[TypeIndex]| items.iter().map(|item| one(*item)).collect();
        let fields = |fields: &[Field]| fields.iter().map(|field| Field { ty: one(field.ty), ..field.clone() }).collect();
        match ty {
            Type::Option(inner) => Type::Option(one(*inner)),
            Type::List(inner) => Type::List(one(*inner)),
            Type::Set(inner) => Type::Set(one(*inner)),
            Type::Map(key, value) => Type::Map(one(*key), one(*value)),
            Type::Tuple(items) => Type::Tuple(many(items)),
            Type::Function(params, result) => Type::Function(many(params), result.map(one)),
            Type::Record(name, own) => Type::Record(name.clone(), fields(own)),
            Type::Object(name, own) => Type::Object(name.clone(), fields(own)),
            Type::Sum(name, variants) => {
                let renumber = |variant: &Variant| Variant { name: variant.name.clone(), fields: fields(&variant.fields) };
                Type::Sum(name.clone(), variants.iter().map(renumber).collect())
            }
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
            | Type::Array(_) => ty.clone(),
        }
    }
}
