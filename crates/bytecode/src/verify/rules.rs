//! What each typing rule takes from the operand stack and leaves on it.
//!
//! A rule pops its operands from the top and numbers them from the deepest, as [`Rule::text`] writes them.
//!
//! **Invariant:** a rule that succeeds leaves exactly the types of the values that the instruction leaves.

use super::declarations::Signature;
use super::error::{Checked, ErrorCode, fault};
use super::pass::Pass;
use crate::index::{FunctionIndex, HostIndex, TargetIndex, TypeIndex};
use crate::isa::Rule;
use crate::system;
use crate::types::{
    ADDRESS, ANY, BOOL, BYTES, BYTES_BUILDER, FLOAT, INT, LIST_ANY, MAP_ANY_ANY, OPTION_INT, REF, Repr, TEXT, TEXT_BUILDER,
    Type,
};

impl<'m> Pass<'m> {
    /// Applies a rule.
    #[inline]
    pub(super) fn rule(&mut self, rule: Rule) -> Checked<()> {
        match rule {
            Rule::PushFunction => self.push_function(),
            Rule::Dup => {
                let ty = self.pop(0)?;
                self.push(ty)?;
                self.push(ty)
            }
            Rule::Drop => self.pop(0).map(|_| ()),
            Rule::Swap => {
                let (top, below) = (self.pop(1)?, self.pop(0)?);
                self.push(top)?;
                self.push(below)
            }
            Rule::Over => {
                let (top, below) = (self.pop(1)?, self.pop(0)?);
                self.push(below)?;
                self.push(top)?;
                self.push(below)
            }
            Rule::Load => self.load(),
            Rule::Store => self.store().map(|_| ()),
            Rule::Tee => {
                let ty = self.store()?;
                self.push(ty)
            }
            Rule::Arithmetic => self.arithmetic(),
            Rule::ArithmeticUnary => {
                let ty = self.pop_where(0, "Int, Float or Any", |ty, _| matches!(ty, INT | FLOAT | ANY))?;
                self.push(ty)
            }
            Rule::Bitwise => {
                let right = self.pop_where(1, "Int or Bool", |ty, _| matches!(ty, INT | BOOL))?;
                self.pop_as(right, 0)?;
                self.push(right)
            }
            Rule::Equality => self.equality(),
            Rule::Ordering => self.ordering(BOOL),
            Rule::Compare => self.ordering(INT),
            Rule::IsNull => {
                self.pop_where(0, "a value that can be null", |_, ty| ty.repr() == Repr::Word)?;
                self.push(BOOL)
            }
            Rule::Show => {
                self.pop(0)?;
                self.push(TEXT)
            }
            Rule::Jump => self.branch(TargetIndex(self.operands.indices[0])),
            Rule::JumpBool => {
                self.pop_as(BOOL, 0)?;
                self.branch(TargetIndex(self.operands.indices[0]))
            }
            Rule::JumpNull => self.jump_null(),
            Rule::Switch => self.switch(),
            Rule::Call => self.call(),
            Rule::TailCall => {
                let callee = self.uncaptured(0)?;
                self.pop_params(callee.params)?;
                self.returns(callee.result)
            }
            Rule::CallValue => {
                let (params, result) = self.pop_function_value()?;
                self.pop_params(params)?;
                self.push_result(result)
            }
            Rule::TailCallValue => {
                let (params, result) = self.pop_function_value()?;
                self.pop_params(params)?;
                self.returns(result)
            }
            Rule::Closure => self.closure(),
            Rule::Return => self.function.result.map_or(Ok(()), |result| self.pop_as(result, 0)),
            Rule::ToAny => self.mark_any(),
            Rule::Cast => {
                self.pop_as(ANY, 0)?;
                let (ty, _) = self.named_where("a type other than Any", |index, _| index != ANY)?;
                self.push(ty)
            }
            Rule::Is => {
                self.pop_as(ANY, 0)?;
                self.named()?;
                self.push(BOOL)
            }
            Rule::Some => {
                let (option, inner) = self.named_option()?;
                self.pop_as(inner, 0)?;
                self.push(option)
            }
            Rule::Unwrap => {
                let (option, inner) = self.named_option()?;
                self.pop_as(option, 0)?;
                self.push(inner)
            }
            Rule::New => self.new_value(),
            Rule::Field => {
                let (ty, field) = self.named_field()?;
                self.pop_as(ty, 0)?;
                self.push(field.ty)
            }
            Rule::With => {
                let (ty, field) = self.named_field()?;
                self.named_where("a tuple or record", |_, ty| matches!(ty, Type::Tuple(_) | Type::Record(..)))?;
                self.pop_as(field.ty, 1)?;
                self.pop_as(ty, 0)?;
                self.push(ty)
            }
            Rule::SetField => self.set_field(),
            Rule::NewVariant => {
                let (ty, fields) = self.named_variant()?;
                fields.iter().enumerate().rev().try_for_each(|(at, field)| self.pop_as(field.ty, at))?;
                self.push(ty)
            }
            Rule::Tag => {
                let (ty, _) = self.named_where("a sum type", |_, ty| matches!(ty, Type::Sum(..)))?;
                self.pop_as(ty, 0)?;
                self.push(INT)
            }
            Rule::Payload => {
                let (ty, field) = self.named_payload()?;
                self.pop_as(ty, 0)?;
                self.push(field)
            }
            Rule::Deliver => {
                let (ty, field) = self.named_field()?;
                self.pop_delivery(ty, field.ty)
            }
            Rule::DeliverVariant => {
                let (ty, field) = self.named_payload()?;
                self.pop_delivery(ty, field)
            }
            Rule::Len => {
                self.pop_where(0, "a Text, Bytes, array, List, Map, Set or builder", |_, ty| is_flat(ty) || is_growing(ty))?;
                self.push(INT)
            }
            Rule::ByteAt => {
                self.pop_as(INT, 1)?;
                self.pop_where(0, "Text or Bytes", |ty, _| is_string(ty))?;
                self.push(INT)
            }
            Rule::Concat => {
                let ty = self.pop_where(1, "Text or Bytes", |ty, _| is_string(ty))?;
                self.pop_as(ty, 0)?;
                self.push(ty)
            }
            Rule::Slice => {
                self.pop_as(INT, 2)?;
                self.pop_as(INT, 1)?;
                let ty =
                    self.pop_where(0, "a Text, Bytes, array or List", |_, ty| is_flat(ty) || matches!(ty, Type::List(_)))?;
                self.push(ty)
            }
            Rule::Find => {
                self.pop_as(INT, 2)?;
                let ty = self.pop_where(1, "Text or Bytes", |ty, _| is_string(ty))?;
                self.pop_as(ty, 0)?;
                self.push(OPTION_INT)
            }
            Rule::ListNew => {
                let (ty, _) = self.named_where("a List", |_, ty| matches!(ty, Type::List(_)))?;
                self.push(ty)
            }
            Rule::ListPush => {
                let value = self.pop(1)?;
                let element = self.pop_list(0)?;
                self.fits(1, value, element)
            }
            Rule::ListPop => {
                let element = self.pop_list(0)?;
                self.push(element)
            }
            Rule::Get => self.get(),
            Rule::Set => self.set(),
            Rule::ListInsert => {
                let value = self.pop(2)?;
                self.pop_as(INT, 1)?;
                let element = self.pop_list(0)?;
                self.fits(2, value, element)
            }
            Rule::ListRemove => {
                self.pop_as(INT, 1)?;
                let element = self.pop_list(0)?;
                self.push(element)
            }
            Rule::ListTruncate => {
                self.pop_as(INT, 1)?;
                self.pop_list(0).map(|_| ())
            }
            Rule::Append => {
                let list = self.pop_where(1, "a List", |_, ty| matches!(ty, Type::List(_)))?;
                self.pop_as(list, 0)
            }
            Rule::MapNew => {
                let (ty, _) = self.named_where("a Map or Set", |_, ty| matches!(ty, Type::Map(..) | Type::Set(_)))?;
                self.push(ty)
            }
            Rule::MapFind => {
                let key = self.pop(1)?;
                let value = self.pop_map_for(key)?;
                if value == ANY { self.push(ANY) } else { self.push_option_of(value) }
            }
            Rule::MapGetOr => {
                let (other, key) = (self.pop(2)?, self.pop(1)?);
                let value = self.pop_map_for(key)?;
                self.fits(2, other, value)?;
                self.push(value)
            }
            Rule::MapHas | Rule::MapRemove => {
                let key = self.pop(1)?;
                let wanted = self.pop_keyed()?;
                self.fits(1, key, wanted)?;
                self.push(BOOL)
            }
            Rule::MapSlot => {
                let (other, key) = (self.pop(2)?, self.pop(1)?);
                let value = self.pop_map_for(key)?;
                self.fits(2, other, value)?;
                self.push(INT)
            }
            Rule::MapNext => {
                self.pop_as(INT, 1)?;
                self.pop_keyed()?;
                self.push(INT)
            }
            Rule::MapKeyAt => {
                self.pop_as(INT, 1)?;
                let key = self.pop_keyed()?;
                self.push(key)
            }
            Rule::MapValueAt => {
                self.pop_as(INT, 1)?;
                let value = self.pop_map()?.1;
                self.push(value)
            }
            Rule::MapSetAt => {
                let other = self.pop(2)?;
                self.pop_as(INT, 1)?;
                let value = self.pop_map()?.1;
                self.fits(2, other, value)
            }
            Rule::Clear => self.pop_where(0, "a List, Map, Set or builder", |_, ty| is_growing(ty)).map(|_| ()),
            Rule::SetAdd => {
                let key = self.pop(1)?;
                let set = self.pop_where(0, "a Set", |_, ty| matches!(ty, Type::Set(_)))?;
                let wanted = if let Some(Type::Set(key)) = self.types.get(set) { *key } else { set };
                self.fits(1, key, wanted)?;
                self.push(BOOL)
            }
            Rule::ArrayNew => {
                let (ty, _) = self.named_where("an array", |_, ty| matches!(ty, Type::Array(_)))?;
                self.pop_as(INT, 0)?;
                self.push(ty)
            }
            Rule::Fill => self.fill(),
            Rule::CopyRange => self.copy_range(),
            Rule::Copy => {
                let ty = self.pop_where(0, "an array, List, Map, Set or object", |_, ty| {
                    matches!(ty, Type::Array(_) | Type::List(_) | Type::Map(..) | Type::Set(_) | Type::Object(..))
                })?;
                self.push(ty)
            }
            Rule::BuilderAdd => {
                let value = self.pop(1)?;
                let builder = self.pop_builder()?;
                self.fits(1, value, built(builder))
            }
            Rule::BuilderByte | Rule::BuilderInt => {
                self.pop_as(INT, 1)?;
                self.pop_builder().map(|_| ())
            }
            Rule::BuilderFinish => {
                let builder = self.pop_builder()?;
                self.push(built(builder))
            }
            Rule::CallHost => self.call_host(),
            Rule::Spawn => {
                let callee = self.uncaptured(0)?;
                self.pop_params(callee.params)?;
                self.push(ADDRESS)
            }
            Rule::SpawnOn => self.spawn_with(ANY),
            Rule::SpawnWith => self.spawn_with(MAP_ANY_ANY),
            Rule::Send => self.pop_message().map(|_| ()),
            Rule::SendStatus => {
                self.pop_message()?;
                self.push(BOOL)
            }
            Rule::Receive => {
                let (ty, _) = self.named()?;
                self.push(ty)
            }
            Rule::ReceiveUntil => {
                self.pop_as(INT, 0)?;
                let (ty, _) = self.named()?;
                self.push_option_of(ty)
            }
            Rule::RemoteCall => self.pop_request(),
            Rule::Register => {
                self.named()?;
                self.pop_as(ADDRESS, 1)?;
                self.pop_as(TEXT, 0)?;
                self.push(BOOL)
            }
            Rule::Whereis => {
                self.named()?;
                self.pop_as(TEXT, 0)?;
                self.push(ANY)
            }
            Rule::ClusterRegister => {
                self.named()?;
                self.pop_as(TEXT, 2)?;
                self.pop_as(ADDRESS, 1)?;
                self.pop_as(TEXT, 0)?;
                self.push(ANY)
            }
            Rule::GroupJoin => {
                self.named()?;
                self.pop_as(ADDRESS, 1)?;
                self.pop_as(TEXT, 0)?;
                self.push(ANY)
            }
            Rule::GroupMembers => {
                self.named()?;
                self.pop_as(TEXT, 0)?;
                self.push(LIST_ANY)
            }
            Rule::TimerStart => {
                self.pop_as(INT, 2)?;
                self.pop_message()?;
                self.push(REF)
            }
        }
    }

