//! From words of a block, or of a fragment, to bytes.

use super::{COUNTED_BYTES_MIN, DEPTH_MAX, Mark, PACKED_BYTES_MAX, Packed, TypeNumber, messagepack};
use crate::core::Core;
use crate::fiber::FiberId;
use crate::heap::block::Block;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK};
use crate::types::{Shape, TypeId};
use fardel_bytecode::types::{self, Repr};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where the objects of a value are.
pub(crate) trait Source: Copy {
    /// The word at an offset.
    fn word(self, at: usize) -> u64;

    /// Appends bytes from an offset on.
    fn append(self, at: usize, bytes: usize, out: &mut Vec<u8>);
}

impl Source for Block {
    #[inline]
    fn word(self, at: usize) -> u64 {
        self.load(at)
    }

    fn append(self, at: usize, bytes: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.slice(at, bytes));
    }
}

impl Source for &[u64] {
    fn word(self, at: usize) -> u64 {
        self[at / 8]
    }

    fn append(self, at: usize, bytes: usize, out: &mut Vec<u8>) {
        let words = &self[at / 8..at / 8 + word::words_of(bytes)];
        let end = out.len() + bytes;
        words.iter().for_each(|word| out.extend(word.to_le_bytes()));
        out.truncate(end);
    }
}

/// The bytes of the values in slots of these types.
///
/// # Errors
/// The name of what cannot leave its machine.
pub(crate) fn write<S: Source>(core: &Core, source: S, roots: &[(u64, TypeId)]) -> Result<Packed<'static>, String> {
    let mut writer = Writer {
        core,
        source,
        bytes: Vec::new(),
        fibers: Vec::new(),
        types: roots.iter().map(|(_, ty)| TypeNumber(*ty)).collect(),
        fiber_places: BTreeMap::new(),
        type_places: BTreeMap::new(),
        seen: Seen::default(),
        counted: 0,
        open: Vec::new(),
    };
    for (slot, ty) in roots {
        writer.slot(*slot, *ty)?;
        writer.finish()?;
    }
    Ok(Packed { bytes: Cow::Owned(writer.bytes), fibers: writer.fibers, types: writer.types })
}

/// What is being written and has parts left.
enum Open {
    /// The fields of an object of a type.
    Fields { at: usize, ty: TypeId, next: usize },
    /// Slots of a type, one behind the other.
    Slots { at: usize, end: usize, ty: TypeId },
    /// The entries of a map or set: where keys, values and hashes are, and the next half of an entry.
    Entries {
        keys: usize,
        values: usize,
        hashes: usize,
        types: (TypeId, Option<TypeId>),
        next: usize,
        used: usize,
        is_value: bool,
    },
}

struct Writer<'a, S> {
    core: &'a Core,
    source: S,
    bytes: Vec<u8>,
    fibers: Vec<FiberId>,
    types: Vec<TypeNumber>,
    fiber_places: BTreeMap<FiberId, u32>,
    type_places: BTreeMap<TypeNumber, u32>,
    seen: Seen,
    /// How many values have been counted.
    counted: u32,
    open: Vec<Open>,
}

