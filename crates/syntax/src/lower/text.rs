//! Texts, characters and byte strings.

use std::borrow::Cow;
use std::ops::Range;

use super::Lower;
use super::item::no_expr;
use crate::ast::{ExprKind, Span, TextPart};
use crate::code::Code;
use crate::kind::Kind;
use crate::lexer::Token;
use crate::literal::{self, Escapes};
use crate::tree::{Node, Part};

impl<'t, 'a> Lower<'t, 'a, '_> {
    /// The parts of a text.
    pub(super) fn text_parts(&mut self, node: Node<'t, 'a>) -> Vec<TextPart<'a>> {
        let is_block = node.token(Kind::TextOpen).is_some_and(|open| self.text(open).len() > 1);
        if is_block {
            return self.block_parts(node);
        }
        let mut parts = Vec::with_capacity(node.parts().count().saturating_sub(2));
        for part in node.parts() {
            match part {
                Part::Token(token) if token.kind == Kind::TextPiece => {
                    let text = self.unescape(self.text(token), token.span.start, Escapes::Text);
                    if !text.is_empty() {
                        parts.push(TextPart::Text(text));
                    }
                }
                Part::Node(value) if value.kind() == Kind::TextValue => parts.push(TextPart::Value(self.value(value))),
                Part::Token(_) | Part::Node(_) => {}
            }
        }
        parts
    }

    fn value(&mut self, node: Node<'t, 'a>) -> crate::ast::Expr<'a> {
        node.expr().map_or_else(|| no_expr(node.span().end), |value| self.expr(value))
    }

    /// The parts of a block text. Between two values there is a piece, be it empty.
    fn block_parts(&mut self, node: Node<'t, 'a>) -> Vec<TextPart<'a>> {
        let mut pieces: Vec<(&'a str, u32)> = vec![("", node.span().start + 3)];
        let mut values = Vec::new();
        for part in node.parts() {
            match part {
                Part::Token(token) if token.kind == Kind::TextPiece => {
                    if let Some(piece) = pieces.last_mut() {
                        *piece = (self.text(token), token.span.start);
                    }
                }
                Part::Node(value) if value.kind() == Kind::TextValue => {
                    values.push(self.value(value));
                    pieces.push(("", value.span().end));
                }
                Part::Token(_) | Part::Node(_) => {}
            }
        }
        let texts: Vec<&str> = pieces.iter().map(|(text, _)| *text).collect();
        let (ranges, begins_below) = literal::block_pieces(&texts);
        if !begins_below {
            let start = node.span().start;
            let report = self.error(
                Code::BadText,
                Span { start, end: start + 3 },
                "text stands behind the opening quotes of a block",
            );
            report.label("the text begins in the line below").hint("a text in one line stands between `\"`").tell(self.sink);
        }
        let mut parts = Vec::new();
        let mut values = values.into_iter();
        for ((text, start), ranges) in pieces.into_iter().zip(ranges) {
            let piece = self.block_piece(text, start, &ranges);
            if !piece.is_empty() {
                parts.push(TextPart::Text(Cow::Owned(piece)));
            }
            parts.extend(values.next().map(TextPart::Value));
        }
        parts
    }

    fn block_piece(&mut self, text: &'a str, start: u32, ranges: &[Range<usize>]) -> String {
        let mut out = String::new();
        for range in ranges {
            let line = text.get(range.clone()).unwrap_or("");
            let (line, end) = match line.strip_suffix("\r\n") {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            out.push_str(&self.unescape(line, start + range.start as u32, Escapes::Text));
            out.push_str(end);
        }
        out
    }

    fn unescape(&mut self, text: &'a str, start: u32, escapes: Escapes) -> Cow<'a, str> {
        let mut faults: Vec<Range<usize>> = Vec::new();
        let value = literal::unescape(text, escapes, |fault| faults.push(fault));
        for fault in faults {
            self.bad_escape(text, start, fault, if escapes == Escapes::Char { CHAR_ESCAPES } else { TEXT_ESCAPES });
        }
        value
    }

    fn bad_escape(&mut self, text: &str, start: u32, fault: Range<usize>, known: &str) {
        let span = Span { start: start + fault.start as u32, end: start + fault.end as u32 };
        let written = text.get(fault).unwrap_or("");
        let message = if written.len() > 2 && written.starts_with("\\u") {
            format!("`{}` is no character", written.escape_debug().to_string().replace("\\\\", "\\"))
        } else {
            format!("unknown escape `{}`", written.escape_debug().to_string().replace("\\\\", "\\"))
        };
        self.error(Code::BadEscape, span, message).label("means nothing").hint(known).tell(self.sink);
    }

    pub(super) fn raw_text(&mut self, token: Token) -> ExprKind<'a> {
        let text = inside(self.text(token), "r\"", '"');
        ExprKind::Text(if text.is_empty() { Vec::new() } else { vec![TextPart::Text(Cow::Borrowed(text))] })
    }

    pub(super) fn byte_string(&mut self, token: Token) -> Vec<u8> {
        let text = inside(self.text(token), "b\"", '"');
        let start = token.span.start + 2;
        let mut faults: Vec<(Range<usize>, bool)> = Vec::new();
        let bytes = literal::bytes(text, |fault, is_escape| faults.push((fault, is_escape)));
        for (fault, is_escape) in faults {
            if is_escape {
                self.bad_escape(text, start, fault, BYTE_ESCAPES);
            } else {
                let span = Span { start: start + fault.start as u32, end: start + fault.end as u32 };
                let report = self.error(Code::BadText, span, "only ASCII characters stand in a byte string as they are");
                report
                    .label("more than one byte")
                    .hint("write the bytes as `\\x..`, or a text and `.to_bytes()`")
                    .tell(self.sink);
            }
        }
        bytes
    }

    pub(super) fn character(&mut self, token: Token) -> ExprKind<'a> {
        let text = inside(self.text(token), "'", '\'');
        let known = self.sink.has_errors();
        let value = self.unescape(text, token.span.start + 1, Escapes::Char);
        let mut characters = value.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => return ExprKind::Int(u64::from(u32::from(character))),
            // An escape that is none was told.
            (None, _) if text.starts_with('\\') && (known || self.sink.has_errors()) => return ExprKind::Error,
            (Some(_), Some(_)) | (None, _) => {}
        }
        if self.text(token).ends_with('\'') && self.text(token).len() > 1 {
            let message = "exactly one character stands between single quotes";
            let hint = format!("a text stands between double quotes: `\"{}\"`", text.escape_debug());
            self.error(Code::BadText, token.span, message).label("not one character").hint(hint).tell(self.sink);
        }
        ExprKind::Error
    }

    /// A text that may have no values.
    pub(super) fn plain_text(&mut self, node: Node<'t, 'a>, what: &str) -> Cow<'a, str> {
        let parts = match node.kind() {
            Kind::Text => self.text_parts(node),
            _ => match self.literal(node, false) {
                ExprKind::Text(parts) => parts,
                _ => Vec::new(),
            },
        };
        let mut text = None;
        for part in parts {
            match part {
                TextPart::Text(piece) if text.is_none() => text = Some(piece),
                TextPart::Text(piece) => text = text.map(|text| Cow::Owned(format!("{text}{piece}"))),
                TextPart::Value(value) => {
                    let message = format!("{what} has no values in it");
                    let report = self.error(Code::Misplaced, value.span, message).label("not known before the program runs");
                    report.hint("a dollar sign before a brace is written `\\${`").tell(self.sink);
                }
            }
        }
        text.unwrap_or_default()
    }
}

const TEXT_ESCAPES: &str = "escapes are `\\n \\r \\t \\0 \\\\ \\\" \\$ \\u{1f600}`; `r\"..\"` has none";
const CHAR_ESCAPES: &str = "escapes are `\\n \\r \\t \\0 \\\\ \\' \\u{1f600}`";
const BYTE_ESCAPES: &str = "escapes are `\\n \\r \\t \\0 \\\\ \\\" \\x00`";

/// What stands between the quotes.
fn inside<'a>(text: &'a str, open: &str, close: char) -> &'a str {
    let text = text.strip_prefix(open).unwrap_or("");
    text.strip_suffix(close).unwrap_or(text)
}
