//! Changes of a function's code.
//!
//! **Invariant:** targets and ranges stay at the instructions that they stood at.

use crate::choices::Choices;
use fardel_bytecode::index::{
    CodeOffset, DataIndex, FieldIndex, FunctionIndex, HostIndex, LocalIndex, TargetIndex, TypeIndex, VariantIndex,
};
use fardel_bytecode::isa::{AnyOperand, Effect, INSTRUCTIONS, Inst, Opcode};
use fardel_bytecode::leb::Reader;
use fardel_bytecode::module::{Data, Function, LocalSet, Module, Target};
use fardel_bytecode::operand::{BytesData, Depth, FloatBits, OperandKind, Targets, TextData};
use fardel_bytecode::types::{ANY, BOOL, BYTES, BYTES_BUILDER, FLOAT, INT, NULL, TEXT, TEXT_BUILDER, Type};

/// Instructions one by one, with the places that targets and ranges have among them.
struct Listing {
    items: Vec<Vec<u8>>,
    targets: Vec<usize>,
    handlers: Vec<(usize, usize)>,
}

/// Changes the code of one of a module's functions.
pub(super) fn change(module: &mut Module, choices: &mut Choices) {
    let at = choices.below(module.functions.len());
    let Some(function) = module.functions.get(at) else { return };
    let Some(mut listing) = Listing::of(function) else { return };
    let mut function = function.clone();
    let maker = Maker { module, function: &function };
    let place = choices.below(listing.items.len() + 1);
    match choices.below(10) {
        0..4 => listing.insert(place, maker.phrase(choices)),
        4 => listing.insert(place, vec![maker.any(choices)]),
        5 => {
            let count = choices.below(3) + 1;
            listing.remove(place, count);
        }
        6 | 7 => {
            let changed = listing.items.get(place).and_then(|item| maker.other_operand(item, choices));
            listing.items.get_mut(place).into_iter().zip(changed).for_each(|(item, changed)| *item = changed);
        }
        8 => {
            let count = choices.below(6) + 1;
            let run: Vec<_> = listing.items.iter().skip(place).take(count).cloned().collect();
            let to = if choices.once_in(2) { place } else { choices.below(listing.items.len() + 1) };
            listing.insert(to, run);
        }
        _ => {
            let stack = maker.stack_at(at, listing.offset(place), choices);
            listing.branch(&mut function, place, stack, choices);
        }
    }
    listing.write(&mut function);
    module.functions.get_mut(at).into_iter().for_each(|slot| slot.clone_from(&function));
}

impl Listing {
    fn of(function: &Function) -> Option<Self> {
        let (mut items, mut offsets) = (Vec::new(), Vec::new());
        let mut reader = Reader::new(&function.code);
        while !reader.is_empty() {
            let start = reader.position();
            Inst::decode(&mut reader).ok()?;
            offsets.push(start as u32);
            items.push(function.code.get(start..reader.position())?.to_vec());
        }
        offsets.push(function.code.len() as u32);
        let place = |offset: CodeOffset| offsets.partition_point(|known| *known < offset.0);
        Some(Listing {
            items,
            targets: function.targets.iter().map(|target| place(target.offset)).collect(),
            handlers: function.handlers.iter().map(|handler| (place(handler.start), place(handler.end))).collect(),
        })
    }

    fn offset(&self, place: usize) -> u32 {
        self.items.iter().take(place).map(Vec::len).sum::<usize>() as u32
    }

    fn places(&mut self) -> impl Iterator<Item = &mut usize> {
        self.targets.iter_mut().chain(self.handlers.iter_mut().flat_map(|(start, end)| [start, end]))
    }

    fn insert(&mut self, place: usize, items: Vec<Vec<u8>>) {
        let count = items.len();
        let place = place.min(self.items.len());
        self.items.splice(place..place, items);
        self.places().filter(|known| **known > place).for_each(|known| *known += count);
    }

    fn remove(&mut self, place: usize, count: usize) {
        let end = (place + count).min(self.items.len());
        let start = place.min(end);
        self.items.drain(start..end);
        self.places().filter(|known| **known > start).for_each(|known| *known = (*known).max(end) - (end - start));
    }

