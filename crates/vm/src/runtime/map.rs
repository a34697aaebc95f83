//! Maps and sets: entries in the order of insertion, found by an open hash table of their positions.
//!
//! Words of a map: keys, values, index; entries in use (removed ones included), entries alive. The index is one raw
//! object: as many hashes (u32) as there is room for entries, then the table (u32), where 0 is free and n stands for
//! entry n - 1. The hash of a removed entry is 0; its place in the table stays and is passed over. Behind the table stands
//! the seed of the hashes (u64), so that they hold in whatever fiber a copy of the map comes to.

use super::Cx;
use super::bulk::{Bulk, SLOW_PIECE_BYTES, Search, State, Walk};
use crate::exit::ErrorKind;
use crate::heap::word::{self, Header, Kind, NULL, OBJECT_WORDS_MAX};
use crate::interp::Stop;
use crate::types::{Shape, TypeId};
use fardel_bytecode::types::Repr;
use std::ops::Range;

const KEYS: usize = 0;
const VALUES: usize = 1;
const INDEX: usize = 2;
const USED: usize = 3;
const LIVE: usize = 4;
const WORDS: usize = 5;
const SCAN: usize = 3;
/// Places of the first table; three quarters of them can be used.
const FIRST_TABLE: usize = 8;

/// A map's parts, read once an operation.
#[derive(Clone, Copy)]
struct Parts {
    map: u64,
    keys: u64,
    values: u64,
    index: u64,
    used: usize,
    capacity: usize,
}

impl Parts {
    /// Places of the table.
    fn table(&self) -> usize {
        self.capacity / 3 * 4
    }

    /// The word of the index that holds the seed.
    fn seed_word(&self) -> usize {
        (self.capacity + self.table()) / 2
    }
}

/// What came of looking up a key.
struct Found {
    hash: u32,
    /// The key's entry, if it is there.
    entry: Option<usize>,
    /// What was done before the operation was put off, if it was.
    bulk: Option<Box<Bulk>>,
}

/// The part of a range of bytes that covers the words, not the header, of an object that starts at one of them.
fn part_of(start: usize, header: Header, range: &Range<usize>) -> Range<usize> {
    let from = range.start.max(start + 8);
    from..range.end.min(start + header.bytes()).max(from)
}

