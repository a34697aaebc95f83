//! Reads the bytes of a module.
//!
//! **Invariant:** whatever is read without an error, the writer writes again byte for byte.

use super::cursor::{Cursor, Key, Limit, Result, check_unique, is_small};
use super::error::{FormatError, Problem};
use super::{HEADER_BYTES, MAGIC, Section, data_tag, read_types};
use crate::index::{CodeOffset, FunctionIndex, LocalIndex, TargetIndex, TypeIndex};
use crate::limits::{
    CODE_BYTES_MAX, DATA_MAX, FUNCTIONS_MAX, HOSTS_MAX, LOCALS_MAX, MODULE_BYTES_MAX, PARAMS_MAX, STACK_MAX, TYPES_MAX,
};
use crate::module::{
    Data, Debug, Export, FORMAT_VERSION, Function, FunctionDebug, Handler, HostImport, Import, LocalSet, Module, ModuleHash,
    OtherFile, ServePoint, Target, features,
};
use crate::types::{FIRST_DECLARED, TypeTable};

/// Hash, name, parameters, result.
const IMPORT_BYTES_MIN: usize = 32 + 3;
/// Name, parameters, result.
const HOST_BYTES_MIN: usize = 3;
/// Form, length.
const DATA_BYTES_MIN: usize = 2;
/// Name, captured values, parameters, locals, result, mailbox, targets, handlers, serve points, code.
const FUNCTION_BYTES_MIN: usize = 10;
/// Offset, operand stack, live locals.
const TARGET_BYTES_MIN: usize = 3;
/// Start, end, target.
const HANDLER_BYTES_MIN: usize = 3;
/// Target, local.
const SERVE_POINT_BYTES_MIN: usize = 2;
/// Name, function.
const EXPORT_BYTES_MIN: usize = 2;
/// Names of locals, lines.
const FUNCTION_DEBUG_BYTES_MIN: usize = 2;
/// Distance, distance.
const LINE_BYTES_MIN: usize = 2;
/// Name, functions.
const OTHER_FILE_BYTES_MIN: usize = 2;

const _: () = assert!(is_small::<Import>(IMPORT_BYTES_MIN));
const _: () = assert!(is_small::<HostImport>(HOST_BYTES_MIN));
const _: () = assert!(is_small::<Data>(DATA_BYTES_MIN));
const _: () = assert!(is_small::<Function>(FUNCTION_BYTES_MIN));
const _: () = assert!(is_small::<Target>(TARGET_BYTES_MIN));
const _: () = assert!(is_small::<Handler>(HANDLER_BYTES_MIN));
const _: () = assert!(is_small::<ServePoint>(SERVE_POINT_BYTES_MIN));
const _: () = assert!(is_small::<Export>(EXPORT_BYTES_MIN));
const _: () = assert!(is_small::<FunctionDebug>(FUNCTION_DEBUG_BYTES_MIN));
const _: () = assert!(is_small::<OtherFile>(OTHER_FILE_BYTES_MIN));
const _: () = assert!(is_small::<(CodeOffset, u32)>(LINE_BYTES_MIN));

pub(super) fn module(bytes: &[u8]) -> Result<Module> {
    if bytes.len() > MODULE_BYTES_MAX {
        let problem = Problem::Limit { unit: "bytes", seen: bytes.len(), max: MODULE_BYTES_MAX };
        return Err(FormatError::new(0, "module", problem));
    }
    let mut cursor = Cursor::new(bytes, 0, FIRST_DECLARED as usize);
    let mut module = Module { features: header(&mut cursor)?, ..Module::default() };
    let mut before = None;
    while cursor.remaining() > 0 {
        let (section, mut body) = section(&mut cursor, before)?;
        section_body(&mut module, section, &mut body)?;
        if body.remaining() > 0 {
            return Err(FormatError::new(body.offset(), section.name(), Problem::Rest(body.remaining())));
        }
        cursor.type_count = body.type_count;
        before = Some(section);
    }
    Ok(module)
}

