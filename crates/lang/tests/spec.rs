//! The document of the language: its code is checked, and its lists are those of the sources.
//!
//! `UPDATE=1 cargo test -p fardel-lang --test spec` writes the lists anew. What the code prints is looked at where it can be
//! run, by a test of the crate `fardel`.

#[path = "common/blocks.rs"]
mod blocks;
mod common;

use blocks::blocks;
use common::{alone, files, folder, told};
use fardel_lang::{Code, Goal, check, compile};
use fardel_syntax::ast::{Fn, ItemKind, MemberKind, TypeKind};
use std::fmt::Write as _;

const DOCUMENT: &str = "../../docs/spec/language.md";

fn document() -> String {
    std::fs::read_to_string(folder(DOCUMENT)).unwrap()
}

#[test]
fn code_is_what_the_document_says() {
    let blocks = blocks(&document());
    assert!(blocks.len() > 30, "the document has its code");
    let mut wrong = Vec::new();
    for block in blocks {
        let sources = alone("language.md", &block.program);
        let checked = check(&sources);
        let codes: Vec<&str> = checked.diagnostics.iter().map(|(_, one)| one.code).collect();
        let wanted: Vec<&str> = block.error.iter().map(String::as_str).collect();
        if codes != wanted {
            wrong.push(format!("line {}: wanted {wanted:?}, told {codes:?}\n{}", block.line, told(&sources, &checked)));
        } else if wanted.is_empty() {
            let goal = if block.program.contains("fn main(") { Goal::Run } else { Goal::Test };
            let compiled = compile(&sources, goal);
            if compiled.module.is_none() {
                wrong.push(format!("line {}: not made\n{}", block.line, told(&sources, &compiled.checked)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Compares a list of the document with what it should be, or writes it.
#[track_caller]
fn compare_list(name: &str, wanted: &str) {
    let document = document();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = document.split_once(&open).unwrap();
    let (list, after) = rest.split_once(&close).unwrap();
    if std::env::var_os("UPDATE").is_some() && list != wanted {
        std::fs::write(folder(DOCUMENT), format!("{before}{open}{wanted}{close}{after}")).unwrap();
        return;
    }
    assert!(list == wanted, "the list of {name} is another one; UPDATE=1 takes it over");
}

#[test]
fn the_lists_are_those_of_the_sources() {
    compare_list("std", &library());
    let of_form = fardel_syntax::Code::ALL.iter().map(|code| (code.id(), code.doc()));
    let of_meaning = Code::ALL.iter().map(|code| (code.id(), code.doc()));
    let rows: String = of_form.chain(of_meaning).map(|(id, doc)| format!("| {id} | {doc} |\n")).collect();
    compare_list("codes", &format!("| code | meaning |\n| --- | --- |\n{rows}"));
}

/// The list of the standard library.
fn library() -> String {
    let mut out = String::new();
    for path in files(&folder("std"), "fdl") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let rows = rows(&text);
        if rows.is_empty() {
            continue;
        }
        let about = text.lines().next().and_then(|line| line.strip_prefix("//! ")).unwrap_or_default();
        let _ = writeln!(out, "\n### `{name}`\n\n{about}\n\n| signature | meaning |\n| --- | --- |");
        for (signature, meaning) in rows {
            let _ = writeln!(out, "| `{}` | {} |", signature.replace('|', "\\|"), meaning.replace('|', "\\|"));
        }
    }
    out + "\n"
}

/// Signatures of what a module offers, with what its comments say.
fn rows(text: &str) -> Vec<(String, String)> {
    let parsed = fardel_syntax::parse(text);
    assert!(parsed.diagnostics.is_empty());
    let mut rows = Vec::new();
    for item in &parsed.file.items {
        match &item.kind {
            ItemKind::Fn(function) if item.is_pub => rows.push((signature(text, "", function), item.docs.join(" "))),
            ItemKind::Const(constant) if item.is_pub => {
                rows.push((format!("const {}", constant.name.text), item.docs.join(" ")));
            }
            ItemKind::Type(declared) if item.is_pub => {
                let head = &text[declared.name.span.start as usize..];
                let name = head.split(['{', '=']).next().unwrap_or_default().trim();
                let TypeKind::Body(members) = &declared.kind else { continue };
                let opaque = if declared.is_opaque { "opaque " } else { "" };
                let shown: Vec<&str> = members
                    .iter()
                    .filter(|member| !declared.is_opaque && !matches!(member.kind, MemberKind::Method { .. }))
                    .map(|member| &text[member.span.range()])
                    .collect();
                let inside = if shown.is_empty() { String::new() } else { format!(" {{ {} }}", shown.join(", ")) };
                rows.push((format!("{opaque}type {name}{inside}"), item.docs.join(" ")));
                for member in members {
                    if let MemberKind::Method { is_pub: true, function } = &member.kind {
                        let owner = format!("{}.", declared.name.text);
                        rows.push((signature(text, &owner, function), member.docs.join(" ")));
                    }
                }
            }
            ItemKind::Fn(_) | ItemKind::Const(_) | ItemKind::Type(_) | ItemKind::Test(_) => {}
        }
    }
    rows
}

/// A function from its name to its body, in one line.
fn signature(text: &str, owner: &str, function: &Fn<'_>) -> String {
    let head = &text[function.name.span.start as usize..function.body.span.start as usize];
    let line = head.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{owner}{}", line.replace("( ", "(").replace(", )", ")"))
}
