//! What enters a machine can be kept and let in again: the run is the same.

use super::program;
use crate::support::ways;
use fardel::bytecode::module::{Module, ModuleHash};
use fardel::bytecode::verify::{VerifiedModule, verify};
use fardel::vm::cluster::News;
use fardel::vm::config::Config;
use fardel::vm::door::{Bounds, Entry, HostSignature, HostTable, HostType, Input, Output, Signal};
use fardel::vm::exit::ExitReason;
use fardel::vm::fiber::FiberId;
use fardel::vm::machine::{Machine, Run, Stats};
use fardel::vm::packed::Packed;
use fardel::vm::value::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// An entry as it is kept.
#[derive(Clone, PartialEq, Debug)]
enum Kept {
    Load(ModuleHash),
    Spawn(ModuleHash, String, Vec<Value>),
    Start(ModuleHash, u32, Packed<'static>, Option<FiberId>, Bounds),
    OpenPort,
    ClosePort(FiberId),
    OpenRemote,
    Types(Module),
    Signal(FiberId, FiberId, Signal<'static>),
    Input(Input),
}

type Journal = Rc<RefCell<Vec<(u64, Kept)>>>;

fn keep(machine: &mut Machine) -> Journal {
    let journal = Journal::default();
    let kept = Rc::clone(&journal);
    machine.set_journal(Box::new(move |slice, entry| {
        let entry = match entry {
            Entry::Load(hash) => Kept::Load(*hash),
            Entry::Spawn { module, function, args } => Kept::Spawn(*module, (*function).to_owned(), args.to_vec()),
            Entry::Start { module, function, args, link, bounds } => {
                Kept::Start(*module, *function, (*args).clone().into_owned(), *link, **bounds)
            }
            Entry::Types(module) => Kept::Types((*module).clone()),
            Entry::Signal { from, to, signal } => Kept::Signal(*from, *to, (*signal).clone().into_owned()),
            Entry::OpenRemote => Kept::OpenRemote,
            Entry::OpenPort => Kept::OpenPort,
            Entry::ClosePort(port) => Kept::ClosePort(*port),
            Entry::Input(input) => Kept::Input((*input).clone()),
        };
        kept.borrow_mut().push((slice, entry));
    }));
    journal
}

fn hosts() -> HostTable {
    let mut hosts = HostTable::default();
    hosts.add("io.print", HostSignature { params: vec![HostType::Text], result: None, draws: false });
    hosts
}

/// Lets everything in again, each before the slice before which it came.
fn replay(module: &VerifiedModule, config: Config, journal: &[(u64, Kept)], slices: u64) -> (Vec<Output>, Stats) {
    let mut machine = Machine::new(config);
    let mut outputs = Vec::new();
    let run_to = |machine: &mut Machine, slice: u64, outputs: &mut Vec<Output>| {
        while machine.stats().slices < slice {
            let before = machine.stats().slices;
            let run = machine.run(1);
            outputs.extend(std::iter::from_fn(|| machine.poll_output()));
            assert!(run == Run::More || machine.stats().slices > before, "slice {slice} does not come");
        }
    };
    for (slice, entry) in journal {
        run_to(&mut machine, *slice, &mut outputs);
        match entry.clone() {
            Kept::Load(hash) => assert_eq!(machine.load(module, &hosts()), Ok(hash)),
            Kept::Spawn(hash, function, args) => {
                machine.spawn(hash, &function, &args).expect("it was started before");
            }
            Kept::Start(hash, function, args, link, bounds) => {
                machine.start(hash, function, &args, link, &bounds).expect("it was started before");
            }
            Kept::OpenPort => {
                machine.open_port();
            }
            Kept::Types(module) => {
                machine.learn_types(&verify(module).expect("it was verified before")).expect("they were learned before");
            }
            Kept::Signal(from, to, signal) => {
                // What became of it is told to whoever sent it.
                let _ = machine.signal(from, to, &signal);
            }
            Kept::OpenRemote => {
                machine.open_remote();
            }
            Kept::ClosePort(port) => machine.close_port(port),
            Kept::Input(input) => machine.handle(input),
        }
    }
    run_to(&mut machine, slices, &mut outputs);
    outputs.extend(std::iter::from_fn(|| machine.poll_output()));
    (outputs, machine.stats())
}

const PROGRAM: &str = "export busy | export listens
    fn busy(to: Address, n: Int) | local i: Int | push 0 | store i | random | load to | send
    again: | load i | load to | send | load i | show | call_host io.print | load i | push 3 | rem | push 0 | eq | jmp_unless on
        load i | self | push 4 | timer_once | drop | push 6 | await_recv_until | call tell
    on: | load i | push 1 | add | tee i | load n | lt | jmp_if again | ret | end
    fn listens() | local i: Int | push true | trap_exits | push \"listens\" | self | register Any | drop | push true | watch_nodes
        push \"mine\" | self | push \"keep_oldest\" | cluster_register Any | drop | push 300 | self | push 3 | timer_every | drop
    again: | await_recv | call plain | call tell | push \"tick\" | call_host io.print | jmp again | end";

/// The journal's entries, let in again by the numbers of their slices, give the same outputs and counts. Timers that fired
/// while no fiber was ready had no number, so that what came in behind them came in before them.
#[test]
fn a_journal_that_is_let_in_again_gives_the_same_run() {
    let module = program(PROGRAM);
    for way in ways(&Config { seed: 7, watch_dead_letters: true, ..Config::default() }) {
        for per_batch in [1, 3, 50] {
            let mut machine = Machine::new(way.clone());
            let journal = keep(&mut machine);
            let hash = machine.load(&module, &hosts()).expect("the module loads");
            let mut outputs = Vec::new();
            let port = machine.open_port().expect("there is a place");
            let listens = machine.spawn(hash, "listens", &[]).expect("it starts");
            for to in [listens, port] {
                machine.spawn(hash, "busy", &[Value::Address(to), Value::Int(7)]).expect("it starts");
            }
            // A driver that answers late, and lets things in while nothing is ready.
            let mut open = Vec::new();
            for round in 0..60u64 {
                machine.handle(Input::Time(round * 1_300_000));
                machine.run(per_batch);
                if round % 5 == 0 {
                    machine.handle(Input::Message { to: listens, value: Value::Int(1000 + round as i64) });
                }
                if round % 9 == 4 {
                    machine
                        .handle(Input::Exit { fiber: listens, reason: ExitReason::ShutdownWith(Value::Int(round as i64)) });
                }
                if round % 8 == 3 {
                    machine.handle(Input::News(News::Node { name: "two".to_owned(), is_up: round % 16 == 3 }));
                    let labels = vec![format!("round{round}")];
                    machine.handle(Input::News(News::Labels { name: "two".to_owned(), labels }));
                    let loser = (round == 27).then_some(listens);
                    machine.handle(Input::News(News::Name { name: "mine".to_owned(), holder: None, loser }));
                }
                machine.run(per_batch);
                while let Some(output) = machine.poll_output() {
                    if let Output::HostCall { call, .. } = &output {
                        open.push(*call);
                    }
                    outputs.push(output);
                }
                if round % 2 == 0 {
                    for call in open.drain(..) {
                        machine.handle(Input::HostResult { call, result: Ok(Value::Null) });
                    }
                }
                if round == 40 {
                    machine.close_port(port);
                }
            }
            machine.handle(Input::Exit { fiber: listens, reason: ExitReason::Kill });
            machine.run(10_000);
            outputs.extend(std::iter::from_fn(|| machine.poll_output()));
            let stats = machine.stats();
            let journal = journal.borrow().clone();
            assert!(journal.windows(2).all(|pair| pair[0].0 <= pair[1].0) && journal.len() > 70);
            let again = replay(&module, way.clone(), &journal, stats.slices);
            assert_eq!(again.0, outputs, "{way:?}, {per_batch} slices a batch");
            assert_eq!(again.1, stats, "{way:?}, {per_batch} slices a batch");
        }
    }
}
