//! What a program that embeds a machine does with it: fibers are started, spoken to and listened to from outside.

use crate::support::Scene;
use fardel::bytecode::module::ModuleHash;
use fardel::{Clock, ExitReason, FiberId, HostValue, Run, Runtime, Value};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::rc::Rc;

/// Sends whatever comes back to the port.
const ECHO: &str = "fn main(port: Address)\nnext:\n await_recv\n send port\n jmp next\nend\n";
const DOUBLE: &str = "host demo.twice(Int) -> Int\nfn main(n: Int) -> Int\n load n\n call_host demo.twice\n ret\nend\n";

/// A program of which nothing has been started.
#[track_caller]
fn load(source: &str) -> (Runtime, ModuleHash) {
    let (runtime, module, _) = Scene::new("").load(source);
    (runtime, module)
}

/// A fiber in `main`, which was given a new port.
#[track_caller]
fn start(source: &str) -> (Runtime, FiberId, FiberId) {
    let (mut runtime, module) = load(source);
    let port = runtime.open_port().expect("there is room for a port");
    let fiber = runtime.spawn(module, "main", (port,)).expect("main takes the port");
    (runtime, fiber, port)
}

/// Sends a value to a fiber that sends it back.
#[track_caller]
fn check_round<T: HostValue + Clone + PartialEq + Debug>(source: &str, value: T) {
    let (mut runtime, fiber, port) = start(source);
    runtime.send(fiber, value.clone()).expect("the fiber takes it");
    assert_eq!(runtime.receive(port), Ok(Some(value)));
}

fn text<E: ToString>(error: E) -> String {
    error.to_string()
}

#[test]
fn values_come_back_as_they_went() {
    check_round(ECHO, i64::MIN);
    check_round(ECHO, true);
    check_round(ECHO, -0.5);
    check_round(ECHO, "häh".to_string());
    check_round(ECHO, vec![0_u8, 255]);
    check_round(ECHO, None::<i64>);
    check_round(ECHO, Some("x".repeat(100_000)));
    check_round(ECHO, vec![vec![1, 2], Vec::new(), vec![i64::MAX]]);
    check_round(ECHO, FiberId { slot: 7, generation: 9 });
    check_round(ECHO, Value::List(vec![Value::Null, Value::Int(1), Value::Text("a".into())]));
}

#[test]
fn values_have_the_shape_that_the_receiver_knows() {
    let echo = |items: &str, ty: &str| {
        format!("{items}fn main(port: Address) receives {ty}\nnext:\n await_type {ty}\n send port\n jmp next\nend\n")
    };
    check_round(&echo("", "(Int, Text, List<Bool>)"), (1, "a".to_string(), vec![true, false]));
    check_round(&echo("", "List<(Float,)>"), vec![(0.5,), (1.5,)]);
    check_round(
        &echo("type P { x: Int, y: Float }\n", "P"),
        Value::Record("P".into(), vec![Value::Int(1), Value::Float(2.0)]),
    );
    check_round(&echo("sum S { A, B(n: Int) }\n", "S"), Value::Variant("A".into(), 0, Vec::new()));
    check_round(&echo("sum S { A, B(n: Int) }\n", "S"), Value::Variant("B".into(), 1, vec![Value::Int(3)]));
}

#[test]
fn a_message_of_a_wrong_type_is_refused_at_the_door() {
    let source = "type P { x: Int }\nfn main(port: Address) receives Int, P\n await_recv\n send port\n ret\nend\n";
    let (mut runtime, fiber, port) = start(source);
    let refused = |seen: &str| Err(format!("fiber {fiber} takes Int | P, not {seen}"));
    assert_eq!(runtime.send(fiber, "a".to_string()).map_err(text), refused("Text"));
    assert_eq!(runtime.send(fiber, Value::Record("Q".into(), Vec::new())).map_err(text), refused("a record"));
    assert_eq!(runtime.send(fiber, 1).map_err(text), Ok(()));
    assert_eq!(runtime.receive(port), Ok(Some(1)));
}

#[test]
fn arguments_of_a_wrong_type_start_nothing() {
    let (mut runtime, module) = load("fn main(a: Int, b: Text)\n ret\nend\n");
    assert_eq!(runtime.spawn(module, "main", (1, 2)).map_err(text), Err("`main` takes Text, not Int".to_string()));
    assert_eq!(runtime.spawn(module, "main", ()).map_err(text), Err("`main` takes 2 arguments, not 0".to_string()));
    let missing = runtime.spawn(module, "other", ()).map_err(text);
    assert_eq!(missing, Err(format!("module {module} exports no function `other`")));
    assert_eq!(runtime.machine().stats().fibers_started, 0);
}

