//! Taking messages: in which order, how long one waits, and how a request ends.

use super::{each_way, prints, prints_here, prints_with, program};
use crate::support::{World, ways};
use fardel::vm::config::Config;
use fardel::vm::door::{Input, LostBecause};

/// RCV1: the first that matches is taken; what was passed over keeps its order, wherever it lies.
#[test]
fn rcv1_the_first_match_in_the_order_of_arrival() {
    let source = "fn main() | push 1 | self | send | push \"a\" | self | send | push 2 | self | send | push \"b\" | self | send | push 1.5 | self | send
            push 3 | self | send | await_type Text | call tell | await_type Float | call tell | await_type Text | call tell
            await_type Int | call tell | await_recv | call tell | push 4 | self | send | call drain | call tell | ret | end";
    prints(source, &["a", "1.5", "b", "1", "2", "[3, 4]"]);
}

/// RCV1: also when the match comes while the fiber waits, behind what does not match.
#[test]
fn rcv1_what_comes_meanwhile_keeps_its_order() {
    let source = "fn sender(to: Address) | local i: Int | push 0 | store i
        again: | load i | load to | send | load i | push 1 | add | tee i | push 5 | lt | jmp_if again
            yield | push \"match\" | load to | send | push 5 | load to | send | ret | end
        fn main() | self | spawn sender | drop | await_type Text | call tell | call drain | call tell | ret | end";
    prints(source, &["match", "[0, 1, 2, 3, 4, 5]"]);
}

/// RCV1: a selective receive by a condition, from the front and behind a token.
#[test]
fn rcv1_a_selective_receive_takes_the_first_that_is_wanted() {
    let source = "fn larger(least: Int) -> Int | local n: Int | push null | select_from
        again: | select_peek Int | tee n | load least | ge | jmp_if found | select_next | jmp again
        found: | select_take | load n | ret | end
        fn late(to: Address) | yield | push 3 | load to | send | push 99 | load to | send | push 98 | load to | send | ret | end
        fn main() | push 5 | self | send | push \"x\" | self | send | push 40 | self | send | push 7 | self | send | push 50 | self | send
            push 30 | call larger | call tell | push 6 | call larger | call tell | self | spawn late | drop
            push 60 | call larger | call tell | call drain | call tell | ret | end";
    prints(source, &["40", "7", "99", "[5, \"x\", 50, 3, 98]"]);
}

/// RCV1: a message that a full mailbox drops while it is looked at is not taken, and the one behind it is not harmed.
#[test]
fn rcv1_a_message_that_was_dropped_meanwhile_is_looked_at_and_gone() {
    let source = "fn keeper(gate: Address) | push null | select_from | select_peek Int | call tell
            load gate | push -1 | wait | drop | select_take | call drain | call tell | ret | end
        fn main() | local gate: Address | local k: Address | spawn waiter | store gate
            load gate | push 2 | push 100000 | push \"drop_old\" | call bounds | spawn_with keeper | cast Address | store k
            push 1 | load k | send | push 2 | load k | send | call rest | push 3 | load k | send | push null | load gate | send | ret | end";
    prints(source, &["1", "[2, 3]"]);
}

/// RCV2: 0 looks and does not wait, negative waits for ever, and what lies there is taken without waiting.
#[test]
fn rcv2_a_deadline_of_zero_polls_and_none_waits_for_ever() {
    let source = "fn late(to: Address) | push 1000000 | await_type_until Bool | drop | push \"late\" | load to | send | ret | end
        fn main() | push 0 | await_recv_until | is_null | call tell | push 0 | await_type_until Int | is_null | call tell
            push null | select_from | push 0 | select_peek_until Int | is_null | call tell | poll | is_null | call tell
            push 7 | self | send | push 0 | await_recv_until | call tell | self | spawn late | drop | push -1 | await_recv_until | call tell
            self | spawn late | drop | push -5 | await_type_until Text | call tell
            self | spawn late | drop | push null | select_from | push -1 | select_peek_until Text | call tell | ret | end";
    prints(source, &["true", "true", "true", "true", "7", "late", "late", "late"]);
}

/// RCV2: it never fires early, whenever the time enters; each kind of wait.
#[test]
fn rcv2_a_deadline_never_fires_early() {
    let until = "push 10 | await_recv_until | is_null | call tell";
    let ty = "push 10 | await_type_until Int | is_null | call tell";
    let select = "push null | select_from | push 10 | select_peek_until Int | is_null | call tell";
    let wait = "spawn deaf | push 10 | wait | is_null | call tell";
    let reply = "new_ref | store token | push 1 | load token | spawn deaf | remote_call | load token | push 10 | await_reply | drop | is_null | call tell";
    let barrier = "push 2 | barrier_new | push 10 | barrier | is_null | call tell";
    for body in [until, ty, select, wait, reply, barrier] {
        let module = program(&format!("fn main() | local token: Ref | {body} | ret | end"));
        for way in ways(&Config::default()) {
            let mut world = World::new(&module, way);
            world.run_at(100);
            world.start("main");
            // It begins somewhere behind 100, and learns the time at 107: so it may not end before 117.
            world.run();
            for millis in [107, 110, 111, 116] {
                world.run_at(millis);
                assert!(world.printed.is_empty(), "{body} at {millis}");
            }
            world.run_at(117);
            assert_eq!(world.printed, ["true"], "{body}");
        }
    }
}

