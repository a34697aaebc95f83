//! Measures what comes before a run, on the programs of `bench/programs`, on one large module made of them, and
//! on the generator's worst case for the verifier:
//! assembling in megabytes of text a second, decoding and verifying in megabytes of module a second.
//!
//! **Invariant:** each stage is timed alone; what it needs is made before its clock starts.

use fardel_asm::{NoImports, assemble};
use fardel_bytecode::format::{decode, encode};
use fardel_bytecode::generate::costly;
use fardel_bytecode::module::Module;
use fardel_bytecode::verify::verify;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a stage is repeated; the best round counts, as it is the least disturbed one.
const STAGE_TIME: Duration = Duration::from_millis(1500);
/// Bytes of code that the large module has at least.
const LARGE_CODE_BYTES: usize = 4 << 20;

/// Measures every stage.
pub(crate) fn run() {
    let texts = texts();
    let modules: Vec<Module> = texts.iter().map(|(name, text)| module(name, text)).collect();
    println!("{:<24} {:>10} {:>10}", "stage", "bytes", "MB/s");
    let text_bytes = texts.iter().map(|(_, text)| text.len()).sum();
    measure(
        "assemble, programs",
        text_bytes,
        || (),
        |()| {
            for (name, text) in &texts {
                black_box(assemble(name, text, &mut NoImports));
            }
        },
    );
    stages("programs", &modules);
    let largest = modules.iter().max_by_key(|module| code_bytes(module)).expect("there are programs");
    stages("one large", &[repeated(largest)]);
    stages("worst case", &[costly(LARGE_CODE_BYTES)]);
}

/// The programs in the order of their names.
fn texts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry of the folder can be read").path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "fda")).collect();
    paths.sort();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    paths.iter().map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), read(path))).collect()
}

fn module(name: &str, text: &str) -> Module {
    let assembled = assemble(name, text, &mut NoImports);
    let mut module = assembled.module.unwrap_or_else(|| panic!("{name} does not assemble"));
    // Debug lines are no part of what is verified.
    module.debug = None;
    module
}

fn code_bytes(module: &Module) -> usize {
    module.functions.iter().map(|function| function.code.len()).sum()
}

/// The module with its functions over and over, under other names; they go on calling the first ones.
fn repeated(module: &Module) -> Module {
    let mut large = module.clone();
    let rounds = LARGE_CODE_BYTES / code_bytes(module).max(1);
    for round in 0..rounds {
        large.functions.extend(module.functions.iter().cloned().map(|mut function| {
            function.name = format!("{}_{round}", function.name);
            function
        }));
    }
    large
}

fn stages(what: &str, modules: &[Module]) {
    let encoded: Vec<Vec<u8>> = modules.iter().map(encode).collect();
    let bytes = encoded.iter().map(Vec::len).sum();
    measure(
        &format!("decode, {what}"),
        bytes,
        || (),
        |()| {
            for bytes in &encoded {
                black_box(decode(bytes).expect("what was encoded decodes"));
            }
        },
    );
    measure(
        &format!("verify, {what}"),
        bytes,
        || modules.to_vec(),
        |modules| {
            for module in modules {
                black_box(verify(module).expect("the programs are sound"));
            }
        },
    );
}

/// Prints the best rate of many rounds of `stage`, which gets what `prepare` makes outside of the timed part.
fn measure<T>(name: &str, bytes: usize, prepare: impl Fn() -> T, stage: impl Fn(T)) {
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed() < STAGE_TIME {
        let input = prepare();
        let begin = Instant::now();
        stage(input);
        best = best.min(begin.elapsed());
    }
    println!("{name:<24} {bytes:>10} {:>10.1}", bytes as f64 / 1e6 / best.as_secs_f64());
}
