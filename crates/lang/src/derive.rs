//! Functions that the compiler writes for each type: to JSON and from it, and inputs of tests.
//!
//! They are written as typed bodies for one concrete type, and call each other for the types in it.

mod any;

use crate::program::{DefKind, Field, Program, Value, Variant};
use crate::thir::{Arm, Body, Cond, Expr, ExprKind, FnId, For, Local, LocalId, Loop, Pat, PatKind, Place, Try};
use crate::ty::{DefId, Kind, Ty, UNIT};
use fardel_syntax::ast::{self, Span};

/// A function that is derived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Derived {
    ToJson,
    FromJson,
    Any,
}

impl Derived {
    /// The one with a name.
    pub(crate) fn by_name(name: &str) -> Option<Derived> {
        match name {
            "to_json" => Some(Derived::ToJson),
            "from_json" => Some(Derived::FromJson),
            "any" => Some(Derived::Any),
            _ => None,
        }
    }
}

/// A type that a function cannot be written for, in words.
pub(crate) struct NotData(pub(crate) String);

/// The body of a derived function for a type without parameters and variables.
pub(crate) fn body(p: &mut Program<'_>, derived: Derived, ty: Ty) -> Result<Body, NotData> {
    match derived {
        Derived::ToJson => Build::new(p)?.writer(ty),
        Derived::FromJson => Build::new(p)?.reader(ty),
        Derived::Any => any::body(p, ty),
    }
}

struct Build<'p, 'a> {
    p: &'p mut Program<'a>,
    locals: Vec<Local>,
    json: DefId,
    json_type: Ty,
    error: Ty,
    fields: Ty,
    items: Ty,
    text: Ty,
}

/// What of a sum's attributes says how it is written.
struct Tagging<'a> {
    /// The field with the variant's name.
    tag: Option<&'a str>,
}

impl<'p, 'a> Build<'p, 'a> {
    fn new(p: &'p mut Program<'a>) -> Result<Self, NotData> {
        let module = p.modules.iter().find(|module| module.is_std && module.path == "json");
        let found = module.and_then(|module| Some((*module.own.types.get("Json")?, *module.own.types.get("Error")?)));
        let Some((json, error)) = found else { return Err(NotData("the module `json` is not loaded".to_owned())) };
        let core = p.core;
        let (json_type, error, text) = (p.plain(json), p.plain(error), p.plain(core.text));
        let fields = p.types.named(core.map, vec![text, json_type]);
        let items = p.types.named(core.list, vec![json_type]);
        Ok(Build { p, locals: Vec::new(), json, json_type, error, fields, items, text })
    }

    // Parts of bodies.

    fn local(&mut self, name: &str, ty: Ty) -> LocalId {
        let id = LocalId(self.locals.len() as u32);
        self.locals.push(Local { name: name.to_owned(), ty, is_var: false, span: Span::default(), depth: 1 });
        id
    }

    fn expr(&self, kind: ExprKind, ty: Ty) -> Expr {
        Expr { kind, ty, span: Span::default() }
    }

    fn get(&self, id: LocalId) -> Expr {
        self.expr(ExprKind::Local(id), self.locals[id.0 as usize].ty)
    }

    fn text(&self, text: &str) -> Expr {
        self.expr(ExprKind::Text(text.to_owned()), self.text)
    }

    fn bind(&self, id: LocalId, value: Expr) -> Expr {
        let pat = Pat { kind: PatKind::Bind(id), ty: value.ty, span: Span::default() };
        self.expr(ExprKind::Let(Box::new(pat), Box::new(value)), UNIT)
    }

    fn block(&self, stmts: Vec<Expr>, value: Expr) -> Expr {
        let ty = value.ty;
        self.expr(ExprKind::Block(stmts, Some(Box::new(value))), ty)
    }

    fn stmts(&self, stmts: Vec<Expr>) -> Expr {
        self.expr(ExprKind::Block(stmts, None), UNIT)
    }

