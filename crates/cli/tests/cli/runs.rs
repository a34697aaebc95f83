//! How runs end, and what is said about it.

use crate::support::{Folder, run, seen};

const PRINT: &str = "host io.print(Text)\n";

/// Runs `a.fda`, which is [`PRINT`] and `source`.
#[track_caller]
fn check(source: &str, args: &[&str], input: &str, wanted: (i32, &str, &str)) {
    let folder = Folder::with(&[("a.fda", format!("{PRINT}{source}").as_bytes())]);
    let args: Vec<&str> = ["run", "a.fda"].into_iter().chain(args.iter().copied()).collect();
    let (status, output, error) = seen(&run(folder.path(), &args, input.as_bytes()));
    assert_eq!((status, output.as_str(), error.as_str()), wanted);
}

#[test]
fn the_status_is_what_main_returns() {
    check("fn main() -> Int\n  push 7\n  ret\nend\n", &[], "", (7, "", ""));
    check("fn main()\n  ret\nend\n", &[], "", (0, "", ""));
    check("fn main() -> Int\n  push 256\n  ret\nend\n", &[], "", (1, "", "main returned 256; an exit status is 0 to 255\n"));
    check("fn main() -> Int\n  push -1\n  ret\nend\n", &[], "", (1, "", "main returned -1; an exit status is 0 to 255\n"));
    check("fn main()\n  push null\n  exit\nend\n", &[], "", (0, "", ""));
    check("fn main()\n  push \"shutdown\"\n  exit\nend\n", &[], "", (0, "", ""));
}

#[test]
fn main_gets_the_arguments() {
    let last = "fn main(args: List<Text>)\n  load args\n  load args\n  len\n  push 1\n  sub\n  get\n  call_host io.print\n  ret\nend\n";
    check(last, &["a", "--seed", "-b c"], "", (0, "-b c\n", ""));
    check(last, &["--trace"], "", (0, "--trace\n", ""));
    let asked = "host process.args() -> List<Text>\nfn main()\n  call_host process.args\n  push 0\n  get\n  call_host io.print\n  ret\nend\n";
    check(asked, &["häh"], "", (0, "häh\n", ""));
}

#[test]
fn another_main_is_refused_by_its_signature() {
    let wanted = "error: a.fda: the signature of main is `main(Int) -> Text`; wanted `main()` or `main(args: List<Text>)`, with or \
                  without `-> Int`\n";
    check("fn main(a: Int) -> Text\n  push \"\"\n  ret\nend\n", &[], "", (2, "", wanted));
    check("fn other()\n  ret\nend\n", &[], "", (2, "", "error: a.fda: the module exports no function `main`\n"));
}

#[test]
fn a_failure_shows_the_calls_that_led_there() {
    let source = "fn main()\n  push 1\n  call half\n  drop\n  ret\nend\nfn half(n: Int) -> Int\n  load n\n  push 0\n  div ; here\n  ret\nend\n";
    let wanted = "main ended: error(divide_by_zero)\n  An integer was divided by zero.\n  at half+4 (a.fda:11)\n      11 | div ; here\n  \
                  at main+2 (a.fda:4)\n       4 | call half\n";
    check(source, &[], "", (1, "", wanted));
}

#[test]
fn a_failure_of_the_host_says_what_happened() {
    let source = "host fs.read_text(Text) -> Text\nfn main()\n  push \"no/such/file\"\n  call_host fs.read_text\n  call_host \
                  io.print\n  ret\nend\n";
    let wanted = "main ended: error(host): cannot read no/such/file: No such file or directory (os error 2)\n  at main+2 (a.fda:5)\n       \
                  5 | call_host fs.read_text\n";
    check(source, &[], "", (1, "", wanted));
}

