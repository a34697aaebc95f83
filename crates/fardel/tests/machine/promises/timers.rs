//! Timers.

use super::{each_way, prints, prints_with, program};
use crate::support::{World, ways};
use fardel::vm::config::Config;
use fardel::vm::door::Input;
use fardel::vm::value::Value;

/// TMR1: not before its time by the clock that the machine is told, however late and seldom that is told.
#[test]
fn tmr1_a_timer_never_fires_early() {
    let module =
        program("fn main() | push \"fired\" | self | push 10 | timer_once | drop | await_recv | call tell | ret | end");
    for way in ways(&Config::default()) {
        // Begun at some time between 100 and 105; it is a nanosecond too soon at 114.999999.
        let mut world = World::new(&module, way);
        world.run_at(100);
        world.start("main");
        world.run();
        assert_eq!(world.machine.next_timeout(), Some(100_000_000), "the time is wanted");
        world.run_at(105);
        world.run_at(110);
        world.machine.handle(Input::Time(114_999_999));
        world.run();
        assert!(world.printed.is_empty());
        world.run_at(115);
        assert_eq!(world.printed, ["fired"]);
    }
}

/// TMR1: times between milliseconds count as they are.
#[test]
fn tmr1_a_timer_is_rounded_up() {
    let module =
        program("fn main() | push \"fired\" | self | push 1 | timer_once | drop | await_recv | call tell | ret | end");
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        world.machine.handle(Input::Time(500_001));
        world.start("main");
        world.run();
        world.machine.handle(Input::Time(500_001));
        for nanos in [1_500_000, 1_500_001, 1_999_999] {
            world.machine.handle(Input::Time(nanos));
            world.run();
            assert!(world.printed.is_empty(), "at {nanos}");
        }
        world.run_at(2);
        assert_eq!(world.printed, ["fired"]);
    }
}

/// TMR1: the time of a machine does not go back. TMR6: there is no other: a jump of the clock on the wall is no input.
#[test]
fn tmr6_a_time_that_goes_back_changes_nothing() {
    let module =
        program("fn main() | push \"fired\" | self | push 10 | timer_once | drop | await_recv | call tell | ret | end");
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        world.start("main");
        world.run();
        world.run_at(1000);
        world.run_at(1005);
        world.run_at(3);
        world.run_at(0);
        assert!(world.printed.is_empty());
        world.run_at(1009);
        assert!(world.printed.is_empty());
        world.run_at(1010);
        assert_eq!(world.printed, ["fired"]);
    }
}

/// TMR1: a jump ahead fires what is due, in the order of the times, and of the start where they are the same.
#[test]
fn tmr1_timers_fire_in_the_order_of_their_times() {
    let source = "fn start(millis: Int) | load millis | self | load millis | timer_once | drop | ret | end
        fn main() | push 70 | call start | push 5 | call start | push 4100 | call start | push 6 | call start | push 64 | call start | push 0 | call start
            push 300000 | call start | push 5 | call start | push 63 | call start | push 9 | call collect | call tell | ret | end";
    let wanted = "[0, 5, 5, 6, 63, 64, 70, 4100, 300000]";
    prints(source, &[wanted]);
    let module = program(source);
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        world.start("main");
        world.run();
        world.run_at(0);
        world.run_at(1_000_000);
        assert_eq!(world.printed, [wanted]);
    }
}

/// TMR1: one that repeats keeps its distance, and fires once for all that it missed.
#[test]
fn tmr1_a_timer_that_repeats_skips_what_it_missed() {
    let module = program(
        "fn main() | push 1 | self | push 10 | timer_every | drop | again: | await_recv | call tell | jmp again | end",
    );
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        world.start("main");
        world.run();
        let mut counts = Vec::new();
        for millis in [0, 9, 10, 19, 20, 55, 59, 60, 69, 70] {
            world.run_at(millis);
            counts.push(world.printed.len());
        }
        assert_eq!(counts, [0, 0, 1, 1, 2, 3, 3, 4, 4, 5]);
    }
}

