//! `fardel check --against`: what is told of a program and an older module of it, and the status.

use crate::support::{Folder, run, seen};
use std::fs;

/// A program whose fiber receives a type.
fn program(msg: &str) -> String {
    format!(
        "type Msg {{ {msg} }}\n\nfn fiber() receives Msg {{\n  serve n = 0 {{\n    _ -> n += 1\n  }}\n}}\n\n\
         pub fn main() {{ spawn fiber() }}\n"
    )
}

/// A folder with a program, `old.fdm` made of an older version of it, and the digits of that one's hash.
fn folder(old: &str, new: &str) -> (Folder, String) {
    let folder = Folder::with(&[("a.fdl", program(old).as_bytes())]);
    let (status, _, error) = seen(&run(folder.path(), &["build", "a.fdl", "-o", "old.fdm"], b""));
    assert_eq!((status, error.as_str()), (0, ""));
    let (_, output, _) = seen(&run(folder.path(), &["check", "old.fdm"], b""));
    let hash = output.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
    fs::write(folder.path().join("a.fdl"), program(new)).expect("a file can be written");
    (folder, hash)
}

#[track_caller]
fn check(old: &str, new: &str, status: i32, wanted: &[&str]) {
    let (folder, hash) = folder(old, new);
    let mut lines = vec!["a.fdl: OK, 1 module".to_owned()];
    lines.extend(wanted[..wanted.len() - 1].iter().map(|line| format!("a.Msg: {line}")));
    lines.push(format!("against old.fdm {}: {}\n", &hash[..12], wanted[wanted.len() - 1]));
    let seen = seen(&run(folder.path(), &["check", "a.fdl", "--against", "old.fdm"], b""));
    assert_eq!(seen, (status, lines.join("\n"), String::new()));
}

#[test]
fn nothing_breaks_when_everything_fits() {
    check("a: Int", "a: Int", 0, &["nothing has changed"]);
    check("a: Int", "a: Int, b: Text = \"\"", 0, &["old -> new fits", "new -> old fits", "nothing breaks"]);
    check("a: Int = 0", "@was(\"a\") b: Int = 0", 0, &["old -> new fits", "new -> old fits", "nothing breaks"]);
}

#[test]
fn what_breaks_is_told_for_each_way() {
    let missing = "old -> new does not fit: field `b` of a.Msg is missing and has no default";
    check("a: Int", "a: Int, b: Int", 1, &[missing, "new -> old fits", "the change breaks something"]);
    let unknown = "new -> old fits in part: a.Msg has no variant `B` there";
    check("A", "A, B", 1, &["old -> new fits", unknown, "the change breaks something"]);
}

#[test]
fn a_hash_names_a_module_beside_the_program() {
    let (folder, hash) = folder("a: Int", "a: Int, b: Int = 1");
    let seen_of = |old: &str| seen(&run(folder.path(), &["check", "a.fdl", "--against", old], b""));
    for digits in [8, 20, 64] {
        let (status, output, error) = seen_of(&hash[..digits]);
        assert!(status == 0 && output.contains("against ./old.fdm") && error.is_empty(), "{output}{error}");
    }
    assert_eq!(seen_of(&hash[..8].to_uppercase()).0, 0);
    for (old, wanted) in [
        (&hash[..7], "8 hexadecimal digits or more are wanted"),
        ("gone.fdm", "gone.fdm is no file, and no hash of a module"),
        ("00000000", "no module whose hash begins with 00000000 is in ."),
        ("a.txt", "a.txt is nothing to compare with"),
    ] {
        fs::write(folder.path().join("a.txt"), "no program").expect("a file can be written");
        let (status, _, error) = seen_of(old);
        assert!(status == 2 && error.contains(wanted), "{old}: {error}");
    }
    // The same module twice is one.
    fs::copy(folder.path().join("old.fdm"), folder.path().join("same.fdm")).expect("a file can be copied");
    fs::write(folder.path().join("broken.fdm"), "no module").expect("a file can be written");
    assert_eq!(seen_of(&hash[..8]).0, 0);
}

#[test]
fn a_module_is_found_in_the_folder_of_the_package() {
    let (folder, hash) = folder("a: Int", "a: Int");
    let package = folder.path().join("p");
    seen(&run(folder.path(), &["new", "p"], b""));
    fs::write(package.join("src/main.fdl"), program("a: Int, b: Int = 0")).expect("a file can be written");
    fs::copy(folder.path().join("old.fdm"), package.join("old.fdm")).expect("a file can be copied");
    // It is of another module, `a`, so its types are gone.
    let (status, output, error) = seen(&run(&package, &["check", "--against", &hash[..16]], b""));
    assert_eq!((status, error.as_str()), (1, ""));
    for part in
        ["a.Msg: the type is gone", "a.fiber: the function does not serve any more", "2 of 2 changes break something"]
    {
        assert!(output.contains(part), "`{part}` is not in:\n{output}");
    }
}

#[test]
fn one_program_is_compared() {
    let (folder, _) = folder("a: Int", "a: Int");
    let (status, _, error) = seen(&run(folder.path(), &["check", "a.fdl", "a.fdl", "--against", "old.fdm"], b""));
    assert!(status == 2 && error.contains("--against compares one file"), "{error}");
    fs::write(folder.path().join("a.fdl"), "pub fn main() { n }\n").expect("a file can be written");
    let (status, _, error) = seen(&run(folder.path(), &["check", "a.fdl", "--against", "old.fdm"], b""));
    assert!(status == 2 && error.contains("unknown name `n`") && !error.contains("against"), "{error}");
}
