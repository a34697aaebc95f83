//! A value of a type that its receiver knows in another shape: the same name, from another module. How its parts
//! correspond is found out once for each pair of types; the value is then written anew.
//!
//! Fields match by name, or by a former name. A field that the sender lacks needs a default or is an option; one that the
//! receiver lacks is left out. A variant that the receiver lacks does not fit. Lists, maps, options and tuples fit when
//! their parts do, and so does what they lead to; keys of maps and sets have to be the same.
//!
//! **Invariant:** sharing and circles are kept, and no deep value needs a deep stack.

use crate::core::Core;
use crate::deliver::MESSAGE_BYTES_MAX;
use crate::heap::fragment::Fragment;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK, TAG_VARIANT, is_reference, numbered};
use crate::runtime::object::fields_header;
use crate::types::{Layout, Shape, TypeId, TypeStore};
use crate::value::Value;
use fardel_bytecode::types::{Constant, Repr};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How the parts of one type become those of another.
#[derive(Debug)]
pub(crate) enum Plan {
    /// They are one type.
    Same,
    /// Fields of a record, object or tuple.
    Fields(Vec<FieldSource>),
    /// For each variant of the sender's sum type its number at the receiver and its fields; or why it does not fit.
    Sum(Vec<Result<(u32, Vec<FieldSource>), String>>),
    /// Both are options of these.
    Option(TypeId, TypeId),
    /// Both are lists of these.
    List(TypeId, TypeId),
    /// Both are maps with the same keys and these values.
    Map(TypeId, TypeId),
    /// It does not fit.
    No(String),
}

/// Where a field of the receiver's type comes from.
#[derive(Debug)]
pub(crate) enum FieldSource {
    /// A field of the sender's, by its position.
    Field(usize),
    /// Its default.
    Default(Constant),
}

/// Plans for pairs of types, the sender's first.
pub(crate) type Plans = BTreeMap<(TypeId, TypeId), Rc<Plan>>;

/// Writes the value at `root` of a fragment, of the type `from`, as one of the type `to`.
///
/// # Errors
/// The first thing that does not fit.
pub(crate) fn convert(
    core: &mut Core,
    source: &Fragment,
    root: u64,
    from: TypeId,
    to: TypeId,
) -> Result<(u64, Fragment), String> {
    let mut converter = Converter { core, source, out: Fragment::default(), known: BTreeMap::new(), open: Vec::new() };
    let result = converter.slot(root, from, to).and_then(|root| {
        while let Some(task) = converter.open.pop() {
            converter.carry_out(task)?;
            // Defaults may make much of little.
            let bytes = converter.out.bytes();
            if bytes > MESSAGE_BYTES_MAX || !converter.core.has_budget(bytes) {
                return Err("there is no memory for it in the receiver's shape".to_owned());
            }
        }
        Ok(root)
    });
    let Converter { core, out, .. } = converter;
    match result {
        Ok(root) => Ok((root, out)),
        Err(difference) => {
            out.discard(&mut core.shared);
            Err(difference)
        }
    }
}

/// An object that is there already, whose words are still to be written.
enum Task {
    /// All words of an object as they are.
    Copy { from: u64, to: u64 },
    /// The fields of an object by a plan.
    Fields { from: u64, to: u64, types: (TypeId, TypeId), variant: Option<u32> },
    /// The elements of a storage.
    Elements { from: u64, to: u64, types: (TypeId, TypeId) },
}

/// Stands for the receiver's type where an object is copied as it is.
const AS_IT_IS: TypeId = TypeId::MAX;

struct Converter<'a> {
    core: &'a mut Core,
    source: &'a Fragment,
    out: Fragment,
    /// Objects of the source, by the type as which they were written, and where.
    known: BTreeMap<(u64, TypeId), u64>,
    open: Vec<Task>,
}

