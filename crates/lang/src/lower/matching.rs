//! Patterns: decision trees as code.
//!
//! **Invariant:** each part of a value is read at most once on a way through a tree, and only when something asks for it.

use super::code::{Label, Slot, float_text, quoted, quoted_bytes};
use super::frame::{Binding, Frame, Want};
use super::types::Shape;
use crate::check::decision::{Path, Step, Test, Tree, decide};
use crate::thir::{Arm, Expr, ExprKind, LocalId, Pat, PatKind};
use crate::ty::{Ty, UNIT};

/// A part of the value that is in a local.
#[derive(Clone)]
struct Known {
    path: Path,
    slot: Slot,
    ty: Ty,
    /// Whether the local is one that the program may assign.
    is_var: bool,
}

/// An arm that several ways lead to.
#[derive(Clone, Copy)]
struct Shared {
    label: Label,
    is_written: bool,
}

/// Patterns on their way to code.
pub(super) struct Match<'c> {
    arms: Vec<(&'c Pat, Option<&'c Expr>, Option<&'c Expr>)>,
    want: Want,
    /// Where a value goes that no arm takes.
    pub(super) fail: Option<Label>,
    /// Where arms go when they are done, if not behind.
    pub(super) end: Option<Label>,
    /// Whether the message that was looked at is taken by the arm.
    pub(super) takes: bool,
    known: Vec<Known>,
    /// Where the bodies of arms stand that several trees have.
    pub(super) elsewhere: Vec<Option<Label>>,
    leaves: Vec<usize>,
    shared: Vec<Option<Shared>>,
}

impl<'c> Match<'c> {
    /// Patterns with their guards and bodies; what a pattern without a body binds is there afterwards.
    pub(super) fn new(arms: Vec<(&'c Pat, Option<&'c Expr>, Option<&'c Expr>)>, want: Want) -> Self {
        let count = arms.len();
        Match {
            arms,
            want,
            fail: None,
            end: None,
            takes: false,
            known: Vec::new(),
            elsewhere: vec![None; count],
            leaves: vec![0; count],
            shared: vec![None; count],
        }
    }

    pub(super) fn of_arms(arms: impl Iterator<Item = &'c Arm>, want: Want) -> Self {
        Match::new(arms.map(|arm| (&arm.pat, arm.guard.as_ref(), Some(&arm.body))).collect(), want)
    }

    /// Says that a part of the value is in a local.
    pub(super) fn knows(&mut self, path: Path, slot: Slot, ty: Ty) {
        self.known.push(Known { path, slot, ty, is_var: false });
    }

    /// Whether what is bound outlives the tree.
    fn binds_behind(&self) -> bool {
        self.arms.iter().any(|(_, _, body)| body.is_none())
    }
}

impl<'c, 'a> Frame<'_, 'c, 'a> {
    pub(super) fn match_(&mut self, value: &'c Expr, arms: &'c [Arm], want: Want) {
        let scope = self.code.open_scope();
        let mut matching = Match::of_arms(arms.iter(), want);
        self.match_value(&mut matching, value);
        self.code.close_scope(scope);
    }

    /// Matches a value, of which a tuple as written is never made.
    pub(super) fn match_value(&mut self, matching: &mut Match<'c>, value: &'c Expr) {
        let tree = self.decide(matching);
        if let ExprKind::Tuple(items) = &value.kind
            && !asks_for_all(&tree)
        {
            let is_plain = items.iter().all(|item| super::is_plain(&item.kind));
            for (at, item) in items.iter().enumerate() {
                let known = self.looked_at(vec![Step::Field(at)], item, is_plain);
                matching.known.push(known);
            }
        } else {
            let known = self.looked_at(Vec::new(), value, true);
            matching.known.push(known);
        }
        self.whole_tree(matching, &tree);
    }

    /// A value that is looked at, in a local; in that of the program itself where nothing changes it in between.
    fn looked_at(&mut self, path: Path, value: &'c Expr, is_plain: bool) -> Known {
        let ty = self.ty(value);
        match self.slot_of(value).filter(|_| is_plain) {
            Some(slot) => Known { path, slot, ty, is_var: self.is_var_local(value) },
            None => Known { path, slot: self.stable(value, "value"), ty, is_var: false },
        }
    }