    /// A conditional branch from one place to a new target at another, forwards or back.
    fn branch(&mut self, function: &mut Function, from: usize, stack: Vec<TypeIndex>, choices: &mut Choices) {
        let span = choices.below(8);
        let to = if choices.once_in(3) { from.saturating_sub(span) } else { (from + span).min(self.items.len()) };
        let index = match self.targets.iter().position(|known| *known == to) {
            Some(known) => known,
            None => {
                let index = self.targets.partition_point(|known| *known < to);
                self.renumber_targets(index as u32);
                self.targets.insert(index, to);
                let live = match choices.below(3) {
                    0 => LocalSet::default(),
                    1 => LocalSet::first(function.entry_count().min(256)),
                    _ => LocalSet::first(function.local_count().min(256)),
                };
                function.targets.insert(index, Target { stack, live, ..Target::default() });
                for handler in &mut function.handlers {
                    handler.target.0 += u32::from(handler.target.at() >= index);
                }
                for serve in &mut function.serve_points {
                    serve.target.0 += u32::from(serve.target.at() >= index);
                }
                index
            }
        };
        let condition = if choices.once_in(2) { Inst::PushTrue {} } else { Inst::PushFalse {} };
        let jump = Inst::JmpIf { target: TargetIndex(index as u32) };
        self.insert(from, vec![encoded(&condition), encoded(&jump)]);
    }

    /// Makes room for a target in front of which `index` others stand.
    fn renumber_targets(&mut self, index: u32) {
        let renumbered = |target: TargetIndex| TargetIndex(target.0 + u32::from(target.0 >= index));
        for item in &mut self.items {
            let Ok(inst) = Inst::decode(&mut Reader::new(item)) else { continue };
            let operands = inst.operands();
            let list: Vec<TargetIndex> = operands
                .iter()
                .filter_map(|operand| if let AnyOperand::Targets(targets) = operand { Some(*targets) } else { None })
                .flat_map(|targets| targets.iter().collect::<Vec<_>>())
                .map(renumbered)
                .collect();
            let operands: Vec<AnyOperand<'_>> = operands
                .iter()
                .map(|operand| {
                    if let AnyOperand::Target(target) = operand {
                        AnyOperand::Target(renumbered(*target))
                    } else if let AnyOperand::Targets(_) = operand {
                        AnyOperand::Targets(Targets::List(&list))
                    } else {
                        *operand
                    }
                })
                .collect();
            let changed = Inst::from_operands(inst.opcode(), &operands).map(|inst| encoded(&inst));
            changed.into_iter().for_each(|changed| item.clone_from(&changed));
        }
    }

    fn write(&self, function: &mut Function) {
        let mut offsets = Vec::new();
        function.code.clear();
        for item in &self.items {
            offsets.push(CodeOffset(function.code.len() as u32));
            function.code.extend_from_slice(item);
        }
        offsets.push(CodeOffset(function.code.len() as u32));
        let offset = |place: usize| offsets.get(place).copied().unwrap_or_default();
        for (target, place) in function.targets.iter_mut().zip(&self.targets) {
            target.offset = offset(*place);
        }
        for (handler, (start, end)) in function.handlers.iter_mut().zip(&self.handlers) {
            (handler.start, handler.end) = (offset(*start), offset(*end));
        }
    }
}

fn encoded(inst: &Inst<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    inst.encode(&mut out);
    out
}

/// Makes instructions for a function.
struct Maker<'m> {
    module: &'m Module,
    function: &'m Function,
}

/// Numbers at which something changes.
const INTS: [i64; 16] = [0, 1, -1, 2, 3, 7, 8, 63, 64, 255, 256, 1 << 31, -(1 << 60), 1 << 60, i64::MAX, i64::MIN];
const FLOATS: [f64; 8] = [0.0, -0.0, 1.0, -1.5, 1e300, f64::INFINITY, f64::NAN, 9.3e18];

