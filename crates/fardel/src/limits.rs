//! The limits of the driver, each with the reason for its value.

/// Slices between two looks at the clock and at what came from outside: some tenths of a millisecond of work.
pub const BATCH_SLICES_MAX: u32 = 64;
/// Nanoseconds after which a batch was too long, and the next one is shorter: what comes from outside should not wait.
pub const BATCH_NANOS_MAX: u64 = 500_000;
/// Slices after a batch in which a host function was called or a message came out, so that who waits for the answer goes
/// on soon though others compute.
pub const BATCH_SLICES_MIN: u32 = 1;
/// Threads for host functions that block; more calls than that wait in line.
pub const WORKERS_MAX: usize = 32;
/// Bytes of input that are read ahead.
pub const INPUT_BYTES_MAX: usize = 64 << 10;
/// Bytes of output that are held back before they are written.
pub const OUTPUT_BYTES_MAX: usize = 64 << 10;
/// Nanoseconds that output is held back while fibers compute: short enough to look immediate.
pub const OUTPUT_NANOS_MAX: u64 = 50_000_000;
/// Bytes of one line that `io.read_line` takes; a longer one is more likely not text at all.
pub const LINE_BYTES_MAX: u64 = 16 << 20;
/// Bytes of one file that `fs.read_text` and `fs.read_bytes` take: what a fiber holds by default.
pub const FILE_BYTES_MAX: u64 = 256 << 20;
/// Names in one folder that `fs.list` gives.
pub const FOLDER_ENTRIES_MAX: usize = 1 << 20;
/// Bytes that one call of `random.bytes` gives.
pub const RANDOM_BYTES_MAX: i64 = 16 << 20;
/// Calls of a failure's trace that are shown, the innermost: a screen of them with their source lines.
pub const CALLS_SHOWN_MAX: usize = 20;
/// Fibers that are listed when nothing can go on: a screen of them.
pub const BLOCKED_SHOWN_MAX: usize = 20;
/// Failures of fibers other than `main` that are reported one by one.
pub const FAILURES_SHOWN_MAX: u64 = 100;
/// Nanoseconds that fibers have to end after `main` did.
pub const GRACE_NANOS: u64 = 1_000_000_000;
/// Modules that one program may consist of.
pub const MODULES_MAX: usize = 4096;
/// How deeply files may import each other, so that following imports never needs a deep host stack.
pub const IMPORT_DEPTH_MAX: usize = 64;

/// The slices of the batch after one of so many that took so many nanoseconds: what a slice takes is up to its fiber.
pub fn next_batch(slices: u32, took: u64) -> u32 {
    if took <= BATCH_NANOS_MAX {
        return slices.saturating_mul(2).min(BATCH_SLICES_MAX);
    }
    let fits = u64::from(slices) * BATCH_NANOS_MAX / took;
    u32::try_from(fits).unwrap_or(BATCH_SLICES_MAX).clamp(BATCH_SLICES_MIN, BATCH_SLICES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_grows_while_it_is_quick_and_shrinks_to_what_fits() {
        assert_eq!(next_batch(1, 1_000), 2);
        assert_eq!(next_batch(BATCH_SLICES_MAX, 0), BATCH_SLICES_MAX);
        assert_eq!(next_batch(64, 16 * BATCH_NANOS_MAX), 4);
        assert_eq!(next_batch(64, u64::MAX), BATCH_SLICES_MIN);
    }
}
