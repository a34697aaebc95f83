//! A function of the assembly while it is made: the bodies that became part of it, and what their names mean.
//!
//! **Invariant:** [`Code::height`](super::code::Code::height) is what stands on the operand stack besides the value that is
//! just being made, so that whoever leaves an expression knows what to drop.

use super::code::{Code, Label, Slot, backquoted, put};
use super::types::Shape;
use super::{ClosureJob, Lower};
use crate::code::Code as Mistake;
use crate::program::ModuleId;
use crate::thir::{Body, Closure, Expr, FnId, LocalId};
use crate::ty::{Kind, NEVER, Ty, UNIT};
use fardel_bytecode::limits::{LOCALS_MAX, PARAMS_MAX};
use fardel_syntax::ast::Span;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A value that is known while the program is made.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
}

/// What a local of a body is.
#[derive(Clone)]
pub(super) enum Binding<'c> {
    Slot(Slot),
    Literal(Literal),
    /// A closure, with the body that it stands in.
    Closure(usize, &'c Closure),
    Function(FnId, Rc<[Ty]>),
}

/// A body that is part of the function.
pub(super) struct Context<'c> {
    pub(super) body: &'c Body,
    pub(super) args: Rc<[Ty]>,
    pub(super) module: ModuleId,
    pub(super) locals: FxHashMap<LocalId, Binding<'c>>,
    types: FxHashMap<Ty, Ty>,
}

/// What is wanted of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Want {
    /// Its value on the stack.
    Value,
    Nothing,
    /// Its value in a local.
    Into(Slot),
    /// Its value as the function's result: nothing goes on behind it.
    Tail,
}

/// What an expression has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Got {
    Value,
    /// Nothing, where its value is `()`.
    Unit,
    /// It never goes on.
    Never,
}

/// Where `return` goes.
#[derive(Clone, Copy)]
pub(super) struct Return {
    pub(super) result: Ty,
    /// Nothing: out of the function itself.
    pub(super) to: Option<(Label, Want, usize)>,
}

/// A loop that is open.
#[derive(Clone, Copy)]
pub(super) struct Loop {
    pub(super) again: Label,
    pub(super) out: Label,
    pub(super) height: usize,
}

/// See the module.
pub(super) struct Frame<'f, 'c, 'a> {
    pub(super) l: &'f mut Lower<'c, 'a>,
    pub(super) code: Code,
    pub(super) contexts: Vec<Context<'c>>,
    pub(super) at: usize,
    pub(super) returns: Vec<Return>,
    pub(super) loops: Vec<Loop>,
    /// Functions that became part of this one and are open.
    pub(super) inlined: Vec<FnId>,
    pub(super) name: String,
    /// What the names of its closures begin with.
    pub(super) base: String,
    pub(super) closures: u32,
    /// The result of the function itself.
    pub(super) has_result: bool,
    /// Whether others call it, so that its fiber may receive more than it does.
    pub(super) is_called: bool,
    /// What the function itself receives.
    pub(super) receives: Vec<Ty>,
    module: ModuleId,
    span: Span,
}

impl<'f, 'c, 'a> Frame<'f, 'c, 'a> {
    pub(super) fn new(l: &'f mut Lower<'c, 'a>, name: String, module: ModuleId, body: &'c Body, args: Rc<[Ty]>) -> Self {
        let context = Context { body, args, module, locals: FxHashMap::default(), types: FxHashMap::default() };
        Frame {
            l,
            code: Code::new(),
            contexts: vec![context],
            at: 0,
            returns: Vec::new(),
            loops: Vec::new(),
            inlined: Vec::new(),
            base: name.clone(),
            name,
            closures: 0,
            has_result: false,
            is_called: true,
            receives: Vec::new(),
            module,
            span: body.value.span,
        }
    }

    /// A function's own body.
    pub(super) fn whole_body(&mut self, body: &'c Body, params: &[LocalId]) {
        for param in params {
            self.param(*param);
        }
        let result = self.concrete(body.result);
        let receives = body.receives.clone();
        self.body_and_end(&body.value, result, &receives, 0);
    }

    /// A closure's body, as a function.
    pub(super) fn closure_body(&mut self, job: &ClosureJob<'c>) {
        for (local, binding) in &job.known {
            self.bind(*local, binding.clone());
        }
        for (local, ty) in &job.captures {
            let text = self.l.asm_type(*ty);
            let name = self.local_name(*local);
            let slot = self.code.param(&name, text);
            self.bind(*local, Binding::Slot(slot));
        }
        for param in &job.closure.params {
            self.param(*param);
        }
        let result = self.concrete(job.closure.result);
        self.is_called = !job.is_spawned;
        let captures = if job.is_spawned { 0 } else { job.captures.len() };
        self.body_and_end(&job.closure.body, result, &job.closure.receives, captures);
    }

