//! Words and headers: how a value of a word type lies in one slot, and how an object of a block begins.
//!
//! The low three bits of a word say what it is. Every word is a valid Any; a slot whose static type is narrower holds
//! the same word.
//!
//! | low bits | what | upper bits |
//! | --- | --- | --- |
//! | 0 | null (the whole word is 0), or a reference | the object's offset in the block, a multiple of 8 |
//! | 1 | an integer of 61 bits | the integer |
//! | 2 | a truth value | 0 or 1 |
//! | 3 | an address | slot (32 bits), generation (29 bits) |
//! | 4 | a function value without captured values | the machine's number of the function |
//! | 5 | a text of some module's data | the machine's number of the constant |
//! | 6 | a variant without fields | the machine's number of the variant's type |
//! | 7 | a byte string of some module's data | the machine's number of the constant |
//!
//! **Invariant:** no word holds an address of the host; what is numbered by the machine (4 to 7) is all that an image
//! has to translate.

use crate::fiber::FiberId;

/// The null word.
pub(crate) const NULL: u64 = 0;
/// The low bits that say what a word is.
pub(crate) const TAG_MASK: u64 = 7;

pub(crate) const TAG_REFERENCE: u64 = 0;
pub(crate) const TAG_INT: u64 = 1;
pub(crate) const TAG_BOOL: u64 = 2;
pub(crate) const TAG_ADDRESS: u64 = 3;
pub(crate) const TAG_FUNCTION: u64 = 4;
pub(crate) const TAG_TEXT: u64 = 5;
pub(crate) const TAG_VARIANT: u64 = 6;
pub(crate) const TAG_BYTES: u64 = 7;

pub(crate) const TRUE: u64 = TAG_BOOL | 8;

/// The word of a small integer, if it fits 61 bits.
#[inline(always)]
pub(crate) fn small_int(value: i64) -> Option<u64> {
    let word = ((value as u64) << 3) | TAG_INT;
    if (word as i64) >> 3 == value { Some(word) } else { None }
}

/// The integer of a small-integer word.
#[inline(always)]
pub(crate) fn int_of(word: u64) -> i64 {
    (word as i64) >> 3
}

#[inline(always)]
pub(crate) fn bool_word(value: bool) -> u64 {
    (u64::from(value) << 3) | TAG_BOOL
}

#[inline(always)]
pub(crate) fn is_reference(word: u64) -> bool {
    // A multiple of 8 that is neither null nor beyond a block; one comparison instead of two.
    word.rotate_right(3).wrapping_sub(1) < 1 << 29
}

pub(crate) fn address_word(fiber: FiberId) -> u64 {
    u64::from(fiber.generation) << 35 | u64::from(fiber.slot) << 3 | TAG_ADDRESS
}

pub(crate) fn address_of(word: u64) -> FiberId {
    FiberId { slot: (word >> 3) as u32, generation: (word >> 35) as u32 }
}

/// An immediate word that carries a machine-wide number.
pub(crate) const fn numbered(tag: u64, number: u32) -> u64 {
    (number as u64) << 3 | tag
}

/// The number in such a word.
#[inline(always)]
pub(crate) const fn number_of(word: u64) -> u32 {
    (word >> 3) as u32
}

/// The kind of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Fields of a tuple, record, object or variant.
    Fields,
    /// An integer of 64 bits: one raw word.
    BoxInt,
    /// A float: one raw word.
    BoxFloat,
    /// A text: its length in bytes, then the bytes, padded with zeros.
    Text,
    /// A byte string, laid out alike.
    Bytes,
    /// A text kept outside of the block: number, start, length.
    SharedText,
    /// A byte string kept outside of the block.
    SharedBytes,
    /// A list: its storage, its length.
    List,
    /// Slots of a list or map, or bytes of a builder.
    Storage,
    /// A map: its keys, its values, its index; entries in use, entries alive.
    Map,
    /// A set: as a map, with null for the values.
    Set,
    /// A numeric array: its length, then its elements, padded with zeros.
    Array,
    /// A function value: captured words, captured raw values, the function's number.
    Closure,
    /// A unique token: the address of the fiber that made it and a number of its own, both raw.
    Ref,
    /// An option around a null or around another such box.
    Some,
    /// A growing text or byte string: its storage, its length in bytes.
    Builder,
}

impl Kind {
    const ALL: [Kind; 16] = [
        Kind::Fields,
        Kind::BoxInt,
        Kind::BoxFloat,
        Kind::Text,
        Kind::Bytes,
        Kind::SharedText,
        Kind::SharedBytes,
        Kind::List,
        Kind::Storage,
        Kind::Map,
        Kind::Set,
        Kind::Array,
        Kind::Closure,
        Kind::Ref,
        Kind::Some,
        Kind::Builder,
    ];
}

