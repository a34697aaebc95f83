//! What people read about failures: plain text for the standard error.

use crate::limits::{BLOCKED_SHOWN_MAX, CALLS_SHOWN_MAX};
use fardel_vm::config::Config;
use fardel_vm::exit::{ErrorKind, ExitReason, TraceFrame};
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::Blocked;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The sources of a program's modules, by the name that traces give them.
pub(crate) type Sources = BTreeMap<String, String>;

/// Why `main` failed, with the calls that led there.
pub(crate) fn main_failed(reason: &ExitReason, sources: &Sources, config: &Config) -> String {
    let mut out = format!("main ended: {reason}\n");
    match reason {
        ExitReason::Error(failure) => {
            if failure.kind != ErrorKind::Raised && failure.message.is_empty() {
                let _ = writeln!(out, "  {}", failure.kind.doc());
            }
            let frames = failure.trace.iter().take(CALLS_SHOWN_MAX);
            frames.for_each(|frame| write_frame(&mut out, frame, sources));
            if let Some(more) = failure.trace.len().checked_sub(CALLS_SHOWN_MAX).filter(|more| *more > 0) {
                let _ = writeln!(out, "  and {more} more calls");
            }
        }
        ExitReason::OutOfMemory => {
            let _ = writeln!(out, "  a fiber may hold {} bytes; --max-memory allows more", config.fiber_memory_bytes_max);
        }
        ExitReason::StackOverflow => {
            let _ =
                writeln!(out, "  a fiber's stack may hold {} bytes; --max-stack allows more", config.fiber_stack_bytes_max);
        }
        ExitReason::MailboxOverflow => {
            let _ = writeln!(
                out,
                "  a mailbox may hold {} messages and {} of the machine's own; --max-mailbox allows more",
                config.mailbox_messages_max, config.system_messages_max
            );
        }
        ExitReason::Normal
        | ExitReason::Shutdown
        | ExitReason::ShutdownWith(_)
        | ExitReason::Kill
        | ExitReason::Killed
        | ExitReason::NoProc
        | ExitReason::NoConnection
        | ExitReason::Timeout
        | ExitReason::Denied
        | ExitReason::CodeMissing
        | ExitReason::Fenced => {}
    }
    out
}

fn write_frame(out: &mut String, frame: &TraceFrame, sources: &Sources) {
    let _ = writeln!(out, "  at {}", place(&frame.function, frame.offset, frame.source.as_ref()));
    let Some((file, line)) = &frame.source else { return };
    let text = sources.get(file).and_then(|source| source.lines().nth((*line as usize).checked_sub(1)?));
    if let Some(text) = text {
        let _ = writeln!(out, "{line:>8} | {}", text.trim());
    }
}

/// One line about a fiber that failed while nobody waited for it.
pub(crate) fn fiber_failed(fiber: FiberId, reason: &ExitReason) -> String {
    let mut out = format!("fiber {fiber} ended: {reason}");
    if let ExitReason::Error(failure) = reason
        && let Some(frame) = failure.trace.first()
    {
        let _ = write!(out, " at {}", place(&frame.function, frame.offset, frame.source.as_ref()));
    }
    out.push('\n');
    out
}

/// The fibers that wait when nothing can go on.
pub(crate) fn deadlock(blocked: &[Blocked], more: u64) -> String {
    let mut out = String::from("deadlock: no fiber can run, and nothing is under way that could wake one\n");
    for fiber in blocked.iter().take(BLOCKED_SHOWN_MAX) {
        let place = place(&fiber.function, fiber.offset, fiber.source.as_ref());
        let messages = if fiber.mailbox == 1 { "message" } else { "messages" };
        let (id, waits_for, count) = (fiber.fiber, fiber.waits_for, fiber.mailbox);
        let _ = writeln!(out, "  fiber {id} at {place} waits for {waits_for}; {count} {messages} in its mailbox");
    }
    if more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
    out
}

