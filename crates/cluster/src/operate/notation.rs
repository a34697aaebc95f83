//! Values of programs as JSON, for people who write them on a command line.
//!
//! | value | JSON |
//! | --- | --- |
//! | Null, Bool, Text, List | `null`, `true`, `"text"`, `[1, 2]` |
//! | Int | a number without point and exponent |
//! | Float | a number with one, or `{"$float": "nan"}`, `"inf"`, `"-inf"` |
//! | Bytes | `{"$bytes": "0aff"}` |
//! | Tuple | `{"$tuple": [1, "a"]}` |
//! | Record, Object | `{"$type": "Point", "x": 1.0, "y": 2.0}`, or the fields in order: `{"$type": "Point", "$fields": [1.0, 2.0]}` |
//! | Variant | `{"$variant": "Some", "value": 5}`, or with `$fields` |
//! | Address | `{"$address": "one/12.3"}`, `{"$address": "one/kv"}` |
//! | where a reply goes | `{"$reply": "address"}`, or `"token"` for a Ref |
//!
//! `{"$map": [[key, value]]}`, `{"$set": [1]}`, `{"$ref": ".."}` and `{"$opaque": ".."}` are shown as well, and not read:
//! what they stand for does not enter a fiber from outside.

use fardel_vm::fiber::FiberId;
use fardel_vm::machine::Machine;
use fardel_vm::value::Value;
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};
use std::io;

/// What names in a value stand for.
pub(crate) struct Scope<'a> {
    /// Whose types are known.
    pub(crate) machine: &'a Machine,
    /// The fiber that a text means.
    pub(crate) find: &'a dyn Fn(&str) -> Option<FiberId>,
    /// How a fiber is written.
    pub(crate) show: &'a dyn Fn(FiberId) -> String,
    /// Where a reply goes: the address, and the number of the token.
    pub(crate) reply: Option<(FiberId, u64)>,
}

impl Scope<'_> {
    /// The value that a text stands for, and whether it says where a reply goes.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(crate) fn read(&self, text: &str) -> Result<(Value, bool), String> {
        let json: Json = serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
        let mut has_reply = false;
        Ok((self.value(&json, &mut has_reply)?, has_reply))
    }

    /// The text of a value; none when it has more bytes than `bytes_max`.
    pub(crate) fn write(&self, value: &Value, bytes_max: usize) -> Option<String> {
        let mut text = Bounded { bytes: Vec::new(), bytes_max };
        serde_json::to_writer(&mut text, &Shown { value, scope: self }).ok()?;
        String::from_utf8(text.bytes).ok()
    }

    fn value(&self, json: &Json, has_reply: &mut bool) -> Result<Value, String> {
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Value::Int(int),
                (None, Some(float)) if number.is_f64() => Value::Float(float),
                (None, _) => return Err(format!("{number} is no Int: these have 64 bits")),
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(self.values(items, has_reply)?),
            Json::Object(parts) => self.special(parts, has_reply)?,
        })
    }

    fn values(&self, items: &[Json], has_reply: &mut bool) -> Result<Vec<Value>, String> {
        items.iter().map(|item| self.value(item, has_reply)).collect()
    }

    /// What an object stands for, by the one key of it that begins with `$`.
    fn special(&self, parts: &Map<String, Json>, has_reply: &mut bool) -> Result<Value, String> {
        for (key, is_variant) in [("$type", false), ("$variant", true)] {
            if let Some(name) = parts.get(key) {
                let name = name.as_str().ok_or_else(|| format!("`{key}` is the name of a type, in quotes"))?;
                let fields = self.fields(name, is_variant, parts, has_reply)?;
                let name = name.to_owned();
                return Ok(if is_variant { Value::Variant(name, 0, fields) } else { Value::Record(name, fields) });
            }
        }
        let (Some((key, part)), 1) = (parts.iter().next(), parts.len()) else {
            return Err("an object says what it is: {\"$type\": \"Point\", \"x\": 1.0}".to_owned());
        };
        let text = || part.as_str().ok_or_else(|| format!("`{key}` is a text, in quotes"));
        match key.as_str() {
            "$tuple" => {
                let items = part.as_array().ok_or_else(|| format!("`{key}` is a list of the items"))?;
                Ok(Value::Tuple(self.values(items, has_reply)?))
            }
            "$bytes" => bytes_of(text()?),
            "$float" => match text()? {
                "nan" => Ok(Value::Float(f64::NAN)),
                "inf" => Ok(Value::Float(f64::INFINITY)),
                "-inf" => Ok(Value::Float(f64::NEG_INFINITY)),
                other => Err(format!("`$float` is nan, inf or -inf, not `{other}`")),
            },
            "$address" => {
                let name = text()?;
                (self.find)(name).map(Value::Address).ok_or_else(|| format!("no fiber is known as `{name}`"))
            }
            "$reply" => {
                let (fiber, number) = self.reply.ok_or("`$reply` is for calls")?;
                *has_reply = true;
                match text()? {
                    "address" => Ok(Value::Address(fiber)),
                    "token" => Ok(Value::Ref { fiber, number }),
                    other => Err(format!("`$reply` is address or token, not `{other}`")),
                }
            }
            _ => {
                Err(format!("an object says what it is, and `{key}` says nothing; a record is {{\"$type\": \"Point\", ..}}"))
            }
        }
    }

    /// The fields of a record or variant, by their names or in order.
    fn fields(
        &self,
        name: &str,
        is_variant: bool,
        parts: &Map<String, Json>,
        has_reply: &mut bool,
    ) -> Result<Vec<Value>, String> {
        if let Some(fields) = parts.get("$fields") {
            let fields = fields.as_array().ok_or("`$fields` is a list of the fields in order")?;
            return if parts.len() == 2 {
                self.values(fields, has_reply)
            } else {
                Err(format!("the fields of `{name}` are given by their names or in order, not both"))
            };
        }
        if parts.len() == 1 {
            return Ok(Vec::new());
        }
        let names = self.machine.field_names(name, is_variant).ok_or_else(|| {
            format!("there is no type `{name}` here, or more than one: give its fields in order, as \"$fields\": [..]")
        })?;
        let given = parts.keys().filter(|key| !key.starts_with('$'));
        if let Some(other) = given.into_iter().find(|key| !names.contains(key)) {
            return Err(format!("`{name}` has no field `{other}`; it has {}", names.join(", ")));
        }
        let field = |field: &String| {
            let part = parts.get(field).ok_or_else(|| format!("the field `{field}` of `{name}` is missing"))?;
            self.value(part, has_reply)
        };
        names.iter().map(field).collect()
    }
}

