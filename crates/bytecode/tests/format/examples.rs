//! The modules that the examples of the specification are the bytes of.

use fardel_bytecode::index::{CodeOffset, FunctionIndex, HostIndex, LocalIndex, TargetIndex, TypeIndex};
use fardel_bytecode::module::{
    Data, Debug, Export, Function, FunctionDebug, Handler, HostImport, Import, LocalSet, Module, ModuleHash, ServePoint,
    Target,
};
use fardel_bytecode::operand::{BytesData, TextData};
use fardel_bytecode::types::{Constant, ERROR, FLOAT, Field, INT, TEXT, Type, TypeTable, Variant};
use fardel_bytecode::{Inst, index::DataIndex};

/// Every example by its name.
pub(crate) fn all() -> Vec<(&'static str, Module)> {
    vec![("empty", Module::default()), ("hello", hello()), ("sum", sum()), ("service", service())]
}

/// Prints a text.
fn hello() -> Module {
    let main = Function {
        name: "main".into(),
        code: code(&[Inst::PushText { data: TextData(DataIndex(0)) }, Inst::CallHost { host: HostIndex(0) }, Inst::Ret {}]),
        ..Function::default()
    };
    Module {
        hosts: vec![HostImport { name: "io.print".into(), params: vec![TEXT], result: None }],
        data: vec![Data::Text("hello\n".into())],
        functions: vec![main],
        exports: vec![Export { name: "main".into(), function: FunctionIndex(0) }],
        ..Module::default()
    }
}

/// Adds the numbers from `n` down to 1, in a loop.
fn sum() -> Module {
    let (n, total) = (LocalIndex(0), LocalIndex(1));
    let (again, done) = (TargetIndex(0), TargetIndex(1));
    let start = code(&[Inst::PushInt { value: 0 }, Inst::Store { local: total }]);
    let body = code(&[
        Inst::Load { local: n },
        Inst::PushInt { value: 0 },
        Inst::Le {},
        Inst::JmpIf { target: done },
        Inst::Load { local: total },
        Inst::Load { local: n },
        Inst::Add {},
        Inst::Store { local: total },
        Inst::Load { local: n },
        Inst::PushInt { value: 1 },
        Inst::Sub {},
        Inst::Store { local: n },
        Inst::Jmp { target: again },
    ]);
    let end = code(&[Inst::Load { local: total }, Inst::Ret {}]);
    let (loop_at, done_at) = (offset(start.len()), offset(start.len() + body.len()));
    let sum = Function {
        name: "sum".into(),
        params: vec![INT],
        locals: vec![INT],
        result: Some(INT),
        targets: vec![
            Target { offset: loop_at, stack: vec![], live: set(&[n, total]) },
            Target { offset: done_at, stack: vec![], live: set(&[total]) },
        ],
        code: [start, body, end].concat(),
        ..Function::default()
    };
    let debug = Debug {
        file: "sum.fda".into(),
        functions: vec![FunctionDebug {
            locals: vec!["n".into(), "total".into()],
            lines: vec![(CodeOffset(0), 4), (loop_at, 6), (done_at, 14)],
        }],
        others: Vec::new(),
    };
    Module {
        functions: vec![sum],
        exports: vec![Export { name: "sum".into(), function: FunctionIndex(0) }],
        debug: Some(debug),
        ..Module::default()
    }
}

/// Has one of everything else: types, an import, a closure, a mailbox, a handler and a serve point.
fn service() -> Module {
    let (point, node, option_node, event) = (TypeIndex(32), TypeIndex(33), TypeIndex(34), TypeIndex(35));
    let height =
        Field { default: Some(Constant::Float(0)), was: vec!["h".into()], json: Some("Y".into()), ..Field::new("y", FLOAT) };
    let next = Field { mutable: true, ..Field::new("next", option_node) };
    let moved = Variant { name: "Moved".into(), fields: vec![Field::new("to", point)] };
    let types = vec![
        Type::Record("Point".into(), vec![Field::new("x", FLOAT), height]),
        Type::Object("Node".into(), vec![Field::new("value", INT), next]),
        Type::Option(node),
        Type::Sum("Event".into(), vec![moved, Variant { name: "Closed".into(), fields: vec![] }]),
        Type::Function(vec![INT], Some(INT)),
    ];
    Module {
        types: TypeTable::with_declared(types),
        imports: vec![Import { module: ModuleHash([0xab; 32]), name: "log".into(), params: vec![TEXT], result: None }],
        data: vec![Data::Text("event".into()), Data::Bytes(vec![0, 255])],
        functions: vec![step(), serve(event)],
        exports: vec![
            Export { name: "log".into(), function: FunctionIndex(0) },
            Export { name: "serve".into(), function: FunctionIndex(2) },
        ],
        ..Module::default()
    }
}

fn step() -> Function {
    Function {
        name: "step".into(),
        captures: vec![INT],
        params: vec![INT],
        result: Some(INT),
        code: code(&[Inst::Load { local: LocalIndex(0) }, Inst::Load { local: LocalIndex(1) }, Inst::Add {}, Inst::Ret {}]),
        ..Function::default()
    }
}

fn serve(event: TypeIndex) -> Function {
    let (count, again, failed) = (LocalIndex(0), TargetIndex(0), TargetIndex(1));
    let body = code(&[
        Inst::AwaitRecv {},
        Inst::Drop {},
        Inst::PushBytes { data: BytesData(DataIndex(1)) },
        Inst::Drop {},
        Inst::PushText { data: TextData(DataIndex(0)) },
        Inst::Call { function: FunctionIndex(0) },
        Inst::Jmp { target: again },
    ]);
    let failed_at = offset(body.len());
    let trap = code(&[Inst::Drop {}, Inst::Jmp { target: again }]);
    Function {
        name: "serve".into(),
        params: vec![INT],
        mailbox: Some(vec![event]),
        targets: vec![
            Target { offset: CodeOffset(0), stack: vec![], live: set(&[count]) },
            Target { offset: failed_at, stack: vec![ERROR], live: set(&[count]) },
        ],
        handlers: vec![Handler { start: CodeOffset(0), end: failed_at, target: failed }],
        serve_points: vec![ServePoint { target: again, state: count }],
        code: [body, trap].concat(),
        ..Function::default()
    }
}

fn code(instructions: &[Inst<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    instructions.iter().for_each(|instruction| instruction.encode(&mut bytes));
    bytes
}

fn offset(at: usize) -> CodeOffset {
    CodeOffset(at as u32)
}

fn set(locals: &[LocalIndex]) -> LocalSet {
    let mut set = LocalSet::default();
    locals.iter().for_each(|local| set.insert(*local));
    set
}
