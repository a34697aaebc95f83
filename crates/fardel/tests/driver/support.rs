//! Runs programs in this process.

use fardel::bytecode::module::ModuleHash;
use fardel::{Clock, Hosts, InterruptHandle, Outcome, Program, Runtime, Settings, Streams};
use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::rc::Rc;

#[derive(Clone, Default)]
pub(crate) struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A run that is about to start.
pub(crate) struct Scene {
    pub(crate) settings: Settings,
    pub(crate) hosts: Hosts,
    output: Sink,
    error: Sink,
}

impl Scene {
    pub(crate) fn new(input: &str) -> Self {
        let (output, error) = (Sink::default(), Sink::default());
        let streams = Streams {
            input: Box::new(Cursor::new(input.as_bytes().to_vec())),
            output: Box::new(output.clone()),
            error: Box::new(error.clone()),
            line_wise: false,
        };
        let clock = Clock::Virtual { now: 1_000, wall: 0 };
        Scene { settings: Settings { streams, clock, ..Settings::default() }, hosts: Hosts::standard(), output, error }
    }

    /// Loads a program of which nothing runs yet; gives its module, and what is reported.
    pub(crate) fn load(self, source: &str) -> (Runtime, ModuleHash, Sink) {
        let program = Program::from_text("a.fda", source).unwrap_or_else(|error| panic!("{error}"));
        let mut runtime = Runtime::new(self.settings, self.hosts);
        let module = runtime.load(program).expect("the program loads");
        (runtime, module, self.error)
    }

    /// Runs a program to its end; gives what it wrote to both streams.
    pub(crate) fn run(self, source: &str, prepare: impl FnOnce(InterruptHandle)) -> (Outcome, String, String) {
        let program = Program::from_text("a.fda", source).expect("the source is right");
        let mut runtime = Runtime::new(self.settings, self.hosts);
        prepare(runtime.interrupt_handle());
        let outcome = runtime.run(program).expect("the program starts");
        (outcome, self.output.text(), self.error.text())
    }
}
