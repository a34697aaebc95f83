//! Values of type Any, options, objects and containers.

use super::{Entry, Lowering};
use crate::heap::word::{TAG_VARIANT, bool_word, numbered, small_int};
use crate::interp::table::Operation as Do;
use crate::runtime::Wrap;
use crate::runtime::object::fields_header;
use crate::types::TypeId;
use fardel_bytecode::Inst;
use fardel_bytecode::index::{FieldIndex, TypeIndex, VariantIndex};
use fardel_bytecode::types::{ANY, Element, Repr, Type};

impl Lowering<'_, '_> {
    // Any and options.

    /// Marks the operand at a depth with what it is.
    pub(super) fn mark(&mut self, at: usize, depth: usize) -> usize {
        let repr = self.repr_of(at, depth);
        let position = self.position(depth);
        let constant = match (repr, self.stack[position]) {
            (Repr::Word, _) => return 1,
            (Repr::Int, Entry::Int(value)) => small_int(value),
            (Repr::Bool, Entry::Word(value)) => Some(bool_word(value != 0)),
            (_, _) => None,
        };
        if let Some(word) = constant.filter(|_| self.fuses()) {
            self.stack[position] = Entry::Word(word);
            return 1;
        }
        let value = self.operand(depth);
        let target = if depth == 0 { self.target(at, 1) } else { self.in_place(position) };
        self.boxing(at, repr, target.slot, value);
        if depth == 0 {
            return self.done(1, target);
        }
        self.stack[position] = Entry::Home;
        1
    }

    fn in_place(&self, position: usize) -> super::Target {
        super::Target { slot: self.home(position), entry: None, extra: 0 }
    }

    fn boxing(&mut self, at: usize, repr: Repr, to: u16, from: u16) {
        match repr {
            Repr::Int => self.slow(at, Do::box_int, to, from, 0, 0),
            Repr::Float => self.slow(at, Do::box_float, to, from, 0, 0),
            Repr::Bool => self.emit(Do::box_bool, to, from, 0),
            Repr::Word => self.emit(Do::mov, to, from, 0),
        }
    }

    pub(super) fn cast(&mut self, at: usize, ty: TypeIndex) -> usize {
        match self.repr(ty) {
            Repr::Int => self.unary(at, Do::cast_int),
            Repr::Float => self.unary(at, Do::cast_float),
            Repr::Bool => self.unary(at, Do::cast_bool),
            Repr::Word => self.cast_word(at, ty),
        }
    }

    /// How the usual case of a cast is looked at, and what its extension says of variants.
    fn quick_cast(&self, ty: TypeIndex) -> Option<(Do, u64)> {
        match self.descriptor(ty) {
            Type::Int => Some((Do::cast_int, 0)),
            Type::Sum(_, variants) => Some((Do::cast_sum, variants.len() as u64)),
            Type::Tuple(_)
            | Type::Record(..)
            | Type::Object(..)
            | Type::List(_)
            | Type::Map(..)
            | Type::Set(_)
            | Type::Array(_) => Some((Do::cast_object, 0)),
            Type::Null
            | Type::Bool
            | Type::Float
            | Type::Text
            | Type::Bytes
            | Type::Any
            | Type::Address
            | Type::Ref
            | Type::TextBuilder
            | Type::BytesBuilder
            | Type::Handle
            | Type::Option(_)
            | Type::Function(..) => None,
        }
    }

    /// A cast to a word type: the usual case is looked at first, in an instruction of its own.
    fn cast_word(&mut self, at: usize, ty: TypeIndex) -> usize {
        let id = self.type_id(ty);
        let Some((quick, variants)) = self.quick_cast(ty) else { return self.slow_unary(at, Do::cast, u64::from(id)) };
        let value = self.operand(0);
        let target = self.target(at, 1);
        self.emit(quick, target.slot, value, id);
        self.slow(at, Do::cast, target.slot, value, 0, variants << 32 | u64::from(id));
        self.done(1, target)
    }

