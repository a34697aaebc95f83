//! Looking at fibers from outside: what is seen, at any moment, and that nothing comes of it.

use crate::support::{ENGINES, World, module};
use fardel::vm::config::Config;
use fardel::vm::inspect::Doing;

const PROGRAM: &str = "export main
fn sleeper() receives Bool | await_recv | drop | ret | end
fn deep(n: Int) -> Int
    load n | push 0 | gt | jmp_unless bottom
    load n | push 1 | sub | call deep | push 1 | add | ret
bottom: | yield | push 0 | ret
end
fn filler(to: Address)
again: | push \"x\" | load to | send | jmp again
end
fn bound() | await_type Bool | drop | ret | end
fn asks(who: Address) | local t: Ref | new_ref | tee t | load t | load who | remote_call
    load t | push -1 | await_reply | drop | drop | ret | end
fn main()
    local other: Address
    push \"name\" | self | register Any | drop
    spawn sleeper | link
    spawn bound | tee other | spawn filler 1 | drop
    load other | spawn asks 1 | drop
    push 90 | call deep | show | call_host io.print
    await_recv | drop | ret
end";

/// Of mailboxes that are soon full.
fn config() -> Config {
    Config { mailbox_messages_max: 8, ..Config::default() }
}

#[test]
fn whoever_looks_changes_nothing() {
    let module = module(PROGRAM);
    for (lowering, dispatch) in ENGINES {
        let run = |looks: bool| {
            let mut world = World::new(&module, Config { lowering, dispatch, slice: 3, ..config() });
            let main = world.start("main");
            let mut deepest = 0;
            while world.run_slices(1) {
                if looks {
                    for fiber in world.machine.page(0, 100).fibers {
                        assert!(world.machine.is_fiber(fiber.fiber));
                        let report = world.machine.inspect(fiber.fiber, 64).expect("it is alive");
                        assert_eq!(report.summary, fiber);
                        deepest = deepest.max(report.stack.len());
                        assert!(report.heap_bytes + report.stack_bytes <= fiber.block_bytes, "{report:?}");
                    }
                }
            }
            let mut page = world.machine.page(0, 100);
            page.fibers.retain(|fiber| fiber.fiber != main);
            (world.machine.stats(), world.printed, page, deepest)
        };
        let (seen, unseen) = (run(true), run(false));
        assert_eq!((&seen.0, &seen.1, &seen.2), (&unseen.0, &unseen.1, &unseen.2));
        assert_eq!(seen.3, 64, "a stack is told of as far as was asked");
        let doing: Vec<Doing> = seen.2.fibers.iter().map(|fiber| fiber.doing).collect();
        assert_eq!(doing, [Doing::Receives, Doing::Receives, Doing::Sends, Doing::Waits]);
    }
}

#[test]
fn a_fiber_shows_its_ties_names_and_messages() {
    let module = module(PROGRAM);
    let mut world = World::new(&module, config());
    let main = world.start("main");
    world.run();
    let report = world.machine.inspect(main, 3).expect("it is alive");
    assert_eq!(report.summary.names, ["name"]);
    assert!(world.machine.has_name(main));
    assert_eq!(world.machine.fiber_named("name"), Some(main));
    let page = world.machine.page(0, 100);
    let [_, sleeper, bound, filler, _] = &page.fibers[..] else { panic!("{page:?}") };
    assert_eq!((report.links.items, report.links.count), (vec![sleeper.fiber], 1));
    let report = world.machine.inspect(bound.fiber, 3).expect("it is alive");
    assert_eq!((report.mailbox.items.len(), report.mailbox.count, report.messages_max), (3, 8, 8));
    assert_eq!(report.mailbox.items[0], "Text");
    assert_eq!(filler.doing, Doing::Sends);
    assert_eq!(page.next, None);
    assert_eq!(world.machine.page(1, 2).fibers, [sleeper.clone(), bound.clone()]);
    assert_eq!(world.machine.page(u32::MAX, 2).fibers, []);
    let report = world.machine.inspect(sleeper.fiber, 3).expect("it is alive");
    assert_eq!((report.takes.as_str(), report.stack[0].source.clone()), ("Bool", Some(("a.fda".to_owned(), 4))));
    // Whoever has ended is not there.
    world.machine.send(main, fardel::vm::value::Value::Int(1)).expect("it takes everything");
    world.run();
    assert_eq!((world.machine.inspect(main, 3), world.machine.fiber_named("name")), (None, None));
}
