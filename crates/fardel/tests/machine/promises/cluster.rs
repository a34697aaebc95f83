//! Names with the scope of the cluster, groups, and news of nodes.

use super::{each_way, ends_with, prints, prints_here, program};
use crate::nodes::Nodes;
use crate::support::{World, ways};
use fardel::bytecode::shape::TypeKey;
use fardel::bytecode::verify::VerifiedModule;
use fardel::vm::cluster::{CLAIMS_EACH_MAX, Claim, News};
use fardel::vm::config::Config;
use fardel::vm::door::{Input, Output};
use fardel::vm::exit::ExitReason;
use fardel::vm::fiber::FiberId;
use fardel::vm::value::Value;

/// A fiber that takes a name and joins a group, tells its parent so, and ends with its first message.
const NAMED: &str = "fn named(name: Text, parent: Address)
        load name | self | push \"keep_oldest\" | cluster_register Int | load parent | send
        push \"all\" | self | group_join Int | load parent | send | await_recv | exit | end
    fn take(name: Text) | load name | self | push \"keep_oldest\" | cluster_register Any | call tell | ret | end
    ";

/// REG1, REG4: within the cluster one fiber has a name, wherever it lives and whoever asks; local names are others.
#[test]
fn reg1_a_name_in_the_cluster_is_taken_on_every_node() {
    let source = format!(
        "{NAMED}fn main() | local a: Address | push \"name\" | self | spawn named | store a | await_recv | call tell | await_recv | drop
            push \"name\" | cluster_whereis Int | load a | to_any 0 | eq | call tell
            push \"name\" | self | push \"keep_oldest\" | cluster_register Int | call tell
            push \"name\" | self | push \"keep_newest\" | cluster_register Any | call tell
            push \"name\" | whereis Any | is_null | call tell | push \"name\" | self | register Int | call tell
            push \"name\" | cluster_whereis Int | load a | to_any 0 | eq | call tell | ret | end"
    );
    prints(&source, &["true", "true", "false", "false", "true", "true", "true"]);
}

/// REG2: when the end of its fiber is seen, by a monitor, a link or a wait, a name is free on that node.
#[test]
fn reg2_a_name_in_the_cluster_is_gone_when_its_down_is_seen() {
    let begins = "push \"name\" | self | spawn named | store w | await_recv | drop | await_recv | drop";
    let seen =
        "push \"name\" | cluster_whereis Any | is_null | call tell | push \"all\" | group_members Any | len | call tell";
    let source = format!(
        "{NAMED}fn main() | local w: Address | push true | trap_exits
            {begins} | load w | monitor | drop | push null | load w | send | await_type Down | drop | {seen}
            {begins} | load w | link | push 1 | load w | send | await_type Exit | drop | {seen}
            {begins} | push 1 | load w | send | load w | push -1 | wait | drop | {seen}
            push \"name\" | self | push \"keep_oldest\" | cluster_register Any | call tell | ret | end"
    );
    prints(&source, &["true", "0", "true", "0", "true", "0", "true"]);
}

/// REG2: a fiber ends over several turns when much waits in its mailbox. What asks about it meanwhile is told `noproc`; so its
/// names have to go first.
#[test]
fn reg2_names_are_given_up_before_the_end_takes_long() {
    let module = program(
        "fn holder() | push \"name\" | self | push \"keep_oldest\" | cluster_register Any | drop | push \"all\" | self | group_join Any | drop
            await_type Bool | drop | ret | end
        fn main() | local h: Address | local i: Int | spawn holder | store h | push 0 | store i
        more: | load i | load h | send | load i | push 1 | add | tee i | push 3000 | lt | jmp_if more | ret | end",
    );
    let mut world = World::new(&module, Config { cluster: true, ..Config::default() });
    world.start("main");
    world.run();
    let asker = world.machine.open_remote().expect("there is a place");
    let Some(Output::Claim(Claim::Name { fiber, .. })) = world.remote.pop_front() else { panic!("no claim") };
    world.remote.clear();
    world.machine.handle(Input::Exit { fiber, reason: ExitReason::Kill });
    assert!(world.run_slices(1), "its end takes more than a turn");
    world.machine.handle(Input::Watch { by: asker, fiber });
    world.run();
    let told: Vec<String> = world.remote.iter().map(|output| format!("{output:?}")).collect();
    assert!(told[0].contains("NameFree") && told[1].contains("MemberGone") && told[2].starts_with("Gone"), "{told:?}");
    assert_eq!(told.len(), 3);
}

