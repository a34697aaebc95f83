//! The compiler as a whole.

use crate::attributes;
use crate::check as checker;
use crate::code::Code;
use crate::doubt;
use crate::load::Sources;
use crate::lower;
use crate::program::{Core, Module as LangModule, ModuleId, Program, Scope, Value};
use crate::thir::FnId;
use crate::ty::{Kind, Types, UNIT};
use fardel_bytecode::Module;
use fardel_diagnostic::{Diagnostic, Report, Severity, Sink};
use fardel_syntax::ast;

/// What is to be made of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// A module with its `main`.
    Run,
    /// A module with an export for each test.
    Test,
    /// A module that exports the main source's function `entry`, under the name that [`Compiled::entry`] has.
    Entry,
}

/// What was found of a program: diagnostics with the number of their source.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Errors and warnings, in the order of the sources.
    pub diagnostics: Vec<(usize, Diagnostic)>,
}

impl Checked {
    /// Whether something is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|(_, diagnostic)| diagnostic.severity == Severity::Error)
    }
}

/// The name of a function, and names in it with their types.
pub type EntryNames = (String, Vec<(String, String)>);

/// What came of a program.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The module; none when there is an error.
    pub module: Option<Module>,
    /// The assembly text that it was made of.
    pub assembly: String,
    /// Its tests: the exported function's name, the title, the source's number.
    pub tests: Vec<(String, String, usize)>,
    /// The name of the exported function of an entry, and the outermost names in it with their types, as they can be written
    /// in the main source.
    pub entry: EntryNames,
    /// Errors and warnings.
    pub checked: Checked,
}

impl Compiled {
    fn without_module(tests: Vec<(String, String, usize)>, assembly: String, checked: Checked) -> Compiled {
        Compiled { module: None, assembly, tests, entry: (String::new(), Vec::new()), checked }
    }
}

/// Bytes of the stack that a program is checked and made on: its expressions nest, and each level takes some.
const STACK_BYTES: usize = 256 << 20;

/// Says what is wrong with a program.
pub fn check(sources: &Sources) -> Checked {
    on_large_stack(&|| with_program(sources, |program, _, sinks| finish(program, sinks)))
}

/// Does something on a stack that is large enough for programs as deep as is allowed.
fn on_large_stack<R: Send>(work: &(dyn Fn() -> R + Sync)) -> R {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        // Without another thread the stack at hand has to do.
        match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => work(),
        }
    })
}

/// Makes a module of a program.
pub fn compile(sources: &Sources, goal: Goal) -> Compiled {
    on_large_stack(&|| make(sources, goal))
}

fn make(sources: &Sources, goal: Goal) -> Compiled {
    with_program(sources, |program, checked, sinks| {
        let main = match goal {
            Goal::Run => main_of(program, sources.main),
            Goal::Test | Goal::Entry => None,
        };
        let tests: Vec<usize> = match goal {
            Goal::Run | Goal::Entry => Vec::new(),
            Goal::Test => (0..program.tests.len()).filter(|at| program.module(program.tests[*at].module).is_own).collect(),
        };
        let titles = tests.iter().map(|at| {
            let test = &program.tests[*at];
            (format!("test_{at}"), test.title.to_owned(), test.module.0 as usize)
        });
        let titles: Vec<_> = titles.collect();
        let mut found = finish(program, sinks);
        if found.has_errors() {
            return Compiled::without_module(titles, String::new(), found);
        }
        let entry = match goal {
            Goal::Entry => entry_of(program, checked, sources.main),
            Goal::Run | Goal::Test => None,
        };
        let exports = entry.as_ref().map(|(id, _)| *id).into_iter().collect();
        let entry = entry.map(|(_, entry)| entry).unwrap_or_default();
        let roots = lower::Roots { main, tests, exports };
        let lowered = match lower::lower(program, checked, &roots) {
            Ok(lowered) => lowered,
            Err((module, report)) => {
                let mut sink = Sink::default();
                report.tell(&mut sink);
                found.diagnostics.extend(sink.finish().into_iter().map(|one| (module.0 as usize, one)));
                return Compiled::without_module(titles, String::new(), found);
            }
        };
        let file = &sources.main().file;
        let assembled = fardel_asm::assemble(file, &lowered.assembly, &mut fardel_asm::NoImports);
        let Some(mut module) = assembled.module else {
            let errors = assembled.diagnostics.iter().filter(|one| one.severity == Severity::Error);
            let text: Vec<String> = errors.take(3).map(|one| one.render("generated", &lowered.assembly, false)).collect();
            let message =
                format!("the compiler made code that the assembler refuses; this is its own mistake:\n{}", text.join("\n"));
            let mut sink = Sink::default();
            Report::error(Code::TooLarge, 0..0, message).tell(&mut sink);
            found.diagnostics.extend(sink.finish().into_iter().map(|one| (sources.main, one)));
            return Compiled::without_module(titles, lowered.assembly, found);
        };
        lower::relocate(&mut module, &lowered);
        Compiled { module: Some(module), assembly: lowered.assembly, tests: titles, entry, checked: found }
    })
}

