//! One use of an instruction: operands that its rule takes, and the instruction.
//!
//! **Invariant:** where a type is wanted, exactly one value of that type is left.

use super::world::{FN_ANY, FN_INT, FN_NONE, HELPERS_CALLED, INSIDE_ANY, KEY, Maker, Role, SET_INT, SET_KEY, SHOWN};
use crate::index::{FieldIndex, FunctionIndex, HostIndex, TypeIndex, VariantIndex};
use crate::isa::{AnyOperand, ENDS, Effect, Inst, Opcode, Rule};
use crate::operand::Depth;
use crate::types::*;

/// Instructions that would send to anybody, wait for what may not come, or show in which order fibers ran: what a
/// program prints must not depend on that.
pub(super) const NOWHERE: &[Opcode] = &[
    Opcode::SpawnOn,
    Opcode::SpawnWith,
    Opcode::TrySend,
    Opcode::AwaitRecv,
    Opcode::AwaitRecvUntil,
    Opcode::AwaitType,
    Opcode::AwaitTypeUntil,
    Opcode::SelectFrom,
    Opcode::SelectPeek,
    Opcode::SelectPeekUntil,
    Opcode::SelectTake,
    Opcode::SelectNext,
    Opcode::Poll,
    Opcode::RemoteCall,
    Opcode::Deliver,
    Opcode::DeliverVariant,
    Opcode::AwaitReply,
    Opcode::Reply,
    Opcode::BarrierNew,
    Opcode::Barrier,
    Opcode::Wait,
    Opcode::Link,
    Opcode::Unlink,
    Opcode::Monitor,
    Opcode::Demonitor,
    Opcode::ExitOther,
    Opcode::TrapExits,
    Opcode::Register,
    Opcode::Unregister,
    Opcode::Whereis,
    Opcode::ClusterRegister,
    Opcode::ClusterUnregister,
    Opcode::ClusterWhereis,
    Opcode::GroupJoin,
    Opcode::GroupLeave,
    Opcode::GroupMembers,
    Opcode::Nodes,
    Opcode::NodeLabels,
    Opcode::WatchNodes,
    Opcode::TimerOnce,
    Opcode::TimerEvery,
    Opcode::TimerCancel,
];

const ORDERED: &[TypeIndex] = &[INT, FLOAT, BOOL, TEXT, BYTES, ANY];

/// Each builder with what it builds.
const BUILDERS: &[(TypeIndex, TypeIndex)] = &[(TEXT_BUILDER, TEXT), (BYTES_BUILDER, BYTES)];

/// Elements kept when a list may have doubled.
const LIST_KEPT: i64 = 40;

/// An operand to make.
enum Arg {
    /// Of exactly this type.
    Exact(TypeIndex),
    /// Of a type that may stand for it.
    Loose(TypeIndex),
    /// A small Int.
    Position,
}

use Arg::{Exact, Loose, Position};

