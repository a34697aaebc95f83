//! Decision trees: which arm takes a value, with each test made once.
//!
//! After Maranget, "Compiling Pattern Matching to Good Decision Trees" (2008): the first column in which the first row looks
//! at something is tested, and the rows are parted by it. The checker reads from the tree what is left out and which arms are
//! never reached; the code generator turns it into code.

use crate::program::{DefKind, Program};
use crate::thir::{LocalId, Pat, PatKind};
use crate::ty::{Kind, Ty};

/// A step from a value to a part of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Step {
    /// A component of a tuple, or a field of a record or object.
    Field(usize),
    /// A field of a variant: the variant, the field.
    Payload(usize, usize),
    /// What an option holds.
    Inside,
    /// An element of a list.
    Element(usize),
    /// The list from an element on.
    Rest(usize),
    /// The text from a byte on.
    TextRest(usize),
}

/// Where a part of the value is.
pub(crate) type Path = Vec<Step>;

/// What a part is compared with.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Test {
    Variant(usize),
    Bool(bool),
    Int(i64),
    /// From, to; both belong to it.
    Range(i64, i64),
    /// By its bits.
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    Prefix(String),
    /// A list of exactly so many elements.
    Length(usize),
    /// A list of at least so many.
    AtLeast(usize),
}

/// A decision tree.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// No arm takes it.
    Fail,
    /// An arm takes it, with what its names mean; where its condition does not hold it goes on with the other tree.
    Arm { arm: usize, binds: Vec<(LocalId, Path)>, otherwise: Option<Box<Tree>> },
    /// A part is looked at. The cases are tried in order; without a default they are all there are.
    Switch { at: Path, cases: Vec<(Test, Tree)>, default: Option<Box<Tree>> },
}

#[derive(Clone)]
struct Row<'p> {
    columns: Vec<(Path, &'p Pat)>,
    binds: Vec<(LocalId, Path)>,
    arm: usize,
    has_guard: bool,
}

/// The tree of these patterns, each with whether its arm has a condition. Of their types at least the heads are known.
pub(crate) fn decide(p: &Program<'_>, arms: &[(&Pat, bool)]) -> Tree {
    decide_within(p, arms).unwrap_or(Tree::Fail)
}

/// Columns of rows that are looked at for one tree: the alternatives of patterns can multiply.
const ROWS_MAX: usize = 500_000;

/// Rows that may still be looked at.
struct Budget(usize);

impl Budget {
    /// Takes some; false when there are not as many.
    fn take(&mut self, count: usize) -> bool {
        let left = self.0.checked_sub(count.max(1));
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// As [`decide`]; nothing when the tree would be too large.
pub(crate) fn decide_within(p: &Program<'_>, arms: &[(&Pat, bool)]) -> Option<Tree> {
    let mut budget = Budget(ROWS_MAX);
    let mut rows = Vec::new();
    for (arm, (pat, has_guard)) in arms.iter().enumerate() {
        let row = Row { columns: vec![(Vec::new(), *pat)], binds: Vec::new(), arm, has_guard: *has_guard };
        rows.extend(flatten(row, &mut budget));
    }
    let tree = tree(p, rows, &mut budget);
    (budget.0 > 0).then_some(tree)
}

/// Takes names and `_` out of a row's columns, and parts alternatives into rows of their own.
fn flatten<'p>(row: Row<'p>, budget: &mut Budget) -> Vec<Row<'p>> {
    if !budget.take(row.columns.len()) {
        return Vec::new();
    }
    let Row { columns, mut binds, arm, has_guard } = row;
    let mut kept: Vec<(Path, &Pat)> = Vec::new();
    let mut work: Vec<(Path, &Pat)> = columns.into_iter().rev().collect();
    while let Some((path, pat)) = work.pop() {
        match &pat.kind {
            PatKind::Any => {}
            PatKind::Bind(id) => binds.push((*id, path)),
            PatKind::As(id, inner) => {
                binds.push((*id, path.clone()));
                work.push((path, inner));
            }
            // Tuples and records have one shape, so their parts can be looked at at once.
            PatKind::Fields(parts) => {
                for (at, part) in parts.iter().enumerate().rev() {
                    let mut to = path.clone();
                    to.push(Step::Field(at));
                    work.push((to, part));
                }
            }
            PatKind::Or(alternatives) => {
                let rest: Vec<(Path, &Pat)> = kept.iter().cloned().chain(work.iter().rev().cloned()).collect();
                let mut rows = Vec::new();
                for one in alternatives {
                    let mut columns = vec![(path.clone(), one)];
                    columns.extend(rest.iter().cloned());
                    rows.extend(flatten(Row { columns, binds: binds.clone(), arm, has_guard }, budget));
                }
                return rows;
            }
            PatKind::Int(_)
            | PatKind::Float(_)
            | PatKind::Bool(_)
            | PatKind::Text(_)
            | PatKind::Bytes(_)
            | PatKind::Range(..)
            | PatKind::Prefix(..)
            | PatKind::Variant(..)
            | PatKind::List(..) => kept.push((path, pat)),
        }
    }
    vec![Row { columns: kept, binds, arm, has_guard }]
}

