//! The rules that every way to run code keeps, the interpreter and what may come beside it, where it can show them.

use crate::support::{ENGINES, Seen, World, check_all_ways, module, run};
use fardel::vm::config::{Config, Dispatch, Lowering};
use fardel::vm::door::Input;
use fardel::vm::exit::ExitReason;
use fardel::vm::value::Value;

/// Runs a program in every way; all must print the same, end alike and charge so much fuel.
#[track_caller]
fn check(source: &str, printed: &[&str], fuel: u64) {
    let seen = check_all_ways(&module(source), &Config::default());
    let printed = printed.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!(seen, Seen { printed, ends: vec!["normal".to_owned()], fuel });
}

#[track_caller]
fn check_end(source: &str, config: &Config, printed: &[&str], end: &str) {
    let seen = check_all_ways(&module(source), config);
    let printed: Vec<String> = printed.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!((seen.printed, seen.ends), (printed, vec![end.to_owned()]));
}

/// Frames lie without gaps and name no address: a fiber whose block moves at each allocation returns through all of them.
#[test]
fn rule_1_frames_survive_every_move_of_their_block() {
    let source = "fn down(n: Int, made: List<Int>) -> List<Int> | local mine: List<Int>
            list_new List<Int> | store mine | load mine | load n | list_push
            load n | push 0 | gt | jmp_unless bottom
            load n | push 1 | sub | load mine | call down | drop
        bottom: | load made | load mine | append | load made | ret | end
        fn main() | push 40 | list_new List<Int> | call down | len | show | call_host io.print | ret | end";
    check(source, &["41"], 42);
}

/// Of frames with more slots than one word has bits, each slot is forwarded by its own bit.
#[test]
fn rule_1_large_frames_keep_every_slot() {
    let names = || (0..250).map(|at| format!("x{at}"));
    let declared: String = names().map(|name| format!("local {name} | ")).collect();
    let kind = |at: usize| match at % 3 {
        0 => format!("push {at} | show"),
        1 => format!("push {at}"),
        _ => format!("push {at} | int_to_float"),
    };
    let assigned: String = names().enumerate().map(|(at, name)| format!("{} | store {name} | ", kind(at))).collect();
    let pushed: String = names().take(100).map(|name| format!("load {name} | show | ")).collect();
    let joined = "concat | ".repeat(99);
    let shown: String = names().map(|name| format!("load {name} | show | concat | ")).collect();
    let source = format!(
        "fn deeper(n: Int) -> Text | local t: Text | load n | push 0 | eq | jmp_if done | load n | push 1 | sub | call deeper
            load n | show | concat | ret
        done: | push \"\" | ret | end
        fn main() | {declared} {assigned} {pushed} push 9 | call deeper | concat | {joined} {shown} push 3 | call deeper | concat
            call_host io.print | ret | end"
    );
    let show = |at: usize| if at % 3 == 2 { format!("{at}.0") } else { at.to_string() };
    let line = (0..100).map(show).collect::<String>() + "123456789" + &(0..250).map(show).collect::<String>() + "123";
    check_end(&source, &Config::default(), &[&line], "normal");
}

/// An allocation, a receive and a host call may be stopped at, and start again without having done anything.
#[test]
fn rule_2_what_waits_or_allocates_starts_again_without_effects() {
    let source = "fn child(parent: Address) | local i: Int | push 0 | store i
        again: | load i | show | load parent | send | yield | load i | push 1 | add | tee i | push 5 | lt | jmp_if again | ret | end
        fn main() | local all: Text | local n: Int | push \"\" | store all | push 5 | store n | self | spawn child | drop
        again: | load all | await_recv | cast Text | concat | store all | push \"tick\" | call_host io.print
            load n | push 1 | sub | tee n | push 0 | gt | jmp_if again
            load all | call_host io.print | ret | end";
    check(source, &["tick", "tick", "tick", "tick", "tick", "01234"], 1 + 4 + 1 + 4 + 16);
}

/// The function begins with a receive, and with an allocation: both run more than once, and its entry is charged once.
#[test]
fn rule_3_entry_is_charged_once_though_the_first_instruction_runs_again() {
    let source = "fn child() | await_recv | drop | ret | end
        fn made() -> List<Int> | list_new List<Int> | ret | end
        fn main() | local other: Address | spawn child | store other | yield | yield | call made | drop
            push 1 | load other | send | ret | end";
    check(source, &[], 3 + 16);
}

