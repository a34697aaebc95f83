//! Packages that depend on others: what commands make of them, and what they tell.

use crate::support::{Folder, run, seen};
use std::fs;
use std::path::Path;

/// A folder with files in folders.
fn folder(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::with(&[]);
    for (path, text) in files {
        put(folder.path(), path, text);
    }
    folder
}

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
}

fn manifest(name: &str, uses: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n\n[dependencies]\n{uses}")
}

/// A program with a module `util` of its own, and a package `geometry` that has one as well and uses a third.
fn program() -> Folder {
    folder(&[
        ("app/fardel.toml", &manifest("app", "geometry = { path = \"../geometry\" }\n")),
        (
            "app/src/main.fdl",
            "use geometry\nuse geometry.shapes.{Square}\nuse util\n\npub fn main() {\n  \
             print(util.name(Square(3)))\n  print(geometry.twice(21))\n}\n\n\
             test \"own\" { assert(geometry.twice(1) == 2) }\n",
        ),
        ("app/src/util.fdl", "use geometry.shapes\n\npub fn name(s: shapes.Square) -> Text { \"area ${s.area()}\" }\n"),
        ("app/src/kv/store.fdl", "use geometry\n\npub fn main() { print(geometry.twice(4)) }\n"),
        ("geometry/fardel.toml", &manifest("geometry", "base = { path = \"../base\" }\n")),
        ("geometry/src/lib.fdl", "use util\n\npub fn twice(n: Int) -> Int { util.times(n, 2) }\n"),
        (
            "geometry/src/shapes.fdl",
            "pub type Square {\n  side: Int\n\n  pub fn area(self) -> Int { self.side * self.side }\n}\n",
        ),
        (
            "geometry/src/util.fdl",
            "use base.numbers\n\npub fn times(a: Int, b: Int) -> Int {\n  let unused = 1\n  numbers.one * a * b\n}\n\n\
             test \"of another package\" { assert(false) }\n",
        ),
        ("geometry/src/main.fdl", "use lib\n\npub fn main() { print(lib.twice(5)) }\n"),
        ("base/fardel.toml", &manifest("base", "")),
        ("base/src/numbers.fdl", "pub const one = 1\n"),
    ])
}

/// Runs the binary in a folder of a program; what it leaves has to be this.
#[track_caller]
fn check(folder: &Folder, at: &str, args: &[&str], wanted: (i32, &str, &str)) {
    let (status, output, error) = seen(&run(&folder.path().join(at), args, b""));
    assert_eq!((status, output.as_str(), error.as_str()), wanted);
}

