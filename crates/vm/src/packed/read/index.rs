//! The index of a map that is read: hashes belong to one machine, so they do not travel.

use super::{Reader, Unreadable};
use crate::heap::word::{self, Header, Kind, TAG_MASK, is_reference, words_of};
use crate::runtime::hash::{KEY_VALUES_MAX, mix, mix_bytes, mix_object};
use crate::types::TypeId;
use fardel_bytecode::types::Repr;
use std::borrow::Cow;

/// Places of the smallest table of a map; three quarters of them can be used.
const FIRST_TABLE: usize = 8;

impl Reader<'_> {
    /// Makes the index of a map whose keys are there. The hashes are of this machine.
    pub(super) fn index(&mut self, map: u64, keys: u64, key: TypeId, count: usize) -> Result<(), Unreadable> {
        let capacity = self.header(keys).words();
        let table = capacity / 3 * 4;
        self.ask_for((capacity + table) * 4 + count * size_of::<(u64, u64)>())?;
        let seed = self.core.seed_of_outside();
        let mut index = vec![0_u64; (capacity + table) / 2 + 1];
        let is_word = self.core.types.repr(key) == Repr::Word;
        let get = |index: &[u64], at: usize| (index[at / 2] >> (at % 2 * 32)) as u32;
        let put = |index: &mut [u64], at: usize, value: u32| index[at / 2] |= u64::from(value) << (at % 2 * 32);
        let mut exacts = Vec::with_capacity(count);
        for entry in 0..count {
            let word = self.field(keys, entry);
            let (hash, exact) = if is_word { self.hash(seed, word)? } else { (mix(seed, word), word) };
            let upper = (hash >> 32) as u32 | 1;
            put(&mut index, entry, upper);
            let mut place = upper as usize & (table - 1);
            loop {
                let other = get(&index, capacity + place);
                if other == 0 {
                    break;
                }
                // Two keys that have these in common are one key, but for one pair in 2^64.
                if exacts.get(other as usize - 1) == Some(&(hash, exact)) {
                    return Err(self.unreadable("a key that comes twice"));
                }
                place = (place + 1) & (table - 1);
            }
            put(&mut index, capacity + place, entry as u32 + 1);
            exacts.push((hash, exact));
        }
        if let Some(last) = index.last_mut() {
            *last = seed;
        }
        let index = self.fragment.push(Header::new(Kind::Storage, 0, index.len(), 0), &index);
        self.fragment.set(map, 2, index);
        self.fragment.set(map, 3, count as u64);
        self.fragment.set(map, 4, count as u64);
        Ok(())
    }

    /// The hash of a key, as the machine makes it for one in a block; and one that tells texts from byte strings as well.
    fn hash(&mut self, seed: u64, key: u64) -> Result<(u64, u64), Unreadable> {
        let (mut state, mut exact) = (seed, 0);
        let mut pending = vec![key];
        while let Some(value) = pending.pop() {
            // What many keys share takes its time for each of them, and a key may be endless.
            self.hashed += 1;
            if self.hashed > KEY_VALUES_MAX + self.packed.bytes.len() {
                return Err(self.unreadable("keys that take too long"));
            }
            if !is_reference(value) {
                if value & TAG_MASK == word::TAG_TEXT || value & TAG_MASK == word::TAG_BYTES {
                    return Err(self.unreadable("a key that cannot be one"));
                }
                state = mix(state, value);
                continue;
            }
            let header = self.header(value);
            let is_text = header.is(Kind::Text) || header.is(Kind::SharedText);
            exact = mix(exact, u64::from(is_text));
            if is_text || header.is(Kind::Bytes) || header.is(Kind::SharedBytes) {
                let bytes = self.text_of(value);
                state = mix_bytes(mix(state, bytes.len() as u64), &bytes);
                self.hashed += bytes.len() / 8;
                continue;
            }
            let field = |index: usize| self.field(value, index);
            let hashed = mix_object(&self.core.types, header, field, state, &mut pending);
            state = hashed.ok_or_else(|| self.unreadable("a key that cannot be one"))?;
        }
        Ok((state, exact))
    }

    /// The bytes of a text or byte string of the fragment.
    fn text_of(&self, object: u64) -> Cow<'_, [u8]> {
        let first = self.field(object, 0);
        if self.header(object).is(Kind::SharedText) || self.header(object).is(Kind::SharedBytes) {
            return Cow::Borrowed(self.core.shared.get(first as u32));
        }
        let words = &self.fragment.words()[object as usize / 8 + 2..][..words_of(first as usize)];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(first as usize);
        Cow::Owned(bytes)
    }
}

/// Entries for which a table is made that holds so many.
pub(super) fn capacity_for(count: usize) -> usize {
    let mut table = FIRST_TABLE;
    while table / 4 * 3 < count {
        table *= 2;
    }
    table / 4 * 3
}
