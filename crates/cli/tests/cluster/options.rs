//! Where the options of a node come from.

use crate::process::{Node, Process, SHARED, SOON, folder, run_to_end};
use crate::programs::{TWICE, prints_42};
use nix::sys::signal::Signal;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn a_file_holds_the_options() {
    let folder = folder(TWICE);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("the file can be written");
    let other = Node::start(&folder, "other", &SHARED);
    write("nodes", "# none\n");
    let file = format!(
        "name = \"one\"\nlisten = \"127.0.0.1:0\"\nadvertise = \"127.0.0.1:1\"\njoin = [\"{}\"]\njoin_file = \"nodes\"\nshared_key = \"cluster.key\"\n\
         insecure = false\nforce = false\nno_spawn = false\nno_code = false\ncompress = \"always\"\nlabel = [\"gpu\", \"eu\"]\n",
        other.address
    );
    write("node.toml", &file);
    let one = Node::of(Process::start(&folder, &["node", "--config", "node.toml"]), "one");
    other.process.says("name=\"one\"");
    prints_42(run_to_end(&folder, &one, &SHARED));
    // What stands on the command line goes before it.
    Node::of(Process::start(&folder, &["node", "--config", "node.toml", "--name", "two"]), "two");
    write(
        "certified.toml",
        "listen = \"127.0.0.1:0\"\ncert = \"one.pem\"\nkey = \"one.key\"\nauthority = \"authority.pem\"\n",
    );
    let refused = |file: &str, wanted: &str| {
        let (status, _, error) = Process::start(&folder, &["node", "--config", file]).ends(SOON);
        assert!(status == 2 && error.contains(file) && error.contains(wanted), "{status}: {wanted:?} is not in {error:?}");
    };
    let (status, _, error) = Process::start(&folder, &["node", "--config", "certified.toml"]).ends(SOON);
    assert!(status == 2 && error.contains("one.pem: cannot be read"), "{error}");
    write("unknown.toml", "lisen = \"127.0.0.1:0\"\n");
    refused("unknown.toml", "unknown field `lisen`");
    write("wrong.toml", "listen = 7001\n");
    refused("wrong.toml", "listen");
    refused("none.toml", "cannot read none.toml");
}

#[test]
fn the_environment_holds_the_options() {
    let folder = folder(TWICE);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fardel"));
    command.arg("node").current_dir(folder.path());
    command.env("FARDEL_NAME", "one").env("FARDEL_LISTEN", "127.0.0.1:0").env("FARDEL_SHARED_KEY", "cluster.key");
    command.env("FARDEL_LOG", "json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let one = Node::of(Process::of(command.spawn().expect("the binary starts")), "one");
    prints_42(run_to_end(&folder, &one, &SHARED));
    let line = one.process.says("\"connected\"");
    assert!(line.starts_with('{') && line.ends_with('}') && line.contains("\"name\":\"main\""), "{line}");
}

#[test]
fn a_node_without_a_way_to_others_does_not_start() {
    let folder = folder(TWICE);
    let seen_of = |args: &[&str]| Process::start(&folder, &[&["node"], &SHARED[..], args].concat()).ends(SOON);
    let refused = |args: &[&str], wanted: &str| {
        let (status, _, error) = seen_of(args);
        assert!(status == 2 && error.contains(wanted), "{status}: {wanted:?} is not in {error:?}");
    };
    refused(&[], "a node listens (--listen) or joins others (--join), or both");
    refused(&["--listen", "0.0.0.0:0"], "0.0.0.0:0 is every address of this host: say with --advertise");
    refused(&["--listen", "somewhere"], "somewhere");
    refused(&["--compress", "much"], "[possible values: auto, always, never]");
    refused(&["--join", "somewhere"], "`somewhere` is neither IP:PORT nor NAME:PORT");
    refused(&["--join", "http://somewhere:1"], "`http` is no way to a node: wanted `tcp` or `quic`");
    let one = Node::start(&folder, "one", &SHARED);
    refused(&["--listen", &one.address], "cannot be listened on: Address already in use");
}

#[test]
fn a_node_has_a_few_short_labels() {
    let folder = folder(TWICE);
    let long = "x".repeat(65);
    let many = vec!["x"; 17].join(",");
    let wrong = [
        (&*long, "a label of the node has 65 bytes; wanted 1 to 64"),
        ("gpu,", "a label of the node has 0 bytes; wanted 1 to 64"),
        (&*many, "the node has 17 labels; wanted at most 16"),
    ];
    for (labels, problem) in wrong {
        let args = [&["node", "--label", labels, "--listen", "127.0.0.1:0"], &SHARED[..]].concat();
        let (status, _, error) = Process::start(&folder, &args).ends(SOON);
        assert_eq!((status, error), (2, format!("error: {problem}\n")));
    }
}

#[test]
fn a_node_has_a_name_of_its_own() {
    let folder = folder(TWICE);
    let long = "x".repeat(256);
    for (name, bytes) in [("", 0), (long.as_str(), 256)] {
        let args = [&["node", "--name", name, "--listen", "127.0.0.1:0"], &SHARED[..]].concat();
        let (status, _, error) = Process::start(&folder, &args).ends(SOON);
        let wanted = format!("error: the name of the node has {bytes} bytes; wanted 1 to 255\n");
        assert_eq!((status, error), (2, wanted));
    }
    let one = Node::start(&folder, "one", &SHARED);
    let other = Node::start(&folder, "one", &[&SHARED[..], &["--join", &one.address]].concat());
    for node in [&one, &other] {
        node.process.says("another node has the name of this one");
    }
}

/// In plaintext it dialled itself again and again.
#[test]
fn a_node_that_is_to_join_itself_notices() {
    let folder = folder(TWICE);
    let free = Node::start(&folder, "one", &["--insecure"]);
    let address = free.address.clone();
    drop(free);
    let joining = ["node", "--name", "one", "--insecure", "--listen", &address, "--join", &address];
    let mut one = Node::of(Process::start(&folder, &joining), "one");
    one.process.says("does not connect to itself");
    std::thread::sleep(Duration::from_secs(1));
    one.process.signal(Signal::SIGTERM);
    let (status, _, log) = one.process.ends(SOON);
    // Both ends say so once.
    assert!(status == 0 && log.lines().filter(|line| line.contains("does not connect to itself")).count() == 2, "{log}");
}
