//! Expressions of a wanted type, with ways that part and meet inside.

use super::world::{FN_ANY, FN_INT, HELPERS_CALLED, Maker};
use crate::index::{FieldIndex, TypeIndex, VariantIndex};
use crate::isa::{Inst, Opcode};
use crate::operand::Depth;
use crate::types::*;

const INT_OPS: &[Opcode] = &[
    Opcode::Add,
    Opcode::Sub,
    Opcode::Mul,
    Opcode::Div,
    Opcode::Rem,
    Opcode::Neg,
    Opcode::Min,
    Opcode::AddWrap,
    Opcode::MulWrap,
    Opcode::Compare,
    Opcode::And,
    Opcode::Xor,
    Opcode::Shl,
    Opcode::Len,
    Opcode::ByteAt,
    Opcode::CodeAt,
    Opcode::Tag,
    Opcode::FloatToInt,
    Opcode::Get,
    Opcode::MapGetOr,
];

const FLOAT_OPS: &[Opcode] = &[
    Opcode::Add,
    Opcode::Sub,
    Opcode::Mul,
    Opcode::Div,
    Opcode::Rem,
    Opcode::Max,
    Opcode::IntToFloat,
    Opcode::Sqrt,
    Opcode::Pow,
    Opcode::Get,
];

const BOOL_OPS: &[Opcode] = &[
    Opcode::Eq,
    Opcode::Ne,
    Opcode::Lt,
    Opcode::Le,
    Opcode::Gt,
    Opcode::Ge,
    Opcode::Not,
    Opcode::Or,
    Opcode::IsNull,
    Opcode::Is,
    Opcode::MapHas,
];

const TEXT_OPS: &[Opcode] =
    &[Opcode::Show, Opcode::Concat, Opcode::Slice, Opcode::ShowFixed, Opcode::TextOfCode, Opcode::BuilderFinish];

const BYTES_OPS: &[Opcode] = &[Opcode::Concat, Opcode::Slice, Opcode::TextToBytes, Opcode::BuilderFinish];

const ANY_OPS: &[Opcode] = &[Opcode::Add, Opcode::Mul, Opcode::Neg, Opcode::Get, Opcode::MapFind, Opcode::MapGetOr];

const LIST_OPS: &[Opcode] = &[Opcode::Copy, Opcode::Slice];

