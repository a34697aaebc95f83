//! Derived functions: whether two values are equal by content, and which is the lesser.
//!
//! The machine compares lists, maps, sets and arrays by identity, and orders numbers and texts alone; the language goes
//! further. Objects are equal when they are the same.

use super::Lower;
use super::code::{Label, Slot, backquoted};
use super::frame::Frame;
use super::types::Shape;
use crate::program::ModuleId;
use crate::thir::Body;
use crate::ty::Ty;
use rustc_hash::FxHashSet;
use std::rc::Rc;

impl<'c, 'a> Lower<'c, 'a> {
    /// Whether the machine orders values of a type.
    pub(super) fn is_ordered(&self, ty: Ty) -> bool {
        matches!(self.shape(ty), Shape::Int | Shape::Float | Shape::Bool | Shape::Text | Shape::Bytes)
    }

    /// Whether values of a type hold what the machine compares by identity and the language by content.
    pub(super) fn compares_by_content(&mut self, ty: Ty) -> bool {
        if let Some(known) = self.by_content.get(&ty) {
            return *known;
        }
        let found = self.holds(ty, &mut FxHashSet::default(), &|shape| {
            matches!(shape, Shape::List(_) | Shape::Map(..) | Shape::Set(_) | Shape::Array(_))
        });
        self.by_content.insert(ty, found);
        found
    }

    /// Whether a type, or one of its parts as far as values are compared, is such.
    pub(super) fn holds(&mut self, ty: Ty, seen: &mut FxHashSet<Ty>, is: &dyn Fn(&Shape) -> bool) -> bool {
        if !seen.insert(ty) || self.is_growing(ty) {
            return false;
        }
        let shape = self.shape(ty);
        if is(&shape) {
            return true;
        }
        // An object is compared by itself, not by what is in it.
        let parts = if let Shape::Object(..) = shape { Vec::new() } else { self.object_parts(ty) };
        parts.into_iter().any(|part| self.holds(part, seen, is))
    }

    /// A body for frames that have none of their own.
    pub(super) fn any_body(&self) -> Option<&'c Body> {
        let checked = self.checked;
        checked.fns.iter().chain(&checked.consts).chain(&checked.tests).flatten().next()
    }

    pub(super) fn derive_eq(&mut self, name: String, ty: Ty) {
        let (Some(body), bool) = (self.any_body(), self.p.core.bool) else { return };
        let result = self.p.plain(bool);
        let mut frame = Frame::new(self, name, ModuleId(u32::MAX), body, Rc::from([]));
        let (a, b) = frame.two(ty);
        frame.eq_body(ty, a, b);
        frame.end_derived(result, 2);
    }

    pub(super) fn derive_compare(&mut self, name: String, ty: Ty) {
        let (Some(body), int) = (self.any_body(), self.p.core.int) else { return };
        let result = self.p.plain(int);
        let mut frame = Frame::new(self, name, ModuleId(u32::MAX), body, Rc::from([]));
        let (a, b) = frame.two(ty);
        frame.compare_body(ty, a, b);
        frame.end_derived(result, 2);
    }
}

