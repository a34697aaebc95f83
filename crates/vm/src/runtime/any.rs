//! Values of type Any: arithmetic by tag, casts, options.

use super::Cx;
use super::number::Arithmetic;
use crate::exit::ErrorKind;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK};
use crate::interp::Stop;
use crate::types::{Shape, TypeId};
use fardel_bytecode::types;

/// A number found behind a word.
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

impl Cx<'_> {
    /// The number in a word, if it is one.
    pub(crate) fn number(&self, value: u64) -> Option<Number> {
        if value & TAG_MASK == word::TAG_INT {
            return Some(Number::Int(word::int_of(value)));
        }
        match self.kind(value)? {
            Kind::BoxInt => Some(Number::Int(self.field(value, 0) as i64)),
            Kind::BoxFloat => Some(Number::Float(f64::from_bits(self.field(value, 0)))),
            Kind::Fields
            | Kind::Text
            | Kind::Bytes
            | Kind::SharedText
            | Kind::SharedBytes
            | Kind::List
            | Kind::Storage
            | Kind::Map
            | Kind::Set
            | Kind::Array
            | Kind::Closure
            | Kind::Ref
            | Kind::Some
            | Kind::Builder => None,
        }
    }

    /// The word of an integer.
    pub(crate) fn int_word(&mut self, value: i64) -> Result<u64, Stop> {
        if let Some(small) = word::small_int(value) {
            return Ok(small);
        }
        self.reserve(16)?;
        let at = self.add_object(Header::new(Kind::BoxInt, types::INT.0, 1, 0));
        self.set_field(at, 0, value as u64);
        Ok(at)
    }

    /// The word of a float.
    pub(crate) fn float_word(&mut self, value: f64) -> Result<u64, Stop> {
        self.reserve(16)?;
        let at = self.add_object(Header::new(Kind::BoxFloat, types::FLOAT.0, 1, 0));
        self.set_field(at, 0, value.to_bits());
        Ok(at)
    }

    /// What a word is, for messages.
    pub(crate) fn type_name(&self, value: u64) -> String {
        let builtin = |ty: fardel_bytecode::index::TypeIndex| self.core.types.get(ty.0).name.clone();
        match value & TAG_MASK {
            _ if value == NULL => builtin(types::NULL),
            word::TAG_INT => builtin(types::INT),
            word::TAG_BOOL => builtin(types::BOOL),
            word::TAG_ADDRESS => builtin(types::ADDRESS),
            word::TAG_FUNCTION => "a function".to_owned(),
            word::TAG_TEXT => builtin(types::TEXT),
            word::TAG_BYTES => builtin(types::BYTES),
            word::TAG_VARIANT => self.core.types.get(word::number_of(value)).name.clone(),
            _ => self.core.types.get(self.header(value).ty()).name.clone(),
        }
    }

    fn arithmetic(&mut self, operation: Arithmetic) -> Result<(), Stop> {
        let (x, y) = (self.b(), self.c());
        let result = match (self.number(x), self.number(y)) {
            (Some(Number::Int(x)), Some(Number::Int(y))) => match operation.ints(x, y) {
                Ok(value) => self.int_word(value)?,
                Err(kind) => return self.trap(kind),
            },
            (Some(Number::Float(x)), Some(Number::Float(y))) => self.float_word(operation.floats(x, y))?,
            (None | Some(_), None | Some(_)) => {
                let message = format!("{} and {}, wanted two of Int or of Float", self.type_name(x), self.type_name(y));
                return self.trap_with(ErrorKind::BadOperand, message);
            }
        };
        self.set_a(result);
        Ok(())
    }

    fn arithmetic_unary(&mut self, ints: fn(i64) -> Option<i64>, floats: fn(f64) -> f64) -> Result<(), Stop> {
        let value = self.b();
        let result = match self.number(value) {
            Some(Number::Int(int)) => match ints(int) {
                Some(int) => self.int_word(int)?,
                None => return self.trap(ErrorKind::Overflow),
            },
            Some(Number::Float(float)) => self.float_word(floats(float))?,
            None => {
                let message = format!("{}, wanted Int or Float", self.type_name(value));
                return self.trap_with(ErrorKind::BadOperand, message);
            }
        };
        self.set_a(result);
        Ok(())
    }

    /// Whether a word is of a type.
    pub(crate) fn is_of(&self, value: u64, ty: TypeId) -> bool {
        let header_type = |ty: TypeId| self.kind(value).is_some() && self.header(value).ty() == ty;
        match &self.core.types.get(ty).shape {
            Shape::Any => true,
            Shape::Null => value == NULL,
            Shape::Bool => value & TAG_MASK == word::TAG_BOOL,
            Shape::Int => matches!(self.number(value), Some(Number::Int(_))),
            Shape::Float => matches!(self.number(value), Some(Number::Float(_))),
            Shape::Text => self.flavour(value) == Some(super::text::Flavour::Text),
            Shape::Bytes => self.flavour(value) == Some(super::text::Flavour::Bytes),
            Shape::Address => value & TAG_MASK == word::TAG_ADDRESS,
            Shape::Option(inner) => value == NULL || self.is_some_of(value, *inner),
            Shape::Function => {
                if value & TAG_MASK == word::TAG_FUNCTION {
                    self.core.functions[word::number_of(value) as usize].ty == Some(ty)
                } else {
                    header_type(ty)
                }
            }
            Shape::Sum(variants) => {
                let variant = if value & TAG_MASK == word::TAG_VARIANT {
                    word::number_of(value)
                } else if self.kind(value).is_some() {
                    self.header(value).ty()
                } else {
                    return false;
                };
                ty < variant && variant <= ty + variants
            }
            Shape::Ref
            | Shape::TextBuilder
            | Shape::BytesBuilder
            | Shape::Handle
            | Shape::Array(_)
            | Shape::List(_)
            | Shape::Map(..)
            | Shape::Set(_)
            | Shape::Tuple(_)
            | Shape::Record(_)
            | Shape::Object(_)
            | Shape::Variant(..) => header_type(ty),
        }
    }

    /// Whether a word that is not null is an option that holds a value of a type.
    fn is_some_of(&self, value: u64, inner: TypeId) -> bool {
        if self.kind(value) == Some(Kind::Some) {
            let boxed = self.field(value, 0);
            return self.needs_box(inner)
                && (boxed == NULL || self.kind(boxed) == Some(Kind::Some))
                && self.is_of(boxed, inner);
        }
        self.is_of(value, inner)
    }

    /// Whether an option of a type may need a box around its value: when that may itself be null.
    fn needs_box(&self, inner: TypeId) -> bool {
        matches!(self.core.types.get(inner).shape, Shape::Any | Shape::Null | Shape::Option(_))
    }

    /// The word of an option that holds a word.
    pub(crate) fn some_word(&mut self, value: u64) -> Result<u64, Stop> {
        if value != NULL && self.kind(value) != Some(Kind::Some) {
            return Ok(value);
        }
        self.reserve(16)?;
        let at = self.add_object(Header::scanned(Kind::Some, types::OPTION_ANY.0, 1));
        self.set_field(at, 0, value);
        Ok(at)
    }
}