    fn result(&mut self, ty: Ty) -> Ty {
        let (result, error) = (self.p.core.result, self.error);
        self.p.types.named(result, vec![ty, error])
    }

    /// `value?`
    fn attempt(&self, value: Expr, ty: Ty) -> Expr {
        self.expr(ExprKind::Try(Box::new(value), Try::Same), ty)
    }

    fn ok(&mut self, value: Expr) -> Expr {
        let ty = self.result(value.ty);
        self.expr(ExprKind::Variant(0, vec![value]), ty)
    }

    /// A function of the module `json`.
    fn function(&self, name: &str) -> FnId {
        let module = &self.p.def(self.json).module;
        match self.p.module(*module).own.values.get(name) {
            Some(Value::Fn(id)) => *id,
            Some(Value::Const(_)) | None => unreachable!("the module `json` has the function `{name}`"),
        }
    }

    fn call(&self, name: &str, types: Vec<Ty>, args: Vec<Expr>, result: Ty) -> Expr {
        self.expr(ExprKind::Call(self.function(name), types, args), result)
    }

    fn method(&self, of: DefId, name: &str, types: Vec<Ty>, args: Vec<Expr>, result: Ty) -> Expr {
        match self.p.def(of).methods.get(name) {
            Some(id) => self.expr(ExprKind::Call(*id, types, args), result),
            None => unreachable!("the standard library has the method `{name}`"),
        }
    }