/// REG2: when a node cannot be reached, its fibers' names and places in groups are gone with the ties to them.
#[test]
fn reg2_names_of_a_lost_node_are_gone() {
    let module = program(&format!(
        "{NAMED}fn main() | local w: Address | push \"name\" | self | push null | spawn_on named | cast Address | tee w | monitor | drop
            await_recv | drop | await_recv | drop | push \"all\" | group_members Any | len | call tell
            await_type Down | field Down.reason | call tell | push \"name\" | cluster_whereis Any | is_null | call tell
            push \"all\" | group_members Any | len | call tell | ret | end"
    ));
    let mut nodes = Nodes::new(&module, &Config::default(), 2);
    nodes.worlds[0].start("main");
    nodes.run_clock();
    nodes.lose_all();
    nodes.run_clock();
    assert_eq!(nodes.worlds[0].printed, ["1", "NoConnection", "true", "0"]);
    let names: Vec<u64> = nodes.worlds.iter().map(|world| world.machine.stats().names).collect();
    assert_eq!(names, [0, 2], "the fiber lives, where it is");
}

/// REG3: who has an address keeps it; only who asks again finds the new holder. DEL3: what is sent to the former one is
/// counted.
#[test]
fn reg3_a_new_holder_in_the_cluster_does_not_redirect_ids() {
    let source = format!(
        "{NAMED}fn main() | local a: Address | local b: Address
            push \"name\" | self | spawn named | store a | await_recv | drop | await_recv | drop
            push null | load a | send | load a | push -1 | wait | drop
            push \"name\" | self | spawn named | store b | await_recv | drop | await_recv | drop
            push \"name\" | cluster_whereis Int | load b | to_any 0 | eq | call tell
            push 1 | load a | send | push 1 | load b | send | load b | push -1 | wait | call tell | ret | end"
    );
    prints(&source, &["true", "ShutdownWith(1)"]);
    each_way(&Config::default(), &source, |world| assert_eq!(world.machine.stats().dead_letters, 1));
}

/// A machine that is one of a cluster, in which `main` has the name `name` and tells all that it hears of.
fn holder() -> VerifiedModule {
    program(
        "fn main() | push \"name\" | self | push \"keep_newest\" | cluster_register Int | drop | push true | watch_nodes
        again: | await_recv | dup | is Text | jmp_if ask | call tell | jmp again
        ask: | cast Text | cluster_whereis Int | is_null | call tell | jmp again | end",
    )
}

fn claims(world: &mut World) -> Vec<Claim> {
    let claim = |output| if let Output::Claim(claim) = output { Some(claim) } else { None };
    world.remote.drain(..).filter_map(claim).collect()
}

fn int_key(world: &mut World) -> (FiberId, TypeKey) {
    match claims(world).as_slice() {
        [Claim::Name { name, fiber, ty, .. }] if name == "name" => (*fiber, *ty),
        other => panic!("{other:?}"),
    }
}

/// REG5: who loses a name to a fiber of another node goes on, and is told; others find the new holder.
#[test]
fn reg5_who_loses_a_name_is_told() {
    let module = holder();
    for way in ways(&Config { cluster: true, ..Config::default() }) {
        let mut world = World::new(&module, way);
        let main = world.start("main");
        world.run();
        let (fiber, ty) = int_key(&mut world);
        assert_eq!(fiber, main);
        let other = world.machine.open_remote().expect("there is a place");
        let name = || "name".to_owned();
        // Whoever tells does not know yet of the holder here: that one keeps the name until it is named as the loser.
        world.machine.handle(Input::News(News::Name { name: name(), holder: Some((other, ty)), loser: None }));
        world.machine.handle(Input::News(News::Name { name: name(), holder: None, loser: Some(other) }));
        world.run();
        assert_eq!(world.printed, Vec::<String>::new());
        world.machine.handle(Input::News(News::Name { name: name(), holder: Some((other, ty)), loser: Some(main) }));
        world.machine.handle(Input::Message { to: main, value: Value::Text(name()) });
        world.run();
        assert_eq!(world.printed, ["NameLost(\"name\")", "false"]);
        assert_eq!((world.end_of(main), claims(&mut world)), (None, vec![]), "the others know it");
        // Both are gone: the other holder, and the one here, which has nothing left to give up.
        world.machine.handle(Input::Gone { remote: other, reason: ExitReason::Normal });
        world.machine.handle(Input::Message { to: main, value: Value::Text(name()) });
        world.run();
        assert_eq!(world.printed.last().map(String::as_str), Some("true"));
        world.machine.handle(Input::Exit { fiber: main, reason: ExitReason::Kill });
        world.run();
        assert_eq!((claims(&mut world), world.machine.stats().names), (vec![], 0));
    }
}

