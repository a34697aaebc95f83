//! Between words of a block and [`Value`]s outside of it.

use crate::core::Core;
use crate::heap::block::Block;
use crate::heap::fragment::Fragment;
use crate::heap::shared::SHARED_BYTES_MIN;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK, words_of};
use crate::types::{FieldPlace, Layout, Shape, TypeId};
use crate::value::Value;
use fardel_bytecode::types::{self, Element, Repr};

/// Values in values that are followed; what lies deeper is only named.
const DEPTH_MAX: usize = 64;
/// What one value counts besides its text, in bytes.
const VALUE_BYTES: usize = size_of::<Value>();
/// Bytes of the values that leave a fiber at one time. A structure that shares its parts is made out in full outside, so
/// a small one can be without end there.
pub(crate) const VALUES_BYTES_MAX: usize = 1 << 30;

/// The value of a slot of a type, as far as `bytes_left` allows, from which it is taken; 0 is left when it was cut.
pub(crate) fn to_value(core: &Core, block: Block, slot: u64, ty: TypeId, bytes_left: &mut usize) -> Value {
    let mut reader = Reader { core, block, left: *bytes_left };
    let value = reader.slot(slot, ty, 0);
    *bytes_left = reader.left;
    value
}

struct Reader<'a> {
    core: &'a Core,
    block: Block,
    left: usize,
}

/// What stands for values that are left out.
fn cut() -> Value {
    Value::Opaque("..".to_owned())
}