impl Converter<'_> {
    fn header(&self, object: u64) -> Header {
        Header(self.source.words()[object as usize / 8])
    }

    fn word(&self, object: u64, index: usize) -> u64 {
        self.source.words()[object as usize / 8 + 1 + index]
    }

    /// The receiver's slot for a slot of the sender's.
    fn slot(&mut self, slot: u64, from: TypeId, to: TypeId) -> Result<u64, String> {
        if self.core.types.get(from).repr != Repr::Word {
            // Numbers fit only their own type.
            return Ok(slot);
        }
        let plan = self.core.plan(from, to);
        match &*plan {
            Plan::Same => Ok(self.same(slot)),
            Plan::No(difference) => Err(difference.clone()),
            Plan::Fields(_) => {
                Ok(self.object(slot, to, Task::Fields { from: slot, to: 0, types: (from, to), variant: None }))
            }
            Plan::Sum(variants) => self.sum(slot, (from, to), variants),
            Plan::Option(inner, wanted) => {
                let is_boxed = is_reference(slot) && self.header(slot).is(Kind::Some);
                if slot == NULL || is_boxed { Ok(self.same(slot)) } else { self.slot_in_option(slot, *inner, *wanted) }
            }
            Plan::List(element, wanted) => Ok(self.list(slot, to, (*element, *wanted))),
            Plan::Map(value, wanted) => Ok(self.map(slot, to, (*value, *wanted))),
        }
    }

    fn slot_in_option(&mut self, word: u64, inner: TypeId, wanted: TypeId) -> Result<u64, String> {
        if self.core.types.get(inner).repr == Repr::Word { self.slot(word, inner, wanted) } else { Ok(self.same(word)) }
    }

    /// A word and what it reaches, as it is.
    fn same(&mut self, word: u64) -> u64 {
        if !is_reference(word) {
            return word;
        }
        if let Some(known) = self.known.get(&(word, AS_IT_IS)) {
            return *known;
        }
        let header = self.header(word);
        let words: Vec<u64> = (0..header.words()).map(|index| self.word(word, index)).collect();
        if header.is(Kind::SharedText) || header.is(Kind::SharedBytes) {
            self.core.shared.hold(words[0] as u32);
        }
        let to = self.out.push(header, &words);
        self.known.insert((word, AS_IT_IS), to);
        self.open.push(Task::Copy { from: word, to });
        to
    }

    /// A new object of a type with fields, to be filled by a task.
    fn object(&mut self, from: u64, ty: TypeId, task: Task) -> u64 {
        if let Some(known) = self.known.get(&(from, ty)) {
            return *known;
        }
        let header = fields_header(&self.core.types, ty);
        let to = self.out.push(header, &vec![0; header.words()]);
        self.known.insert((from, ty), to);
        if let Task::Fields { from, types, variant, .. } = task {
            self.open.push(Task::Fields { from, to, types, variant });
        }
        to
    }

    fn sum(
        &mut self,
        slot: u64,
        (from, to): (TypeId, TypeId),
        variants: &[Result<(u32, Vec<FieldSource>), String>],
    ) -> Result<u64, String> {
        let ty = if slot & TAG_MASK == TAG_VARIANT { word::number_of(slot) } else { self.header(slot).ty() };
        let variant = ty - from - 1;
        let (wanted, fields) = variants[variant as usize].as_ref().map_err(Clone::clone)?;
        let wanted_ty = to + 1 + wanted;
        if fields.is_empty() {
            return Ok(numbered(TAG_VARIANT, wanted_ty));
        }
        Ok(self.object(slot, wanted_ty, Task::Fields { from: slot, to: 0, types: (from, to), variant: Some(variant) }))
    }

    fn list(&mut self, list: u64, ty: TypeId, types: (TypeId, TypeId)) -> u64 {
        if let Some(known) = self.known.get(&(list, ty)) {
            return *known;
        }
        let (storage, length) = (self.word(list, 0), self.word(list, 1));
        let to = self.out.push(Header::new(Kind::List, ty, 2, 1), &[NULL, length]);
        self.known.insert((list, ty), to);
        let storage = self.storage(storage, types);
        self.out.set(to, 0, storage);
        to
    }

    fn map(&mut self, map: u64, ty: TypeId, types: (TypeId, TypeId)) -> u64 {
        if let Some(known) = self.known.get(&(map, ty)) {
            return *known;
        }
        let old = self.header(map);
        let words: Vec<u64> = (0..old.words()).map(|index| self.word(map, index)).collect();
        let to = self.out.push(Header::new(Kind::Map, ty, old.words(), old.scan()), &words);
        self.known.insert((map, ty), to);
        for (index, word) in words.iter().enumerate().take(old.scan()) {
            // The values are the second of a map's words; keys and index stay what they are.
            let part = if index == 1 { self.storage(*word, types) } else { self.same(*word) };
            self.out.set(to, index, part);
        }
        to
    }

    fn storage(&mut self, storage: u64, types: (TypeId, TypeId)) -> u64 {
        if !is_reference(storage) {
            return storage;
        }
        let header = self.header(storage);
        let to = self.out.push(header, &vec![0; header.words()]);
        self.open.push(Task::Elements { from: storage, to, types });
        to
    }

    fn carry_out(&mut self, task: Task) -> Result<(), String> {
        match task {
            Task::Copy { from, to } => {
                for index in 0..self.header(from).scan() {
                    let word = self.same(self.word(from, index));
                    self.out.set(to, index, word);
                }
            }
            Task::Elements { from, to, types: (element, wanted) } => {
                for index in 0..self.header(from).words() {
                    let word = self.word(from, index);
                    // Behind the last element lie zeros.
                    let word = if word == NULL { word } else { self.slot(word, element, wanted)? };
                    self.out.set(to, index, word);
                }
            }
            Task::Fields { from, to, types, variant } => self.fields(from, to, types, variant)?,
        }
        Ok(())
    }

    fn fields(&mut self, from: u64, to: u64, types: (TypeId, TypeId), variant: Option<u32>) -> Result<(), String> {
        let plan = self.core.plan(types.0, types.1);
        let (sent, wanted, sources) = match (&*plan, variant) {
            (Plan::Fields(sources), None) => (types.0, types.1, sources),
            (Plan::Sum(variants), Some(variant)) => {
                let (number, sources) = variants[variant as usize].as_ref().map_err(Clone::clone)?;
                (types.0 + 1 + variant, types.1 + 1 + number, sources)
            }
            (_, _) => return Ok(()),
        };
        for (at, source) in sources.iter().enumerate() {
            let Some(place) = self.core.types.layout(wanted).map(|layout| layout.fields[at]) else { return Ok(()) };
            let slot = match source {
                FieldSource::Field(field) => {
                    let Some(old) = self.core.types.layout(sent).map(|layout| layout.fields[*field]) else { return Ok(()) };
                    self.slot(self.word(from, usize::from(old.word)), old.ty, place.ty)?
                }
                FieldSource::Default(constant) => {
                    let value = constant_value(constant);
                    crate::convert::from_value(self.core, &value, place.ty, &mut self.out)
                        .map_err(|mismatch| format!("a default is {}, wanted {}", mismatch.seen, mismatch.wanted))?
                }
            };
            self.out.set(to, usize::from(place.word), slot);
        }
        Ok(())
    }
}

