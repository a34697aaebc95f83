//! Random programs of fibers against a slow, plain model of mailboxes, links, monitors and names.
//!
//! Each fiber carries out a list of steps, one a turn, and tells the outside what came of it. The model does the same
//! steps with plain lists, in the order in which a queue of fibers takes turns. Mailboxes hold few messages, so that
//! senders wait, and are woken, all the time.

use crate::support::module;
use fardel::bytecode::verify::VerifiedModule;
use fardel::vm::config::{Config, Dispatch, Lowering};
use fardel::vm::door::{HostTable, Output};
use fardel::vm::fiber::FiberId;
use fardel::vm::machine::{Machine, Run};
use fardel::vm::value::Value;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

const FIBERS: usize = 5;
const MAILBOX: usize = 3;

/// One step of a fiber. Numbers are of fibers, values or names.
#[derive(Clone, Debug)]
enum Step {
    Send(usize, i64),
    TrySend(usize, i64),
    Poll,
    AwaitInt,
    /// Takes the first Int that is a multiple of the number, if there is one.
    Select(i64),
    Link(usize),
    Unlink(usize),
    Monitor(usize),
    Demonitor(usize),
    Trap(bool),
    Register(usize, usize),
    Unregister(usize),
    Whereis(usize),
    Wait(usize),
    ExitOther(usize, Why),
    Exit(Why),
    Nothing,
}

/// A reason to exit with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    Normal,
    Shutdown,
    Kill,
    Value(i64),
}

impl Why {
    fn push(self) -> String {
        match self {
            Why::Normal => "push null".to_owned(),
            Why::Shutdown => "push \"shutdown\"".to_owned(),
            Why::Kill => "push \"kill\"".to_owned(),
            Why::Value(number) => format!("push {number}"),
        }
    }
}

fn why() -> impl Strategy<Value = Why> {
    prop_oneof![Just(Why::Normal), Just(Why::Shutdown), Just(Why::Kill), (0..9i64).prop_map(Why::Value)]
}

fn step() -> impl Strategy<Value = Step> {
    let fiber = || 0..FIBERS;
    let name = || 0..3usize;
    prop_oneof![
        6 => (fiber(), 0..20i64).prop_map(|(to, value)| Step::Send(to, value)),
        2 => (fiber(), 0..20i64).prop_map(|(to, value)| Step::TrySend(to, value)),
        3 => Just(Step::Poll),
        2 => Just(Step::AwaitInt),
        2 => (2..4i64).prop_map(Step::Select),
        2 => fiber().prop_map(Step::Link),
        1 => fiber().prop_map(Step::Unlink),
        2 => fiber().prop_map(Step::Monitor),
        1 => fiber().prop_map(Step::Demonitor),
        1 => any::<bool>().prop_map(Step::Trap),
        1 => (name(), fiber()).prop_map(|(name, fiber)| Step::Register(name, fiber)),
        1 => name().prop_map(Step::Unregister),
        1 => name().prop_map(Step::Whereis),
        1 => fiber().prop_map(Step::Wait),
        1 => (fiber(), why()).prop_map(|(fiber, why)| Step::ExitOther(fiber, why)),
        1 => why().prop_map(Step::Exit),
        1 => Just(Step::Nothing),
    ]
}

// The program.

/// What the steps have in common.
const COMMON: &str = "system Down, Exit
fn say(port: Address, own: Int, at: Int, what: Text)
    load own | show | push \".\" | concat | load at | show | concat | push \" \" | concat | load what | concat
    send port | ret
end
fn told(message) -> Text
    local down: Down | local exit: Exit
    load message | is Down | jmp_unless other
    load message | cast Down | store down
    push \"Down \" | load down | field Down.fiber | show | concat | push \" \" | concat
    load down | field Down.reason | call reason | concat | ret
other: load message | is Exit | jmp_unless plain
    load message | cast Exit | store exit
    push \"Exit \" | load exit | field Exit.fiber | show | concat | push \" \" | concat
    load exit | field Exit.reason | call reason | concat | ret
