//! Functions of other modules: from an assembled one that a resolver brings, or as the text itself lists them.
//!
//! **Invariant:** nothing is believed of an imported module; it need not even be valid.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fardel_bytecode::Module;
use fardel_bytecode::index::{FunctionIndex, TypeIndex};
use fardel_bytecode::limits::TYPE_DEPTH_MAX;
use fardel_bytecode::module::{Import, ModuleHash};
use fardel_bytecode::types::{FIRST_DECLARED, Type};

use crate::assemble::Resolver;
use crate::diagnostic::{Code, Report, Sink, Span, Told};
use crate::items::{bare_signature, parser};
use crate::lexer::{Kind, Lexer};
use crate::literal;
use crate::parser::{Name, Parser};
use crate::scan::{Item, Keyword};
use crate::scope::{ImportScope, Names, Scope, Signature, TypeName};

/// An import whose functions are taken as they are used.
struct Library {
    /// Its position among the imports of the scope.
    at: usize,
    module: Module,
    hash: ModuleHash,
    path: String,
    span: Span,
    exports: BTreeMap<String, FunctionIndex>,
    /// Its types by their indices there, as far as they are known here.
    types: Vec<Option<TypeIndex>>,
}

/// Reads all imports and gives the functions in the order in which the module has them.
pub(crate) fn import<'a>(
    scope: &mut Scope<'a>,
    items: &[Item],
    resolver: &mut dyn Resolver,
    sink: &mut Sink,
) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut libraries = Vec::new();
    for item in items.iter().filter(|item| item.keyword == Keyword::Import) {
        // Whoever fails has told why.
        let _: Result<(), Told> = import_item(scope, item, resolver, &mut imports, &mut libraries, sink);
    }
    if !libraries.is_empty() {
        let mut by_scope: Vec<Option<Library>> = Vec::new();
        by_scope.resize_with(scope.import_scopes.len(), || None);
        for library in libraries {
            let at = library.at;
            if let Some(slot) = by_scope.get_mut(at) {
                *slot = Some(library);
            }
        }
        let bodies = items.iter().filter(|item| matches!(item.keyword, Keyword::Export | Keyword::Fn));
        bodies.for_each(|item| import_used(scope, item, &mut by_scope, &mut imports, sink));
    }
    imports
}

fn import_item<'a>(
    scope: &mut Scope<'a>,
    item: &Item,
    resolver: &mut dyn Resolver,
    imports: &mut Vec<Import>,
    libraries: &mut Vec<Library>,
    sink: &mut Sink,
) -> Result<(), Told> {
    let mut parser = parser(scope.source, item, sink);
    let path = if parser.at(Kind::Text) {
        let token = parser.bump();
        Some((parser.literal(token, literal::text(parser.text(token)))?.into_owned(), token.span))
    } else {
        None
    };
    let pinned = if parser.eat_word("hash") { Some(hash(&mut parser)?) } else { None };
    if !parser.eat_word("as") {
        return Err(parser.unexpected("`as` and a name"));
    }
    let name = parser.name("a name for the module")?;
    let at = scope.import_scopes.len();
    scope.imports.declare(&name, at, "import", parser.sink)?;
    scope.import_scopes.push(ImportScope::default());
    match (path, pinned) {
        (None, Some((hash, _))) => listed(scope, &mut parser, at, hash, imports),
        (Some((path, span)), pinned) => {
            parser.end_line(None)?;
            let library = resolve(resolver, at, path, span, pinned, parser.sink)?;
            libraries.push(library);
            known(scope, at);
            Ok(())
        }
        (None, None) => {
            let report = Report::error(Code::BadImport, name.span, "an import needs a path or a hash");
            Err(report.hint("write `import \"lib.fda\" as lib`").tell(parser.sink))
        }
    }
}

fn known(scope: &mut Scope<'_>, at: usize) {
    scope.import_scopes.get_mut(at).into_iter().for_each(|import| import.is_known = true);
}

fn hash(parser: &mut Parser<'_, '_>) -> Result<(ModuleHash, Span), Told> {
    let token = parser.token();
    let text = parser.text(token);
    let mut bytes = [0; 32];
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        return Err(parser.unexpected("a hash of 64 hexadecimal digits"));
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = text.get(2 * at..2 * at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).unwrap_or(0);
    }
    parser.bump();
    Ok((ModuleHash(bytes), token.span))
}