#[test]
fn a_message_taken_as_a_wrong_type_is_shown() {
    struct Own;
    impl HostValue for Own {
        fn host_type() -> fardel::HostType {
            fardel::HostType::Any
        }

        fn from_value(value: Value) -> Result<Self, Value> {
            Err(value)
        }

        fn into_value(self) -> Value {
            Value::Null
        }
    }

    let (mut runtime, fiber, port) = start(ECHO);
    for number in 1..=3 {
        runtime.send(fiber, number).expect("the fiber takes it");
    }
    let seen = runtime.receive::<Vec<String>>(port).map_err(text);
    assert_eq!(seen, Err("the message is Int(1), wanted List<Text>".to_string()));
    let seen = runtime.receive::<Own>(port).map(|_| ()).map_err(text);
    let wanted = std::any::type_name::<Own>();
    assert_eq!(seen, Err(format!("the message is Int(2), wanted {wanted}")));
    assert_eq!(runtime.receive(port), Ok(Some(3)));
}

#[test]
fn a_message_to_a_fiber_that_has_ended_is_told() {
    let (mut runtime, module) = load("fn main()\n ret\nend\n");
    let fiber = runtime.spawn(module, "main", ()).expect("the fiber starts");
    runtime.send(fiber, 1).expect("the fiber is alive");
    assert_eq!(runtime.join(fiber).map(|exit| exit.reason), Some(ExitReason::Normal));
    assert_eq!(runtime.send(fiber, 1).map_err(text), Err(format!("fiber {fiber} has ended")));
}

#[test]
fn a_full_mailbox_takes_more_when_its_fiber_has_run() {
    let mut scene = Scene::new("");
    scene.settings.machine.mailbox_messages_max = 2;
    let (mut runtime, module, _) = scene.load(ECHO);
    let port = runtime.open_port().expect("there is room for a port");
    let fiber = runtime.spawn(module, "main", (port,)).expect("main takes the port");
    assert_eq!((1..=2).try_for_each(|number| runtime.send(fiber, number)), Ok(()));
    assert_eq!(runtime.send(fiber, 3).map_err(text), Err(format!("the mailbox of fiber {fiber} is full")));
    assert_eq!(runtime.receive(port), Ok(Some(1)));
    assert_eq!(runtime.send(fiber, 3), Ok(()));
    assert_eq!((runtime.receive(port), runtime.receive(port)), (Ok(Some(2)), Ok(Some(3))));
}

#[test]
fn nothing_is_received_when_nothing_can_come() {
    let (mut runtime, fiber, port) = start(ECHO);
    assert_eq!(runtime.receive::<i64>(port), Ok(None));
    assert_eq!(runtime.machine().blocked(9).len(), 1);
    runtime.send(fiber, 1).expect("the fiber waits");
    assert_eq!(runtime.receive(port), Ok(Some(1)));
}

#[test]
fn a_closed_port_is_like_a_fiber_that_has_ended() {
    let (mut runtime, fiber, port) = start(ECHO);
    runtime.send(fiber, 1).expect("the fiber takes it");
    runtime.close_port(port);
    let none = Err(format!("{port} is no open port"));
    assert_eq!(runtime.receive::<i64>(port).map_err(text), none);
    assert_eq!(runtime.try_receive::<i64>(fiber).map_err(text), Err(format!("{fiber} is no open port")));
    while runtime.step(1) == Run::More {}
    assert_eq!(runtime.machine().stats().dead_letters, 1);
}

#[test]
fn a_machine_runs_step_by_step() {
    let mut scene = Scene::new("");
    (scene.settings.machine.slice, scene.settings.keep_exits) = (1, true);
    let source = "fn main(port: Address, n: Int)\nmore:\n load n\n send port\n load n\n push 1\n sub\n tee n\n push 0\n gt\n \
                  jmp_if more\n ret\nend\n";
    let (mut runtime, module, _) = scene.load(source);
    let port = runtime.open_port().expect("there is room for a port");
    let fiber = runtime.spawn(module, "main", (port, 3)).expect("main takes both");
    assert_eq!(runtime.try_receive::<i64>(port), Ok(None));
    let mut seen = Vec::new();
    while runtime.step(1) == Run::More {
        seen.push(runtime.try_receive::<i64>(port).expect("the port is open"));
        assert!(seen.iter().flatten().count() == 3 || runtime.exited().is_none(), "{seen:?}");
    }
    seen.push(runtime.try_receive(port).expect("the port is open"));
    assert_eq!(seen.iter().copied().flatten().collect::<Vec<_>>(), [3, 2, 1]);
    assert!(seen.len() > 3, "a slice of 1 ends at each jump back: {seen:?}");
    assert_eq!(runtime.exited().map(|exit| (exit.fiber, exit.reason)), Some((fiber, ExitReason::Normal)));
    assert!(!runtime.wait(None), "nothing is under way");
}

