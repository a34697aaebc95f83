//! The program that README.md shows is a program, and does what README.md says; its example of embedding is the one that
//! the documents of `fardel` begin with, where it is tested.
//!
//! **Invariant:** what is tested is read from README.md itself.

use fardel::{Hosts, Program, Runtime, Settings, Streams};
use std::cell::RefCell;
use std::io::{Write, empty, sink};
use std::rc::Rc;

/// Keeps what is written to it.
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

/// The first fenced block of a document that has a `main`.
fn program_in(document: &str) -> &str {
    let blocks = document.split("```fardel\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block).find(|block| block.contains("fn main(")).expect("README.md shows a program")
}

/// Lines that an embedding program may need to start, send and receive.
const EMBEDDING_LINES_MAX: usize = 15;

/// The first fenced block of Rust in a document.
fn rust_in<'a>(document: &'a str, fence: &str) -> Vec<&'a str> {
    let block = document.split_once(fence).and_then(|(_, rest)| rest.split_once("```")).expect("there is a block of Rust");
    block.0.lines().filter(|line| !line.starts_with("# ")).collect()
}

#[test]
fn the_example_of_embedding_is_the_tested_one() {
    let read = |path: &str| std::fs::read_to_string(xtask::root().join(path)).expect("a file of the project can be read");
    let source = read("crates/fardel/src/lib.rs");
    let documents: Vec<&str> = source.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let documents: Vec<&str> = documents.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let (readme, documents) = (read("README.md"), documents.join("\n"));
    let shown = rust_in(&readme, "```rust\n");
    assert_eq!(shown, rust_in(&documents, "```\n"));
    assert!(shown.len() <= EMBEDDING_LINES_MAX, "{} lines", shown.len());
}

#[test]
fn the_shown_program_prints_its_message() {
    let readme = std::fs::read_to_string(xtask::root().join("README.md")).expect("README.md can be read");
    let program = Program::from_source("README.fdl", program_in(&readme)).unwrap_or_else(|error| panic!("{error}"));
    let output = Kept::default();
    let streams =
        Streams { input: Box::new(empty()), output: Box::new(output.clone()), error: Box::new(sink()), line_wise: false };
    let mut runtime = Runtime::new(Settings { streams, ..Settings::default() }, Hosts::standard());
    let outcome = runtime.run(program).expect("it starts");
    assert_eq!((outcome.status, output.0.borrow().as_slice()), (0, b"the total is 55\n".as_slice()));
}