impl Cx<'_> {
    fn map_parts(&self, map: u64) -> Parts {
        let keys = self.field(map, KEYS);
        Parts {
            map,
            keys,
            values: self.field(map, VALUES),
            index: self.field(map, INDEX),
            used: self.field(map, USED) as usize,
            capacity: if keys == NULL { 0 } else { self.header(keys).words() },
        }
    }

    /// The types of a map's keys and values; a set has no values.
    fn map_types(&self, map: u64) -> (TypeId, Option<TypeId>) {
        self.core.types.entry_types(self.header(map).ty())
    }

    fn u32_at(&self, object: u64, index: usize) -> u32 {
        let word = self.block().load(object as usize + 8 + index / 2 * 8);
        (word >> (index % 2 * 32)) as u32
    }

    fn set_u32_at(&mut self, object: u64, index: usize, value: u32) {
        let place = object as usize + 8 + index / 2 * 8;
        let shift = index % 2 * 32;
        let word = self.block().load(place) & !(0xffff_ffff << shift) | u64::from(value) << shift;
        self.block().store(place, word);
    }

    fn hash_of(&mut self, parts: &Parts, entry: usize) -> u32 {
        self.u32_at(parts.index, entry)
    }

    /// The seed of a map's hashes: its own, or the fiber's while it has none.
    fn map_seed(&self, parts: &Parts) -> u64 {
        if parts.index == NULL { self.core.seed_of(self.core.current) } else { self.field(parts.index, parts.seed_word()) }
    }

    /// Looks up a key, and gives what came of it with the map's parts.
    fn lookup(&mut self, map: u64, key: u64) -> Result<(Parts, Found), Stop> {
        let parts = self.map_parts(map);
        let repr = self.core.types.get(self.map_types(map).0).repr;
        let seed = self.map_seed(&parts);
        let short = if repr == Repr::Word { self.hash_short(seed, key) } else { Some((super::hash::mix(seed, key), 0)) };
        // A full map may be in the middle of its growth, behind the search.
        if (short.is_none() || parts.used == parts.capacity)
            && let Some(bulk) = self.taken_up()
        {
            return self.look_on(parts, key, bulk);
        }
        let mut search = Search { state: seed, ..Search::default() };
        let is_over = if let Some((hash, bytes)) = short {
            self.charge(bytes);
            search.start(hash);
            self.find_entry(&parts, repr, key, &mut search)?
        } else {
            self.hash_on(&mut search.walk, &mut search.state, Some(key))? && self.find_hashed(&parts, key, &mut search)?
        };
        if is_over {
            return Ok((parts, Found { hash: search.hash, entry: search.entry, bulk: None }));
        }
        self.put_off(Bulk { state: State::Search(Box::new(search)), ..Bulk::default() }, Stop::Preempted)
    }

    /// Goes on with looking up a key that is a word.
    fn look_on(&mut self, parts: Parts, key: u64, mut bulk: Box<Bulk>) -> Result<(Parts, Found), Stop> {
        let State::Search(search) = &mut bulk.state else { unreachable!("what a look-up puts off is a search") };
        let is_over = search.is_over
            || if search.hash == 0 {
                self.hash_on(&mut search.walk, &mut search.state, None)? && self.find_hashed(&parts, key, search)?
            } else {
                self.find_entry(&parts, Repr::Word, key, search)?
            };
        search.is_over = is_over;
        let (hash, entry) = (search.hash, search.entry);
        if is_over { Ok((parts, Found { hash, entry, bulk: Some(bulk) })) } else { self.put_off(*bulk, Stop::Preempted) }
    }

    /// Searches for the entry of a key whose hash is made now.
    fn find_hashed(&mut self, parts: &Parts, key: u64, search: &mut Search) -> Result<bool, Stop> {
        search.walk = Walk::default();
        search.start(search.state);
        self.find_entry(parts, Repr::Word, key, search)
    }

    /// Goes on with the search for the entry of a key; says whether it is over.
    fn find_entry(&mut self, parts: &Parts, repr: Repr, key: u64, search: &mut Search) -> Result<bool, Stop> {
        if parts.capacity == 0 {
            return Ok(true);
        }
        let mask = parts.table() - 1;
        loop {
            let entry = self.u32_at(parts.index, parts.capacity + (search.place & mask));
            if entry == 0 {
                return Ok(true);
            }
            let entry = entry as usize - 1;
            if self.hash_of(parts, entry) == search.hash {
                let known = self.block().load(parts.keys as usize + 8 + entry * 8);
                let mut is_equal = known == key;
                if !is_equal && repr == Repr::Word {
                    let first = if search.walk.pending.is_empty() { Some((known, key)) } else { None };
                    let Some(answer) = self.equal_on(&mut search.walk, first)? else { return Ok(false) };
                    search.walk = Walk::default();
                    is_equal = answer;
                }
                if is_equal {
                    search.entry = Some(entry);
                    return Ok(true);
                }
            }
            search.place += 1;
        }
    }

    /// Makes room for one more entry in a full map, without changing what the program sees. Removed entries are left out.
    fn grow_map(&mut self, parts: &Parts, found: Found) -> Result<(), Stop> {
        let live = self.field(parts.map, LIVE) as usize;
        let mut table = parts.table().max(FIRST_TABLE);
        while table / 4 * 3 < live + live / 2 + 1 {
            table *= 2;
        }
        let capacity = table / 4 * 3;
        if capacity + table > OBJECT_WORDS_MAX {
            return self.trap_with(ErrorKind::OutOfRange, format!("a map of {live} entries"));
        }
        let (key, value) = self.map_types(parts.map);
        let keys_header = self.storage_header(key, capacity);
        let values_header = value.map(|value| self.storage_header(value, capacity));
        let index_header = Header::new(Kind::Storage, 0, (capacity + table) / 2 + 1, 0);
        let bytes = keys_header.bytes() + index_header.bytes() + values_header.map_or(0, Header::bytes);
        let is_under_way = found.bulk.as_ref().is_some_and(|bulk| bulk.object != NULL);
        let mut bulk = if is_under_way {
            found.bulk.map_or_else(Bulk::default, |bulk| *bulk)
        } else {
            let room = self.reserve(bytes);
            self.or_keep(room, found.bulk)?;
            // When it goes on, the search must not be charged again.
            let search = Search { hash: found.hash, is_over: true, ..Search::default() };
            Bulk { state: State::Search(Box::new(search)), ..Bulk::default() }
        };
        let keys = self.bulk_object(&mut bulk, |cx| {
            let keys = cx.add_object(keys_header);
            values_header.map(|header| cx.add_object(header));
            cx.add_object(index_header);
            Ok(keys)
        })?;
        // They lie one behind the other.
        let behind_keys = keys + keys_header.bytes() as u64;
        let values = if values_header.is_some() { behind_keys } else { NULL };
        let index = behind_keys + values_header.map_or(0, Header::bytes) as u64;
        let grown = Parts { map: parts.map, keys, values, index, used: live, capacity };
        // An entry takes about as long as a hundred zeros: most of the charge goes with entries.
        let zeros = bytes / 4;
        self.in_pieces_of(SLOW_PIECE_BYTES, bulk, bytes, |cx, bulk, piece| {
            let zeroed = |done: usize| if done < zeros { done * 4 } else { bytes };
            cx.zero_behind(keys, &grown, zeroed(piece.start)..zeroed(piece.end));
            let moved = |done: usize| done.saturating_sub(zeros) * parts.used / (bytes - zeros);
            cx.move_entries(parts, &grown, moved(piece.start)..moved(piece.end), &mut bulk.mark);
            true
        })?;
        let seed = self.map_seed(parts);
        self.set_field(index, grown.seed_word(), seed);
        self.set_field(parts.map, KEYS, keys);
        self.set_field(parts.map, VALUES, values);
        self.set_field(parts.map, INDEX, index);
        self.set_field(parts.map, USED, live as u64);
        Ok(())
    }

    /// Zeroes a part of what lies from a map's keys on, but for the headers.
    fn zero_behind(&mut self, start: u64, parts: &Parts, range: Range<usize>) {
        for object in [parts.keys, parts.values, parts.index] {
            if object != NULL {
                let part = part_of((object - start) as usize, self.header(object), &range);
                self.block().fill_zero(start as usize + part.start, part.len());
            }
        }
    }

    /// Moves those of some entries that are alive behind what was `made` of a grown map.
    fn move_entries(&mut self, parts: &Parts, grown: &Parts, entries: Range<usize>, made: &mut u64) {
        let mut to = *made as usize;
        for entry in entries {
            let hash = self.hash_of(parts, entry);
            if hash != 0 {
                let (from, into) = (8 + entry * 8, 8 + to * 8);
                let block = self.block();
                block.store(grown.keys as usize + into, block.load(parts.keys as usize + from));
                if grown.values != NULL {
                    block.store(grown.values as usize + into, block.load(parts.values as usize + from));
                }
                self.link_entry(grown, to, hash);
                to += 1;
            }
        }
        *made = to as u64;
    }

    fn link_entry(&mut self, parts: &Parts, entry: usize, hash: u32) {
        self.set_u32_at(parts.index, entry, hash);
        let mask = parts.table() - 1;
        let mut place = hash as usize & mask;
        while self.u32_at(parts.index, parts.capacity + place) != 0 {
            place = (place + 1) & mask;
        }
        self.set_u32_at(parts.index, parts.capacity + place, entry as u32 + 1);
    }

    /// Finds a key's entry, or makes it with a value; and whether it was there.
    fn insert(&mut self, map: u64, key: u64, value: u64) -> Result<(usize, bool), Stop> {
        let (parts, found) = self.lookup(map, key)?;
        if let Some(entry) = found.entry {
            return Ok((entry, true));
        }
        let hash = found.hash;
        if parts.used == parts.capacity {
            self.grow_map(&parts, found)?;
        }
        let parts = self.map_parts(map);
        let entry = parts.used;
        self.block().store(parts.keys as usize + 8 + entry * 8, key);
        if parts.values != NULL {
            self.block().store(parts.values as usize + 8 + entry * 8, value);
        }
        self.link_entry(&parts, entry, hash);
        self.set_field(map, USED, entry as u64 + 1);
        let live = self.field(map, LIVE);
        self.set_field(map, LIVE, live + 1);
        Ok((entry, false))
    }

    fn value_of(&self, parts: &Parts, entry: usize) -> u64 {
        self.block().load(parts.values as usize + 8 + entry * 8)
    }

    /// The position of a live entry.
    fn live_entry(&mut self, map: u64, position: u64) -> Result<(Parts, usize), Stop> {
        let parts = self.map_parts(map);
        match usize::try_from(position as i64) {
            Ok(entry) if entry < parts.used && self.hash_of(&parts, entry) != 0 => Ok((parts, entry)),
            _ => self.trap_with(ErrorKind::OutOfRange, format!("no entry at position {}", position as i64)),
        }
    }
}

