//! How the driver runs programs: in this process, with its own streams and a clock that stands still.

use crate::support::Scene;
use fardel::vm::config::{Config, Dispatch, Lowering};
use fardel::vm::exit::ExitReason;
use fardel::{Clock, End, InterruptHandle, Outcome};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

const HOSTS: &str =
    "host io.print(Text)\nhost io.error(Text)\nhost io.read_line() -> Option<Text>\nhost time.now() -> Int\n";

fn run(scene: Scene, source: &str) -> (Outcome, String, String) {
    scene.run(&format!("{HOSTS}{source}"), |_: InterruptHandle| {})
}

#[track_caller]
fn check(source: &str, input: &str, wanted: (u8, End, &str, &str)) {
    let (outcome, output, error) = run(Scene::new(input), source);
    assert_eq!((outcome.status, outcome.end, output.as_str(), error.as_str()), wanted);
}

const NORMAL: End = End::Main(ExitReason::Normal);

#[test]
fn a_program_prints_and_returns_its_status() {
    check(
        "fn main() -> Int\n push \"a\"\n call_host io.print\n push \"b\"\n call_host io.error\n push 3\n ret\nend",
        "",
        (3, NORMAL, "a\n", "b\n"),
    );
}

#[test]
fn the_time_is_the_clocks() {
    check("fn main()\n call_host time.now\n show\n call_host io.print\n ret\nend", "", (0, NORMAL, "1000\n", ""));
}

#[test]
fn input_is_read_line_by_line() {
    let source = "fn main()\n call next\n call next\n call next\n ret\nend\nfn next()\n call_host io.read_line\n jmp_if_null none\n call_host \
                  io.print\n ret\nnone:\n push \"-\"\n call_host io.print\n ret\nend";
    check(source, "one\ntwo\n", (0, NORMAL, "one\ntwo\n-\n", ""));
}

#[test]
fn calls_that_block_run_beside_each_other() {
    let mut scene = Scene::new("");
    // Each call waits for the other: one after the other they would wait for ever.
    let barrier = Arc::new(Barrier::new(2));
    scene.hosts.add_blocking("demo.meet", move || {
        barrier.wait();
        Ok(())
    });
    let source = "host demo.meet()\nfn main() receives Int\n self\n spawn other\n drop\n call_host demo.meet\n await_recv\n drop\n push \"met\"\n \
                  call_host io.print\n ret\nend\nfn other(to: Address)\n call_host demo.meet\n push 1\n send to\n ret\nend";
    let (outcome, output, error) = run(scene, source);
    assert_eq!((outcome.status, output.as_str(), error.as_str()), (0, "met\n", ""));
}

#[test]
fn a_host_function_that_panics_fails_its_caller_alone() {
    for blocking in [false, true] {
        let mut scene = Scene::new("");
        let fail = |_: i64| -> Result<(), String> { panic!("on purpose") };
        if blocking {
            scene.hosts.add_blocking("demo.fail", fail)
        } else {
            scene.hosts.add("demo.fail", fail)
        }
        let (outcome, _, error) = run(scene, "host demo.fail(Int)\nfn main()\n push 1\n call_host demo.fail\n ret\nend");
        assert_eq!(outcome.status, 1);
        assert!(error.starts_with("main ended: error(host): the host function panicked\n"), "{error}");
    }
}

#[test]
fn an_unknown_host_function_is_a_trap_that_names_it() {
    let (outcome, _, error) = run(Scene::new(""), "host demo.gone()\nfn main()\n call_host demo.gone\n ret\nend");
    assert_eq!(outcome.status, 1);
    assert!(error.starts_with("main ended: error(no_host)") && error.contains("demo.gone"), "{error}");
}

#[test]
fn what_nothing_can_wake_is_told() {
    let (outcome, output, error) =
        run(Scene::new(""), "fn main()\n push \"x\"\n call_host io.print\n await_recv\n drop\n ret\nend");
    let End::Deadlock { blocked, more } = outcome.end else { panic!("{outcome:?}") };
    assert_eq!((outcome.status, blocked.len(), more, output.as_str()), (3, 1, 0, "x\n"));
    assert!(error.starts_with("deadlock: "), "{error}");
}

#[test]
fn an_interrupt_ends_a_run_that_waits_or_computes() {
    for source in [
        "fn main()\nagain:\n jmp again\nend",
        "fn main()\n call_host io.read_line\n drop\n jmp again\nagain:\n jmp again\nend",
    ] {
        let (outcome, _, error) = Scene::new("").run(&format!("{HOSTS}{source}"), |handle| {
            std::thread::spawn(move || handle.interrupt());
        });
        assert_eq!((outcome.status, outcome.end, error.as_str()), (130, End::Interrupted, ""));
    }
}

