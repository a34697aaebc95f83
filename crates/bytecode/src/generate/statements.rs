//! Statements: code that leaves the operand stack as it was.
//!
//! **Invariant:** each loop counts a local of its own down from at most three, and no other code changes it.

use super::world::Maker;
use crate::index::{FieldIndex, TypeIndex};
use crate::isa::{INSTRUCTIONS, Inst, Opcode};
use crate::operand::Depth;
use crate::types::*;

/// Loops inside each other.
const LOOPS_MAX: usize = 2;

/// The longest text, byte string, list or map that stays in a variable.
const LENGTH_MAX: i64 = 100;

impl Maker<'_, '_, '_> {
    /// Variables with values, statements, and one of the ways to end.
    pub(super) fn plain(&mut self, statements: usize) {
        self.open();
        self.statements(statements);
        self.end();
    }

    /// Makes variables and gives each its first value.
    pub(super) fn open(&mut self) {
        for _ in 0..2 + self.source.below(5) {
            let ty = self.any_type();
            let Some(local) = self.local(ty) else { return };
            self.simple(ty);
            self.body.emit(Inst::Store { local }, 1, &[]);
            self.variables.push(local);
        }
    }

    pub(super) fn statements(&mut self, most: usize) {
        for _ in 0..self.source.below(most + 1) {
            if self.budget == 0 {
                return;
            }
            self.statement();
        }
    }

    fn statement(&mut self) {
        self.budget = self.budget.saturating_sub(1);
        // Few traps end the program, so that most of it runs.
        if self.handled == 0 && self.body.stack.is_empty() && self.source.below(8) > 0 {
            return self.guarded();
        }
        match self.source.below(12) {
            0 | 1 => self.print(2),
            2 | 3 => self.assign(),
            4 | 5 => self.use_any(),
            6 => self.choice(),
            7 => self.repeat(),
            _ if self.body.stack.is_empty() => self.guarded(),
            _ => self.use_any(),
        }
    }

    fn assign(&mut self) {
        let at = self.source.below(self.variables.len());
        let Some(local) = self.variables.get(at).copied() else { return };
        let ty = self.locals[local.at()];
        self.loose(ty, 3);
        self.cut(ty);
        self.body.emit(Inst::Store { local }, 1, &[]);
    }

    /// Uses some instruction and does something with what it leaves.
    fn use_any(&mut self) {
        let height = self.body.stack.len();
        let at = self.source.below(INSTRUCTIONS.len());
        self.apply(INSTRUCTIONS[at].opcode, None, 2);
        while self.body.stack.len() > height {
            let ty = self.body.stack.last().copied().unwrap_or(NULL);
            match self.variable(ty).filter(|_| self.source.flip()) {
                Some(local) => {
                    self.cut(ty);
                    self.body.emit(Inst::Store { local }, 1, &[]);
                }
                None => self.print_top(ty),
            }
        }
    }

    fn choice(&mut self) {
        let (other, end) = (self.body.label(), self.body.label());
        self.value(BOOL, 2);
        self.body.jump(Opcode::JmpUnless, other);
        self.statements(2);
        self.body.jump(Opcode::Jmp, end);
        self.body.place(other);
        self.statements(2);
        self.body.place(end);
    }

    /// A loop, tested at the bottom.
    fn repeat(&mut self) {
        if self.loops == LOOPS_MAX {
            return;
        }
        let Some(local) = self.local(INT) else { return };
        let value = 1 + self.source.below(3) as i64;
        self.body.emit(Inst::PushInt { value }, 0, &[INT]);
        self.body.emit(Inst::Store { local }, 1, &[]);
        let top = self.body.label();
        self.body.place(top);
        self.loops += 1;
        self.statements(3);
        self.loops -= 1;
        self.body.emit(Inst::Load { local }, 0, &[INT]);
        self.body.emit(Inst::PushInt { value: 1 }, 0, &[INT]);
        self.body.emit(Inst::SubWrap {}, 2, &[INT]);
        self.body.emit(Inst::Tee { local }, 1, &[INT]);
        self.body.emit(Inst::PushInt { value: 0 }, 0, &[INT]);
        self.body.emit(Inst::Gt {}, 2, &[BOOL]);
        self.body.jump(Opcode::JmpIf, top);
    }

    /// Statements whose traps are handled.
    pub(super) fn guarded(&mut self) {
        self.guarded_with(|maker| maker.statements(3), |maker| maker.print_top(TEXT));
    }

    /// Code whose traps are handled by code that takes the kind of the trap. The operand stack is empty around it.
    pub(super) fn guarded_with(&mut self, inside: impl FnOnce(&mut Self), caught: impl FnOnce(&mut Self)) {
        let (handler, end) = (self.body.label(), self.body.label());
        let start = self.body.here();
        // Two handlers never cover one range: each begins with an instruction of its own.
        self.body.emit(Inst::Yield {}, 0, &[]);
        self.handled += 1;
        inside(self);
        self.handled -= 1;
        self.body.handle(start, handler);
        self.body.jump(Opcode::Jmp, end);
        self.body.place(handler);
        if self.prints() && self.source.flip() {
            self.body.emit(Inst::Dup {}, 1, &[ERROR, ERROR]);
            self.body.emit(Inst::Field { ty: ERROR, field: FieldIndex(1) }, 1, &[TEXT]);
            self.print_top(TEXT);
        }
        self.body.emit(Inst::Field { ty: ERROR, field: FieldIndex(0) }, 1, &[TEXT]);
        caught(self);
        self.body.place(end);
    }

    /// Puts a small value in place of one on top that has grown too long.
    pub(super) fn cut(&mut self, ty: TypeIndex) {
        let grows = |ty: &Type| matches!(ty, Type::Text | Type::Bytes | Type::List(_) | Type::Map(..) | Type::Set(_));
        // What only fits here, as a null, has no length.
        if self.body.stack.last() != Some(&ty) || !self.world.types.get(ty).is_some_and(grows) {
            return;
        }
        let end = self.body.label();
        self.body.emit(Inst::Dup {}, 1, &[ty, ty]);
        self.body.emit(Inst::Len {}, 1, &[INT]);
        self.body.emit(Inst::PushInt { value: LENGTH_MAX }, 0, &[INT]);
        self.body.emit(Inst::Le {}, 2, &[BOOL]);
        self.body.jump(Opcode::JmpIf, end);
        self.body.emit(Inst::Drop {}, 1, &[]);
        self.simple(ty);
        self.body.place(end);
    }

    /// Returns, or calls somebody in place of returning.
    fn end(&mut self) {
        let world = self.world;
        let fits = |ty: &Type| matches!(ty, Type::Function(_, result) if *result == self.plan.result);
        let tail = self.source.below(3);
        if tail == 1 {
            let callable = world.callable(self.at, false);
            let found = callable.into_iter().find(|function| world.plans[function.at()].result == self.plan.result);
            if let Some(function) = found {
                let params = &world.plans[function.at()].params;
                params.iter().for_each(|param| self.loose(*param, 1));
                self.body.emit(Inst::TailCall { function }, params.len(), &[]);
                return;
            }
        }
        if tail == 2 && self.may_call() {
            let found = world.types.all().iter().position(fits).map(|at| TypeIndex(at as u32));
            if let Some((ty, Type::Function(params, _))) =
                found.and_then(|ty| world.types.get(ty).map(|descriptor| (ty, descriptor)))
            {
                params.iter().for_each(|param| self.loose(*param, 1));
                self.value(ty, 1);
                self.body.emit(Inst::TailCallValue { ty }, params.len() + 1, &[]);
                return;
            }
        }
        if let Some(result) = self.plan.result {
            self.loose(result, 2);
        }
        self.body.emit(Inst::Ret {}, self.body.stack.len(), &[]);
    }

    /// Ends the fiber, with a reason or by returning.
    pub(super) fn end_fiber(&mut self) {
        if self.source.below(3) == 2 {
            self.simple(INT);
            self.body.emit(Inst::ToAny { depth: Depth(0) }, 1, &[ANY]);
            self.body.emit(Inst::Exit {}, 1, &[]);
        } else {
            self.body.emit(Inst::Ret {}, 0, &[]);
        }
    }
}
