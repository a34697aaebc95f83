//! Types that values name by number: each node has numbers of its own for them, and tells of a set of types before the
//! first value of one of them in a session.
//!
//! **Invariant:** a value comes to the machine with the machine's own numbers.

use crate::limits::{LEARNED_TYPES_MAX, PEER_TYPES_MAX, TYPES_BYTES_MAX};
use crate::router::{Home, Router};
use fardel_bytecode::format;
use fardel_bytecode::module::{Module, ModuleHash};
use fardel_bytecode::types::{FIRST_DECLARED, Type};
use fardel_bytecode::verify::verify;
use fardel_vm::packed::{Packed, TypeNumber};
use fardel_wire::frame::Message;
use fardel_wire::id::NodeId;
use fardel_wire::limits::CODE_CHUNK_BYTES_MAX;
use fardel_wire::packed::Values;
use fardel_wire::peers::Peers;
use fardel_wire::value::AddressError;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What nodes were told and have told of types.
#[derive(Default, Debug)]
pub(crate) struct Types {
    /// The sets of which a node was told in its session.
    told: BTreeMap<NodeId, BTreeSet<u32>>,
    peers: BTreeMap<NodeId, PeerTypes>,
    /// Sets that came from others, and how many types these are.
    learned: BTreeSet<ModuleHash>,
    learned_count: usize,
}

/// What a node has told of its types in this session.
#[derive(Default, Debug)]
struct PeerTypes {
    /// By its numbers, without variants: the numbers here, and how many variants follow.
    known: BTreeMap<u32, (TypeNumber, u32)>,
    /// How many types and variants these are.
    count: usize,
    /// The pieces of a set that have come.
    bytes: Vec<u8>,
    next_chunk: u32,
}

impl PeerTypes {
    /// The number here of a type that the node has another number for.
    fn here(&self, number: u32) -> Option<TypeNumber> {
        if number < FIRST_DECLARED {
            return Some(TypeNumber(number));
        }
        let (first, (here, variants)) = self.known.range(..=number).next_back()?;
        let after = number - first;
        (after <= *variants).then_some(TypeNumber(here.0 + after))
    }
}

/// Why what a peer tells of types has no effect.
#[derive(Debug)]
pub(crate) struct BadTypes;

/// Why a value that came cannot be one here.
pub(crate) enum BadValue {
    /// Its bytes are none, or it names a type of which the peer has not told.
    Malformed,
    /// An address in it is not taken.
    Address(AddressError),
}

impl Types {
    /// The session with a node has ended: in the next one all is told again.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.told.remove(&node);
        self.peers.remove(&node);
    }
}

impl Router {
    /// Tells a node what types mean, those of which it was not told.
    pub(crate) fn tell_types(
        &mut self,
        now: u64,
        node: NodeId,
        types: &[TypeNumber],
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        for ty in types.iter().filter(|ty| ty.0 >= FIRST_DECLARED) {
            let set = home.machine().types_with(*ty);
            if !self.types.told.entry(node).or_default().insert(set) {
                continue;
            }
            let Some((table, numbers)) = home.machine().types_known(set) else { continue };
            let mut bytes = Vec::new();
            bytes.extend((numbers.len() as u32).to_le_bytes());
            numbers.iter().for_each(|number| bytes.extend(number.0.to_le_bytes()));
            bytes.extend(format::encode(&Module { types: table.clone(), ..Module::default() }));
            let chunks = bytes.len().div_ceil(CODE_CHUNK_BYTES_MAX) as u32;
            for (chunk, part) in (0..chunks).zip(bytes.chunks(CODE_CHUNK_BYTES_MAX)) {
                self.send(now, node, Message::Types { chunk, chunks, bytes: Cow::Borrowed(part) }, peers);
            }
        }
    }

