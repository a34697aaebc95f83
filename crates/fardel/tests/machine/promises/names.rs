//! Names of fibers on one machine, and ids.

use super::{each_way, ends_with, prints, prints_with, program};
use crate::support::{World, ways};
use fardel::vm::config::Config;
use std::collections::BTreeSet;

/// REG1: one holder a name; a second registration says so, even for the same fiber, and changes nothing.
#[test]
fn reg1_a_second_registration_fails() {
    let source = "fn main() | local a: Address | local b: Address | spawn deaf | store a | spawn deaf | store b
            push \"name\" | load a | register Any | call tell | push \"name\" | load b | register Any | call tell | push \"name\" | load a | register Int | call tell
            push \"name\" | whereis Any | load a | to_any 0 | eq | call tell | push \"Name\" | load b | register Any | call tell
            push \"other\" | load a | register Any | call tell | ret | end";
    prints(source, &["true", "false", "false", "true", "true", "true"]);
}

/// REG2: when the Down message is there, the name is free; also for whoever waited or was linked.
#[test]
fn reg2_a_name_is_gone_when_its_down_is_seen() {
    let seen = "push \"name\" | whereis Any | is_null | call tell | push \"name\" | self | register Any | call tell | push \"name\" | unregister | drop";
    let source = format!(
        "fn main() | local w: Address | push true | trap_exits
            spawn waiter | store w | push \"name\" | load w | register Any | drop | load w | monitor | drop | push null | load w | send | await_type Down | drop | {seen}
            spawn waiter | store w | push \"name\" | load w | register Any | drop | load w | link | push 1 | load w | send | await_type Exit | drop | {seen}
            spawn waiter | store w | push \"name\" | load w | register Any | drop | push 1 | load w | send | load w | push -1 | wait | drop | {seen} | ret | end"
    );
    prints(&source, &["true"; 6]);
}

/// REG3: who has an address keeps it; only who asks again finds the new holder.
#[test]
fn reg3_a_new_holder_does_not_redirect_ids() {
    let source = "fn named(name: Text, parent: Address) | again: | load name | await_type Int | show | concat | load parent | send | jmp again | end
        fn main() | local a: Address | local b: Address | local held: Address | push \"a\" | self | spawn named | store a | push \"b\" | self | spawn named | store b
            push \"name\" | load a | register Any | drop | push \"name\" | whereis Any | cast Address | store held
            push \"name\" | unregister | drop | push \"name\" | load b | register Any | drop
            push 1 | load held | send | await_recv | call tell | push 2 | push \"name\" | whereis Any | cast Address | send | await_recv | call tell
            push \"kill\" | load a | exit_other | load a | push -1 | wait | drop | push 3 | load held | send | call drain | len | call tell | ret | end";
    prints(source, &["a1", "b2", "0"]);
    each_way(&Config::default(), source, |world| assert_eq!(world.machine.stats().dead_letters, 1));
}

/// REG4: a name is known to every fiber and module of the machine, and to no other machine.
#[test]
fn reg4_the_scope_is_the_machine() {
    let one = program(
        "export registers | fn registers() | push \"name\" | self | register Int | drop | await_type Int | call tell | ret | end",
    );
    let other =
        program("export finds | fn finds() | push 5 | push \"name\" | whereis Int | cast Address | send | ret | end");
    for way in ways(&Config::default()) {
        let mut world = World::new(&one, way.clone());
        world.start("registers");
        world.run();
        world.start_other(&other, "finds");
        world.run();
        assert_eq!((&world.printed[..], world.ends()), (&["5".to_owned()][..], vec!["normal".to_owned(); 2]));
        let mut elsewhere = World::new(&other, way);
        let finds = elsewhere.start("finds");
        elsewhere.run();
        assert!(elsewhere.end_of(finds).is_some_and(|end| end.starts_with("error(bad_cast)")));
    }
}

/// REG4: what a name is for is told with it.
#[test]
fn reg4_a_name_says_which_messages_it_is_for() {
    let source = "fn main() | push \"ints\" | self | register Int | drop | push \"ints\" | whereis Int | is Address | call tell
            push \"ints\" | whereis Text | cast (Text, Text) | field (Text, Text).0 | call tell | push \"ints\" | whereis Any | is Address | call tell | ret | end";
    prints(source, &["true", "wrong_type", "true"]);
}

/// REG6: places are used again and ids are not, within a machine; how generations run out is shown where they are.
#[test]
fn reg6_no_id_is_used_again() {
    let module = program("export ends2 | fn ends2() | ret | end");
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        let (mut ids, mut slots) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..200 {
            let id = world.start("ends2");
            assert!(ids.insert(id), "{id}");
            slots.insert(id.slot);
            world.run();
        }
        assert!(slots.len() < 5, "{} places", slots.len());
    }
    // Ports are of the same kind.
    let mut world = World::new(&module, Config::default());
    let first = world.machine.open_port().expect("there is a place");
    world.machine.close_port(first);
    world.run();
    assert_ne!(world.machine.open_port(), Some(first));
}

/// REG1: names are limited, and what is wrong with one is said.
#[test]
fn reg1_names_are_bounded() {
    let config = Config { names_max: 2, ..Config::default() };
    let take = |name: &str| format!("push \"{name}\" | self | register Any | call tell");
    let source = format!("fn main() | {} | {} | {} | ret | end", take("a"), take("b"), take("c"));
    ends_with(&config, &source, "error(system_limit): 2 names are taken, as many as there may be");
    let source = format!(
        "fn main() | {} | {} | push \"a\" | unregister | call tell | {} | {} | ret | end",
        take("a"),
        take("b"),
        take("b"),
        take("c")
    );
    prints_with(&config, &source, &["true", "true", "true", "false", "true"]);
    each_way(&config, &source, |world| {
        assert_eq!((world.machine.stats().names, world.machine.stats().outside_bytes), (0, 0));
    });
}