fn tree(p: &Program<'_>, rows: Vec<Row<'_>>, budget: &mut Budget) -> Tree {
    if !budget.take(rows.len()) {
        return Tree::Fail;
    }
    let Some(first) = rows.first() else { return Tree::Fail };
    let Some((at, pat)) = first.columns.first().cloned() else {
        let (arm, binds, has_guard) = (first.arm, first.binds.clone(), first.has_guard);
        let otherwise = has_guard.then(|| Box::new(tree(p, rows.into_iter().skip(1).collect(), budget)));
        return Tree::Arm { arm, binds, otherwise };
    };
    let mut tests: Vec<Test> = Vec::new();
    for row in &rows {
        if let Some((_, pat)) = row.columns.iter().find(|(path, _)| *path == at)
            && let Some(test) = test_of(pat)
            && !tests.contains(&test)
        {
            tests.push(test);
        }
    }
    order(&mut tests);
    let is_complete = complete(p, pat.ty, &tests);
    let mut cases = Vec::new();
    for test in tests {
        if !budget.take(rows.len() / 64) {
            break;
        }
        let mut kept = Vec::new();
        rows.iter().for_each(|row| kept.extend(with(p, row, &at, &test, budget)));
        cases.push((test, tree(p, kept, budget)));
    }
    let default = (!is_complete).then(|| {
        let rows = rows.iter().filter(|row| row.columns.iter().all(|(path, _)| *path != at)).cloned().collect();
        Box::new(tree(p, rows, budget))
    });
    Tree::Switch { at, cases, default }
}

/// What a pattern looks at first.
fn test_of(pat: &Pat) -> Option<Test> {
    Some(match &pat.kind {
        PatKind::Int(value) => Test::Int(*value),
        PatKind::Float(value) => Test::Float(value.to_bits()),
        PatKind::Bool(value) => Test::Bool(*value),
        PatKind::Text(value) => Test::Text(value.clone()),
        PatKind::Bytes(value) => Test::Bytes(value.clone()),
        PatKind::Range(from, to) => Test::Range(*from, *to),
        PatKind::Prefix(prefix, _) => Test::Prefix(prefix.clone()),
        PatKind::Variant(at, _) => Test::Variant(*at),
        PatKind::List(items, None) => Test::Length(items.len()),
        PatKind::List(items, Some(_)) => Test::AtLeast(items.len()),
        PatKind::Any | PatKind::Bind(_) | PatKind::As(..) | PatKind::Fields(_) | PatKind::Or(_) => return None,
    })
}

/// Puts tests that others imply before those: a value is of the first case whose test holds.
fn order(tests: &mut [Test]) {
    // Single numbers before ranges, whole texts before prefixes, longer prefixes before shorter, lengths before least lengths.
    tests.sort_by_key(|test| match test {
        Test::Variant(at) => (0, *at, 0),
        Test::Int(_) | Test::Bool(_) | Test::Float(_) | Test::Text(_) | Test::Bytes(_) => (0, 0, 0),
        Test::Length(length) => (0, *length, 0),
        Test::Range(from, to) => (1, 0, to.wrapping_sub(*from) as u64 as i128),
        Test::Prefix(prefix) => (1, usize::MAX - prefix.len(), 0),
        Test::AtLeast(length) => (1, usize::MAX - length, 0),
    });
}

