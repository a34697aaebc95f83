//! Large values on their way: copied out of one fiber and into another a piece at a time, while others have their turns;
//! nothing is lost or changed by what happens in between.

use crate::pieces::{TICKER, check_program};
use crate::support::{ENGINES, World, module};
use fardel::vm::config::Config;

/// `many` makes a list of so many pairs with an array of so many numbers each, in which some things are there twice and
/// some lead back. `good` says whether a list is one of them.
const PREAMBLE: &str = "
type Pair { left: Any, right: Array<Int> }
type Ask { token: Ref, pairs: List<Pair> }
fn many(count: Int, size: Int) -> List<Pair>
    local list: List<Pair> | local i: Int | local array: Array<Int> | local note: Text
    push \"0123456789abcdef\" | store note
grow: | load note | load note | concat | tee note | len | push 5000 | lt | jmp_if grow
    list_new List<Pair> | store list | push 0 | store i
again: | load size | array_new Array<Int> | store array | load list | load i | load array | new Pair | list_push
    load i | push 1 | add | tee i | load count | lt | jmp_if again
    load list | load note | load array | new Pair | list_push
    load list | load list | load array | new Pair | list_push
    load list | ret | end
fn good(list: List<Pair>, count: Int, size: Int) -> Bool
    local i: Int | local pair: Pair
    load list | len | load count | push 2 | add | eq | jmp_unless bad
    load list | load count | get | store pair
    load pair | field Pair.left | cast Text | len | push 8192 | eq | jmp_unless bad
    load list | load count | push 1 | add | get | field Pair.left | cast List<Pair> | load pair | list_push
    load list | len | load count | push 3 | add | eq | jmp_unless bad
    load list | list_pop | drop | push 0 | store i
again: | load list | load i | get | store pair
    load pair | field Pair.left | cast Int | load i | eq | jmp_unless bad
    load pair | field Pair.right | len | load size | eq | jmp_unless bad
    load i | push 1 | add | tee i | load count | lt | jmp_if again
    push true | ret
bad: | push false | ret | end
fn tell(line: Text) | load line | call_host io.print | ret | end
fn deaf() | push null | select_from | push -1 | select_peek_until Null | drop | ret | end
fn bounds(messages: Int, bytes: Int, full: Text) -> Map<Any, Any> | local m: Map<Any, Any> | map_new Map<Any, Any> | store m
    load m | push \"mailbox\" | load messages | set | load m | push \"mailbox_bytes\" | load bytes | set
    load m | push \"full\" | load full | set | load m | ret | end
";
/// Pairs of the list that is sent, and numbers of their arrays: few large objects, for which collecting at each allocation
/// stays quick, or many small ones; some 6 MB.
const SIZES: [(usize, usize); 2] = [(20, 40_000), (120_000, 0)];

/// A program that makes a list `p`, prints `go`, does something that leaves a Bool, and prints `done` and that.
fn source(functions: &str, locals: &str, body: &str, (count, size): (usize, usize)) -> String {
    format!(
        "{PREAMBLE}{TICKER}fn is_good(list: List<Pair>) -> Bool | load list | push {count} | push {size} | call good | ret | end
        fn made() -> List<Pair> | push {count} | push {size} | call many | ret | end
        {functions}
        fn main() | local p: List<Pair> | {locals} | call made | store p | push \"go\" | call_host io.print
        {body} | push \"done\" | call_host io.print | show | call_host io.print | ret | end"
    )
}

/// It must come to `true`, with at least so many turns of others in between.
#[track_caller]
fn check(functions: &str, locals: &str, body: &str, stops: usize) {
    check_program(&source(functions, locals, body, SIZES[0]), &[false, true], "true", stops);
    check_program(&source(functions, locals, body, SIZES[1]), &[false], "true", stops);
}

const ECHO: &str = "fn echo(to: Address) | await_type List<Pair> | load to | send | ret | end";