    // Locals.

    #[inline]
    fn load(&mut self) -> Checked<()> {
        let (local, ty) = self.local()?;
        if !self.assigned.contains(local) {
            return fault(ErrorCode::Unassigned, format!("local {local} is read, and is not assigned on every way to here"));
        }
        self.push(ty)
    }

    #[inline]
    fn store(&mut self) -> Checked<TypeIndex> {
        let (local, ty) = self.local()?;
        self.pop_as(ty, 0)?;
        self.assigned.insert(local);
        Ok(ty)
    }

    // Numbers and comparison.

    #[inline]
    fn arithmetic(&mut self) -> Checked<()> {
        let (right, left) = (self.pop(1)?, self.pop(0)?);
        match (left, right) {
            (INT, INT) => self.push(INT),
            (FLOAT, FLOAT) => self.push(FLOAT),
            (ANY, other) if self.is_word(other) => self.push(ANY),
            (other, ANY) if self.is_word(other) => self.push(ANY),
            (INT | FLOAT, _) => self.mismatch(1, right, &self.types.display(left)),
            (ANY, _) => self.mismatch(1, right, "Any"),
            _ => self.mismatch(0, left, "Int, Float or Any"),
        }
    }

    fn equality(&mut self) -> Checked<()> {
        let (right, left) = (self.pop(1)?, self.pop(0)?);
        if left == right || self.is_word(left) && self.is_word(right) {
            return self.push(BOOL);
        }
        let wanted =
            if self.is_word(left) { "a value that Any can hold as it is".to_owned() } else { self.types.display(left) };
        self.mismatch(1, right, &wanted)
    }

