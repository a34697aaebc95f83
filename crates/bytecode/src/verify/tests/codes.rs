//! One module for each reason to refuse one.

use std::collections::BTreeSet;

use super::Line::{At, Do};
use super::{Line, accept, function, local, module, render};
use crate::index::{CodeOffset, FunctionIndex, LocalIndex, TargetIndex, TypeIndex};
use crate::isa::Inst;
use crate::limits::{FIELDS_MAX, NAME_BYTES_MAX, PARAMS_MAX, STACK_MAX, TYPE_DEPTH_MAX};
use crate::module::{Export, Function, Handler, HostImport, Import, Module, ModuleHash, ServePoint, features};
use crate::operand::Targets;
use crate::types::*;
use crate::verify::{ErrorCode, verify};

/// Checks that a module is refused with exactly this line; gives the code for [`every_code_is_met`].
#[track_caller]
fn check(module: Module, wanted: &str) -> ErrorCode {
    match verify(module) {
        Ok(_) => panic!("taken, wanted: {wanted}"),
        Err(errors) => {
            assert_eq!(render(&errors).trim_end(), wanted);
            errors[0].code
        }
    }
}

fn types(declared: Vec<Type>) -> Module {
    Module { types: TypeTable::with_declared(declared), ..Module::default() }
}

fn record(fields: Vec<Field>) -> Module {
    types(vec![Type::Record("R".to_owned(), fields)])
}

fn own(at: u32) -> TypeIndex {
    TypeIndex(FIRST_DECLARED + at)
}

fn target(at: u32) -> TargetIndex {
    TargetIndex(at)
}

fn handler(start: u32, end: u32, target: u32) -> Handler {
    Handler { start: CodeOffset(start), end: CodeOffset(end), target: TargetIndex(target) }
}

const RET: Line<'static> = Do(Inst::Ret {});
const TRUE: Line<'static> = Do(Inst::PushTrue {});
const DROP: Line<'static> = Do(Inst::Drop {});
const JMP: Line<'static> = Do(Inst::Jmp { target: TargetIndex(0) });
const JMP_IF: Line<'static> = Do(Inst::JmpIf { target: TargetIndex(0) });