/// `a` := an empty map or set of the type in the extension.
pub(crate) fn map_new(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let ty = cx.extra as TypeId;
    let kind = if matches!(cx.core.types.get(ty).shape, Shape::Set(_)) { Kind::Set } else { Kind::Map };
    let header = Header::new(kind, ty, WORDS, SCAN);
    cx.reserve(header.bytes())?;
    let map = cx.add_zeroed(header);
    cx.set_a(map);
    Ok(())
}

/// `a` := the value of key `c` in the map `b`.
pub(crate) fn map_get(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (parts, found) = cx.lookup(cx.b(), cx.c())?;
    let Some(entry) = found.entry else { return cx.trap(ErrorKind::NoKey) };
    let value = cx.value_of(&parts, entry);
    cx.set_a(value);
    Ok(())
}

/// The value of key `b` in the map `a` := `c`.
pub(crate) fn map_set(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (map, key, value) = (cx.a(), cx.b(), cx.c());
    let (entry, was_there) = cx.insert(map, key, value)?;
    if was_there {
        let values = cx.field(map, VALUES);
        cx.set_field(values, entry, value);
    }
    Ok(())
}

/// How `map_find` makes an option of a value, by the number in the extension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrap {
    /// The word itself.
    Same,
    /// A word that may be null, in a box where it is.
    Nested,
    Int,
    Float,
    Bool,
}

