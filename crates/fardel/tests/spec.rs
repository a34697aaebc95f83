//! The code of the document of the language is run: it prints what its lines `// => text` say.

#[path = "../../lang/tests/common/blocks.rs"]
mod blocks;

use fardel::language::{Goal, compile};
use fardel::{Clock, Hosts, Program, Runtime, Settings, Streams};
use fardel_lang::{Found, Resolver};
use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::path::Path;
use std::rc::Rc;

struct Alone;

impl Resolver for Alone {
    fn module(&mut self, _: &str) -> Result<Option<Found>, String> {
        Ok(None)
    }
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a program: what it wrote to its output and to its other one.
fn run(source: &str) -> Result<(String, String), String> {
    let sources = fardel_lang::load("main", "language.md", source.to_owned(), &mut Alone);
    let module = compile(&sources, Goal::Run).module.ok_or("it is not made")?;
    let program = Program::from_module("language.md", module).map_err(|problem| problem.to_string())?;
    let (output, error) = (Shared::default(), Shared::default());
    let streams = Streams {
        input: Box::new(Cursor::new(Vec::new())),
        output: Box::new(output.clone()),
        error: Box::new(error.clone()),
        line_wise: false,
    };
    let clock = Clock::Virtual { now: 1_000, wall: 0 };
    let mut runtime = Runtime::new(Settings { streams, clock, ..Settings::default() }, Hosts::standard());
    runtime.run(program).map_err(|problem| problem.to_string())?;
    let text = |shared: &Shared| String::from_utf8_lossy(&shared.0.borrow()).into_owned();
    Ok((text(&output), text(&error)))
}

#[test]
fn the_document_of_the_language_says_what_its_code_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/language.md");
    let document = std::fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    for block in blocks::blocks(&document).into_iter().filter(|block| !block.prints.is_empty()) {
        match run(&block.program) {
            Ok((output, _)) if output.lines().eq(block.prints.iter().map(String::as_str)) => {}
            Ok((output, error)) => wrong.push(format!("line {}: it prints\n{output}{error}", block.line)),
            Err(problem) => wrong.push(format!("line {}: {problem}", block.line)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
