//! The tree to a document: what stands next to what, and where lines may break.
//!
//! Blocks, bodies of types and arms stay in one line when they were written so and fit. Line ends before the dots of a chain
//! and around operators are kept. All else follows from the width alone.
//!
//! **Invariant:** a line may break only where the newline rule goes on: inside of `(` and `[`, behind an operator or comma,
//! before a dot.

use super::doc::{Doc, Item, List};
use super::gap::Gap;
use crate::kind::Kind;
use crate::lexer::Token;
use crate::tree::{Node, Part, Tree};

pub(super) struct Build<'t, 'a> {
    tree: &'t Tree<'a>,
}

/// A part of a node with the places of its first and last token.
#[derive(Clone, Copy)]
struct Piece<'t, 'a> {
    part: Part<'t, 'a>,
    first: usize,
    last: usize,
}

impl Piece<'_, '_> {
    fn kind(&self) -> Kind {
        match self.part {
            Part::Token(token) => token.kind,
            Part::Node(node) => node.kind(),
        }
    }
}

impl<'t, 'a> Build<'t, 'a> {
    pub(super) fn new(tree: &'t Tree<'a>) -> Self {
        Build { tree }
    }

    /// The whole file.
    pub(super) fn file(&self) -> Doc<'a> {
        let root = self.tree.root();
        let pieces: Vec<_> = self.pieces(root).into_iter().filter(|piece| !is_separator(piece.kind())).collect();
        let mut docs = Vec::new();
        let mut last = None;
        for piece in &pieces {
            docs.extend(Gap::between(self.tree, last, piece.first).whole(last.is_some()));
            docs.push(Doc::hard_line());
            docs.push(self.piece(piece));
            last = Some(piece.last);
        }
        let end = Gap::between(self.tree, last, self.tree.tokens().len());
        docs.push(Doc::seq(end.whole(last.is_some() && end.has_comments())));
        Doc::seq(docs)
    }

    /// The parts of a node with their places.
    fn pieces(&self, node: Node<'t, 'a>) -> Vec<Piece<'t, 'a>> {
        let mut significant = node.first();
        let mut pieces = Vec::new();
        for part in node.parts() {
            let first = significant;
            significant = match part {
                Part::Token(_) => first + 1,
                Part::Node(node) => node.end(),
            };
            if significant > first {
                pieces.push(Piece { part, first: self.tree.place(first), last: self.tree.place(significant - 1) });
            }
        }
        pieces
    }

    fn token(&self, token: Token) -> Doc<'a> {
        Doc::text(self.tree.text(token.span))
    }

    fn piece(&self, piece: &Piece<'t, 'a>) -> Doc<'a> {
        match piece.part {
            Part::Token(token) => self.token(token),
            Part::Node(node) => self.node(node),
        }
    }

    fn node(&self, node: Node<'t, 'a>) -> Doc<'a> {
        match node.kind() {
            Kind::Text => Doc::text(self.tree.text(node.span())),
            Kind::Params
            | Kind::Args
            | Kind::VariantFields
            | Kind::ClosureParams
            | Kind::TupleType
            | Kind::FnTypeParams
            | Kind::ParenExpr
            | Kind::ListExpr
            | Kind::MapExpr
            | Kind::TuplePat
            | Kind::ListPat
            | Kind::PatArgs
            | Kind::ImportNames
            | Kind::Generics
            | Kind::TypeArgs => self.list(node),
            Kind::IndexExpr | Kind::CallExpr | Kind::TryExpr | Kind::MemberExpr | Kind::PositionExpr => self.chain(node),
            Kind::BinaryExpr => self.binary(node),
            Kind::Block | Kind::TypeBody | Kind::Arms => Doc::group(self.braces(node)),
            Kind::IfExpr => Doc::group(self.if_chain(node)),
            Kind::UseItem => self.use_item(node),
            Kind::OrPat | Kind::ReceivesClause => self.alternatives(node),
            _ => self.plain(node),
        }
    }

    /// The parts of a node in one line.
    fn plain(&self, node: Node<'t, 'a>) -> Doc<'a> {
        let pieces = self.pieces(node);
        self.row(node.kind(), &pieces)
    }

    /// Parts of a node of this kind in one line; those behind a comment are a level deeper.
    fn row(&self, kind: Kind, pieces: &[Piece<'t, 'a>]) -> Doc<'a> {
        let doc = |piece: &Piece<'t, 'a>| self.piece(piece);
        self.row_with(kind, pieces, doc)
    }

    fn row_with(&self, kind: Kind, pieces: &[Piece<'t, 'a>], doc: impl Fn(&Piece<'t, 'a>) -> Doc<'a>) -> Doc<'a> {
        let pieces: Vec<_> = pieces.iter().filter(|piece| !is_separator(piece.kind())).collect();
        let mut docs: Vec<Doc<'a>> = pieces.first().map(|first| doc(first)).into_iter().collect();
        let mut behind: Option<Segment<'a>> = None;
        for (before, piece) in pieces.iter().zip(pieces.iter().skip(1)) {
            let gap = Gap::between(self.tree, Some(before.last), piece.first);
            let is_attribute = before.kind() == Kind::Attribute;
            if gap.has_comments() && !is_attribute && behind.is_none() {
                behind = Some(Segment { docs: Vec::new(), is_hard: true });
            }
            let out = behind.as_mut().map_or(&mut docs, |segment| &mut segment.docs);
            out.extend(gap.whole(false));
            if gap.has_comments() || (is_attribute && gap.has_line_end) {
                out.push(Doc::hard_line());
            } else if has_blank(kind, before.kind(), piece.kind()) {
                out.push(Doc::text(" "));
            }
            out.push(doc(piece));
        }
        docs.extend(behind.map(Segment::finish));
        Doc::seq(docs)
    }

    /// Elements between brackets.
    fn list(&self, node: Node<'t, 'a>) -> Doc<'a> {
        let pieces = self.pieces(node);
        let (Some(open), Some(close)) = (pieces.first(), pieces.last()) else { return Doc::nothing() };
        let inner = pieces.get(1..pieces.len().saturating_sub(1)).unwrap_or(&[]);
        let is_colon = |piece: &&Piece<'t, 'a>| node.kind() == Kind::MapExpr && piece.kind() == Kind::Colon;
        if let Some(colon) = inner.first().filter(is_colon) {
            return self.row(node.kind(), &[*open, *colon, *close]);
        }
        let elements = elements(inner);
        let mut items: Vec<Item<'a>> = Vec::new();
        let mut last = open.last;
        for element in &elements {
            let (Some(from), Some(to)) = (element.first(), element.last()) else { continue };
            let gap = Gap::between(self.tree, Some(last), from.first);
            let mut before = Vec::new();
            match items.last_mut() {
                Some(item) => item.after = gap.trailing(),
                None => before.push(gap.trailing()),
            }
            before.push(gap.own());
            before.retain(|doc| !doc.is_nothing());
            let doc = self.row(node.kind(), element);
            items.push(Item { before: Doc::seq(before), doc, after: Doc::nothing() });
            last = to.last;
        }
        let gap = Gap::between(self.tree, Some(last), close.first);
        let mut end = Vec::new();
        match items.last_mut() {
            Some(item) => item.after = gap.trailing(),
            None => end.push(gap.trailing()),
        }
        end.push(gap.own());
        end.retain(|doc| !doc.is_nothing());
        let has_last_comma = !items.is_empty() && (node.kind() != Kind::ParenExpr || items.len() > 1);
        Doc::list(List {
            open: self.piece_text(open),
            hugs_last: hugs_last(&elements),
            items,
            end: Doc::seq(end),
            close: self.piece_text(close),
            has_last_comma,
        })
    }

    fn piece_text(&self, piece: &Piece<'t, 'a>) -> &'a str {
        match piece.part {
            Part::Token(token) => self.tree.text(token.span),
            Part::Node(node) => self.tree.text(node.span()),
        }
    }

    /// A value and what follows it: fields, calls, elements, `?`.
    fn chain(&self, node: Node<'t, 'a>) -> Doc<'a> {
        let mut links = Vec::new();
        let mut base = node;
        while is_link(base.kind())
            && let Some(inner) = base.expr()
        {
            links.push(base);
            base = inner;
        }
        links.reverse();
        let calls = links.iter().filter(|link| link.kind() == Kind::CallExpr).count();
        let may_break = calls > 1 && links.iter().filter(|link| link.kind() == Kind::MemberExpr).count() > 1;
        // What stands behind a line end is a level deeper.
        let mut docs = vec![self.node(base)];
        let mut behind: Option<Segment<'a>> = None;
        for (at, link) in links.iter().enumerate() {
            let pieces = self.pieces(*link);
            let Some((before, rest)) = pieces.split_first() else { continue };
            let Some(first) = rest.first() else { continue };
            let gap = Gap::between(self.tree, Some(before.last), first.first);
            let is_method = links.get(at + 1).is_some_and(|next| next.kind() == Kind::CallExpr);
            let line = if gap.has_comments() {
                Some((gap.whole(false), true))
            } else if gap.has_line_end && first.kind() == Kind::Dot {
                Some((vec![Doc::hard_line()], true))
            } else if may_break && is_method && first.kind() == Kind::Dot && at > 0 {
                Some((vec![Doc::soft_line()], false))
            } else {
                None
            };
            if let Some((line, is_hard)) = line {
                docs.extend(behind.take().map(Segment::finish));
                behind = Some(Segment { docs: line, is_hard });
            }
            match &mut behind {
                Some(segment) => segment.docs.push(self.link(*link, rest)),
                None => docs.push(self.link(*link, rest)),
            }
        }
        docs.extend(behind.map(Segment::finish));
        Doc::soft_group(Doc::seq(docs))
    }

    /// A link without what it follows.
    fn link(&self, node: Node<'t, 'a>, pieces: &[Piece<'t, 'a>]) -> Doc<'a> {
        if node.kind() != Kind::IndexExpr {
            return self.row(node.kind(), pieces);
        }
        let [open, index, close] = pieces else { return self.row(node.kind(), pieces) };
        let before = Gap::between(self.tree, Some(open.last), index.first);
        let after = Gap::between(self.tree, Some(index.last), close.first);
        let before = Doc::seq(before.whole(false));
        Doc::list(List {
            open: self.piece_text(open),
            items: vec![Item { before, doc: self.piece(index), after: after.trailing() }],
            end: after.own(),
            close: self.piece_text(close),
            has_last_comma: false,
            hugs_last: true,
        })
    }

    /// Two operands and the operator between them.
    fn binary(&self, node: Node<'t, 'a>) -> Doc<'a> {
        let pieces = self.pieces(node);
        let (Some((left, rest)), Some(right)) = (pieces.split_first(), pieces.last()) else { return Doc::nothing() };
        let signs = rest.get(..rest.len().saturating_sub(1)).unwrap_or(&[]);
        let (Some(first), Some(last)) = (signs.first(), signs.last()) else { return self.row(node.kind(), &pieces) };
        let before = Gap::between(self.tree, Some(left.last), first.first);
        let after = Gap::between(self.tree, Some(last.last), right.first);
        let is_range = matches!(first.kind(), Kind::DotDot | Kind::DotDotEq);
        let mut docs = vec![self.piece(left)];
        if before.has_comments() {
            docs.push(Doc::indent(Doc::seq(before.whole(false))));
        } else if !is_range {
            docs.push(Doc::text(" "));
        }
        docs.extend(signs.iter().map(|sign| self.piece(sign)));
        let mut behind = after.whole(false);
        let is_hard = before.has_line_end || after.has_line_end;
        if is_hard {
            behind.push(Doc::hard_line());
        } else if !is_range {
            behind.push(Doc::line());
        }
        behind.push(self.piece(right));
        docs.push(Segment { docs: behind, is_hard }.finish());
        Doc::soft_group(Doc::seq(docs))
    }

    /// Types or patterns with `|` between them.
    fn alternatives(&self, node: Node<'t, 'a>) -> Doc<'a> {
        Doc::soft_group(self.series(node, Kind::Or))
    }

    fn use_item(&self, node: Node<'t, 'a>) -> Doc<'a> {
        Doc::group(self.series(node, Kind::Comma))
    }

    /// Parts with a sign between them, behind which lines may break.
    fn series(&self, node: Node<'t, 'a>, sign: Kind) -> Doc<'a> {
        let pieces = self.pieces(node);
        let mut docs: Vec<Doc<'a>> = pieces.first().map(|first| self.piece(first)).into_iter().collect();
        let mut behind: Option<Segment<'a>> = None;
        for (before, piece) in pieces.iter().zip(pieces.iter().skip(1)) {
            let gap = Gap::between(self.tree, Some(before.last), piece.first);
            let is_hard = gap.has_comments() || (sign == Kind::Or && before.kind() == sign && gap.has_line_end);
            if is_hard || before.kind() == sign {
                docs.extend(behind.take().map(Segment::finish));
                let mut line = gap.whole(false);
                line.push(if is_hard { Doc::hard_line() } else { Doc::line() });
                behind = Some(Segment { docs: line, is_hard });
            }
            let is_joint = before.kind() == sign || is_hard || piece.kind() == Kind::Comma;
            let out = behind.as_mut().map_or(&mut docs, |segment| &mut segment.docs);
            if !is_joint {
                out.push(Doc::text(" "));
            }
            out.push(self.piece(piece));
        }
        docs.extend(behind.map(Segment::finish));
        Doc::seq(docs)
    }

    /// `if` with its blocks, which are all in one line or none is.
    fn if_chain(&self, node: Node<'t, 'a>) -> Doc<'a> {
        let pieces = self.pieces(node);
        let is_else = |node: Node<'t, 'a>| {
            let before = pieces.iter().rev().nth(1);
            node.kind() == Kind::IfExpr && before.is_some_and(|before| before.kind() == Kind::Else)
        };
        let last = pieces.last().map(|last| last.first);
        self.row_with(node.kind(), &pieces, |piece| match piece.part {
            Part::Node(block) if block.kind() == Kind::Block => self.braces(block),
            Part::Node(other) if Some(piece.first) == last && is_else(other) => self.if_chain(other),
            Part::Token(_) | Part::Node(_) => self.piece(piece),
        })
    }

    /// Statements, members or arms in braces; without a group of its own.
    fn braces(&self, node: Node<'t, 'a>) -> Doc<'a> {
        let pieces = self.pieces(node);
        let (Some(open), Some(close)) = (pieces.first(), pieces.last()) else { return Doc::nothing() };
        let inner = pieces.get(1..pieces.len().saturating_sub(1)).unwrap_or(&[]);
        let inner: Vec<&Piece<'t, 'a>> = inner.iter().filter(|piece| !is_separator(piece.kind())).collect();
        let sign = if node.kind() == Kind::Block { ";" } else { "," };
        let spans_lines = self.spans_lines(&pieces);
        if inner.is_empty() && !spans_lines.has_comments {
            return Doc::text("{}");
        }
        let line = || if spans_lines.is_broken { Doc::hard_line() } else { Doc::line() };
        let mut docs = Vec::new();
        let mut last = open;
        for piece in &inner {
            let gap = Gap::between(self.tree, Some(last.last), piece.first);
            let is_first = std::ptr::eq(last, open);
            let doc = self.piece(piece);
            if is_first {
                docs.extend(gap.whole(false));
                docs.push(line());
                docs.push(doc);
            } else if gap.has_line_end || self.needs_own_line(last) || self.needs_own_line(piece) {
                docs.extend(gap.whole(true));
                docs.push(Doc::hard_line());
                docs.push(doc);
            } else if spans_lines.is_broken {
                docs.push(Doc::fill(sign, doc));
            } else {
                docs.push(Doc::if_flat(sign));
                docs.push(Doc::line());
                docs.push(doc);
            }
            last = piece;
        }
        let gap = Gap::between(self.tree, Some(last.last), close.first);
        if gap.has_comments() {
            docs.extend(gap.whole_before_end(!inner.is_empty()));
        }
        Doc::seq(vec![self.piece(open), Doc::indent(Doc::seq(docs)), line(), self.piece(close)])
    }

    /// Whether a part of braces stands in a line of its own, however it was written.
    fn needs_own_line(&self, piece: &Piece<'t, 'a>) -> bool {
        piece.kind() == Kind::Method
    }

    fn spans_lines(&self, pieces: &[Piece<'t, 'a>]) -> Spans {
        let mut spans = Spans { is_broken: false, has_comments: false };
        for (before, piece) in pieces.iter().zip(pieces.iter().skip(1)) {
            let gap = Gap::between(self.tree, Some(before.last), piece.first);
            spans.is_broken |= gap.has_line_end || piece.kind() == Kind::Newline;
            spans.has_comments |= gap.has_comments();
        }
        spans
    }
}

