//! Looking at code: telling a tracer of each instruction, listing the internal form.

use crate::code::{OP_BYTES, Op};
use crate::config::Dispatch;
use crate::core::Core;
use crate::interp::table::{OPERATIONS, Operation};
use crate::lower::emit::operation_code;
use crate::machine::TraceEvent;
use fardel_bytecode::Inst;
use fardel_bytecode::leb::Reader;

/// Tells the tracer of the instruction at `pc`, if one of the bytecode begins there.
pub(crate) fn observe(core: &mut Core, pc: *const Op) {
    let Some(mut tracer) = core.tracer.take() else { return };
    let place = (pc as usize - core.code_base as usize) as u32;
    let fp = (core.observed_fp as usize).wrapping_sub(core.block.base() as usize);
    let function = core.block.load(fp) as u32;
    if let Some(entry) = core.functions.get(function as usize)
        && let Ok(at) = entry.places.binary_search_by_key(&place, |(place, _)| *place)
    {
        let module = &core.modules[entry.module as usize];
        let offset = entry.places[at].1;
        let code = &module.module.module().functions[entry.position as usize].code;
        let mut reader = Reader::new(code.get(offset as usize..).unwrap_or_default());
        if let Ok(inst) = Inst::decode(&mut reader) {
            tracer(&TraceEvent {
                fiber: core.fibers.id(core.current),
                function: module.function_name(entry.position as usize),
                offset,
                mnemonic: inst.opcode().info().mnemonic,
                mailbox: u64::from(core.fibers.get(core.current).count),
            });
        }
    }
    core.tracer = Some(tracer);
}

impl Core {
    /// A function in the internal form, a line an instruction: its place, name and operands.
    pub(crate) fn listing(&self, function: u32) -> String {
        use std::fmt::Write as _;
        let entry = &self.functions[function as usize];
        let mut out = String::new();
        let (mut at, end) = (entry.entry as usize / OP_BYTES, entry.end as usize / OP_BYTES);
        while at < end {
            let op = &self.code[at];
            let name =
                operation_at(self.config.dispatch, op).map_or("extension".to_owned(), |operation| format!("{operation:?}"));
            let _ =
                writeln!(out, "{:4} {name} {} {} {} {}", at - entry.entry as usize / OP_BYTES, op.a, op.b, op.lo(), op.hi());
            at += 1;
        }
        out
    }
}

/// The operation that an instruction holds; nothing for most extensions.
fn operation_at(dispatch: Dispatch, op: &Op) -> Option<Operation> {
    let code = |operation: &Operation| operation_code(dispatch, *operation);
    OPERATIONS.iter().copied().find(|operation| Op { code: code(operation), a: 0, b: 0, c: 0 }.extra() == op.extra())
}
