//! What a new version of a module makes of the old one's messages, and the old one of the new one's.
//!
//! **Invariant:** what is told fits is what the door converts: there is one set of rules, the plans of [`crate::fit`].

use crate::fit::{FieldSource, Plan};
use crate::types::{TypeId, TypeStore};
use fardel_bytecode::Inst;
use fardel_bytecode::index::{FunctionIndex, TypeIndex};
use fardel_bytecode::leb::Reader;
use fardel_bytecode::module::{Function, Module};
use fardel_bytecode::types::{ANY, Type, TypeTable};
use fardel_bytecode::verify::VerifiedModule;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Pairs of types that are looked at, and parts of them: a module of strangers may have many that fit each other.
const PAIRS_MAX: usize = 1 << 20;

/// Something that is another one in the new version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Change {
    /// The name of the type or function.
    pub name: String,
    /// What has become of it.
    pub what: What,
}

/// What has become of a type or function.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum What {
    /// The type has another shape.
    Reshaped {
        /// What the new version makes of the old one's values.
        old_in_new: Fit,
        /// What the old version makes of the new one's values.
        new_in_old: Fit,
    },
    /// The type is in no mailbox of the new version any more, nor anywhere else.
    TypeGone,
    /// The function is not exported any more.
    ExportGone,
    /// The function does not serve any more, or is not there.
    ServeGone,
    /// Fibers of the function do not take messages of this type any more.
    NotReceived(String),
    /// The exported function takes or gives other types.
    OtherTypes,
    /// The function serves with a state of another type.
    OtherState,
}

impl Change {
    /// Whether something does not work between the two versions, or after one has taken the place of the other.
    pub fn breaks(&self) -> bool {
        !matches!(&self.what, What::Reshaped { old_in_new: Fit::Whole, new_in_old: Fit::Whole })
    }
}

/// Which values of a type become ones of another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fit {
    /// All.
    Whole,
    /// Those without what is told.
    Part(String),
    /// None, since this is so.
    No(String),
}

/// Two modules have too many types to compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the two modules have too many types to compare")]
pub struct TooMany;

/// What is another one in the new version of a module, by name.
///
/// # Errors
/// When there are too many types.
pub fn compare(old: &VerifiedModule, new: &VerifiedModule) -> Result<Vec<Change>, TooMany> {
    let (old, new) = (old.module(), new.module());
    let mut types = TypeStore::new();
    let old_numbers = types.intern(&old.types).map_err(|_| TooMany)?;
    let new_numbers = types.intern(&new.types).map_err(|_| TooMany)?;
    let of_new: BTreeMap<&str, TypeId> = nominal(&new.types).map(|(name, at)| (name, new_numbers[at])).collect();
    let received = received(old);
    let mut changes = Vec::new();
    let mut pairs = Vec::new();
    for (name, at) in nominal(&old.types) {
        match of_new.get(name) {
            Some(number) if *number != old_numbers[at] => pairs.push((name, old_numbers[at], *number)),
            None if received[at] => changes.push(Change { name: name.to_owned(), what: What::TypeGone }),
            Some(_) | None => {}
        }
    }
    let both_ways = pairs.iter().flat_map(|(_, old, new)| [(*old, *new), (*new, *old)]);
    let fits = Fits::of(&types, both_ways.collect())?;
    for (name, old, new) in pairs {
        let what = What::Reshaped { old_in_new: fits.get(old, new), new_in_old: fits.get(new, old) };
        changes.push(Change { name: name.to_owned(), what });
    }
    changes.extend(functions_gone(old, new));
    changes.extend(functions_changed(&Both { old, new, old_numbers: &old_numbers, new_numbers: &new_numbers }));
    changes.sort();
    Ok(changes)
}

/// The nominal types of a table, by name, with their places.
fn nominal(table: &TypeTable) -> impl Iterator<Item = (&str, usize)> {
    table.all().iter().enumerate().filter_map(|(at, ty)| ty.nominal_name().map(|name| (name, at)))
}

