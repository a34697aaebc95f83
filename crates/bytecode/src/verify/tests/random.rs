//! Code that nobody wrote: the verifier answers, whatever the bytes.

use proptest::prelude::*;

use super::{module, set};
use crate::index::{CodeOffset, TargetIndex, TypeIndex};
use crate::module::{Function, Handler, Target};
use crate::types::{ANY, BOOL, ERROR, INT, TEXT};
use crate::verify::verify;

fn targets() -> impl Strategy<Value = Vec<Target>> {
    let stack = prop::collection::vec((0_u32..40).prop_map(TypeIndex), 0..4);
    let target = (0_u32..40, stack, prop::collection::vec(0_u32..4, 0..3));
    let build = |(offset, stack, live): (u32, Vec<TypeIndex>, Vec<u32>)| Target {
        offset: CodeOffset(offset),
        stack,
        live: set(&live),
    };
    prop::collection::vec(target.prop_map(build), 0..4).prop_map(|mut targets| {
        targets.sort_by_key(|target| target.offset);
        targets
    })
}

fn handlers() -> impl Strategy<Value = Vec<Handler>> {
    let handler = (0_u32..40, 0_u32..40, 0_u32..4);
    let build =
        |(start, end, target)| Handler { start: CodeOffset(start), end: CodeOffset(end), target: TargetIndex(target) };
    prop::collection::vec(handler.prop_map(build), 0..3)
}

proptest! {
    #[test]
    fn random_bytes_are_answered(code in prop::collection::vec(any::<u8>(), 0..60), targets in targets(), handlers in handlers()) {
        let params = vec![INT, TEXT, ANY, BOOL];
        let function = Function { name: "f".to_owned(), params, locals: vec![ERROR], code, targets, handlers, ..Function::default() };
        if let Ok(verified) = verify(module(function)) {
            let facts = verified.facts(0);
            prop_assert!(facts.points.iter().all(|point| facts.stack(point).len() <= facts.stack_max));
        }
    }
}
