//! What the fuzz targets share: what they check, how they run programs, how they change modules.
//!
//! **Invariant:** what happens to an input follows from the input alone, so that a finding repeats.
#![forbid(unsafe_code)]

pub mod check;
pub mod choices;
pub mod machine;
pub mod mutate;
