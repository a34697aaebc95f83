//! The standard output of a program, held back so that a line costs no system call.
//!
//! **Invariant:** bytes leave in the order in which they came; after a failure nothing is written any more.

use crate::limits::{OUTPUT_BYTES_MAX, OUTPUT_NANOS_MAX};
use std::io::{self, Write};

/// Output that is held back.
pub(crate) struct Output {
    sink: Box<dyn Write>,
    /// A person may be reading along.
    line_wise: bool,
    held: Vec<u8>,
    held_since: Option<u64>,
    failure: Option<io::Error>,
}

impl Output {
    pub(crate) fn new(sink: Box<dyn Write>, line_wise: bool) -> Self {
        Output { sink, line_wise, held: Vec::new(), held_since: None, failure: None }
    }

    /// Takes the parts, in order; what cannot be written is kept as [`Output::failure`].
    pub(crate) fn write(&mut self, parts: &[&[u8]]) {
        for part in parts {
            if self.held.len() + part.len() > OUTPUT_BYTES_MAX {
                self.flush();
            }
            if part.len() > OUTPUT_BYTES_MAX {
                self.attempt(|sink| sink.write_all(part));
            } else if self.failure.is_none() {
                self.held.extend_from_slice(part);
            }
        }
        if self.line_wise && parts.iter().any(|part| part.contains(&b'\n')) {
            self.flush();
        }
    }

    /// Writes out what is held.
    pub(crate) fn flush(&mut self) {
        self.held_since = None;
        if self.held.is_empty() {
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        self.attempt(|sink| {
            sink.write_all(&held)?;
            sink.flush()
        });
        held.clear();
        self.held = held;
    }

    /// Writes out what was held for too long, so that the output of a long computation is seen while it runs.
    pub(crate) fn flush_old(&mut self, now: u64) {
        if self.held.is_empty() {
            return;
        }
        let since = *self.held_since.get_or_insert(now);
        if now.saturating_sub(since) >= OUTPUT_NANOS_MAX {
            self.flush();
        }
    }

    /// Why nothing can be written any more.
    pub(crate) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = write(&mut *self.sink).err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Every write that reached the sink.
    #[derive(Clone, Default)]
    struct Sink(Rc<RefCell<Vec<Vec<u8>>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(line_wise: bool, parts: &[&str], writes_before_flush: &[&str], all: &str) {
        let sink = Sink::default();
        let mut output = Output::new(Box::new(sink.clone()), line_wise);
        for part in parts {
            output.write(&[part.as_bytes()]);
        }
        let texts = |sink: &Sink| {
            sink.0.borrow().iter().map(|write| String::from_utf8_lossy(write).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(texts(&sink), writes_before_flush);
        output.flush();
        assert_eq!(texts(&sink).concat(), all);
    }

    #[test]
    fn holds_back_what_nobody_waits_for() {
        check(false, &["a\n", "b\n"], &[], "a\nb\n");
    }

    #[test]
    fn shows_a_person_each_line() {
        check(true, &["a\n", "b"], &["a\n"], "a\nb");
    }

    #[test]
    fn keeps_the_order_of_small_and_large() {
        let large = "x".repeat(OUTPUT_BYTES_MAX + 1);
        check(false, &["a", &large, "b"], &["a", &large], &format!("a{large}b"));
    }

    #[test]
    fn shows_what_is_old() {
        let sink = Sink::default();
        let mut output = Output::new(Box::new(sink.clone()), false);
        output.write(&[b"a"]);
        output.flush_old(1);
        output.flush_old(OUTPUT_NANOS_MAX);
        assert_eq!(sink.0.borrow().len(), 0);
        output.flush_old(OUTPUT_NANOS_MAX + 1);
        assert_eq!(*sink.0.borrow(), [b"a"]);
    }
}
