//! Nodes on hosts of their own, as far as the network goes: two namespaces of Linux with a cable between them, which is
//! pulled out and put in again. Where nobody may make namespaces these tests say so, and test nothing.
#![cfg(target_os = "linux")]

use crate::faults::{COUNTING, WATCH};
use crate::process::{Node, Process, SHARED, folder};
use crate::support::Folder;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program takes at most, after all that is waited for.
const LONG: Duration = Duration::from_secs(40);
/// The addresses of the two ends, which nobody else sees.
const ADDRESSES: [&str; 2] = ["10.77.0.1", "10.77.0.2"];

/// Two namespaces, gone when this is dropped with all that is in them.
struct Hosts {
    names: [String; 2],
}

/// Runs `ip`; what it says when it cannot do that.
fn ip(args: &[&str]) -> Result<(), String> {
    let done = Command::new("ip").args(args).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    if done.status.success() { Ok(()) } else { Err(said) }
}

impl Hosts {
    /// Two hosts with a cable, or why there are none.
    fn new(test: &str) -> Result<Hosts, String> {
        let names = ["a", "b"].map(|side| format!("fardel-{test}-{}-{side}", std::process::id()));
        let hosts = Hosts { names };
        let [one, other] = hosts.names.each_ref().map(String::as_str);
        ip(&["netns", "add", one])?;
        ip(&["netns", "add", other])?;
        ip(&["link", "add", "eth0", "netns", one, "type", "veth", "peer", "name", "eth0", "netns", other])?;
        for (name, address) in [one, other].into_iter().zip(ADDRESSES) {
            ip(&["-n", name, "link", "set", "lo", "up"])?;
            ip(&["-n", name, "addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
            ip(&["-n", name, "link", "set", "eth0", "up"])?;
        }
        Ok(hosts)
    }

    /// A process on one of them.
    fn start(&self, at: usize, folder: &Folder, args: &[&str]) -> Process {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[at], env!("CARGO_BIN_EXE_fardel")]).args(args);
        command.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process::of(command.spawn().expect("it starts"))
    }

    /// Pulls the cable out, or puts it in again.
    fn cable(&self, state: &str) {
        ip(&["-n", &self.names[0], "link", "set", "eth0", state]).expect("the cable can be moved");
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            // One that was not made is not there.
            let _ = ip(&["netns", "del", name]);
        }
    }
}

/// A node on one host, and on the other a program that is connected over TCP and one that is over QUIC.
struct Scene {
    programs: [Process; 2],
    node: Node,
    hosts: Hosts,
    _folder: Folder,
}

/// The scene, when this host allows it.
fn scene(test: &str, program: &str) -> Option<Scene> {
    let hosts = match Hosts::new(test) {
        Ok(hosts) => hosts,
        Err(problem) => {
            println!("SKIPPED: this host makes no network namespaces: {problem}");
            return None;
        }
    };
    let folder = folder(program);
    let listen = format!("{}:7001,quic://{}:7001", ADDRESSES[0], ADDRESSES[0]);
    let node = hosts.start(0, &folder, &[&["node", "--name", "one", "--listen", &listen], &SHARED[..]].concat());
    let node = Node::of(node, "one");
    let programs = ["tcp", "quic"].map(|scheme| {
        let address = format!("{scheme}://{}:7001", ADDRESSES[0]);
        let run = ["run", "--connect", &address, "--name", scheme];
        hosts.start(1, &folder, &[&run, &SHARED[..], &["a.fda"]].concat())
    });
    Some(Scene { programs, node, hosts, _folder: folder })
}

/// ORD1, NOD3: a network that is cut for less than it takes to miss a node has lost nothing.
#[test]
fn a_session_goes_on_after_the_network_was_cut() {
    let Some(mut scene) = scene("heals", COUNTING) else { return };
    for program in &scene.programs {
        program.prints("sent some");
    }
    scene.hosts.cable("down");
    for program in &mut scene.programs {
        program.enter();
    }
    for name in ["name=\"tcp\"", "name=\"quic\""] {
        scene.node.process.says_all(&["node suspected", name]);
    }
    scene.hosts.cable("up");
    for program in &mut scene.programs {
        assert_eq!(program.ends(LONG), (0, "sent some\nin order\n".to_owned(), String::new()));
    }
}

/// ORD1: a network that is slow and loses some of what is sent loses nothing for those who send.
#[test]
fn a_network_that_loses_some_loses_nothing() {
    let Some(mut scene) = scene("lossy", COUNTING) else { return };
    for name in &scene.hosts.names {
        let lossy = ["-n", name, "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "10ms", "loss", "2%"];
        let made = Command::new("tc").args(lossy).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            println!("SKIPPED: the kernel of this host knows no `tc netem`, which loses what is sent");
            return;
        }
    }
    for program in &mut scene.programs {
        program.prints("sent some");
        program.enter();
        assert_eq!(program.ends(LONG), (0, "sent some\nin order\n".to_owned(), String::new()));
    }
}

/// MON3: and when it stays cut, what depends on it has `noconnection`.
#[test]
fn a_network_that_stays_cut_is_no_connection() {
    let Some(mut scene) = scene("stays", WATCH) else { return };
    for program in &scene.programs {
        program.prints("watching");
    }
    scene.hosts.cable("down");
    let cut = Instant::now();
    for program in &mut scene.programs {
        assert_eq!(program.ends(LONG), (0, "watching\nNoConnection\n".to_owned(), String::new()));
    }
    // A node that is suspected has some time to contradict.
    assert!(cut.elapsed() > Duration::from_secs(3), "lost after {:?}", cut.elapsed());
}
