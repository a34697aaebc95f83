//! What each instruction does to a known operand stack: which types it wants there and which it leaves.
//!
//! Where a row of the instruction set states a fixed effect nothing is to be done here; a rule has one place in
//! [`Typing::rule`]. The verifier decides on its own whether the outcome holds.
//!
//! **Invariant:** given the same stack, the outcome is the same; a wider stack never gives a narrower one.

use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::isa::{Effect, Rule};
use fardel_bytecode::system;
use fardel_bytecode::types::{self, ADDRESS, ANY, BOOL, BYTES, FLOAT, Field, INT, NULL, REF, Repr, TEXT, Type};

use crate::ir::Ir;
use crate::scope::Signature;
use crate::type_pool::TypePool;

/// Why an instruction does not work on a stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The stack has fewer operands.
    Underflow { wanted: usize },
    /// The operand that is `depth` below the top is none of `wanted`.
    Operand { depth: usize, wanted: &'static str },
    /// The two topmost operands are of types that do not go together.
    Pair,
    /// The type that the instruction names is not `wanted`.
    Shape { wanted: &'static str },
    /// The type was left out, and the operand `depth` below the top is not `wanted`.
    CannotInfer { depth: usize, wanted: &'static str },
    /// The function has captured values, or has none where some are wanted.
    Captures { wanted: bool },
    /// The field does not change.
    Immutable,
    /// A tail call's result is not the function's.
    Result { found: Option<TypeIndex> },
    /// A type that is needed is nested too deeply.
    TooDeep,
    /// What is wrong has been told elsewhere.
    Told,
}

/// The surroundings of an instruction, and its outcome.
pub(crate) struct Typing<'t, 'a> {
    pub(crate) pool: &'t mut TypePool,
    pub(crate) signatures: &'t [Signature<'a>],
    pub(crate) hosts: &'t [Signature<'a>],
    /// The types of the function's locals.
    pub(crate) locals: &'t [TypeIndex],
    /// The function's result.
    pub(crate) result: Option<TypeIndex>,
    /// The operands that are taken, the top last.
    pub(crate) pops: Vec<TypeIndex>,
    /// What is left in their place. A branch takes only what is below.
    pub(crate) pushes: Vec<TypeIndex>,
    /// The type that was left out.
    pub(crate) inferred: Option<TypeIndex>,
}

type Done = Result<(), Fault>;

impl Typing<'_, '_> {
    /// Finds what an instruction wants and leaves.
    #[inline]
    pub(crate) fn step(&mut self, ir: &Ir, stack: &[TypeIndex]) -> Done {
        self.pops.clear();
        self.pushes.clear();
        self.inferred = None;
        match ir.opcode.info().effect {
            Effect::Fixed(pops, pushes) => {
                self.pops.extend_from_slice(pops);
                self.pushes.extend_from_slice(pushes);
            }
            Effect::Rule(rule) => self.rule(rule, ir, stack)?,
        }
        if self.pops.len() > stack.len() { Err(Fault::Underflow { wanted: self.pops.len() }) } else { Ok(()) }
    }

    fn takes(&mut self, pops: &[TypeIndex]) -> Done {
        self.pops.extend_from_slice(pops);
        Ok(())
    }

    fn gives(&mut self, pops: &[TypeIndex], push: TypeIndex) -> Done {
        self.pops.extend_from_slice(pops);
        self.pushes.push(push);
        Ok(())
    }

    fn intern(&mut self, ty: Type) -> Result<TypeIndex, Fault> {
        self.pool.intern(ty).map_err(|_| Fault::TooDeep)
    }

    fn is_word(&self, ty: TypeIndex) -> bool {
        self.pool.repr(ty) == Repr::Word
    }

    fn local(&self, ir: &Ir) -> Result<TypeIndex, Fault> {
        self.locals.get(ir.args[0] as usize).copied().ok_or(Fault::Told)
    }