/// What is left of a row where a test holds; nothing when it cannot match then.
fn with<'p>(p: &Program<'_>, row: &Row<'p>, at: &Path, test: &Test, budget: &mut Budget) -> Vec<Row<'p>> {
    let Some(place) = row.columns.iter().position(|(path, _)| path == at) else { return vec![row.clone()] };
    let mut row = row.clone();
    let (path, pat) = row.columns.remove(place);
    let step = |step: Step| {
        let mut to = path.clone();
        to.push(step);
        to
    };
    let goes = match (&pat.kind, test) {
        (PatKind::Variant(own, parts), Test::Variant(at)) => {
            if own != at {
                return Vec::new();
            }
            let is_option = is_option(p, pat.ty);
            for (number, part) in parts.iter().enumerate().rev() {
                let to = if is_option { step(Step::Inside) } else { step(Step::Payload(*at, number)) };
                row.columns.insert(place, (to, part));
            }
            true
        }
        (PatKind::Bool(own), Test::Bool(value)) => own == value,
        (PatKind::Int(own), Test::Int(value)) => own == value,
        (PatKind::Range(from, to), Test::Int(value)) => (from..=to).contains(&value),
        (PatKind::Range(from, to), Test::Range(own_from, own_to)) => {
            // A wider range holds for all of a narrower one; one that overlaps is still to be tested.
            if to < own_from || own_to < from {
                return Vec::new();
            }
            if !(from <= own_from && own_to <= to) {
                row.columns.insert(place, (path, pat));
            }
            true
        }
        (PatKind::Int(own), Test::Range(from, to)) => {
            // It was tested before all ranges, and is not this number.
            let _ = (own, from, to);
            false
        }
        (PatKind::Float(own), Test::Float(bits)) => own.to_bits() == *bits,
        (PatKind::Text(own), Test::Text(value)) => own == value,
        (PatKind::Bytes(own), Test::Bytes(value)) => own == value,
        (PatKind::Prefix(own, rest), Test::Text(value)) => {
            if !value.starts_with(own.as_str()) {
                return Vec::new();
            }
            row.binds.extend(rest.map(|id| (id, step(Step::TextRest(own.len())))));
            true
        }
        (PatKind::Prefix(own, rest), Test::Prefix(prefix)) if prefix.starts_with(own.as_str()) => {
            row.binds.extend(rest.map(|id| (id, step(Step::TextRest(own.len())))));
            true
        }
        (PatKind::List(items, rest), Test::Length(length)) => {
            let goes = if rest.is_some() { *length >= items.len() } else { *length == items.len() };
            if !goes {
                return Vec::new();
            }
            elements(&mut row, place, &path, items, rest);
            true
        }
        (PatKind::List(items, rest), Test::AtLeast(length)) => {
            match rest {
                // A list of one length was tested before.
                None => return Vec::new(),
                Some(_) if *length >= items.len() => elements(&mut row, place, &path, items, rest),
                Some(_) => return Vec::new(),
            }
            true
        }
        _ => false,
    };
    if goes { flatten(row, budget) } else { Vec::new() }
}

fn elements<'p>(row: &mut Row<'p>, place: usize, path: &Path, items: &'p [Pat], rest: &Option<Option<LocalId>>) {
    for (number, part) in items.iter().enumerate().rev() {
        let mut to = path.clone();
        to.push(Step::Element(number));
        row.columns.insert(place, (to, part));
    }
    if let Some(Some(id)) = rest {
        let mut to = path.clone();
        to.push(Step::Rest(items.len()));
        row.binds.push((*id, to));
    }
}

/// Whether a type is an option, whose part lies in the value itself.
fn is_option(p: &Program<'_>, ty: Ty) -> bool {
    matches!(p.types.kind(ty), Kind::Named(def, _) if *def == p.core.option)
}

