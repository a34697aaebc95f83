//! The cluster in which a test runs: runtimes in one thread with virtual time, of which the first runs the test.
//!
//! There is that one alone until the test asks for more, by the host functions `sim`. What they ask for is done between two
//! rounds, before the fiber that asked goes on.
//!
//! **Invariant:** what a test does follows from its program, the seed, and what it reads of files and the environment.

use fardel::bytecode::format;
use fardel::bytecode::module::ModuleHash;
use fardel::bytecode::verify::VerifiedModule;
use fardel::vm::config::Config;
use fardel::vm::door::Output;
use fardel::vm::machine::Machine;
use fardel::{Advance, Clock, Hosts, LoadError, Outcome, Program, Run, Running, Runtime, Settings, StartError, Streams};
use fardel_cluster::{Home, NodeEvent};
use fardel_sim::{Ran, Sim, Station};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::rc::Rc;

/// The seed of the first node's machine: a test that draws random numbers draws the same ones each time.
const MACHINE_SEED: u64 = 1;
/// Nodes that a test may have: each is a whole machine.
const NODES_MAX: usize = 16;
/// Seeds that a test may ask to be run with.
const SEEDS_MAX: u64 = 100_000;
const MILLISECOND: u64 = 1_000_000;
/// The time of day at which each test begins: 2000-01-01 UTC.
const WALL: i64 = 946_684_800_000_000_000;
/// Virtual nanoseconds that a slice takes.
const SLICE: u64 = 10_000;
/// Slices that a machine runs before others have their turns.
const SLICES: u32 = 50;
/// Up to how much longer than [`DELAY`] bytes are on their way.
const JITTER: u64 = 5 * MILLISECOND;
/// How long bytes are on their way.
const DELAY: u64 = MILLISECOND / 2;
/// How long a node that has said that it leaves is still there.
const LEAVE: u64 = 50 * MILLISECOND;
/// After which time a node that has joined nobody tries again.
const JOIN: u64 = 200 * MILLISECOND;
/// How long nothing happens in a cluster until nothing is awaited any more: longer than it takes to find a node lost.
const QUIET: u64 = 60_000 * MILLISECOND;
/// When the virtual time ends, so that no sum with it overflows: after 200 years.
const TIME_MAX: u64 = 200 * 365 * 24 * 3_600 * 1_000 * MILLISECOND;

/// How a test ended.
pub(crate) struct Ended {
    pub(crate) outcome: Result<Outcome, StartError>,
    /// With how many seeds it is to be run.
    pub(crate) seeds: u64,
    /// The seed of its network, if it had one.
    pub(crate) seed: Option<u64>,
}

/// Runs the test that is a program's `main`.
pub(crate) fn run(program: &Program, seed: u64, output: &Kept, error: &Kept) -> Ended {
    let wishes = Wishes { run_seed: seed, seeds: 1, ..Wishes::default() };
    let mut world = World {
        sim: Sim::new(),
        program: program.clone(),
        streams: (output.clone(), error.clone()),
        wishes: Rc::new(RefCell::new(wishes)),
        incarnations: Vec::new(),
        joining: BTreeMap::new(),
        closing: None,
        quiet_since: None,
        slices: 0,
    };
    let outcome = world.run();
    let wishes = world.wishes.borrow();
    Ended { outcome, seeds: wishes.seeds, seed: wishes.seed }
}

/// What a program writes, kept.
#[derive(Clone, Default)]
pub(crate) struct Kept(Rc<RefCell<Vec<u8>>>);

impl Kept {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Something that a test asks of its cluster. Nodes are named by their places.
enum Wish {
    Open { nodes: usize, seed: u64 },
    Close,
    Cut(usize, usize),
    Heal,
    Kill(usize),
    Restart(usize),
}

/// What a test has asked for, and what is told to it.
#[derive(Default)]
struct Wishes {
    due: Vec<Wish>,
    /// Nodes of the cluster that was asked for, the first included.
    nodes: usize,
    is_settled: bool,
    /// The seed with which the test is run.
    run_seed: u64,
    /// The seed of the network, once there was one.
    seed: Option<u64>,
    seeds: u64,
}

impl Wishes {
    fn wish(&mut self, wish: Wish) {
        self.is_settled = false;
        self.due.push(wish);
    }