    fn rule(&mut self, rule: Rule, ir: &Ir, stack: &[TypeIndex]) -> Done {
        match rule {
            Rule::PushFunction | Rule::Closure => self.function_value(ir, rule == Rule::Closure),
            Rule::Dup => {
                let top = operand(stack, 0)?;
                self.pushes.push(top);
                self.gives(&[top], top)
            }
            Rule::Drop | Rule::Show => {
                let top = operand(stack, 0)?;
                self.takes(&[top])?;
                self.pushes.extend((rule == Rule::Show).then_some(TEXT));
                Ok(())
            }
            Rule::Swap => {
                let (below, top) = (operand(stack, 1)?, operand(stack, 0)?);
                self.pushes.push(top);
                self.gives(&[below, top], below)
            }
            Rule::Over => {
                let (below, top) = (operand(stack, 1)?, operand(stack, 0)?);
                self.pushes.extend([below, top]);
                self.gives(&[below, top], below)
            }
            Rule::Load => self.gives(&[], self.local(ir)?),
            Rule::Store => self.takes(&[self.local(ir)?]),
            Rule::Tee => self.gives(&[self.local(ir)?], self.local(ir)?),
            Rule::Arithmetic => self.arithmetic(stack),
            Rule::ArithmeticUnary => {
                let top = one_of(stack, 0, &[INT, FLOAT, ANY], "Int, Float or Any")?;
                self.gives(&[top], top)
            }
            Rule::Bitwise => {
                let top = one_of(stack, 0, &[INT, BOOL], "Int or Bool")?;
                self.gives(&[top, top], top)
            }
            Rule::Equality => self.equality(stack),
            Rule::Ordering => self.ordering(stack, BOOL),
            Rule::Compare => self.ordering(stack, INT),
            Rule::IsNull => {
                let top = operand(stack, 0)?;
                if self.is_word(top) { self.gives(&[top], BOOL) } else { Err(not(0, "an option or Any")) }
            }
            Rule::Jump => Ok(()),
            Rule::JumpBool => self.takes(&[BOOL]),
            Rule::Switch => self.takes(&[INT]),
            Rule::JumpNull => self.jump_null(stack),
            Rule::Call => self.call(ir, &[], None),
            Rule::TailCall => {
                self.call(ir, &[], None)?;
                self.tail_result()
            }
            Rule::CallValue | Rule::TailCallValue => self.call_value(ir, stack, rule == Rule::TailCallValue),
            Rule::Return => {
                self.pops.extend(self.result);
                Ok(())
            }
            Rule::ToAny => self.box_operand(ir.args[0] as usize, stack),
            Rule::Cast if ir.ty() == ANY => Err(Fault::Shape { wanted: "another type than Any" }),
            Rule::Cast => self.gives(&[ANY], ir.ty()),
            Rule::Is => self.gives(&[ANY], BOOL),
            Rule::Some | Rule::Unwrap => self.option(ir, stack, rule == Rule::Some),
            Rule::New => {
                let (ty, fields, _) = self.composite(ir, "a tuple, record or object")?;
                self.gives(&fields, ty)
            }
            Rule::Field => {
                let (ty, fields, _) = self.composite(ir, "a tuple, record or object")?;
                self.gives(&[ty], nth(&fields, ir.args[1])?)
            }
            Rule::With => {
                let (ty, fields, is_object) = self.composite(ir, "a tuple or record")?;
                if is_object {
                    return Err(Fault::Shape { wanted: "a tuple or record" });
                }
                self.gives(&[ty, nth(&fields, ir.args[1])?], ty)
            }
            Rule::SetField => {
                let (ty, fields, is_object) = self.composite(ir, "an object")?;
                if !is_object {
                    return Err(Fault::Shape { wanted: "an object" });
                }
                if let Type::Object(_, fields) = self.pool.get(ty)
                    && fields.get(ir.args[1] as usize).is_some_and(|field| !field.mutable)
                {
                    return Err(Fault::Immutable);
                }
                self.takes(&[ty, nth(&fields, ir.args[1])?])
            }
            Rule::NewVariant => {
                let fields = self.variant(ir)?;
                self.gives(&fields, ir.ty())
            }
            Rule::Tag => {
                self.variant(ir)?;
                self.gives(&[ir.ty()], INT)
            }
            Rule::Payload => {
                let field = nth(&self.variant(ir)?, ir.args[2])?;
                self.gives(&[ir.ty()], field)
            }
            Rule::Deliver => {
                let (_, fields, _) = self.composite(ir, "a tuple, record or object")?;
                self.delivery(ir, nth(&fields, ir.args[1])?)
            }
            Rule::DeliverVariant => self.delivery(ir, nth(&self.variant(ir)?, ir.args[2])?),
            Rule::Len => {
                let of = self.shaped(stack, 0, LEN_WANTED, |ty| is_flat(ty) || is_container(ty) || is_builder(ty))?;
                self.gives(&[of], INT)
            }
            Rule::ByteAt => {
                let of = one_of(stack, 1, &[TEXT, BYTES], "Text or Bytes")?;
                self.gives(&[of, INT], INT)
            }
            Rule::Concat => {
                let of = one_of(stack, 1, &[TEXT, BYTES], "Text or Bytes")?;
                self.gives(&[of, of], of)
            }
            Rule::Slice => {
                let fits = |ty: &Type| is_flat(ty) || matches!(ty, Type::List(_));
                let of = self.shaped(stack, 2, "Text, Bytes, an array or a List", fits)?;
                self.gives(&[of, INT, INT], of)
            }
            Rule::Find => {
                let of = one_of(stack, 2, &[TEXT, BYTES], "Text or Bytes")?;
                self.gives(&[of, of, INT], types::OPTION_INT)
            }
            Rule::Clear => {
                let fits = |ty: &Type| is_container(ty) || is_builder(ty);
                let of = self.shaped(stack, 0, "a List, Map, Set or builder", fits)?;
                self.takes(&[of])
            }
            Rule::Copy => {
                let fits = |ty: &Type| is_container(ty) || matches!(ty, Type::Array(_) | Type::Object(..));
                let of = self.shaped(stack, 0, "an array, List, Map, Set or object", fits)?;
                self.gives(&[of], of)
            }
            Rule::BuilderAdd => {
                let builder = self.shaped(stack, 1, "a builder", is_builder)?;
                self.takes(&[builder, built(builder)])
            }
            Rule::BuilderByte | Rule::BuilderInt => {
                let builder = self.shaped(stack, 1, "a builder", is_builder)?;
                self.takes(&[builder, INT])
            }
            Rule::BuilderFinish => {
                let builder = self.shaped(stack, 0, "a builder", is_builder)?;
                self.gives(&[builder], built(builder))
            }
            Rule::ListNew => self.new_container(ir, "a List", |ty| matches!(ty, Type::List(_))),
            Rule::MapNew => self.new_container(ir, "a Map or Set", |ty| matches!(ty, Type::Map(..) | Type::Set(_))),
            Rule::ArrayNew => {
                self.pops.push(INT);
                self.new_container(ir, "an array", |ty| matches!(ty, Type::Array(_)))
            }
            Rule::ListPush => {
                let (list, element) = self.list(stack, 1)?;
                self.takes(&[list, element])
            }
            Rule::ListPop => {
                let (list, element) = self.list(stack, 0)?;
                self.gives(&[list], element)
            }
            Rule::ListInsert => {
                let (list, element) = self.list(stack, 2)?;
                self.takes(&[list, INT, element])
            }
            Rule::ListRemove => {
                let (list, element) = self.list(stack, 1)?;
                self.gives(&[list, INT], element)
            }
            Rule::ListTruncate => {
                let (list, _) = self.list(stack, 1)?;
                self.takes(&[list, INT])
            }
            Rule::Append => {
                let (list, _) = self.list(stack, 1)?;
                self.takes(&[list, list])
            }
            Rule::Get => {
                let (of, key, value) = self.indexed(stack, 1)?;
                self.gives(&[of, key], value)
            }
            Rule::Set => {
                let (of, key, value) = self.indexed(stack, 2)?;
                self.takes(&[of, key, value])
            }
            Rule::Fill => {
                let array = self.shaped(stack, 3, "an array", |ty| matches!(ty, Type::Array(_)))?;
                let element = if let Type::Array(element) = self.pool.get(array) { element.slot() } else { ANY };
                self.takes(&[array, element, INT, INT])
            }
            Rule::CopyRange => {
                let fits = |ty: &Type| matches!(ty, Type::Array(_) | Type::List(_));
                let of = self.shaped(stack, 4, "an array or List", fits)?;
                self.takes(&[of, INT, of, INT, INT])
            }
            Rule::MapFind => {
                let (map, key, value) = self.map(stack, 1)?;
                let found = if value == ANY { ANY } else { self.intern(Type::Option(value))? };
                self.gives(&[map, key], found)
            }
            Rule::MapGetOr => {
                let (map, key, value) = self.map(stack, 2)?;
                self.gives(&[map, key, value], value)
            }
            Rule::MapHas | Rule::MapRemove => {
                let (of, key) = self.keyed(stack, 1)?;
                self.gives(&[of, key], BOOL)
            }
            Rule::MapSlot => {
                let (map, key, value) = self.map(stack, 2)?;
                self.gives(&[map, key, value], INT)
            }
            Rule::MapNext => {
                let (of, _) = self.keyed(stack, 1)?;
                self.gives(&[of, INT], INT)
            }
            Rule::MapKeyAt => {
                let (of, key) = self.keyed(stack, 1)?;
                self.gives(&[of, INT], key)
            }
            Rule::MapValueAt => {
                let (map, _, value) = self.map(stack, 1)?;
                self.gives(&[map, INT], value)
            }
            Rule::MapSetAt => {
                let (map, _, value) = self.map(stack, 2)?;
                self.takes(&[map, INT, value])
            }
            Rule::SetAdd => {
                let set = self.shaped(stack, 1, "a Set", |ty| matches!(ty, Type::Set(_)))?;
                let (_, key) = self.keyed(stack, 1)?;
                self.gives(&[set, key], BOOL)
            }
            Rule::CallHost => {
                let host = self.hosts.get(ir.args[0] as usize).filter(|host| host.is_known).ok_or(Fault::Told)?;
                self.pops.extend_from_slice(&host.params);
                self.pushes.extend(host.result);
                Ok(())
            }
            Rule::Spawn => self.call(ir, &[], Some(ADDRESS)),
            Rule::SpawnOn => self.call(ir, &[ANY], Some(ANY)),
            Rule::SpawnWith => self.call(ir, &[types::MAP_ANY_ANY], Some(ANY)),
            Rule::Send => self.message(ir, stack, &[ADDRESS], None),
            Rule::SendStatus => self.message(ir, stack, &[ADDRESS], Some(BOOL)),
            Rule::RemoteCall => self.message(ir, stack, &[REF, ADDRESS], None),
            Rule::Register => self.gives(&[TEXT, ADDRESS], BOOL),
            Rule::Whereis => self.gives(&[TEXT], ANY),
            Rule::ClusterRegister => self.gives(&[TEXT, ADDRESS, TEXT], ANY),
            Rule::GroupJoin => self.gives(&[TEXT, ADDRESS], ANY),
            Rule::GroupMembers => self.gives(&[TEXT], types::LIST_ANY),
            Rule::TimerStart => self.message(ir, stack, &[ADDRESS, INT], Some(REF)),
            Rule::Receive => self.gives(&[], ir.ty()),
            Rule::ReceiveUntil => {
                let option = self.intern(Type::Option(ir.ty()))?;
                self.gives(&[INT], option)
            }
        }
    }

