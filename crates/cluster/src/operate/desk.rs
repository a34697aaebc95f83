//! Answering: what operators ask of this node.

use super::notation::Scope;
use super::{
    Answer, Call, FiberName, FiberPage, FiberReport, FiberRow, First, KillReason, MemberRow, MemberState, Question, Refusal,
    cut, from_bytes, shown,
};
use crate::grants::{Denial, Reach};
use crate::limits::{
    CALL_TIME_MAX, CALLS_MAX, LOOK_MAX, NOTATION_BYTES_MAX, PAGE_FIBERS_MAX, PAGE_MEMBERS_MAX, ROW_NAMES_MAX,
};
use crate::membership::Member;
use crate::router::{Home, Router};
use fardel_vm::door::{Input, SendError, Signal};
use fardel_vm::exit::{ExitReason, TraceFrame};
use fardel_vm::fiber::FiberId;
use fardel_vm::inspect::{self, Doing};
use fardel_vm::value::Value;
use fardel_wire::frame::Message;
use fardel_wire::id::{ActorId, NodeId};
use fardel_wire::limits::ANSWER_BYTES_MAX;
use fardel_wire::peers::Peers;
use fardel_wire::session::Session;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a node takes in an answer besides its texts, and the answer its share.
const MEMBER_BYTES: usize = 160;

/// What the node has to do for operators.
#[derive(Default, Debug)]
pub(crate) struct Desk {
    /// The address that is told of the ends of fibers that were called, once there is one.
    watcher: Option<FiberId>,
    /// The calls that wait, by the address that their reply goes to.
    calls: BTreeMap<FiberId, Waiting>,
}

/// A call that waits for its reply.
#[derive(Debug)]
struct Waiting {
    peer: NodeId,
    request: u64,
    /// The fiber that was called.
    to: FiberId,
    /// The number of the token.
    number: u64,
    until: u64,
}

impl Desk {
    /// Whether a reply to somebody's call goes to an address.
    pub(crate) fn awaits(&self, to: FiberId) -> bool {
        self.calls.contains_key(&to)
    }

    /// Whether an address is told of the ends of fibers that were called.
    pub(crate) fn watches(&self, by: FiberId) -> bool {
        self.watcher == Some(by)
    }

    /// When the first of the calls has waited long enough.
    pub(crate) fn next_timeout(&self) -> Option<u64> {
        self.calls.values().map(|call| call.until).min()
    }

    fn take(&mut self, wanted: impl Fn(&Waiting) -> bool) -> Option<(FiberId, Waiting)> {
        let place = self.calls.iter().find(|(_, call)| wanted(call)).map(|(place, _)| *place)?;
        self.calls.remove_entry(&place)
    }
}

fn refused(why: Refusal, text: impl Into<String>) -> Answer {
    Answer::Refused(why, text.into())
}

impl Router {
    /// Takes a question.
    pub(crate) fn asked(
        &mut self,
        now: u64,
        peer: NodeId,
        request: u64,
        body: &[u8],
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        let grants = self.grants_of(peer);
        let question = from_bytes(body);
        // Who belongs to the cluster everybody is told who may speak at all.
        let may = grants.administer || (question == Some(Question::Members) && grants.send != Reach::Nothing);
        if !may {
            self.deny(peer, Denial::Administer);
            let answer = refused(Refusal::Denied, "this node does not let you administer it");
            return self.answer(now, peer, request, &answer, peers);
        }
        let answer = match question {
            Some(Question::Members) => Answer::Members(self.member_rows(peers)),
            Some(Question::Fibers { start, limit }) => fibers(home, start, limit),
            Some(Question::Inspect { fiber }) => self.look(&fiber, home),
            Some(Question::Send { to, value }) => self.post(&to, &value, home),
            Some(Question::Kill { fiber, reason }) => kill(&fiber, reason, home),
            Some(Question::Call { to, value, time_ms }) => {
                let until = now.saturating_add(time_ms.saturating_mul(1_000_000).min(CALL_TIME_MAX));
                match self.call((peer, request), &to, &value, until, home) {
                    Ok(()) => return,
                    Err(answer) => answer,
                }
            }
            None => {
                self.stats.malformed += 1;
                refused(Refusal::Unknown, "this node does not know the question")
            }
        };
        self.answer(now, peer, request, &answer, peers);
    }

