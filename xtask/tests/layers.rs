//! Which crate may know which: the arrows of ARCHITECTURE.md, read from the manifests.
//!
//! **Invariant:** every crate of the workspace has a row; a crate without one fails the test.

use std::collections::{BTreeMap, BTreeSet};
use toml::Table;

/// What one crate may depend on.
struct Layer {
    name: &'static str,
    /// Crates of the workspace.
    inside: &'static [&'static str],
    /// Crates of the workspace for its tests alone.
    inside_for_tests: &'static [&'static str],
    /// Crates from outside.
    outside: Outside,
}

/// Crates from outside that a layer may use.
enum Outside {
    /// These and no others: the deterministic core, and what must work with the standard library alone.
    Only(&'static [&'static str]),
    /// Any that `deny.toml` lets in.
    Any,
}

/// From the bottom up. The first four are the deterministic core: no crate that does input or output, starts threads,
/// reads a clock or is async may stand there.
const LAYERS: &[Layer] = &[
    Layer {
        name: "fardel-bytecode",
        inside: &[],
        inside_for_tests: &[],
        outside: Outside::Only(&["blake3", "hashbrown", "rustc-hash", "smallvec", "thiserror"]),
    },
    Layer {
        name: "fardel-vm",
        inside: &["fardel-bytecode"],
        inside_for_tests: &["fardel-asm"],
        outside: Outside::Only(&["hashbrown", "libm", "rustc-hash", "smallvec", "thiserror"]),
    },
    Layer {
        name: "fardel-wire",
        inside: &["fardel-bytecode", "fardel-vm"],
        inside_for_tests: &[],
        outside: Outside::Only(&["blake3", "hashbrown", "lz4_flex", "rustc-hash", "smallvec", "thiserror"]),
    },
    Layer { name: "fardel-diagnostic", inside: &[], inside_for_tests: &[], outside: Outside::Only(&["annotate-snippets"]) },
    Layer {
        name: "fardel-asm",
        inside: &["fardel-bytecode", "fardel-diagnostic"],
        inside_for_tests: &[],
        outside: Outside::Only(&["thiserror"]),
    },
    Layer {
        name: "fardel-syntax",
        inside: &["fardel-diagnostic"],
        inside_for_tests: &[],
        outside: Outside::Only(&["logos", "rowan"]),
    },
    Layer {
        name: "fardel-lang",
        inside: &["fardel-bytecode", "fardel-diagnostic", "fardel-asm", "fardel-syntax"],
        inside_for_tests: &[],
        outside: Outside::Only(&["rustc-hash"]),
    },
    Layer {
        name: "fardel",
        inside: &["fardel-bytecode", "fardel-asm", "fardel-lang", "fardel-vm"],
        inside_for_tests: &["fardel-syntax"],
        outside: Outside::Only(&["blake3", "serde", "thiserror", "toml"]),
    },
    Layer {
        name: "fardel-cluster",
        inside: &["fardel-bytecode", "fardel-vm", "fardel-wire"],
        inside_for_tests: &["fardel-asm", "fardel-sim"],
        outside: Outside::Only(&["bytes", "foca", "rand_core", "rmp-serde", "serde", "serde_json", "thiserror"]),
    },
    Layer {
        name: "fardel-sim",
        inside: &["fardel-vm", "fardel-wire", "fardel-cluster"],
        inside_for_tests: &[],
        outside: Outside::Only(&[]),
    },
    Layer {
        name: "fardel-node",
        inside: &["fardel-bytecode", "fardel-vm", "fardel", "fardel-wire", "fardel-cluster"],
        inside_for_tests: &[],
        outside: Outside::Any,
    },
    Layer {
        name: "fardel-cli",
        inside: &["fardel-bytecode", "fardel-asm", "fardel-vm", "fardel", "fardel-cluster", "fardel-sim", "fardel-node"],
        inside_for_tests: &[],
        outside: Outside::Any,
    },
    Layer {
        name: "fardel-bench",
        inside: &["fardel-bytecode", "fardel-asm", "fardel-vm", "fardel"],
        inside_for_tests: &[],
        outside: Outside::Any,
    },
    Layer {
        name: "xtask",
        inside: &["fardel-bytecode", "fardel-asm", "fardel-syntax", "fardel-vm", "fardel"],
        inside_for_tests: &[],
        outside: Outside::Any,
    },
];

