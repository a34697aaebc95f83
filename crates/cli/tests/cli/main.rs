//! The command line as its users meet it: the real binary, its output and its exit status.

mod against;
mod commands;
mod examples;
mod language;
mod packages;
mod runs;
#[cfg(unix)]
mod streams;
mod support;
mod testing;
