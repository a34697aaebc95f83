//! What the assembler has to say about a source: errors and warnings with their place, and their rendering.
//!
//! **Invariant:** codes are stable; a retired one is never used again.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

macro_rules! codes {
    ($($number:literal $name:ident $doc:literal;)*) => {
        /// What kind of mistake a diagnostic is about.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {$(
            #[doc = $doc]
            $name,
        )*}

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as people quote it.
            pub const fn id(self) -> &'static str {
                match self { $(Code::$name => $number,)* }
            }

            /// What it means, in a sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(Code::$name => $doc,)* }
            }
        }
    };
}

codes! {
    "A0001" BadCharacter "A character that no part of assembly text begins with.";
    "A0002" Unterminated "A text, byte string, character or quoted name without its closing quote.";
    "A0003" BadEscape "An escape that texts do not have.";
    "A0004" BadNumber "A number that is malformed or does not fit 64 bits.";
    "A0005" Syntax "Something else is wanted at this place.";
    "A0006" UnknownItem "A line that begins no item.";
    "A0007" MissingEnd "A function without its `end`, or a list without its closing brace.";
    "A0008" UnknownInstruction "A mnemonic that the instruction set does not have.";
    "A0009" WrongOperand "An operand of another kind than the instruction has.";
    "A0010" UnknownType "A type that is neither built in nor declared.";
    "A0011" UnknownFunction "A function that is neither declared nor exported by an import.";
    "A0012" UnknownLocal "A local that the function does not declare.";
    "A0013" UnknownLabel "A label that the function does not have.";
    "A0014" UnknownMember "A field or variant that the type does not have.";
    "A0015" UnknownConstant "A constant that is not declared, or of another kind than wanted.";
    "A0016" UnknownHost "A host function that is not declared.";
    "A0017" Duplicate "A name that is declared twice.";
    "A0018" BadImport "An import that cannot be had, or is not what was pinned.";
    "A0019" MisplacedLocal "A `local` line behind the first instruction.";
    "A0020" TypeMismatch "An operand of another type than the instruction wants.";
    "A0021" Underflow "An instruction that wants more operands than the stack has.";
    "A0022" StackHeights "Two ways to a label that bring stacks of different heights.";
    "A0023" Unreachable "Code that no way leads to.";
    "A0024" Dropped "Instructions between an unconditional jump and the next label, which are left out.";
    "A0025" Unassigned "A local that may be read before it is assigned.";
    "A0026" MissingReturn "A function whose end is reached without `ret`.";
    "A0027" CannotInfer "A type that was left out and does not follow from the stack.";
    "A0028" TooLarge "More of something than a module may have.";
    "A0029" Cycle "A type that contains itself without end.";
    "A0030" BadRange "A handler or serve point that makes no sense.";
    "A0031" ArgumentCount "A number of arguments that is not the function's.";
    "A0032" Captures "A function with captured values where one without is wanted, or the reverse.";
    "A0033" WrongShape "A type of another shape than the instruction is for.";
    "A0034" Refused "A module that the verifier refuses.";
}

/// How grave a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// There is no module.
    Error,
    /// There is a module, but probably not the one that was meant.
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
    /// What kind of mistake.
    pub code: Code,
    /// What was seen and what was wanted.
    pub message: String,
    /// Where.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// What may help.
    pub hint: Option<String>,
}

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
        let mut group = level.primary_title(self.message.as_str()).id(self.code.id()).element(snippet);
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

/// Errors of a run that are told; a source with more has other troubles.
const ERRORS_MAX: usize = 50;
/// Warnings of a run that are told.
const WARNINGS_MAX: usize = 50;

/// Collects the diagnostics of a run.
#[derive(Default)]
pub(crate) struct Sink {
    list: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Sink {
    /// Takes a diagnostic; over the limits it is only counted.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
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
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether nothing more would be told, so that going on is of no use.
    pub(crate) fn is_full(&self) -> bool {
        self.errors > ERRORS_MAX
    }

    /// Everything told, in the order of the source.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| (diagnostic.primary.span.start, diagnostic.severity));
        self.list
    }
}

/// A diagnostic was told; whoever gets this only has to find a place to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Told;

/// A place in the source as the assembler keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// From the start of this one to the end of `other`.
    pub(crate) fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end.max(self.start) }
    }

    /// As a range of bytes.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Builds a diagnostic step by step.
pub(crate) struct Report(Diagnostic);

impl Report {
    /// An error with this message.
    pub(crate) fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Report::new(Severity::Error, code, span, message)
    }

    /// A warning with this message.
    pub(crate) fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Report::new(Severity::Warning, code, span, message)
    }

    fn new(severity: Severity, code: Code, span: Span, message: impl Into<String>) -> Self {
        let primary = Label { span: span.range(), text: String::new() };
        Report(Diagnostic { severity, code, message: message.into(), primary, secondary: Vec::new(), hint: None })
    }

    /// What is said at the place itself.
    pub(crate) fn label(mut self, text: impl Into<String>) -> Self {
        self.0.primary.text = text.into();
        self
    }

    /// Another place that explains it.
    pub(crate) fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.0.secondary.push(Label { span: span.range(), text: text.into() });
        self
    }

    /// What may help.
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.0.hint = Some(text.into());
        self
    }

    /// What may help, if anything.
    pub(crate) fn maybe_hint(mut self, text: Option<String>) -> Self {
        self.0.hint = text;
        self
    }

    /// Tells it.
    pub(crate) fn tell(self, sink: &mut Sink) -> Told {
        sink.push(self.0);
        Told
    }
}
