//! Links: who ends with whom.

use super::{each_way, ends_with, prints, prints_with, program};
use crate::support::{World, ways};
use fardel::vm::config::Config;
use fardel::vm::door::Input;
use fardel::vm::exit::ExitReason;

/// A fiber that links itself to another, says so, and goes on.
const PARTNER: &str = "fn partner(other: Address, parent: Address, times: Int, traps: Bool) | load traps | trap_exits
    again: | load other | link | load times | push 1 | sub | tee times | push 0 | gt | jmp_if again
        push \"linked\" | load parent | send | call deaf | ret | end\n";

/// LNK1: it works from both ends, and making it again changes nothing: one signal comes.
#[test]
fn lnk1_a_link_is_symmetric_and_one_a_pair() {
    let there = "fn main() | local w: Address | local p: Address | push true | trap_exits | spawn waiter | store w
        load w | link | load w | link | push 5 | load w | send | call drain | call tell | ret | end";
    prints(there, &["[(\"exit\", ShutdownWith(5))]"]);
    let both = "fn linked(other: Address) | load other | link | push true | load other | send | call waiter | ret | end
        fn main() | local p: Address | push true | trap_exits | self | spawn linked | store p | await_type Bool | drop
            load p | link | push 5 | load p | send | call drain | call tell | ret | end";
    prints(both, &["[(\"exit\", ShutdownWith(5))]"]);
    // The one that did not make it ends with the one that did.
    let back = format!(
        "{PARTNER}fn main() | local w: Address | local p: Address | spawn deaf | store w
            load w | self | push 3 | push false | spawn partner | store p | await_recv | drop | push 6 | load p | exit_other
            load w | push -1 | wait | call tell | ret | end"
    );
    prints(&back, &["ShutdownWith(6)"]);
    // One unlink ends what was linked many times.
    let unlink =
        "fn main() | local w: Address | push true | trap_exits | spawn waiter | store w | load w | link | load w | link
        load w | unlink | push 5 | load w | send | call drain | call tell | ret | end";
    prints(unlink, &["[]"]);
    prints("fn main() | self | link | self | link | self | unlink | push \"on\" | call tell | ret | end", &["on"]);
}

/// LNK2: nobody ends because another was done; one that traps is told.
#[test]
fn lnk2_normal_does_not_kill() {
    let source = format!(
        "{PARTNER}fn main() | local w: Address | local p: Address | spawn waiter | store w | load w | self | push 1 | push false | spawn partner | store p
            await_recv | drop | push null | load w | send | load w | push -1 | wait | call tell | load p | push 50 | wait | call tell | ret | end"
    );
    prints(&source, &["Normal", "null"]);
    prints(
        "fn main() | local w: Address | push true | trap_exits | spawn waiter | store w | load w | link | push null | load w | send | call drain | call tell | ret | end",
        &["[(\"exit\", Normal)]"],
    );
}

/// LNK3: whatever else it is, those that do not trap end with the same reason, and those that trap are told it.
#[test]
fn lnk3_any_other_reason_kills_or_is_told() {
    let reasons = [
        ("push \"shutdown\"", "Shutdown"),
        ("push 7", "ShutdownWith(7)"),
        ("push \"kill\"", "Kill"),
        ("new_variant Reason.Timeout", "Timeout"),
        ("new_variant Reason.NoProc", "NoProc"),
        ("new_variant Reason.Killed", "Killed"),
        ("new_variant Reason.OutOfMemory", "OutOfMemory"),
    ];
    for (reason, shown) in reasons {
        let source = format!(
            "fn bystander(other: Address, parent: Address) | load other | link | push true | load parent | send | call deaf | ret | end
            fn main() | local w: Address | local b: Address | push true | trap_exits | spawn waiter | store w
                load w | self | spawn bystander | store b | await_type Bool | drop | load w | link | {reason} | load w | send
                load b | push -1 | wait | call tell | call drain | call tell | ret | end"
        );
        prints(&source, &[shown, &format!("[(\"exit\", {shown})]")]);
    }
}

/// LNK3: a signal tells from whom it comes, and goes on through all that are linked.
#[test]
fn lnk3_signals_go_through_chains_of_links() {
    let source = "fn chain(n: Int, parent: Address) | load n | push 0 | eq | jmp_if last
            load n | push 1 | sub | load parent | spawn chain | link | call deaf | ret
        last: | push true | load parent | send | call deaf | ret | end
        fn main() | local first: Address | local exit: Exit | push true | trap_exits | push 30 | self | spawn chain | store first | load first | link
            await_type Bool | drop | push 1 | load first | exit_other | await_type Exit | store exit
            load exit | field Exit.fiber | load first | eq | call tell | load exit | field Exit.reason | call tell | ret | end";
    each_way(&Config::default(), source, |world| {
        assert_eq!(world.printed, ["true", "ShutdownWith(1)"]);
        assert_eq!(world.machine.stats().fibers_live, 0, "all of the chain ended");
    });
}

