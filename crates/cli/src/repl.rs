//! `fardel repl`: a prompt. Each entry is a program of its own, made of what was declared before and of this entry; it runs as a
//! fiber of one machine, in which the fibers of earlier entries live on.
//!
//! What an entry gave a name is handed to the next one as a value, so lists and maps are copies, and functions are not kept.

use crate::say;
use clap::Args;
use fardel::language::{self, EntryPart, Goal};
use fardel::package::Package;
use fardel::{ExitReason, FiberId, Hosts, Program, Runtime, Settings, Value};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use std::io::{BufRead, IsTerminal as _, stdin};
use std::path::Path;

#[derive(Args, Debug)]
#[command(after_help = "At the prompt:\n  items, imports, statements and expressions; `it` is the last value\n  \
receives Type  sets what entries receive\n  :names         lists what has a name\n  :quit          ends, as ctrl-D does\n\nIn the folder of a package, entries may import its modules and those of its dependencies.")]
pub(crate) struct Options {}

/// Reads and runs entries until there are no more.
pub(crate) fn repl(_: &Options) -> u8 {
    let mut session = match Session::new() {
        Ok(session) => session,
        Err(problem) => {
            say::error(problem);
            return say::FAILED;
        }
    };
    if stdin().is_terminal() { by_hand(&mut session) } else { from_file(&mut session, stdin().lock()) }
}

fn by_hand(session: &mut Session) -> u8 {
    let mut editor = match DefaultEditor::new() {
        Ok(editor) => editor,
        Err(problem) => {
            say::error(format_args!("the terminal cannot be used: {problem}"));
            return say::FAILED;
        }
    };
    let mut entry = String::new();
    loop {
        match editor.readline(if entry.is_empty() { "> " } else { ". " }) {
            Ok(line) => {
                entry.push_str(&line);
                entry.push('\n');
                if session.needs_more(&entry) {
                    continue;
                }
                // A history that cannot be kept is none.
                let _ = editor.add_history_entry(entry.trim_end());
                if !session.take(&entry) {
                    return session.status();
                }
                entry.clear();
            }
            Err(ReadlineError::Interrupted) => entry.clear(),
            Err(ReadlineError::Eof) => return say::OK,
            Err(problem) => {
                say::error(format_args!("the terminal cannot be read: {problem}"));
                return say::FAILED;
            }
        }
    }
}

fn from_file(session: &mut Session, input: impl BufRead) -> u8 {
    let mut entry = String::new();
    for line in input.lines() {
        match line {
            Ok(line) => entry.push_str(&line),
            Err(problem) => {
                say::error(format_args!("the standard input cannot be read: {problem}"));
                return say::FAILED;
            }
        }
        entry.push('\n');
        if session.needs_more(&entry) {
            continue;
        }
        if !session.take(&entry) {
            return session.status();
        }
        entry.clear();
    }
    if !entry.trim().is_empty() {
        session.take(&entry);
    }
    session.status()
}

/// Something that has a name at the prompt.
struct Kept {
    name: String,
    ty: String,
    is_var: bool,
    value: Value,
}

struct Session {
    runtime: Runtime,
    /// The package here, whose modules entries may import.
    package: Option<Package>,
    /// Where entries hand over their values.
    port: FiberId,
    uses: Vec<String>,
    /// Declarations by their names, in order.
    items: Vec<(String, String)>,
    receives: String,
    kept: Vec<Kept>,
}

/// The file of entries, for people.
const PROMPT: &str = "prompt.fdl";
/// The name of the last value.
const IT: &str = "it";
/// What has the value of an entry shown.
const SHOWN: &str = "let it = ";
/// What stands before names that the prompt itself makes.
const OWN: &str = "prompt__";

impl Session {
    fn new() -> Result<Session, String> {
        let mut runtime = Runtime::new(Settings::default(), Hosts::standard());
        let port = runtime.open_port().map_err(|problem| problem.to_string())?;
        let package = Package::open(Path::new("")).map_err(|problem| problem.to_string())?;
        let (uses, items, receives, kept) = (Vec::new(), Vec::new(), String::new(), Vec::new());
        Ok(Session { runtime, package, port, uses, items, receives, kept })
    }

    /// The exit status for whoever started the prompt.
    fn status(&self) -> u8 {
        self.runtime.exit_status().unwrap_or(say::OK)
    }

    fn needs_more(&self, entry: &str) -> bool {
        !entry.starts_with(':') && language::parse_entry(entry).needs_more
    }