    /// Takes a piece of what a peer tells of its types.
    pub(crate) fn take_types(
        &mut self,
        peer: NodeId,
        (chunk, chunks): (u32, u32),
        bytes: &[u8],
        home: &mut impl Home,
    ) -> Result<(), BadTypes> {
        let told = self.types.peers.entry(peer).or_default();
        if chunk == 0 {
            told.bytes.clear();
        }
        let is_next = chunk == 0 || chunk == told.next_chunk;
        if !is_next || told.bytes.len() + bytes.len() > TYPES_BYTES_MAX {
            (told.bytes, told.next_chunk) = (Vec::new(), 0);
            return Err(BadTypes);
        }
        told.bytes.extend_from_slice(bytes);
        told.next_chunk = chunk + 1;
        if told.next_chunk < chunks {
            return Ok(());
        }
        let bytes = std::mem::take(&mut told.bytes);
        self.learn_types(peer, &bytes, home)
    }

    fn learn_types(&mut self, peer: NodeId, bytes: &[u8], home: &mut impl Home) -> Result<(), BadTypes> {
        let (count, rest) = bytes.split_first_chunk().ok_or(BadTypes)?;
        let count = u32::from_le_bytes(*count) as usize;
        let (numbers, module) = rest.split_at_checked(count.saturating_mul(4)).ok_or(BadTypes)?;
        let module = format::decode(module).map_err(|_| BadTypes)?;
        let told = self.types.peers.entry(peer).or_default();
        let is_whole = module.types.all().len() == count;
        // A variant has a number as well.
        let variants = |ty: &Type| if let Type::Sum(_, variants) = ty { variants.len() } else { 0 };
        let count = count + module.types.all().iter().map(variants).sum::<usize>();
        if !is_whole || told.count + count > PEER_TYPES_MAX {
            return Err(BadTypes);
        }
        told.count += count;
        let verified = verify(Module { types: module.types, ..Module::default() }).map_err(|_| BadTypes)?;
        if !self.types.learned.contains(&verified.hash()) {
            if self.types.learned_count + count > LEARNED_TYPES_MAX {
                return Err(BadTypes);
            }
            self.types.learned_count += count;
            self.types.learned.insert(verified.hash());
        }
        let here = home.machine().learn_types(&verified).map_err(|_| BadTypes)?;
        let chunks = numbers.chunks_exact(4).map(|number| number.try_into().map_or(0, u32::from_le_bytes));
        for ((number, here), ty) in chunks.zip(here).zip(verified.module().types.all()) {
            let variants = if let Type::Sum(_, variants) = ty { variants.len() as u32 } else { 0 };
            told.known.insert(number, (here, variants));
        }
        Ok(())
    }

    /// Values as other nodes get them, with the bytes of these; nothing when their tables are more than can be said.
    pub(crate) fn values<'v>(&self, packed: &mut Packed<'v>) -> Option<Values<'v>> {
        let addresses = packed.fibers.iter().map(|fiber| self.addresses.address(*fiber));
        let types = packed.types.iter().map(|ty| ty.0);
        Values::new(types, addresses, std::mem::take(&mut packed.bytes))
    }

    /// Values that came from a peer.
    pub(crate) fn packed<'v>(
        &mut self,
        peer: NodeId,
        values: &'v Values<'_>,
        home: &mut impl Home,
    ) -> Result<Packed<'v>, BadValue> {
        let (types, addresses) = values.tables();
        let told = self.types.peers.get(&peer);
        let here = |number: u32| match told {
            Some(told) => told.here(number),
            None => (number < FIRST_DECLARED).then_some(TypeNumber(number)),
        };
        let types: Option<Vec<TypeNumber>> = types.into_iter().map(here).collect();
        let types = types.ok_or(BadValue::Malformed)?;
        let machine = home.machine();
        let fibers: Result<_, AddressError> =
            addresses.into_iter().map(|address| self.addresses.fiber(address, peer, machine)).collect();
        Ok(Packed { bytes: Cow::Borrowed(&values.body), fibers: fibers.map_err(BadValue::Address)?, types })
    }
}
