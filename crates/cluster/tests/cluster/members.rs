//! Who is alive, in whole clusters: NOD1, NOD2, NOD3, NOD6, NOD7, NOD8.

use crate::sim::{Sim, id_of, program};
use fardel_cluster::{Life, NodeEvent};
use fardel_vm::config::Config;
use fardel_wire::id::Incarnation;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLISECOND;

/// A cluster whose nodes all know each other.
#[track_caller]
fn cluster(count: usize) -> Sim {
    let mut sim = Sim::alone(count, Config::default());
    sim.join_all();
    sim.run_for(3 * SECOND);
    for node in 0..count {
        let ups = sim.ups_and_downs(node);
        assert_eq!(ups.len(), count - 1, "node {node} has heard {ups:?}");
        assert!(ups.iter().all(|event| matches!(event, NodeEvent::Up(_))), "node {node} has heard {ups:?}");
        sim.nodes[node].home.heard.clear();
        sim.nodes[node].home.story.clear();
    }
    sim
}

fn life(sim: &Sim, at: usize, of: usize) -> Option<Life> {
    sim.nodes[at].router.member_at(id_of(of)).map(|member| member.life)
}

/// NOD1: whoever does not answer any more is down within 10 s, at every other node, once.
#[test]
fn nod1_a_loss_is_noticed_within_10_s_and_once() {
    for (seed, count) in (0..20).map(|seed| (seed, 2 + seed as usize % 5)) {
        let mut sim = cluster(count);
        sim.seed(seed);
        (sim.gossip_lost, sim.gossip_doubled, sim.gossip_late) = (10, 10, 100);
        sim.run_for(seed * 37 * MILLISECOND);
        let lost_at = sim.now;
        if seed % 2 == 0 {
            sim.crash(count - 1)
        } else {
            sim.stop(count - 1)
        }
        sim.run_for(10 * SECOND);
        for node in 0..count - 1 {
            assert_eq!(sim.ups_and_downs(node), [NodeEvent::Down(id_of(count - 1))], "seed {seed}, node {node}");
        }
        sim.run_for(30 * SECOND);
        assert_eq!(sim.ups_and_downs(0).len(), 1, "seed {seed}: {:?} since {lost_at}", sim.nodes[0].home.heard);
    }
}

/// NOD2: whoever watches fibers of a node hears of their ends before anybody hears that it is down.
#[test]
fn nod2_downs_come_before_node_down() {
    let module = program(
        "export main
        fn main() | local i: Int | push 0 | store i
        again: | push \"n1\" | spawn_on waiter | cast Address | monitor | drop | load i | push 1 | add | tee i | push 20 | lt | jmp_if again
            push 0 | store i
        more: | await_recv | call reason | call tell | load i | push 1 | add | tee i | push 20 | lt | jmp_if more | ret | end",
    );
    let mut sim = cluster(3);
    sim.start(0, &module, "main");
    sim.run_for(SECOND);
    sim.stop(1);
    sim.run_for(10 * SECOND);
    let down = format!("{:?}", NodeEvent::Down(id_of(1)));
    let told = sim.nodes[0].home.story.iter().filter(|line| **line == "NoConnection" || **line == down);
    let told: Vec<&str> = told.map(String::as_str).collect();
    assert_eq!(told, [&["NoConnection"; 20][..], &[&down]].concat());
}

