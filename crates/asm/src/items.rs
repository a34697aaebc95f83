//! What a source declares: types, constants, functions of the host and of other modules, functions, exports.
//!
//! **Invariant:** every item has an entry in the [`Scope`] even when it is wrong, so that its uses are no errors too.

use std::borrow::Cow;
use std::collections::BTreeSet;

use fardel_bytecode::index::{FunctionIndex, HostIndex, TypeIndex};
use fardel_bytecode::limits::{FIELDS_MAX, FUNCTIONS_MAX, LOCALS_MAX, PARAMS_MAX, VARIANTS_MAX};
use fardel_bytecode::module::{Export, Import};
use fardel_bytecode::system;
use fardel_bytecode::types::{self, ANY, Constant, Field, Type, Variant};

use crate::diagnostic::{Code, Report, Sink, Span, Told};
use crate::lexer::Kind;
use crate::literal;
use crate::parser::{Name, Parser};
use crate::scan::{Item, Keyword};
use crate::scope::{Alias, AliasState, Names, Scope, Signature, TypeName, check_count, is_reserved_type};

/// The head of a function; its body is read later.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) name: Name<'a>,
    /// The names of captured values and parameters.
    pub(crate) locals: Vec<Name<'a>>,
    pub(crate) mailbox: Option<Vec<TypeIndex>>,
    /// Where the body begins and in which line, and where its `end` begins.
    pub(crate) body: (u32, u32, u32),
    /// Whether the head could be read.
    pub(crate) is_known: bool,
}

/// What the items of a source declare besides the names in its scope.
#[derive(Default)]
pub(crate) struct Declared<'a> {
    pub(crate) imports: Vec<Import>,
    pub(crate) heads: Vec<Head<'a>>,
    pub(crate) exports: Vec<Export>,
}

/// Gives the names of constants their values.
pub(crate) fn declare_constants(scope: &mut Scope<'_>, items: &[Item], sink: &mut Sink) {
    let constants = items.iter().filter(|item| item.keyword == Keyword::Const);
    constants.for_each(|item| wrong_is_told(constant(scope, item, sink)));
}

/// Reads host functions, the heads of functions, and exports. Types, constants and imports are already known.
pub(crate) fn declare<'a>(scope: &mut Scope<'a>, items: &[Item], declared: &mut Declared<'a>, sink: &mut Sink) {
    let of = |keyword: Keyword| items.iter().filter(move |item| item.keyword == keyword);
    of(Keyword::Host).for_each(|item| wrong_is_told(host(scope, item, sink)));
    of(Keyword::Fn).for_each(|item| head(scope, item, &mut declared.heads, sink));
    let mut offered = Names::default();
    of(Keyword::Export).for_each(|item| wrong_is_told(export(scope, item, &mut offered, &mut declared.exports, sink)));
    let mains = declared.heads.iter().filter(|head| head.name.text == "main" && !head.name.quoted);
    let unnamed: Vec<FunctionIndex> = mains.filter_map(|head| scope.functions.get(&head.name.text)).collect();
    for function in unnamed {
        if offered.get("main").is_none() {
            declared.exports.push(Export { name: "main".to_owned(), function });
        }
    }
    declared.exports.sort_by(|a, b| a.name.cmp(&b.name));
    let total = declared.heads.len() + declared.imports.len();
    let last = items.last().map_or(Span::default(), |item| item.span);
    wrong_is_told(check_count(total, FUNCTIONS_MAX, "functions", last, sink));
}

/// Whoever fails has told why.
fn wrong_is_told(_: Result<(), Told>) {}

/// A parser behind the item's keyword.
pub(crate) fn parser<'a, 's>(source: &'a str, item: &Item, sink: &'s mut Sink) -> Parser<'a, 's> {
    let item_source = source.get(..item.end as usize).unwrap_or(source);
    Parser::new(item_source, item.span.end, item.line, sink)
}

/// Gives the names of types their meaning.
pub(crate) fn declare_type_names(scope: &mut Scope<'_>, items: &[Item], sink: &mut Sink) {
    for item in items {
        let empty: fn(String) -> Type = match item.keyword {
            Keyword::Type => |name| Type::Record(name, Vec::new()),
            Keyword::Object => |name| Type::Object(name, Vec::new()),
            Keyword::Sum => |name| Type::Sum(name, Vec::new()),
            Keyword::Alias => {
                wrong_is_told(alias(scope, item, sink));
                continue;
            }
            Keyword::System => {
                wrong_is_told(system_types(scope, item, sink));
                continue;
            }
            Keyword::Const | Keyword::Host | Keyword::Import | Keyword::Export | Keyword::Fn => continue,
        };
        let Ok(name) = type_name(&mut parser(scope.source, item, sink)) else { continue };
        let index = scope.pool.add_nominal(empty(name.text.clone().into_owned()));
        wrong_is_told(scope.types.declare(&name, TypeName::Nominal(index), "type", sink));
    }
}