    fn is_var_local(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Local(local) if self.is_var(*local))
    }

    /// Matches what is known already.
    pub(super) fn match_known(&mut self, matching: &mut Match<'c>) {
        let tree = self.decide(matching);
        self.whole_tree(matching, &tree);
    }

    fn decide(&mut self, matching: &Match<'c>) -> Tree {
        let pats: Vec<(Pat, bool)> =
            matching.arms.iter().map(|(pat, guard, _)| (self.concrete_pat(pat), guard.is_some())).collect();
        let rows: Vec<(&Pat, bool)> = pats.iter().map(|(pat, guard)| (pat, *guard)).collect();
        decide(self.l.p, &rows)
    }

    /// The pattern with types in which everything is known.
    fn concrete_pat(&mut self, pat: &Pat) -> Pat {
        let ty = self.concrete(pat.ty);
        let mut all = |pats: &[Pat]| pats.iter().map(|pat| self.concrete_pat(pat)).collect::<Vec<_>>();
        let kind = match &pat.kind {
            PatKind::Fields(pats) => PatKind::Fields(all(pats)),
            PatKind::Variant(variant, pats) => PatKind::Variant(*variant, all(pats)),
            PatKind::List(pats, rest) => PatKind::List(all(pats), *rest),
            PatKind::Or(pats) => PatKind::Or(all(pats)),
            PatKind::As(local, inner) => PatKind::As(*local, Box::new(self.concrete_pat(inner))),
            PatKind::Any
            | PatKind::Bind(_)
            | PatKind::Int(_)
            | PatKind::Float(_)
            | PatKind::Bool(_)
            | PatKind::Text(_)
            | PatKind::Bytes(_)
            | PatKind::Range(..)
            | PatKind::Prefix(..) => pat.kind.clone(),
        };
        Pat { kind, ty, span: pat.span }
    }

    fn whole_tree(&mut self, matching: &mut Match<'c>, tree: &Tree) {
        count_leaves(tree, &mut matching.leaves);
        let mut binds = vec![Vec::new(); matching.arms.len()];
        names(tree, &mut binds);
        for (at, leaves) in matching.leaves.clone().into_iter().enumerate() {
            if leaves > 1 {
                for local in binds.get(at).into_iter().flatten() {
                    self.own_slot(*local);
                }
                let label = self.code.label();
                if let Some(shared) = matching.shared.get_mut(at) {
                    *shared = Some(Shared { label, is_written: false });
                }
            }
        }
        let behind = matching.end.is_none();
        let end = matching.end.unwrap_or_else(|| self.code.label());
        matching.end = Some(end);
        let height = self.code.height;
        self.tree(matching, tree);
        self.code.height = height;
        if behind {
            self.code.bind(end);
        }
    }

    /// A part of a tree. What it finds out about the value is forgotten behind it.
    fn tree(&mut self, matching: &mut Match<'c>, tree: &Tree) {
        let (known, scope, height) = (matching.known.len(), self.code.open_scope(), self.code.height);
        match tree {
            Tree::Fail => match matching.fail {
                Some(fail) => self.code.jump("jmp", fail),
                None => {
                    self.code.op("push \"no arm matches\"");
                    self.code.op("panic");
                }
            },
            Tree::Arm { arm, binds, otherwise } => self.leaf(matching, *arm, binds, otherwise.as_deref()),
            Tree::Switch { at, cases, default } => self.cases(matching, at, cases, default.as_deref()),
        }
        matching.known.truncate(known);
        self.code.height = height;
        if !matching.binds_behind() {
            self.code.close_scope(scope);
        }
    }

    fn leaf(&mut self, matching: &mut Match<'c>, arm: usize, binds: &[(LocalId, Path)], otherwise: Option<&Tree>) {
        let Some((_, guard, body)) = matching.arms.get(arm).copied() else { return };
        let shared = matching.shared.get(arm).copied().flatten();
        for (local, path) in binds {
            let known = self.part(matching, path);
            match (shared.and_then(|_| self.binding(*local)), known.is_var || self.is_var(*local)) {
                (Some(Binding::Slot(own)), _) => {
                    self.code.load(known.slot);
                    self.code.store(own);
                }
                (_, true) => {
                    let own = self.own_slot(*local);
                    self.code.load(known.slot);
                    self.code.store(own);
                }
                (_, false) => self.bind(*local, Binding::Slot(known.slot)),
            }
        }
        let no = self.code.label();
        if let Some(guard) = guard {
            self.jump(guard, false, no);
        }
        self.arm_body(matching, arm, shared, body);
        if guard.is_some() {
            self.code.bind(no);
            if let Some(otherwise) = otherwise {
                self.tree(matching, otherwise);
            } else {
                self.tree(matching, &Tree::Fail);
            }
        }
    }

    fn arm_body(&mut self, matching: &mut Match<'c>, arm: usize, shared: Option<Shared>, body: Option<&'c Expr>) {
        if let Some(Shared { label, is_written }) = shared {
            if is_written {
                return self.code.jump("jmp", label);
            }
            self.code.bind(label);
            if let Some(Some(shared)) = matching.shared.get_mut(arm) {
                shared.is_written = true;
            }
        }
        if matching.takes {
            self.code.op("select_take");
        }
        if let Some(label) = matching.elsewhere.get(arm).copied().flatten() {
            return self.code.jump("jmp", label);
        }
        let height = self.code.height;
        if let Some(body) = body {
            self.expr(body, matching.want);
        }
        self.code.height = height;
        if let Some(end) = matching.end
            && matching.want != Want::Tail
        {
            self.code.jump("jmp", end);
        }
    }

    /// A part of the value, in a local.
    fn part(&mut self, matching: &mut Match<'c>, path: &[Step]) -> Known {
        if let Some(known) = matching.known.iter().rev().find(|known| known.path == path) {
            return known.clone();
        }
        let Some((step, before)) = path.split_last() else {
            // The value is a tuple as written, of which the tree does not ask for the whole.
            let slot = self.slot("unit", UNIT);
            return Known { path: Vec::new(), slot, ty: UNIT, is_var: false };
        };
        let whole = self.part(matching, before);
        self.code.load(whole.slot);
        let ty = self.take_step(step, whole.ty);
        let slot = self.slot("part", ty);
        self.code.store(slot);
        let known = Known { path: path.to_vec(), slot, ty, is_var: false };
        matching.known.push(known.clone());
        known
    }

    /// From the value on the stack to a part of it; the part's type.
    fn take_step(&mut self, step: &Step, ty: Ty) -> Ty {
        let nth = |types: Vec<Ty>, at: usize| types.get(at).copied().unwrap_or(UNIT);
        match step {
            Step::Field(at) => {
                self.read_field(ty, *at);
                nth(self.l.field_types(ty, None), *at)
            }
            Step::Payload(variant, at) => {
                let operand = self.l.payload_operand(ty, *variant, *at);
                self.code.op(format!("payload {operand}"));
                nth(self.l.field_types(ty, Some(*variant)), *at)
            }
            Step::Inside => {
                let text = self.l.asm_type(ty);
                self.code.op(format!("unwrap {text}"));
                if let Shape::Option(inner) = self.l.shape(ty) { inner } else { UNIT }
            }
            Step::Element(at) => {
                self.code.op(format!("push {at}"));
                self.code.op("get");
                if let Shape::List(item) = self.l.shape(ty) { item } else { UNIT }
            }
            Step::Rest(from) | Step::TextRest(from) => {
                let slot = self.slot("whole", ty);
                self.code.store(slot);
                self.code.load(slot);
                self.code.op(format!("push {from}"));
                self.code.load(slot);
                self.code.op("len");
                self.code.op("slice");
                ty
            }
        }
    }

    fn cases(&mut self, matching: &mut Match<'c>, at: &Path, cases: &[(Test, Tree)], default: Option<&Tree>) {
        let known = self.part(matching, at);
        if let ([(_, only)], None) = (cases, default) {
            return self.tree(matching, only);
        }
        let Some((first, _)) = cases.first() else {
            return self.tree(matching, default.unwrap_or(&Tree::Fail));
        };
        match (first, self.l.shape(known.ty)) {
            (Test::Variant(_), Shape::Option(inner)) => self.option_cases(matching, at, &known, inner, cases, default),
            (Test::Variant(_), _) if cases.len() + usize::from(default.is_some()) > 2 => {
                self.variant_cases(matching, &known, cases, default);
            }
            (Test::Int(_), _) if dense(cases).is_some() => self.int_cases(matching, &known, cases, default),
            (_, _) => self.tests(matching, &known, cases, default),
        }
    }

    fn option_cases(
        &mut self,
        matching: &mut Match<'c>,
        at: &Path,
        known: &Known,
        inner: Ty,
        cases: &[(Test, Tree)],
        default: Option<&Tree>,
    ) {
        let find = |variant: usize| cases.iter().find(|(test, _)| *test == Test::Variant(variant)).map(|(_, tree)| tree);
        let none = find(0).or(default).unwrap_or(&Tree::Fail);
        let some = find(1).or(default).unwrap_or(&Tree::Fail);
        let label = self.fail_label(matching, none).unwrap_or_else(|| self.code.label());
        self.code.load(known.slot);
        let path: Path = at.iter().cloned().chain([Step::Inside]).collect();
        let scope = self.code.open_scope();
        let mark = matching.known.len();
        if let (Tree::Fail, Some(fail)) = (some, matching.fail) {
            self.code.op("is_null");
            self.code.jump("jmp_unless", fail);
            return self.tree(matching, none);
        }
        if asks_for(some, &path) {
            self.code.jump("jmp_if_null", label);
            let slot = self.slot("inside", inner);
            self.code.store(slot);
            matching.known.push(Known { path, slot, ty: inner, is_var: false });
        } else {
            self.code.op("is_null");
            self.code.jump("jmp_if", label);
        }
        self.tree(matching, some);
        matching.known.truncate(mark);
        if !matching.binds_behind() {
            self.code.close_scope(scope);
        }
        if self.fail_label(matching, none).is_none() {
            self.code.bind(label);
            self.tree(matching, none);
        }
    }

    /// Where a tree leads that only fails.
    fn fail_label(&self, matching: &Match<'c>, tree: &Tree) -> Option<Label> {
        if let Tree::Fail = tree { matching.fail } else { None }
    }

    /// A jump table over the variants. What the last one leads to stands right behind it.
    fn variant_cases(&mut self, matching: &mut Match<'c>, known: &Known, cases: &[(Test, Tree)], default: Option<&Tree>) {
        let count = self.l.variants(known.ty).len();
        let mut trees: Vec<Option<&Tree>> = vec![default; count];
        for (test, tree) in cases {
            if let Test::Variant(variant) = test
                && let Some(slot) = trees.get_mut(*variant)
            {
                *slot = Some(tree);
            }
        }
        let text = self.l.asm_type(known.ty);
        self.code.load(known.slot);
        self.code.op(format!("tag {text}"));
        self.table(matching, &trees);
    }

    /// A jump table to trees, the number on the stack.
    fn table(&mut self, matching: &mut Match<'c>, trees: &[Option<&Tree>]) {
        let mut labels: Vec<(Label, &Tree)> = Vec::new();
        let mut targets = Vec::new();
        for tree in trees {
            let tree = tree.unwrap_or(&Tree::Fail);
            let label = match (self.fail_label(matching, tree), labels.iter().find(|(_, known)| std::ptr::eq(*known, tree)))
            {
                (Some(fail), _) => fail,
                (None, Some((label, _))) => *label,
                (None, None) => {
                    let label = self.code.label();
                    labels.push((label, tree));
                    label
                }
            };
            targets.push(label);
        }
        let last = targets.last().copied();
        while targets.last().copied() == last && targets.len() > 1 {
            targets.pop();
        }
        self.code.switch(targets);
        if let Some(last) = last {
            match labels.iter().position(|(label, _)| *label == last) {
                Some(at) => {
                    let (label, tree) = labels.remove(at);
                    self.code.bind(label);
                    self.tree(matching, tree);
                }
                None => self.code.jump("jmp", last),
            }
        }
        for (label, tree) in labels {
            self.code.bind(label);
            self.tree(matching, tree);
        }
    }

    fn int_cases(&mut self, matching: &mut Match<'c>, known: &Known, cases: &[(Test, Tree)], default: Option<&Tree>) {
        let Some((least, count)) = dense(cases) else { return };
        let mut trees: Vec<Option<&Tree>> = vec![default; count + 1];
        for (test, tree) in cases {
            if let Test::Int(value) = test
                && let Ok(at) = usize::try_from(value.wrapping_sub(least))
                && let Some(slot) = trees.get_mut(at)
            {
                *slot = Some(tree);
            }
        }
        self.code.load(known.slot);
        if least != 0 {
            self.code.op(format!("push {least}"));
            self.code.op("sub_wrap");
        }
        self.table(matching, &trees);
    }

    /// Tests one behind the other.
    fn tests(&mut self, matching: &mut Match<'c>, known: &Known, cases: &[(Test, Tree)], default: Option<&Tree>) {
        for (at, (test, tree)) in cases.iter().enumerate() {
            let is_last = at + 1 == cases.len();
            if is_last && default.is_none() {
                return self.tree(matching, tree);
            }
            let failing = if is_last { default.and_then(|tree| self.fail_label(matching, tree)) } else { None };
            let next = failing.unwrap_or_else(|| self.code.label());
            self.test(test, known, next);
            self.tree(matching, tree);
            if failing.is_some() {
                return;
            }
            self.code.bind(next);
        }
        self.tree(matching, default.unwrap_or(&Tree::Fail));
    }

    /// Jumps when a part is not what it is compared with.
    fn test(&mut self, test: &Test, known: &Known, no: Label) {
        let compare = |frame: &mut Self, literal: String, op: &'static str| {
            frame.code.load(known.slot);
            frame.code.op(format!("push {literal}"));
            frame.code.op(op);
            frame.code.jump("jmp_if", no);
        };
        match test {
            Test::Variant(variant) => {
                let text = self.l.asm_type(known.ty);
                self.code.load(known.slot);
                self.code.op(format!("tag {text}"));
                self.code.op(format!("push {variant}"));
                self.code.op("ne");
                self.code.jump("jmp_if", no);
            }
            Test::Bool(value) => {
                self.code.load(known.slot);
                self.code.jump(if *value { "jmp_unless" } else { "jmp_if" }, no);
            }
            Test::Int(value) => compare(self, value.to_string(), "ne"),
            Test::Range(from, to) => {
                if *from > i64::MIN {
                    compare(self, from.to_string(), "lt");
                }
                if *to < i64::MAX {
                    compare(self, to.to_string(), "gt");
                }
            }
            Test::Float(bits) => compare(self, float_text(f64::from_bits(*bits)), "ne"),
            Test::Text(text) => compare(self, quoted(text), "ne"),
            Test::Bytes(bytes) => compare(self, quoted_bytes(bytes), "ne"),
            Test::Prefix(prefix) => self.test_prefix(prefix, known, no),
            Test::Length(count) | Test::AtLeast(count) => {
                self.code.load(known.slot);
                self.code.op("len");
                self.code.op(format!("push {count}"));
                self.code.op(if matches!(test, Test::Length(_)) { "ne" } else { "lt" });
                self.code.jump("jmp_if", no);
            }
        }
    }

    /// Jumps when a text does not begin so: its first bytes are compared, then, where there are many, the whole.
    fn test_prefix(&mut self, prefix: &str, known: &Known, no: Label) {
        const BYTES: usize = 16;
        self.code.load(known.slot);
        self.code.op("len");
        self.code.op(format!("push {}", prefix.len()));
        self.code.op("lt");
        self.code.jump("jmp_if", no);
        for (at, byte) in prefix.bytes().take(BYTES).enumerate() {
            self.code.load(known.slot);
            self.code.op(format!("push {at}"));
            self.code.op("byte_at");
            self.code.op(format!("push {byte}"));
            self.code.op("ne");
            self.code.jump("jmp_if", no);
        }
        if prefix.len() > BYTES {
            let yes = self.code.label();
            self.code.load(known.slot);
            self.code.op(format!("push {}", quoted(prefix)));
            self.code.op("push 0");
            self.code.op("find");
            self.code.jump("jmp_if_null", no);
            self.code.op("push 0");
            self.code.op("ne");
            self.code.jump("jmp_if", no);
            self.code.bind(yes);
        }
    }
}