    fn open(&mut self, nodes: i64, seeds: i64, seed: i64) -> Result<(), String> {
        let count = usize::try_from(nodes).ok().filter(|nodes| (1..=NODES_MAX).contains(nodes));
        let count = count.ok_or(format!("a simulated cluster has 1 to {NODES_MAX} nodes; wanted are {nodes}"))?;
        let wanted = u64::try_from(seeds).ok().filter(|seeds| (1..=SEEDS_MAX).contains(seeds));
        let wanted = wanted.ok_or(format!("a test is run with 1 to {SEEDS_MAX} seeds; wanted are {seeds}"))?;
        let given = u64::try_from(seed).map_err(|_| format!("a seed is a positive number; this is {seed}"))?;
        // With a seed of its own it is the same with every seed of the run.
        let seed = if given > 0 { given } else { self.run_seed };
        if given == 0 {
            self.seeds = self.seeds.max(wanted);
        }
        self.nodes = count;
        self.seed = Some(seed);
        self.wish(Wish::Open { nodes: count, seed });
        Ok(())
    }

    fn close(&mut self) {
        self.nodes = 0;
        self.wish(Wish::Close);
    }

    fn place(&self, node: &str) -> Result<usize, String> {
        let found = (0..self.nodes).find(|place| name(*place) == node);
        found.ok_or_else(|| format!("the simulated cluster has no node {node}"))
    }

    /// As [`Wishes::place`], for nodes other than the first.
    fn other(&self, node: &str) -> Result<usize, String> {
        match self.place(node)? {
            0 => Err(format!("{node} is the node that the test runs on")),
            place => Ok(place),
        }
    }
}

fn hosts(wishes: &Rc<RefCell<Wishes>>) -> Hosts {
    let mut hosts = Hosts::standard();
    let own = Rc::clone(wishes);
    hosts.add("sim.open", move |nodes: i64, seeds: i64, seed: i64| own.borrow_mut().open(nodes, seeds, seed));
    let own = Rc::clone(wishes);
    hosts.add("sim.close", move || {
        own.borrow_mut().close();
        Ok(())
    });
    let own = Rc::clone(wishes);
    hosts.add("sim.is_settled", move || Ok(own.borrow().is_settled));
    let own = Rc::clone(wishes);
    hosts.add("sim.cut", move |one: String, other: String| {
        let mut wishes = own.borrow_mut();
        let (one, other) = (wishes.place(&one)?, wishes.place(&other)?);
        wishes.wish(Wish::Cut(one.min(other), one.max(other)));
        Ok(())
    });
    let own = Rc::clone(wishes);
    hosts.add("sim.heal", move || {
        own.borrow_mut().wish(Wish::Heal);
        Ok(())
    });
    add_for_node(&mut hosts, "sim.kill", wishes, Wish::Kill);
    add_for_node(&mut hosts, "sim.restart", wishes, Wish::Restart);
    hosts
}

/// Offers a wish for a node other than the first.
fn add_for_node(hosts: &mut Hosts, name: &str, wishes: &Rc<RefCell<Wishes>>, wish: fn(usize) -> Wish) {
    let wishes = Rc::clone(wishes);
    hosts.add(name, move |node: String| {
        let mut wishes = wishes.borrow_mut();
        let node = wishes.other(&node)?;
        wishes.wish(wish(node));
        Ok(())
    });
}

fn name(node: usize) -> String {
    format!("n{}", node + 1)
}

/// A runtime as a node.
struct Here {
    runtime: Runtime,
    /// The test, on the first node, until it is over.
    running: Option<Running>,
    outcome: Option<Outcome>,
    slices: u64,
    /// The nodes that it knows to be up.
    up: Vec<NodeEvent>,
}

impl Home for Here {
    fn machine(&mut self) -> &mut Machine {
        self.runtime.machine_mut()
    }

