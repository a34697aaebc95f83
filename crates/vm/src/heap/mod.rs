//! A fiber's memory: the words in it, the block that holds them, collecting and copying.
#![allow(unsafe_code)]

pub(crate) mod block;
pub(crate) mod collect;
pub(crate) mod copy;
pub(crate) mod fragment;
pub(crate) mod release;
pub(crate) mod shared;
pub(crate) mod word;

/// Long work on blocks is done in pieces of so many bytes.
pub(crate) const PIECE_BYTES: usize = 1 << 20;
