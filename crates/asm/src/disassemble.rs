//! Modules to text.
//!
//! Whatever a module's names are, the text can be read again: a name that is not plain stands between backquotes, and a
//! type that would be long to write gets an alias.
//!
//! **Invariant:** nothing is believed of the module; the text's length is limited whatever the module says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fardel_bytecode::Module;
use fardel_bytecode::index::{CodeOffset, FunctionIndex, TargetIndex, TypeIndex};
use fardel_bytecode::leb::ReadError;
use fardel_bytecode::module::Function;
use fardel_bytecode::types::{Constant, Field, Type};

use crate::code_text::CodeWriter;
use crate::literal;
use crate::name;
use crate::type_text::TypeTexts;

/// Why a module cannot be written as text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DisassembleError {
    /// Something names what the module does not have.
    #[error("{place} names {what} {index}, which the module does not have")]
    Missing {
        /// Where.
        place: String,
        /// What is named.
        what: &'static str,
        /// By which number.
        index: u32,
    },
    /// Bytes of the code that are no instruction.
    #[error("function `{function}` at offset {offset}: {error}")]
    Unreadable {
        /// The function.
        function: String,
        /// Where its code cannot be read.
        offset: CodeOffset,
        /// Why.
        error: ReadError,
    },
    /// A target or range that does not begin where an instruction does.
    #[error("function `{function}` has a place at offset {offset}, which is not the start of an instruction")]
    Misplaced {
        /// The function.
        function: String,
        /// The place.
        offset: CodeOffset,
    },
    /// A structural type that contains itself.
    #[error("type {0} stands before a type that it is made of")]
    TypeOrder(TypeIndex),
    /// A module whose text would be longer than anyone can read.
    #[error("the text would have more than {} bytes", TEXT_BYTES_MAX)]
    TooLong,
}

/// Bytes of the text: names and types stand in the text wherever a number stands in the module.
const TEXT_BYTES_MAX: usize = 512 << 20;

/// Writes a module as text that assembles to the same bytes.
///
/// # Errors
/// Only for a module that the verifier would refuse, or one of enormous size; see [`DisassembleError`].
pub fn disassemble(module: &Module) -> Result<String, DisassembleError> {
    let types = TypeTexts::new(&module.types)?;
    let mut writer = Writer { module, types, out: String::new(), functions: Vec::new() };
    writer.name_functions();
    writer.types()?;
    writer.imports()?;
    writer.hosts()?;
    writer.exports()?;
    for (at, function) in module.functions.iter().enumerate() {
        writer.function(at, function)?;
    }
    Ok(writer.out)
}

/// Words that a `push` takes for a literal.
const LITERAL_WORDS: [&str; 5] = ["null", "true", "false", "inf", "nan"];

/// A module and the text of it so far.
pub(crate) struct Writer<'m> {
    pub(crate) module: &'m Module,
    types: TypeTexts<'m>,
    pub(crate) out: String,
    /// All functions by index as code names them.
    pub(crate) functions: Vec<String>,
}

/// What writing a part comes to.
pub(crate) type Written = Result<(), DisassembleError>;

/// Says that something names what is not there.
pub(crate) fn missing<T>(place: &str, what: &'static str, index: u32) -> Result<T, DisassembleError> {
    Err(DisassembleError::Missing { place: place.to_owned(), what, index })
}

impl<'m> Writer<'m> {
    fn name_functions(&mut self) {
        let mut last = None;
        let mut library = 0;
        for import in &self.module.imports {
            if last.is_some_and(|last| last != import.module) {
                library += 1;
            }
            last = Some(import.module);
            let mut text = format!("m{library}.");
            name::write(&mut text, &import.name, name::is_plain(&import.name));
            self.functions.push(text);
        }
        for function in &self.module.functions {
            let mut text = String::new();
            let plain = name::is_plain(&function.name) && !LITERAL_WORDS.contains(&function.name.as_str());
            name::write(&mut text, &function.name, plain);
            self.functions.push(text);
        }
    }

    /// Writes a type.
    pub(crate) fn ty(&mut self, ty: TypeIndex, place: &str) -> Written {
        match self.types.text(ty) {
            Some(text) => {
                self.out.push_str(text);
                Ok(())
            }
            None => missing(place, "type", ty.0),
        }
    }

