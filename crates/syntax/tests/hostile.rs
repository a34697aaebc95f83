//! Sources made to take long, or much of the stack: each is answered in time and memory by its length.
//!
//! Each would take hours, or overflow, were the work not bounded; none is timed.

use fardel_syntax::{Code, parse};

/// Reads a source and renders what is told; the codes that are told.
#[track_caller]
fn check(source: &str, wanted: &[Code]) {
    let parsed = parse(source);
    assert!(parsed.diagnostics.len() <= 100, "what is told has a limit");
    for told in &parsed.diagnostics {
        told.render("hostile", source, false);
    }
    for code in wanted {
        let told: Vec<&str> = parsed.diagnostics.iter().map(|told| told.code).collect();
        assert!(told.contains(&code.id()), "{} is not among {told:?}", code.id());
    }
    assert_eq!(wanted.is_empty(), parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics.first());
    // Trees and values of such sources are dropped without overflow, too.
    assert_eq!(parsed.tree.syntax().text().len(), (source.len() as u32).into());
}

fn body(text: &str) -> String {
    format!("fn f() {{ {text} }}")
}

#[test]
fn nesting_without_end() {
    for open in [
        "(",
        "[",
        "{",
        "f(",
        "-",
        "!",
        "x[",
        "if ",
        "if a {} else ",
        "match ",
        "match x { A -> ",
        "fn() {",
        "spawn {",
        "a || b && c == d .. e + f * (",
    ] {
        check(&body(&open.repeat(30_000)), &[Code::TooDeep]);
    }
    check(&format!("const x = {}", "\"${".repeat(30_000)), &[Code::TooDeep, Code::Unterminated]);
    check(&format!("type A = {}", "(".repeat(30_000)), &[Code::TooDeep]);
    check(&format!("type A = {}", "List<".repeat(30_000)), &[Code::TooDeep]);
    check(&format!("type A = {}Int", "fn() -> ".repeat(30_000)), &[Code::TooDeep]);
    check(&body(&format!("let {} = 1", "A(".repeat(30_000))), &[Code::TooDeep]);
}

#[test]
fn chains_without_end() {
    for link in [" + 1", ".a", "?", "()", "[0]", " < 1", " = 1", " | 1", "++", " as b", ": b"] {
        let source = body(&format!("a{}", link.repeat(30_000)));
        parse(&source);
    }
    check(&body(&format!("a{}", " + 1".repeat(30_000))), &[Code::TooDeep]);
    check(&body(&format!("a{}", ".b".repeat(30_000))), &[Code::TooDeep]);
    check(&body(&format!("let {} = 1", "A | ".repeat(30_000) + "B")), &[]);
}

#[test]
fn as_deep_as_allowed() {
    check(&body(&format!("{}1{}", "(".repeat(200), ")".repeat(200))), &[]);
    check(&body(&format!("1{}", " + 1".repeat(400))), &[]);
    check(&body(&format!("{}1{}", "a || b && c == d .. e + f * -(".repeat(25), ")".repeat(25))), &[]);
}

#[test]
fn brackets_that_do_not_match() {
    for piece in
        [")", "]", "}", "(}", "{)", "[)", "([{", "${", "\"${(", "\"${}", "'", "\"", "/*", "\\", "(\n}", "((\n}", "{(\n"]
    {
        parse(&piece.repeat(30_000));
        parse(&body(&piece.repeat(30_000)));
    }
}

#[test]
fn nothing_but_mistakes() {
    for line in
        ["fn f(", "type T {", "let x =", "use a.", "@a", "pub", "fn", "else", "/// a", "test", "a b c", "x: y", "opaque"]
    {
        parse(&format!("{line}\n").repeat(15_000));
        parse(&body(&format!("{line}\n").repeat(15_000)));
    }
}
