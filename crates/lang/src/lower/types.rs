//! Types of the language as those of the assembly, and their declarations.
//!
//! **Invariant:** one type has one text, and each declared type that is named is declared once.

use super::Lower;
use super::code::{backquoted, float_text, quoted, quoted_bytes};
use crate::code::Code;
use crate::program::{DefKind, Field, ModuleId, Variant};
use crate::ty::{DefId, Kind, NEVER, Ty, UNIT};
use fardel_bytecode::limits::{FIELDS_MAX, TYPE_DEPTH_MAX, VARIANTS_MAX};
use fardel_syntax::ast::{self, Span};
use std::rc::Rc;

/// What the code generator wants to know of a type.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Shape {
    Unit,
    Never,
    Int,
    Float,
    Bool,
    Text,
    Bytes,
    Option(Ty),
    List(Ty),
    Map(Ty, Ty),
    Set(Ty),
    Array(Ty),
    Tuple(Vec<Ty>),
    Record(DefId, Vec<Ty>),
    Object(DefId, Vec<Ty>),
    Sum(DefId, Vec<Ty>),
    Fn(Vec<Ty>, Ty),
    /// A word that is compared by what it is: addresses, tokens, builders.
    Word,
}

/// Bytes of a name in the assembly; longer ones get a number instead of their rest.
const NAME_BYTES: usize = 400;

impl<'c, 'a> Lower<'c, 'a> {
    /// What a concrete type is.
    pub(super) fn shape(&self, ty: Ty) -> Shape {
        match self.p.types.kind(ty) {
            Kind::Error | Kind::Never | Kind::Param(_) | Kind::Var(_) => Shape::Never,
            Kind::Tuple(items) if items.is_empty() => Shape::Unit,
            Kind::Tuple(items) => Shape::Tuple(items.clone()),
            Kind::Fn(params, result, _) => Shape::Fn(params.clone(), *result),
            Kind::Named(def, args) => self.named_shape(*def, args),
        }
    }

    fn named_shape(&self, def: DefId, args: &[Ty]) -> Shape {
        let core = &self.p.core;
        let first = args.first().copied().unwrap_or(UNIT);
        let second = args.get(1).copied().unwrap_or(UNIT);
        if def == core.int || def == core.duration || def == core.instant || def == core.byte || def == core.i32 {
            return Shape::Int;
        }
        if def == core.float || def == core.f32 {
            return Shape::Float;
        }
        if def == core.bool {
            return Shape::Bool;
        }
        if def == core.text || def == core.node {
            return Shape::Text;
        }
        if def == core.bytes {
            return Shape::Bytes;
        }
        if def == core.option {
            return Shape::Option(first);
        }
        if def == core.list {
            return Shape::List(first);
        }
        if def == core.map {
            return Shape::Map(first, second);
        }
        if def == core.set {
            return Shape::Set(first);
        }
        if def == core.array {
            return Shape::Array(first);
        }
        match &self.p.def(def).kind {
            DefKind::Record(_) => Shape::Record(def, args.to_vec()),
            DefKind::Object(_) => Shape::Object(def, args.to_vec()),
            DefKind::Sum(_) => Shape::Sum(def, args.to_vec()),
            DefKind::Alias(_) | DefKind::Builtin | DefKind::Unknown => Shape::Word,
        }
    }

    /// The type as the assembly writes it.
    pub(super) fn asm_type(&mut self, ty: Ty) -> Rc<str> {
        if let Some(known) = self.type_texts.get(&ty) {
            return Rc::clone(known);
        }
        self.depth += 1;
        let text = self.type_text(ty);
        self.depth -= 1;
        self.type_texts.insert(ty, Rc::clone(&text));
        text
    }