#[test]
fn the_end_of_a_fiber_is_given_with_its_result() {
    let source = "fn main(n: Int) -> List<Int>\n list_new List<Int>\n dup\n load n\n list_push\n ret\nend\n";
    let (mut runtime, module) = load(source);
    let fibers = [1, 2].map(|n| runtime.spawn(module, "main", (n,)).expect("main takes a number"));
    let result = runtime.join(fibers[1]).and_then(|exit| exit.result);
    assert_eq!(result.map(Vec::<i64>::from_value), Some(Ok(vec![2])));
    // Its end was not kept.
    while runtime.step(9) == Run::More {}
    assert_eq!((runtime.join(fibers[0]), runtime.exited()), (None, None));
}

#[test]
fn failures_are_reported_unless_somebody_takes_them() {
    let source = "fn main()\n push \"no more\"\n panic\nend\n";
    let failed = |exit: Option<fardel::Exit>| exit.map(|exit| exit.reason.to_string());
    for (keep_exits, joined) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut scene = Scene::new("");
        scene.settings.keep_exits = keep_exits;
        let (mut runtime, module, error) = scene.load(source);
        let fiber = runtime.spawn(module, "main", ()).expect("the fiber starts");
        let exit = if joined {
            runtime.join(fiber)
        } else {
            while runtime.step(9) == Run::More {}
            runtime.exited()
        };
        let is_taken = keep_exits || joined;
        assert_eq!(failed(exit), is_taken.then(|| "error(panic): no more".to_string()));
        let report = format!("fiber {fiber} ended: error(panic): no more at main+2 (a.fda:3)\n");
        assert_eq!(error.text(), if is_taken { String::new() } else { report });
        assert_eq!(runtime.exited(), None);
    }
}

#[test]
fn a_join_ends_when_nothing_can_end_the_fiber() {
    let (mut runtime, fiber, port) = start(ECHO);
    assert_eq!(runtime.join(fiber), None);
    runtime.send(fiber, 1).expect("it is alive");
    assert_eq!(runtime.receive(port), Ok(Some(1)));
}

#[test]
fn a_kept_end_is_found_among_others() {
    let mut scene = Scene::new("");
    scene.settings.keep_exits = true;
    let (mut runtime, module, _) = scene.load("fn main()\n ret\nend\n");
    let fibers = [(); 3].map(|()| runtime.spawn(module, "main", ()).expect("the fiber starts"));
    while runtime.step(9) == Run::More {}
    assert_eq!(runtime.join(fibers[1]).map(|exit| exit.fiber), Some(fibers[1]));
    let rest: Vec<FiberId> = std::iter::from_fn(|| runtime.exited()).map(|exit| exit.fiber).collect();
    assert_eq!(rest, [fibers[0], fibers[2]]);
}

#[test]
fn a_host_function_holds_what_it_works_with() {
    let (mut scene, seen) = (Scene::new(""), Rc::new(RefCell::new(Vec::new())));
    let (kept, calls) = (Rc::clone(&seen), Cell::new(0));
    scene.hosts.add("demo.twice", move |number: i64| {
        calls.set(calls.get() + 1);
        kept.borrow_mut().push(number);
        Ok(number * 2 + calls.get())
    });
    let (mut runtime, module, _) = scene.load(DOUBLE);
    let mut result = |number: i64| {
        let fiber = runtime.spawn(module, "main", (number,)).expect("main takes a number");
        runtime.join(fiber).and_then(|exit| exit.result)
    };
    assert_eq!([result(10), result(20)], [Some(Value::Int(21)), Some(Value::Int(42))]);
    assert_eq!(*seen.borrow(), [10, 20]);
}

#[test]
fn a_host_function_that_fails_or_panics_is_a_trap_of_its_caller() {
    for (number, wanted) in [(0, "error(host): 0 has no double"), (1, "error(host): the host function panicked")] {
        let mut scene = Scene::new("");
        scene.hosts.add("demo.twice", |number: i64| -> Result<i64, String> {
            assert!(number == 0, "on purpose");
            Err(format!("{number} has no double"))
        });
        let (mut runtime, module, error) = scene.load(DOUBLE);
        let fiber = runtime.spawn(module, "main", (number,)).expect("main takes a number");
        assert_eq!(runtime.join(fiber).map(|exit| exit.reason.to_string()).as_deref(), Some(wanted));
        assert_eq!(error.text(), "");
    }
}

