//! Who is let in.

use crate::process::{ANY_PORT, Node, Process, SHARED, SOON, folder, keygen, run_to_end};
use crate::programs::{TWICE, prints_42};
use crate::support::{self, Folder, seen};
use fardel_node::keys::{Pair, Validity};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, SystemTime};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The options of a node with the certificate that is made for a name.
fn certificate(name: &str) -> [String; 3] {
    [format!("--cert={name}.pem"), format!("--key={name}.key"), "--authority=authority.pem".to_owned()]
}

/// A folder with an authority, certificates for `one` and `main`, and a program.
fn certified() -> Folder {
    let folder = Folder::with(&[("a.fda", TWICE.as_bytes())]);
    keygen(folder.path(), &["authority"]);
    keygen(folder.path(), &["node", "one"]);
    keygen(folder.path(), &["node", "main"]);
    folder
}

/// Starts `a.fda` connected with a node that does not want it: status 1, and a reason.
#[track_caller]
fn is_refused(folder: &Folder, address: &str, options: &[&str], reason: &str) {
    let args = [&["run", "--connect", address, "--join-limit", "1000"], options, &["a.fda"]].concat();
    let (status, output, error) = Process::start(folder, &args).ends(SOON);
    assert_eq!((status, output.as_str()), (1, ""), "{error}");
    let told = error.starts_with("error: no connection to the cluster within 1s\n") && error.contains(reason);
    assert!(told && error.contains(address), "{reason:?} is not in {error:?}");
}

#[test]
fn certificates_of_one_authority_let_in() {
    for address in ANY_PORT {
        let folder = certified();
        let (one, main) = (certificate("one"), certificate("main"));
        let one = Node::start_at(address, &folder, "one", &one.each_ref().map(String::as_str));
        prints_42(run_to_end(&folder, &one, &main.each_ref().map(String::as_str)));
    }
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    for address in ANY_PORT {
        let (folder, other) = (certified(), certified());
        let (one, main) = (certificate("one"), certificate("main"));
        let one = Node::start_at(address, &folder, "one", &one.each_ref().map(String::as_str));
        is_refused(
            &other,
            &one.address,
            &main.each_ref().map(String::as_str),
            "issued by an authority that this node does not trust",
        );
        one.process.says("refused");
    }
}

#[test]
fn another_shared_key_is_refused() {
    for address in ANY_PORT {
        let (folder, other) = (folder(TWICE), folder(TWICE));
        let one = Node::start_at(address, &folder, "one", &SHARED);
        is_refused(&other, &one.address, &SHARED, "");
        one.process.says("refused");
    }
}

#[test]
fn nobody_at_the_address_is_told() {
    let folder = folder(TWICE);
    // The near end of a connection has a port where nobody listens, and that nobody else gets.
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let near = TcpStream::connect(listener.local_addr().expect("it has an address")).expect("it listens");
    let address = near.local_addr().expect("it has an address").to_string();
    is_refused(&folder, &address, &SHARED, "cannot be reached: Connection refused");
}

/// What a node says that does not start; the status is 2.
#[track_caller]
fn does_not_start(folder: &Folder, options: &[&str], wanted: &str) {
    let args = [&["node", "--name", "one", "--listen", "127.0.0.1:0"], options].concat();
    let (status, output, error) = Process::start(folder, &args).ends(SOON);
    assert!(status == 2 && output.is_empty() && error.contains(wanted), "{status}: {wanted:?} is not in {error:?}");
}

#[test]
fn an_expired_certificate_is_told_at_the_start() {
    let folder = Folder::with(&[]);
    let path = |name: &str| folder.path().join(name);
    keygen(folder.path(), &["authority"]);
    let authority = Pair::load(&path("authority.pem"), &path("authority.key")).expect("keygen made an authority");
    let now = SystemTime::now();
    let past = Validity { start: now - 2 * HOUR, end: now - HOUR };
    let expired = authority.issue("one", past).expect("a certificate may be of the past");
    expired.write(&path("one.pem"), &path("one.key")).expect("the files can be written");
    does_not_start(&folder, &certificate("one").each_ref().map(String::as_str), "expired");
}

#[test]
fn credentials_that_are_missing_or_wrong_are_told_at_the_start() {
    let folder = certified();
    keygen(folder.path(), &["shared", "cluster.key"]);
    let starts = |options: &[&str], wanted: &str| does_not_start(&folder, options, wanted);
    starts(&[], "error: there are no credentials: give --cert, --key and --authority, or --shared-key, or say --insecure");
    starts(&["--cert", "one.pem"], "belong together; missing: --key, --authority");
    starts(&["--shared-key", "cluster.key", "--cert", "one.pem"], "--shared-key stands in place of");
    starts(&["--shared-key", "cluster.key", "--insecure"], "--insecure is for nodes without credentials");
    starts(&["--shared-key", "none.key"], "none.key: cannot be read: No such file");
    starts(&["--shared-key", "one.pem"], "one.pem: ");
    starts(&["--cert=one.pem", "--key=main.key", "--authority=authority.pem"], "main.key: the private key does not belong");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(folder.path().join("cluster.key"), open).expect("the mode can be changed");
    starts(&["--shared-key", "cluster.key"], "run `chmod 600 cluster.key`");
}

#[test]
fn plaintext_is_for_this_host_alone() {
    let folder = folder(TWICE);
    let one = Node::start(&folder, "one", &["--insecure"]);
    prints_42(run_to_end(&folder, &one, &["--insecure"]));
    // An address for documents, which is none of this host.
    let foreign = "192.0.2.1:7001";
    let starts = |options: &[&str], wanted: &str| {
        let args = [&["node", "--insecure"], options].concat();
        let (status, _, error) = Process::start(&folder, &args).ends(SOON);
        assert!(status == 2 && error.contains(wanted), "{status}: {wanted:?} is not in {error:?}");
    };
    starts(&["--listen", foreign], "192.0.2.1:7001: plaintext is for loopback addresses alone");
    starts(&["--join", foreign], "192.0.2.1:7001: plaintext is for loopback addresses alone");
    starts(&["--listen", foreign, "--force"], "192.0.2.1:7001: cannot be listened on");
}

#[test]
fn keygen_writes_over_nothing() {
    let folder = Folder::with(&[]);
    let made = |args: &[&str]| seen(&support::run(folder.path(), &[&["keygen"], args].concat(), b""));
    let content = |path: &str| std::fs::read(folder.path().join(path)).expect("keygen made the file");
    let (status, _, error) = made(&["node", "one"]);
    assert!(status == 2 && error.contains("make the authority first: fardel keygen authority"), "{error}");
    for (args, files) in [
        (&["authority"][..], &["authority.pem", "authority.key"][..]),
        (&["node", "one"], &["one.pem", "one.key"]),
        (&["shared"], &["cluster.key"]),
    ] {
        let listed: String = files.iter().map(|file| format!("{file}\n")).collect();
        assert_eq!(made(args), (0, listed, String::new()));
        let before: Vec<Vec<u8>> = files.iter().map(|file| content(file)).collect();
        let (status, output, error) = made(args);
        assert!(status == 2 && output.is_empty() && error.contains("is there already"), "{error}");
        assert!(error.starts_with("error: ") && files.iter().any(|file| error.contains(file)), "{error}");
        assert_eq!(before, files.iter().map(|file| content(file)).collect::<Vec<_>>());
    }
    let (status, _, error) = made(&["node", "a/b"]);
    assert!(status == 2 && error.contains("a name is letters, digits"), "{error}");
    assert!(!Path::new(&folder.path().join("a")).exists());
}
