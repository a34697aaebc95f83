//! Keys of types: one for each type, equal across modules exactly when the types are, with all that they reach.
//!
//! A structural type's key is the hash of its kind and its components' keys. Nominal types may be recursive, so those
//! that reach each other are hashed together: sorted by name, with references among them by name and references to
//! outside by key. The key of one of them is the hash of that hash and its name.
//!
//! **Invariant:** a key depends neither on the order in which a module declares types nor on their indices.

use crate::index::TypeIndex;
use crate::types::{Constant, Field, Type, TypeTable};

/// The identity of a type across modules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TypeKey(pub [u8; 32]);

impl std::fmt::Display for TypeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The keys of all types of a verified module, in the order of the table.
///
/// Of a table that is not verified the keys mean nothing, but there is one for each type.
pub fn type_keys(table: &TypeTable) -> Vec<TypeKey> {
    let mut keys = vec![TypeKey::default(); table.all().len()];
    let mut locals = keys.clone();
    let graph = Graph::new(table);
    let groups = graph.groups();
    for (number, group) in (0..).zip(&groups.members) {
        let namer = Namer { table, groups: &groups.of, number };
        // A structural type comes after the structural types inside it, so that each finds the keys it needs.
        for at in group.iter().filter(|at| !is_nominal(table, **at)) {
            let key = namer.structural(*at, |part| namer.inside(part, &keys, &locals));
            set(&mut locals, *at, key);
        }
        let together = namer.nominal(group, |part| namer.inside(part, &keys, &locals));
        for at in group.iter().filter(|at| is_nominal(table, **at)) {
            set(&mut keys, *at, namer.member(*at, together));
        }
        for at in group.iter().filter(|at| !is_nominal(table, **at)) {
            let key = namer.structural(*at, |part| Reference::Key(key_of(&keys, part)));
            set(&mut keys, *at, key);
        }
    }
    keys
}

fn set(keys: &mut [TypeKey], at: TypeIndex, key: TypeKey) {
    keys.get_mut(at.at()).into_iter().for_each(|slot| *slot = key);
}

fn key_of(keys: &[TypeKey], at: TypeIndex) -> TypeKey {
    keys.get(at.at()).copied().unwrap_or_default()
}

fn is_nominal(table: &TypeTable, at: TypeIndex) -> bool {
    table.get(at).is_some_and(|ty| ty.nominal_name().is_some())
}

/// How a type refers to one that it consists of.
enum Reference<'t> {
    /// A type whose key is known.
    Key(TypeKey),
    /// A nominal type that is hashed together with this one.
    Name(&'t str),
    /// A structural type on a cycle: the hash of its structure, with names for the nominal types of the cycle.
    Local(TypeKey),
}

/// Hashes the types of one group.
struct Namer<'t> {
    table: &'t TypeTable,
    /// The group of each type.
    groups: &'t [u32],
    number: u32,
}

impl<'t> Namer<'t> {
    fn inside(&self, part: TypeIndex, keys: &[TypeKey], locals: &[TypeKey]) -> Reference<'t> {
        if self.groups.get(part.at()) != Some(&self.number) {
            return Reference::Key(key_of(keys, part));
        }
        let name = self.table.get(part).and_then(Type::nominal_name);
        name.map_or_else(|| Reference::Local(key_of(locals, part)), Reference::Name)
    }

    fn structural<'r>(&self, at: TypeIndex, refer: impl Fn(TypeIndex) -> Reference<'r>) -> TypeKey {
        let mut hash = Hash::new(b's');
        if let Some(ty) = self.table.get(at) {
            hash.ty(ty, &refer);
        }
        hash.finish()
    }

    /// The hash of all nominal types of the group together.
    fn nominal<'r>(&self, group: &[TypeIndex], refer: impl Fn(TypeIndex) -> Reference<'r>) -> TypeKey {
        let mut members: Vec<&Type> = group.iter().filter_map(|at| self.table.get(*at)).collect();
        members.retain(|ty| ty.nominal_name().is_some());
        members.sort_unstable_by_key(|ty| ty.nominal_name());
        let mut hash = Hash::new(b'g');
        hash.count(members.len());
        members.iter().for_each(|ty| hash.ty(ty, &refer));
        hash.finish()
    }

    fn member(&self, at: TypeIndex, together: TypeKey) -> TypeKey {
        let mut hash = Hash::new(b'n');
        hash.key(together);
        hash.text(self.table.get(at).and_then(Type::nominal_name).unwrap_or_default());
        hash.finish()
    }
}

