//! Values of every type: the simplest code that makes one.
//!
//! **Invariant:** what is left is exactly of the type asked for, but where a name says otherwise.

use super::world::{INSIDE_ANY, KEY, Maker, Role, SHOWN, UNSHOWN};
use crate::index::{DataIndex, FunctionIndex, TypeIndex, VariantIndex};
use crate::isa::Inst;
use crate::module::Data;
use crate::operand::{BytesData, Depth, FloatBits, TextData};
use crate::types::*;

const INTS: &[i64] = &[0, 1, 2, 3, -1, 7, 10, 64, 97, 127, 255, 256, 1 << 31, 1 << 60, -(1 << 60) - 1, i64::MAX, i64::MIN];

const FLOATS: &[f64] =
    &[0.0, 1.0, -0.0, 0.5, -2.75, 3.0, 1e10, 1e300, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];

impl Maker<'_, '_, '_> {
    /// A type that a value can be asked for.
    pub(super) fn any_type(&mut self) -> TypeIndex {
        if self.source.below(5) == 4 { self.source.pick(UNSHOWN, ADDRESS) } else { self.source.pick(SHOWN, INT) }
    }

    /// One of the types that fit, of all that values can be asked for.
    pub(super) fn type_where(&mut self, fits: impl Fn(TypeIndex, &Type) -> bool) -> TypeIndex {
        let types = &self.world.types;
        let all = SHOWN.iter().chain(UNSHOWN).copied();
        let found: Vec<TypeIndex> = all.filter(|index| types.get(*index).is_some_and(|ty| fits(*index, ty))).collect();
        self.source.pick(&found, INT)
    }

    /// A value that may stand where `ty` is wanted.
    pub(super) fn loose(&mut self, ty: TypeIndex, depth: usize) {
        let nullable = matches!(self.world.types.get(ty), Some(Type::Option(_)));
        if (nullable || ty == ANY) && self.source.below(4) == 3 {
            self.body.emit(Inst::PushNull {}, 0, &[NULL]);
        } else if ty == ANY && self.source.below(4) == 3 {
            self.value(TEXT, depth);
        } else {
            self.value(ty, depth);
        }
    }

    /// A value of exactly this type.
    pub(super) fn value(&mut self, ty: TypeIndex, depth: usize) {
        self.budget = self.budget.saturating_sub(1);
        let choice = self.source.below(4);
        if choice < 2
            && let Some(local) = self.variable(ty)
        {
            self.body.emit(Inst::Load { local }, 0, &[ty]);
        } else if choice > 0 && depth > 0 && self.budget > 0 {
            self.expression(ty, depth - 1);
        } else {
            self.simple(ty);
        }
    }

    /// A number from 0 to 7, as a position or a length.
    pub(super) fn position(&mut self) {
        let value = self.source.below(8) as i64;
        self.body.emit(Inst::PushInt { value }, 0, &[INT]);
    }

    /// A new value without variables and expressions.
    pub(super) fn simple(&mut self, ty: TypeIndex) {
        let world = self.world;
        let Some(descriptor) = world.types.get(ty) else { return };
        match descriptor {
            Type::Null => self.body.emit(Inst::PushNull {}, 0, &[NULL]),
            Type::Bool if self.source.flip() => self.body.emit(Inst::PushTrue {}, 0, &[BOOL]),
            Type::Bool => self.body.emit(Inst::PushFalse {}, 0, &[BOOL]),
            Type::Int => {
                let value = if self.source.flip() { self.source.pick(INTS, 0) } else { self.source.below(12) as i64 - 2 };
                self.body.emit(Inst::PushInt { value }, 0, &[INT]);
            }
            Type::Float => {
                let value = FloatBits(self.source.pick(FLOATS, 0.0).to_bits());
                self.body.emit(Inst::PushFloat { value }, 0, &[FLOAT]);
            }
            Type::Text => {
                let data = TextData(self.datum(|data| matches!(data, Data::Text(_))));
                self.body.emit(Inst::PushText { data }, 0, &[TEXT]);
            }
            Type::Bytes => {
                let data = BytesData(self.datum(|data| matches!(data, Data::Bytes(_))));
                self.body.emit(Inst::PushBytes { data }, 0, &[BYTES]);
            }
            Type::Any => {
                let inside = self.source.pick(INSIDE_ANY, INT);
                self.simple(inside);
                self.body.emit(Inst::ToAny { depth: Depth(0) }, 1, &[ANY]);
            }
            // Nobody can make a handle but the host.
            Type::Address | Type::Handle => self.body.emit(Inst::Self_ {}, 0, &[ADDRESS]),
            Type::Ref => self.body.emit(Inst::NewRef {}, 0, &[REF]),
            Type::TextBuilder => self.body.emit(Inst::TextBuilder {}, 0, &[TEXT_BUILDER]),
            Type::BytesBuilder => self.body.emit(Inst::BytesBuilder {}, 0, &[BYTES_BUILDER]),
            Type::Array(_) => {
                self.position();
                self.body.emit(Inst::ArrayNew { ty }, 1, &[ty]);
            }
            Type::Option(inner) => self.simple_option(ty, *inner),
            Type::List(element) => {
                self.body.emit(Inst::ListNew { ty }, 0, &[ty]);
                for _ in 0..self.source.below(4) {
                    self.body.emit(Inst::Dup {}, 1, &[ty, ty]);
                    self.simple(*element);
                    self.body.emit(Inst::ListPush {}, 2, &[]);
                }
            }
            Type::Map(key, value) => {
                self.body.emit(Inst::MapNew { ty }, 0, &[ty]);
                for _ in 0..self.source.below(3) {
                    self.body.emit(Inst::Dup {}, 1, &[ty, ty]);
                    self.simple_key(*key);
                    self.simple(*value);
                    self.body.emit(Inst::Set {}, 3, &[]);
                }
            }
            Type::Set(key) => {
                self.body.emit(Inst::MapNew { ty }, 0, &[ty]);
                for _ in 0..self.source.below(3) {
                    self.body.emit(Inst::Dup {}, 1, &[ty, ty]);
                    self.simple_key(*key);
                    self.body.emit(Inst::SetAdd {}, 2, &[BOOL]);
                    self.body.emit(Inst::Drop {}, 1, &[]);
                }
            }
            Type::Tuple(items) => {
                items.iter().for_each(|item| self.simple(*item));
                self.body.emit(Inst::New { ty }, items.len(), &[ty]);
            }
            Type::Record(_, fields) | Type::Object(_, fields) => {
                fields.iter().for_each(|field| self.simple(field.ty));
                self.body.emit(Inst::New { ty }, fields.len(), &[ty]);
            }
            Type::Sum(_, variants) => {
                let at = self.source.below(variants.len());
                let fields = &variants[at].fields;
                fields.iter().for_each(|field| self.simple(field.ty));
                self.body.emit(Inst::NewVariant { ty, variant: VariantIndex(at as u32) }, fields.len(), &[ty]);
            }
            Type::Function(..) => self.simple_function(ty),
        }
    }

    fn simple_option(&mut self, ty: TypeIndex, inner: TypeIndex) {
        if self.source.flip() {
            self.simple(inner);
            self.body.emit(Inst::Some { ty }, 1, &[ty]);
        } else {
            // A null is of type Null until it has gone through a local.
            let local = self.passing(ty);
            self.body.emit(Inst::PushNull {}, 0, &[NULL]);
            self.body.emit(Inst::Tee { local }, 1, &[ty]);
        }
    }

    /// A key; not one of those that trap where it is Any.
    fn simple_key(&mut self, ty: TypeIndex) {
        if ty == ANY {
            let inside = self.source.pick(&[INT, TEXT, KEY, NULL], INT);
            self.simple(inside);
            self.body.emit(Inst::ToAny { depth: Depth(0) }, 1, &[ANY]);
        } else {
            self.simple(ty);
        }
    }

    fn simple_function(&mut self, ty: TypeIndex) {
        let world = self.world;
        let plans = world.plans.iter().enumerate();
        let found: Vec<usize> = plans.filter(|(_, plan)| plan.value == Some(ty)).map(|(at, _)| at).collect();
        let at = self.source.pick(&found, 0);
        let plan = &world.plans[at];
        let function = FunctionIndex(at as u32);
        if plan.captures.is_empty() {
            self.body.emit(Inst::PushFunction { function }, 0, &[ty]);
        } else {
            plan.captures.iter().for_each(|captured| self.simple(*captured));
            self.body.emit(Inst::Closure { function }, plan.captures.len(), &[ty]);
        }
    }

    fn datum(&mut self, fits: impl Fn(&Data) -> bool) -> DataIndex {
        let found: Vec<u32> = (0..).zip(&self.world.data).filter(|(_, data)| fits(data)).map(|(at, _)| at).collect();
        DataIndex(self.source.pick(&found, 0))
    }

    /// Whether functions and fibers may be called and started here without the run growing beyond bounds.
    pub(super) fn may_call(&self) -> bool {
        self.plan.role != Role::Leaf
    }
}
