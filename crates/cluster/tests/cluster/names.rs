//! Names, groups and news of nodes, over nodes that lose each other.

use crate::sim::{Sim, program};
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::shape::TypeKey;
use fardel_bytecode::verify::VerifiedModule;
use fardel_cluster::{Grants, Home};
use fardel_vm::config::Config;
use fardel_vm::door::Input;
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::value::Value;
use fardel_wire::frame::Message;
use fardel_wire::id::{ActorId, Address, Incarnation, Tag, TagKey};
use fardel_wire::table::NamePolicy;
use std::borrow::Cow;
use std::collections::BTreeSet;

const SECOND: u64 = 1_000_000_000;
/// How long nodes may take to find each other again.
const FOUND: u64 = 120 * SECOND;

/// `holder` takes a name and tells whether it was free, and when it is lost; `claimer` tells with it who it is; `member` joins a group. Both end with any other
/// message. `watcher` tells of nodes, and of the end of the fiber that has the name.
const SOURCE: &str = "export holder
export claimer
export member
export watcher
export asker
fn holder(name: Text, policy: Text) | load name | self | load policy | cluster_register Int | call tell
again: | await_recv | dup | is NameLost | jmp_unless over | call tell | jmp again
over: | exit | end
fn said(what) | load what | show | push \" \" | concat | self | show | concat | call_host io.print | ret | end
fn claimer(name: Text, policy: Text) | load name | self | load policy | cluster_register Int | call said
again: | await_recv | dup | is NameLost | jmp_unless over | cast NameLost | field NameLost.name | call said | jmp again
over: | exit | end
fn member(group: Text) | load group | self | group_join Int | drop | call waiter | ret | end
fn watcher() | push true | watch_nodes | push \"name\" | cluster_whereis Any | dup | is Address | jmp_unless none | cast Address | monitor | to_any 0
none: | drop
again: | await_recv | dup | is Down | jmp_if down | call tell | nodes | call tell | jmp again
down: | cast Down | field Down.reason | call tell | push \"name\" | cluster_whereis Any | is_null | call tell | jmp again | end
fn asker(name: Text) | load name | cluster_whereis Any | dup | is_null | jmp_if none | cast Address | push 5 | swap | send | ret
none: | call tell | ret | end";

struct Names {
    sim: Sim,
    module: VerifiedModule,
}

impl Names {
    fn new(count: usize) -> Names {
        let mut sim = Sim::new(count, Config::default());
        sim.join_all();
        sim.run_for(5 * SECOND);
        Names { sim, module: program(SOURCE) }
    }

    fn hash(&mut self, node: usize) -> ModuleHash {
        self.sim.nodes[node].home.load(&self.module).expect("the module loads")
    }

    #[track_caller]
    fn start(&mut self, node: usize, function: &str, args: &[&str]) -> FiberId {
        let args: Vec<Value> = args.iter().map(|arg| Value::Text((*arg).to_owned())).collect();
        let hash = self.hash(node);
        self.sim.nodes[node].home.machine.spawn(hash, function, &args).expect("the fiber starts")
    }

    fn end(&mut self, node: usize, fiber: FiberId) {
        self.sim.nodes[node].home.machine.handle(Input::Exit { fiber, reason: ExitReason::Shutdown });
    }

    /// Who has a name, as a node knows it.
    fn holder(&self, node: usize, name: &str) -> Option<ActorId> {
        let node = &self.sim.nodes[node];
        let mut names = node.home.machine.cluster_names();
        names.find(|(known, _)| *known == name).map(|(_, fiber)| node.router.actor(fiber))
    }

    fn members(&self, node: usize, group: &str) -> BTreeSet<ActorId> {
        let node = &self.sim.nodes[node];
        node.home.machine.group_members(group).map(|fiber| node.router.actor(fiber)).collect()
    }

    fn printed(&self, node: usize) -> Vec<&str> {
        self.sim.nodes[node].home.printed.iter().map(String::as_str).collect()
    }

    fn id(&self, node: usize, fiber: FiberId) -> Option<ActorId> {
        Some(self.sim.nodes[node].router.actor(fiber))
    }

    fn part(&mut self, one: usize, other: usize) {
        self.sim.partitioned.insert((one.min(other), one.max(other)));
    }

