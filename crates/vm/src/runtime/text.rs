//! Texts and byte strings.

use super::Cx;
use super::bulk::Bulk;
use crate::exit::ErrorKind;
use crate::heap::shared::SHARED_BYTES_MIN;
use crate::heap::word::{self, Header, Kind, TAG_MASK, words_of};
use crate::interp::Stop;
use crate::trap::write_text;
use fardel_bytecode::types;
use std::ops::Range;

/// Which of the two kinds of byte sequences a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flavour {
    Text,
    Bytes,
}

impl Flavour {
    fn inline(self) -> (Kind, u32) {
        match self {
            Flavour::Text => (Kind::Text, types::TEXT.0),
            Flavour::Bytes => (Kind::Bytes, types::BYTES.0),
        }
    }

    fn outside(self) -> (Kind, u32) {
        match self {
            Flavour::Text => (Kind::SharedText, types::TEXT.0),
            Flavour::Bytes => (Kind::SharedBytes, types::BYTES.0),
        }
    }
}

impl Cx<'_> {
    /// Which flavour a word is of, if it is a text or byte string.
    pub(crate) fn flavour(&self, value: u64) -> Option<Flavour> {
        match value & TAG_MASK {
            word::TAG_TEXT => Some(Flavour::Text),
            word::TAG_BYTES => Some(Flavour::Bytes),
            _ => match self.kind(value)? {
                Kind::Text | Kind::SharedText => Some(Flavour::Text),
                Kind::Bytes | Kind::SharedBytes => Some(Flavour::Bytes),
                Kind::Fields
                | Kind::BoxInt
                | Kind::BoxFloat
                | Kind::List
                | Kind::Storage
                | Kind::Map
                | Kind::Set
                | Kind::Array
                | Kind::Closure
                | Kind::Ref
                | Kind::Some
                | Kind::Builder => None,
            },
        }
    }

    /// The bytes of a text or byte string, if the word is one.
    pub(crate) fn text_bytes(&self, value: u64) -> Option<&[u8]> {
        self.flavour(value)?;
        if value & TAG_MASK != word::TAG_REFERENCE {
            return Some(self.core.constants.get(word::number_of(value)));
        }
        if self.header(value).is(Kind::Text) || self.header(value).is(Kind::Bytes) {
            return Some(self.block().slice(value as usize + 16, self.field(value, 0) as usize));
        }
        let (start, length) = (self.field(value, 1) as usize, self.field(value, 2) as usize);
        self.core.shared.get(self.field(value, 0) as u32).get(start..start + length)
    }

    /// The bytes of an operand that the verifier knows to be a text or byte string.
    pub(crate) fn bytes(&self, value: u64) -> &[u8] {
        self.text_bytes(value).unwrap_or_default()
    }

    /// The text of an operand that the verifier knows to be one.
    pub(crate) fn text(&self, value: u64) -> &str {
        std::str::from_utf8(self.bytes(value)).unwrap_or_default()
    }

    /// Makes sure of room for a text or byte string of so many bytes.
    pub(crate) fn reserve_text(&mut self, bytes: usize) -> Result<(), Stop> {
        if bytes >= SHARED_BYTES_MIN {
            // What lies outside counts in full, so the limit is looked at as if it lay in the block.
            self.reserve_outside(bytes)?;
            if !self.core.has_budget(bytes) {
                (self.core.need, self.core.need_outside) = (32, bytes);
                return Err(Stop::NeedSpace);
            }
            return Ok(());
        }
        self.reserve(16 + words_of(bytes) * 8)
    }

    fn reserve_outside(&mut self, bytes: usize) -> Result<(), Stop> {
        self.reserve(32)?;
        if self.core.outside_is_due(bytes) {
            (self.core.need, self.core.need_outside) = (32, bytes);
            return Err(Stop::NeedSpace);
        }
        Ok(())
    }

    /// Adds a text or byte string, for which there is room.
    pub(crate) fn add_text(&mut self, flavour: Flavour, bytes: &[u8]) -> u64 {
        if bytes.len() >= SHARED_BYTES_MIN {
            return self.add_outside(flavour, bytes.into());
        }
        let (kind, ty) = flavour.inline();
        let at = self.core.saved.top;
        write_text(self.block(), at, kind, ty, bytes);
        self.core.saved.top = at + 16 + words_of(bytes.len()) * 8;
        at as u64
    }

    /// Adds a text or byte string that lies outside of the block.
    pub(crate) fn add_outside(&mut self, flavour: Flavour, bytes: Box<[u8]>) -> u64 {
        let length = bytes.len();
        let number = self.core.shared.add(bytes);
        self.add_view(flavour, number, 0, length)
    }

    /// Adds an object that names a part of what lies outside, and takes over one count of it.
    fn add_view(&mut self, flavour: Flavour, number: u32, start: usize, length: usize) -> u64 {
        let (kind, ty) = flavour.outside();
        let at = self.add_object(Header::new(kind, ty, 3, 0));
        self.set_field(at, 0, u64::from(number));
        self.set_field(at, 1, start as u64);
        self.set_field(at, 2, length as u64);
        let slot = self.core.current;
        self.core.fibers.side_or_new(slot).shared_refs.push(at as u32);
        self.core.count_outside(length);
        at
    }

    /// Takes up an operation that makes a text or byte string of so many bytes, or makes room and starts it.
    pub(super) fn resume_text(&mut self, length: usize) -> Result<Bulk, Stop> {
        let mut bulk = self.resume();
        if bulk.buffer.is_empty() {
            self.reserve_text(length)?;
            if bulk.buffer.try_reserve_exact(length).is_err() {
                self.core.need = usize::MAX / 2;
                return Err(Stop::NeedSpace);
            }
        }
        Ok(bulk)
    }

    /// Makes a text or byte string of parts of operands, one behind the other.
    fn build(&mut self, flavour: Flavour, parts: &[(u64, Range<usize>)]) -> Result<u64, Stop> {
        let length = parts.iter().map(|(_, range)| range.len()).sum();
        let bulk = self.resume_text(length)?;
        let bulk = self.in_pieces(bulk, length, |cx, bulk, piece| cx.append_parts(&mut bulk.buffer, parts, piece))?;
        self.finish_text(flavour, bulk)
    }

    /// Makes a text or byte string of what an operation has in its buffer, for which there was room when it began.
    pub(super) fn finish_text(&mut self, flavour: Flavour, bulk: Bulk) -> Result<u64, Stop> {
        let length = bulk.buffer.len();
        // Only after a stop in between can room be wanting: then the pieces are kept, and this is run again.
        if let Err(stop) = self.reserve(16 + words_of(length.min(SHARED_BYTES_MIN)) * 8) {
            return self.put_off(bulk, stop);
        }
        if length >= SHARED_BYTES_MIN {
            return Ok(self.add_outside(flavour, bulk.buffer.into()));
        }
        Ok(self.add_text(flavour, &bulk.buffer))
    }

    /// Appends the bytes `piece` of what the parts are together.
    fn append_parts(&self, out: &mut Vec<u8>, parts: &[(u64, Range<usize>)], piece: Range<usize>) {
        let mut start = 0;
        for (value, range) in parts {
            let end = start + range.len();
            let (from, to) = (piece.start.max(start), piece.end.min(end));
            if from < to {
                out.extend_from_slice(&self.bytes(*value)[range.start + from - start..range.start + to - start]);
            }
            start = end;
        }
    }

    /// The text of a shared byte string that was found to be one.
    fn same_bytes_as_text(&mut self, value: u64, bulk: Bulk) -> Result<u64, Stop> {
        let (number, start, length) =
            (self.field(value, 0) as u32, self.field(value, 1) as usize, self.field(value, 2) as usize);
        let room = self.reserve_outside(length);
        self.or_keep(room, Some(Box::new(bulk)))?;
        self.core.shared.hold(number);
        Ok(self.add_view(Flavour::Text, number, start, length))
    }

    fn flavour_of(&self, value: u64) -> Flavour {
        self.flavour(value).unwrap_or(Flavour::Bytes)
    }
}

