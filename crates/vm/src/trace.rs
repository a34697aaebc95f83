//! Telling a tracer of each instruction.

use crate::code::Op;
use crate::core::Core;
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
