//! How soon losses are noticed, and that nothing else is taken for one.

use crate::swarm::{SECOND, Swarm, id_of};
use fardel_cluster::membership::NodeEvent;

const HOUR: u64 = 3600 * SECOND;

/// NOD3: with one packet of a hundred lost each way, nobody who is alive is taken for down. Tries so many seeds, or as many as
/// `SEEDS` in the environment says, and gives how many suspicions there were, and how many packets.
///
/// A thousand seeds: `SEEDS=1000 cargo test --release -p fardel-cluster --test membership no_false_alarm -- --nocapture`
fn quiet_hours(count: usize, seeds: u64) -> (usize, u64) {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(seeds);
    let (mut suspicions, mut packets) = (0, 0);
    for seed in 0..seeds {
        let mut swarm = Swarm::joined(count, seed);
        swarm.lost = 10;
        swarm.run_for(HOUR);
        for node in 0..count {
            let heard = &swarm.heard[node];
            let is_alarm = |(_, event): &&(u64, NodeEvent)| matches!(event, NodeEvent::Down(_) | NodeEvent::Renewed);
            assert_eq!(heard.iter().find(is_alarm), None, "seed {seed}, {count} nodes, node {node}");
            suspicions += heard.iter().filter(|(_, event)| matches!(event, NodeEvent::Suspected(_))).count();
        }
        packets += swarm.packets;
        if (seed + 1) % 50 == 0 {
            println!("{count} nodes, {} hours: no false alarm, {suspicions} suspicions, {packets} packets", seed + 1);
        }
    }
    (suspicions, packets)
}

#[test]
fn nod3_no_false_alarm_in_hours_of_3_nodes() {
    let (suspicions, packets) = quiet_hours(3, 4);
    assert!(suspicions > 0 && packets > 160_000, "{suspicions} suspicions, {packets} packets: it was not put to the test");
}

#[test]
fn nod3_no_false_alarm_in_an_hour_of_50_nodes() {
    let (_, packets) = quiet_hours(50, 1);
    assert!(packets > 600_000, "{packets} packets");
}

/// NOD1: a loss is noticed by all others within 10 s, in clusters of all sizes, with one packet of a hundred lost.
#[test]
fn nod1_a_loss_is_noticed_within_10_s() {
    let mut latest = 0;
    for (count, seeds) in [(2, 60), (3, 60), (10, 40), (50, 12)] {
        for seed in 0..seeds {
            let mut swarm = Swarm::joined(count, seed);
            swarm.lost = 10;
            swarm.run_for(seed * SECOND / 7);
            let lost_at = swarm.now;
            swarm.crash(count - 1);
            swarm.run_for(10 * SECOND);
            for node in 0..count - 1 {
                let heard = &swarm.heard[node];
                let downs: Vec<u64> = heard.iter().filter(|(_, event)| is_down(event)).map(|(at, _)| *at).collect();
                assert_eq!(downs.len(), 1, "seed {seed}, {count} nodes, node {node}: {heard:?}");
                assert!(heard.contains(&(downs[0], NodeEvent::Down(id_of(count - 1)))), "{heard:?}");
                latest = latest.max(downs[0] - lost_at);
            }
        }
    }
    println!("the latest was noticed after {} ms", latest / 1_000_000);
}

fn is_down(event: &NodeEvent) -> bool {
    matches!(event, NodeEvent::Down(_))
}

/// A hundred nodes that start at once all know all within 5 s.
#[test]
fn many_nodes_know_each_other_soon() {
    for seed in 0..5 {
        let mut swarm = Swarm::new(100, seed);
        swarm.run_for(5 * SECOND);
        let alive: Vec<usize> = (0..100).map(|node| swarm.alive(node)).collect();
        assert_eq!(alive, [99; 100], "seed {seed}");
    }
}
