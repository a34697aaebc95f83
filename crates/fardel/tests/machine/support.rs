//! A machine with a program in it, and the one host function that tests need: `io.print`.

use fardel::bytecode::module::ModuleHash;
use fardel::bytecode::verify::{VerifiedModule, verify};
use fardel::vm::config::{Config, Dispatch, Lowering};
use fardel::vm::door::{DeadLetter, HostCallId, HostSignature, HostTable, HostType, Input, Output};
use fardel::vm::exit::ExitReason;
use fardel::vm::fiber::FiberId;
use fardel::vm::machine::{Machine, Run, Stats};
use fardel::vm::value::Value;
use fardel_asm::{NoImports, assemble};
use std::collections::VecDeque;

/// Slices after which a test gives up.
const SLICES_MAX: u64 = 50_000_000;

/// The ways to lower and to dispatch code; the first is what everybody uses.
pub(crate) const ENGINES: [(Lowering, Dispatch); 3] =
    [(Lowering::Fused, Dispatch::Tail), (Lowering::Fused, Dispatch::Match), (Lowering::Plain, Dispatch::Match)];

/// The module of an assembly text in which ` | ` ends a line as well; `io.print` is declared for it.
#[track_caller]
pub(crate) fn module(source: &str) -> VerifiedModule {
    let source = format!("host io.print(Text)\n{}", source.replace(" | ", "\n"));
    let assembled = assemble("a.fda", &source, &mut NoImports);
    let rendered: String = assembled.diagnostics.iter().map(|problem| problem.render("a.fda", &source, false)).collect();
    verify(assembled.module.unwrap_or_else(|| panic!("{rendered}"))).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn hosts() -> HostTable {
    let mut hosts = HostTable::default();
    hosts.add("io.print", HostSignature { params: vec![HostType::Text], result: None, draws: false });
    hosts
}

/// A machine, and what came out of it so far.
pub(crate) struct World {
    pub(crate) machine: Machine,
    module: ModuleHash,
    /// What was printed, a line each.
    pub(crate) printed: Vec<String>,
    /// Fibers that were started from outside or failed, in the order in which they ended.
    pub(crate) ended: Vec<(FiberId, ExitReason)>,
    /// Messages to mailboxes of the outside.
    pub(crate) received: Vec<Value>,
    /// Messages that nobody got, when the machine tells of them.
    pub(crate) dead: Vec<DeadLetter>,
    /// What is for other nodes.
    pub(crate) remote: VecDeque<Output>,
}

impl World {
    pub(crate) fn new(module: &VerifiedModule, config: Config) -> World {
        let mut machine = Machine::new(config);
        let module = machine.load(module, &hosts()).expect("the module loads");
        World {
            machine,
            module,
            printed: Vec::new(),
            ended: Vec::new(),
            received: Vec::new(),
            dead: Vec::new(),
            remote: VecDeque::new(),
        }
    }

    /// Starts a fiber in an exported function without parameters.
    #[track_caller]
    pub(crate) fn start(&mut self, function: &str) -> FiberId {
        self.machine.spawn(self.module, function, &[]).expect("the fiber starts")
    }

    /// As [`World::start`], when the machine may refuse.
    pub(crate) fn try_start(&mut self, function: &str) -> Option<FiberId> {
        self.machine.spawn(self.module, function, &[]).ok()
    }

    /// Runs at most so many slices; gives whether fibers are still ready.
    pub(crate) fn run_slices(&mut self, slices: u64) -> bool {
        for _ in 0..slices {
            let run = self.machine.run(1);
            if !self.take_outputs() && run == Run::Idle {
                return false;
            }
        }
        true
    }

    /// Runs until no fiber can go on.
    #[track_caller]
    pub(crate) fn run(&mut self) {
        let mut slices = 0;
        loop {
            let run = self.machine.run(1_000);
            if !self.take_outputs() && run == Run::Idle {
                return;
            }
            slices += 1_000;
            assert!(slices < SLICES_MAX, "the program does not end");
        }
    }

    /// As [`World::run`], and lets the time jump to the next timeout whenever no fiber can go on, as long as there is one.
    #[track_caller]
    pub(crate) fn run_clock(&mut self) {
        for _ in 0..10_000 {
            self.run();
            let Some(next) = self.machine.next_timeout() else { return };
            self.machine.handle(Input::Time(next));
        }
        panic!("timers without end");
    }

    /// Runs, and lets the time in that it is now, in milliseconds.
    #[track_caller]
    pub(crate) fn run_at(&mut self, millis: u64) {
        self.machine.handle(Input::Time(millis * 1_000_000));
        self.run();
    }

    /// Loads another module, and starts a fiber in an exported function of it.
    #[track_caller]
    pub(crate) fn start_other(&mut self, module: &VerifiedModule, function: &str) -> FiberId {
        let hash = self.machine.load(module, &hosts()).expect("the module loads");
        self.machine.spawn(hash, function, &[]).expect("the fiber starts")
    }

    /// The next host call that the machine wants, not carried out.
    pub(crate) fn take_call(&mut self) -> Option<HostCallId> {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::HostCall { call, .. } => return Some(call),
                Output::Exited { fiber, reason, .. } => self.ended.push((fiber, reason)),
                Output::Message { value, .. } => self.received.push(value),
                Output::DeadLetter(letter) => self.dead.push(letter),
                Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Spawn { .. }
                | Output::Claim(_) => self.remote.push_back(output),
            }
        }
        None
    }

    /// Carries out what the machine wants; gives whether that may have woken a fiber.
    fn take_outputs(&mut self) -> bool {
        let mut answered = false;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::HostCall { call, args, .. } => {
                    if let [Value::Text(line)] = &args[..] {
                        self.printed.push(line.clone());
                    }
                    self.machine.handle(Input::HostResult { call, result: Ok(Value::Null) });
                    answered = true;
                }
                Output::Exited { fiber, reason, .. } => self.ended.push((fiber, reason)),
                Output::Message { value, .. } => self.received.push(value),
                Output::DeadLetter(letter) => self.dead.push(letter),
                Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Spawn { .. }
                | Output::Claim(_) => self.remote.push_back(output),
            }
        }
        answered
    }

    /// How a fiber ended, if it has.
    pub(crate) fn end_of(&self, fiber: FiberId) -> Option<String> {
        self.ended.iter().find(|(ended, _)| *ended == fiber).map(|(_, reason)| reason.to_string())
    }

    /// How the fibers ended, without their ids.
    pub(crate) fn ends(&self) -> Vec<String> {
        self.ended.iter().map(|(_, reason)| reason.to_string()).collect()
    }
}

