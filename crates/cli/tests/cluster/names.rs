//! Names, groups and news of nodes, between processes.

use crate::process::{Node, Process, SHARED, SOON, folder, run};
use crate::support::root;
use nix::sys::signal::Signal;
use std::fs;

/// The example prints the same on one node and on three.
#[test]
fn names_and_groups_are_known_on_all_nodes() {
    let example = |extension: &str| fs::read_to_string(root().join("examples/names").with_extension(extension));
    let (source, wanted) = (example("fda").expect("the example is there"), example("out").expect("so is what it prints"));
    let folder = folder(&source);
    let one = Node::start(&folder, "one", &SHARED);
    let joining = [&SHARED[..], &["--join", &one.address]].concat();
    let (two, three) = (Node::start(&folder, "two", &joining), Node::start(&folder, "three", &joining));
    for node in [&two, &three] {
        node.process.says("connected");
    }
    let args = [&["run", "--connect", &one.address], &SHARED[..], &["a.fda", "one", "two", "three"]].concat();
    for _ in 0..2 {
        // All is given up at the end of a program, so there is room for the next one.
        assert_eq!(Process::start(&folder, &args).ends(SOON), (0, wanted.clone(), String::new()));
    }
}

/// Alone the example counts to 10, on one node.
#[test]
fn a_program_in_the_language_counts_on_all_nodes() {
    let source = fs::read_to_string(root().join("examples/cluster-counter.fdl")).expect("the example is there");
    let folder = folder("");
    fs::write(folder.path().join("counter.fdl"), source).expect("a file can be written");
    let one = Node::start(&folder, "one", &SHARED);
    let two = Node::start(&folder, "two", &[&SHARED[..], &["--join", &one.address]].concat());
    two.process.says("connected");
    let args = [&["run", "--connect", &one.address], &SHARED[..], &["counter.fdl"]].concat();
    assert_eq!(Process::start(&folder, &args).ends(SOON), (0, "30 on 3 nodes\n".to_owned(), String::new()));
}

/// NOD1, NOD2, REG2: a fiber on node `one` has a name; when that node ends, its fiber's end comes first, then that of the node, and
/// the name is free for `main`.
const WATCH: &str = "host io.print(Text)
system Down, NodeUp, NodeDown
fn holder()\n push \"name\"\n self\n push \"keep_oldest\"\n cluster_register Any\n drop\n await_recv\n drop\n ret\nend
fn told(message) -> Text\n load message\n is Down\n jmp_if down\n load message\n show\n ret
down:\n load message\n cast Down\n field Down.reason\n show\n ret\nend
fn main()\n push true\n watch_nodes\n push \"one\"\n spawn_on holder\n cast Address\n monitor\n drop\n jmp look
wait:\n push 1\n await_type_until Int\n drop
look:\n push \"name\"\n cluster_whereis Any\n jmp_if_null wait\n drop\n nodes\n show\n call_host io.print
 await_recv\n call told\n call_host io.print
 push \"name\"\n self\n push \"keep_oldest\"\n cluster_register Any\n show\n call_host io.print
 await_recv\n call told\n call_host io.print\n nodes\n show\n call_host io.print\n ret\nend\n";

#[test]
fn a_node_that_ends_is_told_and_its_names_are_free() {
    let folder = folder(WATCH);
    let one = Node::start(&folder, "one", &SHARED);
    let mut program = run(&folder, &one, &SHARED);
    program.prints("[\"main\", \"one\"]");
    one.process.signal(Signal::SIGTERM);
    let lines = "[\"main\", \"one\"]\nNoConnection\ntrue\nNodeDown(\"one\")\n[\"main\"]\n";
    let (status, output, _) = program.ends(SOON);
    assert_eq!((status, output.as_str()), (0, lines));
}
