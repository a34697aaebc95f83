//! Nodes in one process, each driven by a task, and what they make of others.

mod hostile;
mod peer;
mod seeds;
mod support;
mod versions;