    fn body_and_end(&mut self, value: &'c Expr, result: Ty, receives: &[Ty], captures: usize) {
        self.has_result = result != UNIT && result != NEVER;
        self.returns.push(Return { result, to: None });
        self.receives = self.concrete_all(receives);
        self.line(value.span);
        let params = self.code.local_count();
        self.expr(value, Want::Tail);
        if result == NEVER {
            self.unreachable();
        }
        self.end(result, receives, captures, params);
    }

    /// Code that is never reached, as the checker knows and the verifier does not.
    pub(super) fn unreachable(&mut self) {
        self.code.op("push \"this is never reached\"");
        self.code.op("panic");
    }

    /// Writes the function.
    pub(super) fn end(&mut self, result: Ty, receives: &[Ty], captures: usize, params: usize) {
        self.code.finish();
        if self.code.local_count() > LOCALS_MAX || params > PARAMS_MAX + captures {
            let (module, span) = (self.module, self.span);
            let message = format!(
                "`{}` needs {} locals and {params} parameters, at most {LOCALS_MAX} and {PARAMS_MAX} are possible",
                self.name,
                self.code.local_count()
            );
            self.l.refuse(module, span, Mistake::TooLarge, message, "too large");
            return;
        }
        let result = self.l.result_text(result);
        let brackets = if captures > 0 { format!("[{}]", self.code.params(0, captures)) } else { String::new() };
        let params = self.code.params(captures, params);
        let mut types: Vec<String> = Vec::new();
        for ty in receives {
            let ty = self.concrete(*ty);
            types.push(self.l.asm_type(ty).to_string());
        }
        let receives = if types.is_empty() { "nothing".to_owned() } else { types.join(", ") };
        let name = if is_exported(&self.name) { self.name.clone() } else { backquoted(&self.name) };
        let head = format!("fn {name}{brackets}({params}){result} receives {receives}");
        let l = &mut *self.l;
        put(&mut l.functions, &mut l.at, &head);
        self.code.print(&mut l.functions, &mut l.at, &mut l.lines);
        put(&mut l.functions, &mut l.at, "end");
        if self.module != l.main_module {
            // Derived functions are of no file.
            let file = l.p.modules.get(self.module.0 as usize).map(|module| module.file.clone());
            l.files.extend(file.map(|file| (self.name.clone(), file)));
        }
    }

    /// A parameter of the function.
    fn param(&mut self, local: LocalId) {
        let ty = self.local_type(local);
        let text = self.l.asm_type(ty);
        let name = self.local_name(local);
        let slot = self.code.param(&name, text);
        self.bind(local, Binding::Slot(slot));
    }

    /// The name of a local as the assembly takes it.
    pub(super) fn local_name(&self, local: LocalId) -> String {
        let name = self.context().body.locals.get(local.0 as usize).map_or("_", |local| local.name.as_str());
        if name.is_empty() { "_".to_owned() } else { name.to_owned() }
    }

