//! Changes of what stands around the code: types, signatures, targets, handlers, data.

use crate::choices::Choices;
use fardel_bytecode::Module;
use fardel_bytecode::index::{CodeOffset, FunctionIndex, LocalIndex, TargetIndex, TypeIndex};
use fardel_bytecode::module::{Data, Export, Function, Handler, HostImport, LocalSet, ServePoint, Target};
use fardel_bytecode::types::{Element, FIRST_DECLARED, Field, Type, TypeTable};

/// Changes a part of a module.
pub(super) fn change(module: &mut Module, choices: &mut Choices) {
    let types = module.types.all().len();
    let any_type = |choices: &mut Choices| TypeIndex(choices.below(types + 1) as u32);
    match choices.below(8) {
        0 => add_type(module, choices),
        1 => change_type(module, choices),
        2 => {
            let data = [Data::Text("é".repeat(choices.below(3))), Data::Bytes(vec![7; choices.below(3)])];
            module.data.extend(choices.pick(&data).cloned());
        }
        3 => {
            let name = choices.pick(&["fuzz.any", "fuzz.lists", "io.print", "no.such"]).unwrap_or(&"").to_string();
            let params = (0..choices.below(3)).map(|_| any_type(choices)).collect();
            module.hosts.push(HostImport { name, params, result: choices.once_in(2).then(|| any_type(choices)) });
        }
        4 => {
            let function = FunctionIndex(choices.below(module.functions.len() + 1) as u32);
            module.exports.push(Export { name: "z".repeat(module.exports.len()), function });
        }
        5 => module.features ^= 1 << choices.below(3),
        _ => {
            let at = choices.below(module.functions.len());
            module.functions.get_mut(at).into_iter().for_each(|function| change_function(function, any_type, choices));
        }
    }
}

fn some_type(types: usize, choices: &mut Choices) -> Type {
    let mut any = || TypeIndex(choices.below(types + 1) as u32);
    let (one, two, three) = (any(), any(), any());
    let fields = vec![Field::new("a", one), Field { mutable: true, ..Field::new("b", two) }];
    match choices.below(10) {
        0 => Type::Option(one),
        1 => Type::List(one),
        2 => Type::Map(one, two),
        3 => Type::Set(one),
        4 => Type::Tuple(vec![one, two, three]),
        5 => Type::Function(vec![one, two], Some(three)),
        6 => Type::Function(vec![], None),
        7 => Type::Record(format!("R{types}"), fields.into_iter().take(1).collect()),
        8 => Type::Object(format!("O{types}"), fields),
        _ => Type::Array(Element::Byte),
    }
}

fn add_type(module: &mut Module, choices: &mut Choices) {
    let ty = some_type(module.types.all().len(), choices);
    module.types.push(ty);
}

fn change_type(module: &mut Module, choices: &mut Choices) {
    let mut declared = module.types.declared().to_vec();
    let at = choices.below(declared.len());
    let other = some_type(at + FIRST_DECLARED as usize, choices);
    let count = module.types.all().len();
    let Some(ty) = declared.get_mut(at) else { return };
    if let Type::Record(_, fields) | Type::Object(_, fields) = ty {
        if choices.once_in(2) {
            fields.push(Field::new(format!("f{}", fields.len()), TypeIndex(choices.below(count) as u32)));
        } else {
            fields.pop();
        }
    } else if choices.once_in(2) {
        declared.swap_remove(at);
    } else {
        *ty = other;
    }
    module.types = TypeTable::with_declared(declared);
}

fn change_function(function: &mut Function, any_type: impl Fn(&mut Choices) -> TypeIndex, choices: &mut Choices) {
    let end = function.code.len() + 2;
    let target = TargetIndex(choices.below(function.targets.len() + 1) as u32);
    let mut offset = || CodeOffset(choices.below(end) as u32);
    let (one, two) = (offset(), offset());
    match choices.below(14) {
        0 => function.captures.push(any_type(choices)),
        1 => function.params.push(any_type(choices)),
        2..5 => function.locals.push(any_type(choices)),
        5 => {
            let at = choices.below(function.locals.len());
            let ty = any_type(choices);
            function.locals.get_mut(at).into_iter().for_each(|local| *local = ty);
        }
        6 => function.result = choices.once_in(2).then(|| any_type(choices)),
        7 => function.mailbox = Some((0..choices.below(3)).map(|_| any_type(choices)).collect()),
        8 => change_target(function, any_type, choices),
        9 => {
            let stack = (0..choices.below(3)).map(|_| any_type(choices)).collect();
            let at = function.targets.partition_point(|target| target.offset < one);
            function.targets.insert(at, Target { offset: one, stack, live: LocalSet::default() });
        }
        10 => function.handlers.push(Handler { start: one.min(two), end: one.max(two), target }),
        11 => {
            let at = choices.below(function.handlers.len());
            function.handlers.get_mut(at).into_iter().for_each(|handler| (handler.start, handler.end) = (one, two));
        }
        12 => {
            let state = LocalIndex(choices.below(function.local_count() + 1) as u32);
            function.serve_points.push(ServePoint { target, state });
        }
        _ => {
            let at = choices.below(function.targets.len());
            if at < function.targets.len() {
                function.targets.remove(at);
            }
        }
    }
}

fn change_target(function: &mut Function, any_type: impl Fn(&mut Choices) -> TypeIndex, choices: &mut Choices) {
    let at = choices.below(function.targets.len());
    let local = LocalIndex(choices.below(function.local_count() + 1) as u32);
    let Some(target) = function.targets.get_mut(at) else { return };
    match choices.below(4) {
        0 => target.live.insert(local),
        1 => target.live.remove(local),
        2 => target.stack.push(any_type(choices)),
        _ => {
            let slot = choices.below(target.stack.len());
            let ty = any_type(choices);
            target.stack.get_mut(slot).into_iter().for_each(|known| *known = ty);
        }
    }
}