/// RCV2: a message and the deadline at one time: the message, which had come before.
#[test]
fn rcv2_what_came_before_the_deadline_is_taken() {
    let source = "fn main() | push 1 | self | push 10 | timer_once | drop | push 10 | await_recv_until | call tell
            push 20 | await_recv_until | is_null | call tell | ret | end";
    prints(source, &["1", "true"]);
}

/// RCV2: the clock of a selective receive that was given up ended the next wait at once: it had fired meanwhile.
#[test]
fn rcv2_the_clock_of_a_receive_that_was_left_ends_no_other_wait() {
    let waits = [
        ("push 1000 | await_recv_until | is_null | call tell", "true"),
        ("push 1000 | await_type_until Float | is_null | call tell", "true"),
        ("spawn deaf | push 1000 | wait | is_null | call tell", "true"),
        (
            "new_ref | store token | push 1 | load token | spawn deaf | remote_call | load token | push 1000 | await_reply | call tell | drop",
            "1",
        ),
    ];
    for (wait, line) in waits {
        // The selection is left; then the clock fires in a plain receive.
        let source = format!(
            "fn sender(to: Address) | push 1 | load to | send | push 20 | await_recv_until | drop | push \"go\" | load to | send | ret | end
            fn main() | local token: Ref | self | spawn sender | drop | push null | select_from | push 10 | select_peek_until Int | call tell
                await_type Text | call tell | poll | drop | self | spawn stamp | drop | {wait} | push \"over\" | call tell | ret | end
            fn stamp(to: Address) | push 999 | await_recv_until | drop | push \"not yet\" | call tell | ret | end"
        );
        prints(&source, &["1", "go", "not yet", line, "over"]);
    }
}

/// RCV2: the same clock woke a fiber that waited for room, which then stood in that line twice: its second place let it
/// in where it waited next.
#[test]
fn rcv2_the_clock_of_a_receive_that_was_left_wakes_no_sender() {
    let source = "fn holder(gate: Address) | load gate | push -1 | wait | drop | call drain | call tell | ret | end
        fn small(first) -> Address | local a: Address | push 1 | push 100000 | push \"block\" | call bounds | spawn_with deaf | cast Address | store a
            load first | load a | send | load a | ret | end
        fn first(to: Address, other: Address) | self | spawn poke | drop | push null | select_from | push 20 | select_peek_until Text | call tell
            push \"first\" | load to | send | push \"first\" | load other | send | push \"never\" | call tell | ret | end
        fn poke(to: Address) | push 5 | await_recv_until | drop | push \"poke\" | load to | send | ret | end
        fn second(to: Address) | push 15 | await_recv_until | drop | push \"second\" | load to | send | ret | end
        fn main() | local gate: Address | local h: Address | spawn waiter | store gate
            load gate | push 1 | push 100000 | push \"block\" | call bounds | spawn_with holder | cast Address | store h
            push \"main\" | load h | send | load h | push \"full\" | call small | spawn first | drop | load h | spawn second | drop
            push 100 | await_recv_until | drop | push null | load gate | send | ret | end";
    prints_here(source, &["poke", "[\"main\", \"first\", \"second\"]"]);
}

const SERVER: &str = "type Ask { millis: Int, token: Ref }
    fn server() | local ask: Ask
    again: | await_type Ask | store ask | load ask | field Ask.millis | await_type_until Bool | drop
        load ask | field Ask.millis | load ask | field Ask.token | reply | jmp again | end
    fn fails() | await_type Ask | drop | push \"mine\" | push \"failed\" | raise | end
    fn ask(to: Address, millis: Int, patience: Int) -> Int | local token: Ref | local status: Int
        new_ref | store token | load millis | load token | new Ask | load token | load to | remote_call
        load token | load patience | await_reply | store status | drop | load status | ret | end\n";

/// RCV3: a reply that comes too late is dropped, counted, and answers no other call.
#[test]
fn rcv3_a_late_reply_never_reaches_the_mailbox() {
    let source = format!(
        "{SERVER}fn main() | local s: Address | spawn server | store s | load s | push 50 | push 10 | call ask | call tell
            load s | push 0 | push 1000 | call ask | call tell | call drain | call tell | ret | end"
    );
    prints(&source, &["1", "0", "[]"]);
    each_way(&Config { watch_dead_letters: true, ..Config::default() }, &source, |world| {
        let why: Vec<_> = world.dead.iter().map(|letter| letter.why.clone()).collect();
        assert_eq!(why, [LostBecause::NoRequest]);
    });
}