/// Runs the binary in a folder of a program; it tells these.
#[track_caller]
fn check_told(folder: &Folder, at: &str, args: &[&str], wanted: &[&str]) {
    let (status, output, error) = seen(&run(&folder.path().join(at), args, b""));
    for part in wanted {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
    assert_eq!((status, output.as_str()), (2, ""), "{error}");
}

#[test]
fn all_commands_take_dependencies() {
    let folder = program();
    check(&folder, "app", &["run"], (0, "area 9\n42\n", ""));
    check(&folder, "app", &["check"], (0, "src/main.fdl: OK, 6 modules\n", ""));
    check(&folder, "app", &["build", "-o", "app.fdm"], (0, "", ""));
    check(&folder, "app", &["run", "app.fdm"], (0, "area 9\n42\n", ""));
    check(&folder, "app", &["test"], (0, "ok     main: own\n1 passed, 0 failed\n", ""));
    let entries = b"use geometry, geometry.shapes, util\nutil.name(shapes.Square(2))\nlet s = shapes.Square(4)\ns.area()\n";
    let seen = seen(&run(&folder.path().join("app"), &["repl"], entries));
    assert_eq!(seen, (0, "area 4: Text\n16: Int\n".to_owned(), String::new()));
}

/// The package is that of the file, wherever the command stands.
#[test]
fn files_of_a_package_use_its_dependencies() {
    let folder = program();
    check(&folder, "app", &["run", "src/kv/store.fdl"], (0, "8\n", ""));
    check(&folder, "app/src", &["run", "main.fdl"], (0, "area 9\n42\n", ""));
    check(&folder, "app/src/kv", &["run", "store.fdl"], (0, "8\n", ""));
    check(&folder, "", &["run", "app/src/main.fdl"], (0, "area 9\n42\n", ""));
    // The package that another one uses is a program of its own here, with tests of its own.
    check(&folder, "geometry", &["run"], (0, "10\n", ""));
    put(folder.path(), "app/tool.fdl", "use geometry\n\npub fn main() {}\n");
    check_told(&folder, "app", &["run", "tool.fdl"], &["there is no module `geometry`"]);
}

#[test]
fn types_are_named_by_their_package() {
    let folder = program();
    let (status, text, error) = seen(&run(&folder.path().join("app"), &["build", "--assembly"], b""));
    assert_eq!((status, error.as_str()), (0, ""));
    assert!(text.contains("`geometry.shapes.Square`"), "{text}");
    assert!(!text.contains("`shapes.Square`"), "{text}");
}

#[test]
fn what_is_wrong_in_a_dependency_is_shown_there() {
    let folder = program();
    put(folder.path(), "geometry/src/lib.fdl", "pub fn twice(n: Int) -> Int { m }\n");
    check_told(&folder, "app", &["check"], &["../geometry/src/lib.fdl:1:31", "unknown name `m`"]);
    put(folder.path(), "app/src/main.fdl", "use geometry.main\nuse base.numbers\n\npub fn main() {}\n");
    check_told(&folder, "app", &["lock", "extra"], &["unexpected argument"]);
    check(&folder, "app", &["lock"], (0, "fardel.lock: 2 packages\n", ""));
    let wanted = ["src/main.fdl:1:5", "program of the package `geometry`", "does not name the package `base`"];
    check_told(&folder, "app", &["check"], &wanted);
}

#[test]
fn a_lock_holds_dependencies_as_they_were() {
    let folder = program();
    let lock = folder.path().join("app/fardel.lock");
    check(&folder, "app", &["run"], (0, "area 9\n42\n", ""));
    let first = fs::read_to_string(&lock).expect("the lock was written");
    assert!(first.contains("name = \"base\"\npath = \"../base\"\nhash = \""), "{first}");
    put(folder.path(), "base/src/numbers.fdl", "pub const one = 2\n");
    for command in ["run", "check", "build", "test", "repl"] {
        let (status, _, error) = seen(&run(&folder.path().join("app"), &[command], b""));
        let wanted = ["the package `base` is another one than fardel.lock says", "its hash is ", "`fardel lock`"];
        assert!(status > 0 && wanted.iter().all(|part| error.contains(part)), "{command}: {error}");
    }
    assert_eq!(fs::read_to_string(&lock).expect("it is there"), first, "an error changes nothing");
    check(&folder, "app", &["lock"], (0, "fardel.lock: 2 packages\n", ""));
    check(&folder, "app", &["run"], (0, "area 9\n84\n", ""));
}

#[test]
fn packages_without_dependencies_have_no_lock() {
    let folder = program();
    check(&folder, "base", &["lock"], (0, "fardel.toml names no dependencies, so there is nothing to lock\n", ""));
    put(folder.path(), "base/src/main.fdl", "pub fn main() {}\n");
    check(&folder, "base", &["run"], (0, "", ""));
    assert!(!folder.path().join("base/fardel.lock").exists());
    check_told(&folder, "", &["lock"], &["there is no fardel.toml here"]);
}

#[test]
fn a_manifest_that_is_not_right_stops_every_command() {
    let folder = program();
    put(folder.path(), "app/fardel.toml", "[package]\nname = \"app\"\nversion = \"1\"\nauthor = \"x\"\n");
    for command in ["run", "check", "build", "lock"] {
        let wanted = ["fardel.toml:4:1: unknown field `author`, expected `name` or `version`"];
        check_told(&folder, "app", &[command], &wanted);
    }
}

#[cfg(unix)]
#[test]
fn links_that_lead_back_end() {
    let folder = program();
    std::os::unix::fs::symlink(".", folder.path().join("geometry/src/again")).expect("a link can be made");
    check_told(&folder, "app", &["check"], &["../geometry/src/again: this link leads back to a folder that it is in"]);
    // A package that is reached by two ways is one.
    let other = program();
    std::os::unix::fs::symlink("../base", other.path().join("app/link")).expect("a link can be made");
    let uses = "geometry = { path = \"../geometry\" }\nbase = { path = \"link\" }\n";
    put(other.path(), "app/fardel.toml", &manifest("app", uses));
    check(&other, "app", &["run"], (0, "area 9\n42\n", ""));
}

/// Found in review: behind a link, `..` led to another package than it does for the package itself.
#[cfg(unix)]
#[test]
fn a_way_through_a_link_is_that_of_the_system() {
    let folder = program();
    put(folder.path(), "real/geo/fardel.toml", &manifest("geo", "base = { path = \"../base\" }\n"));
    put(folder.path(), "real/geo/src/lib.fdl", "use base\n\npub fn told() -> Text { base.told() }\n");
    put(folder.path(), "real/base/fardel.toml", &manifest("base", ""));
    put(folder.path(), "real/base/src/lib.fdl", "pub fn told() -> Text { \"the real one\" }\n");
    put(folder.path(), "base/src/lib.fdl", "pub fn told() -> Text { \"another one\" }\n");
    std::os::unix::fs::symlink("real/geo", folder.path().join("geo")).expect("a link can be made");
    put(folder.path(), "app/fardel.toml", &manifest("app", "geo = { path = \"../geo\" }\n"));
    put(folder.path(), "app/src/main.fdl", "use geo\n\npub fn main() { print(geo.told()) }\n");
    check(&folder, "app", &["run"], (0, "the real one\n", ""));
}
