//! Values as text: interpolation, chains of `+`, and derived functions where the machine's `show` does not know enough.

use super::Lower;
use super::code::{Slot, backquoted, quoted};
use super::frame::{Frame, Got, Literal, Want};
use super::types::Shape;
use crate::program::ModuleId;
use crate::thir::{Expr, FnId};
use crate::ty::{Kind, Ty, UNIT};
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// A part of a text.
enum Part<'c> {
    Literal(String),
    Value(&'c Expr),
}

impl<'c, 'a> Lower<'c, 'a> {
    /// The method that shows a type of the standard library, such as `Duration`.
    fn show_method(&self, ty: Ty) -> Option<FnId> {
        let Kind::Named(def, _) = self.p.types.kind(ty) else { return None };
        if *def == self.p.core.duration { self.p.def(*def).methods.get("show").copied() } else { None }
    }

    /// Whether the machine's `show` writes something else than the language.
    pub(super) fn is_shown_by_function(&mut self, ty: Ty) -> bool {
        if let Some(known) = self.shown.get(&ty) {
            return *known;
        }
        let duration = self.p.core.duration;
        let duration = self.p.plain(duration);
        let mut seen = FxHashSet::default();
        let found = ty == duration
            || self.holds(ty, &mut seen, &|shape| {
                matches!(shape, Shape::Unit | Shape::Option(_) | Shape::Record(..) | Shape::Sum(..) | Shape::Object(..))
            })
            || seen.contains(&duration);
        self.shown.insert(ty, found);
        found
    }

    /// Whether values of a type may lead back to themselves.
    fn is_circular(&mut self, ty: Ty) -> bool {
        let mut seen = FxHashSet::default();
        let mut work = self.object_parts(ty);
        while let Some(part) = work.pop() {
            if part == ty {
                return true;
            }
            if seen.insert(part) && !self.is_growing(part) {
                work.extend(self.object_parts(part));
            }
        }
        false
    }

    /// The types that values of a type consist of, those of an object's fields included.
    pub(super) fn object_parts(&mut self, ty: Ty) -> Vec<Ty> {
        match self.shape(ty) {
            Shape::Option(inner) | Shape::List(inner) | Shape::Set(inner) => vec![inner],
            Shape::Map(key, value) => vec![key, value],
            Shape::Tuple(items) => items,
            Shape::Record(..) | Shape::Object(..) => self.field_types(ty, None),
            Shape::Sum(..) => {
                let count = self.variants(ty).len();
                (0..count).flat_map(|at| self.field_types(ty, Some(at))).collect()
            }
            Shape::Unit
            | Shape::Never
            | Shape::Int
            | Shape::Float
            | Shape::Bool
            | Shape::Text
            | Shape::Bytes
            | Shape::Array(_)
            | Shape::Fn(..)
            | Shape::Word => Vec::new(),
        }
    }

    pub(super) fn derive_show(&mut self, name: String, ty: Ty) {
        let Some(body) = self.any_body() else { return };
        let mut frame = Frame::new(self, name, ModuleId(u32::MAX), body, Rc::from([]));
        let text = frame.l.asm_type(ty);
        let value = frame.code.param("value", text);
        let out = frame.code.param("out", "TextBuilder".into());
        frame.show_body(ty, value, out);
        frame.code.op("ret");
        frame.end_derived(UNIT, 2);
    }
}

