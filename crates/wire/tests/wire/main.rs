//! The wire: what is written is read again, nothing else is, and sessions keep their promises on bad connections.

mod arbitrary;
mod compression;
mod damage;
mod examples;
mod handshake;
mod pair;
mod properties;
mod sessions;
mod spec;
