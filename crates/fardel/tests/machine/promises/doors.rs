//! The doors of mailboxes: which types a fiber takes, and what becomes of values that it knows in another shape.

use super::{each_way, prints, prints_here, program};
use crate::support::{World, module, ways};
use fardel::bytecode::shape::type_keys;
use fardel::vm::config::Config;
use fardel::vm::door::{LostBecause, SendError};
use fardel::vm::value::Value;

/// The door refuses what is not in the set, counts it, and says what is.
#[test]
fn a_door_takes_the_types_of_its_set() {
    let source = "type Point { x: Int } | type Other { x: Int }
        fn picky() receives Point, List<Int>, Text | call drain | call tell | ret | end
        fn main() | local p: Address | spawn picky | store p | push 1 | load p | try_send | call tell | push 2 | new Other | load p | try_send | call tell
            list_new List<Any> | load p | try_send | call tell | push 3 | new Point | load p | try_send | call tell
            list_new List<Int> | load p | try_send | call tell | push \"t\" | load p | try_send | call tell | ret | end";
    prints_here(source, &["false", "false", "false", "true", "true", "true", "[Point(3), [], \"t\"]"]);
    each_way(&Config { watch_dead_letters: true, ..Config::default() }, source, |world| {
        let letters: Vec<_> = world.dead.iter().map(|letter| letter.message.as_str()).collect();
        assert_eq!(letters, ["Int", "Other", "List<Any>"]);
        let LostBecause::WrongType { takes } = &world.dead[0].why else { panic!("{:?}", world.dead) };
        let mut takes: Vec<_> = takes.split(" | ").collect();
        takes.sort_unstable();
        assert_eq!(takes, ["List<Int>", "Point", "Text"]);
        assert!(world.dead[0].to_string().contains(": it takes "), "{}", world.dead[0]);
    });
}

/// One that takes nothing refuses everything.
#[test]
fn a_door_that_takes_nothing() {
    let source = "fn none() receives nothing | push 20 | call sleep | ret | end
        fn sleep(millis: Int) | push 2 | barrier_new | load millis | barrier | drop | ret | end
        fn main() | local n: Address | spawn none | store n | push 1 | load n | try_send | call tell | push null | load n | try_send | call tell
            call any | load n | try_send | call tell | load n | push -1 | wait | call tell | ret | end
        fn any() -> Any | push 1.5 | ret | end";
    prints_here(source, &["false", "false", "false", "Normal"]);
    each_way(&Config { watch_dead_letters: true, ..Config::default() }, source, |world| {
        assert_eq!(world.dead[0].why, LostBecause::WrongType { takes: "nothing".to_owned() });
    });
}