/// TMR2: what was left, in whole milliseconds; null when it had fired or was cancelled.
#[test]
fn tmr2_cancel_returns_what_was_left() {
    let source = "fn main() | local t: Ref | push 1 | self | push 100 | timer_once | store t | push 30 | await_recv_until | drop | load t | timer_cancel | call tell
            load t | timer_cancel | call tell | push 2 | self | push 5 | timer_once | store t | await_recv | call tell | load t | timer_cancel | call tell
            push 3 | self | push 50 | timer_every | store t | push 60 | await_type_until Text | drop | load t | timer_cancel | call tell | call drain | call tell | ret | end";
    prints(source, &["70", "null", "2", "null", "40", "[3]"]);
}

/// TMR2: one whose message has come but was not taken has fired.
#[test]
fn tmr2_a_timer_whose_message_lies_there_has_fired() {
    let source = "fn main() | local t: Ref | push 1 | self | push 5 | timer_once | store t | call rest | load t | timer_cancel | call tell | poll | call tell | ret | end";
    prints(source, &["null", "1"]);
}

/// TMR3: it goes with its receiver, is no dead letter, and cannot reach whoever comes into the place.
#[test]
fn tmr3_a_timer_for_a_dead_fiber_is_dropped() {
    let source = "fn main() | local w: Address | local t: Ref | local i: Int | push 0 | store i | spawn waiter | store w
        again: | push \"wrong\" | load w | push 20 | timer_once | drop | load i | push 1 | add | tee i | push 400 | lt | jmp_if again
            push 1 | load w | push 30 | timer_every | store t | push null | load w | send | load w | push -1 | wait | drop
            load t | timer_cancel | call tell | spawn deaf | drop | push 9 | load w | push 10 | timer_once | timer_cancel | call tell | call rest | ret | end";
    prints(source, &["null", "null"]);
    each_way(&Config::default(), source, |world| {
        let stats = world.machine.stats();
        assert_eq!((stats.dead_letters, stats.timers, stats.outside_bytes, stats.fibers_live), (0, 0, 0, 1));
    });
}

/// TMR3: one of a fiber that started it and has ended since still fires.
#[test]
fn tmr3_a_timer_outlives_the_fiber_that_started_it() {
    let source = "fn starts(to: Address) | push \"fired\" | load to | push 50 | timer_once | drop | ret | end
        fn main() | self | spawn starts | push -1 | wait | drop | push 1000 | await_recv_until | call tell | ret | end";
    prints(source, &["fired"]);
}

/// TMR3: a timer fired at one that had ended and was still telling so, while its mailbox had as many of the machine's
/// messages as it may: it was told to end once more, for another reason.
#[test]
fn tmr3_a_timer_that_fires_during_the_end_of_its_receiver_does_nothing() {
    let source = "export main | fn subject() | await_type Bool | drop | push 5 | exit | end
        fn main() | local w: Address | local i: Int | spawn subject | store w | load w | monitor | drop | push 0 | store i
            push 1 | load w | push 1000 | timer_once | drop | push 2 | load w | push 5 | timer_once | drop | push 3 | load w | push 5 | timer_once | drop
        again: | push 4 | load w | push 100000 | timer_once | drop | load i | push 1 | add | tee i | push 800 | lt | jmp_if again
            await_type Float | drop | push true | load w | send | await_type Down | field Down.reason | call tell | ret | end";
    let module = program(source);
    for way in ways(&Config { system_messages_max: 2, ..Config::default() }) {
        let mut world = World::new(&module, way);
        let main = world.start("main");
        world.run();
        world.run_at(0);
        world.run_at(10);
        world.machine.send(main, Value::Float(0.5)).expect("main lives");
        // The subject ends as soon as nobody finds it; then the time of its timer has come.
        while world.machine.fibers().count() > 1 {
            assert!(world.run_slices(1));
        }
        assert!(world.printed.is_empty());
        world.run_at(2000);
        assert_eq!(world.printed, ["ShutdownWith(5)"]);
        let stats = world.machine.stats();
        assert_eq!((stats.fibers_live, stats.timers, stats.outside_bytes), (0, 0, 0));
    }
}

/// TMR1: timers are bounded, and ask for sound times.
#[test]
fn tmr1_timers_are_bounded() {
    let source = "fn start() | handle try caught caught
        try: | push 1 | self | push 50 | timer_once | drop | ret
        caught: | field (Text, Text).0 | call tell | ret | end
        fn main() | call start | call start | call start | push 60 | await_type_until Text | drop | call start | call drain | len | call tell | ret | end";
    let config = Config { timers_max: 2, ..Config::default() };
    prints_with(&config, source, &["system_limit", "2"]);
}
