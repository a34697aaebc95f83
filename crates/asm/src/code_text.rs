//! The instructions of a function as the disassembler writes them.
//!
//! **Invariant:** operands are written by the kinds that the instruction's row states; a new row needs nothing here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fardel_bytecode::Opcode;
use fardel_bytecode::index::{CodeOffset, DataIndex, FieldIndex, LocalIndex, TargetIndex, TypeIndex, VariantIndex};
use fardel_bytecode::isa::{AnyOperand, Inst};
use fardel_bytecode::leb::Reader;
use fardel_bytecode::module::{Data, Function};
use fardel_bytecode::types::Type;

use crate::disassemble::{DisassembleError, Writer, Written, missing, write_host};
use crate::literal;
use crate::name;

/// Writes the code of one function.
pub(crate) struct CodeWriter<'w, 'm> {
    pub(crate) writer: &'w mut Writer<'m>,
    pub(crate) function: &'m Function,
    /// The names of all locals.
    pub(crate) locals: &'w [String],
    /// The labels by their offsets.
    pub(crate) places: &'w BTreeMap<u32, usize>,
}

impl CodeWriter<'_, '_> {
    /// Writes all instructions and labels.
    pub(crate) fn code(&mut self) -> Written {
        let code = &self.function.code;
        let mut reader = Reader::new(code);
        let mut places = self.places.iter().peekable();
        loop {
            let offset = reader.position() as u32;
            if let Some((place, label)) = places.next_if(|(place, _)| **place <= offset) {
                if *place < offset {
                    let offset = CodeOffset(*place);
                    return Err(DisassembleError::Misplaced { function: self.function.name.clone(), offset });
                }
                writeln!(self.writer.out, "L{label}:").unwrap_or_default();
            }
            if reader.is_empty() {
                return Ok(());
            }
            let inst = Inst::decode(&mut reader).map_err(|error| DisassembleError::Unreadable {
                function: self.function.name.clone(),
                offset: CodeOffset(offset),
                error,
            })?;
            self.writer.check_length()?;
            self.writer.out.push_str("    ");
            self.instruction(&inst)?;
            self.writer.out.push('\n');
        }
    }

    fn missing<T>(&self, what: &'static str, index: u32) -> Result<T, DisassembleError> {
        missing(&format!("function `{}`", self.function.name), what, index)
    }

    fn instruction(&mut self, inst: &Inst<'_>) -> Written {
        let opcode = inst.opcode();
        const PUSHES: [(Opcode, &str); 8] = [
            (Opcode::PushNull, "push null"),
            (Opcode::PushTrue, "push true"),
            (Opcode::PushFalse, "push false"),
            (Opcode::PushInt, "push"),
            (Opcode::PushFloat, "push"),
            (Opcode::PushText, "push"),
            (Opcode::PushBytes, "push"),
            (Opcode::PushFunction, "push"),
        ];
        let push = PUSHES.iter().find(|(known, _)| *known == opcode);
        self.writer.out.push_str(push.map_or(opcode.info().mnemonic, |(_, word)| word));
        let (mut ty, mut variant) = (None, None);
        for operand in inst.operands() {
            if !matches!(operand, AnyOperand::Field(_) | AnyOperand::Variant(_)) {
                self.writer.out.push(' ');
            }
            match operand {
                AnyOperand::Type(index) => ty = Some(index),
                AnyOperand::Variant(index) => variant = Some(index),
                AnyOperand::Int(_)
                | AnyOperand::Float(_)
                | AnyOperand::Text(_)
                | AnyOperand::Bytes(_)
                | AnyOperand::Local(_)
                | AnyOperand::Field(_)
                | AnyOperand::Function(_)
                | AnyOperand::Host(_)
                | AnyOperand::Target(_)
                | AnyOperand::Depth(_)
                | AnyOperand::Targets(_) => {}
            }
            self.operand(operand, ty, variant)?;
        }
        Ok(())
    }

