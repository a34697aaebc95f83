//! What fibers do: `receive`, `select`, `serve`, `spawn`, `me`.

use super::infer::Why;
use super::{Cx, Frame};
use crate::code::Code;
use crate::program::Value;
use crate::suggest::suggestion;
use crate::thir::{Arm, Closure, Expr, ExprKind, Receive, Serve, Spawn, SpawnOption, SpawnWhat};
use crate::ty::{ERROR, Kind, NEVER, Ty, UNIT};
use fardel_diagnostic::Report;
use fardel_syntax::ast::{self, ArgKind, Span};

impl<'a> Cx<'_, 'a> {
    /// `me`.
    pub(crate) fn me(&mut self, wanted: Option<Ty>, span: Span) -> Expr {
        let address = self.p.core.address;
        let set = self.frame().receives.clone();
        let of_wanted = match wanted.map(|ty| self.kind(ty)) {
            Some(Kind::Named(def, args)) if def == address => args.first().copied(),
            _ => None,
        };
        let message = match of_wanted.map(|ty| self.shallow(ty)) {
            Some(NEVER) => NEVER,
            Some(ty) if !matches!(self.kind(ty), Kind::Var(_)) => {
                let ty = self.resolve(ty);
                let found = set.iter().any(|own| self.unify(*own, ty));
                if !found && ty != ERROR {
                    let name = self.display(ty);
                    let message =
                        format!("`me` is wanted as `Address<{name}>`, and this function does not receive `{name}`");
                    let report = Report::error(Code::Receives, span, message).label("the own address");
                    self.tell(report.hint(format!("write `receives {name}` behind the function's signature")));
                }
                ty
            }
            _ => match set.first() {
                Some(first) => *first,
                None => NEVER,
            },
        };
        let ty = self.p.types.named(address, vec![message]);
        Expr { kind: ExprKind::Me, ty, span }
    }

    /// `receive` and `select`.
    pub(crate) fn receive(&mut self, arms: &'a ast::Arms<'a>, is_selective: bool, wanted: Option<Ty>, span: Span) -> Expr {
        let mut result = NEVER;
        let receive = self.receive_arms(arms, is_selective, wanted, &mut result, span);
        Expr { kind: ExprKind::Receive(Box::new(receive)), ty: result, span }
    }

    fn receive_arms(
        &mut self,
        arms: &'a ast::Arms<'a>,
        is_selective: bool,
        wanted: Option<Ty>,
        result: &mut Ty,
        span: Span,
    ) -> Receive {
        let set = self.frame().receives.clone();
        if set.is_empty() && !arms.arms.is_empty() {
            let report = Report::error(Code::Receives, span, "this function receives nothing").label("no message can come");
            self.tell(report.hint("write `receives Type` behind the function's signature"));
        }
        let mut out: Vec<(Option<usize>, Arm)> = Vec::new();
        for arm in &arms.arms {
            let visible = self.names.len();
            let which = self.message_type(&arm.pat, &set);
            let ty = match (which, set.as_slice()) {
                (Some(at), _) => set.get(at).copied().unwrap_or(ERROR),
                (None, [only]) => *only,
                (None, _) => ERROR,
            };
            let pat = self.pattern(&arm.pat, ty);
            let guard = self.guard(arm.guard.as_ref());
            let body = self.arm_body(&arm.body, wanted, result);
            self.names.truncate(visible);
            let which = if set.len() == 1 { Some(0) } else { which };
            out.push((which, Arm { pat, guard, body }));
        }
        let after = arms.after.as_ref().map(|after| {
            let duration = self.p.core.duration;
            let duration = self.p.plain(duration);
            let wait = self.expr(&after.wait, Some(duration));
            let wait = self.coerce(wait, duration, &Why::new("the time behind `after`"));
            let body = self.arm_body(&after.body, wanted, result);
            (wait, body)
        });
        if !is_selective {
            self.check_received(&out, &set, arms, span);
        }
        Receive { is_selective, set, arms: out, after }
    }

    /// Which type of the set a pattern is for; nothing for one that takes all.
    fn message_type(&mut self, pat: &'a ast::Pat<'a>, set: &[Ty]) -> Option<usize> {
        let goes: Vec<usize> = (0..set.len()).filter(|at| self.could_match(pat, set[*at])).collect();
        match (goes.as_slice(), &pat.kind) {
            ([one], _) => Some(*one),
            ([], ast::PatKind::Any | ast::PatKind::Name(_) | ast::PatKind::Error) => None,
            ([], _) => {
                if !set.is_empty() {
                    let all: Vec<String> = set.iter().map(|ty| format!("`{}`", self.display(*ty))).collect();
                    let message = format!("this function receives {}, and none of them is matched by this", all.join(", "));
                    self.tell(Report::error(Code::Receives, pat.span, message).label("no such message"));
                }
                None
            }
            (_, ast::PatKind::Any) => None,
            (_, ast::PatKind::Name(name)) => {
                let message = format!("`{}` would be of several types", name.text);
                let report = Report::error(Code::Receives, pat.span, message).label("of which type?");
                self.tell(report.hint("match each type's variants, or write `_`"));
                None
            }
            ([first, ..], _) => Some(*first),
        }
    }

    /// Whether a pattern could be one for a type, as far as its outside tells.
    fn could_match(&mut self, pat: &'a ast::Pat<'a>, ty: Ty) -> bool {
        let core = self.p.core;
        let kind = self.kind(ty);
        let is = |def: crate::ty::DefId| matches!(&kind, Kind::Named(own, _) if *own == def);
        match &pat.kind {
            ast::PatKind::Any | ast::PatKind::Name(_) | ast::PatKind::Error => true,
            ast::PatKind::As { pat, .. } => self.could_match(pat, ty),
            ast::PatKind::Or(all) => all.first().is_some_and(|first| self.could_match(first, ty)),
            ast::PatKind::Int(_) | ast::PatKind::Range { .. } => is(core.int),
            ast::PatKind::Float(_) => is(core.float),
            ast::PatKind::Duration(_) => is(core.duration),
            ast::PatKind::Bool(_) => is(core.bool),
            ast::PatKind::Text(_) | ast::PatKind::Prefix { .. } => is(core.text),
            ast::PatKind::Bytes(_) => is(core.bytes),
            ast::PatKind::List(_) => is(core.list),
            ast::PatKind::Tuple(_) => matches!(kind, Kind::Tuple(_)),
            ast::PatKind::Constructor { module, name, variant, .. } => {
                let Kind::Named(def, _) = kind else { return false };
                let path: Vec<&str> = module.iter().map(|part| part.text).collect();
                match variant {
                    Some(_) => self.p.find_type(self.module, &path, name.text) == Some(def),
                    None if path.is_empty() => self.has_variant(def, name.text) || self.p.def(def).name == name.text,
                    None => self.p.find_type(self.module, &path, name.text) == Some(def),
                }
            }
        }
    }

    fn has_variant(&self, def: crate::ty::DefId, name: &str) -> bool {
        if def == self.p.core.option {
            return name == "None" || name == "Some";
        }
        match &self.p.def(def).kind {
            crate::program::DefKind::Sum(variants) => variants.iter().any(|variant| variant.name == name),
            crate::program::DefKind::Unknown
            | crate::program::DefKind::Builtin
            | crate::program::DefKind::Alias(_)
            | crate::program::DefKind::Record(_)
            | crate::program::DefKind::Object(_) => false,
        }
    }

    /// Whether every message of the set is taken by some arm.
    fn check_received(&mut self, arms: &[(Option<usize>, Arm)], set: &[Ty], written: &'a ast::Arms<'a>, span: Span) {
        if self.failed {
            return;
        }
        for (at, ty) in set.iter().enumerate() {
            let mut own: Vec<Arm> = Vec::new();
            for (which, arm) in arms {
                if which.is_none_or(|which| which == at) {
                    let mut arm = arm.clone();
                    if which.is_none() {
                        arm.pat.ty = *ty;
                    }
                    own.push(arm);
                }
            }
            if own.is_empty() {
                let name = self.display(*ty);
                let message = format!("messages of type `{name}` are received and taken by no arm");
                let report = Report::error(
                    Code::NotExhaustive,
                    Span { start: span.start, end: written.span.start.max(span.start) },
                    message,
                );
                let hint = if self.is_sum(*ty) {
                    format!("add arms for the variants of `{name}`, or `_ -> {{}}`")
                } else {
                    format!("add an arm for `{name}`, or `_ -> {{}}`")
                };
                self.tell(report.label("not everything is taken").hint(hint));
                continue;
            }
            // Arms for all types are reached by one of them; only what is left out is of interest.
            let reached = self.p.module(self.module).sink.clone();
            let failed = self.failed;
            self.check_arms(&own, *ty, written, span);
            if set.len() > 1 && self.failed && !failed && !self.leaves_out(&own, *ty) {
                self.p.module_mut(self.module).sink = reached;
                self.failed = failed;
            }
        }
    }

    fn leaves_out(&mut self, arms: &[Arm], ty: Ty) -> bool {
        let rows: Vec<(&crate::thir::Pat, bool)> = arms.iter().map(|arm| (&arm.pat, arm.guard.is_some())).collect();
        let tree = super::decision::decide(self.p, &rows);
        !super::decision::missing(self.p, &tree, ty, 1).is_empty()
    }

    /// `serve`.
    pub(crate) fn serve(
        &mut self,
        name: &ast::Name<'a>,
        ty: Option<&'a ast::Type<'a>>,
        init: &'a ast::Expr<'a>,
        arms: &'a ast::Arms<'a>,
        span: Span,
    ) -> Expr {
        let wanted = ty.map(|ty| self.written(ty));
        let init = self.expr(init, wanted);
        let init = match (wanted, ty) {
            (Some(wanted), Some(ty)) => self.coerce(init, wanted, &Why::at("what is written", ty.span)),
            _ => init,
        };
        let ty = wanted.unwrap_or(init.ty);
        // Parameters stay visible, other locals do not.
        let depth = self.frames.len() as u32;
        let hidden: Vec<(&'a str, crate::thir::LocalId)> = self.names.clone();
        let serve_locals = self.serve_visible(depth);
        self.names = serve_locals;
        let state = self.bind_name(name.text, ty, true, name.span);
        let mut result = NEVER;
        self.loops.push(false);
        let receive = self.receive_arms(arms, false, Some(UNIT), &mut result, span);
        self.loops.pop();
        self.names = hidden;
        Expr { kind: ExprKind::Serve(Box::new(Serve { state, init, receive })), ty: NEVER, span }
    }

    /// The names that a `serve` sees: parameters, and what closures around it capture.
    fn serve_visible(&self, depth: u32) -> Vec<(&'a str, crate::thir::LocalId)> {
        let count = self.params_of_frame;
        self.names
            .iter()
            .filter(|(_, id)| self.locals[id.0 as usize].depth < depth || (id.0 as usize) < count)
            .copied()
            .collect()
    }

    /// `spawn`.
    pub(crate) fn spawn(&mut self, spawn: &'a ast::Spawn<'a>, span: Span) -> Expr {
        let core = self.p.core;
        let mut options = Vec::new();
        let mut is_result = false;
        for option in &spawn.options {
            let Some(name) = &option.name else {
                let report =
                    Report::error(Code::Spawn, option.span, "options of `spawn` are given by name").label("by position");
                self.tell(report.hint("as in `spawn(link: true) f()`"));
                continue;
            };
            let (known, ty) = match name.text {
                "on" => (SpawnOption::On, self.p.find_type(self.module, &[], "Place").map(|def| self.p.plain(def))),
                "durable" => (SpawnOption::Durable, Some(self.p.plain(core.text))),
                "link" => (SpawnOption::Link, Some(self.p.plain(core.bool))),
                "mailbox" => (SpawnOption::Mailbox, Some(self.p.plain(core.int))),
                "full" => (SpawnOption::Full, self.p.find_type(self.module, &[], "Full").map(|def| self.p.plain(def))),
                "memory" => (SpawnOption::Memory, Some(self.p.plain(core.int))),
                other => {
                    let all = ["on", "durable", "link", "mailbox", "full", "memory"];
                    let hint =
                        suggestion(other, all.into_iter()).unwrap_or_else(|| format!("there are `{}`", all.join("`, `")));
                    let message = format!("`spawn` has no option `{other}`");
                    self.tell(Report::error(Code::Spawn, name.span, message).label("no such option").hint(hint));
                    continue;
                }
            };
            is_result |= matches!(known, SpawnOption::On | SpawnOption::Durable);
            let ArgKind::Value(value) = &option.kind else {
                self.tell(Report::error(Code::Hole, option.span, "an option of `spawn` is a value").label("not a value"));
                continue;
            };
            let value = self.expr(value, ty);
            let value = match ty {
                Some(ty) => self.coerce(value, ty, &Why::new(format!("the option `{}`", name.text))),
                None => value,
            };
            options.push((known, value));
        }
        let (what, message) = match &spawn.what {
            ast::SpawnWhat::Call { path, args } => match self.spawn_call(path, args, span) {
                Some(found) => found,
                None => return self.error(span),
            },
            ast::SpawnWhat::Block(block) => {
                self.frames.push(Frame { result: UNIT, result_span: None, receives: Vec::new(), captures: Vec::new() });
                let (visible, loops) = (self.names.len(), std::mem::take(&mut self.loops));
                let body = self.block(block, Some(UNIT), true);
                self.names.truncate(visible);
                self.loops = loops;
                let frame = self.frames.pop().unwrap_or_else(|| unreachable!("it was pushed"));
                let closure =
                    Closure { params: Vec::new(), captures: frame.captures, body, result: UNIT, receives: Vec::new() };
                (SpawnWhat::Closure(Box::new(closure)), NEVER)
            }
        };
        let address = self.p.types.named(core.address, vec![message]);
        let ty = if is_result {
            let error = self.p.plain(core.spawn_error);
            self.p.types.named(core.result, vec![address, error])
        } else {
            address
        };
        Expr { kind: ExprKind::Spawn(Box::new(Spawn { options, what, message })), ty, span }
    }

    fn spawn_call(&mut self, path: &'a [ast::Name<'a>], args: &'a [ast::Arg<'a>], span: Span) -> Option<(SpawnWhat, Ty)> {
        let value = match path {
            [name] => {
                if self.find_local(name.text).is_some() {
                    let report = Report::error(Code::Spawn, name.span, "a declared function can be spawned, seen: a value");
                    self.tell(report.label("a value").hint(format!("write `spawn {{ {}(..) }}`", name.text)));
                    return None;
                }
                let found = self.find_value(name.text);
                if found.is_none() {
                    self.unknown_name(name);
                }
                found?
            }
            [module, name] => {
                let Some(found) = self.p.find_module(self.module, &[module.text]) else {
                    let message = format!("unknown module `{}`", module.text);
                    let report = Report::error(Code::UnknownModule, module.span, message).label("not imported");
                    self.tell(report.hint(format!(
                        "a method can be started in a block: `spawn {{ {}.{}(..) }}`",
                        module.text, name.text
                    )));
                    return None;
                };
                match self.in_module(found, name) {
                    super::call::Named::Value(value) => value,
                    _ => return None,
                }
            }
            _ => return None,
        };
        let Value::Fn(id) = value else {
            self.tell(
                Report::error(Code::Spawn, span, "a function can be spawned, seen: a constant").label("not a function"),
            );
            return None;
        };
        if args.iter().any(|arg| matches!(arg.kind, ArgKind::Hole)) {
            self.tell(Report::error(Code::Hole, span, "a spawned call has all its arguments").label("a `_` in it"));
            return None;
        }
        let types = self.fresh_args(id, span);
        let def = self.p.fun(id);
        let (name, module, receives) = (def.name, def.module, def.receives.clone());
        let params: Vec<(&'a str, Ty, Option<&'a ast::Expr<'a>>)> =
            def.params.iter().map(|param| (param.name, param.ty, param.default)).collect();
        let params: Vec<super::call::Wanted<'a>> = params
            .into_iter()
            .map(|(name, ty, default)| super::call::Wanted { name, ty: self.p.types.instantiate(ty, &types), default })
            .collect();
        let (args, _, _) = self.arguments_of(&params, args, span, &format!("`{name}`"), Some(module))?;
        let message = receives.first().map_or(NEVER, |ty| self.p.types.instantiate(*ty, &types));
        Some((SpawnWhat::Call(id, types, args), message))
    }
}
