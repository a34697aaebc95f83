//! A node: a machine, its router, and connections to other nodes, driven by one task of one thread.
//!
//! It goes round: takes what connections have brought, lets the machine run a batch of slices, has the router take what the
//! machine wants of other nodes, gives each connection what is to be written, and sleeps until something happens or is due.
//! Of what connections bring it takes a bounded number at a time, and the machine runs a bounded time, so that neither waits
//! long for the other.
//!
//! **Invariant:** the machine, the router and all sessions are touched by this task alone.

mod dial;
mod ends;
mod incarnation;
mod look;
mod members;
mod operate;
mod pump;
mod seeds;
mod settings;

use crate::limits::{
    AWAKE, EVENTS_MAX, GOODBYE, LAST_WORDS, LEAVE, LEAVE_MAX, LITTLE_BYTES, LOOK_AGAIN, PACE, PACE_EACH, PACE_MAX,
    READ_BYTES, READS_MAX,
};
use crate::transport::{Address, Connection, Connector, DialError, Limits, Listener, Resolve, SystemResolver, Target};
use crate::web;
use dial::Dial;
use fardel::{Advance, Outcome, Program, Run, Running, Runtime, StartError};
use fardel_bytecode::format;
use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::verify::VerifiedModule;
pub use fardel_cluster::{Grants, Reach, Roles};
use fardel_cluster::{Home, Member, Router};
use fardel_vm::machine::{LoadError, Machine};
use fardel_wire::frame::Bye;
use fardel_wire::hello::{Features, Local};
use fardel_wire::id::{NodeId, TagKey};
use fardel_wire::limits::{NODE_LABEL_BYTES_MAX, NODE_LABELS_MAX, NODE_NAME_BYTES_MAX};
use fardel_wire::link::{Closed, Event as LinkEvent, Link};
use fardel_wire::peers::Peers;
use fardel_wire::session::Session;
use fardel_wire::table::Goodbye;
use incarnation::{incarnation, since_1970};
use look::Watch;
pub use look::{Counts, Look};
use pump::{ConnectionId, Pump};
use seeds::Seeds;
pub use settings::{Compress, NodeError, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// A node.
pub struct Server {
    runtime: Runtime,
    router: Router,
    peers: Peers,
    compress: Compress,
    connector: Connector,
    roles: Roles,
    is_guest: bool,
    addresses: Vec<Address>,
    /// Where it tells its counts.
    metrics: Option<SocketAddr>,
    /// Whether it was to join others.
    joins: bool,
    counts: Counts,
    /// Connections that its listeners have refused.
    refused: Vec<Arc<AtomicU64>>,
    connections: BTreeMap<ConnectionId, Open>,
    connections_made: u64,
    /// What was read last, from whichever connection: one that is idle holds none.
    input: Vec<u8>,
    /// Connections at their end, of which the last bytes are still to be written.
    leaving: Vec<(u64, Pump)>,
    seeds: Seeds,
    resolver: Arc<dyn Resolve>,
    /// Addresses that were dialled and led here.
    own_addresses: BTreeSet<Address>,
    /// When a node may be dialled again.
    dials: BTreeMap<NodeId, Dial>,
    /// What is being dialled, and for which node.
    dialling: BTreeMap<Target, Option<NodeId>>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    alarm: Arc<Notify>,
    /// Until when it looks for more before it sleeps.
    awake_until: u64,
    /// Whether something that is to be written waits for more.
    is_holding: bool,
    random: u64,
}

/// What tasks tell the owner of the machine.
enum Event {
    /// A connection came in.
    Accepted(Connection),
    /// A connection that was dialled is there, or is not.
    Dialled(Target, Result<Connection, DialError>),
    /// The file with nodes to join was read, or cannot be.
    JoinFile(Result<Vec<Target>, String>),
    /// Somebody wants to know how the node is.
    Watched(oneshot::Sender<Look>),
}

/// A connection.
struct Open {
    link: Link,
    pump: Pump,
    /// The other side's.
    address: Address,
    /// The names in its certificate, if it has one of the authority.
    names: Option<Vec<String>>,
    /// The seed that was dialled.
    seed: Option<Target>,
    /// Who is there, once that is known: the node and its name.
    peer: Option<(NodeId, String)>,
    /// When the next packet may go, if nothing is under way.
    packet_at: u64,
}

/// The machine as the router sees it.
struct HomeOf<'a>(&'a mut Runtime);

