//! The examples of the specification: what the bytes there stand for.

use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::shape::TypeKey;
use fardel_bytecode::types;
use fardel_vm::exit::{ErrorKind, ExitReason, Failure, TraceFrame};
use fardel_vm::fiber::FiberId;
use fardel_vm::value::Value;
use fardel_wire::frame::{Bounds, Bye, Compressed, Fragment, Frame, Message, Refusal, Sequence};
use fardel_wire::hello::{Features, Hello, Node, Version, Welcome};
use fardel_wire::id::{ActorId, Address, Incarnation, NodeId, Tag};
use fardel_wire::limits;
use fardel_wire::packed::Values;
use fardel_wire::reason;
use fardel_wire::session::SessionId;
use fardel_wire::table::{Goodbye, MailboxPolicy, NamePolicy, RefusalCode, SpawnRefusal};
use fardel_wire::value::{self, AddressError};
use std::borrow::Cow;

/// The node of the examples: 0a twice, then zeros.
pub(crate) const NODE: NodeId = NodeId([0x0a, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
/// Another one.
pub(crate) const OTHER: NodeId = NodeId([0x0b, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

pub(crate) fn actor(node: NodeId, slot: u32) -> ActorId {
    ActorId { node, incarnation: Incarnation(1), fiber: FiberId { slot, generation: 1 } }
}

/// The address of a fiber of the node of the examples; its tag is the slot, 16 times.
pub(crate) fn address(node: NodeId, slot: u32) -> Address {
    Address { id: actor(node, slot), tag: Tag([slot as u8; 16]) }
}

/// The address of a fiber of the machine: all are of the node of the examples.
pub(crate) fn known(fiber: FiberId) -> Address {
    Address { id: ActorId { node: NODE, incarnation: Incarnation(1), fiber }, tag: Tag([fiber.slot as u8; 16]) }
}

/// The fiber of an address, when that is one that [`known`] gives.
pub(crate) fn find(address: Address) -> Result<FiberId, AddressError> {
    match known(address.id.fiber) == address {
        true => Ok(address.id.fiber),
        false => Err(AddressError::Forged(address.id)),
    }
}

pub(crate) fn value_bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value::encode(value, &mut known, &mut bytes).expect("the value can be written");
    bytes
}

/// The Int 5 with its tables.
fn five() -> Values<'static> {
    values_of(vec![5])
}

/// Bytes as if they were of an Int.
pub(crate) fn values_of(body: Vec<u8>) -> Values<'static> {
    Values::new([types::INT.0].into_iter(), std::iter::empty(), Cow::Owned(body)).expect("the tables are short")
}

pub(crate) fn reason_bytes(reason: &ExitReason) -> Vec<u8> {
    let mut bytes = Vec::new();
    reason::encode(reason, &mut known, &mut bytes).expect("the reason can be written");
    bytes
}

pub(crate) fn frame_bytes(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    bytes
}

/// Every value of the specification by its name.
pub(crate) fn values() -> Vec<(&'static str, Value)> {
    let fiber = FiberId { slot: 3, generation: 1 };
    let ints = [0, 127, 128, 65_536, -1, -33, i64::MIN].map(Value::Int).to_vec();
    let plain = vec![Value::Null, Value::Bool(true), Value::Float(1.5), Value::Text("hi".into()), Value::Bytes(vec![7])];
    vec![
        ("value-plain", Value::List(plain)),
        ("value-ints", Value::List(ints)),
        ("value-map", Value::Map(vec![(Value::Text("b".into()), Value::Int(1)), (Value::Text("a".into()), Value::Int(2))])),
        ("value-tuple", Value::Tuple(vec![Value::Int(1), Value::Null])),
        ("value-set", Value::Set(vec![Value::Int(2), Value::Int(1)])),
        ("value-record", Value::Record("Point".into(), vec![Value::Float(0.0), Value::Float(-2.0)])),
        ("value-variant", Value::Variant("Some".into(), 1, vec![Value::Int(5)])),
        ("value-address", Value::Address(fiber)),
        ("value-ref", Value::Ref { fiber, number: 258 }),
    ]
}

/// Every exit reason of the specification by its name.
pub(crate) fn reasons() -> Vec<(&'static str, ExitReason)> {
    let inner = TraceFrame { function: "f".into(), offset: 9, source: Some(("a.fda".into(), 4)) };
    let outer = TraceFrame { function: "main".into(), offset: 2, source: None };
    let failure = Failure {
        kind: ErrorKind::DivideByZero,
        name: "divide_by_zero".into(),
        message: String::new(),
        trace: vec![inner, outer],
    };
    vec![
        ("reason-normal", ExitReason::Normal),
        ("reason-shutdown-with", ExitReason::ShutdownWith(Value::Int(3))),
        ("reason-error", ExitReason::Error(failure)),
    ]
}

fn node(id: NodeId, name: &str) -> Node {
    Node {
        id,
        incarnation: Incarnation(1),
        name: name.into(),
        frame_bytes_max: limits::FRAME_BYTES_MAX as u32,
        message_bytes_max: limits::MESSAGE_BYTES_MAX as u32,
        features: Features(0),
    }
}

pub(crate) fn hello() -> Hello {
    Hello {
        versions: (Version(1), Version(1)),
        proposal: SessionId(0x0202_0202_0202_0202),
        session: SessionId(0x0123_4567_89ab_cdef),
        established: true,
        received: Sequence(41),
        called: Some(OTHER),
        node: node(NODE, "left"),
    }
}

fn welcome() -> Welcome {
    Welcome {
        version: Version(1),
        session: SessionId(0x0123_4567_89ab_cdef),
        resumed: true,
        received: Sequence(7),
        node: node(OTHER, "right"),
    }
}

/// A packet of membership, as the specification shows it.
pub(crate) fn packet() -> Vec<u8> {
    let node = |byte| [[byte; 2].as_slice(), &[0; 14]].concat();
    let numbers = |incarnation: u32| [incarnation.to_le_bytes(), 0_u32.to_le_bytes()].concat();
    let from = [&node(0x0b)[..], &numbers(1), b"\x05\0right", b"\x06\0h:7002", &[0], &[0, 0]].concat();
    let told = [&node(0x0c)[..], &numbers(2), b"\x05\0third", b"\0\0", b"\x01\x03\0gpu", &[1, 0], &[1]].concat();
    [&from[..], &node(0x0a), &numbers(1), &[0, 7], &[0, 1], &told].concat()
}

/// Two PINGs as a block of LZ4: the first as it is, then 9 bytes from 14 bytes before, then 5 as they are.
fn compressed() -> Compressed<'static> {
    let ping = frame_bytes(&Frame::Ping(1));
    let (_, end) = ping.split_at(9);
    let block = [&[0xe5], &ping[..], &[14, 0, 0x50], end].concat();
    Compressed { size: 28, block: block.into() }
}

