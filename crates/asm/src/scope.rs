//! What the names of a module mean, and the types that are written with them.
//!
//! **Invariant:** a name keeps its first meaning; a second declaration is told and has no effect.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fardel_bytecode::index::{FunctionIndex, HostIndex, TypeIndex};
use fardel_bytecode::limits::{FIELDS_MAX, PARAMS_MAX, TYPE_DEPTH_MAX};
use fardel_bytecode::types::{self, ANY, Constant, Element, Type};

use crate::diagnostic::{Code, Report, Sink, Span, Told};
use crate::lexer::{Kind, Token};
use crate::parser::{Name, Parser};
use crate::type_pool::TypePool;

/// A table of names with the places where they were declared.
pub(crate) struct Names<'a, T> {
    map: BTreeMap<Cow<'a, str>, (T, Span)>,
}

impl<T> Default for Names<'_, T> {
    fn default() -> Self {
        Names { map: BTreeMap::new() }
    }
}

impl<'a, T: Copy> Names<'a, T> {
    /// What a name means.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<T> {
        self.map.get(name).map(|(meaning, _)| *meaning)
    }

    /// Gives a name its meaning, or says that it has one. `what` is what the name names.
    pub(crate) fn declare(&mut self, name: &Name<'a>, meaning: T, what: &str, sink: &mut Sink) -> Result<(), Told> {
        if let Some((_, first)) = self.map.get(&name.text) {
            let message = format!("{what} `{}` is declared twice", name.text);
            let report = Report::error(Code::Duplicate, name.span, message).label("declared again");
            return Err(report.also(*first, "first declared here").tell(sink));
        }
        self.map.insert(name.text.clone(), (meaning, name.span));
        Ok(())
    }

    /// The nearest known name, as a hint.
    pub(crate) fn suggestion(&self, unknown: &str) -> Option<String> {
        fardel_diagnostic::suggestion(unknown, self.map.keys().map(Cow::as_ref))
    }
}

/// What a type's name means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TypeName {
    /// A record, object or sum.
    Nominal(TypeIndex),
    /// An alias, by its position among them.
    Alias(usize),
}

/// An alias: where its type is written, and the type once someone asked for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alias {
    /// Where the type is written: byte, line, and the end of its item.
    pub(crate) written: (u32, u32, u32),
    pub(crate) name: Span,
    pub(crate) state: AliasState,
}

/// How far an alias is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AliasState {
    Unread,
    /// Somebody further up is reading it.
    Reading,
    Known(TypeIndex),
    Wrong,
}

/// Parameters and result of a function, and what a closure of it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signature<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) captures: Vec<TypeIndex>,
    pub(crate) params: Vec<TypeIndex>,
    pub(crate) result: Option<TypeIndex>,
    /// Whether its declaration is in order; what uses one that is not is not looked at.
    pub(crate) is_known: bool,
}

impl Signature<'_> {
    /// The type of the function as a value.
    pub(crate) fn value_type(&self) -> Type {
        Type::Function(self.params.clone(), self.result)
    }
}

/// A module known under a name of this one.
#[derive(Default)]
pub(crate) struct ImportScope<'a> {
    pub(crate) functions: Names<'a, FunctionIndex>,
    /// Whether the import is in order; what uses one that is not is not looked at.
    pub(crate) is_known: bool,
}

/// The names of a module.
pub(crate) struct Scope<'a> {
    pub(crate) source: &'a str,
    pub(crate) pool: TypePool,
    pub(crate) types: Names<'a, TypeName>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) constants: Names<'a, usize>,
    pub(crate) constant_values: Vec<Option<Constant>>,
    pub(crate) functions: Names<'a, FunctionIndex>,
    /// Imported functions first, then the module's own.
    pub(crate) signatures: Vec<Signature<'a>>,
    pub(crate) hosts: Names<'a, HostIndex>,
    pub(crate) host_signatures: Vec<Signature<'a>>,
    pub(crate) imports: Names<'a, usize>,
    pub(crate) import_scopes: Vec<ImportScope<'a>>,
    /// Where each type of maps and sets is first written; whether its keys can be keys is known only at the end.
    pub(crate) keyed: Vec<(TypeIndex, Span)>,
    /// The variants of sums that code speaks of, by their names.
    variants: BTreeMap<TypeIndex, BTreeMap<String, u32>>,
}

