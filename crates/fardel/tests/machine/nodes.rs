//! Several machines whose fibers reach each other, over links in memory: what a node does around a machine, at its simplest.

use crate::support::World;
use fardel::bytecode::verify::VerifiedModule;
use fardel::vm::cluster::{Claim, News};
use fardel::vm::config::Config;
use fardel::vm::door::{Input, Output, SendError, Signal};
use fardel::vm::exit::ExitReason;
use fardel::vm::fiber::FiberId;
use fardel::vm::packed::Packed;
use fardel::vm::value::Value;
use std::collections::{BTreeMap, VecDeque};

/// A fiber of the cluster: its node and its id there.
type Place = (usize, FiberId);

/// What goes from one node to another.
enum Frame {
    Signal { from: Place, to: Place, signal: Signal<'static>, bytes: u64 },
    Watch { fiber: Place },
    Gone { fiber: Place, reason: ExitReason },
    Taken { fiber: Place, bytes: u64 },
    Claim { node: usize, claim: Claim },
}

/// A message for which there was no room.
struct Held {
    from: Place,
    to: Place,
    signal: Signal<'static>,
    bytes: u64,
}

pub(crate) struct Nodes {
    pub(crate) worlds: Vec<World>,
    /// Of each node: the addresses there of fibers elsewhere, and of the other nodes.
    known: Vec<BTreeMap<Place, FiberId>>,
    places: Vec<BTreeMap<FiberId, Place>>,
    peers: Vec<BTreeMap<usize, FiberId>>,
    /// Of each node: what has come for it.
    links: Vec<VecDeque<(usize, Frame)>>,
    held: Vec<VecDeque<Held>>,
}

impl Nodes {
    pub(crate) fn new(module: &VerifiedModule, config: &Config, count: usize) -> Nodes {
        let config = Config { cluster: true, ..config.clone() };
        Nodes {
            worlds: (0..count).map(|_| World::new(module, config.clone())).collect(),
            known: vec![BTreeMap::new(); count],
            places: vec![BTreeMap::new(); count],
            peers: vec![BTreeMap::new(); count],
            links: (0..count).map(|_| VecDeque::new()).collect(),
            held: (0..count).map(|_| VecDeque::new()).collect(),
        }
    }

    /// Where a fiber is that a node knows by an address.
    fn place(&self, node: usize, fiber: FiberId) -> Place {
        self.places[node].get(&fiber).copied().unwrap_or((node, fiber))
    }

    /// The address at a node of a fiber of the cluster.
    fn address(&mut self, node: usize, place: Place) -> FiberId {
        if place.0 == node {
            return place.1;
        }
        if let Some(known) = self.known[node].get(&place) {
            return *known;
        }
        let fresh = self.worlds[node].machine.open_remote().expect("there is a place");
        self.known[node].insert(place, fresh);
        self.places[node].insert(fresh, place);
        fresh
    }

    fn peer(&mut self, node: usize, other: usize) -> FiberId {
        if let Some(known) = self.peers[node].get(&other) {
            return *known;
        }
        let fresh = self.worlds[node].machine.open_remote().expect("there is a place");
        self.peers[node].insert(other, fresh);
        fresh
    }

