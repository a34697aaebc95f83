//! Long instructions go in pieces: others get their turns in between, and no slice makes a difference to what comes of
//! them or to what they cost.

use crate::support::{ENGINES, World, module, run};
use fardel::vm::config::Config;

const PREAMBLE: &str = "
type Pair { left: Any, right: Any }
fn tree(depth: Int, leaf: Any) -> Any
again: | load leaf | load leaf | new Pair | store leaf | load depth | push 1 | sub | tee depth | push 0 | gt | jmp_if again
    load leaf | ret | end
fn text(part: Text, length: Int) -> Text | local t: Text | load part | store t
again: | load t | load t | concat | tee t | len | load length | lt | jmp_if again
    load t | push 0 | load length | slice | ret | end
fn ints(count: Int) -> List<Int> | local list: List<Int> | local i: Int | list_new List<Int> | store list | push 0 | store i
again: | load list | load i | list_push | load i | push 1 | add | tee i | load count | lt | jmp_if again
    load list | ret | end
fn numbers(count: Int) -> Map<Int, Text> | local m: Map<Int, Text> | local i: Int | map_new Map<Int, Text> | store m
    push 0 | store i
again: | load m | load i | push \"n\" | set | load i | push 1 | add | tee i | load count | lt | jmp_if again
    load m | ret | end
fn members(count: Int) -> Set<Any> | local s: Set<Any> | local i: Int | map_new Set<Any> | store s | push 0 | store i
again: | load s | load i | set_add | drop | load i | push 1 | add | tee i | load count | lt | jmp_if again
    load s | ret | end
";

/// A fiber that shows that others have their turns.
pub(crate) const TICKER: &str = "export ticker
fn ticker()
again: | push \"tick\" | call_host io.print | jmp again | end
";

/// A program that prints `go` before and `done` behind the instruction that is looked at.
fn source(locals: &str, setup: &str, body: &str) -> String {
    format!(
        "{PREAMBLE}{TICKER}fn main() | {locals} | {setup} | push \"go\" | call_host io.print | {body}
        push \"done\" | call_host io.print | show | call_host io.print | ret | end"
    )
}

/// The instruction must give `result` and cost the same in every way, and with short slices stop so many times.
#[track_caller]
fn check(locals: &str, setup: &str, body: &str, result: &str, stops: usize) {
    check_program(&source(locals, setup, body), &[false, true], result, stops);
}

/// As [`check`], for a whole program, collected at each allocation or not.
#[track_caller]
pub(crate) fn check_program(source: &str, collected: &[bool], result: &str, stops: usize) {
    let module = module(source);
    let mut fuel = None;
    for slice in [u32::MAX, 1, 1_000, 3_000] {
        for collect_always in collected.iter().copied() {
            let (lowering, dispatch) = ENGINES[usize::from(collect_always) * 2];
            let (seen, _) = run(&module, Config { slice, collect_always, lowering, dispatch, ..Config::default() });
            let ended = (seen.printed.last().map(String::as_str), &seen.ends[..]);
            assert_eq!(ended, (Some(result), &["normal".to_owned()][..]), "slices of {slice}");
            assert_eq!(*fuel.get_or_insert(seen.fuel), seen.fuel, "fuel with slices of {slice}");
        }
    }
    let mut world = World::new(&module, Config { slice: 1_000, ..Config::default() });
    let main = world.start("main");
    world.start("ticker");
    while world.end_of(main).is_none() {
        assert!(world.run_slices(1));
    }
    let place = |line: &str| world.printed.iter().position(|printed| printed == line).expect("the line is printed");
    let ticks = place("done") - place("go") - 1;
    assert!(ticks >= stops, "{ticks} turns of another fiber, wanted {stops}");
}

const TREES: &str = "local a | local b";
/// Two trees of half a million values, made of few objects, so that collecting at each allocation stays quick.
const ALIKE: &str = "push 18 | push 7 | call tree | store a | push 18 | push 7 | call tree | store b";
const TEXTS: &str = "local t: Text | local u: Text";
/// Two texts of 8 MiB that differ in their last byte.
const LONG: &str = "push \"abcdefgh\" | push 8388607 | call text | push \"x\" | concat | store t
    push \"abcdefgh\" | push 8388607 | call text | push \"y\" | concat | store u";

