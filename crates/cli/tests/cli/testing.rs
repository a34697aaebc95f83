//! Tests of programs in virtual time and in simulated clusters, and inputs from generators.

use crate::support::{Folder, root, run, seen};

/// Runs the tests of a source; gives status and output.
fn test(source: &str, options: &[&str]) -> (i32, String) {
    let folder = Folder::with(&[("a.fdl", source.as_bytes())]);
    let args: Vec<&str> = ["test", "a.fdl"].iter().chain(options).copied().collect();
    let (status, output, error) = seen(&run(folder.path(), &args, b""));
    (status, output + &error)
}

#[track_caller]
fn check(source: &str, status: i32, parts: &[&str]) {
    let seen = test(source, &[]);
    assert!(seen.0 == status, "{}: {}", seen.0, seen.1);
    for part in parts {
        assert!(seen.1.contains(part), "`{part}` is not in:\n{}", seen.1);
    }
    assert_eq!(test(source, &[]), seen, "it is the same each time");
}

#[test]
fn tests_in_the_document_of_the_language_pass() {
    let document = std::fs::read_to_string(root().join("docs/spec/language.md")).expect("the document is there");
    let blocks = document.split("```fardel\n").skip(1).filter_map(|rest| rest.split("```").next());
    let with_tests: Vec<&str> = blocks.filter(|block| block.contains("\ntest \"")).collect();
    assert!(with_tests.len() >= 2, "there are {}", with_tests.len());
    for block in with_tests {
        let count = block.matches("\ntest \"").count();
        check(block, 0, &[&format!("{count} passed, 0 failed")]);
    }
}

#[test]
fn a_generator_gives_the_simplest_input_that_fails() {
    let source = "use gen

test \"short\" { gen.for_all(gen.list(gen.int(3..10)), fn(xs) { assert(xs.len() < 4) }) }

test \"near\" { gen.for_all(gen.int(-50..50), fn(n) { assert(n > -7) }) }

test \"ordered\" {
  let ordered = gen.int(0..100).then(fn(n) { gen.pair(gen.value(n), gen.int(n..101)) })
  gen.for_all(ordered, fn(pair) { let (a, b) = pair; assert(a <= b && b < 60) })
}

test \"never\" { gen.for_all(gen.int(0..9).filter(fn(n) { n > 9 }), fn(n) { assert(n > 9) }) }
";
    let parts = [
        "[3, 3, 3, 3]",
        "\n         -7\n",
        "(0, 60)",
        "of 100 inputs the filters of generators drop 100",
        "0 passed, 4 failed",
    ];
    check(source, 1, &parts);
}

#[test]
fn time_goes_on_without_being_waited_for() {
    let source = "use time

test \"a day\" {
  let before = time.now()
  let wall = time.wall()
  sleep(24h)
  assert(time.now() - before >= 24h && time.now() - before < 25h)
  assert(time.wall() - wall >= 86_400_000_000_000)
}

test \"busy\" {
  let before = time.now()
  while time.now() - before < 50ms {}
}
";
    check(source, 0, &["2 passed, 0 failed"]);
}

