//! A node of the next version and one of this one, over real connections.

use crate::peer::{Peer, connect};
use crate::support::{both, run};
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::Message;
use fardel_wire::hello::{Features, VERSIONS, Version};
use fardel_wire::id::{ActorId, Address, Incarnation, Tag};
use fardel_wire::link::Closed;
use fardel_wire::table::RefusalCode;

/// What the next version would say more in HELLO.
fn longer(hello: &mut Vec<u8>) {
    hello.extend_from_slice(b"more");
    let length = u32::try_from(hello.len() - 4).expect("it is short");
    hello.get_mut(..4).expect("a length").copy_from_slice(&length.to_le_bytes());
}

/// NOD9: a node of the next version speaks this one with a node of this one, and both understand each other.
#[test]
fn a_node_of_the_next_version_speaks_this_one() {
    let next = Version(VERSIONS.1.0 + 1);
    run(async {
        for address in both("one").await {
            let (connection, mut local) = connect(address).await;
            local.versions = (VERSIONS.1, next);
            // Features of later days are bits that are not known here.
            local.node.features = Features(u64::MAX);
            let mut peer = Peer::hello(connection, local, longer).await;
            assert_eq!(peer.until(|peer| peer.version.is_some()).await, None);
            assert_eq!(peer.version, Some(VERSIONS.1));
            let (own, other) = (peer.peers.local().node.id, peer.node.expect("the handshake is over"));
            let actor = |node| ActorId { node, incarnation: Incarnation(1), fiber: FiberId { slot: 1, generation: 1 } };
            let to = Address { id: actor(other), tag: Tag([0; 16]) };
            peer.send(&Message::Unlink { from: actor(own), to });
            assert!(peer.held() > 0);
            assert_eq!(peer.until(|peer| peer.held() == 0).await, None, "it has arrived");
        }
    });
}

/// NOD9: without a version in common the connection is refused, and both sides know why.
#[test]
fn nodes_without_a_version_in_common_say_so() {
    let (next, after) = (Version(VERSIONS.1.0 + 1), Version(VERSIONS.1.0 + 2));
    run(async {
        for address in both("one").await {
            let (connection, mut local) = connect(address).await;
            local.versions = (next, after);
            let mut peer = Peer::hello(connection, local, longer).await;
            match peer.until(|_| false).await {
                Some(Closed::RefusedByPeer(refusal)) => {
                    assert_eq!(refusal.code, RefusalCode::Version);
                    assert_eq!(refusal.text, "versions 1 to 1 are spoken here, 2 to 3 there");
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(peer.version, None);
        }
    });
}