/// What is known of a node's labels goes with it, and those of the own node stay.
#[test]
fn labels_are_those_of_nodes_that_are_up() {
    let module = program(
        "fn main() | again: | await_recv | drop | push \"one\" | node_labels | call tell | push \"two\" | node_labels | call tell | jmp again | end",
    );
    let labels = vec!["disk".to_owned()];
    for way in ways(&Config { cluster: true, node: "one".to_owned(), labels, ..Config::default() }) {
        let mut world = World::new(&module, way);
        let main = world.start("main");
        let node = |is_up| Input::News(News::Node { name: "two".to_owned(), is_up });
        let labels = |all: &[&str]| {
            let labels = all.iter().map(|label| (*label).to_owned()).collect();
            Input::News(News::Labels { name: "two".to_owned(), labels })
        };
        let steps = [labels(&["early"]), node(true), labels(&["gpu", "eu"]), labels(&["eu"]), node(false), node(true)];
        for step in steps {
            world.machine.handle(step);
            world.machine.handle(Input::Message { to: main, value: Value::Null });
            world.run();
        }
        let others = ["[]", "[]", "[\"gpu\", \"eu\"]", "[\"eu\"]", "[]", "[]"];
        let wanted: Vec<String> = others.iter().flat_map(|two| ["[\"disk\"]".to_owned(), (*two).to_owned()]).collect();
        assert_eq!(world.printed, wanted);
    }
}

/// NOD1, NOD2: each change is told once, to those who asked, behind the ends of the node's fibers.
#[test]
fn nod1_news_of_nodes_come_once_and_behind_the_ends_of_fibers() {
    let module = program(
        "fn main() | local far: Address | await_type Address | tee far | monitor | drop | push true | watch_nodes | call listen | ret | end
        fn listen() | again: | await_recv | dup | is Bool | jmp_if other | call plain | call tell | nodes | call tell | jmp again
        other: | cast Bool | watch_nodes | jmp again | end",
    );
    for way in ways(&Config { cluster: true, node: "one".to_owned(), ..Config::default() }) {
        let mut world = World::new(&module, way);
        let main = world.start("main");
        let far = world.machine.open_remote().expect("there is a place");
        let node = |is_up| Input::News(News::Node { name: "two".to_owned(), is_up });
        world.machine.handle(node(true));
        world.machine.handle(Input::Message { to: main, value: Value::Address(far) });
        world.run();
        assert_eq!(world.printed, Vec::<String>::new(), "it had not asked");
        world.machine.handle(Input::Lost { remote: far });
        world.machine.handle(node(false));
        world.run();
        world.machine.handle(node(true));
        world.run();
        assert_eq!(
            world.printed,
            [
                "(\"down\", NoConnection)",
                "[\"one\"]",
                "NodeDown(\"two\")",
                "[\"one\"]",
                "NodeUp(\"two\")",
                "[\"one\", \"two\"]"
            ]
        );
        // From here on it does not want to hear of them any more.
        world.machine.handle(Input::Message { to: main, value: Value::Bool(false) });
        world.run();
        world.machine.handle(node(false));
        world.run();
        assert_eq!(world.printed.len(), 6);
    }
}

