//! The commands that operate a cluster, as whoever runs it types them.

use crate::process::{Node, SHARED, folder, keygen};
use crate::support::{self, Folder, seen};
use serde_json::Value;

/// A store that answers requests and tells what it is sent.
const KV: &str = "host io.print(Text)
type Get { reply_to: Address, key: Text }
type Ask { reply: Ref, number: Int }
fn serve(greeting: Text, count: Int) receives Get, Ask, Text
    local message: Any
    local ask: Ask
    push \"kv\"
    self
    register Get
    drop
again:
    await_recv
    tee message
    is Ask
    jmp_if asked
    load message
    is Text
    jmp_if said
    load greeting
    load message
    cast Get
    field Get.reply_to
    send
    jmp again
said:
    load message
    cast Text
    call_host io.print
    jmp again
asked:
    load message
    cast Ask
    store ask
    load ask
    field Ask.number
    load count
    add
    load ask
    field Ask.reply
    reply
    jmp again
end
fn main()
    ret
end
";

/// What a command of an operator gives: status, standard output, standard error.
fn operate(folder: &Folder, node: &Node, credentials: &[&str], args: &[&str]) -> (i32, String, String) {
    let (command, rest) = args.split_first().expect("there is a command");
    let args = [&[*command, "--connect", &node.address], credentials, rest].concat();
    seen(&support::run(folder.path(), &args, b""))
}

/// What a command prints that does what it is to do.
#[track_caller]
fn shown(folder: &Folder, node: &Node, args: &[&str]) -> String {
    let (status, output, error) = operate(folder, node, &SHARED, args);
    assert_eq!((status, error.as_str()), (0, ""), "{args:?}");
    output
}

