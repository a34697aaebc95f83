//! Tells the crate whether dispatch by tail calls can work: the compiler forms them from the first level of
//! optimisation, on targets whose C calling convention passes six integers in registers.
//!
//! **Invariant:** where it cannot, the crate falls back to the match and nothing else changes.

// A build script talks to cargo through its environment and its output; it is no part of the core.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tail_dispatch, fuzzing)");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let optimised = !matches!(var("OPT_LEVEL").as_str(), "" | "0");
    let registers =
        matches!(var("CARGO_CFG_TARGET_ARCH").as_str(), "x86_64" | "aarch64") && var("CARGO_CFG_TARGET_OS") != "windows";
    let miri = std::env::var_os("CARGO_CFG_MIRI").is_some();
    if optimised && registers && !miri {
        println!("cargo::rustc-cfg=tail_dispatch");
    }
}