/// The feature bits.
fn header(cursor: &mut Cursor<'_>) -> Result<u32> {
    let magic = cursor.array("header.magic")?;
    if magic != MAGIC {
        return Err(FormatError::new(0, "header.magic", Problem::Magic(magic)));
    }
    let offset = cursor.offset();
    let version = u16::from_le_bytes(cursor.array("header.version")?);
    if version != FORMAT_VERSION {
        return Err(FormatError::new(offset, "header.version", Problem::Version(version)));
    }
    let offset = cursor.offset();
    let seen = u32::from_le_bytes(cursor.array("header.features")?);
    if seen & features::DRAFT != 0 {
        return Err(FormatError::new(offset, "header.features", Problem::Draft));
    }
    let unknown = seen & !features::KNOWN;
    if unknown != 0 {
        return Err(FormatError::new(offset, "header.features", Problem::UnknownFeature(unknown.trailing_zeros())));
    }
    debug_assert!(cursor.offset() == HEADER_BYTES);
    Ok(seen)
}

/// Which section comes next, and a cursor over its body.
fn section<'a>(cursor: &mut Cursor<'a>, before: Option<Section>) -> Result<(Section, Cursor<'a>)> {
    let offset = cursor.offset();
    let number = cursor.byte("section")?;
    let fail = |problem| FormatError::new(offset, "section", problem);
    let section = Section::from_number(number).ok_or_else(|| fail(Problem::UnknownSection(number)))?;
    if let Some(after) = before.filter(|before| *before >= section) {
        return Err(fail(Problem::SectionOrder { seen: section, after }));
    }
    let body = cursor.counted_bytes(section.name(), Limit::none("bytes"))?;
    Ok((section, Cursor::new(body, cursor.offset() - body.len(), cursor.type_count)))
}

fn section_body(module: &mut Module, section: Section, body: &mut Cursor<'_>) -> Result<()> {
    let offset = body.offset();
    let count = match section {
        Section::Types => {
            module.types = TypeTable::with_declared(read_types::types(body)?);
            module.types.declared().len()
        }
        Section::Imports => put(&mut module.imports, imports(body)?),
        Section::Hosts => put(&mut module.hosts, hosts(body)?),
        Section::Data => put(&mut module.data, data(body)?),
        Section::Functions => put(&mut module.functions, functions(body, module.imports.len())?),
        Section::Exports => put(&mut module.exports, exports(body, module.imports.len() + module.functions.len())?),
        Section::Debug => {
            module.debug = Some(debug(body, &module.functions)?);
            1
        }
    };
    if count == 0 {
        return Err(FormatError::new(offset, section.name(), Problem::EmptySection));
    }
    Ok(())
}

fn put<T>(place: &mut Vec<T>, items: Vec<T>) -> usize {
    *place = items;
    place.len()
}

fn imports(body: &mut Cursor<'_>) -> Result<Vec<Import>> {
    body.list("imports", Limit::new("functions", FUNCTIONS_MAX), IMPORT_BYTES_MIN, |body, _| {
        let module = ModuleHash(body.array("module")?);
        let name = body.name("name")?.to_owned();
        Ok(Import { module, name, params: params(body)?, result: body.result()? })
    })
}

fn hosts(body: &mut Cursor<'_>) -> Result<Vec<HostImport>> {
    body.list("hosts", Limit::new("host functions", HOSTS_MAX), HOST_BYTES_MIN, |body, _| {
        Ok(HostImport { name: body.name("name")?.to_owned(), params: params(body)?, result: body.result()? })
    })
}

fn params(body: &mut Cursor<'_>) -> Result<Vec<TypeIndex>> {
    body.type_list("params", Limit::new("parameters", PARAMS_MAX))
}

fn data(body: &mut Cursor<'_>) -> Result<Vec<Data>> {
    let mut keys = Vec::new();
    let entries = body.list("data", Limit::new("entries", DATA_MAX), DATA_BYTES_MIN, |body, at| {
        let offset = body.offset();
        let entry = match body.byte("")? {
            data_tag::TEXT => Data::Text(body.text("")?.to_owned()),
            data_tag::BYTES => Data::Bytes(body.counted_bytes("", Limit::none("bytes"))?.to_owned()),
            seen => return Err(FormatError::new(offset, "", Problem::Form { seen, wanted: "0, text, or 1, bytes" })),
        };
        keys.push(Key { bytes: body.since(offset), at, offset });
        Ok(entry)
    })?;
    check_unique("data", "", keys)?;
    Ok(entries)
}

