//! `fardel run`: runs a program.

use crate::node::{self, NodeOptions};
use crate::{package, say, size};
use clap::{Args, ValueEnum};
use fardel::program::Loader;
use fardel::vm::config::{Config, Dispatch, Lowering};
use fardel::vm::machine::Stats;
use fardel::{Hosts, Program, ProgramError, Runtime, Settings, outcome};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
#[command(override_usage = "fardel run [OPTIONS] <FILE> [ARGS]...")]
#[command(after_help = "Example:\n  fardel run --stats --max-memory 64MiB examples/wordcount.fda README.md")]
pub(crate) struct Options {
    /// Source (.fdl), assembly text (.fda) or a module (.fdm), and what main gets if it has a parameter; everything behind
    /// FILE is for the program [default: src/main.fdl]
    // One argument for both: so what stands behind FILE is the program's, also when it looks like an option.
    #[arg(trailing_var_arg = true, value_names = ["FILE", "ARGS"], num_args = 0..)]
    program: Vec<OsString>,
    /// Writes each instruction to the standard error: fiber, place, instruction, messages in the mailbox
    #[arg(long)]
    trace: bool,
    /// Writes to the standard error what the run took, when it is over
    #[arg(long)]
    stats: bool,
    /// Writes each message that nobody gets to the standard error: from whom, to whom, and why
    #[arg(long)]
    dead_letters: bool,
    /// Makes random numbers repeatable [default: another seed for each run]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Function calls and backward jumps that a fiber carries out before it is another one's turn
    #[arg(long, value_name = "N", default_value_t = Config::default().slice, value_parser = clap::value_parser!(u32).range(1..))]
    slice: u32,
    /// What one fiber may hold, its stack and shared texts included
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size::parse)]
    max_memory: u64,
    /// What of it may be stack
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size::parse)]
    max_stack: u64,
    /// Fibers at one time
    #[arg(long, value_name = "N", default_value_t = Config::default().fibers_max, value_parser = clap::value_parser!(u32).range(1..))]
    max_fibers: u32,
    /// What all fibers together may hold [default: 16GiB, or less where the host allows the process less]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    max_machine_memory: Option<u64>,
    /// Messages that wait in one mailbox, unless its fiber was started with another bound
    #[arg(long, value_name = "N", default_value_t = Config::default().mailbox_messages_max, value_parser = clap::value_parser!(u64).range(1..))]
    max_mailbox: u64,
    /// Names of fibers at one time
    #[arg(long, value_name = "N", default_value_t = Config::default().names_max)]
    max_names: usize,
    /// Timers with messages at one time
    #[arg(long, value_name = "N", default_value_t = Config::default().timers_max)]
    max_timers: u64,
    /// A module that the program imports by its hash; once for each
    #[arg(long, value_name = "FILE")]
    module: Vec<PathBuf>,
    #[command(flatten)]
    cluster: Cluster,
    /// How instructions are dispatched
    #[arg(long, value_enum, default_value_t = Dispatcher::Tail, hide = true)]
    dispatch: Dispatcher,
}

/// Runs the program as a node of a cluster, whose other nodes it can start fibers on. Without a way to others, by
/// `--connect`, `--join` or `--listen`, it runs alone.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of a program that runs as a node of a cluster")]
struct Cluster {
    /// A node of a cluster to connect with before the program begins, which then can start fibers on all its nodes
    #[arg(long, value_name = "HOST:PORT")]
    connect: Vec<fardel_node::transport::Target>,
    /// How many milliseconds to wait for a connection before the program begins
    #[arg(long, value_name = "N", default_value_t = 10_000, hide = true)]
    join_limit: u64,
    #[command(flatten)]
    node: NodeOptions,
}

