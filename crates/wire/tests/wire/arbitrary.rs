//! Any value, reason and frame.

use fardel_bytecode::module::ModuleHash;
use fardel_bytecode::shape::TypeKey;
use fardel_vm::exit::{ErrorKind, ExitReason, Failure, TraceFrame};
use fardel_vm::fiber::FiberId;
use fardel_vm::value::Value;
use fardel_wire::frame::{Bounds, Bye, Compressed, Fragment, Frame, Message, Refusal, Sequence};
use fardel_wire::hello::{Features, Hello, Node, Version, Welcome};
use fardel_wire::id::{ActorId, Address, Incarnation, NodeId, Tag};
use fardel_wire::limits;
use fardel_wire::packed::Values;
use fardel_wire::session::SessionId;
use fardel_wire::table::{Goodbye, MailboxPolicy, NamePolicy, RefusalCode, SpawnRefusal};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::borrow::Cow;

fn fiber() -> impl Strategy<Value = FiberId> {
    (any::<u32>(), any::<u32>()).prop_map(|(slot, generation)| FiberId { slot, generation })
}

fn actor() -> impl Strategy<Value = ActorId> {
    (any::<[u8; 16]>(), any::<u32>(), fiber()).prop_map(|(node, incarnation, fiber)| ActorId {
        node: NodeId(node),
        incarnation: Incarnation(incarnation),
        fiber,
    })
}

fn address() -> impl Strategy<Value = Address> {
    (actor(), any::<[u8; 16]>()).prop_map(|(id, tag)| Address { id, tag: Tag(tag) })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "\\PC{0,12}", 1 => "[a-zäöü]{0,300}"]
}

/// A value that compares equal to itself: no NaN, whose bits another test looks at.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let int = prop_oneof![
        any::<i64>(),
        -200_i64..200,
        (0_u32..64, -2_i64..3).prop_map(|(bit, by)| (1_i64 << bit.min(62)).wrapping_add(by)),
        (0_u32..64, -2_i64..3).prop_map(|(bit, by)| (-1_i64 << bit.min(62)).wrapping_add(by)),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        int.prop_map(Value::Int),
        any::<f64>().prop_filter("NaN is not itself", |float| !float.is_nan()).prop_map(Value::Float),
        text().prop_map(Value::Text),
        vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        fiber().prop_map(Value::Address),
        (fiber(), any::<u64>()).prop_map(|(fiber, number)| Value::Ref { fiber, number }),
    ];
    leaf.prop_recursive(6, 200, 20, |inner| {
        let items = || vec(inner.clone(), 0..20);
        prop_oneof![
            items().prop_map(Value::List),
            vec((inner.clone(), inner.clone()), 0..20).prop_map(Value::Map),
            items().prop_map(Value::Set),
            items().prop_map(Value::Tuple),
            (text(), items()).prop_map(|(name, fields)| Value::Record(name, fields)),
            (text(), any::<u32>(), items()).prop_map(|(name, number, fields)| Value::Variant(name, number, fields)),
        ]
    })
}

pub(crate) fn reason() -> impl Strategy<Value = ExitReason> {
    let source = option::of((text(), any::<u32>()));
    let call = (text(), any::<u32>(), source).prop_map(|(function, offset, source)| TraceFrame { function, offset, source });
    let failure = (select(ErrorKind::ALL), text(), text(), vec(call, 0..limits::TRACE_FRAMES_MAX))
        .prop_map(|(kind, name, message, trace)| ExitReason::Error(Failure { kind, name, message, trace }));
    let plain = [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::Kill,
        ExitReason::Killed,
        ExitReason::NoProc,
        ExitReason::NoConnection,
        ExitReason::Timeout,
        ExitReason::OutOfMemory,
        ExitReason::StackOverflow,
        ExitReason::MailboxOverflow,
        ExitReason::Denied,
        ExitReason::CodeMissing,
        ExitReason::Fenced,
    ];
    prop_oneof![select(plain.to_vec()), failure, value().prop_map(ExitReason::ShutdownWith)]
}

fn bytes() -> impl Strategy<Value = Cow<'static, [u8]>> {
    vec(any::<u8>(), 0..200).prop_map(Cow::Owned)
}

/// Values with tables that fit; their body is nothing in particular.
fn values() -> impl Strategy<Value = Values<'static>> {
    (vec(any::<u32>(), 0..5), vec(address(), 0..3), bytes()).prop_map(|(types, addresses, body)| {
        Values::new(types.into_iter(), addresses.into_iter(), body).expect("the tables are short")
    })
}

