//! Which locals are live at each place: those that code from there on may read before it assigns them.
//!
//! An instruction that may trap leads, besides where it goes, to the innermost handler that covers it.
//!
//! **Invariant:** the sets are the smallest that hold; no assignment makes them larger, and no read is missed.

use fardel_bytecode::index::LocalIndex;
use fardel_bytecode::isa::{ENDS, Effect, Rule, TRAPS};
use fardel_bytecode::module::LocalSet;

use crate::elaborate::{Elaborated, OutHandler};
use crate::ir::Ir;

/// The live locals of a function.
pub(crate) struct Liveness {
    /// By place.
    pub(crate) places: Vec<LocalSet>,
    /// At the function's start.
    pub(crate) entry: LocalSet,
}

/// What an instruction does to a local.
enum Use {
    Read(LocalIndex),
    Assign(LocalIndex),
    None,
}

fn local_use(ir: &Ir) -> Use {
    let local = LocalIndex(ir.args[0]);
    match ir.opcode.info().effect {
        Effect::Rule(Rule::Load) => Use::Read(local),
        Effect::Rule(Rule::Store | Rule::Tee) => Use::Assign(local),
        Effect::Rule(_) | Effect::Fixed(..) => Use::None,
    }
}

/// A way from one block to another, and what is assigned in the first before it is taken.
struct Link {
    from: u32,
    to: u32,
    assigned: LocalSet,
}

/// Finds the handler that covers each instruction, going through the code in order.
struct Covering<'e> {
    /// Outer ranges first.
    order: Vec<&'e OutHandler>,
    next: usize,
    open: Vec<&'e OutHandler>,
}

impl<'e> Covering<'e> {
    fn new(handlers: &'e [OutHandler]) -> Self {
        let mut order: Vec<&OutHandler> = handlers.iter().collect();
        order.sort_by_key(|handler| (handler.start, std::cmp::Reverse(handler.end)));
        Covering { order, next: 0, open: Vec::new() }
    }

    /// The place of the innermost handler that covers the instruction.
    fn at(&mut self, at: u32) -> Option<u32> {
        while self.open.last().is_some_and(|handler| handler.end <= at) {
            self.open.pop();
        }
        while let Some(handler) = self.order.get(self.next).filter(|handler| handler.start <= at) {
            self.open.push(handler);
            self.next += 1;
        }
        self.open.last().map(|handler| handler.place)
    }
}

const NO_BLOCK: u32 = u32::MAX;

struct Blocks<'e> {
    out: &'e Elaborated,
    /// For each place the block that begins there.
    of_place: Vec<u32>,
    /// For each block what it reads before it assigns it.
    reads: Vec<LocalSet>,
    links: Vec<Link>,
    /// For each block that a handler begins, the last block with a link to it.
    linked: Vec<u32>,
}

/// Finds the live locals of elaborated code.
pub(crate) fn liveness(out: &Elaborated) -> Liveness {
    let mut used: Vec<(u32, usize)> =
        (0..).zip(&out.places).filter(|(_, place)| place.is_used).map(|(at, place)| (place.at, at)).collect();
    used.sort_unstable();
    let mut of_place = vec![NO_BLOCK; out.places.len()];
    // The first block begins with the function, even where a place does too.
    for ((_, place), block) in used.iter().zip(1..) {
        of_place.get_mut(*place).into_iter().for_each(|slot| *slot = block);
    }
    let count = used.len() + 1;
    let mut blocks =
        Blocks { out, of_place, reads: vec![LocalSet::default(); count], links: Vec::new(), linked: vec![NO_BLOCK; count] };
    let starts: Vec<u32> = used.iter().map(|(at, _)| *at).collect();
    blocks.read(&starts);
    let live = blocks.solve();
    let at_block = |block: u32| live.get(block as usize).copied().unwrap_or_default();
    Liveness { places: blocks.of_place.iter().map(|block| at_block(*block)).collect(), entry: at_block(0) }
}

