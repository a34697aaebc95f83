//! Measures the assembler: megabytes of text a second on one core.
//!
//! `cargo run --release -p fardel-asm --example throughput -- FILE..` assembles a source made of many copies of the
//! functions in the given files, each copy under names of its own.

use std::time::Instant;

use fardel_asm::{NoImports, assemble, disassemble};

/// Bytes of text to assemble at once.
const TEXT_BYTES: usize = 16 << 20;
const ROUNDS: usize = 5;

fn main() {
    let sources: Vec<String> =
        std::env::args().skip(1).map(|path| std::fs::read_to_string(path).expect("the file can be read")).collect();
    let text = enlarge(&sources);
    let mut best = f64::MAX;
    let mut assembled = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let outcome = assemble("throughput", &text, &mut NoImports);
        best = best.min(start.elapsed().as_secs_f64());
        if let Some(first) = outcome.diagnostics.first() {
            println!("{}", first.render("throughput", &text, false));
            return;
        }
        assembled = outcome.module;
    }
    let megabytes = text.len() as f64 / 1e6;
    println!("assemble: {megabytes:.1} MB in {best:.3} s, {:.1} MB/s", megabytes / best);
    if let Some(module) = assembled {
        let start = Instant::now();
        let length = disassemble(&module).map_or(0, |text| text.len());
        let seconds = start.elapsed().as_secs_f64();
        println!("disassemble: {:.1} MB in {seconds:.3} s, {:.1} MB/s", length as f64 / 1e6, length as f64 / 1e6 / seconds);
    }
}

/// Repeats the functions of all sources under names of their own, behind the other items, which stand once.
fn enlarge(sources: &[String]) -> String {
    let (mut items, mut functions) = (String::new(), Vec::new());
    for (file, source) in sources.iter().enumerate() {
        let names: Vec<&str> = source.lines().filter_map(function_name).collect();
        let mut body: Option<String> = None;
        for line in source.lines() {
            if function_name(line).is_some() {
                body = Some(String::new());
            }
            let Some(text) = &mut body else {
                let again = line.starts_with("host ") && items.contains(line);
                if !line.starts_with("export") && !again {
                    items.push_str(line);
                    items.push('\n');
                }
                continue;
            };
            text.push_str(&rename(line, &names, file));
            text.push('\n');
            if line.trim() == "end" {
                functions.extend(body.take());
            }
        }
    }
    let mut text = items;
    let mut copy = 0;
    while text.len() < TEXT_BYTES {
        let number = format!("_{copy}");
        functions.iter().for_each(|function| text.push_str(&function.replace("_COPY", &number)));
        copy += 1;
    }
    text
}

fn function_name(line: &str) -> Option<&str> {
    line.strip_prefix("fn ")?.split(['(', '[']).next()
}

/// Words before which the name of a function stands.
const BEFORE_FUNCTION: [&str; 7] = ["fn", "call", "tail_call", "closure", "push", "spawn", "spawn_with"];

/// Marks the names of functions in a line, so that each copy can have its own.
fn rename(line: &str, names: &[&str], file: usize) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let end = word.find(['(', '[']).unwrap_or(word.len());
        let follows = words.last().is_some_and(|last| BEFORE_FUNCTION.contains(&last.as_str()));
        let named = follows && names.contains(&&word[..end]);
        words.push(if named { format!("{}_{file}_COPY{}", &word[..end], &word[end..]) } else { word.to_owned() });
    }
    words.join(" ")
}
