//! Sources made to take long, or much of the stack: each is answered in time and memory by its length.
//!
//! Each would take hours, or overflow, were the work not bounded; none is timed.

mod common;

use common::{alone, told};
use fardel_lang::{Code, Found, Goal, Resolver, check, compile, load};

/// Checks a source; the codes that are told, each once.
#[track_caller]
fn codes(source: &str) -> Vec<&'static str> {
    let sources = alone("hostile.fdl", source);
    let checked = check(&sources);
    told(&sources, &checked);
    let mut codes: Vec<&str> = checked.diagnostics.iter().map(|(_, one)| one.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn numbered(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

#[test]
fn nesting() {
    assert_eq!(codes(&format!("fn f() -> Int {{ {}1{} }}", "(".repeat(200), ")".repeat(200))), [""; 0]);
    assert_eq!(codes(&format!("fn f() -> Int {{ 1{} }}", " + 1".repeat(400))), [""; 0]);
    assert_eq!(codes(&format!("type Deep = {}Int{}", "List<".repeat(200), ">".repeat(200))), [""; 0]);
    assert_eq!(codes(&format!("fn f() {{ {} {} }}", "if true {".repeat(100), "}".repeat(100))), [""; 0]);
    codes(&format!("fn f() {{ let x = {}1{} }}", "fn() {".repeat(200), "}".repeat(200)));
    codes(&format!("fn f() {{ let x = {}1{} }}", "[".repeat(200), "]".repeat(200)));
    codes(&format!("fn f(x: Int) -> Int {{ {}0{} }}", "match x { 0 -> ".repeat(100), ", _ -> 1 }".repeat(100)));
    codes(&format!("fn f() {{ {} }}", "(".repeat(100_000)));
}

#[test]
fn what_is_nested_is_made() {
    for body in [
        format!("print({}1{})", "(".repeat(200), ")".repeat(200)),
        format!("print(1{})", " + 1".repeat(400)),
        format!("print(\"a\"{})", " + \"b\"".repeat(400)),
        format!("{}print(1){}", "if true { ".repeat(100), " }".repeat(100)),
        format!("print({}1{})", "[".repeat(60), "]".repeat(60)),
        format!("let f = {}1{}\nprint(1)", "fn() { ".repeat(60), " }".repeat(60)),
        format!("print({}0{})", "match 0 { 0 -> ".repeat(60), ", _ -> 1 }".repeat(60)),
        format!("print({}1{})", "Some(".repeat(60), ")".repeat(60)),
        format!("print(true{})", " && true".repeat(400)),
    ] {
        let sources = alone("hostile.fdl", &format!("pub fn main() {{ {body} }}\n"));
        let compiled = compile(&sources, Goal::Run);
        assert!(compiled.module.is_some(), "{}", told(&sources, &compiled.checked));
    }
}

#[test]
fn chains_of_declarations() {
    // Each leads to the next.
    let aliases = numbered(3_000, |at| format!("type A{at} = A{}\n", at + 1)) + "type A3000 = Int\n";
    assert_eq!(codes(&aliases), [""; 0]);
    let circle = numbered(3_000, |at| format!("type A{at} = A{}\n", (at + 1) % 3_000));
    assert_eq!(codes(&circle), [Code::Cycle.id()]);
    let far = numbered(100_000, |at| format!("type A{at} = A{}\n", at + 1)) + "type A100000 = Int\n";
    assert_eq!(codes(&far), [Code::TooLarge.id()]);
    let constants = numbered(200, |at| format!("const a{at} = a{} + 1\n", at + 1)) + "const a200 = 1\n";
    assert_eq!(codes(&constants), [""; 0]);
    let far = numbered(1_000, |at| format!("const a{at} = a{} + 1\n", at + 1)) + "const a1000 = 1\n";
    assert_eq!(codes(&far), [Code::TooLarge.id()]);
    let in_order = "const a0 = 1\n".to_owned() + &numbered(1_000, |at| format!("const a{} = a{at} + 1\n", at + 1));
    assert_eq!(codes(&in_order), [""; 0]);
    let circle = numbered(100, |at| format!("const a{at} = a{} + 1\n", (at + 1) % 100));
    assert_eq!(codes(&circle), [Code::Cycle.id()]);
    let records = numbered(3_000, |at| format!("type R{at} {{ a: R{} }}\n", (at + 1) % 3_000));
    assert_eq!(codes(&records), [Code::Cycle.id()]);
    let functions = numbered(3_000, |at| format!("fn f{at}() {{ f{}() }}\n", (at + 1) % 3_000));
    assert_eq!(codes(&functions), [""; 0]);
}

#[test]
fn types_that_double() {
    let aliases = "type A0 = (Int, Int)\n".to_owned() + &numbered(60, |at| format!("type A{} = (A{at}, A{at})\n", at + 1));
    let uses = "fn f(a: A60) -> A60 { a }\nfn g(a: A59, b: A60) -> Bool { a == b }\n";
    assert_eq!(codes(&format!("{aliases}{uses}")), [Code::TooLarge.id()]);
    let lets = numbered(60, |at| format!("let a{} = (a{at}, a{at})\n", at + 1));
    assert_eq!(
        codes(&format!("fn f() {{ let a0 = 1\n{lets} let b: Int = a60\n print(a60 == a60) }}")),
        [Code::TooLarge.id()]
    );
    let unknown = codes(&format!("fn f() {{ let a0 = None\n{lets} let b: Option<Int> = a0\n print(b) }}"));
    assert_eq!(unknown, [Code::TooLarge.id()]);
    let generic = numbered(60, |at| format!("type A{}<T> = A{at}<A{at}<T>>\n", at + 1));
    assert_eq!(codes(&format!("type A0<T> = (T, T)\n{generic}")), [Code::TooLarge.id()]);
}

#[test]
fn types_that_grow() {
    for ty in ["List<B<List<T>>>", "B<(T, T)>", "Option<B<Option<T>>>", "fn() -> B<List<T>>"] {
        let declared = format!("use json\ntype B<T> {{ Leaf(value: T), Deeper(more: {ty}) }}\n");
        let uses = "fn f(one: B<Int>, other: B<Int>) -> Bool { print(one)\n print(json.encode(one))\n one < other }\n";
        let found = codes(&format!("{declared}{uses}test \"t\" (b: B<Int>) {{ assert(b == b) }}\n"));
        assert!(found.contains(&Code::Growing.id()), "{found:?}");
    }
}

#[test]
fn large_sources() {
    assert_eq!(codes(&format!("fn f() -> Int {{ {} 1 }}", numbered(5_000, |at| format!("let a{at} = {at}\n")))), [""; 0]);
    assert_eq!(codes(&numbered(5_000, |at| format!("fn f{at}(n: Int) -> Int {{ n + {at} }}\n"))), [""; 0]);
    assert_eq!(codes(&format!("fn f() -> List<Int> {{ [{}] }}", "1, ".repeat(20_000))), [""; 0]);
    assert_eq!(codes(&format!("fn f() -> Text {{ \"{}\" }}", "x".repeat(1_000_000))), [""; 0]);
    assert_eq!(codes(&format!("type T {{ {} }}", numbered(2_000, |at| format!("V{at}\n")))), [""; 0]);
    codes(&format!("fn f() {{ {} }}", numbered(5_000, |at| format!("print(unknown{at})\n"))));
    codes(&format!("fn f() -> Int {{ {} }}", "9".repeat(1_000_000)));
    codes(&format!("use {}", numbered(2_000, |at| format!("m{at}, ")) + "m"));
}

#[test]
fn patterns_that_part_into_many() {
    // Each column alone is simple, and together they would be looked at in two to the power of their number of ways.
    let columns = 24;
    let types = vec!["Bool"; columns].join(", ");
    let arms = numbered(columns, |at| {
        let mut row = vec!["_"; columns];
        row[at] = "true";
        format!("({}) -> {at}\n", row.join(", "))
    });
    codes(&format!("fn f(t: ({types})) -> Int {{ match t {{ {arms} _ -> -1 }} }}"));
    let rows = numbered(400, |at| format!("({at}, {}) -> {at}\n", at % 7));
    codes(&format!("fn f(t: (Int, Int)) -> Int {{ match t {{ {rows} _ -> -1 }} }}"));
    let choices = vec!["(true | false)"; columns].join(", ");
    codes(&format!("fn f(t: ({types})) -> Int {{ match t {{ ({choices}) -> 1 }} }}"));
    let texts = numbered(1_000, |at| format!("\"a{at}\" + rest -> rest.len_bytes()\n"));
    codes(&format!("fn f(t: Text) -> Int {{ match t {{ {texts} _ -> -1 }} }}"));
    let ranges = numbered(300, |at| format!("{}..{} -> {at}\n", at * 2, at * 2 + 100));
    codes(&format!("fn f(n: Int) -> Int {{ match n {{ {ranges} _ -> -1 }} }}"));
}

/// Modules that each import the next.
struct Chain(usize);

impl Resolver for Chain {
    fn module(&mut self, path: &str) -> Result<Option<Found>, String> {
        let at: usize = path.trim_start_matches('m').parse().map_err(|_| "no such module".to_owned())?;
        let next = if at < self.0 { format!("use m{}\n", at + 1) } else { String::new() };
        Ok(Some(Found { file: format!("{path}.fdl"), text: format!("{next}pub fn f() {{}}\n"), is_own: true }))
    }
}

#[test]
fn modules_without_end() {
    let told_of = |count: usize| {
        let sources = load("main", "main.fdl", "use m0\npub fn main() { m0.f() }\n".to_owned(), &mut Chain(count));
        check(&sources).diagnostics.iter().map(|(_, one)| one.code).collect::<Vec<_>>()
    };
    assert_eq!(told_of(1_000), [""; 0]);
    assert_eq!(told_of(1_000_000), [Code::TooLarge.id()]);
}

#[test]
fn main_sources_that_are_called_as_modules_of_the_library() {
    for name in ["core", "checks", "random", "task", "actor", "json", "list"] {
        let text = "test \"t\" (n: Int) { assert(n == n) }\npub fn main() { print([1].map(fn(x) { x })) }\n";
        let sources = load(name, "main.fdl", text.to_owned(), &mut common::Alone);
        let checked = check(&sources);
        assert!(checked.diagnostics.is_empty(), "{name}: {}", told(&sources, &checked));
    }
}
