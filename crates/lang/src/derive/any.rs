//! Any value of a type, from the choices that a test makes.

use super::NotData;
use crate::check::infer;
use crate::program::{DefKind, Program, Value};
use crate::thir::{Arm, Body, Expr, ExprKind, FnId, For, Local, LocalId, Loop, Pat, PatKind, Place};
use crate::ty::{DefId, Kind, Ty, UNIT};
use fardel_syntax::ast::Span;

struct Any<'p, 'a> {
    p: &'p mut Program<'a>,
    locals: Vec<Local>,
    choices: LocalId,
    choices_def: DefId,
    function: FnId,
    int: Ty,
}

/// The body of `any` for a type.
pub(super) fn body(p: &mut Program<'_>, ty: Ty) -> Result<Body, NotData> {
    let module = p.modules.iter().find(|module| module.is_std && module.path == "checks");
    let found = module.and_then(|module| {
        let Some(Value::Fn(function)) = module.own.values.get("any").copied() else { return None };
        Some((*module.own.types.get("Choices")?, function))
    });
    let Some((choices_def, function)) = found else { return Err(NotData("the module `checks` is not loaded".to_owned())) };
    let (choices_type, int) = (p.plain(choices_def), p.core.int);
    let int = p.plain(int);
    let locals =
        vec![Local { name: "choices".to_owned(), ty: choices_type, is_var: false, span: Span::default(), depth: 1 }];
    let mut any = Any { p, locals, choices: LocalId(0), choices_def, function, int };
    let value = any.value(ty)?;
    Ok(Body { locals: any.locals, params: vec![LocalId(0)], value, result: ty, receives: Vec::new(), solutions: Vec::new() })
}

impl Any<'_, '_> {
    fn expr(&self, kind: ExprKind, ty: Ty) -> Expr {
        Expr { kind, ty, span: Span::default() }
    }

    fn local(&mut self, name: &str, ty: Ty) -> LocalId {
        let id = LocalId(self.locals.len() as u32);
        self.locals.push(Local { name: name.to_owned(), ty, is_var: false, span: Span::default(), depth: 1 });
        id
    }

    fn get(&self, id: LocalId) -> Expr {
        self.expr(ExprKind::Local(id), self.locals[id.0 as usize].ty)
    }

    /// A method of the choices.
    fn choose(&self, name: &str, args: Vec<Expr>, ty: Ty) -> Expr {
        let Some(id) = self.p.def(self.choices_def).methods.get(name) else {
            unreachable!("choices have the method `{name}`")
        };
        let args = std::iter::once(self.get(self.choices)).chain(args).collect();
        self.expr(ExprKind::Call(*id, Vec::new(), args), ty)
    }

    fn other(&self, ty: Ty) -> Expr {
        self.expr(ExprKind::Call(self.function, vec![ty], vec![self.get(self.choices)]), ty)
    }

    fn draw(&self, count: usize) -> Expr {
        let count = self.expr(ExprKind::Int(count as i64), self.int);
        self.choose("draw", vec![count], self.int)
    }

    fn value(&mut self, ty: Ty) -> Result<Expr, NotData> {
        let refused = |p: &Program<'_>| Err(NotData(infer::display(p, &[], ty)));
        match self.p.types.kind(ty).clone() {
            Kind::Tuple(items) if items.is_empty() => Ok(self.expr(ExprKind::Unit, ty)),
            Kind::Tuple(items) => Ok(self.expr(ExprKind::Tuple(items.iter().map(|item| self.other(*item)).collect()), ty)),
            Kind::Named(def, args) => self.named(ty, def, &args),
            Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => refused(self.p),
        }
    }