    fn restart(&mut self, node: usize, incarnation: u32) {
        self.sim.restart(node, incarnation);
        self.sim.introduce(node);
        let others = (0..self.sim.nodes.len()).filter(|other| *other != node);
        others.collect::<Vec<_>>().into_iter().for_each(|other| self.sim.connect(node, other));
    }

    /// All can reach each other again, and have had the time to find that out.
    fn heal(&mut self) {
        self.sim.partitioned.clear();
        self.sim.run_for(FOUND);
    }
}

/// REG1, REG2, REG4: a name is known on every node, with nobody having spoken to that before; a second registration fails
/// there; and when the end of its fiber is seen it is free, for a fiber of another node as well.
#[test]
fn reg1_a_name_is_known_on_all_nodes_and_is_given_again() {
    let mut names = Names::new(3);
    let first = names.start(0, "holder", &["name", "keep_oldest"]);
    names.sim.run();
    assert!((0..3).all(|node| names.holder(node, "name") == names.id(0, first)));
    names.start(1, "holder", &["name", "keep_oldest"]);
    names.start(2, "watcher", &[]);
    names.sim.run();
    assert_eq!(names.printed(1), ["false"]);
    names.end(0, first);
    names.sim.run();
    assert_eq!(names.printed(2), ["Shutdown", "true"]);
    let second = names.start(1, "holder", &["name", "keep_oldest"]);
    names.sim.run();
    assert_eq!(names.printed(1), ["false", "true"]);
    assert!((0..3).all(|node| names.holder(node, "name") == names.id(1, second)));
}

/// A node that comes later hears of what there is, and so does one that was restarted; REG6: under another id.
#[test]
fn a_node_that_comes_hears_of_all_names() {
    let mut names = Names::new(3);
    names.part(0, 2);
    names.part(1, 2);
    let held = names.start(0, "holder", &["name", "keep_oldest"]);
    let member = names.start(1, "member", &["group"]);
    names.sim.run_for(30 * SECOND);
    assert_eq!((names.holder(1, "name"), names.holder(2, "name")), (names.id(0, held), None));
    names.heal();
    assert_eq!(names.holder(2, "name"), names.id(0, held));
    assert_eq!(names.members(2, "group"), names.id(1, member).into_iter().collect());
    names.restart(0, 2);
    names.sim.run_for(FOUND);
    assert_eq!((names.holder(1, "name"), names.holder(2, "name")), (None, None));
    assert_eq!(names.members(0, "group"), names.id(1, member).into_iter().collect());
    let again = names.start(0, "holder", &["name", "keep_oldest"]);
    names.sim.run();
    assert_eq!(names.holder(2, "name"), names.id(0, again));
    assert_eq!(names.holder(2, "name").map(|id| id.incarnation), Some(Incarnation(2)));
}

/// REG5: both sides of a partition give one name. When they meet, all see the same fiber, by the policy; the other one is told,
/// and goes on.
#[test]
fn reg5_a_conflict_is_settled_by_its_policy() {
    for (policy, kept) in [("keep_oldest", Some(0)), ("keep_newest", Some(2)), ("keep_none", None)] {
        let mut names = Names::new(3);
        names.part(0, 2);
        names.part(1, 2);
        let old = names.start(0, "holder", &["name", policy]);
        names.sim.run_for(SECOND);
        let new = names.start(2, "holder", &["name", policy]);
        names.sim.run_for(SECOND);
        assert_eq!((names.printed(0), names.printed(2)), (vec!["true"], vec!["true"]));
        assert_eq!((names.holder(1, "name"), names.holder(2, "name")), (names.id(0, old), names.id(2, new)));
        names.heal();
        let wanted = kept.and_then(|node| names.id(node, if node == 0 { old } else { new }));
        for node in 0..3 {
            assert_eq!(names.holder(node, "name"), wanted, "{policy}, seen from {node}");
        }
        for node in [0, 2] {
            let told = if kept == Some(node) { vec!["true"] } else { vec!["true", "NameLost(\"name\")"] };
            assert_eq!(names.printed(node), told, "{policy}");
            assert_eq!(names.sim.nodes[node].home.ended, [], "nothing is killed");
        }
    }
}

