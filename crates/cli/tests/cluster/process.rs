//! Processes with a limit of time for everything that is waited for.

use crate::support::{Folder, seen, start};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anything takes at most that is not about to wait, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Any port of this host, for TCP and for QUIC.
pub(crate) const ANY_PORT: [&str; 2] = ["127.0.0.1:0", "quic://127.0.0.1:0"];

/// A process of the program, killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines,
    error: Lines,
}

/// What a process has written to one of its streams.
#[derive(Clone, Default)]
struct Lines(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    is_over: bool,
}

impl Lines {
    fn follow(stream: impl Read + Send + 'static) -> Lines {
        let lines = Lines::default();
        let writer = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                writer.change(|written| written.lines.push(line));
            }
            writer.change(|written| written.is_over = true);
        });
        lines
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_all();
    }

    /// The first thing that `find` finds in what is written, within a time; else all that was written.
    fn wait<T>(&self, limit: Duration, find: impl Fn(&Written) -> Option<T>) -> Result<T, String> {
        let until = Instant::now() + limit;
        let mut written = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = find(&written) {
                return Ok(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || written.is_over {
                return Err(written.lines.join("\n"));
            }
            written = self.0.1.wait_timeout(written, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All lines, when there are no more.
    fn all(&self) -> String {
        let all =
            |written: &Written| written.is_over.then(|| written.lines.iter().map(|line| format!("{line}\n")).collect());
        self.wait(SOON, all).unwrap_or_else(|lines| lines)
    }
}

impl Process {
    pub(crate) fn start(folder: &Folder, args: &[&str]) -> Process {
        Process::of(start(folder.path(), args))
    }

    pub(crate) fn of(mut child: Child) -> Process {
        let output = Lines::follow(child.stdout.take().expect("the output is piped"));
        let error = Lines::follow(child.stderr.take().expect("the errors are piped"));
        let input = child.stdin.take();
        Process { child, input, output, error }
    }

    /// Waits for a line of the standard output that contains a text.
    #[track_caller]
    pub(crate) fn prints(&self, part: &str) -> String {
        let found = |written: &Written| written.lines.iter().find(|line| line.contains(part)).cloned();
        self.output
            .wait(SOON, found)
            .unwrap_or_else(|lines| panic!("{part:?} is not in {lines:?}; it says {:?}", self.error.all()))
    }

    /// Waits for a line of the standard error that contains a text.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> String {
        self.says_all(&[part])
    }

    /// Waits for a line of the standard error that contains some texts.
    #[track_caller]
    pub(crate) fn says_all(&self, parts: &[&str]) -> String {
        let has_all = |line: &&String| parts.iter().all(|part| line.contains(part));
        let found = |written: &Written| written.lines.iter().find(has_all).cloned();
        self.error.wait(SOON, found).unwrap_or_else(|lines| panic!("{parts:?} are not in {lines:?}"))
    }

    /// Waits at most so long for a line of the standard error that contains both texts.
    #[track_caller]
    pub(crate) fn says_both(&self, part: &str, other: &str, limit: Duration) -> String {
        let is_it = |line: &&String| line.contains(part) && line.contains(other);
        let found = |written: &Written| written.lines.iter().find(is_it).cloned();
        let missing = |lines| panic!("{part:?} with {other:?} is not in {lines:?} within {limit:?}");
        self.error.wait(limit, found).unwrap_or_else(missing)
    }

    /// What it has written to the standard error so far.
    pub(crate) fn log(&self) -> String {
        self.error.wait(SOON, |written| Some(written.lines.join("\n"))).unwrap_or_else(|lines| lines)
    }

    /// Writes an empty line to its standard input.
    pub(crate) fn enter(&mut self) {
        self.input.as_mut().expect("the input is open").write_all(b"\n").expect("it reads");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("the number of a process is an i32");
        kill(Pid::from_raw(id), signal).expect("the process is there");
    }

    /// Waits for its end: status, standard output, standard error.
    #[track_caller]
    pub(crate) fn ends(&mut self, limit: Duration) -> (i32, String, String) {
        let until = Instant::now() + limit;
        self.input = None;
        let status = loop {
            match self.child.try_wait().expect("the process can be waited for") {
                Some(status) => break status.code().unwrap_or(-1),
                None if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                None => {
                    self.child.kill().expect("the process can be killed");
                    panic!("no end within {limit:?}; printed {:?}, said {:?}", self.output.all(), self.error.all());
                }
            }
        };
        (status, self.output.all(), self.error.all())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Of one that has ended neither does anything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node that listens.
pub(crate) struct Node {
    pub(crate) process: Process,
    pub(crate) address: String,
}

impl Node {
    /// Starts a node of this name, with these options besides.
    #[track_caller]
    pub(crate) fn start(folder: &Folder, name: &str, options: &[&str]) -> Node {
        Node::start_at(ANY_PORT[0], folder, name, options)
    }

    /// Starts a node of this name that listens on an address.
    #[track_caller]
    pub(crate) fn start_at(address: &str, folder: &Folder, name: &str, options: &[&str]) -> Node {
        let listening = ["node", "--name", name, "--listen", address];
        Node::of(Process::start(folder, &[&listening, options].concat()), name)
    }

    /// A process that is to be a node of this name.
    #[track_caller]
    pub(crate) fn of(process: Process, name: &str) -> Node {
        let start = format!("node {name} listens on ");
        let line = process.says(&start);
        Node { process, address: line.trim_start_matches(&start).to_owned() }
    }
}

/// The options of nodes with the shared key that [`folder`] makes.
pub(crate) const SHARED: [&str; 2] = ["--shared-key", "cluster.key"];

/// A folder with a shared key, and a program.
pub(crate) fn folder(program: &str) -> Folder {
    let folder = Folder::with(&[("a.fda", program.as_bytes())]);
    keygen(folder.path(), &["shared", "cluster.key"]);
    folder
}

#[track_caller]
pub(crate) fn keygen(folder: &Path, args: &[&str]) {
    let (status, _, error) = seen(&crate::support::run(folder, &[&["keygen"], args].concat(), b""));
    assert_eq!((status, error.as_str()), (0, ""), "{args:?}");
}

/// Starts `a.fda` as node `main`, connected with a node.
pub(crate) fn run(folder: &Folder, node: &Node, options: &[&str]) -> Process {
    let args = [&["run", "--connect", &node.address, "--name", "main"], options, &["a.fda"]].concat();
    Process::start(folder, &args)
}

/// Runs `a.fda` to its end.
#[track_caller]
pub(crate) fn run_to_end(folder: &Folder, node: &Node, options: &[&str]) -> (i32, String, String) {
    run(folder, node, options).ends(SOON)
}
