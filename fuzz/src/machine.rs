//! Programs run with small limits, and compared.

use crate::choices::Choices;
use fardel_bytecode::verify::VerifiedModule;
use fardel_vm::config::{Config, Dispatch, Lowering};
use fardel_vm::door::{HostSignature, HostTable, HostType, Input, Output};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::{Machine, Run};
use fardel_vm::value::Value;

/// Slices that a program may run.
const SLICES_MAX: u32 = 400;
/// The most fuel that a program may take which is run once more with a collection at every allocation.
const FUEL_MAX_COLLECTING: u64 = 2_000;
/// Host calls that are answered in one run.
const CALLS_MAX: usize = 200;
/// Bytes of the output that are kept.
const OUTPUT_BYTES_MAX: usize = 1 << 16;

/// What came of a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// What it printed.
    pub printed: String,
    /// How its fibers ended, in order.
    pub exits: Vec<String>,
    /// Whether it came to its end.
    pub is_over: bool,
    /// Fuel, messages and fibers, alike in every way to run it.
    pub counts: [u64; 4],
    /// Whether a limit was reached, which ways to run it may meet at different places.
    pub limited: bool,
}

/// Small limits, so that what takes memory without end soon meets them.
pub fn config(lowering: Lowering, dispatch: Dispatch) -> Config {
    Config {
        slice: 50,
        fiber_memory_bytes_max: 1 << 20,
        fiber_stack_bytes_max: 1 << 18,
        mailbox_messages_max: 8,
        machine_memory_bytes_max: 16 << 20,
        fibers_max: 500,
        dispatch,
        lowering,
        ..Config::default()
    }
}

/// Runs a program in every way to lower and dispatch it, and demands that all come to the same.
pub fn compare_engines(module: &VerifiedModule) {
    let clear = run(module, config(Lowering::Plain, Dispatch::Match));
    for dispatch in [Dispatch::Match, Dispatch::Tail] {
        same(&clear, &run(module, config(Lowering::Fused, dispatch)), &format!("{dispatch:?}"));
    }
    same(&clear, &run(module, config(Lowering::Fused, Dispatch::Count)), "counting");
    let fails_at = clear.counts[0] % 61 + 1;
    run(module, Config { fail_allocation: Some(fails_at), ..config(Lowering::Fused, Dispatch::Match) });
    // To collect at every allocation takes time in proportion to the depth of calls each time.
    if clear.counts[0] > FUEL_MAX_COLLECTING {
        return;
    }
    let always = Config { collect_always: true, ..config(Lowering::Fused, Dispatch::Match) };
    same(&clear, &run(module, always), "collecting always");
}

/// Demands that nothing but the turns of fibers depends on how long slices are.
pub fn compare_slices(module: &VerifiedModule) {
    let long = Config { slice: 10_000, ..config(Lowering::Fused, Dispatch::Tail) };
    let long = run(module, long);
    for slice in [1, 7] {
        let short = Config { slice, ..config(Lowering::Fused, Dispatch::Match) };
        let short = run_for(module, short, SLICES_MAX * 100);
        if long.is_over && short.is_over && !long.limited && !short.limited {
            assert_eq!(long.printed, short.printed, "slices of {slice}");
        }
    }
}

#[track_caller]
fn same(wanted: &Outcome, seen: &Outcome, way: &str) {
    if !wanted.limited && !seen.limited {
        assert_eq!(wanted, seen, "{way}");
    }
}

/// Runs a program.
pub fn run(module: &VerifiedModule, config: Config) -> Outcome {
    run_for(module, config, SLICES_MAX)
}

fn run_for(module: &VerifiedModule, config: Config, slices: u32) -> Outcome {
    let mut machine = Machine::new(config);
    let hosts = hosts();
    let mut world = World { answers: Choices::new(1), calls: 0, outcome: Outcome::default() };
    let Ok(hash) = machine.load(module, &hosts) else { return world.outcome };
    let starts = module.module().exports.iter().take(4);
    let mut fibers = Vec::new();
    for export in starts {
        for args in arguments() {
            fibers.extend(machine.spawn(hash, &export.name, &args));
        }
    }
    for round in 0..slices / 4 {
        machine.handle(Input::Time(u64::from(round) * 1_000_000));
        let idle = machine.run(4) == Run::Idle;
        let answered = world.serve(&mut machine);
        if idle && !answered {
            if machine.waits_for_host() || round > slices / 8 || fibers.is_empty() {
                world.outcome.is_over = true;
                break;
            }
            // Whoever still waits gets something from outside, and in the end a signal.
            for fiber in &fibers {
                machine.handle(Input::Message { to: *fiber, value: world.value(3) });
                if round % 8 == 7 {
                    machine.handle(Input::Exit { fiber: *fiber, reason: ExitReason::Shutdown });
                }
            }
            if machine.stats().fibers_live == 0 {
                world.outcome.is_over = true;
                break;
            }
        }
    }
    let stats = machine.stats();
    world.outcome.counts = [stats.fuel, stats.messages, stats.fibers_started, stats.dead_letters];
    let _ = machine.blocked(10);
    world.outcome
}