pub(crate) fn message() -> impl Strategy<Value = Message<'static>> {
    let hash = any::<[u8; 32]>().prop_map(ModuleHash);
    let refused = (select(SpawnRefusal::ALL), text().prop_map(Cow::Owned));
    let result = prop_oneof![address().prop_map(Ok), refused.prop_map(Err)];
    let spawn = (any::<u64>(), address(), any::<bool>(), hash.clone(), any::<u32>(), values());
    let chunk = (0..limits::CODE_CHUNKS_MAX).prop_flat_map(|chunk| (Just(chunk), chunk + 1..=limits::CODE_CHUNKS_MAX));
    prop_oneof![
        (actor(), address(), values()).prop_map(|(from, to, value)| Message::Send { from, to, value }),
        (actor(), address(), any::<u64>(), values()).prop_map(|(from, to, number, value)| Message::Reply {
            from,
            to,
            number,
            value
        }),
        (actor(), address(), any::<u64>(), values()).prop_map(|(from, to, number, value)| Message::Request {
            from,
            to,
            number,
            value
        }),
        (actor(), address(), any::<u64>(), bytes()).prop_map(|(from, to, number, reason)| Message::Refused {
            from,
            to,
            number,
            reason
        }),
        (chunk.clone(), bytes()).prop_map(|((chunk, chunks), bytes)| Message::Types { chunk, chunks, bytes }),
        (any::<u64>(), bytes()).prop_map(|(request, body)| Message::Ask { request, body }),
        (any::<u64>(), bytes()).prop_map(|(request, body)| Message::Answer { request, body }),
        (address(), address()).prop_map(|(from, to)| Message::Link { from, to }),
        (actor(), address()).prop_map(|(from, to)| Message::Unlink { from, to }),
        (address(), address(), bytes()).prop_map(|(from, to, reason)| Message::Exit { from, to, reason }),
        (address(), any::<u64>(), select(NamePolicy::ALL), any::<[u8; 32]>(), "[a-zäöü]{0,100}").prop_map(
            |(fiber, time, policy, ty, name)| Message::Name { fiber, time, policy, ty: TypeKey(ty), name: Cow::Owned(name) }
        ),
        "[a-zäöü]{0,100}".prop_map(|name| Message::NameFree { name: Cow::Owned(name) }),
        (address(), option::of(any::<[u8; 32]>()), "[a-zäöü]{0,100}").prop_map(|(fiber, joined, group)| {
            Message::Group { fiber, joined: joined.map(TypeKey), group: Cow::Owned(group) }
        }),
        address().prop_map(|fiber| Message::Watch { fiber }),
        (actor(), bytes()).prop_map(|(fiber, reason)| Message::Gone { fiber, reason }),
        (actor(), any::<u32>(), any::<u64>()).prop_map(|(fiber, messages, bytes)| Message::Credit {
            fiber,
            messages,
            bytes
        }),
        (spawn, bounds()).prop_map(|((request, from, linked, module, function, args), bounds)| Message::Spawn {
            request,
            from,
            linked,
            module,
            function,
            bounds,
            args
        }),
        (any::<u64>(), result).prop_map(|(request, result)| Message::Spawned { request, result }),
        (any::<u64>(), hash).prop_map(|(request, module)| Message::Fetch { request, module }),
        (any::<u64>(), chunk, bytes()).prop_map(|(request, (chunk, chunks), bytes)| Message::Code {
            request,
            chunk,
            chunks,
            bytes
        }),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>());
    (any::<[u8; 16]>(), numbers, "[a-z]{0,255}").prop_map(|(id, (incarnation, frame, message, features), name)| Node {
        id: NodeId(id),
        incarnation: Incarnation(incarnation),
        name,
        frame_bytes_max: frame,
        message_bytes_max: message,
        features: Features(features),
    })
}

pub(crate) fn frame() -> impl Strategy<Value = Frame<'static>> {
    let versions = (1_u16..=u16::MAX).prop_flat_map(|low| (Just(Version(low)), (low..=u16::MAX).prop_map(Version)));
    let sequence = || any::<u64>().prop_map(Sequence);
    let called = any::<[u8; 16]>().prop_map(|id| Some(NodeId(id)).filter(|_| id != [0; 16]));
    let hello = (versions, any::<[u64; 2]>(), any::<bool>(), sequence(), called, node());
    let welcome = (any::<u16>(), any::<u64>(), any::<bool>(), sequence(), node());
    prop_oneof![
        1 => hello.prop_map(|(versions, session, established, received, called, node)| Frame::Hello(Hello {
            versions, proposal: SessionId(session[0]), session: SessionId(session[1]), established, received, called, node,
        })),
        1 => welcome.prop_map(|(version, session, resumed, received, node)| Frame::Welcome(Welcome {
            version: Version(version), session: SessionId(session), resumed, received, node,
        })),
        1 => (select(RefusalCode::ALL), text()).prop_map(|(code, text)| Frame::Refuse(Refusal { code, text })),
        8 => (sequence(), message()).prop_map(|(sequence, message)| Frame::Numbered(sequence, message)),
        1 => (sequence(), any::<u32>(), any::<bool>(), bytes())
            .prop_map(|(sequence, stream, last, bytes)| Frame::Fragment(sequence, Fragment { stream, last, bytes })),
        1 => sequence().prop_map(Frame::Ack),
        1 => any::<u64>().prop_map(Frame::Ping),
        1 => any::<u64>().prop_map(Frame::Pong),
        1 => (select(Goodbye::ALL), text()).prop_map(|(code, text)| Frame::Bye(Bye { code, text })),
        1 => bytes().prop_map(Frame::Gossip),
        1 => (any::<u32>(), vec(any::<u8>(), 0..100))
            .prop_map(|(size, block)| Frame::Compressed(Compressed { size, block: block.into() })),
        1 => (0x30_u8..=0x7f, sequence()).prop_map(|(kind, sequence)| Frame::Skipped(kind, Some(sequence))),
        1 => (0x90_u8..=0xff).prop_map(|kind| Frame::Skipped(kind, None)),
    ]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    (numbers, option::of(select(MailboxPolicy::ALL))).prop_map(
        |((messages, message_bytes, memory_bytes, stack_bytes), policy)| Bounds {
            messages,
            message_bytes,
            memory_bytes,
            stack_bytes,
            policy,
        },
    )
}
