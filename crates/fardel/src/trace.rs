//! The trace of a run: one line for each instruction.
//!
//! **Invariant:** lines hold nothing but what the machine determines, so that two runs with the same inputs give the
//! same trace.

use crate::host::HostContext;
use fardel_vm::machine::{Machine, TraceEvent};
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::rc::Rc;

/// Lines that were not written yet, and how many instructions there were.
#[derive(Default)]
pub(crate) struct Trace {
    lines: Rc<RefCell<String>>,
    instructions: Rc<Cell<u64>>,
}

impl Trace {
    /// Has a machine tell of its instructions.
    pub(crate) fn of(machine: &mut Machine) -> Self {
        let trace = Trace::default();
        let (lines, instructions) = (Rc::clone(&trace.lines), Rc::clone(&trace.instructions));
        machine.set_tracer(Box::new(move |event| {
            instructions.set(instructions.get() + 1);
            write_line(&mut lines.borrow_mut(), event);
        }));
        trace
    }

    /// Instructions carried out.
    pub(crate) fn instructions(&self) -> u64 {
        self.instructions.get()
    }

    /// Writes the lines out.
    pub(crate) fn write_to(&self, context: &mut HostContext) {
        let mut lines = self.lines.borrow_mut();
        if !lines.is_empty() {
            context.complain(&lines);
            lines.clear();
        }
    }
}

fn write_line(out: &mut String, event: &TraceEvent<'_>) {
    let TraceEvent { fiber, function, offset, mnemonic, mailbox } = event;
    let place = format!("{function}+{offset}");
    let _ = writeln!(out, "{:<8} {place:<24} {mnemonic:<16} mailbox {mailbox}", fiber.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use fardel_vm::fiber::FiberId;

    #[test]
    fn a_line_names_fiber_place_instruction_and_mailbox() {
        let fiber = FiberId { slot: 2, generation: 1 };
        let event = TraceEvent { fiber, function: "main", offset: 12, mnemonic: "await_recv", mailbox: 3 };
        let mut line = String::new();
        write_line(&mut line, &event);
        assert_eq!(line, "#2.1     main+12                  await_recv       mailbox 3\n");
    }
}
