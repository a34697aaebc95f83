//! The tests in `tests/language/*.fdl` pass: what the language and its standard library promise, in the language itself.

use fardel::language::{self, Goal};
use fardel::{Hosts, Program, Runtime, Settings, Streams};
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs all tests of a file, each on a machine of its own.
#[track_caller]
fn check(name: &str, least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language").join(name).with_extension("fdl");
    let sources = language::sources(&path).unwrap_or_else(|problem| panic!("{problem}"));
    let compiled = language::compile(&sources, Goal::Test);
    let (errors, _) = language::rendered(&compiled.checked, &sources, false);
    let Some(module) = compiled.module else { panic!("{}", errors.join("\n")) };
    let mut failed = String::new();
    for (export, title, _) in &compiled.tests {
        let own = language::with_main(&module, export).expect("the test is exported");
        let program = Program::from_module(name, own).unwrap_or_else(|problem| panic!("{problem}"));
        let kept = Kept::default();
        let streams = Streams {
            input: Box::new(std::io::empty()),
            output: Box::new(kept.clone()),
            error: Box::new(kept.clone()),
            line_wise: false,
        };
        let outcome = Runtime::new(Settings { streams, ..Settings::default() }, Hosts::standard()).run(program);
        if !outcome.is_ok_and(|outcome| outcome.status == 0) {
            failed.push_str(&format!("{title}:\n{}\n", String::from_utf8_lossy(&kept.0.borrow())));
        }
    }
    assert!(failed.is_empty(), "{failed}");
    assert!(compiled.tests.len() >= least, "tests of {name} are missing");
}

#[test]
fn numbers() {
    check("numbers", 12);
}

#[test]
fn texts() {
    check("texts", 11);
}

#[test]
fn collections() {
    check("collections", 15);
}

#[test]
fn control() {
    check("control", 19);
}

#[test]
fn actors() {
    check("actors", 18);
}

#[test]
fn supervisors() {
    check("supervisors", 10);
}

#[test]
fn json() {
    check("json", 7);
}

#[test]
fn files() {
    check("files", 5);
}
