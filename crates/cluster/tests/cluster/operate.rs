//! What operators ask of a node, and what becomes of it.

use crate::sim::{Sim, program};
use fardel_bytecode::format;
use fardel_bytecode::verify::VerifiedModule;
use fardel_cluster::Home as _;
use fardel_cluster::operate::{Answer, FiberName, KillReason, MemberState, Question, Refusal};
use fardel_cluster::{Denial, Grants};
use fardel_vm::config::Config;
use fardel_vm::exit::ExitReason;
use fardel_vm::fiber::FiberId;
use fardel_wire::frame::Message;
use fardel_wire::id::NodeId;
use std::borrow::Cow;

const SECOND: u64 = 1_000_000_000;

/// `main` answers requests, counts texts in `kv`, and ends at 0; `other` waits.
const PROGRAM: &str = "export main | export other | export asks
type Ask { reply: Ref, number: Int }
type Get { reply_to: Address }
fn main()
    local message: Any | local ask: Ask
    push \"kv\" | self | register Any | drop
again: | await_recv | tee message | is Ask | jmp_if replies
    load message | is Get | jmp_if answers
    load message | is Int | jmp_if ends | load message | call tell | jmp again
replies: | load message | cast Ask | store ask
    load ask | field Ask.number | push 1 | add | load ask | field Ask.reply | reply | jmp again
answers: | push \"got\" | load message | cast Get | field Get.reply_to | send | jmp again
ends: | push 1 | push 0 | div | drop | ret
end
fn other() receives Bool | await_recv | drop | ret | end
fn asks(n: Int) | load n | call tell | ret | end";

/// Two nodes, the first of which administers the second; and the fiber in `main` there.
fn cluster() -> (Sim, VerifiedModule, FiberId) {
    let module = program(PROGRAM);
    let mut sim = Sim::new(2, Config::default());
    let operator = sim.nodes[0].id;
    sim.nodes[1].router.grant(operator, Grants { administer: true, ..Grants::MEMBER });
    let fiber = sim.start(1, &module, "main");
    sim.run();
    (sim, module, fiber)
}

fn begin(sim: &mut Sim, question: &Question) {
    let (now, to) = (sim.now, sim.nodes[1].id);
    let node = &mut sim.nodes[0];
    node.router.ask_node(now, to, question, &mut node.peers).expect("the question is short");
}

#[track_caller]
fn answer(sim: &mut Sim) -> Answer {
    for _ in 0..200 {
        if let Some((_, answer)) = sim.nodes[0].router.poll_answer() {
            return answer;
        }
        sim.run_for(SECOND / 10);
    }
    panic!("there is no answer")
}

#[track_caller]
fn ask(sim: &mut Sim, question: &Question) -> Answer {
    begin(sim, question);
    answer(sim)
}

#[track_caller]
fn refused(answer: Answer, wanted: Refusal, told: &str) {
    let Answer::Refused(why, text) = answer else { panic!("{answer:?}") };
    assert!(why == wanted && text.contains(told), "{why:?}: {told:?} is not in {text:?}");
}

fn named(name: &str) -> FiberName {
    FiberName::of(name)
}

fn send(to: &str, value: &str) -> Question {
    Question::Send { to: named(to), value: value.to_owned() }
}

fn call(value: &str, time_ms: u64) -> Question {
    Question::Call { to: named("kv"), value: value.to_owned(), time_ms }
}