impl<'a> Scope<'a> {
    /// The names of a module that declares nothing yet.
    pub(crate) fn new(source: &'a str) -> Self {
        Scope {
            source,
            pool: TypePool::default(),
            types: Names::default(),
            aliases: Vec::new(),
            constants: Names::default(),
            constant_values: Vec::new(),
            functions: Names::default(),
            signatures: Vec::new(),
            hosts: Names::default(),
            host_signatures: Vec::new(),
            imports: Names::default(),
            import_scopes: Vec::new(),
            keyed: Vec::new(),
            variants: BTreeMap::new(),
        }
    }

    /// The variant of a sum with this name.
    pub(crate) fn variant(&mut self, sum: TypeIndex, name: &str) -> Option<u32> {
        let pool = &self.pool;
        let by_name = self.variants.entry(sum).or_insert_with(|| {
            let variants = if let Type::Sum(_, variants) = pool.get(sum) { variants.as_slice() } else { &[] };
            variants.iter().zip(0..).map(|(variant, at)| (variant.name.clone(), at)).collect()
        });
        by_name.get(name).copied()
    }

    /// Reads a type.
    pub(crate) fn parse_type(&mut self, parser: &mut Parser<'a, '_>) -> Result<TypeIndex, Told> {
        self.parse_type_at(parser, 0)
    }

    fn parse_type_at(&mut self, parser: &mut Parser<'a, '_>, depth: usize) -> Result<TypeIndex, Told> {
        let token = parser.token();
        if depth > TYPE_DEPTH_MAX {
            return Err(too_deep(token.span, parser.sink));
        }
        match token.kind {
            Kind::OpenParen => {
                parser.bump();
                self.parse_tuple(parser, token.span, depth)
            }
            Kind::Name => {
                parser.bump();
                self.parse_named(parser, token, depth)
            }
            Kind::Quoted => {
                parser.bump();
                self.declared(parser, token, depth)
            }
            Kind::Number
            | Kind::Text
            | Kind::Bytes
            | Kind::Char
            | Kind::CloseParen
            | Kind::OpenBrace
            | Kind::CloseBrace
            | Kind::OpenBracket
            | Kind::CloseBracket
            | Kind::Less
            | Kind::Greater
            | Kind::Comma
            | Kind::Colon
            | Kind::Equals
            | Kind::Dot
            | Kind::Arrow
            | Kind::At
            | Kind::Newline
            | Kind::End
            | Kind::Unterminated
            | Kind::Bad => Err(parser.unexpected("a type")),
        }
    }

    fn intern(&mut self, ty: Type, span: Span, sink: &mut Sink) -> Result<TypeIndex, Told> {
        self.pool.intern(ty).map_err(|_| too_deep(span, sink))
    }

    fn parse_tuple(&mut self, parser: &mut Parser<'a, '_>, open: Span, depth: usize) -> Result<TypeIndex, Told> {
        let mut items = Vec::new();
        let mut comma = false;
        while !parser.at(Kind::CloseParen) {
            items.push(self.parse_type_at(parser, depth + 1)?);
            comma = parser.eat(Kind::Comma);
            if !comma && !parser.at(Kind::CloseParen) {
                return Err(parser.unexpected("`,` or `)`"));
            }
        }
        let span = open.to(parser.bump().span);
        if items.len() == 1 && !comma {
            let report = Report::error(Code::Syntax, span, "a type between parentheses is a tuple");
            return Err(report.hint("a tuple of one is written with a comma: `(Int,)`").tell(parser.sink));
        }
        check_count(items.len(), FIELDS_MAX, "fields", span, parser.sink)?;
        self.intern(Type::Tuple(items), span, parser.sink)
    }