    fn operand(&mut self, operand: AnyOperand<'_>, ty: Option<TypeIndex>, variant: Option<VariantIndex>) -> Written {
        match operand {
            AnyOperand::Int(value) => write!(self.writer.out, "{value}").unwrap_or_default(),
            AnyOperand::Float(bits) => literal::write_float(&mut self.writer.out, bits.0),
            AnyOperand::Text(data) => self.data(data.0)?,
            AnyOperand::Bytes(data) => self.data(data.0)?,
            AnyOperand::Local(local) => self.local(local)?,
            AnyOperand::Type(ty) => self.writer.ty(ty, &self.function.name)?,
            AnyOperand::Field(field) => self.field(field, ty, variant)?,
            AnyOperand::Variant(index) => self.variant(index, ty)?,
            AnyOperand::Function(function) => match self.writer.functions.get(function.at()) {
                Some(name) => self.writer.out.push_str(name),
                None => return self.missing("function", function.0),
            },
            AnyOperand::Host(host) => match self.writer.module.hosts.get(host.at()) {
                Some(host) => write_host(&mut self.writer.out, &host.name),
                None => return self.missing("host function", host.0),
            },
            AnyOperand::Target(target) => self.target(target)?,
            AnyOperand::Targets(targets) => {
                self.writer.out.push('(');
                for (at, target) in targets.iter().enumerate() {
                    if at > 0 {
                        self.writer.out.push(' ');
                    }
                    self.target(target)?;
                }
                self.writer.out.push(')');
            }
            AnyOperand::Depth(depth) => write!(self.writer.out, "{}", depth.0).unwrap_or_default(),
        }
        Ok(())
    }

    fn data(&mut self, data: DataIndex) -> Written {
        match self.writer.module.data.get(data.at()) {
            Some(Data::Text(text)) => literal::write_text(&mut self.writer.out, text, '"'),
            Some(Data::Bytes(bytes)) => literal::write_bytes(&mut self.writer.out, bytes),
            None => return self.missing("data", data.0),
        }
        self.writer.check_length()
    }

    fn local(&mut self, local: LocalIndex) -> Written {
        match self.locals.get(local.at()) {
            Some(name) => self.writer.out.push_str(name),
            None => return self.missing("local", local.0),
        }
        Ok(())
    }

    fn target(&mut self, target: TargetIndex) -> Written {
        let Some(known) = self.function.targets.get(target.at()) else { return self.missing("target", target.0) };
        let label = self.places.get(&known.offset.0).copied().unwrap_or(0);
        write!(self.writer.out, "L{label}").unwrap_or_default();
        Ok(())
    }

    fn variant(&mut self, variant: VariantIndex, ty: Option<TypeIndex>) -> Written {
        let found = ty.and_then(|ty| self.writer.module.types.get(ty));
        let Some(Type::Sum(_, variants)) = found else { return self.missing("variant", variant.0) };
        let Some(known) = variants.get(variant.at()) else { return self.missing("variant", variant.0) };
        self.writer.out.push('.');
        name::write(&mut self.writer.out, &known.name, name::is_plain(&known.name));
        Ok(())
    }

    fn field(&mut self, field: FieldIndex, ty: Option<TypeIndex>, variant: Option<VariantIndex>) -> Written {
        let Some(owner) = ty.and_then(|ty| self.writer.module.types.get(ty)) else { return self.missing("field", field.0) };
        let fields = if let Type::Record(_, fields) | Type::Object(_, fields) = owner {
            fields.as_slice()
        } else if let Type::Sum(_, variants) = owner {
            let variant = variant.and_then(|variant| variants.get(variant.at()));
            variant.map_or(&[][..], |variant| variant.fields.as_slice())
        } else if let Type::Tuple(items) = owner {
            if field.at() >= items.len() {
                return self.missing("field", field.0);
            }
            write!(self.writer.out, ".{field}").unwrap_or_default();
            return Ok(());
        } else {
            &[]
        };
        let Some(known) = fields.get(field.at()) else { return self.missing("field", field.0) };
        self.writer.out.push('.');
        name::write(&mut self.writer.out, &known.name, name::is_plain(&known.name));
        Ok(())
    }
}
