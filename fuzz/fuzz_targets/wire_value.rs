//! The decoders of values and exit reasons: no bytes make them panic, and what they accept is written and read again.
#![no_main]

use fardel_vm::fiber::FiberId;
use fardel_vm::value::Value;
use fardel_wire::id::{ActorId, Address, Incarnation, NodeId, TagKey};
use fardel_wire::{reason, value};
use libfuzzer_sys::fuzz_target;

/// The address of a fiber here.
fn known(fiber: FiberId) -> Address {
    TagKey::new([7; 32]).address(ActorId { node: NodeId([1; 16]), incarnation: Incarnation(1), fiber })
}

/// How many values a value consists of.
fn parts(value: &Value) -> usize {
    let all = |items: &[Value]| 1 + items.iter().map(parts).sum::<usize>();
    match value {
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => all(items),
        Value::Record(_, fields) | Value::Variant(_, _, fields) => all(fields),
        Value::Map(entries) => 1 + entries.iter().map(|(key, value)| parts(key) + parts(value)).sum::<usize>(),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Address(_)
        | Value::Ref { .. }
        | Value::Opaque(_) => 1,
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The first time any address is taken, the second time only right ones. Bytes are compared, as a NaN is not itself.
    if let Ok(first) = value::decode(bytes, &mut |address| Ok(address.id.fiber)) {
        assert!(parts(&first) <= bytes.len());
        let mut written = Vec::new();
        value::encode(&first, &mut known, &mut written).expect("what was read can be written");
        let second = value::decode(&written, &mut |address| {
            assert_eq!(known(address.id.fiber), address);
            Ok(address.id.fiber)
        });
        let mut again = Vec::new();
        value::encode(&second.expect("what was written can be read"), &mut known, &mut again).expect("it can be written");
        assert_eq!(again, written);
    }
    if let Ok(first) = reason::decode(bytes, &mut |address| Ok(address.id.fiber)) {
        let mut written = Vec::new();
        reason::encode(&first, &mut known, &mut written).expect("what was read can be written");
        let second = reason::decode(&written, &mut |address| Ok(address.id.fiber));
        let mut again = Vec::new();
        reason::encode(&second.expect("what was written can be read"), &mut known, &mut again).expect("it can be written");
        assert_eq!(again, written);
    }
});
