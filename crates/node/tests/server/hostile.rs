//! Peers that do not keep to the protocol, over real connections: they are refused, and others do not notice.

use crate::peer::{Peer, connect};
use crate::support::{LOOPBACK, both, listening, run, settings, start};
use fardel_node::server::Settings;
use fardel_node::transport::{PLAIN_GREETING, Plain, Security};
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::{Bounds, Bye, Compressed, Fragment, Frame, Message, Refusal, Sequence};
use fardel_wire::hello::{Local, Welcome};
use fardel_wire::id::{ActorId, Address, Incarnation, NodeId, Tag};
use fardel_wire::limits;
use fardel_wire::link::Closed;
use fardel_wire::packed::Values;
use fardel_wire::session::SessionId;
use fardel_wire::table::{Goodbye, RefusalCode};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn plain() -> Security {
    Security::Plain(Plain { insecure: true, force: false })
}

fn bytes(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

/// One value, without types and addresses.
fn values(byte: u8) -> Values<'static> {
    Values::new(std::iter::empty(), std::iter::empty(), vec![byte].into()).expect("it can be said")
}

/// Sound frames of the kinds that reach something in a session.
fn frames() -> Vec<Vec<u8>> {
    let actor = ActorId { node: NodeId([9; 16]), incarnation: Incarnation(1), fiber: FiberId { slot: 1, generation: 1 } };
    let to = Address { id: actor, tag: Tag([0; 16]) };
    let module = fardel_bytecode::module::ModuleHash([1; 32]);
    let messages = [
        Message::Send { from: actor, to, value: values(0xc0) },
        Message::Link { from: to, to },
        Message::Unlink { from: actor, to },
        Message::Watch { fiber: to },
        Message::Exit { from: to, to, reason: vec![4].into() },
        Message::Fetch { request: 1, module },
        Message::Spawn {
            request: 1,
            from: to,
            linked: false,
            module,
            function: 0,
            bounds: Bounds::default(),
            args: values(0x90),
        },
    ];
    let numbered = messages.into_iter().map(|message| Frame::Numbered(Sequence(1), message));
    let plain = [
        Frame::Welcome(Welcome {
            version: fardel_wire::hello::VERSIONS.1,
            session: SessionId(1),
            resumed: false,
            received: Sequence(0),
            node: Local::new(NodeId([9; 16]), Incarnation(1), "peer").node,
        }),
        Frame::Refuse(Refusal::new(RefusalCode::Denied, "no")),
        Frame::Fragment(Sequence(1), Fragment { stream: 1, last: true, bytes: vec![0x10, 0].into() }),
        Frame::Ack(Sequence(0)),
        Frame::Ping(1),
        Frame::Pong(1),
        Frame::Bye(Bye::new(Goodbye::Shutdown, "end")),
        Frame::Compressed(Compressed { size: 1, block: vec![0x10, 0].into() }),
        Frame::Skipped(0x7f, Some(Sequence(1))),
        Frame::Skipped(0xff, None),
    ];
    numbered.chain(plain).map(|frame| bytes(&frame)).collect()
}

/// What a node answers to a stranger that sends these bytes in plaintext, behind the greeting.
async fn answer(address: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("the port is open");
    stream.write_all(&[PLAIN_GREETING, sent].concat()).await.expect("it goes out");
    let mut answer = Vec::new();
    // A reset is an end as well: whoever closes does not read what is still to come.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.starts_with(PLAIN_GREETING));
    answer.split_off(PLAIN_GREETING.len())
}

/// NOD9: before the handshake no frame but HELLO reaches anything, whatever its kind and whatever stands in it.
#[test]
fn a_stranger_that_begins_with_any_other_frame_is_refused_and_reaches_nothing() {
    run(async {
        let settings = Settings { security: plain(), listen: vec![LOOPBACK.into()], ..settings("one") };
        let mut server = start(settings).await;
        let address = server.addresses().first().expect("an address").socket;
        let senseless = (0..=u8::MAX).map(|kind| [&[66, 0, 0, 0, kind, 0][..], &[0; 64]].concat());
        let strangers = async {
            for sent in frames().into_iter().chain(senseless) {
                let answer = answer(address, &sent).await;
                match answer.get(4..).map(Frame::decode) {
                    Some(Ok(Frame::Refuse(_))) => {}
                    other => panic!("{sent:02x?} is answered by {other:?}"),
                }
            }
        };
        server.run(strangers).await;
        assert_eq!(server.router().members().count(), 1, "it knows itself alone");
        assert_eq!(server.router().remotes(), 0);
        assert_eq!(server.runtime().machine().stats().fibers_started, 0);
    });
}

/// NOD9: a length that nobody may send is refused when it is there, and not when so many bytes are.
#[test]
fn a_length_that_lies_ends_the_connection_at_once() {
    run(async {
        for address in both("one").await {
            let before = [u32::MAX, 4097, 1, 0].map(|length| (length, false));
            let after = [u32::MAX, 16 << 20 | 1, 1, 0].map(|length| (length, true));
            for (length, is_open) in before.into_iter().chain(after) {
                let (connection, local) = connect(address).await;
                let start = Instant::now();
                let bomb = [&length.to_le_bytes()[..], &[0x81, 0]].concat();
                let mut peer = if is_open {
                    let mut peer = Peer::hello(connection, local, |_| ()).await;
                    assert_eq!(peer.until(|peer| peer.version.is_some()).await, None);
                    peer.write(&bomb).await;
                    peer
                } else {
                    Peer::hello(connection, local, |hello| *hello = bomb).await
                };
                match (peer.until(|_| false).await, is_open) {
                    (Some(Closed::RefusedByPeer(refusal)), false) => assert_eq!(refusal.code, RefusalCode::Malformed),
                    (Some(Closed::ByPeer(bye)), true) => assert_eq!(bye.code, Goodbye::Protocol),
                    (other, _) => panic!("{length}: {other:?}"),
                }
                assert!(start.elapsed() < Duration::from_secs(3), "it took {:?}", start.elapsed());
            }
        }
    });
}

/// NOD8, NOD9: half a frame that is held open holds up nobody, and not for long.
#[test]
fn half_a_frame_that_is_held_open_keeps_nobody_out() {
    run(async {
        let address = listening("one").await;
        let (connection, local) = connect(address).await;
        let start = Instant::now();
        let Peer { mut connection, .. } = Peer::hello(connection, local, |hello| hello.truncate(hello.len() / 2)).await;
        // Behind its back another node joins.
        let mut other = start_joining(address).await;
        assert!(other.joined(Duration::from_secs(1)).await, "{:?}", other.failures().collect::<Vec<_>>());
        let mut told = Vec::new();
        connection.reader.read_to_end(&mut told).await.expect("the node ends it in order");
        match told.get(4..).map(Frame::decode) {
            Some(Ok(Frame::Refuse(refusal))) => assert_eq!(refusal.code, RefusalCode::Timeout),
            other => panic!("{other:?}"),
        }
        let limit = Duration::from_nanos(limits::HANDSHAKE_TIME);
        assert!(start.elapsed() < limit * 2, "it took {:?}", start.elapsed());
    });
}

async fn start_joining(address: fardel_node::transport::Address) -> fardel_node::server::Server {
    start(Settings { join: vec![address.into()], ..settings("main") }).await
}
