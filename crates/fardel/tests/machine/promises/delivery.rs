//! What is delivered, how often, and what becomes of the rest.

use super::{each_way, prints, program};
use crate::support::{World, ways};
use fardel::vm::config::Config;
use fardel::vm::door::{Input, LostBecause, SendError};
use fardel::vm::exit::ExitReason;
use fardel::vm::fiber::FiberId;
use fardel::vm::value::Value;

fn watching() -> Config {
    Config { watch_dead_letters: true, ..Config::default() }
}

/// DEL1: no message comes twice, of whatever kind it is and whether the receiver waits for it or not.
#[test]
fn del1_a_message_comes_at_most_once() {
    let source = "fn sender(to: Address) | push 1 | load to | send | push 2.5 | load to | send | yield | push \"t\" | push \"u\" | concat | load to | send
            push null | load to | send | yield | push 1 | push \"x\" | new (Int, Text) | load to | send | ret | end
        fn main() | self | spawn sender | drop | call drain | call tell | call drain | len | call tell | ret | end";
    prints(source, &["[1, 2.5, \"tu\", null, (1, \"x\")]", "0"]);
    each_way(&Config::default(), source, |world| {
        assert_eq!((world.machine.stats().messages, world.machine.stats().dead_letters), (5, 0));
    });
}

/// DEL2: a send to one that is gone does nothing, says nothing, and is counted; who wants to is told.
#[test]
fn del2_a_send_to_a_dead_id_succeeds_and_is_counted() {
    let source = "fn main() | local c: Address | spawn ends | store c | load c | push -1 | wait | drop
            push 1 | load c | send | push \"text\" | load c | send | push 1.5 | load c | try_send | call tell
            push true | load c | push 5 | timer_once | drop | push \"on\" | call tell | ret | end";
    prints(source, &["false", "on"]);
    each_way(&watching(), source, |world| {
        assert_eq!(world.machine.stats().dead_letters, 3);
        let letters: Vec<_> = world.dead.iter().map(|letter| (letter.message.as_str(), letter.why.clone())).collect();
        let wanted = ["Int", "Text", "Float"].map(|name| (name, LostBecause::NoFiber));
        assert_eq!(letters, wanted);
        let (main, _) = world.ended[0];
        assert!(world.dead.iter().all(|letter| letter.from == Some(main) && letter.to != main));
        let line = world.dead[0].to_string();
        assert!(line.starts_with("dead letter: Int from #") && line.ends_with(": it has ended"), "{line}");
    });
}

/// DEL2: the id of one that is gone is not that of the next in its place.
#[test]
fn del2_a_dead_id_never_reaches_another_fiber() {
    let source = "fn main() | local c: Address | local i: Int | push 0 | store i | spawn ends | store c | load c | push -1 | wait | drop
        again: | spawn waiter | drop | push \"wrong\" | load c | send | load i | push 1 | add | tee i | push 20 | lt | jmp_if again | ret | end";
    each_way(&Config::default(), source, |world| {
        assert_eq!((world.machine.stats().dead_letters, world.machine.stats().fibers_live), (20, 20));
    });
}

/// DEL3: a name that nobody has is an error that the program sees: there is no address to send to.
#[test]
fn del3_a_name_that_is_not_registered_gives_no_address() {
    prints("fn main() | push \"nobody\" | whereis Any | is_null | call tell | ret | end", &["true"]);
}

/// DEL4: whatever is sent is taken, or counted; here by each way to be lost that one machine has.
#[test]
fn del4_each_message_that_is_lost_is_counted() {
    let source = "fn texts() receives Text | again: | await_type Text | drop | jmp again | end
        fn main() | local full: Address | local c: Address | local i: Int
            push 2 | push 100000 | push \"drop_new\" | call bounds | spawn_with deaf | cast Address | store full
            spawn texts | store c | push 0 | store i
        again: | load i | load full | send | load i | load c | send | load i | push 1 | add | tee i | push 10 | lt | jmp_if again
            ret | end";
    each_way(&watching(), source, |world| {
        let count = |why: &dyn Fn(&LostBecause) -> bool| world.dead.iter().filter(|letter| why(&letter.why)).count();
        assert_eq!(count(&|why| *why == LostBecause::MailboxFull), 8);
        assert_eq!(count(&|why| *why == LostBecause::WrongType { takes: "Text".to_owned() }), 10);
        assert_eq!(world.machine.stats().dead_letters, 18);
    });
}

