//! How soon many nodes on this host know each other, and what they cost when nothing happens.
//!
//! Prints `nodes=`, `joined_ms=` from the start of the first process until each node has heard that each other one is up;
//! then, with a link between each two, `links=` of one node, `link_bytes=` of resident memory for each of them, and
//! `idle_cpu_percent=` of one core for all nodes together. The last three are read from `/proc`, and left out elsewhere.

use crate::dist::{Folder, Node, keygen, secure};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long the nodes may take.
const LIMIT: Duration = Duration::from_secs(120);
/// How long it is looked at what they do when nothing happens.
const IDLE: Duration = Duration::from_secs(10);
/// Ticks of a second in `/proc/PID/stat`, on every Linux.
const TICKS: f64 = 100.0;

/// Starts so many nodes, which join the first one, and measures.
///
/// # Errors
/// For people: what could not be started, or did not happen in time.
pub(crate) fn measure(fardel: &Path, count: usize, plain: bool) -> Result<(), String> {
    let folder = Folder::new()?;
    let key = keygen(fardel, &folder, plain)?;
    let (sender, ups) = channel();
    let start = Instant::now();
    let mut nodes: Vec<Node> = Vec::new();
    let mut first = String::new();
    let mut alone = None;
    for at in 0..count {
        let mut command = Command::new(fardel);
        command.args(["node", "--name", &format!("n{at}"), "--listen", "127.0.0.1:0"]);
        if !first.is_empty() {
            command.args(["--join", &first]);
        }
        secure(&mut command, key.as_deref());
        let node = command.stderr(Stdio::piped()).spawn().map_err(|error| format!("{}: {error}", fardel.display()))?;
        let mut node = Node(node);
        let stderr = node.0.stderr.take().ok_or("the node has no standard error")?;
        let (listens, address) = channel();
        let sender = sender.clone();
        std::thread::spawn(move || follow(stderr, &listens, &sender));
        if at == 0 {
            first = address.recv_timeout(LIMIT).map_err(|_| "the first node does not listen".to_owned())?;
            alone = Usage::of(node.0.id());
        }
        nodes.push(node);
    }
    wait_for_ups(&ups, count * (count - 1))?;
    println!("nodes={count}");
    println!("joined_ms={}", start.elapsed().as_millis());
    if let Some(alone) = alone {
        cost(&nodes, &alone)?;
    }
    Ok(())
}

/// Reads what a node says: tells where it listens, and each time that another one is up.
fn follow(stderr: ChildStderr, listens: &Sender<String>, ups: &Sender<()>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        // Nobody may want to know any more.
        if let Some((_, address)) = line.split_once(" listens on ") {
            let _ = listens.send(address.to_owned());
        } else if line.contains("node up") {
            let _ = ups.send(());
        }
    }
}

fn wait_for_ups(ups: &Receiver<()>, count: usize) -> Result<(), String> {
    let until = Instant::now() + LIMIT;
    for seen in 0..count {
        let left = until.saturating_duration_since(Instant::now());
        ups.recv_timeout(left)
            .map_err(|_| format!("within {LIMIT:?} nodes have heard {seen} of {count} times that one is up"))?;
    }
    Ok(())
}

/// What the links of the first node cost, and what all nodes do when nothing happens.
fn cost(nodes: &[Node], alone: &Usage) -> Result<(), String> {
    let Some(first) = nodes.first() else { return Ok(()) };
    let wanted = nodes.len() - 1;
    let until = Instant::now() + LIMIT;
    let linked = loop {
        let usage = Usage::of(first.0.id()).ok_or("a node has ended")?;
        if usage.sockets - alone.sockets >= wanted || Instant::now() > until {
            break usage;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let links = linked.sockets.saturating_sub(alone.sockets);
    println!("links={links}");
    if let Some(bytes) = linked.resident_bytes.saturating_sub(alone.resident_bytes).checked_div(links) {
        println!("link_bytes={bytes}");
    }
    let ticks =
        |nodes: &[Node]| nodes.iter().filter_map(|node| Usage::of(node.0.id())).map(|usage| usage.ticks).sum::<u64>();
    let before = ticks(nodes);
    std::thread::sleep(IDLE);
    let spent = ticks(nodes).saturating_sub(before) as f64 / TICKS;
    println!("idle_cpu_percent={:.1}", 100.0 * spent / IDLE.as_secs_f64());
    Ok(())
}

/// What a process uses.
struct Usage {
    resident_bytes: usize,
    sockets: usize,
    /// Time of the processor.
    ticks: u64,
}

impl Usage {
    /// That of a process, where the system says it.
    fn of(process: u32) -> Option<Usage> {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).ok();
        let status = read("status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: usize = resident.split_whitespace().next()?.parse().ok()?;
        // Behind the name of the command, which stands in brackets: the state, and eleven numbers before these.
        let stat = read("stat")?;
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?.map_while(Result::ok);
        let is_socket = |path: &std::path::PathBuf| path.to_string_lossy().starts_with("socket:");
        let sockets = files.filter_map(|file| std::fs::read_link(file.path()).ok()).filter(is_socket).count();
        Some(Usage { resident_bytes: kib << 10, sockets, ticks })
    }
}