impl Home for HomeOf<'_> {
    fn machine(&mut self) -> &mut Machine {
        self.0.machine_mut()
    }

    fn has_module(&self, module: ModuleHash) -> bool {
        self.0.machine().module(module).is_some()
    }

    fn module_bytes(&self, module: ModuleHash) -> Option<Vec<u8>> {
        self.0.machine().module(module).map(format::encode)
    }

    fn load(&mut self, module: &VerifiedModule) -> Result<ModuleHash, LoadError> {
        self.0.load_module(module)
    }
}

impl Server {
    /// Starts a node around a runtime whose machine is one of a cluster
    /// ([`Config::cluster`](fardel_vm::config::Config::cluster)). It listens from now on, and does the rest when it
    /// [runs](Server::run).
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn start(settings: Settings, runtime: Runtime) -> Result<Server, NodeError> {
        if settings.is_guest != settings.name.is_empty() || settings.name.len() > NODE_NAME_BYTES_MAX {
            return Err(NodeError::Name { bytes: settings.name.len() });
        }
        if settings.labels.len() > NODE_LABELS_MAX {
            return Err(NodeError::Labels { count: settings.labels.len() });
        }
        let mut lengths = settings.labels.iter().map(String::len);
        if let Some(bytes) = lengths.find(|bytes| !(1..=NODE_LABEL_BYTES_MAX).contains(bytes)) {
            return Err(NodeError::Label { bytes });
        }
        let mut random = [0; 64];
        fill_random(&mut random)?;
        let (secret, rest) = random.split_at(32);
        let part = |at: usize| rest.get(at..at + 16).and_then(|part| part.try_into().ok()).unwrap_or([0; 16]);
        // In plaintext nothing proves who a node is; it is another one with every start.
        let id = settings.security.node_id().unwrap_or(NodeId(part(0)));
        let incarnation = incarnation(&settings.security).await;
        let seed = u128::from_le_bytes(part(16)) as u64;
        for target in &settings.join {
            match target {
                Target::Address(address) => settings.security.check(*address)?,
                // Its addresses are looked at when they are known.
                Target::Name { .. } => {}
            }
        }
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let (mut addresses, mut refused) = (Vec::new(), Vec::new());
        for address in settings.listen {
            let listener = Listener::bind(address, settings.security.clone(), Limits::default()).await?;
            addresses.push(listener.local_address());
            refused.push(listener.refused());
            tokio::spawn(accept(listener, sender.clone()));
        }
        let metrics = match settings.metrics {
            None => None,
            Some(at) => Some(web::serve(at, settings.metrics_public, Watch(sender.clone())).await?),
        };
        let advertised = settings.advertise.or_else(|| addresses.first().map(Address::to_string)).unwrap_or_default();
        let own = Member::new(incarnation, &settings.name, &advertised).with_labels(settings.labels);
        let mut local = Local::new(id, incarnation, &settings.name);
        local.node.features = match settings.compress {
            Compress::Auto | Compress::Always => Features::COMPRESSED,
            Compress::Never => Features::default(),
        };
        let key = TagKey::new(secret.try_into().unwrap_or([0; 32]));
        let alarm = Arc::new(Notify::new());
        let notify = Arc::clone(&alarm);
        runtime.set_alarm(move || notify.notify_one());
        let mut runtime = runtime;
        let mut router = Router::new(id, own, key, seed, settings.roles.usual());
        router.set_epoch(nanos(since_1970()).saturating_sub(runtime.now()));
        Ok(Server {
            runtime,
            router,
            peers: Peers::new(local),
            compress: settings.compress,
            connector: Connector::new(settings.security),
            roles: settings.roles,
            is_guest: settings.is_guest,
            addresses,
            metrics,
            joins: !settings.join.is_empty() || settings.join_file.is_some(),
            counts: Counts::default(),
            refused,
            connections: BTreeMap::new(),
            connections_made: 0,
            input: vec![0; READ_BYTES],
            leaving: Vec::new(),
            seeds: Seeds::new(settings.join, settings.join_file, seed),
            resolver: Arc::new(SystemResolver),
            own_addresses: BTreeSet::new(),
            dials: BTreeMap::new(),
            dialling: BTreeMap::new(),
            events,
            sender,
            alarm,
            awake_until: 0,
            is_holding: false,
            random: seed,
        })
    }

