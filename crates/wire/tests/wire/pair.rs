//! Two nodes on connections that break, on virtual time: within a session nothing is lost, doubled or out of order.

use crate::examples::{NODE, OTHER, actor, address, values_of};
use fardel_wire::frame::Message;
use fardel_wire::hello::{Features, Local};
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::limits;
use fardel_wire::link::{Closed, Event, Link};
use fardel_wire::peers::Peers;
use fardel_wire::session::{SendError, SessionId};
use std::collections::{BTreeMap, VecDeque};

const MILLISECOND: u64 = 1_000_000;
/// Fibers of each node; each sends to each of the other's.
const FIBERS: u64 = 3;

/// Random numbers from a seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// One node, and what it has sent and got.
struct Side {
    node: NodeId,
    peer: NodeId,
    peers: Peers,
    /// Its ends of the connections, by the connection's number.
    links: BTreeMap<usize, Link>,
    /// Messages sent, by sender and receiver.
    sent: BTreeMap<(u32, u32), u64>,
    /// Messages got, by sender and receiver: the number of the next one.
    next: BTreeMap<(u32, u32), u64>,
    got: u64,
}

/// Bytes on their way in one direction.
#[derive(Default)]
struct Pipe {
    pieces: VecDeque<(u64, Vec<u8>)>,
    /// The end that writes has closed it.
    ended: bool,
    /// Bytes that still arrive; the rest are lost.
    cut_after: Option<usize>,
}

pub(crate) struct Pair {
    now: u64,
    dice: Dice,
    sides: [Side; 2],
    /// The pipe from each side, by the connection's number.
    pipes: BTreeMap<usize, [Pipe; 2]>,
    connections: usize,
    latency: u64,
    /// Sessions that were lost.
    losses: usize,
    closed: Vec<Closed>,
    resumed: usize,
}

/// A node, which takes frames that are compressed or does not.
fn side(node: NodeId, peer: NodeId, takes_compressed: bool) -> Side {
    let mut local = Local::new(node, Incarnation(1), "node");
    local.node.features = if takes_compressed { Features::COMPRESSED } else { Features::default() };
    Side {
        node,
        peer,
        peers: Peers::new(local),
        links: BTreeMap::new(),
        sent: BTreeMap::new(),
        next: BTreeMap::new(),
        got: 0,
    }
}

impl Pair {
    pub(crate) fn new(seed: u64) -> Pair {
        Pair {
            now: 0,
            dice: Dice(seed),
            sides: [side(NODE, OTHER, seed & 1 == 1), side(OTHER, NODE, seed & 2 == 2)],
            pipes: BTreeMap::new(),
            connections: 0,
            latency: 5 * MILLISECOND,
            losses: 0,
            closed: Vec::new(),
            resumed: 0,
        }
    }

    /// `from` dials the other one; gives the connection's number.
    fn connect(&mut self, from: usize) -> usize {
        let number = self.connections;
        self.connections += 1;
        let fresh = [self.dice.bits(), self.dice.bits()].map(SessionId);
        let to = 1 - from;
        let dialler = &mut self.sides[from];
        let mut link = Link::dial(self.now, &mut dialler.peers, Some(dialler.peer), fresh[0]);
        link.compress();
        dialler.links.insert(number, link);
        let acceptor = &mut self.sides[to];
        let mut link = Link::accept(self.now, Some(acceptor.peer), fresh[1]);
        link.compress();
        acceptor.links.insert(number, link);
        self.pipes.insert(number, [Pipe::default(), Pipe::default()]);
        number
    }

    /// One message of `bytes` bytes between two fibers, if there is room for it.
    fn send(&mut self, from: usize, bytes: usize) {
        let pair = (self.dice.below(FIBERS) as u32, self.dice.below(FIBERS) as u32);
        self.send_between(from, pair, bytes);
    }

