//! What packages lead to, and what is told of those that are not right, without a disk.

use super::*;
use proptest::prelude::*;

/// Files by their paths.
struct Memory(BTreeMap<String, String>);

impl Reader for Memory {
    fn file(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, PackageError> {
        let found = self.0.get(path).map(|text| text.clone().into_bytes());
        match found.filter(|bytes| bytes.len() > bytes_max) {
            Some(_) => Err(PackageError::new(path, "too large")),
            None => Ok(self.0.get(path).map(|text| text.clone().into_bytes())),
        }
    }

    fn sources(&self, folder: &str, _: usize) -> Result<BTreeMap<String, String>, PackageError> {
        let inside = |(path, text): (&String, &String)| {
            let path = path.strip_prefix(folder)?.strip_prefix('/')?;
            path.ends_with(".fdl").then(|| (path.to_owned(), text.clone()))
        };
        Ok(self.0.iter().filter_map(inside).collect())
    }

    fn has(&self, path: &str) -> bool {
        self.0.keys().any(|file| file == path || file.starts_with(&format!("{path}/")))
    }

    fn identity(&self, folder: &str) -> PathBuf {
        PathBuf::from(reach::join("", folder))
    }

    fn display(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// The manifest of a package that uses others: name and path of each.
fn manifest(name: &str, uses: &[(&str, &str)]) -> String {
    let uses: String = uses.iter().map(|(name, path)| format!("{name} = {{ path = \"{path}\" }}\n")).collect();
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n\n[dependencies]\n{uses}")
}

fn files(files: &[(&str, &str)]) -> Memory {
    Memory(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
}

fn reach(memory: &Memory) -> Result<Package, PackageError> {
    Package::reach(memory, Path::new("")).map(|package| package.expect("there is a manifest"))
}

/// What is told of a package with these files.
#[track_caller]
fn check_told(all: &[(&str, &str)], wanted: &str) {
    let told = reach(&files(all)).expect_err("it is not right").to_string();
    assert_eq!(told, wanted);
}

/// What is told of a manifest alone.
#[track_caller]
fn check_manifest(text: &str, wanted: &str) {
    check_told(&[("fardel.toml", text)], wanted);
}

/// A program that uses `geometry`, which uses `base`.
fn three() -> Memory {
    files(&[
        ("fardel.toml", &manifest("app", &[("geometry", "../geometry")])),
        ("src/main.fdl", "use geometry\n"),
        ("../geometry/fardel.toml", &manifest("geometry", &[("base", "../libs/./base")])),
        ("../geometry/src/lib.fdl", "use util\n"),
        ("../geometry/src/util.fdl", "use base.deep.numbers\n"),
        ("../geometry/src/main.fdl", ""),
        ("../libs/base/fardel.toml", &manifest("base", &[])),
        ("../libs/base/src/deep/numbers.fdl", "pub const one = 1\n"),
    ])
}

#[test]
fn a_folder_without_a_manifest_is_no_package() {
    assert!(Package::reach(&files(&[("src/main.fdl", "")]), Path::new("")).is_ok_and(|package| package.is_none()));
}

#[test]
fn dependencies_of_dependencies_are_reached() {
    let package = reach(&three()).expect("all is right");
    let paths: Vec<_> = package.reached.iter().map(|(name, one)| (name.as_str(), one.path.as_str())).collect();
    assert_eq!(paths, [("base", "../libs/base"), ("geometry", "../geometry")]);
}

/// What a module calls another one, and the path of that in the program.
#[test]
fn modules_have_one_path_in_the_program() {
    let package = reach(&three()).expect("all is right");
    let check = |from: &str, path: &str, wanted: &str| assert_eq!(package.path(from, path).as_deref(), Ok(wanted));
    check("main", "util", "util");
    check("main", "kv.store", "kv.store");
    check("main", "geometry", "geometry");
    check("main", "geometry.lib", "geometry");
    check("main", "geometry.util", "geometry.util");
    check("geometry", "util", "geometry.util");
    check("geometry.util", "lib", "geometry");
    check("geometry.util", "base.deep.numbers", "base.deep.numbers");
    // `geometry` is no dependency of `base`, nor `base` one of the program itself.
    check("base.deep.numbers", "geometry", "base.geometry");
    let told = package.path("main", "base.deep.numbers").expect_err("it is not named");
    assert_eq!(told, "fardel.toml does not name the package `base`, though a dependency does");
    for (from, path) in [("main", "geometry.main"), ("geometry", "main")] {
        let told = package.path(from, path).expect_err("it cannot be used");
        assert_eq!(told, "it is the program of the package `geometry`, which other packages cannot use");
    }
}

#[test]
fn modules_of_dependencies_come_from_what_was_read() {
    let package = reach(&three()).expect("all is right");
    let found = package.module("geometry").flatten();
    assert_eq!(found, Some(("../geometry/src/lib.fdl".to_owned(), "use util\n".to_owned())));
    assert_eq!(package.module("geometry.gone"), Some(None));
    assert_eq!(package.place("geometry.gone.too"), "the file `../geometry/src/gone/too.fdl`");
    assert_eq!(package.module("util"), None);
    assert_eq!(package.place("util"), "the file `src/util.fdl`, or `util` a package that fardel.toml names");
}

#[test]
fn a_manifest_is_told_by_its_place() {
    let good = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n";
    check_manifest("[package]\nnam = \"app\"\n", "fardel.toml:2:1: unknown field `nam`, expected `name` or `version`");
    check_manifest("[package]\nname = \"app\"\n", "fardel.toml:1:1: missing field `version`");
    check_manifest("[package]\nname = 1\n", "fardel.toml:2:8: invalid type: integer `1`, expected a string");
    check_manifest(
        &format!("{good}[dependency]\n"),
        "fardel.toml:4:2: unknown field `dependency`, expected `package` or `dependencies`",
    );
    check_manifest(
        &format!("{good}[dependencies]\nb = {{ path = \"../b\", git = \"x\" }}\n"),
        "fardel.toml:5:22: unknown field `git`, expected `path`",
    );
    check_manifest(
        &format!("{good}[dependencies]\nb = \"../b\"\n"),
        "fardel.toml:5:5: invalid type: string \"../b\", expected a table such as { path = \"../name\" }",
    );
    check_manifest("package = 1\n", "fardel.toml:1:11: invalid type: integer `1`, expected a table with name and version");
    check_manifest(
        "[package]\nname = \"App\"\nversion = \"\"\n",
        "fardel.toml:2:8: a package's name has lower-case letters, digits and `_`, and begins with a letter; seen: \"App\"",
    );
    check_manifest(
        &format!("{good}[dependencies]\njson = {{ path = \"../b\" }}\n"),
        "fardel.toml:5:1: `json` is a module of the standard library; a dependency has another name",
    );
    check_manifest(
        &format!("{good}[dependencies]\nb = {{ path = \"/b\" }}\n"),
        "fardel.toml:5:14: the path of `b` is relative to this file, such as \"../name\"; seen: \"/b\"",
    );
}

#[test]
fn a_dependency_that_is_not_there_is_told() {
    check_told(
        &[("fardel.toml", &manifest("app", &[("b", "../b")]))],
        "fardel.toml:6:1: there is no package `b` there: no file ../b/fardel.toml",
    );
}

#[test]
fn a_dependency_has_the_name_of_its_package() {
    check_told(
        &[("fardel.toml", &manifest("app", &[("b", "../b")])), ("../b/fardel.toml", &manifest("c", &[]))],
        "fardel.toml:6:1: a dependency has the name of its package: seen `b`, and `c` in ../b/fardel.toml:2:8",
    );
}

#[test]
fn a_name_that_means_a_package_and_a_module_is_told_with_both() {
    let b = ("../b/fardel.toml", &*manifest("b", &[]));
    for own in ["src/b.fdl", "src/b/other.fdl"] {
        let place = own.trim_end_matches("/other.fdl");
        check_told(
            &[("fardel.toml", &manifest("app", &[("b", "../b")])), b, (own, "")],
            &format!("fardel.toml:6:1: `b` is a package here, and a module of the package itself: {place}"),
        );
        let a = manifest("a", &[("b", "../b")]);
        let file = format!("../a/{own}");
        check_told(
            &[("fardel.toml", &manifest("app", &[("a", "../a")])), b, ("../a/fardel.toml", &a), (&file, "")],
            &format!("../a/fardel.toml:6:1: `b` is a package here, and a module of the package itself: {file}"),
        );
        // The program's own modules have their paths as they are, so no package that it leads to may have such a name.
        check_told(
            &[("fardel.toml", &manifest("app", &[("a", "../a")])), b, ("../a/fardel.toml", &a), (own, "")],
            &format!("../a/fardel.toml:6:1: `b` is a package here, and a module of the package itself: {place}"),
        );
    }
}

#[test]
fn two_packages_of_one_name_are_told_with_both_folders() {
    check_told(
        &[
            ("fardel.toml", &manifest("app", &[("a", "../a"), ("b", "../b")])),
            ("../a/fardel.toml", &manifest("a", &[("b", "b")])),
            ("../a/b/fardel.toml", &manifest("b", &[])),
            ("../b/fardel.toml", &manifest("b", &[])),
        ],
        "fardel.toml:7:1: two packages have the name `b`, and a program has one: ../a/b and ../b",
    );
}

#[test]
fn a_circle_of_packages_is_told() {
    let a = ("../a/fardel.toml", &*manifest("a", &[("b", "../b")]));
    check_told(
        &[("fardel.toml", &manifest("app", &[("a", "../a")])), a, ("../b/fardel.toml", &manifest("b", &[("a", "../a")]))],
        "../b/fardel.toml:6:1: packages depend on each other in a circle: `a`, `b` and `a` again",
    );
    check_told(
        &[("fardel.toml", &manifest("app", &[("app", ".")]))],
        "fardel.toml:6:1: packages depend on each other in a circle: `app` and `app` again",
    );
}

#[test]
fn a_package_leads_to_so_many_others() {
    let name = |at: usize| format!("p{at}");
    let mut all = BTreeMap::new();
    let mut put = |count: usize| {
        let uses: Vec<(String, String)> = (0..count).map(|at| (name(at), format!("../{}", name(at)))).collect();
        let uses: Vec<(&str, &str)> = uses.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
        all.extend((0..count).map(|at| (format!("../{}/fardel.toml", name(at)), manifest(&name(at), &[]))));
        // Half of them by way of the first.
        all.insert("fardel.toml".to_owned(), manifest("app", &uses[..count / 2]));
        all.insert("../p0/fardel.toml".to_owned(), manifest("p0", &uses[count / 2..]));
        Memory(all.clone())
    };
    assert!(reach(&put(256)).is_ok_and(|package| package.reached.len() == 256));
    let told = reach(&put(257)).expect_err("they are too many").to_string();
    assert!(told.contains("a package leads to 256 others at most; `p"), "{told}");
    // Found in review: a manifest of a mebibyte took minutes, for the places of all its lines.
    let uses: Vec<String> = (0..257).map(name).collect();
    let uses: Vec<(&str, &str)> = uses.iter().map(|name| (name.as_str(), "../p")).collect();
    let alone = Memory([("fardel.toml".to_owned(), manifest("app", &uses))].into());
    let told = reach(&alone).expect_err("they are too many").to_string();
    assert_eq!(told, "fardel.toml: it names 257 packages, and leads to 256 at most");
}

#[test]
fn a_manifest_has_so_many_bytes() {
    let large = format!("{}#{}\n", manifest("app", &[]), " ".repeat(limits::MANIFEST_BYTES_MAX));
    check_manifest(&large, "fardel.toml: too large");
}

/// What a lock says is what it wants.
#[test]
fn a_lock_holds_while_nothing_changes() {
    let package = reach(&three()).expect("all is right");
    let text = lock::compare(&package.reached, None, LOCK).expect("there was none").expect("it is new");
    assert!(text.contains("[[package]]\nname = \"geometry\"\npath = \"../geometry\"\nhash = \""), "{text}");
    assert_eq!(lock::compare(&package.reached, Some(text.into_bytes()), LOCK), Ok(None));
}

/// The lock of [`three`], and what is told once one of its files is another one.
#[track_caller]
fn check_changed(file: &str, content: Option<&str>, wanted: Option<&str>) {
    let mut memory = three();
    let locked = lock::text(&reach(&memory).expect("all is right").reached);
    match content {
        Some(content) => drop(memory.0.insert(file.to_owned(), content.to_owned())),
        None => drop(memory.0.remove(file)),
    }
    let package = reach(&memory).expect("all is right");
    let told = lock::compare(&package.reached, Some(locked.into_bytes()), LOCK).map_err(|told| told.to_string());
    match wanted {
        None => assert_eq!(told, Ok(None)),
        Some(name) => {
            let told = told.expect_err("it is another one");
            let wanted = format!("the package `{name}` is another one than fardel.lock says: its hash is ");
            assert!(told.contains(&wanted) && told.ends_with("; `fardel lock` takes what is there now"), "{told}");
        }
    }
}

#[test]
fn a_change_of_a_dependency_is_told() {
    check_changed("../geometry/src/util.fdl", Some("// other\n"), Some("geometry"));
    check_changed("../geometry/src/new.fdl", Some(""), Some("geometry"));
    check_changed("../geometry/src/util.fdl", None, Some("geometry"));
    check_changed("../libs/base/fardel.toml", Some(&format!("# \n{}", manifest("base", &[]))), Some("base"));
    check_changed("../geometry/README.md", Some("other"), None);
    check_changed("src/main.fdl", Some("// other\n"), None);
}

#[test]
fn a_lock_takes_in_what_is_new_and_leaves_out_what_is_gone() {
    let package = reach(&three()).expect("all is right");
    let mut fewer = package.reached.clone();
    fewer.remove("base");
    let all = lock::text(&package.reached);
    assert_eq!(lock::compare(&package.reached, Some(lock::text(&fewer).into_bytes()), LOCK), Ok(Some(all.clone())));
    assert_eq!(lock::compare(&fewer, Some(all.into_bytes()), LOCK), Ok(Some(lock::text(&fewer))));
}

#[test]
fn a_lock_that_is_not_right_is_told() {
    let package = reach(&three()).expect("all is right");
    let check = |text: &str, wanted: &str| {
        let told = lock::compare(&package.reached, Some(text.as_bytes().to_vec()), LOCK);
        assert_eq!(told.map_err(|told| told.to_string()), Err(wanted.to_owned()));
    };
    check("[[packages]]\n", "fardel.lock:1:3: unknown field `packages`, expected `package`");
    let entry = |hash: &str| format!("[[package]]\nname = \"base\"\npath = \"\"\nhash = \"{hash}\"\n");
    check(
        &entry("12"),
        "fardel.lock: a package has a name and a hash of 64 digits; seen: \"base\" with \"12\"; `fardel lock` writes the \
         file anew",
    );
    let twice = entry(&"0".repeat(64)).repeat(2);
    check(&twice, "fardel.lock: the package `base` stands here twice; `fardel lock` writes the file anew");
}

proptest! {
    /// Whatever stands in them is taken or told.
    #[test]
    fn no_bytes_are_too_strange(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        cut in 0..200_usize,
    ) {
        let package = reach(&three()).expect("all is right");
        let texts = [manifest("app", &[("b", "../b"), ("c", "c")]).into_bytes(), lock::text(&package.reached).into_bytes()];
        for mut text in texts {
            text.truncate(cut);
            text.extend(&bytes);
            let _ = manifest::parse(MANIFEST, &text);
            let _ = lock::compare(&package.reached, Some(text), LOCK);
        }
    }
}
