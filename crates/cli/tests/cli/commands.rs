//! What each command answers: status, standard output, standard error.

use crate::support::{Folder, run, seen};
use fardel::bytecode::format::MAGIC;

const HELLO: &str = "host io.print(Text)\nfn main()\n  push \"hello\"\n  call_host io.print\n  ret\nend\n";

#[track_caller]
pub(crate) fn check(files: &[(&str, &str)], args: &[&str], wanted: (i32, &str, &str)) {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
    check_bytes(&files, args, b"", wanted);
}

#[track_caller]
fn check_bytes(files: &[(&str, &[u8])], args: &[&str], input: &[u8], wanted: (i32, &str, &str)) {
    let folder = Folder::with(files);
    let (status, output, error) = seen(&run(folder.path(), args, input));
    assert_eq!((status, output.as_str(), error.as_str()), wanted);
}

/// As `check`, where only a part of what is said matters.
#[track_caller]
pub(crate) fn check_says(files: &[(&str, &str)], args: &[&str], status: i32, says: &[&str]) {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
    let folder = Folder::with(&files);
    let (seen_status, output, error) = seen(&run(folder.path(), args, b""));
    for part in says {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
    assert_eq!((seen_status, output.as_str()), (status, ""), "{error}");
}

/// The help of a command is a fixture; `UPDATE=1 cargo test -p fardel-cli` rewrites it.
#[track_caller]
fn check_help(args: &[&str], fixture: &str) {
    let path = format!("{}/tests/cli/help/{fixture}.txt", env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::with(&[]);
    let (status, output, error) = seen(&run(folder.path(), args, b""));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &output).expect("the fixture can be written");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!((status, output, error), (0, wanted, String::new()));
}

#[test]
fn help_is_as_reviewed() {
    check_help(&["--help"], "fardel");
    check_help(&["run", "--help"], "run");
    check_help(&["asm", "--help"], "asm");
    check_help(&["disasm", "--help"], "disasm");
    check_help(&["check", "--help"], "check");
    check_help(&["new", "--help"], "new");
    check_help(&["build", "--help"], "build");
    check_help(&["lock", "--help"], "lock");
    check_help(&["test", "--help"], "test");
    check_help(&["fmt", "--help"], "fmt");
    check_help(&["repl", "--help"], "repl");
    check_help(&["keygen", "--help"], "keygen");
    check_help(&["node", "--help"], "node");
    for command in ["nodes", "ps", "inspect", "send", "call", "spawn", "kill"] {
        check_help(&[command, "--help"], command);
    }
    check_help(&["demo", "--help"], "demo");
}

#[test]
fn the_version_is_told() {
    check(&[], &["--version"], (0, concat!("fardel ", env!("CARGO_PKG_VERSION"), "\n"), ""));
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let folder = Folder::with(&[]);
        let (status, output, error) = seen(&run(folder.path(), &["completions", shell], b""));
        assert!(status == 0 && output.contains("fardel") && error.is_empty(), "{shell}: {status} {error}");
    }
}

#[test]
fn a_wrong_command_line_is_status_2() {
    check_says(&[], &["fly"], 2, &["unrecognized subcommand 'fly'"]);
    check_says(&[], &["run"], 2, &["<FILE>"]);
    check_says(&[], &["run", "--max-memory", "64MB", "a.fda"], 2, &["64MB", "such as 64MiB"]);
    check_says(&[], &["run", "--slice", "0", "a.fda"], 2, &["--slice"]);
}

#[test]
fn a_program_runs_from_text_and_from_a_module() {
    let folder = Folder::with(&[("a.fda", HELLO.as_bytes()), ("named", HELLO.as_bytes())]);
    let seen_of = |args: &[&str]| seen(&run(folder.path(), args, b""));
    let hello = (0, "hello\n".to_string(), String::new());
    assert_eq!(seen_of(&["run", "a.fda"]), hello);
    assert_eq!(seen_of(&["run", "named"]), hello);
    assert_eq!(seen_of(&["asm", "a.fda"]), (0, String::new(), String::new()));
    assert_eq!(seen_of(&["asm", "a.fda", "-o", "b"]), (0, String::new(), String::new()));
    assert_eq!(seen_of(&["run", "a.fdm"]), hello);
    assert_eq!(seen_of(&["run", "b"]), hello);
    assert_eq!(seen_of(&["run", "--dispatch", "match", "a.fdm"]), hello);
}

