//! Operating a node from another one: what can be asked, what is answered, and the bytes of both.
//!
//! A question is a [`Question`] as MessagePack in an ASK frame, an answer an [`Answer`] in an ANSWER frame; docs/spec/wire.md
//! has the fields. Values of programs are texts in [`notation`].
//!
//! **Invariant:** who may not administer learns nothing but that.

mod asking;
mod desk;
pub mod notation;

pub use asking::Asked;
pub(crate) use asking::Asking;
pub(crate) use desk::Desk;

use crate::limits::{NESTING_MAX, TEXT_BYTES_MAX};
use fardel_vm::fiber::FiberId;
use fardel_wire::limits::{ANSWER_BYTES_MAX, ASK_BYTES_MAX};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What can be asked of a node.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Which nodes it knows: [`Answer::Members`].
    Members,
    /// Which fibers are alive on it: [`Answer::Fibers`].
    Fibers {
        /// The place where the page begins; 0 for the first one.
        start: u32,
        /// How many fibers at most.
        limit: u32,
    },
    /// A close look at a fiber: [`Answer::Fiber`].
    Inspect {
        /// Which.
        fiber: FiberName,
    },
    /// A message for a fiber: [`Answer::Done`] when its mailbox has it.
    Send {
        /// To which.
        to: FiberName,
        /// The message in [`notation`].
        value: String,
    },
    /// A message for a fiber that asks for a reply: [`Answer::Reply`].
    Call {
        /// To which.
        to: FiberName,
        /// The message in [`notation`], with a place that says where the reply goes.
        value: String,
        /// How long to wait, in milliseconds.
        time_ms: u64,
    },
    /// An exit signal for a fiber: [`Answer::Done`].
    Kill {
        /// For which.
        fiber: FiberName,
        /// With what reason.
        reason: KillReason,
    },
}

/// How people name a fiber of a node.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum FiberName {
    /// By its place and generation, as listings show them.
    Id(u32, u32),
    /// By a name that it has on its node.
    Name(String),
}

/// The exit reasons that a fiber can be given from outside.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum KillReason {
    /// It cannot be withstood.
    Kill,
    /// A fiber that traps exits gets it as a message.
    Shutdown,
    /// Only a fiber that traps exits notices.
    Normal,
}

/// What is answered.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The nodes that are known, the one that answers included.
    Members(Vec<MemberRow>),
    /// Some of the fibers that are alive.
    Fibers(FiberPage),
    /// A fiber.
    Fiber(Box<FiberReport>),
    /// It was done.
    Done,
    /// A reply, in [`notation`].
    Reply(String),
    /// A fiber was started. Only [`Asked`] gives it: on the wire it is SPAWNED.
    Started(u32, u32),
    /// It was not done.
    Refused(Refusal, String),
}

/// Why something was not done.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Whoever asks may not.
    Denied,
    /// The question is none that the node knows.
    Unknown,
    /// There is no such fiber, or it has ended.
    NoFiber,
    /// The value cannot be read, or is none that the fiber takes.
    BadValue,
    /// The mailbox is full, or a limit of the node was reached.
    Limit,
    /// No reply came in time.
    Timeout,
    /// The fiber ended before it replied.
    Ended,
    /// The session with the node was lost.
    Lost,
}

/// A node.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct MemberRow {
    /// Its name.
    pub name: String,
    /// Its id, 32 hexadecimal digits.
    pub id: String,
    /// How often it has been started.
    pub incarnation: u32,
    /// Where it can be reached; empty when it takes no connections.
    pub address: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// What the node that answers has to do with it.
    pub state: MemberState,
}

/// What one node has to do with another.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// It is the node itself.
    Itself,
    /// There is a connection.
    Connected,
    /// There is a session without a connection.
    Apart,
    /// It was heard of.
    Known,
    /// It is down, or has left.
    Down,
}

/// Fibers that are alive.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct FiberPage {
    /// Some of them, in the order of their places.
    pub fibers: Vec<FiberRow>,
    /// The place where the next page begins, if there is one.
    pub next: Option<u32>,
    /// How many are alive.
    pub alive: u64,
}

/// A fiber in a listing.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct FiberRow {
    /// Its place.
    pub slot: u32,
    /// Its generation.
    pub generation: u32,
    /// What it is doing.
    pub state: String,
    /// Where it is in its code.
    pub place: Option<Call>,
    /// Messages in its mailbox.
    pub messages: u64,
    /// Bytes of these.
    pub message_bytes: u64,
    /// Bytes of its block.
    pub memory_bytes: u64,
    /// Some of its names.
    pub names: Vec<String>,
}

/// A place in the code of a program.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The function.
    pub function: String,
    /// The place in its code, in bytes.
    pub offset: u32,
    /// The source file; empty where the module does not tell.
    pub file: String,
    /// The line in it, from 1.
    pub line: u32,
}

/// The first of a number of things.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct First {
    /// These.
    pub items: Vec<String>,
    /// How many there are.
    pub count: u64,
}