#[test]
fn structures_are_compared_in_pieces() {
    check(TREES, ALIKE, "load a | load b | eq", "true", 3);
    check(TREES, ALIKE, "load a | load b | ne", "false", 3);
    // The last words are looked at first, so that the difference is found behind all of the trees.
    let other = "push 1.5 | load a | new Pair | push 2.5 | load b | new Pair | eq";
    check(TREES, ALIKE, other, "false", 3);
}

#[test]
fn texts_are_compared_in_pieces() {
    check(TEXTS, LONG, "load t | load u | eq", "false", 6);
    check(TEXTS, LONG, "load t | load t | push \"\" | concat | eq", "true", 6);
    check(TEXTS, LONG, "load t | load u | lt", "true", 6);
    check(TEXTS, LONG, "load t | load u | compare", "-1", 6);
    check(TEXTS, LONG, "load t | load u | push \"z\" | concat | ge", "false", 6);
    let inner = "load t | push 1 | new (Text, Int) | load u | push 1 | new (Text, Int) | eq";
    check(TEXTS, LONG, inner, "false", 6);
}

/// The value of a key comes in a box, for which there is no room when it is always collected.
#[test]
fn keys_are_looked_up_in_pieces() {
    let locals = "local a | local b | local m: Map<Any, Int>";
    let setup = &format!("{ALIKE} | map_new Map<Any, Int> | store m | load m | load a | push 4611686018427387904 | set");
    check(locals, setup, "load m | load b | map_find | unwrap", "4611686018427387904", 8);
    check(locals, setup, "load m | load b | get", "4611686018427387904", 8);
    check(locals, setup, "load m | load b | push 5 | map_get_or", "4611686018427387904", 8);
    check(locals, setup, "load m | push 18 | push 8 | call tree | map_has", "false", 4);
    check(locals, setup, "load m | load b | map_remove", "true", 8);
    let full = "load m | push 1 | push 1 | set | load m | push 2 | push 2 | set | load m | push 3 | push 3 | set
        load m | push 4 | push 4 | set | load m | push 5 | push 5 | set";
    check(locals, &format!("{setup} | {full}"), "load m | push 9 | load b | new Pair | push 3 | set | load m | len", "7", 4);
    check(locals, &format!("{setup} | {full}"), "load m | push 9 | load b | new Pair | push 3 | map_slot", "6", 4);
}

#[test]
fn long_texts_are_keys_in_pieces() {
    let locals = "local t: Text | local u: Text | local m: Map<Text, Int> | local s: Set<(Int, Text)>";
    let setup = format!("{LONG} | map_new Map<Text, Int> | store m | load m | load t | push 5 | set");
    check(locals, &setup, "load m | load t | push \"\" | concat | get", "5", 12);
    check(locals, &setup, "load m | load u | map_has", "false", 6);
    check(locals, &setup, "load m | load u | push 6 | set | load m | load u | get", "6", 12);
    let setup = format!("{LONG} | map_new Set<(Int, Text)> | store s");
    check(locals, &setup, "load s | push 1 | load t | new (Int, Text) | set_add", "true", 6);
}

/// A table of 262,144 places is full with 196,608 entries.
#[test]
fn maps_grow_and_are_copied_in_pieces() {
    let locals = "local m: Map<Int, Text> | local s: Set<Any> | local a | local b";
    let full = "push 196608 | call numbers | store m | load m | push 5 | map_remove | drop";
    let found = "load m | push 196607 | get | load m | push 5 | map_has | show | concat
        load m | push 6 | map_key_at | show | concat | load m | len | show | concat";
    // The one removed is left out, so the others move up by one place.
    let grow = format!("load m | push -1 | push \"new\" | set | {}", found.replace("push 6 ", "push 5 "));
    check(locals, full, &grow, "nfalse6196608", 8);
    check(locals, full, &format!("load m | copy | store m | {found}"), "nfalse6196607", 3);
    let full = format!("{ALIKE} | push 196608 | call members | store s");
    check(locals, &full, "load s | load a | set_add | drop | load s | load b | set_add", "false", 12);
    check(locals, &full, "load s | copy | push 196607 | map_has", "true", 2);
}

