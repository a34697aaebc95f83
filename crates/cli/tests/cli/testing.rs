//! Tests of programs, with inputs from generators.

use crate::support::{Folder, root, run, seen};

/// Runs the tests of a source; gives status and output.
fn test(source: &str, options: &[&str]) -> (i32, String) {
    let folder = Folder::with(&[("a.fdl", source.as_bytes())]);
    let args: Vec<&str> = ["test", "a.fdl"].iter().chain(options).copied().collect();
    let (status, output, error) = seen(&run(folder.path(), &args, b""));
    (status, output + &error)
}

#[track_caller]
fn check(source: &str, status: i32, parts: &[&str]) {
    let seen = test(source, &[]);
    assert!(seen.0 == status, "{}: {}", seen.0, seen.1);
    for part in parts {
        assert!(seen.1.contains(part), "`{part}` is not in:\n{}", seen.1);
    }
    assert_eq!(test(source, &[]), seen, "it is the same each time");
}

#[test]
fn tests_in_the_document_of_the_language_pass() {
    let document = std::fs::read_to_string(root().join("docs/spec/language.md")).expect("the document is there");
    let blocks = document.split("```fardel\n").skip(1).filter_map(|rest| rest.split("```").next());
    let with_tests: Vec<&str> = blocks.filter(|block| block.contains("\ntest \"")).collect();
    assert!(with_tests.len() >= 1, "there are {}", with_tests.len());
    for block in with_tests {
        let count = block.matches("\ntest \"").count();
        check(block, 0, &[&format!("{count} passed, 0 failed")]);
    }
}

#[test]
fn a_generator_gives_the_simplest_input_that_fails() {
    let source = "use checks, gen

test \"short\" { checks.for_all(gen.list(gen.int(3..10)), fn(xs) { assert(xs.len() < 4) }) }

test \"near\" { checks.for_all(gen.int(-50..50), fn(n) { assert(n > -7) }) }

test \"ordered\" {
  let ordered = gen.int(0..100).then(fn(n) { gen.pair(gen.value(n), gen.int(n..101)) })
  checks.for_all(ordered, fn(pair) { let (a, b) = pair; assert(a <= b && b < 60) })
}

test \"never\" { checks.for_all(gen.int(0..9).filter(fn(n) { n > 9 }), fn(n) { assert(n > 9) }) }
";
    let parts = [
        "[3, 3, 3, 3]",
        "\n         -7\n",
        "(0, 60)",
        "of 100 inputs the filters of generators drop 100",
        "0 passed, 4 failed",
    ];
    check(source, 1, &parts);
}
