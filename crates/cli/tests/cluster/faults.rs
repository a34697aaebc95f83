//! Nodes that end, are killed, or stop for a while.

use crate::process::{ANY_PORT, Node, Process, SHARED, SOON, folder, run};
use nix::sys::signal::Signal;
use std::net::TcpListener;
use std::time::Duration;

/// Watches a fiber on node `one`, and prints why it ends.
pub(crate) const WATCH: &str = "host io.print(Text)
system Down
fn waiter()\n await_recv\n drop\n ret\nend
fn main()\n local far: Address\n push \"one\"\n spawn_on waiter\n cast Address\n store far\n load far\n monitor\n drop
 push \"watching\"\n call_host io.print\n await_type Down\n field Down.reason\n show\n call_host io.print\n ret\nend\n";

/// Sends numbers to a fiber on node `one`, which says whether each came once and in order. Some go before a line is read,
/// the others after it.
pub(crate) const COUNTING: &str = "host io.print(Text)
host io.read_line() -> Option<Text>
const FIRST = 100
const ALL = 20_000
fn receiver(parent: Address)\n local next: Int\n push 0\n store next
again:\n await_type Int\n load next\n ne\n jmp_if wrong\n load next\n push 1\n add\n tee next\n push ALL\n lt\n jmp_if again
 push \"in order\"\n load parent\n send\n ret
wrong:\n push \"out of order\"\n load parent\n send\n ret\nend
fn main()\n local far: Address\n local i: Int\n self\n push \"one\"\n spawn_on receiver\n cast Address\n store far\n push 0\n store i
first:\n load i\n load far\n send\n load i\n push 1\n add\n tee i\n push FIRST\n lt\n jmp_if first
 push \"sent some\"\n call_host io.print\n call_host io.read_line\n drop
again:\n load i\n load far\n send\n load i\n push 1\n add\n tee i\n push ALL\n lt\n jmp_if again
 await_type Text\n call_host io.print\n ret\nend\n";

#[test]
fn a_node_that_is_told_to_end_says_goodbye() {
    for address in ANY_PORT {
        let folder = folder(WATCH);
        let mut one = Node::start_at(address, &folder, "one", &SHARED);
        let two = Node::start_at(address, &folder, "two", &[&SHARED[..], &["--join", &one.address]].concat());
        two.process.says("connected");
        let mut program = run(&folder, &one, &SHARED);
        program.prints("watching");
        one.process.signal(Signal::SIGTERM);
        let (status, _, _) = one.process.ends(Duration::from_secs(1));
        assert_eq!(status, 0);
        assert!(two.process.says("node down").contains("name=\"one\""));
        // Who has said goodbye does not come back: there is nothing to wait for.
        let ended = program.ends(Duration::from_secs(5));
        assert_eq!(ended, (0, "watching\nNoConnection\n".to_owned(), String::new()));
    }
}

#[test]
fn a_program_is_interrupted_while_it_waits_for_a_connection_and_while_it_runs() {
    let folder =
        folder("host io.print(Text)\nfn main()\n push \"runs\"\n call_host io.print\n await_recv\n drop\n ret\nend\n");
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = silent.local_addr().expect("it has an address").to_string();
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let mut program = Process::start(&folder, &[&["run", "--connect", &address], &SHARED[..], &["a.fda"]].concat());
        let _connection = silent.accept().expect("it dials");
        program.signal(signal);
        assert_eq!(program.ends(Duration::from_secs(2)), (status, String::new(), String::new()));

        let one = Node::start(&folder, "one", &SHARED);
        let mut program = run(&folder, &one, &SHARED);
        program.prints("runs");
        program.signal(signal);
        assert_eq!(program.ends(Duration::from_secs(2)).0, status);
        assert!(one.process.says("node down").contains("name=\"main\""));
    }
}

