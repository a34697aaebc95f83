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
}

/// Finds modules.
pub trait Resolver {
    /// The module with a path such as `kv.store`; nothing when there is none.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn module(&mut self, path: &str) -> Result<Option<Found>, String>;
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
    let std = |(path, text): &(&str, &str)| Source {
        path: (*path).to_owned(),
        file: format!("std/{path}.fdl"),
        text: (*text).to_owned(),
        is_std: true,
        diagnostics: Vec::new(),
    };
    let mut all: Vec<Source> = std_modules::CORE.iter().map(std).collect();
    let main = all.len();
    // A module of the standard library keeps its name, whatever the main file is called.
    let path = if std_modules::source(path).is_some() { format!("program.{path}") } else { path.to_owned() };
    all.push(Source { path, file: file.to_owned(), text, is_std: false, diagnostics: Vec::new() });
    let mut known: BTreeMap<String, usize> = all.iter().enumerate().map(|(at, source)| (source.path.clone(), at)).collect();
    let mut imports: Vec<Vec<Import>> = Vec::new();
    while let Some(source) = all.get(imports.len()) {
        let own = imports_of(&source.text);
        let mut sink = Sink::default();
        let mut new = Vec::new();
        for import in &own {
            if known.contains_key(&import.path) {
                continue;
            }
            let span = fardel_syntax::ast::Span { start: import.start, end: import.end };
            if all.len() + new.len() >= MODULES_MAX {
                let message = format!("a program has {MODULES_MAX} modules at most");
                Report::error(Code::TooLarge, span, message).label("one too many").tell(&mut sink);
                continue;
            }
            if let Some(text) = std_modules::source(&import.path) {
                known.insert(import.path.clone(), all.len() + new.len());
                new.push(std(&(import.path.as_str(), text)));
                continue;
            }
            match resolver.module(&import.path) {
                Ok(Some(found)) => {
                    known.insert(import.path.clone(), all.len() + new.len());
                    let Found { file, text } = found;
                    new.push(Source { path: import.path.clone(), file, text, is_std: false, diagnostics: Vec::new() });
                }
                Ok(None) => {
                    let names = std_modules::CORE.iter().chain(std_modules::OTHERS).map(|(name, _)| *name);
                    let near = crate::suggest::suggestion(&import.path, names);
                    let file = format!("{}.fdl", import.path.replace('.', "/"));
                    let hint = near.unwrap_or_else(|| format!("it would be the file `{file}` beside the main one"));
                    let message = format!("there is no module `{}`", import.path);
                    Report::error(Code::UnknownModule, span, message).label("not found").hint(hint).tell(&mut sink);
                }
                Err(why) => {
                    let message = format!("the module `{}` cannot be read: {why}", import.path);
                    Report::error(Code::UnknownModule, span, message).label("imported here").tell(&mut sink);
                }
            }
        }
        let at = imports.len();
        all[at].diagnostics = sink.finish();
        imports.push(own);
        all.extend(new);
    }
    tell_circles(&mut all, &imports, &known);
    Sources { all, main }
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
fn tell_circles(all: &mut [Source], imports: &[Vec<Import>], known: &BTreeMap<String, usize>) {
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
            let Some(to) = known.get(&import.path).copied().filter(|to| !all[*to].is_std) else { continue };
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