/// The function `entry` of the main source, its name in the module, and its outermost names with their types.
fn entry_of(program: &mut Program<'_>, checked: &checker::Checked, main: usize) -> Option<(FnId, EntryNames)> {
    let module = ModuleId(main as u32);
    let Some(Value::Fn(id)) = program.module(module).own.values.get("entry").copied() else { return None };
    let body = checked.fns.get(id.0 as usize).and_then(Option::as_ref)?;
    let outermost = body.locals.iter().filter(|local| local.depth == 1);
    let mut names = Vec::new();
    for local in outermost {
        let ty = program.types.replace(local.ty, &|kind| match kind {
            Kind::Var(number) => body.solutions.get(*number as usize).copied().flatten(),
            _ => None,
        });
        names.push((local.name.clone(), written(program, module, ty)));
    }
    Some((id, (format!("{}.entry", program.module(module).path), names)))
}

/// A type as it can be written in a module, where the modules of its parts are imported.
fn written(program: &Program<'_>, here: ModuleId, ty: crate::ty::Ty) -> String {
    let list = |items: &[crate::ty::Ty]| items.iter().map(|item| written(program, here, *item)).collect::<Vec<_>>();
    match program.types.kind(ty) {
        Kind::Tuple(items) => format!("({})", list(items).join(", ")),
        Kind::Fn(params, result, receives) => {
            let result = if *result == UNIT { String::new() } else { format!(" -> {}", written(program, here, *result)) };
            let receives = list(receives).join(" | ");
            let receives = if receives.is_empty() { receives } else { format!(" receives {receives}") };
            format!("fn({}){result}{receives}", list(params).join(", "))
        }
        Kind::Named(def, args) => {
            let declared = program.def(*def);
            let is_known = declared.module == here || program.prelude.types.get(declared.name) == Some(def);
            let module = &program.module(declared.module).path;
            let module = module.rsplit('.').next().unwrap_or(module);
            let name = if is_known { declared.name.to_owned() } else { format!("{module}.{}", declared.name) };
            let args = list(args).join(", ");
            if args.is_empty() { name } else { format!("{name}<{args}>") }
        }
        Kind::Never => "Never".to_owned(),
        Kind::Error | Kind::Param(_) | Kind::Var(_) => "()".to_owned(),
    }
}