impl Reader<'_> {
    /// Takes bytes from what is left; false, and nothing is left, when it is too little.
    fn takes(&mut self, bytes: usize) -> bool {
        let is_enough = bytes < self.left;
        self.left = if is_enough { self.left - bytes } else { 0 };
        is_enough
    }

    fn text(&mut self, bytes: &[u8]) -> Value {
        if self.takes(bytes.len()) { Value::Text(String::from_utf8_lossy(bytes).into_owned()) } else { cut() }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Value {
        if self.takes(bytes.len()) { Value::Bytes(bytes.to_vec()) } else { cut() }
    }

    fn opaque(&mut self, name: &str) -> Value {
        if self.takes(name.len()) { Value::Opaque(name.to_owned()) } else { cut() }
    }

    fn slot(&mut self, slot: u64, ty: TypeId, depth: usize) -> Value {
        if !self.takes(VALUE_BYTES) {
            return cut();
        }
        match self.core.types.get(ty).repr {
            Repr::Int => Value::Int(slot as i64),
            Repr::Float => Value::Float(f64::from_bits(slot)),
            Repr::Bool => Value::Bool(slot != 0),
            Repr::Word => self.word(slot, depth),
        }
    }

    fn word(&mut self, value: u64, depth: usize) -> Value {
        let number = word::number_of(value);
        match value & TAG_MASK {
            _ if value == NULL => Value::Null,
            word::TAG_INT => Value::Int(word::int_of(value)),
            word::TAG_BOOL => Value::Bool(value == word::TRUE),
            word::TAG_ADDRESS => Value::Address(word::address_of(value)),
            word::TAG_FUNCTION => self.opaque(&format!("fn {}", self.core.function_name(number))),
            word::TAG_TEXT => self.text(self.core.constants.get(number)),
            word::TAG_BYTES => self.bytes(self.core.constants.get(number)),
            word::TAG_VARIANT => self.fields_value(number, |_, _| NULL, depth),
            _ => self.object(value as usize, depth),
        }
    }

    fn object(&mut self, at: usize, depth: usize) -> Value {
        let header = Header(self.block.load(at));
        let block = self.block;
        let field = |index: usize| block.load(at + 8 + index * 8);
        if depth > DEPTH_MAX || self.left == 0 {
            return cut();
        }
        match header.kind() {
            Kind::BoxInt => Value::Int(field(0) as i64),
            Kind::BoxFloat => Value::Float(f64::from_bits(field(0))),
            Kind::Ref => Value::Ref { fiber: word::address_of(field(0)), number: field(1) },
            Kind::Some => self.word(field(0), depth + 1),
            Kind::Text => self.text(block.slice(at + 16, field(0) as usize)),
            Kind::Bytes => self.bytes(block.slice(at + 16, field(0) as usize)),
            Kind::SharedText | Kind::SharedBytes => {
                let (start, length) = (field(1) as usize, field(2) as usize);
                let bytes = self.core.shared.get(field(0) as u32).get(start..start + length).unwrap_or_default();
                if header.is(Kind::SharedText) { self.text(bytes) } else { self.bytes(bytes) }
            }
            Kind::Fields => self.fields_value(header.ty(), |_, word| field(word), depth),
            Kind::List => self.list(header.ty(), field(0), field(1) as usize, depth),
            Kind::Map | Kind::Set => self.map(header, at, depth),
            Kind::Array => self.array(header.ty(), at, field(0) as usize),
            Kind::Closure | Kind::Builder | Kind::Storage => self.opaque(&self.core.types.get(header.ty()).name),
        }
    }

    fn layout_values(&mut self, layout: &Layout, field: impl Fn(&Layout, usize) -> u64, depth: usize) -> Vec<Value> {
        layout.fields.iter().map(|place| self.slot(field(layout, usize::from(place.word)), place.ty, depth + 1)).collect()
    }

    fn fields_value(&mut self, ty: TypeId, field: impl Fn(&Layout, usize) -> u64, depth: usize) -> Value {
        let core = self.core;
        let info = core.types.get(ty);
        if !self.takes(info.name.len()) {
            return cut();
        }
        match &info.shape {
            Shape::Tuple(layout) => Value::Tuple(self.layout_values(layout, field, depth)),
            Shape::Record(layout) | Shape::Object(layout) => {
                Value::Record(layout.name.clone(), self.layout_values(layout, field, depth))
            }
            Shape::Variant(number, layout) => {
                Value::Variant(layout.name.clone(), *number, self.layout_values(layout, field, depth))
            }
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
            | Shape::Sum(_) => self.opaque(&info.name),
        }
    }

    fn list(&mut self, ty: TypeId, storage: u64, length: usize, depth: usize) -> Value {
        let element = if let Shape::List(element) = self.core.types.get(ty).shape { element } else { types::ANY.0 };
        let mut items = Vec::new();
        for index in 0..length {
            items.push(self.slot(self.block.load(storage as usize + 8 + index * 8), element, depth + 1));
            if self.left == 0 {
                break;
            }
        }
        Value::List(items)
    }

    fn map(&mut self, header: Header, at: usize, depth: usize) -> Value {
        let field = |index: usize| self.block.load(at + 8 + index * 8);
        let (keys, values, index, used) = (field(0), field(1), field(2), field(3) as usize);
        let is_live = |block: Block, entry: usize| {
            block.load(index as usize + 8 + entry / 2 * 8) >> (entry % 2 * 32) & 0xffff_ffff != 0
        };
        let (key_type, value_type) = self.core.types.entry_types(header.ty());
        let (mut entries, mut members) = (Vec::new(), Vec::new());
        for entry in 0..used {
            if self.left == 0 {
                break;
            }
            if !is_live(self.block, entry) {
                continue;
            }
            let key = self.slot(self.block.load(keys as usize + 8 + entry * 8), key_type, depth + 1);
            match value_type {
                Some(ty) => entries.push((key, self.slot(self.block.load(values as usize + 8 + entry * 8), ty, depth + 1))),
                None => members.push(key),
            }
        }
        if value_type.is_some() { Value::Map(entries) } else { Value::Set(members) }
    }

    fn array(&mut self, ty: TypeId, at: usize, length: usize) -> Value {
        let Shape::Array(element) = self.core.types.get(ty).shape else { return Value::Null };
        let length = length.min(self.left / VALUE_BYTES);
        self.takes(length * VALUE_BYTES);
        let bytes = self.block.slice(at + 16, length * element.bytes());
        let value = |chunk: &[u8]| {
            let mut raw = [0; 8];
            raw[..chunk.len()].copy_from_slice(chunk);
            let bits = u64::from_le_bytes(raw);
            match element {
                Element::Int => Value::Int(bits as i64),
                Element::Byte => Value::Int(bits as i64),
                Element::I32 => Value::Int(i64::from(bits as u32 as i32)),
                Element::Float => Value::Float(f64::from_bits(bits)),
                Element::F32 => Value::Float(f64::from(f32::from_bits(bits as u32))),
            }
        };
        Value::List(bytes.chunks_exact(element.bytes()).map(value).collect())
    }
}

/// Why a value is not of a type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mismatch {
    /// What was wanted.
    pub(crate) wanted: String,
    /// What was given.
    pub(crate) seen: &'static str,
}

