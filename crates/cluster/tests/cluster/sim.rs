//! A simulated cluster whose machines print and do nothing else.

use fardel_asm::{NoImports, assemble};
use fardel_bytecode::format;
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::verify::{VerifiedModule, verify};
use fardel_cluster::{Home, NodeEvent};
pub(crate) use fardel_sim::id_of;
use fardel_sim::{Ran, Station};
use fardel_vm::config::Config;
use fardel_vm::door::{HostSignature, HostTable, HostType, Input, Output};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::{LoadError, Machine, Run};
use fardel_vm::value::Value;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

const MILLISECOND: u64 = 1_000_000;
/// Rounds after which a test gives up.
const ROUNDS_MAX: u64 = 2_000_000;

/// Functions that most programs here want.
const PRELUDE: &str = "host io.print(Text)
system Down, Exit, NameLost, NodeUp, NodeDown
fn tell(value) | load value | show | call_host io.print | ret | end
; Ends with the first message as its reason.
fn waiter() | await_recv | exit | end
; Takes nothing but truth values.
fn deaf() | again: | await_type Bool | drop | jmp again | end
fn reason(message) -> Reason
    load message | is Exit | jmp_if exit | load message | cast Down | field Down.reason | ret
exit: | load message | cast Exit | field Exit.reason | ret
end
";

/// A module of these functions and the prelude's; ` | ` ends a line as well.
#[track_caller]
pub(crate) fn program(source: &str) -> VerifiedModule {
    let source = format!("{PRELUDE}{source}").replace(" | ", "\n");
    let assembled = assemble("a.fda", &source, &mut NoImports);
    let rendered: String = assembled.diagnostics.iter().map(|problem| problem.render("a.fda", &source, false)).collect();
    verify(assembled.module.unwrap_or_else(|| panic!("{rendered}"))).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn hosts() -> HostTable {
    let mut hosts = HostTable::default();
    hosts.add("io.print", HostSignature { params: vec![HostType::Text], result: None, draws: false });
    hosts
}

/// A machine, and what came of it.
pub(crate) struct Here {
    pub(crate) machine: Machine,
    labels: Vec<String>,
    pub(crate) printed: Vec<String>,
    pub(crate) ended: Vec<(FiberId, ExitReason)>,
    /// What it has heard of others, and when.
    pub(crate) heard: Vec<(u64, NodeEvent)>,
    /// What it printed and heard, in this order.
    pub(crate) story: Vec<String>,
}

impl Home for Here {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn has_module(&self, module: ModuleHash) -> bool {
        self.machine.module(module).is_some()
    }

    fn module_bytes(&self, module: ModuleHash) -> Option<Vec<u8>> {
        self.machine.module(module).map(format::encode)
    }

    fn load(&mut self, module: &VerifiedModule) -> Result<ModuleHash, LoadError> {
        self.machine.load(module, &hosts())
    }
}

impl Station for Here {
    fn run(&mut self, now: u64, remote: &mut Vec<Output>) -> Ran {
        self.machine.handle(Input::Time(now));
        let mut is_idle = self.machine.run(50) == Run::Idle;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::HostCall { call, args, .. } => {
                    if let [Value::Text(line)] = &args[..] {
                        self.story.push(line.clone());
                        self.printed.push(line.clone());
                    }
                    self.machine.handle(Input::HostResult { call, result: Ok(Value::Null) });
                    is_idle = false;
                }
                Output::Exited { fiber, reason, .. } => self.ended.push((fiber, reason)),
                Output::Message { .. } | Output::DeadLetter(_) => {}
                Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Spawn { .. }
                | Output::Claim(_) => remote.push(output),
            }
        }
        Ran { is_idle, took: 0 }
    }

    fn next_timeout(&self) -> Option<u64> {
        self.machine.next_timeout()
    }

    fn labels(&self) -> Vec<String> {
        self.labels.clone()
    }

    fn heard(&mut self, now: u64, event: NodeEvent) {
        self.heard.push((now, event));
        self.story.push(format!("{event:?}"));
    }
}

/// A simulated cluster of machines with the same settings.
pub(crate) struct Sim {
    sim: fardel_sim::Sim<Here>,
    /// The labels that nodes get when they start.
    pub(crate) labels: BTreeMap<usize, Vec<String>>,
    config: Config,
}

impl Deref for Sim {
    type Target = fardel_sim::Sim<Here>;

    fn deref(&self) -> &Self::Target {
        &self.sim
    }
}

impl DerefMut for Sim {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.sim
    }
}

impl Sim {
    /// Nodes that have heard of each other, as of a node to join.
    pub(crate) fn new(count: usize, config: Config) -> Sim {
        let mut sim = Sim::alone(count, config);
        (0..count).for_each(|node| sim.introduce(node));
        sim
    }

    /// Nodes that know nobody.
    pub(crate) fn alone(count: usize, config: Config) -> Sim {
        let config = Config { cluster: true, ..config };
        let mut sim = Sim { sim: fardel_sim::Sim::new(), labels: BTreeMap::new(), config };
        for node in 0..count {
            let home = sim.home(node);
            sim.add(&name(node), home);
        }
        sim
    }

    fn home(&self, node: usize) -> Here {
        let labels = self.labels.get(&node).cloned().unwrap_or_default();
        let config = Config { node: name(node), labels: labels.clone(), ..self.config.clone() };
        Here {
            machine: Machine::new(config),
            labels,
            printed: Vec::new(),
            ended: Vec::new(),
            heard: Vec::new(),
            story: Vec::new(),
        }
    }

    /// Starts an exported function on a node.
    #[track_caller]
    pub(crate) fn start(&mut self, node: usize, module: &VerifiedModule, function: &str) -> FiberId {
        let home = &mut self.nodes[node].home;
        let hash = home.load(module).expect("the module loads");
        home.machine.spawn(hash, function, &[]).expect("the fiber starts")
    }

    /// A node ends without a word, and is started anew with nothing in it.
    pub(crate) fn restart(&mut self, node: usize, incarnation: u32) {
        let home = self.home(node);
        self.sim.restart(node, incarnation, &name(node), home);
    }

    /// A node leaves in order, and is gone 50 ms later.
    pub(crate) fn leave(&mut self, node: usize) {
        self.sim.leave(node);
        self.run_for(50 * MILLISECOND);
        self.crash(node);
    }

    /// Each node but the first connects with it, as one does with a node to join.
    pub(crate) fn join_all(&mut self) {
        (1..self.nodes.len()).for_each(|node| self.connect(node, 0));
    }

    /// What a node has heard of the others, without suspicions.
    pub(crate) fn ups_and_downs(&self, node: usize) -> Vec<NodeEvent> {
        let heard = self.nodes[node].home.heard.iter().map(|(_, event)| *event);
        heard.filter(|event| matches!(event, NodeEvent::Up(_) | NodeEvent::Down(_))).collect()
    }

    /// Runs until nothing goes on any more.
    #[track_caller]
    pub(crate) fn run(&mut self) {
        self.run_for(u64::MAX);
    }

    /// Runs for so long, in nanoseconds, or until nothing goes on.
    #[track_caller]
    pub(crate) fn run_for(&mut self, time: u64) {
        let until = self.now.saturating_add(time);
        for _ in 0..ROUNDS_MAX {
            self.round();
            if (until == u64::MAX && self.is_quiet()) || !self.wait(until) {
                return;
            }
        }
        panic!("it does not end; printed: {:?}", self.nodes.iter().map(|node| &node.home.printed).collect::<Vec<_>>());
    }
}

fn name(node: usize) -> String {
    format!("n{node}")
}
