//! Bringing the modules of a program.
//!
//! **Invariant:** each module is brought once, and a module that leads back to itself is told.

use crate::code::Code;
use crate::std_modules;
use fardel_diagnostic::{Diagnostic, Report, Sink};
use fardel_syntax::ast;
use std::collections::BTreeMap;

/// Modules of one program.
const MODULES_MAX: usize = 4_096;

/// A module's file.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its name, for people.
    pub file: String,
    /// What is in it.
    pub text: String,
    /// Whether it is of the program's own package, and not of one that this depends on.
    pub is_own: bool,
}

/// Finds modules.
pub trait Resolver {
    /// The path that a module has in the whole program, where the module `from` names it `path`. No two modules of a
    /// program have the same one: types and functions are named by it.
    ///
    /// # Errors
    /// Why it cannot be used there.
    fn path(&mut self, from: &str, path: &str) -> Result<String, String> {
        let _ = from;
        Ok(path.to_owned())
    }

    /// The module with a path such as `kv.store`, as [`Resolver::path`] gives it; nothing when there is none.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn module(&mut self, path: &str) -> Result<Option<Found>, String>;

    /// Where a module would be that is not there, for people.
    fn place(&self, path: &str) -> String {
        format!("the file `{}.fdl` beside the main one", path.replace('.', "/"))
    }
}

/// A source.
#[derive(Clone, Debug)]
pub struct Source {
    /// The module's path.
    pub path: String,
    /// Its file's name, for people.
    pub file: String,
    /// What is in it.
    pub text: String,
    /// Whether it is of the standard library.
    pub is_std: bool,
    /// Whether it is of the program's own package.
    pub is_own: bool,
    /// The modules that it imports, by the paths that stand in it.
    pub(crate) imports: BTreeMap<String, usize>,
    /// What is wrong with its imports.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// The sources of a program: those of the standard library's core first, then the main one, then the others.
#[derive(Clone, Debug)]
pub struct Sources {
    pub(crate) all: Vec<Source>,
    /// Which is the main one.
    pub(crate) main: usize,
}

impl Sources {
    /// The main source.
    pub fn main(&self) -> &Source {
        &self.all[self.main]
    }