    fn type_list(&mut self, types: &[TypeIndex], place: &str) -> Written {
        for (at, ty) in types.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.ty(*ty, place)?;
        }
        Ok(())
    }

    fn signature(&mut self, params: &[TypeIndex], result: Option<TypeIndex>, place: &str) -> Written {
        self.out.push('(');
        self.type_list(params, place)?;
        self.out.push(')');
        if let Some(result) = result {
            self.out.push_str(" -> ");
            self.ty(result, place)?;
        }
        Ok(())
    }

    /// Says that the text is too long, if so.
    pub(crate) fn check_length(&self) -> Written {
        if self.out.len() > TEXT_BYTES_MAX { Err(DisassembleError::TooLong) } else { Ok(()) }
    }

    fn types(&mut self) -> Written {
        for (alias, definition) in self.types.aliases() {
            writeln!(self.out, "alias {alias} = {definition}").unwrap_or_default();
        }
        let declared = self.module.types.declared();
        for ty in declared {
            self.check_length()?;
            let (keyword, name) = match ty {
                Type::Record(name, _) => ("type ", name),
                Type::Object(name, _) => ("object ", name),
                Type::Sum(name, _) => ("sum ", name),
                Type::Null
                | Type::Bool
                | Type::Int
                | Type::Float
                | Type::Text
                | Type::Bytes
                | Type::Any
                | Type::Address
                | Type::Ref
                | Type::TextBuilder
                | Type::BytesBuilder
                | Type::Handle
                | Type::Array(_)
                | Type::Option(_)
                | Type::List(_)
                | Type::Map(..)
                | Type::Set(_)
                | Type::Tuple(_)
                | Type::Function(..) => continue,
            };
            self.out.push_str(keyword);
            crate::type_text::write_name(&mut self.out, name);
            self.out.push_str(" {");
            if let Type::Record(_, fields) | Type::Object(_, fields) = ty {
                self.fields(fields, name)?;
            }
            if let Type::Sum(_, variants) = ty {
                for (at, variant) in variants.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { " " });
                    name::write(&mut self.out, &variant.name, name::is_plain_type(&variant.name));
                    if !variant.fields.is_empty() {
                        self.out.push('(');
                        self.fields(&variant.fields, name)?;
                        self.out.push(')');
                    }
                }
            }
            self.out.push_str(" }\n");
        }
        Ok(())
    }

    fn fields(&mut self, fields: &[Field], place: &str) -> Written {
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            if at > 0 || !self.out.ends_with('(') {
                self.out.push(' ');
            }
            for was in &field.was {
                self.attribute("was", was);
            }
            if let Some(json) = &field.json {
                self.attribute("json", json);
            }
            if field.mutable {
                self.out.push_str("var ");
            }
            name::write(&mut self.out, &field.name, name::is_plain(&field.name));
            self.out.push_str(": ");
            self.ty(field.ty, place)?;
            if let Some(default) = &field.default {
                self.out.push_str(" = ");
                write_constant(&mut self.out, default);
            }
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push('@');
        self.out.push_str(name);
        self.out.push('(');
        literal::write_text(&mut self.out, value, '"');
        self.out.push_str(") ");
    }

    fn imports(&mut self) -> Written {
        let mut library = 0;
        let mut rest = self.module.imports.as_slice();
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|import| import.module == first.module).count();
            let (group, after) = rest.split_at(count);
            writeln!(self.out, "import hash {} as m{library} {{", first.module).unwrap_or_default();
            for import in group {
                self.check_length()?;
                self.out.push_str("    ");
                name::write(&mut self.out, &import.name, name::is_plain(&import.name));
                self.signature(&import.params, import.result, &import.name)?;
                self.out.push_str(",\n");
            }
            self.out.push_str("}\n");
            (rest, library) = (after, library + 1);
        }
        Ok(())
    }

    fn hosts(&mut self) -> Written {
        for host in &self.module.hosts {
            self.check_length()?;
            self.out.push_str("host ");
            write_host(&mut self.out, &host.name);
            self.signature(&host.params, host.result, &host.name)?;
            self.out.push('\n');
        }
        Ok(())
    }

    /// Whether a function is exported as `main` because it has that name.
    fn is_main(&self, function: usize) -> bool {
        let index = FunctionIndex((self.module.imports.len() + function) as u32);
        let named = self.module.functions.get(function).is_some_and(|function| function.name == "main");
        named && self.module.exports.iter().any(|export| export.name == "main" && export.function == index)
    }

    fn exports(&mut self) -> Written {
        let main = (0..self.module.functions.len()).find(|at| self.is_main(*at));
        let main = main.map(|at| FunctionIndex((self.module.imports.len() + at) as u32));
        for export in &self.module.exports {
            self.check_length()?;
            if export.name == "main" && Some(export.function) == main {
                continue;
            }
            let Some(function) = self.functions.get(export.function.at()) else {
                return missing(&format!("export `{}`", export.name), "function", export.function.0);
            };
            write!(self.out, "export {function}").unwrap_or_default();
            let own = export.function.at().checked_sub(self.module.imports.len());
            let own = own.and_then(|at| self.module.functions.get(at));
            if own.is_none_or(|own| own.name != export.name) {
                self.out.push_str(" as ");
                name::write(&mut self.out, &export.name, name::is_plain(&export.name));
            }
            self.out.push('\n');
        }
        Ok(())
    }

    fn function(&mut self, at: usize, function: &'m Function) -> Written {
        let locals = self.local_names(at, function);
        let places = places(function)?;
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.head(at, function, &locals)?;
        for (index, ty) in function.locals.iter().enumerate() {
            self.out.push_str("    local ");
            self.local(&locals, function.entry_count() + index, *ty, &function.name)?;
            self.out.push('\n');
        }
        let label = |offset: CodeOffset| places.get(&offset.0).copied().unwrap_or(0);
        let target = |index: TargetIndex| match function.targets.get(index.at()) {
            Some(target) => Ok(label(target.offset)),
            None => missing(&function.name, "target", index.0),
        };
        for handler in &function.handlers {
            let (start, end, target) = (label(handler.start), label(handler.end), target(handler.target)?);
            writeln!(self.out, "    handle L{start} L{end} L{target}").unwrap_or_default();
        }
        for serve in &function.serve_points {
            write!(self.out, "    serve L{} ", target(serve.target)?).unwrap_or_default();
            let Some(name) = locals.get(serve.state.at()) else { return missing(&function.name, "local", serve.state.0) };
            self.out.push_str(name);
            self.out.push('\n');
        }
        CodeWriter { writer: self, function, locals: &locals, places: &places }.code()?;
        self.out.push_str("end\n");
        Ok(())
    }

    fn head(&mut self, at: usize, function: &Function, locals: &[String]) -> Written {
        self.out.push_str("fn ");
        // A plain `main` would be exported.
        let is_odd_main = function.name == "main" && !self.is_main(at);
        name::write(&mut self.out, &function.name, name::is_plain(&function.name) && !is_odd_main);
        let lists: [(&[TypeIndex], char, char, usize); 2] =
            [(&function.captures, '[', ']', 0), (&function.params, '(', ')', function.captures.len())];
        for (types, open, close, first) in lists {
            if types.is_empty() && open == '[' {
                continue;
            }
            self.out.push(open);
            for (at, ty) in types.iter().enumerate() {
                if at > 0 {
                    self.out.push_str(", ");
                }
                self.local(locals, first + at, *ty, &function.name)?;
            }
            self.out.push(close);
        }
        if let Some(result) = function.result {
            self.out.push_str(" -> ");
            self.ty(result, &function.name)?;
        }
        if let Some(mailbox) = &function.mailbox {
            self.out.push_str(" receives ");
            if mailbox.is_empty() {
                self.out.push_str("nothing");
            }
            self.type_list(mailbox, &function.name)?;
        }
        self.out.push('\n');
        Ok(())
    }

    fn local(&mut self, names: &[String], at: usize, ty: TypeIndex, place: &str) -> Written {
        self.out.push_str(names.get(at).map_or("?", String::as_str));
        if ty != fardel_bytecode::types::ANY {
            self.out.push_str(": ");
            self.ty(ty, place)?;
        }
        Ok(())
    }

    /// The names of all locals: those that a debugger is told when they tell the locals apart, else numbers.
    fn local_names(&self, at: usize, function: &Function) -> Vec<String> {
        let count = function.local_count();
        let known = self.module.debug.as_ref().and_then(|debug| debug.functions.get(at)).map(|debug| &debug.locals);
        let usable = known.filter(|names| {
            let distinct: BTreeSet<&String> = names.iter().collect();
            names.len() == count
                && distinct.len() == count
                && names.iter().all(|name| (1..=LOCAL_BYTES_MAX).contains(&name.len()))
        });
        let numbered = || (0..count).map(|at| format!("l{at}")).collect();
        usable.map_or_else(numbered, |names| {
            let quoted = |known: &String| {
                let mut text = String::new();
                name::write(&mut text, known, name::is_plain(known));
                text
            };
            names.iter().map(quoted).collect()
        })
    }
}