    /// Answers, if there is room on the way: whoever asks and does not take the answers gets none, and holds up nobody.
    fn answer(&mut self, now: u64, peer: NodeId, request: u64, answer: &Answer, peers: &mut Peers) {
        let fresh = self.fresh_session();
        let body = Cow::Owned(answer.to_bytes());
        if peers.session(peer).is_none() || peers.send(now, peer, fresh, &Message::Answer { request, body }).is_err() {
            self.stats.dropped += 1;
        }
    }

    fn member_rows(&self, peers: &Peers) -> Vec<MemberRow> {
        let own = self.addresses.node;
        let state = |node: NodeId| match peers.session(node) {
            _ if node == own => MemberState::Itself,
            _ if self.membership.is_down(node) => MemberState::Down,
            Some(session) if session.is_connected() => MemberState::Connected,
            Some(session) if Session::is_established(session) => MemberState::Apart,
            Some(_) | None => MemberState::Known,
        };
        let row = |(node, member): (NodeId, &Member)| MemberRow {
            name: member.name.clone(),
            id: node.to_string(),
            incarnation: member.incarnation.0,
            address: member.address.clone(),
            labels: member.labels.clone(),
            state: state(node),
        };
        let mut left = ANSWER_BYTES_MAX;
        let fits = |row: &MemberRow| {
            let labels: usize = row.labels.iter().map(|label| label.len() + 5).sum();
            left = left.saturating_sub(MEMBER_BYTES + row.name.len() + row.address.len() + labels);
            left > 0
        };
        self.members().take(PAGE_MEMBERS_MAX).map(row).take_while(fits).collect()
    }

    fn look(&self, fiber: &FiberName, home: &mut impl Home) -> Answer {
        let report = find(fiber, home).and_then(|fiber| home.machine().inspect(fiber, LOOK_MAX));
        let Some(mut report) = report else { return no_fiber(fiber) };
        let ties = report.watched_by.items.len();
        report.watched_by.items.retain(|by| !self.desk.watches(*by));
        report.watched_by.count -= (ties - report.watched_by.items.len()) as u64;
        let texts = |first: inspect::First<FiberId>| First {
            items: first.items.into_iter().map(|fiber| self.fiber_text(fiber)).collect(),
            count: first.count,
        };
        Answer::Fiber(Box::new(FiberReport {
            fiber: row(report.summary),
            heap_bytes: report.heap_bytes,
            stack_bytes: report.stack_bytes,
            memory_bytes_max: report.memory_bytes_max,
            messages_max: report.messages_max,
            takes: cut(&report.takes).to_owned(),
            traps_exits: report.traps_exits,
            mailbox: First {
                items: report.mailbox.items.iter().map(|name| cut(name).to_owned()).collect(),
                count: report.mailbox.count,
            },
            links: texts(report.links),
            watched_by: texts(report.watched_by),
            watches: texts(report.watches),
            stack: report.stack.iter().map(call).collect(),
            is_stack_cut: report.is_stack_cut,
        }))
    }

    fn post(&self, to: &FiberName, text: &str, home: &mut impl Home) -> Answer {
        let Some(fiber) = find(to, home) else { return no_fiber(to) };
        match self.read_value(text, None, home) {
            Ok((value, _)) => home.machine().send(fiber, value).map_or_else(|error| unsent(to, &error), |()| Answer::Done),
            Err(problem) => refused(Refusal::BadValue, problem),
        }
    }

    /// Calls a fiber; the answer comes later when nothing is wrong.
    fn call(
        &mut self,
        (peer, request): (NodeId, u64),
        to: &FiberName,
        text: &str,
        until: u64,
        home: &mut impl Home,
    ) -> Result<(), Answer> {
        let fiber = find(to, home).ok_or_else(|| no_fiber(to))?;
        let limit = || refused(Refusal::Limit, "this node has no room for another call");
        if self.desk.calls.len() >= CALLS_MAX {
            return Err(limit());
        }
        if self.desk.watcher.is_none() {
            self.desk.watcher = home.machine().open_remote();
        }
        let watcher = self.desk.watcher.ok_or_else(limit)?;
        let place = home.machine().open_remote().ok_or_else(limit)?;
        let number = self.next_request();
        let sent = match self.read_value(text, Some((place, number)), home) {
            Ok((value, true)) => home.machine().send(fiber, value).map_err(|error| unsent(to, &error)),
            Ok((_, false)) => {
                let wanted = "the message does not say where the reply goes: {\"$reply\": \"address\"} or \"token\"";
                Err(refused(Refusal::BadValue, wanted))
            }
            Err(problem) => Err(refused(Refusal::BadValue, problem)),
        };
        if let Err(answer) = sent {
            close(place, home);
            return Err(answer);
        }
        self.desk.calls.insert(place, Waiting { peer, request, to: fiber, number, until });
        home.machine().handle(Input::Watch { by: watcher, fiber });
        Ok(())
    }

