//! Writes the bytes of a module.
//!
//! **Invariant:** nothing here depends on anything but the module, and nothing fails.

use super::{MAGIC, Section, constant_tag, data_tag, field_flag, type_tag};
use crate::index::{CodeOffset, TypeIndex};
use crate::leb::{write_i64, write_u32, write_u64};
use crate::module::{Data, Debug, Export, FORMAT_VERSION, Function, HostImport, Import, LocalSet, Module, Target};
use crate::types::{Constant, Field, Type, Variant};

/// Everything that the hash is taken of: the header and all sections but the last.
pub(super) fn canonical(module: &Module) -> Vec<u8> {
    let code: usize = module.functions.iter().map(|function| function.code.len()).sum();
    let mut out = Vec::with_capacity(code + code / 4 + 256);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    out.extend_from_slice(&module.features.to_le_bytes());
    section(&mut out, Section::Types, module.types.declared(), ty);
    section(&mut out, Section::Imports, &module.imports, import);
    section(&mut out, Section::Hosts, &module.hosts, host);
    section(&mut out, Section::Data, &module.data, data);
    section(&mut out, Section::Functions, &module.functions, function);
    section(&mut out, Section::Exports, &module.exports, export);
    out
}

/// The section that is not part of the hash.
pub(super) fn debug(out: &mut Vec<u8>, module: &Module) {
    if let Some(debug) = &module.debug {
        let mut body = Vec::new();
        debug_body(&mut body, debug);
        section_body(out, Section::Debug, &body);
    }
}

fn section<T>(out: &mut Vec<u8>, section: Section, items: &[T], write: fn(&mut Vec<u8>, &T)) {
    if items.is_empty() {
        return;
    }
    let mut body = Vec::new();
    list(&mut body, items, write);
    section_body(out, section, &body);
}

fn section_body(out: &mut Vec<u8>, section: Section, body: &[u8]) {
    out.push(section as u8);
    count(out, body.len());
    out.extend_from_slice(body);
}

fn count(out: &mut Vec<u8>, count: usize) {
    write_u64(out, count as u64);
}

