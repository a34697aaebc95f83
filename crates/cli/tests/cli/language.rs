//! Programs in the language: a package from its first minute on, tests, the one style, mistakes.

use crate::commands::{check, check_says};
use crate::support::{Folder, run, seen};
use std::fs;

#[test]
fn a_new_package_runs_and_passes_its_tests() {
    let folder = Folder::with(&[]);
    let (status, output, error) = seen(&run(folder.path(), &["new", "hello"], b""));
    assert_eq!((status, error.as_str()), (0, ""), "{output}");
    let package = folder.path().join("hello");
    assert_eq!(seen(&run(&package, &["run"], b"")), (0, "hello, world\n".to_owned(), String::new()));
    let wanted = "ok     main: a greeting names whom it greets\n1 passed, 0 failed\n";
    assert_eq!(seen(&run(&package, &["test"], b"")), (0, wanted.to_owned(), String::new()));
    assert_eq!(seen(&run(&package, &["fmt", "--check"], b"")), (0, String::new(), String::new()));
    let (status, _, error) = seen(&run(folder.path(), &["new", "hello"], b""));
    assert!(status == 2 && error.contains("hello is there already"), "{error}");
    let (status, _, error) = seen(&run(folder.path(), &["new", "Not-A-Name"], b""));
    assert!(status == 2 && error.contains("lower-case letters"), "{error}");
}

#[test]
fn a_test_that_fails_shows_both_sides() {
    let source = "test \"sums\" { assert(1 + 1 == 3) }\ntest \"fine\" { assert(true) }\n";
    let folder = Folder::with(&[("a.fdl", source.as_bytes())]);
    let (status, output, error) = seen(&run(folder.path(), &["test", "a.fdl"], b""));
    assert_eq!((status, error.as_str()), (1, ""));
    for part in [
        "FAILED a: sums",
        "it does not hold that 1 + 1 == 3",
        "left:  2",
        "right: 3",
        "ok     a: fine",
        "1 passed, 1 failed",
    ] {
        assert!(output.contains(part), "`{part}` is not in:\n{output}");
    }
}

/// The simplest list with four elements is one of zeros.
#[test]
fn the_inputs_of_a_property_are_shrunk() {
    let folder = Folder::with(&[("a.fdl", "test \"short\" (xs: List<Int>) { assert(xs.len() < 4) }\n".as_bytes())]);
    let (status, output, _) = seen(&run(folder.path(), &["test", "a.fdl"], b""));
    assert!(status == 1 && output.contains("xs = [0, 0, 0, 0]"), "{output}");
    assert_eq!(seen(&run(folder.path(), &["test", "a.fdl"], b"")).1, output, "it is the same each time");
}

#[test]
fn modules_are_files_beside_the_main_one() {
    let files = [
        ("main.fdl", "use shapes.round\npub fn main() { print(round.area(2.0)) }\n"),
        ("shapes/round.fdl", "pub fn area(r: Float) -> Float { r * r * 3.0 }\n"),
    ];
    let folder = Folder::with(&[(files[0].0, files[0].1.as_bytes())]);
    fs::create_dir(folder.path().join("shapes")).expect("a folder can be made");
    fs::write(folder.path().join(files[1].0), files[1].1).expect("a file can be written");
    assert_eq!(seen(&run(folder.path(), &["run", "main.fdl"], b"")), (0, "12.0\n".to_owned(), String::new()));
}

#[test]
fn what_main_returns_is_the_status() {
    let failing = "type Failure { Broken(why: Text) }\npub fn main() -> Result<(), Failure> { Err(Broken(\"rust\")) }\n";
    check_says(&[("a.fdl", failing)], &["run", "a.fdl"], 1, &["Broken", "rust"]);
    check(
        &[("a.fdl", "pub fn main(args: List<Text>) { print(args.len()) }\n")],
        &["run", "a.fdl", "x", "-y"],
        (0, "2\n", ""),
    );
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let source = "pub fn main() {\n  let n: Int = \"a\"\n  print(m)\n}\n";
    for command in ["check", "run", "build"] {
        let wanted = ["a.fdl:2:16", "`Int`", "`Text`", "a.fdl:3:9", "unknown name `m`", "a.fdl does not compile"];
        check_says(&[("a.fdl", source)], &[command, "a.fdl"], 2, &wanted);
    }
    check_says(&[("a.fdl", "fn helper() {}\n")], &["run", "a.fdl"], 2, &["no `main`", "pub fn main()"]);
    check_says(&[("a.fdl", "use nowhere\npub fn main() {}\n")], &["run", "a.fdl"], 2, &["no module `nowhere`"]);
    check_says(&[], &["check", "gone.fdl"], 2, &["cannot read gone.fdl"]);
}

#[test]
fn formatting_changes_nothing_but_blanks() {
    let folder = Folder::with(&[("a.fdl", "pub fn main(){print(\"a\")}\n".as_bytes())]);
    let (status, output, _) = seen(&run(folder.path(), &["fmt", "--check", "."], b""));
    assert!(status == 1 && output.contains("a.fdl"), "{output}");
    assert_eq!(seen(&run(folder.path(), &["fmt"], b"")), (0, String::new(), String::new()));
    let formatted = fs::read_to_string(folder.path().join("a.fdl")).expect("the file can be read");
    assert!(formatted.starts_with("pub fn main() {"), "{formatted}");
    assert_eq!(seen(&run(folder.path(), &["fmt", "--check"], b"")), (0, String::new(), String::new()));
}

/// A fiber that fails tells the lines of its source.
#[test]
fn a_failure_shows_the_calls_that_led_there() {
    let source =
        "fn half(n: Int) -> Int {\n  100 / n\n}\n\npub fn main(args: List<Text>) {\n  print(half(args.len()) + 1)\n}\n";
    check_says(&[("a.fdl", source)], &["run", "a.fdl"], 1, &["divide_by_zero", "a.fdl:2", "a.fdl:6"]);
}