macro_rules! arithmetic {
    ($($name:ident $operation:ident;)*) => {$(
        pub(crate) fn $name(cx: &mut Cx<'_>) -> Result<(), Stop> {
            cx.arithmetic(Arithmetic::$operation)
        }
    )*};
}
arithmetic! {
    any_add Add;
    any_sub Sub;
    any_mul Mul;
    any_div Div;
    any_rem Rem;
    any_min Min;
    any_max Max;
}

pub(crate) fn any_neg(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.arithmetic_unary(i64::checked_neg, |x| -x)
}

pub(crate) fn any_abs(cx: &mut Cx<'_>) -> Result<(), Stop> {
    cx.arithmetic_unary(i64::checked_abs, f64::abs)
}

/// `a` := `b`, which must be of the type in the extension.
pub(crate) fn cast(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (value, ty) = (cx.b(), cx.extra as TypeId);
    if !cx.is_of(value, ty) {
        let message = format!("{}, wanted {}", cx.type_name(value), cx.core.types.get(ty).name);
        return cx.trap_with(ErrorKind::BadCast, message);
    }
    cx.set_a(value);
    Ok(())
}

/// `a` := whether `b` is of the type in the extension.
pub(crate) fn is_type(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let answer = cx.is_of(cx.b(), cx.extra as TypeId);
    cx.set_a(u64::from(answer));
    Ok(())
}

/// `a` := an option that holds the word `b`, which may be null itself.
pub(crate) fn make_some(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let some = cx.some_word(cx.b())?;
    cx.set_a(some);
    Ok(())
}

/// `a` := what the option `b` holds, which may be null itself.
pub(crate) fn unwrap_nested(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let value = cx.b();
    if value == NULL {
        return cx.trap(ErrorKind::NullValue);
    }
    let inner = if cx.kind(value) == Some(Kind::Some) { cx.field(value, 0) } else { value };
    cx.set_a(inner);
    Ok(())
}
