//! Fibers and messages: a row of stages that starts and ends at `main`.
//!
//! **Invariant:** each fiber that receives is sent to by one fiber only, and each message that is waited for comes: a
//! stage sends one for each that it takes, whatever traps in between.

use super::world::{INSIDE_ANY, Maker, Role, SHOWN, STAGE};
use crate::index::{FunctionIndex, LocalIndex};
use crate::isa::{Inst, Opcode};
use crate::operand::Depth;
use crate::types::*;

impl Maker<'_, '_, '_> {
    /// The first function: statements around a row of stages.
    pub(super) fn main(&mut self) {
        self.open();
        self.statements(10);
        self.row();
        self.statements(6);
        self.end_fiber();
    }

    /// Starts stages from the last to the first, sends messages in, and takes as many out at the end.
    fn row(&mut self) {
        let Some(address) = self.local(ADDRESS) else { return };
        let messages = self.source.below(4);
        self.body.emit(Inst::Self_ {}, 0, &[ADDRESS]);
        self.body.emit(Inst::Store { local: address }, 1, &[]);
        for _ in 0..self.source.below(4) {
            self.body.emit(Inst::Load { local: address }, 0, &[ADDRESS]);
            self.body.emit(Inst::PushInt { value: messages as i64 }, 0, &[INT]);
            self.body.emit(Inst::Spawn { function: STAGE }, 2, &[ADDRESS]);
            self.body.emit(Inst::Store { local: address }, 1, &[]);
        }
        for _ in 0..messages {
            let ty = self.source.pick(SHOWN, INT);
            self.simple(ty);
            self.body.emit(Inst::Load { local: address }, 0, &[ADDRESS]);
            self.body.emit(Inst::Send { ty }, 2, &[]);
            self.guarded();
        }
        for _ in 0..messages {
            self.body.emit(Inst::AwaitRecv {}, 0, &[ANY]);
            self.print_top(ANY);
        }
    }

    /// Takes as many messages as it is told, and sends something for each: what it made of it, or what trapped.
    pub(super) fn stage(&mut self) {
        let (next, count) = (LocalIndex(0), LocalIndex(1));
        self.variables.clear();
        self.open();
        let (Some(message), Some(result)) = (self.local(ANY), self.local(ANY)) else { return };
        let (top, done) = (self.body.label(), self.body.label());
        self.body.place(top);
        self.body.emit(Inst::Load { local: count }, 0, &[INT]);
        self.body.emit(Inst::PushInt { value: 0 }, 0, &[INT]);
        self.body.emit(Inst::Gt {}, 2, &[BOOL]);
        self.body.jump(Opcode::JmpUnless, done);
        self.body.emit(Inst::AwaitRecv {}, 0, &[ANY]);
        self.body.emit(Inst::Store { local: message }, 1, &[]);
        self.variables.push(message);
        self.loops += 1;
        self.guarded_with(
            |maker| {
                maker.statements(4);
                maker.made(message);
                maker.body.emit(Inst::Store { local: result }, 1, &[]);
            },
            |maker| maker.body.emit(Inst::Store { local: result }, 1, &[]),
        );
        self.loops -= 1;
        self.variables.pop();
        self.body.emit(Inst::Load { local: result }, 0, &[ANY]);
        self.body.emit(Inst::Load { local: next }, 0, &[ADDRESS]);
        self.body.emit(Inst::Send { ty: ANY }, 2, &[]);
        self.body.emit(Inst::Load { local: count }, 0, &[INT]);
        self.body.emit(Inst::PushInt { value: 1 }, 0, &[INT]);
        self.body.emit(Inst::Sub {}, 2, &[INT]);
        self.body.emit(Inst::Store { local: count }, 1, &[]);
        self.body.jump(Opcode::Jmp, top);
        self.body.place(done);
        self.body.serve(top, count);
        self.end_fiber();
    }

    /// The message itself, or something else.
    fn made(&mut self, message: LocalIndex) {
        if self.source.flip() {
            self.body.emit(Inst::Load { local: message }, 0, &[ANY]);
        } else {
            let inside = self.source.pick(INSIDE_ANY, INT);
            self.value(inside, 2);
            self.body.emit(Inst::ToAny { depth: Depth(0) }, 1, &[ANY]);
        }
    }

    /// Starts a fiber that sends nothing and receives nothing.
    pub(super) fn spawn_leaf(&mut self, depth: usize) {
        if !self.may_call() || self.loops > 0 {
            return;
        }
        let plans = self.world.plans.iter().enumerate();
        let found: Vec<usize> =
            plans.filter(|(_, plan)| plan.role == Role::Leaf && plan.captures.is_empty()).map(|(at, _)| at).collect();
        let at = self.source.pick(&found, 0);
        let params = &self.world.plans[at].params;
        params.iter().for_each(|param| self.loose(*param, depth));
        self.body.emit(Inst::Spawn { function: FunctionIndex(at as u32) }, params.len(), &[ADDRESS]);
    }
}
