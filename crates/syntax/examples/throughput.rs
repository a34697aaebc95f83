//! How long reading takes: `cargo run --release -p fardel-syntax --example throughput [LINES]`.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use fardel_syntax::parse;

/// Times that each is measured; the best counts.
const ROUNDS: usize = 7;

/// How long it takes to make something; what is made is dropped afterwards.
fn best<T>(mut one: impl FnMut() -> T) -> Duration {
    let measure = |_| {
        let started = Instant::now();
        let made = black_box(one());
        let time = started.elapsed();
        drop(made);
        time
    };
    (0..ROUNDS).map(measure).min().unwrap_or_default()
}

fn main() {
    let lines: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let sample = include_str!("../tests/samples/maelstrom.fdl");
    // Imports stand at the beginning alone.
    let (head, rest) = sample.split_once('\n').unwrap_or(("", sample));
    let count = lines / rest.lines().count().max(1);
    let source = format!("{head}\n{}", rest.repeat(count));
    assert!(parse(&source).diagnostics.is_empty(), "the source is good");
    let told = |what: &str, time: Duration| {
        let lines = source.lines().count();
        println!("{what}: {lines} lines, {} KiB in {:.1} ms", source.len() >> 10, time.as_secs_f64() * 1e3);
    };
    told("read", best(|| parse(black_box(&source))));
    let parsed = parse(&source);
    told("formatted", best(|| fardel_syntax::format(black_box(&source))));
    told("tree for tools", best(|| parsed.tree.syntax()));
}
