//! A function's body from its text.
//!
//! Operands are read by the kinds that the instruction's row states, so a new row needs nothing here. Only what the
//! assembler writes on its own account is known by rule: types that may be left out, and `send place`.
//!
//! **Invariant:** a line with a mistake is told and left out; the lines after it are read all the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fardel_bytecode::Opcode;
use fardel_bytecode::index::{FunctionIndex, LocalIndex, TypeIndex};
use fardel_bytecode::isa::{Effect, Info, Rule};
use fardel_bytecode::limits::{CODE_BYTES_MAX, LOCALS_MAX};
use fardel_bytecode::operand::OperandKind;
use fardel_bytecode::types::{Constant, Type};

use crate::data_pool::DataPool;
use crate::diagnostic::{Code, Report, Sink, Span, Told};
use crate::ir::{Body, HandleLine, Ir, LabelDef, ServeLine};
use crate::items::{Head, dotted, named_constant, type_of};
use crate::lexer::{Kind, Token};
use crate::literal;
use crate::mnemonic::{self, Mnemonic};
use crate::parser::{Name, Parser};
use crate::scope::{Names, Scope, check_count};

/// Reads a body. Nothing when it has a mistake, as what the rest of it does cannot be told then.
pub(crate) fn read<'a>(
    scope: &mut Scope<'a>,
    data: &mut DataPool<'a>,
    head: &Head<'a>,
    function: FunctionIndex,
    sink: &mut Sink,
) -> Result<Body<'a>, Told> {
    let (start, line, end) = head.body;
    let source = scope.source.get(..end as usize).unwrap_or("");
    let parser = Parser::new(source, start, line, sink);
    let body = Body { end: Span { start: end, end: end + "end".len() as u32 }, ..Body::default() };
    let mut reader =
        Reader { scope, data, parser, body, locals: Names::default(), labels: BTreeMap::new(), is_broken: false };
    reader.head(head, function);
    reader.lines();
    reader.finish()
}

struct Reader<'a, 's, 'b> {
    scope: &'b mut Scope<'a>,
    data: &'b mut DataPool<'a>,
    parser: Parser<'a, 's>,
    body: Body<'a>,
    locals: Names<'a, u32>,
    labels: BTreeMap<Cow<'a, str>, u32>,
    is_broken: bool,
}

impl<'a> Reader<'a, '_, '_> {
    fn head(&mut self, head: &Head<'a>, function: FunctionIndex) {
        let signature = self.scope.signatures.get(function.at());
        let types: Vec<TypeIndex> =
            signature.iter().flat_map(|signature| signature.captures.iter().chain(&signature.params)).copied().collect();
        for (name, ty) in head.locals.iter().zip(types) {
            let declared = self.local(name, ty);
            self.is_broken |= declared.is_err();
        }
    }

    fn local(&mut self, name: &Name<'a>, ty: TypeIndex) -> Result<(), Told> {
        let at = self.body.locals.len();
        check_count(at + 1, LOCALS_MAX, "locals", name.span, self.parser.sink)?;
        self.locals.declare(name, at as u32, "local", self.parser.sink)?;
        self.body.locals.push(ty);
        self.body.names.push(name.text.clone());
        Ok(())
    }

    fn lines(&mut self) {
        loop {
            self.parser.skip_newlines();
            if self.parser.at(Kind::End) {
                return;
            }
            if self.body.code.len() > CODE_BYTES_MAX {
                let message = format!("this function has more than {CODE_BYTES_MAX} instructions");
                let span = self.parser.token().span;
                Report::error(Code::TooLarge, span, message).hint("split the function").tell(self.parser.sink);
                self.is_broken = true;
                return;
            }
            if self.line().is_err() {
                self.is_broken = true;
                if self.parser.sink.is_full() {
                    return;
                }
            }
            self.parser.skip_line();
        }
    }