/// The least of integers that lie close to each other, and how many there are from it to the greatest.
fn dense(cases: &[(Test, Tree)]) -> Option<(i64, usize)> {
    const CASES_MIN: usize = 4;
    let values: Option<Vec<i64>> =
        cases.iter().map(|(test, _)| if let Test::Int(value) = test { Some(*value) } else { None }).collect();
    let values = values.filter(|values| values.len() >= CASES_MIN)?;
    let (least, greatest) = (values.iter().min()?, values.iter().max()?);
    let count = usize::try_from(greatest.checked_sub(*least)?).ok()?.checked_add(1)?;
    (count <= values.len() * 3 + 8).then_some((*least, count))
}

fn count_leaves(tree: &Tree, leaves: &mut [usize]) {
    match tree {
        Tree::Fail => {}
        Tree::Arm { arm, otherwise, .. } => {
            leaves.get_mut(*arm).into_iter().for_each(|count| *count += 1);
            otherwise.iter().for_each(|tree| count_leaves(tree, leaves));
        }
        Tree::Switch { cases, default, .. } => {
            cases.iter().for_each(|(_, tree)| count_leaves(tree, leaves));
            default.iter().for_each(|tree| count_leaves(tree, leaves));
        }
    }
}

/// The names that each arm binds.
fn names(tree: &Tree, out: &mut [Vec<LocalId>]) {
    match tree {
        Tree::Fail => {}
        Tree::Arm { arm, binds, otherwise } => {
            if let Some(own) = out.get_mut(*arm) {
                for (local, _) in binds {
                    if !own.contains(local) {
                        own.push(*local);
                    }
                }
            }
            otherwise.iter().for_each(|tree| names(tree, out));
        }
        Tree::Switch { cases, default, .. } => {
            cases.iter().for_each(|(_, tree)| names(tree, out));
            default.iter().for_each(|tree| names(tree, out));
        }
    }
}

/// Whether a tree asks for a part, or for something in it.
fn asks_for(tree: &Tree, path: &[Step]) -> bool {
    match tree {
        Tree::Fail => false,
        Tree::Arm { binds, otherwise, .. } => {
            binds.iter().any(|(_, at)| at.starts_with(path)) || otherwise.as_ref().is_some_and(|tree| asks_for(tree, path))
        }
        Tree::Switch { at, cases, default } => {
            at.starts_with(path)
                || cases.iter().any(|(_, tree)| asks_for(tree, path))
                || default.as_ref().is_some_and(|tree| asks_for(tree, path))
        }
    }
}

/// Whether a tree asks for the whole value.
fn asks_for_all(tree: &Tree) -> bool {
    match tree {
        Tree::Fail => false,
        Tree::Arm { binds, otherwise, .. } => {
            binds.iter().any(|(_, at)| at.is_empty()) || otherwise.as_ref().is_some_and(|tree| asks_for_all(tree))
        }
        Tree::Switch { at, cases, default } => {
            at.is_empty()
                || cases.iter().any(|(_, tree)| asks_for_all(tree))
                || default.as_ref().is_some_and(|tree| asks_for_all(tree))
        }
    }
}
