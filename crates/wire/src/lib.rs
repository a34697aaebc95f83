//! What nodes of Fardel say to each other: frames, values, the handshake, sessions.
//!
//! This crate knows nothing of sockets, clocks, threads or async: bytes and the time, in nanoseconds from any fixed point,
//! come in; bytes and events come out. The bytes are those of docs/spec/wire.md.
//!
//! **Invariant:** no bytes from outside make it panic, or take more memory than the limits in [`limits`] say.
#![forbid(unsafe_code)]

pub mod compression;
pub mod frame;
pub mod hello;
pub mod id;
pub mod limits;
pub mod link;
pub mod packed;
pub mod peers;
pub mod reason;
pub mod session;
pub mod table;
pub mod value;

mod bytes;

pub use bytes::Short;