    fn type_text(&mut self, ty: Ty) -> Rc<str> {
        if self.depth > TYPE_DEPTH_MAX - 2 {
            let message = format!("a type is nested more than {} deep", TYPE_DEPTH_MAX - 2);
            self.refuse(self.main_module, Span::default(), Code::TooLarge, message, "somewhere in this program");
            return "Any".into();
        }
        match self.p.types.kind(ty).clone() {
            Kind::Error | Kind::Never | Kind::Param(_) | Kind::Var(_) => "Null".into(),
            Kind::Tuple(items) if items.is_empty() => "Null".into(),
            Kind::Tuple(items) => {
                self.check_count(items.len(), FIELDS_MAX, "components", self.main_module, Span::default());
                let items: Vec<String> = items.iter().map(|item| self.asm_type(*item).to_string()).collect();
                let comma = if items.len() == 1 { "," } else { "" };
                format!("({}{comma})", items.join(", ")).into()
            }
            Kind::Fn(params, result, _) => {
                let params: Vec<String> = params.iter().map(|param| self.asm_type(*param).to_string()).collect();
                let result = self.result_text(result);
                format!("fn({}){result}", params.join(", ")).into()
            }
            Kind::Named(def, args) => self.named_type(ty, def, &args),
        }
    }

    /// Tells of a type with more of something than the machine takes.
    fn check_count(&mut self, seen: usize, max: usize, what: &str, module: ModuleId, span: Span) {
        if seen > max {
            let message = format!("a type with {seen} {what}, at most {max} are possible");
            self.refuse(module, span, Code::TooLarge, message, "too many");
        }
    }

    /// ` -> T`, or nothing for a function without a result.
    pub(super) fn result_text(&mut self, result: Ty) -> String {
        if result == UNIT || result == NEVER { String::new() } else { format!(" -> {}", self.asm_type(result)) }
    }

    fn named_type(&mut self, ty: Ty, def: DefId, args: &[Ty]) -> Rc<str> {
        let core = self.p.core;
        let plain = [
            (core.int, "Int"),
            (core.duration, "Int"),
            (core.instant, "Int"),
            (core.float, "Float"),
            (core.bool, "Bool"),
            (core.text, "Text"),
            (core.bytes, "Bytes"),
            (core.node, "Text"),
            (core.reference, "Ref"),
            (core.reply, "Ref"),
            (core.pending, "Ref"),
            (core.monitor, "Ref"),
            (core.address, "Address"),
            (core.builder, "TextBuilder"),
            (core.byte, "Byte"),
            (core.i32, "I32"),
            (core.f32, "F32"),
        ];
        if let Some((_, text)) = plain.iter().find(|(known, _)| *known == def) {
            return (*text).into();
        }
        let of = if [core.option, core.list, core.map, core.set, core.array].contains(&def) {
            Some(self.p.def(def).name)
        } else {
            None
        };
        match (of, &self.p.def(def).kind) {
            (Some(of), _) => {
                let args: Vec<String> = args.iter().map(|arg| self.asm_type(*arg).to_string()).collect();
                format!("{of}<{}>", args.join(", ")).into()
            }
            (None, DefKind::Builtin) => self.p.def(def).name.into(),
            (None, DefKind::Record(_) | DefKind::Object(_) | DefKind::Sum(_)) => self.declared(ty, def),
            (None, DefKind::Alias(_) | DefKind::Unknown) => "Any".into(),
        }
    }

    /// The name of a declared type; its declaration follows.
    fn declared(&mut self, ty: Ty, def: DefId) -> Rc<str> {
        let is_system = self.p.def(def).attrs.iter().any(|attr| attr.name.text == "system");
        if is_system {
            let name = self.p.def(def).name;
            if !self.systems.contains(&name) {
                self.systems.push(name);
            }
            return name.into();
        }
        let name = self.unique_name(&self.display(ty));
        if self.is_growing(ty) {
            let (module, span) = (self.p.def(def).module, self.p.def(def).span);
            let message = format!("`{}` holds itself with types that grow", self.p.def(def).name);
            self.refuse(module, span, Code::Growing, message, "grows without end");
            return backquoted(&name).into();
        }
        self.undeclared.push(ty);
        backquoted(&name).into()
    }

    /// The name, shortened where it is too long and with a number where it is taken.
    pub(super) fn unique_name(&mut self, name: &str) -> String {
        let end = (0..=NAME_BYTES.min(name.len())).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        let short = name.get(..end).unwrap_or(name);
        let mut unique = short.to_owned();
        let mut number = 1;
        while !self.names.insert(unique.clone()) {
            number += 1;
            unique = format!("{short}..{number}");
        }
        unique
    }