fn arguments() -> [Vec<Value>; 3] {
    let texts = ["3", "README.md"].map(|text| Value::Text(text.to_owned()));
    [vec![], vec![Value::List(texts.to_vec())], vec![Value::Int(3)]]
}

/// The functions of the standard host that programs of the corpus import.
fn hosts() -> HostTable {
    use HostType::{Any, Bytes, Float, Int, List, Option, Text};
    let list = |inner: HostType| List(Box::new(inner));
    let option = |inner: HostType| Option(Box::new(inner));
    let mut table = HostTable::default();
    let mut add = |name: &str, params: Vec<HostType>, result| {
        table.add(name, HostSignature { params, result, draws: false });
    };
    add("io.print", vec![Text], None);
    add("io.read_line", vec![], Some(option(Text)));
    add("fs.read_text", vec![Text], Some(Text));
    add("fs.read_bytes", vec![Text], Some(Bytes));
    add("time.now", vec![], Some(Int));
    add("fuzz.any", vec![Any], Some(Any));
    add("fuzz.lists", vec![list(Int), list(Any)], Some(list(list(Float))));
    table
}

/// What stands outside of the machine.
struct World {
    answers: Choices,
    calls: usize,
    outcome: Outcome,
}

impl World {
    /// Takes the machine's outputs; whether it answered a call.
    fn serve(&mut self, machine: &mut Machine) -> bool {
        let mut answered = false;
        while let Some(output) = machine.poll_output() {
            match output {
                Output::HostCall { call, args, random, host: _, fiber: _ } => {
                    self.calls += 1;
                    if self.calls > CALLS_MAX {
                        continue;
                    }
                    for arg in &args {
                        self.print(arg);
                    }
                    assert_eq!(random, 0, "no function draws");
                    answered = true;
                    let result = if self.answers.once_in(20) { Err("no".to_owned()) } else { Ok(self.answer(&args)) };
                    machine.handle(Input::HostResult { call, result });
                }
                Output::Exited { fiber, reason, result } => {
                    self.outcome.limited |= reason.is_limit();
                    self.outcome.exits.push(format!("{fiber} {reason:?} {result:?}"));
                }
                Output::Message { to, value } => self.print(&Value::Tuple(vec![Value::Address(to), value])),
                Output::DeadLetter(letter) => self.outcome.exits.push(letter.to_string()),
                Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Claim(_)
                | Output::Spawn { .. } => unreachable!("there is no other node"),
            }
        }
        answered
    }

    fn print(&mut self, arg: &Value) {
        let printed = &mut self.outcome.printed;
        if printed.len() < OUTPUT_BYTES_MAX {
            match arg {
                Value::Text(text) => printed.push_str(text),
                other => *printed += &format!("{other:?}"),
            }
            printed.push('\n');
        }
    }

    /// An answer to a call: what a print wants, or anything, right or wrong.
    fn answer(&mut self, args: &[Value]) -> Value {
        if args.len() == 1 && !self.answers.once_in(4) { Value::Null } else { self.value(3) }
    }

    /// The address of a fiber that may be there, or of none.
    fn fiber(&mut self) -> FiberId {
        let slot = if self.answers.once_in(8) { 1 << 20 } else { self.answers.below(50) };
        FiberId { slot: slot as u32, generation: 1 }
    }

    fn value(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 8 } else { 14 };
        let inner = |world: &mut World| (0..world.answers.below(4)).map(|_| world.value(depth - 1)).collect::<Vec<_>>();
        match self.answers.below(kinds) {
            0 => Value::Null,
            1 => Value::Bool(true),
            2 => Value::Int(self.answers.bits() as i64 >> self.answers.below(64)),
            3 => Value::Float(f64::from_bits(self.answers.bits())),
            4 => Value::Text("word ".repeat(self.answers.below(4))),
            5 => Value::Bytes(vec![0xff; self.answers.below(2000)]),
            6 => Value::Ref { fiber: self.fiber(), number: self.answers.bits() },
            7 => Value::Address(self.fiber()),
            8 => Value::List(inner(self)),
            9 => Value::Map(inner(self).into_iter().map(|key| (key, Value::Int(1))).collect()),
            10 => Value::Set(inner(self)),
            11 => Value::Tuple(inner(self)),
            12 => Value::Record("Point".to_owned(), inner(self)),
            _ => Value::Variant("Shape".to_owned(), self.answers.below(3) as u32, inner(self)),
        }
    }
}
