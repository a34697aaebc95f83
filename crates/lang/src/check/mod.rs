//! From syntax trees to typed bodies: names, types, patterns, and what each function receives.
//!
//! Each function is checked on its own, from the signatures of the others. After an error an expression has the type that
//! goes with everything, so that one mistake is told once.

mod actor;
mod block;
mod call;
mod construct;
mod data;
pub(crate) mod decision;
mod expr;
mod foreign;
pub(crate) mod infer;
mod pattern;
mod property;
mod whole;

use crate::program::{Constraint, DefKind, Generic, ModuleId, Program, Value};
use crate::thir::{Body, ConstId, FnId, Local, LocalId};
use crate::ty::{ERROR, NEVER, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, Span};
use infer::Why;

/// Constants that lead to each other, each to one that is declared behind it.
const CONSTANTS_MAX: usize = 256;
/// The name of the local that stands for what a hole is filled with.
const HOLE: &str = "_";

/// What is known while a body is checked.
pub(crate) struct Cx<'p, 'a> {
    pub(crate) p: &'p mut Program<'a>,
    pub(crate) module: ModuleId,
    pub(crate) generics: Vec<Generic<'a>>,
    locals: Vec<Local>,
    /// Names that are visible, the innermost last.
    names: Vec<(&'a str, LocalId)>,
    vars: Vec<Option<Ty>>,
    var_places: Vec<(Span, &'static str)>,
    obligations: Vec<(Ty, Constraint, Span, String)>,
    /// The function, and the closures that are open in it.
    frames: Vec<Frame>,
    /// Loops that are open in the innermost of them: whether something leaves each.
    loops: Vec<bool>,
    /// Whether something was told of this body.
    failed: bool,
    /// Locals that are parameters of the function itself.
    params_of_frame: usize,
    /// Constants that are being read, to find circles.
    constants: Vec<ConstId>,
    /// Why a constant has no type: it leads back to itself, or through too many.
    endless: Option<crate::code::Code>,
    /// Locals that a `serve` does not see.
    hidden: Vec<String>,
    /// Where a `serve` may stand.
    serve_place: Option<Span>,
    /// For each local whether it is used.
    used: Vec<bool>,
    /// For each local how many loops were open where it was made.
    loops_around: Vec<usize>,
    /// Names that mean nothing, which is told once of each.
    unknown: Vec<String>,
}

/// A function or closure that is being checked.
struct Frame {
    result: Ty,
    /// Where the result is written.
    result_span: Option<Span>,
    receives: Vec<Ty>,
    captures: Vec<LocalId>,
}

/// Checks every function, constant and test; what is wrong is told to the modules' sinks.
pub(crate) struct Checked {
    pub(crate) fns: Vec<Option<Body>>,
    pub(crate) consts: Vec<Option<Body>>,
    pub(crate) tests: Vec<Option<Body>>,
}

/// Checks a program.
pub(crate) fn check(p: &mut Program<'_>) -> Checked {
    infer::check_applied(p);
    defaults(p);
    let fns = (0..p.fns.len() as u32).map(|id| function(p, FnId(id))).collect();
    let consts = (0..p.consts.len() as u32).map(|id| constant(p, ConstId(id))).collect();
    let tests = (0..p.tests.len()).map(|at| test(p, at)).collect();
    let checked = Checked { fns, consts, tests };
    whole::check(p, &checked);
    data::check(p, &checked);
    checked
}

/// Checks what parameters and fields are when they are left out. Where they are, nothing is told of it again.
fn defaults(p: &mut Program<'_>) {
    for at in 0..p.fns.len() {
        let def = &p.fns[at];
        let values = def.params.iter().filter_map(|param| Some((param.name, param.ty, param.default?))).collect();
        let (module, generics) = (def.module, def.generics.clone());
        check_defaults(p, module, generics, values);
    }
    for at in 0..p.defs.len() {
        let def = &p.defs[at];
        let fields: Vec<&crate::program::Field<'_>> = match &def.kind {
            DefKind::Record(fields) | DefKind::Object(fields) => fields.iter().collect(),
            DefKind::Sum(variants) => variants.iter().flat_map(|variant| &variant.fields).collect(),
            DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) => Vec::new(),
        };
        let values = fields.into_iter().filter_map(|field| Some((field.name, field.ty, field.default?))).collect();
        let (module, generics) = (def.module, def.generics.clone());
        check_defaults(p, module, generics, values);
    }
}