/// What is hashed, each part so that where it ends is known.
struct Hash(blake3::Hasher);

impl Hash {
    fn new(role: u8) -> Self {
        let mut hash = Hash(blake3::Hasher::new_derive_key("fardel type key 1"));
        hash.byte(role);
        hash
    }

    fn finish(self) -> TypeKey {
        TypeKey(*self.0.finalize().as_bytes())
    }

    fn byte(&mut self, byte: u8) {
        self.0.update(&[byte]);
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn key(&mut self, key: TypeKey) {
        self.0.update(&key.0);
    }

    fn reference(&mut self, reference: Reference<'_>) {
        match reference {
            Reference::Key(key) => {
                self.byte(0);
                self.key(key);
            }
            Reference::Name(name) => {
                self.byte(1);
                self.text(name);
            }
            Reference::Local(key) => {
                self.byte(2);
                self.key(key);
            }
        }
    }

    fn ty<'r>(&mut self, ty: &Type, refer: &impl Fn(TypeIndex) -> Reference<'r>) {
        self.byte(kind(ty));
        match ty {
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Float
            | Type::Text
            | Type::Bytes
            | Type::Any
            | Type::Address
            | Type::Ref
            | Type::TextBuilder
            | Type::BytesBuilder
            | Type::Handle => {}
            Type::Array(element) => self.text(element.name()),
            Type::Option(_) | Type::List(_) | Type::Set(_) | Type::Map(..) => {
                ty.components(|part| self.reference(refer(part)));
            }
            Type::Tuple(items) => {
                self.count(items.len());
                items.iter().for_each(|item| self.reference(refer(*item)));
            }
            Type::Function(params, result) => {
                self.count(params.len());
                params.iter().for_each(|param| self.reference(refer(*param)));
                self.byte(result.is_some().into());
                result.iter().for_each(|result| self.reference(refer(*result)));
            }
            Type::Record(name, fields) | Type::Object(name, fields) => {
                self.text(name);
                self.fields(fields, refer);
            }
            Type::Sum(name, variants) => {
                self.text(name);
                self.count(variants.len());
                for variant in variants {
                    self.text(&variant.name);
                    self.fields(&variant.fields, refer);
                }
            }
        }
    }

    fn fields<'r>(&mut self, fields: &[Field], refer: &impl Fn(TypeIndex) -> Reference<'r>) {
        self.count(fields.len());
        for field in fields {
            self.text(&field.name);
            self.reference(refer(field.ty));
            self.byte(field.mutable.into());
            self.byte(field.default.is_some().into());
            field.default.iter().for_each(|default| self.constant(default));
            self.count(field.was.len());
            field.was.iter().for_each(|was| self.text(was));
            self.byte(field.json.is_some().into());
            field.json.iter().for_each(|json| self.text(json));
        }
    }

    fn constant(&mut self, constant: &Constant) {
        match constant {
            Constant::Null => self.byte(0),
            Constant::Bool(value) => {
                self.byte(1);
                self.byte((*value).into());
            }
            Constant::Int(value) => {
                self.byte(2);
                self.0.update(&value.to_le_bytes());
            }
            Constant::Float(bits) => {
                self.byte(3);
                self.0.update(&bits.to_le_bytes());
            }
            Constant::Text(text) => {
                self.byte(4);
                self.text(text);
            }
            Constant::Bytes(bytes) => {
                self.byte(5);
                self.bytes(bytes);
            }
        }
    }
}

