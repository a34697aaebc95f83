//! Whatever the input: no panic, and what assembles survives disassembly.

use fardel_asm::{NoImports, assemble, disassemble};
use fardel_bytecode::isa::INSTRUCTIONS;
use fardel_bytecode::{Module, format};
use proptest::prelude::*;

const SOURCES: [&str; 4] = [
    include_str!("roundtrip/instructions.fda"),
    include_str!("roundtrip/names.fda"),
    include_str!("accepted/joins.fda"),
    include_str!("accepted/guide.fda"),
];

/// Words that sources are made of, besides mnemonics.
const WORDS: &[&str] = &[
    "\n",
    "\n",
    "\n",
    "fn",
    "end",
    "main",
    "(",
    ")",
    "a",
    "b",
    "Int",
    "Text",
    "Any",
    ":",
    ",",
    ".",
    "local",
    "handle",
    "serve",
    "type",
    "object",
    "sum",
    "alias",
    "const",
    "host",
    "import",
    "export",
    "as",
    "hash",
    "receives",
    "nothing",
    "->",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "=",
    "@",
    "@was(\"x\")",
    "var",
    "1",
    "-1",
    "0.5",
    "0x",
    "'a'",
    "\"t\"",
    "b\"t\"",
    "`q`",
    "\"",
    "`",
    "\\",
    "null",
    "true",
    "inf",
    "Option<Int>",
    "List<Any>",
    "Map<Int, Text>",
    "(Int, Text)",
    "Point",
    "Point.x",
    "a:",
    "b:",
    ";",
    "é",
    "push 1\n",
    "push \"t\"\n",
    "push null\n",
    "load a\n",
    "store a\n",
    "drop\n",
    "ret\n",
    "jmp a\n",
    "jmp_if a\n",
    "add\n",
    "fn main()\n",
    "end\n",
    "fn f(a, b: Int) -> Any\n",
    "local a\n",
    "type Point { x: Int }\n",
    "switch (a b)\n",
    "push true\n",
];

#[track_caller]
fn check(source: &str) {
    let assembled = assemble("random", source, &mut NoImports);
    for told in &assembled.diagnostics {
        told.render("random", source, false);
    }
    let Some(module) = assembled.module else { return };
    check_round_trip(module, source);
}

#[track_caller]
fn check_round_trip(mut module: Module, source: &str) {
    let text = disassemble(&module).expect("an assembled module can be written");
    let again = assemble("again", &text, &mut NoImports);
    let told: Vec<String> = again.diagnostics.iter().map(|told| told.render("again", &text, false)).collect();
    let Some(mut second) = again.module else { panic!("{}\n{text}\n-- from --\n{source}", told.join("\n")) };
    (module.debug, second.debug) = (None, None);
    assert_eq!(format::encode(&module), format::encode(&second), "{text}\n-- from --\n{source}");
}

fn word() -> impl Strategy<Value = &'static str> {
    let mnemonics: Vec<&'static str> = INSTRUCTIONS.iter().map(|info| info.mnemonic).collect();
    prop_oneof![4 => prop::sample::select(WORDS), 1 => prop::sample::select(mnemonics)]
}

/// One of the sources with some of its lines dropped, doubled, exchanged or replaced by a random one.
fn changed_source() -> impl Strategy<Value = String> {
    let line = prop::collection::vec(word(), 0..4).prop_map(|words| words.join(" "));
    let change = (0..4u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), line);
    (prop::sample::select(&SOURCES[..]), prop::collection::vec(change, 1..6)).prop_map(|(source, changes)| {
        let mut lines: Vec<String> = source.lines().map(str::to_owned).collect();
        for (kind, at, other, line) in changes {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match kind {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[other].clone()),
                2 => lines.swap(at, other),
                _ => lines[at] = line,
            }
            if lines.is_empty() {
                lines.push(String::new());
            }
        }
        lines.join("\n")
    })
}

