//! Mailboxes that are full: the five policies, and senders that wait.

use super::{each_way, ends_with, prints, prints_with, program};
use crate::support::{ENGINES, World, ways};
use fardel::vm::config::Config;
use fardel::vm::door::{Input, LostBecause};
use fardel::vm::exit::ExitReason;
use fardel::vm::fiber::FiberId;
use fardel::vm::value::Value;

/// A fiber that takes nothing until another has ended, and then tells all that came.
const HELD: &str = "fn held(gate: Address) | load gate | push -1 | wait | drop | call drain | call tell | ret | end
    fn hold(gate: Address, messages: Int, bytes: Int, full: Text) -> Address
        load gate | load messages | load bytes | load full | call bounds | spawn_with held | cast Address | ret | end
    fn sends(value, to: Address) | load value | load to | send | ret | end\n";

/// Sends 1 to 5 to a mailbox for three, and opens it: what lies in it, and what was lost.
#[track_caller]
fn check_policy(policy: &str, bounds: &str, list: &str, lost: u64) {
    let source = format!(
        "{HELD}fn main() | local gate: Address | local h: Address | local i: Int | spawn waiter | store gate
            load gate | {bounds} | push \"{policy}\" | call hold | store h | call rest | push 1 | store i
        again: | load i | load h | send | load i | push 1 | add | tee i | push 5 | le | jmp_if again
            push null | load gate | send | ret | end"
    );
    prints(&source, &[list]);
    each_way(&Config { watch_dead_letters: true, ..Config::default() }, &source, |world| {
        assert_eq!(world.machine.stats().dead_letters, lost);
        assert!(world.dead.iter().all(|letter| letter.why == LostBecause::MailboxFull && letter.message == "Int"));
        assert_eq!(world.dead.len() as u64, lost);
    });
}

/// RCV5: the policies by the bound of messages, and by that of bytes: a small message counts 40.
#[test]
fn rcv5_reject_drop_old_and_drop_new() {
    for bounds in ["push 3 | push 100000", "push 100 | push 120"] {
        check_policy("reject", bounds, "[1, 2, 3]", 2);
        check_policy("drop_old", bounds, "[3, 4, 5]", 2);
        check_policy("drop_new", bounds, "[1, 2, 3]", 2);
    }
}

/// RCV5: with `exit` the receiver ends; what had come and what comes later is lost with it.
#[test]
fn rcv5_exit_ends_the_receiver() {
    for bounds in ["push 3 | push 100000", "push 100 | push 120"] {
        let source = format!(
            "{HELD}fn main() | local gate: Address | local h: Address | local i: Int | spawn waiter | store gate
                load gate | {bounds} | push \"exit\" | call hold | store h | load h | monitor | drop | call rest | push 1 | store i
            again: | load i | load h | send | load i | push 1 | add | tee i | push 4 | le | jmp_if again
                await_type Down | field Down.reason | call tell | ret | end"
        );
        prints(&source, &["MailboxOverflow"]);
    }
}

/// RCV5: with `block` senders wait, first in, first out, however large their messages are.
#[test]
fn rcv5_block_parks_senders_first_in_first_out() {
    let source = |bounds: &str| {
        format!(
            "{HELD}fn main() | local gate: Address | local h: Address | local i: Int | spawn waiter | store gate
                load gate | {bounds} | push \"block\" | call hold | store h | push 0 | store i
            again: | load i | load h | spawn sends | drop | call rest | load i | push 1 | add | tee i | push 8 | lt | jmp_if again
                push null | load gate | send | ret | end"
        )
    };
    for bounds in ["push 1", "push 2", "push 3", "push 5"] {
        prints(&source(&format!("{bounds} | push 100000")), &["[0, 1, 2, 3, 4, 5, 6, 7]"]);
    }
    for bytes in [1, 40, 80, 119, 200] {
        prints(&source(&format!("push 100 | push {bytes}")), &["[0, 1, 2, 3, 4, 5, 6, 7]"]);
    }
    each_way(&Config::default(), &source("push 2 | push 100000"), |world| {
        assert_eq!((world.machine.stats().dead_letters, world.machine.stats().outside_bytes), (0, 0));
    });
}

