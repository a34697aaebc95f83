//! The formatter: one style, without options.
//!
//! Lines have 100 columns, levels 2 blanks. Comments stay where they are, empty lines too, one at a time. A list whose
//! elements stand in lines of their own ends in a comma, others do not.
//!
//! **Invariant:** the tokens are the same before and after, but for commas, line ends and semicolons, and formatting twice
//! changes nothing.

mod build;
mod doc;
mod gap;

use fardel_diagnostic::{Diagnostic, Severity, Sink};

use crate::kind::Kind;
use crate::lexer::{self, Token};
use crate::parse::parse;
use crate::tree::Tree;

/// Formats a file.
///
/// ```
/// let formatted = fardel_syntax::format("fn   f( x:Int )->Int{x*2}").unwrap();
/// assert_eq!(formatted, "fn f(x: Int) -> Int { x * 2 }\n");
/// ```
///
/// # Errors
/// What is wrong with the source: only one without errors is formatted.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let parsed = parse(source);
    if parsed.diagnostics.iter().any(|told| told.severity == Severity::Error) {
        return Err(parsed.diagnostics);
    }
    let formatted = write(&parsed.tree);
    // Whoever formats a file loses it when this is wrong, so it is looked at each time.
    let is_same = is_same(&parsed.tree, &formatted);
    debug_assert!(is_same, "the tokens changed: {formatted}");
    Ok(if is_same { formatted } else { source.to_owned() })
}

fn write(tree: &Tree<'_>) -> String {
    doc::print(&build::Build::new(tree).file())
}

/// Whether a text has the tokens of the tree, and its comments.
fn is_same(tree: &Tree<'_>, formatted: &str) -> bool {
    let lexed = lexer::lex(formatted, &mut Sink::default());
    let before = tree.tokens().iter().filter(counts).map(|token| (token.kind, tree.text(token.span).trim_end()));
    let text = |token: &Token| formatted.get(token.span.range()).unwrap_or("").trim_end();
    let after = lexed.tokens.iter().filter(counts).map(|token| (token.kind, text(token)));
    before.eq(after)
}

fn counts(token: &&Token) -> bool {
    !matches!(token.kind, Kind::Blank | Kind::LineBreak | Kind::Newline | Kind::Comma | Kind::Semicolon)
}

#[cfg(test)]
mod tests;