    /// The same, with names looked up in another way than the system's.
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolve>) -> Server {
        self.resolver = resolver;
        self
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Where it tells its counts and its health.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Its router: who is known, and what was refused.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Its runtime.
    pub fn runtime(&mut self) -> &mut Runtime {
        &mut self.runtime
    }

    /// Runs until `until` is done.
    pub async fn run(&mut self, until: impl Future<Output = ()>) {
        tokio::pin!(until);
        loop {
            let is_idle = self.turn(None).is_idle;
            tokio::select! {
                biased;
                () = &mut until => return,
                () = self.wait(is_idle) => {}
            }
        }
    }

    /// Runs until one of the nodes to join has told who belongs to the cluster, at most so long; whether one has.
    pub async fn joined(&mut self, limit: Duration) -> bool {
        let is_joined = async |server: &mut Server| {
            // A guest asks who belongs to the cluster.
            let is_there = |server: &Server| match server.is_guest {
                true => server.connected().is_some(),
                false => server.router.is_introduced(),
            };
            while !is_there(server) {
                let is_idle = server.turn(None).is_idle;
                server.wait(is_idle).await;
            }
        };
        tokio::time::timeout(limit, is_joined(self)).await.is_ok()
    }

    /// Why the nodes to join could not be connected with the last time, for people.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.seeds.failures()
    }

    /// Runs a program from its `main` to its end, as [`Runtime::run`] does.
    ///
    /// # Errors
    /// When it cannot be started; nothing has run then.
    pub async fn run_program(&mut self, program: Program) -> Result<Outcome, StartError> {
        let mut running = self.runtime.begin(program)?;
        loop {
            let Turn { is_idle, outcome } = self.turn(Some(&mut running));
            if let Some(outcome) = outcome {
                return Ok(outcome);
            }
            self.wait(is_idle).await;
        }
    }

    /// Says goodbye to all, after what was sent to them has arrived, or does not go on arriving.
    pub async fn leave(&mut self) {
        // Whoever does not take it in time has to do without.
        let _ = tokio::time::timeout(LEAVE_MAX, self.delivered()).await;
        self.leave_members().await;
        let now = self.runtime.now();
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for id in ids {
            if let Some(open) = self.connections.get_mut(&id) {
                open.link.end(now, &mut self.peers, Bye { code: Goodbye::Shutdown, text: "the node ends".to_owned() });
            }
            self.serve(now, id);
        }
        let leaving = &mut self.leaving;
        let written = poll_fn(|context| {
            leaving.retain_mut(|(_, pump)| !pump.finish(context));
            if leaving.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        // A peer that reads no more is not waited for.
        let _ = tokio::time::timeout(GOODBYE, written).await;
    }

    /// Until the nodes that are connected have acknowledged what was sent to them, or for some time nothing of it. The
    /// machine does not run meanwhile.
    async fn delivered(&mut self) {
        let (mut held, mut until) = (None, Instant::now() + LEAVE);
        loop {
            let now = self.runtime.now();
            self.router.flush(now, &mut HomeOf(&mut self.runtime), &mut self.peers);
            let connected = self.peers.sessions().filter(|(_, session)| session.is_connected());
            let left: usize = connected.map(|(_, session)| session.held_bytes()).sum();
            if left == 0 && !self.router.is_congested() {
                return;
            }
            if held.replace(left) != Some(left) {
                until = Instant::now() + LEAVE;
            }
            if tokio::time::timeout_at(until, self.wait(true)).await.is_err() {
                return;
            }
        }
    }

    /// Goes round once.
    fn turn(&mut self, running: Option<&mut Running>) -> Turn {
        let mut outcome = None;
        let runs = match running {
            // What it would send has nowhere to go.
            _ if self.router.is_congested() => false,
            None => self.runtime.step(fardel::limits::BATCH_SLICES_MAX) == Run::More,
            Some(running) => match self.runtime.advance(running) {
                Advance::More => true,
                Advance::Idle(_) => false,
                Advance::Over(over) => {
                    outcome = Some(*over);
                    true
                }
            },
        };
        let now = self.runtime.now();
        let mut sent = false;
        while let Some(output) = self.runtime.poll_remote() {
            sent = true;
            self.router.output(now, output, &mut HomeOf(&mut self.runtime), &mut self.peers);
        }
        sent |= self.router.flush(now, &mut HomeOf(&mut self.runtime), &mut self.peers);
        self.note_members();
        while let Some((peer, _)) = self.peers.expire(now) {
            // Without a name there has been none at all.
            if let Some(member) = self.router.member_at(peer) {
                tracing::warn!(%peer, name = member.name, "lost: no connection for too long");
            }
            self.router.lost(peer, &mut HomeOf(&mut self.runtime));
            sent = true;
        }
        while let Some((peer, denial)) = self.router.poll_denial() {
            let name = self.router.member_at(peer).map_or("", |member| member.name.as_str());
            tracing::warn!(%peer, name, "denied: it may not {}", denial.text());
        }
        self.dial(now);
        Turn { is_idle: !runs && !sent, outcome }
    }

    /// Reads and writes what goes now; when there is nothing else to do, waits until something happens or is due.
    async fn wait(&mut self, is_idle: bool) {
        let now = self.runtime.now();
        let due = self.next_timeout(now).map_or(u64::MAX, |due| due.saturating_sub(now));
        let pause = Duration::from_nanos(due).min(LOOK_AGAIN);
        // Who was just heard often says more at once: to be woken for that takes longer than to look.
        let is_awake = now < self.awake_until || self.is_holding;
        if is_idle && is_awake {
            // Perhaps whoever is to answer waits for this very core.
            std::thread::yield_now();
        }
        let is_idle = is_idle && !pause.is_zero() && !is_awake;
        if !is_idle {
            // What there is to say goes before anybody is looked at.
            poll_fn(|context| Poll::Ready(self.pump_all(context))).await;
            // Others are looked after as well: what is there to be read is only known when the system was asked.
            tokio::task::yield_now().await;
        }
        let alarm = Arc::clone(&self.alarm);
        let mut alarm = std::pin::pin!(alarm.notified());
        let mut pause = std::pin::pin!(tokio::time::sleep(pause));
        let event = poll_fn(|context| {
            let mut happened = self.pump_all(context);
            happened |= is_idle && (alarm.as_mut().poll(context).is_ready() || pause.as_mut().poll(context).is_ready());
            if let Poll::Ready(event) = self.events.poll_recv(context) {
                return Poll::Ready(event);
            }
            if happened || !is_idle || self.is_holding { Poll::Ready(None) } else { Poll::Pending }
        });
        if let Some(event) = event.await {
            self.take(event);
        }
    }

    /// Reads and writes what goes now on all connections; whether anything came in.
    fn pump_all(&mut self, context: &mut Context<'_>) -> bool {
        self.is_holding = false;
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
        let mut came = false;
        for id in ids {
            came |= self.pump(id, context);
        }
        let now = self.runtime.now();
        if came {
            self.awake_until = now.saturating_add(nanos(AWAKE));
        }
        self.leaving.retain_mut(|(until, pump)| *until > now && !pump.finish(context));
        came
    }

    /// Reads and writes what goes now on a connection; whether anything came in.
    fn pump(&mut self, id: ConnectionId, context: &mut Context<'_>) -> bool {
        let now = self.runtime.now();
        let mut came = false;
        for _ in 0..READS_MAX {
            let Some(open) = self.connections.get_mut(&id) else { return came };
            let Some(count) = open.pump.read(context, &mut self.input) else { break };
            came = true;
            self.counts.received_bytes += count as u64;
            if let Some(bytes) = self.input.get(..count) {
                open.link.feed(now, &mut self.peers, bytes);
            }
            self.serve(now, id);
        }
        self.serve(now, id);
        while let Some(open) = self.connections.get_mut(&id) {
            if !open.pump.is_writing() {
                break;
            }
            if !open.pump.write(context) {
                break;
            }
            self.serve(now, id);
        }
        if let Some(open) = self.connections.get_mut(&id)
            && open.pump.has_ended
        {
            open.link.disconnected(now, &mut self.peers);
            self.serve(now, id);
            came = true;
        }
        came
    }

    fn next_timeout(&self, now: u64) -> Option<u64> {
        // What a full socket has no room for is not due: the system says when it has.
        let later =
            |open: &Open, at: u64| if open.pump.is_writing() { at.max(now.saturating_add(nanos(LOOK_AGAIN))) } else { at };
        let links = self.connections.values();
        let links = links.filter_map(|open| open.link.next_timeout(&self.peers).map(|at| later(open, at)));
        let seeds = self.seeds.next_timeout(|target, seed| self.wants(target, seed));
        // While it does not run its timers do not fire.
        let machine = self.runtime.machine().next_timeout().filter(|_| !self.router.is_congested());
        let router = self.router.next_timeout();
        let dials = self.dials.iter().filter(|(node, _)| !self.peers.session(**node).is_some_and(Session::is_connected));
        // One whose time has come was dialled, or is not wanted any more.
        let dials = dials.map(|(_, dial)| dial.next_try).filter(|at| *at > now);
        links.chain(seeds).chain(dials).chain(machine).chain(router).chain(self.peers.next_timeout()).min()
    }

    fn take(&mut self, event: Event) {
        let now = self.runtime.now();
        match event {
            Event::Accepted(connection) => {
                let link = Link::accept(now, connection.peer, self.router.fresh_session());
                self.open(connection, link, None);
            }
            Event::Dialled(target, result) => {
                let wanted = self.dialling.remove(&target).flatten();
                self.dialled(now, &target, wanted, result);
            }
            Event::JoinFile(targets) => self.seeds.file_read(now, targets),
            // Whoever asked may not wait any more.
            Event::Watched(sender) => drop(sender.send(self.look())),
        }
    }

    fn own_id(&self) -> NodeId {
        self.peers.local().node.id
    }

    fn open(&mut self, connection: Connection, mut link: Link, seed: Option<Target>) -> ConnectionId {
        self.connections_made += 1;
        let id = ConnectionId(self.connections_made);
        let compresses = match self.compress {
            Compress::Auto => !connection.address.is_loopback(),
            Compress::Always => true,
            Compress::Never => false,
        };
        if compresses {
            link.compress();
        }
        let pump = Pump::new(connection.reader, connection.writer);
        let (address, names) = (connection.address, connection.names);
        self.connections.insert(id, Open { link, pump, address, names, seed, peer: None, packet_at: 0 });
        id
    }

    /// Takes what a connection says, and gives it what is to be written.
    fn serve(&mut self, now: u64, id: ConnectionId) {
        loop {
            let Some(open) = self.connections.get_mut(&id) else { return };
            let peer = open.link.peer();
            let Some(event) = open.link.poll_event(now, &mut self.peers) else { break };
            let mut home = HomeOf(&mut self.runtime);
            match event {
                LinkEvent::Lost { peer, .. } => self.router.lost(peer, &mut home),
                LinkEvent::Established { peer, resumed, .. } => {
                    self.counts.connections += 1;
                    self.counts.resumed += u64::from(resumed);
                    tracing::info!(peer = %peer.id, name = peer.name, resumed, "connected");
                    if peer.name == self.peers.local().node.name {
                        tracing::warn!(peer = %peer.id, name = peer.name, "another node has the name of this one");
                    }
                    self.dials.remove(&peer.id);
                    if let Some(target) = &open.seed {
                        self.seeds.established(target, peer.id);
                    }
                    open.peer = Some((peer.id, peer.name.clone()));
                    self.router.grant(peer.id, self.roles.of(peer.id, open.names.as_deref()));
                    self.router.established(now, &peer, &mut home, &mut self.peers);
                }
                LinkEvent::Message(message) => {
                    if let Some(peer) = peer {
                        self.router.message(now, peer, message, &mut home, &mut self.peers);
                    }
                }
                LinkEvent::Gossip(packet) => {
                    if let Some(peer) = peer {
                        self.router.gossip(now, peer, &packet, &mut home, &mut self.peers);
                    }
                }
                LinkEvent::Closed(closed) => {
                    let peer = open.peer.take();
                    ends::note(&closed, open.address, peer.as_ref().map(|(_, name)| name.as_str()));
                    if ends::is_own(&closed)
                        && let Some(target) = &open.seed
                    {
                        self.own_addresses.insert(open.address);
                        self.seeds.is_own(target);
                    }
                    if let Some(target) = &open.seed {
                        self.seeds.failed(target, format!("{}: {closed}", open.address));
                    }
                    if let (Closed::ByPeer(Bye { code: Goodbye::Shutdown, .. }), Some((peer, name))) = (closed, peer) {
                        // It does not come back as what it was, so nobody has to wait for that.
                        self.peers.forget(peer);
                        self.router.lost(peer, &mut home);
                        if name.is_empty() {
                            self.peers.forget_node(peer);
                            self.router.forget_guest(peer, &mut home);
                        }
                    }
                }
            }
        }
        let Some(open) = self.connections.get_mut(&id) else { return };
        let session = open.link.peer().and_then(|peer| self.peers.session(peer));
        let has_little = session.is_some_and(|session| session.has_little(LITTLE_BYTES));
        let in_flight = session.map_or(0, Session::in_flight) as u64;
        let wait = in_flight.saturating_mul(nanos(PACE_EACH)).min(nanos(PACE_MAX));
        if has_little && now < open.packet_at.saturating_add(wait) && !open.link.is_closed() {
            self.is_holding = true;
            return;
        }
        if let Some(buffer) = open.pump.free() {
            open.link.poll_output(now, &mut self.peers, buffer);
            if !buffer.is_empty() {
                open.packet_at = now.saturating_add(nanos(PACE));
            }
            self.counts.sent_bytes += buffer.len() as u64;
        }
        if open.link.is_closed() {
            self.close(now, id);
        }
    }

    fn close(&mut self, now: u64, id: ConnectionId) {
        let Some(open) = self.connections.remove(&id) else { return };
        if let Some(target) = &open.seed {
            self.seeds.again(now, target);
        }
        if !open.pump.has_ended {
            self.leaving.push((now.saturating_add(nanos(LAST_WORDS)), open.pump));
        }
    }
}

/// What going round once came to.
struct Turn {
    is_idle: bool,
    outcome: Option<Outcome>,
}

async fn accept(mut listener: Listener, events: Sender<Event>) {
    while let Some(connection) = listener.accept().await {
        if events.send(Event::Accepted(connection)).await.is_err() {
            return;
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn fill_random(bytes: &mut [u8]) -> Result<(), NodeError> {
    crate::keys::random(bytes).map_err(|error| NodeError::Random(error.to_string()))
}