    fn has_module(&self, module: ModuleHash) -> bool {
        self.runtime.machine().module(module).is_some()
    }

    fn module_bytes(&self, module: ModuleHash) -> Option<Vec<u8>> {
        self.runtime.machine().module(module).map(format::encode)
    }

    fn load(&mut self, module: &VerifiedModule) -> Result<ModuleHash, LoadError> {
        self.runtime.load_module(module)
    }
}

impl Station for Here {
    fn run(&mut self, now: u64, remote: &mut Vec<Output>) -> Ran {
        self.runtime.set_time(now);
        let is_idle = match &mut self.running {
            None => self.runtime.step(SLICES) == Run::Idle,
            Some(running) => match self.runtime.advance(running) {
                Advance::More => false,
                Advance::Idle(_) => true,
                Advance::Over(outcome) => {
                    self.running = None;
                    self.outcome = Some(*outcome);
                    true
                }
            },
        };
        while let Some(output) = self.runtime.poll_remote() {
            remote.push(output);
        }
        let slices = self.runtime.machine().stats().slices;
        let took = slices.saturating_sub(self.slices).saturating_mul(SLICE);
        self.slices = slices;
        Ran { is_idle, took }
    }

    fn next_timeout(&self) -> Option<u64> {
        self.runtime.machine().next_timeout()
    }

    fn heard(&mut self, _: u64, event: NodeEvent) {
        match event {
            NodeEvent::Up(_) => self.up.push(event),
            NodeEvent::Down(node) => self.up.retain(|up| *up != NodeEvent::Up(node)),
            NodeEvent::Suspected(_) | NodeEvent::Trusted(_) | NodeEvent::Renewed => {}
        }
    }
}

struct World {
    sim: Sim<Here>,
    program: Program,
    /// What the nodes print, and what they complain of.
    streams: (Kept, Kept),
    wishes: Rc<RefCell<Wishes>>,
    /// Of each node.
    incarnations: Vec<u32>,
    /// Nodes that have joined nobody yet, and when each tries again.
    joining: BTreeMap<usize, u64>,
    /// When the nodes that leave are to end.
    closing: Option<u64>,
    /// Since when no fiber has run, and none waits for a time.
    quiet_since: Option<u64>,
    /// Slices that ran until then.
    slices: u64,
}

impl World {
    fn run(&mut self) -> Result<Outcome, StartError> {
        let mut first = self.home(0);
        first.running = Some(first.runtime.begin(self.program.clone())?);
        self.sim.delay = DELAY;
        self.sim.jitter = JITTER;
        self.sim.add(&name(0), first);
        self.incarnations.push(1);
        loop {
            self.sim.round();
            self.grant()?;
            self.settle();
            if let Some(outcome) = self.sim.nodes[0].home.outcome.take() {
                return Ok(outcome);
            }
            if self.is_stuck() {
                return Ok(self.sim.nodes[0].home.runtime.deadlocked());
            }
            let due = self.joining.values().copied().chain(self.closing).chain(self.quiet_since.map(|at| at + QUIET)).min();
            self.sim.wait(due.unwrap_or(TIME_MAX).min(TIME_MAX));
        }
    }

    /// A node in which nothing runs.
    fn home(&self, node: usize) -> Here {
        let (output, error) = self.streams.clone();
        let streams = Streams {
            input: Box::new(std::io::empty()),
            output: Box::new(output),
            error: Box::new(error),
            // Lines of several nodes come in the order in which they were printed.
            line_wise: true,
        };
        let seed = MACHINE_SEED + node as u64;
        let mut settings = Settings { streams, blocks: true, ..Settings::default() };
        settings.machine = Config { seed, cluster: true, node: name(node), ..settings.machine };
        let now = self.sim.now;
        settings.clock = Clock::Virtual { now, wall: WALL.saturating_add(i64::try_from(now).unwrap_or(i64::MAX)) };
        let runtime = Runtime::new(settings, hosts(&self.wishes));
        Here { runtime, running: None, outcome: None, slices: 0, up: Vec::new() }
    }