impl<S: Source> Writer<'_, S> {
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Writes what is left of what has begun.
    fn finish(&mut self) -> Result<(), String> {
        while let Some(open) = self.open.last_mut() {
            let core = self.core;
            let part = match open {
                Open::Fields { at, ty, next } => {
                    core.types.layout(*ty).and_then(|layout| layout.fields.get(*next)).map(|place| {
                        *next += 1;
                        (*at + usize::from(place.word) * 8, place.ty)
                    })
                }
                Open::Slots { at, end, ty } => (*at < *end).then(|| {
                    *at += 8;
                    (*at - 8, *ty)
                }),
                Open::Entries { keys, values, hashes, types, next, used, is_value } => {
                    let source = self.source;
                    let is_live =
                        |entry: usize| source.word(*hashes + 8 + entry / 2 * 8) >> (entry % 2 * 32) & 0xffff_ffff != 0;
                    while !*is_value && *next < *used && !is_live(*next) {
                        *next += 1;
                    }
                    match *types {
                        _ if *next == *used => None,
                        (_, Some(value)) if *is_value => {
                            (*next, *is_value) = (*next + 1, false);
                            Some((*values + *next * 8, value))
                        }
                        (key, value) => {
                            let at = *keys + 8 + *next * 8;
                            match value {
                                Some(_) => *is_value = true,
                                None => *next += 1,
                            }
                            Some((at, key))
                        }
                    }
                }
            };
            match part {
                Some((at, ty)) => self.slot(self.source.word(at), ty)?,
                None => {
                    self.open.pop();
                }
            }
        }
        Ok(())
    }

    fn slot(&mut self, slot: u64, ty: TypeId) -> Result<(), String> {
        match self.core.types.repr(ty) {
            Repr::Int => messagepack::int(slot as i64, self.out()),
            Repr::Float => messagepack::float(slot, self.out()),
            Repr::Bool => messagepack::bool(slot != 0, self.out()),
            Repr::Word => return self.word(slot),
        }
        Ok(())
    }

    fn word(&mut self, value: u64) -> Result<(), String> {
        let number = word::number_of(value);
        match value & TAG_MASK {
            _ if value == NULL => self.out().push(0xc0),
            word::TAG_INT => messagepack::int(word::int_of(value), self.out()),
            word::TAG_BOOL => messagepack::bool(value == word::TRUE, self.out()),
            word::TAG_ADDRESS => {
                let index = self.fiber(word::address_of(value));
                self.mark(Mark::Address, index);
            }
            word::TAG_FUNCTION => return Err(format!("fn {}", self.core.function_name(number))),
            word::TAG_TEXT | word::TAG_BYTES => {
                let core = self.core;
                let bytes = core.constants.get(number);
                // Constants have no place in a block; their numbers are told apart from places by the highest bit.
                if !self.came_before(bytes.len() >= COUNTED_BYTES_MIN, number | 1 << 31) {
                    self.text(value & TAG_MASK == word::TAG_TEXT, bytes)?;
                }
            }
            word::TAG_VARIANT => {
                messagepack::array_header(1, self.out());
                self.ty(number);
            }
            _ => self.object(value as usize)?,
        }
        Ok(())
    }

    fn object(&mut self, at: usize) -> Result<(), String> {
        let header = Header(self.source.word(at));
        let source = self.source;
        let field = |index: usize| source.word(at + 8 + index * 8);
        let place = (at / 8) as u32;
        let ty = header.ty();
        match header.kind() {
            Kind::BoxInt => messagepack::int(field(0) as i64, self.out()),
            Kind::BoxFloat => messagepack::float(field(0), self.out()),
            Kind::Ref => {
                let index = self.fiber(word::address_of(field(0)));
                messagepack::extension_header(Mark::Ref.number(), 12, self.out());
                self.out().extend(index.to_be_bytes());
                self.out().extend(field(1).to_be_bytes());
            }
            Kind::Some => {
                messagepack::array_header(2, self.out());
                self.mark(Mark::Some, 0);
                self.begin(Open::Slots { at: at + 8, end: at + 16, ty: types::ANY.0 })?;
            }
            Kind::Text | Kind::Bytes => {
                let length = field(0) as usize;
                if !self.came_before(length >= COUNTED_BYTES_MIN, place) {
                    self.bytes_header(header.is(Kind::Text), length)?;
                    source.append(at + 16, length, self.out());
                }
            }
            Kind::SharedText | Kind::SharedBytes => {
                let (start, length) = (field(1) as usize, field(2) as usize);
                let core = self.core;
                let bytes = core.shared.get(field(0) as u32).get(start..start + length).unwrap_or_default();
                if !self.came_before(length >= COUNTED_BYTES_MIN, place) {
                    self.text(header.is(Kind::SharedText), bytes)?;
                }
            }
            Kind::Fields => {
                if !self.came_before(true, place) {
                    self.array(header.words(), ty)?;
                    self.begin(Open::Fields { at: at + 8, ty, next: 0 })?;
                }
            }
            Kind::List => {
                if !self.came_before(true, place) {
                    let (storage, length) = (field(0) as usize, field(1) as usize);
                    let element =
                        if let Shape::List(element) = self.core.types.get(ty).shape { element } else { types::ANY.0 };
                    self.array(length, ty)?;
                    self.begin(Open::Slots { at: storage + 8, end: storage + 8 + length * 8, ty: element })?;
                }
            }
            Kind::Map | Kind::Set => {
                if !self.came_before(true, place) {
                    let types = self.core.types.entry_types(ty);
                    let (used, live) = (field(3) as usize, field(4) as usize);
                    self.array(if types.1.is_some() { live * 2 } else { live }, ty)?;
                    let (keys, values, hashes) = (field(0) as usize, field(1) as usize, field(2) as usize);
                    self.begin(Open::Entries { keys, values, hashes, types, next: 0, used, is_value: false })?;
                }
            }
            Kind::Array => {
                let Shape::Array(element) = self.core.types.get(ty).shape else { return Err("an array".to_owned()) };
                let bytes = field(0) as usize * element.bytes();
                if !self.came_before(true, place) {
                    self.array(1, ty)?;
                    self.bytes_header(false, bytes)?;
                    source.append(at + 16, bytes, self.out());
                }
            }
            Kind::Closure | Kind::Builder | Kind::Storage => return Err(self.core.types.get(ty).name.clone()),
        }
        Ok(())
    }

    fn begin(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() == DEPTH_MAX {
            return Err(format!("a value that is nested more than {DEPTH_MAX} deep"));
        }
        self.open.push(open);
        Ok(())
    }

    /// Whether a value that is counted has been written before; if so, that it was is written.
    fn came_before(&mut self, is_counted: bool, place: u32) -> bool {
        if !is_counted {
            return false;
        }
        if let Some(index) = self.seen.find_or_add(place, self.counted) {
            self.mark(Mark::Back, index);
            return true;
        }
        self.counted += 1;
        false
    }

    /// What begins an array with a type and so many parts.
    fn array(&mut self, parts: usize, ty: TypeId) -> Result<(), String> {
        let items = self.count(parts)? + 1;
        messagepack::array_header(items, self.out());
        self.ty(ty);
        Ok(())
    }

    /// A number of bytes or parts, if that many can be written.
    fn count(&self, count: usize) -> Result<u32, String> {
        let is_too_much = count > PACKED_BYTES_MAX || self.bytes.len() + count > PACKED_BYTES_MAX;
        if is_too_much { Err(format!("a value of more than {PACKED_BYTES_MAX} bytes")) } else { Ok(count as u32) }
    }

    fn bytes_header(&mut self, is_text: bool, length: usize) -> Result<(), String> {
        let length = self.count(length)?;
        if is_text {
            messagepack::text_header(length, self.out())
        } else {
            messagepack::bytes_header(length, self.out())
        }
        Ok(())
    }

    fn text(&mut self, is_text: bool, bytes: &[u8]) -> Result<(), String> {
        // What follows a large text is little.
        self.bytes.reserve(bytes.len() + 16);
        self.bytes_header(is_text, bytes.len())?;
        self.out().extend_from_slice(bytes);
        Ok(())
    }

    fn mark(&mut self, mark: Mark, index: u32) {
        let out = &mut self.bytes;
        if let Ok(index) = u8::try_from(index) {
            messagepack::extension_header(mark.number(), 1, out);
            out.push(index);
        } else if let Ok(index) = u16::try_from(index) {
            messagepack::extension_header(mark.number(), 2, out);
            out.extend(index.to_be_bytes());
        } else {
            messagepack::extension_header(mark.number(), 4, out);
            out.extend(index.to_be_bytes());
        }
    }

    fn ty(&mut self, ty: TypeId) {
        let index = place_of(&mut self.types, &mut self.type_places, TypeNumber(ty));
        self.mark(Mark::Type, index);
    }

    fn fiber(&mut self, fiber: FiberId) -> u32 {
        place_of(&mut self.fibers, &mut self.fiber_places, fiber)
    }
}

