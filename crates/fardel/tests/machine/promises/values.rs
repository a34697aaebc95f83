//! Values go from one node to another as they go from one fiber to another: of every type, with sharing and circles.

use super::{prints, prints_apart, program};
use crate::nodes::Nodes;
use fardel::vm::config::Config;
use fardel::vm::door::{Output, SendError, Signal};
use fardel::vm::fiber::FiberId;
use fardel::vm::packed::{Packed, TypeNumber};
use proptest::prelude::*;

/// A function that is given values back by a fiber elsewhere, which was told to whom.
const BOUNCE: &str = "type Point { x: Float, tag: Text, n: Int }
sum Shape { Circle(r: Float), Empty, Nested(inner: Option<Shape>) }
object Node { var next: Option<Node>, var value: Int }
fn echo(to: Address) | again: | await_recv | load to | send Any | jmp again | end
fn bounce(value) -> Any | local far: Address | self | spawn echo | store far | load value | load far | send Any | await_recv | ret | end
";

#[track_caller]
fn bounced(main: &str, lines: &[&str]) {
    prints(&format!("{BOUNCE}{main}"), lines);
}

/// What is sent without a static type says itself what it is, and is that when it comes.
#[test]
fn every_type_of_value_comes_as_what_it_is() {
    bounced(
        "fn main() | local five: List<Int> | push 1 | call bounce | is Int | call tell
        push 9223372036854775807 | call bounce | call tell | push -1152921504606846977 | call bounce | call tell
        push 1.5 | call bounce | call tell | push \"täxt\" | call bounce | call tell | push null | call bounce | call tell
        push true | call bounce | call tell | push b\"\\x00\\xff\" | call bounce | call tell
        push 2.5 | push \"a\" | push 7 | new Point | call bounce | cast Point | field Point.n | call tell
        push 1 | push \"b\" | new (Int, Text) | call bounce | cast (Int, Text) | call tell
        push 1.0 | new_variant Shape.Circle | call bounce | cast Shape | call tell | new_variant Shape.Empty | call bounce | cast Shape | call tell
        new_variant Shape.Empty | some | new_variant Shape.Nested | call bounce | cast Shape | call tell
        list_new List<Int> | store five | load five | push 5 | list_push | load five | call bounce | cast List<Int> | call tell
        list_new List<Any> | call bounce | is List<Any> | call tell | list_new List<Int> | call bounce | is List<Any> | call tell
        push 3 | array_new Array<Byte> | call bounce | cast Array<Byte> | call tell | push 2 | array_new Array<F32> | call bounce | cast Array<F32> | call tell | ret | end",
        &[
            "true", "9223372036854775807", "-1152921504606846977", "1.5", "täxt", "null", "true", "b\"\\x00\\xff\"", "7",
            "(1, \"b\")", "Circle(1.0)", "Empty", "Nested(Empty)", "[5]", "true", "false", "[0, 0, 0]", "[0.0, 0.0]",
        ],
    );
}