/// What is statically Any says itself what it is, whatever it is.
#[test]
fn a_value_that_is_statically_any_is_looked_at() {
    let source = "type Point { x: Int } | sum Shape { Circle(r: Float), Empty } | object Node { var next: Option<Node> }
        fn picky() receives Int, Float, Text, Point, Shape, Node, List<Int>, Map<Text, Int>, fn(Int) -> Int, Address, Ref, Bool, Array<Byte>, (Int, Text)
            await_type Int | call tell | await_type Int | call tell | await_type Float | call tell | await_type Text | call tell | await_type Point | call tell
            await_type Shape | tag Shape | call tell | await_type Shape | tag Shape | call tell | await_type Node | field Node.next | is_null | call tell
            await_type List<Int> | len | call tell | await_type Map<Text, Int> | len | call tell | push 4 | await_type fn(Int) -> Int | call_value | call tell
            push 5 | await_type fn(Int) -> Int | call_value | call tell | await_type Address | is Address | call tell | await_type Ref | is Ref | call tell
            await_type Bool | call tell | await_type Array<Byte> | len | call tell | await_type (Int, Text) | call tell | push 0 | await_type_until Int | is_null | call tell | ret | end
        fn twice(x: Int) -> Int | load x | push 2 | mul | ret | end
        fn times[factor: Int](x: Int) -> Int | load x | load factor | mul | ret | end
        fn any(value, to: Address) | load value | load to | send Any | ret | end
        fn main() | local p: Address | spawn picky | store p | push 1 | load p | call any | push 9223372036854775807 | load p | call any | push 1.5 | load p | call any
            push \"t\" | load p | call any | push 3 | new Point | load p | call any | push 1.0 | new_variant Shape.Circle | load p | call any | new_variant Shape.Empty | load p | call any
            push null | new Node | load p | call any | list_new List<Int> | load p | call any | map_new Map<Text, Int> | load p | call any | push twice | load p | call any
            push 3 | closure times | load p | call any | self | load p | call any | new_ref | load p | call any | push true | load p | call any
            push 7 | array_new Array<Byte> | load p | call any | push 1 | push \"u\" | new (Int, Text) | load p | call any
            push null | load p | call any | push b\"refused\" | load p | call any | map_new Set<Int> | load p | call any | list_new List<Text> | load p | call any | ret | end";
    prints_here(
        source,
        &[
            "1",
            "9223372036854775807",
            "1.5",
            "t",
            "Point(3)",
            "0",
            "1",
            "true",
            "0",
            "0",
            "8",
            "15",
            "true",
            "true",
            "true",
            "7",
            "(1, \"u\")",
            "true",
        ],
    );
    each_way(&Config { watch_dead_letters: true, ..Config::default() }, source, |world| {
        let letters: Vec<_> = world.dead.iter().map(|letter| letter.message.as_str()).collect();
        assert_eq!(letters, ["Null", "Bytes", "Set<Int>", "List<Text>"]);
    });
}

/// An option in the set takes null and what it holds; an option that is sent says what it is.
#[test]
fn options_at_the_door() {
    let source = "fn options() receives Option<Int>, Text
            await_type Option<Int> | call tell | await_type Option<Int> | is_null | call tell | await_type Option<Int> | call tell | await_type Option<Int> | call tell
            await_type Option<Int> | is_null | call tell | await_type Text | call tell | push 0 | await_type_until Text | is_null | call tell | ret | end
        fn texts() receives Text | await_type Text | call tell | ret | end
        fn any(value, to: Address) | load value | load to | send Any | ret | end
        fn main() | local o: Address | local t: Address | spawn options | store o | push 1 | load o | send Int | push null | load o | send Null
            push 2 | to_any 0 | cast Option<Int> | load o | send Option<Int> | push 9223372036854775807 | load o | call any | push null | load o | call any
            push \"t\" | cast_option: | load o | send Text | load o | push -1 | wait | call tell
            spawn texts | store t | push null | to_any 0 | cast Option<Text> | load t | try_send Option<Text> | call tell
            push \"some\" | to_any 0 | cast Option<Text> | load t | try_send Option<Text> | call tell | ret | end";
    let source = source.replace("cast_option: | ", "");
    prints_here(&source, &["1", "true", "2", "9223372036854775807", "true", "t", "true", "Normal", "false", "true", "some"]);
}

/// MON1, LNK3, DEL4: what the machine sends has to pass the door too; refused it is counted, and the fiber goes on.
#[test]
fn the_machines_messages_are_refused_by_a_set_without_them() {
    let source = "fn closed(other: Address) receives Int, Bool | push true | trap_exits | load other | monitor | drop | load other | link
            await_type Bool | drop | push 40 | await_type_until Int | is_null | call tell | ret | end
        fn open(other: Address) receives Int, Bool, Down, Exit | push true | trap_exits | load other | monitor | drop | load other | link
            await_type Down | field Down.reason | call tell | await_type Exit | field Exit.reason | call tell | ret | end
        fn main() | local w: Address | local c: Address | spawn waiter | store w | load w | spawn closed | store c | call rest
            push 1 | load w | send | load w | push -1 | wait | drop | push 5 | load c | exit_other | push \"text\" | load c | push 1 | timer_once | drop
            push true | load c | send | load c | push -1 | wait | call tell
            spawn waiter | store w | load w | spawn open | store c | call rest | push 2 | load w | send | load c | push -1 | wait | call tell | ret | end";
    prints(source, &["true", "Normal", "ShutdownWith(2)", "ShutdownWith(2)", "Normal"]);
    each_way(&Config { watch_dead_letters: true, ..Config::default() }, source, |world| {
        let mut letters: Vec<_> = world.dead.iter().map(|letter| letter.message.as_str()).collect();
        letters.sort_unstable();
        assert_eq!(letters, ["Down", "Exit", "Exit", "Text"]);
    });
}

