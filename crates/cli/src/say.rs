//! What the command line itself says, and the statuses that go with it.

use fardel::ProgramError;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

/// It worked.
pub(crate) const OK: u8 = 0;
/// It did not.
pub(crate) const FAILED: u8 = 1;
/// The command line, or a file that it names, is wrong.
pub(crate) const USAGE: u8 = 2;

/// Somebody told the process to end: 128 and the number of the signal.
pub(crate) const TERMINATED: u8 = 143;

/// A text of strangers without what would move the cursor of a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Tells of an error.
pub(crate) fn error(text: impl std::fmt::Display) {
    line(&format!("error: {text}"));
}

/// Writes a line to the standard error. Where that fails there is nobody to tell.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells why a file is of no use.
pub(crate) fn bad_program(problem: &ProgramError) -> u8 {
    if let ProgramError::Invalid { path, rendered } = problem {
        line(rendered);
        error(fardel::program::not_made(path));
    } else {
        error(problem);
    }
    USAGE
}

/// Writes to the standard output; that nobody reads it is no error.
pub(crate) fn output(bytes: &[u8]) -> u8 {
    let mut output = io::stdout();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Ok(()) => OK,
        Err(failure) if failure.kind() == io::ErrorKind::BrokenPipe => OK,
        Err(failure) => {
            error(format_args!("the standard output cannot be written: {failure}"));
            FAILED
        }
    }
}

/// Writes a file, `-` for the standard output.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> u8 {
    if path == Path::new("-") {
        return output(bytes);
    }
    match std::fs::write(path, bytes) {
        Ok(()) => OK,
        Err(failure) => {
            error(format_args!("cannot write {}: {failure}", path.display()));
            USAGE
        }
    }
}

/// Whether what is said may be in colour.
pub(crate) fn in_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(super::plain("a\x1b[2Jb\n"), "a?[2Jb?");
    }
}