/// Which types of a module are in a mailbox, or in a message of one.
fn received(module: &Module) -> Vec<bool> {
    let all = module.types.all();
    let mut received = vec![false; all.len()];
    let mut open: Vec<usize> =
        module.functions.iter().flat_map(|one| one.mailbox.iter().flatten()).map(|ty| ty.at()).collect();
    while let Some(at) = open.pop() {
        let Some(known) = received.get_mut(at) else { continue };
        if !std::mem::replace(known, true) {
            all.get(at).into_iter().for_each(|ty: &Type| ty.components(|part| open.push(part.at())));
        }
    }
    received
}

/// What a module exported and served, and does no more.
fn functions_gone(old: &Module, new: &Module) -> Vec<Change> {
    let exports = old.exports.iter().filter(|export| !new.exports.iter().any(|other| other.name == export.name));
    let exports = exports.map(|export| Change { name: export.name.clone(), what: What::ExportGone });
    let serving = |module: &Module| -> Vec<String> {
        let serving = module.functions.iter().filter(|function| !function.serve_points.is_empty());
        let mut names: Vec<String> = serving.map(|function| function.name.clone()).collect();
        names.sort();
        names
    };
    let still = serving(new);
    let serves = serving(old).into_iter().filter(|name| still.binary_search(name).is_err());
    exports.chain(serves.map(|name| Change { name, what: What::ServeGone })).collect()
}

/// Two versions, with the numbers of their types.
struct Both<'a> {
    old: &'a Module,
    new: &'a Module,
    old_numbers: &'a [TypeId],
    new_numbers: &'a [TypeId],
}

impl Both<'_> {
    /// Whether two types are one, or of one name: how values of these fit is told of the types.
    fn are_alike(&self, old: TypeIndex, new: TypeIndex) -> bool {
        let is_same = self.old_numbers.get(old.at()) == self.new_numbers.get(new.at());
        is_same || name_of(self.old, old).is_some_and(|name| name_of(self.new, new) == Some(name))
    }

    fn are_all_alike(&self, old: &[TypeIndex], new: &[TypeIndex]) -> bool {
        old.len() == new.len() && old.iter().zip(new).all(|(old, new)| self.are_alike(*old, *new))
    }
}

/// The name of a nominal type.
fn name_of(module: &Module, ty: TypeIndex) -> Option<&str> {
    module.types.get(ty).and_then(Type::nominal_name)
}

/// What has changed of functions that both versions have.
fn functions_changed(both: &Both<'_>) -> Vec<Change> {
    let by_name: BTreeMap<&str, &Function> = both.new.functions.iter().map(|one| (one.name.as_str(), one)).collect();
    let exported: BTreeSet<&str> = both
        .new
        .exports
        .iter()
        .filter_map(|export| function_of(both.new, export.function))
        .map(|one| one.name.as_str())
        .collect();
    let names: BTreeSet<&str> = nominal(&both.new.types).map(|(name, _)| name).collect();
    // Of a type that is gone that is told already.
    let is_known = |ty: TypeIndex| name_of(both.old, ty).is_none_or(|name| names.contains(name));
    let spawned = spawned(both.old);
    let mut changes = Vec::new();
    for old in &both.old.functions {
        let Some(new) = by_name.get(old.name.as_str()) else { continue };
        let mut tell = |what: What| changes.push(Change { name: old.name.clone(), what });
        if let (Some(taken), true) = (&new.mailbox, spawned.contains(old.name.as_str())) {
            let anything = [ANY];
            let wanted = old.mailbox.as_deref().unwrap_or(&anything);
            let lost = wanted.iter().filter(|old| !taken.iter().any(|new| both.are_alike(**old, *new)) && is_known(**old));
            lost.for_each(|ty| tell(What::NotReceived(both.old.types.display(*ty))));
        }
        let result = |one: &Function| one.result.into_iter().collect::<Vec<_>>();
        let fits = both.are_all_alike(&old.params, &new.params) && both.are_all_alike(&result(old), &result(new));
        if exported.contains(old.name.as_str()) && !fits {
            tell(What::OtherTypes);
        }
        let states = |one: &Function| one.serve_points.iter().filter_map(|point| one.local(point.state)).collect::<Vec<_>>();
        if !new.serve_points.is_empty() && !both.are_all_alike(&states(old), &states(new)) {
            tell(What::OtherState);
        }
    }
    changes
}