    /// Runs an entry; whether there may be further ones.
    fn take(&mut self, entry: &str) -> bool {
        match entry.trim() {
            "" => return true,
            ":quit" | ":q" => return false,
            ":names" => {
                let items = self.items.iter().map(|(_, text)| format!("{text}\n"));
                let kept = self.kept.iter().map(|kept| format!("{}: {}\n", kept.name, kept.ty));
                say::output(items.chain(kept).collect::<String>().as_bytes());
                return true;
            }
            word if word.starts_with(':') => {
                say::error(format_args!("unknown command {word}; there are :names and :quit"));
                return true;
            }
            _ => {}
        }
        let parsed = language::parse_entry(entry);
        if !parsed.diagnostics.is_empty() {
            let told = parsed.diagnostics.iter().map(|one| one.render("prompt", entry, say::in_colour()));
            told.for_each(|text| say::line(&text));
            return true;
        }
        self.run(entry, &parsed.parts);
        self.runtime.exit_status().is_none()
    }

    fn run(&mut self, entry: &str, parts: &[EntryPart<'_>]) {
        let before = (self.uses.clone(), self.items.clone(), self.receives.clone());
        let mut new = Entry::default();
        for (at, part) in parts.iter().enumerate() {
            match part {
                EntryPart::Uses(uses) => {
                    let text = uses.iter().map(|one| entry.get(one.span.range()).unwrap_or(""));
                    self.uses.extend(text.map(|text| format!("use {text}")));
                }
                EntryPart::Item(item) => {
                    let text = entry.get(item.span.range()).unwrap_or("").to_owned();
                    let name = language::name_of(item).to_owned();
                    if self.items.iter().any(|(known, _)| *known == name) {
                        self.forget_values_of(&name);
                    }
                    self.items.retain(|(known, _)| *known != name);
                    self.items.push((name, text));
                }
                EntryPart::Receives(types) => {
                    let text = types.iter().map(|one| entry.get(one.span.range()).unwrap_or(""));
                    self.receives = format!(" receives {}", text.collect::<Vec<_>>().join(" | "));
                }
                EntryPart::Stmt(stmt) => {
                    let text = entry.get(stmt.span.range()).unwrap_or("");
                    new.add(text, language::names_bound(stmt), language::is_value(stmt) && at + 1 == parts.len());
                }
            }
        }
        self.uses.sort();
        self.uses.dedup();
        if !self.carry_out(&new) {
            (self.uses, self.items, self.receives) = before;
        }
    }

    /// A type means something else from now on: values of the old one have no name any more.
    fn forget_values_of(&mut self, name: &str) {
        let speaks_of = |kept: &Kept| kept.ty.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == name);
        for kept in self.kept.iter().filter(|kept| speaks_of(kept)) {
            say::line(&format!("`{}` was of the type `{name}` as it was before, and is gone", kept.name));
        }
        self.kept.retain(|kept| !speaks_of(kept));
    }

    /// Compiles and runs an entry; whether it was compiled.
    fn carry_out(&mut self, new: &Entry) -> bool {
        let source = self.source(new);
        let sources = match &self.package {
            Some(package) => language::in_package(PROMPT, &source, package),
            None => language::single(PROMPT, &source),
        };
        let compiled = language::compile(&sources, Goal::Entry);
        let (errors, warnings) = language::rendered(&compiled.checked, &sources, say::in_colour());
        let Some(module) = compiled.module else {
            // One that never ends, such as `panic(..)`, has no value that could be shown.
            if let Some(endless) = new.as_endless().filter(|endless| self.is_sound(endless)) {
                return self.carry_out(&endless);
            }
            errors.iter().for_each(|text| say::line(text));
            return false;
        };
        if !new.stmts.is_empty() {
            warnings.iter().for_each(|text| say::line(text));
        }
        let (function, types) = compiled.entry;
        if let Err(problem) = self.start(module, &function, new, &types) {
            say::error(problem);
        }
        true
    }

    /// Whether an entry compiles.
    fn is_sound(&self, entry: &Entry) -> bool {
        let sources = language::single("prompt.fdl", &self.source(entry));
        language::compile(&sources, Goal::Entry).module.is_some()
    }