#[test]
fn rule_4_fuel_is_one_an_entry_and_one_a_jump_back_in_every_way() {
    let source = "fn add_up(n: Int) -> Int | local sum: Int | push 0 | store sum
        again: | load sum | load n | add | store sum | load n | push 1 | sub | tee n | push 0 | gt | jmp_if again
            load sum | ret | end
        fn main() | push 100 | call add_up | push 50 | call add_up | add | show | call_host io.print | ret | end";
    check(source, &["6325"], 1 + (1 + 99) + (1 + 49));
}

/// A handler's jump and a switch may lead back as well.
#[test]
fn rule_4_every_kind_of_jump_back_is_charged() {
    let source = "fn main() | local n: Int | push 0 | store n
        top: | load n | push 1 | add | tee n | push 4 | lt | jmp_unless done | load n | switch (top top top top)
            jmp top
        done: | load n | show | call_host io.print | ret | end";
    check(source, &["4"], 1 + 3);
    let source = "fn main() | local o | local n: Int | push 0 | store n | push null | store o
        top: | load n | push 1 | add | tee n | push 6 | eq | jmp_if done | load o | jmp_if_null top | drop
        done: | load n | show | call_host io.print | ret | end";
    check(source, &["6"], 1 + 5);
}

/// Bulk instructions charged again when they ran again after a collection.
#[test]
fn rule_4_what_runs_again_after_a_collection_is_charged_once() {
    let source = "fn main() | local t: Text | local b: Bytes | local big: Text | local m: Map<(Text, Text), Int>
            push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 3000 | lt | jmp_if grow
            load t | text_to_bytes | store b | load b | bytes_to_text | unwrap | len | show | call_host io.print
            load t | load t | concat | store big | load big | text_to_bytes | bytes_to_text | unwrap | len | show | call_host io.print
            load big | push 5 | push 6000 | slice | len | show | call_host io.print
            map_new Map<(Text, Text), Int> | store m | load m | load t | load big | new (Text, Text) | push 7 | set
            load m | load t | load big | new (Text, Text) | map_find | unwrap | show | call_host io.print | ret | end";
    let seen = check_all_ways(&module(source), &Config::default());
    assert_eq!(seen.printed, ["4096", "8192", "5995", "7"]);
}

/// The receiver was charged for a message that it took out of its mailbox, and not for one that it had waited for.
#[test]
fn rule_4_a_message_costs_the_same_whether_it_was_waited_for_or_not() {
    let source = "fn child(parent: Address) | local t: Text | local b: Bytes | push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 2500 | lt | jmp_if grow
            load t | load parent | send | yield | yield | load t | text_to_bytes | load parent | send | ret | end
        fn main() | self | spawn child | drop | await_recv | cast Text | len | show | call_host io.print
            yield | yield | yield | yield | await_recv | cast Bytes | len | show | call_host io.print | ret | end";
    let seen = check_all_ways(&module(source), &Config::default());
    assert_eq!(seen.printed, ["4096", "4096"]);
    let seen = check_all_ways(&module(&source.replace("2500", "2000")), &Config::default());
    assert_eq!(seen.printed, ["2048", "2048"]);
}

/// What one bulk instruction takes beyond a slice is not lost.
#[test]
fn rule_4_bulk_is_charged_a_kibibyte() {
    let array = "fn main() | push 131072 | array_new Array<Int> | drop | ret | end";
    check(array, &[], 1 + 1024);
}

/// A fiber that does nothing else has slices that are no longer than those of others.
#[test]
fn rule_4_what_concerns_other_fibers_is_charged_like_jumps() {
    let costs = |body: &str, costly: u64, rest: u64| {
        let source = format!("fn child() | ret | end\nfn main() | local r: Ref | {body} | ret | end");
        check(&source, &[], 1 + 16 * costly + rest);
    };
    costs("spawn child | drop", 1, 1);
    costs(
        "push \"a\" | self | register Any | drop | push \"a\" | whereis Any | drop | push \"a\" | unregister | drop",
        3,
        0,
    );
    costs(
        "push \"a\" | self | push \"keep_oldest\" | cluster_register Any | drop | push \"a\" | cluster_whereis Any | drop
            push \"a\" | cluster_unregister | drop | push \"a\" | self | group_join Any | drop
            push \"a\" | group_members Any | drop | push \"a\" | self | group_leave | drop | nodes | drop | push true | watch_nodes",
        8,
        0,
    );
    costs("self | monitor | demonitor", 2, 0);
    costs("self | link | self | unlink", 2, 0);
    costs("push 1 | self | push 1000 | timer_once | timer_cancel | drop", 2, 0);
    // The child ends before its message comes, once it was waited for.
    costs("spawn child | dup | push -1 | wait | drop | push 1 | swap | send", 3, 1);
    costs("push 1 | self | send", 0, 0);
}

