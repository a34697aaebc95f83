//! Programs in the language: their files, and what is wrong with them.

use crate::doc_tests::with_doc_tests;
use crate::program::{ProgramError, read_source};
use fardel_bytecode::Module;
pub use fardel_lang::{Checked, Compiled, Goal, Sources, check, compile, format};
pub use fardel_lang::{Entry, EntryPart, parse_entry};
use fardel_lang::{Found, Resolver};
use std::path::{Path, PathBuf};

/// The extension of sources.
pub const EXTENSION: &str = "fdl";

/// Whether a file is a source by its name.
pub fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

/// Modules as files in a folder: `kv.store` is `kv/store.fdl`.
struct Files {
    folder: PathBuf,
    /// Whether code in documents becomes tests.
    tests_documents: bool,
}

impl Resolver for Files {
    fn module(&mut self, path: &str) -> Result<Option<Found>, String> {
        let file = self.folder.join(path.replace('.', "/")).with_extension(EXTENSION);
        if !file.is_file() {
            return Ok(None);
        }
        match read_source(&file) {
            Ok(text) => {
                let text = if self.tests_documents { with_doc_tests(&text) } else { text };
                Ok(Some(Found { file: file.display().to_string(), text, is_own: true }))
            }
            Err(problem) => Err(problem.to_string()),
        }
    }
}

/// The sources of the program whose main one is in a file.
///
/// # Errors
/// When that file cannot be read; what is wrong with others is told by [`fardel_lang::check`].
pub fn sources(path: &Path) -> Result<Sources, ProgramError> {
    load(path, false)
}

/// As [`sources`], with tests for the code in documents: blocks between ` ```fardel ` and ` ``` `, where a line
/// `expression // => text` says what the expression prints.
///
/// # Errors
/// As [`sources`].
pub fn sources_for_tests(path: &Path) -> Result<Sources, ProgramError> {
    load(path, true)
}

fn load(path: &Path, tests_documents: bool) -> Result<Sources, ProgramError> {
    let text = read_source(path)?;
    let text = if tests_documents { with_doc_tests(&text) } else { text };
    let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut files = Files { folder, tests_documents };
    Ok(fardel_lang::load(&name, &path.display().to_string(), text, &mut files))
}

/// Finds no modules.
struct NoFiles;

impl Resolver for NoFiles {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

/// A source that imports nothing but the standard library, with the name of its file.
pub fn single(name: &str, source: &str) -> Sources {
    let path = Path::new(name).file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    fardel_lang::load(&path, name, source.to_owned(), &mut NoFiles)
}

/// What is said of sources, as people read it: errors, then warnings.
pub fn rendered(checked: &Checked, sources: &Sources, colour: bool) -> (Vec<String>, Vec<String>) {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for (at, diagnostic) in &checked.diagnostics {
        let Some(source) = sources.all().get(*at) else { continue };
        let text = diagnostic.render(&source.file, &source.text, colour);
        match diagnostic.severity {
            fardel_lang::Severity::Error => errors.push(text),
            fardel_lang::Severity::Warning => warnings.push(text),
        }
    }
    (errors, warnings)
}

/// The same module with one of its exports as `main`.
pub fn with_main(module: &Module, export: &str) -> Option<Module> {
    let mut module = module.clone();
    module.exports.retain(|one| one.name == export);
    module.exports.first_mut()?.name = "main".to_owned();
    Some(module)
}

/// The name of an item.
pub fn name_of<'a>(item: &fardel_lang::ast::Item<'a>) -> &'a str {
    use fardel_lang::ast::ItemKind;
    match &item.kind {
        ItemKind::Fn(function) => function.name.text,
        ItemKind::Type(declared) => declared.name.text,
        ItemKind::Const(constant) => constant.name.text,
        ItemKind::Test(_) => "",
    }
}

/// Whether a statement is an expression, whose value can be shown.
pub fn is_value(stmt: &fardel_lang::ast::Stmt<'_>) -> bool {
    matches!(stmt.kind, fardel_lang::ast::StmtKind::Expr(_))
}

/// The names that a statement gives for those behind it, and whether each can be assigned.
pub fn names_bound(stmt: &fardel_lang::ast::Stmt<'_>) -> Vec<(String, bool)> {
    use fardel_lang::ast::StmtKind;
    let mut names = Vec::new();
    match &stmt.kind {
        StmtKind::Let { pat, .. } => names_in(pat, &mut names),
        StmtKind::Var { name, .. } => names.push((name.text.to_owned(), true)),
        StmtKind::For { .. }
        | StmtKind::While { .. }
        | StmtKind::Return(_)
        | StmtKind::Break
        | StmtKind::Continue
        | StmtKind::Serve { .. }
        | StmtKind::Assign { .. }
        | StmtKind::Expr(_)
        | StmtKind::Error => {}
    }
    names
}

fn names_in(pat: &fardel_lang::ast::Pat<'_>, names: &mut Vec<(String, bool)>) {
    use fardel_lang::ast::{PatArg, PatKind};
    let mut name = |name: &fardel_lang::ast::Name<'_>| {
        if name.text != "_" {
            names.push((name.text.to_owned(), false));
        }
    };
    let args = match &pat.kind {
        PatKind::Name(own) => return name(own),
        PatKind::As { pat, name: own } => {
            name(own);
            return names_in(pat, names);
        }
        PatKind::Prefix { rest, .. } => return name(rest),
        PatKind::Or(all) => return all.first().into_iter().for_each(|first| names_in(first, names)),
        PatKind::Tuple(args) | PatKind::List(args) | PatKind::Constructor { args: Some(args), .. } => args,
        PatKind::Constructor { args: None, .. }
        | PatKind::Any
        | PatKind::Int(_)
        | PatKind::Float(_)
        | PatKind::Duration(_)
        | PatKind::Bool(_)
        | PatKind::Text(_)
        | PatKind::Bytes(_)
        | PatKind::Range { .. }
        | PatKind::Error => return,
    };
    for arg in args {
        match arg {
            PatArg::Pat { pat, .. } => names_in(pat, names),
            PatArg::Rest { name: Some(own), .. } => names.push((own.text.to_owned(), false)),
            PatArg::Rest { name: None, .. } => {}
        }
    }
}
