//! The driver with its machine: programs as text in, output and outcome out.

mod embedding;
mod runtime;
mod support;