fn bytes_of(digits: &str) -> Result<Value, String> {
    let wrong = || format!("`$bytes` is pairs of hexadecimal digits, not `{digits}`");
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes = pairs.map(|pair| pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    bytes.collect::<Option<Vec<u8>>>().map(Value::Bytes).ok_or_else(wrong)
}

/// Bytes up to a limit: a value that shares its parts has more text than memory.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A value as JSON.
struct Shown<'a> {
    value: &'a Value,
    scope: &'a Scope<'a>,
}

impl Shown<'_> {
    fn items<'a>(&'a self, items: &'a [Value]) -> Vec<Shown<'a>> {
        items.iter().map(|value| Shown { value, scope: self.scope }).collect()
    }

    fn record<S: Serializer>(&self, key: &str, name: &str, fields: &[Value], to: S) -> Result<S::Ok, S::Error> {
        let names = self.scope.machine.field_names(name, key == "$variant");
        let mut map = to.serialize_map(None)?;
        map.serialize_entry(key, name)?;
        match names.filter(|names| names.len() == fields.len()) {
            Some(names) => {
                for (name, field) in names.iter().zip(self.items(fields)) {
                    map.serialize_entry(name, &field)?;
                }
            }
            None => map.serialize_entry("$fields", &self.items(fields))?,
        }
        map.end()
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Null => to.serialize_unit(),
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Int(number) => to.serialize_i64(*number),
            Value::Float(number) if number.is_nan() => one(to, "$float", "nan"),
            Value::Float(number) if number.is_infinite() => one(to, "$float", if *number > 0.0 { "inf" } else { "-inf" }),
            Value::Float(number) => to.serialize_f64(*number),
            Value::Text(text) => to.serialize_str(text),
            Value::Bytes(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                one(to, "$bytes", &digits)
            }
            Value::Address(fiber) => one(to, "$address", &(self.scope.show)(*fiber)),
            Value::Ref { fiber, number } => one(to, "$ref", &format!("{}:{number}", (self.scope.show)(*fiber))),
            Value::List(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Shown { value, scope: self.scope })?;
                }
                list.end()
            }
            Value::Map(entries) => {
                let entry = |(key, value)| [Shown { value: key, scope: self.scope }, Shown { value, scope: self.scope }];
                let entries: Vec<[Shown<'_>; 2]> = entries.iter().map(|(key, value)| entry((key, value))).collect();
                one(to, "$map", &entries)
            }
            Value::Set(items) => one(to, "$set", &self.items(items)),
            Value::Tuple(items) => one(to, "$tuple", &self.items(items)),
            Value::Record(name, fields) => self.record("$type", name, fields, to),
            Value::Variant(name, _, fields) => self.record("$variant", name, fields, to),
            Value::Opaque(name) => one(to, "$opaque", name),
        }
    }
}

