//! Nodes in one process, each driven by a task, and what they make of others.

mod seeds;
mod support;
