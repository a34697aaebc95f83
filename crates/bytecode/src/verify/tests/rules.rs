//! Each typing rule: what it leaves on a stack that it takes, and what it says of one that it does not.

use std::collections::BTreeSet;

use super::Line::Do;
use super::{Line, accept, function, local, render};
use crate::index::{FieldIndex, FunctionIndex, HostIndex, LocalIndex, TypeIndex, VariantIndex};
use crate::isa::{Effect, INSTRUCTIONS, Inst, Rule};
use crate::module::{Data, Function, HostImport, Module};
use crate::operand::{BytesData, Depth, TextData};
use crate::system;
use crate::types::*;
use crate::verify::verify;

const POINT: TypeIndex = TypeIndex(32);
const NODE: TypeIndex = TypeIndex(33);
const OPTION_NODE: TypeIndex = TypeIndex(34);
const SHAPE: TypeIndex = TypeIndex(35);
const PAIR: TypeIndex = TypeIndex(36);
const MAP: TypeIndex = TypeIndex(37);
const SET: TypeIndex = TypeIndex(38);
const FN: TypeIndex = TypeIndex(39);
const POINTS: TypeIndex = TypeIndex(40);
const MAP_POINT: TypeIndex = TypeIndex(41);
const FN_ANY: TypeIndex = TypeIndex(42);
const REASON: TypeIndex = TypeIndex(43);
const FAILURE: TypeIndex = TypeIndex(44);
const ANSWER: TypeIndex = TypeIndex(45);
const GOT: TypeIndex = TypeIndex(46);
const CAME: TypeIndex = TypeIndex(47);
/// As `ANSWER`, without a reason.
const NO_ANSWER: TypeIndex = TypeIndex(48);
const CAME_NOT: TypeIndex = TypeIndex(49);

const PLAIN: FunctionIndex = FunctionIndex(1);
const CAPTURING: FunctionIndex = FunctionIndex(2);
const UNTYPED: FunctionIndex = FunctionIndex(3);

fn types() -> Vec<Type> {
    let field = |name: &str, ty| Field::new(name, ty);
    let next = Field { mutable: true, ..field("next", OPTION_NODE) };
    let circle = Variant { name: "Circle".to_owned(), fields: vec![field("radius", FLOAT)] };
    let empty = Variant { name: "Empty".to_owned(), fields: Vec::new() };
    let variant = |name: &str, fields: &[(&str, TypeIndex)]| Variant {
        name: name.to_owned(),
        fields: fields.iter().map(|(name, ty)| field(name, *ty)).collect(),
    };
    let answer = |name: &str, error| {
        Type::Sum(name.to_owned(), vec![variant("Ok", &[("value", INT)]), variant("Err", &[("error", error)])])
    };
    vec![
        Type::Record("Point".to_owned(), vec![field("x", FLOAT), field("y", INT)]),
        Type::Object("Node".to_owned(), vec![field("value", INT), next]),
        Type::Option(NODE),
        Type::Sum("Shape".to_owned(), vec![circle, empty]),
        Type::Tuple(vec![INT, TEXT]),
        Type::Map(TEXT, FLOAT),
        Type::Set(INT),
        Type::Function(vec![INT], Some(INT)),
        Type::List(POINT),
        Type::Map(INT, POINT),
        Type::Function(vec![INT], Some(ANY)),
        system::descriptor(system::REASON, REASON).unwrap_or(Type::Null),
        Type::Sum("Failure".to_owned(), vec![variant("Gone", &[("reason", REASON)]), variant("Over", &[])]),
        answer("Answer", FAILURE),
        Type::Record("Got".to_owned(), vec![field("key", INT), field("answer", ANSWER)]),
        Type::Sum("Came".to_owned(), vec![variant("Nothing", &[]), variant("Came", &[("answer", ANSWER)])]),
        answer("NoAnswer", SHAPE),
        Type::Sum("CameNot".to_owned(), vec![variant("CameNot", &[("answer", NO_ANSWER)])]),
    ]
}

