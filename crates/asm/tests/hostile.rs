//! Sources made to take long or much: each is answered in time and memory by its length, with a module or an error.
//!
//! Each would take hours were the work not linear; none is timed.

use fardel_asm::{Code, NoImports, assemble, disassemble};
use fardel_bytecode::Module;
use fardel_bytecode::index::TypeIndex;
use fardel_bytecode::types::{FIRST_DECLARED, Type, TypeTable};

/// Assembles a source, renders what is told, and gives the first code; nothing when there is a module.
#[track_caller]
fn check(source: &str, wanted: Option<Code>) {
    let assembled = assemble("hostile", source, &mut NoImports);
    assert!(assembled.diagnostics.len() <= 100, "what is told has a limit");
    for told in &assembled.diagnostics {
        told.render("hostile", source, false);
    }
    let first = assembled.diagnostics.first();
    let shown = first.map_or_else(String::new, |told| told.message.clone());
    assert_eq!(first.map(|told| told.code), wanted.map(Code::id), "{shown}");
    assert_eq!(assembled.module.is_some(), wanted.is_none());
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|at| line(at) + "\n").collect()
}

#[test]
fn a_chain_of_jumps_backwards() {
    let count = 100_000;
    let body = lines(count, |at| format!("l{at}:\njmp l{}", at + 1)) + &format!("l{count}:\n ret\n");
    check(&format!("fn f()\n{body}end\n"), None);
    let backwards = lines(count, |at| format!("l{at}:\nload x\ndrop\njmp l{}", at.saturating_sub(1)));
    let source = format!("fn f(x)\njmp l{}\n{backwards}end\n", count - 1);
    check(&source, None);
}

#[test]
fn labels_under_a_high_stack() {
    let pushes = lines(4000, |_| "push 1".to_owned());
    let labels = lines(20_000, |at| format!("l{at}:\nload flag\njmp_if l{at}"));
    check(&format!("fn f(flag: Bool)\n{pushes}{labels}ret\nend\n"), Some(Code::TooLarge));
}

#[test]
fn types_that_widen_one_at_a_time() {
    let pushes = lines(2000, |_| "push 1".to_owned());
    let blocks = lines(2000, |at| format!("load flag\njmp_unless n{at}\nto_any {at}\njmp head\nn{at}:"));
    let source = format!("fn f(flag: Bool)\n{pushes}head:\n{blocks}ret\nend\n");
    let assembled = assemble("hostile", &source, &mut NoImports);
    let told = assembled.diagnostics.first().map(|told| told.code);
    assert!(assembled.module.is_some() || told == Some(Code::TooLarge.id()));
}

#[test]
fn more_than_the_stack_holds() {
    check(&format!("fn f()\n{}ret\nend\n", lines(5000, |_| "push 1".to_owned())), Some(Code::TooLarge));
    check("fn f()\nl:\npush 1\njmp l\nend\n", Some(Code::StackHeights));
}

#[test]
fn nothing_but_mistakes() {
    check(&format!("fn f()\n{}end\n", lines(30_000, |at| format!("unknown{at} {at}"))), Some(Code::UnknownInstruction));
    check(&lines(30_000, |at| format!("fn f{at}(")), Some(Code::MissingEnd));
    check(&lines(30_000, |at| format!("type T{at} {{")), Some(Code::MissingEnd));
    check(&lines(30_000, |at| format!("fn f{at}()\nend")), Some(Code::MissingReturn));
    check(&format!("fn f()\n{}end\n", lines(50_000, |at| format!("jmp l{at}"))), Some(Code::UnknownLabel));
    let names = lines(20_000, |at| format!("fn a_long_name_of_a_function_number_{at:06}()\nret\nend"));
    let calls = lines(1000, |at| format!("call a_long_name_of_a_function_numbre_{at:06}"));
    check(&format!("{names}fn main()\n{calls}ret\nend\n"), Some(Code::UnknownFunction));
}

#[test]
fn one_endless_line() {
    check(&"(".repeat(1_000_000), Some(Code::UnknownItem));
    check(&format!("alias A = {}", "(".repeat(1_000_000)), Some(Code::TooLarge));
    check(&format!("alias A = {}", "fn() -> ".repeat(100_000)), Some(Code::TooLarge));
    check(&format!("const A = \"{}\nfn f()\nret\nend\n", "x".repeat(1_000_000)), Some(Code::Unterminated));
    let params = lines(50_000, |at| format!("a{at},")).replace('\n', " ");
    check(&format!("fn f({params})\nret\nend\n"), Some(Code::TooLarge));
}

#[test]
fn aliases_that_double() {
    let aliases = lines(60, |at| format!("alias T{} = (T{at}, T{at})", at + 1));
    check(&format!("alias T0 = (Int, Int)\n{aliases}fn f(x: T60)\nret\nend\n"), None);
    let chain = lines(10_000, |at| format!("alias A{at} = A{}", at + 1));
    let assembled = assemble("hostile", &format!("{chain}alias A10000 = Int\n"), &mut NoImports);
    assert!(assembled.diagnostics.iter().all(|told| told.code == Code::TooLarge.id()));
}

#[test]
fn types_that_double_are_written_with_aliases() {
    let mut types = TypeTable::default();
    let mut inner = fardel_bytecode::types::INT;
    for _ in 0..60 {
        inner = types.push(Type::Tuple(vec![inner, inner]));
    }
    let text = disassemble(&Module { types, ..Module::default() }).unwrap();
    assert!(text.len() < 60 * 300);
    assert!(assemble("doubling", &text, &mut NoImports).module.is_some(), "{text}");
}

#[test]
fn types_that_contain_themselves_are_refused() {
    let types = TypeTable::with_declared(vec![Type::List(TypeIndex(FIRST_DECLARED))]);
    let refused = disassemble(&Module { types, ..Module::default() }).unwrap_err();
    assert_eq!(refused.to_string(), "type 32 stands before a type that it is made of");
}

#[test]
fn a_large_jump_table_and_many_handlers() {
    let table = lines(50_000, |at| format!("l{}", at % 100)).replace('\n', " ");
    let labels = lines(100, |at| format!("l{at}:\nyield"));
    check(&format!("fn f(n: Int)\nload n\nswitch ({table})\n{labels}ret\nend\n"), None);
    let handles = lines(2000, |at| format!("handle a{at} b{at} caught"));
    let (opens, closes) = (lines(2000, |at| format!("a{at}:\nyield")), lines(2000, |at| format!("b{}:\nyield", 1999 - at)));
    check(&format!("fn f()\n{handles}{opens}{closes}ret\ncaught:\ndrop\nret\nend\n"), None);
}