impl Maker<'_> {
    /// An instruction with operands of the right kinds.
    fn any(&self, choices: &mut Choices) -> Vec<u8> {
        let opcode = choices.pick(INSTRUCTIONS).map(|info| info.opcode);
        self.with_operands(opcode.unwrap_or(Opcode::Drop), choices)
    }

    fn with_operands(&self, opcode: Opcode, choices: &mut Choices) -> Vec<u8> {
        let list = self.some_targets(choices);
        let kinds = opcode.info().operands.iter();
        let operands: Vec<AnyOperand<'_>> = kinds.map(|(_, kind)| self.operand(*kind, &list, choices)).collect();
        Inst::from_operands(opcode, &operands).map(|inst| encoded(&inst)).unwrap_or_default()
    }

    /// The instruction with other operands.
    fn other_operand(&self, item: &[u8], choices: &mut Choices) -> Option<Vec<u8>> {
        let inst = Inst::decode(&mut Reader::new(item)).ok()?;
        let list = self.some_targets(choices);
        let mut operands = inst.operands();
        if operands.is_empty() {
            return Some(self.like(inst.opcode(), choices));
        }
        let at = choices.below(operands.len());
        let operand = operands.get_mut(at)?;
        *operand = self.operand(operand.kind(), &list, choices);
        Inst::from_operands(inst.opcode(), &operands).map(|inst| encoded(&inst))
    }

    /// An instruction with the same effect on the stack, if there is another.
    fn like(&self, opcode: Opcode, choices: &mut Choices) -> Vec<u8> {
        let alike = INSTRUCTIONS.iter().filter(|info| info.effect == opcode.info().effect);
        let alike: Vec<Opcode> = alike.map(|info| info.opcode).collect();
        self.with_operands(choices.pick(&alike).copied().unwrap_or(opcode), choices)
    }

    fn some_targets(&self, choices: &mut Choices) -> Vec<TargetIndex> {
        let count = self.function.targets.len();
        (0..choices.below(4)).map(|_| TargetIndex(choices.below(count) as u32)).collect()
    }

    fn operand<'l>(&self, kind: OperandKind, list: &'l [TargetIndex], choices: &mut Choices) -> AnyOperand<'l> {
        let module = self.module;
        let mut below = |count: usize| choices.below(count + usize::from(count == 0)) as u32;
        match kind {
            OperandKind::Int => AnyOperand::Int(self.int(choices)),
            OperandKind::Float => AnyOperand::Float(FloatBits(choices.pick(&FLOATS).copied().unwrap_or(0.5).to_bits())),
            OperandKind::Text => AnyOperand::Text(TextData(self.data(true, choices))),
            OperandKind::Bytes => AnyOperand::Bytes(BytesData(self.data(false, choices))),
            OperandKind::Local => AnyOperand::Local(LocalIndex(below(self.function.local_count()))),
            OperandKind::Type => AnyOperand::Type(TypeIndex(below(module.types.all().len()))),
            OperandKind::Field => AnyOperand::Field(FieldIndex(below(4))),
            OperandKind::Variant => AnyOperand::Variant(VariantIndex(below(3))),
            OperandKind::Function => {
                AnyOperand::Function(FunctionIndex(below(module.imports.len() + module.functions.len())))
            }
            OperandKind::Host => AnyOperand::Host(HostIndex(below(module.hosts.len()))),
            OperandKind::Target => AnyOperand::Target(TargetIndex(below(self.function.targets.len()))),
            OperandKind::Targets => AnyOperand::Targets(Targets::List(list)),
            OperandKind::Depth => AnyOperand::Depth(Depth(below(4))),
        }
    }

    fn int(&self, choices: &mut Choices) -> i64 {
        match choices.below(8) {
            0 => choices.bits() as i64 >> choices.below(64),
            1 => choices.below(70_000) as i64,
            _ => choices.pick(&INTS).copied().unwrap_or(0),
        }
    }

    fn data(&self, text: bool, choices: &mut Choices) -> DataIndex {
        let data = self.module.data.iter().zip(0..);
        let fit: Vec<u32> = data.filter(|(data, _)| matches!(data, Data::Text(_)) == text).map(|(_, index)| index).collect();
        DataIndex(choices.pick(&fit).copied().unwrap_or(0))
    }

    /// What is put on the stack for one instruction, the instruction, and what takes its result away.
    fn phrase(&self, choices: &mut Choices) -> Vec<Vec<u8>> {
        let inst = self.any(choices);
        let Some(info) = Inst::decode(&mut Reader::new(&inst)).ok().map(|inst| inst.opcode().info()) else {
            return Vec::new();
        };
        let named = Inst::decode(&mut Reader::new(&inst)).ok().and_then(|inst| inst.operands().first().copied());
        let named = named.and_then(|operand| if let AnyOperand::Type(ty) = operand { Some(ty) } else { None });
        let (pops, pushes) = self.guessed_effect(info.effect, named, choices);
        let mut phrase = Vec::new();
        for ty in pops {
            self.put(ty, &mut phrase, choices, 2);
        }
        phrase.push(inst);
        for _ in 0..pushes {
            if choices.once_in(3) {
                phrase.push(self.with_operands(Opcode::Store, choices));
            } else {
                phrase.push(encoded(&Inst::Drop {}));
            }
        }
        phrase
    }

    /// Types that may do for what an effect pops, and how many values it pushes, from the words of its rule.
    fn guessed_effect(&self, effect: Effect, named: Option<TypeIndex>, choices: &mut Choices) -> (Vec<TypeIndex>, usize) {
        match effect {
            Effect::Fixed(pops, pushes) => (pops.to_vec(), pushes.len()),
            Effect::Rule(rule) => {
                let (left, right) = rule.text().split_once("--").unwrap_or((rule.text(), ""));
                let right = right.split(';').next().unwrap_or("").split(',').next().unwrap_or("");
                let one = self.some_type(choices);
                let ty = |word: &str, choices: &mut Choices| match word {
                    "Int" => INT,
                    "Bool" => BOOL,
                    "Any" => ANY,
                    "T" | "N" | "B" | "O" if !choices.once_in(3) => named.unwrap_or(one),
                    _ => self.some_type(choices),
                };
                let words: Vec<&str> = left.split_whitespace().filter(|word| *word != "..").collect();
                (words.iter().map(|word| ty(word, choices)).collect(), right.split_whitespace().count())
            }
        }
    }

    fn some_type(&self, choices: &mut Choices) -> TypeIndex {
        const COMMON: [TypeIndex; 8] = [INT, FLOAT, BOOL, TEXT, BYTES, ANY, NULL, TEXT_BUILDER];
        let local = choices.below(self.function.local_count());
        match choices.below(3) {
            0 => choices.pick(&COMMON).copied().unwrap_or(INT),
            1 => TypeIndex(choices.below(self.module.types.all().len()) as u32),
            _ => self.function.local(LocalIndex(local as u32)).unwrap_or(INT),
        }
    }

    /// Puts a value of a type on the stack.
    fn put(&self, ty: TypeIndex, phrase: &mut Vec<Vec<u8>>, choices: &mut Choices, depth: usize) {
        let locals = (0..self.function.local_count() as u32).map(LocalIndex);
        let fit: Vec<LocalIndex> = locals.filter(|local| self.function.local(*local) == Some(ty)).collect();
        if let Some(local) = choices.pick(&fit).filter(|_| depth < 2 || !choices.clone().once_in(3)) {
            phrase.push(encoded(&Inst::Load { local: *local }));
            return;
        }
        let of_type = |phrase: &mut Vec<Vec<u8>>, inst: Inst<'_>| phrase.push(encoded(&inst));
        match (ty, self.module.types.get(ty)) {
            (INT, _) => of_type(phrase, Inst::PushInt { value: self.int(choices) }),
            (FLOAT, _) => phrase.push(self.with_operands(Opcode::PushFloat, choices)),
            (BOOL, _) => of_type(phrase, Inst::PushTrue {}),
            (NULL, _) => of_type(phrase, Inst::PushNull {}),
            (TEXT, _) => phrase.push(self.with_operands(Opcode::PushText, choices)),
            (BYTES, _) => phrase.push(self.with_operands(Opcode::PushBytes, choices)),
            (TEXT_BUILDER, _) => of_type(phrase, Inst::TextBuilder {}),
            (BYTES_BUILDER, _) => of_type(phrase, Inst::BytesBuilder {}),
            (ANY, _) if depth > 0 => {
                let inner = self.some_type(choices);
                self.put(inner, phrase, choices, depth - 1);
                of_type(phrase, Inst::ToAny { depth: Depth(0) });
            }
            (_, Some(Type::Array(_))) => {
                of_type(phrase, Inst::PushInt { value: choices.below(9) as i64 });
                of_type(phrase, Inst::ArrayNew { ty });
            }
            (_, Some(Type::List(_))) => of_type(phrase, Inst::ListNew { ty }),
            (_, Some(Type::Map(..) | Type::Set(_))) => of_type(phrase, Inst::MapNew { ty }),
            (_, Some(Type::Option(inner))) if depth > 0 && !choices.once_in(3) => {
                self.put(*inner, phrase, choices, depth - 1);
                of_type(phrase, Inst::Some { ty });
            }
            (_, Some(Type::Tuple(items))) if depth > 0 => {
                items.iter().for_each(|item| self.put(*item, phrase, choices, depth - 1));
                of_type(phrase, Inst::New { ty });
            }
            (_, Some(Type::Record(_, fields) | Type::Object(_, fields))) if depth > 0 => {
                fields.iter().for_each(|field| self.put(field.ty, phrase, choices, depth - 1));
                of_type(phrase, Inst::New { ty });
            }
            (_, Some(Type::Sum(_, variants))) if depth > 0 => {
                let at = choices.below(variants.len());
                let fields = variants.get(at).into_iter().flat_map(|variant| &variant.fields);
                fields.for_each(|field| self.put(field.ty, phrase, choices, depth - 1));
                of_type(phrase, Inst::NewVariant { ty, variant: VariantIndex(at as u32) });
            }
            (_, Some(Type::Function(..))) => phrase.push(self.with_operands(Opcode::PushFunction, choices)),
            _ => of_type(phrase, Inst::PushNull {}),
        }
    }

    /// The types on the stack at an offset, when the verifier knows the module.
    fn stack_at(&self, function: usize, offset: u32, choices: &mut Choices) -> Vec<TypeIndex> {
        if choices.once_in(8) {
            return Vec::new();
        }
        let Ok(verified) = fardel_bytecode::verify::verify(self.module.clone()) else { return Vec::new() };
        let facts = verified.facts(function);
        let point = facts.points.iter().find(|point| point.offset.0 == offset);
        point.map(|point| facts.stack(point).to_vec()).unwrap_or_default()
    }
}
