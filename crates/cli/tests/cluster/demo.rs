//! The demonstration does what it says and leaves nothing.

use crate::process::{Process, SOON};
use crate::support::Folder;
use nix::sys::signal::Signal;
use std::process::{Command, Stdio};

/// Starts the demonstration with a folder of its own for temporary files.
fn demo(folder: &Folder) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fardel"));
    command.args(["demo", "cluster"]).env("TMPDIR", folder.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Process::of(command.spawn().expect("the binary starts"))
}

#[track_caller]
fn left_nothing(folder: &Folder, output: &str) {
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder can be read").collect();
    assert!(left.is_empty(), "{left:?}");
    let ids = output.lines().filter_map(|line| line.rsplit_once(", process ")).map(|(_, id)| id.parse::<i32>());
    for id in ids {
        let id = nix::unistd::Pid::from_raw(id.expect("the number of a process"));
        assert_eq!(nix::sys::signal::kill(id, None), Err(nix::errno::Errno::ESRCH), "process {id} runs");
    }
}

#[test]
fn the_demonstration_misses_nothing_when_a_node_is_killed() {
    let folder = Folder::with(&[]);
    let (status, output, error) = demo(&folder).ends(SOON + SOON);
    assert_eq!((status, error.as_str()), (0, ""), "{output}");
    for part in [
        "the worker on two is gone: NoConnection",
        "its work goes to one",
        "all in all 6057 primes",
        "node three was told to end (SIGTERM), and has ended",
        "nothing is left of it",
    ] {
        assert!(output.contains(part), "{part:?} is not in {output:?}");
    }
    left_nothing(&folder, &output);
}

#[test]
fn an_interrupted_demonstration_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = Folder::with(&[]);
        let mut process = demo(&folder);
        process.prints("killed node two");
        process.signal(signal);
        let (status, output, error) = process.ends(SOON);
        assert_eq!((status, error.as_str()), (130, "error: interrupted; the nodes are stopped\n"));
        left_nothing(&folder, &output);
    }
}
