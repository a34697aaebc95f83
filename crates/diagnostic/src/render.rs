//! A diagnostic as people read it.
//!
//! **Invariant:** a span that lies in no source, or between the bytes of a character, is moved and never trusted.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::{Diagnostic, Label, Severity};

impl Diagnostic {
    /// The line of its place, from 1.
    pub fn line(&self, source: &str) -> usize {
        line_of(source, self.primary.span.start)
    }

    /// The diagnostic as people read it: with the source line and the place marked in it.
    pub fn render(&self, file_name: &str, source: &str, colour: bool) -> String {
        let excerpt = Excerpt::around(source, &self.primary.span);
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut snippet = Snippet::source(excerpt.text)
            .line_start(excerpt.line)
            .path(file_name)
            .annotation(AnnotationKind::Primary.span(excerpt.shift(&self.primary.span)).label(self.primary.text.as_str()));
        let (near, far): (Vec<&Label>, Vec<&Label>) = self.secondary.iter().partition(|label| excerpt.holds(&label.span));
        for label in near {
            let annotation = AnnotationKind::Context.span(excerpt.shift(&label.span)).label(label.text.as_str());
            snippet = snippet.annotation(annotation);
        }
        let notes: Vec<String> =
            far.iter().map(|label| format!("{} in line {}", label.text, line_of(source, label.span.start))).collect();
        let mut group = level.primary_title(self.message.as_str()).id(self.code).element(snippet);
        group = group.elements(notes.iter().map(|note| Level::NOTE.message(note.as_str())));
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// The line of a byte, from 1.
fn line_of(source: &str, at: usize) -> usize {
    1 + source.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

/// Bytes before and behind a place that are shown or looked at, so that a diagnostic takes time by them and not by the
/// whole source. Of a longer line a part is shown.
const EXCERPT_BYTES: usize = 8 << 10;

/// The part of a source around a place.
struct Excerpt<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

impl<'a> Excerpt<'a> {
    fn around(source: &'a str, span: &Range<usize>) -> Self {
        let boundary = |at: usize| (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
        let low = boundary(span.start.saturating_sub(EXCERPT_BYTES));
        let high = boundary(span.end.min(span.start.saturating_add(EXCERPT_BYTES)).saturating_add(EXCERPT_BYTES));
        // Whole lines, where they fit.
        let whole = |at: &usize| *at <= span.start.min(source.len());
        let start = if low == 0 { 0 } else { after_newline(source, low).filter(whole).unwrap_or(low) };
        let end = source.get(..high).and_then(|before| before.rfind('\n')).filter(|at| *at >= span.end);
        let end = if high == source.len() { high } else { end.unwrap_or(high) };
        Excerpt { text: source.get(start..end).unwrap_or(""), start, line: line_of(source, start) }
    }

    /// Whether a place lies in it.
    fn holds(&self, span: &Range<usize>) -> bool {
        self.start <= span.start && span.end <= self.start + self.text.len()
    }

    /// The span in the excerpt, moved to character boundaries.
    fn shift(&self, span: &Range<usize>) -> Range<usize> {
        let boundary = |at: usize| {
            let at = at.saturating_sub(self.start).min(self.text.len());
            (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
        };
        let start = boundary(span.start);
        start..boundary(span.end).max(start)
    }
}

fn after_newline(source: &str, at: usize) -> Option<usize> {
    source.get(at..)?.find('\n').map(|length| at + length + 1)
}