impl Wrap {
    pub(crate) const ALL: [Wrap; 5] = [Wrap::Same, Wrap::Nested, Wrap::Int, Wrap::Float, Wrap::Bool];
}

/// `a` := the value of key `c` in the map `b` as an option.
pub(crate) fn map_find(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (parts, found) = cx.lookup(cx.b(), cx.c())?;
    let option = match found.entry.map(|entry| cx.value_of(&parts, entry)) {
        None => Ok(NULL),
        Some(value) => match Wrap::ALL[cx.extra as usize % Wrap::ALL.len()] {
            Wrap::Same => Ok(value),
            Wrap::Nested => cx.some_word(value),
            Wrap::Int => cx.int_word(value as i64),
            Wrap::Float => cx.float_word(f64::from_bits(value)),
            Wrap::Bool => Ok(word::bool_word(value != 0)),
        },
    };
    let option = cx.or_keep(option, found.bulk)?;
    cx.set_a(option);
    Ok(())
}

/// `a` := the value of key `c` in the map `b`, or `d`.
pub(crate) fn map_get_or(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (parts, found) = cx.lookup(cx.b(), cx.c())?;
    let value = found.entry.map_or_else(|| cx.d(), |entry| cx.value_of(&parts, entry));
    cx.set_a(value);
    Ok(())
}

/// `a` := whether the map or set `b` has the key `c`.
pub(crate) fn map_has(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (_, found) = cx.lookup(cx.b(), cx.c())?;
    cx.set_a(u64::from(found.entry.is_some()));
    Ok(())
}