/// A map finds its keys wherever it comes to, whatever they are made of; the order is that of insertion, without what was
/// removed.
#[test]
fn maps_and_sets_find_their_keys_where_they_come_to() {
    bounced(
        "fn put(map: Map<Any, Int>, key, value: Int) | load map | load key | load value | set | ret | end
        fn has(map: Map<Any, Int>, key) | load map | load key | push -1 | map_get_or | call tell | ret | end
        fn main() | local m: Map<Any, Int> | local long: Text | local s: Set<Int> | local i: Int
            push \"0123456789012345678901234567890123456789012345678901234567890123456789\" | store long
            map_new Map<Any, Int> | store m | load m | push 1 | push 10 | call put | load m | push \"k\" | push 20 | call put
            load m | load long | push 30 | call put | load m | push 4611686018427387904 | push 40 | call put | load m | self | push 50 | call put
            load m | push 1 | push \"x\" | new (Int, Text) | push 60 | call put | load m | new_variant Shape.Empty | push 70 | call put
            load m | push null | push 80 | call put | load m | push true | push 90 | call put | load m | push b\"k\" | push 100 | call put
            load m | push \"gone\" | push 0 | call put | load m | push \"gone\" | map_remove | drop
            load m | call bounce | cast Map<Any, Int> | store m | load m | len | call tell
            load m | push 1 | call has | load m | push \"k\" | call has | load m | load long | call has | load m | push 4611686018427387904 | call has
            load m | self | call has | load m | push 1 | push \"x\" | new (Int, Text) | call has | load m | new_variant Shape.Empty | call has
            load m | push null | call has | load m | push true | call has | load m | push b\"k\" | call has | load m | push \"gone\" | call has
            load m | push \"new\" | push 110 | call put | load m | push \"new\" | call has
            map_new Set<Int> | store s | push 0 | store i
        more: | load s | load i | set_add | drop | load i | push 1 | add | tee i | push 1000 | lt | jmp_if more
            load s | call bounce | cast Set<Int> | store s | load s | len | call tell | load s | push 999 | map_has | call tell | load s | push 1000 | map_has | call tell
            map_new Map<Text, Point> | call bounce | cast Map<Text, Point> | call tell | ret | end",
        &[
            "10", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100", "-1", "110", "1000", "true", "false", "[:]",
        ],
    );
}

/// A word of a key made the hash forget what stood before it: two such keys were taken for one, and the map was refused.
#[test]
fn keys_that_end_alike_stay_apart() {
    bounced(
        "fn main() | local m: Map<Any, Int> | map_new Map<Any, Int> | store m
            load m | push b\"12345678\\xdb\\x28\\xb4\\xa0\\xd1\\x7e\\x03\\xe7\" | push 1 | set
            load m | push b\"abcdefgh\\xdb\\x28\\xb4\\xa0\\xd1\\x7e\\x03\\xe7\" | push 2 | set
            load m | call bounce | cast Map<Any, Int> | store m
            load m | push b\"12345678\\xdb\\x28\\xb4\\xa0\\xd1\\x7e\\x03\\xe7\" | get | call tell
            load m | push b\"abcdefgh\\xdb\\x28\\xb4\\xa0\\xd1\\x7e\\x03\\xe7\" | get | call tell | ret | end",
        &["1", "2"],
    );
}

/// An option around what may be null keeps the difference between nothing and a null.
#[test]
fn options_in_options_stay_apart() {
    let source = "fn echo(to: Address) receives (Option<Option<Int>>, Option<Option<Int>>, Option<Any>) | await_recv | load to | send Any | ret | end
        fn main() | local t: (Option<Option<Int>>, Option<Option<Int>>, Option<Any>)
            push null | push null | call inner | some | call nothing | some | new (Option<Option<Int>>, Option<Option<Int>>, Option<Any>)
            self | spawn echo | send | await_recv | cast (Option<Option<Int>>, Option<Option<Int>>, Option<Any>) | store t
            load t | field (Option<Option<Int>>, Option<Option<Int>>, Option<Any>).0 | is_null | call tell
            load t | field (Option<Option<Int>>, Option<Option<Int>>, Option<Any>).1 | is_null | call tell
            load t | field (Option<Option<Int>>, Option<Option<Int>>, Option<Any>).2 | is_null | call tell | ret | end
        fn inner() -> Option<Int> | push null | ret | end
        fn nothing() -> Any | push null | ret | end";
    prints(source, &["true", "false", "false"]);
}

/// Two ways to one object lead to one object, circles included, and a long text that is there twice is there once.
#[test]
fn sharing_and_circles_are_kept() {
    bounced(
        "fn main() | local a: Node | local list: List<Any> | local long: Text
            push null | push 1 | new Node | store a | load a | load a | set_field Node.next
            list_new List<Any> | store list | load list | load a | list_push | load list | load a | list_push
            load list | load list | list_push
            load list | call bounce | cast List<Any> | store list
            load list | push 0 | get | cast Node | push 42 | set_field Node.value
            load list | push 1 | get | cast Node | field Node.value | call tell
            load list | push 0 | get | cast Node | field Node.next | unwrap | field Node.next | unwrap | field Node.value | call tell
            load list | push 2 | get | cast List<Any> | push 5 | list_push | load list | len | call tell | ret | end",
        &["42", "42", "4"],
    );
}