/// LNK4: as a signal it cannot be trapped, and those that are linked see `killed`.
#[test]
fn lnk4_kill_cannot_be_trapped_and_others_see_killed() {
    let source = "fn victim(parent: Address) | push true | trap_exits | load parent | link | push true | load parent | send | call deaf | ret | end
        fn main() | local v: Address | push true | trap_exits | self | spawn victim | store v | await_type Bool | drop
            load v | monitor | drop | push \"kill\" | load v | exit_other | load v | push -1 | wait | call tell | await_type Exit | field Exit.reason | call tell
            await_type Down | field Down.reason | call tell | ret | end";
    prints(source, &["Killed", "Killed", "Killed"]);
    // To oneself as well.
    let own = "fn main() | push true | trap_exits | push \"kill\" | self | exit_other | push \"on\" | call tell | ret | end";
    ends_with(&Config::default(), own, "killed");
    // And from outside.
    let module = program("export traps | fn traps() | push true | trap_exits | call deaf | ret | end");
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        let victim = world.start("traps");
        world.run();
        world.machine.handle(Input::Exit { fiber: victim, reason: ExitReason::Kill });
        world.run();
        assert_eq!(world.end_of(victim).as_deref(), Some("killed"));
    }
}

/// LNK4: `killed` goes on through a link as any other reason: who traps it lives.
#[test]
fn lnk4_killed_is_trapped_by_those_that_are_linked() {
    let source = "fn main() | local d: Address | push true | trap_exits | spawn deaf | store d | load d | link | push \"kill\" | load d | exit_other
            call drain | call tell | push \"alive\" | call tell | ret | end";
    prints(source, &["[(\"exit\", Killed)]", "alive"]);
}

/// LNK5: one that ends itself with `kill` sends that as a reason, which can be trapped.
#[test]
fn lnk5_kill_that_a_fiber_raises_itself_can_be_trapped_through_a_link() {
    let source = "fn main() | local w: Address | push true | trap_exits | spawn waiter | store w | load w | link | push \"kill\" | load w | send
            call drain | call tell | push \"alive\" | call tell | ret | end";
    prints(source, &["[(\"exit\", Kill)]", "alive"]);
}

/// LNK6: a signal `normal` does nothing to others, unless they trap; sent to oneself it is an exit.
#[test]
fn lnk6_a_signal_normal_is_ignored_by_others_and_ends_oneself() {
    let others = "fn traps(parent: Address) | push true | trap_exits | push true | load parent | send | call drain | call tell | ret | end
        fn main() | local d: Address | spawn deaf | store d | push \"normal\" | load d | exit_other | push null | load d | exit_other
            new_variant Reason.Normal | load d | exit_other | load d | push 50 | wait | call tell
            self | spawn traps | store d | await_type Bool | drop | push \"normal\" | load d | exit_other | load d | push -1 | wait | call tell | ret | end";
    prints(others, &["null", "[(\"exit\", Normal)]", "Normal"]);
    let own = "fn main() | push \"before\" | call tell | push \"normal\" | self | exit_other | push \"behind\" | call tell | ret | end";
    prints(own, &["before"]);
    let trapped =
        "fn main() | push true | trap_exits | push \"normal\" | self | exit_other | call drain | call tell | ret | end";
    prints(trapped, &["[(\"exit\", Normal)]"]);
}

/// LNK7: a link with one that is gone ends the fiber with `noproc`, or tells it when it traps. Lost nodes come with nodes.
#[test]
fn lnk7_a_link_with_the_dead_is_noproc() {
    let source = "fn late(other: Address) | load other | link | push \"on\" | call tell | ret | end
        fn main() | local e: Address | local exit: Exit | spawn ends | store e | load e | push -1 | wait | drop | load e | spawn late | push -1 | wait | call tell
            push true | trap_exits | load e | link | await_type Exit | tee exit | field Exit.reason | call tell
            load exit | field Exit.fiber | load e | eq | call tell | ret | end";
    prints(source, &["NoProc", "NoProc", "true"]);
    let main =
        "fn main() | local e: Address | spawn ends | store e | load e | push -1 | wait | drop | load e | link | ret | end";
    ends_with(&Config::default(), main, "noproc");
}