/// Entries of a table that are looked through one by one.
const LINEAR_MAX: usize = 16;

/// The place of an item in a table, to which it is added when it is not there.
fn place_of<T: Copy + Ord>(table: &mut Vec<T>, places: &mut BTreeMap<T, u32>, item: T) -> u32 {
    if table.len() <= LINEAR_MAX {
        if let Some(known) = table.iter().position(|known| *known == item) {
            return known as u32;
        }
    } else {
        if places.is_empty() {
            *places = table.iter().copied().zip(0..).collect();
        }
        if let Some(known) = places.get(&item) {
            return *known;
        }
        places.insert(item, table.len() as u32);
    }
    table.push(item);
    table.len() as u32 - 1
}

/// Places that have been written, each with its count: a hash table in which 0 is free.
#[derive(Default)]
struct Seen {
    entries: Vec<u64>,
    used: usize,
}

impl Seen {
    /// What was added for a place before; now it is added.
    fn find_or_add(&mut self, place: u32, count: u32) -> Option<u32> {
        if self.used * 2 >= self.entries.len() {
            self.grow();
        }
        let mask = self.entries.len() - 1;
        let mut at = spread(place) & mask;
        loop {
            let entry = self.entries[at];
            if entry == 0 {
                self.entries[at] = u64::from(place) << 32 | u64::from(count);
                self.used += 1;
                return None;
            }
            if entry >> 32 == u64::from(place) {
                return Some(entry as u32);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let larger = vec![0; (self.entries.len() * 2).max(8)];
        let mask = larger.len() - 1;
        for entry in std::mem::replace(&mut self.entries, larger) {
            if entry != 0 {
                let mut at = spread((entry >> 32) as u32) & mask;
                while self.entries[at] != 0 {
                    at = (at + 1) & mask;
                }
                self.entries[at] = entry;
            }
        }
    }
}

/// Multiplicative hashing, Knuth, The Art of Computer Programming 6.4.
fn spread(place: u32) -> usize {
    (u64::from(place).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}