#[test]
fn messages_are_sent_and_taken() {
    let body = "load p | self | spawn echo | send | await_type List<Pair> | call is_good";
    check(ECHO, "local q", body, 20);
    // The sender's own is as it was before.
    let body = "load p | self | spawn echo | send | load p | call is_good";
    check(ECHO, "local q", body, 6);
    let any = "load p | to_any 0 | self | send | await_recv | cast List<Pair> | call is_good";
    check("", "local q", any, 12);
}

#[test]
fn a_long_object_without_references_goes_in_parts() {
    let functions = "fn back(to: Address) | await_type Array<Int> | load to | send | ret | end";
    let body = "push 1000000 | array_new Array<Int> | store a | load a | push 999999 | push 7 | set
        load a | self | spawn back | send | await_type Array<Int> | store b | load b | push 999999 | get | push 7 | eq";
    check(functions, "local a: Array<Int> | local b: Array<Int>", body, 20);
}

#[test]
fn receives_of_every_kind_take_large_messages() {
    let take = [
        "push -1 | await_recv_until | unwrap | cast List<Pair>",
        "push 50 | await_type_until List<Pair> | unwrap",
        "poll | unwrap | cast List<Pair>",
        "push null | select_from | select_peek List<Pair> | select_take",
        "push null | select_from | push -1 | select_peek_until List<Pair> | unwrap | select_take",
    ];
    for take in take {
        check("", "local q", &format!("load p | self | send | {take} | call is_good"), 12);
    }
}

/// An option around an option is a box, for which there is no room any more once the message has landed.
#[test]
fn an_option_in_an_option_is_taken_as_one() {
    let body = "load p | some Option<List<Pair>> | some Option<Option<List<Pair>>> | self | send | push -1 | await_recv_until | unwrap
        cast Option<Option<List<Pair>>> | unwrap | unwrap | call is_good";
    check("", "local q", body, 12);
}

#[test]
fn arguments_land_before_the_fiber_runs() {
    let functions = "fn child(list: List<Pair>, to: Address) | load list | call is_good | load to | send | ret | end";
    check(functions, "local q", "load p | self | spawn child | drop | await_type Bool", 10);
    let with =
        "load p | self | push 10 | push 1000 | push \"block\" | call bounds | spawn_with child | drop | await_type Bool";
    check(functions, "local q", with, 10);
    // Options are looked at before anything is copied.
    let wrong = "load p | self | push 10 | push 1000 | push \"no\" | call bounds | spawn_with child | drop | push true";
    check(functions, "local q", wrong, 1);
}

#[test]
fn requests_and_replies_are_carried() {
    let functions = "fn answers() | local ask: Ask | await_type Ask | store ask
        load ask | field Ask.pairs | load ask | field Ask.token | reply | ret | end";
    let body = "new_ref | store token | load token | load p | new Ask | load token | spawn answers | remote_call
        load token | push -1 | await_reply | drop | cast List<Pair> | call is_good";
    check(functions, "local token: Ref", body, 20);
}

const ANSWER: &str = "system Reason
sum Failure { Gone(reason: Reason), Over }
sum Answer { Ok(pairs: List<Pair>), Err(error: Failure) }
type Got { pairs: List<Pair>, answer: Answer }
fn over(pairs: List<Pair>) -> Got | load pairs | new_variant Failure.Over | new_variant Answer.Err | new Got | ret | end
fn answers() | local ask: Ask | await_type Ask | store ask
    load ask | field Ask.pairs | load ask | field Ask.token | reply | ret | end";

#[test]
fn a_large_reply_becomes_part_of_a_message() {
    let body = "new_ref | store token | load token | load p | new Ask | load token | spawn answers | remote_call
        list_new List<Pair> | call over | load token | push -1 | deliver Got.answer
        await_type Got | field Got.answer | payload Answer.Ok.pairs | call is_good";
    check(ANSWER, "local token: Ref", body, 20);
}