/// RCV5: two for which room was kept, and for whose messages there were too few bytes, changed places.
#[test]
fn rcv5_senders_of_large_messages_keep_their_order() {
    let source = |messages: u32, bytes: u32, size: u32| {
        format!(
            "{HELD}fn sized(name: Text, bytes: Int) -> Text | local b: TextBuilder | text_builder | store b | load b | load name | builder_add
            again: | load b | push 46 | builder_byte | load bytes | push 1 | sub | tee bytes | push 0 | gt | jmp_if again | load b | builder_finish | ret | end
            fn large(name: Text, bytes: Int, to: Address) | load name | load bytes | call sized | load to | send | ret | end
            fn slow(gate: Address) | local n: Int | load gate | push -1 | wait | drop | push 12 | store n
            again: | await_recv | show | push 0 | push 1 | slice | call tell | yield | load n | push 1 | sub | tee n | push 0 | gt | jmp_if again | ret | end
            fn main() | local gate: Address | local h: Address | local i: Int | spawn waiter | store gate
                load gate | push {messages} | push {bytes} | push \"block\" | call bounds | spawn_with slow | cast Address | store h | push 0 | store i
            fill: | push 0 | load h | spawn sends | drop | call rest | load i | push 1 | add | tee i | push 4 | lt | jmp_if fill | push 1 | store i
            again: | load i | show | load i | push 2 | rem | push {size} | mul | push 20 | add | load h | spawn large | drop | call rest
                load i | push 1 | add | tee i | push 8 | le | jmp_if again
                push null | load gate | send | ret | end"
        )
    };
    for (messages, bytes, size) in [(4, 1000, 880), (4, 1000, 400), (4, 1000, 2000), (2, 500, 440), (100, 170, 100)] {
        prints(&source(messages, bytes, size), &["0", "0", "0", "0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    }
}

/// RCV5: a message that is larger than the bound fits an empty mailbox; others wait behind it.
#[test]
fn rcv5_any_message_fits_an_empty_mailbox() {
    let source = format!(
        "{HELD}fn main() | local gate: Address | local h: Address | spawn waiter | store gate
            load gate | push 10 | push 50 | push \"block\" | call hold | store h
            push \"0123456789012345678901234567890123456789\" | push \"\" | concat | load h | spawn sends | drop | call rest
            push 1 | load h | spawn sends | drop | call rest | push null | load gate | send | ret | end"
    );
    prints(&source, &["[\"0123456789012345678901234567890123456789\", 1]"]);
}

/// RCV5: as many old messages go as the new one needs; one went, and the mailbox held more bytes than it may.
#[test]
fn rcv5_drop_old_keeps_the_bound_of_bytes() {
    let source = format!(
        "{HELD}fn main() | local gate: Address | local h: Address | local i: Int | spawn waiter | store gate
            load gate | push 100 | push 400 | push \"drop_old\" | call hold | store h | call rest | push 1 | store i
        again: | load i | load h | send | load i | push 1 | add | tee i | push 8 | le | jmp_if again
            push 1 | push 2 | push 3 | push 4 | push 5 | push 6 | push 7 | push 8 | push 9 | push 10 | push 11 | push 12
            new (Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int) | load h | send
            push null | load gate | send | ret | end"
    );
    // The tuple has 104 bytes and 40 besides: 144, beside which 6 small messages fit.
    prints(&source, &["[3, 4, 5, 6, 7, 8, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)]"]);
}

/// RCV5: `send` to one's own full mailbox: nobody could make room.
#[test]
fn rcv5_a_full_send_to_oneself_ends_the_fiber() {
    let source =
        |how: &str| format!("fn main() | push 1 | self | send | push 2 | self | send | push 3 | self | {how} | ret | end");
    let config = Config { mailbox_messages_max: 2, ..Config::default() };
    ends_with(&config, &source("send"), "mailbox_overflow");
    prints_with(&config, &source("try_send | call tell"), &["false"]);
    prints(&source("send"), &[]);
    ends_with(&Config { mailbox_bytes_max: 100, ..Config::default() }, &source("send"), "mailbox_overflow");
    // With a policy of its own that decides.
    let own = |policy: &str| {
        format!(
            "fn own() | push 1 | self | send | push 2 | self | send | push 3 | self | send | call drain | call tell | ret | end
            fn main() | push 2 | push 100000 | push \"{policy}\" | call bounds | spawn_with own | cast Address | push -1 | wait | call tell | ret | end"
        )
    };
    prints(&own("reject"), &["[1, 2]", "Normal"]);
    prints(&own("drop_old"), &["[2, 3]", "Normal"]);
    prints(&own("drop_new"), &["[1, 2]", "Normal"]);
    prints(&own("block"), &["MailboxOverflow"]);
    prints(&own("exit"), &["MailboxOverflow"]);
}

/// DEL2, RCV5: whoever waits for room when the receiver dies goes on as if the message had been sent to the dead.
#[test]
fn rcv5_the_death_of_the_receiver_wakes_those_that_wait() {
    for count in [3, 600] {
        let source = format!(
            "fn sends(value, to: Address, parent: Address) | load value | load to | send | push true | load parent | send | ret | end
            fn main() | local d: Address | local i: Int | push 2 | push 100000 | push \"block\" | call bounds | spawn_with deaf | cast Address | store d
                push 1 | load d | send | push 2 | load d | send | push 0 | store i
            again: | load i | load d | self | spawn sends | drop | load i | push 1 | add | tee i | push {count} | lt | jmp_if again
                call rest | push 0 | await_type_until Bool | is_null | call tell | push \"kill\" | load d | exit_other | push 0 | store i
            count: | await_type Bool | drop | load i | push 1 | add | tee i | push {count} | lt | jmp_if count | load i | call tell | ret | end"
        );
        let count: u64 = count;
        each_way(&Config { watch_dead_letters: true, ..Config::default() }, &source, |world| {
            assert_eq!(world.printed, ["true".to_owned(), count.to_string()]);
            // Those that waited, and the two that lay in the mailbox.
            let waited = world.dead.iter().filter(|letter| letter.from.is_some()).count() as u64;
            assert_eq!((waited, world.machine.stats().dead_letters), (count, count + 2));
            assert_eq!((world.machine.stats().fibers_live, world.machine.stats().outside_bytes), (0, 0));
        });
    }
}

/// What the tests of parked and granted senders run: a receiver for one message that takes one at a time.
const LINE: &str = "export gate | export taker | export first | export second | export third | export filler
    fn bounded() | local n: Int | push \"taker\" | self | register Any | drop
    again: | push \"open\" | whereis Any | is_null | jmp_if go | push \"open\" | whereis Any | cast Address | push -1 | wait | drop | jmp again
    go: | call drain | call tell | ret | end
    fn taker() | push 1 | push 100000 | push \"block\" | call bounds | spawn_with bounded | drop | ret | end
    fn to() -> Address | push \"taker\" | whereis Any | cast Address | ret | end
    fn gate() | push \"open\" | self | register Any | drop | call deaf | ret | end
    fn filler() | push 0 | call to | send | ret | end
    fn first() | push 1 | call to | send | ret | end
    fn second() | push 2 | call to | send | ret | end
    fn third() | push 3 | call to | send | ret | end\n";

/// RCV5: one that dies while it waits leaves the line.
#[test]
fn rcv5_the_death_of_a_parked_sender_leaves_its_place_to_the_next() {
    let module = program(LINE);
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        let names = ["gate", "taker", "filler", "first", "second", "third"];
        let ids = names.map(|name| {
            let id = world.start(name);
            world.run();
            id
        });
        world.machine.handle(Input::Exit { fiber: ids[3], reason: ExitReason::Kill });
        world.run();
        world.machine.handle(Input::Exit { fiber: ids[0], reason: ExitReason::Kill });
        world.run_clock();
        assert_eq!(world.printed, ["[0, 2, 3]"]);
        assert_eq!(world.machine.stats().fibers_live, 0);
    }
}

/// RCV5: one that dies after room was kept for it, and before it ran, passes it on.
#[test]
fn rcv5_the_death_of_a_sender_for_which_room_was_kept_passes_it_on() {
    let module = program(LINE);
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way.clone());
        let names = ["gate", "taker", "filler", "first", "second", "third"];
        let ids = names.map(|name| {
            let id = world.start(name);
            world.run();
            id
        });
        let waits = |world: &World, id| world.machine.blocked(100).iter().any(|blocked| blocked.fiber == id);
        assert!(waits(&world, ids[3]));
        world.machine.handle(Input::Exit { fiber: ids[0], reason: ExitReason::Kill });
        while waits(&world, ids[3]) {
            assert!(world.run_slices(1));
        }
        world.machine.handle(Input::Exit { fiber: ids[3], reason: ExitReason::Kill });
        world.run_clock();
        assert_eq!(world.printed, ["[0, 2, 3]"], "{way:?}");
        assert_eq!((world.machine.stats().fibers_live, world.machine.stats().outside_bytes), (0, 0));
    }
}