    fn ordering(&mut self, result: TypeIndex) -> Checked<()> {
        let (right, left) = (self.pop(1)?, self.pop(0)?);
        match (left, right) {
            (INT | FLOAT | BOOL | TEXT | BYTES | ANY, _) if left == right => self.push(result),
            (ANY, other) if self.is_word(other) => self.push(result),
            (other, ANY) if self.is_word(other) => self.push(result),
            (INT | FLOAT | BOOL | TEXT | BYTES | ANY, _) => self.mismatch(1, right, &self.types.display(left)),
            _ => self.mismatch(0, left, "Int, Float, Bool, Text, Bytes or Any"),
        }
    }

    #[inline]
    fn is_word(&self, ty: TypeIndex) -> bool {
        self.types.get(ty).is_some_and(|ty| ty.repr() == Repr::Word)
    }

    // Control.

    fn jump_null(&mut self) -> Checked<()> {
        let option = self.pop_where(0, "an Option or Any", |index, ty| index == ANY || matches!(ty, Type::Option(_)))?;
        self.branch(TargetIndex(self.operands.indices[0]))?;
        let inner = if let Some(Type::Option(inner)) = self.types.get(option) { *inner } else { ANY };
        self.push(inner)
    }

    fn switch(&mut self) -> Checked<()> {
        self.pop_as(INT, 0)?;
        // Each target costs a byte, so each one's look at the stack is counted.
        for target in self.operands.targets.iter() {
            self.cells.take(self.stack.len())?;
            self.branch(target)?;
        }
        Ok(())
    }

