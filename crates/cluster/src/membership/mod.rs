//! Who belongs to the cluster, and who is alive: SWIM, with foca.
//!
//! A node probes one other after another, asks some to probe those that do not answer, and suspects whoever answers none of
//! them. One that is suspected and does not contradict in time is down. What a node learns it passes on with the packets that
//! it sends anyway. A packet leaves through [`Membership::poll_packet`], what it came to through [`Membership::poll_event`].
//! The time comes in, and of a seed follows whom it probes.
//!
//! **Invariant:** each node goes up and down in turns, and each turn is one event.

mod identity;
mod packet;
mod random;

use crate::limits::{
    ANNOUNCE_TIME, DOWN_MAX, DOWN_TIME, GOSSIP_NODES, GOSSIP_TIME, HEARD_TIME, INDIRECT_PROBES, LAST_TRANSMISSIONS,
    MEMBERS_MAX, PAUSE_MAX, PROBE_ANSWER_TIME, PROBE_TIME, RENEWAL_TIME, SUSPICION_TIME, TRANSMISSIONS,
};
use fardel_wire::id::{Incarnation, NodeId};
use fardel_wire::limits::GOSSIP_BYTES_MAX;
use foca::{Config, Foca, NoCustomBroadcast, Notification, PeriodicParams, State, Timer};
pub use identity::{Identity, Place};
use packet::{Packet, PacketCodec};
pub(crate) use random::Random;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::time::Duration;

/// A node of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// How often it has been started.
    pub incarnation: Incarnation,
    /// Its name.
    pub name: String,
    /// Where it can be reached; empty when it takes no connections.
    pub address: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether it has said so itself; what others say of it changes nothing then.
    pub is_proven: bool,
    /// Whether it is alive, as far as is known.
    pub life: Life,
    /// Since when it is as it is.
    since: u64,
}

/// Whether a node is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// It is connected, and has not said yet that it is a member.
    Met,
    /// It is.
    Alive,
    /// Somebody does not hear of it. It counts as alive until it is down.
    Suspected,
    /// It is down, or has left.
    Down,
}

/// What has become of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NodeEvent {
    /// It is a member.
    Up(NodeId),
    /// Somebody does not hear of it. Nothing follows from that.
    Suspected(NodeId),
    /// It has contradicted.
    Trusted(NodeId),
    /// It is down, or has left. Comes once after each [`NodeEvent::Up`].
    Down(NodeId),
    /// Others had taken this node for down; it is a member again, and has lost what depended on them.
    Renewed,
}

/// A change that the owner has to act on before anybody hears of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// An event.
    Event(NodeEvent),
    /// This incarnation of a node is down.
    Down(NodeId, Incarnation),
    /// Nothing is known of a node any more.
    Forgotten(NodeId),
    /// Other labels of a node are known than before.
    Labels(NodeId),
}

/// What is known first-hand of a node with which there is a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FirstHand {
    /// The incarnation that its handshake has proven.
    pub incarnation: Incarnation,
    /// When something came from it last.
    pub heard_at: u64,
}

/// Why a packet of a peer has no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the packet is none, or not the peer's")]
pub struct Refused;

/// See the [module](self).
pub struct Membership {
    foca: Foca<Identity, PacketCodec, Random, NoCustomBroadcast>,
    /// Those that are known, this node included.
    members: BTreeMap<NodeId, Member>,
    effects: Effects,
    /// By time, and then in the order in which they were made.
    timers: BTreeMap<(u64, u64), Timer<Identity>>,
    timers_made: u64,
    packets: VecDeque<(NodeId, Vec<u8>)>,
    changes: VecDeque<Change>,
    down_count: usize,
    /// When one of those that are down is asked whether it is there.
    announce_at: u64,
    /// When the time came in last.
    looked: u64,
    random: Random,
    /// Until when this node takes nobody's word that it is down itself.
    renewed_until: u64,
    is_introduced: bool,
    has_left: bool,
}

