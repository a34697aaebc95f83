//! The assembler as a whole.
//!
//! **Invariant:** there is a module exactly when there is no error.

use fardel_bytecode::Module;
use fardel_bytecode::index::FunctionIndex;
use fardel_bytecode::limits::{DATA_MAX, TYPES_MAX};
use fardel_bytecode::module::{Debug, Function, FunctionDebug, HostImport, Import, ModuleHash};
use fardel_bytecode::verify::verify;

use crate::data_pool::DataPool;
use crate::diagnostic::{Code, Diagnostic, Report, Sink, Span, Told};
use crate::elaborate::elaborate;
use crate::emit::{Emitted, emit};
use crate::items::{Declared, Head, declare, declare_type_names, define_types};
use crate::scan::scan;
use crate::scope::Scope;
use crate::typing::Typing;
use crate::{body, imports};

/// What came of a source.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// The module; none when there is an error.
    pub module: Option<Module>,
    /// Errors and warnings, in the order of the source.
    pub diagnostics: Vec<Diagnostic>,
}

/// A module that a source imports.
#[derive(Clone, Debug)]
pub struct ImportedModule {
    /// Its name.
    pub hash: ModuleHash,
    /// The module itself; nothing is believed of it.
    pub module: Module,
}

/// Finds the modules that a source imports.
pub trait Resolver {
    /// Brings the module at a path as it stands in the source.
    ///
    /// # Errors
    /// Why it cannot be had, for a diagnostic at the import.
    fn import(&mut self, path: &str) -> Result<ImportedModule, String>;
}

/// A resolver for sources that import nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImports;

impl Resolver for NoImports {
    fn import(&mut self, _: &str) -> Result<ImportedModule, String> {
        Err("nothing can be imported here".to_owned())
    }
}

/// Bytes of a source: what it takes to assemble is some dozen times as much.
pub const SOURCE_BYTES_MAX: usize = 64 << 20;

/// Assembles a source. The file's name is only kept for debuggers.
pub fn assemble(file_name: &str, source: &str, resolver: &mut dyn Resolver) -> Assembled {
    let mut sink = Sink::default();
    let module = if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the source has {} bytes, at most {SOURCE_BYTES_MAX} are allowed", source.len());
        Report::error(Code::TooLarge, Span::default(), message).tell(&mut sink);
        None
    } else {
        Some(module(file_name, source, resolver, &mut sink)).filter(|_| !sink.has_errors())
    };
    let module = module.filter(|(module, written)| prove(module, source, written, &mut sink)).map(|(module, _)| module);
    Assembled { module, diagnostics: sink.finish() }
}

/// Lets the verifier have the last word, so that what it refuses is told with its place in the source.
fn prove(module: &Module, source: &str, written: &[(String, Span)], sink: &mut Sink) -> bool {
    let Err(errors) = verify(module.clone()) else { return true };
    let debug = module.debug.iter().flat_map(|debug| &debug.functions);
    for error in &errors {
        let mut functions = module.functions.iter().zip(debug.clone());
        let lines = functions.find(|(function, _)| error.function.as_ref() == Some(&function.name)).map(|(_, debug)| debug);
        let line = lines.and_then(|debug| {
            let first = debug.lines.first().map(|(_, line)| *line);
            let reached = debug.lines.iter().take_while(|(at, _)| error.offset.is_some_and(|offset| *at <= offset));
            reached.last().map(|(_, line)| *line).or(first)
        });
        let named = written.iter().filter(|_| error.function.is_none()).find(|(name, _)| error.detail.contains(name));
        let span = named.map_or_else(|| line_span(source, line.unwrap_or(1)), |(_, span)| *span);
        let message = format!("the verifier refuses this module: {error}");
        Report::error(Code::Refused, span, message).label("here").tell(sink);
    }
    // A refusal without a reason would be a mistake of the verifier's, and no module comes of it either.
    false
}

/// A line without the blanks around it.
fn line_span(source: &str, line: u32) -> Span {
    let Some(text) = source.lines().nth(line as usize - 1) else { return Span::default() };
    let start = text.as_ptr() as usize - source.as_ptr() as usize + (text.len() - text.trim_start().len());
    Span { start: start as u32, end: (start + text.trim().len()) as u32 }
}

