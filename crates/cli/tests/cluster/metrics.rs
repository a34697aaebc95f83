//! What a node tells those that watch it, over HTTP.

use crate::process::{Node, Process, SHARED, SOON, folder, run_to_end};
use crate::programs::{TWICE, prints_42};
use crate::support::Folder;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A node that tells its metrics, and where.
fn watched(folder: &Folder, name: &str, options: &[&str]) -> (Node, String) {
    let node = Node::start(folder, name, &[options, &["--metrics", "127.0.0.1:0"]].concat());
    let start = format!("node {name} tells its metrics on ");
    let line = node.process.says(&start);
    (node, line.trim_start_matches(&start).to_owned())
}

/// What comes back for some bytes, up to the end of the connection.
fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the port is open");
    stream.set_read_timeout(Some(SOON)).expect("there may be a time limit");
    // The node may have closed it already.
    let _ = stream.write_all(request.as_bytes());
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The status and body of an answer to a request.
#[track_caller]
fn request(address: &str, method: &str, path: &str) -> (String, String) {
    let text = exchange(address, &format!("{method} {path} HTTP/1.1\r\nHost: node\r\n\r\n"));
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?} is no answer"));
    let status = head.split(' ').nth(1).unwrap_or_default();
    (status.to_owned(), body.to_owned())
}

#[track_caller]
fn metric(address: &str, name: &str) -> u64 {
    let (status, text) = request(address, "GET", "/metrics");
    assert_eq!(status, "200");
    let line = text.lines().find(|line| line.split(' ').next() == Some(name));
    let value = line.and_then(|line| line.split(' ').nth(1)).and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not in {text}"))
}

#[test]
fn a_node_tells_its_counts() {
    let folder = folder(TWICE);
    let (one, at) = watched(&folder, "one", &SHARED);
    assert_eq!(metric(&at, "fardel_connections_total"), 0);
    prints_42(run_to_end(&folder, &one, &SHARED));
    one.process.says("node down");
    assert_eq!(metric(&at, "fardel_connections_total"), 1);
    assert_eq!(metric(&at, "fardel_fibers_started_total"), 1);
    assert!(metric(&at, "fardel_received_bytes_total") > 100 && metric(&at, "fardel_sent_bytes_total") > 100);
    assert!(metric(&at, "fardel_received_messages_total") > 0 && metric(&at, "fardel_sent_messages_total") > 0);
    // One that does not even speak TLS is refused.
    assert_eq!(metric(&at, "fardel_connections_refused_total"), 0);
    exchange(&one.address, "GET / HTTP/1.1\r\n\r\n");
    one.process.says("connection refused");
    assert_eq!(metric(&at, "fardel_connections_refused_total"), 1);
    assert_eq!(request(&at, "POST", "/metrics").0, "405");
    assert_eq!(request(&at, "GET", "/").0, "404");
}

#[test]
fn a_node_that_is_to_join_is_well_when_it_has() {
    let folder = folder(TWICE);
    let (one, at_one) = watched(&folder, "one", &SHARED);
    let (two, at_two) = watched(&folder, "two", &[&SHARED[..], &["--join", &one.address]].concat());
    two.process.says("name=\"one\"");
    let (status, body) = request(&at_two, "GET", "/health");
    let wanted = format!("{{\"status\":\"ok\",\"listens\":\"{}\",\"members\":2,\"connected\":1}}\n", two.address);
    assert_eq!((status.as_str(), body), ("200", wanted));
    assert_eq!(request(&at_one, "GET", "/health").0, "200");
    drop(one);
    two.process.says("the socket has ended");
    let (status, body) = request(&at_two, "GET", "/health");
    assert!(status == "503" && body.contains("\"status\":\"apart\""), "{status} {body}");
}

/// Silent and endless requests end by themselves, and others are answered meanwhile.
#[test]
fn a_slow_client_holds_up_nobody() {
    let folder = folder(TWICE);
    let (_one, at) = watched(&folder, "one", &SHARED);
    let silent: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(&at).expect("the port is open")).collect();
    let endless = exchange(&at, &format!("GET /health HTTP/1.1\r\nX: {}", "x".repeat(1 << 20)));
    assert!(!endless.starts_with("HTTP/1.1 200"), "{endless:?}");
    let asked = Instant::now();
    assert_eq!(request(&at, "GET", "/health").0, "200");
    assert!(asked.elapsed() < Duration::from_secs(4), "it waited for the others: {:?}", asked.elapsed());
    drop(silent);
}

#[test]
fn metrics_are_for_this_host_unless_others_are_let_read_them() {
    let folder = folder(TWICE);
    let starts = |options: &[&str], wanted: &str| {
        let args = [&["node", "--listen", "127.0.0.1:0"], &SHARED[..], options].concat();
        let (status, _, error) = Process::start(&folder, &args).ends(SOON);
        assert!(status == 2 && error.contains(wanted), "{status}: {wanted:?} is not in {error:?}");
    };
    // An address for documents, which is none of this host.
    starts(&["--metrics", "192.0.2.1:9464"], "192.0.2.1:9464: metrics are for loopback addresses alone");
    starts(&["--metrics", "192.0.2.1:9464", "--metrics-public"], "192.0.2.1:9464: metrics cannot be served there");
}