/// Work on megabytes stops between pieces when the fuel is used up; what was done is neither lost nor done again.
#[test]
fn rule_4_long_work_goes_on_in_pieces() {
    let text = "fn main() | local t: Text | local u: Text | local b: Bytes | local builder: TextBuilder
            push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 3000000 | lt | jmp_if grow
            load t | push 1 | push 4000000 | slice | store u | load u | text_to_bytes | store b
            load b | push 0 | push 2500000 | slice | bytes_to_text | unwrap | store t
            load t | push 2499990 | byte_at | show | call_host io.print
            text_builder | store builder | load builder | push \"<\" | builder_add | load builder | load t | builder_add
            load builder | load u | builder_add | load builder | push 62 | builder_byte
            load builder | builder_finish | store u | load u | len | show | call_host io.print
            load u | push \"f0>\" | push 0 | find | is_null | show | call_host io.print | ret | end";
    let containers = "fn main() | local a: Array<Int> | local c: Array<Int> | local list: List<Int> | local m: Map<Int, Int> | local i: Int
            push 500000 | array_new Array<Int> | store a | load a | push 7 | push 1000 | push 499000 | fill
            load a | push 10 | load a | push 0 | push 400000 | copy_range | load a | push 5 | push 499999 | slice | store c
            load c | copy | push 1005 | get | show | call_host io.print
            list_new List<Int> | store list | push 0 | store i
        fill: | load list | load i | list_push | load i | push 1 | add | tee i | push 200000 | lt | jmp_if fill
            load list | load list | append | load list | load list | push 1000 | push 390000 | slice | append
            load list | push 3 | push -5 | list_insert | load list | push 3 | list_remove | show | call_host io.print
            load list | copy | len | show | call_host io.print
            map_new Map<Int, Int> | store m | push 0 | store i
        put: | load m | load i | load list | load i | get | set | load i | push 1 | add | tee i | push 60000 | lt | jmp_if put
            load m | copy | push 59999 | get | show | call_host io.print | ret | end";
    let texts = check_all_ways(&module(text), &Config::default());
    assert_eq!(
        (texts.printed, texts.ends),
        (["55", "6500001", "true"].map(String::from).to_vec(), vec!["normal".to_owned()])
    );
    let containers = check_all_ways(&module(containers), &Config::default());
    assert_eq!(containers.printed, ["7", "-5", "789000", "59999"]);
}

/// A local that is dead keeps nothing alive: the second array fits because the first is not used any more.
#[test]
fn rule_5_what_is_dead_is_collected() {
    let source = "fn main() | local a: Array<Int> | local b: Array<Int>
            push 100000 | array_new Array<Int> | store a | load a | len | drop
            push 100000 | array_new Array<Int> | store b | load b | len | drop
            push 100000 | array_new Array<Int> | store a | load a | len | show | call_host io.print | ret | end";
    check_end(source, &Config { fiber_memory_bytes_max: 900_000, ..Config::default() }, &["100000"], "normal");
    let both = source.replace("load a | len | show", "load b | len | drop | load a | len | show");
    check_end(&both, &Config { fiber_memory_bytes_max: 900_000, ..Config::default() }, &[], "out_of_memory");
}

