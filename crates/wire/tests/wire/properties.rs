//! What holds of all values, reasons and frames.

use crate::arbitrary::{frame, reason, value};
use crate::examples::{find, frame_bytes, known, reason_bytes, value_bytes};
use fardel_vm::value::Value;
use fardel_wire::frame::{Decoder, Frame};
use fardel_wire::value::{EncodeError, decode, encode};
use fardel_wire::{limits, reason};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn values_come_back(value in value()) {
        let bytes = value_bytes(&value);
        prop_assert_eq!(decode(&bytes, &mut find), Ok(value));
    }

    #[test]
    fn reasons_come_back(reason in reason()) {
        let bytes = reason_bytes(&reason);
        prop_assert_eq!(reason::decode(&bytes, &mut find), Ok(reason));
    }

    #[test]
    fn frames_come_back_in_any_pieces(frames in vec(frame(), 1..8), step in 1_usize..100) {
        let bytes: Vec<u8> = frames.iter().flat_map(frame_bytes).collect();
        let mut decoder = Decoder::new(limits::FRAME_BYTES_MAX);
        let mut at = 0;
        for piece in bytes.chunks(step) {
            decoder.feed(piece);
            while let Some(seen) = decoder.next_frame().expect("the lengths are right") {
                let seen = Frame::decode(seen);
                prop_assert_eq!(seen.as_ref(), Ok(&frames[at]));
                at += 1;
            }
        }
        prop_assert_eq!(at, frames.len());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Frame::decode(&bytes);
        let _ = reason::decode(&bytes, &mut find);
        if let Ok(value) = decode(&bytes, &mut |address| Ok(address.id.fiber)) {
            let again = value_bytes(&value);
            let value = decode(&again, &mut find).expect("what was read can be written and read");
            prop_assert_eq!(value_bytes(&value), again);
        }
    }
}

#[test]
fn every_float_keeps_its_bits() {
    for bits in [0x7ff8_0000_0000_0001, 0xfff0_0000_0000_0001, 0x8000_0000_0000_0000, 1] {
        let bytes = value_bytes(&Value::Float(f64::from_bits(bits)));
        let Ok(Value::Float(float)) = decode(&bytes, &mut find) else { panic!("it is a float") };
        assert_eq!(float.to_bits(), bits);
    }
}

#[test]
fn every_form_of_an_integer_is_read() {
    let forms: [(&[u8], i64); 10] = [
        (&[0x05], 5),
        (&[0xcc, 5], 5),
        (&[0xcd, 0, 5], 5),
        (&[0xce, 0, 0, 0, 5], 5),
        (&[0xcf, 0, 0, 0, 0, 0, 0, 0, 5], 5),
        (&[0xd0, 0xff], -1),
        (&[0xd1, 0xff, 0xff], -1),
        (&[0xd2, 0xff, 0xff, 0xff, 0xff], -1),
        (&[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], -1),
        (&[0xff], -1),
    ];
    for (bytes, int) in forms {
        assert_eq!(decode(bytes, &mut find), Ok(Value::Int(int)), "{bytes:02x?}");
    }
    assert_eq!(decode(&[0xca, 0x3f, 0xc0, 0, 0], &mut find), Ok(Value::Float(1.5)));
}

/// `depth` lists around a null.
fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| Value::List(vec![inner]))
}

#[test]
fn values_are_nested_up_to_the_limit() {
    let deepest = nested(limits::VALUE_DEPTH_MAX);
    assert_eq!(decode(&value_bytes(&deepest), &mut find), Ok(deepest));
    let mut out = vec![1];
    let deeper = nested(limits::VALUE_DEPTH_MAX + 1);
    assert_eq!(encode(&deeper, &mut known, &mut out), Err(EncodeError::TooDeep));
    assert_eq!(out, [1]);
    let bytes = [vec![0x91; limits::VALUE_DEPTH_MAX + 1], vec![0xc0]].concat();
    let error = decode(&bytes, &mut find).expect_err("it is too deep").to_string();
    assert_eq!(error, "at byte 65: values are nested more than 64 deep");
    // The worst that a stranger can do to the stack.
    assert!(decode(&vec![0x91; 1 << 20], &mut find).is_err());
}

#[test]
fn what_does_not_leave_its_fiber_is_refused_by_name() {
    let mut out = Vec::new();
    let value = Value::List(vec![Value::Int(1), Value::Opaque("Handle".into())]);
    let error = encode(&value, &mut known, &mut out).expect_err("a handle stays");
    assert_eq!(error.to_string(), "a value of type Handle does not leave its fiber");
    assert!(out.is_empty());
}

#[test]
fn every_length_has_its_shortest_header() {
    for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let values = [
            Value::Text("x".repeat(length)),
            Value::Bytes(vec![1; length]),
            Value::List(vec![Value::Null; length]),
            Value::Map(vec![(Value::Null, Value::Null); length]),
            Value::Tuple(vec![Value::Null; length]),
            Value::Record("x".repeat(length), vec![]),
        ];
        for value in values {
            assert_eq!(decode(&value_bytes(&value), &mut find), Ok(value));
        }
    }
}
