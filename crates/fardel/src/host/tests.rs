//! Each host function, called without a machine.

use super::*;
use crate::clock::Clock;
use crate::output::Output;
use fardel_vm::door::HostType;
use fardel_vm::fiber::FiberId;
use std::cell::RefCell;
use std::io::{Cursor, Write};
use std::rc::Rc;

#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct World {
    hosts: Hosts,
    context: HostContext,
    input: Cursor<Vec<u8>>,
    output: Sink,
    error: Sink,
}

impl World {
    fn with_input(input: &[u8]) -> Self {
        let (output, error) = (Sink::default(), Sink::default());
        let context = HostContext {
            output: Output::new(Box::new(output.clone()), false),
            error: Box::new(error.clone()),
            arguments: vec!["one".into(), "two".into()],
            clock: Clock::Virtual { now: 7, wall: -5 },
            random: Generator::new(1),
            exit: None,
        };
        World { hosts: Hosts::standard(), context, input: Cursor::new(input.to_vec()), output, error }
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Answer {
        let (id, _) = self.hosts.table().find(name).expect("the function is registered");
        match self.hosts.run(id).expect("the function has a row") {
            Run::AtOnce(function) => function(&mut self.context, args.to_vec()),
            Run::Blocking(function) => function(args.to_vec()),
            Run::Input(function) => function(&mut self.input, args.to_vec()),
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[track_caller]
fn check(name: &str, args: &[Value], wanted: Result<Value, &str>) {
    assert_eq!(World::with_input(b"").call(name, args), wanted.map_err(String::from));
}

#[track_caller]
fn check_lines(input: &[u8], wanted: &[Result<Option<&str>, &str>]) {
    let mut world = World::with_input(input);
    for line in wanted {
        let wanted = line.map(|line| line.map_or(Value::Null, text)).map_err(String::from);
        assert_eq!(world.call("io.read_line", &[]), wanted);
    }
}

#[test]
fn reference_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/host.md");
    let head = include_str!("head.md");
    let wanted = format!("{head}{}", Hosts::standard().reference());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &wanted).expect("the document can be written");
    }
    let seen = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(seen, wanted, "docs/spec/host.md is out of date; UPDATE=1 cargo test -p fardel rewrites it");
}

#[test]
fn signatures_follow_from_types() {
    let mut hosts = Hosts::none();
    hosts.add("demo.all", |_: bool, _: f64, _: Vec<Option<Vec<u8>>>, _: Value| Ok(()));
    hosts.add_blocking("demo.none", || Ok(vec![String::new()]));
    hosts.add("demo.pair", |who: FiberId, (only,): (bool,)| Ok((who, only)));
    assert_eq!(
        hosts.reference(),
        "| `host demo.all(Bool, Float, List<Option<Bytes>>, Any)` |  |\n| `host demo.none() -> List<Text>` |  |\n| `host \
         demo.pair(Address, (Bool,)) -> (Address, Bool)` |  |\n"
    );
}

#[test]
fn a_later_function_of_the_same_name_is_taken() {
    let mut world = World::with_input(b"");
    world.hosts.add("time.now", || Ok(1_i64));
    assert_eq!(world.call("time.now", &[]), Ok(Value::Int(1)));
    assert_eq!(
        world.hosts.table().find("time.now").map(|(_, signature)| signature.result.clone()),
        Some(Some(HostType::Int))
    );
}

#[test]
fn wrong_arguments_are_named() {
    check("io.print", &[], Err("argument 1 is missing, wanted Text"));
    check("random.int", &[Value::Int(1), Value::Null], Err("argument 2 is Null, wanted Int"));
}

#[test]
fn prints_and_complains() {
    let mut world = World::with_input(b"");
    assert_eq!(world.call("io.print", &[text("a")]), Ok(Value::Null));
    assert_eq!(world.call("io.write", &[text("b")]), Ok(Value::Null));
    assert_eq!(world.call("io.error", &[text("c")]), Ok(Value::Null));
    world.context.output.flush();
    assert_eq!((&**world.output.0.borrow(), &**world.error.0.borrow()), (&b"a\nb"[..], &b"c\n"[..]));
}

#[test]
fn reads_lines_to_the_end() {
    check_lines(b"", &[Ok(None), Ok(None)]);
    check_lines(b"a\r\n\nb", &[Ok(Some("a")), Ok(Some("")), Ok(Some("b")), Ok(None)]);
    check_lines(
        b"a\xff\nb\n",
        &[Err("a line of the standard input is not UTF-8 text: byte 1 of it begins no character"), Ok(Some("b"))],
    );
}

#[test]
fn tells_arguments_environment_and_time() {
    check("process.args", &[], Ok(Value::List(vec![text("one"), text("two")])));
    check("process.env", &[text("FARDEL_NOT_SET")], Ok(Value::Null));
    check("process.env", &[text("a=b")], Ok(Value::Null));
    check("process.env", &[text("CARGO_PKG_NAME")], Ok(text("fardel")));
    check("process.exit", &[Value::Int(7)], Ok(Value::Null));
    check("process.exit", &[Value::Int(256)], Err("the exit status is 256; wanted 0 to 255"));
    check("time.now", &[], Ok(Value::Int(7)));
    check("time.wall", &[], Ok(Value::Int(-5)));
}

#[test]
fn files_are_written_and_read() {
    let path = std::env::temp_dir().join(format!("fardel-host-{}", std::process::id()));
    let name = path.display().to_string();
    check("fs.write_text", &[text(&name), text("häh")], Ok(Value::Null));
    check("fs.read_bytes", &[text(&name)], Ok(Value::Bytes("häh".into())));
    check("fs.read_text", &[text(&name)], Ok(text("häh")));
    check("fs.write_bytes", &[text(&name), Value::Bytes(vec![b'a', 0xff])], Ok(Value::Null));
    let not_text = format!("cannot read {name} as text: it is not UTF-8, byte 1 begins no character");
    check("fs.read_text", &[text(&name)], Err(&not_text));
    std::fs::remove_file(&path).expect("the file is there");
    let mut world = World::with_input(b"");
    for (function, verb) in [("fs.read_text", "read"), ("fs.read_bytes", "read")] {
        let error = world.call(function, &[text(&name)]).expect_err("the file is gone");
        assert!(error.starts_with(&format!("cannot {verb} {name}: ")), "{error}");
    }
    let error = world.call("fs.write_text", &[text(&format!("{name}/under")), text("")]).expect_err("there is no folder");
    assert!(error.starts_with(&format!("cannot write {name}/under: ")), "{error}");
}

#[test]
fn random_numbers_keep_to_their_range() {
    check("random.int", &[Value::Int(3), Value::Int(4)], Ok(Value::Int(3)));
    check("random.int", &[Value::Int(4), Value::Int(4)], Err("no integer is at least 4 and less than 4"));
    check("random.bytes", &[Value::Int(0)], Ok(Value::Bytes(Vec::new())));
    check("random.bytes", &[Value::Int(-1)], Err("cannot give -1 random bytes, only 0 to 16777216"));
    let mut world = World::with_input(b"");
    assert!(matches!(world.call("random.bytes", &[Value::Int(13)]), Ok(Value::Bytes(bytes)) if bytes.len() == 13));
    let whole = [Value::Int(i64::MIN), Value::Int(i64::MAX)];
    let numbers: Vec<Answer> = (0..20).map(|_| world.call("random.int", &whole)).collect();
    assert!(
        numbers.iter().any(|one| matches!(one, Ok(Value::Int(..0))))
            && numbers.iter().any(|one| matches!(one, Ok(Value::Int(0..))))
    );
}
