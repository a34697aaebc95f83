//! Code that is missing: it is fetched by its hash from the node that wants it run, checked, verified, and loaded.

use crate::limits::{FETCHES_MAX, IMPORTS_MAX, WAITING_SPAWNS_MAX};
use crate::router::{Home, Router};
use fardel_bytecode::format;
use fardel_bytecode::limits::MODULE_BYTES_MAX;
use fardel_bytecode::module::{Module, ModuleHash};
use fardel_bytecode::verify::{VerifiedModule, verify};
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::{Bounds, Message};
use fardel_wire::id::NodeId;
use fardel_wire::limits::CODE_CHUNK_BYTES_MAX;
use fardel_wire::packed::Values;
use fardel_wire::peers::Peers;
use fardel_wire::table::SpawnRefusal;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A fiber that a peer wants started.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) peer: NodeId,
    pub(crate) request: u64,
    /// The fiber with which it is to be linked.
    pub(crate) parent: Option<FiberId>,
    pub(crate) function: u32,
    pub(crate) bounds: Bounds,
    pub(crate) args: Values<'static>,
}

/// What is being fetched.
#[derive(Default, Debug)]
pub(crate) struct Fetches {
    /// By the number of the request for the module that is awaited.
    open: BTreeMap<u64, Fetch>,
}

/// One program on its way: the module that is wanted, and what it imports.
#[derive(Debug)]
struct Fetch {
    peer: NodeId,
    wanted: ModuleHash,
    spawns: Vec<Wanted>,
    /// Modules that came, each before the one that imports it.
    came: Vec<(ModuleHash, VerifiedModule)>,
    /// Modules still to be fetched, the next one last.
    missing: Vec<ModuleHash>,
    /// How many have been asked for.
    asked: usize,
    bytes: Vec<u8>,
    next_chunk: u32,
}

impl Router {
    /// Has a module fetched from the peer that wants a fiber started in it.
    pub(crate) fn fetch(&mut self, now: u64, module: ModuleHash, wanted: Wanted, peers: &mut Peers) {
        let peer = wanted.peer;
        let known = self.fetches.open.values_mut().find(|fetch| fetch.wanted == module && fetch.peer == peer);
        if let Some(fetch) = known {
            if fetch.spawns.len() < WAITING_SPAWNS_MAX {
                fetch.spawns.push(wanted);
            } else {
                self.refuse_spawn(now, &wanted, SpawnRefusal::Limit, "too many wait for the module", peers);
            }
            return;
        }
        if self.fetches.open.len() >= FETCHES_MAX {
            self.refuse_spawn(now, &wanted, SpawnRefusal::Limit, "too many modules are being fetched", peers);
            return;
        }
        let fetch = Fetch {
            peer,
            wanted: module,
            spawns: vec![wanted],
            came: Vec::new(),
            missing: vec![module],
            asked: 0,
            bytes: Vec::new(),
            next_chunk: 0,
        };
        self.fetch_next(now, fetch, peers);
    }

    /// Asks for the module that is missing next.
    fn fetch_next(&mut self, now: u64, mut fetch: Fetch, peers: &mut Peers) {
        let Some(module) = fetch.missing.last().copied() else { return };
        (fetch.bytes, fetch.next_chunk) = (Vec::new(), 0);
        fetch.asked += 1;
        let (peer, request) = (fetch.peer, self.next_request());
        self.fetches.open.insert(request, fetch);
        self.send(now, peer, Message::Fetch { request, module }, peers);
    }

    /// Sends a module that a peer asks for, if it is here.
    pub(crate) fn ship(
        &mut self,
        now: u64,
        peer: NodeId,
        request: u64,
        module: ModuleHash,
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        // A peer gets what it is to run: it must know the hash, which it has from this node or from a copy.
        let bytes = home.module_bytes(module).unwrap_or_default();
        let chunks = bytes.len().div_ceil(CODE_CHUNK_BYTES_MAX) as u32;
        if chunks == 0 {
            let none = Message::Code { request, chunk: 0, chunks: 0, bytes: Cow::Borrowed(&[]) };
            self.send(now, peer, none, peers);
            return;
        }
        for (chunk, part) in (0..chunks).zip(bytes.chunks(CODE_CHUNK_BYTES_MAX)) {
            self.send(now, peer, Message::Code { request, chunk, chunks, bytes: Cow::Borrowed(part) }, peers);
        }
    }

