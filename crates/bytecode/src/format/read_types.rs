//! Reads the types that a module declares.
//!
//! **Invariant:** a walk from a structural type through its structural components ends after
//! [`TYPE_DEPTH_MAX`] steps, for each stands before the type that it is part of.

use super::cursor::{Cursor, Key, Limit, Result, check_unique, first_repeated, is_small};
use super::error::{FormatError, Problem};
use super::{constant_tag, field_flag, type_tag, write};
use crate::index::TypeIndex;
use crate::limits::{FIELDS_MAX, PARAMS_MAX, TYPE_DEPTH_MAX, TYPES_MAX, VARIANTS_MAX};
use crate::types::{Constant, FIRST_DECLARED, Field, Type, Variant, builtins};

const ITEM: &str = "types";
/// A structural type of one component: its form and an index.
const TYPE_BYTES_MIN: usize = 2;
/// Name, type, flags.
const FIELD_BYTES_MIN: usize = 3;
/// Name, count of fields.
const VARIANT_BYTES_MIN: usize = 2;

const _: () = assert!(is_small::<Type>(TYPE_BYTES_MIN));
const _: () = assert!(is_small::<Field>(FIELD_BYTES_MIN));
const _: () = assert!(is_small::<Variant>(VARIANT_BYTES_MIN));

/// The declared types, in order. Sets the cursor's count of types.
pub(super) fn types(cursor: &mut Cursor<'_>) -> Result<Vec<Type>> {
    let offset = cursor.offset();
    let count = cursor.number(ITEM)? as usize;
    // A count that is too large fails below, before an item is read.
    cursor.type_count = FIRST_DECLARED as usize + count.min(TYPES_MAX).min(cursor.remaining() / TYPE_BYTES_MIN);
    let mut rules = Rules::new(cursor.type_count);
    let types = cursor.items(ITEM, offset, count, Limit::new("types", TYPES_MAX), TYPE_BYTES_MIN, |cursor, at| {
        let offset = cursor.offset();
        let ty = ty(cursor, at, &mut rules)?;
        if ty.nominal_name().is_none() {
            rules.structural(&ty, Key { bytes: cursor.since(offset), at, offset })?;
        }
        Ok(ty)
    })?;
    rules.finish()?;
    Ok(types)
}

/// What holds between the types of a module.
struct Rules<'a> {
    /// How deep each type so far is nested; nominal ones end the nesting.
    depths: Vec<usize>,
    /// The first structural type that refers to each type from before its declaration, which must then be nominal.
    early: Vec<Option<TypeIndex>>,
    structural: Vec<Key<'a>>,
    nominal: Vec<Key<'a>>,
    /// The bytes of the structural types that are built in.
    built_in: Vec<(Vec<u8>, TypeIndex)>,
}

impl<'a> Rules<'a> {
    fn new(type_count: usize) -> Self {
        let mut rules = Rules {
            depths: Vec::new(),
            early: vec![None; type_count],
            structural: Vec::new(),
            nominal: Vec::new(),
            built_in: Vec::new(),
        };
        for (at, ty) in builtins().iter().enumerate() {
            let mut bytes = Vec::new();
            write::ty(&mut bytes, ty);
            rules.built_in.push((bytes, TypeIndex(at as u32)));
            rules.depths.push(rules.depth(ty));
        }
        rules
    }

    /// One more than the deepest component, where a type that stands later counts as nominal.
    fn depth(&self, ty: &Type) -> usize {
        let mut deepest = None;
        components(ty, |component| deepest = deepest.max(Some(self.depths.get(component.at()).copied().unwrap_or(0))));
        deepest.map_or(0, |depth: usize| depth + 1)
    }

    fn structural(&mut self, ty: &Type, key: Key<'a>) -> Result<()> {
        let index = TypeIndex(FIRST_DECLARED + key.at as u32);
        let fail = |problem| Err(FormatError::new(key.offset, "", problem));
        if let Some((_, built_in)) = self.built_in.iter().find(|(bytes, _)| bytes == key.bytes) {
            return fail(Problem::BuiltIn(*built_in));
        }
        if let Some(Some(early)) = self.early.get(index.at()) {
            return fail(Problem::Late(*early));
        }
        components(ty, |component| {
            if component >= index
                && let Some(early) = self.early.get_mut(component.at())
            {
                early.get_or_insert(index);
            }
        });
        if matches!(self.early.get(index.at()), Some(Some(_))) {
            return fail(Problem::Late(index));
        }
        let depth = self.depth(ty);
        if depth > TYPE_DEPTH_MAX {
            return fail(Problem::Depth(depth));
        }
        self.depths.push(depth);
        self.structural.push(key);
        Ok(())
    }

    fn nominal(&mut self, key: Key<'a>) {
        self.depths.push(0);
        self.nominal.push(key);
    }

    fn finish(self) -> Result<()> {
        if let Some((key, first)) = first_repeated(self.structural) {
            return Err(FormatError::new(key.offset, &format!("{ITEM}[{}]", key.at), Problem::Repeated(first)));
        }
        check_unique(ITEM, ".name", self.nominal)
    }
}

/// Calls `visit` with every component of a structural type.
fn components(ty: &Type, mut visit: impl FnMut(TypeIndex)) {
    match ty {
        Type::Option(inner) | Type::List(inner) | Type::Set(inner) => visit(*inner),
        Type::Map(key, value) => [*key, *value].into_iter().for_each(visit),
        Type::Tuple(items) => items.iter().copied().for_each(visit),
        Type::Function(params, result) => params.iter().chain(result).copied().for_each(visit),
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
        | Type::Sum(..) => {}
    }
}