/// What stands between two line ends of a chain.
struct Segment<'a> {
    docs: Vec<Doc<'a>>,
    is_hard: bool,
}

impl<'a> Segment<'a> {
    fn finish(self) -> Doc<'a> {
        let doc = Doc::seq(self.docs);
        if self.is_hard { Doc::indent(doc) } else { Doc::soft_indent(doc) }
    }
}

struct Spans {
    is_broken: bool,
    has_comments: bool,
}

/// Whether a token only separates.
fn is_separator(kind: Kind) -> bool {
    matches!(kind, Kind::Comma | Kind::Semicolon | Kind::Newline)
}

/// The elements between commas.
fn elements<'t, 'a>(pieces: &[Piece<'t, 'a>]) -> Vec<Vec<Piece<'t, 'a>>> {
    let runs = pieces.split(|piece| is_separator(piece.kind()));
    runs.filter(|run| !run.is_empty()).map(<[Piece<'t, 'a>]>::to_vec).collect()
}

fn is_link(kind: Kind) -> bool {
    matches!(kind, Kind::IndexExpr | Kind::CallExpr | Kind::TryExpr | Kind::MemberExpr | Kind::PositionExpr)
}

/// Whether the last of some elements may span lines while the others stand before it in one.
fn hugs_last(elements: &[Vec<Piece<'_, '_>>]) -> bool {
    let Some([.., last]) = elements.last().map(Vec::as_slice) else { return false };
    let Part::Node(mut node) = last.part else { return false };
    if node.kind() == Kind::Arg {
        let Some(value) = node.expr() else { return false };
        node = value;
    }
    let has_braces = matches!(
        node.kind(),
        Kind::ClosureExpr
            | Kind::BlockExpr
            | Kind::MatchExpr
            | Kind::IfExpr
            | Kind::ReceiveExpr
            | Kind::SelectExpr
            | Kind::Text
    );
    let has_brackets = matches!(node.kind(), Kind::CallExpr | Kind::ListExpr | Kind::MapExpr | Kind::ParenExpr);
    has_braces || (has_brackets && elements.len() == 1)
}

/// Whether a blank stands between two parts of a node.
fn has_blank(node: Kind, before: Kind, kind: Kind) -> bool {
    let joins_before = matches!(
        before,
        Kind::Dot | Kind::At | Kind::DotDot | Kind::DotDotEq | Kind::Bang | Kind::Tilde | Kind::OpenBracket
    );
    let joins = matches!(
        kind,
        Kind::Dot | Kind::DotDot | Kind::DotDotEq | Kind::Colon | Kind::Question | Kind::CloseBracket | Kind::ImportNames
    );
    let is_sign = before == Kind::Minus && matches!(node, Kind::UnaryExpr | Kind::LiteralPat | Kind::RangePat);
    let is_list = match kind {
        Kind::Params => node != Kind::TestItem,
        Kind::Generics | Kind::TypeArgs | Kind::VariantFields | Kind::PatArgs => true,
        Kind::FnTypeParams | Kind::ClosureParams | Kind::Args => true,
        _ => false,
    };
    !(joins_before || joins || is_sign || is_list)
}