/// REG5: who registered first is said by the clocks of the nodes, and between equal times by their ids.
#[test]
fn reg5_the_oldest_is_so_by_the_clocks_of_the_nodes() {
    for (epochs, kept) in [([0, 0], 0), ([1, 0], 1), ([0, 1], 0)] {
        let mut names = Names::new(2);
        names.part(0, 1);
        let fibers = [0, 1].map(|node| {
            names.sim.nodes[node].router.set_epoch(epochs[node]);
            names.start(node, "holder", &["name", "keep_oldest"])
        });
        names.sim.run_for(SECOND);
        names.heal();
        let wanted = names.id(kept, fibers[kept]);
        assert_eq!([names.holder(0, "name"), names.holder(1, "name")], [wanted; 2], "{epochs:?}");
    }
}

/// REG5: the older fiber has ended before the nodes meet: nobody loses anything.
#[test]
fn reg5_only_who_lives_is_in_the_way() {
    let mut names = Names::new(2);
    names.part(0, 1);
    names.sim.run_for(20 * SECOND);
    let old = names.start(0, "holder", &["name", "keep_oldest"]);
    names.sim.run_for(SECOND);
    let new = names.start(1, "holder", &["name", "keep_oldest"]);
    names.sim.run_for(SECOND);
    names.end(0, old);
    names.heal();
    assert_eq!((names.holder(0, "name"), names.printed(1)), (names.id(1, new), vec!["true"]));
}

/// NOD1, NOD2, REG2: a node that is lost is told once, behind the ends of its fibers, whose names are free by then; and told
/// again when it is there again, with its names.
#[test]
fn nod1_a_lost_node_is_told_once_and_comes_back_with_its_names() {
    let mut names = Names::new(2);
    let held = names.start(0, "holder", &["name", "keep_oldest"]);
    names.sim.run();
    names.start(1, "watcher", &[]);
    names.sim.run();
    names.part(0, 1);
    names.sim.run_for(60 * SECOND);
    let lost = ["NoConnection", "true", "NodeDown(\"n0\")", "[\"n1\"]"];
    assert_eq!(names.printed(1), lost);
    assert_eq!(names.holder(1, "name"), None);
    names.heal();
    assert_eq!(names.printed(1), [&lost[..], &["NodeUp(\"n0\")", "[\"n1\", \"n0\"]"]].concat());
    assert_eq!(names.holder(1, "name"), names.id(0, held));
}

/// A connection that breaks and goes on changes nothing: no node is lost, and no name.
#[test]
fn a_broken_connection_is_no_news() {
    let mut names = Names::new(2);
    names.start(1, "watcher", &[]);
    names.sim.cuts = 300;
    names.sim.seed(3);
    let mut held = Vec::new();
    for at in 0..50 {
        held.push(names.start(0, "holder", &[&format!("name {at}"), "keep_oldest"]));
        names.sim.run_for(SECOND / 20);
    }
    names.sim.cuts = 0;
    names.sim.run();
    assert_eq!(names.printed(1), Vec::<&str>::new());
    for (at, fiber) in held.into_iter().enumerate() {
        assert_eq!(names.holder(1, &format!("name {at}")), names.id(0, fiber));
    }
}

/// DEL3: a name leads to the fiber that had it when it was asked for; what is sent after that one's end is counted there.
#[test]
fn del3_what_is_sent_to_a_name_elsewhere_is_dropped_and_counted() {
    let mut names = Names::new(2);
    let held = names.start(0, "holder", &["name", "keep_oldest"]);
    names.sim.run();
    // The question is asked before the end has been heard of.
    names.start(1, "asker", &["name"]);
    names.end(0, held);
    names.sim.run();
    assert_eq!(names.sim.nodes[0].home.machine.stats().dead_letters, 1);
    names.start(1, "asker", &["name"]);
    names.sim.run();
    assert_eq!(names.printed(1), ["null"]);
}

/// REG1 to REG6, over many stories of partitions, cuts, restarts, ends and registrations: in the end all nodes see the same, and
/// who was told to have a name, and was not told to have lost it, has it.
#[test]
fn all_nodes_agree_in_the_end() {
    let (mut held, mut lost) = (0, 0);
    for seed in 0..40 {
        let told = story(seed);
        held += told.iter().filter(|told| told.has_it).count();
        lost += told.iter().filter(|told| !told.has_it).count();
    }
    assert!(held > 40 && lost > 10, "{held} registrations stand, {lost} were lost: the stories are too simple");
}

/// A fiber that lives and was told that it has a name, and whether it was told no more since.
struct Told {
    name: &'static str,
    has_it: bool,
}