fn constant_value(constant: &Constant) -> Value {
    match constant {
        Constant::Null => Value::Null,
        Constant::Bool(value) => Value::Bool(*value),
        Constant::Int(value) => Value::Int(*value),
        Constant::Float(bits) => Value::Float(f64::from_bits(*bits)),
        Constant::Text(text) => Value::Text(text.clone()),
        Constant::Bytes(bytes) => Value::Bytes(bytes.clone()),
    }
}

impl Core {
    /// How a value of one type becomes one of another.
    pub(crate) fn plan(&mut self, from: TypeId, to: TypeId) -> Rc<Plan> {
        if from == to {
            return Rc::new(Plan::Same);
        }
        if let Some(known) = self.plans.get(&(from, to)) {
            return Rc::clone(known);
        }
        let plan = Rc::new(self.types.plan(from, to));
        self.plans.insert((from, to), Rc::clone(&plan));
        plan
    }
}

impl TypeStore {
    /// How a value of one type becomes one of another, as far as their own parts tell.
    pub(crate) fn plan(&self, from: TypeId, to: TypeId) -> Plan {
        let (sent, wanted) = (self.get(from), self.get(to));
        let differ = || Plan::No(format!("it is {}, wanted {}", sent.name, wanted.name));
        match (&sent.shape, &wanted.shape) {
            (Shape::Record(old), Shape::Record(new)) | (Shape::Object(old), Shape::Object(new)) => {
                if old.name != new.name {
                    return differ();
                }
                match self.field_sources(&wanted.name, old, new) {
                    Ok(sources) => Plan::Fields(sources),
                    Err(difference) => Plan::No(difference),
                }
            }
            (Shape::Sum(count), Shape::Sum(new_count)) if sent.name == wanted.name => {
                let variants = (0..*count).map(|variant| self.plan_variant(from + 1 + variant, to, *new_count));
                Plan::Sum(variants.collect())
            }
            (Shape::Tuple(old), Shape::Tuple(new)) if old.fields.len() == new.fields.len() => {
                let pairs = old.fields.iter().zip(&new.fields);
                let misfit = pairs.enumerate().find_map(|(at, (old, new))| {
                    self.misfit(old.ty, new.ty).map(|why| format!("part {at} of {}: {why}", wanted.name))
                });
                misfit.map_or_else(|| Plan::Fields((0..old.fields.len()).map(FieldSource::Field).collect()), Plan::No)
            }
            (Shape::Option(old), Shape::Option(new)) => self.inside(*old, *new, Plan::Option),
            (Shape::List(old), Shape::List(new)) => self.inside(*old, *new, Plan::List),
            (Shape::Map(key, old), Shape::Map(new_key, new)) if key == new_key => self.inside(*old, *new, Plan::Map),
            (_, _) => differ(),
        }
    }

