//! The types of a module as the disassembler writes them.
//!
//! A structural type may stand for a text that doubles with each level, so one that is long gets an alias.
//!
//! **Invariant:** no type is written with more than a few hundred bytes, its names aside.

use std::collections::BTreeSet;

use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::types::{Type, TypeTable};

use crate::disassemble::DisassembleError;
use crate::name;
use crate::scope::is_reserved_type;

/// Types longer than this get an alias.
const PLAIN_BYTES_MAX: usize = 120;

/// The text of each type.
pub(crate) struct TypeTexts<'m> {
    table: &'m TypeTable,
    texts: Vec<String>,
    aliases: Vec<(String, String)>,
}

impl<'m> TypeTexts<'m> {
    /// Writes all types.
    pub(crate) fn new(table: &'m TypeTable) -> Result<Self, DisassembleError> {
        let mut types = TypeTexts { table, texts: Vec::new(), aliases: Vec::new() };
        let names: BTreeSet<&str> = table.all().iter().filter_map(Type::nominal_name).collect();
        // Nominal types may be named before they stand in the table.
        let nominal = |ty: &Type| {
            let mut text = String::new();
            ty.nominal_name().into_iter().for_each(|name| write_name(&mut text, name));
            text
        };
        types.texts = table.all().iter().map(nominal).collect();
        for (at, ty) in (0..).zip(table.all()) {
            if ty.nominal_name().is_some() {
                continue;
            }
            let text = types.structural(TypeIndex(at), ty)?;
            let text = if text.len() > PLAIN_BYTES_MAX { types.alias(at, text, &names) } else { text };
            types.texts.get_mut(at as usize).into_iter().for_each(|slot| slot.clone_from(&text));
        }
        Ok(types)
    }

    /// A type as it is written.
    pub(crate) fn text(&self, ty: TypeIndex) -> Option<&str> {
        self.texts.get(ty.at()).map(String::as_str)
    }

    /// The aliases to declare, and what each stands for.
    pub(crate) fn aliases(&self) -> &[(String, String)] {
        &self.aliases
    }

    fn alias(&mut self, at: u32, text: String, names: &BTreeSet<&str>) -> String {
        let mut alias = format!("T{at}");
        while names.contains(alias.as_str()) {
            alias.push('_');
        }
        self.aliases.push((alias.clone(), text));
        alias
    }

    fn list(&self, owner: TypeIndex, types: &[TypeIndex]) -> Result<String, DisassembleError> {
        let mut out = String::new();
        for (at, ty) in types.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            match self.text(*ty) {
                None => {
                    let place = format!("type {owner}");
                    return Err(DisassembleError::Missing { place, what: "type", index: ty.0 });
                }
                Some("") => return Err(DisassembleError::TypeOrder(owner)),
                Some(text) => out.push_str(text),
            }
        }
        Ok(out)
    }

    fn structural(&self, at: TypeIndex, ty: &Type) -> Result<String, DisassembleError> {
        Ok(match ty {
            Type::Option(inner) => format!("Option<{}>", self.list(at, &[*inner])?),
            Type::List(inner) => format!("List<{}>", self.list(at, &[*inner])?),
            Type::Set(inner) => format!("Set<{}>", self.list(at, &[*inner])?),
            Type::Map(key, value) => format!("Map<{}>", self.list(at, &[*key, *value])?),
            Type::Tuple(items) if items.len() == 1 => format!("({},)", self.list(at, items)?),
            Type::Tuple(items) => format!("({})", self.list(at, items)?),
            Type::Function(params, None) => format!("fn({})", self.list(at, params)?),
            Type::Function(params, Some(result)) => {
                format!("fn({}) -> {}", self.list(at, params)?, self.list(at, &[*result])?)
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
            | Type::Array(_)
            | Type::Record(..)
            | Type::Object(..)
            | Type::Sum(..) => self.table.display(at),
        })
    }
}

/// Writes the name of a nominal type.
pub(crate) fn write_name(out: &mut String, name: &str) {
    name::write(out, name, name::is_plain_type(name) && !is_reserved_type(name));
}