fn check_defaults<'a>(
    p: &mut Program<'a>,
    module: ModuleId,
    generics: Vec<Generic<'a>>,
    values: Vec<(&str, Ty, &'a ast::Expr<'a>)>,
) {
    if values.is_empty() {
        return;
    }
    let mut cx = Cx::new(p, module, generics);
    cx.frames.push(Frame { result: NEVER, result_span: None, receives: Vec::new(), captures: Vec::new() });
    for (name, ty, value) in values {
        let value = cx.expr(value, Some(ty));
        cx.coerce(value, ty, &Why::new(format!("the default of `{name}`")));
    }
    cx.settle();
}

fn function(p: &mut Program<'_>, id: FnId) -> Option<Body> {
    let def = p.fun(id);
    if def.asm.is_some() || def.derive.is_some() {
        return None;
    }
    let (module, generics, body, result) = (def.module, def.generics.clone(), def.body, def.result);
    let (params, receives) = (def.params.clone(), def.receives.clone());
    let span = def.span;
    let mut cx = Cx::new(p, module, generics);
    Some(cx.body(&params, body, result, Some(span), receives))
}

fn test(p: &mut Program<'_>, at: usize) -> Option<Body> {
    let def = p.tests.get(at)?;
    let (module, params, receives, body) = (def.module, def.params.clone(), def.receives.clone(), def.body);
    let mut cx = Cx::new(p, module, Vec::new());
    if params.is_empty() {
        return Some(cx.body(&params, body, UNIT, None, receives));
    }
    if let Some(first) = params.first().filter(|_| !receives.is_empty()) {
        let report = Report::error(crate::code::Code::NotAvailable, first.span, "a test with inputs receives no messages");
        cx.tell(report.label("an input").hint("start a fiber in it that receives them"));
    }
    let checked = cx.body(&params, body, UNIT, None, Vec::new());
    Some(property::wrap(p, checked))
}

fn constant(p: &mut Program<'_>, id: ConstId) -> Option<Body> {
    let module = p.constant(id).module;
    let mut cx = Cx::new(p, module, Vec::new());
    cx.constants.push(id);
    let (body, ty) = cx.constant_body(id);
    if p.consts[id.0 as usize].ty.is_none() {
        p.consts[id.0 as usize].ty = Some(ty);
    }
    Some(body)
}