/// Declares types of the machine's own messages. They all speak of reasons, so that type comes along.
fn system_types(scope: &mut Scope<'_>, item: &Item, sink: &mut Sink) -> Result<(), Told> {
    let reason = Name { text: system::REASON.into(), span: item.span, quoted: false };
    let reason_index = add_system_type(scope, &reason, TypeIndex::default(), sink)?;
    let mut parser = parser(scope.source, item, sink);
    loop {
        let name = upper_name(&mut parser)?;
        if !system::NAMES.contains(&&*name.text) {
            let message = format!("unknown system type `{}`", name.text);
            let hint = format!("there are {}", system::NAMES.map(|name| format!("`{name}`")).join(", "));
            return Err(Report::error(Code::UnknownType, name.span, message).label("not one").hint(hint).tell(parser.sink));
        }
        if name.text != system::REASON {
            add_system_type(scope, &name, reason_index, parser.sink)?;
        }
        if !parser.eat(Kind::Comma) {
            return parser.end_line(None);
        }
    }
}

fn add_system_type(scope: &mut Scope<'_>, name: &Name<'_>, reason: TypeIndex, sink: &mut Sink) -> Result<TypeIndex, Told> {
    let ty = system::descriptor(&name.text, reason).ok_or(Told)?;
    let index = scope.pool.add_nominal(ty);
    let owned = Name { text: name.text.clone().into_owned().into(), ..*name };
    scope.types.declare(&owned, TypeName::Nominal(index), "type", sink)?;
    Ok(index)
}

/// The name of a type or variant: upper-case unless quoted.
fn type_name<'a>(parser: &mut Parser<'a, '_>) -> Result<Name<'a>, Told> {
    let name = upper_name(parser)?;
    if !name.quoted && is_reserved_type(&name.text) {
        let report = Report::error(Code::Duplicate, name.span, format!("the type `{}` is built in", name.text));
        return Err(report.label("taken").hint("choose another name").tell(parser.sink));
    }
    Ok(name)
}

fn upper_name<'a>(parser: &mut Parser<'a, '_>) -> Result<Name<'a>, Told> {
    let name = parser.name("a name")?;
    if !name.quoted && !name.text.starts_with(|first: char| first.is_ascii_uppercase()) {
        let report =
            Report::error(Code::Syntax, name.span, "the names of types and variants begin with an upper-case letter");
        let mut upper = name.text.to_string();
        upper.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        return Err(report.label("begins otherwise").hint(format!("write `{upper}`")).tell(parser.sink));
    }
    Ok(name)
}

fn alias(scope: &mut Scope<'_>, item: &Item, sink: &mut Sink) -> Result<(), Told> {
    let mut parser = parser(scope.source, item, sink);
    let name = type_name(&mut parser)?;
    parser.expect(Kind::Equals, "`=` and a type")?;
    let start = parser.token().span.start;
    let alias = Alias { written: (start, parser.line(), item.end), name: name.span, state: AliasState::Unread };
    scope.types.declare(&name, TypeName::Alias(scope.aliases.len()), "type", sink)?;
    scope.aliases.push(alias);
    Ok(())
}

/// Gives the declared types their fields and variants, and aliases their types.
pub(crate) fn define_types(scope: &mut Scope<'_>, items: &[Item], sink: &mut Sink) {
    for item in items {
        if matches!(item.keyword, Keyword::Type | Keyword::Object | Keyword::Sum) {
            wrong_is_told(define_type(scope, item, sink));
        }
    }
    for at in 0..scope.aliases.len() {
        wrong_is_told(scope.alias(at, Span::default(), 0, sink).map(|_| ()));
    }
}

fn define_type<'a>(scope: &mut Scope<'a>, item: &Item, sink: &mut Sink) -> Result<(), Told> {
    let mut parser = parser(scope.source, item, sink);
    // What is wrong with the name was told when it was declared.
    let name = parser.name("a name")?;
    let index = match scope.types.get(&name.text) {
        Some(TypeName::Nominal(index)) => Some(index),
        Some(TypeName::Alias(_)) | None => None,
    };
    parser.expect(Kind::OpenBrace, "`{` and the fields")?;
    let is_object = item.keyword == Keyword::Object;
    let text = name.text.into_owned();
    let ty = if item.keyword == Keyword::Sum {
        Type::Sum(text, variants(scope, &mut parser)?)
    } else {
        let fields = fields(scope, &mut parser, Kind::CloseBrace, is_object)?;
        if is_object { Type::Object(text, fields) } else { Type::Record(text, fields) }
    };
    parser.end_line(None)?;
    if let Some(index) = index {
        scope.pool.define(index, ty);
    }
    Ok(())
}