    /// A variant of `Json`.
    fn json(&self, name: &str, parts: Vec<Expr>) -> Expr {
        let at = match &self.p.def(self.json).kind {
            DefKind::Sum(variants) => variants.iter().position(|variant| variant.name == name).unwrap_or(0),
            DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) | DefKind::Record(_) | DefKind::Object(_) => 0,
        };
        self.expr(ExprKind::Variant(at, parts), self.json_type)
    }

    fn written(&self, value: Expr) -> Expr {
        let ty = value.ty;
        self.call("to_json", vec![ty], vec![value], self.json_type)
    }

    /// `from_json(json)?`, where what is wrong is said to be at a place.
    fn read(&mut self, json: Expr, ty: Ty, place: Expr) -> Expr {
        let result = self.result(ty);
        let read = self.call("from_json", vec![ty], vec![json], result);
        let placed = self.call("inside", vec![ty], vec![read, place], result);
        self.attempt(placed, ty)
    }

    /// `map[name] = value`
    fn put(&self, map: LocalId, name: Expr, value: Expr) -> Expr {
        let place = Place::Index(self.get(map), name);
        self.expr(ExprKind::Assign(Box::new(place), None, Box::new(value)), UNIT)
    }

    fn for_each(&self, pat: Pat, over: Expr, how: Loop, body: Expr) -> Expr {
        self.expr(ExprKind::For(Box::new(For { pat, over, body, how })), UNIT)
    }

    fn pat(&self, id: LocalId) -> Pat {
        Pat { kind: PatKind::Bind(id), ty: self.locals[id.0 as usize].ty, span: Span::default() }
    }

    fn option_of(&self, ty: Ty) -> Option<Ty> {
        match self.p.types.kind(ty) {
            Kind::Named(def, args) if *def == self.p.core.option => args.first().copied(),
            _ => None,
        }
    }

    fn finish(&mut self, param: LocalId, value: Expr, result: Ty) -> Body {
        let locals = std::mem::take(&mut self.locals);
        Body { locals, params: vec![param], value, result, receives: Vec::new(), solutions: Vec::new() }
    }

    fn refuse<T>(&self, ty: Ty) -> Result<T, NotData> {
        Err(NotData(crate::check::infer::display(self.p, &[], ty)))
    }

    // To JSON.

    fn writer(&mut self, ty: Ty) -> Result<Body, NotData> {
        let value = self.local("value", ty);
        let json = self.json_type;
        let expr = match self.p.types.kind(ty).clone() {
            Kind::Tuple(items) if items.is_empty() => self.json("JNull", Vec::new()),
            Kind::Tuple(items) => {
                let parts = items.iter().enumerate().map(|(at, item)| {
                    let part = self.expr(ExprKind::Field(Box::new(self.get(value)), at), *item);
                    self.written(part)
                });
                let list = self.expr(ExprKind::List(parts.collect()), self.items);
                self.json("JList", vec![list])
            }
            Kind::Named(def, args) => self.named_to_json(ty, def, &args, value)?,
            Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => return self.refuse(ty),
        };
        Ok(self.finish(value, expr, json))
    }

    fn named_to_json(&mut self, ty: Ty, def: DefId, args: &[Ty], value: LocalId) -> Result<Expr, NotData> {
        let core = self.p.core;
        let own = self.get(value);
        let simple = [
            (core.int, "JInt"),
            (core.duration, "JInt"),
            (core.float, "JFloat"),
            (core.bool, "JBool"),
            (core.text, "JText"),
        ];
        if def == self.json {
            return Ok(own);
        }
        if let Some((_, name)) = simple.iter().find(|(of, _)| *of == def) {
            return Ok(self.json(name, vec![own]));
        }
        if def == core.option {
            let inner = args.first().copied().unwrap_or(UNIT);
            let held = self.local("held", inner);
            let none = Pat { kind: PatKind::Variant(0, Vec::new()), ty, span: Span::default() };
            let some = Pat { kind: PatKind::Variant(1, vec![self.pat(held)]), ty, span: Span::default() };
            let arms = vec![
                Arm { pat: none, guard: None, body: self.json("JNull", Vec::new()) },
                Arm { pat: some, guard: None, body: self.written(self.get(held)) },
            ];
            return Ok(self.expr(ExprKind::Match(Box::new(own), arms), self.json_type));
        }
        if def == core.list || def == core.set {
            let item = args.first().copied().unwrap_or(UNIT);
            let (out, one) = (self.local("out", self.items), self.local("item", item));
            let empty = self.expr(ExprKind::List(Vec::new()), self.items);
            let made = self.written(self.get(one));
            let push = self.method(core.list, "push", vec![self.json_type], vec![self.get(out), made], UNIT);
            let how = if def == core.list { Loop::List } else { Loop::Set };
            let each = self.for_each(self.pat(one), own, how, self.stmts(vec![push]));
            let list = self.json("JList", vec![self.get(out)]);
            return Ok(self.block(vec![self.bind(out, empty), each], list));
        }
        if def == core.map && args.first() == Some(&self.text) {
            let inner = args.get(1).copied().unwrap_or(UNIT);
            let (out, key, one) = (self.local("out", self.fields), self.local("key", self.text), self.local("item", inner));
            let entry = self.p.types.tuple(vec![self.text, inner]);
            let pat = PatKind::Fields(vec![self.pat(key), self.pat(one)]);
            let pat = Pat { kind: pat, ty: entry, span: Span::default() };
            let put = self.put(out, self.get(key), self.written(self.get(one)));
            let each = self.for_each(pat, own, Loop::Map, self.stmts(vec![put]));
            let empty = self.expr(ExprKind::Map(Vec::new()), self.fields);
            let map = self.json("JMap", vec![self.get(out)]);
            return Ok(self.block(vec![self.bind(out, empty), each], map));
        }
        match &self.p.def(def).kind {
            DefKind::Record(fields) | DefKind::Object(fields) => {
                let fields = fields.clone();
                let parts: Vec<(Field<'a>, Expr)> = fields
                    .into_iter()
                    .enumerate()
                    .map(|(at, field)| {
                        let ty = self.p.types.instantiate(field.ty, args);
                        let part = self.expr(ExprKind::Field(Box::new(self.get(value)), at), ty);
                        (field, part)
                    })
                    .collect();
                Ok(self.fields_to_json(None, parts))
            }
            DefKind::Sum(variants) => {
                let variants = variants.clone();
                let tagging = Tagging { tag: json_argument(self.p.def(def).attrs, "tag") };
                let arms =
                    variants.iter().enumerate().map(|(at, variant)| self.variant_to_json(ty, args, at, variant, &tagging));
                let arms = arms.collect();
                Ok(self.expr(ExprKind::Match(Box::new(own), arms), self.json_type))
            }
            DefKind::Builtin | DefKind::Unknown | DefKind::Alias(_) => self.refuse(ty),
        }
    }

    /// An object of fields, perhaps with a tag before them. A None is left out.
    fn fields_to_json(&mut self, tag: Option<(&str, String)>, parts: Vec<(Field<'a>, Expr)>) -> Expr {
        let out = self.local("out", self.fields);
        let empty = self.expr(ExprKind::Map(Vec::new()), self.fields);
        let mut stmts = vec![self.bind(out, empty)];
        if let Some((tag, name)) = tag {
            let name = self.json("JText", vec![self.text(&name)]);
            stmts.push(self.put(out, self.text(tag), name));
        }
        for (field, part) in parts {
            let name = self.text(field_name(&field));
            let Some(inner) = self.option_of(part.ty) else {
                let made = self.written(part);
                stmts.push(self.put(out, name, made));
                continue;
            };
            let held = self.local("held", inner);
            let pat = Pat { kind: PatKind::Variant(1, vec![self.pat(held)]), ty: part.ty, span: Span::default() };
            let put = self.put(out, name, self.written(self.get(held)));
            let then = self.stmts(vec![put]);
            stmts.push(self.expr(ExprKind::If(Box::new(Cond::Let(pat, part)), Box::new(then), None), UNIT));
        }
        let map = self.json("JMap", vec![self.get(out)]);
        self.block(stmts, map)
    }

    fn variant_to_json(&mut self, ty: Ty, args: &[Ty], at: usize, variant: &Variant<'a>, tagging: &Tagging<'a>) -> Arm {
        let mut parts = Vec::new();
        let mut pats = Vec::new();
        for field in &variant.fields {
            let ty = self.p.types.instantiate(field.ty, args);
            let id = self.local(field.name, ty);
            pats.push(self.pat(id));
            parts.push((field.clone(), self.get(id)));
        }
        let name = variant_name(variant);
        let body = match tagging.tag {
            Some(tag) => self.fields_to_json(Some((tag, name)), parts),
            None if parts.is_empty() => self.json("JText", vec![self.text(&name)]),
            None => {
                let inside = self.fields_to_json(None, parts);
                let entry = (self.text(&name), inside);
                let map = self.expr(ExprKind::Map(vec![entry]), self.fields);
                self.json("JMap", vec![map])
            }
        };
        Arm { pat: Pat { kind: PatKind::Variant(at, pats), ty, span: Span::default() }, guard: None, body }
    }

    // From JSON.

    fn reader(&mut self, ty: Ty) -> Result<Body, NotData> {
        let json = self.local("json", self.json_type);
        let result = self.result(ty);
        let own = self.get(json);
        let expr = match self.p.types.kind(ty).clone() {
            Kind::Tuple(items) if items.is_empty() => self.call("unit_of", Vec::new(), vec![own], result),
            Kind::Tuple(items) => {
                let list = self.result(self.items);
                let int = self.p.core.int;
                let int = self.p.plain(int);
                let count = self.expr(ExprKind::Int(items.len() as i64), int);
                let read = self.call("items_of", Vec::new(), vec![own, count], list);
                let all = self.local("items", self.items);
                let bind = self.bind(all, self.attempt(read, self.items));
                let mut parts = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    let index = self.expr(ExprKind::Int(at as i64), int);
                    let one = self.expr(ExprKind::Index(Box::new(self.get(all)), Box::new(index)), self.json_type);
                    let place = self.text(&at.to_string());
                    parts.push(self.read(one, *item, place));
                }
                let tuple = self.expr(ExprKind::Tuple(parts), ty);
                let ok = self.ok(tuple);
                self.block(vec![bind], ok)
            }
            Kind::Named(def, args) => self.named_from_json(ty, def, &args, json)?,
            Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => return self.refuse(ty),
        };
        Ok(self.finish(json, expr, result))
    }

    fn named_from_json(&mut self, ty: Ty, def: DefId, args: &[Ty], json: LocalId) -> Result<Expr, NotData> {
        let core = self.p.core;
        let own = self.get(json);
        let result = self.result(ty);
        let simple = [(core.int, "int_of"), (core.float, "float_of"), (core.bool, "bool_of"), (core.text, "text_of")];
        if def == self.json {
            return Ok(self.ok(own));
        }
        if let Some((_, name)) = simple.iter().find(|(of, _)| *of == def) {
            return Ok(self.call(name, Vec::new(), vec![own], result));
        }
        if def == core.duration {
            let int = self.p.plain(core.int);
            let read = self.result(int);
            let value = self.call("int_of", Vec::new(), vec![own], read);
            let nanos = self.attempt(value, int);
            // Both are a number of nanoseconds.
            return Ok(self.ok(Expr { ty, ..nanos }));
        }
        if def == core.option {
            let inner = args.first().copied().unwrap_or(UNIT);
            let bool = self.p.plain(core.bool);
            let null = self.call("is_null", Vec::new(), vec![self.get(json)], bool);
            let none = self.expr(ExprKind::Variant(0, Vec::new()), ty);
            let none = self.ok(none);
            let wanted = self.result(inner);
            let read = self.call("from_json", vec![inner], vec![own], wanted);
            let value = self.attempt(read, inner);
            let some = self.expr(ExprKind::Variant(1, vec![value]), ty);
            let some = self.ok(some);
            return Ok(self.expr(ExprKind::If(Box::new(Cond::Expr(null)), Box::new(none), Some(Box::new(some))), result));
        }
        if def == core.list || def == core.set {
            return Ok(self.items_from_json(ty, def, args, own));
        }
        if def == core.map && args.first() == Some(&self.text) {
            let inner = args.get(1).copied().unwrap_or(UNIT);
            let (all, out) = (self.local("fields", self.fields), self.local("out", ty));
            let (key, one) = (self.local("key", self.text), self.local("item", self.json_type));
            let read = self.result(self.fields);
            let read = self.call("map_of", Vec::new(), vec![own], read);
            let entry = self.p.types.tuple(vec![self.text, self.json_type]);
            let pat = Pat { kind: PatKind::Fields(vec![self.pat(key), self.pat(one)]), ty: entry, span: Span::default() };
            let value = self.read(self.get(one), inner, self.get(key));
            let put = self.put(out, self.get(key), value);
            let each = self.for_each(pat, self.get(all), Loop::Map, self.stmts(vec![put]));
            let empty = self.expr(ExprKind::Map(Vec::new()), ty);
            let ok = self.ok(self.get(out));
            return Ok(self.block(vec![self.bind(all, self.attempt(read, self.fields)), self.bind(out, empty), each], ok));
        }
        match &self.p.def(def).kind {
            DefKind::Record(fields) | DefKind::Object(fields) => {
                let fields = fields.clone();
                let all = self.local("fields", self.fields);
                let read = self.result(self.fields);
                let read = self.call("map_of", Vec::new(), vec![own], read);
                let parts = self.read_fields(all, &fields, args);
                let made = self.expr(ExprKind::Record(parts), ty);
                let ok = self.ok(made);
                Ok(self.block(vec![self.bind(all, self.attempt(read, self.fields))], ok))
            }
            DefKind::Sum(variants) => {
                let variants = variants.clone();
                let tag = json_argument(self.p.def(def).attrs, "tag");
                Ok(self.sum_from_json(ty, args, &variants, tag, own))
            }
            DefKind::Builtin | DefKind::Unknown | DefKind::Alias(_) => self.refuse(ty),
        }
    }

    fn items_from_json(&mut self, ty: Ty, def: DefId, args: &[Ty], own: Expr) -> Expr {
        let core = self.p.core;
        let item = args.first().copied().unwrap_or(UNIT);
        let (all, out, one) = (self.local("items", self.items), self.local("out", ty), self.local("item", self.json_type));
        let read = self.result(self.items);
        let read = self.call("list_of", Vec::new(), vec![own], read);
        let place = self.text("[]");
        let value = self.read(self.get(one), item, place);
        let (empty, add) = if def == core.list {
            let push = self.method(core.list, "push", vec![item], vec![self.get(out), value], UNIT);
            (self.expr(ExprKind::List(Vec::new()), ty), push)
        } else {
            let bool = self.p.plain(core.bool);
            let add = self.method(core.set, "add", vec![item], vec![self.get(out), value], bool);
            let module = self.p.def(core.set).module;
            let new = match self.p.module(module).own.values.get("new") {
                Some(Value::Fn(id)) => *id,
                Some(Value::Const(_)) | None => unreachable!("the module `set` has the function `new`"),
            };
            (self.expr(ExprKind::Call(new, vec![item], Vec::new()), ty), add)
        };
        let each = self.for_each(self.pat(one), self.get(all), Loop::List, self.stmts(vec![add]));
        let ok = self.ok(self.get(out));
        self.block(vec![self.bind(all, self.attempt(read, self.items)), self.bind(out, empty), each], ok)
    }

    /// The values of fields out of an object.
    fn read_fields(&mut self, all: LocalId, fields: &[Field<'a>], args: &[Ty]) -> Vec<Expr> {
        let core = self.p.core;
        let mut parts = Vec::new();
        for field in fields {
            let ty = self.p.types.instantiate(field.ty, args);
            let name = field_name(field);
            let null = self.json("JNull", Vec::new());
            let or_null = vec![self.get(all), self.text(name), null];
            let or_null = self.method(core.map, "get_or", vec![self.text, self.json_type], or_null, self.json_type);
            if self.option_of(ty).is_some() {
                let place = self.text(name);
                parts.push(self.read(or_null, ty, place));
                continue;
            }
            let wanted = self.result(self.json_type);
            let found = self.call("field_of", Vec::new(), vec![self.get(all), self.text(name)], wanted);
            let found = self.attempt(found, self.json_type);
            let place = self.text(name);
            let value = self.read(found, ty, place);
            let Some(default) = field.default.and_then(|default| literal(default, ty)) else {
                parts.push(value);
                continue;
            };
            let bool = self.p.plain(core.bool);
            let has =
                self.method(core.map, "has", vec![self.text, self.json_type], vec![self.get(all), self.text(name)], bool);
            parts.push(self.expr(ExprKind::If(Box::new(Cond::Expr(has)), Box::new(value), Some(Box::new(default))), ty));
        }
        parts
    }

    fn sum_from_json(&mut self, ty: Ty, args: &[Ty], variants: &[Variant<'a>], tag: Option<&str>, own: Expr) -> Expr {
        let result = self.result(ty);
        let name = self.local("name", self.text);
        let all = self.local("fields", self.fields);
        let held = self.local("held", self.json_type);
        let read_fields = self.result(self.fields);
        let mut stmts = Vec::new();
        match tag {
            Some(tag) => {
                let fields = self.call("map_of", Vec::new(), vec![own], read_fields);
                stmts.push(self.bind(all, self.attempt(fields, self.fields)));
                let wanted = self.result(self.json_type);
                let found = self.call("field_of", Vec::new(), vec![self.get(all), self.text(tag)], wanted);
                let found = self.attempt(found, self.json_type);
                let place = self.text(tag);
                let word = self.read(found, self.text, place);
                stmts.push(self.bind(name, word));
            }
            None => {
                let pair = self.p.types.tuple(vec![self.text, self.json_type]);
                let wanted = self.result(pair);
                let read = self.call("variant_of", Vec::new(), vec![own], wanted);
                let parts = vec![self.pat(name), self.pat(held)];
                let pat = Pat { kind: PatKind::Fields(parts), ty: pair, span: Span::default() };
                let value = self.attempt(read, pair);
                stmts.push(self.expr(ExprKind::Let(Box::new(pat), Box::new(value)), UNIT));
            }
        }
        let mut arms = Vec::new();
        let mut other = None;
        for (at, variant) in variants.iter().enumerate() {
            let mut before = Vec::new();
            if tag.is_none() && !variant.fields.is_empty() {
                let fields = self.call("map_of", Vec::new(), vec![self.get(held)], read_fields);
                before.push(self.bind(all, self.attempt(fields, self.fields)));
            }
            let parts = self.read_fields(all, &variant.fields, args);
            let made = self.expr(ExprKind::Variant(at, parts), ty);
            let ok = self.ok(made);
            let body = self.block(before, ok);
            if crate::declare::has_attr(variant.attrs, "other") {
                other = Some(body);
                continue;
            }
            let pat = Pat { kind: PatKind::Text(variant_name(variant)), ty: self.text, span: Span::default() };
            arms.push(Arm { pat, guard: None, body });
        }
        let body = other.unwrap_or_else(|| {
            let known: Vec<String> = variants.iter().map(|variant| format!("`{}`", variant_name(variant))).collect();
            self.call("unknown_variant", vec![ty], vec![self.get(name), self.text(&known.join(", "))], result)
        });
        arms.push(Arm { pat: Pat { kind: PatKind::Any, ty: self.text, span: Span::default() }, guard: None, body });
        let matched = self.expr(ExprKind::Match(Box::new(self.get(name)), arms), result);
        self.block(stmts, matched)
    }
}

/// The name of a field in JSON.
fn field_name<'a>(field: &Field<'a>) -> &'a str {
    json_argument(field.attrs, "name").unwrap_or(field.name)
}

