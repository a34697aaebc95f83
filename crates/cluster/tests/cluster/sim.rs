//! A cluster in one thread: machines, routers and links, with virtual time and a network that can be cut.

use fardel_asm::{NoImports, assemble};
use fardel_bytecode::format;
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::verify::{VerifiedModule, verify};
use fardel_cluster::{Grants, Home, Member, NodeEvent, Router};
use fardel_vm::config::Config;
use fardel_vm::door::{HostSignature, HostTable, HostType, Input, Output};
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_vm::machine::{LoadError, Machine, Run};
use fardel_vm::value::Value;
use fardel_wire::hello::Local;
use fardel_wire::id::{Incarnation, NodeId, TagKey};
use fardel_wire::link::{Event, Link};
use fardel_wire::peers::Peers;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const MILLISECOND: u64 = 1_000_000;
/// Rounds after which a test gives up.
const ROUNDS_MAX: u64 = 2_000_000;
/// How long a node waits before it dials again.
const REDIAL: u64 = 50 * MILLISECOND;

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

pub(crate) struct Here {
    pub(crate) machine: Machine,
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

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) home: Here,
    pub(crate) router: Router,
    pub(crate) peers: Peers,
    pub(crate) printed: Vec<String>,
    pub(crate) ended: Vec<(FiberId, ExitReason)>,
    /// What it has heard of others, and when. An event is taken once the machine has nothing to do, so that whatever came
    /// before it was printed before.
    pub(crate) heard: Vec<(u64, NodeEvent)>,
    /// What it printed and heard, in this order.
    pub(crate) story: Vec<String>,
    is_dead: bool,
    is_stopped: bool,
    /// Whether it has nothing to run.
    is_idle: bool,
}

/// One end of a connection.
struct End {
    node: usize,
    link: Link,
    /// What was written here and has not arrived: when it will, and the bytes.
    sent: VecDeque<(u64, Vec<u8>)>,
}

struct Connection {
    ends: [End; 2],
    is_cut: bool,
}

pub(crate) struct Sim {
    pub(crate) now: u64,
    pub(crate) nodes: Vec<Node>,
    connections: Vec<Connection>,
    /// By pair: when it may be dialled again.
    dialled: BTreeMap<(usize, usize), u64>,
    /// Pairs that cannot reach each other, the lower first.
    pub(crate) partitioned: BTreeSet<(usize, usize)>,
    /// Directions, from and to, in which nothing arrives until they are healed.
    pub(crate) one_way: BTreeSet<(usize, usize)>,
    /// Of every thousand packets of membership, those that are lost, come twice, and come late.
    pub(crate) gossip_lost: u64,
    pub(crate) gossip_doubled: u64,
    pub(crate) gossip_late: u64,
    /// Packets of membership on their way: when each arrives, from whom, to whom.
    gossip: Vec<(u64, usize, usize, Vec<u8>)>,
    pub(crate) delay: u64,
    config: Config,
    /// Of every thousand rounds, those in which a connection is cut.
    pub(crate) cuts: u64,
    random: u64,
}

pub(crate) fn id_of(node: usize) -> NodeId {
    NodeId([node as u8 + 1; 16])
}

impl Sim {
    /// Nodes that have heard of each other, as of a node to join.
    pub(crate) fn new(count: usize, config: Config) -> Sim {
        let mut sim = Sim::alone(count, config);
        (0..count).for_each(|node| sim.introduce(node));
        sim
    }

