//! Each reason for which a fiber of one machine can end, as others see it and as the outside is told.

use super::{ends_with, prints, prints_here, prints_with, program};
use crate::support::{World, ways};
use fardel::bytecode::system::Reason;
use fardel::vm::config::Config;
use fardel::vm::door::Input;
use fardel::vm::exit::{ErrorKind, ExitReason};
use fardel::vm::value::Value;

/// Runs a fiber for what the outside is told, and another in the same code for what others see.
#[track_caller]
fn check(config: &Config, body: &str, told: &str, seen: &str) {
    let module = program(&format!(
        "export subject | fn subject() | {body} | end\nfn main() | spawn subject | push -1 | wait | call tell | ret | end"
    ));
    for way in ways(config) {
        let mut world = World::new(&module, way);
        let (subject, _) = (world.start("subject"), world.start("main"));
        world.run_clock();
        assert_eq!((world.end_of(subject).as_deref(), &world.printed[..]), (Some(told), &[seen.to_owned()][..]));
    }
}

#[track_caller]
fn check_usual(body: &str, told: &str, seen: &str) {
    check(&Config::default(), body, told, seen);
}

/// Exit reasons `normal`, `shutdown`, `shutdown(x)`: what a fiber is meant to end with.
#[test]
fn reasons_of_those_that_end_as_they_are_meant_to() {
    check_usual("ret", "normal", "Normal");
    check_usual("push null | exit", "normal", "Normal");
    check_usual("push \"normal\" | exit", "normal", "Normal");
    check_usual("new_variant Reason.Normal | exit", "normal", "Normal");
    check_usual("push \"normal\" | self | exit_other | ret", "normal", "Normal");
    check_usual("push \"shutdown\" | exit", "shutdown", "Shutdown");
    check_usual("push \"shutdown\" | self | exit_other | push \"behind\" | call tell | ret", "shutdown", "Shutdown");
    check_usual("push 7 | exit", "shutdown(Int(7))", "ShutdownWith(7)");
    check_usual("push \"why\" | exit", "shutdown(Text(\"why\"))", "ShutdownWith(\"why\")");
    check_usual("push b\"x\" | exit", "shutdown(Bytes([120]))", "ShutdownWith(b\"x\")");
    check_usual("push 1.5 | new_variant Reason.ShutdownWith | exit", "shutdown(Float(1.5))", "ShutdownWith(1.5)");
    // Null as a value is not the reason null.
    check_usual("push null | new_variant Reason.ShutdownWith | exit", "shutdown(Null)", "ShutdownWith(null)");
    check_usual(
        "push 1 | push \"a\" | new (Int, Text) | exit",
        "shutdown(Tuple([Int(1), Text(\"a\")]))",
        "ShutdownWith((1, \"a\"))",
    );
}

/// Every exit reason can be given by its name, so that one can be passed on.
#[test]
fn each_reason_can_be_passed_on() {
    for reason in Reason::ALL {
        if matches!(reason, Reason::ShutdownWith | Reason::Error) {
            // They have particulars.
            continue;
        }
        let told = reason.text();
        check_usual(&format!("new_variant Reason.{reason:?} | exit"), told, &format!("{reason:?}"));
    }
    // An error keeps kind and message; the calls that led there were another fiber's.
    let error = "push \"mine\" | push \"why\" | list_new List<Text> | new_variant Reason.Error | exit";
    check_usual(error, "error(mine): why", "Error(\"mine\", \"why\", [])");
}

/// Exit reason `kill`, which becomes `killed` when another sends it.
#[test]
fn kill_and_killed() {
    check_usual("push \"kill\" | exit", "kill", "Kill");
    check_usual("push \"kill\" | self | exit_other | ret", "killed", "Killed");
    let source = "fn main() | local d: Address | spawn deaf | store d | push \"kill\" | load d | exit_other | load d | push -1 | wait | call tell | ret | end";
    prints(source, &["Killed"]);
}

/// Exit reason `noproc`: a link with one that is gone, and what monitors, waits and requests say of it.
#[test]
fn noproc() {
    let body = "local e: Address | spawn ends | store e | load e | push -1 | wait | drop";
    check_usual(&format!("{body} | load e | link | ret"), "noproc", "NoProc");
    let source = format!(
        "fn main() | {body} | load e | push -1 | wait | call tell | load e | monitor | drop | call drain | call tell | ret | end"
    );
    prints(&source, &["NoProc", "[(\"down\", NoProc)]"]);
}