    fn function_value(&mut self, ir: &Ir, is_closure: bool) -> Done {
        let signature =
            self.signatures.get(ir.args[0] as usize).filter(|signature| signature.is_known).ok_or(Fault::Told)?;
        if signature.captures.is_empty() == is_closure {
            return Err(Fault::Captures { wanted: is_closure });
        }
        self.pops.extend_from_slice(&signature.captures);
        let ty = self.intern(signature.value_type())?;
        self.pushes.push(ty);
        Ok(())
    }

    /// A call with `more` operands above the arguments, which leaves `instead` or the function's result.
    fn call(&mut self, ir: &Ir, more: &[TypeIndex], instead: Option<TypeIndex>) -> Done {
        let signature =
            self.signatures.get(ir.args[0] as usize).filter(|signature| signature.is_known).ok_or(Fault::Told)?;
        if !signature.captures.is_empty() {
            return Err(Fault::Captures { wanted: false });
        }
        self.pops.extend_from_slice(&signature.params);
        self.pops.extend_from_slice(more);
        self.pushes.extend(instead.or(signature.result));
        Ok(())
    }

    fn call_value(&mut self, ir: &Ir, stack: &[TypeIndex], is_tail: bool) -> Done {
        let ty = if ir.left_out { operand(stack, 0)? } else { ir.ty() };
        let Type::Function(params, result) = self.pool.get(ty) else {
            const WANTED: &str = "a function type";
            return Err(if ir.left_out {
                Fault::CannotInfer { depth: 0, wanted: WANTED }
            } else {
                Fault::Shape { wanted: WANTED }
            });
        };
        self.pops.extend_from_slice(params);
        self.pops.push(ty);
        self.pushes.extend(*result);
        self.inferred = Some(ty);
        if is_tail { self.tail_result() } else { Ok(()) }
    }

