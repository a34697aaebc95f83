//! From typed bodies to assembly text.
//!
//! A program becomes one module. Each function is made once for every list of type arguments that it is called with, as far
//! as the roots reach; functions marked `@inline`, and the closures that they are given, become part of their callers.
//!
//! **Invariant:** a program that the checker takes gives a text that the assembler takes, or one report.

mod actor;
mod arena;
mod bind;
mod call;
mod code;
mod control;
mod derive;
mod effects;
mod expr;
mod frame;
mod host;
mod instructions;
mod literal;
mod matching;
mod operator;
mod relocate;
mod results;
mod show;
mod spawn;
#[cfg(test)]
mod tests;
mod types;
mod walk;

use crate::check::Checked;
use crate::code::Code;
use crate::derive::{Derived, NotData, body as derive_body};
use crate::program::{ModuleId, Program};
use crate::thir::{Body, Closure, ConstId, ExprKind, FnId, LocalId};
use crate::ty::{Kind, Ty};
use arena::Arena;
use code::{backquoted, put};
use fardel_diagnostic::Report;
use fardel_syntax::ast::Span;
use frame::{Binding, Frame};
pub(crate) use relocate::relocate;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// What a module is made for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots {
    pub(crate) main: Option<FnId>,
    pub(crate) tests: Vec<usize>,
    pub(crate) exports: Vec<FnId>,
}

/// The assembly of a program, and where it comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lowered {
    pub(crate) assembly: String,
    /// The first line of the assembly that comes from a line of the source, which counts until the next one.
    pub(crate) lines: Vec<(u32, u32)>,
    /// The file of each function that is not of the program's main one.
    pub(crate) files: FxHashMap<String, String>,
    /// The main file.
    pub(crate) file: String,
}

/// Something that cannot be made, and where.
pub(crate) type Refused = (ModuleId, Report);

/// Instances of one function: more come of types that grow without end.
const INSTANCES_MAX: usize = 64;
/// Parts of a type that an instance has as argument.
const TYPE_PARTS_MAX: usize = 64;

/// A function that is still to be made.
enum Job<'c> {
    Instance(FnId, Vec<Ty>),
    Const(ConstId),
    Test(usize),
    Main(FnId),
    Closure(ClosureJob<'c>),
    Eq(Ty),
    Compare(Ty),
    Show(Ty),
}

/// A closure that becomes a function of its own.
struct ClosureJob<'c> {
    closure: &'c Closure,
    body: &'c Body,
    args: Rc<[Ty]>,
    module: ModuleId,
    /// What it captures, with the types.
    captures: Vec<(LocalId, Ty)>,
    /// What it knows without capturing.
    known: Vec<(LocalId, Binding<'c>)>,
    /// Whether what it captures comes as parameters.
    is_spawned: bool,
}

/// Makes assembly of a program.
///
/// # Errors
/// Something that is too large, or types that grow without end.
pub(crate) fn lower(p: &mut Program<'_>, checked: &Checked, roots: &Roots) -> Result<Lowered, Refused> {
    let arena = Arena::default();
    let mut lower = Lower::new(p, checked, &arena);
    if let Some(main) = roots.main {
        lower.main_module = lower.p.fun(main).module;
        lower.jobs.push(("main".to_owned(), Job::Main(main)));
    } else if let Some(test) = roots.tests.first().and_then(|at| lower.p.tests.get(*at)) {
        lower.main_module = test.module;
    }
    for test in &roots.tests {
        let name = format!("test_{test}");
        lower.exports.push(format!("export {name}"));
        lower.jobs.push((name, Job::Test(*test)));
    }
    for id in &roots.exports {
        let name = lower.instance(*id, &[]);
        lower.exports.push(format!("export {}", backquoted(&name)));
    }
    lower.run();
    lower.finish()
}

/// Makes assembly of functions with their type arguments.
#[cfg(test)]
fn lower_instances(p: &mut Program<'_>, checked: &Checked, all: &[(FnId, Vec<Ty>)]) -> Result<Lowered, Refused> {
    let arena = Arena::default();
    let mut lower = Lower::new(p, checked, &arena);
    for (id, args) in all {
        let name = lower.instance(*id, args);
        lower.exports.push(format!("export {}", backquoted(&name)));
    }
    lower.run();
    lower.finish()
}