    /// The type for people, with the modules of declared types.
    pub(super) fn display(&self, ty: Ty) -> String {
        let list = |items: &[Ty]| items.iter().map(|item| self.display(*item)).collect::<Vec<_>>().join(", ");
        match self.p.types.kind(ty) {
            Kind::Error | Kind::Var(_) | Kind::Param(_) => "?".to_owned(),
            Kind::Never => "Never".to_owned(),
            Kind::Tuple(items) => format!("({})", list(items)),
            Kind::Fn(params, result, _) if *result == UNIT => format!("fn({})", list(params)),
            Kind::Fn(params, result, _) => format!("fn({}) -> {}", list(params), self.display(*result)),
            Kind::Named(def, args) => {
                let declared = self.p.def(*def);
                let name = match declared.kind {
                    DefKind::Builtin => declared.name.to_owned(),
                    DefKind::Record(_) | DefKind::Object(_) | DefKind::Sum(_) | DefKind::Alias(_) | DefKind::Unknown => {
                        format!("{}.{}", self.p.module(declared.module).path, declared.name)
                    }
                };
                if args.is_empty() { name } else { format!("{name}<{}>", list(args)) }
            }
        }
    }

    /// Writes the declarations of all types that were named, and of those that they name.
    pub(super) fn declarations(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(ty) = self.undeclared.pop() {
            if let Some(text) = self.declaration(ty) {
                out.push(text);
            }
        }
        out
    }

    fn declaration(&mut self, ty: Ty) -> Option<String> {
        let Kind::Named(def, args) = self.p.types.kind(ty).clone() else { return None };
        let name = self.asm_type(ty);
        let (module, span) = (self.p.def(def).module, self.p.def(def).span);
        let (fields, variants, word) = match &self.p.def(def).kind {
            DefKind::Record(fields) => (fields.clone(), Vec::new(), "type"),
            DefKind::Object(fields) => (fields.clone(), Vec::new(), "object"),
            DefKind::Sum(variants) => (Vec::new(), variants.clone(), "sum"),
            DefKind::Alias(_) | DefKind::Builtin | DefKind::Unknown => return None,
        };
        self.check_count(variants.len(), VARIANTS_MAX, "variants", module, span);
        let most = variants.iter().map(|variant| variant.fields.len()).chain([fields.len()]).max().unwrap_or(0);
        self.check_count(most, FIELDS_MAX, "fields", module, span);
        let mut parts: Vec<String> = fields.iter().map(|field| self.field_text(field, &args)).collect();
        parts.extend(variants.iter().map(|variant| self.variant_text(variant, &args)));
        Some(format!("{word} {name} {{ {} }}", parts.join(", ")))
    }

    fn variant_text(&mut self, variant: &Variant<'a>, args: &[Ty]) -> String {
        if variant.fields.is_empty() {
            return variant.name.to_owned();
        }
        let fields: Vec<String> = variant.fields.iter().map(|field| self.field_text(field, args)).collect();
        format!("{}({})", variant.name, fields.join(", "))
    }

    fn field_text(&mut self, field: &Field<'a>, args: &[Ty]) -> String {
        let ty = self.p.types.instantiate(field.ty, args);
        let text = self.asm_type(ty);
        let mut out = String::new();
        for attr in field.attrs {
            let named = attr.args.iter().find_map(|arg| crate::lower::types::text_of(arg));
            match (attr.name.text, named) {
                ("was", Some(name)) => out.push_str(&format!("@was({}) ", quoted(name))),
                ("json", Some(name)) => out.push_str(&format!("@json({}) ", quoted(name))),
                (_, _) => {}
            }
        }
        if field.is_var {
            out.push_str("var ");
        }
        out.push_str(&format!("{}: {text}", field.name));
        if let Some(default) = field.default.and_then(constant) {
            out.push_str(&format!(" = {default}"));
        }
        out
    }