/// The first word of an object: what it is, its type, and which of its words the collector looks at.
///
/// From the low end: forward bit (0 in a header), kind (5 bits), scannable words (8 bits; they come first; 255 means
/// all), type (22 bits), words after the header (28 bits). Collecting and copying need nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header(pub(crate) u64);

/// The most words that an object may have.
pub(crate) const OBJECT_WORDS_MAX: usize = (1 << 28) - 1;
/// The most types that one machine may know.
pub(crate) const TYPE_IDS_MAX: u32 = 1 << 22;
const SCAN_ALL: u64 = 255;

impl Header {
    pub(crate) const fn new(kind: Kind, ty: u32, words: usize, scan: usize) -> Header {
        assert!(words <= OBJECT_WORDS_MAX && ty < TYPE_IDS_MAX && scan < SCAN_ALL as usize);
        Header((kind as u64) << 1 | (scan as u64) << 6 | (ty as u64) << 14 | (words as u64) << 36)
    }

    /// A header of an object all of whose words are scannable.
    pub(crate) const fn scanned(kind: Kind, ty: u32, words: usize) -> Header {
        assert!(words <= OBJECT_WORDS_MAX && ty < TYPE_IDS_MAX);
        Header((kind as u64) << 1 | SCAN_ALL << 6 | (ty as u64) << 14 | (words as u64) << 36)
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        Kind::ALL[(self.0 >> 1 & 15) as usize]
    }

    #[inline(always)]
    pub(crate) fn is(self, kind: Kind) -> bool {
        self.0 >> 1 & 31 == kind as u64
    }

    #[inline(always)]
    pub(crate) fn ty(self) -> u32 {
        (self.0 >> 14) as u32 & (TYPE_IDS_MAX - 1)
    }

    /// Words after the header.
    #[inline(always)]
    pub(crate) fn words(self) -> usize {
        (self.0 >> 36) as usize
    }

    /// How many of its words, from the first on, the collector looks at.
    #[inline(always)]
    pub(crate) fn scan(self) -> usize {
        let scan = self.0 >> 6 & 255;
        if scan == SCAN_ALL { self.words() } else { scan as usize }
    }

    /// Whether the collector looks at none of its words.
    #[inline(always)]
    pub(crate) fn is_leaf(self) -> bool {
        self.0 & SCAN_ALL << 6 == 0
    }

    /// Whether it was made as an object all of whose words are scannable.
    #[inline(always)]
    pub(crate) fn is_scanned(self) -> bool {
        self.0 & SCAN_ALL << 6 == SCAN_ALL << 6
    }

    /// Bytes of the object, header included.
    #[inline(always)]
    pub(crate) fn bytes(self) -> usize {
        8 + self.words() * 8
    }

    /// The word that stands in place of the header of an object that moved.
    #[inline(always)]
    pub(crate) fn forward(to: u64) -> u64 {
        to | 1
    }

    /// Where the object went, if this word says so.
    #[inline(always)]
    pub(crate) fn forwarded(word: u64) -> Option<u64> {
        if word & 1 == 1 { Some(word & !1) } else { None }
    }
}

/// Words that hold `bytes` bytes.
pub(crate) const fn words_of(bytes: usize) -> usize {
    bytes.div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_integers_end_at_61_bits() {
        for value in [0, 1, -1, (1 << 60) - 1, -(1 << 60)] {
            assert_eq!(small_int(value).map(int_of), Some(value));
        }
        for value in [1 << 60, -(1 << 60) - 1, i64::MAX, i64::MIN] {
            assert_eq!(small_int(value), None);
        }
    }

    #[test]
    fn an_address_keeps_slot_and_generation() {
        let fiber = FiberId { slot: u32::MAX, generation: (1 << 29) - 1 };
        assert_eq!(address_of(address_word(fiber)), fiber);
    }

    #[test]
    fn a_header_keeps_its_parts() {
        for kind in Kind::ALL {
            let header = Header::new(kind, 12_345, 1_000_000, 254);
            assert_eq!((header.kind(), header.ty(), header.words(), header.scan()), (kind, 12_345, 1_000_000, 254));
            assert!(header.is(kind));
        }
        let all = Header::scanned(Kind::Storage, TYPE_IDS_MAX - 1, OBJECT_WORDS_MAX);
        assert_eq!((all.ty(), all.words(), all.scan()), (TYPE_IDS_MAX - 1, OBJECT_WORDS_MAX, OBJECT_WORDS_MAX));
        assert_eq!(Header::forwarded(all.0), None);
        assert_eq!(Header::forwarded(Header::forward(4096)), Some(4096));
    }
}