impl<'c, 'a> Frame<'_, 'c, 'a> {
    fn two(&mut self, ty: Ty) -> (Slot, Slot) {
        let text = self.l.asm_type(ty);
        (self.code.param("a", Rc::clone(&text)), self.code.param("b", text))
    }

    pub(super) fn end_derived(&mut self, result: Ty, params: usize) {
        self.end(result, &[], 0, params);
    }

    /// Loads both and takes a part of each.
    fn both(&mut self, a: Slot, b: Slot, part: &dyn Fn(&mut Self)) {
        self.code.load(a);
        part(self);
        self.code.load(b);
        part(self);
    }

    fn ret(&mut self, value: &'static str) {
        self.code.op(value);
        self.code.op("ret");
    }

    fn eq_body(&mut self, ty: Ty, a: Slot, b: Slot) {
        let (yes, no) = (self.code.label(), self.code.label());
        match self.l.shape(ty) {
            Shape::Option(inner) => {
                let none = self.code.label();
                self.code.load(a);
                self.code.op("is_null");
                self.code.jump("jmp_if", none);
                self.code.load(b);
                self.code.op("is_null");
                self.code.jump("jmp_if", no);
                let text = self.l.asm_type(ty);
                self.both(a, b, &|frame| frame.code.op(format!("unwrap {text}")));
                self.equality(inner, false);
                self.code.op("ret");
                self.code.bind(none);
                self.code.load(b);
                self.code.op("is_null");
                self.code.op("ret");
            }
            Shape::List(item) | Shape::Array(item) => {
                self.same_count(a, b, yes, no);
                self.eq_elements(item, a, b, no);
            }
            Shape::Map(key, value) => {
                self.same_count(a, b, yes, no);
                self.eq_entries(key, Some(value), (a, b), no);
            }
            Shape::Set(key) => {
                self.same_count(a, b, yes, no);
                self.eq_entries(key, None, (a, b), no);
            }
            Shape::Tuple(_) | Shape::Record(..) => {
                let fields = self.l.field_types(ty, None);
                self.eq_fields(fields, a, b, no, &|frame, at| frame.read_field(ty, at));
            }
            Shape::Sum(..) => {
                let text = self.l.asm_type(ty);
                self.both(a, b, &|frame| frame.code.op(format!("tag {text}")));
                self.code.op("ne");
                self.code.jump("jmp_if", no);
                self.each_variant(ty, a, yes, &mut |frame, variant| {
                    let fields = frame.l.field_types(ty, Some(variant));
                    frame.eq_fields(fields, a, b, no, &|frame, at| {
                        let operand = frame.l.payload_operand(ty, variant, at);
                        frame.code.op(format!("payload {operand}"));
                    });
                    frame.code.jump("jmp", yes);
                });
            }
            Shape::Unit
            | Shape::Never
            | Shape::Int
            | Shape::Float
            | Shape::Bool
            | Shape::Text
            | Shape::Bytes
            | Shape::Object(..)
            | Shape::Fn(..)
            | Shape::Word => {
                self.both(a, b, &|_| {});
                self.code.op("eq");
                self.code.op("ret");
            }
        }
        self.code.bind(yes);
        self.ret("push true");
        self.code.bind(no);
        self.ret("push false");
    }

    /// The same container is equal; one with another count is not.
    fn same_count(&mut self, a: Slot, b: Slot, yes: Label, no: Label) {
        self.both(a, b, &|_| {});
        self.code.op("eq");
        self.code.jump("jmp_if", yes);
        self.both(a, b, &|frame| frame.code.op("len"));
        self.code.op("ne");
        self.code.jump("jmp_if", no);
    }

    fn counter_loop(&mut self, a: Slot, body: &mut dyn FnMut(&mut Self, Slot)) {
        let (i, count) = (self.code.slot("i", "Int".into()), self.code.slot("count", "Int".into()));
        let (test, round) = (self.code.label(), self.code.label());
        self.code.load(a);
        self.code.op("len");
        self.code.store(count);
        self.code.op("push 0");
        self.code.store(i);
        self.code.jump("jmp", test);
        self.code.bind(round);
        body(self, i);
        self.code.load(i);
        self.code.op("push 1");
        self.code.op("add");
        self.code.store(i);
        self.code.bind(test);
        self.code.load(i);
        self.code.load(count);
        self.code.op("lt");
        self.code.jump("jmp_if", round);
    }

    fn eq_elements(&mut self, item: Ty, a: Slot, b: Slot, no: Label) {
        self.counter_loop(a, &mut |frame, i| {
            frame.both(a, b, &|frame| {
                frame.code.load(i);
                frame.code.op("get");
            });
            frame.equality(item, true);
            frame.code.jump("jmp_if", no);
        });
    }

    fn eq_entries(&mut self, key_ty: Ty, value: Option<Ty>, (a, b): (Slot, Slot), no: Label) {
        let at = self.code.slot("at", "Int".into());
        let key = self.slot("key", key_ty);
        let (test, round) = (self.code.label(), self.code.label());
        self.code.load(a);
        self.code.op("push 0");
        self.code.op("map_next");
        self.code.store(at);
        self.code.jump("jmp", test);
        self.code.bind(round);
        self.code.load(a);
        self.code.load(at);
        self.code.op("map_key_at");
        self.code.store(key);
        self.code.load(b);
        self.code.load(key);
        self.code.op("map_has");
        self.code.jump("jmp_unless", no);
        if let Some(value) = value {
            self.code.load(a);
            self.code.load(at);
            self.code.op("map_value_at");
            self.code.load(b);
            self.code.load(key);
            self.code.op("get");
            self.equality(value, true);
            self.code.jump("jmp_if", no);
        }
        self.code.load(a);
        self.code.load(at);
        self.code.op("push 1");
        self.code.op("add");
        self.code.op("map_next");
        self.code.store(at);
        self.code.bind(test);
        self.code.load(at);
        self.code.op("push 0");
        self.code.op("ge");
        self.code.jump("jmp_if", round);
    }

    fn eq_fields(&mut self, fields: Vec<Ty>, a: Slot, b: Slot, no: Label, read: &dyn Fn(&mut Self, usize)) {
        for (at, field) in fields.into_iter().enumerate() {
            self.both(a, b, &|frame| read(frame, at));
            self.equality(field, true);
            self.code.jump("jmp_if", no);
        }
    }

    /// A part for each variant with fields; those without go on at a label.
    fn each_variant(&mut self, ty: Ty, value: Slot, bare: Label, body: &mut dyn FnMut(&mut Self, usize)) {
        let text = self.l.asm_type(ty);
        let with_fields: Vec<bool> = self.l.variants(ty).iter().map(|variant| !variant.fields.is_empty()).collect();
        let labels: Vec<Label> = with_fields.iter().map(|has| if *has { self.code.label() } else { bare }).collect();
        self.code.load(value);
        self.code.op(format!("tag {text}"));
        self.code.switch(labels.clone());
        self.code.jump("jmp", bare);
        for (variant, (label, has)) in labels.into_iter().zip(with_fields).enumerate() {
            if has {
                self.code.bind(label);
                body(self, variant);
            }
        }
    }

    fn compare_body(&mut self, ty: Ty, a: Slot, b: Slot) {
        let (same, found) = (self.code.label(), self.code.label());
        let order = self.code.slot("order", "Int".into());
        match self.l.shape(ty) {
            Shape::Option(inner) => {
                let none = self.code.label();
                let (less, more) = (self.code.label(), self.code.label());
                self.code.load(a);
                self.code.op("is_null");
                self.code.jump("jmp_if", none);
                self.code.load(b);
                self.code.op("is_null");
                self.code.jump("jmp_if", more);
                let text = self.l.asm_type(ty);
                self.both(a, b, &|frame| frame.code.op(format!("unwrap {text}")));
                self.compare_top(inner);
                self.code.op("ret");
                self.code.bind(none);
                self.code.load(b);
                self.code.op("is_null");
                self.code.jump("jmp_unless", less);
                self.ret("push 0");
                self.code.bind(less);
                self.ret("push -1");
                self.code.bind(more);
                self.ret("push 1");
            }
            Shape::Tuple(_) | Shape::Record(..) => {
                let fields = self.l.field_types(ty, None);
                self.compare_fields(fields, (a, b), order, found, &|frame, at| frame.read_field(ty, at));
            }
            Shape::Sum(..) => {
                let text = self.l.asm_type(ty);
                self.both(a, b, &|frame| frame.code.op(format!("tag {text}")));
                self.code.op("compare");
                self.code.store(order);
                self.differs(order, found);
                self.each_variant(ty, a, same, &mut |frame, variant| {
                    let fields = frame.l.field_types(ty, Some(variant));
                    frame.compare_fields(fields, (a, b), order, found, &|frame, at| {
                        let operand = frame.l.payload_operand(ty, variant, at);
                        frame.code.op(format!("payload {operand}"));
                    });
                    frame.code.jump("jmp", same);
                });
            }
            Shape::Unit | Shape::Never => {}
            Shape::Int
            | Shape::Float
            | Shape::Bool
            | Shape::Text
            | Shape::Bytes
            | Shape::List(_)
            | Shape::Map(..)
            | Shape::Set(_)
            | Shape::Array(_)
            | Shape::Object(..)
            | Shape::Fn(..)
            | Shape::Word => {
                self.both(a, b, &|_| {});
                self.compare_top(ty);
                self.code.op("ret");
            }
        }
        self.code.bind(same);
        self.ret("push 0");
        self.code.bind(found);
        self.code.load(order);
        self.code.op("ret");
    }

    fn differs(&mut self, order: Slot, found: Label) {
        self.code.load(order);
        self.code.op("push 0");
        self.code.op("ne");
        self.code.jump("jmp_if", found);
    }

    fn compare_fields(
        &mut self,
        fields: Vec<Ty>,
        (a, b): (Slot, Slot),
        order: Slot,
        found: Label,
        read: &dyn Fn(&mut Self, usize),
    ) {
        for (at, field) in fields.into_iter().enumerate() {
            self.both(a, b, &|frame| read(frame, at));
            self.compare_top(field);
            self.code.store(order);
            self.differs(order, found);
        }
    }

    /// Compares the two values on the stack.
    fn compare_top(&mut self, ty: Ty) {
        if self.l.is_ordered(ty) {
            return self.code.op("compare");
        }
        match self.l.shape(ty) {
            Shape::Word
            | Shape::Fn(..)
            | Shape::List(_)
            | Shape::Map(..)
            | Shape::Set(_)
            | Shape::Array(_)
            | Shape::Object(..) => {
                // The machine says that these have no order.
                self.code.op("to_any 0");
                self.code.op("swap");
                self.code.op("to_any 0");
                self.code.op("swap");
                self.code.op("compare");
            }
            Shape::Unit
            | Shape::Never
            | Shape::Int
            | Shape::Float
            | Shape::Bool
            | Shape::Text
            | Shape::Bytes
            | Shape::Option(_)
            | Shape::Tuple(_)
            | Shape::Record(..)
            | Shape::Sum(..) => {
                let name = self.l.derive("compare", ty);
                self.code.op(format!("call {}", backquoted(&name)));
            }
        }
    }
}
