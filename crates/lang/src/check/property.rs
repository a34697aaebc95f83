//! Tests with inputs: they become a call of what makes inputs and runs the test with each.

use crate::program::{Program, Value};
use crate::thir::{Body, Closure, Cond, Expr, ExprKind, FnId, Local, LocalId, Pat, PatKind};
use crate::ty::{Kind, Ty, UNIT};
use fardel_syntax::ast::Span;

fn function(p: &Program<'_>, name: &str) -> FnId {
    let module = p.modules.iter().find(|module| module.is_std && module.path == "checks");
    match module.and_then(|module| module.own.values.get(name)) {
        Some(Value::Fn(id)) => *id,
        Some(Value::Const(_)) | None => unreachable!("the module `checks` has the function `{name}`"),
    }
}

/// `checks.run(fn(choices, shows) { let input = any(choices); if shows { return "input = .." }; fn() { body }(); "" })`
pub(super) fn wrap(p: &mut Program<'_>, body: Body) -> Body {
    let Body { mut locals, params, value, solutions, .. } = body;
    let (run, any) = (function(p, "run"), function(p, "any"));
    let module = p.fun(run).module;
    let Some(choices_def) = p.module(module).own.types.get("Choices").copied() else {
        unreachable!("the module `checks` has the type `Choices`")
    };
    let core = p.core;
    let (choices_type, bool, text) = (p.plain(choices_def), p.plain(core.bool), p.plain(core.text));
    let mut local = |name: &str, ty: Ty| {
        let id = LocalId(locals.len() as u32);
        locals.push(Local { name: name.to_owned(), ty, is_var: false, span: Span::default(), depth: 2 });
        id
    };
    let (choices, shows) = (local("choices", choices_type), local("shows", bool));
    let expr = |kind: ExprKind, ty: Ty| Expr { kind, ty, span: value.span };
    let get = |id: LocalId, ty: Ty| expr(ExprKind::Local(id), ty);
    let mut stmts = Vec::new();
    let mut shown = Vec::new();
    for (at, id) in params.iter().enumerate() {
        let (ty, name) = (locals[id.0 as usize].ty, locals[id.0 as usize].name.clone());
        let made = expr(ExprKind::Call(any, vec![ty], vec![get(choices, choices_type)]), ty);
        let pat = Pat { kind: PatKind::Bind(*id), ty, span: value.span };
        stmts.push(expr(ExprKind::Let(Box::new(pat), Box::new(made)), UNIT));
        let before = if at == 0 { "" } else { "\n" };
        shown.push(expr(ExprKind::Text(format!("{before}  {name} = ")), text));
        shown.push(get(*id, ty));
    }
    let says = expr(ExprKind::Interpolated(shown), text);
    let says = expr(ExprKind::Return(Some(Box::new(says))), crate::ty::NEVER);
    let says = expr(ExprKind::Block(vec![says], None), crate::ty::NEVER);
    stmts.push(expr(ExprKind::If(Box::new(Cond::Expr(get(shows, bool))), Box::new(says), None), UNIT));
    let inner_type = p.types.intern(Kind::Fn(Vec::new(), UNIT, Vec::new()));
    let inner = Closure { params: Vec::new(), captures: params, body: value.clone(), result: UNIT, receives: Vec::new() };
    let inner = expr(ExprKind::Closure(Box::new(inner)), inner_type);
    stmts.push(expr(ExprKind::CallValue(Box::new(inner), Vec::new()), UNIT));
    let block = expr(ExprKind::Block(stmts, Some(Box::new(expr(ExprKind::Text(String::new()), text)))), text);
    let outer_type = p.types.intern(Kind::Fn(vec![choices_type, bool], text, Vec::new()));
    let outer =
        Closure { params: vec![choices, shows], captures: Vec::new(), body: block, result: text, receives: Vec::new() };
    let outer = expr(ExprKind::Closure(Box::new(outer)), outer_type);
    let call = expr(ExprKind::Call(run, Vec::new(), vec![outer]), UNIT);
    Body { locals, params: Vec::new(), value: call, result: UNIT, receives: Vec::new(), solutions }
}
