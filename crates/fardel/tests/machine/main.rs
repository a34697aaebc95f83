//! The machine as a whole, by programs in assembly text: limits, determinism, failures.

mod carried;
mod deep;
mod failing;
mod limits;
mod look;
mod memory;
mod model;
mod nodes;
mod pieces;
mod promises;
mod properties;
mod rules;
mod support;
mod trace;
