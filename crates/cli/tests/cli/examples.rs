//! Every `examples/NAME.fda` prints what `examples/NAME.out` holds, and every `examples/NAME.fdl` what `NAME.fdl.out` holds.
//!
//! Optional files beside it: `NAME.args`, an argument a line; `NAME.in`, the standard input; `NAME.status`, the exit
//! status when it is not 0. Both the text and the module that is made of it are run, from the repository's root.

use crate::support::{Folder, root, run, seen};
use std::fs;
use std::path::Path;

#[track_caller]
fn check(source: &Path) {
    let is_assembly = source.extension().is_some_and(|extension| extension == "fda");
    let beside = |extension: &str| {
        let extension = if is_assembly { extension.to_owned() } else { format!("fdl.{extension}") };
        fs::read_to_string(source.with_extension(extension))
    };
    let name = source.file_name().expect("the example has a name").to_string_lossy();
    let args = beside("args").unwrap_or_default();
    let input = beside("in").unwrap_or_default();
    let status: i32 = beside("status").map_or(0, |status| status.trim().parse().expect("a status is a number"));
    let wanted = beside("out").unwrap_or_else(|_| panic!("examples/{name}.out is missing"));

    let folder = Folder::with(&[]);
    let text = format!("examples/{name}");
    let module = folder.path().join("example.fdm").display().to_string();
    assert_eq!(
        seen(&run(&root(), &["build", &text, "-o", &module], b"")),
        (0, String::new(), String::new()),
        "build {name}"
    );
    for file in [&text, &module] {
        let args: Vec<&str> = ["run", "--seed", "1", file].into_iter().chain(args.lines()).collect();
        let (seen_status, output, error) = seen(&run(&root(), &args, input.as_bytes()));
        assert_eq!((seen_status, output), (status, wanted.clone()), "run {file} complains: {error}");
    }
}

#[test]
fn examples_print_what_they_promise() {
    let mut sources: Vec<_> = fs::read_dir(root().join("examples"))
        .expect("there is a folder of examples")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "fda" || extension == "fdl"))
        .collect();
    sources.sort();
    assert!(sources.len() >= 28, "examples are missing: {sources:?}");
    sources.iter().for_each(|source| check(source));
}
