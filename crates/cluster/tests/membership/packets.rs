//! Packets of peers: whose they are, and what of them is believed.

use crate::swarm::{SECOND, id_of, membership};
use fardel_cluster::limits::{DOWN_MAX, DOWN_TIME, HEARD_TIME, MEMBERS_MAX};
use fardel_cluster::membership::{FirstHand, Life, Member, Membership, NodeEvent, Refused};
use fardel_wire::id::{Incarnation, NodeId};

const ALIVE: u8 = 0;
const SUSPECTED: u8 = 1;
const DOWN: u8 = 2;
const GOSSIP: u8 = 8;

fn short(node: usize, incarnation: u32) -> Vec<u8> {
    [&id_of(node).0[..], &incarnation.to_le_bytes(), &0_u32.to_le_bytes()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

fn member(node: usize, incarnation: u32, state: u8) -> Vec<u8> {
    [&short(node, incarnation)[..], &text("n"), &text("h:1"), &[0], &[0, 0, state]].concat()
}

/// A packet from one node to node 0 that tells of these members.
fn gossip(from: usize, incarnation: u32, members: &[Vec<u8>]) -> Vec<u8> {
    let head = [&short(from, incarnation)[..], &text("n"), &text("h:1"), &[0], &[0, 0], &short(0, 1), &[GOSSIP]].concat();
    [&head[..], &(members.len() as u16).to_be_bytes(), &members.concat()].concat()
}

/// Node 0 takes a packet of a peer in incarnation 1.
fn take(node: &mut Membership, peer: usize, packet: &[u8]) -> Result<(), Refused> {
    node.packet(0, (id_of(peer), Incarnation(1)), packet, |_| None)
}

fn events(node: &mut Membership) -> Vec<NodeEvent> {
    std::iter::from_fn(|| node.poll_event()).collect()
}

/// Checks that a packet of peer 1 is refused, and changes nothing.
#[track_caller]
fn refused(packet: &[u8], why: &str) {
    let mut node = membership(0, 1);
    take(&mut node, 1, &gossip(1, 1, &[member(2, 1, ALIVE)])).expect("it is right");
    while node.poll_packet().is_some() {}
    let before = (format!("{node:?}"), events(&mut node), node.next_timeout());
    assert_eq!(before.1, [NodeEvent::Up(id_of(1)), NodeEvent::Up(id_of(2))]);
    assert_eq!(take(&mut node, 1, packet), Err(Refused), "{why}");
    assert_eq!(format!("{node:?}"), before.0, "{why}");
    assert_eq!((events(&mut node), node.poll_packet(), node.next_timeout()), (Vec::new(), None, before.2), "{why}");
}

/// NOD9: a peer speaks for itself alone, in the incarnation that its handshake has proven.
#[test]
fn nod9_a_peer_does_not_speak_as_another() {
    refused(&gossip(2, 1, &[]), "it says that it is another node");
    refused(&gossip(3, 1, &[member(2, 1, DOWN)]), "it says that it is an unknown node");
    refused(&gossip(1, 2, &[]), "it says that it is a later incarnation");
    refused(&gossip(0, 1, &[]), "it says that it is the receiver");
    let mut to_another = gossip(1, 1, &[]);
    let at = short(1, 1).len() + text("n").len() + text("h:1").len() + 1 + 2;
    to_another[at] = 9;
    refused(&to_another, "it is for another node");
}

#[test]
fn nod9_what_is_no_packet_changes_nothing() {
    let right = gossip(1, 1, &[member(3, 1, ALIVE)]);
    for end in 0..right.len() {
        refused(&right[..end], "it ends early");
    }
    refused(&[&right[..], &[0]].concat(), "something follows");
    refused(&gossip(1, 1, &[member(3, 1, 3)]), "a state that is none");
    let head = right.len() - member(3, 1, ALIVE).len() - 2;
    refused(&[&right[..head], &[0xff, 0xff], &right[head + 2..]].concat(), "it counts more members than there are");
    for purpose in 10..=u8::MAX {
        refused(&[&right[..head - 1], &[purpose], &right[head..]].concat(), "a purpose that is none");
    }
    let long = |name: usize, address: usize| {
        let told = [&short(3, 1)[..], &text(&"n".repeat(name)), &text(&"a".repeat(address)), &[0], &[0, 0, ALIVE]].concat();
        gossip(1, 1, &[told])
    };
    let labelled = |labels: &[String], count: usize| {
        let labels: Vec<u8> = labels.iter().flat_map(|label| text(label)).collect();
        let told = [&short(3, 1)[..], &text("n"), &text("h:1"), &[count as u8], &labels, &[0, 0, ALIVE]].concat();
        gossip(1, 1, &[told])
    };
    refused(&labelled(&vec!["x".to_owned(); 17], 17), "too many labels");
    refused(&labelled(&["x".repeat(65)], 1), "a label that is too long");
    refused(&labelled(&["x".to_owned()], 2), "it counts more labels than there are");
    refused(&labelled(&[], 255), "it counts labels where there are none");
    refused(&long(256, 1), "a name that is too long");
    refused(&long(1, 261), "an address that is too long");
    let mut not_text = right.clone();
    not_text[head + 2 + short(3, 1).len() + 2] = 0xff;
    refused(&not_text, "a name that is not UTF-8");
}

/// Whatever is changed in a packet, nothing panics, and a refused one changes nothing.
#[test]
fn no_changed_byte_makes_a_membership_panic() {
    let right = gossip(1, 1, &[member(2, 1, SUSPECTED), member(3, 1, ALIVE), member(0, 1, DOWN)]);
    for purpose in 0..10 {
        let head = gossip(1, 1, &[]).len() - 3;
        let probe: &[u8] = if purpose < 2 { &[7] } else { &[] };
        let about = if (2..6).contains(&purpose) { [short(2, 1), vec![7]].concat() } else { Vec::new() };
        let packet = [&right[..head], &[purpose], &about, probe, &right[head + 1..]].concat();
        for at in 0..packet.len() {
            for change in [1, 2, 0x40, 0x80, 0xff] {
                let mut changed = packet.clone();
                changed[at] ^= change;
                let mut node = membership(0, 1);
                if take(&mut node, 1, &changed).is_err() {
                    assert_eq!(node.iter().count(), 1, "byte {at}");
                }
                (0..20).for_each(|step| node.tick(step * SECOND));
            }
        }
    }
}

#[test]
fn there_is_a_bound_to_who_is_believed_to_exist() {
    let mut node = membership(0, 1);
    let all: Vec<usize> = (2..MEMBERS_MAX + 2_000).collect();
    for some in all.chunks(400) {
        let members: Vec<Vec<u8>> = some.iter().map(|other| member(*other, 1, ALIVE)).collect();
        take(&mut node, 1, &gossip(1, 1, &members)).expect("it is right");
        while node.poll_packet().is_some() {}
    }
    assert_eq!(node.iter().count(), MEMBERS_MAX);
}

#[test]
fn of_itself_and_of_those_it_hears_a_node_believes_no_other() {
    let mut node = membership(0, 1);
    take(&mut node, 1, &gossip(1, 1, &[member(2, 1, ALIVE)])).expect("it is right");
    events(&mut node);
    let lies = gossip(1, 1, &[member(2, 1, DOWN), member(2, 7, ALIVE), member(0, 7, DOWN), member(0, 7, ALIVE)]);
    let now = HEARD_TIME;
    let heard =
        |heard_at: u64| move |other| (other == id_of(2)).then_some(FirstHand { incarnation: Incarnation(1), heard_at });
    let peer = (id_of(1), Incarnation(1));
    node.packet(now, peer, &lies, heard(1)).expect("it can be read");
    assert_eq!(events(&mut node), []);
    assert_eq!(node.get(id_of(2)).map(|member| (member.life, member.incarnation)), Some((Life::Alive, Incarnation(1))));
    // Of whom it has not heard for a while it believes it.
    node.packet(now, peer, &gossip(1, 1, &[member(2, 1, DOWN)]), heard(0)).expect("it can be read");
    assert_eq!(events(&mut node), [NodeEvent::Down(id_of(2))]);
}

/// NOD7: who was taken for down goes on under a later renewal; it is told so with the first packet that it sends.
#[test]
fn nod7_who_was_taken_for_down_renews_itself() {
    let mut node = membership(0, 1);
    take(&mut node, 1, &gossip(1, 1, &[])).expect("it is right");
    take(&mut node, 1, &gossip(1, 1, &[member(0, 1, DOWN)])).expect("it is right");
    assert_eq!(events(&mut node), [NodeEvent::Up(id_of(1)), NodeEvent::Renewed]);
    let (to, packet) = node.poll_packet().expect("it tells of it");
    assert_eq!((to, &packet[16..24]), (id_of(1), &[1, 0, 0, 0, 1, 0, 0, 0][..]), "incarnation 1, renewal 1");
    // Not again and again, as often as somebody says so.
    let mut lie = gossip(1, 1, &[member(0, 1, DOWN)]);
    let renewal = lie.len() - member(0, 1, DOWN).len() + 20;
    lie[renewal] = 1;
    let to = lie.len() - member(0, 1, DOWN).len() - 2 - 1 - 4;
    lie[to] = 1;
    take(&mut node, 1, &lie).expect("it can be read");
    assert_eq!(events(&mut node), []);
    node.packet(SECOND, (id_of(1), Incarnation(1)), &lie, |_| None).expect("it can be read");
    assert_eq!(events(&mut node), [NodeEvent::Renewed]);
}

/// An invention that came before the node itself is put right by its handshake.
#[test]
fn nod6_the_handshake_goes_before_hearsay() {
    let mut node = membership(0, 1);
    take(&mut node, 1, &gossip(1, 1, &[member(2, 9, ALIVE)])).expect("it is right");
    node.met(0, id_of(2), Incarnation(3), "two");
    let packet = gossip(2, 3, &[]);
    node.packet(0, (id_of(2), Incarnation(3)), &packet, |_| None).expect("it is right");
    let invented = [NodeEvent::Up(id_of(1)), NodeEvent::Up(id_of(2)), NodeEvent::Down(id_of(2))];
    assert_eq!(events(&mut node), [&invented[..], &[NodeEvent::Up(id_of(2))]].concat());
    assert_eq!(node.get(id_of(2)).map(|member| member.incarnation), Some(Incarnation(3)));
}

/// However many nodes come and go, a bounded number is remembered, and none for ever.
#[test]
fn who_has_left_is_forgotten() {
    let mut node = membership(0, 1);
    let all: Vec<usize> = (2..DOWN_MAX + 500).collect();
    for some in all.chunks(300) {
        let members: Vec<Vec<u8>> = some.iter().map(|other| member(*other, 1, DOWN)).collect();
        take(&mut node, 1, &gossip(1, 1, &members)).expect("it is right");
    }
    let pass = |node: &mut Membership, from: u64, to: u64| {
        for now in from..to {
            node.tick(now * SECOND);
            while node.poll_packet().is_some() {}
        }
    };
    pass(&mut node, 0, 20);
    assert_eq!(node.iter().count(), 1 + DOWN_MAX, "it remembers itself, and the last ones");
    pass(&mut node, 20, 1_000);
    assert_eq!(node.iter().count(), 1 + DOWN_MAX);
    let hours = DOWN_TIME / SECOND;
    pass(&mut node, hours, hours + 20);
    assert_eq!(node.iter().count(), 1);
}

/// A node that was stopped itself takes nobody for down because of that.
#[test]
fn nod8_a_pause_of_its_own_counts_for_nobody() {
    let mut node = membership(0, 1);
    take(&mut node, 1, &gossip(1, 1, &[])).expect("it is right");
    // Until it suspects node 1, which does not answer.
    let mut now = 0;
    while node.get(id_of(1)).is_some_and(|member| member.life == Life::Alive) {
        now += SECOND / 10;
        node.tick(now);
        assert!(now < 5 * SECOND, "it probes");
    }
    events(&mut node);
    now += 60 * SECOND;
    node.tick(now);
    assert_eq!(events(&mut node), []);
    let answer = [&short(1, 1)[..], &text("n"), &text("h:1"), &[0], &[1, 0], &short(0, 1), &[GOSSIP, 0, 0]].concat();
    node.packet(now, (id_of(1), Incarnation(1)), &answer, |_| None).expect("it is right");
    assert_eq!(events(&mut node), [NodeEvent::Trusted(id_of(1))]);
}

/// The packet that the specification shows is one.
#[test]
fn the_packet_of_the_specification_is_taken() {
    let spec = include_str!("../../../../docs/spec/wire.md");
    let (_, example) = spec.split_once("```hex name=frame-gossip\n").expect("it is there");
    let (example, _) = example.split_once("```").expect("it ends");
    let words = example.lines().filter_map(|line| line.split(';').next()).flat_map(str::split_whitespace);
    let bytes: Vec<u8> = words.map(|word| u8::from_str_radix(word, 16).expect("it is a byte")).collect();
    let node = |byte| {
        let mut id = [0; 16];
        id[..2].fill(byte);
        NodeId(id)
    };
    let mut left = Membership::new(node(0x0a), Member::new(Incarnation(1), "left", "h:7001"), 1);
    left.packet(0, (node(0x0b), Incarnation(1)), &bytes[6..], |_| None).expect("it is a packet");
    let (right, third) = (node(0x0b), node(0x0c));
    let heard = events(&mut left);
    assert!(
        [NodeEvent::Up(right), NodeEvent::Up(third), NodeEvent::Suspected(third)].iter().all(|event| heard.contains(event))
    );
    let shown = |id| left.get(id).map(|member| (member.incarnation.0, member.name.as_str(), member.address.as_str()));
    assert_eq!((shown(right), shown(third)), (Some((1, "right", "h:7002")), Some((2, "third", ""))));
    let labels = |id| left.get(id).map(|member| member.labels.clone());
    assert_eq!((labels(right), labels(third)), (Some(Vec::new()), Some(vec!["gpu".to_owned()])));
    let (to, answer) = left.poll_packet().expect("it answers");
    let purpose = 24 + text("left").len() + text("h:7001").len() + 1 + 2 + 24;
    assert_eq!((to, &answer[purpose..purpose + 2]), (right, &[1, 7][..]), "ACK, with the number of the probe");
}
