//! Lists: an object that names its storage and its length. What is behind the length is zero.

use super::Cx;
use crate::exit::ErrorKind;
use crate::heap::word::{Header, Kind, NULL, OBJECT_WORDS_MAX};
use crate::interp::Stop;
use crate::types::{Shape, TypeId};
use fardel_bytecode::types::Repr;

/// Elements of a list's first storage.
const FIRST_CAPACITY: usize = 4;
const STORAGE: usize = 0;
const LENGTH: usize = 1;

impl Cx<'_> {
    pub(crate) fn list_length(&self, list: u64) -> usize {
        self.field(list, LENGTH) as usize
    }

    fn list_capacity(&self, list: u64) -> usize {
        let storage = self.field(list, STORAGE);
        if storage == NULL { 0 } else { self.header(storage).words() }
    }

    /// The header of a storage for elements of a type.
    pub(crate) fn storage_header(&self, element: TypeId, capacity: usize) -> Header {
        if self.core.types.get(element).repr == Repr::Word {
            Header::scanned(Kind::Storage, 0, capacity)
        } else {
            Header::new(Kind::Storage, 0, capacity, 0)
        }
    }

    fn element_type(&self, list: u64) -> TypeId {
        if let Shape::List(element) = self.core.types.get(self.header(list).ty()).shape { element } else { 0 }
    }

    /// Makes room for `more` elements behind the list's last, without changing what the program sees.
    fn grow_list(&mut self, list: u64, more: usize) -> Result<(), Stop> {
        let (length, capacity) = (self.list_length(list), self.list_capacity(list));
        if length + more <= capacity {
            return Ok(());
        }
        let wanted = (length + more).max(capacity * 2).max(FIRST_CAPACITY);
        if wanted > OBJECT_WORDS_MAX {
            return self.trap_with(ErrorKind::OutOfRange, format!("a list of {wanted} elements"));
        }
        let header = self.storage_header(self.element_type(list), wanted);
        let storage = self.grown_storage(header, self.field(list, STORAGE), length * 8)?;
        self.set_field(list, STORAGE, storage);
        Ok(())
    }

    /// Where an element lies in the block.
    fn element(&self, list: u64, index: usize) -> usize {
        self.field(list, STORAGE) as usize + 8 + index * 8
    }

    /// Makes a list of elements copied from a list.
    fn copy_elements(&mut self, list: u64, range: std::ops::Range<usize>) -> Result<u64, Stop> {
        let header = self.storage_header(self.element_type(list), range.len());
        let list_header = self.header(list);
        let (bytes, mut bulk) = (range.len() * 8, self.resume());
        let copy = self.bulk_object(&mut bulk, |cx| {
            cx.reserve(list_header.bytes() + header.bytes())?;
            let copy = cx.add_object(list_header);
            if bytes > 0 {
                cx.add_object(header);
            }
            Ok(copy)
        })?;
        // The storage lies behind the list.
        let storage = if range.is_empty() { NULL } else { copy + list_header.bytes() as u64 };
        if bytes > 0 {
            self.copy_in_pieces(bulk, self.element(list, range.start), storage as usize + 8, bytes)?;
        }
        self.set_field(copy, STORAGE, storage);
        self.set_field(copy, LENGTH, range.len() as u64);
        Ok(copy)
    }
}

/// `a` := an empty list of the type in the extension.
pub(crate) fn list_new(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let header = Header::new(Kind::List, cx.extra as TypeId, 2, 1);
    cx.reserve(header.bytes())?;
    let list = cx.add_zeroed(header);
    cx.set_a(list);
    Ok(())
}

/// Adds `b` to the list `a`, which is full.
pub(crate) fn list_grow(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let list = cx.a();
    cx.grow_list(list, 1)?;
    let (length, value) = (cx.list_length(list), cx.b());
    cx.block().store(cx.element(list, length), value);
    cx.set_field(list, LENGTH, length as u64 + 1);
    Ok(())
}

/// Inserts `c` into the list `a` before position `b`.
pub(crate) fn list_insert(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let list = cx.a();
    let length = cx.list_length(list);
    let at = cx.position(cx.b(), length)?;
    cx.grow_list(list, 1)?;
    let (place, bulk) = (cx.element(list, at), cx.resume());
    cx.copy_in_pieces(bulk, place, place + 8, (length - at) * 8)?;
    let value = cx.c();
    cx.block().store(place, value);
    cx.set_field(list, LENGTH, length as u64 + 1);
    Ok(())
}

/// `a` := the element at `c` of the list `b`, which is removed.
pub(crate) fn list_remove(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let list = cx.b();
    let length = cx.list_length(list);
    let at = cx.position(cx.c(), length.wrapping_sub(1).min(length))?;
    if at >= length {
        return cx.trap_with(ErrorKind::OutOfRange, "position 0 of an empty list".to_owned());
    }
    let (place, last) = (cx.element(list, at), cx.element(list, length - 1));
    let mut bulk = cx.resume();
    if !bulk.was_put_off {
        bulk.mark = cx.block().load(place);
    }
    let bulk = cx.in_pieces(bulk, (length - at) * 8, |cx, _, piece| {
        let (from, end) = (place + piece.start, last.min(place + piece.end));
        cx.block().copy_within(from + 8, from, end - from);
    })?;
    cx.block().store(last, NULL);
    cx.set_field(list, LENGTH, length as u64 - 1);
    cx.set_a(bulk.mark);
    Ok(())
}

/// Cuts the list `a` to `b` elements.
pub(crate) fn list_truncate(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (list, wanted) = (cx.a(), cx.b() as i64);
    if wanted < 0 {
        return cx.trap_with(ErrorKind::OutOfRange, format!("a list of {wanted} elements"));
    }
    let length = cx.list_length(list);
    let wanted = usize::try_from(wanted).unwrap_or(length);
    if wanted < length {
        cx.block().fill_zero(cx.element(list, wanted), (length - wanted) * 8);
        cx.set_field(list, LENGTH, wanted as u64);
    }
    Ok(())
}

/// Adds all elements of the list `b` to the list `a`.
pub(crate) fn list_append(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (list, other) = (cx.a(), cx.b());
    let (length, more) = (cx.list_length(list), cx.list_length(other));
    cx.grow_list(list, more)?;
    if more > 0 {
        let bulk = cx.resume();
        cx.copy_in_pieces(bulk, cx.element(other, 0), cx.element(list, length), more * 8)?;
        cx.set_field(list, LENGTH, (length + more) as u64);
    }
    Ok(())
}

/// `a` := a copy of the list `b`.
pub(crate) fn list_copy(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let list = cx.b();
    let copy = cx.copy_elements(list, 0..cx.list_length(list))?;
    cx.set_a(copy);
    Ok(())
}

/// `a` := a copy of the list `b` from `c` to `d`.
pub(crate) fn list_slice(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let list = cx.b();
    let range = cx.range(cx.c(), cx.d(), cx.list_length(list))?;
    let copy = cx.copy_elements(list, range)?;
    cx.set_a(copy);
    Ok(())
}

/// Empties the list, map, set or builder `a`.
pub(crate) fn container_clear(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let container = cx.a();
    for index in 0..cx.header(container).words() {
        cx.set_field(container, index, 0);
    }
    Ok(())
}