    fn start(
        &mut self,
        module: fardel::bytecode::Module,
        function: &str,
        new: &Entry,
        types: &[(String, String)],
    ) -> Result<(), String> {
        if new.stmts.is_empty() {
            return Ok(());
        }
        let program = Program::from_module("prompt", module).map_err(|problem| problem.to_string())?;
        let hash = self.runtime.load(program).map_err(|problem| problem.to_string())?;
        let values = self.kept.iter().map(|kept| kept.value.clone());
        let args: Vec<Value> = std::iter::once(Value::Address(self.port)).chain(values).collect();
        let fiber = self.runtime.machine_mut().spawn(hash, function, &args).map_err(|problem| problem.to_string())?;
        match self.runtime.join(fiber).map(|exit| exit.reason) {
            None if self.runtime.exit_status().is_some() => return Ok(()),
            None => return Err("this entry waits for what can never come".to_owned()),
            Some(ExitReason::Normal) => {}
            Some(ExitReason::Error(failure)) if failure.message.is_empty() => return Err(failure.name.to_string()),
            Some(ExitReason::Error(failure)) => return Err(format!("{}: {}", failure.name, failure.message)),
            Some(other) => return Err(other.to_string()),
        }
        let type_of = |name: &str| types.iter().rev().find(|(known, _)| known == name).map_or("?", |(_, ty)| ty.as_str());
        let take = |runtime: &mut Runtime, port: FiberId| runtime.try_receive::<Value>(port).ok().flatten();
        if new.has_value {
            let ty = type_of(&format!("{OWN}{IT}")).to_owned();
            if let Some(Value::Text(text)) = take(&mut self.runtime, self.port)
                && ty != "()"
            {
                say::output(format!("{text}: {ty}\n").as_bytes());
            }
        }
        for (name, is_var) in self.names(new) {
            let Some(value) = take(&mut self.runtime, self.port) else { break };
            self.kept.retain(|kept| kept.name != name);
            if is_opaque(&value) {
                say::line(&format!("`{name}` holds a function, which the prompt does not keep; declare it with `fn`"));
                continue;
            }
            let ty = type_of(&format!("{OWN}{name}")).to_owned();
            self.kept.push(Kept { name, ty, is_var, value });
        }
        Ok(())
    }

    /// The names that stand after an entry: earlier ones, and those that it makes.
    fn names(&self, new: &Entry) -> Vec<(String, bool)> {
        if new.is_endless {
            return Vec::new();
        }
        let made = |name: &str| new.names.iter().any(|(own, _)| own == name) || (new.has_value && name == IT);
        let earlier = self.kept.iter().filter(|kept| !made(&kept.name)).map(|kept| (kept.name.clone(), kept.is_var));
        let it = new.has_value.then(|| (IT.to_owned(), false));
        earlier.chain(new.names.iter().cloned()).chain(it).collect()
    }

    /// The program of an entry.
    fn source(&self, new: &Entry) -> String {
        let mut out = "use prompt\n".to_owned();
        self.uses.iter().for_each(|one| out.push_str(&format!("{one}\n")));
        self.items.iter().for_each(|(_, text)| out.push_str(&format!("\n{text}\n")));
        let params = self.kept.iter().map(|kept| format!(", {OWN}in_{}: {}", kept.name, kept.ty)).collect::<String>();
        out.push_str(&format!("\nfn entry({OWN}to: Fiber{params}){} {{\n", self.receives));
        for kept in &self.kept {
            let word = if kept.is_var { "var" } else { "let" };
            out.push_str(&format!("  {word} {} = {OWN}in_{}\n", kept.name, kept.name));
        }
        for stmt in &new.stmts {
            out.push_str(&format!("  {stmt}\n"));
        }
        if new.has_value {
            out.push_str(&format!("  prompt.keep({OWN}to, \"${{{IT}}}\")\n"));
        }
        for (name, _) in self.names(new) {
            out.push_str(&format!("  let {OWN}{name} = {name}\n"));
            out.push_str(&format!("  prompt.keep({OWN}to, {name})\n"));
        }
        out.push_str("}\n");
        out
    }
}

/// The statements of an entry.
#[derive(Default)]
struct Entry {
    stmts: Vec<String>,
    /// The names that they give, and whether each can be assigned.
    names: Vec<(String, bool)>,
    /// Whether the last one is an expression, whose value is shown.
    has_value: bool,
    /// Whether it never comes to its end, and so gives nothing.
    is_endless: bool,
}

impl Entry {
    fn add(&mut self, text: &str, names: Vec<(String, bool)>, is_value: bool) {
        for (name, is_var) in names {
            self.names.retain(|(known, _)| *known != name);
            self.names.push((name, is_var));
        }
        self.has_value = is_value;
        self.stmts.push(if is_value { format!("{SHOWN}{text}") } else { text.to_owned() });
    }

    /// The same as one that never comes to its end, if it was to give a value.
    fn as_endless(&self) -> Option<Entry> {
        let (last, before) = self.stmts.split_last()?;
        let last = last.strip_prefix(SHOWN).filter(|_| self.has_value)?;
        let stmts = before.iter().cloned().chain([last.to_owned()]).collect();
        Some(Entry { stmts, is_endless: true, ..Entry::default() })
    }
}

/// Whether something in a value does not leave its fiber.
fn is_opaque(value: &Value) -> bool {
    match value {
        Value::Opaque(_) => true,
        Value::List(items)
        | Value::Set(items)
        | Value::Tuple(items)
        | Value::Record(_, items)
        | Value::Variant(_, _, items) => items.iter().any(is_opaque),
        Value::Map(entries) => entries.iter().any(|(key, value)| is_opaque(key) || is_opaque(value)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Address(_)
        | Value::Ref { .. } => false,
    }
}