    fn parse_named(&mut self, parser: &mut Parser<'a, '_>, token: Token, depth: usize) -> Result<TypeIndex, Told> {
        let word = parser.text(token);
        if let Some(plain) = plain_type(word) {
            return Ok(plain);
        }
        match word {
            "fn" => self.parse_function_type(parser, token, depth),
            "Array" => parse_array(parser),
            "Option" | "List" | "Set" | "Map" => self.parse_generic(parser, token, depth),
            _ => self.declared(parser, token, depth),
        }
    }

    fn parse_generic(&mut self, parser: &mut Parser<'a, '_>, token: Token, depth: usize) -> Result<TypeIndex, Told> {
        let word = parser.text(token);
        parser.expect(Kind::Less, "`<` and what it holds")?;
        let first = self.parse_type_at(parser, depth + 1)?;
        let ty = match word {
            "Option" => Type::Option(first),
            "List" => Type::List(first),
            "Set" => Type::Set(first),
            _ => {
                parser.expect(Kind::Comma, "`,` and the type of the values")?;
                Type::Map(first, self.parse_type_at(parser, depth + 1)?)
            }
        };
        let close = parser.expect(Kind::Greater, "`>`")?;
        let span = token.span.to(close.span);
        let known = self.pool.count();
        let index = self.intern(ty, span, parser.sink)?;
        if self.pool.count() > known && matches!(word, "Map" | "Set") {
            self.keyed.push((index, span));
        }
        Ok(index)
    }

    fn parse_function_type(&mut self, parser: &mut Parser<'a, '_>, word: Token, depth: usize) -> Result<TypeIndex, Told> {
        parser.expect(Kind::OpenParen, "`(` and the types of the parameters")?;
        let mut params = Vec::new();
        parser.list(Kind::CloseParen, "`,` or `)`", |parser| {
            params.push(self.parse_type_at(parser, depth + 1)?);
            Ok(())
        })?;
        let span = word.span.to(parser.token().span);
        let result = if parser.eat(Kind::Arrow) { Some(self.parse_type_at(parser, depth + 1)?) } else { None };
        check_count(params.len(), PARAMS_MAX, "parameters", span, parser.sink)?;
        self.intern(Type::Function(params, result), span, parser.sink)
    }

    /// The type that a module declares under a name.
    fn declared(&mut self, parser: &mut Parser<'a, '_>, token: Token, depth: usize) -> Result<TypeIndex, Told> {
        let name = parser.name_of(token)?;
        match self.types.get(&name.text) {
            Some(TypeName::Nominal(index)) => Ok(index),
            Some(TypeName::Alias(alias)) => self.alias(alias, name.span, depth, parser.sink),
            None => {
                let known = PLAIN_TYPES.iter().map(|(name, _)| *name).chain(["Array", "Option", "List", "Set", "Map"]);
                let suggestion =
                    self.types.suggestion(&name.text).or_else(|| fardel_diagnostic::suggestion(&name.text, known));
                let report = Report::error(Code::UnknownType, name.span, format!("unknown type `{}`", name.text));
                Err(report.label("not declared").maybe_hint(suggestion).tell(parser.sink))
            }
        }
    }

    /// The type that an alias stands for.
    pub(crate) fn alias(&mut self, at: usize, used: Span, depth: usize, sink: &mut Sink) -> Result<TypeIndex, Told> {
        let Some(alias) = self.aliases.get(at).copied() else { return Err(Told) };
        match alias.state {
            AliasState::Known(ty) => return Ok(ty),
            AliasState::Wrong => return Err(Told),
            AliasState::Reading => {
                let report = Report::error(Code::Cycle, alias.name, "this alias stands for itself").label("without end");
                return Err(report.also(used, "comes back here").tell(sink));
            }
            AliasState::Unread => {}
        }
        self.set_alias(at, AliasState::Reading);
        let (start, line, end) = alias.written;
        let source = self.source.get(..end as usize).unwrap_or("");
        let mut parser = Parser::new(source, start, line, sink);
        let result = self.parse_type_at(&mut parser, depth + 1).and_then(|ty| parser.end_line(None).map(|()| ty));
        self.set_alias(at, result.map_or(AliasState::Wrong, AliasState::Known));
        result
    }

