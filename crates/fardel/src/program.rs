//! Programs: a module with `main`, and the modules that it imports.
//!
//! A module comes as source in the language, as assembly text, or as bytes of the module format, from a file or from memory.
//! Assembly texts import each other by paths relative to the importing file.
//!
//! **Invariant:** a [`Program`] holds verified modules only, each before those that import it.

use crate::language;
use crate::limits::{IMPORT_DEPTH_MAX, MODULES_MAX};
use crate::package::PackageError;
use crate::report::Sources;
use fardel_asm::{ImportedModule, Resolver, Severity};
use fardel_bytecode::format::{self, FormatError, MAGIC};
use fardel_bytecode::limits::MODULE_BYTES_MAX;
use fardel_bytecode::module::{Module, ModuleHash};
use fardel_bytecode::verify::{VerifiedModule, verify};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What can be run.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) modules: Vec<VerifiedModule>,
    pub(crate) main: ModuleHash,
    pub(crate) sources: Sources,
}

impl Program {
    /// The program in a file, with the modules that it imports. Of a source in a package whose dependencies are not in
    /// `fardel.lock` yet, they are written there.
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ProgramError> {
        let mut loader = Loader::default();
        let main = loader.add_file(path.as_ref())?;
        Ok(loader.finish(main))
    }

    /// The program in a source of the language that imports nothing but the standard library. `name` stands for the file in
    /// messages and traces.
    ///
    /// ```
    /// let program = fardel::Program::from_source("hello.fdl", "pub fn main() { print(\"hello\") }")?;
    /// # Ok::<(), fardel::ProgramError>(())
    /// ```
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn from_source(name: &str, source: &str) -> Result<Self, ProgramError> {
        let mut loader = Loader::default();
        let main = loader.add_compiled(name, &language::single(name, source))?;
        Ok(loader.finish(main))
    }

    /// The program in an assembly text without imports. `name` stands for the file in messages and traces.
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn from_text(name: &str, source: &str) -> Result<Self, ProgramError> {
        let mut loader = Loader::default();
        let main = loader.add_text(name, None, source.to_string())?;
        Ok(loader.finish(main))
    }

    /// The program in the bytes of a module without imports. `name` stands for the file in messages.
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, ProgramError> {
        let mut loader = Loader::default();
        let main = loader.add_bytes(name, bytes)?;
        Ok(loader.finish(main))
    }

    /// The program of a module without imports.
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn from_module(name: &str, module: Module) -> Result<Self, ProgramError> {
        let mut loader = Loader::default();
        let main = loader.add_module(name, module)?;
        Ok(loader.finish(main))
    }

    /// The name of the module with `main`.
    pub fn hash(&self) -> ModuleHash {
        self.main
    }
}

/// Why there is no program.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProgramError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        error: String,
    },
    /// A file is larger than any module.
    #[error("{path} has more than {MODULE_BYTES_MAX} bytes, which no module has")]
    TooLarge {
        /// The file.
        path: String,
    },
    /// A file is neither text nor a module.
    #[error(
        "{path} is not UTF-8 text, and does not start as a module does: the byte at offset {offset} begins no character"
    )]
    NotText {
        /// The file.
        path: String,
        /// Where it stops being text.
        offset: usize,
    },
    /// A text is not right.
    #[error("{rendered}\n{}", not_made(path))]
    Invalid {
        /// The file.
        path: String,
        /// Its mistakes, as people read them.
        rendered: String,
    },
    /// Bytes are no module.
    #[error("{path} is no module that this version reads: {error}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong.
        error: FormatError,
    },
    /// A module is not sound.
    #[error("{path} is refused: {}", errors.join("\n  "))]
    Rejected {
        /// The file.
        path: String,
        /// What the verifier says.
        errors: Vec<String>,
    },
    /// The package of a file is not right.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A file imports itself.
    #[error("{}: these files import each other in a circle", chain.join(" imports "))]
    Circle {
        /// The files, the first of them also last.
        chain: Vec<String>,
    },
    /// Imports go too deep, or are too many.
    #[error("{path}: a program has at most {MODULES_MAX} modules, and imports go at most {IMPORT_DEPTH_MAX} files deep")]
    TooMany {
        /// The file that is one too many.
        path: String,
    },
}