impl Cluster {
    fn node_settings(&self) -> Result<Option<fardel_node::server::Settings>, String> {
        let mut node = self.node.clone().with_file()?;
        node.join(&self.connect);
        if node.has_way() { node.settings().map(Some) } else { Ok(None) }
    }
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Dispatcher {
    Tail,
    Match,
}

pub(crate) fn run(options: &Options) -> u8 {
    let (file, args) = match options.program.split_first() {
        Some((file, args)) => (PathBuf::from(file), args),
        None => match package::main_file() {
            Some(file) => (file, &[][..]),
            None => return say::USAGE,
        },
    };
    let file = file.as_path();
    let Some(arguments) = texts(args) else { return say::USAGE };
    let program = match load(file, &options.module) {
        Ok(program) => program,
        Err(problem) => return say::bad_program(&problem),
    };
    let node = match options.cluster.node_settings() {
        Ok(node) => node,
        Err(problem) => {
            say::error(problem);
            return say::USAGE;
        }
    };
    let mut machine = config(options);
    if let Some(node) = &node {
        (machine.cluster, machine.node, machine.labels) = (true, node.name.clone(), node.labels.clone());
    }
    let settings = Settings { machine, arguments, ..Settings::default() };
    let mut runtime = Runtime::new(settings, Hosts::standard());
    let interrupt = runtime.interrupt_handle();
    let handler = ctrlc::set_handler(move || {
        if interrupt.interrupt() > 0 {
            std::process::exit(outcome::status::INTERRUPTED.into());
        }
    });
    if let Err(problem) = handler {
        say::error(format_args!("ctrl-C will end the program at once: {problem}"));
    }
    let started = Instant::now();
    let ran = match node {
        None => runtime.run(program).map_err(|problem| {
            say::error(format_args!("{}: {problem}", file.display()));
            say::USAGE
        }),
        Some(node) => {
            let join_limit = Duration::from_millis(options.cluster.join_limit);
            node::run(node, join_limit, runtime, program, file)
        }
    };
    match ran {
        Ok(outcome) => {
            if options.stats {
                say::line(&stats(&outcome.stats, started));
            }
            outcome.status
        }
        Err(status) => status,
    }
}

/// The arguments as texts; when one is none, that is told.
fn texts(args: &[OsString]) -> Option<Vec<String>> {
    let text = |arg: &OsString| {
        let text = arg.to_str().map(str::to_string);
        if text.is_none() {
            say::error(format_args!("the argument {arg:?} is not UTF-8 text, which programs want"));
        }
        text
    };
    args.iter().map(text).collect()
}

pub(crate) fn load(file: &Path, modules: &[PathBuf]) -> Result<Program, ProgramError> {
    let mut loader = Loader::new(say::in_colour());
    for module in modules {
        loader.add_file(module)?;
    }
    let main = loader.add_file(file)?;
    loader.warnings().iter().for_each(|warning| say::line(warning));
    Ok(loader.finish(main))
}

fn config(options: &Options) -> Config {
    let dispatch = match options.dispatch {
        Dispatcher::Tail => Dispatch::Tail,
        Dispatcher::Match => Dispatch::Match,
    };
    let (dispatch, lowering) = match (options.trace, options.stats) {
        (true, _) => (Dispatch::Trace, Lowering::Plain),
        (false, true) => (Dispatch::Count, Lowering::Plain),
        (false, false) => (dispatch, Lowering::Fused),
    };
    Config {
        seed: options.seed.unwrap_or_else(fardel::random_seed),
        slice: options.slice,
        fiber_memory_bytes_max: options.max_memory,
        fiber_stack_bytes_max: options.max_stack,
        machine_memory_bytes_max: options.max_machine_memory.unwrap_or_else(fardel::machine_memory_max),
        fibers_max: options.max_fibers,
        mailbox_messages_max: options.max_mailbox,
        names_max: options.max_names,
        timers_max: options.max_timers,
        watch_dead_letters: options.dead_letters,
        dispatch,
        lowering,
        ..Config::default()
    }
}

fn stats(stats: &Stats, started: Instant) -> String {
    let instructions = stats.instructions.map_or("not counted".to_string(), |count| count.to_string());
    [
        format!("fibers        {} started, {} alive at the end", stats.fibers_started, stats.fibers_live),
        format!("messages      {} sent, of them {} that nobody got", stats.messages, stats.dead_letters),
        format!("instructions  {instructions}"),
        format!("slices        {}, with {} fuel", stats.slices, stats.fuel),
        format!("collections   {}", stats.collections),
        format!("memory        {} bytes at the end, {} at most", stats.block_bytes, stats.block_bytes_max),
        format!("time          {:.6} s", started.elapsed().as_secs_f64()),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Command, Options};
    use clap::Parser as _;

    #[track_caller]
    fn check(args: &[&str], wanted: Config) {
        let options = Options::try_parse_from(["fardel", "run", "--seed", "0"].iter().chain(args).chain(&["a.fda"]));
        let Ok(Options { command: Command::Run(options) }) = options else { panic!("{options:?}") };
        assert_eq!(config(&options), wanted);
    }

    fn default() -> Config {
        Config { machine_memory_bytes_max: fardel::machine_memory_max(), ..Config::default() }
    }

    #[test]
    fn defaults_are_the_machines() {
        check(&[], default());
    }

    #[test]
    fn options_become_settings() {
        check(&["--max-memory", "1KiB"], Config { fiber_memory_bytes_max: 1024, ..default() });
        check(&["--max-stack", "1MiB"], Config { fiber_stack_bytes_max: 1 << 20, ..default() });
        check(&["--max-machine-memory", "1GiB"], Config { machine_memory_bytes_max: 1 << 30, ..default() });
        check(&["--max-fibers", "7", "--slice", "1"], Config { fibers_max: 7, slice: 1, ..default() });
        check(&["--max-mailbox", "8"], Config { mailbox_messages_max: 8, ..default() });
        check(&["--max-names", "0", "--max-timers", "9"], Config { names_max: 0, timers_max: 9, ..default() });
        check(&["--dead-letters"], Config { watch_dead_letters: true, ..default() });
        check(&["--dispatch", "match"], Config { dispatch: Dispatch::Match, ..default() });
        check(&["--stats"], Config { dispatch: Dispatch::Count, lowering: Lowering::Plain, ..default() });
        check(&["--stats", "--trace"], Config { dispatch: Dispatch::Trace, lowering: Lowering::Plain, ..default() });
    }
}
