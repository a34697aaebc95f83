//! Fills the corpora with what the repository holds: `cargo run --manifest-path fuzz/Cargo.toml`.
//!
//! Each program of the examples, benchmarks and fixtures becomes a seed: as text for `assemble` and `syntax`, assembled for
//! the others; `generate` and `wire_link` get random bytes, the other targets of the wire the specification's examples. Dictionaries of their words go to `fuzz/corpus/assemble.dict` and
//! `fuzz/corpus/syntax.dict`.
//! `language` gets the sources of the language, with a dictionary of its own.
#![forbid(unsafe_code)]

use fardel_asm::{NoImports, assemble};
use fardel_bytecode::format::encode;
use fardel_bytecode::isa::INSTRUCTIONS;
use fardel_fuzz::check::without_lines;
use fardel_fuzz::choices::Choices;
use fardel_syntax::Kind;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const PROGRAMS: [&str; 3] = ["examples", "bench/programs", "crates/fardel/tests/instructions"];
/// Folders with programs of the language.
const LANGUAGE: [&str; 3] = ["crates/syntax/tests/samples", "crates/syntax/tests/errors", "crates/syntax/tests/format"];
/// Where sources of the language are.
const SOURCES: [&str; 4] = ["examples", "crates/lang/std", WRONG, "crates/syntax/tests/samples"];
const WRONG: &str = "crates/lang/tests/wrong";
const TARGETS: [&str; 12] = [
    "assemble",
    "decode",
    "generate",
    "operate",
    "packed",
    "run",
    "syntax",
    "language",
    "verify",
    "wire_frames",
    "wire_link",
    "wire_value",
];
/// Strings of random bytes, each longer than the one before it.
const NOISE_COUNT: u64 = 64;
const NOISE_STEP: u64 = 32;
/// Questions of operators.
const QUESTIONS: [&[u8]; 5] = [
    b"\xa7members",
    b"\x81\xa6fibers\x82\xa5start\x00\xa5limit\x05",
    b"\x81\xa7inspect\x81\xa5fiber\x81\xa4name\xa2kv",
    b"\x81\xa4kill\x82\xa5fiber\x81\xa2id\x92\x00\x01\xa6reason\xa4kill",
    b"\x81\xa4call\x83\xa2to\x81\xa4name\xa2kv\xa5value\xd9\x54{\"$type\":\"Ask\",\"reply\":{\"$reply\":\"token\"},\"to\":\
      {\"$reply\":\"address\"},\"items\":[1,1.5]}\xa7time_ms\x05",
];
const WORDS: [&str; 34] = [
    "fn ",
    "end\n",
    "local ",
    "type ",
    "object ",
    "sum ",
    "alias ",
    "const ",
    "host ",
    "import ",
    "export ",
    "handle ",
    "serve ",
    " receives ",
    "push ",
    "hash ",
    " as ",
    "var ",
    "@was(",
    "@json(",
    " -> ",
    "Int",
    "Float",
    "Text",
    "Any",
    "Option<",
    "List<",
    "Map<",
    "Set<",
    "Array<Byte>",
    "Address",
    "null",
    "b\"",
    "\\u{",
];
const LANGUAGE_WORDS: [&str; 44] = [
    "fn ",
    "pub ",
    "type ",
    "const ",
    "test \"",
    "use ",
    "opaque ",
    "let ",
    "var ",
    "if ",
    "else ",
    "match ",
    "for ",
    " in ",
    "while ",
    "return ",
    "break",
    "continue",
    "spawn ",
    "receive {",
    "select {",
    "serve s = ",
    "after ",
    " receives ",
    "me",
    "self",
    " as ",
    "true",
    "None",
    "Some(",
    "Ok(",
    "Err(",
    " -> ",
    "${",
    "..=",
    "Int",
    "Float",
    "Text",
    "List<",
    "Map<Text, ",
    "Option<",
    "Address<",
    "Reply<",
    "@json(tag: \"t\")",
];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = root.join("fuzz/corpus");
    for target in TARGETS {
        fs::create_dir_all(corpus.join(target))?;
    }
    let mut count = 0;
    for folder in SOURCES {
        let prefix = folder.replace('/', "-");
        // Every seed is compiled before anything is tried; all wrong programs are by a test as well.
        let step = if folder == WRONG { 8 } else { 1 };
        for path in programs(&root.join(folder), "fdl")?.into_iter().step_by(step) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            fs::copy(&path, corpus.join("language").join(format!("{prefix}-{name}")))?;
            count += 1;
        }
    }
    for path in PROGRAMS.iter().map(|folder| programs(&root.join(folder), "fda")).collect::<io::Result<Vec<_>>>()?.concat() {
        let source = fs::read_to_string(&path)?;
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        fs::write(corpus.join("assemble").join(format!("{name}.fda")), &source)?;
        let Some(module) = assemble("seed", &source, &mut NoImports).module else { continue };
        fs::write(corpus.join("decode").join(format!("{name}.fdm")), encode(&module))?;
        for target in ["run", "verify"] {
            fs::write(corpus.join(target).join(format!("{name}.fdm")), without_lines(&module))?;
        }
        count += 1;
    }
    for length in 1..=NOISE_COUNT {
        let mut choices = Choices::new(length);
        let noise: Vec<u8> = (0..length * NOISE_STEP).map(|_| choices.bits() as u8).collect();
        fs::write(corpus.join("generate").join(format!("noise{length}")), &noise)?;
        fs::write(corpus.join("wire_link").join(format!("noise{length}")), noise)?;
    }
    for path in LANGUAGE.iter().map(|folder| programs(&root.join(folder), "fdl")).collect::<io::Result<Vec<_>>>()?.concat() {
        fs::copy(&path, corpus.join("syntax").join(path.file_name().unwrap_or_default()))?;
        count += 1;
    }
    let words = Kind::SIGNS.iter().chain(Kind::KEYWORDS).map(|(_, word)| format!("\"{word} \"\n"));
    fs::write(corpus.join("syntax.dict"), words.collect::<String>())?;
    wire_examples(&root, &corpus)?;
    for (at, question) in QUESTIONS.iter().enumerate() {
        fs::write(corpus.join("operate").join(format!("question{at}")), question)?;
    }
    let words =
        WORDS.iter().map(|word| word.to_string()).chain(INSTRUCTIONS.iter().map(|info| format!("{} ", info.mnemonic)));
    let quoted = |word: String| format!("\"{}\"\n", word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\x0a"));
    fs::write(corpus.join("assemble.dict"), words.map(quoted).collect::<String>())?;
    fs::write(
        corpus.join("language.dict"),
        LANGUAGE_WORDS.iter().map(|word| quoted((*word).to_owned())).collect::<String>(),
    )?;
    println!("{count} programs are seeds in fuzz/corpus");
    Ok(())
}

/// The examples of the specification of the wire, frames and values.
fn wire_examples(root: &Path, corpus: &Path) -> io::Result<()> {
    let text = fs::read_to_string(root.join("docs/spec/wire.md"))?;
    for block in text.split("```hex name=").skip(1) {
        let mut lines = block.lines().take_while(|line| *line != "```");
        let name = lines.next().unwrap_or_default();
        let digits = lines.flat_map(|line| line.split(';').next().unwrap_or_default().split_whitespace());
        let mut bytes: Vec<u8> = digits.filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        let target = match name.split_once('-') {
            Some(("frame", _)) => "wire_frames",
            Some(("packed", _)) => "packed",
            _ => "wire_value",
        };
        match target {
            // In one piece.
            "wire_frames" => bytes.insert(0, u8::MAX),
            // Any.
            "packed" => bytes.insert(0, fardel_bytecode::types::ANY.0 as u8),
            _ => {}
        }
        fs::write(corpus.join(target).join(name), bytes)?;
    }
    Ok(())
}

fn programs(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    paths.sort();
    Ok(paths)
}