    /// The types of the fields of a tuple, record or object; of a sum those of a variant.
    pub(super) fn field_types(&mut self, ty: Ty, variant: Option<usize>) -> Vec<Ty> {
        let (fields, args): (Vec<Ty>, Vec<Ty>) = match self.p.types.kind(ty).clone() {
            Kind::Tuple(items) => return items,
            Kind::Named(def, args) => match (&self.p.def(def).kind, variant) {
                (DefKind::Record(fields) | DefKind::Object(fields), _) => {
                    (fields.iter().map(|field| field.ty).collect(), args)
                }
                (DefKind::Sum(variants), Some(at)) => {
                    let fields = variants.get(at).map(|variant| variant.fields.iter().map(|field| field.ty).collect());
                    (fields.unwrap_or_default(), args)
                }
                (DefKind::Builtin, Some(1)) if def == self.p.core.option => return args,
                (DefKind::Sum(_) | DefKind::Alias(_) | DefKind::Builtin | DefKind::Unknown, _) => return Vec::new(),
            },
            Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => return Vec::new(),
        };
        fields.into_iter().map(|ty| self.p.types.instantiate(ty, &args)).collect()
    }

    /// The name of a field of a tuple, record or object.
    pub(super) fn field_name(&self, ty: Ty, at: usize) -> String {
        if let Kind::Named(def, _) = self.p.types.kind(ty)
            && let DefKind::Record(fields) | DefKind::Object(fields) = &self.p.def(*def).kind
            && let Some(field) = fields.get(at)
        {
            return field.name.to_owned();
        }
        at.to_string()
    }

    /// The variants of a sum type.
    pub(super) fn variants(&self, ty: Ty) -> &[Variant<'a>] {
        if let Kind::Named(def, _) = self.p.types.kind(ty)
            && let DefKind::Sum(variants) = &self.p.def(*def).kind
        {
            return variants;
        }
        &[]
    }

    /// The operand that names a variant: `Shape.Circle`.
    pub(super) fn variant_operand(&mut self, ty: Ty, at: usize) -> String {
        let name = self.variants(ty).get(at).map_or("", |variant| variant.name).to_owned();
        format!("{}.{name}", self.asm_type(ty))
    }

    /// The operand that names a field of a variant: `Shape.Circle.radius`.
    pub(super) fn payload_operand(&mut self, ty: Ty, at: usize, field: usize) -> String {
        let variant = self.variants(ty).get(at);
        let name = variant.and_then(|variant| variant.fields.get(field)).map_or("", |field| field.name).to_owned();
        format!("{}.{name}", self.variant_operand(ty, at))
    }
}

/// A default of a field, where it is a literal.
fn constant(expr: &ast::Expr<'_>) -> Option<String> {
    if let ast::ExprKind::Paren(inner) = &expr.kind {
        return constant(inner);
    }
    if let ast::ExprKind::Unary { op: ast::UnaryOp::Neg, operand } = &expr.kind {
        return number(operand, true);
    }
    if let ast::ExprKind::Bool(value) = &expr.kind {
        return Some(value.to_string());
    }
    if let ast::ExprKind::Bytes(bytes) = &expr.kind {
        return Some(quoted_bytes(bytes));
    }
    if let ast::ExprKind::Text(parts) = &expr.kind {
        return match parts.as_slice() {
            [] => Some(quoted("")),
            [ast::TextPart::Text(text)] => Some(quoted(text)),
            [ast::TextPart::Value(_)] | [_, _, ..] => None,
        };
    }
    if let ast::ExprKind::UpperName(name) = &expr.kind {
        return (name.text == "None").then(|| "null".to_owned());
    }
    number(expr, false)
}

fn number(expr: &ast::Expr<'_>, is_negative: bool) -> Option<String> {
    let int = |value: i64| Some(if is_negative { value.wrapping_neg() } else { value }.to_string());
    if let ast::ExprKind::Int(value) = &expr.kind {
        return int(*value as i64);
    }
    if let ast::ExprKind::Duration(value) = &expr.kind {
        return int(*value);
    }
    let ast::ExprKind::Float(value) = &expr.kind else { return None };
    Some(float_text(if is_negative { -value } else { *value }))
}

/// The text of an argument that is one.
fn text_of<'a>(arg: &'a ast::Arg<'_>) -> Option<&'a str> {
    let ast::ArgKind::Value(value) = &arg.kind else { return None };
    let ast::ExprKind::Text(parts) = &value.kind else { return None };
    match parts.as_slice() {
        [ast::TextPart::Text(text)] => Some(text),
        _ => None,
    }
}