impl Blocks<'_> {
    fn block_of(&self, place: u32) -> u32 {
        self.of_place.get(place as usize).copied().unwrap_or(NO_BLOCK)
    }

    fn link(&mut self, from: u32, to: u32, assigned: LocalSet) {
        if to != NO_BLOCK {
            self.links.push(Link { from, to, assigned });
        }
    }

    /// Reads all blocks; `starts` are those of all but the first.
    fn read(&mut self, starts: &[u32]) {
        let out = self.out;
        let mut covering = Covering::new(&out.handlers);
        let mut assigned = LocalSet::default();
        let (mut block, mut open) = (0, true);
        for (ir, at) in out.code.iter().zip(0..) {
            if starts.get(block as usize) == Some(&at) {
                if open {
                    self.link(block, block + 1, assigned);
                }
                block += 1;
                (assigned, open) = (LocalSet::default(), true);
            }
            let handler = if out.handlers.is_empty() { None } else { covering.at(at) };
            if let Some(handler) = handler.filter(|_| ir.opcode.info().effects.has(TRAPS)) {
                self.link_handler(block, handler, assigned);
            }
            match local_use(ir) {
                Use::Read(local) if !assigned.contains(local) => {
                    self.reads.get_mut(block as usize).into_iter().for_each(|reads| reads.insert(local));
                }
                Use::Assign(local) => assigned.insert(local),
                Use::Read(_) | Use::None => {}
            }
            for place in ir.labels(&out.tables) {
                let to = self.block_of(*place);
                self.link(block, to, assigned);
            }
            if ir.opcode.info().effects.has(ENDS) {
                open = false;
            }
        }
    }

    /// Links a block to a handler. The first link of a block says it all, as the block only assigns more from there on.
    fn link_handler(&mut self, block: u32, handler: u32, assigned: LocalSet) {
        let to = self.block_of(handler);
        if let Some(linked) = self.linked.get_mut(to as usize)
            && *linked != block
        {
            *linked = block;
            self.link(block, to, assigned);
        }
    }

    /// Carries reads back along the links until nothing changes.
    fn solve(&self) -> Vec<LocalSet> {
        let count = self.reads.len();
        let mut starts = vec![0usize; count + 1];
        for link in &self.links {
            starts.get_mut(link.to as usize + 1).into_iter().for_each(|start| *start += 1);
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut fill = starts.clone();
        let mut sorted = vec![0u32; self.links.len()];
        for (link, at) in self.links.iter().zip(0..) {
            if let Some(place) = fill.get_mut(link.to as usize) {
                sorted.get_mut(*place).into_iter().for_each(|slot| *slot = at);
                *place += 1;
            }
        }
        let mut live = self.reads.clone();
        let mut queue: Vec<u32> = (0..count as u32).collect();
        let mut queued = vec![true; count];
        while let Some(block) = queue.pop() {
            queued.get_mut(block as usize).into_iter().for_each(|queued| *queued = false);
            let (Some(from), Some(to)) = (starts.get(block as usize), starts.get(block as usize + 1)) else { continue };
            let here = live.get(block as usize).copied().unwrap_or_default();
            for link in sorted.get(*from..*to).unwrap_or(&[]).iter().filter_map(|at| self.links.get(*at as usize)) {
                let Some(before) = live.get_mut(link.from as usize) else { continue };
                let carried = without(&here, &link.assigned);
                if before.contains_all(&carried) {
                    continue;
                }
                before.insert_all(&carried);
                if let Some(queued) = queued.get_mut(link.from as usize)
                    && !std::mem::replace(queued, true)
                {
                    queue.push(link.from);
                }
            }
        }
        live
    }
}

fn without(set: &LocalSet, other: &LocalSet) -> LocalSet {
    let mut words = *set.words();
    words.iter_mut().zip(other.words()).for_each(|(word, other)| *word &= !other);
    LocalSet::from_words(words)
}

/// The first instruction, on some way from the start, that reads a local which is not assigned yet.
pub(crate) fn first_read(out: &Elaborated, local: LocalIndex) -> Option<Ir> {
    let mut covering = Covering::new(&out.handlers);
    let handlers: Vec<Option<u32>> = (0..out.code.len() as u32).map(|at| covering.at(at)).collect();
    let mut seen = vec![false; out.code.len()];
    let mut work = vec![0u32];
    while let Some(at) = work.pop() {
        let Some(ir) = out.code.get(at as usize) else { continue };
        if seen.get_mut(at as usize).is_none_or(|seen| std::mem::replace(seen, true)) {
            continue;
        }
        let handler = handlers.get(at as usize).copied().flatten().filter(|_| ir.opcode.info().effects.has(TRAPS));
        let place_at = |place: &u32| out.places.get(*place as usize).map(|place| place.at);
        work.extend(handler.as_ref().and_then(place_at));
        match local_use(ir) {
            Use::Read(read) if read == local => return Some(*ir),
            Use::Assign(assigned) if assigned == local => continue,
            Use::Read(_) | Use::Assign(_) | Use::None => {}
        }
        work.extend(ir.labels(&out.tables).iter().filter_map(place_at));
        if !ir.opcode.info().effects.has(ENDS) {
            work.push(at + 1);
        }
    }
    None
}