/// The name of a variant in JSON: as `@json(name: ..)` says, else in small letters with `_` between the words.
fn variant_name(variant: &Variant<'_>) -> String {
    if let Some(name) = json_argument(variant.attrs, "name") {
        return name.to_owned();
    }
    let mut out = String::new();
    for (at, letter) in variant.name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// An argument of `@json(..)`.
fn json_argument<'a>(attrs: &'a [ast::Attr<'a>], name: &str) -> Option<&'a str> {
    let attr = attrs.iter().find(|attr| attr.name.text == "json")?;
    let arg = attr.args.iter().find(|arg| arg.name.is_some_and(|own| own.text == name))?;
    crate::declare::text_of(arg)
}

/// A default that is a literal.
fn literal(default: &ast::Expr<'_>, ty: Ty) -> Option<Expr> {
    let kind = match &default.kind {
        ast::ExprKind::Int(value) => ExprKind::Int(*value as i64),
        ast::ExprKind::Duration(value) => ExprKind::Int(*value),
        ast::ExprKind::Float(value) => ExprKind::Float(*value),
        ast::ExprKind::Bool(value) => ExprKind::Bool(*value),
        ast::ExprKind::Text(parts) => match parts.as_slice() {
            [] => ExprKind::Text(String::new()),
            [ast::TextPart::Text(text)] => ExprKind::Text(text.clone().into_owned()),
            _ => return None,
        },
        ast::ExprKind::List(items) if items.is_empty() => ExprKind::List(Vec::new()),
        ast::ExprKind::Map(entries) if entries.is_empty() => ExprKind::Map(Vec::new()),
        _ => return None,
    };
    Some(Expr { kind, ty, span: default.span })
}