/// Messages from outside pass the same door, and take the shape that the receiver knows.
#[test]
fn messages_from_outside_take_the_shape_that_is_known() {
    let module = program(
        "export picky | type Point { x: Int, y: Option<Int> } | sum Shape { Circle(r: Float), Empty }
        fn picky() receives Point, Shape, List<Int>, Option<Float> | call drain | call tell | ret | end",
    );
    for way in ways(&Config::default()) {
        let mut world = World::new(&module, way);
        let picky = world.start("picky");
        world.run();
        let point = |fields: Vec<Value>| Value::Record("Point".to_owned(), fields);
        let circle = Value::Variant("Circle".to_owned(), 0, vec![Value::Float(1.5)]);
        let good = [
            point(vec![Value::Int(1), Value::Null]),
            circle,
            Value::List(vec![Value::Int(2)]),
            Value::Null,
            Value::Float(0.5),
        ];
        for value in good {
            assert_eq!(world.machine.send(picky, value.clone()), Ok(()), "{value:?}");
        }
        let bad = [
            point(vec![Value::Int(1)]),
            point(vec![Value::Text(String::new()), Value::Null]),
            Value::Text("t".to_owned()),
            Value::Bool(true),
        ];
        for value in bad {
            assert!(matches!(world.machine.send(picky, value.clone()), Err(SendError::WrongType { .. })), "{value:?}");
        }
        world.run_clock();
        assert_eq!(world.printed, ["[Point(1, null), Circle(1.5), [2], null, 0.5]"]);
        assert_eq!(world.machine.stats().dead_letters, 4);
    }
}

/// A receiver in one module that is called `taker`, and a sender in another; both declare types of their own.
struct Pair {
    receiver: String,
    sender: String,
}

impl Pair {
    /// `receives` is what the receiver takes and `take` how it tells; `send` leaves the message on the stack.
    fn new(types: &str, receives: &str, take: &str, other_types: &str, send: &str) -> Pair {
        let tell = "fn tell(value) | load value | show | call_host io.print | ret | end";
        let receiver = format!(
            "{types} | export receiver | {tell}
            fn receiver() receives {receives} | push \"taker\" | self | register Any | drop | call take | ret | end
            fn take() | {take} | ret | end"
        );
        let sender = format!(
            "{other_types} | export sender | {tell}
            fn to() -> Address | push \"taker\" | whereis Any | cast Address | ret | end
            fn sender() | {send} | ret | end"
        );
        Pair { receiver, sender }
    }

    #[track_caller]
    fn each_way(&self, look: impl Fn(&World)) {
        self.each_way_with(&Config::default(), look);
    }

    #[track_caller]
    fn each_way_with(&self, config: &Config, look: impl Fn(&World)) {
        let (receiver, sender) = (module(&self.receiver), module(&self.sender));
        for way in ways(&Config { watch_dead_letters: true, ..config.clone() }) {
            let mut world = World::new(&receiver, way);
            world.start("receiver");
            world.run();
            world.start_other(&sender, "sender");
            world.run_clock();
            look(&world);
        }
    }

    #[track_caller]
    fn prints(&self, lines: &[&str]) {
        self.each_way(|world| {
            assert_eq!(
                (&world.printed[..], &world.dead[..]),
                (&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()[..], &[][..])
            );
            assert!(world.ended.iter().all(|(_, reason)| !reason.is_failure()), "{:?}", world.ended);
            assert_eq!(world.machine.stats().outside_bytes, 0);
        });
    }

