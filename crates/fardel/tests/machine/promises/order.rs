//! In which order messages and signals arrive.

use super::{each_way, prints, prints_with};
use fardel::vm::config::Config;

/// ORD1, messages: also when the sender has to wait for room again and again.
#[test]
fn ord1_messages_of_one_sender_keep_their_order() {
    let source = "fn sender(to: Address) | local i: Int | push 0 | store i
        again: | load i | load to | send | load i | push 1 | add | tee i | push 200 | lt | jmp_if again | ret | end
        fn main() | local n: Int | self | spawn sender | drop | push 0 | store n
        again: | await_type Int | load n | eq | jmp_unless wrong | load n | push 1 | add | tee n | push 200 | lt | jmp_if again
            push \"in order\" | call tell | ret
        wrong: | push \"out of order\" | call tell | ret | end";
    prints(source, &["in order"]);
    for mailbox_messages_max in [1, 2, 7] {
        prints_with(&Config { mailbox_messages_max, ..Config::default() }, source, &["in order"]);
    }
    prints_with(&Config { mailbox_bytes_max: 100, ..Config::default() }, source, &["in order"]);
}

/// ORD1: signals keep their order among messages. A message of a kind that lies in its node, one that is copied, a signal.
#[test]
fn ord1_messages_and_exit_signals_of_one_sender_keep_their_order() {
    let source = "fn receiver(gate: Address) | push true | trap_exits | load gate | push -1 | wait | drop | call drain | call tell | ret | end
        fn main() | local gate: Address | local r: Address
            spawn waiter | store gate | load gate | spawn receiver | store r | call rest
            push 1 | load r | send | push \"a\" | load r | exit_other | push \"x\" | push \"y\" | concat | load r | send
            push \"shutdown\" | load r | exit_other | push 2 | load r | send | push null | load gate | send | ret | end";
    prints(source, &["[1, (\"exit\", ShutdownWith(\"a\")), \"xy\", (\"exit\", Shutdown), 2]"]);
    // As each comes, without a gate.
    let source = source
        .replace("load gate | push -1 | wait | drop", "load gate | drop")
        .replace("call rest", "yield | yield | yield | yield");
    prints(&source, &["[1, (\"exit\", ShutdownWith(\"a\")), \"xy\", (\"exit\", Shutdown), 2]"]);
}

/// ORD1, ORD3: what a link and a monitor tell comes behind all that the fiber has sent.
#[test]
fn ord3_down_and_exit_come_after_every_earlier_message() {
    let source = "fn child(parent: Address) | await_type Bool | drop | push 1 | load parent | send | push 2.5 | load parent | send
            push \"three\" | load parent | send | push 4 | exit | end
        fn main() | local c: Address | push true | trap_exits | self | spawn child | store c | load c | link | load c | monitor | drop
            push true | load c | send | call drain | call tell | ret | end";
    let line = |links: &str| format!("[1, 2.5, \"three\", {links}]");
    let (exit, down) = ("(\"exit\", ShutdownWith(4))", "(\"down\", ShutdownWith(4))");
    each_way(&Config::default(), source, |world| {
        let wanted = [line(&format!("{exit}, {down}")), line(&format!("{down}, {exit}"))];
        assert!(wanted.contains(&world.printed[0]), "{:?}", world.printed);
    });
}

/// ORD3: also when these had to wait for room.
#[test]
fn ord3_down_comes_after_messages_that_waited_for_room() {
    let source = "fn child(parent: Address) | local i: Int | push 0 | store i
        again: | load i | load parent | send | load i | push 1 | add | tee i | push 6 | lt | jmp_if again | ret | end
        fn main() | self | spawn child | monitor | drop | call rest | push 7 | call collect | call tell | ret | end";
    let wanted = ["[0, 1, 2, 3, 4, 5, (\"down\", Normal)]"];
    prints_with(&Config { mailbox_messages_max: 1, ..Config::default() }, source, &wanted);
    prints_with(&Config { mailbox_bytes_max: 90, ..Config::default() }, source, &wanted);
}

/// ORD3: also of a fiber that is killed.
#[test]
fn ord3_down_of_a_killed_fiber_comes_after_its_messages() {
    let source = "fn child(parent: Address) | local i: Int | push 0 | store i
        again: | load i | load parent | send | yield | load i | push 1 | add | store i | jmp again | end
        fn main() | local c: Address | local n: Int | local next: Any | push 0 | store n | self | spawn child | store c | load c | monitor | drop
            yield | yield | yield | push \"kill\" | load c | exit_other
        again: | await_recv | tee next | is Down | jmp_if down | load next | cast Int | load n | eq | jmp_unless wrong
            load n | push 1 | add | store n | jmp again
        down: | call drain | len | call tell | load next | cast Down | field Down.reason | call tell | ret
        wrong: | push \"out of order\" | call tell | ret | end";
    prints(source, &["0", "Killed"]);
}

/// ORD2: nothing is said of different senders. Whatever comes of them, each is in order, and all are there.
#[test]
fn ord2_of_different_senders_each_keeps_its_own_order() {
    let source = "fn sender(to: Address, i: Int, end: Int)
        again: | load i | load to | send | load i | push 1 | add | tee i | load end | lt | jmp_if again | ret | end
        fn main() | self | push 0 | push 20 | spawn sender | drop | self | push 100 | push 120 | spawn sender | drop
            self | push 200 | push 220 | spawn sender | drop | call drain | call tell | ret | end";
    for mailbox_messages_max in [1, 3, 4096] {
        each_way(&Config { mailbox_messages_max, ..Config::default() }, source, |world| {
            let line = world.printed[0].trim_matches(['[', ']']);
            let all: Vec<u64> = line.split(", ").map(|number| number.parse().expect("a number")).collect();
            for first in [0, 100, 200] {
                let own: Vec<u64> = all.iter().copied().filter(|number| (first..first + 100).contains(number)).collect();
                assert_eq!(own, (first..first + 20).collect::<Vec<_>>());
            }
            assert_eq!(all.len(), 60);
        });
    }
}

/// ORD6: a message to oneself is no shorter way.
#[test]
fn ord6_a_message_to_oneself_goes_to_the_tail() {
    let source = "fn main() | push 1 | self | send | push 2.5 | self | send | push 3 | self | try_send | drop
            push 4 | self | push 0 | timer_once | drop | await_recv | self | send | call drain | call tell | ret | end";
    prints(source, &["[2.5, 3, 1, 4]"]);
}