#[test]
fn a_node_tells_of_its_members_and_fibers() {
    let (mut sim, module, _) = cluster();
    let Answer::Members(members) = ask(&mut sim, &Question::Members) else { panic!("there are members") };
    let seen: Vec<_> = members.iter().map(|row| (row.name.as_str(), row.address.as_str(), row.state)).collect();
    // One that was not introduced has told no address.
    assert_eq!(seen, [("n0", "", MemberState::Connected), ("n1", "n1", MemberState::Itself)]);
    for _ in 0..4 {
        sim.start(1, &module, "other");
    }
    sim.run();
    let page = |sim: &mut Sim, start, limit| {
        let Answer::Fibers(page) = ask(sim, &Question::Fibers { start, limit }) else { panic!("there are fibers") };
        page
    };
    let all = page(&mut sim, 0, u32::MAX);
    assert_eq!((all.fibers.len(), all.alive), (5, 5));
    assert_eq!((all.fibers[0].names.as_slice(), all.fibers[0].state.as_str()), (&["kv".to_owned()][..], "receiving"));
    let place = all.fibers[1].place.clone().expect("it is in its code");
    assert_eq!((place.function.as_str(), place.file.as_str()), ("other", "a.fda"));
    // In pages it is the same.
    let (mut start, mut together) = (0, Vec::new());
    loop {
        let part = page(&mut sim, start, 2);
        assert!(part.fibers.len() <= 2);
        together.extend(part.fibers);
        match part.next {
            Some(next) if next > start => start = next,
            Some(next) => panic!("page {next} comes after {start}"),
            None => break,
        }
    }
    assert_eq!(together, all.fibers);
}

/// Whoever has no name asks something and goes: nobody is told of it, and nothing is kept of it.
#[test]
fn a_guest_is_no_member() {
    let (mut sim, _, _) = cluster();
    let mut guest = sim.nodes[0].peers.local().node.clone();
    (guest.id, guest.name) = (NodeId([9; 16]), String::new());
    let node = &mut sim.nodes[1];
    let before = node.home.machine.stats();
    node.router.established(0, &guest, &mut node.home, &mut node.peers);
    assert!(node.router.members().all(|(id, _)| id != guest.id));
    node.router.lost(guest.id, &mut node.home);
    node.router.forget_guest(guest.id, &mut node.home);
    assert_eq!(node.home.machine.stats().fibers_live, before.fibers_live);
    assert!(node.peers.session(guest.id).is_none(), "nothing was said to it");
}

#[test]
fn a_close_look_shows_mailbox_ties_and_stack() {
    let module = program(
        "export main
fn main() | spawn deaf | link | spawn deaf | monitor | drop | push true | call deeper | ret | end
fn deeper(x: Bool) | await_type Text | drop | ret | end",
    );
    let mut sim = Sim::new(2, Config::default());
    let operator = sim.nodes[0].id;
    sim.nodes[1].router.grant(operator, Grants { administer: true, ..Grants::MEMBER });
    let fiber = sim.start(1, &module, "main");
    sim.run();
    let name = format!("{}.{}", fiber.slot, fiber.generation);
    assert_eq!(ask(&mut sim, &send(&name, "5")), Answer::Done);
    assert_eq!(ask(&mut sim, &send(&name, "[true]")), Answer::Done);
    let Answer::Fiber(report) = ask(&mut sim, &Question::Inspect { fiber: named(&name) }) else { panic!("it is there") };
    assert_eq!(report.mailbox.items, ["Int", "List<Any>"]);
    assert_eq!((report.fiber.messages, report.fiber.state.as_str()), (2, "receiving"));
    assert_eq!((report.links.items.as_slice(), report.links.count), (&["n1/1.1".to_owned()][..], 1));
    assert_eq!(report.watches.items, ["n1/2.1"]);
    let stack: Vec<_> = report.stack.iter().map(|call| (call.function.as_str(), call.file.as_str())).collect();
    assert_eq!(stack, [("deeper", "a.fda"), ("main", "a.fda")]);
    assert!(report.stack.iter().all(|call| call.line > 1));
    assert!(report.heap_bytes > 0 && report.stack_bytes > 0 && report.heap_bytes < report.fiber.memory_bytes);
    assert_eq!(report.memory_bytes_max, Config::default().fiber_memory_bytes_max);
    assert_eq!((report.takes.as_str(), report.is_stack_cut), ("Any", false));
}

#[test]
fn a_message_fits_its_receiver_or_is_refused() {
    let (mut sim, module, _) = cluster();
    let other = sim.start(1, &module, "other");
    assert_eq!(ask(&mut sim, &send("kv", "\"hello\"")), Answer::Done);
    sim.run();
    assert_eq!(sim.nodes[1].home.printed, ["hello"]);
    let other = format!("{}.{}", other.slot, other.generation);
    refused(ask(&mut sim, &send(&other, "1")), Refusal::BadValue, "takes Bool, not Int");
    refused(ask(&mut sim, &send(&other, "{")), Refusal::BadValue, "this is not JSON");
    refused(ask(&mut sim, &send("kw", "1")), Refusal::NoFiber, "no fiber has the name `kw`");
    assert_eq!(ask(&mut sim, &send(&other, "true")), Answer::Done);
    sim.run();
    refused(ask(&mut sim, &send(&other, "true")), Refusal::NoFiber, "or it has ended");
}

