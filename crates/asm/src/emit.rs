//! From an elaborated body to a function of the module.
//!
//! Types and data get their final indices here, in the order of the code, so that the same code gives the same module
//! however it was written.
//!
//! **Invariant:** only places to which something leads become targets.

use fardel_bytecode::Inst;
use fardel_bytecode::index::{
    CodeOffset, DataIndex, FieldIndex, FunctionIndex, HostIndex, LocalIndex, TargetIndex, TypeIndex, VariantIndex,
};
use fardel_bytecode::isa::AnyOperand;
use fardel_bytecode::limits::{CODE_BYTES_MAX, DATA_MAX};
use fardel_bytecode::module::{Function, FunctionDebug, Handler, LocalSet, ServePoint, Target};
use fardel_bytecode::operand::{BytesData, Depth, FloatBits, OperandKind, Targets, TextData};
use fardel_bytecode::types::ANY;

use crate::data_pool::DataPool;
use crate::diagnostic::{Code, Report, Sink, Told};
use crate::elaborate::Elaborated;
use crate::ir::{Body, Ir};
use crate::items::Head;
use crate::live::{Liveness, first_read, liveness};
use crate::scope::Signature;
use crate::type_pool::TypePool;

/// A function and what a debugger wants of it.
pub(crate) struct Emitted {
    pub(crate) function: Function,
    pub(crate) debug: FunctionDebug,
}

/// Unassigned locals that are told of one function.
const UNASSIGNED_TOLD_MAX: usize = 8;

/// Emits a function.
pub(crate) fn emit<'a>(
    pool: &mut TypePool,
    data: &mut DataPool<'a>,
    head: &Head<'a>,
    signature: &Signature<'a>,
    body: &Body<'a>,
    out: &Elaborated,
    sink: &mut Sink,
) -> Result<Emitted, Told> {
    let live = liveness(out);
    let entry = signature.captures.len() + signature.params.len();
    check_assigned(out, body, &live, entry, sink)?;
    let mut emitter =
        Emitter { pool, data, out, live, indices: Vec::new(), targets: Vec::new(), code: Vec::new(), lines: Vec::new() };
    emitter.number_targets();
    let needed =
        |emitter: &mut Emitter<'_, '_>, types: &[TypeIndex]| types.iter().map(|ty| emitter.pool.need(*ty)).collect();
    let mut function = Function {
        name: head.name.text.clone().into_owned(),
        captures: needed(&mut emitter, &signature.captures),
        params: needed(&mut emitter, &signature.params),
        result: signature.result.map(|ty| emitter.pool.need(ty)),
        mailbox: head.mailbox.as_ref().map(|types| needed(&mut emitter, types)),
        locals: needed(&mut emitter, body.locals.get(entry..).unwrap_or(&[])),
        ..Function::default()
    };
    let offsets = emitter.code();
    if emitter.code.len() > CODE_BYTES_MAX || emitter.data.count() > DATA_MAX {
        let message = format!(
            "the code of `{}` has {} bytes, at most {CODE_BYTES_MAX} are allowed",
            function.name,
            emitter.code.len()
        );
        return Err(Report::error(Code::TooLarge, head.name.span, message).hint("split the function").tell(sink));
    }
    let offset = |at: u32| CodeOffset(offsets.get(at as usize).copied().unwrap_or(0));
    let target = |place: u32| TargetIndex(emitter.indices.get(place as usize).copied().unwrap_or(0));
    let handlers = out.handlers.iter();
    function.handlers = handlers
        .map(|handler| Handler { start: offset(handler.start), end: offset(handler.end), target: target(handler.place) })
        .collect();
    function.serve_points = serve_points(out, &emitter, sink)?;
    (function.targets, function.code) = (emitter.targets, emitter.code);
    let locals = body.names.iter().map(|name| name.clone().into_owned()).collect();
    Ok(Emitted { function, debug: FunctionDebug { locals, lines: emitter.lines } })
}

/// Says which locals may be read before they are assigned.
fn check_assigned(out: &Elaborated, body: &Body<'_>, live: &Liveness, entry: usize, sink: &mut Sink) -> Result<(), Told> {
    if LocalSet::first(entry).contains_all(&live.entry) {
        return Ok(());
    }
    for local in live.entry.iter().filter(|local| local.at() >= entry).take(UNASSIGNED_TOLD_MAX) {
        let name = body.names.get(local.at()).map_or("?", |name| name.as_ref());
        let span = first_read(out, local).map_or(body.end, |ir| ir.span);
        let report = Report::error(Code::Unassigned, span, format!("the local `{name}` may be read before it is assigned"));
        let is_any = body.locals.get(local.at()) == Some(&ANY);
        let how = if is_any { format!("`push null` and `store {name}`") } else { format!("`store {name}`") };
        let hint = format!("assign it on every way to here, as with {how}; a trap may come before an assignment");
        report.label("read here").hint(hint).tell(sink);
    }
    Err(Told)
}

fn serve_points(out: &Elaborated, emitter: &Emitter<'_, '_>, sink: &mut Sink) -> Result<Vec<ServePoint>, Told> {
    let mut points = Vec::new();
    for serve in &out.serves {
        let live = emitter.live.places.get(serve.place as usize).copied().unwrap_or_default();
        if !live.contains(serve.state) {
            let report =
                Report::error(Code::BadRange, serve.span, "the state of a serve point is a local that its loop reads");
            return Err(report.label("never read from here on").tell(sink));
        }
        let target = TargetIndex(emitter.indices.get(serve.place as usize).copied().unwrap_or(0));
        points.push(ServePoint { target, state: serve.state });
    }
    points.sort_by_key(|point| point.target);
    Ok(points)
}