    /// The message does not fit for this reason.
    #[track_caller]
    fn misfits(&self, wanted: &str) {
        self.each_way(|world| {
            let [letter] = &world.dead[..] else { panic!("{:?}, printed {:?}", world.dead, world.printed) };
            let LostBecause::Misfit { sent, takes, difference } = &letter.why else { panic!("{letter:?}") };
            assert_eq!(difference, wanted);
            assert_ne!(sent, takes);
            let line = letter.to_string();
            assert!(line.ends_with(&format!("{wanted} (type {sent} was sent, {takes} is taken)")), "{line}");
            assert_eq!((world.machine.stats().dead_letters, &world.printed[..]), (1, &["false".to_owned()][..]));
        });
    }
}

const TAKE_USER: &str = "await_type User | call tell";

/// A type of the same name and shape is the same type, wherever it is declared.
#[test]
fn the_same_shape_in_two_modules_is_one_type() {
    let ty = "type User { name: Text, age: Int }";
    Pair::new(ty, "User", TAKE_USER, ty, "push \"a\" | push 1 | new User | call to | send").prints(&["User(\"a\", 1)"]);
}

/// A field that the sender lacks is its default, or null where it is an option; one that the receiver lacks is left out.
#[test]
fn fields_are_added_and_left_out() {
    let send = "push \"a\" | push 1 | new User | call to | send";
    let old = "type User { name: Text, age: Int }";
    let pair = |types: &str| Pair::new(types, "User", TAKE_USER, old, send);
    pair("type User { name: Text, age: Int, active: Bool = true }").prints(&["User(\"a\", 1, true)"]);
    pair(
        "type User { rank: Int = -3, name: Text, score: Float = 1.5, age: Int, tag: Text = \"none\", raw: Bytes = b\"x\" }",
    )
    .prints(&["User(-3, \"a\", 1.5, 1, \"none\", b\"x\")"]);
    pair("type User { name: Text, age: Int, mail: Option<Text> }").prints(&["User(\"a\", 1, null)"]);
    pair("type User { age: Int }").prints(&["User(1)"]);
    pair("type User { age: Int, name: Text }").prints(&["User(1, \"a\")"]);
    pair("type User { other: Int = 5 }").prints(&["User(5)"]);
}

/// A field that was renamed is found by any of its former names.
#[test]
fn fields_that_were_renamed() {
    let send = "push \"a\" | push 1 | new User | call to | send";
    let old = "type User { name: Text, age: Int }";
    let pair = |types: &str| Pair::new(types, "User", TAKE_USER, old, send);
    pair("type User { @was(\"name\") nick: Text, @was(\"years\") @was(\"age\") since: Int }").prints(&["User(\"a\", 1)"]);
    pair("type User { @was(\"x\") name: Text, @was(\"y\") age: Int }").prints(&["User(\"a\", 1)"]);
}

/// What does not fit is refused and says where.
#[test]
fn misfits_say_what_differs() {
    let send = "push \"a\" | push 1 | new User | call to | try_send | call tell";
    let old = "type User { name: Text, age: Int }";
    let pair = |types: &str| Pair::new(types, "User", "await_recv | call tell", old, send);
    pair("type User { name: Text, age: Int, mail: Text }").misfits("field `mail` of User is missing and has no default");
    pair("type User { name: Int, age: Int }").misfits("field `name` of User: it is Text, wanted Int");
    pair("type User { name: Text, age: Option<Int> }").misfits("field `age` of User: it is Int, wanted Option<Int>");
    pair("type User { name: Text, age: Any }").misfits("field `age` of User: it is Int, wanted Any");
    pair("sum User { User(name: Text) }").misfits("it is User, wanted User");
    pair("object User { name: Text, age: Int }").misfits("it is User, wanted User");
    // Two names have nothing to do with each other, whatever their shape.
    let other = Pair::new("type Person { name: Text, age: Int }", "Person", "await_recv | call tell", old, send);
    other.each_way(|world| assert_eq!(world.dead[0].why, LostBecause::WrongType { takes: "Person".to_owned() }));
}