/// Names of locals that are longer stand in no text of this disassembler.
const LOCAL_BYTES_MAX: usize = 64;

/// Numbers the places of a function that need a label, by their offsets.
fn places(function: &Function) -> Result<BTreeMap<u32, usize>, DisassembleError> {
    let targets = function.targets.iter().map(|target| target.offset.0);
    let ranges = function.handlers.iter().flat_map(|handler| [handler.start.0, handler.end.0]);
    let offsets: BTreeSet<u32> = targets.chain(ranges).collect();
    if let Some(behind) = offsets.last().filter(|last| **last as usize > function.code.len()) {
        return Err(DisassembleError::Misplaced { function: function.name.clone(), offset: CodeOffset(*behind) });
    }
    Ok(offsets.into_iter().zip(0..).collect())
}

/// Writes the name of a host function.
pub(crate) fn write_host(out: &mut String, host: &str) {
    let plain = host.split('.').all(name::is_plain);
    name::write(out, host, plain);
}

fn write_constant(out: &mut String, constant: &Constant) {
    match constant {
        Constant::Null => out.push_str("null"),
        Constant::Bool(value) => write!(out, "{value}").unwrap_or_default(),
        Constant::Int(value) => write!(out, "{value}").unwrap_or_default(),
        Constant::Float(bits) => literal::write_float(out, *bits),
        Constant::Text(text) => literal::write_text(out, text, '"'),
        Constant::Bytes(bytes) => literal::write_bytes(out, bytes),
    }
}