#[test]
fn a_call_ends_in_a_reply_an_end_or_in_time() {
    let (mut sim, _, fiber) = cluster();
    let places = sim.nodes[1].home.machine.stats();
    let token = "{\"$type\": \"Ask\", \"reply\": {\"$reply\": \"token\"}, \"number\": 41}";
    assert_eq!(ask(&mut sim, &call(token, 1_000)), Answer::Reply("42".to_owned()));
    let address = "{\"$type\": \"Get\", \"reply_to\": {\"$reply\": \"address\"}}";
    assert_eq!(ask(&mut sim, &call(address, 1_000)), Answer::Reply("\"got\"".to_owned()));
    // Its looking for the fiber's end is the node's own matter.
    let Answer::Fiber(report) = ask(&mut sim, &Question::Inspect { fiber: named("kv") }) else { panic!("it is there") };
    assert_eq!((report.watched_by.items.len(), report.watched_by.count), (0, 0));
    refused(ask(&mut sim, &call("1.5", 1_000)), Refusal::BadValue, "does not say where the reply goes");
    let silent = "[{\"$reply\": \"token\"}]";
    let asked_at = sim.now;
    refused(ask(&mut sim, &call(silent, 2_000)), Refusal::Timeout, "no reply came in time");
    assert!((2 * SECOND..3 * SECOND).contains(&(sim.now - asked_at)));
    begin(&mut sim, &call(silent, 1_000_000));
    assert_eq!(ask(&mut sim, &send("kv", "0")), Answer::Done);
    refused(answer(&mut sim), Refusal::Ended, "it ended before it replied: error");
    assert!(!sim.nodes[1].home.machine.is_alive(fiber));
    assert_eq!(sim.nodes[1].home.machine.stats().fibers_live, places.fibers_live - 1, "no place of a call is left");
}

/// The places of calls whose node is lost are free again.
#[test]
fn a_lost_operator_leaves_no_calls() {
    let (mut sim, _, _) = cluster();
    for _ in 0..300 {
        begin(&mut sim, &call("[{\"$reply\": \"token\"}]", 1_000_000));
    }
    sim.run_for(SECOND);
    // More than there may be are refused at once.
    let refusals = std::iter::from_fn(|| sim.nodes[0].router.poll_answer()).count();
    assert_eq!(refusals, 300 - fardel_cluster::limits::CALLS_MAX);
    let operator = sim.nodes[0].id;
    let node = &mut sim.nodes[1];
    node.router.lost(operator, &mut node.home);
    begin(&mut sim, &call("[{\"$reply\": \"token\"}]", 1_000_000));
    sim.run_for(SECOND);
    assert_eq!(sim.nodes[0].router.poll_answer(), None, "there is room for another one");
}

#[test]
fn a_fiber_is_ended() {
    let (mut sim, _, fiber) = cluster();
    let kill = Question::Kill { fiber: named("kv"), reason: KillReason::Kill };
    assert_eq!(ask(&mut sim, &kill), Answer::Done);
    sim.run();
    assert_eq!(sim.nodes[1].home.ended, [(fiber, ExitReason::Killed)]);
    refused(ask(&mut sim, &kill), Refusal::NoFiber, "no fiber has the name `kv`");
}

#[test]
fn a_fiber_is_started_with_arguments() {
    let (mut sim, module, _) = cluster();
    let (to, hash) = (sim.nodes[1].id, format::hash(module.module()));
    sim.nodes[0].home.load(&module).expect("it loads");
    let place = module.module().functions.iter().position(|known| known.name == "asks").expect("it is there") as u32;
    let mut start = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|text| (*text).to_owned()).collect();
        let now = sim.now;
        let node = &mut sim.nodes[0];
        let begun = node.router.ask_start(now, to, hash, place, &args, &mut node.home, &mut node.peers);
        begun.map(|_| answer(&mut sim))
    };
    assert!(matches!(start(&["5"]), Ok(Answer::Started(..))));
    assert!(start(&["\"x\""]).is_err_and(|told| told.contains("`asks` takes Int, not Text")));
    assert!(start(&["x"]).is_err_and(|told| told.contains("this is not JSON")));
    sim.run();
    assert_eq!(sim.nodes[1].home.printed, ["5"]);
}

