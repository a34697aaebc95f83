//! From bytes to words of a fragment. The bytes are whatever somebody sent.

mod index;

use super::{COUNTED_BYTES_MIN, DEPTH_MAX, Mark, Packed, Unreadable};
use crate::convert::add_bytes;
use crate::core::Core;
use crate::deliver::MESSAGE_BYTES_MAX;
use crate::heap::fragment::Fragment;
use crate::heap::word::{self, Header, Kind, NULL, OBJECT_WORDS_MAX, is_reference, numbered, words_of};
use crate::runtime::TOKEN;
use crate::runtime::object::fields_header;
use crate::types::{Shape, TypeId};
use fardel_bytecode::types::{self, Element, Repr};

impl Core {
    /// The slots of packed values of these types, with what they reach.
    ///
    /// # Errors
    /// When the bytes are no such values; nothing is left of them then.
    pub(crate) fn unpack(&mut self, packed: &Packed<'_>, roots: &[TypeId]) -> Result<(Vec<u64>, Fragment), Unreadable> {
        let mut reader = Reader {
            core: self,
            packed,
            at: 0,
            fragment: Fragment::default(),
            seen: Vec::new(),
            open: Vec::new(),
            promised: 0,
            hashed: 0,
            allowed: 0,
        };
        let slots: Result<Vec<u64>, Unreadable> = roots.iter().map(|ty| reader.root(*ty)).collect();
        let slots =
            slots.and_then(
                |slots| {
                    if reader.at == packed.bytes.len() { Ok(slots) } else { Err(reader.unreadable("bytes follow")) }
                },
            );
        let Reader { core, fragment, .. } = reader;
        match slots {
            Ok(slots) => Ok((slots, fragment)),
            Err(problem) => {
                fragment.discard(&mut core.shared);
                Err(problem)
            }
        }
    }

    /// The slot of one packed value, of the type that it says itself, and that type.
    ///
    /// # Errors
    /// See [`Core::unpack`].
    pub(crate) fn unpack_one(&mut self, packed: &Packed<'_>) -> Result<(u64, TypeId, Fragment), Unreadable> {
        let ty = packed.types.first().map(|ty| ty.0).filter(|ty| self.types.has(*ty));
        let ty = ty.ok_or(Unreadable { what: "a type that is not known", at: 0 })?;
        let (slots, fragment) = self.unpack(packed, &[ty])?;
        Ok((slots.first().copied().unwrap_or(NULL), ty, fragment))
    }
}

struct Reader<'a> {
    core: &'a mut Core,
    packed: &'a Packed<'a>,
    at: usize,
    fragment: Fragment,
    /// The words of what has been counted.
    seen: Vec<u64>,
    open: Vec<Open>,
    /// Parts that what is open has still to come: each is a byte at least.
    promised: usize,
    /// What making hashes of keys has taken, in values and words of texts.
    hashed: usize,
    /// Bytes of the fragment for which there is memory.
    allowed: usize,
}

/// Bytes for which memory is asked at one time.
const STEP_BYTES: usize = 1 << 20;

/// What has begun and has parts left; all have their objects.
enum Open {
    Fields { object: u64, ty: TypeId, next: usize },
    Slots { object: u64, ty: TypeId, next: usize, count: usize },
    Entries { map: u64, keys: u64, values: u64, types: (TypeId, Option<TypeId>), next: usize, count: usize, is_value: bool },
    Some { object: u64, ty: TypeId, is_read: bool },
}

/// Where a part belongs.
struct Part {
    object: u64,
    word: usize,
    ty: TypeId,
}