/// What two nodes send comes in an order that hangs on the seed.
#[test]
fn a_seed_that_fails_is_named_and_can_be_given() {
    let source = |wanted: u32, options: &str| {
        format!(
            "use checks, node

type Who {{ Who(n: Int) }}

fn tell(n: Int, to: Address<Who>) {{ to.send(Who(n)) }}

fn start(n: Int, to: Address<Who>) {{
  let _ = spawn(on: At(node.all()[n])) tell(n, to)
}}

test \"a race\" receives Who {{
  checks.start_sim(3{options})
  let to: Address<Who> = me
  spawn start(1, to)
  spawn start(2, to)
  receive {{ Who(n) -> {{ print(\"from ${{n}}\"); assert(n == {wanted}) }} }}
}}
"
        )
    };
    let wanted = if test(&source(1, ""), &[]).0 == 0 { 1 } else { 2 };
    let (all, other) = (source(wanted, ", seeds: 50"), 3 - wanted);
    check(&all, 1, &[&format!("from {other}"), &format!("left:  {other}"), "with seed "]);
    let output = test(&all, &[]).1;
    let seed = output.split("--seed ").nth(1).and_then(|rest| rest.split('`').next()).expect("a seed is named");
    assert_ne!(seed, "1", "some seeds hold");
    assert_eq!(test(&all, &["--seed", seed]).1, output);
    assert_eq!(test(&source(wanted, &format!(", seed: {seed}")), &[]).1, output);
    assert_eq!(test(&all, &["--seed", "1"]).0, 0);
}

#[test]
fn a_cut_network_fails_a_test() {
    let source = "use checks, node

type Msg { Get(reply: Reply<Int>) }

fn one() receives Msg { serve n = 1 { Get(reply) -> reply.send(n) } }

test \"asks\" {
  checks.sim(3, seed: 7, f: fn() {
    let Ok(fiber) = spawn(on: At(node.all()[1])) one() else { panic(\"not started\") }
    checks.cut(node.all()[0], node.all()[1])
    assert(fiber.call(Get(_)) == Ok(1))
  })
}
";
    check(source, 1, &["FAILED a: asks", "left:  Err(Timeout)", "right: Ok(1)", "with seed 7", "0 passed, 1 failed"]);
}

#[test]
fn nodes_are_killed_and_come_back() {
    let source = "use checks, node, node.{NodeUp, NodeDown}

type Msg { Get(reply: Reply<Int>), Leave }

const store: Name<Msg> = name(\"store\", scope: Cluster(KeepOldest))

fn one() receives Msg {
  let _ = store.register(me)
  serve n = 1 { Get(reply) -> reply.send(n), Leave -> return }
}

fn wait_for(nodes: Int) { while node.all().len() != nodes { sleep(10ms) } }

test \"a node is lost\" {
  checks.sim(3, fn() {
    let other = node.all()[2]
    let Ok(fiber) = spawn(on: At(other)) one() else { panic(\"not started\") }
    assert(store.await_registered(1s).is_ok())
    assert(store.call(Get(_)) == Ok(1))
    checks.kill(other)
    match fiber.wait() { NoConnection -> {}, reason -> panic(\"ended: ${reason}\") }
    wait_for(2)
    checks.restart(other)
    wait_for(3)
    let Ok(again) = spawn(on: At(other)) one() else { panic(\"not started\") }
    assert(again.call(Get(_)) == Ok(1))
  })
  assert(node.all().len() == 1)
}

test \"it is told of nodes\" receives NodeUp | NodeDown {
  node.watch()
  checks.start_sim(2)
  receive { NodeUp(name) -> assert(name == \"n2\"), NodeDown(_) -> panic(\"down\") }
  checks.end_sim()
  receive { NodeDown(name) -> assert(name == \"n2\"), NodeUp(_) -> panic(\"up\") }
}

test \"each input has a cluster of its own\" (n: Bool) {
  checks.sim(2, fn() { assert(node.all().len() == 2) })
}
";
    check(source, 0, &["3 passed, 0 failed"]);
}

/// Whatever was cut, killed or has crashed, the next cluster is whole.
#[test]
fn parted_nodes_meet_again() {
    let source = "use checks, node, process, task

fn wait_for(nodes: Int) { while node.all().len() != nodes { sleep(10ms) } }

fn leave() {
  sleep(100ms)
  process.exit(3)
}

fn part() {
  let all = node.all()
  checks.cut(all[0], all[1])
  checks.cut(all[0], all[2])
  sleep(30s)
  assert(node.all().len() == 1)
}

test \"it heals\" {
  checks.sim(3, seeds: 3, f: fn() {
    part()
    checks.heal()
    wait_for(3)
  })
}

test \"it does not heal\" {
  checks.sim(3, seeds: 3, f: fn() { part() })
  checks.sim(4, fn() { assert(node.all().len() == 4) })
}

test \"a node starts where it reaches nobody\" {
  checks.sim(3, fn() {
    let all = node.all()
    checks.cut(all[0], all[1])
    checks.cut(all[2], all[1])
    checks.restart(all[1])
    sleep(20s)
    assert(node.all().len() == 2)
    checks.heal()
    wait_for(3)
  })
}

test \"a program ends its own node\" {
  checks.sim(3, fn() {
    let Ok(fiber) = spawn(on: At(node.all()[1])) leave() else { panic(\"not started\") }
    match fiber.wait() { NoConnection -> {}, reason -> panic(\"ended: ${reason}\") }
    wait_for(2)
  })
}

test \"a crash leaves a cluster behind\" {
  let crash = fn() { checks.sim(2, fn() { panic(\"on purpose\") }) }
  assert(task.attempt(crash).is_err())
  checks.sim(3, fn() { assert(node.all().len() == 3) })
}

test \"as many as there may be\" { checks.sim(16, fn() { assert(node.all().len() == 16) }) }
";
    check(source, 0, &["6 passed, 0 failed"]);
}

#[test]
fn what_a_cluster_cannot_do_is_said() {
    let source = "use checks, node

type Event { Comes }

test \"none\" { checks.sim(0, fn() {}) }

test \"itself\" { checks.sim(2, fn() { checks.kill(node.here()) }) }

test \"alone\" { checks.kill(node.here()) }

test \"waits\" receives Event {
  checks.start_sim(2)
  receive { Comes -> {} }
}

test \"for ever\" { while true { sleep(1_000_000h) } }
";
    let parts = [
        "a simulated cluster has 1 to 16 nodes; wanted are 0",
        "n1 is the node that the test runs on",
        "the simulated cluster has no node n1",
        "deadlock: no fiber can run",
        "FAILED a: for ever\n       deadlock:",
        "0 passed, 5 failed",
    ];
    check(source, 1, &parts);
    let folder = Folder::with(&[("b.fdl", b"use checks\npub fn main() { checks.sim(3, fn() { print(\"in\") }) }\n")]);
    let (status, output, error) = seen(&run(folder.path(), &["run", "b.fdl"], b""));
    assert!(status == 1 && output.is_empty(), "{status}: {output}");
    assert!(error.contains("a simulated cluster is there in `fardel test` alone"), "{error}");
}
