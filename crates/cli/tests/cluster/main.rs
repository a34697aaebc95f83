//! Nodes as their users meet them: processes on this host, with keys in files, that are killed and stopped.
//!
//! Each test starts what it needs on ports that the system chooses, waits for what it wants to see no longer than a time,
//! and ends the processes that it has started.
#![cfg(unix)]

mod credentials;
mod demo;
mod faults;
mod members;
mod metrics;
mod names;
mod namespaces;
mod operate;
mod options;
mod process;
mod programs;
mod proxy;
mod readme;
#[path = "../cli/support.rs"]
mod support;