/// DEL4: messages that had come, and that their receiver did not live to take, vanished without being counted.
#[test]
fn del4_what_lies_unread_in_the_mailbox_of_the_dead_is_counted() {
    let source =
        "fn main() | local c: Address | local i: Int | push 0 | store i | spawn deaf | store c | spawn ends | monitor | drop
        again: | load i | load c | send | load i | push 1 | add | tee i | push 600 | lt | jmp_if again
            push 1.5 | load c | send | call rest | push \"kill\" | load c | exit_other | ret | end";
    each_way(&watching(), source, |world| {
        // The message of the monitor is not a letter of anybody.
        assert_eq!(world.machine.stats().dead_letters, 601);
        assert!(world.dead.iter().all(|letter| letter.why == LostBecause::NoFiber && letter.from.is_none()));
        let names: Vec<_> = world.dead.iter().map(|letter| letter.message.as_str()).collect();
        assert_eq!((names.len(), names[0], names[600]), (601, "Int", "Float"));
    });
}

/// DEL4: one in the mailbox of somebody who lives is not lost, however long it lies there.
#[test]
fn del4_messages_of_the_living_are_kept() {
    let source = "fn main() | local c: Address | local i: Int | push 0 | store i | spawn deaf | store c
        again: | load i | load c | send | load i | push 1 | add | tee i | push 600 | lt | jmp_if again | ret | end";
    each_way(&watching(), source, |world| assert_eq!(world.machine.stats().dead_letters, 0));
}

/// DEL2, DEL4: what the outside sends is counted alike, and the outside is told why.
#[test]
fn del4_messages_from_outside_are_taken_or_counted() {
    let module = program(
        "export texts | export small | fn texts() receives Text | again: | await_type Text | call tell | jmp again | end
        fn small() | call deaf | ret | end",
    );
    for way in ways(&Config { mailbox_messages_max: 2, ..Config::default() }) {
        let mut world = World::new(&module, way);
        let (texts, small) = (world.start("texts"), world.start("small"));
        world.run();
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(world.machine.send(texts, text("hello")), Ok(()));
        world.run();
        assert_eq!(world.printed, ["hello"]);
        let wrong = SendError::WrongType { to: texts, wanted: "Text".to_owned(), seen: "Int".to_owned() };
        assert_eq!(world.machine.send(texts, Value::Int(1)), Err(wrong));
        assert_eq!(world.machine.stats().dead_letters, 1);
        assert_eq!(world.machine.send(small, Value::Int(1)), Ok(()));
        assert_eq!(world.machine.send(small, Value::Int(2)), Ok(()));
        assert_eq!(world.machine.send(small, Value::Int(3)), Err(SendError::MailboxFull(small)));
        let counted = world.machine.stats().dead_letters;
        // As an input nobody is told, so it has to be counted.
        world.machine.handle(Input::Message { to: small, value: Value::Int(4) });
        assert_eq!(world.machine.stats().dead_letters, counted + 1);
        world.machine.handle(Input::Exit { fiber: texts, reason: ExitReason::Shutdown });
        world.run();
        let nobody = FiberId { slot: 77_777, generation: 1 };
        for to in [texts, nobody] {
            assert_eq!(world.machine.send(to, text("late")), Err(SendError::NoFiber(to)));
        }
        assert_eq!(world.machine.stats().dead_letters, counted + 3);
    }
}

/// DEL1, ORD1: fibers send to mailboxes of the outside as to others; a closed one is gone.
#[test]
fn del1_messages_for_the_outside_leave_once_and_in_order() {
    let module = program(
        "export asks | fn asks() | local to: Address | await_type Address | store to | push 1 | load to | send
            push 7 | load to | push 5 | timer_once | drop | push 2.5 | load to | send | push \"three\" | load to | try_send | call tell
            push 8 | load to | push 50 | timer_once | drop | load to | push -1 | wait | call tell | push 4 | load to | send | ret | end",
    );
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        let asks = world.start("asks");
        let port = world.machine.open_port().expect("there is a place");
        world.machine.handle(Input::Message { to: asks, value: Value::Address(port) });
        world.run();
        world.run_at(0);
        assert_eq!(world.received, [Value::Int(1), Value::Float(2.5), Value::Text("three".to_owned())]);
        world.run_at(10);
        assert_eq!(world.received.get(3), Some(&Value::Int(7)), "a timer's message leaves as well");
        world.machine.close_port(port);
        world.run_at(100);
        assert_eq!(world.printed, ["true", "Normal"]);
        assert_eq!((world.received.len(), world.machine.stats().dead_letters), (4, 1));
        assert_eq!((world.machine.stats().fibers_live, world.machine.stats().outside_bytes), (0, 0));
    }
}
