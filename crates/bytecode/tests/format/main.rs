//! Module format 1: what is written is read again, and nothing else is.

mod damage;
mod errors;
mod examples;
mod frozen;
mod generate;
mod properties;
mod spec;
