//! What holds of any source: it is answered with diagnostics and never with a panic, twice the same, and places lie in it.

mod common;

use common::{alone, told};
use fardel_lang::{Checked, Goal, Severity, Sources, check, compile};
use proptest::prelude::*;

/// Programs to change.
const SAMPLES: &[&str] = &[
    include_str!("../../../examples/bank.fdl"),
    include_str!("../../../examples/chat.fdl"),
    include_str!("../../../examples/cluster-counter.fdl"),
    include_str!("../../../examples/kv.fdl"),
    include_str!("../../../examples/mandelbrot.fdl"),
    include_str!("../../../examples/philosophers.fdl"),
    include_str!("../../../examples/reformat.fdl"),
    include_str!("../../syntax/tests/samples/maelstrom.fdl"),
    include_str!("../../syntax/tests/samples/nbody.fdl"),
    include_str!("../../syntax/tests/samples/pingpong.fdl"),
    include_str!("../../syntax/tests/samples/walker.fdl"),
    include_str!("../../syntax/tests/samples/wordcount.fdl"),
    include_str!("../std/core.fdl"),
    include_str!("../std/json.fdl"),
    include_str!("../std/list.fdl"),
    include_str!("../std/option.fdl"),
    include_str!("../std/supervisor.fdl"),
    include_str!("../std/task.fdl"),
];

/// Pieces that make trouble: names of every kind where another is wanted, forms in wrong places.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "${",
    ",",
    ":",
    "->",
    "=",
    "..",
    ".",
    "?",
    "|",
    "<",
    ">",
    "_",
    "\n",
    "-1",
    "0",
    "1.5",
    "\"a\"",
    "5s",
    "me",
    "self",
    "None",
    "Some(",
    "Ok(",
    "Int",
    "Float",
    "Text",
    "List<",
    "Map<Int, ",
    "Array<",
    "Never",
    "fn(x) { x }",
    "fn(",
    "let x = ",
    "let Some(x) = ",
    "var y = ",
    "x",
    "y += 1",
    "return ",
    "break",
    "if x { ",
    "else ",
    "match x { ",
    "receive { ",
    "select { ",
    "serve s = 0 { ",
    "spawn ",
    "spawn { ",
    "after 1s -> {}",
    "for i in ",
    "while true { ",
    "type A { x: A }\n",
    "type A<T> = List<A<T>>\n",
    "type B<T> { b: B<(T, T)> }\n",
    "fn g<T>(t: T) { g([t]) }\n",
    "const c = c + 1\n",
    "test \"t\" (n: Int) { assert(n == n) }\n",
    "@json(tag: \"t\")\n",
    "@other ",
    "@builtin ",
    "opaque type O { o: Int }\n",
    "use json\n",
    "use json.{Json}\n",
    "use nothing\n",
    " receives Int | Text ",
    "reply.send(1)",
    "a.call(Get(_))",
    "json.encode(",
    "print(",
    "assert(x == y)",
    "x[0]",
    "t.0",
    "T: Key",
    "..p",
    "a: 1",
    "pub ",
    "fn main() {",
    "panic(\"\")",
];

#[track_caller]
fn look(sources: &Sources, checked: &Checked) {
    for (at, one) in &checked.diagnostics {
        let source = &sources.all()[*at];
        let place = one.primary.span.clone();
        assert!(place.start <= place.end && place.end <= source.text.len(), "{one:?}");
        assert!(source.text.is_char_boundary(place.start) && source.text.is_char_boundary(place.end), "{one:?}");
        let of_std = source.is_std && one.severity == Severity::Error;
        assert!(!of_std, "the standard library is told to be wrong:\n{}", told(sources, checked));
    }
}

#[track_caller]
fn check_any(source: &str) {
    let sources = alone("any.fdl", source);
    let checked = check(&sources);
    look(&sources, &checked);
    let again = alone("any.fdl", source);
    assert_eq!(told(&sources, &checked), told(&again, &check(&again)), "the same source is told something else");
}

fn changed() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0usize..40, prop::sample::select(PIECES));
    (prop::sample::select(SAMPLES), prop::collection::vec(edit, 1..6)).prop_map(|(sample, edits)| {
        let mut source = sample.to_owned();
        for (at, length, piece) in edits {
            let boundary = |at: usize| (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
            let start = boundary(at.index(source.len() + 1));
            let end = boundary(start + length).max(start);
            source.replace_range(start..end, piece);
        }
        source
    })
}

/// Samples in which words stand in for each other: they are read, so that their meaning is what is wrong.
fn exchanged() -> impl Strategy<Value = String> {
    let swap = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (prop::sample::select(SAMPLES), prop::collection::vec(swap, 1..5)).prop_map(|(sample, swaps)| {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let mut parts: Vec<&str> = Vec::new();
        let mut rest = sample;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|letter: char| is_word(letter) != is_word(first)).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            parts.push(part);
            rest = after;
        }
        let words: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].starts_with(is_word)).collect();
        for (one, other) in swaps {
            parts[words[one.index(words.len())]] = parts[words[other.index(words.len())]];
        }
        parts.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(source in "\\PC*") {
        check_any(&source);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_any(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check_any(&pieces.concat());
    }

    #[test]
    fn changed_samples(source in changed()) {
        check_any(&source);
    }

    #[test]
    fn exchanged_words(source in exchanged()) {
        check_any(&source);
    }

    #[test]
    fn what_has_no_errors_is_made_or_refused(source in exchanged()) {
        let sources = alone("any.fdl", &source);
        for goal in [Goal::Run, Goal::Test] {
            let compiled = compile(&sources, goal);
            look(&sources, &compiled.checked);
            assert_eq!(compiled.module.is_none(), compiled.checked.has_errors(), "{}", told(&sources, &compiled.checked));
            if let Some(module) = compiled.module {
                let verified = fardel_bytecode::verify::verify(module);
                assert!(verified.is_ok(), "what was made is refused: {:?}\n{source}", verified.err());
            }
            let is_own = |text: &str| text.contains("its own mistake");
            assert!(!compiled.checked.diagnostics.iter().any(|(_, one)| is_own(&one.message)), "{}", told(&sources, &compiled.checked));
        }
    }
}

#[test]
fn samples_are_right() {
    for sample in SAMPLES.iter().filter(|sample| sample.contains("fn main(")) {
        let sources = alone("sample.fdl", sample);
        let checked = check(&sources);
        assert!(checked.diagnostics.is_empty(), "{}", told(&sources, &checked));
    }
}
