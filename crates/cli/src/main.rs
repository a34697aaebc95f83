//! The command line: one subcommand, one file.
//!
//! **Invariant:** a command gives an exit status and never ends the process itself; only `main`, and a second ctrl-C, do.
#![forbid(unsafe_code)]

mod against;
mod asm;
mod build;
mod check;
mod demo;
mod disasm;
mod fmt;
mod keygen;
mod lock;
mod node;
mod operate;
mod options;
mod package;
mod repl;
mod roles;
mod run;
mod say;
mod sim;
mod size;
mod test;

use clap::{CommandFactory as _, Parser as _};
use options::{Command, Options};

fn main() {
    let status = match Options::parse().command {
        Command::Run(options) => run::run(&options),
        Command::New(options) => package::new(&options),
        Command::Lock(options) => lock::lock(&options),
        Command::Build(options) => build::build(&options),
        Command::Test(options) => test::test(&options),
        Command::Repl(options) => repl::repl(&options),
        Command::Fmt(options) => fmt::fmt(&options),
        Command::Asm(options) => asm::asm(&options),
        Command::Disasm(options) => disasm::disasm(&options),
        Command::Check(options) => check::check(&options),
        Command::Keygen(options) => keygen::keygen(&options),
        Command::Node(options) => node::node(&options),
        Command::Nodes(options) => operate::nodes(&options),
        Command::Ps(options) => operate::ps(&options),
        Command::Inspect(options) => operate::inspect(&options),
        Command::Send(options) => operate::send(&options),
        Command::Call(options) => operate::call(&options),
        Command::Spawn(options) => operate::spawn(&options),
        Command::Kill(options) => operate::kill(&options),
        Command::Demo(options) => demo::demo(&options),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Options::command(), "fardel", &mut script);
            say::output(&script)
        }
    };
    // Not a return: the memory of a machine is not worth giving back piece by piece now.
    std::process::exit(status.into());
}
