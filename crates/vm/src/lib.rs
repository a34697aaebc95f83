//! The machine of Fardel: values, heaps, the interpreter, fibers, mailboxes, the scheduler.
//!
//! This crate knows nothing of files, sockets, clocks, threads or async: it is a function of its inputs. See [`door`].

pub mod config;
pub mod door;
pub mod exit;
pub mod fiber;
pub mod machine;
pub mod value;