/// MON6: nothing of a fiber is left when it has ended, neither where it lived nor elsewhere.
#[test]
fn mon6_what_a_fiber_had_in_the_cluster_ends_with_it() {
    let source = format!(
        "{NAMED}fn main() | local w: Address | push true | watch_nodes
            push \"name\" | self | spawn named | store w | await_recv | drop | await_recv | drop | push 1 | load w | send
            load w | push -1 | wait | drop | push \"mine\" | call take | push \"all\" | self | group_join Any | drop | ret | end"
    );
    prints(&source, &["true"]);
    each_way(&Config::default(), &source, |world| {
        assert_eq!((world.machine.stats().names, world.machine.stats().outside_bytes), (0, 0));
    });
    let module = program(&source.replace("spawn named", "push null | spawn_on named | cast Address"));
    let mut nodes = Nodes::new(&module, &Config::default(), 2);
    nodes.worlds[0].start("main");
    nodes.run_clock();
    for world in &nodes.worlds {
        assert_eq!((world.machine.stats().names, world.machine.stats().outside_bytes), (0, 0));
    }
}

/// REG1: only the node where a fiber lives speaks for it.
#[test]
fn a_fiber_of_another_node_is_named_by_that_node_alone() {
    let kind = "cast (Text, Text) | field (Text, Text).0 | call tell";
    let module = program(&format!(
        "fn main() | local w: Address | push null | spawn_on waiter | cast Address | store w
            push \"name\" | load w | push \"keep_oldest\" | cluster_register Any | {kind}
            push \"all\" | load w | group_join Any | {kind} | push \"all\" | load w | group_leave | call tell
            push \"name\" | cluster_unregister | call tell | ret | end"
    ));
    let mut nodes = Nodes::new(&module, &Config::default(), 2);
    nodes.worlds[0].start("main");
    nodes.run_clock();
    assert_eq!(nodes.worlds[0].printed, ["not_local", "not_local", "false", "false"]);
}

/// Members of all nodes are listed, those of the own one first, by the type of the messages that they take.
#[test]
fn groups_have_members_on_all_nodes() {
    let module = program(
        "fn member(parent: Address) | push \"all\" | self | group_join Int | load parent | send | await_recv | exit | end
        fn main() | self | push null | spawn_on member | drop | await_recv | drop
            push \"all\" | self | group_join Text | drop | self | push null | spawn_on member | drop | await_recv | drop
            push \"all\" | group_members Any | len | call tell | push \"all\" | group_members Int | len | call tell
            push \"all\" | group_members Any | push 0 | get | self | to_any 0 | eq | call tell
            push \"all\" | group_members Text | push 0 | get | self | to_any 0 | eq | call tell
            push \"all\" | self | group_leave | call tell | push \"all\" | group_members Any | len | call tell | ret | end",
    );
    for slice in [1, 7, 1000] {
        let mut nodes = Nodes::new(&module, &Config { slice, ..Config::default() }, 3);
        nodes.worlds[0].start("main");
        nodes.run_clock();
        assert_eq!(nodes.worlds[0].printed, ["3", "2", "true", "true", "true", "2"]);
    }
}

/// What a fiber and a node may have is bounded, and what is over it is said.
#[test]
fn claims_are_bounded() {
    let each = |count: usize| {
        format!(
            "fn main() | local i: Int | push 0 | store i
            more: | load i | show | self | group_join Any | drop | load i | push 1 | add | tee i | push {count} | lt | jmp_if more | ret | end"
        )
    };
    prints_here(&each(CLAIMS_EACH_MAX), &[]);
    let over =
        format!("error(system_limit): the fiber has {CLAIMS_EACH_MAX} names and places in groups, as many as one may have");
    ends_with(&Config::default(), &each(CLAIMS_EACH_MAX + 1), &over);
    let config = Config { names_max: 2, ..Config::default() };
    ends_with(
        &config,
        &each(3),
        "error(system_limit): the node's fibers have 2 names and places in groups, as many as they may have",
    );
    // Others cannot fill what is there for this node, nor more than as much again.
    let module = holder();
    let mut world = World::new(&module, Config { cluster: true, names_max: 3, ..Config::default() });
    world.start("main");
    world.run();
    let (_, ty) = int_key(&mut world);
    let far = world.machine.open_remote().expect("there is a place");
    for group in 0..10 {
        world.machine.handle(Input::News(News::Member { group: group.to_string(), fiber: far, ty: Some(ty) }));
    }
    assert_eq!(world.machine.stats().names, 4);
}