    /// Something was done to the address that the reply to a call goes to.
    pub(crate) fn replied(&mut self, now: u64, place: FiberId, signal: &Signal, home: &mut impl Home, peers: &mut Peers) {
        let Some(call) = self.desk.calls.get(&place) else { return };
        let value = match signal {
            Signal::Message(value) | Signal::Request { value, .. } => value,
            Signal::Reply { number, value } if *number == call.number => value,
            Signal::Reply { .. } | Signal::Refused { .. } | Signal::Exit(_) | Signal::Link | Signal::Unlink => return,
        };
        let answer = match home.machine().value_of(value) {
            Ok(value) => {
                let too_long = || refused(Refusal::Limit, "the reply is too long to be shown");
                self.write_value(&value, home).map_or_else(too_long, Answer::Reply)
            }
            Err(problem) => refused(Refusal::BadValue, problem.to_string()),
        };
        if let Some((place, call)) = self.desk.calls.remove_entry(&place) {
            self.end_call(now, place, &call, &answer, home, peers);
        }
    }

    /// A fiber has ended: whoever has called it and waits is told.
    pub(crate) fn called_ended(
        &mut self,
        now: u64,
        fiber: FiberId,
        reason: &ExitReason,
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        let text = format!("it ended before it replied: {}", cut(&reason.to_string()));
        while let Some((place, call)) = self.desk.take(|call| call.to == fiber) {
            self.end_call(now, place, &call, &refused(Refusal::Ended, text.as_str()), home, peers);
        }
    }

    /// Gives up the calls that have waited long enough.
    pub(crate) fn expire_calls(&mut self, now: u64, home: &mut impl Home, peers: &mut Peers) {
        while let Some((place, call)) = self.desk.take(|call| call.until <= now) {
            self.end_call(now, place, &call, &refused(Refusal::Timeout, "no reply came in time"), home, peers);
        }
    }

    /// Gives up the calls of a node whose session is lost.
    pub(crate) fn drop_calls(&mut self, node: NodeId, home: &mut impl Home) {
        while let Some((place, _)) = self.desk.take(|call| call.peer == node) {
            close(place, home);
        }
    }

    fn end_call(
        &mut self,
        now: u64,
        place: FiberId,
        call: &Waiting,
        answer: &Answer,
        home: &mut impl Home,
        peers: &mut Peers,
    ) {
        close(place, home);
        self.answer(now, call.peer, call.request, answer, peers);
    }

    /// Reads a value as people write it; `reply` is where the reply to it goes, if one is wanted.
    pub(crate) fn read_value(
        &self,
        text: &str,
        reply: Option<(FiberId, u64)>,
        home: &mut impl Home,
    ) -> Result<(Value, bool), String> {
        let machine = &*home.machine();
        let find = |text: &str| self.fiber_at(text, machine);
        Scope { machine, find: &find, show: &|fiber| self.fiber_text(fiber), reply }.read(text)
    }

    fn write_value(&self, value: &Value, home: &mut impl Home) -> Option<String> {
        let machine = &*home.machine();
        let scope = Scope { machine, find: &|_| None, show: &|fiber| self.fiber_text(fiber), reply: None };
        scope.write(value, NOTATION_BYTES_MAX)
    }