/// That no module comes of a text, in words.
pub fn not_made(path: &str) -> String {
    let word = if language::is_source(Path::new(path)) { "compile" } else { "assemble" };
    format!("{path} does not {word}")
}

/// Collects the modules of a program.
#[derive(Default)]
pub struct Loader {
    /// Whether mistakes are rendered in colour.
    colour: bool,
    modules: Vec<VerifiedModule>,
    files: BTreeMap<PathBuf, ModuleHash>,
    /// The files whose imports are being followed, outermost first.
    open: Vec<PathBuf>,
    sources: Sources,
    warnings: Vec<String>,
}

impl Loader {
    /// A loader without modules, which renders mistakes in colour or not.
    pub fn new(colour: bool) -> Self {
        Loader { colour, ..Loader::default() }
    }

    /// Loads a file and what it imports.
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn add_file(&mut self, path: &Path) -> Result<ModuleHash, ProgramError> {
        let name = path.display().to_string();
        let identity = path.canonicalize().map_err(|error| unreadable(path, &error))?;
        if let Some(hash) = self.files.get(&identity) {
            return Ok(*hash);
        }
        if let Some(at) = self.open.iter().position(|open| *open == identity) {
            let circle = self.open.iter().skip(at).chain([&identity]);
            return Err(ProgramError::Circle { chain: circle.map(|file| file.display().to_string()).collect() });
        }
        if self.open.len() == IMPORT_DEPTH_MAX || self.files.len() == MODULES_MAX {
            return Err(ProgramError::TooMany { path: name });
        }
        if language::is_source(path) {
            let hash = self.add_source(&name, path)?;
            self.files.insert(identity, hash);
            return Ok(hash);
        }
        let hash = match read(path)? {
            Contents::Module(bytes) => self.add_bytes(&name, &bytes)?,
            Contents::Text(source) => {
                self.open.push(identity.clone());
                let hash = self.add_text(&name, path.parent(), source);
                self.open.pop();
                hash?
            }
        };
        self.files.insert(identity, hash);
        Ok(hash)
    }

    /// The program that starts with `main`, a module that was added.
    pub fn finish(self, main: ModuleHash) -> Program {
        Program { modules: self.modules, main, sources: self.sources }
    }

    /// What the assembler found strange, as people read it.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A module that was added.
    pub fn module(&self, hash: ModuleHash) -> Option<&VerifiedModule> {
        self.modules.iter().find(|module| module.hash() == hash)
    }

    /// Loads a program in the language.
    fn add_source(&mut self, name: &str, path: &Path) -> Result<ModuleHash, ProgramError> {
        self.add_compiled(name, &language::sources(path)?)
    }

    fn add_compiled(&mut self, name: &str, sources: &language::Sources) -> Result<ModuleHash, ProgramError> {
        let compiled = language::compile(sources, language::Goal::Run);
        let (errors, mut warnings) = language::rendered(&compiled.checked, sources, self.colour);
        let Some(module) = compiled.module else {
            return Err(ProgramError::Invalid { path: name.to_string(), rendered: errors.join("\n\n") });
        };
        self.warnings.append(&mut warnings);
        for source in sources.all().iter().filter(|source| !source.is_std) {
            self.sources.insert(source.file.clone(), source.text.clone());
        }
        self.add_module(name, module)
    }

