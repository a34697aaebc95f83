//! The tree to what it says: [`crate::ast`].
//!
//! **Invariant:** what is missing in the tree was told by the parser, so nothing is told of it again.

mod expr;
mod item;
mod pattern;
mod stmt;
mod text;
mod types;

use fardel_diagnostic::{Report, Sink};

use crate::EntryPart;
use crate::ast::{File, Name, Span};
use crate::code::Code;
use crate::kind::Kind;
use crate::lexer::Token;
use crate::tree::{Node, Tree};

/// Lowers a file.
pub(crate) fn file<'a>(tree: &Tree<'a>, sink: &mut Sink) -> File<'a> {
    let mut lower = Lower { tree, sink, documented: 0 };
    let file = lower.file(tree.root());
    lower.dangling_docs();
    file
}

/// Lowers the parts of an entry of the prompt.
pub(crate) fn entry<'a>(tree: &Tree<'a>, sink: &mut Sink) -> Vec<EntryPart<'a>> {
    let mut lower = Lower { tree, sink, documented: 0 };
    tree.root().children().filter_map(|node| lower.entry_part(node)).collect()
}

struct Lower<'t, 'a, 's> {
    tree: &'t Tree<'a>,
    sink: &'s mut Sink,
    /// Comments that document something.
    documented: usize,
}

impl<'t, 'a> Lower<'t, 'a, '_> {
    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> Report {
        Report::error(code, span.range(), message)
    }

    /// Lowers nodes to a list without room to spare: most lists are short, and there are many.
    fn each<T>(
        &mut self,
        nodes: impl Iterator<Item = Node<'t, 'a>> + Clone,
        mut one: impl FnMut(&mut Self, Node<'t, 'a>) -> T,
    ) -> Vec<T> {
        let mut out = Vec::with_capacity(nodes.clone().count());
        for node in nodes {
            out.push(one(self, node));
        }
        out
    }

    fn text(&self, token: Token) -> &'a str {
        self.tree.text(token.span)
    }

    fn name_of(&self, token: Token) -> Name<'a> {
        Name { text: self.text(token), span: token.span }
    }

    /// The last of the names that are the node's own; an empty one at its end when there is none.
    fn last_name(&self, node: Node<'t, 'a>) -> Name<'a> {
        let names = node.tokens().filter(|token| is_name(token.kind));
        names.last().map_or_else(|| missing(node), |token| self.name_of(token))
    }

    fn first_name(&self, node: Node<'t, 'a>) -> Name<'a> {
        let mut names = node.tokens().filter(|token| is_name(token.kind));
        names.next().map_or_else(|| missing(node), |token| self.name_of(token))
    }

    /// The lines that document what begins with this significant token.
    fn docs(&mut self, first: u32) -> Vec<&'a str> {
        let (from, to) = (self.tree.documents(first), self.tree.place(first));
        let tokens = self.tree.tokens().get(from..to).unwrap_or(&[]);
        let docs = tokens.iter().filter(|token| token.kind == Kind::DocComment);
        let docs: Vec<&str> = docs.map(|token| comment_text(self.tree.text(token.span))).collect();
        self.documented += docs.len();
        docs
    }

    /// Warns of comments that document nothing.
    fn dangling_docs(&mut self) {
        let docs = self.tree.tokens().iter().filter(|token| token.kind == Kind::DocComment).count();
        if docs == self.documented {
            return;
        }
        let mut of_items = vec![false; self.tree.tokens().len()];
        self.mark_documented(self.tree.root(), &mut of_items);
        let tokens = self.tree.tokens().iter().zip(of_items);
        for (token, _) in tokens.filter(|(token, is_used)| token.kind == Kind::DocComment && !is_used) {
            Report::warning(Code::DanglingDoc, token.span.range(), "this comment documents nothing")
                .label("no item or member follows")
                .hint("a comment that documents nothing begins with `//`")
                .tell(self.sink);
        }
    }

    fn mark_documented(&self, node: Node<'t, 'a>, of_items: &mut [bool]) {
        for child in node.children() {
            let (from, to) = match child.kind() {
                Kind::FnItem | Kind::TypeItem | Kind::ConstItem | Kind::TestItem => {
                    (self.tree.documents(child.first()), self.tree.place(child.first()))
                }
                Kind::Field | Kind::Variant | Kind::Method => {
                    (self.tree.documents(child.first()), self.tree.place(child.first()))
                }
                _ => (0, 0),
            };
            of_items.get_mut(from..to).into_iter().flatten().for_each(|is_used| *is_used = true);
            if matches!(child.kind(), Kind::TypeItem | Kind::TypeBody) {
                self.mark_documented(child, of_items);
            }
        }
    }
}

fn is_name(kind: Kind) -> bool {
    matches!(kind, Kind::LowerName | Kind::UpperName)
}

/// The empty name at a node's end.
fn missing<'a>(node: Node<'_, 'a>) -> Name<'a> {
    let end = node.span().end;
    Name { text: "", span: Span { start: end, end } }
}

/// A comment's text, without the marks and the blank behind them.
fn comment_text(comment: &str) -> &str {
    let text = comment.get(3..).unwrap_or("").trim_end();
    text.strip_prefix(' ').unwrap_or(text)
}