/// `a` := whether the map or set `b` had the key `c`, which is removed.
pub(crate) fn map_remove(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let map = cx.b();
    let (parts, found) = cx.lookup(map, cx.c())?;
    if let Some(entry) = found.entry {
        cx.set_u32_at(parts.index, entry, 0);
        cx.set_field(parts.keys, entry, NULL);
        if parts.values != NULL {
            cx.set_field(parts.values, entry, NULL);
        }
        let live = cx.field(parts.map, LIVE);
        cx.set_field(map, LIVE, live - 1);
    }
    cx.set_a(u64::from(found.entry.is_some()));
    Ok(())
}

/// `a` := the position of key `c` in the map `b`, where it is put with the value `d` if it was absent.
pub(crate) fn map_slot(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (entry, _) = cx.insert(cx.b(), cx.c(), cx.d())?;
    cx.set_a(entry as u64);
    Ok(())
}

/// `a` := the position of the first entry of `b` from `c` on, or -1.
pub(crate) fn map_next(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let parts = cx.map_parts(cx.b());
    let Ok(from) = usize::try_from(cx.c() as i64) else {
        return cx.trap_with(ErrorKind::OutOfRange, format!("position {}", cx.c() as i64));
    };
    let next = (from..parts.used).find(|entry| cx.u32_at(parts.index, *entry) != 0);
    cx.charge(next.unwrap_or(parts.used).saturating_sub(from) * 4);
    cx.set_a(next.map_or(-1, |entry| entry as i64) as u64);
    Ok(())
}

/// `a` := the key of the entry of `b` at `c`.
pub(crate) fn map_key_at(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (parts, entry) = cx.live_entry(cx.b(), cx.c())?;
    let key = cx.field(parts.keys, entry);
    cx.set_a(key);
    Ok(())
}

/// `a` := the value of the entry of `b` at `c`.
pub(crate) fn map_value_at(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (parts, entry) = cx.live_entry(cx.b(), cx.c())?;
    let value = cx.value_of(&parts, entry);
    cx.set_a(value);
    Ok(())
}

/// The value of the entry of `a` at `b` := `c`.
pub(crate) fn map_set_at(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (parts, entry) = cx.live_entry(cx.a(), cx.b())?;
    let value = cx.c();
    cx.set_field(parts.values, entry, value);
    Ok(())
}

/// `a` := whether the key `c` was new to the set `b`, to which it is added.
pub(crate) fn set_add(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let (_, was_there) = cx.insert(cx.b(), cx.c(), NULL)?;
    cx.set_a(u64::from(!was_there));
    Ok(())
}

/// `a` := a copy of the map or set `b`.
pub(crate) fn map_copy(cx: &mut Cx<'_>) -> Result<(), Stop> {
    let map = cx.b();
    let parts = [KEYS, VALUES, INDEX].map(|part| cx.field(map, part));
    let sizes = parts.map(|part| if part == NULL { 0 } else { cx.header(part).bytes() });
    let header = cx.header(map);
    let bytes = header.bytes() + sizes.iter().sum::<usize>();
    let mut bulk = cx.resume();
    let copy = cx.bulk_object(&mut bulk, |cx| {
        cx.reserve(bytes)?;
        let copy = cx.add_object(header);
        for part in parts.into_iter().filter(|part| *part != NULL) {
            cx.add_object(cx.header(part));
        }
        Ok(copy)
    })?;
    // The copies lie one behind the other, the map's own object first.
    let objects = [(map, header.bytes()), (parts[0], sizes[0]), (parts[1], sizes[1]), (parts[2], sizes[2])];
    cx.in_pieces(bulk, bytes, |cx, _, piece| {
        let mut at = 0;
        for (object, size) in objects {
            if object != NULL {
                let part = part_of(at, cx.header(object), &piece);
                cx.block().copy_within(object as usize + part.start - at, copy as usize + part.start, part.len());
                at += size;
            }
        }
    })?;
    let mut at = copy + header.bytes() as u64;
    for (index, size) in [KEYS, VALUES, INDEX].into_iter().zip(sizes) {
        if size > 0 {
            cx.set_field(copy, index, at);
            at += size as u64;
        }
    }
    cx.set_a(copy);
    Ok(())
}