#[test]
fn text_and_module_turn_into_each_other() {
    let folder = Folder::with(&[("a.fda", HELLO.as_bytes())]);
    let ok = |args: &[&str]| {
        let output = run(folder.path(), args, b"");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let module = ok(&["asm", "a.fda", "-o", "-"]);
    assert!(module.starts_with(&MAGIC));
    ok(&["asm", "a.fda", "-o", "a.fdm"]);
    let text = ok(&["disasm", "a.fdm"]);
    ok(&["disasm", "a.fdm", "-o", "b.fda"]);
    assert_eq!(std::fs::read(folder.path().join("b.fda")).expect("the text was written"), text);
    let hash = |name: &str| {
        let line = String::from_utf8(ok(&["check", name])).expect("what is said is text");
        assert!(line.starts_with(&format!("{name}: OK, 1 function, hash ")), "{line}");
        line.rsplit(' ').next().map(str::to_string)
    };
    assert_eq!(hash("a.fda"), hash("a.fdm"));
    assert_eq!(hash("a.fda"), hash("b.fda"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    check(&[], &["run", "a.fda"], (2, "", "error: cannot read a.fda: No such file or directory (os error 2)\n"));
    check(&[], &["asm", "a.fda"], (2, "", "error: cannot read a.fda: No such file or directory (os error 2)\n"));
    check(&[], &["disasm", "a.fdm"], (2, "", "error: cannot read a.fdm: No such file or directory (os error 2)\n"));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let files = [("a.fda", HELLO)];
    let wanted = "error: cannot write no/b.fdm: No such file or directory (os error 2)\n";
    check(&files, &["asm", "a.fda", "-o", "no/b.fdm"], (2, "", wanted));
    let wanted = "error: a.fda would replace itself; name another file with --output\n";
    check(&files, &["asm", "a.fda", "-o", "a.fda"], (2, "", wanted));
}

#[test]
fn what_is_not_text_is_told_with_its_place() {
    let wanted =
        "error: a.fda is not UTF-8 text, and does not start as a module does: the byte at offset 3 begins no character\n";
    check_bytes(&[("a.fda", b"abc\xffdef")], &["run", "a.fda"], b"", (2, "", wanted));
    check_bytes(&[("a.fda", b"abc\xffdef")], &["check", "a.fda"], b"", (2, "", wanted));
}

#[test]
fn a_broken_module_is_told_with_its_place() {
    check_says(
        &[("a.fdm", "not a module")],
        &["run", "a.fdm"],
        2,
        &["error: a.fdm is no module that this version reads: ", "at byte 0"],
    );
    check_says(&[("a.fdm", "")], &["disasm", "a.fdm"], 2, &["error: a.fdm is no module"]);
    check_says(&[("a.fdm", "")], &["check", "a.fdm"], 2, &["error: a.fdm is no module"]);
}

#[test]
fn a_file_larger_than_any_module_is_refused_unread() {
    let folder = Folder::with(&[("a.fdm", b"")]);
    let file = std::fs::OpenOptions::new().write(true).open(folder.path().join("a.fdm")).expect("the file is there");
    file.set_len(fardel::bytecode::limits::MODULE_BYTES_MAX as u64 + 1).expect("the file can grow");
    let wanted = "error: a.fdm has more than 268435456 bytes, which no module has\n";
    assert_eq!(seen(&run(folder.path(), &["run", "a.fdm"], b"")), (2, String::new(), wanted.to_string()));
}

#[test]
fn mistakes_in_a_text_are_shown_where_they_are() {
    let source = "fn main()\n  pusch 1\n  ret\nend\n";
    for command in ["run", "asm", "check", "disasm"] {
        check_says(&[("a.fda", source)], &[command, "a.fda"], 2, &["a.fda:2", "pusch", "error: a.fda does not assemble\n"]);
    }
}

#[test]
fn check_goes_on_behind_a_bad_file() {
    let folder = Folder::with(&[("a.fda", b"fn"), ("b.fda", HELLO.as_bytes())]);
    let (status, output, error) = seen(&run(folder.path(), &["check", "a.fda", "b.fda"], b""));
    assert!(output.starts_with("b.fda: OK, 1 function, hash "), "{output}");
    assert!(status == 2 && error.ends_with("error: a.fda does not assemble\n"), "{error}");
}