/// LNK8: not before, not after, and not of one that has ended and is still telling its many links.
#[test]
fn lnk8_after_unlink_no_exit_comes_from_that_link() {
    let before =
        "fn main() | local w: Address | push true | trap_exits | spawn waiter | store w | load w | link | load w | unlink
        push 5 | load w | send | load w | push -1 | wait | call tell | call drain | call tell | ret | end";
    prints(before, &["ShutdownWith(5)", "[]"]);
    let after = "fn main() | local w: Address | push true | trap_exits | spawn waiter | store w | load w | link
        push 5 | load w | send | load w | push -1 | wait | call tell | push 1 | self | send | load w | unlink | call drain | call tell | ret | end";
    prints(after, &["ShutdownWith(5)", "[1]"]);
    // A signal that was sent by hand is none of the link's.
    let by_hand = "fn sends(to: Address) | push 5 | load to | exit_other | call deaf | ret | end
        fn main() | local s: Address | push true | trap_exits | self | spawn sends | store s | load s | link | call rest
            load s | unlink | call drain | call tell | ret | end";
    prints(by_hand, &["[(\"exit\", ShutdownWith(5))]"]);
    // So many links that the end takes several turns: some are cut, and main's comes last or first.
    let many = "fn partner(w: Address) | push true | trap_exits | load w | link | call deaf | ret | end
        fn main() | local w: Address | local i: Int | push true | trap_exits | spawn waiter | store w | push 0 | store i
        again: | load w | spawn partner | drop | load i | push 1 | add | tee i | push 700 | lt | jmp_if again
            load w | link | call rest | push 5 | load w | send | yield | load w | unlink | call drain | call tell | ret | end";
    prints(many, &["[]"]);
}

/// LNK9: there is no moment in which the new fiber runs and is not linked.
#[test]
fn lnk9_a_fiber_is_linked_from_its_start() {
    let source = "fn fails() | push \"mine\" | push \"at once\" | raise | end
        fn options() -> Map<Any, Any> | local all: Map<Any, Any> | map_new Map<Any, Any> | store all | load all | push \"link\" | push true | set | load all | ret | end
        fn main() | push true | trap_exits | call options | spawn_with fails | drop
            await_type Exit | field Exit.reason | payload Reason.Error.message | call tell | ret | end";
    prints(source, &["at once"]);
    // The other way: the parent ends before the child has run.
    let parent = "fn options() -> Map<Any, Any> | local all: Map<Any, Any> | map_new Map<Any, Any> | store all | load all | push \"link\" | push true | set | load all | ret | end
        fn parent() | call options | spawn_with deaf | drop | push 3 | exit | end
        fn main() | spawn parent | push -1 | wait | call tell | call rest | ret | end";
    each_way(&Config::default(), parent, |world| {
        assert_eq!(world.printed, ["ShutdownWith(3)"]);
        assert_eq!(world.machine.stats().fibers_live, 0);
    });
}

/// LNK3: the value of a reason reaches all that are linked, and goes when the last of them has gone.
#[test]
fn lnk3_a_large_reason_is_shared_and_given_back() {
    let source = "fn large() -> Text | local t: Text | push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 200000 | lt | jmp_if grow | load t | ret | end
        fn fails() | await_type Bool | drop | call large | exit | end
        fn asks(s: Address) | load s | push -1 | wait | drop | ret | end
        fn main() | local f: Address | local i: Int | push true | trap_exits | spawn fails | store f | load f | link | load f | monitor | drop | push 0 | store i
        again: | load f | spawn asks | drop | load i | push 1 | add | tee i | push 4 | lt | jmp_if again
            call rest | push true | load f | send | await_type Exit | field Exit.reason | payload Reason.ShutdownWith.value | cast Text | len | call tell
            await_type Down | field Down.reason | payload Reason.ShutdownWith.value | cast Text | len | call tell | ret | end";
    prints(source, &["262144", "262144"]);
    each_way(&Config::default(), source, |world| assert_eq!(world.machine.stats().outside_bytes, 0));
}

/// LNK3: a fiber that was killed before it took the reason that lay in its slot kept its text for ever.
#[test]
fn lnk3_a_large_reason_in_a_slot_that_nobody_looks_at_is_given_back() {
    let source = "type Ask { token: Ref }
        fn large() -> Text | local t: Text | push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 200000 | lt | jmp_if grow | load t | ret | end
        fn fails() | await_type Ask | drop | call large | exit | end
        fn asks() | local token: Ref | new_ref | store token | load token | new Ask | load token | spawn fails | remote_call | call deaf | ret | end
        fn main() | local a: Address | spawn asks | store a | call rest | push \"kill\" | load a | exit_other | ret | end";
    each_way(&Config::default(), source, |world| {
        assert_eq!((world.machine.stats().outside_bytes, world.machine.stats().fibers_live), (0, 0));
    });
}

/// LNK1: ties count as memory of the machine, and go when either end has ended.
#[test]
fn lnk1_links_leave_nothing() {
    let source = "fn main() | local w: Address | local i: Int | push 0 | store i
        again: | spawn waiter | store w | load w | link | load w | monitor | drop | load w | unlink | load w | link | push null | load w | send
            load i | push 1 | add | tee i | push 50 | lt | jmp_if again | ret | end";
    each_way(&Config::default(), source, |world| {
        assert_eq!((world.machine.stats().outside_bytes, world.machine.stats().fibers_live), (0, 0));
    });
    prints_with(&Config::default(), source, &[]);
}
