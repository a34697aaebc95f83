//! The blocks of code of a document, as programs.

/// A block of code of the language.
#[allow(dead_code, reason = "two tests use it, each a part of it")]
pub(crate) struct Block {
    /// The line of the document that opens it.
    pub(crate) line: usize,
    /// The code that it is told with, when it is wrong on purpose.
    pub(crate) error: Option<String>,
    /// The program: statements outside of functions stand in a `main`.
    pub(crate) program: String,
    /// What lines `// => text` say that it prints.
    pub(crate) prints: Vec<String>,
}

/// The blocks of a document that are marked as code of the language.
pub(crate) fn blocks(document: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```fardel") else { continue };
        let code: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
        let error = info.trim().strip_prefix("error=").map(str::to_owned);
        let prints = code.iter().filter_map(|line| Some(line.split_once("// => ")?.1.to_owned())).collect();
        out.push(Block { line: at + 1, error, program: program(&(code.join("\n") + "\n")), prints });
    }
    out
}

/// A text with what stands outside of functions in a `main`.
fn program(text: &str) -> String {
    let (mut outside, mut inside, mut at) = (String::new(), String::new(), 0);
    for part in fardel_syntax::parse_entry(text).parts {
        let span = match &part {
            fardel_syntax::EntryPart::Item(item) => item.span,
            fardel_syntax::EntryPart::Uses(uses) => match (uses.first(), uses.last()) {
                (Some(first), Some(last)) => {
                    let line = text[..first.span.start as usize].rfind('\n').map_or(0, |at| at + 1);
                    fardel_syntax::ast::Span { start: line as u32, end: last.span.end }
                }
                _ => continue,
            },
            fardel_syntax::EntryPart::Stmt(_) | fardel_syntax::EntryPart::Receives(_) => continue,
        };
        inside.push_str(&text[at..span.start as usize]);
        outside.push_str(&text[span.range()]);
        outside.push('\n');
        at = span.end as usize;
    }
    inside.push_str(&text[at..]);
    let is_program = inside.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("//"));
    if is_program { text.to_owned() } else { format!("{outside}pub fn main() {{\n{inside}}}\n") }
}
