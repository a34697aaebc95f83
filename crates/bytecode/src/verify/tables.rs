//! The type table of a module: is it well-formed, and which type is the option of another, or a function's type.
//!
//! **Invariant:** after [`check`] every type index inside a type is in range, and a walk from component to component that
//! stops at nominal types ends within [`TYPE_DEPTH_MAX`] steps.

use super::error::{ErrorCode, Errors};
use super::interner::{Interner, Mixer};
use super::keys;
use crate::index::{FunctionIndex, TypeIndex};
use crate::limits::{FIELDS_MAX, NAME_BYTES_MAX, TYPE_DEPTH_MAX, TYPES_MAX, VARIANTS_MAX};
use crate::module::Module;
use crate::types::{self, Constant, FIRST_DECLARED, Field, Type, TypeTable};

/// Answers to questions about types that would need a walk over the table.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    pub(super) mixer: Mixer,
    structural: Interner,
    options: Vec<Option<TypeIndex>>,
    functions: Vec<Option<TypeIndex>>,
}

impl Tables {
    /// The option type whose inside is `inner`.
    #[inline]
    pub(super) fn option_of(&self, inner: TypeIndex) -> Option<TypeIndex> {
        self.options.get(inner.at()).copied().flatten()
    }

    /// The type of a function as a value; captured values are no part of it.
    #[inline]
    pub(super) fn function_type(&self, function: FunctionIndex) -> Option<TypeIndex> {
        self.functions.get(function.at()).copied().flatten()
    }

    /// Looks up the types of all functions, whose own types are already known to be in range.
    pub(super) fn learn_functions(&mut self, module: &Module) {
        let imports = module.imports.iter().map(|import| (&import.params, import.result));
        let own = module.functions.iter().map(|function| (&function.params, function.result));
        self.functions = imports
            .chain(own)
            .map(|(params, result)| {
                let hash = function_hash(self.mixer, params, result);
                let same = |at: u32| matches!(module.types.get(TypeIndex(at)), Some(Type::Function(p, r)) if p == params && *r == result);
                self.structural.find(hash, same).map(TypeIndex)
            })
            .collect();
    }
}

/// Checks the types and, when they are well-formed, gives what is known about them.
pub(super) fn check(module: &Module, mixer: Mixer, errors: &mut Errors) -> Option<Tables> {
    let table = &module.types;
    if table.all().get(..FIRST_DECLARED as usize) != Some(types::builtins().as_slice()) {
        errors.module(ErrorCode::BuiltinType, "the first types are not the built-in ones".to_owned());
        return None;
    }
    if table.declared().len() > TYPES_MAX {
        errors.module(ErrorCode::OverLimit, format!("{} types, at most {TYPES_MAX}", table.declared().len()));
        return None;
    }
    let mut check = Check { table, mixer, errors, depths: vec![0; table.all().len()] };
    check.components();
    if !check.errors.is_empty() {
        return None;
    }
    check.nominal_names();
    let structural = check.structural();
    check.contents();
    keys::check(table, check.errors);
    let mut options = vec![None; table.all().len()];
    for (at, ty) in table.all().iter().enumerate() {
        if let Type::Option(inner) = ty
            && let Some(slot) = options.get_mut(inner.at())
        {
            *slot = Some(TypeIndex(at as u32));
        }
    }
    Some(Tables { mixer, structural, options, functions: Vec::new() })
}

struct Check<'m, 'e> {
    table: &'m TypeTable,
    mixer: Mixer,
    errors: &'e mut Errors,
    /// How deeply each type is nested; nominal types count as flat.
    depths: Vec<usize>,
}

impl Check<'_, '_> {
    fn components(&mut self) {
        for (at, ty) in self.table.all().iter().enumerate() {
            let nominal = ty.nominal_name().is_some();
            let mut depth = 0;
            ty.components(|part| match self.table.get(part) {
                None => self
                    .errors
                    .module(ErrorCode::UnknownType, format!("type {at} consists of type {part}, which is not declared")),
                Some(_) if nominal => {}
                Some(inner) if inner.nominal_name().is_some() => depth = depth.max(1),
                Some(_) if part.at() >= at => self.errors.module(
                    ErrorCode::TypeOrder,
                    format!("type {at} consists of type {part}, which does not stand before it"),
                ),
                Some(_) => depth = depth.max(1 + self.depths.get(part.at()).copied().unwrap_or(0)),
            });
            if depth > TYPE_DEPTH_MAX {
                self.errors
                    .module(ErrorCode::TypeDepth, format!("type {at} is nested {depth} deep, at most {TYPE_DEPTH_MAX}"));
            }
            if let Some(slot) = self.depths.get_mut(at) {
                *slot = depth;
            }
        }
    }

    /// Puts every structural type into a set, in which two equal ones meet.
    fn structural(&mut self) -> Interner {
        let mut known = Interner::with_capacity(self.table.all().len());
        for (at, ty) in self.table.all().iter().enumerate() {
            if ty.nominal_name().is_some() {
                continue;
            }
            let same = |other: u32| self.table.get(TypeIndex(other)) == Some(ty);
            if let Some(first) = known.insert(structural_hash(self.mixer, ty), at as u32, same) {
                let name = self.table.display(TypeIndex(at as u32));
                self.errors.module(ErrorCode::DuplicateType, format!("type {at} is {name}, which is type {first} already"));
            }
        }
        known
    }

    fn nominal_names(&mut self) {
        let names = self.table.declared().iter().filter_map(Type::nominal_name);
        unique(self.mixer, names, "types", self.errors);
    }