/// NOD3: a node that pauses for less than a suspicion lasts keeps its session, and everything that depends on it.
#[test]
fn nod3_a_suspected_node_keeps_its_sessions() {
    let module = program(
        "export main
        fn main() | local far: Address | push \"n1\" | spawn_on waiter | cast Address | store far | load far | monitor | drop
            push 8000 | await_recv_until | drop | push 3 | load far | send | await_recv | call reason | call tell | ret | end",
    );
    let mut sim = cluster(3);
    sim.start(0, &module, "main");
    sim.run_for(SECOND);
    sim.stop(1);
    sim.run_for(3 * SECOND);
    let suspected = |sim: &Sim| life(sim, 0, 1) == Some(Life::Suspected) || life(sim, 2, 1) == Some(Life::Suspected);
    assert!(suspected(&sim), "{:?}", sim.nodes[0].home.heard);
    sim.go_on(1);
    sim.run_for(10 * SECOND);
    assert_eq!([life(&sim, 0, 1), life(&sim, 2, 1)], [Some(Life::Alive); 2]);
    assert_eq!(sim.nodes[0].home.printed, ["ShutdownWith(3)"]);
    for node in 0..3 {
        assert_eq!(sim.ups_and_downs(node), [], "node {node}");
    }
}

/// NOD6, NOD7: a node that is started again has a higher incarnation, and is a member again at the same address; what was
/// before is down.
#[test]
fn nod7_a_restarted_node_joins_again_at_the_same_address() {
    for is_noticed in [false, true] {
        let mut sim = cluster(3);
        let address = sim.nodes[0].router.member_at(id_of(2)).map(|member| member.address.clone());
        sim.crash(2);
        sim.run_for(if is_noticed { 10 * SECOND } else { SECOND });
        sim.restart(2, 2);
        sim.connect(2, 0);
        sim.run_for(5 * SECOND);
        for node in 0..2 {
            let both = [NodeEvent::Down(id_of(2)), NodeEvent::Up(id_of(2))];
            assert_eq!(sim.ups_and_downs(node), both, "node {node}, {is_noticed}");
            let member = sim.nodes[node].router.member_at(id_of(2)).expect("it is known");
            assert_eq!((member.incarnation, Some(&member.address)), (Incarnation(2), address.as_ref()));
        }
        // The former incarnation is refused, whoever comes with it.
        sim.restart(2, 1);
        sim.connect(2, 0);
        sim.run_for(30 * SECOND);
        assert_eq!(life(&sim, 0, 2), Some(Life::Down), "{is_noticed}");
    }
}

/// NOD7: two sides of a network that was cut take each other for down, and find each other again.
#[test]
fn nod7_parted_sides_become_one_again() {
    let mut sim = cluster(4);
    for pair in [(0, 2), (0, 3), (1, 2), (1, 3)] {
        sim.partitioned.insert(pair);
    }
    sim.run_for(60 * SECOND);
    for node in 0..4 {
        assert_eq!(sim.ups_and_downs(node).len(), 2, "node {node}");
        sim.nodes[node].home.heard.clear();
    }
    sim.partitioned.clear();
    sim.run_for(30 * SECOND);
    for node in 0..4 {
        let mut back = sim.ups_and_downs(node);
        back.sort();
        let other_side = if node < 2 { [2, 3] } else { [0, 1] };
        assert_eq!(back, other_side.map(|other| NodeEvent::Up(id_of(other))), "node {node}");
    }
}

/// NOD8: two nodes that cannot reach each other, but others that can reach both, part nobody.
#[test]
fn nod8_a_cut_between_two_parts_nobody() {
    for one_way in [false, true] {
        let mut sim = cluster(5);
        if one_way {
            sim.one_way.insert((3, 4));
        } else {
            sim.partitioned.insert((3, 4));
        }
        sim.run_for(120 * SECOND);
        for node in 0..5 {
            assert_eq!(sim.ups_and_downs(node), [], "node {node}, one way: {one_way}");
        }
    }
}

/// NOD8: a node that hears nothing, but whose words arrive, takes nobody with it.
#[test]
fn nod8_a_deaf_node_parts_no_healthy_pair() {
    let mut sim = cluster(5);
    for other in 0..4 {
        sim.one_way.insert((other, 4));
    }
    sim.run_for(60 * SECOND);
    for node in 0..4 {
        let about_healthy =
            |event: &NodeEvent| !matches!(event, NodeEvent::Up(node) | NodeEvent::Down(node) if *node == id_of(4));
        let heard: Vec<NodeEvent> = sim.ups_and_downs(node).into_iter().filter(about_healthy).collect();
        assert_eq!(heard, [], "node {node}");
    }
}

