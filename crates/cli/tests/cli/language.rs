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
fn a_program_ends_with_the_status_that_it_asks_for() {
    let source = "use process

fn leave() { process.exit(7) }

pub fn main() {
  spawn leave()
  spawn { while true { yield() } }
  print(\"on the way\")
  sleep(1h)
}

test \"it leaves\" { leave() }

test \"there is no such status\" { process.exit(256) }
";
    let folder = Folder::with(&[("a.fdl", source.as_bytes())]);
    assert_eq!(seen(&run(folder.path(), &["run", "a.fdl"], b"")), (7, "on the way\n".to_owned(), String::new()));
    let (status, output, _) = seen(&run(folder.path(), &["test", "a.fdl"], b""));
    assert_eq!(status, 1);
    for part in ["FAILED a: it leaves\n       it called process.exit", "the exit status is 256; wanted 0 to 255"] {
        assert!(output.contains(part), "`{part}` is not in:\n{output}");
    }
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

#[test]
fn a_prompt_ends_with_the_status_that_an_entry_asks_for() {
    let folder = Folder::with(&[]);
    let entries = "1 + 1\npanic(\"oh\")\nit\nuse process\nprocess.exit(4)\n2 + 2\n";
    let (status, output, error) = seen(&run(folder.path(), &["repl"], entries.as_bytes()));
    assert_eq!((status, output.as_str()), (4, "2: Int\n2: Int\n"), "{error}");
    assert!(error.contains("panic: oh"), "{error}");
}

/// Values, declarations and fibers of one entry are there for the next ones.
#[test]
fn a_prompt_keeps_what_entries_make() {
    let entries = "1 + 2\nlet xs = [1, 2, 3]\nxs.map(fn(x) { x * it })\nfn double(n: Int) -> Int {\n  n * 2\n}\ndouble(21)\n\
        var n = 5\nn += 1\nuse json\njson.encode([\"a\": xs])\n\
        type Msg { Add(n: Int), Get(reply: Reply<Int>) }\n\
        fn counter() receives Msg {\n serve total = 0 {\n  Add(n) -> total += n\n  Get(reply) -> reply.send(total)\n }\n}\n\
        let c = spawn counter()\nc.send(Add(5))\nc.send(Add(n))\nc.call(Get(_))\n\
        let (a, b) = (1, \"x\")\nb\ntype P { x: Int }\nlet p = P(3)\np.x\n";
    let wanted =
        "3: Int\n[3, 6, 9]: List<Int>\n42: Int\n{\"a\":[1,2,3]}: Text\nOk(11): Result<Int, CallError>\nx: Text\n3: Int\n";
    let folder = Folder::with(&[]);
    let seen = seen(&run(folder.path(), &["repl"], entries.as_bytes()));
    assert_eq!(seen, (0, wanted.to_owned(), String::new()));
}

#[test]
fn a_prompt_goes_on_behind_mistakes() {
    let entries = "let n = 1\nfoo\n1 / 0\nlet f = fn(x: Int) { x }\ntype P { x: Int }\nlet p = P(1)\ntype P { y: Int }\n:bad\n\"n is ${n}\"\n:quit\nn\n";
    let folder = Folder::with(&[]);
    let (status, output, error) = seen(&run(folder.path(), &["repl"], entries.as_bytes()));
    assert_eq!((status, output.as_str()), (0, "n is 1: Text\n"));
    for part in
        ["unknown name `foo`", "divide_by_zero", "`f` holds a function", "`p` was of the type `P`", "unknown command :bad"]
    {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

#[test]
fn code_in_documents_is_tested() {
    let source = "/// Twice a number.\n///\n/// ```fardel\n/// twice(21) // => 42\n/// let t = \"a\"\n/// t + t // => aa\n/// ```\n\
        fn twice(n: Int) -> Int { n * 2 }\n\n/// ```fardel\n/// wrong() // => 2\n/// ```\nfn wrong() -> Int { 1 }\n";
    let folder = Folder::with(&[("a.fdl", source.as_bytes())]);
    let (status, output, error) = seen(&run(folder.path(), &["test", "a.fdl"], b""));
    assert_eq!((status, error.as_str()), (1, ""), "{output}");
    for part in ["ok     a: code in line 3", "FAILED a: code in line 10", "right: 2", "1 passed, 1 failed"] {
        assert!(output.contains(part), "{part} is not in {output}");
    }
}
