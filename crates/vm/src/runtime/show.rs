//! Values as text.

use super::Cx;
use super::text::Flavour;
use crate::exit::ErrorKind;
use crate::interp::Stop;
use crate::value::Value;
use fardel_bytecode::types;
use std::fmt::Write as _;

/// Bytes that `show` writes at most; what is behind is left out.
const SHOW_BYTES_MAX: usize = 128 << 10;
/// Bytes of the values that it looks at: milliseconds.
const SHOWN_BYTES_MAX: usize = 4 * SHOW_BYTES_MAX;

/// A float as a person would write it: the shortest decimal that is read back as the same float.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{value:?}") }
}

/// A value as a person would write it.
pub(crate) fn value_text(value: &Value, out: &mut String, is_inner: bool) {
    if out.len() > SHOW_BYTES_MAX {
        return;
    }
    let list = |out: &mut String, open: &str, items: &[Value], close: &str| {
        out.push_str(open);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            if out.len() > SHOW_BYTES_MAX {
                out.push_str("..");
                break;
            }
            value_text(item, out, true);
        }
        out.push_str(close);
    };
    let _ = match value {
        Value::Null => write!(out, "null"),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Int(value) => write!(out, "{value}"),
        Value::Float(value) => write!(out, "{}", float_text(*value)),
        Value::Text(text) if is_inner => write!(out, "{text:?}"),
        Value::Text(text) => write!(out, "{text}"),
        Value::Bytes(bytes) => write!(out, "b\"{}\"", bytes.escape_ascii()),
        Value::Address(fiber) => write!(out, "{fiber}"),
        Value::Ref { fiber, number } => write!(out, "ref({fiber}, {number:x})"),
        Value::Opaque(name) => write!(out, "{name}"),
        Value::List(items) => {
            list(out, "[", items, "]");
            Ok(())
        }
        Value::Set(items) => {
            list(out, "{", items, "}");
            Ok(())
        }
        Value::Tuple(items) => {
            list(out, "(", items, if items.len() == 1 { ",)" } else { ")" });
            Ok(())
        }
        Value::Record(name, fields) => {
            list(out, &format!("{name}("), fields, ")");
            Ok(())
        }
        Value::Variant(name, _, fields) if fields.is_empty() => write!(out, "{name}"),
        Value::Variant(name, _, fields) => {
            list(out, &format!("{name}("), fields, ")");
            Ok(())
        }
        Value::Map(entries) => {
            out.push('[');
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                value_text(key, out, true);
                out.push_str(": ");
                value_text(value, out, true);
            }
            out.push_str(if entries.is_empty() { ":]" } else { "]" });
            Ok(())
        }
    };
}

impl Cx<'_> {
    fn set_text(&mut self, text: &str) -> Result<(), Stop> {
        self.reserve_text(text.len())?;
        self.charge(text.len());
        let word = self.add_text(Flavour::Text, text.as_bytes());
        self.set_a(word);
        Ok(())
    }
}

/// `a` := the word `b` as text.
pub(crate) fn show(cx: &mut Cx<'_>) -> Result<(), Stop> {
    if cx.flavour(cx.b()) == Some(Flavour::Text) {
        let word = cx.b();
        cx.set_a(word);
        return Ok(());
    }
    let value = crate::convert::to_value(cx.core, cx.block(), cx.b(), types::ANY.0, &mut { SHOWN_BYTES_MAX });
    let mut text = String::new();
    value_text(&value, &mut text, false);
    cx.set_text(&text)
}

/// `a` := the integer `b` as text.
pub(crate) fn show_int(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = (cx.b() as i64).to_string();
    cx.set_text(&text)
}

/// `a` := the float `b` as text.
pub(crate) fn show_float(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = float_text(f64::from_bits(cx.b()));
    cx.set_text(&text)
}

/// `a` := the truth value `b` as text.
pub(crate) fn show_bool(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = if cx.b() != 0 { "true" } else { "false" };
    cx.set_text(text)
}

/// `a` := the float `b` with `c` decimals.
pub(crate) fn show_fixed(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (value, decimals) = (f64::from_bits(cx.b()), cx.c());
    if decimals > 100 {
        return cx.trap_with(ErrorKind::OutOfRange, format!("{} decimals, wanted 0 to 100", decimals as i64));
    }
    let text = if value.is_nan() { "nan".to_owned() } else { format!("{value:.*}", decimals as usize) };
    cx.set_text(&text)
}
