//! Hashing of keys, with a seed a fiber.
//!
//! A 128-bit product of the key and the seed, folded to 64 bits, as the wyhash family of functions does (Wang Yi, 2019).
//! It is the same on every machine.

use super::Cx;
use crate::exit::ErrorKind;
use crate::heap::word::{self, Kind, NULL, TAG_MASK};
use crate::interp::Stop;
use crate::types::{Shape, TypeId};

/// How many values one key may be made of.
const KEY_VALUES_MAX: usize = 1 << 20;

/// Folds two numbers into one.
#[inline]
pub(crate) fn mix(x: u64, y: u64) -> u64 {
    let product = u128::from(x ^ 0xa076_1d64_78bd_642f) * u128::from(y ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
}

/// Of a byte string.
#[inline]
pub(crate) fn bytes(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(seed, bytes.len() as u64);
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

impl Cx<'_> {
    /// The hash of a text or byte string.
    fn hash_bytes(&mut self, seed: u64, value: u64) -> u64 {
        let found = self.bytes(value);
        let (hash, length) = (bytes(seed, found), found.len());
        self.charge(length);
        hash
    }

    /// The hash of a key that is a word; a value that cannot be a key traps.
    pub(crate) fn hash_word(&mut self, seed: u64, key: u64) -> Result<u64, Stop> {
        if self.flavour(key).is_some() {
            return Ok(self.hash_bytes(seed, key));
        }
        let mut state = seed;
        let mut values = 0;
        let mut pending = vec![key];
        while let Some(value) = pending.pop() {
            values += 1;
            if values > KEY_VALUES_MAX {
                return self.trap_with(ErrorKind::BadKey, format!("more than {KEY_VALUES_MAX} values in one key"));
            }
            state = self.hash_step(state, value, &mut pending)?;
        }
        self.charge(values * 16);
        Ok(state)
    }

    /// Whether a tuple, record or variant may be a key as far as its own words go; an object may not.
    fn fields_may_be_key(&self, ty: TypeId) -> bool {
        let is_object = matches!(self.core.types.get(ty).shape, Shape::Object(_));
        !is_object && self.core.types.layout(ty).is_some_and(|layout| !layout.has_float)
    }

    fn hash_step(&mut self, state: u64, value: u64, pending: &mut Vec<u64>) -> Result<u64, Stop> {
        if self.flavour(value).is_some() {
            return Ok(self.hash_bytes(state, value));
        }
        if value == NULL || value & TAG_MASK != word::TAG_REFERENCE {
            if value & TAG_MASK == word::TAG_FUNCTION {
                return self.trap_with(ErrorKind::BadKey, "a function is no key".to_owned());
            }
            return Ok(mix(state, value));
        }
        let header = self.header(value);
        match header.kind() {
            Kind::BoxInt => Ok(mix(state, self.field(value, 0))),
            Kind::Ref => Ok(mix(mix(state, self.field(value, 0)), self.field(value, 1))),
            Kind::Some => {
                pending.push(self.field(value, 0));
                Ok(mix(state, 1))
            }
            Kind::Fields if self.fields_may_be_key(header.ty()) => {
                let mut state = mix(state, u64::from(header.ty()));
                for index in header.scan()..header.words() {
                    state = mix(state, self.field(value, index));
                }
                pending.extend((0..header.scan()).map(|index| self.field(value, index)));
                Ok(state)
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
            | Kind::Builder => {
                let name = self.core.types.get(header.ty()).name.clone();
                self.trap_with(ErrorKind::BadKey, format!("a value of type {name} is no key"))
            }
        }
    }
}