impl Reader<'_> {
    fn unreadable(&self, what: &'static str) -> Unreadable {
        Unreadable { what, at: self.at }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let bytes = self.packed.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).copied();
        let bytes = bytes.ok_or_else(|| self.unreadable("it ends too early"))?;
        self.at += N;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        let byte = self.packed.bytes.get(self.at).copied().ok_or_else(|| self.unreadable("it ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn left(&self) -> usize {
        self.packed.bytes.len() - self.at
    }

    /// A length of 1, 2 or 4 bytes.
    fn length(&mut self, width: u8) -> Result<usize, Unreadable> {
        Ok(match width {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.bytes()?)),
            _ => u32::from_be_bytes(self.bytes()?) as usize,
        })
    }

    /// So many bytes.
    fn take(&mut self, length: usize) -> Result<std::ops::Range<usize>, Unreadable> {
        if length > self.left() {
            return Err(self.unreadable("it ends too early"));
        }
        self.at += length;
        Ok(self.at - length..self.at)
    }

    fn root(&mut self, ty: TypeId) -> Result<u64, Unreadable> {
        let root = self.slot(ty)?;
        while let Some(open) = self.open.last_mut() {
            match open.next_part(self.core) {
                Some(Part { object, word, ty }) => {
                    self.promised -= 1;
                    let slot = self.slot(ty)?;
                    self.fragment.set(object, word, slot);
                }
                None => {
                    if let Some(open) = self.open.pop() {
                        self.complete(&open)?;
                    }
                }
            }
        }
        Ok(root)
    }

    /// The slot of a value of a type, whose parts may be still to be read.
    fn slot(&mut self, ty: TypeId) -> Result<u64, Unreadable> {
        self.ask_for(0)?;
        let marker = self.byte()?;
        match self.core.types.repr(ty) {
            Repr::Int => match self.int(marker)? {
                Some(value) => Ok(value as u64),
                None => Err(self.unreadable("an Int is wanted")),
            },
            Repr::Float if marker == 0xcb => Ok(u64::from_be_bytes(self.bytes()?)),
            Repr::Float => Err(self.unreadable("a Float is wanted")),
            Repr::Bool if marker & 0xfe == 0xc2 => Ok(u64::from(marker & 1)),
            Repr::Bool => Err(self.unreadable("a Bool is wanted")),
            Repr::Word => self.word(marker, ty),
        }
    }

    /// An integer, if the marker begins one.
    fn int(&mut self, marker: u8) -> Result<Option<i64>, Unreadable> {
        Ok(Some(match marker {
            0..=0x7f => i64::from(marker),
            0xe0..=0xff => i64::from(marker as i8),
            0xcc => i64::from(self.byte()?),
            0xcd => i64::from(u16::from_be_bytes(self.bytes()?)),
            0xce => i64::from(u32::from_be_bytes(self.bytes()?)),
            0xcf => {
                let value = u64::from_be_bytes(self.bytes()?);
                i64::try_from(value).map_err(|_| self.unreadable("an integer of more than 63 bits"))?
            }
            0xd0 => i64::from(self.byte()? as i8),
            0xd1 => i64::from(i16::from_be_bytes(self.bytes()?)),
            0xd2 => i64::from(i32::from_be_bytes(self.bytes()?)),
            0xd3 => i64::from_be_bytes(self.bytes()?),
            0x80..=0xcb | 0xd4..=0xdf => return Ok(None),
        }))
    }

    fn word(&mut self, marker: u8, ty: TypeId) -> Result<u64, Unreadable> {
        match marker {
            0xc0 => self.of(types::NULL.0, ty, NULL),
            0xc2 | 0xc3 => self.of(types::BOOL.0, ty, word::bool_word(marker == 0xc3)),
            0xcb => {
                let bits = u64::from_be_bytes(self.bytes()?);
                let float = self.fragment.push(Header::new(Kind::BoxFloat, types::FLOAT.0, 1, 0), &[bits]);
                self.of(types::FLOAT.0, ty, float)
            }
            0xa0..=0xbf => self.text(usize::from(marker & 0x1f), ty),
            0xd9..=0xdb => {
                let length = self.length(marker - 0xd9)?;
                self.text(length, ty)
            }
            0xc4..=0xc6 => {
                let length = self.length(marker - 0xc4)?;
                let range = self.take(length)?;
                let word = self.add(false, range);
                self.of(types::BYTES.0, ty, word)
            }
            0x90..=0x9f => self.array(usize::from(marker & 0xf), ty),
            0xdc | 0xdd => {
                let length = self.length(marker - 0xdc + 1)?;
                self.array(length, ty)
            }
            0xc7 | 0xd4 | 0xd5 | 0xd6 => self.marked(marker, ty),
            0x00..=0x8f | 0xc1 | 0xc8..=0xca | 0xcc..=0xd3 | 0xd7 | 0xd8 | 0xde..=0xff => match self.int(marker)? {
                Some(value) => {
                    let boxed = Header::new(Kind::BoxInt, types::INT.0, 1, 0);
                    let word = word::small_int(value).unwrap_or_else(|| self.fragment.push(boxed, &[value as u64]));
                    self.of(types::INT.0, ty, word)
                }
                None => Err(self.unreadable("a byte that begins no value")),
            },
        }
    }

    /// A word of exactly a type, where one of another is wanted.
    fn of(&self, exact: TypeId, wanted: TypeId, word: u64) -> Result<u64, Unreadable> {
        if self.admits(wanted, exact) { Ok(word) } else { Err(self.unreadable("it is of another type")) }
    }

    /// Whether a word slot of a type takes a value of exactly another one.
    fn admits(&self, wanted: TypeId, exact: TypeId) -> bool {
        let mut wanted = wanted;
        // Around what may be null there has to be a box, of which the caller knows.
        while let Shape::Option(inner) = self.core.types.get(wanted).shape {
            if exact == types::NULL.0 {
                return true;
            }
            wanted = inner;
        }
        if let Shape::Sum(variants) = self.core.types.get(wanted).shape {
            return (wanted..=wanted + variants).contains(&exact);
        }
        wanted == types::ANY.0 || wanted == exact
    }

    fn text(&mut self, length: usize, ty: TypeId) -> Result<u64, Unreadable> {
        let range = self.take(length)?;
        if std::str::from_utf8(&self.packed.bytes[range.clone()]).is_err() {
            return Err(self.unreadable("a text that is not UTF-8"));
        }
        let word = self.add(true, range);
        self.of(types::TEXT.0, ty, word)
    }

    /// Adds a text or byte string.
    fn add(&mut self, is_text: bool, range: std::ops::Range<usize>) -> u64 {
        let bytes = &self.packed.bytes[range];
        let word = add_bytes(self.core, is_text, bytes, &mut self.fragment);
        if bytes.len() >= COUNTED_BYTES_MIN {
            self.seen.push(word);
        }
        word
    }

    /// An extension type, and the index that is its body.
    fn mark(&mut self, marker: u8) -> Result<(i8, usize), Unreadable> {
        let kind = self.byte()? as i8;
        let index = self.length(marker.wrapping_sub(0xd4))?;
        Ok((kind, index))
    }

    fn marked(&mut self, marker: u8, ty: TypeId) -> Result<u64, Unreadable> {
        if marker == 0xc7 {
            let [length, kind] = self.bytes()?;
            if length != 12 || kind as i8 != Mark::Ref.number() {
                return Err(self.unreadable("an extension that is not known"));
            }
            let fiber = u32::from_be_bytes(self.bytes()?) as usize;
            let fiber = self.fiber(fiber)?;
            let number = u64::from_be_bytes(self.bytes()?);
            let token = self.fragment.push(TOKEN, &[fiber, number]);
            return self.of(types::REF.0, ty, token);
        }
        let (kind, index) = self.mark(marker)?;
        if kind == Mark::Address.number() {
            let word = self.fiber(index)?;
            return self.of(types::ADDRESS.0, ty, word);
        }
        if kind != Mark::Back.number() {
            return Err(self.unreadable("an extension that is not known, or has no place here"));
        }
        let word = *self.seen.get(index).ok_or_else(|| self.unreadable("nothing came before with this index"))?;
        let exact = self.header(word).ty();
        self.of(exact, ty, word)
    }

    fn fiber(&self, index: usize) -> Result<u64, Unreadable> {
        let fiber = self.packed.fibers.get(index).ok_or_else(|| self.unreadable("an address that is not in the table"))?;
        Ok(word::address_word(*fiber))
    }

    fn header(&self, object: u64) -> Header {
        Header(self.fragment.words()[object as usize / 8])
    }

    fn field(&self, object: u64, index: usize) -> u64 {
        self.fragment.words()[object as usize / 8 + 1 + index]
    }

    fn array(&mut self, items: usize, wanted: TypeId) -> Result<u64, Unreadable> {
        // Each item is a byte at least.
        if items == 0 || items > self.left() {
            return Err(self.unreadable("an array of too few items, or of more than there are bytes"));
        }
        let marker = self.byte()?;
        if !(0xd4..=0xd6).contains(&marker) {
            return Err(self.unreadable("an array whose type is missing"));
        }
        let (kind, index) = self.mark(marker)?;
        let parts = items - 1;
        if self.promised + parts > self.left() {
            return Err(self.unreadable("more parts than there are bytes"));
        }
        if kind == Mark::Some.number() {
            return self.some(parts, wanted);
        }
        if kind != Mark::Type.number() {
            return Err(self.unreadable("an array whose type is missing"));
        }
        let exact = self.packed.types.get(index).map(|ty| ty.0).filter(|ty| self.core.types.has(*ty));
        let exact = exact.ok_or_else(|| self.unreadable("a type that is not in the table"))?;
        if !self.admits(wanted, exact) {
            return Err(self.unreadable("it is of another type"));
        }
        self.typed(parts, exact)
    }

    fn some(&mut self, parts: usize, wanted: TypeId) -> Result<u64, Unreadable> {
        // A box stands around what may be null, and that is a word.
        let inner = if let Shape::Option(inner) = self.core.types.get(wanted).shape { inner } else { wanted };
        let is_option = inner != wanted || wanted == types::ANY.0;
        let ty = Some(inner).filter(|inner| is_option && self.core.types.repr(*inner) == Repr::Word);
        let Some(ty) = ty.filter(|_| parts == 1) else { return Err(self.unreadable("a box that has no place here")) };
        let object = self.fragment.push(Header::scanned(Kind::Some, types::OPTION_ANY.0, 1), &[NULL]);
        self.begin(Open::Some { object, ty, is_read: false })?;
        Ok(object)
    }

    fn typed(&mut self, parts: usize, exact: TypeId) -> Result<u64, Unreadable> {
        let types = &self.core.types;
        if let Some(layout) = types.layout(exact) {
            if parts != layout.fields.len() {
                return Err(self.unreadable("another number of fields"));
            }
            if parts == 0 && types.sum_of(exact) != exact {
                return Ok(numbered(word::TAG_VARIANT, exact));
            }
            let object = self.push_zeroed(fields_header(types, exact));
            self.seen.push(object);
            self.begin(Open::Fields { object, ty: exact, next: 0 })?;
            return Ok(object);
        }
        let shape = &types.get(exact).shape;
        if let Shape::List(element) = *shape {
            let list = self.fragment.push(Header::new(Kind::List, exact, 2, 1), &[NULL, parts as u64]);
            self.seen.push(list);
            if parts > 0 {
                let storage = self.storage(element, parts)?;
                self.fragment.set(list, 0, storage);
                self.begin(Open::Slots { object: storage, ty: element, next: 0, count: parts })?;
            }
            return Ok(list);
        }
        if let Shape::Map(..) | Shape::Set(_) = shape {
            return self.map(parts, exact);
        }
        if let Shape::Array(element) = *shape {
            return self.numbers(parts, exact, element);
        }
        Err(self.unreadable("a type that no array has"))
    }

    fn begin(&mut self, open: Open) -> Result<(), Unreadable> {
        if self.open.len() == DEPTH_MAX {
            return Err(self.unreadable("it is nested too deeply"));
        }
        self.promised += open.parts(self.core);
        self.open.push(open);
        Ok(())
    }

    fn push_zeroed(&mut self, header: Header) -> u64 {
        const SHORT: [u64; 32] = [0; 32];
        match SHORT.get(..header.words()) {
            Some(words) => self.fragment.push(header, words),
            None => self.fragment.push(header, &vec![0; header.words()]),
        }
    }

    /// Sees to it that the machine has memory for so many bytes more.
    fn ask_for(&mut self, bytes: usize) -> Result<(), Unreadable> {
        let wanted = self.fragment.bytes() + bytes;
        if wanted <= self.allowed {
            return Ok(());
        }
        if wanted > MESSAGE_BYTES_MAX || !self.core.has_budget(wanted) {
            return Err(self.unreadable("there is no memory for it"));
        }
        self.allowed = wanted + STEP_BYTES;
        Ok(())
    }

    /// A storage of zeros.
    fn storage(&mut self, element: TypeId, count: usize) -> Result<u64, Unreadable> {
        if count > OBJECT_WORDS_MAX {
            return Err(self.unreadable("it has too many parts"));
        }
        self.ask_for(count * 8)?;
        let is_word = self.core.types.repr(element) == Repr::Word;
        let header =
            if is_word { Header::scanned(Kind::Storage, 0, count) } else { Header::new(Kind::Storage, 0, count, 0) };
        Ok(self.push_zeroed(header))
    }

    fn numbers(&mut self, parts: usize, exact: TypeId, element: Element) -> Result<u64, Unreadable> {
        let marker = self.byte()?;
        if parts != 1 || !(0xc4..=0xc6).contains(&marker) {
            return Err(self.unreadable("an array of numbers without its bytes"));
        }
        let length = self.length(marker - 0xc4)?;
        let range = self.take(length)?;
        if !length.is_multiple_of(element.bytes()) || 1 + words_of(length) > OBJECT_WORDS_MAX {
            return Err(self.unreadable("bytes of a part of a number"));
        }
        let mut words = vec![0; 1 + words_of(length)];
        if let Some((count, elements)) = words.split_first_mut() {
            *count = (length / element.bytes()) as u64;
            for (word, chunk) in elements.iter_mut().zip(self.packed.bytes[range].chunks(8)) {
                let mut raw = [0; 8];
                raw[..chunk.len()].copy_from_slice(chunk);
                *word = u64::from_le_bytes(raw);
            }
        }
        let array = self.fragment.push(Header::new(Kind::Array, exact, words.len(), 0), &words);
        self.seen.push(array);
        Ok(array)
    }

    fn map(&mut self, parts: usize, exact: TypeId) -> Result<u64, Unreadable> {
        let types = self.core.types.entry_types(exact);
        let (kind, count) = match types.1 {
            Some(_) => (Kind::Map, parts / 2),
            None => (Kind::Set, parts),
        };
        if types.1.is_some() && !parts.is_multiple_of(2) {
            return Err(self.unreadable("a key without a value"));
        }
        let map = self.fragment.push(Header::new(kind, exact, 5, 3), &[NULL; 5]);
        self.seen.push(map);
        if count > 0 {
            let capacity = index::capacity_for(count);
            let keys = self.storage(types.0, capacity)?;
            let values = match types.1 {
                Some(value) => self.storage(value, capacity)?,
                None => NULL,
            };
            self.fragment.set(map, 0, keys);
            self.fragment.set(map, 1, values);
            self.begin(Open::Entries { map, keys, values, types, next: 0, count, is_value: false })?;
        }
        Ok(map)
    }

    /// What is to be done when all parts are there.
    fn complete(&mut self, open: &Open) -> Result<(), Unreadable> {
        match open {
            Open::Entries { map, keys, types, count, .. } => self.index(*map, *keys, types.0, *count),
            Open::Some { object, .. } => {
                let inside = self.field(*object, 0);
                let is_box = is_reference(inside) && self.header(inside).is(Kind::Some);
                if inside == NULL || is_box { Ok(()) } else { Err(self.unreadable("a box around what needs none")) }
            }
            Open::Fields { .. } | Open::Slots { .. } => Ok(()),
        }
    }
}