/// Assembles a module; besides it gives the types that are written in it and only the verifier judges.
fn module(file_name: &str, source: &str, resolver: &mut dyn Resolver, sink: &mut Sink) -> (Module, Vec<(String, Span)>) {
    let items = scan(source, sink);
    let mut scope = Scope::new(source);
    declare_type_names(&mut scope, &items, sink);
    // Defaults of fields may be constants, so these are known before.
    let mut declared = Declared::default();
    crate::items::declare_constants(&mut scope, &items, sink);
    define_types(&mut scope, &items, sink);
    declared.imports = imports::import(&mut scope, &items, resolver, sink);
    declare(&mut scope, &items, &mut declared, sink);
    let mut module = signatures(&mut scope, &declared);
    let mut data = DataPool::default();
    let mut debug = Debug { file: file_name.to_owned(), ..Debug::default() };
    for (head, index) in declared.heads.iter().zip(declared.imports.len() as u32..) {
        if sink.is_full() {
            break;
        }
        let emitted = function(&mut scope, &mut data, head, FunctionIndex(index), sink);
        let Emitted { function, debug: lines } =
            emitted.unwrap_or_else(|Told| Emitted { function: Function::default(), debug: FunctionDebug::default() });
        module.functions.push(function);
        debug.functions.push(lines);
    }
    if scope.pool.is_over_limit() || data.count() > DATA_MAX {
        let message = format!("a module has at most {TYPES_MAX} types and {DATA_MAX} constants");
        Report::error(Code::TooLarge, Span::default(), message).tell(sink);
    }
    module.exports = declared.exports;
    let written = scope.keyed.iter().map(|(ty, span)| (scope.pool.display(*ty), *span)).collect();
    module.types = scope.pool.finish();
    module.data = data.finish();
    module.debug = Some(debug);
    (module, written)
}

/// A module with what is outside of functions, whose types get their final indices first.
fn signatures(scope: &mut Scope<'_>, declared: &Declared<'_>) -> Module {
    let pool = &mut scope.pool;
    pool.need_nominal_fields();
    let hosts = scope.host_signatures.iter().map(|host| HostImport {
        name: host.name.clone().into_owned(),
        params: host.params.iter().map(|ty| pool.need(*ty)).collect(),
        result: host.result.map(|ty| pool.need(ty)),
    });
    let hosts: Vec<HostImport> = hosts.collect();
    let imports = declared.imports.iter().map(|import| Import {
        params: import.params.iter().map(|ty| pool.need(*ty)).collect(),
        result: import.result.map(|ty| pool.need(ty)),
        ..import.clone()
    });
    let imports: Vec<Import> = imports.collect();
    for (head, signature) in declared.heads.iter().zip(scope.signatures.iter().skip(imports.len())) {
        let types = signature.captures.iter().chain(&signature.params).chain(&signature.result);
        types.chain(head.mailbox.iter().flatten()).for_each(|ty| {
            pool.need(*ty);
        });
    }
    Module { hosts, imports, ..Module::default() }
}

fn function<'a>(
    scope: &mut Scope<'a>,
    data: &mut DataPool<'a>,
    head: &Head<'a>,
    index: FunctionIndex,
    sink: &mut Sink,
) -> Result<Emitted, Told> {
    if !head.is_known {
        return Err(Told);
    }
    let mut body = body::read(scope, data, head, index, sink)?;
    let signature = scope.signatures.get(index.at()).ok_or(Told)?;
    let locals = body.locals.clone();
    let mut typing = Typing {
        pool: &mut scope.pool,
        signatures: &scope.signatures,
        hosts: &scope.host_signatures,
        locals: &locals,
        result: signature.result,
        pops: Vec::new(),
        pushes: Vec::new(),
        inferred: None,
    };
    let out = elaborate(&mut typing, &mut body, sink)?;
    emit(&mut scope.pool, data, head, signature, &body, &out, sink)
}
