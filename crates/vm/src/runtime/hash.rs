//! Hashing of keys, with a seed a fiber.
//!
//! A 128-bit product of the key and the seed, folded to 64 bits, as the wyhash family of functions does (Wang Yi, 2019).
//! It is the same on every machine. That of a large key is made in pieces.

use super::Cx;
use super::bulk::{PIECE_BYTES, Walk};
use crate::exit::ErrorKind;
use crate::heap::word::{self, Header, Kind, NULL, TAG_MASK};
use crate::interp::Stop;
use crate::types::TypeStore;

/// How many values one key may be made of.
pub(crate) const KEY_VALUES_MAX: usize = 1 << 20;

/// Folds two numbers into one. Both go in besides their product, which is 0 when either factor is: without that a key could
/// make the hash forget all before it, the seed too.
#[inline]
pub(crate) fn mix(x: u64, y: u64) -> u64 {
    let (x, y) = (x ^ 0xa076_1d64_78bd_642f, y ^ 0xe703_7ed1_a0b4_28db);
    let product = u128::from(x) * u128::from(y);
    (product >> 64) as u64 ^ product as u64 ^ x ^ y
}

/// A hash that goes on with bytes; only the last ones of a byte string may be no multiple of 8.
#[inline]
pub(crate) fn mix_bytes(mut state: u64, bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        state = mix(state, u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        state = mix(state, u64::from_le_bytes(last));
    }
    state
}

/// A hash that goes on with an object other than a text or byte string, of which the parts still to come are added to
/// `pending`; nothing when it cannot be a key.
pub(crate) fn mix_object(
    types: &TypeStore,
    header: Header,
    field: impl Fn(usize) -> u64,
    state: u64,
    pending: &mut Vec<u64>,
) -> Option<u64> {
    match header.kind() {
        Kind::BoxInt => Some(mix(state, field(0))),
        Kind::Ref => Some(mix(mix(state, field(0)), field(1))),
        Kind::Some => {
            pending.push(field(0));
            Some(mix(state, 1))
        }
        Kind::Fields if types.may_be_key(header.ty()) => {
            let raw = (header.scan()..header.words()).map(&field);
            pending.extend((0..header.scan()).map(&field));
            Some(raw.fold(mix(state, u64::from(header.ty())), mix))
        }
        Kind::Fields
        | Kind::BoxFloat
        | Kind::Text
        | Kind::Bytes
        | Kind::SharedText
        | Kind::SharedBytes
        | Kind::List
        | Kind::Storage
        | Kind::Map
        | Kind::Set
        | Kind::Array
        | Kind::Closure
        | Kind::Builder => None,
    }
}

impl Cx<'_> {
    /// The hash of a text or byte string that is made in one piece, and its bytes.
    pub(super) fn hash_short(&self, seed: u64, key: u64) -> Option<(u64, usize)> {
        let bytes = self.text_bytes(key).filter(|bytes| bytes.len() <= PIECE_BYTES)?;
        Some((mix_bytes(mix(seed, bytes.len() as u64), bytes), bytes.len()))
    }

    /// Goes on with the hash of a key, which begins with a word; says whether it is made. A value that cannot be a key
    /// traps.
    pub(super) fn hash_on(&mut self, walk: &mut Walk, state: &mut u64, first: Option<u64>) -> Result<bool, Stop> {
        let limit = self.walk_limit();
        let mut next = first.or_else(|| walk.pending.pop());
        while let Some(value) = next {
            if walk.values == KEY_VALUES_MAX {
                return self.trap_with(ErrorKind::BadKey, format!("more than {KEY_VALUES_MAX} values in one key"));
            }
            if self.core.saved.fuel <= limit || !self.hash_step(state, value, walk)? {
                walk.pending.push(value);
                return Ok(false);
            }
            self.count_value(walk);
            next = walk.pending.pop();
        }
        self.end_walk(walk);
        Ok(true)
    }

    /// Goes on with the hash of a text or byte string, from where it is `done`; says whether that is all of it.
    fn hash_bytes(&mut self, state: &mut u64, value: u64, done: &mut usize) -> bool {
        let length = self.bytes(value).len();
        if *done == 0 {
            *state = mix(*state, length as u64);
        }
        loop {
            let piece = *done..length.min(*done + PIECE_BYTES);
            *state = mix_bytes(*state, &self.bytes(value)[piece.clone()]);
            self.charge(piece.len());
            if piece.end == length {
                *done = 0;
                return true;
            }
            *done = piece.end;
            if self.core.saved.fuel <= 0 {
                return false;
            }
        }
    }

    /// Goes on with the hash of one value; says whether all of it is in. What it is made of is put off.
    fn hash_step(&mut self, state: &mut u64, value: u64, walk: &mut Walk) -> Result<bool, Stop> {
        if self.flavour(value).is_some() {
            return Ok(self.hash_bytes(state, value, &mut walk.done));
        }
        if value == NULL || value & TAG_MASK != word::TAG_REFERENCE {
            if value & TAG_MASK == word::TAG_FUNCTION {
                return self.trap_with(ErrorKind::BadKey, "a function is no key".to_owned());
            }
            *state = mix(*state, value);
            return Ok(true);
        }
        let header = self.header(value);
        let hashed = mix_object(&self.core.types, header, |index| self.field(value, index), *state, &mut walk.pending);
        let Some(hashed) = hashed else {
            let name = self.core.types.get(header.ty()).name.clone();
            return self.trap_with(ErrorKind::BadKey, format!("a value of type {name} is no key"));
        };
        *state = hashed;
        Ok(true)
    }
}