    fn send_between(&mut self, from: usize, pair: (u32, u32), bytes: usize) {
        let fresh = SessionId(self.dice.bits());
        let side = &mut self.sides[from];
        let number = side.sent.entry(pair).or_default();
        let mut value = number.to_le_bytes().to_vec();
        value.resize(value.len().max(bytes), 0xee);
        let message =
            Message::Send { from: actor(side.node, pair.0), to: address(side.peer, pair.1), value: values_of(value) };
        match side.peers.send(self.now, side.peer, fresh, &message) {
            Ok(()) => *number += 1,
            Err(SendError::Full { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Lets everything happen that is due.
    fn pump(&mut self) {
        for at in [0, 1] {
            for number in self.sides[at].links.keys().copied().collect::<Vec<_>>() {
                self.read(at, number);
                self.turn(at, number);
            }
            while let Some((_, _)) = self.sides[at].peers.expire(self.now) {
                self.losses += 1;
            }
        }
        for at in [0, 1] {
            for number in self.sides[at].links.keys().copied().collect::<Vec<_>>() {
                self.turn(at, number);
            }
        }
    }

    /// Feeds what has arrived on a connection.
    fn read(&mut self, at: usize, number: usize) {
        let Some(pipes) = self.pipes.get_mut(&number) else { return };
        let pipe = &mut pipes[1 - at];
        let mut ended = false;
        while let Some((arrives, _)) = pipe.pieces.front()
            && *arrives <= self.now
            && !ended
        {
            let (_, mut bytes) = pipe.pieces.pop_front().expect("there is one");
            if let Some(left) = &mut pipe.cut_after {
                bytes.truncate(*left);
                *left -= bytes.len();
                ended = *left == 0;
            }
            let side = &mut self.sides[at];
            let link = side.links.get_mut(&number).expect("the link is there");
            // In pieces of any size, as sockets give them.
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(1 + self.dice.below(rest.len() as u64) as usize);
                link.feed(self.now, &mut side.peers, piece);
                rest = later;
            }
        }
        let pipe = &self.pipes[&number][1 - at];
        if ended || (pipe.ended && pipe.pieces.is_empty()) || pipe.cut_after == Some(0) {
            self.turn(at, number);
            let side = &mut self.sides[at];
            if let Some(link) = side.links.get_mut(&number) {
                link.disconnected(self.now, &mut side.peers);
            }
        }
    }

    /// Takes the events of a link and writes its output.
    fn turn(&mut self, at: usize, number: usize) {
        let side = &mut self.sides[at];
        let Some(link) = side.links.get_mut(&number) else { return };
        while let Some(event) = link.poll_event(self.now, &mut side.peers) {
            match event {
                Event::Lost { .. } => self.losses += 1,
                Event::Established { resumed, .. } => self.resumed += usize::from(resumed),
                Event::Closed(closed) => self.closed.push(closed),
                Event::Message(Message::Send { from, to, value }) => {
                    let counted = value.body.first_chunk().expect("it has a number");
                    let seen = u64::from_le_bytes(*counted);
                    let next = side.next.entry((from.fiber.slot, to.id.fiber.slot)).or_default();
                    assert!(seen >= *next, "message {seen} came after {next} was to come");
                    assert!(seen == *next || self.losses > 0, "message {seen} came and {next} was to come");
                    *next = seen + 1;
                    side.got += 1;
                }
                Event::Message(message) => panic!("nobody sent {message:?}"),
                Event::Gossip(packet) => panic!("nobody sent {packet:?}"),
            }
        }
        let pipe = &mut self.pipes.get_mut(&number).expect("the connection is there")[at];
        let before: usize = pipe.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        if before < 256 << 10 {
            let mut out = Vec::new();
            link.poll_output(self.now, &mut side.peers, &mut out);
            if !out.is_empty() {
                pipe.pieces.push_back((self.now + self.latency, out));
            }
        }
        if link.is_closed() {
            pipe.ended = true;
            side.links.remove(&number);
        }
        if let Some(session) = side.peers.session(side.peer) {
            session.invariants();
        }
    }

    fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.now += MILLISECOND;
            self.pump();
        }
    }

    /// Both ends learn at once that a connection is gone, or only one, and the other's bytes go nowhere.
    fn break_connection(&mut self, number: usize) {
        let both = self.dice.one_in(2);
        for at in [0, 1] {
            let side = &mut self.sides[at];
            if (at == 0 || both)
                && let Some(link) = side.links.get_mut(&number)
            {
                link.disconnected(self.now, &mut side.peers);
            }
        }
        let cuts = [self.dice.below(3000), self.dice.below(3000)];
        if let Some(pipes) = self.pipes.get_mut(&number) {
            for (pipe, cut) in pipes.iter_mut().zip(cuts) {
                pipe.cut_after = Some(cut as usize);
            }
        }
    }

    fn open_connections(&self) -> Vec<usize> {
        self.sides[0].links.keys().chain(self.sides[1].links.keys()).copied().collect()
    }

    /// Something happens to the connections.
    fn harm(&mut self) {
        let open = self.open_connections();
        match self.dice.below(6) {
            0 => {
                let from = self.dice.below(2) as usize;
                self.connect(from);
            }
            1 => {
                self.connect(0);
                self.connect(1);
            }
            2 | 3 if !open.is_empty() => {
                let number = open[self.dice.below(open.len() as u64) as usize];
                self.break_connection(number);
            }
            4 => self.latency = self.dice.below(60) * MILLISECOND,
            _ => {}
        }
    }

    /// A quiet end on a good connection: what was sent has come.
    fn settle(&mut self) {
        self.latency = MILLISECOND;
        for _ in 0..60 {
            if !self.sides.iter().all(|side| side.peers.session(side.peer).is_some_and(|open| open.is_connected())) {
                self.connect(0);
            }
            self.run(150);
            if self.sides.iter().all(|side| side.peers.session(side.peer).is_some_and(|open| open.held_bytes() == 0)) {
                return;
            }
        }
        panic!("the nodes did not come to an end: {:?}", self.closed);
    }

    fn all_came(&self) -> bool {
        self.sides[0].sent == self.sides[1].next && self.sides[1].sent == self.sides[0].next
    }
}

/// One story from a seed. Pauses are short enough for sessions to go on, unless `long` are wanted.
fn story(seed: u64, long: bool) -> Pair {
    let mut pair = Pair::new(seed);
    pair.connect(0);
    for _ in 0..40 {
        for _ in 0..pair.dice.below(6) {
            let from = pair.dice.below(2) as usize;
            let bytes = match pair.dice.below(40) {
                0 => 100_000 + pair.dice.below(200_000),
                1..=5 => pair.dice.below(40_000),
                _ => pair.dice.below(300),
            };
            pair.send(from, bytes as usize);
        }
        if pair.dice.one_in(3) {
            pair.harm();
        }
        let steps = pair.dice.below(30) as usize;
        pair.run(steps);
        if long && pair.dice.one_in(8) {
            pair.now += pair.dice.below(12_000) * MILLISECOND;
        }
        let connected = pair.sides[0].peers.session(OTHER).is_some_and(|session| session.is_connected());
        if !connected && pair.dice.one_in(2) {
            let from = pair.dice.below(2) as usize;
            pair.connect(from);
        }
    }
    pair.settle();
    pair
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_while_sessions_go_on() {
    let (mut resumed, mut whole) = (0, 0);
    for seed in 0..2000 {
        let pair = std::panic::catch_unwind(|| story(seed, false)).unwrap_or_else(|_| panic!("seed {seed}"));
        // A session that began twice, because its first WELCOME was lost, is lost for one side alone and held nothing yet.
        assert!(pair.losses > 0 || pair.all_came(), "seed {seed}");
        let broken = pair.closed.iter().find(|closed| matches!(closed, Closed::Protocol(_)));
        assert_eq!(broken, None, "seed {seed}");
        resumed += pair.resumed;
        whole += usize::from(pair.losses == 0);
    }
    assert!(resumed > 10_000, "sessions went on {resumed} times: the story is too quiet");
    assert!(whole > 1900, "{whole} of 2000 stories lost no session");
}

#[test]
fn a_lost_session_leaves_a_gap_and_nothing_else() {
    let mut losses = 0;
    for seed in 10_000..11_000 {
        let pair = std::panic::catch_unwind(|| story(seed, true)).unwrap_or_else(|_| panic!("seed {seed}"));
        assert!(pair.losses > 0 || pair.all_came(), "seed {seed}");
        losses += pair.losses;
    }
    assert!(losses > 500, "{losses} sessions were lost: the story is too quiet");
}

#[test]
fn a_large_message_delays_nobody_but_its_own_pair() {
    let mut pair = Pair::new(1);
    pair.connect(0);
    pair.run(30);
    pair.send_between(0, (0, 0), 3 << 20);
    pair.send_between(0, (0, 0), 10);
    pair.send_between(0, (1, 0), 10);
    // The small one of another pair is there with the first batch, and those of its own pair are not.
    pair.run(8);
    assert_eq!(pair.sides[1].next.get(&(1, 0)), Some(&1));
    assert_eq!(pair.sides[1].next.get(&(0, 0)), None);
    pair.run(1000);
    assert_eq!(pair.sides[1].next.get(&(0, 0)), Some(&2));
    assert_eq!(pair.closed, []);
}

#[test]
fn many_large_messages_take_turns_within_the_bounds() {
    let mut pair = Pair::new(2);
    pair.connect(0);
    pair.run(30);
    for round in 0..200 {
        for from in 0..FIBERS as u32 {
            pair.send_between(0, (from, round % 3), 100_000);
        }
        pair.run(20);
    }
    pair.settle();
    assert!(pair.all_came());
    assert_eq!(pair.closed, []);
    assert!(pair.sides[1].got > 500);
}

#[test]
fn an_idle_connection_stays_and_a_silent_one_ends() {
    let mut pair = Pair::new(3);
    let number = pair.connect(0);
    pair.run(60_000);
    assert_eq!(pair.closed, [], "a minute without a message");
    assert_eq!(pair.losses, 0);
    // From now on nothing arrives, and nobody is told.
    for pipe in pair.pipes.get_mut(&number).expect("it is open") {
        pipe.pieces.clear();
    }
    pair.latency = 1 << 50;
    let silent = pair.now;
    while pair.closed.is_empty() {
        pair.run(1);
    }
    let waited = pair.now - silent;
    assert_eq!(pair.closed[0], Closed::Silence);
    assert!(waited <= limits::SILENCE_MAX && waited > limits::SILENCE_MAX - limits::PING_AFTER - 100 * MILLISECOND);
    assert_eq!(pair.losses, 0, "the session outlives its connection");
    pair.run(10_100);
    assert_eq!(pair.losses, 2);
}

#[test]
fn a_full_session_takes_signals_and_loses_nothing() {
    let mut pair = Pair::new(4);
    pair.connect(0);
    pair.run(30);
    pair.break_connection(0);
    for _ in 0..200 {
        pair.send_between(0, (0, 0), 60_000);
    }
    let session = pair.sides[0].peers.session(OTHER).expect("it is there");
    assert!(session.is_full(pair.now));
    assert!(session.held_bytes() < limits::RESEND_BYTES_MAX + 61_000);
    let accepted = pair.sides[0].sent[&(0, 0)];
    assert!(accepted < 100, "{accepted} messages of 60 kB are in a buffer of 4 MiB");
    let signal = Message::Unlink { from: actor(NODE, 1), to: address(OTHER, 1) };
    let side = &mut pair.sides[0];
    assert_eq!(side.peers.send(pair.now, OTHER, SessionId(1), &signal), Ok(()));
}
