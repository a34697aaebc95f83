//! The types of the operand stack at labels, found by following every way through a function until nothing changes.
//!
//! **Invariant:** a label's types only become wider, and the work has a limit in proportion to the code, so it ends.

use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::isa::ENDS;
use fardel_bytecode::limits::STACK_MAX;
use fardel_bytecode::types::ERROR;

use crate::ir::Body;
use crate::typing::{Fit, Typing, fit, join};

/// A place that something jumps to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The instruction that stands there.
    pub(crate) at: u32,
    /// Its stack as a range of [`Flow::slots`].
    start: u32,
    height: u32,
    /// Whether a way leads there.
    pub(crate) is_known: bool,
    /// Whether a handler fixes its stack.
    pub(crate) is_handler: bool,
    is_queued: bool,
    /// The instruction from which it was first reached, or [`FUNCTION_START`].
    pub(crate) from: u32,
}

/// What is known of a body's places.
#[derive(Default)]
pub(crate) struct Flow {
    /// In the order of the code, one a place.
    pub(crate) places: Vec<Place>,
    pub(crate) slots: Vec<TypeIndex>,
    /// For each label its place, if something leads there.
    of_label: Vec<Option<u32>>,
    /// Whether a place that was known became wider.
    is_widened: bool,
    /// Whether the limit of the work was reached.
    pub(crate) is_exhausted: bool,
    budget: u64,
    queue: std::collections::VecDeque<u32>,
    stack: Vec<TypeIndex>,
}

/// Says of a place that it is first reached at the function's start.
const FUNCTION_START: u32 = u32::MAX;

/// Work that any function may take.
const BUDGET_BASE: u64 = 1 << 22;
/// Work that each instruction adds: it is looked at once for each time that a label before it becomes wider.
const BUDGET_INSTRUCTION: u64 = 64;
/// Slots of all places of a function.
const SLOTS_MAX: usize = 16 << 20;

/// Finds the stacks at all places of a body, and the types that it leaves out.
pub(crate) fn infer(typing: &mut Typing<'_, '_>, body: &mut Body<'_>) -> Flow {
    let mut flow = Flow::new(body);
    flow.follow_all(typing, body);
    if flow.is_widened && body.code.iter().any(|ir| ir.left_out) {
        // A type that was left out may have been taken from a stack that was not yet as wide as it became. With the types
        // filled in, what followed from the first guess is forgotten.
        for ir in &mut body.code {
            ir.left_out &= ir.args[0] == 0;
        }
        flow = Flow::new(body);
        flow.follow_all(typing, body);
    }
    flow
}

impl Flow {
    fn new(body: &Body<'_>) -> Self {
        let at = |label: u32| body.labels.get(label as usize).and_then(|label| label.at);
        let jumps = body.code.iter().flat_map(|ir| ir.labels(&body.tables)).copied();
        let handlers = body.handles.iter().map(|handle| handle.target);
        let serves = body.serves.iter().map(|serve| serve.label);
        let mut used = vec![false; body.labels.len()];
        jumps
            .chain(handlers)
            .chain(serves)
            .for_each(|label| used.get_mut(label as usize).into_iter().for_each(|used| *used = true));
        let labels = (0..).zip(&used).filter(|(_, used)| **used).map(|(label, _)| label);
        let mut sorted: Vec<(u32, u32)> = labels.filter_map(|label: u32| Some((at(label)?, label))).collect();
        sorted.sort_unstable();
        let mut flow = Flow { of_label: vec![None; body.labels.len()], ..Flow::default() };
        for (at, label) in sorted {
            if flow.places.last().is_none_or(|last| last.at != at) {
                flow.places.push(Place {
                    at,
                    start: 0,
                    height: 0,
                    is_known: false,
                    is_handler: false,
                    is_queued: false,
                    from: at,
                });
            }
            let place = flow.places.len() as u32 - 1;
            flow.of_label.get_mut(label as usize).into_iter().for_each(|slot| *slot = Some(place));
        }
        flow.budget = BUDGET_BASE + BUDGET_INSTRUCTION * body.code.len() as u64;
        flow
    }

    /// The place of a label that something leads to.
    pub(crate) fn place(&self, label: u32) -> Option<u32> {
        self.of_label.get(label as usize).copied().flatten()
    }

