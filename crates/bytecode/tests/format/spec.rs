//! The examples of the specification are the modules that they say they are.

use crate::examples;
use fardel_bytecode::format::{decode, encode, hash};
use fardel_bytecode::module::Module;

const SPEC: &str = include_str!("../../../../docs/spec/module.md");
const FENCE: &str = "```";
const TAG: &str = "```fdm-example ";

/// An example as the specification has it.
struct Example {
    name: &'static str,
    hash: &'static str,
    bytes: Vec<u8>,
}

#[test]
fn every_example_is_its_module() {
    let (modules, written) = (examples::all(), written());
    let names = |of: &[&'static str]| of.join(" ");
    assert_eq!(
        names(&written.iter().map(|example| example.name).collect::<Vec<_>>()),
        names(&modules.iter().map(|(name, _)| *name).collect::<Vec<_>>()),
    );
    for (example, (_, module)) in written.iter().zip(&modules) {
        check(example, module);
    }
}

#[track_caller]
fn check(example: &Example, module: &Module) {
    assert_eq!(hex(&example.bytes), hex(&encode(module)), "bytes of example {}", example.name);
    assert_eq!(decode(&example.bytes).as_ref(), Ok(module), "module of example {}", example.name);
    assert_eq!(example.hash, hash(module).to_string(), "hash of example {}", example.name);
}

#[test]
fn hash_leaves_out_what_a_debugger_wants() {
    for (name, module) in examples::all() {
        let plain = Module { debug: None, ..module.clone() };
        assert_eq!(hash(&plain), hash(&module), "{name}");
        assert_eq!(hash(&plain).0, *blake3::hash(&encode(&plain)).as_bytes(), "{name}");
    }
}

fn written() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in SPEC.lines() {
        if let Some(name) = line.strip_prefix(TAG) {
            examples.push(Example { name, hash: "", bytes: Vec::new() });
            inside = true;
        } else if line == FENCE {
            inside = false;
        } else if inside {
            let example = examples.last_mut().expect("a fence is open");
            let (bytes, comment) = line.split_once(';').unwrap_or((line, ""));
            example.hash = comment.strip_prefix(" hash ").unwrap_or(example.hash);
            example.bytes.extend(bytes.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two digits")));
        }
    }
    examples
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}