/// A fiber, looked at closely. Other fibers are named as `one/12.3`: node, place, generation.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct FiberReport {
    /// What a listing says of it.
    pub fiber: FiberRow,
    /// Bytes of its heap in use.
    pub heap_bytes: u64,
    /// Bytes of its stack.
    pub stack_bytes: u64,
    /// Bytes that it may hold.
    pub memory_bytes_max: u64,
    /// Messages that its mailbox takes.
    pub messages_max: u64,
    /// What its mailbox takes, as `Int | Text`.
    pub takes: String,
    /// Whether exit signals come to it as messages.
    pub traps_exits: bool,
    /// The types of the messages in its mailbox, the oldest first.
    pub mailbox: First,
    /// The fibers that it is linked with.
    pub links: First,
    /// The fibers that watch it.
    pub watched_by: First,
    /// The fibers that it watches, or waits for.
    pub watches: First,
    /// The calls that it is in, the innermost first.
    pub stack: Vec<Call>,
    /// Whether there are more.
    pub is_stack_cut: bool,
}

impl FiberName {
    /// The fiber of the id or name that a text is: `12.3`, or any other.
    pub fn of(text: &str) -> FiberName {
        let number = |part: &str| if part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse().ok() } else { None };
        let id = text.split_once('.').and_then(|(slot, generation)| Some((number(slot)?, number(generation)?)));
        id.map_or_else(|| FiberName::Name(text.to_owned()), |(slot, generation)| FiberName::Id(slot, generation))
    }
}

impl std::fmt::Display for FiberName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FiberName::Id(slot, generation) => write!(f, "{slot}.{generation}"),
            FiberName::Name(name) => f.write_str(name),
        }
    }
}

/// How a fiber of a node is written.
fn shown(node: &str, fiber: FiberId) -> String {
    format!("{}/{}.{}", cut(node), fiber.slot, fiber.generation)
}

/// A text that is shown, without its end when it is long.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(TEXT_BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

impl Question {
    /// Its bytes; none when there are more than a node takes.
    fn to_bytes(&self) -> Option<Vec<u8>> {
        to_bytes(self, ASK_BYTES_MAX)
    }
}

impl Answer {
    /// Its bytes, or those of a refusal where there are more than a node takes.
    fn to_bytes(&self) -> Vec<u8> {
        let too_long = || Answer::Refused(Refusal::Limit, "the answer is too long".to_owned());
        to_bytes(self, ANSWER_BYTES_MAX).or_else(|| to_bytes(&too_long(), ANSWER_BYTES_MAX)).unwrap_or_default()
    }
}

fn to_bytes(message: &impl Serialize, bytes_max: usize) -> Option<Vec<u8>> {
    rmp_serde::to_vec_named(message).ok().filter(|bytes| bytes.len() <= bytes_max)
}

/// The question or answer of the bytes of a peer, which the wire has limited; none when they are something else.
fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut left = rmp_serde::Deserializer::new(bytes);
    left.set_max_depth(NESTING_MAX);
    let message = T::deserialize(&mut left).ok()?;
    left.get_ref().is_empty().then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_two_numbers_and_all_else_is_a_name() {
        assert_eq!(FiberName::of("12.3"), FiberName::Id(12, 3));
        for name in ["kv", "12", "12.", ".3", "12.3.4", "+1.2", "12.x", "4294967296.1", ""] {
            assert_eq!(FiberName::of(name), FiberName::Name(name.to_owned()));
        }
    }

    #[test]
    fn damaged_bytes_are_another_question_or_none() {
        let fiber = || FiberName::Id(12, 3);
        let questions = [
            Question::Members,
            Question::Fibers { start: 70_000, limit: 5 },
            Question::Inspect { fiber: FiberName::Name("kv".into()) },
            Question::Call { to: fiber(), value: "{}".into(), time_ms: u64::MAX },
            Question::Kill { fiber: fiber(), reason: KillReason::Shutdown },
        ];
        let bytes: Vec<Vec<u8>> = questions.iter().filter_map(Question::to_bytes).collect();
        assert_eq!(bytes.len(), questions.len());
        for bytes in bytes {
            for at in 0..bytes.len() {
                for change in 1..=u8::MAX {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    let (question, answer) = (from_bytes::<Question>(&changed), from_bytes::<Answer>(&changed));
                    if let Some(question) = question {
                        let written = question.to_bytes().expect("it is as short as before");
                        assert_eq!(from_bytes(&written), Some(question));
                    }
                    // None of these is an answer, whatever it is.
                    assert!(!matches!(answer, Some(Answer::Fiber(_) | Answer::Fibers(_))), "{changed:?}");
                }
            }
        }
    }

    #[test]
    fn bytes_are_one_question_and_nothing_else() {
        let question = Question::Call { to: FiberName::Name("kv".into()), value: "{}".into(), time_ms: 5 };
        let bytes = question.to_bytes().expect("it is short");
        assert_eq!(from_bytes(&bytes), Some(question));
        for end in 0..bytes.len() {
            assert_eq!(from_bytes::<Question>(&bytes[..end]), None);
        }
        assert_eq!(from_bytes::<Question>(&[&bytes[..], &[0xc0]].concat()), None);
        // A list of 2^32 - 1 members, in an answer of 14 bytes.
        let long = [&[0x81, 0xa7][..], b"members", &[0xdd, 0xff, 0xff, 0xff, 0xff]].concat();
        assert_eq!(from_bytes::<Answer>(&long), None);
        // What is nested deeper than any question is.
        assert_eq!(from_bytes::<Question>(&[0x91; 60_000]), None);
        let text = Question::Send { to: FiberName::Id(1, 2), value: "x".repeat(ASK_BYTES_MAX) };
        assert_eq!(text.to_bytes(), None);
    }
}
