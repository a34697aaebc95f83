//! Loading: a verified module gets the machine's numbers for all that it names, and its code is lowered into the arena.

use crate::code::{FunctionEntry, OP_BYTES, SlotMap};
use crate::core::Core;
use crate::door::{HostTable, HostType};
use crate::heap::word::{TAG_BYTES, TAG_TEXT, numbered};
use crate::lower::emit::{CallPatch, operation_code};
use crate::lower::{Numbers, Unit, lower};
use crate::machine::LoadError;
use crate::sets::EVERYTHING;
use crate::types::{TypeId, TypesFull};
use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::limits::CODE_BYTES_MAX;
use fardel_bytecode::module::{Data, Function, Module, ModuleHash};
use fardel_bytecode::types::{Repr, Type, TypeTable};
use fardel_bytecode::verify::VerifiedModule;
use std::collections::BTreeMap;

/// Instructions in a machine's arena: with room for the largest function behind them, a place still fits 32 bits.
const CODE_INSTRUCTIONS_MAX: usize = 1 << 27;
const _: () = assert!((CODE_INSTRUCTIONS_MAX + 8 * CODE_BYTES_MAX) * OP_BYTES <= u32::MAX as usize + 1);

/// The machine's numbers of the function types that a module declares, by parameters and result.
type FunctionTypes<'m> = BTreeMap<(&'m [TypeIndex], Option<TypeIndex>), TypeId>;

fn function_types<'m>(table: &'m TypeTable, numbers: &[TypeId]) -> FunctionTypes<'m> {
    let functions = table.all().iter().zip(numbers).filter_map(|(ty, number)| {
        if let Type::Function(params, result) = ty { Some(((params.as_slice(), *result), *number)) } else { None }
    });
    functions.collect()
}

/// A module that is loaded.
#[derive(Debug)]
pub(crate) struct LoadedModule {
    pub(crate) module: VerifiedModule,
    /// The machine's number of its first own function.
    pub(crate) first_function: u32,
}

impl LoadedModule {
    pub(crate) fn function_name(&self, position: usize) -> &str {
        self.module.module().functions.get(position).map_or("", |function| &function.name)
    }

    /// The source file and line of a place in a function's code.
    pub(crate) fn source(&self, position: usize, offset: u32) -> Option<(String, u32)> {
        let debug = self.module.module().debug.as_ref()?;
        let lines = &debug.functions.get(position)?.lines;
        let after = lines.partition_point(|(start, _)| start.0 <= offset);
        let (_, line) = lines.get(after.checked_sub(1)?)?;
        Some((debug.file_of(position).to_owned(), *line))
    }

    /// The machine's number of an exported function.
    pub(crate) fn export(&self, name: &str) -> Option<(u32, &Function)> {
        let module = self.module.module();
        let export = module.exports.iter().find(|export| export.name == name)?;
        let position = export.function.at().checked_sub(module.imports.len())?;
        Some((self.first_function + position as u32, module.functions.get(position)?))
    }
}

/// A function of the host as a module imports it.
#[derive(Debug)]
pub(crate) struct HostEntry {
    pub(crate) name: String,
    /// Its number, when the host has it with this signature.
    pub(crate) host: Option<u32>,
    pub(crate) params: Vec<TypeId>,
    pub(crate) result: Option<TypeId>,
    pub(crate) result_is_word: bool,
    /// Whether it is given random bits.
    pub(crate) draws: bool,
}

impl From<TypesFull> for LoadError {
    fn from(_: TypesFull) -> Self {
        LoadError::Full("types")
    }
}

impl Core {
    pub(crate) fn find_module(&self, hash: ModuleHash) -> Option<&LoadedModule> {
        self.modules.iter().find(|loaded| loaded.module.hash() == hash)
    }