/// All of it would have to be copied when the answer comes.
#[test]
fn a_large_message_takes_no_answer() {
    let functions = format!(
        "{ANSWER}
        fn fails(p: List<Pair>) -> Bool | local token: Ref | handle try caught caught
        try: new_ref | store token | load token | list_new List<Pair> | new Ask | load token | spawn answers | remote_call
        load p | call over | load token | push -1 | deliver Got.answer | push false | ret
        caught: | field (Text, Text).0 | push \"system_limit\" | eq | ret | end"
    );
    check(&functions, "local q", "load p | call fails", 6);
}

/// DEL1, TMR1: a timer's message is copied when it is started, and each time that it fires is one of its own.
#[test]
fn timers_send_large_messages() {
    let source = source(
        "",
        "local q: List<Pair> | local t: Ref | local ok: Bool",
        "load p | self | push 5 | timer_every | store t | load p | list_pop | drop
            await_type List<Pair> | store q | load q | call is_good | store ok | load q | list_pop | drop
            await_type List<Pair> | call is_good | load ok | and | load t | timer_cancel | drop",
        SIZES[1],
    );
    let module = module(&source);
    for (lowering, dispatch) in ENGINES {
        let mut world = World::new(&module, Config { lowering, dispatch, slice: 100, ..Config::default() });
        world.start("main");
        world.run_clock();
        assert_eq!(world.printed.last().map(String::as_str), Some("true"));
        assert_eq!(world.machine.stats().outside_bytes, 0);
    }
}

/// DEL3: a sender that waits for room keeps its copy, and its message comes in its turn.
#[test]
fn a_full_mailbox_lets_large_messages_in_one_by_one() {
    let functions = "fn slow(to: Address) | local n: Int | push 3 | store n
        again: | await_type List<Pair> | call is_good | load to | send
            load n | push 1 | sub | tee n | push 0 | gt | jmp_if again | ret | end
        fn sender(to: Address) | call made | load to | send | ret | end";
    let body = "self | push 1 | push 10000000 | push \"block\" | call bounds | spawn_with slow | cast Address | store s
        load s | spawn sender | drop | load p | load s | send | load p | load s | send
        await_type Bool | await_type Bool | and | await_type Bool | and";
    check(functions, "local s: Address", body, 25);
}

/// In whichever piece it is, whoever sends, takes or begins may be ended, and nothing of it stays behind.
#[test]
fn an_end_in_the_middle_leaves_nothing_behind() {
    let functions = "export send_it | export start_it | export take_it
        fn child(list: List<Pair>) | push -1 | call rest | ret | end
        fn rest(millis: Int) | load millis | await_recv_until | drop | ret | end
        fn send_it() | call made | spawn deaf | send | push -1 | call rest | ret | end
        fn start_it() | call made | spawn child | drop | push -1 | call rest | ret | end
        fn take_it() | call made | self | send | await_recv | drop | push -1 | call rest | ret | end";
    let module = module(&source(functions, "local q", "push true", (100_000, 0)));
    for function in ["send_it", "start_it", "take_it"] {
        let mut seen_bytes = Vec::new();
        for stop_after in 0..40 {
            let mut world = World::new(&module, Config { slice: 100, ..Config::default() });
            world.start(function);
            // The list takes some hundred slices to be made; from then on there are bytes outside of blocks.
            while world.machine.stats().outside_bytes < 1_000_000 && world.run_slices(1) {}
            world.run_slices(stop_after);
            seen_bytes.push(world.machine.stats().outside_bytes);
            let fibers: Vec<_> = world.machine.fibers().collect();
            for fiber in fibers {
                let kill = fardel::vm::exit::ExitReason::Kill;
                world.machine.handle(fardel::vm::door::Input::Exit { fiber, reason: kill });
            }
            world.run();
            let stats = world.machine.stats();
            assert_eq!((stats.outside_bytes, stats.block_bytes, stats.fibers_live), (0, 0, 0), "{function} {stop_after}");
        }
        seen_bytes.dedup();
        assert!(seen_bytes.len() > 3, "{function} was not ended in the middle: {seen_bytes:?}");
    }
}

