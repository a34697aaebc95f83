//! From a body as it was written to one in which everything stands that a module needs.
//!
//! With the types at labels known, one walk in order checks each instruction, writes `to_any` where a value has to become
//! Any, fills in the types that were left out, and drops what no way leads to.
//!
//! **Invariant:** elaborating an elaborated body changes nothing.

use std::collections::BTreeMap;

use fardel_bytecode::Opcode;
use fardel_bytecode::index::{LocalIndex, TypeIndex};
use fardel_bytecode::isa::{ENDS, Effect, Rule};
use fardel_bytecode::limits::{STACK_CELLS_EACH, STACK_CELLS_FREE, STACK_MAX};
use fardel_bytecode::operand::OperandKind;

use crate::diagnostic::{Code, Report, Sink, Span, Told};
use crate::explain::Explainer;
use crate::flow::{self, Flow};
use crate::ir::{Body, Ir};
use crate::typing::{Fit, Typing, fit};

/// A place in elaborated code.
#[derive(Clone, Debug)]
pub(crate) struct OutPlace {
    /// The instruction that stands there.
    pub(crate) at: u32,
    /// Its stack as a range of [`Elaborated::slots`].
    pub(crate) start: u32,
    pub(crate) height: u32,
    /// Whether something leads there.
    pub(crate) is_used: bool,
    /// Whether a jump leads backwards there.
    pub(crate) is_header: bool,
}

/// A trap handler in elaborated code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutHandler {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) place: u32,
    pub(crate) span: Span,
}

/// A serve point in elaborated code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutServe {
    pub(crate) place: u32,
    pub(crate) state: LocalIndex,
    pub(crate) span: Span,
}

/// An elaborated body: the labels of its jumps are places.
#[derive(Debug, Default)]
pub(crate) struct Elaborated {
    pub(crate) code: Vec<Ir>,
    pub(crate) tables: Vec<u32>,
    pub(crate) places: Vec<OutPlace>,
    pub(crate) slots: Vec<TypeIndex>,
    pub(crate) handlers: Vec<OutHandler>,
    pub(crate) serves: Vec<OutServe>,
    /// For each instruction the types that it leaves, as a range's end in [`Elaborated::left`].
    pub(crate) left_ends: Vec<u32>,
    pub(crate) left: Vec<TypeIndex>,
}

/// Elaborates a body.
pub(crate) fn elaborate(typing: &mut Typing<'_, '_>, body: &mut Body<'_>, sink: &mut Sink) -> Result<Elaborated, Told> {
    let mut flow = flow::infer(typing, body);
    if flow.is_exhausted {
        let message = "the types on the operand stack at this function's labels do not settle";
        let hint = "keep fewer values on the stack across labels, and more in locals";
        return Err(Report::error(Code::TooLarge, body.end, message).hint(hint).tell(sink));
    }
    let mut out = Elaborated { slots: std::mem::take(&mut flow.slots), ..Elaborated::default() };
    let places = flow.places.iter().map(|place| {
        let (start, height) = flow.range(place);
        OutPlace { at: NOWHERE, start, height, is_used: false, is_header: false }
    });
    out.places.extend(places);
    let mut walk = Walk {
        typing,
        body,
        flow,
        sink,
        out,
        stack: Vec::new(),
        origins: Vec::new(),
        edges: BTreeMap::new(),
        edge_list: Vec::new(),
        out_at: Vec::new(),
        cells: STACK_CELLS_FREE,
        is_exhausted: false,
        way: Way::Open,
        unreachable: None,
        dropped: None,
        failed: false,
    };
    walk.run();
    walk.finish()
}

/// Whether control comes to an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Behind an instruction that does not go on.
    Closed,
    /// Behind an instruction with an error: nothing is known.
    Lost,
}

/// A block at the function's end, in which values become Any on the way to a label.
struct Edge {
    place: u32,
    /// The place of the block itself.
    block: u32,
    depths: Vec<u32>,
    from: Ir,
}

