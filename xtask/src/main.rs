//! The command line of the project's own chores: `cargo xtask docs [--check]`.
//!
//! **Invariant:** what a chore does stands in the library, so that tests do the same.
#![forbid(unsafe_code)]

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <chore>

chores:
  docs           writes the files that are generated from the code's tables
  docs --check   tells which of them are stale, and writes nothing";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["docs"] => xtask::docs::write(&xtask::root()),
        ["docs", "--check"] => xtask::docs::check(&xtask::root()),
        ["help" | "--help" | "-h"] => Ok(USAGE.to_owned()),
        _ => Err(format!("unknown chore `{}`\n\n{USAGE}", args.join(" "))),
    };
    match result {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