/// What foca wants.
#[derive(Default)]
struct Effects {
    sent: Vec<(NodeId, Vec<u8>)>,
    timers: Vec<(Duration, Timer<Identity>)>,
    /// Nodes of which something has changed.
    changed: BTreeSet<NodeId>,
    renewed: bool,
}

impl foca::Runtime<Identity> for &mut Effects {
    fn notify(&mut self, notification: Notification<'_, Identity>) {
        match notification {
            Notification::MemberUp(id) | Notification::MemberDown(id) | Notification::Rename(_, id) => {
                self.changed.insert(id.node);
            }
            Notification::Rejoin(_) => self.renewed = true,
            Notification::Active | Notification::Idle | Notification::Defunct => {}
        }
    }

    fn send_to(&mut self, to: Identity, data: &[u8]) {
        self.sent.push((to.node, data.to_vec()));
    }

    fn submit_after(&mut self, event: Timer<Identity>, after: Duration) {
        self.timers.push((after, event));
    }
}

impl Member {
    /// What a node without labels says of itself.
    pub fn new(incarnation: Incarnation, name: &str, address: &str) -> Member {
        let (name, address) = (name.to_owned(), address.to_owned());
        Member { incarnation, name, address, labels: Vec::new(), is_proven: true, life: Life::Alive, since: 0 }
    }

    /// The same with labels: at most [`NODE_LABELS_MAX`], of at most [`NODE_LABEL_BYTES_MAX`] bytes each.
    ///
    /// [`NODE_LABELS_MAX`]: fardel_wire::limits::NODE_LABELS_MAX
    /// [`NODE_LABEL_BYTES_MAX`]: fardel_wire::limits::NODE_LABEL_BYTES_MAX
    pub fn with_labels(self, labels: Vec<String>) -> Member {
        Member { labels, ..self }
    }
}

impl Membership {
    /// That of a node which knows nobody; of `seed` follows whom it probes and tells.
    pub fn new(node: NodeId, own: Member, seed: u64) -> Membership {
        let place = Place { name: own.name.clone(), address: own.address.clone(), labels: own.labels.clone() };
        let identity = Identity::new(node, own.incarnation).at(place);
        let mut random = Random(seed);
        let foca = Foca::new(identity, config(), Random(random.next()), PacketCodec);
        Membership {
            foca,
            members: BTreeMap::from([(node, own)]),
            effects: Effects::default(),
            timers: BTreeMap::new(),
            timers_made: 0,
            packets: VecDeque::new(),
            changes: VecDeque::new(),
            down_count: 0,
            announce_at: ANNOUNCE_TIME,
            looked: 0,
            random,
            renewed_until: 0,
            is_introduced: false,
            has_left: false,
        }
    }

    /// This node.
    pub fn own(&self) -> NodeId {
        self.foca.identity().node
    }

    /// What is known of a node.
    pub fn get(&self, node: NodeId) -> Option<&Member> {
        self.members.get(&node)
    }