    fn add_text(&mut self, name: &str, folder: Option<&Path>, source: String) -> Result<ModuleHash, ProgramError> {
        let mut imports = Imports { loader: self, folder, failures: Vec::new() };
        let assembled = fardel_asm::assemble(name, &source, &mut imports);
        let mut rendered = imports.failures;
        let mut warnings = Vec::new();
        for diagnostic in &assembled.diagnostics {
            let text = diagnostic.render(name, &source, self.colour);
            match diagnostic.severity {
                Severity::Error => rendered.push(text),
                Severity::Warning => warnings.push(text),
            }
        }
        let Some(module) = assembled.module else {
            return Err(ProgramError::Invalid { path: name.to_string(), rendered: rendered.join("\n") });
        };
        self.warnings.append(&mut warnings);
        self.sources.insert(name.to_string(), source);
        self.add_module(name, module)
    }

    fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<ModuleHash, ProgramError> {
        let module = decode(name, bytes)?;
        self.add_module(name, module)
    }

    fn add_module(&mut self, name: &str, module: Module) -> Result<ModuleHash, ProgramError> {
        let verified = verify(module).map_err(|errors| ProgramError::Rejected {
            path: name.to_string(),
            errors: errors.iter().map(ToString::to_string).collect(),
        })?;
        let hash = verified.hash();
        if self.module(hash).is_none() {
            self.modules.push(verified);
        }
        Ok(hash)
    }
}

/// Follows the imports of one text.
struct Imports<'a> {
    loader: &'a mut Loader,
    folder: Option<&'a Path>,
    failures: Vec<String>,
}

impl Resolver for Imports<'_> {
    fn import(&mut self, path: &str) -> Result<ImportedModule, String> {
        let folder = self.folder.ok_or("only a module in a file can import others")?;
        match self.loader.add_file(&folder.join(path)) {
            Ok(hash) => {
                let module = self.loader.module(hash).ok_or("the module is not there")?;
                Ok(ImportedModule { hash, module: module.module().clone() })
            }
            Err(ProgramError::Invalid { path, rendered }) => {
                self.failures.push(rendered);
                Err(not_made(&path))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What a file holds.
pub enum Contents {
    /// Assembly text.
    Text(String),
    /// What starts as a module.
    Module(Vec<u8>),
}

/// Reads a file whole. `.fda` is text and `.fdm` a module; of other files the first bytes tell.
///
/// # Errors
/// [`ProgramError::Unreadable`], [`ProgramError::TooLarge`] and [`ProgramError::NotText`].
pub fn read(path: &Path) -> Result<Contents, ProgramError> {
    let bytes = read_bytes(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension == Some("fdm") || (extension != Some("fda") && bytes.starts_with(&MAGIC)) {
        return Ok(Contents::Module(bytes));
    }
    String::from_utf8(bytes).map(Contents::Text).map_err(|error| ProgramError::NotText {
        path: path.display().to_string(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Reads a file that is text.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_source(path: &Path) -> Result<String, ProgramError> {
    String::from_utf8(read_bytes(path)?).map_err(|error| ProgramError::NotText {
        path: path.display().to_string(),
        offset: error.utf8_error().valid_up_to(),
    })
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, ProgramError> {
    let limit = MODULE_BYTES_MAX as u64;
    let failed = |error| unreadable(path, &error);
    let too_large = || ProgramError::TooLarge { path: path.display().to_string() };
    let file = File::open(path).map_err(failed)?;
    // The length is a hint only: a pipe has none, and a file may grow.
    let length = file.metadata().map_err(failed)?.len();
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Decodes a module that is not verified, for tools that only look at it.
///
/// # Errors
/// [`ProgramError::Malformed`].
pub fn decode(name: &str, bytes: &[u8]) -> Result<Module, ProgramError> {
    format::decode(bytes).map_err(|error| ProgramError::Malformed { path: name.to_string(), error })
}

fn unreadable(path: &Path, error: &std::io::Error) -> ProgramError {
    ProgramError::Unreadable { path: path.display().to_string(), error: error.to_string() }
}