    fn finish(self) -> Result<Body<'a>, Told> {
        let missing = self.body.labels.iter().filter(|label| label.at.is_none());
        let mut is_broken = self.is_broken;
        for label in missing {
            is_broken = true;
            let known = self.body.labels.iter().filter(|label| label.at.is_some()).map(|label| label.name.as_ref());
            let hint = fardel_diagnostic::suggestion(&label.name, known);
            let hint = hint.unwrap_or_else(|| format!("a line `{}:` makes it", label.name));
            let report = Report::error(Code::UnknownLabel, label.span, format!("unknown label `{}`", label.name));
            report.label("not in this function").hint(hint).tell(self.parser.sink);
            if self.parser.sink.is_full() {
                break;
            }
        }
        if is_broken { Err(Told) } else { Ok(self.body) }
    }

    fn line(&mut self) -> Result<(), Told> {
        while self.parser.at_label() {
            self.label()?;
        }
        if self.parser.at_line_end() {
            return Ok(());
        }
        let token = self.parser.token();
        if token.kind != Kind::Name {
            return Err(self.parser.unexpected("an instruction"));
        }
        let word = self.parser.text(token);
        match mnemonic::find(word) {
            Some(Mnemonic::Instruction(opcode)) => {
                self.parser.bump();
                self.instruction(opcode, token)
            }
            Some(Mnemonic::Push) => {
                self.parser.bump();
                self.push(token)
            }
            None => self.directive(token, word),
        }
    }

    fn label(&mut self) -> Result<(), Told> {
        let token = self.parser.bump();
        let name = self.parser.name_of(token)?;
        self.parser.bump();
        let here = self.body.code.len() as u32;
        let at = self.label_of(&name);
        let Some(label) = self.body.labels.get_mut(at as usize) else { return Ok(()) };
        if label.at.is_some() {
            let message = format!("label `{}` stands twice in this function", name.text);
            let report = Report::error(Code::Duplicate, name.span, message).label("again");
            return Err(report.also(label.span, "first here").tell(self.parser.sink));
        }
        (label.at, label.span) = (Some(here), name.span);
        Ok(())
    }

    /// The number of a label, known or not.
    fn label_of(&mut self, name: &Name<'a>) -> u32 {
        if let Some(known) = self.labels.get(&name.text) {
            return *known;
        }
        let at = self.body.labels.len() as u32;
        self.labels.insert(name.text.clone(), at);
        self.body.labels.push(LabelDef { name: name.text.clone(), span: name.span, at: None });
        at
    }

    fn directive(&mut self, token: Token, word: &str) -> Result<(), Told> {
        match word {
            "local" => {
                self.parser.bump();
                self.local_line(token)
            }
            "handle" => {
                self.parser.bump();
                let labels = [self.label_operand()?, self.label_operand()?, self.label_operand()?];
                let [from, to, target] = labels;
                self.body.handles.push(HandleLine { from, to, target, span: self.parser.since(token.span) });
                self.parser.end_line(None)
            }
            "serve" => {
                self.parser.bump();
                let label = self.label_operand()?;
                let state = LocalIndex(self.local_operand()?);
                self.body.serves.push(ServeLine { label, state, span: self.parser.since(token.span) });
                self.parser.end_line(None)
            }
            _ => {
                let message = format!("unknown instruction `{word}`");
                let report = Report::error(Code::UnknownInstruction, token.span, message).label("not an instruction");
                Err(report.maybe_hint(mnemonic::suggestion(word)).tell(self.parser.sink))
            }
        }
    }

    fn local_line(&mut self, keyword: Token) -> Result<(), Told> {
        let (name, ty) = self.scope.parse_param(&mut self.parser)?;
        self.parser.end_line(Some("each local has a line of its own".to_owned()))?;
        // It is declared all the same, so that its uses are no errors too.
        self.local(&name, ty)?;
        if self.body.code.is_empty() {
            return Ok(());
        }
        let message = format!("the local `{}` is declared behind the first instruction", name.text);
        let report = Report::error(Code::MisplacedLocal, keyword.span.to(name.span), message).label("too late");
        Err(report.hint("all `local` lines come before the first instruction").tell(self.parser.sink))
    }

    fn push(&mut self, word: Token) -> Result<(), Told> {
        let token = self.parser.token();
        let name = matches!(token.kind, Kind::Name | Kind::Quoted);
        let text = self.parser.text(token);
        let ir = if token.kind == Kind::Text {
            self.parser.bump();
            let text = self.parser.literal(token, literal::text(text))?;
            let at = self.data.text(text);
            self.ir(Opcode::PushText, word, at)
        } else if let Some(constant) = self.parser.constant()? {
            self.push_constant(constant, word)
        } else if name && self.scope.constants.get(text).is_some() {
            let constant = named_constant(self.scope, &mut self.parser)?;
            self.push_constant(constant, word)
        } else if name {
            if let Some(local) = self.locals.get(text).filter(|_| self.scope.functions.get(text).is_none()) {
                let name = self.body.names.get(local as usize).cloned().unwrap_or_default();
                let message = format!("`push` takes a literal, a constant or a function, `{name}` is a local");
                let report = Report::error(Code::WrongOperand, token.span, message).label("a local");
                return Err(report.hint(format!("write `load {name}`")).tell(self.parser.sink));
            }
            let function = self.function_operand()?;
            self.ir(Opcode::PushFunction, word, function.0)
        } else {
            let what = "a literal, a constant or a function";
            return Err(self.parser.unexpected_as(Code::WrongOperand, what, None));
        };
        self.body.code.push(ir);
        self.parser.end_line(Some("`push` has one operand".to_owned()))
    }

    fn ir(&self, opcode: Opcode, word: Token, arg: u32) -> Ir {
        Ir { args: [arg, 0, 0], ..Ir::new(opcode, self.parser.since(word.span), self.parser.line()) }
    }

    fn push_constant(&mut self, constant: Constant, word: Token) -> Ir {
        let wide = |opcode, value| {
            let mut ir = self.ir(opcode, word, 0);
            ir.set_wide(value);
            ir
        };
        match constant {
            Constant::Null => self.ir(Opcode::PushNull, word, 0),
            Constant::Bool(true) => self.ir(Opcode::PushTrue, word, 0),
            Constant::Bool(false) => self.ir(Opcode::PushFalse, word, 0),
            Constant::Int(value) => wide(Opcode::PushInt, value as u64),
            Constant::Float(bits) => wide(Opcode::PushFloat, bits),
            Constant::Text(text) => {
                let at = self.data.text(Cow::Owned(text));
                self.ir(Opcode::PushText, word, at)
            }
            Constant::Bytes(bytes) => {
                let at = self.data.bytes(bytes);
                self.ir(Opcode::PushBytes, word, at)
            }
        }
    }

    fn instruction(&mut self, opcode: Opcode, word: Token) -> Result<(), Told> {
        let info = opcode.info();
        let mut ir = Ir::new(opcode, word.span, self.parser.line());
        if may_leave_out_type(info.effect) && self.is_type_left_out(info.effect)? {
            ir.left_out = true;
        } else {
            self.operands(info, &mut ir)?;
        }
        self.argument_count(info, &ir)?;
        ir.span = self.parser.since(word.span);
        self.body.code.push(ir);
        if self.parser.at_line_end() { Ok(()) } else { Err(self.too_much(info)) }
    }

    fn too_much(&mut self, info: &Info) -> Told {
        let names: Vec<&str> = info.operands.iter().map(|(_, kind)| kind.name()).collect();
        let hint = if names.is_empty() {
            format!("`{}` has no operands; every instruction has a line of its own", info.mnemonic)
        } else {
            format!("`{}` has these operands: {}", info.mnemonic, names.join(", "))
        };
        self.parser.unexpected_as(Code::Syntax, "the end of the line", Some(hint))
    }

    /// Whether a type that may be left out is; with `send place`, loads the place.
    fn is_type_left_out(&mut self, effect: Effect) -> Result<bool, Told> {
        if self.parser.at_line_end() {
            return Ok(true);
        }
        let address_on_top = matches!(effect, Effect::Rule(Rule::Send | Rule::SendStatus | Rule::RemoteCall));
        let token = self.parser.token();
        let text = self.parser.text(token);
        let local = if token.kind == Kind::Name && !text.starts_with(|first: char| first.is_ascii_uppercase()) {
            if text == "fn" { None } else { Some(text) }
        } else {
            None
        };
        if !address_on_top || local.is_none() {
            return Ok(false);
        }
        let local = self.local_operand()?;
        let load = self.ir(Opcode::Load, token, local);
        self.body.code.push(load);
        Ok(true)
    }

    fn operands(&mut self, info: &Info, ir: &mut Ir) -> Result<(), Told> {
        let mut slot = 0;
        for (at, (_, kind)) in info.operands.iter().enumerate() {
            let member = matches!(kind, OperandKind::Field | OperandKind::Variant);
            if at > 0 && !member {
                self.parser.eat(Kind::Comma);
            }
            let word = match kind {
                OperandKind::Int => {
                    ir.set_wide(self.int_operand()? as u64);
                    continue;
                }
                OperandKind::Float => {
                    ir.set_wide(self.float_operand()?);
                    continue;
                }
                OperandKind::Text => self.text_operand()?,
                OperandKind::Bytes => self.bytes_operand()?,
                OperandKind::Local => self.local_operand()?,
                OperandKind::Type => self.scope.parse_type(&mut self.parser)?.0,
                OperandKind::Field => self.field_operand(&ir.args, slot)?,
                OperandKind::Variant => self.variant_operand(TypeIndex(ir.args[0]))?,
                OperandKind::Function => self.function_operand()?.0,
                OperandKind::Host => self.host_operand()?,
                OperandKind::Target => self.label_operand()?,
                OperandKind::Targets => {
                    let (start, count) = self.targets_operand()?;
                    ir.args = [start, count, 0];
                    continue;
                }
                OperandKind::Depth => self.depth_operand()?,
            };
            ir.args.get_mut(slot).into_iter().for_each(|arg| *arg = word);
            slot += 1;
        }
        Ok(())
    }

    /// A literal or a constant's name of one kind.
    fn constant_operand<T>(&mut self, what: &str, of: impl Fn(Constant) -> Option<T>) -> Result<T, Told> {
        let span = self.parser.token().span;
        let constant = match self.parser.constant()? {
            Some(constant) => constant,
            None if matches!(self.parser.token().kind, Kind::Name | Kind::Quoted) => {
                named_constant(self.scope, &mut self.parser)?
            }
            None => return Err(self.parser.unexpected_as(Code::WrongOperand, what, None)),
        };
        let own = self.scope.pool.display(type_of(&constant));
        of(constant).ok_or_else(|| {
            let message = format!("found a constant of type {own}, wanted {what}");
            let hint = if own == "Int" { Some("a float has a point: `1.0`".to_owned()) } else { None };
            let report = Report::error(Code::WrongOperand, span, message).label(format!("this is {own}"));
            report.maybe_hint(hint.filter(|_| what == FLOAT)).tell(self.parser.sink)
        })
    }

    fn int_operand(&mut self) -> Result<i64, Told> {
        self.constant_operand("an integer", |constant| if let Constant::Int(value) = constant { Some(value) } else { None })
    }

    fn float_operand(&mut self) -> Result<u64, Told> {
        self.constant_operand(FLOAT, |constant| if let Constant::Float(bits) = constant { Some(bits) } else { None })
    }

    fn text_operand(&mut self) -> Result<u32, Told> {
        let of = |constant| if let Constant::Text(text) = constant { Some(text) } else { None };
        let text = self.constant_operand("a text", of)?;
        Ok(self.data.text(Cow::Owned(text)))
    }

    fn bytes_operand(&mut self) -> Result<u32, Told> {
        let of = |constant| if let Constant::Bytes(bytes) = constant { Some(bytes) } else { None };
        let bytes = self.constant_operand("a byte string", of)?;
        Ok(self.data.bytes(bytes))
    }

    fn depth_operand(&mut self) -> Result<u32, Told> {
        let span = self.parser.token().span;
        let depth = self.int_operand()?;
        u32::try_from(depth).map_err(|_| {
            let message = format!("found {depth}, wanted a depth in the stack");
            Report::error(Code::WrongOperand, span, message).label("not a depth").tell(self.parser.sink)
        })
    }

    fn local_operand(&mut self) -> Result<u32, Told> {
        let name = self.parser.name("a local")?;
        self.locals.get(&name.text).ok_or_else(|| {
            let hint = self.locals.suggestion(&name.text);
            let hint =
                hint.unwrap_or_else(|| format!("a line `local {}` before the first instruction declares it", name.text));
            let report = Report::error(Code::UnknownLocal, name.span, format!("unknown local `{}`", name.text));
            report.label("not declared").hint(hint).tell(self.parser.sink)
        })
    }

    fn label_operand(&mut self) -> Result<u32, Told> {
        self.parser.eat(Kind::Comma);
        let name = self.parser.name("a label")?;
        Ok(self.label_of(&name))
    }

    fn targets_operand(&mut self) -> Result<(u32, u32), Told> {
        self.parser.expect(Kind::OpenParen, "`(` and the labels")?;
        let start = self.body.tables.len();
        while !self.parser.eat(Kind::CloseParen) {
            let label = self.label_operand()?;
            self.body.tables.push(label);
            if self.parser.at_line_end() {
                return Err(self.parser.unexpected("a label or `)`"));
            }
        }
        Ok((start as u32, (self.body.tables.len() - start) as u32))
    }

    fn function_operand(&mut self) -> Result<FunctionIndex, Told> {
        let first = self.parser.name("a function")?;
        if self.parser.eat(Kind::Dot) {
            let name = self.parser.name("a function of the module")?;
            return self.scope.imported(&first, &name, self.parser.sink);
        }
        self.scope.functions.get(&first.text).ok_or_else(|| {
            let hint = if self.labels.contains_key(&first.text) {
                Some(format!("`{}` is a label; a jump goes to a label", first.text))
            } else {
                self.scope.functions.suggestion(&first.text)
            };
            let report = Report::error(Code::UnknownFunction, first.span, format!("unknown function `{}`", first.text));
            report.label("not declared").maybe_hint(hint).tell(self.parser.sink)
        })
    }

    fn host_operand(&mut self) -> Result<u32, Told> {
        let name = dotted(&mut self.parser, "a host function")?;
        self.scope.hosts.get(&name.text).map(|host| host.0).ok_or_else(|| {
            let hint = self.scope.hosts.suggestion(&name.text);
            let hint = hint.unwrap_or_else(|| format!("a line `host {}(..)` outside of functions declares it", name.text));
            let report = Report::error(Code::UnknownHost, name.span, format!("unknown host function `{}`", name.text));
            report.label("not declared").hint(hint).tell(self.parser.sink)
        })
    }

    fn variant_operand(&mut self, sum: TypeIndex) -> Result<u32, Told> {
        self.parser.expect(Kind::Dot, "`.` and a variant")?;
        let name = self.parser.name("a variant")?;
        self.scope.variant(sum, &name.text).ok_or_else(|| {
            let shown = self.scope.pool.display(sum);
            let sink = &mut *self.parser.sink;
            if let Type::Sum(_, variants) = self.scope.pool.get(sum) {
                let hint = fardel_diagnostic::suggestion(&name.text, variants.iter().map(|variant| variant.name.as_str()));
                let message = format!("the sum type {shown} has no variant `{}`", name.text);
                return Report::error(Code::UnknownMember, name.span, message).maybe_hint(hint).tell(sink);
            }
            let message = format!("found the type {shown}, which has no variants, wanted a sum type");
            Report::error(Code::WrongShape, name.span, message).label("not a variant").tell(sink)
        })
    }

    /// A field of the type in the first argument, or of the variant in the second when that came before.
    fn field_operand(&mut self, args: &[u32; 3], slot: usize) -> Result<u32, Told> {
        self.parser.expect(Kind::Dot, "`.` and a field")?;
        let (owner, token) = (TypeIndex(args[0]), self.parser.token());
        let fields = match self.scope.pool.get(owner) {
            Type::Record(_, fields) | Type::Object(_, fields) => fields.as_slice(),
            Type::Sum(_, variants) if slot == 2 => {
                variants.get(args[1] as usize).map_or(&[][..], |variant| variant.fields.as_slice())
            }
            Type::Tuple(items) => {
                let count = items.len();
                return self.tuple_field(count);
            }
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Float
            | Type::Text
            | Type::Bytes
            | Type::Any
            | Type::Address
            | Type::Ref
            | Type::TextBuilder
            | Type::BytesBuilder
            | Type::Handle
            | Type::Array(_)
            | Type::Option(_)
            | Type::List(_)
            | Type::Map(..)
            | Type::Set(_)
            | Type::Function(..)
            | Type::Sum(..) => {
                let message = format!("{} has no fields", self.scope.pool.display(owner));
                return Err(Report::error(Code::WrongShape, token.span, message)
                    .label("no such field")
                    .tell(self.parser.sink));
            }
        };
        let name = self.parser.name("a field")?;
        fields.iter().position(|field| field.name == name.text).map(|at| at as u32).ok_or_else(|| {
            let hint = fardel_diagnostic::suggestion(&name.text, fields.iter().map(|field| field.name.as_str()));
            let message = format!("{} has no field `{}`", self.scope.pool.display(owner), name.text);
            Report::error(Code::UnknownMember, name.span, message).maybe_hint(hint).tell(self.parser.sink)
        })
    }

    fn tuple_field(&mut self, count: usize) -> Result<u32, Told> {
        let token = self.parser.expect(Kind::Number, "the number of a field")?;
        let at = self.parser.literal(token, literal::integer(self.parser.text(token)))?;
        u32::try_from(at).ok().filter(|at| (*at as usize) < count).ok_or_else(|| {
            let message = format!("the tuple has {count} fields, numbered from 0, there is no field {at}");
            Report::error(Code::UnknownMember, token.span, message).tell(self.parser.sink)
        })
    }

    /// The number of arguments that a spawn may state.
    fn argument_count(&mut self, info: &Info, ir: &Ir) -> Result<(), Told> {
        let spawns = matches!(info.effect, Effect::Rule(Rule::Spawn | Rule::SpawnOn | Rule::SpawnWith));
        if !spawns || self.parser.at_line_end() {
            return Ok(());
        }
        self.parser.eat(Kind::Comma);
        let span = self.parser.token().span;
        let stated = self.int_operand()?;
        let Some(signature) = self.scope.signatures.get(ir.args[0] as usize).filter(|signature| signature.is_known) else {
            return Err(Told);
        };
        if usize::try_from(stated) == Ok(signature.params.len()) {
            return Ok(());
        }
        let wanted = crate::explain::count(signature.params.len(), "argument");
        let message = format!("`{}` takes {wanted}, found {stated}", signature.name);
        Err(Report::error(Code::ArgumentCount, span, message).label("another number").tell(self.parser.sink))
    }
}

const FLOAT: &str = "a float";

/// Whether the type operand may be left out, because the stack tells it.
fn may_leave_out_type(effect: Effect) -> bool {
    matches!(
        effect,
        Effect::Rule(
            Rule::Send
                | Rule::SendStatus
                | Rule::RemoteCall
                | Rule::TimerStart
                | Rule::CallValue
                | Rule::TailCallValue
                | Rule::Some
                | Rule::Unwrap
        )
    )
}
