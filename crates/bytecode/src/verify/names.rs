//! What the operands of an instruction name: locals, functions, types and what is inside them.
//!
//! **Invariant:** an index that names nothing is an error here, and nothing behind this file sees one.

use super::declarations::{Signature, signature};
use super::error::{Checked, ErrorCode, fault};
use super::pass::Pass;
use crate::index::{FieldIndex, FunctionIndex, LocalIndex, TypeIndex, VariantIndex};
use crate::types::{Field, Type};

/// A field of a tuple, record or object.
#[derive(Clone, Copy)]
pub(super) struct FieldView {
    pub(super) ty: TypeIndex,
    pub(super) mutable: bool,
}

impl<'m> Pass<'m> {
    #[inline]
    pub(super) fn local(&self) -> Checked<(LocalIndex, TypeIndex)> {
        let local = LocalIndex(self.operands.indices[0]);
        match self.locals.get(local.at()) {
            Some(ty) => Ok((local, *ty)),
            None => self.unknown("local", local.0, self.locals.len(), "the function"),
        }
    }

    #[inline]
    pub(super) fn callee(&self, operand: usize) -> Checked<Signature<'m>> {
        let function = FunctionIndex(self.operands.indices[operand]);
        match signature(self.module, function) {
            Some(callee) => Ok(callee),
            None => {
                let count = self.module.imports.len() + self.module.functions.len();
                self.unknown("function", function.0, count, "the module")
            }
        }
    }

    #[inline]
    pub(super) fn uncaptured(&self, operand: usize) -> Checked<Signature<'m>> {
        let callee = self.callee(operand)?;
        if callee.captures.is_empty() {
            return Ok(callee);
        }
        let (name, count) = (callee.name.escape_debug(), callee.captures.len());
        fault(ErrorCode::Captures, format!("function `{name}` has {count} captured values, wanted one without"))
    }

    // Types that instructions name.

    pub(super) fn named(&self) -> Checked<(TypeIndex, &'m Type)> {
        let index = TypeIndex(self.operands.indices[0]);
        match self.types.get(index) {
            Some(ty) => Ok((index, ty)),
            None => self.unknown("type", index.0, self.types.all().len(), "the module"),
        }
    }

    pub(super) fn named_where(&self, wanted: &str, is: impl Fn(TypeIndex, &Type) -> bool) -> Checked<(TypeIndex, &'m Type)> {
        let (index, ty) = self.named()?;
        if is(index, ty) { Ok((index, ty)) } else { self.wrong_kind(index, wanted) }
    }

    pub(super) fn named_option(&self) -> Checked<(TypeIndex, TypeIndex)> {
        let (index, ty) = self.named()?;
        if let Type::Option(inner) = ty { Ok((index, *inner)) } else { self.wrong_kind(index, "an Option") }
    }

    pub(super) fn named_variant(&self) -> Checked<(TypeIndex, &'m [Field])> {
        let (index, ty) = self.named()?;
        let Type::Sum(_, variants) = ty else { return self.wrong_kind(index, "a sum type") };
        let variant = VariantIndex(self.operands.indices[1]);
        match variants.get(variant.at()) {
            Some(variant) => Ok((index, &variant.fields)),
            None => self.unknown("variant", variant.0, variants.len(), &self.types.display(index)),
        }
    }

    /// The sum type that is named, and the field of its variant.
    pub(super) fn named_payload(&self) -> Checked<(TypeIndex, TypeIndex)> {
        let (ty, fields) = self.named_variant()?;
        let field = self.field_of(fields.len(), self.operands.indices[2], |at| fields.get(at).map(|field| field.ty))?;
        Ok((ty, field))
    }

    pub(super) fn named_field(&self) -> Checked<(TypeIndex, FieldView)> {
        let (index, ty) = self.named()?;
        let at = self.operands.indices[1];
        let view = match ty {
            Type::Tuple(items) => {
                self.field_of(items.len(), at, |at| items.get(at).map(|ty| FieldView { ty: *ty, mutable: false }))?
            }
            Type::Record(_, fields) | Type::Object(_, fields) => self.field_of(fields.len(), at, |at| {
                fields.get(at).map(|field| FieldView { ty: field.ty, mutable: field.mutable })
            })?,
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
            | Type::Function(..)
            | Type::Sum(..) => return self.wrong_kind(index, "a tuple, record or object"),
        };
        Ok((index, view))
    }

    pub(super) fn field_of<T>(&self, count: usize, at: u32, get: impl Fn(usize) -> Option<T>) -> Checked<T> {
        match get(FieldIndex(at).at()) {
            Some(field) => Ok(field),
            None => self.unknown("field", at, count, &self.types.display(TypeIndex(self.operands.indices[0]))),
        }
    }

    #[cold]
    pub(super) fn unknown<T>(&self, what: &str, index: u32, count: usize, owner: &str) -> Checked<T> {
        fault(ErrorCode::UnknownOperand, format!("{what} {index} does not exist, {owner} has {count}"))
    }

    #[cold]
    pub(super) fn wrong_kind<T>(&self, seen: TypeIndex, wanted: &str) -> Checked<T> {
        fault(ErrorCode::TypeKind, format!("the named type is {}, wanted {wanted}", self.types.display(seen)))
    }
}