    /// A node hears of all others, as of nodes to join.
    pub(crate) fn introduce(&mut self, node: usize) {
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            let known = self.nodes[other].peers.local().node.clone();
            let Node { router, home, peers, .. } = &mut self.nodes[node];
            router.established(self.now, &known, home, peers);
        }
    }

    /// Nodes that know nobody.
    pub(crate) fn alone(count: usize, config: Config) -> Sim {
        let mut sim = Sim {
            now: 0,
            nodes: Vec::new(),
            connections: Vec::new(),
            dialled: BTreeMap::new(),
            partitioned: BTreeSet::new(),
            one_way: BTreeSet::new(),
            gossip_lost: 0,
            gossip_doubled: 0,
            gossip_late: 0,
            gossip: Vec::new(),
            delay: MILLISECOND,
            config: Config { cluster: true, ..config },
            cuts: 0,
            random: 1,
        };
        for node in 0..count {
            let fresh = sim.node(node, 1);
            sim.nodes.push(fresh);
        }
        sim
    }

    fn node(&self, node: usize, incarnation: u32) -> Node {
        let (id, incarnation) = (id_of(node), Incarnation(incarnation));
        let key = TagKey::new([node as u8 + 100; 32]);
        let own = Member::new(incarnation, &format!("n{node}"), &format!("n{node}"));
        Node {
            id,
            home: Here { machine: Machine::new(Config { node: format!("n{node}"), ..self.config.clone() }) },
            router: Router::new(id, own, key, node as u64 + u64::from(incarnation.0) * 1_000, Grants::MEMBER),
            peers: Peers::new(Local::new(id, incarnation, &format!("n{node}"))),
            printed: Vec::new(),
            ended: Vec::new(),
            heard: Vec::new(),
            story: Vec::new(),
            is_dead: false,
            is_stopped: false,
            is_idle: false,
        }
    }

    pub(crate) fn seed(&mut self, seed: u64) {
        self.random = seed.wrapping_mul(2).wrapping_add(1);
    }

    pub(crate) fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    /// Starts an exported function on a node.
    #[track_caller]
    pub(crate) fn start(&mut self, node: usize, module: &VerifiedModule, function: &str) -> FiberId {
        let home = &mut self.nodes[node].home;
        let hash = home.load(module).expect("the module loads");
        home.machine.spawn(hash, function, &[]).expect("the fiber starts")
    }

    /// A node ends without a word.
    pub(crate) fn crash(&mut self, node: usize) {
        self.connections
            .iter_mut()
            .filter(|connection| connection.ends.iter().any(|end| end.node == node))
            .for_each(|connection| connection.is_cut = true);
        self.drop_cut();
        self.nodes[node].is_dead = true;
    }

    /// A node ends without a word, and is started anew with nothing in it.
    pub(crate) fn restart(&mut self, node: usize, incarnation: u32) {
        self.crash(node);
        self.nodes[node] = self.node(node, incarnation);
    }

    /// A node does nothing more until it goes on; its connections stay.
    pub(crate) fn stop(&mut self, node: usize) {
        self.nodes[node].is_stopped = true;
    }

    pub(crate) fn go_on(&mut self, node: usize) {
        self.nodes[node].is_stopped = false;
    }

    /// A node leaves in order, and is gone 50 ms later.
    pub(crate) fn leave(&mut self, node: usize) {
        let now = self.now;
        let Node { router, home, peers, .. } = &mut self.nodes[node];
        router.leave(now, home, peers);
        self.run_for(50 * MILLISECOND);
        self.crash(node);
    }

    /// Each node but the first connects with it, as one does with a node to join.
    pub(crate) fn join_all(&mut self) {
        (1..self.nodes.len()).for_each(|node| self.connect(node, 0));
    }

    /// What a node has heard of the others, without suspicions.
    pub(crate) fn ups_and_downs(&self, node: usize) -> Vec<NodeEvent> {
        let heard = self.nodes[node].heard.iter().map(|(_, event)| *event);
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
            if self.cuts > 0 && self.draw(1_000) < self.cuts && !self.connections.is_empty() {
                let which = self.draw(self.connections.len() as u64) as usize;
                self.connections[which].is_cut = true;
            }
            self.round();
            if until == u64::MAX && self.is_quiet() {
                return;
            }
            if self.nodes.iter().all(|node| node.is_idle || !node.is_running()) {
                let Some(next) = self.next_time() else { return };
                if next > until {
                    self.now = until;
                    return;
                }
                self.now = next.max(self.now + 1);
            }
        }
        panic!("it does not end; printed: {:?}", self.nodes.iter().map(|node| &node.printed).collect::<Vec<_>>());
    }

    /// Whether nothing is under way but the links' own keeping alive.
    fn is_quiet(&self) -> bool {
        self.nodes.iter().all(|node| {
            node.is_idle
                && node.home.machine.next_timeout().is_none()
                && node.peers.sessions().all(|(_, session)| session.held_bytes() == 0)
        }) && self.connections.iter().all(|connection| connection.ends.iter().all(|end| end.sent.is_empty()))
    }

    fn next_time(&self) -> Option<u64> {
        let timers = self.nodes.iter().filter(|node| node.is_running()).flat_map(|node| {
            node.home.machine.next_timeout().into_iter().chain(node.peers.next_timeout()).chain(node.router.next_timeout())
        });
        let links = self.connections.iter().flat_map(|connection| {
            let runs = |end: &&End| self.nodes[end.node].is_running();
            connection.ends.iter().filter(runs).flat_map(|end| {
                // What has come to a node that is stopped waits.
                let arrives = end.sent.front().map(|(at, _)| *at).filter(|at| *at > self.now);
                end.link.next_timeout(&self.nodes[end.node].peers).into_iter().chain(arrives)
            })
        });
        let gossip = self.gossip.iter().map(|(at, ..)| *at).filter(|at| *at > self.now);
        timers.chain(links).chain(gossip).chain(self.dialled.values().copied().filter(|at| *at > self.now)).min()
    }

    fn round(&mut self) {
        for node in self.running() {
            self.run_machine(node);
        }
        self.dial();
        for at in 0..self.connections.len() {
            self.pump(at);
        }
        self.drop_cut();
        self.deliver_gossip();
        for node in self.running() {
            while let Some((peer, _)) = self.nodes[node].peers.expire(self.now) {
                let Node { router, home, is_idle, .. } = &mut self.nodes[node];
                router.lost(peer, home);
                *is_idle = false;
            }
        }
    }

    fn run_machine(&mut self, at: usize) {
        let now = self.now;
        let Node { home, router, peers, printed, ended, is_idle, heard, story, .. } = &mut self.nodes[at];
        home.machine.handle(Input::Time(now));
        *is_idle = home.machine.run(50) == Run::Idle;
        while let Some(output) = home.machine.poll_output() {
            match output {
                Output::HostCall { call, args, .. } => {
                    if let [Value::Text(line)] = &args[..] {
                        story.push(line.clone());
                        printed.push(line.clone());
                    }
                    home.machine.handle(Input::HostResult { call, result: Ok(Value::Null) });
                    *is_idle = false;
                }
                Output::Exited { fiber, reason, .. } => ended.push((fiber, reason)),
                Output::Message { .. } | Output::DeadLetter(_) => {}
                Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Spawn { .. }
                | Output::Claim(_) => {
                    router.output(now, output, home, peers);
                    *is_idle = false;
                }
            }
        }
        *is_idle &= !router.flush(now, home, peers);
        while *is_idle && let Some(event) = router.poll_node_event() {
            heard.push((now, event));
            story.push(format!("{event:?}"));
        }
    }

    fn dial(&mut self) {
        for node in self.running() {
            let Node { peers, router, .. } = &self.nodes[node];
            let apart = |peer: &NodeId| !peers.session(*peer).is_some_and(|session| session.is_connected());
            let waiting = peers.sessions().filter(|(_, session)| session.held_bytes() > 0).map(|(peer, _)| peer);
            let wanted: BTreeSet<NodeId> = waiting.chain(router.wanted()).filter(apart).collect();
            for peer in wanted {
                let other = usize::from(peer.0[0] - 1);
                let pair = (node.min(other), node.max(other));
                let is_under_way = self
                    .connections
                    .iter()
                    .any(|connection| connection.ends[0].node == node && connection.ends[1].node == other);
                let may = self.dialled.get(&(node, other)).is_none_or(|at| *at <= self.now);
                if is_under_way || !may || self.partitioned.contains(&pair) || self.nodes[other].is_dead {
                    continue;
                }
                self.connect(node, other);
            }
        }
    }

    /// A node dials another one.
    pub(crate) fn connect(&mut self, node: usize, other: usize) {
        let peer = id_of(other);
        self.dialled.insert((node, other), self.now + REDIAL);
        let fresh = self.nodes[node].router.fresh_session();
        let dialler = Link::dial(self.now, &mut self.nodes[node].peers, Some(peer), fresh);
        let fresh = self.nodes[other].router.fresh_session();
        let acceptor = Link::accept(self.now, Some(id_of(node)), fresh);
        let end = |node, link| End { node, link, sent: VecDeque::new() };
        self.connections.push(Connection { ends: [end(node, dialler), end(other, acceptor)], is_cut: false });
    }

    fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_running()).collect()
    }

    /// Sends a packet of membership on its way, if it is not lost.
    fn send_gossip(&mut self, from: usize, to: usize, packet: &[u8]) {
        if self.draw(1_000) < self.gossip_lost {
            return;
        }
        let copies = if self.draw(1_000) < self.gossip_doubled { 2 } else { 1 };
        for _ in 0..copies {
            let late = if self.draw(1_000) < self.gossip_late { self.draw(300) * MILLISECOND } else { 0 };
            self.gossip.push((self.now + late, from, to, packet.to_vec()));
        }
    }

    fn deliver_gossip(&mut self) {
        let now = self.now;
        let is_due = |(at, _, to, _): &(u64, usize, usize, Vec<u8>), nodes: &[Node]| *at <= now && nodes[*to].is_running();
        while let Some(at) = self.gossip.iter().position(|packet| is_due(packet, &self.nodes)) {
            let (_, from, to, packet) = self.gossip.remove(at);
            let Node { router, home, peers, is_idle, .. } = &mut self.nodes[to];
            router.gossip(now, id_of(from), &packet, home, peers);
            *is_idle = false;
        }
        let nodes = &self.nodes;
        self.gossip.retain(|(_, _, to, _)| !nodes[*to].is_dead);
    }

    /// Moves bytes, and takes what they say.
    fn pump(&mut self, at: usize) {
        let now = self.now;
        for side in 0..2 {
            let Connection { ends, is_cut } = &mut self.connections[at];
            let pair = (ends[0].node.min(ends[1].node), ends[0].node.max(ends[1].node));
            *is_cut |= self.partitioned.contains(&pair);
            if *is_cut {
                return;
            }
            let (end, other) = if side == 0 {
                let [a, b] = ends;
                (a, b)
            } else {
                let [a, b] = ends;
                (b, a)
            };
            let (here, there) = (end.node, other.node);
            if !self.nodes[here].is_running() {
                continue;
            }
            let node = &mut self.nodes[here];
            let mut out = Vec::new();
            end.link.poll_output(now, &mut node.peers, &mut out);
            if !out.is_empty() {
                end.sent.push_back((now + self.delay, out));
                node.is_idle = false;
            }
            let mut packets = Vec::new();
            let is_open = !self.one_way.contains(&(there, here));
            while is_open && other.sent.front().is_some_and(|(at, _)| *at <= now) {
                let Some((_, bytes)) = other.sent.pop_front() else { break };
                end.link.feed(now, &mut node.peers, &bytes);
                packets.extend(take_events(now, end, node));
            }
            packets.extend(take_events(now, end, node));
            if end.link.is_closed() && end.sent.is_empty() {
                *is_cut = true;
            }
            packets.iter().for_each(|packet| self.send_gossip(there, here, packet));
        }
    }

    fn drop_cut(&mut self) {
        for connection in self.connections.iter_mut().filter(|connection| connection.is_cut) {
            for end in &mut connection.ends {
                let node = &mut self.nodes[end.node];
                end.link.disconnected(self.now, &mut node.peers);
                take_events(self.now, end, node);
            }
        }
        self.connections.retain(|connection| !connection.is_cut);
    }
}

impl Node {
    fn is_running(&self) -> bool {
        !self.is_dead && !self.is_stopped
    }
}

/// Takes what a link says, and gives the packets of membership that have come.
fn take_events(now: u64, end: &mut End, node: &mut Node) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    // The message borrows the link, the router wants the peers.
    loop {
        let Node { peers, router, home, is_idle, .. } = &mut *node;
        let Some(event) = end.link.poll_event(now, peers) else { return packets };
        *is_idle = false;
        match event {
            Event::Lost { peer, .. } => router.lost(peer, home),
            Event::Established { peer, .. } => router.established(now, &peer, home, peers),
            Event::Message(message) => {
                let message = message.into_owned();
                if let Some(peer) = end.link.peer() {
                    router.message(now, peer, message, home, peers);
                }
            }
            Event::Gossip(packet) => packets.push(packet.into_owned()),
            Event::Closed(_) => {}
        }
    }
}