fn place(function: &str, offset: u32, source: Option<&(String, u32)>) -> String {
    TraceFrame { function: function.to_owned(), offset, source: source.cloned() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fardel_vm::exit::Failure;

    fn frame(function: &str, offset: u32, line: Option<u32>) -> TraceFrame {
        TraceFrame { function: function.into(), offset, source: line.map(|line| ("a.fda".into(), line)) }
    }

    fn failure(kind: ErrorKind, message: &str, trace: Vec<TraceFrame>) -> ExitReason {
        ExitReason::Error(Failure { kind, name: kind.name().into(), message: message.into(), trace })
    }

    #[test]
    fn a_failure_shows_the_lines_that_led_there() {
        let sources = Sources::from([("a.fda".to_string(), "fn main()\n  push 1\n  div ; here\nend\n".to_string())]);
        let reason = failure(ErrorKind::DivideByZero, "", vec![frame("half", 4, Some(3)), frame("main", 9, None)]);
        let wanted = "main ended: error(divide_by_zero)\n  An integer was divided by zero.\n  at half+4 (a.fda:3)\n       3 | \
                      div ; here\n  at main+9\n";
        assert_eq!(main_failed(&reason, &sources, &Config::default()), wanted);
    }

    #[test]
    fn a_line_that_the_source_lacks_is_left_out() {
        let reason = failure(ErrorKind::Panic, "no more", vec![frame("main", 0, Some(0)), frame("main", 1, Some(77))]);
        let sources = Sources::from([("a.fda".to_string(), String::new())]);
        assert_eq!(
            main_failed(&reason, &sources, &Config::default()),
            "main ended: error(panic): no more\n  at main+0 (a.fda:0)\n  at main+1 (a.fda:77)\n"
        );
    }

    #[test]
    fn of_many_calls_the_innermost_are_shown() {
        let reason = failure(ErrorKind::Panic, "deep", vec![frame("down", 0, None); CALLS_SHOWN_MAX + 3]);
        let report = main_failed(&reason, &Sources::new(), &Config::default());
        assert_eq!((report.lines().count(), report.lines().last()), (CALLS_SHOWN_MAX + 2, Some("  and 3 more calls")));
    }

    #[test]
    fn a_limit_is_named() {
        let config = Config { fiber_memory_bytes_max: 4096, fiber_stack_bytes_max: 1024, ..Config::default() };
        assert_eq!(
            main_failed(&ExitReason::OutOfMemory, &Sources::new(), &config),
            "main ended: out_of_memory\n  a fiber may hold 4096 bytes; --max-memory allows more\n"
        );
        assert_eq!(
            main_failed(&ExitReason::StackOverflow, &Sources::new(), &config),
            "main ended: stack_overflow\n  a fiber's stack may hold 1024 bytes; --max-stack allows more\n"
        );
    }

    #[test]
    fn a_fiber_that_nobody_waits_for_takes_one_line() {
        let fiber = FiberId { slot: 3, generation: 1 };
        let reason = failure(ErrorKind::DivideByZero, "", vec![frame("worker", 4, Some(12))]);
        assert_eq!(fiber_failed(fiber, &reason), "fiber #3.1 ended: error(divide_by_zero) at worker+4 (a.fda:12)\n");
        assert_eq!(fiber_failed(fiber, &ExitReason::OutOfMemory), "fiber #3.1 ended: out_of_memory\n");
    }

    #[test]
    fn a_deadlock_lists_who_waits() {
        let blocked = Blocked {
            fiber: FiberId { slot: 0, generation: 1 },
            function: "main".into(),
            offset: 7,
            source: Some(("a.fda".into(), 4)),
            waits_for: "a message",
            mailbox: 1,
        };
        let wanted = "deadlock: no fiber can run, and nothing is under way that could wake one\n  fiber #0.1 at main+7 \
                      (a.fda:4) waits for a message; 1 message in its mailbox\n  and 12 more\n";
        assert_eq!(deadlock(&[blocked], 12), wanted);
    }
}
