//! What every section is read with: numbers, names, indices and lists, each with its place for the message.
//!
//! **Invariant:** no memory is taken for a count before the count is within its limit and the bytes at hand can hold it.

use super::error::{FormatError, Problem};
use crate::index::TypeIndex;
use crate::leb::{ReadError, Reader};
use crate::limits::NAME_BYTES_MAX;

/// The error is boxed so that the way without one stays short.
pub(super) type Result<T> = std::result::Result<T, Box<FormatError>>;

/// How much memory an item of a list may take for each of its least bytes. A few short lists of keys come on top.
const MEMORY_PER_BYTE: usize = 40;

/// Whether an item of at least `least` bytes is small enough in memory, so that no module takes much more memory than
/// it has bytes.
pub(super) const fn is_small<T>(least: usize) -> bool {
    size_of::<T>() <= MEMORY_PER_BYTE * least
}

/// What a list counts, and how many there may be.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) unit: &'static str,
    pub(super) max: usize,
}

impl Limit {
    pub(super) const fn new(unit: &'static str, max: usize) -> Self {
        Limit { unit, max }
    }

    /// No limit but that of the bytes at hand.
    pub(super) const fn none(unit: &'static str) -> Self {
        Limit { unit, max: usize::MAX }
    }
}

/// A reader over one part of a module that knows where in the module it stands.
pub(super) struct Cursor<'a> {
    reader: Reader<'a>,
    bytes: &'a [u8],
    base: usize,
    /// Built-in and declared types, for the check of indices.
    pub(super) type_count: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first of `bytes`, which is the module's byte `base`.
    pub(super) fn new(bytes: &'a [u8], base: usize, type_count: usize) -> Self {
        Cursor { reader: Reader::new(bytes), bytes, base, type_count }
    }

    /// Where the cursor stands, in bytes from the module's start.
    pub(super) fn offset(&self) -> usize {
        self.base + self.reader.position()
    }

    pub(super) fn remaining(&self) -> usize {
        self.reader.remaining()
    }

    /// What was read since the cursor stood at `offset`.
    pub(super) fn since(&self, offset: usize) -> &'a [u8] {
        self.bytes.get(offset - self.base..self.reader.position()).unwrap_or_default()
    }

    pub(super) fn byte(&mut self, item: &str) -> Result<u8> {
        let offset = self.offset();
        self.reader.byte().map_err(|error| FormatError::new(offset, item, Problem::Bytes(error)))
    }

    pub(super) fn take(&mut self, count: usize, item: &str) -> Result<&'a [u8]> {
        let (offset, left) = (self.offset(), self.remaining());
        self.reader.take(count).map_err(|_| FormatError::new(offset, item, Problem::Short { wanted: count, left }))
    }

    pub(super) fn array<const N: usize>(&mut self, item: &str) -> Result<[u8; N]> {
        let offset = self.offset();
        let taken = self.take(N, item)?;
        taken.try_into().map_err(|_| FormatError::new(offset, item, Problem::Bytes(ReadError::Truncated)))
    }

    pub(super) fn number(&mut self, item: &str) -> Result<u32> {
        let offset = self.offset();
        self.reader.u32().map_err(|error| FormatError::new(offset, item, Problem::Bytes(error)))
    }

    pub(super) fn signed(&mut self, item: &str) -> Result<i64> {
        let offset = self.offset();
        self.reader.i64().map_err(|error| FormatError::new(offset, item, Problem::Bytes(error)))
    }

    /// A count of bytes within a limit, and these.
    pub(super) fn counted_bytes(&mut self, item: &str, limit: Limit) -> Result<&'a [u8]> {
        let offset = self.offset();
        let count = self.number(item)? as usize;
        if count > limit.max {
            return Err(FormatError::new(offset, item, Problem::Limit { unit: limit.unit, seen: count, max: limit.max }));
        }
        self.take(count, item)
    }

    pub(super) fn text(&mut self, item: &str) -> Result<&'a str> {
        let bytes = self.counted_bytes(item, Limit::none("bytes"))?;
        self.utf8(bytes, item)
    }

    pub(super) fn name(&mut self, item: &str) -> Result<&'a str> {
        let offset = self.offset();
        let count = self.number(item)? as usize;
        if count > NAME_BYTES_MAX {
            return Err(FormatError::new(offset, item, Problem::NameLength(count)));
        }
        let bytes = self.take(count, item)?;
        self.utf8(bytes, item)
    }

    fn utf8(&self, bytes: &'a [u8], item: &str) -> Result<&'a str> {
        std::str::from_utf8(bytes).map_err(|error| {
            let start = self.offset() - bytes.len();
            FormatError::new(start, item, Problem::Utf8(error.valid_up_to()))
        })
    }

    /// An index into a space of `count` things.
    pub(super) fn index(&mut self, item: &str, space: &'static str, count: usize) -> Result<u32> {
        let offset = self.offset();
        let seen = self.number(item)?;
        if seen as usize >= count {
            return Err(FormatError::new(offset, item, Problem::Index { space, seen, count }));
        }
        Ok(seen)
    }

    pub(super) fn type_index(&mut self, item: &str) -> Result<TypeIndex> {
        self.index(item, "type", self.type_count).map(TypeIndex)
    }

    /// Zero, or one more than the index.
    pub(super) fn result(&mut self) -> Result<Option<TypeIndex>> {
        let offset = self.offset();
        match self.number("result")?.checked_sub(1) {
            None => Ok(None),
            Some(seen) if (seen as usize) < self.type_count => Ok(Some(TypeIndex(seen))),
            Some(seen) => {
                let problem = Problem::Index { space: "type", seen, count: self.type_count };
                Err(FormatError::new(offset, "result", problem))
            }
        }
    }

    pub(super) fn type_list(&mut self, item: &'static str, limit: Limit) -> Result<Vec<TypeIndex>> {
        self.list(item, limit, 1, |cursor, _| cursor.type_index(""))
    }

    /// A count within a limit, and that many items of at least `least` bytes each.
    pub(super) fn list<T>(
        &mut self,
        item: &'static str,
        limit: Limit,
        least: usize,
        read: impl FnMut(&mut Self, usize) -> Result<T>,
    ) -> Result<Vec<T>> {
        let offset = self.offset();
        let count = self.number(item)? as usize;
        self.items(item, offset, count, limit, least, read)
    }

    /// The items of a list whose count is read.
    pub(super) fn items<T>(
        &mut self,
        item: &'static str,
        offset: usize,
        count: usize,
        limit: Limit,
        least: usize,
        mut read: impl FnMut(&mut Self, usize) -> Result<T>,
    ) -> Result<Vec<T>> {
        if count > limit.max {
            return Err(FormatError::new(offset, item, Problem::Limit { unit: limit.unit, seen: count, max: limit.max }));
        }
        let needed = count.saturating_mul(least);
        if needed > self.remaining() {
            return Err(FormatError::new(offset, item, Problem::Count { seen: count, needed, left: self.remaining() }));
        }
        let mut items = Vec::with_capacity(count);
        for at in 0..count {
            items.push(read(self, at).map_err(|error| error.inside(&format!("{item}[{at}]")))?);
        }
        Ok(items)
    }
}

/// Something that a list may have once, with where it stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) offset: usize,
}

/// The first key that repeats one before it, and the position of that one.
///
/// By sorting: no choice of keys makes it slower than that, and none makes the answer differ.
pub(super) fn first_repeated<'a>(mut keys: Vec<Key<'a>>) -> Option<(Key<'a>, usize)> {
    keys.sort_unstable();
    keys.windows(2)
        .filter_map(|pair| match pair {
            [first, second] if first.bytes == second.bytes => Some((*second, first.at)),
            [..] => None,
        })
        .min_by_key(|(second, _)| second.at)
}

/// Fails where `list` has a key twice. `part` is the part of the item that the key is, as `.name`.
pub(super) fn check_unique(list: &str, part: &str, keys: Vec<Key<'_>>) -> Result<()> {
    match first_repeated(keys) {
        None => Ok(()),
        Some((key, first)) => {
            let item = format!("{list}[{}]{part}", key.at);
            Err(FormatError::new(key.offset, &item, Problem::Repeated(first)))
        }
    }
}