/// The slot of a type that holds a value, with what it reaches in a fragment.
///
/// # Errors
/// When the value is not of the type.
pub(crate) fn from_value(core: &mut Core, value: &Value, ty: TypeId, fragment: &mut Fragment) -> Result<u64, Mismatch> {
    let info = core.types.get(ty);
    let mismatch = || Mismatch { wanted: info.name.clone(), seen: kind_name(value) };
    match (&info.shape, value) {
        (Shape::Any, Value::List(_)) => from_value(core, value, types::LIST_ANY.0, fragment),
        (Shape::Any, Value::Int(number)) => Ok(int_word(*number, fragment)),
        (Shape::Any, Value::Bool(value)) => Ok(word::bool_word(*value)),
        (Shape::Any, Value::Float(number)) => Ok(boxed(Kind::BoxFloat, types::FLOAT.0, number.to_bits(), fragment)),
        (Shape::Any | Shape::Null | Shape::Option(_), Value::Null) => Ok(NULL),
        (Shape::Int, Value::Int(number)) => Ok(*number as u64),
        (Shape::Float, Value::Float(number)) => Ok(number.to_bits()),
        (Shape::Bool, Value::Bool(value)) => Ok(u64::from(*value)),
        (Shape::Text | Shape::Any, Value::Text(text)) => Ok(add_bytes(core, true, text.as_bytes(), fragment)),
        (Shape::Bytes | Shape::Any, Value::Bytes(bytes)) => Ok(add_bytes(core, false, bytes, fragment)),
        (Shape::Address | Shape::Any, Value::Address(fiber)) => Ok(word::address_word(*fiber)),
        (Shape::Ref | Shape::Any, Value::Ref { fiber, number }) => {
            Ok(fragment.push(crate::runtime::TOKEN, &[word::address_word(*fiber), *number]))
        }
        (Shape::Any, Value::Record(name, _)) => match core.types.find_named(name, false) {
            Some(ty) => from_value(core, value, ty, fragment),
            None => Err(mismatch()),
        },
        (Shape::Any, Value::Variant(name, ..)) => match core.types.find_named(name, true) {
            Some(ty) => from_value(core, value, ty, fragment),
            None => Err(mismatch()),
        },
        (Shape::Tuple(layout), Value::Tuple(items)) if layout.fields.len() == items.len() => {
            let places = layout.fields.clone();
            fields_from(core, ty, &places, items, fragment)
        }
        (Shape::Record(layout) | Shape::Object(layout), Value::Record(name, items))
            if layout.name == *name && layout.fields.len() == items.len() =>
        {
            let places = layout.fields.clone();
            fields_from(core, ty, &places, items, fragment)
        }
        (Shape::Sum(count), Value::Variant(name, _, items)) => {
            let is_it = |variant: &TypeId| {
                let layout = core.types.layout(*variant);
                layout.is_some_and(|layout| layout.name == *name && layout.fields.len() == items.len())
            };
            let Some(variant) = (ty + 1..=ty + count).find(is_it) else { return Err(mismatch()) };
            if items.is_empty() {
                return Ok(word::numbered(word::TAG_VARIANT, variant));
            }
            let places = core.types.layout(variant).map_or(Vec::new(), |layout| layout.fields.clone());
            fields_from(core, variant, &places, items, fragment)
        }
        (Shape::Option(inner), _) => {
            let inner = *inner;
            match core.types.get(inner).repr {
                Repr::Word => from_value(core, value, inner, fragment),
                Repr::Int | Repr::Float | Repr::Bool => {
                    from_value(core, value, inner, fragment)?;
                    from_value(core, value, types::ANY.0, fragment)
                }
            }
        }
        (Shape::List(element), Value::List(items)) => {
            let element = *element;
            let slots: Result<Vec<u64>, Mismatch> =
                items.iter().map(|item| from_value(core, item, element, fragment)).collect();
            let slots = slots?;
            let scanned = core.types.get(element).repr == Repr::Word;
            let header = if scanned {
                Header::scanned(Kind::Storage, 0, slots.len())
            } else {
                Header::new(Kind::Storage, 0, slots.len(), 0)
            };
            let storage = if slots.is_empty() { NULL } else { fragment.push(header, &slots) };
            Ok(fragment.push(Header::new(Kind::List, ty, 2, 1), &[storage, slots.len() as u64]))
        }
        (_, _) => Err(mismatch()),
    }
}

