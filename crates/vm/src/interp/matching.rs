//! Dispatch by one loop around one match: for every target and build, and for counting and tracing.

use super::table::Operation;
use super::{Dispatch, Regs, Stop, ops, save, slow};
use crate::core::Core;

/// What an operation leaves to the loop.
pub(crate) enum Flow {
    /// Go on.
    Next(Regs),
    /// Stop.
    Stop(Stop),
}

pub(crate) struct Match;

impl Dispatch for Match {
    type Out = Flow;

    #[inline(always)]
    unsafe fn next(regs: Regs) -> Flow {
        Flow::Next(regs)
    }

    #[inline(always)]
    unsafe fn stop(regs: Regs, stop: Stop) -> Flow {
        // SAFETY: the same contract.
        unsafe { save(regs) };
        Flow::Stop(stop)
    }

    #[inline(always)]
    fn stopped(stop: Stop) -> Flow {
        Flow::Stop(stop)
    }
}

macro_rules! step {
    (fast { $($fast:ident)* } slow { $($slow:ident)* }) => {
        /// Carries out one operation.
        ///
        /// # Safety
        /// As [`Dispatch::next`]; the code at `pc` holds a number.
        #[inline(always)]
        #[allow(non_upper_case_globals)]
        unsafe fn step(regs: Regs) -> Flow {
            $(const $fast: u64 = Operation::$fast as u64;)*
            $(const $slow: u64 = Operation::$slow as u64;)*
            // SAFETY: by contract there is an instruction at `pc`, and under this dispatcher it holds a number.
            unsafe {
                match (*regs.pc).code.opcode {
                    $($fast => ops::$fast::<Match>(regs),)*
                    $($slow => slow::run::<Match>(regs, crate::runtime::$slow),)*
                    other => unreachable!("operation {other}"),
                }
            }
        }
    };
}
super::table::operations!(step);

/// Runs a fiber until it stops.
///
/// # Safety
/// `regs` describe a fiber that may run, whose code holds numbers.
pub(crate) unsafe fn run(mut regs: Regs) -> Stop {
    loop {
        // SAFETY: the same contract; each operation upholds it for the next.
        match unsafe { step(regs) } {
            Flow::Next(next) => regs = next,
            Flow::Stop(stop) => return stop,
        }
    }
}

/// Runs a fiber until it stops, and shows each operation to `observe` first.
///
/// # Safety
/// As [`run`].
pub(crate) unsafe fn run_observed(mut regs: Regs, observe: fn(&mut Core, *const crate::code::Op)) -> Stop {
    loop {
        // SAFETY: the same contract; the observer has the machine to itself while it looks.
        match unsafe {
            (*regs.core).observed_fp = regs.fp;
            observe(&mut *regs.core, regs.pc);
            step(regs)
        } {
            Flow::Next(next) => regs = next,
            Flow::Stop(stop) => return stop,
        }
    }
}