/// The functions of a module that only its hash tells: `{ name(Int) -> Int, other() }`.
fn listed<'a>(
    scope: &mut Scope<'a>,
    parser: &mut Parser<'a, '_>,
    at: usize,
    hash: ModuleHash,
    imports: &mut Vec<Import>,
) -> Result<(), Told> {
    if !parser.eat(Kind::OpenBrace) {
        let hint = "a module without a path is not looked at, so its functions are listed: `{ name(Int) -> Int }`";
        return Err(parser.unexpected_as(Code::Syntax, "`{` and the functions", Some(hint.to_owned())));
    }
    let mut functions: Names<'a, FunctionIndex> = Names::default();
    parser.list(Kind::CloseBrace, "`,` or `}`", |parser| {
        let name = parser.name("a function")?;
        let index = FunctionIndex(scope.signatures.len() as u32);
        functions.declare(&name, index, "function", parser.sink)?;
        let signature = bare_signature(scope, parser, name.text)?;
        push(scope, signature, hash, imports);
        Ok(())
    })?;
    parser.end_line(None)?;
    if let Some(import) = scope.import_scopes.get_mut(at) {
        *import = ImportScope { functions, is_known: true };
    }
    Ok(())
}

fn push<'a>(scope: &mut Scope<'a>, signature: Signature<'a>, module: ModuleHash, imports: &mut Vec<Import>) {
    let name = signature.name.clone().into_owned();
    imports.push(Import { module, name, params: signature.params.clone(), result: signature.result });
    scope.signatures.push(signature);
}

fn resolve(
    resolver: &mut dyn Resolver,
    at: usize,
    path: String,
    span: Span,
    pinned: Option<(ModuleHash, Span)>,
    sink: &mut Sink,
) -> Result<Library, Told> {
    let imported = resolver.import(&path).map_err(|reason| {
        let message = format!("cannot import {path:?}: {reason}");
        Report::error(Code::BadImport, span, message).label("wanted here").tell(sink)
    })?;
    if let Some((wanted, pin)) = pinned.filter(|(wanted, _)| *wanted != imported.hash) {
        let message = format!("{path:?} has the hash {}, {wanted} is wanted", imported.hash);
        let report = Report::error(Code::BadImport, pin, message).label("pinned here");
        return Err(report.hint("the file has changed since; look at the change, then write its hash").tell(sink));
    }
    let types = vec![None; imported.module.types.all().len()];
    let exports = imported.module.exports.iter().map(|export| (export.name.clone(), export.function)).collect();
    Ok(Library { at, module: imported.module, hash: imported.hash, path, span, exports, types })
}

/// Imports what one function or export uses of the libraries, by a look at its tokens.
fn import_used<'a>(
    scope: &mut Scope<'a>,
    item: &Item,
    libraries: &mut [Option<Library>],
    imports: &mut Vec<Import>,
    sink: &mut Sink,
) {
    let source = scope.source.get(..item.end as usize).unwrap_or("");
    let mut lexer = Lexer::new(source, item.span.end, item.line);
    loop {
        let token = lexer.next();
        if token.kind == Kind::End {
            return;
        }
        if token.kind != Kind::Name && token.kind != Kind::Quoted {
            continue;
        }
        let Some(at) = name_text(source, token.span, token.kind).and_then(|name| scope.imports.get(&name)) else { continue };
        let Some(library) = libraries.get_mut(at).and_then(Option::as_mut) else { continue };
        let mut ahead = lexer.clone();
        if ahead.next().kind != Kind::Dot {
            continue;
        }
        let token = ahead.next();
        let Some(text) = name_text(source, token.span, token.kind) else { continue };
        lexer = ahead;
        let name = Name { text, span: token.span, quoted: token.kind == Kind::Quoted };
        let is_new = scope.import_scopes.get(at).is_some_and(|import| import.functions.get(&name.text).is_none());
        if is_new {
            import_one(scope, &name, library, imports, sink);
        }
    }
}

fn name_text(source: &str, span: Span, kind: Kind) -> Option<Cow<'_, str>> {
    let written = source.get(span.range())?;
    if kind == Kind::Name {
        return Some(Cow::Borrowed(written));
    }
    if kind == Kind::Quoted { literal::text(written).ok() } else { None }
}

