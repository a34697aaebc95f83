//! The lossless tree: every byte of the source, in nodes.
//!
//! The parser makes it flat, which is quick to make and to walk: nodes in the order in which they begin, each with its tokens
//! and the place behind its subtree. [`Tree::syntax`] gives the same as a tree of rowan, for tools that look at places,
//! go upwards or edit.
//!
//! **Invariant:** the tree's text is the source, byte for byte, whatever the source is.

use crate::ast::Span;
use crate::kind::Kind;
use crate::lexer::Token;

/// The language for rowan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fardel {}

impl rowan::Language for Fardel {
    type Kind = Kind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> Kind {
        Kind::from_number(raw.0).unwrap_or(Kind::Bad)
    }

    fn kind_to_raw(kind: Kind) -> rowan::SyntaxKind {
        rowan::SyntaxKind(kind as u16)
    }
}

/// A node of rowan's tree.
pub type SyntaxNode = rowan::SyntaxNode<Fardel>;
/// A token of rowan's tree.
pub type SyntaxToken = rowan::SyntaxToken<Fardel>;

/// A node as the parser completes it, behind its children.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completed {
    pub(crate) kind: Kind,
    /// The first of its significant tokens.
    pub(crate) first: u32,
    /// The one behind the last.
    pub(crate) end: u32,
    /// The number of nodes that were complete when it began.
    pub(crate) nodes: u32,
}

/// A node in the order of beginnings.
#[derive(Clone, Copy, Debug)]
struct Flat {
    kind: Kind,
    first: u32,
    end: u32,
    /// The node behind its subtree.
    next: u32,
}

/// The tree of a source.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    significant: Vec<u32>,
    nodes: Vec<Flat>,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(source: &'a str, tokens: Vec<Token>, significant: Vec<u32>, completed: &[Completed]) -> Self {
        let nothing = Flat { kind: Kind::Garbage, first: 0, end: 0, next: 0 };
        let mut nodes = vec![nothing; completed.len()];
        // From the last one back, those around a node are known: where it begins is what was complete before, and these.
        let mut around: Vec<u32> = Vec::new();
        for (at, node) in completed.iter().enumerate().rev() {
            while around.last().is_some_and(|start| (at as u32) < *start) {
                around.pop();
            }
            let begin = node.nodes + around.len() as u32;
            let next = begin + (at as u32 - node.nodes) + 1;
            if let Some(flat) = nodes.get_mut(begin as usize) {
                *flat = Flat { kind: node.kind, first: node.first, end: node.end, next };
            }
            around.push(node.nodes);
        }
        Tree { source, tokens, significant, nodes }
    }

    /// The source.
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// The whole source's node.
    pub(crate) fn root(&self) -> Node<'_, 'a> {
        Node { tree: self, at: 0 }
    }

    /// Every token.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The place among all tokens of a significant one.
    pub(crate) fn place(&self, significant: u32) -> usize {
        self.significant.get(significant as usize).map_or(self.tokens.len(), |at| *at as usize)
    }

    fn significant(&self, at: u32) -> Option<Token> {
        self.tokens.get(*self.significant.get(at as usize)? as usize).copied()
    }

    pub(crate) fn text(&self, span: Span) -> &'a str {
        self.source.get(span.range()).unwrap_or("")
    }

    /// The first of the comments that document what begins with a significant token; the place of the token if there are
    /// none. What stands between is blank or a comment.
    pub(crate) fn documents(&self, significant: u32) -> usize {
        let place = self.place(significant);
        let before = self.tokens.get(..place).unwrap_or(&[]);
        let trivia = before.iter().enumerate().rev().take_while(|(_, token)| token.kind.is_trivia());
        trivia.filter(|(_, token)| token.kind == Kind::DocComment).last().map_or(place, |(at, _)| at)
    }

    /// The tree for tools.
    pub fn syntax(&self) -> SyntaxNode {
        let mut build = Build { tree: self, builder: rowan::GreenNodeBuilder::new(), token: 0, open: Vec::new() };
        for (at, node) in self.nodes.iter().enumerate() {
            build.close_until(at as u32);
            build.open(node);
        }
        build.close_until(u32::MAX);
        SyntaxNode::new_root(build.builder.finish())
    }
}

/// Makes rowan's tree.
struct Build<'t, 'a> {
    tree: &'t Tree<'a>,
    builder: rowan::GreenNodeBuilder<'static>,
    /// The next token.
    token: usize,
    /// For each open node, the node behind its subtree and the token behind its last.
    open: Vec<(u32, usize)>,
}

impl Build<'_, '_> {
    fn open(&mut self, node: &Flat) {
        let is_documented = matches!(
            node.kind,
            Kind::FnItem | Kind::TypeItem | Kind::ConstItem | Kind::TestItem | Kind::Field | Kind::Variant | Kind::Method
        );
        let is_root = self.open.is_empty();
        if !is_root && node.first < node.end {
            let first = if is_documented { self.tree.documents(node.first) } else { self.tree.place(node.first) };
            self.tokens_until(first);
        }
        let end = match node.end.checked_sub(1) {
            _ if is_root => self.tree.tokens.len(),
            Some(last) if node.first < node.end => self.tree.place(last) + 1,
            Some(_) | None => self.token,
        };
        self.builder.start_node(rowan::SyntaxKind(node.kind as u16));
        self.open.push((node.next, end));
    }