fn functions(body: &mut Cursor<'_>, imported: usize) -> Result<Vec<Function>> {
    let mut names = Vec::new();
    let limit = Limit::new("functions besides those imported", FUNCTIONS_MAX.saturating_sub(imported));
    let functions = body.list("functions", limit, FUNCTION_BYTES_MIN, |body, at| {
        let offset = body.offset();
        let name = body.name("name")?;
        names.push(Key { bytes: name.as_bytes(), at, offset });
        function(body, name)
    })?;
    check_unique("functions", ".name", names)?;
    Ok(functions)
}

fn function(body: &mut Cursor<'_>, name: &str) -> Result<Function> {
    let offset = body.offset();
    let each = Limit::new("locals", LOCALS_MAX);
    let mut function = Function {
        name: name.to_owned(),
        captures: body.type_list("captures", each)?,
        params: params(body)?,
        locals: body.type_list("locals", each)?,
        ..Function::default()
    };
    let local_count = function.local_count();
    if local_count > LOCALS_MAX {
        let problem =
            Problem::Limit { unit: "locals with captured values and parameters", seen: local_count, max: LOCALS_MAX };
        return Err(FormatError::new(offset, "", problem));
    }
    function.result = body.result()?;
    function.mailbox = mailbox(body)?;
    let all = Limit::none("items");
    function.targets = body.list("targets", all, TARGET_BYTES_MIN, |body, _| target(body, local_count))?;
    let target_count = function.targets.len();
    function.handlers = body.list("handlers", all, HANDLER_BYTES_MIN, |body, _| {
        let (start, end) = (CodeOffset(body.number("start")?), CodeOffset(body.number("end")?));
        Ok(Handler { start, end, target: TargetIndex(body.index("target", "target", target_count)?) })
    })?;
    function.serve_points = body.list("serve_points", all, SERVE_POINT_BYTES_MIN, |body, _| {
        let target = TargetIndex(body.index("target", "target", target_count)?);
        Ok(ServePoint { target, state: LocalIndex(body.index("state", "local", local_count)?) })
    })?;
    function.code = body.counted_bytes("code", Limit::new("bytes of code", CODE_BYTES_MAX))?.to_owned();
    Ok(function)
}

/// Zero, or one more than the number of types, and these.
fn mailbox(body: &mut Cursor<'_>) -> Result<Option<Vec<TypeIndex>>> {
    let offset = body.offset();
    match (body.number("mailbox")? as usize).checked_sub(1) {
        None => Ok(None),
        Some(count) => {
            let limit = Limit::new("types", TYPES_MAX);
            body.items("mailbox", offset, count, limit, 1, |body, _| body.type_index("")).map(Some)
        }
    }
}

fn target(body: &mut Cursor<'_>, local_count: usize) -> Result<Target> {
    Ok(Target {
        offset: CodeOffset(body.number("offset")?),
        stack: body.type_list("stack", Limit::new("operands", STACK_MAX))?,
        live: local_set(body, local_count)?,
    })
}

fn local_set(body: &mut Cursor<'_>, local_count: usize) -> Result<LocalSet> {
    const BYTES_MAX: usize = LOCALS_MAX / 8;
    let offset = body.offset();
    let bytes = body.counted_bytes("live", Limit::new("bytes", BYTES_MAX))?;
    let fail = |problem| Err(FormatError::new(offset, "live", problem));
    let Some(last) = bytes.last() else { return Ok(LocalSet::default()) };
    if *last == 0 {
        return fail(Problem::SetEnd);
    }
    let highest = bytes.len() * 8 - 1 - last.leading_zeros() as usize;
    if highest >= local_count {
        return fail(Problem::Index { space: "local", seen: highest as u32, count: local_count });
    }
    let mut words = *LocalSet::default().words();
    for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
        *word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    Ok(LocalSet::from_words(words))
}