#[test]
fn lines_are_read_to_the_end() {
    let source = "host io.read_line() -> Option<Text>\nfn main()\nnext:\n  call_host io.read_line\n  jmp_if_null done\n  call_host \
                  io.print\n  jmp next\ndone:\n  ret\nend\n";
    check(source, &[], "one\ntwo", (0, "one\ntwo\n", ""));
    check(source, &[], "", (0, "", ""));
}

#[test]
fn a_fiber_that_fails_is_told_of_and_the_others_go_on() {
    let source = "fn main()\n  spawn fail\n  drop\n  yield\n  yield\n  push \"still here\"\n  call_host io.print\n  ret\nend\nfn fail()\n  \
                  push \"no more\"\n  panic\nend\n";
    let wanted = "fiber #1.1 ended: error(panic): no more at fail+2 (a.fda:13)\n";
    check(source, &[], "", (0, "still here\n", wanted));
}

#[test]
fn what_nothing_can_wake_is_listed() {
    let source = "fn main()\n  spawn wait\n  drop\n  push \"before\"\n  call_host io.print\n  await_recv\n  drop\n  ret\nend\nfn wait()\n  \
                  await_recv\n  drop\n  ret\nend\n";
    let wanted = "deadlock: no fiber can run, and nothing is under way that could wake one\n  fiber #0.1 at main+9 (a.fda:7) waits for a \
                  message; 0 messages in its mailbox\n  fiber #1.1 at wait+0 (a.fda:12) waits for a message; 0 messages in its mailbox\n";
    check(source, &[], "", (3, "before\n", wanted));
}

#[test]
fn only_the_first_of_many_that_wait_are_listed() {
    let source = "fn main()\n  local n: Int\n  push 0\n  store n\nmore:\n  spawn wait\n  drop\n  load n\n  push 1\n  add\n  tee n\n  push \
                  30\n  lt\n  jmp_if more\n  await_recv\n  drop\n  ret\nend\nfn wait()\n  await_recv\n  drop\n  ret\nend\n";
    let folder = Folder::with(&[("a.fda", format!("{PRINT}{source}").as_bytes())]);
    let (status, _, error) = seen(&run(folder.path(), &["run", "a.fda"], b""));
    assert_eq!((status, error.lines().count(), error.lines().last()), (3, 22, Some("  and 11 more")), "{error}");
}

#[test]
fn fibers_that_never_end_do_not_hold_up_the_end() {
    let source = "fn main()\n  spawn wait\n  drop\n  spawn loop_\n  drop\n  yield\n  ret\nend\nfn wait()\n  await_recv\n  drop\n  ret\nend\nfn \
                  loop_()\nagain:\n  jmp again\nend\n";
    check(source, &[], "", (0, "", ""));
}

#[test]
fn limits_are_reasons_to_end() {
    let deep = "fn main()\n  push 0\n  call deeper\n  drop\n  ret\nend\nfn deeper(n: Int) -> Int\n  load n\n  call deeper\n  push 1\n  \
                add\n  ret\nend\n";
    let wanted = "main ended: stack_overflow\n  a fiber's stack may hold 1048576 bytes; --max-stack allows more\n";
    let folder = Folder::with(&[("a.fda", deep.as_bytes())]);
    let (status, _, error) = seen(&run(folder.path(), &["run", "--max-stack", "1MiB", "a.fda"], b""));
    assert_eq!((status, error.as_str()), (1, wanted));

    let large = "fn main()\n  local list: List<Int>\n  list_new List<Int>\n  store list\nagain:\n  load list\n  push 1\n  list_push\n  jmp \
                 again\nend\n";
    let wanted = "main ended: out_of_memory\n  a fiber may hold 1048576 bytes; --max-memory allows more\n";
    let folder = Folder::with(&[("a.fda", large.as_bytes())]);
    let (status, _, error) = seen(&run(folder.path(), &["run", "--max-memory", "1MiB", "a.fda"], b""));
    assert_eq!((status, error.as_str()), (1, wanted));
}

