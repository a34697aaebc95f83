//! The interpreter: operations, and two ways to go from one to the next.
//!
//! [`table`] lists every internal operation once; [`tail`] and [`matching`] derive a dispatcher from it, and the bodies
//! in [`ops`] do not know which one runs them.
//!
//! **Invariant:** the interpreter's premises are what the verifier proves. A slot is read as the type that the verifier
//! knows for it, and every offset in an instruction comes from lowering.
#![allow(unsafe_code)]

pub(crate) mod matching;
pub(crate) mod ops;
pub(crate) mod slow;
pub(crate) mod table;
pub(crate) mod tail;

use crate::code::{Op, SlotMap};
use crate::core::Core;
use crate::fiber::Fiber;
use crate::heap::block::Block;

/// The state of a running fiber that lives in registers.
#[derive(Clone, Copy)]
pub(crate) struct Regs {
    /// The next instruction.
    pub(crate) pc: *const Op,
    /// The current frame.
    pub(crate) fp: *mut u8,
    /// The fiber's block.
    pub(crate) base: *mut u8,
    /// The heap's top, as an offset in the block.
    pub(crate) top: usize,
    /// Fuel left; above zero while running.
    pub(crate) fuel: i64,
    /// The machine.
    pub(crate) core: *mut Core,
}

/// An instruction as the tail dispatcher calls it: the six registers in, and out why the fiber stopped.
pub(crate) type Handler = unsafe extern "C" fn(*const Op, *mut u8, *mut u8, usize, i64, *mut Core) -> Stop;

/// Why a fiber stopped running.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Stop {
    /// Its fuel is used up; it goes on at its pc.
    Preempted,
    /// It asked for its end of the slice.
    Yielded,
    /// It waits for a message; its instruction runs again.
    Waiting,
    /// It waits for what [`Core::park_as`] says; its instruction runs again.
    Parked,
    /// Its instruction needs room in the block and runs again: [`Core::need`] has how much.
    NeedSpace,
    /// A call needs room for its frame and runs again: [`Core::need`] has how much.
    NeedStack,
    /// It trapped at its pc; [`Core::trap_kind`] has what.
    Trap,
    /// Its first function returned.
    Finished,
    /// It ends with the reason in [`Core::exit`].
    Exit,
}

/// How an operation goes on: the seam between operations and dispatchers.
pub(crate) trait Dispatch {
    /// What the dispatcher wants of an operation.
    type Out;

    /// Goes on at `regs.pc`.
    ///
    /// # Safety
    /// `regs` describe a running fiber, and there is an instruction at `pc`.
    unsafe fn next(regs: Regs) -> Self::Out;

    /// Stops with `regs` as the fiber's state.
    ///
    /// # Safety
    /// As [`Dispatch::next`].
    unsafe fn stop(regs: Regs, stop: Stop) -> Self::Out;

    /// Stops with the state that is noted already.
    fn stopped(stop: Stop) -> Self::Out;
}

/// Notes the registers of a fiber that stops.
///
/// # Safety
/// `regs` describe a running fiber.
#[inline(always)]
unsafe fn save(regs: Regs) {
    // SAFETY: `core` is the machine that runs the fiber; nobody else refers to it while it runs.
    unsafe {
        (*regs.core).saved.pc = regs.pc;
        (*regs.core).saved.fp = regs.fp;
        (*regs.core).saved.top = regs.top;
        (*regs.core).saved.fuel = regs.fuel;
    }
}

/// The registers of a fiber between two runs of its instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved {
    pub(crate) pc: *const Op,
    pub(crate) fp: *mut u8,
    pub(crate) top: usize,
    pub(crate) fuel: i64,
}

impl Saved {
    pub(crate) const NONE: Saved = Saved { pc: std::ptr::null(), fp: std::ptr::null_mut(), top: 0, fuel: 0 };

    /// The state of a fiber that is about to run.
    pub(crate) fn at(code: *const Op, fiber: &Fiber, fuel: i64) -> Saved {
        let mut saved = Saved { pc: code, fp: std::ptr::null_mut(), top: fiber.top as usize, fuel };
        saved.set_pc(code, fiber.pc);
        saved.set_fp(fiber.block, fiber.fp as usize);
        saved
    }

    pub(crate) fn set_pc(&mut self, code: *const Op, offset: u32) {
        self.pc = code.wrapping_byte_add(offset as usize);
    }

    pub(crate) fn set_fp(&mut self, block: Block, offset: usize) {
        self.fp = block.base().wrapping_add(offset);
    }

    pub(crate) fn pc_offset(&self, code: *const Op) -> u32 {
        (self.pc as usize - code as usize) as u32
    }

    pub(crate) fn fp_offset(&self, block: Block) -> u32 {
        (self.fp as usize - block.base() as usize) as u32
    }

    /// The map in the extension of the instruction at `pc`, which is a safe point.
    pub(crate) fn extension_map(&self) -> SlotMap {
        // SAFETY: a fiber that stopped for room stands at an instruction that has an extension behind it.
        unsafe { (*self.pc.add(1)).map() }
    }
}

fn registers(core: &mut Core, start: Saved) -> Regs {
    let Saved { pc, fp, top, fuel } = start;
    Regs { pc, fp, base: core.block.base(), top, fuel, core }
}

/// Runs the current fiber from a state by tail calls.
pub(crate) fn run_tail(core: &mut Core, start: Saved) -> Stop {
    // SAFETY: the core has set up the registers for a live fiber of verified code that holds handlers.
    unsafe { tail::run(registers(core, start)) }
}

/// Runs the current fiber from a state by the match.
pub(crate) fn run_match(core: &mut Core, start: Saved) -> Stop {
    // SAFETY: the core has set up the registers for a live fiber of verified code that holds numbers.
    unsafe { matching::run(registers(core, start)) }
}

/// As [`run_match`], and shows each instruction first.
pub(crate) fn run_observed(core: &mut Core, start: Saved, observe: fn(&mut Core, *const Op)) -> Stop {
    // SAFETY: as for `run_match`.
    unsafe { matching::run_observed(registers(core, start), observe) }
}