    /// A load of a value of type Any with the cast behind it, as one instruction for the usual case; the load is
    /// `operation` with the slots or numbers `b` and `c`, and takes so many operands.
    fn load_and_cast(&mut self, at: usize, operation: Do, (b, c): (u16, u32), operands: usize) -> Option<usize> {
        let Some(Inst::Cast { ty }) = self.next(at, 1) else { return None };
        let (quick, variants) = self.quick_cast(ty)?;
        let fused = match (operation, quick) {
            (Do::field, Do::cast_int) => Do::field_cast_int,
            (Do::field, Do::cast_object) => Do::field_cast_object,
            (Do::field, Do::cast_sum) => Do::field_cast_sum,
            (Do::list_get, Do::cast_int) => Do::list_get_cast_int,
            (Do::list_get, Do::cast_object) => Do::list_get_cast_object,
            (Do::list_get, Do::cast_sum) => Do::list_get_cast_sum,
            (_, _) => return None,
        };
        let id = self.type_id(ty);
        self.pop(operands);
        let home = self.home(self.stack.len());
        self.stack.push(Entry::Home);
        let target = self.target(at + 1, 1);
        self.emit(fused, target.slot, b, c);
        self.emit(operation, home, b, c);
        self.places.push((self.out.place(), self.point(at + 1).offset.0));
        if quick == Do::cast_int {
            self.emit(quick, target.slot, home, 0);
        } else {
            self.slow(at + 1, Do::cast, target.slot, home, 0, variants << 32 | u64::from(id));
        }
        self.last = None;
        Some(1 + self.done(1, target))
    }

    /// The type inside an option; Any stands for itself.
    fn inner(&self, option: TypeIndex) -> TypeIndex {
        if let Type::Option(inner) = self.descriptor(option) { *inner } else { ANY }
    }

    fn may_be_null(&self, ty: TypeIndex) -> bool {
        matches!(self.descriptor(ty), Type::Any | Type::Null | Type::Option(_))
    }

    pub(super) fn some(&mut self, at: usize, ty: TypeIndex) -> usize {
        let inner = self.inner(ty);
        let repr = self.repr(inner);
        if repr == Repr::Word {
            // Where the value cannot be null the option is the value itself.
            return if self.may_be_null(inner) { self.slow_unary(at, Do::make_some, 0) } else { 1 };
        }
        let value = self.operand(0);
        let target = self.target(at, 1);
        self.boxing(at, repr, target.slot, value);
        self.done(1, target)
    }

    /// What takes the value out of an option of a type, which is not null; nothing where it is the value itself.
    pub(super) fn unwrap_operation(&self, option: TypeIndex) -> Option<Do> {
        if option == ANY {
            return None;
        }
        let inner = self.inner(option);
        match self.repr(inner) {
            Repr::Int => Some(Do::unwrap_int),
            Repr::Float => Some(Do::unwrap_float),
            Repr::Bool => Some(Do::unwrap_bool),
            Repr::Word if self.may_be_null(inner) => Some(Do::unwrap_nested),
            Repr::Word => None,
        }
    }

    pub(super) fn unwrap(&mut self, at: usize, ty: TypeIndex) -> usize {
        match self.unwrap_operation(ty) {
            None => self.unary(at, Do::unwrap_word),
            Some(Do::unwrap_nested) => self.slow_unary(at, Do::unwrap_nested, 0),
            Some(operation) => self.unary(at, operation),
        }
    }

    // Tuples, records, objects, variants.

    pub(super) fn field_word(&self, ty: TypeId, field: FieldIndex) -> usize {
        self.unit.types.layout(ty).map_or(0, |layout| usize::from(layout.fields[field.at()].word))
    }

    pub(super) fn new_object(&mut self, at: usize, ty: TypeId) -> usize {
        let header = fields_header(self.unit.types, ty);
        let in_order = self.unit.types.layout(ty).is_some_and(|layout| layout.in_order);
        if !in_order {
            return self.gather(at, header.words(), |lowering, target, first| {
                lowering.slow(at, Do::new_mapped, first, 0, u32::from(target), u64::from(ty));
            });
        }
        if header.words() == 2 && self.fuses() {
            return self.slow_binary(at, Do::new_2, header.0);
        }
        self.gather(at, header.words(), |lowering, target, first| {
            lowering.slow(at, Do::new_words, first, header.words() as u16, u32::from(target), header.0);
        })
    }

    pub(super) fn new_variant(&mut self, at: usize, ty: TypeIndex, variant: VariantIndex) -> usize {
        let id = self.type_id(ty) + 1 + variant.0;
        let is_empty = self.unit.types.layout(id).is_none_or(|layout| layout.fields.is_empty());
        if is_empty {
            return self.push(Entry::Word(numbered(TAG_VARIANT, id)));
        }
        self.new_object(at, id)
    }

    pub(super) fn field(&mut self, at: usize, ty: TypeIndex, field: FieldIndex) -> usize {
        let offset = 8 + self.field_word(self.type_id(ty), field) * 8;
        if let Some(Inst::Cast { .. }) = self.next(at, 1) {
            let object = self.operand(0);
            if let Some(done) = self.load_and_cast(at, Do::field, (object, offset as u32), 1) {
                return done;
            }
        }
        self.float_field(at, offset as u16).unwrap_or_else(|| self.unary_with(at, Do::field, offset as u32))
    }

