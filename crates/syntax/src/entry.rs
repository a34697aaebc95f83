//! Reading what is typed at the prompt.
//!
//! **Invariant:** an entry that needs more is told no mistakes that the rest of it may mend.

use fardel_diagnostic::{Diagnostic, Sink};

use crate::ast::{Item, Stmt, Type, Use};
use crate::lexer;
use crate::lower;
use crate::parse::within_limits;
use crate::parser::Parser;
use crate::tree::Tree;

/// A part of an entry.
#[derive(Clone, PartialEq, Debug)]
pub enum EntryPart<'a> {
    /// The imports of a `use`.
    Uses(Vec<Use<'a>>),
    /// An item.
    Item(Item<'a>),
    /// A statement or expression.
    Stmt(Stmt<'a>),
    /// `receives A | B`: what the prompt's fiber receives.
    Receives(Vec<Type<'a>>),
}

/// What was read of an entry.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Its parts, in order.
    pub parts: Vec<EntryPart<'a>>,
    /// Whether more has to be typed: a bracket or block text is open, or the last line ends in an operator.
    pub needs_more: bool,
    /// Errors and warnings; none when more has to be typed.
    pub diagnostics: Vec<Diagnostic>,
    /// Every byte of it.
    pub tree: Tree<'a>,
}

/// Reads an entry: items, imports, statements or an expression, in any order.
pub fn parse_entry(source: &str) -> Entry<'_> {
    let mut sink = Sink::default();
    let source = within_limits(source, &mut sink);
    let lexed = lexer::lex(source, &mut sink);
    let needs_more = lexed.is_open;
    let nodes = Parser::new(source, &lexed, &mut sink).entry();
    let tree = Tree::new(source, lexed.tokens, lexed.significant, &nodes);
    let parts = lower::entry(&tree, &mut sink);
    let diagnostics = if needs_more { Vec::new() } else { sink.finish() };
    Entry { parts, needs_more, diagnostics, tree }
}