    fn call(&mut self) -> Checked<()> {
        let callee = self.uncaptured(0)?;
        self.pop_params(callee.params)?;
        self.push_result(callee.result)
    }

    fn call_host(&mut self) -> Checked<()> {
        let host = HostIndex(self.operands.indices[0]);
        let hosts = &self.module.hosts;
        let Some(host) = hosts.get(host.at()) else {
            return self.unknown("host function", host.0, hosts.len(), "the module");
        };
        self.pop_params(&host.params)?;
        self.push_result(host.result)
    }

    fn spawn_with(&mut self, last: TypeIndex) -> Checked<()> {
        let callee = self.uncaptured(0)?;
        self.pop_as(last, callee.params.len())?;
        self.pop_params(callee.params)?;
        self.push(ANY)
    }

    fn push_function(&mut self) -> Checked<()> {
        let callee = self.uncaptured(0)?;
        self.push_function_type(&callee)
    }

    fn closure(&mut self) -> Checked<()> {
        let callee = self.callee(0)?;
        if callee.captures.is_empty() {
            let detail = format!("function `{}` has no captured values, wanted one that has", callee.name.escape_debug());
            return fault(ErrorCode::NoCaptures, detail);
        }
        self.pop_params(callee.captures)?;
        self.push_function_type(&callee)
    }