/// RCV5: messages of the machine's own pass the bound, and do not take the place of others.
#[test]
fn rcv5_system_messages_pass_the_bound() {
    let source = "fn main() | local e: Address | spawn ends | store e | load e | push -1 | wait | drop | push 1 | self | send
            load e | monitor | drop | load e | monitor | drop | push 2 | self | push 0 | timer_once | drop | call rest
            push 3 | self | try_send | call tell | call drain | call tell
            load e | monitor | drop | load e | monitor | drop | push 4 | self | try_send | call tell | push 5 | self | try_send | call tell
            call drain | call tell | ret | end";
    let config = Config { mailbox_messages_max: 1, ..Config::default() };
    let downs = "(\"down\", NoProc), (\"down\", NoProc)";
    prints_with(&config, source, &["false", &format!("[1, {downs}, 2]"), "true", "false", &format!("[{downs}, 4]")]);
}

/// RCV5: their own limit ends the fiber; `drop_old` drops none of them.
#[test]
fn rcv5_system_messages_have_a_limit_of_their_own() {
    let source = |count: u32| {
        format!(
            "fn main() | local i: Int | push 0 | store i
            again: | load i | self | push 5 | timer_once | drop | load i | push 1 | add | tee i | push {count} | lt | jmp_if again
                push 10 | await_type_until Text | drop | call drain | len | call tell | ret | end"
        )
    };
    let config = Config { system_messages_max: 5, mailbox_messages_max: 1, ..Config::default() };
    prints_with(&config, &source(5), &["5"]);
    ends_with(&config, &source(6), "mailbox_overflow");
    // What was taken counts no more.
    let often = "fn main() | local i: Int | push 0 | store i
        again: | load i | self | push 1 | timer_once | drop | await_recv | drop | load i | push 1 | add | tee i | push 20 | lt | jmp_if again | ret | end";
    prints_with(&config, often, &[]);
    let old = format!(
        "{HELD}fn main() | local gate: Address | local h: Address | spawn waiter | store gate
            load gate | push 1 | push 100000 | push \"drop_old\" | call hold | store h | call rest
            push 1 | load h | push 0 | timer_once | drop | push 2 | load h | push 0 | timer_once | drop | call rest
            push 3 | load h | send | push 4 | load h | send | push null | load gate | send | ret | end"
    );
    prints(&old, &["[1, 2, 4]"]);
}