/// A list of many cells is nested as deeply as it is long, and no host stack is.
#[test]
fn what_is_nested_deeply_crosses() {
    prints_apart(
        &format!(
            "{BOUNCE}fn main() | local head: Option<Node> | local i: Int | push null | store head | push 0 | store i
            again: | load head | load i | new Node | some | store head | load i | push 1 | add | tee i | push 200000 | lt | jmp_if again
                load head | call bounce | call count | call tell | ret | end
            fn count(value) -> Int | local at: Option<Node> | local n: Int | push 0 | store n | load value | cast Node | some | store at
            next: | load at | is_null | jmp_if over | load n | push 1 | add | store n | load at | unwrap | field Node.next | store at | jmp next
            over: | load n | ret | end"
        ),
        &["200000"],
    );
}

/// A receiver that takes a type gets it as that, whatever it is in.
#[test]
fn the_door_is_the_same_for_what_comes_from_another_node() {
    let source = "type Point { x: Int } | type Other { x: Int }
        fn picky(to: Address) receives Point, List<Int>, Option<Text>
            await_type Point | field Point.x | call tell | await_type List<Int> | len | call tell | await_type Option<Text> | is_null | call tell
            await_type Option<Text> | unwrap | call tell | ret | end
        fn any(value, to: Address) | load value | load to | send Any | ret | end
        fn main() | local p: Address | self | spawn picky | store p | push 2 | new Other | load p | call any | push 3 | new Point | load p | call any
            list_new List<Any> | load p | call any | list_new List<Int> | load p | call any | push null | load p | call any | push \"t\" | load p | call any | ret | end";
    prints(source, &["3", "0", "true", "t"]);
}

/// The bytes of the examples of docs/spec/wire.md.
#[test]
fn the_examples_of_the_specification_are_what_is_sent() {
    let spec = include_str!("../../../../../docs/spec/wire.md");
    let source = "type Point { x: Float, tag: Text }
        fn main() | local far: Address | local all: List<Any> | local ints: List<Int> | local map: Map<Text, Address>
            push null | spawn_on deaf | cast Address | store far
            push 1.5 | push \"hi\" | new Point | load far | send
            list_new List<Any> | store all | list_new List<Int> | store ints | load ints | push 7 | list_push
            load all | load ints | list_push | load all | load ints | list_push | load all | load far | send
            map_new Map<Text, Address> | store map | load map | push \"k\" | self | set | load map | load far | send | ret | end";
    let mut nodes = Nodes::new(&program(source), &Config::default(), 2);
    nodes.worlds[0].start("main");
    let mut sent = Vec::new();
    nodes.run_clock_and(|output| {
        if let Output::Signal { signal: Signal::Message(value), .. } = output {
            sent.push(value.bytes.to_vec());
        }
    });
    let example = |name: &str| -> Vec<u8> {
        let (_, rest) = spec.split_once(&format!("```hex name=packed-{name}\n")).expect("there is such an example");
        let lines = rest.lines().take_while(|line| *line != "```");
        let digits = lines.flat_map(|line| line.split(';').next().unwrap_or_default().split_whitespace());
        digits.map(|byte| u8::from_str_radix(byte, 16).expect("a byte")).collect()
    };
    assert_eq!(sent, ["point", "shared", "map"].map(example));
}

/// A far fiber that takes anything, and its address at home.
fn far() -> (Nodes, FiberId, FiberId) {
    let module = program(&format!("{BOUNCE}fn main() | again: | await_recv | drop | jmp again | end"));
    let mut nodes = Nodes::new(&module, &Config::default(), 1);
    let fiber = nodes.worlds[0].start("main");
    nodes.run_clock();
    let remote = nodes.worlds[0].machine.open_remote().expect("there is a place");
    (nodes, fiber, remote)
}

