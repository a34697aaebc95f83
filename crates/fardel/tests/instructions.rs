//! Each instruction, by the fixtures of `tests/instructions`, in every way to lower code and to run it.
//!
//! A fixture is a program that says itself what must come of it: `; expect: LINE` for each line that it prints, and
//! `; ends: REASON` when its main does not end normally. `UPDATE=1 cargo test` writes what came of it into the fixtures;
//! read the difference before you believe it.

use fardel::bytecode::isa::INSTRUCTIONS;
use fardel::vm::config::{Config, Dispatch, Lowering};
use fardel::{Clock, End, Hosts, Program, Runtime, Settings, Streams};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

/// How code may be lowered and dispatched. The first is what everybody uses.
const ENGINES: [(Lowering, Dispatch); 3] =
    [(Lowering::Fused, Dispatch::Tail), (Lowering::Fused, Dispatch::Match), (Lowering::Plain, Dispatch::Match)];
/// Slices so short that a fiber stops wherever it can, such that stops fall in odd places, and hardly any stops.
const SLICES: [u32; 3] = [1, 3, 1000];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/instructions"))
}

/// The fixtures by name.
fn fixtures() -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder()).expect("there is a folder of fixtures");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("the fixture has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("the fixture can be read"))
    };
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "fda")).map(read).collect()
}

#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What came of a program, as a fixture states it.
fn run(name: &str, program: Program, machine: Config) -> String {
    let sink = Sink::default();
    let streams = Streams {
        input: Box::new(std::io::empty()),
        output: Box::new(sink.clone()),
        error: Box::new(std::io::sink()),
        line_wise: false,
    };
    let clock = Clock::Virtual { now: 0, wall: 0 };
    let settings = Settings { machine, streams, clock, ..Settings::default() };
    let mut runtime = Runtime::new(settings, Hosts::standard());
    let outcome = runtime.run(program).unwrap_or_else(|error| panic!("{name} does not start: {error}"));
    let output = String::from_utf8_lossy(&sink.0.borrow()).into_owned();
    let mut seen: String = output.lines().map(|line| format!("; expect: {line}").trim_end().to_owned() + "\n").collect();
    match outcome.end {
        End::Main(reason) if reason.to_string() == "normal" => {}
        End::Main(reason) => seen += &format!("; ends: {reason}\n"),
        end @ (End::Deadlock { .. } | End::Exited(_) | End::Interrupted | End::OutputClosed | End::OutputFailed(_)) => {
            seen += &format!("; ends: {end:?}\n");
        }
    }
    seen
}

fn is_expectation(line: &str) -> bool {
    line.starts_with("; expect:") || line.starts_with("; ends: ")
}

/// Writes what was seen in place of what was expected, behind the fixture's opening comment.
fn update(name: &str, source: &str, seen: &str) {
    let kept: Vec<&str> = source.lines().filter(|line| !is_expectation(line)).collect();
    let opening = kept.iter().take_while(|line| line.starts_with(';')).count();
    let text: String = kept.iter().map(|line| format!("{line}\n")).collect();
    let (head, body) = text.split_at(kept[..opening].iter().map(|line| line.len() + 1).sum());
    fs::write(folder().join(format!("{name}.fda")), format!("{head}{seen}{body}")).expect("the fixture can be written");
}

/// What is wrong with a fixture: the first way of running it in which something else comes of it.
fn difference(name: &str, source: &str, collect_always: bool) -> Option<String> {
    let wanted: String = source.lines().filter(|line| is_expectation(line)).map(|line| format!("{line}\n")).collect();
    let program = Program::from_text(name, source).unwrap_or_else(|error| panic!("{error}"));
    for (lowering, dispatch) in ENGINES {
        for slice in SLICES {
            let config = Config {
                slice,
                dispatch,
                lowering,
                collect_always,
                // So that endless recursion ends soon.
                fiber_stack_bytes_max: 1 << 20,
                ..Config::default()
            };
            let seen = run(name, program.clone(), config);
            if std::env::var_os("UPDATE").is_some() {
                update(name, source, &seen);
                return None;
            }
            if seen != wanted {
                let way = format!("{lowering:?} under {dispatch:?}, slices of {slice}, collecting always: {collect_always}");
                return Some(format!("{name}, {way}\n{}", lines_that_differ(&wanted, &seen)));
            }
        }
    }
    None
}

fn lines_that_differ(wanted: &str, seen: &str) -> String {
    let count = wanted.lines().count().max(seen.lines().count());
    let pairs = (0..count).map(|at| (at, wanted.lines().nth(at), seen.lines().nth(at)));
    let differ = pairs.filter(|(_, wanted, seen)| wanted != seen).take(5);
    differ.map(|(at, wanted, seen)| format!("  line {}: wanted {wanted:?}, seen {seen:?}\n", at + 1)).collect()
}

#[track_caller]
fn check(collect_always: bool) {
    let differences: Vec<_> =
        fixtures().iter().filter_map(|(name, source)| difference(name, source, collect_always)).collect();
    assert!(differences.is_empty(), "{} fixtures differ:\n{}", differences.len(), differences.concat());
}

#[test]
fn instructions_do_what_their_fixtures_say() {
    check(false);
}

#[test]
fn collecting_at_every_allocation_changes_nothing() {
    check(true);
}

#[test]
fn every_instruction_has_its_fixture() {
    let fixtures = fixtures();
    let uses = |source: &str, mnemonic: &str| source.lines().any(|line| line.split_whitespace().next() == Some(mnemonic));
    let missing: Vec<_> = INSTRUCTIONS
        .iter()
        .map(|info| info.mnemonic)
        .filter(|mnemonic| !fixtures.get(*mnemonic).is_some_and(|source| uses(source, mnemonic)))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "instructions without a fixture of their name that uses them");
}