/// RCV5: `try_send` never waits, and says whether the message was taken; one that is dropped in silence was.
#[test]
fn rcv5_try_send_under_each_policy() {
    let source = |policy: &str| {
        format!(
            "{HELD}fn main() | local gate: Address | local h: Address | local i: Int | spawn waiter | store gate
                load gate | push 2 | push 100000 | push \"{policy}\" | call hold | store h | load h | monitor | drop | call rest | push 1 | store i
            again: | load i | load h | try_send | call tell | load i | push 1 | add | tee i | push 3 | le | jmp_if again
                push null | load gate | send | await_type Down | field Down.reason | call tell | ret | end"
        )
    };
    let both = ["true", "true"];
    prints(&source("block"), &[&both[..], &["false", "[1, 2]", "Normal"]].concat());
    prints(&source("reject"), &[&both[..], &["false", "[1, 2]", "Normal"]].concat());
    prints(&source("drop_old"), &[&both[..], &["true", "[2, 3]", "Normal"]].concat());
    prints(&source("drop_new"), &[&both[..], &["true", "[1, 2]", "Normal"]].concat());
    prints(&source("exit"), &[&both[..], &["true", "MailboxOverflow"]].concat());
}

/// RCV5: a request to a full mailbox waits, or is told that it was not taken.
#[test]
fn rcv5_requests_to_a_full_mailbox() {
    let source = |policy: &str| {
        format!(
            "{HELD}fn main() | local gate: Address | local h: Address | local token: Ref | spawn waiter | store gate
                load gate | push 1 | push 100000 | push \"{policy}\" | call hold | store h | call rest | push 1 | load h | send
                new_ref | store token | push 2 | load token | load h | remote_call | load token | push 100 | await_reply | call tell | call tell | ret | end"
        )
    };
    prints(&source("reject"), &["2", "MailboxOverflow"]);
    prints(&source("drop_new"), &["2", "MailboxOverflow"]);
    each_way(&Config::default(), &source("block"), |world| {
        assert_eq!(world.machine.blocked(1)[0].waits_for, "room in a mailbox");
    });
}

