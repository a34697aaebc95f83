//! What stands between two tokens: comments and line ends.
//!
//! **Invariant:** every comment of a source stands in exactly one gap.

use super::doc::Doc;
use crate::kind::Kind;
use crate::tree::Tree;

/// What stands between two tokens.
#[derive(Debug, Default)]
pub(super) struct Gap<'a> {
    /// The comment in the line of the first token.
    trailing: Option<&'a str>,
    /// The others, and whether an empty line stands before each.
    own: Vec<(&'a str, bool)>,
    /// Whether an empty line stands before the second token.
    has_blank: bool,
    /// Whether the tokens stand in different lines.
    pub(super) has_line_end: bool,
}

impl<'a> Gap<'a> {
    /// What stands between two tokens of the tree, given by their places; from its beginning or to its end for none.
    pub(super) fn between(tree: &Tree<'a>, first: Option<usize>, second: usize) -> Self {
        let tokens = tree.tokens().get(first.map_or(0, |first| first + 1)..second).unwrap_or(&[]);
        let mut gap = Gap::default();
        let mut ends = 0;
        for token in tokens {
            match token.kind {
                Kind::LineBreak | Kind::Newline => ends += 1,
                Kind::Comment | Kind::DocComment | Kind::FileComment => {
                    let text = tree.text(token.span).trim_end();
                    if ends == 0 && first.is_some() && gap.own.is_empty() {
                        gap.trailing = Some(text);
                    } else {
                        gap.own.push((text, ends > 1));
                    }
                    gap.has_line_end = true;
                    ends = 0;
                }
                _ => {}
            }
        }
        gap.has_blank = ends > 1;
        gap.has_line_end |= ends > 0;
        gap
    }

    pub(super) fn has_comments(&self) -> bool {
        self.trailing.is_some() || !self.own.is_empty()
    }

    /// The comment behind the first token.
    pub(super) fn trailing(&self) -> Doc<'a> {
        self.trailing.map_or_else(Doc::nothing, Doc::trailing)
    }

    /// The comments in lines of their own, without an empty line before them or behind.
    pub(super) fn own(&self) -> Doc<'a> {
        let mut docs = Vec::new();
        for (at, (comment, has_blank)) in self.own.iter().enumerate() {
            if *has_blank && at > 0 {
                docs.push(Doc::blank_line());
            }
            docs.push(Doc::own_line(comment));
        }
        Doc::seq(docs)
    }

    /// The comments, and the empty lines that were there; nothing when there is neither.
    pub(super) fn whole(&self, keeps_first_blank: bool) -> Vec<Doc<'a>> {
        let mut docs = self.whole_before_end(keeps_first_blank);
        if self.has_blank && (keeps_first_blank || self.has_comments()) {
            docs.push(Doc::blank_line());
        }
        docs
    }

    /// As [`Gap::whole`], without an empty line at the end.
    pub(super) fn whole_before_end(&self, keeps_first_blank: bool) -> Vec<Doc<'a>> {
        let mut docs = Vec::new();
        docs.extend(self.trailing.map(Doc::trailing));
        for (at, (comment, has_blank)) in self.own.iter().enumerate() {
            if *has_blank && (at > 0 || keeps_first_blank) {
                docs.push(Doc::blank_line());
            }
            docs.push(Doc::own_line(comment));
        }
        docs
    }
}