plain: load message | show | ret
end
fn reason(reason: Reason) -> Text
    load reason | tag Reason | push 2 | eq | jmp_unless plain
    push \"with \" | load reason | payload Reason.ShutdownWith.value | show | concat | ret
plain: load reason | tag Reason | show | ret
end
fn first_multiple(number: Int) -> Text
    local found: Option<Int> | local value: Int
    push null | select_from
again: push 0 | select_peek_until Int | store found
    load found | is_null | jmp_if none
    load found | unwrap | store value
    load value | load number | rem | push 0 | eq | jmp_if take
    select_next | jmp again
take: select_take | load value | show | ret
none: push \"none\" | ret
end
";

fn code(own: usize, steps: &[Step]) -> String {
    let mut code = format!(
        "export f{own}\nfn f{own}(port: Address, peers: List<Address>)\n    local monitors: List<Any> | local what: Text\n    \
         list_new List<Any> | store monitors\n"
    );
    for _ in 0..FIBERS {
        code += "    load monitors | push null | list_push\n";
    }
    for (at, step) in steps.iter().enumerate() {
        let peer = |fiber: &usize| format!("load peers | push {fiber} | get");
        let body = match step {
            Step::Send(to, value) => format!("push {value} | {} | send | push \"sent\"", peer(to)),
            Step::TrySend(to, value) => format!("push {value} | {} | try_send | show", peer(to)),
            Step::Poll => "poll | call polled".to_owned(),
            Step::AwaitInt => "await_type Int | show".to_owned(),
            Step::Select(number) => format!("push {number} | call first_multiple"),
            Step::Link(to) => format!("{} | link | push \"linked\"", peer(to)),
            Step::Unlink(to) => format!("{} | unlink | push \"unlinked\"", peer(to)),
            Step::Monitor(to) => {
                let drop_old = format!("load monitors | push {to} | get | call demonitor_any");
                format!("{drop_old} | load monitors | push {to} | {} | monitor | set | push \"watches\"", peer(to))
            }
            Step::Demonitor(to) => format!("load monitors | push {to} | get | call demonitor_any | push \"unwatched\""),
            Step::Trap(traps) => format!("push {traps} | trap_exits | push \"trap\""),
            Step::Register(name, to) => format!("push \"n{name}\" | {} | register Any | show", peer(to)),
            Step::Unregister(name) => format!("push \"n{name}\" | unregister | show"),
            Step::Whereis(name) => format!("push \"n{name}\" | whereis Any | show"),
            Step::Wait(to) if *to == own => "push \"self\"".to_owned(),
            Step::Wait(to) => format!("{} | push 0 | wait | call waited", peer(to)),
            Step::ExitOther(to, why) => format!("{} | {} | exit_other | push \"signalled\"", why.push(), peer(to)),
            Step::Exit(why) => format!("{} | exit", why.push()),
            Step::Nothing => "push \"nothing\"".to_owned(),
        };
        let _ = writeln!(code, "    {body}");
        if !matches!(step, Step::Exit(_)) {
            let _ = write!(code, "    store what | load port | push {own} | push {at} | load what | call say\n    yield\n");
        } else {
            // What is behind an exit is never reached.
            return code + "end\n";
        }
    }
    code + "    ret\nend\n"
}

fn program(steps: &[Vec<Step>]) -> VerifiedModule {
    let mut source = COMMON.to_owned();
    source += "fn polled(option: Option<Any>) -> Text\n load option | is_null | jmp_if none\n load option | unwrap | call told \
               | ret\nnone: push \"none\" | ret\nend\n";
    source += "fn waited(option: Option<Any>) -> Text\n load option | is_null | jmp_if none\n load option | unwrap | cast \
               Reason | call reason | ret\nnone: push \"none\" | ret\nend\n";
    source += "fn demonitor_any(monitor)\n load monitor | is_null | jmp_if none\n load monitor | cast Ref | demonitor\nnone: \
               ret\nend\n";
    for (own, steps) in steps.iter().enumerate() {
        source += &code(own, steps);
    }
    module(&source)
}