impl<'p, 'a> Cx<'p, 'a> {
    fn new(p: &'p mut Program<'a>, module: ModuleId, generics: Vec<Generic<'a>>) -> Self {
        Cx {
            p,
            module,
            generics,
            locals: Vec::new(),
            names: Vec::new(),
            vars: Vec::new(),
            var_places: Vec::new(),
            obligations: Vec::new(),
            frames: Vec::new(),
            loops: Vec::new(),
            failed: false,
            params_of_frame: 0,
            constants: Vec::new(),
            endless: None,
            hidden: Vec::new(),
            serve_place: None,
            used: Vec::new(),
            loops_around: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn body(
        &mut self,
        params: &[crate::program::Param<'a>],
        body: &'a ast::Block<'a>,
        result: Ty,
        result_span: Option<Span>,
        receives: Vec<Ty>,
    ) -> Body {
        self.frames.push(Frame { result, result_span, receives: receives.clone(), captures: Vec::new() });
        // What follows from a type that is wrong is in doubt.
        self.failed = params.iter().map(|param| param.ty).chain([result]).any(|ty| ty == ERROR);
        let params: Vec<LocalId> =
            params.iter().map(|param| self.bind_name(param.name, param.ty, false, param.span)).collect();
        self.params_of_frame = self.locals.len();
        let last = body.stmts.last().filter(|stmt| matches!(stmt.kind, ast::StmtKind::Serve { .. }));
        self.serve_place = last.map(|stmt| stmt.span);
        let value = self.function_block(body, result, result_span);
        self.settle();
        let solutions = (0..self.vars.len()).map(|at| self.vars[at].map(|ty| self.resolve(ty))).collect();
        self.check_size(body.span);
        Body { locals: std::mem::take(&mut self.locals), params, value, result, receives, solutions }
    }

    /// Checks the body of a function or closure against its result.
    fn function_block(&mut self, body: &'a ast::Block<'a>, result: Ty, result_span: Option<Span>) -> crate::thir::Expr {
        // What is at a block's end is dropped where nothing is wanted.
        if self.shallow(result) == UNIT {
            let value = self.block(body, Some(UNIT), true);
            return value;
        }
        let value = self.block(body, Some(result), false);
        if value.ty == UNIT && self.shallow(result) != UNIT && !matches!(self.kind(result), crate::ty::Kind::Var(_)) {
            let wanted = self.display(result);
            let end = Span { start: body.span.end.saturating_sub(1), end: body.span.end };
            if wanted != "?" {
                let message = format!("the function's result is `{wanted}`, and its end is reached without one");
                let mut report =
                    Report::error(crate::code::Code::MissingReturn, end, message).label("nothing is returned here");
                if let Some(span) = result_span {
                    report = report.also(span, "the function");
                }
                let is_nothing = self.is_result_of_nothing(result);
                let hint = match body.stmts.last().map(|stmt| &stmt.kind) {
                    _ if is_nothing => "end the block with `Ok(())`",
                    Some(ast::StmtKind::Let { .. } | ast::StmtKind::Var { .. }) => "end the block with the value itself",
                    _ => "the last expression of a block is its value",
                };
                self.tell(report.hint(hint));
            }
            return crate::thir::Expr { kind: crate::thir::ExprKind::Error, ty: ERROR, span: value.span };
        }
        let why = match result_span {
            Some(span) => Why::at("the function's result", span),
            None => Why::new("the result"),
        };
        self.coerce(value, result, &why)
    }

    fn is_result_of_nothing(&self, ty: Ty) -> bool {
        let kind = self.kind(ty);
        matches!(kind, crate::ty::Kind::Named(def, args) if def == self.p.core.result && args.first().is_some_and(|ty| self.shallow(*ty) == UNIT))
    }

    fn constant_body(&mut self, id: ConstId) -> (Body, Ty) {
        let (value, written, span) = {
            let def = self.p.constant(id);
            (def.value, def.written, def.span)
        };
        self.frames.push(Frame { result: NEVER, result_span: None, receives: Vec::new(), captures: Vec::new() });
        let expr = self.expr(value, written);
        let expr = match written {
            Some(ty) => self.coerce(expr, ty, &Why::at("the constant's type", span)),
            None => expr,
        };
        self.settle();
        let ty = self.resolve(expr.ty);
        let solutions = (0..self.vars.len()).map(|at| self.vars[at].map(|ty| self.resolve(ty))).collect();
        self.check_size(value.span);
        let locals = std::mem::take(&mut self.locals);
        self.frames.pop();
        (Body { locals, params: Vec::new(), value: expr, result: ty, receives: Vec::new(), solutions }, ty)
    }

    /// The type of a constant, which is read for that when it was not yet.
    fn constant_type(&mut self, id: ConstId, span: Span) -> Ty {
        if let Some(ty) = self.p.constant(id).ty {
            return ty;
        }
        if self.constants.contains(&id) {
            self.endless = Some(crate::code::Code::Cycle);
            self.tell_endless(id, span, crate::code::Code::Cycle);
            return ERROR;
        }
        let module = self.p.constant(id).module;
        if self.constants.len() > CONSTANTS_MAX {
            self.endless = Some(crate::code::Code::TooLarge);
            self.failed = true;
            return ERROR;
        }
        let mut open = self.constants.clone();
        open.push(id);
        let sinks = self.p.module(module).sink.clone();
        let mut cx = Cx::new(self.p, module, Vec::new());
        cx.constants = open;
        let (_, ty) = cx.constant_body(id);
        let endless = cx.endless;
        // What is wrong with it is told when its turn comes.
        self.p.module_mut(module).sink = sinks;
        self.p.consts[id.0 as usize].ty = Some(ty);
        if let Some(code) = endless {
            // Its own turn finds all types known.
            self.endless = endless;
            if self.constants.len() <= 1 {
                self.tell_endless(id, span, code);
            }
        }
        ty
    }

    fn tell_endless(&mut self, id: ConstId, span: Span, code: crate::code::Code) {
        let constant = self.p.constant(id);
        let message = match code {
            crate::code::Code::Cycle => format!("the constant `{}` leads back to itself", constant.name),
            _ => format!(
                "the constant `{}` leads to more than {CONSTANTS_MAX} others that are declared behind it",
                constant.name
            ),
        };
        let (module, declared) = (constant.module, constant.span);
        let label = if code == crate::code::Code::Cycle { "needs its own value" } else { "leads to many" };
        let mut report = Report::error(code, span, message).label(label);
        if module == self.module {
            report = report.also(declared, "declared here");
        }
        self.tell(report);
    }

    /// Tells something about this module.
    fn tell(&mut self, report: Report) {
        self.failed = true;
        self.p.tell(self.module, report);
    }

    /// Tells something that is no error.
    fn warn(&mut self, report: Report) {
        self.p.tell(self.module, report);
    }

    /// The source at a place.
    fn source(&self, span: Span) -> &'a str {
        self.p.module(self.module).source.get(span.range()).unwrap_or("")
    }

    /// Makes a local.
    fn local(&mut self, name: &str, ty: Ty, is_var: bool, span: Span) -> LocalId {
        let id = LocalId(self.locals.len() as u32);
        let depth = self.frames.len() as u32;
        self.locals.push(Local { name: name.to_owned(), ty, is_var, span, depth });
        self.used.push(false);
        self.loops_around.push(self.loops.len());
        id
    }

    /// Makes a local and lets its name be seen.
    fn bind_name(&mut self, name: &'a str, ty: Ty, is_var: bool, span: Span) -> LocalId {
        let id = self.local(name, ty, is_var, span);
        self.names.push((name, id));
        id
    }

    /// The local with a name.
    fn find_local(&self, name: &str) -> Option<LocalId> {
        self.names.iter().rev().find(|(known, _)| *known == name).map(|(_, id)| *id)
    }

    /// The function or constant with a name.
    fn find_value(&self, name: &str) -> Option<Value> {
        let here = self.p.module(self.module);
        let found = here.own.values.get(name).or_else(|| here.imported.values.get(name));
        found.or_else(|| self.p.prelude.values.get(name)).copied()
    }

    /// The innermost function or closure.
    fn frame(&self) -> &Frame {
        self.frames.last().unwrap_or_else(|| unreachable!("a body is checked inside of a frame"))
    }

    /// Notes that a local is used, and whether it may be.
    fn use_local(&mut self, id: LocalId, span: Span) {
        if let Some(used) = self.used.get_mut(id.0 as usize) {
            *used = true;
        }
        let local = &self.locals[id.0 as usize];
        let (depth, is_var, name) = (local.depth as usize, local.is_var, local.name.clone());
        if depth == self.frames.len() {
            return;
        }
        if is_var {
            let declared = local.span;
            let message = format!("a closure cannot use the `var` `{name}` from outside");
            let report = Report::error(crate::code::Code::CapturedVar, span, message).label("used in a closure");
            let hint = format!("copy it first: `let {name}_now = {name}`, or share a `Cell`");
            self.tell(report.also(declared, "declared with `var`").hint(hint));
            self.locals[id.0 as usize].is_var = false;
        }
        for frame in self.frames.iter_mut().skip(depth) {
            if !frame.captures.contains(&id) {
                frame.captures.push(id);
            }
        }
    }
}