#[track_caller]
fn json(folder: &Folder, node: &Node, args: &[&str]) -> Value {
    let text = shown(folder, node, &[args, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// What is told on the standard error of a command that fails.
#[track_caller]
fn fails(folder: &Folder, node: &Node, args: &[&str], wanted: (i32, &str)) {
    let (status, output, error) = operate(folder, node, &SHARED, args);
    assert_eq!((status, output.as_str()), (wanted.0, ""), "{args:?}: {error}");
    assert!(error.contains(wanted.1), "{args:?}: {:?} is not in {error:?}", wanted.1);
}

/// The parts of each line.
fn table(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

fn cluster() -> (Folder, Node, Node) {
    let folder = folder(KV);
    let one = Node::start(&folder, "one", &SHARED);
    let two = Node::start(&folder, "two", &[&SHARED[..], &["--join", &one.address]].concat());
    one.process.says("name=\"two\"");
    (folder, one, two)
}

#[test]
fn a_cluster_is_operated_through_any_of_its_nodes() {
    let (folder, one, two) = cluster();
    let shown = |args: &[&str]| shown(&folder, &one, args);
    let nodes = shown(&["nodes"]);
    let rows = table(&nodes);
    assert_eq!(rows[0], ["NODE", "STATE", "ADDRESS", "LABELS", "INCARNATION", "ID"]);
    assert_eq!(rows[1][..3], ["one", "itself", &one.address]);
    assert_eq!(rows[2][..3], ["two", "connected", &two.address]);
    // Commands are guests of a cluster, not members.
    assert_eq!(rows.len(), 3);

    // Its code is shipped, and it runs on the node that is named.
    assert_eq!(shown(&["spawn", "--node", "two", "a.fda", "serve", "\"hi\"", "2"]), "two/0.1\n");
    let ps = shown(&["ps", "--node", "two"]);
    let rows = table(&ps);
    assert_eq!(rows[0], ["FIBER", "STATE", "MAILBOX", "MEMORY", "NAMES", "PLACE"]);
    assert_eq!((rows[1][..3].to_vec(), rows[1][5]), (vec!["two/0.1", "receiving", "0"], "kv"));
    assert_eq!(rows[1][6..], ["serve", "(a.fda:12)"]);
    assert_eq!(shown(&["ps"]).lines().count(), 1, "there is none on the other node");

    assert_eq!(shown(&["send", "two/kv", "\"a message\""]), "");
    two.process.prints("a message");
    let get = "{\"$type\": \"Get\", \"key\": \"x\", \"reply_to\": {\"$reply\": \"address\"}}";
    assert_eq!(shown(&["call", "two/kv", get]), "\"hi\"\n");
    let ask = "{\"$type\": \"Ask\", \"reply\": {\"$reply\": \"token\"}, \"number\": 40}";
    assert_eq!(shown(&["call", "--node", "two", "0.1", ask]), "42\n");

    let report = shown(&["inspect", "two/0.1"]);
    for part in ["state       receiving", "names       kv", "takes       Text | Get | Ask", "  serve (a.fda:12)"] {
        assert!(report.contains(part), "{part:?} is not in {report}");
    }
    assert_eq!(shown(&["kill", "two/kv"]), "");
    fails(&folder, &one, &["kill", "two/kv"], (1, "error: no fiber has the name `kv`\n"));
    fails(&folder, &one, &["inspect", "two/0.1"], (1, "error: there is no fiber 0.1, or it has ended\n"));
}

/// Starts fibers where there are labels, and tells on which node they are.
const PLACED: &str = "use node

fn work(to: Address<Text>) { to.send(node.here().name()) }

fn place(label: Text) receives Text {
  match spawn(on: Labelled(label), link: true, mailbox: 10) work(me) {
    Ok(_) -> receive { name -> print(\"${label}: ${name}\") }
    Err(why) -> print(why)
  }
}

pub fn main() receives Text {
  place(\"gpu\")
  place(\"disk\")
  place(\"main\")
  place(\"two\")
  for n in node.all() { if n.label(\"gpu\") { print(\"${n.name()} ${n.labels()}\") } }
}
";

#[test]
fn labels_are_shown_and_say_where_a_fiber_is_started() {
    let folder = Folder::with(&[("a.fdl", PLACED.as_bytes())]);
    keygen(folder.path(), &["shared", "cluster.key"]);
    let one = Node::start(&folder, "one", &[&SHARED[..], &["--label", "gpu", "--label", "eu"]].concat());
    let file = "label = [\"disk\", \"eu\"]\nshared_key = \"cluster.key\"\n";
    std::fs::write(folder.path().join("two.toml"), file).expect("the file can be written");
    let two = Node::start(&folder, "two", &["--config", "two.toml", "--join", &one.address]);
    one.process.says("name=\"two\"");
    let nodes = json(&folder, &two, &["nodes"]);
    let labels =
        |name: &str| nodes.as_array().expect("a list").iter().find(|row| row["name"] == name).map(|row| &row["labels"]);
    assert_eq!(labels("one"), Some(&Value::from(vec!["gpu", "eu"])), "{nodes}");
    assert_eq!(labels("two"), Some(&Value::from(vec!["disk", "eu"])), "{nodes}");
    assert_eq!(table(&shown(&folder, &one, &["nodes"]))[1][3], "gpu,eu");
    let args = [&["run", "--connect", &one.address, "--name", "main", "--label", "main"], &SHARED[..], &["a.fdl"]].concat();
    let (status, output, error) = seen(&support::run(folder.path(), &args, b""));
    let wanted = "gpu: one\ndisk: two\nmain: main\nNoNode(\"two\")\none [\"gpu\", \"eu\"]\n";
    assert_eq!((status, output.as_str()), (0, wanted), "{error}");
}

#[test]
fn answers_come_as_json() {
    let (folder, one, _two) = cluster();
    let json = |args: &[&str]| json(&folder, &one, args);
    let nodes = json(&["nodes"]);
    let states: Vec<&Value> = nodes.as_array().expect("a list").iter().map(|row| &row["state"]).collect();
    assert!(states.contains(&&Value::from("itself")) && states.contains(&&Value::from("connected")), "{nodes}");
    assert_eq!(json(&["spawn", "a.fda", "serve", "\"hi\"", "2"])["fiber"], "one/0.1");
    json(&["spawn", "a.fda", "serve", "\"hi\"", "2"]);
    let ps = json(&["ps", "--limit", "1"]);
    assert_eq!((&ps["node"], &ps["more"]), (&Value::from("one"), &Value::from(1)));
    assert_eq!(ps["fibers"][0]["fiber"], "one/0.1");
    assert_eq!(ps["fibers"][0]["place"]["line"], 12);
    let text = shown(&folder, &one, &["ps", "--limit", "1"]);
    assert!(text.ends_with("and 1 more; --limit says how many are listed\n"), "{text}");
    let report = json(&["inspect", "kv"]);
    assert_eq!((&report["fiber"], &report["takes"]), (&Value::from("one/0.1"), &Value::from("Text | Get | Ask")));
    assert_eq!(report["stack"][0]["function"], "serve");
    assert_eq!(json(&["send", "kv", "\"x\""])["done"], true);
    let get = "{\"$type\": \"Get\", \"key\": \"x\", \"reply_to\": {\"$reply\": \"address\"}}";
    assert_eq!(json(&["call", "kv", get])["reply"], "hi");
    assert_eq!(json(&["kill", "kv", "--reason", "shutdown"])["done"], true);
}

#[test]
fn what_is_wrong_is_told_with_a_status() {
    let (folder, one, _two) = cluster();
    let fails = |args: &[&str], wanted| fails(&folder, &one, args, wanted);
    shown(&folder, &one, &["spawn", "a.fda", "serve", "\"hi\"", "2"]);
    fails(&["ps", "--node", "three"], (1, "error: no node is known as `three`\n"));
    fails(&["inspect", "three/1.1"], (1, "error: no node is known as `three`\n"));
    fails(&["kill", "--node", "two", "one/1.1"], (2, "error: `one/1.1` is not on the node `two`\n"));
    fails(&["inspect", "7.1"], (1, "error: there is no fiber 7.1, or it has ended\n"));
    fails(&["send", "kv", "{"], (1, "error: this is not JSON: "));
    fails(&["send", "kv", "1"], (1, "takes Text | Get | Ask, not Int"));
    fails(&["send", "kv", "{\"$type\": \"Get\", \"kex\": 1}"], (1, "`Get` has no field `kex`; it has reply_to, key"));
    fails(&["call", "kv", "\"x\""], (1, "does not say where the reply goes"));
    let silent = "{\"$type\": \"Get\", \"$fields\": [{\"$address\": \"one/0.1\"}, \"x\"]}";
    fails(&["call", "kv", silent], (1, "does not say where the reply goes"));
    fails(&["spawn", "none.fda", "serve"], (2, "none.fda"));
    fails(&["spawn", "a.fda", "server"], (2, "error: a.fda has no function `server`\n"));
    fails(&["spawn", "a.fda", "serve", "1", "2"], (2, "error: `serve` takes Text, not Int"));
    fails(&["spawn", "a.fda", "serve", "x"], (2, "error: `x`: this is not JSON: "));
    let (status, _, error) = seen(&support::run(folder.path(), &["ps", "--connect", &one.address], b""));
    assert!(status == 2 && error.contains("there are no credentials"), "{error}");
    let (status, _, error) = seen(&support::run(folder.path(), &["ps"], b""));
    assert!(status == 2 && error.contains("--connect"), "{error}");
}

/// No reply within the time is a status, and the call leaves nothing behind.
#[test]
fn a_call_waits_no_longer_than_it_is_to() {
    let program = "fn main()\n  ret\nend\nfn deaf()\nagain:\n  await_recv\n  drop\n  jmp again\nend\n";
    let folder = folder(program);
    let one = Node::start(&folder, "one", &SHARED);
    assert_eq!(shown(&folder, &one, &["spawn", "a.fda", "deaf"]), "one/0.1\n");
    let call = ["call", "one/0.1", "[{\"$reply\": \"token\"}]", "--timeout", "100"];
    fails(&folder, &one, &call, (1, "error: no reply came in time\n"));
    assert_eq!(shown(&folder, &one, &["ps"]).lines().count(), 2);
}

fn certificate(name: &str) -> [String; 3] {
    [format!("--cert={name}.pem"), format!("--key={name}.key"), "--authority=authority.pem".to_owned()]
}

/// With certificates a role says who administers, by the name that the certificate proves.
#[test]
fn roles_say_who_may_do_what() {
    let folder = Folder::with(&[("a.fda", KV.as_bytes())]);
    for args in [&["authority"][..], &["node", "one"], &["node", "admin"], &["node", "guest"], &["node", "other"]] {
        keygen(folder.path(), args);
    }
    let file = "cert = \"one.pem\"\nkey = \"one.key\"\nauthority = \"authority.pem\"\n\
        [roles.operator]\nadminister = true\nnodes = [\"admin\"]\n\
        [roles.guest]\nadminister = true\nspawn = false\ncode = false\nnodes = [\"guest\"]\n";
    std::fs::write(folder.path().join("one.toml"), file).expect("the file can be written");
    let one = Node::start(&folder, "one", &["--config", "one.toml"]);
    let ask = |name: &str, args: &[&str]| {
        let credentials = certificate(name);
        operate(&folder, &one, &credentials.each_ref().map(String::as_str), args)
    };
    let spawn = ["spawn", "a.fda", "serve", "\"hi\"", "2"];
    assert_eq!(ask("admin", &spawn), (0, "one/0.1\n".to_owned(), String::new()));
    // One without a role starts fibers, as members do, and does not administer.
    let (status, fiber, error) = ask("other", &spawn);
    assert!(status == 0 && fiber.starts_with("one/") && error.is_empty(), "{status} {fiber} {error}");
    let denied = (1, String::new(), "error: this node does not let you administer it\n".to_owned());
    for _ in 0..2 {
        assert_eq!(ask("other", &["ps"]), denied);
        assert_eq!(ask("other", &["kill", "one/kv"]), denied);
    }
    assert_eq!(ask("admin", &["ps"]).1.lines().count(), 3);
    assert_eq!(ask("guest", &["ps"]).1.lines().count(), 3);
    assert_eq!(ask("guest", &spawn), (1, String::new(), "error: this node starts no fibers for it\n".to_owned()));
    one.process.says("denied: it may not administer this node");
    one.process.says("denied: it may not start fibers");
    let log = one.process.log();
    assert_eq!(log.matches("may not administer").count(), 1, "{log}");
}

#[test]
fn roles_that_make_no_sense_are_told_at_the_start() {
    let folder = folder(KV);
    let starts = |roles: &str, wanted: &str| {
        std::fs::write(folder.path().join("node.toml"), roles).expect("the file can be written");
        let args = ["node", "--config", "node.toml", "--listen", "127.0.0.1:0", "--shared-key", "cluster.key"];
        let (status, _, error) = seen(&support::run(folder.path(), &args, b""));
        assert!(status == 2 && error.contains(wanted), "{status}: {wanted:?} is not in {error:?}");
    };
    starts("default_role = \"none\"\n", "the default role `none` is none of the roles");
    starts("[roles.a]\nnodes = [\"x\"]\n", "only certificates prove which node a peer is");
    starts("[roles.a]\nsend = \"some\"\n", "unknown variant `some`");
    starts("[roles.a]\nmay = true\n", "unknown field `may`");
}