    /// The fiber that people write so: `one/12.3`, `one/kv`, or without this node's name.
    fn fiber_at(&self, text: &str, machine: &fardel_vm::machine::Machine) -> Option<FiberId> {
        let (node, name) = match text.split_once('/') {
            None => (self.addresses.node, text),
            Some((node, name)) => (self.node_named(node)?, name),
        };
        match FiberName::of(name) {
            name if node == self.addresses.node => find_in(&name, machine),
            FiberName::Id(slot, generation) => {
                let incarnation = self.member_at(node)?.incarnation;
                self.addresses.known(ActorId { node, incarnation, fiber: FiberId { slot, generation } })
            }
            FiberName::Name(_) => None,
        }
    }

    /// How people write a fiber.
    fn fiber_text(&self, fiber: FiberId) -> String {
        let name = |node: NodeId| self.member_at(node).map_or_else(|| node.to_string(), |member| member.name.clone());
        if self.desk.watches(fiber) || self.desk.awaits(fiber) {
            return "an operator".to_owned();
        }
        match self.addresses.node_at(fiber) {
            None => shown(&name(self.addresses.node), fiber),
            Some(node) => match self.addresses.id(fiber) {
                id if id.node == node => shown(&name(node), id.fiber),
                _ => format!("node {}", cut(&name(node))),
            },
        }
    }
}

/// Ends an address that a reply was to go to.
fn close(place: FiberId, home: &mut impl Home) {
    home.machine().handle(Input::Gone { remote: place, reason: ExitReason::NoProc });
}

fn find(name: &FiberName, home: &mut impl Home) -> Option<FiberId> {
    find_in(name, home.machine())
}

fn find_in(name: &FiberName, machine: &fardel_vm::machine::Machine) -> Option<FiberId> {
    match name {
        FiberName::Id(slot, generation) => {
            Some(FiberId { slot: *slot, generation: *generation }).filter(|fiber| machine.is_fiber(*fiber))
        }
        FiberName::Name(name) => machine.fiber_named(name),
    }
}

fn no_fiber(name: &FiberName) -> Answer {
    let text = match name {
        FiberName::Id(..) => format!("there is no fiber {name}, or it has ended"),
        FiberName::Name(_) => format!("no fiber has the name `{}`", cut(&name.to_string())),
    };
    refused(Refusal::NoFiber, text)
}

fn unsent(to: &FiberName, error: &SendError) -> Answer {
    let why = match error {
        SendError::NoFiber(_) => return no_fiber(to),
        SendError::WrongType { .. } | SendError::Unreadable(_) => Refusal::BadValue,
        SendError::MailboxFull(_) | SendError::Waits(_) | SendError::NoMemory => Refusal::Limit,
    };
    refused(why, cut(&error.to_string()))
}

fn kill(name: &FiberName, reason: KillReason, home: &mut impl Home) -> Answer {
    let Some(fiber) = find(name, home) else { return no_fiber(name) };
    let reason = match reason {
        KillReason::Kill => ExitReason::Kill,
        KillReason::Shutdown => ExitReason::Shutdown,
        KillReason::Normal => ExitReason::Normal,
    };
    home.machine().handle(Input::Exit { fiber, reason });
    Answer::Done
}

fn fibers(home: &mut impl Home, start: u32, limit: u32) -> Answer {
    let page = home.machine().page(start, limit.min(PAGE_FIBERS_MAX) as usize);
    let alive = home.machine().stats().fibers_live;
    Answer::Fibers(FiberPage { fibers: page.fibers.into_iter().map(row).collect(), next: page.next, alive })
}

fn row(summary: inspect::Summary) -> FiberRow {
    let state = match summary.doing {
        Doing::Runs => "running",
        Doing::Receives => "receiving",
        Doing::Calls => "calling",
        Doing::Sends => "sending",
        Doing::Waits => "waiting",
    };
    FiberRow {
        slot: summary.fiber.slot,
        generation: summary.fiber.generation,
        state: state.to_owned(),
        place: summary.place.as_ref().map(call),
        messages: summary.messages,
        message_bytes: summary.message_bytes,
        memory_bytes: summary.block_bytes,
        names: summary.names.iter().take(ROW_NAMES_MAX).map(|name| cut(name).to_owned()).collect(),
    }
}

fn call(frame: &TraceFrame) -> Call {
    let (file, line) = frame.source.as_ref().map_or(("", 0), |(file, line)| (file.as_str(), *line));
    Call { function: cut(&frame.function).to_owned(), offset: frame.offset, file: cut(file).to_owned(), line }
}
