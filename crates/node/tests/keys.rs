//! Keys and their files, as `fardel keygen` makes and a node loads them.

use fardel_node::keys::{Authority, Credentials, Identity, KeyError, Pair, SharedKey, Validity};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A new folder for the files of one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// A folder with an authority, `ca.pem` and `ca.key`, and a node of it, `node.pem` and `node.key`.
fn cluster(name: &str) -> PathBuf {
    let folder = folder(name);
    let now = SystemTime::now();
    let authority = Pair::authority("cluster", Validity::of_authority(now)).expect("an authority");
    authority.write(&folder.join("ca.pem"), &folder.join("ca.key")).expect("it is written");
    // As a later call of `keygen` does it.
    let authority = Pair::load(&folder.join("ca.pem"), &folder.join("ca.key")).expect("it is loaded");
    let node = authority.issue("node-1.example", Validity::of_node(now)).expect("a node");
    node.write(&folder.join("node.pem"), &folder.join("node.key")).expect("it is written");
    folder
}

/// The files of a node, by name.
fn load(folder: &Path, [certificate, key, authority]: [&str; 3]) -> Result<Credentials, KeyError> {
    let path = |name| folder.join(name);
    Credentials::load(&path(certificate), &path(key), &path(authority), SystemTime::now())
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the file is written");
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode is set");
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

/// The message of a failure, without the folder that the test is in.
#[track_caller]
fn message<T: std::fmt::Debug>(folder: &Path, result: Result<T, KeyError>) -> String {
    let error = result.expect_err("it fails");
    error.to_string().replace(&format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR), "")
}

#[test]
fn a_node_of_the_authority_is_loaded_with_the_identity_of_its_key() {
    let folder = cluster("identity");
    let credentials = load(&folder, ["node.pem", "node.key", "ca.pem"]).expect("the node is loaded");
    let again = Identity::load(&folder.join("node.pem"), &folder.join("node.key")).expect("once more");
    assert_eq!(credentials.identity.id(), again.id());
    let text = again.id().to_string();
    assert!(text.len() == 32 && text.chars().all(|c| c.is_ascii_hexdigit()), "{text} is not 32 digits");
}

#[test]
fn swapped_and_foreign_files_are_named_with_what_they_hold() {
    let folder = cluster("swapped");
    let other = cluster("swapped-other");
    for (from, to) in [("ca.pem", "other-ca.pem"), ("node.key", "other.key")] {
        std::fs::copy(other.join(from), folder.join(to)).expect("the file is copied");
    }
    write_private(&folder.join("empty"), "");
    let cut = std::fs::read_to_string(folder.join("node.key")).expect("the key is text");
    write_private(&folder.join("cut.key"), &cut[..cut.len() / 2]);
    let check = |files, wanted: &str| assert_eq!(message(&folder, load(&folder, files)), wanted);
    check(["node.key", "node.pem", "ca.pem"], "node.key: holds a private key where a certificate is wanted");
    check(["node.pem", "node.pem", "ca.pem"], "node.pem: holds a certificate where one private key is wanted");
    check(["node.pem", "node.key", "ca.key"], "ca.key: holds a private key where a certificate is wanted");
    check(["node.pem", "other.key", "ca.pem"], "other.key: the private key does not belong to the certificate in node.pem");
    check(["node.pem", "empty", "ca.pem"], "empty: holds nothing in PEM form where one private key is wanted");
    check(["empty", "node.key", "ca.pem"], "empty: holds nothing in PEM form where a certificate is wanted");
    check(["node.pem", "cut.key", "ca.pem"], "cut.key: is not PEM: a section has no line that ends it");
    let foreign = message(&folder, load(&folder, ["node.pem", "node.key", "other-ca.pem"]));
    let wanted = "node.pem: the certificate does not hold under the authority in other-ca.pem: \
        the certificate was issued by an authority that this node does not trust";
    assert_eq!(foreign, wanted);
    let leaf = message(&folder, load(&folder, ["node.pem", "node.key", "node.pem"]));
    assert!(leaf.starts_with("node.pem: the certificate does not hold under the authority in node.pem: "), "{leaf}");
    let missing = message(&folder, load(&folder, ["none.pem", "node.key", "ca.pem"]));
    assert!(missing.starts_with("none.pem: cannot be read: "), "{missing}");
}

#[test]
fn an_authority_is_no_node_and_a_node_no_authority() {
    let folder = cluster("roles");
    let error = message(&folder, load(&folder, ["ca.pem", "ca.key", "ca.pem"]));
    assert!(error.starts_with("ca.pem: the certificate does not hold under the authority in ca.pem: "), "{error}");
    let node = Pair::load(&folder.join("node.pem"), &folder.join("node.key")).expect("the files belong together");
    let error = message(&folder, node.issue("other", Validity::of_node(SystemTime::now())));
    assert_eq!(error, "node.pem: the certificate cannot be used: it is no authority's: it may not sign others");
}

#[test]
fn a_certificate_is_loaded_only_while_it_is_valid() {
    let folder = cluster("validity");
    let [certificate, key, authority] = ["node.pem", "node.key", "ca.pem"].map(|name| folder.join(name));
    let (now, year) = (SystemTime::now(), Duration::from_secs(365 * 24 * 60 * 60));
    for time in [now - year, now + year * 2] {
        let error = message(&folder, Credentials::load(&certificate, &key, &authority, time));
        assert!(error.starts_with("node.pem: the certificate does not hold under the authority in ca.pem: "), "{error}");
    }
    // A clock that is a little late is common.
    Credentials::load(&certificate, &key, &authority, now - Duration::from_secs(60)).expect("it is valid");
}