/// What is to be seen of a run from outside.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Seen {
    pub(crate) printed: Vec<String>,
    pub(crate) ends: Vec<String>,
    pub(crate) fuel: u64,
}

/// Runs a program's main until nothing can go on.
#[track_caller]
pub(crate) fn run(module: &VerifiedModule, config: Config) -> (Seen, Stats) {
    let mut world = World::new(module, config);
    world.start("main");
    world.run();
    let stats = world.machine.stats();
    (Seen { ends: world.ends(), printed: world.printed, fuel: stats.fuel }, stats)
}

/// As [`run`], and gives up after so many slices.
#[track_caller]
pub(crate) fn run_counted(module: &VerifiedModule, config: Config, slices_max: u64) -> Seen {
    let mut world = World::new(module, config);
    world.start("main");
    assert!(!world.run_slices(slices_max), "the program does not end");
    Seen { ends: world.ends(), fuel: world.machine.stats().fuel, printed: world.printed }
}

/// Every way to run a program that must not make a difference: engines, slices, collections.
pub(crate) fn ways(config: &Config) -> Vec<Config> {
    let mut ways = Vec::new();
    for (lowering, dispatch) in ENGINES {
        for slice in [1, 7, 1000] {
            for collect_always in [false, true] {
                ways.push(Config { lowering, dispatch, slice, collect_always, ..config.clone() });
            }
        }
    }
    ways
}

/// Runs a program in every way; all must show the same, fuel included.
#[track_caller]
pub(crate) fn check_all_ways(module: &VerifiedModule, config: &Config) -> Seen {
    let mut ways = ways(config).into_iter();
    let first = ways.next().expect("there are ways");
    let (wanted, _) = run(module, first);
    for way in ways {
        let (seen, _) = run(module, way.clone());
        assert_eq!(seen, wanted, "{way:?}");
    }
    wanted
}