    /// A value of one node as it is at another one.
    fn translated(&mut self, value: &Value, from: usize, to: usize) -> Value {
        let mut all = |items: &[Value]| items.iter().map(|item| self.translated(item, from, to)).collect::<Vec<_>>();
        match value {
            Value::List(items) => Value::List(all(items)),
            Value::Set(items) => Value::Set(all(items)),
            Value::Tuple(items) => Value::Tuple(all(items)),
            Value::Record(name, items) => Value::Record(name.clone(), all(items)),
            Value::Variant(name, number, items) => Value::Variant(name.clone(), *number, all(items)),
            Value::Address(fiber) => {
                let place = self.place(from, *fiber);
                Value::Address(self.address(to, place))
            }
            Value::Ref { fiber, number } => {
                let place = self.place(from, *fiber);
                Value::Ref { fiber: self.address(to, place), number: *number }
            }
            Value::Map(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Opaque(_) => value.clone(),
        }
    }

    /// Packed values of one node as they are at another one, whose numbers of types are the same: both know one module.
    fn packed_at(&mut self, value: &Packed<'_>, from: usize, to: usize) -> Packed<'static> {
        let places: Vec<Place> = value.fibers.iter().map(|fiber| self.place(from, *fiber)).collect();
        let fibers = places.into_iter().map(|place| self.address(to, place)).collect();
        Packed { bytes: value.bytes.to_vec().into(), fibers, types: value.types.clone() }
    }

    fn signal_at(&mut self, signal: &Signal<'_>, from: usize, to: usize) -> Signal<'static> {
        match signal {
            Signal::Message(value) => Signal::Message(self.packed_at(value, from, to)),
            Signal::Request { number, value } => Signal::Request { number: *number, value: self.packed_at(value, from, to) },
            Signal::Refused { number, reason } => {
                Signal::Refused { number: *number, reason: self.reason_at(reason, from, to) }
            }
            Signal::Reply { number, value } => Signal::Reply { number: *number, value: self.packed_at(value, from, to) },
            Signal::Exit(reason) => Signal::Exit(self.reason_at(reason, from, to)),
            Signal::Link => Signal::Link,
            Signal::Unlink => Signal::Unlink,
        }
    }

    fn reason_at(&mut self, reason: &ExitReason, from: usize, to: usize) -> ExitReason {
        if let ExitReason::ShutdownWith(value) = reason {
            return ExitReason::ShutdownWith(self.translated(value, from, to));
        }
        reason.clone()
    }

    /// Takes what a node has for others; whether there was anything.
    fn take(&mut self, node: usize) -> bool {
        let mut took = false;
        while let Some(output) = self.worlds[node].remote.pop_front() {
            took = true;
            match output {
                Output::Signal { from, to, signal, bytes } => {
                    let (from, to) = (self.place(node, from), self.place(node, to));
                    let signal = self.signal_at(&signal, node, to.0);
                    self.links[to.0].push_back((node, Frame::Signal { from, to, signal, bytes }));
                }
                Output::Watch { remote } => {
                    let fiber = self.place(node, remote);
                    self.links[fiber.0].push_back((node, Frame::Watch { fiber }));
                }
                Output::Gone { to, fiber, reason } => {
                    let peer = self.peers[node].iter().find(|(_, known)| **known == to).map(|(other, _)| *other);
                    let other = peer.unwrap_or_else(|| self.place(node, to).0);
                    let reason = self.reason_at(&reason, node, other);
                    self.links[other].push_back((node, Frame::Gone { fiber: (node, fiber), reason }));
                }
                Output::Room { to, .. } => {
                    let waiting = std::mem::take(&mut self.held[node]);
                    let (first, rest) = waiting.into_iter().partition(|held: &Held| held.to.1 == to);
                    self.held[node] = rest;
                    self.offer_all(node, first);
                }
                Output::Spawn { call, fiber, node: _, module, function, args, link, bounds } => {
                    let other = (node + 1) % self.worlds.len();
                    let args = self.packed_at(&args, node, other);
                    let parent = link.then(|| self.address(other, (node, fiber)));
                    let started = self.worlds[other].machine.start(module, function, &args, parent, &bounds);
                    let result = match started {
                        Ok(fiber) => Ok(self.address(node, (other, fiber))),
                        Err(error) => Err(("bad_spawn".to_owned(), error.to_string())),
                    };
                    self.worlds[node].machine.handle(Input::Spawned { call, result, linked: link });
                }
                Output::Claim(claim) => {
                    for other in (0..self.worlds.len()).filter(|other| *other != node) {
                        self.links[other].push_back((node, Frame::Claim { node, claim: claim.clone() }));
                    }
                }
                Output::HostCall { .. } | Output::Message { .. } | Output::DeadLetter(_) | Output::Exited { .. } => {}
            }
        }
        took
    }

    /// Offers messages of which the first were held back; from the first that is not taken on they are held again.
    fn offer_all(&mut self, node: usize, messages: VecDeque<Held>) {
        let mut is_full = false;
        for held in messages {
            if is_full {
                self.held[node].push_back(held);
            } else {
                is_full = !self.offer(node, held);
            }
        }
    }

    fn offer(&mut self, node: usize, held: Held) -> bool {
        let from = self.address(node, held.from);
        match self.worlds[node].machine.signal(from, held.to.1, &held.signal) {
            Err(SendError::Waits(_)) => {
                self.held[node].push_back(held);
                false
            }
            Ok(()) | Err(_) => {
                let frame = Frame::Taken { fiber: held.to, bytes: held.bytes };
                self.links[held.from.0].push_back((node, frame));
                true
            }
        }
    }

    /// Delivers what has come for a node; whether there was anything.
    fn deliver(&mut self, node: usize) -> bool {
        let mut delivered = false;
        while let Some((sender, frame)) = self.links[node].pop_front() {
            delivered = true;
            match frame {
                Frame::Signal { from, to, signal, bytes } => {
                    let from_here = self.address(node, from);
                    if !matches!(signal, Signal::Message(_) | Signal::Request { .. }) {
                        self.worlds[node].machine.handle(Input::Signal { from: from_here, to: to.1, signal });
                        continue;
                    }
                    let held = Held { from, to, signal, bytes };
                    if self.held[node].iter().any(|held| held.to == to) {
                        self.held[node].push_back(held);
                    } else {
                        self.offer(node, held);
                    }
                }
                Frame::Watch { fiber } => {
                    let by = self.peer(node, sender);
                    self.worlds[node].machine.handle(Input::Watch { by, fiber: fiber.1 });
                }
                Frame::Gone { fiber, reason } => {
                    if let Some(remote) = self.known[node].remove(&fiber) {
                        self.worlds[node].machine.handle(Input::Gone { remote, reason });
                    }
                }
                Frame::Claim { node: from, claim } => {
                    let news = match claim {
                        Claim::Name { name, fiber, ty, policy: _ } => {
                            let holder = Some((self.address(node, (from, fiber)), ty));
                            News::Name { name, holder, loser: None }
                        }
                        Claim::NameFree { name } => News::Name { name, holder: None, loser: None },
                        Claim::Member { group, fiber, ty } => {
                            News::Member { group, fiber: self.address(node, (from, fiber)), ty: Some(ty) }
                        }
                        Claim::MemberGone { group, fiber } => {
                            News::Member { group, fiber: self.address(node, (from, fiber)), ty: None }
                        }
                    };
                    self.worlds[node].machine.handle(Input::News(news));
                }
                Frame::Taken { fiber, bytes } => {
                    if let Some(remote) = self.known[node].get(&fiber) {
                        let input = Input::Taken { remote: *remote, messages: 1, bytes };
                        self.worlds[node].machine.handle(input);
                    }
                }
            }
        }
        delivered
    }

    /// Runs all until nothing goes on, with a clock that jumps to the next timeout.
    #[track_caller]
    pub(crate) fn run_clock(&mut self) {
        self.run_clock_and(|_| {});
    }

    /// As [`Nodes::run_clock`], and has everything looked at that leaves the first node.
    #[track_caller]
    pub(crate) fn run_clock_and(&mut self, mut look: impl FnMut(&Output)) {
        for _ in 0..100_000 {
            let mut goes_on = false;
            for node in 0..self.worlds.len() {
                goes_on |= self.deliver(node);
                self.worlds[node].run();
                if node == 0 {
                    self.worlds[0].remote.iter().for_each(&mut look);
                }
                goes_on |= self.take(node);
            }
            if goes_on {
                continue;
            }
            let Some(next) = self.worlds.iter().filter_map(|world| world.machine.next_timeout()).min() else { return };
            self.worlds.iter_mut().for_each(|world| world.machine.handle(Input::Time(next)));
        }
        panic!("it does not end");
    }

    /// Has every node lose all others.
    pub(crate) fn lose_all(&mut self) {
        for node in 0..self.worlds.len() {
            let remotes: Vec<FiberId> = self.known[node].values().chain(self.peers[node].values()).copied().collect();
            remotes.into_iter().for_each(|remote| self.worlds[node].machine.handle(Input::Lost { remote }));
        }
    }
}