#[test]
fn a_trace_has_a_line_for_each_instruction() {
    let folder = Folder::with(&[("a.fda", b"fn main() -> Int\n  push 3\n  ret\nend\n")]);
    let (status, output, error) = seen(&run(folder.path(), &["run", "--trace", "a.fda"], b""));
    let wanted = "#0.1     main+0                   push_int         mailbox 0\n#0.1     main+2                   ret              mailbox 0\n";
    assert_eq!((status, output.as_str(), error.as_str()), (3, "", wanted));
}

#[test]
fn statistics_count_what_happened() {
    let source = "fn main() receives Int\n  self\n  spawn reply\n  await_recv\n  drop\n  ret\nend\nfn reply(to: Address)\n  push 1\n  send to\n  \
                  ret\nend\n";
    let folder = Folder::with(&[("a.fda", source.as_bytes())]);
    let (status, output, error) = seen(&run(folder.path(), &["run", "--stats", "a.fda"], b""));
    assert_eq!((status, output.as_str()), (0, ""), "{error}");
    let names: Vec<&str> = error.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(names, ["fibers", "messages", "instructions", "slices", "collections", "memory", "time"]);
    assert!(error.contains("fibers        2 started, 0 alive at the end\n"), "{error}");
    assert!(error.contains("messages      1 sent, of them 0 that nobody got\n"), "{error}");
}

#[test]
fn messages_that_nobody_gets_are_written_when_asked_for() {
    let source = "fn main()\n  local gone: Address\n  spawn other\n  store gone\n  yield\n  push 1\n  send gone\n  push \"a\"\n  spawn \
                  picky\n  send\n  ret\nend\nfn other()\n  ret\nend\nfn picky() receives Int\n  await_recv\n  drop\n  ret\nend\n";
    let folder = Folder::with(&[("a.fda", source.as_bytes())]);
    let seen_of = |args: &[&str]| seen(&run(folder.path(), args, b""));
    let letters = "dead letter: Int from #0.1 to #1.1: it has ended\ndead letter: Text from #0.1 to #1.2: it takes Int\n";
    assert_eq!(seen_of(&["run", "a.fda"]), (0, String::new(), String::new()));
    assert_eq!(seen_of(&["run", "--dead-letters", "a.fda"]), (0, String::new(), letters.to_string()));
}

#[test]
fn mailboxes_names_and_timers_are_limited() {
    let seen_of = |option: &str, source: &str| {
        let folder = Folder::with(&[("a.fda", source.as_bytes())]);
        let (status, output, error) = seen(&run(folder.path(), &["run", option, "a.fda"], b""));
        assert_eq!(output, "");
        (status, error.lines().next().unwrap_or_default().to_string())
    };
    let send = "  push 1\n  self\n  try_send\n";
    let mailbox =
        format!("fn main() -> Int\n{send}  drop\n{send}  jmp_if both\n  push 7\n  ret\nboth:\n  push 8\n  ret\nend\n");
    assert_eq!(seen_of("--max-mailbox=1", &mailbox), (7, String::new()));
    assert_eq!(seen_of("--max-mailbox=2", &mailbox), (8, String::new()));
    let names = "fn main()\n  push \"a\"\n  self\n  register Any\n  drop\n  ret\nend\n";
    let wanted = "main ended: error(system_limit): 0 names are taken, as many as there may be";
    assert_eq!(seen_of("--max-names=0", names), (1, wanted.to_string()));
    assert_eq!(seen_of("--max-names=1", names), (0, String::new()));
    let timers = "fn main()\n  push 1\n  self\n  push 0\n  timer_once\n  drop\n  ret\nend\n";
    let wanted = "main ended: error(system_limit): 0 timers run, as many as there may";
    assert_eq!(seen_of("--max-timers=0", timers), (1, wanted.to_string()));
    assert_eq!(seen_of("--max-timers=1", timers), (0, String::new()));
}

