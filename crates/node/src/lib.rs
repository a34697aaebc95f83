//! A node of a cluster: its keys, and connections to other nodes that are authenticated before they carry anything.
//!
//! [`backoff`] says when to try again.
//! connection mean is not known here.
//!
//! **Invariant:** a [`transport::Connection`] exists only after both sides have proven who they are, or both were told in
//! so many words to do without.
#![forbid(unsafe_code)]

pub mod backoff;
pub mod limits;