/// A module whose first function is under test; the others are there to be named.
fn surroundings(under_test: Function) -> Module {
    let named = |name: &str, captures: &[TypeIndex], ty: TypeIndex| {
        let body =
            function(&[ty], &[], Some(ty), &[Do(Inst::Load { local: LocalIndex(captures.len() as u32) }), Do(Inst::Ret {})]);
        Function { name: name.to_owned(), captures: captures.to_vec(), ..body }
    };
    Module {
        types: TypeTable::with_declared(types()),
        hosts: vec![HostImport { name: "io.print".to_owned(), params: vec![TEXT], result: None }],
        data: vec![Data::Text("text".to_owned()), Data::Bytes(vec![1])],
        functions: vec![under_test, named("plain", &[], INT), named("capturing", &[TEXT], INT), named("untyped", &[], TEXT)],
        ..Module::default()
    }
}

/// The stack after an instruction with this stack before it, or the error.
fn outcome(stack: &[TypeIndex], inst: Inst<'_>) -> Result<Vec<TypeIndex>, String> {
    let loads = (0..stack.len() as u32).map(|at| Do(Inst::Load { local: local(at) }));
    let lines: Vec<Line<'_>> = loads.chain([Do(inst), Do(Inst::Ret {})]).collect();
    let ends = inst.opcode().info().effects.has(crate::isa::ENDS);
    let lines = if ends { &lines[..lines.len() - 1] } else { &lines[..] };
    let module = verify(surroundings(function(stack, &[INT], None, lines))).map_err(|errors| render(&errors))?;
    let facts = module.facts(0);
    Ok(if ends { Vec::new() } else { facts.points.last().map(|point| facts.stack(point).to_vec()).unwrap_or_default() })
}