#[test]
fn a_seed_makes_random_numbers_repeatable() {
    let source = "host random.int(Int, Int) -> Int\nhost io.print(Text)\nfn main()\n  push 0\n  push 1_000_000_000_000\n  call_host \
                  random.int\n  show\n  call_host io.print\n  ret\nend\n";
    let folder = Folder::with(&[("a.fda", source.as_bytes())]);
    let number = |args: &[&str]| seen(&run(folder.path(), args, b""));
    let first = number(&["run", "--seed", "5", "a.fda"]);
    assert_eq!(first, number(&["run", "--seed", "5", "a.fda"]));
    assert_ne!(first, number(&["run", "--seed", "6", "a.fda"]));
    assert_ne!(number(&["run", "a.fda"]), number(&["run", "a.fda"]));
}

#[test]
fn imports_are_found_beside_the_importing_file() {
    let main = "import \"sub/lib.fda\" as lib\nfn main() -> Int\n  push 20\n  call lib.twice\n  ret\nend\n";
    let lib = "import \"../base.fda\" as base\nexport twice\nfn twice(n: Int) -> Int\n  load n\n  load n\n  add\n  call base.next\n  \
               ret\nend\n";
    let base = "export next\nfn next(n: Int) -> Int\n  load n\n  push 1\n  add\n  ret\nend\n";
    let folder = Folder::with(&[("a.fda", main.as_bytes()), ("base.fda", base.as_bytes())]);
    std::fs::create_dir(folder.path().join("sub")).expect("the folder is new");
    std::fs::write(folder.path().join("sub/lib.fda"), lib).expect("the file can be written");
    let seen_of = |args: &[&str]| seen(&run(folder.path(), args, b""));
    assert_eq!(seen_of(&["run", "a.fda"]), (41, String::new(), String::new()));

    for file in ["a", "base", "sub/lib"] {
        let (text, module) = (format!("{file}.fda"), format!("{file}.fdm"));
        assert_eq!(seen_of(&["asm", &text, "-o", &module]), (0, String::new(), String::new()));
    }
    let modules = ["run", "--module", "base.fdm", "--module", "sub/lib.fdm", "a.fdm"];
    assert_eq!(seen_of(&modules), (41, String::new(), String::new()));
    let (status, _, error) = seen_of(&["run", "a.fdm"]);
    assert!(status == 2 && error.contains("which is not loaded"), "{error}");
}

#[test]
fn files_that_import_each_other_are_refused() {
    let folder = Folder::with(&[
        ("a.fda", b"import \"b.fda\" as b\nfn main()\n  ret\nend\n"),
        ("b.fda", b"import \"a.fda\" as a\nfn other()\n  ret\nend\n"),
    ]);
    let (status, output, error) = seen(&run(folder.path(), &["run", "a.fda"], b""));
    assert_eq!((status, output.as_str()), (2, ""), "{error}");
    assert!(error.contains("a.fda imports ") && error.contains("these files import each other in a circle"), "{error}");
}

#[test]
fn a_mistake_in_an_import_is_shown_in_its_file() {
    let folder = Folder::with(&[
        ("a.fda", b"import \"b.fda\" as b\nfn main()\n  ret\nend\n"),
        ("b.fda", b"fn other()\n  pusch\n  ret\nend\n"),
    ]);
    let (status, _, error) = seen(&run(folder.path(), &["run", "a.fda"], b""));
    assert!(status == 2 && error.contains("b.fda:2") && error.contains("b.fda does not assemble"), "{error}");
}

/// The allocator and stacks reserve address space that nobody uses: with half of it for its own the machine was aborted.
#[cfg(target_os = "linux")]
#[test]
fn a_process_of_little_address_space_refuses_fibers() {
    let script = "ulimit -v 262144 && exec \"$0\" run examples/skynet.fda";
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_fardel")])
        .current_dir(crate::support::root())
        .output()
        .expect("the shell starts");
    let (status, _, error) = seen(&output);
    assert_eq!(status, 3, "{error}");
    assert!(error.contains("error(system_limit): no place or memory for another fiber"), "{error}");
}