/// Whoever was to get it may have ended meanwhile.
#[test]
fn a_receiver_that_ends_meanwhile_leaves_a_dead_letter() {
    let functions = "fn killer(to: Address) | push \"kill\" | load to | exit_other | ret | end";
    let body = "spawn deaf | store d | load d | spawn killer | drop | load p | load d | send | push true";
    let source = source(functions, "local d: Address", body, SIZES[1]);
    let module = module(&source);
    let mut world = World::new(&module, Config { slice: 500, watch_dead_letters: true, ..Config::default() });
    world.start("main");
    world.run();
    assert_eq!((world.printed.last().map(String::as_str), world.dead.len()), (Some("true"), 1));
    assert_eq!(world.machine.stats().outside_bytes, 0);
}

/// A copy for which memory runs out half way is a trap, and the value is as it was.
#[test]
fn without_memory_for_the_copy_the_value_stays_whole() {
    let functions = "fn tries(list: List<Pair>) -> Bool
            handle begin over over
        begin: | load list | self | push 1000000 | timer_once | drop | jmp begin
        over: | drop | load list | call is_good | ret | end";
    let module = module(&source(functions, "local q", "load p | call tries", SIZES[1]));
    for slice in [1, 500, u32::MAX] {
        for (lowering, dispatch) in ENGINES {
            let limits = Config { machine_memory_bytes_max: 100 << 20, ..Config::default() };
            let mut world = World::new(&module, Config { slice, lowering, dispatch, ..limits });
            world.start("main");
            world.run();
            assert_eq!(world.printed.last().map(String::as_str), Some("true"), "{:?}", world.ends());
        }
    }
}

/// What counted was how much was looked at, so a list of large texts was copied in one turn, whatever it held.
#[test]
fn what_is_copied_counts_and_not_what_is_looked_at() {
    let functions = "fn notes(count: Int) -> List<Bytes> | local list: List<Bytes> | local b: BytesBuilder | list_new List<Bytes> | store list
        again: | bytes_builder | store b | load b | push 500 | array_new Array<Int> | drop | push 4000 | call filled | builder_add
            load list | load b | builder_finish | list_push | load count | push 1 | sub | tee count | push 0 | gt | jmp_if again | load list | ret | end
        fn filled(length: Int) -> Bytes | local b: BytesBuilder | bytes_builder | store b
        again: | load b | push 7 | builder_byte | load length | push 1 | sub | tee length | push 0 | gt | jmp_if again | load b | builder_finish | ret | end";
    let source = format!(
        "{PREAMBLE}{TICKER}{functions}
        fn main() | local p: List<Bytes> | push 2000 | call notes | store p | push \"go\" | call_host io.print
        load p | self | send | push \"done\" | call_host io.print | await_type List<Bytes> | len | push 2000 | eq | show | call_host io.print | ret | end"
    );
    check_program(&source, &[false], "true", 8);
}

/// A fiber that waits was given a block for as much as another had got before.
#[test]
fn a_small_message_behind_a_large_one_takes_little() {
    let functions = "fn waits() | local n: Int | push 0 | store n
        again: | await_recv | drop | load n | push 1 | add | tee n | push 1000 | lt | jmp_if again | ret | end
        fn large() -> Array<Int> | push 100000 | array_new Array<Int> | ret | end";
    let body = "spawn waits | store a | push 0 | store i
        again: | spawn waits | store b | yield | yield | call large | load a | send
            push 1 | to_any 0 | push 2.5 | to_any 0 | push \"x\" | new (Any, Any, Text) | load b | send | yield
            load i | push 1 | add | tee i | push 50 | lt | jmp_if again
        push true";
    let source = source(functions, "local a: Address | local b: Address | local i: Int", body, (1, 0));
    let mut world = World::new(&module(&source), Config::default());
    world.start("main");
    world.run();
    let stats = world.machine.stats();
    assert_eq!((world.printed.last().map(String::as_str), stats.fibers_live), (Some("true"), 51));
    assert!(stats.block_bytes < 10 << 20, "{stats:?}");
}