/// A node that leaves in order is down at once, and not after a suspicion.
#[test]
fn a_node_that_leaves_is_down_at_once() {
    let mut sim = cluster(8);
    // Until each has a link with each.
    sim.run_for(30 * SECOND);
    let left_at = sim.now;
    sim.leave(3);
    for node in (0..8).filter(|node| *node != 3) {
        let at = left_at + 20 * MILLISECOND;
        let down = NodeEvent::Down(id_of(3));
        assert!(
            sim.nodes[node].home.heard.iter().any(|heard| heard.0 < at && heard.1 == down),
            "{:?}",
            sim.nodes[node].home.heard
        );
    }
    sim.run_for(60 * SECOND);
    assert_eq!(sim.ups_and_downs(0).len(), 1, "it stays so");
}

/// LNK7: whoever speaks to a node that is down need not wait to hear so.
#[test]
fn lnk7_a_watch_on_a_node_that_is_down_ends_at_once() {
    let module = program(
        "export main
        fn main() | local far: Address | push \"n1\" | spawn_on deaf | cast Address | store far
            push 12000 | await_recv_until | drop | load far | monitor | drop | await_recv | call reason | call tell | ret | end",
    );
    let mut sim = cluster(2);
    sim.start(0, &module, "main");
    sim.run_for(SECOND);
    sim.crash(1);
    sim.run_for(10_900 * MILLISECOND);
    assert_eq!((life(&sim, 0, 1), sim.nodes[0].home.printed.len()), (Some(Life::Down), 0));
    sim.run_for(200 * MILLISECOND);
    assert_eq!(sim.nodes[0].home.printed, ["NoConnection"]);
}

/// Nodes that come, and go for good, are forgotten, and with them all that was known of them.
#[test]
fn who_is_gone_for_long_is_forgotten() {
    let module = program(
        "export main
        fn main() | push \"n2\" | spawn_on deaf | cast Address | monitor | drop | await_recv | call reason | call tell | ret | end",
    );
    let mut sim = cluster(3);
    sim.start(0, &module, "main");
    sim.run_for(SECOND);
    sim.crash(2);
    sim.run_for(10 * SECOND);
    assert_eq!((life(&sim, 0, 2), sim.nodes[0].router.remotes()), (Some(Life::Down), 1));
    // Nobody looks at these hours step by step.
    sim.crash(1);
    sim.run_for(10 * SECOND);
    sim.run_for(fardel_cluster::limits::DOWN_TIME);
    assert_eq!((life(&sim, 0, 2), sim.nodes[0].router.remotes()), (None, 0));
    assert_eq!(sim.nodes[0].home.printed, ["NoConnection"]);
}

/// Each node knows the labels of all, and those of a node that is started anew take the place of its former ones.
#[test]
fn labels_are_known_to_all() {
    let module = program(
        "export main
        fn main() | push 5000 | await_recv_until | drop | push \"n0\" | node_labels | call tell | push \"n2\" | node_labels | call tell
            push 60000 | await_recv_until | drop | push \"n2\" | node_labels | call tell | ret | end",
    );
    let mut sim = Sim::alone(3, Config::default());
    for node in [0, 2] {
        sim.labels.insert(node, vec!["gpu".to_owned(), format!("rack {node}")]);
        sim.restart(node, 2);
    }
    sim.join_all();
    sim.start(0, &module, "main");
    sim.run_for(20 * SECOND);
    assert_eq!(sim.nodes[0].home.printed, ["[\"gpu\", \"rack 0\"]", "[\"gpu\", \"rack 2\"]"]);
    sim.labels.insert(2, vec!["eu".to_owned()]);
    sim.restart(2, 3);
    sim.join_all();
    sim.run_for(80 * SECOND);
    assert_eq!(sim.nodes[0].home.printed[2..], ["[\"eu\"]"]);
}
