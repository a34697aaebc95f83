//! Dispatch by tail calls: each operation ends in a jump to the handler of the next.
//!
//! The compiler turns the last call of a handler into a jump when nothing of the handler's own lives on: no local whose
//! address was taken, nothing to drop, and no more than the six integers that travel in registers. A test runs code on
//! a small host stack, which a call in place of a jump would overflow.

use super::{Dispatch, Handler, Regs, Stop, ops, save, slow};
use crate::code::Op;
use crate::core::Core;

/// Whether this build can dispatch by tail calls: optimised, on a target that passes six integers in registers.
pub(crate) const AVAILABLE: bool = cfg!(tail_dispatch);

pub(crate) struct Tail;

impl Dispatch for Tail {
    type Out = Stop;

    #[inline(always)]
    unsafe fn next(regs: Regs) -> Stop {
        // SAFETY: by this function's contract there is an instruction at `pc`; under this dispatcher it holds a handler.
        unsafe { ((*regs.pc).code.handler)(regs.pc, regs.fp, regs.base, regs.top, regs.fuel, regs.core) }
    }

    #[inline(always)]
    unsafe fn stop(regs: Regs, stop: Stop) -> Stop {
        // SAFETY: the same contract.
        unsafe { save(regs) };
        stop
    }

    #[inline(always)]
    fn stopped(stop: Stop) -> Stop {
        stop
    }
}

macro_rules! handlers {
    (fast { $($fast:ident)* } slow { $($slow:ident)* }) => {
        mod handlers {
            use super::*;
            $(
                pub(super) unsafe extern "C" fn $fast(
                    pc: *const Op, fp: *mut u8, base: *mut u8, top: usize, fuel: i64, core: *mut Core,
                ) -> Stop {
                    // SAFETY: handlers are only called by `next`, whose contract is theirs.
                    unsafe { ops::$fast::<Tail>(Regs { pc, fp, base, top, fuel, core }) }
                }
            )*
            $(
                pub(super) unsafe extern "C" fn $slow(
                    pc: *const Op, fp: *mut u8, base: *mut u8, top: usize, fuel: i64, core: *mut Core,
                ) -> Stop {
                    // SAFETY: handlers are only called by `next`, whose contract is theirs.
                    unsafe { slow::run::<Tail>(Regs { pc, fp, base, top, fuel, core }, crate::runtime::$slow) }
                }
            )*
        }

        /// The handlers in the order of the operations.
        pub(crate) const HANDLERS: &[Handler] = &[$(handlers::$fast,)* $(handlers::$slow,)*];
    };
}
super::table::operations!(handlers);

/// Runs a fiber until it stops.
///
/// # Safety
/// `regs` describe a fiber that may run, whose code holds handlers.
pub(crate) unsafe fn run(regs: Regs) -> Stop {
    // SAFETY: the same contract.
    unsafe { Tail::next(regs) }
}