fn list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    count(out, items.len());
    for item in items {
        write(out, item);
    }
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    count(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn text(out: &mut Vec<u8>, text: &str) {
    bytes(out, text.as_bytes());
}

fn type_index(out: &mut Vec<u8>, index: &TypeIndex) {
    write_u32(out, index.0);
}

fn type_list(out: &mut Vec<u8>, items: &[TypeIndex]) {
    list(out, items, type_index);
}

/// Zero, or one more than the index.
fn result(out: &mut Vec<u8>, result: Option<TypeIndex>) {
    write_u64(out, result.map_or(0, |index| u64::from(index.0) + 1));
}

pub(super) fn ty(out: &mut Vec<u8>, ty: &Type) {
    match ty {
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
        | Type::Array(_) => out.push(type_tag::BUILT_IN),
        Type::Option(inner) => tagged(out, type_tag::OPTION, &[*inner]),
        Type::List(inner) => tagged(out, type_tag::LIST, &[*inner]),
        Type::Map(key, value) => tagged(out, type_tag::MAP, &[*key, *value]),
        Type::Set(inner) => tagged(out, type_tag::SET, &[*inner]),
        Type::Tuple(items) => {
            out.push(type_tag::TUPLE);
            type_list(out, items);
        }
        Type::Function(params, value) => {
            out.push(type_tag::FUNCTION);
            type_list(out, params);
            result(out, *value);
        }
        Type::Record(name, fields) => nominal(out, type_tag::RECORD, name, fields, field),
        Type::Object(name, fields) => nominal(out, type_tag::OBJECT, name, fields, field),
        Type::Sum(name, variants) => nominal(out, type_tag::SUM, name, variants, variant),
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, components: &[TypeIndex]) {
    out.push(tag);
    components.iter().for_each(|component| type_index(out, component));
}

fn nominal<T>(out: &mut Vec<u8>, tag: u8, name: &str, items: &[T], write: fn(&mut Vec<u8>, &T)) {
    out.push(tag);
    text(out, name);
    list(out, items, write);
}

fn variant(out: &mut Vec<u8>, variant: &Variant) {
    text(out, &variant.name);
    list(out, &variant.fields, field);
}

fn field(out: &mut Vec<u8>, field: &Field) {
    text(out, &field.name);
    type_index(out, &field.ty);
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(
        flag(field.mutable, field_flag::MUTABLE)
            | flag(field.default.is_some(), field_flag::DEFAULT)
            | flag(!field.was.is_empty(), field_flag::WAS)
            | flag(field.json.is_some(), field_flag::JSON),
    );
    if let Some(default) = &field.default {
        constant(out, default);
    }
    if !field.was.is_empty() {
        list(out, &field.was, |out, name| text(out, name));
    }
    if let Some(json) = &field.json {
        text(out, json);
    }
}

fn constant(out: &mut Vec<u8>, constant: &Constant) {
    match constant {
        Constant::Null => out.push(constant_tag::NULL),
        Constant::Bool(false) => out.push(constant_tag::FALSE),
        Constant::Bool(true) => out.push(constant_tag::TRUE),
        Constant::Int(value) => {
            out.push(constant_tag::INT);
            write_i64(out, *value);
        }
        Constant::Float(bits) => {
            out.push(constant_tag::FLOAT);
            out.extend_from_slice(&bits.to_le_bytes());
        }
        Constant::Text(value) => {
            out.push(constant_tag::TEXT);
            text(out, value);
        }
        Constant::Bytes(value) => {
            out.push(constant_tag::BYTES);
            bytes(out, value);
        }
    }
}

fn import(out: &mut Vec<u8>, import: &Import) {
    out.extend_from_slice(&import.module.0);
    text(out, &import.name);
    type_list(out, &import.params);
    result(out, import.result);
}

fn host(out: &mut Vec<u8>, host: &HostImport) {
    text(out, &host.name);
    type_list(out, &host.params);
    result(out, host.result);
}

fn data(out: &mut Vec<u8>, data: &Data) {
    match data {
        Data::Text(value) => {
            out.push(data_tag::TEXT);
            text(out, value);
        }
        Data::Bytes(value) => {
            out.push(data_tag::BYTES);
            bytes(out, value);
        }
    }
}

fn function(out: &mut Vec<u8>, function: &Function) {
    text(out, &function.name);
    type_list(out, &function.captures);
    type_list(out, &function.params);
    type_list(out, &function.locals);
    result(out, function.result);
    mailbox(out, function.mailbox.as_deref());
    list(out, &function.targets, target);
    list(out, &function.handlers, |out, handler| {
        write_u32(out, handler.start.0);
        write_u32(out, handler.end.0);
        write_u32(out, handler.target.0);
    });
    list(out, &function.serve_points, |out, point| {
        write_u32(out, point.target.0);
        write_u32(out, point.state.0);
    });
    bytes(out, &function.code);
}

/// Zero, or one more than the number of types, and these.
fn mailbox(out: &mut Vec<u8>, mailbox: Option<&[TypeIndex]>) {
    count(out, mailbox.map_or(0, |types| types.len() + 1));
    for index in mailbox.unwrap_or_default() {
        type_index(out, index);
    }
}

fn target(out: &mut Vec<u8>, target: &Target) {
    write_u32(out, target.offset.0);
    type_list(out, &target.stack);
    local_set(out, &target.live);
}

fn local_set(out: &mut Vec<u8>, set: &LocalSet) {
    let words = set.words();
    let used = words.iter().rposition(|word| *word != 0).map_or(0, |at| {
        let top_bytes = 8 - words.get(at).map_or(0, |word| word.leading_zeros() as usize / 8);
        at * 8 + top_bytes
    });
    count(out, used);
    out.extend(words.iter().flat_map(|word| word.to_le_bytes()).take(used));
}

fn export(out: &mut Vec<u8>, export: &Export) {
    text(out, &export.name);
    write_u32(out, export.function.0);
}

fn debug_body(out: &mut Vec<u8>, debug: &Debug) {
    text(out, &debug.file);
    list(out, &debug.functions, |out, part| {
        list(out, &part.locals, |out, name| text(out, name));
        lines(out, &part.lines);
    });
    if !debug.others.is_empty() {
        list(out, &debug.others, |out, other| {
            text(out, &other.file);
            list(out, &other.functions, |out, function| write_u32(out, *function));
        });
    }
}

/// Each line as its distance from the one before, so that most take two bytes.
fn lines(out: &mut Vec<u8>, lines: &[(CodeOffset, u32)]) {
    count(out, lines.len());
    let (mut offset_before, mut line_before) = (0, 0);
    for (offset, line) in lines {
        write_u32(out, offset.0.wrapping_sub(offset_before));
        write_i64(out, i64::from(*line) - i64::from(line_before));
        (offset_before, line_before) = (offset.0, *line);
    }
}
