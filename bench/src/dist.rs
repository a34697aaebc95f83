//! One workload between nodes on this host: starts a node, runs a program that is another one, and stops it.
//!
//! What the program prints is what this prints: `result=`, `elapsed_ns=`, and for round trips `p50_ns=` and `p99_ns=`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs/dist.fda");
const WORKLOADS: [&str; 6] = ["rtt", "oneway", "bulk", "spawn", "spawnpar", JOIN];
/// The one that is no program: `N` nodes get to know each other.
const JOIN: &str = "join";

/// A node that ends with this.
pub(crate) struct Node(pub(crate) Child);

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes with this.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Result<Folder, String> {
        let folder = Folder(std::env::temp_dir().join(format!("fardel-dist-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).map_err(|error| format!("{}: {error}", folder.0.display()))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It lies among the system's temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How the two nodes speak.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// TLS over TCP.
    Tls,
    /// TCP without encryption.
    Plain,
    /// QUIC.
    Quic,
}

/// Runs one workload; `words` are its name, its size, and `--plain` for a connection without encryption or `--quic` for one
/// over QUIC.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let (what, n, way) = match words {
        [what, n] => (what, n, Way::Tls),
        [what, n, way] if way == "--plain" => (what, n, Way::Plain),
        [what, n, way] if way == "--quic" => (what, n, Way::Quic),
        _ => {
            eprintln!("wanted: dist {} N [--plain|--quic]", WORKLOADS.join("|"));
            return ExitCode::from(2);
        }
    };
    if !WORKLOADS.contains(&what.as_str()) || n.parse::<u32>().is_err() {
        eprintln!("wanted: dist {} N [--plain|--quic]; seen: {what} {n}", WORKLOADS.join("|"));
        return ExitCode::from(2);
    }
    match measure(what, n, way) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn measure(what: &str, n: &str, way: Way) -> Result<ExitCode, String> {
    let plain = way == Way::Plain;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let fardel = own.with_file_name("fardel");
    if what == JOIN {
        let count = n.parse().map_err(|_| format!("{n} is not a number of nodes"))?;
        return crate::join::measure(&fardel, count, plain).map(|()| ExitCode::SUCCESS);
    }
    let folder = Folder::new()?;
    let key = keygen(&fardel, &folder, plain)?;
    let mut node = Command::new(&fardel);
    let listen = if way == Way::Quic { "quic://127.0.0.1:0" } else { "127.0.0.1:0" };
    node.args(["node", "--name", "b", "--listen", listen]);
    secure(&mut node, key.as_deref());
    let node = node.stderr(Stdio::piped()).spawn().map_err(|error| format!("{}: {error}", fardel.display()))?;
    let mut node = Node(node);
    let address = listens_on(&mut node.0)?;
    let mut program = Command::new(&fardel);
    program.args(["run", "--connect", &address, "--name", "a"]);
    secure(&mut program, key.as_deref());
    let status = program.args([PROGRAM, what, n]).status().map_err(|error| error.to_string())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the key that nodes share; none for nodes without encryption.
pub(crate) fn keygen(fardel: &Path, folder: &Folder, plain: bool) -> Result<Option<PathBuf>, String> {
    if plain {
        return Ok(None);
    }
    let key = folder.0.join("cluster.key");
    let made = Command::new(fardel).args(["keygen", "shared"]).arg(&key).stdout(Stdio::null()).status();
    let is_made = made.map_err(|error| format!("{}: {error}", fardel.display()))?.success();
    if is_made { Ok(Some(key)) } else { Err("no key could be made".to_owned()) }
}

/// Gives a node its key, or has it do without.
pub(crate) fn secure(command: &mut Command, key: Option<&Path>) {
    match key {
        Some(key) => command.arg("--shared-key").arg(key),
        None => command.arg("--insecure"),
    };
}

/// The address that a node says it listens on; what it says afterwards is read by nobody and goes nowhere.
fn listens_on(node: &mut Child) -> Result<String, String> {
    let stderr = node.stderr.take().ok_or("the node has no standard error")?;
    let mut lines = BufReader::new(stderr).lines();
    while let Some(Ok(line)) = lines.next() {
        if let Some((_, address)) = line.split_once(" listens on ") {
            let address = address.to_owned();
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(address);
        }
    }
    Err("the node ended before it listened".to_owned())
}