/// Whether tests are all that values of a type can be.
fn complete(p: &Program<'_>, ty: Ty, tests: &[Test]) -> bool {
    match tests.first() {
        Some(Test::Variant(_)) => variants(p, ty) == Some(tests.len()),
        Some(Test::Bool(_)) => tests.len() == 2,
        Some(Test::Length(_) | Test::AtLeast(_)) => {
            // Every length is one of the exact ones, or at least the least.
            let least =
                tests.iter().filter_map(|test| if let Test::AtLeast(length) = test { Some(*length) } else { None }).min();
            least.is_some_and(|least| (0..least).all(|length| tests.contains(&Test::Length(length))))
        }
        Some(Test::Prefix(_)) => tests.iter().any(|test| matches!(test, Test::Prefix(prefix) if prefix.is_empty())),
        Some(Test::Range(..) | Test::Int(_)) => covers_all(tests),
        Some(Test::Float(_) | Test::Text(_) | Test::Bytes(_)) | None => false,
    }
}

fn covers_all(tests: &[Test]) -> bool {
    let mut ranges: Vec<(i64, i64)> = tests
        .iter()
        .filter_map(|test| match test {
            Test::Int(value) => Some((*value, *value)),
            Test::Range(from, to) => Some((*from, *to)),
            _ => None,
        })
        .collect();
    ranges.sort_unstable();
    let mut next = Some(i64::MIN);
    for (from, to) in ranges {
        match next {
            Some(at) if from <= at => next = if to >= at { to.checked_add(1) } else { Some(at) },
            Some(_) => return false,
            None => return true,
        }
    }
    next.is_none()
}

/// How many variants a type has, if it is a sum or option.
fn variants(p: &Program<'_>, ty: Ty) -> Option<usize> {
    let Kind::Named(def, _) = p.types.kind(ty) else { return None };
    if *def == p.core.option {
        return Some(2);
    }
    match &p.def(*def).kind {
        DefKind::Sum(variants) => Some(variants.len()),
        DefKind::Unknown | DefKind::Builtin | DefKind::Alias(_) | DefKind::Record(_) | DefKind::Object(_) => None,
    }
}

/// Values that no arm takes, as patterns; at most so many.
pub(crate) fn missing(p: &mut Program<'_>, tree: &Tree, ty: Ty, max: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut known = Vec::new();
    find_missing(p, tree, ty, &mut known, &mut out, max);
    out
}

/// What is known of a part: that a test holds, or that none of these does.
enum Fact {
    Is(Test),
    None(Vec<Test>),
}

fn find_missing(p: &mut Program<'_>, tree: &Tree, ty: Ty, known: &mut Vec<(Path, Fact)>, out: &mut Vec<String>, max: usize) {
    if out.len() >= max {
        return;
    }
    match tree {
        Tree::Fail => {
            for text in witness(p, &mut Vec::new(), ty, known, max) {
                if !out.contains(&text) && out.len() < max {
                    out.push(text);
                }
            }
        }
        Tree::Arm { otherwise, .. } => {
            if let Some(otherwise) = otherwise {
                find_missing(p, otherwise, ty, known, out, max);
            }
        }
        Tree::Switch { at, cases, default } => {
            for (test, tree) in cases {
                known.push((at.clone(), Fact::Is(test.clone())));
                find_missing(p, tree, ty, known, out, max);
                known.pop();
            }
            if let Some(default) = default {
                let tests = cases.iter().map(|(test, _)| test.clone()).collect();
                known.push((at.clone(), Fact::None(tests)));
                find_missing(p, default, ty, known, out, max);
                known.pop();
            }
        }
    }
}