    /// Loads a module, whose imports are loaded.
    pub(crate) fn load(&mut self, verified: &VerifiedModule, hosts: &HostTable) -> Result<(), LoadError> {
        if self.find_module(verified.hash()).is_some() {
            return Ok(());
        }
        let module = verified.module();
        let mut numbers = Numbers { types: self.types.intern(&module.types)?, ..Numbers::default() };
        numbers.functions = self.link_imports(verified, &numbers.types)?;
        let first_function = self.functions.len() as u32;
        numbers.functions.extend((0..module.functions.len() as u32).map(|position| first_function + position));
        numbers.data = module.data.iter().map(|data| self.number_data(data)).collect();
        numbers.hosts = self.link_hosts(module, &numbers.types, hosts)?;
        let loaded = LoadedModule { module: verified.clone(), first_function };
        self.modules.push(loaded);
        let (code, functions) = (self.code.len(), self.functions.len());
        let result = self.add_functions(verified, &numbers);
        if result.is_err() {
            self.modules.pop();
            self.functions.truncate(functions);
            self.code.truncate(code);
        }
        self.code_base = self.code.as_ptr();
        result
    }

    fn number_data(&mut self, data: &Data) -> u64 {
        match data {
            Data::Text(text) => numbered(TAG_TEXT, self.constants.add(text.as_bytes())),
            Data::Bytes(bytes) => numbered(TAG_BYTES, self.constants.add(bytes)),
        }
    }

    fn link_imports(&self, verified: &VerifiedModule, types: &[TypeId]) -> Result<Vec<u32>, LoadError> {
        let module = verified.module();
        let link = |import: &fardel_bytecode::module::Import| {
            let Some(other) = self.find_module(import.module) else {
                let (importer, name) = (verified.hash(), import.name.clone());
                return Err(LoadError::MissingModule { importer, module: import.module, name });
            };
            let wanted: Vec<TypeId> = import.params.iter().map(|ty| types[ty.at()]).collect();
            let result = import.result.map(|ty| types[ty.at()]);
            let found = other.export(&import.name).map(|(number, _)| number).filter(|number| {
                let entry = &self.functions[*number as usize];
                *entry.param_types == *wanted && entry.result == result && entry.captures.is_empty()
            });
            found.ok_or_else(|| LoadError::MissingExport {
                module: import.module,
                name: import.name.clone(),
                wanted: signature_text(&module.types, &import.params, import.result),
            })
        };
        module.imports.iter().map(link).collect()
    }

    /// Numbers the host functions of a module. One that the host lacks traps when it is called.
    fn link_hosts(&mut self, module: &Module, types: &[TypeId], hosts: &HostTable) -> Result<Vec<u32>, LoadError> {
        let mut numbers = Vec::new();
        for import in &module.hosts {
            let params: Vec<TypeId> = import.params.iter().map(|ty| types[ty.at()]).collect();
            let result = import.result.map(|ty| types[ty.at()]);
            let (mut host, mut draws) = (None, false);
            if let Some((id, signature)) = hosts.find(&import.name) {
                let wanted: Result<Vec<TypeId>, TypesFull> = signature.params.iter().map(|ty| self.host_type(ty)).collect();
                let wanted_result = signature.result.as_ref().map(|ty| self.host_type(ty)).transpose()?;
                draws = signature.draws;
                host = Some(id.0).filter(|_| wanted.is_ok_and(|wanted| wanted == params) && wanted_result == result);
            }
            let result_is_word = result.is_some_and(|ty| self.types.get(ty).repr == Repr::Word);
            numbers.push(self.host_imports.len() as u32);
            self.host_imports.push(HostEntry { name: import.name.clone(), host, params, result, result_is_word, draws });
        }
        Ok(numbers)
    }

    fn host_type(&mut self, ty: &HostType) -> Result<TypeId, TypesFull> {
        let mut table = TypeTable::default();
        let index = declare(&mut table, ty);
        Ok(self.types.intern(&table)?[index.at()])
    }