fn ty<'a>(cursor: &mut Cursor<'a>, at: usize, rules: &mut Rules<'a>) -> Result<Type> {
    let offset = cursor.offset();
    match cursor.byte("")? {
        type_tag::OPTION => cursor.type_index("").map(Type::Option),
        type_tag::LIST => cursor.type_index("").map(Type::List),
        type_tag::MAP => Ok(Type::Map(cursor.type_index("key")?, cursor.type_index("value")?)),
        type_tag::SET => cursor.type_index("").map(Type::Set),
        type_tag::TUPLE => cursor.type_list("fields", Limit::new("fields", FIELDS_MAX)).map(Type::Tuple),
        type_tag::FUNCTION => {
            Ok(Type::Function(cursor.type_list("params", Limit::new("parameters", PARAMS_MAX))?, cursor.result()?))
        }
        type_tag::RECORD => Ok(Type::Record(nominal_name(cursor, at, rules)?, fields(cursor, false)?)),
        type_tag::OBJECT => Ok(Type::Object(nominal_name(cursor, at, rules)?, fields(cursor, true)?)),
        type_tag::SUM => Ok(Type::Sum(nominal_name(cursor, at, rules)?, variants(cursor)?)),
        seen => Err(FormatError::new(offset, "", Problem::Form { seen, wanted: "a form of type, 1 to 9" })),
    }
}

fn nominal_name<'a>(cursor: &mut Cursor<'a>, at: usize, rules: &mut Rules<'a>) -> Result<String> {
    let (name, key) = unique_name(cursor, at)?;
    rules.nominal(key);
    Ok(name)
}

fn unique_name<'a>(cursor: &mut Cursor<'a>, at: usize) -> Result<(String, Key<'a>)> {
    let offset = cursor.offset();
    let name = cursor.name("name")?;
    Ok((name.to_owned(), Key { bytes: name.as_bytes(), at, offset }))
}

fn variants(cursor: &mut Cursor<'_>) -> Result<Vec<Variant>> {
    let mut names = Vec::new();
    let limit = Limit::new("variants", VARIANTS_MAX);
    let variants = cursor.list("variants", limit, VARIANT_BYTES_MIN, |cursor, at| {
        let (name, key) = unique_name(cursor, at)?;
        names.push(key);
        Ok(Variant { name, fields: fields(cursor, false)? })
    })?;
    check_unique("variants", ".name", names)?;
    Ok(variants)
}

fn fields(cursor: &mut Cursor<'_>, may_be_mutable: bool) -> Result<Vec<Field>> {
    let mut names = Vec::new();
    let fields = cursor.list("fields", Limit::new("fields", FIELDS_MAX), FIELD_BYTES_MIN, |cursor, at| {
        let (name, key) = unique_name(cursor, at)?;
        names.push(key);
        field(cursor, name, may_be_mutable)
    })?;
    check_unique("fields", ".name", names)?;
    Ok(fields)
}

fn field(cursor: &mut Cursor<'_>, name: String, may_be_mutable: bool) -> Result<Field> {
    let ty = cursor.type_index("type")?;
    let offset = cursor.offset();
    let seen = cursor.byte("flags")?;
    let known = if may_be_mutable { field_flag::KNOWN } else { field_flag::KNOWN & !field_flag::MUTABLE };
    if seen & !known != 0 {
        return Err(FormatError::new(offset, "flags", Problem::Flags { seen, known }));
    }
    let has = |flag| seen & flag != 0;
    let mut field = Field { mutable: has(field_flag::MUTABLE), ..Field::new(name, ty) };
    if has(field_flag::DEFAULT) {
        field.default = Some(constant(cursor)?);
    }
    if has(field_flag::WAS) {
        let offset = cursor.offset();
        field.was =
            cursor.list("was", Limit::new("former names", FIELDS_MAX), 1, |cursor, _| cursor.name("").map(str::to_owned))?;
        if field.was.is_empty() {
            return Err(FormatError::new(offset, "was", Problem::NoFormerNames));
        }
    }
    if has(field_flag::JSON) {
        field.json = Some(cursor.name("json")?.to_owned());
    }
    Ok(field)
}

fn constant(cursor: &mut Cursor<'_>) -> Result<Constant> {
    const ITEM: &str = "default";
    let offset = cursor.offset();
    match cursor.byte(ITEM)? {
        constant_tag::NULL => Ok(Constant::Null),
        constant_tag::FALSE => Ok(Constant::Bool(false)),
        constant_tag::TRUE => Ok(Constant::Bool(true)),
        constant_tag::INT => cursor.signed(ITEM).map(Constant::Int),
        constant_tag::FLOAT => cursor.array(ITEM).map(|bits| Constant::Float(u64::from_le_bytes(bits))),
        constant_tag::TEXT => cursor.text(ITEM).map(|text| Constant::Text(text.to_owned())),
        constant_tag::BYTES => {
            cursor.counted_bytes(ITEM, Limit::none("bytes")).map(|bytes| Constant::Bytes(bytes.to_owned()))
        }
        seen => Err(FormatError::new(offset, ITEM, Problem::Form { seen, wanted: "a form of constant, 0 to 6" })),
    }
}