fn variants<'a>(scope: &mut Scope<'a>, parser: &mut Parser<'a, '_>) -> Result<Vec<Variant>, Told> {
    let mut names = Names::default();
    let mut variants = Vec::new();
    let open = parser.token().span;
    parser.list(Kind::CloseBrace, "`,` or `}`", |parser| {
        let name = upper_name(parser)?;
        names.declare(&name, (), "variant", parser.sink)?;
        let fields = if parser.eat(Kind::OpenParen) { fields(scope, parser, Kind::CloseParen, false)? } else { Vec::new() };
        variants.push(Variant { name: name.text.into_owned(), fields });
        Ok(())
    })?;
    check_count(variants.len(), VARIANTS_MAX, "variants", open, parser.sink)?;
    Ok(variants)
}

fn fields<'a>(scope: &mut Scope<'a>, parser: &mut Parser<'a, '_>, close: Kind, is_object: bool) -> Result<Vec<Field>, Told> {
    let mut names = Names::default();
    let mut fields = Vec::new();
    let open = parser.token().span;
    let what = if close == Kind::CloseBrace { "`,` or `}`" } else { "`,` or `)`" };
    parser.list(close, what, |parser| {
        fields.push(field(scope, parser, is_object, &mut names)?);
        Ok(())
    })?;
    check_count(fields.len(), FIELDS_MAX, "fields", open, parser.sink)?;
    Ok(fields)
}

fn field<'a>(
    scope: &mut Scope<'a>,
    parser: &mut Parser<'a, '_>,
    is_object: bool,
    names: &mut Names<'a, ()>,
) -> Result<Field, Told> {
    let (mut was, mut json) = (Vec::new(), None);
    while parser.eat(Kind::At) {
        let attribute = parser.name("`was` or `json`")?;
        parser.expect(Kind::OpenParen, "`(` and a text")?;
        let token = parser.expect(Kind::Text, "a text")?;
        let value = parser.literal(token, literal::text(parser.text(token)))?;
        match attribute.text.as_ref() {
            "was" => was.push(value.into_owned()),
            "json" => json = Some(value.into_owned()),
            other => {
                let report = Report::error(Code::Syntax, attribute.span, format!("unknown attribute `@{other}`"));
                return Err(report.label("not an attribute").hint("attributes are `@was` and `@json`").tell(parser.sink));
            }
        }
        parser.expect(Kind::CloseParen, "`)`")?;
    }
    let first = parser.name("a field")?;
    let has_var = first.text == "var" && !first.quoted && !parser.at(Kind::Colon);
    let name = if has_var && matches!(parser.token().kind, Kind::Name | Kind::Quoted) {
        if !is_object {
            let report = Report::error(Code::Syntax, first.span, "only fields of objects change");
            return Err(report.label("not in a record or variant").hint("declare an `object`").tell(parser.sink));
        }
        parser.name("a field")?
    } else {
        first.clone()
    };
    names.declare(&name, (), "field", parser.sink)?;
    let ty = if parser.eat(Kind::Colon) { scope.parse_type(parser)? } else { ANY };
    let default = if parser.eat(Kind::Equals) { Some(default(scope, parser, ty)?) } else { None };
    let mutable = name.span != first.span;
    Ok(Field { name: name.text.into_owned(), ty, mutable, default, was, json })
}

fn default<'a>(scope: &Scope<'a>, parser: &mut Parser<'a, '_>, ty: TypeIndex) -> Result<Constant, Told> {
    let span = parser.token().span;
    let constant = match parser.constant()? {
        Some(constant) => constant,
        None => named_constant(scope, parser)?,
    };
    let own = type_of(&constant);
    let fits = if let Type::Option(inner) = scope.pool.get(ty) { own == *inner || own == types::NULL } else { own == ty };
    if fits || ty == ANY {
        return Ok(constant);
    }
    let (found, wanted) = (scope.pool.display(own), scope.pool.display(ty));
    let hint = match (constant, ty) {
        (Constant::Int(value), types::FLOAT) => Some(format!("a float has a point: `{value}.0`")),
        (Constant::Null, _) => Some(format!("an `Option<{wanted}>` may be null")),
        (Constant::Bool(_) | Constant::Int(_) | Constant::Float(_) | Constant::Text(_) | Constant::Bytes(_), _) => None,
    };
    let message = format!("found a default of type {found}, wanted {wanted}");
    let report = Report::error(Code::TypeMismatch, span, message).label(format!("this is {found}"));
    Err(report.maybe_hint(hint).tell(parser.sink))
}

