//! The code that is made of programs: `tests/code/NAME.fdl` and what `NAME.fda` says of its own functions.
//!
//! `UPDATE=1 cargo test -p fardel-lang --test code` writes the expectations anew; the difference is for the reviewer.

use fardel_lang::{Found, Goal, Resolver, compile, load};
use std::fs;
use std::path::Path;

struct Nothing;

impl Resolver for Nothing {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

/// The functions of the assembly that the program itself declares.
fn own_functions(assembly: &str, name: &str) -> String {
    let is_own = |line: &str| line.starts_with("fn main(") || line.starts_with(&format!("fn `{name}."));
    let mut out = String::new();
    let mut shown = false;
    for line in assembly.lines() {
        shown = if line.starts_with("fn ") { is_own(line) } else { shown };
        if shown {
            out.push_str(line);
            out.push('\n');
        }
        if line == "end" {
            shown = false;
        }
    }
    out
}

/// Compiles a program; its assembly, once the verifier has taken the module.
fn assembly(name: &str, source: &str) -> String {
    let sources = load(name, &format!("{name}.fdl"), source.to_owned(), &mut Nothing);
    let compiled = compile(&sources, Goal::Run);
    let told: Vec<&str> = compiled.checked.diagnostics.iter().map(|(_, told)| told.message.as_str()).collect();
    assert!(compiled.module.is_some(), "{name}: {told:?}");
    compiled.assembly
}

#[test]
fn programs_become_the_code_that_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/code");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".fdl").map(str::to_owned))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for name in names {
        let source = fs::read_to_string(folder.join(format!("{name}.fdl"))).expect("it is a text");
        let seen = own_functions(&assembly(&name, &source), &name);
        let file = folder.join(format!("{name}.fda"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &seen).expect("it can be written");
        }
        let wanted = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(seen, wanted, "{name}.fda; UPDATE=1 writes it anew");
    }
}

/// An expression as high as the parser takes fits the stack that a program's main thread has.
#[test]
fn long_expressions_are_compiled() {
    const STACK_BYTES: usize = 8 << 20;
    let compile = || {
        let sum = vec!["n"; 500].join(" + ");
        let source = format!("fn f(n: Int) -> Int {{ {sum} }}\npub fn main() {{ print(f(1)) }}\n");
        assert!(assembly("long", &source).contains("add"));
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(compile).expect("a thread can be started");
    thread.join().expect("it compiles");
}

/// More locals than a function of the machine may have is told, with the place.
#[test]
fn a_function_that_is_too_large_is_told() {
    let lets: String = (0..300).map(|at| format!("  let v{at} = f({at})\n")).collect();
    let uses: Vec<String> = (0..300).map(|at| format!("v{at}")).collect();
    let source = format!(
        "fn f(n: Int) -> Int {{ if n > 0 {{ f(n - 1) }} else {{ n }} }}\npub fn main() {{\n{lets}  print([{}])\n}}\n",
        uses.join(", ")
    );
    let sources = load("large", "large.fdl", source, &mut Nothing);
    let compiled = compile(&sources, Goal::Run);
    assert!(compiled.module.is_none());
    assert!(compiled.checked.diagnostics.iter().any(|(_, told)| told.message.contains("locals")));
}

/// More fields, variants or levels than a type of the machine may have are told.
#[test]
fn types_that_are_too_large_are_told() {
    let fields: Vec<String> = (0..300).map(|at| format!("f{at}: Int = {at}")).collect();
    let variants: Vec<String> = (0..5_000).map(|at| format!("V{at}")).collect();
    let deep = format!("{}Int{}", "List<".repeat(70), ">".repeat(70));
    for source in [
        format!("type Wide {{ {} }}\npub fn main() {{ print(Wide()) }}\n", fields.join(", ")),
        format!("type Many {{ {} }}\npub fn main() {{ print(V1) }}\n", variants.join(", ")),
        format!("fn f(x: {deep}) {{ print(x) }}\npub fn main() {{ f([]) }}\n"),
    ] {
        let sources = load("large", "large.fdl", source, &mut Nothing);
        let compiled = compile(&sources, Goal::Run);
        let told: Vec<&str> = compiled.checked.diagnostics.iter().map(|(_, told)| told.message.as_str()).collect();
        assert!(compiled.module.is_none() && !told.is_empty(), "{told:?}");
        assert!(told.iter().all(|told| !told.contains("own mistake")), "{told:?}");
    }
}

/// Types that grow with every call are told, and the compiler ends.
#[test]
fn types_that_grow_are_told() {
    for source in [
        "fn f<T>(x: T, n: Int) { if n > 0 { f([x], n - 1) } }\npub fn main() { f(1, 3) }\n",
        "fn f<T>(x: T, n: Int) { if n > 0 { f((x, x), n - 1) } }\npub fn main() { f(1, 3) }\n",
        "type Nest<T> { Leaf(value: T), More(inner: Nest<List<T>>) }\npub fn main() { let n: Nest<Int> = Leaf(1)\n  print(n) }\n",
    ] {
        let sources = load("growing", "growing.fdl", source.to_owned(), &mut Nothing);
        let compiled = compile(&sources, Goal::Run);
        assert!(compiled.module.is_none(), "{source}");
        let told: Vec<&str> = compiled.checked.diagnostics.iter().map(|(_, told)| told.message.as_str()).collect();
        assert!(!told.is_empty() && told.iter().all(|told| !told.contains("own mistake")), "{told:?}");
    }
}