/// The number of a kind of type inside keys; never changed.
fn kind(ty: &Type) -> u8 {
    match ty {
        Type::Null => 0,
        Type::Bool => 1,
        Type::Int => 2,
        Type::Float => 3,
        Type::Text => 4,
        Type::Bytes => 5,
        Type::Any => 6,
        Type::Address => 7,
        Type::Ref => 8,
        Type::TextBuilder => 9,
        Type::BytesBuilder => 10,
        Type::Handle => 11,
        Type::Array(_) => 12,
        Type::Option(_) => 13,
        Type::List(_) => 14,
        Type::Map(..) => 15,
        Type::Set(_) => 16,
        Type::Tuple(_) => 17,
        Type::Function(..) => 18,
        Type::Record(..) => 19,
        Type::Object(..) => 20,
        Type::Sum(..) => 21,
    }
}

/// Which types consist of which.
struct Graph {
    /// Where each type's part of `parts` starts; one more at the end.
    starts: Vec<u32>,
    parts: Vec<TypeIndex>,
}

/// Types that reach each other, each such group after those that it reaches.
struct Groups {
    members: Vec<Vec<TypeIndex>>,
    of: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

impl Graph {
    fn new(table: &TypeTable) -> Self {
        let (mut starts, mut parts) = (Vec::with_capacity(table.all().len() + 1), Vec::new());
        for ty in table.all() {
            starts.push(parts.len() as u32);
            ty.components(|part| parts.extend((part.at() < table.all().len()).then_some(part)));
        }
        starts.push(parts.len() as u32);
        Graph { starts, parts }
    }

    /// Tarjan's strongly connected components, with a stack of its own instead of recursion.
    fn groups(&self) -> Groups {
        let count = self.starts.len() - 1;
        let mut search = Search {
            order: vec![UNSEEN; count],
            low: vec![0; count],
            open: Vec::new(),
            groups: Groups { members: Vec::new(), of: vec![UNSEEN; count] },
            next: 0,
        };
        let mut calls: Vec<(usize, u32)> = Vec::new();
        for root in 0..count {
            if search.order[root] != UNSEEN {
                continue;
            }
            calls.push((search.enter(root), self.starts[root]));
            while let Some((at, edge)) = calls.last_mut() {
                if *edge == self.starts[*at + 1] {
                    search.leave(*at);
                    let (done, _) = calls.pop().unwrap_or_default();
                    if let Some((parent, _)) = calls.last() {
                        search.low[*parent] = search.low[*parent].min(search.low[done]);
                    }
                    continue;
                }
                let part = self.parts[*edge as usize].at();
                *edge += 1;
                if search.order[part] == UNSEEN {
                    calls.push((search.enter(part), self.starts[part]));
                } else if search.groups.of[part] == UNSEEN {
                    search.low[*at] = search.low[*at].min(search.order[part]);
                }
            }
        }
        search.groups
    }
}

struct Search {
    /// When each type was reached, and the earliest type that it leads back to.
    order: Vec<u32>,
    low: Vec<u32>,
    /// Types whose group is not complete.
    open: Vec<usize>,
    groups: Groups,
    next: u32,
}

impl Search {
    fn enter(&mut self, at: usize) -> usize {
        (self.order[at], self.low[at]) = (self.next, self.next);
        self.next += 1;
        self.open.push(at);
        at
    }