/// The type of a constant.
pub(crate) fn type_of(constant: &Constant) -> TypeIndex {
    match constant {
        Constant::Null => types::NULL,
        Constant::Bool(_) => types::BOOL,
        Constant::Int(_) => types::INT,
        Constant::Float(_) => types::FLOAT,
        Constant::Text(_) => types::TEXT,
        Constant::Bytes(_) => types::BYTES,
    }
}

/// The value of a constant's name, which is taken.
pub(crate) fn named_constant<'a>(scope: &Scope<'a>, parser: &mut Parser<'a, '_>) -> Result<Constant, Told> {
    let name = parser.name("a literal or a constant")?;
    match scope.constants.get(&name.text) {
        Some(at) => scope.constant_values.get(at).cloned().flatten().ok_or(Told),
        None => {
            let report = Report::error(Code::UnknownConstant, name.span, format!("unknown constant `{}`", name.text));
            let hint = scope.constants.suggestion(&name.text);
            Err(report.label("not declared").maybe_hint(hint).tell(parser.sink))
        }
    }
}

fn constant(scope: &mut Scope<'_>, item: &Item, sink: &mut Sink) -> Result<(), Told> {
    let mut parser = parser(scope.source, item, sink);
    let name = parser.name("a name")?;
    let at = scope.constant_values.len();
    scope.constants.declare(&name, at, "constant", parser.sink)?;
    scope.constant_values.push(None);
    parser.expect(Kind::Equals, "`=` and a literal")?;
    let Some(value) = parser.constant()? else { return Err(parser.unexpected("a literal")) };
    parser.end_line(None)?;
    if let Some(slot) = scope.constant_values.get_mut(at) {
        *slot = Some(value);
    }
    Ok(())
}

/// A name that may have several parts with dots between them.
pub(crate) fn dotted<'a>(parser: &mut Parser<'a, '_>, what: &str) -> Result<Name<'a>, Told> {
    let mut name = parser.name(what)?;
    while parser.eat(Kind::Dot) {
        let next = parser.name("a name")?;
        name = Name {
            text: Cow::Owned(format!("{}.{}", name.text, next.text)),
            span: name.span.to(next.span),
            quoted: name.quoted || next.quoted,
        };
    }
    Ok(name)
}

fn host(scope: &mut Scope<'_>, item: &Item, sink: &mut Sink) -> Result<(), Told> {
    let mut parser = parser(scope.source, item, sink);
    let name = dotted(&mut parser, "the name of a host function")?;
    let index = HostIndex(scope.host_signatures.len() as u32);
    scope.hosts.declare(&name, index, "host function", parser.sink)?;
    scope.host_signatures.push(Signature { name: name.text.clone(), ..Signature::default() });
    let signature = bare_signature(scope, &mut parser, name.text)?;
    parser.end_line(None)?;
    if let Some(slot) = scope.host_signatures.get_mut(index.at()) {
        *slot = signature;
    }
    Ok(())
}

/// Reads `(A, B) -> C`.
pub(crate) fn bare_signature<'a>(
    scope: &mut Scope<'a>,
    parser: &mut Parser<'a, '_>,
    name: Cow<'a, str>,
) -> Result<Signature<'a>, Told> {
    let open = parser.expect(Kind::OpenParen, "`(` and the types of the parameters")?;
    let mut params = Vec::new();
    parser.list(Kind::CloseParen, "`,` or `)`", |parser| {
        params.push(scope.parse_type(parser)?);
        Ok(())
    })?;
    let result = if parser.eat(Kind::Arrow) { Some(scope.parse_type(parser)?) } else { None };
    check_count(params.len(), PARAMS_MAX, "parameters", open.span, parser.sink)?;
    Ok(Signature { name, captures: Vec::new(), params, result, is_known: true })
}

fn head<'a>(scope: &mut Scope<'a>, item: &Item, heads: &mut Vec<Head<'a>>, sink: &mut Sink) {
    let mut parser = parser(scope.source, item, sink);
    let Ok(name) = parser.name("the function's name") else { return };
    let index = FunctionIndex(scope.signatures.len() as u32);
    if scope.functions.declare(&name, index, "function", parser.sink).is_err() {
        return;
    }
    let mut head = Head { name, locals: Vec::new(), mailbox: None, body: (0, 0, item.end), is_known: false };
    let mut signature = Signature { name: head.name.text.clone(), ..Signature::default() };
    let read = read_head(scope, &mut parser, &mut head, &mut signature);
    head.is_known = read.is_ok();
    signature.is_known = read.is_ok();
    // What the head leaves out stays unread, as the body is not worth reading then.
    (head.body.0, head.body.1) = if parser.at(Kind::Newline) { parser.position() } else { (item.end, parser.line()) };
    scope.signatures.push(signature);
    heads.push(head);
}