impl<'c, 'a> Frame<'_, 'c, 'a> {
    /// Texts and values, one behind the other, as one text.
    pub(super) fn interpolated(&mut self, parts: Vec<&'c Expr>, want: Want) {
        let mut merged: Vec<Part<'c>> = Vec::new();
        for part in parts {
            let ty = self.ty(part);
            let literal = match self.known(part) {
                Some(Literal::Text(text)) => text.to_string(),
                Some(Literal::Int(value)) if self.is_int(ty) => value.to_string(),
                Some(_) | None => {
                    merged.push(Part::Value(part));
                    continue;
                }
            };
            match merged.last_mut() {
                Some(Part::Literal(before)) => before.push_str(&literal),
                Some(Part::Value(_)) | None => merged.push(Part::Literal(literal)),
            }
        }
        merged.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
        let is_simple = merged.len() <= 2;
        if is_simple {
            for part in &merged {
                self.text_part(part);
                self.code.height += 1;
            }
            match merged.len() {
                0 => self.code.op("push \"\""),
                2 => self.code.op("concat"),
                _ => {}
            }
            return self.deliver(Got::Value, want);
        }
        let scope = self.code.open_scope();
        let out = self.code.slot("out", "TextBuilder".into());
        self.code.op("text_builder");
        self.code.store(out);
        for part in &merged {
            match part {
                Part::Literal(text) => self.add_literal(out, text),
                Part::Value(value) => self.add_value(out, value),
            }
        }
        self.code.load(out);
        self.code.op("builder_finish");
        self.code.close_scope(scope);
        self.deliver(Got::Value, want);
    }

    /// A part as a text on the stack; the height is the caller's matter.
    fn text_part(&mut self, part: &Part<'c>) {
        match part {
            Part::Literal(text) => self.code.op(format!("push {}", quoted(text))),
            Part::Value(value) => {
                let ty = self.ty(value);
                let height = self.code.height;
                self.expr(value, Want::Value);
                self.code.height = height;
                self.show_top(ty);
            }
        }
    }

    /// The value on the stack as a text.
    pub(super) fn show_top(&mut self, ty: Ty) {
        if self.l.shape(ty) == Shape::Text {
            return;
        }
        if let Some(id) = self.l.show_method(ty) {
            let name = self.l.instance(id, &[]);
            return self.code.op(format!("call {}", backquoted(&name)));
        }
        if !self.l.is_shown_by_function(ty) {
            return self.code.op("show");
        }
        let scope = self.code.open_scope();
        let out = self.code.slot("out", "TextBuilder".into());
        self.code.op("text_builder");
        self.code.store(out);
        self.code.load(out);
        let name = self.l.derive("show", ty);
        self.code.op(format!("call {}", backquoted(&name)));
        self.code.load(out);
        self.code.op("builder_finish");
        self.code.close_scope(scope);
    }

    fn add_literal(&mut self, out: Slot, text: &str) {
        self.code.load(out);
        self.code.op(format!("push {}", quoted(text)));
        self.code.op("builder_add");
    }

    /// Adds a value to a text that grows.
    fn add_value(&mut self, out: Slot, value: &'c Expr) {
        let ty = self.ty(value);
        if self.adds_itself(ty) {
            self.expr(value, Want::Value);
            self.code.height -= 1;
            return self.add_top(ty, out);
        }
        self.code.load(out);
        self.code.height += 1;
        self.text_or_int(value, ty);
        self.code.height -= 1;
    }

    fn text_or_int(&mut self, value: &'c Expr, ty: Ty) {
        if self.is_int(ty) {
            self.expr(value, Want::Value);
            self.code.op("builder_int");
        } else {
            let height = self.code.height;
            self.expr(value, Want::Value);
            self.code.height = height;
            self.show_top(ty);
            self.code.op("builder_add");
        }
    }

    fn is_int(&self, ty: Ty) -> bool {
        matches!(self.l.p.types.kind(ty), Kind::Named(def, _) if *def == self.l.p.core.int)
    }

    /// Whether a derived function writes the value straight into the text.
    fn adds_itself(&mut self, ty: Ty) -> bool {
        self.l.show_method(ty).is_none() && self.l.is_shown_by_function(ty)
    }

    /// Adds the value on the stack to a text, as it is written inside of another value.
    fn add_top(&mut self, ty: Ty, out: Slot) {
        if self.adds_itself(ty) {
            self.code.load(out);
            let name = self.l.derive("show", ty);
            return self.code.op(format!("call {}", backquoted(&name)));
        }
        let text = self.code.slot("text", "Text".into());
        if self.l.shape(ty) == Shape::Text {
            // In quotes, as the machine writes it in a tuple.
            self.code.op("new (Text,)");
            self.code.op("show");
            self.code.store(text);
            self.code.load(out);
            self.code.load(text);
            self.code.op("push 1");
            self.code.load(text);
            self.code.op("len");
            for op in ["push 2", "sub", "slice"] {
                self.code.op(op);
            }
        } else {
            self.show_top(ty);
            self.code.store(text);
            self.code.load(out);
            self.code.load(text);
        }
        self.code.op("builder_add");
    }

    fn show_body(&mut self, ty: Ty, value: Slot, out: Slot) {
        match self.l.shape(ty) {
            Shape::Unit => self.add_literal(out, "()"),
            Shape::Option(inner) => {
                let (none, end) = (self.code.label(), self.code.label());
                self.code.load(value);
                self.code.op("is_null");
                self.code.jump("jmp_if", none);
                self.add_literal(out, "Some(");
                self.code.load(value);
                let text = self.l.asm_type(ty);
                self.code.op(format!("unwrap {text}"));
                self.add_top(inner, out);
                self.add_literal(out, ")");
                self.code.jump("jmp", end);
                self.code.bind(none);
                self.add_literal(out, "None");
                self.code.bind(end);
            }
            Shape::Tuple(items) => self.show_fields("(", items, out, &|frame, at| {
                frame.code.load(value);
                frame.read_field(ty, at);
            }),
            Shape::Record(def, _) | Shape::Object(def, _) => {
                let name = self.l.p.def(def).name.to_owned();
                if self.l.is_circular(ty) && matches!(self.l.shape(ty), Shape::Object(..)) {
                    return self.add_literal(out, &format!("{name}(..)"));
                }
                let fields = self.l.field_types(ty, None);
                self.show_fields(&format!("{name}("), fields, out, &|frame, at| {
                    frame.code.load(value);
                    frame.read_field(ty, at);
                });
            }
            Shape::Sum(..) => self.show_variants(ty, value, out),
            Shape::List(item) => self.show_elements(item, value, out),
            Shape::Set(key) => self.show_entries(key, None, value, out),
            Shape::Map(key, item) => self.show_entries(key, Some(item), value, out),
            Shape::Never
            | Shape::Int
            | Shape::Float
            | Shape::Bool
            | Shape::Text
            | Shape::Bytes
            | Shape::Array(_)
            | Shape::Fn(..)
            | Shape::Word => {
                self.code.load(out);
                self.code.load(value);
                self.show_top(ty);
                self.code.op("builder_add");
            }
        }
    }

    fn show_fields(&mut self, open: &str, fields: Vec<Ty>, out: Slot, read: &dyn Fn(&mut Self, usize)) {
        let mut before = open.to_owned();
        for (at, field) in fields.into_iter().enumerate() {
            self.add_literal(out, &before);
            read(self, at);
            self.add_top(field, out);
            before = ", ".to_owned();
        }
        let close = if before == open { format!("{open})") } else { ")".to_owned() };
        self.add_literal(out, &close);
    }

    fn show_variants(&mut self, ty: Ty, value: Slot, out: Slot) {
        let end = self.code.label();
        let names: Vec<String> = self.l.variants(ty).iter().map(|variant| variant.name.to_owned()).collect();
        let labels: Vec<_> = names.iter().map(|_| self.code.label()).collect();
        let text = self.l.asm_type(ty);
        self.code.load(value);
        self.code.op(format!("tag {text}"));
        self.code.switch(labels.clone());
        self.code.jump("jmp", end);
        for (variant, (name, label)) in names.into_iter().zip(labels).enumerate() {
            self.code.bind(label);
            let fields = self.l.field_types(ty, Some(variant));
            if fields.is_empty() {
                self.add_literal(out, &name);
            } else {
                self.show_fields(&format!("{name}("), fields, out, &|frame, at| {
                    frame.code.load(value);
                    let operand = frame.l.payload_operand(ty, variant, at);
                    frame.code.op(format!("payload {operand}"));
                });
            }
            self.code.jump("jmp", end);
        }
        self.code.bind(end);
    }

    fn show_elements(&mut self, item: Ty, value: Slot, out: Slot) {
        let i = self.code.slot("i", "Int".into());
        let (test, round, first) = (self.code.label(), self.code.label(), self.code.label());
        self.add_literal(out, "[");
        self.code.op("push 0");
        self.code.store(i);
        self.code.jump("jmp", test);
        self.code.bind(round);
        self.between(i, out, first);
        self.code.load(value);
        self.code.load(i);
        self.code.op("get");
        self.add_top(item, out);
        self.code.load(i);
        for op in ["push 1", "add"] {
            self.code.op(op);
        }
        self.code.store(i);
        self.code.bind(test);
        self.code.load(i);
        self.code.load(value);
        for op in ["len", "lt"] {
            self.code.op(op);
        }
        self.code.jump("jmp_if", round);
        self.add_literal(out, "]");
    }

    /// A comma before all but the first.
    fn between(&mut self, i: Slot, out: Slot, first: super::code::Label) {
        self.code.load(i);
        for op in ["push 0", "eq"] {
            self.code.op(op);
        }
        self.code.jump("jmp_if", first);
        self.add_literal(out, ", ");
        self.code.bind(first);
    }

    fn show_entries(&mut self, key: Ty, item: Option<Ty>, value: Slot, out: Slot) {
        let (at, i) = (self.code.slot("at", "Int".into()), self.code.slot("i", "Int".into()));
        let (test, round, first, end) = (self.code.label(), self.code.label(), self.code.label(), self.code.label());
        self.add_literal(out, if item.is_some() { "[" } else { "{" });
        self.code.op("push 0");
        self.code.store(i);
        self.code.load(value);
        for op in ["push 0", "map_next"] {
            self.code.op(op);
        }
        self.code.store(at);
        self.code.jump("jmp", test);
        self.code.bind(round);
        self.between(i, out, first);
        self.code.op("push 1");
        self.code.store(i);
        self.code.load(value);
        self.code.load(at);
        self.code.op("map_key_at");
        self.add_top(key, out);
        if let Some(item) = item {
            self.add_literal(out, ": ");
            self.code.load(value);
            self.code.load(at);
            self.code.op("map_value_at");
            self.add_top(item, out);
        }
        self.code.load(value);
        self.code.load(at);
        for op in ["push 1", "add", "map_next"] {
            self.code.op(op);
        }
        self.code.store(at);
        self.code.bind(test);
        self.code.load(at);
        for op in ["push 0", "ge"] {
            self.code.op(op);
        }
        self.code.jump("jmp_if", round);
        if item.is_some() {
            let full = self.code.label();
            self.code.load(i);
            self.code.op("push 0");
            self.code.op("ne");
            self.code.jump("jmp_if", full);
            self.add_literal(out, ":");
            self.code.bind(full);
        }
        self.add_literal(out, if item.is_some() { "]" } else { "}" });
        self.code.bind(end);
    }
}
