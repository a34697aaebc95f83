//! Chores around the code: text that is generated from its tables.
//!
//! **Invariant:** nothing that ships depends on this crate.
#![forbid(unsafe_code)]

pub mod docs;

/// The root folder of the workspace.
///
/// # Panics
/// When this crate no longer lies in a folder of the workspace.
pub fn root() -> std::path::PathBuf {
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("xtask lies in the workspace").to_owned()
}