    /// Does what the test has asked for, and what is due.
    fn grant(&mut self) -> Result<(), StartError> {
        let due = std::mem::take(&mut self.wishes.borrow_mut().due);
        for wish in due {
            match wish {
                Wish::Open { nodes, seed } => {
                    self.sim.seed(seed);
                    for node in 1..nodes {
                        self.start(node)?;
                    }
                }
                Wish::Close => {
                    self.sim.partitioned.clear();
                    self.joining.clear();
                    self.others().into_iter().for_each(|node| self.sim.leave(node));
                    self.closing = Some(self.sim.now + LEAVE);
                }
                Wish::Cut(one, other) => {
                    self.sim.partitioned.insert((one, other));
                }
                Wish::Heal => self.sim.partitioned.clear(),
                Wish::Kill(node) => self.end(node),
                Wish::Restart(node) => self.start(node)?,
            }
        }
        for node in self.others() {
            // A program that asks for its end ends its node alone.
            if self.sim.nodes[node].home.runtime.exit_status().is_some() {
                self.end(node);
            }
        }
        if self.closing.is_some_and(|at| at <= self.sim.now) {
            self.closing = None;
            self.others().into_iter().for_each(|node| self.end(node));
        }
        let now = self.sim.now;
        let tries: Vec<usize> = self.joining.iter().filter(|(_, at)| **at <= now).map(|(node, _)| *node).collect();
        tries.into_iter().for_each(|node| self.join(node));
        Ok(())
    }

    /// Starts a node, anew when there was one, with the program and nothing that runs.
    fn start(&mut self, node: usize) -> Result<(), StartError> {
        let mut home = self.home(node);
        home.runtime.load(self.program.clone())?;
        match self.incarnations.get_mut(node) {
            None => {
                self.sim.add(&name(node), home);
                self.incarnations.push(1);
            }
            Some(incarnation) => {
                *incarnation += 1;
                self.sim.restart(node, *incarnation, &name(node), home);
            }
        }
        self.join(node);
        Ok(())
    }

    fn end(&mut self, node: usize) {
        self.sim.crash(node);
        self.joining.remove(&node);
    }

    /// A node dials the first one that it can reach, unless somebody has told it of the cluster already.
    fn join(&mut self, node: usize) {
        if self.sim.nodes[node].router.is_introduced() {
            self.joining.remove(&node);
            return;
        }
        let reaches = |other: usize| !self.sim.partitioned.contains(&(node.min(other), node.max(other)));
        let others = std::iter::once(0).chain(self.others());
        if let Some(other) = others.into_iter().find(|other| *other != node && reaches(*other)) {
            self.sim.connect(node, other);
        }
        self.joining.insert(node, self.sim.now + JOIN);
    }

    /// The nodes that run, but the first.
    fn others(&self) -> Vec<usize> {
        (1..self.sim.nodes.len()).filter(|node| self.sim.nodes[*node].is_running()).collect()
    }

    /// Tells the test whether all that run know each other, and nobody else.
    fn settle(&mut self) {
        let all: BTreeSet<usize> = self.others().into_iter().chain([0]).collect();
        let knows_all = |node: &usize| self.sim.nodes[*node].home.up.len() + 1 == all.len();
        let is_settled = self.closing.is_none() && all.iter().all(knows_all);
        self.wishes.borrow_mut().is_settled = is_settled;
    }

    /// Whether nothing can happen any more that the test could wait for.
    fn is_stuck(&mut self) -> bool {
        if self.sim.now >= TIME_MAX {
            return true;
        }
        let homes = || self.sim.nodes.iter().filter(|node| node.is_running()).map(|node| &node.home);
        let waits = homes().any(|home| home.next_timeout().is_some());
        let slices: u64 = homes().map(|home| home.slices).sum();
        if waits || self.closing.is_some() || slices != self.slices {
            self.slices = slices;
            self.quiet_since = None;
            return false;
        }
        let since = *self.quiet_since.get_or_insert(self.sim.now);
        let is_alone = self.sim.nodes.len() == 1 && self.sim.is_quiet();
        is_alone || self.sim.now >= since.saturating_add(QUIET)
    }
}