/// The manifests of the workspace's crates by package name.
fn manifests() -> BTreeMap<String, Table> {
    let root = xtask::root();
    let crates = std::fs::read_dir(root.join("crates")).expect("the folder `crates` can be read");
    let crates = crates.map(|entry| entry.expect("an entry of `crates` can be read").path());
    let folders = crates.chain([root.join("xtask"), root.join("bench")]);
    let manifest = |folder: std::path::PathBuf| {
        let path = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let table: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = table["package"]["name"].as_str().expect("a package has a name").to_owned();
        (name, table)
    };
    folders.map(manifest).collect()
}

/// The packages that a manifest names in `section`, also for single targets.
fn dependencies(manifest: &Table, section: &str) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let targets = targets.into_iter().flat_map(|targets| targets.values()).filter_map(|target| target.as_table());
    let mut names = BTreeSet::new();
    for table in targets.chain([manifest]) {
        let Some(section) = table.get(section).and_then(|section| section.as_table()) else { continue };
        for (key, value) in section {
            // A dependency may be renamed; what counts is the package.
            names.insert(value.get("package").and_then(|name| name.as_str()).unwrap_or(key).to_owned());
        }
    }
    names
}

/// The dependencies that `layer` has in `sections` and may not have.
fn forbidden(layer: &Layer, manifest: &Table, sections: &[&str], for_tests: bool) -> Vec<String> {
    let is_inside = |name: &str| LAYERS.iter().any(|layer| layer.name == name);
    let allowed = |name: &str| {
        if is_inside(name) {
            layer.inside.contains(&name) || (for_tests && layer.inside_for_tests.contains(&name))
        } else {
            for_tests
                || match layer.outside {
                    Outside::Only(names) => names.contains(&name),
                    Outside::Any => true,
                }
        }
    };
    let names = sections.iter().flat_map(|section| dependencies(manifest, section));
    names.filter(|name| !allowed(name)).map(|name| format!("{} -> {name}", layer.name)).collect()
}

#[test]
fn crates_depend_only_on_what_their_layer_may_know() {
    let manifests = manifests();
    let arrows = |layer: &Layer| forbidden(layer, &manifests[layer.name], &["dependencies", "build-dependencies"], false);
    let wrong: Vec<String> = LAYERS.iter().flat_map(arrows).collect();
    assert!(wrong.is_empty(), "these arrows are not allowed, see LAYERS and ARCHITECTURE.md: {wrong:?}");
}

#[test]
fn tests_use_only_crates_that_do_not_stand_above_their_own() {
    let manifests = manifests();
    let arrows = |layer: &Layer| forbidden(layer, &manifests[layer.name], &["dev-dependencies"], true);
    let wrong: Vec<String> = LAYERS.iter().flat_map(arrows).collect();
    assert!(wrong.is_empty(), "these arrows are not allowed, see LAYERS: {wrong:?}");
}

#[test]
fn every_crate_of_the_workspace_has_a_layer() {
    let seen: BTreeSet<String> = manifests().into_keys().collect();
    let known: BTreeSet<String> = LAYERS.iter().map(|layer| layer.name.to_owned()).collect();
    assert_eq!(seen, known);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for (name, manifest) in manifests() {
        let takes = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(|value| value.as_bool());
        assert_eq!(takes, Some(true), "{name} has no `[lints] workspace = true`");
    }
}

#[test]
fn the_core_crates_share_one_list_of_what_they_may_not_name() {
    let read = |name: &str| {
        let path = xtask::root().join("crates").join(name).join("clippy.toml");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    assert_eq!(read("bytecode"), read("vm"), "crates/bytecode/clippy.toml and crates/vm/clippy.toml differ");
    assert_eq!(read("wire"), read("vm"), "crates/wire/clippy.toml and crates/vm/clippy.toml differ");
}
