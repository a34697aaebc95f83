//! Programs in the language: their files, and what is wrong with them.

use crate::doc_tests::with_doc_tests;
use crate::package::Package;
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

/// Modules as files in a folder: `kv.store` is `kv/store.fdl`; and those of other packages.
struct Files<'a> {
    folder: PathBuf,
    /// The package of the folder.
    package: Option<&'a Package>,
    /// Whether code in documents becomes tests.
    tests_documents: bool,
}

impl Resolver for Files<'_> {
    fn path(&mut self, from: &str, path: &str) -> Result<String, String> {
        self.package.map_or_else(|| Ok(path.to_owned()), |package| package.path(from, path))
    }

    fn module(&mut self, path: &str) -> Result<Option<Found>, String> {
        if let Some(found) = self.package.and_then(|package| package.module(path)) {
            return Ok(found.map(|(file, text)| Found { file, text, is_own: false }));
        }
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

    fn place(&self, path: &str) -> String {
        self.package.map_or_else(|| Alone.place(path), |package| package.place(path))
    }
}

/// The sources of the program whose main one is in a file. When the file is one of a package, those of the packages that this
/// depends on are found as well.
///
/// # Errors
/// When that file cannot be read, or its package is not right; what is wrong with other sources is told by
/// [`fardel_lang::check`].
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
    let file = path.display().to_string();
    if let Some((package, module)) = Package::around(path)? {
        let mut files = Files { folder: package.sources(), package: Some(&package), tests_documents };
        return Ok(fardel_lang::load(&module, &file, text, &mut files));
    }
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut files = Files { folder, package: None, tests_documents };
    Ok(fardel_lang::load(&stem(&file), &file, text, &mut files))
}

/// A source that stands in no file, with the modules of a package. `name` is that of its file for people.
pub fn in_package(name: &str, source: &str, package: &Package) -> Sources {
    let mut files = Files { folder: package.sources(), package: Some(package), tests_documents: false };
    fardel_lang::load(&stem(name), name, source.to_owned(), &mut files)
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Finds no modules.
struct Alone;

impl Resolver for Alone {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

/// A source that imports nothing but the standard library, with the name of its file.
pub fn single(name: &str, source: &str) -> Sources {
    fardel_lang::load(&stem(name), name, source.to_owned(), &mut Alone)
}

/// What is said of sources, as people read it: errors, then warnings, of which those about other packages are left out.
pub fn rendered(checked: &Checked, sources: &Sources, colour: bool) -> (Vec<String>, Vec<String>) {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for (at, diagnostic) in &checked.diagnostics {
        let Some(source) = sources.all().get(*at) else { continue };
        let text = diagnostic.render(&source.file, &source.text, colour);
        match diagnostic.severity {
            fardel_lang::Severity::Error => errors.push(text),
            fardel_lang::Severity::Warning if source.is_own => warnings.push(text),
            fardel_lang::Severity::Warning => {}
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
