//! Types and liveness at every place.

use super::Line::{At, Do};
use super::{facts, function, local, module, set};
use crate::index::{CodeOffset, TargetIndex, TypeIndex};
use crate::isa::Inst;
use crate::module::{Handler, LocalSet};
use crate::types::{BOOL, ERROR, INT, OPTION_INT, TEXT};

#[test]
fn a_loop_has_types_and_liveness() {
    // Counts local 0 down to zero into local 1.
    let f = function(
        &[INT],
        &[INT],
        Some(INT),
        &[
            Do(Inst::PushInt { value: 0 }),
            Do(Inst::Store { local: local(1) }),
            At(&[], &[0, 1]),
            Do(Inst::Load { local: local(1) }),
            Do(Inst::Load { local: local(0) }),
            Do(Inst::Add {}),
            Do(Inst::Store { local: local(1) }),
            Do(Inst::Load { local: local(0) }),
            Do(Inst::PushInt { value: 1 }),
            Do(Inst::Sub {}),
            Do(Inst::Tee { local: local(0) }),
            Do(Inst::PushInt { value: 0 }),
            Do(Inst::Gt {}),
            Do(Inst::JmpIf { target: TargetIndex(0) }),
            Do(Inst::Load { local: local(1) }),
            Do(Inst::Ret {}),
        ],
    );
    let facts = facts(module(f));
    assert_eq!(facts.stack_max, 2);
    assert_eq!(facts.loop_headers, [true]);
    assert_eq!(facts.points.len(), 15);
    let stacks: Vec<&[TypeIndex]> = facts.points.iter().map(|point| facts.stack(point)).collect();
    assert_eq!(stacks[..6], [&[][..], &[INT], &[], &[INT], &[INT, INT], &[INT]]);
    assert_eq!(stacks[12], [BOOL]);
    let live: Vec<[LocalSet; 2]> = facts.points.iter().map(|point| [point.live_before, point.live_after]).collect();
    assert_eq!(live[0], [set(&[0]), set(&[0])]);
    assert_eq!(live[1], [set(&[0]), set(&[0, 1])]);
    assert_eq!(live[2], [set(&[0, 1]), set(&[0])]);
    assert_eq!(live[12], [set(&[0, 1]), set(&[0, 1])]);
    assert_eq!(live[13], [set(&[1]), set(&[])]);
}

#[test]
fn a_handlers_locals_are_live_where_it_can_be_reached() {
    let mut f = function(
        &[INT, TEXT],
        &[],
        Some(TEXT),
        &[
            Do(Inst::Load { local: local(0) }),
            Do(Inst::Dup {}),
            Do(Inst::Add {}),
            Do(Inst::Show {}),
            Do(Inst::Ret {}),
            At(&[ERROR], &[1]),
            Do(Inst::Drop {}),
            Do(Inst::Load { local: local(1) }),
            Do(Inst::Ret {}),
        ],
    );
    f.handlers = vec![Handler { start: CodeOffset(3), end: CodeOffset(4), target: TargetIndex(0) }];
    let facts = facts(module(f));
    let handlers: Vec<Option<usize>> = facts.points.iter().map(|point| point.handler).collect();
    assert_eq!(handlers[..5], [None, None, Some(0), None, None]);
    let before: Vec<LocalSet> = facts.points.iter().map(|point| point.live_before).collect();
    assert_eq!(before[..5], [set(&[0, 1]), set(&[1]), set(&[1]), set(&[]), set(&[])]);
}

#[test]
fn null_and_value_meet_as_an_option() {
    let f = function(
        &[OPTION_INT],
        &[],
        Some(INT),
        &[
            Do(Inst::Load { local: local(0) }),
            Do(Inst::JmpIfNull { target: TargetIndex(0) }),
            Do(Inst::Ret {}),
            At(&[], &[]),
            Do(Inst::PushInt { value: -1 }),
            Do(Inst::Ret {}),
        ],
    );
    assert_eq!(facts(module(f)).loop_headers, [false]);
}