fn id(fiber: usize) -> FiberId {
    // The port has the first place.
    FiberId { slot: fiber as u32 + 1, generation: 1 }
}

/// What the machine tells, a line each.
fn machine_tells(module: &VerifiedModule, config: Config) -> Vec<String> {
    let mut machine = Machine::new(config);
    let mut hosts = HostTable::default();
    let text =
        fardel::vm::door::HostSignature { params: vec![fardel::vm::door::HostType::Text], result: None, draws: false };
    hosts.add("io.print", text);
    let hash = machine.load(module, &hosts).expect("the module loads");
    let port = machine.open_port().expect("a port");
    let peers = Value::List((0..FIBERS).map(|fiber| Value::Address(id(fiber))).collect());
    for own in 0..FIBERS {
        let args = [Value::Address(port), peers.clone()];
        let fiber = machine.spawn(hash, &format!("f{own}"), &args).expect("it starts");
        assert_eq!(fiber, id(own));
    }
    let mut lines = Vec::new();
    for _ in 0..10_000 {
        let run = machine.run(1);
        while let Some(output) = machine.poll_output() {
            match &output {
                Output::Message { value: Value::Text(line), .. } => lines.push(line.clone()),
                Output::Exited { fiber, reason, .. } => lines.push(format!("{} ended: {reason}", fiber.slot - 1)),
                Output::Message { .. }
                | Output::HostCall { .. }
                | Output::DeadLetter(_)
                | Output::Signal { .. }
                | Output::Watch { .. }
                | Output::Gone { .. }
                | Output::Room { .. }
                | Output::Spawn { .. }
                | Output::Claim(_) => panic!("{output:?}"),
            }
        }
        if run == Run::Idle {
            let alive: Vec<u32> = machine.fibers().skip(1).map(|fiber| fiber.slot - 1).collect();
            lines.push(format!("alive: {alive:?}, dead letters: {}", machine.stats().dead_letters));
            assert_eq!(machine.stats().names, machine.stats().names.min(3));
            return lines;
        }
    }
    panic!("the program does not end");
}

// The model.

#[derive(Clone, PartialEq, Debug)]
enum Mail {
    Int(i64),
    Down(usize, Ended),
    /// The bool: whether a link sent it.
    Exit(usize, Ended, bool),
}

/// A reason as programs see it: the number of the variant, or the value of `shutdown(value)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ended {
    Plain(u32),
    With(i64),
}

const NORMAL: Ended = Ended::Plain(0);
const SHUTDOWN: Ended = Ended::Plain(1);
const KILL: Ended = Ended::Plain(3);
const KILLED: Ended = Ended::Plain(4);
const NOPROC: Ended = Ended::Plain(5);
const OVERFLOW: Ended = Ended::Plain(11);

impl Ended {
    fn of(why: Why) -> Ended {
        match why {
            Why::Normal => NORMAL,
            Why::Shutdown => SHUTDOWN,
            Why::Kill => KILL,
            Why::Value(value) => Ended::With(value),
        }
    }

    /// As programs print it.
    fn printed(self) -> String {
        match self {
            Ended::Plain(number) => number.to_string(),
            Ended::With(value) => format!("with {value}"),
        }
    }

