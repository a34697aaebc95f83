//! Modules that keep the rules of the format, and as few other rules as that allows.

use fardel_bytecode::index::{CodeOffset, FunctionIndex, LocalIndex, TargetIndex, TypeIndex};
use fardel_bytecode::module::{
    Data, Debug, Export, Function, FunctionDebug, Handler, HostImport, Import, LocalSet, Module, ModuleHash, OtherFile,
    ServePoint, Target,
};
use fardel_bytecode::types::{Constant, FIRST_DECLARED, Field, Type, TypeTable, Variant, builtins};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

/// Any module.
pub(crate) fn module() -> impl Strategy<Value = Module> {
    types().prop_flat_map(|types| {
        let count = FIRST_DECLARED + types.len() as u32;
        (
            Just(types),
            vec(import(count), 0..4),
            vec(host(count), 0..4),
            btree_set(data(), 0..6).prop_map(|entries| entries.into_iter().collect()).prop_shuffle(),
            btree_map(name(), function(count), 0..5),
            btree_map(name(), any::<Index>(), 0..4),
            option::of((name(), vec(lines(), 5))),
        )
            .prop_map(assemble)
    })
}

type Lines = Vec<(CodeOffset, u32)>;
type Parts = (
    Vec<Type>,
    Vec<Import>,
    Vec<HostImport>,
    Vec<Data>,
    std::collections::BTreeMap<String, Function>,
    std::collections::BTreeMap<String, Index>,
    Option<(String, Vec<Lines>)>,
);

fn assemble((types, imports, hosts, data, functions, exports, debug): Parts) -> Module {
    let functions: Vec<_> = functions.into_iter().map(|(name, function)| Function { name, ..function }).collect();
    let callable = imports.len() + functions.len();
    let exports = exports.into_iter().filter(|_| callable > 0).map(|(name, function)| {
        let function = FunctionIndex(function.index(callable) as u32);
        Export { name, function }
    });
    let debug = debug.map(|(file, lines)| {
        let parts = functions.iter().zip(lines).map(|(function, lines)| {
            let locals = (0..function.local_count()).map(|at| format!("v{at}")).collect();
            FunctionDebug { locals, lines }
        });
        let functions: Vec<FunctionDebug> = parts.collect();
        // Every second function of every second module comes from elsewhere.
        let others: Vec<u32> = (0..functions.len() as u32).filter(|at| at % 2 == 1 && file.len() % 2 == 1).collect();
        let others =
            if others.is_empty() { Vec::new() } else { vec![OtherFile { file: "other".to_owned(), functions: others }] };
        Debug { file, functions, others }
    });
    Module {
        types: TypeTable::with_declared(types),
        imports,
        hosts,
        data,
        exports: exports.collect(),
        debug,
        functions,
        ..Module::default()
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-zé.]{0,6}"
}

/// What a type will be, before it is known which types there are.
#[derive(Clone, Debug)]
enum Draft {
    Structural(u8, Vec<Index>),
    Record(Vec<DraftField>),
    Object(Vec<DraftField>),
    Sum(Vec<Vec<DraftField>>),
}

type DraftField = (Index, bool, Option<Constant>, Vec<String>, Option<String>);

fn types() -> impl Strategy<Value = Vec<Type>> {
    let draft = prop_oneof![
        4 => (0..6u8, vec(any::<Index>(), 2..5)).prop_map(|(form, components)| Draft::Structural(form, components)),
        1 => vec(field(), 0..4).prop_map(Draft::Record),
        1 => vec(field(), 0..4).prop_map(Draft::Object),
        1 => vec(vec(field(), 0..3), 0..4).prop_map(Draft::Sum),
    ];
    vec(draft, 0..12).prop_map(|drafts| declare(&drafts))
}

fn field() -> impl Strategy<Value = DraftField> {
    (any::<Index>(), any::<bool>(), option::of(constant()), vec(name(), 0..3), option::of(name()))
}

fn constant() -> impl Strategy<Value = Constant> {
    prop_oneof![
        Just(Constant::Null),
        any::<bool>().prop_map(Constant::Bool),
        any::<i64>().prop_map(Constant::Int),
        any::<u64>().prop_map(Constant::Float),
        name().prop_map(Constant::Text),
        vec(any::<u8>(), 0..5).prop_map(Constant::Bytes),
    ]
}

