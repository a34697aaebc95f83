//! Modules whose path in the program is another than the one that stands in a source: those of other packages.

mod common;

use common::told;
use fardel_lang::{Found, Goal, Resolver, compile, load};

/// Modules by their path in the program, and what they are called where.
struct Packages {
    modules: &'static [(&'static str, &'static str)],
    /// Module that imports, path that stands there, path in the program.
    names: &'static [(&'static str, &'static str, Result<&'static str, &'static str>)],
}

impl Resolver for Packages {
    fn path(&mut self, from: &str, path: &str) -> Result<String, String> {
        let found = self.names.iter().find(|(module, name, _)| (*module, *name) == (from, path));
        found.map_or(Ok(path), |(_, _, path)| *path).map(str::to_owned).map_err(str::to_owned)
    }

    fn module(&mut self, path: &str) -> Result<Option<Found>, String> {
        let found = self.modules.iter().find(|(known, _)| *known == path);
        let found = found.map(|(_, text)| Found {
            file: format!("{path}.fdl"),
            text: (*text).to_owned(),
            is_own: !path.starts_with("geometry"),
        });
        Ok(found)
    }

    fn place(&self, path: &str) -> String {
        format!("a file for {path}")
    }
}

/// The assembly and the titles of the tests of a program.
#[track_caller]
fn made(main: &str, goal: Goal, mut packages: Packages) -> (String, Vec<String>) {
    let sources = load("main", "main.fdl", main.to_owned(), &mut packages);
    let compiled = compile(&sources, goal);
    assert!(compiled.module.is_some(), "{}", told(&sources, &compiled.checked));
    (compiled.assembly, compiled.tests.into_iter().map(|(_, title, _)| title).collect())
}

/// What is told of a program.
#[track_caller]
fn check_told(main: &str, mut packages: Packages, wanted: &[&str]) {
    let sources = load("main", "main.fdl", main.to_owned(), &mut packages);
    let seen = told(&sources, &compile(&sources, Goal::Run).checked);
    for part in wanted {
        assert!(seen.contains(part), "`{part}` is not in:\n{seen}");
    }
}

#[test]
fn two_modules_of_one_name_have_types_of_their_own() {
    let packages = Packages {
        modules: &[
            ("util", "pub type Pair { a: Int, b: Int }\npub fn sum(p: Pair) -> Int { p.a + p.b }\n"),
            ("geometry.util", "pub type Pair { a: Int, b: Int }\npub fn product(p: Pair) -> Int { p.a * p.b }\n"),
            ("geometry", "use util\n\npub fn area(a: Int, b: Int) -> Int { util.product(util.Pair(a, b)) }\n"),
        ],
        names: &[("geometry", "util", Ok("geometry.util"))],
    };
    let main = "use geometry\nuse util\n\npub fn main() { print(util.sum(util.Pair(1, 2)) + geometry.area(3, 4)) }\n";
    let (assembly, _) = made(main, Goal::Run, packages);
    for part in ["type `util.Pair`", "type `geometry.util.Pair`"] {
        assert!(assembly.contains(part), "`{part}` is not in:\n{assembly}");
    }
}

#[test]
fn a_type_of_one_does_not_stand_for_the_other() {
    let packages = Packages {
        modules: &[
            ("util", "pub type Pair { a: Int }\n"),
            ("geometry.util", "pub type Pair { a: Int }\npub fn area(p: Pair) -> Int { p.a }\n"),
        ],
        names: &[],
    };
    let main = "use geometry.util as other\nuse util\n\npub fn main() { print(other.area(util.Pair(1))) }\n";
    check_told(main, packages, &["main.fdl:4:34", "is `geometry.util.Pair`, seen: `util.Pair`"]);
}

#[test]
fn tests_of_other_packages_are_not_run() {
    let packages = Packages {
        modules: &[
            ("kv", "pub fn f() -> Int { 1 }\n\ntest \"of kv\" { assert(f() == 1) }\n"),
            ("geometry", "pub fn f() -> Int { 1 }\n\ntest \"of geometry\" { assert(f() == 1) }\n"),
        ],
        names: &[],
    };
    let (_, tests) = made("use geometry\nuse kv\n\ntest \"own\" { assert(geometry.f() == kv.f()) }\n", Goal::Test, packages);
    assert_eq!(tests, ["own", "of kv"]);
}

#[test]
fn what_cannot_be_brought_is_told_with_its_reason() {
    let packages =
        Packages { modules: &[], names: &[("main", "geometry.main", Err("it is a program")), ("main", "a.b", Ok("a.c"))] };
    let main = "use geometry.main\nuse a.b\n\npub fn main() {}\n";
    let wanted = ["`geometry.main` cannot be used: it is a program", "no module `a.b`", "it would be a file for a.c"];
    check_told(main, packages, &wanted);
}

#[test]
fn modules_of_other_packages_may_not_lead_back_either() {
    let packages = Packages {
        modules: &[("geometry.a", "use b\n\npub fn f() {}\n"), ("geometry.b", "use a\n\npub fn g() {}\n")],
        names: &[("geometry.a", "b", Ok("geometry.b")), ("geometry.b", "a", Ok("geometry.a"))],
    };
    check_told("use geometry.a\n\npub fn main() { a.f() }\n", packages, &["circle: `geometry.a`, `geometry.b`"]);
}
