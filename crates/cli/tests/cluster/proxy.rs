//! A proxy between nodes, which counts what passes.

use crate::process::{Node, Process, SHARED, SOON, folder};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Passes on what comes on one connection after another, as long as the test runs; gives where it listens, and the bytes
/// that went from the side that dialled.
fn proxy(node: &str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (node, count) = (node.to_owned(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(&node).expect("the node listens");
            let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
            pass(client, server, Arc::clone(&counted));
            pass(back.0, back.1, Arc::default());
        }
    });
    (address, count)
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: Arc<AtomicUsize>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        while let Ok(read) = from.read(&mut buffer)
            && let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty())
            && to.write_all(bytes).is_ok()
        {
            count.fetch_add(read, Ordering::SeqCst);
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Sends many texts that look alike to a fiber on node `one`.
const TEXTS: &str = "host io.print(Text)
const ALL = 500
fn receiver(parent: Address)\n local n: Int\n push 0\n store n
again:\n await_type Text\n drop\n load n\n push 1\n add\n tee n\n push ALL\n lt\n jmp_if again
 push \"all came\"\n load parent\n send\n ret\nend
fn main()\n local far: Address\n local i: Int\n local text: Text\n self\n push \"one\"\n spawn_on receiver\n cast Address\n store far
 push \"what is said \"\n store text\n push 0\n store i
more:\n load text\n load text\n concat\n store text\n load i\n push 1\n add\n tee i\n push 4\n lt\n jmp_if more
 push 0\n store i
again:\n load text\n load far\n send\n load i\n push 1\n add\n tee i\n push ALL\n lt\n jmp_if again
 await_type Text\n call_host io.print\n ret\nend\n";

#[test]
fn what_is_sent_is_compressed_when_both_sides_want_it() {
    let folder = folder(TEXTS);
    let bytes = |node: &str, program: &str| {
        let one = Node::start(&folder, "one", &[&SHARED[..], &["--compress", node]].concat());
        let (address, count) = proxy(&one.address);
        let connect = ["run", "--connect", &address.to_string(), "--name", "main", "--compress", program];
        let mut process = Process::start(&folder, &[&connect, &SHARED[..], &["a.fda"]].concat());
        assert_eq!(process.ends(SOON), (0, "all came\n".to_owned(), String::new()));
        count.load(Ordering::SeqCst)
    };
    let plain = bytes("auto", "never");
    let texts = 500 * 13 * 16;
    assert!(texts < plain, "{plain} bytes of {texts}");
    let packed = bytes("auto", "always");
    assert!(packed < texts / 3, "{packed} bytes of {texts}");
    for (node, program) in [("never", "always"), ("always", "never"), ("always", "auto")] {
        let sent = bytes(node, program);
        assert!(texts < sent, "node {node}, program {program}: {sent} bytes of {texts}");
    }
}
