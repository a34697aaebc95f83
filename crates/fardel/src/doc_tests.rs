//! Code in documents as tests: a block between ` ```fardel ` and ` ``` ` in lines of `///` or `//!`.
//!
//! Each becomes a test of its module, at the end of the source, so that all other lines keep their numbers. A line
//! `expression // => text` says what the expression prints.

/// What begins a block.
const FENCE: &str = "```fardel";
/// What says what an expression prints.
const PRINTS: &str = "// => ";

/// A source with a test for each block of code in its documents.
pub(crate) fn with_doc_tests(source: &str) -> String {
    let mut out = source.to_owned();
    let mut block: Option<(usize, Vec<String>)> = None;
    for (number, line) in source.lines().enumerate() {
        let document = line.trim_start();
        let document = document
            .strip_prefix("///")
            .or_else(|| document.strip_prefix("//!"))
            .map(|text| text.strip_prefix(' ').unwrap_or(text));
        let Some(text) = document else {
            // A document that ends ends its block.
            finish(&mut out, block.take());
            continue;
        };
        match &mut block {
            None if text.trim() == FENCE => block = Some((number + 1, Vec::new())),
            None => {}
            Some(_) if text.trim() == "```" => finish(&mut out, block.take()),
            Some((_, lines)) => lines.push(statement(text)),
        }
    }
    finish(&mut out, block);
    out
}

fn finish(out: &mut String, block: Option<(usize, Vec<String>)>) {
    let Some((line, lines)) = block else { return };
    let body: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    out.push_str(&format!("\ntest \"code in line {line}\" {{\n{body}}}\n"));
}

/// A line of a block as a statement.
fn statement(line: &str) -> String {
    let Some((expression, wanted)) = line.split_once(PRINTS) else { return line.to_owned() };
    let wanted: String = wanted
        .trim_end()
        .chars()
        .map(|letter| if matches!(letter, '"' | '\\' | '$') { format!("\\{letter}") } else { letter.to_string() })
        .collect();
    format!("assert(\"${{{}}}\" == \"{wanted}\")", expression.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_becomes_a_test() {
        let source = "/// Doubles.\n///\n/// ```fardel\n/// let n = twice(2)\n/// n // => 4\n/// ```\nfn twice(n: Int) -> Int { n * 2 }\n";
        let wanted = "\ntest \"code in line 3\" {\n  let n = twice(2)\n  assert(\"${n}\" == \"4\")\n}\n";
        assert_eq!(with_doc_tests(source), format!("{source}{wanted}"));
    }

    #[test]
    fn other_blocks_and_plain_comments_do_not() {
        let source = "// ```fardel\n// a\n// ```\n/// ```text\n/// b\n/// ```\nfn f() {}\n";
        assert_eq!(with_doc_tests(source), source);
    }
}
