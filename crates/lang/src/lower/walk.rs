//! What is found by a look at all parts of bodies.

use crate::check::Checked;
use crate::parts::each_part;
use crate::thir::{Body, ExprKind, FnId, LocalId, PatKind};
use rustc_hash::FxHashSet;

/// The names of lists and maps that a body makes and never assigns.
pub(super) fn made_in(body: &Body) -> FxHashSet<LocalId> {
    let mut out = FxHashSet::default();
    each_part(&body.value, &mut |part| {
        if let ExprKind::Let(pat, value) = &part.kind
            && let PatKind::Bind(local) = &pat.kind
            && let ExprKind::List(_) | ExprKind::Map(_) = &value.kind
            && body.locals.get(local.0 as usize).is_some_and(|local| !local.is_var)
        {
            out.insert(*local);
        }
    });
    out
}

/// The functions that are called or used as values anywhere.
pub(super) fn called(checked: &Checked) -> FxHashSet<FnId> {
    let mut out = FxHashSet::default();
    let bodies = checked.fns.iter().chain(&checked.consts).chain(&checked.tests).flatten();
    for body in bodies {
        each_part(&body.value, &mut |part| {
            if let ExprKind::Call(id, _, _) | ExprKind::FnValue(id, _) = &part.kind {
                out.insert(*id);
            }
        });
    }
    out
}