pub(crate) fn with_program<R>(
    sources: &Sources,
    then: impl FnOnce(&mut Program<'_>, &checker::Checked, Vec<Vec<Diagnostic>>) -> R,
) -> R {
    let mut sinks: Vec<Vec<Diagnostic>> = Vec::new();
    let mut asts: Vec<ast::File<'_>> = Vec::new();
    for source in &sources.all {
        let parsed = fardel_syntax::parse(&source.text);
        let told = doubt::without_consequences(parsed.diagnostics, &source.text, &parsed.file);
        sinks.push(doubt::of_imports(&source.diagnostics, &told).chain(told.iter().cloned()).collect());
        asts.push(parsed.file);
    }
    let modules = sources.all.iter().zip(&asts).map(|(source, ast)| {
        let mut modules = std::collections::BTreeMap::new();
        let mut lost = std::collections::BTreeSet::new();
        for import in &ast.uses {
            let path: Vec<&str> = import.path.iter().map(|name| name.text).collect();
            let name = import.alias.as_ref().or(import.path.last()).map_or("", |name| name.text);
            match (source.imports.get(&path.join(".")), &import.names) {
                (Some(at), None) => drop(modules.entry(name).or_insert(ModuleId(*at as u32))),
                (Some(_), Some(_)) => {}
                (None, None) => drop(lost.insert(name)),
                (None, Some(names)) => lost.extend(names.iter().map(|name| name.text)),
            }
        }
        LangModule {
            path: source.path.clone(),
            file: source.file.clone(),
            source: &source.text,
            is_std: source.is_std,
            is_own: source.is_own,
            imports: &source.imports,
            own: Scope::default(),
            imported: Scope::default(),
            modules,
            lost,
            sink: Sink::default(),
        }
    });
    let mut program = Program {
        types: Types::default(),
        modules: modules.collect(),
        defs: Vec::new(),
        fns: Vec::new(),
        consts: Vec::new(),
        tests: Vec::new(),
        prelude: Scope::default(),
        core: Core::none(),
        applied: Vec::new(),
        refused: std::collections::BTreeSet::new(),
    };
    for (module, ast) in program.modules.iter_mut().zip(&asts).filter(|(module, _)| !module.is_std) {
        attributes::check(ast, &mut module.sink);
    }
    program.declare(&asts);
    let checked = checker::check(&mut program);
    for ((module, before), ast) in program.modules.iter_mut().zip(&sinks).zip(&asts) {
        module.sink = doubt::beside(std::mem::take(&mut module.sink), before, ast);
    }
    then(&mut program, &checked, sinks)
}

/// All that was told of the sources.
fn finish(program: &mut Program<'_>, sinks: Vec<Vec<Diagnostic>>) -> Checked {
    let mut diagnostics = Vec::new();
    for (at, (module, before)) in program.modules.iter_mut().zip(sinks).enumerate() {
        // What the parser could not read leaves the rest in doubt.
        let is_broken = before.iter().any(|one| one.severity == Severity::Error);
        diagnostics.extend(before.into_iter().map(|one| (at, one)));
        let told = std::mem::take(&mut module.sink).finish();
        diagnostics
            .extend(told.into_iter().filter(|one| !is_broken || one.severity == Severity::Error).map(|one| (at, one)));
    }
    Checked { diagnostics }
}

/// The `main` of a program; it has told when there is none that can be run.
fn main_of(program: &mut Program<'_>, main: usize) -> Option<FnId> {
    let module = ModuleId(main as u32);
    let Some(Value::Fn(id)) = program.module(module).own.values.get("main").copied() else {
        let report = Report::error(Code::Main, 0..0, "the program has no `main`").hint("write `pub fn main() { .. }`");
        program.tell(module, report);
        return None;
    };
    let (core, def) = (program.core, program.fun(id));
    let (span, result) = (def.span, def.result);
    let params: Vec<_> = def.params.iter().map(|param| param.ty).collect();
    let is_generic = !def.generics.is_empty();
    let text = program.plain(core.text);
    let args = program.types.named(core.list, vec![text]);
    let takes = params.is_empty() || params == [args];
    let gives = result == UNIT
        || result == crate::ty::NEVER
        || matches!(program.types.kind(result), Kind::Named(def, of) if *def == core.result && of.first() == Some(&UNIT));
    if !takes || !gives || is_generic {
        let report =
            Report::error(Code::Main, span, "`main` takes nothing or `List<Text>`, and returns nothing or `Result<(), E>`");
        program.tell(module, report.label("cannot be run").hint("write `pub fn main(args: List<Text>) { .. }`"));
        return None;
    }
    Some(id)
}