    /// Where in [`Flow::slots`] the stack at a place is.
    pub(crate) fn range(&self, place: &Place) -> (u32, u32) {
        (place.start, place.height)
    }

    fn follow_all(&mut self, typing: &mut Typing<'_, '_>, body: &mut Body<'_>) {
        for handle in &body.handles {
            let Some(place) = self.place(handle.target) else { continue };
            self.stack.clear();
            self.stack.push(ERROR);
            self.arrive(typing, place, 0);
            self.places.get_mut(place as usize).into_iter().for_each(|place| place.is_handler = true);
        }
        self.stack.clear();
        self.follow(typing, body, 0, 0);
        while let Some(at) = self.queue.pop_front() {
            let Some(place) = self.places.get_mut(at as usize) else { continue };
            place.is_queued = false;
            let (start, end) = (place.start as usize, (place.start + place.height) as usize);
            let from = place.at as usize;
            self.stack.clear();
            self.stack.extend_from_slice(self.slots.get(start..end).unwrap_or(&[]));
            self.follow(typing, body, from, at as usize + 1);
            if self.is_exhausted {
                return;
            }
        }
    }

    /// Follows the code from one instruction to the next place, which is `next`, or to where it does not go on.
    fn follow(&mut self, typing: &mut Typing<'_, '_>, body: &mut Body<'_>, from: usize, next: usize) {
        let limit = self.places.get(next).map_or(usize::MAX, |place| place.at as usize);
        let mut at = from;
        loop {
            if at == limit {
                self.arrive(typing, next as u32, at.checked_sub(1).map_or(FUNCTION_START, |at| at as u32));
                return;
            }
            let Some(ir) = body.code.get_mut(at) else { return };
            if typing.step(ir, &self.stack).is_err() || !self.take(typing) {
                return;
            }
            self.spend(1 + typing.pops.len() as u64 / 16);
            if let (true, Some(ty)) = (ir.left_out, typing.inferred) {
                ir.args[0] = ty.0;
            }
            for label in ir.labels(&body.tables) {
                if let Some(place) = self.place(*label) {
                    self.arrive(typing, place, at as u32);
                }
            }
            if ir.opcode.info().effects.has(ENDS) || self.is_exhausted {
                return;
            }
            self.stack.extend_from_slice(&typing.pushes);
            if self.stack.len() > STACK_MAX {
                return;
            }
            at += 1;
        }
    }

    /// Takes the operands from the stack, unless they don't fit.
    fn take(&mut self, typing: &Typing<'_, '_>) -> bool {
        let Some(below) = self.stack.len().checked_sub(typing.pops.len()) else { return false };
        let found = self.stack.get(below..).unwrap_or(&[]);
        let fits = found.iter().zip(&typing.pops).all(|(found, wanted)| fit(typing.pool, *found, *wanted) != Fit::No);
        self.stack.truncate(below);
        fits
    }

    fn spend(&mut self, work: u64) {
        match self.budget.checked_sub(work) {
            Some(left) => self.budget = left,
            None => self.is_exhausted = true,
        }
    }

    /// Brings the stack to a place.
    fn arrive(&mut self, typing: &mut Typing<'_, '_>, at: u32, from: u32) {
        self.spend(1 + self.stack.len() as u64 / 16);
        let Some(place) = self.places.get_mut(at as usize) else { return };
        if !place.is_known {
            if self.slots.len() + self.stack.len() > SLOTS_MAX {
                self.is_exhausted = true;
                return;
            }
            (place.start, place.height, place.from) = (self.slots.len() as u32, self.stack.len() as u32, from);
            (place.is_known, place.is_queued) = (true, true);
            self.slots.extend_from_slice(&self.stack);
            self.queue.push_back(at);
            return;
        }
        let (start, end) = (place.start as usize, (place.start + place.height) as usize);
        let Some(held) = self.slots.get_mut(start..end) else { return };
        if place.is_handler || held.len() != self.stack.len() || held == self.stack {
            return;
        }
        let mut changed = false;
        for (held, found) in held.iter_mut().zip(&self.stack).filter(|(held, found)| held != found) {
            let wider = join(typing.pool, *held, *found);
            changed |= wider != *held;
            *held = wider;
        }
        if changed {
            self.is_widened = true;
            if !place.is_queued {
                place.is_queued = true;
                self.queue.push_back(at);
            }
        }
    }
}