/// `a` := `b` and behind it `c`.
pub(crate) fn concat(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (x, y) = (cx.b(), cx.c());
    let parts = [(x, 0..cx.bytes(x).len()), (y, 0..cx.bytes(y).len())];
    let joined = cx.build(cx.flavour_of(x), &parts)?;
    cx.set_a(joined);
    Ok(())
}

/// `a` := the part of `b` from `c` to `d`. A large part of what lies outside is only named.
pub(crate) fn slice(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (value, flavour) = (cx.b(), cx.flavour_of(cx.b()));
    let range = cx.range(cx.c(), cx.d(), cx.bytes(value).len())?;
    if flavour == Flavour::Text {
        for edge in [range.start, range.end] {
            // A byte of a character that is not its first is 0b10xx_xxxx.
            if cx.bytes(value).get(edge).is_some_and(|byte| byte & 0xc0 == 0x80) {
                return cx.trap_with(ErrorKind::BadText, format!("position {edge} lies inside a character"));
            }
        }
    }
    let is_outside = matches!(cx.kind(value), Some(Kind::SharedText | Kind::SharedBytes));
    let part = if is_outside && range.len() >= SHARED_BYTES_MIN {
        cx.reserve_outside(range.len())?;
        let (number, start) = (cx.field(value, 0) as u32, cx.field(value, 1) as usize);
        cx.core.shared.hold(number);
        cx.add_view(flavour, number, start + range.start, range.len())
    } else {
        cx.build(flavour, &[(value, range)])?
    };
    cx.set_a(part);
    Ok(())
}