/// A module with one function of a parameter and a local, both Int.
fn code(lines: &[Line<'_>]) -> Module {
    module(function(&[INT], &[INT], None, lines))
}

fn with(mut module: Module, change: impl FnOnce(&mut Function)) -> Module {
    change(&mut module.functions[0]);
    module
}

fn import(name: &str) -> Import {
    Import { module: ModuleHash::default(), name: name.to_owned(), params: Vec::new(), result: None }
}

fn host(name: &str, params: Vec<TypeIndex>) -> HostImport {
    HostImport { name: name.to_owned(), params, result: None }
}

fn export(name: &str, function: u32) -> Export {
    Export { name: name.to_owned(), function: FunctionIndex(function) }
}

#[test]
fn every_code_is_met() {
    let mut met: BTreeSet<ErrorCode> = of_declarations().into_iter().chain(of_types()).collect();
    met.extend(of_places().into_iter().chain(of_code()));
    // These are met by the rules' cases.
    met.extend([ErrorCode::DataKind, ErrorCode::TypeKind, ErrorCode::OperandType, ErrorCode::Unassigned]);
    met.extend([ErrorCode::MissingType, ErrorCode::ResultType, ErrorCode::Immutable, ErrorCode::NoCaptures]);
    let missing: Vec<&ErrorCode> = ErrorCode::ALL.iter().filter(|code| !met.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn codes_are_in_order_and_unique() {
    assert!(ErrorCode::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
}

fn of_declarations() -> Vec<ErrorCode> {
    let f = || module(function(&[], &[], None, &[RET]));
    vec![
        check(Module { features: 6, ..Module::default() }, "E0001: feature bits 0x6 are not known"),
        // Found by fuzzing: one with the draft bit of another version was verified, and its bytes were then refused.
        check(Module { features: features::DRAFT, ..Module::default() }, "E0001: feature bits 0x1 are not known"),
        check(
            Module { hosts: vec![host("h", vec![INT; PARAMS_MAX + 1])], ..Module::default() },
            "E0002 in function `h`: the host function has 65 parameters, at most 64",
        ),
        check(with(f(), |f| f.locals = vec![INT; 257]), "E0002 in function `f`: 257 locals, at most 256"),
        check(
            Module { hosts: vec![host(&"h".repeat(NAME_BYTES_MAX + 1), vec![])], ..Module::default() },
            "E0003: a name among the host functions has 1025 bytes, wanted 1 to 1024",
        ),
        check(Module { imports: vec![import("")], ..f() }, "E0003: the name of an import has 0 bytes, wanted 1 to 1024"),
        check(
            Module { imports: vec![import("a"), import("b"), import("a")], ..f() },
            &format!("E0004: `a` of module {} is imported twice", "0".repeat(64)),
        ),
        check(
            Module { functions: vec![f().functions.remove(0), f().functions.remove(0)], ..Module::default() },
            "E0004: two of the functions are named `f`",
        ),
        check(Module { exports: vec![export("a", 0), export("a", 0)], ..f() }, "E0004: two exports are named `a`"),
        check(Module { exports: vec![export("b", 0), export("a", 0)], ..f() }, "E0016: export `a` stands behind `b`"),
        check(Module { exports: vec![export("a", 1)], ..f() }, "E0014: export `a` is function 1, which does not exist"),
        check(
            Module { exports: vec![export("a", 0)], ..with(f(), |f| f.captures = vec![INT]) },
            "E0015: export `a` is a function with 1 captured values",
        ),
        check(with(f(), |f| f.params = vec![own(0)]), "E0005 in function `f`: type 32 is not declared"),
        check(with(f(), |f| f.mailbox = Some(vec![own(0)])), "E0005 in function `f`: type 32 is not declared"),
        check(
            with(f(), |f| f.mailbox = Some(vec![INT, TEXT, INT])),
            "E0017 in function `f`: the message type Int stands twice",
        ),
    ]
}

fn of_types() -> Vec<ErrorCode> {
    let field = |ty| Field::new("x", ty);
    let mut replaced = TypeTable::default();
    replaced.replace(INT, Type::Text);
    let deep = (0..TYPE_DEPTH_MAX as u32).map(|at| Type::List(if at == 0 { LIST_INT } else { own(at - 1) })).collect();
    vec![
        check(types(vec![Type::List(own(9))]), "E0005: type 32 consists of type 41, which is not declared"),
        check(Module { types: replaced, ..Module::default() }, "E0006: the first types are not the built-in ones"),
        check(
            types(vec![Type::List(own(1)), Type::List(TEXT_BUILDER)]),
            "E0007: type 32 consists of type 33, which does not stand before it",
        ),
        check(types(vec![Type::Option(own(0))]), "E0007: type 32 consists of type 32, which does not stand before it"),
        check(types(deep), "E0008: type 95 is nested 65 deep, at most 64"),
        check(types(vec![Type::List(INT)]), "E0009: type 32 is List<Int>, which is type 26 already"),
        check(types(vec![Type::Text]), "E0009: type 32 is Text, which is type 4 already"),
        check(
            types(vec![Type::Record("R".to_owned(), vec![field(own(1))]), Type::List(own(0)), Type::Set(own(0))]),
            "E0010: the keys of Set<R> are R, which cannot be keys",
        ),
        check(types(vec![Type::Map(FLOAT, INT)]), "E0010: the keys of Map<Float, Int> are Float, which cannot be keys"),
        check(
            record(vec![Field { default: Some(Constant::Int(1)), ..field(FLOAT) }]),
            "E0011: the default of field `x` of R is an Int, wanted Float",
        ),
        check(
            record(vec![Field { default: Some(Constant::Null), ..field(TEXT) }]),
            "E0011: the default of field `x` of R is null, wanted Text",
        ),
        check(
            record(vec![Field { mutable: true, ..field(INT) }]),
            "E0012: field `x` of R is mutable, but only fields of objects may be",
        ),
        check(
            record(vec![Field { json: Some("x".to_owned()), ..field(INT) }]),
            "E0013: field `x` of R has its own name as JSON name",
        ),
        check(
            record(vec![field(INT), field(TEXT)]),
            "E0004: two of the fields are named `x`\nE0004: two of the fields in JSON are named `x`",
        ),
        check(
            types(vec![Type::Record("R".to_owned(), vec![]), Type::Sum("R".to_owned(), vec![])]),
            "E0004: two of the types are named `R`",
        ),
        check(
            types(vec![Type::Tuple(vec![INT; FIELDS_MAX + 1])]),
            // The text of a long type is cut off.
            &format!("E0002: ({}..) has 251 fields, at most 250", "Int, ".repeat(200)),
        ),
    ]
}

/// A handler over the first instruction whose target is the last.
fn handled(lines: &[Line<'_>], handlers: &[Handler]) -> Module {
    with(code(lines), |f| f.handlers = handlers.to_vec())
}

fn of_places() -> Vec<ErrorCode> {
    let caught = [TRUE, DROP, RET, At(&[ERROR], &[]), RET];
    let looping = [At(&[], &[0]), JMP];
    let serve = |target, state| vec![ServePoint { target: TargetIndex(target), state: LocalIndex(state) }];
    vec![
        check(
            with(code(&[At(&[], &[]), JMP]), |f| f.targets.push(f.targets[0].clone())),
            "E0020 in function `f` at offset 0: target 1 is at 0, wanted 1 or more",
        ),
        check(
            with(code(&[At(&[], &[]), Do(Inst::PushInt { value: 1 }), JMP]), |f| f.targets[0].offset = CodeOffset(1)),
            "E0021 in function `f` at offset 2: target 0 is at 1, inside an instruction",
        ),
        check(
            with(code(&[At(&[], &[]), JMP]), |f| f.targets[0].offset = CodeOffset(2)),
            "E0021 in function `f` at offset 2: target 0 is at 2, the last instruction ends at 2",
        ),
        check(code(&[At(&[], &[]), RET]), "E0022 in function `f` at offset 1: no branch and no handler leads to target 0"),
        check(
            code(&[At(&[], &[2]), JMP]),
            "E0023 in function `f` at offset 0: local 2 is live at target 0, the function has 2",
        ),
        check(
            code(&[At(&[INT; STACK_MAX + 1], &[]), JMP]),
            "E0002 in function `f` at offset 0: target 0 takes 4097 values, at most 4096",
        ),
        check(
            code(&[At(&[own(0)], &[]), JMP]),
            "E0005 in function `f` at offset 0: target 0 takes type 32, which is not declared",
        ),
        check(
            handled(&caught, &[handler(1, 1, 0)]),
            "E0024 in function `f` at offset 0: handler 0 covers 1 to 1 of 4 bytes of code",
        ),
        check(
            handled(&caught, &[handler(0, 9, 0)]),
            "E0024 in function `f` at offset 0: handler 0 covers 0 to 9 of 4 bytes of code",
        ),
        check(
            handled(&[Do(Inst::PushInt { value: 1 }), DROP, RET, At(&[ERROR], &[]), RET], &[handler(1, 3, 0)]),
            "E0024 in function `f` at offset 2: handler 0 starts at 1, inside an instruction",
        ),
        check(
            handled(&[Do(Inst::PushInt { value: 1 }), DROP, RET, At(&[ERROR], &[]), RET], &[handler(0, 1, 0)]),
            "E0024 in function `f` at offset 2: handler 0 ends at 1, inside an instruction",
        ),
        check(
            handled(&caught, &[handler(0, 2, 0), handler(1, 3, 0)]),
            "E0025 in function `f` at offset 0: handler 1, 1 to 3, overlaps the one from 0 to 2",
        ),
        check(
            handled(&caught, &[handler(0, 2, 0), handler(0, 2, 0)]),
            "E0025 in function `f` at offset 0: handler 1, 0 to 2, does not belong behind the one before it",
        ),
        check(
            handled(&caught, &[handler(0, 2, 0), handler(0, 1, 0)]),
            "E0025 in function `f` at offset 0: handler 1, 0 to 1, does not belong behind the one before it",
        ),
        check(
            handled(&[At(&[ERROR], &[]), JMP], &[handler(0, 2, 0)]),
            "E0026 in function `f` at offset 0: handler 0 ends at 2 and leads back to 0, wanted a target behind it",
        ),
        check(
            handled(&[TRUE, DROP, RET, At(&[TEXT, TEXT], &[]), RET], &[handler(0, 1, 0)]),
            "E0026 in function `f` at offset 0: the target of handler 0 takes [Text, Text], wanted [(Text, Text)]",
        ),
        check(
            handled(
                &[Do(Inst::Load { local: local(0) }), Do(Inst::Neg {}), RET, At(&[ERROR], &[1]), RET],
                &[handler(0, 3, 0)],
            ),
            "E0027 in function `f` at offset 2, `neg`: `neg` may trap, and the handler at 4 reads local 1, which is not assigned",
        ),
        check(
            with(code(&looping), |f| f.serve_points = serve(0, 1)),
            "E0028 in function `f` at offset 2: serve point 0, target 0, state local 1, has a state that is not live there",
        ),
        check(
            with(code(&[JMP, At(&[], &[0]), RET]), |f| f.serve_points = serve(0, 0)),
            "E0028 in function `f` at offset 3: serve point 0, target 0, state local 0, is at a target to which no branch leads \
             backwards",
        ),
        check(
            with(code(&looping), |f| f.serve_points = [serve(0, 0), serve(0, 0)].concat()),
            "E0028 in function `f` at offset 2: serve point 1, target 0, state local 0, does not stand in the order of targets",
        ),
        check(
            with(code(&looping), |f| f.serve_points = serve(1, 0)),
            "E0033 in function `f` at offset 2: target 1 does not exist, the function has 1",
        ),
    ]
}

fn of_code() -> Vec<ErrorCode> {
    let bytes = |code: &[u8]| with(code_of_nothing(), |f| f.code = code.to_vec());
    let doubling: Vec<Line<'_>> = [TRUE].into_iter().chain([Do(Inst::Dup {}); STACK_MAX]).chain([RET]).collect();
    let mut wide: Vec<Line<'_>> = [TRUE; STACK_MAX].to_vec();
    wide.extend([Do(Inst::Not {}); 100].iter().chain([&RET]));
    vec![
        check(bytes(&[15]), "E0030 in function `f` at offset 0: unknown instruction number 15"),
        check(bytes(&[3]), "E0030 in function `f` at offset 0: the bytes end inside this item"),
        check(bytes(&[3, 0x80, 0]), "E0030 in function `f` at offset 0: this number is not in its shortest encoding"),
        check(
            code(&[RET, RET]),
            "E0031 in function `f` at offset 1, `ret`: `ret` is reached by no way, wanted a target here",
        ),
        check(
            code(&[TRUE]),
            "E0032 in function `f` at offset 1: the code ends here, wanted a jump, a return or another instruction that ends it",
        ),
        check(
            code(&[]),
            "E0032 in function `f` at offset 0: the code ends here, wanted a jump, a return or another instruction that ends it",
        ),
        check(code(&[JMP]), "E0033 in function `f` at offset 0, `jmp`: target 0 does not exist, the function has 0"),
        check(
            with(code(&[RET]), |f| f.result = Some(INT)),
            "E0036 in function `f` at offset 0, `ret`: operand 1 of `ret` is missing, the operand stack is empty",
        ),
        check(
            with(code(&[TRUE, RET]), |f| f.result = Some(INT)),
            "E0038 in function `f` at offset 1, `ret`: operand 1 of `ret` is Bool, wanted Int",
        ),
        check(
            code(&doubling),
            "E0037 in function `f` at offset 4096, `dup`: one more than 4096 values on the operand stack",
        ),
        check(
            code(&[TRUE, At(&[], &[]), JMP]),
            "E0040 in function `f` at offset 1: 1 values on the operand stack, the target at 1 wants []",
        ),
        check(
            code(&[TRUE, TRUE, JMP_IF, RET, At(&[INT], &[]), RET]),
            "E0041 in function `f` at offset 2, `jmp_if`: the value 0 below the top is Bool, the target at 5 wants Int",
        ),
        check(
            code(&[TRUE, JMP_IF, RET, At(&[], &[0, 1]), RET]),
            "E0042 in function `f` at offset 1, `jmp_if`: local 1 is not assigned here, the target at 4 reads it",
        ),
        check(
            code(&[TRUE, Do(Inst::JmpIfNull { target: target(0) }), RET, At(&[], &[]), RET]),
            "E0038 in function `f` at offset 1, `jmp_if_null`: operand 1 of `jmp_if_null` is Bool, wanted an Option or Any",
        ),
        check(
            code(&[TRUE, Do(Inst::Switch { targets: Targets::List(&[]) }), RET]),
            "E0038 in function `f` at offset 1, `switch`: operand 1 of `switch` is Bool, wanted Int",
        ),
        check(
            code(&[Do(Inst::PushInt { value: 0 }), Do(Inst::Switch { targets: Targets::List(&[TargetIndex(7)]) }), RET]),
            "E0033 in function `f` at offset 2, `switch`: target 7 does not exist, the function has 0",
        ),
        check(
            code(&wide),
            "E0047 in function `f` at offset 4112, `not`: 4096 values on the operand stack are too many here: before all \
             instructions together, 8388608 and 16 for each are allowed",
        ),
    ]
}

fn code_of_nothing() -> Module {
    code(&[])
}

#[test]
fn several_functions_are_refused_in_one_run() {
    let broken = |name: &str| Function { name: name.to_owned(), ..function(&[], &[], None, &[TRUE]) };
    let module = Module { functions: (0..60).map(|at| broken(&format!("f{at}"))).collect(), ..Module::default() };
    assert_eq!(verify(module).map(|_| ()).map_err(|errors| errors.len()), Err(50));
}

#[test]
fn words_are_taken_where_any_or_an_option_of_them_is_wanted() {
    accept(code(&[Do(Inst::PushNull {}), TRUE, JMP_IF, RET, At(&[OPTION_INT], &[]), RET]));
    accept(code(&[Do(Inst::Self_ {}), TRUE, JMP_IF, RET, At(&[OPTION_ADDRESS], &[]), RET]));
    accept(code(&[Do(Inst::Self_ {}), At(&[ANY], &[]), JMP]));
}

#[test]
fn keys_may_be_recursive() {
    let field = |ty| Field::new("x", ty);
    let name = |name: &str| name.to_owned();
    accept(types(vec![
        Type::Record(name("Tree"), vec![field(own(1))]),
        Type::Option(own(0)),
        Type::Sum(name("Key"), vec![Variant { name: name("Some"), fields: vec![field(own(0)), Field::new("y", ANY)] }]),
        Type::Set(own(2)),
        Type::Map(own(0), FLOAT),
    ]));
}