impl Maker<'_, '_, '_> {
    /// Code that leaves a value of a type.
    pub(super) fn expression(&mut self, ty: TypeIndex, depth: usize) {
        match self.source.below(10) {
            0 | 1 => self.by_instruction(ty, depth),
            2 => self.if_else(ty, depth),
            3 => self.by_switch(ty, depth),
            4 => self.unless_null(ty, depth),
            5 => self.there_and_back(ty, depth),
            6 => self.field_of_product(ty, depth),
            7 => self.among_others(ty, depth),
            8 => self.result_of_call(ty),
            _ => self.by_function_value(ty, depth),
        }
    }

    fn by_instruction(&mut self, ty: TypeIndex, depth: usize) {
        let ops = match ty {
            INT => INT_OPS,
            FLOAT => FLOAT_OPS,
            BOOL => BOOL_OPS,
            TEXT => TEXT_OPS,
            BYTES => BYTES_OPS,
            ANY => ANY_OPS,
            _ if matches!(self.world.types.get(ty), Some(Type::List(_) | Type::Array(_))) => LIST_OPS,
            _ => return self.simple(ty),
        };
        let opcode = self.source.pick(ops, Opcode::Add);
        let height = self.body.stack.len();
        self.apply(opcode, Some(ty), depth);
        debug_assert_eq!((self.body.stack.len(), self.body.stack.last()), (height + 1, Some(&ty)), "{opcode:?}");
    }

    pub(super) fn if_else(&mut self, ty: TypeIndex, depth: usize) {
        let (other, end) = (self.body.label(), self.body.label());
        self.value(BOOL, depth);
        let opcode = if self.source.flip() { Opcode::JmpIf } else { Opcode::JmpUnless };
        self.body.jump(opcode, other);
        self.value(ty, depth);
        self.body.jump(Opcode::Jmp, end);
        self.body.place(other);
        // The other way may bring something that only fits: the slot at the end has the first way's type.
        self.loose(ty, depth);
        self.body.place(end);
    }

    pub(super) fn by_switch(&mut self, ty: TypeIndex, depth: usize) {
        let ways: Vec<_> = (0..1 + self.source.below(3)).map(|_| self.body.label()).collect();
        let end = self.body.label();
        self.position();
        let again = self.source.below(3);
        self.body.switch(ways.iter().chain(ways.iter().take(again)).copied().collect());
        for way in ways {
            self.value(ty, depth.min(1));
            self.body.jump(Opcode::Jmp, end);
            self.body.place(way);
        }
        self.value(ty, depth.min(1));
        self.body.place(end);
    }

    pub(super) fn unless_null(&mut self, ty: TypeIndex, depth: usize) {
        let (null, end) = (self.body.label(), self.body.label());
        let Some(option) = (if ty == ANY { Some(ANY) } else { self.option_of(ty) }) else { return self.simple(ty) };
        self.value(option, depth);
        self.body.jump(Opcode::JmpIfNull, null);
        self.body.stack.push(ty);
        self.body.jump(Opcode::Jmp, end);
        self.body.place(null);
        self.value(ty, depth);
        self.body.place(end);
    }

    fn option_of(&self, inner: TypeIndex) -> Option<TypeIndex> {
        self.world.types.find(&Type::Option(inner))
    }

    /// Into an option or Any, and out of it again.
    fn there_and_back(&mut self, ty: TypeIndex, depth: usize) {
        self.value(ty, depth);
        if let Some(option) = self.option_of(ty).filter(|_| self.source.flip()) {
            self.body.emit(Inst::Some { ty: option }, 1, &[option]);
            self.body.emit(Inst::Unwrap { ty: option }, 1, &[ty]);
        } else if ty != ANY {
            self.body.emit(Inst::ToAny { depth: Depth(0) }, 1, &[ANY]);
            self.body.emit(Inst::Cast { ty }, 1, &[ty]);
        }
    }

    /// A field of something that has one of this type.
    fn field_of_product(&mut self, ty: TypeIndex, depth: usize) {
        let has = |fields: &[Field]| fields.iter().any(|field| field.ty == ty);
        let product = self.type_where(|_, whole| match whole {
            Type::Tuple(items) => items.contains(&ty),
            Type::Record(_, fields) | Type::Object(_, fields) => has(fields),
            Type::Sum(_, variants) => variants.iter().any(|variant| has(&variant.fields)),
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
            | Type::Function(..) => false,
        });
        let position = |fields: &[Field]| fields.iter().position(|field| field.ty == ty).map(|at| FieldIndex(at as u32));
        let world = self.world;
        let inst = match world.types.get(product) {
            Some(Type::Tuple(items)) => {
                let field = items.iter().position(|item| *item == ty).map(|at| FieldIndex(at as u32));
                field.map(|field| Inst::Field { ty: product, field })
            }
            Some(Type::Record(_, fields) | Type::Object(_, fields)) => {
                position(fields).map(|field| Inst::Field { ty: product, field })
            }
            Some(Type::Sum(_, variants)) => (0..).map(VariantIndex).zip(variants).find_map(|(variant, fields)| {
                position(&fields.fields).map(|field| Inst::Payload { ty: product, variant, field })
            }),
            _ => None,
        };
        match inst {
            None => self.simple(ty),
            Some(inst) => {
                self.value(product, depth);
                self.body.emit(inst, 1, &[ty]);
            }
        }
    }

    /// The value with another one beside it for a while.
    fn among_others(&mut self, ty: TypeIndex, depth: usize) {
        let other = self.any_type();
        match self.source.below(3) {
            0 => {
                self.value(ty, depth);
                self.body.emit(Inst::Dup {}, 1, &[ty, ty]);
                self.body.emit(Inst::Drop {}, 1, &[]);
            }
            1 => {
                self.value(other, depth);
                self.value(ty, depth);
                self.body.emit(Inst::Swap {}, 2, &[ty, other]);
                self.body.emit(Inst::Drop {}, 1, &[]);
            }
            _ => {
                self.value(ty, depth);
                self.value(other, depth);
                self.body.emit(Inst::Over {}, 2, &[ty, other, ty]);
                self.body.emit(Inst::Drop {}, 1, &[]);
                self.body.emit(Inst::Drop {}, 1, &[]);
            }
        }
    }

    fn result_of_call(&mut self, ty: TypeIndex) {
        let world = self.world;
        let callable = world.callable(self.at, self.loops > 0 || self.helpers_called >= HELPERS_CALLED);
        let fits: Vec<_> = callable.into_iter().filter(|function| world.plans[function.at()].result == Some(ty)).collect();
        match fits.get(self.source.below(fits.len())) {
            Some(function) => self.call_function(*function),
            None => self.simple(ty),
        }
    }

    fn by_function_value(&mut self, ty: TypeIndex, depth: usize) {
        let function = match ty {
            INT if self.may_call() => FN_INT,
            ANY if self.may_call() => FN_ANY,
            _ => return self.simple(ty),
        };
        let Some(Type::Function(params, _)) = self.world.types.get(function) else { return };
        params.iter().for_each(|param| self.loose(*param, depth.min(1)));
        self.value(function, depth);
        self.body.emit(Inst::CallValue { ty: function }, params.len() + 1, &[ty]);
    }
}