    fn named(&mut self, ty: Ty, def: DefId, args: &[Ty]) -> Result<Expr, NotData> {
        let core = self.p.core;
        let simple =
            [(core.int, "int"), (core.duration, "int"), (core.float, "float"), (core.bool, "bool"), (core.text, "text")];
        if let Some((_, name)) = simple.iter().find(|(of, _)| *of == def) {
            return Ok(self.choose(name, Vec::new(), ty));
        }
        if def == core.option {
            let inner = args.first().copied().unwrap_or(UNIT);
            let none = self.expr(ExprKind::Variant(0, Vec::new()), ty);
            let some = self.expr(ExprKind::Variant(1, vec![self.other(inner)]), ty);
            return Ok(self.one_of(vec![none, some], ty));
        }
        if def == core.list || def == core.map {
            return Ok(self.container(ty, def, args));
        }
        match &self.p.def(def).kind {
            DefKind::Record(fields) | DefKind::Object(fields) => {
                let types: Vec<Ty> = fields.iter().map(|field| field.ty).collect();
                let parts = self.parts(&types, args);
                Ok(self.expr(ExprKind::Record(parts), ty))
            }
            DefKind::Sum(variants) => {
                let all: Vec<Vec<Ty>> =
                    variants.iter().map(|variant| variant.fields.iter().map(|field| field.ty).collect()).collect();
                let mut made = Vec::new();
                for (at, types) in all.iter().enumerate() {
                    let is_leaf = !types.iter().any(|part| self.speaks_of(*part, def));
                    let parts = self.parts(types, args);
                    made.push((!is_leaf, self.expr(ExprKind::Variant(at, parts), ty)));
                }
                // What does not hold another of its kind comes first, so that values end.
                made.sort_by_key(|(is_inner, _)| *is_inner);
                Ok(self.one_of(made.into_iter().map(|(_, expr)| expr).collect(), ty))
            }
            DefKind::Builtin | DefKind::Unknown | DefKind::Alias(_) => Err(NotData(infer::display(self.p, &[], ty))),
        }
    }

    fn speaks_of(&self, ty: Ty, def: DefId) -> bool {
        match self.p.types.kind(ty) {
            Kind::Named(own, args) => *own == def || args.iter().any(|arg| self.speaks_of(*arg, def)),
            Kind::Tuple(items) => items.iter().any(|item| self.speaks_of(*item, def)),
            Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => false,
        }
    }

    fn parts(&mut self, types: &[Ty], args: &[Ty]) -> Vec<Expr> {
        let types: Vec<Ty> = types.iter().map(|ty| self.p.types.instantiate(*ty, args)).collect();
        types.into_iter().map(|ty| self.other(ty)).collect()
    }

    /// One of several values.
    fn one_of(&mut self, mut values: Vec<Expr>, ty: Ty) -> Expr {
        let count = values.len();
        let last = values.pop();
        let arm =
            |kind: PatKind, body: Expr| Arm { pat: Pat { kind, ty: self.int, span: Span::default() }, guard: None, body };
        let numbered = values.into_iter().enumerate().map(|(at, value)| arm(PatKind::Int(at as i64), value));
        let arms = numbered.collect::<Vec<_>>().into_iter().chain(last.map(|value| arm(PatKind::Any, value))).collect();
        self.expr(ExprKind::Match(Box::new(self.draw(count)), arms), ty)
    }

    fn container(&mut self, ty: Ty, def: DefId, args: &[Ty]) -> Expr {
        let core = self.p.core;
        let out = self.local("out", ty);
        let at = self.local("at", self.int);
        let inner = |index: usize| args.get(index).copied().unwrap_or(UNIT);
        let (empty, add) = if def == core.list {
            let push = self.p.def(core.list).methods.get("push").copied();
            let Some(push) = push else { unreachable!("lists have the method `push`") };
            let args = vec![self.get(out), self.other(inner(0))];
            let add = self.expr(ExprKind::Call(push, vec![inner(0)], args), UNIT);
            (self.expr(ExprKind::List(Vec::new()), ty), add)
        } else {
            let place = Place::Index(self.get(out), self.other(inner(0)));
            let add = ExprKind::Assign(Box::new(place), None, Box::new(self.other(inner(1))));
            (self.expr(ExprKind::Map(Vec::new()), ty), self.expr(add, UNIT))
        };
        let pat = |id: LocalId, ty: Ty| Pat { kind: PatKind::Bind(id), ty, span: Span::default() };
        let bind = self.expr(ExprKind::Let(Box::new(pat(out, ty)), Box::new(empty)), UNIT);
        let zero = self.expr(ExprKind::Int(0), self.int);
        let count = self.choose("len", Vec::new(), self.int);
        let over = self.expr(ExprKind::Tuple(vec![zero, count]), UNIT);
        let body = self.expr(ExprKind::Block(vec![add], None), UNIT);
        let each = For { pat: pat(at, self.int), over, body, how: Loop::Range { is_inclusive: false } };
        let each = self.expr(ExprKind::For(Box::new(each)), UNIT);
        let value = self.get(out);
        self.expr(ExprKind::Block(vec![bind, each], Some(Box::new(value))), ty)
    }
}