impl Maker<'_, '_, '_> {
    /// Uses an instruction, if it can be used anywhere.
    pub(super) fn apply(&mut self, opcode: Opcode, want: Option<TypeIndex>, depth: usize) {
        let info = opcode.info();
        if NOWHERE.contains(&opcode) {
            return;
        }
        match info.effect {
            Effect::Fixed(..) if info.effects.has(ENDS) => self.ending(opcode, depth),
            Effect::Fixed(pops, pushes) if info.operands.is_empty() => {
                pops.iter().for_each(|ty| self.loose(*ty, depth));
                self.emit(opcode, &[], pops.len(), pushes);
            }
            // A constant.
            Effect::Fixed(_, pushes) => pushes.iter().for_each(|ty| self.simple(*ty)),
            Effect::Rule(rule) => self.by_rule(opcode, rule, want, depth),
        }
    }

    fn emit(&mut self, opcode: Opcode, operands: &[AnyOperand<'static>], pops: usize, pushes: &[TypeIndex]) {
        if let Some(inst) = Inst::from_operands(opcode, operands) {
            self.body.emit(inst, pops, pushes);
        }
    }

    /// Makes operands and uses an instruction without operands of its own on them.
    fn on(&mut self, opcode: Opcode, args: &[Arg], depth: usize, pushes: &[TypeIndex]) {
        for arg in args {
            match arg {
                Exact(ty) => self.value(*ty, depth),
                Loose(ty) => self.loose(*ty, depth),
                Position => self.position(),
            }
        }
        self.emit(opcode, &[], args.len(), pushes);
    }

    /// Panics, raises: on one of two ways, and with somebody to handle it.
    fn ending(&mut self, opcode: Opcode, depth: usize) {
        if self.handled == 0 || opcode == Opcode::Exit {
            return;
        }
        let on = self.body.label();
        self.value(BOOL, depth);
        self.body.jump(Opcode::JmpUnless, on);
        let texts = if opcode == Opcode::Raise { 2 } else { 1 };
        (0..texts).for_each(|_| self.value(TEXT, depth));
        self.emit(opcode, &[], texts, &[]);
        self.body.place(on);
    }

    fn by_rule(&mut self, opcode: Opcode, rule: Rule, want: Option<TypeIndex>, depth: usize) {
        match rule {
            Rule::PushFunction | Rule::Closure => {
                let ty = self.source.pick(&[FN_INT, FN_ANY, FN_NONE], FN_INT);
                self.simple(ty);
            }
            Rule::Dup => self.shuffle(opcode, 1, depth, |types| [types, types].concat()),
            Rule::Drop => self.shuffle(opcode, 1, depth, |_| Vec::new()),
            Rule::Swap => self.shuffle(opcode, 2, depth, |types| types.iter().rev().copied().collect()),
            Rule::Over => self.shuffle(opcode, 2, depth, |types| [types, &types[..1]].concat()),
            Rule::Load | Rule::Store | Rule::Tee => self.variable_use(rule, depth),
            Rule::Arithmetic => {
                let ty = want.unwrap_or_else(|| self.source.pick(&[INT, FLOAT, ANY], INT));
                let right = if ty == INT && self.source.flip() { Position } else { Exact(ty) };
                self.on(opcode, &[Exact(ty), right], depth, &[ty]);
            }
            Rule::ArithmeticUnary => {
                let ty = want.unwrap_or_else(|| self.source.pick(&[INT, FLOAT, ANY], INT));
                self.on(opcode, &[Exact(ty)], depth, &[ty]);
            }
            Rule::Bitwise => {
                let ty = want.unwrap_or_else(|| self.source.pick(&[INT, BOOL], INT));
                self.on(opcode, &[Exact(ty), Exact(ty)], depth, &[ty]);
            }
            Rule::Equality => {
                let (left, word) = (self.any_type(), self.type_where(|_, ty| ty.repr() == Repr::Word));
                let both = self.source.flip() && self.world.types.get(left).is_some_and(|ty| ty.repr() == Repr::Word);
                self.on(opcode, &[Exact(left), Exact(if both { word } else { left })], depth, &[BOOL]);
            }
            Rule::Ordering | Rule::Compare => {
                let ty = self.source.pick(ORDERED, INT);
                self.on(opcode, &[Exact(ty), Loose(ty)], depth, &[if rule == Rule::Compare { INT } else { BOOL }]);
            }
            Rule::IsNull => {
                let ty = self.type_where(|_, ty| ty.repr() == Repr::Word);
                self.on(opcode, &[Exact(ty)], depth, &[BOOL]);
            }
            Rule::Show => {
                let ty = self.source.pick(SHOWN, INT);
                self.on(opcode, &[Exact(ty)], depth, &[TEXT]);
            }
            Rule::Jump | Rule::JumpBool => self.if_else(INT, depth),
            Rule::JumpNull => self.unless_null(INT, depth),
            Rule::Switch => self.by_switch(INT, depth),
            Rule::Call => self.call(),
            Rule::CallValue => self.call_value(depth),
            // Only the end of a function has a place for these.
            Rule::TailCall | Rule::TailCallValue | Rule::Return => {}
            Rule::ToAny => {
                let (marked, above) = (self.source.pick(INSIDE_ANY, INT), self.any_type());
                self.value(marked, depth);
                self.value(above, depth);
                self.emit(opcode, &[Depth(1).into()], 2, &[ANY, above]);
            }
            Rule::Cast | Rule::Is => {
                let ty = self.type_where(|index, _| index != ANY);
                self.loose(ANY, depth);
                self.emit(opcode, &[ty.into()], 1, &[if rule == Rule::Is { BOOL } else { ty }]);
            }
            Rule::Some | Rule::Unwrap => {
                let option = self.type_where(|_, ty| matches!(ty, Type::Option(_)));
                let Some(Type::Option(inner)) = self.world.types.get(option) else { return };
                let (from, to) = if rule == Rule::Some { (*inner, option) } else { (option, *inner) };
                self.loose(from, depth);
                self.emit(opcode, &[option.into()], 1, &[to]);
            }
            Rule::New => {
                let ty = self.type_where(|_, ty| matches!(ty, Type::Tuple(_) | Type::Record(..) | Type::Object(..)));
                let fields = self.fields(ty);
                fields.iter().for_each(|field| self.loose(*field, depth));
                self.emit(opcode, &[ty.into()], fields.len(), &[ty]);
            }
            Rule::Field => {
                let ty = self.type_where(|_, ty| matches!(ty, Type::Tuple(_) | Type::Record(..) | Type::Object(..)));
                self.value(ty, depth);
                let (at, field) = self.some_field(ty);
                self.emit(opcode, &[ty.into(), at.into()], 1, &[field]);
            }
            Rule::With => {
                let ty = self.type_where(|_, ty| matches!(ty, Type::Tuple(_) | Type::Record(..)));
                self.value(ty, depth);
                let (at, field) = self.some_field(ty);
                self.loose(field, depth);
                self.emit(opcode, &[ty.into(), at.into()], 2, &[ty]);
            }
            Rule::SetField => self.set_field(opcode, depth),
            Rule::NewVariant | Rule::Tag | Rule::Payload => self.variant(opcode, rule, depth),
            Rule::Len => {
                let ty = self.type_where(|_, ty| is_string(ty) || is_array(ty) || is_growing(ty));
                self.on(opcode, &[Exact(ty)], depth, &[INT]);
            }
            Rule::ByteAt => {
                let ty = self.source.pick(&[TEXT, BYTES], TEXT);
                self.on(opcode, &[Exact(ty), Position], depth, &[INT]);
            }
            Rule::Concat => {
                let ty = want.unwrap_or_else(|| self.source.pick(&[TEXT, BYTES], TEXT));
                self.on(opcode, &[Exact(ty), Exact(ty)], depth, &[ty]);
            }
            Rule::Slice => {
                let sliced = |ty: &Type| is_string(ty) || is_array(ty) || is_list(ty);
                let ty = want.unwrap_or_else(|| self.type_where(|_, ty| sliced(ty)));
                self.on(opcode, &[Exact(ty), Position, Position], depth, &[ty]);
            }
            Rule::Find => {
                let ty = self.source.pick(&[TEXT, BYTES], TEXT);
                self.on(opcode, &[Exact(ty), Exact(ty), Position], depth, &[OPTION_INT]);
            }
            Rule::ListNew => {
                let (ty, _) = self.some_list();
                self.emit(opcode, &[ty.into()], 0, &[ty]);
            }
            Rule::ListPush => {
                let (ty, element) = self.some_list();
                self.on(opcode, &[Exact(ty), Loose(element)], depth, &[]);
            }
            Rule::ListPop => {
                let (ty, element) = self.some_list();
                self.on(opcode, &[Exact(ty)], depth, &[element]);
            }
            Rule::ListInsert => {
                let (ty, element) = self.some_list();
                self.on(opcode, &[Exact(ty), Position, Loose(element)], depth, &[]);
            }
            Rule::ListRemove => {
                let (ty, element) = self.some_list();
                self.on(opcode, &[Exact(ty), Position], depth, &[element]);
            }
            Rule::ListTruncate => {
                let (ty, _) = self.some_list();
                self.on(opcode, &[Exact(ty), Position], depth, &[]);
            }
            Rule::Append => self.append(opcode, depth),
            Rule::Get | Rule::Set => self.element(opcode, rule, want, depth),
            Rule::MapNew => {
                let (ty, _) = self.some_keyed();
                self.emit(opcode, &[ty.into()], 0, &[ty]);
            }
            Rule::MapFind => {
                let (map, key, value) = self.some_map(want);
                let option = if value == ANY { ANY } else { self.world.types.find(&Type::Option(value)).unwrap_or(ANY) };
                self.on(opcode, &[Exact(map), Loose(key)], depth, &[option]);
            }
            Rule::MapGetOr => {
                let (map, key, value) = self.some_map(want);
                self.on(opcode, &[Exact(map), Loose(key), Loose(value)], depth, &[value]);
            }
            Rule::MapHas | Rule::MapRemove => {
                let (ty, key) = self.some_keyed();
                self.on(opcode, &[Exact(ty), Loose(key)], depth, &[BOOL]);
            }
            Rule::MapSlot => {
                let (map, key, value) = self.some_map(None);
                self.on(opcode, &[Exact(map), Loose(key), Loose(value)], depth, &[INT]);
            }
            Rule::MapNext => {
                let (ty, _) = self.some_keyed();
                self.on(opcode, &[Exact(ty), Position], depth, &[INT]);
            }
            Rule::MapKeyAt => {
                let (ty, key) = self.some_keyed();
                self.on(opcode, &[Exact(ty), Position], depth, &[key]);
            }
            Rule::MapValueAt => {
                let (map, _, value) = self.some_map(None);
                self.on(opcode, &[Exact(map), Position], depth, &[value]);
            }
            Rule::MapSetAt => {
                let (map, _, value) = self.some_map(None);
                self.on(opcode, &[Exact(map), Position, Loose(value)], depth, &[]);
            }
            Rule::Clear => {
                let ty = self.type_where(|_, ty| is_growing(ty));
                self.on(opcode, &[Exact(ty)], depth, &[]);
            }
            Rule::SetAdd => {
                let (set, key) = self.source.pick(&[(SET_INT, INT), (SET_KEY, KEY)], (SET_INT, INT));
                self.on(opcode, &[Exact(set), Exact(key)], depth, &[BOOL]);
            }
            Rule::ArrayNew => {
                let ty = self.type_where(|_, ty| is_array(ty));
                self.position();
                self.emit(opcode, &[ty.into()], 1, &[ty]);
            }
            Rule::Fill => {
                let ty = self.type_where(|_, ty| is_array(ty));
                let Some(Type::Array(element)) = self.world.types.get(ty) else { return };
                self.on(opcode, &[Exact(ty), Exact(element.slot()), Position, Position], depth, &[]);
            }
            Rule::CopyRange => {
                let ty = self.type_where(|_, ty| is_array(ty) || is_list(ty));
                self.on(opcode, &[Exact(ty), Position, Exact(ty), Position, Position], depth, &[]);
            }
            Rule::Copy => {
                let copied = |ty: &Type| {
                    is_array(ty) || matches!(ty, Type::List(_) | Type::Map(..) | Type::Set(_) | Type::Object(..))
                };
                let ty = want.unwrap_or_else(|| self.type_where(|_, ty| copied(ty)));
                self.on(opcode, &[Exact(ty)], depth, &[ty]);
            }
            Rule::BuilderAdd => {
                let (builder, built) = self.source.pick(BUILDERS, (TEXT_BUILDER, TEXT));
                self.on(opcode, &[Exact(builder), Exact(built)], depth, &[]);
            }
            Rule::BuilderByte | Rule::BuilderInt => {
                let (builder, _) = self.source.pick(BUILDERS, (TEXT_BUILDER, TEXT));
                self.on(opcode, &[Exact(builder), Exact(INT)], depth, &[]);
            }
            Rule::BuilderFinish => {
                let any = self.source.pick(BUILDERS, (TEXT_BUILDER, TEXT));
                let (builder, built) = BUILDERS.iter().find(|(_, built)| want == Some(*built)).copied().unwrap_or(any);
                self.on(opcode, &[Exact(builder)], depth, &[built]);
            }
            Rule::CallHost => self.print(depth),
            Rule::Spawn => self.spawn_leaf(depth),
            // Messages follow a plan; of the others what is printed would depend on who ran first.
            Rule::SpawnOn
            | Rule::SpawnWith
            | Rule::Send
            | Rule::SendStatus
            | Rule::Receive
            | Rule::ReceiveUntil
            | Rule::RemoteCall
            | Rule::Deliver
            | Rule::DeliverVariant
            | Rule::Register
            | Rule::Whereis
            | Rule::ClusterRegister
            | Rule::GroupJoin
            | Rule::GroupMembers
            | Rule::TimerStart => {}
        }
    }

    /// Makes values of any types and moves them about.
    fn shuffle(&mut self, opcode: Opcode, count: usize, depth: usize, after: fn(&[TypeIndex]) -> Vec<TypeIndex>) {
        let types: Vec<TypeIndex> = (0..count).map(|_| self.any_type()).collect();
        types.iter().for_each(|ty| self.value(*ty, depth));
        self.emit(opcode, &[], count, &after(&types));
    }

    fn variable_use(&mut self, rule: Rule, depth: usize) {
        let at = self.source.below(self.variables.len());
        let Some(local) = self.variables.get(at).copied() else { return };
        let ty = self.locals[local.at()];
        if rule == Rule::Load {
            self.body.emit(Inst::Load { local }, 0, &[ty]);
            return;
        }
        self.loose(ty, depth);
        self.cut(ty);
        self.body.emit(Inst::Tee { local }, 1, &[ty]);
    }

    fn fields(&self, ty: TypeIndex) -> Vec<TypeIndex> {
        let mut fields = Vec::new();
        self.world.types.get(ty).into_iter().for_each(|ty| ty.components(|field| fields.push(field)));
        fields
    }

    fn some_field(&mut self, ty: TypeIndex) -> (FieldIndex, TypeIndex) {
        let fields = self.fields(ty);
        let at = self.source.below(fields.len());
        (FieldIndex(at as u32), fields[at])
    }

    fn set_field(&mut self, opcode: Opcode, depth: usize) {
        let ty = self.type_where(|_, ty| matches!(ty, Type::Object(..)));
        let Some(Type::Object(_, fields)) = self.world.types.get(ty) else { return };
        let mutable: Vec<usize> = (0..fields.len()).filter(|at| fields[*at].mutable).collect();
        let at = self.source.pick(&mutable, 0);
        self.value(ty, depth);
        self.loose(fields[at].ty, depth);
        self.emit(opcode, &[ty.into(), FieldIndex(at as u32).into()], 2, &[]);
    }

    fn variant(&mut self, opcode: Opcode, rule: Rule, depth: usize) {
        let ty = self.type_where(|_, ty| matches!(ty, Type::Sum(..)));
        let world = self.world;
        let Some(Type::Sum(_, variants)) = world.types.get(ty) else { return };
        let at = self.source.below(variants.len());
        let (fields, operand) = (&variants[at].fields, AnyOperand::from(VariantIndex(at as u32)));
        if rule == Rule::NewVariant {
            fields.iter().for_each(|field| self.loose(field.ty, depth));
            self.emit(opcode, &[ty.into(), operand], fields.len(), &[ty]);
            return;
        }
        self.value(ty, depth);
        if let Some(field) = fields.first().filter(|_| rule == Rule::Payload) {
            self.emit(opcode, &[ty.into(), operand, FieldIndex(0).into()], 1, &[field.ty]);
        } else if rule == Rule::Tag {
            self.emit(opcode, &[ty.into()], 1, &[INT]);
        }
    }

    fn some_list(&mut self) -> (TypeIndex, TypeIndex) {
        let ty = self.type_where(|_, ty| is_list(ty));
        if let Some(Type::List(element)) = self.world.types.get(ty) { (ty, *element) } else { (LIST_INT, INT) }
    }

    /// One list behind another, which may be itself: so the result is cut.
    fn append(&mut self, opcode: Opcode, depth: usize) {
        let (ty, _) = self.some_list();
        self.value(ty, depth);
        self.body.emit(Inst::Dup {}, 1, &[ty, ty]);
        self.value(ty, depth);
        self.emit(opcode, &[], 2, &[]);
        self.body.emit(Inst::PushInt { value: LIST_KEPT }, 0, &[INT]);
        self.body.emit(Inst::ListTruncate {}, 2, &[]);
    }

    fn element(&mut self, opcode: Opcode, rule: Rule, want: Option<TypeIndex>, depth: usize) {
        let wanted = |ty: TypeIndex| want.is_none_or(|want| want == ty);
        let container = self.type_where(|_, ty| entry(ty).is_some_and(|(_, value)| wanted(value)));
        let Some((key, element)) = self.world.types.get(container).and_then(entry) else { return };
        let key = key.map_or(Position, Loose);
        if rule == Rule::Get {
            self.on(opcode, &[Exact(container), key], depth, &[element]);
        } else {
            self.on(opcode, &[Exact(container), key, Loose(element)], depth, &[]);
        }
    }

    /// A map, with keys and values; of the wanted values, if some are.
    fn some_map(&mut self, want: Option<TypeIndex>) -> (TypeIndex, TypeIndex, TypeIndex) {
        let ty = self.type_where(|_, ty| matches!(ty, Type::Map(_, value) if want.is_none_or(|want| want == *value)));
        if let Some(Type::Map(key, value)) = self.world.types.get(ty) {
            (ty, *key, *value)
        } else {
            (MAP_TEXT_INT, TEXT, INT)
        }
    }

    /// A map or set, and its keys.
    fn some_keyed(&mut self) -> (TypeIndex, TypeIndex) {
        let ty = self.type_where(|_, ty| matches!(ty, Type::Map(..) | Type::Set(_)));
        if let Some(Type::Map(key, _) | Type::Set(key)) = self.world.types.get(ty) { (ty, *key) } else { (SET_INT, INT) }
    }

    fn call(&mut self) {
        let callable = self.world.callable(self.at, self.loops > 0 || self.helpers_called >= HELPERS_CALLED);
        if let Some(function) = callable.get(self.source.below(callable.len())) {
            self.call_function(*function);
        }
    }

    /// A call with new arguments.
    pub(super) fn call_function(&mut self, function: FunctionIndex) {
        let plan = &self.world.plans[function.at()];
        self.helpers_called += usize::from(plan.role == Role::Helper);
        plan.params.iter().for_each(|param| self.loose(*param, 1));
        let result: Vec<TypeIndex> = plan.result.into_iter().collect();
        self.body.emit(Inst::Call { function }, plan.params.len(), &result);
    }

    fn call_value(&mut self, depth: usize) {
        if !self.may_call() {
            return;
        }
        let ty = self.source.pick(&[FN_INT, FN_ANY, FN_NONE], FN_INT);
        let world = self.world;
        let Some(Type::Function(params, result)) = world.types.get(ty) else { return };
        params.iter().for_each(|param| self.loose(*param, depth));
        self.value(ty, depth);
        let result: Vec<TypeIndex> = result.iter().copied().collect();
        self.body.emit(Inst::CallValue { ty }, params.len() + 1, &result);
    }

    /// Prints a value where printing is allowed.
    pub(super) fn print(&mut self, depth: usize) {
        let ty = self.source.pick(SHOWN, INT);
        self.value(ty, depth);
        self.print_top(ty);
    }

    /// Prints the value on top, or drops it.
    pub(super) fn print_top(&mut self, ty: TypeIndex) {
        if !self.prints() || !SHOWN.contains(&ty) {
            self.body.emit(Inst::Drop {}, 1, &[]);
            return;
        }
        if ty != TEXT {
            self.body.emit(Inst::Show {}, 1, &[TEXT]);
        }
        self.body.emit(Inst::CallHost { host: HostIndex(0) }, 1, &[]);
    }
}

/// What a container is indexed by, unless that is a position, and what it holds.
fn entry(container: &Type) -> Option<(Option<TypeIndex>, TypeIndex)> {
    if let Type::List(element) = container {
        Some((None, *element))
    } else if let Type::Array(element) = container {
        Some((None, element.slot()))
    } else if let Type::Map(key, value) = container {
        Some((Some(*key), *value))
    } else {
        None
    }
}

fn is_string(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Bytes)
}

fn is_array(ty: &Type) -> bool {
    matches!(ty, Type::Array(_))
}

fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::List(_))
}

fn is_growing(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(..) | Type::Set(_) | Type::TextBuilder | Type::BytesBuilder)
}
