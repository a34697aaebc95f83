//! Sources that assemble: what the disassembler writes of them assembles to the same module.

use std::path::{Path, PathBuf};

use fardel_asm::{NoImports, assemble, disassemble};
use fardel_bytecode::isa::INSTRUCTIONS;
use fardel_bytecode::leb::Reader;
use fardel_bytecode::{Inst, Module, Opcode, format};

fn sources(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "fda"));
    found.sort();
    found
}

#[track_caller]
fn module(name: &str, source: &str) -> Module {
    let assembled = assemble(name, source, &mut NoImports);
    let told: Vec<String> = assembled.diagnostics.iter().map(|told| told.render(name, source, false)).collect();
    assembled.module.unwrap_or_else(|| panic!("{name} does not assemble\n{}\n{source}", told.join("\n")))
}

/// Without what text may differ in.
fn bare(mut module: Module) -> Module {
    module.debug = None;
    module
}

#[track_caller]
fn check_round_trip(name: &str, source: &str) {
    let first = module(name, source);
    let text = disassemble(&first).unwrap();
    if std::env::var_os("SHOW").is_some() {
        println!("{text}");
    }
    let second = module("disassembled", &text);
    assert_eq!(bare(first.clone()), bare(second.clone()), "{text}");
    assert_eq!(format::encode(&bare(first.clone())), format::encode(&bare(second.clone())), "{text}");
    let without_names = disassemble(&bare(first.clone())).unwrap();
    assert_eq!(bare(first), bare(module("without names", &without_names)), "{without_names}");
    assert_eq!(text, disassemble(&second).unwrap());
}

/// The instructions of a module's code.
fn opcodes(module: &Module) -> Vec<Opcode> {
    let mut found = Vec::new();
    for function in &module.functions {
        let mut reader = Reader::new(&function.code);
        while !reader.is_empty() {
            found.push(Inst::decode(&mut reader).unwrap().opcode());
        }
    }
    found
}

#[test]
fn one_source_holds_every_instruction() {
    let source = include_str!("roundtrip/instructions.fda");
    let found = opcodes(&module("instructions.fda", source));
    let missing = INSTRUCTIONS.iter().filter(|info| !found.contains(&info.opcode)).map(|info| info.mnemonic);
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "a new row needs a line in instructions.fda");
}

#[test]
fn accepted_sources_survive_disassembly() {
    for folder in ["tests/accepted", "tests/roundtrip", "../../examples", "../../bench/programs"] {
        for path in sources(folder) {
            let source = std::fs::read_to_string(&path).unwrap();
            check_round_trip(&path.display().to_string(), &source);
        }
    }
}

/// The example of the design guide, line by line.
const GUIDE: &str = "\
; spawn worker at label worker
push 42
push \"hello\"
spawn worker 2
; main continues
loop:
   send worker_actor_id  ; send a control message
   await_recv
   ; process reply
   yield
   jmp loop";

#[test]
fn the_guide_s_example_stands_in_main_as_it_is() {
    let source = include_str!("accepted/guide.fda");
    let (_, main) = source.split_once("fn main()\n").unwrap();
    let mut lines = main.lines();
    let mut others = Vec::new();
    for wanted in GUIDE.lines() {
        others.extend(lines.by_ref().take_while(|line| *line != wanted).map(str::trim));
    }
    assert_eq!(others, ["local worker_actor_id: Address", "store worker_actor_id", "self"]);
    assert_eq!(lines.collect::<Vec<_>>(), ["end"]);
    module("guide.fda", source);
}
