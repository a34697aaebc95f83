//! `fardel test`: runs the tests of programs, each as a fiber of a machine of its own.

use crate::{package, say};
use clap::Args;
use fardel::language::{self, Goal};
use fardel::outcome::End;
use fardel::program::not_made;
use fardel::{Hosts, Program, Runtime, Settings, Streams};
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The seed of machines that run tests: a test that draws random numbers draws the same ones each time.
const SEED: u64 = 1;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  fardel test src/main.fdl --only greeting")]
pub(crate) struct Options {
    /// Sources; the tests of the modules that they import are run as well [default: src/main.fdl]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runs only tests with this in their title
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Runs tests in the order of the sources.
pub(crate) fn test(options: &Options) -> u8 {
    let mut status = say::OK;
    let (mut passed, mut failed) = (0, 0);
    let Some(files) = package::files(&options.files) else { return say::USAGE };
    for file in files {
        match run(&file, options.only.as_deref(), &mut passed, &mut failed) {
            Ok(()) => {}
            Err(code) => status = status.max(code),
        }
    }
    let told = say::output(format!("{passed} passed, {failed} failed\n").as_bytes());
    if failed > 0 { say::FAILED.max(status) } else { status.max(told) }
}

fn run(file: &Path, only: Option<&str>, passed: &mut usize, failed: &mut usize) -> Result<(), u8> {
    let sources = language::sources_for_tests(file).map_err(|problem| say::bad_program(&problem))?;
    let compiled = language::compile(&sources, Goal::Test);
    let (errors, warnings) = language::rendered(&compiled.checked, &sources, say::in_colour());
    warnings.iter().chain(&errors).for_each(|text| say::line(&format!("{text}\n")));
    let path = file.display().to_string();
    let Some(module) = compiled.module else {
        say::error(not_made(&path));
        return Err(say::USAGE);
    };
    for (export, title, source) in &compiled.tests {
        if only.is_some_and(|only| !title.contains(only)) {
            continue;
        }
        let source = sources.all().get(*source).map_or(path.as_str(), |source| source.path.as_str());
        let Some(own) = language::with_main(&module, export) else { continue };
        let program = Program::from_module(&path, own).map_err(|problem| say::bad_program(&problem))?;
        let (output, error) = (Kept::default(), Kept::default());
        let streams = Streams {
            input: Box::new(std::io::empty()),
            output: Box::new(output.clone()),
            error: Box::new(error.clone()),
            line_wise: false,
        };
        let mut settings = Settings { streams, ..Settings::default() };
        settings.machine.seed = SEED;
        let outcome = Runtime::new(settings, Hosts::standard()).run(program);
        // A test that ends the program has not come to its own end.
        let has_left = outcome.as_ref().is_ok_and(|outcome| matches!(outcome.end, End::Exited(_)));
        let is_good = !has_left && outcome.as_ref().is_ok_and(|outcome| outcome.status == 0);
        *(if is_good { &mut *passed } else { &mut *failed }) += 1;
        let word = if is_good { "ok" } else { "FAILED" };
        say::output(format!("{word:6} {source}: {title}\n").as_bytes());
        if !is_good {
            let why = if has_left { "it called process.exit".to_owned() } else { error.text() };
            say::output(failure(&output.text(), &why).as_bytes());
        }
    }
    Ok(())
}

/// What is to be seen of a test that failed: what it printed, and why it ended. Of fibers that it had crash nothing is said.
fn failure(output: &str, error: &str) -> String {
    let why = error.rfind(ENDED).and_then(|at| error.get(at + ENDED.len()..)).unwrap_or(error);
    output.lines().chain(why.lines()).map(|line| format!("       {line}\n")).collect()
}

/// What the runtime says before it tells why the first fiber ended.
const ENDED: &str = "main ended: ";

/// What a test writes.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