/// An object with fields of these values.
fn fields_from(
    core: &mut Core,
    ty: TypeId,
    places: &[FieldPlace],
    items: &[Value],
    fragment: &mut Fragment,
) -> Result<u64, Mismatch> {
    let header = crate::runtime::object::fields_header(&core.types, ty);
    let mut words = vec![0; places.len()];
    for (place, item) in places.iter().zip(items) {
        words[usize::from(place.word)] = from_value(core, item, place.ty, fragment)?;
    }
    Ok(fragment.push(header, &words))
}

impl Core {
    /// The name of a function, by its number.
    pub(crate) fn function_name(&self, function: u32) -> &str {
        let entry = &self.functions[function as usize];
        self.modules[entry.module as usize].function_name(entry.position as usize)
    }

    /// The word for a slot of a type: numbers are marked with what they are.
    pub(crate) fn word_of(&self, slot: u64, ty: TypeId, fragment: &mut Fragment) -> u64 {
        match self.types.get(ty).repr {
            Repr::Word => slot,
            Repr::Int => int_word(slot as i64, fragment),
            Repr::Bool => word::bool_word(slot != 0),
            Repr::Float => boxed(Kind::BoxFloat, types::FLOAT.0, slot, fragment),
        }
    }

    /// The type that a value has where any is taken; Any where it does not tell.
    pub(crate) fn type_of_value(&self, value: &Value) -> TypeId {
        match value {
            Value::Null => types::NULL.0,
            Value::Bool(_) => types::BOOL.0,
            Value::Int(_) => types::INT.0,
            Value::Float(_) => types::FLOAT.0,
            Value::Text(_) => types::TEXT.0,
            Value::Bytes(_) => types::BYTES.0,
            Value::Address(_) => types::ADDRESS.0,
            Value::Ref { .. } => types::REF.0,
            Value::List(_) => types::LIST_ANY.0,
            Value::Record(name, _) => self.types.find_named(name, false).unwrap_or(types::ANY.0),
            Value::Variant(name, ..) => self.types.find_named(name, true).unwrap_or(types::ANY.0),
            Value::Map(_) | Value::Set(_) | Value::Tuple(_) | Value::Opaque(_) => types::ANY.0,
        }
    }
}

fn int_word(number: i64, fragment: &mut Fragment) -> u64 {
    word::small_int(number).unwrap_or_else(|| boxed(Kind::BoxInt, types::INT.0, number as u64, fragment))
}

fn boxed(kind: Kind, ty: TypeId, bits: u64, fragment: &mut Fragment) -> u64 {
    fragment.push(Header::new(kind, ty, 1, 0), &[bits])
}

pub(crate) fn add_bytes(core: &mut Core, is_text: bool, bytes: &[u8], fragment: &mut Fragment) -> u64 {
    let ty = if is_text { types::TEXT.0 } else { types::BYTES.0 };
    if bytes.len() >= SHARED_BYTES_MIN {
        let kind = if is_text { Kind::SharedText } else { Kind::SharedBytes };
        let number = core.shared.add(bytes.into());
        return fragment.push(Header::new(kind, ty, 3, 0), &[u64::from(number), 0, bytes.len() as u64]);
    }
    let mut words = vec![0; 1 + words_of(bytes.len())];
    words[0] = bytes.len() as u64;
    for (word, chunk) in words[1..].iter_mut().zip(bytes.chunks(8)) {
        let mut raw = [0; 8];
        raw[..chunk.len()].copy_from_slice(chunk);
        *word = u64::from_le_bytes(raw);
    }
    fragment.push(Header::new(if is_text { Kind::Text } else { Kind::Bytes }, ty, words.len(), 0), &words)
}

/// What a value is, for messages.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Bool",
        Value::Int(_) => "Int",
        Value::Float(_) => "Float",
        Value::Text(_) => "Text",
        Value::Bytes(_) => "Bytes",
        Value::Address(_) => "Address",
        Value::Ref { .. } => "Ref",
        Value::List(_) => "List",
        Value::Map(_) => "Map",
        Value::Set(_) => "Set",
        Value::Tuple(_) => "a tuple",
        Value::Record(..) => "a record",
        Value::Variant(..) => "a variant",
        Value::Opaque(_) => "an opaque value",
    }
}
