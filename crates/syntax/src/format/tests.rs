//! What the formatter writes, without the look at the tokens that keeps its mistakes from files.

use proptest::prelude::*;

use super::*;

const SAMPLES: &[&str] = &[
    include_str!("../../tests/samples/kv.fdl"),
    include_str!("../../tests/samples/maelstrom.fdl"),
    include_str!("../../tests/samples/nbody.fdl"),
    include_str!("../../tests/samples/pingpong.fdl"),
    include_str!("../../tests/samples/walker.fdl"),
    include_str!("../../tests/samples/wordcount.fdl"),
];

/// As the samples, and a file that has some of everything.
const SOURCES: &[&str] = &[
    include_str!("../../tests/samples/kv.fdl"),
    include_str!("../../tests/samples/maelstrom.fdl"),
    include_str!("../../tests/samples/nbody.fdl"),
    include_str!("../../tests/samples/wordcount.fdl"),
    include_str!("../../tests/format/everything.fdl"),
    include_str!("../../tests/format/everything.fdl"),
];

/// What may be put between two tokens.
const BETWEEN: &[&str] =
    &["\n", "\n\n\n", "\r\n", " // note\r\n", " // note\n", "\n// note\n", "\n\n/// note\n\n", ";", ",", "   ", ""];
/// What may stand in place of a name.
const NAMES: &[&str] =
    &["x", "a_name_of_middling_length", "a_name_that_is_so_long_that_nothing_else_fits_in_the_line_of_a_hundred_columns"];

/// What a source says, without its places.
fn said(source: &str) -> String {
    let file = format!("{:?}", parse(source).file);
    let mut parts = file.split("Span {");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |said, part| said + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// A source with other blanks, line ends, comments and names.
fn changed(source: &str, edits: &[(prop::sample::Index, &str, bool)]) -> String {
    let lexed = lexer::lex(source, &mut Sink::default());
    let mut texts: Vec<String> = Vec::new();
    for token in &lexed.tokens {
        texts.push(source[token.span.range()].to_owned());
    }
    for (at, text, is_name) in edits {
        let at = at.index(texts.len());
        let kind = lexed.tokens[at].kind;
        if *is_name && kind == Kind::LowerName {
            texts[at] = NAMES[text.len() % NAMES.len()].to_owned();
        } else if matches!(kind, Kind::Blank | Kind::LineBreak | Kind::Newline) {
            texts[at] = (*text).to_owned();
        } else if !matches!(kind, Kind::TextPiece | Kind::TextOpen | Kind::ValueOpen) {
            texts[at] += text;
        }
    }
    texts.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatting_changes_nothing_but_the_looks(
        source in prop::sample::select(SOURCES),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(BETWEEN), any::<bool>()), 1..12),
    ) {
        // Few of many changes leave a program: they are tried one by one.
        let mut good = source.to_owned();
        for edit in &edits {
            let next = changed(&good, std::slice::from_ref(edit));
            if parse(&next).diagnostics.iter().all(|told| told.severity != Severity::Error) {
                good = next;
            }
        }
        let parsed = parse(&good);
        let once = write(&parsed.tree);
        prop_assert!(is_same(&parsed.tree, &once), "other tokens:\n{}\n-- before:\n{}", once, good);
        prop_assert_eq!(said(&once), said(&good), "\n{}\n-- before:\n{}", once, good);
        let twice = write(&parse(&once).tree);
        let change = once.lines().zip(twice.lines()).find(|(once, twice)| once != twice);
        prop_assert!(once == twice, "again: {:?}\n{}\n-- before:\n{}", change, once, good);
    }
}

#[track_caller]
fn check(source: &str, wanted: &str) {
    let parsed = parse(source);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let formatted = write(&parsed.tree);
    assert_eq!(formatted, wanted);
    assert!(is_same(&parsed.tree, &formatted), "other tokens");
    assert_eq!(write(&parse(&formatted).tree), formatted, "again");
}

#[test]
fn samples_are_as_they_should_be() {
    for sample in SAMPLES {
        // One line of them is too long.
        let long =
            "  let tree = supervisor.start([supervisor.child(store, fn() { spawn run() })], restarts: 3, within: 10s)?\n";
        let lines = [
            "  let tree = supervisor.start(",
            "    [supervisor.child(store, fn() { spawn run() })],",
            "    restarts: 3,",
            "    within: 10s,",
            "  )?\n",
        ];
        check(sample, &sample.replace(long, &lines.join("\n")));
    }
}