    /// The nodes that are known, this one included, whether they are alive or not.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        self.members.iter().map(|(node, member)| (*node, member))
    }

    /// The node of this name; of several one that is not down, and the one that was started last.
    pub(crate) fn named(&self, name: &str) -> Option<NodeId> {
        let named = self.iter().filter(|(_, member)| member.name == name);
        named.max_by_key(|(_, member)| (member.life != Life::Down, member.incarnation)).map(|(node, _)| node)
    }

    /// Whether this node is no member: it has no name.
    pub(crate) fn is_guest(&self) -> bool {
        self.get(self.own()).is_some_and(|own| own.name.is_empty())
    }

    /// Notes what a guest was told of a node, so that it can be named and dialled.
    pub(crate) fn heard_of(&mut self, node: NodeId, incarnation: Incarnation, name: &str, address: &str) {
        if self.is_guest() && node != self.own() && self.members.len() < MEMBERS_MAX {
            let member = Member { is_proven: false, ..Member::new(incarnation, name, address) };
            self.members.insert(node, member);
        }
    }

    pub(crate) fn is_down(&self, node: NodeId) -> bool {
        self.get(node).is_some_and(|member| member.life == Life::Down)
    }

    /// Whether somebody has told this node who belongs to the cluster.
    pub fn is_introduced(&self) -> bool {
        self.is_introduced
    }

    /// A node is at the other end of a connection, as its handshake has proven. It is asked who is alive.
    pub fn met(&mut self, now: u64, node: NodeId, incarnation: Incarnation, name: &str) {
        if node == self.own() || self.has_left {
            return;
        }
        self.look_at(now);
        self.end_other_lives(now, node, incarnation);
        let entry = self.members.entry(node).or_insert_with(|| Member {
            life: Life::Met,
            since: now,
            ..Member::new(incarnation, name, "")
        });
        if entry.life == Life::Met || !entry.is_proven {
            (entry.incarnation, entry.name, entry.is_proven) = (incarnation, name.to_owned(), true);
        }
        self.announce(now, node, incarnation);
    }

    /// The handshake has proven which incarnation there is: any other is over, or is an invention.
    fn end_other_lives(&mut self, now: u64, node: NodeId, incarnation: Incarnation) {
        let known = self.foca.iter_membership_state().find(|known| known.id().node == node).cloned();
        let Some(other) = known.filter(|known| known.id().incarnation != incarnation) else { return };
        let id = other.id().clone();
        let is_invention = id.incarnation > incarnation;
        let down = foca::Member::new(id.clone(), other.incarnation(), State::Down);
        // What foca cannot do is told by it, and changes nothing.
        let _ = self.foca.apply_many([down].into_iter(), !is_invention, &mut self.effects);
        self.settle(now);
        if is_invention {
            let _ = self.foca.handle_timer(Timer::RemoveDown(id), &mut self.effects);
            self.drop_member(node);
        }
    }

    /// Says to a node that this one is there, and asks who else is.
    pub(crate) fn announce(&mut self, now: u64, node: NodeId, incarnation: Incarnation) {
        if !self.has_left {
            let _ = self.foca.announce(Identity::new(node, incarnation), &mut self.effects);
            self.settle(now);
        }
    }

    /// There is no session with a node any more.
    pub(crate) fn parted(&mut self, node: NodeId) {
        if self.get(node).is_some_and(|member| member.life == Life::Met) {
            self.members.remove(&node);
        }
    }

    /// Takes a packet of the node `peer`, which the handshake has proven to be there in this incarnation. `first_hand`
    /// says what is known of nodes with which there is a connection: it goes before what the peer says of them.
    ///
    /// # Errors
    /// [`Refused`], and then nothing has changed.
    pub fn packet(
        &mut self,
        now: u64,
        (peer, incarnation): (NodeId, Incarnation),
        bytes: &[u8],
        first_hand: impl Fn(NodeId) -> Option<FirstHand>,
    ) -> Result<(), Refused> {
        if self.has_left {
            return Ok(());
        }
        self.look_at(now);
        let mut packet = Packet::read(bytes).map_err(|_| Refused)?;
        let (from, own) = (&packet.header.src, self.foca.identity());
        if (from.node, from.incarnation) != (peer, incarnation) || packet.header.dst.node != own.node || peer == own.node {
            return Err(Refused);
        }
        let own = own.clone();
        // A peer does not have it tell all others so as often as that peer likes.
        let is_renewed = now < self.renewed_until;
        if is_renewed && packet.header.message == foca::Message::TurnUndead {
            return Ok(());
        }
        let told = packet.members.as_ref().map_or(0, Vec::len);
        let mut room = MEMBERS_MAX.saturating_sub(self.members.len());
        if let Some(members) = &mut packet.members {
            members.retain(|told| {
                let id = told.id();
                let is_contradicted = first_hand(id.node).filter(|_| id.node != peer).is_some_and(|known| {
                    let is_fresh = now.saturating_sub(known.heard_at) < HEARD_TIME;
                    known.incarnation != id.incarnation || (told.state() == State::Down && is_fresh)
                });
                // Of its own lives a node knows best.
                let is_own_future = id.node == own.node && (id.incarnation, id.renewal) > (own.incarnation, own.renewal);
                let is_own_end = is_renewed && id.node == own.node && told.state() == State::Down;
                let is_new = !self.members.contains_key(&id.node);
                let has_room = !is_new || room > 0;
                let is_believed = !is_contradicted && !is_own_future && !is_own_end && has_room;
                room -= usize::from(is_believed && is_new);
                is_believed
            });
        }
        let is_whole = packet.members.as_ref().map_or(0, Vec::len) == told;
        let believed = if is_whole { Vec::new() } else { packet.write().map_err(|_| Refused)? };
        self.effects.changed.extend(packet.members.iter().flatten().map(|member| member.id().node));
        if self.get(peer).is_none_or(|member| member.life != Life::Alive) {
            self.effects.changed.insert(peer);
        }
        self.is_introduced |= packet.header.message == foca::Message::Feed;
        let from = packet.header.src;
        let taken = self.foca.handle_data(if is_whole { bytes } else { &believed }, &mut self.effects).map_err(|_| Refused);
        self.settle(now);
        let ((name, address), labels) = (from.told(), from.labels());
        let is_news = |member: &&mut Member| {
            (member.name.as_str(), member.address.as_str(), member.is_proven) != (name, address, true)
                || member.labels != labels
        };
        let known = self.members.get_mut(&peer).filter(|member| member.incarnation == from.incarnation);
        if let Some(member) = known.filter(is_news) {
            (member.name, member.address, member.is_proven) = (name.to_owned(), address.to_owned(), true);
            if member.labels != labels {
                member.labels = labels.to_vec();
                self.changes.push_back(Change::Labels(peer));
            }
        }
        taken
    }

    /// Does what is due. To be called at [`Membership::next_timeout`] at the latest, and as often as one likes.
    pub fn tick(&mut self, now: u64) {
        self.look_at(now);
        while let Some(timer) = self.timers.first_entry().filter(|timer| timer.key().0 <= now) {
            let timer = timer.remove();
            if self.is_meant(&timer) {
                let may_suspect = matches!(timer, Timer::ProbeRandomMember(_));
                let _ = self.foca.handle_timer(timer, &mut self.effects);
                if may_suspect {
                    let suspected = self.foca.iter_membership_state().filter(|known| known.state() == State::Suspect);
                    self.effects.changed.extend(suspected.map(|known| known.id().node));
                }
                self.settle(now);
            }
        }
        if self.down_count > 0 && self.announce_at <= now {
            // Both sides would dial at the same time otherwise.
            let spread = self.random.next() % ANNOUNCE_TIME;
            self.announce_at = now.saturating_add(ANNOUNCE_TIME / 2 + spread);
            self.announce_to_one_down(now);
            self.forget(now);
        }
    }

    /// Whether a timer is about what is still so. To a node that has contradicted foca would say all the same that it is down.
    fn is_meant(&self, timer: &Timer<Identity>) -> bool {
        match timer {
            Timer::ChangeSuspectToDown { member_id, incarnation, token: _ } => {
                let suspected = |known: &foca::Member<Identity>| {
                    known.state() == State::Suspect && known.incarnation() == *incarnation && known.id() == member_id
                };
                self.foca.iter_membership_state().any(suspected)
            }
            Timer::ProbeRandomMember(_)
            | Timer::SendIndirectProbe { .. }
            | Timer::PeriodicAnnounce(_)
            | Timer::PeriodicAnnounceDown(_)
            | Timer::PeriodicGossip(_)
            | Timer::RemoveDown(_) => true,
        }
    }

    /// Time in which the node did not run counts for nobody: it has heard nothing, whoever spoke.
    fn look_at(&mut self, now: u64) {
        let pause = now.saturating_sub(std::mem::replace(&mut self.looked, now));
        if pause <= PAUSE_MAX {
            return;
        }
        let timers = std::mem::take(&mut self.timers);
        self.timers = timers.into_iter().map(|((at, number), timer)| ((at.saturating_add(pause), number), timer)).collect();
    }

    /// When [`Membership::tick`] has something to do.
    pub fn next_timeout(&self) -> Option<u64> {
        let timer = self.timers.first_key_value().map(|((at, _), _)| *at);
        timer.into_iter().chain((self.down_count > 0).then_some(self.announce_at)).min()
    }

    /// Two sides that were parted take each other for down, and neither would speak first.
    fn announce_to_one_down(&mut self, now: u64) {
        let down = self.members.iter().filter(|(_, member)| member.life == Life::Down && !member.address.is_empty());
        let down: Vec<(NodeId, Incarnation)> = down.map(|(node, member)| (*node, member.incarnation)).collect();
        let at = self.random.next().checked_rem(down.len() as u64);
        if let Some((node, incarnation)) = at.and_then(|at| down.get(at as usize)) {
            self.announce(now, *node, *incarnation);
        }
    }

    /// Forgets those that have been down for long, and of too many the first ones.
    fn forget(&mut self, now: u64) {
        let down = self.members.iter().filter(|(_, member)| member.life == Life::Down);
        let mut down: Vec<(u64, NodeId)> = down.map(|(node, member)| (member.since, *node)).collect();
        down.sort_unstable();
        let surplus = down.len().saturating_sub(DOWN_MAX);
        let is_old = |(at, (since, _)): &(usize, (u64, NodeId))| *at < surplus || now.saturating_sub(*since) >= DOWN_TIME;
        let old: BTreeSet<NodeId> = down.into_iter().enumerate().filter(is_old).map(|(_, (_, node))| node).collect();
        let ids = self.foca.iter_membership_state().map(|member| member.id()).filter(|id| old.contains(&id.node));
        for id in ids.cloned().collect::<Vec<Identity>>() {
            let _ = self.foca.handle_timer(Timer::RemoveDown(id), &mut self.effects);
        }
        for node in old {
            self.drop_member(node);
            self.changes.push_back(Change::Forgotten(node));
        }
    }

    fn drop_member(&mut self, node: NodeId) {
        if let Some(member) = self.members.remove(&node) {
            self.down_count -= usize::from(member.life == Life::Down);
        }
    }

    /// Leaves the cluster: all that are known hear of it. From now on nothing is taken or sent.
    pub fn leave(&mut self, now: u64) {
        let all = NonZeroUsize::new(self.foca.num_members()).unwrap_or(NonZeroUsize::MIN);
        let config = Config { num_indirect_probes: all, max_transmissions: LAST_TRANSMISSIONS, ..config() };
        // Only what is not changed here could be refused.
        let _ = self.foca.set_config(config);
        let _ = self.foca.leave_cluster(&mut self.effects);
        self.settle(now);
        self.timers.clear();
        self.down_count = 0;
        self.has_left = true;
    }

    /// The next packet to send, and to whom.
    pub fn poll_packet(&mut self) -> Option<(NodeId, Vec<u8>)> {
        self.packets.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<NodeEvent> {
        loop {
            match self.changes.pop_front()? {
                Change::Event(event) => return Some(event),
                Change::Down(node, _) => return Some(NodeEvent::Down(node)),
                Change::Forgotten(_) | Change::Labels(_) => {}
            }
        }
    }

    pub(crate) fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Takes what foca wants.
    fn settle(&mut self, now: u64) {
        let Effects { sent, timers, changed, renewed } = std::mem::take(&mut self.effects);
        self.packets.extend(sent);
        for (after, timer) in timers {
            let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
            self.timers_made += 1;
            self.timers.insert((now.saturating_add(after), self.timers_made), timer);
        }
        if !changed.is_empty() {
            let known = self.foca.iter_membership_state().filter(|known| changed.contains(&known.id().node));
            let known: Vec<foca::Member<Identity>> = known.cloned().collect();
            known.iter().for_each(|known| self.note(now, known));
        }
        if renewed {
            self.renewed_until = now.saturating_add(RENEWAL_TIME);
            self.changes.push_back(Change::Event(NodeEvent::Renewed));
        }
    }

    /// Notes what foca knows of a node, and tells what is different from before.
    fn note(&mut self, now: u64, known: &foca::Member<Identity>) {
        let id = known.id();
        if id.node == self.own() {
            return;
        }
        let life = match known.state() {
            State::Alive => Life::Alive,
            State::Suspect => Life::Suspected,
            State::Down => Life::Down,
        };
        let before = self.members.get(&id.node).map(|member| (member.life, member.incarnation));
        let was = before.unwrap_or((Life::Met, id.incarnation));
        let was_up = matches!(was.0, Life::Alive | Life::Suspected);
        let is_other = was.1 != id.incarnation;
        if was_up && (life == Life::Down || is_other) {
            self.changes.push_back(Change::Down(id.node, was.1));
        }
        if life != Life::Down && (!was_up || is_other) {
            self.changes.push_back(Change::Event(NodeEvent::Up(id.node)));
        }
        match (was.0, life) {
            (_, Life::Suspected) if was.0 != Life::Suspected => self.tell(NodeEvent::Suspected(id.node)),
            (Life::Suspected, Life::Alive) if !is_other => self.tell(NodeEvent::Trusted(id.node)),
            (Life::Met | Life::Alive | Life::Suspected | Life::Down, _) => {}
        }
        self.down_count += usize::from(life == Life::Down);
        self.down_count -= usize::from(before.is_some() && was.0 == Life::Down);
        self.keep(now, id, life);
    }

    fn tell(&mut self, event: NodeEvent) {
        self.changes.push_back(Change::Event(event));
    }

    fn keep(&mut self, now: u64, id: &Identity, life: Life) {
        let (name, address) = id.told();
        let labels = id.labels();
        let fresh = || Member {
            labels: labels.to_vec(),
            is_proven: false,
            life,
            since: now,
            ..Member::new(id.incarnation, name, address)
        };
        let member = self.members.entry(id.node).or_insert_with(fresh);
        if member.incarnation != id.incarnation {
            *member = fresh();
        }
        if member.life != life {
            (member.life, member.since) = (life, now);
        }
        if member.address.is_empty() {
            address.clone_into(&mut member.address);
        }
        if !member.is_proven && id.place.is_some() && member.labels != labels {
            member.labels = labels.to_vec();
            self.changes.push_back(Change::Labels(id.node));
        }
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership")
            .field("own", self.foca.identity())
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}

fn config() -> Config {
    let every = |time: u64, nodes| PeriodicParams { frequency: Duration::from_nanos(time), num_members: nodes };
    Config {
        probe_period: Duration::from_nanos(PROBE_TIME),
        probe_rtt: Duration::from_nanos(PROBE_ANSWER_TIME),
        num_indirect_probes: INDIRECT_PROBES,
        max_transmissions: TRANSMISSIONS,
        suspect_to_down_after: Duration::from_nanos(SUSPICION_TIME),
        // Whom to forget is decided here, as it is bounded by number as well.
        remove_down_after: None,
        max_packet_size: const { NonZeroUsize::new(GOSSIP_BYTES_MAX).unwrap() },
        notify_down_members: true,
        periodic_announce: Some(every(ANNOUNCE_TIME, NonZeroUsize::MIN)),
        // Foca does it only while somebody is alive.
        periodic_announce_to_down_members: None,
        periodic_gossip: Some(every(GOSSIP_TIME, GOSSIP_NODES)),
    }
}
