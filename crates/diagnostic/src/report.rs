//! Building diagnostics and collecting those of a run.
//!
//! **Invariant:** a run tells no more than a fixed number, however much is wrong.

use std::ops::Range;

use crate::{Diagnostic, Label, Severity};

/// Errors of a run that are told; a source with more has other troubles.
const ERRORS_MAX: usize = 50;
/// Warnings of a run that are told.
const WARNINGS_MAX: usize = 50;

/// Collects the diagnostics of a run.
#[derive(Clone, Default, Debug)]
pub struct Sink {
    list: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Sink {
    /// Takes a diagnostic; over the limits it is only counted.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let (count, max) = match diagnostic.severity {
            Severity::Error => (&mut self.errors, ERRORS_MAX),
            Severity::Warning => (&mut self.warnings, WARNINGS_MAX),
        };
        *count += 1;
        if *count <= max {
            self.list.push(diagnostic);
        }
    }

    /// Whether there was an error.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether nothing more would be told, so that going on is of no use.
    pub fn is_full(&self) -> bool {
        self.errors > ERRORS_MAX
    }

    /// Everything told, in the order of the source.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| (diagnostic.primary.span.start, diagnostic.severity));
        self.list
    }
}

/// A diagnostic was told; whoever gets this only has to find a place to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told;

/// Builds a diagnostic step by step.
#[derive(Clone, Debug)]
#[must_use]
pub struct Report(Box<Diagnostic>);

impl Report {
    /// An error with this message.
    pub fn error(code: impl Into<&'static str>, span: impl Into<Range<usize>>, message: impl Into<String>) -> Self {
        Report::new(Severity::Error, code.into(), span.into(), message.into())
    }

    /// A warning with this message.
    pub fn warning(code: impl Into<&'static str>, span: impl Into<Range<usize>>, message: impl Into<String>) -> Self {
        Report::new(Severity::Warning, code.into(), span.into(), message.into())
    }

    fn new(severity: Severity, code: &'static str, span: Range<usize>, message: String) -> Self {
        let primary = Label { span, text: String::new() };
        Report(Box::new(Diagnostic { severity, code, message, primary, secondary: Vec::new(), hint: None }))
    }

    /// What is said at the place itself.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.0.primary.text = text.into();
        self
    }

    /// Another place that explains it.
    pub fn also(mut self, span: impl Into<Range<usize>>, text: impl Into<String>) -> Self {
        self.0.secondary.push(Label { span: span.into(), text: text.into() });
        self
    }

    /// What may help.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.0.hint = Some(text.into());
        self
    }

    /// What may help, if anything.
    pub fn maybe_hint(mut self, text: Option<String>) -> Self {
        self.0.hint = text;
        self
    }

    /// Tells it.
    pub fn tell(self, sink: &mut Sink) -> Told {
        sink.push(*self.0);
        Told
    }
}
