//! The cluster that README.md shows, and the commands that operate it, work as they are written there, but for the ports, which the system chooses.

use crate::process::{Node, Process, SOON, keygen};
use crate::support::{Folder, root};

#[test]
fn the_cluster_by_hand_works() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("README.md can be read");
    let block =
        readme.split("```").find(|block| block.starts_with("sh\nfardel keygen")).expect("there is a cluster by hand");
    let folder = Folder::with(&[]);
    let mut addresses: Vec<(String, String)> = Vec::new();
    let mut nodes = Vec::new();
    let mut printed = Vec::new();
    for line in block.lines().skip(1) {
        let mut line = line.replace("examples/", &format!("{}/examples/", root().display()));
        addresses.iter().for_each(|(shown, address)| line = line.replace(shown, address));
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["fardel", "keygen", rest @ ..] => keygen(folder.path(), rest),
            ["fardel", "node", "--name", name, "--listen", shown, rest @ ..] => {
                nodes.push(Node::start(&folder, name, rest));
                addresses.extend(nodes.last().map(|node| ((*shown).to_owned(), node.address.clone())));
            }
            ["fardel", "run", ..] => printed.push(Process::start(&folder, &words[1..]).ends(SOON)),
            _ => panic!("what does {line:?} do?"),
        }
    }
    assert_eq!((nodes.len(), printed.len()), (3, 1));
    let (status, output, error) = &printed[0];
    assert!(*status == 0 && error.is_empty() && output.ends_with("all in all 6057 primes\n"), "{output} {error}");
    let block = readme.split("```").find(|block| block.starts_with("sh\nfardel nodes")).expect("the cluster is operated");
    let outputs: Vec<String> = block.lines().skip(1).map(|line| operate(&folder, line, &addresses)).collect();
    let [nodes, spawned, ps, inspected, sent, called, killed] = &outputs[..] else { panic!("{outputs:?}") };
    assert!(["one", "two", "three"].iter().all(|name| nodes.contains(name)), "{nodes}");
    let fiber = spawned.trim_end();
    assert!(fiber.starts_with("two/") && ps.contains(fiber) && inspected.contains(fiber), "{outputs:?}");
    assert_eq!((sent.as_str(), called.as_str(), killed.as_str()), ("", "42\n", ""));
}

/// What a command of README.md prints, whose parts in quotes are one word.
#[track_caller]
fn operate(folder: &Folder, line: &str, addresses: &[(String, String)]) -> String {
    let mut line = line.replace("examples/", &format!("{}/examples/", root().display()));
    addresses.iter().for_each(|(shown, address)| line = line.replace(shown, address));
    let parts = line.split('\'').enumerate();
    let words: Vec<&str> =
        parts.flat_map(|(at, part)| if at % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }).collect();
    let (status, output, error) = Process::start(folder, &words[1..]).ends(SOON);
    assert_eq!((status, error.as_str()), (0, ""), "{line}");
    output
}