    fn push_function_type(&mut self, callee: &Signature<'_>) -> Checked<()> {
        match self.tables.function_type(FunctionIndex(self.operands.indices[0])) {
            Some(ty) => self.push(ty),
            None => {
                let name = callee.name.escape_debug();
                fault(ErrorCode::MissingType, format!("the type of function `{name}` as a value is not declared"))
            }
        }
    }

    #[inline]
    fn pop_params(&mut self, params: &[TypeIndex]) -> Checked<()> {
        params.iter().enumerate().rev().try_for_each(|(at, ty)| self.pop_as(*ty, at))
    }

    #[inline]
    fn push_result(&mut self, result: Option<TypeIndex>) -> Checked<()> {
        result.map_or(Ok(()), |ty| self.push(ty))
    }

    /// Checks that a callee's result can be this function's.
    fn returns(&self, result: Option<TypeIndex>) -> Checked<()> {
        let fits = match (result, self.function.result) {
            (Some(seen), Some(wanted)) => self.types.assignable(seen, wanted),
            (seen, wanted) => seen == wanted,
        };
        if fits {
            return Ok(());
        }
        let name = |ty: Option<TypeIndex>| ty.map_or_else(|| "nothing".to_owned(), |ty| self.types.display(ty));
        let detail = format!("the callee returns {}, this function {}", name(result), name(self.function.result));
        fault(ErrorCode::ResultType, detail)
    }

    fn pop_function_value(&mut self) -> Checked<(&'m [TypeIndex], Option<TypeIndex>)> {
        let (index, ty) = self.named()?;
        let Type::Function(params, result) = ty else { return self.wrong_kind(index, "a function type") };
        self.pop_as(index, params.len())?;
        Ok((params, *result))
    }

    // Values of a kind.

    /// Pops an operand that `is` what is wanted.
    #[inline]
    fn pop_where(&mut self, at: usize, wanted: &str, is: impl Fn(TypeIndex, &Type) -> bool) -> Checked<TypeIndex> {
        let seen = self.pop(at)?;
        if self.types.get(seen).is_some_and(|ty| is(seen, ty)) { Ok(seen) } else { self.mismatch(at, seen, wanted) }
    }

    #[inline]
    fn fits(&self, at: usize, seen: TypeIndex, wanted: TypeIndex) -> Checked<()> {
        if self.types.assignable(seen, wanted) { Ok(()) } else { self.mismatch(at, seen, &self.types.display(wanted)) }
    }

    fn pop_list(&mut self, at: usize) -> Checked<TypeIndex> {
        let seen = self.pop(at)?;
        if let Some(Type::List(element)) = self.types.get(seen) { Ok(*element) } else { self.mismatch(at, seen, "a List") }
    }

    fn pop_map(&mut self) -> Checked<(TypeIndex, TypeIndex)> {
        let seen = self.pop(0)?;
        if let Some(Type::Map(key, value)) = self.types.get(seen) {
            Ok((*key, *value))
        } else {
            self.mismatch(0, seen, "a Map")
        }
    }

    /// Pops the map that a key, popped before it, is for; gives the type of its values.
    fn pop_map_for(&mut self, key: TypeIndex) -> Checked<TypeIndex> {
        let (wanted, value) = self.pop_map()?;
        self.fits(1, key, wanted)?;
        Ok(value)
    }

    /// Pops a map or set; gives the type of its keys.
    fn pop_keyed(&mut self) -> Checked<TypeIndex> {
        let seen = self.pop(0)?;
        if let Some(Type::Map(key, _) | Type::Set(key)) = self.types.get(seen) {
            Ok(*key)
        } else {
            self.mismatch(0, seen, "a Map or Set")
        }
    }

    fn pop_builder(&mut self) -> Checked<TypeIndex> {
        self.pop_where(0, "a builder", |ty, _| matches!(ty, TEXT_BUILDER | BYTES_BUILDER))
    }

    fn push_option_of(&mut self, inner: TypeIndex) -> Checked<()> {
        match self.tables.option_of(inner) {
            Some(option) => self.push(option),
            None => fault(ErrorCode::MissingType, format!("the type Option<{}> is not declared", self.types.display(inner))),
        }
    }

    // Conversion, fields and elements.

    fn mark_any(&mut self) -> Checked<()> {
        let depth = self.operands.indices[0] as usize;
        let height = self.stack.len();
        let Some(at) = height.checked_sub(depth).and_then(|above| above.checked_sub(1)) else {
            return fault(
                ErrorCode::StackUnderflow,
                format!("the operand {depth} below the top is missing, there are {height}"),
            );
        };
        self.stack.get_mut(at).into_iter().for_each(|slot| *slot = ANY);
        Ok(())
    }

