//! The code of barriers: a function of the machine's own, made of instructions like any other, so that a barrier is a fiber
//! like any other.
//!
//! A fiber that arrives sends a token, and takes the answer at its slot. One that has waited long enough sends its token
//! in a list, and no longer counts.

use crate::core::Core;
use crate::door::HostTable;
use fardel_bytecode::index::{CodeOffset, FunctionIndex, LocalIndex, TargetIndex};
use fardel_bytecode::isa::Inst;
use fardel_bytecode::module::{Export, Function, LocalSet, Module, Target};
use fardel_bytecode::operand::Depth;
use fardel_bytecode::types::{ANY, INT, LIST_ANY, REF};
use fardel_bytecode::verify::verify;

const PARTIES: LocalIndex = LocalIndex(0);
const WAITING: LocalIndex = LocalIndex(1);
const MESSAGE: LocalIndex = LocalIndex(2);
const AT: LocalIndex = LocalIndex(3);

/// Code with labels that are placed later.
#[derive(Default)]
struct Writer {
    code: Vec<u8>,
    places: Vec<(TargetIndex, CodeOffset, LocalSet)>,
}

impl Writer {
    fn all(&mut self, insts: &[Inst<'_>]) {
        insts.iter().for_each(|inst| inst.encode(&mut self.code));
    }

    /// Places a label, at which these locals live.
    fn place(&mut self, label: TargetIndex, live: &[LocalIndex]) {
        let mut set = LocalSet::default();
        live.iter().for_each(|local| set.insert(*local));
        self.places.push((label, CodeOffset(self.code.len() as u32), set));
    }
}

/// The module with the function of barriers.
fn module() -> Module {
    use Inst::*;
    let label = TargetIndex;
    let (round, next, leaves, look, found, answer, answered) =
        (label(0), label(1), label(2), label(3), label(4), label(5), label(6));
    let mut writer = Writer::default();
    writer.place(round, &[PARTIES]);
    writer.all(&[ListNew { ty: LIST_ANY }, Store { local: WAITING }]);
    writer.place(next, &[PARTIES, WAITING]);
    writer.all(&[AwaitRecv {}, Store { local: MESSAGE }]);
    writer.all(&[Load { local: MESSAGE }, Is { ty: LIST_ANY }, JmpIf { target: leaves }]);
    writer.all(&[Load { local: MESSAGE }, Is { ty: REF }, JmpUnless { target: next }]);
    writer.all(&[Load { local: WAITING }, Load { local: MESSAGE }, ListPush {}]);
    writer.all(&[Load { local: WAITING }, Len {}, Load { local: PARTIES }, Lt {}, JmpIf { target: next }]);
    writer.all(&[PushInt { value: 0 }, Store { local: AT }, Jmp { target: answer }]);
    // One leaves: the token is looked for.
    writer.place(leaves, &[PARTIES, WAITING, MESSAGE]);
    writer.all(&[
        Load { local: MESSAGE },
        Cast { ty: LIST_ANY },
        Len {},
        PushInt { value: 0 },
        Eq {},
        JmpIf { target: next },
    ]);
    writer.all(&[Load { local: MESSAGE }, Cast { ty: LIST_ANY }, PushInt { value: 0 }, Get {}, Store { local: MESSAGE }]);
    writer.all(&[PushInt { value: 0 }, Store { local: AT }]);
    writer.place(look, &[PARTIES, WAITING, MESSAGE, AT]);
    writer.all(&[Load { local: AT }, Load { local: WAITING }, Len {}, Ge {}, JmpIf { target: next }]);
    writer.all(&[
        Load { local: WAITING },
        Load { local: AT },
        Get {},
        Load { local: MESSAGE },
        Eq {},
        JmpIf { target: found },
    ]);
    writer.all(&[Load { local: AT }, PushInt { value: 1 }, Add {}, Store { local: AT }, Jmp { target: look }]);
    writer.place(found, &[PARTIES, WAITING, AT]);
    writer.all(&[Load { local: WAITING }, Load { local: AT }, ListRemove {}, Drop {}, Jmp { target: next }]);
    // All are here: each is told which one it was.
    writer.place(answer, &[PARTIES, WAITING, AT]);
    writer.all(&[Load { local: AT }, Load { local: WAITING }, Len {}, Ge {}, JmpIf { target: answered }]);
    writer.all(&[Load { local: AT }, ToAny { depth: Depth(0) }]);
    writer.all(&[Load { local: WAITING }, Load { local: AT }, Get {}, Cast { ty: REF }, Reply {}]);
    writer.all(&[Load { local: AT }, PushInt { value: 1 }, Add {}, Store { local: AT }, Jmp { target: answer }]);
    writer.place(answered, &[PARTIES]);
    writer.all(&[Jmp { target: round }]);
    let targets = writer.places.iter().map(|(_, offset, live)| Target { offset: *offset, stack: Vec::new(), live: *live });
    let function = Function {
        name: "barrier".to_owned(),
        params: vec![INT],
        locals: vec![LIST_ANY, ANY, INT],
        targets: targets.collect(),
        code: writer.code,
        ..Function::default()
    };
    let exports = vec![Export { name: "barrier".to_owned(), function: FunctionIndex(0) }];
    Module { functions: vec![function], exports, ..Module::default() }
}

impl Core {
    /// The machine's number of the function of barriers, which is loaded when it is first wanted.
    pub(crate) fn barrier_function(&mut self) -> Option<u32> {
        if self.barrier.is_none() {
            let verified = verify(module()).ok()?;
            let code = self.code_base;
            self.load(&verified, &HostTable::default()).ok()?;
            // The arena may have moved under the fiber that runs.
            self.saved.pc = self.code_base.wrapping_byte_add(self.saved.pc as usize - code as usize);
            self.barrier = self.find_module(verified.hash())?.export("barrier").map(|(number, _)| number);
        }
        self.barrier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_barriers_is_sound() {
        let result = verify(module());
        assert!(result.is_ok(), "{:?}", result.err());
    }
}
