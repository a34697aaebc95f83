//! `fardel demo`: shows nodes that work together, and that go on when one of them is killed.
//!
//! It starts processes of its own program and speaks with them as a user would: by options, standard streams and signals.
//! All that happens comes to one place, as events.
//!
//! **Invariant:** however the demonstration ends, short of being killed itself, no process and no file of it is left.

use crate::{keygen, node, say};
use clap::{Args, Subcommand};
use fardel_node::limits::LOST_AFTER;
use std::fmt::Display;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// The program that runs on the nodes.
const PROGRAM: &str = include_str!("../../../examples/cluster.fda");
/// The nodes, in the order in which they are started.
const NODES: [&str; 3] = ["one", "two", "three"];
/// The node that is killed. It is not the first, which the others were told of.
const VICTIM: &str = "two";
/// What the program says before it waits for a line.
const PAUSE: &str = "press Enter";
/// How long a process has to do what is next: long against what it takes on a busy machine.
const STEP: Duration = Duration::from_secs(10);
/// How long a node may take to end when it is told to.
const END: Duration = Duration::from_secs(3);
/// How often a process is looked at while it ends.
const LOOK: Duration = Duration::from_millis(10);
/// Lines of a process that are kept, to be shown when it fails.
const LINES_KEPT: usize = 20;
/// Folders that are tried before there is something wrong with where they go.
const FOLDERS_TRIED: u32 = 100;

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Starts three nodes on this host, runs a program on them, kills one and shows how the program goes on
    Cluster,
}

pub(crate) fn demo(options: &Options) -> u8 {
    let shown = match options.what {
        What::Cluster => cluster(),
    };
    match shown {
        Ok(()) => say::OK,
        Err(Stop::Interrupted) => {
            say::error("interrupted; the nodes are stopped");
            fardel::outcome::status::INTERRUPTED
        }
        Err(Stop::Failed(problem)) => {
            say::error(problem);
            say::FAILED
        }
    }
}

/// Why the demonstration ends early.
enum Stop {
    Interrupted,
    Failed(String),
}

/// An error that is told with what was tried.
fn failed(what: impl Display) -> impl FnOnce(io::Error) -> Stop {
    move |error| Stop::Failed(format!("cannot {what}: {error}"))
}

/// Something that happened.
enum Event {
    /// A process wrote a line.
    Line { from: &'static str, line: String },
    /// A process closed its standard output and error, which it does when it ends.
    Ended { from: &'static str },
    /// Somebody wants the demonstration to end.
    Interrupted,
}

fn cluster() -> Result<(), Stop> {
    let (sender, events) = mpsc::channel();
    listen_for_interrupts(&sender);
    // Dropped in the reverse order: the processes end before their files go.
    let folder = Folder::new()?;
    make_files(folder.path())?;
    tell(format_args!(
        "made an authority and certificates for {} and main in {}",
        NODES.join(", "),
        folder.path().display()
    ))?;
    let mut nodes = Vec::new();
    let mut first = None;
    for name in NODES {
        let (node, address) = start_node(name, folder.path(), first.as_deref(), &sender, &events)?;
        tell(format_args!("started node {name} on {address}, process {}", node.child.id()))?;
        first.get_or_insert(address);
        nodes.push(node);
    }
    let first = first.unwrap_or_default();

    tell(format_args!("run a program on all of them: fardel run --connect {first} .. cluster.fda {}", NODES.join(" ")))?;
    let mut program = start_program(folder.path(), &first, &sender)?;
    show_until(&events, STEP, Some(PAUSE))?;

    kill(&mut nodes, VICTIM)?;
    tell(format_args!("killed node {VICTIM} (kill -9), and gave out more work"))?;
    let patience = LOST_AFTER.as_secs();
    tell(format_args!("its connection could come back: for {patience} s the program waits for what it has of the work"))?;
    program.enter()?;
    show_until(&events, LOST_AFTER + STEP, None)?;
    program.end(END)?;
    tell("the program has ended, and has missed nothing")?;
    for node in &mut nodes {
        node.tell_to_end()?;
        node.end(END)?;
        tell(format_args!("node {} was told to end (SIGTERM), and has ended", node.name))?;
    }
    drop(nodes);
    drop(folder);
    tell("nothing is left of it")
}

fn tell(text: impl Display) -> Result<(), Stop> {
    match say::output(format!("* {text}\n").as_bytes()) {
        say::OK => Ok(()),
        _ => Err(Stop::Failed("nobody can see the demonstration".to_owned())),
    }
}

/// Has ctrl-C and SIGTERM come as an event.
fn listen_for_interrupts(events: &Sender<Event>) {
    let events = events.clone();
    std::thread::spawn(move || {
        node::drive(async { node::interrupted().await });
        // When nobody takes it the demonstration is over.
        let _ = events.send(Event::Interrupted);
    });
}

/// A folder in the system's place for temporary files, for its owner alone; it goes with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, Stop> {
        let (place, process) = (std::env::temp_dir(), std::process::id());
        for count in 0..FOLDERS_TRIED {
            let path = place.join(format!("fardel-demo-{process}-{count}"));
            match create(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(format_args!("make the folder {}", path.display()))(error)),
            }
        }
        Err(Stop::Failed(format!("{} is full of folders fardel-demo-{process}-N", place.display())))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            say::error(format_args!("{} is left: {error}", self.0.display()));
        }
    }
}