const NODES: usize = 4;
const THINGS: [(&str, &str); 3] = [("a", "keep_oldest"), ("b", "keep_newest"), ("c", "keep_none")];

fn story(seed: u64) -> Vec<Told> {
    let mut names = Names::new(NODES);
    names.sim.seed(seed);
    let mut claimers: Vec<(usize, FiberId, &str)> = Vec::new();
    let mut members: Vec<(usize, FiberId, &str)> = Vec::new();
    let mut incarnations = [1; NODES];
    for _ in 0..30 {
        let (node, other) = (names.sim.draw(NODES as u64) as usize, names.sim.draw(NODES as u64) as usize);
        let (thing, policy) = THINGS[names.sim.draw(3) as usize];
        match names.sim.draw(15) {
            0..=5 => claimers.push((node, names.start(node, "claimer", &[thing, policy]), thing)),
            6 | 7 => members.push((node, names.start(node, "member", &[thing]), thing)),
            8 | 9 => {
                let ends = if names.sim.draw(2) == 0 { &mut claimers } else { &mut members };
                if !ends.is_empty() {
                    let (node, fiber, _) = ends.swap_remove(names.sim.draw(ends.len() as u64) as usize);
                    names.end(node, fiber);
                }
            }
            10 | 11 if node != other => names.part(node, other),
            12 => names.sim.partitioned.clear(),
            13 => {
                incarnations[node] += 1;
                names.restart(node, incarnations[node]);
                claimers.retain(|(of, ..)| *of != node);
                members.retain(|(of, ..)| *of != node);
            }
            _ => names.sim.cuts = names.sim.draw(2) * 20,
        }
        let time = [1, 30, 2_000, 15_000][names.sim.draw(4) as usize];
        names.sim.run_for(time * 1_000_000);
    }
    names.sim.cuts = 0;
    names.heal();
    let mut told = Vec::new();
    for (node, fiber, name) in claimers {
        let has = |line: String| names.printed(node).contains(&line.as_str());
        let (had_it, lost_it) = (has(format!("true {fiber}")), has(format!("{name} {fiber}")));
        assert_eq!(names.holder(node, name) == names.id(node, fiber), had_it && !lost_it, "seed {seed}, {node}, {name}");
        if had_it {
            told.push(Told { name, has_it: !lost_it });
        }
    }
    for (thing, _) in THINGS {
        let all: BTreeSet<ActorId> = members
            .iter()
            .filter(|(.., group)| *group == thing)
            .filter_map(|(node, fiber, _)| names.id(*node, *fiber))
            .collect();
        let holder = names.holder(0, thing);
        let holds = told.iter().filter(|told| told.has_it && told.name == thing).count();
        assert_eq!(usize::from(holder.is_some()), holds, "seed {seed}, {thing}");
        for node in 0..NODES {
            assert_eq!(names.holder(node, thing), holder, "seed {seed}, node {node}, {thing}");
            assert_eq!(names.members(node, thing), all, "seed {seed}, node {node}, {thing}");
        }
    }
    told
}

// Peers that do not keep to the rules.

fn id(sim: &Sim, node: usize, slot: u32) -> ActorId {
    ActorId { node: sim.nodes[node].id, incarnation: Incarnation(1), fiber: FiberId { slot, generation: 1 } }
}

fn name_of(fiber: ActorId, name: &str) -> Message<'static> {
    let fiber = Address { id: fiber, tag: Tag([7; 16]) };
    let name = Cow::Owned(name.to_owned());
    Message::Name { fiber, time: 0, policy: NamePolicy::KeepOldest, ty: TypeKey([1; 32]), name }
}

fn group_of(fiber: ActorId, group: &str, has_joined: bool) -> Message<'static> {
    let fiber = Address { id: fiber, tag: Tag([7; 16]) };
    Message::Group { fiber, joined: has_joined.then_some(TypeKey([1; 32])), group: Cow::Owned(group.to_owned()) }
}

impl Names {
    /// Has node 1 take a message of node 0.
    fn say(&mut self, message: Message<'static>) {
        let peer = self.sim.nodes[0].id;
        let node = &mut self.sim.nodes[1];
        node.router.message(0, peer, message, &mut node.home, &mut node.peers);
    }

    fn denied(&self) -> u64 {
        self.sim.nodes[1].router.stats().denied
    }
}

