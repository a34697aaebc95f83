//! `fardel test`: runs the tests of programs, each as a fiber of a machine of its own, in virtual time.

use crate::sim::{self, Ended, Kept};
use crate::{package, say};
use clap::Args;
use fardel::Program;
use fardel::language::{self, Goal};
use fardel::outcome::End;
use fardel::program::not_made;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  fardel test src/main.fdl --only greeting")]
pub(crate) struct Options {
    /// Sources; the tests of the modules that they import are run as well [default: src/main.fdl]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runs only tests with this in their title
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Runs tests with a simulated cluster with this seed of its network alone
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    seed: Option<u64>,
}

/// Runs tests in the order of the sources.
pub(crate) fn test(options: &Options) -> u8 {
    let mut status = say::OK;
    let (mut passed, mut failed) = (0, 0);
    let Some(files) = package::files(&options.files) else { return say::USAGE };
    for file in files {
        match run(&file, options, &mut passed, &mut failed) {
            Ok(()) => {}
            Err(code) => status = status.max(code),
        }
    }
    let told = say::output(format!("{passed} passed, {failed} failed\n").as_bytes());
    if failed > 0 { say::FAILED.max(status) } else { status.max(told) }
}

fn run(file: &Path, options: &Options, passed: &mut usize, failed: &mut usize) -> Result<(), u8> {
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
        if options.only.as_deref().is_some_and(|only| !title.contains(only)) {
            continue;
        }
        let source = sources.all().get(*source).map_or(path.as_str(), |source| source.path.as_str());
        let Some(own) = language::with_main(&module, export) else { continue };
        let program = Program::from_module(&path, own).map_err(|problem| say::bad_program(&problem))?;
        let mut seed = options.seed.unwrap_or(1);
        let (ended, output, error) = loop {
            let (output, error) = (Kept::default(), Kept::default());
            let ended = sim::run(&program, seed, &output, &error);
            if !passes(&ended) || options.seed.is_some() || seed >= ended.seeds {
                break (ended, output, error);
            }
            seed += 1;
        };
        let is_good = passes(&ended);
        *(if is_good { &mut *passed } else { &mut *failed }) += 1;
        let word = if is_good { "ok" } else { "FAILED" };
        say::output(format!("{word:6} {source}: {title}\n").as_bytes());
        if !is_good {
            let mut why = if has_left(&ended) { "it called process.exit".to_owned() } else { error.text() };
            if let Err(problem) = &ended.outcome {
                why = problem.to_string();
            }
            say::output(failure(&output.text(), &why).as_bytes());
            if let Some(seed) = ended.seed {
                say::output(format!("       with seed {seed}; `--seed {seed}` runs it again\n").as_bytes());
            }
        }
    }
    Ok(())
}

/// A test that ends the program has not come to its own end.
fn has_left(ended: &Ended) -> bool {
    ended.outcome.as_ref().is_ok_and(|outcome| matches!(outcome.end, End::Exited(_)))
}

fn passes(ended: &Ended) -> bool {
    !has_left(ended) && ended.outcome.as_ref().is_ok_and(|outcome| outcome.status == 0)
}

/// What is to be seen of a test that failed: what it printed, and why it ended. Of fibers that it had crash nothing is said.
fn failure(output: &str, error: &str) -> String {
    let why = error.rfind(ENDED).and_then(|at| error.get(at + ENDED.len()..)).unwrap_or(error);
    output.lines().chain(why.lines()).map(|line| format!("       {line}\n")).collect()
}

/// What the runtime says before it tells why the first fiber ended.
const ENDED: &str = "main ended: ";
