//! Which internal instructions stand for each one of the bytecode.

use super::branch::Relation;
use super::number::Forms;
use super::{Entry, Lowering, slot};
use crate::code::Op;
use crate::heap::word::{NULL, TAG_FUNCTION, numbered};
use crate::interp::table::Operation as Do;
use crate::runtime::timers::REPEATS;
use crate::types::TypeId;
use fardel_bytecode::Inst;
use fardel_bytecode::index::{FieldIndex, FunctionIndex, LocalIndex, TypeIndex};
use fardel_bytecode::isa::{COSTLY, COSTLY_FUEL};
use fardel_bytecode::types::{ANY, BYTES_BUILDER, LIST_TEXT, Repr, TEXT_BUILDER, Type};

impl<'m> Lowering<'m, '_> {
    /// Lowers the instruction at a position, possibly with some behind it, and gives how many that are.
    pub(super) fn select(&mut self, at: usize) -> usize {
        let inst = self.insts[at];
        if inst.opcode().info().effects.has(COSTLY) {
            self.emit(Do::charge, 0, 0, COSTLY_FUEL);
        }
        match inst {
            Inst::PushNull {} => self.push(Entry::Word(NULL)),
            Inst::PushTrue {} => self.push(Entry::Word(1)),
            Inst::PushFalse {} => self.push(Entry::Word(0)),
            Inst::PushInt { value } => self.push(Entry::Int(value)),
            Inst::PushFloat { value } => self.push(Entry::Float(value.0)),
            Inst::PushText { data } => self.push(Entry::Word(self.unit.numbers.data[data.0.at()])),
            Inst::PushBytes { data } => self.push(Entry::Word(self.unit.numbers.data[data.0.at()])),
            Inst::PushFunction { function } => self.push(Entry::Word(numbered(TAG_FUNCTION, self.function_id(function)))),
            Inst::Dup {} => self.copy_up(0),
            Inst::Over {} => self.copy_up(1),
            Inst::Drop {} => {
                self.pop(1);
                1
            }
            Inst::Swap {} => self.swap(),
            Inst::Load { local } => self.push(Entry::Local(local)),
            Inst::Store { local } => self.store(local, true),
            Inst::Tee { local } => self.store(local, false),

            Inst::Add {} => self.arithmetic(at, &inst, &Forms { int: Do::int_add, float: Do::float_add, any: Do::any_add }),
            Inst::Sub {} => self.arithmetic(at, &inst, &Forms { int: Do::int_sub, float: Do::float_sub, any: Do::any_sub }),
            Inst::Mul {} => self.arithmetic(at, &inst, &Forms { int: Do::int_mul, float: Do::float_mul, any: Do::any_mul }),
            Inst::Div {} => self.arithmetic(at, &inst, &Forms { int: Do::int_div, float: Do::float_div, any: Do::any_div }),
            Inst::Rem {} => self.arithmetic(at, &inst, &Forms { int: Do::int_rem, float: Do::float_rem, any: Do::any_rem }),
            Inst::Min {} => self.arithmetic(at, &inst, &Forms { int: Do::int_min, float: Do::float_min, any: Do::any_min }),
            Inst::Max {} => self.arithmetic(at, &inst, &Forms { int: Do::int_max, float: Do::float_max, any: Do::any_max }),
            Inst::Neg {} => self.sign(at, Do::int_neg, Do::float_neg, Do::any_neg),
            Inst::Abs {} => self.sign(at, Do::int_abs, Do::float_abs, Do::any_abs),
            Inst::AddWrap {} => self.binary(at, Do::int_add_wrap),
            Inst::SubWrap {} => self.binary(at, Do::int_sub_wrap),
            Inst::MulWrap {} => self.binary(at, Do::int_mul_wrap),

            Inst::Eq {} => self.relation(at, Relation::Eq),
            Inst::Ne {} => self.relation(at, Relation::Ne),
            Inst::Lt {} => self.relation(at, Relation::Lt),
            Inst::Le {} => self.relation(at, Relation::Le),
            Inst::Gt {} => self.relation(at, Relation::Gt),
            Inst::Ge {} => self.relation(at, Relation::Ge),
            Inst::Compare {} => self.compare(at),
            Inst::IsNull {} => self.is_null(at),
            Inst::Not {} => self.not(at),

            Inst::And {} => self.bits(at, &inst, Do::int_and),
            Inst::Or {} => self.bits(at, &inst, Do::int_or),
            Inst::Xor {} => self.bits(at, &inst, Do::int_xor),
            Inst::BitNot {} => self.unary(at, Do::int_not),
            Inst::Shl {} => self.bits(at, &inst, Do::int_shl),
            Inst::Shr {} => self.bits(at, &inst, Do::int_shr),
            Inst::ShrUnsigned {} => self.bits(at, &inst, Do::int_shr_u),
            Inst::CountOnes {} => self.unary(at, Do::count_ones),
            Inst::LeadingZeros {} => self.unary(at, Do::leading_zeros),
            Inst::TrailingZeros {} => self.unary(at, Do::trailing_zeros),

            Inst::IntToFloat {} => self.unary(at, Do::int_to_float),
            Inst::FloatToInt {} => self.unary(at, Do::float_to_int),
            Inst::FloatBits {} => self.unary(at, Do::float_bits),
            Inst::FloatFromBits {} => self.unary(at, Do::mov),
            Inst::Show {} => self.show(at),
            Inst::ShowFixed {} => self.slow_binary(at, Do::show_fixed, 0),
            Inst::ParseInt {} => self.slow_unary(at, Do::parse_int, 0),
            Inst::ParseFloat {} => self.slow_unary(at, Do::parse_float, 0),

            Inst::Sqrt {} => self.unary(at, Do::float_sqrt),
            Inst::Floor {} => self.float_function(at, "floor"),
            Inst::Ceil {} => self.float_function(at, "ceil"),
            Inst::Trunc {} => self.float_function(at, "trunc"),
            Inst::Round {} => self.float_function(at, "round"),
            Inst::Sin {} => self.float_function(at, "sin"),
            Inst::Cos {} => self.float_function(at, "cos"),
            Inst::Tan {} => self.float_function(at, "tan"),
            Inst::Exp {} => self.float_function(at, "exp"),
            Inst::Ln {} => self.float_function(at, "ln"),
            Inst::Atan2 {} => self.float_function_2(at, "atan2"),
            Inst::Pow {} => self.float_function_2(at, "pow"),

            Inst::Jmp { target } => self.jump(target),
            Inst::JmpIf { target } => self.jump_bool(target, true),
            Inst::JmpUnless { target } => self.jump_bool(target, false),
            Inst::JmpIfNull { target } => self.jump_if_null(at, target),
            Inst::Switch { targets } => self.switch(targets.iter()),
            Inst::Call { function } => self.call(at, function),
            Inst::TailCall { function } => self.tail_call(function),
            Inst::CallValue { ty } => self.call_value(at, ty),
            Inst::TailCallValue { ty } => self.tail_call_value(at, ty),
            Inst::Closure { function } => self.closure(at, function),
            Inst::Ret {} => self.ret(),
            Inst::Panic {} => self.end_with(at, Do::panic, 1),
            Inst::Raise {} => self.end_with(at, Do::raise, 2),

            Inst::ToAny { depth } => self.mark(at, depth.0 as usize),
            Inst::Cast { ty } => self.cast(at, ty),
            Inst::Is { ty } => {
                let id = self.type_id(ty);
                self.slow_unary(at, Do::is_type, u64::from(id))
            }
            Inst::Some { ty } => self.some(at, ty),
            Inst::Unwrap { ty } => self.unwrap(at, ty),

            Inst::New { ty } => {
                let id = self.type_id(ty);
                self.new_object(at, id)
            }
            Inst::Field { ty, field } => self.field(at, ty, field),
            Inst::With { ty, field } => {
                let word = self.field_word(self.type_id(ty), field);
                self.slow_binary(at, Do::with_field, word as u64)
            }
            Inst::SetField { ty, field } => {
                let word = self.field_word(self.type_id(ty), field);
                let (object, value) = (self.operand(1), self.operand(0));
                self.emit(Do::set_field, object, value, (8 + word * 8) as u32);
                self.effect(2)
            }
            Inst::NewVariant { ty, variant } => self.new_variant(at, ty, variant),
            Inst::Tag { ty } => {
                let first = self.type_id(ty) + 1;
                self.unary_with(at, Do::tag, first)
            }
            Inst::Payload { ty, variant, field } => {
                let id = self.type_id(ty) + 1 + variant.0;
                let word = self.field_word(id, field);
                self.unary_with(at, Do::payload, id << 8 | word as u32)
            }

            Inst::Len {} => self.len(at),
            Inst::ByteAt {} => self.binary(at, Do::byte_at),
            Inst::Concat {} => self.slow_binary(at, Do::concat, 0),
            Inst::Slice {} => self.slice(at),
            Inst::Find {} => self.slow_ternary(at, Do::find, 0),
            Inst::TextToBytes {} => self.slow_unary(at, Do::text_to_bytes, 0),
            Inst::BytesToText {} => self.slow_unary(at, Do::bytes_to_text, 0),
            Inst::TextOfCode {} => self.slow_unary(at, Do::text_of_code, 0),
            Inst::CodeAt {} => self.slow_binary(at, Do::code_at, 0),
            Inst::Get {} => self.get(at),
            Inst::Set {} => self.set(at),
            Inst::Copy {} => self.copy(at),
            Inst::Clear {} => self.slow_effect(at, Do::container_clear, 1),

            Inst::ListNew { ty } => self.make(at, Do::list_new, ty),
            Inst::ListPush {} => self.two_step(at, Do::list_push, Do::list_grow),
            Inst::ListPop {} => self.unary(at, Do::list_pop),
            Inst::ListInsert {} => self.slow_effect(at, Do::list_insert, 3),
            Inst::ListRemove {} => self.slow_binary(at, Do::list_remove, 0),
            Inst::ListTruncate {} => self.slow_effect(at, Do::list_truncate, 2),
            Inst::Append {} => self.slow_effect(at, Do::list_append, 2),

            Inst::MapNew { ty } => self.make(at, Do::map_new, ty),
            Inst::MapFind {} => self.map_find(at),
            Inst::MapGetOr {} => self.slow_ternary(at, Do::map_get_or, 0),
            Inst::MapHas {} => self.slow_binary(at, Do::map_has, 0),
            Inst::MapRemove {} => self.slow_binary(at, Do::map_remove, 0),
            Inst::MapSlot {} => self.slow_ternary(at, Do::map_slot, 0),
            Inst::MapNext {} => self.slow_binary(at, Do::map_next, 0),
            Inst::MapKeyAt {} => self.slow_binary(at, Do::map_key_at, 0),
            Inst::MapValueAt {} => self.slow_binary(at, Do::map_value_at, 0),
            Inst::MapSetAt {} => self.slow_effect(at, Do::map_set_at, 3),
            Inst::SetAdd {} => self.slow_binary(at, Do::set_add, 0),

            Inst::ArrayNew { ty } => {
                let id = self.type_id(ty);
                self.slow_unary(at, Do::array_new, u64::from(id))
            }
            Inst::Fill {} => self.slow_effect(at, Do::array_fill, 4),
            Inst::CopyRange {} => self.copy_range(at),

            Inst::TextBuilder {} => self.make(at, Do::builder_new, TEXT_BUILDER),
            Inst::BytesBuilder {} => self.make(at, Do::builder_new, BYTES_BUILDER),
            Inst::BuilderAdd {} => self.slow_effect(at, Do::builder_add, 2),
            Inst::BuilderByte {} => self.two_step(at, Do::builder_byte, Do::builder_grow),
            Inst::BuilderInt {} => self.slow_effect(at, Do::builder_int, 2),
            Inst::BuilderCode {} => self.slow_effect(at, Do::builder_code, 2),
            Inst::BuilderFinish {} => self.slow_unary(at, Do::builder_finish, 0),

            Inst::CallHost { host } => {
                let import = self.unit.numbers.hosts[host.at()];
                self.stop_point(at, Do::call_host, u64::from(import))
            }
            Inst::Yield {} => {
                self.flush();
                self.emit(Do::yield_now, 0, 0, 0);
                self.effect(0)
            }
            Inst::Self_ {} => {
                let target = self.target(at, 0);
                self.emit(Do::self_address, target.slot, 0, 0);
                self.done(0, target)
            }
            Inst::Spawn { function } => {
                let id = self.function_id(function);
                self.stop_point(at, Do::spawn, u64::from(id))
            }
            Inst::SpawnWith { function } => {
                let id = self.function_id(function);
                self.stop_point(at, Do::spawn_with, u64::from(id))
            }
            Inst::SpawnOn { function } => {
                let id = self.function_id(function);
                self.stop_point(at, Do::spawn_on, u64::from(id))
            }
            Inst::Migrate {} => self.stop_point(at, Do::no_cluster, 0),
            Inst::Send { ty } => {
                let id = self.type_id(ty);
                self.flush();
                let (value, address) = (self.operand(1), self.operand(0));
                match self.repr(ty) {
                    Repr::Word if self.fuses() => self.emit(Do::send_now, value, address, id),
                    Repr::Int if self.fuses() => self.emit(Do::send_int_now, value, address, id),
                    Repr::Word | Repr::Int | Repr::Float | Repr::Bool => {}
                }
                self.slow(at, Do::send, value, address, 0, u64::from(id));
                self.effect(2)
            }
            Inst::TrySend { ty } => self.stop_point(at, Do::try_send, u64::from(self.type_id(ty))),
            Inst::AwaitRecv {} => self.receive(at, Some(Do::receive_now), Do::await_recv, ANY),
            Inst::AwaitRecvUntil {} => self.stop_point(at, Do::await_recv_until, u64::from(ANY.0)),
            Inst::AwaitType { ty } => self.receive(at, Some(Do::receive_now), Do::await_recv, ty),
            Inst::AwaitTypeUntil { ty } => self.stop_point(at, Do::await_recv_until, u64::from(self.type_id(ty))),
            Inst::Poll {} => {
                self.flush();
                let target = self.target(at, 0);
                self.slow(at, Do::poll, target.slot, 0, 0, u64::from(ANY.0));
                self.done(0, target)
            }
            Inst::SelectFrom {} => self.slow_effect(at, Do::select_from, 1),
            Inst::SelectPeek { ty } => self.receive(at, None, Do::select_peek, ty),
            Inst::SelectPeekUntil { ty } => self.stop_point(at, Do::select_peek_until, u64::from(self.type_id(ty))),
            Inst::SelectTake {} => self.slow_effect(at, Do::select_take, 0),
            Inst::SelectNext {} => self.slow_effect(at, Do::select_next, 0),
            Inst::RemoteCall { ty } => {
                let id = self.type_id(ty);
                self.flush();
                let (value, token, address) = (self.operand(2), self.operand(1), self.operand(0));
                self.slow(at, Do::remote_call, value, address, Op::pair(token, 0), u64::from(id));
                self.effect(3)
            }
            Inst::Deliver { ty, field } => {
                let layout = self.type_id(ty);
                self.deliver(at, layout, field)
            }
            Inst::DeliverVariant { ty, variant, field } => {
                let layout = self.type_id(ty) + 1 + variant.0;
                self.deliver(at, layout, field)
            }
            Inst::AwaitReply {} => self.stop_point(at, Do::await_reply, 0),
            Inst::Reply {} => self.slow_effect(at, Do::reply, 2),
            Inst::BarrierNew {} => self.stop_point(at, Do::barrier_new, 0),
            Inst::Barrier {} => {
                // The barrier's address is also where a sender that waits for room has its receiver.
                self.flush();
                let (barrier, _) = (self.operand(1), self.operand(0));
                self.slow(at, Do::barrier_wait, barrier, barrier, 0, 0);
                self.pop(1);
                1
            }
            Inst::Wait {} => self.stop_point(at, Do::wait, 0),
            Inst::Link {} => self.slow_effect(at, Do::link, 1),
            Inst::Unlink {} => self.slow_effect(at, Do::unlink, 1),
            Inst::Monitor {} => self.slow_unary(at, Do::monitor, 0),
            Inst::Demonitor {} => self.slow_effect(at, Do::demonitor, 1),
            Inst::Exit {} => self.end_with(at, Do::exit, 1),
            Inst::ExitOther {} => self.slow_effect(at, Do::exit_other, 2),
            Inst::TrapExits {} => self.slow_effect(at, Do::trap_exits, 1),
            Inst::Register { ty } => self.slow_binary(at, Do::register, u64::from(self.type_id(ty))),
            Inst::Unregister {} => self.slow_unary(at, Do::unregister, 0),
            Inst::Whereis { ty } => self.slow_unary(at, Do::whereis, u64::from(self.type_id(ty))),
            Inst::ClusterRegister { ty } => self.slow_ternary(at, Do::cluster_register, u64::from(self.type_id(ty))),
            Inst::ClusterUnregister {} => self.slow_unary(at, Do::cluster_unregister, 0),
            Inst::ClusterWhereis { ty } => self.slow_unary(at, Do::cluster_whereis, u64::from(self.type_id(ty))),
            Inst::GroupJoin { ty } => self.slow_binary(at, Do::group_join, u64::from(self.type_id(ty))),
            Inst::GroupLeave {} => self.slow_binary(at, Do::group_leave, 0),
            Inst::GroupMembers { ty } => self.slow_unary(at, Do::group_members, u64::from(self.type_id(ty))),
            Inst::Nodes {} => self.make(at, Do::nodes, LIST_TEXT),
            Inst::NodeLabels {} => self.slow_unary(at, Do::node_labels, 0),
            Inst::WatchNodes {} => self.slow_effect(at, Do::watch_nodes, 1),
            Inst::TimerOnce { ty } => self.slow_ternary(at, Do::timer_start, u64::from(self.type_id(ty))),
            Inst::TimerEvery { ty } => self.slow_ternary(at, Do::timer_start, u64::from(self.type_id(ty)) | REPEATS),
            Inst::TimerCancel {} => self.slow_unary(at, Do::timer_cancel, 0),
            Inst::NewRef {} => {
                let target = self.target(at, 0);
                self.slow(at, Do::new_ref, target.slot, 0, 0, 0);
                self.done(0, target)
            }
            Inst::Random {} => {
                let target = self.target(at, 0);
                self.emit(Do::random, target.slot, 0, 0);
                self.done(0, target)
            }
        }
    }

    /// A receive of a type that waits without end, and the fast operation before it, which steps over it when it succeeds.
    /// What it takes comes as a word, and is unmarked behind it.
    fn receive(&mut self, at: usize, fast: Option<Do>, operation: Do, ty: TypeIndex) -> usize {
        self.flush();
        let unmark = match self.repr(ty) {
            Repr::Word => None,
            Repr::Int => Some(Do::cast_int),
            Repr::Float => Some(Do::cast_float),
            Repr::Bool => Some(Do::cast_bool),
        };
        let id = self.type_id(ty);
        let target = self.target(at, 0);
        if let Some(fast) = fast.filter(|_| self.fuses()) {
            self.emit(fast, target.slot, 0, id);
        }
        self.slow(at, operation, target.slot, 0, 0, u64::from(id));
        if let Some(unmark) = unmark {
            self.emit(unmark, target.slot, target.slot, 0);
        }
        self.done(0, target)
    }

    fn function_id(&self, function: FunctionIndex) -> u32 {
        self.unit.numbers.functions[function.at()]
    }

    // The operand stack and locals.

    pub(super) fn push(&mut self, entry: Entry) -> usize {
        self.stack.push(entry);
        1
    }

    /// Pushes what lies at a depth once more.
    pub(super) fn copy_up(&mut self, depth: usize) -> usize {
        let position = self.position(depth);
        match self.stack[position] {
            Entry::Home => {
                let (from, to) = (self.home(position), self.home(self.stack.len()));
                self.emit(Do::mov, to, from, 0);
                self.push(Entry::Home)
            }
            other @ (Entry::Local(_) | Entry::Int(_) | Entry::Float(_) | Entry::Word(_)) => self.push(other),
        }
    }

    fn swap(&mut self) -> usize {
        let (below, top) = (self.position(1), self.position(0));
        let spare = self.home(self.stack.len());
        match (self.stack[below], self.stack[top]) {
            (Entry::Home, Entry::Home) => {
                // The frame has a slot to spare: lowering asks for one more than the bytecode needs.
                self.emit(Do::mov, spare, self.home(top), 0);
                self.emit(Do::mov, self.home(top), self.home(below), 0);
                self.emit(Do::mov, self.home(below), spare, 0);
            }
            (Entry::Home, other) => {
                self.emit(Do::mov, self.home(top), self.home(below), 0);
                self.stack[below] = other;
                self.stack[top] = Entry::Home;
            }
            (other, Entry::Home) => {
                self.emit(Do::mov, self.home(below), self.home(top), 0);
                self.stack[below] = Entry::Home;
                self.stack[top] = other;
            }
            (_, _) => self.stack.swap(below, top),
        }
        1
    }

    fn store(&mut self, local: LocalIndex, pops: bool) -> usize {
        self.part_from(local, 1);
        let top = self.stack[self.position(0)];
        let to = slot(local.at());
        match top {
            Entry::Local(same) if same == local => {}
            Entry::Local(other) => self.emit(Do::mov, to, slot(other.at()), 0),
            Entry::Home => self.emit(Do::mov, to, self.home(self.position(0)), 0),
            Entry::Int(value) => self.constant(to, value as u64),
            Entry::Float(bits) | Entry::Word(bits) => self.constant(to, bits),
        }
        self.pop(1);
        if !pops {
            self.stack.push(Entry::Local(local));
        }
        1
    }

    /// Ends an instruction without a result.
    pub(super) fn effect(&mut self, operands: usize) -> usize {
        self.pop(operands);
        1
    }

    /// A safe operation without a result whose operands are the topmost, at most four.
    pub(super) fn slow_effect(&mut self, at: usize, operation: Do, operands: usize) -> usize {
        let mut slots = [0; 4];
        for (index, place) in slots.iter_mut().enumerate().take(operands) {
            *place = self.operand(operands - 1 - index);
        }
        self.slow(at, operation, slots[0], slots[1], Op::pair(slots[2], slots[3]), 0);
        self.effect(operands)
    }

    /// A fast operation on two operands, and the safe one that it steps over when it succeeds.
    pub(super) fn two_step(&mut self, at: usize, fast: Do, slow: Do) -> usize {
        let (container, value) = (self.operand(1), self.operand(0));
        self.emit(fast, container, value, 0);
        self.slow(at, slow, container, value, 0, 0);
        self.effect(2)
    }

    /// A safe operation that makes something of a type.
    pub(super) fn make(&mut self, at: usize, operation: Do, ty: TypeIndex) -> usize {
        let id = self.type_id(ty);
        let target = self.target(at, 0);
        self.slow(at, operation, target.slot, 0, 0, u64::from(id));
        self.done(0, target)
    }

    /// An operation with all operands at home, where the fiber may stop for long; the result goes to the first's place.
    pub(super) fn stop_point(&mut self, at: usize, operation: Do, extra: u64) -> usize {
        self.flush();
        let before = self.stack.len();
        let (operands, results) = self.arity(at);
        let first = self.home(before - operands);
        self.slow(at, operation, first, 0, 0, extra);
        self.pop(operands);
        self.stack.extend(std::iter::repeat_n(Entry::Home, results));
        1
    }

    /// How many operands an instruction of a stop point pops and pushes.
    fn arity(&self, at: usize) -> (usize, usize) {
        use fardel_bytecode::isa::{Effect, Rule};
        let inst = self.insts[at];
        let signature = |function: FunctionIndex| self.signature(function).0;
        match inst.opcode().info().effect {
            Effect::Fixed(pops, pushes) => (pops.len(), pushes.len()),
            Effect::Rule(rule) => match (rule, inst) {
                (Rule::CallHost, Inst::CallHost { host }) => {
                    let import = &self.unit.hosts[host.at()];
                    (import.params.len(), usize::from(import.result.is_some()))
                }
                (_, Inst::Spawn { function }) => (signature(function), 1),
                (_, Inst::SpawnOn { function } | Inst::SpawnWith { function }) => (signature(function) + 1, 1),
                (Rule::SendStatus, _) => (2, 1),
                (Rule::ReceiveUntil, _) => (1, 1),
                (_, _) => (0, 1),
            },
        }
    }

    /// An instruction after which nothing follows.
    fn end_with(&mut self, at: usize, operation: Do, operands: usize) -> usize {
        let first = self.operand(operands - 1);
        let second = self.operand(0);
        self.slow(at, operation, first, second, 0, 0);
        self.effect(operands)
    }

    // Numbers.

    fn sign(&mut self, at: usize, int: Do, float: Do, any: Do) -> usize {
        match self.repr_of(at, 0) {
            Repr::Int | Repr::Bool => self.unary(at, int),
            Repr::Float => self.unary(at, float),
            Repr::Word => self.slow_unary(at, any, 0),
        }
    }

    fn show(&mut self, at: usize) -> usize {
        let operation = match self.repr_of(at, 0) {
            Repr::Int => Do::show_int,
            Repr::Float => Do::show_float,
            Repr::Bool => Do::show_bool,
            Repr::Word => Do::show,
        };
        self.slow_unary(at, operation, 0)
    }

    // Calls.

    /// How many parameters a function has, and whether it has a result.
    fn signature(&self, function: FunctionIndex) -> (usize, bool) {
        let imports = self.unit.imports.len();
        if let Some(import) = self.unit.imports.get(function.at()) {
            return (import.params.len(), import.result.is_some());
        }
        let function = &self.unit.functions[function.at() - imports];
        (function.params.len(), function.result.is_some())
    }

    fn call(&mut self, at: usize, function: FunctionIndex) -> usize {
        let (params, has_result) = self.signature(function);
        self.flush();
        let first = self.stack.len() - params;
        let operation = match params {
            0 => Do::call_0,
            1 => Do::call_1,
            2 => Do::call_2,
            3 => Do::call_3,
            _ => Do::call_n,
        };
        let callee = self.function_id(function);
        self.out.calls.push(super::emit::CallPatch { at: self.out.code.len(), callee });
        self.emit(operation, self.home(first), 0, 0);
        let map = self.map(at, first);
        let offset = u64::from(self.point(at).offset.0);
        self.extend(offset << 32 | u64::from(callee), map);
        self.pop(params);
        if has_result {
            self.stack.push(Entry::Home);
        }
        1
    }

    fn tail_call(&mut self, function: FunctionIndex) -> usize {
        let (params, _) = self.signature(function);
        self.flush();
        let first = self.stack.len() - params;
        let callee = self.function_id(function);
        self.out.calls.push(super::emit::CallPatch { at: self.out.code.len(), callee });
        self.emit(Do::tail_call, self.home(first), 0, 0);
        let sizes = u64::from(self.frame_bytes) | (params as u64) << 32;
        self.extend(u64::from(callee), crate::code::SlotMap(sizes));
        self.effect(params)
    }

    fn function_type(&self, ty: TypeIndex) -> (usize, bool) {
        if let Type::Function(params, result) = self.descriptor(ty) { (params.len(), result.is_some()) } else { (0, false) }
    }

    fn call_value(&mut self, at: usize, ty: TypeIndex) -> usize {
        let (params, has_result) = self.function_type(ty);
        self.flush();
        let first = self.stack.len() - params - 1;
        let value = self.operand(0);
        self.emit(Do::function_value_call, self.home(first), value, 0);
        let map = self.map(at, first);
        let offset = u64::from(self.point(at).offset.0);
        self.extend(offset << 32, map);
        self.pop(params + 1);
        if has_result {
            self.stack.push(Entry::Home);
        }
        1
    }

    fn tail_call_value(&mut self, at: usize, ty: TypeIndex) -> usize {
        let (params, _) = self.function_type(ty);
        self.flush();
        let first = self.stack.len() - params - 1;
        let value = self.operand(0);
        let frame_bytes = u64::from(self.frame_bytes);
        self.slow(at, Do::function_value_tail_call, self.home(first), value, 0, frame_bytes);
        self.effect(params + 1)
    }

    fn deliver(&mut self, at: usize, layout: TypeId, field: FieldIndex) -> usize {
        let (message, token, millis) = (self.operand(2), self.operand(1), self.operand(0));
        self.slow(at, Do::deliver, message, millis, Op::pair(token, 0), u64::from(layout) << 8 | u64::from(field.0));
        self.effect(3)
    }

    fn closure(&mut self, at: usize, function: FunctionIndex) -> usize {
        let captures = self.unit.functions[function.at() - self.unit.imports.len()].captures.len();
        let callee = self.function_id(function);
        self.gather(at, captures, |lowering, target, first| {
            lowering.slow(at, Do::closure, target, first, 0, u64::from(callee));
        })
    }

    /// Puts operands into consecutive slots and lets `emit` make something of them, from the target and the first slot.
    pub(super) fn gather(&mut self, at: usize, operands: usize, emit: impl FnOnce(&mut Self, u16, u16)) -> usize {
        for depth in 0..operands {
            let position = self.position(depth);
            self.settle(position);
        }
        let target = self.target(at, operands);
        let first = self.home(self.stack.len() - operands);
        emit(self, target.slot, first);
        self.done(operands, target)
    }

    fn ret(&mut self) -> usize {
        if self.unit.function.result.is_none() {
            self.emit(Do::ret_void, 0, self.frame_bytes, 0);
            return 1;
        }
        let constant = match self.stack[self.position(0)] {
            Entry::Int(value) => i32::try_from(value).ok(),
            Entry::Word(word) => i32::try_from(word as i64).ok(),
            Entry::Home | Entry::Local(_) | Entry::Float(_) => None,
        };
        if let Some(small) = constant.filter(|_| self.fuses()) {
            self.emit(Do::ret_int_k, 0, self.frame_bytes, small as u32);
        } else {
            let value = self.operand(0);
            self.emit(Do::ret, value, self.frame_bytes, 0);
        }
        1
    }
}