#[test]
fn lists_are_changed_in_pieces() {
    let locals = "local list: List<Int> | local other: List<Int>";
    let setup = "push 1000000 | call ints | store list";
    let ends = "load list | push 5 | get | load list | push 6 | get | show | concat
        load list | push 999999 | get | show | concat | load list | len | show | concat";
    let ends = &ends.replacen("get |", "get | show |", 1);
    check(locals, setup, &format!("load list | push 5 | push -1 | list_insert | {ends}"), "-159999981000001", 6);
    let removed = ends.replace("999999", "999998");
    let removed = format!("load list | push 5 | list_remove | show | {removed} | concat");
    check(locals, setup, &removed, "567999999999999", 6);
    check(locals, setup, &format!("load list | load list | append | {ends}"), "569999992000000", 10);
    let other = "push 1000000 | call ints | store other | load other | push 5 | push 1000000 | slice | store other";
    let append = format!("load list | load other | append | load list | push 1999994 | get | show | {ends} | concat");
    check(locals, &format!("{setup} | {other}"), &append, "999999569999991999995", 10);
}

/// Characters of two, three and four bytes, 9 in all, so that an edge between two pieces falls into each of them.
const WIDE: &str = "push \"ü€🌍\" | push 6291459 | call text | store t";

#[test]
fn texts_are_made_of_bytes_in_pieces() {
    let locals = "local t: Text | local by: Bytes | local builder: TextBuilder | local raw: BytesBuilder";
    let bytes = format!("{WIDE} | load t | text_to_bytes | store by");
    check(locals, &bytes, "load by | bytes_to_text | unwrap | load t | eq", "true", 10);
    let broken = format!("{WIDE} | load t | text_to_bytes | push b\"\\xf0\" | concat | store by");
    check(locals, &broken, "load by | bytes_to_text | is_null", "true", 5);
    let builder = format!("{WIDE} | text_builder | store builder");
    let built = "load builder | load t | builder_add | load builder | builder_finish | load t | eq";
    check(locals, &builder, built, "true", 20);
    let raw = format!("{bytes} | bytes_builder | store raw");
    let built = "load raw | load by | builder_add | load raw | builder_finish | load by | eq";
    check(locals, &raw, built, "true", 20);
}

#[test]
fn a_long_text_that_is_none_is_found_out_where_it_is_none() {
    let source = format!(
        "{PREAMBLE}fn main() | local t: Text | local builder: TextBuilder | {WIDE} | text_builder | store builder
        load builder | load t | builder_add | load builder | push 255 | builder_byte | load builder | load t | builder_add
        load builder | builder_finish | drop | ret | end"
    );
    for slice in [1, u32::MAX] {
        let (seen, _) = run(&module(&source), Config { slice, ..Config::default() });
        assert_eq!(seen.ends, ["error(bad_text): the builder's bytes are not UTF-8 from byte 6291459 on"]);
    }
}

#[test]
fn needles_are_looked_for_in_pieces() {
    let locals = "local t: Text | local u: Text";
    check(locals, LONG, "load t | push \"x\" | push 7 | find | unwrap", "8388607", 6);
    check(locals, LONG, "load t | push \"y\" | push 0 | find | is_null", "true", 6);
    check(locals, LONG, "load t | push \"efghabcx\" | push 5 | find | is_null", "true", 6);
    check(locals, LONG, "load t | push \"efgx\" | push 0 | find | unwrap", "8388604", 6);
    // A needle of half the haystack, which nearly stands at each eighth place.
    let long = format!("{LONG} | load t | push 4194300 | push 8388608 | slice | store u");
    check(locals, &long, "load t | load u | push 0 | find | unwrap", "4194300", 8);
    check(locals, &long, "load t | load u | push 5000000 | find | is_null", "true", 0);
}

/// The numbers need a box, for which there is no room when it is always collected.
#[test]
fn long_texts_are_read_as_numbers_in_pieces() {
    let locals = "local t: Text";
    let zeros = "push \"-\" | push \"00000000\" | push 8388608 | call text | concat | store t";
    let parsed = "load t | push \"4611686018427387904\" | concat | parse_int | unwrap";
    check(locals, zeros, parsed, "-4611686018427387904", 12);
    check(locals, zeros, "load t | push \"+5\" | concat | parse_int | is_null", "true", 12);
    check(locals, zeros, "load t | push \"9223372036854775809\" | concat | parse_int | is_null", "true", 12);
    check(locals, zeros, "load t | push \"25e-1\" | concat | parse_float | unwrap", "-2.5", 12);
    check(locals, zeros, "load t | push \".\" | concat | load t | concat | parse_float | is_null", "true", 12);
}