#[test]
fn host_functions_take_and_give_addresses_and_tuples() {
    let (mut scene, told) = (Scene::new(""), Rc::new(Cell::new(None)));
    let place = Rc::new(Cell::new(None::<FiberId>));
    let (port, asked) = (Rc::clone(&place), Rc::clone(&told));
    scene.hosts.add("demo.port", move || port.get().ok_or_else(|| "there is no port".to_string()));
    scene.hosts.add("demo.tell", move |who: FiberId, (number, word): (i64, String)| {
        asked.set(Some((who, number, word.len())));
        Ok((word, number))
    });
    let source = "host demo.port() -> Address\nhost demo.tell(Address, (Int, Text)) -> (Text, Int)\nfn main()\n self\n push 3\n push \"abcd\"\n \
                  new (Int, Text)\n call_host demo.tell\n call_host demo.port\n send\n ret\nend\n";
    let (mut runtime, module, _) = scene.load(source);
    let port = runtime.open_port().expect("there is room for a port");
    place.set(Some(port));
    let fiber = runtime.spawn(module, "main", ()).expect("the fiber starts");
    assert_eq!(runtime.receive(port), Ok(Some(("abcd".to_string(), 3))));
    assert_eq!(told.get(), Some((fiber, 3, 4)));
}

#[test]
fn results_of_functions_that_block_are_waited_for() {
    let (mut scene, wait) = (Scene::new(""), std::sync::mpsc::channel::<i64>());
    let (sender, receiver) = (wait.0, std::sync::Mutex::new(wait.1));
    scene.hosts.add_blocking("demo.twice", move |number: i64| {
        let receiver = receiver.lock().map_err(text)?;
        receiver.recv().map(|other| number + other).map_err(text)
    });
    let (mut runtime, module, _) = scene.load(DOUBLE);
    let fiber = runtime.spawn(module, "main", (1,)).expect("main takes a number");
    while runtime.step(9) == Run::More {}
    let handle = runtime.interrupt_handle();
    std::thread::spawn(move || handle.interrupt());
    assert!(runtime.wait(None), "the function has not ended, but the wait has");
    assert!(runtime.machine().waits_for_host());
    sender.send(41).expect("the function waits");
    assert_eq!(runtime.join(fiber).and_then(|exit| exit.result), Some(Value::Int(42)));
}

#[test]
fn timers_run_on_the_clock_of_the_settings() {
    const SECOND: i64 = 1_000_000_000;
    let source = "host time.now() -> Int\nfn main(port: Address)\n push \"due\"\n self\n push 10000\n timer_once\n drop\n await_recv\n \
                  drop\n call_host time.now\n send port\n ret\nend\n";
    let (mut runtime, _, port) = start(source);
    while runtime.step(9) == Run::More {}
    assert_eq!(runtime.try_receive::<i64>(port), Ok(None));
    // The clock stands at 1000 when the scene begins, and a tick is a millisecond.
    let now = runtime.receive::<i64>(port).expect("the port is open").expect("the timer is due some time");
    assert!((10 * SECOND + 1_000..10 * SECOND + 3_000_000).contains(&now), "{now}");
    assert!(!runtime.wait(None), "no timer is left");
}

/// A runtime whose host function multiplies with a number of its own.
fn factor(factor: i64) -> (Runtime, ModuleHash) {
    let mut scene = Scene::new("");
    (scene.settings.clock, scene.settings.keep_exits) = (Clock::system(), true);
    scene.hosts.add("demo.twice", move |number: i64| Ok(number * factor));
    let (runtime, module, _) = scene.load(DOUBLE);
    (runtime, module)
}

#[test]
fn runtimes_in_one_thread_know_nothing_of_each_other() {
    let ((mut one, module), (mut other, _)) = (factor(2), factor(3));
    let fibers = [&mut one, &mut other].map(|runtime| runtime.spawn(module, "main", (7,)).expect("main takes a number"));
    assert_eq!(fibers[0], fibers[1], "each counts its own fibers");
    assert_eq!(other.join(fibers[1]).and_then(|exit| exit.result), Some(Value::Int(21)));
    assert_eq!(one.machine().stats().slices, 0);
    drop(other);
    assert_eq!(one.join(fibers[0]).and_then(|exit| exit.result), Some(Value::Int(14)));
}

#[test]
fn runtimes_run_in_threads_of_their_own() {
    let product = |times: i64| {
        let (mut runtime, module) = factor(times);
        let fibers: Vec<FiberId> =
            (0..50).map(|number| runtime.spawn(module, "main", (number,)).expect("main takes a number")).collect();
        let result = |fiber| runtime.join(fiber).and_then(|exit| exit.result);
        fibers.into_iter().map(result).collect::<Vec<_>>()
    };
    let threads = [2, 3].map(|times| std::thread::spawn(move || product(times)));
    for (thread, times) in threads.into_iter().zip([2, 3]) {
        let wanted: Vec<_> = (0..50).map(|number| Some(Value::Int(number * times))).collect();
        assert_eq!(thread.join().expect("the thread ends"), wanted);
    }
}
