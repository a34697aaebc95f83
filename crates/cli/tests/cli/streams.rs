//! Signals and streams that end early.

use crate::support::{Folder, start};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

const READY: &str =
    "host io.print(Text)\nhost io.read_line() -> Option<Text>\nfn main()\n  push \"ready\"\n  call_host io.print\n";

/// Sends SIGINT to a child of this test.
fn interrupt(child: &Child) {
    let status = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(status.expect("a shell is there").success());
}

/// Starts `READY` and `rest`, waits for its line, interrupts it; it ends with status 130 and says nothing.
#[track_caller]
fn check_interrupt(rest: &str) {
    let folder = Folder::with(&[("a.fda", format!("{READY}{rest}").as_bytes())]);
    let mut child = start(folder.path(), &["run", "a.fda"]);
    // Kept open, so that a read waits.
    let input = child.stdin.take();
    let mut output = BufReader::new(child.stdout.take().expect("the output is piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("the program prints");
    assert_eq!(line, "ready\n");
    interrupt(&child);
    let status = child.wait().expect("the process ends");
    let mut error = String::new();
    child.stderr.take().expect("the error is piped").read_to_string(&mut error).expect("what is said is text");
    assert_eq!((status.code(), status.signal(), error.as_str()), (Some(130), None, ""));
    drop(input);
}

#[test]
fn a_computation_is_interrupted() {
    check_interrupt("again:\n  jmp again\nend\n");
}

#[test]
fn a_read_is_interrupted() {
    check_interrupt("  call_host io.read_line\n  drop\n  ret\nend\n");
}

#[test]
fn nobody_reads_the_output_and_the_run_ends_quietly() {
    let source = "host io.print(Text)\nfn main()\nagain:\n  push \"y\"\n  call_host io.print\n  jmp again\nend\n";
    let folder = Folder::with(&[("a.fda", source.as_bytes())]);
    let mut child = start(folder.path(), &["run", "a.fda"]);
    let mut first = [0; 4];
    child.stdout.take().expect("the output is piped").read_exact(&mut first).expect("the program prints");
    let output = child.wait_with_output().expect("the process ends");
    assert_eq!((first, output.status.code(), output.stderr.as_slice()), (*b"y\ny\n", Some(0), &b""[..]));
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let source = "host io.print(Text)\nfn main()\n  push \"y\"\n  call_host io.print\n  ret\nend\n";
    let folder = Folder::with(&[("a.fda", source.as_bytes())]);
    let output = Command::new(env!("CARGO_BIN_EXE_fardel"))
        .args(["run", "a.fda"])
        .current_dir(folder.path())
        .stdout(Stdio::from(full))
        .output()
        .expect("the binary starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let wanted = "the standard output cannot be written: No space left on device (os error 28)\n";
    assert_eq!((output.status.code(), error.as_str()), (Some(1), wanted));
}

#[test]
fn a_blocked_read_holds_up_nobody_else() {
    let source = "host io.print(Text)\nhost io.read_line() -> Option<Text>\nfn main()\n  spawn read\n  drop\n  yield\n  push \"ready\"\n  \
                  call_host io.print\n  ret\nend\nfn read()\n  call_host io.read_line\n  drop\n  ret\nend\n";
    let folder = Folder::with(&[("a.fda", source.as_bytes())]);
    let mut child = start(folder.path(), &["run", "a.fda"]);
    let input = child.stdin.take();
    let mut output = String::new();
    child.stdout.take().expect("the output is piped").read_to_string(&mut output).expect("what is printed is text");
    assert_eq!((output.as_str(), child.wait().expect("the process ends").code()), ("ready\n", Some(0)));
    drop(input);
}