    fn set_alias(&mut self, at: usize, state: AliasState) {
        if let Some(alias) = self.aliases.get_mut(at) {
            alias.state = state;
        }
    }

    /// A function of an import.
    pub(crate) fn imported(&self, module: &Name<'a>, name: &Name<'a>, sink: &mut Sink) -> Result<FunctionIndex, Told> {
        let Some(at) = self.imports.get(&module.text) else {
            let hint = self.imports.suggestion(&module.text);
            let report = Report::error(Code::BadImport, module.span, format!("no module is imported as `{}`", module.text));
            return Err(report.label("not imported").maybe_hint(hint).tell(sink));
        };
        let Some(import) = self.import_scopes.get(at).filter(|import| import.is_known) else { return Err(Told) };
        import.functions.get(&name.text).ok_or_else(|| {
            let message = format!("the import `{}` has no function `{}`", module.text, name.text);
            let report = Report::error(Code::UnknownFunction, name.span, message).label("not listed");
            report.maybe_hint(import.functions.suggestion(&name.text)).tell(sink)
        })
    }

    /// Reads `name: Type` or `name`; what has no type is Any.
    pub(crate) fn parse_param(&mut self, parser: &mut Parser<'a, '_>) -> Result<(Name<'a>, TypeIndex), Told> {
        let name = parser.name("a name")?;
        let ty = if parser.eat(Kind::Colon) { self.parse_type(parser)? } else { ANY };
        Ok((name, ty))
    }
}

fn parse_array(parser: &mut Parser<'_, '_>) -> Result<TypeIndex, Told> {
    const WANTED: &str = "an element, one of Int, Float, Byte, I32, F32,";
    parser.expect(Kind::Less, "`<` and the element")?;
    let token = parser.expect(Kind::Name, WANTED)?;
    let word = parser.text(token);
    let Some(element) = Element::ALL.into_iter().find(|element| element.name() == word) else {
        let report = Report::error(Code::UnknownType, token.span, format!("arrays of `{word}` do not exist"));
        let hint = "an array is of Int, Float, Byte, I32 or F32; a sequence of anything else is a `List`";
        return Err(report.label("not an element").hint(hint).tell(parser.sink));
    };
    parser.expect(Kind::Greater, "`>`")?;
    Ok(match element {
        Element::Int => types::ARRAY_INT,
        Element::Float => types::ARRAY_FLOAT,
        Element::Byte => types::ARRAY_BYTE,
        Element::I32 => types::ARRAY_I32,
        Element::F32 => types::ARRAY_F32,
    })
}

const PLAIN_TYPES: [(&str, TypeIndex); 12] = [
    ("Null", types::NULL),
    ("Bool", types::BOOL),
    ("Int", types::INT),
    ("Float", types::FLOAT),
    ("Text", types::TEXT),
    ("Bytes", types::BYTES),
    ("Any", types::ANY),
    ("Address", types::ADDRESS),
    ("Ref", types::REF),
    ("TextBuilder", types::TEXT_BUILDER),
    ("BytesBuilder", types::BYTES_BUILDER),
    ("Handle", types::HANDLE),
];

fn plain_type(word: &str) -> Option<TypeIndex> {
    PLAIN_TYPES.iter().find(|(name, _)| *name == word).map(|(_, ty)| *ty)
}

/// Whether a plain name already means a type of the language of types.
pub(crate) fn is_reserved_type(word: &str) -> bool {
    plain_type(word).is_some() || matches!(word, "Array" | "Option" | "List" | "Set" | "Map")
}

fn too_deep(span: Span, sink: &mut Sink) -> Told {
    let message = format!("this type is nested more than {TYPE_DEPTH_MAX} deep");
    Report::error(Code::TooLarge, span, message).hint("declare a record in between").tell(sink)
}

/// Says that there are too many of something, if so.
pub(crate) fn check_count(count: usize, max: usize, what: &str, span: Span, sink: &mut Sink) -> Result<(), Told> {
    if count <= max {
        return Ok(());
    }
    Err(Report::error(Code::TooLarge, span, format!("{count} {what}, at most {max} are allowed")).tell(sink))
}