fn import_one<'a>(
    scope: &mut Scope<'a>,
    name: &Name<'a>,
    library: &mut Library,
    imports: &mut Vec<Import>,
    sink: &mut Sink,
) {
    let found = library.exports.get(name.text.as_ref());
    let Some((params, result)) = found.and_then(|function| signature_there(&library.module, *function)) else {
        let report = Report::error(
            Code::UnknownFunction,
            name.span,
            format!("{:?} exports no function `{}`", library.path, name.text),
        );
        let hint = fardel_diagnostic::suggestion(&name.text, library.exports.keys().map(String::as_str));
        report.label("not exported").maybe_hint(hint).also(library.span, "imported here").tell(sink);
        // One diagnostic a name: from here on it counts as known.
        declare(scope, name, library, Signature::default(), imports, sink);
        return;
    };
    let mut translate = |ty: &TypeIndex| translate(scope, library, *ty, 0);
    let translated: Result<Vec<TypeIndex>, String> = params.iter().map(&mut translate).collect();
    let translated = translated.and_then(|params| Ok((params, result.as_ref().map(&mut translate).transpose()?)));
    let signature = match translated {
        Ok((params, result)) => Signature { name: name.text.clone(), captures: Vec::new(), params, result, is_known: true },
        Err(reason) => {
            let message = format!("`{}` of {:?} cannot be used: {reason}", name.text, library.path);
            Report::error(Code::BadImport, name.span, message).also(library.span, "imported here").tell(sink);
            Signature::default()
        }
    };
    declare(scope, name, library, signature, imports, sink);
}

fn declare<'a>(
    scope: &mut Scope<'a>,
    name: &Name<'a>,
    library: &Library,
    signature: Signature<'a>,
    imports: &mut Vec<Import>,
    sink: &mut Sink,
) {
    let index = FunctionIndex(scope.signatures.len() as u32);
    if let Some(import) = scope.import_scopes.get_mut(library.at) {
        let _: Result<(), Told> = import.functions.declare(name, index, "function", sink);
    }
    push(scope, Signature { name: name.text.clone(), ..signature }, library.hash, imports);
}

/// Parameters and result of a function, in the types of its own module.
fn signature_there(module: &Module, function: FunctionIndex) -> Option<(Vec<TypeIndex>, Option<TypeIndex>)> {
    if let Some(own) = function.at().checked_sub(module.imports.len()) {
        return module.functions.get(own).map(|function| (function.params.clone(), function.result));
    }
    module.imports.get(function.at()).map(|import| (import.params.clone(), import.result))
}

/// The type here that is the same as a type of the library.
fn translate(scope: &mut Scope<'_>, library: &mut Library, ty: TypeIndex, depth: usize) -> Result<TypeIndex, String> {
    if ty.0 < FIRST_DECLARED {
        return Ok(ty);
    }
    if let Some(known) = library.types.get(ty.at()).copied().flatten() {
        return Ok(known);
    }
    let Some(there) = library.module.types.get(ty).cloned().filter(|_| depth <= TYPE_DEPTH_MAX) else {
        return Err("its module is broken".to_owned());
    };
    let mut one = |ty: TypeIndex| translate(scope, library, ty, depth + 1);
    let here = match there {
        Type::Option(inner) => Type::Option(one(inner)?),
        Type::List(inner) => Type::List(one(inner)?),
        Type::Set(inner) => Type::Set(one(inner)?),
        Type::Map(key, value) => Type::Map(one(key)?, one(value)?),
        Type::Tuple(items) => Type::Tuple(items.into_iter().map(one).collect::<Result<_, _>>()?),
        Type::Function(params, result) => {
            let params = params.into_iter().map(&mut one).collect::<Result<_, _>>()?;
            Type::Function(params, result.map(one).transpose()?)
        }
        Type::Record(name, _) | Type::Object(name, _) | Type::Sum(name, _) => return nominal(scope, &name),
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
        | Type::Array(_) => return Err("its module is broken".to_owned()),
    };
    let index = scope.pool.intern(here).map_err(|_| "a type is nested too deeply".to_owned())?;
    if let Some(slot) = library.types.get_mut(ty.at()) {
        *slot = Some(index);
    }
    Ok(index)
}

fn nominal(scope: &Scope<'_>, name: &str) -> Result<TypeIndex, String> {
    match scope.types.get(name) {
        Some(TypeName::Nominal(index)) => Ok(index),
        Some(TypeName::Alias(_)) | None => Err(format!("it uses the type `{name}`, which this module has to declare too")),
    }
}
