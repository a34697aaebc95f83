//! Connections that come and say nothing, in numbers: they are bounded in time and number, and others come through.

use crate::support::{LONG, accept, authority, certificates, closed, listen, nobody, node, plain, shared_key};
use fardel_node::transport::{ConnectError, Connector, Limits, Listener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A time that is over soon.
const SHORT: Duration = Duration::from_millis(100);

async fn stranger(listener: &Listener) -> TcpStream {
    TcpStream::connect(listener.local_address().socket).await.expect("the port is open")
}

#[tokio::test]
async fn who_stays_silent_is_dropped_when_the_time_is_over() {
    for security in [certificates(&node(&authority())), shared_key('a'), plain()] {
        let mut listener = listen(security, Limits { handshake: SHORT, ..Limits::default() }).await;
        let start = Instant::now();
        let mut stream = stranger(&listener).await;
        closed(&mut stream).await;
        assert!(SHORT <= start.elapsed(), "dropped after {:?}", start.elapsed());
        nobody(&mut listener).await;
    }
}

#[tokio::test]
async fn who_sends_a_byte_now_and_then_gets_no_more_time() {
    let mut listener = listen(plain(), Limits { handshake: SHORT, ..Limits::default() }).await;
    let mut stream = stranger(&listener).await;
    let dripping = async {
        for byte in b"fardel/1 plai".iter().cycle() {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(SHORT / 20).await;
        }
    };
    tokio::time::timeout(LONG, dripping).await.expect("the node closes the connection");
    nobody(&mut listener).await;
}

#[tokio::test]
async fn a_server_that_stays_silent_is_given_up_when_the_time_is_over() {
    let socket = TcpListener::bind(crate::support::LOOPBACK).await.expect("a port");
    let address = socket.local_addr().expect("an address");
    for security in [certificates(&node(&authority())), shared_key('a'), plain()] {
        let error = Connector::new(security).with_handshake(SHORT).connect(address).await.expect_err("no connection");
        assert!(matches!(error, ConnectError::TimedOut { limit: SHORT, .. }), "{error}");
    }
}

#[tokio::test]
async fn silent_connections_do_not_keep_a_node_out() {
    let security = certificates(&node(&authority()));
    let limits = Limits { half_open_max: 400, half_open_per_address_max: 400, ..Limits::default() };
    let mut listener = listen(security.clone(), limits).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(stranger(&listener).await);
    }
    let start = Instant::now();
    let connected = Connector::new(security).connect(listener.local_address()).await.expect("a node comes through");
    accept(&mut listener).await;
    assert!(start.elapsed() < Duration::from_secs(1), "it took {:?}", start.elapsed());
    drop((silent, connected));
}

/// NOD8: connections that say nothing, more than most hosts ever have, keep nobody out.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn ten_thousand_idle_connections_do_not_keep_a_node_out() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    const WANTED: u64 = 10_000;
    // Both ends are in this process, and the listener holds the few that it lets in.
    const BESIDES: u64 = 500;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the limit can be raised");
    let count = WANTED.min(hard.saturating_sub(BESIDES));
    if count < WANTED {
        println!("SKIPPED in part: {count} connections instead of {WANTED}, as a process may have {hard} files here");
    }
    let security = certificates(&node(&authority()));
    let mut listener = listen(security.clone(), Limits::default()).await;
    let address = listener.local_address();
    let mut held = Vec::new();
    // From one address, which is not the node's, and from many.
    for addresses in [1, 200] {
        let mut idle = Vec::new();
        for at in 0..count / 2 {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            let own = format!("127.0.1.{}:0", 1 + at % addresses);
            socket.bind(own.parse().expect("an address")).expect("a port");
            idle.push(socket.connect(address.socket).await.expect("the port is open"));
        }
        held.push(idle);
        let start = Instant::now();
        let connected = Connector::new(security.clone()).connect(address).await.expect("a node comes through");
        accept(&mut listener).await;
        assert!(start.elapsed() < Duration::from_secs(1), "it took {:?}", start.elapsed());
        drop(connected);
    }
}

#[tokio::test]
async fn when_there_are_too_many_one_is_dropped_at_once_and_places_come_back() {
    let of_address = Limits { half_open_per_address_max: 3, ..Limits::default() };
    let in_all = Limits { half_open_max: 3, ..Limits::default() };
    for (limits, is_oldest) in [(of_address, false), (in_all, true)] {
        let security = shared_key('a');
        let mut listener = listen(security.clone(), limits).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(stranger(&listener).await);
        }
        let start = Instant::now();
        let mut last = stranger(&listener).await;
        // Of one address the next one is, and else the oldest makes room for it.
        let dropped = if is_oldest { held.first_mut().expect("the oldest") } else { &mut last };
        assert_eq!(closed(dropped).await, [0_u8; 0]);
        assert!(start.elapsed() < limits.handshake / 2, "dropped after {:?}", start.elapsed());
        drop((held, last));
        let connector = Connector::new(security);
        let joining = async {
            // The node learns of the end of the others in its own time.
            while connector.connect(listener.local_address()).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, joining).await.expect("a place comes back");
        accept(&mut listener).await;
    }
}

#[tokio::test]
async fn who_came_through_waits_for_accept_and_is_not_lost() {
    let security = shared_key('a');
    let mut listener = listen(security.clone(), Limits::default()).await;
    let connector = Connector::new(security);
    let mut connected = Vec::new();
    for _ in 0..40 {
        connected.push(connector.connect(listener.local_address()).await.expect("a node comes through"));
    }
    for _ in 0..40 {
        accept(&mut listener).await;
    }
    nobody(&mut listener).await;
}

#[tokio::test]
async fn a_listener_that_is_dropped_ends_its_handshakes_and_keeps_what_was_taken() {
    let security = shared_key('a');
    let mut listener = listen(security.clone(), Limits::default()).await;
    let connected = Connector::new(security).connect(listener.local_address()).await.expect("a connection");
    let accepted = accept(&mut listener).await;
    let mut half_open = stranger(&listener).await;
    let start = Instant::now();
    drop(listener);
    closed(&mut half_open).await;
    assert!(start.elapsed() < Limits::default().handshake / 2, "it took {:?}", start.elapsed());
    crate::support::talk(connected, accepted).await;
}

#[tokio::test]
async fn a_flood_is_a_few_lines_in_the_log_and_each_names_an_address_and_a_reason() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let start = Instant::now();
    let listener = listen(shared_key('a'), Limits::default()).await;
    for _ in 0..100 {
        let mut stream = stranger(&listener).await;
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("it goes out");
        closed(&mut stream).await;
    }
    let lines = lines.0.lock().expect("no test panics with it").clone();
    let allowed = 1 + start.elapsed().as_secs();
    assert!(!lines.is_empty() && u64::try_from(lines.len()).is_ok_and(|count| count <= allowed), "{lines:#?}");
    let first = lines.first().expect("a line");
    assert!(first.starts_with("WARN connection refused: the peer does not speak TLS"), "{first}");
    assert!(first.contains(" address=127.0.0.1:") && first.contains(" count=1"), "{first}");
}

/// Keeps the lines of the log that this crate writes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("fardel_node")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = format!("{} {}{}", event.metadata().level(), fields.message, fields.others);
        self.0.lock().expect("no test panics with it").push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of one line.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.others.push_str(&format!(" {name}={value:?}")),
        }
    }
}