/// A node speaks for its own fibers, of what it is at present, and for nobody else's.
#[test]
fn a_peer_names_its_own_fibers_alone() {
    let mut names = Names::new(3);
    let own = names.start(1, "holder", &["name", "keep_oldest"]);
    let member = names.start(1, "member", &["group"]);
    names.sim.run();
    let (of_third, of_own) = (id(&names.sim, 2, 5), names.id(1, member).unwrap());
    let of_node = ActorId { fiber: FiberId { slot: 0, generation: 0 }, ..id(&names.sim, 0, 0) };
    let [past, later] = [0, 2].map(|incarnation| ActorId { incarnation: Incarnation(incarnation), ..id(&names.sim, 0, 5) });
    let before = names.sim.nodes[1].router.remotes();
    for fiber in [of_third, of_own, of_node, past, later] {
        names.say(name_of(fiber, "other"));
        names.say(group_of(fiber, "group", true));
    }
    names.say(group_of(of_own, "group", false));
    assert_eq!((names.denied(), names.sim.nodes[1].router.remotes()), (11, before));
    // What it has not told it cannot take back.
    names.say(Message::NameFree { name: Cow::Borrowed("name") });
    names.say(group_of(id(&names.sim, 0, 5), "group", false));
    assert_eq!((names.holder(1, "name"), names.holder(1, "other")), (names.id(1, own), None));
    assert_eq!(names.members(1, "group"), names.id(1, member).into_iter().collect());
    // Its own it may name, and that of another one in its place.
    names.say(name_of(id(&names.sim, 0, 5), "other"));
    names.say(name_of(id(&names.sim, 0, 6), "other"));
    assert_eq!(names.holder(1, "other"), Some(id(&names.sim, 0, 6)));
    assert_eq!(names.denied(), 11);
}

/// A node that may not send may not register, and hears of no names.
#[test]
fn whoever_may_not_send_has_no_names() {
    let mut names = Names::new(2);
    let peer = names.sim.nodes[0].id;
    names.sim.nodes[1].router.grant(peer, Grants::NONE);
    names.start(0, "holder", &["theirs", "keep_oldest"]);
    names.start(1, "holder", &["name", "keep_oldest"]);
    names.sim.run();
    assert_eq!((names.holder(1, "theirs"), names.holder(0, "name")), (None, None));
    assert!(names.denied() > 0);
}

/// What one node can have noted is bounded, in all and for one fiber, and what is over it takes no memory.
#[test]
fn what_a_peer_tells_is_bounded() {
    let mut names = Names::new(2);
    names.sim.run();
    for at in 0..2_000 {
        names.say(group_of(id(&names.sim, 0, 5), &at.to_string(), true));
    }
    assert_eq!(names.sim.nodes[1].home.machine.stats().names, 1_024, "of one fiber");
    let mut names = Names::new(2);
    names.sim.run();
    let max = u32::try_from(fardel_cluster::limits::CLAIMS_OF_NODE_MAX).unwrap();
    for slot in 0..max + 10 {
        names.say(group_of(id(&names.sim, 0, slot), "group", true));
    }
    let node = &names.sim.nodes[1];
    assert_eq!((names.denied(), node.router.remotes(), node.home.machine.stats().names), (10, max as usize, u64::from(max)));
    // One that is known may be told again.
    names.say(group_of(id(&names.sim, 0, 3), "group", false));
    names.say(group_of(id(&names.sim, 0, max + 20), "group", true));
    assert_eq!(names.denied(), 10);
    // When it is lost, all of it is.
    let peer = names.sim.nodes[0].id;
    let node = &mut names.sim.nodes[1];
    node.router.lost(peer, &mut node.home);
    assert_eq!(node.home.machine.stats().names, 0);
}

/// A key that was made up gives no right to a fiber: a name that a node tells leads nowhere but to that node.
#[test]
fn a_name_leads_to_the_node_that_told_it() {
    let mut names = Names::new(2);
    names.sim.run();
    names.say(name_of(id(&names.sim, 0, 900), "name"));
    names.start(1, "asker", &["name"]);
    names.sim.run();
    assert_eq!(names.sim.nodes[0].router.stats().denied, 1, "the tag is not the one that it gives out");
    let known = TagKey::new([100; 32]).address(id(&names.sim, 0, 900));
    assert_ne!(known.tag, Tag([7; 16]));
}