struct Walk<'w, 't, 'a, 'b, 's> {
    typing: &'w mut Typing<'t, 'a>,
    body: &'w Body<'b>,
    flow: Flow,
    sink: &'s mut Sink,
    out: Elaborated,
    stack: Vec<TypeIndex>,
    /// For each slot the instruction that left it there, or none behind a label.
    origins: Vec<u32>,
    edges: BTreeMap<(u32, Vec<TypeIndex>), u32>,
    edge_list: Vec<Edge>,
    /// For each instruction of the body where it stands in the elaborated code.
    out_at: Vec<u32>,
    /// What is left of the limit on all operand stacks together, and whether it was passed.
    cells: u64,
    is_exhausted: bool,
    way: Way,
    unreachable: Option<Span>,
    /// Instructions being left out: from the first to the last.
    dropped: Option<Span>,
    failed: bool,
}

/// Where a place stands that the walk has not come to yet.
const NOWHERE: u32 = u32::MAX;

/// A slot whose origin is not known.
pub(crate) const NO_ORIGIN: u32 = u32::MAX;

impl Walk<'_, '_, '_, '_, '_> {
    fn run(&mut self) {
        let mut labels: Vec<u32> = self.body.labels.iter().filter_map(|label| label.at).collect();
        labels.sort_unstable();
        let (mut next_label, mut next_place) = (0, 0);
        for at in 0..self.body.code.len() {
            let mut labelled = false;
            while labels.get(next_label).is_some_and(|label| *label as usize == at) {
                (labelled, next_label) = (true, next_label + 1);
            }
            let place = self.flow.places.get(next_place).filter(|place| place.at as usize == at);
            let is_place = place.is_some();
            if labelled {
                self.end_dropped();
                self.enter(is_place.then_some(next_place), at);
            }
            next_place += usize::from(is_place);
            self.out_at.push(self.out.code.len() as u32);
            self.instruction(at);
            if self.sink.is_full() || self.is_exhausted {
                self.failed = true;
                return;
            }
        }
        self.end_dropped();
        self.out_at.push(self.out.code.len() as u32);
        self.end(next_place);
        self.write_edges();
    }

    fn fail(&mut self, report: Report) {
        report.tell(self.sink);
        self.failed = true;
    }

    fn explainer(&self) -> Explainer<'_> {
        let Typing { pool, pops, .. } = &*self.typing;
        Explainer { pool, body: self.body, stack: &self.stack, origins: &self.origins, pops }
    }

    /// Comes to a label.
    fn enter(&mut self, place: Option<usize>, at: usize) {
        let known = place.and_then(|at| self.flow.places.get(at)).filter(|place| place.is_known).cloned();
        let Some(known) = known else {
            if self.way == Way::Closed {
                self.way = Way::Lost;
                if self.unreachable.is_none() {
                    let label = self.body.labels.iter().find(|label| label.at == Some(at as u32));
                    self.unreachable = label.map(|label| label.span);
                }
            }
            return;
        };
        let index = place.unwrap_or(0) as u32;
        if self.way == Way::Open
            && let Ok(depths) = self.depths_to(index, at.saturating_sub(1))
        {
            let before = self.out.code.last().copied();
            depths.iter().for_each(|depth| self.write_to_any(*depth, before));
        }
        let (start, height) = self.flow.range(&known);
        self.stack.clear();
        self.stack.extend_from_slice(self.out.slots.get(start as usize..(start + height) as usize).unwrap_or(&[]));
        self.origins.clear();
        self.origins.resize(self.stack.len(), NO_ORIGIN);
        self.way = Way::Open;
        let here = self.out.code.len() as u32;
        self.out.places.get_mut(index as usize).into_iter().for_each(|place| place.at = here);
    }

    fn instruction(&mut self, at: usize) {
        let Some(mut ir) = self.body.code.get(at).copied() else { return };
        match self.way {
            Way::Lost => return,
            Way::Closed => {
                self.dropped = Some(self.dropped.map_or(ir.span, |span| span.to(ir.span)));
                return;
            }
            Way::Open => {}
        }
        if self.spend(1 + ir.labels(&self.body.tables).len()).is_err() {
            return;
        }
        let stepped = self.typing.step(&ir, &self.stack);
        let stepped = stepped.map_err(|fault| self.explainer().fault(&fault, &ir)).and_then(|()| self.convert(&ir));
        if let Err(report) = stepped {
            self.way = Way::Lost;
            self.failed = true;
            report.into_iter().for_each(|report| {
                report.tell(self.sink);
            });
            return;
        }
        if let (true, Some(ty)) = (ir.left_out, self.typing.inferred) {
            ir.args[0] = ty.0;
        }
        ir.left_out = false;
        self.apply(ir, at);
    }

    /// Counts the operand stack towards the limit of all of them together, `times` times.
    fn spend(&mut self, times: usize) -> Result<(), Told> {
        self.cells += STACK_CELLS_EACH * times as u64;
        match self.cells.checked_sub(self.stack.len() as u64 * times as u64) {
            Some(left) => self.cells = left,
            None if self.is_exhausted => {}
            None => {
                self.is_exhausted = true;
                let message =
                    format!("the operand stacks before all instructions together have more than {STACK_CELLS_FREE} values");
                let span = self.body.end;
                self.fail(Report::error(Code::TooLarge, span, message).hint("keep values in a list or in locals"));
            }
        }
        if self.is_exhausted { Err(Told) } else { Ok(()) }
    }

    /// Makes the operands be of the types that the instruction wants.
    fn convert(&mut self, ir: &Ir) -> Result<(), Option<Report>> {
        let below = self.stack.len() - self.typing.pops.len();
        for at in below..self.stack.len() {
            let (Some(found), Some(wanted)) = (self.stack.get(at).copied(), self.typing.pops.get(at - below).copied())
            else {
                continue;
            };
            let depth = self.stack.len() - 1 - at;
            match fit(self.typing.pool, found, wanted) {
                Fit::Plain => {}
                Fit::Boxed => self.write_to_any(depth as u32, Some(*ir)),
                Fit::No => return Err(Some(self.explainer().operand(ir, depth, wanted))),
            }
        }
        Ok(())
    }

    /// Writes `to_any`.
    fn write_to_any(&mut self, depth: u32, beside: Option<Ir>) {
        let Some(beside) = beside else { return };
        let at = self.stack.len() - 1 - depth as usize;
        self.emit(beside.beside(Opcode::ToAny, depth), &[]);
        self.stack.get_mut(at).into_iter().for_each(|slot| *slot = fardel_bytecode::types::ANY);
    }

    fn emit(&mut self, ir: Ir, left: &[TypeIndex]) {
        self.out.code.push(ir);
        self.out.left.extend_from_slice(left);
        self.out.left_ends.push(self.out.left.len() as u32);
    }

    /// Writes an instruction whose operands fit, and goes behind it.
    fn apply(&mut self, ir: Ir, at: usize) {
        let pops = self.typing.pops.len();
        let below = self.stack.len() - pops;
        let pushes = std::mem::take(&mut self.typing.pushes);
        self.stack.truncate(below);
        let ends = ir.opcode.info().effects.has(ENDS);
        self.origins.truncate(below);
        if let Ok(ir) = self.branches(ir, at) {
            self.emit(ir, &pushes);
        }
        self.stack.extend_from_slice(&pushes);
        self.origins.resize(self.stack.len(), at as u32);
        self.typing.pushes = pushes;
        if self.stack.len() > STACK_MAX {
            let message = format!("more than {STACK_MAX} values on the operand stack");
            self.fail(Report::error(Code::TooLarge, ir.span, message).hint("keep values in a list or in locals"));
            self.way = Way::Lost;
        }
        if ends && self.way == Way::Open {
            self.way = Way::Closed;
        }
    }

    /// Leads the branches of an instruction to places. The stack is what is below its operands.
    fn branches(&mut self, mut ir: Ir, at: usize) -> Result<Ir, Told> {
        let body = self.body;
        let source = ir;
        let labels = source.labels(&body.tables);
        let Some(first) = labels.first().copied() else { return Ok(ir) };
        if ir.opcode.info().effect == Effect::Rule(Rule::Jump) {
            let place = self.flow.place(first).ok_or(Told)?;
            for depth in self.depths_to(place, at)? {
                self.write_to_any(depth, Some(ir));
            }
            self.lead(place);
            ir.args[0] = place;
            return Ok(ir);
        }
        let is_table = matches!(ir.opcode.info().operands.first(), Some((_, OperandKind::Targets)));
        let start = self.out.tables.len() as u32;
        for label in labels {
            let place = self.branch(*label, &ir, at)?;
            if is_table {
                self.out.tables.push(place);
            } else {
                ir.args[0] = place;
            }
        }
        if is_table {
            ir.args[0] = start;
        }
        Ok(ir)
    }

    /// The place to which a conditional branch goes: that of the label, or a block that converts on the way.
    fn branch(&mut self, label: u32, ir: &Ir, at: usize) -> Result<u32, Told> {
        let place = self.flow.place(label).ok_or(Told)?;
        let depths = self.depths_to(place, at)?;
        if depths.is_empty() {
            self.lead(place);
            return Ok(place);
        }
        let key = (place, self.stack.clone());
        if let Some(known) = self.edges.get(&key) {
            return Ok(*known);
        }
        let block = self.out.places.len() as u32;
        let (start, height) = (self.out.slots.len() as u32, self.stack.len() as u32);
        self.out.slots.extend_from_slice(&self.stack);
        self.out.places.push(OutPlace { at: NOWHERE, start, height, is_used: true, is_header: false });
        self.edges.insert(key, block);
        self.edge_list.push(Edge { place, block, depths, from: *ir });
        Ok(block)
    }

    /// Notes that the next instruction leads to a place.
    fn lead(&mut self, place: u32) {
        let here = self.out.code.len() as u32;
        let Some(place) = self.out.places.get_mut(place as usize) else { return };
        place.is_used = true;
        place.is_header |= place.at <= here;
    }

    /// The depths of the slots that have to become Any on the way to a place.
    fn depths_to(&mut self, place: u32, from: usize) -> Result<Vec<u32>, Told> {
        let Some(target) = self.flow.places.get(place as usize) else { return Err(Told) };
        let (start, height) = self.flow.range(target);
        let wanted = self.out.slots.get(start as usize..(start + height) as usize).unwrap_or(&[]);
        let ir = self.body.code.get(from).copied();
        let span = ir.map_or(self.body.end, |ir| ir.span);
        if wanted.len() != self.stack.len() {
            let report = self.explainer().heights(target, span, wanted.len());
            self.fail(report);
            return Err(Told);
        }
        let mut depths = Vec::new();
        let count = self.stack.len();
        for (at, (found, wanted)) in self.stack.iter().zip(wanted).enumerate() {
            let depth = count - 1 - at;
            match fit(self.typing.pool, *found, *wanted) {
                Fit::Plain => {}
                Fit::Boxed => depths.push(depth as u32),
                Fit::No => {
                    let report = self.explainer().slot(target, span, depth, *wanted);
                    self.fail(report);
                    return Err(Told);
                }
            }
        }
        Ok(depths)
    }

    fn end_dropped(&mut self) {
        if let Some(span) = self.dropped.take() {
            let report = Report::warning(Code::Dropped, span, "no way leads to these instructions; they are left out");
            report
                .label("behind an instruction that does not go on")
                .hint("a label makes a place reachable")
                .tell(self.sink);
        }
    }

    /// Comes to the function's end.
    fn end(&mut self, next_place: usize) {
        if let Some(place) = self.flow.places.get(next_place) {
            let at = place.at;
            let is_jumped_to = place.is_known;
            let label = self.body.labels.iter().find(|label| label.at == Some(at));
            if is_jumped_to && let Some(label) = label {
                let message = format!("no instruction stands behind the label `{}`", label.name);
                let span = label.span;
                self.fail(Report::error(Code::MissingReturn, span, message).hint("add `ret` before `end`"));
                return;
            }
        }
        if self.way == Way::Open {
            let last = self.body.code.last().map_or(self.body.end, |ir| ir.span);
            let report =
                Report::error(Code::MissingReturn, self.body.end, "the end of the function is reached without `ret`");
            let report =
                report.label("reached").also(last, "goes on behind this").hint("add `ret`, or a jump, before `end`");
            self.fail(report);
        }
    }

    fn write_edges(&mut self) {
        for edge in std::mem::take(&mut self.edge_list) {
            let here = self.out.code.len() as u32;
            self.out.places.get_mut(edge.block as usize).into_iter().for_each(|place| place.at = here);
            for depth in &edge.depths {
                self.emit(edge.from.beside(Opcode::ToAny, *depth), &[]);
            }
            self.lead(edge.place);
            self.emit(edge.from.beside(Opcode::Jmp, edge.place), &[]);
        }
    }

    fn finish(mut self) -> Result<Elaborated, Told> {
        if let Some(span) = self.unreachable.filter(|_| !self.failed) {
            let report = Report::error(Code::Unreachable, span, "no way leads to the code behind this label");
            let hint = "nothing jumps here, and the instruction before it does not go on; remove the code, or jump to it";
            self.fail(report.label("not reached").hint(hint));
        }
        if !self.failed {
            self.handlers();
            self.serves();
        }
        if self.failed { Err(Told) } else { Ok(self.out) }
    }

    fn out_at_label(&self, label: u32) -> (u32, u32) {
        let at = self.body.labels.get(label as usize).and_then(|label| label.at).unwrap_or(0);
        (at, self.out_at.get(at as usize).copied().unwrap_or(0))
    }

    fn handlers(&mut self) {
        let mut handlers: Vec<OutHandler> = Vec::new();
        for handle in &self.body.handles {
            let ((from, start), (to, end)) = (self.out_at_label(handle.from), self.out_at_label(handle.to));
            let Some(place) = self.flow.place(handle.target) else { continue };
            let target = self.out.places.get(place as usize).map_or(0, |place| place.at);
            let (problem, label) = if from >= to {
                ("this range ends before it begins", "covers nothing")
            } else if start >= end {
                ("no way leads to any instruction of this range", "covers nothing")
            } else if target < end {
                ("this handler stands before the end of the range that it is for", "stands too early")
            } else {
                self.out.places.get_mut(place as usize).into_iter().for_each(|place| place.is_used = true);
                handlers.push(OutHandler { start, end, place, span: handle.span });
                continue;
            };
            let hint = "write `handle from to target`, with the three labels in this order in the code";
            Report::error(Code::BadRange, handle.span, problem).label(label).hint(hint).tell(self.sink);
            self.failed = true;
        }
        handlers.sort_by_key(|handler| (handler.end, std::cmp::Reverse(handler.start)));
        self.check_nesting(&handlers);
        self.out.handlers = handlers;
    }

    /// Ranges, sorted by their ends, lie in one another or apart.
    fn check_nesting(&mut self, handlers: &[OutHandler]) {
        let mut roots: Vec<OutHandler> = Vec::new();
        for handler in handlers {
            let same = roots.last().copied().filter(|last| (last.start, last.end) == (handler.start, handler.end));
            while roots.last().is_some_and(|last| handler.start <= last.start) {
                roots.pop();
            }
            let crossed = roots.last().copied().filter(|last| handler.start < last.end);
            if let Some(other) = same.or(crossed) {
                let what = if same.is_some() { "is the same as" } else { "overlaps" };
                let report =
                    Report::error(Code::BadRange, handler.span, format!("the range of this handler {what} another"));
                report
                    .also(other.span, "the other")
                    .hint("of two ranges one lies in the other, or they lie apart")
                    .tell(self.sink);
                self.failed = true;
            }
            roots.push(*handler);
        }
    }

    fn serves(&mut self) {
        let mut serves: Vec<OutServe> = Vec::new();
        for serve in &self.body.serves {
            let Some(place) = self.flow.place(serve.label) else { continue };
            let is_header = self.out.places.get(place as usize).is_some_and(|place| place.is_header);
            if !is_header {
                let report = Report::error(Code::BadRange, serve.span, "a serve point is at the head of a loop");
                report.label("no jump leads backwards to this label").tell(self.sink);
                self.failed = true;
                continue;
            }
            serves.push(OutServe { place, state: serve.state, span: serve.span });
        }
        serves.sort_by_key(|serve| serve.place);
        if let Some([_, second]) = serves.windows(2).find(|two| matches!(two, [a, b] if a.place == b.place)) {
            Report::error(Code::BadRange, second.span, "this label is a serve point twice").tell(self.sink);
            self.failed = true;
        }
        self.out.serves = serves;
    }
}
