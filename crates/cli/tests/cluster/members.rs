//! Who is alive, as the logs of nodes say.

use crate::process::{Node, SHARED, SOON, folder};
use crate::support::Folder;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// How soon a loss is noticed.
const NOTICED: Duration = Duration::from_secs(10);

const NOTHING: &str = "fn main()\n ret\nend\n";

/// Nodes `n0`, `n1` and so on, which join the first one.
fn nodes(folder: &Folder, count: usize) -> Vec<Node> {
    let first = Node::start(folder, "n0", &SHARED);
    let join = ["--join", &first.address];
    let others = (1..count).map(|at| Node::start(folder, &format!("n{at}"), &[&SHARED[..], &join].concat()));
    let mut others: Vec<Node> = others.collect();
    others.insert(0, first);
    others
}

/// Waits until each of these nodes has heard that each other one is up.
#[track_caller]
fn all_up(nodes: &[Node]) {
    for (at, node) in nodes.iter().enumerate() {
        for other in (0..nodes.len()).filter(|other| *other != at) {
            node.process.says_both("node up", &format!("name=\"n{other}\""), SOON);
        }
    }
}

/// NOD1: a node that is killed is down for all others within 10 s, and so is one that only stops.
#[test]
fn nod1_killed_and_stopped_nodes_are_noticed() {
    let folder = folder(NOTHING);
    let nodes = nodes(&folder, 4);
    all_up(&nodes);
    let [one, two, killed, stopped] = &nodes[..] else { panic!("there are four") };
    let lost = Instant::now();
    killed.process.signal(Signal::SIGKILL);
    stopped.process.signal(Signal::SIGSTOP);
    for node in [one, two] {
        for name in ["name=\"n2\"", "name=\"n3\""] {
            let line = node.process.says_both("node down", name, NOTICED.saturating_sub(lost.elapsed()));
            let suspected = node.process.says_both("node suspected", name, Duration::ZERO);
            assert!(suspected < line, "{suspected} comes before {line}");
        }
    }
    // NOD7: it goes on as a member, and at the same address.
    stopped.process.signal(Signal::SIGCONT);
    stopped.process.says_both("it joins again", "n3", SOON);
}

/// Eight nodes that are started at once know each other, and one that leaves is down for all at once.
#[test]
fn eight_nodes_know_each_other_and_hear_who_leaves() {
    let folder = folder(NOTHING);
    let mut nodes = nodes(&folder, 8);
    all_up(&nodes);
    let mut left = nodes.pop().expect("there are eight");
    left.process.signal(Signal::SIGTERM);
    assert_eq!(left.process.ends(SOON).0, 0);
    for node in &nodes {
        node.process.says_both("node down", "name=\"n7\"", Duration::from_secs(3));
    }
}