/// The authority of the cluster, a certificate for each node and one for the program's, and the program.
fn make_files(folder: &Path) -> Result<(), Stop> {
    let keys = || {
        keygen::authority(folder, "demo", 1)?;
        NODES.iter().chain(&["main"]).try_for_each(|name| keygen::node(name, folder, 1).map(drop))
    };
    keys().map_err(|error| Stop::Failed(error.to_string()))?;
    std::fs::write(folder.join("cluster.fda"), PROGRAM).map_err(failed("write the program"))
}

/// A process of the demonstration; it ends with this.
struct Process {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
}

impl Process {
    /// Starts this program with other arguments, in the folder with the keys. Its options come from the arguments alone.
    fn start(name: &'static str, args: &[&str], folder: &Path, events: &Sender<Event>) -> Result<Process, Stop> {
        let own = std::env::current_exe().map_err(failed("find the own program"))?;
        let mut command = Command::new(own);
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("FARDEL_")) {
            command.env_remove(key);
        }
        let certificate =
            [format!("--cert={name}.pem"), format!("--key={name}.key"), "--authority=authority.pem".to_owned()];
        let (subcommand, rest) = args.split_at(1.min(args.len()));
        command.args(subcommand).args(["--name", name]).args(certificate).args(rest).current_dir(folder);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(failed(format_args!("start {name}")))?;
        let input = child.stdin.take();
        let (output, error) = (child.stdout.take(), child.stderr.take());
        let process = Process { name, child, input };
        if let (Some(output), Some(error)) = (output, error) {
            follow(name, output, error, events.clone());
        }
        Ok(process)
    }

    /// Writes an empty line to its standard input, and no more after it.
    fn enter(&mut self) -> Result<(), Stop> {
        let written = self.input.take().map_or(Ok(()), |mut input| input.write_all(b"\n"));
        written.map_err(failed(format_args!("write to {}", self.name)))
    }

    #[cfg(unix)]
    fn tell_to_end(&mut self) -> Result<(), Stop> {
        use nix::sys::signal::{Signal, kill};
        let told = i32::try_from(self.child.id()).map(nix::unistd::Pid::from_raw).map(|id| kill(id, Signal::SIGTERM));
        match told {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Stop::Failed(format!("cannot tell node {} to end: {error}", self.name))),
            Err(error) => Err(Stop::Failed(format!("cannot tell node {} to end: {error}", self.name))),
        }
    }

    /// This system has no signal that asks.
    #[cfg(not(unix))]
    fn tell_to_end(&mut self) -> Result<(), Stop> {
        self.child.kill().map_err(failed(format_args!("end node {}", self.name)))
    }

    /// Waits until it has ended, with status 0 where it ends by itself.
    fn end(&mut self, limit: Duration) -> Result<(), Stop> {
        let until = Instant::now() + limit;
        loop {
            match self.child.try_wait().map_err(failed(format_args!("wait for {}", self.name)))? {
                Some(status) if status.success() || cfg!(not(unix)) => return Ok(()),
                Some(status) => return Err(Stop::Failed(format!("{} ended with {status}; wanted status 0", self.name))),
                None if Instant::now() >= until => {
                    return Err(Stop::Failed(format!("{} did not end within {limit:?}", self.name)));
                }
                None => std::thread::sleep(LOOK),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Of one that has ended neither does anything.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Has the lines of a process come as events, and its end when both streams have ended.
fn follow(from: &'static str, output: impl Read + Send + 'static, error: impl Read + Send + 'static, events: Sender<Event>) {
    let of_errors = events.clone();
    let errors = std::thread::spawn(move || read_lines(from, error, &of_errors));
    std::thread::spawn(move || {
        read_lines(from, output, &events);
        // It does not panic; and when nobody takes the end the demonstration is over.
        let _ = errors.join();
        let _ = events.send(Event::Ended { from });
    });
}

fn read_lines(from: &'static str, stream: impl Read, events: &Sender<Event>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if events.send(Event::Line { from, line }).is_err() {
            return;
        }
    }
}

/// Starts a node, and gives where it listens.
fn start_node(
    name: &'static str,
    folder: &Path,
    join: Option<&str>,
    sender: &Sender<Event>,
    events: &Receiver<Event>,
) -> Result<(Process, String), Stop> {
    let mut args = vec!["node", "--listen", "127.0.0.1:0"];
    args.extend(join.into_iter().flat_map(|address| ["--join", address]));
    let process = Process::start(name, &args, folder, sender)?;
    let start = format!("node {name} listens on ");
    let until = Instant::now() + STEP;
    let mut said = Vec::new();
    loop {
        match next(events, until)? {
            Some(Event::Line { from, line }) if from == name => match line.strip_prefix(&start) {
                Some(address) => return Ok((process, address.to_owned())),
                None if said.len() < LINES_KEPT => said.push(line),
                None => {}
            },
            Some(Event::Ended { from }) if from != name => {}
            Some(Event::Line { .. }) => {}
            None | Some(Event::Ended { .. } | Event::Interrupted) => {
                return Err(Stop::Failed(format!("node {name} does not listen; it said: {}", said.join(" / "))));
            }
        }
    }
}

fn start_program(folder: &Path, connect: &str, events: &Sender<Event>) -> Result<Process, Stop> {
    let mut args = vec!["run", "--connect", connect, "cluster.fda"];
    args.extend(NODES);
    Process::start("main", &args, folder, events)
}

/// Shows what the program says, until it says `last` or ends.
fn show_until(events: &Receiver<Event>, limit: Duration, last: Option<&str>) -> Result<(), Stop> {
    let until = Instant::now() + limit;
    loop {
        match next(events, until)? {
            Some(Event::Line { from: "main", line }) => {
                if last.is_some_and(|last| line.contains(last)) {
                    return Ok(());
                }
                if say::output(format!("    {line}\n").as_bytes()) != say::OK {
                    return Err(Stop::Failed("nobody can see the demonstration".to_owned()));
                }
            }
            Some(Event::Ended { from: "main" }) if last.is_none() => return Ok(()),
            Some(Event::Ended { from: "main" }) => return Err(Stop::Failed("the program has ended early".to_owned())),
            // What nodes log is for those who run them.
            Some(Event::Line { .. } | Event::Ended { .. }) => {}
            None | Some(Event::Interrupted) => {
                return Err(Stop::Failed(format!("the program took longer than {limit:?}")));
            }
        }
    }
}

/// The next event, until a time. That somebody wants an end is an error.
fn next(events: &Receiver<Event>, until: Instant) -> Result<Option<Event>, Stop> {
    match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(Event::Interrupted) => Err(Stop::Interrupted),
        Ok(event @ (Event::Line { .. } | Event::Ended { .. })) => Ok(Some(event)),
        Err(_) => Ok(None),
    }
}

/// Kills a node, which is not one of them any more.
fn kill(nodes: &mut Vec<Process>, name: &str) -> Result<(), Stop> {
    for node in nodes.iter_mut().filter(|node| node.name == name) {
        node.child.kill().map_err(failed(format_args!("kill node {name}")))?;
        node.child.wait().map_err(failed(format_args!("wait for node {name}")))?;
    }
    nodes.retain(|node| node.name != name);
    Ok(())
}