struct Emitter<'e, 'a> {
    pool: &'e mut TypePool,
    data: &'e mut DataPool<'a>,
    out: &'e Elaborated,
    live: Liveness,
    /// For each place its target.
    indices: Vec<u32>,
    targets: Vec<Target>,
    code: Vec<u8>,
    lines: Vec<(CodeOffset, u32)>,
}

impl Emitter<'_, '_> {
    /// Numbers the places to which something leads, in the order of the code.
    fn number_targets(&mut self) {
        self.indices = vec![u32::MAX; self.out.places.len()];
        for (target, (_, place)) in sorted_places(self.out).into_iter().enumerate() {
            self.indices.get_mut(place).into_iter().for_each(|slot| *slot = target as u32);
        }
    }

    /// Writes all instructions and gives the offset of each, and of the end.
    fn code(&mut self) -> Vec<u32> {
        let out = self.out;
        let mut offsets = Vec::with_capacity(out.code.len() + 1);
        let places = sorted_places(out);
        let mut places = places.iter().peekable();
        let mut jump_table = Vec::new();
        let (mut left_start, mut last_line) = (0, 0);
        for (ir, at) in out.code.iter().zip(0u32..) {
            let offset = self.code.len() as u32;
            offsets.push(offset);
            while let Some((_, place)) = places.next_if(|(place, _)| *place == at) {
                self.target(*place, offset);
            }
            if ir.line != last_line {
                self.lines.push((CodeOffset(offset), ir.line));
                last_line = ir.line;
            }
            self.instruction(ir, &mut jump_table);
            let left_end = out.left_ends.get(at as usize).copied().unwrap_or(0);
            for ty in out.left.get(left_start as usize..left_end as usize).unwrap_or(&[]) {
                self.pool.need(*ty);
            }
            left_start = left_end;
        }
        offsets.push(self.code.len() as u32);
        offsets
    }

    fn target(&mut self, place: usize, offset: u32) {
        let Some(known) = self.out.places.get(place) else { return };
        let (start, end) = (known.start as usize, (known.start + known.height) as usize);
        let stack = self.out.slots.get(start..end).unwrap_or(&[]);
        let stack = stack.iter().map(|ty| self.pool.need(*ty)).collect();
        let live = self.live.places.get(place).copied().unwrap_or_default();
        self.targets.push(Target { offset: CodeOffset(offset), stack, live });
    }

    fn instruction(&mut self, ir: &Ir, jump_table: &mut Vec<TargetIndex>) {
        let info = ir.opcode.info();
        jump_table.clear();
        if let Some((_, OperandKind::Targets)) = info.operands.first() {
            let places = ir.labels(&self.out.tables).iter();
            jump_table.extend(places.map(|place| TargetIndex(self.indices.get(*place as usize).copied().unwrap_or(0))));
        }
        let mut operands = [AnyOperand::Int(0); 3];
        let mut slots = ir.args.iter().copied();
        for ((_, kind), operand) in info.operands.iter().zip(&mut operands) {
            let mut next = || slots.next().unwrap_or(0);
            *operand = match kind {
                OperandKind::Int => AnyOperand::Int(ir.wide() as i64),
                OperandKind::Float => AnyOperand::Float(FloatBits(ir.wide())),
                OperandKind::Text => AnyOperand::Text(TextData(DataIndex(self.data.need(next())))),
                OperandKind::Bytes => AnyOperand::Bytes(BytesData(DataIndex(self.data.need(next())))),
                OperandKind::Local => AnyOperand::Local(LocalIndex(next())),
                OperandKind::Type => AnyOperand::Type(self.pool.need(TypeIndex(next()))),
                OperandKind::Field => AnyOperand::Field(FieldIndex(next())),
                OperandKind::Variant => AnyOperand::Variant(VariantIndex(next())),
                OperandKind::Function => AnyOperand::Function(FunctionIndex(next())),
                OperandKind::Host => AnyOperand::Host(HostIndex(next())),
                OperandKind::Target => {
                    AnyOperand::Target(TargetIndex(self.indices.get(next() as usize).copied().unwrap_or(0)))
                }
                OperandKind::Targets => AnyOperand::Targets(Targets::List(jump_table)),
                OperandKind::Depth => AnyOperand::Depth(Depth(next())),
            };
        }
        let operands = operands.get(..info.operands.len()).unwrap_or(&[]);
        let inst = Inst::from_operands(ir.opcode, operands);
        debug_assert!(inst.is_some());
        inst.into_iter().for_each(|inst| inst.encode(&mut self.code));
    }
}

/// The places that something leads to, in the order of the code: the instruction and the place.
fn sorted_places(out: &Elaborated) -> Vec<(u32, usize)> {
    let used = (0..).zip(&out.places).filter(|(_, place)| place.is_used);
    let mut sorted: Vec<(u32, usize)> = used.map(|(at, place)| (place.at, at)).collect();
    sorted.sort_unstable();
    sorted
}

const _: () = {
    let mut row = 0;
    while row < fardel_bytecode::isa::INSTRUCTIONS.len() {
        assert!(fardel_bytecode::isa::INSTRUCTIONS[row].operands.len() <= 3);
        row += 1;
    }
};
