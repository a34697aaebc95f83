//! What not to tell: consequences of what was told.
//!
//! **Invariant:** where something is left out, an error was told in the same item.

use fardel_diagnostic::{Diagnostic, Severity, Sink};
use fardel_syntax::Code as Form;
use fardel_syntax::ast;
use std::ops::Range;

/// What the parser told, without consequences: the rest of an item behind a text that has no end, or behind what is nested
/// too deep, reads as something else, and so does the rest of a line behind a mistake of form.
pub(crate) fn without_consequences(told: Vec<Diagnostic>, source: &str, file: &ast::File<'_>) -> Vec<Diagnostic> {
    let mut out: Vec<Diagnostic> = Vec::new();
    // To where what begins behind the last mistake is in doubt: form alone, and all.
    let (mut line_end, mut item_end) = (0, 0);
    for one in told {
        let at = one.primary.span.start;
        // Two names in the wrong case are two mistakes.
        let is_other = out.last().is_some_and(|last| last.code != one.code || !is_one(&one, &[Form::WrongCase]));
        if is_other && (at <= item_end && !is_one(&one, SWALLOWING) || at < line_end && is_one(&one, OF_FORM)) {
            continue;
        }
        if one.severity == Severity::Error {
            line_end = source.get(at..).and_then(|rest| rest.find('\n')).map_or(source.len(), |length| at + length + 1);
        }
        if is_one(&one, SWALLOWING) {
            item_end = around(&one.primary.span, file).end;
        }
        out.push(one);
    }
    out
}

/// Mistakes behind which the rest of the item reads as something else.
const SWALLOWING: &[Form] = &[Form::Unterminated, Form::TooDeep];
/// Mistakes that others of form lead to.
const OF_FORM: &[Form] = &[Form::Syntax, Form::Unclosed, Form::Chained, Form::BadCharacter, Form::WrongCase];

fn is_one(told: &Diagnostic, of: &[Form]) -> bool {
    of.iter().any(|form| form.id() == told.code)
}

/// What the loader told of imports, without those that the parser could not read.
pub(crate) fn of_imports<'d>(told: &'d [Diagnostic], parsed: &'d [Diagnostic]) -> impl Iterator<Item = Diagnostic> + 'd {
    let is_read = |one: &&Diagnostic| !parsed.iter().any(|other| one.primary.span.contains(&other.primary.span.start));
    told.iter().filter(is_read).cloned()
}

/// What the checker told, without what stands in an item that the parser could not read.
pub(crate) fn beside(sink: Sink, parsed: &[Diagnostic], file: &ast::File<'_>) -> Sink {
    let of_parser = |code: &str| Form::ALL.iter().any(|known| known.id() == code);
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
    let mut items = file.items.iter().map(|item| item.span.range());
    items.rfind(|item| item.start <= place.start && place.start <= item.end).unwrap_or_else(|| place.clone())
}