/// All that is known while a program is made.
pub(crate) struct Lower<'c, 'a> {
    p: &'c mut Program<'a>,
    checked: &'c Checked,
    arena: &'c Arena,
    jobs: Vec<(String, Job<'c>)>,
    instances: FxHashMap<(FnId, Vec<Ty>), String>,
    counts: FxHashMap<FnId, usize>,
    derived: FxHashMap<(&'static str, Ty), String>,
    consts: FxHashSet<ConstId>,
    type_texts: FxHashMap<Ty, Rc<str>>,
    /// How deep in a type's text that is being written.
    depth: usize,
    undeclared: Vec<Ty>,
    systems: Vec<&'a str>,
    hosts: Vec<&'static str>,
    exports: Vec<String>,
    /// Names that are taken.
    names: FxHashSet<String>,
    refused: Option<Refused>,
    functions: String,
    at: u32,
    lines: Vec<(u32, u32)>,
    files: FxHashMap<String, String>,
    main_module: ModuleId,
    /// Functions that are called, and not only spawned.
    called: FxHashSet<FnId>,
    /// Where the lines of each module's source begin.
    starts: FxHashMap<ModuleId, Rc<[u32]>>,
    /// Whether a type's values are compared by a derived function.
    by_content: FxHashMap<Ty, bool>,
    shown: FxHashMap<Ty, bool>,
    small: FxHashMap<FnId, bool>,
}

impl<'c, 'a> Lower<'c, 'a> {
    fn new(p: &'c mut Program<'a>, checked: &'c Checked, arena: &'c Arena) -> Self {
        let called = walk::called(checked);
        Lower {
            p,
            checked,
            arena,
            jobs: Vec::new(),
            instances: FxHashMap::default(),
            counts: FxHashMap::default(),
            derived: FxHashMap::default(),
            consts: FxHashSet::default(),
            type_texts: FxHashMap::default(),
            depth: 0,
            undeclared: Vec::new(),
            systems: Vec::new(),
            hosts: Vec::new(),
            exports: Vec::new(),
            names: FxHashSet::default(),
            refused: None,
            functions: String::new(),
            at: 1,
            lines: Vec::new(),
            files: FxHashMap::default(),
            main_module: ModuleId(0),
            called,
            starts: FxHashMap::default(),
            by_content: FxHashMap::default(),
            shown: FxHashMap::default(),
            small: FxHashMap::default(),
        }
    }

    /// Says that something cannot be made; the first counts.
    fn refuse(&mut self, module: ModuleId, span: Span, code: Code, message: String, label: &str) {
        if self.refused.is_none() {
            self.refused = Some((module, Report::error(code, span, message).label(label)));
        }
    }

    fn run(&mut self) {
        while let Some((name, job)) = self.jobs.pop() {
            if self.refused.is_some() {
                return;
            }
            match job {
                Job::Instance(id, args) => self.function(name, id, args),
                Job::Const(id) => self.constant(name, id),
                Job::Test(at) => self.test(name, at),
                Job::Main(id) => self.main(name, id),
                Job::Closure(job) => self.closure(name, job),
                Job::Eq(ty) => self.derive_eq(name, ty),
                Job::Compare(ty) => self.derive_compare(name, ty),
                Job::Show(ty) => self.derive_show(name, ty),
            }
        }
    }

    /// Puts the parts of the text together: what is declared stands before the functions.
    fn finish(mut self) -> Result<Lowered, Refused> {
        let declarations = self.declarations();
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let mut head = String::new();
        let mut at = 1;
        for host in &self.hosts {
            put(&mut head, &mut at, &format!("host {host}"));
        }
        if !self.systems.is_empty() {
            put(&mut head, &mut at, &format!("system {}", self.systems.join(", ")));
        }
        declarations.iter().chain(&self.exports).for_each(|line| put(&mut head, &mut at, line));
        let lines = self.lines.iter().map(|(line, source)| (line + at - 1, *source)).collect();
        head.push_str(&self.functions);
        let file = self.p.modules.get(self.main_module.0 as usize).map_or_else(String::new, |module| module.file.clone());
        Ok(Lowered { assembly: head, lines, files: self.files, file })
    }

    /// The name of a function with type arguments; it is made in its turn.
    pub(super) fn instance(&mut self, id: FnId, args: &[Ty]) -> String {
        if let Some(known) = self.instances.get(&(id, args.to_vec())) {
            return known.clone();
        }
        let name = self.function_name(id, args);
        self.instances.insert((id, args.to_vec()), name.clone());
        let count = self.counts.entry(id).or_default();
        *count += 1;
        let grows = *count > INSTANCES_MAX && args.iter().any(|arg| self.parts(*arg, 0) > 8);
        if grows || args.iter().any(|arg| self.parts(*arg, 0) > TYPE_PARTS_MAX) {
            let def = self.p.fun(id);
            let (module, span, called) = (def.module, def.span, def.name);
            let message = format!(
                "`{called}` is needed for more and more types, such as `{}`",
                args.iter()
                    .map(|arg| self.display(*arg))
                    .collect::<Vec<_>>()
                    .join("`, `")
                    .chars()
                    .take(120)
                    .collect::<String>()
            );
            self.refuse(module, span, Code::Growing, message, "calls itself with types that grow");
        }
        self.jobs.push((name.clone(), Job::Instance(id, args.to_vec())));
        name
    }

    /// Whether a type is one of those that grow without end.
    pub(super) fn is_growing(&self, ty: Ty) -> bool {
        self.parts(ty, 0) > TYPE_PARTS_MAX
    }

    /// How many parts a type has.
    fn parts(&self, ty: Ty, depth: usize) -> usize {
        if depth > TYPE_PARTS_MAX {
            return depth;
        }
        1 + match self.p.types.kind(ty) {
            Kind::Error | Kind::Never | Kind::Param(_) | Kind::Var(_) => 0,
            Kind::Tuple(items) | Kind::Named(_, items) => items.iter().map(|item| self.parts(*item, depth + 1)).sum(),
            Kind::Fn(params, result, _) => {
                params.iter().map(|item| self.parts(*item, depth + 1)).sum::<usize>() + self.parts(*result, depth + 1)
            }
        }
    }

    fn function_name(&mut self, id: FnId, args: &[Ty]) -> String {
        let def = self.p.fun(id);
        let module = &self.p.module(def.module).path;
        let mut name = match def.owner {
            Some(owner) => format!("{module}.{}.{}", self.p.def(owner).name, def.name),
            None => format!("{module}.{}", def.name),
        };
        if !args.is_empty() {
            let args: Vec<String> = args.iter().map(|arg| self.display(*arg)).collect();
            name.push_str(&format!("<{}>", args.join(", ")));
        }
        self.unique_name(&name)
    }

    /// The function that a constant's value comes from.
    pub(super) fn const_function(&mut self, id: ConstId) -> String {
        let def = self.p.constant(id);
        let name = format!("const {}.{}", self.p.module(def.module).path, def.name);
        if self.consts.insert(id) {
            self.jobs.push((name.clone(), Job::Const(id)));
        }
        name
    }

    /// A derived function of a type.
    pub(super) fn derive(&mut self, what: &'static str, ty: Ty) -> String {
        if let Some(known) = self.derived.get(&(what, ty)) {
            return known.clone();
        }
        let name = self.unique_name(&format!("{what}<{}>", self.display(ty)));
        self.derived.insert((what, ty), name.clone());
        let job = match what {
            "eq" => Job::Eq(ty),
            "compare" => Job::Compare(ty),
            _ => Job::Show(ty),
        };
        self.jobs.push((name.clone(), job));
        name
    }

    /// The line of a place in a module's source, from 1.
    pub(super) fn line_of(&mut self, module: ModuleId, span: Span) -> u32 {
        let starts = match self.starts.get(&module) {
            Some(known) => Rc::clone(known),
            None => {
                let source = self.p.modules.get(module.0 as usize).map_or("", |module| module.source);
                let breaks = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
                let starts: Rc<[u32]> = breaks.map(|(at, _)| at as u32 + 1).collect();
                self.starts.insert(module, Rc::clone(&starts));
                starts
            }
        };
        1 + starts.partition_point(|start| *start <= span.start) as u32
    }

    fn function(&mut self, name: String, id: FnId, args: Vec<Ty>) {
        let checked = self.checked;
        let def = self.p.fun(id);
        let (module, span) = (def.module, def.span);
        if def.asm.is_some() {
            return self.asm_function(name, id, args);
        }
        if let Some(derived) = def.derive {
            return self.derived_body(name, module, span, derived, &args);
        }
        let Some(Some(body)) = checked.fns.get(id.0 as usize) else {
            return self.refuse(module, span, Code::NotAvailable, format!("`{name}` has no body"), "here");
        };
        let is_called = self.called.contains(&id);
        let mut frame = Frame::new(self, name, module, body, args.into());
        frame.is_called = is_called;
        frame.whole_body(body, &body.params);
    }

    /// A function that is written for each type.
    fn derived_body(&mut self, name: String, module: ModuleId, span: Span, derived: &str, args: &[Ty]) {
        let (Some(derived), Some(ty)) = (Derived::by_name(derived), args.first().copied()) else {
            return self.refuse(module, span, Code::NotAvailable, format!("`{name}` cannot be derived"), "here");
        };
        match derive_body(self.p, derived, ty) {
            Ok(body) => {
                let body = self.arena.add(body);
                let mut frame = Frame::new(self, name, module, body, Rc::from([]));
                frame.whole_body(body, &body.params);
            }
            Err(NotData(text)) => {
                let message = format!("`{}` is no data: {text}", self.display(ty));
                self.refuse(module, span, Code::Constraint, message, "needed here");
            }
        }
    }

    fn constant(&mut self, name: String, id: ConstId) {
        let checked = self.checked;
        let module = self.p.constant(id).module;
        let Some(Some(body)) = checked.consts.get(id.0 as usize) else { return };
        let mut frame = Frame::new(self, name, module, body, Rc::from([]));
        frame.whole_body(body, &[]);
    }

    fn test(&mut self, name: String, at: usize) {
        let checked = self.checked;
        let Some(test) = self.p.tests.get(at) else { return };
        let module = test.module;
        let Some(Some(body)) = checked.tests.get(at) else { return };
        let base = format!("{}.{name}", self.p.module(module).path);
        let mut frame = Frame::new(self, name, module, body, Rc::from([]));
        frame.base = base;
        frame.is_called = false;
        frame.whole_body(body, &body.params);
    }

    /// `main`; where it gives a `Result`, a function around it looks at that.
    fn main(&mut self, name: String, id: FnId) {
        let checked = self.checked;
        let Some(Some(body)) = checked.fns.get(id.0 as usize) else { return };
        let module = self.p.fun(id).module;
        let is_called = self.called.contains(&id);
        if !matches!(self.shape(body.result), types::Shape::Sum(..)) {
            let base = self.function_name(id, &[]);
            let mut frame = Frame::new(self, name, module, body, Rc::from([]));
            frame.base = base;
            frame.is_called = is_called;
            frame.whole_body(body, &body.params);
            return;
        }
        let inner = self.instance(id, &[]);
        let mut frame = Frame::new(self, name, module, body, Rc::from([]));
        frame.main_around(body, &inner);
    }

    fn closure(&mut self, name: String, job: ClosureJob<'c>) {
        let mut frame = Frame::new(self, name, job.module, job.body, Rc::clone(&job.args));
        frame.closure_body(&job);
    }
}

/// Whether an expression is one that may be evaluated again, or later, without a difference.
fn is_plain(kind: &ExprKind) -> bool {
    matches!(
        kind,
        ExprKind::Unit
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Text(_)
            | ExprKind::Bytes(_)
            | ExprKind::Local(_)
            | ExprKind::Closure(_)
            | ExprKind::FnValue(..)
            | ExprKind::Me
    )
}