/// RCV5: a barrier takes whoever comes, whatever the bound of mailboxes.
#[test]
fn rcv5_barriers_with_full_mailboxes() {
    let source = "fn comes(b: Address, parent: Address) | load b | push -1 | barrier | is Int | load parent | send | ret | end
        fn main() | local b: Address | local i: Int | push 40 | barrier_new | store b | push 0 | store i
        again: | load b | self | spawn comes | drop | load i | push 1 | add | tee i | push 40 | lt | jmp_if again
            push 0 | store i
        count: | await_type Bool | jmp_unless wrong | load i | push 1 | add | tee i | push 40 | lt | jmp_if count | load i | call tell | ret
        wrong: | push \"wrong\" | call tell | ret | end";
    for mailbox_messages_max in [2, 7] {
        prints_with(&Config { mailbox_messages_max, ..Config::default() }, source, &["40"]);
    }
}

/// RCV5: the room that was kept for one that died goes to the next; when the receiver dies as well, before that one runs,
/// it finds it gone, and its grant counts nowhere else.
#[test]
fn rcv5_a_grant_of_one_that_died_lets_nobody_in_elsewhere() {
    let module = program(
            "export makes | export comes
            fn makes() | push 20 | barrier_new | drop | ret | end
            fn sends(to: Address) | push 1 | load to | send | ret | end
            fn comes() | local other: Address | await_type Address | push 1 | swap | send
                push 1 | push 1000 | push \"block\" | call bounds | spawn_with deaf | cast Address | store other | load other | spawn sends | push -1 | wait | drop
                push 3 | load other | try_send | call tell | ret | end",
    );
    for (lowering, dispatch) in ENGINES {
        for slice in [1, 7] {
            let config = Config { lowering, dispatch, slice, mailbox_messages_max: 1, ..Config::default() };
            let mut world = World::new(&module, config);
            world.start("makes");
            world.run();
            let barrier = world.machine.fibers().next().expect("the barrier lives");
            let comers: Vec<FiberId> = (0..6).map(|_| world.start("comes")).collect();
            world.run();
            for comer in &comers {
                world.machine.send(*comer, Value::Address(barrier)).expect("it lives");
            }
            let line = |world: &World| {
                let waits =
                    world.machine.blocked(100).into_iter().filter(|blocked| blocked.waits_for == "room in a mailbox");
                waits.map(|blocked| blocked.fiber).collect::<Vec<_>>()
            };
            let mut before = line(&world);
            let granted = loop {
                assert!(world.run_slices(1));
                let now = line(&world);
                if let Some(granted) = before.iter().find(|id| !now.contains(id)) {
                    break *granted;
                }
                before = now;
            };
            assert!(before.len() > 1, "others wait");
            for fiber in [granted, barrier] {
                world.machine.handle(Input::Exit { fiber, reason: ExitReason::Kill });
            }
            world.run_clock();
            let killed = comers.iter().filter(|id| world.end_of(**id).as_deref() == Some("killed")).count();
            assert_eq!((killed, world.ended.len()), (1, 8), "{:?}", world.ended);
            assert_eq!(world.printed, vec!["false"; 5]);
        }
    }
}
