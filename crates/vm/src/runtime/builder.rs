//! Builders of texts and byte strings: bytes in a storage that doubles.

use super::Cx;
use super::text::Flavour;
use crate::exit::ErrorKind;
use crate::heap::word::{Header, Kind, NULL, OBJECT_WORDS_MAX, words_of};
use crate::interp::Stop;
use crate::types::{Shape, TypeId};

const STORAGE: usize = 0;
const LENGTH: usize = 1;
/// Words of a builder's first storage.
const FIRST_WORDS: usize = 4;

impl Cx<'_> {
    fn builder_length(&self, builder: u64) -> usize {
        self.field(builder, LENGTH) as usize
    }

    /// Makes room for `more` bytes behind the last, without changing what the program sees.
    fn grow_builder(&mut self, builder: u64, more: usize) -> Result<(), Stop> {
        let (length, storage) = (self.builder_length(builder), self.field(builder, STORAGE));
        let words = if storage == NULL { 0 } else { self.header(storage).words() };
        if length + more <= words * 8 {
            return Ok(());
        }
        let wanted = words_of(length + more).max(words * 2).max(FIRST_WORDS);
        if wanted > OBJECT_WORDS_MAX {
            return self.trap_with(ErrorKind::OutOfRange, format!("a builder of {} bytes", length + more));
        }
        let header = Header::new(Kind::Storage, 0, wanted, 0);
        let fresh = self.grown_storage(header, storage, length)?;
        self.set_field(builder, STORAGE, fresh);
        Ok(())
    }

    /// Adds bytes, for which there is room.
    fn push_bytes(&mut self, builder: u64, bytes: &[u8]) {
        let (storage, length) = (self.field(builder, STORAGE) as usize, self.builder_length(builder));
        self.block().slice_mut(storage + 8 + length, bytes.len()).copy_from_slice(bytes);
        self.set_field(builder, LENGTH, (length + bytes.len()) as u64);
    }

    fn add_to_builder(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let builder = self.a();
        self.grow_builder(builder, bytes.len())?;
        self.push_bytes(builder, bytes);
        Ok(())
    }
}

/// `a` := an empty builder of the type in the extension.
pub(crate) fn builder_new(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let header = Header::new(Kind::Builder, cx.extra as TypeId, 2, 1);
    cx.reserve(header.bytes())?;
    let builder = cx.add_zeroed(header);
    cx.set_a(builder);
    Ok(())
}

/// Adds the text or byte string `b` to the builder `a`.
pub(crate) fn builder_add(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (builder, added) = (cx.a(), cx.b());
    let count = cx.bytes(added).len();
    cx.grow_builder(builder, count)?;
    if count > 0 {
        let (storage, length) = (cx.field(builder, STORAGE) as usize, cx.builder_length(builder));
        let bulk = cx.resume();
        cx.in_pieces(bulk, count, |cx, _, piece| {
            let target = cx.block().slice_mut(storage + 8 + length + piece.start, piece.len());
            target.copy_from_slice(&cx.bytes(added)[piece]);
        })?;
        cx.set_field(builder, LENGTH, (length + count) as u64);
    }
    Ok(())
}

/// Adds the byte `b` to the builder `a`, which is full.
pub(crate) fn builder_grow(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let byte = cx.b() as u8;
    cx.add_to_builder(&[byte])
}

/// Adds the integer `b` in decimal to the builder `a`.
pub(crate) fn builder_int(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = (cx.b() as i64).to_string();
    cx.add_to_builder(text.as_bytes())
}

/// Adds the character with the code point `b` to the builder `a`.
pub(crate) fn builder_code(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let code = cx.b();
    let Some(character) = u32::try_from(code).ok().and_then(char::from_u32) else {
        return cx.trap_with(ErrorKind::BadText, format!("{} is no character", code as i64));
    };
    let mut buffer = [0; 4];
    let encoded = character.encode_utf8(&mut buffer);
    cx.add_to_builder(encoded.as_bytes())
}

/// `a` := what the builder `b` has, which is empty afterwards.
pub(crate) fn builder_finish(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let builder = cx.b();
    let length = cx.builder_length(builder);
    let is_text = matches!(cx.core.types.get(cx.header(builder).ty()).shape, Shape::TextBuilder);
    let flavour = if is_text { Flavour::Text } else { Flavour::Bytes };
    let bulk = cx.resume_text(length)?;
    let start = cx.field(builder, STORAGE) as usize + 8;
    let bulk = cx.in_pieces_while(bulk, length, |cx, bulk, piece| {
        bulk.buffer.extend_from_slice(cx.block().slice(start + piece.start, piece.len()));
        !is_text || bulk.is_text_until(piece.end, length, cx.block().slice(start, length))
    })?;
    if is_text && bulk.mark < length as u64 {
        let message = format!("the builder's bytes are not UTF-8 from byte {} on", bulk.mark);
        return cx.trap_with(ErrorKind::BadText, message);
    }
    let word = cx.finish_text(flavour, bulk)?;
    cx.set_field(builder, STORAGE, NULL);
    cx.set_field(builder, LENGTH, 0);
    cx.set_a(word);
    Ok(())
}

/// `a` := the bytes in the builder `b`.
pub(crate) fn builder_len(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let length = cx.builder_length(cx.b());
    cx.set_a(length as u64);
    Ok(())
}