/// Programs cannot tell when a collection happens: the same step is the last one in every way.
#[test]
fn rule_7_the_memory_limit_is_met_at_the_same_step_in_every_way() {
    let lists = "fn main() | local all: List<Text> | local i: Int | list_new List<Text> | store all | push 0 | store i
        again: | load all | push \"number \" | load i | show | concat | list_push | push \"waste \" | load i | show | concat | drop
            load i | push 100 | rem | push 0 | eq | jmp_unless on | load i | show | call_host io.print
        on: | load i | push 1 | add | store i | jmp again | end";
    let maps = "fn main() | local m: Map<Int, Any> | local i: Int | map_new Map<Int, Any> | store m | push 0 | store i
        again: | load m | load i | load i | int_to_float | set
            load i | push 50 | rem | push 0 | eq | jmp_unless on | load i | show | call_host io.print
        on: | load i | push 1 | add | store i | jmp again | end";
    let texts = "fn main() | local t: Text | local all: List<Text> | local i: Int | push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 3000 | lt | jmp_if grow
            list_new List<Text> | store all | push 0 | store i
        again: | load all | load t | load i | show | concat | list_push | load i | show | call_host io.print
            load i | push 1 | add | store i | jmp again | end";
    let frames = "fn down(n: Int, t: Text) -> Int | local a | local b | local c | load n | push 32 | rem | push 0 | eq | jmp_unless on
            load n | show | call_host io.print
        on: | push null | store a | push null | store b | push null | store c
            load n | push 1 | add | load t | load n | show | concat | call down | ret | end
        fn main() | push 0 | push \"some text \" | call down | drop | ret | end";
    for source in [lists, maps, texts, frames] {
        let config = Config { fiber_memory_bytes_max: 200_000, ..Config::default() };
        let seen = check_all_ways(&module(source), &config);
        assert_eq!(seen.ends, ["out_of_memory"]);
        assert!(seen.printed.len() > 5, "{:?}", seen.printed);
    }
}

#[test]
fn rule_7_the_stack_limit_is_met_at_the_same_step_in_every_way() {
    let source = "fn down(n: Int, t: Text) -> Int | local a: Int | local f: Float | load n | show | call_host io.print
            load n | store a | push 1.5 | load n | int_to_float | mul | store f
            load n | push 1 | add | load t | load n | show | concat | call down | load a | add | load f | float_to_int | add | ret | end
        fn main() | push 0 | push \"\" | call down | drop | ret | end";
    let seen = check_all_ways(&module(source), &Config { fiber_stack_bytes_max: 10_000, ..Config::default() });
    assert_eq!(seen.ends, ["stack_overflow"]);
    assert!(seen.printed.len() > 5, "{:?}", seen.printed);
}

/// A host call commits once, however often its instruction runs.
#[test]
fn rule_8_a_host_call_is_made_once() {
    let source = "fn main() | local i: Int | push 0 | store i
        again: | load i | show | call_host io.print | load i | push 1 | add | tee i | push 5 | lt | jmp_if again | ret | end";
    check(source, &["0", "1", "2", "3", "4"], 1 + 4);
}

/// The first fiber is gone when its call is answered; the second one has its place in the table.
#[test]
fn rule_8_an_answer_for_a_fiber_that_is_gone_is_dropped() {
    let module = module("fn main() | push \"x\" | call_host io.print | push \"y\" | call_host io.print | ret | end");
    let mut world = World::new(&module, Config::default());
    let first = world.start("main");
    world.machine.run(1);
    let call = world.take_call().expect("the first call");
    world.machine.handle(Input::Exit { fiber: first, reason: ExitReason::Killed });
    // It ends at its next turn.
    world.machine.run(1);
    let second = world.start("main");
    assert_eq!(first.slot, second.slot);
    world.machine.run(1);
    let other = world.take_call().expect("the second call");
    world.machine.handle(Input::HostResult { call, result: Err("too late".to_owned()) });
    assert!(world.machine.waits_for_host());
    world.machine.handle(Input::HostResult { call: other, result: Ok(Value::Null) });
    world.run();
    assert_eq!(world.end_of(second).as_deref(), Some("normal"));
    assert!(!world.machine.waits_for_host());
}

#[test]
fn rule_9_a_trap_goes_through_frames_to_the_handler() {
    let source = "fn inner(n: Int) -> Int | push 10 | load n | div | ret | end
        fn middle(n: Int) -> Int | load n | call inner | push 1 | add | ret | end
        fn outer(n: Int) -> Int | load n | call middle | push 1 | add | ret | end
        fn main() | local kept: Text | handle try caught caught | push \"kept\" | store kept
        try: | push 5 | call outer | show | call_host io.print | push 0 | call outer | show | call_host io.print | ret
        caught: | field (Text, Text).0 | call_host io.print | load kept | call_host io.print
            push 2 | call outer | show | call_host io.print | ret | end";
    check(source, &["4", "divide_by_zero", "kept", "7"], 1 + 3 * 3);
}