    /// Closes the group of which this was the first type reached, if it was.
    fn leave(&mut self, at: usize) {
        if self.low[at] != self.order[at] {
            return;
        }
        let number = self.groups.members.len() as u32;
        let start = self.open.iter().rposition(|open| *open == at).unwrap_or(0);
        let mut members: Vec<TypeIndex> = self.open.drain(start..).map(|at| TypeIndex(at as u32)).collect();
        members.sort_unstable();
        members.iter().for_each(|member| self.groups.of[member.at()] = number);
        self.groups.members.push(members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{FIRST_DECLARED, INT, TEXT, Variant};

    fn own(at: u32) -> TypeIndex {
        TypeIndex(FIRST_DECLARED + at)
    }

    fn record(name: &str, fields: &[(&str, TypeIndex)]) -> Type {
        Type::Record(name.to_owned(), fields.iter().map(|(name, ty)| Field::new(*name, *ty)).collect())
    }

    /// Compares the keys of the types at two places of two tables.
    #[track_caller]
    fn check(same: bool, left: (Vec<Type>, u32), right: (Vec<Type>, u32)) {
        let key = |(types, at): (Vec<Type>, u32)| type_keys(&TypeTable::with_declared(types))[own(at).at()];
        let (left, right) = (key(left), key(right));
        assert_ne!(left, TypeKey::default());
        assert_eq!(left == right, same, "{left} {right}");
    }

    fn tree(leaf: TypeIndex) -> Vec<Type> {
        vec![record("Tree", &[("value", leaf), ("rest", own(1))]), Type::Option(own(0))]
    }

    #[test]
    fn order_and_indices_do_not_matter() {
        let turned = vec![
            record("Other", &[]),
            record("Tree", &[("value", INT), ("rest", own(2))]),
            Type::Option(own(1)),
            Type::List(own(2)),
        ];
        check(true, (tree(INT), 0), (turned.clone(), 1));
        check(true, (tree(INT), 1), (turned, 2));
    }

    #[test]
    fn what_is_reached_matters() {
        check(false, (tree(INT), 0), (tree(TEXT), 0));
        check(false, (tree(INT), 1), (tree(TEXT), 1));
        check(false, (tree(INT), 0), (tree(INT), 1));
    }

    #[test]
    fn each_of_two_that_reach_each_other_has_its_own_key() {
        let pair = |a: &str, b: &str| vec![record(a, &[("other", own(1))]), record(b, &[("other", own(0))])];
        check(true, (pair("A", "B"), 0), (pair("B", "A"), 1));
        check(false, (pair("A", "B"), 0), (pair("A", "B"), 1));
        check(false, (pair("A", "B"), 0), (pair("A", "C"), 0));
    }

    #[test]
    fn everything_about_a_field_matters() {
        let base = Field::new("x", INT);
        let changes = [
            Field::new("y", INT),
            Field { mutable: true, ..base.clone() },
            Field { default: Some(Constant::Int(0)), ..base.clone() },
            Field { was: vec!["y".to_owned()], ..base.clone() },
            Field { json: Some("y".to_owned()), ..base.clone() },
        ];
        let object = |field: Field| vec![Type::Object("A".to_owned(), vec![field])];
        for change in changes {
            check(false, (object(base.clone()), 0), (object(change), 0));
        }
        check(false, (object(base.clone()), 0), (vec![Type::Record("A".to_owned(), vec![base])], 0));
    }

    #[test]
    fn variants_and_their_fields_are_told_apart() {
        let sum = |variants: &[(&str, &[&str])]| {
            let field = |name: &&str| Field::new(*name, INT);
            let variant = |(name, fields): &(&str, &[&str])| Variant {
                name: (*name).to_owned(),
                fields: fields.iter().map(field).collect(),
            };
            vec![Type::Sum("S".to_owned(), variants.iter().map(variant).collect())]
        };
        check(false, (sum(&[("A", &["x", "y"]), ("B", &[])]), 0), (sum(&[("A", &["x"]), ("B", &["y"])]), 0));
    }

    #[test]
    fn all_built_in_types_differ() {
        let mut keys = type_keys(&TypeTable::default());
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn a_long_chain_and_a_wide_structure_take_no_deep_stack_and_no_doubling() {
        let chain = (0..50_000).map(|at| record(&format!("R{at}"), &[("next", own((at + 1) % 50_000))])).collect();
        assert_eq!(type_keys(&TypeTable::with_declared(chain)).len(), FIRST_DECLARED as usize + 50_000);
        let mut doubling = vec![record("R", &[("all", own(60))])];
        doubling.extend((0..60).map(|at| Type::Tuple(vec![own(at), own(at)])));
        assert_eq!(type_keys(&TypeTable::with_declared(doubling)).len(), FIRST_DECLARED as usize + 61);
    }
}
