//! The machine of Fardel: values, heaps, the interpreter, fibers, mailboxes, the scheduler.
//!
//! This crate knows nothing of files, sockets, clocks, threads or async: it is a function of its inputs. See [`door`].
//!
//! Unsafe code is confined to [`heap`], [`interp`] and the one union in [`code`].

#![deny(unsafe_code)]

pub mod cluster;
pub mod compare;
pub mod config;
pub mod door;
pub mod exit;
pub mod fiber;
pub mod inspect;
pub mod machine;
pub mod packed;
pub mod value;

mod answers;
mod barrier;
#[allow(unsafe_code)]
mod code;
mod convert;
mod core;
mod deliver;
mod end;
mod fit;
mod heap;
mod interp;
mod load;
mod lower;
mod mailbox;
mod memory;
mod message;
mod notices;
mod outside;
mod random;
mod remote;
mod runtime;
mod sets;
mod slab;
mod ties;
mod timer;
mod trace;
mod trap;
mod types;