fn exports(body: &mut Cursor<'_>, function_count: usize) -> Result<Vec<Export>> {
    let mut before = None;
    body.list("exports", Limit::none("exports"), EXPORT_BYTES_MIN, |body, _| {
        let offset = body.offset();
        let name = body.name("name")?;
        if before.is_some_and(|before| name <= before) {
            return Err(FormatError::new(offset, "name", Problem::Unsorted));
        }
        before = Some(name);
        let function = FunctionIndex(body.index("function", "function", function_count)?);
        Ok(Export { name: name.to_owned(), function })
    })
}

fn debug(body: &mut Cursor<'_>, functions: &[Function]) -> Result<Debug> {
    let file = body.name("debug.file")?.to_owned();
    let offset = body.offset();
    let parts =
        body.list("debug.functions", Limit::new("functions", FUNCTIONS_MAX), FUNCTION_DEBUG_BYTES_MIN, |body, at| {
            function_debug(body, functions.get(at).map_or(0, Function::local_count))
        })?;
    if parts.len() != functions.len() {
        let problem = Problem::Parts { seen: parts.len(), wanted: functions.len(), each: "function" };
        return Err(FormatError::new(offset, "debug.functions", problem));
    }
    let others = if body.remaining() > 0 { other_files(body, functions.len())? } else { Vec::new() };
    Ok(Debug { file, functions: parts, others })
}

fn other_files(body: &mut Cursor<'_>, function_count: usize) -> Result<Vec<OtherFile>> {
    let offset = body.offset();
    let others = body.list("debug.files", Limit::none("files"), OTHER_FILE_BYTES_MIN, |body, _| {
        let file = body.name("file")?.to_owned();
        let mut before = None;
        let functions = body.list("functions", Limit::none("functions"), 1, |body, _| {
            let offset = body.offset();
            let function = body.index("function", "function", function_count)?;
            if before.is_some_and(|before| before >= function) {
                return Err(FormatError::new(offset, "function", Problem::NotRising(function)));
            }
            before = Some(function);
            Ok(function)
        })?;
        Ok(OtherFile { file, functions })
    })?;
    // Nothing has one form: without the list.
    if others.is_empty() {
        return Err(FormatError::new(offset, "debug.files", Problem::EmptySection));
    }
    Ok(others)
}

fn function_debug(body: &mut Cursor<'_>, local_count: usize) -> Result<FunctionDebug> {
    let offset = body.offset();
    let limit = Limit::new("names", LOCALS_MAX);
    let locals = body.list("locals", limit, 1, |body, _| body.name("").map(str::to_owned))?;
    if locals.len() != local_count {
        let problem = Problem::Parts { seen: locals.len(), wanted: local_count, each: "local" };
        return Err(FormatError::new(offset, "locals", problem));
    }
    let mut before = None;
    let lines = body.list("lines", Limit::none("lines"), LINE_BYTES_MIN, |body, _| {
        let next = line(body, before)?;
        before = Some(next);
        Ok(next)
    })?;
    Ok(FunctionDebug { locals, lines })
}

/// A code offset and its line, both written as the distance from those before.
fn line(body: &mut Cursor<'_>, before: Option<(CodeOffset, u32)>) -> Result<(CodeOffset, u32)> {
    let (offset_before, line_before) = before.map_or((0, 0), |(offset, line)| (offset.0, line));
    let at = body.offset();
    let distance = body.number("offset")?;
    let risen = offset_before.checked_add(distance).filter(|_| before.is_none() || distance > 0);
    let offset = risen.ok_or_else(|| FormatError::new(at, "offset", Problem::LineOffset))?;
    let at = body.offset();
    let seen = i64::from(line_before).saturating_add(body.signed("line")?);
    match u32::try_from(seen) {
        Ok(line) if line > 0 => Ok((CodeOffset(offset), line)),
        Ok(_) | Err(_) => Err(FormatError::new(at, "line", Problem::Line(seen))),
    }
}
