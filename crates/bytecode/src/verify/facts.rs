//! What the tiers want to know about a verified function: types and liveness at every place.
//!
//! A pass forward gives the types, one backward the liveness. Since targets carry theirs, neither has to be repeated.
//!
//! **Invariant:** a local that is not in `live_after` of an instruction is never read before it is assigned anew, on no
//! way, trap handlers included.

use super::pass::{Pass, Sight, Witness};
use super::tables::Tables;
use crate::index::{CodeOffset, TargetIndex, TypeIndex};
use crate::isa::{ENDS, Inst, TRAPS};
use crate::leb::Reader;
use crate::module::{Function, LocalSet, Module};

/// What the verifier knows of one function: rule 5 of the contract between the tiers.
#[derive(Clone, Debug, Default)]
pub struct FunctionFacts {
    /// The most operand slots in use at any place.
    pub stack_max: usize,
    /// One for each instruction, in the order of the code. Every instruction is reached.
    pub points: Vec<Point>,
    /// The stacks of all points.
    pub stacks: Vec<TypeIndex>,
    /// For each target, whether a branch backwards leads to it.
    pub loop_headers: Vec<bool>,
}

impl FunctionFacts {
    /// The types on the operand stack before a point's instruction, the top last.
    pub fn stack(&self, point: &Point) -> &[TypeIndex] {
        self.stacks.get(point.stack.start as usize..point.stack.end as usize).unwrap_or(&[])
    }
}

/// What holds before one instruction.
#[derive(Clone, Debug)]
pub struct Point {
    /// Where it stands.
    pub offset: CodeOffset,
    /// The target at this place, if there is one.
    pub target: Option<TargetIndex>,
    /// The innermost handler that covers it: its position among the function's handlers.
    pub handler: Option<usize>,
    /// The operand stack before it: a range of [`FunctionFacts::stacks`].
    pub stack: std::ops::Range<u32>,
    /// Locals that this or a later instruction may read before they are assigned. Where the instruction may trap, those
    /// that its handler may read are among them: while a callee runs or a fiber waits, exactly these are live.
    pub live_before: LocalSet,
    /// Locals that a later instruction may read before they are assigned, when this one has not trapped.
    pub live_after: LocalSet,
}

/// The facts about one of the module's own functions.
pub(super) fn of(module: &Module, tables: &Tables, function: usize) -> FunctionFacts {
    let Some(function) = module.functions.get(function) else { return FunctionFacts::default() };
    let mut pass = Pass::new(module, tables, function);
    let mut facts = FunctionFacts::default();
    let outcome = pass.watch(function, &mut facts);
    debug_assert!(outcome.is_ok(), "a verified function is verified once more");
    facts.loop_headers = pass.places.take_headers();
    liveness(function, &mut facts.points);
    facts
}

impl Witness for FunctionFacts {
    fn point(&mut self, sight: Sight<'_>) {
        let stack = self.place_stack(sight.stack);
        self.stack_max = self.stack_max.max(sight.stack.len());
        self.points.push(Point {
            offset: sight.offset,
            target: sight.target,
            handler: sight.handler,
            stack,
            live_before: LocalSet::default(),
            live_after: LocalSet::default(),
        });
    }
}

impl FunctionFacts {
    /// Finds or makes room for a stack. One that only grew or shrank since the last point shares its slots.
    fn place_stack(&mut self, stack: &[TypeIndex]) -> std::ops::Range<u32> {
        let last = self.points.last().map_or(0..0, |point| point.stack.clone());
        let start = last.start as usize;
        let kept = self.stacks.get(start..).unwrap_or(&[]);
        let common = kept.len().min(stack.len());
        if kept.get(..common) == stack.get(..common) {
            self.stacks.extend_from_slice(stack.get(common..).unwrap_or(&[]));
            return last.start..last.start + stack.len() as u32;
        }
        let start = self.stacks.len() as u32;
        self.stacks.extend_from_slice(stack);
        start..start + stack.len() as u32
    }
}

/// Fills in what is live, from the last instruction to the first.
fn liveness(function: &Function, points: &mut [Point]) {
    let at_target =
        |target: TargetIndex| function.targets.get(target.at()).map_or_else(LocalSet::default, |target| target.live);
    let mut next = LocalSet::default();
    for point in points.iter_mut().rev() {
        let mut reader = Reader::new(function.code.get(point.offset.at()..).unwrap_or(&[]));
        let Ok(inst) = Inst::decode(&mut reader) else { return };
        let effects = inst.opcode().info().effects;
        let mut live = if effects.has(ENDS) { LocalSet::default() } else { next };
        if let Inst::Jmp { target } | Inst::JmpIf { target } | Inst::JmpUnless { target } | Inst::JmpIfNull { target } = inst
        {
            live.insert_all(&at_target(target));
        } else if let Inst::Switch { targets } = inst {
            targets.iter().for_each(|target| live.insert_all(&at_target(target)));
        }
        point.live_after = live;
        if let Inst::Load { local } = inst {
            live.insert(local);
        } else if let Inst::Store { local } | Inst::Tee { local } = inst {
            live.remove(local);
        }
        if let Some(handler) = point.handler.and_then(|at| function.handlers.get(at)).filter(|_| effects.has(TRAPS)) {
            live.insert_all(&at_target(handler.target));
        }
        // What a target declares is what every way to it reckons with.
        point.live_before = point.target.map_or(live, at_target);
        next = point.live_before;
    }
}