#[test]
fn files_are_never_written_over_and_a_half_of_a_pair_is_not_left() {
    let folder = cluster("exists");
    let pair = Pair::authority("other", Validity::of_authority(SystemTime::now())).expect("an authority");
    let before = std::fs::read(folder.join("ca.pem")).expect("the file is there");
    let error = message(&folder, pair.write(&folder.join("ca.pem"), &folder.join("new.key")));
    assert_eq!(error, "ca.pem: is there already, and keys are never written over: move it away or choose another name");
    assert_eq!(std::fs::read(folder.join("ca.pem")).expect("the file is there"), before);
    assert!(!folder.join("new.key").exists(), "the key was left without its certificate");
    let error = message(&folder, pair.write(&folder.join("new.pem"), &folder.join("ca.key")));
    assert!(error.starts_with("ca.key: is there already"), "{error}");
    assert!(!folder.join("new.pem").exists(), "the certificate was written without its key");
    let shared = SharedKey::generate().expect("a key");
    let error = message(&folder, shared.write(&folder.join("ca.key")));
    assert!(error.starts_with("ca.key: is there already"), "{error}");
}

#[cfg(unix)]
#[test]
fn secrets_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = cluster("modes");
    SharedKey::generate().expect("a key").write(&folder.join("shared")).expect("it is written");
    for name in ["ca.key", "node.key", "shared"] {
        let mode = std::fs::metadata(folder.join(name)).expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    for name in ["node.key", "shared"] {
        set_mode(&folder.join(name), 0o640);
    }
    let advice = |name| {
        format!(
            "{name}: holds a secret, but others than its owner have access (mode 0640, 0600 is wanted): run `chmod 600 {name}`"
        )
    };
    assert_eq!(message(&folder, load(&folder, ["node.pem", "node.key", "ca.pem"])), advice("node.key"));
    assert_eq!(message(&folder, SharedKey::load(&folder.join("shared"))), advice("shared"));
    // The certificate is no secret, so what it holds is told, not that others can read it.
    let swapped = message(&folder, load(&folder, ["node.pem", "node.pem", "ca.pem"]));
    assert_eq!(swapped, "node.pem: holds a certificate where one private key is wanted");
}

#[test]
fn a_shared_key_is_64_hexadecimal_digits() {
    let folder = folder("shared");
    let path = folder.join("shared");
    SharedKey::generate().expect("a key").write(&path).expect("it is written");
    let text = std::fs::read_to_string(&path).expect("it is text");
    assert!(text.len() == 65 && text.ends_with('\n'), "{} bytes", text.len());
    SharedKey::load(&path).expect("it is loaded");
    let malformed = [
        ("", "there are 0"),
        ("abc", "there are 3"),
        (&"a".repeat(63), "there are 63"),
        (&"a".repeat(65), "there are 65"),
        (&format!("{}g", "A".repeat(63)), "character 64 is none"),
        (&format!("{} {}", "a".repeat(32), "a".repeat(32)), "character 33 is none"),
        (&format!("0x{}", "a".repeat(62)), "character 2 is none"),
    ];
    for (text, fault) in malformed {
        write_private(&path, text);
        let wanted = format!("shared: the shared key is 64 hexadecimal digits, but {fault}");
        assert_eq!(message(&folder, SharedKey::load(&path)), wanted);
    }
    std::fs::write(&path, [0xff; 64]).expect("it is written");
    let wanted = "shared: the shared key is 64 hexadecimal digits, but the file is not text";
    assert_eq!(message(&folder, SharedKey::load(&path)), wanted);
}

#[test]
fn secrets_are_not_shown() {
    let text = "0123456789abcdef".repeat(4);
    let key = SharedKey::from_hex(&text, "a test").expect("a key");
    assert_eq!(format!("{key:?}"), "SharedKey(..)");
    let error = SharedKey::from_hex(&format!("{text}secret"), "a test").expect_err("too long").to_string();
    assert!(!error.contains("0123") && !error.contains("secret"), "{error}");
}

#[test]
fn a_file_that_is_too_long_is_not_read_to_its_end() {
    let folder = folder("long");
    let path = folder.join("long.pem");
    std::fs::write(&path, vec![b'-'; 2 << 20]).expect("it is written");
    let error = message(&folder, Authority::load(&path));
    assert_eq!(error, "long.pem: is longer than 1048576 bytes, which no file with keys is");
}

#[test]
fn names_and_validities_that_cannot_be_are_refused() {
    let now = SystemTime::now();
    let day = Duration::from_secs(24 * 60 * 60);
    let authority = Pair::authority("a", Validity::of_authority(now)).expect("the shortest name");
    authority.issue(&"x".repeat(63), Validity::of_node(now)).expect("the longest name");
    for name in ["", "-a", "a-", ".", "a..b", "a b", "a\n", "a/b", "\u{e4}", "*", &"x".repeat(64), &"\u{e4}".repeat(9999)] {
        let error = authority.issue(name, Validity::of_node(now)).expect_err("no name").to_string();
        assert!(error.starts_with("the name \"") && error.len() < 400, "{error}");
    }
    for (start, end) in [(now, now), (now, now - day), (SystemTime::UNIX_EPOCH - day, now)] {
        let error = authority.issue("a", Validity { start, end }).expect_err("no validity").to_string();
        assert!(error.starts_with("the validity of a certificate "), "{error}");
    }
    let far = Validity { start: now, end: now + day * 365 * 9000 };
    assert!(authority.issue("a", far).is_err(), "a certificate after the year 9999");
}