    fn add_functions(&mut self, verified: &VerifiedModule, numbers: &Numbers) -> Result<(), LoadError> {
        let module = verified.module();
        let module_position = self.modules.len() as u32 - 1;
        let function_types = function_types(&module.types, &numbers.types);
        for (position, function) in module.functions.iter().enumerate() {
            let entry = self.describe_function(function, numbers, &function_types, module_position, position as u32);
            self.functions.push(entry);
        }
        let mut calls = Vec::new();
        let first = self.functions.len() - module.functions.len();
        for (position, function) in module.functions.iter().enumerate() {
            let facts = verified.facts(position);
            let unit = Unit {
                table: &module.types,
                function,
                facts: &facts,
                numbers,
                types: &self.types,
                functions: &module.functions,
                imports: &module.imports,
                hosts: &module.hosts,
                mode: self.config.lowering,
            };
            let lowered = lower(&unit, &mut self.code, &mut self.long_maps, &mut calls, self.config.dispatch);
            let entry = &mut self.functions[first + position];
            (entry.entry, entry.end) = (lowered.entry, lowered.end);
            entry.frame_bytes = lowered.frame_bytes;
            entry.places = lowered.places;
            entry.handlers = lowered.handlers;
            if self.code.len() > CODE_INSTRUCTIONS_MAX {
                return Err(LoadError::Full("code"));
            }
        }
        for CallPatch { at, callee } in calls {
            let entry = &self.functions[callee as usize];
            self.code[at].b = entry.frame_bytes as u16;
            self.code[at].c = entry.entry;
        }
        Ok(())
    }

    fn describe_function(
        &mut self,
        function: &Function,
        numbers: &Numbers,
        function_types: &FunctionTypes<'_>,
        owner: u32,
        position: u32,
    ) -> FunctionEntry {
        let types = &numbers.types;
        let word = |ty: &TypeIndex| self.types.get(types[ty.at()]).repr == Repr::Word;
        let (mut next_word, scan) = (0, function.captures.iter().filter(|ty| word(ty)).count());
        let mut next_raw = scan;
        let place = |ty: &TypeIndex| {
            let next = if word(ty) { &mut next_word } else { &mut next_raw };
            *next += 1;
            *next as u16 - 1
        };
        let captures = function.captures.iter().map(place).collect();
        let ty = function_types.get(&(function.params.as_slice(), function.result)).copied();
        FunctionEntry {
            entry: 0,
            end: 0,
            frame_bytes: 0,
            params: function.params.len() as u32,
            captures,
            capture_scan: scan as u32,
            ty,
            param_words: function.params.iter().map(word).collect(),
            param_types: function.params.iter().map(|ty| types[ty.at()]).collect(),
            result: function.result.map(|ty| types[ty.at()]),
            set: function
                .mailbox
                .as_ref()
                .map_or(EVERYTHING, |set| self.sets.intern(set.iter().map(|ty| types[ty.at()]).collect())),
            module: owner,
            position,
            places: Box::default(),
            handlers: Box::default(),
        }
    }

    /// The code that every arena begins with: the call that a fiber's sentinel frame seems to have made, and where it
    /// comes back to.
    pub(crate) fn add_fixed_code(&mut self) {
        use crate::interp::table::Operation;
        let op = |operation, a| crate::code::Op { code: operation_code(self.config.dispatch, operation), a, b: 0, c: 0 };
        self.code = vec![
            op(Operation::call_0, crate::code::FRAME_HEADER_BYTES as u16),
            crate::code::Op::extension(0, SlotMap::default()),
            op(Operation::finish, 0),
        ];
        self.code_base = self.code.as_ptr();
    }
}

fn declare(table: &mut TypeTable, ty: &HostType) -> TypeIndex {
    use fardel_bytecode::types;
    let composite = match ty {
        HostType::Any => return types::ANY,
        HostType::Bool => return types::BOOL,
        HostType::Int => return types::INT,
        HostType::Float => return types::FLOAT,
        HostType::Text => return types::TEXT,
        HostType::Bytes => return types::BYTES,
        HostType::Address => return types::ADDRESS,
        HostType::Option(inner) => Type::Option(declare(table, inner)),
        HostType::List(inner) => Type::List(declare(table, inner)),
        HostType::Tuple(items) => Type::Tuple(items.iter().map(|item| declare(table, item)).collect()),
    };
    table.find(&composite).unwrap_or_else(|| table.push(composite))
}

/// A signature as text.
pub(crate) fn signature_text(table: &TypeTable, params: &[TypeIndex], result: Option<TypeIndex>) -> String {
    let params: Vec<String> = params.iter().map(|ty| table.display(*ty)).collect();
    let result = result.map_or(String::new(), |ty| format!(" -> {}", table.display(ty)));
    format!("({}){result}", params.join(", "))
}