    fn new_value(&mut self) -> Checked<()> {
        let (index, ty) = self.named()?;
        if let Type::Tuple(items) = ty {
            self.pop_params(items)?;
        } else if let Type::Record(_, fields) | Type::Object(_, fields) = ty {
            fields.iter().enumerate().rev().try_for_each(|(at, field)| self.pop_as(field.ty, at))?;
        } else {
            return self.wrong_kind(index, "a tuple, record or object");
        }
        self.push(index)
    }

    fn set_field(&mut self) -> Checked<()> {
        let (ty, field) = self.named_field()?;
        self.named_where("an object", |_, ty| matches!(ty, Type::Object(..)))?;
        if !field.mutable {
            let detail = format!("field {} of {} is not mutable", self.operands.indices[1], self.types.display(ty));
            return fault(ErrorCode::Immutable, detail);
        }
        self.pop_as(field.ty, 1)?;
        self.pop_as(ty, 0)
    }

    fn get(&mut self) -> Checked<()> {
        let (key, container) = (self.pop(1)?, self.pop(0)?);
        let (wanted, element) = self.element(container)?;
        self.fits(1, key, wanted)?;
        self.push(element)
    }

    fn set(&mut self) -> Checked<()> {
        let (value, key, container) = (self.pop(2)?, self.pop(1)?, self.pop(0)?);
        let (wanted, element) = self.element(container)?;
        self.fits(1, key, wanted)?;
        self.fits(2, value, element)
    }

    /// What a container is indexed by, and what it holds.
    fn element(&self, container: TypeIndex) -> Checked<(TypeIndex, TypeIndex)> {
        let ty = self.types.get(container);
        if let Some(Type::List(element)) = ty {
            Ok((INT, *element))
        } else if let Some(Type::Array(element)) = ty {
            Ok((INT, element.slot()))
        } else if let Some(Type::Map(key, value)) = ty {
            Ok((*key, *value))
        } else {
            self.mismatch(0, container, "a List, array or Map")
        }
    }

    fn fill(&mut self) -> Checked<()> {
        self.pop_as(INT, 3)?;
        self.pop_as(INT, 2)?;
        let (value, array) = (self.pop(1)?, self.pop(0)?);
        let Some(Type::Array(element)) = self.types.get(array) else { return self.mismatch(0, array, "an array") };
        self.fits(1, value, element.slot())
    }

    fn copy_range(&mut self) -> Checked<()> {
        self.pop_as(INT, 4)?;
        self.pop_as(INT, 3)?;
        let source = self.pop_where(2, "an array or List", |_, ty| matches!(ty, Type::Array(_) | Type::List(_)))?;
        self.pop_as(INT, 1)?;
        self.pop_as(source, 0)
    }

    fn pop_message(&mut self) -> Checked<()> {
        let (ty, _) = self.named()?;
        self.pop_as(ADDRESS, 1)?;
        self.pop_as(ty, 0)
    }

    /// A message, the token of its reply, and who is asked.
    fn pop_request(&mut self) -> Checked<()> {
        let (ty, _) = self.named()?;
        self.pop_as(ADDRESS, 2)?;
        self.pop_as(REF, 1)?;
        self.pop_as(ty, 0)
    }

    /// A message with an answer in a field, the token of the request, and a time.
    fn pop_delivery(&mut self, ty: TypeIndex, field: TypeIndex) -> Checked<()> {
        if system::answer(|index| self.types.get(index), field).is_none() {
            let seen = self.types.display(field);
            return fault(ErrorCode::TypeKind, format!("the named field is {seen}, wanted an answer"));
        }
        self.pop_as(INT, 2)?;
        self.pop_as(REF, 1)?;
        self.pop_as(ty, 0)
    }
}

fn is_string(ty: TypeIndex) -> bool {
    matches!(ty, TEXT | BYTES)
}

fn is_flat(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Bytes | Type::Array(_))
}

fn is_growing(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(..) | Type::Set(_) | Type::TextBuilder | Type::BytesBuilder)
}

/// What a builder gives.
fn built(builder: TypeIndex) -> TypeIndex {
    if builder == TEXT_BUILDER { TEXT } else { BYTES }
}