/// Exit reason `error`: kind, message, and the calls that led there, the innermost first.
#[test]
fn error_has_kind_message_and_trace() {
    let source = "fn inner() | push \"mine\" | push \"broken\" | raise | end
        fn outer() | call inner | ret | end
        fn part(reason: Reason) | local trace: List<Text> | load reason | payload Reason.Error.kind | call tell | load reason | payload Reason.Error.message | call tell
            load reason | payload Reason.Error.trace | store trace | load trace | len | call tell
            load trace | push 0 | get | push 0 | push 5 | slice | call tell | load trace | push 1 | get | push 0 | push 5 | slice | call tell | ret | end
        fn main() | spawn outer | push -1 | wait | unwrap | cast Reason | call part | spawn outer | monitor | drop
            await_type Down | field Down.reason | call part | ret | end";
    let lines = ["mine", "broken", "2", "inner", "outer"];
    prints_here(source, &[lines, lines].concat());
    // The outside is told the same.
    let module = program("export inner | fn inner() | push 1 | push 0 | div | drop | ret | end");
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        world.start("inner");
        world.run();
        let [(_, ExitReason::Error(failure))] = &world.ended[..] else { panic!("{:?}", world.ended) };
        assert_eq!(
            (failure.kind, failure.name.as_str(), failure.trace.len()),
            (ErrorKind::DivideByZero, "divide_by_zero", 1)
        );
    }
}

/// Exit reasons `out_of_memory` and `stack_overflow`.
#[test]
fn out_of_memory_and_stack_overflow() {
    let config = Config { fiber_memory_bytes_max: 100_000, fiber_stack_bytes_max: 10_000, ..Config::default() };
    let hoard =
        "local list: List<Int> | list_new List<Int> | store list | again: | load list | push 1 | list_push | jmp again";
    check(&config, hoard, "out_of_memory", "OutOfMemory");
    let down = "fn down(n: Int) -> Int | load n | push 1 | add | call down | push 1 | add | ret | end\n";
    ends_with(&config, &format!("{down}fn main() | push 0 | call down | drop | ret | end"), "stack_overflow");
    let source = format!(
        "{down}fn subject() | push 0 | call down | drop | ret | end\nfn main() | spawn subject | push -1 | wait | call tell | ret | end"
    );
    prints_with(&config, &source, &["StackOverflow"]);
}

/// Exit reason `mailbox_overflow`: a full send to oneself; more of the machine's own messages than are allowed. The policy
/// `exit` is among the tests of mailboxes.
#[test]
fn mailbox_overflow() {
    let config = Config { mailbox_messages_max: 2, ..Config::default() };
    check(
        &config,
        "push 1 | self | send | push 2 | self | send | push 3 | self | send | ret",
        "mailbox_overflow",
        "MailboxOverflow",
    );
    let config = Config { system_messages_max: 3, ..Config::default() };
    let down = "load e | monitor | drop";
    let body =
        format!("local e: Address | spawn ends | store e | load e | push -1 | wait | drop | {down} | {down} | {down}");
    check(&config, &format!("{body} | yield | ret"), "normal", "Normal");
    check(&config, &format!("{body} | {down} | yield | ret"), "mailbox_overflow", "MailboxOverflow");
}

/// Exit reason `denied`: a request that the other's door refuses.
#[test]
fn denied() {
    let source = "fn texts() receives Text | await_recv | drop | ret | end
        fn main() | local token: Ref | new_ref | store token | push 1 | load token | spawn texts | remote_call | load token | push -1 | await_reply
            call tell | call tell | ret | end";
    prints(source, &["2", "Denied"]);
}

/// Every exit reason from outside; `kill` and `killed` cannot be withstood, the others are as a fiber's signal.
#[test]
fn reasons_from_outside() {
    let module = program(
        "export subject | export traps | fn subject() | call deaf | ret | end
        fn traps() | push true | trap_exits | await_type Exit | field Exit.reason | call tell | ret | end",
    );
    let reasons = [
        (ExitReason::Shutdown, "shutdown", "Shutdown"),
        (ExitReason::ShutdownWith(Value::List(vec![Value::Int(1)])), "shutdown(List([Int(1)]))", "ShutdownWith([1])"),
        (ExitReason::Timeout, "timeout", "Timeout"),
        (ExitReason::NoConnection, "noconnection", "NoConnection"),
        (ExitReason::Denied, "denied", "Denied"),
        (ExitReason::CodeMissing, "code_missing", "CodeMissing"),
        (ExitReason::Fenced, "fenced", "Fenced"),
        (ExitReason::OutOfMemory, "out_of_memory", "OutOfMemory"),
    ];
    for way in ways(&Config::default()) {
        for (reason, told, shown) in &reasons {
            let mut world = World::new(&module, way.clone());
            let (subject, traps) = (world.start("subject"), world.start("traps"));
            world.run();
            world.machine.handle(Input::Exit { fiber: subject, reason: ExitReason::Normal });
            world.run();
            assert_eq!(world.end_of(subject), None, "LNK6: `normal` is ignored");
            for fiber in [subject, traps] {
                world.machine.handle(Input::Exit { fiber, reason: reason.clone() });
            }
            world.run();
            assert_eq!(world.end_of(subject).as_deref(), Some(*told));
            assert_eq!((world.end_of(traps).as_deref(), &world.printed[0][..]), (Some("normal"), *shown));
            assert_eq!(world.machine.stats().outside_bytes, 0);
        }
    }
}

/// A fiber that is told to end twice ends for the first reason.
#[test]
fn the_first_of_two_signals_counts() {
    let source = "fn main() | local d: Address | spawn deaf | store d | call rest | push 1 | load d | exit_other | push 2 | load d | exit_other
            load d | push -1 | wait | call tell | ret | end";
    prints(source, &["ShutdownWith(1)"]);
}
