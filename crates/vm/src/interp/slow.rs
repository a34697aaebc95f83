//! The bridge from the fast operations to the safe ones: registers are written back, a function of [`crate::runtime`]
//! works on the core, registers are read again. An operation that is called here needs no register of its own, so the
//! handler that calls it still ends in a jump.

use super::{Dispatch, Regs, Stop, save};
use crate::core::Core;
use crate::runtime::Cx;

/// A safe operation.
pub(crate) type Slow = fn(&mut Cx<'_>) -> Result<(), Stop>;

/// Calls a safe operation.
///
/// # Safety
/// As for every operation; and the instruction has an extension.
#[inline(always)]
pub(super) unsafe fn run<D: Dispatch>(regs: Regs, slow: Slow) -> D::Out {
    // SAFETY: by contract; the safe operation has the core to itself while it runs.
    unsafe {
        save(regs);
        match call(regs.core, slow) {
            None => {
                let saved = &(*regs.core).saved;
                D::next(Regs { pc: saved.pc, fp: saved.fp, top: saved.top, fuel: saved.fuel, ..regs })
            }
            Some(stop) => D::stopped(stop),
        }
    }
}

/// # Safety
/// `core` is the machine that runs the fiber, `saved` its registers, and the instruction has an extension.
#[inline(never)]
unsafe fn call(core: *mut Core, slow: Slow) -> Option<Stop> {
    // SAFETY: by contract.
    let (core, op, extra) = unsafe {
        let core = &mut *core;
        let pc = core.saved.pc;
        (core, *pc, (*pc.add(1)).code.extra)
    };
    let fuel = core.saved.fuel;
    let mut cx = Cx::new(core, op, extra);
    match slow(&mut cx) {
        Ok(()) => {
            cx.advance();
            None
        }
        Err(stop) => {
            // It runs again from the start once there is room, and a retry is free; pieces that are done are not.
            if stop == Stop::NeedSpace && !cx.keeps_charge {
                core.saved.fuel = fuel;
            }
            Some(stop)
        }
    }
}