    /// Takes a piece of a module.
    #[expect(clippy::too_many_arguments, reason = "they are the fields of one message, and what it is done with")]
    pub(crate) fn take_code(
        &mut self,
        now: u64,
        peer: NodeId,
        request: u64,
        (chunk, chunks): (u32, u32),
        bytes: &[u8],
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        let is_awaited = |fetch: &Fetch| {
            fetch.peer == peer && fetch.next_chunk == chunk && fetch.bytes.len() + bytes.len() <= MODULE_BYTES_MAX
        };
        let Some(mut fetch) = self.fetches.open.remove(&request) else { return };
        if !is_awaited(&fetch) {
            if fetch.peer == peer {
                self.give_up(now, fetch, "the pieces of the module do not come in order", peers);
            } else {
                self.fetches.open.insert(request, fetch);
            }
            self.stats.malformed += 1;
            return;
        }
        if chunks == 0 {
            self.give_up(now, fetch, "its node does not have the module", peers);
            return;
        }
        fetch.bytes.extend_from_slice(bytes);
        fetch.next_chunk += 1;
        if fetch.next_chunk < chunks {
            self.fetches.open.insert(request, fetch);
            return;
        }
        match checked(&fetch) {
            Ok(module) => self.came(now, fetch, module, home, peers),
            Err(why) => self.give_up(now, fetch, &why, peers),
        }
    }

    /// A module has come whole: what it imports is fetched before it, or all is there.
    fn came(&mut self, now: u64, mut fetch: Fetch, module: Module, home: &mut impl Home, peers: &mut Peers) {
        let is_here = |hash: &ModuleHash| fetch.came.iter().any(|(known, _)| known == hash) || home.has_module(*hash);
        let imports: Vec<ModuleHash> = module.imports.iter().map(|import| import.module).collect();
        let mut missing: Vec<ModuleHash> = imports.into_iter().filter(|hash| !is_here(hash)).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            let hash = fetch.missing.pop();
            match verify(module) {
                Ok(verified) => fetch.came.extend(hash.map(|hash| (hash, verified))),
                Err(errors) => {
                    let why =
                        format!("the module does not verify: {}", errors.first().map_or(String::new(), ToString::to_string));
                    self.give_up(now, fetch, &why, peers);
                    return;
                }
            }
        } else if fetch.asked + missing.len() > IMPORTS_MAX {
            self.give_up(now, fetch, "the module imports too many others", peers);
            return;
        } else {
            // It is asked for once more when they are there; modules that import others are few.
            fetch.missing.retain(|hash| !missing.contains(hash));
            fetch.missing.extend(missing);
        }
        // What was fetched for another one meanwhile is there.
        while let Some(last) = fetch.missing.last()
            && fetch.came.iter().any(|(known, _)| known == last)
        {
            fetch.missing.pop();
        }
        if fetch.missing.is_empty() {
            self.load_all(now, fetch, home, peers);
        } else {
            self.fetch_next(now, fetch, peers);
        }
    }

    fn load_all(&mut self, now: u64, fetch: Fetch, home: &mut impl Home, peers: &mut Peers) {
        for (_, module) in &fetch.came {
            if let Err(error) = home.load(module) {
                self.give_up(now, fetch, &error.to_string(), peers);
                return;
            }
        }
        for wanted in &fetch.spawns {
            self.start(now, fetch.wanted, wanted, home, peers);
        }
    }

    fn give_up(&mut self, now: u64, fetch: Fetch, why: &str, peers: &mut Peers) {
        for wanted in &fetch.spawns {
            self.refuse_spawn(now, wanted, SpawnRefusal::CodeMissing, why, peers);
        }
    }

    /// Gives up what was to come from a node that is lost; nobody there can be told.
    pub(crate) fn fail_fetches(&mut self, node: NodeId) {
        self.fetches.open.retain(|_, fetch| fetch.peer != node);
    }
}

/// The module of bytes that came, if it is the one that was asked for.
fn checked(fetch: &Fetch) -> Result<Module, String> {
    let module = format::decode(&fetch.bytes).map_err(|error| format!("the module cannot be read: {error}"))?;
    let (seen, wanted) = (format::hash(&module), fetch.missing.last().copied());
    if Some(seen) == wanted { Ok(module) } else { Err(format!("module {seen} came for another one")) }
}