    fn contents(&mut self) {
        for (at, ty) in self.table.declared().iter().enumerate() {
            let index = TypeIndex(FIRST_DECLARED + at as u32);
            match ty {
                Type::Record(_, fields) => self.fields(index, fields, false),
                Type::Object(_, fields) => self.fields(index, fields, true),
                Type::Sum(_, variants) => {
                    self.limit(index, "variants", variants.len(), VARIANTS_MAX);
                    unique(self.mixer, variants.iter().map(|variant| variant.name.as_str()), "variants", self.errors);
                    variants.iter().for_each(|variant| self.fields(index, &variant.fields, false));
                }
                Type::Tuple(items) => self.limit(index, "fields", items.len(), FIELDS_MAX),
                Type::Function(params, _) => self.limit(index, "parameters", params.len(), crate::limits::PARAMS_MAX),
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
                | Type::Set(_) => {}
            }
        }
    }

    fn limit(&mut self, ty: TypeIndex, what: &str, count: usize, max: usize) {
        if count > max {
            self.errors
                .module(ErrorCode::OverLimit, format!("{} has {count} {what}, at most {max}", self.table.display(ty)));
        }
    }

    fn fields(&mut self, owner: TypeIndex, fields: &[Field], object: bool) {
        self.limit(owner, "fields", fields.len(), FIELDS_MAX);
        unique(
            self.mixer,
            fields.iter().flat_map(|field| std::iter::once(&field.name).chain(&field.was)).map(String::as_str),
            "fields",
            self.errors,
        );
        unique(
            self.mixer,
            fields.iter().map(|field| field.json.as_ref().unwrap_or(&field.name).as_str()),
            "fields in JSON",
            self.errors,
        );
        for field in fields {
            let place = || format!("field `{}` of {}", field.name.escape_debug(), self.table.display(owner));
            if field.mutable && !object {
                self.errors
                    .module(ErrorCode::BadMutable, format!("{} is mutable, but only fields of objects may be", place()));
            }
            if field.json.as_ref() == Some(&field.name) {
                self.errors.module(ErrorCode::RedundantJson, format!("{} has its own name as JSON name", place()));
            }
            if let Some(default) = &field.default
                && !self.default_fits(default, field.ty)
            {
                let (seen, wanted) = (constant_name(default), self.table.display(field.ty));
                self.errors.module(ErrorCode::BadDefault, format!("the default of {} is {seen}, wanted {wanted}", place()));
            }
        }
    }

    /// A constant may be the default of a field of its own type, of an option of it, or of Any.
    fn default_fits(&self, default: &Constant, field: TypeIndex) -> bool {
        let own = match default {
            Constant::Null => types::NULL,
            Constant::Bool(_) => types::BOOL,
            Constant::Int(_) => types::INT,
            Constant::Float(_) => types::FLOAT,
            Constant::Text(_) => types::TEXT,
            Constant::Bytes(_) => types::BYTES,
        };
        match self.table.get(field) {
            Some(Type::Option(inner)) => own == *inner || own == types::NULL,
            _ => own == field || field == types::ANY,
        }
    }
}

fn constant_name(constant: &Constant) -> &'static str {
    match constant {
        Constant::Null => "null",
        Constant::Bool(_) => "a Bool",
        Constant::Int(_) => "an Int",
        Constant::Float(_) => "a Float",
        Constant::Text(_) => "a Text",
        Constant::Bytes(_) => "Bytes",
    }
}

/// Checks that names are unique and not empty or too long.
pub(super) fn unique<'n>(mixer: Mixer, names: impl Iterator<Item = &'n str>, what: &str, errors: &mut Errors) {
    let names: Vec<&str> = names.collect();
    let mut seen = Interner::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let detail = format!("a name among the {what} has {} bytes, wanted 1 to {NAME_BYTES_MAX}", name.len());
            errors.module(ErrorCode::BadName, detail);
        }
        let same = |other: u32| names.get(other as usize) == Some(name);
        if seen.insert(mixer.bytes(name.as_bytes()).finish(), at as u32, same).is_some() {
            errors.module(ErrorCode::DuplicateName, format!("two of the {what} are named `{}`", name.escape_debug()));
        }
    }
}

fn structural_hash(mixer: Mixer, ty: &Type) -> u64 {
    let list = |kind: u64, items: &[TypeIndex]| {
        items.iter().fold(mixer.word(kind), |mixer, item| mixer.word(item.0.into())).finish()
    };
    match ty {
        Type::Null => list(0, &[]),
        Type::Bool => list(1, &[]),
        Type::Int => list(2, &[]),
        Type::Float => list(3, &[]),
        Type::Text => list(4, &[]),
        Type::Bytes => list(5, &[]),
        Type::Any => list(6, &[]),
        Type::Address => list(7, &[]),
        Type::Ref => list(8, &[]),
        Type::TextBuilder => list(9, &[]),
        Type::BytesBuilder => list(10, &[]),
        Type::Handle => list(11, &[]),
        Type::Array(element) => list(12 + *element as u64, &[]),
        Type::Option(inner) => list(20, &[*inner]),
        Type::List(inner) => list(21, &[*inner]),
        Type::Map(key, value) => list(22, &[*key, *value]),
        Type::Set(inner) => list(23, &[*inner]),
        Type::Tuple(items) => list(24, items),
        Type::Function(params, result) => function_hash(mixer, params, *result),
        // Nominal types are told apart by name, not here.
        Type::Record(..) | Type::Object(..) | Type::Sum(..) => list(26, &[]),
    }
}

fn function_hash(mixer: Mixer, params: &[TypeIndex], result: Option<TypeIndex>) -> u64 {
    let params = params.iter().fold(mixer.word(25), |mixer, item| mixer.word(item.0.into()));
    params.word(result.map_or(u64::MAX, |ty| ty.0.into())).finish()
}