fn read_head<'a>(
    scope: &mut Scope<'a>,
    parser: &mut Parser<'a, '_>,
    head: &mut Head<'a>,
    signature: &mut Signature<'a>,
) -> Result<(), Told> {
    if parser.eat(Kind::OpenBracket) {
        signature.captures = params(scope, parser, Kind::CloseBracket, &mut head.locals)?;
    }
    parser.expect(Kind::OpenParen, "`(` and the parameters")?;
    signature.params = params(scope, parser, Kind::CloseParen, &mut head.locals)?;
    if parser.eat(Kind::Arrow) {
        signature.result = Some(scope.parse_type(parser)?);
    }
    if parser.eat_word("receives") {
        head.mailbox = Some(mailbox(scope, parser)?);
    }
    check_count(signature.params.len(), PARAMS_MAX, "parameters", head.name.span, parser.sink)?;
    check_count(head.locals.len(), LOCALS_MAX, "captured values and parameters", head.name.span, parser.sink)?;
    parser.end_line(Some("the body begins in the next line".to_owned()))
}

fn params<'a>(
    scope: &mut Scope<'a>,
    parser: &mut Parser<'a, '_>,
    close: Kind,
    names: &mut Vec<Name<'a>>,
) -> Result<Vec<TypeIndex>, Told> {
    let mut types = Vec::new();
    let what = if close == Kind::CloseParen { "`,` or `)`" } else { "`,` or `]`" };
    parser.list(close, what, |parser| {
        let (name, ty) = scope.parse_param(parser)?;
        names.push(name);
        types.push(ty);
        Ok(())
    })?;
    Ok(types)
}

fn mailbox<'a>(scope: &mut Scope<'a>, parser: &mut Parser<'a, '_>) -> Result<Vec<TypeIndex>, Told> {
    let mut types = Vec::new();
    let mut known = BTreeSet::new();
    if parser.eat_word("nothing") {
        return Ok(types);
    }
    loop {
        let span = parser.token().span;
        let ty = scope.parse_type(parser)?;
        if !known.insert(ty) {
            let message = format!("the type {} is named twice", scope.pool.display(ty));
            return Err(Report::error(Code::Duplicate, span, message).label("again").tell(parser.sink));
        }
        types.push(ty);
        if !parser.eat(Kind::Comma) {
            return Ok(types);
        }
    }
}

fn export<'a>(
    scope: &Scope<'a>,
    item: &Item,
    names: &mut Names<'a, ()>,
    exports: &mut Vec<Export>,
    sink: &mut Sink,
) -> Result<(), Told> {
    let mut parser = parser(scope.source, item, sink);
    let (function, name) = exported(scope, &mut parser)?;
    let other = if parser.eat_word("as") { Some(parser.name("a name")?) } else { None };
    parser.end_line(Some("another name is given by `export name as other`".to_owned()))?;
    if scope.signatures.get(function.at()).is_some_and(|signature| !signature.captures.is_empty()) {
        let message = format!("`{}` has captured values and cannot be exported", name.text);
        return Err(Report::error(Code::Captures, name.span, message)
            .label("only a closure of it can be called")
            .tell(sink));
    }
    let offered = other.unwrap_or(name);
    names.declare(&offered, (), "export", parser.sink)?;
    exports.push(Export { name: offered.text.into_owned(), function });
    Ok(())
}

/// The function that an export names, and the last part of its name.
fn exported<'a>(scope: &Scope<'a>, parser: &mut Parser<'a, '_>) -> Result<(FunctionIndex, Name<'a>), Told> {
    let name = parser.name("the name of a function")?;
    if parser.eat(Kind::Dot) {
        let member = parser.name("a function of the module")?;
        return Ok((scope.imported(&name, &member, parser.sink)?, member));
    }
    match scope.functions.get(&name.text) {
        Some(function) => Ok((function, name)),
        None => {
            let report = Report::error(Code::UnknownFunction, name.span, format!("unknown function `{}`", name.text));
            let hint = scope.functions.suggestion(&name.text);
            Err(report.label("not declared").maybe_hint(hint).tell(parser.sink))
        }
    }
}
