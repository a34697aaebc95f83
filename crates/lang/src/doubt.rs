//! What not to tell: consequences of what was told.
//!
//! **Invariant:** where something is left out, an error was told in the same item.

use fardel_diagnostic::{Diagnostic, Severity, Sink};
use fardel_syntax::ast;
use std::ops::Range;

/// What the parser told, without what follows from a text that has no end, or from what is nested too deep: the rest of the
/// item reads as something else.
pub(crate) fn without_consequences(told: Vec<Diagnostic>, file: &ast::File<'_>) -> Vec<Diagnostic> {
    let swallows =
        |one: &Diagnostic| [fardel_syntax::Code::Unterminated.id(), fardel_syntax::Code::TooDeep.id()].contains(&one.code);
    let ends: Vec<Range<usize>> = told
        .iter()
        .filter(|one| swallows(one))
        .map(|one| one.primary.span.start..around(&one.primary.span, file).end)
        .collect();
    let follows = |one: &Diagnostic| {
        !swallows(one) && ends.iter().any(|end| end.start <= one.primary.span.start && one.primary.span.start <= end.end)
    };
    told.into_iter().filter(|one| !follows(one)).collect()
}

/// What the loader told of imports, without those that the parser could not read.
pub(crate) fn of_imports<'d>(told: &'d [Diagnostic], parsed: &'d [Diagnostic]) -> impl Iterator<Item = Diagnostic> + 'd {
    let is_read = |one: &&Diagnostic| !parsed.iter().any(|other| one.primary.span.contains(&other.primary.span.start));
    told.iter().filter(is_read).cloned()
}

/// What the checker told, without what stands in an item that the parser could not read.
pub(crate) fn beside(sink: Sink, parsed: &[Diagnostic], file: &ast::File<'_>) -> Sink {
    let of_parser = |code: &str| fardel_syntax::Code::ALL.iter().any(|known| known.id() == code);
    let broken: Vec<Range<usize>> = parsed
        .iter()
        .filter(|one| one.severity == Severity::Error && of_parser(one.code))
        .map(|one| around(&one.primary.span, file))
        .collect();
    if broken.is_empty() {
        return sink;
    }
    let mut out = Sink::default();
    for one in sink.finish() {
        let at = one.primary.span.start;
        if !broken.iter().any(|item| item.start <= at && at <= item.end) {
            out.push(one);
        }
    }
    out
}

/// The item around a place; outside of items the place itself.
fn around(place: &Range<usize>, file: &ast::File<'_>) -> Range<usize> {
    let items = file.items.iter().map(|item| item.span.range());
    items.rev().find(|item| item.start <= place.start && place.start <= item.end).unwrap_or_else(|| place.clone())
}