/// Makes the drafts types. A structural one that there is already becomes a record.
fn declare(drafts: &[Draft]) -> Vec<Type> {
    let count = FIRST_DECLARED + drafts.len() as u32;
    let nominal_later: Vec<u32> = (FIRST_DECLARED..)
        .zip(drafts)
        .filter(|(_, draft)| !matches!(draft, Draft::Structural(..)))
        .map(|(index, _)| index)
        .collect();
    let mut types = builtins();
    for (draft, index) in drafts.iter().zip(FIRST_DECLARED..) {
        let name = format!("T{index}");
        let any_fields = |drafts: &[DraftField], mutable| fields(drafts, count, mutable);
        let ty = match draft {
            Draft::Structural(form, components) => {
                let allowed: Vec<u32> =
                    (0..index).chain(nominal_later.iter().copied().filter(|later| *later > index)).collect();
                structural(*form, components.iter().map(|component| TypeIndex(*component.get(&allowed))).collect())
            }
            Draft::Record(fields) => Type::Record(name.clone(), any_fields(fields, false)),
            Draft::Object(fields) => Type::Object(name.clone(), any_fields(fields, true)),
            Draft::Sum(variants) => {
                let variant = |(at, drafts): (usize, &Vec<DraftField>)| Variant {
                    name: format!("V{at}"),
                    fields: any_fields(drafts, false),
                };
                Type::Sum(name.clone(), variants.iter().enumerate().map(variant).collect())
            }
        };
        types.push(if types.contains(&ty) { Type::Record(name, vec![]) } else { ty });
    }
    types.split_off(FIRST_DECLARED as usize)
}

fn structural(form: u8, mut components: Vec<TypeIndex>) -> Type {
    let (first, second) = (components[0], components[1]);
    match form {
        0 => Type::Option(first),
        1 => Type::List(first),
        2 => Type::Map(first, second),
        3 => Type::Set(first),
        4 => Type::Tuple(components),
        _ => {
            let result = components.pop().filter(|result| result.0 % 2 == 0);
            Type::Function(components, result)
        }
    }
}

fn fields(drafts: &[DraftField], type_count: u32, may_be_mutable: bool) -> Vec<Field> {
    let field = |(at, (ty, mutable, default, was, json)): (usize, &DraftField)| Field {
        name: format!("f{at}"),
        ty: TypeIndex(ty.index(type_count as usize) as u32),
        mutable: *mutable && may_be_mutable,
        default: default.clone(),
        was: was.clone(),
        json: json.clone(),
    };
    drafts.iter().enumerate().map(field).collect()
}

fn type_index(count: u32) -> impl Strategy<Value = TypeIndex> + Clone {
    (0..count).prop_map(TypeIndex)
}

fn signature(count: u32) -> impl Strategy<Value = (Vec<TypeIndex>, Option<TypeIndex>)> {
    (vec(type_index(count), 0..4), option::of(type_index(count)))
}

fn import(count: u32) -> impl Strategy<Value = Import> {
    let import = |(hash, name, (params, result))| Import { module: ModuleHash(hash), name, params, result };
    (any::<[u8; 32]>(), name(), signature(count)).prop_map(import)
}

fn host(count: u32) -> impl Strategy<Value = HostImport> {
    (name(), signature(count)).prop_map(|(name, (params, result))| HostImport { name, params, result })
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![name().prop_map(Data::Text), vec(any::<u8>(), 0..8).prop_map(Data::Bytes)]
}

fn function(count: u32) -> impl Strategy<Value = Function> {
    let offset = || any::<u32>().prop_map(CodeOffset);
    let types = || vec(type_index(count), 0..4);
    (
        (types(), prop_oneof![3 => types(), 1 => vec(type_index(count), 200..240)]),
        signature(count),
        option::of(types()),
        vec((offset(), types(), vec(any::<Index>(), 0..6)), 0..4),
        vec((offset(), offset(), any::<Index>()), 0..3),
        vec((any::<Index>(), any::<Index>()), 0..3),
        vec(any::<u8>(), 0..40),
    )
        .prop_map(|((captures, locals), (params, result), mailbox, targets, handlers, serve_points, code)| {
            let mut function = Function { captures, params, locals, result, mailbox, code, ..Function::default() };
            let local_count = function.local_count();
            let local = |at: Index| LocalIndex(at.index(local_count) as u32);
            function.targets = targets
                .into_iter()
                .map(|(offset, stack, locals)| {
                    let mut live = LocalSet::default();
                    locals.into_iter().filter(|_| local_count > 0).for_each(|at| live.insert(local(at)));
                    Target { offset, stack, live }
                })
                .collect();
            let target_count = function.targets.len();
            let target = |at: Index| TargetIndex(at.index(target_count) as u32);
            if target_count > 0 {
                let handler = |(start, end, at)| Handler { start, end, target: target(at) };
                function.handlers = handlers.into_iter().map(handler).collect();
            }
            if target_count > 0 && local_count > 0 {
                let point = |(at, state)| ServePoint { target: target(at), state: local(state) };
                function.serve_points = serve_points.into_iter().map(point).collect();
            }
            function
        })
}

fn lines() -> impl Strategy<Value = Lines> {
    let rising = btree_map(any::<u32>(), 1..=u32::MAX, 0..5);
    rising.prop_map(|lines| lines.into_iter().map(|(offset, line)| (CodeOffset(offset), line)).collect())
}
