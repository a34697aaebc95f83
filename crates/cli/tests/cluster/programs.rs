//! Programs that run on several nodes.

use crate::process::{ANY_PORT, Node, Process, SHARED, SOON, folder, run_to_end};

/// Starts a fiber on node `one`, which answers with 42, and prints that.
pub(crate) const TWICE: &str = "host io.print(Text)
fn twice(n: Int, parent: Address)\n load n\n push 2\n mul\n load parent\n send\n ret\nend
fn main()\n push 21\n self\n push \"one\"\n spawn_on twice\n cast Address\n drop\n await_recv\n show\n call_host io.print\n ret\nend\n";

/// As [`TWICE`], by way of node `two`, which starts the fiber on node `three`; so the answer comes from a node that main
/// has not spoken with.
const AROUND: &str = "host io.print(Text)
fn twice(n: Int, parent: Address)\n load n\n push 2\n mul\n load parent\n send\n ret\nend
fn hand_on(parent: Address)\n push 21\n load parent\n push \"three\"\n spawn_on twice\n cast Address\n drop\n ret\nend
fn main()\n self\n push \"two\"\n spawn_on hand_on\n cast Address\n drop\n await_recv\n show\n call_host io.print\n ret\nend\n";

const PRINTS_42: (i32, &str, &str) = (0, "42\n", "");

#[track_caller]
pub(crate) fn prints_42(seen: (i32, String, String)) {
    assert_eq!((seen.0, seen.1.as_str(), seen.2.as_str()), PRINTS_42);
}

#[test]
fn a_fiber_on_another_node_answers() {
    for address in ANY_PORT {
        let folder = folder(TWICE);
        let one = Node::start_at(address, &folder, "one", &SHARED);
        prints_42(run_to_end(&folder, &one, &SHARED));
        // The node has the code now, and is there for the next.
        prints_42(run_to_end(&folder, &one, &SHARED));
    }
}

#[test]
fn nodes_find_each_other_by_one_that_all_know() {
    for address in ANY_PORT {
        let folder = folder(AROUND);
        let one = Node::start_at(address, &folder, "one", &SHARED);
        let joining = [&SHARED[..], &["--join", &one.address]].concat();
        let (two, three) =
            (Node::start_at(address, &folder, "two", &joining), Node::start_at(address, &folder, "three", &joining));
        for node in [&two, &three] {
            node.process.says("connected");
        }
        // A program that can be dialled, and one that can not.
        prints_42(run_to_end(&folder, &one, &[&SHARED[..], &["--listen", address]].concat()));
        prints_42(run_to_end(&folder, &one, &SHARED));
    }
}

#[test]
fn a_program_can_be_the_node_that_others_join() {
    let source = "host io.print(Text)
    fn main()\n push 1000\n await_recv_until\n drop\n push \"done\"\n call_host io.print\n ret\nend\n";
    let folder = folder(source);
    let args = [&["run", "--listen", "127.0.0.1:0", "--name", "main"], &SHARED[..], &["a.fda"]].concat();
    let mut program = Process::start(&folder, &args);
    assert_eq!(program.ends(SOON), (0, "done\n".to_owned(), String::new()));
}

#[test]
fn a_node_listens_on_several_addresses() {
    let folder = folder(TWICE);
    let [tcp, quic] = ANY_PORT;
    let file = format!("shared_key = \"cluster.key\"\nlisten = [\"{tcp}\", \"{quic}\"]\n");
    std::fs::write(folder.path().join("node.toml"), file).expect("the file can be written");
    for options in [&["--config", "node.toml"][..], &[&SHARED[..], &["--listen", &[tcp, quic].join(",")]].concat()] {
        let mut one = Node::of(Process::start(&folder, &[&["node", "--name", "one"], options].concat()), "one");
        assert!(one.address.starts_with("127.0.0.1:"), "{}", one.address);
        prints_42(run_to_end(&folder, &one, &SHARED));
        let start = "node one listens on quic://";
        one.address = one.process.says(start).replace("node one listens on ", "");
        prints_42(run_to_end(&folder, &one, &SHARED));
    }
}

#[test]
fn nodes_find_each_other_by_names_of_hosts_and_by_a_file() {
    let folder = folder(AROUND);
    let one = Node::start(&folder, "one", &SHARED);
    let port = one.address.rsplit(':').next().expect("a port");
    std::fs::write(folder.path().join("nodes"), format!("localhost:{port}  # one\n")).expect("the file can be written");
    let two = Node::start(&folder, "two", &[&SHARED[..], &["--join", &format!("localhost:{port}")]].concat());
    // A port that is known before, to be told of.
    let free = Node::start(&folder, "three", &SHARED).address.replace("127.0.0.1", "localhost");
    let port = free.rsplit(':').next().expect("a port");
    let listening = ["node", "--name", "three", "--listen", &format!("127.0.0.1:{port}"), "--advertise", &free];
    let three = [&listening[..], &SHARED, &["--join-file", "nodes"]].concat();
    let three = Node::of(Process::start(&folder, &three), "three");
    for node in [&two, &three] {
        node.process.says("connected");
    }
    let args = [&["run", "--join-file", "nodes", "--name", "main"], &SHARED[..], &["a.fda"]].concat();
    prints_42(Process::start(&folder, &args).ends(SOON));
}

/// Each took over the connection of the other, some tens of times a second; later, those that still looked for the node
/// that had been at that address did.
#[test]
fn nodes_that_join_each_other_settle_on_one_connection() {
    let folder = folder(TWICE);
    let one = Node::start(&folder, "one", &SHARED);
    let two = Node::start(&folder, "two", &[&SHARED[..], &["--join", &one.address]].concat());
    two.process.says("connected");
    // The first one knew no address to join when it was started; this third one and the second now join each other.
    let address = two.address.clone();
    drop(two);
    let listening = ["node", "--name", "two", "--listen", &address, "--join", &one.address];
    let three = Node::start(&folder, "three", &[&SHARED[..], &["--join", &address]].concat());
    let joining = [&listening[..], &SHARED, &["--join", &three.address]].concat();
    let two = Node::of(Process::start(&folder, &joining), "two");
    three.process.says("name=\"two\"");
    std::thread::sleep(std::time::Duration::from_secs(2));
    two.process.signal(nix::sys::signal::Signal::SIGTERM);
    let mut two = two.process;
    let (status, _, log) = two.ends(SOON);
    let connections = log.lines().filter(|line| line.contains("connected") && line.contains("three")).count();
    assert!(status == 0 && (1..=4).contains(&connections), "{log}");
}

#[test]
fn a_node_that_starts_no_fibers_says_denied() {
    let source = "host io.print(Text)
    fn other()\n ret\nend
    fn main()\n push \"one\"\n spawn_on other\n cast (Text, Text)\n field (Text, Text).0\n call_host io.print\n ret\nend\n";
    let folder = folder(source);
    let one = Node::start(&folder, "one", &[&SHARED[..], &["--no-spawn"]].concat());
    let denied = (0, "denied\n".to_owned(), String::new());
    assert_eq!(run_to_end(&folder, &one, &SHARED), denied);
    // One that takes no code starts what it has, and it has nothing.
    let two = Node::start(&folder, "one", &[&SHARED[..], &["--no-code"]].concat());
    assert_eq!(run_to_end(&folder, &two, &SHARED), denied);
}