/// A function of a module's own, by its index.
fn function_of(module: &Module, index: FunctionIndex) -> Option<&Function> {
    module.functions.get(index.at().checked_sub(module.imports.len())?)
}

/// The names of functions in which fibers begin.
fn spawned(module: &Module) -> BTreeSet<&str> {
    let mut found: BTreeSet<&str> = module
        .exports
        .iter()
        .filter_map(|export| function_of(module, export.function))
        .map(|one| one.name.as_str())
        .collect();
    for function in &module.functions {
        let mut reader = Reader::new(&function.code);
        while !reader.is_empty() {
            let Ok(inst) = Inst::decode(&mut reader) else { break };
            if let Inst::Spawn { function } | Inst::SpawnOn { function } | Inst::SpawnWith { function } = inst {
                found.extend(function_of(module, function).map(|one| one.name.as_str()));
            }
        }
    }
    found
}

/// A pair of types: one that is there, one that is wanted.
type Pair = (TypeId, TypeId);

/// What a pair of types is made of.
enum Node {
    /// All of these have to fit.
    All(Vec<Pair>),
    /// One of these alternatives is there: parts that all have to fit, or why it does not.
    Any(Vec<Result<Vec<Pair>, Rc<str>>>),
    /// This may be there or not.
    Maybe(Pair),
    /// It does not fit.
    No(Rc<str>),
}

/// As [`Fit`], shared.
#[derive(Clone, PartialEq)]
enum Found {
    Whole,
    Part(Rc<str>),
    No(Rc<str>),
}

/// How pairs of types fit. Types that lead to themselves fit as long as nothing in them tells otherwise.
struct Fits {
    numbers: BTreeMap<Pair, usize>,
    found: Vec<Found>,
}

impl Fits {
    fn of(types: &TypeStore, roots: Vec<Pair>) -> Result<Fits, TooMany> {
        let (numbers, nodes) = nodes(types, roots)?;
        let mut users = vec![Vec::new(); nodes.len()];
        for (at, node) in nodes.iter().enumerate() {
            node.parts().for_each(|pair| users[numbers[pair]].push(at));
        }
        let mut fits = Fits { numbers, found: vec![Found::Whole; nodes.len()] };
        // What is found of a pair only becomes worse, at most twice. The parts of a pair mostly stand behind it.
        let mut open: Vec<usize> = (0..nodes.len()).collect();
        let mut is_open = vec![true; nodes.len()];
        while let Some(at) = open.pop() {
            is_open[at] = false;
            let seen = fits.judge(&nodes[at]);
            if seen.rank() > fits.found[at].rank() {
                fits.found[at] = seen;
                let again = users[at].iter().filter(|user| !std::mem::replace(&mut is_open[**user], true));
                open.extend(again);
            }
        }
        Ok(fits)
    }

    fn find(&self, pair: &Pair) -> &Found {
        self.numbers.get(pair).map_or(&Found::Whole, |at| &self.found[*at])
    }

    fn get(&self, from: TypeId, to: TypeId) -> Fit {
        match self.find(&(from, to)) {
            Found::Whole => Fit::Whole,
            Found::Part(why) => Fit::Part(why.to_string()),
            Found::No(why) => Fit::No(why.to_string()),
        }
    }

