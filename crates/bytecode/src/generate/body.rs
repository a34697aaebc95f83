//! A function's code with labels, and its way to targets with stacks and live locals.
//!
//! **Invariant:** `stack` is what the verifier sees at the same place.

use crate::index::{CodeOffset, LocalIndex, TargetIndex, TypeIndex};
use crate::isa::{ENDS, Effects, Inst, Opcode, TRAPS};
use crate::module::{Function, Handler, LocalSet, ServePoint, Target};
use crate::operand::Targets;
use crate::types::ERROR;

/// A place in the code that a branch may name before it is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(usize);

enum Op {
    Plain(Inst<'static>),
    Jump(Opcode, Label),
    Switch(Vec<Label>),
}

#[derive(Default)]
struct Place {
    /// The instruction that it stands before, once it is placed.
    at: Option<usize>,
    /// The stack there, once a way to it is known.
    stack: Option<Vec<TypeIndex>>,
    used: bool,
}

/// Code under construction.
#[derive(Default)]
pub(super) struct Body {
    ops: Vec<Op>,
    places: Vec<Place>,
    /// Start, end and target.
    ranges: Vec<(usize, usize, Label)>,
    serve: Option<(Label, LocalIndex)>,
    pub(super) stack: Vec<TypeIndex>,
}

impl Body {
    /// Appends an instruction that pops so many values and pushes these.
    pub(super) fn emit(&mut self, inst: Inst<'static>, pops: usize, pushes: &[TypeIndex]) {
        debug_assert!(self.stack.len() >= pops, "{inst:?}");
        self.stack.truncate(self.stack.len() - pops);
        self.stack.extend_from_slice(pushes);
        self.ops.push(Op::Plain(inst));
    }

    pub(super) fn label(&mut self) -> Label {
        self.places.push(Place::default());
        Label(self.places.len() - 1)
    }

    /// A label that is known to find this stack.
    pub(super) fn label_with(&mut self, stack: Vec<TypeIndex>) -> Label {
        self.places.push(Place { stack: Some(stack), ..Place::default() });
        Label(self.places.len() - 1)
    }

    /// Appends a branch. What a jump leaves on the stack at its target is what is left here.
    pub(super) fn jump(&mut self, opcode: Opcode, label: Label) {
        self.stack.truncate(self.stack.len() - usize::from(opcode != Opcode::Jmp));
        self.lead_to(label);
        self.ops.push(Op::Jump(opcode, label));
    }

    pub(super) fn switch(&mut self, labels: Vec<Label>) {
        self.stack.pop();
        labels.iter().for_each(|label| self.lead_to(*label));
        self.ops.push(Op::Switch(labels));
    }

    fn lead_to(&mut self, label: Label) {
        let place = &mut self.places[label.0];
        place.stack.get_or_insert_with(|| self.stack.clone());
        place.used = true;
    }

    /// Puts a label here; the stack becomes what the ways to it bring.
    pub(super) fn place(&mut self, label: Label) {
        let place = &mut self.places[label.0];
        place.at = Some(self.ops.len());
        self.stack = place.stack.get_or_insert_with(|| self.stack.clone()).clone();
    }

    /// Where the next instruction will stand, for a handler's range.
    pub(super) fn here(&self) -> usize {
        self.ops.len()
    }

    /// Sends the traps from `start` up to here to a label.
    pub(super) fn handle(&mut self, start: usize, label: Label) {
        self.ranges.push((start, self.ops.len(), label));
        let place = &mut self.places[label.0];
        place.stack = Some(vec![ERROR]);
        place.used = true;
    }

    pub(super) fn serve(&mut self, label: Label, state: LocalIndex) {
        self.serve = Some((label, state));
    }

    /// Fills in code, targets, handlers and serve points.
    pub(super) fn finish(mut self, function: &mut Function) {
        self.ranges.sort_by_key(|(start, end, _)| (*end, std::cmp::Reverse(*start)));
        let live = self.liveness();
        let mut places: Vec<usize> = self.places.iter().filter(|place| place.used).filter_map(|place| place.at).collect();
        places.sort_unstable();
        places.dedup();
        let at = |label: Label| self.places[label.0].at.unwrap_or_default();
        let target = |label: Label| TargetIndex(places.partition_point(|place| *place < at(label)) as u32);
        let mut offsets = Vec::new();
        for op in &self.ops {
            offsets.push(CodeOffset(function.code.len() as u32));
            match op {
                Op::Plain(inst) => inst.encode(&mut function.code),
                Op::Jump(opcode, label) => {
                    Inst::from_operands(*opcode, &[target(*label).into()])
                        .into_iter()
                        .for_each(|inst| inst.encode(&mut function.code));
                }
                Op::Switch(labels) => {
                    let targets: Vec<TargetIndex> = labels.iter().map(|label| target(*label)).collect();
                    Inst::Switch { targets: Targets::List(&targets) }.encode(&mut function.code);
                }
            }
        }
        offsets.push(CodeOffset(function.code.len() as u32));
        let stack = |at: usize| {
            self.places.iter().find(|place| place.used && place.at == Some(at)).and_then(|place| place.stack.clone())
        };
        function.targets = places
            .iter()
            .map(|at| Target { offset: offsets[*at], stack: stack(*at).unwrap_or_default(), live: live[*at] })
            .collect();
        let handler = |(start, end, label): &(usize, usize, Label)| Handler {
            start: offsets[*start],
            end: offsets[*end],
            target: target(*label),
        };
        function.handlers = self.ranges.iter().map(handler).collect();
        function.serve_points =
            self.serve.iter().map(|(label, state)| ServePoint { target: target(*label), state: *state }).collect();
    }

    /// What is live before each instruction: repeated from the end to the start until nothing changes.
    fn liveness(&self) -> Vec<LocalSet> {
        let mut live = vec![LocalSet::default(); self.ops.len() + 1];
        let at = |label: &Label| self.places[label.0].at.unwrap_or_default();
        loop {
            let mut changed = false;
            for index in (0..self.ops.len()).rev() {
                let (ways, effects): (Vec<usize>, Effects) = match &self.ops[index] {
                    Op::Plain(inst) => (Vec::new(), inst.opcode().info().effects),
                    Op::Jump(opcode, label) => (vec![at(label)], opcode.info().effects),
                    Op::Switch(labels) => (labels.iter().map(at).collect(), Opcode::Switch.info().effects),
                };
                let mut set = if effects.has(ENDS) { LocalSet::default() } else { live[index + 1] };
                ways.iter().for_each(|way| set.insert_all(&live[*way]));
                if let Op::Plain(Inst::Store { local } | Inst::Tee { local }) = &self.ops[index] {
                    set.remove(*local);
                } else if let Op::Plain(Inst::Load { local }) = &self.ops[index] {
                    set.insert(*local);
                }
                let handler = self.ranges.iter().find(|(start, end, _)| (*start..*end).contains(&index));
                if let Some((_, _, label)) = handler.filter(|_| effects.has(TRAPS)) {
                    set.insert_all(&live[at(label)]);
                }
                changed |= live[index] != set;
                live[index] = set;
            }
            if !changed {
                return live;
            }
        }
    }
}