    /// As the machine tells it outside.
    fn told(self) -> String {
        match self {
            NORMAL => "normal".to_owned(),
            SHUTDOWN => "shutdown".to_owned(),
            KILL => "kill".to_owned(),
            KILLED => "killed".to_owned(),
            NOPROC => "noproc".to_owned(),
            OVERFLOW => "mailbox_overflow".to_owned(),
            Ended::Plain(number) => panic!("no fiber ends with {number} here"),
            Ended::With(value) => format!("shutdown(Int({value}))"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Waits {
    Runs,
    ForInt,
    ForRoom,
}

#[derive(Default, Debug)]
struct Plain {
    mail: Vec<Mail>,
    links: BTreeSet<usize>,
    /// Whom it watches.
    watches: BTreeSet<usize>,
    traps: bool,
    dead: bool,
    doom: Option<Ended>,
    next: usize,
    waits: Option<Waits>,
    /// What it was given while it waited: that is taken already.
    given: Option<i64>,
    waiters: VecDeque<usize>,
    reserved: usize,
    granted: Option<usize>,
}

struct Model<'a> {
    steps: &'a [Vec<Step>],
    fibers: Vec<Plain>,
    queue: VecDeque<usize>,
    names: BTreeMap<usize, usize>,
    dead_letters: u64,
    lines: Vec<String>,
}

impl Model<'_> {
    fn waits(&self, fiber: usize) -> Waits {
        self.fibers[fiber].waits.unwrap_or(Waits::Runs)
    }

    fn wake(&mut self, fiber: usize) {
        self.fibers[fiber].waits = None;
        self.queue.push_back(fiber);
    }

    fn sent(&self, fiber: usize) -> usize {
        self.fibers[fiber].mail.iter().filter(|mail| matches!(mail, Mail::Int(_))).count()
    }

    /// Puts a message into a mailbox, whatever it holds already.
    fn put(&mut self, to: usize, mail: Mail) {
        if let Mail::Int(value) = mail
            && self.waits(to) == Waits::ForInt
        {
            self.fibers[to].given = Some(value);
            self.wake(to);
            return;
        }
        self.fibers[to].mail.push(mail);
    }

    fn grant(&mut self, fiber: usize, now: bool) {
        let taken = self.sent(fiber) + self.fibers[fiber].reserved;
        if !now && taken > MAILBOX / 2 {
            return;
        }
        for _ in taken..MAILBOX {
            let Some(waiter) = self.fibers[fiber].waiters.pop_front() else { return };
            self.fibers[waiter].granted = Some(fiber);
            self.fibers[fiber].reserved += 1;
            self.wake(waiter);
        }
    }

    /// Whether a message to a mailbox was taken; nothing when the sender has to wait.
    fn post(&mut self, from: usize, to: usize, value: i64, may_wait: bool) -> Option<bool> {
        let granted = self.fibers[from].granted.take().is_some();
        if self.fibers[to].dead {
            self.dead_letters += 1;
            return Some(false);
        }
        if granted {
            self.fibers[to].reserved -= 1;
        }
        let count = self.sent(to);
        let receiver = &self.fibers[to];
        let is_let_in = receiver.waiters.is_empty() && (count + receiver.reserved < MAILBOX || receiver.mail.is_empty());
        if self.waits(to) != Waits::ForInt && !granted && !is_let_in {
            if may_wait && from != to {
                self.fibers[to].waiters.push_back(from);
            }
            return if may_wait { None } else { Some(false) };
        }
        self.put(to, Mail::Int(value));
        Some(true)
    }

    fn took(&mut self, fiber: usize) {
        self.grant(fiber, false);
    }

    fn doom(&mut self, fiber: usize, ended: Ended) {
        if self.fibers[fiber].doom.is_some() {
            return;
        }
        self.fibers[fiber].doom = Some(ended);
        if self.waits(fiber) != Waits::Runs {
            if self.waits(fiber) == Waits::ForRoom {
                for other in &mut self.fibers {
                    other.waiters.retain(|waiter| *waiter != fiber);
                }
            }
            self.wake(fiber);
        }
    }

    fn end(&mut self, fiber: usize, ended: Ended) {
        self.fibers[fiber].dead = true;
        self.lines.push(format!("{fiber} ended: {}", ended.told()));
        if let Some(to) = self.fibers[fiber].granted.take()
            && !self.fibers[to].dead
        {
            self.fibers[to].reserved -= 1;
            self.grant(to, true);
        }
        self.names.retain(|_, holder| *holder != fiber);
        // What others have sent and nobody will take is lost; what the machine has sent is nobody's letter.
        self.dead_letters += self.sent(fiber) as u64;
        self.fibers[fiber].mail.clear();
        for waiter in std::mem::take(&mut self.fibers[fiber].waiters) {
            self.wake(waiter);
        }
        for peer in std::mem::take(&mut self.fibers[fiber].links) {
            self.fibers[peer].links.remove(&fiber);
            if self.fibers[peer].traps {
                self.put(peer, Mail::Exit(fiber, ended, true));
            } else if ended != NORMAL {
                self.doom(peer, ended);
            }
        }
        for watcher in 0..FIBERS {
            if !self.fibers[watcher].dead && self.fibers[watcher].watches.remove(&fiber) {
                self.put(watcher, Mail::Down(fiber, ended));
            }
        }
    }

    fn turn(&mut self, fiber: usize) {
        if let Some(ended) = self.fibers[fiber].doom {
            self.end(fiber, ended);
            return;
        }
        let at = self.fibers[fiber].next;
        let Some(step) = self.steps[fiber].get(at).cloned() else {
            self.end(fiber, NORMAL);
            return;
        };
        match self.carry_out(fiber, &step) {
            Done::Says(what) => {
                self.lines.push(format!("{fiber}.{at} {what}"));
                self.fibers[fiber].next += 1;
                self.queue.push_back(fiber);
            }
            Done::Waits(waits) => {
                self.fibers[fiber].waits = Some(waits);
                if waits == Waits::ForInt {
                    self.grant(fiber, true);
                }
            }
            Done::Ends(ended) => self.end(fiber, ended),
        }
    }

    fn carry_out(&mut self, own: usize, step: &Step) -> Done {
        match *step {
            Step::Send(to, value) => match self.post(own, to, value, true) {
                Some(_) => Done::says("sent"),
                None if to == own => Done::Ends(OVERFLOW),
                None => Done::Waits(Waits::ForRoom),
            },
            Step::TrySend(to, value) => {
                let taken = self.post(own, to, value, false) == Some(true);
                Done::Says(taken.to_string())
            }
            Step::Poll => {
                if self.fibers[own].mail.is_empty() {
                    return Done::says("none");
                }
                let mail = self.fibers[own].mail.remove(0);
                self.took(own);
                Done::Says(match mail {
                    Mail::Int(value) => value.to_string(),
                    Mail::Down(fiber, ended) => format!("Down {} {}", id(fiber), ended.printed()),
                    Mail::Exit(fiber, ended, _) => format!("Exit {} {}", id(fiber), ended.printed()),
                })
            }
            Step::AwaitInt => {
                let given = self.fibers[own].given.take().map(|value| value.to_string());
                given.or_else(|| self.take(own, |_| true)).map_or(Done::Waits(Waits::ForInt), Done::Says)
            }
            Step::Select(number) => {
                let found = self.take(own, |value| value % number == 0);
                Done::Says(found.unwrap_or("none".to_owned()))
            }
            Step::Link(to) if to == own => Done::says("linked"),
            Step::Link(to) if self.fibers[to].dead => {
                if !self.fibers[own].traps {
                    return Done::Ends(NOPROC);
                }
                self.put(own, Mail::Exit(to, NOPROC, true));
                Done::says("linked")
            }
            Step::Link(to) => {
                self.fibers[own].links.insert(to);
                self.fibers[to].links.insert(own);
                Done::says("linked")
            }
            Step::Unlink(to) => {
                self.fibers[own].links.remove(&to);
                self.fibers[to].links.remove(&own);
                let mail = &mut self.fibers[own].mail;
                if let Some(at) = mail.iter().position(|mail| matches!(mail, Mail::Exit(from, _, true) if *from == to)) {
                    mail.remove(at);
                }
                Done::says("unlinked")
            }
            Step::Monitor(to) => {
                self.demonitor(own, to);
                if self.fibers[to].dead {
                    self.put(own, Mail::Down(to, NOPROC));
                } else {
                    self.fibers[own].watches.insert(to);
                }
                Done::says("watches")
            }
            Step::Demonitor(to) => {
                self.demonitor(own, to);
                Done::says("unwatched")
            }
            Step::Trap(traps) => {
                self.fibers[own].traps = traps;
                Done::says("trap")
            }
            Step::Register(name, to) => {
                let is_free = !self.names.contains_key(&name);
                if is_free && !self.fibers[to].dead {
                    self.names.insert(name, to);
                }
                Done::Says(is_free.to_string())
            }
            Step::Unregister(name) => Done::Says(self.names.remove(&name).is_some().to_string()),
            Step::Whereis(name) => {
                Done::Says(self.names.get(&name).map_or("null".to_owned(), |fiber| id(*fiber).to_string()))
            }
            Step::Wait(to) if to == own => Done::says("self"),
            Step::Wait(to) => Done::Says(if self.fibers[to].dead { NOPROC.printed() } else { "none".to_owned() }),
            Step::ExitOther(to, why) => self.exit_other(own, to, why),
            Step::Exit(why) => Done::Ends(Ended::of(why)),
            Step::Nothing => Done::says("nothing"),
        }
    }

    fn exit_other(&mut self, own: usize, to: usize, why: Why) -> Done {
        let (ended, traps) = (Ended::of(why), self.fibers[to].traps);
        if to == own && !(traps && why != Why::Kill) {
            return Done::Ends(if why == Why::Kill { KILLED } else { ended });
        }
        if !self.fibers[to].dead {
            if why == Why::Kill {
                self.doom(to, KILLED);
            } else if traps {
                self.put(to, Mail::Exit(own, ended, false));
            } else if why != Why::Normal {
                self.doom(to, ended);
            }
        }
        Done::says("signalled")
    }

    /// Takes the first Int that is wanted.
    fn take(&mut self, own: usize, wanted: impl Fn(i64) -> bool) -> Option<String> {
        let is_it = |mail: &Mail| matches!(mail, Mail::Int(value) if wanted(*value));
        let at = self.fibers[own].mail.iter().position(is_it)?;
        let mail = self.fibers[own].mail.remove(at);
        self.took(own);
        if let Mail::Int(value) = mail { Some(value.to_string()) } else { None }
    }

    fn demonitor(&mut self, own: usize, to: usize) {
        self.fibers[own].watches.remove(&to);
        let mail = &mut self.fibers[own].mail;
        if let Some(at) = mail.iter().position(|mail| matches!(mail, Mail::Down(fiber, _) if *fiber == to)) {
            mail.remove(at);
        }
    }
}

/// What came of a step.
enum Done {
    Says(String),
    Waits(Waits),
    Ends(Ended),
}

impl Done {
    fn says(what: &str) -> Done {
        Done::Says(what.to_owned())
    }
}

fn model_tells(steps: &[Vec<Step>]) -> Vec<String> {
    let fibers = (0..FIBERS).map(|_| Plain::default()).collect();
    let queue = (0..FIBERS).collect();
    let mut model = Model { steps, fibers, queue, names: BTreeMap::new(), dead_letters: 0, lines: Vec::new() };
    while let Some(fiber) = model.queue.pop_front() {
        model.turn(fiber);
    }
    let alive: Vec<usize> = (0..FIBERS).filter(|fiber| !model.fibers[*fiber].dead).collect();
    model.lines.push(format!("alive: {alive:?}, dead letters: {}", model.dead_letters));
    model.lines
}

proptest! {
    #![proptest_config(crate::properties::config(400))]

    #[test]
    fn random_programs_do_what_the_plain_model_does(
        steps in prop::collection::vec(prop::collection::vec(step(), 0..14), FIBERS)
    ) {
        let module = program(&steps);
        let wanted = model_tells(&steps);
        for (lowering, dispatch) in [(Lowering::Fused, Dispatch::Tail), (Lowering::Plain, Dispatch::Match)] {
            for collect_always in [false, true] {
                let mailbox_messages_max = MAILBOX as u64;
                let config = Config { lowering, dispatch, collect_always, mailbox_messages_max, ..Config::default() };
                prop_assert_eq!(&machine_tells(&module, config), &wanted, "{:?} {:?}", lowering, collect_always);
            }
        }
    }
}