/// Values on the operand stack at every label of [`jumping_function`].
const HEIGHT: usize = 3;
const LABELS: u8 = 6;

/// Lines that push a value.
const PUSHES: [&str; 8] = ["push 1", "push 0.5", "push \"t\"", "push null", "push true", "load any", "load maybe", "load x"];

/// Lines, the values that they need, and by how many they change the stack.
const PLAIN: [(&str, usize, isize); 10] = [
    ("dup", 1, 1),
    ("over", 2, 1),
    ("drop", 1, -1),
    ("store x", 1, -1),
    ("swap", 2, 0),
    ("to_any 0", 1, 0),
    ("to_any 1", 2, 0),
    ("some", 1, 0),
    ("tee x", 1, 0),
    ("yield", 0, 0),
];

/// A function of pushes, pops and jumps, in which types meet at labels in every way.
///
/// The height of the stack is looked after, so that each is right.
fn jumping_function(choices: &[u8]) -> String {
    let mut text = "fn f(any, flag: Bool, maybe: Option<Text>)\nlocal x\npush null\nstore x\n".to_owned();
    let (mut height, mut label) = (0, 0);
    for pair in choices.chunks_exact(2) {
        let (kind, which) = (pair[0], pair[1]);
        if kind < 80 {
            text.push_str(&format!("{}\n", PUSHES[usize::from(which) % PUSHES.len()]));
            height += 1;
        } else if kind < 160 {
            let (line, needs, change) = PLAIN[usize::from(which) % PLAIN.len()];
            if height >= needs {
                text.push_str(&format!("{line}\n"));
                height = height.saturating_add_signed(change);
            }
        } else {
            text.push_str(&level(&mut height, which));
            let (to, other) = (which % LABELS, which / LABELS % LABELS);
            text.push_str(&match kind % 6 {
                0 | 1 => format!("load flag\njmp_if l{to}\n"),
                2 => format!("load maybe\njmp_if_null l{to}\ndrop\n"),
                3 => format!("push 0\nswitch (l{to} l{other})\n"),
                _ if label == LABELS => String::new(),
                4 => format!("load flag\njmp_if l{label}\njmp l{to}\nl{label}:\n"),
                _ => format!("l{label}:\n"),
            });
            label += u8::from(kind % 6 > 3 && label < LABELS);
        }
    }
    for rest in label..LABELS {
        text.push_str(&level(&mut height, rest));
        text.push_str(&format!("load flag\njmp_if l{rest}\nl{rest}:\n"));
    }
    text + "ret\nend\n"
}

/// Brings the stack to the height that it has at labels.
fn level(height: &mut usize, which: u8) -> String {
    let missing = HEIGHT.saturating_sub(*height);
    let more: Vec<&str> = (0..missing).map(|at| PUSHES[(usize::from(which) * (at + 1)) % PUSHES.len()]).collect();
    let less = vec!["drop"; height.saturating_sub(HEIGHT)];
    *height = HEIGHT;
    [more, less].concat().iter().map(|line| format!("{line}\n")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn words_never_panic(words in prop::collection::vec(word(), 0..120)) {
        check(&words.join(" "));
    }

    #[test]
    fn changed_sources_never_panic(source in changed_source()) {
        check(&source);
    }

    #[test]
    fn types_that_meet_survive_disassembly(choices in prop::collection::vec(any::<u8>(), 0..160)) {
        let source = jumping_function(&choices);
        check(&source);
        prop_assert!(assemble("jumping", &source, &mut NoImports).module.is_some(), "{source}");
    }

    #[test]
    fn changed_modules_never_panic(
        at in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let module = assemble("source", SOURCES[at.index(SOURCES.len())], &mut NoImports).module.expect("it assembles");
        let mut bytes = format::encode(&module);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(module) = format::decode(&bytes)
            && let Ok(text) = disassemble(&module)
        {
            assemble("changed", &text, &mut NoImports);
        }
    }
}
