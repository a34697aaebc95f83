//! What holds for any text: nothing panics, the tree is the source, and places lie in it.

use fardel_syntax::{parse, parse_entry};
use proptest::prelude::*;

/// Programs to change.
const SAMPLES: &[&str] = &[
    include_str!("samples/kv.fdl"),
    include_str!("samples/maelstrom.fdl"),
    include_str!("samples/nbody.fdl"),
    include_str!("samples/pingpong.fdl"),
    include_str!("samples/walker.fdl"),
    include_str!("samples/wordcount.fdl"),
];

/// Pieces that make trouble.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\"\"\"",
    "${",
    "'",
    "\\",
    "\n",
    ";",
    ",",
    ":",
    "::",
    "->",
    "=>",
    "=",
    "==",
    "..",
    "..=",
    ".",
    "-",
    "--",
    "++",
    "|",
    "||",
    "&&",
    ">>",
    ">=",
    "<",
    "_",
    "fn ",
    "pub ",
    "type ",
    "let ",
    "match x ",
    "if ",
    "else ",
    "after ",
    "receive ",
    "serve s = ",
    "spawn ",
    "test \"t\" ",
    "use ",
    "@",
    "1.",
    "0x",
    "1e5",
    "'ab'",
    "b\"\\x",
    "r\"",
    "// c\n",
    "/// d\n",
    "/*",
    "*/",
    "é",
    "\u{feff}",
    "\r\n",
    "null",
    "elif ",
    "function ",
    "Foo { x: 1 }",
    "not x",
    " and ",
];

/// The places that stand in braces of what is printed for debugging, and that of the whole.
#[derive(Default)]
struct Braces {
    own: Option<(usize, usize)>,
    inside: Vec<(usize, usize)>,
}

/// Checks that the place of each part lies in that of the whole, by what is printed for debugging.
#[track_caller]
fn check_spans(printed: &str, length: usize) {
    const SPAN: &str = "Span { start: ";
    let mut open = vec![Braces::default()];
    let (mut at, mut is_text) = (0, false);
    while let Some(byte) = printed.as_bytes().get(at) {
        match byte {
            b'"' => is_text = !is_text,
            b'\\' if is_text => at += 1,
            _ if is_text => {}
            b'S' if printed[at..].starts_with(SPAN) => {
                let (place, _) = printed[at + SPAN.len()..].split_once(" }").unwrap();
                let (start, end) = place.split_once(", end: ").unwrap();
                let place: (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
                assert!(place.0 <= place.1 && place.1 <= length, "{place:?} of {length}");
                let around = open.last_mut().unwrap();
                if printed[..at].ends_with(" span: ") {
                    around.own = Some(place);
                } else {
                    around.inside.push(place);
                }
                at += printed[at..].find('}').unwrap();
            }
            b'{' => open.push(Braces::default()),
            b'}' => {
                let braces = open.pop().unwrap();
                if let Some((start, end)) = braces.own {
                    for (from, to) in &braces.inside {
                        assert!(start <= *from && *to <= end, "{from}..{to} is not in {start}..{end}");
                    }
                }
                let around = &mut open.last_mut().unwrap().inside;
                match braces.own {
                    Some(own) => around.push(own),
                    None => around.extend(braces.inside),
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[track_caller]
fn check(source: &str) {
    let parsed = parse(source);
    assert_eq!(parsed.tree.syntax().text().to_string(), source);
    for told in &parsed.diagnostics {
        assert!(told.primary.span.start <= told.primary.span.end && told.primary.span.end <= source.len(), "{told:?}");
        assert!(
            source.is_char_boundary(told.primary.span.start) && source.is_char_boundary(told.primary.span.end),
            "{told:?}"
        );
        if told.primary.span.start % 4 == 0 {
            told.render("any", source, false);
        }
    }
    check_spans(&format!("{:?}", parsed.file), source.len());
    let entry = parse_entry(source);
    check_spans(&format!("{:?}", entry.parts), source.len());
    assert_eq!(entry.tree.syntax().text().to_string(), source);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(source in "\\PC*") {
        check(&source);
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
    }

    #[test]
    fn changed_samples(source in changed()) {
        check(&source);
    }
}

#[test]
fn samples_cut_anywhere() {
    for sample in SAMPLES {
        for at in (0..sample.len()).step_by(3).filter(|at| sample.is_char_boundary(*at)) {
            check(&sample[..at]);
        }
    }
}
