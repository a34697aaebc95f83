//! What can be asked for on the command line, each option with its help.

use crate::{asm, build, check, demo, disasm, fmt, keygen, lock, node, operate, package, repl, run, test};
use clap::{Parser, Subcommand};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Examples:
  fardel new hello && cd hello && fardel run && fardel test
  fardel run examples/wordcount.fdl README.md
  fardel run --trace --max-memory 64MiB program.fda one two
  fardel build program.fdl -o program.fdm
  fardel demo cluster
  fardel completions bash > ~/.local/share/bash-completion/completions/fardel

Exit status:
  of `run`, the number that main returns, 0 if it returns none; in general
  0    it worked
  1    main failed, there is no connection to the cluster, or the standard output could not be written
  2    the command line is wrong, or a file cannot be read, compiled, assembled, decoded or verified, or holds no sound key
  3    no fiber could go on any more; they are listed
  130  interrupted with ctrl-C";

/// Runs and makes programs for the Fardel virtual machine.
#[derive(Parser, Debug)]
#[command(name = "fardel", version, after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Runs a program
    Run(run::Options),
    /// Makes a package: a folder with a first program
    New(package::New),
    /// Takes what the dependencies of a package are now, as fardel.lock then says
    Lock(lock::Options),
    /// Makes a module of a program
    Build(build::Options),
    /// Runs the tests of programs
    Test(test::Options),
    /// Opens a prompt
    Repl(repl::Options),
    /// Writes sources in the one style
    Fmt(fmt::Options),
    /// Makes a module of assembly text
    Asm(asm::Options),
    /// Shows a module as assembly text
    Disasm(disasm::Options),
    /// Says whether files hold sound programs or modules
    Check(check::Options),
    /// Makes what the nodes of a cluster prove themselves with
    Keygen(keygen::Options),
    /// Runs a node of a cluster
    Node(node::Options),
    /// Lists the nodes of a cluster
    Nodes(operate::Nodes),
    /// Lists the fibers of a node
    Ps(operate::Ps),
    /// Shows a fiber: what it does, holds and waits for, and where it is in its code
    Inspect(operate::Inspect),
    /// Sends a message to a fiber
    Send(operate::Send),
    /// Sends a message to a fiber and prints its reply
    Call(operate::Call),
    /// Starts a fiber on a node
    Spawn(operate::Spawn),
    /// Ends a fiber
    Kill(operate::Kill),
    /// Shows what Fardel does
    Demo(demo::Options),
    /// Prints the completions of a shell
    Completions {
        /// For which shell
        shell: Shell,
    },
}
