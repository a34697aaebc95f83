//! Measures sources that are hard on the assembler, and what comes of them on decoder, verifier, disassembler and loader,
//! each in two sizes: the time must grow as the size does.
//!
//! `cargo run --release --manifest-path fuzz/Cargo.toml --bin linear` prints megabytes a second; it fails when a source of
//! four times the size takes more than eight times as long.
#![forbid(unsafe_code)]

use fardel_asm::{NoImports, assemble, disassemble};
use fardel_bytecode::format::{decode, encode};
use fardel_bytecode::verify::verify;
use fardel_vm::config::Config;
use fardel_vm::door::HostTable;
use fardel_vm::machine::Machine;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Instant;

type Source = fn(usize) -> String;

/// How often each source is measured again.
const RUNS: usize = 4;

/// Name and how to write a source whose length follows from a number.
const CASES: &[(&str, Source)] = &[
    ("straight code", |count| function("", &"push 1\n drop\n".repeat(count))),
    ("one long line of garbage", |count| "?".repeat(count * 8)),
    ("one long text", |count| format!("const A = \"{}\"\n", "\\n".repeat(count * 4))),
    ("nested parentheses in a type", |count| format!("alias A = {}Int", "(".repeat(count * 4))),
    ("nested lists in a type", |count| format!("alias A = {}Int", "List<".repeat(count))),
    ("records", |count| {
        let count = count / 4;
        numbered(count, |at| format!("type R{at} {{ a: Int, b: Option<R{}> }}\n", (at + 1) % count))
    }),
    ("tuples", |count| {
        function("", &numbered(count.min(60_000), |at| format!("push_null\n to_any 0\n is ({}Int,)\n drop\n", binary(at))))
    }),
    ("aliases that double", |count| {
        let aliases = numbered(60, |at| format!("alias A{} = (A{at}, A{at})\n", at + 1));
        let uses = numbered(count / 100, |_| "push_null\n push_int 1\n cast A59\n add\n drop\n".to_owned());
        format!("alias A0 = (Int, Int)\n{aliases}{}", function("", &uses))
    }),
    ("functions", |count| numbered(count / 4, |at| format!("fn f{at}()\n ret\nend\n"))),
    ("functions of one name", |count| numbered(count / 4, |_| "fn f()\n ret\nend\n".to_owned())),
    ("forward branches", |count| function("", &numbered(count, |at| format!("push true\n jmp_if l{at}\nl{at}:\n")))),
    ("branches back", |count| function("", &numbered(count, |at| format!("l{at}:\n push false\n jmp_if l{}\n", at / 2)))),
    ("branches over a high stack", |count| {
        let jumps = numbered(count, |at| format!("l{at}:\n push false\n jmp_if l{}\n", at / 2));
        function("", &format!("{}{jumps}", "push 1\n".repeat(4000)))
    }),
    ("types that widen against the order", |count| {
        let labels = numbered(count, |at| format!("l{at}:\n push false\n jmp_if l{}\n", (at + 1) % count));
        function("", &format!("push 1\n jmp l0\n{labels} drop\n push null\n jmp l{}\n", count - 1))
    }),
    ("locals that are live against the order", |count| {
        let locals = numbered(200, |at| format!("local v{at}: Int\n"));
        let stores = numbered(200, |at| format!("push 1\n store v{at}\n"));
        let back = numbered(count, |at| format!("l{at}:\n push true\n jmp_if l{}\n load v{}\n drop\n", at / 2, at % 200));
        function(&locals, &format!("{stores}{back}"))
    }),
    ("a large jump table", |count| function("", &format!("l:\n push 1\n switch ({})\n", "l ".repeat(count)))),
    ("many jump tables", |count| {
        let root = (count as f64).sqrt() as usize;
        function("", &numbered(root, |at| format!("l{at}:\n push 1\n switch ({})\n", format!("l{at} ").repeat(root))))
    }),
    ("nested handlers", |count| {
        let starts = numbered(count / 8, |at| format!("s{at}:\n"));
        let ends = numbered(count / 8, |at| format!("push 1\n push 1\n add\n drop\ne{at}:\n"));
        let handlers = numbered(count / 8, |at| format!("handle s{} e{at} t\n", count / 8 - 1 - at));
        function("", &format!("{handlers}{starts}{ends} ret\nt:\n drop\n drop\n"))
    }),
    ("mistakes", |count| function("", &"addd 1 2\n".repeat(count))),
    ("unknown names", |count| function("", &numbered(count, |at| format!("load v{at}\n")))),
    ("constants", |count| numbered(count, |at| format!("const C{at} = {at}\n"))),
    ("texts", |count| function("", &numbered(count, |at| format!("push \"{at}\"\n drop\n")))),
    ("hosts", |count| numbered(count.min(60_000), |at| format!("host a.h{at}(Int)\n"))),
    ("comments", |count| "; nothing\n".repeat(count)),
    ("dead code", |count| function("", &format!("ret\n{}", "push 1\n".repeat(count)))),
];

