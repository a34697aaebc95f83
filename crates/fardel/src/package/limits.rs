//! What packages may have: their files come from others.

/// Packages that one leads to.
pub(super) const PACKAGES_MAX: usize = 256;
/// Bytes of a manifest: a hundred times what anybody writes by hand.
pub(super) const MANIFEST_BYTES_MAX: usize = 1 << 20;
/// Bytes of a path to a package, as a lock has it.
pub(super) const PATH_BYTES_MAX: usize = 4_096;
/// Bytes of a lock: one with as many packages as may be, at paths as long as they may be, has fewer.
pub(super) const LOCK_BYTES_MAX: usize = 2 << 20;
/// Bytes of the sources of all dependencies of a program: they are held in memory.
pub(super) const SOURCES_BYTES_MAX: usize = 256 << 20;
/// Files and folders in the sources of one package.
pub(super) const ENTRIES_MAX: usize = 65_536;
/// Folders in folders.
pub(super) const DEPTH_MAX: usize = 64;