    /// Holds what a called function leaves against the result of this one, and leaves nothing.
    fn tail_result(&mut self) -> Done {
        let found = self.pushes.pop();
        let fits = match (found, self.result) {
            (None, None) => true,
            (Some(found), Some(wanted)) => self.pool.assignable(found, wanted),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if fits { Ok(()) } else { Err(Fault::Result { found }) }
    }

    fn arithmetic(&mut self, stack: &[TypeIndex]) -> Done {
        const WANTED: &str = "Int, Float or Any";
        let (below, top) = (operand(stack, 1)?, operand(stack, 0)?);
        if below == ANY || top == ANY {
            return self.gives(&[ANY, ANY], ANY);
        }
        one_of(stack, 0, &[INT, FLOAT], WANTED)?;
        one_of(stack, 1, &[INT, FLOAT], WANTED)?;
        if below == top { self.gives(&[top, top], top) } else { Err(Fault::Pair) }
    }

    fn equality(&mut self, stack: &[TypeIndex]) -> Done {
        let (below, top) = (operand(stack, 1)?, operand(stack, 0)?);
        if below == top || (self.is_word(below) && self.is_word(top)) {
            return self.gives(&[below, top], BOOL);
        }
        // A number may be compared with what can hold one.
        let holds = |pool: &TypePool, ty| ty == ANY || matches!(pool.get(ty), Type::Option(_));
        if holds(self.pool, below) && !self.is_word(top) {
            self.gives(&[below, ANY], BOOL)
        } else if holds(self.pool, top) && !self.is_word(below) {
            self.gives(&[ANY, top], BOOL)
        } else {
            Err(Fault::Pair)
        }
    }

    fn ordering(&mut self, stack: &[TypeIndex], result: TypeIndex) -> Done {
        const WANTED: &str = "Int, Float, Bool, Text, Bytes or Any";
        let (below, top) = (operand(stack, 1)?, operand(stack, 0)?);
        if below == ANY || top == ANY {
            return self.gives(&[ANY, ANY], result);
        }
        for depth in [0, 1] {
            one_of(stack, depth, &[INT, FLOAT, BOOL, TEXT, BYTES], WANTED)?;
        }
        if below == top { self.gives(&[top, top], result) } else { Err(Fault::Pair) }
    }

    fn box_operand(&mut self, depth: usize, stack: &[TypeIndex]) -> Done {
        operand(stack, depth)?;
        let taken = stack.get(stack.len() - 1 - depth..).unwrap_or(&[]);
        self.pops.extend_from_slice(taken);
        self.pushes.extend_from_slice(taken);
        self.pushes.first_mut().into_iter().for_each(|ty| *ty = ANY);
        Ok(())
    }

    fn option(&mut self, ir: &Ir, stack: &[TypeIndex], makes: bool) -> Done {
        const WANTED: &str = "an option type";
        let ty = match (ir.left_out, makes) {
            (true, true) => {
                let inner = operand(stack, 0)?;
                self.intern(Type::Option(inner))?
            }
            (true, false) => operand(stack, 0)?,
            (false, _) => ir.ty(),
        };
        let Type::Option(inner) = self.pool.get(ty) else {
            return Err(if ir.left_out {
                Fault::CannotInfer { depth: 0, wanted: WANTED }
            } else {
                Fault::Shape { wanted: WANTED }
            });
        };
        let inner = *inner;
        self.inferred = Some(ty);
        if makes { self.gives(&[inner], ty) } else { self.gives(&[ty], inner) }
    }

    fn jump_null(&mut self, stack: &[TypeIndex]) -> Done {
        let top = operand(stack, 0)?;
        if top == ANY {
            return self.gives(&[ANY], ANY);
        }
        let Type::Option(inner) = self.pool.get(top) else { return Err(not(0, "an option or Any")) };
        self.gives(&[top], *inner)
    }

    /// The named tuple, record or object, its fields, and whether it is an object.
    fn composite(&self, ir: &Ir, wanted: &'static str) -> Result<(TypeIndex, Vec<TypeIndex>, bool), Fault> {
        let types = |fields: &[Field]| fields.iter().map(|field| field.ty).collect();
        let found = self.pool.get(ir.ty());
        if let Type::Tuple(items) = found {
            Ok((ir.ty(), items.clone(), false))
        } else if let Type::Record(_, fields) | Type::Object(_, fields) = found {
            Ok((ir.ty(), types(fields), matches!(found, Type::Object(..))))
        } else {
            Err(Fault::Shape { wanted })
        }
    }

    /// Takes a message with an answer in a field of this type.
    fn delivery(&mut self, ir: &Ir, field: TypeIndex) -> Done {
        match system::answer(|index| Some(self.pool.get(index)), field) {
            Some(_) => self.takes(&[ir.ty(), REF, INT]),
            None => Err(Fault::Shape { wanted: "a type with an answer in the field" }),
        }
    }

    /// The fields of the named variant.
    fn variant(&self, ir: &Ir) -> Result<Vec<TypeIndex>, Fault> {
        let Type::Sum(_, variants) = self.pool.get(ir.ty()) else { return Err(Fault::Shape { wanted: "a sum type" }) };
        let variant = variants.get(ir.args[1] as usize);
        Ok(variant.iter().flat_map(|variant| &variant.fields).map(|field| field.ty).collect())
    }

    /// The operand that is `depth` below the top, when its type fits.
    fn shaped(
        &self,
        stack: &[TypeIndex],
        depth: usize,
        wanted: &'static str,
        fits: impl Fn(&Type) -> bool,
    ) -> Result<TypeIndex, Fault> {
        let found = operand(stack, depth)?;
        if fits(self.pool.get(found)) { Ok(found) } else { Err(not(depth, wanted)) }
    }

    fn new_container(&mut self, ir: &Ir, wanted: &'static str, fits: impl Fn(&Type) -> bool) -> Done {
        if !fits(self.pool.get(ir.ty())) {
            return Err(Fault::Shape { wanted });
        }
        self.pushes.push(ir.ty());
        Ok(())
    }

    /// A list and its element.
    fn list(&self, stack: &[TypeIndex], depth: usize) -> Result<(TypeIndex, TypeIndex), Fault> {
        let list = operand(stack, depth)?;
        if let Type::List(element) = self.pool.get(list) { Ok((list, *element)) } else { Err(not(depth, "a List")) }
    }

    /// A map, its key and its value.
    fn map(&self, stack: &[TypeIndex], depth: usize) -> Result<(TypeIndex, TypeIndex, TypeIndex), Fault> {
        let map = operand(stack, depth)?;
        if let Type::Map(key, value) = self.pool.get(map) { Ok((map, *key, *value)) } else { Err(not(depth, "a Map")) }
    }

    /// A map or set and its key.
    fn keyed(&self, stack: &[TypeIndex], depth: usize) -> Result<(TypeIndex, TypeIndex), Fault> {
        let of = operand(stack, depth)?;
        if let Type::Map(key, _) | Type::Set(key) = self.pool.get(of) {
            Ok((of, *key))
        } else {
            Err(not(depth, "a Map or Set"))
        }
    }

    /// What `get` and `set` work on, what they look up by, and what is there.
    fn indexed(&self, stack: &[TypeIndex], depth: usize) -> Result<(TypeIndex, TypeIndex, TypeIndex), Fault> {
        let of = operand(stack, depth)?;
        let ty = self.pool.get(of);
        if let Type::List(element) = ty {
            Ok((of, INT, *element))
        } else if let Type::Array(element) = ty {
            Ok((of, INT, element.slot()))
        } else if let Type::Map(key, value) = ty {
            Ok((of, *key, *value))
        } else {
            Err(not(depth, "a List, array or Map"))
        }
    }

    /// A message with `above` on it: it is of the named type, or of that which it has.
    fn message(&mut self, ir: &Ir, stack: &[TypeIndex], above: &[TypeIndex], result: Option<TypeIndex>) -> Done {
        let ty = if ir.left_out { operand(stack, above.len())? } else { ir.ty() };
        self.inferred = Some(ty);
        self.pops.push(ty);
        self.pops.extend_from_slice(above);
        self.pushes.extend(result);
        Ok(())
    }
}

const LEN_WANTED: &str = "Text, Bytes, an array, a List, Map, Set or builder";

fn not(depth: usize, wanted: &'static str) -> Fault {
    Fault::Operand { depth, wanted }
}

/// The operand that is `depth` below the top.
fn operand(stack: &[TypeIndex], depth: usize) -> Result<TypeIndex, Fault> {
    let at = stack.len().checked_sub(depth + 1).ok_or(Fault::Underflow { wanted: depth + 1 })?;
    stack.get(at).copied().ok_or(Fault::Underflow { wanted: depth + 1 })
}

/// The operand that is `depth` below the top, when it is one of some types.
fn one_of(stack: &[TypeIndex], depth: usize, types: &[TypeIndex], wanted: &'static str) -> Result<TypeIndex, Fault> {
    let found = operand(stack, depth)?;
    if types.contains(&found) { Ok(found) } else { Err(not(depth, wanted)) }
}

fn built(builder: TypeIndex) -> TypeIndex {
    if builder == types::TEXT_BUILDER { TEXT } else { BYTES }
}

fn nth(fields: &[TypeIndex], at: u32) -> Result<TypeIndex, Fault> {
    fields.get(at as usize).copied().ok_or(Fault::Told)
}

fn is_flat(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Bytes | Type::Array(_))
}