#[test]
fn rule_9_tail_calls_use_no_stack() {
    let source = "fn odd(n: Int) -> Bool | load n | push 0 | eq | jmp_if no | load n | push 1 | sub | tail_call even | no: | push false | ret | end
        fn even(n: Int) -> Bool | local a | local b | local c | load n | push 0 | eq | jmp_if yes | load n | push 1 | sub | tail_call odd
        yes: | push true | ret | end
        fn main() | push 10000000 | call even | show | call_host io.print | ret | end";
    let module = module(source);
    for (lowering, dispatch) in ENGINES {
        let config = Config { lowering, dispatch, fiber_stack_bytes_max: 1_000, ..Config::default() };
        let (seen, stats) = run(&module, config);
        assert_eq!(seen, Seen { printed: vec!["true".to_owned()], ends: vec!["normal".to_owned()], fuel: 10_000_002 });
        assert!(stats.block_bytes_max <= 2_048, "{}", stats.block_bytes_max);
    }
}

/// The stack limit counted the frame that a tail call replaces as well as the one that takes its place.
#[test]
fn rule_9_a_tail_call_needs_room_for_one_frame_only() {
    let locals: String = (0..50).map(|at| format!("local x{at}: Int | push {at} | store x{at} | ")).collect::<String>();
    let (declared, assigned): (Vec<&str>, Vec<&str>) = locals.split(" | ").partition(|line| line.starts_with("local"));
    let used: String = (0..50).map(|at| format!("load x{at} | add | ")).collect();
    let body = |name: &str, end: &str| {
        format!(
            "fn {name}(n: Int) -> Int | {} | {} | load n | {used}{end} | end\n",
            declared.join(" | "),
            assigned.join(" | ")
        )
    };
    let source = [
        body("first", "tail_call second"),
        body("second", "ret"),
        "fn main() | push 0 | call first | show | call_host io.print | ret | end".to_owned(),
    ];
    let config = Config { fiber_stack_bytes_max: 800, ..Config::default() };
    check_end(&source.concat(), &config, &["2450"], "normal");
}

/// A fiber that is to end runs on to the end of its slice, in which it may print as much as it can.
#[test]
fn rule_10_an_exit_signal_is_looked_at_between_slices() {
    let source = "fn main() | local i: Int | push 0 | store i
        again: | load i | push 1 | add | store i | jmp again | end";
    let module = module(source);
    for (lowering, dispatch) in ENGINES {
        let mut world = World::new(&module, Config { lowering, dispatch, slice: 100, ..Config::default() });
        let main = world.start("main");
        assert!(world.run_slices(7));
        world.machine.handle(Input::Exit { fiber: main, reason: ExitReason::Killed });
        assert_eq!(world.end_of(main), None, "nothing happens outside of a slice");
        world.run();
        assert_eq!(world.end_of(main).as_deref(), Some("killed"));
        assert_eq!(world.machine.stats().fuel, 700);
    }
}

/// Of a fiber that is told to end while it is ready, nothing more is seen; one that sends to itself ends there.
#[test]
fn rule_10_a_fiber_that_is_told_to_end_does_nothing_any_more() {
    let source = "fn victim() | again: | push \"alive\" | call_host io.print | yield | jmp again | end
        fn main() | local v: Address | spawn victim | store v | yield | yield | yield | push \"kill\" | load v | exit_other
            push \"done\" | call_host io.print | push \"kill\" | self | exit_other | push \"never\" | call_host io.print | ret | end";
    let module = module(source);
    for (lowering, dispatch) in ENGINES {
        let (seen, _) = run(&module, Config { lowering, dispatch, ..Config::default() });
        assert_eq!(seen.printed.last().map(String::as_str), Some("done"));
        assert_eq!(seen.ends, ["killed", "killed"]);
    }
}

/// The plain form is the clear version that the fused one is held against; both count the same instructions only in it.
#[test]
fn the_ways_to_run_really_differ() {
    let source = "fn main() | local i: Int | push 0 | store i | again: | load i | push 1 | add | tee i | push 100 | lt | jmp_if again | ret | end";
    let module = module(source);
    let count = |lowering| run(&module, Config { lowering, dispatch: Dispatch::Count, ..Config::default() }).1.instructions;
    assert!(count(Lowering::Fused) < count(Lowering::Plain));
}
