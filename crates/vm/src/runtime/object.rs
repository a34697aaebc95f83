//! Tuples, records, objects and variants whose words do not stand in the order of their fields.

use super::Cx;
use crate::heap::word::{Header, Kind};
use crate::interp::Stop;
use crate::types::TypeId;

/// The header of an object with fields.
pub(crate) fn fields_header(types: &crate::types::TypeStore, ty: TypeId) -> Header {
    let (words, scan) = types.layout(ty).map_or((0, 0), |layout| (layout.fields.len(), layout.scan));
    Header::new(Kind::Fields, ty, words, scan)
}

/// `c` := a new object of the type in the extension, its fields in the slots from `a` on.
pub(crate) fn new_mapped(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let ty = cx.extra as TypeId;
    let header = fields_header(&cx.core.types, ty);
    cx.reserve(header.bytes())?;
    let fields = cx.slots_from_a(header.words());
    let object = cx.add_object(header);
    let block = cx.block();
    if let Some(layout) = cx.core.types.layout(ty) {
        for (place, word) in layout.fields.iter().zip(fields) {
            block.store(object as usize + 8 + usize::from(place.word) * 8, word);
        }
    }
    cx.set_c(object);
    Ok(())
}

/// `a` := a copy of the object `b` in which the word whose number is in the extension is `c`.
pub(crate) fn with_field(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let object = cx.b();
    let header = cx.header(object);
    cx.reserve(header.bytes())?;
    let copy = cx.add_object(header);
    cx.block().copy_within(object as usize + 8, copy as usize + 8, header.words() * 8);
    let value = cx.c();
    cx.set_field(copy, cx.extra as usize, value);
    cx.set_a(copy);
    Ok(())
}

/// `a` := a copy of the object `b`.
pub(crate) fn object_copy(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let object = cx.b();
    let header = cx.header(object);
    cx.reserve(header.bytes())?;
    let copy = cx.add_object(header);
    cx.block().copy_within(object as usize + 8, copy as usize + 8, header.words() * 8);
    cx.set_a(copy);
    Ok(())
}
