//! Reading a file.
//!
//! **Invariant:** the tree is always there and holds the whole source, but for a source that is too large.

use fardel_diagnostic::{Diagnostic, Report, Sink};

use crate::ast::File;
use crate::code::Code;
use crate::lexer;
use crate::lower;
use crate::parser::Parser;
use crate::tree::Tree;

/// Bytes of a source: places are kept in 32 bits, and a tree takes some dozen times as much.
pub const SOURCE_BYTES_MAX: usize = 64 << 20;

/// What was read of a file.
#[derive(Clone, Debug)]
pub struct Parsed<'a> {
    /// What it says.
    pub file: File<'a>,
    /// Errors and warnings, in the order of the source. When there is an error, the file has parts that could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// Every byte of it.
    pub tree: Tree<'a>,
}

/// Reads a file.
///
/// ```
/// let parsed = fardel_syntax::parse("fn double(n: Int) -> Int { n * 2 }\nfn broken( {}\n");
/// assert_eq!(parsed.file.items.len(), 2);
/// assert_eq!(parsed.diagnostics.len(), 1);
/// assert_eq!(parsed.diagnostics[0].line(parsed.tree.source()), 2);
/// ```
pub fn parse(source: &str) -> Parsed<'_> {
    let mut sink = Sink::default();
    let source = within_limits(source, &mut sink);
    let lexed = lexer::lex(source, &mut sink);
    let nodes = Parser::new(source, &lexed, &mut sink).file();
    let tree = Tree::new(source, lexed.tokens, lexed.significant, &nodes);
    let file = lower::file(&tree, &mut sink);
    Parsed { file, diagnostics: sink.finish(), tree }
}

/// The source, or nothing of it when it is too large, which is told.
pub(crate) fn within_limits<'a>(source: &'a str, sink: &mut Sink) -> &'a str {
    if source.len() <= SOURCE_BYTES_MAX {
        return source;
    }
    let message = format!("the source has {} bytes, at most {SOURCE_BYTES_MAX} are allowed", source.len());
    Report::error(Code::TooLarge, 0..0, message).tell(sink);
    ""
}

/// The text of a file.
///
/// # Errors
/// A file that is not UTF-8 is told at its first bad byte. The place counts in what [`String::from_utf8_lossy`] makes of
/// the bytes, as the diagnostic is rendered with that.
pub fn decode(bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    let error = match std::str::from_utf8(bytes) {
        Ok(source) => return Ok(source),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or(0);
    let mut sink = Sink::default();
    let place = at..at + char::REPLACEMENT_CHARACTER.len_utf8();
    Report::error(Code::NotUtf8, place, format!("byte {at} of the source, {byte:#04x}, is not UTF-8"))
        .label("here")
        .hint("save the file as UTF-8")
        .tell(&mut sink);
    sink.finish().pop().map(Box::new).map_or(Ok(""), Err)
}