    pub(super) fn context(&self) -> &Context<'c> {
        // There is one from the beginning, and none is ever taken away.
        &self.contexts[self.at.min(self.contexts.len() - 1)]
    }

    /// Adds a body that becomes part of this function.
    pub(super) fn add_context(&mut self, body: &'c Body, args: Rc<[Ty]>, module: ModuleId) -> usize {
        self.contexts.push(Context { body, args, module, locals: FxHashMap::default(), types: FxHashMap::default() });
        self.contexts.len() - 1
    }

    pub(super) fn bind(&mut self, local: LocalId, binding: Binding<'c>) {
        self.bind_in(self.at, local, binding);
    }

    pub(super) fn bind_in(&mut self, context: usize, local: LocalId, binding: Binding<'c>) {
        if let Some(context) = self.contexts.get_mut(context) {
            context.locals.insert(local, binding);
        }
    }

    pub(super) fn binding(&self, local: LocalId) -> Option<Binding<'c>> {
        self.context().locals.get(&local).cloned()
    }

    /// A type of the body that is open, with everything in it known.
    pub(super) fn concrete(&mut self, ty: Ty) -> Ty {
        if !self.l.p.types.is_open(ty) {
            return ty;
        }
        if let Some(known) = self.context().types.get(&ty) {
            return *known;
        }
        let (body, args) = (self.context().body, Rc::clone(&self.context().args));
        let types = &mut self.l.p.types;
        let with_vars = types.replace(ty, &|kind| match kind {
            Kind::Var(at) => body.solutions.get(*at as usize).copied().flatten().or(Some(UNIT)),
            Kind::Param(_) | Kind::Error | Kind::Never | Kind::Tuple(_) | Kind::Fn(..) | Kind::Named(..) => None,
        });
        let found = types.instantiate(with_vars, &args);
        if let Some(context) = self.contexts.get_mut(self.at) {
            context.types.insert(ty, found);
        }
        found
    }

    pub(super) fn concrete_all(&mut self, all: &[Ty]) -> Vec<Ty> {
        all.iter().map(|ty| self.concrete(*ty)).collect()
    }

    pub(super) fn local_type(&mut self, local: LocalId) -> Ty {
        let ty = self.context().body.locals.get(local.0 as usize).map_or(UNIT, |local| local.ty);
        self.concrete(ty)
    }

    pub(super) fn is_var(&self, local: LocalId) -> bool {
        self.context().body.locals.get(local.0 as usize).is_some_and(|local| local.is_var)
    }

    /// The type of an expression.
    pub(super) fn ty(&mut self, expr: &Expr) -> Ty {
        self.concrete(expr.ty)
    }

    pub(super) fn shape(&mut self, expr: &Expr) -> Shape {
        let ty = self.ty(expr);
        self.l.shape(ty)
    }

    /// What follows comes from this place, if it is of the function's own file.
    pub(super) fn line(&mut self, span: Span) {
        let module = self.context().module;
        if module == self.module && span != Span::default() {
            self.code.line = self.l.line_of(module, span);
        }
    }

    /// A local of the function for one with a name.
    pub(super) fn named_slot(&mut self, name: &str, ty: Ty) -> Slot {
        let text = self.l.asm_type(ty);
        self.code.named_slot(name, text)
    }

    /// A local of the function for a type.
    pub(super) fn slot(&mut self, name: &str, ty: Ty) -> Slot {
        let text = self.l.asm_type(ty);
        self.code.slot(name, text)
    }

    /// A local of the function for one of the body.
    pub(super) fn own_slot(&mut self, local: LocalId) -> Slot {
        let ty = self.local_type(local);
        let name = self.local_name(local);
        let slot = self.named_slot(&name, ty);
        self.bind(local, Binding::Slot(slot));
        slot
    }

    /// Brings what an expression has left to where it is wanted.
    pub(super) fn deliver(&mut self, got: Got, want: Want) {
        match (got, want) {
            (Got::Never, _) | (Got::Value, Want::Value) | (Got::Unit, Want::Nothing) => {}
            (Got::Value, Want::Nothing) => self.code.op("drop"),
            (Got::Value, Want::Into(slot)) => self.code.store(slot),
            (Got::Value, Want::Tail) => {
                if !self.has_result {
                    self.code.op("drop");
                }
                self.code.op("ret");
            }
            (Got::Unit, Want::Value) => self.code.op("push null"),
            (Got::Unit, Want::Into(slot)) => {
                self.code.op("push null");
                self.code.store(slot);
            }
            (Got::Unit, Want::Tail) => {
                if self.has_result {
                    self.code.op("push null");
                }
                self.code.op("ret");
            }
        }
    }

    /// The way an expression of a type leaves its value.
    pub(super) fn got(&self, ty: Ty) -> Got {
        if ty == NEVER {
            Got::Never
        } else if ty == UNIT {
            Got::Unit
        } else {
            Got::Value
        }
    }

    /// Drops what stands on the stack above a height.
    pub(super) fn drop_to(&mut self, height: usize) {
        for _ in height..self.code.height {
            self.code.op("drop");
        }
    }

    /// `main` with a result of type `Result<(), E>`: an error is printed, and the fiber ends with it.
    pub(super) fn main_around(&mut self, body: &'c Body, inner: &str) {
        for param in &body.params {
            self.param(*param);
        }
        let params = self.code.local_count();
        let result = body.result;
        for param in &body.params {
            if let Some(Binding::Slot(slot)) = self.binding(*param) {
                self.code.load(slot);
            }
        }
        self.code.op(format!("call {}", backquoted(inner)));
        let slot = self.slot("result", result);
        self.code.store(slot);
        self.code.load(slot);
        let ty = self.l.asm_type(result);
        self.code.op(format!("tag {ty}"));
        self.code.op("push 0");
        self.code.op("ne");
        let failed = self.code.label();
        self.code.jump("jmp_if", failed);
        self.code.op("ret");
        self.code.bind(failed);
        self.code.load(slot);
        let operand = self.l.payload_operand(result, 1, 0);
        self.code.op(format!("payload {operand}"));
        let error = self.l.field_types(result, Some(1)).first().copied().unwrap_or(UNIT);
        self.show_top(error);
        let text = self.l.asm_type(error);
        let _ = text;
        self.code.op("push \"error\"");
        self.code.op("swap");
        self.code.op("raise");
        let receives = body.receives.clone();
        self.end(UNIT, &receives, 0, params);
    }
}

/// Whether a function has the name by which others know it: `main`, or that of a test.
fn is_exported(name: &str) -> bool {
    name == "main" || name.strip_prefix("test_").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}
