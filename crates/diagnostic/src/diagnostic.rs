//! A diagnostic as data.
//!
//! **Invariant:** it holds no reference to the source, so it may outlive it.

use std::ops::Range;

/// How grave a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The source is not taken.
    Error,
    /// The source is taken, but is probably not what was meant.
    Warning,
}

/// A place in the source and what is to be said there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Bytes of the source.
    pub span: Range<usize>,
    /// What is there.
    pub text: String,
}

/// One mistake, or what looks like one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What kind of mistake: its number in the table of codes.
    pub code: &'static str,
    /// What was seen and what was wanted.
    pub message: String,
    /// Where.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// What may help.
    pub hint: Option<String>,
}