impl Open {
    /// How many parts it has.
    fn parts(&self, core: &Core) -> usize {
        match self {
            Open::Fields { ty, .. } => core.types.layout(*ty).map_or(0, |layout| layout.fields.len()),
            Open::Slots { count, .. } => *count,
            Open::Entries { types: (_, Some(_)), count, .. } => *count * 2,
            Open::Entries { types: (_, None), count, .. } => *count,
            Open::Some { .. } => 1,
        }
    }

    /// Where the next part belongs, if there is one.
    fn next_part(&mut self, core: &Core) -> Option<Part> {
        match self {
            Open::Fields { object, ty, next } => {
                let place = core.types.layout(*ty)?.fields.get(*next)?;
                *next += 1;
                Some(Part { object: *object, word: usize::from(place.word), ty: place.ty })
            }
            Open::Slots { object, ty, next, count } => {
                if next == count {
                    return None;
                }
                *next += 1;
                Some(Part { object: *object, word: *next - 1, ty: *ty })
            }
            Open::Entries { keys, values, types: (key, value), next, count, is_value, .. } => {
                if next == count {
                    return None;
                }
                let (object, ty) = if *is_value { (*values, value.unwrap_or(*key)) } else { (*keys, *key) };
                let word = *next;
                if value.is_none() || *is_value {
                    *next += 1;
                }
                *is_value = value.is_some() && !*is_value;
                Some(Part { object, word, ty })
            }
            Open::Some { object, ty, is_read } => {
                if std::mem::replace(is_read, true) {
                    return None;
                }
                Some(Part { object: *object, word: 0, ty: *ty })
            }
        }
    }
}