/// An object with one part.
fn one<S: Serializer>(to: S, key: &str, part: &(impl Serialize + ?Sized)) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(1))?;
    map.serialize_entry(key, part)?;
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fardel_vm::config::Config;

    const FIBER: FiberId = FiberId { slot: 12, generation: 3 };

    fn with<T>(reply: Option<(FiberId, u64)>, then: impl FnOnce(&Scope<'_>) -> T) -> T {
        let machine = Machine::new(Config::default());
        let find = |text: &str| (text == "one/12.3").then_some(FIBER);
        let show = |fiber: FiberId| super::super::shown("one", fiber);
        then(&Scope { machine: &machine, find: &find, show: &show, reply })
    }

    /// The text stands for the value, and the value is shown as the text.
    #[track_caller]
    fn same(text: &str, value: Value) {
        with(None, |scope| {
            assert_eq!(scope.read(text), Ok((value.clone(), false)));
            assert_eq!(scope.write(&value, 1000).as_deref(), Some(text));
        });
    }

    #[track_caller]
    fn wrong(text: &str, told: &str) {
        let error = with(None, |scope| scope.read(text)).expect_err(text);
        assert!(error.contains(told), "{told:?} is not in {error:?}");
    }

    #[test]
    fn values_are_read_as_they_are_shown() {
        same("null", Value::Null);
        same("true", Value::Bool(true));
        same("-9223372036854775808", Value::Int(i64::MIN));
        same("1.0", Value::Float(1.0));
        same(r#"{"$float":"inf"}"#, Value::Float(f64::INFINITY));
        same(r#""a\"b""#, Value::Text("a\"b".into()));
        same(r#"{"$bytes":"0aff"}"#, Value::Bytes(vec![10, 255]));
        same(r#"{"$tuple":[1,[]]}"#, Value::Tuple(vec![Value::Int(1), Value::List(Vec::new())]));
        same(r#"{"$type":"Point","$fields":[1]}"#, Value::Record("Point".into(), vec![Value::Int(1)]));
        same(r#"{"$variant":"Some","$fields":[1]}"#, Value::Variant("Some".into(), 0, vec![Value::Int(1)]));
        same(r#"{"$address":"one/12.3"}"#, Value::Address(FIBER));
    }

    #[test]
    fn fields_have_the_names_of_the_type() {
        // The machine knows the messages of its own.
        let value = Value::Record("Down".into(), vec![Value::Int(1), Value::Int(2), Value::Int(3)]);
        let names = Machine::new(Config::default()).field_names("Down", false).expect("the machine knows the type");
        let [first, second, third] = &names[..] else { panic!("{names:?}") };
        let text = format!(r#"{{"{third}":3,"{second}":2,"$type":"Down","{first}":1}}"#);
        with(None, |scope| assert_eq!(scope.read(&text), Ok((value.clone(), false))));
        same(&format!(r#"{{"$type":"Down","{first}":1,"{second}":2,"{third}":3}}"#), value);
        wrong(&format!(r#"{{"$type":"Down","{first}":1}}"#), "is missing");
        wrong(r#"{"$type":"Down","nothing":1}"#, "`Down` has no field `nothing`; it has ");
        wrong(r#"{"$type":"Other","x":1}"#, "there is no type `Other` here");
    }

    #[test]
    fn what_is_wrong_is_told() {
        wrong("{", "this is not JSON");
        wrong("9223372036854775808", "is no Int");
        wrong(r#"{"x":1}"#, "`x` says nothing");
        wrong("{}", "an object says what it is");
        wrong(r#"{"$bytes":"0"}"#, "pairs of hexadecimal digits");
        wrong(r#"{"$address":"one/1.1"}"#, "no fiber is known as `one/1.1`");
        wrong(r#"{"$reply":"token"}"#, "`$reply` is for calls");
        wrong(r#"{"$type":"P","$fields":[],"x":1}"#, "not both");
        wrong(&"[".repeat(1000), "this is not JSON: recursion limit");
    }

    #[test]
    fn a_call_says_where_its_reply_goes() {
        with(Some((FIBER, 7)), |scope| {
            assert_eq!(scope.read(r#"{"$reply":"token"}"#), Ok((Value::Ref { fiber: FIBER, number: 7 }, true)));
            assert_eq!(scope.read(r#"[{"$reply":"address"}]"#), Ok((Value::List(vec![Value::Address(FIBER)]), true)));
        });
    }

    #[test]
    fn a_text_is_no_longer_than_the_limit() {
        let value = Value::List(vec![Value::Int(1); 10]);
        with(None, |scope| {
            assert_eq!(scope.write(&value, 21).map(|text| text.len()), Some(21));
            assert_eq!(scope.write(&value, 20), None);
        });
    }
}