/// RCV4: one of reply, down and time over, and exactly one, whatever else comes afterwards.
#[test]
fn rcv4_a_call_ends_in_exactly_one_way() {
    let source = format!(
        "{SERVER}fn again(token: Ref) | handle try caught caught
        try: | load token | push 0 | await_reply | call tell | drop | ret
        caught: | field (Text, Text).0 | call tell | ret | end
        fn both(parent: Address) | local ask: Ask | await_type Ask | store ask | push 1 | load ask | field Ask.token | reply | ret | end
        fn main() | local s: Address | local token: Ref
            spawn server | store s | load s | push 0 | push -1 | call ask | call tell | load s | push 5 | push 0 | call ask | call tell
            spawn fails | push 0 | push -1 | call ask | call tell | spawn ends | store s | load s | push -1 | wait | drop
            load s | push 0 | push -1 | call ask | call tell
            self | spawn both | store s | new_ref | store token | push 0 | load token | new Ask | load token | load s | remote_call
            load s | push -1 | wait | call tell | load token | push 0 | await_reply | call tell | call tell
            load token | call again | ret | end"
    );
    prints(&source, &["0", "1", "2", "2", "Normal", "0", "1", "no_request"]);
}

/// RCV4: a reply and the end of the fiber that was asked come at once: the reply, which it had sent before it ended.
#[test]
fn rcv4_many_calls_at_once_each_get_their_own_answer() {
    let source = format!(
        "{SERVER}fn main() | local tokens: List<Any> | local i: Int | local token: Ref | local sum: Int | list_new List<Any> | store tokens | push 0 | store i
        again: | new_ref | store token | load tokens | load token | list_push | load i | load token | new Ask | load token | spawn server | remote_call
            load i | push 1 | add | tee i | push 30 | lt | jmp_if again | push 0 | store sum
        take: | load tokens | list_pop | cast Ref | push 1000 | await_reply | drop | cast Int | load sum | add | store sum
            load tokens | len | push 0 | gt | jmp_if take | load sum | call tell | ret | end"
    );
    prints(&source, &["435"]);
}

/// RCV4: a token stands for one request. A monitor's token was taken for another, and its Down message never came.
#[test]
fn rcv4_the_token_of_a_monitor_is_no_fresh_token() {
    let source = "fn try(token: Ref, to: Address) | handle try caught caught
        try: | push 1 | load token | load to | remote_call | push \"sent\" | call tell | ret
        caught: | field (Text, Text).0 | call tell | ret | end
        fn main() | local c: Address | local token: Ref | spawn waiter | store c | load c | monitor | store token
            load token | spawn deaf | call try | push null | load c | send | call drain | call tell | ret | end";
    prints(source, &["no_request", "[(\"down\", Normal)]"]);
}

/// RCV5: mailboxes are bounded by default as well; the policies each have their tests in `mailboxes`.
#[test]
fn rcv5_a_mailbox_is_bounded_by_default() {
    let module = program(
        "export main | fn main() | local c: Address | spawn deaf | store c | again: | push 1 | load c | send | jmp again | end",
    );
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, Config { slice: 1000, ..way });
        let main = world.start("main");
        world.run();
        let blocked = world.machine.blocked(10);
        let mailboxes: Vec<_> = blocked.iter().map(|fiber| (fiber.waits_for, fiber.mailbox)).collect();
        assert_eq!(mailboxes, [("room in a mailbox", 0), ("a message", 4096)]);
        world.machine.handle(Input::Exit { fiber: main, reason: fardel::vm::exit::ExitReason::Kill });
        world.run();
        assert_eq!(world.end_of(main).as_deref(), Some("killed"));
    }
}

/// RCV1: nothing was looked at yet, so there is nothing to take; it was taken for done.
#[test]
fn rcv1_nothing_can_be_taken_that_was_not_looked_at() {
    let source = "fn take() | handle try caught caught
        try: | select_take | push \"taken\" | call tell | ret
        caught: | field (Text, Text).0 | call tell | ret | end
        fn next() | handle try caught caught
        try: | select_next | push \"passed\" | call tell | ret
        caught: | field (Text, Text).0 | call tell | ret | end
        fn main() | push 1 | self | send | call take | call next | push null | select_from | call take | call next
            select_peek Int | drop | call next | call next | push 0 | select_peek_until Int | drop | call take
            push null | select_from | select_peek Int | drop | call take | call take | call drain | call tell | ret | end";
    prints_with(
        &Config::default(),
        source,
        &[
            "no_selection",
            "no_selection",
            "no_selection",
            "no_selection",
            "passed",
            "no_selection",
            "no_selection",
            "taken",
            "no_selection",
            "[]",
        ],
    );
}