/// Bytes that are no value are refused with a reason.
#[test]
fn bytes_that_are_no_value_are_refused() {
    let (mut nodes, fiber, remote) = far();
    let any = fardel::bytecode::types::ANY.0;
    let int = fardel::bytecode::types::INT.0;
    let cases: [(&[u8], u32, &str); 14] = [
        (&[], any, "it ends too early"),
        (&[0xc1], any, "a byte that begins no value"),
        (&[1, 2], any, "bytes follow"),
        (&[0xc0], int, "an Int is wanted"),
        (&[0xdd, 0xff, 0xff, 0xff, 0xff], any, "an array of too few items, or of more than there are bytes"),
        (&[0xdb, 0xff, 0xff, 0xff, 0xff], any, "it ends too early"),
        (&[0x91, 0x01], any, "an array whose type is missing"),
        (&[0xa1, 0xff], any, "a text that is not UTF-8"),
        (&[0xd4, 17, 0], any, "nothing came before with this index"),
        (&[0xd4, 19, 0], any, "an address that is not in the table"),
        (&[0x91, 0xd4, 16, 9], any, "a type that is not in the table"),
        (&[0x91, 0xd4, 16, 0], any, "a type that no array has"),
        (&[0x92, 0xd4, 18, 0, 1], any, "a box around what needs none"),
        (&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], any, "an integer of more than 63 bits"),
    ];
    for (bytes, ty, what) in cases {
        let packed = Packed { bytes: bytes.into(), fibers: Vec::new(), types: vec![TypeNumber(ty)] };
        let refused = nodes.worlds[0].machine.signal(remote, fiber, &Signal::Message(packed));
        let Err(SendError::Unreadable(problem)) = refused else { panic!("{bytes:?}: {refused:?}") };
        assert_eq!(problem.what, what, "{bytes:?}");
    }
    let unknown = Packed { bytes: vec![1].into(), fibers: Vec::new(), types: vec![TypeNumber(1 << 30)] };
    assert!(matches!(
        nodes.worlds[0].machine.signal(remote, fiber, &Signal::Message(unknown)),
        Err(SendError::Unreadable(_))
    ));
}

/// Each list claimed as many parts as there were bytes, and each had its room at once: a small message took gigabytes, and
/// what it named outside of blocks lay where no offset reaches.
#[test]
fn lists_in_lists_have_no_more_parts_than_there_are_bytes() {
    let (mut nodes, fiber, remote) = far();
    let (any, list) = (fardel::bytecode::types::ANY.0, fardel::bytecode::types::LIST_ANY.0);
    let mut bytes: Vec<u8> = [0xdc, 0xff, 0xfe, 0xd4, 16, 1].repeat(8_200);
    bytes.extend([0xda, 0x10, 0x00]);
    bytes.resize(bytes.len() + 70_000, b'a');
    let packed = Packed { bytes: bytes.into(), fibers: Vec::new(), types: vec![TypeNumber(any), TypeNumber(list)] };
    let refused = nodes.worlds[0].machine.signal(remote, fiber, &Signal::Message(packed));
    let Err(SendError::Unreadable(problem)) = refused else { panic!("{refused:?}") };
    assert_eq!(problem.what, "more parts than there are bytes");
    assert!(problem.at < 20, "{problem}");
}

