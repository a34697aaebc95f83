//! Diagnostics about types: what stands on the operand stack, what is wanted, and what may help.
//!
//! **Invariant:** a message names what was found, what was wanted, and where the value came from when that is known.

use fardel_bytecode::Opcode;
use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::isa::{Effect, Rule};
use fardel_bytecode::types::{ADDRESS, ANY, BOOL, FLOAT, INT, NULL, TEXT, Type};

use crate::diagnostic::{Code, Report, Span};
use crate::elaborate::NO_ORIGIN;
use crate::flow::Place;
use crate::ir::{Body, Ir};
use crate::type_pool::TypePool;
use crate::typing::Fault;

/// What is known where a diagnostic arises.
pub(crate) struct Explainer<'e> {
    pub(crate) pool: &'e TypePool,
    pub(crate) body: &'e Body<'e>,
    pub(crate) stack: &'e [TypeIndex],
    pub(crate) origins: &'e [u32],
    /// What the instruction takes, as far as it is known.
    pub(crate) pops: &'e [TypeIndex],
}

impl Explainer<'_> {
    fn found(&self, depth: usize) -> Option<TypeIndex> {
        self.stack.len().checked_sub(depth + 1).and_then(|at| self.stack.get(at).copied())
    }

    fn show(&self, ty: Option<TypeIndex>) -> String {
        ty.map_or_else(|| "nothing".to_owned(), |ty| self.pool.display(ty))
    }

    /// The stack as written, its lower part left out when it is high.
    fn shown_stack(&self) -> String {
        const SHOWN: usize = 8;
        let hidden = self.stack.len().saturating_sub(SHOWN);
        let shown = self.stack.iter().skip(hidden).map(|ty| self.pool.display(*ty));
        let all: Vec<String> = (hidden > 0).then(|| "..".to_owned()).into_iter().chain(shown).collect();
        format!("[{}]", all.join(", "))
    }

    /// Adds the place where an operand was pushed.
    fn with_origin(&self, report: Report, depth: usize) -> Report {
        let at = self.stack.len().checked_sub(depth + 1).and_then(|at| self.origins.get(at));
        let origin = at.filter(|at| **at != NO_ORIGIN).and_then(|at| self.body.code.get(*at as usize));
        match origin {
            Some(ir) => report.also(ir.span, format!("leaves {}", self.show(self.found(depth)))),
            None => report,
        }
    }

    /// An operand that does not fit the one type that is wanted.
    pub(crate) fn operand(&self, ir: &Ir, depth: usize, wanted: TypeIndex) -> Report {
        let found = self.found(depth).unwrap_or(ANY);
        let place = position(depth);
        let (found_name, wanted_name) = (self.pool.display(found), self.pool.display(wanted));
        let message = format!("`{}` wants {wanted_name} {place}, found {found_name}", ir.opcode.info().mnemonic);
        let report = Report::error(Code::TypeMismatch, ir.span, message).label(format!("wants {wanted_name}"));
        self.with_origin(report, depth).maybe_hint(self.remedy(ir, found, wanted))
    }

    fn remedy(&self, ir: &Ir, found: TypeIndex, wanted: TypeIndex) -> Option<String> {
        let wanted_name = self.pool.display(wanted);
        let from_local = ir.opcode.info().effect == Effect::Rule(Rule::Store);
        let hint = match (found, wanted) {
            (_, TEXT) if found != ANY && found != NULL => "`show` makes a text of any value".to_owned(),
            (INT, FLOAT) => "`int_to_float` converts; a float literal has a point, as `1.0`".to_owned(),
            (FLOAT, INT) => "`float_to_int` cuts the fraction off".to_owned(),
            (TEXT, INT) => "`parse_int` reads a number from a text".to_owned(),
            (TEXT, FLOAT) => "`parse_float` reads a number from a text".to_owned(),
            (INT, BOOL) => "compare it first, as with `push 0` and `ne`".to_owned(),
            (ANY, ADDRESS) => {
                "`cast Address` takes it out of Any; a local declared with `: Address` keeps it out".to_owned()
            }
            (ANY, _) if !from_local => {
                format!("`cast {wanted_name}` takes it out of Any, and traps if it is something else")
            }
            (ANY, _) => format!("`cast {wanted_name}` takes it out of Any; or declare the local without a type"),
            _ => return self.option_remedy(found, wanted),
        };
        Some(hint)
    }

    fn option_remedy(&self, found: TypeIndex, wanted: TypeIndex) -> Option<String> {
        if matches!(self.pool.get(wanted), Type::Option(inner) if *inner == found) {
            return Some(format!("`some {}` makes an option of it", self.pool.display(wanted)));
        }
        if matches!(self.pool.get(found), Type::Option(inner) if *inner == wanted) {
            return Some("`unwrap` takes the value out, and traps on null; `jmp_if_null` branches".to_owned());
        }
        None
    }

    /// Why an instruction does not work; nothing when that was told elsewhere.
    pub(crate) fn fault(&self, fault: &Fault, ir: &Ir) -> Option<Report> {
        let name = if ir.opcode == Opcode::PushFunction { "push" } else { ir.opcode.info().mnemonic };
        let error = |code, message: String| Report::error(code, ir.span, message);
        let report = match fault {
            Fault::Told => return None,
            Fault::Underflow { wanted } => {
                let message = format!("`{name}` wants {}, the stack has {}", count(*wanted, "operand"), self.stack.len());
                let report = error(Code::Underflow, message).label(format!("the stack here is {}", self.shown_stack()));
                report.maybe_hint(self.operand_list(ir).or_else(|| self.stack_rule(ir)))
            }
            Fault::Operand { depth, wanted } => {
                let found = self.found(*depth);
                let message = format!("`{name}` wants {wanted} {}, found {}", position(*depth), self.show(found));
                let report = error(Code::TypeMismatch, message).label(format!("wants {wanted}"));
                let hint = if found == Some(ANY) { Some("`cast` takes a value out of Any first".to_owned()) } else { None };
                self.with_origin(report, *depth).maybe_hint(hint.or_else(|| self.stack_rule(ir)))
            }
            Fault::Pair => {
                let (below, top) = (self.found(1), self.found(0));
                let message = format!("`{name}` does not go with {} and {}", self.show(below), self.show(top));
                let report = error(Code::TypeMismatch, message).label("wants two of one type");
                let report = self.with_origin(self.with_origin(report, 1), 0);
                let hint = match (below.min(top), below.max(top)) {
                    (Some(INT), Some(FLOAT)) => {
                        Some("`int_to_float` converts; a float literal has a point, as `1.0`".to_owned())
                    }
                    _ => None,
                };
                report.maybe_hint(hint)
            }
            Fault::Shape { wanted } => {
                let message = format!("`{name}` wants {wanted} as its type, found {}", self.pool.display(ir.ty()));
                error(Code::WrongShape, message).label(format!("wants {wanted}")).maybe_hint(self.stack_rule(ir))
            }
            Fault::CannotInfer { depth, wanted } => {
                let found = self.show(self.found(*depth));
                let place = position(*depth);
                let message = format!("the type of `{name}` was left out: found {found} {place}, wanted {wanted}");
                let report = error(Code::CannotInfer, message).label(format!("wants {wanted}"));
                self.with_origin(report, *depth).hint("`cast` makes the type known, or state it behind the mnemonic")
            }
            Fault::Captures { wanted: false } => {
                error(Code::Captures, format!("`{name}` wants a function without captured values"))
                    .label("this one has some")
                    .hint("`closure` makes a function value of it, which `call_value` calls")
            }
            Fault::Captures { wanted: true } => {
                error(Code::Captures, format!("`{name}` wants a function with captured values"))
                    .label("this one has none")
                    .hint("`push name` gives a function without captured values as a value")
            }
            Fault::Result { found } => {
                let message = format!("`{name}` returns {}, which is not the result of this function", self.show(*found));
                error(Code::TypeMismatch, message)
                    .label("another result")
                    .hint("call it with `call`, make of its result what this function returns, then `ret`")
            }
            Fault::Immutable => error(Code::TypeMismatch, format!("`{name}` wants a field that changes"))
                .label("this one does not")
                .hint("declare it with `var`"),
            Fault::TooDeep => error(Code::TooLarge, format!("`{name}` needs a type that is nested too deeply")),
        };
        Some(report)
    }

    /// What a call takes, as a hint.
    fn operand_list(&self, ir: &Ir) -> Option<String> {
        let calls = matches!(
            ir.opcode.info().effect,
            Effect::Rule(
                Rule::Call
                    | Rule::TailCall
                    | Rule::CallHost
                    | Rule::CallValue
                    | Rule::TailCallValue
                    | Rule::Closure
                    | Rule::New
                    | Rule::NewVariant
                    | Rule::Return
                    | Rule::Spawn
                    | Rule::SpawnOn
                    | Rule::SpawnWith
            )
        );
        let names: Vec<String> = self.pops.iter().map(|ty| self.pool.display(*ty)).collect();
        if calls && !names.is_empty() { Some(format!("it takes {}, the last on top", names.join(", "))) } else { None }
    }

    /// What the instruction does to the stack, as a hint.
    fn stack_rule(&self, ir: &Ir) -> Option<String> {
        match ir.opcode.info().effect {
            Effect::Rule(rule) => Some(format!("operands before `--`, results behind: {}", rule.text())),
            Effect::Fixed(pops, pushes) => {
                let list = |types: &[TypeIndex]| {
                    let names: Vec<String> = types.iter().map(|ty| self.pool.display(*ty)).collect();
                    names.join(" ")
                };
                Some(format!("operands before `--`, results behind: {} -- {}", list(pops), list(pushes)))
            }
        }
    }

    fn label_name(&self, place: &Place) -> (&str, Span) {
        let label = self.body.labels.iter().find(|label| label.at == Some(place.at));
        label.map_or(("?", self.body.end), |label| (&label.name, label.span))
    }

    /// A way that brings a stack of another height.
    pub(crate) fn heights(&self, place: &Place, from: Span, wanted: usize) -> Report {
        let (label, span) = self.label_name(place);
        let brought = count(self.stack.len(), "value");
        let message = format!("this way brings {brought} to `{label}`, another brings {wanted}");
        let report =
            Report::error(Code::StackHeights, from, message).label(format!("the stack here is {}", self.shown_stack()));
        let report = report.also(span, "where they meet");
        let report = match self.body.code.get(place.from as usize).filter(|ir| !place.is_handler && ir.span != from) {
            Some(other) => report.also(other.span, "another way comes from here"),
            None => report,
        };
        let hint = if place.is_handler {
            "a handler gets exactly one value, the kind and text of the trap as `(Text, Text)`"
        } else {
            "every way to a label has to leave as many values on the stack; `drop` takes one away"
        };
        report.hint(hint)
    }

    /// A way that brings a value of a type that the place does not take.
    pub(crate) fn slot(&self, place: &Place, from: Span, depth: usize, wanted: TypeIndex) -> Report {
        let (label, span) = self.label_name(place);
        let (found, wanted) = (self.show(self.found(depth)), self.pool.display(wanted));
        let message = format!("`{label}` takes {wanted} {}, this way brings {found}", position(depth));
        let report = Report::error(Code::TypeMismatch, from, message).label(format!("brings {found}"));
        self.with_origin(report.also(span, "where the ways meet"), depth)
    }
}

/// How many of something, in words that agree.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn position(depth: usize) -> String {
    match depth {
        0 => "on top of the stack".to_owned(),
        1 => "second from the top".to_owned(),
        2 => "third from the top".to_owned(),
        _ => format!("{depth} below the top"),
    }
}