/// Patterns for the part at a path, from what is known.
fn witness(p: &mut Program<'_>, at: &mut Path, ty: Ty, known: &[(Path, Fact)], max: usize) -> Vec<String> {
    if !known.iter().any(|(path, _)| path.starts_with(at)) {
        return vec!["_".to_owned()];
    }
    let facts: Vec<&Fact> = known.iter().filter(|(path, _)| path == at).map(|(_, fact)| fact).collect();
    let is = facts.iter().find_map(|fact| if let Fact::Is(test) = fact { Some(test.clone()) } else { None });
    let not: Vec<Test> =
        facts.iter().flat_map(|fact| if let Fact::None(tests) = fact { tests.clone() } else { Vec::new() }).collect();
    match p.types.kind(ty).clone() {
        Kind::Tuple(items) => {
            let parts = items.iter().enumerate().map(|(number, item)| part(p, at, Step::Field(number), *item, known));
            vec![format!("({})", parts.collect::<Vec<_>>().join(", "))]
        }
        Kind::Named(def, args) if def == p.core.option => match is {
            Some(Test::Variant(0)) => vec!["None".to_owned()],
            Some(Test::Variant(_)) => {
                vec![format!("Some({})", part(p, at, Step::Inside, args.first().copied().unwrap_or(ty), known))]
            }
            _ => {
                let all = [(0, "None"), (1, "Some(_)")];
                all.iter().filter(|(at, _)| !not.contains(&Test::Variant(*at))).map(|(_, text)| (*text).to_owned()).collect()
            }
        },
        Kind::Named(def, args) if def == p.core.list => match is {
            Some(Test::Length(length) | Test::AtLeast(length)) => {
                let item = args.first().copied().unwrap_or(ty);
                let parts: Vec<String> = (0..length).map(|number| part(p, at, Step::Element(number), item, known)).collect();
                vec![format!("[{}]", parts.join(", "))]
            }
            _ => {
                let length = (0..).find(|length| !not.contains(&Test::Length(*length))).unwrap_or(0);
                let parts = vec!["_"; length].join(", ");
                vec![if length == 0 { "[]".to_owned() } else { format!("[{parts}, ..]") }]
            }
        },
        Kind::Named(def, args) => {
            let (name, is_sum) = (p.def(def).name.to_owned(), matches!(p.def(def).kind, DefKind::Sum(_)));
            if is_sum {
                return sum_witness(p, at, def, &args, is.as_ref(), &not, known, max);
            }
            if let DefKind::Record(fields) | DefKind::Object(fields) = &p.def(def).kind {
                let fields: Vec<Ty> = fields.iter().map(|field| field.ty).collect();
                let parts = fields.iter().enumerate().map(|(number, field)| {
                    let ty = p.types.instantiate(*field, &args);
                    part(p, at, Step::Field(number), ty, known)
                });
                return vec![format!("{name}({})", parts.collect::<Vec<_>>().join(", "))];
            }
            vec![match (is, not.first()) {
                (Some(Test::Bool(value)), _) => value.to_string(),
                (None, Some(Test::Bool(value))) => (!value).to_string(),
                (Some(Test::Int(value)), _) => value.to_string(),
                (Some(Test::Range(from, to)), _) => format!("{from}..={to}"),
                (Some(Test::Text(text)), _) => format!("{text:?}"),
                (Some(Test::Prefix(text)), _) => format!("{text:?} + _"),
                _ => "_".to_owned(),
            }]
        }
        Kind::Error | Kind::Never | Kind::Fn(..) | Kind::Param(_) | Kind::Var(_) => vec!["_".to_owned()],
    }
}

/// The first pattern for a part of the part at a path.
fn part(p: &mut Program<'_>, at: &mut Path, step: Step, ty: Ty, known: &[(Path, Fact)]) -> String {
    at.push(step);
    let text = witness(p, at, ty, known, 1).into_iter().next().unwrap_or_else(|| "_".to_owned());
    at.pop();
    text
}

#[expect(clippy::too_many_arguments, reason = "they are what is known of one part")]
fn sum_witness(
    p: &mut Program<'_>,
    at: &mut Path,
    def: crate::ty::DefId,
    args: &[Ty],
    is: Option<&Test>,
    not: &[Test],
    known: &[(Path, Fact)],
    max: usize,
) -> Vec<String> {
    let DefKind::Sum(variants) = &p.def(def).kind else { return vec!["_".to_owned()] };
    let variants: Vec<(String, Vec<Ty>)> = variants
        .iter()
        .map(|variant| (variant.name.to_owned(), variant.fields.iter().map(|field| field.ty).collect()))
        .collect();
    let mut out = Vec::new();
    for (number, (name, fields)) in variants.iter().enumerate() {
        let fits = match is {
            Some(Test::Variant(own)) => *own == number,
            _ => !not.contains(&Test::Variant(number)),
        };
        if !fits || out.len() >= max {
            continue;
        }
        if fields.is_empty() {
            out.push(name.clone());
            continue;
        }
        let parts: Vec<String> = fields
            .iter()
            .enumerate()
            .map(|(field, ty)| {
                let ty = p.types.instantiate(*ty, args);
                part(p, at, Step::Payload(number, field), ty, known)
            })
            .collect();
        out.push(format!("{name}({})", parts.join(", ")));
    }
    out
}