/// The keys in the letter are those of the two modules' types.
#[test]
fn a_misfit_names_the_keys_of_both_types() {
    let pair = Pair::new(
        "type User { mail: Text }",
        "User",
        "await_recv | call tell",
        "type User { name: Text }",
        "push \"a\" | new User | call to | send",
    );
    let key = |source: &str| {
        let module = module(source);
        let types = &module.module().types;
        let at =
            (32..).find(|at| types.display(fardel::bytecode::index::TypeIndex(*at)) == "User").expect("the type is there");
        type_keys(types)[at as usize]
    };
    let keys = (key(&pair.sender), key(&pair.receiver));
    pair.each_way(|world| {
        let LostBecause::Misfit { sent, takes, .. } = &world.dead[0].why else { panic!("{:?}", world.dead) };
        assert_eq!((sent, takes), (&keys.0, &keys.1));
    });
}

/// Variants match by name; one that the receiver does not know is refused, and only then.
#[test]
fn variants_match_by_name() {
    let types = "sum Shape { Empty, Square(side: Float, label: Text = \"none\"), Circle(@was(\"r\") radius: Float) }";
    let old = "sum Shape { Circle(r: Float), Triangle(a: Float), Square(side: Float), Empty, Gone }";
    let pair = |send: &str| {
        Pair::new(types, "Shape", "await_type Shape | call tell", old, &format!("{send} | call to | try_send | call tell"))
    };
    // The receiver may be as fast as the sender.
    let is_taken = |send: &str, wanted: &str| {
        pair(send).each_way(|world| {
            assert_eq!((world.printed.len(), &world.dead[..]), (2, &[][..]));
            assert!(["true", wanted].iter().all(|line| world.printed.iter().any(|printed| printed == line)), "{wanted}");
        });
    };
    is_taken("push 1.5 | new_variant Shape.Circle", "Circle(1.5)");
    is_taken("push 2.5 | new_variant Shape.Square", "Square(2.5, \"none\")");
    is_taken("new_variant Shape.Empty", "Empty");
    pair("push 1.5 | new_variant Shape.Triangle").misfits("Shape has no variant `Triangle` there");
    pair("new_variant Shape.Gone").misfits("Shape has no variant `Gone` there");
}

/// Parts are converted wherever they are: in lists, maps, options, tuples, and in each other.
#[test]
fn nested_parts_are_converted() {
    let types = "type User { name: Text, level: Int = 1 } | type All { list: List<User>, map: Map<Text, User>, some: Option<User>, none: Option<User>, pair: (Int, User), deep: Map<Int, List<Option<User>>>, same: Map<Text, Int> }";
    let old = "type User { name: Text } | type All { list: List<User>, map: Map<Text, User>, some: Option<User>, none: Option<User>, pair: (Int, User), deep: Map<Int, List<Option<User>>>, same: Map<Text, Int> }
        fn user(name: Text) -> User | load name | new User | ret | end";
    let send = "local list: List<User> | local map: Map<Text, User> | local deep: Map<Int, List<Option<User>>> | local inner: List<Option<User>> | local same: Map<Text, Int>
        list_new List<User> | store list | load list | push \"a\" | call user | list_push | load list | push \"b\" | call user | list_push
        map_new Map<Text, User> | store map | load map | push \"k\" | push \"c\" | call user | set | load map | push \"gone\" | push \"d\" | call user | set
        load map | push \"l\" | push \"e\" | call user | set | load map | push \"gone\" | map_remove | drop
        list_new List<Option<User>> | store inner | load inner | push null | list_push | load inner | push \"f\" | call user | list_push
        map_new Map<Int, List<Option<User>>> | store deep | load deep | push 7 | load inner | set | map_new Map<Text, Int> | store same | load same | push \"s\" | push 8 | set
        load list | load map | push \"g\" | call user | push null | push 5 | push \"h\" | call user | new (Int, User) | load deep | load same | new All | call to | send";
    let take = "local all: All | local m: Map<Text, User> | await_type All | store all | load all | call tell | load all | field All.map | tee m | push \"l\" | get | field User.name | call tell
        load m | push \"new\" | load m | push \"k\" | get | set | load m | len | call tell | load all | field All.list | push 1 | get | field User.level | call tell
        load all | field All.same | push \"s\" | get | call tell";
    let lines = [
        "All([User(\"a\", 1), User(\"b\", 1)], [\"k\": User(\"c\", 1), \"l\": User(\"e\", 1)], User(\"g\", 1), null, (5, User(\"h\", 1)), [7: [null, User(\"f\", 1)]], [\"s\": 8])",
        "e",
        "3",
        "1",
        "8",
    ];
    Pair::new(types, "All", take, old, send).prints(&lines);
}