fn main() -> ExitCode {
    let only = std::env::args().nth(1);
    let mut good = true;
    for (name, source) in CASES.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| name.contains(only.as_str()))) {
        let (small, large) = (best(&source(25_000)), best(&source(100_000)));
        let growth = large.seconds / small.seconds / (large.bytes as f64 / small.bytes as f64);
        let is_good = growth < 2.0 || large.seconds < 0.1;
        good &= is_good;
        let verdict = if is_good { "" } else { "  SUPERLINEAR" };
        println!("{name:40} {:8} bytes {:8.1} MB/s  growth {growth:.2}{verdict}{}", large.bytes, large.rate(), large.rest);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Measured {
    bytes: usize,
    seconds: f64,
    rest: String,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.bytes as f64 / self.seconds / 1e6
    }
}

/// The quickest of some runs: others are slowed by what else the machine does.
fn best(source: &str) -> Measured {
    let first = measure(source);
    (0..RUNS).map(|_| measure(source)).fold(first, |best, next| if next.seconds < best.seconds { next } else { best })
}

/// Assembles; where there is a module, writes, reads, verifies and disassembles it too.
fn measure(source: &str) -> Measured {
    let start = Instant::now();
    let assembled = assemble("linear.fda", source, &mut NoImports);
    let seconds = start.elapsed().as_secs_f64();
    let mut rest = String::new();
    let mut note = |what: &str, bytes: usize, start: Instant| {
        let rate = bytes as f64 / start.elapsed().as_secs_f64() / 1e6;
        let _ = write!(rest, "  {what} {rate:.0}");
    };
    let start = Instant::now();
    for diagnostic in &assembled.diagnostics {
        diagnostic.render("linear.fda", source, true);
    }
    if !assembled.diagnostics.is_empty() {
        note(&format!("{} diagnostics, rendered", assembled.diagnostics.len()), source.len(), start);
    }
    if let Some(module) = assembled.module {
        let bytes = encode(&module);
        let start = Instant::now();
        let decoded = decode(&bytes).ok();
        note("decode", bytes.len(), start);
        let start = Instant::now();
        let verified = decoded.and_then(|module| verify(module).ok());
        note("verify", bytes.len(), start);
        let start = Instant::now();
        let text = disassemble(&module).unwrap_or_default();
        note("disassemble", text.len(), start);
        let Some(verified) = verified else { return Measured { bytes: source.len(), seconds, rest } };
        let start = Instant::now();
        let loaded = Machine::new(Config::default()).load(&verified, &HostTable::default());
        note(if loaded.is_ok() { "load" } else { "refused" }, bytes.len(), start);
    }
    Measured { bytes: source.len(), seconds, rest }
}

fn function(locals: &str, code: &str) -> String {
    format!("fn main()\n{locals}{code} ret\nend\n")
}

fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// Names of types that tell a number's bits.
fn binary(number: usize) -> String {
    (0..17).map(|bit| if number >> bit & 1 == 1 { "Int, " } else { "Text, " }).collect()
}