#[test]
fn a_program_that_ends_says_goodbye() {
    for address in ANY_PORT {
        let source = "host io.print(Text)\nfn main()\n ret\nend\n";
        let folder = folder(source);
        let one = Node::start_at(address, &folder, "one", &SHARED);
        assert_eq!(run(&folder, &one, &SHARED).ends(SOON), (0, String::new(), String::new()));
        assert!(one.process.says("node down").contains("name=\"main\""));
    }
}

/// A node is killed, and a program that watches a fiber there hears of it.
fn killed(address: &str) {
    let folder = folder(WATCH);
    let one = Node::start_at(address, &folder, "one", &SHARED);
    let mut program = run(&folder, &one, &SHARED);
    program.prints("watching");
    one.process.signal(Signal::SIGKILL);
    assert_eq!(program.ends(SOON), (0, "watching\nNoConnection\n".to_owned(), String::new()));
}

#[test]
fn a_node_that_is_killed_is_lost_after_a_while() {
    killed(ANY_PORT[0]);
}

/// NOD7: a port that connections were on is free for the next start of a node, however it has ended.
#[test]
fn a_node_that_was_killed_starts_again_at_once_on_its_port() {
    let folder = folder(WATCH);
    for address in ANY_PORT {
        let mut one = Node::start_at(address, &folder, "one", &SHARED);
        for _ in 0..2 {
            let other = Node::start(&folder, "two", &[&SHARED[..], &["--join", &one.address]].concat());
            other.process.says("connected");
            let address = one.address.clone();
            one.process.signal(Signal::SIGKILL);
            one.process.ends(SOON);
            // The other side still has its end of the connection.
            one = Node::start_at(&address, &folder, "one", &SHARED);
            assert_eq!(one.address, address);
        }
    }
}

/// Over QUIC nobody tells that a process is gone: it is missed when it does not answer.
#[test]
fn a_node_that_is_killed_is_lost_over_quic_as_well() {
    killed(ANY_PORT[1]);
}

/// A node stops for a while, and goes on.
fn stopped(address: &str) {
    let folder = folder(COUNTING);
    let one = Node::start_at(address, &folder, "one", &SHARED);
    let mut program = run(&folder, &one, &SHARED);
    program.prints("sent some");
    one.process.signal(Signal::SIGSTOP);
    program.enter();
    // It is the time itself that is tested: the node does nothing while others send to it and ask whether it is there.
    std::thread::sleep(Duration::from_secs(3));
    one.process.signal(Signal::SIGCONT);
    assert_eq!(program.ends(SOON), (0, "sent some\nin order\n".to_owned(), String::new()));
}

#[test]
fn a_node_that_stops_for_a_while_loses_nothing() {
    stopped(ANY_PORT[0]);
}

#[test]
fn a_node_that_stops_for_a_while_loses_nothing_over_quic() {
    stopped(ANY_PORT[1]);
}

/// A program's last messages were lost when it ended while others were being written.
#[test]
fn what_a_program_sends_before_it_ends_arrives() {
    let source = "host io.print(Text)
    host io.error(Text)
    const ALL = 600
    fn receiver()\n local n: Int\n push 0\n store n
    again:\n await_type Text\n drop\n load n\n push 1\n add\n tee n\n push ALL\n lt\n jmp_if again
     push \"all came\"\n call_host io.print\n ret\nend
    fn main()\n local far: Address\n local i: Int\n local text: Text\n push \"one\"\n spawn_on receiver\n cast Address\n store far
     push \"0123456789\"\n store text\n push 0\n store i
    more:\n load text\n load text\n concat\n store text\n load i\n push 1\n add\n tee i\n push 6\n lt\n jmp_if more
     push 0\n store i
    again:\n load text\n load far\n send\n load i\n push 1\n add\n tee i\n push ALL\n lt\n jmp_if again\n ret\nend\n";
    let folder = folder(source);
    for address in ANY_PORT {
        let one = Node::start_at(address, &folder, "one", &SHARED);
        assert_eq!(run(&folder, &one, &SHARED).ends(SOON), (0, String::new(), String::new()));
        one.process.prints("all came");
    }
}