    /// All of them.
    pub fn all(&self) -> &[Source] {
        &self.all
    }
}

struct Import {
    path: String,
    start: u32,
    end: u32,
}

/// Brings a main source and all that it leads to.
pub fn load(path: &str, file: &str, text: String, resolver: &mut dyn Resolver) -> Sources {
    let mut all: Vec<Source> = std_modules::CORE.iter().map(std).collect();
    let main = all.len();
    // A module of the standard library keeps its name, whatever the main file is called.
    let path = if std_modules::source(path).is_some() { format!("program.{path}") } else { path.to_owned() };
    all.push(own(path, Found { file: file.to_owned(), text, is_own: true }));
    let mut known: BTreeMap<String, usize> = all.iter().enumerate().map(|(at, source)| (source.path.clone(), at)).collect();
    let mut imports: Vec<Vec<Import>> = Vec::new();
    while let Some(source) = all.get(imports.len()) {
        let (from, written) = (source.path.clone(), imports_of(&source.text));
        let mut sink = Sink::default();
        let mut new = Vec::new();
        let mut found = BTreeMap::new();
        for import in &written {
            let next = all.len() + new.len();
            match bring(&from, import, next, &known, resolver) {
                Ok(Brought::Known(at)) => drop(found.insert(import.path.clone(), at)),
                Ok(Brought::New(source)) => {
                    known.insert(source.path.clone(), next);
                    found.insert(import.path.clone(), next);
                    new.push(source);
                }
                Err(report) => drop(report.tell(&mut sink)),
            }
        }
        let at = imports.len();
        (all[at].diagnostics, all[at].imports) = (sink.finish(), found);
        imports.push(written);
        all.extend(new);
    }
    tell_circles(&mut all, &imports);
    Sources { all, main }
}

fn std((path, text): &(&str, &str)) -> Source {
    Source {
        path: (*path).to_owned(),
        file: format!("std/{path}.fdl"),
        text: (*text).to_owned(),
        is_std: true,
        is_own: false,
        imports: BTreeMap::new(),
        diagnostics: Vec::new(),
    }
}

fn own(path: String, Found { file, text, is_own }: Found) -> Source {
    Source { path, file, text, is_std: false, is_own, imports: BTreeMap::new(), diagnostics: Vec::new() }
}

/// What an import leads to.
enum Brought {
    /// A source that is there already.
    Known(usize),
    New(Source),
}

/// The source that an import of the module `from` leads to; `count` are there already.
fn bring(
    from: &str,
    import: &Import,
    count: usize,
    known: &BTreeMap<String, usize>,
    resolver: &mut dyn Resolver,
) -> Result<Brought, Report> {
    let span = fardel_syntax::ast::Span { start: import.start, end: import.end };
    let written = &import.path;
    let refused = |what: &str, why: String| {
        Report::error(Code::UnknownModule, span, format!("the module `{written}` cannot be {what}: {why}"))
            .label("imported here")
    };
    let path = match std_modules::source(written) {
        Some(_) => written.clone(),
        None => resolver.path(from, written).map_err(|why| refused("used", why))?,
    };
    if let Some(at) = known.get(&path) {
        return Ok(Brought::Known(*at));
    }
    if count >= MODULES_MAX {
        let message = format!("a program has {MODULES_MAX} modules at most");
        return Err(Report::error(Code::TooLarge, span, message).label("one too many"));
    }
    if let Some(text) = std_modules::source(&path) {
        return Ok(Brought::New(std(&(path.as_str(), text))));
    }
    if let Some(found) = resolver.module(&path).map_err(|why| refused("read", why))? {
        return Ok(Brought::New(own(path, found)));
    }
    let names = std_modules::CORE.iter().chain(std_modules::OTHERS).map(|(name, _)| *name);
    let near = crate::suggest::suggestion(written, names);
    let hint = near.unwrap_or_else(|| format!("it would be {}", resolver.place(&path)));
    let message = format!("there is no module `{written}`");
    Err(Report::error(Code::UnknownModule, span, message).label("not found").hint(hint))
}

/// The modules that a source imports.
fn imports_of(text: &str) -> Vec<Import> {
    // Tests with inputs are run by a module that nobody has to name.
    let tests = text.contains("test");
    let checks = tests.then(|| Import { path: "checks".to_owned(), start: 0, end: 0 });
    let parsed = fardel_syntax::parse(head(text));
    let import = |import: &ast::Use<'_>| Import {
        path: import.path.iter().map(|name| name.text).collect::<Vec<_>>().join("."),
        start: import.span.start,
        end: import.span.end,
    };
    parsed.file.uses.iter().map(import).filter(|import| !import.path.is_empty()).chain(checks).collect()
}

/// A source up to its first item: imports stand before that.
fn head(text: &str) -> &str {
    let begins_item = |line: &str| {
        let word = line.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or("");
        line.starts_with('@') || ["pub", "fn", "type", "opaque", "const", "test"].contains(&word)
    };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if begins_item(line) {
            break;
        }
        at += line.len();
    }
    text.get(..at).unwrap_or(text)
}

/// Tells of modules that lead back to themselves; those of the standard library may.
fn tell_circles(all: &mut [Source], imports: &[Vec<Import>]) {
    let mut state = vec![0u8; all.len()];
    for start in 0..all.len() {
        if state[start] != 0 || all[start].is_std {
            continue;
        }
        // A walk with a stack of its own, since a chain of imports may be long.
        let mut stack: Vec<(usize, usize)> = vec![(start, 0)];
        state[start] = 1;
        while let Some((at, next)) = stack.last().copied() {
            let Some(import) = imports[at].get(next) else {
                state[at] = 2;
                stack.pop();
                continue;
            };
            if let Some(last) = stack.last_mut() {
                last.1 += 1;
            }
            let Some(to) = all[at].imports.get(&import.path).copied().filter(|to| !all[*to].is_std) else { continue };
            match state[to] {
                0 => {
                    state[to] = 1;
                    stack.push((to, 0));
                }
                1 => {
                    let from = stack.iter().position(|(at, _)| *at == to).unwrap_or(0);
                    let names: Vec<String> = stack[from..].iter().map(|(at, _)| format!("`{}`", all[*at].path)).collect();
                    let message =
                        format!("modules import each other in a circle: {} and `{}` again", names.join(", "), all[to].path);
                    let span = fardel_syntax::ast::Span { start: import.start, end: import.end };
                    let mut sink = Sink::default();
                    let report = Report::error(Code::Cycle, span, message).label("leads back");
                    report.hint("move what both need to a module of its own").tell(&mut sink);
                    all[at].diagnostics.extend(sink.finish());
                }
                _ => {}
            }
        }
    }
}
