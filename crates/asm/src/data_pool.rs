//! Texts and byte strings of the module being assembled, each kept once and numbered when code first needs it.
//!
//! **Invariant:** the order of the data follows from the code alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fardel_bytecode::module::Data;

const NOT_NEEDED: u32 = u32::MAX;

/// The constants known so far.
#[derive(Default)]
pub(crate) struct DataPool<'a> {
    texts: BTreeMap<Cow<'a, str>, u32>,
    bytes: BTreeMap<Vec<u8>, u32>,
    /// For each constant its final index.
    finals: Vec<u32>,
    needed: u32,
}

impl<'a> DataPool<'a> {
    fn add(finals: &mut Vec<u32>) -> u32 {
        finals.push(NOT_NEEDED);
        finals.len() as u32 - 1
    }

    /// The provisional index of a text.
    pub(crate) fn text(&mut self, text: Cow<'a, str>) -> u32 {
        *self.texts.entry(text).or_insert_with(|| Self::add(&mut self.finals))
    }

    /// The provisional index of a byte string.
    pub(crate) fn bytes(&mut self, bytes: Vec<u8>) -> u32 {
        *self.bytes.entry(bytes).or_insert_with(|| Self::add(&mut self.finals))
    }

    /// The final index of a constant.
    pub(crate) fn need(&mut self, provisional: u32) -> u32 {
        let Some(slot) = self.finals.get_mut(provisional as usize) else { return NOT_NEEDED };
        if *slot == NOT_NEEDED {
            *slot = self.needed;
            self.needed += 1;
        }
        *slot
    }

    /// How many constants are needed.
    pub(crate) fn count(&self) -> usize {
        self.needed as usize
    }

    /// The constants in final order.
    pub(crate) fn finish(self) -> Vec<Data> {
        let texts = self.texts.into_iter().map(|(text, at)| (at, Data::Text(text.into_owned())));
        let bytes = self.bytes.into_iter().map(|(bytes, at)| (at, Data::Bytes(bytes)));
        let place = |at: u32| self.finals.get(at as usize).copied().filter(|at| *at != NOT_NEEDED);
        let mut all: Vec<(u32, Data)> = texts.chain(bytes).filter_map(|(at, data)| Some((place(at)?, data))).collect();
        all.sort_unstable_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, data)| data).collect()
    }
}