#[track_caller]
fn check_taken((before, inst, after): &(&[TypeIndex], Inst<'_>, &[TypeIndex])) {
    match outcome(before, *inst) {
        Ok(seen) => assert_eq!(seen, *after, "`{}`", inst.opcode().info().mnemonic),
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn check_refused((before, inst, wanted): &(&[TypeIndex], Inst<'_>, &str)) {
    match outcome(before, *inst) {
        Ok(after) => panic!("`{}` was taken and left {after:?}, wanted: {wanted}", inst.opcode().info().mnemonic),
        Err(error) => assert!(error.trim_end().ends_with(wanted), "\nseen:   {error}wanted: {wanted}"),
    }
}

type Taken = (&'static [TypeIndex], Inst<'static>, &'static [TypeIndex]);
type Refused = (&'static [TypeIndex], Inst<'static>, &'static str);

const L0: LocalIndex = LocalIndex(0);
const F0: FieldIndex = FieldIndex(0);
const F1: FieldIndex = FieldIndex(1);
const V0: VariantIndex = VariantIndex(0);
const V1: VariantIndex = VariantIndex(1);

const TAKEN: &[Taken] = &[
    (&[], Inst::PushFunction { function: PLAIN }, &[FN]),
    (&[], Inst::PushText { data: TextData(crate::index::DataIndex(0)) }, &[TEXT]),
    (&[INT], Inst::Dup {}, &[INT, INT]),
    (&[INT], Inst::Drop {}, &[]),
    (&[INT, TEXT], Inst::Swap {}, &[TEXT, INT]),
    (&[INT, TEXT], Inst::Over {}, &[INT, TEXT, INT]),
    (&[INT], Inst::Load { local: L0 }, &[INT, INT]),
    (&[INT], Inst::Store { local: L0 }, &[]),
    (&[ANY, TEXT], Inst::Tee { local: L0 }, &[ANY, ANY]),
    (&[INT, INT], Inst::Add {}, &[INT]),
    (&[FLOAT, FLOAT], Inst::Add {}, &[FLOAT]),
    (&[ANY, ANY], Inst::Add {}, &[ANY]),
    (&[ANY, TEXT], Inst::Add {}, &[ANY]),
    (&[OPTION_INT, ANY], Inst::Add {}, &[ANY]),
    (&[FLOAT], Inst::Neg {}, &[FLOAT]),
    (&[BOOL, BOOL], Inst::And {}, &[BOOL]),
    (&[INT, INT], Inst::Xor {}, &[INT]),
    (&[FLOAT, FLOAT], Inst::Eq {}, &[BOOL]),
    (&[TEXT, NODE], Inst::Eq {}, &[BOOL]),
    (&[BYTES, BYTES], Inst::Lt {}, &[BOOL]),
    (&[ANY, TEXT], Inst::Lt {}, &[BOOL]),
    (&[BOOL, BOOL], Inst::Compare {}, &[INT]),
    (&[NODE], Inst::IsNull {}, &[BOOL]),
    (&[FLOAT], Inst::Show {}, &[TEXT]),
    (&[INT], Inst::Call { function: PLAIN }, &[INT]),
    (&[INT, FN], Inst::CallValue { ty: FN }, &[INT]),
    (&[TEXT], Inst::Closure { function: CAPTURING }, &[FN]),
    (&[INT], Inst::Ret {}, &[]),
    (&[INT, TEXT], Inst::ToAny { depth: Depth(1) }, &[ANY, TEXT]),
    (&[TEXT], Inst::Cast { ty: FN }, &[FN]),
    (&[ANY], Inst::Is { ty: INT }, &[BOOL]),
    (&[FLOAT], Inst::Some { ty: OPTION_FLOAT }, &[OPTION_FLOAT]),
    (&[NODE], Inst::Unwrap { ty: OPTION_NODE }, &[NODE]),
    (&[INT, NULL], Inst::New { ty: NODE }, &[NODE]),
    (&[INT, TEXT], Inst::New { ty: PAIR }, &[PAIR]),
    (&[PAIR], Inst::Field { ty: PAIR, field: F1 }, &[TEXT]),
    (&[POINT, FLOAT], Inst::With { ty: POINT, field: F0 }, &[POINT]),
    (&[NODE, NODE], Inst::SetField { ty: NODE, field: F1 }, &[]),
    (&[FLOAT], Inst::NewVariant { ty: SHAPE, variant: V0 }, &[SHAPE]),
    (&[], Inst::NewVariant { ty: SHAPE, variant: V1 }, &[SHAPE]),
    (&[SHAPE], Inst::Tag { ty: SHAPE }, &[INT]),
    (&[SHAPE], Inst::Payload { ty: SHAPE, variant: V0, field: F0 }, &[FLOAT]),
    (&[BYTES_BUILDER], Inst::Len {}, &[INT]),
    (&[BYTES, INT], Inst::ByteAt {}, &[INT]),
    (&[TEXT, TEXT], Inst::Concat {}, &[TEXT]),
    (&[ARRAY_BYTE, INT, INT], Inst::Slice {}, &[ARRAY_BYTE]),
    (&[BYTES, BYTES, INT], Inst::Find {}, &[OPTION_INT]),
    (&[], Inst::ListNew { ty: POINTS }, &[POINTS]),
    (&[LIST_ANY, TEXT], Inst::ListPush {}, &[]),
    (&[POINTS], Inst::ListPop {}, &[POINT]),
    (&[POINTS, INT], Inst::Get {}, &[POINT]),
    (&[ARRAY_F32, INT], Inst::Get {}, &[FLOAT]),
    (&[MAP, TEXT], Inst::Get {}, &[FLOAT]),
    (&[LIST_ANY, INT, NODE], Inst::Set {}, &[]),
    (&[ARRAY_I32, INT, INT], Inst::Set {}, &[]),
    (&[MAP, TEXT, FLOAT], Inst::Set {}, &[]),
    (&[LIST_INT, INT, INT], Inst::ListInsert {}, &[]),
    (&[LIST_INT, INT], Inst::ListRemove {}, &[INT]),
    (&[LIST_INT, INT], Inst::ListTruncate {}, &[]),
    (&[LIST_INT, LIST_INT], Inst::Append {}, &[]),
    (&[], Inst::MapNew { ty: SET }, &[SET]),
    (&[MAP, TEXT], Inst::MapFind {}, &[OPTION_FLOAT]),
    (&[MAP_ANY_ANY, TEXT], Inst::MapFind {}, &[ANY]),
    (&[MAP, TEXT, FLOAT], Inst::MapGetOr {}, &[FLOAT]),
    (&[SET, INT], Inst::MapHas {}, &[BOOL]),
    (&[MAP, TEXT], Inst::MapRemove {}, &[BOOL]),
    (&[MAP, TEXT, FLOAT], Inst::MapSlot {}, &[INT]),
    (&[SET, INT], Inst::MapNext {}, &[INT]),
    (&[SET, INT], Inst::MapKeyAt {}, &[INT]),
    (&[MAP, INT], Inst::MapValueAt {}, &[FLOAT]),
    (&[MAP, INT, FLOAT], Inst::MapSetAt {}, &[]),
    (&[TEXT_BUILDER], Inst::Clear {}, &[]),
    (&[SET, INT], Inst::SetAdd {}, &[BOOL]),
    (&[INT], Inst::ArrayNew { ty: ARRAY_F32 }, &[ARRAY_F32]),
    (&[ARRAY_F32, FLOAT, INT, INT], Inst::Fill {}, &[]),
    (&[LIST_INT, INT, LIST_INT, INT, INT], Inst::CopyRange {}, &[]),
    (&[NODE], Inst::Copy {}, &[NODE]),
    (&[BYTES_BUILDER, BYTES], Inst::BuilderAdd {}, &[]),
    (&[TEXT_BUILDER, INT], Inst::BuilderByte {}, &[]),
    (&[BYTES_BUILDER, INT], Inst::BuilderCode {}, &[]),
    (&[BYTES_BUILDER], Inst::BuilderFinish {}, &[BYTES]),
    (&[TEXT], Inst::CallHost { host: HostIndex(0) }, &[]),
    (&[INT], Inst::Spawn { function: PLAIN }, &[ADDRESS]),
    (&[INT, TEXT], Inst::SpawnOn { function: PLAIN }, &[ANY]),
    (&[INT, MAP_ANY_ANY], Inst::SpawnWith { function: PLAIN }, &[ANY]),
    (&[TEXT, ADDRESS], Inst::Send { ty: ANY }, &[]),
    (&[INT, ADDRESS], Inst::TrySend { ty: INT }, &[BOOL]),
    (&[], Inst::AwaitType { ty: POINT }, &[POINT]),
    (&[INT], Inst::AwaitTypeUntil { ty: NODE }, &[OPTION_NODE]),
    (&[INT, REF, ADDRESS], Inst::RemoteCall { ty: INT }, &[]),
    (&[GOT, REF, INT], Inst::Deliver { ty: GOT, field: FieldIndex(1) }, &[]),
    (&[CAME, REF, INT], Inst::DeliverVariant { ty: CAME, variant: VariantIndex(1), field: FieldIndex(0) }, &[]),
    (&[TEXT, ADDRESS], Inst::Register { ty: INT }, &[BOOL]),
    (&[TEXT], Inst::Whereis { ty: INT }, &[ANY]),
    (&[TEXT, ADDRESS, TEXT], Inst::ClusterRegister { ty: INT }, &[ANY]),
    (&[TEXT], Inst::ClusterWhereis { ty: INT }, &[ANY]),
    (&[TEXT, ADDRESS], Inst::GroupJoin { ty: INT }, &[ANY]),
    (&[TEXT], Inst::GroupMembers { ty: INT }, &[LIST_ANY]),
    (&[INT, ADDRESS, INT], Inst::TimerOnce { ty: INT }, &[REF]),
];

const REFUSED: &[Refused] = &[
    (&[], Inst::PushFunction { function: CAPTURING }, "function `capturing` has 1 captured values, wanted one without"),
    (
        &[],
        Inst::PushFunction { function: UNTYPED },
        "E0043 in function `f` at offset 0, `push_function`: the type of function `untyped` as a value is not declared",
    ),
    (&[], Inst::PushFunction { function: FunctionIndex(9) }, "function 9 does not exist, the module has 4"),
    (&[], Inst::PushText { data: TextData(crate::index::DataIndex(1)) }, "data 1 is a byte string, wanted a text"),
    (&[], Inst::PushBytes { data: BytesData(crate::index::DataIndex(0)) }, "data 0 is a text, wanted a byte string"),
    (&[], Inst::PushBytes { data: BytesData(crate::index::DataIndex(2)) }, "data 2 does not exist, the module has 2"),
    (&[], Inst::Dup {}, "operand 1 of `dup` is missing, the operand stack is empty"),
    (&[], Inst::Drop {}, "operand 1 of `drop` is missing, the operand stack is empty"),
    (&[INT], Inst::Swap {}, "operand 1 of `swap` is missing, the operand stack is empty"),
    (&[INT], Inst::Over {}, "operand 1 of `over` is missing, the operand stack is empty"),
    (
        &[],
        Inst::Load { local: L0 },
        "E0039 in function `f` at offset 0, `load`: local 0 is read, and is not assigned on every way to here",
    ),
    (&[], Inst::Load { local: LocalIndex(1) }, "local 1 does not exist, the function has 1"),
    (&[TEXT], Inst::Store { local: LocalIndex(1) }, "operand 1 of `store` is Text, wanted Int"),
    (&[INT, TEXT], Inst::Tee { local: L0 }, "operand 1 of `tee` is Text, wanted Int"),
    (&[INT, TEXT], Inst::Add {}, "E0038 in function `f` at offset 4, `add`: operand 2 of `add` is Text, wanted Int"),
    (&[INT, ANY], Inst::Add {}, "operand 2 of `add` is Any, wanted Int"),
    (&[ANY, INT], Inst::Add {}, "operand 2 of `add` is Int, wanted Any"),
    (&[TEXT, TEXT], Inst::Add {}, "operand 1 of `add` is Text, wanted Int, Float or Any"),
    (&[BOOL], Inst::Neg {}, "operand 1 of `neg` is Bool, wanted Int, Float or Any"),
    (&[INT, BOOL], Inst::And {}, "operand 1 of `and` is Int, wanted Bool"),
    (&[FLOAT, FLOAT], Inst::Or {}, "operand 2 of `or` is Float, wanted Int or Bool"),
    (&[INT, FLOAT], Inst::Eq {}, "operand 2 of `eq` is Float, wanted Int"),
    (&[ANY, INT], Inst::Ne {}, "operand 2 of `ne` is Int, wanted a value that Any can hold as it is"),
    (&[NODE, NODE], Inst::Lt {}, "operand 1 of `lt` is Node, wanted Int, Float, Bool, Text, Bytes or Any"),
    (&[TEXT, BYTES], Inst::Lt {}, "operand 2 of `lt` is Bytes, wanted Text"),
    (&[ANY, INT], Inst::Compare {}, "operand 2 of `compare` is Int, wanted Any"),
    (&[INT], Inst::IsNull {}, "operand 1 of `is_null` is Int, wanted a value that can be null"),
    (&[], Inst::Show {}, "operand 1 of `show` is missing, the operand stack is empty"),
    (&[TEXT], Inst::Sqrt {}, "operand 1 of `sqrt` is Text, wanted Float"),
    (&[TEXT], Inst::Call { function: PLAIN }, "operand 1 of `call` is Text, wanted Int"),
    (
        &[INT],
        Inst::TailCall { function: PLAIN },
        "E0044 in function `f` at offset 2, `tail_call`: the callee returns Int, this function nothing",
    ),
    (&[INT, FN_ANY], Inst::CallValue { ty: FN }, "operand 2 of `call_value` is fn(Int) -> Any, wanted fn(Int) -> Int"),
    (
        &[INT, FN],
        Inst::CallValue { ty: INT },
        "E0035 in function `f` at offset 4, `call_value`: the named type is Int, wanted a function type",
    ),
    (&[INT, FN], Inst::TailCallValue { ty: FN }, "the callee returns Int, this function nothing"),
    (&[INT], Inst::Closure { function: CAPTURING }, "operand 1 of `closure` is Int, wanted Text"),
    (
        &[],
        Inst::Closure { function: PLAIN },
        "E0046 in function `f` at offset 0, `closure`: function `plain` has no captured values, wanted one that has",
    ),
    (&[INT], Inst::ToAny { depth: Depth(1) }, "the operand 1 below the top is missing, there are 1"),
    (&[INT], Inst::Cast { ty: TEXT }, "operand 1 of `cast` is Int, wanted Any"),
    (&[ANY], Inst::Cast { ty: ANY }, "the named type is Any, wanted a type other than Any"),
    (&[BOOL], Inst::Is { ty: TEXT }, "operand 1 of `is` is Bool, wanted Any"),
    (&[ANY], Inst::Is { ty: TypeIndex(99) }, "type 99 does not exist, the module has 50"),
    (&[INT], Inst::Some { ty: OPTION_FLOAT }, "operand 1 of `some` is Int, wanted Float"),
    (&[INT], Inst::Some { ty: INT }, "the named type is Int, wanted an Option"),
    (&[ANY], Inst::Unwrap { ty: OPTION_INT }, "operand 1 of `unwrap` is Any, wanted Option<Int>"),
    (&[INT, FLOAT], Inst::New { ty: POINT }, "operand 2 of `new` is Float, wanted Int"),
    (&[INT], Inst::New { ty: SHAPE }, "the named type is Shape, wanted a tuple, record or object"),
    (&[PAIR], Inst::Field { ty: PAIR, field: FieldIndex(2) }, "field 2 does not exist, (Int, Text) has 2"),
    (&[NODE], Inst::Field { ty: POINT, field: F0 }, "operand 1 of `field` is Node, wanted Point"),
    (&[SHAPE], Inst::Field { ty: SHAPE, field: F0 }, "the named type is Shape, wanted a tuple, record or object"),
    (&[NODE, INT], Inst::With { ty: NODE, field: F0 }, "the named type is Node, wanted a tuple or record"),
    (&[POINT, INT], Inst::With { ty: POINT, field: F0 }, "operand 2 of `with` is Int, wanted Float"),
    (
        &[NODE, INT],
        Inst::SetField { ty: NODE, field: F0 },
        "E0045 in function `f` at offset 4, `set_field`: field 0 of Node is not mutable",
    ),
    (&[POINT, INT], Inst::SetField { ty: POINT, field: F0 }, "the named type is Point, wanted an object"),
    (&[NODE, INT], Inst::SetField { ty: NODE, field: F1 }, "operand 2 of `set_field` is Int, wanted Option<Node>"),
    (&[INT], Inst::NewVariant { ty: SHAPE, variant: V0 }, "operand 1 of `new_variant` is Int, wanted Float"),
    (&[], Inst::NewVariant { ty: SHAPE, variant: VariantIndex(2) }, "variant 2 does not exist, Shape has 2"),
    (&[], Inst::NewVariant { ty: POINT, variant: V0 }, "the named type is Point, wanted a sum type"),
    (&[POINT], Inst::Tag { ty: POINT }, "the named type is Point, wanted a sum type"),
    (&[ANY], Inst::Tag { ty: SHAPE }, "operand 1 of `tag` is Any, wanted Shape"),
    (&[SHAPE], Inst::Payload { ty: SHAPE, variant: V1, field: F0 }, "field 0 does not exist, Shape has 0"),
    (&[POINT], Inst::Payload { ty: SHAPE, variant: V0, field: F0 }, "operand 1 of `payload` is Point, wanted Shape"),
    (&[POINT], Inst::Len {}, "operand 1 of `len` is Point, wanted a Text, Bytes, array, List, Map, Set or builder"),
    (&[LIST_INT, INT], Inst::ByteAt {}, "operand 1 of `byte_at` is List<Int>, wanted Text or Bytes"),
    (&[TEXT, BYTES], Inst::Concat {}, "operand 1 of `concat` is Text, wanted Bytes"),
    (&[SET, INT, INT], Inst::Slice {}, "operand 1 of `slice` is Set<Int>, wanted a Text, Bytes, array or List"),
    (&[TEXT, BYTES, INT], Inst::Find {}, "operand 1 of `find` is Text, wanted Bytes"),
    (&[], Inst::ListNew { ty: SET }, "the named type is Set<Int>, wanted a List"),
    (&[LIST_ANY, INT], Inst::ListPush {}, "operand 2 of `list_push` is Int, wanted Any"),
    (&[SET, INT], Inst::ListPush {}, "operand 1 of `list_push` is Set<Int>, wanted a List"),
    (&[ARRAY_INT], Inst::ListPop {}, "operand 1 of `list_pop` is Array<Int>, wanted a List"),
    (&[MAP, INT], Inst::Get {}, "operand 2 of `get` is Int, wanted Text"),
    (&[TEXT, INT], Inst::Get {}, "operand 1 of `get` is Text, wanted a List, array or Map"),
    (&[ARRAY_BYTE, INT, FLOAT], Inst::Set {}, "operand 3 of `set` is Float, wanted Int"),
    (&[LIST_INT, FLOAT, INT], Inst::Set {}, "operand 2 of `set` is Float, wanted Int"),
    (&[LIST_INT, INT, TEXT], Inst::ListInsert {}, "operand 3 of `list_insert` is Text, wanted Int"),
    (&[LIST_INT, TEXT], Inst::ListRemove {}, "operand 2 of `list_remove` is Text, wanted Int"),
    (&[TEXT, INT], Inst::ListTruncate {}, "operand 1 of `list_truncate` is Text, wanted a List"),
    (&[LIST_ANY, LIST_INT], Inst::Append {}, "operand 1 of `append` is List<Any>, wanted List<Int>"),
    (&[], Inst::MapNew { ty: POINTS }, "the named type is List<Point>, wanted a Map or Set"),
    (
        &[MAP_POINT, INT],
        Inst::MapFind {},
        "E0043 in function `f` at offset 4, `map_find`: the type Option<Point> is not declared",
    ),
    (&[SET, INT], Inst::MapFind {}, "operand 1 of `map_find` is Set<Int>, wanted a Map"),
    (&[MAP, TEXT, INT], Inst::MapGetOr {}, "operand 3 of `map_get_or` is Int, wanted Float"),
    (&[SET, TEXT], Inst::MapHas {}, "operand 2 of `map_has` is Text, wanted Int"),
    (&[LIST_INT, INT], Inst::MapRemove {}, "operand 1 of `map_remove` is List<Int>, wanted a Map or Set"),
    (&[MAP, INT, FLOAT], Inst::MapSlot {}, "operand 2 of `map_slot` is Int, wanted Text"),
    (&[MAP, TEXT], Inst::MapNext {}, "operand 2 of `map_next` is Text, wanted Int"),
    (&[TEXT, INT], Inst::MapKeyAt {}, "operand 1 of `map_key_at` is Text, wanted a Map or Set"),
    (&[SET, INT], Inst::MapValueAt {}, "operand 1 of `map_value_at` is Set<Int>, wanted a Map"),
    (&[MAP, INT, INT], Inst::MapSetAt {}, "operand 3 of `map_set_at` is Int, wanted Float"),
    (&[ARRAY_INT], Inst::Clear {}, "operand 1 of `clear` is Array<Int>, wanted a List, Map, Set or builder"),
    (&[SET, TEXT], Inst::SetAdd {}, "operand 2 of `set_add` is Text, wanted Int"),
    (&[MAP, TEXT], Inst::SetAdd {}, "operand 1 of `set_add` is Map<Text, Float>, wanted a Set"),
    (&[INT], Inst::ArrayNew { ty: LIST_INT }, "the named type is List<Int>, wanted an array"),
    (&[TEXT], Inst::ArrayNew { ty: ARRAY_INT }, "operand 1 of `array_new` is Text, wanted Int"),
    (&[ARRAY_INT, FLOAT, INT, INT], Inst::Fill {}, "operand 2 of `fill` is Float, wanted Int"),
    (&[LIST_INT, INT, INT, INT], Inst::Fill {}, "operand 1 of `fill` is List<Int>, wanted an array"),
    (
        &[ARRAY_INT, INT, ARRAY_BYTE, INT, INT],
        Inst::CopyRange {},
        "operand 1 of `copy_range` is Array<Int>, wanted Array<Byte>",
    ),
    (&[POINT], Inst::Copy {}, "operand 1 of `copy` is Point, wanted an array, List, Map, Set or object"),
    (&[TEXT_BUILDER, BYTES], Inst::BuilderAdd {}, "operand 2 of `builder_add` is Bytes, wanted Text"),
    (&[TEXT, INT], Inst::BuilderByte {}, "operand 1 of `builder_byte` is Text, wanted a builder"),
    (&[TEXT_BUILDER, TEXT], Inst::BuilderInt {}, "operand 2 of `builder_int` is Text, wanted Int"),
    (&[LIST_INT], Inst::BuilderFinish {}, "operand 1 of `builder_finish` is List<Int>, wanted a builder"),
    (&[INT], Inst::CallHost { host: HostIndex(0) }, "operand 1 of `call_host` is Int, wanted Text"),
    (&[INT], Inst::CallHost { host: HostIndex(1) }, "host function 1 does not exist, the module has 1"),
    (
        &[INT],
        Inst::Spawn { function: CAPTURING },
        "E0015 in function `f` at offset 2, `spawn`: function `capturing` has 1 captured values, wanted one without",
    ),
    (&[INT, INT], Inst::SpawnOn { function: PLAIN }, "operand 2 of `spawn_on` is Int, wanted Any"),
    (&[INT, ANY], Inst::SpawnWith { function: PLAIN }, "operand 2 of `spawn_with` is Any, wanted Map<Any, Any>"),
    (&[INT, ADDRESS], Inst::Send { ty: TEXT }, "operand 1 of `send` is Int, wanted Text"),
    (&[TEXT, TEXT], Inst::Send { ty: TEXT }, "operand 2 of `send` is Text, wanted Address"),
    (&[INT, ADDRESS], Inst::TrySend { ty: TEXT }, "operand 1 of `try_send` is Int, wanted Text"),
    (&[], Inst::AwaitType { ty: TypeIndex(99) }, "type 99 does not exist, the module has 50"),
    (&[INT], Inst::AwaitTypeUntil { ty: POINT }, "the type Option<Point> is not declared"),
    (&[TEXT], Inst::AwaitTypeUntil { ty: INT }, "operand 1 of `await_type_until` is Text, wanted Int"),
    (&[INT, ADDRESS], Inst::Register { ty: INT }, "operand 1 of `register` is Int, wanted Text"),
    (&[INT], Inst::Whereis { ty: INT }, "operand 1 of `whereis` is Int, wanted Text"),
    (&[TEXT, ADDRESS, INT], Inst::ClusterRegister { ty: INT }, "operand 3 of `cluster_register` is Int, wanted Text"),
    (&[TEXT, TEXT], Inst::GroupJoin { ty: INT }, "operand 2 of `group_join` is Text, wanted Address"),
    (&[INT], Inst::GroupMembers { ty: INT }, "operand 1 of `group_members` is Int, wanted Text"),
    (&[INT, REF, ADDRESS], Inst::RemoteCall { ty: TEXT }, "operand 1 of `remote_call` is Int, wanted Text"),
    (&[INT, REF, INT], Inst::Deliver { ty: GOT, field: FieldIndex(1) }, "operand 1 of `deliver` is Int, wanted Got"),
    (&[GOT, REF, INT], Inst::Deliver { ty: GOT, field: FieldIndex(0) }, "the named field is Int, wanted an answer"),
    (
        &[CAME, REF, INT],
        Inst::Deliver { ty: CAME, field: FieldIndex(0) },
        "the named type is Came, wanted a tuple, record or object",
    ),
    (
        &[CAME, INT, INT],
        Inst::DeliverVariant { ty: CAME, variant: VariantIndex(1), field: FieldIndex(0) },
        "operand 2 of `deliver_variant` is Int, wanted Ref",
    ),
    (
        &[CAME_NOT, REF, INT],
        Inst::DeliverVariant { ty: CAME_NOT, variant: VariantIndex(0), field: FieldIndex(0) },
        "the named field is NoAnswer, wanted an answer",
    ),
    (&[INT, ADDRESS, TEXT], Inst::TimerEvery { ty: INT }, "operand 3 of `timer_every` is Text, wanted Int"),
];

#[test]
fn takes_what_the_rules_say() {
    TAKEN.iter().for_each(check_taken);
}

#[test]
fn refuses_anything_else() {
    REFUSED.iter().for_each(check_refused);
}

#[test]
fn the_surroundings_are_fine_by_themselves() {
    accept(surroundings(function(&[], &[], None, &[Do(Inst::Ret {})])));
}

/// Branches and tail calls need targets or results and are with the codes.
const ELSEWHERE: &[Rule] =
    &[Rule::Jump, Rule::JumpBool, Rule::JumpNull, Rule::Switch, Rule::TailCall, Rule::TailCallValue, Rule::Return];

#[test]
fn every_rule_is_taken_and_refused_once_at_least() {
    let rule = |inst: &Inst<'_>| if let Effect::Rule(rule) = inst.opcode().info().effect { Some(rule.text()) } else { None };
    let taken: BTreeSet<&str> = TAKEN.iter().filter_map(|case| rule(&case.1)).collect();
    let refused: BTreeSet<&str> = REFUSED.iter().filter_map(|case| rule(&case.1)).collect();
    for info in INSTRUCTIONS {
        if let Effect::Rule(rule) = info.effect
            && !ELSEWHERE.contains(&rule)
        {
            assert!(taken.contains(rule.text()), "nothing taken by {rule:?}");
            assert!(refused.contains(rule.text()), "nothing refused by {rule:?}");
        }
    }
}

#[test]
fn every_instruction_with_a_fixed_effect_does_what_its_row_says() {
    for info in INSTRUCTIONS {
        let Effect::Fixed(pops, pushes) = info.effect else { continue };
        if !info.operands.is_empty() {
            continue;
        }
        let Some(inst) = Inst::from_operands(info.opcode, &[]) else { panic!("`{}` takes no operands", info.mnemonic) };
        let pushes = if info.effects.has(crate::isa::ENDS) { &[] } else { pushes };
        check_taken(&(pops, inst, pushes));
        if let Some(last) = pops.last().filter(|last| **last != ANY) {
            let other = if *last == TEXT { BYTES } else { TEXT };
            let wrong: Vec<TypeIndex> = pops[..pops.len() - 1].iter().copied().chain([other]).collect();
            assert!(outcome(&wrong, inst).is_err(), "`{}` takes {other}", info.mnemonic);
        }
    }
}