/// Every frame of the specification by its name.
pub(crate) fn frames() -> Vec<(&'static str, Frame<'static>)> {
    let (from, to) = (actor(OTHER, 2), address(NODE, 3));
    let reason = || Cow::Owned(reason_bytes(&ExitReason::Normal));
    let module = ModuleHash([0xcc; 32]);
    let messages = vec![
        ("frame-send", Message::Send { from, to, value: five() }),
        ("frame-reply", Message::Reply { from, to, number: 258, value: five() }),
        ("frame-link", Message::Link { from: address(OTHER, 2), to }),
        ("frame-unlink", Message::Unlink { from, to }),
        ("frame-exit", Message::Exit { from: address(OTHER, 2), to, reason: reason() }),
        ("frame-watch", Message::Watch { fiber: to }),
        ("frame-gone", Message::Gone { fiber: from, reason: reason() }),
        ("frame-credit", Message::Credit { fiber: from, messages: 100, bytes: 65_536 }),
        (
            "frame-spawn",
            Message::Spawn {
                request: 9,
                from: address(OTHER, 2),
                linked: true,
                module,
                function: 7,
                bounds: Bounds { messages: 1000, policy: Some(MailboxPolicy::Reject), ..Bounds::default() },
                args: five(),
            },
        ),
        ("frame-spawned", Message::Spawned { request: 9, result: Ok(to) }),
        (
            "frame-spawn-refused",
            Message::Spawned { request: 9, result: Err((SpawnRefusal::NoFunction, Cow::Borrowed("no run"))) },
        ),
        ("frame-fetch", Message::Fetch { request: 9, module }),
        ("frame-code", Message::Code { request: 9, chunk: 0, chunks: 1, bytes: Cow::Borrowed(b"\0fdm") }),
        ("frame-request", Message::Request { from, to, number: 258, value: five() }),
        ("frame-refused", Message::Refused { from, to, number: 258, reason: Cow::Owned(reason_bytes(&ExitReason::Denied)) }),
        ("frame-types", Message::Types { chunk: 0, chunks: 1, bytes: Cow::Borrowed(&[0, 0, 0, 0]) }),
        (
            "frame-name",
            Message::Name {
                fiber: address(OTHER, 2),
                time: 258,
                policy: NamePolicy::KeepOldest,
                ty: TypeKey([0xee; 32]),
                name: Cow::Borrowed("kv"),
            },
        ),
        ("frame-name-free", Message::NameFree { name: Cow::Borrowed("kv") }),
        (
            "frame-group-joined",
            Message::Group { fiber: address(OTHER, 2), joined: Some(TypeKey([0xee; 32])), group: Cow::Borrowed("all") },
        ),
        ("frame-group-left", Message::Group { fiber: address(OTHER, 2), joined: None, group: Cow::Borrowed("all") }),
        ("frame-ask", Message::Ask { request: 9, body: Cow::Borrowed(b"\xa7members") }),
        ("frame-answer", Message::Answer { request: 9, body: Cow::Borrowed(b"\xa4done") }),
    ];
    let fragment = Fragment { stream: 6, last: true, bytes: Cow::Borrowed(&[1, 2, 3]) };
    let mut frames = vec![
        ("frame-hello", Frame::Hello(hello())),
        ("frame-welcome", Frame::Welcome(welcome())),
        ("frame-refuse", Frame::Refuse(Refusal::new(RefusalCode::OwnNode, "no"))),
    ];
    let numbered = messages.into_iter().enumerate();
    frames.extend(numbered.map(|(at, (name, message))| (name, Frame::Numbered(Sequence(at as u64 + 1), message))));
    frames.extend([
        ("frame-fragment", Frame::Fragment(Sequence(14), fragment)),
        ("frame-ack", Frame::Ack(Sequence(14))),
        ("frame-ping", Frame::Ping(1)),
        ("frame-pong", Frame::Pong(1)),
        ("frame-bye", Frame::Bye(Bye::new(Goodbye::Shutdown, "end"))),
        ("frame-gossip", Frame::Gossip(Cow::Owned(packet()))),
        ("frame-compressed", Frame::Compressed(compressed())),
        ("frame-skipped", Frame::Skipped(0x7f, Some(Sequence(15)))),
        ("frame-skipped-plain", Frame::Skipped(0xff, None)),
    ]);
    frames
}
