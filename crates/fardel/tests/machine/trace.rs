//! What a tracer is told: the same for the same seed, and every instruction of the bytecode.

use crate::support::{World, module};
use fardel::bytecode::Inst;
use fardel::bytecode::leb::Reader;
use fardel::bytecode::verify::VerifiedModule;
use fardel::vm::config::{Config, Dispatch, Lowering};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// One event as text, and its place.
type Event = (String, String, u32);

fn trace(module: &VerifiedModule, config: Config) -> Vec<Event> {
    let config = Config { dispatch: Dispatch::Trace, ..config };
    let mut world = World::new(module, config);
    let events = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&events);
    world.machine.set_tracer(Box::new(move |event| {
        let line = format!("{} {} {} {}", event.fiber, event.function, event.mnemonic, event.mailbox);
        told.borrow_mut().push((line, event.function.to_owned(), event.offset));
    }));
    world.start("main");
    world.run();
    assert_eq!(world.ends(), ["normal"]);
    drop(world);
    Rc::try_unwrap(events).expect("the machine is gone").into_inner()
}

const PROGRAM: &str = "
fn child(parent: Address, n: Int)
    local m: Map<Int, Text> | map_new Map<Int, Text> | store m
    load m | load n | load n | show | set
again:
    await_recv | load parent | send | load n | push 1 | sub | tee n | push 0 | gt | jmp_if again
    load m | load parent | send | ret
end
fn main()
    local a: Address | local b: Address | local left: Int
    self | push 3 | spawn child | store a | self | push 4 | spawn child | store b | push 7 | store left
again:
    push 1.5 | load a | send | push \"b\" | load b | send | yield
    load left | push 1 | sub | tee left | push 0 | gt | jmp_if again
    push 9 | store left
taking:
    await_recv | show | call_host io.print
    load left | push 1 | sub | tee left | push 0 | gt | jmp_if taking
    ret
end
";

#[test]
fn the_same_seed_gives_the_same_trace() {
    let module = module(PROGRAM);
    for lowering in [Lowering::Plain, Lowering::Fused] {
        for slice in [1, 7, 1000] {
            let config = Config { seed: 42, slice, lowering, ..Config::default() };
            let first = trace(&module, config.clone());
            assert!(first.len() > 100);
            assert_eq!(first, trace(&module, config));
        }
    }
}

/// The offsets of all instructions of all functions.
fn places(module: &VerifiedModule) -> BTreeSet<(String, u32)> {
    let mut places = BTreeSet::new();
    for function in &module.module().functions {
        let mut at = 0;
        while at < function.code.len() {
            places.insert((function.name.clone(), at as u32));
            let mut reader = Reader::new(&function.code[at..]);
            let before = reader.remaining();
            Inst::decode(&mut reader).expect("the code is right");
            at += before - reader.remaining();
        }
    }
    places
}

#[test]
fn each_instruction_of_the_bytecode_is_told() {
    let module = module(PROGRAM);
    let config = Config { lowering: Lowering::Plain, ..Config::default() };
    let told: BTreeSet<(String, u32)> = trace(&module, config).into_iter().map(|(_, name, at)| (name, at)).collect();
    assert_eq!(told, places(&module));
}