/// What does not fit is found wherever it is.
#[test]
fn nested_misfits_are_found() {
    let send = "local list: List<User> | list_new List<User> | store list | load list | push \"a\" | new User | list_push | load list | new All | call to | try_send | call tell";
    let old = "type User { name: Text } | type All { list: List<User> }";
    Pair::new("type User { mail: Text } | type All { list: List<User> }", "All", "await_recv | call tell", old, send)
        .misfits("field `mail` of User is missing and has no default");
    Pair::new("type User { name: Text } | type All { list: Map<Int, User> }", "All", "await_recv | call tell", old, send)
        .misfits("field `list` of All: it is List<User>, wanted Map<Int, User>");
    // An empty list holds nothing that could not fit.
    let empty = "list_new List<User> | new All | call to | send";
    Pair::new("type User { mail: Text } | type All { list: List<User> }", "All", "await_recv | call tell", old, empty)
        .prints(&["All([])"]);
    // Keys have to be the same.
    let keys =
        "local map: Map<Key, Int> | map_new Map<Key, Int> | store map | load map | new All | call to | try_send | call tell";
    Pair::new(
        "type Key { a: Int, b: Int = 1 } | type All { map: Map<Key, Int> }",
        "All",
        "await_recv | call tell",
        "type Key { a: Int } | type All { map: Map<Key, Int> }",
        keys,
    )
    .misfits("field `map` of All: it is Map<Key, Int>, wanted Map<Key, Int>");
}

/// A circle arrives as a circle, what was shared is shared, and a long chain needs no deep stack.
#[test]
fn sharing_and_circles_are_kept() {
    let types = "object Node { var next: Option<Node>, value: Int, extra: Int = 9 } | type Two { a: Node, b: Node }";
    let old = "object Node { value: Int, var next: Option<Node> } | type Two { a: Node, b: Node }";
    let circle = "local n: Node | local m: Node | push 1 | push null | new Node | store n | push 2 | load n | new Node | store m | load n | load m | set_field Node.next | load n | load m | new Two | call to | send";
    let take = "local two: Two | await_type Two | store two | load two | field Two.a | field Node.next | unwrap | load two | field Two.b | eq | call tell
        load two | field Two.b | field Node.next | unwrap | load two | field Two.a | eq | call tell | load two | field Two.a | field Node.value | call tell
        load two | field Two.b | field Node.extra | call tell";
    Pair::new(types, "Two", take, old, circle).prints(&["true", "true", "1", "9"]);
    let chain = "local n: Option<Node> | local i: Int | push null | store n | push 0 | store i | again: | load i | load n | new Node | store n | load i | push 1 | add | tee i | push 3000 | lt | jmp_if again
        load n | unwrap | call to | send";
    let count = "local n: Option<Node> | local i: Int | push 0 | store i | await_type Node | store n
        again: | load n | is_null | jmp_if over | load n | unwrap | field Node.next | store n | load i | push 1 | add | store i | jmp again
        over: | load i | call tell";
    Pair::new(types, "Node", count, old, chain).prints(&["3000"]);
}

/// What is statically Any is converted as well, and parts that are Any stay what they are.
#[test]
fn any_is_converted_by_what_it_is() {
    let types = "type User { name: Text, level: Int = 1 } | type Box { value: Any, more: Int = 2 }";
    let old = "type User { name: Text } | type Box { value: Any } | fn any(value, to: Address) | load value | load to | send Any | ret | end";
    Pair::new(types, "User, Box", TAKE_USER, old, "push \"a\" | new User | call to | call any").prints(&["User(\"a\", 1)"]);
    let boxed = "push 2.5 | new Box | call to | send";
    Pair::new(types, "User, Box", "await_type Box | call tell", old, boxed).prints(&["Box(2.5, 2)"]);
    // A fiber without a set takes it as it was sent.
    Pair::new(
        types,
        "Any",
        "await_recv | dup | is User | call tell | call tell",
        old,
        "push \"a\" | new User | call to | send",
    )
    .prints(&["false", "User(\"a\")"]);
}