    fn inside(&self, old: TypeId, new: TypeId, plan: fn(TypeId, TypeId) -> Plan) -> Plan {
        self.misfit(old, new).map_or_else(|| plan(old, new), Plan::No)
    }

    fn plan_variant(&self, variant: TypeId, to: TypeId, count: u32) -> Result<(u32, Vec<FieldSource>), String> {
        let Some(old) = self.layout(variant) else { return Err(String::new()) };
        let find = |number: &u32| self.layout(to + 1 + number).is_some_and(|layout| layout.name == old.name);
        let sum = &self.get(to).name;
        let number = (0..count).find(find).ok_or_else(|| format!("{sum} has no variant `{}` there", old.name))?;
        let Some(new) = self.layout(to + 1 + number) else { return Err(String::new()) };
        Ok((number, self.field_sources(&format!("{sum}.{}", old.name), old, new)?))
    }

    /// Where each field of the new layout comes from.
    fn field_sources(&self, name: &str, old: &Layout, new: &Layout) -> Result<Vec<FieldSource>, String> {
        let mut sources = Vec::new();
        for (label, place) in new.labels.iter().zip(&new.fields) {
            let find = |wanted: &String| old.labels.iter().position(|known| known.name == *wanted);
            if let Some(at) = find(&label.name).or_else(|| label.was.iter().find_map(find)) {
                if let Some(why) = self.misfit(old.fields[at].ty, place.ty) {
                    return Err(format!("field `{}` of {name}: {why}", label.name));
                }
                sources.push(FieldSource::Field(at));
            } else if let Some(default) = &label.default {
                sources.push(FieldSource::Default(default.clone()));
            } else if matches!(self.get(place.ty).shape, Shape::Option(_)) {
                sources.push(FieldSource::Default(Constant::Null));
            } else {
                return Err(format!("field `{}` of {name} is missing and has no default", label.name));
            }
        }
        Ok(sources)
    }

    /// Why a part cannot become another, as far as their types tell without what lies deeper.
    fn misfit(&self, old: TypeId, new: TypeId) -> Option<String> {
        if old == new {
            return None;
        }
        let (sent, wanted) = (self.get(old), self.get(new));
        let may_fit = match (&sent.shape, &wanted.shape) {
            (Shape::Record(_), Shape::Record(_)) | (Shape::Object(_), Shape::Object(_)) | (Shape::Sum(_), Shape::Sum(_)) => {
                sent.name == wanted.name
            }
            (Shape::Option(_), Shape::Option(_)) | (Shape::List(_), Shape::List(_)) => true,
            (Shape::Map(key, _), Shape::Map(new_key, _)) => key == new_key,
            (Shape::Tuple(one), Shape::Tuple(other)) => one.fields.len() == other.fields.len(),
            (_, _) => false,
        };
        if may_fit { None } else { Some(format!("it is {}, wanted {}", sent.name, wanted.name)) }
    }
}