/// A long text in every key of a map was hashed for each of them: one message kept a node for minutes.
#[test]
fn keys_that_share_a_long_text_do_not_take_for_ever() {
    let (mut nodes, fiber, remote) = far();
    let map = map_of_any(&nodes);
    let (any, error) = (fardel::bytecode::types::ANY.0, fardel::bytecode::types::ERROR.0);
    let mut bytes = vec![0xdc, 0x7d, 0x01, 0xd4, 16, 1];
    for key in 0..16_000_u16 {
        // A pair of a short text and the long one.
        bytes.extend([0x93, 0xd4, 16, 2, 0xa2, 32 + (key / 90) as u8 % 90, 32 + (key % 90) as u8]);
        if key == 0 {
            bytes.extend([0xdb, 0, 0x10, 0, 0]);
            bytes.resize(bytes.len() + (1 << 20), b'a');
        } else {
            bytes.extend([0xd4, 17, 2]);
        }
        bytes.push(1);
    }
    let types = [any, map, error].map(TypeNumber).to_vec();
    let packed = Packed { bytes: bytes.into(), fibers: Vec::new(), types };
    let refused = nodes.worlds[0].machine.signal(remote, fiber, &Signal::Message(packed));
    let Err(SendError::Unreadable(problem)) = refused else { panic!("{refused:?}") };
    assert_eq!(problem.what, "keys that take too long");
}

/// A key that comes twice, or cannot be one, is no map.
#[test]
fn a_map_with_a_key_twice_is_refused() {
    let (mut nodes, fiber, remote) = far();
    let (any, map) = (fardel::bytecode::types::ANY.0, map_of_any(&nodes));
    let send = |nodes: &mut Nodes, bytes: &[u8]| {
        let packed = Packed { bytes: bytes.into(), fibers: Vec::new(), types: vec![TypeNumber(any), TypeNumber(map)] };
        nodes.worlds[0].machine.signal(remote, fiber, &Signal::Message(packed))
    };
    assert_eq!(send(&mut nodes, &[0x95, 0xd4, 16, 1, 1, 10, 2, 20]), Ok(()));
    for (bytes, what) in [
        (&[0x95, 0xd4, 16, 1, 1, 10, 1, 20][..], "a key that comes twice"),
        (&[0x93, 0xd4, 16, 1, 0xd4, 17, 0, 10][..], "a key that cannot be one"),
        (&[0x92, 0xd4, 16, 1, 1][..], "a key without a value"),
    ] {
        let refused = send(&mut nodes, bytes);
        let Err(SendError::Unreadable(problem)) = refused else { panic!("{bytes:?}: {refused:?}") };
        assert_eq!(problem.what, what, "{bytes:?}");
    }
}

/// The number of `Map<Any, Any>`, which the prelude's options are.
fn map_of_any(nodes: &Nodes) -> u32 {
    let machine = &nodes.worlds[0].machine;
    let (mut set, mut found) = (0, None);
    while let Some((table, numbers)) = machine.types_known(set) {
        let named =
            (0..).zip(&numbers).find(|(at, _)| table.display(fardel::bytecode::index::TypeIndex(*at)) == "Map<Any, Any>");
        found = found.or(named.map(|(_, number)| number.0));
        set += 1;
    }
    found.expect("the prelude has options")
}

/// Whatever bytes come, they are a value or are refused, and the machine goes on.
#[test]
fn no_bytes_harm_the_machine() {
    let (nodes, fiber, remote) = far();
    let nodes = std::cell::RefCell::new(nodes);
    proptest!(ProptestConfig::with_cases(2_000), |(bytes in proptest::collection::vec(any_byte(), 0..100), root in 0_u32..120)| {
        let (fibers, types) = (vec![fiber, remote], (root..root + 1).chain(0..120).map(TypeNumber).collect());
        let mut nodes = nodes.borrow_mut();
        // It is refused, or it is a value.
        let _ = nodes.worlds[0].machine.signal(remote, fiber, &Signal::Message(Packed { bytes: bytes.into(), fibers, types }));
        nodes.worlds[0].run();
        prop_assert!(nodes.worlds[0].end_of(fiber).is_none(), "the fiber goes on");
    });
}

/// A byte, more often one that means something.
fn any_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        any::<u8>(),
        0x90_u8..0x98,
        prop_oneof![Just(0xd4_u8), Just(16), Just(17), Just(18), Just(19), Just(20), Just(0xc0), Just(0xc4), Just(0xa3)],
        0_u8..60,
    ]
}