    fn judge(&self, node: &Node) -> Found {
        match node {
            Node::No(why) => Found::No(Rc::clone(why)),
            Node::All(parts) => self.all(parts),
            Node::Maybe(part) => self.find(part).clone().in_part(),
            Node::Any(alternatives) => {
                let one = |one: &Result<Vec<Pair>, Rc<str>>| match one {
                    Ok(parts) => self.all(parts),
                    Err(why) => Found::No(Rc::clone(why)),
                };
                let all: Vec<Found> = alternatives.iter().map(one).collect();
                let first = all.iter().find(|found| **found != Found::Whole).cloned().unwrap_or(Found::Whole);
                if all.iter().all(|found| found.rank() == 2) { first } else { first.in_part() }
            }
        }
    }

    /// The first of the worst.
    fn all(&self, parts: &[Pair]) -> Found {
        let mut worst = &Found::Whole;
        for part in parts {
            let found = self.find(part);
            if found.rank() > worst.rank() {
                worst = found;
            }
        }
        worst.clone()
    }
}

impl Found {
    fn rank(&self) -> u8 {
        match self {
            Found::Whole => 0,
            Found::Part(_) => 1,
            Found::No(_) => 2,
        }
    }

    /// What is found of something that need not be there.
    fn in_part(self) -> Found {
        match self {
            Found::No(why) => Found::Part(why),
            Found::Whole | Found::Part(_) => self,
        }
    }
}

impl Node {
    fn parts(&self) -> Box<dyn Iterator<Item = &Pair> + '_> {
        match self {
            Node::All(parts) => Box::new(parts.iter()),
            Node::Any(alternatives) => Box::new(alternatives.iter().flatten().flatten()),
            Node::Maybe(part) => Box::new(std::iter::once(part)),
            Node::No(_) => Box::new(std::iter::empty()),
        }
    }
}

/// All pairs of types that some lead to.
fn nodes(types: &TypeStore, roots: Vec<Pair>) -> Result<(BTreeMap<Pair, usize>, Vec<Node>), TooMany> {
    let (mut numbers, mut nodes) = (BTreeMap::new(), Vec::new());
    let mut open: Vec<Pair> = Vec::new();
    let mut count = 0;
    let mut note = |pair: Pair, open: &mut Vec<Pair>| {
        numbers.entry(pair).or_insert_with(|| {
            open.push(pair);
            count += 1;
            count - 1
        });
    };
    roots.into_iter().for_each(|pair| note(pair, &mut open));
    let mut parts = 0;
    while let Some((from, to)) = open.get(nodes.len()).copied() {
        let node = node(types, from, to);
        for pair in node.parts() {
            parts += 1;
            note(*pair, &mut open);
        }
        if parts + open.len() > PAIRS_MAX {
            return Err(TooMany);
        }
        nodes.push(node);
    }
    Ok((numbers, nodes))
}

fn node(types: &TypeStore, from: TypeId, to: TypeId) -> Node {
    if from == to {
        return Node::All(Vec::new());
    }
    let fields = |from, to, sources: &[FieldSource]| -> Vec<Pair> {
        let (Some(old), Some(new)) = (types.layout(from), types.layout(to)) else { return Vec::new() };
        let pair = |(source, wanted): (&FieldSource, &crate::types::FieldPlace)| match source {
            FieldSource::Field(at) => Some((old.fields[*at].ty, wanted.ty)),
            FieldSource::Default(_) => None,
        };
        sources.iter().zip(&new.fields).filter_map(pair).collect()
    };
    match types.plan(from, to) {
        Plan::Same => Node::All(Vec::new()),
        Plan::No(why) => Node::No(why.into()),
        Plan::Fields(sources) => Node::All(fields(from, to, &sources)),
        Plan::Option(old, new) | Plan::List(old, new) | Plan::Map(old, new) => Node::Maybe((old, new)),
        Plan::Sum(variants) => {
            let variant = |(at, plan): (u32, Result<(u32, Vec<FieldSource>), String>)| match plan {
                Ok((number, sources)) => Ok(fields(from + 1 + at, to + 1 + number, &sources)),
                Err(why) => Err(why.into()),
            };
            Node::Any((0..).zip(variants).map(variant).collect())
        }
    }
}
