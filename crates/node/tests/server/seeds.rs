//! Nodes to join that have names, or stand in a file.

use crate::support::{LONG, LOOPBACK, listening, run, settings, start};
use fardel_node::server::{Server, Settings};
use fardel_node::transport::{Lookup, Resolve};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A time in which a node that listens is found, on a busy machine, and after which one that is not there is given up.
const WHILE: Duration = Duration::from_millis(300);

/// Names that stand for what the test says, from one look to the next.
#[derive(Default, Debug)]
struct Names {
    answers: Mutex<Vec<io::Result<Vec<SocketAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    /// The answers, in order; the last one stays.
    fn of(answers: Vec<io::Result<Vec<SocketAddr>>>) -> Arc<Names> {
        Arc::new(Names { answers: Mutex::new(answers), asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics with it").clone()
    }
}

impl Resolve for Names {
    fn addresses<'a>(&'a self, host: &'a str, port: u16) -> Lookup<'a> {
        self.asked.lock().expect("no test panics with it").push(format!("{host}:{port}"));
        let mut answers = self.answers.lock().expect("no test panics with it");
        let answer = match answers.as_slice() {
            [Ok(last)] => Ok(last.clone()),
            [] | [Err(_)] => Err(unknown()),
            [..] => answers.remove(0),
        };
        Box::pin(async move { answer })
    }
}

fn unknown() -> io::Error {
    io::Error::other("nobody of that name")
}

/// The near end of a connection: its port is one where nobody listens, and that nobody else gets as long as it is there.
fn dead() -> (TcpStream, SocketAddr) {
    let listener = TcpListener::bind(LOOPBACK).expect("a port");
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let address = stream.local_addr().expect("an address");
    (stream, address)
}

async fn joining(name: &str, resolver: &Arc<Names>) -> Server {
    let joins = vec![name.parse().expect("a name and a port")];
    start(Settings { join: joins, ..settings("main") }).await.with_resolver(resolver.clone())
}

#[test]
fn a_name_is_looked_up_with_every_try_and_its_addresses_are_tried_in_turn() {
    run(async {
        let one = listening("one").await;
        let (_dead, dead) = dead();
        let names = Names::of(vec![Err(unknown()), Ok(vec![]), Ok(vec![dead, one.socket])]);
        let mut server = joining("one.example:7001", &names).await;
        assert!(server.joined(LONG).await, "{:?}", server.failures().collect::<Vec<_>>());
        assert_eq!(names.asked(), ["one.example:7001"; 3]);
        assert_eq!(server.failures().count(), 0);
    });
}

#[test]
fn a_name_that_leads_nowhere_is_told() {
    run(async {
        let (_dead, dead) = dead();
        for (answer, wanted) in [
            (Err(unknown()), "one.example:7001: cannot be looked up: nobody of that name".to_owned()),
            (Ok(vec![]), "one.example:7001: cannot be looked up: it has no address".to_owned()),
            (Ok(vec![dead]), format!("one.example:7001: {dead}: cannot be reached: ")),
        ] {
            let names = Names::of(vec![answer]);
            let mut server = joining("one.example:7001", &names).await;
            assert!(!server.joined(WHILE).await);
            let failures: Vec<&str> = server.failures().collect();
            assert!(matches!(failures.as_slice(), [failure] if failure.starts_with(&wanted)), "{failures:?}");
            assert!(1 < names.asked().len(), "it is tried again");
        }
    });
}

#[test]
fn among_the_addresses_of_a_name_a_node_passes_over_its_own() {
    run(async {
        let one = listening("one").await;
        let names = Names::of(vec![Ok(vec![])]);
        let join = vec!["all.example:7001".parse().expect("a name and a port")];
        let server = start(Settings { listen: vec![LOOPBACK.into()], join, ..settings("two") }).await;
        let own = server.addresses().first().expect("an address").socket;
        names.answers.lock().expect("no test panics with it").push(Ok(vec![own, one.socket]));
        let mut server = server.with_resolver(names.clone());
        assert!(server.joined(LONG).await, "{:?}", server.failures().collect::<Vec<_>>());
        let (_, other) = server.router().members().find(|(_, member)| member.name != "two").expect("it knows the other");
        assert_eq!(other.name, "one");
    });
}

/// A file of the test, which is gone when this is dropped.
struct JoinFile(PathBuf);

impl JoinFile {
    fn new(name: &str) -> JoinFile {
        JoinFile(std::env::temp_dir().join(format!("fardel-seeds-{name}-{}", std::process::id())))
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("the file can be written");
    }
}

impl Drop for JoinFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_names_nodes_and_is_read_again_with_every_try() {
    run(async {
        let file = JoinFile::new("again");
        let mut server = start(Settings { join_file: Some(file.0.clone()), ..settings("main") }).await;
        let failures = |server: &Server| server.failures().collect::<Vec<_>>().join("\n");
        assert!(!server.joined(WHILE).await);
        assert!(failures(&server).contains("cannot be read: "), "{}", failures(&server));
        file.write("# nobody yet\n\n");
        while !failures(&server).is_empty() {
            assert!(!server.joined(WHILE).await);
        }
    });
    run(async {
        let one = listening("one").await;
        let (_dead, dead) = dead();
        let file = JoinFile::new("changed");
        file.write(&format!("{dead}  # was here once\n"));
        let mut server = start(Settings { join_file: Some(file.0.clone()), ..settings("main") }).await;
        assert!(!server.joined(WHILE).await);
        let failures: Vec<&str> = server.failures().collect();
        assert!(matches!(failures.as_slice(), [failure] if failure.contains("cannot be reached")), "{failures:?}");
        file.write(&format!("{one} # is here\n"));
        assert!(server.joined(LONG).await, "{:?}", server.failures().collect::<Vec<_>>());
        assert_eq!(server.failures().count(), 0, "what is in the file no more is forgotten");
    });
}

#[test]
fn a_file_that_is_no_list_of_nodes_is_told_with_its_line() {
    run(async {
        let file = JoinFile::new("wrong");
        let long = "#".repeat(70_000);
        let many = "127.0.0.1:1\n".repeat(300);
        for (text, wanted) in [
            ("127.0.0.1:1\n\none\n", ": line 3: `one` is neither IP:PORT nor NAME:PORT"),
            (long.as_str(), ": more than 65536 bytes"),
            (many.as_str(), ": 300 nodes; wanted at most 256"),
        ] {
            file.write(text);
            let mut server = start(Settings { join_file: Some(file.0.clone()), ..settings("main") }).await;
            assert!(!server.joined(WHILE).await);
            let failures: Vec<&str> = server.failures().collect();
            assert!(matches!(failures.as_slice(), [failure] if failure.ends_with(wanted)), "{failures:?}");
        }
    });
}