/// Long texts that are shared between fibers are held by what was converted, and given back with it.
#[test]
fn shared_texts_in_converted_values() {
    let types = "type User { name: Text, level: Int = 1 }";
    let old = "type User { name: Text } | fn large() -> Text | local t: Text | push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 200000 | lt | jmp_if grow | load t | ret | end";
    Pair::new(
        types,
        "User",
        "await_type User | field User.name | len | call tell",
        old,
        "call large | new User | call to | send",
    )
    .prints(&["262144"]);
    // Also when it does not fit in the end.
    let misfit = Pair::new(
        "type User { name: Text, mail: Text }",
        "User",
        "await_recv | call tell",
        old,
        "call large | new User | call to | send",
    );
    // The receiver lives, and so does its name.
    misfit.each_way(|world| assert_eq!((world.dead.len(), world.machine.stats().outside_bytes), (1, 64 + 5)));
}

/// DEL4: a converted message has its place in the line and in the mailbox like any other.
#[test]
fn converted_messages_keep_the_order_and_the_bounds() {
    let types = "type User { name: Text, level: Int = 1 }";
    let old = "type User { name: Text }";
    let send = "local i: Int | push 0 | store i | again: | load i | show | new User | call to | send | load i | push 1 | add | tee i | push 6 | lt | jmp_if again";
    let take = "local i: Int | push 0 | store i | again: | await_type User | field User.name | call tell | load i | push 1 | add | tee i | push 6 | lt | jmp_if again";
    let pair = Pair::new(types, "User", take, old, send);
    pair.prints(&["0", "1", "2", "3", "4", "5"]);
    pair.each_way_with(&Config { mailbox_messages_max: 2, ..Config::default() }, |world| {
        assert_eq!((world.printed.join(" ").as_str(), world.ends().len()), ("0 1 2 3 4 5", 2));
    });
}

/// DEL4: each time that such a message had to wait for room, the texts in it were held once more.
#[test]
fn shared_texts_in_converted_values_that_wait_for_room() {
    let types = "type User { name: Text, level: Int = 1 }";
    let old = "type User { name: Text } | fn large() -> Text | local t: Text | push \"0123456789abcdef\" | store t
        grow: | load t | load t | concat | tee t | len | push 200000 | lt | jmp_if grow | load t | ret | end";
    let send = "local i: Int | push 0 | store i | again: | call large | new User | call to | send | load i | push 1 | add | tee i | push 4 | lt | jmp_if again";
    let take = "local i: Int | push 0 | store i | push 2 | barrier_new | push 10 | barrier | drop
        again: | await_type User | field User.name | len | drop | load i | push 1 | add | tee i | push 4 | lt | jmp_if again";
    let config = Config { mailbox_messages_max: 1, ..Config::default() };
    Pair::new(types, "User", take, old, send).each_way_with(&config, |world| {
        assert_eq!((world.ends(), world.machine.stats().outside_bytes), (vec!["normal".to_owned(); 2], 0));
    });
}

/// DEL4: a timer's message was refused where one that is sent is converted.
#[test]
fn messages_of_timers_are_converted() {
    let send = "push \"late\" | new User | call to | push 5 | timer_once | drop";
    let take = "local user: User | await_type User | store user | load user | field User.name | call tell
        load user | field User.level | show | call tell";
    let old = "type User { name: Text }";
    Pair::new("type User { name: Text, level: Int = 1 }", "User", take, old, send).prints(&["late", "1"]);
    Pair::new("type User { name: Text, level: Int }", "User", take, old, &format!("{send} | push false | call tell"))
        .misfits("field `level` of User is missing and has no default");
}