    /// Closes the nodes that end before the node `at`.
    fn close_until(&mut self, at: u32) {
        while let Some((_, end)) = self.open.pop_if(|(next, _)| *next <= at) {
            self.tokens_until(end);
            self.builder.finish_node();
        }
    }

    fn tokens_until(&mut self, end: usize) {
        while self.token < end
            && let Some(token) = self.tree.tokens.get(self.token)
        {
            self.builder.token(rowan::SyntaxKind(token.kind as u16), self.tree.text(token.span));
            self.token += 1;
        }
    }
}

/// A node to look at.
#[derive(Clone, Copy)]
pub(crate) struct Node<'t, 'a> {
    tree: &'t Tree<'a>,
    at: u32,
}

/// A part of a node.
#[derive(Clone, Copy)]
pub(crate) enum Part<'t, 'a> {
    Token(Token),
    Node(Node<'t, 'a>),
}

impl<'t, 'a> Node<'t, 'a> {
    fn flat(self) -> Flat {
        self.tree.nodes.get(self.at as usize).copied().unwrap_or(Flat { kind: Kind::Garbage, first: 0, end: 0, next: 0 })
    }

    pub(crate) fn kind(self) -> Kind {
        self.flat().kind
    }

    /// Its first significant token.
    pub(crate) fn first(self) -> u32 {
        self.flat().first
    }

    /// The significant token behind its last.
    pub(crate) fn end(self) -> u32 {
        self.flat().end
    }

    /// From its first significant token to its last; behind the token before it when it has none.
    pub(crate) fn span(self) -> Span {
        let Flat { first, end, .. } = self.flat();
        let end_of =
            |at: u32| at.checked_sub(1).and_then(|last| self.tree.significant(last)).map_or(0, |token| token.span.end);
        match self.tree.significant(first) {
            Some(token) if first < end => Span { start: token.span.start, end: end_of(end) },
            Some(_) | None => Span { start: end_of(first), end: end_of(first) },
        }
    }

    /// Its tokens that mean something and its nodes, in order.
    pub(crate) fn parts(self) -> Parts<'t, 'a> {
        let Flat { first, end, next, .. } = self.flat();
        Parts { tree: self.tree, token: first, token_end: end, node: self.at + 1, node_end: next }
    }

    pub(crate) fn children(self) -> Children<'t, 'a> {
        Children { tree: self.tree, at: self.at + 1, end: self.flat().next }
    }

    /// Its first token of a kind, that of its parts aside.
    pub(crate) fn token(self, kind: Kind) -> Option<Token> {
        self.tokens().find(|token| token.kind == kind)
    }

    /// Its own tokens.
    pub(crate) fn tokens(self) -> impl Iterator<Item = Token> {
        self.parts().filter_map(|part| match part {
            Part::Token(token) => Some(token),
            Part::Node(_) => None,
        })
    }

    /// Its first node of a kind.
    pub(crate) fn child(self, kind: Kind) -> Option<Node<'t, 'a>> {
        self.children().find(|node| node.kind() == kind)
    }

    /// Its expressions.
    pub(crate) fn exprs(self) -> impl Iterator<Item = Node<'t, 'a>> + Clone {
        self.children().filter(|node| node.kind().is_expr())
    }

    /// Its first expression.
    pub(crate) fn expr(self) -> Option<Node<'t, 'a>> {
        self.exprs().next()
    }

    /// Its first pattern.
    pub(crate) fn pat(self) -> Option<Node<'t, 'a>> {
        self.children().find(|node| node.kind().is_pat())
    }

    /// Its first type.
    pub(crate) fn ty(self) -> Option<Node<'t, 'a>> {
        self.children().find(|node| node.kind().is_type())
    }
}

/// The nodes in a node.
#[derive(Clone)]
pub(crate) struct Children<'t, 'a> {
    tree: &'t Tree<'a>,
    at: u32,
    end: u32,
}

impl<'t, 'a> Iterator for Children<'t, 'a> {
    type Item = Node<'t, 'a>;

    fn next(&mut self) -> Option<Node<'t, 'a>> {
        let node = Node { tree: self.tree, at: self.at };
        let next = node.flat().next;
        if self.at >= self.end || next <= self.at {
            return None;
        }
        self.at = next;
        Some(node)
    }
}

/// The parts of a node.
#[derive(Clone)]
pub(crate) struct Parts<'t, 'a> {
    tree: &'t Tree<'a>,
    token: u32,
    token_end: u32,
    node: u32,
    node_end: u32,
}

impl<'t, 'a> Iterator for Parts<'t, 'a> {
    type Item = Part<'t, 'a>;

    fn next(&mut self) -> Option<Part<'t, 'a>> {
        if self.node < self.node_end
            && let Some(flat) = self.tree.nodes.get(self.node as usize)
            && flat.first <= self.token
        {
            let node = Node { tree: self.tree, at: self.node };
            self.node = flat.next;
            self.token = self.token.max(flat.end);
            return Some(Part::Node(node));
        }
        if self.token >= self.token_end {
            return None;
        }
        let token = self.tree.significant(self.token)?;
        self.token += 1;
        Some(Part::Token(token))
    }
}
