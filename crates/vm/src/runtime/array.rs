//! Numeric arrays: a length, and elements of one width.

use super::Cx;
use crate::exit::ErrorKind;
use crate::heap::word::{Header, Kind, OBJECT_WORDS_MAX, words_of};
use crate::interp::Stop;
use crate::types::{Shape, TypeId};
use fardel_bytecode::types::Element;

impl Cx<'_> {
    pub(crate) fn array_element(&self, array: u64) -> Element {
        if let Shape::Array(element) = self.core.types.get(self.header(array).ty()).shape { element } else { Element::Int }
    }

    fn array_length(&self, array: u64) -> usize {
        self.field(array, 0) as usize
    }

    /// Makes an array whose elements are not written yet, but for the padding.
    fn new_array(&mut self, ty: TypeId, length: usize) -> Result<u64, Stop> {
        let Shape::Array(element) = self.core.types.get(ty).shape else { return self.trap(ErrorKind::BadOperand) };
        let words = length.checked_mul(element.bytes()).map_or(usize::MAX, |bytes| 1 + words_of(bytes));
        if words > OBJECT_WORDS_MAX {
            self.core.need = usize::MAX / 2;
            return Err(Stop::NeedSpace);
        }
        let header = Header::new(Kind::Array, ty, words, 0);
        self.reserve(header.bytes())?;
        let array = self.add_object(header);
        self.set_field(array, words - 1, 0);
        self.set_field(array, 0, length as u64);
        Ok(array)
    }

    /// The bits of an element as it is stored, if the value fits.
    fn element_bits(&mut self, element: Element, value: u64) -> Result<u64, Stop> {
        let fits = match element {
            Element::Int | Element::Float => true,
            Element::Byte => value <= 255,
            Element::I32 => i32::try_from(value as i64).is_ok(),
            Element::F32 => return Ok(u64::from((f64::from_bits(value) as f32).to_bits())),
        };
        if fits {
            return Ok(value);
        }
        self.trap_with(ErrorKind::OutOfRange, format!("{} in an array of {}", value as i64, element.name()))
    }
}

/// `a` := an array of `b` zeros of the type in the extension.
pub(crate) fn array_new(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let length = cx.b() as i64;
    let Ok(length) = usize::try_from(length) else {
        return cx.trap_with(ErrorKind::OutOfRange, format!("an array of {length} elements"));
    };
    let (ty, mut bulk) = (cx.extra as TypeId, cx.resume());
    let array = cx.bulk_object(&mut bulk, |cx| cx.new_array(ty, length))?;
    let (start, bytes) = (array as usize + 16, (cx.header(array).words() - 1) * 8);
    cx.in_pieces(bulk, bytes, |cx, _, piece| cx.block().fill_zero(start + piece.start, piece.len()))?;
    cx.set_a(array);
    Ok(())
}

/// What is filled element by element; the rest is a copy of it.
const FILLED_BYTES: usize = 4096;

/// Writes `b` into the array `a` from `c` to `d`.
pub(crate) fn array_fill(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let array = cx.a();
    let element = cx.array_element(array);
    let range = cx.range(cx.c(), cx.d(), cx.array_length(array))?;
    let bits = cx.element_bits(element, cx.b())?;
    let width = element.bytes();
    let (start, bulk) = (array as usize + 16 + range.start * width, cx.resume());
    cx.in_pieces(bulk, range.len() * width, |cx, _, piece| {
        let places = cx.block().slice_mut(start + piece.start, piece.len());
        let bytes = &bits.to_le_bytes()[..width];
        let (first, rest) = places.split_at_mut(places.len().min(FILLED_BYTES));
        first.chunks_exact_mut(width).for_each(|place| place.copy_from_slice(bytes));
        rest.chunks_mut(FILLED_BYTES).for_each(|part| part.copy_from_slice(&first[..part.len()]));
    })?;
    Ok(())
}

/// `a` := a copy of the array `b` from `c` to `d`.
pub(crate) fn array_slice(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let array = cx.b();
    let range = cx.range(cx.c(), cx.d(), cx.array_length(array))?;
    let (ty, width) = (cx.header(array).ty(), cx.array_element(array).bytes());
    let mut bulk = cx.resume();
    let copy = cx.bulk_object(&mut bulk, |cx| cx.new_array(ty, range.len()))?;
    cx.copy_in_pieces(bulk, array as usize + 16 + range.start * width, copy as usize + 16, range.len() * width)?;
    cx.set_a(copy);
    Ok(())
}

/// `a` := a copy of the array `b`.
pub(crate) fn array_copy(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let array = cx.b();
    let header = cx.header(array);
    let mut bulk = cx.resume();
    let copy = cx.bulk_object(&mut bulk, |cx| {
        cx.reserve(header.bytes())?;
        Ok(cx.add_object(header))
    })?;
    cx.copy_in_pieces(bulk, array as usize + 8, copy as usize + 8, header.words() * 8)?;
    cx.set_a(copy);
    Ok(())
}

/// Copies between two arrays or lists of one type; the operands stand in the slots from `b` on: target, where, source,
/// from, to.
pub(crate) fn copy_range(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let operands = cx.slots_from_b(5);
    let (target, source) = (operands[0], operands[2]);
    let (length, source_length, width, shift) = if cx.kind(target) == Some(Kind::Array) {
        (cx.array_length(target), cx.array_length(source), cx.array_element(target).bytes(), 16)
    } else {
        (cx.list_length(target), cx.list_length(source), 8, 8)
    };
    let range = cx.range(operands[3], operands[4], source_length)?;
    let at = cx.position(operands[1], length)?;
    cx.position((at + range.len()) as u64, length)?;
    if !range.is_empty() {
        let place = |cx: &Cx<'_>, container: u64| {
            if shift == 16 { container as usize } else { cx.field(container, 0) as usize }
        };
        let (from, to) = (place(cx, source) + shift + range.start * width, place(cx, target) + shift + at * width);
        let bulk = cx.resume();
        cx.copy_in_pieces(bulk, from, to, range.len() * width)?;
    }
    Ok(())
}