fn is_container(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Map(..) | Type::Set(_))
}

fn is_builder(ty: &Type) -> bool {
    matches!(ty, Type::TextBuilder | Type::BytesBuilder)
}

/// How a value gets to where a type is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fit {
    /// As it is.
    Plain,
    /// By `to_any`.
    Boxed,
    /// Not at all.
    No,
}

/// How a value of type `found` gets to where `wanted` is wanted.
#[inline]
pub(crate) fn fit(pool: &TypePool, found: TypeIndex, wanted: TypeIndex) -> Fit {
    if pool.assignable(found, wanted) {
        Fit::Plain
    } else if wanted == ANY {
        Fit::Boxed
    } else {
        Fit::No
    }
}

/// The narrowest type that holds the values of both, whatever `to_any` it takes.
///
/// It is the same in any order of any number of types, so it does not matter which way to a label is looked at first.
pub(crate) fn join(pool: &mut TypePool, a: TypeIndex, b: TypeIndex) -> TypeIndex {
    if pool.assignable(a, b) {
        return b;
    }
    if pool.assignable(b, a) {
        return a;
    }
    let inner = match (a, b) {
        (NULL, other) | (other, NULL) => other,
        _ => return ANY,
    };
    let plain = pool.repr(inner) == Repr::Word && !matches!(pool.get(inner), Type::Any | Type::Null | Type::Option(_));
    if plain { pool.intern(Type::Option(inner)).unwrap_or(ANY) } else { ANY }
}
