//! What fibers do: `receive`, `select`, `serve`, `spawn`, `me`.

use super::infer::Why;
use super::{Cx, Frame, HOLE};
use crate::code::Code;
use crate::program::Value;
use crate::suggest::suggestion;
use crate::thir::{Arm, Closure, Expr, ExprKind, Receive, Serve, Spawn, SpawnOption, SpawnWhat, constructor};
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

    /// Tells when what `deliver` takes is no constructor with one hole.
    pub(crate) fn check_delivery(&mut self, args: &[Expr]) {
        let Some(make) = args.get(1) else { return };
        let option = self.p.core.option;
        // An option is no type of its own to the machine.
        let is_message = constructor(make).is_some_and(|(_, closure, fields)| {
            // What else stands in a closure that is written out would be done when the answer comes.
            let is_hole = closure.params.iter().all(|param| self.locals[param.0 as usize].name == HOLE) || fields.len() == 1;
            is_hole && !matches!(self.kind(closure.body.ty), Kind::Named(def, _) if def == option)
        });
        let made = if let ExprKind::Closure(closure) = &make.kind { &closure.body.kind } else { &make.kind };
        if is_message || matches!(made, ExprKind::Error) {
            return;
        }
        let report = Report::error(Code::Hole, make.span, "`deliver` takes a message in which `_` stands for the answer")
            .label("another function");
        self.tell(report.hint("write a constructor with one `_`, such as `p.deliver(Got(key, _))`"));
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
            let hint = match self.frames.len() {
                0 | 1 => "write `receives Type` behind the function's signature",
                _ => {
                    "a closure receives what it says: `fn() receives Type { .. }`; of fibers only a spawned function receives"
                }
            };
            let word = Span { start: span.start, end: arms.span.start.max(span.start) };
            let report = Report::error(Code::Receives, word, "this function receives nothing").label("no message can come");
            self.tell(report.hint(hint));
            // Of what type its patterns are nobody knows.
            *result = ERROR;
            return Receive { is_selective, set, arms: Vec::new(), after: None };
        }
        let mut out: Vec<(Option<usize>, Arm)> = Vec::new();
        let taken = self.taken_types(arms, &set);
        for arm in &arms.arms {
            let visible = self.names.len();
            let found = self.message_type(&arm.pat, &set, &taken);
            let which = found.unwrap_or(None);
            let ty = match (which, set.as_slice()) {
                (Some(at), _) => set.get(at).copied().unwrap_or(ERROR),
                (None, _) if found.is_none() => ERROR,
                (None, [only]) => *only,
                (None, _) => ERROR,
            };
            let pat = self.pattern(&arm.pat, ty);
            let guard = self.guard(arm.guard.as_ref());
            let body = self.arm_body(&arm.body, wanted, result);
            self.check_replies(&pat);
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
        let bodies: Vec<&Expr> = out.iter().map(|(_, arm)| &arm.body).chain(after.iter().map(|(_, body)| body)).collect();
        self.check_dropped_in_arms(bodies.into_iter(), *result);
        if is_selective {
            self.check_selected(&out, &set, Span { start: span.start, end: arms.span.start.max(span.start) });
        } else {
            self.check_received(&out, &set, arms, span);
        }
        Receive { is_selective, set, arms: out, after }
    }

    /// For each type of the set, whether an arm says by its pattern that it is for this type.
    fn taken_types(&mut self, arms: &'a ast::Arms<'a>, set: &[Ty]) -> Vec<bool> {
        let mut taken = vec![false; set.len()];
        for arm in &arms.arms {
            if matches!(arm.pat.kind, ast::PatKind::Any | ast::PatKind::Name(_) | ast::PatKind::Error) {
                continue;
            }
            for (at, taken) in taken.iter_mut().enumerate() {
                *taken |= self.could_match(&arm.pat, set[at]);
            }
        }
        taken
    }

    /// Which type of the set a pattern is for, if not for all; nothing for one that is told to be wrong. A name is for the one
    /// type that has no arms of its own.
    fn message_type(&mut self, pat: &'a ast::Pat<'a>, set: &[Ty], taken: &[bool]) -> Option<Option<usize>> {
        let goes: Vec<usize> = (0..set.len()).filter(|at| self.could_match(pat, set[*at])).collect();
        match (goes.as_slice(), &pat.kind) {
            ([one], _) => Some(Some(*one)),
            ([], ast::PatKind::Any | ast::PatKind::Name(_) | ast::PatKind::Error) => Some(None),
            ([], _) => {
                if !set.is_empty() {
                    let all: Vec<String> = set.iter().map(|ty| format!("`{}`", self.display(*ty))).collect();
                    let message = format!("this function receives {}, and none of them is matched by this", all.join(", "));
                    self.tell(Report::error(Code::Receives, pat.span, message).label("no such message"));
                }
                None
            }
            (_, ast::PatKind::Any) => Some(None),
            (_, ast::PatKind::Name(name)) => {
                let mut left = taken.iter().enumerate().filter(|(_, taken)| !**taken).map(|(at, _)| at);
                if let (Some(only), None) = (left.next(), left.next()) {
                    return Some(Some(only));
                }
                let message = format!("`{}` would be of several types", name.text);
                let report = Report::error(Code::Receives, pat.span, message).label("of which type?");
                self.tell(report.hint(
                    "a name is for the one type that has no arm of its own; match the variants of the others, or write `_`",
                ));
                None
            }
            ([first, ..], _) => Some(Some(*first)),
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

    /// Warns of replies that an arm neither uses nor keeps.
    fn check_replies(&mut self, pat: &crate::thir::Pat) {
        use crate::thir::PatKind;
        match &pat.kind {
            PatKind::Variant(_, parts) | PatKind::Fields(parts) | PatKind::Or(parts) | PatKind::List(parts, _) => {
                parts.iter().for_each(|part| self.check_replies(part));
            }
            PatKind::Any => self.unused_reply(pat.ty, pat.span),
            PatKind::Bind(id) if !self.used.get(id.0 as usize).copied().unwrap_or(true) => {
                let local = &self.locals[id.0 as usize];
                self.unused_reply(local.ty, local.span);
            }
            _ => {}
        }
    }

    fn unused_reply(&mut self, ty: Ty, span: Span) {
        if self.failed || !matches!(self.kind(ty), Kind::Named(def, _) if def == self.p.core.reply) {
            return;
        }
        let message = format!("this `{}` is neither used nor kept", self.display(ty));
        let report = Report::warning(Code::Unused, span, message).label("whoever asked waits in vain");
        self.warn(report.hint("answer with `reply.send(..)`, or keep it for later"));
    }

    /// Warns of messages that a `select` in a loop leaves in the mailbox for ever.
    fn check_selected(&mut self, arms: &[(Option<usize>, Arm)], set: &[Ty], span: Span) {
        if self.failed || self.loops.is_empty() {
            return;
        }
        let mut left: Vec<String> = Vec::new();
        for (at, ty) in set.iter().enumerate() {
            let of_type = arms.iter().filter(|(which, _)| which.is_none_or(|which| which == at)).map(|(_, arm)| &arm.pat);
            let mut taken = Some(Vec::new());
            of_type.for_each(|pat| variants_taken(pat, &mut taken));
            let Some(taken) = taken else { continue };
            match self.kind(*ty) {
                Kind::Named(def, _) if self.is_sum(*ty) => {
                    let crate::program::DefKind::Sum(variants) = &self.p.def(def).kind else { continue };
                    let of_sum = variants.iter().enumerate().filter(|(at, _)| !taken.contains(at));
                    left.extend(of_sum.map(|(_, variant)| variant.name.to_owned()));
                }
                _ if taken.is_empty() => left.push(self.display(*ty)),
                _ => {}
            }
        }
        if left.is_empty() {
            return;
        }
        let names: Vec<String> = left.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("no arm of this `select` takes {}, so the mailbox fills with such messages", names.join(", "));
        let report = Report::warning(Code::NotExhaustive, span, message).label("in a loop");
        self.warn(report.hint("add an arm, or write `receive` to take every message in order"));
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
            (Some(wanted), Some(ty)) => self.coerce(init, wanted, &Why::at("the written type", ty.span)),
            _ => init,
        };
        let ty = wanted.unwrap_or(init.ty);
        // Parameters stay visible, other locals do not.
        let depth = self.frames.len() as u32;
        let hidden: Vec<(&'a str, crate::thir::LocalId)> = self.names.clone();
        let serve_locals = self.serve_visible(depth);
        let unseen = hidden.iter().filter(|one| !serve_locals.contains(one)).map(|(name, _)| (*name).to_owned()).collect();
        let hidden_before = std::mem::replace(&mut self.hidden, unseen);
        self.names = serve_locals;
        let state = self.bind_name(name.text, ty, true, name.span);
        let mut result = NEVER;
        // It is left by `return` alone.
        let loops = std::mem::take(&mut self.loops);
        let receive = self.receive_arms(arms, false, Some(UNIT), &mut result, span);
        self.loops = loops;
        self.hidden = hidden_before;
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
                if self.find_local(module.text).is_some() {
                    let report = Report::error(Code::Spawn, name.span, "a declared function can be spawned, seen: a method");
                    self.tell(
                        report.label("a method").hint(format!("write `spawn {{ {}.{}(..) }}`", module.text, name.text)),
                    );
                    return None;
                }
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

/// Adds the variants that a pattern takes; nothing is left of `taken` when it takes all.
fn variants_taken(pat: &crate::thir::Pat, taken: &mut Option<Vec<usize>>) {
    use crate::thir::PatKind;
    match &pat.kind {
        PatKind::Any | PatKind::Bind(_) => *taken = None,
        PatKind::As(_, inner) => variants_taken(inner, taken),
        PatKind::Or(parts) => parts.iter().for_each(|part| variants_taken(part, taken)),
        PatKind::Variant(at, _) => taken.iter_mut().for_each(|taken| taken.push(*at)),
        // Of a type without variants any pattern is one for it.
        _ => taken.iter_mut().for_each(|taken| taken.push(0)),
    }
}
