//! What holds between nodes beyond what holds on one: connections that are lost, rooms that fill, what cannot leave.

use super::{owned, prints_apart, program};
use crate::nodes::Nodes;
use fardel::vm::config::Config;
use fardel::vm::door::Input;
use fardel::vm::exit::ExitReason;

/// Two nodes, and what a program prints there when the connection is lost once nothing goes on, and once more after that.
#[track_caller]
fn loses(source: &str, before: &[&str], after: &[&str]) {
    let module = program(source);
    for slice in [1, 7, 1000] {
        let mut nodes = Nodes::new(&module, &Config { slice, ..Config::default() }, 2);
        nodes.worlds[0].start("main");
        nodes.run_clock();
        assert_eq!(nodes.worlds[0].printed, owned(before));
        nodes.lose_all();
        nodes.run_clock();
        assert_eq!(nodes.worlds[0].printed[before.len()..], owned(after));
    }
}

const FAR: &str = "fn far() -> Address | push null | spawn_on waiter | cast Address | ret | end\n";

/// MON3: whoever watches a fiber that cannot be reached any more is told `noconnection`, once.
#[test]
fn mon3_a_lost_node_is_a_down() {
    let source = format!(
        "{FAR}fn main() | local far: Address | call far | store far | load far | monitor | drop | load far | monitor | drop
            push \"watching\" | call tell | push 2 | call collect | call tell | ret | end"
    );
    loses(&source, &["watching"], &["[(\"down\", NoConnection), (\"down\", NoConnection)]"]);
}

/// LNK7: a link to a fiber that cannot be reached any more ends the other end with `noconnection`.
#[test]
fn lnk7_a_lost_node_is_an_exit() {
    let source = format!(
        "{FAR}fn main() | push true | trap_exits | call far | link | push \"linked\" | call tell | push 1 | call collect | call tell | ret | end"
    );
    loses(&source, &["linked"], &["[(\"exit\", NoConnection)]"]);
}

/// RCV4: a request whose node is lost is over, and so is the wait for an end.
#[test]
fn rcv4_a_lost_node_ends_requests_and_waits() {
    let asks = format!(
        "{FAR}fn hold() -> Address | push null | spawn_on deaf | cast Address | ret | end
        fn main() | local token: Ref | new_ref | store token | push 1 | load token | call hold | remote_call
            push \"asked\" | call tell | load token | push -1 | await_reply | call tell | call tell | ret | end"
    );
    loses(&asks, &["asked"], &["2", "NoConnection"]);
    let waits = format!("{FAR}fn main() | call far | push \"waiting\" | call tell | push -1 | wait | call tell | ret | end");
    loses(&waits, &["waiting"], &["NoConnection"]);
}

/// ORD5: an address is good again when its node can be reached again.
#[test]
fn ord5_an_address_outlives_the_connection() {
    let source = format!(
        "{FAR}fn main() | local far: Address | call far | store far | load far | monitor | drop | push \"watching\" | call tell
            push 1 | call collect | call tell | load far | monitor | drop | push 7 | load far | send | push 1 | call collect | call tell | ret | end"
    );
    let after = ["[(\"down\", NoConnection)]", "[(\"down\", ShutdownWith(7))]"];
    loses(&source, &["watching"], &after);
}

/// DECISIONS: a sender waits at home when the receiver on another node is slow: what is on its way is bounded.
#[test]
fn senders_wait_for_receivers_on_other_nodes() {
    let source = "fn main() | local far: Address | local n: Int | push null | spawn_on deaf | cast Address | store far | push 0 | store n
        again: | load n | load far | send | load n | push 1 | add | tee n | push 20000 | lt | jmp_if again
            push \"sent\" | call tell | ret | end";
    let module = program(source);
    let mut nodes = Nodes::new(&module, &Config::default(), 2);
    nodes.worlds[0].start("main");
    nodes.run_clock();
    assert!(nodes.worlds[0].printed.is_empty(), "the sender waits");
    let sent = nodes.worlds[0].machine.stats().messages;
    let bound = Config::default().mailbox_messages_max;
    assert!((2 * bound..=2 * bound + 10).contains(&sent), "{sent} messages: a mailbox there, and as many on their way");
    // It goes on when the receiver has ended.
    let far = nodes.worlds[1].machine.fibers().next().expect("it lives");
    nodes.worlds[1].machine.handle(Input::Exit { fiber: far, reason: ExitReason::Kill });
    nodes.run_clock();
    assert_eq!(nodes.worlds[0].printed, ["sent"]);
}

/// Nothing of a message is lost when many wait for a slow receiver, and each sender's messages come in order.
#[test]
fn all_messages_come_in_order_through_a_full_mailbox() {
    let source = "fn sender(to: Address, own: Int, n: Int) | local i: Int | push 0 | store i
        again: | load own | load i | new (Int, Int) | load to | send | load i | push 1 | add | tee i | load n | lt | jmp_if again | ret | end
        ; Takes so many, and gives how many came behind a later one of the same sender.
        fn receiver(n: Int, parent: Address) receives (Int, Int) | local one: Int | local two: Int | local pair: (Int, Int) | local wrong: Int
            push -1 | store one | push -1 | store two | push 0 | store wrong
        again: | await_recv | cast (Int, Int) | store pair | load pair | field (Int, Int).0 | push 0 | eq | jmp_unless other
            load pair | field (Int, Int).1 | load one | push 1 | add | ne | jmp_if bad | load pair | field (Int, Int).1 | store one | jmp next
        other: | load pair | field (Int, Int).1 | load two | push 1 | add | ne | jmp_if bad | load pair | field (Int, Int).1 | store two | jmp next
        bad: | load wrong | push 1 | add | store wrong
        next: | load n | push 1 | sub | tee n | push 0 | gt | jmp_if again | load wrong | load parent | send | ret | end
        fn main() | local to: Address | push 20000 | self | spawn receiver | store to | load to | push 0 | push 10000 | spawn sender | drop
            load to | push 1 | push 10000 | spawn sender | drop | await_recv | call tell | ret | end";
    prints_apart(source, &["0"]);
}

/// What cannot leave a node is said to whoever sends it.
#[test]
fn a_function_value_does_not_leave() {
    for (made, name) in [("push twice", "fn twice"), ("push 3 | closure times", "fn(Int) -> Int")] {
        let source = format!(
            "fn twice(n: Int) -> Int | load n | push 2 | mul | ret | end
            fn times[factor: Int](n: Int) -> Int | load n | load factor | mul | ret | end
            fn any(value, to: Address) | load value | load to | send Any | ret | end
            fn main() | local far: Address | push null | spawn_on deaf | cast Address | store far | {made} | load far | call any | ret | end"
        );
        let mut nodes = Nodes::new(&program(&source), &Config::default(), 2);
        let main = nodes.worlds[0].start("main");
        nodes.run_clock();
        let end = nodes.worlds[0].end_of(main);
        assert_eq!(end, Some(format!("error(not_sendable): {name}")));
    }
}
