//! Checks that no fiber harms another: floods, loops, what asks for more than there is, births and deaths.
//!
//! Each check runs in a process of its own, so that one that ends the process is a finding and no more, and so that the
//! memory of one is not taken for that of another. It prints a line of figures; where a goal is missed, the whole ends
//! with status 1.
//!
//! **Invariant:** a check that says nothing has failed.

mod births;
mod clock;
mod figures;
mod floods;
mod hops;
mod limits;
mod loops;
mod process;
mod programs;
mod world;

use process::Ended;
use std::process::ExitCode;

/// The word by which this program calls itself for one check.
const ONE: &str = "--one";

/// Checks of one kind, a line each in one table.
struct Group {
    /// By which they are called on the command line, besides their names.
    row: &'static str,
    /// What they are, and their goals.
    title: String,
    /// What stands in the columns.
    columns: &'static [&'static str],
    checks: Vec<Check>,
}

/// One check.
struct Check {
    name: String,
    /// Whether it gets 64 descriptors and 256 MiB of address space alone.
    is_confined: bool,
    run: Box<dyn Fn() -> Finding>,
}

/// What a check found.
#[derive(Debug, Default)]
struct Finding {
    /// A text for each column.
    cells: Vec<String>,
    /// The goals that were missed.
    missed: Vec<String>,
}

fn groups() -> Vec<Group> {
    vec![floods::group(), loops::group(), limits::group(), births::group(), hops::group()]
}

/// Carries out the checks that the words name, or all; a word is a row of the list of goals, or how names of checks begin.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let groups = groups();
    if let [word, name] = words
        && word == ONE
    {
        return run_one(&groups, name);
    }
    let (mut carried_out, mut failed) = (0, Vec::new());
    for group in &groups {
        let chosen = |check: &&Check| {
            words.is_empty() || words.iter().any(|word| word == group.row || check.name.starts_with(word.as_str()))
        };
        let chosen: Vec<&Check> = group.checks.iter().filter(chosen).collect();
        if chosen.is_empty() {
            continue;
        }
        carried_out += chosen.len();
        println!("{}\n", group.title);
        println!("{}", line("check", group.columns, "missed"));
        for check in chosen {
            if !print_line(group, check) {
                failed.push(check.name.clone());
            }
        }
        println!();
    }
    if carried_out == 0 {
        eprintln!("no check is called so; names begin with flood/, loop/, limit/, births or hops");
        return ExitCode::FAILURE;
    }
    println!("{carried_out} checks, {} with a goal missed", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Carries out one check here, and prints its cells and misses for the process that asked.
fn run_one(groups: &[Group], name: &str) -> ExitCode {
    let Some(check) = groups.iter().flat_map(|group| &group.checks).find(|check| check.name == name) else {
        eprintln!("no check is called `{name}`");
        return ExitCode::FAILURE;
    };
    let finding = (check.run)();
    println!("{}", finding.cells.join("\t"));
    println!("{}", finding.missed.join("; "));
    ExitCode::SUCCESS
}

/// Has a check carried out and prints its line; gives whether its goals were met.
fn print_line(group: &Group, check: &Check) -> bool {
    let (cells, missed) = match process::call_self(&["isolation", ONE, &check.name], check.is_confined) {
        Ended::Said(text) => {
            let mut lines = text.lines();
            let cells = lines.next().unwrap_or_default().split('\t').map(str::to_owned).collect::<Vec<_>>();
            match lines.next() {
                Some(missed) if cells.len() == group.columns.len() => (cells, missed.to_owned()),
                Some(_) | None => (Vec::new(), "it said nothing".to_owned()),
            }
        }
        Ended::Died(why) => (vec!["-".to_owned(); group.columns.len()], why),
        Ended::Skipped(why) => {
            println!("{:<34} skipped: {why}", check.name);
            return true;
        }
    };
    println!("{}", line(&check.name, &cells, &missed));
    missed.is_empty()
}

fn line<T: AsRef<str>>(name: &str, cells: &[T], missed: &str) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {:>11}", cell.as_ref())).collect();
    format!("{name:<34}{cells}  {missed}").trim_end().to_owned()
}
