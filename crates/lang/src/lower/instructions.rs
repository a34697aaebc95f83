//! Functions of the standard library that are instructions.

use super::code::Label;
use super::frame::{Frame, Got, Want};
use super::{Lower, host};
use crate::code::Code as Mistake;
use crate::program::ModuleId;
use crate::thir::{DELIVER, Expr, FnId};
use crate::ty::Ty;
use fardel_syntax::ast::Span;

impl<'c, 'a> Frame<'_, 'c, 'a> {
    /// What instructions leave: a value where their result is a type parameter, even if that is `()`.
    pub(super) fn left_by(&self, id: FnId) -> Got {
        self.got(self.l.p.fun(id).result)
    }

    /// Pushes what instructions take; where they would exchange the two at once, in the other order.
    pub(super) fn arguments(&mut self, asm: &'a str, args: &'c [Expr]) -> &'a str {
        if let (Some(rest), [first, second]) = (asm.strip_prefix("swap ; "), args)
            && (self.is_pure(first) || self.is_pure(second))
        {
            self.expr(second, Want::Value);
            self.expr(first, Want::Value);
            return rest;
        }
        self.operands(args);
        asm
    }

    /// The instructions that stand for a function of the standard library.
    pub(super) fn instructions(&mut self, asm: &str, id: FnId, types: &[Ty], span: Span) {
        let def = self.l.p.fun(id);
        let (generics, result, module) = (def.generics.clone(), def.result, def.module);
        let result = self.l.p.types.instantiate(result, types);
        let mut text = asm.to_owned();
        for (generic, ty) in generics.iter().zip(types) {
            let hole = format!("{{{}}}", generic.name);
            if text.contains(&hole) {
                text = text.replace(&hole, &self.l.asm_type(*ty));
            }
        }
        if text.contains("{result}") {
            text = text.replace("{result}", &self.l.asm_type(result));
        }
        if text.contains("{label}") {
            let unique = self.code.unique();
            text = text.replace("{label}", &format!("l{unique}"));
        }
        for line in text.split('\n').flat_map(|line| line.split(" ; ")) {
            self.instruction(line.trim(), module, span);
        }
    }

    /// Whether a function's instructions end by making a tuple.
    pub(super) fn makes_tuple(&self, id: FnId) -> bool {
        self.l.p.fun(id).asm.is_some_and(|asm| asm.rsplit(" ; ").next().is_some_and(|last| last.starts_with("new (")))
    }

    /// The instructions without the last one, which makes a tuple.
    pub(super) fn parts_of_tuple(&mut self, id: FnId, types: &[Ty], span: Span) {
        let asm = self.l.p.fun(id).asm.unwrap_or("");
        let asm = asm.rsplit_once(" ; ").map_or("", |(before, _)| before);
        self.instructions(asm, id, types, span);
    }

    fn instruction(&mut self, line: &str, module: ModuleId, span: Span) {
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        let jump = ["jmp", "jmp_if", "jmp_unless", "jmp_if_null"].into_iter().find(|jump| *jump == word);
        match (word, jump) {
            ("", _) => {}
            // A cast to what it is already.
            ("cast", _) if rest == "Any" => {}
            (_, Some(jump)) => {
                let label = self.code.named_label(rest);
                self.code.jump(jump, label);
            }
            ("handle", None) => {
                let mut names = rest.split_whitespace();
                let labels = [(); 3].map(|()| self.code.named_label(names.next().unwrap_or("")));
                self.code.handle(labels);
            }
            ("switch", None) => {
                let names = rest.trim_matches(['(', ')']);
                let labels: Vec<Label> = names.split_whitespace().map(|name| self.code.named_label(name)).collect();
                self.code.switch(labels);
            }
            ("call_host", None) => {
                match host::declaration(rest) {
                    Some(host) if !self.l.hosts.contains(&host) => self.l.hosts.push(host),
                    Some(_) => {}
                    None => {
                        self.l.refuse(module, span, Mistake::NotAvailable, format!("unknown host function `{rest}`"), "here")
                    }
                }
                self.code.op(format!("call_host {rest}"));
            }
            // A label, and perhaps an instruction behind it.
            (_, None) => match word.strip_suffix(':') {
                Some(name) => {
                    let label = self.code.named_label(name);
                    self.code.bind(label);
                    self.instruction(rest, module, span);
                }
                None => self.code.op(line.to_owned()),
            },
        }
    }

    /// A function of the standard library that is instructions, as a function: for values and fibers.
    pub(super) fn asm_body(&mut self, asm: &str, id: FnId, types: &[Ty]) {
        let def = self.l.p.fun(id);
        let (params, result, span) = (def.params.clone(), def.result, def.span);
        if asm == DELIVER {
            let message = "`deliver` is called, and is no function to pass on or to spawn";
            return self.l.refuse(def.module, span, Mistake::NotAvailable, message.to_owned(), "here");
        }
        for param in &params {
            let ty = self.l.p.types.instantiate(param.ty, types);
            let text = self.l.asm_type(ty);
            let name = if param.name.is_empty() { "_" } else { param.name };
            let slot = self.code.param(name, text);
            self.code.load(slot);
        }
        let result = self.l.p.types.instantiate(result, types);
        let count = self.code.local_count();
        self.has_result = self.got(result) == Got::Value;
        self.instructions(asm, id, types, span);
        let left = self.left_by(id);
        self.deliver_call(left, Want::Tail);
        self.end(result, &[], 0, count);
    }
}

impl<'c, 'a> Lower<'c, 'a> {
    pub(super) fn asm_function(&mut self, name: String, id: FnId, args: Vec<Ty>) {
        let def = self.p.fun(id);
        let (module, asm) = (def.module, def.asm.unwrap_or(""));
        let checked = self.checked;
        // Any body serves, since nothing of it is looked at.
        let Some(body) = checked.fns.iter().flatten().next() else { return };
        let mut frame = Frame::new(self, name, module, body, args.clone().into());
        frame.asm_body(asm, id, &args);
    }
}

/// Whether instructions are the body of a function of their own, as they catch traps.
pub(super) fn has_handler(asm: &str) -> bool {
    asm.split_whitespace().next() == Some("handle")
}