// The distance to the limit overflowed, and the first allocation was tried for ever.
#[test]
fn limits_may_be_as_large_as_numbers_get() {
    let mut scene = Scene::new("");
    scene.settings.machine = Config {
        fiber_memory_bytes_max: u64::MAX,
        fiber_stack_bytes_max: u64::MAX,
        machine_memory_bytes_max: u64::MAX,
        fibers_max: u32::MAX,
        slice: u32::MAX,
        ..Config::default()
    };
    let (outcome, output, _) = run(scene, "fn main()\n push 1\n show\n call_host io.print\n ret\nend");
    assert_eq!((outcome.status, output.as_str()), (0, "1\n"));
}

#[test]
fn the_end_of_main_is_the_end_of_all() {
    let source = "fn main()\n spawn wait\n drop\n spawn compute\n drop\n spawn breed\n drop\n yield\n ret\nend\nfn wait()\n await_recv\n \
                  drop\n ret\nend\nfn compute()\nagain:\n jmp again\nend\nfn breed()\n spawn breed\n drop\n tail_call breed\nend";
    let mut scene = Scene::new("");
    scene.settings.machine.slice = 10;
    let (outcome, _, error) = run(scene, source);
    assert_eq!((outcome.status, outcome.end, outcome.stats.fibers_live, error.as_str()), (0, NORMAL, 0, ""));
}

#[test]
fn a_call_that_has_begun_is_waited_for() {
    let (mut scene, done) = (Scene::new(""), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&done);
    scene.hosts.add_blocking("demo.slow", move || {
        (0..20).for_each(|_| std::thread::yield_now());
        flag.store(true, Ordering::SeqCst);
        Ok(())
    });
    // The wait ends by the call's end, not by a clock that does not go on.
    (scene.settings.clock, scene.settings.grace) = (Clock::system(), u64::MAX);
    let source =
        "host demo.slow()\nfn main()\n spawn other\n drop\n yield\n ret\nend\nfn other()\n call_host demo.slow\n ret\nend";
    let (outcome, _, error) = run(scene, source);
    assert_eq!((outcome.status, error.as_str(), done.load(Ordering::SeqCst)), (0, "", true));
}

#[test]
fn many_failures_are_counted_but_not_all_told() {
    let source = "fn main()\n local n: Int\n push 0\n store n\nmore:\n spawn fail\n drop\n load n\n push 1\n add\n tee n\n push 150\n lt\n jmp_if \
                  more\n yield\n yield\n ret\nend\nfn fail()\n push \"x\"\n panic\nend";
    let (outcome, _, error) = run(Scene::new(""), source);
    assert_eq!((outcome.status, error.lines().count()), (0, 101), "{error}");
    assert!(error.ends_with("and 50 more fibers ended with errors\n"), "{error}");
}

#[test]
fn the_same_inputs_give_the_same_trace() {
    let trace = |slice| {
        let mut scene = Scene::new("");
        scene.settings.machine = Config { dispatch: Dispatch::Trace, lowering: Lowering::Plain, slice, ..Config::default() };
        let source = "fn main()\n spawn count\n drop\n spawn count\n drop\n yield\n ret\nend\nfn count()\n local n: Int\n push 0\n store n\nmore:\n \
                      load n\n push 1\n add\n tee n\n push 20\n lt\n jmp_if more\n ret\nend";
        let (outcome, _, error) = run(scene, source);
        (outcome.stats.instructions, error)
    };
    let (instructions, lines) = trace(3);
    assert_eq!(instructions, Some(lines.lines().count() as u64));
    assert_eq!(trace(3), trace(3));
    assert_ne!(lines, trace(1_000).1);
}

/// Nothing waits for another thread, so that with a virtual clock a run is the same each time.
#[test]
fn functions_that_block_are_carried_out_at_once_where_that_is_wanted() {
    let mut scene = Scene::new("a\nb");
    scene.settings.blocks = true;
    let own = std::thread::current().id();
    scene.hosts.add_blocking("demo.is_here", move || Ok(std::thread::current().id() == own));
    let source = "host demo.is_here() -> Bool\nfn main()\n call_host demo.is_here\n show\n call_host io.print\n call_host \
                  io.read_line\n show\n call_host io.print\n call_host io.read_line\n drop\n call_host io.read_line\n is_null\n \
                  show\n call_host io.print\n ret\nend";
    let (outcome, output, error) = run(scene, source);
    assert_eq!((outcome.status, output.as_str(), error.as_str()), (0, "true\na\ntrue\n", ""));
}

#[test]
fn a_virtual_clock_is_set_forward_alone() {
    let (mut runtime, ..) = Scene::new("").load("fn main()\n ret\nend\nexport main");
    assert_eq!(runtime.now(), 1_000);
    for (to, seen) in [(2_000, 2_000), (1_500, 2_000), (u64::MAX, u64::MAX)] {
        runtime.set_time(to);
        assert_eq!(runtime.now(), seen);
    }
}