/// NOD9: whoever may not administer learns nothing, and changes nothing.
#[test]
fn without_the_grant_nothing_is_answered() {
    let (mut sim, _, fiber) = cluster();
    let operator = sim.nodes[0].id;
    sim.nodes[1].router.grant(operator, Grants::MEMBER);
    let fibers = Question::Fibers { start: 0, limit: 1 };
    let kill = Question::Kill { fiber: named("kv"), reason: KillReason::Kill };
    for question in [fibers, kill, send("kv", "1"), Question::Inspect { fiber: named("kv") }] {
        refused(ask(&mut sim, &question), Refusal::Denied, "does not let you administer it");
    }
    assert!(sim.nodes[1].home.machine.is_alive(fiber));
    assert_eq!(sim.nodes[1].router.stats().denied, 4);
    assert_eq!(sim.nodes[1].router.poll_denial(), Some((operator, Denial::Administer)));
    assert_eq!(sim.nodes[1].router.poll_denial(), None);
    // Who belongs to the cluster everybody may know who speaks with it.
    assert!(matches!(ask(&mut sim, &Question::Members), Answer::Members(_)));
    sim.nodes[1].router.grant(operator, Grants::NONE);
    refused(ask(&mut sim, &Question::Members), Refusal::Denied, "does not let you administer it");
}

#[test]
fn bytes_that_are_no_question_are_answered_and_counted() {
    let (mut sim, _, _) = cluster();
    let operator = sim.nodes[0].id;
    let bodies: [&[u8]; 6] = [&[], &[0xc0], b"\xa7members!", b"\xa5other", &[0x91; 60_000], &[0xdf, 255, 255, 255, 255]];
    for body in bodies {
        let node = &mut sim.nodes[1];
        let ask = Message::Ask { request: 1, body: Cow::Borrowed(body) };
        node.router.message(0, operator, ask, &mut node.home, &mut node.peers);
    }
    assert_eq!(sim.nodes[1].router.stats().malformed, 6);
    // An answer that nobody has asked for is denied.
    let unasked = Message::Answer { request: 99, body: Cow::Borrowed(b"\xa4done") };
    let (peer, before) = (sim.nodes[1].id, node_denied(&sim));
    let node = &mut sim.nodes[0];
    node.router.message(0, peer, unasked, &mut node.home, &mut node.peers);
    assert_eq!(node_denied(&sim), before + 1);
    sim.run();
    assert_eq!(sim.nodes[0].router.poll_answer(), None);
}

fn node_denied(sim: &Sim) -> u64 {
    sim.nodes[0].router.stats().denied
}

/// Whoever asks and takes no answers gets none at some time, and holds up nobody.
#[test]
fn answers_that_nobody_takes_are_dropped() {
    let (mut sim, module, _) = cluster();
    for _ in 0..150 {
        sim.start(1, &module, "other");
    }
    ask(&mut sim, &Question::Members);
    let operator = sim.nodes[0].id;
    let body = [&[0x81, 0xa6][..], b"fibers", &[0x82, 0xa5], b"start", &[0, 0xa5], b"limit", &[0xcc, 200]].concat();
    for request in 0..1_000 {
        let now = sim.now;
        let node = &mut sim.nodes[1];
        let ask = Message::Ask { request, body: Cow::Borrowed(&body) };
        node.router.message(now, operator, ask, &mut node.home, &mut node.peers);
    }
    assert!(sim.nodes[1].router.stats().dropped > 0);
    assert!(!sim.nodes[1].router.is_congested());
    let held: usize = sim.nodes[1].peers.sessions().map(|(_, session)| session.held_bytes()).sum();
    assert!(held < 5 << 20, "{held}");
}