    // Containers.

    #[allow(clippy::wildcard_enum_match_arm, reason = "the verifier leaves one type besides the named ones")]
    pub(super) fn len(&mut self, at: usize) -> usize {
        let ty = self.type_of(at, 0);
        match self.descriptor(ty) {
            Type::List(_) => self.unary(at, Do::list_len),
            Type::Array(_) => self.unary(at, Do::array_len),
            Type::Map(..) | Type::Set(_) => self.unary(at, Do::map_len),
            Type::TextBuilder | Type::BytesBuilder => self.slow_unary(at, Do::builder_len, 0),
            _ => self.unary(at, Do::text_len),
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the verifier leaves one type besides the named ones")]
    pub(super) fn get(&mut self, at: usize) -> usize {
        let ty = self.type_of(at, 1);
        match self.descriptor(ty) {
            Type::Array(element) => {
                if *element == Element::Float
                    && let Some(done) = self.float_element(at)
                {
                    return done;
                }
                let operation = match element {
                    Element::Int | Element::Float => Do::array_get_8,
                    Element::Byte => Do::array_get_byte,
                    Element::I32 => Do::array_get_i32,
                    Element::F32 => Do::array_get_f32,
                };
                self.binary(at, operation)
            }
            Type::Map(..) => self.slow_binary(at, Do::map_get, 0),
            _ => {
                let (list, index) = (self.operand(1), self.operand(0));
                if let Some(done) = self.load_and_cast(at, Do::list_get, (list, u32::from(index)), 2) {
                    return done;
                }
                self.binary(at, Do::list_get)
            }
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the verifier leaves one type besides the named ones")]
    pub(super) fn set(&mut self, at: usize) -> usize {
        let ty = self.type_of(at, 2);
        let operation = match self.descriptor(ty) {
            Type::Array(Element::Int | Element::Float) => Do::array_set_8,
            Type::Array(Element::Byte) => Do::array_set_byte,
            Type::Array(Element::I32) => Do::array_set_i32,
            Type::Array(Element::F32) => Do::array_set_f32,
            Type::Map(..) => return self.slow_effect(at, Do::map_set, 3),
            _ => Do::list_set,
        };
        let (container, index) = (self.operand(2), self.operand(1));
        let constant = self.constant_int(0).filter(|_| self.fuses()).and_then(|value| i32::try_from(value).ok());
        match (operation, constant) {
            (Do::array_set_8, Some(value)) => self.emit(Do::array_set_int_k, container, index, value as u32),
            (Do::array_set_byte, Some(value @ 0..=255)) => {
                self.emit(Do::array_set_byte_k, container, index, value as u32);
            }
            _ => {
                let value = self.operand(0);
                self.emit(operation, container, index, u32::from(value));
            }
        }
        self.effect(3)
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the verifier leaves one type besides the named ones")]
    pub(super) fn copy(&mut self, at: usize) -> usize {
        let ty = self.type_of(at, 0);
        let operation = match self.descriptor(ty) {
            Type::List(_) => Do::list_copy,
            Type::Map(..) | Type::Set(_) => Do::map_copy,
            Type::Array(_) => Do::array_copy,
            _ => Do::object_copy,
        };
        self.slow_unary(at, operation, 0)
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the verifier leaves one type besides the named ones")]
    pub(super) fn slice(&mut self, at: usize) -> usize {
        let ty = self.type_of(at, 2);
        let operation = match self.descriptor(ty) {
            Type::List(_) => Do::list_slice,
            Type::Array(_) => Do::array_slice,
            _ => Do::slice,
        };
        self.slow_ternary(at, operation, 0)
    }

    pub(super) fn map_find(&mut self, at: usize) -> usize {
        let ty = self.type_of(at, 1);
        let value = if let Type::Map(_, value) = self.descriptor(ty) { *value } else { ANY };
        let wrap = match self.repr(value) {
            Repr::Int => Wrap::Int,
            Repr::Float => Wrap::Float,
            Repr::Bool => Wrap::Bool,
            Repr::Word if value != ANY && self.may_be_null(value) => Wrap::Nested,
            Repr::Word => Wrap::Same,
        };
        let extra = Wrap::ALL.iter().position(|known| *known == wrap).unwrap_or_default();
        self.slow_binary(at, Do::map_find, extra as u64)
    }

    pub(super) fn copy_range(&mut self, at: usize) -> usize {
        for depth in 0..5 {
            let position = self.position(depth);
            self.settle(position);
        }
        let first = self.home(self.stack.len() - 5);
        self.slow(at, Do::copy_range, 0, first, 0, 0);
        self.effect(5)
    }
}
