//! What programs may rely on, promise by promise: each test cites the id of what it shows.
//!
//! The programs are text; every one runs in every way to lower code, to dispatch it, to cut it into slices and to collect.

mod apart;
mod cluster;
mod delivery;
mod doors;
mod exits;
mod journal;
mod links;
mod mailboxes;
mod monitors;
mod names;
mod order;
mod receive;
mod timers;
mod values;

use crate::nodes::Nodes;
use crate::support::{World, module, ways};
use fardel::bytecode::verify::VerifiedModule;
use fardel::vm::config::Config;

/// Functions that most programs here want.
const PRELUDE: &str = "system Down, Exit, NameLost, NodeUp, NodeDown
type Nothing { nothing: Int }
; Prints a value.
fn tell(value) | load value | show | call_host io.print | ret | end
; Ends with the first message as its reason.
fn waiter() | await_recv | exit | end
; Takes nothing but truth values.
fn deaf() | again: | await_type Bool | drop | jmp again | end
fn ends() | ret | end
; A message without what differs from run to run.
fn plain(message) -> Any
    load message | is Exit | jmp_if exit | load message | is Down | jmp_if down | load message | ret
exit: | push \"exit\" | load message | cast Exit | field Exit.reason | new (Text, Reason) | ret
down: | push \"down\" | load message | cast Down | field Down.reason | new (Text, Reason) | ret
end
; The next messages, so many.
fn collect(n: Int) -> List<Any>
    local list: List<Any> | list_new List<Any> | store list
again: | load list | await_recv | call plain | list_push | load n | push 1 | sub | tee n | push 0 | gt | jmp_if again
    load list | ret
end
; All messages until none has come for ten milliseconds.
fn drain() -> List<Any>
    local list: List<Any> | local next: Option<Any> | list_new List<Any> | store list
again: | push 10 | await_recv_until | tee next | is_null | jmp_if over | load list | load next | unwrap | call plain | list_push | jmp again
over: | load list | ret
end
; Lets all others go on until they can no more.
fn rest() | push 10 | await_type_until Nothing | drop | ret | end
; Options of a mailbox.
fn bounds(messages: Int, bytes: Int, full: Text) -> Map<Any, Any>
    local all: Map<Any, Any> | map_new Map<Any, Any> | store all | load all | push \"mailbox\" | load messages | set
    load all | push \"mailbox_bytes\" | load bytes | set | load all | push \"full\" | load full | set | load all | ret
end
";

/// A module of these functions and the prelude's.
#[track_caller]
fn program(source: &str) -> VerifiedModule {
    module(&format!("{PRELUDE}{source}"))
}

/// Runs `main` in every way until nothing goes on, with a clock that jumps to the next timeout, and has each looked at.
#[track_caller]
fn each_end(config: &Config, source: &str, look: impl Fn(&World, Option<&str>)) {
    let module = program(source);
    for way in ways(config) {
        let mut world = World::new(&module, way);
        let main = world.start("main");
        world.run_clock();
        look(&world, world.end_of(main).as_deref());
    }
}

#[track_caller]
fn each_way(config: &Config, source: &str, look: impl Fn(&World)) {
    each_end(config, source, |world, _| look(world));
}

/// Runs `main` in every way: it must print these lines and end normally.
#[track_caller]
fn prints_with(config: &Config, source: &str, lines: &[&str]) {
    each_end(config, source, |world, end| assert_eq!((&world.printed[..], end), (&owned(lines)[..], Some("normal"))));
}

/// As [`prints_with`], with the usual settings.
#[track_caller]
fn prints_here(source: &str, lines: &[&str]) {
    prints_with(&Config::default(), source, lines);
}

/// As [`prints_here`], and once more with the fibers on different nodes.
#[track_caller]
fn prints(source: &str, lines: &[&str]) {
    prints_here(source, lines);
    prints_apart(source, lines);
}

/// Runs `main` with every fiber that is started on another node than the one that starts it: nothing is different.
#[track_caller]
fn prints_apart(source: &str, lines: &[&str]) {
    let apart: Vec<String> = source
        .split_inclusive(['|', '\n'])
        .map(|part| match part.trim_start().strip_prefix("spawn ") {
            Some(rest) => {
                let end = rest.find(['|', '\n']).unwrap_or(rest.len());
                format!(" push null | spawn_on {} | cast Address {}", rest[..end].trim_end(), &rest[end..])
            }
            None => part.to_owned(),
        })
        .collect();
    let module = program(&apart.concat());
    for slice in [1, 7, 1000] {
        let mut nodes = Nodes::new(&module, &Config { slice, ..Config::default() }, 2);
        let main = nodes.worlds[0].start("main");
        nodes.run_clock();
        let mut printed: Vec<String> = nodes.worlds.iter().flat_map(|world| world.printed.clone()).collect();
        let mut wanted = owned(lines);
        // Between nodes nothing says which of two lines comes first.
        printed.sort();
        wanted.sort();
        let end = nodes.worlds[0].end_of(main);
        assert_eq!((&printed[..], end.as_deref()), (&wanted[..], Some("normal")), "slices of {slice}");
    }
}

/// Runs `main` in every way: it must end for this reason.
#[track_caller]
fn ends_with(config: &Config, source: &str, reason: &str) {
    each_end(config, source, |_, end| assert_eq!(end, Some(reason)));
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}