/// `a` := the bytes of the text `b`.
pub(crate) fn text_to_bytes(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = cx.b();
    let length = cx.bytes(text).len();
    let bytes = cx.build(Flavour::Bytes, &[(text, 0..length)])?;
    cx.set_a(bytes);
    Ok(())
}

/// `a` := the text that the bytes `b` are, or null. What lies outside is the text's as well.
pub(crate) fn bytes_to_text(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let bytes = cx.b();
    let length = cx.bytes(bytes).len();
    let text = if cx.kind(bytes) == Some(Kind::SharedBytes) {
        let bulk = cx.resume();
        let bulk =
            cx.in_pieces_while(bulk, length, |cx, bulk, piece| bulk.is_text_until(piece.end, length, cx.bytes(bytes)))?;
        if bulk.mark == length as u64 { cx.same_bytes_as_text(bytes, bulk)? } else { word::NULL }
    } else if cx.is_resumed() || std::str::from_utf8(cx.bytes(bytes)).is_ok() {
        // What was put off was found to be text before.
        cx.build(Flavour::Text, &[(bytes, 0..length)])?
    } else {
        word::NULL
    };
    cx.set_a(text);
    Ok(())
}

/// `a` := the text of the character with the code point `b`.
pub(crate) fn text_of_code(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let code = cx.b();
    let Some(character) = u32::try_from(code).ok().and_then(char::from_u32) else {
        return cx.trap_with(ErrorKind::BadText, format!("{} is no character", code as i64));
    };
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).as_bytes();
    cx.reserve_text(bytes.len())?;
    let text = cx.add_text(Flavour::Text, bytes);
    cx.set_a(text);
    Ok(())
}

/// `a` := the code point of the character of `b` that starts at `c`.
pub(crate) fn code_at(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let text = cx.b();
    let length = cx.bytes(text).len();
    let at = cx.position(cx.c(), length.saturating_sub(1))?;
    // Only the character's own bytes are looked at, so that a loop over a text is linear.
    let end = (at + 4).min(length);
    let window = &cx.bytes(text)[at..end];
    let valid = match std::str::from_utf8(window) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(character) => cx.set_a(u64::from(u32::from(character))),
        None if length == 0 => return cx.trap_with(ErrorKind::OutOfRange, "position 0 of 0".to_owned()),
        None => return cx.trap_with(ErrorKind::BadText, format!("position {at} lies inside a character")),
    }
    Ok(())
}
